/* SPDX-License-Identifier: MIT */
/*
 * explore.c - the public calls of the explorer, and its loop: run, collect
 * what was found, plan, next; until nothing is left or a bound is hit.
 */
#define _GNU_SOURCE
#include "explore/front/explore.h"
#include "explore/door/door.h"
#include "explore/find/find.h"
#include "explore/run/run.h"
#include "explore/search/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct { const char *name, *meaning; } oracles[] = {
#define X(e, name, meaning) { name, meaning },
	EXPLORE_ORACLES(X)
#undef X
};

const char *explore_oracle_name(enum explore_oracle oracle) { return oracles[oracle].name; }
const char *explore_oracle_meaning(enum explore_oracle oracle) { return oracles[oracle].meaning; }

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- the loop ------------------------------------------------------------ */

static void progress(double since)
{
	struct explore_progress p = { x.result->executions, x.result->findings,
				      seconds_now() - since, search_done() };

	if (x.opt.progress)
		x.opt.progress(x.opt.progress_arg, &p);
}

enum { STEPS_BETWEEN = 200000 }; /* looks at the clock, at the most */

static const char *must_stop(double since)
{
	uint64_t runs = x.result->executions + x.result->abandoned;

	if (x.out_of_memory)
		return "out of memory";
	if (x.begin_again && !x.ordered_adds)
		return "it is begun again";
	if (x.stuck)
		return "a thread ran on without end";
	if (x.opt.stop_at_first && x.result->findings)
		return "a finding ended it";
	if (x.opt.enough && x.fails && x.opt.enough(x.opt.enough_arg))
		return "it has shown what it was to show";
	if (x.opt.executions_max && x.result->executions >= x.opt.executions_max)
		return "the bound on executions was hit";
	if (runs % 1024 == 0 || x.result->steps - x.steps_asked > STEPS_BETWEEN) {
		x.steps_asked = x.result->steps;
		if (x.opt.seconds_max > 0 && seconds_now() - since >= x.opt.seconds_max)
			return "the bound on seconds was hit";
		if (x.opt.progress && runs % 16384 == 0)
			progress(since);
	}
	return NULL;
}

/* Who gives up by himself does not try again for ever. */
static void drop_liveness(struct explore_result *r)
{
	unsigned kept = 0;

	for (unsigned n = 0; n < r->findings; n++) {
		if (r->finding[n].oracle == ORACLE_LIVENESS)
			free(r->finding[n].replay);
		else
			r->finding[kept++] = r->finding[n];
	}
	r->findings = kept;
}

static void loop(double since)
{
	struct explore_result *r = x.result;
	const char *stop = NULL;
	bool cut_short = false;

	for (;;) {
		switch (engine_run()) {
		case RUN_ASLEEP:
			r->abandoned++;
			break;
		case RUN_ABORTED:
			cut_short = true;
			r->executions++;
			break;
		default:
			r->executions++;
			if (x.opt.algorithm == EXPLORE_ALL)
				search_class();
		}
		if (x.fails)
			finding_collect();
		search_races();
		if (!search_next())
			break;
		stop = must_stop(since);
		if (stop)
			break;
	}
	if (!stop && x.out_of_memory)
		stop = "out of memory";
	if (!stop && search_is_lost())
		stop = "the search lost its way (the check is not deterministic, or mmun has a bug)";
	if (!stop && x.begin_again && !x.ordered_adds)
		stop = "it is begun again";
	if (!stop && cut_short)
		stop = "an execution could not be run to its end";
	if (!stop && (stop = alone_gives_up()))
		drop_liveness(r);
	r->stopped_by = stop;
	r->exhaustive = !stop;
	r->classes = search_classes();
	r->memory = search_memory();
}

static bool check_is_valid(const struct explore_check *check,
			   const struct explore_options *options)
{
	return check->thread && check->threads >= 1 && check->threads <= T_MAX &&
	       check->state_size <= ARENA_SETUP / 2 && options->steps_max <= STEPS_LIMIT;
}

/* Additions commute, as long as nobody waits for what they add to: if somebody does, all is
 * begun again, with additions in order. 1: it must. */
static int explore_once(const struct explore_check *check, const struct explore_options *options,
			struct explore_result *ret, bool ordered_adds)
{
	double since = seconds_now();
	int r = engine_open(check, options, ret);

	if (r == 0) {
		x.ordered_adds = ordered_adds;
		loop(since);
		ret->seconds = seconds_now() - since;
		if (x.begin_again && !ordered_adds)
			r = 1;
		else
			finding_record_all();
	} else if (r == -ECANCELED) { /* set-up failed, which is a finding */
		finding_collect();
		ret->stopped_by = "set-up failed";
		r = 0;
	}
	engine_close();
	return r;
}

int explore(const struct explore_check *check, const struct explore_options *options,
	    struct explore_result *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!check_is_valid(check, options))
		return -EINVAL;
	if (!options->leave_out)
		optionals_forget();
	spin_forget();
	r = explore_once(check, options, ret, false);
	if (r == 1) {
		explore_result_fini(ret);
		memset(ret, 0, sizeof(*ret));
		spin_forget();
		r = explore_once(check, options, ret, true);
	}
	return r;
}

int explore_replay(const struct explore_check *check, const char *replay,
		   struct explore_trace *ret_trace, struct explore_result *ret)
{
	static const struct explore_options none;
	struct schedule schedule;
	enum run_end end;
	int r;

	memset(ret, 0, sizeof(*ret));
	memset(ret_trace, 0, sizeof(*ret_trace));
	if (!check_is_valid(check, &none))
		return -EINVAL;
	r = engine_open(check, &none, ret);
	if (r == 0)
		r = finding_parse(replay, &schedule);
	if (r == 0) {
		x.ordered_adds = true; /* the order is given */
		x.trace = ret_trace;
		sync_recording = true;
		end = run_schedule(&schedule);
		sync_recording = false;
		x.trace = NULL;
		ret->executions = 1;
		finding_collect();
		r = end == RUN_ABORTED && !x.aborted ? -EINVAL : 0;
		schedule_free(&schedule);
	}
	engine_close();
	return r == -ECANCELED ? 0 : r;
}

void explore_trace_fini(struct explore_trace *trace)
{
	free(trace->event);
	free(trace->held);
	free(trace->name);
	*trace = (struct explore_trace){ 0 };
}

void explore_result_fini(struct explore_result *result)
{
	for (unsigned i = 0; i < result->findings; i++) {
		free(result->finding[i].replay);
		explore_trace_fini(&result->finding[i].trace);
	}
	result->findings = 0;
}

/* --- the speed of a switch ----------------------------------------------- */

static void bounce(void *arg)
{
	struct fiber *f = arg;

	for (;;)
		fiber_switch(&f[1], &f[0], 0);
}

void explore_switch_benchmark(uint64_t switches)
{
	struct fiber f[2] = { 0 };

	if (fiber_create(&f[1], STACK_BYTES))
		return;
	fiber_arm(&f[1], bounce, f);
	for (uint64_t n = 0; n < switches; n += 2)
		fiber_switch(&f[0], &f[1], 0);
	fiber_destroy(&f[1]);
}
