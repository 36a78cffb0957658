/* SPDX-License-Identifier: MIT */
/*
 * bench_explore.c - how fast the explorer is: a switch between fibers against
 * glibc's swapcontext, the family of models, and the seed's scenario over the
 * real vm, each as executions per second on one core. Ratios are within one
 * run; absolute figures depend on the machine.
 *
 *	build/bench/bench_explore [LITMUS-FILE | --once N | --litmus LITMUS-FILE]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "explore/front/explore.h"
#include "litmus/run/check.h"
#include "load_litmus.h"
#include "models.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- switches ------------------------------------------------------------ */

static ucontext_t here, there;

static void bounce(void)
{
	for (;;)
		swapcontext(&there, &here);
}

static double swapcontext_ns(unsigned switches)
{
	static char stack[64 << 10];
	double t;

	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	makecontext(&there, bounce, 0);
	t = now();
	for (unsigned n = 0; n < switches; n += 2)
		swapcontext(&here, &there);
	return (now() - t) * 1e9 / switches;
}

static void bench_switch(void)
{
	enum { OURS = 100000000, THEIRS = 1000000 };
	double best = 1e9;

	for (int k = 0; k < 3; k++) {
		double t = now();

		explore_switch_benchmark(OURS);
		t = (now() - t) * 1e9 / OURS;
		best = t < best ? t : best;
	}
	double theirs = swapcontext_ns(THEIRS);

	printf("switch between fibers: %.1f ns; swapcontext: %.0f ns; ratio %.0f\n", best, theirs,
	       theirs / best);
}

/* --- the family ---------------------------------------------------------- */

static void family(unsigned n, unsigned plans, int rounds)
{
	static struct explore_result r;
	struct model m = { MODEL_SAFE, n };
	struct explore_check c = model_family(&m);
	double best = 1e9;

	for (int k = 0; k < rounds; k++) {
		if (explore(&c, &(struct explore_options){ .plans_max = plans }, &r))
			exit(1);
		best = r.seconds < best ? r.seconds : best;
		explore_result_fini(&r);
	}
	printf("  N=%u: %7lu executions, %lu abandoned, %8.5f s, %7.0f per second, %5.1f ns a step, %zu KiB\n",
	       n, (unsigned long)r.executions, (unsigned long)r.abandoned, best,
	       (double)r.executions / best, best * 1e9 / (double)r.steps, r.memory >> 10);
}

static void bench_family(void)
{
	puts("family model, N copy-on-write breaks and a device, exhaustive:");
	for (unsigned n = 2; n <= 6; n++)
		family(n, 0, 3);
	puts("the same without room for plans:");
	family(6, 1, 3);
}

/* --- a litmus test over the vm ------------------------------------------- */

static void bench_litmus(const char *file)
{
	static struct litmus_report r;
	struct litmus *t = load_litmus(file);

	if (litmus_check(t, &(struct litmus_options){ 0 }, &r))
		exit(1);
	printf("%s over the vm: %lu executions (%s), %lu abandoned, %.2f s, %.0f per second, %.0f steps each, %.1f ns a step, %zu KiB\n",
	       t->name, (unsigned long)r.explore.executions,
	       r.explore.exhaustive ? "exhaustive" : r.explore.stopped_by,
	       (unsigned long)r.explore.abandoned, r.explore.seconds,
	       (double)r.explore.executions / r.explore.seconds,
	       (double)r.explore.steps / (double)r.explore.executions,
	       r.explore.seconds * 1e9 / (double)r.explore.steps, r.explore.memory >> 10);
	litmus_report_fini(&r);
	litmus_destroy(t);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--once")) { /* for callgrind */
		family((unsigned)atoi(argv[2]), 0, 1);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "--litmus")) {
		bench_litmus(argv[2]);
		return 0;
	}
	bench_switch();
	bench_family();
	bench_litmus(argc > 1 ? argv[1] : "litmus/seed+notify.litmus");
	return 0;
}
