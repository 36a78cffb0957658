/* SPDX-License-Identifier: MIT */
/*
 * explore.h - run a check along every schedule that is not equivalent to one
 * already run, and say what was found.
 *
 * A check is set-up, threads, and what must hold at the end. Its threads meet each
 * other through mmun/kernel.h or the calls of mmun/mmun.h only, it keeps its state
 * in the block that the explorer gives it, in memory of kmalloc(), or in static
 * variables, and it is deterministic. Threads are fibers of one thread of the process;
 * one exploration runs at a time. The memory model is sequential consistency.
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
 * "mmun check counter.c" compiles and explores it, and so does the program that
 * "cc counter.c $(pkg-config --cflags --libs mmun-checked)" makes, whose main() is the
 * library's.
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

/* X(enumerator, name, what it means) */
#define EXPLORE_ORACLES(X)                                                              \
	X(ORACLE_FLAT,       "flat",         "a result that flat memory cannot have")   \
	X(ORACLE_LIFETIME,   "lifetime",     "memory was touched after it was freed")   \
	X(ORACLE_RETURN,     "after-return", "what a call took away was used after it returned") \
	X(ORACLE_LOST_WRITE, "lost-write",   "a store succeeded and is in no memory")   \
	X(ORACLE_DEADLOCK,   "deadlock",     "threads wait for each other for ever")    \
	X(ORACLE_ASSERTION,  "assertion",    "an assertion failed")                     \
	X(ORACLE_LOCK_HELD,  "lock-held",    "a thread ended with a lock held or in a section") \
	X(ORACLE_LOCK_ORDER, "lock-order",                                              \
	  "a lock was taken against its rank, twice, or dropped unheld")                \
	X(ORACLE_ATOMIC,     "atomic-sleep",                                            \
	  "something that may sleep was called in atomic context")                      \
	X(ORACLE_LEAK,       "leak",         "memory was not freed by the end")         \
	X(ORACLE_STEPS,      "endless",      "an execution took more steps than allowed") \
	X(ORACLE_DETERMINISM,"determinism",  "two runs of one schedule parted")         \
	X(ORACLE_CRASH,      "crash",        "the check's code crashed")                 \
	X(ORACLE_RACE,       "race",         "two accesses meet, at least one of them plain") \
	X(ORACLE_PROTOCOL,   "protocol",     "a rule of the notifiers or page tables was broken") \
	X(ORACLE_LIVENESS,   "liveness",     "a thread tries again for ever")            \
	X(ORACLE_CONDITION,  "condition",    "the check's own condition")

enum explore_oracle {
#define X(e, ...) e,
	EXPLORE_ORACLES(X)
#undef X
	ORACLE_COUNT,
};

const char *explore_oracle_name(enum explore_oracle oracle);
const char *explore_oracle_meaning(enum explore_oracle oracle);

struct explore_check {
	const char *name;
	unsigned threads;                 /* 1 .. EXPLORE_THREADS_MAX */
	const char *const *thread_name;   /* NULL: T0, T1, ... */
	size_t state_size;                /* bytes, zeroed before setup */
	void (*setup)(void *state, void *arg);  /* once; its effect is then restored */
	void (*thread)(void *state, unsigned thread, void *arg);
	void (*finish)(void *state, void *arg); /* after each complete execution; may be NULL */
	void (*watch)(void *state, void *arg);  /* for pictures, after each operation: calls
	                                           explore_watch(); may be NULL */
	void *arg;                        /* not part of the state; never restored */
	const char *expect;               /* the oracle that must find something, and no other;
	                                     NULL: none may */
	const char *repair;               /* the check of the same file that is this one repaired;
	                                     NULL: none. Run when a finding is drawn */
	void *data;                       /* memory to be restored as the state is: the */
	size_t data_size;                 /* runner puts in the check's static variables */
};

/* --- checks of a file ----------------------------------------------------- */

struct explore_entry { const struct explore_check *check; struct explore_entry *next; };

void explore_register(struct explore_entry *entry);
const struct explore_entry *explore_registered(void); /* in the order of registration */

