/* SPDX-License-Identifier: MIT */
/* hmm.h - looking pages up for a page table of a device's own, which an interval notifier keeps
 * current. */
#ifndef MMUN_LINUX_HMM_H
#define MMUN_LINUX_HMM_H

#include "mmun/hmm.h"
#include "mmun/linux/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Its members are those of Linux: see mmun/hmm.h. */
#define hmm_range mmun_hmm_range

#define HMM_PFN_VALID MMUN_HMM_PFN_VALID
#define HMM_PFN_WRITE MMUN_HMM_PFN_WRITE
#define HMM_PFN_ERROR MMUN_HMM_PFN_ERROR
#define HMM_PFN_REQ_FAULT MMUN_HMM_PFN_REQ_FAULT
#define HMM_PFN_REQ_WRITE MMUN_HMM_PFN_REQ_WRITE
#define HMM_PFN_ORDER_SHIFT MMUN_HMM_PFN_ORDER_SHIFT
#define HMM_PFN_FLAGS MMUN_HMM_PFN_FLAGS

/*
 * Looks up the pages of [start, end) in the address space of the range's notifier, and faults in
 * those that are asked for. What it finds holds until the next invalidation: it is used with the
 * driver's lock held, which invalidate takes, once mmu_interval_read_retry() has returned false
 * under that lock. No page gets a reference, so a page that is used otherwise may be freed, which
 * is a finding of "lifetime". It returns 0, -EBUSY, -EFAULT or -EPERM.
 *
 * Context: with mmap_lock held, which it does not let go. May sleep. The driver's lock must not
 * be held: invalidate would wait for it in a page fault.
 * Source: hmm_range_fault() in mm/hmm.c.
 */
KERNEL_FUNCTION_(int, hmm_range_fault, (struct hmm_range *range), (range))

#define hmm_range_fault(range) KERNEL_1_(hmm_range_fault, NULL, range)

/* The page of what was found, and the order of the entry that maps it. */
static inline struct page *hmm_pfn_to_page(unsigned long hmm_pfn)
{
	return pfn_to_page(hmm_pfn & ~HMM_PFN_FLAGS);
}

static inline unsigned hmm_pfn_to_map_order(unsigned long hmm_pfn)
{
	return mmun_hmm_pfn_to_map_order(hmm_pfn);
}

#ifdef __cplusplus
}
#endif

#endif
