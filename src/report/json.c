/* SPDX-License-Identifier: MIT */
/*
 * json.c - the format for programs: an object per test, each on a line of its
 * own, with all that the text has. Written as it goes; nothing is kept but
 * whether a comma is due.
 *
 * Invariant: what is written is valid JSON and valid UTF-8 whatever the strings
 * are, for bytes that are no UTF-8 become U+FFFD.
 */
#include <inttypes.h>
#include <string.h>

#include "report/report.h"

struct json { FILE *out; bool comma; };

static void item(struct json *j)
{
	if (j->comma)
		fputs(", ", j->out);
	j->comma = true;
}

/* Bytes of the UTF-8 character at @s, which ends in 0; 0: it is none. */
static size_t utf8_bytes(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
		   s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void print_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	fputc('"', out);
	for (; *s; s += n ? n : 1) {
		n = utf8_bytes(s);
		if (!n)
			fputs("\\ufffd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, n, out);
	}
	fputc('"', out);
}

static void key(struct json *j, const char *name)
{
	item(j);
	print_string(j->out, name);
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
		print_string(j->out, text);
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

static void step(void *arg, const struct explore_event *e)
{
	const struct steps *s = arg;
	struct json *j = s->json;

	if (!e->note && !s->verbose)
		return;
	item(j);
	begin(j, '{');
	string(j, "thread", s->run->thread[e->thread]);
	count(j, "step", e->step);
	string(j, "text", e->note ? e->text : e->kind);
	string(j, "function", e->function);
	string(j, "file", e->file ? report_source(e->file) : NULL);
	position(j, "line", e->line);
	end(j, '}');
}

static void finding(struct json *j, const struct report *report, const struct report_run *run,
		    const struct explore_finding *f)
{
	struct steps steps = { j, run, report->verbose };

	item(j);
	begin(j, '{');
	string(j, "oracle", explore_oracle_name(f->oracle));
	string(j, "text", f->text);
	string(j, "replay", f->replay);
	count(j, "switches", f->replay ? f->switches : 0);
	count(j, "times", f->times);
	key(j, "steps");
	begin(j, '[');
	report_walk(&f->trace, run->threads, step, &steps);
	end(j, ']');
	end(j, '}');
}

static void findings(struct json *j, const struct report *report, const struct report_run *run)
{
	const struct explore_result *e = run->explore;

	key(j, "findings");
	begin(j, '[');
	for (unsigned i = 0; e && i < e->findings; i++)
		finding(j, report, run, &e->finding[i]);
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

/* All keys are always there, but "error" only with that verdict. */
void report_json_run(const struct report *report, const struct report_run *run)
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
	if (run->verdict == REPORT_ERROR)
		error(&j, run);
	end(&j, '}');
	fputc('\n', report->out);
}
