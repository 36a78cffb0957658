/* SPDX-License-Identifier: MIT */
/*
 * spin.c - decides when a thread waits that calls cpu_relax(), by which it asks again and again. If
 * each round were run there would be no last one. So a thread waits for good after rounds in vain:
 * it would go on with the state that it had at an earlier call, all that it has changed since is as
 * it was, and no other thread has seen it otherwise.
 *
 * That loses nothing. Without the rounds in vain the execution is one, too, and in it the thread
 * and all others do and see the same. So executions in which rounds in vain are followed by further
 * ones of the same thread need not be run, however many rounds there are. A round that changes
 * something, in memory, in a register or on the stack, is not in vain. So a loop that counts, or
 * gives up late, is run as often as it goes round.
 *
 * In the end, when no thread can go on, the thread tries again forever if all that it has looked
 * at is as it was. Else the execution is given up: there is another one in which the thread comes
 * by later.
 *
 * A loop without cpu_relax() is met when an execution becomes too long. Then the search is begun
 * again, and each operation counts as a call.
 *
 * The state of a thread is compared as its stack has it (engine/fiber.c). So while loops are
 * watched all threads give way on the explorer's stack, and what the explorer leaves on theirs is
 * wiped.
 */
#include "explore/door/door.h"
#include "base/hash.h"

enum { LAPS_MAX = 64 };

/* A call of cpu_relax(): what the thread would go on with, as a whole and without the operation
 * that it has announced, its latest step, and where its trail stood. */
struct lap { uint64_t state, alone; int16_t step; unsigned mark; };

static struct spin {
	struct lap lap[LAPS_MAX];      /* the latest ones, each at its number modulo theirs */
	unsigned laps;
	const struct lap *again;       /* since this one all was in vain: it waits; NULL: no */
	int16_t begun;                 /* how many steps it had done at the first */
} spins[T_MAX];

/* By step of a thread that spins: what the thread goes on with after it. */
static uint64_t state_after[STEPS_LIMIT + 2];

void spin_forget(void)
{
	x.relaxes = NULL;
	x.spinning = x.assumes & EVERY_LOOP_IS_WATCHED ? UINT16_MAX : 0;
	for (unsigned t = 0; x.watching && t < T_MAX; t++) {
		spins[t].laps = 0;
		spins[t].again = NULL;
		spins[t].begun = 1;
	}
}

/* What the thread goes on with, besides memory that others see. */
static uint64_t state_of(unsigned thread)
{
	const struct thread *t = &x.thread[thread];
	const uint64_t number[] = {
		t->held_count, t->nonblock, t->guard, t->guard_words, t->rcu, t->section_count,
		t->range_count, t->lasting,
	};
	uint64_t h = fiber_state(&x.fiber[thread]);

	for (size_t n = 0; n < ARRAY_SIZE(number); n++)
		h = hash_mix(h, number[n]);
	for (unsigned n = 0; n < t->held_count; n++)
		h = hash_mix(h, (uintptr_t)t->held[n].lock);
	for (unsigned n = 0; n < t->section_count; n++)
		h = hash_mix(hash_mix(h, (uintptr_t)t->section[n].domain), t->section[n].nesting);
	for (unsigned n = 0; n < t->range_count; n++)
		h = hash_mix(hash_mix(h, t->range[n].start), t->range[n].end);
	return h;
}

/* What it will do next, and with what. */
static uint64_t announced(uint64_t h, const struct pending *p)
{
	const uint64_t number[] = { (uintptr_t)p->addr, p->kind, p->bytes, p->choices, p->update,
				    p->a, p->b };

	for (size_t n = 0; n < ARRAY_SIZE(number); n++)
		h = hash_mix(h, number[n]);
	return h;
}

/* --- locks --------------------------------------------------------------- */

static bool lets_go(const struct step *s)
{
	return s->kind == SYNC_UNLOCK || s->kind == SYNC_RUNLOCK || s->kind == SYNC_WUNLOCK;
}

/* The thread's latest step on this lock before step @at, from which it may have it; NULL: none
 * since step @from. */
static const struct step *has_lock(unsigned thread, const void *lock, int from, int at)
{
	while (--at > from) {
		const struct step *s = &x.step[at];

		if (s->thread != thread || s->addr != lock || s->kind == SYNC_IS_LOCKED ||
		    s->kind == SYNC_IS_RWLOCKED)
			continue;
		return lets_go(s) || step_found_taken(s) ? NULL : s;
	}
	return NULL;
}

/* Has another thread found a lock taken that this one took since step @from? */
static bool lock_was_seen(unsigned thread, int from)
{
	for (int k = from + 1; k < x.depth; k++)
		if (x.step[k].thread != thread && step_found_taken(&x.step[k]) &&
		    has_lock(thread, x.step[k].addr, from, k))
			return true;
	return false;
}

