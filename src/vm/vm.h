/* SPDX-License-Identifier: MIT */
/*
 * vm.h - the structures of the virtual memory, their locks, and what its files
 * offer each other and the checker.
 *
 * Legend: [C] constant once published; [M] mmap_lock, written under it for
 * writing, read under it either way; [S] subscriptions_lock; [M+S] written under
 * both, read under either; [P] the leaf table's ptl; [L] the page lock; [A] atomic.
 *
 * Lock order: mmap_lock -> page_lock (two by frame number) -> ptl. Next to
 * it: mmap_lock -> subscriptions_lock. release() runs under the latter alone.
 *
 * Who holds what when a page table changes. Entries of upper tables: none to
 * table under mmap_lock for reading, by compare and exchange; table to none under
 * mmap_lock for writing. Entries of leaf tables: under the ptl. Hardware walks
 * without any lock, in a guard section; flushing a TLB waits for it.
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
#define TASK_BYTES ((uint64_t)1 << (SYNC_PAGE_SHIFT + TABLE_LEVELS * SYNC_TABLE_SHIFT))

_Static_assert(sizeof(atomic_u64) == 8, "a page table entry is one word");
_Static_assert((8u << SYNC_TABLE_SHIFT) == (1u << SYNC_PAGE_SHIFT), "a table fills a page");

static inline uint64_t page_down(uint64_t addr) { return addr & ~(PAGE_BYTES - 1); }

/* Bytes that one entry of a table of this level maps; level 0 is the leaf. */
static inline uint64_t entry_bytes(unsigned level)
{
	return PAGE_BYTES << (level * SYNC_TABLE_SHIFT);
}

static inline unsigned entry_index(uint64_t addr, unsigned level)
{
	return (addr >> (SYNC_PAGE_SHIFT + level * SYNC_TABLE_SHIFT)) & (TABLE_ENTRIES - 1);
}

/* --- page table entries -------------------------------------------------- */

enum {
	PTE_P = 1 << 0,
	PTE_RW = 1 << 1,
	PTE_A = 1 << 5,
	PTE_D = 1 << 6,
	PTE_PS = 1 << 7,
	PTE_PROTNONE = 1 << 8, /* not present, but has a frame */
	PTE_PFN_SHIFT = 12,    /* in every build */
};

typedef struct { uint64_t v; } pte_t;
typedef struct { uint32_t v; } pfn_t;

static inline pte_t pte_make(pfn_t pfn, uint64_t bits)
{
	return (pte_t){ (uint64_t)pfn.v << PTE_PFN_SHIFT | bits };
}

/* The walker need not write: accessed is set at once, and dirty if writable. */
#define PTE_READ_ONLY ((uint64_t)(PTE_P | PTE_A))
#define PTE_WRITABLE ((uint64_t)(PTE_P | PTE_RW | PTE_A | PTE_D))

static inline pfn_t pte_pfn(pte_t e) { return (pfn_t){ (uint32_t)(e.v >> PTE_PFN_SHIFT) }; }
static inline bool pte_none(pte_t e) { return e.v == 0; }
static inline bool pte_present(pte_t e) { return e.v & PTE_P; }
static inline bool pte_write(pte_t e) { return e.v & PTE_RW; }
static inline bool pte_same(pte_t a, pte_t b) { return a.v == b.v; }
static inline pte_t pte_wrprotect(pte_t e) { return (pte_t){ e.v & ~(uint64_t)PTE_RW }; }
static inline pte_t pte_mkwrite(pte_t e) { return (pte_t){ e.v | PTE_RW | PTE_D }; }

/* --- physical memory: frame.c -------------------------------------------- */

enum frame_flags {
	FRAME_ANON = 1,
	FRAME_TABLE = 2,
	FRAME_ZERO = 4,
	FRAME_KSM = 8,
};

/*
 * refcount: one for each leaf entry that maps the frame, in whatever address
 * space, and one for each operation at work on it. Tables and the zero page are
 * not counted. With nobody else holding a page, the count is its mapcount.
 */
struct frame {
	atomic_u64 refcount;  /* [A] */
	uint32_t flags;       /* KSM: [L] with a reference more than the mappings', so
	                         who sees a count of 1 may read it; else [C]; 0: free */
	spin_t ptl;           /* the leaf table's lock */
	mutex_t page_lock;
};

struct mmun_machine {
	void *block;          /* [C] what was allocated */
	char *memory;         /* [C] frame 0, page-aligned */
	struct frame *frame;  /* [C] array */
	uint32_t frames;      /* [C] */
	pfn_t zero;           /* [C] the zero page */
	pool_t pool;          /* numbers of free frames */
	atomic_u64 mms;       /* [A] address spaces not yet freed */
};

