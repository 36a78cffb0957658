/* SPDX-License-Identifier: MIT */
/*
 * ops.c - the operations that were recorded, and how mmun is made to do each of them.
 * Before, record.c has mapped the window, private and anonymous, and has stored to every
 * page of it. prepare() goes on from there, and act() is what is recorded. Huge windows
 * are of huge pages, unless prepare() has asked for small ones.
 */
#include <errno.h>
#include <string.h>

#include "calls/calls.h"
#include "orders/world.h"

enum { ANONYMOUS = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS };
enum { RW = MMUN_PROT_READ | MMUN_PROT_WRITE };

/* Far from the window, and as well aligned. */
static uint64_t elsewhere(const struct order_world *w)
{
	return w->base + entry_bytes(TABLE_LEVELS - 1);
}

/* The operation on this range of the window; what else it needs is what all of them use here. */
static int call_on(struct order_world *w, enum op op, uint64_t addr, uint64_t len, int prot)
{
	struct call c = { .mm = w->mm, .addr = addr, .len = len, .word = addr, .prot = prot,
			  .second = elsewhere(w), .object = w->object, .offset = PAGE_BYTES,
			  .value = 0xcc, .child = &w->other };

	return call_operation(op, &c);
}

static int call_p0(struct order_world *w, enum op op)
{
	return call_on(w, op, w->watched[0], PAGE_BYTES, 0);
}

static int call_p1(struct order_world *w, enum op op)
{
	return call_on(w, op, w->watched[1], PAGE_BYTES, 0);
}

static int call_huge(struct order_world *w, enum op op)
{
	return call_on(w, op, w->base, HUGE_BYTES, 0);
}

static int load(struct order_world *w, uint64_t addr)
{
	uint64_t value;

	return mmun_cpu_load(w->cpu, addr, &value);
}

static int store_p0(struct order_world *w)
{
	return mmun_cpu_store(w->cpu, w->watched[0], 0x777);
}

static int load_all(struct order_world *w)
{
	int err = 0;

	for (uint64_t a = w->base; !err && a < w->base + w->bytes; a += PAGE_BYTES)
		err = load(w, a);
	return err;
}

/* --- first touch, copy on write ------------------------------------------ */

static int drop_p0(struct order_world *w) { return call_p0(w, OP_MADV_DONTNEED); }

static int read_hole(struct order_world *w)
{
	int err = drop_p0(w);

	return err ? err : load(w, w->watched[0]);
}

static int do_fork(struct order_world *w) { return call_p0(w, OP_FORK); }

static int fork_and_wait(struct order_world *w)
{
	int err = do_fork(w);

	if (!err)
		err = mmun_mm_destroy(w->other);
	w->other = NULL;
	return err;
}

static int attach_device(struct order_world *w) { return mmun_ats_create(w->mm, NULL, &w->ats); }

static int fork_with_device(struct order_world *w)
{
	uint64_t value;
	int err = attach_device(w);

	if (!err)
		err = do_fork(w);
	return err ? err : mmun_ats_load(w->ats, w->watched[0], &value);
}

static int device_load(struct order_world *w)
{
	uint64_t value;

	return mmun_ats_load(w->ats, w->watched[0], &value);
}

static int device_store(struct order_world *w)
{
	return mmun_ats_store(w->ats, w->watched[0], 0x999);
}

/* --- files --------------------------------------------------------------- */

static int map_object(struct order_world *w, int prot, int flags)
{
	uint64_t at;
	int err = mmun_object_create(w->machine, w->bytes, &w->object);

	return err ? err : mmun_mmap_object(w->mm, w->base, w->bytes, prot,
					    flags | MMUN_MAP_FIXED, w->object, 0, &at);
}

static int map_private(struct order_world *w)
{
	int err = map_object(w, RW, MMUN_MAP_PRIVATE);

	return err ? err : load_all(w);
}

static int map_text(struct order_world *w)
{
	int err = map_object(w, MMUN_PROT_READ, MMUN_MAP_PRIVATE);

	return err ? err : load_all(w);
}

