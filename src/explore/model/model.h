/* SPDX-License-Identifier: MIT */
/*
 * model.h - the memory model, happens-before and races, as the other rooms see them.
 *
 *   sc.c      sequential consistency, the first memory model
 *   clock.c   objects, clocks, races between steps
 *   shadow.c  which bytes belong to somebody, and were written
 *   plain.c   accesses that are no operations of the door
 *   order.c   what oracles above the explorer ask of all this
 *
 * The memory model stands between the door and the clocks. The door announces an operation with
 * its kind, memory order, address, size and values; once it is chosen the model performs it and
 * says which value the thread is given. Nobody else reads or writes a word on behalf of a
 * thread. Whatever looks at words from outside of the threads (pictures, the conditions at the
 * end, oracles, set-up) looks at memory, where a model keeps each word's latest value.
 *
 * The objects of an execution are found by their addresses and know who touched them last; each
 * step gets its vector clock from them, and the list of races is what the search reverses.
 */
#ifndef MMUN_MODEL_H
#define MMUN_MODEL_H

#include "explore/engine/engine.h"
#include "explore/engine/flat.h"

/*
 * Sequential consistency is checked for and goes inline, so that the others cost it nothing but
 * one comparison; they are called through the table.
 *
 * What a weaker model adds to this table: whether an operation may stand where it would (which
 * store a load reads from is then one of the search's choices), and a happens-before of its own
 * beside the dependence that the search goes by. Under sequential consistency the two are one,
 * so one clock serves the search and the races of plain accesses.
 */
struct memory_model {
	const char *name;
	/*
	 * Is letting go a spin lock or a rwsem, or leaving a read section, a step of its own? Not
	 * under sequential consistency: it only enables others, nobody can see when it happens,
	 * and so it may as well happen together with the thread's operation before. Where stores
	 * are seen late the moment matters.
	 */
	bool letting_go_is_a_step;
	bool fences_are_steps;         /* they order nothing that is not ordered anyway: no */
	/* The chosen operation on a word, other than a wait: perform it. Returns the value before,
	 * as the operation's thread sees it. */
	uint64_t (*perform)(const struct pending *op);
	/* A word's latest value: what waits ask for, what the clocks and pictures keep. */
	uint64_t (*latest)(const void *addr, uint8_t bytes);
	void (*begin)(void);           /* an execution, from set-up's memory; may be NULL */
	void (*end)(void);             /* bring the latest values to memory; may be NULL */
};

extern const struct memory_model model_sc;
/* Of the explorations that begin from now on. */
void model_choose(const struct memory_model *model);
const struct memory_model *model_chosen(void);

struct race {
	int16_t i, j;                  /* steps; j may be one past the last: a blocked one */
	bool settled;                  /* reversed, whatever may come after j */
};

/* The clocks that an acquiring thread joins: of the lock's latest release by its holder; of its
 * releases by readers; of the ends of sections of a domain, or with a word. */
enum object_clock { RELEASE, READ_RELEASE, SECTION_END, OBJECT_CLOCKS };

/* What is known of an object in this execution; found by address. */
struct object {
	const void *addr;
	int16_t last_write, last_change, last_lock;
	uint16_t readers, adders, holders; /* threads with a valid entry below */
	int16_t last_read[T_MAX], last_add[T_MAX];
	int16_t last_hold[T_MAX];      /* of a rwsem: where each has it for reading since */
	uint8_t has;                   /* bit n: the n-th of these is valid */
	struct clk clk[OBJECT_CLOCKS];
};

