/* SPDX-License-Identifier: MIT */
/*
 * young.c - was a page referenced? As page_idle_clear_pte_refs() in mm/page_idle.c, and for
 * reclaim as folio_referenced() in mm/rmap.c: the accessed bits of all entries that map the
 * page, and what the notifiers' devices say of theirs. No TLB of a processor is flushed, as on
 * x86: an access through a cached translation is not seen, and the page is no worse for being
 * taken for old. An accessed bit is cleared by compare and exchange, as the walk may set the
 * dirty bit beside it at that moment.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* Under the ptl; addr is of the first byte that the entry maps. */
static bool entry_young(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, enum young_how how)
{
	uint64_t end = addr + entry_bytes(p->level);
	bool young;
	pte_t e;

	if (how == YOUNG_ASK && !notify_has_clear_flush_young(&mm->domain))
		return false;
	e = pte_get(p->entry);
	young = pte_young(e);
	if (how == YOUNG_TEST)
		return young || notify_test_young(&mm->domain, addr);
	if (young)
		(void)ptep_clear_bits(p->entry, addr, e, PTE_A);
	if (how == YOUNG_CLEAR)
		return notify_clear_young(&mm->domain, addr, end) || young;
	return notify_clear_flush_young(&mm->domain, addr, end) || young;
}

bool page_referenced(struct mmun_machine *m, pfn_t page, enum young_how how)
{
	struct rmap_walk w = { .head = page };
	bool young = false;
	struct ptep p;

	if (how == YOUNG_IGNORE)
		return false;
	while ((how != YOUNG_TEST || !young) && rmap_next(m, &w)) {
		if (!rmap_lock_entry(m, &w, &p))
			continue;
		young |= entry_young(w.mm, &p, w.addr, how);
		pte_unlock(&p);
	}
	rmap_walk_end(m, &w);
	return young;
}

/*
 * A reference to the page at addr. The zero page, which everybody has, has an age where
 * it is mapped only: that is found at once. -EAGAIN: it was on the move.
 */
static int get_page(struct mmun_mm *mm, uint64_t addr, enum young_how how, pfn_t *ret_page,
		    bool *ret_young)
{
	struct mmun_machine *m = mm->machine;
	struct ptep p;
	pte_t e;

	if (!vma_find(mm, addr) || !pte_map_lock(&mm->pt, addr, &p))
		return -EFAULT;
	e = pte_get(p.entry);
	if (pte_mapped(e)) {
		*ret_page = is_zero_page(m, pte_pfn(e)) ? m->zero : frame_head(m, pte_pfn(e));
		if (is_zero_page(m, *ret_page))
			*ret_young = entry_young(mm, &p, addr, how);
		else
			frame_get(m, *ret_page, 1);
	}
	pte_unlock(&p);
	if (!softleaf_is_migration(e))
		return pte_mapped(e) ? 0 : -EFAULT;
	migration_entry_wait(mm, e);
	return -EAGAIN;
}

int mmun_page_young(struct mmun_mm *mm, uint64_t addr, bool clear, bool *ret_young)
{
	const enum young_how how = clear ? YOUNG_CLEAR : YOUNG_TEST;
	struct mmun_machine *m;
	pfn_t page;
	int err;
	sync_operation("PAGE_YOUNG");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !ret_young)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	m = mm->machine;
	down_read(&mm->mmap_lock);
	do
		err = get_page(mm, page_down(addr), how, &page, ret_young);
	while (err == -EAGAIN);
	up_read(&mm->mmap_lock);
	if (err || is_zero_page(m, page))
		return err;
	mutex_lock(&frame_of(m, page)->page_lock);
	*ret_young = page_referenced(m, page, how);
	mutex_unlock(&frame_of(m, page)->page_lock);
	frame_put(m, page, 1);
	return 0;
}
