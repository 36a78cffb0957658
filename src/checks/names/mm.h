/* SPDX-License-Identifier: MIT */
/*
 * mm.h - what the files behind mmun/kernel_mm.h share: the machine that a check works on, its
 * pages, and what is said of a word that uses one, or lacks a lock.
 *
 * Invariant: all checks of a process use one machine at a time, the one of the mm that a
 * word was last given: pages have no pointer to theirs.
 */
#ifndef MMUN_CHECKS_MM_H
#define MMUN_CHECKS_MM_H

#include "vm/ops/ops.h"

#include "checks/names/names.h"
#include "mmun/linux/mm_word.h"

extern struct mmun_machine *names_machine;

/* All threads of a check store the same. */
UNWATCHED static inline void use(const struct mmun_mm *mm)
{
	if (mm)
		names_machine = mm->machine;
}

/* The same, of a word that uses the structure of an address space. */
static inline void use_at(const struct mmun_mm *mm, const struct sync_site *site)
{
	if (mm && !sync_uses_(mm, sizeof(mm->machine), SYNC_AFTER_STEP, site))
		sync_give_up();
	use(mm);
}

static inline struct page *page_of(pfn_t pfn)
{
	return (struct page *)(void *)frame_of(names_machine, pfn);
}

static inline struct frame *frame_of_page(const struct page *page)
{
	return (struct frame *)(void *)(uintptr_t)page;
}

static inline pfn_t pfn_of(const struct page *page)
{
	return (pfn_t){ (uint32_t)(frame_of_page(page) - names_machine->frame) };
}

/* What a word has at this moment. No step: nobody's order depends on it. */
uint64_t names_peek(const atomic_u64 *word);
bool names_peek_lock(const mutex_t *lock); /* is it taken? */

/* reverse_map.c: an entry, which is locked, was old and is new, and one of them is on the move. */
void names_ring_follows(const struct ptep *p, pte_t old, pte_t new);

/* The rest of the block is done at @site, whatever of the vm it calls. */
#define AT(site) \
	__attribute__((cleanup(leave_place), unused)) const struct sync_site *place_ = \
		sync_noted_at_(site)

static inline void leave_place(const struct sync_site **before) { (void)sync_noted_at_(*before); }

/*
 * A word that names a page or a page table uses it. The page of zeros is nobody's. False: it
 * was freed, which is a finding.
 */
static inline bool uses(pfn_t pfn, enum sync_use when, const struct sync_site *site)
{
	return pfn.v >= names_machine->frames || is_zero_page(names_machine, pfn) ||
	       sync_uses_(frame_memory(names_machine, pfn), PAGE_BYTES, when, site);
}

/* The same for a word that gives a reference up, or frees a table. */
static inline void needs_to_free(pfn_t pfn, enum sync_use when, const struct sync_site *site)
{
	if (pfn.v < names_machine->frames && !is_zero_page(names_machine, pfn) &&
	    !sync_frees_(frame_memory(names_machine, pfn), PAGE_BYTES, when, site))
		sync_give_up();
}

/* And for one that would do harm to a page which is not there. */
static inline void needs(pfn_t pfn, enum sync_use when, const struct sync_site *site)
{
	if (!uses(pfn, when, site))
		sync_give_up();
}

/* Without that lock the word does not do what it is to do: the execution ends. */
static inline void demand(bool fulfilled, const char *what, const struct sync_site *site)
{
	if (fulfilled)
		return;
	explore_fail(ORACLE_PROTOCOL, "%s:%d %s", site->function, site->line, what);
	sync_give_up();
}

#endif
