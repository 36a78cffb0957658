/* SPDX-License-Identifier: MIT */
/*
 * report.h - what is said about a check that was run, in one of several formats.
 *
 * The caller fills a report_run for each test and a format prints it; formats
 * are rows of a table and are all fed the same, so none of them can say what
 * another does not know. Knows the explorer's results and nothing below; writes
 * to the file it is given and nowhere else.
 */
#ifndef MMUN_REPORT_H
#define MMUN_REPORT_H

#include <stdio.h>

#include "explore/explore.h"

/* X(enumerator, name, one of them, several of them) */
#define REPORT_VERDICTS(X)                                        \
	X(REPORT_OK,         "ok",         "ok",         "ok")         \
	X(REPORT_DIFFERS,    "differs",    "differs",    "differ")     \
	X(REPORT_VIOLATION,  "violation",  "violation",  "violations") \
	X(REPORT_UNFINISHED, "unfinished", "unfinished", "unfinished") \
	X(REPORT_ERROR,      "error",      "error",      "errors")

enum report_verdict {
#define X(e, ...) e,
	REPORT_VERDICTS(X)
#undef X
	REPORT_VERDICTS_COUNT,
};

const char *report_verdict_name(enum report_verdict verdict);

struct report_value {
	const char *word; /* "fault"; NULL: it is the number */
	int64_t number;
};

/* One test and how it went. Strings may be NULL where a line says so. */
struct report_run {
	const char *file;            /* as the user named it */
	const char *name;            /* NULL: not known, the file is no test */
	enum report_verdict verdict;
	const char *why;             /* the verdict in words, or NULL */
	const char *replay_with;     /* the command before a replay string; NULL: mmun's */
	const char *unchecked;       /* oracles that were off, and why; NULL: all were on */
	bool certain;                /* the search may have ended early, the verdict holds */
	const char *error;           /* REPORT_ERROR: what is wrong; the rest may be zero */
	int line, column;            /* where, from 1; 0: nowhere in particular */
	/* The question. */
	const char *kind;            /* herd's "Allowed", "Forbidden", "Required"; NULL: none */
	const char *condition;       /* as written; NULL: none */
	bool satisfied;              /* the answer is yes */
	const char *result;          /* "Never", "Sometimes", "Always"; NULL: no condition */
	const char *expected;        /* the same; NULL: the test does not say */
	/* How it ended: states rows of names values. */
	size_t names, states;
	const char *const *value_name;
	const struct report_value *value;
	uint64_t positive, negative; /* executions that (do not) satisfy the condition */
	const struct explore_result *explore;
	const char *const *thread;
	unsigned threads;
};

struct report;

struct report_format {
	const char *name, *help;
	void (*run)(const struct report *report, const struct report_run *run);
	void (*end)(const struct report *report); /* after the last one; may be NULL */
};

extern const struct report_format report_formats[]; /* ends with a row without a name */

const struct report_format *report_format_find(const char *name); /* NULL: none */

enum report_pictures {
	PICTURES_NEVER,
	PICTURES_SURPRISES, /* of what the test did not expect */
	PICTURES_ALWAYS,
};

/* Fill out, format and what is to be shown; the rest is counted by report_add(). */
struct report {
	FILE *out;
	const struct report_format *format;
	enum report_pictures pictures;
	bool verbose;               /* all findings, each operation */
	uint64_t tests, executions;
	uint64_t count[REPORT_VERDICTS_COUNT];
	/* Searches that ran; that ran to their end; that ended early by being certain. */
	uint64_t searches, exhaustive, certain;
};

void report_add(struct report *report, const struct report_run *run);
void report_end(const struct report *report);

/*
 * Call @visit for each event of @trace in the first @threads threads, in order; but a
 * statement ("> ...") begins when its first operation runs, not when its thread
 * announces it.
 */
void report_walk(const struct explore_trace *trace, unsigned threads,
		 void (*visit)(void *arg, const struct explore_event *event), void *arg);
bool report_is_statement(const struct explore_event *event);

/* How a finding is run again: a command line. */
void report_replay_command(FILE *out, const char *file, const char *replay);

/* @file without whatever leads to the source tree. */
const char *report_source(const char *file);

/* The formats' own. */
void report_text_run(const struct report *report, const struct report_run *run);
void report_brief_run(const struct report *report, const struct report_run *run);
void report_summary(const struct report *report);
void report_json_run(const struct report *report, const struct report_run *run);

/* --- table.c ------------------------------------------------------------- */

/*
 * Draw @trace: a row per step, a column per thread. The rows are the notes;
 * with @verbose also each operation and where it stands, and nothing is folded.
 */
void table_print(FILE *out, const struct explore_trace *trace, const char *const *thread,
		 unsigned threads, bool verbose);

#endif
