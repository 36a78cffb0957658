/* SPDX-License-Identifier: MIT */
/*
 * stale.c - two oracles of checks in C. The first is "after-return": what a call of the library
 * has taken away must not be used, through a TLB, after the call has returned. The core says which
 * translations TLBs get, which accesses use them, and what calls take away.
 *
 *      access                              call
 *      walk: reads the entry
 *                                          begins
 *                                          clears the entry
 *                                          [flushes the TLB, and waits]
 *                                          returns
 *      hit: uses what was read
 *
 * And "lost-write": a store of a translation that is old must not miss the copy of the page that
 * the same entry gets. What is stored must be there when the copying reads the word.
 *
 *      access                              copier
 *      walk: reads the entry, page P
 *                                          [flushes the TLB, and waits]
 *                                          copies P to Q
 *      hit: stores to P
 *                                          the entry gets Q
 *
 * Invariant: what is concluded holds for all equivalent executions. The walk and the clearing are
 * of one word, so if no step of the call comes before the walk, the walk came before the clearing.
 * A store and the reading of the word by whoever copies are ordered in the same way.
 * And an access that need not come before the return could come after it.
 */
#include "explore/door/door.h"

enum {
	TAKEN_MAX = 64, FILLS_MAX = 256, ACCESSES_MAX = 512, COPIES_MAX = 64, ENTRIES_MAX = 256,
	WORDS_MAX = 4,           /* of a page of the checked library */
	NEVER = -1,
};

_Static_assert(8 * WORDS_MAX == 1 << SYNC_PAGE_SHIFT, "a copy has a step for each word");

/* Of a TLB that has the page's translation since set-up there is none. */
struct fill { const void *tlb; uint64_t page; int walked; };
struct access {
	const void *space;
	uint64_t addr;
	uint32_t pfn;
	bool write;
	unsigned thread, step;
	int walked;
};
struct call {
	const char *name;
	const void *space;
	uint64_t start, end;
	bool loads;              /* are taken away too, and not only stores */
	unsigned thread, first;  /* its first operation is the thread's first-th */
	unsigned step;           /* of the return */
};

/* The latest of these two pages: when each word was read. */
struct copy { uint32_t from, to; unsigned read[WORDS_MAX]; };
/* An entry got a page. */
struct entry { const void *space; uint64_t start; uint32_t pfn; unsigned step; };

static struct {
	struct fill fill[FILLS_MAX];
	struct access access[ACCESSES_MAX];
	struct call call[TAKEN_MAX];
	struct copy copy[COPIES_MAX];
	struct entry entry[ENTRIES_MAX];
	unsigned fills, accesses, calls, copies, entries;
	bool full;               /* something was not noted: nothing more is concluded */
} s;

void stale_forget(void)
{
	s.fills = s.accesses = s.calls = s.copies = s.entries = 0;
	s.full = false;
}

static bool is_judged(void) { return x.check->judges_calls && x.cur >= 0 && !s.full; }

/* --- after return -------------------------------------------------------- */

static void judge(const struct call *c, const struct access *a)
{
	char user[8], caller[8];

	if (a->space != c->space || a->addr < c->start || a->addr >= c->end ||
	    (!a->write && !c->loads))
		return;
	if (a->walked != NEVER && explore_follows((unsigned)a->walked, c->thread, c->first))
		return;
	if (explore_ordered(a->step, c->step))
		return;
	explore_fail_if_reordered(ORACLE_RETURN, c->step, a->step,
				  "%s's %s at address %#lx uses a translation that %s of %s had taken away when it returned",
				  engine_thread_name(a->thread, user), a->write ? "store" : "load",
				  (unsigned long)a->addr, c->name,
				  engine_thread_name(c->thread, caller));
	explore_fail_is_about(c->thread);
}

/* --- lost writes --------------------------------------------------------- */

static struct copy *copy_of(uint32_t from, uint32_t to)
{
	for (unsigned n = 0; n < s.copies; n++)
		if (s.copy[n].from == from && s.copy[n].to == to)
			return &s.copy[n];
	return NULL;
}

