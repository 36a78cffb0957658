/* SPDX-License-Identifier: MIT */
/*
 * exclusive.c - a page for a device alone (make_device_exclusive in mm/rmap.c): the
 * entry loses all access until a processor, or another device, faults; the fault tells
 * the notifiers before it gives the access back (remove_device_exclusive_entry in
 * mm/memory.c). The entry is PROTNONE besides its type, so that everything else treats
 * it as a page that is there; whatever changes it tells the notifiers, too, and that
 * ends the exclusivity.
 *
 *      device's driver                     fault
 *      start, EXCLUSIVE, owner
 *        [its own callback does nothing,
 *         or it would wait for itself]
 *      ptl; clear, flush; marked
 *      end
 *      uses the page alone                 start, CLEAR: the driver stops, or waits
 *                                          ptl; marked? [yes: access again]
 *                                          end
 */
#include <errno.h>

#include "mmun/hmm.h"
#include "vm/ops/ops.h"

/* -EAGAIN: not (any more) a small page of its own, writable. */
static int mark(struct mmun_mm *mm, uint64_t page, void *owner, pfn_t *ret_pfn)
{
	struct flush f = flush_page(page);
	struct mmu_notifier_range range;
	struct ptep p;
	pte_t e = { 0 };

	range_init_owner(&range, mm, MMU_NOTIFY_EXCLUSIVE, f.start, f.end, owner);
	invalidate_range_start(&range);
	if (pte_map_lock(&mm->pt, page, &p)) {
		e = pte_get(p.entry);
		if (!p.level && pte_present(e) && pte_write(e) && pte_exclusive(e)) {
			e = ptep_clear_flush(mm, &p, page);
			pass_flush_point(mm, MM_OP_MIGRATE, FLUSH_POINT_CLEAR, f);
			e = make_device_exclusive_entry(e);
			set_pte(p.entry, page, e);
			pass_flush_point(mm, MM_OP_MIGRATE, FLUSH_POINT_SET, f);
		}
		pte_unlock(&p);
	}
	pass_flush_point(mm, MM_OP_MIGRATE, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, MM_OP_MIGRATE);
	pass_flush_point(mm, MM_OP_MIGRATE, FLUSH_POINT_AFTER, f);
	if (!softleaf_is_device_exclusive(e))
		return -EAGAIN;
	*ret_pfn = pte_pfn(e);
	return 0;
}

static int make_exclusive(struct mmun_mm *mm, uint64_t page, void *owner, pfn_t *ret_pfn)
{
	const struct vma *v = vma_find(mm, page);
	struct ptep p;
	int err;

	if (!v || !vma_anonymous(v) || v->prot != (MMUN_PROT_READ | MMUN_PROT_WRITE))
		return -EFAULT;
	do {
		err = fault_area(mm, v, page, true);
		if (err)
			return err;
		p = pgtable_walk(&mm->pt, page);
		if (p.entry && p.level)
			huge_split_entry(mm, page);
		err = mark(mm, page, owner, ret_pfn);
	} while (err == -EAGAIN);
	return err;
}

static int make_exclusive_at(struct mmun_mm *mm, uint64_t addr, void *owner, pfn_t *ret_pfn)
{
	int err;
	sync_operation("EXCLUSIVE");

	if (!mm || addr % PAGE_BYTES)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	err = make_exclusive(mm, addr, owner, ret_pfn);
	up_read(&mm->mmap_lock);
	return err;
}

int mmun_make_exclusive(struct mmun_mm *mm, uint64_t addr, void *owner)
{
	pfn_t pfn;

	sync_user_calls(SYNC_CALLED_LOCKED);
	return make_exclusive_at(mm, addr, owner, &pfn);
}

int mmun_hmm_make_exclusive(struct mmun_mm *mm, uint64_t addr, void *owner, uint64_t *ret_hmm_pfn)
{
	pfn_t pfn;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!ret_hmm_pfn)
		return -EINVAL;
	err = make_exclusive_at(mm, addr, owner, &pfn);
	if (!err)
		*ret_hmm_pfn = MMUN_HMM_PFN_VALID | MMUN_HMM_PFN_WRITE | pfn.v;
	return err;
}
