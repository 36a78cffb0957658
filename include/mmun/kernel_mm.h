/* SPDX-License-Identifier: MIT */
/*
 * kernel_mm.h - Linux's names for page-table code in checks: entries and their locks, TLB
 * flushes, MMU notifiers of both semantics, pages, the reverse map, the gather. They work
 * on the address spaces of mmun/mmun.h: what a check changes here is seen by that library's
 * own operations, by its processors and by its devices.
 *
 * An update of a page table that was copied from the kernel needs other includes and little
 * else; docs/porting.md has a worked example. The names have the arguments of Linux 6.12,
 * if it has them. There are three differences:
 *	- A struct vm_area_struct is a copy of an area's bounds, which vma_of() fetches. It is
 *	  no part of the mm.
 *	- A folio is a page.
 *	- PAGE_SIZE is small: see mmun_page_size().
 *
 * Rules. These are checked where a name is used, and a violation is a finding of the oracle
 * "protocol":
 *	- An entry is changed under its lock.
 *	- A present entry, or a table with one in it, is removed, moved to another page, or
 *	  stripped of its write permission only between mmu_notifier_invalidate_range_start()
 *	  and _end() of its address by the same thread.
 *	- Each start has its end.
 *	- What is changed as an entry is in a page table, and what is named as a page table
 *	  is one.
 * Freed pages and page tables must not be accessed ("lifetime"). Memory must be given back
 * ("leak", if the check has a finish function that destroys the machine).
 *
 * Context. Addresses and lengths are in bytes. All names may be used in the threads of a
 * check; those that wait for nothing also in set-up and at the end. Unless a comment says
 * otherwise a name does not block, and needs no lock besides those that the rules demand.
 * "May sleep" means that no spin lock may be held ("atomic-sleep").
 *
 * Each comment names the function of Linux, if the name is not Linux's own.
 *
 * Flushes and notifications can be left out one by one: "mmun when --superfluous FILE".
 */
#ifndef MMUN_KERNEL_MM_H
#define MMUN_KERNEL_MM_H

#include "mmun/kernel.h"
#include "mmun/mmun.h"

#ifdef __cplusplus
extern "C" {
#endif

#define mm_struct mmun_mm
#define folio page

struct page; /* a page frame, which holds a page or a page table */

/* The bounds of an area when they were fetched. */
struct vm_area_struct {
	struct mm_struct *vm_mm;
	unsigned long vm_start, vm_end; /* bytes */
	int vm_prot;                    /* MMUN_PROT_* */
};

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

/*
 * rmap_walk() calls rmap_one for each entry that maps the page, in every address space, until
 * rmap_one returns false. vma has the mm of the entry, and the range that the entry maps. The
 * entry may be gone when rmap_one is called: rmap_one locks it, and looks.
 *
 * Context: with a reference to the page, and with the page lock held. May sleep.
 * Source: rmap_walk() in mm/rmap.c.
 */
struct rmap_walk_control {
	void *arg;
	bool (*rmap_one)(struct page *page, struct vm_area_struct *vma, unsigned long addr,
			 void *arg);
};

void rmap_walk(struct page *page, struct rmap_walk_control *rwc);

/* --- what the names below are made of; not for checks ----------------------- */

enum kernel_entry_op_ { KERNEL_GET_, KERNEL_SET_, KERNEL_CLEAR_, KERNEL_WRPROTECT_ };
enum kernel_lock_op_ { KERNEL_READ_LOCK_, KERNEL_WRITE_LOCK_, KERNEL_READ_UNLOCK_,
		       KERNEL_WRITE_UNLOCK_ };
enum kernel_page_op_ { KERNEL_PAGE_GET_, KERNEL_PAGE_TRY_GET_, KERNEL_PAGE_PUT_,
		       KERNEL_PAGE_COUNT_, KERNEL_PAGE_MAPCOUNT_, KERNEL_PAGE_LOCK_,
		       KERNEL_PAGE_TRYLOCK_, KERNEL_PAGE_UNLOCK_, KERNEL_PAGE_DIRTY_ };
enum kernel_range_op_ { KERNEL_RANGE_START_, KERNEL_RANGE_NONBLOCK_, KERNEL_RANGE_END_,
			KERNEL_RANGE_ONLY_END_ };
enum kernel_flush_ { KERNEL_FLUSH_CPUS_ = 1, KERNEL_FLUSH_SECONDARY_ = 2,
		     KERNEL_FLUSH_ARCH_ = 4 /* as in the mm's semantics */ };
enum kernel_rmap_op_ { KERNEL_RMAP_NEW_, KERNEL_RMAP_ADD_, KERNEL_RMAP_REMOVE_ };
enum kernel_pending_op_ { KERNEL_PENDING_INC_, KERNEL_PENDING_DEC_, KERNEL_PENDING_GET_,
			  KERNEL_GATHER_INC_, KERNEL_GATHER_DEC_, KERNEL_GATHER_GET_ };

bool kernel_vma_(struct mmun_mm *mm, uint64_t addr, struct vm_area_struct *ret);
void kernel_mmap_lock_(struct mmun_mm *mm, enum kernel_lock_op_ op, const struct sync_site *site);
void kernel_vma_lock_(struct mmun_mm *mm, uint64_t addr, enum kernel_lock_op_ op,
		      const struct sync_site *site);
void *kernel_pmd_(struct mmun_mm *mm, uint64_t addr, bool alloc);
void *kernel_pte_(struct mmun_mm *mm, const void *pmd, uint64_t addr, const struct sync_site *site);
void *kernel_ptl_(struct mmun_mm *mm, const void *entry);
uint64_t kernel_entry_(struct mmun_mm *mm, uint64_t addr, void *entry, enum kernel_entry_op_ op,
		       uint64_t value, const struct sync_site *site);
void kernel_flush_(struct mmun_mm *mm, uint64_t start, uint64_t end, unsigned what,
		   const char *text, const struct sync_site *site);
void kernel_flush_cpu_(struct mmun_cpu *cpu, uint64_t start, uint64_t end, const char *text,
		       const struct sync_site *site);
void kernel_change_pte_(struct mmun_mm *mm, uint64_t addr, uint64_t pte,
			const struct sync_site *site);
int kernel_range_(struct mmu_notifier_range *range, enum kernel_range_op_ op,
		  const struct sync_site *site);
uint64_t kernel_pending_(struct mmun_mm *mm, enum kernel_pending_op_ op,
			 const struct sync_site *site);
struct page *kernel_alloc_page_(bool zero, const struct sync_site *site);
struct page *kernel_alloc_huge_(const struct sync_site *site);
uint64_t kernel_page_(struct page *page, enum kernel_page_op_ op, const char *text,
		      const struct sync_site *site);
bool kernel_page_freeze_(struct page *page, uint64_t expected, const struct sync_site *site);
void kernel_page_unfreeze_(struct page *page, uint64_t count, const struct sync_site *site);
void kernel_copy_(struct page *to, struct page *from, const struct sync_site *site);
uint64_t kernel_page_pfn_(const struct page *page);
struct page *kernel_pfn_page_(uint64_t pfn);
struct page *kernel_zero_page_(void);
uint64_t *kernel_page_memory_(const struct page *page);
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
};

