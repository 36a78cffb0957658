/* SPDX-License-Identifier: MIT */
/*
 * runs.h - running the checks that a file in C registers, for the tool and for the
 * main() of ordinary programs.
 */
#ifndef MMUN_RUNS_H
#define MMUN_RUNS_H

#include "explore/explore.h"
#include "report/report.h"

struct runs {
	const char *file;        /* for messages */
	const char *replay_with; /* the command that a replay string is given to; NULL: mmun's */
	struct explore_options options;
	struct report *report;
};

/* Catch what checks do wrong, and bound the process's memory. Once in a process. */
void runs_begin(void);
/* Explore @check and report it. */
void runs_check(const struct runs *runs, const struct explore_check *check);
/* Draw one execution; @string is CHECK:SCHEDULE. Returns the exit status. */
int runs_replay(const char *file, const char *string, bool verbose);
int runs_status(const struct report *report, bool failed);

#endif
