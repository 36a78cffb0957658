/* SPDX-License-Identifier: MIT */
/*
 * phys.h - physical memory: sizes, page frames, swap slots, the machine that has them.
 */
#ifndef MMUN_PHYS_PHYS_H
#define MMUN_PHYS_PHYS_H

#include "sync/sync.h"
#include "mmun/mmun.h"

/* --- sizes --------------------------------------------------------------- */

enum { TABLE_LEVELS = 4, TABLE_ENTRIES = 1 << SYNC_TABLE_SHIFT };

#define PAGE_BYTES ((uint64_t)1 << SYNC_PAGE_SHIFT)
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
#define HUGE_BYTES (PAGE_BYTES << SYNC_TABLE_SHIFT)
#define TASK_BYTES ((uint64_t)1 << (SYNC_PAGE_SHIFT + TABLE_LEVELS * SYNC_TABLE_SHIFT))

_Static_assert(sizeof(atomic_u64) == 8, "a page table entry is one word");
_Static_assert((8u << SYNC_TABLE_SHIFT) == (1u << SYNC_PAGE_SHIFT), "a table fills a page");

static inline uint64_t page_down(uint64_t addr) { return addr & ~(PAGE_BYTES - 1); }
static inline uint64_t huge_down(uint64_t addr) { return addr & ~(HUGE_BYTES - 1); }

/* Bytes that one entry of a table of this level maps; level 0 is the leaf. */
static inline uint64_t entry_bytes(unsigned level)
{
	return PAGE_BYTES << (level * SYNC_TABLE_SHIFT);
}

static inline unsigned entry_index(uint64_t addr, unsigned level)
{
	return (addr >> (SYNC_PAGE_SHIFT + level * SYNC_TABLE_SHIFT)) & (TABLE_ENTRIES - 1);
}

/* Where what the leaf table of addr maps ends, or end if that comes first. */
static inline uint64_t table_end(uint64_t addr, uint64_t end)
{
	uint64_t next = huge_down(addr) + HUGE_BYTES;

	return next < end ? next : end;
}

/* len rounded up to pages: false if [addr, addr + len) is not the user's. */
static inline bool range_fits(uint64_t addr, uint64_t *len)
{
	if (*len > TASK_BYTES || addr > TASK_BYTES)
		return false;
	*len = page_down(*len + PAGE_BYTES - 1);
	return *len <= TASK_BYTES - addr;
}

/* --- frames -------------------------------------------------------------- */

typedef struct { uint32_t v; } pfn_t;

/* What a frame is used for; 0: for nothing, it is free. */
enum frame_flags {
	FRAME_ANON = 1,
	FRAME_TABLE = 2,
	FRAME_ZERO = 4,
	FRAME_OBJECT = 16,   /* belongs to an object's cache, or did */
	FRAME_HUGE = 32,     /* the head of a huge page: TABLE_ENTRIES frames */
	FRAME_TAIL = 64,     /* another frame of a huge page */
};

/*
 * There is a structure for each use: struct frame of a page, struct ptdesc of a page table,
 * struct huge_frame of a huge page that was split. They stand side by side and share no
 * memory, though a frame is one thing at a time: whoever has found a frame without a lock
 * may come when it is something else. These members may be touched at any time, and so
 * are made once, with the machine, and never again:
 *
 *   refcount         0 unless the frame is a page in use; frame_try_get() takes no lock
 *   page_lock        always a lock; migration_entry_wait() comes late
 *   ptl, pmd_lock    always locks; a walker by rmap locks the table in which it has seen an
 *                    entry, and looks only then, in the page's ring, whether it is one still
 *
 * All other members are for who knows what the frame is: by a reference to the page, by a
 * locked entry that maps it, by holding the table in the tree. A table in whose entries a
 * page's ring goes on is in use as long as the page's rmap_lock is held.
 */

/* A leaf entry: its table's frame number and its index, plus 1; 0 is none. */
typedef struct { uint64_t v; } slot_t;

