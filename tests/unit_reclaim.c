/* SPDX-License-Identifier: MIT */
/*
 * unit_reclaim.c - migration, reclaim, swap and age in one thread: contents, who maps what,
 * references, every error, the order in which notifiers are told.
 */
#include <errno.h>

#include "unit_world.h"

static struct mmun_mm *forked(struct world *w)
{
	struct mmun_mm *child;

	assert_int_equal(mmun_fork(w->mm, &child), 0);
	return child;
}

static pte_t entry_at(struct mmun_mm *mm, uint64_t addr)
{
	struct ptep p = pgtable_walk(&mm->pt, addr);

	return p.entry ? pte_get(p.entry) : (pte_t){ 0 };
}

static int reclaim(struct mmun_mm *mm, uint64_t addr)
{
	int err;

	down_read(&mm->mmap_lock);
	err = swap_reclaim(mm, addr, NULL);
	up_read(&mm->mmap_lock);
	return err;
}

static void assert_swapped(struct mmun_mm *mm, uint64_t addr)
{
	assert_true(softleaf_is_swap(entry_at(mm, addr)));
}

static uint64_t slots_used(const struct world *w)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < w->machine->swap_pages; i++)
		used += w->machine->swap[i].count != 0;
	return used;
}

/* An area of pages whose first words are their numbers, from 1. */
static void filled(struct world *w, enum mmun_semantics semantics, uint64_t pages)
{
	setup(w, semantics);
	map(w->mm, BASE, pages, RW);
	for (uint64_t i = 0; i < pages; i++)
		cpu_put(w, BASE + i * PAGE, i + 1);
}

/* --- migration ----------------------------------------------------------- */

static void migrate_moves(void **state)
{
	struct world w;
	uint64_t old;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	old = frame_at(w.mm, BASE);
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_true(frame_at(w.mm, BASE) != old);
	assert_int_equal(refs(w.mm, BASE), 1);
	assert_int_equal(maps(w.mm, BASE), 1);
	assert_int_equal(frame_of(w.machine, (pfn_t){ (uint32_t)old })->flags, 0);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(ats_get(&w, BASE), 1);
	/* Still its own: a write does not copy. */
	old = frame_at(w.mm, BASE);
	cpu_put(&w, BASE, 5);
	assert_int_equal(frame_at(w.mm, BASE), old);
	assert_int_equal(ats_get(&w, BASE), 5);
	assert_int_equal(frame_at(w.mm, BASE + PAGE) != old, 1);
	teardown(&w);
}

static void migrate_keeps_sharing(void **state)
{
	struct world w;
	struct mmun_mm *child;

	(void)state;
	filled(&w, MMUN_CLASSIC, 1);
	child = forked(&w);
	assert_int_equal(mmun_migrate(child, BASE), 0);
	assert_int_equal(frame_at(w.mm, BASE), frame_at(child, BASE));
	assert_int_equal(refs(w.mm, BASE), 2);
	assert_int_equal(maps(w.mm, BASE), 2);
	cpu_put(&w, BASE, 9);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

static void migrate_keeps_access(void **state)
{
	struct world w;
	pte_t before;

	(void)state;
	filled(&w, MMUN_MODERN, 3);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, NONE), 0);
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_gone(&w, BASE);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RO), 0);
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE, 2), -EFAULT);

	before = entry_at(w.mm, BASE + PAGE);
	assert_int_equal(mmun_migrate(w.mm, BASE + PAGE), 0);
	assert_int_equal(before.v & PTE_BITS, entry_at(w.mm, BASE + PAGE).v & PTE_BITS);

	assert_int_equal(mmun_numa_hint(w.mm, BASE + 2 * PAGE, PAGE), 0);
	assert_int_equal(mmun_migrate(w.mm, BASE + 2 * PAGE), 0);
	assert_false(pte_present(entry_at(w.mm, BASE + 2 * PAGE)));
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 3);
	teardown(&w);
}

