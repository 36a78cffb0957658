/* SPDX-License-Identifier: MIT */
/*
 * held.c - what each page-table entry and each TLB of a world holds. It is for pictures: the
 * explorer asks after each step of an execution that it records.
 */
#include "explore/front/explore.h"
#include "iommu/ats.h"
#include "litmus/run/world.h"
#include "vm/tlb/peek.h"

/* Variables of one page have one translation: the first one's name stands for it. */
static bool is_first_of_page(const struct litmus *test, int var)
{
	for (int v = 0; v < var; v++)
		if (test->var[v].page == test->var[var].page)
			return false;
	return true;
}

/* Threads of one device have one TLB. */
static bool is_first_of_unit(const struct litmus *test, int thread)
{
	for (int t = 0; t < thread; t++)
		if (test->thread[t].unit == test->thread[thread].unit)
			return false;
	return true;
}

/* What the processor or the device has for the page. */
static uint64_t unit_entry(const struct world *w, const struct litmus_thread *thread, uint64_t page)
{
	const struct mirror *m = w->mirror[thread->unit];
	bool write, has;
	pfn_t pfn;

	if (!m)
		return tlb_event(thread->device ? ats_tlb(w->ats[thread->unit]) :
						  &w->cpu[thread->unit]->tlb, page);
	has = mirror_peek(m, page, &pfn, &write);
	return event_entry(has ? EVENT_MAPPED : EVENT_NOTHING, pfn.v, write ? EVENT_RW : EVENT_RO,
			   false);
}

static void watch_var(const struct world *w, int var)
{
	const struct litmus *test = w->test;
	uint64_t page = world_page_addr(test, var), end = page + PAGE_BYTES;
	char name[64];

	snprintf(name, sizeof(name), "entry of %s", test->var[var].name);
	sync_watch_entry(name, page, end, pte_event(mm_translate(w->mm, page)));
	for (int t = 0; t < test->threads; t++) {
		const struct litmus_thread *thread = &test->thread[t];

		if (!is_first_of_unit(test, t))
			continue;
		snprintf(name, sizeof(name), "%s of %s: %s", w->mirror[thread->unit] ?
			 "page table" : "TLB", thread->name, test->var[var].name);
		sync_watch_entry(name, page, end, unit_entry(w, thread, page));
	}
}

void world_watch(const struct world *w)
{
	for (int v = 0; v < w->test->vars; v++)
		if (is_first_of_page(w->test, v))
			watch_var(w, v);
}
