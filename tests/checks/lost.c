/* SPDX-License-Identifier: MIT */
/* lost.c - the oracle "lost-write" where a page is not copied: it is compared with another one that
 * takes its place, or it is a file's, and clean although it was written. */
#include <mmun/kernel_mm.h>

#include "scene.h"

struct s { bool unused; };

/* Followed by the body of what thread t does, which is right. */
#define RIGHT(name, set_up, count) \
	static void name(unsigned t); \
	static void name##_thread(void *state, unsigned t, void *arg) \
	{ \
		(void)state, (void)arg; \
		name(t); \
	} \
	EXPLORE_CHECK(name, .threads = count, .setup = set_up, .thread = name##_thread, \
		      .finish = finish) \
	static void name(unsigned t)

static struct mm_world w;
static struct mmun_object *file;
static unsigned long x, y;
static struct page *page, *other;
static uint64_t disk;

static void finish(void *state, void *arg)
{
	(void)state, (void)arg;
	mmun_object_destroy(file);
	mm_world_fini(&w);
}

static pte_t *lock_entry(spinlock_t **ptl)
{
	pte_t *ptep = pte_offset_map_lock(w.mm, pmd_off(w.mm, x), x, ptl);

	EXPLORE_ASSERT(ptep);
	return ptep;
}

static struct page *page_at(unsigned long at)
{
	return pte_page(ptep_get(pte_offset_map(w.mm, pmd_off(w.mm, at), at)));
}

/* --- pages that are merged ---------------------------------------------------------------- */

static void setup_alike(void *state, void *arg)
{
	(void)state, (void)arg;
	mm_world_init(&w, MMUN_MODERN, 1, true);
	x = mm_world_page(&w, 0, 0, 7);
	y = mm_world_page(&w, 0, 1, 7);
	page = page_at(x);
	other = page_at(y);
	mm_world_cached(&w, 0, x, true);
	mm_world_device_cached(&w, x, true);
}

/* write_protect_page() of mm/ksm.c; without a flush, stores go on. */
static void write_protect(bool flush)
{
	spinlock_t *ptl;
	pte_t *ptep = lock_entry(&ptl), pte;

	pte = flush ? ptep_clear_flush(&(struct vm_area_struct){ .vm_mm = w.mm }, x, ptep) :
		ptep_get_and_clear(w.mm, x, ptep);
	set_pte_at(w.mm, x, ptep, pte_mkclean(pte_wrprotect(pte)));
	pte_unmap_unlock(ptep, ptl);
}

/* replace_page() */
static void replace(struct vm_area_struct *vma)
{
	spinlock_t *ptl;
	pte_t *ptep = lock_entry(&ptl);

	if (pte_present(ptep_get(ptep)) && pte_page(ptep_get(ptep)) == page &&
	    !pte_write(ptep_get(ptep))) {
		get_page(other);
		ptep_clear_flush(vma, x, ptep);
		folio_add_anon_rmap_pte(other, other, vma, x);
		set_pte_at(w.mm, x, ptep, mk_pte(other, PAGE_READONLY));
		folio_remove_rmap_pte(page, page, vma, x);
		put_page(page);
	}
	pte_unmap_unlock(ptep, ptl);
}

static void merge(bool broken)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;

	get_page(page);
	mmap_read_lock(w.mm);
	vma = vma_of(w.mm, x);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, w.mm, x, x + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	write_protect(!broken);
	if (READ_ONCE(page_address(page)[0]) == READ_ONCE(page_address(other)[0]))
		replace(&vma);
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(w.mm);
	put_page(page);
}

SCENE_OF(merge_beside_stores, setup_alike, 3, .expect = "lost-write")
{
	(void)s;
	if (t == 0)
		merge(broken);
	else if (t == 1)
		cpu_try_store(w.cpu[0], x, 8);
	else
		device_try_store(w.device, x, 9);
}

/* What is thrown away was not to be kept, whoever has read it before. */
RIGHT(throw_away, setup_alike, 2)
{
	if (t == 1) {
		cpu_try_store(w.cpu[0], x, 8);
		return;
	}
	(void)READ_ONCE(page_address(page)[0]);
	EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PAGE_SIZE, MMUN_MADV_DONTNEED));
	EXPLORE_ASSERT(!mmun_cpu_store(w.cpu[0], x, 3));
}

/* --- pages of a file ---------------------------------------------------------------------- */

static void setup_file(void *state, void *arg)
{
	(void)state, (void)arg;
	mm_world_init(&w, MMUN_MODERN, 1, true);
	x = mm_world_page(&w, 0, 1, 0) + PAGE_SIZE;
	EXPLORE_ASSERT(!mmun_object_create(w.machine, PAGE_SIZE, &file));
	EXPLORE_ASSERT(!mmun_mmap_object(w.mm, x, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
					 MMUN_MAP_SHARED | MMUN_MAP_FIXED_NOREPLACE, file, 0,
					 &(uint64_t){ 0 }));
	/* Mapped for writing at once: so only the entry is dirty, and the page is not. */
	EXPLORE_ASSERT(!mmun_cpu_store(w.cpu[0], x, 0));
	mm_world_cached(&w, 0, x, true);
	mm_world_device_cached(&w, x, true);
	page = page_at(x);
}

