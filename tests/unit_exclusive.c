/* SPDX-License-Identifier: MIT */
/*
 * unit_exclusive.c - a page for a device alone: which events come, with which owner, who
 * gets the page back, and what ends it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vm/ops/ops.h"

enum { LOG = 256 };

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_cpu *cpu;
	uint64_t page;
	struct mmu_notifier mn;
	char log[LOG];
};

static struct world w;

static int owner;

static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	size_t n = strlen(w.log);

	(void)mn;
	snprintf(w.log + n, LOG - n, "%s%s ",
		 r->event == MMU_NOTIFY_EXCLUSIVE ? "exclusive" :
		 r->event == MMU_NOTIFY_MIGRATE ? "migrate" :
		 r->event == MMU_NOTIFY_CLEAR ? "clear" :
		 r->event == MMU_NOTIFY_PROTECTION_PAGE ? "fork" :
		 r->event == MMU_NOTIFY_PROTECTION_VMA ? "protect" : "unmap",
		 r->owner == &owner ? "(owner)" : "");
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = start };

static int set_up(void **state)
{
	const struct mmun_machine_opts opts = { .frames = 64, .swap_pages = 4 };

	(void)state;
	memset(&w, 0, sizeof(w));
	w.mn.ops = &ops;
	if (mmun_machine_create(&opts, &w.machine) ||
	    mmun_mm_create(w.machine, MMUN_MODERN, &w.mm) || mmun_cpu_create(w.mm, &w.cpu) ||
	    mmun_mmap(w.mm, 0, PAGE_BYTES, MMUN_PROT_READ | MMUN_PROT_WRITE,
		      MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS, &w.page) ||
	    mmun_cpu_store(w.cpu, w.page, 7) || mmu_notifier_register(&w.mn, w.mm))
		return -1;
	return mmun_make_exclusive(w.mm, w.page, &owner);
}

static int tear_down(void **state)
{
	(void)state;
	mmu_notifier_unregister(&w.mn, w.mm);
	mmun_cpu_destroy(w.cpu);
	return mmun_mm_destroy(w.mm) || mmun_machine_destroy(w.machine);
}

static void expect_load(const char *log)
{
	uint64_t value;

	assert_int_equal(mmun_cpu_load(w.cpu, w.page, &value), 0);
	assert_int_equal(value, 7);
	assert_string_equal(w.log, log);
}

static void test_restore(void **state)
{
	(void)state;
	assert_true(softleaf_is_device_exclusive(mm_translate(w.mm, w.page)));
	expect_load("exclusive(owner) clear ");
	assert_false(softleaf_is_device_exclusive(mm_translate(w.mm, w.page)));
	expect_load("exclusive(owner) clear "); /* once */
	assert_int_equal(mmun_cpu_store(w.cpu, w.page, 8), 0);
}

static void test_again(void **state)
{
	(void)state;
	assert_int_equal(mmun_make_exclusive(w.mm, w.page, NULL), 0);
	/* The fault that makes it writable ends the first one. */
	expect_load("exclusive(owner) clear exclusive clear ");
}

static void test_others_end_it(void **state)
{
	struct mmun_mm *child;

	(void)state;
	assert_int_equal(mmun_migrate(w.mm, w.page), 0);
	expect_load("exclusive(owner) clear ");
	assert_int_equal(mmun_make_exclusive(w.mm, w.page, &owner), 0);
	w.log[0] = 0;
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	expect_load("fork clear ");
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(mmun_make_exclusive(w.mm, w.page, &owner), 0);
	w.log[0] = 0;
	assert_int_equal(mmun_mprotect(w.mm, w.page, PAGE_BYTES, MMUN_PROT_READ), 0);
	expect_load("protect ");
}

static void test_swap(void **state)
{
	(void)state;
	w.log[0] = 0;
	assert_int_equal(mmun_madvise(w.mm, w.page, PAGE_BYTES, MMUN_MADV_PAGEOUT), 0);
	expect_load("clear ");
}

static void test_migrate(void **state)
{
	(void)state;
	w.log[0] = 0;
	assert_int_equal(mmun_migrate_owned(w.mm, w.page, &owner), 0);
	expect_load("migrate(owner) ");
	assert_int_equal(mmun_migrate_owned(w.mm, w.page, NULL), 0);
	expect_load("migrate(owner) migrate ");
}

static void test_errors(void **state)
{
	(void)state;
	assert_int_equal(mmun_make_exclusive(NULL, w.page, NULL), -EINVAL);
	assert_int_equal(mmun_make_exclusive(w.mm, w.page + 8, NULL), -EINVAL);
	assert_int_equal(mmun_make_exclusive(w.mm, w.page + PAGE_BYTES, NULL), -EFAULT);
	assert_int_equal(mmun_make_exclusive(w.mm, TASK_BYTES, NULL), -EFAULT);
	assert_int_equal(mmun_munmap(w.mm, w.page, PAGE_BYTES), 0);
	assert_int_equal(mmun_make_exclusive(w.mm, w.page, NULL), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_restore, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_end_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_swap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_migrate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
