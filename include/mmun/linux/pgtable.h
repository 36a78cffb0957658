/* SPDX-License-Identifier: MIT */
/* pgtable.h - page-table entries: their values, where they are, their locks, reading and changing
 * them. The rules of a change stand in mmun/kernel_mm.h. */
#ifndef MMUN_LINUX_PGTABLE_H
#define MMUN_LINUX_PGTABLE_H

#include "mmun/linux/mm.h"
#include "mmun/linux/spinlock.h"
#include "mmun/linux/tlbflush.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- values ------------------------------------------------------------------ */

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
	static inline bool type##_present(type##_t e) \
	{ \
		return (e.field & KERNEL_PTE_P_) || \
		       (e.field & (KERNEL_PTE_PROTNONE_ | KERNEL_PTE_TYPE_)) == \
			       KERNEL_PTE_PROTNONE_; \
	} \
	KERNEL_BIT_(type, field, write, KERNEL_PTE_RW_) \
	KERNEL_BIT_(type, field, dirty, KERNEL_PTE_D_) \
	KERNEL_BIT_(type, field, young, KERNEL_PTE_A_) \
	static inline bool type##_protnone(type##_t e) \
	{ \
		return (e.field & (KERNEL_PTE_PROTNONE_ | KERNEL_PTE_TYPE_)) == \
		       KERNEL_PTE_PROTNONE_; \
	} \
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

/* From and to the bits of an entry. */
#define __pte(v) kernel_as_pte_(v)
#define __pmd(v) kernel_as_pmd_(v)
#define pte_val(e) ((e).pte)
#define pmd_val(e) ((e).pmd)

/* The entry made writable. vma is not used. */
static inline pte_t pte_mkwrite(pte_t pte, struct vm_area_struct *vma)
{
	(void)vma;
	return pte_mkwrite_novma(pte);
}

static inline pmd_t pmd_mkwrite(pmd_t pmd, struct vm_area_struct *vma)
{
	(void)vma;
	return pmd_mkwrite_novma(pmd);
}

/* Does the entry map a huge page? */
static inline bool pmd_trans_huge(pmd_t e) { return e.pmd & KERNEL_PTE_PS_; }
#define pmd_leaf pmd_trans_huge

/* Neither empty nor present. */
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

/* From a page to an entry, and back. */
static inline pte_t mk_pte(const struct page *page, pgprot_t prot)
{
	return pfn_pte(page_to_pfn(page), prot);
}

static inline pmd_t mk_huge_pmd(const struct page *page, pgprot_t prot)
{
	return __pmd(pte_val(mk_pte(page, prot)) | KERNEL_PTE_PS_);
}

/* The page that an entry maps, or of a migration entry the page on the move. The leaf table, or
 * the head of the huge page. It is a finding of "protocol" if the entry names neither. */
KERNEL_INLINE_ struct page *kernel_pte_page_(const struct kernel_at_ *at, pte_t pte)
{
	kernel_maps_a_page_(pte_val(pte), "takes the page", &at->site);
	return pfn_to_page(pte_pfn(pte));
}

KERNEL_INLINE_ struct page *kernel_pmd_page_(const struct kernel_at_ *at, pmd_t pmd)
{
	kernel_maps_a_page_(pmd_val(pmd), "takes the page", &at->site);
	return pfn_to_page(pmd_pfn(pmd));
}

KERNEL_PASSED_(struct page *, pte_page, (pte_t pte), (pte))
KERNEL_PASSED_(struct page *, pmd_page, (pmd_t pmd), (pmd))
#define pte_page(pte) KERNEL_1_(pte_page, NULL, pte)
#define pmd_page(pmd) KERNEL_1_(pmd_page, NULL, pmd)

#define pte_mkwrite(pte, vma) \
	KERNEL_CALL_2_(pte_mkwrite, pte_t, pte, struct vm_area_struct *, vma)
#define pmd_mkwrite(pmd, vma) \
	KERNEL_CALL_2_(pmd_mkwrite, pmd_t, pmd, struct vm_area_struct *, vma)
