/* SPDX-License-Identifier: MIT */
/*
 * args.h - the arguments of a command: its table of options, numbers, suggestions for words
 * that were mistyped, and complaints on standard error. The tool's commands (src/cli) use it,
 * and the main() of programs that are linked with libmmun-checked (src/checks/program).
 */
#ifndef MMUN_ARGS_H
#define MMUN_ARGS_H

#include "base/base.h"

struct args_option {
	int id;           /* its letter, or a number from OPTION_FIRST */
	const char *name; /* NULL ends the table */
	const char *arg;  /* NULL: takes none */
	const char *help;
};

enum { OPTION_FIRST = 256 };

struct args_command {
	const char *name; /* NULL ends the table */
	const char *args, *help;
	const char *details; /* for its own help */
	const struct args_option *options;
	int (*run)(const struct args_command *command, int argc, char **argv);
};

enum { ARGS_END = -1, ARGS_HELP = -2, ARGS_ERROR = -3 };

/* The id of the next option, its argument in optarg; or one of the above, help
 * or error being printed already. Operands are then argv[optind...]. */
int args_next(const struct args_command *command, int argc, char **argv);

/* A number from 1; false if @text is none. */
bool args_count(const char *text, uint64_t *ret);
bool args_seconds(const char *text, double *ret);

/* A version of Linux, as "6.1" or "6.12": are its semantics the classic ones? False: it is none,
 * or too old, which was said. */
bool args_linux(const char *command, const char *text, bool *ret_classic);

/* One line on standard error. */
void args_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* That @what, "unknown command" say, is @word: what else it may be, or what to @see. */
void args_complain_unknown(const char *what, const char *word, const char *const *name,
			   size_t count, const char *see);
void args_help(const struct args_command *command);

struct report_format;

/* NULL: there is none of this name, which was said. */
const struct report_format *args_format_find(const char *command, const char *name);
void args_list_formats(void);

#endif
