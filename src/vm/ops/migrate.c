/* SPDX-License-Identifier: MIT */
/*
 * migrate.c - the contents of a page go to another frame, in every address space that
 * maps it; see migrate_pages() in mm/migrate.c and try_to_migrate() in mm/rmap.c. Both
 * pages are locked throughout. rmap/migration.c has the
 * invariant of MIGRATION entries.
 *
 *      migration               processor, fault                device
 *      lock of frame 3         [TLB: a -> 3]                   [TLB: a -> 3]
 *      a: MIGRATION of 3
 *                              a = 1 [hits: frame 3]
 *      flush, both TLBs
 *        [whoever uses 3                                       a = 2 [before]
 *         is waited for]
 *      references? [ours]
 *                              a: miss, fault: waits for
 *      copy 3 to 7               the lock of frame 3
 *      a: present, frame 7
 *      unlock 3
 *                              a: miss, walk: frame 7
 *
 * The copy comes after the flush, for what is stored to the old frame after it was
 * copied would be lost. It comes before the first entry is present again, and whoever
 * finds the new page in the object or in the swap slot must wait for its lock: nobody
 * sees it half copied. The flush of secondary TLBs may be left to range_end (the
 * classic semantics) because that comes before the copy too.
 * Litmus: migrate+default, migrate+deferred, migrate+never.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/*
 * Under the ptl. False: the page is pinned, and the entry as it was. That all references
 * are counted afterwards is not enough: fork shares a MIGRATION entry without looking
 * at pins. A pin counts itself, then looks at the entry again; this looks at the count
 * after clearing: see share_entry() in fork.c.
 */
static bool unmap_entry(struct tlb_batch *b, const struct rmap_walk *w, const struct ptep *p)
{
	struct mmun_machine *m = w->mm->machine;
	struct frame *f = frame_of(m, w->head);
	pte_t e = pte_get(p->entry);

	if (!pte_mapped(e)) /* moving already: the walk began anew */
		return true;
	e = tlb_batch_clear(b, w->mm, p, w->addr, false);
	if (pte_exclusive(e) && add_acq_rel(&f->pins, 0)) {
		set_pte(p->entry, w->addr, e);
		return false;
	}
	if (pte_dirty(e)) /* it may be gone when the others are restored */
		store_relaxed(&f->dirty, 1);
	set_pte(p->entry, w->addr, make_migration_entry(e));
	pass_flush_point(w->mm, b->op, FLUSH_POINT_SET, rmap_flush(w));
	frame_put(m, w->head, 1); /* never the last: our caller has one */
	return true;
}

/* One page's way to another frame. */
struct migration {
	struct tlb_batch batch;
	enum mmu_notifier_event event;
	void *owner;
	pfn_t to;
	bool copied;             /* MUTATION_ORDER: when the entry was not yet flushed */
};

/*
 * MUTATION_PENDING: an entry without access is taken for one that no TLB has, and nobody is
 * told, though the flush of a hint may still be to come (7066f0f933a1). False: it has access.
 */
static bool unmap_hinted(struct mmun_machine *m, const struct rmap_walk *w)
{
	struct ptep p;
	bool hinted;
	pte_t e;

	if (!mm_mutated(w->mm, MM_OP_MIGRATE, MUTATION_PENDING) || !rmap_lock_entry(m, w, &p))
		return false;
	e = pte_get(p.entry);
	hinted = pte_mapped(e) && !pte_present(e);
	if (hinted) {
		set_pte(p.entry, w->addr, make_migration_entry(e));
		frame_put(m, w->head, 1);
	}
	pte_unlock(&p);
	return hinted;
}

/* False: somebody pins it. What was mapped and is missed here shows in the references. */
static bool unmap_page(struct mmun_machine *m, struct migration *how, pfn_t page)
{
	struct rmap_walk w = { .head = page };
	struct tlb_batch *b = &how->batch;
	bool ok = true;
	struct ptep p;

	while (ok && rmap_next(m, &w)) {
		struct mmu_notifier_range range;
		struct flush f = rmap_flush(&w);

		if (unmap_hinted(m, &w))
			continue;
		range_init_owner(&range, w.mm, how->event, f.start, f.end, how->owner);
		invalidate_range_start(&range);
		if (rmap_lock_entry(m, &w, &p)) {
			ok = unmap_entry(b, &w, &p);
			pte_unlock(&p);
		}
		how->copied = mm_mutated(w.mm, MM_OP_MIGRATE, MUTATION_ORDER);
		if (how->copied)
			frame_copy(m, how->to, page);
		pass_flush_point(w.mm, b->op, FLUSH_POINT_UNLOCK, f);
		invalidate_range_end(&range, b->op);
		pass_flush_point(w.mm, b->op, FLUSH_POINT_AFTER, f);
	}
	rmap_walk_end(m, &w);
	return ok;
}

