/* SPDX-License-Identifier: MIT */
/*
 * hmm.h - a page table of a device's own that mirrors an address space, as Linux's heterogeneous
 * memory management (HMM) has it: a range of pages is looked up, and an interval notifier says
 * whether what was found may still be used. mmun.h has the conventions; docs/hmm.md has the loop
 * that every user writes, and what is not there.
 */
#ifndef MMUN_HMM_H
#define MMUN_HMM_H

#include <mmun/mmun.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What is known of a page, and what is asked for. The values are those of Linux 6.12. The low
 * bits are the number of the frame, which is an identity: equal numbers are the same page.
 *	VALID       it can be read
 *	WRITE       it can be written
 *	ERROR       it could not be looked up: nothing is mapped there, or there is no access
 *	REQ_FAULT   it must be VALID, by a page fault if need be; the same bit as VALID
 *	REQ_WRITE   it must be WRITE too; the same bit as WRITE
 * None of the first three: a fault would be needed. So what was found asks for the same again.
 */
#define MMUN_HMM_PFN_VALID ((uint64_t)1 << 63)
#define MMUN_HMM_PFN_WRITE ((uint64_t)1 << 62)
#define MMUN_HMM_PFN_ERROR ((uint64_t)1 << 61)
#define MMUN_HMM_PFN_REQ_FAULT MMUN_HMM_PFN_VALID
#define MMUN_HMM_PFN_REQ_WRITE MMUN_HMM_PFN_WRITE
#define MMUN_HMM_PFN_ORDER_SHIFT 56
#define MMUN_HMM_PFN_FLAGS ((uint64_t)0xff << MMUN_HMM_PFN_ORDER_SHIFT)

/*
 * The members and their meaning are those of Linux's struct hmm_range. What is asked for of a
 * page is (its hmm_pfn & pfn_flags_mask) | default_flags. With both 0 nothing is faulted in, and
 * the result is a snapshot.
 */
struct mmun_hmm_range {
	struct mmu_interval_notifier *notifier; /* is told of [start, end) at least */
	uint64_t notifier_seq;                  /* of mmu_interval_read_begin() */
	uint64_t start, end;                    /* bytes, whole pages */
	uint64_t *hmm_pfns;                     /* one for each page: in and out */
	uint64_t default_flags;                 /* MMUN_HMM_PFN_REQ_* */
	uint64_t pfn_flags_mask;
	void *dev_private_owner;                /* not used: there is no device memory */
};

/*
 * Looks up the pages of a range for a device, and faults in those that are asked for. The result
 * may be used only while the driver's lock is held, which its invalidate takes, and after
 * mmu_interval_read_retry() has returned false under that lock. After an error the pages before
 * the one that failed are looked up, and the others are as they were.
 *
 * Errors: -EINVAL an address is not the start of a page; the range is empty, or not within the
 *                 notifier's
 *         -EBUSY  there was an invalidation since notifier_seq was read: begin anew
 *         -EFAULT a page is asked for, and nothing is mapped there, or the area allows no access;
 *                 or a page fault failed, also for lack of memory
 *         -EPERM  a page is asked for to be written, and the area does not allow it
 * Context: may block; takes mmap_lock.
 * Source: hmm_range_fault() in mm/hmm.c, where the caller has mmap_lock.
 */
MMUN_API int mmun_hmm_range_fault(struct mmun_hmm_range *range);

/*
 * Returns the order of the entry that maps the page: the entry maps 1 << order pages, of which
 * this is one. It need not lie within the range.
 *
 * Context: any.
 * Source: hmm_pfn_to_map_order() in include/linux/hmm.h.
 */
static inline unsigned mmun_hmm_pfn_to_map_order(uint64_t hmm_pfn)
{
	return (unsigned)(hmm_pfn >> MMUN_HMM_PFN_ORDER_SHIFT) & 0x1f;
}

/*
 * Load or store a word of a page that was looked up. index: in words of 8 bytes, from 0. A store
 * notes that the page was written.
 *
 * Errors: -EINVAL hmm_pfn is not VALID; index is past the page
 *         -EPERM  a store, and hmm_pfn is not WRITE
 * Context: with the driver's lock held, as mmun_hmm_range_fault() says. Does not block.
 * Source: what a driver does with hmm_pfn_to_page(), and set_page_dirty() in mm/page-writeback.c.
 */
MMUN_API int mmun_hmm_load(struct mmun_machine *machine, uint64_t hmm_pfn, uint64_t index,
			   uint64_t *ret_value);
MMUN_API int mmun_hmm_store(struct mmun_machine *machine, uint64_t hmm_pfn, uint64_t index,
			    uint64_t value);

/*
 * Reserves the page at addr for a device, as mmun_make_exclusive() does, and tells which page it
 * is: *ret_hmm_pfn is VALID and WRITE. The driver's invalidate leaves an MMU_NOTIFY_EXCLUSIVE of
 * this owner alone, without setting its number; every other event ends the exclusivity. So the
 * page may be used under the driver's lock if mmu_interval_read_retry() returns false there, with
 * a number that was read before this call. If the page is a device's alone already, be it this one,
 * the call ends that first, with an event that has no owner, and the number changes. So a driver
 * calls mmun_mm_fault() for the page, for writing, before it reads the number.
 *
 * Errors: as mmun_make_exclusive()
 * Context: may block.
 * Source: make_device_exclusive() in mm/rmap.c, which returns the page locked instead.
 */
MMUN_API int mmun_hmm_make_exclusive(struct mmun_mm *mm, uint64_t addr, void *owner,
				     uint64_t *ret_hmm_pfn);

#ifdef __cplusplus
}
#endif

#endif
