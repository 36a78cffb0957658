/* SPDX-License-Identifier: MIT */
/*
 * lost.c - the oracle "lost-write" of checks in C: what is stored through a TLB must not be where
 * nobody looks any more. Three things can happen to a store that uses an old translation.
 *
 * It can miss the copy of the page that the same entry gets. What is stored must be there when the
 * copying reads the word:
 *
 *      access                              copier
 *      walk: reads the entry, page P
 *                                          [flushes the TLB, and waits]
 *                                          copies P to Q
 *      hit: stores to P
 *                                          the entry gets Q
 *
 * It can miss a comparison of the page with another one that takes its place. An entry that is
 * cleared and set to another page before the page table lock is dropped keeps its contents; if
 * whoever does so has read the word, and has not copied the page, he has compared:
 *
 *      access                              KSM
 *      walk: reads the entry, page P
 *                                          reads a word of P: as in Q
 *      hit: stores to P
 *                                          the entry gets Q
 *
 * And it can leave a file's page clean, so that it is never written out:
 *
 *      access                              writeback
 *      walk: reads the entry, page P; sets dirty
 *                                          takes the dirty bit
 *                                          reads P, writes it out
 *      hit: stores to P
 *
 * A store is written out if it comes before the cleaning that finds the page dirty, or before
 * something that the cleaning thread does later, since that may be the reading of the page. Where
 * no thread ever cleans a file's page, nothing is concluded of it; nor if it has left the file.
 *
 * Invariant: what is concluded holds for all equivalent executions, as in stale.c: a store and a
 * step that reads the word, or waits for the store, are ordered in the same way in all of them.
 */
#include "explore/door/stale.h"

enum {
	COPIES_MAX = 64, ENTRIES_MAX = 256, CLEARED_MAX = 16, CLEANINGS_MAX = 64,
	WORDS_MAX = 4,           /* of a page of the checked library */
	NO_PAGE = UINT32_MAX,
	NOT_READ = UINT32_MAX,
};

_Static_assert(8 * WORDS_MAX == 1 << SYNC_PAGE_SHIFT, "a copy has a step for each word");

/* The latest of these two pages: when each word was read, NOT_READ: it was not. */
struct copy { uint32_t from, to; unsigned read[WORDS_MAX]; };
/* An entry got a page; was: instead of this one, under one lock. NO_PAGE: of none. */
struct entry { const void *space; uint64_t start; uint32_t pfn, was; unsigned step, thread; };
/* An entry that lost its page, while the thread still has so many spin locks. */
struct cleared { const void *space; uint64_t start; uint32_t pfn; unsigned thread, spins; };
/* A page of a file was made clean; dirty: it was not, before. */
struct cleaning {
	void *machine;
	sync_page_is *is;
	uint32_t pfn;
	bool dirty;
	unsigned step;
	int thread;              /* -1: at the end */
};

static struct {
	struct copy copy[COPIES_MAX];
	struct entry entry[ENTRIES_MAX];
	struct cleared cleared[CLEARED_MAX];
	struct cleaning cleaning[CLEANINGS_MAX];
	unsigned copies, entries, cleared_count, cleanings;
} l;

void lost_forget(void)
{
	stale_forget();
	l.copies = l.entries = l.cleared_count = l.cleanings = 0;
}

static bool is_judged(void) { return stale_judges() && x.cur >= 0; }

static bool is_full(unsigned count, unsigned max)
{
	if (count == max)
		stale_is_full();
	return count == max;
}

/* --- pages that are copied ------------------------------------------------ */

static struct copy *copy_of(uint32_t from, uint32_t to)
{
	for (unsigned n = 0; n < l.copies; n++)
		if (l.copy[n].from == from && l.copy[n].to == to)
			return &l.copy[n];
	return NULL;
}

