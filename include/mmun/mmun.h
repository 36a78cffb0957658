/* SPDX-License-Identifier: MIT */
/*
 * mmun.h - address spaces with real page frames and Linux-shaped page tables,
 * MMU notifiers, and devices that share those page tables over ATS.
 *
 * Build: cc prog.c $(pkg-config --cflags --libs mmun). Threads: -pthread. Programs to
 * begin with: examples/device.c, interval.c and pin.c in the source.
 *
 * Conventions. A function returns 0 or a negative errno; out-parameters come
 * last and are written on success only. NULL where an object is needed, and
 * every other bad argument, is -EINVAL. Addresses are in bytes and belong to
 * an mmun_mm: they are not pointers of the calling program. Unless its comment
 * says otherwise a function may be called by any thread at any time, may block,
 * and may not be called from a notifier's callback.
 */
#ifndef MMUN_MMUN_H
#define MMUN_MMUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MMUN_API __attribute__((visibility("default")))
#else
#define MMUN_API
#endif

struct mmun_machine; /* physical memory */
struct mmun_mm;      /* an address space */
struct mmun_cpu;     /* a processor that runs in an address space */
struct mmun_ats;     /* a device with a TLB of its own */
struct mmun_object;  /* memory that several mappings share, as a memfd */

/* "MAJOR.MINOR.PATCH". Does not block; callable from callbacks. */
MMUN_API const char *mmun_version(void);

/* Bytes in a page, and in a huge page. Do not block; callable from callbacks. */
MMUN_API uint64_t mmun_page_size(void);
MMUN_API uint64_t mmun_huge_page_size(void);

/* The first address past the user's. Does not block; callable from callbacks. */
MMUN_API uint64_t mmun_task_size(void);

/* --- physical memory ----------------------------------------------------- */

struct mmun_machine_opts {
	uint64_t frames;      /* page frames, 2 .. 1 << 24; page tables live in them too */
	uint64_t huge_frames; /* beside them, frames of huge pages; 0: there are no huge pages */
	uint64_t swap_pages;  /* pages of swap space, 0 .. 1 << 24 */
};

/*
 * Makes the physical memory that address spaces share.
 * -EINVAL the number of frames; -ENOMEM.
 */
MMUN_API int mmun_machine_create(const struct mmun_machine_opts *opts,
				 struct mmun_machine **ret_machine);

/* NULL is fine. -EBUSY an address space still uses it, or a device, notifier or pin that
 * outlives its address space: nothing is done. */
MMUN_API int mmun_machine_destroy(struct mmun_machine *machine);

/* --- address spaces ------------------------------------------------------ */

enum mmun_semantics {
	MMUN_MODERN,  /* Linux 6.6 and later: secondary TLBs are flushed with the CPUs' */
	MMUN_CLASSIC, /* Linux 4.15 to 6.5: invalidate_range, also implied by range_end */
};

enum {
	MMUN_PROT_NONE = 0,
	MMUN_PROT_READ = 1,
	MMUN_PROT_WRITE = 2, /* can be read as well, as on x86 */
};

enum { /* the values of Linux */
	MMUN_MAP_SHARED = 0x01,
	MMUN_MAP_PRIVATE = 0x02,
	MMUN_MAP_FIXED = 0x10,
	MMUN_MAP_ANONYMOUS = 0x20,
	MMUN_MAP_FIXED_NOREPLACE = 0x100000,
};

enum { /* mremap(2), the values of Linux */
	MMUN_MREMAP_MAYMOVE = 1,
	MMUN_MREMAP_FIXED = 2,
	MMUN_MREMAP_DONTUNMAP = 4,
};

enum { /* madvise(2), the values of Linux */
	MMUN_MADV_DONTNEED = 4,
	MMUN_MADV_FREE = 8,
	MMUN_MADV_REMOVE = 9,
	MMUN_MADV_MERGEABLE = 12,
	MMUN_MADV_UNMERGEABLE = 13,
	MMUN_MADV_HUGEPAGE = 14,
	MMUN_MADV_NOHUGEPAGE = 15,
	MMUN_MADV_PAGEOUT = 21,
	MMUN_MADV_POPULATE_READ = 22,
	MMUN_MADV_POPULATE_WRITE = 23,
	MMUN_MADV_COLLAPSE = 25,
};

