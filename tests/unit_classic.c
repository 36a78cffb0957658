/* SPDX-License-Identifier: MIT */
/*
 * unit_classic.c - what Linux 6.1 does otherwise than 6.12 besides flushing elsewhere: when write
 * access comes back without a fault, what an entry says of writes after a split, and whom reclaim
 * asks. Each test runs in both semantics, so that it fails if one of them does as the other.
 */
#include <errno.h>

#include "unit_world.h"

static pte_t entry_at(struct mmun_mm *mm, uint64_t addr)
{
	struct ptep p = pgtable_walk(&mm->pt, addr);

	assert_non_null(p.entry);
	return pte_get(p.entry);
}

static bool writable(struct mmun_mm *mm, uint64_t addr) { return pte_write(entry_at(mm, addr)); }

static void both(void (*run)(enum mmun_semantics semantics))
{
	run(MMUN_MODERN);
	run(MMUN_CLASSIC);
}

static void one_page(struct world *w, enum mmun_semantics semantics)
{
	setup(w, semantics);
	map(w->mm, BASE, 1, RW);
	cpu_put(w, BASE, 1);
}

static void huge_page(struct world *w, enum mmun_semantics semantics)
{
	setup(w, semantics);
	map(w->mm, BASE, HUGE_BYTES / PAGE, RW);
	assert_int_equal(mmun_madvise(w->mm, BASE, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(w, BASE, 1);
	cpu_put(w, BASE + PAGE, 2);
	assert_true(pte_huge(entry_at(w->mm, BASE)));
}

static void read_only_and_back(struct mmun_mm *mm, uint64_t len)
{
	assert_int_equal(mmun_mprotect(mm, BASE, len, RO), 0);
	assert_false(writable(mm, BASE));
	assert_int_equal(mmun_mprotect(mm, BASE, len, RW), 0);
}

static bool paged_out(struct world *w)
{
	assert_int_equal(mmun_madvise(w->mm, BASE, PAGE, MMUN_MADV_PAGEOUT), 0);
	return softleaf_is_swap(entry_at(w->mm, BASE));
}

/* --- write access that comes back ---------------------------------------- */

static void protect_written(enum mmun_semantics semantics)
{
	struct world w;

	one_page(&w, semantics);
	read_only_and_back(w.mm, PAGE);
	assert_true(writable(w.mm, BASE));
	teardown(&w);
}

/* MADV_FREE makes the entry clean. */
static void protect_clean(enum mmun_semantics semantics)
{
	struct world w;

	one_page(&w, semantics);
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_FREE), 0);
	read_only_and_back(w.mm, PAGE);
	assert_int_equal(writable(w.mm, BASE), semantics == MMUN_MODERN);
	cpu_put(&w, BASE, 2);
	assert_int_equal(ats_get(&w, BASE), 2);
	teardown(&w);
}

static void protect_huge(enum mmun_semantics semantics)
{
	struct world w;

	huge_page(&w, semantics);
	read_only_and_back(w.mm, HUGE_BYTES);
	assert_int_equal(writable(w.mm, BASE), semantics == MMUN_MODERN);
	cpu_put(&w, BASE, 2);
	assert_true(pte_huge(entry_at(w.mm, BASE)) && writable(w.mm, BASE));
	teardown(&w);
}

static void unprotect_by_uffd(enum mmun_semantics semantics)
{
	struct recorder r;
	struct world w;

	one_page(&w, semantics);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, true), 0);
	recorder_begin(&r, w.mm, BASE);
	assert_int_equal(mmun_uffd_writeprotect(w.mm, BASE, PAGE, false), 0);
	assert_int_equal(writable(w.mm, BASE), semantics == MMUN_MODERN);
	assert_false(pte_uffd_wp(entry_at(w.mm, BASE)));
	/* No walk reads the bit that has changed: no gather's flush. */
	expect(&r, semantics == MMUN_MODERN ? "S:vma[0,1)ro E[0,1)rw flush[0,1)rw" :
					      "S:vma[0,1)ro flush[0,1)ro E[0,1)ro");
	recorder_end_all(&r);
	cpu_put(&w, BASE, 2);
	assert_int_equal(ats_get(&w, BASE), 2);
	teardown(&w);
}