/* --- clock.c ------------------------------------------------------------- */
struct object *object_of(const void *addr);
void objects_forget(void);
/* As in step_key; 0: no step has touched the object. */
int16_t object_key(const void *addr, uint8_t cls);
void clock_step(int j, struct step *s, unsigned thread, struct object *o);
void clock_touch(struct object *o, int j, const struct step *s);
void clock_pending(unsigned thread);
int clock_watch(void);                 /* plain accesses, too; 0, -1: no memory */
void clock_unwatch(void);
void clock_start(unsigned thread);     /* of an execution; it waits for nobody */
void clock_started(unsigned thread);   /* by the running thread, after what that has done */
void epochs_restore(unsigned thread, int j);
/* The running thread lets go a lock, which is no step: the thread that takes it next follows. */
void clock_released(const void *lock, bool reader);
/* It has left a section of this domain, or of guards in which it had loaded this word. */
void clock_left(const void *domain);
/* @waiter follows, too, the threads that have left such a section so far. */
void clock_awaits(unsigned waiter, enum wait_for what, const void *domain);
/* @waiter waits for what @thread has done so far: a section that it leaves, its end. */
void clock_awaited(unsigned waiter, enum wait_for what, unsigned thread);
void clock_awaits_nobody(enum wait_for what); /* it begins anew */
/* What it does from now on is not published by what it has done. */
void clock_next_epoch(void);

/* --- touch.c ------------------------------------------------------------- */
const struct dead *dead_at(const void *addr, size_t size); /* freed last; NULL: it is alive */
void touch_after(const struct touch *t, const struct dead *d);
/* It came first, but is not ordered before the free, which happens now. */
void touch_before(const struct touch *t, const struct dead *d);

/* --- shadow.c ------------------------------------------------------------ */
enum shadow_says { SHADOW_FINE, SHADOW_OUTSIDE, SHADOW_UNWRITTEN };

int shadow_open(void);                 /* 0; -1: no memory */
void shadow_close(void);
int shadow_keep(void);                 /* set-up is over. 0; -1: no memory */
void shadow_forget(void);              /* what the execution before has done */
void shadow_allocated(const void *p, size_t size);
/* Bytes that were allocated, copied with what is known of them. */
void shadow_copy(void *to, const void *from, size_t size);
void shadow_unwritten(void *p, size_t size); /* and fill it; without a shadow, too */
/* What is to be said of an access. Shadow only. */
enum shadow_says shadow_access(const void *addr, size_t size, bool reads, bool writes);
/* Where an access is that is outside: "4 bytes behind a block of 24 bytes". */
void shadow_text(const void *addr, size_t size, char *buf, size_t buf_size);

/* --- plain.c ------------------------------------------------------------- */
extern bool plain_told;
int plain_open(void);                  /* 0; -1: no memory */
void plain_close(void);
void plain_forget(void);               /* the accesses of the execution before */
void plain_access(const void *addr, size_t size, bool write, const struct sync_site *site);
void plain_operation(const struct step *s); /* that needs memory; about to run */
/* The running thread needs it, in no step. */
void plain_needs(const void *object, size_t size, const struct sync_site *site);
void plain_touches(const void *object, size_t size, const struct sync_site *site);
/* Outside of the threads: only what is accessed is asked. */
void plain_outside(const void *addr, size_t size, bool write, const struct sync_site *site);
void plain_freed(const struct dead *d);
/* Has another thread accessed it plainly since that step? */
bool plain_met(const void *addr, size_t size, int step);
void plain_save(struct flat *f);
bool plain_load(struct flat_reader *r); /* false: damaged */

/* The running thread lets go a lock, or leaves a section whose domain is in memory. */
static inline void plain_let_go(const void *object, size_t size, const struct sync_site *site)
{
	if (x.cur >= 0 && x.dead_count && x.depth >= x.known)
		plain_touches(object, size, site);
	if (x.plain)
		plain_needs(object, size, site);
}

/* --- trail.c ------------------------------------------------------------- */
void trail_forget(void);               /* the execution before */
void trail_close(void);
/* Of the running thread: a plain access is about to be done; the step that began; its end, before
 * the next one. */
void trail_plain(const void *addr, size_t size);
void trail_step(void);
void trail_block_ends(void);
/* What the thread has touched from now on. */
unsigned trail_mark(unsigned thread);
/* Is what it has changed since then as it was, and has no other thread seen it otherwise? */
bool trail_is_restored(unsigned thread, unsigned mark);
/* What a thread has touched from now on, and the others between their @from-th steps and the ends
 * of their @to-th ones: has all this in sum changed nothing? */
