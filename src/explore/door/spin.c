/* SPDX-License-Identifier: MIT */
/*
 * spin.c - handles cpu_relax(), by which a thread asks again and again. If each round were an
 * execution of its own, there would be no last one. So a round in which the thread has seen
 * nothing new, and has written nothing, is the last one in vain: the thread then waits until one
 * of the words that it has looked at has changed. If there are several words it guesses which. If
 * in the end no thread can go on, and another one of these words has changed, the guess was wrong
 * and the execution is given up, since some other execution has the right guess.
 *
 * That is right for loops that only other threads can end. A loop that gives up by itself has
 * executions that are not run this way. So after the search each place that has waited is tried
 * once, alone and without waiting (run/alone.c). If its thread leaves the loop, the search was not
 * complete, and the result says so.
 */
#include "explore/door/door.h"

#include <stdlib.h>

enum { PLACES_MAX = 32, ROUNDS = 200 };

static struct {
	struct waited at[PLACES_MAX];
	unsigned count;
	const struct waited *trying;  /* this one is, NULL: none */
	unsigned rounds;
	int at_step, longest;         /* of the thread's: at its latest round; a round's most */
} spins;

void spin_forget(void)
{
	for (unsigned n = 0; n < spins.count; n++)
		schedule_free(&spins.at[n].schedule);
	spins.count = 0;
}

/* --- rounds --------------------------------------------------------------- */

/* The word's value before the step. */
static uint64_t old_of(const struct step *s) { return x.step_old[s - x.step]; }

static void add_word(struct watched *word, unsigned *count, const struct step *s)
{
	for (unsigned n = 0; n < *count && n < WATCHED_MAX; n++)
		if (word[n].addr == s->addr)
			return; /* a later step of the round had it */
	if (*count < WATCHED_MAX)
		word[*count] = (struct watched){ s->addr, old_of(s), s->bytes };
	++*count;
}

/* Is the word another one after @s, which has been done? The next step on it knows, else the
 * word itself. */
static bool has_written(const struct step *s)
{
	const struct step *next = s + 1, *end = &x.step[x.depth];

	if (s->kind != SYNC_RMW)
		return false;
	while (next <= end && (next->addr != s->addr || next->bytes != s->bytes))
		next++;
	return old_of(s) != (next <= end ? old_of(next) : model_latest(s->addr, s->bytes));
}

/* The words of the thread's round, latest first; 0: it has written, or looked at none, or
 * at too many. */
static unsigned words_of_round(const struct thread *t, struct watched word[WATCHED_MAX])
{
	unsigned count = 0;

	for (int at = t->last; at > t->spin.from; at = x.step[at].prev) {
		const struct step *s = &x.step[at];

		if (s->kind == SYNC_STORE || s->kind == SYNC_INC || has_written(s))
			return 0;
		if (s->kind == SYNC_LOAD || s->kind == SYNC_RMW)
			add_word(word, &count, s);
	}
	return count <= WATCHED_MAX ? count : 0;
}

static bool is_in_vain(const struct spin *spin, const struct watched *word, unsigned count)
{
	if (count != spin->count)
		return false;
	for (unsigned n = 0; n < count; n++)
		if (word[n].addr != spin->word[n].addr || word[n].value != spin->word[n].value)
			return false;
	return true;
}

static void keep_place(const struct sync_site *site)
{
	size_t n = (size_t)x.depth + 1;
	struct schedule f;

	for (unsigned i = 0; i < spins.count; i++)
		if (spins.at[i].site == site || site_same(spins.at[i].site, site))
			return;
	if (spins.count == PLACES_MAX)
		return;
	f = (struct schedule){ malloc(n), malloc(n), (int)n, x.cur };
	if (!f.thread || !f.choice) {
		schedule_free(&f);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		f.thread[i] = (char)(x.step[i].thread + 1);
		f.choice[i] = x.step[i].choice;
	}
	spins.at[spins.count++] = (struct waited){ site, f };
}

