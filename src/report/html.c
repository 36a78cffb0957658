/* SPDX-License-Identifier: MIT */
/*
 * html.c - one page of all tests, to be attached to a mail: the verdicts, and of each finding
 * the picture as a table, with a slider that shows what was held at each step.
 *
 * The page is complete without a script, and loads nothing: page.js reads what it shows from
 * the page's own tables. A list of the tests comes first. Therefore the tests are kept in
 * report->body, and their lines of the list in report->index, until all tests have run.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/rows.h"

enum { FEW = 4 }; /* threads, which get wide columns */

/* Their lines; each ends with NULL. Made from page.css and page.js. */
extern const char *const page_css[], *const page_js[];

static void element(FILE *out, const char *name, const char *class, const char *text)
{
	fprintf(out, "<%s", name);
	if (*class)
		fprintf(out, " class=\"%s\"", class);
	fputc('>', out);
	escape_xml(out, text);
	fprintf(out, "</%s>", name);
}

/* --- steps --------------------------------------------------------------- */

/* What is left of a row: which threads have begun and not ended, under which locks. */
struct lives {
	size_t first[EXPLORE_THREADS_MAX], last[EXPLORE_THREADS_MAX]; /* rows */
	unsigned inside[EXPLORE_THREADS_MAX], locks[EXPLORE_THREADS_MAX];
};

static void lives_init(struct lives *l, const struct rows *rows)
{
	*l = (struct lives){ 0 };
	for (unsigned k = 0; k < rows->threads; k++)
		l->first[k] = rows->count;
	for (size_t i = rows->count; i-- > 0;) {
		unsigned k = rows->row[i].thread;

		l->first[k] = i;
		if (!l->last[k])
			l->last[k] = i;
	}
}

static void indent(FILE *out, unsigned inside, unsigned locks)
{
	for (unsigned i = 0; i < inside; i++)
		fputs("<i></i>", out);
	for (unsigned i = 0; i < locks; i++)
		fputs("<i class=\"lock\"></i>", out);
}

static void print_left(FILE *out, const struct lives *l, size_t i, unsigned thread)
{
	for (unsigned k = 0; k < thread; k++) {
		if (i <= l->first[k] || i >= l->last[k]) {
			fputs("<td></td>", out);
			continue;
		}
		fputs("<td class=\"on\"><div class=\"line\">", out);
		indent(out, l->inside[k], l->locks[k]);
		fputs("</div></td>", out);
	}
}

static void print_row(FILE *out, const struct rows *rows, struct lives *l, size_t i,
		      unsigned culprit)
{
	static const char *const class[] = {
		[ROW_STEP] = "", [ROW_STATEMENT] = "statement ", [ROW_LOCK] = "",
		[ROW_UNLOCK] = "", [ROW_OPERATION] = "operation ", [ROW_FOLD] = "minor ",
	};
	const struct row *r = &rows->row[i];
	unsigned k = r->thread;
	bool turn = !i || rows->row[i - 1].thread != k;
	char place[ROWS_TEXT_MAX];

	l->locks[k] = r->kind == ROW_UNLOCK ? r->locks_after : r->locks;
	l->inside[k] = r->depth - l->locks[k];
	rows_where(r, place, sizeof(place));
	fprintf(out, "<tr data-n=\"%u\" data-thread=\"", r->number);
	escape_xml(out, rows->thread[k]);
	fprintf(out, "\" class=\"%s%s%s%s\"><th scope=\"row\" class=\"n\">%u</th>", class[r->kind],
		r->minor ? "minor " : "", turn ? "turn " : "",
		r->number == culprit ? "bad" : "", r->number);
	print_left(out, l, i, k);
	fprintf(out, "<td colspan=\"%u\"><div class=\"line\">", rows->threads - k);
	indent(out, l->inside[k], l->locks[k]);
	fputs("<span class=\"text\">", out);
	if (*r->label) {
		element(out, "span", "label", r->label);
		fputs(": ", out);
	}
	escape_xml(out, r->text);
	fputs("</span>", out);
	if (r->number == culprit)
		fputs("<span class=\"mark\">found here</span>", out);
	fputs("</div></td>", out);
	element(out, "td", "where", place);
	fputs("</tr>\n", out);
	l->locks[k] = r->locks_after;
	if (r->kind == ROW_STATEMENT)
		l->inside[k] = 1;
}

