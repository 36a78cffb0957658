/* SPDX-License-Identifier: MIT */
/*
 * 23b: a vCPU is reported as preempted in the middle of an instruction
 *
 * Linux: CVE-2022-39189, 6cd88243c7e03845a450795e134b488fc2afb736
 * Class: A
 *
 * A guest flushes the TLB of a vCPU that is preempted by leaving a bit for the host, which
 * flushes before the vCPU runs again, and it takes this for done (23a). But a vCPU that is not in
 * guest mode may be in the middle of an instruction that KVM emulates: the address has been
 * translated and the access is still to come. When it is scheduled out there, reported as
 * preempted, and its TLB is flushed as it is scheduled in, the access is still made with the old
 * translation, to a page that the guest has freed. An interrupt would have waited for the end of
 * the instruction. The repair: a vCPU is reported as preempted only if it is certain to be
 * between two instructions. (The mutex is the instruction: the interrupt of another vCPU waits
 * for its end, also while the vCPU is scheduled out.)
 *
 *	CPU 0, vCPU 0 of the guest		CPU 1, KVM for vCPU 1
 *						1 translate x: P
 *						2 scheduled out: PREEMPTED
 *	3 clear x; preempted |= FLUSH_TLB
 *	  no interrupt; free P
 *						4 scheduled in: flush the TLB
 *						5 write P [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { KVM_VCPU_PREEMPTED = 1, KVM_VCPU_FLUSH_TLB = 2 };

struct page { int data; };

static uint8_t preempted;                       /* of vCPU 1, in the guest's memory */
static struct page *pte;                        /* of the guest, read by the page walker */

static struct {
	struct mutex instruction;
	struct page *tlb;                       /* [instruction] */
	bool at_instruction_boundary;           /* the vCPU's own */
} vcpu1;

/* The guest, on vCPU 0. */
static void kvm_flush_tlb_multi(void)
{
	uint8_t state = READ_ONCE(preempted);

	if (state & KVM_VCPU_PREEMPTED) {
		uint8_t flush = state | KVM_VCPU_FLUSH_TLB;

		if (try_cmpxchg(&preempted, &state, flush)) {           /* 3 */
			pr_info("the host will flush");
			return;
		}
	}
	mutex_lock(&vcpu1.instruction); /* native_flush_tlb_multi() */
	vcpu1.tlb = NULL;
	pr_info("interrupt: the TLB of vCPU 1 is empty");
	mutex_unlock(&vcpu1.instruction);
}

static void guest_unmap(void)
{
	struct page *page = READ_ONCE(pte);

	WRITE_ONCE(pte, NULL);
	kvm_flush_tlb_multi();
	pr_info("the page is freed");
	kfree(page);
}

/* The host, for vCPU 1: with the instruction "locked", since none can be interrupted now. */
static void kvm_arch_vcpu_put(void)
{
	if (fixed && !vcpu1.at_instruction_boundary) {
		pr_info("scheduled out within an instruction: not reported");
		return;
	}
	WRITE_ONCE(preempted, KVM_VCPU_PREEMPTED);                      /* 2 */
	pr_info("scheduled out: reported as preempted");
}

static void kvm_arch_vcpu_load(void)
{
	if (xchg(&preempted, 0) & KVM_VCPU_FLUSH_TLB) {                 /* 4 */
		vcpu1.tlb = NULL;
		pr_info("scheduled in: the TLB is empty");
	}
}

static void vcpu1_write(bool exits)
{
	struct page *page;

	mutex_lock(&vcpu1.instruction);
	vcpu1.at_instruction_boundary = false;
	if (!vcpu1.tlb)
		vcpu1.tlb = READ_ONCE(pte);
	page = vcpu1.tlb;                                               /* 1 */
	pr_info(page ? "x is translated" : "page fault");
	if (exits) {
		kvm_arch_vcpu_put();
		kvm_arch_vcpu_load();
	}
	if (page)
		WRITE_ONCE(page->data, 1);                              /* 5 */
	vcpu1.at_instruction_boundary = true;
	mutex_unlock(&vcpu1.instruction);
}

static void setup(void)
{
	pte = kzalloc(sizeof(*pte), GFP_KERNEL);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		guest_unmap();
		break;
	case 1:
		vcpu1_write(true);

		mutex_lock(&vcpu1.instruction); /* and between two instructions */
		kvm_arch_vcpu_put();
		kvm_arch_vcpu_load();
		mutex_unlock(&vcpu1.instruction);

		vcpu1_write(false);
		break;
	}
}

static const char *const names[] = { "vcpu 0", "kvm, vcpu 1" };

CORPUS_ENTRY("lifetime")
