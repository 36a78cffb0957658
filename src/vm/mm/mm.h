/* SPDX-License-Identifier: MIT */
/*
 * mm.h - address spaces: their areas, the objects that areas map, and their locks.
 *
 * Letters: [C] constant once published; [M] mmap_lock, written under it for
 * writing, read under it either way; [T] written under mmap_lock and areas_sem for
 * writing, read under either; [V] written with the area write-locked, read with
 * mmap_lock or the area's lock; [N] written under
 * mm_lock_all(), read by whoever may notify; [I] the object's mappings_sem; [O] the
 * object's lock; [A] atomic.
 *
 * Who may notify, that is call start, end and pass_flush_point: whoever holds
 * mmap_lock, the lock of an area of the mm, or rmap_sem. mm_lock_all() excludes all.
 */
#ifndef MMUN_MM_MM_H
#define MMUN_MM_MM_H

#include "base/btree.h"
#include "vm/mm/mutation.h"
#include "vm/notify/notify.h"
#include "vm/pt/pt.h"

/* struct vma flags: MMUN_MAP_SHARED or MMUN_MAP_PRIVATE, ANONYMOUS, and these. */
enum {
	VMA_HUGEPAGE = 1 << 24,   /* faults may use huge pages */
	VMA_MERGEABLE = 1 << 25,
	VMA_DONTFORK = 1 << 26,   /* fork leaves the area out: VM_DONTCOPY */
	VMA_WIPEONFORK = 1 << 27, /* the child's has nothing in it */
};

/*
 * An area: [start, end) with one protection. Its lock: a reader holds lock for
 * reading; a writer, with mmap_lock for writing, sets lock_seq to the mm's and waits
 * for the readers; up_write of the mmap_lock, or its downgrade, lets all areas go. See vma.c.
 *
 * A detached area is in no tree, so nobody finds it but by its object. Whoever has detached it,
 * under mmap_lock for writing, unmaps and frees it, and may have downgraded mmap_lock.
 */
struct vma {
	uint64_t start, end;      /* [V] */
	int prot;                 /* [V] MMUN_PROT_* */
	uint32_t flags;           /* [V] */
	struct mmun_object *object; /* [V] NULL: anonymous and private */
	uint64_t offset;          /* [V] of start in the object, bytes */
	struct mmun_mm *mm;       /* [C] */
	struct vma *next, *prev;  /* [I] the object's other mappings */
	struct vma *next_gone;    /* when detached: of who has detached it */
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

struct mmun_cpu; /* tlb/tlb.h */

struct mmun_mm {
	struct mmun_machine *machine;      /* [C] */
	struct pgtable pt;                 /* freed with the structure */
	struct notify_domain domain;       /* who is told of its changes */
	struct mutations mutations;        /* [C] empty in the library that ships */

	rwsem_t mmap_lock;
	rwsem_t areas_sem;                 /* for finding an area without mmap_lock */
	struct btree areas;                /* [T] of struct vma */
	struct vma *spare;                 /* [M] memory for areas, linked by next: vma_reserve() */
	uint32_t spare_count;              /* [M] */
	uint64_t lock_seq;                 /* [T] areas with this number are write-locked */
	bool areas_locked;                 /* [M] there are some */
	uint64_t search_from;              /* [M] where mmap looks for room */

	rwsem_t rmap_sem;                  /* held for reading by who comes by rmap */
	struct mmun_cpu *cpus;             /* [N] */
	atomic_u64 tlb_flush_pending;      /* [A] operations whose CPU flush is to come */
	atomic_u64 gathers;                /* [A] gathers under way */
	atomic_u64 tlb_batch_pending;      /* [A] entries cleared by reclaim, not yet flushed */

