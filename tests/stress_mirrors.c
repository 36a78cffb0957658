/* SPDX-License-Identifier: MIT */
/*
 * stress_mirrors.c - a guest (mmun/kvm.h) and devices with page tables of their own
 * (hmm_device.h) on real threads, while their pages are moved, swapped out, shared and unmapped.
 *
 *      stress_mirrors [ITERATIONS]
 *
 * What is checked. The guest and the first device each own the first word of some pages and find
 * there what they have stored last. What a thread copies with the help of the guest's dirty log is
 * what the guest has in the end, but for the pages that the log names. The second device reads
 * pages that come and go (Linux's anon_teardown): it fails, or finds what was stored, or 0.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "mmun/kvm.h"
#define DEVICE_PAGES 16
#include "hmm_device.h"

#define CHECK(cond) do { if (!(cond)) {                                         \
	fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); abort(); } } while (0)

enum { PAGES = DEVICE_PAGES, BATCH = 4, RW = MMUN_PROT_READ | MMUN_PROT_WRITE, MAGIC = 77 };
enum { GUEST, OWN, COMES_AND_GOES, REGIONS };
#define REGION(r) (((uint64_t)1 << 30) + (uint64_t)(r) * 2 * HUGE_BYTES)

static struct mmun_machine *machine;
static struct mmun_mm *mm;
static struct mmun_kvm *kvm;
static struct hmm_device own, other;
static unsigned iterations = 20000;
static uint64_t guest_last[PAGES], copy[PAGES];

static uint64_t random_below(uint64_t *seed, uint64_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % n;
}

static void *run_guest(void *arg)
{
	uint64_t seed = 1, value;

	(void)arg;
	for (uint64_t i = 1; i <= iterations; i++) {
		uint64_t gfn = random_below(&seed, PAGES);

		if (random_below(&seed, 2)) {
			CHECK(!mmun_kvm_store(kvm, gfn * PAGE_BYTES, i));
			guest_last[gfn] = i;
		} else {
			CHECK(!mmun_kvm_load(kvm, gfn * PAGE_BYTES, &value));
			CHECK(value == guest_last[gfn]);
		}
	}
	return NULL;
}

static void copy_dirty(struct mmun_cpu *cpu)
{
	uint64_t bits;

	CHECK(!mmun_kvm_get_dirty_log(kvm, &bits, 1));
	CHECK(!mmun_kvm_clear_dirty_log(kvm, &bits, 1));
	for (uint64_t gfn = 0; gfn < PAGES; gfn++)
		if (bits >> gfn & 1)
			CHECK(!mmun_cpu_load(cpu, REGION(GUEST) + gfn * PAGE_BYTES, &copy[gfn]));
}

static void *run_copier(void *arg)
{
	struct mmun_cpu *cpu;

	(void)arg;
	CHECK(!mmun_cpu_create(mm, &cpu));
	for (unsigned i = 0; i < iterations / 10; i++)
		copy_dirty(cpu);
	mmun_cpu_destroy(cpu);
	return NULL;
}

static void *run_device(void *arg)
{
	uint64_t seed = 2, last[PAGES] = { 0 }, words[BATCH];
	struct device_did did;

	(void)arg;
	for (uint64_t i = 1; i <= iterations; i++) {
		uint64_t first = random_below(&seed, PAGES - BATCH + 1);
		uint64_t addr = REGION(OWN) + first * PAGE_BYTES;

		if (random_below(&seed, 8) == 0) {
			int err = device_exclusive(&own, addr, 1, &did);

			CHECK(!err || err == -EBUSY);
		}
		if (random_below(&seed, 2)) {
			for (unsigned n = 0; n < BATCH; n++)
				words[n] = last[first + n] = i * BATCH + n;
			CHECK(!device_write(&own, addr, BATCH, words, &did));
		} else {
			CHECK(!device_read(&own, addr, BATCH, words, &did));
			for (unsigned n = 0; n < BATCH; n++)
				CHECK(words[n] == last[first + n]);
		}
	}
	return NULL;
}

/* What comes and goes, and its reader. */
static void map_region(unsigned r)
{
	uint64_t at;

	CHECK(!mmun_mmap(mm, REGION(r), PAGES * PAGE_BYTES, RW,
			 MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at));
}

