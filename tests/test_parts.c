/* SPDX-License-Identifier: MIT */
/*
 * test_parts.c - explorations in parts: what is left to be run is taken out as a record and put
 * back, into a fresh engine whose memory lies elsewhere, or into a fresh process. In the end
 * there must be the same executions and the same findings as in one go; and a record that is
 * damaged, or of something else, is refused and does no harm.
 *
 * usage: test_parts SEEDS: so many random programs
 *        test_parts --part PROGRAM NUMBER EXECUTIONS: one part, for itself: a record comes in at
 *        the standard input, what has come of it and another record go out
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "explore/front/record.h"
#include "models.h"
#include "random_check.h"

enum { OPS = 6, SHIFTS_MAX = 256 };

/* --- what is explored ---------------------------------------------------- */

static struct model model;
static struct random_check random_program;

/* "safe" or "late" with a number of pages, "random" with a seed. */
static struct explore_check check_of(const char *program, unsigned number)
{
	if (!strcmp(program, "random")) {
		random_check_make(&random_program, number, OPS);
		return random_check_as_check(&random_program);
	}
	model = (struct model){ !strcmp(program, "safe") ? MODEL_SAFE : MODEL_DEFERRED, number };
	return model_family(&model);
}

/* --- in fresh engines ---------------------------------------------------- */

/* So that the next arena and the next stacks lie elsewhere. */
static void shift(unsigned part)
{
	static void *shifted[SHIFTS_MAX];
	void **p = &shifted[part % SHIFTS_MAX];

	if (*p)
		munmap(*p, 1 << 20);
	*p = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(*p, MAP_FAILED);
}

/* Returns how many parts there were. */
static unsigned in_parts(const struct explore_check *check, struct explore_options options,
			 uint64_t size, struct explore_result *ret)
{
	struct explore_record record = { 0 }, left;
	unsigned parts = 0;

	options.executions_max = size;
	do {
		if (explore_part(check, &options, record.bytes ? &record : NULL, ret, &left))
			fail_msg("part %u: %s", parts + 1, ret->stopped_by);
		free(record.bytes);
		record = left;
		parts++;
		if (left.bytes)
			explore_result_fini(ret);
		shift(parts);
	} while (left.bytes);
	return parts;
}

static void same_result(const struct explore_result *a, const struct explore_result *b)
{
	assert_int_equal(a->executions, b->executions);
	assert_int_equal(a->abandoned, b->abandoned);
	assert_int_equal(a->steps, b->steps);
	assert_int_equal(a->exhaustive, b->exhaustive);
	assert_int_equal(a->stopped_by != NULL, b->stopped_by != NULL);
	assert_int_equal(a->findings, b->findings);
	for (unsigned n = 0; n < a->findings; n++) {
		const struct explore_finding *f = &a->finding[n], *g = &b->finding[n];

		assert_int_equal(f->oracle, g->oracle);
		assert_string_equal(f->text, g->text);
		assert_string_equal(f->replay, g->replay);
		assert_int_equal(f->times, g->times);
		assert_int_equal(f->threads, g->threads);
		assert_int_equal(f->trace.count, g->trace.count);
		assert_int_equal(f->places, g->places);
		for (unsigned i = 0; i < f->places; i++)
			assert_int_equal(f->place[i].line, g->place[i].line);
	}
}

static void families_add_up(void **state)
{
	static const struct {
		const char *program;
		unsigned pages;
		uint64_t size, executions;
	} run[] = {
		{ "safe", 2, 1, 49 }, { "safe", 3, 7, 481 }, { "safe", 4, 97, 4450 },
		{ "safe", 5, 9973, 40414 }, { "late", 2, 1, 0 }, { "late", 3, 5, 0 },
		{ "late", 4, 29, 0 },
	};
	static struct explore_result whole, parts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(run); i++) {
		struct explore_check check = check_of(run[i].program, run[i].pages);

		for (unsigned plans = 0; plans <= 1; plans++) {
			struct explore_options options = { .plans_max = plans };
			unsigned n;

			assert_int_equal(explore(&check, &options, &whole), 0);
			n = in_parts(&check, options, run[i].size, &parts);
			print_message("%s, %u pages: %llu executions in %u parts\n", run[i].program,
				      run[i].pages, (unsigned long long)parts.executions, n);
			assert_true(n > 3);
			same_result(&whole, &parts);
			if (run[i].executions)
				assert_int_equal(parts.executions, run[i].executions);
			assert_int_equal(parts.findings > 0, run[i].executions == 0);
			explore_result_fini(&whole);
			explore_result_fini(&parts);
		}
	}
}

static unsigned seeds = 300;

static void random_programs_add_up(void **state)
{
	static struct random_check fresh, whole_seen;
	static struct explore_result whole, parts;
	static const unsigned plans[] = { 0, 1, 12 };
	unsigned long parts_run = 0, findings = 0;

	(void)state;
	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct explore_check check = check_of("random", seed);
		struct explore_options options = { .plans_max = plans[seed % 3] };

		fresh = random_program;
		assert_int_equal(explore(&check, &options, &whole), 0);
		whole_seen = random_program;
		random_program = fresh;
		parts_run += in_parts(&check, options, 1 + seed % 5, &parts);
		same_result(&whole, &parts);
		assert_memory_equal(whole_seen.results, random_program.results,
				    sizeof(whole_seen.results));
		findings += parts.findings;
		explore_result_fini(&whole);
		explore_result_fini(&parts);
	}
	assert_true(parts_run > 4 * seeds && findings > 0);
}

