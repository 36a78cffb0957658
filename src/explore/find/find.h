/* SPDX-License-Identifier: MIT */
/*
 * find.h - declares what the loop above does with what executions did wrong.
 *
 *   finding.c   findings: collected, with their shortest schedules; run again for pictures
 *   saved.c     findings as a part of a record
 *   crash.c     signals as findings
 */
#ifndef MMUN_FIND_H
#define MMUN_FIND_H

#include "explore/engine/engine.h"
#include "explore/engine/flat.h"

void finding_collect(void);            /* the execution's fails into the result */
void finding_save(struct flat *f);
bool finding_load(struct flat_reader *r); /* false: damaged */
void finding_record_all(void);         /* run each finding again, with its picture */
/* The schedule that a replay string tells of. 0, -EINVAL or -ENOMEM. */
int finding_parse(const char *replay, struct schedule *ret);

#endif
