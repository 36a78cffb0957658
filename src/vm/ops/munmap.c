/* SPDX-License-Identifier: MIT */
/*
 * munmap.c - munmap(2): entries, areas and page tables of a range go, as do_vmi_munmap() in
 * mm/mmap.c has it. Invariant: mmap_lock is downgraded when the areas are detached, so that
 * readers of it meet munmap, but no area that it is unmapping.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* No area crosses start or end: cannot fail. False: there was no area, and nothing is to do. */
static bool munmap_begin(struct unmap *u)
{
	struct mmun_mm *mm = u->mm;

	u->op = MM_OP_MUNMAP;
	u->floor = vma_floor(mm, u->start);
	u->ceiling = vma_ceiling(mm, u->end);
	if (!unmap_detach(u))
		return false;
	mm->search_from = min_u64(mm->search_from, u->start);
	return true;
}

void munmap_locked(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct unmap u = { .mm = mm, .start = start, .end = end };

	if (munmap_begin(&u))
		unmap_region(&u);
}

int munmap_unlock(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct unmap u = { .mm = mm, .start = start, .end = end };
	int err = vma_reserve(mm, vma_crossed(mm, start, end));

	if (!err)
		vma_split_range(mm, start, end);
	if (err || !munmap_begin(&u)) {
		mmap_write_unlock(mm);
		return err;
	}
	mmap_write_downgrade(mm);
	unmap_region(&u);
	mmap_read_unlock(mm);
	return 0;
}

int mmun_munmap(struct mmun_mm *mm, uint64_t addr, uint64_t len)
{
	int err;
	sync_operation("MUNMAP");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || addr % PAGE_BYTES || len == 0 || !range_fits(addr, &len))
		return -EINVAL;
	mmap_write_lock(mm);
	err = munmap_unlock(mm, addr, addr + len);
	if (!err)
		sync_taken_away("mmun_munmap()", &mm->domain, addr, addr + len, true);
	return err;
}
