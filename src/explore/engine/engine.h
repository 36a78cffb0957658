/* SPDX-License-Identifier: MIT */
/*
 * engine.h - the state of the exploration that is under way: the threads, the steps of the
 * current execution, the operations that are announced, and what goes wrong. The rooms of the
 * explorer stand on it, each with a header of its own and each using only those before it:
 *
 *   engine/   this state, fibers, failing, the picture that is being recorded
 *   model/    the memory model: happens-before, races, plain accesses
 *   search/   which execution comes next: sleep sets, wakeup trees
 *   door/     the checked door: a step; whose turn it is; locks, sections, memory
 *   run/      one execution from set-up's state to its end
 *   find/     findings: shortest schedule, replay strings, pictures, signals
 *   front/    the loop and the public calls; what the rest of the tree sees
 *
 * Within a room files use each other in one direction too.
 *
 * The state is one global object. An exploration is one thread of the process, and signal
 * handlers and the code of a check find the state without being given it. To explore in parallel,
 * use processes: search/record.c makes the work that is left a record that can be handed over.
 *
 * An execution is a list of steps; each step is one visible operation of one
 * thread together with what the thread does up to its next one. Steps carry
 * vector clocks of the happens-before relation that dependence induces, so
 * clk[b][thread(a)] >= idx(a) says that a comes before b in every equivalent
 * execution.
 */
#ifndef MMUN_ENGINE_H
#define MMUN_ENGINE_H

#include <setjmp.h>
#include <string.h>

#include "mmun/explore.h"

#include "explore/engine/fiber.h"
#include "sync/sync.h"

enum {
	T_MAX = EXPLORE_THREADS_MAX,
	STEPS_DEFAULT = 8000,
	STEPS_LIMIT = 8000,        /* clocks and keys are 16 bits */
	OBJECTS_LIMIT = 8190,
	STACK_BYTES = 64 << 10,
	ARENA_SETUP = 16 << 20,    /* bytes for set-up's state and allocations */
	ARENA_THREAD = 4 << 20,    /* bytes for each thread's allocations */
	HELD_MAX = 48,             /* as lockdep's MAX_LOCK_DEPTH */
	GUARD_WORDS_MAX = 8,
	RANGES_MAX = 16,
	SECTIONS_MAX = 8,
	CALLS_MAX = 32,            /* of functions, of which it is known where they return to */
	FAILS_MAX = 32,
	SETUP = T_MAX,             /* the number under which set-up and end allocate */
	ENDING,                    /* the end, where it is told from set-up */
};

/* The latest step of each thread that comes before. */
struct clk { int16_t c[T_MAX]; };

struct step {
	struct clk clk;
	const void *addr;              /* object */
	const struct sync_site *site;
	int16_t idx;                   /* this is the idx-th step of its thread, from 1 */
	int16_t prev;                  /* that thread's step before, -1: none */
	int16_t prev_change;           /* the object's change (WRITE or ADD) before, -1 */
	int16_t release;               /* of a reader: step in which it let go, -1: not yet */
	uint8_t thread, kind, cls;
	uint8_t bytes;                 /* of memory that it needs: a word's, a lock's */
	uint8_t choice, choices;       /* which of how many; CHOOSE only, else 0 of 1 */
	uint8_t found;                 /* a lock that was tried, or asked about: enum found */
};
_Static_assert(sizeof(struct step) == 64, "one line of the cache");

enum found { FOUND_NO_WRITER = 1, FOUND_FREE = 2 };

struct pending {                       /* the operation a thread is about to do */
	void *addr;
	const struct sync_site *site;
	uint8_t kind, cls;
	uint8_t bytes;                 /* of memory that it needs: a word's, a lock's */
	uint8_t choices;
	uint8_t order, update;         /* enum sync_order; of an update: enum sync_update */
	uint64_t a, b;                 /* what is stored; of an update or a wait: arguments */
	bool (*pred)(uint64_t word, uint64_t a); /* of a wait: may it go on? */
};

enum wait_for { WAIT_GUARDS, WAIT_RCU, WAIT_ENDS, WAIT_COUNT };

struct wait_set {                      /* sections, or threads' ends, that a thread waits for */
	const void *domain;            /* of RCU's: which */
	uint16_t open;                 /* threads that have not left it, or not ended */
	struct clk ends;               /* join of the clocks at the ends */
};

struct held { const void *lock; const struct sync_site *site; uint32_t rank; bool spins, reads; };

