/* SPDX-License-Identifier: MIT */
/*
 * explore.h - the explorer as the rest of the tree sees it: what its users have
 * (mmun/explore.h), and what only the benchmarks call.
 */
#ifndef MMUN_EXPLORE_INTERNAL_H
#define MMUN_EXPLORE_INTERNAL_H

#include "base/base.h"
#include "mmun/explore.h"

/* Measured by the benchmarks: switches between two fibers. */
void explore_switch_benchmark(uint64_t switches);

#endif
