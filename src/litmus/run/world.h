/* SPDX-License-Identifier: MIT */
/*
 * world.h - a litmus test come to life on the library's virtual memory: an address space with
 * the test's variables, processors and devices, on which each thread runs its statements. This
 * is what stands behind world_runner, for code that has to look into it (pictures, mmun when).
 *
 * It knows the virtual memory and the door, and not the explorer: the same source runs a test
 * under the explorer (explored.c) and with real threads (threads.c).
 */
#ifndef MMUN_WORLD_H
#define MMUN_WORLD_H

#include "litmus/run/runner.h"
#include "mirror/mirror.h"
#include "vm/ops/ops.h"

struct world {
	const struct litmus *test;
	const struct litmus_observer *observer; /* NULL: nobody wants to know */
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
};

/* Everything as the test's initial state says. 0, -ENOMEM, -EINVAL. */
int world_init(struct world *w, const struct litmus *test,
	       const struct litmus_observer *observer);
void world_thread(struct world *w, unsigned thread);
/* After the threads: the outcome vector, litmus_outcome_size() values. */
void world_outcome(const struct world *w, int64_t *outcome);
void world_fini(struct world *w);

/* --- held.c: what explore_watch() is told; the checked build only ---------- */

void world_watch(const struct world *w);

/* --- world_memory.c ------------------------------------------------------ */

uint64_t world_page_addr(const struct litmus *test, int var);
uint64_t world_var_addr(const struct litmus *test, int var);
uint64_t world_named_addr(const struct litmus *test, int var); /* the same; 0 for no variable */
/* How much an operation on the variable is about, from its page's address on. */
uint64_t world_var_bytes(const struct litmus *test, int var);
void world_machine_opts(const struct litmus *test, struct mmun_machine_opts *ret);
int world_memory_init(struct world *w);
void world_memory_fini(struct world *w);
int64_t world_final_value(const struct mmun_mm *mm, const struct litmus *test, int var);

#endif
