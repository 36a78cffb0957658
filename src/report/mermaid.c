/* SPDX-License-Identifier: MIT */
/*
 * mermaid.c - a finding as a sequence diagram in Mermaid, which many places that show Markdown
 * draw. A statement is a message of a thread to itself, a step is a note, a lock that is held
 * is a bar, and the step that shows what was found is red. Comments have the test, what was
 * found, and the command that runs it again.
 */
#include <stdlib.h>

#include "report/escape.h"
#include "report/rows.h"

/* A line break, which is no text. */
#define BREAK "<br/>"

static void comment(FILE *out, const char *what, const char *text)
{
	fprintf(out, "%%%% %s: ", what);
	escape_mermaid_comment(out, text);
	fputc('\n', out);
}

static void participants(FILE *out, const struct rows *rows)
{
	for (unsigned k = 0; k < rows->threads; k++) {
		fprintf(out, "    participant t%u as ", k);
		escape_mermaid(out, rows->thread[k]);
		fputc('\n', out);
	}
}

/* The beginning of a note across all of them. */
static void note_over_all(FILE *out, const struct rows *rows)
{
	fputs("    Note over t0", out);
	if (rows->threads > 1)
		fprintf(out, ",t%u", rows->threads - 1);
	fputs(": ", out);
}

static void held_at_first(FILE *out, const struct rows *rows)
{
	bool any = false;

	for (unsigned i = 0; i < rows->trace->items; i++) {
		const struct explore_held *held = held_after(rows, i, 0);

		if (!held_is_something(held) || !held_matters(rows, i))
			continue;
		if (!any) {
			note_over_all(out, rows);
			fputs("at the start", out);
		}
		fputs(BREAK, out);
		escape_mermaid(out, rows->trace->item[i].name);
		fputs(" = ", out);
		escape_mermaid(out, held->text);
		any = true;
	}
	if (any)
		fputc('\n', out);
}

static void bars(FILE *out, unsigned thread, unsigned *shown, unsigned wanted)
{
	for (; *shown < wanted; ++*shown)
		fprintf(out, "    activate t%u\n", thread);
	for (; *shown > wanted; --*shown)
		fprintf(out, "    deactivate t%u\n", thread);
}

static void changes(FILE *out, const struct rows *rows, size_t row)
{
	const struct explore_trace *trace = rows->trace;

	for (size_t h = 0; h < trace->helds; h++) {
		if (!rows_made(rows, row, h))
			continue;
		fputs(BREAK, out);
		escape_mermaid(out, trace->item[trace->held[h].item].name);
		fputs(" = ", out);
		escape_mermaid(out, trace->held[h].text);
	}
}

static void step(FILE *out, const struct rows *rows, size_t row, unsigned *bar, bool culprit)
{
	const struct row *r = &rows->row[row];

	bars(out, r->thread, bar, r->locks);
	if (culprit)
		fputs("    rect rgb(250, 205, 200)\n", out);
	if (r->kind == ROW_STATEMENT)
		fprintf(out, "    t%u->>t%u: ", r->thread, r->thread);
	else
		fprintf(out, "    Note over t%u: ", r->thread);
	if (r->kind != ROW_FOLD)
		fprintf(out, "%u ", r->number);
	escape_mermaid(out, r->label);
	if (*r->label)
		fputs(": ", out);
	escape_mermaid(out, r->text);
	changes(out, rows, row);
	fputs(culprit ? "\n    end\n" : "\n", out);
	bars(out, r->thread, bar, r->locks_after);
}

static void diagram(FILE *out, const struct rows *rows, const struct explore_finding *f)
{
	unsigned culprit = f ? rows_culprit(rows, f) : 0;
	unsigned bar[EXPLORE_THREADS_MAX] = { 0 };

	fputs("sequenceDiagram\n", out);
	participants(out, rows);
	held_at_first(out, rows);
	for (size_t i = 0; i < rows->count; i++)
		step(out, rows, i, &bar[rows->row[i].thread], rows->row[i].number == culprit);
	for (unsigned k = 0; k < rows->threads; k++)
		bars(out, k, &bar[k], 0);
	if (!f)
		return;
	note_over_all(out, rows);
	escape_mermaid(out, explore_oracle_name(f->oracle));
	fputs(": ", out);
	escape_mermaid(out, f->text);
	fputc('\n', out);
}

static void exhibit(const struct report *report, const struct report_run *run, unsigned nth)
{
	const struct report_exhibit x = report_exhibit(run, nth);
	FILE *out = report->out;
	struct rows rows;
	char *replay;

	comment(out, "test", run->name);
	if (x.finding) {
		comment(out, explore_oracle_name(x.finding->oracle), x.finding->text);
		if (run->rule)
			comment(out, "rule", run->rule);
		if (run->repair)
			comment(out, "repaired by", run->repair);
		replay = report_replay_text(run, x.finding);
		if (replay)
			comment(out, "replay", replay);
		free(replay);
	}
	if (x.trace && report->pictures != PICTURES_NEVER) {
		if (!rows_init(&rows, x.trace, run->thread, run->threads, report->verbose)) {
			fputs("%% not enough memory for the diagram\n", out);
			return;
		}
		if (!report->verbose)
			rows_fold(&rows);
		diagram(out, &rows, x.finding);
		rows_fini(&rows);
	}
	fputc('\n', out);
}

/* A test without findings is a comment. */
void report_mermaid_run(struct report *report, const struct report_run *run)
{
	unsigned exhibits = report_exhibits(run);

	for (unsigned i = 0; i < exhibits; i++)
		exhibit(report, run, i);
	if (exhibits)
		return;
	comment(report->out, "test", run->name ? run->name : run->file);
	comment(report->out, "verdict", run->error ? run->error :
		report_verdict_name(run->verdict));
	fputc('\n', report->out);
}
