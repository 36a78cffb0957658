/* SPDX-License-Identifier: MIT */
/* pagemap.h - the locks of pages. */
#ifndef MMUN_LINUX_PAGEMAP_H
#define MMUN_LINUX_PAGEMAP_H

#include "mmun/linux/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Take, try to take (true: taken) and drop the page lock. Context: lock_page() may sleep. */
KERNEL_PAGE_DO_(lock_page, struct page, KERNEL_PAGE_LOCK_)
KERNEL_PAGE_ASK_(int, trylock_page, struct page, KERNEL_PAGE_TRYLOCK_)
KERNEL_PAGE_DO_(unlock_page, struct page, KERNEL_PAGE_UNLOCK_)
KERNEL_PAGE_DO_(folio_lock, struct folio, KERNEL_PAGE_LOCK_)
KERNEL_PAGE_ASK_(bool, folio_trylock, struct folio, KERNEL_PAGE_TRYLOCK_)
KERNEL_PAGE_DO_(folio_unlock, struct folio, KERNEL_PAGE_UNLOCK_)

/* Is it locked, by whichever thread? */
KERNEL_PAGE_ASK_(bool, PageLocked, struct page, KERNEL_PAGE_IS_LOCKED_)
KERNEL_PAGE_ASK_(bool, folio_test_locked, const struct folio, KERNEL_PAGE_IS_LOCKED_)

#define PageLocked(page) KERNEL_ON_PAGE_(PageLocked, page)
#define folio_test_locked(folio) KERNEL_ON_FOLIO_(folio_test_locked, folio)
#define lock_page(page) KERNEL_ON_PAGE_(lock_page, page)
#define trylock_page(page) KERNEL_ON_PAGE_(trylock_page, page)
#define unlock_page(page) KERNEL_ON_PAGE_(unlock_page, page)
#define folio_lock(folio) KERNEL_ON_FOLIO_(folio_lock, folio)
#define folio_trylock(folio) KERNEL_ON_FOLIO_(folio_trylock, folio)
#define folio_unlock(folio) KERNEL_ON_FOLIO_(folio_unlock, folio)

#ifdef __cplusplus
}
#endif

#endif
