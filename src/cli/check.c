/* SPDX-License-Identifier: MIT */
/*
 * check.c - the command mmun check. It explores each test and hands the result to a format.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "checks/run/runs.h"
#include "report/report.h"

enum { MAX_EXECUTIONS = OPTION_FIRST, MAX_SECONDS, FORMAT, JSON, FAST, NO_ORACLES,
       FAIL_ALLOCATIONS, PICTURE, NO_PICTURE, MATRIX, PRINT, COVERAGE, NO_RACES };

const char cli_check_details[] =
	"\nA directory stands for all *.litmus in it, and \"-\" for standard input. A name that is no\n"
	"file stands for the test of that name in the installed catalog (see mmun list). FILE.c is\n"
	"compiled, and each check in it is explored: see docs/checks.md.\n\n"
	"With --matrix the tests are generated: each pair of operations on one page, while a\n"
	"processor, a device or nobody uses the page. The operands are then patterns of test names,\n"
	"such as 'munmap+*'. \"matrix:NAME\" stands for one of these tests in every command. Tests\n"
	"that were not verified are listed, and a table of the pairs follows.\n\n"
	"If there is one test, every finding is listed and the shortest is drawn. If there are\n"
	"several, only findings that a test does not expect are drawn.\n\n"
	"The exit status is 1 if a test is a violation or differs from what it expects, else 2 if a\n"
	"file could not be read or is no test, else 3 if a search was not finished, else 0.\n";

const struct args_option cli_check_options[] = {
	{ MAX_EXECUTIONS, "max-executions", "N", "stop a search after N executions" },
	{ MAX_SECONDS, "max-seconds", "S", "stop a search after S seconds" },
	{ FAST, "fast", NULL, "stop a search when its verdict is certain" },
	{ FORMAT, "format", "NAME", "herd (the default), html, ...; \"help\" lists them" },
	{ JSON, "json", NULL, "the same as --format json" },
	{ 'q', "quiet", NULL, "the same as --format brief" },
	{ 'v', "verbose", NULL, "draw all findings, and each operation" },
	{ PICTURE, "picture", NULL, "draw the expected findings of several tests, too" },
	{ NO_PICTURE, "no-picture", NULL, "draw nothing" },
	{ MATRIX, "matrix", NULL, "run generated tests of each pair of operations" },
	{ PRINT, "print", NULL, "print the tests instead of running them" },
	{ FAIL_ALLOCATIONS, "fail-allocations", NULL,
	  "let each allocation fail, too; implies --no-oracles" },
	{ NO_ORACLES, "no-oracles", NULL,
	  "collect results only; compare nothing with flat memory" },
	{ NO_RACES, "no-races", NULL, "do not watch plain accesses of FILE.c" },
	{ COVERAGE, "coverage", NULL, "list the lines of FILE.c that no execution reached" },
	{ 0 },
};

struct settings {
	struct litmus_options litmus;
	struct report report;
	bool pictures_chosen, format_chosen;
	bool matrix, print, coverage, no_races;
	struct cli_matrix cells;
};

/* --- progress ------------------------------------------------------------ */

struct progress { const char *name; int width; };

static void show_line(struct progress *shown, const char *line, int width)
{
	fprintf(stderr, "\r%-*s", shown->width, line);
	fflush(stderr);
	if (width > shown->width)
		shown->width = width;
}

/* Tests of the matrix are too short for the searches to show anything. */
static void show_name(struct progress *shown, size_t nth, size_t of)
{
	char line[160];

	show_line(shown, line, snprintf(line, sizeof(line), "%zu of %zu: %.40s", nth, of,
					shown->name));
}

static void show_progress(void *arg, const struct explore_progress *p)
{
	struct progress *shown = arg;
	char line[160];
	int width;

	if (p->seconds < 1)
		return;
	width = snprintf(line, sizeof(line),
			 "%.40s: %" PRIu64 " executions, %.0f/s, about %.0f%% done", shown->name,
			 p->executions, (double)p->executions / p->seconds, 100 * p->done);
	show_line(shown, line, width);
}

