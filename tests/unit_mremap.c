/* SPDX-License-Identifier: MIT */
/*
 * unit_mremap.c - areas that shrink, grow and move, in one thread: contents, errors,
 * references and rings, tables that move whole, the order in which notifiers are called,
 * and every allocation made to fail, which changes nothing.
 */
#include <errno.h>

#include "unit_world.h"

#define HUGE HUGE_BYTES
#define FAR (BASE + ((uint64_t)1 << 32)) /* not in a table of level 1 with BASE */

enum { MAYMOVE = MMUN_MREMAP_MAYMOVE, FIXED = MAYMOVE | MMUN_MREMAP_FIXED,
       DONTUNMAP = MAYMOVE | MMUN_MREMAP_DONTUNMAP };

static uint64_t move(struct world *w, uint64_t from, uint64_t len, uint64_t to, int flags)
{
	uint64_t at = 0;

	assert_int_equal(mmun_mremap(w->mm, from, len, len, flags, to, &at), 0);
	return at;
}

static void put_each(struct world *w, uint64_t addr, uint64_t pages, uint64_t first)
{
	for (uint64_t i = 0; i < pages; i++)
		cpu_put(w, addr + i * PAGE, first + i);
}

/* The processor and the device both see it, each page mapped once. */
static void assert_each(struct world *w, uint64_t addr, uint64_t pages, uint64_t first)
{
	for (uint64_t i = 0; i < pages; i++) {
		assert_int_equal(cpu_get(w, addr + i * PAGE), first + i);
		assert_int_equal(ats_get(w, addr + i * PAGE), first + i);
		assert_int_equal(maps(w->mm, addr + i * PAGE), 1);
		assert_int_equal(refs(w->mm, addr + i * PAGE), 1);
	}
}

static void test_arguments(void **state)
{
	struct world w;
	uint64_t at = 77;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	map(w.mm, BASE + 4 * PAGE, 1, RO);
	assert_int_equal(mmun_mremap(NULL, BASE, PAGE, PAGE, MAYMOVE, 0, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, PAGE, MAYMOVE, 0, NULL), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE + 1, PAGE, PAGE, MAYMOVE, 0, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, 0, PAGE, MAYMOVE, 0, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, 0, MAYMOVE, 0, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, PAGE, 8, 0, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, PAGE, MMUN_MREMAP_FIXED, FAR, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, PAGE, MMUN_MREMAP_DONTUNMAP, 0, &at),
			 -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, 2 * PAGE, DONTUNMAP, 0, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, PAGE, FIXED, FAR + 1, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, PAGE, FIXED, BASE, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE + PAGE, PAGE, 2 * PAGE, FIXED, BASE, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, PAGE, FIXED, TASK_BYTES, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, TASK_BYTES, FIXED, FAR, &at), -EINVAL);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, TASK_BYTES, MAYMOVE, 0, &at), -ENOMEM);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, UINT64_MAX, MAYMOVE, 0, &at), -ENOMEM);
	assert_int_equal(mmun_mremap(w.mm, BASE, 5 * PAGE, PAGE, MAYMOVE, 0, &at), -EFAULT);
	assert_int_equal(mmun_mremap(w.mm, BASE, UINT64_MAX, PAGE, MAYMOVE, 0, &at), -EFAULT);
	assert_int_equal(mmun_mremap(w.mm, BASE - PAGE, PAGE, PAGE, MAYMOVE, 0, &at), -EFAULT);
	assert_int_equal(mmun_mremap(w.mm, TASK_BYTES, PAGE, PAGE, MAYMOVE, 0, &at), -EFAULT);
	assert_int_equal(mmun_mremap(w.mm, BASE, PAGE, 2 * PAGE, 0, 0, &at), -ENOMEM); /* no room */
	assert_int_equal(at, 77);
	assert_int_equal(vma_find(w.mm, BASE)->end, BASE + 4 * PAGE);
	teardown(&w);
}

