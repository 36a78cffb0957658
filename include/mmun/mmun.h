/* SPDX-License-Identifier: MIT */
/*
 * mmun.h - address spaces with real page frames and Linux-shaped page tables,
 * MMU notifiers, and devices that share those page tables over ATS.
 *
 * Build: cc prog.c $(pkg-config --cflags --libs mmun). Add -pthread for threads.
 * Programs from which to begin: examples/device.c, examples/interval.c and examples/pin.c
 * in the source; docs/library.md introduces them, and docs/glossary.md defines the terms.
 *
 * Conventions
 *
 * Results. A function that returns int returns 0 or a negative errno. Every
 * function returns -EINVAL for NULL where an object is needed, and for every other
 * bad argument; comments list only the arguments that are bad for less obvious
 * reasons. Out-parameters (ret_...) come last and are written on success only,
 * unless the comment says otherwise.
 *
 * Units. Addresses, lengths and offsets are in bytes. Addresses belong to an
 * mmun_mm: they are not pointers of the calling program.
 *
 * Context. Each comment says in which context the function may be called:
 *	any        by any thread at any time, also from a notifier's callback, and with
 *	           any lock held. The function does not block.
 *	no block   by any thread at any time, but not from a callback. The function does
 *	           not block.
 *	may block  by any thread at any time, but not from a callback, nor while holding
 *	           a lock that a callback takes. The function may wait for locks of the
 *	           address space and for callbacks.
 *
 * Source. Each comment names what the function does as: a system call by its
 * manual page, or a function of Linux 6.12 by its name and file.
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
struct mmun_object;  /* memory that several mappings share, like a memfd */

/* Returns the version of the library, "MAJOR.MINOR.PATCH". Context: any. */
MMUN_API const char *mmun_version(void);

/* Returns the size of a page in bytes. Context: any. */
MMUN_API uint64_t mmun_page_size(void);

/* Returns the size of a huge page in bytes. Context: any. */
MMUN_API uint64_t mmun_huge_page_size(void);

/* Returns the first address that a user cannot have; TASK_SIZE in Linux. Context: any. */
MMUN_API uint64_t mmun_task_size(void);

/* --- physical memory ----------------------------------------------------- */

struct mmun_machine_opts {
	uint64_t frames;      /* number of page frames, 2 .. 1 << 24; they hold page tables too */
	uint64_t huge_frames; /* number of huge frames besides; 0: there are no huge pages */
	uint64_t swap_pages;  /* number of pages of swap space, 0 .. 1 << 24 */
};

/*
 * Creates the physical memory that address spaces share.
 *
 * Errors: -EINVAL a number in opts is out of range, or all frames together are too
 *         many; -ENOMEM
 * Context: any thread; allocates memory, and waits for nothing else.
 */
MMUN_API int mmun_machine_create(const struct mmun_machine_opts *opts,
				 struct mmun_machine **ret_machine);

/*
 * Destroys a machine. NULL is fine.
 *
 * Errors: -EBUSY an address space still uses it, or a device, a notifier or a pin
 *         that outlives its address space; nothing is done then
 * Context: any thread; no other call on the machine may be under way or follow.
 */
MMUN_API int mmun_machine_destroy(struct mmun_machine *machine);

/* --- address spaces ------------------------------------------------------ */

/* When the secondary TLBs are flushed, and which callbacks there are: as in a Linux version. */
enum mmun_semantics {
	MMUN_MODERN,  /* Linux 6.6 and later, as 6.12: they are flushed with the CPUs' TLBs */
	MMUN_CLASSIC, /* Linux 4.15 to 6.5, as 6.1: invalidate_range, which range_end implies */
	/* By the versions whose recordings they are held to. */
	MMUN_LINUX_6_1 = MMUN_CLASSIC,
	MMUN_LINUX_6_12 = MMUN_MODERN,
};

enum { /* protections of mmap(2) and mprotect(2) */
	MMUN_PROT_NONE = 0,
	MMUN_PROT_READ = 1,
	MMUN_PROT_WRITE = 2, /* implies reading, as on x86 */
};

enum { /* flags of mmap(2), with the values of Linux */
	MMUN_MAP_SHARED = 0x01,
	MMUN_MAP_PRIVATE = 0x02,
	MMUN_MAP_FIXED = 0x10,
	MMUN_MAP_ANONYMOUS = 0x20,
	MMUN_MAP_FIXED_NOREPLACE = 0x100000,
};

enum { /* flags of mremap(2), with the values of Linux */
	MMUN_MREMAP_MAYMOVE = 1,
	MMUN_MREMAP_FIXED = 2,
	MMUN_MREMAP_DONTUNMAP = 4,
};

enum { /* advice of madvise(2), with the values of Linux */
	MMUN_MADV_DONTNEED = 4,
	MMUN_MADV_FREE = 8,
	MMUN_MADV_REMOVE = 9,
	MMUN_MADV_DONTFORK = 10,
	MMUN_MADV_DOFORK = 11,
	MMUN_MADV_MERGEABLE = 12,
	MMUN_MADV_UNMERGEABLE = 13,
	MMUN_MADV_HUGEPAGE = 14,
	MMUN_MADV_NOHUGEPAGE = 15,
	MMUN_MADV_WIPEONFORK = 18,
	MMUN_MADV_KEEPONFORK = 19,
	MMUN_MADV_PAGEOUT = 21,
	MMUN_MADV_POPULATE_READ = 22,
	MMUN_MADV_POPULATE_WRITE = 23,
	MMUN_MADV_COLLAPSE = 25,
};

/*
 * Creates an empty address space.
 *
 * Errors: -ENOMEM no memory, or no frames
 * Context: may block.
 * Source: mm_alloc() in kernel/fork.c.
 */
