/* SPDX-License-Identifier: MIT */
/*
 * unit_hmm.c - the tests of Linux's tools/testing/selftests/mm/hmm-tests.c under their names, on a
 * device that mirrors an address space by mmun/hmm.h; and what the functions of that header refuse.
 * docs/hmm.md says which of Linux's tests are not here, and why.
 */
#include <errno.h>

#include "unit_world.h"
#include "hmm_device.h"

enum { PAGES = 6 };
#define HUGE_AT (BASE + HUGE_BYTES) /* BASE itself is the start of a huge page */

static struct world w;
static struct hmm_device dev, dev2;
static struct device_did did;
static uint64_t words[DEVICE_PAGES];
static unsigned char seen[DEVICE_BATCH];

static int set_up(void **state)
{
	(void)state;
	setup(&w, MMUN_MODERN);
	memset(&dev, 0, sizeof(dev));
	memset(&dev2, 0, sizeof(dev2));
	assert_int_equal(device_open(&dev, w.mm, BASE), 0);
	assert_int_equal(device_open(&dev2, w.mm, BASE), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	device_close(&dev2);
	device_close(&dev);
	teardown(&w);
	return 0;
}

static void cpu_fill(uint64_t addr, uint64_t pages, uint64_t first)
{
	for (uint64_t n = 0; n < pages; n++)
		cpu_put(&w, addr + n * PAGE, first + n);
}

static void cpu_expect(struct mmun_mm *mm, uint64_t addr, uint64_t pages, uint64_t first)
{
	for (uint64_t n = 0; n < pages; n++)
		assert_int_equal(peek(mm, addr + n * PAGE), first + n);
}

static void device_expect(uint64_t addr, uint64_t pages, uint64_t first, uint64_t faults)
{
	assert_int_equal(device_read(&dev, addr, pages, words, &did), 0);
	assert_int_equal(did.cpages, pages);
	assert_int_equal(did.faults, faults);
	for (uint64_t n = 0; n < pages; n++)
		assert_int_equal(words[n], first + n);
}

static void device_fill(struct hmm_device *d, uint64_t addr, uint64_t pages, uint64_t first)
{
	for (uint64_t n = 0; n < pages; n++)
		words[n] = first + n;
	assert_int_equal(device_write(d, addr, pages, words, &did), 0);
	assert_int_equal(did.cpages, pages);
	assert_int_equal(did.faults, 1);
}

static void test_open_close(void **state)
{
	struct hmm_device d = { 0 };

	(void)state;
	assert_int_equal(device_open(&d, w.mm, BASE), 0);
	device_close(&d);
}

static void test_anon_read(void **state)
{
	(void)state;
	map(w.mm, BASE, PAGES, RW);
	cpu_fill(BASE + 2 * PAGE, PAGES - 2, 12);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGES * PAGE, RO), 0);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 0); /* the page of zeros; the first is none */
	assert_int_equal(device_read(&dev, BASE, PAGES, words, &did), 0);
	assert_int_equal(did.cpages, PAGES);
	assert_int_equal(did.faults, 1);
	for (uint64_t n = 0; n < PAGES; n++)
		assert_int_equal(words[n], n < 2 ? 0 : 10 + n);
}

static void test_anon_read_prot(void **state)
{
	(void)state;
	map(w.mm, BASE, PAGES, RW);
	cpu_fill(BASE, PAGES, 10);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGES * PAGE, NONE), 0);
	assert_int_equal(device_read(&dev, BASE, PAGES, words, &did), -EFAULT);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGES * PAGE, RW), 0);
	cpu_expect(w.mm, BASE, PAGES, 10);
}

static void test_anon_write(void **state)
{
	(void)state;
	map(w.mm, BASE, PAGES, RW);
	device_fill(&dev, BASE, PAGES, 20);
	cpu_expect(w.mm, BASE, PAGES, 20);
}