struct section { const void *domain; unsigned nesting; };

struct range { const void *mm; uint64_t start, end; const struct sync_site *site; bool told; };

/* A public function that a check has called, and the address that it returns to. */
struct user_call { const char *name; const void *address; };

/* What a module has for a thread: variables that each has for itself; NULL: not asked for yet. */
struct local { char *variables; size_t size; };

struct thread {
	struct clk clk;
	struct wait_set wait[WAIT_COUNT];
	/* What an execution begins with as zeros: */
	unsigned held_count;
	unsigned spins;                /* spin locks among them */
	unsigned nonblock;             /* nesting of callbacks that must not block */
	unsigned rcu;                  /* nesting of RCU's own sections */
	unsigned section_count, range_count;
	unsigned lasting;              /* allocations and frees so far */
	unsigned calls;                /* functions that it is in, as far as they tell */
	unsigned starts;               /* threads that it has started itself */
	int16_t idx;                   /* steps so far */
	bool guard;                    /* in a guard section */
	bool forever;                  /* it may wait without end */
	bool timed;                    /* it is woken before its time-out */
	size_t arena_used;
	const void *returned;          /* the code of the latest function that has */
	void (*code)(void *arg);       /* of one that another thread has started; else NULL */
	const struct sync_site *noted_at; /* instead of an event's own; NULL: its own */
	struct sync_operation operation; /* that it carries out; name NULL: none */
	struct sync_callback callback; /* that it is in; name NULL: none */
	struct user_call call;         /* the latest; name NULL: none */
	struct local local;
	const rwsem_t *behind;         /* it waits for the writers that wait for this; else NULL */
	/* All else is set when it is counted, or begins: */
	int16_t last;                  /* index of its last step, -1 */
	unsigned guard_words;
	void *arg;                     /* of code, as the following */
	const void *domain;            /* it began after a grace period of it; NULL: of none */
	const struct sync_site *begins_at;
	struct held held[HELD_MAX];
	struct range range[RANGES_MAX];/* begun and not ended */
	struct section section[SECTIONS_MAX]; /* of RCU and SRCU, that it is in */
	const void *guard_word[GUARD_WORDS_MAX];
	const void *return_to[CALLS_MAX]; /* of the functions that it is in */
	const char *frame[CALLS_MAX];  /* where the variables of each of them begin */
} __attribute__((aligned(64)));

/* Where something was done: a place, or the library's operation that did it (NULL: none). */
struct whence { const struct sync_site *site; const char *operation; };

/* Memory that was freed; that is a frame, and is in use; that was used otherwise than by an
 * operation on a word in it. */
struct dead { const char *lo, *hi; int16_t step; uint8_t thread; struct whence whence; };
struct born { const void *lo; struct whence whence; uint8_t thread; };
/* An access of memory; step -1: before the thread's first one. */
struct touch { struct whence whence; int step; unsigned thread; bool frees; };
struct kept { const char *lo, *hi, *as; }; /* as NULL: no more. The latest of an address counts */
struct use { const char *lo, *hi; struct touch touch; int16_t epoch; };
/* Who starts the thread of a number behind those of the check, and as the how manieth that it
 * starts, from 1. It is the same in all executions of an exploration. */
struct origin { uint8_t parent, nth; };

/* A thread that is to begin. */
struct start { struct sync_start how; uint8_t thread; };

struct fail {                          /* of the current execution */
	enum explore_oracle oracle;
	int16_t first, then;           /* ordering wanted, -1: as it is */
	int16_t target;                /* the picture may end here, -1: whole execution */
	uint16_t threads;              /* whose steps it is about */
	const struct sync_site *site[EXPLORE_PLACES_MAX]; /* of the accesses that it is about */
	unsigned sites;
	uint64_t cause;                /* see struct explore_finding */
	char text[256];
};

/* Steps that are dictated; beyond them the execution goes its own way. */
struct schedule {
	char *thread;                  /* + 1, for each step; 0: any */
	uint8_t *choice;
	int count;
};

/*
 * What a search is lighter without, and does not assume until the check is seen to need it. Then
 * it is begun again.
 */
enum assumption {
	ADDS_ARE_ORDERED = 1,          /* SYNC_INC counts as SYNC_RMW: a thread waits for one */
	UNLOCKS_ARE_STEPS = 2,         /* of spin locks and rwsems, too: some thread tries one */
	LOOPS_ARE_WATCHED = 4,         /* some thread calls cpu_relax() */
	EVERY_LOOP_IS_WATCHED = 8,     /* some thread goes round without it */
	READERS_QUEUE = 16,            /* of rwsems, behind writers that wait: door/queue.c */
};

