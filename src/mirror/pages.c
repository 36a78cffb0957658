/* SPDX-License-Identifier: MIT */
/*
 * pages.c - the pages that a mirror has, as an array over its range. See inside.h for the
 * lock.
 */
#include "mirror/inside.h"

struct mirror_page *mirror_page(struct mirror *m, uint64_t addr)
{
	ASSERT(addr >= m->start && addr < m->end);
	return &m->page[(addr - m->start) / PAGE_BYTES];
}

void mirror_drop(struct mirror *m, uint64_t start, uint64_t end)
{
	if (start < m->start)
		start = m->start;
	if (end > m->end)
		end = m->end;
	for (uint64_t addr = start; addr < end; addr += PAGE_BYTES) {
		struct mirror_page *page = mirror_page(m, addr);

		if (!page->mapped)
			continue;
		page->mapped = false;
		sync_event(MIRROR_DROP, addr);
	}
}
