/* SPDX-License-Identifier: MIT */
/*
 * cli.h - the commands of the tool, and what several of them share: operands that stand for
 * files, and the matrix.
 *
 * Only the commands print to the terminal and decide how the process ends. A command returns
 * its exit status and does not exit.
 */
#ifndef MMUN_CLI_H
#define MMUN_CLI_H

#include "args/args.h"
#include "checks/run/cfile.h"
#include "litmus/run/check.h"

extern const struct args_command cli_commands[];

extern const char cli_when_details[];
extern const struct args_option cli_when_options[];
int cli_when(const struct args_command *command, int argc, char **argv);
extern const char cli_check_details[], cli_replay_details[], cli_list_details[];
extern const char cli_corpus_details[];
extern const struct args_option cli_corpus_options[];
int cli_corpus(const struct args_command *command, int argc, char **argv);
extern const char cli_trace_details[];
extern const struct args_option cli_check_options[], cli_replay_options[], cli_trace_options[];
int cli_check(const struct args_command *command, int argc, char **argv);
int cli_replay(const struct args_command *command, int argc, char **argv);
int cli_list(const struct args_command *command, int argc, char **argv);
int cli_trace(const struct args_command *command, int argc, char **argv);

/* --- files.c ------------------------------------------------------------- */

/* What the operands stand for: a directory stands for all tests in it. */
struct cli_files {
	char **path;
	size_t count, capacity;
	bool failed;      /* some operand stood for nothing; that was said */
};

/* Stands before the name of a test that litmus/table/matrix.c makes. */
#define CLI_MATRIX "matrix:"

/* An operand is a file, a directory, "-", a name from the catalog, or a pattern of
 * names behind CLI_MATRIX. */
void cli_files_add(struct cli_files *files, const char *operand);
void cli_files_fini(struct cli_files *files);

/* Is it a check in C, by its name? */
bool cli_is_cfile(const char *path);

/* A directory of the environment variable, or of the tree or the installation that the
 * executable belongs to; false: nowhere. */
bool cli_directory(const char *variable, const char *in_tree, const char *installed, char *buf,
		   size_t size);
/* Where the installed tests are; false: nowhere. */
bool cli_catalog(char *buf, size_t size);

struct cli_source {
	const char *file;  /* name for messages */
	char *text;
	size_t size;
	struct litmus *test;
	struct litmus_error error; /* pos is zero for what is not about a line */
};

/* Read and parse. False with .error filled, which was printed. */
bool cli_source_open(struct cli_source *source, const char *path);
void cli_source_close(struct cli_source *source);

/* --- cfile.c ------------------------------------------------------------- */

/* cfile_check() and cfile_replay(), with the installed headers and the tool's complaints:
 * those members of @how need not be filled. */
int cli_cfile_check(const char *path, const struct cfile_how *how, struct report *report);
int cli_cfile_replay(const char *path, const char *string, struct report *report);

/* --- matrix.c ------------------------------------------------------------- */

/* How the tests of each pair of operations went. */
struct cli_matrix { struct cli_matrix_cell *cell; size_t rows; };

bool cli_matrix_init(struct cli_matrix *matrix);
void cli_matrix_fini(struct cli_matrix *matrix);
/* @path is CLI_MATRIX and a name; the rest is as in a report. Others are left out. */
void cli_matrix_add(struct cli_matrix *matrix, const char *path, enum litmus_verdict verdict);
void cli_matrix_print(const struct cli_matrix *matrix);

/* Names of the test's threads. */
void cli_thread_names(const struct litmus *test, const char *name[LITMUS_THREADS_MAX]);

#endif
