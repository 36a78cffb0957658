/* SPDX-License-Identifier: MIT */
/*
 * runs.h - running the checks that a file in C registers, for the tool and for the
 * main() of ordinary programs.
 */
#ifndef MMUN_RUNS_H
#define MMUN_RUNS_H

#include "explore/front/explore.h"
#include "report/report.h"

struct runs {
	const char *file;        /* for messages */
	const char *replay_with; /* the command that a replay string is given to; NULL: mmun's */
	struct explore_options options;
	struct report *report;
};

/* Catch what checks do wrong, and bound the process's memory. Once in a process. */
void runs_begin(void);
/* Explore @check with its static variables: as explore(). */
int runs_explore(const struct explore_check *check, const struct explore_options *options,
		 struct explore_result *ret);
/* Explore @check and report it. */
void runs_check(const struct runs *runs, const struct explore_check *check);
/* Draw one execution; @string is CHECK:SCHEDULE. @format: NULL, in words and a picture.
 * Returns the exit status. */
int runs_replay(const char *file, const char *string, bool verbose,
		const struct report_format *format);
/* One execution that was run again, in a format. Returns the exit status. */
int runs_report_replayed(const struct report_run *run, bool verbose,
			 const struct report_format *format);
int runs_status(const struct report *report, bool failed);

#endif
