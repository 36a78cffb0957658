/* SPDX-License-Identifier: MIT */
/*
 * stress_reclaim.c - real threads store and load while others move their pages, swap
 * them out, ask for their age, fork, and drop pages that nobody counts on.
 *
 *      stress_reclaim [ITERATIONS [CLASSIC]]
 *
 * What is checked. "own" pages: each writer is the only one to write its word in them and
 * must always read back what it wrote last, through its processor and through its device,
 * wherever the page is. "lazy" pages are freed lazily and dropped: a word there is 0 or
 * what its writer wrote last. A child of fork, itself swapped out and moved about, never
 * changes. In the end everything is accounted for.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit.h"

#define CHECK(cond) do { if (!(cond)) {                                         \
	fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); abort(); } } while (0)

enum {
	WRITERS = 3, MOVERS = 3,
	OWN_PAGES = 6, LAZY_PAGES = 4,
	FRAMES = 400, SLOTS = 64,
	RW = MMUN_PROT_READ | MMUN_PROT_WRITE,
	ANON = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
};

#define OWN ((uint64_t)1 << 30)
#define LAZY (OWN + (OWN_PAGES + 2) * PAGE_BYTES)

struct stress {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_ats *ats;
	unsigned iterations;
	_Atomic(int) movers_left;
};

struct worker {
	struct stress *s;
	unsigned number;
};

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static int access_word(const struct stress *s, struct mmun_cpu *cpu, uint64_t rnd, uint64_t addr,
		       bool write, uint64_t *value)
{
	if (rnd & 64)
		return write ? mmun_ats_store_release(s->ats, addr, *value)
			     : mmun_ats_load_acquire(s->ats, addr, value);
	return write ? mmun_cpu_store_release(cpu, addr, *value)
		     : mmun_cpu_load_acquire(cpu, addr, value);
}

/* --- those that store ------------------------------------------------------ */

static void *writer_run(void *arg)
{
	struct worker *me = arg;
	struct stress *s = me->s;
	uint64_t own[OWN_PAGES] = { 0 }, lazy[LAZY_PAGES] = { 0 }, rnd = me->number + 1;
	struct mmun_cpu *cpu;

	CHECK(!mmun_cpu_create(s->mm, &cpu));
	for (uint64_t i = 1; s->movers_left; i++) {
		uint64_t r = random_next(&rnd), v = i;
		bool is_lazy = (r & 3) == 0, write = r & 4;
		unsigned page = (unsigned)(r >> 8) % (is_lazy ? LAZY_PAGES : OWN_PAGES);
		uint64_t *last = is_lazy ? &lazy[page] : &own[page];
		uint64_t addr = (is_lazy ? LAZY : OWN) + page * PAGE_BYTES + me->number * 8;

		/* Dropping is not one moment for all: one TLB may still have the old page. */
		CHECK(!access_word(s, cpu, is_lazy ? 0 : r, addr, write, &v));
		if (write)
			*last = i;
		else
			CHECK(v == *last || (is_lazy && v == 0));
		if (is_lazy && !write)
			*last = v; /* what is gone is gone */
	}
	mmun_cpu_destroy(cpu);
	return NULL;
}

/* --- those that move ------------------------------------------------------- */

static void lazy_op(struct stress *s, uint64_t r)
{
	uint64_t addr = LAZY + (r >> 8) % LAZY_PAGES * PAGE_BYTES;

	if (r & 128) {
		CHECK(!mmun_madvise(s->mm, addr, PAGE_BYTES, MMUN_MADV_FREE));
		CHECK(!mmun_madvise(s->mm, addr, PAGE_BYTES, MMUN_MADV_PAGEOUT));
	} else {
		CHECK(!mmun_madvise(s->mm, addr, PAGE_BYTES, MMUN_MADV_DONTNEED));
	}
}

