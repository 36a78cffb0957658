/* SPDX-License-Identifier: MIT */
/*
 * litmus_native.c - a litmus test with real threads on the native library: prints each
 * outcome that was seen, as mmun prints states, so that a script can hold them against what
 * the explorer has enumerated. The exit status is 77 if real threads cannot run the test.
 *
 *	litmus_native ITERATIONS FILE
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load_litmus.h"
#include "litmus/run/runner.h"
#include "sync/sync.h"

static void teardown(void *state)
{
	world_runner.teardown(state);
	if (!sync_alloc_live())
		return;
	fputs("litmus_native: an iteration leaked\n", stderr);
	exit(1);
}

static void print_state(const struct litmus *t, const int64_t *outcome)
{
	char name[2 * LITMUS_NAME_MAX + 16], value[32];

	for (int k = 0; k < t->shown_count; k++)
		printf("%s%s=%s;", k ? " " : "",
		       litmus_index_name(t, t->shown[k], name, sizeof(name)),
		       litmus_value_name(outcome[t->shown[k]], value, sizeof(value)));
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct litmus_runner runner = world_runner;
	struct litmus_outcomes seen;
	unsigned long iterations;
	struct litmus *t;
	int err;

	if (argc != 3 || !(iterations = strtoul(argv[1], NULL, 10))) {
		fputs("usage: litmus_native ITERATIONS FILE\n", stderr);
		return 2;
	}
	t = load_litmus(argv[2]);
	runner.teardown = teardown;
	err = litmus_outcomes_init(&seen, litmus_outcome_size(t));
	if (!err)
		err = litmus_run_threads(&runner, t, iterations, &seen);
	if (err)
		fprintf(stderr, "litmus_native: %s: %s\n", t->name,
			err == -EOPNOTSUPP ? runner.cannot(t) : strerror(-err));
	for (size_t k = 0; k < seen.count && !err; k++)
		print_state(t, seen.values + k * (size_t)seen.size);
	litmus_outcomes_fini(&seen);
	litmus_destroy(t);
	return err == -EOPNOTSUPP ? 77 : err ? 2 : 0;
}
