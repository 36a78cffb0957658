/* SPDX-License-Identifier: MIT */
/*
 * json.c - the format for programs: an object per test, each on a line of its
 * own, with all that the text has. Written as it goes; nothing is kept but
 * whether a comma is due.
 *
 * Invariant: what is written is valid JSON and valid UTF-8 whatever the strings are.
 */
#include <inttypes.h>

#include "report/escape.h"
#include "report/rows.h"

struct json { FILE *out; bool comma; };

static void item(struct json *j)
{
	if (j->comma)
		fputs(", ", j->out);
	j->comma = true;
}

static void key(struct json *j, const char *name)
{
	item(j);
	escape_json(j->out, name);
	fputs(": ", j->out);
}

static void begin(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->comma = false;
}

static void end(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->comma = true;
}

static void string(struct json *j, const char *name, const char *text)
{
	key(j, name);
	if (text)
		escape_json(j->out, text);
	else
		fputs("null", j->out);
}

static void number(struct json *j, const char *name, int64_t value)
{
	key(j, name);
	fprintf(j->out, "%" PRId64, value);
}

static void count(struct json *j, const char *name, uint64_t value)
{
	key(j, name);
	fprintf(j->out, "%" PRIu64, value);
}

static void position(struct json *j, const char *name, int value)
{
	if (value > 0)
		number(j, name, value);
	else
		string(j, name, NULL);
}

static void states(struct json *j, const struct report_run *run)
{
	const struct report_value *v = run->value;

	key(j, "states");
	begin(j, '[');
	for (size_t s = 0; s < run->states; s++) {
		item(j);
		begin(j, '{');
		for (size_t i = 0; i < run->names; i++, v++)
			if (v->word)
				string(j, run->value_name[i], v->word);
			else
				number(j, run->value_name[i], v->number);
		end(j, '}');
	}
	end(j, ']');
}

struct steps { struct json *json; const struct report_run *run; bool verbose; };

static void step(void *arg, const struct explore_event *e, size_t at)
{
	const struct steps *s = arg;
	struct json *j = s->json;

	(void)at;
	if (!e->note && !s->verbose)
		return;
	item(j);
	begin(j, '{');
	string(j, "thread", s->run->thread[e->thread]);
	count(j, "step", e->step);
	string(j, "text", e->note ? e->text : e->kind);
	string(j, "operation", e->operation);
	if (e->operation)
		count(j, "operation_step", e->operation_step);
	else
		string(j, "operation_step", NULL);
	string(j, "function", e->function);
	string(j, "file", e->file ? report_source(e->file) : NULL);
	position(j, "line", e->line);
	end(j, '}');
}

static void held_one(struct json *j, const struct explore_trace *trace, unsigned nth)
{
	item(j);
	begin(j, '{');
	string(j, "name", trace->item[nth]);
	key(j, "values");
	begin(j, '[');
	for (size_t h = 0; h < trace->helds; h++) {
		const struct explore_held *held = &trace->held[h];
		long by = held_operation(trace, held);

		if (held->item != nth)
			continue;
		item(j);
		begin(j, '{');
		if (by < 0)
			string(j, "step", NULL);
		else
			count(j, "step", trace->event[by].step);
		string(j, "text", held->text);
		end(j, '}');
	}
	end(j, ']');
	end(j, '}');
}

/* The steps, and what was held: values that became so by a step. */
static void picture(struct json *j, const struct report *report, const struct report_run *run,
		    const struct explore_trace *trace)
{
	struct steps steps = { j, run, report->verbose };

	key(j, "steps");
	begin(j, '[');
	if (trace)
		report_walk(trace, run->threads, step, &steps);
	end(j, ']');
	key(j, "held");
	begin(j, '[');
	for (unsigned i = 0; trace && i < trace->items; i++)
		held_one(j, trace, i);
	end(j, ']');
}

static void finding(struct json *j, const struct report *report, const struct report_run *run,
		    unsigned nth)
{
	const struct report_exhibit x = report_exhibit(run, nth);
	const struct explore_finding *f = x.finding;

	item(j);
	begin(j, '{');
	string(j, "oracle", explore_oracle_name(f->oracle));
	string(j, "text", f->text);
	string(j, "replay", f->replay);
	count(j, "switches", f->replay ? f->switches : 0);
	count(j, "times", f->times);
	picture(j, report, run, x.trace);
	end(j, '}');
}

static void findings(struct json *j, const struct report *report, const struct report_run *run)
{
	const struct explore_result *e = run->explore;

	key(j, "findings");
	begin(j, '[');
	for (unsigned i = 0; e && i < e->findings; i++)
		finding(j, report, run, i);
	end(j, ']');
	count(j, "findings_dropped", e ? e->findings_dropped : 0);
}

static void error(struct json *j, const struct report_run *run)
{
	key(j, "error");
	begin(j, '{');
	position(j, "line", run->line);
	position(j, "column", run->column);
	string(j, "text", run->error);
	end(j, '}');
}

/* All keys are always there, but "error" only with that verdict, and the picture of an
 * execution without findings if it was run again. */
void report_json_run(struct report *report, const struct report_run *run)
{
	const struct explore_result *e = run->explore;
	struct json j = { .out = report->out };

	begin(&j, '{');
	string(&j, "name", run->name);
	string(&j, "file", run->file);
	string(&j, "verdict", report_verdict_name(run->verdict));
	string(&j, "result", run->result);
	string(&j, "expected", run->expected);
	string(&j, "condition", run->condition);
	count(&j, "executions", e ? e->executions : 0);
	count(&j, "abandoned", e ? e->abandoned : 0);
	key(&j, "exhaustive");
	fputs(e && e->exhaustive ? "true" : "false", j.out);
	string(&j, "stopped_by", e ? e->stopped_by : NULL);
	string(&j, "unchecked", run->unchecked);
	states(&j, run);
	count(&j, "positive", run->positive);
	count(&j, "negative", run->negative);
	key(&j, "seconds");
	fprintf(j.out, "%.3f", e ? e->seconds : 0.0);
	findings(&j, report, run);
	string(&j, "rule", run->rule);
	string(&j, "repair", run->repair);
	if (run->replayed && !e->findings)
		picture(&j, report, run, report_exhibit(run, 0).trace);
	if (run->verdict == REPORT_ERROR)
		error(&j, run);
	end(&j, '}');
	fputc('\n', report->out);
}