static void test_anon_write_prot(void **state)
{
	(void)state;
	map(w.mm, BASE, PAGES, RW);
	cpu_fill(BASE, PAGES, 10);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGES * PAGE, RO), 0);
	device_expect(BASE, 1, 10, 1);
	words[0] = 99;
	assert_int_equal(device_write(&dev, BASE, 1, words, &did), -EPERM);
	cpu_expect(w.mm, BASE, PAGES, 10);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGES * PAGE, RW), 0);
	device_fill(&dev, BASE, PAGES, 30); /* what it has of the first page, it looks up anew */
	cpu_expect(w.mm, BASE, PAGES, 30);
}

/* The child's device writes: do the parent's pages change? */
static void write_in_child(bool shared)
{
	struct hmm_device d = { 0 };
	struct mmun_mm *child;

	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(device_open(&d, child, BASE), 0);
	device_fill(&d, BASE, PAGES, 40);
	cpu_expect(child, BASE, PAGES, 40);
	cpu_expect(w.mm, BASE, PAGES, shared ? 40 : 10);
	device_close(&d);
	assert_int_equal(mmun_mm_destroy(child), 0);
}

static void test_anon_write_child(void **state)
{
	(void)state;
	map(w.mm, BASE, PAGES, RW);
	cpu_fill(BASE, PAGES, 10);
	write_in_child(false);
}

static void map_shared(uint64_t pages)
{
	uint64_t at;

	assert_int_equal(mmun_mmap(w.mm, BASE, pages * PAGE, RW,
				   MMUN_MAP_SHARED | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at), 0);
}

static void test_anon_write_child_shared(void **state)
{
	(void)state;
	map_shared(PAGES);
	cpu_fill(BASE, PAGES, 10);
	write_in_child(true);
}

static void map_huge(void)
{
	map(w.mm, HUGE_AT, TABLE_ENTRIES, RW);
	assert_int_equal(mmun_madvise(w.mm, HUGE_AT, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
}

static void test_anon_write_huge(void **state)
{
	(void)state;
	map_huge();
	for (uint64_t n = 0; n < PAGES; n++)
		words[n] = 50 + n;
	assert_int_equal(device_write(&dev, HUGE_AT, PAGES, words, &did), 0);
	assert_int_equal(did.faults, 1);
	assert_int_equal(device_snapshot(&dev, HUGE_AT, 1, seen), 0);
	assert_int_equal(seen[0], SEEN_WRITE | SEEN_PMD);
	cpu_expect(w.mm, HUGE_AT, PAGES, 50);
	assert_int_equal(peek(w.mm, HUGE_AT + PAGES * PAGE), 0);
}

static struct mmun_object *map_file(int kind)
{
	struct mmun_object *file;

	assert_int_equal(mmun_object_create(w.machine, PAGES * PAGE, &file), 0);
	map_object(w.mm, BASE, PAGES, kind, file, 0);
	map_object(w.mm, BASE + 64 * PAGE, PAGES, MMUN_MAP_SHARED, file, 0);
	cpu_fill(BASE + 64 * PAGE, PAGES, 10);
	return file;
}

static void test_file_read(void **state)
{
	struct mmun_object *file = map_file(MMUN_MAP_SHARED);

	(void)state;
	device_expect(BASE, PAGES, 10, 1);
	mmun_object_destroy(file);
}

/* What the device writes reaches the file, and writeback knows of it. */
static void test_file_write(void **state)
{
	struct mmun_object *file = map_file(MMUN_MAP_SHARED);
	uint64_t dirty;

	(void)state;
	assert_int_equal(mmun_object_clean(file, 0, PAGES * PAGE, &dirty), 0);
	device_fill(&dev, BASE, PAGES, 60);
	cpu_expect(w.mm, BASE + 64 * PAGE, PAGES, 60);
	assert_int_equal(mmun_object_clean(file, 0, PAGES * PAGE, &dirty), 0);
	assert_int_equal(dirty, PAGES);
	device_fill(&dev, BASE, PAGES, 70);
	assert_int_equal(mmun_object_clean(file, 0, PAGES * PAGE, &dirty), 0);
	assert_int_equal(dirty, PAGES);
	mmun_object_destroy(file);
}

/* What a device has of the buffer before is not seen in the next one. */
static void test_anon_read_multiple(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 20; n++) {
		map(w.mm, BASE, PAGES, RW);
		cpu_fill(BASE, PAGES, 100 * n);
		device_expect(BASE, PAGES, 100 * n, 1);
		assert_int_equal(mmun_munmap(w.mm, BASE, PAGES * PAGE), 0);
		assert_int_equal(device_read(&dev, BASE, 1, words, &did), -EFAULT);
	}
}

/* Page by page: no access; a hole; the page of zeros; read-only; writable; none. */
static void test_snapshot(void **state)
{
	static const unsigned char expected[] = {
		SEEN_ERROR, SEEN_ERROR, SEEN_ZERO | SEEN_READ, SEEN_READ, SEEN_WRITE, SEEN_NONE,
	};

	(void)state;
	map(w.mm, BASE, PAGES, RW);
	assert_int_equal(mmun_munmap(w.mm, BASE + PAGE, PAGE), 0);
	cpu_put(&w, BASE, 1);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, NONE), 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);
	cpu_fill(BASE + 3 * PAGE, 2, 1);
	assert_int_equal(mmun_mprotect(w.mm, BASE + 2 * PAGE, 2 * PAGE, RO), 0);
	assert_int_equal(device_snapshot(&dev, BASE, PAGES, seen), 0);
	assert_memory_equal(seen, expected, sizeof(expected));
	/* Nothing was faulted in. */
	assert_true(pte_none(mm_translate(w.mm, BASE + 5 * PAGE)));
}

