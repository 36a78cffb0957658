/* SPDX-License-Identifier: MIT */
/*
 * mremap.c - areas that shrink, grow and move, with their pages: mm/mremap.c. Called from
 * outside only. Invariant: an entry is at the old place or at the new one, and in the
 * rmap accordingly, whenever the ptls of both are free. All that may fail, memory for areas
 * and for tables at the new place, comes before the first notifier and the first change; what
 * is moved is moved entry by entry, or by the table if that is filled by the range.
 *
 * Both ptls are held until all TLBs are flushed of the old place. Whoever gives the page
 * up at its new place flushes that one only:
 *
 *      mremap                 reclaim                 device
 *                                                     [TLB: old -> frame 3]
 *      clears old
 *      flush of old [waits]
 *      sets new -> frame 3
 *                             waits for the ptl
 *      unlocks both
 *                             clears new, flush of
 *                             new; frees frame 3
 *                                                     old: miss
 *
 * With the flush left to range_end, as in the classic semantics, the device would still
 * find the freed frame. Run by tests/explore_mremap.c, as is what follows.
 *
 * Who comes by rmap may find a table at its old address, and come to lock it when it has
 * moved: see rmap/rmap.c. Who comes by the object has seen the address of an area; entries that
 * move are met at the new place, which is later in the list, but a table must not be
 * taken away from under somebody who flushes by its old address (take_rmap_locks() in
 * mm/mremap.c):
 *
 *      mremap                              truncate
 *      mappings_sem for writing
 *                                          mappings_sem for reading: waits
 *      table from old to new; flush of old
 *      mappings_sem let go
 *                                          old: no table
 *                                          new: clears, flush of new
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* What is moved: [old, old + len) to new; of one area. */
struct move {
	struct mmun_mm *mm;
	struct mmun_object *object; /* of the area; NULL: anonymous */
	uint64_t old, new, len;
	bool meets_huge;            /* entries at the new place, which are to be split */
};

/* --- by the table -------------------------------------------------------- */

/* Under both pmd locks. The leaf table's ptl keeps those out who come by rmap. */
static void move_table(const struct move *s, const struct ptep *from, const struct ptep *to,
		       uint64_t old, uint64_t new)
{
	struct mmun_mm *mm = s->mm;
	struct flush f = flush_table(old, from->level);
	pte_t e = pte_get(from->entry);
	struct ptdesc *table = ptdesc_of(mm->machine, pte_pfn(e));
	uint64_t moves = load_relaxed(&table->base) + 1;

	spin_lock(&table->ptl);
	flush_tlb_batched_pending(mm);
	(void)ptep_get_and_clear(from->entry, old);
	flush_tlb_range(mm, f);
	pass_flush_point(mm, MM_OP_MREMAP, FLUSH_POINT_CLEAR, f);
	/* Pairs with load_acquire in rmap/rmap.c. */
	store_release(&table->base, new | (moves & (HUGE_BYTES - 1)));
	/* Pairs with load_acquire in descend(). */
	store_release(to->entry, e.v);
	sync_event(TABLE_MOVE, old, new);
	pass_flush_point(mm, MM_OP_MREMAP, FLUSH_POINT_SET, f);
	spin_unlock(&table->ptl);
}

/* What is mapped has a ring: first into it at the new place, then out of it. */
static void move_rmap(struct mmun_machine *m, pte_t e, const struct ptep *from,
		      const struct ptep *to)
{
	if (!pte_in_ring(e))
		return;
	rmap_add(m, pte_pfn(e), to);
	rmap_remove(m, pte_pfn(e), from);
}

/* Under both pmd locks. The deposited table goes along. */
static void move_huge(const struct move *s, const struct ptep *from, const struct ptep *to,
		      uint64_t old, uint64_t new)
{
	struct mmun_mm *mm = s->mm;
	struct flush f = flush_entry(old, from->level);
	pte_t e;

	flush_tlb_batched_pending(mm);
	e = ptep_get_and_clear(from->entry, old);
	if (pte_mapped(e)) {
		flush_tlb_range(mm, f);
		pass_flush_point(mm, MM_OP_MREMAP, FLUSH_POINT_CLEAR, f);
	}
	pgtable_deposit(mm->machine, to, pgtable_withdraw(mm->machine, from, old));
	move_rmap(mm->machine, e, from, to);
	set_pte(to->entry, new, pte_set_bits(e, PTE_SOFT_DIRTY));
	pass_flush_point(mm, MM_OP_MREMAP, FLUSH_POINT_SET, f);
}

/* All that an entry of level 1 maps. False: the entries must move one by one, into the
 * table that is at the new place. */
