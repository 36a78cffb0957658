/* SPDX-License-Identifier: MIT */
/*
 * fault.h - page faults, and the accesses of processors that raise them.
 */
#ifndef MMUN_FAULT_FAULT_H
#define MMUN_FAULT_FAULT_H

#include "vm/entry/entry.h"

/* v contains addr; the caller has mmap_lock or v's lock. 0: look again. */
int fault_area(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write);
int fault_locked(struct mmun_mm *mm, uint64_t addr, bool write); /* mmap_lock held */

/* A read fault after which the page is v's alone if it is anonymous, as with FAULT_FLAG_UNSHARE;
 * the entry stays read-only. must_unshare(): is it not yet? Under the ptl. */
int fault_unshare(struct mmun_mm *mm, const struct vma *v, uint64_t addr);
bool must_unshare(const struct mmun_mm *mm, const struct vma *v, pte_t e);

int fault_swap(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write, pte_t old);
int fault_object(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write);

/* A huge page for addr if the area allows; -EAGAIN: use small ones. */
int huge_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write);

/* The huge entry p that was seen, for a write or after a hint. 0: look again. */
int huge_wp_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write);

/* --- processors: cpu.c --------------------------------------------------- */

/* For the checker: an access that also tells which frame it touched. */
int cpu_access(struct mmun_cpu *cpu, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn);

#endif
