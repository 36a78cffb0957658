/* SPDX-License-Identifier: MIT */
/*
 * map.c - mmap, munmap, mprotect. Each checks and allocates first; what follows
 * the first notifier cannot fail. Steps as in mm/memory.c and mm/mprotect.c:
 * start, entries under their ptl, end, and for munmap the gather afterwards.
 */
#include <errno.h>

#include "vm/vm.h"

/* len rounded up to pages: false if [addr, addr + len) is not the user's. */
static bool range_fits(uint64_t addr, uint64_t *len)
{
	if (*len > TASK_BYTES || addr > TASK_BYTES)
		return false;
	*len = page_down(*len + PAGE_BYTES - 1);
	return *len <= TASK_BYTES - addr;
}

/* --- unmapping ----------------------------------------------------------- */

/* One leaf table's entries of [addr, end). Returns how far it came. */
static uint64_t unmap_table(struct gather *g, const struct ptep *p, uint64_t addr, uint64_t end)
{
	uint64_t first = addr;
	atomic_u64 *entry = p->entry;
	bool cleared = false;

	pte_lock(p, addr);
	for (; addr < end && !gather_full(g); addr += PAGE_BYTES, entry++) {
		if (pte_none(pte_get(entry)))
			continue;
		gather_page(g, pte_pfn(ptep_get_and_clear(entry, addr)));
		gather_span(g, addr, addr + PAGE_BYTES);
		cleared = true;
	}
	if (cleared)
		secondary_point(g->mm, g->op, NOTIFY_CLEAR, first, addr);
	pte_unlock(p);
	return addr;
}

static uint64_t table_end(uint64_t addr, uint64_t end)
{
	return min_u64(end, (addr & ~(entry_bytes(1) - 1)) + entry_bytes(1));
}

static void unmap_pages(struct gather *g, uint64_t start, uint64_t end)
{
	struct ptep p;

	while (pgtable_next(g->mm, &start, end, &p)) {
		start = unmap_table(g, &p, start, table_end(start, end));
		if (gather_full(g))
			gather_flush(g);
	}
}

void unmap_region(struct mmun_mm *mm, enum mm_op op, uint64_t start, uint64_t end,
		  uint64_t floor, uint64_t ceiling)
{
	struct mmu_notifier_range range;
	struct gather g;

	sync_assert_held(&mm->mmap_lock);
	gather_init(&g, mm, op);
	range_init(&range, mm, MMU_NOTIFY_UNMAP, start, end);
	invalidate_range_start(&range);
	unmap_pages(&g, start, end);
	secondary_point(mm, op, NOTIFY_UNLOCK, start, end);
	invalidate_range_end(&range, op);
	/* The end of the range is no place to free: the gather is. */
	free_pgtables(&g, start, end, floor, ceiling);
	gather_flush(&g);
}

/* No area crosses start or end: cannot fail. */
static void munmap_locked(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = vma_first(mm, start, end);

	if (!v)
		return;
	for (; v; v = vma_first(mm, start, end))
		vma_remove(mm, v);
	unmap_region(mm, MM_OP_MUNMAP, start, end, vma_floor(mm, start), vma_ceiling(mm, end));
	mm->search_from = min_u64(mm->search_from, start);
}

int mmun_munmap(struct mmun_mm *mm, uint64_t addr, uint64_t len)
{
	int err;

	if (!mm || addr % PAGE_BYTES || len == 0 || !range_fits(addr, &len))
		return -EINVAL;
	down_write(&mm->mmap_lock);
	err = vma_split_range(mm, addr, addr + len);
	if (!err)
		munmap_locked(mm, addr, addr + len);
	up_write(&mm->mmap_lock);
	return err;
}

/* --- mapping ------------------------------------------------------------- */

enum {
	PROT_ALL = MMUN_PROT_READ | MMUN_PROT_WRITE,
	MAP_NEEDED = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS,
};

static uint64_t search_base(void) { return entry_bytes(1); }

/* Where a mapping goes that need not be at its hint. TASK_BYTES: nowhere. */
static uint64_t find_room(const struct mmun_mm *mm, uint64_t hint, uint64_t len)
{
	uint64_t at = page_down(hint);

	if (hint && range_fits(at, &len) && vma_hole(mm, at, len) == at)
		return at;
	at = vma_hole(mm, max_u64(mm->search_from, search_base()), len);
	return at < TASK_BYTES ? at : vma_hole(mm, search_base(), len);
}

static int mmap_locked(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot, int flags,
		       uint64_t *ret_addr)
{
	struct vma *v;
	int err = 0;

	if (!(flags & MMUN_MAP_FIXED))
		addr = find_room(mm, addr, len);
	else
		err = vma_split_range(mm, addr, addr + len);
	if (addr >= TASK_BYTES || err)
		return -ENOMEM;
	v = vma_new(addr, addr + len, prot, MAP_NEEDED);
	if (!v || btree_reserve(&mm->areas)) {
		vma_merge_range(mm, addr, addr + len);
		sync_free(v);
		return -ENOMEM;
	}
	munmap_locked(mm, addr, addr + len);
	ASSERT(!btree_insert(&mm->areas, v->start, v->end, v));
	if (!(flags & MMUN_MAP_FIXED))
		mm->search_from = addr + len;
	vma_merge_range(mm, addr, addr + len);
	*ret_addr = addr;
	return 0;
}

