/* SPDX-License-Identifier: MIT */
/*
 * fault.c - page faults: first touch, copy on write, reuse. See do_anonymous_page
 * and do_wp_page in mm/memory.c. Runs under mmap_lock for reading, so two faults
 * may meet at one entry: each looks again under the ptl, and who comes second
 * finds the work done. None to present needs no notification.
 */
#include <errno.h>

#include "vm/vm.h"

/* First write. If somebody else was faster, that is as good. */
static int anon_write_fault(struct mmun_mm *mm, const struct ptep *p, uint64_t page)
{
	bool none;
	pfn_t new;

	if (!frame_alloc(mm->machine, FRAME_ANON, true, &new))
		return -ENOMEM;
	pte_lock(p, page);
	none = pte_none(pte_get(p->entry));
	if (none)
		set_pte(p->entry, page, pte_make(new, PTE_WRITABLE));
	pte_unlock(p);
	if (!none)
		frame_free(mm->machine, new);
	return 0;
}

/* The page was mapped by us alone and is no KSM page: nobody can share it now. */
static bool can_reuse(const struct mmun_mm *mm, pfn_t pfn)
{
	const struct frame *f = frame_of(mm->machine, pfn);

	/* Pairs with add_acq_rel in frame_put(): others' accesses are over. */
	return !is_zero_page(mm->machine, pfn) && load_acquire(&f->refcount) == 1 &&
	       !(f->flags & FRAME_KSM);
}

/* The caller has a reference to the old page, which this uses up. */
static int wp_page_copy(struct mmun_mm *mm, const struct ptep *p, uint64_t page, pte_t old)
{
	struct mmun_machine *m = mm->machine;
	bool zero = is_zero_page(m, pte_pfn(old));
	pfn_t new;

	if (!frame_alloc(m, FRAME_ANON, zero, &new)) {
		frame_put(m, pte_pfn(old), 1);
		return -ENOMEM;
	}
	if (!zero)
		frame_copy(m, new, pte_pfn(old));
	if (update_pte(mm, MM_OP_COW, p, page, old, pte_make(new, PTE_WRITABLE))) {
		frame_put(m, pte_pfn(old), 2); /* the entry's and the caller's */
	} else {
		frame_free(m, new);
		frame_put(m, pte_pfn(old), 1);
	}
	secondary_point(mm, MM_OP_COW, NOTIFY_FREED, page, page + PAGE_BYTES);
	return 0;
}

static int pte_fault(struct mmun_mm *mm, const struct ptep *p, uint64_t page, bool write)
{
	pte_t old;

	pte_lock(p, page);
	old = pte_get(p->entry);
	if (pte_none(old) && write) {
		pte_unlock(p);
		return anon_write_fault(mm, p, page);
	}
	if (pte_none(old)) {
		set_pte(p->entry, page, pte_make(mm->machine->zero, PTE_READ_ONLY));
	} else if (write && !pte_write(old)) {
		if (!can_reuse(mm, pte_pfn(old))) {
			frame_get(mm->machine, pte_pfn(old));
			pte_unlock(p);
			return wp_page_copy(mm, p, page, old);
		}
		set_pte(p->entry, page, pte_mkwrite(old));
	}
	pte_unlock(p);
	return 0;
}

int fault_locked(struct mmun_mm *mm, uint64_t addr, bool write)
{
	const struct vma *v = vma_find(mm, addr);
	struct ptep p;

	sync_assert_held(&mm->mmap_lock);
	if (!v || v->prot == MMUN_PROT_NONE || (write && !(v->prot & MMUN_PROT_WRITE)))
		return -EFAULT;
	if (!pgtable_walk_alloc(mm, addr, &p))
		return -ENOMEM;
	return pte_fault(mm, &p, page_down(addr), write);
}

int mmun_mm_fault(struct mmun_mm *mm, uint64_t addr, bool write)
{
	int err;

	if (!mm)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	err = fault_locked(mm, addr, write);
	up_read(&mm->mmap_lock);
	return err;
}