#define pte_same(a, b) KERNEL_CALL_2_(pte_same, pte_t, a, pte_t, b)
#define pmd_same(a, b) KERNEL_CALL_2_(pmd_same, pmd_t, a, pmd_t, b)
#define pte_modify(pte, prot) KERNEL_CALL_2_(pte_modify, pte_t, pte, pgprot_t, prot)
#define pmd_modify(pmd, prot) KERNEL_CALL_2_(pmd_modify, pmd_t, pmd, pgprot_t, prot)
#define pfn_pte(pfn, prot) KERNEL_CALL_2_(pfn_pte, unsigned long, pfn, pgprot_t, prot)
#define mk_pte(p, prot) \
	KERNEL_CALL_2_(mk_pte, const struct page *, KERNEL_PAGE_(p), pgprot_t, prot)
#define mk_huge_pmd(p, prot) \
	KERNEL_CALL_2_(mk_huge_pmd, const struct page *, KERNEL_PAGE_(p), pgprot_t, prot)

/* --- where they are, and their locks ------------------------------------------- */

/*
 * Give a pointer to the entry of addr in the table above the leaf table (pmd); NULL: there is
 * no such table. The second one makes the tables above, and gives NULL without memory for them.
 *
 * Source: pmd_off() in include/linux/pgtable.h; pgd_offset() to pmd_alloc() in
 * include/linux/mm.h.
 */
static inline pmd_t *pmd_off(struct mm_struct *mm, unsigned long addr)
{
	return (pmd_t *)kernel_pmd_(mm, addr, false);
}

static inline pmd_t *pmd_alloc_off(struct mm_struct *mm, unsigned long addr)
{
	return (pmd_t *)kernel_pmd_(mm, addr, true);
}

/* Give the page table lock of a leaf entry, or the pmd lock of an entry above. */
static inline spinlock_t *pte_lockptr(struct mm_struct *mm, const void *entry)
{
	return (spinlock_t *)kernel_ptl_(mm, entry);
}

static inline spinlock_t *pmd_lockptr(struct mm_struct *mm, const void *entry)
{
	return (spinlock_t *)kernel_ptl_(mm, entry);
}

/* Ends the use of a pointer from pte_offset_map(). Does nothing here. */
static inline void pte_unmap(pte_t *pte) { (void)pte; }

#define pmd_off(mm, addr) KERNEL_CALL_2_(pmd_off, struct mm_struct *, mm, unsigned long, addr)
#define pmd_alloc_off(mm, addr) \
	KERNEL_CALL_2_(pmd_alloc_off, struct mm_struct *, mm, unsigned long, addr)
#define pte_lockptr(mm, entry) \
	KERNEL_CALL_2_(pte_lockptr, struct mm_struct *, mm, const void *, entry)
#define pmd_lockptr(mm, entry) \
	KERNEL_CALL_2_(pmd_lockptr, struct mm_struct *, mm, const void *, entry)

/* Gives a pointer to the entry of addr in the leaf table that *pmd names; NULL: it names none.
 * Takes no lock. Source: pte_offset_map(); the argument mm is not Linux's. */
KERNEL_INLINE_ pte_t *kernel_pte_offset_map_(const struct kernel_at_ *at, struct mm_struct *mm,
					     pmd_t *pmd, unsigned long addr)
{
	return (pte_t *)kernel_pte_(mm, pmd, addr, &at->site);
}

/*
 * As pte_offset_map(), and takes the page table lock, which it stores to *ptlp. Gives NULL,
 * with no lock taken, if *pmd names no leaf table, or another one once the lock is taken.
 */
KERNEL_INLINE_ pte_t *kernel_pte_offset_map_lock_(const struct kernel_at_ *at,
						  struct mm_struct *mm, pmd_t *pmd,
						  unsigned long addr, spinlock_t **ptlp)
{
	pte_t *pte = kernel_pte_offset_map_(at, mm, pmd, addr);

	if (!pte)
		return NULL;
	*ptlp = (pte_lockptr)(mm, pte);
	kernel_spin_lock_(at, *ptlp);
	if (kernel_pte_offset_map_(at, mm, pmd, addr) == pte)
		return pte;
	kernel_spin_unlock_(at, *ptlp);
	return NULL;
}

/* Drops the lock that pte_offset_map_lock() has taken. */
KERNEL_INLINE_ void kernel_pte_unmap_unlock_(const struct kernel_at_ *at, pte_t *pte,
					     spinlock_t *ptl)
{
	(void)pte;
	kernel_spin_unlock_(at, ptl);
}

/* Takes the pmd lock of an entry, and gives it; spin_unlock() drops it. */
KERNEL_INLINE_ spinlock_t *kernel_pmd_lock_(const struct kernel_at_ *at, struct mm_struct *mm,
					    pmd_t *pmd)
{
	spinlock_t *ptl = (pmd_lockptr)(mm, pmd);

	kernel_spin_lock_(at, ptl);
	return ptl;
}

