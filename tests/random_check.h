/* SPDX-License-Identifier: MIT */
/*
 * random_check.h - small random programs on the door, from a seed: loads,
 * stores, exchanges, adds, locks of every kind, guard and RCU sections, waits
 * and choices. Their result is what each thread has read and what the words
 * hold at the end.
 */
#ifndef MMUN_TEST_RANDOM_CHECK_H
#define MMUN_TEST_RANDOM_CHECK_H

#include "explore/front/explore.h"

enum { RANDOM_OPS_MAX = 8, RANDOM_THREADS_MAX = 4, RANDOM_RESULTS_MAX = 1 << 14 };

struct random_check {
	unsigned threads, ops[RANDOM_THREADS_MAX];
	struct { uint8_t kind, object; } op[RANDOM_THREADS_MAX][RANDOM_OPS_MAX];
	uint64_t results[RANDOM_RESULTS_MAX]; /* hashes of the results seen, a set */
	size_t result_count;
};

/* Fill @r from @seed: at most @ops_max operations altogether. */
void random_check_make(struct random_check *r, uint64_t seed, unsigned ops_max);
struct explore_check random_check_as_check(struct random_check *r);
bool random_check_has(const struct random_check *r, uint64_t result);
/* Does a thread make a choice of its own? */
bool random_check_chooses(const struct random_check *r);
/* Does a thread wait by asking? Then some executions are given up. */
bool random_check_spins(const struct random_check *r);

#endif
