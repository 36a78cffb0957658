/* SPDX-License-Identifier: MIT */
/* mm_word.h - what Linux's names of memory management are made of, as word.h is for the others.
 * Behind it are src/checks/names/mm.c and its neighbors. */
#ifndef MMUN_LINUX_MM_WORD_H
#define MMUN_LINUX_MM_WORD_H

#include "mmun/linux/mm_types.h"
#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * rmap_walk() calls rmap_one for each entry that maps the page, in every address space, until
 * rmap_one returns false, or done, if there is one, says after a call that it was enough. An
 * entry for which invalid_vma, if there is one, returns true is left out. vma has the mm of the
 * entry, and the range that the entry maps. The entry may be gone when rmap_one is called:
 * rmap_one locks it, and looks.
 *
 * Context: with a reference to the page, and with the page lock held. May sleep.
 * Source: rmap_walk() in mm/rmap.c.
 */
struct rmap_walk_control {
	void *arg;
	bool (*rmap_one)(struct folio *folio, struct vm_area_struct *vma, unsigned long addr,
			 void *arg);
	int (*done)(struct folio *folio);
	bool (*invalid_vma)(struct vm_area_struct *vma, void *arg);
	bool try_lock, contended; /* not used: it waits for the lock of the reverse map */
};

KERNEL_PROCEDURE_(rmap_walk, (struct folio *folio, struct rmap_walk_control *rwc), (folio, rwc))

/*
 * An address space with processors and a device, for the state of a check. The set-up
 * function of the check makes it with mm_world_init(). The finish function gives it back with
 * mm_world_fini(), which finds memory that was not freed. It has no counterpart in Linux.
 */
enum { MM_WORLD_CPUS = 4 };

struct mm_world {
	struct mmun_machine *machine;
	struct mm_struct *mm;
	struct mmun_cpu *cpu[MM_WORLD_CPUS];
	struct mmun_ats *device;  /* NULL: none */
	unsigned cpus;
};

/*
 * For the watch function of a check: shows, under this name, the entry of addr and what each
 * TLB has for it. Changes nothing and takes no lock.
 */
void mm_world_watch(const struct mm_world *w, unsigned long addr, const char *name);

enum kernel_entry_op_ { KERNEL_GET_, KERNEL_SET_, KERNEL_CLEAR_, KERNEL_WRPROTECT_,
			KERNEL_MKOLD_ };
enum kernel_young_op_ { KERNEL_CLEAR_FLUSH_YOUNG_, KERNEL_CLEAR_YOUNG_, KERNEL_TEST_YOUNG_ };
enum kernel_lock_op_ { KERNEL_READ_LOCK_, KERNEL_WRITE_LOCK_, KERNEL_READ_UNLOCK_,
		       KERNEL_WRITE_UNLOCK_, KERNEL_DOWNGRADE_ };
enum kernel_page_op_ { KERNEL_PAGE_GET_, KERNEL_PAGE_TRY_GET_, KERNEL_PAGE_PUT_,
		       KERNEL_PAGE_COUNT_, KERNEL_PAGE_MAPCOUNT_, KERNEL_PAGE_LOCK_,
		       KERNEL_PAGE_TRYLOCK_, KERNEL_PAGE_UNLOCK_, KERNEL_PAGE_DIRTY_,
		       KERNEL_PAGE_IS_LOCKED_ };
enum kernel_range_op_ { KERNEL_RANGE_START_, KERNEL_RANGE_NONBLOCK_, KERNEL_RANGE_END_,
			KERNEL_RANGE_ONLY_END_ };
enum kernel_flush_ { KERNEL_FLUSH_CPUS_ = 1, KERNEL_FLUSH_SECONDARY_ = 2,
		     KERNEL_FLUSH_ARCH_ = 4 /* as in the mm's semantics */ };
enum kernel_rmap_op_ { KERNEL_RMAP_NEW_, KERNEL_RMAP_ADD_, KERNEL_RMAP_REMOVE_ };
enum kernel_pending_op_ { KERNEL_PENDING_INC_, KERNEL_PENDING_DEC_, KERNEL_PENDING_GET_,
			  KERNEL_GATHER_INC_, KERNEL_GATHER_DEC_, KERNEL_GATHER_GET_ };

bool kernel_vma_(struct mmun_mm *mm, uint64_t addr, struct vm_area_struct *ret,
		 const struct sync_site *site);
void kernel_mmap_lock_(struct mmun_mm *mm, enum kernel_lock_op_ op, const struct sync_site *site);
/* The address space of names that have none, as of the running thread. */
void kernel_current_mm_(struct mmun_mm *mm);
/* At the end of a check: pages that are still pinned are a leak. */
void kernel_pins_end_(const struct mmun_machine *machine);
bool kernel_mmap_trylock_(struct mmun_mm *mm, enum kernel_lock_op_ op,
			  const struct sync_site *site);