static void migrate_merged(void **state)
{
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	cpu_put(&w, BASE + PAGE, 1);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(mmun_migrate(w.mm, BASE + PAGE), 0);
	assert_int_equal(frame_at(w.mm, BASE), frame_at(w.mm, BASE + PAGE));
	cpu_put(&w, BASE, 7);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 1);
	/* The last one that maps it may not write to it either. */
	cpu_put(&w, BASE + PAGE, 8);
	assert_int_equal(cpu_get(&w, BASE), 7);
	teardown(&w);
}

static void migrate_object(void **state)
{
	struct mmun_object *o;
	struct world w;
	uint64_t old;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_object_create(w.machine, 2 * PAGE, &o), 0);
	map_object(w.mm, BASE, 2, MMUN_MAP_SHARED, o, 0);
	map_object(w.mm, BASE + 8 * PAGE, 2, MMUN_MAP_PRIVATE, o, 0);
	cpu_put(&w, BASE + PAGE, 3);
	assert_int_equal(cpu_get(&w, BASE + 9 * PAGE), 3);
	old = frame_at(w.mm, BASE + PAGE);
	assert_int_equal(mmun_migrate(w.mm, BASE + 9 * PAGE), 0);
	assert_true(frame_at(w.mm, BASE + PAGE) != old);
	assert_int_equal(frame_at(w.mm, BASE + PAGE), frame_at(w.mm, BASE + 9 * PAGE));
	assert_int_equal(refs(w.mm, BASE + PAGE), 3); /* two entries, the object */
	cpu_put(&w, BASE + PAGE, 4);
	assert_int_equal(cpu_get(&w, BASE + 9 * PAGE), 4);
	/* The object has the new one. */
	assert_int_equal(mmun_munmap(w.mm, BASE, 2 * PAGE), 0);
	assert_int_equal(mmun_munmap(w.mm, BASE + 8 * PAGE, 2 * PAGE), 0);
	map_object(w.mm, BASE, 2, MMUN_MAP_SHARED, o, 0);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 4);
	mmun_object_destroy(o);
	teardown(&w);
}

static void migrate_pinned(void **state)
{
	struct mmun_pin *pin;
	struct world w;
	uint64_t old;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	old = frame_at(w.mm, BASE);
	assert_int_equal(mmun_pin(w.mm, BASE, true, &pin), 0);
	assert_int_equal(mmun_migrate(w.mm, BASE), -EBUSY);
	assert_int_equal(reclaim(w.mm, BASE), -EBUSY);
	assert_int_equal(frame_at(w.mm, BASE), old);
	assert_int_equal(maps(w.mm, BASE), 1);
	assert_int_equal(refs(w.mm, BASE), 2);
	assert_int_equal(mmun_pin_store(pin, 0, 6), 0);
	assert_int_equal(cpu_get(&w, BASE), 6);
	mmun_unpin(pin);
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE), 6);
	teardown(&w);
}

