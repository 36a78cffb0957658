/* SPDX-License-Identifier: MIT */
/*
 * frame.c - page frames: who counts on each, which are free. Invariant: a frame that is
 * free is in a pool and nobody may touch its memory; its struct frame may be touched at
 * any time, so that a count can be taken without a lock. Everything in src/vm that makes
 * or drops a page calls here.
 *
 * Frames of huge pages are set aside: the frames of a huge page that was split
 * are free one by one, and become a huge frame again when the last one is.
 */
#include <string.h>

#include "vm/phys/phys.h"

static void frame_make(struct mmun_machine *m, pfn_t pfn, uint32_t flags, uint64_t bytes, bool zero)
{
	struct frame *f = frame_of(m, pfn);

	sync_range_live(frame_memory(m, pfn), bytes);
	if (zero)
		memset(frame_memory(m, pfn), 0, bytes); /* nobody else sees it yet */
	f->flags = flags;
	f->ksm = false;
	f->object = NULL;
	f->rmap = (slot_t){ 0 };
	f->mapcount = 0;
	f->dirty = (atomic_u64){ (flags & FRAME_ANON) != 0 };
}

bool frame_alloc(struct mmun_machine *m, uint32_t flags, bool zero, pfn_t *ret_pfn)
{
	int n = pool_take(&m->pool);
	pfn_t pfn = { (uint32_t)n };

	if (n < 0)
		return false;
	frame_make(m, pfn, flags, PAGE_BYTES, zero);
	/* Pairs with frame_try_get(): from here on it may be counted. */
	if (flags & (FRAME_ANON | FRAME_OBJECT))
		store_release(&frame_of(m, pfn)->refcount, 1);
	*ret_pfn = pfn;
	return true;
}

bool frame_alloc_huge(struct mmun_machine *m, bool zero, pfn_t *ret_head)
{
	int n = m->huge_base < m->frames ? pool_take(&m->huge_pool) : -1;
	pfn_t head = { m->huge_base + (uint32_t)n * TABLE_ENTRIES };

	if (n < 0)
		return false;
	frame_make(m, head, FRAME_ANON | FRAME_HUGE, HUGE_BYTES, zero);
	for (uint32_t i = 1; i < TABLE_ENTRIES; i++) {
		struct frame *f = frame_of(m, (pfn_t){ head.v + i });

		f->flags = FRAME_ANON | FRAME_TAIL;
		f->ksm = false;
		f->dirty = (atomic_u64){ 1 }; /* for when it is split */
	}
	store_release(&frame_of(m, head)->refcount, 1);
	*ret_head = head;
	return true;
}

static void huge_frame_give_back(struct mmun_machine *m, pfn_t head)
{
	pool_put(&m->huge_pool, (head.v - m->huge_base) / TABLE_ENTRIES);
}

static void frame_free_huge(struct mmun_machine *m, pfn_t head)
{
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		frame_of(m, (pfn_t){ head.v + i })->flags = 0;
	huge_frame_give_back(m, head);
}

/* A frame of a huge page that was split. */
static void frame_free_part(struct mmun_machine *m, pfn_t pfn)
{
	pfn_t first = { pfn.v & ~((uint32_t)TABLE_ENTRIES - 1) };

	if (add_acq_rel(&huge_frame_of(m, pfn)->left, (uint64_t)-1) == 1)
		huge_frame_give_back(m, first);
}

/* Nobody may touch the memory from here on. */
static void frame_dead(struct mmun_machine *m, pfn_t pfn)
{
	if (frame_of(m, pfn)->flags & FRAME_HUGE) {
		sync_range_dead(frame_memory(m, pfn), HUGE_BYTES);
		sync_event(HUGE_FREE, pfn.v);
	} else {
		sync_range_dead(frame_memory(m, pfn), PAGE_BYTES);
		sync_event(FRAME_FREE, pfn.v);
	}
}

/* Of a page that was put it is dead already. */
static void give_back(struct mmun_machine *m, pfn_t pfn, bool was_put)
{
	struct frame *f = frame_of(m, pfn);

	ASSERT(!is_zero_page(m, pfn) && f->flags && !(f->flags & FRAME_TAIL));
	ASSERT(f->mapcount == 0);
	/* Somebody may be looking whether this is the page he wants: frame_try_get(). */
	if ((f->flags & (FRAME_ANON | FRAME_OBJECT)) && load_relaxed(&f->refcount) &&
	    add_acq_rel(&f->refcount, (uint64_t)-1) != 1)
		return; /* it is he who frees it */
	if (!was_put)
		frame_dead(m, pfn);
	if (f->flags & FRAME_HUGE) {
		frame_free_huge(m, pfn);
		return;
	}
	f->flags = 0;
	if (pfn.v >= m->huge_base)
		frame_free_part(m, pfn);
	else
		pool_put(&m->pool, pfn.v);
}

void frame_free(struct mmun_machine *m, pfn_t pfn) { give_back(m, pfn, false); }

/* It is dead from the decrement on. */
void frame_last_put(struct mmun_machine *m, pfn_t head)
{
	frame_dead(m, head);
	give_back(m, head, true);
}

void frame_get(struct mmun_machine *m, pfn_t pfn, uint64_t count)
{
	if (!is_zero_page(m, pfn))
		add_relaxed(&frame_of(m, frame_head(m, pfn))->refcount, count);
}

void frame_put(struct mmun_machine *m, pfn_t pfn, uint64_t count)
{
	pfn_t head = frame_head(m, pfn);
	uint64_t old;

	if (is_zero_page(m, pfn))
		return;
	old = add_acq_rel(&frame_of(m, head)->refcount, (uint64_t)0 - count);
	sync_assert_alive(old >= count, frame_memory(m, head));
	if (old == count)
		frame_last_put(m, head);
}

/*
 * The caller has found the page without any lock, and looks afterwards whether it is
 * still the page that it wanted (gup_fast).
 */
bool frame_try_get(struct mmun_machine *m, pfn_t head)
{
	atomic_u64 *count = &frame_of(m, head)->refcount;
	uint64_t old = load_relaxed(count);

	while (old)
		if (cmpxchg_acq_rel(count, &old, old + 1))
			return true;
	return false;
}

/* True: nobody but the caller has references, and nobody gets any until unfreeze. */
bool frame_freeze(struct mmun_machine *m, pfn_t head, uint64_t expected)
{
	return cmpxchg_acq_rel(&frame_of(m, head)->refcount, &expected, 0);
}

void frame_unfreeze(struct mmun_machine *m, pfn_t head, uint64_t count)
{
	store_release(&frame_of(m, head)->refcount, count);
}

/* Others may still store to the old page; the new one is the caller's alone. */
void frame_copy(struct mmun_machine *m, pfn_t to, pfn_t from)
{
	const atomic_u64 *src = frame_memory(m, from);
	uint64_t *dst = (uint64_t *)(void *)frame_memory(m, to);

	sync_event(PAGE_COPY, from.v, to.v);
	for (uint64_t i = 0; i < PAGE_WORDS; i++) {
		dst[i] = load_relaxed(&src[i]);
		sync_copied(from.v, to.v, i);
	}
}