static void test_compound(void **state)
{
	(void)state;
	map_huge();
	cpu_put(&w, HUGE_AT, 1);
	assert_int_equal(device_snapshot(&dev, HUGE_AT + PAGE, DEVICE_BATCH, seen), 0);
	for (unsigned n = 0; n < DEVICE_BATCH; n++)
		assert_int_equal(seen[n], SEEN_WRITE | SEEN_PMD);
	assert_int_equal(mmun_mprotect(w.mm, HUGE_AT, HUGE_BYTES, RO), 0);
	assert_int_equal(device_snapshot(&dev, HUGE_AT, DEVICE_BATCH, seen), 0);
	for (unsigned n = 0; n < DEVICE_BATCH; n++)
		assert_int_equal(seen[n], SEEN_READ | SEEN_PMD);
}

/* Two devices read the same pages, which one of them moves to another frame. */
static void test_double_map(void **state)
{
	(void)state;
	map(w.mm, BASE, PAGES, RW);
	cpu_fill(BASE, PAGES, 10);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGES * PAGE, RO), 0);
	device_expect(BASE, PAGES, 10, 1);
	assert_int_equal(device_read(&dev2, BASE, PAGES, words, &did), 0);
	assert_int_equal(did.faults, 1);
	for (uint64_t n = 0; n < PAGES; n++)
		assert_int_equal(mmun_migrate_owned(w.mm, BASE + n * PAGE, &dev2), 0);
	device_expect(BASE, PAGES, 10, 1);
	device_expect(BASE, PAGES, 10, 0);
}

static void make_exclusive(void)
{
	map(w.mm, BASE, PAGES, RW);
	cpu_fill(BASE, PAGES, 10);
	assert_int_equal(device_exclusive(&dev, BASE, PAGES, &did), 0);
	assert_int_equal(did.cpages, PAGES);
	assert_int_equal(device_exclusive_left(&dev, BASE, PAGES), PAGES);
}

static void test_exclusive(void **state)
{
	(void)state;
	make_exclusive();
	device_expect(BASE, PAGES, 10, 0);
	for (uint64_t n = 0; n < PAGES; n++) {
		assert_int_equal(cpu_get(&w, BASE + n * PAGE), 10 + n);
		cpu_put(&w, BASE + n * PAGE, 11 + n);
		assert_int_equal(device_exclusive_left(&dev, BASE, PAGES), PAGES - 1 - n);
	}
	device_expect(BASE, PAGES, 11, 1);
}

/* What the device alone writes is there for the processor, and the other device ends it. */
static void test_exclusive_two(void **state)
{
	(void)state;
	make_exclusive();
	for (uint64_t n = 0; n < PAGES; n++)
		words[n] = 80 + n;
	assert_int_equal(device_write(&dev, BASE, PAGES, words, &did), 0);
	assert_int_equal(did.faults, 0);
	assert_int_equal(device_read(&dev2, BASE, 1, words, &did), 0);
	assert_int_equal(words[0], 80);
	assert_int_equal(device_exclusive_left(&dev, BASE, PAGES), PAGES - 1);
	cpu_expect(w.mm, BASE, PAGES, 80);
}

