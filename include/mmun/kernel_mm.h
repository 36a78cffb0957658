/* SPDX-License-Identifier: MIT */
/*
 * kernel_mm.h - Linux's names for page-table code in checks: entries and their locks, TLB
 * flushes, MMU notifiers of both semantics, pages, the reverse map, the gather. They work
 * on the address spaces of mmun/mmun.h: what a check changes here is seen by that library's
 * own operations, by its processors and by its devices.
 *
 * An update of a page table that was copied from the kernel needs other includes and little
 * else; docs/porting.md has a worked example. The names have the arguments of Linux 6.12,
 * if it has them. There are three differences:
 *	- A struct vm_area_struct is a copy of an area's bounds, which vma_of() fetches. It is
 *	  no part of the mm.
 *	- Names that want a folio take a page as well, and the other way round.
 *	- PAGE_SIZE is small: see mmun_page_size().
 *
 * Rules. These are checked where a name is used, and a violation is a finding of the oracle
 * "protocol":
 *	- An entry is changed under its lock.
 *	- A present entry, or a table with one in it, is removed, moved to another page, or
 *	  stripped of its write permission only between mmu_notifier_invalidate_range_start()
 *	  and _end() of its address by the same thread.
 *	- Each start has its end.
 *	- What is changed as an entry is in a page table, and what is named as a page table
 *	  is one.
 *	- An entry is changed in the name of the address that it maps, also when its table was
 *	  moved.
 *	- An area is looked up with mmap_lock or its own lock held, unless nobody can change it
 *	  meanwhile. It is locked for writing with mmap_lock held.
 *	- The reverse map is changed with the page table lock held, and that of a file's page is
 *	  walked with the page lock held.
 * Freed pages and page tables must not be accessed ("lifetime"). Memory must be given back
 * ("leak", if the check has a finish function that destroys the machine).
 *
 * Context. Addresses and lengths are in bytes. All names may be used in the threads of a
 * check; those that wait for nothing also in set-up and at the end. Unless a comment says
 * otherwise a name does not block, and needs no lock besides those that the rules demand.
 * "May sleep" means that no spin lock may be held ("atomic-sleep").
 *
 * Each comment names the function of Linux, if the name is not Linux's own.
 *
 * Flushes and notifications can be left out one by one: "mmun when --superfluous FILE".
 */
#ifndef MMUN_KERNEL_MM_H
#define MMUN_KERNEL_MM_H

#include "mmun/kernel.h"
#include "mmun/linux/gup.h"
#include "mmun/linux/highmem.h"
#include "mmun/linux/hmm.h"
#include "mmun/linux/mm.h"
#include "mmun/linux/mm_types.h"
#include "mmun/linux/mmap_lock.h"
#include "mmun/linux/mmu_notifier.h"
#include "mmun/linux/page_vma_mapped.h"
#include "mmun/linux/pagemap.h"
#include "mmun/linux/pgalloc.h"
#include "mmun/linux/pgtable.h"
#include "mmun/linux/rmap.h"
#include "mmun/linux/sched_mm.h"
#include "mmun/linux/swapops.h"
#include "mmun/linux/tlb.h"
#include "mmun/linux/tlbflush.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- accesses ----------------------------------------------------------------------- */

/*
 * One access to a word of 8 bytes by a processor or a device, through its TLB or by a walk of
 * the page tables, and without a page fault. Returns false if neither allows it. (mmun_cpu_load()
 * and its siblings take the page fault, and try again.) They have no counterpart in Linux.
 */
static inline bool cpu_try_load(struct mmun_cpu *cpu, unsigned long addr, uint64_t *value)
{
	return kernel_access_cpu_(cpu, addr, false, value);
}

static inline bool device_try_load(struct mmun_ats *device, unsigned long addr, uint64_t *value)
{
	return kernel_access_device_(device, addr, false, value);
}

static inline bool cpu_try_store(struct mmun_cpu *cpu, unsigned long addr, uint64_t value)
{
	return kernel_access_cpu_(cpu, addr, true, &value);
}

static inline bool device_try_store(struct mmun_ats *device, unsigned long addr, uint64_t value)
{
	return kernel_access_device_(device, addr, true, &value);
}

#define KERNEL_CPU_(name, cpu, addr, V, value) \
	KERNEL_CALL_3_(name, struct mmun_cpu *, cpu, unsigned long, addr, V, value)