#ifndef KERNEL_MM_IMPLEMENTATION_

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
#define TASK_SIZE ((unsigned long)mmun_task_size())

/* --- areas, and the locks of an address space ----------------------------- */

/*
 * Returns the bounds of the area that contains addr. It is an assertion that there is one.
 *
 * Context: with a lock that keeps the area from changing: mmap_lock, or the area's.
 * Source: vma_lookup() in include/linux/mm.h.
 */
static inline struct vm_area_struct vma_of(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct vma = { mm, 0, 0, 0 };

	EXPLORE_ASSERT(kernel_vma_(mm, addr, &vma));
	return vma;
}

/* Take and drop mmap_lock, for reading or for writing. Context: the locks may sleep. */
#define mmap_read_lock(mm) kernel_mmap_lock_((mm), KERNEL_READ_LOCK_, KERNEL_SITE_)
#define mmap_read_unlock(mm) kernel_mmap_lock_((mm), KERNEL_READ_UNLOCK_, KERNEL_SITE_)
#define mmap_write_lock(mm) kernel_mmap_lock_((mm), KERNEL_WRITE_LOCK_, KERNEL_SITE_)
/* Also drops the locks of all areas that vma_start_write() has locked. */
#define mmap_write_unlock(mm) kernel_mmap_lock_((mm), KERNEL_WRITE_UNLOCK_, KERNEL_SITE_)
/*
 * Takes the lock of an area for reading. It waits for a writer, where Linux's returns false
 * and has its caller take mmap_lock. Context: may sleep; without mmap_lock.
 */
#define vma_start_read(vma) kernel_vma_lock_((vma)->vm_mm, (vma)->vm_start, KERNEL_READ_LOCK_, \
	KERNEL_SITE_)
/* Drops the lock of an area that vma_start_read() has taken. */
#define vma_end_read(vma) kernel_vma_lock_((vma)->vm_mm, (vma)->vm_start, KERNEL_READ_UNLOCK_, \
	KERNEL_SITE_)
/*
 * Locks an area for writing until mmap_write_unlock(), and waits for its readers.
 * Context: with mmap_lock held for writing; may sleep.
 */
#define vma_start_write(vma) kernel_vma_lock_((vma)->vm_mm, (vma)->vm_start, \
	KERNEL_WRITE_LOCK_, KERNEL_SITE_)

/* --- entries: values ------------------------------------------------------ */

/* Values only: nothing in this section accesses a page table. */
typedef struct { uint64_t pte; } pte_t; /* an entry that maps a page */
typedef struct { uint64_t pmd; } pmd_t; /* an entry that names a leaf table, or maps a huge page */
typedef struct { uint64_t pgprot; } pgprot_t; /* what an entry allows */

/* Read-only; readable and writable; no access (Linux: PROT_NONE). */
#define PAGE_READONLY ((pgprot_t){ KERNEL_PTE_P_ | KERNEL_PTE_A_ })
#define PAGE_SHARED ((pgprot_t){ KERNEL_PTE_P_ | KERNEL_PTE_A_ | KERNEL_PTE_RW_ })
#define PAGE_NONE ((pgprot_t){ KERNEL_PTE_PROTNONE_ | KERNEL_PTE_A_ })

/*
 * For pte_t (pte_...) and pmd_t (pmd_...):
 *	_present, _write, _dirty, _young, _protnone, _uffd_wp, _soft_dirty
 *		does the entry have this property? A PROT_NONE entry is present, too.
 *	_mkwrite_novma, _wrprotect, _mkdirty, _mkclean, _mkyoung, _mkold,
 *	_mkuffd_wp, _clear_uffd_wp, _clear_soft_dirty
 *		the entry with, or without, a property. _mkdirty sets soft-dirty too, and
 *		_mkuffd_wp also write-protects.
 *	_none   is the entry empty?
 *	_same   are two entries the same?
 *	_pfn    the number of the frame that the entry maps or names
 *	_modify the entry with what it allows replaced
 */
