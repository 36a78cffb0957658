/* SPDX-License-Identifier: MIT */
/*
 * hmm.c - pages are looked up for a device that has a page table of its own: hmm_range_fault()
 * in mm/hmm.c. No entry is locked and no page gets a reference. What is found holds only until
 * the next invalidation, and the interval notifier of the range says whether there was one:
 *
 *      driver                              update
 *      number = read_begin()
 *      range_fault: frame 3
 *                                          start: driver's lock, new number, unlock
 *                                          clear, flush, set: frame 7
 *                                          end; frees frame 3
 *      driver's lock
 *      read_retry(number)? [yes: again]
 *
 * tests/explore_hmm.c; the litmus tests mirror+* run the same with one page.
 */
#include <errno.h>

#include "mmun/hmm.h"
#include "vm/ops/ops.h"

/* The entry of addr, as for a small page, and how much it maps. */
struct found {
	pte_t e;
	unsigned order;
};

/* Tables are kept by the read section, as pte_offset_map() keeps them. */
static struct found look(const struct mmun_mm *mm, uint64_t addr)
{
	struct found f = { .order = 0 };
	struct ptep p;

	rcu_read_lock();
	do {
		p = pgtable_walk(&mm->pt, addr);
		f.e = p.entry ? pte_get(p.entry) : (pte_t){ 0 };
	} while (p.level && pte_table(f.e)); /* it was split meanwhile */
	rcu_read_unlock();
	if (p.level && pte_present(f.e)) {
		f.order = SYNC_TABLE_SHIFT;
		f.e = pte_of_huge(f.e, entry_index(addr, 0));
	}
	return f;
}

static uint64_t flags_of(pte_t e)
{
	if (!pte_present(e))
		return 0;
	return pte_write(e) ? MMUN_HMM_PFN_VALID | MMUN_HMM_PFN_WRITE : MMUN_HMM_PFN_VALID;
}

/* What is asked for and not there: 0, REQ_FAULT, or that and REQ_WRITE. */
static uint64_t missing(const struct mmun_hmm_range *r, uint64_t asked, uint64_t flags)
{
	asked = (asked & r->pfn_flags_mask) | r->default_flags;
	if (!(asked & MMUN_HMM_PFN_REQ_FAULT))
		return 0;
	if ((asked & MMUN_HMM_PFN_REQ_WRITE) && !(flags & MMUN_HMM_PFN_WRITE))
		return MMUN_HMM_PFN_REQ_FAULT | MMUN_HMM_PFN_REQ_WRITE;
	return flags & MMUN_HMM_PFN_VALID ? 0 : MMUN_HMM_PFN_REQ_FAULT;
}

/* -EAGAIN: look again, if nothing was invalidated. */
static int make(struct mmun_mm *mm, const struct vma *v, uint64_t addr, pte_t e, uint64_t needed)
{
	bool write = needed & MMUN_HMM_PFN_REQ_WRITE;

	if (write && !(v->prot & MMUN_PROT_WRITE))
		return -EPERM;
	if (softleaf_is_migration(e))
		migration_entry_wait(mm, e);
	else if (fault_area(mm, v, addr, write))
		return -EFAULT;
	return -EAGAIN;
}

static int look_up(struct mmun_mm *mm, const struct mmun_hmm_range *r, uint64_t addr,
		   uint64_t *hmm_pfn)
{
	const struct vma *v = vma_find(mm, addr);
	uint64_t flags, needed;
	struct found f;

	if (!v || v->prot == MMUN_PROT_NONE) {
		if (missing(r, *hmm_pfn, 0))
			return -EFAULT;
		*hmm_pfn = MMUN_HMM_PFN_ERROR;
		return 0;
	}
	f = look(mm, addr);
	flags = flags_of(f.e);
	needed = missing(r, *hmm_pfn, flags);
	if (needed)
		return make(mm, v, addr, f.e, needed);
	*hmm_pfn = flags ? flags | (uint64_t)f.order << MMUN_HMM_PFN_ORDER_SHIFT | pte_pfn(f.e).v :
			   0;
	return 0;
}

int hmm_range_fault_locked(struct mmun_mm *mm, struct mmun_hmm_range *r)
{
	uint64_t *hmm_pfn = r->hmm_pfns;
	int err;
	sync_operation("RANGE_FAULT");

	sync_assert_held(&mm->mmap_lock);
	if (mmu_interval_check_retry(r->notifier, r->notifier_seq))
		return -EBUSY;
	for (uint64_t addr = r->start; addr < r->end; addr += PAGE_BYTES, hmm_pfn++) {
		while ((err = look_up(mm, r, addr, hmm_pfn)) == -EAGAIN)
			if (mmu_interval_check_retry(r->notifier, r->notifier_seq))
				return -EBUSY;
		if (err)
			return err;
	}
	return 0;
}

int mmun_hmm_range_fault(struct mmun_hmm_range *r)
{
	struct mmun_mm *mm;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!r || !r->notifier || !r->notifier->mm || !r->hmm_pfns || r->start >= r->end ||
	    r->start % PAGE_BYTES || r->end % PAGE_BYTES || r->end > TASK_BYTES ||
	    r->start < r->notifier->start || r->end - 1 > r->notifier->last)
		return -EINVAL;
	mm = r->notifier->mm;
	down_read(&mm->mmap_lock);
	err = hmm_range_fault_locked(mm, r);
	up_read(&mm->mmap_lock);
	return err;
}

/* --- the memory of a page ------------------------------------------------- */

static atomic_u64 *word_of(struct mmun_machine *m, uint64_t hmm_pfn, uint64_t index, pfn_t *ret)
{
	uint64_t pfn = hmm_pfn & ~MMUN_HMM_PFN_FLAGS;

	if (!m || !(hmm_pfn & MMUN_HMM_PFN_VALID) || pfn > UINT32_MAX || index >= PAGE_WORDS)
		return NULL;
	*ret = (pfn_t){ (uint32_t)pfn };
	return &frame_memory(m, *ret)[index];
}

int mmun_hmm_load(struct mmun_machine *machine, uint64_t hmm_pfn, uint64_t index,
		  uint64_t *ret_value)
{
	pfn_t pfn;
	atomic_u64 *word = word_of(machine, hmm_pfn, index, &pfn);

	if (!word || !ret_value)
		return -EINVAL;
	*ret_value = load_acquire(word);
	return 0;
}

/* Written before the driver lets its lock go: whoever takes the page away finds it dirty. */
int mmun_hmm_store(struct mmun_machine *machine, uint64_t hmm_pfn, uint64_t index, uint64_t value)
{
	pfn_t pfn;
	atomic_u64 *word = word_of(machine, hmm_pfn, index, &pfn);

	if (!word)
		return -EINVAL;
	if (!(hmm_pfn & MMUN_HMM_PFN_WRITE))
		return -EPERM;
	store_release(word, value);
	store_release(&frame_of(machine, frame_head(machine, pfn))->dirty, 1);
	return 0;
}
