/* SPDX-License-Identifier: MIT */
/* mm.h - sizes, areas, pages and their references. */
#ifndef MMUN_LINUX_MM_H
#define MMUN_LINUX_MM_H

#include "mmun/linux/mm_types.h"
#include "mmun/linux/mm_word.h"
#include "mmun/linux/mmap_lock.h"
#include "mmun/linux/slab.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- sizes ---------------------------------------------------------------- */

/*
 * The sizes are those of the checked build: a page has 32 bytes, and a table has 4 entries.
 * PMD_SIZE is what a leaf table, or a huge page, maps. TASK_SIZE is the first address that a
 * user cannot have.
 */
#define PAGE_SIZE ((unsigned long)mmun_page_size())
#define PAGE_SHIFT ((unsigned)__builtin_ctzl(PAGE_SIZE))
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PMD_SIZE ((unsigned long)mmun_huge_page_size())
#define PMD_MASK (~(PMD_SIZE - 1))
#define HPAGE_PMD_SIZE PMD_SIZE
#define HPAGE_PMD_NR ((unsigned)(PMD_SIZE / PAGE_SIZE))
#define HPAGE_PMD_ORDER ((unsigned)__builtin_ctz(HPAGE_PMD_NR))
#define TASK_SIZE ((unsigned long)mmun_task_size())

/* --- areas ---------------------------------------------------------------- */

/*
 * Returns the bounds of the area that contains addr. It is an assertion that there is one.
 *
 * Context: with a lock that keeps the area from changing: mmap_lock, or the area's. Without one
 * it is a finding if the area can change meanwhile.
 * Source: vma_lookup() in include/linux/mm.h.
 */
KERNEL_INLINE_ struct vm_area_struct kernel_vma_of_(const struct kernel_at_ *at,
						    struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct vma = { mm, 0, 0, 0 };

	EXPLORE_ASSERT(kernel_vma_(mm, addr, &vma, &at->site));
	return vma;
}

KERNEL_PASSED_(struct vm_area_struct, vma_of, (struct mm_struct *mm, unsigned long addr),
	       (mm, addr))

#define vma_of(mm, addr) KERNEL_2_(vma_of, NULL, struct mm_struct *, mm, unsigned long, addr)

/* --- pages ---------------------------------------------------------------- */

/* From a page to the number of its frame, and back. */
static inline unsigned long page_to_pfn(const struct page *page) { return kernel_page_pfn_(page); }
static inline struct page *pfn_to_page(unsigned long pfn) { return kernel_pfn_page_(pfn); }
static inline unsigned long folio_pfn(const struct folio *folio)
{
	return page_to_pfn(&folio->page);
}

static inline struct folio *page_folio(const struct page *page)
{
	return (struct folio *)(uintptr_t)page;
}

static inline struct folio *pfn_folio(unsigned long pfn) { return page_folio(pfn_to_page(pfn)); }
static inline struct page *nth_page(struct page *page, size_t n)
{
	return pfn_to_page(page_to_pfn(page) + n);
}

static inline struct page *folio_page(struct folio *folio, size_t n)
{
	return nth_page(&folio->page, n);
}

/* 1, or how many a huge page has. The caller has a reference. */
KERNEL_INLINE_ long kernel_folio_nr_pages_(const struct kernel_at_ *at, const struct folio *folio)
{
	return kernel_page_pages_(&folio->page, &at->site);
}

KERNEL_PASSED_(long, folio_nr_pages, (const struct folio *folio), (folio))

/* The words of the page, to be accessed as in READ_ONCE(page_address(page)[0]). */
static inline uint64_t *page_address(const struct page *page) { return kernel_page_memory_(page); }

/* Whether the frame is that of the page of zeros. */
static inline bool is_zero_pfn(unsigned long pfn)
{
	return pfn == page_to_pfn(kernel_zero_page_());
}

/* A page for a name that wants one, or a folio. */
#define KERNEL_PAGE_(p) ((struct page *)(uintptr_t)(const void *)(p))
#define KERNEL_FOLIO_(f) ((struct folio *)(uintptr_t)(const void *)(f))

#define page_to_pfn(page) page_to_pfn(KERNEL_PAGE_(page))
#define page_folio(page) page_folio(KERNEL_PAGE_(page))
#define folio_pfn(folio) folio_pfn(KERNEL_FOLIO_(folio))
#define folio_nr_pages(folio) KERNEL_1_(folio_nr_pages, NULL, KERNEL_FOLIO_(folio))
#define folio_page(f, n) \
	KERNEL_CALL_2_(folio_page, struct folio *, KERNEL_FOLIO_(f), size_t, n)
#define nth_page(p, n) KERNEL_CALL_2_(nth_page, struct page *, KERNEL_PAGE_(p), size_t, n)
#define page_address(page) page_address(KERNEL_PAGE_(page))
/* The page of zeros that read faults map. */
#define ZERO_PAGE(addr) ((void)(addr), kernel_zero_page_())

/* --- allocating and counting ------------------------------------------------- */

