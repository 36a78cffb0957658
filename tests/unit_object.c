/* SPDX-License-Identifier: MIT */
/*
 * unit_object.c - memory that mappings share, and advice, in one thread: contents, errors,
 * references, the order in which notifiers are called, and every allocation made to fail.
 */
#include <errno.h>

#include "unit_world.h"

enum { SHARED = MMUN_MAP_SHARED, PRIVATE = MMUN_MAP_PRIVATE };

static struct mmun_object *object(struct world *w, uint64_t pages)
{
	struct mmun_object *o;

	assert_int_equal(mmun_object_create(w->machine, pages * PAGE, &o), 0);
	return o;
}

static uint64_t clean(struct mmun_object *o, uint64_t first, uint64_t pages)
{
	uint64_t dirty = 99;

	assert_int_equal(mmun_object_clean(o, first * PAGE, pages * PAGE, &dirty), 0);
	return dirty;
}

static void test_arguments(void **state)
{
	struct mmun_object *o;
	struct world w;
	uint64_t v;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_object_create(NULL, PAGE, &o), -EINVAL);
	assert_int_equal(mmun_object_create(w.machine, PAGE, NULL), -EINVAL);
	assert_int_equal(mmun_object_create(w.machine, UINT64_MAX, &o), -EINVAL);
	mmun_object_destroy(NULL);
	assert_int_equal(mmun_object_create(w.machine, PAGE + 1, &o), 0); /* two pages */
	assert_int_equal(mmun_object_truncate(NULL, 0), -EINVAL);
	assert_int_equal(mmun_object_truncate(o, UINT64_MAX), -EINVAL);
	assert_int_equal(mmun_object_punch(NULL, 0, PAGE), -EINVAL);
	assert_int_equal(mmun_object_punch(o, 0, 0), -EINVAL);
	assert_int_equal(mmun_object_punch(o, 8, PAGE), -EINVAL);
	assert_int_equal(mmun_object_punch(o, 0, 8), -EINVAL);
	assert_int_equal(mmun_object_punch(o, PAGE, -PAGE), -EINVAL);
	assert_int_equal(mmun_object_punch(o, 9 * PAGE, PAGE), 0); /* past the end: nothing */
	assert_int_equal(mmun_object_clean(NULL, 0, PAGE, &v), -EINVAL);
	assert_int_equal(mmun_object_clean(o, 0, PAGE, NULL), -EINVAL);
	assert_int_equal(mmun_object_clean(o, 8, PAGE, &v), -EINVAL);
	assert_int_equal(mmun_object_clean(o, 0, 0, &v), -EINVAL);
	assert_int_equal(mmun_mmap_object(w.mm, 0, PAGE, RW, SHARED, NULL, 0, &v), -EINVAL);
	assert_int_equal(mmun_mmap_object(w.mm, 0, PAGE, RW, SHARED, o, 8, &v), -EINVAL);
	assert_int_equal(mmun_mmap_object(w.mm, 0, PAGE, RW, SHARED, o, -PAGE, &v), -EOVERFLOW);

	map_object(w.mm, BASE, 3, SHARED, o, 0);
	cpu_put(&w, BASE + PAGE, 1);
	assert_gone(&w, BASE + 2 * PAGE); /* past the end */
	assert_int_equal(mmun_cpu_store(w.cpu, BASE + 2 * PAGE, 1), -EFAULT);
	mmun_object_destroy(o); /* the mapping keeps it */
	assert_int_equal(ats_get(&w, BASE + PAGE), 1);
	teardown(&w);

	setup(&w, MMUN_MODERN);
	o = object(&w, 0);
	mmun_cpu_destroy(w.cpu);
	w.cpu = NULL;
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	w.mm = NULL;
	mmun_ats_destroy(w.ats);
	w.ats = NULL;
	assert_int_equal(mmun_machine_destroy(w.machine), -EBUSY);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_sharing(void **state)
{
	struct mmun_mm *other, *child;
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	o = object(&w, 4);
	map_object(w.mm, BASE, 4, SHARED, o, 0);
	map_object(w.mm, BASE + 8 * PAGE, 2, SHARED, o, 2 * PAGE);
	assert_int_equal(mmun_mm_create(w.machine, MMUN_CLASSIC, &other), 0);
	map_object(other, 0, 1, SHARED, o, 3 * PAGE);

	assert_int_equal(cpu_get(&w, BASE + 3 * PAGE), 0);
	assert_false(pte_write(mm_translate(w.mm, BASE + 3 * PAGE))); /* so that writes show */
	cpu_put(&w, BASE + 3 * PAGE, 7);
	assert_true(pte_write(mm_translate(w.mm, BASE + 3 * PAGE)));
	assert_false(pte_exclusive(mm_translate(w.mm, BASE + 3 * PAGE)));
	assert_int_equal(ats_get(&w, BASE + 9 * PAGE), 7);
	assert_int_equal(peek(other, 0), 7);
	poke(other, 8, 8);
	assert_int_equal(cpu_get(&w, BASE + 9 * PAGE + 8), 8);
	assert_int_equal(maps(w.mm, BASE + 3 * PAGE), 3);
	assert_int_equal(refs(w.mm, BASE + 3 * PAGE), 4); /* and the cache's */

	assert_int_equal(mmun_fork(w.mm, &child), 0);
	poke(child, BASE + 3 * PAGE, 9); /* shared memory stays shared */
	assert_int_equal(cpu_get(&w, BASE + 9 * PAGE), 9);
	assert_int_equal(maps(w.mm, BASE + 3 * PAGE), 4);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(mmun_mm_destroy(other), 0);
	assert_int_equal(mmun_munmap(w.mm, BASE, 4 * PAGE), 0);
	assert_int_equal(refs(w.mm, BASE + 9 * PAGE), 2);
	assert_int_equal(mmun_munmap(w.mm, BASE, 10 * PAGE), 0);
	map_object(w.mm, BASE, 4, SHARED, o, 0); /* the object has kept it */
	assert_int_equal(ats_get(&w, BASE + 3 * PAGE), 9);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_anonymous_shared(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint64_t a;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_mmap(w.mm, 0, 2 * PAGE, RW, SHARED | MMUN_MAP_ANONYMOUS, &a), 0);
	cpu_put(&w, a, 1);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	poke(child, a, 2);
	poke(child, a + PAGE, 3);
	assert_int_equal(ats_get(&w, a), 2);
	assert_int_equal(ats_get(&w, a + PAGE), 3);
	assert_int_equal(mmun_mprotect(w.mm, a + PAGE, PAGE, RO), 0); /* splits the area */
	assert_int_equal(mmun_cpu_store(w.cpu, a + PAGE, 1), -EFAULT);
	poke(child, a + PAGE, 4);
	assert_int_equal(cpu_get(&w, a + PAGE), 4);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

static void test_private(void **state)
{
	struct mmun_mm *child;
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	o = object(&w, 4);
	map_object(w.mm, BASE, 4, SHARED, o, 0);
	map_object(w.mm, BASE + 8 * PAGE, 4, PRIVATE, o, 0);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 1);

	assert_int_equal(ats_get(&w, BASE + 8 * PAGE), 1); /* the object's page */
	assert_int_equal(frame_at(w.mm, BASE + 8 * PAGE), frame_at(w.mm, BASE));
	cpu_put(&w, BASE, 2);
	assert_int_equal(ats_get(&w, BASE + 8 * PAGE), 2);
	cpu_put(&w, BASE + 8 * PAGE, 3); /* copied */
	assert_int_equal(ats_get(&w, BASE), 2);
	assert_int_equal(ats_get(&w, BASE + 8 * PAGE), 3);
	assert_int_equal(refs(w.mm, BASE), 2);
	assert_true(pte_exclusive(mm_translate(w.mm, BASE + 8 * PAGE)));
	cpu_put(&w, BASE + 9 * PAGE, 4); /* copied at once */
	assert_int_equal(ats_get(&w, BASE + PAGE), 1);
	assert_int_equal(refs(w.mm, BASE + PAGE), 2);
	assert_int_equal(refs(w.mm, BASE + 9 * PAGE), 1);

	/* Whoever maps the object's page last may still not write it. */
	assert_int_equal(mmun_munmap(w.mm, BASE, 4 * PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 10 * PAGE), 0);
	cpu_put(&w, BASE + 10 * PAGE, 5);
	map_object(w.mm, BASE, 4, SHARED, o, 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);

	assert_int_equal(mmun_fork(w.mm, &child), 0);
	poke(child, BASE + 9 * PAGE, 6);
	assert_int_equal(cpu_get(&w, BASE + 9 * PAGE), 4);
	assert_int_equal(peek(child, BASE + 8 * PAGE), 3);
	assert_int_equal(mmun_mm_destroy(child), 0);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_truncate(void **state)
{
	struct mmun_object *o;
	struct mmun_mm *child;
	struct world w;
	uint64_t used;

	(void)state;
	setup(&w, MMUN_MODERN);
	used = machine_frames_used(w.machine);
	o = object(&w, 4);
	map_object(w.mm, BASE, 4, SHARED, o, 0);
	map_object(w.mm, BASE + 8 * PAGE, 3, PRIVATE, o, PAGE);
	for (uint64_t i = 0; i < 4; i++)
		cpu_put(&w, BASE + i * PAGE, i + 1);
	cpu_put(&w, BASE + 10 * PAGE, 9); /* a private copy of page 3 */
	assert_int_equal(ats_get(&w, BASE + 9 * PAGE), 3);
	assert_int_equal(ats_get(&w, BASE + 3 * PAGE), 4);
	assert_int_equal(mmun_fork(w.mm, &child), 0);

	assert_int_equal(mmun_object_truncate(o, 2 * PAGE), 0);
	for (uint64_t i = 2; i < 4; i++)
		assert_gone(&w, BASE + i * PAGE);
	assert_gone(&w, BASE + 9 * PAGE);
	assert_gone(&w, BASE + 10 * PAGE); /* the copy as well */
	assert_int_equal(mmun_mm_fault(child, BASE + 10 * PAGE, false), -EFAULT);
	assert_int_equal(ats_get(&w, BASE + PAGE), 2);
	assert_int_equal(ats_get(&w, BASE + 8 * PAGE), 2);

	assert_int_equal(mmun_object_truncate(o, 6 * PAGE), 0); /* longer than ever, all 0 */
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);
	assert_int_equal(ats_get(&w, BASE + 10 * PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(mmun_object_truncate(o, 0), 0);
	assert_gone(&w, BASE);
	mmun_object_destroy(o);
	assert_int_equal(mmun_munmap(w.mm, 0, TASK_BYTES), 0);
	assert_int_equal(machine_frames_used(w.machine), used);
	teardown(&w);
}

static void test_punch(void **state)
{
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	o = object(&w, 4);
	map_object(w.mm, BASE, 4, SHARED, o, 0);
	map_object(w.mm, BASE + 8 * PAGE, 4, PRIVATE, o, 0);
	for (uint64_t i = 0; i < 4; i++)
		cpu_put(&w, BASE + i * PAGE, i + 1);
	cpu_put(&w, BASE + 9 * PAGE, 9);
	assert_int_equal(ats_get(&w, BASE + 10 * PAGE), 3);
	assert_int_equal(ats_get(&w, BASE + 2 * PAGE), 3);
	assert_int_equal(mmun_object_punch(o, PAGE, 2 * PAGE), 0);
	assert_int_equal(ats_get(&w, BASE + PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);
	assert_int_equal(ats_get(&w, BASE + 10 * PAGE), 0);
	assert_int_equal(ats_get(&w, BASE + 9 * PAGE), 9); /* private copies stay */
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(cpu_get(&w, BASE + 3 * PAGE), 4);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_clean(void **state)
{
	struct mmun_mm *other;
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	o = object(&w, 4);
	map_object(w.mm, BASE, 4, SHARED, o, 0);
	assert_int_equal(mmun_mm_create(w.machine, MMUN_MODERN, &other), 0);
	map_object(other, BASE, 4, SHARED, o, 0);
	assert_int_equal(clean(o, 0, 4), 0);
	assert_int_equal(cpu_get(&w, BASE), 0);
	assert_int_equal(clean(o, 0, 9), 0); /* read only */
	cpu_put(&w, BASE, 1);
	poke(other, BASE, 2);
	poke(other, BASE + PAGE, 3);
	assert_int_equal(mmun_ats_store(w.ats, BASE + 2 * PAGE, 4), 0);
	assert_int_equal(clean(o, 1, 3), 2);
	assert_int_equal(clean(o, 0, 4), 1);
	assert_int_equal(clean(o, 0, 4), 0);
	assert_false(pte_write(mm_translate(w.mm, BASE)));
	assert_false(pte_dirty(mm_translate(other, BASE + PAGE)));

	cpu_put(&w, BASE, 5); /* is noticed again */
	assert_int_equal(mmun_ats_store(w.ats, BASE + 2 * PAGE, 6), 0);
	assert_int_equal(clean(o, 0, 4), 2);
	poke(other, BASE + PAGE, 7);
	assert_int_equal(mmun_mm_destroy(other), 0); /* the entry's dirty bit is not lost */
	assert_int_equal(clean(o, 0, 4), 1);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 7);
	assert_int_equal(ats_get(&w, BASE + 2 * PAGE), 6);
	mmun_object_destroy(o);
	teardown(&w);
}

/* The order of steps as Linux 6.12 has it, and the places of 4.15. */
static void run_orders(enum mmun_semantics semantics, const char *const *want)
{
	struct mmun_object *o;
	struct recorder r;
	struct world w;

	setup(&w, semantics);
	o = object(&w, 16);
	map_object(w.mm, BASE, 16, SHARED, o, 0);
	cpu_put(&w, BASE + PAGE, 1);
	cpu_put(&w, BASE + 2 * PAGE, 1);
	recorder_begin(&r, w.mm, BASE + PAGE);
	clean(o, 1, 1);
	expect(&r, *want++);
	cpu_put(&w, BASE + PAGE, 1);
	expect(&r, "");                                   /* read-only to writable */
	assert_int_equal(mmun_object_punch(o, PAGE, PAGE), 0);
	expect(&r, *want++);
	cpu_put(&w, BASE + PAGE, 1);
	expect(&r, "");                                   /* none to present */
	assert_int_equal(mmun_object_truncate(o, PAGE), 0);
	expect(&r, *want++);
	recorder_end_all(&r);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_order_modern(void **state)
{
	static const char *const want[] = {
		"S:page[1,2)rw flush[1,2)none E[1,2)ro",
		"S:clear[1,2)rw flush[1,2)none E[1,2)none",
		"S:clear[1,16)rw flush[1,3)none E[1,16)none S:clear[1,16)none E[1,16)none",
	};

	(void)state;
	run_orders(MMUN_MODERN, want);
}

static void test_order_classic(void **state)
{
	static const char *const want[] = {
		"S:page[1,2)rw flush[1,2)ro E[1,2)ro",
		"S:clear[1,2)rw flush[1,2)none flush[1,2)none E[1,2)none",
		("S:clear[1,16)rw flush[1,3)none flush[1,16)none E[1,16)none "
		"S:clear[1,16)none flush[1,16)none E[1,16)none"),
	};

	(void)state;
	run_orders(MMUN_CLASSIC, want);
}

/* --- advice --------------------------------------------------------------- */

static int advise(struct world *w, uint64_t first, uint64_t pages, int advice)
{
	return mmun_madvise(w->mm, BASE + first * PAGE, pages * PAGE, advice);
}

static void test_advice_arguments(void **state)
{
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	map(w.mm, BASE + 4 * PAGE, 1, RO);
	assert_int_equal(mmun_madvise(NULL, BASE, PAGE, MMUN_MADV_DONTNEED), -EINVAL);
	assert_int_equal(mmun_madvise(w.mm, BASE + 1, PAGE, MMUN_MADV_DONTNEED), -EINVAL);
	assert_int_equal(mmun_madvise(w.mm, BASE, UINT64_MAX, MMUN_MADV_DONTNEED), -EINVAL);
	assert_int_equal(mmun_madvise(w.mm, BASE, -PAGE, MMUN_MADV_DONTNEED), -EINVAL);
	assert_int_equal(advise(&w, 0, 1, 12345), -EINVAL);
	assert_int_equal(advise(&w, 0, 1, 0), -EINVAL);
	assert_int_equal(advise(&w, 0, 0, MMUN_MADV_DONTNEED), 0);
	assert_int_equal(advise(&w, 99, 0, MMUN_MADV_HUGEPAGE), 0);
	assert_int_equal(mmun_madvise(w.mm, TASK_BYTES, PAGE, MMUN_MADV_DONTNEED), -ENOMEM);
	assert_int_equal(advise(&w, 2, 2, MMUN_MADV_DONTNEED), -ENOMEM);
	assert_int_equal(advise(&w, 0, 2, MMUN_MADV_REMOVE), -EINVAL);
	assert_int_equal(advise(&w, 0, 2, MMUN_MADV_COLLAPSE), 0); /* no whole huge page */
	assert_int_equal(advise(&w, 4, 1, MMUN_MADV_POPULATE_WRITE), -EINVAL);
	assert_int_equal(advise(&w, 4, 1, MMUN_MADV_POPULATE_READ), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE + 4 * PAGE, PAGE, MMUN_PROT_NONE), 0);
	assert_int_equal(advise(&w, 4, 1, MMUN_MADV_POPULATE_READ), -EINVAL);
	assert_int_equal(mmun_mprotect(w.mm, BASE + 4 * PAGE, PAGE, MMUN_PROT_READ), 0);
	assert_int_equal(advise(&w, 0, 2, MMUN_MADV_POPULATE_WRITE), 0);
	assert_true(pte_write(mm_translate(w.mm, BASE + PAGE)));
	assert_int_equal(advise(&w, 0, 2, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(advise(&w, 0, 2, MMUN_MADV_UNMERGEABLE), 0);
	teardown(&w);
}

static void test_dontneed(void **state)
{
	struct mmun_mm *child;
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 3, RW);
	map(w.mm, BASE + 4 * PAGE, 1, RW);
	for (uint64_t i = 0; i < 5; i++)
		if (i != 3)
			cpu_put(&w, BASE + i * PAGE, i + 1);
	assert_int_equal(ats_get(&w, BASE + PAGE), 2);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(advise(&w, 1, 4, MMUN_MADV_DONTNEED), -ENOMEM); /* but the rest is done */
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(ats_get(&w, BASE + PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);
	assert_int_equal(ats_get(&w, BASE + 4 * PAGE), 0);
	assert_int_equal(peek(child, BASE + PAGE), 2);
	assert_int_equal(refs(child, BASE + PAGE), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);

	o = object(&w, 3);
	map_object(w.mm, BASE, 2, SHARED, o, 0);
	map_object(w.mm, BASE + 2 * PAGE, 1, PRIVATE, o, 2 * PAGE);
	for (uint64_t i = 0; i < 3; i++)
		cpu_put(&w, BASE + i * PAGE, i + 5);
	assert_int_equal(advise(&w, 0, 3, MMUN_MADV_DONTNEED), 0);
	assert_int_equal(ats_get(&w, BASE), 5);            /* the object has it */
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0); /* the copy is gone */
	assert_int_equal(clean(o, 0, 3), 2);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_lazyfree(void **state)
{
	struct mmun_mm *child;
	struct mmun_object *o;
	struct world w;
	pte_t e;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0); /* the zero page */
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 3), 0);
	assert_int_equal(advise(&w, 0, 4, MMUN_MADV_FREE), 0);
	e = mm_translate(w.mm, BASE + PAGE);
	assert_false(pte_dirty(e) || pte_young(e));
	assert_true(pte_write(e) && pte_exclusive(e));
	assert_int_equal(load_relaxed(&frame_of(w.machine, pte_pfn(e))->dirty), 0);
	assert_int_equal(ats_get(&w, BASE + PAGE), 3); /* nobody has needed it yet */
	assert_false(pte_dirty(mm_translate(w.mm, BASE + PAGE)));
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 4), 0); /* the device's TLB knew it */
	assert_true(pte_dirty(mm_translate(w.mm, BASE + PAGE)));
	cpu_put(&w, BASE, 5);
	assert_true(pte_dirty(mm_translate(w.mm, BASE)));

	assert_int_equal(mmun_fork(w.mm, &child), 0); /* shared pages are left alone */
	assert_int_equal(advise(&w, 0, 4, MMUN_MADV_FREE), 0);
	assert_true(pte_dirty(mm_translate(w.mm, BASE)));
	assert_true(pte_dirty(mm_translate(child, BASE)));
	assert_int_equal(mmun_mm_destroy(child), 0);

	o = object(&w, 1);
	map_object(w.mm, BASE, 1, SHARED, o, 0);
	assert_int_equal(advise(&w, 0, 1, MMUN_MADV_FREE), -EINVAL);
	map_object(w.mm, BASE, 1, PRIVATE, o, 0);
	assert_int_equal(advise(&w, 0, 1, MMUN_MADV_FREE), -EINVAL);
	assert_int_equal(advise(&w, 0, 1, MMUN_MADV_REMOVE), -EINVAL);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_remove(void **state)
{
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	o = object(&w, 4);
	map_object(w.mm, BASE, 2, SHARED, o, PAGE);
	map_object(w.mm, BASE + 2 * PAGE, 2, SHARED, o, 0);
	for (uint64_t i = 0; i < 4; i++)
		cpu_put(&w, BASE + i * PAGE, i + 1); /* pages 1, 2, 0, 1 of the object */
	assert_int_equal(advise(&w, 1, 2, MMUN_MADV_REMOVE), 0); /* pages 2 and 0 */
	assert_int_equal(cpu_get(&w, BASE), 4);
	assert_int_equal(ats_get(&w, BASE + PAGE), 0);
	assert_int_equal(ats_get(&w, BASE + 2 * PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 3 * PAGE), 4);
	mmun_object_destroy(o);
	teardown(&w);
}

static void test_marks(void **state)
{
	struct mmun_object *o;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	assert_int_equal(advise(&w, 1, 2, MMUN_MADV_HUGEPAGE), 0);
	assert_int_equal(vma_find(w.mm, BASE)->end, BASE + PAGE);
	assert_int_equal(vma_find(w.mm, BASE + PAGE)->end, BASE + 3 * PAGE);
	assert_true(vma_find(w.mm, BASE + PAGE)->flags & VMA_HUGEPAGE);
	assert_int_equal(advise(&w, 0, 4, MMUN_MADV_MERGEABLE), 0);
	assert_int_equal(advise(&w, 1, 2, MMUN_MADV_NOHUGEPAGE), 0);
	assert_int_equal(vma_find(w.mm, BASE)->end, BASE + 4 * PAGE); /* one area again */
	assert_true(vma_find(w.mm, BASE)->flags & VMA_MERGEABLE);
	assert_int_equal(advise(&w, 0, 4, MMUN_MADV_UNMERGEABLE), 0);
	assert_false(vma_find(w.mm, BASE)->flags & VMA_MERGEABLE);
	o = object(&w, 1);
	map_object(w.mm, BASE, 1, SHARED, o, 0);
	assert_int_equal(advise(&w, 0, 4, MMUN_MADV_MERGEABLE), 0);
	assert_false(vma_find(w.mm, BASE)->flags & VMA_MERGEABLE);
	assert_true(vma_find(w.mm, BASE + PAGE)->flags & VMA_MERGEABLE);
	mmun_object_destroy(o);
	teardown(&w);
}

static void run_advice_orders(enum mmun_semantics semantics, const char *const *want)
{
	struct recorder r;
	struct world w;

	setup(&w, semantics);
	map(w.mm, BASE, 16, RW);
	cpu_put(&w, BASE + PAGE, 1);
	recorder_begin(&r, w.mm, BASE + PAGE);
	assert_int_equal(advise(&w, 1, 1, MMUN_MADV_FREE), 0);
	expect(&r, *want++);
	assert_int_equal(advise(&w, 1, 1, MMUN_MADV_DONTNEED), 0);
	expect(&r, *want++);
	assert_int_equal(load_relaxed(&w.mm->gathers), 0);
	/* Another one is under way, and has perhaps cleared what is none here. */
	add_acq_rel(&w.mm->gathers, 1);
	assert_int_equal(advise(&w, 1, 1, MMUN_MADV_DONTNEED), 0);
	expect(&r, *want++);
	recorder_end_all(&r);
	teardown(&w);
}

static void test_advice_order(void **state)
{
	static const char *const modern[] = {
		"S:clear[1,2)rw E[1,2)rw flush[1,2)rw",
		"S:clear[1,2)rw E[1,2)none flush[1,2)none",
		"S:clear[1,2)none E[1,2)none flush[1,2)none",
	};
	static const char *const classic[] = {
		"S:clear[1,2)rw flush[1,2)rw E[1,2)rw flush[1,2)rw",
		"S:clear[1,2)rw flush[1,2)none E[1,2)none flush[1,2)none",
		"S:clear[1,2)none flush[1,2)none E[1,2)none flush[1,2)none",
	};

	(void)state;
	run_advice_orders(MMUN_MODERN, modern);
	run_advice_orders(MMUN_CLASSIC, classic);
}

/* --- allocations that fail ------------------------------------------------ */

static int objects_once(struct world *w)
{
	struct mmun_machine_opts opts = { .frames = 64 };
	struct mmun_object *o = NULL;
	struct mmun_mm *child = NULL;
	uint64_t at, shared;
	int err;

#define TRY(call) do { err = (call); if (err) goto out; } while (0)
	memset(w, 0, sizeof(*w));
	TRY(mmun_machine_create(&opts, &w->machine));
	TRY(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	TRY(mmun_cpu_create(w->mm, &w->cpu));
	TRY(mmun_object_create(w->machine, 4 * PAGE, &o));
	TRY(mmun_mmap_object(w->mm, BASE, 4 * PAGE, RW, PRIVATE, o, 0, &at));
	TRY(mmun_mmap(w->mm, 0, PAGE, RW, SHARED | MMUN_MAP_ANONYMOUS, &shared));
	TRY(mmun_cpu_store(w->cpu, shared, 1));
	TRY(mmun_cpu_load(w->cpu, shared, &at));
	TRY(mmun_mm_fault(w->mm, BASE, false));
	TRY(mmun_cpu_store(w->cpu, BASE, 1));
	TRY(mmun_cpu_store(w->cpu, BASE + PAGE, 1));
	TRY(mmun_fork(w->mm, &child));
	TRY(mmun_object_truncate(o, 9 * PAGE));
	TRY(mmun_object_punch(o, 0, 2 * PAGE));
	TRY(mmun_object_clean(o, 0, 2 * PAGE, &at));
	TRY(mmun_madvise(w->mm, BASE, 4 * PAGE, MMUN_MADV_POPULATE_WRITE));
	TRY(mmun_madvise(w->mm, BASE + PAGE, PAGE, MMUN_MADV_MERGEABLE));
	TRY(mmun_madvise(w->mm, BASE, 4 * PAGE, MMUN_MADV_DONTNEED));
	TRY(mmun_madvise(w->mm, shared, PAGE, MMUN_MADV_REMOVE));
	TRY(mmun_object_truncate(o, 0));
out:
	assert_int_equal(mmun_mm_destroy(child), 0);
	mmun_cpu_destroy(w->cpu);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	mmun_object_destroy(o);
	if (w->machine)
		assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	return err;
}

static void test_no_memory(void **state)
{
	(void)state;
	fail_each(objects_once, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_anonymous_shared),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_punch),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_order_modern),
		cmocka_unit_test(test_order_classic),
		cmocka_unit_test(test_advice_arguments),
		cmocka_unit_test(test_dontneed),
		cmocka_unit_test(test_lazyfree),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_advice_order),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
