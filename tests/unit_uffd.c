/* SPDX-License-Identifier: MIT */
/*
 * unit_uffd.c - userfaultfd's write protection and moves, soft-dirty, pagemap and NUMA
 * hints, in one thread: contents, errors, bits, the order of notifications, every
 * allocation made to fail.
 */
#include <errno.h>

#include "audit.h"
#include "unit_world.h"

#define FAR ((uint64_t)1 << 32) /* in other tables than BASE */

static unsigned pagemap(struct mmun_mm *mm, uint64_t addr)
{
	unsigned bits;

	assert_int_equal(mmun_pagemap(mm, addr, &bits), 0);
	return bits;
}

enum {
	WRITTEN = MMUN_PAGE_PRESENT | MMUN_PAGE_SOFT_DIRTY | MMUN_PAGE_EXCLUSIVE,
	CLEAN = MMUN_PAGE_PRESENT | MMUN_PAGE_EXCLUSIVE,
};

static bool has(struct mmun_mm *mm, uint64_t addr, uint64_t bits)
{
	return (mm_translate(mm, addr).v & bits) == bits;
}

/* --- write protection ---------------------------------------------------- */

static void test_wp_errors(void **state)
{
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	assert_int_equal(mmun_uffd_writeprotect(NULL, BASE, PAGE, true), -EINVAL);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE + 8, PAGE, true), -EINVAL);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, 8, true), -EINVAL);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, 0, true), -EINVAL);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, TASK_BYTES, PAGE, true), -EINVAL);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, 3 * PAGE, true), -ENOENT);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, 2 * PAGE, true), 0); /* nothing there */
	assert_int_equal(pagemap(w.mm, BASE), 0);
	cpu_put(&w, BASE, 1);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, 3 * PAGE, true), -ENOENT);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN);
	teardown(&w);
}

static void test_wp(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	map(w.mm, BASE + 4 * PAGE, 1, RO);
	cpu_put(&w, BASE, 1);
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 2), 0);
	cpu_get(&w, BASE + 2 * PAGE);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, 5 * PAGE, true), 0);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN | MMUN_PAGE_WP);
	assert_int_equal(pagemap(w.mm, BASE + 2 * PAGE), MMUN_PAGE_PRESENT | MMUN_PAGE_WP);
	assert_int_equal(pagemap(w.mm, BASE + 3 * PAGE), 0);
	assert_false(pte_write(mm_translate(w.mm, BASE)));
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RO), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RW), 0);
	assert_false(pte_write(mm_translate(w.mm, BASE))); /* giving rights back is no write */

	frame = frame_at(w.mm, BASE);
	cpu_put(&w, BASE, 3);
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 4), 0);
	cpu_put(&w, BASE + 2 * PAGE, 5);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(pagemap(w.mm, BASE + i * PAGE), WRITTEN);
	assert_int_equal(frame_at(w.mm, BASE), frame);

	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, 3 * PAGE, true), 0);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(pagemap(child, BASE), MMUN_PAGE_PRESENT | MMUN_PAGE_SOFT_DIRTY);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE + PAGE, PAGE, false), 0);
	assert_false(pte_write(mm_translate(w.mm, BASE + PAGE))); /* shared */
	cpu_put(&w, BASE, 6);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN); /* a copy is not protected */
	assert_int_equal(peek(child, BASE), 3);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, true), 0);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, false), 0);
	assert_true(pte_write(mm_translate(w.mm, BASE)));
	assert_int_equal(cpu_get(&w, BASE), 6);
	audit_mm(w.mm);
	teardown(&w);
}

/* --- moving -------------------------------------------------------------- */

static int move(struct mmun_mm *mm, uint64_t dst, uint64_t src, uint64_t pages, uint64_t want)
{
	uint64_t moved = 99;
	int err = mmun_uffd_move(mm, dst, src, pages * PAGE, &moved);

	assert_int_equal(moved, err == -EINVAL && want == 99 ? 99 : want * PAGE);
	return err;
}