MMUN_API int mmun_mm_create(struct mmun_machine *machine, enum mmun_semantics semantics,
			    struct mmun_mm **ret_mm);

/*
 * Ends an address space as exit does: calls the release callback of each notifier,
 * unmaps everything, and frees the page tables. NULL is fine. Devices and notifiers
 * may still be registered. Their memory belongs to their creators, who unregister
 * them afterwards as usual.
 *
 * Errors: -EBUSY a processor is still attached; nothing is done then
 * Context: may block. No other call on the mm may be under way or follow, except
 *          calls that unregister a notifier, and accesses by devices, which fail.
 * Source: exit_mmap() in mm/mmap.c, __mmu_notifier_release() in mm/mmu_notifier.c.
 */
MMUN_API int mmun_mm_destroy(struct mmun_mm *mm);

/*
 * Maps anonymous memory, PRIVATE or SHARED (with children of fork). With FIXED the
 * memory is mapped at addr, and what was there is unmapped. With FIXED_NOREPLACE
 * nothing may be there. Otherwise addr is a hint: room is searched for at the hint
 * and, failing that, from the third page table upwards, so that addresses near 0 are
 * given out on request only. len is rounded up to pages.
 *
 * Errors: -EINVAL len is 0; FIXED, and addr is not the start of a page; unknown bits
 *                 in prot or flags; neither or both of PRIVATE and SHARED; not
 *                 ANONYMOUS
 *         -EEXIST FIXED_NOREPLACE, and something is mapped there
 *         -ENOMEM no room in the address space, or no memory
 * Context: may block.
 * Source: mmap(2).
 */
MMUN_API int mmun_mmap(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot, int flags,
		       uint64_t *ret_addr);

/*
 * Maps an object, as mmap(2) maps a memfd, from offset on: SHARED, or PRIVATE, where
 * a write makes a copy. addr, len and flags are as for mmun_mmap(), without
 * ANONYMOUS. Pages past the end of the object are mapped too, but an access there is
 * -EFAULT (Linux: SIGBUS).
 *
 * Errors: as mmun_mmap(), and
 *         -EINVAL offset is not the start of a page; the object is another machine's
 *         -EOVERFLOW offset + len
 * Context: may block.
 * Source: mmap(2).
 */
MMUN_API int mmun_mmap_object(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot,
			      int flags, struct mmun_object *object, uint64_t offset,
			      uint64_t *ret_addr);

/*
 * Unmaps [addr, addr + len). Nothing need be mapped there. Once it has returned, no
 * processor and no device uses what was unmapped.
 *
 * Errors: -EINVAL addr is not the start of a page; len is 0; the range ends past the
 *                 user's addresses
 *         -ENOMEM an area had to be split
 * Context: may block.
 * Source: munmap(2).
 */
MMUN_API int mmun_munmap(struct mmun_mm *mm, uint64_t addr, uint64_t len);

/*
 * Changes the protection of [addr, addr + len). If len is 0 it does nothing. Unlike
 * Linux it changes all of the range or nothing. Once it has returned, no access uses
 * a permission that was removed.
 *
 * Errors: -EINVAL addr is not the start of a page; unknown bits in prot
 *         -ENOMEM something in the range is not mapped, or an area had to be split
 * Context: may block.
 * Source: mprotect(2).
 */
MMUN_API int mmun_mprotect(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot);

/*
 * Makes [addr, addr + old_len), a part of one area, new_len bytes long: in place; or
 * elsewhere, with MAYMOVE; or at new_addr, with FIXED, where what was there is
 * unmapped. With DONTUNMAP an empty area is left behind. old_len 0 is not supported.
 *
 * Errors: -EFAULT [addr, addr + old_len) does not lie in one area
 *         -EINVAL an address is not the start of a page; a length is 0; unknown flags;
 *                 FIXED or DONTUNMAP without MAYMOVE; DONTUNMAP, and the lengths
 *                 differ; the old and the new range overlap
 *         -ENOMEM no room, or no memory
 * Context: may block.
 * Source: mremap(2).
 */
MMUN_API int mmun_mremap(struct mmun_mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len,
			 int flags, uint64_t new_addr, uint64_t *ret_addr);

/*
 * Gives advice about [addr, addr + len):
 *	DONTNEED     drops the pages
 *	FREE         lets reclaim drop the pages until they are written
 *	REMOVE       punches a hole into the object
 *	MERGEABLE    marks the area only; see mmun_ksm_merge()
 *	UNMERGEABLE  gives each page its own copy back
 *	DONTFORK     leaves the area out of children; DOFORK, the default, does not. Fork
 *	             leaves its pages alone, so a device may go on writing to them
 *	WIPEONFORK   lets children have the area, and their children too, with nothing in it;
 *	             KEEPONFORK, the default, does not
 *	HUGEPAGE     lets faults use huge pages; NOHUGEPAGE, the default, does not
 *	PAGEOUT      reclaims to swap what it can; in a classic mm, what no notifier's
 *	             clear_flush_young says was used meanwhile
 *	COLLAPSE     makes huge pages of small ones
 *	POPULATE_*   faults everything in, for reading or for writing
 *
 * Errors: -EINVAL addr is not the start of a page; unknown advice; FREE or WIPEONFORK, and
 *                 the memory is not private and anonymous; REMOVE, and it is not shared;
 *                 POPULATE_* that the area does not allow
 *         -ENOMEM something in the range is not mapped (the rest is done), or no memory
 *         -EFAULT POPULATE_* past the end of an object
 *         -EAGAIN COLLAPSE: pages are in use, or not all are there
 * Context: may block.
 * Source: madvise(2).
 */