/* --- the page ------------------------------------------------------------ */

/*
 * from gets frozen if only the caller and whoever keeps the page have references; who
 * keeps it then has to instead. Who comes by the object while from is frozen waits
 * for its lock.
 */
static bool take_over(struct mmun_machine *m, pfn_t from, pfn_t to)
{
	struct frame *f = frame_of(m, from);

	if (!f->object)
		return swap_freeze(m, from, to);
	if (!frame_freeze(m, from, 2))
		return false;
	frame_get(m, to, 1);
	store_relaxed(&frame_of(m, to)->dirty, load_relaxed(&f->dirty));
	object_replace(f->object, f->index, to);
	return true;
}

/* Both locked, a reference to each. 0: from is frozen and nobody's any more. */
static int move_page(struct mmun_machine *m, struct migration *how, pfn_t from, pfn_t to)
{
	bool ok;

	how->to = to;
	ok = unmap_page(m, how, from);
	tlb_batch_flush(&how->batch);
	ok = ok && take_over(m, from, to);
	if (ok && !how->copied)
		frame_copy(m, to, from);
	migration_restore(m, from, ok ? to : from);
	return ok ? 0 : -EBUSY;
}

/* The lower number first. Nobody else wants the new one, but see migration_entry_wait(). */
static void lock_pages(struct mmun_machine *m, pfn_t a, pfn_t b)
{
	mutex_lock(&frame_of(m, a.v < b.v ? a : b)->page_lock);
	mutex_lock(&frame_of(m, a.v < b.v ? b : a)->page_lock);
}

static void unlock_pages(struct mmun_machine *m, pfn_t a, pfn_t b)
{
	mutex_unlock(&frame_of(m, a)->page_lock);
	mutex_unlock(&frame_of(m, b)->page_lock);
}

static const uint32_t page_kind = FRAME_ANON | FRAME_OBJECT;

/* With a reference to the page, which this uses up. */
static int migrate_page(struct mmun_machine *m, struct migration *how, pfn_t from)
{
	pfn_t to;
	int err;

	if (!frame_alloc(m, FRAME_ANON, false, &to)) {
		frame_put(m, from, 1);
		return -ENOMEM;
	}
	lock_pages(m, from, to);
	frame_of(m, to)->flags = frame_of(m, from)->flags & page_kind;
	frame_of(m, to)->ksm = frame_of(m, from)->ksm;
	err = move_page(m, how, from, to);
	unlock_pages(m, from, to);
	if (err)
		frame_put(m, from, 1);
	else
		frame_free(m, from);
	frame_put(m, to, 1);
	tlb_batch_end(&how->batch);
	return err;
}

/* A frame of a huge page that has not been split. The entry is locked. */
static bool in_huge_page(const struct mmun_machine *m, pfn_t pfn)
{
	return pfn.v >= m->huge_base && (frame_of(m, pfn)->flags & (FRAME_HUGE | FRAME_TAIL));
}

/* A reference to the page at addr. -EBUSY: it is moving, or would have to be split. */
static int get_page(struct mmun_mm *mm, uint64_t addr, pfn_t *ret_pfn)
{
	struct ptep p;
	int err = -EFAULT;
	pte_t e;

	if (!vma_find(mm, addr) || !pte_map_lock(&mm->pt, addr, &p))
		return -EFAULT;
	e = pte_get(p.entry);
	if (softleaf_is_migration(e) || (pte_mapped(e) && in_huge_page(mm->machine, pte_pfn(e)))) {
		err = -EBUSY;
	} else if (pte_mapped(e) && !is_zero_page(mm->machine, pte_pfn(e))) {
		*ret_pfn = pte_pfn(e);
		frame_get(mm->machine, *ret_pfn, 1);
		err = 0;
	}
	pte_unlock(&p);
	return err;
}

static int migrate(struct mmun_mm *mm, uint64_t addr, enum mmu_notifier_event event, void *owner)
{
	struct migration how = { .batch.op = MM_OP_MIGRATE, .event = event, .owner = owner };
	pfn_t pfn;
	int err;
	sync_operation("MIGRATE");

	if (!mm || addr % PAGE_BYTES)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	err = get_page(mm, addr, &pfn);
	up_read(&mm->mmap_lock);
	return err ? err : migrate_page(mm->machine, &how, pfn);
}

int mmun_migrate(struct mmun_mm *mm, uint64_t addr)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return migrate(mm, addr, MMU_NOTIFY_CLEAR, NULL);
}

int mmun_migrate_owned(struct mmun_mm *mm, uint64_t addr, void *owner)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return migrate(mm, addr, MMU_NOTIFY_MIGRATE, owner);
}
