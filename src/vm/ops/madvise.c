/* SPDX-License-Identifier: MIT */
/*
 * madvise.c - advice about ranges, area by area, as madvise_walk_vmas() in mm/madvise.c:
 * what is not mapped is passed over and reported in the end, an error of an area ends it.
 * Invariant: after each area mmap_lock is held as before, but areas may have changed.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* --- dropping pages ------------------------------------------------------ */

/* zap_page_range_single() in mm/memory.c. */
static int advise_dontneed(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	struct gather g;

	(void)v;
	gather_init(&g, mm, MM_OP_DONTNEED);
	zap_range(&g, MMU_NOTIFY_CLEAR, ZAP_ALL, start, end);
	gather_finish(&g);
	return 0;
}

/*
 * Only a page that nobody else maps, keeps or works on is given up; it is KSM's only
 * while KSM has a reference as well. Under the ptl, so the entry's reference stays, and
 * who comes by it waits.
 */
static bool can_free(const struct mmun_machine *m, pte_t e)
{
	const struct frame *f;

	if (!pte_mapped(e) || is_zero_page(m, pte_pfn(e)))
		return false;
	f = frame_of(m, frame_head(m, pte_pfn(e)));
	/* Pairs with add_acq_rel in frame_put(). */
	return load_acquire(&f->refcount) == 1 && !f->ksm;
}

/*
 * The page is nobody's until it is written again, which the dirty bit tells: reclaim may
 * drop it. A store through a translation that is not yet flushed sets no dirty bit; it
 * is as good as one before the advice, and the flush ends that.
 */
static void free_mapped(struct gather *g, const struct ptep *p, uint64_t addr)
{
	struct mmun_machine *m = g->mm->machine;
	struct flush f = flush_entry(addr, p->level);
	pte_t e = pte_get(p->entry);

	if (!can_free(m, e))
		return;
	for (uint32_t i = 0; i < entry_bytes(p->level) / PAGE_BYTES; i++)
		store_relaxed(&frame_of(m, (pfn_t){ pte_pfn(e).v + i })->dirty, 0);
	e = p->level ? pmdp_invalidate(p, addr, e) : ptep_get_and_clear(p->entry, addr);
	pass_flush_point(g->mm, MM_OP_FREE, FLUSH_POINT_CLEAR, f);
	set_pte(p->entry, addr, pte_clear_bits(e, PTE_A | PTE_D));
	pass_flush_point(g->mm, MM_OP_FREE, FLUSH_POINT_SET, f);
	gather_entry(g, addr, p->level);
}

static void free_table(struct gather *g, struct ptep p, uint64_t addr, uint64_t end)
{
	const struct ptep first = p;

	(void)pte_lock(&first, addr);
	flush_tlb_batched_pending(g->mm);
	for (; addr < end; addr += PAGE_BYTES, p = ptep_next(p)) {
		pte_t e = pte_get(p.entry);

		if (softleaf_is_swap(e)) {
			set_pte(p.entry, addr, (pte_t){ 0 });
			swap_free(g->mm->machine, softleaf_to_slot(e));
		} else {
			free_mapped(g, &p, addr);
		}
	}
	pte_unlock(&first);
}

static void free_entries(struct gather *g, uint64_t start, uint64_t end)
{
	struct ptep p;

	gather_seen(g, start, end);
	while (pgtable_next(&g->mm->pt, &start, end, &p)) {
		uint64_t next = table_end(start, end);

		if (p.level == 0) {
			free_table(g, p, start, next);
		} else if (next - start < HUGE_BYTES) {
			huge_split_entry(g->mm, start);
			continue;
		} else {
			if (!pte_lock(&p, start))
				continue;
			flush_tlb_batched_pending(g->mm);
			free_mapped(g, &p, start);
			pte_unlock(&p);
		}
		start = next;
	}
}