#define KERNEL_BIT_(type, field, name, bit) \
	static inline bool type##_##name(type##_t e) { return e.field & (bit); }
#define KERNEL_WITH_(type, field, name, clear, set) \
	static inline type##_t type##_##name(type##_t e) \
	{ \
		e.field = (e.field & ~(uint64_t)(clear)) | (uint64_t)(set); \
		return e; \
	}
#define KERNEL_ENTRY_(type, field) \
	KERNEL_BIT_(type, field, present, KERNEL_PTE_P_ | KERNEL_PTE_PROTNONE_) \
	KERNEL_BIT_(type, field, write, KERNEL_PTE_RW_) \
	KERNEL_BIT_(type, field, dirty, KERNEL_PTE_D_) \
	KERNEL_BIT_(type, field, young, KERNEL_PTE_A_) \
	KERNEL_BIT_(type, field, protnone, KERNEL_PTE_PROTNONE_) \
	KERNEL_BIT_(type, field, uffd_wp, KERNEL_PTE_UFFD_WP_) \
	KERNEL_BIT_(type, field, soft_dirty, KERNEL_PTE_SOFT_DIRTY_) \
	KERNEL_WITH_(type, field, mkwrite_novma, 0, KERNEL_PTE_RW_) \
	KERNEL_WITH_(type, field, wrprotect, KERNEL_PTE_RW_, 0) \
	KERNEL_WITH_(type, field, mkdirty, 0, KERNEL_PTE_D_ | KERNEL_PTE_SOFT_DIRTY_) \
	KERNEL_WITH_(type, field, mkclean, KERNEL_PTE_D_, 0) \
	KERNEL_WITH_(type, field, mkyoung, 0, KERNEL_PTE_A_) \
	KERNEL_WITH_(type, field, mkold, KERNEL_PTE_A_, 0) \
	KERNEL_WITH_(type, field, mkuffd_wp, KERNEL_PTE_RW_, KERNEL_PTE_UFFD_WP_) \
	KERNEL_WITH_(type, field, clear_uffd_wp, KERNEL_PTE_UFFD_WP_, 0) \
	KERNEL_WITH_(type, field, clear_soft_dirty, KERNEL_PTE_SOFT_DIRTY_, 0) \
	static inline bool type##_none(type##_t e) { return !e.field; } \
	static inline bool type##_same(type##_t a, type##_t b) { return a.field == b.field; } \
	static inline unsigned long type##_pfn(type##_t e) \
	{ \
		return e.field >> KERNEL_PTE_PFN_SHIFT_; \
	} \
	static inline type##_t type##_modify(type##_t e, pgprot_t prot) \
	{ \
		uint64_t kept = ~(uint64_t)(KERNEL_PTE_P_ | KERNEL_PTE_RW_ | \
					    KERNEL_PTE_PROTNONE_); \
		\
		e.field = (e.field & kept) | prot.pgprot; \
		return e; \
	}

KERNEL_ENTRY_(pte, pte)
KERNEL_ENTRY_(pmd, pmd)

static inline pte_t kernel_as_pte_(uint64_t v)
{
	pte_t e = { v };

	return e;
}

static inline pmd_t kernel_as_pmd_(uint64_t v)
{
	pmd_t e = { v };

	return e;
}

/* The entry made writable. vma is not used. */
#define pte_mkwrite(pte, vma) ((void)(vma), pte_mkwrite_novma(pte))
#define pmd_mkwrite(pmd, vma) ((void)(vma), pmd_mkwrite_novma(pmd))
/* From and to the bits of an entry. */
#define __pte(v) kernel_as_pte_(v)
#define __pmd(v) kernel_as_pmd_(v)
#define pte_val(e) ((e).pte)
#define pmd_val(e) ((e).pmd)

/* Does the entry map a huge page? */
static inline bool pmd_trans_huge(pmd_t e) { return e.pmd & KERNEL_PTE_PS_; }
#define pmd_leaf pmd_trans_huge
static inline bool is_swap_pte(pte_t e) { return !pte_none(e) && !pte_present(e); }
static inline bool is_migration_pte(pte_t e)
{
	return (e.pte & KERNEL_PTE_TYPE_) == KERNEL_PTE_MIGRATION_ ||
	       (e.pte & KERNEL_PTE_TYPE_) == KERNEL_PTE_MIGRATION_PROTNONE_;
}

/* An entry that maps this frame. */
static inline pte_t pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return __pte((uint64_t)pfn << KERNEL_PTE_PFN_SHIFT_ | prot.pgprot);
}

/* From a page to the number of its frame and to an entry, and back. */
#define page_to_pfn(page) ((unsigned long)kernel_page_pfn_(page))
#define pfn_to_page(pfn) kernel_pfn_page_(pfn)
#define mk_pte(page, prot) pfn_pte(page_to_pfn(page), (prot))
#define pte_page(pte) pfn_to_page(pte_pfn(pte))
#define mk_huge_pmd(page, prot) __pmd(pte_val(mk_pte((page), (prot))) | KERNEL_PTE_PS_)
#define pmd_page(pmd) pfn_to_page(pmd_pfn(pmd)) /* the leaf table, or the head of the huge page */

/* --- entries: where they are, and their locks ------------------------------ */

/*
 * Give a pointer to the entry of addr in the table above the leaf table (pmd); NULL: there is
 * no such table. The second one makes the tables above, and gives NULL without memory for them.
 *
 * Source: pmd_off() in include/linux/pgtable.h; pgd_offset() to pmd_alloc() in
 * include/linux/mm.h.
 */
