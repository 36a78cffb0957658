/* SPDX-License-Identifier: MIT */
/* gup.h - looking pages up by address, with a reference or a pin. In Linux it is part of mm.h. */
#ifndef MMUN_LINUX_GUP_H
#define MMUN_LINUX_GUP_H

#include "mmun/linux/mm.h"
#include "mmun/linux/pagemap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For looking up. The third one is implied by the names that pin, and the second by the others. */
enum { FOLL_WRITE = 0x01, FOLL_GET = 0x02, FOLL_LONGTERM = 0x100, FOLL_PIN = 0x80000 };

/*
 * Look up the pages of nr_pages addresses from start on: for reading, or with FOLL_WRITE for
 * writing too. A page that is not there is faulted in. get_user_pages() and its like take a
 * reference to each page, which put_page() gives up; pages may be NULL. pin_user_pages() and its
 * like take a pin, which unpin_user_page() gives up: such a page is not migrated or reclaimed, and
 * fork does not share it. They return how many pages there are; if there is none: -EFAULT or
 * -ENOMEM. Words of a page are accessed as in READ_ONCE(page_address(page)[0]).
 *
 * Names without an mm are about the address space that mm_world_init() has made, as if it were
 * that of the running thread.
 *
 * Mistakes are findings of "lifetime": giving up a pin as a reference, when the page goes;
 * unpinning what is not pinned. A page that is pinned at the end is a leak.
 *
 * Context: may sleep. get_user_pages(), pin_user_pages() and the _remote ones want mmap_lock
 * held, and do not let it go: *locked stays as it is. The others take it, or need no lock; the
 * caller must not hold it. _fast_only does not sleep, and returns 0 where a lock is needed.
 * Source: mm/gup.c.
 */
enum kernel_gup_ { KERNEL_GUP_LOCKED_, KERNEL_GUP_UNLOCKED_, KERNEL_GUP_FAST_,
		   KERNEL_GUP_FAST_ONLY_ };

long kernel_gup_(const struct kernel_at_ *at, const char *call, enum kernel_gup_ how,
		 struct mm_struct *mm, uint64_t start, uint64_t pages, unsigned foll,
		 struct page **ret_pages);
void kernel_unpin_(struct page *page, const struct sync_site *site);
bool kernel_is_pinned_(struct page *page, const struct sync_site *site);

#define KERNEL_GUP_PAGES_(type, name, how, pin) \
	KERNEL_INLINE_ type kernel_##name##_(const struct kernel_at_ *at, unsigned long start, \
					     unsigned long nr_pages, unsigned gup_flags, \
					     struct page **pages) \
	{ \
		return (type)kernel_gup_(at, #name, how, NULL, start, nr_pages, \
					 (gup_flags & ~(unsigned)FOLL_PIN) | (pin), pages); \
	} \
	KERNEL_PASSED_(type, name, (unsigned long start, unsigned long nr_pages, \
				    unsigned gup_flags, struct page **pages), \
		       (start, nr_pages, gup_flags, pages))
#define KERNEL_GUP_REMOTE_(name, pin) \
	KERNEL_INLINE_ long kernel_##name##_(const struct kernel_at_ *at, struct mm_struct *mm, \
					     unsigned long start, unsigned long nr_pages, \
					     unsigned gup_flags, struct page **pages, int *locked) \
	{ \
		(void)locked; \
		return kernel_gup_(at, #name, KERNEL_GUP_LOCKED_, mm, start, nr_pages, \
				   (gup_flags & ~(unsigned)FOLL_PIN) | (pin), pages); \
	} \
	KERNEL_PASSED_(long, name, (struct mm_struct *mm, unsigned long start, \
				    unsigned long nr_pages, unsigned gup_flags, \
				    struct page **pages, int *locked), \
		       (mm, start, nr_pages, gup_flags, pages, locked))
