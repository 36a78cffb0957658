/* SPDX-License-Identifier: MIT */
/*
 * 45: two page faults zap the oldest shadow page, both with the lock for reading
 *
 * Linux: CVE-2022-45869, 47b0c2e4c220f2251fd8dcfbb44479819c715e15
 * Class: W
 *
 * KVM's TDP MMU handles page faults of several vCPUs at the same time, with mmu_lock for reading.
 * The code before the mapping was common to it and to the shadow MMU: it called
 * make_mmu_pages_available(), which zaps the oldest shadow pages when there are too many, and
 * needs the lock for writing. A guest that runs guests itself has shadow pages although the TDP
 * MMU is in use, so two faults could take the same page off the list and free it: whoever was
 * second used a freed page and unlinked what was no longer linked. The bug was repaired by
 * calling it only where the lock is held for writing; a fault of the TDP MMU never needs a shadow
 * page.
 *
 *	CPU 0, vCPU 0				CPU 1, vCPU 1
 *	1 read_lock; sp = the oldest
 *						2 read_lock; sp = the oldest
 *						3 unlink sp; free sp
 *	4 unlink sp [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { MAX_MMU_PAGES = 2 };

struct kvm_mmu_page { struct kvm_mmu_page *next; };

static struct {
	rwlock_t mmu_lock;
	struct kvm_mmu_page *active_mmu_pages;  /* the oldest first */
	int n_used_mmu_pages;
	int tdp_spte[2];                        /* set with cmpxchg */
} kvm;

static void make_mmu_pages_available(void)
{
	struct kvm_mmu_page *sp, *next;

	if (READ_ONCE(kvm.n_used_mmu_pages) < MAX_MMU_PAGES)
		return;
	sp = READ_ONCE(kvm.active_mmu_pages);                           /* 1, 2 */
	next = READ_ONCE(sp->next);                                     /* 4 */
	if (cmpxchg(&kvm.active_mmu_pages, sp, next) != sp)
		return; /* KVM would unlink and free it once more: not even that here */
	WRITE_ONCE(kvm.n_used_mmu_pages, READ_ONCE(kvm.n_used_mmu_pages) - 1);
	pr_info("the oldest shadow page is zapped and freed");
	kfree(sp);                                                      /* 3 */
}

/* For a fault of the guest of the guest. */
static void kvm_mmu_get_page(void)
{
	struct kvm_mmu_page *sp = kzalloc(sizeof(*sp), GFP_ATOMIC);

	sp->next = READ_ONCE(kvm.active_mmu_pages);
	WRITE_ONCE(kvm.active_mmu_pages, sp);
	WRITE_ONCE(kvm.n_used_mmu_pages, READ_ONCE(kvm.n_used_mmu_pages) + 1);
	pr_info("a new shadow page");
}

static void direct_page_fault(bool is_tdp_mmu_fault, int gfn)
{
	if (is_tdp_mmu_fault)
		read_lock(&kvm.mmu_lock);
	else
		write_lock(&kvm.mmu_lock);

	if (!fixed || !is_tdp_mmu_fault)
		make_mmu_pages_available();

	if (is_tdp_mmu_fault)
		cmpxchg(&kvm.tdp_spte[gfn], 0, 1); /* kvm_tdp_mmu_map() */
	else
		kvm_mmu_get_page();

	if (is_tdp_mmu_fault)
		read_unlock(&kvm.mmu_lock);
	else
		write_unlock(&kvm.mmu_lock);
}

static void setup(void)
{
	for (int i = 0; i < MAX_MMU_PAGES; i++) {
		struct kvm_mmu_page *sp = kzalloc(sizeof(*sp), GFP_KERNEL);

		sp->next = kvm.active_mmu_pages;
		kvm.active_mmu_pages = sp;
		kvm.n_used_mmu_pages++;
	}
}

static void thread(unsigned thread)
{
	direct_page_fault(true, (int)thread);
	if (thread == 1)
		direct_page_fault(false, 0);
}

static void finish(void)
{
	struct kvm_mmu_page *sp, *next;

	for (sp = kvm.active_mmu_pages; sp; sp = next) {
		next = sp->next;
		kfree(sp);
	}
}

static const char *const names[] = { "vcpu 0", "vcpu 1" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