KERNEL_PASSED_(pte_t *, pte_offset_map, (struct mm_struct *mm, pmd_t *pmd, unsigned long addr),
	       (mm, pmd, addr))
KERNEL_PASSED_(pte_t *, pte_offset_map_lock, (struct mm_struct *mm, pmd_t *pmd,
					      unsigned long addr, spinlock_t **ptlp),
	       (mm, pmd, addr, ptlp))
KERNEL_PASSED_VOID_(pte_unmap_unlock, (pte_t *pte, spinlock_t *ptl), (pte, ptl))
KERNEL_PASSED_(spinlock_t *, pmd_lock, (struct mm_struct *mm, pmd_t *pmd), (mm, pmd))

#define pte_offset_map(mm, pmd, addr) KERNEL_3_(pte_offset_map, NULL, \
	struct mm_struct *, mm, pmd_t *, pmd, unsigned long, addr)
#define pte_offset_map_lock(mm, pmd, addr, ptlp) \
	KERNEL_4_(pte_offset_map_lock, "page table", struct mm_struct *, mm, pmd_t *, pmd, \
		  unsigned long, addr, spinlock_t **, ptlp)
#define pte_unmap_unlock(pte, ptl) \
	KERNEL_2_(pte_unmap_unlock, "page table", pte_t *, pte, spinlock_t *, ptl)
#define pmd_lock(mm, pmd) \
	KERNEL_2_(pmd_lock, "page table", struct mm_struct *, mm, pmd_t *, pmd)

/* --- reading and changing ------------------------------------------------------- */

/*
 * Below, p points to the entry of addr in mm. What changes an entry needs its lock, and, if it
 * takes something away, a range that was started: see the rules above.
 */

