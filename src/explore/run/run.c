/* SPDX-License-Identifier: MIT */
/*
 * run.c - one execution of a check: restores the state that set-up left, and
 * runs the threads as fibers along the schedule that search.c dictates and
 * beyond it.
 *
 * Steps that an earlier execution has run already (all but the last of the
 * dictated ones) keep their clocks and races: only the objects' last accesses
 * are brought up to date for them.
 */
#define _GNU_SOURCE
#include "explore/engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* --- fibers and operations ----------------------------------------------- */

static bool step_begin(void);
static void step_end(void);

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
	if (!step_begin())
		fiber_switch(me, &x.main);
	else if (&x.fiber[x.cur] != me)
		fiber_switch(me, &x.fiber[x.cur]);
}

static void thread_main(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct thread *t = &x.thread[me];
	char name[8];

	x.check->thread(x.arena, me, x.check->arg);
	if (t->held_count)
		engine_fail(ORACLE_LOCK_HELD, -1, -1, t->last, "%s ended with the lock held that it took in %s",
			    engine_thread_name(me, name), t->held[0].site->function);
	else if (t->guard || t->section_count)
		engine_fail(ORACLE_LOCK_HELD, -1, -1, t->last, "%s ended inside a read section",
			    engine_thread_name(me, name));
	if (t->range_count)
		engine_fail(ORACLE_PROTOCOL, -1, -1, t->last, "%s ended, and the invalidation that it began in %s has no end",
			    engine_thread_name(me, name), t->range[0].site->function);
	x.alive &= (uint16_t)~(1u << me);
	engine_yield();
	abort(); /* nobody switches to a thread that has ended */
}

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
		return t->rcu_wait.open == 0;
	case SYNC_GUARD_WAIT:
		return t->guard_wait.open == 0;
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

/* --- one execution ------------------------------------------------------- */

static bool is_word(uint8_t kind)
{
	return kind <= SYNC_INC || kind_awaits(kind);
}

static uint64_t word_at(const struct step *s) { return engine_word(s->addr, s->bytes); }

static void restore(void)
{
	memcpy(x.arena, x.snapshot, x.snapshot_used);
	if (x.data_after)
		memcpy(x.check->data, x.data_after, x.check->data_size);
	x.arena_used = x.snapshot_used;
	x.alloc_live = x.snapshot_live;
	x.dead_count = x.snapshot_dead;
	engine_objects_forget();
	plain_forget();
	x.fails = 0;
	x.aborted = false;
	x.depth = 0;
	x.sleep = 0;
	x.alive = (uint16_t)((1u << x.threads) - 1);
	x.blockable = 0;
	for (unsigned t = 0; t < x.threads; t++) {
		struct thread *p = &x.thread[t];

		memset(&p->clk, 0, sizeof(p->clk));
		p->clk.e[t] = 1; /* what it does from here on, nobody has followed */
		p->idx = 0;
		p->last = -1;
		p->held_count = p->spins = p->range_count = 0;
		p->nonblock = p->rcu = p->section_count = 0;
		p->guard = false;
		p->noted_at = NULL;
		p->spin = (struct spin){ .from = -1 };
		p->operation = (struct sync_operation){ 0 };
		p->guard_wait = p->rcu_wait = (struct wait_set){ 0 };
		p->arena_used = 0;
		fiber_arm(&x.fiber[t], thread_main, (void *)(uintptr_t)t);
	}
}

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

/* Fill step[depth].thread and .choice. Returns -1, or how the run ends. */
static int choose(uint16_t sleep, uint32_t *tree)
{
	struct step *s = &x.step[x.depth];
	uint16_t enabled;

	if (x.depth < x.replay)
		return -1;
	s->sleep = sleep;
	s->choice = s->first_choice = 0;
	s->tree = 0;
	if (*tree) {
		const struct node *n = &x.node[*tree];

		if (engine_enabled(n->thread) && (x.alive >> n->thread & 1)) {
			s->thread = n->thread;
			s->choice = s->first_choice = n->choice;
			s->tree = n->sibling;
			*tree = plan_node_take(*tree);
			return -1;
		}
		x.strayed = true; /* a mistake of the search: go on freely, and say so */
		while (*tree) {
			uint32_t next = x.node[*tree].sibling;

			for (uint32_t c = plan_node_take(*tree); c; c = plan_node_take(c))
				;
			*tree = next;
		}
	}
	enabled = enabled_threads();
	if (!enabled)
		return RUN_DEADLOCK;
	if (x.depth < x.forced_count && x.forced[x.depth]) {
		s->thread = (uint8_t)(x.forced[x.depth] - 1);
		s->choice = x.forced_choice[x.depth];
		return (enabled >> s->thread & 1) && s->choice < x.pend[s->thread].choices ?
			-1 : RUN_ABORTED;
	}
	if (x.alone >= 0)
		enabled &= (uint16_t)(1u << x.alone);
	if (!(enabled & ~sleep))
		return RUN_ASLEEP;
	s->thread = (uint8_t)thread_free(enabled & (uint16_t)~sleep);
	s->enabled = enabled;
	s->done = (uint16_t)(1u << s->thread);
	return -1;
}

