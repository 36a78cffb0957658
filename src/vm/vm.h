/* SPDX-License-Identifier: MIT */
/*
 * vm.h - the structures of the virtual memory, their locks, and what its files
 * offer each other and the checker.
 *
 * Legend: [C] constant once published; [M] mmap_lock, written under it for
 * writing, read under it either way; [T] written under mmap_lock and areas_sem for
 * writing, read under either; [V] written with the area write-locked, read with
 * mmap_lock or the area's lock; [S] subscriptions_lock; [N] written under
 * mm_lock_all(), read by whoever may notify; [P] the table's ptl or pml; [L] the
 * page lock; [R] the page's rmap_lock; [I] the object's mappings_sem; [O] the
 * object's lock; [W] the swap slot's lock; [A] atomic.
 *
 * Lock order, outermost first (enum sync_rank):
 *
 *      release_lock -> mmap_lock -> areas_sem -> area lock -> page lock (two by frame number)
 *        -> object.mappings_sem -> rmap_sem -> subscriptions_lock, drivers' locks
 *        -> pml -> ptl (two by address) -> rmap_lock, object.lock, swap slot lock
 *
 * Who may notify, that is call start, end and secondary_point: whoever holds
 * mmap_lock, the lock of an area of the mm, or rmap_sem. mm_lock_all() excludes all.
 *
 * Who holds what when a page table changes. None to table or to huge entry: mmap_lock
 * or the area's lock, by compare and exchange; table to none: mmap_lock and all the
 * areas there for writing. A huge entry changes under its pml, to a table too. Leaf
 * entries change under the ptl. Who comes by rmap holds no lock of the mm: tables
 * are freed an RCU grace period after they were detached. Hardware walks without
 * any lock, in a guard section; flushing a TLB waits for it.
 */
#ifndef MMUN_VM_H
#define MMUN_VM_H

#include "base/btree.h"
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

/* --- page table entries -------------------------------------------------- */

/*
 * An entry is none (0); present (P); without access but with its page (PROTNONE);
 * a page on the move (MIGRATION, with the frame and the bits it had); or swapped
 * out (SWAP, with the slot in place of the frame). An upper entry names a table,
 * or, at level 1 and with PS, maps a huge page or is the MIGRATION of one.
 */