/* Takes a frame, for a page with refcount 1. False: none is free. */
bool frame_alloc(struct mmun_machine *m, uint32_t flags, bool zero, pfn_t *ret_pfn);
void frame_free(struct mmun_machine *m, pfn_t pfn);
void frame_get(struct mmun_machine *m, pfn_t pfn);
void frame_put(struct mmun_machine *m, pfn_t pfn, uint64_t count);
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

/* --- address spaces ------------------------------------------------------ */

enum mm_op {
	MM_OP_COW,          /* the write fault on the zero page too */
	MM_OP_MUNMAP,
	MM_OP_MPROTECT,
	MM_OP_FORK,
	MM_OP_KSM_MERGE,    /* write-protecting and replacing */
	MM_OP_REPLACE_PAGE,
	MM_OP_EXIT,
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

/* An area: [start, end) with one protection. */
struct vma {
	uint64_t start, end;  /* [M] */
	int prot;             /* [M] MMUN_PROT_* */
	uint32_t flags;       /* [C] MMUN_MAP_* */
};

struct tlb {
	uint32_t shift;       /* [C] 1 << shift entries */
	atomic_u64 *entry;    /* [C] [A] see tlb.c */
};

struct mmun_cpu {
	struct mmun_mm *mm;   /* [C] */
	struct mmun_cpu *next;/* [M] */
	struct tlb tlb;
};

/* The state of a mmu_notifier. */
enum { NOTIFIER_IDLE, NOTIFIER_LIVE, NOTIFIER_RELEASED };

struct mmun_mm {
	struct mmun_machine *machine;      /* [C] */
	pfn_t pgd;                         /* [C] until exit has waited for the walkers */
	enum mmun_semantics semantics;     /* [C] */
	uint8_t where[MM_OP_COUNT];        /* [C] enum notify_at bits; see mm_set_where() */

	rwsem_t mmap_lock;
	struct btree areas;                /* [M] of struct vma */
	uint64_t search_from;              /* [M] where mmap looks for room */
	struct mmun_cpu *cpus;             /* [M] */

	mutex_t subscriptions_lock;
	struct mmu_notifier *subscriptions;/* [M+S] the newest first */
	bool exiting;                      /* [S] */

	atomic_u64 count;                  /* [A] who needs the structure: the owner, notifiers */
};

void mm_put(struct mmun_mm *mm);
int mm_alloc(struct mmun_machine *machine, enum mmun_semantics semantics, struct mmun_mm **ret_mm);
void mm_exit(struct mmun_mm *mm);

void mm_where_init(struct mmun_mm *mm); /* as its semantics have it */

/* Before any thread works with the mm: where this operation notifies. */
void mm_set_where(struct mmun_mm *mm, enum mm_op op, unsigned bits);

/* The entry of addr, {0} if there is no table. Takes no lock; for oracles. */
pte_t mm_translate(const struct mmun_mm *mm, uint64_t addr);

/* --- page tables: pgtable.c ---------------------------------------------- */

struct ptep {
	atomic_u64 *entry;
	spin_t *ptl;
};

/* The entry of addr; entry is NULL if there is no table. Caller: mmap_lock. */
struct ptep pgtable_walk(const struct mmun_mm *mm, uint64_t addr);

/* The same, making tables. False: no frame. */
bool pgtable_walk_alloc(struct mmun_mm *mm, uint64_t addr, struct ptep *ret_ptep);

/* The first leaf table at or after *addr, before end; *addr moves there. */
bool pgtable_next(const struct mmun_mm *mm, uint64_t *addr, uint64_t end, struct ptep *ret_ptep);

/* What a hardware walker finds, in a guard section. */
pte_t pgtable_walk_hw(const struct mmun_mm *mm, uint64_t addr);

void pte_lock(const struct ptep *p, uint64_t addr);
void pte_unlock(const struct ptep *p);
static inline pte_t pte_get(const atomic_u64 *e) { return (pte_t){ load_relaxed(e) }; }
pte_t ptep_get_and_clear(atomic_u64 *e, uint64_t addr);
void set_pte(atomic_u64 *e, uint64_t addr, pte_t pte);

/* Clears, and empties the CPUs' TLBs of that page. Under the ptl. */
pte_t ptep_clear_flush(struct mmun_mm *mm, atomic_u64 *e, uint64_t addr);

/* --- TLBs: tlb.c --------------------------------------------------------- */

enum tlb_order { TLB_RELAXED, TLB_ACQ_REL };

struct tlb_access {
	uint64_t addr;
	uint64_t value;      /* to store, or that was loaded */
	pfn_t pfn;           /* that was touched */
	bool write;
	enum tlb_order order;
};

enum tlb_result {
	TLB_DONE,
	TLB_FAULT,           /* no translation, or it does not allow the access */
	TLB_STOPPED,         /* *stop was set */
};

int tlb_init(struct tlb *t, unsigned shift);
void tlb_fini(struct tlb *t);

/* One access through the TLB, walking mm's tables on a miss unless *stop. */
enum tlb_result tlb_access(struct tlb *t, const struct mmun_mm *mm, const atomic_u64 *stop,
			   struct tlb_access *a);

/* Drops [start, end) and marks who may use it; tlb_wait() waits for them. */
void tlb_invalidate(struct tlb *t, uint64_t start, uint64_t end);
static inline void tlb_wait(void) { guard_wait(); }

/* Empties the TLBs of all CPUs in the mm and waits. Caller: mmap_lock. */
void flush_tlb_range(struct mmun_mm *mm, uint64_t start, uint64_t end);

/* --- notifications: notifier.c ------------------------------------------- */

void range_init(struct mmu_notifier_range *r, struct mmun_mm *mm, enum mmu_notifier_event event,
		uint64_t start, uint64_t end);
void invalidate_range_start(struct mmu_notifier_range *r);

/* -EAGAIN: somebody would have to block; the others' start has been ended. */
int invalidate_range_start_nonblock(struct mmu_notifier_range *r);

/* With the flush of the secondary TLBs if the operation has NOTIFY_END. */
void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op);

