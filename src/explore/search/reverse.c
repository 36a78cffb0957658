/* SPDX-License-Identifier: MIT */
/*
 * reverse.c - is the reduction: optimal dynamic partial-order reduction with sleep sets and wakeup
 * trees (Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction, POPL 2014,
 * algorithm 2). The loop calls it after each execution.
 *
 * After each execution E, for each race of two steps i and j of E:
 *
 *	E:   ... i ........ j ...          v = the steps after i that do not
 *	          \--race--/                   happen after i, then j
 *
 * v can be run instead of i, and then j comes before i. If some thread that is
 * asleep before i could begin v (is a weak initial of it), that was done or is
 * under way. Else v is hung into the wakeup tree before i, unless a branch
 * there already leads to the same. A thread sleeps before a step from when all
 * that begins with it has been run until something dependent happens.
 *
 * The trees hold what is planned and not yet run, which can grow with the
 * search. There is a bound, plans_max: beyond it races are reversed by source
 * sets alone, in constant space and with some executions begun in vain.
 *
 * v takes its steps from all of E, not only from those before j: this is what
 * makes the search optimal, so that no execution is begun in vain. An answer
 * that hangs on a step after j is sought again after each execution.
 */
#include "explore/search/work.h"
#include "explore/model/model.h"

#include <stdlib.h>
#include <string.h>

/* --- the sequence that reverses a race ----------------------------------- */

struct reversal {
	int i, j;
	int16_t *v;           /* steps of v: those before j, j, those after j */
	int n, core;          /* how many; how many of them up to j */
	bool lasting;         /* the answer stands whatever comes after j */
};

static int16_t v_buffer[STEPS_LIMIT + 2];

/* Is step b, of v, ordered after a, an earlier one of v? j's own clock knows
 * of the race that is being undone, so for j only direct conflicts count. */
static bool ordered(const struct reversal *r, int a, int b)
{
	const struct step *p = &x.step[a], *q = &x.step[b];

	if (b != r->j)
		return before(p, q);
	return p->thread == q->thread || dependent(p->cls, p->addr, q->cls, q->addr);
}

static bool in_v(const struct reversal *r, int k)
{
	return k == r->j || x.step_clk[x.step[r->i].thread][k] < x.step[r->i].idx;
}

static void reversal_build(struct reversal *r)
{
	const int16_t *clk = x.step_clk[x.step[r->i].thread];
	int16_t idx = x.step[r->i].idx;
	int n = 0, end = x.depth > r->j ? x.depth : r->j + 1;

	for (int k = r->i + 1; k < end; k++) {
		r->v[n] = (int16_t)k;
		if (k == r->j)
			r->core = n + 1;
		n += k == r->j || clk[k] < idx;
	}
	r->n = n;
}

/* Take step v[n], and all of v that happens after it, out of v. */
static void reversal_drop(struct reversal *r, int n)
{
	const struct step *s = &x.step[r->v[n]];
	int kept = n;

	for (int m = n + 1; m < r->n; m++) {
		if (r->v[m] == r->j)
			r->core = kept + 1;
		if (r->v[m] == r->j || !before(s, &x.step[r->v[m]]))
			r->v[kept++] = r->v[m];
	}
	r->n = kept;
}

/* May a thread have a rwsem for reading after it? If it does not, it has been let go already. */
static bool is_reader(const struct step *s)
{
	return s->kind == SYNC_RLOCK || s->kind == SYNC_TRY_RLOCK || s->kind == SYNC_DOWNGRADE;
}

/*
 * A writer that is to take a rwsem before reader i must also find the other
 * readers gone: those that entered after i and have not left within v are
 * taken out of v together with all that happens after them. False if a reader
 * from before i is still inside, or if j depends on one that was taken out:
 * then another race of j, or none, leads there.
 */
static bool readers_out(struct reversal *r)
{
	const struct step *j = &x.step[r->j];

	for (int k = 0; k < r->i; k++) {
		const struct step *s = &x.step[k];

		if (is_reader(s) && s->addr == j->addr &&
		    (s->release < 0 || (s->release >= r->i && !in_v(r, s->release))))
			return false;
	}
	for (int n = 0; n < r->core - 1;) {
		const struct step *s = &x.step[r->v[n]];
		bool stays = !is_reader(s) || s->addr != j->addr;

		for (int m = n; m < r->core - 1 && !stays; m++)
			stays = r->v[m] == s->release;
		if (stays) {
			n++;
			continue;
		}
		if (j->prev >= 0 && before(s, &x.step[j->prev]))
			return false;
		reversal_drop(r, n);
		n = 0; /* a release may have gone with it */
	}
	return true;
}

typedef int16_t lanes __attribute__((vector_size(16), aligned(2), may_alias));