MMUN_API int mmun_madvise(struct mmun_mm *mm, uint64_t addr, uint64_t len, int advice);

/*
 * Creates a child with the same contents: each page as it was at some moment of the
 * call. Pages are shared until one side writes. Processors, devices and notifiers
 * stay with the parent.
 *
 * Errors: -ENOMEM
 * Context: may block.
 * Source: fork(2), copy_page_range() in mm/memory.c.
 */
MMUN_API int mmun_fork(struct mmun_mm *mm, struct mmun_mm **ret_child);

/*
 * Merges two pages of equal contents, as KSM does: the page at b is given up, and
 * both addresses map the page at a, read-only, until one of them is written. Merging
 * two pages that are merged already is a success.
 *
 * Errors: -EINVAL an address is not the start of a page; both are the same
 *         -EFAULT there is no area, or nothing of the area's own is populated (the
 *                 zero page, PROT_NONE)
 *         -EAGAIN the contents differ, or the pages are in use. One or both may have
 *                 been write-protected, which the next write undoes
 * Context: may block.
 * Source: try_to_merge_one_page() in mm/ksm.c.
 */
MMUN_API int mmun_ksm_merge(struct mmun_mm *mm, uint64_t a, uint64_t b);

/*
 * Replaces the page of addr by a copy in which the 8-byte word at addr has this
 * value, as uprobes do. The area must not be writable.
 *
 * Errors: -EINVAL addr is no multiple of 8; the area is writable
 *         -EFAULT there is no area, or it is PROT_NONE
 *         -ENOMEM
 * Context: may block.
 * Source: __replace_page() in kernel/events/uprobes.c, Linux before 6.16.
 */
MMUN_API int mmun_replace_page(struct mmun_mm *mm, uint64_t addr, uint64_t value);

/*
 * Migrates the page at addr: its contents go to another frame, in every address space
 * that maps it.
 *
 * Errors: -EINVAL addr is not the start of a page
 *         -EFAULT there is no area, or nothing is populated
 *         -EBUSY  the page is in use, or pinned
 *         -ENOMEM no frame
 * Context: may block.
 * Source: move_pages(2), migrate_pages() in mm/migrate.c.
 */
MMUN_API int mmun_migrate(struct mmun_mm *mm, uint64_t addr);

/*
 * Migrates the page at addr on behalf of a driver. In place of MMU_NOTIFY_CLEAR the
 * notifiers get MMU_NOTIFY_MIGRATE with this owner. The owner's own notifier may ignore
 * the event, because the owner knows of it. The page goes to another frame: there is
 * no device memory. owner is only compared and passed on, and may be NULL.
 *
 * Errors: as mmun_migrate()
 * Context: may block.
 * Source: migrate_vma_setup() in mm/migrate_device.c.
 */
MMUN_API int mmun_migrate_owned(struct mmun_mm *mm, uint64_t addr, void *owner);

/*
 * Splits the huge page that addr lies in into small pages, in every address space.
 * (An operation on a part of a huge page splits only its entry.)
 *
 * Errors: -EINVAL no huge page is mapped there
 *         -EBUSY  the page is in use, or pinned
 *         -EFAULT there is no area
 * Context: may block.
 * Source: split_huge_page() in mm/huge_memory.c.
 */
MMUN_API int mmun_split_huge_page(struct mmun_mm *mm, uint64_t addr);

enum mmun_clear_refs {
	MMUN_CLEAR_REFS_ALL = 1,        /* which pages were referenced */
	MMUN_CLEAR_REFS_SOFT_DIRTY = 4, /* which pages were written */
};

/*
 * Forgets, for the whole address space, which pages were referenced, or written.
 *
 * Errors: -EINVAL what is none of the two
 * Context: may block.
 * Source: writing to /proc/PID/clear_refs, see proc(5).
 */
MMUN_API int mmun_clear_refs(struct mmun_mm *mm, enum mmun_clear_refs what);

enum { /* what mmun_pagemap() tells of a page */
	MMUN_PAGE_PRESENT = 1,
	MMUN_PAGE_SWAPPED = 2,    /* or on the move */
	MMUN_PAGE_SOFT_DIRTY = 4, /* written since mmun_clear_refs() */
	MMUN_PAGE_WP = 8,         /* write-protected by userfaultfd */
	MMUN_PAGE_EXCLUSIVE = 16, /* mapped here alone */
	MMUN_PAGE_HUGE = 32,      /* mapped by an entry of a huge page */
};

/*
 * Tells the state of the page that addr lies in. *ret_bits: MMUN_PAGE_*.
 *
 * Errors: -EFAULT there is no area
 * Context: may block.
 * Source: reading from /proc/PID/pagemap, see proc(5).
 */
MMUN_API int mmun_pagemap(struct mmun_mm *mm, uint64_t addr, unsigned *ret_bits);

/*
 * Sets (protect) or removes userfaultfd's write protection of [addr, addr + len), in
 * its asynchronous mode (UFFD_FEATURE_WP_ASYNC): the next write to a protected page
 * removes the protection by itself. Only what is populated is protected: there is no
 * marker for a page that is not there yet. A child of fork inherits no protection.
 * In a classic mm a page whose protection is removed stays read-only until the next write.
 *
 * Errors: -EINVAL addr or len is no multiple of the page size; len is 0
 *         -ENOENT something is not mapped
 * Context: may block.
 * Source: UFFDIO_WRITEPROTECT in ioctl_userfaultfd(2), mwriteprotect_range() in
 *         mm/userfaultfd.c.
 */
MMUN_API int mmun_uffd_writeprotect(struct mmun_mm *mm, uint64_t addr, uint64_t len,
				    bool protect);

