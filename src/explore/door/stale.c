/* SPDX-License-Identifier: MIT */
/*
 * stale.c - the oracle "after-return" of checks in C: what a call of the library has taken away
 * must not be used, through a TLB, after the call has returned. The core says which translations
 * TLBs get, which accesses use them, and what calls take away.
 *
 *      access                              call
 *      walk: reads the entry
 *                                          begins
 *                                          clears the entry
 *                                          [flushes the TLB, and waits]
 *                                          returns
 *      hit: uses what was read
 *
 * Invariant: what is concluded holds for all equivalent executions. The walk and the clearing are
 * of one word, so if no step of the call comes before the walk, the walk came before the clearing.
 * And an access that need not come before the return could come after it.
 */
#include "explore/door/stale.h"

enum {
	TAKEN_MAX = 64, FILLS_MAX = 256,
	ACCESSES_MAX = STEPS_LIMIT, /* each is a step at least */
};

/* Of a TLB that has the page's translation since set-up there is none. */
struct fill { const void *tlb; uint64_t page; int walked; };
struct call {
	const char *name;
	const void *space;
	uint64_t start, end;
	bool loads;              /* are taken away too, and not only stores */
	unsigned thread, first;  /* its first operation is the thread's first-th */
	unsigned step;           /* of the return */
};

static struct {
	struct fill fill[FILLS_MAX];
	struct access access[ACCESSES_MAX];
	struct call call[TAKEN_MAX];
	unsigned fills, accesses, calls;
	bool full;               /* something was not noted: nothing more is concluded */
} s;

void stale_forget(void)
{
	s.fills = s.accesses = s.calls = 0;
	s.full = false;
}

bool stale_judges(void) { return x.check->judges_calls && !s.full; }

void stale_is_full(void)
{
	s.full = true;
	explore_add_unwatched(x.result, "what accesses through TLBs miss, in executions with too "
			      "many changes of entries");
}

unsigned stale_accesses(const struct access **ret)
{
	*ret = s.access;
	return s.accesses;
}

static bool is_judged(void) { return stale_judges() && x.cur >= 0; }

/* --- after return -------------------------------------------------------- */

static void judge(const struct call *c, const struct access *a)
{
	char user[8], caller[8];

	if (a->space != c->space || a->addr < c->start || a->addr >= c->end ||
	    (!a->write && !c->loads))
		return;
	if (a->walked != STALE_NEVER && explore_follows((unsigned)a->walked, c->thread, c->first))
		return;
	if (explore_ordered(a->step, c->step))
		return;
	explore_fail_if_reordered(ORACLE_RETURN, c->step, a->step,
				  "%s's %s at address %#lx uses a translation that %s of %s had taken away when it returned",
				  engine_thread_name(a->thread, user), a->write ? "store" : "load",
				  (unsigned long)a->addr, c->name,
				  engine_thread_name(c->thread, caller));
	explore_fail_is_about(c->thread);
	engine_fail_is_because(c->name);
}

void stale_is_of_step(unsigned step)
{
	engine_fail_is_of((struct whence){ x.step[step].site, NULL }, NULL);
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
		stale_is_full();
		return;
	}
	if (!f)
		f = &s.fill[s.fills++];
	*f = (struct fill){ tlb, page, (int)walked };
}

const struct access *stale_access(const void *tlb, const void *space, uint64_t page, uint64_t addr,
				  uint32_t pfn, bool write)
{
	const struct fill *f;
	struct access *a;

	if (!is_judged())
		return NULL;
	if (s.accesses == ACCESSES_MAX) {
		stale_is_full();
		return NULL;
	}
	f = fill_of(tlb, page);
	a = &s.access[s.accesses++];
	*a = (struct access){ space, addr, pfn, write, (unsigned)x.cur, explore_step(),
			      f ? f->walked : STALE_NEVER };
	for (unsigned n = 0; n < s.calls; n++)
		judge(&s.call[n], a);
	return a;
}

void sync_taken_away_(const char *name, const void *space, uint64_t start, uint64_t end, bool loads)
{
	struct call *c;

	if (!is_judged())
		return;
	if (s.calls == TAKEN_MAX) {
		stale_is_full();
		return;
	}
	c = &s.call[s.calls++];
	*c = (struct call){ name, space, start, end, loads, (unsigned)x.cur,
			    x.thread[x.cur].operation.first, explore_step() };
	for (unsigned n = 0; n < s.accesses; n++)
		judge(c, &s.access[n]);
}