/* --- in fresh processes -------------------------------------------------- */

/* What a process says of its part, before the record. */
struct said {                          /* at: where its stack is */
	uint64_t executions, abandoned, steps, findings, times, exhaustive, at, left;
	char replay[256];
};

static void write_all(int fd, const void *p, size_t size)
{
	for (const char *at = p; size;) {
		ssize_t n = write(fd, at, size);

		if (n < 0)
			exit(1);
		at += n;
		size -= (size_t)n;
	}
}

/* All that comes, in memory of its own. */
static struct explore_record read_all(int fd)
{
	struct explore_record r = { malloc(1 << 20), 0 };
	size_t capacity = 1 << 20;
	ssize_t n;

	while ((n = read(fd, (char *)r.bytes + r.size, capacity - r.size)) > 0) {
		r.size += (size_t)n;
		if (r.size == capacity)
			r.bytes = realloc(r.bytes, capacity *= 2);
		if (!r.bytes)
			exit(1);
	}
	return r;
}

static int part_main(const char *program, unsigned number, uint64_t size)
{
	struct explore_check check = check_of(program, number);
	struct explore_record from = read_all(STDIN_FILENO), left;
	static struct explore_result r;
	struct said said;

	if (explore_part(&check, &(struct explore_options){ .executions_max = size },
			 from.size ? &from : NULL, &r, &left))
		return 1;
	said = (struct said){ r.executions, r.abandoned, r.steps, r.findings,
			      r.findings ? r.finding[0].times : 0, r.exhaustive,
			      (uint64_t)(uintptr_t)&check, left.size, "" };
	if (r.findings)
		snprintf(said.replay, sizeof(said.replay), "%s", r.finding[0].replay);
	write_all(STDOUT_FILENO, &said, sizeof(said));
	write_all(STDOUT_FILENO, left.bytes, left.size);
	free(from.bytes);
	free(left.bytes);
	explore_result_fini(&r);
	return 0;
}

/* Another process of this program does a part. */
static void in_process(const char *program, unsigned number, uint64_t size,
		       struct explore_record *record, struct said *ret)
{
	char number_text[16], size_text[24];
	int in[2], out[2], status;
	struct explore_record all;
	pid_t child;