/* An empty address space. -EINVAL; -ENOMEM memory or frames. */
MMUN_API int mmun_mm_create(struct mmun_machine *machine, enum mmun_semantics semantics,
			    struct mmun_mm **ret_mm);

/*
 * What exit does (exit_mmap in mm/mmap.c): calls each notifier's release,
 * unmaps everything, frees the page tables. Devices and notifiers may still be
 * registered: their memory is theirs, and they are to be unregistered
 * afterwards as usual. NULL is fine. No other call on the mm may be under way or
 * follow, except those that take a notifier away, and accesses by devices, which fail.
 * -EBUSY a processor is still attached: nothing is done.
 */
MMUN_API int mmun_mm_destroy(struct mmun_mm *mm);

/*
 * mmap(2), anonymous memory, PRIVATE or SHARED (then with children of fork). addr
 * is where it must be (FIXED; what was there is unmapped; with FIXED_NOREPLACE
 * there must be nothing) or a hint; len is rounded up to pages. Else the room is
 * sought at the hint and, failing that, from the third page table upwards, so
 * addresses near 0 are given out on request only.
 * -EINVAL len is 0, FIXED and addr not at a page's start, unknown bits in prot
 *         or flags, neither or both of PRIVATE and SHARED, not ANONYMOUS
 * -EEXIST FIXED_NOREPLACE and something is mapped there
 * -ENOMEM no room in the address space, or no memory
 */
MMUN_API int mmun_mmap(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot, int flags,
		       uint64_t *ret_addr);

/*
 * mmap(2) of an object at offset, as of a memfd: SHARED, or PRIVATE (a write
 * makes a copy). flags as above without ANONYMOUS. Pages past the end of the
 * object are mapped too, but an access there is -EFAULT (SIGBUS).
 * -EINVAL as above, offset not at a page's start, object of another machine
 * -EOVERFLOW offset + len
 */
MMUN_API int mmun_mmap_object(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot,
			      int flags, struct mmun_object *object, uint64_t offset,
			      uint64_t *ret_addr);

/*
 * munmap(2). Nothing need be mapped there.
 * -EINVAL addr not at a page's start, len is 0, past the end of user addresses
 * -ENOMEM an area had to be split
 * Once it has returned no processor and no device uses what was unmapped.
 */
MMUN_API int mmun_munmap(struct mmun_mm *mm, uint64_t addr, uint64_t len);

/*
 * mprotect(2). len 0 does nothing. Unlike Linux it changes all or nothing.
 * -EINVAL addr not at a page's start, unknown bits in prot
 * -ENOMEM something in the range is not mapped, or an area had to be split
 * Once it has returned no access uses rights that were taken away.
 */
MMUN_API int mmun_mprotect(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot);

/*
 * mremap(2): the area part [addr, addr + old_len) becomes new_len long, in place,
 * or, with MAYMOVE, elsewhere, with FIXED at new_addr (what was there is
 * unmapped). DONTUNMAP leaves an empty area behind. old_len 0 is not supported.
 * -EFAULT [addr, addr + old_len) is not within one area
 * -EINVAL an address not at a page's start, a length 0, unknown flags, FIXED or
 *         DONTUNMAP without MAYMOVE, DONTUNMAP and lengths that differ, old and
 *         new place overlap
 * -ENOMEM no room, or no memory
 */
MMUN_API int mmun_mremap(struct mmun_mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len,
			 int flags, uint64_t new_addr, uint64_t *ret_addr);

/*
 * madvise(2). DONTNEED drops pages; FREE lets reclaim drop them until written;
 * REMOVE punches a hole into the object; MERGEABLE only marks (see
 * mmun_ksm_merge), UNMERGEABLE gives each page back its own copy; HUGEPAGE and
 * NOHUGEPAGE say whether faults may use huge pages (default: not); PAGEOUT
 * reclaims to swap what it can; COLLAPSE makes huge pages of small ones;
 * POPULATE_* fault everything in.
 * -EINVAL addr not at a page's start, unknown advice, FREE or REMOVE on memory
 *         that is not private anonymous or not shared, respectively; POPULATE_*
 *         that the area does not allow
 * -ENOMEM something in the range is not mapped (the rest is done), no memory
 * -EFAULT POPULATE_*: past the end of an object
 * -EAGAIN COLLAPSE: pages in use or not all there
 */