/*
 * Moves the pages of [src, src + len) to [dst, dst + len), where nothing may be
 * populated. Both are writable private anonymous areas. Swapped pages move too, and
 * huge ones one small page at a time. What was moved before an error stays moved.
 * *ret_moved: bytes that were moved; also written after an error, except for -EINVAL
 * because of an argument.
 *
 * Errors: -EINVAL an argument is no multiple of the page size; len is 0; the ranges
 *                 overlap; an area is not private, anonymous and writable
 *         -ENOENT something is not mapped, or a source page is missing
 *         -EEXIST there is a page at dst
 *         -EBUSY  a page is shared or pinned
 *         -ENOMEM
 * Context: may block.
 * Source: UFFDIO_MOVE in ioctl_userfaultfd(2), move_pages() in mm/userfaultfd.c.
 */
MMUN_API int mmun_uffd_move(struct mmun_mm *mm, uint64_t dst, uint64_t src, uint64_t len,
			    uint64_t *ret_moved);

/*
 * Removes all access from the present pages of [addr, addr + len), so that the next
 * access faults and gives it back, as automatic NUMA balancing does.
 *
 * Errors: -EINVAL addr or len is no multiple of the page size; len is 0
 *         -ENOMEM something is not mapped
 * Context: may block.
 * Source: change_prot_numa() in mm/mempolicy.c.
 */
MMUN_API int mmun_numa_hint(struct mmun_mm *mm, uint64_t addr, uint64_t len);

/*
 * Reserves the page at addr for a device. The page is populated if need be, and loses
 * all access. The notifiers get MMU_NOTIFY_EXCLUSIVE with this owner. The owner's own
 * notifier must ignore the event: otherwise it would revoke what is just being given.
 * The next access by a processor or by an mmun_ats sends MMU_NOTIFY_CLEAR and then has
 * the page. Any other change of the mapping does so with its own event. From the start
 * of that event on the device must not use the page any more. The secondary TLBs are
 * flushed where migration flushes them. owner is only compared and passed on.
 *
 * Errors: -EINVAL addr is not the start of a page
 *         -EFAULT there is no private anonymous area that can be read and written
 *         -ENOMEM
 * Context: may block.
 * Source: make_device_exclusive() in mm/rmap.c.
 */
MMUN_API int mmun_make_exclusive(struct mmun_mm *mm, uint64_t addr, void *owner);

/*
 * Tells whether the page that addr lies in was referenced, by a processor or by a
 * notifier's device, since this was last forgotten. clear: forget it. Accesses through
 * a cached translation need not be seen.
 *
 * Errors: -EFAULT there is no area, or nothing is populated
 * Context: may block.
 * Source: idle page tracking, mm/page_idle.c.
 */
MMUN_API int mmun_page_young(struct mmun_mm *mm, uint64_t addr, bool clear, bool *ret_young);

/*
 * Reclaims the page that addr lies in to swap, as the kernel does by itself when memory is
 * short: unless it was referenced, by a processor or by a notifier's device, since this was
 * last forgotten. What was referenced stays, and is forgotten: clear_flush_young is called,
 * in both semantics. MADV_PAGEOUT is less careful.
 *
 * Errors: -EFAULT there is no area, or nothing that could be reclaimed
 *         -EBUSY the page was referenced, or is in use
 *         -ENOMEM there is no room in swap
 * Context: may block.
 * Source: shrink_folio_list() in mm/vmscan.c, with two lists.
 */
MMUN_API int mmun_reclaim(struct mmun_mm *mm, uint64_t addr);

/*
 * Drops all private anonymous pages without waiting for notifiers, as the OOM reaper
 * does. What was dropped reads 0 afterwards. An area whose notifiers would have to
 * block is left alone.
 *
 * Errors: -EAGAIN an area was left alone
 * Context: may block, for locks of the address space.
 * Source: __oom_reap_task_mm() in mm/oom_kill.c.
 */
MMUN_API int mmun_oom_reap(struct mmun_mm *mm);

/*
 * Makes addr accessible for reading, or for writing (write), as a page fault does; for
 * page request handlers. It succeeds also if there was nothing to do.
 *
 * Errors: -EFAULT there is no area, or it does not allow the access
 *         -ENOMEM no frame
 * Context: may block.
 * Source: handle_mm_fault() in mm/memory.c.
 */
MMUN_API int mmun_mm_fault(struct mmun_mm *mm, uint64_t addr, bool write);

/* --- pinned pages -------------------------------------------------------- */

struct mmun_pin; /* a page that stays in its frame; FOLL_PIN in Linux */

/*
 * Pins the page that addr lies in, for reading, or for reading and writing (write). It
 * tries without any lock first, and then with a page fault and mmap_lock. While the page is pinned
 * it is not migrated and not reclaimed, and fork does not copy it away from the
 * address space; munmap may remove the mapping. A pin keeps the page and the machine,
 * not the address space. Two kinds of pages are left behind by the first write: a page
 * that was pinned for reading before it was first written, and a page of an object in
 * a private area.
 *
 * Errors: -EFAULT an access would be -EFAULT; -ENOMEM
 * Context: may block.
 * Source: pin_user_pages() and pin_user_pages_fast() in mm/gup.c.
 */
MMUN_API int mmun_pin(struct mmun_mm *mm, uint64_t addr, bool write, struct mmun_pin **ret_pin);

/*
 * Load or store a word of the pinned page. index: in words of 8 bytes, from 0.
 *
 * Errors: -EINVAL index is past the page; -EACCES a store, and the page is not pinned
 *         for writing
 * Context: no block.
 * Source: what a driver does with a page that it has pinned.
 */