static void print_steps(FILE *out, const struct rows *rows, unsigned culprit)
{
	struct lives lives;

	lives_init(&lives, rows);
	fprintf(out, "<div class=\"scroll\" tabindex=\"0\"><table class=\"steps%s\">"
		"<caption>Steps; time runs downwards</caption>\n"
		"<thead><tr><th scope=\"col\" class=\"n\">#</th>",
		rows->threads > FEW ? "" : " few");
	for (unsigned k = 0; k < rows->threads; k++) {
		fputs("<th scope=\"col\">", out);
		escape_xml(out, rows->thread[k]);
		fputs("</th>", out);
	}
	fputs("<th scope=\"col\" class=\"where\">where</th></tr></thead>\n<tbody>\n", out);
	for (size_t i = 0; i < rows->count; i++)
		print_row(out, rows, &lives, i, culprit);
	fputs("</tbody></table></div>\n", out);
}

/* --- what was held ------------------------------------------------------- */

static void print_item(FILE *out, const struct rows *rows, unsigned item)
{
	const struct explore_trace *trace = rows->trace;
	const struct explore_held *before = held_after(rows, item, 0);

	fprintf(out, "<tr class=\"%s\">", held_matters(rows, item) ? "" : "idle");
	fputs("<th scope=\"row\">", out);
	escape_xml(out, trace->item[item].name);
	fputs("</th><td data-n=\"0\"><span>", out);
	escape_xml(out, before ? before->text : "");
	fprintf(out, "</span></td><td>%s", held_changes(rows, item) ? "<ol class=\"chain\">" : "");
	for (size_t h = 0; h < trace->helds; h++) {
		if (trace->held[h].item != item || !rows->held_at[h])
			continue;
		fprintf(out, "<li data-n=\"%u\"><span>", rows->held_at[h]);
		escape_xml(out, trace->held[h].text);
		fprintf(out, "</span> <small>(%u)</small></li>", rows->held_at[h]);
	}
	fprintf(out, "%s</td></tr>\n", held_changes(rows, item) ? "</ol>" : "");
}

/* What matters comes first. */
static void print_held(FILE *out, const struct rows *rows)
{
	if (!rows->trace->items)
		return;
	fputs("<table class=\"held\">"
	      "<caption>What was held, and by which step it changed</caption>\n"
	      "<thead><tr><th scope=\"col\"></th><th scope=\"col\">at the start</th>"
	      "<th scope=\"col\">then (step)</th></tr></thead>\n<tbody>\n", out);
	for (int idle = 0; idle < 2; idle++)
		for (unsigned i = 0; i < rows->trace->items; i++)
			if (held_matters(rows, i) == !idle)
				print_item(out, rows, i);
	fputs("</tbody></table>\n", out);
}

/* --- findings ------------------------------------------------------------ */

static void print_picture(FILE *out, const struct report *report, const struct report_run *run,
			  const struct report_exhibit *x)
{
	struct rows rows;

	if (!rows_init(&rows, x->trace, run->thread, run->threads, report->verbose)) {
		element(out, "p", "seen", "There was not enough memory for the picture.");
		return;
	}
	if (rows.count) {
		fputs("<figure>\n", out);
		print_steps(out, &rows, x->finding ? rows_culprit(&rows, x->finding) : 0);
		fputs("<div class=\"panel\">\n", out);
		print_held(out, &rows);
		fputs("</div>\n</figure>\n", out);
	}
	rows_fini(&rows);
}

static void print_replay(FILE *out, const struct report_run *run, const struct explore_finding *f)
{
	char *replay = report_replay_text(run, f);

	if (!replay)
		return;
	fputs("<p class=\"replay\">", out);
	element(out, "code", "", replay);
	fputs("</p>\n", out);
	free(replay);
}