/* A translation that was read after the entry got its page is another one. */
static void judge_copy(const struct entry *e, const struct access *a)
{
	const struct copy *c;
	unsigned read;
	char name[8];

	if (!a->write || a->space != e->space || a->addr >> SYNC_PAGE_SHIFT != e->start ||
	    (a->walked != NEVER && explore_ordered(e->step, (unsigned)a->walked)))
		return;
	c = copy_of(a->pfn, e->pfn);
	if (!c)
		return;
	read = c->read[a->addr / 8 % WORDS_MAX];
	if (explore_ordered(a->step, read))
		return;
	explore_fail_if_reordered(ORACLE_LOST_WRITE, read, a->step,
				  "%s's store at address %#lx goes to frame %u, which has been copied to frame %u",
				  engine_thread_name(a->thread, name), (unsigned long)a->addr,
				  a->pfn, e->pfn);
}

void sync_copied_(uint32_t from, uint32_t to, unsigned word)
{
	struct copy *c;

	if (!is_judged())
		return;
	c = copy_of(from, to);
	if (!c && s.copies == COPIES_MAX) {
		s.full = true;
		return;
	}
	if (!c)
		c = &s.copy[s.copies++];
	c->from = from;
	c->to = to;
	c->read[word] = explore_step();
}

void sync_entry_gets_(const void *space, uint64_t addr, uint32_t pfn)
{
	struct entry *e;

	if (!is_judged())
		return;
	if (s.entries == ENTRIES_MAX) {
		s.full = true;
		return;
	}
	e = &s.entry[s.entries++];
	*e = (struct entry){ space, addr >> SYNC_PAGE_SHIFT, pfn, explore_step() };
	for (unsigned n = 0; n < s.accesses; n++)
		judge_copy(e, &s.access[n]);
}

/* --- what is noted ------------------------------------------------------- */

static struct fill *fill_of(const void *tlb, uint64_t page)
{
	for (unsigned n = 0; n < s.fills; n++)
		if (s.fill[n].tlb == tlb && s.fill[n].page == page)
			return &s.fill[n];
	return NULL;
}

unsigned sync_walked_(void) { return x.cur >= 0 ? explore_step() : 0; }

void sync_tlb_fill_(const void *tlb, uint64_t page, unsigned walked)
{
	struct fill *f;

	if (!is_judged())
		return;
	f = fill_of(tlb, page);
	if (!f && s.fills == FILLS_MAX) {
		s.full = true;
		return;
	}
	if (!f)
		f = &s.fill[s.fills++];
	*f = (struct fill){ tlb, page, (int)walked };
}

void sync_tlb_use_(const void *tlb, const void *space, uint64_t page, uint64_t addr,
		   uint32_t pfn, bool write)
{
	const struct fill *f;
	struct access *a;

	if (!is_judged())
		return;
	if (s.accesses == ACCESSES_MAX) {
		s.full = true;
		return;
	}
	f = fill_of(tlb, page);
	a = &s.access[s.accesses++];
	*a = (struct access){ space, addr, pfn, write, (unsigned)x.cur, explore_step(),
			      f ? f->walked : NEVER };
	for (unsigned n = 0; n < s.calls; n++)
		judge(&s.call[n], a);
	for (unsigned n = 0; n < s.entries; n++)
		judge_copy(&s.entry[n], a);
}

void sync_taken_away_(const char *name, const void *space, uint64_t start, uint64_t end, bool loads)
{
	struct call *c;

	if (!is_judged())
		return;
	if (s.calls == TAKEN_MAX) {
		s.full = true;
		return;
	}
	c = &s.call[s.calls++];
	*c = (struct call){ name, space, start, end, loads, (unsigned)x.cur,
			    x.thread[x.cur].operation.first, explore_step() };
	for (unsigned n = 0; n < s.accesses; n++)
		judge(c, &s.access[n]);
}
