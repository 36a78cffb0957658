/* SPDX-License-Identifier: MIT */
/*
 * pte.h - what a word of a page table says, and the words that follow from it. Pure
 * functions: nothing here reads a table.
 */
#ifndef MMUN_PT_PTE_H
#define MMUN_PT_PTE_H

#include "vm/phys/phys.h"

/*
 * An entry is none (0); present (P); without access but with its page (PROTNONE); or has a
 * type that says what it is instead: swapped out, on the move. An upper entry names a table,
 * or, at level 1 and with PS, maps a huge page or is the MIGRATION of one. Each bit means one
 * thing in all entries that may have it.
 */
enum {
	PTE_P = 1 << 0,
	PTE_RW = 1 << 1,
	PTE_SOFTLEAF_SHIFT = 2,
	PTE_SOFTLEAF = 7 << PTE_SOFTLEAF_SHIFT, /* a type, if not present: softleaf.h */
	PTE_A = 1 << 5,
	PTE_D = 1 << 6,
	PTE_PS = 1 << 7,
	PTE_PROTNONE = 1 << 8,
	PTE_EXCL = 1 << 9,        /* anonymous, mapped here alone: PG_anon_exclusive */
	PTE_UFFD_WP = 1 << 10,
	PTE_SOFT_DIRTY = 1 << 11,
	PTE_PFN_SHIFT = 12,       /* in every build */
};

typedef struct { uint64_t v; } pte_t;

static inline pte_t pte_make(pfn_t pfn, uint64_t bits)
{
	return (pte_t){ (uint64_t)pfn.v << PTE_PFN_SHIFT | bits };
}

/* The walker need not write: accessed is set at once, and dirty if writable. */
#define PTE_READ_ONLY ((uint64_t)(PTE_P | PTE_A))
#define PTE_WRITABLE ((uint64_t)(PTE_P | PTE_RW | PTE_A | PTE_D | PTE_SOFT_DIRTY))
#define PTE_BITS (((uint64_t)1 << PTE_PFN_SHIFT) - 1)

static inline pfn_t pte_pfn(pte_t e) { return (pfn_t){ (uint32_t)(e.v >> PTE_PFN_SHIFT) }; }
static inline bool pte_none(pte_t e) { return e.v == 0; }
static inline bool pte_present(pte_t e) { return e.v & PTE_P; }
static inline bool pte_mapped(pte_t e) { return e.v & (PTE_P | PTE_PROTNONE); }
static inline bool pte_huge(pte_t e) { return e.v & PTE_PS; }
static inline bool pte_write(pte_t e) { return e.v & PTE_RW; }
static inline bool pte_dirty(pte_t e) { return e.v & PTE_D; }
static inline bool pte_young(pte_t e) { return e.v & PTE_A; }
static inline bool pte_exclusive(pte_t e) { return e.v & PTE_EXCL; }
static inline bool pte_uffd_wp(pte_t e) { return e.v & PTE_UFFD_WP; }
static inline bool pte_same(pte_t a, pte_t b) { return a.v == b.v; }
static inline pte_t pte_clear_bits(pte_t e, uint64_t bits) { return (pte_t){ e.v & ~bits }; }
static inline pte_t pte_set_bits(pte_t e, uint64_t bits) { return (pte_t){ e.v | bits }; }
static inline pte_t pte_wrprotect(pte_t e) { return pte_clear_bits(e, PTE_RW); }

/* Access again, after a hint or from a device. */
static inline pte_t pte_allow(pte_t e)
{
	return pte_set_bits(pte_clear_bits(e, PTE_PROTNONE | PTE_SOFTLEAF), PTE_P | PTE_A);
}

/* The entry of a small page of a huge one, index from 0. */
static inline pte_t pte_of_huge(pte_t huge, unsigned index)
{
	return pte_make((pfn_t){ pte_pfn(huge).v + index }, huge.v & PTE_BITS & ~(uint64_t)PTE_PS);
}

static inline pte_t pte_mkwrite(pte_t e)
{
	return pte_set_bits(pte_clear_bits(e, PTE_UFFD_WP), PTE_RW | PTE_D | PTE_SOFT_DIRTY);
}

/* For events (sync/events.h): what it lets do. */
static inline enum event_rights pte_rights(pte_t e)
{
	return pte_write(e) ? EVENT_RW : pte_present(e) ? EVENT_RO : EVENT_NO_ACCESS;
}

/* Does an upper entry name a table? */
static inline bool pte_table(pte_t e) { return !pte_none(e) && !pte_huge(e); }

#endif
