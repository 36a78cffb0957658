/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - TLBs, of processors and of devices: accesses through them, and emptying them. A TLB
 * caches the translations of a notify domain, whatever that is of. tlb.c has the invariant.
 *
 * [C] constant; [A] atomic.
 */
#ifndef MMUN_TLB_TLB_H
#define MMUN_TLB_TLB_H

#include "vm/notify/notify.h"

struct tlb {
	uint32_t shift;       /* [C] 1 << shift entries */
	bool caches_permissions;    /* [C] an entry that does not allow a store is no miss */
	atomic_u64 *entry;    /* [C] [A] see tlb.c */
};

enum tlb_order { TLB_RELAXED, TLB_ACQ_REL };

struct tlb_access {
	uint64_t addr;
	uint64_t value;      /* to store, or that was loaded */
	pfn_t pfn;           /* that was touched */
	bool write;
	enum tlb_order order;
	uint64_t denied;     /* TLB_FAULT: the entry that does not allow it; 0: none, walk again */
};

enum tlb_result {
	TLB_DONE,
	TLB_FAULT,           /* no translation, or it does not allow the access */
	TLB_STOPPED,         /* *stop was set */
};

int tlb_init(struct tlb *t, unsigned shift);
void tlb_fini(struct tlb *t);

/* After a fault with .denied: returns when the TLB has been told since. */
void tlb_await(const struct tlb *t, const struct tlb_access *a);

/* One access through the TLB, with a walk of the domain on a miss unless *stop. */
enum tlb_result tlb_access(struct tlb *t, struct notify_domain *d, const atomic_u64 *stop,
			   struct tlb_access *a);

/* For oracles, nobody being at work: the page in this entry. False: none. */
bool tlb_peek(const struct tlb *t, uint64_t index, uint64_t *addr, pfn_t *pfn, bool *write);

/* The first half of a flush; flush_wait() is the second. */
void tlb_invalidate(struct tlb *t, struct flush f);

#endif