/* Somebody else is at the page: all is as it was. */
static void migrate_busy(void **state)
{
	struct mmun_mm *child;
	struct world w;
	pte_t before;
	pfn_t pfn;

	(void)state;
	filled(&w, MMUN_CLASSIC, 1);
	child = forked(&w);
	before = entry_at(w.mm, BASE);
	pfn = page_at(w.mm, BASE);
	frame_get(w.machine, pfn, 1);
	assert_int_equal(mmun_migrate(w.mm, BASE), -EBUSY);
	assert_int_equal(entry_at(w.mm, BASE).v, before.v);
	assert_int_equal(refs(w.mm, BASE), 3);
	assert_int_equal(maps(w.mm, BASE), 2);
	/* Reclaim takes the entries away all the same; the page stays in its slot's cache. */
	assert_int_equal(reclaim(w.mm, BASE), -EBUSY);
	assert_swapped(w.mm, BASE);
	assert_swapped(child, BASE);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(frame_at(w.mm, BASE), pfn.v);
	frame_put(w.machine, pfn, 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(slots_used(&w), 0);
	teardown(&w);
}

static void migrate_errors(void **state)
{
	struct mmun_machine_opts opts = { .frames = 12, .swap_pages = 1 };
	struct world w;
	uint64_t addr;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	map(w.mm, BASE, 12, RW);
	assert_int_equal(mmun_migrate(NULL, BASE), -EINVAL);
	assert_int_equal(mmun_migrate(w.mm, BASE + 8), -EINVAL);
	assert_int_equal(mmun_migrate(w.mm, TASK_BYTES), -EFAULT);
	assert_int_equal(mmun_migrate(w.mm, BASE - PAGE), -EFAULT);
	assert_int_equal(mmun_migrate(w.mm, BASE), -EFAULT);
	assert_int_equal(cpu_get(&w, BASE), 0); /* the zero page */
	assert_int_equal(mmun_migrate(w.mm, BASE), -EFAULT);
	assert_int_equal(reclaim(w.mm, BASE), -EFAULT);
	for (addr = BASE; !mmun_cpu_store(w.cpu, addr, addr); addr += PAGE)
		;
	assert_int_equal(mmun_migrate(w.mm, BASE), -ENOMEM);
	assert_int_equal(cpu_get(&w, BASE), BASE);
	/* Swap has a page of room, and then memory has one. */
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), -ENOMEM);
	assert_int_equal(mmun_migrate(w.mm, BASE), -EFAULT);
	assert_int_equal(mmun_migrate(w.mm, BASE + PAGE), 0);
	cpu_put(&w, addr, 1);
	assert_int_equal(mmun_cpu_load(w.cpu, BASE, &addr), -ENOMEM);
	assert_int_equal(mmun_munmap(w.mm, BASE + PAGE, PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE), BASE);
	assert_int_equal(slots_used(&w), 0);
	teardown(&w);
}

/* --- swap ---------------------------------------------------------------- */

static void swap_and_back(void **state)
{
	struct world w;
	uint32_t used;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	used = machine_frames_used(w.machine);
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_swapped(w.mm, BASE);
	assert_int_equal(machine_frames_used(w.machine), used - 1);
	assert_int_equal(slots_used(&w), 1);
	assert_int_equal(reclaim(w.mm, BASE), -EFAULT); /* nothing in memory */
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(slots_used(&w), 0);
	assert_int_equal(refs(w.mm, BASE), 1);
	assert_int_equal(maps(w.mm, BASE), 1);
	/* And once more; what is written meanwhile is kept. */
	assert_int_equal(reclaim(w.mm, BASE), 0);
	cpu_put(&w, BASE, 12);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(ats_get(&w, BASE), 12);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
	assert_int_equal(slots_used(&w), 2);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0);
	assert_int_equal(slots_used(&w), 1); /* exit frees the other */
	teardown(&w);
}

static void swap_shared(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint64_t frame;

	(void)state;
	filled(&w, MMUN_CLASSIC, 1);
	child = forked(&w);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_swapped(w.mm, BASE);
	assert_swapped(child, BASE);
	assert_int_equal(slots_used(&w), 1);
	assert_int_equal(cpu_get(&w, BASE), 1);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(refs(w.mm, BASE), 2); /* the entry's, the cache's */
	/* Cached, and clean: out again without a slot more; the other finds it there. */
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(slots_used(&w), 1);
	assert_int_equal(cpu_get(&w, BASE), 1);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(frame_at(child, BASE), frame);
	assert_int_equal(slots_used(&w), 0);
	cpu_put(&w, BASE, 2);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

/* fork copies the entry of what is swapped out; one writes, the other has what was. */
static void swap_fork(void **state)
{
	struct mmun_mm *child;
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	child = forked(&w);
	assert_int_equal(w.machine->swap[softleaf_to_slot(entry_at(child, BASE))].count, 2);
	cpu_put(&w, BASE, 2);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(slots_used(&w), 0);
	poke(child, BASE, 3);
	assert_int_equal(cpu_get(&w, BASE), 2);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

/* The last user of a page has it to itself, and may write without a copy. */
static void swap_last_user(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint64_t frame;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	child = forked(&w);
	assert_int_equal(cpu_get(&w, BASE), 1);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(mmun_mm_destroy(child), 0); /* frees the slot */
	assert_int_equal(slots_used(&w), 0);
	cpu_put(&w, BASE, 2);
	assert_int_equal(frame_at(w.mm, BASE), frame);

	assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
	child = forked(&w);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	assert_true(pte_exclusive(entry_at(w.mm, BASE + PAGE)));
	teardown(&w);
}

/* A page whose slot others need moves, and they find it where it is now. */
static void swap_cache_migrates(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint64_t frame;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	child = forked(&w);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE), 1);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_true(frame_at(w.mm, BASE) != frame);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(refs(w.mm, BASE), 2);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(frame_at(child, BASE), frame);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

static void swap_merged(void **state)
{
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	cpu_put(&w, BASE + PAGE, 1);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_swapped(w.mm, BASE + PAGE);
	cpu_put(&w, BASE, 4);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 1);
	cpu_put(&w, BASE + PAGE, 5);
	assert_int_equal(cpu_get(&w, BASE), 4);
	assert_int_equal(slots_used(&w), 0);
	teardown(&w);
}