/*
 * A page is a frame, or the head of a huge page, which counts for all its frames.
 * refcount: one for each entry that maps (part of) the page, in whatever address
 * space (MIGRATION entries do not count), one for the object or swap slot that
 * keeps it, one for each operation at work on it. Tables, the zero page and free
 * frames have 0, and so has a page that is frozen: nobody but the freezer may
 * count then. The rmap is the ring of the entries that map a frame, MIGRATION ones too.
 *
 * Letters: [A] atomic; [L] the page lock; [R] rmap_lock, of each frame of a huge page its own.
 */
struct frame {
	atomic_u64 refcount;     /* [A] */
	atomic_u64 pins;         /* [A] references that may write past the page tables */
	uint32_t flags;          /* HUGE, TAIL: who has a reference; else constant */
	bool ksm;                /* [L] with a reference more than the mappings', so who sees
	                            a count of 1 under the ptl may read it; a word of its own,
	                            as flags are read with less */
	uint32_t index;          /* [L] of an object's page: in the object, in pages */
	struct mmun_object *object; /* [L] NULL: none, or truncated away */
	atomic_u64 dirty;        /* [A] 1: written since it was last cleaned or swapped out, by
	                            entries that are gone. Anonymous pages are born with 1;
	                            MADV_FREE clears it, of a page to which the entry has the
	                            only reference: if the entry is clean too, nobody wants
	                            the contents */
	atomic_u64 swap;         /* [A] slot + 1 of which this is the cached page, 0: none;
	                            changes under the slot's lock, from 0 with the page locked */
	spin_t rmap_lock;
	slot_t rmap;             /* [R] an entry of the ring, 0: none */
	uint64_t mapcount;       /* [R] how many there are */
	mutex_t page_lock;
};

struct pgtable; /* pt/pt.h */
struct rmap_link { slot_t next, prev; }; /* [R] of the page that the entry maps */

/*
 * A page table, in Linux's word. A leaf table's entries change under the ptl, the huge entries
 * of a table of level 1 under its pmd lock. The library makes tables of small frames only, but
 * a check in C may take any frame for one.
 *
 * Letters: [A] atomic; [C] constant while it is a table; [D] the pmd lock of the table of
 * level 1 above; [P] its own ptl or pmd lock.
 */
struct ptdesc {
	_Alignas(64) spin_t ptl; /* of a leaf table; tables do not share cache lines */
	spin_t pmd_lock;         /* of a table of level 1 */
	struct pgtable *pgtable; /* [C] whose */
	unsigned level;          /* [C] 0: a leaf */
	uint32_t deposit;        /* [P] of level 1: leaf tables kept so that a huge entry can be
	                            split; the frame number + 1 of the first, 0: none */
	uint32_t next_deposit;   /* [D] of one that is kept: the next, in the same way */
	atomic_u64 base;         /* [P] [A] see table_base(): mremap moves it */
	struct rmap_link *link;  /* [C] of each entry; levels 0 and 1 only */
};

/* TABLE_ENTRIES frames of which a huge page is made. Once it is split they are small pages. */
struct huge_frame {
	atomic_u64 left;         /* [A] how many of them are not yet free again */
};

/* --- the machine --------------------------------------------------------- */

/* [W] its lock. */
struct swap_slot {
	spin_t lock;
	uint64_t count;          /* [W] entries that name it, operations at work on it, and 1
	                            for the cached page; 0: free */
	uint32_t page;           /* [W] frame number + 1 that has its contents, 0: none; has
	                            a reference */
};

/* [A] atomic; [C] constant once published. Arrays have what was allocated for them beside. */
struct mmun_machine {
	char *memory;            /* [C] frame 0, page-aligned */
	struct frame *frame;     /* [C] array: of each frame */
	struct ptdesc *ptdesc;   /* [C] array: of each frame */
	struct huge_frame *huge; /* [C] array: of each huge one, from huge_base on */
	void *memory_block, *frame_block; /* [C] memory's; all three arrays' */
	uint32_t frames;         /* [C] all of them */
	uint32_t small;          /* [C] frames for small pages and tables come first */
	uint32_t huge_base;      /* [C] first frame of the huge ones; a multiple of TABLE_ENTRIES */
	pfn_t zero;              /* [C] the zero page */
	pool_t pool;             /* numbers of free small frames */
	pool_t huge_pool;        /* numbers of free huge frames, from 0 */
	uint32_t swap_pages;     /* [C] */
	struct swap_slot *swap;  /* [C] array */
	uint64_t *swap_memory;   /* [C] PAGE_WORDS for each slot; written with the page locked */
	pool_t swap_pool;        /* numbers of free slots */
	atomic_u64 mms;          /* [A] address spaces and objects not yet freed */
	atomic_u64 notifiers;    /* [A] SRCU domain of all lists of notifiers: notify/list.h */
};

