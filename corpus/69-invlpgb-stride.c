/* SPDX-License-Identifier: MIT */
/*
 * 69: INVLPGB in steps of 2 MiB leaves translations of 4 KiB
 *
 * FreeBSD: FreeBSD-EN-26:10.amd64
 * Class: R
 *
 * AMD's INVLPGB invalidates a range in the TLBs of all processors. It has a bit by which it goes
 * from one address to the next in steps of 2 MiB instead of 4 KiB, and FreeBSD set it for
 * whatever part of a range was aligned and long enough. But at each step the instruction
 * invalidates what translates that one address: all of it, if it is a superpage's translation; of
 * small ones only the first of 512. The kernel then freed memory that other processors still
 * reached: its memory seemed corrupted. The bug was repaired by going in steps of 4 KiB. The TLB
 * is a model, with superpages of four pages: see pmap.h.
 *
 *	CPU 0, pmap_remove			CPU 1 [TLB: page 1, small]
 *	1 clear pages 0 to 3
 *	2 INVLPGB of page 0, 2 MiB
 *	3 free the pages
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

static void pmap_invalidate_range(int sva, int eva)
{
	bool large;

	for (; sva < eva; sva += large ? NBPDR : PAGE_SIZE) {
		large = !fixed && sva % NBPDR == 0 && eva - sva >= NBPDR;
		invlpg(sva);                                    /* 2 */
	}
}

static void pmap_remove(int sva, int eva)
{
	struct vm_page *free[NBPDR];

	for (int va = sva; va < eva; va++) {
		free[va] = READ_ONCE(pmap.pte[va]);
		WRITE_ONCE(pmap.pte[va], NULL);                 /* 1 */
	}
	pmap_invalidate_range(sva, eva);
	for (int va = sva; va < eva; va++)
		kfree(free[va]);                                /* 3 */
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		pmap_remove(0, NBPDR);
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
