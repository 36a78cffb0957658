/* SPDX-License-Identifier: MIT */
/*
 * unit_jobs.c - processes of their own: each item is over once, with the result that its
 * child left, and with how the child ended.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "jobs/jobs.h"

enum { ITEMS = 40 };

struct result { size_t square; pid_t child; };

struct seen {
	size_t over[ITEMS], square[ITEMS];
	struct job_end end[ITEMS];
	pid_t child[ITEMS];
};

static void over(void *arg, size_t item, const void *result, struct job_end end)
{
	struct seen *seen = arg;
	const struct result *r = result;

	seen->over[item]++;
	seen->square[item] = r->square;
	seen->child[item] = r->child;
	seen->end[item] = end;
}

static void square(void *arg, size_t item, void *result)
{
	*(struct result *)result = (struct result){ item * item, getpid() };
	((struct seen *)arg)->square[item] = 1; /* the child's own */
}

static void each_item_has_a_child_and_a_result(void **state)
{
	(void)state;
	for (unsigned processes = 1; processes <= 3 * ITEMS; processes *= 3) {
		struct seen seen = { 0 };

		assert_true(jobs_run(&(struct jobs){
			.items = ITEMS, .processes_max = processes, .work = square, .over = over,
			.result_bytes = sizeof(struct result), .arg = &seen }));
		for (size_t i = 0; i < ITEMS; i++) {
			assert_int_equal(seen.over[i], 1);
			assert_int_equal(seen.end[i].how, JOB_DONE);
			assert_int_equal(seen.square[i], i * i);
			assert_true(seen.child[i] != getpid());
			assert_true(!i || seen.child[i] != seen.child[i - 1]);
		}
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
	}
}

/* Every kind of end; what was there of the result stays. */
static void end_badly(void *arg, size_t item, void *result)
{
	struct rlimit none = { 0, 0 };

	(void)arg;
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	((struct result *)result)->square = item + 1;
	if (item == 1)
		exit(7);
	if (item == 2)
		raise(SIGKILL);
	if (item == 3)
		abort();
	if (item == 4)
		pause();
	if (item == 5)
		execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
}

static void an_end_is_told(void **state)
{
	static const struct job_end wanted[] = {
		{ JOB_DONE, 0 }, { JOB_EXITED, 7 }, { JOB_KILLED, SIGKILL },
		{ JOB_KILLED, SIGABRT }, { JOB_TIMED_OUT, 0 }, { JOB_EXITED, 3 }, { JOB_DONE, 0 },
	};
	struct seen seen = { 0 };

	(void)state;
	assert_true(jobs_run(&(struct jobs){
		.items = ARRAY_SIZE(wanted), .processes_max = 3, .seconds_max = 2,
		.work = end_badly, .over = over, .result_bytes = sizeof(struct result),
		.arg = &seen }));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_int_equal(seen.over[i], 1);
		assert_int_equal(seen.end[i].how, wanted[i].how);
		assert_int_equal(seen.end[i].code, wanted[i].code);
		assert_int_equal(seen.square[i], i + 1);
	}
}

static void nothing(void *arg, size_t item, void *result) { (void)arg, (void)item, (void)result; }

static void one_item_alone(void **state)
{
	struct seen seen = { 0 };
	struct result r = { 1, 1 };
	struct job_end end = jobs_run_one(square, &seen, 9, &r, sizeof(r));

	(void)state;
	assert_int_equal(end.how, JOB_DONE);
	assert_int_equal(r.square, 81);
	end = jobs_run_one(end_badly, &seen, 1, &r, sizeof(r));
	assert_int_equal(end.how, JOB_EXITED);
	assert_int_equal(end.code, 7);
	assert_int_equal(r.square, 2);
}

/* Sockets, files and processes may run out: then an item is over all the same. */
static void without_a_process_an_item_is_not_started(void **state)
{
	struct rlimit was, few;
	struct seen seen = { 0 };
	bool ran;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	ran = jobs_run(&(struct jobs){ .items = 2, .processes_max = 1, .work = nothing,
		.over = over, .result_bytes = sizeof(struct result), .arg = &seen });
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(ran);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(seen.over[i], 1);
		assert_int_equal(seen.end[i].how, JOB_NOT_STARTED);
	}
}

static void no_items_is_fine(void **state)
{
	(void)state;
	assert_true(jobs_run(&(struct jobs){ .processes_max = 2, .work = nothing, .over = over }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_item_has_a_child_and_a_result),
		cmocka_unit_test(an_end_is_told),
		cmocka_unit_test(one_item_alone),
		cmocka_unit_test(without_a_process_an_item_is_not_started),
		cmocka_unit_test(no_items_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
