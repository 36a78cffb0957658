/* SPDX-License-Identifier: MIT */
/*
 * orders.h - in which order mmun tells of an operation, in the notation that recordings of
 * Linux are written in, and how the two compare.
 *
 * An order is a list of events, of which docs/trace.md has the notation. event.c reads and
 * writes it; all others look at the parts of an event. record.c runs an operation of ops.c and
 * listens; recording.c reads recordings; compare.c holds one against the other, and
 * differences.c says which differences there are, and why. Nothing here prints.
 *
 * The core that is listened to is the checked one: its events can be heard and its memory
 * be seen from outside, and what ships has nothing for this. One recording is made at a
 * time in a process.
 */
#ifndef MMUN_ORDERS_H
#define MMUN_ORDERS_H

#include "base/base.h"
#include "mmun/mmun.h"

enum {
	ORDER_EVENTS_MAX = 96,   /* of one order */
	ORDER_TEXT_MAX = 64,     /* of an event */
	ORDER_NAME_MAX = 32,
	ORDER_PLACES_MAX = 2 * ORDER_EVENTS_MAX,
};

/* --- event.c: events, and how they are written ---------------------------- */

/* What a kind of event has besides its name. */
enum order_part {
	ORDER_HAS_RANGE = 1,     /* "(W+0x1000..W+0x2000)" */
	ORDER_HAS_TYPE = 2,      /* a type of notification, in the parentheses */
	ORDER_HAS_LOCK = 4,      /* "@ptl", where one is held */
};

#define ORDER_NOTIFIED (ORDER_HAS_RANGE | ORDER_HAS_TYPE)
#define ORDER_FLUSHED (ORDER_HAS_RANGE | ORDER_HAS_LOCK)

/* X(enumerator, name, parts); entries and calls are written in their own ways. */
#define ORDER_KINDS(X)                                                      \
	X(ORDER_ENTRY,             "",                       0)              \
	X(ORDER_CALL,              "--",                     0)              \
	X(ORDER_START,             "START",                  ORDER_NOTIFIED) \
	X(ORDER_END,               "END",                    ORDER_NOTIFIED) \
	X(ORDER_START_UNHEARD,     "start-without-listener", ORDER_NOTIFIED) \
	X(ORDER_END_UNHEARD,       "end-without-listener",   ORDER_NOTIFIED) \
	X(ORDER_CPUTLB,            "CPUTLB",                 ORDER_FLUSHED)  \
	X(ORDER_CPUTLB_BATCH,      "CPUTLB-BATCH",           0)              \
	X(ORDER_SECTLB,            "SECTLB",                 ORDER_FLUSHED)  \
	X(ORDER_CLEAR_FLUSH_YOUNG, "CLEAR_FLUSH_YOUNG",      ORDER_FLUSHED)  \
	X(ORDER_CLEAR_YOUNG,       "CLEAR_YOUNG",            ORDER_FLUSHED)  \
	X(ORDER_TEST_YOUNG,        "TEST_YOUNG",             ORDER_FLUSHED)  \
	X(ORDER_CHANGE_PTE,        "CHANGE_PTE",             ORDER_HAS_LOCK) \
	X(ORDER_RELEASE,           "RELEASE",                0)              \
	X(ORDER_FREE_PGTABLES,     "free_pgtables",          0)              \
	X(ORDER_KVM_FLUSH,         "kvm-flush",              0)

enum order_kind {
#define X(e, ...) e,
	ORDER_KINDS(X)
#undef X
	ORDER_KINDS_COUNT,
};

/* Of the watched pages' tables, which is held. */
enum order_lock { ORDER_UNLOCKED, ORDER_PTL, ORDER_PMDL };

/* What the page tables say of a watched page. */
struct order_entry {
	enum order_entry_state {
		ORDER_NO_PMD,      /* there is no table in which its huge entry would be */
		ORDER_NONE,        /* an empty entry; huge: there is no leaf table */
		ORDER_MIGRATION, ORDER_SWAP, ORDER_PROTNONE,
		ORDER_NOT_PRESENT, /* for a moment, as x86 marks a huge entry */
		ORDER_PRESENT,
	} is;
	bool huge;                 /* it is the entry of a huge page */
	bool write, young, dirty;  /* of the last two states, as all below */
	char frame;                /* its letter; 0: it is not told */
};

struct order_event {
	enum order_kind kind;
	/* Of an entry: */
	int page;                  /* 0 or 1, of the watched ones */
	bool before;               /* it is so before the operation; else it has become so */
	struct order_entry entry;
	/* By the kind's parts: */
	int64_t start, end;        /* in the kernel's bytes from W; INT64_MIN is 0, INT64_MAX ~0 */
	enum mmu_notifier_event type;
	enum order_lock lock;
	char call[24];             /* of a call: what it is */
	char by[16];               /* the kernel's thread that does it; "": the program */
};

struct order {
	struct order_event event[ORDER_EVENTS_MAX];
	size_t count;
};

const char *order_kind_name(enum order_kind kind);
/* False: no event is written like these @size bytes. */
bool order_event_parse(const char *text, size_t size, struct order_event *ret);
char *order_event_text(const struct order_event *event, char buf[ORDER_TEXT_MAX]); /* buf */
bool order_entry_same(const struct order_entry *a, const struct order_entry *b);
bool order_event_same(const struct order_event *a, const struct order_event *b);

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

/* --- recording.c: recordings of Linux ------------------------------------------------- */

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

/* What is left out of every recording; why is a sentence, NULL after the last one. */
struct order_omission { enum order_kind kind; const char *why; };
extern const struct order_omission order_omissions[];

/* One place where the two are the same, or not; NULL: nothing stands there. */
struct order_place {
	const struct order_event *kernel, *own;
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
