/* SPDX-License-Identifier: MIT */
/*
 * op.h - the kinds of update that an address space sees: those of operations/updates.h.
 */
#ifndef MMUN_MM_OP_H
#define MMUN_MM_OP_H

#include "base/base.h"
#include "mmun/mmun.h"
#include "operations/updates.h"

/* The updates that litmus tests speak of, and exit, which ends all of them. */
#define MM_OPS(X)                                                                             \
	UPDATES(X)                                                                             \
	X(EXIT, "exit", 'A', AFTER, END | AFTER)

enum mm_op {
#define X(e, ...) MM_OP_##e,
	MM_OPS(X)
#undef X
	MM_OP_COUNT,
};

/* Where the operation flushes in this semantics: bits. A constant, if the operation is one. */
static inline unsigned flush_points_of(enum mmun_semantics semantics, enum mm_op op)
{
	enum {
		CLEAR = FLUSH_POINT_CLEAR, SET = FLUSH_POINT_SET, END = FLUSH_POINT_END,
		AFTER = FLUSH_POINT_AFTER,
	};
	static const uint8_t modern[MM_OP_COUNT] = {
#define X(e, name, rule, points, classic_points) [MM_OP_##e] = points,
		MM_OPS(X)
#undef X
	};
	static const uint8_t classic[MM_OP_COUNT] = {
#define X(e, name, rule, modern_points, points) [MM_OP_##e] = points,
		MM_OPS(X)
#undef X
	};

	return semantics == MMUN_CLASSIC ? classic[op] : modern[op];
}

#endif
