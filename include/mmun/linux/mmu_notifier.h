/* SPDX-License-Identifier: MIT */
/* mmu_notifier.h - telling those who have copies of page-table entries. Being told is in
 * mmun/mmun.h, under Linux's names too. */
#ifndef MMUN_LINUX_MMU_NOTIFIER_H
#define MMUN_LINUX_MMU_NOTIFIER_H

#include "mmun/linux/mm.h"
#include "mmun/linux/pgtable.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Fill in a range [start, end) of the mm, in whole pages, with its event. flags is
 * MMU_NOTIFIER_RANGE_BLOCKABLE or 0; starting the range sets it. The first function has an
 * owner too.
 */
static inline void mmu_notifier_range_init_owner(struct mmu_notifier_range *range,
						 enum mmu_notifier_event event, unsigned flags,
						 struct mm_struct *mm, unsigned long start,
						 unsigned long end, void *owner)
{
	range->mm = mm;
	range->start = start;
	range->end = end;
	range->flags = flags;
	range->event = event;
	range->owner = owner;
}

static inline void mmu_notifier_range_init(struct mmu_notifier_range *range,
					   enum mmu_notifier_event event, unsigned flags,
					   struct mm_struct *mm, unsigned long start,
					   unsigned long end)
{
	mmu_notifier_range_init_owner(range, event, flags, mm, start, end, NULL);
}

#define KERNEL_RANGE_(call, range, event, flags, mm, start, end, ...) __extension__({ \
	struct mmu_notifier_range *kernel_range_at_ = (range); \
	enum mmu_notifier_event kernel_event_ = (event); \
	unsigned kernel_flags_ = (flags); \
	struct mm_struct *kernel_mm_ = (mm); \
	unsigned long kernel_start_ = (start); \
	unsigned long kernel_end_ = (end); \
	(call)(kernel_range_at_, kernel_event_, kernel_flags_, kernel_mm_, kernel_start_, \
	       kernel_end_ __VA_ARGS__); })
#define mmu_notifier_range_init(range, event, flags, mm, start, end) \
	KERNEL_RANGE_(mmu_notifier_range_init, range, event, flags, mm, start, end, )
#define mmu_notifier_range_init_owner(range, event, flags, mm, start, end, owner) \
	KERNEL_RANGE_(mmu_notifier_range_init_owner, range, event, flags, mm, start, end, \
		      , (owner))

/*
 * Call the start and the end of all notifiers for a range. Each start needs its end.
 *
 * Context: with mmap_lock, the area's lock, or the mm's rmap lock held, from start to end, and
 * with no page table lock held. Start and end may sleep, except for _nonblock.
 */
KERNEL_INLINE_ void kernel_mmu_notifier_invalidate_range_start_(const struct kernel_at_ *at,
							       struct mmu_notifier_range *range)
{
	(void)kernel_range_(range, KERNEL_RANGE_START_, &at->site);
}

/* Returns 0, or -EAGAIN if a notifier would have to block. Then there must be no end. */
KERNEL_INLINE_ int kernel_mmu_notifier_invalidate_range_start_nonblock_(
	const struct kernel_at_ *at, struct mmu_notifier_range *range)
{
	return kernel_range_(range, KERNEL_RANGE_NONBLOCK_, &at->site);
}

/* In a classic mm the first one also flushes the secondary TLBs. The second one does not. */
KERNEL_INLINE_ void kernel_mmu_notifier_invalidate_range_end_(const struct kernel_at_ *at,
							     struct mmu_notifier_range *range)
{
	(void)kernel_range_(range, KERNEL_RANGE_END_, &at->site);
}

KERNEL_INLINE_ void kernel_mmu_notifier_invalidate_range_only_end_(
	const struct kernel_at_ *at, struct mmu_notifier_range *range)
{
	(void)kernel_range_(range, KERNEL_RANGE_ONLY_END_, &at->site);
}

/* Flush the secondary TLBs only. The first name is Linux's since 6.6, and the second was its name
 * before. */
KERNEL_INLINE_ void kernel_mmu_notifier_arch_invalidate_secondary_tlbs_(
	const struct kernel_at_ *at, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	kernel_flush_(mm, start, end, KERNEL_FLUSH_SECONDARY_,
		      "mmu_notifier_arch_invalidate_secondary_tlbs", &at->site);
}

