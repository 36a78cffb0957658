/* SPDX-License-Identifier: MIT */
/*
 * explore.h - runs a check along every schedule that is not equivalent to an earlier
 * one, and says what was found. docs/checks.md introduces checks.
 *
 * A check is set-up, threads, and what must hold at the end. Its threads communicate
 * only through mmun/kernel.h and the calls of mmun/mmun.h. It keeps its state in the
 * block that the explorer gives it, in memory of kmalloc() or malloc(), or in static variables. It
 * is deterministic. The threads are fibers of one thread of the process, and one
 * exploration runs at a time. The memory model is sequential consistency.
 *
 *	struct s { spinlock_t lock; int n; };
 *	static void count(void *state, unsigned thread, void *arg)
 *	{
 *		struct s *s = state;
 *
 *		WRITE_ONCE(s->n, READ_ONCE(s->n) + 1);
 *	}
 *	static void judge(void *state, void *arg) { EXPLORE_ASSERT(((struct s *)state)->n == 2); }
 *	EXPLORE_CHECK(counter, .threads = 2, .state_size = sizeof(struct s), .thread = count,
 *		      .finish = judge)
 *
 * "mmun check counter.c" compiles the file and explores it. So does the program that
 * "cc counter.c $(pkg-config --cflags --libs mmun-checked)" makes: its main() is the
 * library's.
 *
 * Conventions. A function that returns int returns 0 or a negative errno. Functions that
 * explore may be called by one thread of the process at a time, and not from a check.
 * Functions for the code of a check do not block, need no lock, and may be called from the
 * callbacks of notifiers. None of them has a counterpart in Linux.
 */
#ifndef MMUN_EXPLORE_H
#define MMUN_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EXPLORE_THREADS_MAX = 16 };

#define EXPLORE_PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The oracles: X(enumerator, name, what a finding of it means) */
#define EXPLORE_ORACLES(X)                                                              \
	X(ORACLE_FLAT,       "flat",         "a result that flat memory cannot have")   \
	X(ORACLE_LIFETIME,   "lifetime",     "memory was touched after it was freed")   \
	X(ORACLE_RETURN,     "after-return", "what a call took away was used after it returned") \
	X(ORACLE_LOST_WRITE, "lost-write",   "a store succeeded and is in no memory")   \
	X(ORACLE_DEADLOCK,   "deadlock",     "threads wait for each other forever")    \
	X(ORACLE_ASSERTION,  "assertion",    "an assertion failed")                     \
	X(ORACLE_LOCK_HELD,  "lock-held",                                               \
	  "a thread ended with a lock held or in a read section")                       \
	X(ORACLE_LOCK_ORDER, "lock-order",                                              \
	  "a lock was taken against its rank, taken twice, or dropped without being held") \
	X(ORACLE_ATOMIC,     "atomic-sleep",                                            \
	  "something that may sleep was called in atomic context")                      \
	X(ORACLE_LEAK,       "leak",         "memory was not freed by the end")         \
	X(ORACLE_STEPS,      "endless",      "an execution took more steps than allowed") \
	X(ORACLE_DETERMINISM,"determinism",  "two runs of one schedule differ")         \
	X(ORACLE_CRASH,      "crash",        "the check's code crashed")                 \
	X(ORACLE_RACE,       "race",         "two accesses meet, at least one of them plain") \
	X(ORACLE_PROTOCOL,   "protocol",     "a rule of the notifiers or page tables was broken") \
	X(ORACLE_LIVENESS,   "liveness",     "a thread tries again forever")            \
	X(ORACLE_CONDITION,  "condition",    "the check's own condition")               \
	X(ORACLE_OVERRUN,    "overrun",      "memory outside of every block was accessed") \
	X(ORACLE_UNWRITTEN,  "uninitialized", "memory was read that was never written")

enum explore_oracle {
#define X(e, ...) e,
	EXPLORE_ORACLES(X)
#undef X
	ORACLE_COUNT,
};

/* Return the name of an oracle, and what a finding of it means, as listed above. */
const char *explore_oracle_name(enum explore_oracle oracle);
const char *explore_oracle_meaning(enum explore_oracle oracle);

struct explore_check {
	const char *name;
	unsigned threads;                 /* 1 .. EXPLORE_THREADS_MAX */
	const char *const *thread_name;   /* NULL: T0, T1, ... */
	size_t state_size;                /* bytes, zeroed before setup */
	void (*setup)(void *state, void *arg);  /* runs once; its effect is then restored */
	void (*thread)(void *state, unsigned thread, void *arg);
	void (*finish)(void *state, void *arg); /* after each complete execution; may be NULL */
	void (*watch)(void *state, void *arg);  /* for pictures, after each operation: it
	                                           calls explore_watch(); may be NULL */
	void *arg;                        /* not part of the state; never restored */
	const char *expect;               /* the oracles that may find something, at least one of
	                                     which must: "race, lifetime"; NULL: none may */
	const char *repair;               /* the check of the same file that is this one repaired,
	                                     which is run when a finding is drawn; may be NULL */
	void *data;                       /* memory that is restored as the state is: the */
	size_t data_size;                 /* runner gives the check's static variables */
	bool judges_calls;                /* the runner sets it: calls of the library are held to
	                                     "after-return" */
};

