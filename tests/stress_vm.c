/* SPDX-License-Identifier: MIT */
/*
 * stress_vm.c - real threads at one address space: processors and devices store
 * and load while others fork, merge, protect, replace, unmap and map again.
 *
 *      stress_vm [ITERATIONS [CLASSIC]]
 *
 * What is checked. "own" pages: one thread each is the only writer of its word
 * and must always read back what it wrote last, through its processor and
 * through its device, whatever is copied underneath. "shared" words only grow,
 * so nobody may see one shrink. "volatile" pages come and go: a load finds 0 or
 * a value that belongs to that address, or fails. A forked child never changes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/vm.h"

#define CHECK(cond) do { if (!(cond)) {                                         \
	fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); abort(); } } while (0)

enum {
	WRITERS = 3,
	OWN_PAGES = 8,        /* every writer has a word in each */
	VOLATILE_PAGES = 16,
	RW = MMUN_PROT_READ | MMUN_PROT_WRITE,
	ANON = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
};

#define OWN ((uint64_t)1 << 30)
#define VOLATILE (OWN + (OWN_PAGES + 3) * PAGE_BYTES) /* in the same leaf table */
#define REPLACED (VOLATILE + (VOLATILE_PAGES + 3) * PAGE_BYTES)

struct stress {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_ats *ats[2];
	unsigned iterations;
	_Atomic(int) writers_left;
};

struct writer {
	struct stress *s;
	unsigned number;
};

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static uint64_t own_addr(unsigned page, unsigned word)
{
	return OWN + page * PAGE_BYTES + word * 8;
}

static int access_word(struct mmun_cpu *cpu, struct mmun_ats *ats, uint64_t addr, bool write,
		       uint64_t *value)
{
	if (ats)
		return write ? mmun_ats_store_release(ats, addr, *value)
			     : mmun_ats_load_acquire(ats, addr, value);
	return write ? mmun_cpu_store_release(cpu, addr, *value)
		     : mmun_cpu_load_acquire(cpu, addr, value);
}

/* Writes its words through cpu or device, reads them back through either. */
static void *writer_run(void *arg)
{
	struct writer *w = arg;
	struct stress *s = w->s;
	uint64_t last[OWN_PAGES] = { 0 }, seen[OWN_PAGES] = { 0 }, rnd = w->number;
	struct mmun_cpu *cpu;

	CHECK(!mmun_cpu_create(s->mm, &cpu));
	for (uint64_t i = 1; i <= (uint64_t)s->iterations * 20; i++) {
		unsigned page = random_next(&rnd) % OWN_PAGES;
		unsigned other = (w->number + 1) % WRITERS;
		struct mmun_ats *via = random_next(&rnd) % 2 ? s->ats[w->number % 2] : NULL;
		uint64_t v;

		CHECK(!access_word(cpu, via, own_addr(page, w->number), false, &v));
		CHECK(v == last[page]);
		v = i;
		via = random_next(&rnd) % 2 ? s->ats[(w->number + 1) % 2] : NULL;
		CHECK(!access_word(cpu, via, own_addr(page, w->number), true, &v));
		last[page] = i;
		via = random_next(&rnd) % 2 ? s->ats[w->number % 2] : NULL;
		CHECK(!access_word(cpu, via, own_addr(page, other), false, &v));
		CHECK(v >= seen[page]); /* another's word only grows */
		seen[page] = v;
	}
	mmun_cpu_destroy(cpu);
	s->writers_left--;
	return NULL;
}

/* Stores its address into pages that come and go; loads find that, or 0. */
static void *device_run(void *arg)
{
	struct stress *s = arg;
	uint64_t rnd = 77, grown = 0;

	while (s->writers_left) {
		uint64_t addr = VOLATILE + random_next(&rnd) % VOLATILE_PAGES * PAGE_BYTES +
				random_next(&rnd) % 4 * 8;
		struct mmun_ats *ats = s->ats[random_next(&rnd) % 2];
		uint64_t v;
		int err;

		if (random_next(&rnd) % 2) {
			err = mmun_ats_store(ats, addr, addr);
			CHECK(!err || err == -EFAULT);
		} else {
			err = mmun_ats_load(ats, addr, &v);
			CHECK(err ? err == -EFAULT : v == 0 || v == addr);
		}
		CHECK(!mmun_ats_load_acquire(ats, REPLACED, &v));
		CHECK(v >= grown);
		grown = v;
	}
	return NULL;
}