static void test_in_place(void **state)
{
	struct world w;
	uint64_t at;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	put_each(&w, BASE, 4, 1);
	assert_each(&w, BASE, 4, 1);
	assert_int_equal(mmun_mremap(w.mm, BASE, 4 * PAGE, 4 * PAGE, 0, 0, &at), 0);
	assert_int_equal(at, BASE);
	assert_int_equal(mmun_mremap(w.mm, BASE, 4 * PAGE, PAGE + 1, 0, 0, &at), 0); /* shrinks */
	assert_int_equal(at, BASE);
	assert_gone(&w, BASE + 2 * PAGE);
	assert_gone(&w, BASE + 3 * PAGE);
	assert_each(&w, BASE, 2, 1);
	assert_int_equal(mmun_mremap(w.mm, BASE + PAGE, PAGE, 3 * PAGE, 0, 0, &at), 0); /* grows */
	assert_int_equal(at, BASE + PAGE);
	assert_int_equal(vma_find(w.mm, BASE)->end, BASE + 4 * PAGE);
	assert_int_equal(cpu_get(&w, BASE + 3 * PAGE), 0);
	put_each(&w, BASE + 2 * PAGE, 2, 3);
	assert_each(&w, BASE, 4, 1);

	map(w.mm, BASE + 6 * PAGE, 1, RO);
	assert_int_equal(mmun_mremap(w.mm, BASE, 4 * PAGE, 7 * PAGE, 0, 0, &at), -ENOMEM);
	assert_int_equal(mmun_mremap(w.mm, BASE, 2 * PAGE, 3 * PAGE, 0, 0, &at), -ENOMEM);
	assert_int_equal(mmun_mremap(w.mm, BASE, 4 * PAGE, 7 * PAGE, MAYMOVE, 0, &at), 0);
	assert_gone(&w, BASE);
	assert_each(&w, at, 4, 1);
	assert_int_equal(cpu_get(&w, at + 6 * PAGE), 0);
	assert_int_equal(vma_find(w.mm, at)->end, at + 7 * PAGE);
	teardown(&w);
}

static void test_move(void **state)
{
	struct world w;
	uint64_t used, at;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	used = machine_frames_used(w.machine);
	map(w.mm, BASE, 5, RW);
	put_each(&w, BASE, 5, 1);
	assert_each(&w, BASE, 5, 1);
	map(w.mm, FAR, 8, RW);
	put_each(&w, FAR, 8, 11);
	assert_each(&w, FAR, 8, 11);
	assert_int_equal(move(&w, BASE + PAGE, 3 * PAGE, FAR + 2 * PAGE, FIXED), FAR + 2 * PAGE);
	for (uint64_t i = 1; i < 4; i++)
		assert_gone(&w, BASE + i * PAGE);
	assert_each(&w, FAR + 2 * PAGE, 3, 2);
	assert_each(&w, FAR, 2, 11);
	assert_each(&w, FAR + 5 * PAGE, 3, 16);
	assert_int_equal(vma_find(w.mm, FAR)->end, FAR + 8 * PAGE); /* one area again */
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(cpu_get(&w, BASE + 4 * PAGE), 5);

	/* Within one area and one table, and shrinking on the way. */
	assert_int_equal(mmun_mremap(w.mm, FAR, 4 * PAGE, 2 * PAGE, FIXED, FAR + 6 * PAGE, &at), 0);
	assert_each(&w, FAR + 6 * PAGE, 2, 11);
	for (uint64_t i = 0; i < 4; i++)
		assert_gone(&w, FAR + i * PAGE);
	assert_each(&w, FAR + 4 * PAGE, 1, 4);
	assert_int_equal(mmun_munmap(w.mm, 0, TASK_BYTES), 0);
	assert_int_equal(machine_frames_used(w.machine), used);
	teardown(&w);
}