#define pmd_off(mm, addr) ((pmd_t *)kernel_pmd_((mm), (addr), false))
#define pmd_alloc_off(mm, addr) ((pmd_t *)kernel_pmd_((mm), (addr), true))
/* Gives a pointer to the entry of addr in the leaf table that *pmd names; NULL: it names none.
 * Takes no lock. Source: pte_offset_map(); the argument mm is not Linux's. */
#define pte_offset_map(mm, pmd, addr) ((pte_t *)kernel_pte_((mm), (pmd), (addr), KERNEL_SITE_))
/* Give the page table lock of a leaf entry, or the pmd lock of an entry above. */
#define pte_lockptr(mm, pte) ((spinlock_t *)kernel_ptl_((mm), (pte)))
#define pmd_lockptr(mm, pmd) ((spinlock_t *)kernel_ptl_((mm), (pmd)))
/* Ends the use of a pointer from pte_offset_map(). Does nothing here. */
#define pte_unmap(pte) ((void)(pte))

#define KERNEL_LOCK_TABLE_(l) kernel_spin_lock_(KERNEL_AT_("page table"), (l))
#define KERNEL_UNLOCK_TABLE_(l) kernel_spin_unlock_(KERNEL_AT_("page table"), (l))

/* Takes the pmd lock of an entry, and gives it; spin_unlock() drops it. */
#define pmd_lock(mm, pmd) __extension__({ \
	spinlock_t *ptl_ = pmd_lockptr((mm), (pmd)); \
	KERNEL_LOCK_TABLE_(ptl_); \
	ptl_; })
/*
 * As pte_offset_map(), and takes the page table lock, which it stores to *ptlp. Gives NULL,
 * with no lock taken, if *pmd names no leaf table, or another one once the lock is taken.
 */
#define pte_offset_map_lock(mm, pmd, addr, ptlp) __extension__({ \
	pmd_t *at_pmd_ = (pmd); \
	pte_t *pte_ = pte_offset_map((mm), at_pmd_, (addr)); \
	if (pte_) { \
		*(ptlp) = pte_lockptr((mm), pte_); \
		KERNEL_LOCK_TABLE_(*(ptlp)); \
		if (pte_offset_map((mm), at_pmd_, (addr)) != pte_) { \
			KERNEL_UNLOCK_TABLE_(*(ptlp)); \
			pte_ = NULL; \
		} \
	} \
	pte_; })
/* Drops the lock that pte_offset_map_lock() has taken. */
#define pte_unmap_unlock(pte, ptl) do { (void)(pte); KERNEL_UNLOCK_TABLE_(ptl); } while (0)

/* --- entries: reading and changing ----------------------------------------- */

#define KERNEL_PTE_OP_(mm, addr, p, op, v) \
	kernel_as_pte_(kernel_entry_((mm), (addr), (p), (op), (v), KERNEL_SITE_))
#define KERNEL_PMD_OP_(mm, addr, p, op, v) \
	kernel_as_pmd_(kernel_entry_((mm), (addr), (p), (op), (v), KERNEL_SITE_))

/*
 * Below, p points to the entry of addr in mm. What changes an entry needs its lock, and, if it
 * takes something away, a range that was started: see the rules above.
 */

/* Read an entry, with or without its lock. */
#define ptep_get(p) KERNEL_PTE_OP_(NULL, 0, (p), KERNEL_GET_, 0)
#define ptep_get_lockless ptep_get
#define pmdp_get(p) KERNEL_PMD_OP_(NULL, 0, (p), KERNEL_GET_, 0)
#define pmdp_get_lockless pmdp_get
/* Set an entry. */
#define set_pte_at(mm, addr, p, pte) ((void)KERNEL_PTE_OP_((mm), (addr), (p), KERNEL_SET_, \
	pte_val(pte)))
#define set_pmd_at(mm, addr, p, pmd) ((void)KERNEL_PMD_OP_((mm), (addr), (p), KERNEL_SET_, \
	pmd_val(pmd)))
/* Clear an entry, and give what it was. They flush nothing. */
#define ptep_get_and_clear(mm, addr, p) KERNEL_PTE_OP_((mm), (addr), (p), KERNEL_CLEAR_, 0)
#define pmdp_huge_get_and_clear(mm, addr, p) KERNEL_PMD_OP_((mm), (addr), (p), KERNEL_CLEAR_, 0)
#define ptep_get_and_clear_full(mm, addr, p, full) ((void)(full), \
	ptep_get_and_clear((mm), (addr), (p)))
#define pte_clear(mm, addr, p) ((void)ptep_get_and_clear((mm), (addr), (p)))
#define pmd_clear(mm, addr, p) ((void)pmdp_huge_get_and_clear((mm), (addr), (p)))
/* Removes write permission from an entry. Flushes nothing. */
#define ptep_set_wrprotect(mm, addr, p) ((void)KERNEL_PTE_OP_((mm), (addr), (p), \
	KERNEL_WRPROTECT_, 0))
/* Begin and end a change of what an entry allows: the entry is clear in between. */
#define ptep_modify_prot_start(vma, addr, p) ptep_get_and_clear((vma)->vm_mm, (addr), (p))
#define ptep_modify_prot_commit(vma, addr, p, old, pte) ((void)(old), \
	set_pte_at((vma)->vm_mm, (addr), (p), (pte)))
/* Makes the entry name a leaf table, which is a page from pte_alloc_one(). */
#define pmd_populate(mm, addr, p, table) set_pmd_at((mm), (addr), (p), \
	__pmd((uint64_t)page_to_pfn(table) << KERNEL_PTE_PFN_SHIFT_ | KERNEL_PTE_P_ | \
	      KERNEL_PTE_RW_ | KERNEL_PTE_A_ | KERNEL_PTE_D_ | KERNEL_PTE_SOFT_DIRTY_))

