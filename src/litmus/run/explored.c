/* SPDX-License-Identifier: MIT */
/*
 * explored.c - see check.h. This file connects the runner on the virtual memory with the
 * explorer, and shows each execution to the oracles.
 *
 * Invariant: everything that an execution changes, and that the next one needs as it was, is
 * in struct execution, which the explorer restores. struct search is never restored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/flat/flat.h"
#include "litmus/run/oracles.h"
#include "litmus/run/verdict.h"
#include "litmus/run/world.h"

enum { FLAT_STATES_MAX = 4000000 };

static const struct litmus_runner *const runner = &world_runner;

struct execution {
	struct oracle_counts counts;
	struct world world;        /* the runner's */
};

struct search {
	const struct litmus *test;
	struct litmus_report *report;
	bool replaying;            /* else an execution that is recorded has been counted before */
	bool with_oracles;
	struct oracles oracles;
	struct litmus_observer observer;
	void (*judge)(struct world *world);
	int64_t outcome[LITMUS_OUTCOME_MAX];
	bool out_of_memory;
	const char *thread_name[LITMUS_THREADS_MAX];
};

/* --- an execution -------------------------------------------------------- */

static void setup(void *state, void *arg)
{
	struct execution *e = state;
	struct search *s = arg;

	s->oracles.counts = &e->counts;
	ASSERT(runner->setup(&e->world, s->test, s->with_oracles ? &s->observer : NULL) == 0);
}

static void thread(void *state, unsigned thread, void *arg)
{
	struct execution *e = state;

	(void)arg;
	runner->thread(&e->world, thread);
}

static void count_outcome(struct search *s)
{
	struct litmus_report *r = s->report;

	if (litmus_outcomes_add(&r->outcomes, s->outcome, 1))
		s->out_of_memory = true;
	if (s->test->quantifier == QUANT_NONE)
		return;
	if (litmus_holds(s->test, s->test->condition, s->outcome))
		r->positive++;
	else
		r->negative++;
}

static void judge_outcome(struct search *s)
{
	struct litmus_report *r = s->report;

	if (!litmus_filtered_in(s->test, s->outcome))
		return;
	if (!sync_recording || s->replaying)
		count_outcome(s);
	if (!s->with_oracles || !r->flat_known || litmus_outcomes_has(&r->flat, s->outcome))
		return;
	if (s->test->quantifier == QUANT_NONE ||
	    !litmus_holds(s->test, s->test->condition, s->outcome))
		r->flat_aside++;
	oracles_fail_flat(s->test, &r->flat, s->outcome);
}

static void finish(void *state, void *arg)
{
	struct execution *e = state;
	struct search *s = arg;

	runner->outcome(&e->world, s->outcome);
	judge_outcome(s);
	if (s->with_oracles)
		oracles_judge_writes(&s->oracles, s->outcome);
	if (s->judge)
		s->judge(&e->world);
	runner->teardown(&e->world);
}

static void watch(void *state, void *arg)
{
	const struct execution *e = state;

	(void)arg;
	world_watch(&e->world);
}

static struct explore_check check_of(struct search *s)
{
	return (struct explore_check){
		.name = s->test->name, .threads = (unsigned)s->test->threads,
		.thread_name = s->thread_name, .state_size = sizeof(struct execution),
		.setup = setup, .thread = thread, .finish = finish, .watch = watch, .arg = s,
	};
}

/* --- pictures: variables' names for addresses ---------------------------- */

/* A variable's word has its name; what else is on its page has the first one's. Without
 * memory addresses stay numbers. */
static void name_addresses(const struct litmus *test, struct explore_trace *trace)
{
	for (int v = 0; v < test->vars; v++) {
		uint64_t word = world_var_addr(test, v);

		(void)explore_trace_name(trace, word, word + sizeof(uint64_t), test->var[v].name);
	}
	for (int v = 0; v < test->vars; v++) {
		uint64_t page = world_page_addr(test, v);

		(void)explore_trace_name(trace, page, page + PAGE_BYTES, test->var[v].name);
	}
}

/* --- public -------------------------------------------------------------- */

static int report_open(const struct litmus *test, struct litmus_report *ret, bool flat)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	err = litmus_outcomes_init(&ret->outcomes, litmus_outcome_size(test));
	if (err || !flat)
		return err;
	err = litmus_flat(test, FLAT_STATES_MAX, &ret->flat);
	ret->flat_known = err == 0;
	return err == -E2BIG ? 0 : err;
}

static struct search *search_open(const struct litmus *test, struct litmus_report *report,
				  bool with_oracles)
{
	struct search *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->test = test;
	s->report = report;
	s->with_oracles = with_oracles;
	oracles_init(&s->oracles, test);
	s->observer = oracles_observer(&s->oracles);
	for (int t = 0; t < test->threads; t++)
		s->thread_name[t] = test->thread[t].name;
	return s;
}

static bool enough(void *arg)
{
	struct search *s = arg;

	s->report->certain = verdict_is_certain(s->test, s->report);
	return s->report->certain;
}

int litmus_check(const struct litmus *test, const struct litmus_options *options,
		 struct litmus_report *ret)
{
	struct explore_options o = {
		.executions_max = options->executions_max, .seconds_max = options->seconds_max,
		.progress = options->progress, .progress_arg = options->progress_arg,
		.failing_allocations = options->fail_allocations,
		.leave_out = options->leave_out,
	};
	struct search *s = search_open(test, ret, !options->no_oracles);
	struct explore_check check;
	int err = s ? report_open(test, ret, s->with_oracles) : -ENOMEM;

	if (!err) {
		s->judge = options->judge;
		check = check_of(s);
		if (options->fast) {
			o.enough = enough;
			o.enough_arg = s;
		}
		err = explore(&check, &o, &ret->explore);
		if (!err && s->out_of_memory)
			err = -ENOMEM;
	}
	free(s);
	if (err) {
		litmus_report_fini(ret);
		return err;
	}
	for (unsigned n = 0; n < ret->explore.findings; n++)
		name_addresses(test, &ret->explore.finding[n].trace);
	ret->result = verdict_observed(test, ret);
	ret->verdict = verdict_of(test, ret, !options->no_oracles);
	return 0;
}

int litmus_replay(const struct litmus *test, const char *schedule,
		  struct explore_trace *ret_trace, struct litmus_report *ret)
{
	struct search *s = search_open(test, ret, true);
	struct explore_check check;
	int err = s ? report_open(test, ret, true) : -ENOMEM;

	if (!err) {
		check = check_of(s);
		s->replaying = true;
		err = explore_replay(&check, schedule, ret_trace, &ret->explore);
		if (err)
			explore_trace_fini(ret_trace);
	}
	free(s);
	if (err) {
		litmus_report_fini(ret);
		return err;
	}
	name_addresses(test, ret_trace);
	ret->result = verdict_observed(test, ret);
	ret->verdict = ret->explore.findings ? VERDICT_VIOLATION : VERDICT_OK;
	return 0;
}

void litmus_report_fini(struct litmus_report *report)
{
	explore_result_fini(&report->explore);
	litmus_outcomes_fini(&report->outcomes);
	litmus_outcomes_fini(&report->flat);
}
