/* SPDX-License-Identifier: MIT */
/*
 * engine.h - all data structures of the explorer, inside the layer.
 *
 *   engine.c    the state, and noting what goes wrong
 *   clock.c     happens-before, and the races of an execution
 *   plain.c     accesses that are no operations
 *   memory.c    the door's memory       trace.c   its picture
 *   plan.c      nodes of wakeup trees
 *   run.c       one execution: fibers, whose turn it is
 *   door.c      the checked door: operations, locks, sections
 *   spin.c      threads that ask again and again
 *   search.c    which execution next: sleep sets and wakeup trees
 *   finding.c   findings: shortest schedule, replay strings, traces
 *   explore.c   the loop around them, and the public calls
 *   crash.c     signals as findings
 *   tsan.c      what the compiler tells of plain accesses
 *   entry.c     the checks of a file
 *
 * Each uses only those above it (finding.c and search.c not each other).
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

#include "explore/explore.h"
#include "explore/engine/fiber.h"
#include "sync/sync.h"

enum {
	T_MAX = EXPLORE_THREADS_MAX,
	STEPS_DEFAULT = 8000,
	STEPS_LIMIT = 8000,        /* clocks and keys are 16 bits */
	OBJECTS_LIMIT = 8190,
	PLANS_DEFAULT = 1 << 20,   /* nodes of wakeup trees, 24 bytes each */
	STACK_BYTES = 64 << 10,
	ARENA_SETUP = 16 << 20,    /* bytes for set-up's state and allocations */
	ARENA_THREAD = 4 << 20,    /* bytes for each thread's allocations */
	HELD_MAX = 16,
	GUARD_WORDS_MAX = 8,
	RANGES_MAX = 16,
	SECTIONS_MAX = 8,
	WATCHED_MAX = 4,
	FAILS_MAX = 32,
	SETUP = T_MAX,             /* the number under which set-up and end allocate */
};

/* c: the latest step of each thread that comes before. e: the latest epoch of its plain
 * accesses that does; see plain.c. */
struct clk { int16_t c[T_MAX], e[T_MAX]; };

struct step {
	struct clk clk;
	const void *addr;              /* object */
	const struct sync_site *site;
	uint64_t old;                  /* the word's value before */
	uint16_t sleep;                /* threads asleep before this step */
	int16_t idx;                   /* this is the idx-th step of its thread, from 1 */
	int16_t prev;                  /* that thread's step before, -1: none */
	int16_t prev_change;           /* the object's change (WRITE or ADD) before, -1 */
	int16_t release;               /* RLOCK: step in which it was let go, -1: not yet */
	uint8_t thread, kind, cls;
	uint8_t bytes;                 /* of the word, if it is one */
	uint8_t choice, choices;       /* which of how many; CHOOSE only, else 0 of 1 */
	uint8_t first_choice;          /* the choice this node began with */
	uint16_t enabled, done;        /* EXPLORE_ALL only */
	uint32_t races;                /* number of races before this step was run */
	uint32_t tree;                 /* wakeup tree: first pending sibling, 0: none */
};

struct race {
	int16_t i, j;                  /* steps; j may be one past the last: a blocked one */
	bool settled;                  /* reversed, whatever may come after j */
};

/* A node of a wakeup tree: one step still to be taken. */
struct node {
	const void *addr;
	uint32_t child, sibling;       /* 0: none */
	uint8_t thread, cls, choice;
	bool chooses;                  /* it is a choice */
};

/* What is known of an object in this execution; found by address. */
struct object {
	const void *addr;
	int16_t last_write, last_change, last_lock;
	uint16_t readers, adders;      /* threads with a valid entry below */
	bool has_release, has_read_release, has_guard_end;
	int16_t last_read[T_MAX], last_add[T_MAX];
	struct clk release, read_release, guard_end;
};

struct pending {                       /* the operation a thread is about to do */
	const void *addr;
	const struct sync_site *site;
	uint8_t kind, cls;
	uint8_t bytes;                 /* of the word, if it is one */
	uint8_t choices;
	bool (*pred)(uint64_t, uint64_t);
	uint64_t arg;
};

struct wait_set {                      /* sections that a thread waits for */
	const void *domain;            /* of RCU's: which */
	uint16_t open;                 /* threads whose section is not yet left */
	struct clk ends;               /* join of the clocks at the ends */
};

struct held { const void *lock; const struct sync_site *site; uint32_t rank; bool spins; };

/* A word that a spinning thread has looked at in a round. */
struct watched { const void *addr; uint64_t value; uint8_t bytes; };

struct spin {                          /* between two calls of cpu_relax() */
	int16_t from;                  /* the thread's last step at the latest one */
	unsigned count;                /* words of the latest round */
	struct watched word[WATCHED_MAX];
};