	snprintf(number_text, sizeof(number_text), "%u", number);
	snprintf(size_text, sizeof(size_text), "%llu", (unsigned long long)size);
	assert_int_equal(pipe(in) | pipe(out), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		close(out[0]);
		execl("/proc/self/exe", "test_parts", "--part", program, number_text, size_text,
		      NULL);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	write_all(in[1], record->bytes, record->size);
	close(in[1]);
	all = read_all(out[0]);
	close(out[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(all.size >= sizeof(*ret));
	memcpy(ret, all.bytes, sizeof(*ret));
	assert_int_equal(all.size, sizeof(*ret) + ret->left);
	free(record->bytes);
	record->size = ret->left;
	record->bytes = malloc(ret->left + 1);
	assert_non_null(record->bytes);
	memcpy(record->bytes, (char *)all.bytes + sizeof(*ret), ret->left);
	free(all.bytes);
}

static void processes_hand_over(void **state)
{
	static const struct { const char *program; unsigned number; uint64_t size; } run[] = {
		{ "safe", 3, 50 }, { "safe", 4, 500 }, { "safe", 5, 9973 }, { "late", 3, 31 },
		{ "late", 4, 700 }, { "random", 5, 1 }, { "random", 8, 2 }, { "random", 11, 3 },
		{ "random", 14, 1 }, { "random", 17, 2 }, { "random", 20, 1 }, { "random", 23, 2 },
	};
	static struct explore_result whole;
	unsigned elsewhere = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(run); i++) {
		struct explore_check check = check_of(run[i].program, run[i].number);
		struct explore_record record = { 0 };
		struct said said;
		uint64_t at = 0;

		assert_int_equal(explore(&check, &(struct explore_options){ 0 }, &whole), 0);
		do {
			in_process(run[i].program, run[i].number, run[i].size, &record, &said);
			elsewhere += at && at != said.at;
			at = said.at;
		} while (record.size);
		assert_int_equal(said.executions, whole.executions);
		assert_int_equal(said.abandoned, whole.abandoned);
		assert_int_equal(said.steps, whole.steps);
		assert_int_equal(said.exhaustive, whole.exhaustive);
		assert_int_equal(said.findings, whole.findings);
		if (whole.findings) {
			assert_int_equal(said.times, whole.finding[0].times);
			assert_string_equal(said.replay, whole.finding[0].replay);
		}
		free(record.bytes);
		explore_result_fini(&whole);
	}
	print_message("%u times the memory lay elsewhere\n", elsewhere);
}

/* --- records that are refused -------------------------------------------- */

static struct explore_record record_of(struct explore_check *check, uint64_t size)
{
	static struct explore_result r;
	struct explore_record left;

	assert_int_equal(explore_part(check, &(struct explore_options){ .executions_max = size },
				      NULL, &r, &left), 0);
	assert_non_null(left.bytes);
	explore_result_fini(&r);
	return left;
}

static int go_on(const struct explore_check *check, const struct explore_record *record,
		 struct explore_options options)
{
	static struct explore_result r;
	struct explore_record left;
	int err = explore_part(check, &options, record, &r, &left);

	if (err == -EINVAL)
		assert_non_null(r.stopped_by);
	free(left.bytes);
	explore_result_fini(&r);
	return err;
}

static void damaged_records_are_refused(void **state)
{
	struct explore_check check = check_of("late", 3);
	struct explore_record record = record_of(&check, 20), cut = record;
	const struct explore_options none = { 0 };
	char *bytes = record.bytes;

	(void)state;
	assert_int_equal(go_on(&check, &record, none), 0);
	for (size_t at = 0; at < record.size; at++) {
		bytes[at] ^= 1 << at % 8;
		assert_int_equal(go_on(&check, &record, none), -EINVAL);
		bytes[at] ^= 1 << at % 8;
	}
	for (cut.size = 0; cut.size < record.size; cut.size++)
		assert_int_equal(go_on(&check, &cut, none), -EINVAL);
	assert_int_equal(go_on(&check, &record, none), 0);
	free(record.bytes);
}

static void other_records_are_refused(void **state)
{
	struct explore_check check = check_of("late", 3), other;
	struct explore_record record = record_of(&check, 20);
	const struct explore_options none = { 0 };
	unsigned refused = 0;

	(void)state;
	assert_int_equal(go_on(&check, &record, (struct explore_options){
		.plans_max = 1 }), -EINVAL);
	assert_int_equal(go_on(&check, &record, (struct explore_options){
		.failing_allocations = true }), -EINVAL);
	assert_int_equal(go_on(&check, &record, (struct explore_options){
		.algorithm = EXPLORE_ALL }), -EINVAL);
	other = check_of("late", 4);
	assert_int_equal(go_on(&other, &record, none), -EINVAL);
	free(record.bytes);
	/* Of the same name and size, and another program. */
	for (unsigned seed = 1; seed <= 60; seed++) {
		static struct explore_result r;

		check = check_of("random", seed);
		assert_int_equal(explore(&check, &none, &r), 0);
		explore_result_fini(&r);
		if (r.executions < 4)
			continue;
		record = record_of(&check, 2);
		other = check_of("random", seed + 1000);
		refused += go_on(&other, &record, (struct explore_options){
			.executions_max = 1000 }) == -EINVAL;
		free(record.bytes);
	}
	assert_true(refused > 20);
}

/* A random program with so many executions that something is left after three. */
static unsigned seed_of_many(void)
{
	static struct explore_result r;
	uint64_t executions = 0;
	unsigned seed = 0;

	while (executions < 10) {
		struct explore_check check = check_of("random", ++seed);

		assert_int_equal(explore(&check, &(struct explore_options){ 0 }, &r), 0);
		executions = r.executions;
		explore_result_fini(&r);
	}
	return seed;
}

/* Records that somebody has changed who knows the sum: they may mislead, and do no harm. */
static void mutants_do_no_harm(void **state)
{
	struct explore_check check;
	unsigned long random = 1;
	unsigned many = seed_of_many(), refused = 0, taken = 0;

	(void)state;
	for (unsigned n = 0; n < 6000; n++) {
		static const char *const program[] = { "late", "random" };
		struct explore_record record;
		struct record_begin *begin;
		size_t at;
		int err;

		check = check_of(program[n % 2], n % 2 ? many : 3);
		record = record_of(&check, 3);
		begin = record.bytes;
		for (unsigned k = 0; k <= n % 3; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			at = sizeof(*begin) + (random >> 24) % (record.size - sizeof(*begin));
			((char *)record.bytes)[at] = (char)(n % 5 ? random >> 56 : n % 7);
		}
		begin->sum = record_sum(begin + 1, record.size - sizeof(*begin));
		err = go_on(&check, &record, (struct explore_options){ .executions_max = 50 });
		assert_true(!err || err == -EINVAL);
		refused += err == -EINVAL;
		taken += !err;
		free(record.bytes);
	}
	print_message("%u of %u mutants are refused\n", refused, refused + taken);
	assert_true(refused > 0 && taken > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_add_up),
		cmocka_unit_test(random_programs_add_up),
		cmocka_unit_test(processes_hand_over),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(other_records_are_refused),
		cmocka_unit_test(mutants_do_no_harm),
	};

	if (argc == 5 && !strcmp(argv[1], "--part"))
		return part_main(argv[2], (unsigned)atoi(argv[3]), strtoull(argv[4], NULL, 10));
	if (argc > 1)
		seeds = (unsigned)atoi(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
