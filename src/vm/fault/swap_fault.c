/* SPDX-License-Identifier: MIT */
/*
 * swap_fault.c - a fault that brings a page back from swap: do_swap_page() in mm/memory.c.
 * phys/swap.c has the invariant of slots and their cached pages.
 */
#include <errno.h>

#include "vm/fault/fault.h"

/* Not exclusive: read-only, and a write comes again to copy it. */
static pte_t swapped_in(const struct vma *v, pfn_t pfn, pte_t old, bool exclusive, bool write)
{
	uint64_t kept = old.v & (PTE_UFFD_WP | PTE_SOFT_DIRTY);
	pte_t e = pte_make(pfn, PTE_READ_ONLY | kept);

	if (!exclusive)
		return e;
	e = pte_set_bits(e, PTE_EXCL);
	if (write)
		return pte_mkwrite(e);
	return v->prot & MMUN_PROT_WRITE && !pte_uffd_wp(e) ? pte_set_bits(e, PTE_RW) : e;
}

static void map_page(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write,
		     pte_t old, pfn_t pfn)
{
	struct mmun_machine *m = mm->machine;
	uint32_t slot = softleaf_to_slot(old);
	struct ptep p;
	bool excl;

	if (!pte_map_lock(&mm->pt, page, &p))
		return;
	if (!p.level && pte_same(pte_get(p.entry), old)) {
		excl = pte_exclusive(old) || is_last_swap_user(m, slot, pfn);
		frame_get(m, pfn, 1);
		rmap_add(m, pfn, &p);
		set_pte(p.entry, page, swapped_in(v, pfn, old, excl, write));
		swap_free(m, slot);
	}
	pte_unlock(&p);
}

int fault_swap(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write, pte_t old)
{
	struct mmun_machine *m = mm->machine;
	pfn_t pfn;
	int err = swap_get_page(m, softleaf_to_slot(old), &pfn);

	if (err)
		return err == -EAGAIN ? 0 : err;
	map_page(mm, v, page, write, old, pfn);
	swap_free(m, softleaf_to_slot(old)); /* and the cache, if there is no other entry */
	mutex_unlock(&frame_of(m, pfn)->page_lock);
	frame_put(m, pfn, 1);
	return 0;
}