enum {
	PTE_P = 1 << 0,
	PTE_RW = 1 << 1,
	PTE_SWAP = 1 << 2,
	PTE_MIGRATION = 1 << 3,
	PTE_NO_ACCESS = 1 << 4,   /* of a MIGRATION entry: PROTNONE when the page has moved */
	PTE_DEVICE = 1 << 4,      /* of a PROTNONE entry: for a device alone, exclusive.c */
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
typedef struct { uint32_t v; } pfn_t;

static inline pte_t pte_make(pfn_t pfn, uint64_t bits)
{
	return (pte_t){ (uint64_t)pfn.v << PTE_PFN_SHIFT | bits };
}

/* The walker need not write: accessed is set at once, and dirty if writable. */
#define PTE_READ_ONLY ((uint64_t)(PTE_P | PTE_A))
#define PTE_WRITABLE ((uint64_t)(PTE_P | PTE_RW | PTE_A | PTE_D | PTE_SOFT_DIRTY))
#define PTE_BITS (((uint64_t)1 << PTE_PFN_SHIFT) - 1)

static inline pfn_t pte_pfn(pte_t e) { return (pfn_t){ (uint32_t)(e.v >> PTE_PFN_SHIFT) }; }
static inline uint32_t pte_slot(pte_t e) { return (uint32_t)(e.v >> PTE_PFN_SHIFT); }
static inline bool pte_none(pte_t e) { return e.v == 0; }
static inline bool pte_present(pte_t e) { return e.v & PTE_P; }
static inline bool pte_mapped(pte_t e) { return e.v & (PTE_P | PTE_PROTNONE); }
static inline bool pte_migration(pte_t e) { return e.v & PTE_MIGRATION; }
static inline bool pte_swap(pte_t e) { return e.v & PTE_SWAP; }
static inline bool pte_huge(pte_t e) { return e.v & PTE_PS; }
static inline bool pte_write(pte_t e) { return e.v & PTE_RW; }
static inline bool pte_dirty(pte_t e) { return e.v & PTE_D; }
static inline bool pte_young(pte_t e) { return e.v & PTE_A; }
static inline bool pte_exclusive(pte_t e) { return e.v & PTE_EXCL; }
static inline bool pte_uffd_wp(pte_t e) { return e.v & PTE_UFFD_WP; }
static inline bool pte_device(pte_t e)
{
	return (e.v & (PTE_PROTNONE | PTE_DEVICE)) == (PTE_PROTNONE | PTE_DEVICE);
}
static inline bool pte_same(pte_t a, pte_t b) { return a.v == b.v; }
static inline pte_t pte_clear_bits(pte_t e, uint64_t bits) { return (pte_t){ e.v & ~bits }; }
static inline pte_t pte_set_bits(pte_t e, uint64_t bits) { return (pte_t){ e.v | bits }; }
static inline pte_t pte_wrprotect(pte_t e) { return pte_clear_bits(e, PTE_RW); }

/* Access again, after a hint or from a device. */
static inline pte_t pte_allow(pte_t e)
{
	return pte_set_bits(pte_clear_bits(e, PTE_PROTNONE | PTE_DEVICE), PTE_P | PTE_A);
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

/* A mapped entry while its page is on the move, and with the page where it is then. */
static inline pte_t pte_to_migration(pte_t e)
{
	uint64_t v = pte_clear_bits(e, PTE_P | PTE_PROTNONE).v;

	return (pte_t){ v | PTE_MIGRATION | (pte_present(e) ? 0 : PTE_NO_ACCESS) };
}

static inline pte_t pte_from_migration(pte_t e, pfn_t pfn)
{
	uint64_t bits = e.v & PTE_BITS & ~(uint64_t)(PTE_MIGRATION | PTE_NO_ACCESS);

	return pte_make(pfn, bits | (e.v & PTE_NO_ACCESS ? PTE_PROTNONE : PTE_P));
}

/* --- physical memory: frame.c, rmap.c ------------------------------------ */

enum frame_flags {
	FRAME_ANON = 1,
	FRAME_TABLE = 2,
	FRAME_ZERO = 4,
	FRAME_OBJECT = 16,   /* belongs to an object's cache, or did */
	FRAME_HUGE = 32,     /* the head of a huge page: TABLE_ENTRIES frames */
	FRAME_TAIL = 64,     /* another frame of a huge page */
};

/* A leaf entry: its table's frame number and its index, plus 1; 0 is none. */
typedef struct { uint64_t v; } slot_t;

struct rmap_link { slot_t next, prev; }; /* [R] of the page that the entry maps */

/*
 * A page is a frame, or the head of a huge page, which counts for all its frames.
 * refcount: one for each entry that maps (part of) the page, in whatever address
 * space (MIGRATION entries do not count), one for the object or swap slot that
 * keeps it, one for each operation at work on it. Tables, the zero page and free
 * frames have 0, and so has a page that is frozen: nobody but the freezer may
 * count then. The rmap is the ring of the entries that map a frame, MIGRATION ones too.
 */
struct frame {
	atomic_u64 refcount;     /* [A] */
	atomic_u64 pins;         /* [A] references that may write past the page tables */
	uint32_t flags;          /* HUGE, TAIL: who has a reference; else [C]; 0: free */
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
	                            changes under [W], from 0 with the page locked */
	spin_t rmap_lock;
	slot_t rmap;             /* [R] an entry of the ring, 0: none */
	uint64_t mapcount;       /* [R] how many there are */
	mutex_t page_lock;

	/* Of a table. */
	spin_t ptl;              /* of a leaf table */
	spin_t pml;              /* of a table of level 1: its huge entries */
	struct mmun_mm *mm;      /* [C] whose */
	unsigned level;          /* [C] */
	atomic_u64 base;         /* [P] [A] see table_base(): mremap moves it */
	struct rmap_link *link;  /* [C] of each entry; levels 0 and 1 only */
	uint32_t deposit;        /* [P] of level 1: tables kept so that a huge entry can be
	                            split, linked by index, + 1 */

	atomic_u64 left;         /* [A] of a split huge page's first frame: not yet free */
};

struct swap_slot {
	spin_t lock;
	uint64_t count;          /* [W] entries that name it, operations at work on it, and 1
	                            for the cached page; 0: free */
	uint32_t page;           /* [W] frame number + 1 that has its contents, 0: none; has
	                            a reference */
};

struct mmun_machine {
	void *block;             /* [C] what was allocated */
	char *memory;            /* [C] frame 0, page-aligned */
	struct frame *frame;     /* [C] array */
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
	atomic_u64 puts_left;    /* [A] notifiers put by a release callback, not yet freed */
};

/* Takes a frame, for a page with refcount 1. False: none is free. */
bool frame_alloc(struct mmun_machine *m, uint32_t flags, bool zero, pfn_t *ret_pfn);
bool frame_alloc_huge(struct mmun_machine *m, bool zero, pfn_t *ret_head); /* FRAME_ANON */
void frame_free(struct mmun_machine *m, pfn_t pfn);   /* of a page: refcount is 0 or ours alone */
void frame_get(struct mmun_machine *m, pfn_t pfn, uint64_t count); /* caller has one already */
void frame_put(struct mmun_machine *m, pfn_t pfn, uint64_t count);
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

/* An entry of a table, with the lock that it changes under. */
struct ptep {
	atomic_u64 *entry;   /* NULL: there is no table */
	spin_t *ptl;         /* the ptl of a leaf table, the pml at level 1 */
	pfn_t table;
	unsigned level;      /* 0, or 1: maps a huge page */
};

/*
 * The ring of a frame: the entries that map it; a huge entry is in the ring of the
 * head. Called under the entry's ptl. _new: nobody else knows the page yet. The zero
 * page has none: these do nothing. refcount is the caller's business.
 */
void rmap_add(struct mmun_machine *m, pfn_t pfn, const struct ptep *p);
void rmap_add_new(struct mmun_machine *m, pfn_t pfn, const struct ptep *p);
void rmap_remove(struct mmun_machine *m, pfn_t pfn, const struct ptep *p);
uint64_t rmap_count(struct mmun_machine *m, pfn_t head); /* of all its frames */

/*
 * Walking the rings of a page, with a reference to it and its page lock. Set head;
 * each step gives the next entry, ring order, beginning anew if the last one has
 * gone, and holds mm (alive, not its contents) and its rmap_sem for reading until
 * the next step or rmap_walk_end(). After a removal of the entry it goes on
 * with what is left: a walk that removes ends when nothing is. addr is of the
 * first byte the entry maps.
 *
 *      struct rmap_walk w = { .head = head };
 *      while (rmap_next(m, &w)) {
 *              invalidate_range_start(...w.mm, w.addr...);
 *              if (rmap_lock_entry(m, &w, &p)) { ... pte_unlock(&p); }
 *              invalidate_range_end(...);
 *      }
 */
struct rmap_walk {
	pfn_t head;
	uint32_t frame;      /* head.v + frame is the one whose ring is walked */
	slot_t at;
	struct mmun_mm *mm;  /* NULL: not begun, or over */
	uint64_t base;       /* of its table when addr was computed */
	uint64_t addr;
	uint64_t bytes;      /* PAGE_BYTES, HUGE_BYTES for an entry of level 1 */
};

bool rmap_next(struct mmun_machine *m, struct rmap_walk *w);
void rmap_walk_end(struct mmun_machine *m, struct rmap_walk *w); /* when leaving early */

/* Locks the entry. False: it has gone, or moved, and the walk will come by it again at
 * its new place; nothing is locked then. */
bool rmap_lock_entry(struct mmun_machine *m, const struct rmap_walk *w, struct ptep *ret_p);

/* --- address spaces ------------------------------------------------------ */

/* The kinds of update, whose place to notify is data. X(enumerator, name) */
#define MM_OPS(X)                                                     \
	X(MM_OP_COW, "cow")         /* write fault on the zero page too */ \
	X(MM_OP_MUNMAP, "munmap")                                     \
	X(MM_OP_MPROTECT, "mprotect")                                 \
	X(MM_OP_FORK, "fork")                                         \
	X(MM_OP_KSM_MERGE, "ksm_merge") /* write-protecting and replacing */ \
	X(MM_OP_REPLACE_PAGE, "replace_page")                         \
	X(MM_OP_EXIT, "exit")                                         \
	X(MM_OP_MREMAP, "mremap")                                     \
	X(MM_OP_DONTNEED, "dontneed") /* the OOM reaper too */        \
	X(MM_OP_FREE, "free")       /* MADV_FREE */                   \
	X(MM_OP_TRUNCATE, "truncate") /* and punching holes */        \
	X(MM_OP_RECLAIM, "reclaim")                                   \
	X(MM_OP_MIGRATE, "migrate")                                   \
	X(MM_OP_SPLIT, "split")     /* of a huge entry */             \
	X(MM_OP_COLLAPSE, "collapse")                                 \
	X(MM_OP_SOFT_DIRTY, "clear_refs")                             \
	X(MM_OP_UFFD_WP, "uffd_wp")                                   \
	X(MM_OP_UFFD_MOVE, "uffd_move")                               \
	X(MM_OP_NUMA, "numa_hint")                                    \
	X(MM_OP_CLEAN, "clean")     /* folio_mkclean */ \
	X(MM_OP_UPGRADE, "upgrade") /* a fault gives the right to write, or finds it given */

enum mm_op {
#define X(e, ...) e,
	MM_OPS(X)
#undef X
	MM_OP_COUNT,
};

/* Places at which an operation may flush the secondary TLBs. */
enum notify_at {
	NOTIFY_CLEAR = 1,   /* under the ptl, between clear and set */
	NOTIFY_SET = 2,     /* under the ptl, after set */
	NOTIFY_UNLOCK = 4,  /* after the ptl, before range_end */
	NOTIFY_END = 8,     /* in range_end */
	NOTIFY_AFTER = 16,  /* after range_end, before pages are given up; in gathers,
	                       with the CPUs' flush */
	NOTIFY_FREED = 32,  /* after that: always wrong for munmap */
};

/*
 * What lets an operation put a flush off, and what the checker makes it forget: see
 * mm_set_forgets() and docs/vm.md. Each stands for a fix in Linux that is undone, at the
 * place that names it.
 */
enum mm_forget {
	FORGET_AREAS = 1,      /* the areas are not write-locked */
	FORGET_REUSE = 2,      /* what is this mm's alone is copied as well */
	FORGET_PENDING = 4,    /* a flush that is still to come is taken for done */
	FORGET_NESTED = 8,     /* so is that of another one who does the same */
	FORGET_REFERENCE = 16, /* the old page is given up before the flush */
	FORGET_ORDER = 32,     /* what the flush is for is done before it */
	FORGET_DIRTY = 64,     /* a dirty page leaves the rmap before the flush */
	FORGET_RANGE = 128,    /* no start and end: who has a page table of its own is not told */
};

/* struct vma flags: MMUN_MAP_SHARED or MMUN_MAP_PRIVATE, ANONYMOUS, and these. */
enum {
	VMA_HUGEPAGE = 1 << 24,   /* faults may use huge pages */
	VMA_MERGEABLE = 1 << 25,
};

/*
 * An area: [start, end) with one protection. Its lock: a reader holds lock for
 * reading; a writer, with mmap_lock for writing, sets lock_seq to the mm's and waits
 * for the readers; up_write of the mmap_lock lets all areas go. See vma.c.
 */
struct vma {
	uint64_t start, end;      /* [V] */
	int prot;                 /* [V] MMUN_PROT_* */
	uint32_t flags;           /* [V] */
	struct mmun_object *object; /* [V] NULL: anonymous and private */
	uint64_t offset;          /* [V] of start in the object, bytes */
	struct mmun_mm *mm;       /* [C] */
	struct vma *next, *prev;  /* [I] the object's other mappings */
	uint64_t lock_seq;        /* [T] */
	rwsem_t lock;
};

struct mmun_object {
	struct mmun_machine *machine; /* [C] */
	atomic_u64 count;         /* [A] the creator, areas */
	rwsem_t mappings_sem;     /* i_mmap_rwsem */
	struct vma *mappings;     /* [I] */
	mutex_t size_lock;        /* truncate, punch and clean, one at a time */
	atomic_u64 pages;         /* [A] how long it is; written under size_lock */
	spin_t lock;
	uint32_t capacity;        /* [O] slots */
	uint32_t *page;           /* [O] frame number + 1, 0: a hole */
};

struct tlb {
	uint32_t shift;       /* [C] 1 << shift entries */
	bool keeps_rights;    /* [C] an entry that does not allow a store is no miss */
	atomic_u64 *entry;    /* [C] [A] see tlb.c */
};

struct mmun_cpu {
	struct mmun_mm *mm;   /* [C] */
	struct mmun_cpu *next;/* [N] */
	struct tlb tlb;
};

/* The state of a mmu_notifier; see notifier.c. */
enum { NOTIFIER_IDLE, NOTIFIER_LIVE, NOTIFIER_RELEASED, NOTIFIER_PUT, NOTIFIER_LEFT };

struct mmun_mm {
	struct mmun_machine *machine;      /* [C] */
	pfn_t pgd;                         /* [C] freed with the structure */
	enum mmun_semantics semantics;     /* [C] */
	uint8_t where[MM_OP_COUNT];        /* [C] enum notify_at bits; see mm_set_where() */
	uint8_t forgets[MM_OP_COUNT];      /* [C] enum mm_forget bits; see mm_set_forgets() */

	rwsem_t mmap_lock;
	rwsem_t areas_sem;                 /* for finding an area without mmap_lock */
	struct btree areas;                /* [T] of struct vma */
	uint64_t lock_seq;                 /* [T] areas with this number are write-locked */
	bool areas_locked;                 /* [M] there are some */
	uint64_t search_from;              /* [M] where mmap looks for room */

	rwsem_t rmap_sem;                  /* held for reading by who comes by rmap */
	struct mmun_cpu *cpus;             /* [N] */
	uint64_t keepers;                  /* [N] devices whose TLBs keep rights */
	atomic_u64 tlb_flush_pending;      /* [A] operations whose CPU flush is to come */
	atomic_u64 gathers;                /* [A] gathers under way */
	atomic_u64 tlb_batch_pending;      /* [A] entries cleared by reclaim, not yet flushed */

	mutex_t release_lock;              /* one at a time: exit, unregister, last put */
	mutex_t subscriptions_lock;
	struct mmu_notifier *subscriptions;/* [N+S] the newest first */
	bool exiting;                      /* [S] */
	uint64_t releaser;                 /* [S] thread that is calling release, 0: none */
	struct interval_subscriptions *intervals; /* [N+S] NULL: never had one; interval.c */

	atomic_u64 count;                  /* [A] who needs the structure: the owner, notifiers,
	                                      whoever came by rmap */
};

void mm_get(struct mmun_mm *mm);
void mm_put(struct mmun_mm *mm);
int mm_alloc(struct mmun_machine *machine, enum mmun_semantics semantics, struct mmun_mm **ret_mm);
void mm_exit(struct mmun_mm *mm);

void mm_where_init(struct mmun_mm *mm); /* as its semantics have it */

/* Before any thread works with the mm: where this operation notifies. */
void mm_set_where(struct mmun_mm *mm, enum mm_op op, unsigned bits);

/* The same: what this operation does not keep to. Nobody but a checker wants that. */
void mm_set_forgets(struct mmun_mm *mm, enum mm_op op, unsigned bits);

static inline bool mm_forgets(const struct mmun_mm *mm, enum mm_op op, enum mm_forget what)
{
	return mm->forgets[op] & what;
}

/* The entry of addr as for a small page, {0} if there is no table. No lock; for oracles. */
pte_t mm_translate(const struct mmun_mm *mm, uint64_t addr);

/* mmap_lock for writing, and letting it and the areas locked under it go. */
void mmap_write_lock(struct mmun_mm *mm);
void mmap_write_unlock(struct mmun_mm *mm);

/* Excludes everybody who may notify (mm_take_all_locks in mm/mmap.c). May sleep. */
void mm_lock_all(struct mmun_mm *mm);
void mm_unlock_all(struct mmun_mm *mm);

/* --- page tables: pgtable.c ---------------------------------------------- */

/*
 * The leaf entry of addr, or the huge one that maps it (level 1); entry is NULL
 * if there is no table. Caller: mmap_lock or the area's lock. Another thread may
 * split, drop or make a huge entry: see pte_map_lock().
 */
struct ptep pgtable_walk(const struct mmun_mm *mm, uint64_t addr);

/* The same, making tables down to the leaf. False: no frame. A huge entry is left. */
bool pgtable_walk_alloc(struct mmun_mm *mm, uint64_t addr, struct ptep *ret_ptep);

/* The entry of level 1 whatever it is, making the tables above. False: no frame. */
bool pgtable_walk_pmd(struct mmun_mm *mm, uint64_t addr, bool alloc, struct ptep *ret_ptep);

/* The first leaf table or huge entry at or after *addr, before end; *addr moves there. */
bool pgtable_next(const struct mmun_mm *mm, uint64_t *addr, uint64_t end, struct ptep *ret_ptep);

/* Finds and locks the entry that maps addr, level 0 or 1. False: no table. */
bool pte_map_lock(const struct mmun_mm *mm, uint64_t addr, struct ptep *ret_p);

/* Locks; false and unlocked if at level 1 and no huge entry any more. */
bool pte_lock(const struct ptep *p, uint64_t addr);
void pte_unlock(const struct ptep *p);

/* Two entries of one level, both still what the walk found; their tables may be one. */
void pte_lock_two(const struct ptep *a, const struct ptep *b);
void pte_unlock_two(const struct ptep *a, const struct ptep *b);

/* What a hardware walker finds, as for a small page, in a guard section. Sets
 * accessed, and dirty for a write, in the entry. */
pte_t pgtable_walk_hw(const struct mmun_mm *mm, uint64_t addr, bool write);

static inline pte_t pte_get(const atomic_u64 *e) { return (pte_t){ load_acquire(e) }; }
pte_t ptep_get_and_clear(atomic_u64 *e, uint64_t addr);
void set_pte(atomic_u64 *e, uint64_t addr, pte_t pte);

/* Clears only these bits, whatever the walk sets meanwhile. old: what was seen; returns
 * what the entry was in the end. Under the ptl. */
pte_t ptep_clear_bits(atomic_u64 *e, uint64_t addr, pte_t old, uint64_t bits);

/* Clears, and empties the CPUs' TLBs of what it mapped. Under the ptl. */
pte_t ptep_clear_flush(struct mmun_mm *mm, const struct ptep *p, uint64_t addr);

/*
 * A huge entry is not present any more, but still one; the old value. Under its pml.
 * It never becomes none for a moment: a fault would put a table there without the lock.
 */
pte_t pmdp_invalidate(const struct ptep *p, uint64_t addr, pte_t seen);

/* A leaf table of this address that nobody else sees yet, and giving it back. */
bool table_alloc(struct mmun_mm *mm, uint64_t addr, unsigned level, pfn_t *ret_table);
void table_free(struct mmun_machine *m, pfn_t table);

/* What frame.base says: the first address that the table maps, and in the low bits how
 * often it has been moved. */
static inline uint64_t table_base(uint64_t base) { return huge_down(base); }

/* A leaf table is kept with each huge entry, so that splitting it cannot fail. Under
 * its pml. */
void pgtable_deposit(struct mmun_mm *mm, const struct ptep *pmd, pfn_t table);
pfn_t pgtable_withdraw(struct mmun_mm *mm, const struct ptep *pmd, uint64_t addr);

static inline struct ptep ptep_in(const struct mmun_mm *mm, pfn_t table, uint64_t addr,
				  unsigned level)
{
	struct frame *f = frame_of(mm->machine, table);

	return (struct ptep){
		.entry = &frame_memory(mm->machine, table)[entry_index(addr, level)],
		.ptl = level ? &f->pml : &f->ptl, .table = table, .level = level,
	};
}

/* The next entry of the same table. */
static inline struct ptep ptep_next(struct ptep p)
{
	p.entry++;
	return p;
}

/* --- TLBs: tlb.c --------------------------------------------------------- */

enum tlb_order { TLB_RELAXED, TLB_ACQ_REL };

struct tlb_access {
	uint64_t addr;
	uint64_t value;      /* to store, or that was loaded */
	pfn_t pfn;           /* that was touched */
	bool write;
	enum tlb_order order;
	uint64_t denied;     /* TLB_FAULT: the entry that does not allow it; 0: none, walk again */
};

enum tlb_result {
	TLB_DONE,
	TLB_FAULT,           /* no translation, or it does not allow the access */
	TLB_STOPPED,         /* *stop was set */
};

int tlb_init(struct tlb *t, unsigned shift);
void tlb_fini(struct tlb *t);

/* After a fault with .denied: returns when the TLB has been told since. */
void tlb_await(const struct tlb *t, const struct tlb_access *a);

/* One access through the TLB, walking mm's tables on a miss unless *stop. */
enum tlb_result tlb_access(struct tlb *t, const struct mmun_mm *mm, const atomic_u64 *stop,
			   struct tlb_access *a);

/* For oracles, nobody being at work: the page in this entry. False: none. */
bool tlb_peek(const struct tlb *t, uint64_t index, uint64_t *addr, pfn_t *pfn, bool *write);

/* Drops [start, end) and marks who may use it; tlb_wait() waits for them. */
void tlb_invalidate(struct tlb *t, uint64_t start, uint64_t end);
static inline void tlb_wait(void) { guard_wait(); }

/* Empties the TLBs of all CPUs in the mm and waits. Caller: may notify. */
void flush_tlb_range(struct mmun_mm *mm, uint64_t start, uint64_t end);

/*
 * Reclaim clears entries first and flushes the CPUs later, for many at once
 * (tlb_ubc in mm/rmap.c). Whoever relies on entries having been flushed when they
 * are gone calls flush_tlb_batched_pending() under the ptl, after each locking.
 */
void flush_tlb_batched_pending(struct mmun_mm *mm);

/* Entries that reclaim and migration have cleared: batch.c. Set op. */
enum { TLB_BATCH_MAX = 8 };

struct tlb_batch {
	enum mm_op op;
	unsigned count;
	struct { struct mmun_mm *mm; uint64_t start, end; } of[TLB_BATCH_MAX];
};

/*
 * Clears an entry of a page to which the caller has a reference, under its ptl, and
 * flushes it, or leaves the flush of the CPUs to tlb_batch_flush(), if the mm's
 * semantics do that and now does not forbid it. NOTIFY_CLEAR is fired.
 */
pte_t tlb_batch_clear(struct tlb_batch *b, struct mmun_mm *mm, const struct ptep *p,
		      uint64_t addr, bool now);
void tlb_batch_flush(struct tlb_batch *b); /* no lock of an mm held but mmap_lock */
void tlb_batch_end(struct tlb_batch *b);   /* pages were given up: NOTIFY_FREED is fired */

/* --- notifications: notifier.c, interval.c ------------------------------- */

void range_init(struct mmu_notifier_range *r, struct mmun_mm *mm, enum mmu_notifier_event event,
		uint64_t start, uint64_t end);
/* The same for MIGRATE and EXCLUSIVE: whose owner ignores them. */
void range_init_owner(struct mmu_notifier_range *r, struct mmun_mm *mm,
		      enum mmu_notifier_event event, uint64_t start, uint64_t end, void *owner);
void invalidate_range_start(struct mmu_notifier_range *r);

/* -EAGAIN: somebody would have to block; the others' start has been ended. */
int invalidate_range_start_nonblock(struct mmu_notifier_range *r);

/* With the flush of the secondary TLBs if the operation has NOTIFY_END. */
void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op);

/* Every place that an operation passes; flushes if it is told to do so here. */
void secondary_point(struct mmun_mm *mm, enum mm_op op, enum notify_at at,
		     uint64_t start, uint64_t end);

/* mmu_notifier_clear_flush_young and its kin: was it referenced? Under the ptl. */
bool notifiers_clear_flush_young(struct mmun_mm *mm, uint64_t start, uint64_t end);
bool notifiers_clear_young(struct mmun_mm *mm, uint64_t start, uint64_t end);
bool notifiers_test_young(struct mmun_mm *mm, uint64_t addr);

/* set_pte_at_notify of the classic era: change_pte, before the entry is set. */
void notifiers_change_pte(struct mmun_mm *mm, uint64_t addr, pte_t pte);

void notifiers_release(struct mmun_mm *mm);
void notifiers_unlink(struct mmun_mm *mm); /* under mm_lock_all() */

/* Interval notifiers' part of start (0, -EAGAIN: nothing to end), end, exit, and free. */
int intervals_start(const struct mmu_notifier_range *r);
void intervals_end(struct mmun_mm *mm);
void intervals_release(struct mmun_mm *mm);
void intervals_free(struct mmun_mm *mm); /* the last user of mm has gone */

/* --- operations ---------------------------------------------------------- */

/*
 * Gives one page's entry a new value under notification: see update.c. The rmap
 * follows if the frame changes (new_page: nobody else knows the new one);
 * references do not. False: the entry is not old any more; nothing changed.
 */
bool update_pte(struct mmun_mm *mm, enum mm_op op, const struct ptep *p, uint64_t addr,
		pte_t old, pte_t new, bool new_page);

/* Faults: fault.c. v contains addr; the caller has mmap_lock or v's lock. 0: look again. */
int fault_area(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write);
void fault_tell_upgrade(struct mmun_mm *mm, uint64_t start, uint64_t end);
int fault_locked(struct mmun_mm *mm, uint64_t addr, bool write); /* mmap_lock held */
/* A read fault after which the page is v's alone if it is anonymous, as with FAULT_FLAG_UNSHARE;
 * the entry stays read-only. must_unshare(): is it not yet? Under the ptl. */
int fault_unshare(struct mmun_mm *mm, const struct vma *v, uint64_t addr);
bool must_unshare(const struct mmun_mm *mm, const struct vma *v, pte_t e);
int fault_swap(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write, pte_t old);
int fault_object(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write);

/* A device's entry gets its access back, and the device's driver is told. No ptl held. */
void exclusive_restore(struct mmun_mm *mm, const struct ptep *p, uint64_t page);

/* Waits until the page that this MIGRATION entry names has been moved. No ptl held. */
void migration_entry_wait(struct mmun_mm *mm, pte_t entry);

/*
 * The MIGRATION entries of from, a page or one frame of a huge page that was split,
 * become present with to, which may be the same, and take their references and places
 * in the rmap. Both pages locked, with a reference to to (migrate.c).
 */
void migration_restore(struct mmun_machine *m, pfn_t from, pfn_t to);

/* Does the CPUs' TLBs' flush lag behind entries of this mm? */
static inline bool mm_tlb_flush_pending(const struct mmun_mm *mm)
{
	return load_acquire(&mm->tlb_flush_pending) != 0;
}

/* Pages and tables on their way out: gather.c. */
enum { GATHER_MAX = 512 };

struct gather {
	struct mmun_mm *mm;
	enum mm_op op;
	uint64_t start, end;       /* what the flush must cover; start > end: nothing */
	uint64_t low, high;        /* what was looked at */
	bool tables;               /* some were detached */
	uint32_t count;
	uint32_t item[GATHER_MAX]; /* frame number, with GATHER_TABLE for tables */
};

void gather_init(struct gather *g, struct mmun_mm *mm, enum mm_op op);
void gather_span(struct gather *g, uint64_t start, uint64_t end);
static inline bool gather_full(const struct gather *g) { return g->count == GATHER_MAX; }
void gather_page(struct gather *g, pfn_t pfn);  /* with the entry's reference */
void gather_table(struct gather *g, pfn_t pfn);
void gather_flush_tlbs(struct gather *g); /* what is in it so far; under a ptl too */
void gather_flush(struct gather *g); /* flush, then free; can go on afterwards */
void gather_finish(struct gather *g); /* the same, and that was all */

/* Frees the tables that only served [start, end), nothing being mapped in
 * [floor, ceiling) any more. */
void free_pgtables(struct gather *g, uint64_t start, uint64_t end,
		   uint64_t floor, uint64_t ceiling);

/*
 * Taking entries away: zap.c. Drops what is mapped, swapped or moving in [start,
 * end), between start and end of the notifiers; private: only pages that are not
 * the object's are kept. Splits huge entries at the edges. Caller: may notify, and
 * nobody can detach tables of the range.
 */
enum zap_which { ZAP_ALL, ZAP_OBJECT_PAGES };
void zap_entries(struct gather *g, enum zap_which which, uint64_t start, uint64_t end);
void zap_range(struct gather *g, enum mmu_notifier_event event, enum zap_which which,
	       uint64_t start, uint64_t end);

/* Unmaps the pages of [start, end), removes the areas there, frees the tables. The
 * areas are write-locked and none crosses start or end. */
void unmap_region(struct mmun_mm *mm, enum mm_op op, uint64_t start, uint64_t end,
		  uint64_t floor, uint64_t ceiling);

/* Areas: vma.c. All need mmap_lock or areas_sem, the changing ones both for writing:
 * they take areas_sem. */
extern const struct btree_mem vma_btree_mem;
struct vma *vma_find(const struct mmun_mm *mm, uint64_t addr);           /* contains addr */
struct vma *vma_first(const struct mmun_mm *mm, uint64_t lo, uint64_t hi);
struct vma *vma_new(struct mmun_mm *mm, uint64_t start, uint64_t end, const struct vma *like);
void vma_free(struct vma *v);                                            /* not inserted */
int vma_insert(struct mmun_mm *mm, struct vma *v);                       /* 0, -ENOMEM */
int vma_split_range(struct mmun_mm *mm, uint64_t start, uint64_t end);   /* at both ends */
void vma_remove(struct mmun_mm *mm, struct vma *v);                      /* and free it */
void vma_merge_range(struct mmun_mm *mm, uint64_t start, uint64_t end);
uint64_t vma_hole(const struct mmun_mm *mm, uint64_t from, uint64_t len); /* TASK_BYTES: none */
uint64_t vma_floor(const struct mmun_mm *mm, uint64_t addr);   /* end of the area below */
uint64_t vma_ceiling(const struct mmun_mm *mm, uint64_t addr); /* start of the area above */
bool all_mapped(const struct mmun_mm *mm, uint64_t start, uint64_t end);

/* Locks: mmap_lock held for writing, waits for readers; held until mmap_write_unlock(). */
void vma_start_write(struct vma *v);
void vma_start_write_range(struct mmun_mm *mm, uint64_t start, uint64_t end);
/* The area of addr with its lock held for reading, without mmap_lock; NULL: take that. */
struct vma *vma_lock_read(struct mmun_mm *mm, uint64_t addr);
void vma_unlock_read(struct vma *v);

/* An area's page is private and anonymous; may a page of it be this object's? */
static inline bool vma_anonymous(const struct vma *v) { return !v->object; }
static inline bool vma_shared(const struct vma *v) { return v->flags & MMUN_MAP_SHARED; }
static inline uint64_t vma_index(const struct vma *v, uint64_t addr)
{
	return (addr - v->start + v->offset) >> SYNC_PAGE_SHIFT;
}

/* mmap, munmap: map.c. mmap_lock held for writing. */
void munmap_locked(struct mmun_mm *mm, uint64_t start, uint64_t end); /* nothing crosses the ends */
uint64_t find_room(const struct mmun_mm *mm, uint64_t hint, uint64_t len); /* TASK_BYTES: none */

/* mprotect, and what else changes bits of entries: protect.c. */
enum protect_access { PROTECT_KEEP, PROTECT_ALLOW, PROTECT_NONE }; /* P or PROTNONE */

struct protect {
	enum mm_op op;
	enum mmu_notifier_event event;
	uint64_t clear, set;   /* bits of entries */
	bool mkwrite;          /* what is exclusive becomes writable at once */
	enum protect_access access;
};

/* Without start, end and flush; true: something was mapped and has changed. Caller: may
 * notify, and nobody can detach tables of the range. */
bool protect_entries(struct mmun_mm *mm, const struct protect *how, uint64_t start, uint64_t end);
/* With all that; entries of one area. */
bool protect_range(struct mmun_mm *mm, const struct protect *how, uint64_t start, uint64_t end);

/* Objects: object.c. */
void object_get(struct mmun_object *o);
void object_put(struct mmun_object *o);
void object_link(struct vma *v);       /* takes mappings_sem */
void object_unlink(struct vma *v);
int object_alloc(struct mmun_machine *m, uint64_t len, struct mmun_object **ret);
/* The page at index with a reference, made if need be. -EFAULT past the end; -ENOMEM */
int object_page(struct mmun_object *o, uint64_t index, pfn_t *ret_pfn);
/* What the cache has there now is pfn: called with pfn's page lock held. */
bool object_has(struct mmun_object *o, uint64_t index, pfn_t pfn);
void object_replace(struct mmun_object *o, uint64_t index, pfn_t new); /* migration */

/* Swap: swap.c. A slot that an entry names. */
void swap_dup(struct mmun_machine *m, uint32_t slot);  /* one entry more; the entry is locked */
void swap_free(struct mmun_machine *m, uint32_t slot); /* one entry less */
/* madvise(PAGEOUT), one page; mmap_lock held. -EBUSY somebody else is at it; -ENOMEM
 * no slot; -EFAULT nothing there that could be swapped out. */
int swap_reclaim(struct mmun_mm *mm, uint64_t addr);
/* from, locked and mapped by nobody, gets frozen if only the caller has a reference
 * beside the swap slot; to, if not from, takes its place there. Else false. */
bool swap_freeze(struct mmun_machine *m, pfn_t from, pfn_t to);

/* Huge pages: huge.c, split.c, collapse.c. */
/* A huge page for addr if the area allows; -EAGAIN: use small ones. */
int huge_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write);
/* The huge entry p that was seen, for a write or after a hint. 0: look again. */
int huge_wp_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write);
/* The entry that maps addr becomes a table of small ones (__split_huge_pmd), with its
 * own start and end. No huge entry there: nothing. Caller: as for zap_entries(). */