struct section { const void *domain; unsigned nesting; };

struct range { const void *mm; uint64_t start, end; const struct sync_site *site; bool told; };

struct thread {
	struct clk clk;
	int16_t idx, last;             /* steps so far; index of the last one, -1 */
	unsigned held_count;
	struct held held[HELD_MAX];
	unsigned spins;                /* spin locks among them */
	unsigned range_count;
	struct range range[RANGES_MAX];/* begun and not ended */
	unsigned nonblock;             /* nesting of callbacks that must not block */
	bool guard;                    /* in a guard section */
	unsigned guard_words;
	const void *guard_word[GUARD_WORDS_MAX];
	unsigned rcu;                  /* nesting of RCU's own sections */
	unsigned section_count;
	struct section section[SECTIONS_MAX]; /* of RCU and SRCU, that it is in */
	struct wait_set guard_wait, rcu_wait;
	struct spin spin;
	const struct sync_site *noted_at;/* instead of a note's own; NULL: its own */
	struct sync_operation operation; /* that it carries out; name NULL: none */
	size_t arena_used;
};

struct dead { const char *lo, *hi; int16_t step; uint8_t thread; const struct sync_site *site; };

struct fail {                          /* of the current execution */
	enum explore_oracle oracle;
	int16_t first, then;           /* ordering wanted, -1: as it is */
	int16_t target;                /* the picture may end here, -1: whole execution */
	char text[256];
};

enum run_end { RUN_COMPLETE, RUN_DEADLOCK, RUN_ASLEEP, RUN_ABORTED };

struct engine {
	/* the check */
	const struct explore_check *check;
	struct explore_options opt;
	unsigned threads, steps_max;
	struct explore_result *result;

	/* threads and their memory */
	struct fiber main, fiber[T_MAX];
	struct pending pend[T_MAX];
	struct thread thread[T_MAX];
	int cur;                       /* running thread, -1: set-up, end or the explorer */
	uint16_t alive, blockable;     /* not ended; whose pending operation may block */
	char *arena;                   /* set-up's part, then each thread's */
	char *snapshot;                /* of set-up's part */
	size_t arena_used, snapshot_used;
	uint64_t alloc_live, snapshot_live;
	struct dead *dead;
	size_t dead_count, dead_capacity, snapshot_dead;
	char *data_before, *data_after; /* check->data before and after set-up */
	jmp_buf *bail;                 /* out of set-up and end */
	bool outside;                  /* set-up or end is running */

	/* the current execution */
	struct step *step;             /* steps_max + 2 */
	/* What the search scans most, step by step, apart from the rest: */
	uint8_t *step_thread;
	int16_t *step_key;             /* 4 * number of the object + class; 0: none */
	int16_t *step_clk[T_MAX];      /* clocks, thread by thread */
	int depth;                     /* steps run */
	int replay;                    /* the first so many have their thread dictated */
	const char *forced;            /* replaying a schedule: thread + 1 per step, 0: free */
	const uint8_t *forced_choice;
	int forced_count;
	int alone;                     /* after them only this thread runs; -1: all do */
	uint32_t plan;                 /* wakeup tree from the next step on */
	uint16_t sleep;                /* threads asleep before the next step */
	bool starting;                 /* threads run up to their first operations */
	enum run_end end;              /* how the run has ended */
	size_t event;                  /* the running step's in the trace, SIZE_MAX: none */
	bool aborted, strayed;         /* a plan could not be followed */
	bool stuck;                    /* a thread ran on without end */
	bool ordered_adds;             /* SYNC_INC counts as SYNC_RMW */
	bool begin_again;              /* ... must, since a thread waits for such a word */
	uint64_t steps_asked;          /* how many had run when the clock was asked last */
	struct fail fail[FAILS_MAX];
	unsigned fails;
	uint64_t fails_dropped;

	/* objects by address */
	struct object *object;
	uint32_t objects, objects_capacity;
	struct { uint32_t stamp, index; } *slot;
	uint32_t slots_mask, stamp;

	/* the search */
	struct race *race;
	uint32_t races, races_capacity;
	struct node *node;             /* [0] unused */
	uint32_t nodes, nodes_capacity, node_free;
	uint32_t nodes_planned, plans_max; /* in wakeup trees; the most that may be */
	bool frugal;                   /* they were hit: no more plans, for good */
	uint64_t *class_hash;          /* EXPLORE_ALL: set of executions seen */
	size_t classes, class_capacity;
	bool out_of_memory;

	struct plain *plain;           /* plain.c; NULL: nobody tells of plain accesses */
	const char *drawn;             /* text of the finding that is being recorded, else NULL */
	struct explore_trace *trace;   /* being recorded, else NULL */
};