/* The event of another owner is obeyed: a page is one device's alone at a time. */
static void test_exclusive_owners(void **state)
{
	(void)state;
	make_exclusive();
	assert_int_equal(device_exclusive(&dev2, BASE, 2, &did), 0);
	assert_int_equal(device_exclusive_left(&dev2, BASE, PAGES), 2);
	assert_int_equal(device_exclusive_left(&dev, BASE, PAGES), PAGES - 2);
	device_fill(&dev, BASE, 1, 90); /* takes it back by a fault */
	assert_int_equal(device_exclusive_left(&dev2, BASE, PAGES), 1);
	assert_int_equal(device_read(&dev2, BASE, 1, words, &did), 0);
	assert_int_equal(words[0], 90);
}

static void test_exclusive_mprotect(void **state)
{
	(void)state;
	make_exclusive();
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGES * PAGE, RO), 0);
	assert_int_equal(device_write(&dev, BASE, PAGES, words, &did), -EPERM);
	cpu_expect(w.mm, BASE, PAGES, 10);
}

static void test_exclusive_cow(void **state)
{
	struct mmun_mm *child;

	(void)state;
	make_exclusive();
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(device_exclusive_left(&dev, BASE, PAGES), 0);
	for (uint64_t n = 0; n < PAGES; n++) {
		poke(w.mm, BASE + n * PAGE, peek(w.mm, BASE + n * PAGE) + 1);
		poke(child, BASE + n * PAGE, peek(child, BASE + n * PAGE) + 1);
	}
	cpu_expect(w.mm, BASE, PAGES, 11);
	cpu_expect(child, BASE, PAGES, 11);
	assert_int_equal(mmun_mm_destroy(child), 0);
}

/* --- not among Linux's ------------------------------------------------------ */

/* Each page can ask for its own, and the mask forgets what a page asks for. */
static void test_asks_by_page(void **state)
{
	uint64_t pfn[] = { 0, MMUN_HMM_PFN_REQ_FAULT,
			   MMUN_HMM_PFN_REQ_FAULT | MMUN_HMM_PFN_REQ_WRITE, 0 };
	struct mmun_hmm_range r = {
		.notifier = &dev.sub, .start = BASE, .end = BASE + 4 * PAGE, .hmm_pfns = pfn,
	};

	(void)state;
	map(w.mm, BASE, 4, RW);
	r.notifier_seq = mmu_interval_read_begin(&dev.sub);
	assert_int_equal(mmun_hmm_range_fault(&r), 0);
	assert_true(!pfn[0] && !pfn[1] && !pfn[2] && !pfn[3]);
	pfn[1] = MMUN_HMM_PFN_REQ_FAULT;
	pfn[2] = MMUN_HMM_PFN_REQ_FAULT | MMUN_HMM_PFN_REQ_WRITE;
	r.pfn_flags_mask = MMUN_HMM_PFN_REQ_FAULT | MMUN_HMM_PFN_REQ_WRITE;
	assert_int_equal(mmun_hmm_range_fault(&r), 0);
	assert_true(!pfn[0] && !pfn[3]);
	assert_int_equal(device_sees(&dev, pfn[1]), SEEN_READ | SEEN_ZERO);
	assert_int_equal(device_sees(&dev, pfn[2]), SEEN_WRITE);
	/* Writing alone asks for nothing. */
	pfn[0] = MMUN_HMM_PFN_REQ_WRITE;
	assert_int_equal(mmun_hmm_range_fault(&r), 0);
	assert_true(!pfn[0]);
}

static void test_busy(void **state)
{
	uint64_t pfn = 0;
	struct mmun_hmm_range r = {
		.notifier = &dev.sub, .start = BASE, .end = BASE + PAGE, .hmm_pfns = &pfn,
	};

	(void)state;
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	r.notifier_seq = mmu_interval_read_begin(&dev.sub);
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_int_equal(mmun_hmm_range_fault(&r), -EBUSY);
	assert_int_equal(pfn, 0);
	r.notifier_seq = mmu_interval_read_begin(&dev.sub);
	assert_int_equal(mmun_hmm_range_fault(&r), 0);
	assert_int_equal(device_sees(&dev, pfn), SEEN_WRITE);
}

