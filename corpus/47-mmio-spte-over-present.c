/* SPDX-License-Identifier: MIT */
/*
 * 47: KVM writes an MMIO entry over one that is present
 *
 * Linux: CVE-2026-23401, aad885e774966e97b675dfe928da164214a71605
 * Class: B
 *
 * KVM's shadow page tables follow the guest's page tables. A page fault at an address that the
 * guest maps to no memory gets a special entry, which makes each access exit to be emulated
 * (MMIO). mmu_set_spte() wrote it before it looked whether the entry it replaces is present: a
 * guest that changes its page table is seen doing so, and its entry is zapped. But the host's
 * user space may write the guest's memory unseen. If it makes a guest entry point to MMIO while a
 * shadow entry for the old page is there, the shadow entry is overwritten without a flush, and
 * stays in the reverse map of the page: processors go on using the old page, and when that is
 * taken away KVM finds no present entry for it, and does not flush either. The bug was repaired
 * by dropping the entry that is present, with the flush, before the special one is written. (The
 * TLB of vCPU 1 is one pointer, with a lock that makes a flush wait for an access.)
 *
 *	CPU 0, user space		CPU 1, vCPU 0		vCPU 1, TLB: x -> P
 *	1 guest entry: x -> MMIO
 *					2 fault at x: MMIO
 *					3 SPTE = MMIO, no flush
 *	4 unmap P: the SPTE is not
 *	  present: no flush
 *	5 free P
 *								6 write P [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct page { int data; };

static struct page no_slot;                     /* "no memslot": what is there is emulated */
static struct page *hva_page;                   /* [ptl] what is mapped behind the memslot */
static spinlock_t ptl;
static bool guest_pte_is_mmio;                  /* in the guest's memory */

static struct {
	rwlock_t mmu_lock;
	int mmu_invalidate_in_progress;         /* [mmu_lock] */
	int mmu_invalidate_seq;                 /* [mmu_lock], and read without it */
	struct page *spte;                      /* [mmu_lock], read by the page walker */
	bool rmap;                              /* [mmu_lock] the memslot's page has the spte */
} kvm;

static struct {
	spinlock_t lock;                        /* an access against a flush */
	struct page *tlb;                       /* [lock] */
} vcpu1;

static bool is_shadow_present_pte(struct page *spte) { return spte && spte != &no_slot; }

static void kvm_flush_remote_tlbs(void)
{
	spin_lock(&vcpu1.lock);
	vcpu1.tlb = NULL;
	pr_info("the TLB of vCPU 1 is empty");
	spin_unlock(&vcpu1.lock);
}

static void drop_spte(void)
{
	if (is_shadow_present_pte(READ_ONCE(kvm.spte))) {
		WRITE_ONCE(kvm.spte, NULL);
		kvm_flush_remote_tlbs();
	} else {
		pr_info("the SPTE is not present: no flush");
	}
	kvm.rmap = false;
}

static void mmu_set_spte(struct page *page)
{
	if (fixed && is_shadow_present_pte(READ_ONCE(kvm.spte)) && kvm.spte != page)
		drop_spte();
	if (page == &no_slot) {
		WRITE_ONCE(kvm.spte, &no_slot);                 /* 3: mark_mmio_spte() */
		pr_info("the SPTE is one for MMIO");
		return;
	}
	if (is_shadow_present_pte(READ_ONCE(kvm.spte)) && kvm.spte != page)
		drop_spte();
	WRITE_ONCE(kvm.spte, page);
	kvm.rmap = true;
}

static void vcpu0_page_fault(void)
{
	int mmu_seq = READ_ONCE(kvm.mmu_invalidate_seq);
	struct page *page = &no_slot;

	if (!READ_ONCE(guest_pte_is_mmio)) {                    /* 2 */
		spin_lock(&ptl);
		page = hva_page;
		spin_unlock(&ptl);
	}
	write_lock(&kvm.mmu_lock);
	if (page && !kvm.mmu_invalidate_in_progress &&
	    READ_ONCE(kvm.mmu_invalidate_seq) == mmu_seq)
		mmu_set_spte(page);
	write_unlock(&kvm.mmu_lock);
}

static void vcpu1_write(void)
{
	struct page *spte;

	spin_lock(&vcpu1.lock);
	if (!vcpu1.tlb) {
		spte = READ_ONCE(kvm.spte);
		if (is_shadow_present_pte(spte))
			vcpu1.tlb = spte;
	}
	if (vcpu1.tlb)
		WRITE_ONCE(vcpu1.tlb->data, 1);                 /* 6 */
	else
		pr_info("exit from the guest");
	spin_unlock(&vcpu1.lock);
}

static void madvise_dontneed(void)
{
	struct page *page;

	write_lock(&kvm.mmu_lock); /* invalidate_range_start() */
	kvm.mmu_invalidate_in_progress++;
	if (kvm.rmap)
		drop_spte();                                    /* 4 */
	write_unlock(&kvm.mmu_lock);

	spin_lock(&ptl);
	page = hva_page;
	hva_page = NULL;
	spin_unlock(&ptl);
	pr_info("the page is freed");
	kfree(page);                                            /* 5 */

	write_lock(&kvm.mmu_lock); /* invalidate_range_end() */
	WRITE_ONCE(kvm.mmu_invalidate_seq, READ_ONCE(kvm.mmu_invalidate_seq) + 1);
	kvm.mmu_invalidate_in_progress--;
	write_unlock(&kvm.mmu_lock);
}

static void setup(void)
{
	hva_page = kzalloc(sizeof(*hva_page), GFP_KERNEL);
	kvm.spte = vcpu1.tlb = hva_page;
	kvm.rmap = true;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		WRITE_ONCE(guest_pte_is_mmio, true);            /* 1 */
		madvise_dontneed();
		break;
	case 1:
		vcpu0_page_fault();
		break;
	case 2:
		vcpu1_write();
		break;
	}
}

static const char *const names[] = { "user space", "vcpu 0", "vcpu 1" };

CORPUS_ENTRY("lifetime")
