/* SPDX-License-Identifier: MIT */
/*
 * when.h - the question, asked of every kind of update: at which points may the secondary TLBs
 * be flushed? A row is a kind of update, with scenes, which are small litmus tests without a
 * flush point. A cell is a row with a flush point and a semantics. Its answer is that of
 * exhaustive searches of the row's scenes: safe, or broken, with the scene that shows it.
 *
 * It is legal to flush late under the conditions D1 to D4. Each condition is taken away from
 * the updates that rest on it: that makes a pair of rows which differ in the condition alone.
 *
 *   when_rows.c   the rows, the scenes and the columns
 *   when.c        computes one cell
 *   cli/when*.c   computes the table in processes of its own, and prints it
 */
#ifndef MMUN_WHEN_H
#define MMUN_WHEN_H

#include "litmus/run/check.h"

enum { WHEN_SCENES_MAX = 6, WHEN_TEXT_MAX = 4096 };

/*
 * What the update was for, where no statement of the language asks for it: when D0 has
 * seen that the call was over (r0 = 1) and its store succeeded (r1 = 0), then at the end
 */
enum when_consumer {
	WHEN_NOTHING,
	WHEN_SOFT_DIRTY,     /* a is soft-dirty */
	WHEN_UFFD_WP,        /* a is no longer protected: the store was noticed */
	WHEN_WRITEBACK,      /* a's object is dirty */
	WHEN_HINT,           /* a's entry allows access again: the store was a hint */
	WHEN_YOUNG,          /* a's entry is young: the store has made a fault or a walk, as who
	                        is protected, or a hint, may be so again by another call */
};

struct when_scene {
	const char *init;    /* statements of the initial state, without braces */
	const char *threads;
	enum when_consumer consumer;
	bool tlb_only;       /* too much to explore if D0 has a page table of its own, as several
	                        threads then meet at the notifiers' locks */
};

struct when_row {
	const char *name;    /* as a user types it */
	const char *update;  /* what happens to the entry */
	char kind;           /* of when_kinds */
	const char *notify;  /* the operation whose place is moved, as in "notify OP = ..." */
	const char *condition; /* of a pair: "D1" to "D4"; NULL: a row of the table itself */
	bool caches_permissions; /* the device keeps rights, if its column says nothing of it */
	const char *forgets; /* statements that take the condition away; NULL: it is kept */
	const char *note;    /* NULL: the cells say all there is to say */
	struct when_scene scene[WHEN_SCENES_MAX]; /* ends with one without threads, or full */
};

extern const struct when_row when_rows[]; /* pairs last; ends with one without a name */

/* The same scenes with a condition and without it, or rows that differ in it. */
struct when_pair { const char *condition, *with, *without; };
extern const struct when_pair when_pairs[]; /* by condition; ends with one without */

/* what: if it holds one may be late; taken: how it is taken away, and from whom it cannot be. */
struct when_condition { const char *name, *what, *taken; };
extern const struct when_condition when_conditions[]; /* ends with one without a name */

const struct when_row *when_row_find(const char *name); /* NULL: none */

struct when_kind { char letter; const char *meaning; };
extern const struct when_kind when_kinds[]; /* ends with one without a letter */

/* The columns: the places in the order of time, those that are none, and then other
 * devices than one with a TLB, whom no flush of secondary TLBs reaches. */
struct when_place {
	const char *name, *meaning;
	bool none;
	const char *device;  /* what D0 is, as a statement; NULL: a device with a TLB */
	bool tlb;            /* of device: it has one all the same */
	bool processor;      /* P7 is in its place */
};
extern const struct when_place when_places[]; /* ends with one without a name */

enum when_answer {
	WHEN_SAFE,
	WHEN_BROKEN,
	WHEN_UNFINISHED,
	WHEN_NOT_PASSED,     /* the operation does not come by this place: as never */
	WHEN_NOT_ASKED,      /* no scene of the row is for this device */
};

struct when_cell {
	enum when_answer answer;
	bool used;                  /* the semantics notify here, and elsewhere perhaps */
	enum explore_oracle oracle; /* WHEN_BROKEN: what fired */
	unsigned scene;             /* WHEN_BROKEN: where, from 0 */
	uint64_t executions;        /* all scenes together */
};

/* The text of a scene as a litmus test. False: it does not fit, or there is no such scene. */
bool when_text(const struct when_row *row, unsigned scene, const char *place, bool classic,
	       char *text, size_t size);

/* "safe", "lifetime" and so on; "-" where nothing is passed, or asked. */
const char *when_answer_name(const struct when_cell *cell);

/* Runs one scene, with its consumer. ret as litmus_check(). 0; -ENOMEM; -EINVAL: it is no test,
 * ret_error says why. */
int when_run(const struct when_row *row, unsigned scene, const char *place, bool classic,
	     struct litmus **ret_test, struct litmus_report *ret, struct litmus_error *ret_error);

/* Runs the scenes until one is broken. 0; -ENOMEM; -EINVAL as when_run(). */
int when_check(const struct when_row *row, const char *place, bool classic,
	       struct when_cell *ret, struct litmus_error *ret_error);

#endif
