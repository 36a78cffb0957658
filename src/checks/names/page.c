/* SPDX-License-Identifier: MIT */
/*
 * page.c - pages of a check: allocating, counting and locking them.
 */
#include "checks/names/mm.h"

struct page *kernel_new_page_(bool zero, const struct sync_site *site)
{
	pfn_t pfn;
	AT(site);

	ASSERT(names_machine);
	if (!frame_alloc(names_machine, FRAME_ANON, zero, &pfn))
		return NULL;
	sync_event_at(site, PAGE_ALLOC, pfn.v);
	return page_of(pfn);
}

struct page *kernel_new_huge_(const struct sync_site *site)
{
	pfn_t head;
	AT(site);

	ASSERT(names_machine);
	if (!frame_alloc_huge(names_machine, false, &head))
		return NULL;
	sync_event_at(site, HUGE_ALLOC, head.v);
	return page_of(head);
}

uint64_t kernel_page_pfn_(const struct page *page) { return pfn_of(page).v; }

struct page *kernel_pfn_page_(uint64_t pfn)
{
	ASSERT(names_machine && pfn < names_machine->frames);
	return page_of((pfn_t){ (uint32_t)pfn });
}

struct page *kernel_zero_page_(void)
{
	ASSERT(names_machine);
	return page_of(names_machine->zero);
}

uint64_t *kernel_page_memory_(const struct page *page)
{
	return (uint64_t *)(void *)frame_memory(names_machine, pfn_of(page));
}

/* Visible to the explorer as the lock's own, whoever else takes it. */
static uint64_t page_lock(struct frame *f, enum kernel_page_op_ op, const struct sync_site *site)
{
	if (op == KERNEL_PAGE_TRYLOCK_)
		return sync_trylock_(&f->page_lock.owner, f->page_lock.rank, SYNC_SLEEPS,
				     site);
	if (op == KERNEL_PAGE_IS_LOCKED_)
		return sync_is_locked_(&f->page_lock.owner, SYNC_SLEEPS, site);
	if (op == KERNEL_PAGE_LOCK_)
		sync_lock_(&f->page_lock.owner, f->page_lock.rank, SYNC_SLEEPS, site);
	else
		sync_unlock_(&f->page_lock.owner, SYNC_SLEEPS, site);
	return 1;
}

/* As frame_get(), and judged. */
static void get(pfn_t pfn, const struct sync_site *site)
{
	pfn_t head = frame_head(names_machine, pfn);
	struct frame *f = frame_of(names_machine, head);
	const struct sync_access inc = SYNC_ACCESS(SYNC_INC, &f->refcount, SYNC_RELAXED,
						   SYNC_ADD_TO);
	uint64_t old;

	if (is_zero_page(names_machine, pfn))
		return;
	old = sync_update_(&f->refcount, inc, 1, 0, site);
	needs(head, SYNC_IN_STEP, site);
	if (!old && !(f->flags & FRAME_TABLE)) /* it is frozen */
		sync_misuses_("takes a reference of a page that has none", site);
}

static uint64_t bytes_of(const struct frame *f)
{
	return f->flags & FRAME_HUGE ? HUGE_BYTES : PAGE_BYTES;
}

static bool is_mapped(const struct frame *f)
{
	bool mapped = false;

	for (uint64_t n = 0; n < bytes_of(f) / PAGE_BYTES; n++)
		mapped |= f[n].mapcount;
	return mapped;
}

/* As frame_put(), and judged. */
static void put(pfn_t pfn, const struct sync_site *site)
{
	pfn_t head = frame_head(names_machine, pfn);
	struct frame *f = frame_of(names_machine, head);
	uint64_t old;

	if (is_zero_page(names_machine, pfn))
		return;
	old = sync_update_(&f->refcount, SYNC_ACCESS(SYNC_RMW, &f->refcount, SYNC_ACQ_REL,
						     SYNC_ADD_TO), (uint64_t)-1, 0, site);
	needs_to_free(head, SYNC_IN_STEP, site);
	if (!old)
		sync_misuses_("gives up a reference of a page that has none", site);
	if (old == 1 && is_mapped(f)) {
		sync_range_dead_(frame_memory(names_machine, head), bytes_of(f), site);
		sync_misuses_("gives up the last reference of a page that is mapped", site);
	}
	if (old == 1 && names_peek(&f->pins))
		sync_misuses_("gives up the last reference of a page that is pinned", site);
	if (old == 1)
		frame_last_put(names_machine, head);
}

