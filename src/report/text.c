/* SPDX-License-Identifier: MIT */
/*
 * text.c - the formats for people: herd's block, so that whoever reads herd's
 * can read ours and scripts that read herd's go on working, followed by what
 * herd has not: executions, verdict, findings, pictures; and a line per test.
 */
#include <inttypes.h>
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

static void print_search(FILE *out, const struct report_run *run)
{
	const struct explore_result *e = run->explore;

	fprintf(out, "Time %s %.2f\n", run->name, e->seconds);
	fprintf(out, "Executions %" PRIu64, e->executions);
	if (e->abandoned)
		fprintf(out, " (%" PRIu64 " abandoned)", e->abandoned);
	if (e->exhaustive)
		fputs(", exhaustive\n", out);
	else
		fprintf(out, ", %s: %s\n", run->certain ? "not exhaustive" : "NOT FINISHED",
			e->stopped_by ? e->stopped_by : "stopped");
	fprintf(out, "Verdict %s", report_verdict_name(run->verdict));
	if (run->why)
		fprintf(out, ": %s", run->why);
	fputc('\n', out);
	if (run->unchecked)
		fprintf(out, "Not checked %s\n", run->unchecked);
	else if (run->verdict == REPORT_OK && e->exhaustive && !e->findings)
		fprintf(out, "Verified: all %" PRIu64
			" inequivalent executions under sequential consistency\n", e->executions);
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

void report_replay_command(FILE *out, const char *file, const char *replay)
{
	fputs("mmun replay ", out);
	print_word(out, file);
	fputc(' ', out);
	print_word(out, replay);
}

static bool draws(const struct report *report, const struct report_run *run, unsigned finding)
{
	if (finding && !report->verbose)
		return false;
	return report->pictures == PICTURES_ALWAYS ||
	       (report->pictures == PICTURES_SURPRISES && run->verdict != REPORT_OK);
}

static void print_findings(const struct report *report, const struct report_run *run)
{
	const struct explore_result *e = run->explore;
	FILE *out = report->out;

	for (unsigned i = 0; i < e->findings; i++) {
		const struct explore_finding *f = &e->finding[i];

		fprintf(out, "Finding %s: %s\n", explore_oracle_name(f->oracle), f->text);
		fprintf(out, "  seen in %" PRIu64 " execution%s", f->times,
			f->times == 1 ? "" : "s");
		if (f->replay) {
			fprintf(out, ", %s %u; replay: ", e->exhaustive ?
				"fewest context switches" : "context switches", f->switches);
			if (run->replay_with)
				fprintf(out, "%s %s", run->replay_with, f->replay);
			else
				report_replay_command(out, run->file, f->replay);
		}
		fputc('\n', out);
		if (draws(report, run, i) && f->trace.count) {
			fputc('\n', out);
			table_print(out, &f->trace, run->thread, run->threads, report->verbose);
			if (i + 1 < e->findings)
				fputc('\n', out);
		}
	}
	if (e->findings_dropped)
		fprintf(out, "Further findings, not kept: %" PRIu64 "\n", e->findings_dropped);
}

/* An error has been told where errors are told. */
void report_text_run(const struct report *report, const struct report_run *run)
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

void report_brief_run(const struct report *report, const struct report_run *run)
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
	for (unsigned i = 0; i < e->findings; i++) {
		bool said = false;

		for (unsigned k = 0; k < i; k++)
			said |= e->finding[k].oracle == e->finding[i].oracle;
		if (!said)
			fprintf(out, " %s", explore_oracle_name(e->finding[i].oracle));
	}
	fputc('\n', out);
}

static void print_completeness(FILE *out, const struct report *r)
{
	uint64_t unfinished = r->searches - r->exhaustive - r->certain;

	if (!r->searches)
		fputs("no searches\n", out);
	else if (unfinished)
		fprintf(out, "%" PRIu64 " of %" PRIu64 " searches NOT FINISHED\n", unfinished,
			r->searches);
	else if (r->certain)
		fprintf(out, "%" PRIu64 " of %" PRIu64 " searches ended early, when certain\n",
			r->certain, r->searches);
	else
		fputs("all searches exhaustive\n", out);
}

/* Says something about several tests only. */
void report_summary(const struct report *report)
{
	static const char *const noun[][2] = {
#define X(e, name, one, several) { one, several },
		REPORT_VERDICTS(X)
#undef X
	};
	FILE *out = report->out;

	if (report->tests < 2)
		return;
	fprintf(out, "%" PRIu64 " tests: ", report->tests);
	for (int v = 0; v < REPORT_VERDICTS_COUNT; v++)
		fprintf(out, "%s%" PRIu64 " %s", v ? ", " : "", report->count[v],
			noun[v][report->count[v] != 1]);
	fprintf(out, "; %" PRIu64 " execution%s, ", report->executions,
		report->executions == 1 ? "" : "s");
	print_completeness(out, report);
}