static void test_move_errors(void **state)
{
	struct mmun_mm *child;
	struct mmun_pin *pin;
	struct world w;
	uint64_t at, moved;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 8, RW);
	map(w.mm, BASE + 16 * PAGE, 1, RO);
	assert_int_equal(mmun_mmap(w.mm, BASE + 17 * PAGE, PAGE, RW, MMUN_MAP_SHARED |
				   MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at), 0);
	assert_int_equal(mmun_uffd_move(NULL, BASE, BASE + PAGE, PAGE, &moved), -EINVAL);
	assert_int_equal(mmun_uffd_move(w.mm, BASE, BASE + PAGE, PAGE, NULL), -EINVAL);
	assert_int_equal(move(w.mm, BASE + 8, BASE + PAGE, 1, 99), -EINVAL);
	assert_int_equal(move(w.mm, BASE, BASE + PAGE + 8, 1, 99), -EINVAL);
	assert_int_equal(move(w.mm, BASE, BASE + PAGE, 0, 99), -EINVAL);
	assert_int_equal(move(w.mm, BASE, BASE + PAGE, 2, 99), -EINVAL);
	assert_int_equal(move(w.mm, BASE + PAGE, BASE, 2, 99), -EINVAL);
	assert_int_equal(move(w.mm, TASK_BYTES, BASE, 1, 99), -EINVAL);
	assert_int_equal(move(w.mm, FAR, BASE, 1, 0), -ENOENT);
	assert_int_equal(move(w.mm, BASE, FAR, 1, 0), -ENOENT);
	assert_int_equal(move(w.mm, BASE, BASE + PAGE, 1, 0), -ENOENT);
	assert_int_equal(move(w.mm, BASE, BASE + 16 * PAGE, 1, 0), -EINVAL);
	assert_int_equal(move(w.mm, BASE + 17 * PAGE, BASE, 1, 0), -EINVAL);

	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	cpu_put(&w, BASE + 5 * PAGE, 3);
	assert_int_equal(move(w.mm, BASE + 4 * PAGE, BASE, 2, 1), -EEXIST);
	assert_int_equal(pagemap(w.mm, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE + 4 * PAGE), 1);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);

	assert_int_equal(mmun_pin(w.mm, BASE + PAGE, false, &pin), 0);
	assert_int_equal(move(w.mm, BASE + 6 * PAGE, BASE + PAGE, 1, 0), -EBUSY);
	assert_true(has(w.mm, BASE + PAGE, PTE_P | PTE_RW | PTE_D | PTE_EXCL));
	mmun_unpin(pin);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(move(w.mm, BASE + 6 * PAGE, BASE + PAGE, 1, 0), -EBUSY);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

/* To the same table, to another one, and there and back. */
static void test_move(void **state)
{
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	map(w.mm, FAR, 4, RW);
	cpu_put(&w, BASE, 1);
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 2), 0);
	cpu_get(&w, BASE + 2 * PAGE);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(move(w.mm, FAR, BASE, 3, 3), 0);
	assert_int_equal(frame_at(w.mm, FAR), frame);
	assert_true(has(w.mm, FAR, PTE_P | PTE_RW | PTE_D | PTE_EXCL | PTE_SOFT_DIRTY));
	assert_int_equal(refs(w.mm, FAR), 1);
	assert_int_equal(maps(w.mm, FAR), 1);
	audit_mm(w.mm);
	assert_int_equal(cpu_get(&w, FAR), 1);
	assert_int_equal(ats_get(&w, FAR + PAGE), 2);
	assert_int_equal(cpu_get(&w, FAR + 2 * PAGE), 0);
	assert_int_equal(frame_at(w.mm, FAR + 2 * PAGE), w.machine->zero.v);
	assert_int_equal(ats_get(&w, BASE + PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE), 0);
	cpu_put(&w, FAR, 3);
	assert_int_equal(cpu_get(&w, BASE), 0);
	assert_int_equal(move(w.mm, BASE + 3 * PAGE, FAR, 1, 1), 0);
	assert_int_equal(move(w.mm, BASE + 2 * PAGE, BASE + 3 * PAGE, 1, 1), 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 3);

	/* A hint goes away, so does the protection of the address. */
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE + 2 * PAGE, PAGE, true), 0);
	assert_int_equal(mmun_numa_hint(w.mm, BASE + 2 * PAGE, PAGE), 0);
	assert_int_equal(move(w.mm, FAR, BASE + 2 * PAGE, 1, 1), 0);
	assert_true(has(w.mm, FAR, PTE_P | PTE_RW));
	assert_int_equal(pagemap(w.mm, FAR), WRITTEN);
	assert_int_equal(cpu_get(&w, FAR), 3);
	audit_mm(w.mm);
	teardown(&w);
}

/* --- soft-dirty and referenced ------------------------------------------- */