/* At the top level of a file: EXPLORE_CHECK(name, .threads = 2, ...), a check. */
#define EXPLORE_CHECK(name_, ...) \
	static const struct explore_check explore_check_##name_ = { .name = #name_, __VA_ARGS__ }; \
	__attribute__((constructor)) static void explore_register_##name_(void) \
	{ \
		static struct explore_entry entry = { &explore_check_##name_, NULL }; \
		explore_register(&entry); \
	}

/* What is false is a finding and ends the execution. */
#define EXPLORE_ASSERT(expr) \
	((expr) ? (void)0 : explore_assert_failed(#expr, __FILE__, __LINE__))
__attribute__((noreturn)) void explore_assert_failed(const char *expr, const char *file,
						     int line);

/* --- exploring ------------------------------------------------------------ */

enum explore_algorithm {
	EXPLORE_OPTIMAL,     /* one execution per inequivalent schedule */
	EXPLORE_ALL,         /* every interleaving: for checking the other */
};

struct explore_progress { uint64_t executions, findings; double seconds, done; };

struct explore_options {
	enum explore_algorithm algorithm;
	uint64_t executions_max; /* 0: no bound */
	double seconds_max;      /* 0: no bound */
	unsigned plans_max;      /* steps planned ahead at a time, 16 bytes each; 0: 1 << 20 */
	unsigned steps_max;      /* per execution; 0: 8000, which is also the most */
	bool stop_at_first;      /* end the search at the first finding */
	bool (*enough)(void *arg); /* asked after each execution that has a finding: has the
	                            search shown what it was to show? */
	void *enough_arg;
	bool no_races;           /* plain accesses are told of and not looked at */
	unsigned leave_out;      /* which optional step does not happen; 0: all do */
	bool failing_allocations;/* each sync_alloc() in a thread may fail by choice */
	void (*progress)(void *arg, const struct explore_progress *p); /* a few times a second */
	void *progress_arg;
};

/*
 * Code that was compiled with -fsanitize=thread, and linked without its library, tells of
 * its plain accesses: see docs/checks.md. place() is asked where a code address is, and
 * fills in what it knows; arg is its own. NULL: nobody knows.
 */
struct explore_place { const char *function, *file; int line; };

void explore_places(void (*place)(void *arg, const void *pc, struct explore_place *ret), void *arg);

/*
 * Steps that a check can be run without, to see whether they are needed: flushes and
 * notifications of mmun/kernel_mm.h, and what stands behind "if (explore_optional(what))"
 * of mmun/kernel.h; and the library's own. Known once an exploration without leave_out,
 * the latest one in this process, has come by; leave_out is the number of one, from 1.
 */
struct explore_optional {
	const char *what;
	const char *operation;         /* that it is a step of, if the library's; may be NULL */
	const char *file, *function;   /* where, if the check's; else NULL */
	int line;
};

enum { EXPLORE_OPTIONAL_MAX = 64 };

unsigned explore_optionals(void);
struct explore_optional explore_optional_at(unsigned n); /* from 1 to explore_optionals() */

/* --- pictures ------------------------------------------------------------- */

/* What a word of an event is. Each is kept as a number; explore_word_text() has it in words. */
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
	EXPLORE_OBJECT,      /* tells apart what has no name; in words it is nothing */
};

/* What a kind of event is to a picture. */
enum explore_role {
	EXPLORE_OPERATION,   /* an operation on a word or lock, which the explorer orders */
	EXPLORE_STEP,        /* what has been done; all further ones are said by the code */
	EXPLORE_DETAIL,      /* how it was done: may be left out */
	EXPLORE_STATEMENT,   /* what its thread says next is part of it */
	EXPLORE_LOCK,
	EXPLORE_UNLOCK,
	EXPLORE_UNSHOWN,     /* is in no trace */
};

enum { EXPLORE_WORDS_MAX = 4 };

struct explore_kind {
	const char *name;        /* "entry-set" */
	enum explore_role role;
	const char *sentence;    /* "{w}" stands for the word w, "{w:text}" for the text if it
	                            is not 0 */
	unsigned words;
	struct { const char *name; enum explore_word is; } word[EXPLORE_WORDS_MAX];
};

struct explore_event {
	unsigned step;           /* of the execution, from 0 */
	unsigned thread;
	const struct explore_kind *kind; /* lasts */
	uint64_t word[EXPLORE_WORDS_MAX]; /* as kind->word says */
	char text[96];           /* the word that is a text; else empty */
	const void *object;      /* an operation's, else NULL */
	const char *file, *function; /* where */
	int line;
	const char *operation;   /* of which operation of the library it is a step, "COW";
	                            NULL: of none */
	unsigned operation_step; /* which, from 0 */
};

/* What a watched thing is from an event on; see explore_watch(). */
struct explore_held {
	size_t event;            /* index: it is so before this event; the last one of an
	                            item with event <= E says how it is before event E */
	unsigned item;
	bool nothing;            /* it is empty, or not there */
	char text[40];
};

/* A watched thing. */
struct explore_item {
	char name[32];
	uint64_t start, end;     /* the addresses that it is about; 0 to 0: none */
};

enum { EXPLORE_ITEMS_MAX = 64 };

/* Addresses that have a name; the first range of a trace that has an address names it. */
struct explore_name { uint64_t start, end; char name[64]; };

struct explore_trace {
	struct explore_event *event;
	size_t count, capacity;
	struct explore_held *held; /* in order of events */
	size_t helds, held_capacity;
	struct explore_item item[EXPLORE_ITEMS_MAX]; /* what is watched */
	unsigned items;
	struct explore_name *name;
	size_t names;
};

/* Writes the event's sentence, with the trace's names of addresses, to @buf of @size bytes, of
 * which the last one is 0; returns @buf. */
char *explore_event_text(const struct explore_trace *trace, const struct explore_event *event,
			 char *buf, size_t size);
/* The same with one word of it, from 0. */
char *explore_word_text(const struct explore_trace *trace, const struct explore_event *event,
			unsigned word, char *buf, size_t size);
/* From now on the addresses from @start up to @end are called @name in texts of the trace,
 * where they have no other name. -ENOMEM: they are not. */
int explore_trace_name(struct explore_trace *trace, uint64_t start, uint64_t end,
		       const char *name);

/* --- what was found ------------------------------------------------------- */

struct explore_finding {
	enum explore_oracle oracle;
	char text[256];          /* one line */
	unsigned threads;        /* whose steps it is about: a bit for each, from 1 */
	struct explore_place place[2]; /* where two accesses stand that it is about; function
	                            NULL: none */
	char *replay;            /* what explore_replay() takes */
	unsigned switches;       /* between threads, in the shortest schedule that shows it */
	unsigned steps;
	uint64_t times;          /* executions that showed it */
	struct explore_trace trace;
};

enum { EXPLORE_FINDINGS_MAX = 32 };

struct explore_result {
	uint64_t executions;     /* complete ones, deadlocked ones included */
	uint64_t abandoned;      /* begun and given up: redundant */
	uint64_t steps;          /* operations run, all executions together */
	uint64_t classes;        /* EXPLORE_ALL: inequivalent executions among them */
	bool exhaustive;         /* every inequivalent schedule was run to its end */
	const char *stopped_by;  /* why not, in words; NULL if exhaustive */
	double seconds;          /* processor time */
	size_t memory;           /* bytes that the search itself had at most */
	unsigned findings;       /* kept; further ones are only counted */
	uint64_t findings_dropped;
	struct explore_finding finding[EXPLORE_FINDINGS_MAX];
};

/*
 * Explore. Returns 0 with *ret filled (also when something was found),
 * -EINVAL for a check that cannot be, -ENOMEM. Give *ret to
 * explore_result_fini() afterwards.
 */
int explore(const struct explore_check *check, const struct explore_options *options,
	    struct explore_result *ret);
void explore_result_fini(struct explore_result *result);

/*
 * Run one schedule again, from the string in explore_finding.replay, and keep
 * its trace. Returns 0, -EINVAL if the string is malformed or not of this
 * check, -ENOMEM. ret->finding has what this one execution shows.
 */
int explore_replay(const struct explore_check *check, const char *schedule,
		   struct explore_trace *ret_trace, struct explore_result *ret);
void explore_trace_fini(struct explore_trace *trace);

/* --- for the code of a check, and for oracles that live above ------------- */

/* Report: the current execution shows what no execution may. It goes on. */
void explore_fail(enum explore_oracle oracle, const char *fmt, ...)
	EXPLORE_PRINTF_LIKE(2, 3);

/*
 * The same, where the wrong thing shows only if step @then, which has run, is
 * run after step @first, which has run, and nothing orders them so far.
 */
void explore_fail_if_reordered(enum explore_oracle oracle, unsigned first, unsigned then,
			       const char *fmt, ...) EXPLORE_PRINTF_LIKE(4, 5);

/* The finding that was reported last is about steps of @thread too: pictures point at the last
 * step of the threads that a finding is about. */
void explore_fail_is_about(unsigned thread);

/*
 * In a check's watch function: how something is now, in a few words, for the picture. The
 * first call with a name adds a row, up to EXPLORE_ITEMS_MAX; names have at most 31 characters
 * and texts 39. explore_watch_nothing() says in a word, "none" say, that it is empty or not
 * there. The function only looks: it changes nothing and takes no lock.
 */
void explore_watch(const char *name, const char *fmt, ...) EXPLORE_PRINTF_LIKE(2, 3);
void explore_watch_nothing(const char *name, const char *text);

/* The number of the calling thread's latest operation, of the current execution. */
unsigned explore_step(void);
/* Is step @a ordered before step @b in every execution equivalent to this one? */
bool explore_ordered(unsigned a, unsigned b);
/* How many operations has the calling thread done? Is @thread's @n-th, from 1, which
 * need not have run, ordered before step @b, or that step itself? */
unsigned explore_done(void);
bool explore_follows(unsigned b, unsigned thread, unsigned n);

/*
 * From now on, in this process: what a check's code does wrong is a finding with a
 * schedule, instead of the end of the process. A fault, abort(), too deep a recursion;
 * and running on for three seconds without an operation that the explorer sees, which
 * also ends the search. Takes SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP and
 * SIGALRM. Returns 0 or a negative errno.
 */
int explore_catch_crashes(void);

#ifdef __cplusplus
}
#endif

#endif
