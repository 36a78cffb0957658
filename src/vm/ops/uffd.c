/* SPDX-License-Identifier: MIT */
/*
 * uffd.c - what userfaultfd does to page tables: write protection in its asynchronous
 * mode, and moving pages (mm/userfaultfd.c). Both run under mmap_lock for reading, while
 * faults go on.
 *
 * A move makes the page writable at another address, whose owner may free it or give it
 * away at once. So the old address is flushed everywhere before the new entry is there,
 * under both ptls; the new one needs no flush, since it was none:
 *
 *      uffd_move                           device
 *      both ptls; clears src               [TLB: src -> frame 3]
 *      flushes CPUs, devices
 *        [waits for who uses frame 3]
 *      sets dst -> frame 3
 *      unlocks both
 *                                          load of src: misses, faults: a new page
 *
 * No page lock is needed, as rings hold entries: who comes by rmap, and finds that the old
 * one has gone, finds the new one at the ring's end. Pins are looked at when the entry
 * has been cleared, as everywhere (see gup.c).
 * Litmus: uffd-move+default, uffd-move+never.
 */
#include <errno.h>

#include "vm/ops/ops.h"

static bool whole_pages(uint64_t addr, uint64_t len)
{
	uint64_t rounded = len;

	return len && addr % PAGE_BYTES == 0 && len % PAGE_BYTES == 0 && range_fits(addr, &rounded);
}

/* --- write protection ---------------------------------------------------- */

/* Giving the protection back gives write access back, where that needs no fault; not so in
 * Linux 6.1, where the next write faults. */
static void writeprotect_area(struct mmun_mm *mm, const struct vma *v, uint64_t start,
			      uint64_t end, bool set)
{
	const struct protect how = {
		.op = MM_OP_UFFD_WP,
		.event = MMU_NOTIFY_PROTECTION_VMA,
		.clear = set ? PTE_RW : PTE_UFFD_WP,
		.set = set ? PTE_UFFD_WP : 0,
		.mkwrite = !set && (v->prot & MMUN_PROT_WRITE) &&
			   mm->domain.semantics != MMUN_CLASSIC,
	};

	(void)protect_range(mm, &how, max_u64(v->start, start), min_u64(v->end, end));
}

int mmun_uffd_writeprotect(struct mmun_mm *mm, uint64_t addr, uint64_t len, bool protect)
{
	struct btree_iter it;
	const struct vma *v;
	int err = 0;
	sync_operation("UFFD_WP");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !whole_pages(addr, len))
		return -EINVAL;
	down_read(&mm->mmap_lock);
	if (!all_mapped(mm, addr, addr + len))
		err = -ENOENT;
	v = err ? NULL : btree_first(&mm->areas, &it, addr, addr + len);
	for (; v; v = btree_next(&it))
		writeprotect_area(mm, v, addr, addr + len, protect);
	up_read(&mm->mmap_lock);
	return err;
}

/* --- moving pages -------------------------------------------------------- */

struct move {
	struct mmun_mm *mm;
	uint64_t src, dst;       /* of the page at hand */
	struct ptep from, to;
	pte_t pte;               /* of src, as it was seen */
};

static bool maps_zero_page(const struct mmun_mm *mm, pte_t e)
{
	return pte_mapped(e) && is_zero_page(mm->machine, pte_pfn(e));
}

static int source_state(const struct mmun_mm *mm, pte_t e)
{
	if (pte_none(e))
		return -ENOENT;
	if (softleaf_is_migration(e) || maps_zero_page(mm, e) || pte_exclusive(e))
		return 0;
	return -EBUSY;
}

/* What is to be moved. -EAGAIN: look again. */
static int find_source(struct move *m)
{
	int err;

	if (!pte_map_lock(&m->mm->pt, m->src, &m->from))
		return -ENOENT;
	m->pte = pte_get(m->from.entry);
	err = m->from.level ? 0 : source_state(m->mm, m->pte);
	pte_unlock(&m->from);
	if (err)
		return err;
	if (m->from.level) {
		huge_split_entry(m->mm, m->src); /* pages move one by one */
		return -EAGAIN;
	}
	if (softleaf_is_migration(m->pte)) {
		migration_entry_wait(m->mm, m->pte);
		return -EAGAIN;
	}
	return 0;
}