static uint16_t still_asleep(uint16_t sleep, const struct step *s)
{
	uint16_t next = 0;

	for (unsigned m = sleep & ~(1u << s->thread); m; m &= m - 1) {
		unsigned q = (unsigned)__builtin_ctz(m);

		if (!dependent(x.pend[q].cls, x.pend[q].addr, s->cls, s->addr))
			next |= (uint16_t)(1u << q);
	}
	return next;
}

/* Another run of this schedule did step s where now p, or nothing, can be done. */
static bool parted(const struct step *s, const struct pending *p)
{
	bool ended = !(x.alive >> s->thread & 1), same = s->kind == p->kind && s->site == p->site;
	char name[8], now[96] = "ended";

	if (x.depth >= x.replay - 1) { /* it was planned, never run: the search is to blame */
		x.strayed = true;
		return false;
	}
	if (!ended)
		snprintf(now, sizeof(now), "%s%s in %s:%d",
			 same ? "waits for, or meets elsewhere, " : "comes to ",
			 engine_kind_name[p->kind], p->site->function, p->site->line);
	engine_fail(ORACLE_DETERMINISM, -1, -1, -1,
		    "step %d: %s %s, and in an equal run did %s in %s:%d",
		    x.depth + 1, engine_thread_name(s->thread, name), now,
		    engine_kind_name[s->kind], s->site->function, s->site->line);
	return false;
}

/* Step[depth], whose thread is known, is about to run. False: it must not. */
static bool step_account(void)
{
	struct step *s = &x.step[x.depth];
	unsigned thread = s->thread;
	const struct pending *p = &x.pend[thread];
	struct thread *t = &x.thread[thread];
	struct object *o = p->cls ? engine_object(p->addr) : NULL;

	if (!(x.alive >> thread & 1) || !engine_enabled(thread))
		return parted(s, p);
	s->choices = p->choices;
	if (x.depth >= x.replay - 1) {
		engine_step_fresh(x.depth, s, thread, o);
	} else {
		if (s->kind != p->kind || s->addr != p->addr)
			return parted(s, p);
		t->clk = s->clk;
		epoch_next(&t->clk, thread);
	}
	s->release = -1;
	t->idx = s->idx;
	t->last = (int16_t)x.depth;
	if (o)
		engine_touch(o, x.depth, s);
	s->bytes = p->bytes;
	if (is_word(s->kind)) {
		s->old = word_at(s);
		if (x.plain)
			plain_operation(s);
	}
	if (x.trace)
		x.event = engine_record_step(thread);
	return true;
}

/* Choose the next step; x.cur is then to run. False: the run is over, x.end says how. */
static bool step_begin(void)
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
	end = choose(x.sleep, &x.plan);
	if (end >= 0) {
		x.end = (enum run_end)end;
		return false;
	}
	if (!step_account())
		return false;
	if (x.depth >= x.replay - 1)
		x.sleep = still_asleep(s->sleep, s);
	x.cur = s->thread;
	return true;
}

static void step_end(void)
{
	const struct step *s = &x.step[x.depth++];

	if (!x.trace)
		return;
	if (x.event != SIZE_MAX && is_word(s->kind))
		x.trace->event[x.event].value = word_at(s);
	engine_watch();
}

/* The thread, not @thread, that has the lock that @thread waits for, with where it took
 * it; -1: it waits for no lock, or nobody alive has it. */