/* Its last user does not get it to himself, even if it never left the cache. */
static void swap_merged_last_user(void **state)
{
	struct world w;
	pfn_t pfn;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	cpu_put(&w, BASE + PAGE, 1);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(mmun_munmap(w.mm, BASE + PAGE, PAGE), 0);
	pfn = page_at(w.mm, BASE);
	frame_get(w.machine, pfn, 1);
	assert_int_equal(reclaim(w.mm, BASE), -EBUSY);
	assert_swapped(w.mm, BASE);
	frame_put(w.machine, pfn, 1);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(frame_at(w.mm, BASE), pfn.v);
	assert_false(pte_exclusive(entry_at(w.mm, BASE)));
	teardown(&w);
}

/* What is swapped out but still cached can be reclaimed as well. */
static void swap_cached(void **state)
{
	struct world w;
	uint32_t used;
	pfn_t pfn;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	used = machine_frames_used(w.machine);
	pfn = page_at(w.mm, BASE);
	frame_get(w.machine, pfn, 1);
	assert_int_equal(reclaim(w.mm, BASE), -EBUSY);
	frame_put(w.machine, pfn, 1);
	assert_int_equal(machine_frames_used(w.machine), used);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(machine_frames_used(w.machine), used - 1);
	assert_int_equal(cpu_get(&w, BASE), 1);
	teardown(&w);
}

static void swap_keeps_bits(void **state)
{
	struct world w;
	unsigned bits;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, true), 0);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
	assert_int_equal(mmun_pagemap(w.mm, BASE, &bits), 0);
	assert_int_equal(bits & (MMUN_PAGE_SWAPPED | MMUN_PAGE_SOFT_DIRTY | MMUN_PAGE_WP),
			 MMUN_PAGE_SWAPPED | MMUN_PAGE_WP);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(mmun_pagemap(w.mm, BASE, &bits), 0);
	assert_int_equal(bits & (MMUN_PAGE_PRESENT | MMUN_PAGE_WP | MMUN_PAGE_SOFT_DIRTY),
			 MMUN_PAGE_PRESENT | MMUN_PAGE_WP);
	cpu_put(&w, BASE, 2);
	assert_int_equal(mmun_pagemap(w.mm, BASE, &bits), 0);
	assert_int_equal(bits & (MMUN_PAGE_WP | MMUN_PAGE_SOFT_DIRTY), MMUN_PAGE_SOFT_DIRTY);
	cpu_put(&w, BASE + PAGE, 2);
	assert_int_equal(mmun_pagemap(w.mm, BASE + PAGE, &bits), 0);
	assert_true(bits & MMUN_PAGE_SOFT_DIRTY);
	teardown(&w);
}

static void swap_protected(void **state)
{
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, NONE), 0);
	assert_gone(&w, BASE);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RO), 0);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE, 2), -EFAULT);
	assert_int_equal(reclaim(w.mm, BASE), 0); /* PROTNONE entries as well */
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RW), 0);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, PAGE), 0);
	cpu_put(&w, BASE, 2);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, PAGE), 0);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE), 2);
	teardown(&w);
}