static void *run_unmapper(void *arg)
{
	struct mmun_cpu *cpu;

	(void)arg;
	CHECK(!mmun_cpu_create(mm, &cpu));
	for (unsigned i = 0; i < iterations / 10; i++) {
		map_region(COMES_AND_GOES);
		for (unsigned n = 0; n < PAGES; n += 2)
			CHECK(!mmun_cpu_store(cpu, REGION(COMES_AND_GOES) + n * PAGE_BYTES, MAGIC));
		CHECK(!mmun_munmap(mm, REGION(COMES_AND_GOES) + PAGES / 2 * PAGE_BYTES,
				   PAGES / 2 * PAGE_BYTES));
	}
	mmun_cpu_destroy(cpu);
	return NULL;
}

static void *run_reader(void *arg)
{
	uint64_t words[PAGES];
	struct device_did did;

	(void)arg;
	for (unsigned i = 0; i < iterations / 4; i++) {
		int err = device_read(&other, REGION(COMES_AND_GOES), PAGES, words, &did);

		CHECK(!err || err == -EFAULT);
		for (uint64_t n = 0; n < did.cpages; n++)
			CHECK(words[n] == 0 || (words[n] == MAGIC && n % 2 == 0));
		CHECK(err || did.cpages == PAGES);
	}
	return NULL;
}

/* What is done to the pages of the guest and of the first device. */
static void disturb(uint64_t *seed, uint64_t addr)
{
	struct mmun_mm *child;
	bool young;

	switch (random_below(seed, 6)) {
	case 0:
		(void)mmun_migrate(mm, addr);
		break;
	case 1:
		(void)mmun_madvise(mm, addr, PAGE_BYTES, MMUN_MADV_PAGEOUT);
		break;
	case 2:
		CHECK(!mmun_numa_hint(mm, addr, PAGE_BYTES));
		break;
	case 3:
		(void)mmun_page_young(mm, addr, true, &young);
		break;
	case 4:
		(void)mmun_reclaim(mm, addr);
		break;
	case 5:
		if (random_below(seed, 4))
			break;
		CHECK(!mmun_fork(mm, &child));
		CHECK(!mmun_mm_destroy(child));
		break;
	}
}

static void *run_disturber(void *arg)
{
	uint64_t seed = 3 + (uintptr_t)arg;

	for (unsigned i = 0; i < iterations / 2; i++)
		disturb(&seed, REGION(random_below(&seed, 2)) +
			       random_below(&seed, PAGES) * PAGE_BYTES);
	return NULL;
}

static void set_up(void)
{
	const struct mmun_machine_opts opts = { .frames = 2048, .swap_pages = 256 };

	CHECK(!mmun_machine_create(&opts, &machine));
	CHECK(!mmun_mm_create(machine, MMUN_MODERN, &mm));
	for (unsigned r = 0; r < REGIONS; r++)
		map_region(r);
	CHECK(!mmun_kvm_create(mm, REGION(GUEST), PAGES, &kvm));
	CHECK(!mmun_kvm_log_dirty(kvm, true));
	CHECK(!device_open(&own, mm, REGION(OWN)));
	CHECK(!device_open(&other, mm, REGION(COMES_AND_GOES)));
}

static void finish(void)
{
	uint64_t bits, value;

	CHECK(!mmun_kvm_get_dirty_log(kvm, &bits, 1));
	for (uint64_t gfn = 0; gfn < PAGES; gfn++) {
		CHECK(!mmun_kvm_load(kvm, gfn * PAGE_BYTES, &value));
		CHECK(value == guest_last[gfn]);
		CHECK((bits >> gfn & 1) || copy[gfn] == value);
	}
	device_close(&other);
	device_close(&own);
	mmun_kvm_destroy(kvm);
	CHECK(!mmun_mm_destroy(mm));
	CHECK(!mmun_machine_destroy(machine));
}

int main(int argc, char **argv)
{
	static void *(*const run[])(void *) = {
		run_guest, run_copier, run_device, run_unmapper, run_reader, run_disturber,
		run_disturber,
	};
	pthread_t thread[ARRAY_SIZE(run)];

	if (argc > 1)
		iterations = (unsigned)atoi(argv[1]);
	set_up();
	for (uintptr_t i = 0; i < ARRAY_SIZE(run); i++)
		CHECK(!pthread_create(&thread[i], NULL, run[i], (void *)i));
	for (unsigned i = 0; i < ARRAY_SIZE(run); i++)
		CHECK(!pthread_join(thread[i], NULL));
	finish();
	return 0;
}