enum { LANES = sizeof(lanes) / sizeof(int16_t) };

/*
 * Is there a step k, from <= k < to, with clk[k] < idx and a key that conflicts
 * with this one? Asked far more often than anything else here, so eight steps
 * at a time, without branches.
 */
static bool conflict_within(int from, int to, const int16_t *clk, int16_t idx, int16_t key)
{
	int16_t object = key & ~3, a = object | SYNC_WRITE, b = a, c = a;
	lanes found = { 0 };
	int k = from;

	if ((key & 3) != SYNC_READ)
		b = object | SYNC_READ;
	if ((key & 3) != SYNC_ADD)
		c = object | SYNC_ADD;
	for (; k + LANES <= to; k += LANES) {
		lanes keys = *(const lanes *)&x.step_key[k];

		found |= (*(const lanes *)&clk[k] < idx) &
			 ((keys == a) | (keys == b) | (keys == c));
	}
	for (int n = 0; n < LANES; n++)
		if (found[n])
			return true;
	for (; k < to; k++)
		if (clk[k] < idx &&
		    (x.step_key[k] == a || x.step_key[k] == b || x.step_key[k] == c))
			return true;
	return false;
}

static bool key_conflict(int16_t a, int16_t b)
{
	return (a & ~3) == (b & ~3) && (a & 3) && (b & 3) &&
	       ((a & 3) != (b & 3) || (a & 3) == SYNC_WRITE);
}

/* Does a wait, which conflicts with nothing, still depend on a step of v? */
static bool wait_depends(const struct reversal *r, int wait)
{
	for (int k = r->i + 1; k < wait; k++)
		if (in_v(r, k) && before(&x.step[k], &x.step[wait]))
			return true;
	return false;
}

/* Could thread q, asleep before step i, begin v or run beside all of it? What a
 * step of v depends on within v is in conflict with it, except for waits. */
static bool weak_initial(struct reversal *r, unsigned q)
{
	const int16_t *clk = x.step_clk[x.step[r->i].thread];
	int16_t idx = x.step[r->i].idx, key = SYNC_NONE;
	int end = x.depth > r->j ? x.depth : r->j + 1, f = end;
	const uint8_t *at = memchr(x.step_thread + r->i + 1, (int)q, (size_t)(end - r->i - 1));
	bool waits = false;

	if (at) {
		f = (int)(at - x.step_thread);
		key = x.step_key[f];
		waits = !(key & 3) && in_v(r, f);
		if (!in_v(r, f))
			f = end;
	} else if (x.pend[q].cls) {
		key = object_key(x.pend[q].addr, x.pend[q].cls);
	}
	if ((key & 3) && conflict_within(r->i + 1, f, clk, idx, key))
		return false;
	if ((key & 3) && r->j < f && key_conflict(key, x.step_key[r->j]))
		return false;
	if (waits && wait_depends(r, f))
		return false;
	r->lasting = f <= r->j;
	return true;
}

/* The same for a v from which steps were taken out. */
static bool begins(const struct reversal *r, unsigned q)
{
	const struct step *s = NULL;
	const void *addr = x.pend[q].addr;
	uint8_t cls = x.pend[q].cls;
	int f = r->i + 1, end = x.depth > r->j ? x.depth : r->j + 1;

	while (f < end && x.step_thread[f] != q)
		f++;
	if (f < end) {
		s = &x.step[f];
		addr = s->addr;
		cls = s->cls;
	}
	for (int n = 0; n < r->n; n++) {
		const struct step *k = &x.step[r->v[n]];

		if (k == s)
			return true;
		if (dependent(cls, addr, k->cls, k->addr) || (s && !cls && before(k, s)))
			return false;
	}
	return true;
}

/* --- hanging v into the tree before step i ------------------------------- */

static void take_out(struct reversal *r, int n)
{
	memmove(r->v + n, r->v + n + 1, (size_t)(r->n - n - 1) * sizeof(*r->v));
	r->n--;
	if (n < r->core)
		r->core--;
	else
		r->lasting = false;
}

/*
 * Can the branch of @node begin v? If so its step is taken out of v. A choice
 * begins only what makes the same one: after another one, or one that v does
 * not make, the rest of the branch need not come to pass.
 */
static bool branch_begins(struct reversal *r, const struct node *node)
{
	const void *addr = spot_address(node->spot);

	for (int n = 0; n < r->n; n++) {
		int k = r->v[n];

		if (x.step_thread[k] != node->thread) {
			if (dependent(node->cls, addr, x.step[k].cls, x.step[k].addr))
				return false;
			continue;
		}
		for (int m = 0; m < n; m++)
			if (ordered(r, r->v[m], k))
				return false;
		if (x.step[k].choice != node->choice)
			return false;
		take_out(r, n);
		return true;
	}
	r->lasting = false;
	return !node->chooses;
}