/*
 * Clear an entry, and give what it was. If it was present, or always for a huge one, they
 * flush the processors' TLBs, and in a modern mm the secondary TLBs too.
 */
#define ptep_clear_flush(vma, addr, p) __extension__({ \
	pte_t was_ = ptep_get_and_clear((vma)->vm_mm, (addr), (p)); \
	if (pte_present(was_)) \
		flush_tlb_page((vma), (addr)); \
	was_; })
#define pmdp_huge_clear_flush(vma, addr, p) __extension__({ \
	pmd_t was_ = pmdp_huge_get_and_clear((vma)->vm_mm, (addr), (p)); \
	flush_tlb_range((vma), (addr) & PMD_MASK, ((addr) & PMD_MASK) + PMD_SIZE); \
	was_; })
#define pmdp_collapse_flush pmdp_huge_clear_flush
/* The same, and then flushes the secondary TLBs. Source: Linux before 6.6. */
#define ptep_clear_flush_notify(vma, addr, p) __extension__({ \
	pte_t old_ = ptep_clear_flush((vma), (addr), (p)); \
	mmu_notifier_invalidate_range((vma)->vm_mm, (addr), (addr) + PAGE_SIZE); \
	old_; })
/* Calls the callback change_pte, and sets the entry. Source: Linux before 6.6. */
#define set_pte_at_notify(mm, addr, p, pte) do { \
	kernel_change_pte_((mm), (addr), pte_val(pte), KERNEL_SITE_); \
	set_pte_at((mm), (addr), (p), (pte)); \
} while (0)

/* --- flushes ---------------------------------------------------------------- */

/*
 * Flush the processors' TLBs, and in a modern mm the secondary TLBs too: of one page, of
 * [start, end), or of the whole mm. They return when no access uses what was flushed.
 *
 * Context: with or without the page table lock; with mmap_lock, the area's lock, or the mm's
 * rmap lock held, as for notifying.
 */
#define flush_tlb_page(vma, addr) kernel_flush_((vma)->vm_mm, (addr) & PAGE_MASK, \
	((addr) & PAGE_MASK) + PAGE_SIZE, KERNEL_FLUSH_ARCH_, "flush_tlb_page", KERNEL_SITE_)
#define flush_tlb_range(vma, start, end) kernel_flush_((vma)->vm_mm, (start), (end), \
	KERNEL_FLUSH_ARCH_, "flush_tlb_range", KERNEL_SITE_)
#define flush_tlb_mm(mm) kernel_flush_((mm), 0, TASK_SIZE, KERNEL_FLUSH_ARCH_, "flush_tlb_mm", \
	KERNEL_SITE_)
/*
 * Flush one part only: all processors' TLBs (flush_tlb_cpus), one processor's (flush_tlb_cpu),
 * or the secondary TLBs. The first two have no name of their own in Linux. The third name is
 * Linux's since 6.6, and the fourth was its name before.
 */
#define flush_tlb_cpus(mm, start, end) kernel_flush_((mm), (start), (end), KERNEL_FLUSH_CPUS_, \
	"flush_tlb_cpus", KERNEL_SITE_)
#define flush_tlb_cpu(cpu, start, end) kernel_flush_cpu_((cpu), (start), (end), \
	"flush_tlb_cpu", KERNEL_SITE_)
#define mmu_notifier_arch_invalidate_secondary_tlbs(mm, start, end) kernel_flush_((mm), \
	(start), (end), KERNEL_FLUSH_SECONDARY_, "mmu_notifier_arch_invalidate_secondary_tlbs", \
	KERNEL_SITE_)
#define mmu_notifier_invalidate_range(mm, start, end) kernel_flush_((mm), (start), (end), \
	KERNEL_FLUSH_SECONDARY_, "mmu_notifier_invalidate_range", KERNEL_SITE_)

/*
 * Count the operations that have changed entries of the mm, and will flush later; ask whether
 * there are any, or, in a gather, whether there is another gather.
 *
 * Source: include/linux/mm_types.h.
 */
#define inc_tlb_flush_pending(mm) ((void)kernel_pending_((mm), KERNEL_PENDING_INC_, KERNEL_SITE_))
#define dec_tlb_flush_pending(mm) ((void)kernel_pending_((mm), KERNEL_PENDING_DEC_, KERNEL_SITE_))
#define mm_tlb_flush_pending(mm) (kernel_pending_((mm), KERNEL_PENDING_GET_, KERNEL_SITE_) > 0)
#define mm_tlb_flush_nested(mm) (kernel_pending_((mm), KERNEL_GATHER_GET_, KERNEL_SITE_) > 1)

/* --- notifiers -------------------------------------------------------------- */

/*
 * Fill in a range [start, end) of the mm, in whole pages, with its event. flags is
 * MMU_NOTIFIER_RANGE_BLOCKABLE or 0; starting the range sets it. The second function has an
 * owner too.
 */
static inline void mmu_notifier_range_init(struct mmu_notifier_range *range,
					   enum mmu_notifier_event event, unsigned flags,
					   struct mm_struct *mm, unsigned long start,
					   unsigned long end)
{
	range->mm = mm;
	range->start = start;
	range->end = end;
	range->flags = flags;
	range->event = event;
	range->owner = NULL;
}

static inline void mmu_notifier_range_init_owner(struct mmu_notifier_range *range,
						 enum mmu_notifier_event event, unsigned flags,
						 struct mm_struct *mm, unsigned long start,
						 unsigned long end, void *owner)
{
	mmu_notifier_range_init(range, event, flags, mm, start, end);
	range->owner = owner;
}

