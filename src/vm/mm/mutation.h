/* SPDX-License-Identifier: MIT */
/*
 * mutation.h - mistakes that a checker plants in an address space. A mutation undoes a fix
 * of Linux in one operation, at the place that names the fix; and the flush points of an
 * operation may be moved. Both exist where the door says that operations are mutable
 * (SYNC_MUTABLE): in the checked builds, and in the one that runs litmus tests on real
 * threads. In the library that ships the flush points are those of the semantics, nothing is
 * ever mutated, and struct mutations is empty: who asks asks a constant.
 *
 * Invariant: constant from before the first thread works with the address space. Read
 * through mm_flush_points() and mm_mutated(); set by litmus tests, recordings and tests.
 */
#ifndef MMUN_MM_MUTATION_H
#define MMUN_MM_MUTATION_H

#include "sync/sync.h"
#include "vm/mm/op.h"

#if SYNC_MUTABLE

struct mutations {
	uint8_t flush_points[MM_OP_COUNT]; /* enum flush_point bits */
	uint8_t made[MM_OP_COUNT];         /* enum mutation bits */
};

static inline void mutations_init(struct mutations *m, enum mmun_semantics semantics)
{
	*m = (struct mutations){ .made = { 0 } };
	for (int op = 0; op < MM_OP_COUNT; op++)
		m->flush_points[op] = (uint8_t)flush_points_of(semantics, (enum mm_op)op);
}

static inline unsigned mutations_flush_points(const struct mutations *m,
					      enum mmun_semantics semantics, enum mm_op op)
{
	(void)semantics;
	return m->flush_points[op];
}

static inline bool mutations_include(const struct mutations *m, enum mm_op op, enum mutation what)
{
	return m->made[op] & what;
}

#else

struct mutations { };

static inline void mutations_init(struct mutations *m, enum mmun_semantics semantics)
{
	(void)m, (void)semantics;
}

static inline unsigned mutations_flush_points(const struct mutations *m,
					      enum mmun_semantics semantics, enum mm_op op)
{
	(void)m;
	return flush_points_of(semantics, op);
}

static inline bool mutations_include(const struct mutations *m, enum mm_op op, enum mutation what)
{
	(void)m, (void)op, (void)what;
	return false;
}

#endif

#endif