/* Takes a frame, for a page with refcount 1. False: none is free. */
bool frame_alloc(struct mmun_machine *m, uint32_t flags, bool zero, pfn_t *ret_pfn);
bool frame_alloc_huge(struct mmun_machine *m, bool zero, pfn_t *ret_head); /* FRAME_ANON */
void frame_free(struct mmun_machine *m, pfn_t pfn);   /* of a page: refcount is 0 or ours alone */
void frame_get(struct mmun_machine *m, pfn_t pfn, uint64_t count); /* caller has one already */
void frame_put(struct mmun_machine *m, pfn_t pfn, uint64_t count);
void frame_last_put(struct mmun_machine *m, pfn_t head); /* the caller has made refcount 0 */
bool frame_try_get(struct mmun_machine *m, pfn_t head); /* no lock; false: free or frozen */
bool frame_freeze(struct mmun_machine *m, pfn_t head, uint64_t expected);
void frame_unfreeze(struct mmun_machine *m, pfn_t head, uint64_t count);
void frame_copy(struct mmun_machine *m, pfn_t to, pfn_t from);
uint32_t machine_frames_used(const struct mmun_machine *m); /* nobody is at work */

static inline atomic_u64 *frame_memory(const struct mmun_machine *m, pfn_t pfn)
{
	return (atomic_u64 *)(void *)(m->memory + ((uint64_t)pfn.v << SYNC_PAGE_SHIFT));
}

static inline struct frame *frame_of(const struct mmun_machine *m, pfn_t pfn)
{
	return &m->frame[pfn.v];
}

static inline struct ptdesc *ptdesc_of(const struct mmun_machine *m, pfn_t table)
{
	return &m->ptdesc[table.v];
}

/* Of the huge frame that this one belongs to. */
static inline struct huge_frame *huge_frame_of(const struct mmun_machine *m, pfn_t pfn)
{
	return &m->huge[(pfn.v - m->huge_base) / TABLE_ENTRIES];
}

static inline bool is_zero_page(const struct mmun_machine *m, pfn_t pfn)
{
	return pfn.v == m->zero.v;
}

/* The page that the frame belongs to. The caller has a reference or a locked entry. */
static inline pfn_t frame_head(const struct mmun_machine *m, pfn_t pfn)
{
	if (pfn.v >= m->huge_base && (frame_of(m, pfn)->flags & FRAME_TAIL))
		return (pfn_t){ pfn.v & ~((uint32_t)TABLE_ENTRIES - 1) };
	return pfn;
}

/* --- swap slots ---------------------------------------------------------- */

/* A slot that an entry names. */
void swap_dup(struct mmun_machine *m, uint32_t slot);  /* one entry more; the entry is locked */
void swap_free(struct mmun_machine *m, uint32_t slot); /* one entry less */

/* from, locked and mapped by nobody, gets frozen if only the caller has a reference
 * beside the swap slot; to, if not from, takes its place there. Else false. */
bool swap_freeze(struct mmun_machine *m, pfn_t from, pfn_t to);

/* A count of the slot, and its page locked and with a reference, read in if need be.
 * -EAGAIN: the slot is free; -ENOMEM. */
int swap_get_page(struct mmun_machine *m, uint32_t slot, pfn_t *ret_pfn);

/* Does nobody but one entry need the slot's page, which the caller has got and locked? */
bool is_last_swap_user(struct mmun_machine *m, uint32_t slot, pfn_t pfn);

#endif