static void test_clear_refs(void **state)
{
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	map(w.mm, FAR, 1, RW);
	assert_int_equal(mmun_clear_refs(NULL, MMUN_CLEAR_REFS_ALL), -EINVAL);
	assert_int_equal(mmun_clear_refs(w.mm, (enum mmun_clear_refs)7), -EINVAL);
	cpu_put(&w, BASE, 1);
	cpu_get(&w, BASE + PAGE);
	cpu_put(&w, FAR, 2);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_ALL), 0);
	assert_false(pte_young(mm_translate(w.mm, BASE)));
	assert_false(pte_young(mm_translate(w.mm, FAR)));
	assert_true(has(w.mm, BASE, PTE_P | PTE_RW | PTE_D | PTE_EXCL | PTE_SOFT_DIRTY));
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_true(pte_young(mm_translate(w.mm, BASE)));

	assert_int_equal(pagemap(w.mm, BASE), WRITTEN);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), MMUN_PAGE_PRESENT);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	assert_int_equal(pagemap(w.mm, BASE), CLEAN);
	assert_int_equal(pagemap(w.mm, FAR), CLEAN);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(pagemap(w.mm, BASE), CLEAN);
	assert_true(pte_dirty(mm_translate(w.mm, BASE)));

	/* Rights that are taken and given back are no write, and hide none. */
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RO), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RW), 0);
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_int_equal(pagemap(w.mm, BASE), CLEAN);
	assert_int_equal(mmun_ats_store(w.ats, BASE, 3), 0);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN);

	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	cpu_put(&w, BASE, 4);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN);
	assert_int_equal(pagemap(child, BASE), CLEAN); /* mapped once again, so exclusive */
	assert_int_equal(pagemap(child, FAR), MMUN_PAGE_PRESENT);
	assert_int_equal(mmun_mm_destroy(child), 0);
	audit_mm(w.mm);
	teardown(&w);
}

/* Each way of writing is seen: zero page, new page, pin, private copy of an object's. */
static void test_soft_dirty_everywhere(void **state)
{
	struct mmun_object *o;
	struct mmun_pin *pin;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_object_create(w.machine, PAGE, &o), 0);
	map(w.mm, BASE, 3, RW);
	map_object(w.mm, FAR, 1, MMUN_MAP_SHARED, o, 0);
	map_object(w.mm, FAR + 8 * PAGE, 1, MMUN_MAP_PRIVATE, o, 0);
	cpu_get(&w, BASE);
	cpu_put(&w, BASE + 2 * PAGE, 1);
	cpu_put(&w, FAR, 1);
	cpu_get(&w, FAR + 8 * PAGE);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	for (uint64_t i = 0; i < 3; i++)
		assert_false(pagemap(w.mm, BASE + i * PAGE) & MMUN_PAGE_SOFT_DIRTY);
	assert_int_equal(pagemap(w.mm, FAR), MMUN_PAGE_PRESENT);
	assert_int_equal(pagemap(w.mm, FAR + 8 * PAGE), MMUN_PAGE_PRESENT);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 1);
	assert_int_equal(mmun_pin(w.mm, BASE + 2 * PAGE, true, &pin), 0);
	mmun_unpin(pin);
	cpu_put(&w, FAR, 2);
	cpu_put(&w, FAR + 8 * PAGE, 3);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(pagemap(w.mm, BASE + i * PAGE), WRITTEN);
	assert_int_equal(pagemap(w.mm, FAR), WRITTEN);
	assert_int_equal(pagemap(w.mm, FAR + 8 * PAGE), WRITTEN);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_pagemap(void **state)
{
	struct world w;
	unsigned bits = 77;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	assert_int_equal(mmun_pagemap(NULL, BASE, &bits), -EINVAL);
	assert_int_equal(mmun_pagemap(w.mm, BASE, NULL), -EINVAL);
	assert_int_equal(mmun_pagemap(w.mm, TASK_BYTES, &bits), -EFAULT);
	assert_int_equal(mmun_pagemap(w.mm, BASE + 2 * PAGE, &bits), -EFAULT);
	assert_int_equal(bits, 77);
	assert_int_equal(pagemap(w.mm, BASE), 0); /* no table */
	cpu_put(&w, BASE, 1);
	assert_int_equal(pagemap(w.mm, BASE + 8), WRITTEN);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), 0);
	teardown(&w);
}

/* --- NUMA hints ---------------------------------------------------------- */

