/* SPDX-License-Identifier: MIT */
/*
 * inside.h - what the files of this room share: a mirror, and the operations in which its
 * kinds differ.
 *
 * mirror.c owns lookups and accesses, pages.c owns the pages that a mirror has, and interval.c
 * and shadow.c are the two kinds.
 *
 * The lock is a spin lock because the callbacks of notifiers take it. It is never held across
 * a fault.
 *
 * Invariant: a page that is mapped was looked up since the last start of a pair that covers
 * it, and no such pair is under way. An access is made under the lock that the start takes, so
 * nobody uses what is to change once the start has returned.
 */
#ifndef MMUN_MIRROR_INSIDE_H
#define MMUN_MIRROR_INSIDE_H

#include "mirror/mirror.h"

struct mirror_page { pfn_t pfn; bool mapped, write; };

struct mirror_told {
	int (*begin)(struct mirror *m);  /* to be told; 0 or a negative errno */
	void (*end)(struct mirror *m);
	/* A number for a lookup, which waits while something changes. Not under the lock. */
	uint64_t (*lookup_begin)(struct mirror *m);
	/* Under the lock: has something changed since? */
	bool (*lookup_retry)(struct mirror *m, uint64_t number);
};

/* c: constant, l: under lock */
struct mirror {
	const struct mirror_told *told;   /* c */
	struct notify_domain *domain;     /* c */
	uint64_t start, end;              /* c: addresses */
	spin_t lock;
	struct mmu_interval_notifier sub; /* interval.c */
	struct mmu_notifier mn;           /* shadow.c */
	atomic_u64 under_way, over;       /* shadow.c: pairs; written under lock */
	struct mirror_page page[];        /* l: from start on */
};

extern const struct mirror_told mirror_interval, mirror_shadow;

/* --- pages.c: under the lock --------------------------------------------- */

struct mirror_page *mirror_page(struct mirror *m, uint64_t addr);
/* Of these addresses it has nothing any more. */
void mirror_drop(struct mirror *m, uint64_t start, uint64_t end);

#endif
