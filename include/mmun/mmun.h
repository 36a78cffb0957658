/* SPDX-License-Identifier: MIT */
/*
 * mmun.h - address spaces with real page frames and Linux-shaped page tables,
 * MMU notifiers, and devices that share those page tables over ATS.
 *
 * Build: cc prog.c $(pkg-config --cflags --libs mmun). Threads: -pthread.
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

/* "MAJOR.MINOR.PATCH". Does not block; callable from callbacks. */
MMUN_API const char *mmun_version(void);

/* Bytes in a page. Does not block; callable from callbacks. */
MMUN_API uint64_t mmun_page_size(void);

/* The first address past the user's. Does not block; callable from callbacks. */
MMUN_API uint64_t mmun_task_size(void);

/* --- physical memory ----------------------------------------------------- */

struct mmun_machine_opts {
	uint64_t frames; /* page frames, 2 .. 1 << 24; page tables live in them too */
};

/*
 * Makes the physical memory that address spaces share.
 * -EINVAL the number of frames; -ENOMEM.
 */
MMUN_API int mmun_machine_create(const struct mmun_machine_opts *opts,
				 struct mmun_machine **ret_machine);

/* NULL is fine. -EBUSY an address space still uses it, or a device or notifier that
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
	MMUN_MAP_PRIVATE = 0x02,
	MMUN_MAP_FIXED = 0x10,
	MMUN_MAP_ANONYMOUS = 0x20,
};

/* An empty address space. -EINVAL; -ENOMEM memory or frames. */
MMUN_API int mmun_mm_create(struct mmun_machine *machine, enum mmun_semantics semantics,
			    struct mmun_mm **ret_mm);

/*
 * What exit does (exit_mmap in mm/mmap.c): calls each notifier's release,
 * unmaps everything, frees the page tables. Devices and notifiers may still be
 * registered: their memory is theirs, and they are to be unregistered
 * afterwards as usual. NULL is fine. No other call on the mm may be under way
 * or follow, except unregister, and accesses by devices, which fail.
 * -EBUSY a processor is still attached: nothing is done.
 */
MMUN_API int mmun_mm_destroy(struct mmun_mm *mm);

/*
 * mmap(2), private anonymous memory only. addr is where it must be (FIXED; what
 * was there is unmapped) or a hint; len is rounded up to pages. Without FIXED
 * the room is sought at the hint and, failing that, from the third page table
 * upwards, so addresses near 0 are given out on request only.
 * -EINVAL len is 0, FIXED and addr not at a page's start, unknown bits in prot
 *         or flags, not PRIVATE and ANONYMOUS
 * -ENOMEM no room in the address space, or no memory
 */
MMUN_API int mmun_mmap(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot, int flags,
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
	MMU_NOTIFY_UNMAP,           /* munmap, exit */
	MMU_NOTIFY_CLEAR,           /* COW, KSM, replace_page */
	MMU_NOTIFY_PROTECTION_VMA,  /* mprotect */
	MMU_NOTIFY_PROTECTION_PAGE, /* fork */
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

/*
 * Callbacks; each may be NULL. None may call back into the same mm, register
 * or unregister, or take a lock that is held around calls into the mm.
 */
struct mmu_notifier_ops {
	/*
	 * The address space is going away, or this notifier is: stop using it.
	 * Called once, without the mm's locks; other callbacks and page requests
	 * may run at the same time. May block, but not on a call into the mm that
	 * registers or unregisters.
	 */
	void (*release)(struct mmu_notifier *mn, struct mmun_mm *mm);

	/*
	 * Before the first change in the range: until range_end nothing in it may
	 * be established in a software page table. Pages are still mapped. May
	 * block if the range is BLOCKABLE; else may return -EAGAIN, and range_end
	 * is then not called by whoever gave up. 0 else.
	 */
	int (*invalidate_range_start)(struct mmu_notifier *mn,
				      const struct mmu_notifier_range *range);

	/* After the last change, no page table lock held. May block as start may. */
	void (*invalidate_range_end)(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range);

	/*
	 * Empty the secondary TLB of [start, end), and return when nobody uses what
	 * it held. Called under page table locks: must not block, take no lock that
	 * may be held around an access to the mm. start and end may lie outside any
	 * start/end pair. Called in modern address spaces.
	 */
	void (*arch_invalidate_secondary_tlbs)(struct mmu_notifier *mn, struct mmun_mm *mm,
					       uint64_t start, uint64_t end);

	/* The same under its classic name; called in classic address spaces, and
	 * by range_end before invalidate_range_end unless the operation did it. */
	void (*invalidate_range)(struct mmu_notifier *mn, struct mmun_mm *mm,
				 uint64_t start, uint64_t end);
};

struct mmu_notifier {
	const struct mmu_notifier_ops *ops; /* set by the user, constant */
	struct mmun_mm *mm;                 /* the rest belongs to the library */
	struct mmu_notifier *next;
	int state;
};

/*
 * Registers mn, whose memory stays the caller's and must last until unregister
 * has returned. No start/end pair is under way at that moment. The caller
 * holds no lock that a callback takes.
 * -EINVAL mn is registered; the mm is going away; modern: both start or end and
 *         arch_invalidate_secondary_tlbs, or invalidate_range is set; classic:
 *         arch_invalidate_secondary_tlbs is set
 */
MMUN_API int mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm);

/*
 * Calls release if the mm has not done so, and returns when no callback runs
 * or will. Must be called, after mmun_mm_destroy() too. Waits for operations
 * that are under way on the mm.
 */
MMUN_API void mmu_notifier_unregister(struct mmu_notifier *mn, struct mmun_mm *mm);

#ifdef __cplusplus
}
#endif

#endif
