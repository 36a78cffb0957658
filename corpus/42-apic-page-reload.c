/* SPDX-License-Identifier: MIT */
/*
 * 42: the APIC access page is looked up again before it has gone
 *
 * Linux: 878940b33d76 and 0a8a5f2c8c266e9d94fb45f76a26cff135d0051c, after e649b3f0188f
 * Class: N
 *
 * A vCPU has the physical address of the APIC access page in its VMCS, without a reference. KVM's
 * start of an invalidation of that page sends all vCPUs the request to look the page up again.
 * But a start comes before the page table entry is cleared: a vCPU that is quick looks up the
 * page that is still mapped, and is asked no second time. When the page has moved and was freed,
 * the processor goes on using it (Windows guests crashed). The first repair sent the request from
 * invalidate_range() instead, after the entry was cleared. The second made the reload do what
 * each page fault of KVM does: read the sequence number, look up, and under mmu_lock ask whether
 * an invalidation is under way or has ended since; if so, request again. Code that pulls
 * translations has to ask that, whatever made it pull them.
 *
 *	CPU 0, migration			CPU 1, vCPU
 *	1 start: request a reload
 *						2 reload: the page is P, still
 *						  VMCS: P; no request
 *	3 clear x; copy; set x -> P'
 *	4 end; free P
 *						5 guest uses the APIC page: P [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct page { refcount_t count; int data; };

static spinlock_t ptl;
static struct page *pte;                /* [ptl] where the APIC page is mapped */

static struct {
	spinlock_t mmu_lock;
	int mmu_invalidate_in_progress; /* [mmu_lock] */
	int mmu_invalidate_seq;         /* [mmu_lock], and read without it */
} kvm;

static struct {
	spinlock_t guest_mode;          /* held while the guest runs; a kick waits for that */
	bool request_reload;            /* KVM_REQ_APIC_PAGE_RELOAD */
	struct page *apic_access_addr;  /* the vCPU's own: a field of the VMCS */
} vcpu;

static void put_page(struct page *page)
{
	if (refcount_dec_and_test(&page->count)) {
		pr_info("the page is freed");
		kfree(page);
	}
}

static void kvm_make_all_cpus_request(void)
{
	spin_lock(&vcpu.guest_mode);
	WRITE_ONCE(vcpu.request_reload, true);
	spin_unlock(&vcpu.guest_mode);
}

static void kvm_mmu_notifier_invalidate_range_start(void)
{
	spin_lock(&kvm.mmu_lock);
	kvm.mmu_invalidate_in_progress++;
	spin_unlock(&kvm.mmu_lock);
	kvm_make_all_cpus_request();                                    /* 1 */
}

static void kvm_mmu_notifier_invalidate_range_end(void)
{
	spin_lock(&kvm.mmu_lock);
	WRITE_ONCE(kvm.mmu_invalidate_seq, READ_ONCE(kvm.mmu_invalidate_seq) + 1);
	kvm.mmu_invalidate_in_progress--;
	spin_unlock(&kvm.mmu_lock);
}

static void migrate_page(void)
{
	struct page *old, *new = kzalloc(sizeof(*new), GFP_KERNEL);

	refcount_set(&new->count, 1);
	kvm_mmu_notifier_invalidate_range_start();
	spin_lock(&ptl);
	old = pte;
	pte = new;                                                      /* 3 */
	pr_info("the page has moved");
	spin_unlock(&ptl);
	kvm_mmu_notifier_invalidate_range_end();
	put_page(old);                                                  /* 4 */
}

static struct page *gfn_to_page(void)
{
	struct page *page;

	spin_lock(&ptl);
	page = pte;
	refcount_inc(&page->count);
	spin_unlock(&ptl);
	return page;
}

static void vmx_set_apic_access_page_addr(void)
{
	int mmu_seq = READ_ONCE(kvm.mmu_invalidate_seq);
	struct page *page = gfn_to_page();                              /* 2 */

	spin_lock(&kvm.mmu_lock);
	if (fixed && (kvm.mmu_invalidate_in_progress ||
		      READ_ONCE(kvm.mmu_invalidate_seq) != mmu_seq)) {
		WRITE_ONCE(vcpu.request_reload, true);
		pr_info("the page may be going: request again");
	} else {
		vcpu.apic_access_addr = page;
		pr_info("VMCS: the page that is mapped now");
	}
	spin_unlock(&kvm.mmu_lock);
	put_page(page); /* not pinned: the notifier tells when it goes */
}

static void vcpu_enter_guest(void)
{
	if (xchg(&vcpu.request_reload, false))
		vmx_set_apic_access_page_addr();

	spin_lock(&vcpu.guest_mode);
	if (!READ_ONCE(vcpu.request_reload))
		WRITE_ONCE(vcpu.apic_access_addr->data, 1);             /* 5 */
	spin_unlock(&vcpu.guest_mode);
}

static void setup(void)
{
	pte = kzalloc(sizeof(*pte), GFP_KERNEL);
	refcount_set(&pte->count, 1);
	vcpu.apic_access_addr = pte;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		migrate_page();
		break;
	case 1:
		vcpu_enter_guest();
		vcpu_enter_guest();
		break;
	}
}

static void finish(void)
{
	kfree(pte);
}

static const char *const names[] = { "migration", "vcpu" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