/* Every place that an operation passes; flushes if it is told to do so here. */
void secondary_point(struct mmun_mm *mm, enum mm_op op, enum notify_at at,
		     uint64_t start, uint64_t end);

void notifiers_release(struct mmun_mm *mm);
void notifiers_unlink(struct mmun_mm *mm);

/* --- operations ---------------------------------------------------------- */

/* Gives one page's entry a new value under notification: see update.c. */
bool update_pte(struct mmun_mm *mm, enum mm_op op, const struct ptep *p, uint64_t addr,
		pte_t old, pte_t new);

int fault_locked(struct mmun_mm *mm, uint64_t addr, bool write); /* mmap_lock held */

/* Pages and tables on their way out: gather.c. */
enum { GATHER_MAX = 512 };

struct gather {
	struct mmun_mm *mm;
	enum mm_op op;
	uint64_t start, end;       /* what the flush must cover; start > end: nothing */
	uint32_t count;
	uint32_t item[GATHER_MAX]; /* frame number, with GATHER_TABLE for tables */
};

void gather_init(struct gather *g, struct mmun_mm *mm, enum mm_op op);
void gather_span(struct gather *g, uint64_t start, uint64_t end);
static inline bool gather_full(const struct gather *g) { return g->count == GATHER_MAX; }
void gather_page(struct gather *g, pfn_t pfn);
void gather_table(struct gather *g, pfn_t pfn);
void gather_flush(struct gather *g); /* flush, then free; can go on afterwards */

/* Frees the tables that only served [start, end), nothing being mapped in
 * [floor, ceiling) any more. */
void free_pgtables(struct gather *g, uint64_t start, uint64_t end,
		   uint64_t floor, uint64_t ceiling);

/* Areas: vma.c. All need mmap_lock, the changing ones for writing. */
extern const struct btree_mem vma_btree_mem;
struct vma *vma_find(const struct mmun_mm *mm, uint64_t addr);           /* contains addr */
struct vma *vma_first(const struct mmun_mm *mm, uint64_t lo, uint64_t hi);
struct vma *vma_new(uint64_t start, uint64_t end, int prot, uint32_t flags);
int vma_split_range(struct mmun_mm *mm, uint64_t start, uint64_t end);   /* at both ends */
void vma_remove(struct mmun_mm *mm, struct vma *v);
void vma_merge_range(struct mmun_mm *mm, uint64_t start, uint64_t end);
uint64_t vma_hole(const struct mmun_mm *mm, uint64_t from, uint64_t len); /* TASK_BYTES: none */
uint64_t vma_floor(const struct mmun_mm *mm, uint64_t addr);   /* end of the area below */
uint64_t vma_ceiling(const struct mmun_mm *mm, uint64_t addr); /* start of the area above */

/* Unmaps the pages of [start, end) and its tables; areas are the caller's. */
void unmap_region(struct mmun_mm *mm, enum mm_op op, uint64_t start, uint64_t end,
		  uint64_t floor, uint64_t ceiling);

/* For the checker: an access that also tells which frame it touched. */
int cpu_access(struct mmun_cpu *cpu, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn);
int ats_access(struct mmun_ats *ats, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn);

#endif
