/* SPDX-License-Identifier: MIT */
/*
 * report.h - what is said about a check that was run, in one of several formats.
 *
 * The caller fills a report_run for each test, and a format prints it. Formats are rows of a
 * table (formats.c) and are all given the same, so that none of them can say what another one
 * does not know. This room knows the explorer's results and nothing below them, and writes to
 * the file that it is given and nowhere else.
 *
 *   report.c    counts, and what all formats ask of a run
 *   rows.c      a trace as rows, and held.c what was held at a row: for all pictures
 *   table.c     the picture in characters
 *   escape.c    strings in XML and Mermaid
 *   text.c json.c html.c svg.c mermaid.c    the formats
 *   formats.c   the table of them
 */
#ifndef MMUN_REPORT_H
#define MMUN_REPORT_H

#include <stdio.h>

#include "explore/front/explore.h"

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
	bool certain;                /* the verdict holds, even if the search ended early */
	const char *error;           /* REPORT_ERROR: what is wrong; what follows may be zero */
	int line, column;            /* of the error, from 1; 0: it has no place */
	/* The question. */
	const char *kind;            /* herd's "Allowed", "Forbidden", "Required"; NULL: none */
	const char *condition;       /* as written; NULL: none */
	bool satisfied;              /* the answer to it is yes */
	const char *result;          /* "Never", "Sometimes", "Always"; NULL: no condition */
	const char *expected;        /* the same; NULL: the test does not say */
	/* How it ended: states rows of names values. */
	size_t names, states;
	const char *const *value_name;
	const struct report_value *value;
	uint64_t positive, negative; /* executions that (do not) satisfy the condition */
	const char *rule;            /* the rule that was broken; NULL: it is not known */
	const char *repair;          /* what was verified to repair it; NULL: nothing was */
	const struct explore_result *explore;
	const struct explore_trace *replayed; /* of the one execution that was run again; NULL:
	                                it was a search */
	const char *const *thread;
	unsigned threads;
};

struct report;

struct report_format {
	const char *name, *help;
	/* begin() comes before the first test and end() after the last one; each may be NULL.
	 * Tests may run in child processes: what run() leaves in *report and in its files
	 * comes back from there, and no other memory does. */
	bool (*begin)(struct report *report); /* false: it cannot, and errno says why */
	void (*run)(struct report *report, const struct report_run *run);
	void (*end)(struct report *report);
};

extern const struct report_format report_formats[]; /* ends with a row without a name */

const struct report_format *report_format_find(const char *name); /* NULL: none */

enum report_pictures {
	PICTURES_NEVER,
	PICTURES_SURPRISES, /* of what the test did not expect */
	PICTURES_ALWAYS,
};

/* The caller fills out, format, pictures and verbose; report_add() counts the rest. */
struct report {
	FILE *out;
	const struct report_format *format;
	enum report_pictures pictures;
	bool verbose;               /* all findings, each operation */
	uint64_t tests, executions;
	uint64_t count[REPORT_VERDICTS_COUNT];
	/* The searches that ran; those that ran to their end; those that ended early since
	 * their verdict was certain. */
	uint64_t searches, exhaustive, certain;
	/* The beginning of a page or an image depends on all tests. Formats of this kind keep
	 * what comes after it in these temporary files, which report_end() closes. */
	FILE *body, *index;
	unsigned width, height;     /* of what the body shows */
	bool failed;                /* the files could not be written */
};

/* Puts findings in the order in which they are told: few context switches, then few steps. */
void report_shortest_first(struct explore_finding *finding, size_t n);

/* The caller begins, adds each test, and ends. False: the format cannot begin, and errno says
 * why; or, from report_end(), one of its temporary files could not be written. */
bool report_begin(struct report *report);
void report_add(struct report *report, const struct report_run *run);
bool report_end(struct report *report);

/*
 * What a run has to show is its findings; or, if it is one execution that has none, that
 * execution. The trace is NULL if there is no picture.
 */
struct report_exhibit {
	const struct explore_finding *finding;
	const struct explore_trace *trace;
};

unsigned report_exhibits(const struct report_run *run);
struct report_exhibit report_exhibit(const struct report_run *run, unsigned nth);
/* Is the picture to be drawn? Formats that draw every finding do not ask. */
bool report_draws(const struct report *report, const struct report_run *run, unsigned nth);

/* The names of the @threads threads of a run, and of those that they have started in @trace (NULL:
 * none). Returns how many there are. */
unsigned report_threads(const struct explore_trace *trace, const char *const *thread,
			unsigned threads, const char *ret[EXPLORE_THREADS_MAX]);

/*
 * Call @visit for each event of @trace in the first @threads threads, in order; but a
 * statement begins when its first operation runs, not when its thread
 * announces it. @at is the index of the event that it is visited at.
 */
void report_walk(const struct explore_trace *trace, unsigned threads,
		 void (*visit)(void *arg, const struct explore_event *event, size_t at),
		 void *arg);
bool report_is_statement(const struct explore_event *event);
bool report_is_operation(const struct explore_event *event);

/* How a finding is run again: a command line. */
void report_replay_command(FILE *out, const struct report_run *run,
			   const struct explore_finding *finding);
/* The same in memory to be freed; NULL: it cannot be, or there is not enough memory. */
char *report_replay_text(const struct report_run *run, const struct explore_finding *finding);

enum { REPORT_LINE_MAX = 256 };

/* "3 tests: 2 ok, ...": with @all, also the verdicts that no test has. */
void report_sum(const struct report *report, bool all, char *text, size_t size);
/* "12, exhaustive": executions, and whether they are all. */
void report_search(const struct report_run *run, char *text, size_t size);
/* Every execution was run, every oracle was on, and none of them found anything. */
bool report_is_exhausted(const struct report_run *run);
/* Moreover, nothing was left unwatched. */
bool report_is_verified(const struct report_run *run);
/* That it is verified, and what was not watched. False: nothing is to be said. */
bool report_verified(FILE *out, const struct report_run *run,
		     void (*put)(FILE *out, const char *text));

/* @file from the top of the source tree on. */
const char *report_source(const char *file);

/* Copies all of @from, from its beginning. */
void report_copy(FILE *out, FILE *from);

/* The formats' own. */
void report_text_run(struct report *report, const struct report_run *run);
void report_brief_run(struct report *report, const struct report_run *run);
void report_summary(struct report *report);
void report_json_run(struct report *report, const struct report_run *run);
void report_mermaid_run(struct report *report, const struct report_run *run);
bool report_svg_begin(struct report *report);
void report_svg_run(struct report *report, const struct report_run *run);
void report_svg_end(struct report *report);
bool report_html_begin(struct report *report);
void report_html_run(struct report *report, const struct report_run *run);
void report_html_end(struct report *report);

/* --- table.c ------------------------------------------------------------- */

/*
 * Draws @trace with a row for each step and a column for each thread. Below stand what was held
 * at first and what it became, and where those steps stand that are in a check's own file.
 * With @verbose each operation has a row too, all places are listed, and nothing is folded.
 */
void table_print(FILE *out, const struct explore_trace *trace, const char *const *thread,
		 unsigned threads, bool verbose);

#endif
