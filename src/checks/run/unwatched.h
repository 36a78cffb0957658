/* SPDX-License-Identifier: MIT */
/*
 * unwatched.h - what the checks of a compiled file do and the explorer is not told of: see gaps.h,
 * and calls of functions that are not the file's and access memory. cfile.c opens it, and runs.c
 * adds it to each check's result.
 */
#ifndef MMUN_UNWATCHED_H
#define MMUN_UNWATCHED_H

#include "checks/run/compile.h"
#include "explore/front/explore.h"

struct unwatched;

/* Of a file that was compiled. NULL: there is not enough memory, or its object cannot be read. */
struct unwatched *unwatched_open(const struct compiled *compiled);
void unwatched_close(struct unwatched *u);

/* Adds to @ret what the code that this check can reach does unseen. */
void unwatched_add(const struct unwatched *u, const char *check, struct explore_result *ret);

#endif