/* --- checks of a file ----------------------------------------------------- */

struct explore_entry { const struct explore_check *check; struct explore_entry *next; };

/* Adds an entry, which lasts, to the list of checks. EXPLORE_CHECK() calls it. */
void explore_register(struct explore_entry *entry);
const struct explore_entry *explore_registered(void); /* in the order of registration */

/* Defines a check, at the top level of a file: EXPLORE_CHECK(name, .threads = 2, ...). The
 * arguments after the name initialize a struct explore_check. */
#define EXPLORE_CHECK(name_, ...) \
	static const struct explore_check explore_check_##name_ = { .name = #name_, __VA_ARGS__ }; \
	__attribute__((constructor)) static void explore_register_##name_(void) \
	{ \
		static struct explore_entry entry = { &explore_check_##name_, NULL }; \
		explore_register(&entry); \
	}

/* If expr is false, that is a finding of the oracle "assertion", and the execution ends. */
#define EXPLORE_ASSERT(expr) \
	((expr) ? (void)0 : explore_assert_failed(#expr, __FILE__, __LINE__))
__attribute__((noreturn)) void explore_assert_failed(const char *expr, const char *file,
						     int line);

/* --- exploring ------------------------------------------------------------ */

enum explore_algorithm {
	EXPLORE_OPTIMAL,     /* one execution per inequivalent schedule */
	EXPLORE_ALL,         /* every interleaving: for checking the other */
};

/* How far a search has come. done: the estimated part, 0 to 1. */
struct explore_progress { uint64_t executions, findings; double seconds, done; };

struct explore_options {
	enum explore_algorithm algorithm;
	uint64_t executions_max; /* 0: no bound */
	double seconds_max;      /* 0: no bound */
	unsigned plans_max;      /* steps planned ahead at a time, 16 bytes each; 0: 1 << 20 */
	unsigned steps_max;      /* per execution; 0: 8000, which is also the most */
	bool stop_at_first;      /* end the search at the first finding */
	bool (*enough)(void *arg); /* called after each execution that has a finding: true ends
	                            the search, because it has shown what it was to show */
	void *enough_arg;
	bool no_races;           /* plain accesses are not watched */
	unsigned leave_out;      /* the number of the optional step that is left out; 0: none */
	bool failing_allocations;/* each allocation in a thread may fail by choice */
	void (*progress)(void *arg, const struct explore_progress *p); /* a few times a second */
	void *progress_arg;
};

/*
 * Code that was compiled with -fsanitize=thread, and linked without the library of that
 * sanitizer, reports its plain accesses: see docs/checks.md. explore_places() sets the
 * function that is called to find the place of a code address (pc) in the source. It fills in
 * what it knows, and gets arg. NULL: there is no such function.
 */
struct explore_place { const char *function, *file; int line; };

void explore_places(void (*place)(void *arg, const void *pc, struct explore_place *ret), void *arg);

/*
 * Optional steps. A check can be run without one of them, to see whether it is needed. They
 * are the flushes and notifications of mmun/kernel_mm.h and of the library, and what stands
 * behind "if (explore_optional(what))" of mmun/kernel.h. The list has the steps that the
 * latest exploration of this process without leave_out has performed.
 */
struct explore_optional {
	const char *what;
	const char *operation;         /* the library's operation that it is a step of, or NULL */
	const char *file, *function;   /* the place, if it is the check's step; else NULL */
	int line;
};

enum { EXPLORE_OPTIONAL_MAX = 64 };

/* Returns how many there are; and the n-th of them, from 1. n is what leave_out takes. */
unsigned explore_optionals(void);
struct explore_optional explore_optional_at(unsigned n);

/* --- pictures ------------------------------------------------------------- */

/* What a word of an event is. Each is kept as a number; explore_word_text() writes it. */
enum explore_word {
	EXPLORE_ADDRESS,     /* of an address space */
	EXPLORE_END,         /* the first address after a range */
	EXPLORE_FRAME,       /* the number of a page frame */
	EXPLORE_SLOT,        /* the number of a swap slot */
	EXPLORE_RIGHTS,      /* "rw", "ro", "no access" */
	EXPLORE_ENTRY,       /* what an entry of a page table or TLB says: "frame 3, rw" */
	EXPLORE_NUMBER,
	EXPLORE_BYTES,       /* a size */
	EXPLORE_VALUE,       /* of a variable: a small number, or bits */
	EXPLORE_FLAG,        /* 0 or 1 */
	EXPLORE_NAME,        /* a pointer to a string that lasts */
	EXPLORE_TEXT,        /* it is the event's text */
	EXPLORE_OBJECT,      /* tells objects apart that have no name; written as nothing */
};

/* What a kind of event is to a picture. */
enum explore_role {
	EXPLORE_OPERATION,   /* an operation on a word or lock, which the explorer orders */
	EXPLORE_STEP,        /* what the code says that it has done; so are the next ones */
	EXPLORE_DETAIL,      /* how it was done: may be left out of a picture */
	EXPLORE_STATEMENT,   /* a statement; what its thread says next is part of it */
	EXPLORE_LOCK,        /* a lock was taken */
	EXPLORE_UNLOCK,      /* a lock was dropped */
	EXPLORE_UNSHOWN,     /* is in no trace */
};

enum { EXPLORE_WORDS_MAX = 4 };

struct explore_kind {
	const char *name;        /* "entry-set" */
	enum explore_role role;
	const char *sentence;    /* "{w}" stands for the word w, "{w:text}" for the text if
	                            the word is not 0 */
	unsigned words;
	struct { const char *name; enum explore_word is; } word[EXPLORE_WORDS_MAX];
};

/* A row of a picture. */
struct explore_event {
	unsigned step;           /* of the execution, from 0 */
	unsigned thread;
	const struct explore_kind *kind; /* lasts */
	uint64_t word[EXPLORE_WORDS_MAX]; /* as kind->word says */
	char text[96];           /* the word that is a text; otherwise empty */
	const void *object;      /* the object of an operation; otherwise NULL */
	const char *file, *function; /* the place in the source */
	int line;
	const char *operation;   /* the library's operation of which it is a step, "COW"; NULL:
	                            none */
	unsigned operation_step; /* the number of that step, from 0 */
};

/* The state of a watched thing from an event on; see explore_watch(). */
struct explore_held {
	size_t event;            /* an index: this is the state before that event. Before event
	                            E, the last one of an item with event <= E holds */
	unsigned item;
	bool nothing;            /* it is empty, or not there */
	char text[40];
};

/* A watched thing. */
struct explore_item {
	char name[32];
	uint64_t start, end;     /* the addresses that it is about, in bytes; 0 to 0: none */
};

enum { EXPLORE_ITEMS_MAX = 64, EXPLORE_NAME_BYTES = 48 };

/* A name for a range of addresses. The first range of a trace that contains an address counts. */
struct explore_name { uint64_t start, end; char name[64]; };

/* An execution that was recorded. */
struct explore_trace {
	struct explore_event *event;
	size_t count, capacity;
	struct explore_held *held; /* in order of events */
	size_t helds, held_capacity;
	struct explore_item item[EXPLORE_ITEMS_MAX]; /* what is watched */
	unsigned items;
	struct explore_name *name;
	size_t names;
	/* Threads that other threads have started, such as callbacks. Their numbers follow
	 * those of the check's threads. */
	unsigned started;
	char started_name[EXPLORE_THREADS_MAX][EXPLORE_NAME_BYTES]; /* "T0/free_page" */
};

/* Writes the sentence of an event, with the trace's names for addresses, to buf, which has size
 * bytes, cuts it off if need be, and ends it with a zero. Returns buf. */
char *explore_event_text(const struct explore_trace *trace, const struct explore_event *event,
			 char *buf, size_t size);
/* The same for one word of the event, from 0. */
char *explore_word_text(const struct explore_trace *trace, const struct explore_event *event,
			unsigned word, char *buf, size_t size);
/* Gives the addresses [start, end) this name in texts of the trace, unless they have one. Errors:
 * -ENOMEM. */
int explore_trace_name(struct explore_trace *trace, uint64_t start, uint64_t end,
		       const char *name);

/* --- what was found ------------------------------------------------------- */

enum { EXPLORE_PLACES_MAX = 16 };

struct explore_finding {
	enum explore_oracle oracle;
	char text[256];          /* one line */
	unsigned threads;        /* the threads whose steps it is about: bit n for thread n */
	/* The places of the accesses that it is about, as far as they are known: of a race, the
	 * two; of freed memory, each that was seen to touch what was freed at one place. The text
	 * is about the first one. */
	struct explore_place place[EXPLORE_PLACES_MAX];
	unsigned places;
	uint64_t cause;          /* findings of an oracle with the same cause are one; 0: with the
	                            same text */
	char *replay;            /* the string that explore_replay() takes */
	unsigned switches;       /* between threads, in the shortest schedule that shows it */
	unsigned steps;          /* of that schedule */
	uint64_t times;          /* number of executions that showed it */
	struct explore_trace trace;
};

enum { EXPLORE_FINDINGS_MAX = 32, EXPLORE_UNWATCHED_MAX = 16, EXPLORE_UNWATCHED_BYTES = 192 };

struct explore_result {
	uint64_t executions;     /* complete ones, deadlocked ones included */
	uint64_t abandoned;      /* begun, and given up as redundant */
	uint64_t steps;          /* operations that were run, in all executions together */
	uint64_t classes;        /* EXPLORE_ALL: number of inequivalent executions among them */
	bool exhaustive;         /* every inequivalent schedule was run to its end */
	const char *stopped_by;  /* the reason if it is not exhaustive; otherwise NULL */
	double seconds;          /* of processor time */
	size_t memory;           /* bytes that the search itself needed at most */
	unsigned findings;       /* findings that are kept; others are only counted */
	uint64_t findings_dropped;
	struct explore_finding finding[EXPLORE_FINDINGS_MAX];
	/* What could have gone wrong in the executions without being seen: "inline assembly in
	 * f, file.c:12". A check is verified but for that. */
	bool stacks_shared;      /* a thread accessed what lies on another one's stack */
	unsigned unwatched_count;
	char unwatched[EXPLORE_UNWATCHED_MAX][EXPLORE_UNWATCHED_BYTES];
};

/* Adds a line to result->unwatched, unless it is there. The last place says that there is more. */
void explore_add_unwatched(struct explore_result *result, const char *fmt, ...)
	EXPLORE_PRINTF_LIKE(2, 3);

/*
 * Explores a check, and fills *ret, also if something was found. Options that
 * are all zero are the defaults. explore_result_fini() frees what *ret holds.
 *
 * Errors: -EINVAL the check cannot be explored; -ENOMEM
 */
int explore(const struct explore_check *check, const struct explore_options *options,
	    struct explore_result *ret);
void explore_result_fini(struct explore_result *result);

/*
 * Runs one schedule again, from the string in explore_finding.replay, and records its trace.
 * ret->finding has what this one execution shows. explore_trace_fini() frees the trace.
 *
 * Errors: -EINVAL the string is malformed, or does not belong to this check; -ENOMEM
 */
int explore_replay(const struct explore_check *check, const char *schedule,
		   struct explore_trace *ret_trace, struct explore_result *ret);
void explore_trace_fini(struct explore_trace *trace);

/* --- for the code of a check, and for oracles above the explorer ----------- */

/* Reports a finding of the current execution, which goes on. fmt is that of printf(3). */
void explore_fail(enum explore_oracle oracle, const char *fmt, ...)
	EXPLORE_PRINTF_LIKE(2, 3);

/*
 * The same for a finding that shows only if step "then" comes after step "first". Both have
 * run, and nothing has ordered them so far.
 */
void explore_fail_if_reordered(enum explore_oracle oracle, unsigned first, unsigned then,
			       const char *fmt, ...) EXPLORE_PRINTF_LIKE(4, 5);

/* Says that the finding that was reported last is about steps of this thread too. Pictures mark
 * the last step of the threads that a finding is about. */
void explore_fail_is_about(unsigned thread);

/*
 * For the watch function of a check: give the present state of something, in a few words, for
 * the picture. The first call with a name adds a row; there are at most EXPLORE_ITEMS_MAX. A
 * name has at most 31 characters, and a text 39. explore_watch_nothing() says that the thing is
 * empty, or not there, in a word such as "none". A watch function only looks: it changes
 * nothing and takes no lock.
 */
void explore_watch(const char *name, const char *fmt, ...) EXPLORE_PRINTF_LIKE(2, 3);
void explore_watch_nothing(const char *name, const char *text);

/* From now on the calling thread may wait without end, as a worker does: an execution in which only
 * such threads are left is complete, and no deadlock. */
void explore_may_wait_forever(void);

/* Returns the number of the calling thread's latest operation in the current execution. */
unsigned explore_step(void);
/* Returns whether step a comes before step b in every execution equivalent to this one. */
bool explore_ordered(unsigned a, unsigned b);
/* Returns the number of operations that the calling thread has done. */
unsigned explore_done(void);
/* Returns whether the n-th operation of a thread, from 1, which need not have run, comes before
 * step b, or is that step. */
bool explore_follows(unsigned b, unsigned thread, unsigned n);

/*
 * From now on, in this process, what the code of a check does wrong as a program is a finding
 * with a schedule, instead of the end of the process: a fault, abort(), and too deep a
 * recursion. So is running for three seconds without an operation that the explorer sees; that
 * also ends the search. Takes the signals SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP and
 * SIGALRM. Returns 0 or a negative errno.
 */
int explore_catch_crashes(void);

#ifdef __cplusplus
}
#endif

#endif
