/* SPDX-License-Identifier: MIT */
/*
 * reclaim.c - anonymous pages leave memory: to a swap slot, or, after MADV_FREE, for
 * good. See shrink_folio_list() in mm/vmscan.c and try_to_unmap_one() in mm/rmap.c; as
 * kswapd, and unlike madvise(PAGEOUT), it takes pages that several address spaces map.
 * The page is locked throughout; on the way it is in the slot's cache, so a fault finds
 * it, and waits:
 *
 *      reclaim                         fault                   processor
 *      lock of page 3                                          [TLB: a -> 3, rw]
 *      a: slot 5, unlock
 *                                      a: slot 5, page 3:
 *                                        waits for the lock
 *                                                              a = 1 [hits page 3]
 *      flush of the batch
 *      writes page 3 to slot 5
 *        [nobody can write to it]
 *      references? [the fault's: stays]
 *      unlock
 *                                      maps page 3 again
 *
 * Had the fault not come, page 3 would leave the cache and be freed. The contents are
 * written after the flush, and before the page leaves the cache.
 *
 * Before 6.9 a page that is in use stays. MADV_PAGEOUT makes its entry old, and reclaim asks all
 * entries and devices (clear_flush_young) before it takes the page. Since then it ignores
 * references. For MADV_PAGEOUT accessed bits are looked at where somebody has that callback, and
 * nowhere else: the page is taken then, as if the access had come before the advice.
 * mmun_reclaim() looks at all of them.
 * Litmus: reclaim+default, reclaim+classic, reclaim+never.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* One page on its way out. */
struct reclaim {
	struct mmun_machine *m;
	pfn_t page;
	enum young_how how;       /* which references keep a page */
	bool discard;             /* MADV_FREE: nobody wants the contents */
	uint32_t slot;            /* else: where they go; we have a count */
	bool fresh;               /* nothing has been written there yet */
	struct tlb_batch batch;
};

/* --- taking the entries away --------------------------------------------- */

/*
 * A page that was written, or may be by who pins it, is kept. A pin counts itself, then
 * looks at the entry again; this looks at the count after clearing: see share_entry() in
 * fork.c. As fork shares swap entries too, it matters even though the page would stay.
 */
static bool must_keep(const struct reclaim *r, pte_t e)
{
	struct frame *f = frame_of(r->m, r->page);

	if (pte_dirty(e))
		store_relaxed(&f->dirty, 1);
	if (pte_exclusive(e) && add_acq_rel(&f->pins, 0))
		return true;
	/* After the pins: who unpins says what he has written before he counts down. */
	return r->discard && load_acquire(&f->dirty);
}

/*
 * Under the ptl. False: it must stay. What is dropped for good is flushed at once: the
 * next fault at a missing entry waits for nobody, and its page must not be written while
 * another processor still reads the old one.
 *
 * Who splits a huge page holds the lock of its first frame, and brings the entries of the
 * others back one by one: a MIGRATION entry has no reference to give up, and is his.
 * tests/explore_huge.c, "split page+pageout".
 */
static bool unmap_entry(struct reclaim *r, const struct rmap_walk *w, const struct ptep *p)
{
	pte_t e = pte_get(p->entry);

	if (!pte_mapped(e))
		return false;
	e = tlb_batch_clear(&r->batch, w->mm, p, w->addr, r->discard);
	if (must_keep(r, e)) {
		set_pte(p->entry, w->addr, e);
		return false;
	}
	if (!r->discard) {
		swap_dup(r->m, r->slot);
		set_pte(p->entry, w->addr, make_swap_entry(r->slot, e));
	}
	pass_flush_point(w->mm, r->batch.op, FLUSH_POINT_SET, rmap_flush(w));
	rmap_remove(r->m, r->page, p);
	frame_put(r->m, r->page, 1); /* never the last: our caller has one */
	return true;
}

static bool unmap_page(struct reclaim *r)
{
	struct rmap_walk w = { .head = r->page };
	bool ok = true;
	struct ptep p;

	while (ok && rmap_next(r->m, &w)) {
		struct mmu_notifier_range range;
		struct flush f = rmap_flush(&w);

		range_init(&range, w.mm, MMU_NOTIFY_CLEAR, f.start, f.end);
		invalidate_range_start(&range);
		if (rmap_lock_entry(r->m, &w, &p)) {
			ok = unmap_entry(r, &w, &p);
			pte_unlock(&p);
		}
		pass_flush_point(w.mm, r->batch.op, FLUSH_POINT_UNLOCK, f);
		invalidate_range_end(&range, r->batch.op);
		pass_flush_point(w.mm, r->batch.op, FLUSH_POINT_AFTER, f);
	}
	rmap_walk_end(r->m, &w);
	return ok && rmap_count(r->m, r->page) == 0;
}

/* --- the page ------------------------------------------------------------ */

/* A count of the page's slot; of a new one if it has none. The page is locked. */
static int get_slot(struct reclaim *r)
{
	struct frame *f = frame_of(r->m, r->page);
	uint64_t swap = load_acquire(&f->swap);
	struct swap_slot *s;
	int n;

	if (swap) {
		s = &r->m->swap[swap - 1];
		r->slot = (uint32_t)(swap - 1);
		spin_lock(&s->lock);
		if (s->page == r->page.v + 1) {
			s->count++;
			spin_unlock(&s->lock);
			return 0;
		}
		spin_unlock(&s->lock); /* the last entry has just gone */
	}
	n = r->m->swap_pages ? pool_take(&r->m->swap_pool) : -1;
	if (n < 0)
		return -ENOMEM;
	s = &r->m->swap[n];
	r->fresh = true;
	r->slot = (uint32_t)n;
	spin_lock(&s->lock);
	s->count = 2;
	s->page = r->page.v + 1;
	store_relaxed(&f->swap, (uint64_t)n + 1);
	frame_get(r->m, r->page, 1);
	spin_unlock(&s->lock);
	return 0;
}

