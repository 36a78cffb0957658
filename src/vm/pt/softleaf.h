/* SPDX-License-Identifier: MIT */
/*
 * softleaf.h - leaf entries that the hardware takes for not present, and that mean something
 * all the same: a type, what it is about in place of the frame number, and bits that are
 * kept. Linux calls them software leaf entries (softleaf_t in include/linux/leafops.h, which
 * was swp_entry_t). Pure functions: nothing here reads a table.
 *
 * What the operations do with each type:
 *
 *                        fault          fork          zap            mprotect      pagemap
 *   swap                 fetches it     swap_dup()    swap_free()    -             swapped
 *   migration            waits          ring          ring           comes back    swapped
 *   device exclusive     gives access   as PROTNONE   as PROTNONE    ends it       present
 *
 * "ring": the entry enters or leaves the ring of its frame; it has no reference. "comes back":
 * what mprotect() allows meanwhile is what the entry has when its page has moved. A
 * device-exclusive entry is PROTNONE besides: all that does not ask for its type treats it as
 * a page that is there.
 *
 * A new type is a line here, and a branch in fault/fault.c, ops/fork.c and entry/zap.c if
 * neither its ring nor its being mapped says what to do. Values 3, 5 and 7 are free, and so
 * are 28 bits beside a frame number, where a type can have types of its own as Linux's
 * markers do.
 */
#ifndef MMUN_PT_SOFTLEAF_H
#define MMUN_PT_SOFTLEAF_H

#include "vm/pt/pte.h"

/* The bits of a page's entry, which it has again when it is back. */
#define SOFTLEAF_PAGE_BITS ((uint64_t)(PTE_RW | PTE_A | PTE_D | PTE_PS | PTE_EXCL | \
				       PTE_UFFD_WP | PTE_SOFT_DIRTY))

enum softleaf_payload { SOFTLEAF_OF_FRAME, SOFTLEAF_OF_SLOT };

/*
 * X(enumerator, value, name, payload, ring, mapped, event, keeps)
 *
 * ring: it is in the ring of the frame that it names. mapped: it has a reference to the page,
 * as a present entry has. event: how pictures see it. keeps: the bits that it may have.
 */
#define SOFTLEAF_TYPES(X)                                                                    \
	X(SOFTLEAF_SWAP, 1, "swap", SOFTLEAF_OF_SLOT, false, false, EVENT_SWAPPED,           \
	  PTE_EXCL | PTE_UFFD_WP | PTE_SOFT_DIRTY)                                           \
	/* ... of an entry that was present, and is to be again */                           \
	X(SOFTLEAF_MIGRATION, 2, "migration", SOFTLEAF_OF_FRAME, true, false, EVENT_MOVING,  \
	  SOFTLEAF_PAGE_BITS)                                                                \
	/* ... of one that was PROTNONE */                                                   \
	X(SOFTLEAF_MIGRATION_PROTNONE, 6, "migration", SOFTLEAF_OF_FRAME, true, false,       \
	  EVENT_MOVING, SOFTLEAF_PAGE_BITS)                                                  \
	X(SOFTLEAF_DEVICE_EXCLUSIVE, 4, "device exclusive", SOFTLEAF_OF_FRAME, true, true,   \
	  EVENT_MAPPED, SOFTLEAF_PAGE_BITS | PTE_PROTNONE)

enum softleaf_type {
	SOFTLEAF_NONE, /* of entries that are none, present or only PROTNONE */
#define X(e, value, ...) e = (value),
	SOFTLEAF_TYPES(X)
#undef X
};

struct softleaf_info {
	const char *name; /* NULL: there is no such type */
	enum softleaf_payload payload;
	bool ring, mapped;
	enum event_entry event;
	uint64_t keeps;
};

static inline enum softleaf_type softleaf_type(pte_t e)
{
	return (enum softleaf_type)((e.v & PTE_SOFTLEAF) >> PTE_SOFTLEAF_SHIFT);
}

static inline struct softleaf_info softleaf_info(enum softleaf_type type)
{
	switch (type) {
#define X(e, value, ...) \
	case e:          \
		return (struct softleaf_info){ __VA_ARGS__ };
	SOFTLEAF_TYPES(X)
#undef X
	case SOFTLEAF_NONE:
		break;
	}
	return (struct softleaf_info){ 0 };
}

static inline bool softleaf_is_swap(pte_t e) { return softleaf_type(e) == SOFTLEAF_SWAP; }

static inline bool softleaf_is_migration(pte_t e)
{
	return softleaf_type(e) == SOFTLEAF_MIGRATION ||
	       softleaf_type(e) == SOFTLEAF_MIGRATION_PROTNONE;
}

static inline bool softleaf_is_device_exclusive(pte_t e)
{
	return softleaf_type(e) == SOFTLEAF_DEVICE_EXCLUSIVE;
}

/* Is the entry in the ring of the frame that it names? But for the zero page, which has none. */
static inline bool pte_in_ring(pte_t e)
{
	enum {
#define X(e, value, name, payload, ring, ...) | (unsigned)(ring) << (value)
		RINGS = 0 SOFTLEAF_TYPES(X),
#undef X
	};

	return pte_mapped(e) || (RINGS >> softleaf_type(e) & 1);
}

static inline uint32_t softleaf_to_slot(pte_t e) { return (uint32_t)(e.v >> PTE_PFN_SHIFT); }

static inline pte_t softleaf_make(enum softleaf_type type, uint64_t number, uint64_t bits)
{
	return (pte_t){ number << PTE_PFN_SHIFT | (uint64_t)type << PTE_SOFTLEAF_SHIFT |
			(bits & softleaf_info(type).keeps) };
}

/* What stands for an entry while its page is in the slot: e is what mapped the page. */
static inline pte_t make_swap_entry(uint32_t slot, pte_t e)
{
	return softleaf_make(SOFTLEAF_SWAP, slot, e.v);
}

/* ... while the page is on the move; and the entry with the page where it is then. */
static inline pte_t make_migration_entry(pte_t e)
{
	return softleaf_make(pte_present(e) ? SOFTLEAF_MIGRATION : SOFTLEAF_MIGRATION_PROTNONE,
			     pte_pfn(e).v, e.v);
}

static inline pte_t pte_of_migration(pte_t e, pfn_t pfn)
{
	return pte_make(pfn, (e.v & SOFTLEAF_PAGE_BITS) |
			     (softleaf_type(e) == SOFTLEAF_MIGRATION ? PTE_P : PTE_PROTNONE));
}

/* ... while a device has the page to itself; pte_allow() ends it. */
static inline pte_t make_device_exclusive_entry(pte_t e)
{
	return softleaf_make(SOFTLEAF_DEVICE_EXCLUSIVE, pte_pfn(e).v, e.v | PTE_PROTNONE);
}

/* All that an entry says, for events. */
static inline uint64_t pte_event(pte_t e)
{
	enum softleaf_type type = softleaf_type(e);
	enum event_entry is = type ? softleaf_info(type).event :
			      pte_none(e) ? EVENT_NONE : EVENT_MAPPED;

	return event_entry(is, (uint32_t)(e.v >> PTE_PFN_SHIFT), pte_rights(e), pte_huge(e));
}

#endif