#define KERNEL_DEVICE_(name, device, addr, V, value) \
	KERNEL_CALL_3_(name, struct mmun_ats *, device, unsigned long, addr, V, value)
#define cpu_try_load(cpu, addr, value) KERNEL_CPU_(cpu_try_load, cpu, addr, uint64_t *, value)
#define cpu_try_store(cpu, addr, value) KERNEL_CPU_(cpu_try_store, cpu, addr, uint64_t, value)
#define device_try_load(device, addr, value) \
	KERNEL_DEVICE_(device_try_load, device, addr, uint64_t *, value)
#define device_try_store(device, addr, value) \
	KERNEL_DEVICE_(device_try_store, device, addr, uint64_t, value)

/* --- a world to begin with ---------------------------------------------------------- */

/*
 * Makes a machine, an address space with these semantics, so many processors (at most
 * MM_WORLD_CPUS), and a device if it is wanted.
 *
 * Context: in the set-up function of a check. Running out of memory is an assertion.
 */
static inline void mm_world_init(struct mm_world *w, enum mmun_semantics era, unsigned cpus,
				 bool device)
{
	const struct mmun_machine_opts opts = { 64, 4, 8 }; /* frames, huge ones, swap */
	struct vm_area_struct none;

	EXPLORE_ASSERT(cpus <= MM_WORLD_CPUS);
	EXPLORE_ASSERT(!mmun_machine_create(&opts, &w->machine));
	EXPLORE_ASSERT(!mmun_mm_create(w->machine, era, &w->mm));
	/* Pages are this machine's from here on. */
	EXPLORE_ASSERT(!kernel_vma_(w->mm, 0, &none, NULL));
	kernel_current_mm_(w->mm);
	for (w->cpus = 0; w->cpus < cpus; w->cpus++)
		EXPLORE_ASSERT(!mmun_cpu_create(w->mm, &w->cpu[w->cpus]));
	if (device)
		EXPLORE_ASSERT(!mmun_ats_create(w->mm, NULL, &w->device));
}

/*
 * Maps a page of anonymous memory that holds this value: in the n-th page table (table, 0 to
 * 7), at this entry (0 to 3). Returns its address. No TLB holds its translation.
 *
 * Context: in the set-up function of a check.
 */
static inline unsigned long mm_world_page(struct mm_world *w, unsigned table, unsigned entry,
					  uint64_t value)
{
	uint64_t at = (2 + table) * PMD_SIZE + entry * PAGE_SIZE, addr;
	struct mmun_cpu *cpu;

	EXPLORE_ASSERT(!mmun_mmap(w->mm, at, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED_NOREPLACE,
				  &addr));
	EXPLORE_ASSERT(!mmun_cpu_create(w->mm, &cpu) && !mmun_cpu_store(cpu, addr, value));
	mmun_cpu_destroy(cpu);
	return addr;
}

/*
 * Put the translation of addr into the TLB of the n-th processor, or into the device's: by a
 * load, or, if it is to be writable (write), by a store of the value that is there.
 *
 * Context: in the set-up function of a check.
 */
static inline void mm_world_cached(struct mm_world *w, unsigned cpu, unsigned long addr,
				   bool write)
{
	uint64_t value;

	EXPLORE_ASSERT(!mmun_cpu_load(w->cpu[cpu], addr, &value));
	EXPLORE_ASSERT(!write || !mmun_cpu_store(w->cpu[cpu], addr, value));
}

static inline void mm_world_device_cached(struct mm_world *w, unsigned long addr, bool write)
{
	uint64_t value;

	EXPLORE_ASSERT(!mmun_ats_load(w->device, addr, &value));
	EXPLORE_ASSERT(!write || !mmun_ats_store(w->device, addr, value));
}

/* Destroys everything that mm_world_init() made. Context: in the finish function of a check. */
static inline void mm_world_fini(struct mm_world *w)
{
	for (unsigned n = 0; n < w->cpus; n++)
		mmun_cpu_destroy(w->cpu[n]);
	kernel_mm_ends_(w->mm);
	kernel_pins_end_(w->machine);
	EXPLORE_ASSERT(!mmun_mm_destroy(w->mm));
	mmun_ats_destroy(w->device);
	EXPLORE_ASSERT(!mmun_machine_destroy(w->machine));
}

#ifdef __cplusplus
}
#endif

#endif
