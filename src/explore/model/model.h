/* SPDX-License-Identifier: MIT */
/*
 * model.h - happens-before and races, as the other rooms see them. The objects of an execution
 * are found by their addresses and know who touched them last; each step gets its vector
 * clock from them, and the list of races is what the search reverses.
 *
 *   clock.c   objects, clocks, races between steps
 *   plain.c   accesses that are no operations of the door
 *   order.c   what oracles above the explorer ask of all this
 */
#ifndef MMUN_MODEL_H
#define MMUN_MODEL_H

#include "explore/engine/engine.h"

struct race {
	int16_t i, j;                  /* steps; j may be one past the last: a blocked one */
	bool settled;                  /* reversed, whatever may come after j */
};

/* What whoever acquires an object joins: at a lock's latest release by its holder; by readers;
 * where sections of a domain, or with a word, were left. */
enum object_clock { RELEASE, READ_RELEASE, SECTION_END, OBJECT_CLOCKS };

/* What is known of an object in this execution; found by address. */
struct object {
	const void *addr;
	int16_t last_write, last_change, last_lock;
	uint16_t readers, adders;      /* threads with a valid entry below */
	int16_t last_read[T_MAX], last_add[T_MAX];
	uint8_t has;                   /* bit n: the n-th of these is valid */
	struct clk clk[OBJECT_CLOCKS];
};

/* --- clock.c ------------------------------------------------------------- */
struct object *engine_object(const void *addr);
void engine_objects_forget(void);
int16_t engine_key(const void *addr, uint8_t cls); /* as in step_key */
void engine_step_fresh(int j, struct step *s, unsigned thread, struct object *o);
void engine_touch(struct object *o, int j, const struct step *s);
void engine_pending_races(unsigned thread);
int clock_watch(void);                 /* plain accesses, too; 0, -1: no memory */
void clock_unwatch(void);
void clock_start(unsigned thread);     /* of an execution */
void epochs_restore(unsigned thread, int j);
/* The running thread lets go a lock, which is no step: whoever takes it next is ordered after. */
void clock_released(const void *lock, bool reader);
/* It has left a section of this domain, or of guards in which it had loaded this word. */
void clock_left(const void *domain);
/* It, too, waits for whoever has left such a section so far. */
void clock_awaits(enum wait_for what, const void *domain);
/* @waiter waits for the section that the running thread leaves. */
void clock_awaited(unsigned waiter, enum wait_for what);
void clock_awaits_nobody(enum wait_for what); /* it begins anew */
/* What it does from now on is not published by what it has done. */
void clock_next_epoch(void);

/* Of plain accesses: see plain.c. */
int16_t epoch_of(unsigned thread);     /* in which it is now */
int16_t epoch_followed(unsigned thread, unsigned other); /* what it has followed of another's */
int16_t epoch_of_step(int j);          /* in which its thread was then */

/* --- plain.c ------------------------------------------------------------- */
extern bool plain_told;
int plain_open(void);                  /* 0; -1: no memory */
void plain_close(void);
void plain_forget(void);               /* the accesses of the execution before */
void plain_access(const void *addr, size_t size, bool write, const struct sync_site *site);
void plain_operation(const struct step *s); /* on a word; about to run */
void plain_freed(const void *addr, size_t size, const struct sync_site *site);

/* --- clocks -------------------------------------------------------------- */

/* The object of step j, which was run in the execution before: it has the same number again,
 * once it has one. */
static inline struct object *object_again(int j, const void *addr)
{
	uint32_t n = (uint32_t)x.step_key[j] >> 2;

	return n < x.objects && x.object[n].addr == addr ? &x.object[n] : engine_object(addr);
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
