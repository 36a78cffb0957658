/* SPDX-License-Identifier: MIT */
/*
 * replay.c - the command mmun replay. It runs one execution again, from the string that a
 * finding names, and shows it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { FORMAT = OPTION_FIRST };

const char cli_replay_details[] =
	"\nSTRING is what check prints after \"replay:\". The exit status is 1 if the execution shows a\n"
	"finding, 2 if the string does not belong to this test, else 0.\n";

const struct args_option cli_replay_options[] = {
	{ FORMAT, "format", "NAME", "use one of check's formats: html, svg, ..." },
	{ 'v', "verbose", NULL, "draw each operation, with its file and line" },
	{ 0 },
};

static void print_outcome(const struct litmus *test, const struct litmus_outcomes *set)
{
	char name[2 * LITMUS_NAME_MAX + 16], value[32];

	if (!set->count)
		return; /* it was not run to its end, or the filter takes it out */
	printf("State");
	for (int i = 0; i < test->shown_count; i++)
		printf(" %s=%s;", litmus_index_name(test, test->shown[i], name, sizeof(name)),
		       litmus_value_name(set->values[test->shown[i]], value, sizeof(value)));
	printf("\n");
	if (test->quantifier != QUANT_NONE)
		printf("%s %s\n", litmus_holds(test, test->condition, set->values) ?
		       "Witness of" : "No witness of", test->condition_text);
}

static int replayed_in_words(const struct litmus *test, const struct litmus_report *r,
			     const struct report_run *run, bool verbose)
{
	printf("Test %s, one execution\n\n", test->name);
	table_print(stdout, run->replayed, run->thread, run->threads, verbose);
	printf("\n");
	print_outcome(test, &r->outcomes);
	for (unsigned i = 0; i < r->explore.findings; i++)
		printf("Finding %s: %s\n", explore_oracle_name(r->explore.finding[i].oracle),
		       r->explore.finding[i].text);
	if (!r->explore.findings)
		printf("No finding in this execution\n");
	return r->explore.findings ? STATUS_VIOLATION : STATUS_OK;
}

static int replay(const struct litmus *test, const char *file, const char *string,
		  struct report *report)
{
	struct litmus_report *r = calloc(1, sizeof(*r));
	struct explore_trace trace = { 0 };
	const char *thread[LITMUS_THREADS_MAX];
	struct report_run run = { .file = file, .name = test->name, .replayed = &trace,
				  .certain = true, .thread = thread,
				  .threads = (unsigned)test->threads };
	const struct runs runs = { .file = file, .report = report, .complain = args_complain };
	int err = r ? litmus_replay(test, string, &trace, r) : -ENOMEM, status;

	if (err) {
		free(r);
		args_complain("%s: %s", file, err == -EINVAL ?
			      "the replay string is not of this test" : "not enough memory");
		return STATUS_ERROR;
	}
	cli_thread_names(test, thread);
	run.explore = &r->explore;
	run.verdict = r->explore.findings ? REPORT_VIOLATION : REPORT_OK;
	status = report->format ? runs_report_replayed(&runs, &run) :
				  replayed_in_words(test, r, &run, report->verbose);
	explore_trace_fini(&trace);
	litmus_report_fini(r);
	free(r);
	return status;
}

int cli_replay(const struct args_command *command, int argc, char **argv)
{
	struct cli_files files = { 0 };
	struct report report = { .out = stdout, .pictures = PICTURES_ALWAYS };
	struct cli_source source;
	int id, status = STATUS_ERROR;

	while ((id = args_next(command, argc, argv)) >= 0) {
		report.verbose |= id == 'v';
		if (id == FORMAT && !(report.format = args_format_find("replay", optarg)))
			return STATUS_ERROR;
	}
	if (report.format == report_formats) /* that is in words */
		report.format = NULL;
	if (id != ARGS_END)
		return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
	if (argc - optind != 2) {
		args_complain("replay: wants a file and a string, see mmun replay --help");
		return STATUS_ERROR;
	}
	cli_files_add(&files, argv[optind]);
	if (files.count == 1) {
		if (cli_is_cfile(files.path[0])) {
			status = cli_cfile_replay(files.path[0], argv[optind + 1], &report);
			cli_files_fini(&files);
			return status;
		}
		if (cli_source_open(&source, files.path[0]))
			status = replay(source.test, source.file, argv[optind + 1], &report);
		cli_source_close(&source);
	} else if (files.count) {
		args_complain("%s: is a directory", argv[optind]);
	}
	cli_files_fini(&files);
	return status;
}