MMUN_API int mmun_madvise(struct mmun_mm *mm, uint64_t addr, uint64_t len, int advice);

/*
 * fork(2): a child with the same contents, page by page as they were at some
 * moment of the call; pages are shared until one side writes (copy_page_range in
 * mm/memory.c). Processors, devices and notifiers stay with the parent.
 * -ENOMEM
 */
MMUN_API int mmun_fork(struct mmun_mm *mm, struct mmun_mm **ret_child);

/*
 * What KSM does with two pages of equal contents (try_to_merge_one_page in
 * mm/ksm.c): the page at b is given up, both addresses map the page at a, read-
 * only, until one is written. Merging what is merged is a success.
 * -EINVAL an address not at a page's start, or twice the same
 * -EFAULT no area there, or nothing of its own populated (the zero page, PROT_NONE)
 * -EAGAIN contents differ, or somebody else is at these pages; one or both may
 *         have been write-protected, which the next write undoes
 */
MMUN_API int mmun_ksm_merge(struct mmun_mm *mm, uint64_t a, uint64_t b);

/*
 * What uprobes do (__replace_page in kernel/events/uprobes.c, Linux before
 * 6.16): puts a copy of the page in its place in which the 8-byte word at addr
 * has this value. The area must not be writable.
 * -EINVAL addr no multiple of 8, the area is writable
 * -EFAULT no area there, or it is PROT_NONE
 * -ENOMEM
 */
MMUN_API int mmun_replace_page(struct mmun_mm *mm, uint64_t addr, uint64_t value);

/*
 * What move_pages(2) does with one page (migrate_pages in mm/migrate.c): its
 * contents go to another frame, in every address space that maps it.
 * -EFAULT no area there, or nothing populated
 * -EBUSY  somebody else is at this page, or it is pinned
 * -ENOMEM no frame; -EINVAL addr not at a page's start
 */
MMUN_API int mmun_migrate(struct mmun_mm *mm, uint64_t addr);

/*
 * The same for a driver (migrate_vma_setup in mm/migrate_device.c): notifiers get
 * MMU_NOTIFY_MIGRATE with this owner, and the owner's own may ignore it, since it knows.
 * The page goes to another frame; there is no device memory.
 */
MMUN_API int mmun_migrate_owned(struct mmun_mm *mm, uint64_t addr, void *owner);

/*
 * Splits the huge page at addr into small ones (split_huge_page in
 * mm/huge_memory.c); partial operations split only the entry.
 * -EINVAL no huge page there; -EBUSY it is pinned or in use; -EFAULT no area
 */
MMUN_API int mmun_split_huge_page(struct mmun_mm *mm, uint64_t addr);

/*
 * Writing to /proc/PID/clear_refs, see proc(5): forgets which pages were
 * referenced, or written (soft-dirty).
 */
enum mmun_clear_refs {
	MMUN_CLEAR_REFS_ALL = 1,
	MMUN_CLEAR_REFS_SOFT_DIRTY = 4,
};
MMUN_API int mmun_clear_refs(struct mmun_mm *mm, enum mmun_clear_refs what);

/* What /proc/PID/pagemap tells of a page; one on the move counts as swapped. */
enum {
	MMUN_PAGE_PRESENT = 1,
	MMUN_PAGE_SWAPPED = 2,
	MMUN_PAGE_SOFT_DIRTY = 4, /* written since clear_refs */
	MMUN_PAGE_WP = 8,         /* write-protected by userfaultfd */
	MMUN_PAGE_EXCLUSIVE = 16, /* mapped here alone */
	MMUN_PAGE_HUGE = 32,      /* by an entry of a huge page */
};
/* *ret_bits: MMUN_PAGE_*. -EFAULT no area there. */
MMUN_API int mmun_pagemap(struct mmun_mm *mm, uint64_t addr, unsigned *ret_bits);

