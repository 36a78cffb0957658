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
	ORDER_EVENTS_MAX = 48,   /* of one order */
	ORDER_TEXT_MAX = 64,
	ORDER_NAME_MAX = 32,
	ORDER_PLACES_MAX = 2 * ORDER_EVENTS_MAX,
};

struct order_event { char text[ORDER_TEXT_MAX]; };

struct order {
	struct order_event event[ORDER_EVENTS_MAX];
	size_t count;
};

/* --- ops.c: the operations ----------------------------------------------- */

struct order_world;

/* Small pages: the window is one leaf table. Huge: two huge pages. One: a single page, p0. */
enum order_window { ORDER_SMALL, ORDER_HUGE, ORDER_ONE };

struct order_op {
	const char *name;      /* NULL ends the table */
	const char *what;      /* how mmun does it; or, without act, why it cannot */
	enum order_window window;
	int (*prepare)(struct order_world *w); /* after the window is mapped and filled */
	int (*act)(struct order_world *w);
};

extern const struct order_op order_ops[];
const struct order_op *order_op_find(const char *name);

/* --- record.c ------------------------------------------------------------ */

struct order_how {
	enum mmun_semantics semantics;
	unsigned moved;        /* for tests: enum mm_op + 1 whose flush points are ... */
	unsigned points;       /* ... these, enum flush_point bits */
};

/*
 * Runs op, which has an act, and writes down its order. 0, or a negative errno with
 * what went wrong in *ret_why: -ENOMEM; -EINVAL the operation failed; -EPROTO an
 * oracle of the explorer found something; -E2BIG more events than fit.
 */
int order_record(const struct order_op *op, const struct order_how *how,
		 struct order *ret_order, char ret_why[192]);

/* --- order.c: recordings ------------------------------------------------- */

struct order_recorded {
	char name[ORDER_NAME_MAX];
	struct order order;
};

struct order_file {
	char name[ORDER_NAME_MAX];
	enum mmun_semantics semantics;
	struct order_recorded *op;
	size_t count;
};

/* 0; -ENOMEM; -EINVAL with the number of the line that is wrong and what is wrong. */
int order_file_parse(const char *text, size_t size, struct order_file *ret_file,
		     unsigned *ret_line, const char **ret_why);
void order_file_fini(struct order_file *file);
const struct order_recorded *order_file_find(const struct order_file *file, const char *name);

/*
 * The range of "SECTLB(W+0x1000..W+0x2000)@ptl", in the kernel's bytes from W; INT64_MIN
 * and INT64_MAX where it is 0 or ~0. Returns what follows; NULL: there is none.
 */
const char *order_range_parse(const char *text, int64_t *ret_start, int64_t *ret_end);

/* --- compare.c, differences.c -------------------------------------------- */

/*
 * A difference that is as it should be: what stands in the recording where own
 * stands in mmun's order, events separated by " ; ". own "*" is whatever there is.
 */
struct order_difference {
	const char *op;        /* NULL ends the table */
	const char *in;        /* the recordings whose name begins so */
	const char *kernel, *own, *why;
};

extern const struct order_difference order_differences[];

/* What is left out of every recording; why is a sentence. */
struct order_omission { const char *text, *why; };
extern const struct order_omission order_omissions[];

/* One place where the two are the same, or not; NULL: nothing stands there. */
struct order_place {
	const char *kernel, *own;
	bool same;
};

struct order_comparison {
	struct order kernel, own; /* as they are compared */
	struct order_place place[ORDER_PLACES_MAX];
	size_t places;
	const struct order_difference *expected[ORDER_PLACES_MAX]; /* that were found, in order */
	size_t count;
	char wrong[512];       /* the first thing that is not as it should be; "": all is */
};

void order_compare(const struct order_file *file, const char *op, const struct order *kernel,
		   const struct order *own, struct order_comparison *ret);

#endif