MMUN_API int mmun_pin_load(struct mmun_pin *pin, uint64_t index, uint64_t *ret_value);
MMUN_API int mmun_pin_store(struct mmun_pin *pin, uint64_t index, uint64_t value);

/*
 * Ends a pin. NULL is fine. A page that was pinned for writing counts as written once
 * more, except for soft-dirty.
 *
 * Context: any; does not block.
 * Source: unpin_user_page() and unpin_user_pages_dirty_lock() in mm/gup.c.
 */
MMUN_API void mmun_unpin(struct mmun_pin *pin);

/* --- memory that mappings share ------------------------------------------ */

/*
 * Creates an object of len bytes, rounded up to pages, that are 0. It lives as long as
 * its creator or a mapping needs it.
 *
 * Errors: -EINVAL len is too long; -ENOMEM
 * Context: may block.
 * Source: memfd_create(2).
 */
MMUN_API int mmun_object_create(struct mmun_machine *machine, uint64_t len,
				struct mmun_object **ret_object);

/*
 * Gives up the creator's reference. NULL is fine.
 *
 * Context: may block.
 * Source: close(2) of a memfd.
 */
MMUN_API void mmun_object_destroy(struct mmun_object *object);

/*
 * Sets the length to len bytes, rounded up to pages. Pages past the end are dropped,
 * from mappings too, and so are private copies of them.
 *
 * Errors: -EINVAL len is too long; -ENOMEM it is to be longer than ever before
 * Context: may block.
 * Source: ftruncate(2).
 */
MMUN_API int mmun_object_truncate(struct mmun_object *object, uint64_t len);

/*
 * Punches a hole of len bytes at offset: the pages are dropped, from mappings too, and
 * are 0 afterwards. Private copies stay.
 *
 * Errors: -EINVAL offset or len is no multiple of the page size; len is 0
 * Context: may block.
 * Source: fallocate(2) with FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE.
 */
MMUN_API int mmun_object_punch(struct mmun_object *object, uint64_t offset, uint64_t len);

/*
 * Does what writeback does first, for len bytes at offset: mappings become read-only
 * and clean. *ret_dirty: number of pages that had been written.
 *
 * Errors: -EINVAL offset or len is no multiple of the page size; len is 0
 * Context: may block.
 * Source: folio_mkclean() in mm/rmap.c, msync(2).
 */
MMUN_API int mmun_object_clean(struct mmun_object *object, uint64_t offset, uint64_t len,
			       uint64_t *ret_dirty);

/* --- processors ---------------------------------------------------------- */

/*
 * Creates a processor, with an empty TLB, that runs in this address space.
 *
 * Errors: -ENOMEM
 * Context: may block.
 * Source: switch_mm_irqs_off() in arch/x86/mm/tlb.c, for a processor that stays.
 */
MMUN_API int mmun_cpu_create(struct mmun_mm *mm, struct mmun_cpu **ret_cpu);

/*
 * Destroys a processor. NULL is fine.
 *
 * Context: may block. No access by this processor may be under way or follow.
 */
MMUN_API void mmun_cpu_destroy(struct mmun_cpu *cpu);

/*
 * Load or store the 8-byte word at addr, atomically, through the processor's TLB. The
 * plain names are relaxed, as READ_ONCE() and WRITE_ONCE() are. load_acquire and
 * store_release order as C11's do. Several threads may use one processor.
 *
 * Errors: -EINVAL addr is no multiple of 8
 *         -EFAULT a program would get SIGSEGV or SIGBUS
 *         -ENOMEM no frame for a page fault
 * Context: may block if the access takes a page fault; takes no lock otherwise.
 * Source: a processor's load and store, and its page faults: exc_page_fault() in
 *         arch/x86/mm/fault.c.
 */