static void test_numa(void **state)
{
	struct mmun_mm *child;
	struct mmun_pin *pin;
	struct world w;
	uint64_t v;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 3, RW);
	map(w.mm, BASE + 3 * PAGE, 1, RW);
	assert_int_equal(mmun_numa_hint(NULL, BASE, PAGE), -EINVAL);
	assert_int_equal(mmun_numa_hint(w.mm, BASE + 8, PAGE), -EINVAL);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, 8), -EINVAL);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, 0), -EINVAL);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, 5 * PAGE), -ENOMEM);
	for (uint64_t i = 0; i < 4; i++)
		cpu_put(&w, BASE + i * PAGE, i + 1);
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_int_equal(mmun_mprotect(w.mm, BASE + 3 * PAGE, PAGE, NONE), 0);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, 4 * PAGE), 0);
	for (uint64_t i = 0; i < 4; i++)
		assert_false(pte_present(mm_translate(w.mm, BASE + i * PAGE)));
	assert_int_equal(mmun_cpu_load(w.cpu, BASE + 3 * PAGE, &v), -EFAULT);
	assert_int_equal(mmun_pin(w.mm, BASE + 3 * PAGE, false, &pin), -EFAULT);
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_true(has(w.mm, BASE, PTE_P | PTE_RW | PTE_D | PTE_EXCL | PTE_SOFT_DIRTY));
	assert_int_equal(mmun_pin(w.mm, BASE + PAGE, true, &pin), 0);
	mmun_unpin(pin);
	assert_true(has(w.mm, BASE + PAGE, PTE_P | PTE_RW));

	/* A hint under mprotect: the rights are the area's. */
	assert_int_equal(mmun_numa_hint(w.mm, BASE, 3 * PAGE), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RO), 0);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE, 9), -EFAULT);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 3 * PAGE, NONE), 0);
	assert_gone(&w, BASE);
	assert_gone(&w, BASE + PAGE);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 3 * PAGE, RW), 0);
	cpu_put(&w, BASE + PAGE, 7);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 3);

	/* And under fork and clear_refs. */
	assert_int_equal(mmun_numa_hint(w.mm, BASE, 3 * PAGE), 0);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_ALL), 0);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(peek(child, BASE + PAGE), 7);
	assert_int_equal(pagemap(w.mm, BASE), MMUN_PAGE_PRESENT);
	cpu_put(&w, BASE + PAGE, 8);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), WRITTEN);
	assert_int_equal(peek(child, BASE + PAGE), 7);
	assert_int_equal(mmun_mm_destroy(child), 0);
	audit_mm(w.mm);
	teardown(&w);
}

/* --- huge and swapped pages ---------------------------------------------- */

static void huge_world(struct world *w)
{
	setup(w, MMUN_MODERN);
	map(w->mm, BASE, HUGE_BYTES / PAGE, RW);
	assert_int_equal(mmun_madvise(w->mm, BASE, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(w, BASE, 1);
	cpu_put(w, BASE + PAGE, 2);
	assert_int_equal(mmun_ats_store(w->ats, BASE + 2 * PAGE, 3), 0);
	assert_int_equal(pagemap(w->mm, BASE), WRITTEN | MMUN_PAGE_HUGE);
}

static void test_huge_bits(void **state)
{
	struct world w;

	(void)state;
	huge_world(&w);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_ALL), 0);
	assert_false(pte_young(mm_translate(w.mm, BASE)));
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), CLEAN | MMUN_PAGE_HUGE);
	assert_int_equal(mmun_ats_store(w.ats, BASE + 2 * PAGE, 4), 0);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN | MMUN_PAGE_HUGE);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, HUGE_BYTES), 0);
	assert_false(pte_present(mm_translate(w.mm, BASE)));
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN | MMUN_PAGE_HUGE);

	/* All of it, then part of it. */
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, HUGE_BYTES, true), 0);
	assert_int_equal(pagemap(w.mm, BASE), WRITTEN | MMUN_PAGE_HUGE | MMUN_PAGE_WP);
	cpu_put(&w, BASE + PAGE, 5);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), WRITTEN);
	assert_true(pagemap(w.mm, BASE + 3 * PAGE) & MMUN_PAGE_WP);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, HUGE_BYTES, false), 0);
	assert_true(pte_write(mm_translate(w.mm, BASE + 3 * PAGE)));
	assert_int_equal(ats_get(&w, BASE + 2 * PAGE), 4);
	audit_mm(w.mm);
	teardown(&w);
}