static void judge_copy(const struct entry *e, const struct copy *c, const struct access *a)
{
	unsigned read = c->read[a->addr / 8 % WORDS_MAX];
	char name[8];

	if (read == NOT_READ || explore_ordered(a->step, read))
		return;
	explore_fail_if_reordered(ORACLE_LOST_WRITE, read, a->step,
				  "%s's store at address %#lx goes to frame %u, which has been copied to frame %u",
				  engine_thread_name(a->thread, name), (unsigned long)a->addr,
				  a->pfn, e->pfn);
	stale_is_of_step(e->step);
}

void sync_copied_(uint32_t from, uint32_t to, unsigned word)
{
	struct copy *c;

	if (!is_judged())
		return;
	c = copy_of(from, to);
	if (!c && is_full(l.copies, COPIES_MAX))
		return;
	if (!c) {
		c = &l.copy[l.copies++];
		c->from = from;
		c->to = to;
		for (unsigned n = 0; n < WORDS_MAX; n++)
			c->read[n] = NOT_READ;
	}
	c->read[word] = explore_step();
}

/* --- pages that are compared ---------------------------------------------- */

/* When the thread that has set the entry last read this word before; STALE_NEVER: it did not. */
static int last_read(const struct entry *e, const void *word)
{
	for (int n = (int)e->step - 1; n >= 0; n--)
		if (x.step[n].addr == word && x.step[n].thread == e->thread &&
		    x.step[n].kind == SYNC_LOAD)
			return n;
	return STALE_NEVER;
}

static void judge_comparison(const struct entry *e, const struct access *a)
{
	int read = last_read(e, x.step[a->step].addr);
	char name[8];

	if (read == STALE_NEVER || explore_ordered(a->step, (unsigned)read))
		return;
	explore_fail_if_reordered(ORACLE_LOST_WRITE, (unsigned)read, a->step,
				  "%s's store at address %#lx goes to frame %u, in whose place frame %u is put, without what is stored",
				  engine_thread_name(a->thread, name), (unsigned long)a->addr,
				  a->pfn, e->pfn);
	explore_fail_is_about(e->thread);
	stale_is_of_step(e->step);
}

/* A translation that was read after the entry got its page is another one. */
static void judge_entry(const struct entry *e, const struct access *a)
{
	const struct copy *c;

	if (!a->write || a->space != e->space || a->addr >> SYNC_PAGE_SHIFT != e->start ||
	    (a->walked != STALE_NEVER && explore_ordered(e->step, (unsigned)a->walked)))
		return;
	c = copy_of(a->pfn, e->pfn);
	if (c)
		judge_copy(e, c, a);
	else if (e->was == a->pfn)
		judge_comparison(e, a);
}

/* --- entries -------------------------------------------------------------- */

/* What the running thread has cleared there; taken off the list. */
static uint32_t take_cleared(const void *space, uint64_t start)
{
	for (unsigned n = 0; n < l.cleared_count; n++) {
		const struct cleared c = l.cleared[n];

		if (c.space != space || c.start != start || c.thread != (unsigned)x.cur)
			continue;
		l.cleared[n] = l.cleared[--l.cleared_count];
		return c.pfn;
	}
	return NO_PAGE;
}

void sync_entry_loses_(const void *space, uint64_t addr, uint32_t pfn)
{
	if (!is_judged() || is_full(l.cleared_count, CLEARED_MAX))
		return;
	l.cleared[l.cleared_count++] = (struct cleared){ space, addr >> SYNC_PAGE_SHIFT, pfn,
							 (unsigned)x.cur, x.thread[x.cur].spins };
}

void lost_unlocked(void)
{
	for (unsigned n = 0; n < l.cleared_count;)
		if (l.cleared[n].thread == (unsigned)x.cur &&
		    l.cleared[n].spins > x.thread[x.cur].spins)
			l.cleared[n] = l.cleared[--l.cleared_count];
		else
			n++;
}

void sync_entry_gets_(const void *space, uint64_t addr, uint32_t pfn)
{
	const struct access *a;
	unsigned accesses = stale_accesses(&a);
	struct entry *e;

	if (!is_judged() || is_full(l.entries, ENTRIES_MAX))
		return;
	e = &l.entry[l.entries++];
	*e = (struct entry){ space, addr >> SYNC_PAGE_SHIFT, pfn,
			     take_cleared(space, addr >> SYNC_PAGE_SHIFT), explore_step(),
			     (unsigned)x.cur };
	for (unsigned n = 0; n < accesses; n++)
		judge_entry(e, &a[n]);
}

