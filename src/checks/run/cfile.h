/* SPDX-License-Identifier: MIT */
/*
 * cfile.h - the checks of a file in C. The file is compiled, and each of its checks is
 * explored by a child that loads the object.
 */
#ifndef MMUN_CFILE_H
#define MMUN_CFILE_H

#include "checks/run/runs.h"

/* How the checks of a file are run. */
struct cfile_how {
	struct explore_options explore;
	bool coverage;           /* say which lines none of them reached */
	const char *headers;     /* the directory of mmun's own; NULL: it is not installed */
	FILE *aside;             /* coverage_of's */
	void (*complain)(const char *fmt, ...) PRINTF_LIKE(1, 2);
	/* Done with a check in its child instead of exploring and reporting it: returns an
	 * exit status. NULL: it is explored and reported. */
	int (*instead)(void *arg, const char *path, const struct explore_check *check);
	void *arg;
};

/* Compile the file, explore each of its checks, and report them. Returns the worst status of
 * those that .instead returned. */
int cfile_check(const char *path, const struct cfile_how *how, struct report *report);
/* One execution of one of its checks, as runs_replay(). Returns the exit status. */
int cfile_replay(const char *path, const char *string, const struct cfile_how *how,
		 struct report *report);

#endif