static int holder_of(unsigned thread, const struct held **ret_held)
{
	const struct pending *p = &x.pend[thread];

	if (p->kind != SYNC_LOCK && p->kind != SYNC_RLOCK && p->kind != SYNC_WLOCK)
		return -1;
	for (unsigned t = 0; t < x.threads; t++) {
		const struct thread *h = &x.thread[t];
		/* Who waits for a lock has it in its list already, as the last one. */
		unsigned has = h->held_count - (x.alive >> t & 1 && h->held_count &&
						h->held[h->held_count - 1].lock == x.pend[t].addr);

		for (unsigned i = 0; i < has && t != thread; i++) {
			if (h->held[i].lock != p->addr)
				continue;
			*ret_held = &h->held[i];
			return (int)t;
		}
	}
	return -1;
}

/* A thread in the cycle of threads that wait for each other's locks; -1: there is none. */
static int cycle_start(void)
{
	const struct held *held;

	for (unsigned t = 0; t < x.threads; t++) {
		int at = (int)t;

		for (unsigned n = 0; n < x.threads && at >= 0; n++) {
			at = x.alive >> at & 1 ? holder_of((unsigned)at, &held) : -1;
			if (at == (int)t)
				return at;
		}
	}
	return -1;
}

struct said { char text[240]; size_t n; };

static void say_wait(struct said *s, unsigned thread)
{
	const struct pending *p = &x.pend[thread];
	const struct held *held;
	int holder = holder_of(thread, &held);
	char name[8], other[8];

	if (s->n >= sizeof(s->text))
		return;
	s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n, "%s%s ",
				 s->n ? ", " : "", engine_thread_name(thread, name));
	if (s->n >= sizeof(s->text))
		return;
	if (holder >= 0)
		s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n,
					 "waits in %s:%d for the lock that %s took in %s:%d",
					 p->site->function, p->site->line,
					 engine_thread_name((unsigned)holder, other),
					 held->site->function, held->site->line);
	else
		s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n,
					 "%s for ever (%s) in %s",
					 p->kind == SYNC_RELAX ? "tries again" : "waits",
					 engine_kind_name[p->kind], p->site->function);
}

/* Nobody can go on. First the cycle, if there is one, in its order; then who waits besides. */
static void deadlock_report(void)
{
	int first = cycle_start(), at = first;
	struct said s = { .n = 0 };
	unsigned done = 0;
	bool spins = false;

	while (at >= 0 && !(done >> at & 1)) {
		const struct held *held;

		done |= 1u << at;
		say_wait(&s, (unsigned)at);
		at = holder_of((unsigned)at, &held);
	}
	for (unsigned t = 0; t < x.threads; t++) {
		if (!(x.alive >> t & 1))
			continue;
		spins |= x.pend[t].kind == SYNC_RELAX;
		if (!(done >> t & 1))
			say_wait(&s, t);
	}
	engine_fail(spins && first < 0 ? ORACLE_LIVENESS : ORACLE_DEADLOCK, -1, -1, -1, "%s%s",
		    first >= 0 ? "a cycle: " : "", s.text);
}

static void finish(void)
{
	jmp_buf bail;

	x.bail = &bail;
	x.depth--; /* explore_step() is the last step */
	x.outside = true;
	if (!setjmp(bail)) {
		if (x.check->finish) {
			x.check->finish(x.arena, x.check->arg);
			if (x.alloc_live)
				engine_leaks_report();
		}
	} else {
		x.aborted = false; /* the threads have run to their end */
	}
	x.outside = false;
	x.depth++;
}

enum run_end engine_run(void)
{
	enum run_end end;
	jmp_buf bail;

	restore();
	x.bail = &bail;
	if (setjmp(bail)) {
		x.cur = -1;
		return RUN_ABORTED;
	}
	x.starting = true;
	for (unsigned t = 0; t < x.threads && !x.aborted; t++) {
		x.cur = (int)t; /* as far as its first operation */
		fiber_switch(&x.main, &x.fiber[t]);
	}
	x.starting = false;
	x.cur = -1;
	end = RUN_ABORTED;
	if (!x.aborted) {
		engine_watch();
		if (step_begin())
			fiber_switch(&x.main, &x.fiber[x.cur]);
		x.cur = -1;
		x.depth += x.aborted; /* the step in which it happened counts */
		end = x.end;
	}
	x.result->steps += (uint64_t)x.depth;
	if (end == RUN_COMPLETE && !x.aborted)
		finish();
	else if (end == RUN_DEADLOCK && spin_guessed_wrong())
		end = RUN_ASLEEP; /* another execution has the right guess */
	else if (end == RUN_DEADLOCK)
		deadlock_report();
	return x.aborted ? RUN_ABORTED : end;
}