/* An object's pages have nowhere to go; copies of them do. */
static void swap_private_copy(void **state)
{
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_object_create(w.machine, 2 * PAGE, &o), 0);
	map_object(w.mm, BASE, 2, MMUN_MAP_PRIVATE, o, 0);
	assert_int_equal(cpu_get(&w, BASE), 0);
	cpu_put(&w, BASE + PAGE, 3);
	assert_int_equal(reclaim(w.mm, BASE), -EFAULT);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 3);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
	mmun_object_destroy(o);
	teardown(&w);
}

/* --- MADV_FREE ----------------------------------------------------------- */

/* Nobody wants the contents unless the page is written again. */
static void lazy_free(struct world *w, uint64_t addr)
{
	assert_int_equal(mmun_madvise(w->mm, addr, PAGE, MMUN_MADV_FREE), 0);
}

static void freed_is_dropped(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint32_t used;

	(void)state;
	filled(&w, MMUN_MODERN, 4);
	lazy_free(&w, BASE);
	assert_int_equal(ats_get(&w, BASE), 1);
	used = machine_frames_used(w.machine);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_true(pte_none(entry_at(w.mm, BASE)));
	assert_int_equal(machine_frames_used(w.machine), used - 1);
	assert_int_equal(slots_used(&w), 0);
	assert_int_equal(cpu_get(&w, BASE), 0);
	assert_int_equal(ats_get(&w, BASE), 0);
	/* Written since: kept, and then to swap as any other. */
	lazy_free(&w, BASE + PAGE);
	cpu_put(&w, BASE + PAGE, 5);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), -EBUSY);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
	assert_swapped(w.mm, BASE + PAGE);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 5);
	/* Free still means free after a migration, and in both after a fork. */
	lazy_free(&w, BASE + 2 * PAGE);
	assert_int_equal(mmun_migrate(w.mm, BASE + 2 * PAGE), 0);
	child = forked(&w);
	assert_int_equal(reclaim(w.mm, BASE + 2 * PAGE), 0);
	assert_int_equal(peek(child, BASE + 2 * PAGE), 0);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

static void freed_while_pinned(void **state)
{
	struct mmun_pin *pin;
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	lazy_free(&w, BASE);
	assert_int_equal(mmun_pin(w.mm, BASE, true, &pin), 0);
	lazy_free(&w, BASE); /* leaves it alone now */
	assert_int_equal(mmun_pin_store(pin, 0, 6), 0);
	assert_int_equal(reclaim(w.mm, BASE), -EBUSY);
	mmun_unpin(pin);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE), 6);
	teardown(&w);
}

/* What is cached for others who have it swapped out is left alone. */
static void freed_while_cached(void **state)
{
	struct mmun_mm *child;
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	child = forked(&w);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE), 1);
	lazy_free(&w, BASE);
	(void)reclaim(w.mm, BASE);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	/* And what is swapped out is dropped at once. */
	cpu_put(&w, BASE, 3);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	lazy_free(&w, BASE);
	assert_int_equal(slots_used(&w), 0);
	assert_int_equal(cpu_get(&w, BASE), 0);
	teardown(&w);
}

