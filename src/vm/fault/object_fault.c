/* SPDX-License-Identifier: MIT */
/*
 * object_fault.c - faults in areas that map an object: do_read_fault(), do_shared_fault()
 * and do_cow_fault() in mm/memory.c. The page is locked while it is mapped, and looked at
 * again: mm/object.c draws why.
 */
#include <errno.h>

#include "vm/fault/fault.h"

/* The page, or the copy of it, into the empty entry, which takes its reference. False:
 * the entry is not empty any more. */
static bool map_page(struct mmun_mm *mm, uint64_t addr, pfn_t pfn, uint64_t bits)
{
	struct ptep p = pgtable_walk(&mm->pt, addr);
	bool none;

	ASSERT(p.entry && !p.level);
	(void)pte_lock(&p, addr);
	none = pte_none(pte_get(p.entry));
	if (none) {
		if (bits & PTE_EXCL)
			rmap_add_new(mm->machine, pfn, &p);
		else
			rmap_add(mm->machine, pfn, &p);
		set_pte(p.entry, addr, pte_make(pfn, bits));
	}
	pte_unlock(&p);
	return none;
}

/* do_read_fault() and do_shared_fault() in mm/memory.c. A page that is not written is
 * mapped read-only, so that the first write is noticed. */
static int fault_map(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write)
{
	struct mmun_object *o = v->object;
	uint64_t index = vma_index(v, page);
	bool mapped = false;
	pfn_t pfn;
	int err;

	err = object_page(o, index, &pfn);
	if (err)
		return err;
	mutex_lock(&frame_of(mm->machine, pfn)->page_lock);
	if (object_has(o, index, pfn))
		mapped = map_page(mm, page, pfn, write ? PTE_WRITABLE : PTE_READ_ONLY);
	mutex_unlock(&frame_of(mm->machine, pfn)->page_lock);
	if (!mapped)
		frame_put(mm->machine, pfn, 1);
	return 0;
}

/* do_cow_fault() in mm/memory.c: the entry never maps the object's page. */
static int fault_copy(struct mmun_mm *mm, const struct vma *v, uint64_t page)
{
	struct mmun_machine *m = mm->machine;
	struct mmun_object *o = v->object;
	uint64_t index = vma_index(v, page);
	bool mapped = false;
	pfn_t pfn, new;
	int err;

	if (!frame_alloc(m, FRAME_ANON, false, &new))
		return -ENOMEM;
	err = object_page(o, index, &pfn);
	if (err) {
		frame_free(m, new);
		return err;
	}
	mutex_lock(&frame_of(m, pfn)->page_lock);
	if (object_has(o, index, pfn)) {
		frame_copy(m, new, pfn);
		mapped = map_page(mm, page, new, PTE_WRITABLE | PTE_EXCL);
	}
	object_unlock_put(o, pfn);
	if (!mapped)
		frame_free(m, new);
	return 0;
}

int fault_object(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write)
{
	if (write && !vma_shared(v))
		return fault_copy(mm, v, page);
	return fault_map(mm, v, page, write);
}
