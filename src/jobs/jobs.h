/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - work in processes of its own. An item of work runs in a child, which leaves its
 * result in memory that it shares with the parent. A child that crashes, exits or runs too
 * long takes only its own item with it, and the parent is told how it ended. Callers are those
 * that run what they do not trust (checks in C, the compiler) and those that have more to do
 * than one processor can (the table of mmun when).
 *
 * Nothing here prints. Children are reaped by their number, so a caller may have others.
 */
#ifndef MMUN_JOBS_H
#define MMUN_JOBS_H

#include "base/base.h"

/* Zeroed memory that this process shares with the children that it forks. NULL: none. */
void *jobs_share(size_t bytes);
void jobs_unshare(void *memory, size_t bytes); /* NULL is fine */

enum job_how {
	JOB_DONE,        /* the work returned */
	JOB_EXITED,      /* it called exit(code), or another program that it became did */
	JOB_KILLED,      /* by the signal code */
	JOB_TIMED_OUT,
	JOB_NOT_STARTED, /* there was no process for it */
};

struct job_end { enum job_how how; int code; };

struct jobs {
	size_t items;
	unsigned processes_max;  /* at a time; 0: one */
	double seconds_max;      /* for an item; 0: no bound */
	size_t result_bytes;
	/* In the child; *result is zero. Output is flushed when it returns. */
	void (*work)(void *arg, size_t item, void *result);
	/* In the parent, for each item, in the order in which they end. @result is as the
	 * child left it, however it ended. */
	void (*over)(void *arg, size_t item, const void *result, struct job_end end);
	void *arg;
};

/* Returns when all items are over. False: not enough memory, and nothing was done. */
bool jobs_run(const struct jobs *jobs);

/* One item, whose result of so many bytes is left in *ret_result however it ends. */
struct job_end jobs_run_one(void (*work)(void *arg, size_t item, void *result), void *arg,
			    size_t item, void *ret_result, size_t result_bytes);

/* A child that calls gone(arg) if this process ends, even if it is killed, before it dismisses
 * the child. Without a process for it nothing is done. */
struct jobs_watcher { int child, lifeline; };

void jobs_watch(struct jobs_watcher *ret, void (*gone)(void *arg), void *arg);
void jobs_dismiss(const struct jobs_watcher *watcher);

#endif
