/* SPDX-License-Identifier: MIT */
/*
 * threads.c - runs a litmus test as real threads race, again and again. It knows nothing of
 * what the test runs on, which is the runner's business. tests/litmus_native.c calls it.
 *
 * Invariant: between the two barriers only the threads use the state, and at all other times
 * only the caller's thread does.
 *
 *      caller                              threads
 *      setup, or stop
 *      ------------------------- start -------------------------
 *                                          stop? [then they end]
 *                                          the test's statements
 *      -------------------------- end --------------------------
 *      outcome, teardown
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "litmus/run/runner.h"

struct race {
	const struct litmus_runner *runner;
	const struct litmus *test;
	void *state;
	pthread_mutex_t gate;         /* held until all threads are made, or one cannot be */
	pthread_barrier_t start, end;
	bool stop;
};

struct racer { struct race *race; unsigned number; pthread_t id; };

static void *racer_main(void *arg)
{
	struct racer *r = arg;
	struct race *race = r->race;
	bool whole;

	pthread_mutex_lock(&race->gate);
	whole = !race->stop;
	pthread_mutex_unlock(&race->gate);
	while (whole) {
		pthread_barrier_wait(&race->start);
		if (race->stop)
			break;
		race->runner->thread(race->state, r->number);
		pthread_barrier_wait(&race->end);
	}
	return NULL;
}

static int run_once(struct race *race, struct litmus_outcomes *seen)
{
	int64_t outcome[LITMUS_OUTCOME_MAX];
	int err = race->runner->setup(race->state, race->test, NULL);

	if (err)
		return err;
	pthread_barrier_wait(&race->start);
	pthread_barrier_wait(&race->end);
	race->runner->outcome(race->state, outcome);
	race->runner->teardown(race->state);
	return litmus_filtered_in(race->test, outcome) ? litmus_outcomes_add(seen, outcome, 1) : 0;
}

static int run_all(struct race *race, uint64_t iterations, struct litmus_outcomes *seen)
{
	struct racer racer[LITMUS_THREADS_MAX];
	int threads = race->test->threads, made = 0, err = 0;

	pthread_mutex_lock(&race->gate);
	while (made < threads && !err) {
		racer[made] = (struct racer){ .race = race, .number = (unsigned)made };
		err = -pthread_create(&racer[made].id, NULL, racer_main, &racer[made]);
		made += !err;
	}
	race->stop = err != 0;
	pthread_mutex_unlock(&race->gate);
	for (uint64_t n = 0; n < iterations && !err; n++)
		err = run_once(race, seen);
	if (!race->stop) {
		race->stop = true;
		pthread_barrier_wait(&race->start);
	}
	for (int t = 0; t < made; t++)
		pthread_join(racer[t].id, NULL);
	return err;
}

int litmus_run_threads(const struct litmus_runner *runner, const struct litmus *test,
		       uint64_t iterations, struct litmus_outcomes *ret)
{
	struct race race = { .runner = runner, .test = test };
	unsigned parties = (unsigned)test->threads + 1;
	int err;

	if (runner->cannot && runner->cannot(test))
		return -EOPNOTSUPP;
	race.state = calloc(1, runner->state_size);
	if (!race.state)
		return -ENOMEM;
	pthread_mutex_init(&race.gate, NULL);
	pthread_barrier_init(&race.start, NULL, parties);
	pthread_barrier_init(&race.end, NULL, parties);
	err = run_all(&race, iterations, ret);
	pthread_mutex_destroy(&race.gate);
	pthread_barrier_destroy(&race.start);
	pthread_barrier_destroy(&race.end);
	free(race.state);
	return err;
}
