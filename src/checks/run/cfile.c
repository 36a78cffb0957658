/* SPDX-License-Identifier: MIT */
/*
 * cfile.c - the checks of one file in C, from its compilation to the report. The commands
 * of the tool call it.
 *
 * Invariant: the tool itself never loads the object and never runs its code. A child does,
 * reports to the tool's own output, and hands back its counts as the result of its job. If a
 * child ends in any other way, the tool reports that end.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "checks/run/cfile.h"
#include "checks/run/compile.h"
#include "checks/run/coverage.h"
#include "checks/run/unwatched.h"
#include "jobs/jobs.h"

/* What a child tells. */
struct told {
	struct report report;
	int status;              /* of .instead, or of a replay */
	bool loaded;
	bool no_check;           /* there is no such check */
	char check[64];          /* that it runs */
};

struct cfile {
	struct compiled compiled;
	const struct cfile_how *how;
	struct runs runs;
	struct coverage *coverage; /* NULL: what is reached is not noted */
	struct unwatched *unwatched;
	const char *replay;        /* the string */
};

/* --- opening and closing ------------------------------------------------- */

static bool refuse(struct cfile *f, const char *why)
{
	if (why != f->compiled.error)
		snprintf(f->compiled.error, sizeof(f->compiled.error), "%s", why);
	if (f->compiled.line)
		f->how->complain("%s:%d: %s", f->compiled.path, f->compiled.line, why);
	else
		f->how->complain("%s: %s", f->compiled.path, why);
	return false;
}

static bool watch(struct cfile *f)
{
	const char *why;

	if (!f->how->coverage)
		return true;
	f->coverage = coverage_open(f->compiled.object, &why);
	return f->coverage || refuse(f, why);
}

static void add_unwatched(void *arg, const struct explore_check *check, struct explore_result *ret)
{
	const struct cfile *f = arg;

	if (f->unwatched)
		unwatched_add(f->unwatched, check->name, ret);
	else
		explore_add_unwatched(ret, "what the compiler does not tell of");
}

static bool cfile_open(struct cfile *f, const char *path, const struct cfile_how *how,
		       struct report *report)
{
	*f = (struct cfile){ .how = how, .runs = {
		.file = path, .options = how->explore, .report = report,
		.complain = how->complain } };
	if (!compile_open(&f->compiled, path, how->headers, how->coverage))
		return refuse(f, f->compiled.error);
	f->unwatched = unwatched_open(&f->compiled);
	f->runs.unwatched = add_unwatched;
	f->runs.unwatched_arg = f;
	return watch(f);
}

static void cfile_close(struct cfile *f)
{
	unwatched_close(f->unwatched);
	coverage_close(f->coverage);
	compile_close(&f->compiled);
}

/* --- in a child ---------------------------------------------------------- */

static bool load(const struct cfile *f)
{
	struct rlimit none = { 0, 0 };

	compile_forget();
	setrlimit(RLIMIT_CORE, &none);
	if (dlopen(f->compiled.object, RTLD_NOW | RTLD_LOCAL))
		return true;
	f->how->complain("%s: %s", f->compiled.path, dlerror());
	return false;
}

static void run_nth(void *arg, size_t nth, void *result)
{
	struct cfile *f = arg;
	struct told *told = result;
	const struct explore_entry *e;

	told->loaded = load(f);
	if (!told->loaded)
		return;
	for (e = explore_registered(); e && nth; nth--)
		e = e->next;
	told->no_check = !e;
	if (!e)
		return;
	snprintf(told->check, sizeof(told->check), "%s", e->check->name);
	runs_begin(&f->runs);
	if (f->how->instead)
		told->status = f->how->instead(f->how->arg, f->compiled.path, e->check);
	else
		runs_check(&f->runs, e->check);
	told->report = *f->runs.report;
}

static void replay(void *arg, size_t item, void *result)
{
	struct cfile *f = arg;
	struct told *told = result;

	(void)item;
	told->status = STATUS_ERROR;
	if (!load(f))
		return;
	runs_begin(&f->runs);
	told->status = runs_replay(&f->runs, f->replay);
}

/* --- in the tool --------------------------------------------------------- */

static void add_error(const struct cfile *f)
{
	report_add(f->runs.report, &(struct report_run){ .file = f->compiled.path,
		.verdict = REPORT_ERROR, .error = f->compiled.error });
}

/* The child has taken the whole process with it. */
static void add_death(const struct cfile *f, const char *check, struct job_end end)
{
	static struct explore_result r;
	struct explore_finding *g = &r.finding[0];

	r = (struct explore_result){ .findings = 1, .stopped_by = "the process ended" };
	g->oracle = ORACLE_CRASH;
	g->times = 1;
	if (end.how == JOB_KILLED)
		snprintf(g->text, sizeof(g->text), "the process was ended by signal %d (%s)",
			 end.code, strsignal(end.code));
	else
		snprintf(g->text, sizeof(g->text), "the check called exit(%d)", end.code);
	report_add(f->runs.report, &(struct report_run){ .file = f->compiled.path,
		.name = check, .verdict = REPORT_VIOLATION, .why = "crash", .certain = true,
		.explore = &r });
}

static void print_coverage(const struct cfile *f, bool exhaustive)
{
	const struct coverage_of of = { f->compiled.path, f->how->headers, exhaustive,
					f->how->aside, f->how->complain };

	if (f->coverage && !*f->compiled.error)
		coverage_print(f->coverage, &of, f->runs.report);
}

/* False: there are no more, or the file is no test. */
static bool check_nth(struct cfile *f, unsigned nth, int *worst)
{
	struct told told;
	struct job_end end = jobs_run_one(run_nth, f, nth, &told, sizeof(told));

	if (*told.check && end.how == JOB_DONE) {
		*f->runs.report = told.report;
		if (told.status > *worst)
			*worst = told.status;
	} else if (*told.check) {
		add_death(f, told.check, end);
	} else if (!nth || !told.no_check) {
		refuse(f, end.how == JOB_NOT_STARTED ? "there is no process for it" :
			  told.no_check ? "has no check: see EXPLORE_CHECK in mmun/explore.h" :
			  "cannot be loaded");
		add_error(f);
	}
	return *told.check;
}

int cfile_check(const char *path, const struct cfile_how *how, struct report *report)
{
	uint64_t unfinished = report->searches - report->exhaustive;
	struct cfile f;
	int worst = 0;

	if (!cfile_open(&f, path, how, report))
		add_error(&f);
	for (unsigned nth = 0; !*f.compiled.error && check_nth(&f, nth, &worst); nth++)
		;
	print_coverage(&f, report->searches - report->exhaustive == unfinished);
	cfile_close(&f);
	return worst;
}

int cfile_replay(const char *path, const char *string, const struct cfile_how *how,
		 struct report *report)
{
	struct told told = { .status = STATUS_ERROR };
	struct job_end end;
	struct cfile f;

	if (cfile_open(&f, path, how, report)) {
		f.replay = string;
		end = jobs_run_one(replay, &f, 0, &told, sizeof(told));
		if (end.how != JOB_DONE)
			told.status = STATUS_ERROR;
		if (end.how == JOB_KILLED)
			refuse(&f, "the execution ended the process");
	}
	cfile_close(&f);
	return told.status;
}
