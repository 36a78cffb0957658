/* SPDX-License-Identifier: MIT */
/*
 * rows.h - a trace as rows: what every picture is made of, whatever draws it.
 *
 * A row is an event that the code has said of itself. An operation has a row only if all are
 * wanted, or if it changes what is watched and no other row speaks of it. Rows are numbered
 * before any are folded, so that a number means the same step in each format. Strings are the
 * trace's, which must stay. A row's text is for people: what it says is in its kind and words.
 */
#ifndef MMUN_ROWS_H
#define MMUN_ROWS_H

#include "report/report.h"

enum {
	ROWS_TEXT_MAX = 192,
	ROWS_LABEL_MAX = 32,
	ROWS_LINE_MAX = 320,   /* label and text, indented */
	ROWS_INDENT = 2,       /* columns for each depth */
};

enum row_kind {
	ROW_STEP,
	ROW_STATEMENT,         /* what follows in its thread is part of it */
	ROW_LOCK, ROW_UNLOCK,
	ROW_OPERATION,
	ROW_FOLD,              /* stands for rows that are not shown */
};

struct row {
	enum row_kind kind;
	unsigned thread;
	unsigned number, last; /* from 1; of a fold: of the first and last row that it hides */
	unsigned depth;        /* of indentation: in a statement, under locks */
	unsigned locks, locks_after; /* that its thread holds before and after it */
	bool minor;            /* can go first */
	const char *function, *file; /* where; file as report_source() has it, or NULL */
	int line;
	char label[ROWS_LABEL_MAX]; /* "COW_step3"; empty: of no operation */
	char text[ROWS_TEXT_MAX];
	const struct explore_kind *said; /* of a fold: NULL */
	uint64_t word[EXPLORE_WORDS_MAX]; /* as said->word says */
	size_t at;             /* the event that it begins at */
};

struct rows {
	const struct explore_trace *trace;
	const char *thread[EXPLORE_THREADS_MAX]; /* names: those of the run, and of started ones */
	unsigned threads;
	bool verbose;
	struct row *row;
	size_t count, hidden;  /* rows; rows that are not among them any more */
	unsigned *held_at;     /* of each trace->held: the number of the row that made it so;
	                          0: it was so at the start */
};

/* False: there is not enough memory. With @verbose each operation is a row. */
bool rows_init(struct rows *rows, const struct explore_trace *trace, const char *const *thread,
	       unsigned threads, bool verbose);
void rows_fini(struct rows *rows);

/* The event that has changed it: the operation before held->event; -1: it was so before. */
long rows_operation(const struct explore_trace *trace, const struct explore_held *held);

/* Leave out what matters least, until about 60 rows are left. */
void rows_fold(struct rows *rows);

/* The number of the row that shows what was found: the last one of a thread that the finding is
 * about, or the last one; none that gives a lock back. 0: there are none. */
unsigned rows_culprit(const struct rows *rows, const struct explore_finding *finding);

/* Has the row, or one that it hides, made the trace's held[h] what it is? So has the one
 * before that is not shown. */
bool rows_made(const struct rows *rows, size_t row, size_t h);

/* The row's line: "COW_step3: clear pte of a", indented by spaces. */
void rows_line(const struct row *row, char line[ROWS_LINE_MAX]);
/* How many columns of @text go on a line of @width columns. */
size_t rows_break(const char *text, size_t width);

/* Where it stands: "ptep_get_and_clear src/vm/pt/pgtable.c:267"; "" if that is not known. */
void rows_where(const struct row *row, char *text, size_t size);
/* Is it the code of mmun itself, not of a check? */
bool rows_is_own(const struct row *row);

/*
 * Columns of characters: those of threads where texts may reach into the columns to
 * their right, which are empty in the same row.
 */
struct columns {
	unsigned at[EXPLORE_THREADS_MAX];
	unsigned width;
};

/* Columns from @left on, in @width_max if it can be had. */
void rows_columns(const struct rows *rows, unsigned left, unsigned width_max,
		  struct columns *ret);

/* --- held.c: what is watched ---------------------------------------------- */

/* What @item was when the row with this number was done; 0: at the start. NULL: nobody
 * had said. */
const struct explore_held *held_after(const struct rows *rows, unsigned item, unsigned number);

bool held_is_something(const struct explore_held *held); /* NULL is nothing */

bool held_changes(const struct rows *rows, unsigned item);
/* Is it worth showing? It changes; or it is something, and a row is about its addresses or it
 * has none. */
bool held_matters(const struct rows *rows, unsigned item);

#endif
