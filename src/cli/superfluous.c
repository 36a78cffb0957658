/* SPDX-License-Identifier: MIT */
/*
 * superfluous.c - mmun when --superfluous. Each flush and each notification that a check comes
 * by is taken away in turn, and the check is explored again. If it still verifies, it did not
 * need that step. (Linux's commit 0f10851ea475, "avoid double notification when it is
 * useless", did this by hand.)
 *
 * Invariant: a step is called superfluous only after an exhaustive search without it, and
 * needed only together with the finding that shows why.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/superfluous.h"
#include "report/report.h"

/* "COW: CPUs' TLBs", or with the place in a check. */
static void step_text(const struct explore_optional *o, char *buf, size_t size)
{
	const char *slash = o->file ? strrchr(o->file, '/') : NULL;

	if (o->file)
		snprintf(buf, size, "%s, %s %s:%d", o->what, o->function,
			 slash ? slash + 1 : o->file, o->line);
	else
		snprintf(buf, size, "%s%s%s", o->operation ? o->operation : "",
			 o->operation ? ": " : "", o->what);
}

static const char *word_of(const struct explore_result *r)
{
	return r->findings ? "needed" : r->exhaustive ? "superfluous" : "not finished";
}

static void print_step(const struct explore_optional *o, const struct explore_result *r)
{
	char text[160];

	step_text(o, text, sizeof(text));
	printf("  %-12s %s\n", word_of(r), text);
	if (r->findings)
		printf("  %-12s   without it %s: %s\n", "",
		       explore_oracle_name(r->finding[0].oracle), r->finding[0].text);
	else
		printf("  %-12s   without it %" PRIu64 " executions%s\n", "", r->executions,
		       r->exhaustive ? ", verified" : ", then a bound was hit");
}

static void print_json_step(struct json *j, const struct explore_optional *o,
			    const struct explore_result *r)
{
	json_begin(j, NULL, '{');
	json_string(j, "step", o->what);
	json_string(j, "operation", o->operation);
	json_string(j, "function", o->function);
	json_number(j, "line", o->line);
	json_string(j, "answer", word_of(r));
	json_count(j, "executions", r->executions);
	json_string(j, "finding", r->findings ? r->finding[0].text : NULL);
	json_end(j, '}');
}

static void print_head(const struct superfluous *s, const struct explore_result *r)
{
	const char *how = r->findings ? "finds something" :
			  r->exhaustive ? "verified" : "not finished";

	printf("%s, %s: %" PRIu64 " executions, %s%s\n", s->file, s->name, r->executions, how,
	       r->unwatched_count ? ", not all watched" : "");
}

/* Up to the steps. */
static void print_json_head(struct json *j, const struct superfluous *s,
			    const struct explore_result *r)
{
	json_begin(j, NULL, '{');
	json_string(j, "file", s->file);
	json_string(j, "name", s->name);
	json_count(j, "executions", r->executions);
	json_bool(j, "verified", r->exhaustive && !r->findings);
	json_begin(j, "steps", '[');
}

static void print_json_end(struct json *j)
{
	json_end(j, ']');
	json_end(j, '}');
	fputc('\n', j->out);
}

/* Each step in turn. False: not enough memory. */
static bool ask_each(const struct superfluous *s, struct json *json, struct explore_result *r,
		     int *status)
{
	unsigned steps = explore_optionals();

	for (unsigned n = 1; n <= steps; n++) {
		const struct explore_optional o = explore_optional_at(n);

		if (s->run(s->arg, n, r))
			return false;
		if (s->json)
			print_json_step(json, &o, r);
		else
			print_step(&o, r);
		if (!r->findings && !r->exhaustive)
			*status = STATUS_UNFINISHED;
		explore_result_fini(r);
	}
	if (!steps && !s->json)
		printf("  it comes by no flush and no notification that anybody listens to\n");
	if (steps == EXPLORE_OPTIONAL_MAX)
		args_complain("%s, %s: only the first %u steps were tried", s->file, s->name, steps);
	return true;
}

