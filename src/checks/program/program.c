/* SPDX-License-Identifier: MIT */
/*
 * program.c - the main() of a program that is linked with libmmun-checked. It explores all
 * checks that are linked in, or those that are named on the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args/args.h"
#include "checks/run/runs.h"

int main(int argc, char **argv);

enum { MAX_EXECUTIONS = OPTION_FIRST, MAX_SECONDS, REPLAY, FORMAT };

static int usage(const char *program, FILE *out, int status)
{
	fprintf(out, "usage: %s [OPTION...] [CHECK...]\n\n"
		"Explore the checks in this program, or some of them.\n\n"
		"  -f, --fast              stop a search at its first finding\n"
		"      --format NAME       herd (the default), brief, json, html, svg, mermaid\n"
		"  -j, --json              an object per check, each on a line\n"
		"  -q, --quiet             a line per check\n"
		"  -v, --verbose           draw all findings, with each operation\n"
		"      --max-executions N  stop a search after N executions\n"
		"      --max-seconds S     stop a search after S seconds\n"
		"      --replay STRING     draw one execution: CHECK:SCHEDULE\n"
		"  -h, --help              this text\n", program);
	return status;
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = optind; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return optind == argc;
}

/* What the compiler has made of the check can be read only when it is compiled. */
static void add_unwatched(void *arg, const struct explore_check *check, struct explore_result *ret)
{
	(void)arg, (void)check;
	explore_add_unwatched(ret, "what the compiler does not tell of: see \"mmun check FILE.c\"");
}

static int run_all(struct runs *runs, int argc, char **argv)
{
	bool any = false;

	if (!report_begin(runs->report)) {
		args_complain("%s: no temporary file: %s", runs->file, strerror(errno));
		return STATUS_ERROR;
	}
	for (const struct explore_entry *e = explore_registered(); e; e = e->next) {
		if (wanted(e->check->name, argc, argv)) {
			runs_check(runs, e->check);
			any = true;
		}
	}
	if (!any) {
		args_complain("%s: no such check", runs->file);
		return STATUS_ERROR;
	}
	if (!report_end(runs->report)) {
		args_complain("%s: cannot write a temporary file", runs->file);
		return STATUS_ERROR;
	}
	return runs_status(runs->report, false);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "fast", no_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' }, { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { "replay", required_argument, NULL, REPLAY },
		{ "format", required_argument, NULL, FORMAT },
		{ "max-executions", required_argument, NULL, MAX_EXECUTIONS },
		{ "max-seconds", required_argument, NULL, MAX_SECONDS }, { 0 },
	};
	struct report report = { .out = stdout, .format = report_formats,
				 .pictures = PICTURES_ALWAYS };
	struct runs runs = { .file = argv[0], .report = &report, .complain = args_complain,
			     .unwatched = add_unwatched };
	const char *replay = NULL;
	char with[256];
	bool good = true;
	int id;

	while ((id = getopt_long(argc, argv, "fjqvh", options, NULL)) != -1) {
		if (id == 'h')
			return usage(argv[0], stdout, STATUS_OK);
		if (id == 'j' || id == 'q')
			report.format = report_format_find(id == 'j' ? "json" : "brief");
		else if (id == FORMAT)
			good = (report.format = report_format_find(optarg));
		else if (id == MAX_EXECUTIONS)
			good = args_count(optarg, &runs.options.executions_max);
		else if (id == MAX_SECONDS)
			good = args_seconds(optarg, &runs.options.seconds_max);
		else if (id == REPLAY)
			replay = optarg;
		else if (id != 'f' && id != 'v')
			good = false;
		report.verbose |= id == 'v';
		runs.options.stop_at_first |= id == 'f';
		if (!good)
			return usage(argv[0], stderr, STATUS_ERROR);
	}
	snprintf(with, sizeof(with), "%s --replay", argv[0]);
	runs.replay_with = with;
	runs_begin(&runs);
	if (replay) {
		report.format = NULL;
		return runs_replay(&runs, replay);
	}
	return run_all(&runs, argc, argv);
}
