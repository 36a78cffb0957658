/* SPDX-License-Identifier: MIT */
/*
 * list.c - the command mmun list. It prints a line for each test: its name, what it expects,
 * and the first sentence of its prose.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

const char cli_list_details[] =
	"\nEach line has the name of a test, what it expects, and the first sentence of its prose.\n"
	"Without arguments, list the tests that were installed with mmun, or those of the directory\n"
	"in the environment variable MMUN_LITMUS. Their names can be given to check and replay.\n";

/* Up to a full stop before white space, all white space as one space. */
static void first_sentence(const char *prose, char *buf, size_t size)
{
	size_t n = 0;
	bool gap = false;

	for (const char *p = prose; *p && n + 3 < size; p++) {
		if (strchr(" \t\r\n", *p)) {
			if (n && strchr(".?!", buf[n - 1]))
				break;
			gap = n != 0;
			continue;
		}
		if (gap)
			buf[n++] = ' ';
		gap = false;
		buf[n++] = *p;
	}
	buf[n] = 0;
}

static void print_test(const struct litmus *test)
{
	const char *result = litmus_result_name(test->expected);
	char expected[64], sentence[512];

	snprintf(expected, sizeof(expected), "%s%s%s", result,
		 *result && *test->expected_finding ? ", " : "", test->expected_finding);
	first_sentence(test->prose, sentence, sizeof(sentence));
	printf("%-28s %-16s %s\n", test->name, *expected ? expected : "-", sentence);
}

int cli_list(const struct args_command *command, int argc, char **argv)
{
	struct cli_files files = { 0 };
	char catalog[PATH_MAX];
	bool failed;
	int id = args_next(command, argc, argv);

	if (id != ARGS_END)
		return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
	if (optind == argc && !cli_catalog(catalog, sizeof(catalog))) {
		args_complain("list: no tests are installed; set MMUN_LITMUS or name files");
		return STATUS_ERROR;
	}
	if (optind == argc)
		cli_files_add(&files, catalog);
	for (; optind < argc; optind++)
		cli_files_add(&files, argv[optind]);
	failed = files.failed;
	for (size_t i = 0; i < files.count; i++) {
		struct cli_source source;

		if (cli_source_open(&source, files.path[i]))
			print_test(source.test);
		else
			failed = true;
		cli_source_close(&source);
	}
	cli_files_fini(&files);
	return failed ? STATUS_ERROR : STATUS_OK;
}
