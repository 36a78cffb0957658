/* SPDX-License-Identifier: MIT */
/*
 * json.c - the format for programs: an object for each test, on a line of its own, with all
 * that the text has. mmun(1) lists the keys. Of a step it has the kind and the words, so that
 * no program need take the text apart.
 */
#include <string.h>

#include "base/json.h"
#include "report/rows.h"

/* A line or column number; those of nowhere are null. */
static void position(struct json *j, const char *name, int value)
{
	if (value > 0)
		json_number(j, name, value);
	else
		json_null(j, name);
}

static void states(struct json *j, const struct report_run *run)
{
	const struct report_value *v = run->value;

	json_begin(j, "states", '[');
	for (size_t s = 0; s < run->states; s++) {
		json_begin(j, NULL, '{');
		for (size_t i = 0; i < run->names; i++, v++)
			if (v->word)
				json_string(j, run->value_name[i], v->word);
			else
				json_number(j, run->value_name[i], v->number);
		json_end(j, '}');
	}
	json_end(j, ']');
}

struct steps {
	struct json *json;
	const char *thread[EXPLORE_THREADS_MAX];
	const struct explore_trace *trace;
	bool verbose;
};

/* As text says it, where a statement is marked. */
static const char *step_text(const struct explore_trace *trace, const struct explore_event *e,
			     char text[ROWS_TEXT_MAX])
{
	size_t mark = report_is_statement(e) ? 2 : 0;

	memcpy(text, "> ", mark);
	explore_event_text(trace, e, text + mark, ROWS_TEXT_MAX - mark);
	return text;
}

static void word(struct json *j, const struct explore_trace *trace, const struct explore_event *e,
		 unsigned n)
{
	const char *name = e->kind->word[n].name;
	char text[ROWS_TEXT_MAX];

	switch (e->kind->word[n].is) {
	case EXPLORE_FRAME:
	case EXPLORE_SLOT:
	case EXPLORE_NUMBER:
	case EXPLORE_BYTES:
		json_count(j, name, e->word[n]);
		break;
	case EXPLORE_VALUE:
		json_number(j, name, (int64_t)e->word[n]);
		break;
	case EXPLORE_FLAG:
		json_bool(j, name, e->word[n]);
		break;
	case EXPLORE_OBJECT: /* differs from run to run */
		break;
	default:
		json_string(j, name, explore_word_text(trace, e, n, text, sizeof(text)));
		break;
	}
}

/* What the step says, for programs: "text" is for people. */
static void words(struct json *j, const struct explore_trace *trace, const struct explore_event *e)
{
	json_begin(j, "words", '{');
	for (unsigned n = 0; n < e->kind->words; n++)
		word(j, trace, e, n);
	json_end(j, '}');
}

static void step(void *arg, const struct explore_event *e, size_t at)
{
	const struct steps *s = arg;
	char text[ROWS_TEXT_MAX];
	struct json *j = s->json;

	(void)at;
	if (report_is_operation(e) && !s->verbose)
		return;
	json_begin(j, NULL, '{');
	json_string(j, "thread", s->thread[e->thread]);
	json_count(j, "step", e->step);
	json_string(j, "text", step_text(s->trace, e, text));
	json_string(j, "kind", e->kind->name);
	words(j, s->trace, e);
	json_string(j, "operation", e->operation);
	if (e->operation)
		json_count(j, "operation_step", e->operation_step);
	else
		json_null(j, "operation_step");
	json_string(j, "function", e->function);
	json_string(j, "file", e->file ? report_source(e->file) : NULL);
	position(j, "line", e->line);
	json_end(j, '}');
}

static void held_one(struct json *j, const struct explore_trace *trace, unsigned nth)
{
	json_begin(j, NULL, '{');
	json_string(j, "name", trace->item[nth].name);
	json_begin(j, "values", '[');
	for (size_t h = 0; h < trace->helds; h++) {
		const struct explore_held *held = &trace->held[h];
		long by = rows_operation(trace, held);

		if (held->item != nth)
			continue;
		json_begin(j, NULL, '{');
		if (by < 0)
			json_null(j, "step");
		else
			json_count(j, "step", trace->event[by].step);
		json_string(j, "text", held->text);
		json_end(j, '}');
	}
	json_end(j, ']');
	json_end(j, '}');
}