/* The zero page, PROT_NONE, dirty and exclusive bits, pages shared with a child. */
static void test_entries(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 3, RW);
	assert_int_equal(cpu_get(&w, BASE), 0);
	put_each(&w, BASE + PAGE, 2, 5);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	cpu_put(&w, BASE + PAGE, 6);
	frame = frame_at(w.mm, BASE + 2 * PAGE);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 3 * PAGE, NONE), 0);
	move(&w, BASE, 3 * PAGE, FAR, FIXED);
	assert_gone(&w, FAR + PAGE);
	assert_int_equal(mmun_mprotect(w.mm, FAR, 3 * PAGE, RW), 0);
	assert_int_equal(frame_at(w.mm, FAR), w.machine->zero.v);
	assert_true(pte_exclusive(mm_translate(w.mm, FAR + PAGE)));
	assert_true(pte_dirty(mm_translate(w.mm, FAR + PAGE)));
	assert_int_equal(ats_get(&w, FAR + PAGE), 6);
	assert_int_equal(frame_at(w.mm, FAR + 2 * PAGE), frame);
	assert_int_equal(maps(w.mm, FAR + 2 * PAGE), 2);
	cpu_put(&w, FAR + 2 * PAGE, 9); /* copied */
	assert_int_equal(peek(child, BASE + 2 * PAGE), 6);
	assert_int_equal(peek(child, BASE + PAGE), 5);
	assert_int_equal(mmun_mm_destroy(child), 0);

	assert_int_equal(mmun_madvise(w.mm, FAR, 3 * PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(move(&w, FAR, 3 * PAGE, BASE, FIXED), BASE); /* swapped out or not */
	assert_int_equal(ats_get(&w, BASE + PAGE), 6);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 9);
	teardown(&w);
}

static void test_dontunmap(void **state)
{
	struct world w;
	uint64_t at;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	put_each(&w, BASE, 4, 1);
	assert_each(&w, BASE, 4, 1);
	assert_int_equal(move(&w, BASE + PAGE, 2 * PAGE, FAR, DONTUNMAP), FAR); /* a hint */
	assert_each(&w, FAR, 2, 2);
	assert_int_equal(vma_find(w.mm, BASE)->end, BASE + 4 * PAGE);
	assert_int_equal(ats_get(&w, BASE + PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 3 * PAGE), 4);
	at = move(&w, FAR, 2 * PAGE, BASE + 3 * PAGE, DONTUNMAP);
	assert_true(at != BASE + 3 * PAGE); /* where there is something already */
	assert_each(&w, at, 2, 2);
	move(&w, at, 2 * PAGE, BASE, DONTUNMAP | MMUN_MREMAP_FIXED);
	assert_each(&w, BASE, 2, 2);
	assert_int_equal(cpu_get(&w, at), 0);
	teardown(&w);
}

/* The offset goes along; the object's truncation finds the new place. */
static void test_objects(void **state)
{
	enum { SHARED = MMUN_MAP_SHARED, PRIVATE = MMUN_MAP_PRIVATE };
	struct mmun_object *o;
	struct world w;
	uint64_t at;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_object_create(w.machine, 6 * PAGE, &o), 0);
	map_object(w.mm, BASE, 5, SHARED, o, PAGE);
	put_each(&w, BASE, 5, 1);
	assert_int_equal(ats_get(&w, BASE + 2 * PAGE), 3);
	move(&w, BASE + PAGE, 3 * PAGE, FAR, FIXED);
	assert_int_equal(ats_get(&w, FAR + PAGE), 3);
	assert_int_equal(maps(w.mm, FAR + PAGE), 1);
	assert_int_equal(refs(w.mm, FAR + PAGE), 2);
	assert_int_equal(mmun_madvise(w.mm, FAR, 3 * PAGE, MMUN_MADV_DONTNEED), 0);
	assert_int_equal(cpu_get(&w, FAR + 2 * PAGE), 4);
	assert_int_equal(mmun_mremap(w.mm, FAR, 3 * PAGE, 5 * PAGE, 0, 0, &at), 0);
	assert_int_equal(cpu_get(&w, FAR + 3 * PAGE), 5);
	assert_gone(&w, FAR + 4 * PAGE); /* past the end of the object */

	map_object(w.mm, BASE, 5, PRIVATE, o, PAGE);
	cpu_put(&w, BASE + 2 * PAGE, 7);
	assert_int_equal(ats_get(&w, BASE + PAGE), 2);
	move(&w, BASE, 5 * PAGE, FAR + HUGE, FIXED);
	assert_int_equal(ats_get(&w, FAR + HUGE + 2 * PAGE), 7);
	assert_int_equal(ats_get(&w, FAR + HUGE + PAGE), 2);
	assert_int_equal(mmun_object_truncate(o, 3 * PAGE), 0);
	assert_gone(&w, FAR + PAGE);
	assert_gone(&w, FAR + HUGE + 2 * PAGE);
	assert_int_equal(ats_get(&w, FAR + HUGE + PAGE), 2);
	assert_int_equal(mmun_mremap(w.mm, FAR, PAGE, (uint64_t)UINT32_MAX << SYNC_PAGE_SHIFT,
				     MAYMOVE, 0, &at), -EINVAL);
	mmun_object_destroy(o);
	teardown(&w);
}

