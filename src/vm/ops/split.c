/* SPDX-License-Identifier: MIT */
/*
 * split.c - a huge page becomes small ones in place, as split_huge_page in
 * mm/huge_memory.c: every entry that maps part of it becomes a MIGRATION entry, the count
 * is frozen, each frame becomes a page of its own, and the entries map again. Contents do
 * not move. Called with a reference to the page; who faults meanwhile waits for the page
 * lock. Invariant: FRAME_HUGE and FRAME_TAIL change only while the count is frozen.
 *
 * Why every TLB is flushed before the count is frozen, the secondary ones too, although the
 * frames stay: from then on nobody else will do it.
 *
 *      split_huge_page         munmap                     device
 *      entry: MIGRATION                                   [TLB: frame 3]
 *      flush
 *                              clears the entry:
 *                                nothing mapped, no flush
 *      freezes, splits
 *      restores: entry gone
 *      last reference: frees
 *                                                         miss, walk: nothing
 *
 * In the classic semantics splitting the entry tells the secondary TLBs nothing; the second
 * pair of start and end, which then finds no work, is what flushes them. Run by
 * tests/explore_huge.c.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* --- unmapping ----------------------------------------------------------- */

/* Under the ptl. A pinned page stays: a pin sees the change, or is seen here. */
static void unmap_small(struct mmun_machine *m, struct mmun_mm *mm, const struct ptep *p,
			uint64_t addr)
{
	pte_t e = pte_get(p->entry);
	pfn_t head = frame_head(m, pte_pfn(e));

	if (!pte_mapped(e))
		return;
	e = ptep_clear_flush(mm, p, addr);
	pass_flush_point(mm, MM_OP_MIGRATE, FLUSH_POINT_CLEAR, flush_page(addr));
	if (pte_exclusive(e) && add_acq_rel(&frame_of(m, head)->pins, 0)) {
		set_pte(p->entry, addr, e);
		return;
	}
	set_pte(p->entry, addr, make_migration_entry(e));
	pass_flush_point(mm, MM_OP_MIGRATE, FLUSH_POINT_SET, flush_page(addr));
	frame_put(m, head, 1);
}

static void unmap_once(struct mmun_machine *m, const struct rmap_walk *w, enum mm_op op)
{
	struct flush f = rmap_flush(w);
	struct mmu_notifier_range range;
	struct ptep p;

	range_init(&range, w->mm, MMU_NOTIFY_CLEAR, f.start, f.end);
	invalidate_range_start(&range);
	if (rmap_lock_entry(m, w, &p)) {
		if (p.level)
			huge_split_locked(w->mm, &p, w->addr, true);
		else
			unmap_small(m, w->mm, &p, w->addr);
		pte_unlock(&p);
	}
	pass_flush_point(w->mm, op, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, op);
	pass_flush_point(w->mm, op, FLUSH_POINT_AFTER, f);
}

static bool is_mapped(struct mmun_machine *m, const struct rmap_walk *w)
{
	bool mapped;
	struct ptep p;

	if (!rmap_lock_entry(m, w, &p))
		return false;
	mapped = pte_mapped(pte_get(p.entry));
	pte_unlock(&p);
	return mapped;
}

static void unmap_page(struct mmun_machine *m, pfn_t head)
{
	struct rmap_walk w = { .head = head };

	while (rmap_next(m, &w)) {
		if (w.bytes == HUGE_BYTES)
			unmap_once(m, &w, MM_OP_SPLIT);
		else if (!is_mapped(m, &w))
			continue; /* of a huge entry that was just split */
		unmap_once(m, &w, MM_OP_MIGRATE);
	}
}

/* --- the page ------------------------------------------------------------ */

/* The count is frozen: nobody knows the frames but by MIGRATION entries. */
static void make_small(struct mmun_machine *m, pfn_t head)
{
	uint64_t dirty = load_relaxed(&frame_of(m, head)->dirty);

	store_relaxed(&huge_frame_of(m, head)->left, TABLE_ENTRIES);
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++) {
		struct frame *f = frame_of(m, (pfn_t){ head.v + i });

		f->flags = FRAME_ANON;
		f->object = NULL;
		store_relaxed(&f->dirty, dirty);
	}
	sync_event(HUGE_BREAK, head.v);
}

/* Nobody has a reference but the entries and the caller. */
static bool only_mapped(struct mmun_machine *m, pfn_t head)
{
	return load_acquire(&frame_of(m, head)->refcount) == rmap_count(m, head) + 1;
}

/*
 * The page lock held. Each frame gets the caller's reference, and so cannot be
 * freed, moved or split off by others before all entries are back.
 */
static bool split_page_locked(struct mmun_machine *m, pfn_t head)
{
	sync_assert_held(&frame_of(m, head)->page_lock);
	if (!only_mapped(m, head))
		return false;
	unmap_page(m, head);
	if (!frame_freeze(m, head, 1)) {
		migration_restore(m, head, head);
		return false;
	}
	make_small(m, head);
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		frame_unfreeze(m, (pfn_t){ head.v + i }, 1);
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		migration_restore(m, (pfn_t){ head.v + i }, (pfn_t){ head.v + i });
	return true;
}

int huge_split_page(struct mmun_machine *m, pfn_t head)
{
	bool split;

	mutex_lock(&frame_of(m, head)->page_lock);
	split = split_page_locked(m, head);
	mutex_unlock(&frame_of(m, head)->page_lock);
	for (uint32_t i = split ? TABLE_ENTRIES : 1; i-- > 0;)
		frame_put(m, (pfn_t){ head.v + i }, 1);
	return split ? 0 : -EBUSY;
}

/* A reference to the huge page that is mapped there, by whatever entry. */
static int get_huge_page(struct mmun_mm *mm, uint64_t addr, pfn_t *ret_head)
{
	struct mmun_machine *m = mm->machine;
	struct ptep p;
	int err = -EINVAL;
	pfn_t head;
	pte_t e;

	if (!vma_find(mm, addr))
		return -EFAULT;
	if (!pte_map_lock(&mm->pt, addr, &p))
		return -EINVAL;
	e = pte_get(p.entry);
	if (pte_mapped(e)) {
		head = frame_head(m, pte_pfn(e));
		if (frame_of(m, head)->flags & FRAME_HUGE) {
			frame_get(m, head, 1);
			*ret_head = head;
			err = 0;
		}
	} else if (softleaf_is_migration(e)) {
		err = -EBUSY;
	}
	pte_unlock(&p);
	return err;
}

int mmun_split_huge_page(struct mmun_mm *mm, uint64_t addr)
{
	pfn_t head;
	int err;
	sync_operation("SPLIT");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	err = get_huge_page(mm, addr, &head);
	up_read(&mm->mmap_lock);
	return err ? err : huge_split_page(mm->machine, head);
}
