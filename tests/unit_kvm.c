/* SPDX-License-Identifier: MIT */
/*
 * unit_kvm.c - a guest that mirrors an address space by mmun/kvm.h: what it maps and when it loses
 * it, when a fault is retried, which pages count as used and as written, and what is refused.
 */
#include <errno.h>

#include "unit_world.h"
#include "mmun/kvm.h"

enum { PAGES = 70 }; /* the log has two words */

static struct world w;
static struct mmun_kvm *kvm;

static int set_up(void **state)
{
	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, PAGES, RW);
	assert_int_equal(mmun_kvm_create(w.mm, BASE, PAGES, &kvm), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mmun_kvm_destroy(kvm);
	teardown(&w);
	return 0;
}

static uint64_t guest_get(uint64_t gpa)
{
	uint64_t value = 0xdead;

	assert_int_equal(mmun_kvm_load(kvm, gpa, &value), 0);
	return value;
}

static void guest_put(uint64_t gpa, uint64_t value)
{
	assert_int_equal(mmun_kvm_store(kvm, gpa, value), 0);
}

static void test_accesses(void **state)
{
	(void)state;
	cpu_put(&w, BASE + 8, 5);
	assert_int_equal(guest_get(8), 5);
	guest_put(PAGE, 6);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 6);
	assert_int_equal(mmun_kvm_maps(kvm, 0), MMUN_KVM_MAPPED | MMUN_KVM_ACCESSED);
	assert_int_equal(mmun_kvm_maps(kvm, 1),
			 MMUN_KVM_MAPPED | MMUN_KVM_WRITABLE | MMUN_KVM_ACCESSED);
	assert_int_equal(mmun_kvm_maps(kvm, 2), 0);
	assert_int_equal(mmun_kvm_fault(kvm, 2, true), 0);
	assert_true(mmun_kvm_maps(kvm, 2) & MMUN_KVM_WRITABLE);
	/* First the page of zeros, then one of its own. */
	assert_int_equal(guest_get(3 * PAGE), 0);
	guest_put(3 * PAGE, 7);
	assert_int_equal(cpu_get(&w, BASE + 3 * PAGE), 7);
}