int superfluous_ask(const struct superfluous *s)
{
	struct explore_result *r = calloc(1, sizeof(*r));
	bool good = r && !s->run(s->arg, 0, r), finds, verified;
	struct json json = { .out = stdout };
	int status = STATUS_OK;

	if (good) {
		if (s->json)
			print_json_head(&json, s, r);
		else
			print_head(s, r);
		finds = r->findings;
		verified = r->exhaustive && !finds;
		explore_result_fini(r);
		if (verified)
			good = ask_each(s, &json, r, &status);
		else if (!s->json)
			printf("  nothing to ask: only of what is verified can a step be needed\n");
		if (s->json)
			print_json_end(&json);
		if (!verified)
			status = finds ? STATUS_VIOLATION : STATUS_UNFINISHED;
	}
	free(r);
	if (!good)
		args_complain("%s, %s: not enough memory", s->file, s->name);
	return good ? status : STATUS_ERROR;
}

/* --- litmus tests ---------------------------------------------------------- */

struct litmus_case { const struct litmus *test; struct litmus_options options; };

static int run_litmus(void *arg, unsigned leave_out, struct explore_result *ret)
{
	struct litmus_case *c = arg;
	struct litmus_report *r = malloc(sizeof(*r));
	int err = -1;

	c->options.leave_out = leave_out;
	if (r)
		err = litmus_check(c->test, &c->options, r);
	if (!err) {
		*ret = r->explore; /* with what it points to */
		r->explore.findings = 0;
		litmus_report_fini(r);
	}
	free(r);
	return err;
}

static int ask_litmus(const char *path, const struct superfluous_how *how)
{
	struct cli_source source;
	int status = STATUS_ERROR;

	if (cli_source_open(&source, path)) {
		struct litmus_case c = { source.test, {
			.executions_max = how->executions_max, .fast = false } };

		status = superfluous_ask(&(struct superfluous){
			.file = path, .name = source.test->name, .json = how->json,
			.run = run_litmus, .arg = &c });
	}
	cli_source_close(&source);
	return status;
}

/* --- checks in C ----------------------------------------------------------- */

struct check_case { const struct explore_check *check; struct explore_options options; };

static int run_check(void *arg, unsigned leave_out, struct explore_result *ret)
{
	struct check_case *c = arg;

	c->options.leave_out = leave_out;
	return runs_explore(c->check, &c->options, ret);
}

/* Runs in the check's child. */
static int ask_check(void *arg, const char *path, const struct explore_check *check)
{
	const struct superfluous_how *how = arg;
	struct check_case c = { .check = check, .options = {
		.executions_max = how->executions_max,
		.stop_at_first = true /* it is needed, then */ } };

	if (check->expect) {
		if (!how->json)
			printf("%s, %s: expects %s: nothing to ask\n", path, check->name,
			       check->expect);
		return STATUS_OK;
	}
	return superfluous_ask(&(struct superfluous){ .file = path, .name = check->name,
		.json = how->json, .run = run_check, .arg = &c });
}

static int ask_cfile(const char *path, const struct superfluous_how *how)
{
	struct superfluous_how asked = *how;
	struct report report = { .out = stdout, .format = report_format_find("brief") };
	int worst = cli_cfile_check(path, &(struct cfile_how){ .instead = ask_check,
							       .arg = &asked }, &report);

	return report.count[REPORT_ERROR] ? STATUS_ERROR :
	       report.count[REPORT_VIOLATION] ? STATUS_VIOLATION : worst;
}

int superfluous_files(int argc, char **argv, const struct superfluous_how *how)
{
	struct cli_files files = { 0 };
	int worst = STATUS_OK;

	for (int i = 0; i < argc; i++)
		cli_files_add(&files, argv[i]);
	if (files.failed)
		worst = STATUS_ERROR;
	for (size_t i = 0; i < files.count; i++) {
		const char *path = files.path[i];
		int status = cli_is_cfile(path) ? ask_cfile(path, how) : ask_litmus(path, how);

		if (status > worst)
			worst = status;
	}
	cli_files_fini(&files);
	return worst;
}