/*
 * Allocate an anonymous page. It has one reference, which is the caller's. NULL: no frame is
 * left. gfp says whether the allocation may sleep. The second name gives a page of zeros (Linux:
 * alloc_page() with __GFP_ZERO).
 */
#define KERNEL_ALLOC_PAGE_(type, name, new_page) \
	KERNEL_INLINE_ type *kernel_##name##_(const struct kernel_at_ *at, gfp_t gfp) \
	{ \
		kernel_allocates_(at, gfp); \
		return (type *)(new_page); \
	} \
	KERNEL_PASSED_(type *, name, (gfp_t gfp), (gfp))

KERNEL_ALLOC_PAGE_(struct page, alloc_page, kernel_new_page_(false, &at->site))
KERNEL_ALLOC_PAGE_(struct page, alloc_zeroed_page, kernel_new_page_(true, &at->site))
/*
 * Allocates a huge page. NULL: none is left. In a world of mm_world_init() there are two for
 * set-up, and one for each of at most two threads.
 *
 * Source: alloc_pages(gfp, HPAGE_PMD_ORDER).
 */
KERNEL_ALLOC_PAGE_(struct page, alloc_huge_page, kernel_new_huge_(&at->site))

/* order: 0, or HPAGE_PMD_ORDER. */
KERNEL_INLINE_ struct page *kernel_alloc_pages_(const struct kernel_at_ *at, gfp_t gfp,
						unsigned order)
{
	EXPLORE_ASSERT(order == 0 || order == HPAGE_PMD_ORDER);
	return order ? kernel_alloc_huge_page_(at, gfp) : kernel_alloc_page_(at, gfp);
}

KERNEL_INLINE_ struct folio *kernel_folio_alloc_(const struct kernel_at_ *at, gfp_t gfp,
						 unsigned order)
{
	return (struct folio *)kernel_alloc_pages_(at, gfp, order);
}

KERNEL_PASSED_(struct page *, alloc_pages, (gfp_t gfp, unsigned order), (gfp, order))
KERNEL_PASSED_(struct folio *, folio_alloc, (gfp_t gfp, unsigned order), (gfp, order))

#define alloc_pages(gfp, order) \
	KERNEL_2_(alloc_pages, "alloc_pages", gfp_t, gfp, unsigned, order)
#define folio_alloc(gfp, order) \
	KERNEL_2_(folio_alloc, "folio_alloc", gfp_t, gfp, unsigned, order)
#define alloc_page(gfp) KERNEL_1_(alloc_page, "alloc_page", gfp)
#define alloc_zeroed_page(gfp) KERNEL_1_(alloc_zeroed_page, "alloc_zeroed_page", gfp)
#define alloc_huge_page(gfp) KERNEL_1_(alloc_huge_page, "alloc_huge_page", gfp)

/* Take a reference; the second one fails, with false, if the page has none; give it up. The
 * number of references; the number of entries that map the page. And the same of a folio. */