/* --- pages that are clean ------------------------------------------------- */

/* Has the store been written out by who has cleaned? */
static bool is_written_out(const struct access *a, const struct cleaning *c)
{
	if (c->thread < 0 || explore_ordered(a->step, c->step))
		return true;
	for (unsigned n = c->step + 1; (int)n < x.depth; n++)
		if (x.step[n].thread == c->thread && explore_ordered(a->step, n))
			return true;
	return false;
}

/* The latest cleaning, up to this one, of its page that has found it dirty; NULL: none. False: it
 * has written out the store. */
static bool misses(const struct access *a, const struct cleaning *last,
		   const struct cleaning **ret)
{
	*ret = NULL;
	for (const struct cleaning *c = l.cleaning; c <= last; c++) {
		if (c->pfn != last->pfn || c->machine != last->machine || !c->dirty)
			continue;
		if (is_written_out(a, c))
			return false;
		*ret = c;
	}
	return true;
}

/* What is so at the end depends on all steps; else on those up to where the page is looked at. */
static void judge_clean(const struct cleaning *last, const struct access *a, bool at_end)
{
	const int looked = a->step > last->step ? (int)a->step : (int)last->step;
	const struct cleaning *dirty;
	char name[8];

	if (!a->write || a->pfn != last->pfn || !misses(a, last, &dirty))
		return;
	engine_fail(ORACLE_LOST_WRITE, dirty ? (int)dirty->step : -1, dirty ? (int)a->step : -1,
		    at_end ? -1 : looked,
		    "%s's store at address %#lx goes to frame %u, which %s: it is never written out",
		    engine_thread_name(a->thread, name), (unsigned long)a->addr, a->pfn,
		    dirty ? "was made clean, and is clean" : "is clean");
	explore_fail_is_about(a->thread);
	engine_fail_is_because("a page is clean");
}

/* @last has found the page clean, or it is so at the end. */
static void judge_page(const struct cleaning *last, bool at_end)
{
	const struct access *a;
	unsigned accesses = stale_accesses(&a);

	for (unsigned n = 0; n < accesses; n++)
		if (at_end || explore_ordered(a[n].step, last->step))
			judge_clean(last, &a[n], at_end);
}

void sync_cleaned_(void *machine, uint32_t pfn, bool dirty, sync_page_is *is)
{
	struct cleaning *c;

	if (!stale_judges() || !(x.cur >= 0 || x.snapshot) ||
	    is_full(l.cleanings, CLEANINGS_MAX))
		return;
	c = &l.cleaning[l.cleanings++];
	*c = (struct cleaning){ machine, is, pfn, dirty, x.cur >= 0 ? explore_step() : 0, x.cur };
	if (!dirty)
		judge_page(c, x.cur < 0);
}

static bool is_last_of_page(const struct cleaning *c)
{
	for (const struct cleaning *d = c + 1; d < &l.cleaning[l.cleanings]; d++)
		if (d->pfn == c->pfn && d->machine == c->machine)
			return false;
	return true;
}

void lost_end(void)
{
	if (!stale_judges())
		return;
	for (const struct cleaning *c = l.cleaning; c < &l.cleaning[l.cleanings]; c++)
		if (is_last_of_page(c) && !dead_at(c->machine, 1) &&
		    c->is(c->machine, c->pfn) == SYNC_PAGE_CLEAN)
			judge_page(c, true);
}

/* --- accesses ------------------------------------------------------------- */

void sync_tlb_use_(const void *tlb, const void *space, uint64_t page, uint64_t addr,
		   uint32_t pfn, bool write)
{
	const struct access *a = stale_access(tlb, space, page, addr, pfn, write);

	for (unsigned n = 0; a && n < l.entries; n++)
		judge_entry(&l.entry[n], a);
}
