/* SPDX-License-Identifier: MIT */
/*
 * main.c - the table of commands, and the first word of the command line.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "mmun/mmun.h"

static int help(const struct args_command *command, int argc, char **argv);
static int version(const struct args_command *command, int argc, char **argv);

const struct args_command cli_commands[] = {
	{ "check", "FILE|DIR...", "run tests under every interleaving and say what they show",
	  cli_check_details, cli_check_options, cli_check },
	{ "replay", "FILE STRING", "run one execution again and draw it",
	  cli_replay_details, cli_replay_options, cli_replay },
	{ "when", "[ROW[@POINT]...]", "say where each kind of update may flush secondary TLBs",
	  cli_when_details, cli_when_options, cli_when },
	{ "corpus", "[ENTRY...]", "run real bugs of kernels, broken and repaired",
	  cli_corpus_details, cli_corpus_options, cli_corpus },
	{ "list", "[FILE|DIR...]", "list the tests, and what each of them asks",
	  cli_list_details, NULL, cli_list },
	{ "trace", "[OPERATION...]", "print the order in which an operation notifies and flushes",
	  cli_trace_details, cli_trace_options, cli_trace },
	{ "help", "[COMMAND]", "explain a command", NULL, NULL, help },
	{ "version", "", "print the version", NULL, NULL, version },
	{ 0 },
};

static const struct args_command *command_find(const char *name)
{
	const char *names[ARRAY_SIZE(cli_commands)];
	size_t count = 0;

	for (const struct args_command *c = cli_commands; c->name; c++) {
		if (!strcmp(c->name, name))
			return c;
		names[count++] = c->name;
	}
	args_complain_unknown("unknown command", name, names, count, "mmun --help");
	return NULL;
}

static void print_usage(FILE *out)
{
	fputs("usage: mmun COMMAND [ARGUMENT...]\n\n"
	      "When must a device's TLB be flushed? mmun runs litmus tests for virtual memory, and\n"
	      "checks in C, along every interleaving of their threads, and draws the ones that go\n"
	      "wrong.\n\n"
	      "commands:\n", out);
	for (const struct args_command *c = cli_commands; c->name; c++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", c->name, c->args);
		fprintf(out, "  %-22s %s\n", left, c->help);
	}
	fputs("\nThe exit status is 0 if all is as expected, 1 after a violation or a verdict that\n"
	      "differs, 2 after a wrong argument or a file that is no test, and 3 if a search was\n"
	      "not finished. mmun(1) has the details, and mmun-litmus(5) the language.\n", out);
}

static int help(const struct args_command *command, int argc, char **argv)
{
	const struct args_command *about;
	int id = args_next(command, argc, argv);

	if (id != ARGS_END)
		return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
	if (optind == argc) {
		print_usage(stdout);
		return STATUS_OK;
	}
	about = command_find(argv[optind]);
	if (!about)
		return STATUS_ERROR;
	args_help(about);
	return STATUS_OK;
}

static int version(const struct args_command *command, int argc, char **argv)
{
	int id = args_next(command, argc, argv);

	if (id != ARGS_END)
		return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
	printf("mmun %s\n", mmun_version());
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	const struct args_command *command;

	if (argc < 2) {
		print_usage(stderr);
		return STATUS_ERROR;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(command_find("help"), argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return version(command_find("version"), argc - 1, argv + 1);
	command = command_find(argv[1]);
	return command ? command->run(command, argc - 1, argv + 1) : STATUS_ERROR;
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);
	bool failed = ferror(stdout);

	if (fflush(stdout) || failed) {
		/* A reader who has seen enough needs no message. */
		if (errno != EPIPE)
			args_complain("cannot write the output: %s", strerror(errno));
		return STATUS_ERROR;
	}
	return status;
}