static void test_loses_what_is_taken(void **state)
{
	uint64_t value;

	(void)state;
	for (uint64_t n = 0; n < 4; n++)
		guest_put(n * PAGE, 10 + n);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0);
	assert_int_equal(mmun_kvm_maps(kvm, 0), 0);
	assert_int_equal(mmun_kvm_load(kvm, 0, &value), -EFAULT);
	assert_int_equal(mmun_mprotect(w.mm, BASE + PAGE, PAGE, RO), 0);
	assert_int_equal(mmun_kvm_store(kvm, PAGE, 99), -EFAULT);
	assert_int_equal(guest_get(PAGE), 11);
	assert_int_equal(mmun_migrate(w.mm, BASE + 2 * PAGE), 0);
	assert_int_equal(mmun_kvm_maps(kvm, 2), 0);
	assert_int_equal(guest_get(2 * PAGE), 12);
	assert_int_equal(mmun_madvise(w.mm, BASE + 3 * PAGE, PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(mmun_kvm_maps(kvm, 3), 0);
	assert_int_equal(guest_get(3 * PAGE), 13);
}

static void test_fork(void **state)
{
	struct mmun_mm *child;

	(void)state;
	guest_put(0, 1);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	guest_put(0, 2);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(cpu_get(&w, BASE), 2);
	assert_int_equal(mmun_mm_destroy(child), 0);
}

static void test_file_is_dirty(void **state)
{
	struct mmun_object *file;
	uint64_t dirty;

	(void)state;
	assert_int_equal(mmun_object_create(w.machine, PAGE, &file), 0);
	map_object(w.mm, BASE, 1, MMUN_MAP_SHARED, file, 0);
	for (unsigned n = 0; n < 2; n++) {
		guest_put(0, n);
		assert_int_equal(mmun_object_clean(file, 0, PAGE, &dirty), 0);
		assert_int_equal(dirty, 1);
	}
	assert_int_equal(mmun_object_clean(file, 0, PAGE, &dirty), 0);
	assert_int_equal(dirty, 0);
	mmun_object_destroy(file);
}

static void test_huge(void **state)
{
	uint64_t at = huge_down(BASE + 2 * HUGE_BYTES);
	struct mmun_kvm *guest;
	uint64_t value;

	(void)state;
	map(w.mm, at, TABLE_ENTRIES, RW);
	assert_int_equal(mmun_madvise(w.mm, at, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	assert_int_equal(mmun_kvm_create(w.mm, at, TABLE_ENTRIES, &guest), 0);
	assert_int_equal(mmun_kvm_store(guest, 3 * PAGE, 5), 0);
	assert_int_equal(cpu_get(&w, at + 3 * PAGE), 5);
	assert_int_equal(mmun_split_huge_page(w.mm, at), 0);
	assert_int_equal(mmun_kvm_maps(guest, 3), 0);
	assert_int_equal(mmun_kvm_load(guest, 3 * PAGE, &value), 0);
	assert_int_equal(value, 5);
	mmun_kvm_destroy(guest);
}

/* --- retry --------------------------------------------------------------------- */

/* Asked by another notifier while an invalidation of page 2 is under way. */
static struct { uint64_t seq; bool page, other; } asked;

static void ask(void)
{
	asked.page |= mmun_kvm_invalidate_retry_gfn(kvm, asked.seq, 2);
	asked.other |= mmun_kvm_invalidate_seq(kvm) == asked.seq &&
		       mmun_kvm_invalidate_retry_gfn(kvm, asked.seq, 3);
}

static int ask_at_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	ask();
	return 0;
}

static void ask_at_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	ask();
}

static void test_retry(void **state)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = ask_at_start, .invalidate_range_end = ask_at_end,
	};
	struct mmu_notifier mn = { .ops = &ops };
	uint64_t seq = mmun_kvm_invalidate_seq(kvm);

	(void)state;
	cpu_put(&w, BASE + 2 * PAGE, 1);
	assert_false(mmun_kvm_invalidate_retry_gfn(kvm, seq, 2));
	assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
	asked.seq = seq;
	assert_int_equal(mmun_migrate(w.mm, BASE + 2 * PAGE), 0);
	mmu_notifier_unregister(&mn, w.mm);
	assert_true(asked.page);
	assert_false(asked.other);
	/* Once it is over, whatever the page. */
	assert_true(mmun_kvm_invalidate_retry_gfn(kvm, seq, 2));
	assert_true(mmun_kvm_invalidate_retry_gfn(kvm, seq, 3));
	/* What is elsewhere is nothing to the guest. */
	seq = mmun_kvm_invalidate_seq(kvm);
	map(w.mm, BASE + PAGES * PAGE, 1, RW);
	cpu_put(&w, BASE + PAGES * PAGE, 1);
	assert_int_equal(mmun_migrate(w.mm, BASE + PAGES * PAGE), 0);
	assert_false(mmun_kvm_invalidate_retry_gfn(kvm, seq, 2));
}

/* --- ages, and the log ------------------------------------------------------------ */

static void test_young(void **state)
{
	bool young;

	(void)state;
	cpu_put(&w, BASE, 1);
	guest_get(0);
	assert_int_equal(mmun_page_young(w.mm, BASE, true, &young), 0);
	assert_int_equal(mmun_page_young(w.mm, BASE, true, &young), 0);
	assert_false(young);
	assert_int_equal(mmun_kvm_maps(kvm, 0), MMUN_KVM_MAPPED); /* it is still mapped */
	guest_get(0);
	assert_int_equal(mmun_page_young(w.mm, BASE, false, &young), 0);
	assert_true(young);
	assert_int_equal(mmun_page_young(w.mm, BASE, true, &young), 0);
	assert_true(young);
	/* Reclaim leaves what the guest uses, once. */
	guest_get(0);
	assert_int_equal(mmun_reclaim(w.mm, BASE), -EBUSY);
	assert_int_equal(mmun_reclaim(w.mm, BASE), 0);
	assert_int_equal(mmun_kvm_maps(kvm, 0), 0);
}

