/* SPDX-License-Identifier: MIT */
/*
 * unit_flush_point.c - the flush points of an operation are moved, in the build in which
 * operations are mutable: each point is passed once, in its order. And a child has what its
 * parent has: its flush points and its mutations.
 */
#include <errno.h>

#include "unit_world.h"

static void cow_passes_each(void **state)
{
	static const struct { unsigned points; const char *log; } want[] = {
		{ 0, "S:clear[0,1)ro E[0,1)rw" },
		{ FLUSH_POINT_CLEAR, "S:clear[0,1)ro flush[0,1)none E[0,1)rw" },
		{ FLUSH_POINT_SET, "S:clear[0,1)ro flush[0,1)rw E[0,1)rw" },
		{ FLUSH_POINT_UNLOCK, "S:clear[0,1)ro flush[0,1)rw E[0,1)rw" },
		{ FLUSH_POINT_END, "S:clear[0,1)ro flush[0,1)rw E[0,1)rw" },
		{ FLUSH_POINT_AFTER, "S:clear[0,1)ro E[0,1)rw flush[0,1)rw" },
		{ FLUSH_POINT_FREED, "S:clear[0,1)ro E[0,1)rw flush[0,1)rw" },
		{ FLUSH_POINT_CLEAR | FLUSH_POINT_AFTER,
		  "S:clear[0,1)ro flush[0,1)none E[0,1)rw flush[0,1)rw" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct recorder r;
		struct world w;

		setup(&w, MMUN_MODERN);
		mm_set_flush_points(w.mm, MM_OP_COW, want[i].points);
		recorder_begin(&r, w.mm, BASE);
		map(w.mm, BASE, 1, RW);
		cpu_get(&w, BASE);
		expect(&r, "");
		cpu_put(&w, BASE, 1);
		expect(&r, want[i].log);
		recorder_end_all(&r);
		teardown(&w);
	}
}

static int reclaim(struct mmun_mm *mm, uint64_t addr)
{
	int err;

	down_read(&mm->mmap_lock);
	err = swap_reclaim(mm, addr, NULL);
	up_read(&mm->mmap_lock);
	return err;
}

static void reclaim_passes_each(void **state)
{
	static const struct { unsigned points; const char *log; } want[] = {
		{ FLUSH_POINT_SET, "S:clear[1,2)rw flush[1,2)prot E[1,2)prot" },
		{ FLUSH_POINT_UNLOCK, "S:clear[1,2)rw flush[1,2)prot E[1,2)prot" },
		{ FLUSH_POINT_END, "S:clear[1,2)rw flush[1,2)prot E[1,2)prot" },
		{ FLUSH_POINT_AFTER, "S:clear[1,2)rw E[1,2)prot flush[1,2)prot" },
		{ FLUSH_POINT_FREED, "S:clear[1,2)rw E[1,2)prot flush[1,2)prot" },
	};
	struct recorder r;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	recorder_begin(&r, w.mm, BASE + PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		mm_set_flush_points(w.mm, MM_OP_RECLAIM, want[i].points);
		assert_int_equal(reclaim(w.mm, BASE + PAGE), 0);
		expect(&r, want[i].log);
		cpu_put(&w, BASE + PAGE, 2);
	}
	mm_set_flush_points(w.mm, MM_OP_MIGRATE, FLUSH_POINT_FREED);
	assert_int_equal(mmun_migrate(w.mm, BASE + PAGE), 0);
	expect(&r, "S:clear[1,2)rw E[1,2)prot flush[1,2)rw");
	recorder_end_all(&r);
	teardown(&w);
}

static void child_is_mutated_alike(void **state)
{
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	for (int op = 0; op < MM_OP_COUNT; op++)
		assert_int_equal(mm_flush_points(w.mm, (enum mm_op)op),
				 flush_points_of(MMUN_CLASSIC, (enum mm_op)op));
	mm_set_flush_points(w.mm, MM_OP_MUNMAP, FLUSH_POINT_FREED);
	mm_mutate(w.mm, MM_OP_COW, MUTATION_REUSE);
	mm_mutate(w.mm, MM_OP_COW, MUTATION_PENDING);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(mm_flush_points(child, MM_OP_MUNMAP), FLUSH_POINT_FREED);
	assert_int_equal(mm_flush_points(child, MM_OP_FORK), FLUSH_POINT_END);
	assert_true(mm_mutated(child, MM_OP_COW, MUTATION_REUSE));
	assert_true(mm_mutated(child, MM_OP_COW, MUTATION_PENDING));
	assert_false(mm_mutated(child, MM_OP_FORK, MUTATION_AREAS));
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cow_passes_each),
		cmocka_unit_test(reclaim_passes_each),
		cmocka_unit_test(child_is_mutated_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