/*
 * Call the start and the end of all notifiers for a range. Each start needs its end.
 *
 * Context: with mmap_lock, the area's lock, or the mm's rmap lock held, from start to end, and
 * with no page table lock held. Start and end may sleep, except for _nonblock.
 */
#define mmu_notifier_invalidate_range_start(range) ((void)kernel_range_((range), \
	KERNEL_RANGE_START_, KERNEL_SITE_))
/* Returns 0, or -EAGAIN if a notifier would have to block. Then there must be no end. */
#define mmu_notifier_invalidate_range_start_nonblock(range) kernel_range_((range), \
	KERNEL_RANGE_NONBLOCK_, KERNEL_SITE_)
/* In a classic mm the first one also flushes the secondary TLBs. The second one does not. */
#define mmu_notifier_invalidate_range_end(range) ((void)kernel_range_((range), \
	KERNEL_RANGE_END_, KERNEL_SITE_))
#define mmu_notifier_invalidate_range_only_end(range) ((void)kernel_range_((range), \
	KERNEL_RANGE_ONLY_END_, KERNEL_SITE_))

/* --- pages ------------------------------------------------------------------ */

/*
 * Allocate an anonymous page. It has one reference, which is the caller's. NULL: no frame is
 * left. gfp is not used. The second name gives a page of zeros (Linux: alloc_page() with
 * __GFP_ZERO).
 */
#define alloc_page(gfp) ((void)(gfp), kernel_alloc_page_(false, KERNEL_SITE_))
#define alloc_zeroed_page(gfp) ((void)(gfp), kernel_alloc_page_(true, KERNEL_SITE_))
/*
 * Allocates a huge page. NULL: none is left. In a world of mm_world_init() there are two for
 * set-up, and one for each of at most two threads.
 *
 * Source: alloc_pages(gfp, HPAGE_PMD_ORDER).
 */
#define alloc_huge_page(gfp) ((void)(gfp), kernel_alloc_huge_(KERNEL_SITE_))
/* Take a reference; the second one fails, with false, if the page has none; give it up. */
#define get_page(page) ((void)kernel_page_((page), KERNEL_PAGE_GET_, "get_page", KERNEL_SITE_))
#define try_get_page(page) ((bool)kernel_page_((page), KERNEL_PAGE_TRY_GET_, "try_get_page", \
	KERNEL_SITE_))
#define put_page(page) ((void)kernel_page_((page), KERNEL_PAGE_PUT_, "put_page", KERNEL_SITE_))
#define __free_page put_page
/* The number of references; the number of entries that map the page. */
#define page_count(page) ((int)kernel_page_((page), KERNEL_PAGE_COUNT_, "page_count", \
	KERNEL_SITE_))
#define page_mapcount(page) ((int)kernel_page_((page), KERNEL_PAGE_MAPCOUNT_, "page_mapcount", \
	KERNEL_SITE_))
#define page_mapped(page) (page_mapcount(page) > 0)
/* Take, try to take (true: taken) and drop the page lock. Context: lock_page() may sleep. */
#define lock_page(page) ((void)kernel_page_((page), KERNEL_PAGE_LOCK_, "lock_page", KERNEL_SITE_))
#define trylock_page(page) ((bool)kernel_page_((page), KERNEL_PAGE_TRYLOCK_, "trylock_page", \
	KERNEL_SITE_))
#define unlock_page(page) ((void)kernel_page_((page), KERNEL_PAGE_UNLOCK_, "unlock_page", \
	KERNEL_SITE_))
/* Notes that the page was written by an entry that is gone. mmun_object_clean() finds and
 * forgets it. */
#define set_page_dirty(page) ((void)kernel_page_((page), KERNEL_PAGE_DIRTY_, "set_page_dirty", \
	KERNEL_SITE_))
/*
 * Freezes the references at 0, and returns true, if there are exactly n; otherwise false.
 * The second one ends that, and leaves n references.
 */
#define page_ref_freeze(page, n) kernel_page_freeze_((page), (n), KERNEL_SITE_)
#define page_ref_unfreeze(page, n) kernel_page_unfreeze_((page), (n), KERNEL_SITE_)
/* Copy the contents of a page. addr and vma are not used. */
#define copy_page_to_page(to, from) kernel_copy_((to), (from), KERNEL_SITE_)
#define copy_user_highpage(to, from, addr, vma) ((void)(addr), (void)(vma), \
	kernel_copy_((to), (from), KERNEL_SITE_))
/* The page of zeros that read faults map; whether a frame is this page's. */
#define ZERO_PAGE(addr) ((void)(addr), kernel_zero_page_())
#define is_zero_pfn(pfn) ((pfn) == page_to_pfn(kernel_zero_page_()))
/* The words of the page, to be accessed as in READ_ONCE(page_address(page)[0]). */
#define page_address(page) kernel_page_memory_(page)

/* The same under the names of folios. */
#define folio_get get_page
#define folio_put put_page
#define folio_try_get try_get_page
#define folio_ref_count page_count
#define folio_ref_freeze page_ref_freeze
#define folio_ref_unfreeze page_ref_unfreeze
#define folio_mapcount page_mapcount
#define folio_lock lock_page
#define folio_trylock trylock_page
#define folio_unlock unlock_page
#define folio_mark_dirty set_page_dirty
#define page_folio(page) (page)
#define folio_page(folio, n) pfn_to_page(page_to_pfn(folio) + (n))

/* --- the reverse map --------------------------------------------------------- */

