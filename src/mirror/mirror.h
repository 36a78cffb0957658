/* SPDX-License-Identifier: MIT */
/*
 * mirror.h - software secondary MMUs: page tables of a device's own, which are made from the
 * translations of a domain and are kept current by notifiers. They are never flushed.
 * Instead they are told before a page goes, and look the page up again when it is needed.
 *
 * There are two kinds, which differ in how they learn that a lookup no longer holds:
 *
 *   mirror  by an interval notifier and its sequence number, as users of Linux's HMM do
 *   shadow  by the starts and ends of a notifier, with a count of the pairs under way and
 *           another of those that are over, as KVM does
 *
 * Any number of threads may use one. Litmus tests (src/litmus/run) and the stress test do.
 */
#ifndef MMUN_MIRROR_H
#define MMUN_MIRROR_H

#include "vm/tlb/tlb.h"

enum mirror_kind { MIRROR_INTERVAL, MIRROR_SHADOW };

struct mirror;

/*
 * Of the pages [@start, @start + @length), both multiples of the page size. It is told of
 * nothing before this returns, and has no page. 0, -ENOMEM, or as registering the notifier.
 */
int mirror_create(struct notify_domain *d, enum mirror_kind kind, uint64_t start, uint64_t length,
		  struct mirror **ret);
/* After the last access; before or after the domain was released. NULL is fine. */
void mirror_destroy(struct mirror *m);

/*
 * One access of the device, within the range. The page is looked up, and made by a fault of
 * the domain, as often as it is taken away in between. 0, or as that fault says.
 */
int mirror_access(struct mirror *m, struct tlb_access *a);

/* For pictures: what it has for this address. False: nothing. */
bool mirror_peek(const struct mirror *m, uint64_t addr, pfn_t *pfn, bool *write);

#endif
