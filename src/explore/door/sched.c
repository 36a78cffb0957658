/* SPDX-License-Identifier: MIT */
/*
 * sched.c - whose turn it is: a thread that has announced an operation gives way here, the next
 * step is chosen (as the search or a schedule dictates, or freely), accounted for, and run.
 *
 * Steps that an earlier execution has run already (all but the last of the dictated ones) keep
 * their clocks and races: only the objects' last accesses are brought up to date for them.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"
#include "explore/search/search.h"

#include <stdio.h>

/* --- who can go on ------------------------------------------------------- */

bool engine_can_go(const struct pending *p, const struct thread *t)
{
	const rwsem_t *sem = p->addr;

	switch (p->kind) {
	case SYNC_LOCK:
		return *(const uint32_t *)p->addr == 0;
	case SYNC_RLOCK:
		return sem->owner == 0;
	case SYNC_WLOCK:
		return sem->owner == 0 && sem->readers == 0;
	case SYNC_RCU_WAIT:
		return t->wait[WAIT_RCU].open == 0;
	case SYNC_GUARD_WAIT:
		return t->wait[WAIT_GUARDS].open == 0;
	case SYNC_AWAIT:
	case SYNC_RELAX:
		return p->pred(engine_word(p->addr, p->bytes), p->arg);
	default:
		return true;
	}
}

bool engine_enabled(unsigned thread)
{
	return engine_can_go(&x.pend[thread], &x.thread[thread]);
}

/* --- choosing ------------------------------------------------------------ */

static uint16_t enabled_threads(void)
{
	uint16_t enabled = x.alive & (uint16_t)~x.blockable;

	for (unsigned m = x.alive & x.blockable; m; m &= m - 1)
		if (engine_enabled((unsigned)__builtin_ctz(m)))
			enabled |= (uint16_t)(1u << __builtin_ctz(m));
	return enabled;
}

/* The thread of a step that nobody has dictated: stay with the last one. */
static int thread_free(uint16_t candidates)
{
	int last = x.depth ? x.step[x.depth - 1].thread : 0;

	return candidates >> last & 1 ? last : __builtin_ctz(candidates);
}

/* A step of a schedule that was given. */
static int choose_forced(struct step *s, uint16_t enabled)
{
	const struct schedule *f = x.schedule;

	s->choice = 0;
	if (x.depth < f->count && f->thread[x.depth]) {
		s->thread = (uint8_t)(f->thread[x.depth] - 1);
		s->choice = f->choice[x.depth];
		return (enabled >> s->thread & 1) && s->choice < x.pend[s->thread].choices ?
			-1 : RUN_ABORTED;
	}
	if (f->alone >= 0)
		enabled &= (uint16_t)(1u << f->alone);
	if (!enabled)
		return RUN_ASLEEP;
	s->thread = (uint8_t)thread_free(enabled);
	return -1;
}

/* Fill step[depth].thread and .choice. Returns -1, or how the run ends. */
static int choose(struct step *s)
{
	uint16_t enabled, awake;

	if (x.depth < x.known) /* as in the execution before */
		return -1;
	if (!x.schedule && search_dictates(x.depth, &s->thread, &s->choice))
		return -1;
	enabled = enabled_threads();
	if (!enabled)
		return RUN_DEADLOCK;
	if (x.schedule)
		return choose_forced(s, enabled);
	awake = search_awake(enabled);
	if (!awake)
		return RUN_ASLEEP;
	s->thread = (uint8_t)thread_free(awake);
	s->choice = 0;
	search_chose(x.depth, s->thread, enabled);
	return -1;
}

/* --- one step ------------------------------------------------------------ */

static bool is_word(uint8_t kind)
{
	return kind <= SYNC_INC || kind_awaits(kind);
}

static uint64_t word_at(const struct step *s) { return engine_word(s->addr, s->bytes); }

/* Another run of this schedule did step s where now p, or nothing, can be done. */
static bool parted(const struct step *s, const struct pending *p)
{
	bool ended = !(x.alive >> s->thread & 1), same = s->kind == p->kind && s->site == p->site;
	char name[8], now[96] = "ended";

	if (x.depth >= x.known) { /* it was planned, never run: the search is to blame */
		search_strayed();
		return false;
	}
	if (!ended)
		snprintf(now, sizeof(now), "%s%s in %s:%d",
			 same ? "waits for, or meets elsewhere, " : "comes to ",
			 engine_operations[p->kind].name, p->site->function, p->site->line);
	engine_fail(ORACLE_DETERMINISM, -1, -1, -1,
		    "step %d: %s %s, and in an equal run did %s in %s:%d",
		    x.depth + 1, engine_thread_name(s->thread, name), now,
		    engine_operations[s->kind].name, s->site->function, s->site->line);
	return false;
}

/* Step[depth], whose thread is known, is about to run. False: it must not. */
static bool step_account(void)
{
	struct step *s = &x.step[x.depth];
	unsigned thread = s->thread;
	const struct pending *p = &x.pend[thread];
	struct thread *t = &x.thread[thread];
	struct object *o = NULL;

	if (!(x.alive >> thread & 1) || ((x.blockable >> thread & 1) && !engine_enabled(thread)))
		return parted(s, p);
	if (x.depth < x.known) {
		if (s->kind != p->kind || s->addr != p->addr)
			return parted(s, p);
		if (p->cls)
			o = object_again(x.depth, p->addr);
		clock_restore(thread, x.depth);
	} else {
		if (p->cls)
			o = engine_object(p->addr);
		engine_step_fresh(x.depth, s, thread, o);
		if (is_word(s->kind))
			x.step_old[x.depth] = word_at(s);
		if (!x.schedule)
			search_took(x.depth);
	}
	s->release = -1;
	t->idx = s->idx;
	t->last = (int16_t)x.depth;
	if (o)
		engine_touch(o, x.depth, s);
	if (x.plain && is_word(s->kind))
		plain_operation(s);
	if (x.trace)
		x.event = engine_record_step(thread);
	return true;
}

/* Choose the next step; x.cur is then to run. False: the run is over, x.end says how. */
bool engine_step_begin(void)
{
	struct step *s = &x.step[x.depth];
	int end;

	x.end = RUN_COMPLETE;
	if (!x.alive)
		return false;
	x.end = RUN_ABORTED;
	if ((unsigned)x.depth == x.steps_max) {
		engine_fail(ORACLE_STEPS, -1, -1, -1, "an execution takes more than %u steps",
			    x.steps_max);
		return false;
	}
	end = choose(s);
	if (end >= 0) {
		x.end = (enum run_end)end;
		return false;
	}
	if (!step_account())
		return false;
	x.cur = s->thread;
	return true;
}

static void step_end(void)
{
	const struct step *s = &x.step[x.depth++];

	if (!x.trace)
		return;
	if (x.event != SIZE_MAX && is_word(s->kind))
		x.trace->event[x.event].word[0] = word_at(s);
	engine_watch();
}

/*
 * Give way at a visible operation. The thread that stops does the scheduling,
 * so that going on with the same thread needs no switch, and another thread
 * only one; the explorer's own stack is returned to at the end of the run.
 */
void engine_yield(void)
{
	struct fiber *me = &x.fiber[x.cur];

	if (x.starting) {
		fiber_switch(me, &x.main);
		return;
	}
	step_end();
	if (!engine_step_begin())
		fiber_switch(me, &x.main);
	else if (&x.fiber[x.cur] != me)
		fiber_switch(me, &x.fiber[x.cur]);
}