/*
 * Enter the entry of addr in vma into the reverse map of the page, or remove it. In
 * folio_add_new_anon_rmap() nobody else knows the page yet. The caller takes care of the
 * references. An entry is in the reverse map of one page at most: adding it to the new page
 * removes it from the old one.
 *
 * Context: with the page table lock held.
 * Source: mm/rmap.c. Linux's first two have flags besides, and its last two have no addr: a
 * page of a file is where its index says.
 */
#define folio_add_new_anon_rmap(folio, vma, addr) kernel_rmap_((folio), (vma), (addr), \
	KERNEL_RMAP_NEW_, KERNEL_SITE_)
#define folio_add_anon_rmap_pte(folio, page, vma, addr) ((void)(page), \
	kernel_rmap_((folio), (vma), (addr), KERNEL_RMAP_ADD_, KERNEL_SITE_))
#define folio_add_file_rmap_pte folio_add_anon_rmap_pte
#define folio_remove_rmap_pte(folio, page, vma, addr) ((void)(page), \
	kernel_rmap_((folio), (vma), (addr), KERNEL_RMAP_REMOVE_, KERNEL_SITE_))

/* --- page tables -------------------------------------------------------------- */

/*
 * Allocate a leaf table for the entries around addr, which no walk reaches yet (NULL: no
 * frame is left); and free one at once, without waiting for walks.
 *
 * Source: mm/pgtable-generic.c and include/asm-generic/pgalloc.h; the argument addr of
 * pte_alloc_one() is not Linux's.
 */
#define pte_alloc_one(mm, addr) kernel_table_((mm), (addr), KERNEL_SITE_)
#define pte_free(mm, table) kernel_table_free_((mm), (table), KERNEL_SITE_)

/* --- the gather ----------------------------------------------------------------- */

/*
 * A list of pages and page tables that are given up once the TLBs have been flushed. If it is
 * fullmm, nothing is flushed before they are freed, because the address space has no user any
 * more.
 *
 * Context: tlb_finish_mmu() and tlb_flush_mmu() flush and free, so they are called without a
 * page table lock, and as flush_tlb_range() otherwise.
 * Source: include/asm-generic/tlb.h, mm/mmu_gather.c.
 */
enum { MMU_GATHER_MAX = 16 };

struct mmu_gather {
	struct mm_struct *mm;
	unsigned long start, end; /* what is to be flushed; start >= end: nothing */
	bool fullmm, freed_tables;
	unsigned nr;
	struct page *pages[MMU_GATHER_MAX];
	unsigned tables;          /* bit n: pages[n] is a page table */
};

static inline void kernel_gather_reset_(struct mmu_gather *tlb)
{
	tlb->start = TASK_SIZE;
	tlb->end = 0;
}

static inline void kernel_gather_init_(struct mmu_gather *tlb, struct mm_struct *mm)
{
	tlb->mm = mm;
	tlb->fullmm = tlb->freed_tables = false;
	tlb->nr = tlb->tables = 0;
	kernel_gather_reset_(tlb);
}

static inline void kernel_gather_span_(struct mmu_gather *tlb, unsigned long start,
				       unsigned long end)
{
	tlb->start = start < tlb->start ? start : tlb->start;
	tlb->end = end > tlb->end ? end : tlb->end;
}

static inline void kernel_gather_page_(struct mmu_gather *tlb, struct page *page, bool table)
{
	EXPLORE_ASSERT(tlb->nr < MMU_GATHER_MAX);
	tlb->tables |= (unsigned)table << tlb->nr;
	tlb->freed_tables |= table;
	tlb->pages[tlb->nr++] = page;
}

/* Begin a gather, and note that a flush is pending. */
#define tlb_gather_mmu(tlb, mm_) do { \
	kernel_gather_init_((tlb), (mm_)); \
	inc_tlb_flush_pending(mm_); \
	(void)kernel_pending_((mm_), KERNEL_GATHER_INC_, KERNEL_SITE_); \
} while (0)
#define tlb_gather_mmu_fullmm(tlb, mm_) do { \
	tlb_gather_mmu((tlb), (mm_)); \
	(tlb)->fullmm = true; \
} while (0)
/* Notes that the entry of addr was cleared, and has to be flushed. */
#define tlb_remove_tlb_entry(tlb, p, addr) ((void)(p), \
	kernel_gather_span_((tlb), (addr) & PAGE_MASK, ((addr) & PAGE_MASK) + PAGE_SIZE))
/* Do nothing here. */
#define tlb_start_vma(tlb, vma) ((void)(tlb), (void)(vma))
#define tlb_end_vma(tlb, vma) ((void)(tlb), (void)(vma))
/* Put a page, or a leaf table that was unlinked, on the list. It is an assertion that there are at
 * most MMU_GATHER_MAX. */
#define tlb_remove_page(tlb, page) kernel_gather_page_((tlb), (page), false)
#define pte_free_tlb(tlb, table, addr) do { \
	kernel_gather_span_((tlb), (addr) & PMD_MASK, ((addr) & PMD_MASK) + PMD_SIZE); \
	kernel_gather_page_((tlb), (table), true); \
} while (0)
/* Flush what has to be flushed; free what is on the list; do both. */
#define tlb_flush_mmu_tlbonly(tlb) do { \
	if ((tlb)->start < (tlb)->end && !(tlb)->fullmm) { \
		kernel_flush_((tlb)->mm, (tlb)->start, (tlb)->end, \
			      KERNEL_FLUSH_CPUS_ | KERNEL_FLUSH_SECONDARY_, "tlb_flush", \
			      KERNEL_SITE_); \
		kernel_gather_reset_(tlb); \
	} \
} while (0)
#define tlb_flush_mmu_free(tlb) do { \
	for (unsigned n_ = 0; n_ < (tlb)->nr; n_++) \
		if ((tlb)->tables >> n_ & 1) \
			pte_free((tlb)->mm, (tlb)->pages[n_]); \
		else \
			put_page((tlb)->pages[n_]); \
	(tlb)->nr = (tlb)->tables = 0; \
} while (0)
#define tlb_flush_mmu(tlb) do { \
	tlb_flush_mmu_tlbonly(tlb); \
	tlb_flush_mmu_free(tlb); \
} while (0)
/*
 * Ends a gather: flushes and frees. If there is another gather in the mm, it flushes the whole
 * mm, because the other one has cleared entries that are not flushed yet.
 */
