/* SPDX-License-Identifier: MIT */
/*
 * mutation_native.c - questions that the core asks about mutations and flush points, as it
 * ships. The object code must be that of mutation_plain.c, in which the answers stand:
 * door_costs.sh compares. An operation that both semantics flush at a point is asked nothing,
 * and what no operation does is not there.
 */
#include "vm/mm/mm.h"

_Static_assert(sizeof(struct mutations) == 0, "an address space has no room for mistakes");

bool mutation_made(const struct mmun_mm *mm);
bool mutation_of_any(const struct mmun_mm *mm, enum mm_op op);
void mutation_inherit(struct mmun_mm *child, const struct mmun_mm *mm);
bool flush_point_of_both(const struct mmun_mm *mm);
bool flush_point_of_none(const struct mmun_mm *mm);
bool flush_point_of_classic(const struct mmun_mm *mm);

bool mutation_made(const struct mmun_mm *mm)
{
	return mm_mutated(mm, MM_OP_COW, MUTATION_REUSE);
}

bool mutation_of_any(const struct mmun_mm *mm, enum mm_op op)
{
	return mm_mutated(mm, op, MUTATION_NESTED);
}

void mutation_inherit(struct mmun_mm *child, const struct mmun_mm *mm)
{
	mutations_init(&child->mutations, mm->domain.semantics);
	child->mutations = mm->mutations;
}

bool flush_point_of_both(const struct mmun_mm *mm)
{
	return mm_flush_points(mm, MM_OP_COW) & FLUSH_POINT_CLEAR;
}

bool flush_point_of_none(const struct mmun_mm *mm)
{
	return mm_flush_points(mm, MM_OP_COW) & FLUSH_POINT_SET;
}

bool flush_point_of_classic(const struct mmun_mm *mm)
{
	return mm_flush_points(mm, MM_OP_MUNMAP) & FLUSH_POINT_END;
}