uint64_t kernel_page_(struct page *page, enum kernel_page_op_ op, const char *text,
		      const struct sync_site *site)
{
	struct frame *f = frame_of_page(page);
	pfn_t pfn = pfn_of(page);
	uint64_t result = 0;
	AT(site);

	if (op == KERNEL_PAGE_TRY_GET_) { /* may come at any time */
		result = frame_try_get(names_machine, pfn);
		if (result)
			uses(pfn, SYNC_IN_STEP, site);
		sync_event_at(site, PAGE_CALL, (uintptr_t)text, pfn.v, !result);
		return result;
	}
	if (op == KERNEL_PAGE_PUT_)
		needs_to_free(pfn, SYNC_BEFORE_STEP, site);
	else
		needs(pfn, SYNC_BEFORE_STEP, site);
	switch (op) {
	case KERNEL_PAGE_GET_:
		get(pfn, site);
		break;
	case KERNEL_PAGE_PUT_:
		sync_event_at(site, PAGE_CALL, (uintptr_t)text, pfn.v, false);
		put(pfn, site);
		return 0;
	case KERNEL_PAGE_DIRTY_:
		sync_store_(&f->dirty, result = 1, SYNC_RELEASE, site);
		break;
	case KERNEL_PAGE_COUNT_:
		result = sync_load_(&f->refcount, SYNC_ACQUIRE, site);
		break;
	case KERNEL_PAGE_MAPCOUNT_:
		result = rmap_count(names_machine, frame_head(names_machine, pfn));
		break;
	default:
		result = page_lock(f, op, site);
		break;
	}
	if (op != KERNEL_PAGE_GET_)
		uses(pfn, SYNC_IN_STEP, site);
	if (op == KERNEL_PAGE_COUNT_ || op == KERNEL_PAGE_MAPCOUNT_ ||
	    op == KERNEL_PAGE_IS_LOCKED_)
		sync_event_at(site, PAGE_COUNT, (uintptr_t)text, pfn.v, result);
	else
		sync_event_at(site, PAGE_CALL, (uintptr_t)text, pfn.v,
			      op != KERNEL_PAGE_GET_ && !result);
	return result;
}

void kernel_pins_end_(const struct mmun_machine *m)
{
	for (uint32_t n = 0; n < m->frames; n++)
		if (names_peek(&m->frame[n].pins))
			explore_fail(ORACLE_LEAK, "frame %u is pinned at the end", n);
}

bool kernel_page_freeze_(struct page *page, uint64_t expected, const struct sync_site *site)
{
	pfn_t pfn = pfn_of(page);
	bool frozen;

	needs(pfn, SYNC_BEFORE_STEP, site);
	frozen = frame_freeze(names_machine, pfn, expected);
	needs(pfn, SYNC_IN_STEP, site);
	sync_event_at(site, PAGE_CALL, (uintptr_t)"page_ref_freeze", pfn.v, !frozen);
	return frozen;
}

void kernel_page_unfreeze_(struct page *page, uint64_t count, const struct sync_site *site)
{
	pfn_t pfn = pfn_of(page);

	needs(pfn, SYNC_BEFORE_STEP, site);
	frame_unfreeze(names_machine, pfn, count);
	needs(pfn, SYNC_IN_STEP, site);
	sync_event_at(site, PAGE_CALL, (uintptr_t)"page_ref_unfreeze", pfn.v, false);
}

void kernel_copy_(struct page *to, struct page *from, const struct sync_site *site)
{
	AT(site);

	needs(pfn_of(to), SYNC_BEFORE_STEP, site);
	frame_copy(names_machine, pfn_of(to), pfn_of(from));
	uses(pfn_of(to), SYNC_IN_STEP, site);
}
