/* SPDX-License-Identifier: MIT */
/*
 * report.c - the counts that the last line and the exit status come from, and what all
 * formats ask of a run. Called by the tool, once for each test, and by the formats.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

const char *report_verdict_name(enum report_verdict verdict)
{
	static const char *const name[] = {
#define X(e, n, ...) n,
		REPORT_VERDICTS(X)
#undef X
	};

	return name[verdict];
}

/* --- the tests of a run of the tool -------------------------------------- */

static int compare_findings(const void *a, const void *b)
{
	const struct explore_finding *f = a, *g = b;

	if (f->switches != g->switches)
		return f->switches < g->switches ? -1 : 1;
	if (f->steps != g->steps)
		return f->steps < g->steps ? -1 : 1;
	return strcmp(f->text, g->text);
}

void report_shortest_first(struct explore_finding *finding, size_t n)
{
	qsort(finding, n, sizeof(*finding), compare_findings);
}

bool report_begin(struct report *report)
{
	return !report->format->begin || report->format->begin(report);
}

void report_add(struct report *report, const struct report_run *run)
{
	report->tests++;
	report->count[run->verdict]++;
	if (run->verdict != REPORT_ERROR) {
		report->searches++;
		report->exhaustive += run->explore->exhaustive;
		report->certain += run->certain && !run->explore->exhaustive;
		report->executions += run->explore->executions;
	}
	report->format->run(report, run);
	/* This may be a child, which ends without. */
	report->failed |= report->body && fflush(report->body);
	report->failed |= report->index && fflush(report->index);
}

bool report_end(struct report *report)
{
	if (report->format->end)
		report->format->end(report);
	if (report->body)
		fclose(report->body);
	if (report->index)
		fclose(report->index);
	report->body = report->index = NULL;
	return !report->failed;
}

void report_copy(FILE *out, FILE *from)
{
	char block[4096];
	size_t n;

	rewind(from);
	while ((n = fread(block, 1, sizeof(block), from)))
		fwrite(block, 1, n, out);
}

/* --- what a run has to show ---------------------------------------------- */

unsigned report_exhibits(const struct report_run *run)
{
	if (!run->explore)
		return 0;
	return run->explore->findings || !run->replayed ? run->explore->findings : 1;
}

struct report_exhibit report_exhibit(const struct report_run *run, unsigned nth)
{
	struct report_exhibit x = { 0 };

	if (nth < run->explore->findings)
		x.finding = &run->explore->finding[nth];
	x.trace = run->replayed ? (nth ? NULL : run->replayed) : &x.finding->trace;
	if (x.trace && (!x.trace->count || !run->threads))
		x.trace = NULL;
	return x;
}

bool report_is_exhausted(const struct report_run *run)
{
	return run->verdict == REPORT_OK && run->explore->exhaustive && !run->explore->findings &&
	       !run->unchecked;
}

bool report_is_verified(const struct report_run *run)
{
	return report_is_exhausted(run) && !run->explore->unwatched_count;
}

bool report_verified(FILE *out, const struct report_run *run,
		     void (*put)(FILE *out, const char *text))
{
	const struct explore_result *e = run->explore;

	if (!report_is_exhausted(run))
		return false;
	if (!e->unwatched_count)
		fprintf(out, "Verified: all %" PRIu64
			" inequivalent executions under sequential consistency", e->executions);
	for (unsigned n = 0; n < e->unwatched_count; n++) {
		fputs(n ? "; " : "Verified, but not watched: ", out);
		put(out, e->unwatched[n]);
	}
	return true;
}

bool report_draws(const struct report *report, const struct report_run *run, unsigned nth)
{
	if (nth && !report->verbose)
		return false;
	return report->pictures == PICTURES_ALWAYS ||
	       (report->pictures == PICTURES_SURPRISES && run->verdict != REPORT_OK);
}

bool report_is_statement(const struct explore_event *event)
{
	return event->kind->role == EXPLORE_STATEMENT;
}

bool report_is_operation(const struct explore_event *event)
{
	return event->kind->role == EXPLORE_OPERATION;
}

unsigned report_threads(const struct explore_trace *trace, const char *const *thread,
			unsigned threads, const char *ret[EXPLORE_THREADS_MAX])
{
	unsigned n = 0;

	ASSERT(threads <= EXPLORE_THREADS_MAX);
	for (; n < threads; n++)
		ret[n] = thread[n];
	for (unsigned s = 0; trace && s < trace->started && n < EXPLORE_THREADS_MAX; s++)
		ret[n++] = trace->started_name[s];
	return n;
}

void report_walk(const struct explore_trace *trace, unsigned threads,
		 void (*visit)(void *arg, const struct explore_event *event, size_t at),
		 void *arg)
{
	const struct explore_event *announced[EXPLORE_THREADS_MAX] = { NULL };

	ASSERT(threads <= EXPLORE_THREADS_MAX);
	for (size_t i = 0; i < trace->count; i++) {
		const struct explore_event *e = &trace->event[i];

		if (e->thread >= threads)
			continue;
		if (announced[e->thread]) {
			struct explore_event begun = *announced[e->thread];

			begun.step = e->step;
			visit(arg, &begun, i);
			announced[e->thread] = NULL;
		}
		if (report_is_statement(e))
			announced[e->thread] = e;
		else
			visit(arg, e, i);
	}
}

const char *report_source(const char *file)
{
	const char *found = file;

	for (const char *p = file; (p = strstr(p, "src/")); p++)
		if (p == file || p[-1] == '/')
			found = p;
	return found;
}
