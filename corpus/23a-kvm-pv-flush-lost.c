/* SPDX-License-Identifier: MIT */
/*
 * 23a: the host overwrites a guest's request to flush the TLB of a preempted vCPU
 *
 * Linux: CVE-2019-3016, 8c6de56a42e0c657955e12b882a81ef07d1d073e
 * Class: A
 *
 * A guest on KVM that must flush the TLB of another vCPU looks into a byte of memory that it
 * shares with the host. If it says that the vCPU is preempted, the guest sets a second bit in it,
 * with cmpxchg, and sends no interrupt: the host will flush before it runs the vCPU again. When
 * it did, record_steal_time() read the guest's structure into a copy of its own, asked and
 * cleared the byte in the copy, and wrote the copy back a little later. The guest's bit that came
 * in between was overwritten with 0: the vCPU went on with a translation whose page the guest had
 * freed. The bug was repaired by mapping the guest's structure and clearing the byte in place
 * with xchg. (The TLB of vCPU 1 is a pointer here; the lock around it stands for the hardware,
 * which does not take an interrupt within an access.)
 *
 *	CPU 0, vCPU 0 of the guest		CPU 1, the host, then vCPU 1
 *						1 copy = preempted; no flush bit
 *	2 clear x; preempted |= FLUSH_TLB
 *	  no interrupt; free P
 *						3 preempted = 0
 *						4 vCPU 1 writes P [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { KVM_VCPU_PREEMPTED = 1, KVM_VCPU_FLUSH_TLB = 2 };

struct page { int data; };

static uint8_t preempted = KVM_VCPU_PREEMPTED;  /* of vCPU 1, in the guest's memory */
static struct page *pte;                        /* of the guest, read by the page walker */

static struct {
	spinlock_t lock;                        /* an access against an interrupt */
	struct page *tlb;                       /* [lock] */
} vcpu1;

static void flush_vcpu1(void)
{
	spin_lock(&vcpu1.lock);
	vcpu1.tlb = NULL;
	pr_info("the TLB of vCPU 1 is empty");
	spin_unlock(&vcpu1.lock);
}

/* The guest, on vCPU 0. */
static void kvm_flush_tlb_multi(void)
{
	uint8_t state = READ_ONCE(preempted);

	if (state & KVM_VCPU_PREEMPTED) {
		uint8_t flush = state | KVM_VCPU_FLUSH_TLB;

		if (try_cmpxchg(&preempted, &state, flush)) {           /* 2 */
			pr_info("the host will flush");
			return;
		}
	}
	pr_info("interrupt to vCPU 1");
	flush_vcpu1(); /* native_flush_tlb_multi() */
}

static void guest_unmap(void)
{
	struct page *page = READ_ONCE(pte);

	WRITE_ONCE(pte, NULL);
	kvm_flush_tlb_multi();
	pr_info("the page is freed");
	kfree(page);
}

/* The host, before it runs vCPU 1 again. */
static void record_steal_time(void)
{
	uint8_t st_preempted;

	if (fixed) {
		st_preempted = xchg(&preempted, 0);
	} else {
		st_preempted = READ_ONCE(preempted);                    /* 1 */
		WRITE_ONCE(preempted, 0);                               /* 3 */
	}
	if (st_preempted & KVM_VCPU_FLUSH_TLB)
		flush_vcpu1();
}

static void vcpu1_write(void)
{
	spin_lock(&vcpu1.lock);
	if (!vcpu1.tlb)
		vcpu1.tlb = READ_ONCE(pte);
	if (vcpu1.tlb)
		WRITE_ONCE(vcpu1.tlb->data, 1);                         /* 4 */
	else
		pr_info("page fault");
	spin_unlock(&vcpu1.lock);
}

static void setup(void)
{
	pte = kzalloc(sizeof(*pte), GFP_KERNEL);
	vcpu1.tlb = pte;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		guest_unmap();
		break;
	case 1:
		record_steal_time();
		vcpu1_write();
		break;
	}
}

static const char *const names[] = { "vcpu 0", "host, vcpu 1" };

CORPUS_ENTRY("lifetime")