#define KERNEL_GUP_UNLOCKED_PAGES_(name, pin) \
	KERNEL_INLINE_ long kernel_##name##_(const struct kernel_at_ *at, unsigned long start, \
					     unsigned long nr_pages, struct page **pages, \
					     unsigned gup_flags) \
	{ \
		return kernel_gup_(at, #name, KERNEL_GUP_UNLOCKED_, NULL, start, nr_pages, \
				   (gup_flags & ~(unsigned)FOLL_PIN) | (pin), pages); \
	} \
	KERNEL_PASSED_(long, name, (unsigned long start, unsigned long nr_pages, \
				    struct page **pages, unsigned gup_flags), \
		       (start, nr_pages, pages, gup_flags))

KERNEL_GUP_PAGES_(long, get_user_pages, KERNEL_GUP_LOCKED_, 0)
KERNEL_GUP_PAGES_(long, pin_user_pages, KERNEL_GUP_LOCKED_, FOLL_PIN)
KERNEL_GUP_PAGES_(int, get_user_pages_fast, KERNEL_GUP_FAST_, 0)
KERNEL_GUP_PAGES_(int, pin_user_pages_fast, KERNEL_GUP_FAST_, FOLL_PIN)
KERNEL_GUP_PAGES_(int, get_user_pages_fast_only, KERNEL_GUP_FAST_ONLY_, 0)
KERNEL_GUP_REMOTE_(get_user_pages_remote, 0)
KERNEL_GUP_REMOTE_(pin_user_pages_remote, FOLL_PIN)
KERNEL_GUP_UNLOCKED_PAGES_(get_user_pages_unlocked, 0)
KERNEL_GUP_UNLOCKED_PAGES_(pin_user_pages_unlocked, FOLL_PIN)

#define KERNEL_GUP_CALL_(name, start, n, flags, pages) \
	KERNEL_4_(name, NULL, unsigned long, start, unsigned long, n, unsigned, flags, \
		  struct page **, pages)
#define get_user_pages(start, n, flags, pages) \
	KERNEL_GUP_CALL_(get_user_pages, start, n, flags, pages)
#define pin_user_pages(start, n, flags, pages) \
	KERNEL_GUP_CALL_(pin_user_pages, start, n, flags, pages)
#define get_user_pages_fast(start, n, flags, pages) \
	KERNEL_GUP_CALL_(get_user_pages_fast, start, n, flags, pages)
#define pin_user_pages_fast(start, n, flags, pages) \
	KERNEL_GUP_CALL_(pin_user_pages_fast, start, n, flags, pages)
#define get_user_pages_fast_only(start, n, flags, pages) \
	KERNEL_GUP_CALL_(get_user_pages_fast_only, start, n, flags, pages)
#define KERNEL_GUP_UNLOCKED_CALL_(name, start, n, pages, flags) \
	KERNEL_4_(name, NULL, unsigned long, start, unsigned long, n, struct page **, pages, \
		  unsigned, flags)
#define get_user_pages_unlocked(start, n, pages, flags) \
	KERNEL_GUP_UNLOCKED_CALL_(get_user_pages_unlocked, start, n, pages, flags)
#define pin_user_pages_unlocked(start, n, pages, flags) \
	KERNEL_GUP_UNLOCKED_CALL_(pin_user_pages_unlocked, start, n, pages, flags)
#define KERNEL_GUP_REMOTE_CALL_(name, mm, start, n, flags, pages, locked) __extension__({ \
	struct mm_struct *kernel_mm_ = (mm); \
	unsigned long kernel_start_ = (start); \
	unsigned long kernel_n_ = (n); \
	unsigned kernel_flags_ = (flags); \
	struct page **kernel_pages_ = (pages); \
	kernel_##name##_(KERNEL_AT_(NULL), kernel_mm_, kernel_start_, kernel_n_, kernel_flags_, \
			 kernel_pages_, (locked)); })