void huge_split_entry(struct mmun_mm *mm, uint64_t addr);
/* The same under its pml, without start and end; addr is where it begins. migrate: into
 * MIGRATION entries, for who has a reference and the page lock. */
void huge_split_locked(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, bool migrate);
/* The huge page becomes small ones (split_huge_page). Uses up a reference. 0, -EBUSY. */
int huge_split_page(struct mmun_machine *m, pfn_t head);
/* fork: the child's entry, with a table deposited. -EAGAIN: no huge entry any more, or it
 * was split because the page is pinned; -ENOMEM. Both mmap_locks, or nobody knows the child. */
int huge_copy_entry(struct mmun_mm *child, struct mmun_mm *mm, uint64_t addr);
/* MADV_COLLAPSE of the huge range around addr, which lies in v, an area of private anonymous
 * memory, write-locked; mmap_lock held for writing. -EAGAIN, -ENOMEM; -EINVAL other areas. */
int huge_collapse(struct mmun_mm *mm, struct vma *v, uint64_t addr);

static inline bool huge_range_in(const struct vma *v, uint64_t addr)
{
	return huge_down(addr) >= v->start && huge_down(addr) + HUGE_BYTES <= v->end;
}

/* KSM: ksm.c */
int ksm_unmerge(struct mmun_mm *mm, const struct vma *v, uint64_t start, uint64_t end);

/* madvise, mremap and the rest are called from outside only. */

/* For the checker: an access that also tells which frame it touched. */
int cpu_access(struct mmun_cpu *cpu, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn);
int ats_access(struct mmun_ats *ats, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn);

/* For checks: one access without a page request; false: the device would have to make one. */
bool ats_try_access(struct mmun_ats *ats, uint64_t addr, bool write, uint64_t *value);

/* For oracles: what the device has. */
const struct tlb *ats_tlb(const struct mmun_ats *ats);
const struct mmun_mm *ats_mm(const struct mmun_ats *ats);

#endif
