/* SPDX-License-Identifier: MIT */
/*
 * numa.c - NUMA hints (change_prot_numa in mm/mempolicy.c): present entries lose their
 * access and nothing else, so that the next access faults; fault/fault.c gives it back. An
 * entry without access in an area that allows access is a hint; in a PROT_NONE area
 * the fault looks at the area first. mmap_lock is held for reading only: until the
 * flush others may find the entry and the page, so who takes the entry away flushes it
 * again (ptep_clear_flush):
 *
 *      numa_hint               migration                 device
 *      pending + 1                                       [TLB: writable]
 *      entry: no access
 *                              clears the entry
 *                                [pending: flushes]
 *                              copies the page
 *                                                        store: misses, faults
 *      flush; pending - 1
 *
 * Without that the store would go to the old page and be lost (7066f0f933a1).
 * Litmus: numa-hint+never; tests/explore_gup.c runs it against migration.
 */
#include <errno.h>

#include "vm/ops/ops.h"

static void hint_area(struct mmun_mm *mm, const struct vma *v, uint64_t start, uint64_t end)
{
	const struct protect how = {
		.op = MM_OP_NUMA,
		.event = MMU_NOTIFY_PROTECTION_VMA,
		.access = PROTECT_NONE,
	};

	if (v->prot != MMUN_PROT_NONE)
		(void)protect_range(mm, &how, max_u64(v->start, start), min_u64(v->end, end));
}

int mmun_numa_hint(struct mmun_mm *mm, uint64_t addr, uint64_t len)
{
	struct btree_iter it;
	const struct vma *v;
	int err = 0;
	sync_operation("NUMA_HINT");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || addr % PAGE_BYTES || len % PAGE_BYTES || len == 0 || !range_fits(addr, &len))
		return -EINVAL;
	down_read(&mm->mmap_lock);
	if (!all_mapped(mm, addr, addr + len))
		err = -ENOMEM;
	v = err ? NULL : btree_first(&mm->areas, &it, addr, addr + len);
	for (; v; v = btree_next(&it))
		hint_area(mm, v, addr, addr + len);
	up_read(&mm->mmap_lock);
	return err;
}
