/* SPDX-License-Identifier: MIT */
/*
 * explore.h - the explorer as the other layers see it: what its users have
 * (mmun/explore.h), and what only the benchmarks call.
 */
#ifndef MMUN_EXPLORE_INTERNAL_H
#define MMUN_EXPLORE_INTERNAL_H

#include "base/base.h"

struct sync_site;
#include "mmun/explore.h"

/* Behind mmun/kernel.h's macro. */
bool explore_optional_(const char *what, const struct sync_site *site);

/* Measured by the benchmarks: switches between two fibers. */
void explore_switch_benchmark(uint64_t switches);

#endif