/* --- opening and closing ------------------------------------------------- */

static bool data_copy(char **ret)
{
	if (!x.check->data)
		return true;
	*ret = malloc(x.check->data_size + 1);
	if (*ret)
		memcpy(*ret, x.check->data, x.check->data_size);
	return *ret;
}

static int setup(void)
{
	size_t state = (x.check->state_size + 63) & ~(size_t)63;
	jmp_buf bail;

	x.cur = -1;
	x.depth = -1;
	x.bail = &bail;
	x.arena_used = state;
	if (!data_copy(&x.data_before))
		return -ENOMEM;
	x.outside = true;
	if (setjmp(bail) == 0) {
		if (x.check->setup)
			x.check->setup(x.arena, x.check->arg);
	} else {
		x.outside = false;
		return -ECANCELED;
	}
	x.outside = false;
	if (!data_copy(&x.data_after))
		return -ENOMEM;
	x.snapshot_used = x.arena_used;
	x.snapshot_live = x.alloc_live;
	x.snapshot_dead = x.dead_count;
	x.snapshot = malloc(x.snapshot_used + 1);
	if (!x.snapshot)
		return -ENOMEM;
	memcpy(x.snapshot, x.arena, x.snapshot_used);
	return 0;
}

/* The arrays that the search scans, in one block. */
static bool scanned_alloc(size_t n)
{
	char *p = calloc(n, 2 + 2 * T_MAX + 1);

	if (!p)
		return false;
	x.step_key = (int16_t *)(void *)p;
	for (unsigned t = 0; t < T_MAX; t++)
		x.step_clk[t] = x.step_key + (1 + t) * n;
	x.step_thread = (uint8_t *)p + (2 + 2 * T_MAX) * n;
	return true;
}

int engine_open(const struct explore_check *check, const struct explore_options *options,
		struct explore_result *result)
{
	size_t arena = ARENA_SETUP + (size_t)check->threads * ARENA_THREAD;

	memset(&x, 0, sizeof(x));
	x.check = check;
	x.alone = -1;
	x.opt = *options;
	x.threads = check->threads;
	x.result = result;
	x.steps_max = options->steps_max ? options->steps_max : STEPS_DEFAULT;
	x.plans_max = options->plans_max ? options->plans_max : PLANS_DEFAULT;
	x.objects_capacity = 256;
	x.slots_mask = 4 * x.objects_capacity - 1;
	x.races_capacity = x.nodes_capacity = 256;
	x.nodes = 1;
	x.step = calloc(x.steps_max + 2, sizeof(*x.step));
	if (!scanned_alloc(x.steps_max + 2))
		return -ENOMEM;
	x.object = malloc(x.objects_capacity * sizeof(*x.object));
	x.slot = calloc(x.slots_mask + 1, sizeof(*x.slot));
	x.race = malloc(x.races_capacity * sizeof(*x.race));
	x.node = malloc(x.nodes_capacity * sizeof(*x.node));
	x.arena = mmap(NULL, arena, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (x.arena == MAP_FAILED)
		x.arena = NULL;
	if (!x.step || !x.object || !x.slot || !x.race || !x.node || !x.arena || plain_open())
		return -ENOMEM;
	for (unsigned t = 0; t < x.threads; t++)
		if (fiber_create(&x.fiber[t], STACK_BYTES))
			return -ENOMEM;
	engine_objects_forget();
	return setup();
}

void engine_close(void)
{
	for (unsigned t = 0; t < x.threads; t++)
		fiber_destroy(&x.fiber[t]);
	if (x.arena)
		munmap(x.arena, ARENA_SETUP + (size_t)x.threads * ARENA_THREAD);
	if (x.data_before) /* the next check finds them as this one did */
		memcpy(x.check->data, x.data_before, x.check->data_size);
	free(x.data_before);
	free(x.data_after);
	free(x.snapshot);
	free(x.step);
	free(x.step_key);
	free(x.object);
	free(x.slot);
	free(x.race);
	free(x.node);
	free(x.dead);
	free(x.class_hash);
	plain_close();
	memset(&x, 0, sizeof(x));
}
