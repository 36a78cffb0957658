/* SPDX-License-Identifier: MIT */
/*
 * stress.h - the address space that stress_vm.c works on, and what each thread knows
 * of it. Operations are in stress_ops.c; which thread runs what, and when all rest, is
 * in stress_vm.c.
 *
 * In each page that is not volatile each thread has a word of its own, which it alone
 * writes, with growing values. So it knows what it must read back, whatever is done to
 * the page, and everybody else knows that no word ever shrinks.
 */
#ifndef MMUN_TESTS_STRESS_H
#define MMUN_TESTS_STRESS_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/calls.h"
#include "mirror/mirror.h"
#include "vm/ops/ops.h"

enum {
	THREADS_MAX = 16,
	WORD_PAGES = 48,      /* of own, dropped and shared pages, each */
	DEVICES = 2,
	MIRRORS = 2,          /* one of each kind */
	RW = MMUN_PROT_READ | MMUN_PROT_WRITE,
	ANON = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
	SHARED = MMUN_MAP_SHARED | MMUN_MAP_FIXED,
};

/* Where things are: regions that begin and end with huge pages. */
enum region {
	REGION_OWN,           /* never lost */
	REGION_DROPPED,       /* given up by madvise: kept, or 0 */
	REGION_SHARED,        /* of an object, */
	REGION_ALIAS,         /* and again, elsewhere */
	REGION_VOLATILE,      /* comes, goes and moves, */
	REGION_WHOLE,         /* and this by huge pages */
	REGION_FILE,          /* of an object that is truncated and punched; shared, */
	REGION_PRIVATE,       /* and private */
	REGION_READ_ONLY,     /* replaced */
	REGIONS,
};

enum { REGION_HUGE = 4 }; /* huge pages in a region */
#define REGION_BYTES (REGION_HUGE * HUGE_BYTES)
#define REGION_START(r) (((uint64_t)1 << 30) + (uint64_t)(r) * (REGION_BYTES + HUGE_BYTES))
#define MAGIC ((uint64_t)0x5a5a0000)

/* Operations that take something away: one that is over when a store begins does not
 * affect it. */
struct takeaway { atomic_uint_least64_t begun, ended; };

struct word {
	uint64_t value;       /* stored last */
	uint64_t ended;       /* takeaways that were over then */
	atomic_uint_least64_t stored, storing; /* for others: at least, at most */
};

struct stress {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_object *shared, *file;
	struct mmun_ats *ats[DEVICES];
	struct mirror *mirror[MIRRORS];      /* of all regions */
	struct mmu_interval_notifier driver; /* whose lock may be busy */
	unsigned threads;
	bool inject;
	struct takeaway rights; /* of own pages */
	struct takeaway drops;  /* of dropped pages */
	atomic_uint_least64_t replaced;
};

struct thread {
	struct stress *s;
	unsigned number;
	uint64_t rnd;
	uint64_t clock;       /* the last value; modulo THREADS_MAX the thread's number */
	const char *op;       /* for the message */
	struct mmun_cpu *cpu;
	struct mmun_mm *child;
	struct mmun_cpu *child_cpu;
	struct mmun_pin *any_pin; /* of some page that comes and goes */
	struct mmun_pin *pin; /* of an own page, */
	unsigned pin_page;    /* this one */
	bool pin_write;
	struct word word[3][WORD_PAGES]; /* own, dropped, shared */
	uint64_t seen_read_only;
	uint64_t count;
};

/* What a thread does, one thing after the other: stress_ops.c. */
struct act {
	const char *name;
	unsigned weight;
	void (*run)(struct thread *t);
};

extern const struct act acts[];
extern const unsigned act_count;

/* Is this operation of the table about a range? Then op_any() calls it: how often. */
static inline bool any_calls(enum op op)
{
	return *operations[op].takes && strchr("vo", operations[op].takes[0]);
}

extern _Atomic uint64_t any_count[OP_COUNT];

extern struct thread threads[THREADS_MAX];

_Noreturn void stress_failed(const char *file, int line, const char *what, long long a,
			     long long b);

#define CHECK(cond) \
	((cond) ? (void)0 : stress_failed(__FILE__, __LINE__, #cond, 0, 0))
#define CHECK_EQ(a, b) ((a) == (b) ? (void)0 : \
	stress_failed(__FILE__, __LINE__, #a " == " #b, (long long)(a), (long long)(b)))

static inline uint64_t random_next(struct thread *t)
{
	t->rnd = t->rnd * 6364136223846793005u + 1442695040888963407u;
	return t->rnd >> 33;
}

static inline uint64_t random_below(struct thread *t, uint64_t n) { return random_next(t) % n; }

/* Where the i-th page with words is: in several tables, some next to each other. */
static inline uint64_t word_page(enum region r, unsigned i)
{
	uint64_t page = i / REGION_HUGE * 3 / 2;

	return REGION_START(r) + i % REGION_HUGE * HUGE_BYTES + page * PAGE_BYTES;
}

/* Gives up what a thread has, at the end. */
void thread_fini(struct thread *t);

#endif
