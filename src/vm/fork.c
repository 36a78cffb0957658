/* SPDX-License-Identifier: MIT */
/*
 * fork.c - a second address space over the same pages, as copy_page_range in
 * mm/memory.c and dup_mmap in kernel/fork.c. The parent's mmap_lock is held for
 * writing until its TLBs are flushed: that is why the flush may come after every
 * range_end. No fault can copy or reuse a page which a stale writable
 * translation still reaches. The child is nobody else's yet: its locks are free.
 * Litmus: fork+deferred.
 */
#include <errno.h>

#include "vm/vm.h"

/* Areas and tables first: copying then cannot fail. */
static int dup_area(struct mmun_mm *child, const struct mmun_mm *mm, const struct vma *v)
{
	struct vma *copy = vma_new(v->start, v->end, v->prot, v->flags);
	uint64_t addr = v->start;
	struct ptep p;

	if (!copy)
		return -ENOMEM;
	if (btree_insert(&child->areas, copy->start, copy->end, copy)) {
		sync_free(copy);
		return -ENOMEM;
	}
	for (; pgtable_next(mm, &addr, v->end, &p);
	     addr = (addr & ~(entry_bytes(1) - 1)) + entry_bytes(1))
		if (!pgtable_walk_alloc(child, addr, &p))
			return -ENOMEM;
	return 0;
}

/* The x86 way is one atomic and-not; clearing first is only for the checker. */
static void wrprotect(struct mmun_mm *mm, atomic_u64 *entry, uint64_t addr, pte_t new)
{
	if (mm->where[MM_OP_FORK] & NOTIFY_CLEAR) {
		(void)ptep_get_and_clear(entry, addr);
		secondary_point(mm, MM_OP_FORK, NOTIFY_CLEAR, addr, addr + PAGE_BYTES);
	}
	set_pte(entry, addr, new);
	secondary_point(mm, MM_OP_FORK, NOTIFY_SET, addr, addr + PAGE_BYTES);
}

static void copy_table(struct mmun_mm *child, struct mmun_mm *mm, const struct ptep *src,
		       uint64_t addr, uint64_t end)
{
	struct ptep dst = pgtable_walk(child, addr);
	atomic_u64 *from = src->entry, *to = dst.entry;

	pte_lock(src, addr);
	for (; addr < end; addr += PAGE_BYTES, from++, to++) {
		pte_t e = pte_get(from);

		if (pte_none(e))
			continue;
		if (pte_write(e))
			wrprotect(mm, from, addr, pte_wrprotect(e));
		frame_get(mm->machine, pte_pfn(e));
		store_relaxed(to, pte_wrprotect(e).v);
	}
	pte_unlock(src);
}

static void copy_area(struct mmun_mm *child, struct mmun_mm *mm, const struct vma *v)
{
	struct mmu_notifier_range range;
	uint64_t addr = v->start, end;
	struct ptep p;

	range_init(&range, mm, MMU_NOTIFY_PROTECTION_PAGE, v->start, v->end);
	invalidate_range_start(&range);
	for (; pgtable_next(mm, &addr, v->end, &p); addr = end) {
		end = min_u64(v->end, (addr & ~(entry_bytes(1) - 1)) + entry_bytes(1));
		copy_table(child, mm, &p, addr, end);
	}
	secondary_point(mm, MM_OP_FORK, NOTIFY_UNLOCK, v->start, v->end);
	invalidate_range_end(&range, MM_OP_FORK);
}

static int dup_mmap(struct mmun_mm *child, struct mmun_mm *mm)
{
	struct btree_iter it;
	const struct vma *v;
	int err = 0;

	for (v = btree_first(&mm->areas, &it, 0, TASK_BYTES); v && !err; v = btree_next(&it))
		err = dup_area(child, mm, v);
	if (err)
		return err;
	for (v = btree_first(&mm->areas, &it, 0, TASK_BYTES); v; v = btree_next(&it))
		copy_area(child, mm, v);
	flush_tlb_range(mm, 0, TASK_BYTES);
	secondary_point(mm, MM_OP_FORK, NOTIFY_AFTER, 0, TASK_BYTES);
	return 0;
}

int mmun_fork(struct mmun_mm *mm, struct mmun_mm **ret_child)
{
	struct mmun_mm *child;
	int err;

	if (!mm || !ret_child)
		return -EINVAL;
	err = mm_alloc(mm->machine, mm->semantics, &child);
	if (err)
		return err;
	for (int op = 0; op < MM_OP_COUNT; op++)
		child->where[op] = mm->where[op];
	down_write(&mm->mmap_lock);
	child->search_from = mm->search_from;
	err = dup_mmap(child, mm);
	up_write(&mm->mmap_lock);
	if (err) {
		mm_exit(child);
		mm_put(child);
		return err;
	}
	*ret_child = child;
	return 0;
}
