/* SPDX-License-Identifier: MIT */
/*
 * gup.c - pins: pages that somebody reads and writes past the page tables, as
 * pin_user_pages() in mm/gup.c. A pin is a reference and counts in pins too. Invariant:
 * a pinned anonymous page is exclusive to one entry, or unmapped: fork copies it,
 * KSM, migration, reclaim and UFFDIO_MOVE leave it where it is, a write to it needs no
 * copy. So a shared page is first made exclusive, for reading too (gup_must_unshare).
 *
 * gup_fast takes no lock. It counts itself first, and then looks whether the entry is
 * still what it was. Who takes an entry away clears it first, and then looks at the
 * counts: one of the two sees the other (drawn in fork.c and ksm.c). Both counts change
 * and are looked at by exchanges, which stand in one order. The page that was counted may
 * be another by then:
 *
 *      gup_fast                            munmap                    fault of another
 *      rcu_read_lock
 *      entry -> frame 3
 *                                          clears, flushes, frees 3
 *                                                                    takes frame 3
 *      frame 3: reference + 1
 *      entry as before? [no]
 *      frame 3: reference - 1
 *
 * Freeing the table waits for the read section, so that the entry may be looked at. And
 * the table must still be the address's: who detaches one clears the entry above it.
 * Litmus: fork+pin, ksm+pin, migrate+pin; tests/explore_gup.c has more.
 */
#include <errno.h>

#include "vm/ops/ops.h"

struct mmun_pin {
	struct mmun_machine *machine;
	pfn_t pfn;           /* the frame; of a huge page one of its frames */
	pfn_t page;          /* that is counted: its head */
	bool write;
};

#define PTE_WRITTEN ((uint64_t)(PTE_RW | PTE_D | PTE_SOFT_DIRTY))

static void count_pin(struct mmun_machine *m, pfn_t page)
{
	if (!is_zero_page(m, page))
		/* Pairs with add_acq_rel(pins, 0) of who has changed the entry. */
		add_acq_rel(&frame_of(m, page)->pins, 1);
}

void gup_put(struct mmun_machine *m, pfn_t page, unsigned flags)
{
	if ((flags & GUP_PIN) && !is_zero_page(m, page))
		add_acq_rel(&frame_of(m, page)->pins, (uint64_t)-1);
	frame_put(m, page, 1);
}

/* The frame for addr in what the entry maps. */
static pfn_t frame_in(const struct ptep *p, pte_t e, uint64_t addr)
{
	return (pfn_t){ pte_pfn(e).v + (p->level ? entry_index(addr, 0) : 0) };
}

/* --- without a lock ------------------------------------------------------ */

/*
 * The flags of a page that may be gone say nothing: what is not evident from the entry
 * is left to the slow way. A writable entry is of an exclusive page or of an object's. A
 * reference for reading asks for neither.
 */
static bool usable(const struct mmun_machine *m, const struct ptep *p, pte_t e, unsigned flags)
{
	if (!pte_present(e) || pte_huge(e) != (p->level == 1))
		return false;
	if (!p->level && pte_pfn(e).v >= m->huge_base) /* perhaps of a huge page */
		return false;
	if (flags & GUP_WRITE)
		return (e.v & PTE_WRITTEN) == PTE_WRITTEN;
	return !(flags & GUP_PIN) || pte_exclusive(e) || pte_write(e) ||
	       is_zero_page(m, pte_pfn(e));
}

static bool still_maps(const struct mmun_mm *mm, uint64_t addr, const struct ptep *p, pte_t e)
{
	return pgtable_walk(&mm->pt, addr).entry == p->entry && pte_same(pte_get(p->entry), e);
}

static bool try_pin(struct mmun_mm *mm, uint64_t addr, const struct ptep *p, pte_t e,
		    unsigned flags)
{
	struct mmun_machine *m = mm->machine;

	if (is_zero_page(m, pte_pfn(e)))
		return true;
	if (!frame_try_get(m, pte_pfn(e)))
		return false;
	if (flags & GUP_PIN)
		count_pin(m, pte_pfn(e));
	if (still_maps(mm, addr, p, e))
		return true;
	gup_put(m, pte_pfn(e), flags);
	return false;
}

bool gup_fast(struct mmun_mm *mm, uint64_t addr, unsigned flags, pfn_t *ret_pfn)
{
	bool pinned = false;
	struct ptep p;
	pte_t e;

	rcu_read_lock();
	p = pgtable_walk(&mm->pt, addr);
	if (p.entry) {
		e = pte_get(p.entry);
		pinned = usable(mm->machine, &p, e, flags) && try_pin(mm, addr, &p, e, flags);
	}
	rcu_read_unlock();
	if (pinned)
		*ret_pfn = frame_in(&p, e, addr);
	return pinned;
}