static void *mapper_run(void *arg)
{
	struct stress *s = arg;
	uint64_t rnd = 99, replaced = 0, at;

	while (s->writers_left) {
		uint64_t page = random_next(&rnd) % VOLATILE_PAGES;
		uint64_t addr = VOLATILE + page * PAGE_BYTES;
		uint64_t len = (1 + random_next(&rnd) % (VOLATILE_PAGES - page)) * PAGE_BYTES;
		int err;

		switch (random_next(&rnd) % 5) {
		case 0:
			CHECK(!mmun_munmap(s->mm, addr, len));
			break;
		case 1:
		case 2:
			CHECK(!mmun_mmap(s->mm, addr, len, RW, ANON, &at) && at == addr);
			break;
		case 3:
			err = mmun_mprotect(s->mm, addr, len, (int)(random_next(&rnd) % 3));
			CHECK(!err || err == -ENOMEM);
			break;
		case 4:
			CHECK(!mmun_replace_page(s->mm, REPLACED, ++replaced));
			break;
		}
	}
	return NULL;
}

/* The child holds each word still while the parent goes on. */
static void check_child(struct mmun_mm *child)
{
	uint64_t first[OWN_PAGES][WRITERS], v;
	struct mmun_cpu *cpu;

	CHECK(!mmun_cpu_create(child, &cpu));
	for (unsigned round = 0; round < 2; round++)
		for (unsigned p = 0; p < OWN_PAGES; p++)
			for (unsigned t = 0; t < WRITERS; t++) {
				CHECK(!mmun_cpu_load(cpu, own_addr(p, t), &v));
				CHECK(!round || v == first[p][t]);
				first[p][t] = v;
			}
	CHECK(!mmun_cpu_store(cpu, own_addr(0, WRITERS), 5));
	mmun_cpu_destroy(cpu);
}

static void *forker_run(void *arg)
{
	struct stress *s = arg;
	struct mmun_mm *child;
	uint64_t rnd = 55;

	while (s->writers_left) {
		unsigned a = random_next(&rnd) % OWN_PAGES, b = random_next(&rnd) % OWN_PAGES;
		int err;

		if (a != b) {
			err = mmun_ksm_merge(s->mm, own_addr(a, 0), own_addr(b, 0));
			CHECK(!err || err == -EAGAIN || err == -EFAULT);
		}
		a = random_next(&rnd) % VOLATILE_PAGES;
		b = random_next(&rnd) % VOLATILE_PAGES;
		if (a != b) {
			err = mmun_ksm_merge(s->mm, VOLATILE + a * PAGE_BYTES,
					     VOLATILE + b * PAGE_BYTES);
			CHECK(!err || err == -EAGAIN || err == -EFAULT);
		}
		if (random_next(&rnd) % 4)
			continue;
		CHECK(!mmun_fork(s->mm, &child));
		check_child(child);
		CHECK(!mmun_mm_destroy(child));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct mmun_machine_opts opts = { .frames = 2000 };
	struct mmun_ats_opts ats_opts = { .tlb_shift = 6 };
	struct stress s = { .iterations = argc > 1 ? (unsigned)atoi(argv[1]) : 100 };
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS + 3];
	uint64_t at, v;

	CHECK(!mmun_machine_create(&opts, &s.machine));
	CHECK(!mmun_mm_create(s.machine, argc > 2 ? MMUN_CLASSIC : MMUN_MODERN, &s.mm));
	for (size_t i = 0; i < ARRAY_SIZE(s.ats); i++)
		CHECK(!mmun_ats_create(s.mm, &ats_opts, &s.ats[i]));
	CHECK(!mmun_mmap(s.mm, OWN, OWN_PAGES * PAGE_BYTES, RW, ANON, &at));
	CHECK(!mmun_mmap(s.mm, REPLACED, PAGE_BYTES, MMUN_PROT_READ, ANON, &at));
	s.writers_left = WRITERS;
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ &s, i };
		CHECK(!pthread_create(&threads[i], NULL, writer_run, &writers[i]));
	}
	CHECK(!pthread_create(&threads[WRITERS], NULL, device_run, &s));
	CHECK(!pthread_create(&threads[WRITERS + 1], NULL, mapper_run, &s));
	CHECK(!pthread_create(&threads[WRITERS + 2], NULL, forker_run, &s));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK(!mmun_mm_destroy(s.mm));
	CHECK(mmun_ats_load(s.ats[0], OWN, &v) == -EFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(s.ats); i++)
		mmun_ats_destroy(s.ats[i]);
	CHECK(machine_frames_used(s.machine) == 0);
	CHECK(!mmun_machine_destroy(s.machine));
	CHECK(sync_alloc_live() == 0);
	return 0;
}