#define tlb_finish_mmu(tlb) do { \
	if (mm_tlb_flush_nested((tlb)->mm)) { \
		(tlb)->fullmm = false; \
		kernel_gather_span_((tlb), 0, TASK_SIZE); \
	} \
	tlb_flush_mmu(tlb); \
	(void)kernel_pending_((tlb)->mm, KERNEL_GATHER_DEC_, KERNEL_SITE_); \
	dec_tlb_flush_pending((tlb)->mm); \
} while (0)

/* --- accesses ----------------------------------------------------------------------- */

/*
 * One access to a word of 8 bytes by a processor or a device, through its TLB or by a walk of
 * the page tables, and without a page fault. Returns false if neither allows it. (mmun_cpu_load()
 * and its siblings take the page fault, and try again.) They have no counterpart in Linux.
 */
#define cpu_try_load(cpu, addr, value) kernel_access_cpu_((cpu), (addr), false, (value))
#define device_try_load(device, addr, value) kernel_access_device_((device), (addr), false, \
	(value))

static inline bool cpu_try_store(struct mmun_cpu *cpu, unsigned long addr, uint64_t value)
{
	return kernel_access_cpu_(cpu, addr, true, &value);
}

static inline bool device_try_store(struct mmun_ats *device, unsigned long addr, uint64_t value)
{
	return kernel_access_device_(device, addr, true, &value);
}

/* --- a world to begin with ---------------------------------------------------------- */

/*
 * Makes a machine, an address space with these semantics, so many processors (at most
 * MM_WORLD_CPUS), and a device if it is wanted.
 *
 * Context: in the set-up function of a check. Running out of memory is an assertion.
 */
static inline void mm_world_init(struct mm_world *w, enum mmun_semantics era, unsigned cpus,
				 bool device)
{
	const struct mmun_machine_opts opts = { 64, 4, 8 }; /* frames, huge ones, swap */
	struct vm_area_struct none;

	EXPLORE_ASSERT(cpus <= MM_WORLD_CPUS);
	EXPLORE_ASSERT(!mmun_machine_create(&opts, &w->machine));
	EXPLORE_ASSERT(!mmun_mm_create(w->machine, era, &w->mm));
	EXPLORE_ASSERT(!kernel_vma_(w->mm, 0, &none)); /* pages are this machine's from here on */
	for (w->cpus = 0; w->cpus < cpus; w->cpus++)
		EXPLORE_ASSERT(!mmun_cpu_create(w->mm, &w->cpu[w->cpus]));
	if (device)
		EXPLORE_ASSERT(!mmun_ats_create(w->mm, NULL, &w->device));
}

/*
 * Maps a page of anonymous memory that holds this value: in the n-th page table (table, 0 to
 * 7), at this entry (0 to 3). Returns its address. No TLB holds its translation.
 *
 * Context: in the set-up function of a check.
 */
static inline unsigned long mm_world_page(struct mm_world *w, unsigned table, unsigned entry,
					  uint64_t value)
{
	uint64_t at = (2 + table) * PMD_SIZE + entry * PAGE_SIZE, addr;
	struct mmun_cpu *cpu;

	EXPLORE_ASSERT(!mmun_mmap(w->mm, at, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED_NOREPLACE,
				  &addr));
	EXPLORE_ASSERT(!mmun_cpu_create(w->mm, &cpu) && !mmun_cpu_store(cpu, addr, value));
	mmun_cpu_destroy(cpu);
	return addr;
}

/*
 * Put the translation of addr into the TLB of the n-th processor, or into the device's: by a
 * load, or, if it is to be writable (write), by a store of the value that is there.
 *
 * Context: in the set-up function of a check.
 */
static inline void mm_world_cached(struct mm_world *w, unsigned cpu, unsigned long addr,
				   bool write)
{
	uint64_t value;

	EXPLORE_ASSERT(!mmun_cpu_load(w->cpu[cpu], addr, &value));
	EXPLORE_ASSERT(!write || !mmun_cpu_store(w->cpu[cpu], addr, value));
}

static inline void mm_world_device_cached(struct mm_world *w, unsigned long addr, bool write)
{
	uint64_t value;

	EXPLORE_ASSERT(!mmun_ats_load(w->device, addr, &value));
	EXPLORE_ASSERT(!write || !mmun_ats_store(w->device, addr, value));
}

/* Destroys everything that mm_world_init() made. Context: in the finish function of a check. */
static inline void mm_world_fini(struct mm_world *w)
{
	for (unsigned n = 0; n < w->cpus; n++)
		mmun_cpu_destroy(w->cpu[n]);
	EXPLORE_ASSERT(!mmun_mm_destroy(w->mm));
	mmun_ats_destroy(w->device);
	EXPLORE_ASSERT(!mmun_machine_destroy(w->machine));
}

#endif /* KERNEL_MM_IMPLEMENTATION_ */

#ifdef __cplusplus
}
#endif

#endif