/* madvise_free_single_vma() in mm/madvise.c. */
static int advise_free(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	struct mmu_notifier_range range;
	struct gather g;

	if (!vma_anonymous(v))
		return -EINVAL;
	gather_init(&g, mm, MM_OP_FREE);
	range_init(&range, mm, MMU_NOTIFY_CLEAR, start, end);
	invalidate_range_start(&range);
	free_entries(&g, start, end);
	pass_flush_point(mm, MM_OP_FREE, FLUSH_POINT_UNLOCK, flush_range(start, end));
	invalidate_range_end(&range, MM_OP_FREE);
	gather_finish(&g);
	return 0;
}

/* madvise_remove(): punching takes the locks of all mappings, so mmap_lock is let go. */
static int advise_remove(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	struct mmun_object *o = v->object;
	uint64_t offset = v->offset + (start - v->start);
	int err;

	if (!vma_shared(v))
		return -EINVAL;
	object_get(o);
	up_read(&mm->mmap_lock);
	err = mmun_object_punch(o, offset, end - start);
	object_put(o);
	down_read(&mm->mmap_lock);
	return err;
}

/* As far as it goes: a page in use stays. Entries that were made old are flushed at the end,
 * with madvise_pageout()'s gather in mm/madvise.c before 6.9. */
static int advise_pageout(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	bool ask = mm->domain.semantics == MMUN_CLASSIC;
	struct flush old = flush_nothing();
	struct ptep p;

	(void)v;
	for (; pgtable_next(&mm->pt, &start, end, &p); start += PAGE_BYTES)
		if (!pte_none(pte_get(p.entry)))
			(void)swap_reclaim(mm, start, ask ? &old : NULL);
	if (flush_is_empty(&old))
		return 0;
	flush_tlb_range(mm, old);
	pass_flush_point(mm, MM_OP_AGE, FLUSH_POINT_AFTER, old);
	return 0;
}

/* --- marking areas ------------------------------------------------------- */

static int change_flags(struct mmun_mm *mm, uint64_t start, uint64_t end, uint32_t clear,
			uint32_t set)
{
	struct vma *v = vma_find(mm, start);

	if (((v->flags & ~clear) | set) == v->flags)
		return 0;
	if (vma_reserve(mm, vma_crossed(mm, start, end)))
		return -ENOMEM;
	vma_split_range(mm, start, end);
	v = vma_find(mm, start);
	vma_start_write(v);
	v->flags = (v->flags & ~clear) | set;
	vma_merge_range(mm, start, end);
	return 0;
}

static int advise_hugepage(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	(void)v;
	return change_flags(mm, start, end, 0, VMA_HUGEPAGE);
}

static int advise_nohugepage(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	(void)v;
	return change_flags(mm, start, end, VMA_HUGEPAGE, 0);
}

static int advise_dontfork(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	(void)v;
	return change_flags(mm, start, end, 0, VMA_DONTFORK);
}

static int advise_dofork(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	(void)v;
	return change_flags(mm, start, end, VMA_DONTFORK, 0);
}

static int advise_wipeonfork(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	return vma_anonymous(v) ? change_flags(mm, start, end, 0, VMA_WIPEONFORK) : -EINVAL;
}

static int advise_keeponfork(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	(void)v;
	return change_flags(mm, start, end, VMA_WIPEONFORK, 0);
}

/* Nothing is merged in shared areas: as ksm_madvise() in mm/ksm.c. */
static int advise_mergeable(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	return vma_shared(v) ? 0 : change_flags(mm, start, end, 0, VMA_MERGEABLE);
}

/* Pages are merged on request, whether marked or not: so are they given back. */
static int advise_unmergeable(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	int err = vma_anonymous(v) ? ksm_unmerge(mm, v, start, end) : 0;

	return err ? err : change_flags(mm, start, end, VMA_MERGEABLE, 0);
}

/* madvise_collapse() in mm/khugepaged.c: all that can be, and the last error. */
static int advise_collapse(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	int err = 0, failed;
	struct ptep p;
	uint64_t next;

	if (!vma_anonymous(v))
		return -EINVAL;
	vma_start_write(v);
	start = huge_down(start + HUGE_BYTES - 1);
	for (; start < end && end - start >= HUGE_BYTES; start = next) {
		uint64_t at = start;

		/* What nobody has touched is passed over at once: areas may be large. */
		if (!pgtable_next(&mm->pt, &at, end, &p))
			return -EAGAIN;
		next = huge_down(at);
		if (next == start) {
			failed = huge_collapse(mm, v, start);
			next += HUGE_BYTES;
		} else {
			failed = -EAGAIN;
		}
		err = failed ? failed : err;
	}
	return err;
}

