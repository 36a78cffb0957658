/* SPDX-License-Identifier: MIT */
/*
 * sched.c - decides whose turn it is. A thread that has announced an operation gives way here. The
 * next step is chosen, as the search or a given schedule dictates, or freely. Its clock and its
 * races are kept, the operation is performed, and its thread is switched to.
 *
 * Steps that the execution before has run already keep their clocks and races. For them only the
 * objects' last accesses are brought up to date.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"
#include "explore/search/search.h"

#include <stdio.h>

/* --- who can go on ------------------------------------------------------- */

/* Of locks, which are by far the most, a branch is cheaper than a table of jumps. */
static inline bool can_go(const struct pending *p, const struct thread *t)
{
	const rwsem_t *sem = p->addr;

	if (p->kind == SYNC_LOCK)
		return *(const uint32_t *)p->addr == 0;
	switch (p->kind) {
	case SYNC_RLOCK:
		return sem->owner == 0;
	case SYNC_WLOCK:
		return sem->owner == 0 && sem->readers == 0;
	case SYNC_RCU_WAIT:
		return t->wait[WAIT_RCU].open == 0;
	case SYNC_GUARD_WAIT:
		return t->wait[WAIT_GUARDS].open == 0;
	case SYNC_BEGIN:
		return t->wait[WAIT_RCU].open == 0 && t->wait[WAIT_ENDS].open == 0;
	case SYNC_ENDS:
		return t->wait[WAIT_ENDS].open == 0;
	case SYNC_SPIN:
		return false;
	case SYNC_AWAIT:
	case SYNC_RELAX:
		return p->pred(model_latest(p->addr, p->bytes), p->a);
	default:
		return true;
	}
}

bool sched_can_go(const struct pending *p, const struct thread *t) { return can_go(p, t); }

static inline bool enabled(unsigned thread) { return can_go(&x.pend[thread], &x.thread[thread]); }

/* --- choosing ------------------------------------------------------------ */

static uint16_t enabled_threads(void)
{
	uint16_t all = x.alive & (uint16_t)~x.blockable;

	for (unsigned m = x.alive & x.blockable; m; m &= m - 1)
		if (enabled((unsigned)__builtin_ctz(m)))
			all |= (uint16_t)(1u << __builtin_ctz(m));
	return all;
}

/* The thread of a step that nobody has dictated: stay with the last one. */
static int thread_free(uint16_t candidates)
{
	int last = x.depth ? x.step[x.depth - 1].thread : 0;

	return candidates >> last & 1 ? last : __builtin_ctz(candidates);
}

/* Are only threads left that may wait without end? */
static bool all_may_wait(void)
{
	for (unsigned m = x.alive; m; m &= m - 1)
		if (!x.thread[__builtin_ctz(m)].forever)
			return false;
	return true;
}

/* A step of a schedule that was given. */
static int choose_forced(struct step *s, uint16_t can)
{
	const struct schedule *f = x.schedule;

	s->choice = 0;
	if (x.depth < f->count && f->thread[x.depth]) {
		s->thread = (uint8_t)(f->thread[x.depth] - 1);
		s->choice = f->choice[x.depth];
		return (can >> s->thread & 1) && s->choice < x.pend[s->thread].choices ?
			-1 : RUN_ABORTED;
	}
	s->thread = (uint8_t)thread_free(can);
	return -1;
}

/* Fill step[depth].thread and .choice. Returns -1, or how the run ends. */
static int choose(struct step *s)
{
	uint16_t can, awake;

	if (x.depth < x.known) /* as in the execution before */
		return -1;
	if (!x.schedule && search_dictates(x.depth, &s->thread, &s->choice))
		return -1;
	can = enabled_threads();
	if (!can)
		return all_may_wait() ? RUN_COMPLETE : RUN_DEADLOCK;
	if (x.schedule)
		return choose_forced(s, can);
	awake = search_awake(can);
	if (!awake)
		return RUN_ASLEEP;
	s->thread = (uint8_t)thread_free(awake);
	s->choice = 0;
	search_chose(x.depth, s->thread, can);
	return -1;
}

/* --- one step ------------------------------------------------------------ */

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

uint8_t sched_finds(const struct step *s)
{
	const rwsem_t *sem = s->addr;
	bool counts = s->kind != SYNC_TRYLOCK && s->kind != SYNC_IS_LOCKED;

	if (sem->owner)
		return 0;
	return FOUND_NO_WRITER | (counts && sem->readers ? 0 : FOUND_FREE);
}

/* The step, which is about to run, tries a lock or asks about it. */
static void find(struct step *s)
{
	s->found = sched_finds(s);
	if (s->kind == SYNC_TRY_RLOCK && step_found_taken(s))
		s->release = (int16_t)x.depth; /* it has let go at once */
}

/* The step, which is about to run, is an access of memory as those are that compilers tell of. */
static void __attribute__((noinline)) watch(const struct step *s)
{
	const struct touch touch = { { s->site, NULL }, x.depth, s->thread, false };

	plain_operation(s);
	if (door_is_on_stacks(s->addr))
		lifetime_of_stack(&touch, epoch_of_step(x.depth), s->addr, s->bytes, false);
}

