/* SPDX-License-Identifier: MIT */
/*
 * peek.h - page table entries and TLBs in words, for pictures. Called while nobody
 * is at work, by who lives above the vm; changes nothing.
 */
#ifndef MMUN_PEEK_H
#define MMUN_PEEK_H

#include <stdio.h>

#include "vm/tlb/tlb.h"

static inline void pte_text(char *buf, size_t size, pte_t e)
{
	const char *rights = pte_write(e) ? "rw" : pte_present(e) ? "ro" : "no access";

	if (pte_none(e))
		snprintf(buf, size, "none");
	else if (pte_swap(e))
		snprintf(buf, size, "swap slot %u", pte_slot(e));
	else if (pte_migration(e))
		snprintf(buf, size, "frame %u, moving", pte_pfn(e).v);
	else
		snprintf(buf, size, "frame %u, %s%s", pte_pfn(e).v, rights,
			 pte_huge(e) ? ", huge" : "");
}

/* What the TLB has for the page at addr: "-" if nothing. */
static inline void tlb_text(char *buf, size_t size, const struct tlb *t, uint64_t addr)
{
	uint64_t index = (addr >> SYNC_PAGE_SHIFT) & (((uint64_t)1 << t->shift) - 1), at;
	bool write;
	pfn_t pfn;

	if (tlb_peek(t, index, &at, &pfn, &write) && at == page_down(addr))
		snprintf(buf, size, "frame %u, %s", pfn.v, write ? "rw" : "ro");
	else
		snprintf(buf, size, "-");
}

#endif
