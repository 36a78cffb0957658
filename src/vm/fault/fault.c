/* SPDX-License-Identifier: MIT */
/*
 * fault.c - page faults: first touch, copy on write, reuse, hints; see handle_pte_fault
 * and do_wp_page in mm/memory.c. Pages that are elsewhere are fetched by swap_fault.c and
 * object_fault.c, and huge ones are mapped by huge_fault.c. A fault runs under the area's lock
 * for reading, or mmap_lock, so two faults may meet at one entry: each looks again under the
 * ptl, and the second finds the work done. None to present needs no notification.
 */
#include <errno.h>

#include "vm/fault/fault.h"

/* First write. If somebody else was faster, that is as good. */
static int anon_write_fault(struct mmun_mm *mm, const struct ptep *p, uint64_t page)
{
	bool none;
	pfn_t new;

	if (!frame_alloc(mm->machine, FRAME_ANON, true, &new))
		return -ENOMEM;
	(void)pte_lock(p, page);
	none = pte_none(pte_get(p->entry));
	if (none) {
		rmap_add_new(mm->machine, new, p);
		set_pte(p->entry, page, pte_make(new, PTE_WRITABLE | PTE_EXCL));
	}
	pte_unlock(p);
	if (!none)
		frame_free(mm->machine, new);
	return 0;
}

/* --- writing to what is mapped read-only --------------------------------- */

/* The page was mapped by us alone and is no KSM page: nobody can share it now. */
static bool can_reuse(const struct mmun_mm *mm, pte_t e)
{
	const struct frame *f;

	if (mm_mutated(mm, MM_OP_COW, MUTATION_REUSE)) /* 6c287605fd56 */
		return false;
	if (pte_exclusive(e))
		return true;
	if (is_zero_page(mm->machine, pte_pfn(e)))
		return false;
	f = frame_of(mm->machine, frame_head(mm->machine, pte_pfn(e)));
	/* Pairs with add_acq_rel in frame_put(): others' accesses are over. */
	return !(f->flags & (FRAME_OBJECT | FRAME_HUGE)) && load_acquire(&f->refcount) == 1 &&
	       !f->ksm;
}

/* The caller has a reference to the old page, which this uses up. bits: of the new entry. */
static int wp_page_copy(struct mmun_mm *mm, const struct ptep *p, uint64_t page, pte_t old,
			uint64_t bits)
{
	struct mmun_machine *m = mm->machine;
	bool zero = is_zero_page(m, pte_pfn(old));
	pfn_t new;
	sync_operation("COW");

	if (!frame_alloc(m, FRAME_ANON, zero, &new)) {
		frame_put(m, pte_pfn(old), 1);
		return -ENOMEM;
	}
	if (!zero)
		frame_copy(m, new, pte_pfn(old));
	if (update_pte(mm, MM_OP_COW, p, page, old, pte_make(new, bits), true)) {
		frame_put(m, pte_pfn(old), 2); /* the entry's and the caller's */
	} else {
		frame_free(m, new);
		frame_put(m, pte_pfn(old), 1);
	}
	pass_flush_point(mm, MM_OP_COW, FLUSH_POINT_FREED, flush_page(page));
	return 0;
}

/*
 * The entry gets a page of its own, with these bits. Under the ptl, which it drops. Before
 * the page is copied nobody may store to it any more. What was writable is exclusive and
 * needs no copy; it ceases to be at fork, which nobody meets here, and at KSM's hands, which
 * may put the flush of secondary TLBs off. Linux waits for the page lock; here what KSM
 * puts off is done at once:
 *
 *      KSM                     fault of another           device
 *      pending + 1                                        [TLB: a writable]
 *      a: read-only, shared
 *                              ptl; pending? [flush]
 *                              copies the page
 *                                                         store: misses, faults
 *      range_end; pending - 1
 *
 * Without that the store would go to the old page and be lost. tests/explore_gup.c.
 */