#define KERNEL_ENTRY_GET_(type, name) \
	KERNEL_INLINE_ type##_t kernel_##name##_(const struct kernel_at_ *at, type##_t *entry) \
	{ \
		return kernel_as_##type##_(kernel_entry_(NULL, 0, entry, KERNEL_GET_, 0, \
							 &at->site)); \
	} \
	KERNEL_PASSED_(type##_t, name, (type##_t *entry), (entry))
#define KERNEL_ENTRY_SET_(type, name) \
	KERNEL_INLINE_ void kernel_##name##_(const struct kernel_at_ *at, struct mm_struct *mm, \
					     unsigned long addr, type##_t *entry, type##_t value) \
	{ \
		(void)kernel_entry_(mm, addr, entry, KERNEL_SET_, type##_val(value), &at->site); \
	} \
	KERNEL_PASSED_VOID_(name, (struct mm_struct *mm, unsigned long addr, type##_t *entry, \
				   type##_t value), (mm, addr, entry, value))
#define KERNEL_ENTRY_TAKE_(type, name) \
	KERNEL_INLINE_ type##_t kernel_##name##_(const struct kernel_at_ *at, \
						 struct mm_struct *mm, unsigned long addr, \
						 type##_t *entry) \
	{ \
		return kernel_as_##type##_(kernel_entry_(mm, addr, entry, KERNEL_CLEAR_, 0, \
							 &at->site)); \
	} \
	KERNEL_PASSED_(type##_t, name, (struct mm_struct *mm, unsigned long addr, \
					type##_t *entry), (mm, addr, entry))
#define KERNEL_ENTRY_DO_(type, name, op) \
	KERNEL_INLINE_ void kernel_##name##_(const struct kernel_at_ *at, struct mm_struct *mm, \
					     unsigned long addr, type##_t *entry) \
	{ \
		(void)kernel_entry_(mm, addr, entry, op, 0, &at->site); \
	} \
	KERNEL_PASSED_VOID_(name, (struct mm_struct *mm, unsigned long addr, type##_t *entry), \
			    (mm, addr, entry))

/* Read an entry, with or without its lock. */
KERNEL_ENTRY_GET_(pte, ptep_get)
KERNEL_ENTRY_GET_(pte, ptep_get_lockless)
KERNEL_ENTRY_GET_(pmd, pmdp_get)
KERNEL_ENTRY_GET_(pmd, pmdp_get_lockless)
/* Set an entry. */
KERNEL_ENTRY_SET_(pte, set_pte_at)
KERNEL_ENTRY_SET_(pmd, set_pmd_at)
/* Clear an entry, and give what it was. They flush nothing. */
KERNEL_ENTRY_TAKE_(pte, ptep_get_and_clear)
KERNEL_ENTRY_TAKE_(pmd, pmdp_huge_get_and_clear)
KERNEL_ENTRY_DO_(pte, pte_clear, KERNEL_CLEAR_)
KERNEL_ENTRY_DO_(pmd, pmd_clear, KERNEL_CLEAR_) /* Linux's has the entry alone */
/* Removes write permission from an entry. Flushes nothing. */
KERNEL_ENTRY_DO_(pte, ptep_set_wrprotect, KERNEL_WRPROTECT_)

/* Makes an entry old. Was it young? Flush nothing, as on x86, where both are the same. */
KERNEL_INLINE_ int kernel_ptep_test_and_clear_young_(const struct kernel_at_ *at,
						     struct vm_area_struct *vma,
						     unsigned long addr, pte_t *ptep)
{
	return pte_young(__pte(kernel_entry_(vma->vm_mm, addr, ptep, KERNEL_MKOLD_, 0, &at->site)));
}

KERNEL_INLINE_ int kernel_ptep_clear_flush_young_(const struct kernel_at_ *at,
						  struct vm_area_struct *vma, unsigned long addr,
						  pte_t *ptep)
{
	return kernel_ptep_test_and_clear_young_(at, vma, addr, ptep);
}

KERNEL_PASSED_(int, ptep_test_and_clear_young, (struct vm_area_struct *vma, unsigned long addr,
						pte_t *ptep), (vma, addr, ptep))
KERNEL_PASSED_(int, ptep_clear_flush_young, (struct vm_area_struct *vma, unsigned long addr,
					     pte_t *ptep), (vma, addr, ptep))

KERNEL_INLINE_ pte_t kernel_ptep_get_and_clear_full_(const struct kernel_at_ *at,
						     struct mm_struct *mm, unsigned long addr,
						     pte_t *ptep, int full)
{
	(void)full;
	return kernel_ptep_get_and_clear_(at, mm, addr, ptep);
}

/* Begin and end a change of what an entry allows: the entry is clear in between. */
KERNEL_INLINE_ pte_t kernel_ptep_modify_prot_start_(const struct kernel_at_ *at,
						    struct vm_area_struct *vma,
						    unsigned long addr, pte_t *ptep)
{
	return kernel_ptep_get_and_clear_(at, vma->vm_mm, addr, ptep);
}

KERNEL_INLINE_ void kernel_ptep_modify_prot_commit_(const struct kernel_at_ *at,
						    struct vm_area_struct *vma,
						    unsigned long addr, pte_t *ptep, pte_t old,
						    pte_t pte)
{
	(void)old;
	kernel_set_pte_at_(at, vma->vm_mm, addr, ptep, pte);
}

/*
 * Clear an entry, and give what it was. If it was present, or always for a huge one, they
 * flush the processors' TLBs, and in a modern mm the secondary TLBs too.
 */
KERNEL_INLINE_ pte_t kernel_ptep_clear_flush_(const struct kernel_at_ *at,
					      struct vm_area_struct *vma, unsigned long addr,
					      pte_t *ptep)
{
	pte_t old = kernel_ptep_get_and_clear_(at, vma->vm_mm, addr, ptep);

	if (pte_present(old))
		kernel_flush_tlb_page_(at, vma, addr);
	return old;
}

KERNEL_INLINE_ pmd_t kernel_pmdp_huge_clear_flush_(const struct kernel_at_ *at,
						   struct vm_area_struct *vma,
						   unsigned long addr, pmd_t *pmdp)
{
	pmd_t old = kernel_pmdp_huge_get_and_clear_(at, vma->vm_mm, addr, pmdp);

	kernel_flush_tlb_range_(at, vma, addr & PMD_MASK, (addr & PMD_MASK) + PMD_SIZE);
	return old;
}

KERNEL_INLINE_ pmd_t kernel_pmdp_collapse_flush_(const struct kernel_at_ *at,
						 struct vm_area_struct *vma, unsigned long addr,
						 pmd_t *pmdp)
{
	return kernel_pmdp_huge_clear_flush_(at, vma, addr, pmdp);
}

KERNEL_PASSED_(pte_t, ptep_get_and_clear_full, (struct mm_struct *mm, unsigned long addr,
						pte_t *ptep, int full), (mm, addr, ptep, full))
KERNEL_PASSED_(pte_t, ptep_modify_prot_start, (struct vm_area_struct *vma, unsigned long addr,
					       pte_t *ptep), (vma, addr, ptep))
KERNEL_PASSED_VOID_(ptep_modify_prot_commit, (struct vm_area_struct *vma, unsigned long addr,
					      pte_t *ptep, pte_t old, pte_t pte),
		    (vma, addr, ptep, old, pte))
KERNEL_PASSED_(pte_t, ptep_clear_flush, (struct vm_area_struct *vma, unsigned long addr,
					 pte_t *ptep), (vma, addr, ptep))
KERNEL_PASSED_(pmd_t, pmdp_huge_clear_flush, (struct vm_area_struct *vma, unsigned long addr,
					      pmd_t *pmdp), (vma, addr, pmdp))
KERNEL_PASSED_(pmd_t, pmdp_collapse_flush, (struct vm_area_struct *vma, unsigned long addr,
					    pmd_t *pmdp), (vma, addr, pmdp))

#define KERNEL_IN_MM_(name, type, mm, addr, p) KERNEL_3_(name, NULL, \
	struct mm_struct *, mm, unsigned long, addr, type##_t *, p)
#define KERNEL_IN_VMA_(name, type, vma, addr, p) KERNEL_3_(name, NULL, \
	struct vm_area_struct *, vma, unsigned long, addr, type##_t *, p)

#define ptep_get(ptep) KERNEL_1_(ptep_get, NULL, ptep)
#define ptep_get_lockless(ptep) KERNEL_1_(ptep_get_lockless, NULL, ptep)
#define pmdp_get(pmdp) KERNEL_1_(pmdp_get, NULL, pmdp)
#define pmdp_get_lockless(pmdp) KERNEL_1_(pmdp_get_lockless, NULL, pmdp)
#define set_pte_at(mm, addr, p, value) KERNEL_4_(set_pte_at, NULL, \
	struct mm_struct *, mm, unsigned long, addr, pte_t *, p, pte_t, value)
#define set_pmd_at(mm, addr, p, value) KERNEL_4_(set_pmd_at, NULL, \
	struct mm_struct *, mm, unsigned long, addr, pmd_t *, p, pmd_t, value)
#define ptep_get_and_clear(mm, addr, p) KERNEL_IN_MM_(ptep_get_and_clear, pte, mm, addr, p)
#define pmdp_huge_get_and_clear(mm, addr, p) \
	KERNEL_IN_MM_(pmdp_huge_get_and_clear, pmd, mm, addr, p)
#define ptep_get_and_clear_full(mm, addr, p, full) KERNEL_4_(ptep_get_and_clear_full, NULL, \
	struct mm_struct *, mm, unsigned long, addr, pte_t *, p, int, full)
#define pte_clear(mm, addr, p) KERNEL_IN_MM_(pte_clear, pte, mm, addr, p)
#define pmd_clear(mm, addr, p) KERNEL_IN_MM_(pmd_clear, pmd, mm, addr, p)
#define ptep_set_wrprotect(mm, addr, p) KERNEL_IN_MM_(ptep_set_wrprotect, pte, mm, addr, p)
#define ptep_test_and_clear_young(vma, addr, p) \
	KERNEL_IN_VMA_(ptep_test_and_clear_young, pte, vma, addr, p)
#define ptep_clear_flush_young(vma, addr, p) \
	KERNEL_IN_VMA_(ptep_clear_flush_young, pte, vma, addr, p)
#define ptep_modify_prot_start(vma, addr, p) \
	KERNEL_IN_VMA_(ptep_modify_prot_start, pte, vma, addr, p)
#define ptep_modify_prot_commit(vma, addr, p, old, value) \
	KERNEL_5_(ptep_modify_prot_commit, NULL, struct vm_area_struct *, vma, \
		  unsigned long, addr, pte_t *, p, pte_t, old, pte_t, value)
#define ptep_clear_flush(vma, addr, p) KERNEL_IN_VMA_(ptep_clear_flush, pte, vma, addr, p)
#define pmdp_huge_clear_flush(vma, addr, p) \
	KERNEL_IN_VMA_(pmdp_huge_clear_flush, pmd, vma, addr, p)
#define pmdp_collapse_flush(vma, addr, p) KERNEL_IN_VMA_(pmdp_collapse_flush, pmd, vma, addr, p)

#ifdef __cplusplus
}
#endif

#endif