/* Writable areas only; what the page was protected from stays at the old address. */
static pte_t moved_entry(const struct mmun_mm *mm, pte_t e)
{
	uint64_t keep = e.v & (PTE_D | PTE_EXCL);

	if (softleaf_is_swap(e))
		return pte_set_bits(pte_clear_bits(e, PTE_UFFD_WP), PTE_SOFT_DIRTY);
	if (maps_zero_page(mm, e))
		return pte_make(pte_pfn(e), PTE_READ_ONLY);
	return pte_make(pte_pfn(e), PTE_P | PTE_RW | PTE_A | PTE_SOFT_DIRTY | keep);
}

/* Under both ptls; src is as it was seen, dst is none. */
static int move_entry(const struct move *m)
{
	struct mmun_machine *machine = m->mm->machine;
	struct flush f = flush_page(m->src);
	const pte_t e = ptep_clear_flush(m->mm, &m->from, m->src);

	if (pte_mapped(e))
		pass_flush_point(m->mm, MM_OP_UFFD_MOVE, FLUSH_POINT_CLEAR, f);
	if (pte_mapped(e) && !maps_zero_page(m->mm, e)) {
		if (add_acq_rel(&frame_of(machine, pte_pfn(e))->pins, 0)) {
			set_pte(m->from.entry, m->src, e);
			return -EBUSY;
		}
		/* The new one first: the page is always somewhere. */
		rmap_add(machine, pte_pfn(e), &m->to);
		rmap_remove(machine, pte_pfn(e), &m->from);
	}
	set_pte(m->to.entry, m->dst, moved_entry(m->mm, e));
	pass_flush_point(m->mm, MM_OP_UFFD_MOVE, FLUSH_POINT_SET, f);
	return 0;
}

/* Only the source's range is announced: at the destination there was nothing. */
static int move_notified(const struct move *m)
{
	struct flush f = flush_page(m->src);
	struct mmu_notifier_range range;
	int err = -EAGAIN;
	pte_t now;

	range_init(&range, m->mm, MMU_NOTIFY_CLEAR, f.start, f.end);
	invalidate_range_start(&range);
	pte_lock_two(&m->from, &m->to);
	flush_tlb_batched_pending(m->mm);
	now = pte_get(m->from.entry);
	if (!pte_none(pte_get(m->to.entry)))
		err = -EEXIST;
	else if (pte_same(pte_set_bits(now, PTE_A), pte_set_bits(m->pte, PTE_A)))
		err = move_entry(m);
	pte_unlock_two(&m->from, &m->to);
	pass_flush_point(m->mm, MM_OP_UFFD_MOVE, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, MM_OP_UFFD_MOVE);
	pass_flush_point(m->mm, MM_OP_UFFD_MOVE, FLUSH_POINT_AFTER, f);
	return err;
}

/* move_pages_pte() in mm/userfaultfd.c. -EAGAIN: something has changed, look again. */
static int move_page(struct move *m)
{
	int err;

	if (!pgtable_walk_alloc(&m->mm->pt, m->dst, &m->to))
		return -ENOMEM;
	if (m->to.level || !pte_none(pte_get(m->to.entry)))
		return -EEXIST;
	err = find_source(m);
	return err ? err : move_notified(m);
}

/* Writable private anonymous memory on both sides. */
static int areas_allow(const struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct btree_iter it;
	const struct vma *v;

	if (!all_mapped(mm, start, end))
		return -ENOENT;
	for (v = btree_first(&mm->areas, &it, start, end); v; v = btree_next(&it))
		if (!vma_anonymous(v) || !(v->prot & MMUN_PROT_WRITE))
			return -EINVAL;
	return 0;
}

static int move_locked(struct move *m, uint64_t len, uint64_t *ret_moved)
{
	int err = areas_allow(m->mm, m->src, m->src + len);

	if (!err)
		err = areas_allow(m->mm, m->dst, m->dst + len);
	while (!err && *ret_moved < len) {
		err = move_page(m);
		if (err == -EAGAIN) {
			err = 0;
			continue;
		}
		if (err)
			break;
		m->src += PAGE_BYTES;
		m->dst += PAGE_BYTES;
		*ret_moved += PAGE_BYTES;
	}
	return err;
}

int mmun_uffd_move(struct mmun_mm *mm, uint64_t dst, uint64_t src, uint64_t len,
		   uint64_t *ret_moved)
{
	struct move m = { .mm = mm, .src = src, .dst = dst };
	int err;
	sync_operation("UFFD_MOVE");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !ret_moved || !whole_pages(dst, len) || !whole_pages(src, len) ||
	    (src < dst + len && dst < src + len))
		return -EINVAL;
	*ret_moved = 0;
	down_read(&mm->mmap_lock);
	err = move_locked(&m, len, ret_moved);
	up_read(&mm->mmap_lock);
	return err;
}
