/* SPDX-License-Identifier: MIT */
/*
 * unit_softleaf.c - entries that are not present: what goes into one comes out of it, of all
 * bits that an entry can have; and each says one thing only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "vm/pt/softleaf.h"

#define FRAME ((pfn_t){ 0xabcdef })
#define OTHER ((pfn_t){ 0x123456 })

/* The n-th mixture of the bits in the mask; false: there are no more. */
static bool bits_next(uint64_t mask, uint64_t *bits)
{
	*bits = (*bits - mask) & mask;
	return *bits;
}

/* Calls it with each entry that maps a page, present or PROTNONE. */
static void for_mapped(void (*call)(pte_t e))
{
	uint64_t bits = 0;

	do {
		call(pte_make(FRAME, bits | PTE_P));
		call(pte_make(FRAME, bits | PTE_PROTNONE));
	} while (bits_next(SOFTLEAF_PAGE_BITS, &bits));
}

/* How many things the entry says that it is. */
static unsigned meanings(pte_t e)
{
	return pte_none(e) + pte_present(e) + softleaf_is_swap(e) + softleaf_is_migration(e) +
	       softleaf_is_device_exclusive(e) + ((e.v & PTE_PROTNONE) && !softleaf_type(e));
}

static void check_type(pte_t e, enum softleaf_type type)
{
	struct softleaf_info info = softleaf_info(type);

	assert_int_equal(softleaf_type(e), type);
	assert_int_equal(meanings(e), 1);
	assert_int_equal(pte_mapped(e), info.mapped);
	assert_int_equal(pte_in_ring(e), info.ring);
	assert_false(pte_present(e));
	assert_true((e.v & PTE_BITS & ~(uint64_t)PTE_SOFTLEAF & ~info.keeps) == 0);
}

static void check_mapped(pte_t e)
{
	assert_int_equal(meanings(e), 1);
	assert_int_equal(softleaf_type(e), SOFTLEAF_NONE);
	assert_true(pte_mapped(e) && pte_in_ring(e));
}

static void check_swap(pte_t e)
{
	uint64_t kept = PTE_EXCL | PTE_UFFD_WP | PTE_SOFT_DIRTY;
	pte_t swap = make_swap_entry(77, e);

	check_type(swap, SOFTLEAF_SWAP);
	assert_int_equal(softleaf_to_slot(swap), 77);
	assert_true((swap.v & kept) == (e.v & kept));
}

static void check_migration(pte_t e)
{
	pte_t moving = make_migration_entry(e);

	check_type(moving, pte_present(e) ? SOFTLEAF_MIGRATION : SOFTLEAF_MIGRATION_PROTNONE);
	assert_int_equal(pte_pfn(moving).v, FRAME.v);
	assert_true(pte_same(pte_of_migration(moving, FRAME), e));
	assert_int_equal(pte_pfn(pte_of_migration(moving, OTHER)).v, OTHER.v);
}

/* Whatever ends it, nothing of it is left. */
static void check_device_exclusive(pte_t e)
{
	pte_t device = make_device_exclusive_entry(e);
	pte_t moving = make_migration_entry(device);

	check_type(device, SOFTLEAF_DEVICE_EXCLUSIVE);
	assert_int_equal(pte_pfn(device).v, FRAME.v);
	assert_true(pte_same(pte_allow(device), pte_allow(e)));
	check_type(moving, SOFTLEAF_MIGRATION_PROTNONE);
	check_mapped(pte_of_migration(moving, FRAME));
	check_type(make_swap_entry(77, device), SOFTLEAF_SWAP);
}

static void test_round_trips(void **state)
{
	(void)state;
	for_mapped(check_mapped);
	for_mapped(check_swap);
	for_mapped(check_migration);
	for_mapped(check_device_exclusive);
	assert_int_equal(meanings((pte_t){ 0 }), 1);
	assert_false(pte_in_ring((pte_t){ 0 }));
}

/* The table has a name for each type, and pictures one for each that is there. */
static void test_table(void **state)
{
	static const enum softleaf_type types[] = {
#define X(e, ...) e,
		SOFTLEAF_TYPES(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct softleaf_info info = softleaf_info(types[i]);

		assert_true(types[i] != SOFTLEAF_NONE);
		assert_int_equal(types[i] & ~(PTE_SOFTLEAF >> PTE_SOFTLEAF_SHIFT), 0);
		assert_true(strlen(info.name) > 0);
		assert_true(info.event != EVENT_NONE && info.event != EVENT_NOTHING);
		assert_true((info.keeps & (PTE_P | PTE_SOFTLEAF)) == 0);
		assert_int_equal(info.mapped, !!(info.keeps & PTE_PROTNONE));
	}
	assert_null(softleaf_info(SOFTLEAF_NONE).name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("entries that are not present", tests, NULL, NULL);
}
