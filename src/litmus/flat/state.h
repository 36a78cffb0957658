/* SPDX-License-Identifier: MIT */
/*
 * state.h - what the files of the flat reference share: a state of flat memory, and how a
 * state is added to the search. flat.c owns the search and the accesses, flat_ops.c knows what
 * each operation does, and flat_state.c owns the states.
 *
 * Memory is made of places, one for each page of the test. A place shows a frame: one of its
 * own, or the frame of the object that it maps. Operations change what a place shows. From
 * that moment until it returns, an operation also leaves the old view open, as a stale view
 * through which accesses of other threads may still go.
 */
#ifndef MMUN_FLAT_STATE_H
#define MMUN_FLAT_STATE_H

#include "litmus/lang/litmus.h"

enum {
	STALE_MAX = 64,
	PINS_MAX = 8 + LITMUS_VARS_MAX,
	SOMEBODY = 100,   /* holds the pins that are there at the start */
	FRAMES_MAX = 2 * LITMUS_VARS_MAX + STALE_MAX + PINS_MAX + 2,
};

enum { MAPPED = 1 << 2 }; /* a place's rights: this and litmus_prot bits; 0: unmapped */

enum place_flags {
	PLACE_SHARES = 1,  /* maps its object MAP_SHARED */
	PLACE_COPIED = 2,  /* maps its object MAP_PRIVATE, and has a copy */
	PLACE_DONTFORK = 4, /* is in no child */
	PLACE_WIPEONFORK = 8, /* is empty in children */
};

/* How a page is mapped. Plain bytes: a state is compared as such. */
struct place {
	uint8_t rights;
	uint8_t object;   /* page that it was made for + 1; 0: anonymous */
	uint8_t flags;
	uint8_t frame;    /* + 1; 0: the object's */
};

struct stale {
	uint8_t thread;   /* whose operation keeps it open, + 1; 0: end of the list */
	uint8_t page;
	uint8_t rights;
	uint8_t frame;
	uint8_t left;     /* bit t: thread t has gone through a later view */
};

/* A frame that a thread has pinned: it may use it whatever the page shows. */
struct pin {
	uint8_t thread;   /* + 1; 0: end of the list */
	uint8_t page;
	uint8_t frame;
};

struct object { uint8_t frame, gone; }; /* gone: truncated */

enum frame_flags {
	FRAME_TOUCHED = 1, /* somebody has read or written it: something is mapped */
	FRAME_LAZY = 2,    /* MADV_FREE, and not written since */
	FRAME_OUT = 4,     /* has been paged out: MADV_FREE drops what is in swap */
};

struct frame {
	int64_t flags;
	int64_t word[LITMUS_WORDS_MAX];
};

struct control {
	uint8_t pc;
	uint8_t called;   /* an operation has been called and has not returned */
	uint8_t failed;   /* it will say so */
	uint8_t pad;
	uint16_t done;    /* bit p: it has had its effect on page p */
	uint16_t pad2;
};

struct state {
	struct control control[LITMUS_THREADS_MAX];
	struct place place[LITMUS_VARS_MAX];
	struct place child[LITMUS_CHILDREN_MAX][LITMUS_VARS_MAX];
	struct object object[LITMUS_VARS_MAX];
	struct stale stale[STALE_MAX];
	struct pin pin[PINS_MAX];
	struct frame frame[FRAMES_MAX];
	int64_t value[LITMUS_OUTCOME_MAX]; /* an outcome's; variables' are not kept here */
};

struct flat {
	const struct litmus *test;
	size_t states_max;
	struct litmus_outcomes states, *outcomes;
	int reg_base[LITMUS_THREADS_MAX], var_base;
	int words, frames, stales, pins; /* of the arrays above that the test needs */
	bool objects;
	uint8_t alone;                 /* bit t: thread t has a processor or device of its own */
	bool pageout;                  /* the test calls MADV_PAGEOUT */
	int ret;
};

/* --- flat_state.c -------------------------------------------------------- */

bool flat_permits(uint8_t rights, bool write);

/* The frame that a place shows. */
int flat_frame(const struct state *s, int page);
/* A frame that nothing shows, all 0. */
int flat_fresh(const struct flat *f, struct state *s);
bool flat_pinned(const struct flat *f, const struct state *s, int frame);
/* Must a store make a copy of the object's page first? A step of its own. */
bool flat_copies(const struct state *s, int page);
/* A place gets a frame of its own with what it shows. */
void flat_copy(const struct flat *f, struct state *s, int page);

/* How many words a state takes in the set; and out of the set again. */
int flat_state_words(const struct flat *f);
void flat_unpack(const struct flat *f, const int64_t *words, struct state *s);

void flat_add(struct flat *f, const struct state *s);
/* What a thread does without touching memory is no step of its own. */
void flat_run_to_rest(const struct flat *f, struct state *s, int thread);
/* The instruction of @thread is over with @result, 0 or LITMUS_FAULT. */
void flat_finish(struct flat *f, struct state *s, int thread, int64_t result);

static inline const struct litmus_insn *flat_insn(const struct flat *f, const struct state *s,
						  int thread)
{
	return &f->test->thread[thread].insn[s->control[thread].pc];
}

/* --- flat_ops.c ---------------------------------------------------------- */

/* Adds all states that one step of @thread, which is at an operation, can lead to. */
void flat_step_op(struct flat *f, const struct state *from, int thread);
/* How many stale views the operation may open. */
int flat_stales(const struct litmus *test, const struct litmus_insn *insn);
/* Is a MADV_FREE of this page between its effect and its return? */
bool flat_freeing(const struct flat *f, const struct state *s, int page);

#endif