MMUN_API int mmun_cpu_load(struct mmun_cpu *cpu, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_cpu_load_acquire(struct mmun_cpu *cpu, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_cpu_store(struct mmun_cpu *cpu, uint64_t addr, uint64_t value);
MMUN_API int mmun_cpu_store_release(struct mmun_cpu *cpu, uint64_t addr, uint64_t value);

/* --- devices that share the page tables ---------------------------------- */

struct mmun_ats_opts {
	unsigned tlb_shift; /* the device TLB has 1 << tlb_shift entries, 6 .. 24; 0 means 10 */

	/*
	 * Called when a translation is missing, or does not allow the access. No lock
	 * is held, and it may block. It returns 0 to have the device look again, or an
	 * error, which ends the access. NULL: mmun_mm_fault() is called.
	 */
	int (*page_request)(void *ctx, struct mmun_mm *mm, uint64_t addr, bool write);
	void *ctx;

	/*
	 * The TLB caches permissions: it keeps a translation with the permissions that
	 * it had until it is flushed, as an SMMU's TLB does. A store that these do not
	 * allow is a page request, without a new walk. In a modern address space an
	 * operation that adds a permission then flushes the device's TLB. In a classic
	 * one none does, as in Linux before 6.6 (6bbd42e2df8f): the store waits until
	 * something else empties the TLB, perhaps forever.
	 */
	bool caches_permissions;
};

/*
 * Binds a device to an address space, as PCIe's ATS and a PASID do. The device walks
 * the mm's page tables, and caches translations in its own TLB, which only MMU
 * notifications flush. opts may be NULL, for the defaults. The device keeps the
 * structure of the mm alive, not its contents.
 *
 * Errors: -EINVAL tlb_shift is out of range; as mmu_notifier_register()
 *         -ENOMEM
 * Context: may block.
 * Source: iommu_sva_bind_device() in drivers/iommu/iommu-sva.c.
 */
MMUN_API int mmun_ats_create(struct mmun_mm *mm, const struct mmun_ats_opts *opts,
			     struct mmun_ats **ret_ats);

/*
 * Unbinds and destroys a device, also after mmun_mm_destroy(). NULL is fine.
 *
 * Context: may block. No access by this device may be under way or follow.
 * Source: iommu_sva_unbind_device() in drivers/iommu/iommu-sva.c.
 */
MMUN_API void mmun_ats_destroy(struct mmun_ats *ats);

/*
 * Load or store the 8-byte word at addr, atomically, through the device's TLB. The
 * orders are those of mmun_cpu_load() and its siblings. Several threads may use one
 * device.
 *
 * Errors: -EINVAL addr is no multiple of 8
 *         -EFAULT the mm has ended, or the page request says so
 *         other errors are those of the page request
 * Context: may block if the access makes a page request; takes no lock otherwise.
 * Source: an ATS translation request and a page request of PCIe; iommu_sva_handle_mm()
 *         in drivers/iommu/iommu-sva.c.
 */
MMUN_API int mmun_ats_load(struct mmun_ats *ats, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_ats_load_acquire(struct mmun_ats *ats, uint64_t addr, uint64_t *ret_value);
MMUN_API int mmun_ats_store(struct mmun_ats *ats, uint64_t addr, uint64_t value);
MMUN_API int mmun_ats_store_release(struct mmun_ats *ats, uint64_t addr, uint64_t value);

/* --- MMU notifiers: the names and rules of include/linux/mmu_notifier.h --- */

/* Why a range is invalidated, with the operations that send the event. */
enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP,           /* munmap, the old address of mremap, exit */
	MMU_NOTIFY_CLEAR,           /* madvise, COW, KSM, huge pages, reclaim, migration */
	MMU_NOTIFY_PROTECTION_VMA,  /* mprotect, NUMA hints, userfaultfd write protection */
	MMU_NOTIFY_PROTECTION_PAGE, /* fork, cleaning of shared pages */
	MMU_NOTIFY_SOFT_DIRTY,      /* clear_refs */
	MMU_NOTIFY_RELEASE,         /* exit; to interval notifiers only */
	MMU_NOTIFY_MIGRATE,         /* to a device; the owner may ignore it */
	MMU_NOTIFY_EXCLUSIVE,       /* for a device; the owner must ignore it */
};

enum { MMU_NOTIFIER_RANGE_BLOCKABLE = 1 };

struct mmu_notifier;
struct notify_domain; /* the library's: whose changes a subscriber is told of */

struct mmu_notifier_range {
	struct mmun_mm *mm;
	uint64_t start, end;  /* bytes, [start, end), whole pages */
	unsigned flags;       /* MMU_NOTIFIER_RANGE_BLOCKABLE or 0 */
	enum mmu_notifier_event event;
	void *owner;          /* of the operation; NULL: the mm itself */
};

/*
 * Tells whether the callback that was given this range may block.
 *
 * Context: any.
 * Source: mmu_notifier_range_blockable() in include/linux/mmu_notifier.h.
 */
static inline bool mmu_notifier_range_blockable(const struct mmu_notifier_range *range)
{
	return range->flags & MMU_NOTIFIER_RANGE_BLOCKABLE;
}

/*
 * The callbacks of a notifier; each may be NULL. They run in the thread that changes
 * the mm. If several threads change it, one notifier has several callbacks under way.
 *
 * Unless a comment says otherwise, callbacks run under locks of the mm. A callback
 *	- must not call functions of this library, except those of context "any";
 *	- must not wait for a thread that does;
 *	- must not register, unregister, get or put a notifier;
 *	- must not take a lock that is held around such a call.
 *
 * A callback that breaks these rules may wait for itself, or sleep where it must not.
 * The explorer reports a call of such a function as a finding if an execution comes to
 * it, and names the callback. It also reports what the library notices by itself, such
 * as a number of users below zero, or a notifier that is registered, removed or used
 * against the rules below. In a library that was built with debug_checks some of these
 * end the program. Everything else is undefined.
 *
 * "Atomic" means that page table locks may be held: the callback must not block, and
 * must not take a lock that may be held around an access to the mm.
 */
struct mmu_notifier_ops {
	/*
	 * The address space ends, or this notifier is unregistered: tear down what was
	 * made from the page tables, and make no more. Called by exit, before any page is
	 * freed, for each notifier that is registered then; and by unregister, if exit has
	 * not taken the notifier off yet. If the two meet it is called twice, perhaps at
	 * the same time, and perhaps the second time after the pages are gone.
	 *
	 * Context: no lock of the mm is held, and it may block. Other callbacks and page
	 * requests may run at the same time, and it may wait for them. It may call
	 * mmu_notifier_put(). It must not register, unregister or get a notifier, and not
	 * wait for somebody who unregisters one or calls mmu_notifier_synchronize().
	 */
	void (*release)(struct mmu_notifier *mn, struct mmun_mm *mm);

	/*
	 * Called before the first change in the range. Until range_end, nothing in the
	 * range may be entered into a software page table. The pages are still mapped.
	 * Ranges may overlap and nest.
	 *
	 * Context: if the range is blockable it may block, and returns 0. Otherwise it
	 * must not block, and may return -EAGAIN: then the operation is given up, and
	 * range_end is called for all notifiers that have one. A notifier whose start
	 * can fail has no invalidate_range_end, because it could not tell whether its
	 * start was made.
	 */
	int (*invalidate_range_start)(struct mmu_notifier *mn,
				      const struct mmu_notifier_range *range);

	/*
	 * Called after the last change in the range. Pages that were unmapped may not be
	 * freed yet.
	 *
	 * Context: no page table lock is held. It may block if start may.
	 */
	void (*invalidate_range_end)(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range);

	/*
	 * Flush the secondary TLB of [start, end), and return when no access uses what it
	 * held. The range may lie outside of any start/end pair. Called in modern address
	 * spaces.
	 *
	 * Context: atomic.
	 */
	void (*arch_invalidate_secondary_tlbs)(struct mmu_notifier *mn, struct mmun_mm *mm,
					       uint64_t start, uint64_t end);

	/*
	 * The same under its classic name. Called in classic address spaces, also by
	 * range_end before invalidate_range_end, unless the operation has called it.
	 *
	 * Context: atomic.
	 */
	void (*invalidate_range)(struct mmu_notifier *mn, struct mmun_mm *mm,
				 uint64_t start, uint64_t end);

	/*
	 * Was anything in [start, end), or at addr, referenced through the secondary MMU
	 * since this was last forgotten? The first two also forget it. clear_flush_young
	 * flushes the secondary TLB as well. clear_young need not, so that accesses
	 * through cached translations are missed from then on. All notifiers are asked,
	 * and one that says yes is enough. Reclaim calls clear_flush_young: mmun_reclaim()
	 * always, MADV_PAGEOUT in classic address spaces, as in Linux before 6.9.
	 *
	 * Context: atomic.
	 */
	bool (*clear_flush_young)(struct mmu_notifier *mn, struct mmun_mm *mm,
				  uint64_t start, uint64_t end);
	bool (*clear_young)(struct mmu_notifier *mn, struct mmun_mm *mm,
			    uint64_t start, uint64_t end);
	bool (*test_young)(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr);

	/*
	 * The entry of addr is about to map another page: the secondary MMU may map this
	 * frame at once, instead of waiting for its next fault. Always called within a
	 * start/end pair, with the processors' entry clear and flushed. frame is only an
	 * identity: equal numbers are the same page. Must do nothing if more than one
	 * start is outstanding. Called in classic address spaces.
	 *
	 * Context: atomic.
	 */
	void (*change_pte)(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr,
			   uint64_t frame, bool writable);

	/*
	 * For mmu_notifier_get() and mmu_notifier_put(). alloc_notifier returns a new
	 * notifier, with any contents, or NULL. free_notifier takes it back: nothing calls
	 * it any more or will, and mn->mm still exists. Until then callbacks may run, also
	 * after mmu_notifier_put() has returned, so what they use is freed here.
	 *
	 * Context: alloc_notifier is called with mmap_lock held for writing, and may
	 * block. free_notifier is called by a thread of its own, with no lock held, and
	 * must not block.
	 */
	struct mmu_notifier *(*alloc_notifier)(struct mmun_mm *mm);
	void (*free_notifier)(struct mmu_notifier *mn);
};

struct mmu_notifier {
	const struct mmu_notifier_ops *ops; /* set by the user, constant */
	struct mmun_mm *mm;                 /* the rest belongs to the library; zero at first;
					       mm stays when it is unregistered */
	struct notify_domain *domain;
	const struct notify_tlb_ops *tlb;
	struct mmu_notifier *next;
	unsigned users;
	int state;
};

/*
 * Registers mn with the address space. The memory of mn belongs to the caller, and
 * must last until unregister has returned. No start/end pair is under way at the
 * moment of registration, so mn sees no end without its start.
 *
 * Errors: -EINVAL mn is registered already; the mm is ending; in a modern mm:
 *                 arch_invalidate_secondary_tlbs together with a start or an end, or
 *                 invalidate_range, or change_pte; in a classic mm:
 *                 arch_invalidate_secondary_tlbs
 * Context: may block; takes mmap_lock. The second one is called with mmap_lock held for
 *          writing.
 * Source: mmu_notifier_register() in mm/mmu_notifier.c.
 */
MMUN_API int mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm);
MMUN_API int __mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm);

