/* SPDX-License-Identifier: MIT */
/*
 * text.c - the formats for people: a block for each test, or a line. The block begins as
 * herd's does, so that people and scripts that can read herd's can read it; then comes what
 * herd does not have: the executions, the verdict, the findings and their pictures.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

static void print_states(FILE *out, const struct report_run *run)
{
	const struct report_value *v = run->value;

	fprintf(out, "States %zu\n", run->states);
	for (size_t s = 0; s < run->states; s++) {
		for (size_t i = 0; i < run->names; i++, v++) {
			fprintf(out, "%s%s=", i ? " " : "", run->value_name[i]);
			if (v->word)
				fputs(v->word, out);
			else
				fprintf(out, "%" PRId64, v->number);
			fputc(';', out);
		}
		fputc('\n', out);
	}
}

static void print_answer(FILE *out, const struct report_run *run)
{
	fprintf(out, "%s\n", run->satisfied ? "Ok" : "No");
	fprintf(out, "Witnesses\nPositive: %" PRIu64 " Negative: %" PRIu64 "\n", run->positive,
		run->negative);
	fprintf(out, "Condition %s\n", run->condition);
	fprintf(out, "Observation %s %s %" PRIu64 " %" PRIu64 "\n", run->name, run->result,
		run->positive, run->negative);
}

void report_search(const struct report_run *run, char *text, size_t size)
{
	const struct explore_result *e = run->explore;
	char abandoned[48] = "";

	if (e->abandoned)
		snprintf(abandoned, sizeof(abandoned), " (%" PRIu64 " abandoned)", e->abandoned);
	if (run->replayed)
		snprintf(text, size, "1, run again");
	else if (e->exhaustive)
		snprintf(text, size, "%" PRIu64 "%s, exhaustive", e->executions, abandoned);
	else
		snprintf(text, size, "%" PRIu64 "%s, %s: %s", e->executions, abandoned,
			 run->certain ? "not exhaustive" : "NOT FINISHED",
			 e->stopped_by ? e->stopped_by : "stopped");
}

static void put_plainly(FILE *out, const char *text) { fputs(text, out); }

static void print_search(FILE *out, const struct report_run *run)
{
	const struct explore_result *e = run->explore;
	char text[REPORT_LINE_MAX];

	report_search(run, text, sizeof(text));
	fprintf(out, "Time %s %.2f\n", run->name, e->seconds);
	fprintf(out, "Executions %s\n", text);
	fprintf(out, "Verdict %s", report_verdict_name(run->verdict));
	if (run->why)
		fprintf(out, ": %s", run->why);
	fputc('\n', out);
	if (run->unchecked)
		fprintf(out, "Not checked %s\n", run->unchecked);
	else if (report_verified(out, run, put_plainly))
		fputc('\n', out);
}

/* Quotes where a shell, or its history, would see more than letters. */
static void print_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./+-=:,@%";

	if (*word && word[strspn(word, plain)] == 0) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	fputc('\'', out);
}

void report_replay_command(FILE *out, const struct report_run *run,
			   const struct explore_finding *finding)
{
	if (run->replay_with) {
		fprintf(out, "%s %s", run->replay_with, finding->replay);
		return;
	}
	fputs("mmun replay ", out);
	print_word(out, run->file);
	fputc(' ', out);
	print_word(out, finding->replay);
}

