/* SPDX-License-Identifier: MIT */
/*
 * formats.c - the table of formats. It stands above all of them: a command
 * chooses a row, and report.c calls what the row names.
 */
#include <string.h>

#include "report/report.h"

const struct report_format report_formats[] = {
	{ "herd", "a block per test, as herd7 prints it, with pictures",
	  NULL, report_text_run, report_summary },
	{ "brief", "a line per test: name, verdict, result, executions",
	  NULL, report_brief_run, report_summary },
	{ "json", "an object per test, each on a line", NULL, report_json_run, NULL },
	{ "html", "one page: each finding step by step, with what was held",
	  report_html_begin, report_html_run, report_html_end },
	{ "svg", "one image: the pictures, one below the other",
	  report_svg_begin, report_svg_run, report_svg_end },
	{ "mermaid", "a sequence diagram per finding", NULL, report_mermaid_run, NULL },
	{ 0 },
};

const struct report_format *report_format_find(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}