static int break_sharing(struct mmun_mm *mm, const struct ptep *p, uint64_t page, pte_t old,
			 uint64_t bits)
{
	frame_get(mm->machine, pte_pfn(old), 1);
	if (mm_tlb_flush_pending(mm) &&
	    !mm_mutated(mm, MM_OP_COW, MUTATION_PENDING)) /* 6ce64428d620 */
		pass_flush_point(mm, MM_OP_KSM_MERGE,
				 FLUSH_POINT_UNLOCK | FLUSH_POINT_END | FLUSH_POINT_AFTER,
				 flush_page(page));
	pte_unlock(p);
	return wp_page_copy(mm, p, page, old, bits);
}

/*
 * wp_page_shared() without page_mkwrite, and fault_dirty_shared_page(): under the ptl, which it
 * drops. The page is marked dirty under its lock, after the entry has become writable. Else it
 * could be called clean while it is written:
 *
 *      msync                   this fault              munmap          device
 *      page lock
 *      ptl; a: read-only
 *                              ptl; a: writable
 *                                                                      [TLB: a writable]
 *                                                      ptl; clears a; page dirty
 *      takes the dirty bit
 *                                                                      store
 *                                                      flush
 *      page unlock
 *                              page lock; [page dirty]
 *
 * Without that the store would never be written out: fault_beside_writeback in
 * tests/checks/lost.c.
 */
static int wp_page_shared(struct mmun_mm *mm, const struct ptep *p, uint64_t page, pte_t old)
{
	struct frame *f = frame_of(mm->machine, pte_pfn(old));

	frame_get(mm->machine, pte_pfn(old), 1);
	set_pte(p->entry, page, pte_set_bits(pte_mkwrite(old), PTE_A));
	fault_tell_upgrade(mm, flush_page(page));
	pte_unlock(p);
	mutex_lock(&f->page_lock);
	if (f->object)
		store_relaxed(&f->dirty, 1);
	mutex_unlock(&f->page_lock);
	frame_put(mm->machine, pte_pfn(old), 1);
	return 0;
}

/* Under the ptl, which it drops. */
static int wp_fault(struct mmun_mm *mm, const struct vma *v, const struct ptep *p,
		    uint64_t page, pte_t old)
{
	if (vma_shared(v))
		return wp_page_shared(mm, p, page, old);
	if (can_reuse(mm, old)) {
		set_pte(p->entry, page, pte_set_bits(pte_mkwrite(old), PTE_A | PTE_EXCL));
		fault_tell_upgrade(mm, flush_page(page));
		pte_unlock(p);
		return 0;
	}
	return break_sharing(mm, p, page, old, PTE_WRITABLE | PTE_EXCL);
}

/* --- all of them --------------------------------------------------------- */

/* A device's entry gets its access back, and the device's driver is told: ops/exclusive.c.
 * Called without the ptl: somebody else may have been faster. */
static void exclusive_restore(struct mmun_mm *mm, const struct ptep *p, uint64_t page)
{
	struct mmu_notifier_range range;
	pte_t e;

	range_init(&range, mm, MMU_NOTIFY_CLEAR, page, page + PAGE_BYTES);
	invalidate_range_start(&range);
	(void)pte_lock(p, page);
	e = pte_get(p->entry);
	if (softleaf_is_device_exclusive(e))
		set_pte(p->entry, page, pte_allow(e));
	pte_unlock(p);
	invalidate_range_end(&range, MM_OP_MIGRATE);
}

/* Nothing there; under the ptl, which it drops. */
static int none_fault(struct mmun_mm *mm, const struct vma *v, const struct ptep *p,
		      uint64_t page, bool write)
{
	bool zero = vma_anonymous(v) && !write;

	if (zero)
		set_pte(p->entry, page, pte_make(mm->machine->zero, PTE_READ_ONLY));
	pte_unlock(p);
	if (zero)
		return 0;
	if (!vma_anonymous(v))
		return fault_object(mm, v, page, write);
	return anon_write_fault(mm, p, page);
}

