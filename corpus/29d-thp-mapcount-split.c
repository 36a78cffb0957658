/* SPDX-License-Identifier: MIT */
/*
 * 29d: a huge page's mapcount is read while a split moves it to the small pages
 *
 * Linux: CVE-2020-29368, c444eb564fb16645c172d550359cb3d75fe8a040
 * Class: G
 *
 * A huge page has one count of those who map it whole, and each of its small pages one of those
 * who map it singly; a flag, DoubleMap, says that the small counts are one too high because
 * somebody still maps the whole. A write fault adds these up one after the other to know whether
 * it is alone and may write in place. Another process that shares the page by fork can split its
 * own entry at that time, which moves its share from the one count to the others: the fault reads
 * the small counts before and the rest after, and misses it. It then writes to a page that the
 * other process maps as well. The two hold different page table locks. The bug was repaired by
 * the lock of the page, which the fault holds, around the split. (Page locks come before page
 * table locks: Linux tries, and drops the one for the other.)
 *
 *	CPU 0, write fault of process B		CPU 1, split in process A
 *	1 small counts 0, no DoubleMap
 *						2 small counts + 1; DoubleMap, + 1
 *						3 whole count: 2 - 1
 *	4 whole count 1
 *	5 0 + 1 <= 1: write in place
 *						6 read: B's data
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { HPAGE_PMD_NR = 2 };
enum { BEFORE_FORK, OF_B };

struct huge_page {
	struct mutex lock;                      /* PG_locked */
	atomic_t compound_mapcount;
	int double_map;                         /* a page flag */
	struct { atomic_t _mapcount; int data; } page[HPAGE_PMD_NR];
};

static struct huge_page thp, copy;
static spinlock_t pmd_lock_a, pmd_lock_b;       /* each process has its own */
static struct huge_page *pmd_b = &thp;          /* [pmd_lock_b] */

/* In how many page tables is the small page that is mapped most? */
static int page_trans_huge_mapcount(struct huge_page *page)
{
	int ret = 0;

	for (int i = 0; i < HPAGE_PMD_NR; i++) {
		int mapcount = atomic_read(&page->page[i]._mapcount);   /* 1 */

		ret = mapcount > ret ? mapcount : ret;
	}
	if (READ_ONCE(page->double_map))
		ret--;
	return ret + atomic_read(&page->compound_mapcount);             /* 4 */
}

static void do_huge_pmd_wp_page(void)
{
	mutex_lock(&thp.lock);
	spin_lock(&pmd_lock_b);
	if (page_trans_huge_mapcount(&thp) <= 1) {                      /* 5 */
		pr_info("nobody else maps it: write in place");
	} else {
		pr_info("somebody else maps it: copy");
		for (int i = 0; i < HPAGE_PMD_NR; i++)
			copy.page[i].data = READ_ONCE(thp.page[i].data);
		pmd_b = &copy;
		atomic_dec(&thp.compound_mapcount);
	}
	WRITE_ONCE(pmd_b->page[0].data, OF_B);
	spin_unlock(&pmd_lock_b);
	mutex_unlock(&thp.lock);
}

static void __split_huge_pmd_locked(void)
{
	for (int i = 0; i < HPAGE_PMD_NR; i++)                          /* 2 */
		atomic_inc(&thp.page[i]._mapcount);

	if (atomic_read(&thp.compound_mapcount) > 1 && !xchg(&thp.double_map, 1))
		for (int i = 0; i < HPAGE_PMD_NR; i++)
			atomic_inc(&thp.page[i]._mapcount);

	if (atomic_dec_and_test(&thp.compound_mapcount) &&              /* 3 */
	    xchg(&thp.double_map, 0))
		for (int i = 0; i < HPAGE_PMD_NR; i++)
			atomic_dec(&thp.page[i]._mapcount);
	pr_info("A maps the small pages");
}

static void __split_huge_pmd(void)
{
	if (fixed)
		mutex_lock(&thp.lock);
	spin_lock(&pmd_lock_a);
	__split_huge_pmd_locked();
	spin_unlock(&pmd_lock_a);
	if (fixed)
		mutex_unlock(&thp.lock);
}

static void setup(void)
{
	atomic_set(&thp.compound_mapcount, 2);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		do_huge_pmd_wp_page();
		break;
	case 1:
		__split_huge_pmd();
		if (READ_ONCE(thp.page[0].data) == OF_B)                /* 6 */
			explore_fail(ORACLE_CONDITION, "A reads what B wrote after the fork");
		break;
	}
}

static const char *const names[] = { "write fault of B", "split in A" };

CORPUS_ENTRY("condition")