#define KERNEL_PAGE_DO_(name, type, op) \
	KERNEL_INLINE_ void kernel_##name##_(const struct kernel_at_ *at, type *page) \
	{ \
		(void)kernel_page_(KERNEL_PAGE_(page), op, #name, &at->site); \
	} \
	KERNEL_PASSED_VOID_(name, (type *page), (page))
#define KERNEL_PAGE_ASK_(R, name, type, op) \
	KERNEL_INLINE_ R kernel_##name##_(const struct kernel_at_ *at, type *page) \
	{ \
		return (R)kernel_page_(KERNEL_PAGE_(page), op, #name, &at->site); \
	} \
	KERNEL_PASSED_(R, name, (type *page), (page))
#define KERNEL_ON_PAGE_(name, page) KERNEL_1_(name, NULL, KERNEL_PAGE_(page))
#define KERNEL_ON_FOLIO_(name, folio) KERNEL_1_(name, NULL, KERNEL_FOLIO_(folio))

KERNEL_PAGE_DO_(get_page, struct page, KERNEL_PAGE_GET_)
KERNEL_PAGE_ASK_(bool, try_get_page, struct page, KERNEL_PAGE_TRY_GET_)
KERNEL_PAGE_DO_(put_page, struct page, KERNEL_PAGE_PUT_)
KERNEL_PAGE_DO_(__free_page, struct page, KERNEL_PAGE_PUT_)
KERNEL_PAGE_ASK_(int, page_count, struct page, KERNEL_PAGE_COUNT_)
KERNEL_PAGE_ASK_(int, page_mapcount, struct page, KERNEL_PAGE_MAPCOUNT_)
KERNEL_PAGE_DO_(folio_get, struct folio, KERNEL_PAGE_GET_)
KERNEL_PAGE_ASK_(bool, folio_try_get, struct folio, KERNEL_PAGE_TRY_GET_)
KERNEL_PAGE_DO_(folio_put, struct folio, KERNEL_PAGE_PUT_)
KERNEL_PAGE_ASK_(int, folio_ref_count, const struct folio, KERNEL_PAGE_COUNT_)
KERNEL_PAGE_ASK_(int, folio_mapcount, const struct folio, KERNEL_PAGE_MAPCOUNT_)

KERNEL_INLINE_ bool kernel_page_mapped_(const struct kernel_at_ *at, const struct page *page)
{
	return kernel_page_(KERNEL_PAGE_(page), KERNEL_PAGE_MAPCOUNT_, "page_mapped", &at->site);
}

KERNEL_INLINE_ bool kernel_folio_mapped_(const struct kernel_at_ *at, const struct folio *folio)
{
	return kernel_page_(KERNEL_PAGE_(folio), KERNEL_PAGE_MAPCOUNT_, "folio_mapped", &at->site);
}

/*
 * Freezes the references at 0, and returns true, if there are exactly n; otherwise false.
 * The second one ends that, and leaves n references.
 */
KERNEL_INLINE_ int kernel_page_ref_freeze_(const struct kernel_at_ *at, struct page *page, int n)
{
	return kernel_page_freeze_(page, (uint64_t)n, &at->site);
}

KERNEL_INLINE_ void kernel_page_ref_unfreeze_(const struct kernel_at_ *at, struct page *page,
					      int n)
{
	kernel_page_unfreeze_(page, (uint64_t)n, &at->site);
}

KERNEL_INLINE_ int kernel_folio_ref_freeze_(const struct kernel_at_ *at, struct folio *folio,
					    int n)
{
	return kernel_page_freeze_(&folio->page, (uint64_t)n, &at->site);
}

KERNEL_INLINE_ void kernel_folio_ref_unfreeze_(const struct kernel_at_ *at, struct folio *folio,
					       int n)
{
	kernel_page_unfreeze_(&folio->page, (uint64_t)n, &at->site);
}

KERNEL_PASSED_(bool, page_mapped, (const struct page *page), (page))
KERNEL_PASSED_(bool, folio_mapped, (const struct folio *folio), (folio))
KERNEL_PASSED_(int, page_ref_freeze, (struct page *page, int n), (page, n))
KERNEL_PASSED_VOID_(page_ref_unfreeze, (struct page *page, int n), (page, n))
KERNEL_PASSED_(int, folio_ref_freeze, (struct folio *folio, int n), (folio, n))
KERNEL_PASSED_VOID_(folio_ref_unfreeze, (struct folio *folio, int n), (folio, n))

#define get_page(page) KERNEL_ON_PAGE_(get_page, page)
#define try_get_page(page) KERNEL_ON_PAGE_(try_get_page, page)
#define put_page(page) KERNEL_ON_PAGE_(put_page, page)
#define __free_page(page) KERNEL_ON_PAGE_(__free_page, page)
#define page_count(page) KERNEL_ON_PAGE_(page_count, page)
#define page_mapcount(page) KERNEL_ON_PAGE_(page_mapcount, page)
#define page_mapped(page) KERNEL_ON_PAGE_(page_mapped, page)
#define folio_get(folio) KERNEL_ON_FOLIO_(folio_get, folio)
#define folio_try_get(folio) KERNEL_ON_FOLIO_(folio_try_get, folio)
#define folio_put(folio) KERNEL_ON_FOLIO_(folio_put, folio)
#define folio_ref_count(folio) KERNEL_ON_FOLIO_(folio_ref_count, folio)
#define folio_mapcount(folio) KERNEL_ON_FOLIO_(folio_mapcount, folio)
#define folio_mapped(folio) KERNEL_ON_FOLIO_(folio_mapped, folio)
#define page_ref_freeze(p, n) \
	KERNEL_2_(page_ref_freeze, NULL, struct page *, KERNEL_PAGE_(p), int, n)
#define page_ref_unfreeze(p, n) \
	KERNEL_2_(page_ref_unfreeze, NULL, struct page *, KERNEL_PAGE_(p), int, n)
#define folio_ref_freeze(f, n) \
	KERNEL_2_(folio_ref_freeze, NULL, struct folio *, KERNEL_FOLIO_(f), int, n)
#define folio_ref_unfreeze(f, n) \
	KERNEL_2_(folio_ref_unfreeze, NULL, struct folio *, KERNEL_FOLIO_(f), int, n)

/* Notes that the page was written by an entry that is gone. mmun_object_clean() finds and
 * forgets it. */
KERNEL_INLINE_ bool kernel_set_page_dirty_(const struct kernel_at_ *at, struct page *page)
{
	return kernel_page_(page, KERNEL_PAGE_DIRTY_, "set_page_dirty", &at->site);
}

KERNEL_INLINE_ bool kernel_folio_mark_dirty_(const struct kernel_at_ *at, struct folio *folio)
{
	return kernel_page_(&folio->page, KERNEL_PAGE_DIRTY_, "folio_mark_dirty", &at->site);
}

KERNEL_PASSED_(bool, set_page_dirty, (struct page *page), (page))
KERNEL_PASSED_(bool, folio_mark_dirty, (struct folio *folio), (folio))

#define set_page_dirty(page) KERNEL_ON_PAGE_(set_page_dirty, page)
#define folio_mark_dirty(folio) KERNEL_ON_FOLIO_(folio_mark_dirty, folio)

#ifdef __cplusplus
}
#endif

#endif
