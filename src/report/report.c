/* SPDX-License-Identifier: MIT */
/*
 * report.c - the table of formats, and the counts that the last line and the
 * exit status come from. Called by the tool, once for each test.
 */
#include <string.h>

#include "report/report.h"

const struct report_format report_formats[] = {
	{ "herd", "a block per test, as herd7 prints it, with pictures",
	  report_text_run, report_summary },
	{ "brief", "a line per test: name, verdict, result, executions",
	  report_brief_run, report_summary },
	{ "json", "an object per test, each on a line", report_json_run, NULL },
	{ 0 },
};

const struct report_format *report_format_find(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

const char *report_verdict_name(enum report_verdict verdict)
{
	static const char *const name[] = {
#define X(e, n, ...) n,
		REPORT_VERDICTS(X)
#undef X
	};

	return name[verdict];
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
}

void report_end(const struct report *report)
{
	if (report->format->end)
		report->format->end(report);
}

bool report_is_statement(const struct explore_event *event)
{
	return event->note && event->text[0] == '>';
}

void report_walk(const struct explore_trace *trace, unsigned threads,
		 void (*visit)(void *arg, const struct explore_event *event), void *arg)
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
			visit(arg, &begun);
			announced[e->thread] = NULL;
		}
		if (report_is_statement(e))
			announced[e->thread] = e;
		else
			visit(arg, e);
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
