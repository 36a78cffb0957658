/* SPDX-License-Identifier: MIT */
/*
 * replay.c - mmun replay: one execution again, from the string that a finding
 * names, and what it shows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/report.h"

const char cli_replay_details[] =
	"\nThe string is what check prints after \"replay:\". The exit status is 1 if the\n"
	"execution shows a finding, 2 if the string is not of this test, else 0.\n";

const struct cli_option cli_replay_options[] = {
	{ 'v', "verbose", NULL, "draw each operation, with the line it stands in" },
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

static int replay(const struct litmus *test, const char *file, const char *string, bool verbose)
{
	struct litmus_report *r = calloc(1, sizeof(*r));
	struct explore_trace trace = { 0 };
	const char *thread[LITMUS_THREADS_MAX];
	int err = r ? litmus_replay(test, string, &trace, r) : -ENOMEM, status = STATUS_OK;

	if (err) {
		free(r);
		cli_complain("%s: %s", file, err == -EINVAL ?
			     "the replay string is not of this test" : "not enough memory");
		return STATUS_ERROR;
	}
	cli_thread_names(test, thread);
	printf("Test %s, one execution\n\n", test->name);
	table_print(stdout, &trace, thread, (unsigned)test->threads, verbose);
	printf("\n");
	print_outcome(test, &r->outcomes);
	for (unsigned i = 0; i < r->explore.findings; i++) {
		const struct explore_finding *f = &r->explore.finding[i];

		printf("Finding %s: %s\n", explore_oracle_name(f->oracle), f->text);
		status = STATUS_VIOLATION;
	}
	if (!r->explore.findings)
		printf("No finding in this execution\n");
	explore_trace_fini(&trace);
	litmus_report_fini(r);
	free(r);
	return status;
}

int cli_replay(const struct cli_command *command, int argc, char **argv)
{
	struct cli_files files = { 0 };
	struct cli_source source;
	bool verbose = false;
	int id, status = STATUS_ERROR;

	while ((id = cli_next_option(command, argc, argv)) >= 0)
		verbose |= id == 'v';
	if (id != CLI_END)
		return id == CLI_HELP ? STATUS_OK : STATUS_ERROR;
	if (argc - optind != 2) {
		cli_complain("replay: wants a file and a string, see mmun replay --help");
		return STATUS_ERROR;
	}
	cli_files_add(&files, argv[optind]);
	if (files.count == 1) {
		if (cli_is_cfile(files.path[0])) {
			status = cli_cfile_replay(files.path[0], argv[optind + 1], verbose);
			cli_files_fini(&files);
			return status;
		}
		if (cli_source_open(&source, files.path[0]))
			status = replay(source.test, source.file, argv[optind + 1], verbose);
		cli_source_close(&source);
	} else if (files.count) {
		cli_complain("%s: is a directory", argv[optind]);
	}
	cli_files_fini(&files);
	return status;
}