enum run_end { RUN_COMPLETE, RUN_DEADLOCK, RUN_ASLEEP, RUN_ABORTED };

struct engine {
	/* what each step looks at, together */
	int cur;                       /* running thread, -1: set-up, end or the explorer */
	uint16_t alive, blockable;     /* not ended; whose pending operation may block */
	int depth;                     /* steps run */
	int known;                     /* the first so many were run before, and keep clocks */
	struct step *step;             /* steps_max + 2 */
	uint64_t *step_old;            /* the word's value before it */
	const struct schedule *schedule; /* to be followed instead of the search; else NULL */
	uint64_t value;                /* that the thread of the step that begins is given */
	const struct memory_model *model;
	bool starting;                 /* threads run up to their first operations */
	bool aborted;                  /* the execution was given up */
	bool aside;                    /* threads give way to the explorer's own stack */
	bool watching;                 /* so, to have their loops watched */
	uint8_t assumes;               /* enum assumption: a bit for each */
	unsigned threads, steps_max;   /* the check's threads, and those that were ever started */
	struct object *object;         /* found by address */
	struct { uint32_t stamp, index; } *slot;
	uint32_t slots_mask, stamp;
	uint32_t objects, objects_capacity;
	struct plain *plain;           /* model/plain.c; NULL: nobody tells of plain accesses */
	struct shadow *shadow;         /* model/shadow.c; NULL: as above */
	struct epochs *epochs;         /* model/clock.c; NULL: as above */
	struct explore_trace *trace;   /* being recorded, else NULL */
	size_t dead_count;
	/* What the search scans most, step by step, apart from the rest: */
	uint8_t *step_thread;
	int16_t *step_key;             /* 4 * number of the object + class; 0: none */
	int16_t *step_clk[T_MAX];      /* clocks, thread by thread */
	struct race *race;             /* of the current execution, by step that they end in */
	uint32_t races, races_capacity;

	/* threads and their memory */
	struct pending pend[T_MAX];
	struct thread thread[T_MAX];
	struct fiber main, fiber[T_MAX];
	const char *stacks_low, *stacks_high; /* all of the threads' stacks lie between these */
	struct origin origin[T_MAX];
	struct start setup_start[T_MAX]; /* that set-up has started, for each execution */
	unsigned setup_starts;
	uint64_t scratch[SYNC_SCRATCH_BYTES / 8]; /* of the names of checks */
	bool scratch_is_clear;         /* in this execution it was asked for */
	atomic_u64 word_of[T_MAX];     /* of threads that were started: for who starts them */
	char *arena;                   /* set-up's part, then each thread's */
	size_t arena_size;
	char *snapshot;                /* of set-up's part */
	size_t arena_used, snapshot_used;
	uint64_t alloc_live, snapshot_live;
	struct dead *dead;
	struct born *born;
	struct use *use;
	struct kept *kept;
	size_t borns, uses, kepts;
	size_t dead_capacity, borns_capacity, uses_capacity, kepts_capacity;
	size_t snapshot_dead, snapshot_borns, snapshot_kepts;
	struct local local;            /* of set-up and the end */
	const struct sync_site *noted_outside; /* a thread's noted_at in set-up and at the end */
	char *data_before, *data_after; /* check->data before and after set-up */
	jmp_buf *bail;                 /* out of set-up and end */
	bool outside;                  /* set-up or end is running */
	bool on_main;                  /* the explorer's own stack, though cur may be a thread */
	char rcu;                      /* the domain of RCU's sections: its address */

	/* the check, and how the current execution goes */
	const struct explore_check *check;
	struct explore_options opt;
	struct explore_result *result;
	enum run_end end;              /* how the run has ended */
	size_t event;                  /* the running step's in the trace, SIZE_MAX: none */
	bool stuck;                    /* a thread ran on without end */
	bool cut_short;                /* some execution was */
	uint8_t needs;                 /* ... that the check turned out to need */
	uint16_t spinning;             /* threads that have called cpu_relax() */
	const struct sync_site *relaxes; /* the running thread has called cpu_relax(); NULL: no */
	bool out_of_memory;
	bool out_of_threads;           /* more than T_MAX would have been started */
	uint64_t executions_before;    /* in parts before this one */
	uint64_t steps_asked;          /* how many had run when the clock was asked last */
	struct fail fail[FAILS_MAX];
	unsigned fails;
	struct fail *failed;           /* the one that was noted last; NULL: it was dropped */
	uint64_t fails_dropped;
	const struct explore_finding *drawn; /* that is being recorded, else NULL */
};