/*
 * Unregisters mn. It calls release if exit has not taken mn off, and returns when no
 * callback runs or will run. It waits for callbacks that run, of all address spaces, but
 * not for operations: an operation whose start mn was told of may still be under way, and
 * mn is not told of its end. It must be called once for every notifier that was
 * registered, also after mmun_mm_destroy(), and not for one from mmu_notifier_get().
 *
 * Context: may block. mmap_lock may be held.
 * Source: mmu_notifier_unregister() in mm/mmu_notifier.c.
 */
MMUN_API void mmu_notifier_unregister(struct mmu_notifier *mn, struct mmun_mm *mm);

/*
 * Gives the notifier that has these ops in this mm, with one more reference: the one
 * that exists, or a new one from ops->alloc_notifier.
 *
 * Errors: -EINVAL as mmu_notifier_register(); alloc_notifier or free_notifier is missing
 *         -ENOMEM alloc_notifier has returned NULL
 * Context: may block; takes mmap_lock. The second one is called with mmap_lock held for
 *          writing.
 * Source: mmu_notifier_get_locked() in mm/mmu_notifier.c.
 */
MMUN_API int mmu_notifier_get(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
			      struct mmu_notifier **ret_mn);
MMUN_API int mmu_notifier_get_locked(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
				     struct mmu_notifier **ret_mn);

/*
 * Gives up a reference from mmu_notifier_get(). Only exit calls release for such a
 * notifier, so what was made from the page tables must be torn down before the last
 * put. The last put takes the notifier off and returns at once. Callbacks that run go on
 * meanwhile; when they are over, a thread of its own calls free_notifier and gives the
 * reference to the mm back. So the machine may be destroyed only after
 * mmu_notifier_synchronize().
 *
 * Context: any; does not block. It may be called from a callback.
 * Source: mmu_notifier_put() in mm/mmu_notifier.c.
 */