/* As madvise(PAGEOUT) calls it: what can go goes. */
static void page_out(void **state)
{
	struct mmun_pin *pin;
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 6);
	assert_int_equal(mmun_pin(w.mm, BASE + PAGE, false, &pin), 0);
	assert_int_equal(mmun_madvise(w.mm, BASE, 6 * PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(slots_used(&w), 5);
	assert_true(pte_present(entry_at(w.mm, BASE + PAGE)));
	mmun_unpin(pin);
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(ats_get(&w, BASE + i * PAGE), i + 1);
	assert_int_equal(slots_used(&w), 0);
	teardown(&w);
}

/* A huge page is split first; one that is pinned stays as it is. */
static void page_out_huge(void **state)
{
	const struct mmun_machine_opts opts = {
		.frames = 64, .huge_frames = 1, .swap_pages = HUGE_BYTES / PAGE,
	};
	struct mmun_pin *pin;
	struct world w;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	map(w.mm, BASE, HUGE_BYTES / PAGE, RW);
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	assert_true(pte_huge(entry_at(w.mm, BASE)));
	assert_int_equal(mmun_pin(w.mm, BASE + PAGE, true, &pin), 0);
	assert_int_equal(reclaim(w.mm, BASE), -EBUSY);
	mmun_unpin(pin);
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(slots_used(&w), HUGE_BYTES / PAGE);
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	teardown(&w);
}

/* Moving what is swapped out, and its entries' neighbors with their table. */
static void moved_while_swapped(void **state)
{
	const struct mmun_machine_opts opts = { .frames = 64, .swap_pages = 4 };
	uint64_t to = BASE + 8 * HUGE_BYTES, at;
	struct world w;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	map(w.mm, BASE, HUGE_BYTES / PAGE, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(mmun_mremap(w.mm, BASE, HUGE_BYTES, HUGE_BYTES,
				     MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, to, &at), 0);
	assert_gone(&w, BASE);
	assert_int_equal(cpu_get(&w, to), 1);
	assert_int_equal(mmun_migrate(w.mm, to + PAGE), 0);
	assert_int_equal(cpu_get(&w, to + PAGE), 2);
	assert_int_equal(reclaim(w.mm, to + PAGE), 0);
	assert_int_equal(mmun_mremap(w.mm, to + PAGE, PAGE, PAGE,
				     MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, BASE, &at), 0);
	assert_int_equal(ats_get(&w, BASE), 2);
	teardown(&w);
}

/* --- young ---------------------------------------------------------------- */

static bool young(struct mmun_mm *mm, uint64_t addr, bool clear)
{
	bool is_young;

	assert_int_equal(mmun_page_young(mm, addr, clear, &is_young), 0);
	return is_young;
}

/* The translation is forgotten, so that the next access sets the bit. */
static void forget(struct world *w)
{
	flush_tlb_range(w->mm, flush_everything());
}

static void page_young(void **state)
{
	struct mmun_mm *child;
	struct world w;
	bool is_young;

	(void)state;
	filled(&w, MMUN_MODERN, 2);
	assert_true(young(w.mm, BASE, false));
	assert_true(young(w.mm, BASE + 8, true)); /* any address in the page */
	assert_false(young(w.mm, BASE, false));
	assert_true(young(w.mm, BASE + PAGE, true));
	forget(&w);
	(void)cpu_get(&w, BASE);
	assert_true(young(w.mm, BASE, true));
	/* Whoever maps the page, and by either. */
	child = forked(&w);
	assert_false(young(child, BASE, true));
	assert_int_equal(peek(child, BASE), 1);
	assert_true(young(w.mm, BASE, true));
	assert_false(young(child, BASE, true));
	assert_int_equal(mmun_mm_destroy(child), 0);
	/* A page's age moves with it, and what was written is not forgotten. */
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_false(young(w.mm, BASE, false));
	assert_true(pte_dirty(entry_at(w.mm, BASE)));
	assert_int_equal(reclaim(w.mm, BASE), 0);
	assert_int_equal(mmun_page_young(w.mm, BASE, true, &is_young), -EFAULT);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_true(young(w.mm, BASE, true));
	assert_int_equal(refs(w.mm, BASE), 1);
	teardown(&w);
}

static void page_young_errors(void **state)
{
	struct world w;
	bool is_young;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	map(w.mm, BASE, 1, RW);
	assert_int_equal(mmun_page_young(NULL, BASE, true, &is_young), -EINVAL);
	assert_int_equal(mmun_page_young(w.mm, BASE, true, NULL), -EINVAL);
	assert_int_equal(mmun_page_young(w.mm, TASK_BYTES, true, &is_young), -EFAULT);
	assert_int_equal(mmun_page_young(w.mm, BASE + PAGE, true, &is_young), -EFAULT);
	assert_int_equal(mmun_page_young(w.mm, BASE, true, &is_young), -EFAULT);
	assert_int_equal(cpu_get(&w, BASE), 0); /* the zero page: this entry alone */
	assert_true(young(w.mm, BASE, true));
	assert_false(young(w.mm, BASE, true));
	teardown(&w);
}

struct old_device {
	struct mmu_notifier mn;
	bool young;
	unsigned tested, cleared;
};

static bool device_clear_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start,
			      uint64_t end)
{
	struct old_device *d = container_of(mn, struct old_device, mn);
	bool was = d->young;

	(void)mm;
	assert_int_equal(start, BASE);
	assert_int_equal(end, BASE + PAGE);
	d->cleared++;
	d->young = false;
	return was;
}

static bool device_test_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr)
{
	struct old_device *d = container_of(mn, struct old_device, mn);

	(void)mm;
	assert_int_equal(addr, BASE);
	d->tested++;
	return d->young;
}

