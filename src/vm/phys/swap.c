/* SPDX-License-Identifier: MIT */
/*
 * swap.c - the slots of swap space, and the page that is cached for a slot; see
 * mm/swap_state.c. Reclaim (ops/reclaim.c) fills slots; a fault (fault/swap_fault.c) brings
 * the page back.
 *
 * Invariant: slot.page is a frame if and only if that frame.swap is the slot, both under
 * the slot's lock. The cached page has a reference and a count of the slot, so while a
 * page is cached neither goes to anybody else. Whoever is at work on a slot counts too,
 * and takes a reference to the page under the same lock: what he found stays the slot's
 * page until he is through. Contents are read and written with the page locked: who
 * finds a page locks it before he maps it.
 *
 * Who drops the last entry holds a ptl, and takes no page lock: he takes the page out of
 * the cache under the slot's lock alone. The contents are then in the page only:
 *
 *      madvise(DONTNEED)                   fault
 *                                          slot 5: count + 1; page 3, reference
 *      ptl; a was slot 5: none
 *      count - 1 [two left: stays]
 *                                          lock of page 3; ptl: a is none
 *                                          count - 1 [only the cache's is left]:
 *                                            page 3 leaves, slot 5 is free
 *                                          reference - 1: page 3 is free
 *
 * Litmus: dontneed+swap-in.
 */
#include <errno.h>

#include "vm/phys/phys.h"

void swap_dup(struct mmun_machine *m, uint32_t slot)
{
	struct swap_slot *s = &m->swap[slot];

	spin_lock(&s->lock);
	s->count++;
	spin_unlock(&s->lock);
}

/* With the slot's lock: the page has its contents to itself from now on. */
static pfn_t uncache(struct mmun_machine *m, struct swap_slot *s)
{
	pfn_t pfn = { s->page - 1 };

	s->page = 0;
	s->count--;
	/* Pairs with load_acquire in reclaim_locked(): neither clean nor in a slot is a page
	 * that nobody wants, and this one is wanted. Litmus: reclaim+twice. */
	store_relaxed(&frame_of(m, pfn)->dirty, 1);
	store_release(&frame_of(m, pfn)->swap, 0);
	return pfn;
}

void swap_free(struct mmun_machine *m, uint32_t slot)
{
	struct swap_slot *s = &m->swap[slot];
	pfn_t pfn = { 0 };
	bool last, cached;

	spin_lock(&s->lock);
	ASSERT(s->count);
	s->count--;
	cached = s->page && s->count == 1;
	if (cached)
		pfn = uncache(m, s);
	last = !s->count;
	spin_unlock(&s->lock);
	if (cached)
		frame_put(m, pfn, 1);
	if (last)
		pool_put(&m->swap_pool, slot);
}

/* Before anybody else finds the new page, and with it a last entry to drop. */
static void move_dirty(struct mmun_machine *m, pfn_t from, pfn_t to)
{
	if (from.v != to.v)
		store_relaxed(&frame_of(m, to)->dirty, load_relaxed(&frame_of(m, from)->dirty));
}

bool swap_freeze(struct mmun_machine *m, pfn_t from, pfn_t to)
{
	uint64_t swap = load_acquire(&frame_of(m, from)->swap);
	struct swap_slot *s;
	bool cached, ok;

	if (!swap) { /* and stays so, as the page is locked */
		ok = frame_freeze(m, from, 1);
		if (ok)
			move_dirty(m, from, to);
		return ok;
	}
	s = &m->swap[swap - 1];
	spin_lock(&s->lock);
	cached = s->page == from.v + 1; /* the last entry may have gone */
	ok = frame_freeze(m, from, 1 + cached);
	if (ok && cached) {
		store_relaxed(&frame_of(m, from)->swap, 0);
		s->page = 0;
		s->count--;
	}
	if (ok && cached && to.v != from.v) {
		store_relaxed(&frame_of(m, to)->swap, swap);
		frame_get(m, to, 1);
		s->page = to.v + 1;
		s->count++;
	}
	if (ok)
		move_dirty(m, from, to);
	spin_unlock(&s->lock);
	return ok;
}

/* --- bringing a page back ------------------------------------------------ */

static void read_in(struct mmun_machine *m, uint32_t slot, pfn_t pfn)
{
	uint64_t *dst = (uint64_t *)(void *)frame_memory(m, pfn);
	const uint64_t *src = &m->swap_memory[slot * PAGE_WORDS];

	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		dst[i] = src[i]; /* nobody else may look before it is unlocked */
	store_relaxed(&frame_of(m, pfn)->dirty, 0);
	sync_event(SWAP_IN, pfn.v, slot);
}

/* The cached page with a reference. False: there is none. */
static bool cached_page(struct mmun_machine *m, struct swap_slot *s, pfn_t *ret_pfn)
{
	if (!s->page)
		return false;
	ret_pfn->v = s->page - 1;
	frame_get(m, *ret_pfn, 1);
	return true;
}

/* Makes new, locked and known to nobody, the cached page, unless there is one. */
static bool publish(struct mmun_machine *m, uint32_t slot, pfn_t new, pfn_t *ret_pfn)
{
	struct swap_slot *s = &m->swap[slot];
	bool cached;

	spin_lock(&s->lock);
	cached = cached_page(m, s, ret_pfn);
	if (!cached) {
		frame_get(m, new, 1);
		store_relaxed(&frame_of(m, new)->swap, slot + (uint64_t)1);
		s->page = new.v + 1;
		s->count++;
	}
	spin_unlock(&s->lock);
	return !cached;
}

/* A count of the slot, and its page locked and with a reference. -EAGAIN: the slot is
 * free; -ENOMEM. Two may both find none: one reads it in, the other waits for the lock. */
int swap_get_page(struct mmun_machine *m, uint32_t slot, pfn_t *ret_pfn)
{
	struct swap_slot *s = &m->swap[slot];
	bool free, cached = false;
	pfn_t new;

	spin_lock(&s->lock);
	free = !s->count;
	if (!free) {
		s->count++;
		cached = cached_page(m, s, ret_pfn);
	}
	spin_unlock(&s->lock);
	if (free)
		return -EAGAIN;
	if (!cached) {
		if (!frame_alloc(m, FRAME_ANON, false, &new)) {
			swap_free(m, slot);
			return -ENOMEM;
		}
		mutex_lock(&frame_of(m, new)->page_lock);
		if (publish(m, slot, new, ret_pfn)) {
			read_in(m, slot, new);
			*ret_pfn = new;
			return 0;
		}
		mutex_unlock(&frame_of(m, new)->page_lock);
		frame_free(m, new);
	}
	mutex_lock(&frame_of(m, *ret_pfn)->page_lock);
	return 0;
}

/*
 * Nobody but this entry needs the page: no other entry the slot, nobody the page, and
 * none can come, since the slot was the only way to it. The page is locked: no KSM.
 */
bool is_last_swap_user(struct mmun_machine *m, uint32_t slot, pfn_t pfn)
{
	const struct frame *f = frame_of(m, pfn);
	bool last;

	if (f->ksm)
		return false;
	spin_lock(&m->swap[slot].lock);
	last = m->swap[slot].count == 3; /* the entry's, the cache's, ours */
	spin_unlock(&m->swap[slot].lock);
	return last && load_acquire(&f->refcount) == 2;
}
