/* SPDX-License-Identifier: MIT */
/*
 * mm.c - address spaces from birth to exit. Invariant: the structure lives while its owner
 * or a notifier needs it (notify/mm_ref.c); after exit it holds no page, no table and no
 * area.
 */
#include <errno.h>

#include "vm/ops/ops.h"

int mm_alloc(struct mmun_machine *machine, enum mmun_semantics semantics, struct mmun_mm **ret_mm)
{
	struct mmun_mm *mm = sync_alloc(sizeof(*mm));

	if (!mm)
		return -ENOMEM;
	mm->machine = mm->pt.machine = machine;
	mm->semantics = semantics;
	if (!table_alloc(&mm->pt, 0, TABLE_LEVELS - 1, &mm->pt.pgd)) {
		sync_free(mm);
		return -ENOMEM;
	}
	rwsem_init(&mm->mmap_lock, RANK_MMAP);
	rwsem_init(&mm->areas_sem, RANK_AREAS);
	rwsem_init(&mm->rmap_sem, RANK_RMAP);
	mm->lock_seq = (uint64_t)SYNC_SEQ_START;
	mutex_init(&mm->release_lock, RANK_RELEASE);
	mutex_init(&mm->subscriptions_lock, RANK_SUBSCRIPTIONS);
	btree_init(&mm->areas, vma_btree_mem);
	mutations_init(&mm->mutations, semantics);
	store_relaxed(&mm->count, 1);
	add_relaxed(&machine->mms, 1);
	*ret_mm = mm;
	return 0;
}

int mmun_mm_create(struct mmun_machine *machine, enum mmun_semantics semantics,
		   struct mmun_mm **ret_mm)
{
	if (!machine || !ret_mm || (semantics != MMUN_MODERN && semantics != MMUN_CLASSIC))
		return -EINVAL;
	return mm_alloc(machine, semantics, ret_mm);
}

/*
 * As exit_mmap: release comes before any page goes, and ends all walks by devices.
 * Reclaim and migration may still come by rmap until the last page is unmapped;
 * whoever is late finds no entry, in a page table of which the top is still there.
 */
void mm_exit(struct mmun_mm *mm)
{
	notifiers_release(mm);
	mm_lock_all(mm);
	notifiers_unlink(mm);
	mm_unlock_all(mm);

	mmap_write_lock(mm);
	vma_start_write_range(mm, 0, TASK_BYTES);
	unmap_region(mm, MM_OP_EXIT, 0, TASK_BYTES, 0, TASK_BYTES);
	btree_fini(&mm->areas);
	vma_unreserve(mm);
	mmap_write_unlock(mm);
}

int mmun_mm_destroy(struct mmun_mm *mm)
{
	bool busy;

	if (!mm)
		return 0;
	down_read(&mm->mmap_lock);
	busy = mm->cpus;
	up_read(&mm->mmap_lock);
	if (busy)
		return -EBUSY;
	mm_exit(mm);
	mm_put(mm);
	return 0;
}