/*
 * userfaultfd write protection (UFFDIO_WRITEPROTECT in mm/userfaultfd.c), in its
 * asynchronous mode (UFFD_FEATURE_WP_ASYNC): the next write to a protected page
 * takes the protection away by itself. protect: set it or take it away. Only what is
 * populated is protected: there is no marker for a page that is not there yet. A child
 * of fork inherits no protection.
 * -EINVAL addr or len not whole pages, len 0; -ENOENT something not mapped
 */
MMUN_API int mmun_uffd_writeprotect(struct mmun_mm *mm, uint64_t addr, uint64_t len,
				    bool protect);

/*
 * UFFDIO_MOVE: the pages of [src, src + len) move to [dst, dst + len), writable
 * private anonymous areas, where nothing may be populated. Swapped pages move too;
 * huge ones one small page at a time. What was moved before an error stays moved;
 * *ret_moved: bytes, written after an error as well but for -EINVAL's arguments.
 * -EINVAL not whole pages, len 0, ranges overlap, an area that is not private
 *         anonymous and writable; -ENOENT not mapped or a source page is missing
 * -EEXIST a page at dst; -EBUSY a page is shared or pinned; -ENOMEM
 */
MMUN_API int mmun_uffd_move(struct mmun_mm *mm, uint64_t dst, uint64_t src, uint64_t len,
			    uint64_t *ret_moved);

/*
 * What automatic NUMA balancing does (change_prot_numa in mm/mempolicy.c): takes
 * the access rights of present pages away, so that the next access faults and
 * gives them back. -EINVAL not whole pages, len 0; -ENOMEM something not mapped
 */
MMUN_API int mmun_numa_hint(struct mmun_mm *mm, uint64_t addr, uint64_t len);

/*
 * A page for a device alone (make_device_exclusive in mm/rmap.c): the page at addr,
 * populated if need be, loses all access, as MMU_NOTIFY_EXCLUSIVE with this owner says to
 * the notifiers; the owner's own must ignore the event, or it would revoke what is just
 * being given. The next access by a processor or an mmun_ats sends MMU_NOTIFY_CLEAR and
 * then has the page; so does, with its own event, whatever else changes the mapping. From
 * that event's start on the device must not use the page any more. Secondary TLBs are
 * told where migration tells them.
 * -EINVAL addr not at a page's start; -ENOMEM
 * -EFAULT no private anonymous area there that can be read and written
 */
MMUN_API int mmun_make_exclusive(struct mmun_mm *mm, uint64_t addr, void *owner);

/*
 * Page idle tracking (mm/page_idle.c) of the page at addr. *ret_young: was it
 * referenced, by a processor or a notifier's device, since clear was last true?
 * clear forgets. Accesses through a cached translation need not be seen.
 * -EFAULT no area there or nothing populated
 */
MMUN_API int mmun_page_young(struct mmun_mm *mm, uint64_t addr, bool clear, bool *ret_young);

/*
 * The OOM reaper (__oom_reap_task_mm in mm/oom_kill.c): drops all private
 * anonymous pages without waiting for notifiers; areas whose notifiers would
 * have to block are left, and -EAGAIN is returned. What was dropped reads 0 afterwards.
 */
MMUN_API int mmun_oom_reap(struct mmun_mm *mm);

/* --- pinned pages -------------------------------------------------------- */

struct mmun_pin; /* a page that stays where it is, as FOLL_PIN */

/*
 * pin_user_pages(9) of the page at addr; write: it will be written. First without
 * any lock (gup_fast in mm/gup.c), then with a fault. The page is neither
 * migrated, reclaimed nor copied away from the address space by fork while
 * pinned; munmap may take the mapping away. A pin keeps the page and the machine, not
 * the address space. A page that is pinned for reading before it was first written,
 * and a page of an object in a private area, are left behind by the first write.
 * -EFAULT as an access would; -ENOMEM; -EINVAL
 */
MMUN_API int mmun_pin(struct mmun_mm *mm, uint64_t addr, bool write, struct mmun_pin **ret_pin);
/* The words of the pinned page; index in words. Do not block. -EINVAL index; -EACCES not write */
MMUN_API int mmun_pin_load(struct mmun_pin *pin, uint64_t index, uint64_t *ret_value);
MMUN_API int mmun_pin_store(struct mmun_pin *pin, uint64_t index, uint64_t value);
/* A page pinned for writing counts as written once more, but for soft-dirty. NULL is fine. */
MMUN_API void mmun_unpin(struct mmun_pin *pin);

