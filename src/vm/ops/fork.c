/* SPDX-License-Identifier: MIT */
/*
 * fork.c - a second address space over the same pages, as copy_page_range in
 * mm/memory.c and dup_mmap in kernel/fork.c. The parent's mmap_lock is held for
 * writing until its TLBs are flushed: that is why the flush may come after every
 * range_end. No fault can copy or reuse a page which a stale writable
 * translation still reaches. The child is nobody else's yet, but for who comes by the
 * rmap of a page that both map: its entries change by whole words, and its areas are
 * born locked.
 * Litmus: fork+deferred.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* Has the child what is in the area, by entries of its own? In shared ones faults find the pages
 * again. */
static bool is_copied(const struct vma *v)
{
	return !vma_shared(v) && !(v->flags & (VMA_DONTFORK | VMA_WIPEONFORK));
}

/* Areas and tables first; all that copying then may lack is a frame for a pinned page. */
static int dup_area(struct mmun_mm *child, const struct mmun_mm *mm, const struct vma *v)
{
	struct vma *copy = vma_new(child, v->start, v->end, v);
	uint64_t addr = v->start;
	struct ptep p;

	if (!copy)
		return -ENOMEM;
	if (vma_insert(child, copy)) {
		vma_free(copy);
		return -ENOMEM;
	}
	if (!is_copied(v))
		return 0;
	for (; pgtable_next(&mm->pt, &addr, v->end, &p); addr = table_end(addr, v->end))
		if (!pgtable_walk_alloc(&child->pt, addr, &p))
			return -ENOMEM;
	return 0;
}

static const uint64_t share_bits = PTE_RW | PTE_EXCL;

/*
 * One atomic and-not, since the walk may set dirty meanwhile; clearing first is only
 * for the checker. Returns what the entry was.
 */
static pte_t wrprotect(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t e)
{
	struct flush f = flush_entry(addr, p->level);

	if (mm_flush_points(mm, MM_OP_FORK) & FLUSH_POINT_CLEAR) {
		e = ptep_get_and_clear(p->entry, addr);
		pass_flush_point(mm, MM_OP_FORK, FLUSH_POINT_CLEAR, f);
		set_pte(p->entry, addr, pte_clear_bits(e, share_bits));
	} else {
		e = ptep_clear_bits(p->entry, addr, e, share_bits);
	}
	pass_flush_point(mm, MM_OP_FORK, FLUSH_POINT_SET, f);
	return e;
}

/*
 * Makes the parent's entry shareable; *e is then what it was. False: the page is
 * pinned, and the entry was left as it was. A pin counts itself, then looks at the entry;
 * this changes the entry, then looks at the count: one of them sees the other.
 *
 *      fork                                gup_fast
 *      entry: not exclusive                pins + 1
 *      pins? [0: shares]                   entry as before? [no: gives up]
 *
 * Litmus: fork+pin.
 */
static bool share_entry(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t *e)
{
	struct frame *f = frame_of(mm->machine, frame_head(mm->machine, pte_pfn(*e)));

	if (!(e->v & share_bits))
		return true;
	*e = wrprotect(mm, p, addr, *e);
	if (!pte_exclusive(*e) || add_acq_rel(&f->pins, 0) == 0)
		return true;
	set_pte(p->entry, addr, *e);
	return false;
}

/* The child's entry: what userfaultfd protects, it protects in the parent alone. */
static pte_t child_entry(pte_t e)
{
	return pte_clear_bits(e, share_bits | PTE_UFFD_WP);
}

/* Where one thread copies to: the child's table, and a frame for a pinned page. */
struct copy {
	struct mmun_mm *child, *mm;
	bool have_spare;
	pfn_t spare;
};

/* False: a frame is needed for a pinned page. */
static bool copy_mapped(struct copy *c, const struct ptep *from, const struct ptep *to,
			uint64_t addr, pte_t e)
{
	struct mmun_machine *m = c->mm->machine;

	if (share_entry(c->mm, from, addr, &e)) {
		frame_get(m, pte_pfn(e), 1);
		rmap_add(m, pte_pfn(e), to);
		store_relaxed(to->entry, child_entry(e).v);
		return true;
	}
	if (!c->have_spare)
		return false;
	c->have_spare = false;
	frame_copy(m, c->spare, pte_pfn(e));
	rmap_add_new(m, c->spare, to);
	/* As accessible as the original: a hint, or PROT_NONE, is copied as well. */
	e = pte_set_bits(child_entry(e), PTE_D | PTE_SOFT_DIRTY);
	store_relaxed(to->entry, pte_make(c->spare, e.v & PTE_BITS).v);
	return true;
}