/* --- with faults --------------------------------------------------------- */

/* Under the ptl, as follow_page_pte() in mm/gup.c. */
static bool pin_entry(struct mmun_mm *mm, const struct vma *v, const struct ptep *p,
		      uint64_t addr, unsigned flags, pfn_t *ret_pfn)
{
	bool write = flags & GUP_WRITE;
	pte_t e = pte_get(p->entry);
	pfn_t page;

	if (!pte_present(e) || (write && !pte_write(e)) ||
	    (flags == GUP_PIN && must_unshare(mm, v, e)))
		return false;
	/* It will be written. The walk sets nothing else meanwhile. */
	if (write && (e.v & PTE_WRITTEN) != PTE_WRITTEN)
		set_pte(p->entry, addr, pte_set_bits(e, PTE_A | PTE_WRITTEN));
	*ret_pfn = frame_in(p, e, addr);
	page = frame_head(mm->machine, *ret_pfn);
	frame_get(mm->machine, page, 1);
	if (flags & GUP_PIN)
		count_pin(mm->machine, page);
	return true;
}

int gup_area(struct mmun_mm *mm, const struct vma *v, uint64_t addr, unsigned flags,
	     pfn_t *ret_pfn)
{
	struct ptep p;
	bool pinned;
	int err;

	if (!v || v->prot == MMUN_PROT_NONE)
		return -EFAULT;
	for (;;) {
		if (pte_map_lock(&mm->pt, addr, &p)) {
			pinned = pin_entry(mm, v, &p, addr, flags, ret_pfn);
			pte_unlock(&p);
			if (pinned)
				return 0;
		}
		err = flags == GUP_PIN ? fault_unshare(mm, v, addr) :
		      fault_area(mm, v, addr, flags & GUP_WRITE);
		if (err)
			return err;
	}
}

/* As __gup_longterm_locked(): a lookup takes mmap_lock, where a page fault need not. */
int gup_slow(struct mmun_mm *mm, uint64_t addr, unsigned flags, pfn_t *ret_pfn)
{
	int err;

	down_read(&mm->mmap_lock);
	err = gup_area(mm, vma_find(mm, addr), addr, flags, ret_pfn);
	up_read(&mm->mmap_lock);
	return err;
}

/* --- pins ---------------------------------------------------------------- */

int mmun_pin(struct mmun_mm *mm, uint64_t addr, bool write, struct mmun_pin **ret_pin)
{
	unsigned flags = GUP_PIN | (write ? GUP_WRITE : 0);
	struct mmun_pin *pin;
	int err = 0;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !ret_pin)
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	pin = sync_alloc(sizeof(*pin));
	if (!pin)
		return -ENOMEM;
	pin->machine = mm->machine;
	pin->write = write;
	if (!gup_fast(mm, addr, flags, &pin->pfn))
		err = gup_slow(mm, addr, flags, &pin->pfn);
	if (err) {
		sync_free(pin);
		return err;
	}
	pin->page = frame_head(mm->machine, pin->pfn);
	sync_event(PIN, addr, pin->pfn.v);
	add_relaxed(&mm->machine->mms, 1); /* it may outlive the address space */
	*ret_pin = pin;
	return 0;
}

int mmun_pin_load(struct mmun_pin *pin, uint64_t index, uint64_t *ret_value)
{
	if (!pin || !ret_value || index >= PAGE_WORDS)
		return -EINVAL;
	*ret_value = load_acquire(&frame_memory(pin->machine, pin->pfn)[index]);
	return 0;
}

int mmun_pin_store(struct mmun_pin *pin, uint64_t index, uint64_t value)
{
	if (!pin || index >= PAGE_WORDS)
		return -EINVAL;
	if (!pin->write)
		return -EACCES;
	store_release(&frame_memory(pin->machine, pin->pfn)[index], value);
	return 0;
}

/* Dirty first: who finds the page without pins must not take it for clean. */
void mmun_unpin(struct mmun_pin *pin)
{
	struct mmun_machine *m;

	if (!pin)
		return;
	m = pin->machine;
	sync_event(UNPIN, pin->pfn.v);
	if (pin->write)
		store_release(&frame_of(m, pin->page)->dirty, 1);
	gup_put(m, pin->page, GUP_PIN);
	sync_free(pin);
	add_acq_rel(&m->mms, (uint64_t)-1);
}