int mmun_mmap(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot, int flags,
	      uint64_t *ret_addr)
{
	int err;

	if (!mm || !ret_addr || len == 0 || (prot & ~PROT_ALL) ||
	    (flags & ~(MAP_NEEDED | MMUN_MAP_FIXED)) || (flags & MAP_NEEDED) != MAP_NEEDED)
		return -EINVAL;
	if ((flags & MMUN_MAP_FIXED) && addr % PAGE_BYTES)
		return -EINVAL;
	if (!range_fits((flags & MMUN_MAP_FIXED) ? addr : 0, &len))
		return -ENOMEM;
	down_write(&mm->mmap_lock);
	err = mmap_locked(mm, addr, len, prot, flags, ret_addr);
	up_write(&mm->mmap_lock);
	return err;
}

/* --- protection ---------------------------------------------------------- */

/* Rights that are given are not entered here: the next fault sees to that. */
static pte_t pte_modify(pte_t e, int prot)
{
	uint64_t v = e.v & ~(uint64_t)(PTE_P | PTE_PROTNONE);

	if (!(prot & MMUN_PROT_WRITE))
		v &= ~(uint64_t)PTE_RW;
	return (pte_t){ v | (prot == MMUN_PROT_NONE ? PTE_PROTNONE : PTE_P) };
}

static bool protect_table(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, uint64_t end,
			  int prot)
{
	atomic_u64 *entry = p->entry;
	bool changed = false;

	pte_lock(p, addr);
	for (; addr < end; addr += PAGE_BYTES, entry++) {
		pte_t old = pte_get(entry);

		if (pte_none(old) || pte_same(old, pte_modify(old, prot)))
			continue;
		(void)ptep_get_and_clear(entry, addr);
		secondary_point(mm, MM_OP_MPROTECT, NOTIFY_CLEAR, addr, addr + PAGE_BYTES);
		set_pte(entry, addr, pte_modify(old, prot));
		secondary_point(mm, MM_OP_MPROTECT, NOTIFY_SET, addr, addr + PAGE_BYTES);
		changed = true;
	}
	pte_unlock(p);
	return changed;
}

/* One area, as change_protection() in mm/mprotect.c: no table, no notifier. */
static bool protect_area(struct mmun_mm *mm, uint64_t start, uint64_t end, int prot)
{
	struct mmu_notifier_range range;
	uint64_t addr = start;
	bool changed = false;
	struct ptep p;

	if (!pgtable_next(mm, &addr, end, &p))
		return false;
	range_init(&range, mm, MMU_NOTIFY_PROTECTION_VMA, start, end);
	invalidate_range_start(&range);
	do {
		changed |= protect_table(mm, &p, addr, table_end(addr, end), prot);
		addr = table_end(addr, end);
	} while (pgtable_next(mm, &addr, end, &p));
	secondary_point(mm, MM_OP_MPROTECT, NOTIFY_UNLOCK, start, end);
	if (changed && mm->semantics == MMUN_CLASSIC)
		flush_tlb_range(mm, start, end);
	invalidate_range_end(&range, MM_OP_MPROTECT);
	return changed;
}

static bool all_mapped(const struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct vma *v = vma_find(mm, start);

		if (!v)
			return false;
		start = v->end;
	}
	return true;
}

static int mprotect_locked(struct mmun_mm *mm, uint64_t start, uint64_t end, int prot)
{
	struct btree_iter it;
	struct vma *v;
	bool changed = false;

	if (!all_mapped(mm, start, end) || vma_split_range(mm, start, end))
		return -ENOMEM;
	for (v = btree_first(&mm->areas, &it, start, end); v; v = btree_next(&it)) {
		if (v->prot == prot)
			continue;
		v->prot = prot;
		changed |= protect_area(mm, v->start, v->end, prot);
	}
	/* May come after range_end: mmap_lock keeps faults away until then. */
	if (changed && mm->semantics == MMUN_MODERN)
		flush_tlb_range(mm, start, end);
	if (changed)
		secondary_point(mm, MM_OP_MPROTECT, NOTIFY_AFTER, start, end);
	vma_merge_range(mm, start, end);
	return 0;
}

int mmun_mprotect(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot)
{
	int err;

	if (!mm || addr % PAGE_BYTES || (prot & ~PROT_ALL))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!range_fits(addr, &len))
		return -ENOMEM;
	down_write(&mm->mmap_lock);
	err = mprotect_locked(mm, addr, addr + len, prot);
	up_write(&mm->mmap_lock);
	return err;
}
