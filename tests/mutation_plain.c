/* SPDX-License-Identifier: MIT */
/*
 * mutation_plain.c - mutation_native.c with the answers in place of the questions: what
 * mutations may cost in the library that ships.
 */
#include "vm/mm/mm.h"

bool mutation_made(const struct mmun_mm *mm);
bool mutation_of_any(const struct mmun_mm *mm, enum mm_op op);
void mutation_inherit(struct mmun_mm *child, const struct mmun_mm *mm);
bool flush_point_of_both(const struct mmun_mm *mm);
bool flush_point_of_none(const struct mmun_mm *mm);
bool flush_point_of_classic(const struct mmun_mm *mm);

bool mutation_made(const struct mmun_mm *mm)
{
	(void)mm;
	return false;
}

bool mutation_of_any(const struct mmun_mm *mm, enum mm_op op)
{
	(void)mm, (void)op;
	return false;
}

void mutation_inherit(struct mmun_mm *child, const struct mmun_mm *mm)
{
	(void)child, (void)mm;
}

bool flush_point_of_both(const struct mmun_mm *mm)
{
	(void)mm;
	return true;
}

bool flush_point_of_none(const struct mmun_mm *mm)
{
	(void)mm;
	return false;
}

bool flush_point_of_classic(const struct mmun_mm *mm)
{
	return mm->domain.semantics == MMUN_CLASSIC;
}