/* Step[depth], whose thread is known, is about to run. False: it must not. */
static bool step_account(void)
{
	struct step *s = &x.step[x.depth];
	unsigned thread = s->thread;
	const struct pending *p = &x.pend[thread];
	struct thread *t = &x.thread[thread];
	struct object *o = NULL;

	if (!(x.alive >> thread & 1) || ((x.blockable >> thread & 1) && !enabled(thread)))
		return parted(s, p);
	if (x.depth < x.known) {
		if (s->kind != p->kind || s->addr != p->addr)
			return parted(s, p);
		if (p->cls)
			o = object_again(x.depth, p->addr);
		clock_restore(thread, x.depth);
	} else {
		if (p->cls)
			o = object_of(p->addr);
		clock_step(x.depth, s, thread, o);
		if (s->choice >= p->choices)
			return parted(s, p);
		if (!x.schedule && !search_took(x.depth))
			return false;
	}
	s->release = -1;
	s->found = 0;
	if (kind_tries(s->kind))
		find(s);
	t->idx = s->idx;
	t->last = (int16_t)x.depth;
	if (o)
		clock_touch(o, x.depth, s);
	if (x.plain && s->bytes)
		watch(s);
	if (x.trace)
		x.event = engine_record_step(thread);
	return true;
}

static inline uint64_t take(const struct pending *p, uint32_t self)
{
	rwsem_t *sem = p->addr;
	uint32_t *owner = p->addr;

	if (p->kind == SYNC_LOCK) {
		*owner = self;
		return true;
	}
	switch (p->kind) {
	case SYNC_TRYLOCK:
		if (*owner)
			return false;
		*owner = self;
		break;
	case SYNC_UNLOCK:
		*owner = 0;
		break;
	case SYNC_TRY_RLOCK:
		if (sem->owner)
			return false;
		sem->readers++;
		break;
	case SYNC_RLOCK:
		sem->readers++;
		break;
	case SYNC_TRY_WLOCK:
		if (sem->owner || sem->readers)
			return false;
		sem->owner = self;
		break;
	case SYNC_WLOCK:
		sem->owner = self;
		break;
	case SYNC_RUNLOCK:
		sem->readers--;
		break;
	case SYNC_WUNLOCK:
		sem->owner = 0;
		break;
	case SYNC_DOWNGRADE:
		sem->owner = 0;
		sem->readers++;
		break;
	case SYNC_IS_LOCKED:
		return *owner != 0;
	case SYNC_IS_RWLOCKED:
		return sem->owner || sem->readers;
	}
	return true;
}

uint64_t sched_take(const struct pending *p, uint32_t self) { return take(p, self); }

/* What the step that begins does to memory, and the value that its thread is given. */
static uint64_t perform(const struct pending *p)
{
	if (p->kind <= SYNC_INC)
		return x.step_old[x.depth] = model_perform(p);
	if (kind_awaits(p->kind))
		return x.step_old[x.depth] = model_latest(p->addr, p->bytes);
	if (p->kind == SYNC_CHOOSE)
		return x.step[x.depth].choice;
	return x.step_old[x.depth] = take(p, (uint32_t)x.cur + 1);
}

/* Choose the next step; x.cur is then to run. False: the run is over, x.end says how. */
bool sched_begin(void)
{
	struct step *s = &x.step[x.depth];
	int end;

	x.end = RUN_COMPLETE;
	if (!x.alive)
		return false;
	x.end = RUN_ABORTED;
	if ((unsigned)x.depth == x.steps_max) {
		endless_report();
		return false;
	}
	end = choose(s);
	if (end >= 0) {
		x.end = (enum run_end)end;
		return false;
	}
	if (!step_account())
		return false;
	x.cur = s->thread; /* who is to blame for a wild pointer */
	x.value = perform(&x.pend[x.cur]);
	return true;
}

static void step_end(void)
{
	const struct step *s = &x.step[x.depth++];

	if (!x.trace)
		return;
	if (x.event != SIZE_MAX && kind_is_word(s->kind))
		x.trace->event[x.event].word[0] = model_latest(s->addr, s->bytes);
	engine_watch();
}

bool sched_next(void)
{
	step_end();
	return sched_begin();
}

/*
 * Give way at a visible operation. The thread that stops does the scheduling,
 * so that going on with the same thread needs no switch, and another thread
 * only one; the explorer's own stack is returned to at the end of the run.
 */
uint64_t sched_give_way(void)
{
	struct fiber *me = &x.fiber[x.cur];

	if (x.aside)
		return fiber_switch(me, &x.main, 0);
	if (!sched_next())
		return fiber_switch(me, &x.main, 0);
	if (&x.fiber[x.cur] == me)
		return x.value;
	return fiber_switch(me, &x.fiber[x.cur], x.value);
}
