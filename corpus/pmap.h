/* SPDX-License-Identifier: MIT */
/*
 * pmap.h - for entries of the corpus: a TLB that has translations of two sizes.
 *
 * The library's TLBs keep small translations only, also of huge pages. So bugs that need both
 * sizes are shown on this model: the page table of one superpage, which is mapped by its small
 * pages or as a whole, and the TLB of the one processor that uses it. Addresses are numbers of
 * small pages. The TLB's lock makes an invalidation wait for the accesses that are under way.
 */
#ifndef CORPUS_PMAP_H
#define CORPUS_PMAP_H

#include <mmun/explore.h>
#include <mmun/kernel.h>

enum { PAGE_SIZE = 1, NBPDR = 4 };      /* a small page, a superpage */

struct vm_page { int data; };

static struct {
	struct vm_page *pte[NBPDR];     /* NULL: nothing; accessed without a lock by walks */
	bool promoted;                  /* mapped as a superpage, of these pages */
} pmap;

static struct {
	spinlock_t lock;
	struct { int va, size; struct vm_page *page[NBPDR]; } entry[2]; /* [lock] size 0: none */
} tlb;

/* The entry that translates va; NULL: none. Under the lock. */
static inline struct vm_page *tlb_lookup(int va)
{
	for (int n = 0; n < 2; n++)
		if (va >= tlb.entry[n].va && va < tlb.entry[n].va + tlb.entry[n].size)
			return tlb.entry[n].page[va - tlb.entry[n].va];
	return NULL;
}

/* A small translation goes into the first entry, that of a superpage into the second one. */
static inline struct vm_page *tlb_fill(int va)
{
	bool super = READ_ONCE(pmap.promoted);
	int base = super ? 0 : va, size = super ? NBPDR : PAGE_SIZE;
	struct vm_page *page = READ_ONCE(pmap.pte[va]);

	if (!page)
		return NULL;
	tlb.entry[super].va = base;
	tlb.entry[super].size = size;
	for (int n = 0; n < size; n++)
		tlb.entry[super].page[n] = READ_ONCE(pmap.pte[base + n]);
	return page;
}

/* A store by the processor; false: a fault. */
static inline bool cpu_write(int va, int value)
{
	struct vm_page *page;

	spin_lock(&tlb.lock);
	page = tlb_lookup(va);
	if (page)
		pr_info("TLB hit");
	else
		page = tlb_fill(va);
	if (page)
		WRITE_ONCE(page->data, value);
	spin_unlock(&tlb.lock);
	return page;
}

/* INVLPG, or one step of INVLPGB: what translates va goes, of either size, and nothing else. */
static inline void invlpg(int va)
{
	if (!explore_optional("INVLPG"))
		return;
	spin_lock(&tlb.lock);
	for (int n = 0; n < 2; n++)
		if (va >= tlb.entry[n].va && va < tlb.entry[n].va + tlb.entry[n].size)
			tlb.entry[n].size = 0;
	spin_unlock(&tlb.lock);
	pr_info("invalidated: what translates page %d", va);
}

static inline void watch_tlb(void)
{
	for (int n = 0; n < 2; n++) {
		const char *name = n ? "TLB, superpages" : "TLB, small pages";

		if (tlb.entry[n].size)
			explore_watch(name, "page %d, %d long", tlb.entry[n].va, tlb.entry[n].size);
		else
			explore_watch_nothing(name, "-");
	}
}

#endif