	atomic_u64 users;                  /* [A] who needs the contents: the owner; in checks in
	                                      C, whoever called mmget(). Together they have one
	                                      count: mm_users in Linux, and count is mm_count */
	atomic_u64 count;                  /* [A] who needs the structure: users, notifiers,
	                                      whoever came by rmap */
};

/* The address space whose tables these are. */
static inline struct mmun_mm *mm_of(struct pgtable *pt)
{
	return container_of(pt, struct mmun_mm, pt);
}

/* Where an operation on this mm flushes the secondary TLBs: enum flush_point bits. */
static inline unsigned mm_flush_points(const struct mmun_mm *mm, enum mm_op op)
{
	return mutations_flush_points(&mm->mutations, mm->domain.semantics, op);
}

/* Is it to make this mistake? */
static inline bool mm_mutated(const struct mmun_mm *mm, enum mm_op op, enum mutation what)
{
	return mutations_include(&mm->mutations, op, what);
}

#if SYNC_MUTABLE
/* For a checker, before any thread works with the mm. */
static inline void mm_set_flush_points(struct mmun_mm *mm, enum mm_op op, unsigned points)
{
	mm->mutations.flush_points[op] = (uint8_t)points;
}

static inline void mm_mutate(struct mmun_mm *mm, enum mm_op op, enum mutation what)
{
	mm->mutations.made[op] |= (uint8_t)what;
}
#endif

static inline pte_t mm_translate(const struct mmun_mm *mm, uint64_t addr)
{
	return pgtable_translate(&mm->pt, addr);
}

/* Does the CPUs' TLBs' flush lag behind entries of this mm? */
static inline bool mm_tlb_flush_pending(const struct mmun_mm *mm)
{
	return load_acquire(&mm->tlb_flush_pending) != 0;
}

/* mmap_lock for writing, and letting it and the areas locked under it go. */
void mmap_write_lock(struct mmun_mm *mm);
void mmap_write_unlock(struct mmun_mm *mm);
/* ... or keeping it for reading: mmap_read_unlock() lets it go. */
void mmap_write_downgrade(struct mmun_mm *mm);
void mmap_read_unlock(struct mmun_mm *mm);

/* References to the structure: mm_ref.c. */
void mm_get(struct mmun_mm *mm);
void mm_put(struct mmun_mm *mm);

/* Excludes everybody who may notify, with mmap_lock held for writing. May sleep. */
void mm_take_all_locks(struct mmun_mm *mm);
void mm_drop_all_locks(struct mmun_mm *mm);
/* The same, and takes mmap_lock. */
void mm_lock_all(struct mmun_mm *mm);
void mm_unlock_all(struct mmun_mm *mm);

/* --- areas: vma.c -------------------------------------------------------- */

/* All need mmap_lock or areas_sem. */
struct vma *vma_find(const struct mmun_mm *mm, uint64_t addr);           /* contains addr */
struct vma *vma_first(const struct mmun_mm *mm, uint64_t lo, uint64_t hi);
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

static inline bool huge_range_in(const struct vma *v, uint64_t addr)
{
	return huge_down(addr) >= v->start && huge_down(addr) + HUGE_BYTES <= v->end;
}

/* --- objects: object.c --------------------------------------------------- */

void object_get(struct mmun_object *o);
void object_put(struct mmun_object *o);
void object_link(struct vma *v);       /* takes mappings_sem */
void object_unlink(struct vma *v);
int object_alloc(struct mmun_machine *m, uint64_t len, struct mmun_object **ret);

/* Bytes as pages, rounded up; false: too many. Whole pages of an object, as numbers; false:
 * they are none. */
bool object_pages_of(uint64_t len, uint64_t *ret_pages);
bool object_range_of(uint64_t offset, uint64_t len, uint64_t *ret_first, uint64_t *ret_end);

/* The page at index with a reference, made if need be. -EFAULT past the end; -ENOMEM */
int object_page(struct mmun_object *o, uint64_t index, pfn_t *ret_pfn);

/* What the cache has there now is pfn: called with pfn's page lock held. */
bool object_has(struct mmun_object *o, uint64_t index, pfn_t pfn);
void object_replace(struct mmun_object *o, uint64_t index, pfn_t new); /* migration */

/* The first page at or after *index, before end, locked and with a reference; and letting
 * both go. */
bool object_next_page(struct mmun_object *o, uint64_t *index, uint64_t end, pfn_t *ret_pfn);
void object_unlock_put(struct mmun_object *o, pfn_t pfn);

/* Takes the page, which the caller has locked, with a reference, and which nobody maps, out
 * of the cache; the caller's lock and reference go too. */
void object_remove_page(struct mmun_object *o, uint64_t index, pfn_t pfn);

/* Room for so many pages; how many there are, from which on no page past the end gets into
 * the cache. Under size_lock. */
int object_grow(struct mmun_object *o, uint64_t pages);
void object_set_pages(struct mmun_object *o, uint64_t pages);

#endif