KERNEL_INLINE_ void kernel_mmu_notifier_invalidate_range_(const struct kernel_at_ *at,
							  struct mm_struct *mm,
							  unsigned long start, unsigned long end)
{
	kernel_flush_(mm, start, end, KERNEL_FLUSH_SECONDARY_, "mmu_notifier_invalidate_range",
		      &at->site);
}

KERNEL_PASSED_VOID_(mmu_notifier_invalidate_range_start, (struct mmu_notifier_range *range),
		    (range))
KERNEL_PASSED_(int, mmu_notifier_invalidate_range_start_nonblock,
	       (struct mmu_notifier_range *range), (range))
KERNEL_PASSED_VOID_(mmu_notifier_invalidate_range_end, (struct mmu_notifier_range *range), (range))
KERNEL_PASSED_VOID_(mmu_notifier_invalidate_range_only_end, (struct mmu_notifier_range *range),
		    (range))
KERNEL_PASSED_VOID_(mmu_notifier_arch_invalidate_secondary_tlbs,
		    (struct mm_struct *mm, unsigned long start, unsigned long end),
		    (mm, start, end))
KERNEL_PASSED_VOID_(mmu_notifier_invalidate_range,
		    (struct mm_struct *mm, unsigned long start, unsigned long end),
		    (mm, start, end))

#define mmu_notifier_invalidate_range_start(range) \
	KERNEL_1_(mmu_notifier_invalidate_range_start, NULL, range)
#define mmu_notifier_invalidate_range_start_nonblock(range) \
	KERNEL_1_(mmu_notifier_invalidate_range_start_nonblock, NULL, range)
#define mmu_notifier_invalidate_range_end(range) \
	KERNEL_1_(mmu_notifier_invalidate_range_end, NULL, range)
#define mmu_notifier_invalidate_range_only_end(range) \
	KERNEL_1_(mmu_notifier_invalidate_range_only_end, NULL, range)
#define mmu_notifier_arch_invalidate_secondary_tlbs(mm, start, end) \
	KERNEL_3_(mmu_notifier_arch_invalidate_secondary_tlbs, NULL, \
		  struct mm_struct *, mm, unsigned long, start, unsigned long, end)
#define mmu_notifier_invalidate_range(mm, start, end) \
	KERNEL_3_(mmu_notifier_invalidate_range, NULL, \
		  struct mm_struct *, mm, unsigned long, start, unsigned long, end)

/* ptep_clear_flush(), and then flushes the secondary TLBs. Source: Linux before 6.6. */
KERNEL_INLINE_ pte_t kernel_ptep_clear_flush_notify_(const struct kernel_at_ *at,
						     struct vm_area_struct *vma,
						     unsigned long addr, pte_t *ptep)
{
	pte_t old = kernel_ptep_clear_flush_(at, vma, addr, ptep);

	kernel_mmu_notifier_invalidate_range_(at, vma->vm_mm, addr, addr + PAGE_SIZE);
	return old;
}

/* Calls the callback change_pte, and sets the entry. Source: Linux before 6.6. */
KERNEL_INLINE_ void kernel_set_pte_at_notify_(const struct kernel_at_ *at, struct mm_struct *mm,
					      unsigned long addr, pte_t *ptep, pte_t pte)
{
	kernel_change_pte_(mm, addr, pte_val(pte), &at->site);
	kernel_set_pte_at_(at, mm, addr, ptep, pte);
}

KERNEL_PASSED_(pte_t, ptep_clear_flush_notify, (struct vm_area_struct *vma, unsigned long addr,
						pte_t *ptep), (vma, addr, ptep))
KERNEL_PASSED_VOID_(set_pte_at_notify, (struct mm_struct *mm, unsigned long addr, pte_t *ptep,
					pte_t pte), (mm, addr, ptep, pte))

#define ptep_clear_flush_notify(vma, addr, ptep) KERNEL_3_(ptep_clear_flush_notify, NULL, \
	struct vm_area_struct *, vma, unsigned long, addr, pte_t *, ptep)
