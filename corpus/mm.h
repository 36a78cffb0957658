/* SPDX-License-Identifier: MIT */
/*
 * mm.h - for entries of the corpus: a processor that keeps upper entries of the page table.
 *
 * The vm's TLBs keep translations of pages, and walk from the top on each miss. Processors
 * also have paging-structure caches, which keep what upper entries were: a walk may begin at the
 * table that such a cache names, whatever the entry is by then, and may be speculative. This is
 * one of them, for one address. A walk and an invalidation exclude each other by its lock,
 * because an invalidation waits for the walks that are under way.
 */
#ifndef CORPUS_MM_H
#define CORPUS_MM_H

#include <mmun/kernel_mm.h>

struct walk_cache {
	spinlock_t lock;
	pmd_t pmd;              /* [lock] none: nothing is kept */
};

/* A walk that fills the cache, and sets no bits; 0 if there is no table. */
static inline pte_t walk_page_table(struct walk_cache *cache, struct mm_struct *mm,
				    unsigned long addr)
{
	pte_t pte = __pte(0);
	pmd_t pmd;

	spin_lock(&cache->lock);
	pmd = cache->pmd;
	if (pmd_none(pmd))
		pmd = pmdp_get(pmd_off(mm, addr));
	else
		pr_info("the walk begins at the table in frame %lu", pmd_pfn(pmd));
	cache->pmd = pmd;
	if (pmd_present(pmd))
		pte = ptep_get(pte_offset_map(mm, &cache->pmd, addr));
	spin_unlock(&cache->lock);
	return pte;
}

static inline void flush_walk_cache(struct walk_cache *cache)
{
	const pmd_t none = __pmd(0);

	if (!explore_optional("paging-structure cache"))
		return;
	spin_lock(&cache->lock);
	cache->pmd = none;
	spin_unlock(&cache->lock);
	pr_info("paging-structure cache flushed");
}

static inline void watch_walk_cache(const struct walk_cache *cache)
{
	if (pmd_none(cache->pmd))
		explore_watch_nothing("paging-structure cache", "-");
	else
		explore_watch("paging-structure cache", "table in frame %lu", pmd_pfn(cache->pmd));
}

#endif