#define get_user_pages_remote(mm, start, n, flags, pages, locked) \
	KERNEL_GUP_REMOTE_CALL_(get_user_pages_remote, mm, start, n, flags, pages, locked)
#define pin_user_pages_remote(mm, start, n, flags, pages, locked) \
	KERNEL_GUP_REMOTE_CALL_(pin_user_pages_remote, mm, start, n, flags, pages, locked)

/* Give up a pin. _dirty_lock: notes first that the pages were written; may sleep then. */
KERNEL_INLINE_ void kernel_unpin_user_page_(const struct kernel_at_ *at, struct page *page)
{
	kernel_unpin_(page, &at->site);
	(void)kernel_page_(page, KERNEL_PAGE_PUT_, "unpin_user_page", &at->site);
}

KERNEL_INLINE_ void kernel_unpin_user_pages_(const struct kernel_at_ *at, struct page **pages,
					     unsigned long npages)
{
	for (unsigned long n = 0; n < npages; n++)
		kernel_unpin_user_page_(at, pages[n]);
}

/* As set_page_dirty(), with the page lock. Context: may sleep. */
KERNEL_INLINE_ int kernel_set_page_dirty_lock_(const struct kernel_at_ *at, struct page *page)
{
	bool dirty;

	kernel_lock_page_(at, page);
	dirty = kernel_set_page_dirty_(at, page);
	kernel_unlock_page_(at, page);
	return dirty;
}

KERNEL_INLINE_ void kernel_unpin_user_pages_dirty_lock_(const struct kernel_at_ *at,
							struct page **pages,
							unsigned long npages, bool make_dirty)
{
	for (unsigned long n = 0; n < npages; n++) {
		if (make_dirty)
			(void)kernel_set_page_dirty_lock_(at, pages[n]);
		kernel_unpin_user_page_(at, pages[n]);
	}
}

/* Is the page pinned? In Linux the answer may be wrong for a page with many references. */
KERNEL_INLINE_ bool kernel_page_maybe_dma_pinned_(const struct kernel_at_ *at, struct page *page)
{
	return kernel_is_pinned_(page, &at->site);
}

KERNEL_INLINE_ bool kernel_folio_maybe_dma_pinned_(const struct kernel_at_ *at,
						   struct folio *folio)
{
	return kernel_is_pinned_(&folio->page, &at->site);
}

KERNEL_PASSED_VOID_(unpin_user_page, (struct page *page), (page))
KERNEL_PASSED_VOID_(unpin_user_pages, (struct page **pages, unsigned long npages),
		    (pages, npages))
KERNEL_PASSED_(int, set_page_dirty_lock, (struct page *page), (page))
KERNEL_PASSED_VOID_(unpin_user_pages_dirty_lock, (struct page **pages, unsigned long npages,
						  bool make_dirty), (pages, npages, make_dirty))
KERNEL_PASSED_(bool, page_maybe_dma_pinned, (struct page *page), (page))
KERNEL_PASSED_(bool, folio_maybe_dma_pinned, (struct folio *folio), (folio))

#define unpin_user_page(page) KERNEL_ON_PAGE_(unpin_user_page, page)
#define unpin_user_pages(pages, n) \
	KERNEL_2_(unpin_user_pages, NULL, struct page **, pages, unsigned long, n)
#define set_page_dirty_lock(page) KERNEL_ON_PAGE_(set_page_dirty_lock, page)
#define unpin_user_pages_dirty_lock(pages, n, dirty) KERNEL_3_(unpin_user_pages_dirty_lock, NULL, \
	struct page **, pages, unsigned long, n, bool, dirty)
#define page_maybe_dma_pinned(page) KERNEL_ON_PAGE_(page_maybe_dma_pinned, page)
#define folio_maybe_dma_pinned(folio) KERNEL_ON_FOLIO_(folio_maybe_dma_pinned, folio)

#ifdef __cplusplus
}
#endif

#endif
