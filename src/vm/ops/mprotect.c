/* SPDX-License-Identifier: MIT */
/*
 * mprotect.c - mprotect(2). What becomes less is taken from the entries by
 * entry/protect.c, with mmap_lock and the areas' locks held for writing.
 */
#include <errno.h>

#include "vm/ops/ops.h"

static struct protect protect_for(int prot)
{
	bool write = prot & MMUN_PROT_WRITE;

	return (struct protect){
		.op = MM_OP_MPROTECT,
		.event = MMU_NOTIFY_PROTECTION_VMA,
		.clear = write ? 0 : PTE_RW,
		.mkwrite = write,
		.access = prot == MMUN_PROT_NONE ? PROTECT_NONE : PROTECT_ALLOW,
	};
}

static int mprotect_locked(struct mmun_mm *mm, uint64_t start, uint64_t end, int prot)
{
	const struct protect how = protect_for(prot);
	struct btree_iter it;
	struct vma *v;

	if (!all_mapped(mm, start, end) || vma_reserve(mm, vma_crossed(mm, start, end)))
		return -ENOMEM;
	vma_split_range(mm, start, end);
	vma_start_write_range(mm, start, end);
	for (v = btree_first(&mm->areas, &it, start, end); v; v = btree_next(&it)) {
		if (v->prot == prot)
			continue;
		v->prot = prot;
		sync_plain_write(&v->prot);
		(void)protect_range(mm, &how, v->start, v->end);
	}
	vma_merge_range(mm, start, end);
	return 0;
}

int mmun_mprotect(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot)
{
	int err;
	sync_operation("MPROTECT");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || addr % PAGE_BYTES || (prot & ~(MMUN_PROT_READ | MMUN_PROT_WRITE)))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!range_fits(addr, &len))
		return -ENOMEM;
	mmap_write_lock(mm);
	err = mprotect_locked(mm, addr, addr + len, prot);
	mmap_write_unlock(mm);
	if (!err && !(prot & MMUN_PROT_WRITE))
		sync_taken_away("mmun_mprotect()", &mm->domain, addr, addr + len,
				prot == MMUN_PROT_NONE);
	return err;
}
