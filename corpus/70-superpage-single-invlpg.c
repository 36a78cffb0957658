/* SPDX-License-Identifier: MIT */
/*
 * 70: one INVLPG for a superpage whose small pages are cached as well
 *
 * FreeBSD: amd64 superpage demotion
 * Class: R
 *
 * When all 512 entries of a page table map a superpage's frames, FreeBSD promotes them: the upper
 * entry maps the superpage instead. It invalidates nothing then, as the small translations that
 * TLBs have say the same as the new one. They are still there when the superpage is removed,
 * write-protected or demoted, and for that one INVLPG of its first address was thought enough: it
 * drops the superpage's translation, and the small one of the first page. The others stayed, of
 * pages that were then freed. The bug was repaired by invalidating the whole range when the
 * superpage came about by promotion. (User address spaces were flushed as a whole, so it showed
 * in kernel memory.) The TLB is a model, with superpages of four pages: see pmap.h.
 *
 *	CPU 0					CPU 1 [TLB: page 1, small]
 *	1 promote pages 0 to 3
 *	2 remove the superpage
 *	  INVLPG of page 0
 *	3 free its pages
 *						4 writes to page 1 [freed]
 */
#include "entry.h"
#include "pmap.h"

static void setup(void)
{
	for (int va = 0; va < NBPDR; va++)
		pmap.pte[va] = kzalloc(sizeof(*pmap.pte[va]), GFP_KERNEL);
	EXPLORE_ASSERT(cpu_write(1, 1));
}

/* No invalidation: small translations that TLBs have say the same. */
static void pmap_promote_pde(void)
{
	WRITE_ONCE(pmap.promoted, true);                        /* 1 */
}

static void pmap_invalidate_pde_page(int va)
{
	invlpg(va);                                             /* 2 */
	if (fixed) /* PG_PROMOTED */
		for (int n = 1; n < NBPDR; n++)
			invlpg(va + n);
}

static void pmap_remove_pde(void)
{
	struct vm_page *free[NBPDR];

	for (int va = 0; va < NBPDR; va++) {
		free[va] = READ_ONCE(pmap.pte[va]);
		WRITE_ONCE(pmap.pte[va], NULL);
	}
	pmap_invalidate_pde_page(0);
	for (int va = 0; va < NBPDR; va++)
		kfree(free[va]);                                /* 3 */
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		pmap_promote_pde();
		pmap_remove_pde();
		break;
	case 1:
		(void)cpu_write(1, 2);                          /* 4 */
		break;
	}
}

static void watch(void)
{
	watch_tlb();
}

static void finish(void) /* pages that were not freed are leaks */
{
}

static const char *const names[] = { "CPU 0", "CPU 1" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
