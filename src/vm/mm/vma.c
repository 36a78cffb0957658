/* SPDX-License-Identifier: MIT */
/*
 * vma.c - the areas of an address space, found and locked; entry/vma_edit.c changes
 * them. Invariant: areas do not overlap, their bounds are whole pages, and neighbors
 * that could be one are one (but inside an operation). Changed with mmap_lock held for
 * writing and the area write-locked.
 *
 * A page fault takes no mmap_lock, as since Linux 6.4 (lock_vma_under_rcu in
 * mm/memory.c): it finds the area under areas_sem and holds the area's lock. Who
 * changes an area marks it first, under areas_sem, with the mm's lock_seq:
 *
 *      fault                               munmap
 *                                          mmap_lock for writing
 *      areas_sem for reading
 *      finds v [not marked]
 *                                          areas_sem for writing: waits
 *      v.lock for reading
 *      areas_sem let go
 *                                          marks v
 *                                          v.lock for writing: waits for the fault
 *      sets the entry; v.lock let go
 *                                          zaps the entry too
 *
 * Who finds v marked takes mmap_lock instead, and so waits. v.lock is never waited
 * for under areas_sem: whoever marks v got areas_sem first. The mark ends with the
 * number: mmap_write_unlock() and mmap_write_downgrade() count lock_seq up.
 * Litmus: munmap+none, and the matrix's pairs with loads and stores.
 */
#include "vm/mm/mm.h"

/* --- finding ------------------------------------------------------------- */

struct vma *vma_first(const struct mmun_mm *mm, uint64_t lo, uint64_t hi)
{
	struct btree_iter it;

	return btree_first(&mm->areas, &it, lo, hi);
}

struct vma *vma_find(const struct mmun_mm *mm, uint64_t addr)
{
	return vma_first(mm, addr, addr + 1);
}

bool all_mapped(const struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct vma *v = vma_find(mm, start);

		if (!v)
			return false;
		start = v->end;
	}
	return true;
}

uint64_t vma_hole(const struct mmun_mm *mm, uint64_t from, uint64_t len)
{
	struct btree_iter it;
	const struct vma *v = btree_first(&mm->areas, &it, from, TASK_BYTES);

	for (; v; v = btree_next(&it)) {
		if (v->start >= from && v->start - from >= len)
			return from;
		from = v->end;
	}
	return TASK_BYTES - from >= len ? from : TASK_BYTES;
}

uint64_t vma_floor(const struct mmun_mm *mm, uint64_t addr)
{
	const struct vma *v = btree_last_below(&mm->areas, addr);

	return v ? v->end : 0;
}

uint64_t vma_ceiling(const struct mmun_mm *mm, uint64_t addr)
{
	const struct vma *v = vma_first(mm, addr, TASK_BYTES);

	return v ? v->start : TASK_BYTES;
}

/* --- locks --------------------------------------------------------------- */

struct vma *vma_lock_read(struct mmun_mm *mm, uint64_t addr)
{
	struct vma *v;

	down_read(&mm->areas_sem);
	v = vma_find(mm, addr);
	if (v && v->lock_seq == mm->lock_seq)
		v = NULL;
	if (v)
		down_read(&v->lock);
	up_read(&mm->areas_sem);
	return v;
}

void vma_unlock_read(struct vma *v)
{
	up_read(&v->lock);
}

void vma_start_write_range(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct btree_iter it;
	bool any = false;
	struct vma *v;

	sync_assert_held(&mm->mmap_lock);
	for (v = btree_first(&mm->areas, &it, start, end); v && !any; v = btree_next(&it))
		any = v->lock_seq != mm->lock_seq;
	if (!any)
		return;
	down_write(&mm->areas_sem);
	for (v = btree_first(&mm->areas, &it, start, end); v; v = btree_next(&it))
		v->lock_seq = mm->lock_seq;
	up_write(&mm->areas_sem);
	/* Those that were marked before have no readers: this does not wait there. */
	for (v = btree_first(&mm->areas, &it, start, end); v; v = btree_next(&it)) {
		down_write(&v->lock);
		up_write(&v->lock);
	}
	mm->areas_locked = true;
}

void vma_start_write(struct vma *v)
{
	vma_start_write_range(v->mm, v->start, v->end);
}

void mmap_write_lock(struct mmun_mm *mm)
{
	down_write(&mm->mmap_lock);
}

/* vma_end_write_all() in include/linux/mmap_lock.h. */
static void end_write_all(struct mmun_mm *mm)
{
	if (!mm->areas_locked)
		return;
	mm->areas_locked = false;
	down_write(&mm->areas_sem);
	mm->lock_seq++;
	up_write(&mm->areas_sem);
}

void mmap_write_unlock(struct mmun_mm *mm)
{
	end_write_all(mm);
	up_write(&mm->mmap_lock);
}

void mmap_write_downgrade(struct mmun_mm *mm)
{
	end_write_all(mm);
	downgrade_write(&mm->mmap_lock);
}

void mmap_read_unlock(struct mmun_mm *mm)
{
	up_read(&mm->mmap_lock);
}

/* The areas stay locked until mmap_write_unlock(). */
void mm_take_all_locks(struct mmun_mm *mm)
{
	vma_start_write_range(mm, 0, TASK_BYTES);
	down_write(&mm->rmap_sem);
}

void mm_drop_all_locks(struct mmun_mm *mm)
{
	up_write(&mm->rmap_sem);
}

void mm_lock_all(struct mmun_mm *mm)
{
	mmap_write_lock(mm);
	mm_take_all_locks(mm);
}

void mm_unlock_all(struct mmun_mm *mm)
{
	mm_drop_all_locks(mm);
	mmap_write_unlock(mm);
}