static bool move_whole(const struct move *s, uint64_t old, uint64_t new)
{
	struct ptep from, to;
	bool empty;
	pte_t e;

	(void)pgtable_walk_pmd(&s->mm->pt, old, false, &from);
	(void)pgtable_walk_pmd(&s->mm->pt, new, false, &to);
	ASSERT(from.entry && to.entry);
	if (s->object)
		down_write(&s->object->mappings_sem);
	pte_lock_two(&from, &to);
	e = pte_get(from.entry);
	empty = pte_none(pte_get(to.entry));
	if (empty && pte_huge(e))
		move_huge(s, &from, &to, old, new);
	else if (empty && !pte_none(e))
		move_table(s, &from, &to, old, new);
	pte_unlock_two(&from, &to);
	if (s->object)
		up_write(&s->object->mappings_sem);
	return empty;
}

/* --- by the entry -------------------------------------------------------- */

/* Two leaf tables, or one; count entries. As move_ptes(), with one flush for all. */
static void move_entries(const struct move *s, struct ptep from, struct ptep to,
			 uint64_t old, uint64_t new, uint64_t end)
{
	const struct ptep first_from = from, first_to = to;
	struct mmun_mm *mm = s->mm;
	struct flush f = flush_entries(old, end, 0);
	pte_t taken[TABLE_ENTRIES];
	bool mapped = false;
	uint64_t i = 0;

	pte_lock_two(&first_from, &first_to);
	flush_tlb_batched_pending(mm);
	for (uint64_t at = old; at < end; at += PAGE_BYTES, from = ptep_next(from), i++) {
		taken[i] = pte_get(from.entry);
		if (pte_none(taken[i]))
			continue;
		taken[i] = ptep_get_and_clear(from.entry, at);
		mapped |= pte_mapped(taken[i]);
	}
	if (mapped) {
		flush_tlb_range(mm, f);
		pass_flush_point(mm, MM_OP_MREMAP, FLUSH_POINT_CLEAR, f);
	}
	from = first_from;
	for (uint64_t n = 0; n < i; n++, from = ptep_next(from), to = ptep_next(to)) {
		if (pte_none(taken[n]))
			continue;
		move_rmap(mm->machine, taken[n], &from, &to);
		set_pte(to.entry, new + n * PAGE_BYTES, pte_set_bits(taken[n], PTE_SOFT_DIRTY));
	}
	if (mapped)
		pass_flush_point(mm, MM_OP_MREMAP, FLUSH_POINT_SET, f);
	pte_unlock_two(&first_from, &first_to);
}

static void move_part(const struct move *s, uint64_t old, uint64_t new, uint64_t end)
{
	struct ptep from = pgtable_walk(&s->mm->pt, old), to = pgtable_walk(&s->mm->pt, new);

	/* An empty table, made for another part of the new place, which begins or ends in
	 * it: when the tables were prepared there was nothing to move here. */
	if (!to.entry)
		return;
	while (from.level) { /* who comes by rmap may split it, too */
		huge_split_entry(s->mm, old);
		from = pgtable_walk(&s->mm->pt, old);
	}
	move_entries(s, from, to, old, new, end);
}

/* --- all of it ----------------------------------------------------------- */

/* How far from here on is within one table, at the old and at the new place. */
static uint64_t extent_of(const struct move *s, uint64_t at)
{
	uint64_t end = s->old + s->len, to = at - s->old + s->new;

	return min_u64(table_end(at, end) - at, table_end(to, s->new + s->len) - to);
}

/* A table at the new place, or room for one, or a huge entry, which has one deposited. Nobody
 * makes or drops one there from now on. False: no frame. */
static bool prepare_part(struct move *s, uint64_t new, uint64_t len)
{
	struct ptep p;

	if (len == HUGE_BYTES)
		return pgtable_walk_pmd(&s->mm->pt, new, true, &p);
	if (!pgtable_walk_alloc(&s->mm->pt, new, &p))
		return false;
	s->meets_huge |= p.level;
	return true;
}

static bool prepare_tables(struct move *s)
{
	uint64_t at = s->old, len;
	struct ptep p;

	for (; pgtable_next(&s->mm->pt, &at, s->old + s->len, &p); at += len) {
		len = extent_of(s, at);
		if (!prepare_part(s, at - s->old + s->new, len))
			return false;
	}
	return true;
}

/* Huge entries at the new place are to be unmapped; the table must stay where entries will
 * move one by one. */