/* Of the run, so once for all its findings. */
static void print_repair(FILE *out, const struct report_run *run)
{
	if (run->rule) {
		fputs("<p class=\"rule\">Rule broken: ", out);
		escape_xml(out, run->rule);
		fputs(".</p>\n", out);
	}
	if (run->repair) {
		fputs("<p class=\"rule\">Repaired by ", out);
		escape_xml(out, run->repair);
		fputs(".</p>\n", out);
	}
}

static void print_finding(FILE *out, const struct report_run *run, const struct explore_finding *f)
{
	const struct explore_result *e = run->explore;

	fputs("<h3>", out);
	element(out, "span", "oracle", explore_oracle_name(f->oracle));
	fputs(": ", out);
	escape_xml(out, f->text);
	fputs("</h3></summary>\n<p class=\"rule\">What was looked for: ", out);
	escape_xml(out, explore_oracle_meaning(f->oracle));
	fputs(".</p>\n", out);
	print_repair(out, run);
	if (run->replayed)
		return;
	fprintf(out, "<p class=\"seen\">Seen in %" PRIu64 " execution%s", f->times,
		f->times == 1 ? "" : "s");
	if (f->replay)
		fprintf(out, ", %s %u; run it again with", e->exhaustive ?
			"fewest context switches" : "context switches", f->switches);
	fputs("</p>\n", out);
	print_replay(out, run, f);
}

static void print_exhibit(FILE *out, const struct report *report, const struct report_run *run,
			  unsigned nth)
{
	const struct report_exhibit x = report_exhibit(run, nth);

	fprintf(out, "<details class=\"finding\" id=\"t%" PRIu64 "f%u\"%s><summary>", report->tests,
		nth + 1, report_draws(report, run, nth) ? " open" : "");
	if (x.finding)
		print_finding(out, run, x.finding);
	else
		fputs("<h3>No finding in this execution</h3></summary>\n", out);
	if (x.trace && report->pictures != PICTURES_NEVER)
		print_picture(out, report, run, &x);
	fputs("</details>\n", out);
}

/* --- tests --------------------------------------------------------------- */

static void print_fact(FILE *out, const char *name, const char *text)
{
	if (!text)
		return;
	fputs("<div>", out);
	element(out, "dt", "", name);
	element(out, "dd", "", text);
	fputs("</div>\n", out);
}

static void print_question(FILE *out, const struct report_run *run)
{
	if (!run->condition)
		return;
	fputs("<div><dt>Condition</dt><dd>", out);
	element(out, "code", "", run->condition);
	fputs("</dd></div>\n", out);
	fputs("<div><dt>Observed</dt><dd>", out);
	escape_xml(out, run->result);
	fprintf(out, " <small>(%" PRIu64 " satisfy it, %" PRIu64 " do not)</small></dd></div>\n",
		run->positive, run->negative);
	print_fact(out, "Expected", run->expected);
}

static void print_facts(FILE *out, const struct report_run *run)
{
	char search[REPORT_LINE_MAX];

	fputs("<dl class=\"facts\">\n", out);
	print_question(out, run);
	report_search(run, search, sizeof(search));
	print_fact(out, "Executions", search);
	print_fact(out, "Not checked", run->unchecked);
	print_fact(out, "File", run->file);
	fputs("</dl>\n", out);
}