static int map_shared(struct order_world *w)
{
	int err = map_object(w, RW, MMUN_MAP_SHARED);

	for (uint64_t a = w->base; !err && a < w->base + w->bytes; a += PAGE_BYTES)
		err = mmun_cpu_store(w->cpu, a, 1);
	return err;
}

static int punch(struct order_world *w) { return call_p0(w, OP_PUNCH); }

static int truncate_object(struct order_world *w) { return call_p0(w, OP_TRUNCATE); }

static int set_breakpoint(struct order_world *w) { return call_p0(w, OP_REPLACE_PAGE); }

/* --- mapping, protecting, moving ----------------------------------------- */

static int unmap_p0(struct order_world *w) { return call_p0(w, OP_MUNMAP); }

static int unmap_p1(struct order_world *w) { return call_p1(w, OP_MUNMAP); }

static int unmap_huge(struct order_world *w) { return call_huge(w, OP_MUNMAP); }

static int map_over(struct order_world *w) { return call_p0(w, OP_MMAP); }

static int protect_p0(struct order_world *w)
{
	return call_on(w, OP_MPROTECT, w->watched[0], PAGE_BYTES, MMUN_PROT_READ);
}

static int protect_p0_none(struct order_world *w)
{
	return call_on(w, OP_MPROTECT, w->watched[0], PAGE_BYTES, MMUN_PROT_NONE);
}

static int unprotect_p0(struct order_world *w)
{
	return call_on(w, OP_MPROTECT, w->watched[0], PAGE_BYTES, RW);
}

static int protect_p1(struct order_world *w)
{
	return call_on(w, OP_MPROTECT, w->watched[1], PAGE_BYTES, MMUN_PROT_READ);
}

static int protect_huge(struct order_world *w)
{
	return call_on(w, OP_MPROTECT, w->base, HUGE_BYTES, MMUN_PROT_READ);
}

static int move_p0(struct order_world *w) { return call_p0(w, OP_MREMAP); }
static int move_huge(struct order_world *w) { return call_huge(w, OP_MREMAP); }

/* --- advice, reclaim, migration ------------------------------------------ */

static int free_p0(struct order_world *w) { return call_p0(w, OP_MADV_FREE); }

static int drop_p1(struct order_world *w) { return call_p1(w, OP_MADV_DONTNEED); }

static int drop_huge(struct order_world *w) { return call_huge(w, OP_MADV_DONTNEED); }

static int leave_unused(struct order_world *w)
{
	w->used = false;
	return 0;
}

static int page_out(struct order_world *w) { return call_p0(w, OP_MADV_PAGEOUT); }

static int migrate(struct order_world *w) { return call_p0(w, OP_MOVE_PAGES); }

static int clear_referenced(struct order_world *w) { return call_p0(w, OP_CLEAR_REFERENCED); }

static int clear_soft_dirty(struct order_world *w) { return call_p0(w, OP_CLEAR_SOFT_DIRTY); }

static int idle(struct order_world *w)
{
	int err = call_p0(w, OP_PAGE_IDLE);

	return err ? err : call_p0(w, OP_PAGE_IDLE);
}

/* --- KSM, userfaultfd ---------------------------------------------------- */

static int fill_alike(struct order_world *w)
{
	int err = mmun_cpu_store(w->cpu, w->watched[0], 0x5a);

	if (!err)
		err = mmun_cpu_store(w->cpu, w->watched[1], 0x5a);
	return err ? err : call_on(w, OP_MADV_MERGEABLE, w->watched[0], 2 * PAGE_BYTES, 0);
}

static int merge(struct order_world *w)
{
	return mmun_ksm_merge(w->mm, w->watched[1], w->watched[0]);
}

static int fill_and_merge(struct order_world *w)
{
	int err = fill_alike(w);

	return err ? err : merge(w);
}