/* --- populating ---------------------------------------------------------- */

static bool accessible(const struct mmun_mm *mm, uint64_t addr, bool write)
{
	pte_t e = mm_translate(mm, addr);

	return pte_present(e) && (!write || pte_write(e));
}

static int populate(struct mmun_mm *mm, const struct vma *v, uint64_t addr, uint64_t end,
		    bool write)
{
	int err = 0;

	if (v->prot == MMUN_PROT_NONE || (write && !(v->prot & MMUN_PROT_WRITE)))
		return -EINVAL;
	for (; addr < end && !err; addr += PAGE_BYTES)
		do
			err = fault_area(mm, v, addr, write);
		while (!err && !accessible(mm, addr, write));
	return err;
}

static int advise_read(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	return populate(mm, v, start, end, false);
}

static int advise_write(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	return populate(mm, v, start, end, true);
}

/* --- all of them --------------------------------------------------------- */

static const struct advice {
	int advice;
	bool write; /* mmap_lock for writing */
	int (*area)(struct mmun_mm *mm, struct vma *v, uint64_t start, uint64_t end);
} advices[] = {
	{ MMUN_MADV_DONTNEED, false, advise_dontneed },
	{ MMUN_MADV_FREE, false, advise_free },
	{ MMUN_MADV_REMOVE, false, advise_remove },
	{ MMUN_MADV_MERGEABLE, true, advise_mergeable },
	{ MMUN_MADV_UNMERGEABLE, true, advise_unmergeable },
	{ MMUN_MADV_HUGEPAGE, true, advise_hugepage },
	{ MMUN_MADV_NOHUGEPAGE, true, advise_nohugepage },
	{ MMUN_MADV_DONTFORK, true, advise_dontfork },
	{ MMUN_MADV_DOFORK, true, advise_dofork },
	{ MMUN_MADV_WIPEONFORK, true, advise_wipeonfork },
	{ MMUN_MADV_KEEPONFORK, true, advise_keeponfork },
	{ MMUN_MADV_PAGEOUT, false, advise_pageout },
	{ MMUN_MADV_POPULATE_READ, false, advise_read },
	{ MMUN_MADV_POPULATE_WRITE, false, advise_write },
	{ MMUN_MADV_COLLAPSE, true, advise_collapse },
};

static const struct advice *find_advice(int advice)
{
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].advice == advice)
			return &advices[i];
	return NULL;
}

/* Areas are looked up anew each time: the one before may be gone, or grown. */
static int walk_areas(struct mmun_mm *mm, const struct advice *a, uint64_t start, uint64_t end)
{
	bool hole = false;
	struct vma *v;

	while (start < end && (v = vma_first(mm, start, end))) {
		uint64_t from = max_u64(start, v->start), to = min_u64(end, v->end);
		int err = a->area(mm, v, from, to);

		if (err)
			return err;
		hole |= from > start;
		start = to;
	}
	return hole || start < end ? -ENOMEM : 0;
}

int mmun_madvise(struct mmun_mm *mm, uint64_t addr, uint64_t len, int advice)
{
	const struct advice *a = find_advice(advice);
	uint64_t end = addr + page_down(len + PAGE_BYTES - 1);
	int err;
	sync_operation("MADVISE");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !a || addr % PAGE_BYTES || end < addr || (len && end == addr))
		return -EINVAL;
	if (a->write)
		mmap_write_lock(mm);
	else
		down_read(&mm->mmap_lock);
	err = walk_areas(mm, a, addr, end);
	if (a->write)
		mmap_write_unlock(mm);
	else
		up_read(&mm->mmap_lock);
	if (!err && advice == MMUN_MADV_DONTNEED)
		sync_taken_away("mmun_madvise(MMUN_MADV_DONTNEED)", &mm->domain, addr, end, true);
	return err;
}
