/* SPDX-License-Identifier: MIT */
/*
 * munmap.c - munmap(2): entries, areas and page tables of a range go, as do_vmi_munmap() in
 * mm/mmap.c has it.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* No area crosses start or end: cannot fail. */
void munmap_locked(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	if (!vma_first(mm, start, end))
		return;
	vma_start_write_range(mm, start, end);
	unmap_region(mm, MM_OP_MUNMAP, start, end, vma_floor(mm, start), vma_ceiling(mm, end));
	mm->search_from = min_u64(mm->search_from, start);
}

int mmun_munmap(struct mmun_mm *mm, uint64_t addr, uint64_t len)
{
	int err;
	sync_operation("MUNMAP");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || addr % PAGE_BYTES || len == 0 || !range_fits(addr, &len))
		return -EINVAL;
	mmap_write_lock(mm);
	err = vma_reserve(mm, vma_crossed(mm, addr, addr + len));
	if (!err) {
		vma_split_range(mm, addr, addr + len);
		munmap_locked(mm, addr, addr + len);
	}
	mmap_write_unlock(mm);
	if (!err)
		sync_taken_away("mmun_munmap()", &mm->domain, addr, addr + len, true);
	return err;
}
