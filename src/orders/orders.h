/* SPDX-License-Identifier: MIT */
/*
 * orders.h - in which order mmun tells of an operation, in the words that
 * recordings of Linux are written in, and how the two compare.
 *
 * An order is a list of events, each a line of text; docs/trace.md has the
 * notation. record.c runs an operation of ops.c and listens; recording.c reads
 * recordings; compare.c holds one against the other, and differences.c says
 * which differences there are, and why. Nothing here prints.
 *
 * The core that is listened to is the checked one: its probes and its memory can
 * be seen from outside, and what ships has no hook for this. One recording is
 * made at a time in a process.
 */
#ifndef MMUN_ORDERS_H
#define MMUN_ORDERS_H

#include "base/base.h"
#include "mmun/mmun.h"

enum {
	TRACE_EVENTS_MAX = 48,   /* of one order */
	TRACE_TEXT_MAX = 64,
	TRACE_NAME_MAX = 32,
	TRACE_PLACES_MAX = 2 * TRACE_EVENTS_MAX,
};

struct trace_event { char text[TRACE_TEXT_MAX]; };

struct trace_order {
	struct trace_event event[TRACE_EVENTS_MAX];
	size_t count;
};

/* --- ops.c: the operations ----------------------------------------------- */

struct trace_world;

/* Small pages: the window is one leaf table. Huge: two huge pages. One: a single page, p0. */
enum trace_window { TRACE_SMALL, TRACE_HUGE, TRACE_ONE };

struct trace_op {
	const char *name;      /* NULL ends the table */
	const char *what;      /* how mmun does it; or, without act, why it cannot */
	enum trace_window window;
	int (*prepare)(struct trace_world *w); /* after the window is mapped and filled */
	int (*act)(struct trace_world *w);
};

extern const struct trace_op trace_ops[];
const struct trace_op *trace_op_find(const char *name);

/* --- record.c ------------------------------------------------------------ */

struct trace_how {
	enum mmun_semantics semantics;
	unsigned moved;        /* for tests: enum mm_op + 1 whose place to notify is ... */
	unsigned where;        /* ... this, enum notify_at; see mm_set_where() */
};

/*
 * Runs op, which has an act, and writes down its order. 0, or a negative errno with
 * what went wrong in *ret_why: -ENOMEM; -EINVAL the operation failed; -EPROTO an
 * oracle of the explorer found something; -E2BIG more events than fit.
 */
int trace_record(const struct trace_op *op, const struct trace_how *how,
		 struct trace_order *ret_order, char ret_why[192]);

/* --- order.c: recordings ------------------------------------------------- */

struct trace_recorded {
	char name[TRACE_NAME_MAX];
	struct trace_order order;
};

struct trace_file {
	char name[TRACE_NAME_MAX];
	enum mmun_semantics semantics;
	struct trace_recorded *op;
	size_t count;
};

/* 0; -ENOMEM; -EINVAL with the number of the line that is wrong and what is wrong. */
int trace_file_parse(const char *text, size_t size, struct trace_file *ret_file,
		     unsigned *ret_line, const char **ret_why);
void trace_file_fini(struct trace_file *file);
const struct trace_recorded *trace_file_find(const struct trace_file *file, const char *name);

/*
 * The range of "SECTLB(W+0x1000..W+0x2000)@ptl", in the kernel's bytes from W; INT64_MIN
 * and INT64_MAX where it is 0 or ~0. Returns what follows; NULL: there is none.
 */
const char *trace_range_parse(const char *text, int64_t *ret_start, int64_t *ret_end);

/* --- compare.c, differences.c -------------------------------------------- */

/*
 * A difference that is as it should be: what stands in the recording where own
 * stands in mmun's order, events separated by " ; ". own "*" is whatever there is.
 */
struct trace_difference {
	const char *op;        /* NULL ends the table */
	const char *in;        /* the recordings whose name begins so */
	const char *kernel, *own, *why;
};

extern const struct trace_difference trace_differences[];

/* What is left out of every recording; why is a sentence. */
struct trace_omission { const char *text, *why; };
extern const struct trace_omission trace_omissions[];

/* One place where the two are the same, or not; NULL: nothing stands there. */
struct trace_place {
	const char *kernel, *own;
	bool same;
};

struct trace_comparison {
	struct trace_order kernel, own; /* as they are compared */
	struct trace_place place[TRACE_PLACES_MAX];
	size_t places;
	const struct trace_difference *expected[TRACE_PLACES_MAX]; /* that were found, in order */
	size_t count;
	char wrong[512];       /* the first thing that is not as it should be; "": all is */
};

void trace_compare(const struct trace_file *file, const char *op, const struct trace_order *kernel,
		   const struct trace_order *own, struct trace_comparison *ret);

#endif
