/* SPDX-License-Identifier: MIT */
/*
 * peek.h - what a TLB has, for pictures. Called while nobody is at work, by whoever lives above
 * the vm; changes nothing.
 */
#ifndef MMUN_PEEK_H
#define MMUN_PEEK_H

#include "vm/tlb/tlb.h"

/* What the TLB has for the page at addr, as events say it (sync/events.h). */
static inline uint64_t tlb_event(const struct tlb *t, uint64_t addr)
{
	uint64_t index = (addr >> SYNC_PAGE_SHIFT) & (((uint64_t)1 << t->shift) - 1), at;
	bool write;
	pfn_t pfn;

	if (!tlb_peek(t, index, &at, &pfn, &write) || at != page_down(addr))
		return event_entry(EVENT_NOTHING, 0, EVENT_NO_ACCESS, false);
	return event_entry(EVENT_MAPPED, pfn.v, write ? EVENT_RW : EVENT_RO, false);
}

#endif