static void print_states(FILE *out, const struct report_run *run)
{
	const struct report_value *v = run->value;

	if (!run->states)
		return;
	fprintf(out, "<details class=\"states\"><summary>%zu final state%s</summary>\n<table>\n"
		"<thead><tr>", run->states, run->states == 1 ? "" : "s");
	for (size_t i = 0; i < run->names; i++) {
		fputs("<th scope=\"col\">", out);
		escape_xml(out, run->value_name[i]);
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t s = 0; s < run->states; s++) {
		fputs("<tr>", out);
		for (size_t i = 0; i < run->names; i++, v++)
			if (v->word)
				element(out, "td", "", v->word);
			else
				fprintf(out, "<td>%" PRId64 "</td>", v->number);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></details>\n", out);
}

static void print_error(FILE *out, const struct report_run *run)
{
	fputs("<p class=\"why\">", out);
	escape_xml(out, run->file);
	if (run->line > 0)
		fprintf(out, ":%d:%d", run->line, run->column);
	fputs(": ", out);
	escape_xml(out, run->error);
	fputs("</p>\n", out);
}

static void print_result(FILE *out, const struct report *report, const struct report_run *run)
{
	if (run->why) {
		fputs("<p class=\"why\">", out);
		escape_xml(out, run->why);
		fputs("</p>\n", out);
	}
	if (report_is_exhausted(run)) {
		fputs("<p class=\"verified\">", out);
		report_verified(out, run, escape_xml);
		fputs("</p>\n", out);
	}
	print_facts(out, run);
	print_states(out, run);
	for (unsigned i = 0; i < report_exhibits(run); i++)
		print_exhibit(out, report, run, i);
	if (run->explore->findings_dropped)
		fprintf(out, "<p class=\"seen\">Further findings, not kept: %" PRIu64 "</p>\n",
			run->explore->findings_dropped);
}

static void print_index(FILE *out, const struct report *report, const struct report_run *run)
{
	const char *verdict = report_verdict_name(run->verdict);

	fprintf(out, "<tr><th scope=\"row\"><a href=\"#t%" PRIu64 "\">", report->tests);
	escape_xml(out, run->name ? run->name : run->file);
	fprintf(out, "</a></th><td><span class=\"badge %s\">%s</span></td>", verdict, verdict);
	element(out, "td", "", run->result ? run->result : "");
	fputs("<td class=\"number\">", out);
	if (run->explore)
		fprintf(out, "%" PRIu64, run->explore->executions);
	fputs("</td><td>", out);
	for (unsigned i = 0; run->explore && i < run->explore->findings; i++)
		fprintf(out, "%s<a href=\"#t%" PRIu64 "f%u\">%s</a>", i ? ", " : "",
			report->tests, i + 1, explore_oracle_name(run->explore->finding[i].oracle));
	fputs("</td></tr>\n", out);
}

void report_html_run(struct report *report, const struct report_run *run)
{
	const char *verdict = report_verdict_name(run->verdict);
	FILE *out = report->body;

	print_index(report->index, report, run);
	fprintf(out, "<section class=\"card\" id=\"t%" PRIu64 "\">\n<h2>", report->tests);
	escape_xml(out, run->name ? run->name : run->file);
	fprintf(out, " <span class=\"badge %s\">%s</span></h2>\n", verdict, verdict);
	if (run->error)
		print_error(out, run);
	else
		print_result(out, report, run);
	fputs("</section>\n", out);
}

/* --- the page ------------------------------------------------------------ */

static void print_lines(FILE *out, const char *const *line)
{
	for (; *line; line++)
		fputs(*line, out);
}

bool report_html_begin(struct report *report)
{
	report->body = tmpfile();
	report->index = tmpfile();
	return report->body && report->index;
}

void report_html_end(struct report *report)
{
	FILE *out = report->out;
	char sum[3 * REPORT_LINE_MAX];

	report_sum(report, false, sum, sizeof(sum));
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n", out);
	fprintf(out, "<title>mmun: %s</title>\n<style>\n", sum);
	print_lines(out, page_css);
	fprintf(out, "</style>\n</head>\n<body>\n<header>\n<h1>mmun</h1>\n<p>%s</p>\n</header>\n"
		"<main>\n", sum);
	if (report->tests > 1) {
		fputs("<nav class=\"card\" aria-label=\"Tests\">\n<table class=\"index\">\n"
		      "<thead><tr><th scope=\"col\">test</th><th scope=\"col\">verdict</th>"
		      "<th scope=\"col\">observed</th><th scope=\"col\" class=\"number\">executions"
		      "</th><th scope=\"col\">findings</th></tr></thead>\n<tbody>\n", out);
		report_copy(out, report->index);
		fputs("</tbody></table>\n</nav>\n", out);
	}
	report_copy(out, report->body);
	fputs("</main>\n<script>\n", out);
	print_lines(out, page_js);
	fputs("</script>\n</body>\n</html>\n", out);
}