static void split_new_place(const struct move *s)
{
	uint64_t at = s->old, len;
	struct ptep p;

	for (; pgtable_next(&s->mm->pt, &at, s->old + s->len, &p); at += len) {
		uint64_t to = at - s->old + s->new;

		len = extent_of(s, at);
		while (len < HUGE_BYTES && pgtable_walk(&s->mm->pt, to).level)
			huge_split_entry(s->mm, to);
	}
}

/* After a failure: tables where no area is, but those that a neighbor needs. */
static void free_unused_tables(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct gather g;

	gather_init(&g, mm, MM_OP_MUNMAP);
	while (start < end) {
		const struct vma *v = vma_first(mm, start, end);
		uint64_t stop = v ? v->start : end;

		if (start < stop)
			free_pgtables(&g, start, stop, vma_floor(mm, start), vma_ceiling(mm, stop));
		start = v ? v->end : end;
	}
	gather_finish(&g);
}

/* move_page_tables() in mm/mremap.c. Both areas are write-locked. */
static void move_pages(const struct move *s)
{
	uint64_t at = s->old, end = s->old + s->len, len;
	struct flush f = flush_range(at, end);
	struct mmu_notifier_range range;
	struct ptep p;

	range_init(&range, s->mm, MMU_NOTIFY_UNMAP, at, end);
	invalidate_range_start(&range);
	for (; pgtable_next(&s->mm->pt, &at, end, &p); at += len) {
		uint64_t to = at - s->old + s->new;

		len = extent_of(s, at);
		if (len < HUGE_BYTES || !move_whole(s, at, to))
			move_part(s, at, to, at + len);
	}
	pass_flush_point(s->mm, MM_OP_MREMAP, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, MM_OP_MREMAP);
	pass_flush_point(s->mm, MM_OP_MREMAP, FLUSH_POINT_AFTER, f);
}

/* --- areas --------------------------------------------------------------- */

struct remap {
	struct mmun_mm *mm;
	uint64_t addr, old_len, new_len;
	int flags;
	uint64_t new_addr;
	bool unlocked;              /* mmap_lock has been let go */
};

/* An area like v, which begins at addr in it, for [start, end). */
static struct vma *area_like(const struct vma *v, uint64_t addr, uint64_t start, uint64_t end)
{
	struct vma *new = vma_new(v->mm, start, end, v);

	if (new)
		new->offset = v->offset + (addr - v->start);
	return new;
}

/* What is there goes, its tables stay: the new area has them. Nothing crosses the ends. */
static void clear_place(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct unmap u = { .mm = mm, .op = MM_OP_MUNMAP, .start = start, .end = end,
			   .floor = TASK_BYTES };

	if (unmap_detach(&u))
		unmap_region(&u);
}

/*
 * All that may fail, for the move and the new area: memory for areas, and tables. A failure
 * changes nothing visible. The tables that it frees again were empty, and nobody is told of
 * a range; who caches page tables is told to forget them.
 */
static int prepare_move(const struct remap *r, struct move *s, struct vma *v)
{
	uint64_t old_end = r->addr + r->old_len, new_end = r->new_addr + r->new_len;
	struct mmun_mm *mm = r->mm;

	if (vma_reserve(mm, vma_crossed(mm, r->addr, old_end) +
			    vma_crossed(mm, r->new_addr, new_end) + 1))
		return -ENOMEM;
	vma_start_write(v); /* no fault may make a table, in what is looked at now */
	vma_start_write_range(mm, r->new_addr, new_end);
	if (prepare_tables(s))
		return 0;
	free_unused_tables(mm, r->new_addr, new_end);
	return -ENOMEM;
}

/* What is at the new place goes; then there is an area. */
static void take_place(const struct remap *r, const struct move *s)
{
	uint64_t new_end = r->new_addr + r->new_len;
	struct mmun_mm *mm = r->mm;
	struct vma *new;

	vma_split_range(mm, r->addr, r->addr + r->old_len);
	vma_split_range(mm, r->new_addr, new_end);
	new = area_like(vma_find(mm, r->addr), r->addr, r->new_addr, new_end);
	ASSERT(new);
	if (s->meets_huge)
		split_new_place(s);
	clear_place(mm, r->new_addr, new_end);
	ASSERT(!vma_insert(mm, new));
}

/* move_vma() in mm/mremap.c. */
static int move_area(const struct remap *r, uint64_t *ret_addr)
{
	uint64_t old_end = r->addr + r->old_len, new_end = r->new_addr + r->new_len;
	struct mmun_mm *mm = r->mm;
	struct vma *v = vma_find(mm, r->addr);
	struct move s = { .mm = mm, .object = v->object, .old = r->addr, .new = r->new_addr,
			  .len = min_u64(r->old_len, r->new_len) };
	int err = prepare_move(r, &s, v);

	if (err)
		return err;
	/* First the area, then its pages: who comes by the object finds them in one. */
	take_place(r, &s);
	move_pages(&s);
	if (!(r->flags & MMUN_MREMAP_DONTUNMAP))
		munmap_locked(mm, r->addr, old_end);
	vma_merge_range(mm, r->addr, old_end);
	vma_merge_range(mm, r->new_addr, new_end);
	*ret_addr = r->new_addr;
	return 0;
}