static int unmerge(struct order_world *w)
{
	return call_on(w, OP_MADV_UNMERGEABLE, w->watched[0], 2 * PAGE_BYTES, 0);
}

static int wp_p0(struct order_world *w) { return call_p0(w, OP_UFFD_WP); }

static int unwp_p0(struct order_world *w) { return call_p0(w, OP_UFFD_UNWP); }

static int map_elsewhere(struct order_world *w)
{
	return call_on(w, OP_MMAP, elsewhere(w), 2 * PAGE_BYTES, 0);
}

static int move_by_uffd(struct order_world *w)
{
	uint64_t moved;

	return mmun_uffd_move(w->mm, elsewhere(w), w->watched[0], PAGE_BYTES, &moved);
}

/* --- huge pages, exit ---------------------------------------------------- */

/* A new window of small pages, or of nothing. */
static int map_again(struct order_world *w, int advice)
{
	uint64_t at;
	int err = mmun_munmap(w->mm, w->base, w->bytes);

	if (!err)
		err = mmun_mmap(w->mm, w->base, w->bytes, RW, ANONYMOUS | MMUN_MAP_FIXED, &at);
	return err ? err : mmun_madvise(w->mm, w->base, w->bytes, advice);
}

static int map_untouched(struct order_world *w) { return map_again(w, MMUN_MADV_HUGEPAGE); }

static int map_small(struct order_world *w)
{
	int err = map_again(w, MMUN_MADV_NOHUGEPAGE);

	for (uint64_t a = w->base; !err && a < w->base + w->bytes; a += PAGE_BYTES)
		err = mmun_cpu_store(w->cpu, a, 1);
	return err;
}

static int map_small_then_allow(struct order_world *w)
{
	int err = map_small(w);

	return err ? err : call_on(w, OP_MADV_HUGEPAGE, w->base, w->bytes, 0);
}

static int collapse(struct order_world *w) { return call_huge(w, OP_MADV_COLLAPSE); }

static int split_page(struct order_world *w) { return call_huge(w, OP_SPLIT); }

/* The one that exits is a child that has touched nothing. */
static int become_child(struct order_world *w)
{
	struct mmun_mm *parent = w->mm;
	int err;

	mmun_cpu_destroy(w->cpu);
	w->cpu = NULL;
	err = do_fork(w);
	if (err)
		return err;
	w->mm = w->other;
	w->other = parent;
	return mmun_clear_refs(w->mm, MMUN_CLEAR_REFS_ALL);
}

static int do_exit(struct order_world *w)
{
	int err = mmun_mm_destroy(w->mm);

	w->mm = NULL;
	return err;
}

#define SMALL(name, what, prepare, act) { #name, what, ORDER_SMALL, prepare, act }
#define HUGE(name, what, prepare, act) { #name, what, ORDER_HUGE, prepare, act }

