/* SPDX-License-Identifier: MIT */
/*
 * crash.c - turns a crash of a check's code into a finding. The signal handler runs on a stack of
 * its own, notes what happened, and leaves the execution as a broken assertion does. It never
 * returns into the code.
 *
 * Invariant: a signal that comes while the explorer itself runs is not taken for the check's. It
 * ends the process as it would have without the handler.
 */
#define _GNU_SOURCE
#include "explore/engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
	SIGNAL_STACK_BYTES = 64 << 10,
	GUARD_BYTES = 64 << 10,    /* so far below a fiber's stack a fault is its overflow */
	TICK_US = 250000, TICKS_MAX = 12,
};

/* Where the check was at the last tick, and for how many it has been there. */
static struct { uint64_t runs; int depth, cur; unsigned ticks; } watch;

static bool in_check(void)
{
	return x.check && x.bail && (x.cur >= 0 || x.outside);
}

static const char *signal_text(int sig, const siginfo_t *info)
{
	const char *at = info->si_addr, *stack = x.cur >= 0 ? x.fiber[x.cur].stack : NULL;

	switch (sig) {
	case SIGABRT:
		return "aborts";
	case SIGFPE:
		return "divides by zero";
	case SIGILL:
		return "runs an illegal instruction";
	case SIGTRAP:
		return "runs into a trap";
	case SIGBUS:
		return "touches what is no memory (SIGBUS)";
	}
	if (stack && at < stack + 256 && at >= stack - GUARD_BYTES)
		return "overflows its stack of 64 KiB";
	if (info->si_code > 0 && (uintptr_t)at < 4096)
		return "follows a NULL pointer";
	return "touches what is no memory (SIGSEGV)";
}

/* Note what the running code does, and where it was seen last; leave the execution. */
static _Noreturn void leave(enum explore_oracle oracle, const char *what)
{
	char name[8];

	_Static_assert(STACK_BYTES == 64 << 10, "as the message says");
	if (x.cur < 0)
		engine_fail(oracle, -1, -1, -1, "set-up or end %s", what);
	else if (x.thread[x.cur].last < 0 || x.starting)
		engine_fail(oracle, -1, -1, x.depth, "%s %s",
			    engine_thread_name((unsigned)x.cur, name), what);
	else
		engine_fail(oracle, -1, -1, x.depth, "%s %s, after its %s in %s:%d",
			    engine_thread_name((unsigned)x.cur, name), what,
			    engine_operations[x.step[x.thread[x.cur].last].kind].name,
			    x.step[x.thread[x.cur].last].site->function,
			    x.step[x.thread[x.cur].last].site->line);
	engine_give_up();
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (in_check())
		leave(ORACLE_CRASH, signal_text(sig, info));
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_tick(int sig, siginfo_t *info, void *context)
{
	uint64_t runs = x.result ? x.result->executions + x.result->abandoned : 0;

	(void)sig;
	(void)info;
	(void)context;
	if (!in_check() || watch.runs != runs || watch.depth != x.depth || watch.cur != x.cur) {
		watch.runs = runs;
		watch.depth = x.depth;
		watch.cur = x.cur;
		watch.ticks = 0;
		return;
	}
	if (++watch.ticks < TICKS_MAX)
		return;
	watch.ticks = 0;
	x.stuck = true;
	leave(ORACLE_STEPS, "runs on without an operation that others see");
}

int explore_catch_crashes(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP };
	static char stack[SIGNAL_STACK_BYTES];
	const stack_t on = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };
	/* Not deferred: the handler is left, not returned from. */
	struct sigaction act = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART };

	if (sigaltstack(&on, NULL))
		return -errno;
	act.sa_sigaction = on_crash;
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		if (sigaction(crashes[i], &act, NULL))
			return -errno;
	act.sa_sigaction = on_tick;
	if (sigaction(SIGALRM, &act, NULL) || setitimer(ITIMER_REAL, &tick, NULL))
		return -errno;
	return 0;
}