static bool copy_entry(struct copy *c, const struct ptep *from, const struct ptep *to,
		       uint64_t addr)
{
	pte_t e = pte_get(from->entry);

	if (pte_none(e))
		return true;
	if (pte_mapped(e))
		return copy_mapped(c, from, to, addr, e);
	if (e.v & share_bits)
		set_pte(from->entry, addr, pte_clear_bits(e, share_bits));
	if (softleaf_is_swap(e))
		swap_dup(c->mm->machine, softleaf_to_slot(e));
	else if (pte_in_ring(e))
		rmap_add(c->mm->machine, pte_pfn(e), to);
	store_relaxed(to->entry, child_entry(e).v);
	return true;
}

/* Returns how far it came: to end, or to an entry that needs a frame. */
static uint64_t copy_table(struct copy *c, struct ptep from, uint64_t addr, uint64_t end)
{
	struct ptep to = pgtable_walk(&c->child->pt, addr);
	const struct ptep first = from, child = to;

	/* The child's as well: reclaim and migration may come by rmap. */
	pte_lock_two(&first, &child);
	for (; addr < end; addr += PAGE_BYTES, from = ptep_next(from), to = ptep_next(to))
		if (!copy_entry(c, &from, &to, addr))
			break;
	pte_unlock_two(&first, &child);
	return addr;
}

static int copy_area(struct copy *c, uint64_t addr, uint64_t end)
{
	struct ptep p;

	while (pgtable_next(&c->mm->pt, &addr, end, &p)) {
		uint64_t next = table_end(addr, end);

		if (mm_mutated(c->mm, MM_OP_FORK, MUTATION_AREAS) &&
		    !pgtable_walk(&c->child->pt, addr).entry) { /* a fault has just made it */
			addr = next;
			continue;
		}
		if (p.level) {
			int err = huge_copy_entry(c->child, c->mm, addr);

			if (err == -ENOMEM)
				return err;
			if (!err)
				addr = next;
			continue;
		}
		addr = copy_table(c, p, addr, next);
		if (addr == next)
			continue;
		if (!frame_alloc(c->mm->machine, FRAME_ANON, false, &c->spare))
			return -ENOMEM;
		c->have_spare = true;
	}
	return 0;
}

static int copy_area_notified(struct copy *c, const struct vma *v)
{
	struct mmu_notifier_range range;
	int err;

	range_init(&range, c->mm, MMU_NOTIFY_PROTECTION_PAGE, v->start, v->end);
	invalidate_range_start(&range);
	err = copy_area(c, v->start, v->end);
	pass_flush_point(c->mm, MM_OP_FORK, FLUSH_POINT_UNLOCK, flush_range(v->start, v->end));
	invalidate_range_end(&range, MM_OP_FORK);
	return err;
}

static int dup_mmap(struct mmun_mm *child, struct mmun_mm *mm)
{
	struct copy c = { .child = child, .mm = mm };
	struct btree_iter it;
	const struct vma *v;
	int err = 0;

	if (!mm_mutated(mm, MM_OP_FORK, MUTATION_AREAS)) /* fb49c455323f */
		vma_start_write_range(mm, 0, TASK_BYTES);
	for (v = btree_first(&mm->areas, &it, 0, TASK_BYTES); v && !err; v = btree_next(&it))
		if (!(v->flags & VMA_DONTFORK))
			err = dup_area(child, mm, v);
	if (err)
		return err;
	v = btree_first(&mm->areas, &it, 0, TASK_BYTES);
	for (; v && !err; v = btree_next(&it))
		if (is_copied(v))
			err = copy_area_notified(&c, v);
	if (c.have_spare)
		frame_free(mm->machine, c.spare);
	flush_tlb_range(mm, flush_everything()); /* also for what an error left behind */
	pass_flush_point(mm, MM_OP_FORK, FLUSH_POINT_AFTER, flush_everything());
	return err;
}

int mmun_fork(struct mmun_mm *mm, struct mmun_mm **ret_child)
{
	struct mmun_mm *child;
	int err;
	sync_operation("FORK");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !ret_child)
		return -EINVAL;
	err = mm_alloc(mm->machine, mm->domain.semantics, &child);
	if (err)
		return err;
	child->mutations = mm->mutations;
	mmap_write_lock(mm);
	child->search_from = mm->search_from;
	err = dup_mmap(child, mm);
	mmap_write_unlock(mm);
	if (err) {
		mm_exit(child);
		mm_put(child);
		return err;
	}
	child->lock_seq++; /* lets its areas go: nobody knows of them before we return */
	child->areas_locked = false;
	*ret_child = child;
	return 0;
}
