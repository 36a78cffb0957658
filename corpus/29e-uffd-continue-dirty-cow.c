/* SPDX-License-Identifier: MIT */
/*
 * 29e: Dirty COW once more: userfaultfd maps a page of a file read-only, but dirty
 *
 * Linux: CVE-2022-2590, 5535be3099717646781ce1540cf725965d680e7b
 * Class: G
 *
 * A debugger may write to a private read-only mapping (FOLL_FORCE): the fault makes a copy, which
 * stays read-only in the page table, and FOLL_COW notes that it did so. The next walk takes a
 * read-only entry for the copy if it is dirty, as no page of a file is that was only mapped for
 * reading; so Dirty COW (29a) had been repaired. Later UFFDIO_CONTINUE learned to map a page of a
 * shmem file, and to make the entry dirty whether it is writable or not (9ae0f87d009c). Another
 * thread discards the copy with MADV_DONTNEED and has the file's page mapped in its place: the
 * walk takes that for the copy, and the write goes into a file that the process may only read.
 * The bug was repaired by asking the page instead of the entry: to write, it must be anonymous,
 * and exclusively this process's. FOLL_COW is gone.
 *
 *	CPU 0, write to /proc/self/mem		CPU 1
 *	1 fault: copy, entry read-only
 *	  and dirty; FOLL_COW
 *						2 MADV_DONTNEED: free the copy
 *						3 UFFDIO_CONTINUE: the file's
 *						  page, read-only and dirty
 *	4 walk: dirty, so it is the copy
 *	5 write to the file's page
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

enum { FOLL_FORCE = 2, FOLL_COW = 4 };
enum { OF_FILE = 5, WRITTEN = 6 };

static struct mm_world w;
static unsigned long x;                 /* in a private mapping of the file, read-only */
static struct page *page_cache;         /* the file's page; the cache has a reference */

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 0, false);
	x = mm_world_page(&w, 0, 1, 0) + PAGE_SIZE;     /* beside a page that keeps the table */
	EXPLORE_ASSERT(!mmun_mmap(w.mm, x, PAGE_SIZE, MMUN_PROT_READ,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED_NOREPLACE,
				  &(uint64_t){ 0 }));
	page_cache = alloc_zeroed_page(GFP_KERNEL);
	WRITE_ONCE(page_address(page_cache)[0], OF_FILE);
}

static bool PageAnon(const struct page *page) { return page != page_cache; }
static bool PageAnonExclusive(const struct page *page) { (void)page; return true; } /* no fork */

/* do_cow_fault(), or do_wp_page() if the file's page is there: a copy, which maybe_mkwrite()
 * leaves read-only. */
static void handle_mm_fault(struct vm_area_struct *vma, unsigned long address)
{
	struct page *old_page = NULL, *new_page = alloc_page(GFP_KERNEL);
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	spinlock_t *ptl;
	pte_t *pte;

	copy_user_highpage(new_page, page_cache, address, vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, address, address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte = pte_offset_map_lock(mm, pmd_off(mm, address), address, &ptl);
	BUG_ON(!pte);
	if (pte_present(ptep_get(pte))) {
		old_page = pte_page(ptep_clear_flush(vma, address, pte));
		folio_remove_rmap_pte(old_page, old_page, vma, address);
	}
	folio_add_new_anon_rmap(new_page, vma, address);
	set_pte_at(mm, address, pte, pte_mkdirty(mk_pte(new_page, PAGE_READONLY)));     /* 1 */
	pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
	if (old_page)
		put_page(old_page);
}

static bool can_follow_write_pte(pte_t pte, const struct page *page, unsigned flags)
{
	if (pte_write(pte))
		return true;
	if (fixed)
		return (flags & FOLL_FORCE) && PageAnon(page) && PageAnonExclusive(page);
	return (flags & FOLL_FORCE) && (flags & FOLL_COW) && pte_dirty(pte); /* 4 */
}

/* With a reference; NULL: fault. */
static struct page *follow_page_pte(struct vm_area_struct *vma, unsigned long address,
				    unsigned flags)
{
	struct mm_struct *mm = vma->vm_mm;
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	ptep = pte_offset_map_lock(mm, pmd_off(mm, address), address, &ptl);
	BUG_ON(!ptep);
	pte = ptep_get(ptep);
	if (pte_present(pte) && can_follow_write_pte(pte, pte_page(pte), flags)) {
		page = pte_page(pte);
		get_page(page);
	}
	pte_unmap_unlock(ptep, ptl);
	return page;
}

static struct page *__get_user_pages(struct vm_area_struct *vma, unsigned long address,
				     unsigned flags)
{
	struct page *page;

	while (!(page = follow_page_pte(vma, address, flags))) {
		handle_mm_fault(vma, address);
		flags |= FOLL_COW; /* VM_FAULT_WRITE in an area without VM_WRITE */
	}
	return page;
}

static void mem_write(unsigned long address, uint64_t value)
{
	struct vm_area_struct vma;
	struct page *page;

	mmap_read_lock(w.mm);
	vma = vma_of(w.mm, address);
	page = __get_user_pages(&vma, address, FOLL_WRITE | FOLL_FORCE);
	mmap_read_unlock(w.mm);
	WRITE_ONCE(page_address(page)[0], value);       /* 5 */
	put_page(page);
}

/* UFFDIO_CONTINUE: what the cache has, where nothing is. */
static void mfill_atomic_install_pte(struct vm_area_struct *vma, unsigned long address)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *ptl;
	pte_t *pte;

	pte = pte_offset_map_lock(mm, pmd_off(mm, address), address, &ptl);
	BUG_ON(!pte);
	if (pte_none(ptep_get(pte))) {
		get_page(page_cache);
		folio_add_file_rmap_pte(page_cache, page_cache, vma, address);
		set_pte_at(mm, address, pte,
			   pte_mkdirty(mk_pte(page_cache, PAGE_READONLY)));     /* 3 */
	}
	pte_unmap_unlock(pte, ptl);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;

	switch (thread) {
	case 0:
		mem_write(x, WRITTEN);
		break;
	case 1:
		EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PAGE_SIZE, MMUN_MADV_DONTNEED)); /* 2 */
		mmap_read_lock(w.mm);
		vma = vma_of(w.mm, x);
		mfill_atomic_install_pte(&vma, x);
		mmap_read_unlock(w.mm);
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
}

static void finish(void)
{
	if (READ_ONCE(page_address(page_cache)[0]) != OF_FILE)
		explore_fail(ORACLE_CONDITION, "a file that may only be read was written");
	put_page(page_cache);
	mm_world_fini(&w);
}

static const char *const names[] = { "CPU 0", "CPU 1" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .watch = call_watch, .finish = call_finish)
