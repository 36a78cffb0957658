/* SPDX-License-Identifier: MIT */
/*
 * huge_fault.c - faults where a huge page is mapped or could be: the first write, a write
 * to a read-only one, access again after a hint. See do_huge_pmd_anonymous_page() and
 * do_huge_pmd_wp_page() in mm/huge_memory.c; entry/huge.c has the invariant.
 */
#include <errno.h>

#include "vm/fault/fault.h"

/* False: somebody else was faster; nothing of the caller's was used. */
static bool huge_map_new(struct mmun_mm *mm, const struct ptep *pmd, uint64_t addr,
			 pfn_t head, pfn_t table)
{
	pte_t new = pte_make(head, PTE_WRITABLE | PTE_EXCL | PTE_PS), old = { 0 };
	bool none;

	spin_lock(pmd->ptl);
	/* Pairs with cmpxchg_acq_rel in table_install(), which takes no lock. */
	none = cmpxchg_acq_rel(pmd->entry, &old.v, new.v);
	if (none) {
		pgtable_deposit(mm->machine, pmd, table);
		rmap_add_new(mm->machine, head, pmd);
		sync_event(HUGE_SET, addr, head.v, EVENT_RW);
	}
	spin_unlock(pmd->ptl);
	return none;
}

/*
 * The first write only. For a read Linux maps a huge zero page; here small pages serve,
 * as they do where there is a table already, or no huge frame.
 */
int huge_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write)
{
	struct ptep pmd;
	pfn_t head, table;

	if (!write || !vma_anonymous(v) || vma_shared(v) || !huge_range_in(v, addr))
		return -EAGAIN;
	if (!pgtable_walk_pmd(&mm->pt, addr, true, &pmd))
		return -ENOMEM;
	if (!pte_none(pte_get(pmd.entry)))
		return -EAGAIN;
	if (!frame_alloc_huge(mm->machine, true, &head))
		return -EAGAIN;
	if (!table_alloc(&mm->pt, addr, 0, &table)) {
		frame_free(mm->machine, head);
		return -ENOMEM;
	}
	if (!huge_map_new(mm, &pmd, huge_down(addr), head, table)) {
		table_free(mm->machine, table);
		frame_free(mm->machine, head);
	}
	return 0;
}

/* Nobody else maps the page, and nobody who holds the pmd lock lets it be shared. */
static bool can_reuse_huge(const struct mmun_mm *mm, pte_t e)
{
	/* Pairs with add_acq_rel in frame_put(): others' accesses are over. */
	return pte_exclusive(e) ||
	       load_acquire(&frame_of(mm->machine, pte_pfn(e))->refcount) == 1;
}

/* Present, and not writable; under the pmd lock. False: small pages must do. */
static bool huge_wp_reuse(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t e)
{
	/* The write takes the protection from one small page, not from all. */
	if (pte_uffd_wp(e) || !can_reuse_huge(mm, e))
		return false;
	set_pte(p->entry, addr, pte_set_bits(pte_mkwrite(e), PTE_A | PTE_EXCL));
	return true;
}

/* The huge page is not copied: its entry is split, and the next fault copies a small one. */
int huge_wp_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write)
{
	bool done = true;
	struct ptep p;
	pte_t e;
	sync_operation("HUGE_WP");

	(void)v; /* what the access needs it allows: fault_area() has looked */
	if (!pte_map_lock(&mm->pt, addr, &p))
		return 0;
	e = pte_get(p.entry);
	if (!p.level)
		done = true; /* split meanwhile */
	else if (pte_present(e) && write && !pte_write(e))
		done = huge_wp_reuse(mm, &p, huge_down(addr), e);
	else if (!pte_present(e) && pte_mapped(e)) /* a hint, or mprotect gave it back */
		set_pte(p.entry, huge_down(addr), pte_allow(e));
	if (p.level && pte_present(e) && write && done)
		fault_tell_upgrade(mm, flush_entry(huge_down(addr), 1));
	pte_unlock(&p);
	if (p.level && softleaf_is_migration(e))
		migration_entry_wait(mm, e);
	if (!done)
		huge_split_entry(mm, addr);
	return 0;
}
