/* SPDX-License-Identifier: MIT */
/*
 * runs.h - runs the checks that a file in C has registered. cfile.c uses it in a child, and
 * program/program.c in an ordinary program.
 */
#ifndef MMUN_RUNS_H
#define MMUN_RUNS_H

#include "base/base.h"
#include "explore/front/explore.h"
#include "report/report.h"
#include "report/status.h"

struct runs {
	const char *file;        /* for messages */
	const char *replay_with; /* the command that a replay string is given to; NULL: mmun's */
	struct explore_options options;
	struct report *report;
	/* Adds what a check does that the explorer is not told of. */
	void (*unwatched)(void *arg, const struct explore_check *check, struct explore_result *ret);
	void *unwatched_arg;
	/* A line for the user, without its end. */
	void (*complain)(const char *fmt, ...) PRINTF_LIKE(1, 2);
};

/* Catch what checks do wrong, and bound the process's memory. Once in a process. */
void runs_begin(const struct runs *runs);
/* Explore @check with its static variables: as explore(). */
int runs_explore(const struct explore_check *check, const struct explore_options *options,
		 struct explore_result *ret);
/* Explore @check and report it. */
void runs_check(const struct runs *runs, const struct explore_check *check);
/* Draw one execution; @string is CHECK:SCHEDULE. A report without a format: in words and a
 * picture. Returns the exit status. */
int runs_replay(const struct runs *runs, const char *string);
/* One execution that was run again, in the report's format. Returns the exit status. */
int runs_report_replayed(const struct runs *runs, const struct report_run *run);
/* Of all that was reported; @failed: something could not be. */
int runs_status(const struct report *report, bool failed);

#endif