static void write_out(struct reclaim *r)
{
	const atomic_u64 *src = frame_memory(r->m, r->page);
	uint64_t *dst = &r->m->swap_memory[r->slot * PAGE_WORDS];

	if (!xchg_acq_rel(&frame_of(r->m, r->page)->dirty, 0) && !r->fresh)
		return;
	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		dst[i] = load_relaxed(&src[i]);
	sync_event(SWAP_OUT, r->page.v, r->slot);
}

/* Nobody maps or pins it, and all TLBs are flushed. True: it is frozen, and the caller's
 * to free. False: a fault has found it in the cache. */
static bool swap_out(struct reclaim *r)
{
	write_out(r);
	return swap_freeze(r->m, r->page, r->page);
}

/* The page is locked, with a reference. *frozen: that is gone too. */
static int reclaim_locked(struct reclaim *r, bool *frozen)
{
	struct frame *f = frame_of(r->m, r->page);
	bool gone;
	int err;

	*frozen = false;
	if (page_referenced(r->m, r->page, r->how))
		return -EBUSY;
	/* In this order: pairs with uncache() in phys/swap.c. */
	r->discard = !load_acquire(&f->swap) && !load_acquire(&f->dirty);
	if (load_acquire(&f->pins))
		return -EBUSY; /* not worth trying */
	if (!r->discard) {
		err = get_slot(r);
		if (err)
			return err;
	}
	gone = unmap_page(r);
	tlb_batch_flush(&r->batch);
	if (gone && !r->discard)
		*frozen = swap_out(r);
	if (!r->discard)
		swap_free(r->m, r->slot); /* and the cache, if no entry names the slot */
	return gone && (*frozen || r->discard) ? 0 : -EBUSY;
}

/* With a reference to the page, which this uses up. */
static int reclaim_page(struct reclaim *r)
{
	mutex_t *lock = &frame_of(r->m, r->page)->page_lock;
	bool frozen = false;
	int err = -EBUSY;

	if (mutex_trylock(lock)) {
		err = reclaim_locked(r, &frozen);
		mutex_unlock(lock);
	}
	if (frozen)
		frame_free(r->m, r->page);
	else
		frame_put(r->m, r->page, 1);
	tlb_batch_end(&r->batch);
	return err;
}

/* The cached page of a slot that an entry names, with a reference. -EFAULT: there is none. */
static int get_cached(struct mmun_machine *m, uint32_t slot, pfn_t *ret_page)
{
	struct swap_slot *s = &m->swap[slot];
	int err = -EFAULT;

	spin_lock(&s->lock);
	if (s->page) {
		ret_page->v = s->page - 1;
		frame_get(m, *ret_page, 1);
		err = 0;
	}
	spin_unlock(&s->lock);
	return err;
}

/* A reference to the anonymous page, mapped or, though swapped out, still cached. The entry
 * is locked. -EAGAIN: to a huge page, which has to be split; -EFAULT: there is none. */
static int get_page(struct mmun_machine *m, pte_t e, pfn_t *ret_page)
{
	uint32_t flags;

	if (softleaf_is_swap(e))
		return get_cached(m, softleaf_to_slot(e), ret_page);
	if (!pte_mapped(e) || is_zero_page(m, pte_pfn(e)))
		return -EFAULT;
	*ret_page = frame_head(m, pte_pfn(e));
	flags = frame_of(m, *ret_page)->flags;
	if (!(flags & FRAME_ANON))
		return -EFAULT;
	frame_get(m, *ret_page, 1);
	return flags & FRAME_HUGE ? -EAGAIN : 0;
}

/* Under the ptl: accesses of before the advice do not count. */
static void make_old(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, struct flush *old)
{
	pte_t e = pte_get(p->entry);

	if (!pte_mapped(e) || !pte_young(e) || !notify_has_clear_flush_young(&mm->domain))
		return;
	(void)ptep_clear_bits(p->entry, addr, e, PTE_A);
	pass_flush_point(mm, MM_OP_AGE, FLUSH_POINT_SET, flush_page(addr));
	flush_join(old, flush_page(addr));
}

static int reclaim_at(struct mmun_mm *mm, uint64_t addr, enum young_how how, struct flush *old)
{
	struct reclaim r = { .m = mm->machine, .how = how, .batch.op = MM_OP_RECLAIM };
	struct ptep p;
	int err;

	sync_assert_held(&mm->mmap_lock);
	if (!vma_find(mm, addr))
		return -EFAULT;
	do {
		if (!pte_map_lock(&mm->pt, addr, &p))
			return -EFAULT;
		err = get_page(mm->machine, pte_get(p.entry), &r.page);
		if (!err && old)
			make_old(mm, &p, addr, old);
		pte_unlock(&p);
	} while (err == -EAGAIN && !huge_split_page(mm->machine, r.page));
	if (err)
		return err == -EAGAIN ? -EBUSY : err;
	return reclaim_page(&r);
}

int swap_reclaim(struct mmun_mm *mm, uint64_t addr, struct flush *old)
{
	return reclaim_at(mm, addr, old ? YOUNG_ASK : YOUNG_IGNORE, old);
}

int mmun_reclaim(struct mmun_mm *mm, uint64_t addr)
{
	int err;
	sync_operation("RECLAIM");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	err = reclaim_at(mm, page_down(addr), YOUNG_CLEAR_FLUSH, NULL);
	up_read(&mm->mmap_lock);
	return err;
}
