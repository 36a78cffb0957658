/* SPDX-License-Identifier: MIT */
/*
 * world.h - a litmus test come to life: an address space with its variables,
 * processors and devices, and each thread's statements run on it.
 *
 * Knows the vm and the door, not the explorer: the same source runs a test
 * under the explorer (check.c) and with real threads (tests/litmus_native.c).
 */
#ifndef MMUN_WORLD_H
#define MMUN_WORLD_H

#include "litmus/lang/litmus.h"
#include "mirror/mirror.h"
#include "vm/ops/ops.h"

/* What an oracle wants to know. Each is called by the thread that did it, right
 * after the thing; ctx is the world's. Unused ones are NULL. */
struct world_hooks {
	/* An access has succeeded, on this frame. */
	void (*access)(void *ctx, unsigned thread, const struct litmus_insn *insn, int64_t value,
		       pfn_t pfn);
	/* An operation is about to be called; it has returned, 0 or LITMUS_FAULT. */
	void (*call)(void *ctx, unsigned thread, const struct litmus_insn *insn);
	void (*returned)(void *ctx, unsigned thread, const struct litmus_insn *insn,
			 int64_t result);
};

struct world {
	const struct litmus *test;
	const struct world_hooks *hooks;
	void *ctx;
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_mm *twin;    /* the child that "cow" pages are shared with */
	struct mmun_mm *child[LITMUS_CHILDREN_MAX];
	struct mmun_object *object[LITMUS_VARS_MAX]; /* by page; NULL: anonymous */
	struct mmun_pin *pin[LITMUS_VARS_MAX];       /* by page; NULL: not pinned */
	struct mmun_pin *held[LITMUS_THREADS_MAX][LITMUS_VARS_MAX]; /* by the thread itself */
	struct mmun_cpu *cpu[LITMUS_THREADS_MAX]; /* by unit */
	struct mmun_ats *ats[LITMUS_THREADS_MAX]; /* by unit */
	struct mirror *mirror[LITMUS_THREADS_MAX]; /* by unit */
	atomic_u64 fence[LITMUS_THREADS_MAX];
	int64_t reg[LITMUS_THREADS_MAX][LITMUS_REGS_MAX];
	/* For the oracles of check.c, here so that it is restored with the rest. */
	unsigned accesses, revocations, grants, writes;
};

/* Everything as the test's initial state says. 0, -ENOMEM, -EINVAL. */
int world_init(struct world *w, const struct litmus *test, const struct world_hooks *hooks,
	       void *ctx);
void world_thread(struct world *w, unsigned thread);
/* After the threads: the outcome vector, litmus_outcome_size() values. */
void world_outcome(const struct world *w, int64_t *outcome);
void world_fini(struct world *w);

/* --- held.c: for explore_check.watch; the checked build only ------------- */

void world_watch(void *state, void *arg);

/* --- world_memory.c ------------------------------------------------------ */

uint64_t world_page_addr(const struct litmus *test, int var);
uint64_t world_var_addr(const struct litmus *test, int var);
/* How much an operation on the variable is about, from its page's address on. */
uint64_t world_var_bytes(const struct litmus *test, int var);
void world_machine_opts(const struct litmus *test, struct mmun_machine_opts *ret);
int world_memory_init(struct world *w);
void world_memory_fini(struct world *w);
int64_t world_final_value(const struct mmun_mm *mm, const struct litmus *test, int var);

#endif