/* What fills a table moves with it; rings, truncation and cleaning find the pages there. */
static void test_tables(void **state)
{
	struct mmun_machine_opts opts = { .frames = 3000 };
	uint64_t from = BASE - 2 * PAGE, to = FAR - 2 * PAGE, dirty;
	enum { PAGES = TABLE_ENTRIES + 4 };
	struct mmun_object *o;
	struct world w;
	pfn_t table;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	map(w.mm, from, PAGES, RW);
	put_each(&w, from, PAGES, 1);
	assert_each(&w, from, PAGES, 1);
	table = pgtable_walk(&w.mm->pt, BASE).table;
	move(&w, from, PAGES * PAGE, to, FIXED);
	assert_int_equal(pgtable_walk(&w.mm->pt, FAR).table.v, table.v);
	assert_each(&w, to, PAGES, 1);
	for (uint64_t i = 0; i < PAGES; i++)
		assert_gone(&w, from + i * PAGE);

	/* To where it does not fit, and on top of small pages, it goes entry by entry. */
	move(&w, to, PAGES * PAGE, from - PAGE, FIXED);
	assert_int_not_equal(pgtable_walk(&w.mm->pt, BASE).table.v, table.v);
	assert_each(&w, from - PAGE, PAGES, 1);
	map(w.mm, FAR, TABLE_ENTRIES, RW);
	put_each(&w, FAR, 5, 77);
	assert_int_equal(ats_get(&w, FAR + 4 * PAGE), 81);
	move(&w, from - PAGE, PAGES * PAGE, to, FIXED);
	assert_each(&w, to, PAGES, 1);
	assert_int_equal(mmun_munmap(w.mm, 0, TASK_BYTES), 0);

	assert_int_equal(mmun_object_create(w.machine, HUGE, &o), 0);
	map_object(w.mm, BASE, TABLE_ENTRIES, MMUN_MAP_SHARED, o, 0);
	put_each(&w, BASE, 5, 1);
	table = pgtable_walk(&w.mm->pt, BASE).table;
	move(&w, BASE, HUGE, FAR, FIXED);
	assert_int_equal(pgtable_walk(&w.mm->pt, FAR).table.v, table.v);
	assert_int_equal(ats_get(&w, FAR + 3 * PAGE), 4);
	assert_int_equal(mmun_object_clean(o, 0, HUGE, &dirty), 0);
	assert_int_equal(dirty, 5);
	assert_false(pte_write(mm_translate(w.mm, FAR + 3 * PAGE)));
	move(&w, FAR, HUGE, BASE, FIXED);
	put_each(&w, BASE, 3, 1);
	assert_int_equal(mmun_object_clean(o, 0, HUGE, &dirty), 0);
	assert_int_equal(dirty, 3);
	assert_int_equal(mmun_object_truncate(o, 2 * PAGE), 0);
	assert_gone(&w, BASE + 3 * PAGE);
	assert_int_equal(ats_get(&w, BASE + PAGE), 2);
	mmun_object_destroy(o);
	teardown(&w);
}

