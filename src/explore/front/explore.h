/* SPDX-License-Identifier: MIT */
/*
 * explore.h - the explorer as the rest of the tree sees it: what its users have
 * (mmun/explore.h), and what only the benchmarks call.
 */
#ifndef MMUN_EXPLORE_INTERNAL_H
#define MMUN_EXPLORE_INTERNAL_H

#include "base/base.h"
#include "mmun/explore.h"

/*
 * An exploration in parts, each in whichever process of the same program. The options' bounds
 * are those of a part; whatever else is in them must be the same for all parts, and leave_out
 * and EXPLORE_ALL cannot be had. @from has what the part before has left, NULL: nothing was run
 * yet. *ret is the result of all parts so far; pictures of findings are in the last one's only.
 *
 * Returns 0, with *ret_left holding a record of what is left to be run, or NULL bytes if that is
 * nothing, or cannot be gone on with; -EINVAL, with ret->stopped_by in words, for a record that is
 * damaged or of something else; -ENOTSUP if the check keeps objects where no other process finds
 * them; -ENOMEM. The record is free()d by the caller.
 */
struct explore_record { void *bytes; size_t size; };

int explore_part(const struct explore_check *check, const struct explore_options *options,
		 const struct explore_record *from, struct explore_result *ret,
		 struct explore_record *ret_left);

/* Measured by the benchmarks: switches between two fibers. */
void explore_switch_benchmark(uint64_t switches);

#endif