static void erase_progress(const struct progress *shown)
{
	if (shown->width)
		fprintf(stderr, "\r%*s\r", shown->width, "");
}

/* --- a report as the formats want it ------------------------------------- */

static const char *const kind_name[] = {
	[QUANT_EXISTS] = "Allowed", [QUANT_NOT_EXISTS] = "Forbidden", [QUANT_FORALL] = "Required",
};

static const enum report_verdict verdict_of[] = {
	[VERDICT_OK] = REPORT_OK, [VERDICT_DIFFERS] = REPORT_DIFFERS,
	[VERDICT_VIOLATION] = REPORT_VIOLATION, [VERDICT_UNFINISHED] = REPORT_UNFINISHED,
};

/* The condition's own answer: is it as the quantifier wants it? */
static bool satisfied(const struct litmus *test, const struct litmus_report *r)
{
	if (test->quantifier == QUANT_EXISTS)
		return r->positive != 0;
	if (test->quantifier == QUANT_NOT_EXISTS)
		return r->positive == 0;
	return r->negative == 0;
}

static void oracles(const struct explore_result *e, char *text, size_t size)
{
	bool said[ORACLE_COUNT] = { false };
	size_t n = 0;

	*text = 0;
	for (unsigned i = 0; i < e->findings && n < size; i++) {
		enum explore_oracle o = e->finding[i].oracle;

		if (!said[o])
			n += (size_t)snprintf(text + n, size - n, "%s%s", n ? ", " : "",
					      explore_oracle_name(o));
		said[o] = true;
	}
	if (!*text)
		snprintf(text, size, "none");
}

static const char *why(const struct litmus *test, const struct litmus_report *r, char *text,
		       size_t size)
{
	bool mismatch = test->expected != RESULT_NONE && test->expected != r->result;
	char found[192], result[64];

	oracles(&r->explore, found, sizeof(found));
	snprintf(result, sizeof(result), "expected %s, observed %s",
		 litmus_result_name(test->expected),
		 r->result ? litmus_result_name(r->result) : "no condition");
	switch (r->verdict) {
	case VERDICT_OK:
		return NULL;
	case VERDICT_DIFFERS:
		if (mismatch)
			snprintf(text, size, "%s", result);
		else
			snprintf(text, size, "expected finding %s, found %s",
				 test->expected_finding, found);
		return text;
	case VERDICT_VIOLATION:
		snprintf(text, size, "%s%s%s", found, mismatch ? "; " : "", mismatch ? result : "");
		return text;
	case VERDICT_UNFINISHED:
		return r->explore.stopped_by;
	}
	return NULL;
}

static const char *unchecked(const struct settings *s, const struct litmus_report *r)
{
	if (s->litmus.no_oracles)
		return "flat, after-return, lost-write: switched off";
	return r->flat_known ? NULL : "flat: flat memory has too many states";
}

/* What is shown of the outcomes, sorted, each once. */
struct shown {
	size_t names, states;
	char (*name_text)[2 * LITMUS_NAME_MAX + 16];
	const char **name;
	int64_t *row;             /* states * names */
	struct report_value *value;
};

static size_t compare_names; /* qsort() hands nothing through */

static int64_t rank(int64_t v)
{
	return v == LITMUS_FAULT ? INT64_MAX - 1 : v == LITMUS_UNMAPPED ? INT64_MAX : v;
}

static int compare_rows(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	for (size_t i = 0; i < compare_names; i++)
		if (x[i] != y[i])
			return rank(x[i]) < rank(y[i]) ? -1 : 1;
	return 0;
}

static void shown_fini(struct shown *s)
{
	free(s->name_text);
	free(s->name);
	free(s->row);
	free(s->value);
}

