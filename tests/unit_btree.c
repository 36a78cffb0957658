/* SPDX-License-Identifier: MIT */
/*
 * unit_btree.c - the interval tree against a plain array, with random
 * operations from a fixed generator, and every allocation made to fail.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/btree.h"

enum { MODEL_MAX = 3000 };

struct item { uint64_t start, end; };

static struct item *model[MODEL_MAX];
static size_t model_count;
static uint64_t random_state = 1;
static long nodes_live, nodes_left = -1;

_Noreturn void base_assert_failed(const char *expr, const char *file, int line)
{
	(void)expr, (void)file, (void)line;
	abort();
}

static uint64_t random_u64(uint64_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % below;
}

static void *node_alloc(size_t size)
{
	if (nodes_left == 0)
		return NULL;
	if (nodes_left > 0)
		nodes_left--;
	nodes_live++;
	return malloc(size);
}

static void node_free(void *p)
{
	nodes_live--;
	free(p);
}

static const struct btree_mem mem = { node_alloc, node_free };

static void check_query(const struct btree *t, uint64_t lo, uint64_t hi)
{
	struct btree_iter it;
	size_t want = 0, got = 0;
	uint64_t last = 0, below = 0;
	struct item *v;
	bool any_below = false;

	for (size_t i = 0; i < model_count; i++) {
		want += model[i]->start < hi && model[i]->end > lo;
		if (model[i]->start < lo) {
			any_below = true;
			below = max_u64(below, model[i]->start);
		}
	}
	for (v = btree_first(t, &it, lo, hi); v; v = btree_next(&it), got++) {
		assert_true(v->start < hi && v->end > lo);
		assert_true(v->start >= last);
		assert_int_equal(it.start, v->start);
		assert_int_equal(it.end, v->end);
		last = v->start;
	}
	assert_int_equal(got, want);
	v = btree_last_below(t, lo);
	assert_int_equal(!!v, any_below);
	if (v)
		assert_int_equal(v->start, below);
}

static void model_drop(struct btree *t, size_t i)
{
	assert_true(btree_remove(t, model[i]->start, model[i]));
	assert_false(btree_remove(t, model[i]->start, model[i]));
	free(model[i]);
	model[i] = model[--model_count];
}

static void model_add(struct btree *t, uint64_t space, uint64_t len_max)
{
	struct item *v = malloc(sizeof(*v));

	v->start = random_u64(space);
	v->end = v->start + 1 + random_u64(len_max);
	assert_int_equal(btree_insert(t, v->start, v->end, v), 0);
	model[model_count++] = v;
}

static void run(uint64_t space, uint64_t len_max, int steps, size_t max)
{
	struct btree t;

	btree_init(&t, mem);
	for (int i = 0; i < steps; i++) {
		/* Long phases of growing and shrinking reach all heights. */
		bool grow = (i / (2 * (int)max)) % 2 == 0;
		uint64_t dice = random_u64(10), lo = random_u64(space);

		if (model_count < max && dice < (grow ? 7u : 2u))
			model_add(&t, space, len_max);
		else if (model_count && dice < 9)
			model_drop(&t, random_u64(model_count));
		if (model_count && dice == 9) {
			struct item *v = model[random_u64(model_count)];

			v->end = v->start + 1 + random_u64(len_max);
			assert_true(btree_set_end(&t, v->start, v, v->end));
		}
		assert_true(btree_is_valid(&t));
		if (i % 7 == 0)
			check_query(&t, lo, lo + 1 + random_u64(2 * len_max));
	}
	while (model_count)
		model_drop(&t, random_u64(model_count));
	assert_null(t.root);
	btree_fini(&t);
	assert_int_equal(nodes_live, 0);
}

static void test_overlapping(void **state) { (void)state; run(1000, 50, 20000, 500); }
static void test_equal_starts(void **state) { (void)state; run(5, 50, 10000, 400); }
static void test_sparse(void **state) { (void)state; run(1u << 30, 1000, 20000, 2500); }

static void test_ordered(void **state)
{
	static struct item items[2000];
	struct btree t;

	(void)state;
	btree_init(&t, mem);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		assert_int_equal(btree_insert(&t, i * 10, i * 10 + 10, &items[i]), 0);
	assert_true(btree_is_valid(&t));
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		struct btree_iter it;

		assert_ptr_equal(btree_first(&t, &it, i * 10 + 9, i * 10 + 10), &items[i]);
		assert_null(btree_next(&it));
		assert_ptr_equal(btree_last_below(&t, i * 10 + 1), &items[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		assert_true(btree_remove(&t, i * 10, &items[i]));
	btree_fini(&t);
	assert_int_equal(nodes_live, 0);
}

static void test_empty(void **state)
{
	struct btree t;
	struct btree_iter it;

	(void)state;
	btree_init(&t, mem);
	assert_null(btree_first(&t, &it, 0, UINT64_MAX));
	assert_null(btree_next(&it));
	assert_null(btree_last_below(&t, UINT64_MAX));
	assert_false(btree_remove(&t, 0, NULL));
	assert_false(btree_set_end(&t, 0, NULL, 1));
	btree_fini(&t);
}

/* An insertion that gets no memory changes nothing; a reserved one needs none. */
static void test_no_memory(void **state)
{
	static struct item items[1000];
	struct btree t;
	size_t failures = 0;

	(void)state;
	btree_init(&t, mem);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		uint64_t start = (i * 389) % 1000;

		nodes_left = 0;
		if (btree_insert(&t, start, start + 5, &items[i])) {
			failures++;
			assert_false(btree_remove(&t, start, &items[i]));
			assert_true(btree_is_valid(&t));
			nodes_left = -1;
			assert_int_equal(btree_reserve(&t, 1), 0);
			nodes_left = 0;
			assert_int_equal(btree_insert(&t, start, start + 5, &items[i]), 0);
		}
		nodes_left = -1;
		assert_true(btree_is_valid(&t));
	}
	assert_true(failures > 10);
	btree_fini(&t);
	assert_int_equal(nodes_live, 0);
}

/* Nodes given for so many insertions suffice, whatever is removed between them. */
static void test_donated(void **state)
{
	struct btree t;

	(void)state;
	btree_init(&t, mem);
	model_count = 0;
	for (int round = 0; round < 400; round++) {
		uint32_t insertions = 1 + (uint32_t)random_u64(random_u64(2) ? 4 : 80), missing;
		uint64_t removals = random_u64(3); /* for each insertion */

		missing = btree_shortage(&t, insertions);
		while (missing--)
			btree_donate(&t, node_alloc(sizeof(struct btree_node)));
		assert_int_equal(btree_shortage(&t, insertions), 0);
		nodes_left = 0;
		while (insertions--) {
			for (uint64_t k = removals; k && model_count; k--)
				model_drop(&t, random_u64(model_count));
			model_add(&t, 500, 20);
		}
		nodes_left = -1;
		assert_true(btree_is_valid(&t));
		while (model_count > 1500 || (round % 50 == 49 && model_count))
			model_drop(&t, random_u64(model_count));
	}
	while (model_count)
		model_drop(&t, 0);
	btree_fini(&t);
	assert_int_equal(nodes_live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ordered),
		cmocka_unit_test(test_overlapping),
		cmocka_unit_test(test_equal_starts),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_donated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
