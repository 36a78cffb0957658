/* SPDX-License-Identifier: MIT */
/*
 * run.h - declares how executions of a check are run, for the rooms above.
 *
 *   deadlock.c   the report where no thread can go on
 *   run.c        one execution
 *   open.c       before the first execution and after the last
 */
#ifndef MMUN_RUN_H
#define MMUN_RUN_H

#include "explore/engine/engine.h"

/* 0; -ENOMEM; -ECANCELED: set-up failed, which was noted. run_close() in any case. */
int run_open(const struct explore_check *check, const struct explore_options *options,
		struct explore_result *result);
void run_close(void);
enum run_end run_execution(void);          /* as the search dictates */
enum run_end run_schedule(const struct schedule *schedule); /* instead; it keeps nothing of it */
void deadlock_report(void);

#endif