/* The steps, and what was held: values that became so by a step. */
static void picture(struct json *j, const struct report *report, const struct report_run *run,
		    const struct explore_trace *trace)
{
	struct steps steps = { .json = j, .trace = trace, .verbose = report->verbose };
	unsigned threads = report_threads(trace, run->thread, run->threads, steps.thread);

	json_begin(j, "steps", '[');
	if (trace)
		report_walk(trace, threads, step, &steps);
	json_end(j, ']');
	json_begin(j, "held", '[');
	for (unsigned i = 0; trace && i < trace->items; i++)
		held_one(j, trace, i);
	json_end(j, ']');
}

/* Whose steps it is about. */
static void threads(struct json *j, const struct report_run *run, const struct explore_finding *f)
{
	const char *name[EXPLORE_THREADS_MAX];
	unsigned count = report_threads(&f->trace, run->thread, run->threads, name);

	json_begin(j, "threads", '[');
	for (unsigned k = 0; k < count; k++)
		if (f->threads >> k & 1)
			json_string(j, NULL, name[k]);
	json_end(j, ']');
}

/* Where the accesses stand that it is about. */
static void places(struct json *j, const struct explore_finding *f)
{
	json_begin(j, "places", '[');
	for (unsigned i = 0; i < f->places; i++) {
		const struct explore_place *p = &f->place[i];

		json_begin(j, NULL, '{');
		json_string(j, "function", p->function);
		json_string(j, "file", p->file ? report_source(p->file) : NULL);
		position(j, "line", p->line);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void finding(struct json *j, const struct report *report, const struct report_run *run,
		    unsigned nth)
{
	const struct report_exhibit x = report_exhibit(run, nth);
	const struct explore_finding *f = x.finding;

	json_begin(j, NULL, '{');
	json_string(j, "oracle", explore_oracle_name(f->oracle));
	json_string(j, "text", f->text);
	json_string(j, "replay", f->replay);
	json_count(j, "switches", f->replay ? f->switches : 0);
	json_count(j, "times", f->times);
	threads(j, run, f);
	places(j, f);
	picture(j, report, run, x.trace);
	json_end(j, '}');
}

static void findings(struct json *j, const struct report *report, const struct report_run *run)
{
	const struct explore_result *e = run->explore;

	json_begin(j, "findings", '[');
	for (unsigned i = 0; e && i < e->findings; i++)
		finding(j, report, run, i);
	json_end(j, ']');
	json_count(j, "findings_dropped", e ? e->findings_dropped : 0);
}

static void error(struct json *j, const struct report_run *run)
{
	json_begin(j, "error", '{');
	position(j, "line", run->line);
	position(j, "column", run->column);
	json_string(j, "text", run->error);
	json_end(j, '}');
}

/* All keys are always there, but "error" only with that verdict, and the picture of an
 * execution without findings if it was run again. */
void report_json_run(struct report *report, const struct report_run *run)
{
	const struct explore_result *e = run->explore;
	struct json j = { .out = report->out };

	json_begin(&j, NULL, '{');
	json_string(&j, "name", run->name);
	json_string(&j, "file", run->file);
	json_string(&j, "verdict", report_verdict_name(run->verdict));
	json_string(&j, "result", run->result);
	json_string(&j, "expected", run->expected);
	json_string(&j, "condition", run->condition);
	json_count(&j, "executions", e ? e->executions : 0);
	json_count(&j, "abandoned", e ? e->abandoned : 0);
	json_bool(&j, "exhaustive", e && e->exhaustive);
	json_string(&j, "stopped_by", e ? e->stopped_by : NULL);
	json_string(&j, "unchecked", run->unchecked);
	json_begin(&j, "unwatched", '[');
	for (unsigned n = 0; e && n < e->unwatched_count; n++)
		json_string(&j, NULL, e->unwatched[n]);
	json_end(&j, ']');
	states(&j, run);
	json_count(&j, "positive", run->positive);
	json_count(&j, "negative", run->negative);
	json_seconds(&j, "seconds", e ? e->seconds : 0.0);
	findings(&j, report, run);
	json_string(&j, "rule", run->rule);
	json_string(&j, "repair", run->repair);
	if (run->replayed && !e->findings)
		picture(&j, report, run, report_exhibit(run, 0).trace);
	if (run->verdict == REPORT_ERROR)
		error(&j, run);
	json_end(&j, '}');
	fputc('\n', report->out);
}