static void shown_rows(struct shown *s, const struct litmus *test,
		       const struct litmus_outcomes *set)
{
	size_t n = s->names, rows = 0;

	for (size_t o = 0; o < set->count; o++) {
		const int64_t *outcome = set->values + o * (size_t)set->size;

		for (size_t i = 0; i < n; i++)
			s->row[o * n + i] = outcome[test->shown[i]];
	}
	compare_names = n;
	if (n)
		qsort(s->row, set->count, n * sizeof(*s->row), compare_rows);
	for (size_t o = 0; o < set->count; o++)
		if (!rows || memcmp(s->row + (rows - 1) * n, s->row + o * n, n * sizeof(*s->row)))
			memmove(s->row + rows++ * n, s->row + o * n, n * sizeof(*s->row));
	s->states = rows;
}

static bool shown_init(struct shown *s, const struct litmus *test,
		       const struct litmus_outcomes *set)
{
	static const char fault[] = "fault", unmapped[] = "unmapped";
	size_t n = (size_t)test->shown_count;

	*s = (struct shown){ .names = n };
	s->name_text = calloc(n + 1, sizeof(*s->name_text));
	s->name = calloc(n + 1, sizeof(*s->name));
	s->row = calloc(set->count * n + 1, sizeof(*s->row));
	s->value = calloc(set->count * n + 1, sizeof(*s->value));
	if (!s->name_text || !s->name || !s->row || !s->value)
		return false;
	for (size_t i = 0; i < n; i++)
		s->name[i] = litmus_index_name(test, test->shown[i], s->name_text[i],
					       sizeof(s->name_text[i]));
	shown_rows(s, test, set);
	for (size_t i = 0; i < s->states * n; i++)
		s->value[i] = (struct report_value){
			s->row[i] == LITMUS_FAULT ? fault :
			s->row[i] == LITMUS_UNMAPPED ? unmapped : NULL, s->row[i] };
	return true;
}

/* --- one test ------------------------------------------------------------ */

static void add_error(struct settings *s, const char *file, const char *name,
		      const struct litmus_error *error)
{
	report_add(&s->report, &(struct report_run){
		.file = file, .name = name, .verdict = REPORT_ERROR, .error = error->text,
		.line = error->pos.line, .column = error->pos.column });
}

static void add_failure(struct settings *s, const char *file, const char *name, int err)
{
	struct litmus_error error = { 0 };

	snprintf(error.text, sizeof(error.text), "%s",
		 err == -EINVAL ? "asks for more than the vm has" : "not enough memory");
	args_complain("%s: %s", file, error.text);
	add_error(s, file, name, &error);
}

enum { REPAIR_EXECUTIONS = 500000, REPAIR_FAST = 20000, REPAIR_SECONDS = 20 };

/* Only of what is drawn: it takes further searches. */
static bool repair(const struct settings *s, const struct litmus *test,
		   const struct litmus_report *r, struct litmus_repair *ret)
{
	uint64_t most = s->litmus.fast ? REPAIR_FAST : REPAIR_EXECUTIONS;
	const struct litmus_options bounds = {
		.executions_max = s->litmus.executions_max && s->litmus.executions_max < most ?
				  s->litmus.executions_max : most,
		.seconds_max = REPAIR_SECONDS,
	};

	*ret = (struct litmus_repair){ .rule = NULL };
	return r->explore.findings && !s->matrix &&
	       (s->report.pictures == PICTURES_ALWAYS ||
		(s->report.pictures == PICTURES_SURPRISES && r->verdict != VERDICT_OK)) &&
	       litmus_repair(test, &bounds, ret);
}

static void add_result(struct settings *s, const char *file, const struct litmus *test,
		       struct litmus_report *r)
{
	const char *thread[LITMUS_THREADS_MAX];
	bool asks = test->quantifier != QUANT_NONE;
	char text[256], repaired[160];
	struct litmus_repair better;
	struct shown shown;

