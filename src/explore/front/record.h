/* SPDX-License-Identifier: MIT */
/*
 * record.h - declares how an exploration is written into a record and read. Only explore.c, and
 * tests that change records, use it.
 */
#ifndef MMUN_RECORD_H
#define MMUN_RECORD_H

#include "explore/engine/engine.h"
#include "explore/front/explore.h"

/* What each record begins with; the sum is of all that follows. */
struct record_begin { char magic[8]; uint64_t identity, size, sum; };

uint64_t record_sum(const void *bytes, size_t size);

/* After search_next(). 0, -ENOMEM, or -ENOTSUP: see explore_part(). */
int record_save(struct explore_record *ret);
/* After run_open(). NULL, or why not. */
const char *record_load(const struct explore_record *record);

#endif
