/* SPDX-License-Identifier: MIT */
/*
 * explore.c - has the public calls of the explorer, and its loop. The loop runs an execution,
 * collects what was found, plans the reversal of its races, and asks for the next execution. It
 * ends when nothing is left or when a bound is hit.
 */
#define _GNU_SOURCE
#include "explore/front/explore.h"
#include "explore/front/record.h"
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

static const char too_many_threads[] =
	"there are more than 16 threads, with those that threads start";

static const char *must_stop(double since)
{
	uint64_t runs = x.result->executions + x.result->abandoned;

	if (x.out_of_memory)
		return "out of memory";
	if (x.out_of_threads)
		return too_many_threads;
	if (engine_lacks())
		return "it is begun again";
	if (x.stuck)
		return "a thread ran on without end";
	if (x.opt.stop_at_first && x.result->findings)
		return "a finding ended it";
	if (x.opt.enough && x.fails && x.opt.enough(x.opt.enough_arg))
		return "it has shown what it was to show";
	if (x.opt.executions_max &&
	    x.result->executions - x.executions_before >= x.opt.executions_max)
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

static void drop_findings(struct explore_result *r, enum explore_oracle oracle)
{
	unsigned kept = 0;

	for (unsigned n = 0; n < r->findings; n++) {
		if (r->finding[n].oracle != oracle) {
			r->finding[kept++] = r->finding[n];
			continue;
		}
		free(r->finding[n].replay);
		explore_trace_fini(&r->finding[n].trace);
	}
	r->findings = kept;
}

/* Run until nothing is left, or a bound is hit: why it ended then, else NULL. */
static const char *run_all(double since)
{
	struct explore_result *r = x.result;
	const char *stop = NULL;

	do {
		switch (run_execution()) {
		case RUN_ASLEEP:
			r->abandoned++;
			break;
		case RUN_ABORTED:
			if (search_is_foreign())
				return "the record to go on with is of another check";
			x.cut_short = true;
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
			return NULL;
		stop = must_stop(since);
	} while (!stop);
	return stop;
}

/* All was run: was that all there is? */
static const char *incomplete(void)
{
	if (x.out_of_memory)
		return "out of memory";
	if (x.out_of_threads)
		return too_many_threads;
	if (search_is_lost())
		return "the search lost its way (the check is not deterministic, or mmun has a bug)";
	if (engine_lacks())
		return "it is begun again";
	if (x.cut_short)
		return "an execution could not be run to its end";
	return NULL;
}

/* Can what is left be gone on with? */
static bool can_go_on(void)
{
	return !x.out_of_memory && !x.out_of_threads && !x.stuck && !engine_lacks();
}

/* With @ret_left what is left is kept there, if something is. Returns as explore_part(). */
static int loop(double since, struct explore_record *ret_left)
{
	struct explore_result *r = x.result;
	const char *stop = run_all(since);
	size_t memory = search_memory();
	double before = r->seconds;
	int err = 0;

	r->memory = r->memory > memory ? r->memory : memory;
	r->classes = search_classes();
	if (search_is_foreign()) {
		r->stopped_by = stop;
		return -EINVAL;
	}
	if (!stop) {
		stop = incomplete();
	} else if (ret_left && can_go_on()) {
		r->seconds = before + seconds_now() - since;
		err = record_save(ret_left);
	}
	r->stopped_by = stop;
	r->exhaustive = !stop;
	r->seconds = before + seconds_now() - since;
	return err;
}

static bool check_is_valid(const struct explore_check *check,
			   const struct explore_options *options)
{
	return check->thread && check->threads >= 1 && check->threads <= T_MAX &&
	       check->state_size <= ARENA_SETUP / 2 && options->steps_max <= STEPS_LIMIT;
}

static bool is_found(const struct explore_result *r, enum explore_oracle oracle)
{
	for (unsigned n = 0; n < r->findings; n++)
		if (r->finding[n].oracle == oracle)
			return true;
	return false;
}

/*
 * All was run, and pictures are drawn. What a plain access reads that races, or that meets
 * freed memory, may be one thing or the other in equal runs, and so may what is done after a
 * wild pointer was followed. Then that is the mistake, and that two runs differed says nothing
 * besides.
 */
static void findings_conclude(struct explore_result *r)
{
	finding_record_all();
	if (is_found(r, ORACLE_RACE) || is_found(r, ORACLE_LIFETIME) || is_found(r, ORACLE_CRASH))
		drop_findings(r, ORACLE_DETERMINISM);
}

/* 1: the search must be begun again, with these assumptions. */
static int explore_once(const struct explore_check *check, const struct explore_options *options,
			const struct explore_record *from, struct explore_result *ret,
			uint8_t *assumes, struct explore_record *ret_left)
{
	double since = seconds_now();
	int r = run_open(check, options, ret);

	if (r == 0) {
		x.assumes = *assumes;
		ret->stopped_by = from ? record_load(from) : NULL;
		x.executions_before = ret->executions;
		r = ret->stopped_by ? -EINVAL : loop(since, ret_left);
		*assumes = x.assumes | x.needs;
		if (r == 0 && engine_lacks())
			r = 1;
		else if (r == 0 && !(ret_left && ret_left->bytes))
			findings_conclude(ret);
	} else if (r == -ECANCELED) { /* set-up failed, which is a finding */
		finding_collect();
		ret->stopped_by = "set-up failed";
		r = 0;
	}
	run_close();
	return r;
}

static int explore_from(const struct explore_check *check, const struct explore_options *options,
			const struct explore_record *from, struct explore_result *ret,
			struct explore_record *ret_left)
{
	uint8_t assumes = 0;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!check_is_valid(check, options))
		return -EINVAL;
	if (!options->leave_out)
		optionals_forget();
	while ((r = explore_once(check, options, from, ret, &assumes, ret_left)) == 1) {
		explore_result_fini(ret);
		memset(ret, 0, sizeof(*ret));
		from = NULL;
	}
	return r;
}

int explore(const struct explore_check *check, const struct explore_options *options,
	    struct explore_result *ret)
{
	return explore_from(check, options, NULL, ret, NULL);
}

int explore_part(const struct explore_check *check, const struct explore_options *options,
		 const struct explore_record *from, struct explore_result *ret,
		 struct explore_record *ret_left)
{
	*ret_left = (struct explore_record){ 0 };
	memset(ret, 0, sizeof(*ret));
	if (options->leave_out || options->algorithm == EXPLORE_ALL) {
		ret->stopped_by = "it cannot be explored in parts with these options";
		return -EINVAL;
	}
	return explore_from(check, options, from, ret, ret_left);
}

int explore_replay(const struct explore_check *check, const char *replay,
		   struct explore_trace *ret_trace, struct explore_result *ret)
{
	static const struct explore_options none;
	struct schedule schedule;
	enum run_end end;
	unsigned threads = 0;
	int r;

	memset(ret, 0, sizeof(*ret));
	memset(ret_trace, 0, sizeof(*ret_trace));
	if (!check_is_valid(check, &none))
		return -EINVAL;
	r = run_open(check, &none, ret);
	if (r == 0)
		r = finding_parse(replay, &schedule);
	if (r == 0) {
		x.assumes |= ADDS_ARE_ORDERED | LOOPS_ARE_WATCHED; /* the order is given */
		x.trace = ret_trace;
		sync_recording = true;
		end = run_schedule(&schedule);
		sync_recording = false;
		engine_name_threads(&threads);
		x.trace = NULL;
		ret->executions = 1;
		finding_collect();
		r = end == RUN_ABORTED && !x.aborted ? -EINVAL : 0;
		schedule_free(&schedule);
	}
	run_close();
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