	if (!shown_init(&shown, test, &r->outcomes)) {
		shown_fini(&shown);
		add_failure(s, file, test->name, -ENOMEM);
		return;
	}
	cli_thread_names(test, thread);
	report_shortest_first(r->explore.finding, r->explore.findings);
	if (repair(s, test, r, &better))
		snprintf(repaired, sizeof(repaired), "%s: verified, %" PRIu64 " executions",
			 better.what, better.executions);
	report_add(&s->report, &(struct report_run){
		.file = file, .name = test->name,
		.rule = better.rule, .repair = better.rule ? repaired : NULL,
		.verdict = verdict_of[r->verdict], .why = why(test, r, text, sizeof(text)),
		.unchecked = unchecked(s, r), .certain = r->certain,
		.kind = kind_name[test->quantifier],
		.condition = asks ? test->condition_text : NULL, .satisfied = satisfied(test, r),
		.result = asks ? litmus_result_name(r->result) : NULL,
		.expected = test->expected ? litmus_result_name(test->expected) : NULL,
		.names = shown.names, .states = shown.states, .value_name = shown.name,
		.value = shown.value, .positive = r->positive, .negative = r->negative,
		.explore = &r->explore, .thread = thread, .threads = (unsigned)test->threads });
	shown_fini(&shown);
}

static void print_one(struct settings *s, const char *path)
{
	struct cli_source source;

	if (cli_source_open(&source, path))
		fprintf(s->report.out, "%.*s\n", (int)source.size, source.text);
	else
		add_error(s, path, NULL, &source.error);
	cli_source_close(&source);
}

static void check_one(struct settings *s, const char *path, size_t nth, size_t of)
{
	struct cli_source source;
	struct litmus_report *r;
	struct progress progress;
	int err = -ENOMEM;

	if (cli_is_cfile(path)) {
		cli_cfile_check(path, &(struct cfile_how){
			.explore.executions_max = s->litmus.executions_max,
			.explore.seconds_max = s->litmus.seconds_max,
			.explore.stop_at_first = s->litmus.fast,
			.explore.no_races = s->no_races, .coverage = s->coverage },
			&s->report);
		return;
	}
	if (!cli_source_open(&source, path)) {
		add_error(s, path, NULL, &source.error);
		cli_source_close(&source);
		return;
	}
	progress = (struct progress){ .name = source.test->name };
	s->litmus.progress_arg = &progress;
	if (s->matrix && s->litmus.progress)
		show_name(&progress, nth, of);
	r = calloc(1, sizeof(*r));
	if (r)
		err = litmus_check(source.test, &s->litmus, r);
	erase_progress(&progress);
	if (!err) {
		add_result(s, path, source.test, r);
		if (s->matrix)
			cli_matrix_add(&s->cells, path, r->verdict);
		litmus_report_fini(r);
	} else {
		add_failure(s, path, source.test->name, err);
	}
	fflush(s->report.out); /* a line that is done can be read */
	free(r);
	cli_source_close(&source);
}

/* --- the command --------------------------------------------------------- */

static bool set_format(struct settings *s, const char *name)
{
	s->report.format = args_format_find("check", name);
	s->format_chosen = true;
	return s->report.format;
}

/* False: the argument is wrong, which was said. */
static bool set_option(struct settings *s, int id)
{
	switch (id) {
	case MAX_EXECUTIONS:
		if (args_count(optarg, &s->litmus.executions_max))
			return true;
		args_complain("check: --max-executions wants a number from 1, not %s", optarg);
		return false;
	case MAX_SECONDS:
		if (args_seconds(optarg, &s->litmus.seconds_max))
			return true;
		args_complain("check: --max-seconds wants a number above 0, not %s", optarg);
		return false;
	case FORMAT:
		return set_format(s, optarg);
	case JSON:
		return set_format(s, "json");
	case 'q':
		return set_format(s, "brief");
	case 'v':
		s->report.verbose = true;
		return true;
	case PICTURE:
	case NO_PICTURE:
		s->report.pictures = id == PICTURE ? PICTURES_ALWAYS : PICTURES_NEVER;
		s->pictures_chosen = true;
		return true;
	case FAST:
		s->litmus.fast = true;
		return true;
	case MATRIX:
		s->matrix = true;
		return true;
	case PRINT:
		s->print = true;
		return true;
	case COVERAGE:
		s->coverage = true;
		return true;
	case NO_RACES:
		s->no_races = true;
		return true;
	case FAIL_ALLOCATIONS:
		s->litmus.fail_allocations = true;
		s->litmus.no_oracles = true;
		return true;
	default:
		s->litmus.no_oracles = true;
		return true;
	}
}

