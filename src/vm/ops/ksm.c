/* SPDX-License-Identifier: MIT */
/*
 * ksm.c - two pages of equal contents become one, as try_to_merge_one_page in
 * mm/ksm.c: write-protect both, compare, let the second entry map the first page.
 *
 * The flush of secondary TLBs may wait for range_end, because both page locks
 * and a reference to each page are held past it (nothing is freed, nobody merges
 * or migrates), and because the pages are read-only and equal: a stale
 * translation reads the same. The comparison comes after the flush. A fault that copies
 * one of them does not wait, but flushes first: see break_sharing() in fault/fault.c.
 * Litmus: ksm+deferred, ksm+preempted.
 */
#include <errno.h>

#include "vm/ops/ops.h"

struct merge_page {
	uint64_t addr;
	struct ptep p;
	pte_t pte;
	bool equal;          /* MUTATION_ORDER: to the other one, when it was not yet flushed */
};

/* A small page of a private anonymous area, present and its own. */
static bool mergeable(const struct mmun_mm *mm, const struct ptep *p, pte_t e)
{
	struct mmun_machine *m = mm->machine;

	return !p->level && pte_present(e) && !is_zero_page(m, pte_pfn(e)) &&
	       (frame_of(m, pte_pfn(e))->flags & (FRAME_ANON | FRAME_TAIL | FRAME_HUGE)) ==
	       FRAME_ANON;
}

static bool get_page(struct mmun_mm *mm, struct merge_page *page)
{
	const struct vma *v = vma_find(mm, page->addr);
	bool ok;

	if (!v || !vma_anonymous(v) || !pte_map_lock(&mm->pt, page->addr, &page->p))
		return false;
	page->pte = pte_get(page->p.entry);
	ok = mergeable(mm, &page->p, page->pte);
	if (ok)
		frame_get(mm->machine, pte_pfn(page->pte), 1);
	pte_unlock(&page->p);
	return ok;
}

/* Both or none; the lower number first. */
static bool trylock_pages(struct mmun_machine *m, pfn_t a, pfn_t b)
{
	struct frame *first = frame_of(m, a.v < b.v ? a : b);
	struct frame *second = frame_of(m, a.v < b.v ? b : a);

	if (!mutex_trylock(&first->page_lock))
		return false;
	if (mutex_trylock(&second->page_lock))
		return true;
	mutex_unlock(&first->page_lock);
	return false;
}

static void unlock_pages(struct mmun_machine *m, pfn_t a, pfn_t b)
{
	mutex_unlock(&frame_of(m, a)->page_lock);
	mutex_unlock(&frame_of(m, b)->page_lock);
}

/*
 * Nobody but the entries, the swap cache and we has a reference: nobody writes past the
 * page tables. An exchange, since gup_fast's is one. The references first: the page may
 * leave the swap cache meanwhile, and must then be found to have one too many.
 */
static bool only_mapped(struct mmun_machine *m, pfn_t pfn)
{
	uint64_t refs = add_acq_rel(&frame_of(m, pfn)->refcount, 0);
	uint64_t cached = load_acquire(&frame_of(m, pfn)->swap) != 0;

	return refs == rmap_count(m, pfn) + cached + 1;
}

static bool pages_identical(const struct mmun_machine *m, pfn_t a, pfn_t b)
{
	const atomic_u64 *x = frame_memory(m, a), *y = frame_memory(m, b);

	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		if (load_relaxed(&x[i]) != load_relaxed(&y[i]))
			return false;
	return true;
}

/*
 * write_protect_page() in mm/ksm.c. The CPUs' flush under the ptl is needed even though
 * the page stays: gup_fast and who was writing through it must be over, or seen, before
 * the references are counted.
 *
 *      KSM                                 gup_fast
 *      clears the entry, flushes           reads the entry
 *                                          reference + 1
 *      references? [as expected: shares]   entry as before? [no: gives up]
 *
 * Litmus: ksm+pin.
 */
static bool write_protect(struct mmun_mm *mm, struct merge_page *page,
			  const struct merge_page *other)
{
	uint64_t addr = page->addr;
	struct flush f = flush_page(addr);
	struct mmu_notifier_range range;
	pte_t old, new;
	bool ok;

	range_init(&range, mm, MMU_NOTIFY_CLEAR, f.start, f.end);
	invalidate_range_start(&range);
	add_acq_rel(&mm->tlb_flush_pending, 1); /* see break_sharing() in fault/fault.c */
	(void)pte_lock(&page->p, addr);
	ok = pte_same(pte_get(page->p.entry), page->pte);
	if (ok && (page->pte.v & (PTE_RW | PTE_EXCL))) {
		old = ptep_clear_flush(mm, &page->p, addr);
		pass_flush_point(mm, MM_OP_KSM_MERGE, FLUSH_POINT_CLEAR, f);
		ok = only_mapped(mm->machine, pte_pfn(old));
		new = ok ? pte_clear_bits(old, PTE_RW | PTE_EXCL) : old;
		notify_change_pte(&mm->domain, addr, new);
		set_pte(page->p.entry, addr, new);
		page->pte = new;
		pass_flush_point(mm, MM_OP_KSM_MERGE, FLUSH_POINT_SET, f);
	}
	pte_unlock(&page->p);
	page->equal = mm_mutated(mm, MM_OP_KSM_MERGE, MUTATION_ORDER) &&
		      pages_identical(mm->machine, pte_pfn(other->pte), pte_pfn(page->pte));
	pass_flush_point(mm, MM_OP_KSM_MERGE, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, MM_OP_KSM_MERGE);
	pass_flush_point(mm, MM_OP_KSM_MERGE, FLUSH_POINT_AFTER, f);
	add_acq_rel(&mm->tlb_flush_pending, (uint64_t)-1);
	return ok;
}

