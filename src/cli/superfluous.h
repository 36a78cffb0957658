/* SPDX-License-Identifier: MIT */
/*
 * superfluous.h - which flushes and notifications of a check are not needed. The explorer
 * remembers the steps of a check in the process, so a check in C is asked about in a process
 * of its own.
 */
#ifndef MMUN_SUPERFLUOUS_H
#define MMUN_SUPERFLUOUS_H

#include "cli/cli.h"
#include "explore/front/explore.h"

struct superfluous {
	const char *file, *name;
	bool json;
	/* Explore without the optional step of this number, 0: with all. 0 and *ret, to be
	 * given to explore_result_fini(); else there was not enough memory. */
	int (*run)(void *arg, unsigned leave_out, struct explore_result *ret);
	void *arg;
};

/* Prints the answer; returns the exit status. */
int superfluous_ask(const struct superfluous *s);

struct superfluous_how { bool json; uint64_t executions_max; /* of each search; 0: no bound */ };

/* The same for the tests and checks that the operands stand for. */
int superfluous_files(int argc, char **argv, const struct superfluous_how *how);

#endif
