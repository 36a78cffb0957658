/* SPDX-License-Identifier: MIT */
/* loops.c - loops with cpu_relax(): those that wait for others verify, however they ask, and those
 * that count, give up late, or change what others see are run round by round. */
#include "scene.h"

struct s {
	spinlock_t lock;
	struct mutex mutex;
	struct completion done;
	atomic_t ref;
	int x, y, stop, busy, tries;
	int *counter;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->busy = 1;
	s->counter = &s->tries;
	atomic_set(&s->ref, 1);
}

static void finish(void *state, void *arg) { (void)state; (void)arg; }

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)
#define SCENE_OF_3(name, ...) SCENE_OF(name, setup, 3, __VA_ARGS__)

/* --- they wait, or wait for ever ------------------------------------------ */

static bool is_done(struct s *s)
{
	bool done;

	spin_lock(&s->lock);
	done = !s->busy;
	spin_unlock(&s->lock);
	return done;
}

static void make_done(struct s *s, bool really)
{
	spin_lock(&s->lock);
	s->busy = !really;
	spin_unlock(&s->lock);
}

SCENE(plain_data_under_lock, .expect = "liveness")
{
	if (t)
		make_done(s, !broken);
	else
		while (!is_done(s))
			cpu_relax();
}

SCENE(polls_with_stop_flag, .expect = "liveness")
{
	if (t) {
		(void)READ_ONCE(s->y);
		make_done(s, !broken);
		return;
	}
	while (!is_done(s) && !READ_ONCE(s->stop))
		cpu_relax();
}

SCENE_OF_3(trylock_loop, .expect = "assertion")
{
	if (t) {
		mutex_lock(&s->mutex);
		WRITE_ONCE(s->x, 1);
		WRITE_ONCE(s->x, 0);
		mutex_unlock(&s->mutex);
		return;
	}
	while (!mutex_trylock(&s->mutex)) {
		EXPLORE_ASSERT(!broken || !READ_ONCE(s->x));
		cpu_relax();
	}
	EXPLORE_ASSERT(!READ_ONCE(s->x));
	mutex_unlock(&s->mutex);
}

SCENE(takes_reference, .expect = "liveness")
{
	int busy;

	if (t) {
		EXPLORE_ASSERT(atomic_read(&s->ref) >= 1);
		WRITE_ONCE(s->busy, broken);
		return;
	}
	do {
		atomic_inc(&s->ref);
		busy = READ_ONCE(s->busy);
		EXPLORE_ASSERT(!atomic_dec_and_test(&s->ref));
		if (busy)
			cpu_relax();
	} while (busy);
}

SCENE(relaxes_twice, .expect = "liveness")
{
	if (t)
		WRITE_ONCE(s->x, !broken);
	else
		while (!READ_ONCE(s->x)) {
			cpu_relax();
			cpu_relax();
		}
}

SCENE(reschedules, .expect = "liveness")
{
	if (t)
		WRITE_ONCE(s->x, !broken);
	else
		while (!READ_ONCE(s->x))
			cond_resched();
}

static __attribute__((noinline)) void pause_a_bit(void)
{
	volatile char pad[24];

	pad[0] = 0;
	cpu_relax();
	(void)pad[0];
}

/* It toggles, so two rounds are like two others. */
SCENE(every_other_round, .expect = "liveness")
{
	bool odd = false;

	if (t) {
		WRITE_ONCE(s->x, !broken);
		return;
	}
	while (!READ_ONCE(s->x)) {
		if (odd)
			(void)READ_ONCE(s->y);
		odd = !odd;
		pause_a_bit();
	}
}

/* As KVM does, and without cpu_relax(). A tool that clang has built sometimes takes this loop for
 * one that never stops changing something, which is a mistake of its own. */
#ifndef __clang__
SCENE(retries, .expect = "assertion")
{
	int seq, page;
	bool again;

	if (t) {
		spin_lock(&s->lock);
		s->tries++;
		spin_unlock(&s->lock);
		WRITE_ONCE(s->x, 1);
		spin_lock(&s->lock);
		WRITE_ONCE(s->y, s->y + 1);
		s->tries--;
		spin_unlock(&s->lock);
		return;
	}
	do {
		seq = READ_ONCE(s->y);
		page = READ_ONCE(s->x);
		spin_lock(&s->lock);
		again = (s->tries && !broken) || READ_ONCE(s->y) != seq;
		EXPLORE_ASSERT(again || page == READ_ONCE(s->x));
		spin_unlock(&s->lock);
	} while (again);
}
#endif

SCENE(asks_bare, .expect = "liveness")
{
	if (t)
		WRITE_ONCE(s->x, !broken);
	else
		while (!READ_ONCE(s->x))
			;
}

/* --- each round is another one -------------------------------------------- */

SCENE(asserts_late, .expect = "assertion")
{
	int n = 0;

	if (t) {
		WRITE_ONCE(s->x, 1);
		return;
	}
	for (; n < 10 && !READ_ONCE(s->x); n++)
		cpu_relax();
	EXPLORE_ASSERT(!broken || n < 10);
}

/* It gives up, and goes on as if what it waited for were there. */
SCENE(gives_up_late, .expect = "assertion")
{
	if (t) {
		WRITE_ONCE(s->y, 1);
		WRITE_ONCE(s->x, 1);
		return;
	}
	for (int n = 0; n < 5 && !READ_ONCE(s->x); n++)
		cpu_relax();
	EXPLORE_ASSERT((!broken && !READ_ONCE(s->x)) || READ_ONCE(s->y));
}

/* Only the second loop of the same function has an end. */
static int asks(struct s *s, int most)
{
	int n = 0;

	while (!READ_ONCE(s->x) && n < most) {
		n += most < 100;
		cpu_relax();
	}
	return n;
}

SCENE_OF_3(gives_up_once, .expect = "assertion")
{
	if (t == 1)
		WRITE_ONCE(s->x, 1);
	else if (t == 2)
		WRITE_ONCE(s->y, broken);
	else
		EXPLORE_ASSERT(asks(s, READ_ONCE(s->y) ? 4 : 1000) < 4);
}

/* The other thread sees how often it went round. */
SCENE(counts_under_lock, .expect = "assertion")
{
	int limit = broken ? 3 : 4;

	if (t) {
		spin_lock(&s->lock);
		EXPLORE_ASSERT(s->tries < limit);
		spin_unlock(&s->lock);
		WRITE_ONCE(s->x, 1);
		return;
	}
	while (!READ_ONCE(s->x)) {
		bool last;

		spin_lock(&s->lock);
		last = ++*s->counter == 3;
		spin_unlock(&s->lock);
		if (last)
			break;
		cpu_relax();
	}
}

/* A mark that each round sets and takes back is seen. */
SCENE(marks_in_each_round, .expect = "assertion")
{
	if (t) {
		int seen = READ_ONCE(s->y);

		EXPLORE_ASSERT(!broken || !seen || !READ_ONCE(s->y));
		WRITE_ONCE(s->x, 1);
		return;
	}
	do {
		WRITE_ONCE(s->y, 1);
		WRITE_ONCE(s->y, 0);
		cpu_relax();
	} while (!READ_ONCE(s->x));
}
