/* SPDX-License-Identifier: MIT */
/*
 * test_explore.c - the search itself: known numbers of executions, every
 * interleaving of small random programs against the reduced search, bounds,
 * replay strings, memory. What the explorer calls wrong is in test_oracles.c.
 *
 * usage: test_explore SEEDS OPS SEEDS OPS...: so many random programs of at
 * most so many operations each, and the rest once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "explore/model/model.h"
#include "model_elsewhere.h"
#include "models.h"
#include "random_check.h"
#include "sync/sync.h"

static struct explore_result result;

static void run(const struct explore_check *check, const struct explore_options *options)
{
	assert_int_equal(explore(check, options, &result), 0);
}

static void run_model(struct explore_check (*make)(struct model *m), enum model_variant variant,
		      unsigned pages)
{
	struct model m = { variant, pages };
	struct explore_check check = make(&m);

	run(&check, &(struct explore_options){ 0 });
	assert_true(result.exhaustive);
	assert_null(result.stopped_by);
	assert_int_equal(result.abandoned, 0);
}

/* --- how many executions ------------------------------------------------- */

/* The seed's model, safe: what optimal tools need. */
static void seed_is_optimal(void **state)
{
	(void)state;
	run_model(model_seed, MODEL_SAFE, 2);
	assert_int_equal(result.executions, 118);
	assert_int_equal(result.findings, 0);
	explore_result_fini(&result);
}

static void family_is_optimal(void **state)
{
	static const uint64_t executions[] = { 49, 481, 4450, 40414 };

	(void)state;
	for (unsigned n = 2; n <= 5; n++) {
		run_model(model_family, MODEL_SAFE, n);
		assert_int_equal(result.executions, executions[n - 2]);
		assert_int_equal(result.findings, 0);
		explore_result_fini(&result);
	}
}

/* With room for plans no execution is begun in vain; without, few are, and the
 * space does not grow with their number. */
static void memory_is_bounded(void **state)
{
	static const uint64_t executions[] = { 49, 481, 4450, 40414 };
	size_t memory[4];

	(void)state;
	for (unsigned n = 2; n <= 5; n++) {
		struct model m = { MODEL_SAFE, n };
		struct explore_check check = model_family(&m);

		run(&check, &(struct explore_options){ .plans_max = 1 });
		assert_true(result.exhaustive);
		assert_int_equal(result.executions, executions[n - 2]);
		assert_true(result.abandoned * 4 <= result.executions);
		memory[n - 2] = result.memory;
		explore_result_fini(&result);
	}
	assert_int_equal(memory[0], memory[3]);
	run_model(model_family, MODEL_SAFE, 5);
	assert_true(result.memory < memory[3] + 16 * (1 << 20));
	explore_result_fini(&result);
}

/* --- programs that were got wrong once ----------------------------------- */

struct odd { mutex_t mutex; rwsem_t sem; atomic_u64 x, y; };

static bool is_set(uint64_t v, uint64_t arg)
{
	(void)arg;
	return v != 0;
}

static void odd_setup(void *state, void *arg)
{
	struct odd *o = state;

	(void)arg;
	mutex_init(&o->mutex, RANK_FRAME);
	rwsem_init(&o->sem, RANK_MMAP);
}

/* A trylock fails while the holder waits for somebody who waits for the lock. */
static void failed_trylock(void *state, unsigned thread, void *arg)
{
	struct odd *o = state;

	(void)arg;
	if (thread == 0) {
		mutex_lock(&o->mutex);
		store_release(&o->x, 1);
		wait_until(&o->y, is_set, 0);
		mutex_unlock(&o->mutex);
	} else if (thread == 1) {
		wait_until(&o->x, is_set, 0);
		if (mutex_trylock(&o->mutex))
			mutex_unlock(&o->mutex);
	} else {
		mutex_lock(&o->mutex);
		store_release(&o->y, 1);
		mutex_unlock(&o->mutex);
	}
}

