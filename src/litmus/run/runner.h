/* SPDX-License-Identifier: MIT */
/*
 * runner.h - what a litmus test can be run on. A runner makes the initial state, runs the
 * statements of one thread, reads the outcome, and takes everything down again. It does not
 * decide in which order the threads go; those that drive it do:
 *
 *                                   explored.c           threads.c
 *                                   every execution      as real threads race
 *     world.c: the library's vm     yes                  yes
 *
 * A runner on other memory, such as that of the kernel of this machine, is another line of
 * this table: its processors would make system calls, and its devices would have page tables
 * that the kernel notifies. What a runner cannot do it refuses, with a reason.
 */
#ifndef MMUN_LITMUS_RUNNER_H
#define MMUN_LITMUS_RUNNER_H

#include "litmus/lang/litmus.h"

/* What an oracle wants to know. Each function is called by the thread that did it, right
 * after the thing; those that are not wanted are NULL. */
struct litmus_observer {
	/* An access has succeeded: it stored, or loaded, @value. */
	void (*access)(void *ctx, unsigned thread, const struct litmus_insn *insn, int64_t value);
	/* An operation is about to be called. */
	void (*call)(void *ctx, unsigned thread, const struct litmus_insn *insn);
	/* It has returned @result, 0 or LITMUS_FAULT; it was given @value. */
	void (*returned)(void *ctx, unsigned thread, const struct litmus_insn *insn, int64_t value,
			 int64_t result);
	void *ctx;
};

struct litmus_runner {
	const char *name;
	size_t state_size; /* bytes, of what an execution is made of */
	/* Why real threads cannot run this test here, a clause; NULL: they can. May be NULL. */
	const char *(*cannot)(const struct litmus *test);
	/* The initial state. @observe may be NULL. 0, -ENOMEM; -EINVAL: there is no room for
	 * what the test asks for. If it fails nothing is left behind. */
	int (*setup)(void *state, const struct litmus *test,
		     const struct litmus_observer *observe);
	void (*thread)(void *state, unsigned thread);
	/* When all threads are done: litmus_outcome_size() values. */
	void (*outcome)(const void *state, int64_t *outcome);
	void (*teardown)(void *state);
};

/* --- world.c ------------------------------------------------------------- */

/* On the library's vm. */
extern const struct litmus_runner world_runner;

/* --- threads.c ----------------------------------------------------------- */

/*
 * Run the test @iterations times with a real thread for each of its threads, and add to
 * @ret, which is initialized, the outcomes that were seen. 0; -EOPNOTSUPP: the runner
 * cannot; -EAGAIN: no threads; or as setup.
 */
int litmus_run_threads(const struct litmus_runner *runner, const struct litmus *test,
		       uint64_t iterations, struct litmus_outcomes *ret);

#endif