/* Of a thousand tests only those are listed that were not verified. */
static void run_surprise(struct report *report, const struct report_run *run)
{
	if (run->verdict == REPORT_VIOLATION || run->verdict == REPORT_DIFFERS)
		report_text_run(report, run);
	else if (run->verdict != REPORT_OK)
		report_brief_run(report, run);
}

static const struct report_format surprises = { "matrix", "", NULL, run_surprise,
						report_summary };

static void add_operands(struct settings *s, struct cli_files *files, int argc, char **argv)
{
	char pattern[sizeof(CLI_MATRIX) + LITMUS_NAME_MAX];

	if (s->matrix && optind == argc)
		cli_files_add(files, CLI_MATRIX "*");
	for (; optind < argc; optind++) {
		snprintf(pattern, sizeof(pattern), CLI_MATRIX "%s", argv[optind]);
		cli_files_add(files, s->matrix ? pattern : argv[optind]);
	}
}

/* A litmus test runs code of the tool's own, which is compiled once, for speed. */
static bool can_cover(const struct cli_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		if (cli_is_cfile(files->path[i]))
			continue;
		args_complain("check: --coverage is for checks in C; %s runs mmun's own code, whose "
			      "lines are not counted", files->path[i]);
		return false;
	}
	return true;
}

static int check_all(struct settings *s, const struct cli_files *files)
{
	bool written;

	if (s->coverage && !can_cover(files))
		return STATUS_ERROR;
	if (s->matrix && !s->format_chosen)
		s->report.format = &surprises;
	if (!s->pictures_chosen)
		s->report.pictures = files->count > 1 ? PICTURES_SURPRISES : PICTURES_ALWAYS;
	if (!s->print && !report_begin(&s->report)) {
		args_complain("check: no temporary file: %s", strerror(errno));
		return STATUS_ERROR;
	}
	if (s->matrix && !cli_matrix_init(&s->cells)) {
		args_complain("check: not enough memory");
		return STATUS_ERROR;
	}
	for (size_t i = 0; i < files->count; i++) {
		if (s->print)
			print_one(s, files->path[i]);
		else
			check_one(s, files->path[i], i + 1, files->count);
	}
	written = s->print || report_end(&s->report);
	if (s->matrix && !s->print && !s->format_chosen)
		cli_matrix_print(&s->cells);
	cli_matrix_fini(&s->cells);
	if (!written) {
		args_complain("check: cannot write a temporary file");
		return STATUS_ERROR;
	}
	return runs_status(&s->report, files->failed);
}

int cli_check(const struct args_command *command, int argc, char **argv)
{
	struct settings s = { .report = { .out = stdout, .format = &report_formats[0] } };
	struct cli_files files = { 0 };
	int id, status;

	while ((id = args_next(command, argc, argv)) >= 0) {
		if (id == FORMAT && !strcmp(optarg, "help")) {
			args_list_formats();
			return STATUS_OK;
		}
		if (!set_option(&s, id))
			return STATUS_ERROR;
	}
	if (id != ARGS_END)
		return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
	if (optind == argc && !s.matrix) {
		args_complain("check: which test? Give files or directories, see mmun check --help");
		return STATUS_ERROR;
	}
	if (isatty(STDERR_FILENO))
		s.litmus.progress = show_progress;
	add_operands(&s, &files, argc, argv);
	status = files.count ? check_all(&s, &files) : STATUS_ERROR;
	cli_files_fini(&files);
	return status;
}