/* What is in swap, has a hint, or is a device's alone, is fetched, if it is asked for. */
static void test_elsewhere(void **state)
{
	(void)state;
	map(w.mm, BASE, PAGES, RW);
	cpu_fill(BASE, PAGES, 10);
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(mmun_numa_hint(w.mm, BASE + PAGE, PAGE), 0);
	assert_int_equal(mmun_make_exclusive(w.mm, BASE + 2 * PAGE, &dev2), 0);
	assert_int_equal(device_snapshot(&dev, BASE, 4, seen), 0);
	assert_memory_equal(seen, "\0\0\0\2", 4);
	device_expect(BASE, PAGES, 10, 1);
}

static void test_refuses(void **state)
{
	uint64_t pfn = 0, value;
	struct mmun_hmm_range good = {
		.notifier = &dev.sub, .start = BASE, .end = BASE + PAGE, .hmm_pfns = &pfn,
		.notifier_seq = mmu_interval_read_begin(&dev.sub),
	}, bad = good;

	(void)state;
	map(w.mm, BASE, 1, RW);
	assert_int_equal(mmun_hmm_range_fault(NULL), -EINVAL);
	bad.hmm_pfns = NULL;
	assert_int_equal(mmun_hmm_range_fault(&bad), -EINVAL);
	bad = good;
	bad.notifier = NULL;
	assert_int_equal(mmun_hmm_range_fault(&bad), -EINVAL);
	bad = good;
	bad.end = bad.start;
	assert_int_equal(mmun_hmm_range_fault(&bad), -EINVAL);
	bad = good;
	bad.end += 8;
	assert_int_equal(mmun_hmm_range_fault(&bad), -EINVAL);
	bad = good;
	bad.start -= PAGE; /* the notifier is not told of it */
	assert_int_equal(mmun_hmm_range_fault(&bad), -EINVAL);
	bad = good;
	bad.end = BASE + (DEVICE_PAGES + 1) * PAGE;
	assert_int_equal(mmun_hmm_range_fault(&bad), -EINVAL);
	good.default_flags = MMUN_HMM_PFN_REQ_FAULT;
	assert_int_equal(mmun_hmm_range_fault(&good), 0);
	assert_int_equal(mmun_hmm_load(w.machine, 0, 0, &value), -EINVAL);
	assert_int_equal(mmun_hmm_load(w.machine, pfn, PAGE / 8, &value), -EINVAL);
	assert_int_equal(mmun_hmm_load(NULL, pfn, 0, &value), -EINVAL);
	assert_int_equal(mmun_hmm_load(w.machine, pfn, 0, NULL), -EINVAL);
	assert_int_equal(mmun_hmm_store(w.machine, 0, 0, 1), -EINVAL);
	assert_int_equal(mmun_hmm_store(w.machine, pfn, 0, 1), -EPERM); /* the page of zeros */
	assert_int_equal(mmun_hmm_make_exclusive(w.mm, BASE, &dev, NULL), -EINVAL);
	assert_int_equal(mmun_hmm_make_exclusive(w.mm, BASE + 8, &dev, &value), -EINVAL);
	assert_int_equal(mmun_hmm_make_exclusive(w.mm, BASE + PAGE, &dev, &value), -EFAULT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(open_close), TEST(anon_read), TEST(anon_read_prot), TEST(anon_write),
		TEST(anon_write_prot), TEST(anon_write_child), TEST(anon_write_child_shared),
		TEST(anon_write_huge), TEST(file_read), TEST(file_write), TEST(anon_read_multiple),
		TEST(snapshot), TEST(compound), TEST(double_map), TEST(exclusive),
		TEST(exclusive_mprotect), TEST(exclusive_cow),
		TEST(exclusive_two), TEST(exclusive_owners),
		TEST(asks_by_page), TEST(busy), TEST(elsewhere), TEST(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