/* A chain of nodes for v; 0 if there is no memory. */
static uint32_t chain(const struct reversal *r)
{
	uint32_t head = 0, tail = 0;

	for (int k = 0; k < r->n; k++) {
		const struct step *s = &x.step[r->v[k]];
		uint32_t new = plan_node_new(&(struct node){
			.spot = s->cls ? spot_of(s->addr) : (spot_t){ 0 }, .thread = s->thread,
			.cls = s->cls, .choice = s->choice, .chooses = s->kind == SYNC_CHOOSE });

		if (!new)
			return 0;
		if (tail)
			work.node[tail].child = new;
		else
			head = new;
		tail = new;
	}
	return head;
}

static void insert(struct reversal *r)
{
	uint32_t last = 0, head, n = work.branch[r->i].tree;

	while (n) {
		if (!branch_begins(r, &work.node[n])) {
			last = n;
			n = work.node[n].sibling;
			continue;
		}
		if (!work.node[n].child || !r->n)
			return; /* that branch leads to it */
		last = 0;
		n = work.node[n].child;
	}
	r->lasting = true;
	head = chain(r); /* may move the nodes */
	if (last)
		work.node[last].sibling = head;
	else
		work.branch[r->i].tree = head;
}

/* --- when there is no room for plans ------------------------------------- */

/*
 * Without a wakeup tree it suffices that the threads run before step i contain
 * one of those that can begin v, of which only the steps up to j count then
 * (source sets, algorithm 1 of the same paper). What comes after the first step
 * is left to chance, so some executions end asleep, and are abandoned.
 */
static void insert_first(struct reversal *r)
{
	struct branch *at = &work.branch[r->i];
	unsigned have = at->sleep, seen = 0;
	uint32_t head, *link;
	int first = -1;

	for (uint32_t n = at->tree; n; n = work.node[n].sibling)
		have |= 1u << work.node[n].thread;
	for (int n = 0; n < r->core; n++) {
		unsigned bit = 1u << x.step[r->v[n]].thread;
		bool initial = !(seen & bit);

		for (int m = 0; m < n && initial; m++)
			initial = !ordered(r, r->v[m], r->v[n]);
		seen |= bit;
		if (!initial)
			continue;
		if (have & bit)
			return;
		if (first < 0)
			first = r->v[n];
	}
	r->v[0] = (int16_t)first;
	r->n = r->core = 1;
	head = chain(r); /* may move the nodes */
	for (link = &at->tree; *link; link = &work.node[*link].sibling)
		;
	*link = head;
}

/* --- races --------------------------------------------------------------- */

/* Plan the reversal of a race. True if it need not be looked at again as long
 * as the execution is the same up to j. */
static bool reverse(int i, int j)
{
	const struct step *s = &x.step[i], *t = &x.step[j];
	uint16_t sleep = work.branch[i].sleep;
	struct reversal r = { .i = i, .j = j, .v = v_buffer, .lasting = true };
	bool writer = t->kind == SYNC_WLOCK && is_reader(s);

	/*
	 * Most races were reversed before: j's thread sleeps before i, j is its
	 * first step since, and nothing in v can conflict with it, since
	 * whatever touches i's object after a write i happens after i.
	 */
	if (s->cls == SYNC_WRITE && (sleep >> t->thread & 1) && t->prev < i)
		return true;
	work.frugal |= work.planned >= work.plans_max;
	if (!work.frugal)
		for (unsigned m = sleep; m && !writer; m &= m - 1)
			if (weak_initial(&r, (unsigned)__builtin_ctz(m)))
				return r.lasting;
	reversal_build(&r);
	if (writer && !readers_out(&r))
		return false;
	if (work.frugal) {
		insert_first(&r);
		return true;
	}
	for (unsigned m = sleep; m && writer; m &= m - 1)
		if (begins(&r, (unsigned)__builtin_ctz(m)))
			return false;
	insert(&r);
	return r.lasting;
}

/* A blocked thread's pending operation races like a step that was run. */
static void races_of_blocked(void)
{
	for (unsigned q = 0; q < x.threads; q++) {
		uint32_t races = x.races;

		if (!(x.alive >> q & 1))
			continue;
		clock_pending(q);
		for (uint32_t n = races; n < x.races; n++)
			reverse(x.race[n].i, x.race[n].j);
		x.races = races;
	}
}

void search_races(void)
{
	if (x.opt.algorithm == EXPLORE_ALL)
		return;
	for (uint32_t n = 0; n < x.races; n++)
		if (!x.race[n].settled)
			x.race[n].settled = reverse(x.race[n].i, x.race[n].j);
	if (x.alive)
		races_of_blocked();
}