static void test_dirty_log(void **state)
{
	uint64_t bits[2], some[2] = { 1, 0 };

	(void)state;
	assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 2), -ENOENT);
	assert_int_equal(mmun_kvm_clear_dirty_log(kvm, bits, 2), -ENOENT);
	guest_put(0, 1);
	assert_int_equal(mmun_kvm_log_dirty(kvm, true), 0);
	assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 2), 0);
	assert_true(!bits[0] && !bits[1]);
	guest_get(PAGE); /* reading is no writing */
	guest_put(0, 2);
	guest_put(69 * PAGE, 3);
	for (unsigned n = 0; n < 2; n++) { /* asking clears nothing */
		assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 2), 0);
		assert_int_equal(bits[0], 1);
		assert_int_equal(bits[1], 1 << 5);
	}
	assert_int_equal(mmun_kvm_clear_dirty_log(kvm, some, 2), 0);
	assert_false(mmun_kvm_maps(kvm, 0) & MMUN_KVM_WRITABLE);
	assert_true(mmun_kvm_maps(kvm, 69) & MMUN_KVM_WRITABLE);
	assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 2), 0);
	assert_true(!bits[0] && bits[1] == 1 << 5);
	guest_put(0, 4);
	assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 2), 0);
	assert_int_equal(bits[0], 1);
	/* What is taken away stays in the log. */
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 2), 0);
	assert_int_equal(bits[0], 1);
	assert_int_equal(mmun_kvm_log_dirty(kvm, false), 0);
	assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 2), -ENOENT);
	guest_put(0, 5);
	assert_int_equal(mmun_kvm_get_dirty_log(kvm, bits, 1), -EINVAL);
}

/* --- its life ---------------------------------------------------------------------- */

static int create_and_use(struct world *v)
{
	struct mmun_kvm *guest = NULL;
	int err;

	(void)v;
	err = mmun_kvm_create(w.mm, BASE, PAGES, &guest);
	mmun_kvm_destroy(guest);
	return err;
}

static void test_no_memory(void **state)
{
	int err;

	(void)state;
	for (uint64_t n = 1;; n++) {
		sync_alloc_fail_at(n);
		err = create_and_use(&w);
		if (!sync_alloc_fail_clear())
			break;
		assert_int_equal(err, -ENOMEM);
	}
	assert_int_equal(err, 0);
}

static void test_ends(void **state)
{
	uint64_t value;

	(void)state;
	guest_put(0, 1);
	mmun_cpu_destroy(w.cpu);
	mmun_ats_destroy(w.ats);
	w.cpu = NULL;
	w.ats = NULL;
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	w.mm = NULL;
	assert_int_equal(mmun_kvm_maps(kvm, 0), 0);
	assert_int_equal(mmun_kvm_load(kvm, 0, &value), -EFAULT);
}

static void test_refuses(void **state)
{
	struct mmun_kvm *guest;
	uint64_t value;

	(void)state;
	assert_int_equal(mmun_kvm_create(NULL, BASE, 1, &guest), -EINVAL);
	assert_int_equal(mmun_kvm_create(w.mm, BASE + 8, 1, &guest), -EINVAL);
	assert_int_equal(mmun_kvm_create(w.mm, BASE, 0, &guest), -EINVAL);
	assert_int_equal(mmun_kvm_create(w.mm, TASK_BYTES, 1, &guest), -EINVAL);
	assert_int_equal(mmun_kvm_create(w.mm, TASK_BYTES - PAGE, 2, &guest), -EINVAL);
	assert_int_equal(mmun_kvm_create(w.mm, BASE, 1, NULL), -EINVAL);
	assert_int_equal(mmun_kvm_load(NULL, 0, &value), -EINVAL);
	assert_int_equal(mmun_kvm_load(kvm, 4, &value), -EINVAL);
	assert_int_equal(mmun_kvm_load(kvm, 0, NULL), -EINVAL);
	assert_int_equal(mmun_kvm_load(kvm, PAGES * PAGE, &value), -EFAULT);
	assert_int_equal(mmun_kvm_store(kvm, PAGES * PAGE, 1), -EFAULT);
	assert_int_equal(mmun_kvm_fault(kvm, PAGES, true), -EFAULT);
	assert_int_equal(mmun_kvm_fault(NULL, 0, true), -EINVAL);
	assert_int_equal(mmun_kvm_maps(kvm, PAGES), 0);
	assert_int_equal(mmun_kvm_log_dirty(NULL, true), -EINVAL);
	mmun_kvm_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(accesses), TEST(loses_what_is_taken), TEST(fork), TEST(file_is_dirty),
		TEST(huge), TEST(retry), TEST(young), TEST(dirty_log), TEST(no_memory),
		TEST(ends), TEST(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