static void own_op(struct mmun_mm *mm, uint64_t r)
{
	uint64_t addr = OWN + (r >> 8) % OWN_PAGES * PAGE_BYTES;
	bool young;
	int err;

	switch (r % 5) {
	case 0:
		err = mmun_migrate(mm, addr);
		CHECK(!err || err == -EBUSY || err == -EFAULT);
		break;
	case 4:
		err = mmun_reclaim(mm, addr);
		CHECK(!err || err == -EBUSY || err == -EFAULT || err == -ENOMEM);
		break;
	case 1:
		err = mmun_page_young(mm, addr, r & 64, &young);
		CHECK(!err || err == -EFAULT);
		break;
	default:
		err = mmun_madvise(mm, addr, PAGE_BYTES * (1 + r / 4 % 3), MMUN_MADV_PAGEOUT);
		CHECK(!err || err == -ENOMEM); /* past the end of the area */
	}
}

static void read_all(struct mmun_cpu *cpu, uint64_t *values)
{
	for (unsigned i = 0; i < OWN_PAGES * WRITERS; i++)
		CHECK(!mmun_cpu_load(cpu, OWN + i / WRITERS * PAGE_BYTES + i % WRITERS * 8,
				     &values[i]));
}

/* A child, whose pages are moved and swapped out as well, has what it was born with. */
static void fork_op(struct stress *s, uint64_t *rnd)
{
	uint64_t first[OWN_PAGES * WRITERS], later[OWN_PAGES * WRITERS];
	struct mmun_mm *child;
	struct mmun_cpu *cpu;

	CHECK(!mmun_fork(s->mm, &child));
	CHECK(!mmun_cpu_create(child, &cpu));
	read_all(cpu, first);
	for (unsigned i = 0; i < 8; i++)
		own_op(child, random_next(rnd));
	CHECK(!mmun_cpu_store(cpu, OWN + WRITERS * 8, 1));
	read_all(cpu, later);
	for (unsigned i = 0; i < OWN_PAGES * WRITERS; i++)
		CHECK(first[i] == later[i]);
	mmun_cpu_destroy(cpu);
	CHECK(!mmun_mm_destroy(child));
}

static void *mover_run(void *arg)
{
	struct worker *me = arg;
	struct stress *s = me->s;
	uint64_t rnd = me->number + 100;

	for (unsigned i = 0; i < s->iterations; i++) {
		uint64_t r = random_next(&rnd);

		if (me->number == 0 && (r >> 20) % 4 == 0)
			fork_op(s, &rnd);
		else if ((r >> 20) % 4 == 1)
			lazy_op(s, r);
		else
			own_op(s->mm, r);
	}
	s->movers_left--;
	return NULL;
}

/* --- all together ---------------------------------------------------------- */

static void world_create(struct stress *s, enum mmun_semantics semantics)
{
	struct mmun_machine_opts opts = { .frames = FRAMES, .swap_pages = SLOTS };
	uint64_t at;

	CHECK(!mmun_machine_create(&opts, &s->machine));
	CHECK(!mmun_mm_create(s->machine, semantics, &s->mm));
	CHECK(!mmun_mmap(s->mm, OWN, OWN_PAGES * PAGE_BYTES, RW, ANON, &at));
	CHECK(!mmun_mmap(s->mm, LAZY, LAZY_PAGES * PAGE_BYTES, RW, ANON, &at));
	CHECK(!mmun_ats_create(s->mm, NULL, &s->ats));
}

int main(int argc, char **argv)
{
	struct stress s = { .iterations = argc > 1 ? (unsigned)atoi(argv[1]) : 20000 };
	pthread_t thread[WRITERS + MOVERS];
	struct worker worker[WRITERS + MOVERS];

	world_create(&s, argc > 2 ? MMUN_CLASSIC : MMUN_MODERN);
	s.movers_left = MOVERS;
	for (unsigned i = 0; i < WRITERS + MOVERS; i++) {
		bool writes = i < WRITERS;

		worker[i] = (struct worker){ &s, writes ? i : i - WRITERS };
		CHECK(!pthread_create(&thread[i], NULL, writes ? writer_run : mover_run,
				      &worker[i]));
	}
	for (unsigned i = 0; i < WRITERS + MOVERS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	audit_mm(s.mm);
	CHECK(!mmun_mm_destroy(s.mm));
	mmun_ats_destroy(s.ats);
	CHECK(!mmun_machine_destroy(s.machine));
	return 0;
}