static int pte_fault(struct mmun_mm *mm, const struct vma *v, const struct ptep *p,
		     uint64_t page, bool write)
{
	pte_t old;

	(void)pte_lock(p, page);
	old = pte_get(p->entry);
	if (pte_none(old))
		return none_fault(mm, v, p, page, write);
	if (pte_present(old) && write && !pte_write(old))
		return wp_fault(mm, v, p, page, old);
	if (!pte_present(old) && pte_mapped(old) && !softleaf_is_device_exclusive(old))
		set_pte(p->entry, page, pte_allow(old)); /* after a NUMA hint, or mprotect() */
	if (pte_present(old) && write)
		fault_tell_upgrade(mm, flush_page(page));
	pte_unlock(p);
	if (softleaf_is_device_exclusive(old))
		exclusive_restore(mm, p, page);
	if (softleaf_is_migration(old))
		migration_entry_wait(mm, old);
	return softleaf_is_swap(old) ? fault_swap(mm, v, page, write, old) : 0;
}

static bool allowed(const struct vma *v, bool write)
{
	return v->prot != MMUN_PROT_NONE && (!write || (v->prot & MMUN_PROT_WRITE));
}

int fault_area(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write)
{
	struct ptep p;
	int err;

	if (!v || !allowed(v, write))
		return -EFAULT;
	if (v->flags & VMA_HUGEPAGE) {
		err = huge_fault(mm, v, addr, write);
		if (err != -EAGAIN)
			return err;
	}
	if (!pgtable_walk_alloc(&mm->pt, addr, &p))
		return -ENOMEM;
	if (p.level)
		return huge_wp_fault(mm, v, addr, write);
	return pte_fault(mm, v, &p, page_down(addr), write);
}

/* gup_must_unshare() in mm/internal.h: a private page that others may share. */
bool must_unshare(const struct mmun_mm *mm, const struct vma *v, pte_t e)
{
	if (!pte_mapped(e) || pte_exclusive(e) || vma_shared(v) ||
	    is_zero_page(mm->machine, pte_pfn(e)))
		return false;
	/* Pages that are to become KSM pages are not in such areas: flags are constant. */
	return vma_anonymous(v) || !(frame_of(mm->machine, pte_pfn(e))->flags & FRAME_OBJECT);
}

/* Under the ptl, which it drops. */
static int unshare_entry(struct mmun_mm *mm, const struct ptep *p, uint64_t page, pte_t old)
{
	uint64_t keep = PTE_P | PTE_PROTNONE | PTE_UFFD_WP | PTE_SOFT_DIRTY;

	/* Dirty: nobody must take it for a page that was never written. */
	if (!can_reuse(mm, old))
		return break_sharing(mm, p, page, old,
				     (old.v & keep) | PTE_A | PTE_D | PTE_EXCL);
	set_pte(p->entry, page, pte_set_bits(old, PTE_A | PTE_EXCL));
	pte_unlock(p);
	return 0;
}

int fault_unshare(struct mmun_mm *mm, const struct vma *v, uint64_t addr)
{
	struct ptep p;
	bool shared;
	pte_t old;

	if (pte_map_lock(&mm->pt, addr, &p)) {
		old = pte_get(p.entry);
		shared = must_unshare(mm, v, old);
		if (shared && !p.level)
			return unshare_entry(mm, &p, page_down(addr), old);
		pte_unlock(&p);
		if (shared) {
			huge_split_entry(mm, addr);
			return 0;
		}
	}
	return fault_area(mm, v, addr, false);
}

int fault_locked(struct mmun_mm *mm, uint64_t addr, bool write)
{
	sync_assert_held(&mm->mmap_lock);
	return fault_area(mm, vma_find(mm, addr), addr, write);
}

int mmun_mm_fault(struct mmun_mm *mm, uint64_t addr, bool write)
{
	struct vma *v;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	v = vma_lock_read(mm, addr);
	if (v) {
		err = fault_area(mm, v, addr, write);
		vma_unlock_read(v);
		return err;
	}
	down_read(&mm->mmap_lock);
	err = fault_locked(mm, addr, write);
	up_read(&mm->mmap_lock);
	return err;
}