extern struct engine x;

/* --- engine.c ------------------------------------------------------------ */
void engine_fail(enum explore_oracle oracle, int first, int then, int target,
		 const char *fmt, ...) PRINTF_LIKE(5, 6);
void engine_optionals_forget(void);
_Noreturn void engine_give_up(void);   /* the execution cannot go on */
const char *engine_thread_name(unsigned thread, char buf[8]);
extern const char *const engine_kind_name[];

/* --- clock.c ------------------------------------------------------------- */
struct object *engine_object(const void *addr);
void engine_objects_forget(void);
int16_t engine_key(const void *addr, uint8_t cls); /* as in step_key */
void engine_step_fresh(int j, struct step *s, unsigned thread, const struct object *o);
void engine_touch(struct object *o, int j, const struct step *s);
void engine_pending_races(unsigned thread);

/* --- plain.c ------------------------------------------------------------- */
extern bool plain_told;
extern void (*plain_place)(void *arg, const void *pc, struct explore_place *ret);
extern void *plain_place_arg;
int plain_open(void);                  /* 0; -1: no memory */
void plain_close(void);
void plain_forget(void);               /* the accesses of the execution before */
void plain_access(const void *addr, size_t size, bool write, const struct sync_site *site);
void plain_operation(const struct step *s); /* on a word; about to run */
void plain_freed(const void *addr, size_t size, const struct sync_site *site);

/* The running thread's accesses from now on are not published by what it has done. */
static inline void epoch_next(struct clk *clk, unsigned thread)
{
	if (!x.plain)
		return;
	ASSERT(clk->e[thread] < INT16_MAX);
	clk->e[thread]++;
}

/* --- memory.c ------------------------------------------------------------ */
void engine_leaks_report(void);

/* --- trace.c ------------------------------------------------------------- */
size_t engine_record_step(unsigned thread); /* its index in the trace, SIZE_MAX: none */
void engine_watch(void);               /* how what is watched is now, if it is recorded */

/* --- plan.c -------------------------------------------------------------- */
uint32_t plan_node_new(const struct node *like); /* 0: no memory */
uint32_t plan_node_take(uint32_t node);          /* frees it, returns its children */

/* --- run.c --------------------------------------------------------------- */
int engine_open(const struct explore_check *check, const struct explore_options *options,
		struct explore_result *result);
void engine_close(void);
enum run_end engine_run(void);
bool engine_can_go(const struct pending *p, const struct thread *t);
bool engine_enabled(unsigned thread);
void engine_yield(void);               /* the running thread has announced an operation */

/* --- spin.c -------------------------------------------------------------- */
bool spin_guessed_wrong(void);         /* at a deadlock: a spinning thread could go on */
const char *spin_gives_up(void);       /* after the search: why it is not complete, or NULL */
void spin_forget(void);

/* --- search.c ------------------------------------------------------------ */
void search_races(void);               /* plan the reversal of this execution's races */
bool search_next(void);                /* set up the next execution; false: none left */
size_t search_memory(void);

/* --- finding.c ----------------------------------------------------------- */
void finding_collect(void);            /* the execution's fails into the result */
void finding_record_all(void);         /* run each finding again, with its picture */
int finding_parse(const char *replay, char **ret_forced, uint8_t **ret_choice);

/* --- small helpers ------------------------------------------------------- */

static inline bool dependent(uint8_t cls_a, const void *a, uint8_t cls_b, const void *b)
{
	return a == b && cls_a && cls_b && (cls_a != cls_b || cls_a == SYNC_WRITE);
}

/* Does the operation wait for its word? */
static inline bool kind_awaits(uint8_t kind)
{
	return kind == SYNC_AWAIT || kind == SYNC_RELAX;
}

/* Does step a happen before step b? a ran first. */
static inline bool before(const struct step *a, const struct step *b)
{
	return b->clk.c[a->thread] >= a->idx;
}

/* A word of so many bytes, aligned or not. */
static inline uint64_t engine_word(const void *addr, uint8_t bytes)
{
	uint64_t v = 0;

	if (bytes == sizeof(v))
		return ((const atomic_u64 *)addr)->v;
	memcpy(&v, addr, bytes);
	return v;
}

static inline void clk_join(struct clk *a, const struct clk *b)
{
	for (int t = 0; t < T_MAX; t++)
		a->c[t] = a->c[t] > b->c[t] ? a->c[t] : b->c[t];
	if (!x.plain)
		return;
	for (int t = 0; t < T_MAX; t++)
		a->e[t] = a->e[t] > b->e[t] ? a->e[t] : b->e[t];
}

#endif