static void test_huge_parts(void **state)
{
	struct world w;

	(void)state;
	huge_world(&w);
	map(w.mm, FAR, 4, RW);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, PAGE), 0);
	assert_false(pagemap(w.mm, BASE) & MMUN_PAGE_HUGE);
	assert_false(pte_present(mm_translate(w.mm, BASE)));
	assert_true(pte_present(mm_translate(w.mm, BASE + PAGE)));
	assert_int_equal(mmun_munmap(w.mm, BASE, HUGE_BYTES), 0);

	map(w.mm, BASE, HUGE_BYTES / PAGE, RW);
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(&w, BASE + PAGE, 6);
	assert_int_equal(move(w.mm, FAR, BASE + PAGE, 2, 2), 0);
	assert_int_equal(cpu_get(&w, FAR), 6);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 0);
	assert_int_equal(maps(w.mm, FAR), HUGE_BYTES / PAGE);
	assert_int_equal(move(w.mm, BASE, FAR, 1, 0), -EEXIST);
	audit_mm(w.mm);
	assert_int_equal(mmun_split_huge_page(w.mm, FAR), 0);
	assert_int_equal(cpu_get(&w, FAR), 6);
	audit_mm(w.mm);
	teardown(&w);
}

static void test_swapped(void **state)
{
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	map(w.mm, FAR, 4, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	assert_int_equal(mmun_madvise(w.mm, BASE, 2 * PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(pagemap(w.mm, BASE), MMUN_PAGE_SWAPPED | MMUN_PAGE_SOFT_DIRTY);
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, true), 0);
	assert_int_equal(pagemap(w.mm, BASE), MMUN_PAGE_SWAPPED | MMUN_PAGE_WP);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), MMUN_PAGE_SWAPPED);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(pagemap(w.mm, BASE), CLEAN | MMUN_PAGE_WP);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, 2 * PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), CLEAN);
	cpu_put(&w, BASE + PAGE, 3);
	assert_int_equal(pagemap(w.mm, BASE + PAGE), WRITTEN);

	assert_int_equal(mmun_madvise(w.mm, BASE, 2 * PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(move(w.mm, FAR, BASE, 2, 2), 0);
	assert_int_equal(pagemap(w.mm, FAR), MMUN_PAGE_SWAPPED | MMUN_PAGE_SOFT_DIRTY);
	assert_int_equal(cpu_get(&w, FAR), 1);
	assert_int_equal(ats_get(&w, FAR + PAGE), 3);
	assert_int_equal(cpu_get(&w, BASE), 0);
	audit_mm(w.mm);
	assert_int_equal(mmun_madvise(w.mm, FAR, PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(move(w.mm, BASE + 2 * PAGE, FAR, 1, 0), -EBUSY); /* shared */
	assert_int_equal(peek(child, FAR), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

/* Rights are taken from a page while it is on the move: it comes back without. */
static void test_moving_entry(void **state)
{
	const struct protect none = { .op = MM_OP_MPROTECT, .event = MMU_NOTIFY_PROTECTION_VMA,
				      .access = PROTECT_NONE, .clear = PTE_RW };
	const struct protect allow = { .op = MM_OP_MPROTECT, .event = MMU_NOTIFY_PROTECTION_VMA,
				       .access = PROTECT_ALLOW };
	struct world w;
	struct ptep p;
	pte_t e;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 1, RW);
	cpu_put(&w, BASE, 1);
	p = pgtable_walk(&w.mm->pt, BASE);
	e = pte_get(p.entry);
	set_pte(p.entry, BASE, make_migration_entry(e));
	flush_tlb_range(w.mm, flush_page(BASE));
	assert_int_equal(pagemap(w.mm, BASE) & MMUN_PAGE_SWAPPED, MMUN_PAGE_SWAPPED);
	down_read(&w.mm->mmap_lock);
	(void)protect_range(w.mm, &none, BASE, BASE + PAGE);
	assert_true(softleaf_is_migration(pte_get(p.entry)) && !pte_mapped(pte_get(p.entry)));
	assert_false(pte_present(pte_of_migration(pte_get(p.entry), pte_pfn(e))));
	assert_true(pte_mapped(pte_of_migration(pte_get(p.entry), pte_pfn(e))));
	(void)protect_range(w.mm, &allow, BASE, BASE + PAGE);
	up_read(&w.mm->mmap_lock);
	e = pte_of_migration(pte_get(p.entry), pte_pfn(e));
	assert_true(pte_present(e) && !pte_write(e) && pte_exclusive(e));
	set_pte(p.entry, BASE, e);
	cpu_put(&w, BASE, 2);
	audit_mm(w.mm);
	teardown(&w);
}

/* --- orders -------------------------------------------------------------- */

static void run_orders(enum mmun_semantics semantics, const char *const *want)
{
	struct recorder r;
	struct world w;

	setup(&w, semantics);
	map(w.mm, BASE, 4, RW);
	map(w.mm, FAR, 1, RW);
	recorder_begin(&r, w.mm, BASE);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, true), 0);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, PAGE), 0);
	expect(&r, ""); /* no table there */
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 1);
	expect(&r, "");
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, true), 0);
	expect(&r, *want++);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, false), 0);
	expect(&r, *want++);
	assert_int_equal(mmun_numa_hint(w.mm, BASE, PAGE), 0);
	expect(&r, *want++);
	cpu_get(&w, BASE);
	expect(&r, "");
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_ALL), 0);
	expect(&r, "");
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	expect(&r, *want++);
	cpu_put(&w, BASE, 1);
	expect(&r, "");
	assert_int_equal(move(w.mm, FAR, BASE, 1, 1), 0);
	expect(&r, *want++);
	recorder_end_all(&r);
	teardown(&w);
}