static int shrink_area(struct remap *r)
{
	r->unlocked = true;
	return munmap_unlock(r->mm, r->addr + r->new_len, r->addr + r->old_len);
}

/* -EAGAIN: there is no room. */
static int grow_area(const struct remap *r, const struct vma *v)
{
	uint64_t start = r->addr + r->old_len, end = r->addr + r->new_len;
	struct vma *more;

	if (end > TASK_BYTES || v->end != start || vma_first(r->mm, start, end))
		return -EAGAIN;
	more = area_like(v, start, start, end);
	if (!more || vma_insert(r->mm, more)) {
		vma_free(more);
		return -ENOMEM;
	}
	vma_merge_range(r->mm, start, end);
	return 0;
}

/* --- the call ------------------------------------------------------------ */

enum { PLACE_IS_GIVEN = MMUN_MREMAP_FIXED | MMUN_MREMAP_DONTUNMAP };

static int remap_in_place(struct remap *r, const struct vma *v)
{
	if (r->new_len < r->old_len)
		return shrink_area(r);
	return r->new_len > r->old_len ? grow_area(r, v) : 0;
}

static int remap_locked(struct remap *r, uint64_t *ret_addr)
{
	const struct vma *v = vma_find(r->mm, r->addr);
	int err;

	sync_assert_held(&r->mm->mmap_lock);
	if (!v || r->old_len > v->end - r->addr)
		return -EFAULT;
	if (v->object && v->offset + (r->addr - v->start) + r->new_len >
			 (uint64_t)UINT32_MAX << SYNC_PAGE_SHIFT)
		return -EINVAL;
	if (!(r->flags & PLACE_IS_GIVEN)) {
		err = remap_in_place(r, v);
		if (err != -EAGAIN) {
			if (!err)
				*ret_addr = r->addr;
			return err;
		}
		if (!(r->flags & MMUN_MREMAP_MAYMOVE))
			return -ENOMEM;
	}
	if (!(r->flags & MMUN_MREMAP_FIXED)) {
		r->new_addr = find_room(r->mm, r->new_addr, r->new_len);
		if (r->new_addr >= TASK_BYTES)
			return -ENOMEM;
	}
	err = move_area(r, ret_addr);
	if (!err && !(r->flags & MMUN_MREMAP_FIXED))
		r->mm->search_from = r->new_addr + r->new_len;
	return err;
}

static bool flags_are_valid(const struct remap *r)
{
	if (r->flags & ~(MMUN_MREMAP_MAYMOVE | PLACE_IS_GIVEN))
		return false;
	if ((r->flags & PLACE_IS_GIVEN) && !(r->flags & MMUN_MREMAP_MAYMOVE))
		return false;
	return !(r->flags & MMUN_MREMAP_DONTUNMAP) || r->old_len == r->new_len;
}

/* The new place, whether it must be there or is a hint. */
static bool place_is_valid(const struct remap *r)
{
	uint64_t len = r->new_len;

	return r->new_addr % PAGE_BYTES == 0 && range_fits(r->new_addr, &len) &&
	       (r->addr + r->old_len <= r->new_addr || r->new_addr + r->new_len <= r->addr);
}

int mmun_mremap(struct mmun_mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len, int flags,
		uint64_t new_addr, uint64_t *ret_addr)
{
	struct remap r = { .mm = mm, .addr = addr, .flags = flags };
	int err;
	sync_operation("MREMAP");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !ret_addr || addr % PAGE_BYTES || !old_len || !new_len)
		return -EINVAL;
	if (!range_fits(addr, &old_len))
		return -EFAULT;
	if (!range_fits(0, &new_len))
		return flags & MMUN_MREMAP_FIXED ? -EINVAL : -ENOMEM;
	r.old_len = old_len;
	r.new_len = new_len;
	r.new_addr = flags & PLACE_IS_GIVEN ? new_addr : 0;
	if (!flags_are_valid(&r) || ((flags & PLACE_IS_GIVEN) && !place_is_valid(&r)))
		return -EINVAL;
	mmap_write_lock(mm);
	err = remap_locked(&r, ret_addr);
	if (!r.unlocked)
		mmap_write_unlock(mm);
	return err;
}