static void write_back(void)
{
	uint64_t dirty;

	EXPLORE_ASSERT(!mmun_object_clean(file, 0, PAGE_SIZE, &dirty));
	if (dirty)
		WRITE_ONCE(disk, READ_ONCE(page_address(page)[0]));
}

enum mistake { NONE, LEAVES_EARLY, FORGETS_DIRTY };

/* zap_pte_range(): a dirty page leaves the reverse map after the flush. */
static void zap(enum mistake mistake)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	struct mmu_gather tlb;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	mmap_read_lock(w.mm);
	vma = vma_of(w.mm, x);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, w.mm, x, x + PAGE_SIZE);
	tlb_gather_mmu(&tlb, w.mm);
	mmu_notifier_invalidate_range_start(&range);
	ptep = lock_entry(&ptl);
	pte = ptep_get_and_clear(w.mm, x, ptep);
	tlb_remove_tlb_entry(&tlb, ptep, x);
	if (pte_dirty(pte) && mistake != FORGETS_DIRTY)
		set_page_dirty(page);
	if (mistake == LEAVES_EARLY)
		folio_remove_rmap_pte(page, page, &vma, x);
	tlb_remove_page(&tlb, page);
	tlb_flush_mmu_tlbonly(&tlb);
	if (mistake != LEAVES_EARLY)
		folio_remove_rmap_pte(page, page, &vma, x);
	pte_unmap_unlock(ptep, ptl);
	mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);
	mmap_read_unlock(w.mm);
}

SCENE_OF(zap_beside_writeback, setup_file, 3, .expect = "lost-write")
{
	(void)s;
	if (t == 0)
		zap(broken ? LEAVES_EARLY : NONE);
	else if (t == 1)
		write_back();
	else
		cpu_try_store(w.cpu[0], x, 1);
}

SCENE_OF(zap_beside_device, setup_file, 3, .expect = "lost-write")
{
	(void)s;
	if (t == 0)
		zap(broken ? LEAVES_EARLY : NONE);
	else if (t == 1)
		write_back();
	else
		device_try_store(w.device, x, 1);
}

/* Nothing comes between: the entry's dirty bit is lost. */
SCENE_OF(dirty_is_kept, setup_file, 2, .expect = "lost-write")
{
	(void)s;
	if (t == 1) {
		cpu_try_store(w.cpu[0], x, 1);
		return;
	}
	zap(broken ? FORGETS_DIRTY : NONE);
	write_back();
}

/* wp_page_shared(), and fault_dirty_shared_page(), which marks the page dirty under its lock: what
 * the entry says may have been taken by then. False: the page is not mapped any more. */
static bool write_fault(bool forgets)
{
	struct vm_area_struct vma;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	mmap_read_lock(w.mm);
	vma = vma_of(w.mm, x);
	ptep = lock_entry(&ptl);
	pte = ptep_get(ptep);
	if (pte_present(pte) && !pte_write(pte))
		set_pte_at(w.mm, x, ptep, pte_mkwrite(pte_mkdirty(pte), &vma));
	pte_unmap_unlock(ptep, ptl);
	if (pte_present(pte) && !forgets) {
		lock_page(page);
		set_page_dirty(page);
		unlock_page(page);
	}
	mmap_read_unlock(w.mm);
	return pte_present(pte);
}

SCENE_OF(fault_beside_writeback, setup_file, 3, .expect = "lost-write")
{
	(void)s;
	if (t == 0)
		zap(NONE);
	else if (t == 1)
		write_back();
	else if (!device_try_store(w.device, x, 1) && write_fault(broken))
		device_try_store(w.device, x, 1);
}

/* So with the library's own fault. */
RIGHT(munmap_beside_writeback, setup_file, 3)
{
	if (t == 0)
		EXPLORE_ASSERT(!mmun_munmap(w.mm, x, PAGE_SIZE));
	else if (t == 1)
		write_back();
	else
		(void)mmun_ats_store(w.device, x, 1);
}

/* What is written out twice, stored to afterwards, or truncated is not lost. */
RIGHT(write_back_twice, setup_file, 3)
{
	if (t < 2)
		write_back();
	else
		cpu_try_store(w.cpu[0], x, 1);
}

RIGHT(truncate_beside_store, setup_file, 3)
{
	uint64_t dirty;

	if (t == 0)
		EXPLORE_ASSERT(!mmun_object_truncate(file, 0));
	else if (t == 1)
		EXPLORE_ASSERT(!mmun_object_clean(file, 0, PAGE_SIZE, &dirty));
	else
		cpu_try_store(w.cpu[0], x, 1);
}