/* As a kernel was seen to do it, but that mmun flushes the range and not all. */
static void test_order_modern(void **state)
{
	static const char *const want[] = {
		"S:vma[0,1)rw E[0,1)ro flush[0,1)ro",
		"S:vma[0,1)ro E[0,1)rw flush[0,1)rw",
		"S:vma[0,1)rw E[0,1)prot flush[0,1)prot",
		"S:soft-dirty[all)rw E[all)ro flush[all)ro",
		"S:clear[0,1)rw flush[0,1)none E[0,1)none",
	};

	(void)state;
	run_orders(MMUN_MODERN, want);
}

static void test_order_classic(void **state)
{
	static const char *const want[] = {
		"S:vma[0,1)rw flush[0,1)ro E[0,1)ro flush[0,1)ro",
		"S:vma[0,1)ro flush[0,1)ro E[0,1)ro", /* the next write faults */
		"S:vma[0,1)ro flush[0,1)prot E[0,1)prot flush[0,1)prot",
		"S:soft-dirty[all)ro flush[all)ro E[all)ro",
		"S:clear[0,1)rw flush[0,1)none flush[0,1)none E[0,1)none",
	};

	(void)state;
	run_orders(MMUN_CLASSIC, want);
}

/* --- no memory ------------------------------------------------------------ */

static int everything(struct world *w)
{
	struct mmun_machine_opts opts = { .frames = 64 };
	uint64_t at, moved = 0;
	int err;

#define TRY(call) do { err = (call); if (err) goto out; } while (0)
	memset(w, 0, sizeof(*w));
	TRY(mmun_machine_create(&opts, &w->machine));
	TRY(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	TRY(mmun_mmap(w->mm, BASE, 2 * PAGE, RW, ANON | MMUN_MAP_FIXED, &at));
	TRY(mmun_mmap(w->mm, FAR, 2 * PAGE, RW, ANON | MMUN_MAP_FIXED, &at));
	TRY(mmun_mm_fault(w->mm, BASE, true));
	TRY(mmun_uffd_writeprotect(w->mm, BASE, PAGE, true));
	TRY(mmun_clear_refs(w->mm, MMUN_CLEAR_REFS_SOFT_DIRTY));
	TRY(mmun_numa_hint(w->mm, BASE, PAGE));
	TRY(mmun_uffd_move(w->mm, FAR, BASE, PAGE, &moved));
	assert_int_equal(moved, PAGE);
#undef TRY
out:
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	if (w->machine)
		assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	return err;
}

static void test_no_memory(void **state)
{
	(void)state;
	fail_each(everything, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wp_errors),
		cmocka_unit_test(test_wp),
		cmocka_unit_test(test_move_errors),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_clear_refs),
		cmocka_unit_test(test_soft_dirty_everywhere),
		cmocka_unit_test(test_pagemap),
		cmocka_unit_test(test_numa),
		cmocka_unit_test(test_huge_bits),
		cmocka_unit_test(test_huge_parts),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_moving_entry),
		cmocka_unit_test(test_order_modern),
		cmocka_unit_test(test_order_classic),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