static void unmerge(enum mmun_semantics semantics)
{
	struct world w;

	setup(&w, semantics);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 7);
	cpu_put(&w, BASE + PAGE, 7);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(frame_at(w.mm, BASE), frame_at(w.mm, BASE + PAGE));
	assert_int_equal(mmun_madvise(w.mm, BASE, 2 * PAGE, MMUN_MADV_UNMERGEABLE), 0);
	assert_true(frame_at(w.mm, BASE) != frame_at(w.mm, BASE + PAGE));
	assert_int_equal(writable(w.mm, BASE), semantics == MMUN_CLASSIC);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 7);
	teardown(&w);
}

/* A write fault is not for a read-only area. */
static void unmerge_read_only(enum mmun_semantics semantics)
{
	struct world w;

	setup(&w, semantics);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 7);
	cpu_put(&w, BASE + PAGE, 7);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 2 * PAGE, RO), 0);
	assert_int_equal(mmun_madvise(w.mm, BASE, 2 * PAGE, MMUN_MADV_UNMERGEABLE), 0);
	assert_true(frame_at(w.mm, BASE) != frame_at(w.mm, BASE + PAGE));
	assert_false(writable(w.mm, BASE));
	teardown(&w);
}

/* --- after a split -------------------------------------------------------- */

/* The entry does not say that the page was written, but the page does: nothing is lost. */
static void split_entry(enum mmun_semantics semantics)
{
	struct world w;

	huge_page(&w, semantics);
	/* Now the entry alone knows of writes. */
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_FREE), 0);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	assert_int_equal(mmun_munmap(w.mm, BASE + HUGE_BYTES - PAGE, PAGE), 0);
	assert_false(pte_huge(entry_at(w.mm, BASE)));
	assert_int_equal(pte_dirty(entry_at(w.mm, BASE)), semantics == MMUN_MODERN);
	assert_true(writable(w.mm, BASE));
	/* Reclaim that finds out only then that it must not drop the page leaves it. */
	assert_int_equal(paged_out(&w), semantics == MMUN_CLASSIC);
	assert_true(paged_out(&w));
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	teardown(&w);
}

/* The page as a whole: what MIGRATION entries have kept comes back. */
static void split_page(enum mmun_semantics semantics)
{
	struct world w;

	huge_page(&w, semantics);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), 0);
	assert_false(pte_huge(entry_at(w.mm, BASE)));
	assert_true(pte_dirty(entry_at(w.mm, BASE)));
	teardown(&w);
}

/* --- reclaim asks --------------------------------------------------------- */

struct guest {
	struct mmu_notifier mn;
	bool young;               /* it has used the page since it was asked last */
	unsigned asked;
	bool old;                 /* the entry was when it was asked */
};

static bool guest_clear_flush_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start,
				    uint64_t end)
{
	struct guest *g = container_of(mn, struct guest, mn);
	bool young = g->young;

	assert_int_equal(start, BASE);
	assert_int_equal(end, BASE + PAGE);
	g->asked++;
	g->young = false;
	g->old = !pte_young(mm_translate(mm, start));
	return young;
}

static void guest_enters(struct guest *g, struct mmun_mm *mm)
{
	static const struct mmu_notifier_ops ops = { .clear_flush_young = guest_clear_flush_young };

	*g = (struct guest){ .mn.ops = &ops, .young = true };
	assert_int_equal(mmu_notifier_register(&g->mn, mm), 0);
}

/* A page that the guest uses stays, once; what the processor has used before the advice does not
 * count. */
static void reclaim_asks(enum mmun_semantics semantics)
{
	bool classic = semantics == MMUN_CLASSIC;
	struct world w;
	struct guest g;

	one_page(&w, semantics);
	guest_enters(&g, w.mm);
	assert_int_equal(paged_out(&w), !classic);
	assert_int_equal(g.asked, classic);
	assert_int_equal(g.old, classic);
	if (classic) {
		assert_false(pte_young(entry_at(w.mm, BASE)));
		assert_true(paged_out(&w));
		assert_int_equal(g.asked, 2);
	}
	mmu_notifier_unregister(&g.mn, w.mm);
	assert_int_equal(cpu_get(&w, BASE), 1);
	teardown(&w);
}