#define set_pte_at_notify(mm, addr, ptep, pte) KERNEL_4_(set_pte_at_notify, NULL, \
	struct mm_struct *, mm, unsigned long, addr, pte_t *, ptep, pte_t, pte)

/*
 * Ask the notifiers for the age of what they map: was it used since it was last asked for? The
 * first two make them forget it, and the first flushes their TLBs. True if one says yes.
 *
 * Context: with the lock of the entry.
 */
KERNEL_INLINE_ int kernel_mmu_notifier_clear_flush_young_(const struct kernel_at_ *at,
							  struct mm_struct *mm,
							  unsigned long start, unsigned long end)
{
	return kernel_young_(mm, start, end, KERNEL_CLEAR_FLUSH_YOUNG_, &at->site);
}

KERNEL_INLINE_ int kernel_mmu_notifier_clear_young_(const struct kernel_at_ *at,
						    struct mm_struct *mm, unsigned long start,
						    unsigned long end)
{
	return kernel_young_(mm, start, end, KERNEL_CLEAR_YOUNG_, &at->site);
}

KERNEL_INLINE_ int kernel_mmu_notifier_test_young_(const struct kernel_at_ *at,
						   struct mm_struct *mm, unsigned long addr)
{
	return kernel_young_(mm, addr, addr + PAGE_SIZE, KERNEL_TEST_YOUNG_, &at->site);
}

/* The same, with the entry's own age. Source: linux/mmu_notifier.h. */
KERNEL_INLINE_ int kernel_ptep_clear_flush_young_notify_(const struct kernel_at_ *at,
							 struct vm_area_struct *vma,
							 unsigned long addr, pte_t *ptep)
{
	int young = kernel_ptep_clear_flush_young_(at, vma, addr, ptep);

	return kernel_mmu_notifier_clear_flush_young_(at, vma->vm_mm, addr, addr + PAGE_SIZE) |
	       young;
}

KERNEL_INLINE_ int kernel_ptep_clear_young_notify_(const struct kernel_at_ *at,
						   struct vm_area_struct *vma,
						   unsigned long addr, pte_t *ptep)
{
	int young = kernel_ptep_test_and_clear_young_(at, vma, addr, ptep);

	return kernel_mmu_notifier_clear_young_(at, vma->vm_mm, addr, addr + PAGE_SIZE) | young;
}

KERNEL_PASSED_(int, mmu_notifier_clear_flush_young, (struct mm_struct *mm, unsigned long start,
						     unsigned long end), (mm, start, end))
KERNEL_PASSED_(int, mmu_notifier_clear_young, (struct mm_struct *mm, unsigned long start,
					       unsigned long end), (mm, start, end))
KERNEL_PASSED_(int, mmu_notifier_test_young, (struct mm_struct *mm, unsigned long addr),
	       (mm, addr))
KERNEL_PASSED_(int, ptep_clear_flush_young_notify, (struct vm_area_struct *vma,
						    unsigned long addr, pte_t *ptep),
	       (vma, addr, ptep))
KERNEL_PASSED_(int, ptep_clear_young_notify, (struct vm_area_struct *vma, unsigned long addr,
					      pte_t *ptep), (vma, addr, ptep))

#define mmu_notifier_clear_flush_young(mm, start, end) \
	KERNEL_3_(mmu_notifier_clear_flush_young, NULL, \
		  struct mm_struct *, mm, unsigned long, start, unsigned long, end)
#define mmu_notifier_clear_young(mm, start, end) \
	KERNEL_3_(mmu_notifier_clear_young, NULL, \
		  struct mm_struct *, mm, unsigned long, start, unsigned long, end)
#define mmu_notifier_test_young(mm, addr) \
	KERNEL_2_(mmu_notifier_test_young, NULL, struct mm_struct *, mm, unsigned long, addr)
#define ptep_clear_flush_young_notify(vma, addr, ptep) \
	KERNEL_3_(ptep_clear_flush_young_notify, NULL, \
		  struct vm_area_struct *, vma, unsigned long, addr, pte_t *, ptep)
#define ptep_clear_young_notify(vma, addr, ptep) KERNEL_3_(ptep_clear_young_notify, NULL, \
	struct vm_area_struct *, vma, unsigned long, addr, pte_t *, ptep)

#ifdef __cplusplus
}
#endif

#endif
