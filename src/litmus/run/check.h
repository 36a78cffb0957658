/* SPDX-License-Identifier: MIT */
/*
 * check.h - runs a litmus test under the explorer: every execution that it can have on the
 * virtual memory, compared with the flat reference and watched by the other oracles, and then
 * the verdict. It exists in the checked build only.
 */
#ifndef MMUN_LITMUS_CHECK_H
#define MMUN_LITMUS_CHECK_H

#include "explore/front/explore.h"
#include "litmus/lang/litmus.h"

enum litmus_verdict {
	VERDICT_OK,         /* as the test says, or nothing found where it says nothing */
	VERDICT_DIFFERS,    /* not as it says */
	VERDICT_VIOLATION,  /* an oracle fired where the test expects nothing */
	VERDICT_UNFINISHED, /* a bound was hit */
};

const char *litmus_verdict_name(enum litmus_verdict verdict);
const char *litmus_result_name(enum litmus_result result); /* "Never" ... or "" */

struct world;

struct litmus_options {
	uint64_t executions_max; /* 0: no bound */
	double seconds_max;      /* 0: no bound */
	bool fail_allocations;   /* each allocation may also fail; give no_oracles, too, since
	                            flat memory has room for everything */
	bool no_oracles;         /* results only: nothing is held to flat memory */
	unsigned leave_out;      /* explore_options' */
	bool fast;               /* end a search as soon as its verdict is certain */
	void (*progress)(void *arg, const struct explore_progress *p);
	void *progress_arg;
	/* One more oracle: asked at the end of each execution, may explore_fail(). */
	void (*judge)(struct world *world);
};

struct litmus_report {
	struct explore_result explore;    /* executions, findings with their traces */
	struct litmus_outcomes outcomes;  /* seen, each with its number of executions */
	struct litmus_outcomes flat;      /* possible on flat memory */
	bool flat_known;                  /* false: too many states, oracle 1 was off */
	uint64_t positive, negative;      /* executions that (do not) satisfy the condition */
	enum litmus_result result;        /* observed; RESULT_NONE without a condition */
	enum litmus_verdict verdict;
	uint64_t flat_aside;              /* executions that flat memory cannot give, without
	                                     being what the condition speaks of */
	bool certain;                     /* --fast ended it: the verdict holds all the same */
};

/*
 * Explore the test's executions on the vm. 0 and *ret filled, -EINVAL if the
 * test asks for more than the vm has, -ENOMEM. Then litmus_report_fini().
 */
int litmus_check(const struct litmus *test, const struct litmus_options *options,
		 struct litmus_report *ret);
/* One execution along a replay string; *ret_trace is its picture. Also -EINVAL
 * if the string is not of this test. */
int litmus_replay(const struct litmus *test, const char *schedule,
		  struct explore_trace *ret_trace, struct litmus_report *ret);
void litmus_report_fini(struct litmus_report *report);

/* --- repair.c ------------------------------------------------------------ */

/* In the order of their bits. */
extern const char *const litmus_place_names[];

/* What, put back as Linux has it, makes the test verify. */
struct litmus_repair {
	char what[96];           /* a statement */
	const char *rule;        /* that it restores */
	uint64_t executions;     /* of the search that says so */
};

/* Of a test that has findings. False: nothing that the test has changed does, within
 * these bounds. */
bool litmus_repair(const struct litmus *test, const struct litmus_options *bounds,
		   struct litmus_repair *ret);

#endif