MMUN_API void mmu_notifier_put(struct mmu_notifier *mn);

/*
 * Waits until free_notifier has been called for each last put that came before, those
 * in release callbacks included, in all address spaces of the machine (in Linux: of
 * the system). Then the code of the callbacks may be unloaded.
 *
 * Context: may block.
 * Source: mmu_notifier_synchronize() in mm/mmu_notifier.c.
 */
MMUN_API void mmu_notifier_synchronize(struct mmun_machine *machine);

/*
 * Interval notifiers are told only of start/end pairs that touch their range. They
 * have a sequence number, by which a driver that builds a software page table from
 * the mm's pages learns whether it may keep what it has looked up. The lock below is
 * the driver's own; invalidate takes it too:
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

/*
 * What an invalidation in two passes has left to do. It is a member of an object of
 * the user's, one for each pass that is under way.
 */
struct mmu_interval_notifier_finish {
	struct mmu_interval_notifier *notifier;    /* both belong to the library */
	struct mmu_interval_notifier_finish *next;
};

/*
 * The callbacks of an interval notifier: either invalidate, or the other two. Their
 * context is that of invalidate_range_start.
 */
struct mmu_interval_notifier_ops {
	/*
	 * Takes the driver's lock, calls mmu_interval_set_seq(sub, cur_seq), and drops
	 * what the page table has of the range. It may ignore an event of its own owner.
	 * It returns false if it would have to block, which it may do only if the range
	 * is not blockable. Called for MMU_NOTIFY_RELEASE at exit as well.
	 */
	bool (*invalidate)(struct mmu_interval_notifier *sub,
			   const struct mmu_notifier_range *range, uint64_t cur_seq);

	/*
	 * The same in two passes, so that several devices can work at the same time.
	 * invalidate_start sets the number and begins. invalidate_finish waits for the
	 * end. *finish stays NULL if there is nothing to wait for, or if false is
	 * returned. The finishes are called after all starts, in any order.
	 */
	bool (*invalidate_start)(struct mmu_interval_notifier *sub,
				 const struct mmu_notifier_range *range, uint64_t cur_seq,
				 struct mmu_interval_notifier_finish **finish);
	void (*invalidate_finish)(struct mmu_interval_notifier_finish *finish);
};

struct mmu_interval_notifier { /* belongs to the library; insert sets everything */
	const struct mmu_interval_notifier_ops *ops;
	struct mmun_mm *mm;
	struct notify_domain *domain;
	uint64_t start, last;                   /* bytes, [start, last] */
	uint64_t invalidate_seq;
	struct mmu_interval_notifier *deferred;
	int state;
};

/*
 * Inserts sub, which is told of [start, start + length) from now on. sub must not be
 * inserted, in this mm or in another one; its memory may hold anything. It does not wait
 * for pairs that are under way: until they are over, mmu_interval_read_begin() waits.
 * The memory of sub belongs to the caller, and must last until remove has returned.
 *
 * Errors: -EINVAL start is past the user's addresses; ops lacks a callback; the mm is
 *                 ending
 *         -EOVERFLOW length is 0 or too long
 *         -ENOMEM
 * Context: may block; takes mmap_lock if it is the first one of the mm. The second one is
 *          called with mmap_lock held for writing.
 * Source: mmu_interval_notifier_insert() in mm/mmu_notifier.c.
 */
MMUN_API int mmu_interval_notifier_insert(struct mmu_interval_notifier *sub, struct mmun_mm *mm,
					  uint64_t start, uint64_t length,
					  const struct mmu_interval_notifier_ops *ops);
MMUN_API int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *sub,
						 struct mmun_mm *mm, uint64_t start,
						 uint64_t length,
						 const struct mmu_interval_notifier_ops *ops);

/*
 * Removes sub. It waits for pairs that are under way, and returns when no callback
 * runs or will run. It must be called once for every notifier that was inserted, also
 * after mmun_mm_destroy(). From the call on, sub must not be used until it is inserted
 * again. sub->mm stays as it is.
 *
 * Context: may block.
 * Source: mmu_interval_notifier_remove() in mm/mmu_notifier.c.
 */
MMUN_API void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub);

/*
 * Waits for pairs that are under way in the interval, and returns the number to give
 * to mmu_interval_read_retry(). The number may be out of date already.
 *
 * Context: may block.
 * Source: mmu_interval_read_begin() in mm/mmu_notifier.c.
 */
MMUN_API uint64_t mmu_interval_read_begin(struct mmu_interval_notifier *sub);

/*
 * Tells whether there was an invalidation since seq was read. If there was, what was
 * looked up since then must not be used.
 *
 * Context: with the driver's lock held. Does not block.
 * Source: mmu_interval_read_retry() in include/linux/mmu_notifier.h.
 */
MMUN_API bool mmu_interval_read_retry(struct mmu_interval_notifier *sub, uint64_t seq);

/*
 * The same as a hint, without the driver's lock: true is certain, false is not.
 *
 * Context: no block.
 * Source: mmu_interval_check_retry() in include/linux/mmu_notifier.h.
 */
MMUN_API bool mmu_interval_check_retry(struct mmu_interval_notifier *sub, uint64_t seq);

/*
 * Notes that an invalidation has come, so that read_retry fails.
 *
 * Context: in invalidate or invalidate_start, with the driver's lock held, before
 *          anything is dropped. Does not block.
 * Source: mmu_interval_set_seq() in include/linux/mmu_notifier.h.
 */
MMUN_API void mmu_interval_set_seq(struct mmu_interval_notifier *sub, uint64_t cur_seq);

#ifdef __cplusplus
}
#endif

#endif