char *report_replay_text(const struct report_run *run, const struct explore_finding *finding)
{
	char *text = NULL;
	size_t size;
	FILE *out = finding->replay ? open_memstream(&text, &size) : NULL;

	if (!out)
		return NULL;
	report_replay_command(out, run, finding);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Those that the text does not have: the first one, or a race's two, are in it. */
static void print_places(FILE *out, const struct explore_finding *f)
{
	if (!f->cause || f->places < 2)
		return;
	fputs("  also in", out);
	for (unsigned i = 1; i < f->places; i++)
		fprintf(out, "%s %s:%d", i > 1 ? "," : "", f->place[i].function, f->place[i].line);
	fprintf(out, "%s\n", f->places == EXPLORE_PLACES_MAX ? ", ..." : "");
}

static void print_findings(const struct report *report, const struct report_run *run)
{
	const struct explore_result *e = run->explore;
	FILE *out = report->out;

	for (unsigned i = 0; i < e->findings; i++) {
		const struct explore_finding *f = &e->finding[i];
		const struct explore_trace *trace = report_exhibit(run, i).trace;

		fprintf(out, "Finding %s: %s\n", explore_oracle_name(f->oracle), f->text);
		fprintf(out, "  seen in %" PRIu64 " execution%s", f->times,
			f->times == 1 ? "" : "s");
		if (f->replay) {
			fprintf(out, ", %s %u; replay: ", e->exhaustive ?
				"fewest context switches" : "context switches", f->switches);
			report_replay_command(out, run, f);
		}
		fputc('\n', out);
		print_places(out, f);
		if (report_draws(report, run, i) && trace) {
			fputc('\n', out);
			table_print(out, trace, run->thread, run->threads, report->verbose);
			if (i + 1 < e->findings)
				fputc('\n', out);
		}
	}
	if (e->findings_dropped)
		fprintf(out, "Further findings, not kept: %" PRIu64 "\n", e->findings_dropped);
	if (run->rule)
		fprintf(out, "Rule %s\n", run->rule);
	if (run->repair)
		fprintf(out, "Repaired by %s\n", run->repair);
}

/* An error has been told where errors are told. */
void report_text_run(struct report *report, const struct report_run *run)
{
	FILE *out = report->out;

	if (run->verdict == REPORT_ERROR)
		return;
	fprintf(out, "Test %s%s%s\n", run->name, run->kind ? " " : "", run->kind ? run->kind : "");
	if (run->states)
		print_states(out, run);
	if (run->condition)
		print_answer(out, run);
	print_search(out, run);
	print_findings(report, run);
	fputc('\n', out);
}

void report_brief_run(struct report *report, const struct report_run *run)
{
	FILE *out = report->out;
	const struct explore_result *e = run->explore;

	if (run->verdict == REPORT_ERROR) {
		fprintf(out, "%-28s %s\n", run->name ? run->name : run->file,
			report_verdict_name(run->verdict));
		return;
	}
	fprintf(out, "%-28s %-10s %-9s %10" PRIu64 "%s", run->name,
		report_verdict_name(run->verdict), run->result ? run->result : "-", e->executions,
		e->exhaustive ? "" : run->certain ? ", not exhaustive" : ", not finished");
	if (e->unwatched_count && !e->findings)
		fputs(", not all watched", out);
	for (unsigned i = 0; i < e->findings; i++) {
		bool said = false;

		for (unsigned k = 0; k < i; k++)
			said |= e->finding[k].oracle == e->finding[i].oracle;
		if (!said)
			fprintf(out, " %s", explore_oracle_name(e->finding[i].oracle));
	}
	fputc('\n', out);
}

static void completeness(const struct report *r, char *text, size_t size)
{
	uint64_t unfinished = r->searches - r->exhaustive - r->certain;

	if (!r->searches)
		snprintf(text, size, "no searches");
	else if (unfinished)
		snprintf(text, size, "%" PRIu64 " of %" PRIu64 " searches NOT FINISHED", unfinished,
			 r->searches);
	else if (r->certain)
		snprintf(text, size, "%" PRIu64 " of %" PRIu64
			 " searches ended early, when certain", r->certain, r->searches);
	else
		snprintf(text, size, "all searches exhaustive");
}

void report_sum(const struct report *report, bool all, char *text, size_t size)
{
	static const char *const noun[][2] = {
#define X(e, name, one, several) { one, several },
		REPORT_VERDICTS(X)
#undef X
	};
	char counts[REPORT_LINE_MAX], complete[REPORT_LINE_MAX];
	size_t n = 0;

	*counts = 0;
	for (int v = 0; v < REPORT_VERDICTS_COUNT; v++)
		if (all || report->count[v])
			n += (size_t)snprintf(counts + n, sizeof(counts) - n, "%s%" PRIu64 " %s",
					      n ? ", " : "", report->count[v],
					      noun[v][report->count[v] != 1]);
	completeness(report, complete, sizeof(complete));
	snprintf(text, size, "%" PRIu64 " test%s%s%s; %" PRIu64 " execution%s, %s", report->tests,
		 report->tests == 1 ? "" : "s", n ? ": " : "", counts, report->executions,
		 report->executions == 1 ? "" : "s", complete);
}

/* Says something about several tests only. */
void report_summary(struct report *report)
{
	char text[3 * REPORT_LINE_MAX];

	if (report->tests < 2)
		return;
	report_sum(report, true, text, sizeof(text));
	fprintf(report->out, "%s\n", text);
}
