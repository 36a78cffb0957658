/* SPDX-License-Identifier: MIT */
/*
 * cow.c - a page-table update: copy-on-write of one page, with a device that has the
 * old page in its TLB. cow_right flushes that TLB while the entry is clear. cow_wrong
 * flushes it after the lock was dropped.
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

enum { NONE, OLD, NEW };

struct world {
	spinlock_t ptl;
	int pte;             /* which page */
	int page[3];         /* its contents; there is no page NONE */
	int flag;            /* another variable, in a page of its own */
	spinlock_t device;   /* an access against an invalidation */
	int tlb;             /* [device] NONE: empty */
};

static void setup(void *state, void *arg)
{
	struct world *w = state;

	(void)arg;
	w->pte = w->tlb = OLD;
}

static void flush(struct world *w)
{
	spin_lock(&w->device);
	w->tlb = NONE;
	spin_unlock(&w->device);
	pr_info("device TLB flushed");
}

static void write_fault(struct world *w, bool right)
{
	spin_lock(&w->ptl);
	WRITE_ONCE(w->pte, NONE);
	if (right)
		flush(w);
	WRITE_ONCE(w->pte, NEW);
	spin_unlock(&w->ptl);
	if (!right)
		flush(w);
}

/* -1: a fault. */
static int device_load(struct world *w)
{
	int value = -1;

	spin_lock(&w->device);
	if (w->tlb == NONE)
		w->tlb = READ_ONCE(w->pte);
	if (w->tlb != NONE)
		value = READ_ONCE(w->page[w->tlb]);
	spin_unlock(&w->device);
	return value;
}

static void thread(void *state, unsigned thread, bool right)
{
	struct world *w = state;
	int page;

	switch (thread) {
	case 0:
		write_fault(w, right);
		break;
	case 1: /* a processor, which has no TLB here, writes the page, then the flag */
		page = READ_ONCE(w->pte);
		if (page != NEW)
			break;
		WRITE_ONCE(w->page[NEW], 1);
		WRITE_ONCE(w->flag, 1);
		break;
	case 2:
		if (READ_ONCE(w->flag) && device_load(w) == 0)
			explore_fail(ORACLE_CONDITION, "the device saw the flag, then the old page");
		break;
	}
}

static void right(void *state, unsigned t, void *arg) { (void)arg; thread(state, t, true); }
static void wrong(void *state, unsigned t, void *arg) { (void)arg; thread(state, t, false); }

static const char *const names[] = { "fault", "cpu", "device" };

EXPLORE_CHECK(cow_right, .threads = 3, .thread_name = names, .state_size = sizeof(struct world),
	      .setup = setup, .thread = right)
EXPLORE_CHECK(cow_wrong, .threads = 3, .thread_name = names, .state_size = sizeof(struct world),
	      .setup = setup, .thread = wrong, .expect = "condition", .repair = "cow_right")