/* Is the running thread being tried? Before, it came there as in the search. */
static bool is_trying(void)
{
	return spins.trying && x.cur == spins.trying->schedule.alone &&
	       x.depth >= spins.trying->schedule.count - 1;
}

/* The thread that is tried goes round in vain, until that is enough. */
static void try_round(void)
{
	int steps = x.thread[x.cur].idx - spins.at_step;

	if (spins.rounds++ && steps > spins.longest)
		spins.longest = steps;
	spins.at_step = x.thread[x.cur].idx;
	if (spins.rounds >= ROUNDS)
		engine_give_up();
}

void sync_relax_(const struct sync_site *site)
{
	struct watched word[WATCHED_MAX];
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	unsigned count, which;
	bool vain;

	if (x.cur < 0)
		return;
	count = words_of_round(t, word);
	vain = count && is_in_vain(&t->spin, word, count);
	t->spin.from = t->last;
	t->spin.count = count;
	for (unsigned n = 0; n < count; n++)
		t->spin.word[n] = word[n];
	if (is_trying()) {
		try_round();
		return;
	}
	if (!vain)
		return;
	if (!x.starting)
		keep_place(site);
	which = count > 1 ? sync_choose_(count, site) : 0;
	sync_spin_while_bytes_(word[which].addr, word[which].bytes, word[which].value, site);
	t->spin.from = t->last;
}

/* --- at the end ------------------------------------------------------------ */

const struct waited *spin_waited(unsigned n) { return n < spins.count ? &spins.at[n] : NULL; }

void spin_try(const struct waited *w)
{
	spins.trying = w;
	spins.rounds = 0;
	spins.longest = 0;
}

/* It has left the loop if it ends, or does more than in a round; not if it is in need of
 * somebody else. */
bool spin_tried(void)
{
	int thread = spins.trying->schedule.alone;

	spins.trying = NULL;
	return spins.rounds >= 1 && spins.rounds < ROUNDS &&
	       (!(x.alive >> thread & 1) ||
		x.thread[thread].idx - spins.at_step > spins.longest);
}

bool spin_guessed_wrong(void)
{
	for (unsigned q = 0; q < x.threads; q++) {
		const struct spin *spin = &x.thread[q].spin;

		if (!(x.alive >> q & 1) || x.pend[q].kind != SYNC_RELAX)
			continue;
		for (unsigned n = 0; n < spin->count; n++)
			if (model_latest(spin->word[n].addr, spin->word[n].bytes) !=
			    spin->word[n].value)
				return true;
	}
	return false;
}

/* --- in records ------------------------------------------------------------ */

void spin_save(struct flat *f)
{
	flat_put_number(f, spins.count);
	for (unsigned n = 0; n < spins.count; n++) {
		const struct schedule *s = &spins.at[n].schedule;

		flat_put_site(f, spins.at[n].site);
		flat_put_number(f, (uint64_t)s->alone);
		flat_put_number(f, (uint64_t)s->count);
		flat_put(f, s->thread, (size_t)s->count);
		flat_put(f, s->choice, (size_t)s->count);
	}
}

static bool schedule_get(struct flat_reader *r, struct schedule *s)
{
	size_t n;

	s->alone = (int)flat_get_number(r, x.threads - 1);
	n = flat_get_count(r, x.steps_max, 2);
	s->count = (int)n;
	s->thread = malloc(n + 1);
	s->choice = malloc(n + 1);
	if (!n || !s->thread || !s->choice)
		return false;
	flat_get(r, s->thread, n);
	flat_get(r, s->choice, n);
	for (size_t i = 0; i < n; i++)
		if (s->thread[i] < 1 || s->thread[i] > (int)x.threads)
			return false;
	return !r->wrong;
}

bool spin_load(struct flat_reader *r)
{
	size_t count = flat_get_number(r, PLACES_MAX);

	for (size_t n = 0; n < count; n++) {
		struct waited *w = &spins.at[spins.count++];

		*w = (struct waited){ .site = flat_get_site(r) };
		if (!w->site || !schedule_get(r, &w->schedule))
			return false;
	}
	return !r->wrong;
}