/* Read-only; dirty, so that nobody takes it for a page that was never written. */
static pte_t merged_entry(pfn_t kpage, pte_t old)
{
	return pte_make(kpage, PTE_READ_ONLY | PTE_D | (old.v & (PTE_UFFD_WP | PTE_SOFT_DIRTY)));
}

/* Page locks held. True: b's entry maps a's page. */
static bool merge_locked(struct mmun_mm *mm, struct merge_page *a, struct merge_page *b)
{
	struct mmun_machine *m = mm->machine;
	pfn_t kpage = pte_pfn(a->pte);

	if (!write_protect(mm, a, b) || !write_protect(mm, b, a))
		return false;
	if (!b->equal && !pages_identical(m, kpage, pte_pfn(b->pte)))
		return false;
	sync_event(PAGES_EQUAL);
	frame_of(m, kpage)->ksm = true;
	frame_get(m, kpage, 1); /* the entry's */
	if (update_pte(mm, MM_OP_KSM_MERGE, &b->p, b->addr, b->pte,
		       merged_entry(kpage, b->pte), false))
		return true;
	frame_put(m, kpage, 1);
	return false;
}

/* With a reference to each page, which it uses up. */
static int merge(struct mmun_mm *mm, struct merge_page *a, struct merge_page *b)
{
	struct mmun_machine *m = mm->machine;
	pfn_t pa = pte_pfn(a->pte), pb = pte_pfn(b->pte);
	bool merged = pa.v == pb.v;

	if (!merged && trylock_pages(m, pa, pb)) {
		merged = merge_locked(mm, a, b);
		unlock_pages(m, pa, pb);
		if (merged) {
			if (!mm_mutated(mm, MM_OP_KSM_MERGE, MUTATION_REFERENCE))
				frame_put(m, pb, 2); /* ours and the entry's */
			frame_put(m, pa, 1);
			pass_flush_point(mm, MM_OP_KSM_MERGE, FLUSH_POINT_FREED,
					 flush_page(b->addr));
			return 0;
		}
	}
	frame_put(m, pa, 1);
	frame_put(m, pb, 1);
	return merged ? 0 : -EAGAIN;
}

int mmun_ksm_merge(struct mmun_mm *mm, uint64_t a, uint64_t b)
{
	struct merge_page page_a = { .addr = a }, page_b = { .addr = b };
	int err = -EFAULT;
	sync_operation("KSM");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || a % PAGE_BYTES || b % PAGE_BYTES || a == b)
		return -EINVAL;
	if (a >= TASK_BYTES || b >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	if (get_page(mm, &page_a)) {
		if (get_page(mm, &page_b))
			err = merge(mm, &page_a, &page_b);
		else
			frame_put(mm->machine, pte_pfn(page_a.pte), 1);
	}
	up_read(&mm->mmap_lock);
	return err;
}

/* --- taking merges back --------------------------------------------------- */

/* Of the page that an entry maps; with a reference, which it uses up. */
static bool was_merged(struct mmun_machine *m, pfn_t pfn)
{
	struct frame *f = frame_of(m, pfn);
	bool ksm;

	mutex_lock(&f->page_lock);
	ksm = f->ksm;
	mutex_unlock(&f->page_lock);
	frame_put(m, pfn, 1);
	return ksm;
}

/* 1: a KSM page is mapped there; 0: none; -EAGAIN: the page was on the move. */
static int maps_merged(struct mmun_mm *mm, const struct vma *v, uint64_t addr)
{
	struct ptep p;
	bool shared;
	pte_t e;

	if (!pte_map_lock(&mm->pt, addr, &p))
		return 0;
	e = pte_get(p.entry);
	shared = !p.level && must_unshare(mm, v, e);
	if (shared)
		frame_get(mm->machine, pte_pfn(e), 1);
	pte_unlock(&p);
	if (!p.level && softleaf_is_migration(e)) {
		migration_entry_wait(mm, e);
		return -EAGAIN;
	}
	return shared && was_merged(mm->machine, pte_pfn(e));
}

/* Before 6.2 a write fault, where the area allows one; an unsharing one leaves the copy
 * read-only. */
static int break_ksm(struct mmun_mm *mm, const struct vma *v, uint64_t addr)
{
	if (mm->domain.semantics == MMUN_CLASSIC && (v->prot & MMUN_PROT_WRITE))
		return fault_area(mm, v, addr, true);
	return fault_unshare(mm, v, addr);
}

/*
 * A fault at each entry of a KSM page, until there is none (break_ksm in mm/ksm.c). What is
 * swapped out is left: who fetches it gets a page to share with others that did, as after
 * fork. -ENOMEM: some are left.
 */
int ksm_unmerge(struct mmun_mm *mm, const struct vma *v, uint64_t start, uint64_t end)
{
	uint64_t addr = start, next;
	int merged, err = 0;
	struct ptep p;

	while (!err && pgtable_next(&mm->pt, &addr, end, &p)) {
		next = table_end(addr, end);
		for (; !err && addr < next; addr += merged ? 0 : PAGE_BYTES) {
			merged = maps_merged(mm, v, addr);
			if (merged > 0)
				err = break_ksm(mm, v, addr);
		}
	}
	return err;
}