/* --- memory that mappings share ------------------------------------------ */

/*
 * An object of len bytes, rounded up to pages, all 0, like a memfd (memfd_create(2)).
 * It lives as long as its creator or a mapping needs it. -EINVAL; -ENOMEM
 */
MMUN_API int mmun_object_create(struct mmun_machine *machine, uint64_t len,
				struct mmun_object **ret_object);
/* NULL is fine. Gives the creator's reference up. */
MMUN_API void mmun_object_destroy(struct mmun_object *object);
/* ftruncate(2), len rounded up to pages: pages past it are dropped, from mappings and private
 * copies too. -EINVAL; -ENOMEM it is to be longer than ever */
MMUN_API int mmun_object_truncate(struct mmun_object *object, uint64_t len);
/* fallocate(2) with PUNCH_HOLE | KEEP_SIZE; private copies stay. -EINVAL not whole pages, len 0 */
MMUN_API int mmun_object_punch(struct mmun_object *object, uint64_t offset, uint64_t len);
/* What writeback does first (folio_mkclean in mm/rmap.c): mappings become read-only and
 * clean; *ret_dirty: pages that had been written. */
MMUN_API int mmun_object_clean(struct mmun_object *object, uint64_t offset, uint64_t len,
			       uint64_t *ret_dirty);

/*
 * Makes addr accessible as a page fault does (handle_mm_fault in mm/memory.c);
 * for page request handlers. 0 also if there was nothing to do.
 * -EFAULT no area there, or it does not allow it; -ENOMEM no frame
 */
MMUN_API int mmun_mm_fault(struct mmun_mm *mm, uint64_t addr, bool write);

/* --- processors ---------------------------------------------------------- */

/* A processor with an empty TLB that runs in this address space. -ENOMEM */
MMUN_API int mmun_cpu_create(struct mmun_mm *mm, struct mmun_cpu **ret_cpu);

/* NULL is fine. No access by it may be under way. */
MMUN_API void mmun_cpu_destroy(struct mmun_cpu *cpu);

/*
 * Accesses to 8-byte words, atomic; without page fault they take no lock. The
 * plain names are relaxed, as READ_ONCE and WRITE_ONCE; load_acquire and
 * store_release order as C11's do. Several threads may share one processor.
 * -EINVAL addr no multiple of 8
 * -EFAULT where a program would get SIGSEGV; -ENOMEM no frame for a fault
 */