static void map_huge(struct world *w, uint64_t addr)
{
	map(w->mm, addr, TABLE_ENTRIES, RW);
	assert_int_equal(mmun_madvise(w->mm, addr, HUGE, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(w, addr, 1);
	cpu_put(w, addr + 5 * PAGE, 6);
	assert_true(pgtable_walk(&w->mm->pt, addr).level);
	assert_int_equal(ats_get(w, addr + 5 * PAGE), 6);
}

static void test_huge(void **state)
{
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map_huge(&w, BASE);
	map_huge(&w, FAR);
	move(&w, BASE, HUGE, FAR, FIXED); /* on top of another one */
	assert_true(pgtable_walk(&w.mm->pt, FAR).level);
	assert_int_equal(maps(w.mm, FAR), 1);
	assert_int_equal(refs(w.mm, FAR), 1);
	assert_gone(&w, BASE + 5 * PAGE);
	assert_int_equal(ats_get(&w, FAR + 5 * PAGE), 6);
	assert_int_equal(cpu_get(&w, FAR), 1);

	map_huge(&w, BASE);
	move(&w, FAR, HUGE, BASE + PAGE, FIXED); /* to where it does not fit */
	assert_false(pgtable_walk(&w.mm->pt, BASE).level);
	assert_int_equal(ats_get(&w, BASE + 6 * PAGE), 6);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_gone(&w, FAR + 5 * PAGE);

	map_huge(&w, FAR); /* a part of it */
	move(&w, FAR + 5 * PAGE, PAGE, BASE + HUGE + 9 * PAGE, FIXED);
	assert_int_equal(ats_get(&w, BASE + HUGE + 9 * PAGE), 6);
	assert_gone(&w, FAR + 5 * PAGE);
	assert_int_equal(cpu_get(&w, FAR), 1);
	teardown(&w);
}

/* --- the order of steps --------------------------------------------------- */

static void run_orders(enum mmun_semantics semantics, const char *const *want)
{
	struct recorder r;
	struct world w;

	setup(&w, semantics);
	map(w.mm, BASE, 16, RW);
	put_each(&w, BASE, 16, 1);
	recorder_begin(&r, w.mm, BASE + PAGE);
	move(&w, BASE + PAGE, PAGE, BASE + 32 * PAGE, FIXED);
	expect(&r, *want++);
	r.watch = BASE + 32 * PAGE;
	move(&w, BASE + 2 * PAGE, PAGE, BASE + 32 * PAGE, FIXED); /* on top of it */
	expect(&r, *want++);
	r.watch = BASE + 3 * PAGE;
	move(&w, BASE + 3 * PAGE, PAGE, BASE + 40 * PAGE, DONTUNMAP);
	expect(&r, *want++);
	recorder_end_all(&r);
	teardown(&w);
}

static void test_order(void **state)
{
	static const char *const modern[] = {
		"S:unmap[1,2)rw flush[1,2)none E[1,2)none S:unmap[1,2)none E[1,2)none",
		("S:unmap[32,33)rw E[32,33)none flush[32,33)none S:unmap[2,3)none flush[2,3)none "
		"E[2,3)rw S:unmap[2,3)rw E[2,3)rw"),
		"S:unmap[3,4)rw flush[3,4)none E[3,4)none",
	};
	static const char *const classic[] = {
		"S:unmap[1,2)rw flush[1,2)none E[1,2)none S:unmap[1,2)none flush[1,2)none E[1,2)none",
		("S:unmap[32,33)rw flush[32,33)none E[32,33)none flush[32,33)none S:unmap[2,3)none "
		"flush[2,3)rw E[2,3)rw S:unmap[2,3)rw flush[2,3)rw E[2,3)rw"),
		"S:unmap[3,4)rw flush[3,4)none E[3,4)none",
	};

	(void)state;
	run_orders(MMUN_MODERN, modern);
	run_orders(MMUN_CLASSIC, classic);
}

/* --- failing ------------------------------------------------------------- */

static uint32_t areas(const struct mmun_mm *mm)
{
	struct btree_iter it;
	uint32_t n = 0;

	for (void *v = btree_first(&mm->areas, &it, 0, TASK_BYTES); v; v = btree_next(&it))
		n++;
	return n;
}

/* What the call found is what it leaves behind if it fails: at both places. */
static void run_failures(uint64_t to, uint64_t pages, bool huge, uint64_t at_least)
{
	uint64_t n, at = 77;
	bool failed;

	for (n = 1, failed = true; failed; n++) {
		uint32_t used, count;
		struct world w;
		int err;

		setup(&w, MMUN_MODERN);
		if (huge)
			map_huge(&w, BASE);
		else
			map(w.mm, BASE, 2 * pages, RW);
		put_each(&w, BASE, 2 * pages, 1);
		map(w.mm, to + PAGE, 1, RO);
		assert_int_equal(cpu_get(&w, to + PAGE), 0);
		used = machine_frames_used(w.machine);
		count = areas(w.mm);
		sync_alloc_fail_at(n);
		err = mmun_mremap(w.mm, BASE + PAGE, pages * PAGE, (pages + 1) * PAGE, FIXED, to,
				  &at);
		failed = sync_alloc_fail_clear();
		assert_int_equal(err, failed ? -ENOMEM : 0);
		for (uint64_t i = 0; i < 2 * pages; i++) {
			bool moved = !failed && i > 0 && i <= pages;

			assert_int_equal(cpu_get(&w, moved ? to + (i - 1) * PAGE : BASE + i * PAGE),
					 i + 1);
		}
		if (failed) {
			assert_int_equal(at, 77);
			assert_int_equal(areas(w.mm), count);
			assert_int_equal(machine_frames_used(w.machine), used);
			assert_int_equal(vma_find(w.mm, to + PAGE)->prot, RO);
		}
		teardown(&w);
	}
	assert_true(n > at_least);
}

static void test_no_memory(void **state)
{
	(void)state;
	run_failures(FAR, 3, false, 4);
	run_failures(FAR + HUGE - 2 * PAGE, 5, false, 6); /* two tables */
	run_failures(FAR - 2 * PAGE, 5, false, 8);        /* of two tables of level 1 */
	run_failures(FAR, 3, true, 4);
}

static int remap_once(struct world *w)
{
	struct mmun_machine_opts opts = { .frames = 64 };
	uint64_t at;
	int err;

#define TRY(call) do { err = (call); if (err) goto out; } while (0)
	memset(w, 0, sizeof(*w));
	TRY(mmun_machine_create(&opts, &w->machine));
	TRY(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	TRY(mmun_mmap(w->mm, BASE, 6 * PAGE, RW, MMUN_MAP_SHARED | MMUN_MAP_ANONYMOUS, &at));
	TRY(mmun_mm_fault(w->mm, BASE, true));
	TRY(mmun_mm_fault(w->mm, BASE + 5 * PAGE, true));
	TRY(mmun_mremap(w->mm, BASE, 6 * PAGE, 8 * PAGE, 0, 0, &at));
	TRY(mmun_mremap(w->mm, BASE, 8 * PAGE, 7 * PAGE, 0, 0, &at));
	TRY(mmun_mremap(w->mm, BASE + PAGE, 5 * PAGE, 6 * PAGE, MAYMOVE, 0, &at));
	TRY(mmun_mremap(w->mm, at, PAGE, PAGE, DONTUNMAP, 0, &at));
out:
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	if (w->machine)
		assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	return err;
}

static void test_no_memory_each(void **state)
{
	(void)state;
	fail_each(remap_once, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_dontunmap),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_memory_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