/* A writer waits for a reader that waits forever. */
static void blocked_writer(void *state, unsigned thread, void *arg)
{
	struct odd *o = state;

	(void)arg;
	if (thread == 0) {
		down_write(&o->sem);
		up_write(&o->sem);
	} else if (thread == 1) {
		down_read(&o->sem);
		wait_until(&o->y, is_set, 0);
		up_read(&o->sem);
	} else {
		down_read(&o->sem);
		load_acquire(&o->x);
		up_read(&o->sem);
	}
}

static void odd_programs_are_explored(void **state)
{
	static void (*const program[])(void *, unsigned, void *) = {
		failed_trylock, blocked_writer,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(program); i++) {
		struct explore_check check = { .name = "odd", .threads = 3,
			.state_size = sizeof(struct odd), .setup = odd_setup,
			.thread = program[i] };
		uint64_t classes;
		unsigned findings;

		run(&check, &(struct explore_options){ .algorithm = EXPLORE_ALL });
		assert_true(result.exhaustive);
		classes = result.classes;
		findings = result.findings;
		assert_true(findings > 0);
		explore_result_fini(&result);
		run(&check, &(struct explore_options){ 0 });
		assert_true(result.exhaustive);
		assert_int_equal(result.executions, classes);
		assert_int_equal(result.findings, findings);
		explore_result_fini(&result);
	}
}

static void replays(const struct explore_check *check, const struct explore_finding *f)
{
	struct explore_result again;
	struct explore_trace trace;
	bool same = false;

	assert_non_null(f->replay);
	assert_true(f->trace.count > 0);
	assert_int_equal(explore_replay(check, f->replay, &trace, &again), 0);
	for (unsigned i = 0; i < again.findings; i++)
		same |= again.finding[i].oracle == f->oracle &&
			!strcmp(again.finding[i].text, f->text);
	assert_true(same);
	assert_true(trace.count >= f->trace.count);
	explore_trace_fini(&trace);
	explore_result_fini(&again);
}

/* --- threads that are started --------------------------------------------- */

struct later { atomic_u64 x, y; uint64_t plain, seen[2]; char srcu; };

static void swap(void *arg)
{
	struct later *l = arg;

	xchg_acq_rel(&l->x, 1);
}

static void set_both(void *arg)
{
	struct later *l = arg;

	l->plain = 1;
	store_release(&l->y, 1);
}

static const struct sync_start *started(void (*code)(void *), void *arg, const void *domain)
{
	static struct sync_start how;

	how = (struct sync_start){ .code = code, .arg = arg, .domain = domain };
	return &how;
}

/* Three threads that exchange the same word: 3! orders. */
static void three_started(void *state, unsigned thread, void *arg)
{
	(void)thread;
	(void)arg;
	for (int n = 0; n < 3; n++)
		sync_start_(*started(swap, state, NULL), SYNC_SITE);
}

/* What the first thread exchanges after it has waited comes after what the started one does; the
 * other thread's exchange comes before, between or behind: 3. */
static void joined(void *state, unsigned thread, void *arg)
{
	struct later *l = state;

	(void)arg;
	if (thread == 0)
		sync_join_(sync_start_(*started(swap, l, NULL), SYNC_SITE), SYNC_SITE);
	xchg_acq_rel(&l->x, 2);
}

/* A section that began before the call is waited for: 1. Else its load comes before or after
 * the store: 2 more. */
static void called(void *state, unsigned thread, void *arg)
{
	struct later *l = state;

	(void)arg;
	if (thread == 0) {
		sync_call_later_(*started(set_both, l, NULL), SYNC_SITE);
		return;
	}
	rcu_read_lock();
	l->seen[0] = load_acquire(&l->y);
	rcu_read_unlock();
}

/* The same of two domains, of which the section is in one: the load comes before or after the
 * store of the one that it does not hold up, 2; with the other one's call before or after the
 * section's beginning. Where the section holds the other call up, the load comes before that
 * store. Orders of load, x (the free one) and y (the held one): held up: load before y, x before or
 * after the load: 2; else both stores freely: 2 * 2. */