struct trail_part { struct clk from, to; unsigned thread, mark; };
bool trail_is_circle(const struct trail_part *part);
/* Is anything that it has touched since then, but for its stack, no longer as it was when it came
 * by first? */
bool trail_has_changed(unsigned thread, unsigned mark);

/* --- sequential consistency, inline -------------------------------------- */

/* A word in memory, of so many bytes, aligned or not. */
static inline uint64_t memory_word(const void *addr, uint8_t bytes)
{
	uint64_t v = 0;

	if (bytes == sizeof(v))
		return ((const atomic_u64 *)addr)->v;
	memcpy(&v, addr, bytes);
	return v;
}

static inline void memory_put(void *addr, uint8_t bytes, uint64_t v)
{
	if (bytes == sizeof(v))
		((atomic_u64 *)addr)->v = v;
	else
		memcpy(addr, &v, bytes);
}

/* What an update makes of the word's old value; upper bytes are without meaning. */
static inline uint64_t model_updated(enum sync_update update, uint64_t old, uint64_t a,
				     uint64_t b)
{
	switch (update) {
#define X(e, value) case e: return value;
	SYNC_UPDATES(X)
#undef X
	}
	return old;
}

/* The last store is what all threads see, at once. */
static inline uint64_t sc_perform(const struct pending *op)
{
	uint64_t old = memory_word(op->addr, op->bytes);

	if (op->update == SYNC_SET)
		memory_put(op->addr, op->bytes, op->a);
	else if (op->update != SYNC_KEEP)
		memory_put(op->addr, op->bytes, model_updated(op->update, old, op->a, op->b));
	return old;
}

static inline uint64_t model_perform(const struct pending *op)
{
	return x.model == &model_sc ? sc_perform(op) : x.model->perform(op);
}

static inline uint64_t model_latest(const void *addr, uint8_t bytes)
{
	return x.model == &model_sc ? memory_word(addr, bytes) : x.model->latest(addr, bytes);
}

/* --- clocks -------------------------------------------------------------- */

/*
 * Where plain accesses are watched each clock has epochs beside it: the latest epoch of each
 * thread's plain accesses that comes before. They are kept in an array of their own, so that
 * the clocks stay short where nobody watches.
 */
struct epochs { int16_t e[T_MAX]; };

enum {
	EPOCHS_OF_WAITS = T_MAX,
	EPOCHS_OF_OBJECTS = EPOCHS_OF_WAITS + T_MAX * WAIT_COUNT,
	EPOCHS_OF_STEPS = EPOCHS_OF_OBJECTS + OBJECTS_LIMIT * OBJECT_CLOCKS,
};

/* In which epoch a thread is; up to which it has followed another one; in which it was at a step
 * of its own. */
static inline int16_t epoch_of(unsigned thread) { return x.epochs[thread].e[thread]; }

static inline int16_t epoch_followed(unsigned thread, unsigned other)
{
	return x.epochs[thread].e[other];
}

static inline int16_t epoch_of_step(int j)
{
	return x.epochs[EPOCHS_OF_STEPS + j].e[x.step[j].thread];
}

/* The object of step j, which was run in the execution before: it has the same number again,
 * once it has one. */
static inline struct object *object_again(int j, const void *addr)
{
	uint32_t n = (uint32_t)x.step_key[j] >> 2;

	return n < x.objects && x.object[n].addr == addr ? &x.object[n] : object_of(addr);
}

/* Step j, which is the thread's next one, was run in the execution before. */
static inline void clock_restore(unsigned thread, int j)
{
	x.thread[thread].clk = x.step[j].clk;
	if (x.epochs)
		epochs_restore(thread, j);
}

static inline bool dependent(uint8_t cls_a, const void *a, uint8_t cls_b, const void *b)
{
	return a == b && cls_a && cls_b && (cls_a != cls_b || cls_a == SYNC_WRITE);
}

/* Does step a happen before step b? a ran first. */
static inline bool before(const struct step *a, const struct step *b)
{
	return b->clk.c[a->thread] >= a->idx;
}

#endif
