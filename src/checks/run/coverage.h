/* SPDX-License-Identifier: MIT */
/*
 * coverage.h - which lines of a check's sources were reached. The object must be compiled
 * with -fsanitize-coverage=trace-pc and linked with --emit-relocs.
 */
#ifndef MMUN_COVERAGE_H
#define MMUN_COVERAGE_H

#include "report/report.h"

struct coverage;

/*
 * From here to coverage_close() what this process, and those it forks, run of the file
 * @object is noted, however they end. One at a time. NULL, with the reason in *ret_why: it
 * cannot be.
 */
struct coverage *coverage_open(const char *object, const char **ret_why);
void coverage_close(struct coverage *coverage);

/* What is said of. */
struct coverage_of {
	const char *path;     /* the file that was compiled, as the user named it */
	const char *headers;  /* the directory of mmun's own headers, whose lines do not count */
	bool exhaustive;      /* all that can be reached was */
	FILE *aside;          /* where what does not fit into the report's format goes */
	void (*complain)(const char *fmt, ...) PRINTF_LIKE(1, 2);
};

/* Say for @of->path, and what it includes from its own directory, what was not reached. */
void coverage_print(const struct coverage *coverage, const struct coverage_of *of,
		    const struct report *report);

/* Called by the object at the beginning of each of its basic blocks. */
void __sanitizer_cov_trace_pc(void);

#endif