static void two_domains(void *state, unsigned thread, void *arg)
{
	struct later *l = state;

	(void)arg;
	if (thread == 0) {
		sync_call_later_(*started(swap, l, NULL), SYNC_SITE);
		sync_call_later_(*started(set_both, l, &l->srcu), SYNC_SITE);
		return;
	}
	sync_srcu_lock_(&l->srcu, SYNC_SITE);
	l->seen[0] = load_acquire(&l->x);
	l->seen[1] = load_acquire(&l->y);
	sync_srcu_unlock_(&l->srcu, SYNC_SITE);
}

/* After the wait all that was called is over, whatever else: 1, times 2 orders of the other
 * thread's section and the call. */
static void barrier(void *state, unsigned thread, void *arg)
{
	struct later *l = state;

	(void)arg;
	if (thread == 0) {
		sync_call_later_(*started(set_both, l, NULL), SYNC_SITE);
		sync_calls_wait_(NULL, SYNC_SITE);
		if (l->plain != 1 || !load_acquire(&l->y))
			explore_fail(ORACLE_CONDITION, "the call is not over");
		return;
	}
	rcu_read_lock();
	rcu_read_unlock();
}

static void started_threads_are_explored(void **state)
{
	static const struct {
		const char *name;
		void (*thread)(void *, unsigned, void *);
		unsigned threads;
		uint64_t executions;
	} program[] = {
		{ "three_started", three_started, 1, 6 }, { "joined", joined, 2, 3 },
		{ "called", called, 2, 3 }, { "two_domains", two_domains, 2, 6 },
		{ "barrier", barrier, 2, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(program); i++) {
		const struct explore_check check = { .name = program[i].name,
			.threads = program[i].threads, .state_size = sizeof(struct later),
			.thread = program[i].thread };

		run(&check, &(struct explore_options){ 0 });
		assert_true(result.exhaustive);
		assert_int_equal(result.executions, program[i].executions);
		assert_int_equal(result.abandoned, 0);
		assert_int_equal(result.findings, 0);
		explore_result_fini(&result);
	}
}

/* A plain access that the started thread's exchange is not ordered with, and one that is. */
static void late_access(void *state, unsigned thread, void *arg)
{
	struct later *l = state;

	(void)arg;
	(void)thread;
	sync_start_(*started(swap, l, NULL), SYNC_SITE);
	sync_start_(*started(set_both, l, &l->srcu), SYNC_SITE);
	if (load_acquire(&l->x) && load_acquire(&l->y))
		explore_fail(ORACLE_CONDITION, "both have been");
}

static void too_many(void *state, unsigned thread, void *arg)
{
	(void)arg;
	for (int n = 0; n < EXPLORE_THREADS_MAX && thread == 0; n++)
		sync_start_(*started(swap, state, NULL), SYNC_SITE);
}

static void started_threads_are_named(void **state)
{
	const struct explore_check check = { .name = "late_access", .threads = 1,
		.state_size = sizeof(struct later), .thread = late_access };
	const struct explore_check many = { .name = "too_many", .threads = 1,
		.state_size = sizeof(struct later), .thread = too_many };

	(void)state;
	run(&check, &(struct explore_options){ 0 });
	assert_int_equal(result.findings, 1);
	assert_non_null(strstr(result.finding[0].replay, "aA"));
	assert_non_null(strstr(result.finding[0].replay, "aB"));
	replays(&check, &result.finding[0]);
	explore_result_fini(&result);
	run(&many, &(struct explore_options){ 0 });
	assert_false(result.exhaustive);
	assert_non_null(strstr(result.stopped_by, "16 threads"));
	explore_result_fini(&result);
}

/* --- findings and their replay strings ----------------------------------- */

static void late_invalidation_is_found(void **state)
{
	static const struct {
		struct explore_check (*make)(struct model *m);
		enum model_variant variant;
		unsigned pages;
	} late[] = {
		{ model_seed, MODEL_DEFERRED, 2 },
		{ model_seed, MODEL_LOCKED, 2 },
		{ model_family, MODEL_DEFERRED, 2 },
		{ model_family, MODEL_DEFERRED, 3 },
		{ model_family, MODEL_DEFERRED, 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		struct model m = { late[i].variant, late[i].pages };
		struct explore_check check = late[i].make(&m);

		run(&check, &(struct explore_options){ 0 });
		assert_true(result.exhaustive);
		assert_int_equal(result.findings, 1);
		assert_int_equal(result.finding[0].oracle, ORACLE_CONDITION);
		assert_true(result.finding[0].times > 0);
		replays(&check, &result.finding[0]);
		explore_result_fini(&result);
	}
}

static int replay_text(const struct explore_check *check, const char *text)
{
	struct explore_result again;
	struct explore_trace trace;
	int ret = explore_replay(check, text, &trace, &again);

	explore_trace_fini(&trace);
	explore_result_fini(&again);
	return ret;
}

static void other_strings_are_refused(void **state)
{
	static const char *const garbage[] = {
		"", ":", "a", "seed", "0000:", "0000:a", "zzzz:a", "a:a", "%s%n", "\xff\xfe",
	};
	static const char *const endings[] = {
		"f", "z", "A", "1", "a0", "a99999", "a18446744073709551617", "a-1", "a!",
		"a!256", "a!1", "a b", "a\n", ":", "!", "a!!", "\x80",
	};
	struct model m = { MODEL_DEFERRED, 2 };
	struct explore_check seed = model_seed(&m), family = model_family(&m);
	char text[64];

	(void)state;
	run(&seed, &(struct explore_options){ 0 });
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(replay_text(&seed, garbage[i]), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		snprintf(text, sizeof(text), "%.5s%s", result.finding[0].replay, endings[i]);
		if (replay_text(&seed, text) != -EINVAL)
			fail_msg("'%s' is taken", text);
	}
	assert_int_equal(replay_text(&family, result.finding[0].replay), -EINVAL);
	explore_result_fini(&result);
}

/* Strings that are nearly right: taken or refused, and never anything else. */
static void mutants_do_no_harm(void **state)
{
	static const char letters[] = "abcdefz0123456789!:-\x7f\xff";
	struct model m = { MODEL_DEFERRED, 2 };
	struct explore_check check = model_seed(&m);
	unsigned long random = 1, taken = 0;
	char text[256];

	(void)state;
	run(&check, &(struct explore_options){ 0 });
	for (unsigned n = 0; n < 4000; n++) {
		size_t size = (size_t)snprintf(text, sizeof(text), "%s", result.finding[0].replay);
		int ret;

		for (unsigned k = 0; k <= n % 3; k++) {
			size_t at;

			random = random * 6364136223846793005u + 1442695040888963407u;
			at = n % 16 ? 5 + (random >> 33) % (size - 5) : (random >> 33) % size;
			if (random >> 60 == 0)
				text[at] = '\0';
			else
				text[at] = letters[(random >> 40) % (sizeof(letters) - 1)];
			size = strlen(text) > 5 ? strlen(text) : 6;
		}
		ret = replay_text(&check, text);
		if (ret && ret != -EINVAL)
			fail_msg("'%s' gives %d", text, ret);
		taken += !ret;
	}
	assert_true(taken > 0 && taken < 4000);
	explore_result_fini(&result);
}

/* --- bounds -------------------------------------------------------------- */

static void a_bound_is_no_proof(void **state)
{
	static const struct explore_options bounds[] = {
		{ .executions_max = 1 }, { .executions_max = 480 }, { .seconds_max = 1e-9 },
	};
	struct model m = { MODEL_SAFE, 4 };
	struct explore_check check = model_family(&m);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		run(&check, &bounds[i]);
		assert_false(result.exhaustive);
		assert_non_null(result.stopped_by);
		assert_true(result.executions < 4450);
		if (bounds[i].executions_max)
			assert_int_equal(result.executions, bounds[i].executions_max);
		explore_result_fini(&result);
	}
	run(&check, &(struct explore_options){ .executions_max = 4451 });
	assert_true(result.exhaustive);
	explore_result_fini(&result);
	run(&check, &(struct explore_options){ .steps_max = 12 });
	assert_false(result.exhaustive);
	assert_int_equal(result.finding[0].oracle, ORACLE_STEPS);
	explore_result_fini(&result);
}

static void the_first_finding_ends_it(void **state)
{
	struct model m = { MODEL_DEFERRED, 4 };
	struct explore_check check = model_family(&m);

	(void)state;
	run(&check, &(struct explore_options){ .stop_at_first = true });
	assert_int_equal(result.findings, 1);
	assert_false(result.exhaustive);
	assert_non_null(result.stopped_by);
	replays(&check, &result.finding[0]);
	explore_result_fini(&result);
}

static void impossible_checks_are_refused(void **state)
{
	static const struct explore_options none, steps = { .steps_max = 1 << 20 };
	struct model m = { MODEL_SAFE, 2 };
	struct explore_check good = model_seed(&m), bad;

	(void)state;
	bad = good;
	bad.threads = 0;
	assert_int_equal(explore(&bad, &none, &result), -EINVAL);
	bad.threads = EXPLORE_THREADS_MAX + 1;
	assert_int_equal(explore(&bad, &none, &result), -EINVAL);
	bad = good;
	bad.thread = NULL;
	assert_int_equal(explore(&bad, &none, &result), -EINVAL);
	bad = good;
	bad.state_size = SIZE_MAX;
	assert_int_equal(explore(&bad, &none, &result), -EINVAL);
	assert_int_equal(explore(&good, &steps, &result), -EINVAL);
}

/* --- every interleaving against the reduced search ----------------------- */

enum { ALL_EXECUTIONS_MAX = 200000 };

static int random_argc;
static char **random_argv;

/* The reduced search with so much room for plans against the enumeration. */
static void compare_one(const struct random_check *all, const struct explore_result *ra,
			const struct random_check *fresh, unsigned plans, uint64_t seed,
			unsigned ops)
{
	static struct random_check reduced;
	static struct explore_result ro;
	struct explore_check check;
	unsigned missing = 0;
	bool exact = !plans && !random_check_chooses(all);

	reduced = *fresh;
	check = random_check_as_check(&reduced);
	assert_int_equal(explore(&check, &(struct explore_options){ .plans_max = plans }, &ro), 0);
	for (size_t i = 0; i < RANDOM_RESULTS_MAX; i++)
		missing += all->results[i] && !random_check_has(&reduced, all->results[i]);
	if (missing || all->result_count != reduced.result_count || !ro.exhaustive ||
	    ra->findings != ro.findings || ro.executions < ra->classes ||
	    (exact && ro.executions != ra->classes) ||
	    (exact && ro.abandoned && !random_check_spins(all)))
		fail_msg("seed %llu, %u operations, plans %u: %zu results in %llu classes, "
			 "findings %u; reduced: %zu results, %u missing, in %llu executions, "
			 "%llu abandoned, findings %u", (unsigned long long)seed, ops, plans,
			 all->result_count, (unsigned long long)ra->classes, ra->findings,
			 reduced.result_count, missing, (unsigned long long)ro.executions,
			 (unsigned long long)ro.abandoned, ro.findings);
	explore_result_fini(&ro);
}

/* One program, both ways. Returns false if it has too many interleavings. */
static bool compare(uint64_t seed, unsigned ops)
{
	static struct random_check all, fresh;
	static struct explore_result ra;
	struct explore_check ca;

	random_check_make(&all, seed, ops);
	fresh = all;
	ca = random_check_as_check(&all);
	assert_int_equal(explore(&ca, &(struct explore_options){
		.algorithm = EXPLORE_ALL, .executions_max = ALL_EXECUTIONS_MAX }, &ra), 0);
	if (ra.exhaustive) {
		compare_one(&all, &ra, &fresh, 0, seed, ops);
		compare_one(&all, &ra, &fresh, 1, seed, ops);  /* no plans from the first on */
		compare_one(&all, &ra, &fresh, 12, seed, ops); /* none from some time on */
	}
	explore_result_fini(&ra);
	return ra.exhaustive;
}

static void nothing_is_lost(void **state)
{
	(void)state;
	for (int i = 0; i + 1 < random_argc; i += 2) {
		unsigned seeds = (unsigned)atoi(random_argv[i]), compared = 0;
		unsigned ops = (unsigned)atoi(random_argv[i + 1]);

		for (unsigned seed = 1; seed <= seeds; seed++)
			compared += compare(seed, ops);
		print_message("%u of %u programs of %u operations\n", compared, seeds, ops);
		assert_true(compared * 10 >= seeds * 8);
	}
}

/* --- memory models ------------------------------------------------------- */

/* Whatever the memory model does with words, and though letting go is a step of its own in it:
 * where it is sequential consistency, the same executions are run. */
static void models_are_counted_alike(void **state)
{
	static const uint64_t executions[] = { 49, 481, 4450 };

	(void)state;
	model_choose(&model_elsewhere);
	elsewhere_performed = elsewhere_ordered = 0;
	run_model(model_seed, MODEL_SAFE, 2);
	assert_int_equal(result.executions, 118);
	explore_result_fini(&result);
	for (unsigned n = 2; n <= 4; n++) {
		run_model(model_family, MODEL_SAFE, n);
		assert_int_equal(result.executions, executions[n - 2]);
		explore_result_fini(&result);
	}
	model_choose(&model_sc);
	assert_true(elsewhere_performed > 0);
	/* No order is dropped: the programs acquire and release throughout. */
	assert_int_equal(elsewhere_ordered, elsewhere_performed);
}

/* The same of random programs: the same results, findings and executions. */
static void models_show_the_same(void **state)
{
	static struct random_check sc, other;
	static struct explore_result rs, ro;

	(void)state;
	for (unsigned seed = 1; seed <= 1000; seed++) {
		struct explore_check check;

		random_check_make(&sc, seed, 6);
		other = sc;
		check = random_check_as_check(&sc);
		assert_int_equal(explore(&check, &(struct explore_options){ 0 }, &rs), 0);
		check = random_check_as_check(&other);
		model_choose(&model_elsewhere);
		assert_int_equal(explore(&check, &(struct explore_options){ 0 }, &ro), 0);
		model_choose(&model_sc);
		if (rs.executions != ro.executions || rs.findings != ro.findings ||
		    memcmp(sc.results, other.results, sizeof(sc.results)) != 0)
			fail_msg("seed %u: %llu executions, %u findings, %zu results; elsewhere "
				 "%llu, %u, %zu", seed, (unsigned long long)rs.executions,
				 rs.findings, sc.result_count, (unsigned long long)ro.executions,
				 ro.findings, other.result_count);
		explore_result_fini(&rs);
		explore_result_fini(&ro);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seed_is_optimal),
		cmocka_unit_test(family_is_optimal),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(odd_programs_are_explored),
		cmocka_unit_test(started_threads_are_explored),
		cmocka_unit_test(started_threads_are_named),
		cmocka_unit_test(late_invalidation_is_found),
		cmocka_unit_test(other_strings_are_refused),
		cmocka_unit_test(mutants_do_no_harm),
		cmocka_unit_test(a_bound_is_no_proof),
		cmocka_unit_test(the_first_finding_ends_it),
		cmocka_unit_test(impossible_checks_are_refused),
		cmocka_unit_test(models_are_counted_alike),
		cmocka_unit_test(models_show_the_same),
		cmocka_unit_test(nothing_is_lost),
	};

	random_argc = argc - 1;
	random_argv = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
