/* SPDX-License-Identifier: MIT */
/*
 * ksm.c - two pages of equal contents become one, as try_to_merge_one_page in
 * mm/ksm.c: write-protect both, compare, let the second entry map the first page.
 *
 * The flush of secondary TLBs may wait for range_end, because both page locks
 * and a reference to each page are held past it (nothing is freed, nobody merges
 * or migrates), and because the pages are read-only and equal: a stale
 * translation reads the same. The comparison comes after the flush.
 * Litmus: ksm+deferred, ksm+preempted.
 */
#include <errno.h>

#include "vm/vm.h"

struct merge_page {
	uint64_t addr;
	struct ptep p;
	pte_t pte;
};

static bool get_page(struct mmun_mm *mm, struct merge_page *page)
{
	bool ok = false;

	page->p = pgtable_walk(mm, page->addr);
	if (!vma_find(mm, page->addr) || !page->p.entry)
		return false;
	pte_lock(&page->p, page->addr);
	page->pte = pte_get(page->p.entry);
	if (pte_present(page->pte) && !is_zero_page(mm->machine, pte_pfn(page->pte))) {
		frame_get(mm->machine, pte_pfn(page->pte));
		ok = true;
	}
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

static bool write_protect(struct mmun_mm *mm, struct merge_page *page)
{
	pte_t old = page->pte;

	page->pte = pte_wrprotect(old);
	return update_pte(mm, MM_OP_KSM_MERGE, &page->p, page->addr, old, page->pte);
}

static bool pages_identical(const struct mmun_machine *m, pfn_t a, pfn_t b)
{
	const atomic_u64 *x = frame_memory(m, a), *y = frame_memory(m, b);

	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		if (load_relaxed(&x[i]) != load_relaxed(&y[i]))
			return false;
	return true;
}

/* Page locks held. True: b's entry maps a's page and has our reference to it. */
static bool merge_locked(struct mmun_mm *mm, struct merge_page *a, struct merge_page *b)
{
	struct mmun_machine *m = mm->machine;
	pfn_t kpage = pte_pfn(a->pte);

	if (!write_protect(mm, a) || !write_protect(mm, b))
		return false;
	if (!pages_identical(m, kpage, pte_pfn(b->pte)))
		return false;
	sync_note("contents are equal");
	frame_of(m, kpage)->flags |= FRAME_KSM;
	return update_pte(mm, MM_OP_KSM_MERGE, &b->p, b->addr, b->pte,
			  pte_make(kpage, PTE_READ_ONLY));
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
			frame_put(m, pb, 2); /* ours and the entry's */
			secondary_point(mm, MM_OP_KSM_MERGE, NOTIFY_FREED,
					b->addr, b->addr + PAGE_BYTES);
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
