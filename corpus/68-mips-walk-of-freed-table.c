/* SPDX-License-Identifier: MIT */
/*
 * 68: FreeBSD's TLB miss handler on MIPS walks a page table that is being freed
 *
 * Linux: none; FreeBSD rS360280
 * Class: W
 *
 * On MIPS a TLB miss is handled by software: MipsDoTLBMiss() reads the directory entry, follows
 * it to the page table page, and enters what it finds there in the TLB, without a lock and with
 * interrupts held off. _pmap_unwire_ptp() took a page table page that had become empty out of the
 * directory and freed it, with the pmap locked, which the handler does not look at: it may have
 * read the directory entry before, and reads a page that is somebody else's by then, and what it
 * reads there as an entry gives access to any page. The bug was repaired by shooting down the
 * TLBs between the two steps: the interrupt is not taken by a processor that is in the handler,
 * so once all have answered, no handler has the old directory entry. (RCU stands for that here: a
 * handler is a read section, a shootdown a grace period.)
 *
 *	CPU 0, pmap_remove			CPU 1, TLB miss
 *						1 read the directory entry: table
 *	2 directory entry = 0
 *	3 free the table
 *						4 read the table's entry [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct pt_page { int pte; };

static struct mutex pmap_lock;
static struct pt_page *pde;             /* written with pmap_lock, read by the handler */
static int tlb;                         /* of CPU 1: the entry for x, 0: none */

/* Each processor's entry for the address is gone, and each has taken the interrupt. */
static void pmap_invalidate_page(void)
{
	synchronize_rcu();
	WRITE_ONCE(tlb, 0);
	pr_info("TLB shootdown is done");
}

static void _pmap_unwire_ptp(struct pt_page *table)
{
	WRITE_ONCE(pde, NULL);                                  /* 2 */
	if (fixed)
		pmap_invalidate_page();
	pr_info("the page table page is freed");
	kfree(table);                                           /* 3: vm_page_free_zero() */
}

static void pmap_remove(void)
{
	struct pt_page *table;

	mutex_lock(&pmap_lock);
	table = READ_ONCE(pde);
	WRITE_ONCE(table->pte, 0);
	pmap_invalidate_page();
	_pmap_unwire_ptp(table); /* it was the last entry */
	mutex_unlock(&pmap_lock);
}

static void MipsDoTLBMiss(void)
{
	struct pt_page *table;
	int pte;

	rcu_read_lock(); /* an exception: interrupts are off */
	table = READ_ONCE(pde);                                 /* 1 */
	if (table) {
		pte = READ_ONCE(table->pte);                    /* 4 */
		if (pte)
			WRITE_ONCE(tlb, pte);
	}
	rcu_read_unlock();
}

static void setup(void)
{
	pde = kzalloc(sizeof(*pde), GFP_KERNEL);
	pde->pte = 1;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		pmap_remove();
		break;
	case 1:
		MipsDoTLBMiss();
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!tlb);
}

static const char *const names[] = { "pmap_remove", "tlb miss" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
