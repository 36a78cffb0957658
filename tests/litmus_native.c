/* SPDX-License-Identifier: MIT */
/*
 * litmus_native.c - litmus tests with real threads on the native library:
 * prints each outcome that it has seen, as mmun prints states, so that a script
 * can hold them against what the explorer has enumerated.
 *
 *	litmus_native ITERATIONS FILE
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/run/world.h"
#include "load_litmus.h"

static struct world world;
static pthread_barrier_t start, end;
static unsigned long iterations;

static void *thread_main(void *arg)
{
	for (unsigned long n = 0; n < iterations; n++) {
		pthread_barrier_wait(&start);
		world_thread(&world, (unsigned)(uintptr_t)arg);
		pthread_barrier_wait(&end);
	}
	return NULL;
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

static void run(const struct litmus *t, struct litmus_outcomes *seen)
{
	static int64_t outcome[LITMUS_OUTCOME_MAX];

	for (unsigned long n = 0; n < iterations; n++) {
		if (world_init(&world, t, NULL, NULL)) {
			fputs("litmus_native: no memory\n", stderr);
			exit(2);
		}
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&end);
		world_outcome(&world, outcome);
		if (litmus_filtered_in(t, outcome) && litmus_outcomes_add(seen, outcome, 1))
			exit(2);
		world_fini(&world);
		if (sync_alloc_live()) {
			fprintf(stderr, "litmus_native: iteration %lu leaked\n", n);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	pthread_t thread[LITMUS_THREADS_MAX];
	struct litmus_outcomes seen;
	struct litmus *t;

	if (argc != 3 || !(iterations = strtoul(argv[1], NULL, 10))) {
		fputs("usage: litmus_native ITERATIONS FILE\n", stderr);
		return 2;
	}
	t = load_litmus(argv[2]);
	if (litmus_outcomes_init(&seen, litmus_outcome_size(t)))
		return 2;
	pthread_barrier_init(&start, NULL, (unsigned)t->threads + 1);
	pthread_barrier_init(&end, NULL, (unsigned)t->threads + 1);
	for (int k = 0; k < t->threads; k++)
		pthread_create(&thread[k], NULL, thread_main, (void *)(uintptr_t)k);
	run(t, &seen);
	for (int k = 0; k < t->threads; k++)
		pthread_join(thread[k], NULL);
	for (size_t k = 0; k < seen.count; k++)
		print_state(t, seen.values + k * (size_t)seen.size);
	litmus_outcomes_fini(&seen);
	litmus_destroy(t);
	return 0;
}