int kernel_mmap_killable_(struct mmun_mm *mm, enum kernel_lock_op_ op,
			  const struct kernel_at_ *at);
void kernel_mmap_assert_(struct mmun_mm *mm, bool write, const struct sync_site *site);
void kernel_vma_assert_(const struct vm_area_struct *vma, bool write,
			const struct sync_site *site);
void kernel_vma_lock_(struct mmun_mm *mm, uint64_t addr, enum kernel_lock_op_ op,
		      const struct sync_site *site);
void *kernel_pmd_(struct mmun_mm *mm, uint64_t addr, bool alloc);
void *kernel_pte_(struct mmun_mm *mm, const void *pmd, uint64_t addr, const struct sync_site *site);
void *kernel_ptl_(struct mmun_mm *mm, const void *entry);
uint64_t kernel_entry_(struct mmun_mm *mm, uint64_t addr, void *entry, enum kernel_entry_op_ op,
		       uint64_t value, const struct sync_site *site);
/* A finding if the entry names no page. */
void kernel_maps_a_page_(uint64_t entry, const char *call, const struct sync_site *site);
void kernel_migration_wait_(struct mmun_mm *mm, uint64_t entry, const struct sync_site *site);
bool kernel_page_is_locked_(const struct page *page, const struct sync_site *site);
void kernel_flush_(struct mmun_mm *mm, uint64_t start, uint64_t end, unsigned what,
		   const char *text, const struct sync_site *site);
void kernel_flush_cpu_(struct mmun_cpu *cpu, uint64_t start, uint64_t end, const char *text,
		       const struct sync_site *site);
void kernel_change_pte_(struct mmun_mm *mm, uint64_t addr, uint64_t pte,
			const struct sync_site *site);
bool kernel_young_(struct mmun_mm *mm, uint64_t start, uint64_t end, enum kernel_young_op_ op,
		   const struct sync_site *site);
int kernel_range_(struct mmu_notifier_range *range, enum kernel_range_op_ op,
		  const struct sync_site *site);
uint64_t kernel_pending_(struct mmun_mm *mm, enum kernel_pending_op_ op,
			 const struct sync_site *site);
struct page *kernel_new_page_(bool zero, const struct sync_site *site);
struct page *kernel_new_huge_(const struct sync_site *site);
uint64_t kernel_page_(struct page *page, enum kernel_page_op_ op, const char *text,
		      const struct sync_site *site);
bool kernel_page_freeze_(struct page *page, uint64_t expected, const struct sync_site *site);
void kernel_page_unfreeze_(struct page *page, uint64_t count, const struct sync_site *site);
void kernel_copy_(struct page *to, struct page *from, const struct sync_site *site);
uint64_t kernel_page_pfn_(const struct page *page);
struct page *kernel_pfn_page_(uint64_t pfn);
struct page *kernel_zero_page_(void);
uint64_t *kernel_page_memory_(const struct page *page);
unsigned kernel_page_pages_(const struct page *page, const struct sync_site *site);
void kernel_rmap_(struct page *page, const struct vm_area_struct *vma, uint64_t addr,
		  enum kernel_rmap_op_ op, const struct sync_site *site);
struct page *kernel_table_(struct mmun_mm *mm, uint64_t addr, const struct sync_site *site);
void kernel_table_free_(struct mmun_mm *mm, struct page *table, const struct sync_site *site);
bool kernel_access_cpu_(struct mmun_cpu *cpu, uint64_t addr, bool write, uint64_t *value);
bool kernel_access_device_(struct mmun_ats *device, uint64_t addr, bool write, uint64_t *value);

/* The bits of an entry. src/checks/names/mm.c compares them with the library's own. */
enum {
	KERNEL_PTE_P_ = 1 << 0, KERNEL_PTE_RW_ = 1 << 1, KERNEL_PTE_A_ = 1 << 5,
	KERNEL_PTE_D_ = 1 << 6,
	KERNEL_PTE_PS_ = 1 << 7, KERNEL_PTE_PROTNONE_ = 1 << 8, KERNEL_PTE_UFFD_WP_ = 1 << 10,
	KERNEL_PTE_SOFT_DIRTY_ = 1 << 11, KERNEL_PTE_PFN_SHIFT_ = 12,
	/* The type of an entry that is not present; two of them are a page on the move. */
	KERNEL_PTE_TYPE_ = 7 << 2, KERNEL_PTE_MIGRATION_ = 2 << 2,
	KERNEL_PTE_MIGRATION_PROTNONE_ = 6 << 2,
	KERNEL_PTE_SWAP_ = 1 << 2, KERNEL_PTE_EXCLUSIVE_ = 4 << 2, /* ... of a device */
	KERNEL_PTE_EXCL_ = 1 << 9,
};

#ifdef __cplusplus
}
#endif

#endif
