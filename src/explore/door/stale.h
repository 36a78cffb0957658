/* SPDX-License-Identifier: MIT */
/*
 * stale.h - what stale.c notes of accesses by TLBs, for the oracle of lost.c; and what that tells.
 */
#ifndef MMUN_STALE_H
#define MMUN_STALE_H

#include "explore/door/door.h"

enum { STALE_NEVER = -1 };

struct access {
	const void *space;
	uint64_t addr;
	uint32_t pfn;
	bool write;
	unsigned thread, step;
	int walked;              /* the step in which the entry was read; STALE_NEVER: in set-up */
};

/* Is something concluded of the running thread? Something could not be noted: no more. */
bool stale_judges(void);
void stale_is_full(void);
unsigned stale_accesses(const struct access **ret);
/* The latest failure has this cause, and so have others: they are one. */
void stale_is_of_step(unsigned step);

/* An access by the running thread; it is judged. NULL: nothing is concluded of it. */
const struct access *stale_access(const void *tlb, const void *space, uint64_t page, uint64_t addr,
				  uint32_t pfn, bool write);
void stale_forget(void);

#endif
