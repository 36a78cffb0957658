/* SPDX-License-Identifier: MIT */
/*
 * oracles.h - the oracles that know what a litmus test means: flat reference, after return,
 * and lost writes. explored.c shows them what the threads do, and asks them at the end of each
 * execution. They tell their findings to the explorer.
 *
 * They ask the explorer for the order of two steps, and its answer holds for all equivalent
 * executions at once. Two steps that are not ordered could have come the other way round, and
 * then that way round is the picture that is shown.
 */
#ifndef MMUN_LITMUS_ORACLES_H
#define MMUN_LITMUS_ORACLES_H

#include "litmus/run/runner.h"

enum {
	ORACLE_ACCESSES_MAX = LITMUS_THREADS_MAX * LITMUS_INSNS_MAX,
	ORACLE_CALLS_MAX = LITMUS_THREADS_MAX * LITMUS_INSNS_MAX,
};

/* An access that has succeeded, or a call that has returned and taken rights away. */
struct oracle_event { unsigned thread, step; const struct litmus_insn *insn; };
struct oracle_grant {
	unsigned thread, first;    /* the call's first step is the thread's first-th */
	unsigned step;             /* of the return, if it is over */
	bool over;
	unsigned pages;            /* bit p: page p */
	int prot;
};
struct oracle_write { unsigned step; int var; int64_t value; };

/* How many of each there are in the current execution: a part of its state, so that the
 * explorer takes them back with the rest. */
struct oracle_counts { unsigned accesses, revocations, grants, writes; };

struct oracles {
	const struct litmus *test;
	struct oracle_counts *counts;
	struct oracle_event access[ORACLE_ACCESSES_MAX];
	struct oracle_event revocation[ORACLE_CALLS_MAX];
	struct oracle_grant grant[ORACLE_CALLS_MAX];
	struct oracle_write write[ORACLE_ACCESSES_MAX + ORACLE_CALLS_MAX];
	unsigned exchanged;        /* bit p: page p's contents come and go by other ways than
	                              stores: flat judges those */
};

/* .counts is to be set before the threads begin. */
void oracles_init(struct oracles *o, const struct litmus *test);
/* What the runner is to show them. */
struct litmus_observer oracles_observer(struct oracles *o);

/* At the end: is the last value of each variable one that could have been stored last? */
void oracles_judge_writes(const struct oracles *o, const int64_t *outcome);
/* Of an outcome that flat memory does not have: which values of it are new. */
void oracles_fail_flat(const struct litmus *test, const struct litmus_outcomes *flat,
		       const int64_t *outcome);

#endif
