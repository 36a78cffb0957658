/* SPDX-License-Identifier: MIT */
/*
 * clear_refs.c - what /proc/PID/clear_refs and /proc/PID/pagemap do (fs/proc/task_mmu.c):
 * forget what was referenced or written, and tell. Invariant: an entry that is writable
 * and dirty, which TLBs may write through without a look at it, is soft-dirty. So
 * forgetting takes write access away, and no write after the call goes unnoticed:
 *
 *      clear_refs                          device
 *      RW, SOFT_DIRTY cleared              [TLB: writable]
 *                                          store: unnoticed, but during the call
 *      range_end
 *      flushes CPUs, devices
 *      returns                             store: misses, faults: SOFT_DIRTY
 *
 * The flush may come after range_end, since mmap_lock is held for writing and the areas
 * are locked: nobody copies a page meanwhile. It must come even if it seems that there
 * is nothing to flush (912efa17e512).
 * Litmus: soft-dirty+never; tests/explore_gup.c looks at the bits.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* Referenced bits. TLBs are not flushed: who hits one need not be seen. */
static void forget_references_of(struct mmun_mm *mm, uint64_t addr, uint64_t end)
{
	struct ptep p;

	while (pgtable_next(&mm->pt, &addr, end, &p)) {
		uint64_t next = table_end(addr, end);
		const struct ptep first = p;

		if (!pte_lock(&first, addr))
			continue;
		for (; addr < next; addr += entry_bytes(p.level), p = ptep_next(p)) {
			pte_t e = pte_get(p.entry);

			if (pte_mapped(e) && pte_young(e))
				(void)ptep_clear_bits(p.entry, addr, e, PTE_A);
		}
		pte_unlock(&first);
	}
}

/* Of areas only: beside them munmap may be freeing tables. */
static void forget_references(struct mmun_mm *mm)
{
	struct btree_iter it;
	const struct vma *v = btree_first(&mm->areas, &it, 0, TASK_BYTES);

	sync_assert_held(&mm->mmap_lock);
	for (; v; v = btree_next(&it))
		forget_references_of(mm, v->start, v->end);
}

static void forget_writes(struct mmun_mm *mm)
{
	const struct protect how = {
		.op = MM_OP_SOFT_DIRTY,
		.event = MMU_NOTIFY_SOFT_DIRTY,
		.clear = PTE_RW | PTE_SOFT_DIRTY,
	};
	struct mmu_notifier_range range;

	sync_assert_held(&mm->mmap_lock);
	if (!mm_mutated(mm, how.op, MUTATION_AREAS))
		vma_start_write_range(mm, 0, TASK_BYTES);
	range_init(&range, mm, how.event, 0, TASK_BYTES);
	add_acq_rel(&mm->tlb_flush_pending, 1);
	invalidate_range_start(&range);
	(void)protect_entries(mm, &how, 0, TASK_BYTES);
	pass_flush_point(mm, how.op, FLUSH_POINT_UNLOCK, flush_everything());
	invalidate_range_end(&range, how.op);
	flush_tlb_range(mm, flush_everything());
	pass_flush_point(mm, how.op, FLUSH_POINT_AFTER, flush_everything());
	add_acq_rel(&mm->tlb_flush_pending, (uint64_t)-1);
}

int mmun_clear_refs(struct mmun_mm *mm, enum mmun_clear_refs what)
{
	sync_operation("CLEAR_REFS");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm)
		return -EINVAL;
	switch (what) {
	case MMUN_CLEAR_REFS_ALL:
		down_read(&mm->mmap_lock);
		forget_references(mm);
		up_read(&mm->mmap_lock);
		return 0;
	case MMUN_CLEAR_REFS_SOFT_DIRTY:
		mmap_write_lock(mm);
		forget_writes(mm);
		mmap_write_unlock(mm);
		return 0;
	}
	return -EINVAL;
}

/* --- pagemap ------------------------------------------------------------- */

/* Part of a huge page is exclusive only if its entry says so. Under the ptl. */
static bool mapped_alone(struct mmun_machine *m, const struct ptep *p, pte_t e)
{
	pfn_t pfn = pte_pfn(e);

	if (pte_exclusive(e))
		return true;
	return !is_zero_page(m, pfn) && (p->level || pfn.v < m->huge_base) &&
	       rmap_count(m, pfn) == 1;
}

static unsigned page_bits(struct mmun_machine *m, const struct ptep *p, pte_t e)
{
	static const struct { uint64_t pte; unsigned page; } bits[] = {
		{ PTE_P | PTE_PROTNONE, MMUN_PAGE_PRESENT },
		{ PTE_SOFT_DIRTY, MMUN_PAGE_SOFT_DIRTY },
		{ PTE_UFFD_WP, MMUN_PAGE_WP },
	};
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (e.v & bits[i].pte)
			found |= bits[i].page;
	if (softleaf_type(e) && !pte_mapped(e))
		found |= MMUN_PAGE_SWAPPED;
	if (pte_mapped(e) && mapped_alone(m, p, e))
		found |= MMUN_PAGE_EXCLUSIVE;
	if (p->level)
		found |= MMUN_PAGE_HUGE;
	return found;
}

int mmun_pagemap(struct mmun_mm *mm, uint64_t addr, unsigned *ret_bits)
{
	struct ptep p;
	int err = 0;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !ret_bits)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	if (!vma_find(mm, addr)) {
		err = -EFAULT;
	} else if (pte_map_lock(&mm->pt, addr, &p)) {
		*ret_bits = page_bits(mm->machine, &p, pte_get(p.entry));
		pte_unlock(&p);
	} else {
		*ret_bits = 0;
	}
	up_read(&mm->mmap_lock);
	return err;
}