static void page_young_asks_devices(void **state)
{
	static const struct mmu_notifier_ops ops = {
		.clear_young = device_clear_young, .test_young = device_test_young,
	};
	struct old_device d = { .mn.ops = &ops, .young = true };
	struct world w;

	(void)state;
	filled(&w, MMUN_MODERN, 1);
	assert_true(young(w.mm, BASE, true));
	assert_int_equal(mmu_notifier_register(&d.mn, w.mm), 0);
	assert_true(young(w.mm, BASE, false));
	assert_int_equal(d.tested, 1);
	assert_true(young(w.mm, BASE, true));
	assert_int_equal(d.cleared, 1);
	assert_false(young(w.mm, BASE, true));
	assert_false(young(w.mm, BASE, false));
	mmu_notifier_unregister(&d.mn, w.mm);
	teardown(&w);
}

/* --- the order of things -------------------------------------------------- */

static void orders(enum mmun_semantics semantics, const char *migrate, const char *swap)
{
	struct recorder r;
	struct world w;

	filled(&w, semantics, 2);
	recorder_begin(&r, w.mm, BASE + PAGE);
	assert_int_equal(mmun_migrate(w.mm, BASE + PAGE), 0);
	expect(&r, migrate);
	assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
	expect(&r, swap);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	expect(&r, "");
	recorder_end_all(&r);
	teardown(&w);
}

static void orders_modern(void **state)
{
	static const char log[] = "S:clear[1,2)rw flush[all)none E[1,2)prot";

	(void)state;
	orders(MMUN_MODERN, log, log);
}

static void orders_classic(void **state)
{
	(void)state;
	orders(MMUN_CLASSIC, "S:clear[1,2)rw flush[1,2)prot E[1,2)prot",
	       "S:clear[1,2)rw flush[1,2)prot flush[1,2)prot E[1,2)prot");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrate_moves),
		cmocka_unit_test(migrate_keeps_sharing),
		cmocka_unit_test(migrate_keeps_access),
		cmocka_unit_test(migrate_merged),
		cmocka_unit_test(migrate_object),
		cmocka_unit_test(migrate_pinned),
		cmocka_unit_test(migrate_busy),
		cmocka_unit_test(migrate_errors),
		cmocka_unit_test(swap_and_back),
		cmocka_unit_test(swap_shared),
		cmocka_unit_test(swap_fork),
		cmocka_unit_test(swap_last_user),
		cmocka_unit_test(swap_cache_migrates),
		cmocka_unit_test(swap_merged),
		cmocka_unit_test(swap_merged_last_user),
		cmocka_unit_test(swap_cached),
		cmocka_unit_test(swap_keeps_bits),
		cmocka_unit_test(swap_protected),
		cmocka_unit_test(swap_private_copy),
		cmocka_unit_test(freed_is_dropped),
		cmocka_unit_test(freed_while_pinned),
		cmocka_unit_test(freed_while_cached),
		cmocka_unit_test(page_out),
		cmocka_unit_test(page_out_huge),
		cmocka_unit_test(moved_while_swapped),
		cmocka_unit_test(page_young),
		cmocka_unit_test(page_young_errors),
		cmocka_unit_test(page_young_asks_devices),
		cmocka_unit_test(orders_modern),
		cmocka_unit_test(orders_classic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