MMUN_API int mmun_cpu_load(struct mmun_cpu *cpu, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_cpu_load_acquire(struct mmun_cpu *cpu, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_cpu_store(struct mmun_cpu *cpu, uint64_t addr, uint64_t value);
MMUN_API int mmun_cpu_store_release(struct mmun_cpu *cpu, uint64_t addr, uint64_t value);

/* --- devices that share the page tables ---------------------------------- */

struct mmun_ats_opts {
	unsigned tlb_shift; /* the device TLB has 1 << this many entries, 6 .. 24; 0: 10 */

	/*
	 * Called when a translation is missing or does not allow the access, with
	 * no lock held; may block. 0: look again; an error ends the access with
	 * that error. NULL: mmun_mm_fault() is called.
	 */
	int (*page_request)(void *ctx, struct mmun_mm *mm, uint64_t addr, bool write);
	void *ctx;

	/*
	 * The TLB keeps a translation with the rights that it had until it is told: a
	 * store that these do not allow is a page request, and no new walk, as with an
	 * SMMU. Whoever gives rights in a modern address space then tells the device.
	 * In a classic one nobody does, as in Linux before 6.6 (6bbd42e2df8f): the store
	 * waits until something else empties the TLB, perhaps for ever.
	 */
	bool keeps_rights;
};

/*
 * Binds a device to an address space, as PCIe ATS and a PASID do: it walks the
 * mm's page tables and caches translations in its own TLB, which only MMU
 * notifications empty. opts may be NULL. The device keeps the mm's structure
 * alive, not its contents. -EINVAL; -ENOMEM
 */
MMUN_API int mmun_ats_create(struct mmun_mm *mm, const struct mmun_ats_opts *opts,
			     struct mmun_ats **ret_ats);

/* NULL is fine. No access by it may be under way. */
MMUN_API void mmun_ats_destroy(struct mmun_ats *ats);

/* As mmun_cpu_load() and so on; -EFAULT as well after the mm's exit. */
MMUN_API int mmun_ats_load(struct mmun_ats *ats, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_ats_load_acquire(struct mmun_ats *ats, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_ats_store(struct mmun_ats *ats, uint64_t addr, uint64_t value);
MMUN_API int mmun_ats_store_release(struct mmun_ats *ats, uint64_t addr, uint64_t value);

/* --- MMU notifiers: the names and rules of include/linux/mmu_notifier.h --- */

enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP,           /* munmap, mremap's source, exit */
	MMU_NOTIFY_CLEAR,           /* madvise, COW, KSM, huge pages, reclaim, migration */
	MMU_NOTIFY_PROTECTION_VMA,  /* mprotect, NUMA hints, userfaultfd write protection */
	MMU_NOTIFY_PROTECTION_PAGE, /* fork, cleaning of shared pages */
	MMU_NOTIFY_SOFT_DIRTY,      /* clear_refs */
	MMU_NOTIFY_RELEASE,         /* exit; to interval notifiers only */
	MMU_NOTIFY_MIGRATE,         /* to a device; owner may ignore it */
	MMU_NOTIFY_EXCLUSIVE,       /* for a device; owner must ignore it */
};

enum { MMU_NOTIFIER_RANGE_BLOCKABLE = 1 };

struct mmu_notifier;

struct mmu_notifier_range {
	struct mmun_mm *mm;
	uint64_t start, end;  /* bytes, [start, end), whole pages */
	unsigned flags;       /* MMU_NOTIFIER_RANGE_BLOCKABLE or 0 */
	enum mmu_notifier_event event;
	void *owner;          /* whoever began the operation, NULL: the mm itself */
};

/* May the callback that was given this range block? Callable from callbacks. */
static inline bool mmu_notifier_range_blockable(const struct mmu_notifier_range *range)
{
	return range->flags & MMU_NOTIFIER_RANGE_BLOCKABLE;
}

/*
 * Callbacks; each may be NULL. They run in the thread that changes the mm, several
 * at a time for one notifier if several threads do, and, unless something else is
 * said, under the mm's locks: so a callback must not call into this library (what
 * says "callable from callbacks" excepted), must not register, unregister, get or
 * put, must not wait for a thread that does any of this, and takes no lock that is
 * held around such a call. Who breaks the rules waits for himself, or sleeps where
 * one must not: in an execution that comes to it, a finding of the explorer. What the
 * library notices, such as a number of users below zero, is a finding too, and the end
 * of the program if the library was built with debug_checks. All else is undefined.
 *
 * "Atomic" below: page table locks may be held. The callback must not block, and
 * takes no lock that may be held around an access to the mm.
 */
struct mmu_notifier_ops {
	/*
	 * The address space is going away, or this notifier is: tear down what was
	 * made from its page tables, and make no more. Called once, by exit before
	 * any page is freed or by unregister, whichever comes first, and never for a
	 * notifier that was put before. (Linux may call it twice, and at the same
	 * time.) No lock of the mm is held and it may block; other callbacks and page
	 * requests may run at the same time, and it may wait for these. May call
	 * mmu_notifier_put(). Must not wait for register, unregister, get or put.
	 */
	void (*release)(struct mmu_notifier *mn, struct mmun_mm *mm);

	/*
	 * Before the first change in the range: until range_end nothing in it may
	 * be established in a software page table. Pages are still mapped, ranges
	 * may overlap and nest. May block if the range is blockable, and returns 0
	 * then; else it must not block, and may return -EAGAIN: the operation is
	 * given up, and range_end called for all who have it. Who can fail has no
	 * invalidate_range_end: it could not tell whether its start had been made.
	 */
	int (*invalidate_range_start)(struct mmu_notifier *mn,
				      const struct mmu_notifier_range *range);

	/* After the last change, no page table lock held; pages that were unmapped
	 * may not be freed yet. May block as start may. */
	void (*invalidate_range_end)(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range);

	/*
	 * Empty the secondary TLB of [start, end), and return when nobody uses what
	 * it held. Atomic. start and end may lie outside any start/end pair. Called
	 * in modern address spaces.
	 */
	void (*arch_invalidate_secondary_tlbs)(struct mmu_notifier *mn, struct mmun_mm *mm,
					       uint64_t start, uint64_t end);

	/* The same under its classic name; called in classic address spaces, and
	 * by range_end before invalidate_range_end unless the operation did it. */
	void (*invalidate_range)(struct mmu_notifier *mn, struct mmun_mm *mm,
				 uint64_t start, uint64_t end);

	/*
	 * Was anything in [start, end) referenced through the secondary MMU since
	 * this was last forgotten? The first two forget it; clear_young may leave
	 * TLBs as they are, so that accesses through them are missed from then on.
	 * All notifiers are asked, and one yes is enough. Atomic.
	 */
	bool (*clear_flush_young)(struct mmu_notifier *mn, struct mmun_mm *mm,
				  uint64_t start, uint64_t end);
	bool (*clear_young)(struct mmu_notifier *mn, struct mmun_mm *mm,
			    uint64_t start, uint64_t end);
	bool (*test_young)(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr);

	/*
	 * The page at addr is about to be another one: the secondary MMU may map
	 * this frame at once rather than wait for its next fault. Always within a
	 * start/end pair, with the CPUs' entry clear and flushed; frame says which
	 * pages are the same page and nothing else. Atomic. Must do nothing if more
	 * than one start is outstanding. Called in classic address spaces.
	 */
	void (*change_pte)(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr,
			   uint64_t frame, bool writable);

	/*
	 * For mmu_notifier_get() and put. alloc gives a notifier, of any contents, or
	 * NULL; called with mmap_lock held for writing, may block. free gives it back:
	 * nobody calls or will call it any more; mn->mm still exists. No lock of the
	 * mm is held.
	 */
	struct mmu_notifier *(*alloc_notifier)(struct mmun_mm *mm);
	void (*free_notifier)(struct mmu_notifier *mn);
};

struct mmu_notifier {
	const struct mmu_notifier_ops *ops; /* set by the user, constant */
	struct mmun_mm *mm;                 /* the rest belongs to the library; zero at first */
	struct mmu_notifier *next;
	unsigned users;
	int state;
};

/*
 * Registers mn, whose memory stays the caller's and must last until unregister
 * has returned. No start/end pair is under way at that moment, so mn sees no end
 * without its start. The caller holds no lock that a callback takes.
 * -EINVAL mn is registered; the mm is going away; modern: both start or end and
 *         arch_invalidate_secondary_tlbs, or invalidate_range or change_pte is
 *         set; classic: arch_invalidate_secondary_tlbs is set
 */
MMUN_API int mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm);

/*
 * Calls release if the mm has not done so, and returns when no callback runs
 * or will. Must be called, after mmun_mm_destroy() too. Waits for operations
 * that are under way on the mm. Not for a notifier from mmu_notifier_get().
 */
MMUN_API void mmu_notifier_unregister(struct mmu_notifier *mn, struct mmun_mm *mm);

/*
 * The notifier with these ops in this mm, with a reference more: the one there
 * is, or a new one from ops->alloc_notifier. Conditions as for register.
 * -EINVAL as register; alloc_notifier or free_notifier is missing
 * -ENOMEM alloc_notifier said so
 */
MMUN_API int mmu_notifier_get(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
			      struct mmu_notifier **ret_mn);

/*
 * Gives a reference from get up. release is called by exit only, so what was made
 * from the page tables must be torn down before. The last put waits for operations
 * that are under way, unlinks the notifier, and calls free_notifier before it
 * returns; when called from a release callback, whoever called release does that
 * after it. The caller holds no lock that a callback takes.
 */
MMUN_API void mmu_notifier_put(struct mmu_notifier *mn);

/*
 * Returns when free_notifier has been called for each last put that came before,
 * from release callbacks too, in all address spaces of the machine (of the system,
 * in Linux): the code of the callbacks may then be unloaded.
 */
MMUN_API void mmu_notifier_synchronize(struct mmun_machine *machine);

/*
 * Interval notifiers: told of start/end pairs that touch their range only, with a
 * sequence number so that whoever builds a software page table from the mm's pages
 * learns whether it may keep them. lock is the user's; invalidate takes it too:
 *
 *	again:
 *	seq = mmu_interval_read_begin(&sub);
 *	... look the pages up; this may block, and take the mm's locks ...
 *	lock
 *	if (mmu_interval_read_retry(&sub, seq)) {
 *		unlock
 *		goto again;
 *	}
 *	... enter them into the page table ...
 *	unlock
 */
struct mmu_interval_notifier;

/* What an invalidation in two passes has left to do; within an object of the user's,
 * one for each pass that is under way. */
struct mmu_interval_notifier_finish {
	struct mmu_interval_notifier *notifier;    /* the library's */
	struct mmu_interval_notifier_finish *next;
};

/* Context as for invalidate_range_start. invalidate is set, or the other two. */
struct mmu_interval_notifier_ops {
	/*
	 * Under the user's lock: mmu_interval_set_seq(sub, cur_seq), then drop what
	 * the page table has of the range. (An event of the owner's own may be
	 * ignored.) false: it would have to block, which is only for ranges that are
	 * not blockable. Called for MMU_NOTIFY_RELEASE at exit as well.
	 */
	bool (*invalidate)(struct mmu_interval_notifier *sub,
			   const struct mmu_notifier_range *range, uint64_t cur_seq);

	/*
	 * The same in two passes, so that several devices do their work at the same
	 * time: start sets the number and begins, finish waits for the end. *finish
	 * stays NULL if there is nothing to wait for; and if false is returned.
	 * finish is called for all after start was called for all, in any order.
	 */
	bool (*invalidate_start)(struct mmu_interval_notifier *sub,
				 const struct mmu_notifier_range *range, uint64_t cur_seq,
				 struct mmu_interval_notifier_finish **finish);
	void (*invalidate_finish)(struct mmu_interval_notifier_finish *finish);
};

struct mmu_interval_notifier { /* all the library's; insert sets everything */
	const struct mmu_interval_notifier_ops *ops;
	struct mmun_mm *mm;
	uint64_t start, last;                   /* bytes, [start, last] */
	uint64_t invalidate_seq;
	struct mmu_interval_notifier *deferred;
	int state;
};

/*
 * Has sub told of [start, start + length) from now on. Pairs that are under way
 * are not waited for: until they are over, read_begin waits. Its memory is the
 * caller's until remove has returned. The caller holds no lock that a callback
 * takes.
 * -EINVAL start is past the user's addresses, ops, the mm is going away
 * -EOVERFLOW length is 0 or too long; -ENOMEM
 */
MMUN_API int mmu_interval_notifier_insert(struct mmu_interval_notifier *sub, struct mmun_mm *mm,
					  uint64_t start, uint64_t length,
					  const struct mmu_interval_notifier_ops *ops);

/*
 * Returns when no callback runs or will. Must be called for whatever was inserted,
 * after mmun_mm_destroy() too. Waits for pairs that are under way.
 */
MMUN_API void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub);

/* Waits for pairs that are under way in the interval. Returns the number to give to
 * read_retry, which may be out of date already. */
MMUN_API uint64_t mmu_interval_read_begin(struct mmu_interval_notifier *sub);

/* Called with the user's lock held. true: there was an invalidation since; what was
 * looked up must not be used. Does not block. */
MMUN_API bool mmu_interval_read_retry(struct mmu_interval_notifier *sub, uint64_t seq);

/* A hint, without the lock: true is certain, false is not. Does not block. */
MMUN_API bool mmu_interval_check_retry(struct mmu_interval_notifier *sub, uint64_t seq);

/* In invalidate, with the user's lock held, before anything is dropped. */
MMUN_API void mmu_interval_set_seq(struct mmu_interval_notifier *sub, uint64_t cur_seq);

#ifdef __cplusplus
}
#endif

#endif