/* What was made old is flushed at the end, whether or not the page stays. */
static void reclaim_flushes(enum mmun_semantics semantics)
{
	struct recorder r;
	struct world w;
	struct guest g;

	one_page(&w, semantics);
	guest_enters(&g, w.mm);
	recorder_begin(&r, w.mm, BASE);
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_PAGEOUT), 0);
	if (semantics == MMUN_MODERN) {
		expect(&r, "S:clear[0,1)rw flush[all)none E[0,1)prot");
	} else {
		expect(&r, "flush[0,1)rw");
		cpu_put(&w, BASE, 2); /* walks, and makes it young */
		assert_true(paged_out(&w));
		expect(&r, "S:clear[0,1)rw flush[0,1)prot flush[0,1)prot E[0,1)prot "
			   "flush[0,1)prot");
	}
	recorder_end_all(&r);
	mmu_notifier_unregister(&g.mn, w.mm);
	teardown(&w);
}

/* An entry of another address space that is young counts as well. */
static void reclaim_asks_all(enum mmun_semantics semantics)
{
	struct mmun_mm *child;
	struct world w;
	struct guest g;

	one_page(&w, semantics);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	guest_enters(&g, child);
	assert_int_equal(paged_out(&w), semantics == MMUN_MODERN);
	assert_int_equal(g.asked, semantics == MMUN_CLASSIC);
	assert_true(paged_out(&w));
	mmu_notifier_unregister(&g.mn, child);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(cpu_get(&w, BASE), 1);
	teardown(&w);
}

/* Reclaim that nobody has asked for: accessed bits count too, whoever looks on. */
static void reclaim_by_itself(enum mmun_semantics semantics)
{
	struct world w;
	struct guest g;

	one_page(&w, semantics);
	assert_int_equal(mmun_reclaim(NULL, BASE), -EINVAL);
	assert_int_equal(mmun_reclaim(w.mm, TASK_BYTES), -EFAULT);
	assert_int_equal(mmun_reclaim(w.mm, BASE + PAGE), -EFAULT);
	assert_int_equal(mmun_reclaim(w.mm, BASE + 8), -EBUSY); /* it has just been written */
	guest_enters(&g, w.mm);
	assert_int_equal(mmun_reclaim(w.mm, BASE), -EBUSY);
	assert_int_equal(g.asked, 1);
	assert_int_equal(mmun_reclaim(w.mm, BASE), 0);
	assert_int_equal(g.asked, 2);
	assert_true(softleaf_is_swap(entry_at(w.mm, BASE)));
	mmu_notifier_unregister(&g.mn, w.mm);
	assert_int_equal(cpu_get(&w, BASE), 1);
	teardown(&w);
}

#define IN_BOTH(run) \
	static void test_##run(void **state) { (void)state; both(run); }

IN_BOTH(protect_written)
IN_BOTH(protect_clean)
IN_BOTH(protect_huge)
IN_BOTH(unprotect_by_uffd)
IN_BOTH(unmerge)
IN_BOTH(unmerge_read_only)
IN_BOTH(split_entry)
IN_BOTH(split_page)
IN_BOTH(reclaim_asks)
IN_BOTH(reclaim_flushes)
IN_BOTH(reclaim_asks_all)
IN_BOTH(reclaim_by_itself)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protect_written),
		cmocka_unit_test(test_protect_clean),
		cmocka_unit_test(test_protect_huge),
		cmocka_unit_test(test_unprotect_by_uffd),
		cmocka_unit_test(test_unmerge),
		cmocka_unit_test(test_unmerge_read_only),
		cmocka_unit_test(test_split_entry),
		cmocka_unit_test(test_split_page),
		cmocka_unit_test(test_reclaim_asks),
		cmocka_unit_test(test_reclaim_flushes),
		cmocka_unit_test(test_reclaim_asks_all),
		cmocka_unit_test(test_reclaim_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