const struct order_op order_ops[] = {
	SMALL(anon_first_write, "a first write", drop_p0, store_p0),
	SMALL(clear_refs_1, "mmun_clear_refs(ALL)", NULL, clear_referenced),
	SMALL(clear_refs_4, "mmun_clear_refs(SOFT_DIRTY)", NULL, clear_soft_dirty),
	SMALL(cow_fork_write, "a write to a page that a child shares", do_fork, store_p0),
	SMALL(cow_reuse_write, "a write to a page whose sharer has exited", fork_and_wait,
	      store_p0),
	SMALL(dev_first_load, "a device's load of a page that is there", attach_device,
	      device_load),
	SMALL(dev_store_cow, "a device's store to a page that a child shares", fork_with_device,
	      device_store),
	SMALL(exit, "mmun_mm_destroy() of a child", become_child, do_exit),
	SMALL(file_private_cow, "a write to a private mapping of an object", map_private,
	      store_p0),
	SMALL(fork, "mmun_fork()", NULL, do_fork),
	HUGE(htlb_cow_fork_write, "there are no hugetlb mappings", NULL, NULL),
	HUGE(htlb_mprotect, "there are no hugetlb mappings", NULL, NULL),
	HUGE(htlb_munmap, "there are no hugetlb mappings", NULL, NULL),
	SMALL(ksm_merge, "mmun_ksm_merge()", fill_alike, merge),
	SMALL(ksm_unmerge, "mmun_madvise(UNMERGEABLE)", fill_and_merge, unmerge),
	SMALL(ksm_write, "a write to a merged page", fill_and_merge, store_p0),
	SMALL(madv_dontneed, "mmun_madvise(DONTNEED)", NULL, drop_p0),
	SMALL(madv_free, "mmun_madvise(FREE)", NULL, free_p0),
	SMALL(memfd_punch, "mmun_object_punch() of a page", map_shared, punch),
	SMALL(memfd_truncate, "mmun_object_truncate() to a page", map_shared, truncate_object),
	SMALL(mmap_fixed_over, "mmun_mmap(FIXED) over a page", NULL, map_over),
	SMALL(move_pages, "mmun_migrate()", NULL, migrate),
	SMALL(mprotect_back_rw, "mmun_mprotect() of a read-only page", protect_p0, unprotect_p0),
	SMALL(mprotect_none, "mmun_mprotect(PROT_NONE)", NULL, protect_p0_none),
	SMALL(mprotect_ro, "mmun_mprotect(PROT_READ)", NULL, protect_p0),
	SMALL(mremap_move, "mmun_mremap(MAYMOVE | FIXED)", NULL, move_p0),
	SMALL(munmap, "mmun_munmap() of a page", NULL, unmap_p0),
	HUGE(munmap_2m_small, "mmun_munmap() of all pages of a leaf table", map_small, unmap_huge),
	SMALL(page_idle, "mmun_page_young(clear), twice", NULL, idle),
	SMALL(pageout_swap, "mmun_madvise(PAGEOUT)", NULL, page_out),
	SMALL(pageout_unused, "mmun_madvise(PAGEOUT) of a page that no device has used",
	      leave_unused, page_out),
	SMALL(soft_offline, "mmun_migrate(), no page being bad", NULL, migrate),
	HUGE(thp_collapse, "mmun_madvise(COLLAPSE)", map_small_then_allow, collapse),
	HUGE(thp_collapse_khugepaged, "mmun_madvise(COLLAPSE), there being no daemon",
	     map_small_then_allow, collapse),
	HUGE(thp_cow_fork_write, "a write to a huge page that a child shares", do_fork, store_p0),
	HUGE(thp_dontneed, "mmun_madvise(DONTNEED) of a huge page", NULL, drop_huge),
	HUGE(thp_fault, "a first write where huge pages are allowed", map_untouched, store_p0),
	HUGE(thp_mprotect, "mmun_mprotect(PROT_READ) of a huge page", NULL, protect_huge),
	HUGE(thp_mremap, "mmun_mremap(MAYMOVE | FIXED) of a huge page", NULL, move_huge),
	HUGE(thp_split_dontneed, "mmun_madvise(DONTNEED) of a part", NULL, drop_p1),
	HUGE(thp_split_folio, "mmun_split_huge_page()", NULL, split_page),
	HUGE(thp_split_mprotect, "mmun_mprotect(PROT_READ) of a part", NULL, protect_p1),
	HUGE(thp_split_munmap, "mmun_munmap() of a part", NULL, unmap_p1),
	SMALL(uffd_move, "mmun_uffd_move()", map_elsewhere, move_by_uffd),
	SMALL(uffd_unwp, "mmun_uffd_writeprotect(false)", wp_p0, unwp_p0),
	SMALL(uffd_wp, "mmun_uffd_writeprotect(true)", NULL, wp_p0),
	{ "uprobe", "mmun_replace_page()", ORDER_ONE, map_text, set_breakpoint },
	SMALL(zero_write, "a write to the zero page", read_hole, store_p0),
	{ 0 },
};

const struct order_op *order_op_find(const char *name)
{
	for (const struct order_op *op = order_ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	return NULL;
}
