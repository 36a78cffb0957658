/* SPDX-License-Identifier: MIT */
/*
 * args.c - the arguments of a command. The command's table of options is handed to
 * getopt_long() and is also what help prints, so neither knows an option that the other does
 * not know.
 */
#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "args/args.h"
#include "base/version.h"
#include "base/nearest.h"
#include "report/report.h"

enum { OPTIONS_MAX = 24, WORD_MAX = 32 };

void args_complain(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("mmun: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

bool args_count(const char *text, uint64_t *ret)
{
	uint64_t n = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || n > (UINT64_MAX - 9) / 10)
			return false;
		n = 10 * n + (uint64_t)(*p - '0');
	}
	if (!n)
		return false;
	*ret = n;
	return true;
}

bool args_linux(const char *command, const char *text, bool *ret_classic)
{
	unsigned version = linux_version(text, strlen(text));

	if (version < LINUX_FIRST) {
		args_complain("%s: --linux takes a version of Linux from 4.15 on, such as 6.1 or "
			      "6.12, not '%s'", command, text);
		return false;
	}
	*ret_classic = version < LINUX_MODERN;
	return true;
}

bool args_seconds(const char *text, double *ret)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !isfinite(s) || s <= 0)
		return false;
	*ret = s;
	return true;
}

/* --- did you mean -------------------------------------------------------- */

/* The one of @count names that @word may have been meant to be, or NULL. */
static const char *suggest(const char *word, const char *const *name, size_t count)
{
	struct nearest near;

	nearest_init(&near, word, strlen(word) / 3 + 2);
	for (size_t i = 0; i < count; i++)
		nearest_offer(&near, name[i]);
	return near.best;
}

void args_complain_unknown(const char *what, const char *word, const char *const *name,
			   size_t count, const char *see)
{
	const char *suggestion = suggest(word, name, count);

	if (suggestion)
		args_complain("%s %s, did you mean %s?", what, word, suggestion);
	else
		args_complain("%s %s, see %s", what, word, see);
}

/* --- formats ------------------------------------------------------------- */

const struct report_format *args_format_find(const char *command, const char *name)
{
	const struct report_format *found = report_format_find(name);
	const char *names[16];
	char what[WORD_MAX + 32];
	size_t count = 0;

	if (found)
		return found;
	for (const struct report_format *f = report_formats; f->name; f++)
		names[count++] = f->name;
	snprintf(what, sizeof(what), "%s: unknown format", command);
	args_complain_unknown(what, name, names, count, "mmun check --format help");
	return NULL;
}

void args_list_formats(void)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		printf("%-7s %s\n", f->name, f->help);
}

/* --- options ------------------------------------------------------------- */

static void complain_option(const struct args_command *command, const char *word)
{
	const char *name[OPTIONS_MAX], *suggestion;
	char bare[WORD_MAX + 1];
	size_t count = 0;

	name[count++] = "help";
	for (const struct args_option *o = command->options; o && o->name; o++)
		name[count++] = o->name;
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	suggestion = suggest(bare, name, count);
	if (suggestion)
		args_complain("%s: unknown option %s, did you mean --%s?", command->name, word,
			      suggestion);
	else
		args_complain("%s: unknown option %s, see mmun %s --help", command->name, word,
			      command->name);
}

static const struct args_option *option_by_id(const struct args_command *command, int id)
{
	for (const struct args_option *o = command->options; o && o->name; o++)
		if (o->id == id)
			return o;
	return NULL;
}

int args_next(const struct args_command *command, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 1] = { { "help", no_argument, NULL, 'h' } };
	char shorts[2 * OPTIONS_MAX + 4] = ":h";
	size_t n = 1, s = 2;
	int id;

	for (const struct args_option *o = command->options; o && o->name; o++) {
		ASSERT(n < OPTIONS_MAX);
		longs[n++] = (struct option){ o->name, o->arg ? required_argument : no_argument,
					      NULL, o->id };
		if (o->id < OPTION_FIRST)
			shorts[s++] = (char)o->id;
		if (o->id < OPTION_FIRST && o->arg)
			shorts[s++] = ':';
	}
	opterr = 0;
	id = getopt_long(argc, argv, shorts, longs, NULL);
	if (id == 'h') {
		args_help(command);
		return ARGS_HELP;
	}
	if (id == ':')
		args_complain("%s: %s needs an argument, %s", command->name, argv[optind - 1],
			      option_by_id(command, optopt)->arg);
	else if (id == '?' && optopt && (option_by_id(command, optopt) || optopt == 'h'))
		args_complain("%s: %s takes no argument", command->name, argv[optind - 1]);
	else if (id == '?' && optopt)
		args_complain("%s: unknown option -%c, see mmun %s --help", command->name, optopt,
			      command->name);
	else if (id == '?')
		complain_option(command, argv[optind - 1]);
	return id == ':' || id == '?' ? ARGS_ERROR : id;
}

/* --- help ---------------------------------------------------------------- */

void args_help(const struct args_command *command)
{
	printf("usage: mmun %s%s%s%s\n\n%c%s.\n", command->name,
	       command->options ? " [OPTION...]" : "", *command->args ? " " : "", command->args,
	       toupper((unsigned char)*command->help), command->help + 1);
	if (command->details)
		printf("%s", command->details);
	printf("\noptions:\n");
	for (const struct args_option *o = command->options; o && o->name; o++) {
		char left[WORD_MAX + 16];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		printf("  %c%c%s %-20s  %s\n", o->id < OPTION_FIRST ? '-' : ' ',
		       o->id < OPTION_FIRST ? o->id : ' ', o->id < OPTION_FIRST ? "," : " ", left,
		       o->help);
	}
	printf("  -h, %-20s  %s\n", "--help", "this text");
}