/* --- rounds -------------------------------------------------------------- */

static uint64_t state_after_nth(unsigned thread, int nth)
{
	int k = x.thread[thread].last;

	while (x.step[k].idx != nth)
		k = x.step[k].prev;
	return state_after[k];
}

/*
 * Threads that spin may meet each other's changes, over and over. Then they go round together: up
 * to the earlier call and up to now, all that comes before, and so in every equivalent execution,
 * the others that went on are at the same place with the same state as well, and the changes of
 * all of them cancel out. Without all of these rounds the execution is one as well.
 */
static bool go_round_together(unsigned thread, const struct lap *since)
{
	struct trail_part part;
	bool others = false;

	if (since->step < 0)
		return false;
	part = (struct trail_part){ x.step[since->step].clk, x.step[x.thread[thread].last].clk,
				    thread, since->mark };
	for (unsigned q = 0; q < x.threads; q++) {
		int from = part.from.c[q], to = part.to.c[q];

		if (q == thread || from == to)
			continue;
		if (!(x.spinning >> q & 1) || from < spins[q].begun ||
		    state_after_nth(q, from) != state_after_nth(q, to))
			return false;
		others = true;
	}
	return others && trail_is_circle(&part);
}

static bool is_in_vain(unsigned thread, const struct lap *since)
{
	return (trail_is_restored(thread, since->mark) && !lock_was_seen(thread, since->step)) ||
	       go_round_together(thread, since);
}

/* The call of cpu_relax() since which all was in vain; NULL: none. */
static const struct lap *lap_again(unsigned thread, uint64_t state)
{
	const struct spin *spin = &spins[thread];
	unsigned kept = spin->laps < LAPS_MAX ? spin->laps : LAPS_MAX;

	for (unsigned n = 1; n <= kept; n++) {
		const struct lap *lap = &spin->lap[(spin->laps - n) % LAPS_MAX];

		if (lap->state == state && is_in_vain(thread, lap))
			return lap;
	}
	return NULL;
}

static void wait_for_good(unsigned thread, const struct sync_site *site)
{
	door_waits();
	x.pend[thread] = (struct pending){ .kind = SYNC_SPIN, .site = site, .choices = 1 };
	x.blockable |= (uint16_t)(1u << thread);
}

/* The thread could be where it was before. False: it waits for good. */
static bool goes_on(unsigned thread, uint64_t state, uint64_t alone, const struct sync_site *site)
{
	struct spin *spin = &spins[thread];

	spin->again = lap_again(thread, state);
	if (spin->again) {
		wait_for_good(thread, site);
		return false;
	}
	spin->lap[spin->laps++ % LAPS_MAX] = (struct lap){
		state, alone, x.thread[thread].last, trail_mark(thread) };
	return true;
}

bool spin_goes_on(void)
{
	unsigned thread = (unsigned)x.cur;
	const struct sync_site *site = x.relaxes;
	uint64_t state = state_of(thread);

	x.relaxes = NULL;
	if (!(x.spinning >> thread & 1))
		spins[thread].begun = x.thread[thread].idx > 0 ? x.thread[thread].idx : 1;
	x.spinning |= (uint16_t)(1u << thread);
	trail_block_ends();
	return goes_on(thread, state, state, site);
}

void spin_block_ends(void)
{
	unsigned thread = (unsigned)x.cur;
	uint64_t alone;

	trail_block_ends();
	if (!(x.spinning >> thread & 1))
		return;
	alone = state_of(thread);
	state_after[x.depth] = announced(alone, &x.pend[thread]);
	if (x.assumes & EVERY_LOOP_IS_WATCHED && x.alive >> thread & 1 && !spins[thread].again)
		goes_on(thread, state_after[x.depth], alone, x.pend[thread].site);
}

void sync_relax_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	if (!x.watching) {
		x.needs |= LOOPS_ARE_WATCHED;
		engine_give_up();
	}
	x.relaxes = site;
	fiber_switch(&x.fiber[x.cur], &x.main, 0);
}

/* --- in the end ----------------------------------------------------------- */

/* Could the thread make another choice, or find a lock otherwise than it has? */
static bool finds_another_way(unsigned thread)
{
	int from = spins[thread].again->step;

	for (int k = x.thread[thread].last; k > from; k = x.step[k].prev) {
		const struct step *s = &x.step[k];

		if (s->choices > 1)
			return true;
		if (kind_tries(s->kind) && sched_finds(s) != s->found)
			return true;
	}
	return false;
}

bool spin_could_go_on(void)
{
	for (unsigned q = 0; x.watching && q < x.threads; q++) {
		const struct lap *again = spins[q].again;

		if (again && (state_of(q) != again->alone || trail_has_changed(q, again->mark) ||
			      finds_another_way(q)))
			return true;
	}
	return false;
}
