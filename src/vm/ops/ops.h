/* SPDX-License-Identifier: MIT */
/*
 * ops.h - the operations, a file for each system call. Most are called from outside only
 * (include/mmun/mmun.h); here is what they offer each other.
 */
#ifndef MMUN_OPS_OPS_H
#define MMUN_OPS_OPS_H

#include "vm/fault/fault.h"

/* Address spaces: mm.c. */
int mm_alloc(struct mmun_machine *machine, enum mmun_semantics semantics, struct mmun_mm **ret_mm);
void mm_exit(struct mmun_mm *mm);
void mm_put_user(struct mmun_mm *mm); /* the last one: exit */

/* mmap, munmap: munmap.c, mmap.c. mmap_lock held for writing. */
void munmap_locked(struct mmun_mm *mm, uint64_t start, uint64_t end); /* nothing crosses the ends */
/* The same with all areas of the range, or -ENOMEM; mmap_lock is downgraded before anything is
 * unmapped, and let go: unlock in do_vmi_munmap(). */
int munmap_unlock(struct mmun_mm *mm, uint64_t start, uint64_t end);
uint64_t find_room(const struct mmun_mm *mm, uint64_t hint, uint64_t len); /* TASK_BYTES: none */

/*
 * madvise(PAGEOUT), one page; mmap_lock held: reclaim.c. -EBUSY somebody else is at it, or uses
 * the page; -ENOMEM no slot; -EFAULT nothing there that could be swapped out. With old a page
 * that a device uses stays, and *old grows by what the caller has to flush; NULL: no reference
 * is looked at.
 */
int swap_reclaim(struct mmun_mm *mm, uint64_t addr, struct flush *old);

/* Was the page, which is locked and of which the caller has a reference, referenced? All entries
 * are looked at if bits are to be cleared, else until one is young: young.c. */
enum young_how {
	YOUNG_TEST,
	YOUNG_CLEAR,
	YOUNG_CLEAR_FLUSH, /* for reclaim: devices flush as well */
	YOUNG_ASK,         /* the same where a device can say so; elsewhere nothing is young */
	YOUNG_IGNORE,      /* nothing is looked at, and nothing is young */
};
bool page_referenced(struct mmun_machine *m, pfn_t page, enum young_how how);

/* The huge page becomes small ones (split_huge_page): split.c. Uses up a reference. 0,
 * -EBUSY. */
int huge_split_page(struct mmun_machine *m, pfn_t head);

/* fork: the child's entry, with a table deposited: fork_huge.c. -EAGAIN: no huge entry any
 * more, or it was split because the page is pinned; -ENOMEM. Both mmap_locks, or nobody knows
 * the child. */
int huge_copy_entry(struct mmun_mm *child, struct mmun_mm *mm, uint64_t addr);

/* MADV_COLLAPSE of the huge range around addr, which lies in v, an area of private anonymous
 * memory, write-locked; mmap_lock held for writing: collapse.c. -EAGAIN, -ENOMEM; -EINVAL
 * other areas. */
int huge_collapse(struct mmun_mm *mm, struct vma *v, uint64_t addr);

/*
 * A reference to the page of addr, and with PIN a pin: gup.c. The frame is the one of addr, also
 * of a huge page. _fast: no lock, and no page fault; false: do it otherwise. _area: mmap_lock held;
 * _slow takes it. -EFAULT no area that allows it; -ENOMEM. gup_put() gives up what was got, of
 * the page's head.
 */
enum gup_flags { GUP_WRITE = 1, GUP_PIN = 2 };
bool gup_fast(struct mmun_mm *mm, uint64_t addr, unsigned flags, pfn_t *ret_pfn);
int gup_area(struct mmun_mm *mm, const struct vma *v, uint64_t addr, unsigned flags,
	     pfn_t *ret_pfn);
int gup_slow(struct mmun_mm *mm, uint64_t addr, unsigned flags, pfn_t *ret_pfn);
void gup_put(struct mmun_machine *m, pfn_t page, unsigned flags);

/* The pages of a range, for a device's own page table; mmap_lock held: hmm.c. Errors as
 * mmun_hmm_range_fault(), which also looks whether the range makes sense. */
struct mmun_hmm_range;
int hmm_range_fault_locked(struct mmun_mm *mm, struct mmun_hmm_range *range);

/* MADV_UNMERGEABLE: ksm.c. */
int ksm_unmerge(struct mmun_mm *mm, const struct vma *v, uint64_t start, uint64_t end);

#endif