extern struct engine x __attribute__((aligned(64)));

/* --- engine.c ------------------------------------------------------------ */
void engine_fail(enum explore_oracle oracle, int first, int then, int target,
		 const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The latest one is caused by what was done there (and there, in either order), wherever it shows;
 * it is then the first one of that cause. */
void engine_fail_is_of(struct whence whence, const struct whence *and);
/* The same of a cause that has no place. */
void engine_fail_is_because(const char *what);
/* It is about an access that stands at this place. */
void engine_fail_is_at(const struct sync_site *site);
_Noreturn void engine_give_up(void);   /* the execution cannot go on */
void schedule_free(struct schedule *schedule);
bool engine_is_of_library(const struct sync_site *site);
enum { PLACE_LENGTH = 96 };
/* "function:line" of a check; of the library its operation, or else its function. */
const char *engine_place(struct whence whence, char buf[PLACE_LENGTH]);

/* --- origin.c ------------------------------------------------------------ */
struct flat;
struct flat_reader;

/* Gives the thread its stack; -ENOMEM. */
int engine_stack(unsigned thread);
/* The thread that is the @nth one that @parent starts; -1: there is no room for it. */
int origin_thread(unsigned parent, unsigned nth);
const char *engine_thread_name(unsigned thread, char buf[8]);
enum { ORIGIN_LENGTH_MAX = T_MAX + 1 };
size_t origin_print(unsigned thread, char *buf); /* returns the length */
int origin_parse(const char **text);   /* behind it; -1: it names no thread */
void origin_save(struct flat *f);
bool origin_load(struct flat_reader *r); /* false: damaged */

/* --- events.c ------------------------------------------------------------ */
extern const struct explore_kind engine_events[];     /* by enum sync_event */
extern const struct explore_kind engine_operations[]; /* by enum sync_kind */

/* --- sentence.c ---------------------------------------------------------- */
void engine_entry_text(uint64_t entry, char *buf, size_t size);

/* --- trace.c ------------------------------------------------------------- */
size_t engine_record_step(unsigned thread); /* its index in the trace, SIZE_MAX: none */
/* Names the threads that were started, and numbers them without gaps; *threads are some. */
void engine_name_threads(unsigned *threads);
void engine_watch(void);               /* how what is watched is now, if it is recorded */

/* --- small helpers ------------------------------------------------------- */

/* Must the search be begun again? */
static inline bool engine_lacks(void) { return x.needs & (uint8_t)~x.assumes; }

/* Does the operation wait for its word? */
static inline bool kind_awaits(uint8_t kind)
{
	return kind == SYNC_AWAIT || kind == SYNC_RELAX;
}

/* Is it one of a lock? */
static inline bool kind_is_of_lock(uint8_t kind)
{
	return kind >= SYNC_LOCK && kind <= SYNC_IS_RWLOCKED;
}

/* Does it take a lock, or try to? */
static inline bool kind_takes(uint8_t kind)
{
	const uint32_t takes = 1u << SYNC_LOCK | 1u << SYNC_RLOCK | 1u << SYNC_WLOCK |
			       1u << SYNC_TRYLOCK | 1u << SYNC_TRY_RLOCK | 1u << SYNC_TRY_WLOCK;

	return takes >> kind & 1;
}

/* Does it try a lock, or ask about it? */
static inline bool kind_tries(uint8_t kind)
{
	return kind >= SYNC_TRYLOCK && kind <= SYNC_IS_RWLOCKED;
}

/* What must it find for the lock not to be taken? */
static inline uint8_t kind_wants(uint8_t kind)
{
	return kind == SYNC_TRY_RLOCK || kind == SYNC_RLOCK ? FOUND_NO_WRITER : FOUND_FREE;
}

/* Has it tried a lock in vain, or seen that it is taken? */
static inline bool step_found_taken(const struct step *s)
{
	return kind_tries(s->kind) && !(s->found & kind_wants(s->kind));
}

/* Is it an operation on a word? */
static inline bool kind_is_word(uint8_t kind) { return kind <= SYNC_INC || kind_awaits(kind); }

#endif
