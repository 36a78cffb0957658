/* SPDX-License-Identifier: MIT */
/* tlbflush.h - flushes of TLBs, and flushes that are still to come. */
#ifndef MMUN_LINUX_TLBFLUSH_H
#define MMUN_LINUX_TLBFLUSH_H

#include "mmun/linux/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Flush the processors' TLBs, and in a modern mm the secondary TLBs too: of one page, of
 * [start, end), or of the whole mm. They return when no access uses what was flushed.
 *
 * Context: with or without the page table lock; with mmap_lock, the area's lock, or the mm's
 * rmap lock held, as for notifying.
 */
KERNEL_INLINE_ void kernel_flush_tlb_page_(const struct kernel_at_ *at,
					   struct vm_area_struct *vma, unsigned long addr)
{
	addr &= PAGE_MASK;
	kernel_flush_(vma->vm_mm, addr, addr + PAGE_SIZE, KERNEL_FLUSH_ARCH_, "flush_tlb_page",
		      &at->site);
}

KERNEL_INLINE_ void kernel_flush_tlb_range_(const struct kernel_at_ *at,
					    struct vm_area_struct *vma, unsigned long start,
					    unsigned long end)
{
	kernel_flush_(vma->vm_mm, start, end, KERNEL_FLUSH_ARCH_, "flush_tlb_range", &at->site);
}

KERNEL_INLINE_ void kernel_flush_tlb_mm_(const struct kernel_at_ *at, struct mm_struct *mm)
{
	kernel_flush_(mm, 0, TASK_SIZE, KERNEL_FLUSH_ARCH_, "flush_tlb_mm", &at->site);
}

/*
 * Flush one part only: all processors' TLBs (flush_tlb_cpus), or one processor's
 * (flush_tlb_cpu). They have no name of their own in Linux.
 */
KERNEL_INLINE_ void kernel_flush_tlb_cpus_(const struct kernel_at_ *at, struct mm_struct *mm,
					   unsigned long start, unsigned long end)
{
	kernel_flush_(mm, start, end, KERNEL_FLUSH_CPUS_, "flush_tlb_cpus", &at->site);
}

KERNEL_INLINE_ void kernel_flush_tlb_cpu_(const struct kernel_at_ *at, struct mmun_cpu *cpu,
					  unsigned long start, unsigned long end)
{
	kernel_flush_cpu_(cpu, start, end, "flush_tlb_cpu", &at->site);
}

KERNEL_PASSED_VOID_(flush_tlb_page, (struct vm_area_struct *vma, unsigned long addr), (vma, addr))
KERNEL_PASSED_VOID_(flush_tlb_range, (struct vm_area_struct *vma, unsigned long start,
				      unsigned long end), (vma, start, end))
KERNEL_PASSED_VOID_(flush_tlb_mm, (struct mm_struct *mm), (mm))
KERNEL_PASSED_VOID_(flush_tlb_cpus, (struct mm_struct *mm, unsigned long start,
				     unsigned long end), (mm, start, end))
KERNEL_PASSED_VOID_(flush_tlb_cpu, (struct mmun_cpu *cpu, unsigned long start,
				    unsigned long end), (cpu, start, end))

#define flush_tlb_page(vma, addr) KERNEL_2_(flush_tlb_page, NULL, \
	struct vm_area_struct *, vma, unsigned long, addr)
#define flush_tlb_range(vma, start, end) KERNEL_3_(flush_tlb_range, NULL, \
	struct vm_area_struct *, vma, unsigned long, start, unsigned long, end)
#define flush_tlb_mm(mm) KERNEL_1_(flush_tlb_mm, NULL, mm)
#define flush_tlb_cpus(mm, start, end) KERNEL_3_(flush_tlb_cpus, NULL, \
	struct mm_struct *, mm, unsigned long, start, unsigned long, end)
#define flush_tlb_cpu(cpu, start, end) KERNEL_3_(flush_tlb_cpu, NULL, \
	struct mmun_cpu *, cpu, unsigned long, start, unsigned long, end)

/*
 * Count the operations that have changed entries of the mm, and will flush later; ask whether
 * there are any, or, in a gather, whether there is another gather.
 *
 * Source: include/linux/mm_types.h.
 */
KERNEL_INLINE_ void kernel_inc_tlb_flush_pending_(const struct kernel_at_ *at,
						  struct mm_struct *mm)
{
	(void)kernel_pending_(mm, KERNEL_PENDING_INC_, &at->site);
}

KERNEL_INLINE_ void kernel_dec_tlb_flush_pending_(const struct kernel_at_ *at,
						  struct mm_struct *mm)
{
	(void)kernel_pending_(mm, KERNEL_PENDING_DEC_, &at->site);
}

KERNEL_INLINE_ bool kernel_mm_tlb_flush_pending_(const struct kernel_at_ *at,
						 struct mm_struct *mm)
{
	return kernel_pending_(mm, KERNEL_PENDING_GET_, &at->site) > 0;
}

KERNEL_INLINE_ bool kernel_mm_tlb_flush_nested_(const struct kernel_at_ *at, struct mm_struct *mm)
{
	return kernel_pending_(mm, KERNEL_GATHER_GET_, &at->site) > 1;
}

KERNEL_PASSED_VOID_(inc_tlb_flush_pending, (struct mm_struct *mm), (mm))
KERNEL_PASSED_VOID_(dec_tlb_flush_pending, (struct mm_struct *mm), (mm))
KERNEL_PASSED_(bool, mm_tlb_flush_pending, (struct mm_struct *mm), (mm))
KERNEL_PASSED_(bool, mm_tlb_flush_nested, (struct mm_struct *mm), (mm))

#define inc_tlb_flush_pending(mm) KERNEL_1_(inc_tlb_flush_pending, NULL, mm)
#define dec_tlb_flush_pending(mm) KERNEL_1_(dec_tlb_flush_pending, NULL, mm)
#define mm_tlb_flush_pending(mm) KERNEL_1_(mm_tlb_flush_pending, NULL, mm)
#define mm_tlb_flush_nested(mm) KERNEL_1_(mm_tlb_flush_nested, NULL, mm)

#ifdef __cplusplus
}
#endif

#endif
