/* SPDX-License-Identifier: MIT */
/*
 * unit_huge.c - huge pages in one thread: contents through faults, splits, fork and
 * collapse; who counts on what; the order of notifications; every allocation made to fail.
 * After each step counts, rings and deposited tables must agree with the page tables.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "audit.h"
#include "vm/ops/ops.h"

#define PAGE PAGE_BYTES
#define HUGE HUGE_BYTES
#define BASE ((uint64_t)1 << 30)
#define ELSEWHERE ((uint64_t)1 << 34)

enum {
	RO = MMUN_PROT_READ,
	RW = MMUN_PROT_READ | MMUN_PROT_WRITE,
	FIXED = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
	FRAMES = 2048,
	LAST = TABLE_ENTRIES - 1,
};

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *child;
	struct mmun_cpu *cpu;
	struct mmun_ats *ats;
};

static void allow_huge(struct mmun_mm *mm, uint64_t addr)
{
	mmap_write_lock(mm);
	vma_start_write(vma_find(mm, addr));
	vma_find(mm, addr)->flags |= VMA_HUGEPAGE;
	vma_merge_range(mm, addr, addr + HUGE);
	mmap_write_unlock(mm);
}

/* [BASE - PAGE, BASE + 2 * HUGE + PAGE), where faults may use huge pages. */
static void setup(struct world *w, enum mmun_semantics semantics, uint64_t huge_frames)
{
	struct mmun_machine_opts opts = { .frames = FRAMES, .huge_frames = huge_frames };
	uint64_t at;

	memset(w, 0, sizeof(*w));
	assert_int_equal(sync_alloc_live(), 0);
	assert_int_equal(mmun_machine_create(&opts, &w->machine), 0);
	assert_int_equal(mmun_mm_create(w->machine, semantics, &w->mm), 0);
	assert_int_equal(mmun_cpu_create(w->mm, &w->cpu), 0);
	assert_int_equal(mmun_ats_create(w->mm, NULL, &w->ats), 0);
	assert_int_equal(mmun_mmap(w->mm, BASE - PAGE, 2 * HUGE + 2 * PAGE, RW, FIXED, &at), 0);
	allow_huge(w->mm, BASE);
}

static void check(struct world *w)
{
	struct mmun_mm *const mms[] = { w->mm, w->child };
	struct mmun_ats *const devices[] = { w->ats };

	audit_machine(&(struct audit_roots){
		.machine = w->machine,
		.mms = mms, .mm_count = w->mm ? w->child ? 2 : 1 : 0,
		.devices = devices, .device_count = w->ats ? 1 : 0,
	});
}

static void teardown(struct world *w)
{
	if (w->mm)
		check(w);
	mmun_cpu_destroy(w->cpu);
	assert_int_equal(mmun_mm_destroy(w->child), 0);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	mmun_ats_destroy(w->ats);
	assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
}

static uint64_t page(uint64_t n) { return BASE + n * PAGE; }

static uint64_t get(struct world *w, uint64_t addr)
{
	uint64_t v = 0xdead, d = 0xbeef;

	assert_int_equal(mmun_cpu_load(w->cpu, addr, &v), 0);
	assert_int_equal(mmun_ats_load(w->ats, addr, &d), 0);
	assert_int_equal(v, d);
	return v;
}

static void put(struct world *w, uint64_t addr, uint64_t v)
{
	assert_int_equal(mmun_cpu_store(w->cpu, addr, v), 0);
}

/* Each page has its number. */
static void fill(struct world *w)
{
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
		put(w, page(i), i + 1);
}

static void is_full(struct world *w)
{
	check(w);
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
		assert_int_equal(get(w, page(i)), i + 1);
	check(w);
}

static bool is_huge(struct mmun_mm *mm, uint64_t addr)
{
	return pgtable_walk(&mm->pt, addr).level == 1;
}

static pte_t entry(struct mmun_mm *mm, uint64_t addr)
{
	return pte_get(pgtable_walk(&mm->pt, addr).entry);
}

static uint64_t frame_at(struct mmun_mm *mm, uint64_t addr)
{
	return pte_pfn(mm_translate(mm, addr)).v;
}

static uint64_t refs(struct world *w, uint64_t addr)
{
	pfn_t head = frame_head(w->machine, pte_pfn(mm_translate(w->mm, addr)));

	return load_relaxed(&frame_of(w->machine, head)->refcount);
}

/* What another address space has there, through a processor of its own. */
static uint64_t peek(struct mmun_mm *mm, uint64_t addr)
{
	struct mmun_cpu *cpu;
	uint64_t v = 0xdead;

	assert_int_equal(mmun_cpu_create(mm, &cpu), 0);
	assert_int_equal(mmun_cpu_load(cpu, addr, &v), 0);
	mmun_cpu_destroy(cpu);
	return v;
}

static void poke(struct mmun_mm *mm, uint64_t addr, uint64_t v)
{
	struct mmun_cpu *cpu;

	assert_int_equal(mmun_cpu_create(mm, &cpu), 0);
	assert_int_equal(mmun_cpu_store(cpu, addr, v), 0);
	mmun_cpu_destroy(cpu);
}

static int collapse(struct mmun_mm *mm, uint64_t addr)
{
	struct vma *v;
	int err;

	mmap_write_lock(mm);
	v = vma_find(mm, addr);
	vma_start_write(v);
	err = huge_collapse(mm, v, addr);
	mmap_write_unlock(mm);
	return err;
}

/* What madvise(DONTNEED) does. */
static void drop(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct gather g;

	down_read(&mm->mmap_lock);
	gather_init(&g, mm, MM_OP_DONTNEED);
	zap_range(&g, MMU_NOTIFY_CLEAR, ZAP_ALL, start, end);
	gather_finish(&g);
	up_read(&mm->mmap_lock);
}

static void protect(struct mmun_mm *mm, const struct protect *how, uint64_t start, uint64_t end)
{
	down_read(&mm->mmap_lock);
	assert_true(protect_range(mm, how, start, end));
	up_read(&mm->mmap_lock);
}

/* --- faults -------------------------------------------------------------- */

static void test_fault(void **state)
{
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	assert_int_equal(get(&w, BASE + HUGE), 0); /* a read: small, the zero page */
	assert_false(is_huge(w.mm, BASE + HUGE));
	put(&w, BASE + HUGE, 1); /* there is a table now */
	assert_false(is_huge(w.mm, BASE + HUGE));
	put(&w, BASE - PAGE, 1); /* does not fit in the area */
	assert_false(is_huge(w.mm, BASE - PAGE));
	put(&w, BASE + 2 * HUGE, 1);
	assert_false(is_huge(w.mm, BASE + 2 * HUGE));

	put(&w, page(3) + 8, 7);
	assert_true(is_huge(w.mm, BASE));
	assert_int_equal(refs(&w, BASE), 1);
	assert_int_equal(frame_at(w.mm, page(3)), frame_at(w.mm, BASE) + 3);
	assert_int_equal(get(&w, page(3) + 8), 7);
	assert_int_equal(get(&w, page(LAST)), 0);
	assert_int_equal(mmun_mm_fault(w.mm, BASE, true), 0); /* nothing to do */
	fill(&w);
	is_full(&w);
	assert_true(is_huge(w.mm, BASE));
	teardown(&w);
}

static void test_no_huge_frames(void **state)
{
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN, 1);
	put(&w, BASE, 1);
	put(&w, BASE + HUGE, 1); /* there is one only */
	assert_true(is_huge(w.mm, BASE));
	assert_false(is_huge(w.mm, BASE + HUGE));
	assert_int_equal(mmun_munmap(w.mm, BASE, HUGE), 0);
	drop(w.mm, BASE + HUGE, BASE + 2 * HUGE);
	put(&w, BASE + HUGE, 1); /* free again, but there is a table */
	assert_false(is_huge(w.mm, BASE + HUGE));
	teardown(&w);

	setup(&w, MMUN_MODERN, 0);
	put(&w, BASE, 1);
	assert_false(is_huge(w.mm, BASE));
	teardown(&w);
}

/* --- parts and all of it ------------------------------------------------- */

static void test_munmap(void **state)
{
	struct world w;
	uint64_t v, used;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	used = machine_frames_used(w.machine);
	fill(&w);
	assert_int_equal(mmun_munmap(w.mm, page(4), PAGE), 0);
	assert_false(is_huge(w.mm, BASE));
	assert_int_equal(refs(&w, BASE), LAST);
	assert_int_equal(mmun_cpu_load(w.cpu, page(4), &v), -EFAULT);
	assert_int_equal(mmun_ats_load(w.ats, page(4), &v), -EFAULT);
	assert_int_equal(get(&w, page(3)), 4);
	assert_int_equal(get(&w, page(5)), 6);
	check(&w);
	put(&w, page(5), 9); /* still exclusive: not copied */
	assert_int_equal(frame_at(w.mm, page(5)), frame_at(w.mm, BASE) + 5);

	put(&w, BASE + HUGE, 1); /* all of it, and only what is beside it */
	assert_true(is_huge(w.mm, BASE + HUGE));
	assert_int_equal(mmun_munmap(w.mm, BASE + 2 * HUGE, PAGE), 0);
	assert_true(is_huge(w.mm, BASE + HUGE));
	assert_int_equal(mmun_munmap(w.mm, BASE + HUGE, HUGE), 0);
	assert_int_equal(mmun_cpu_load(w.cpu, BASE + HUGE, &v), -EFAULT);
	check(&w);
	assert_int_equal(mmun_munmap(w.mm, 0, TASK_BYTES), 0);
	assert_int_equal(machine_frames_used(w.machine), used);
	teardown(&w);
}

static void test_dontneed(void **state)
{
	struct world w;

	(void)state;
	setup(&w, MMUN_CLASSIC, 2);
	fill(&w);
	get(&w, page(2));
	drop(w.mm, page(2), page(4));
	assert_int_equal(get(&w, page(2)), 0);
	assert_int_equal(get(&w, page(3)), 0);
	assert_int_equal(get(&w, page(4)), 5);
	check(&w);
	put(&w, BASE + HUGE, 6);
	get(&w, BASE + HUGE);
	drop(w.mm, BASE, BASE + 2 * HUGE);
	check(&w);
	assert_int_equal(get(&w, BASE + HUGE), 0);
	assert_int_equal(get(&w, page(4)), 0);
	teardown(&w);
}

static void test_mprotect(void **state)
{
	struct world w;
	uint64_t v;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	fill(&w);
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, RO), 0); /* as a whole */
	assert_true(is_huge(w.mm, BASE));
	assert_int_equal(mmun_cpu_store(w.cpu, page(1), 1), -EFAULT);
	assert_int_equal(mmun_ats_store(w.ats, page(1), 1), -EFAULT);
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, MMUN_PROT_NONE), 0);
	assert_true(is_huge(w.mm, BASE));
	assert_int_equal(mmun_cpu_load(w.cpu, page(1), &v), -EFAULT);
	assert_int_equal(mmun_ats_load(w.ats, page(1), &v), -EFAULT);
	check(&w);
	assert_int_equal(mmun_mprotect(w.mm, page(7), PAGE, RW), 0); /* a part, of none */
	assert_false(is_huge(w.mm, BASE));
	assert_int_equal(get(&w, page(7)), 8);
	put(&w, page(7), 8);
	assert_int_equal(mmun_cpu_load(w.cpu, page(6), &v), -EFAULT);
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, RW), 0);
	is_full(&w);
	put(&w, page(1), 2);
	assert_int_equal(frame_at(w.mm, page(1)), frame_at(w.mm, BASE) + 1);

	put(&w, BASE + HUGE, 1);
	assert_int_equal(mmun_mprotect(w.mm, BASE + HUGE, PAGE, RO), 0);
	assert_false(is_huge(w.mm, BASE + HUGE));
	assert_int_equal(mmun_cpu_store(w.cpu, BASE + HUGE, 1), -EFAULT);
	put(&w, BASE + HUGE + PAGE, 5);
	assert_int_equal(get(&w, BASE + HUGE + PAGE), 5);
	teardown(&w);
}

static void test_bits(void **state)
{
	static const struct protect hint = {
		.op = MM_OP_NUMA, .event = MMU_NOTIFY_PROTECTION_VMA, .access = PROTECT_NONE,
	};
	static const struct protect wp = {
		.op = MM_OP_UFFD_WP, .event = MMU_NOTIFY_PROTECTION_VMA,
		.clear = PTE_RW, .set = PTE_UFFD_WP,
	};
	static const struct protect clean = {
		.op = MM_OP_SOFT_DIRTY, .event = MMU_NOTIFY_SOFT_DIRTY,
		.clear = PTE_SOFT_DIRTY | PTE_A | PTE_D,
	};
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	fill(&w);
	protect(w.mm, &hint, BASE, BASE + HUGE);
	assert_false(pte_present(entry(w.mm, BASE)));
	assert_int_equal(get(&w, page(3)), 4);
	assert_true(pte_present(entry(w.mm, BASE)) && is_huge(w.mm, BASE));

	protect(w.mm, &clean, BASE, BASE + HUGE);
	assert_false(pte_dirty(entry(w.mm, BASE)));
	huge_split_entry(w.mm, BASE); /* single thread: no lock is needed */
	assert_false(pte_dirty(entry(w.mm, BASE)) || pte_young(entry(w.mm, BASE)));
	put(&w, page(3), 4);
	assert_true(pte_dirty(entry(w.mm, page(3))));
	assert_false(pte_dirty(entry(w.mm, page(4))));
	is_full(&w);

	put(&w, BASE + HUGE, 1);
	protect(w.mm, &wp, BASE + HUGE, BASE + 2 * HUGE);
	assert_true(is_huge(w.mm, BASE + HUGE));
	put(&w, BASE + HUGE + PAGE, 2); /* takes the protection from one page */
	assert_false(is_huge(w.mm, BASE + HUGE));
	assert_false(pte_uffd_wp(entry(w.mm, BASE + HUGE + PAGE)));
	assert_true(pte_uffd_wp(entry(w.mm, BASE + HUGE)));
	assert_int_equal(get(&w, BASE + HUGE + PAGE), 2);
	teardown(&w);
}

/* --- fork ---------------------------------------------------------------- */

static void test_fork(void **state)
{
	struct world w;
	uint64_t head;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	fill(&w);
	get(&w, page(3));
	head = frame_at(w.mm, BASE);
	assert_int_equal(mmun_fork(w.mm, &w.child), 0);
	assert_true(is_huge(w.mm, BASE) && is_huge(w.child, BASE));
	assert_int_equal(refs(&w, BASE), 2);
	is_full(&w);
	put(&w, page(3), 33);
	assert_false(is_huge(w.mm, BASE));
	assert_true(is_huge(w.child, BASE));
	assert_int_not_equal(frame_at(w.mm, page(3)), head + 3);
	assert_int_equal(frame_at(w.mm, page(4)), head + 4);
	assert_int_equal(refs(&w, BASE), 1 + LAST);
	assert_int_equal(get(&w, page(3)), 33);
	assert_int_equal(peek(w.child, page(3)), 4);
	check(&w);
	poke(w.child, page(5), 55);
	assert_int_equal(get(&w, page(5)), 6);
	assert_int_equal(peek(w.child, page(5)), 55);
	assert_int_equal(peek(w.child, page(6)), 7);
	check(&w);
	assert_int_equal(mmun_mm_destroy(w.mm), -EBUSY);
	teardown(&w);
}

/* Who is left alone with the page writes to it as it is. */
static void test_fork_reuse(void **state)
{
	struct world w;
	uint64_t head;

	(void)state;
	setup(&w, MMUN_CLASSIC, 1);
	fill(&w);
	head = frame_at(w.mm, BASE);
	assert_int_equal(mmun_fork(w.mm, &w.child), 0);
	assert_int_equal(mmun_mm_destroy(w.child), 0);
	w.child = NULL;
	put(&w, page(3), 4);
	assert_true(is_huge(w.mm, BASE));
	assert_true(pte_exclusive(entry(w.mm, BASE)));
	assert_int_equal(frame_at(w.mm, BASE), head);
	is_full(&w);
	teardown(&w);
}

static void test_fork_pinned(void **state)
{
	struct frame *f;
	struct world w;
	uint64_t head;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	fill(&w);
	head = frame_at(w.mm, BASE);
	f = frame_of(w.machine, (pfn_t){ (uint32_t)head });
	add_acq_rel(&f->pins, 1);
	add_acq_rel(&f->refcount, 1);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), -EBUSY);
	assert_true(is_huge(w.mm, BASE));
	assert_int_equal(mmun_fork(w.mm, &w.child), 0);
	assert_false(is_huge(w.mm, BASE) || is_huge(w.child, BASE));
	put(&w, page(3), 4); /* the parent keeps the pinned page */
	assert_int_equal(frame_at(w.mm, page(3)), head + 3);
	assert_int_not_equal(frame_at(w.child, page(3)), head + 3);
	assert_int_equal(peek(w.child, page(LAST)), LAST + 1);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), -EBUSY);
	add_acq_rel(&f->pins, (uint64_t)-1);
	add_acq_rel(&f->refcount, (uint64_t)-1);
	is_full(&w);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), 0);
	is_full(&w);
	teardown(&w);
}

/* --- splitting the page -------------------------------------------------- */

static void test_split_errors(void **state)
{
	struct world w;
	uint64_t v;
	pte_t e;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	assert_int_equal(mmun_split_huge_page(NULL, BASE), -EINVAL);
	assert_int_equal(mmun_split_huge_page(w.mm, 0), -EFAULT);
	assert_int_equal(mmun_split_huge_page(w.mm, TASK_BYTES), -EFAULT);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), -EINVAL); /* nothing there */
	get(&w, BASE + HUGE);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE + HUGE), -EINVAL);
	fill(&w);
	assert_int_equal(mmun_mprotect(w.mm, BASE, page(2) - BASE, RO), 0);
	assert_int_equal(mmun_mprotect(w.mm, page(2), PAGE, MMUN_PROT_NONE), 0);
	e = entry(w.mm, page(2));
	frame_get(w.machine, pte_pfn(e), 1); /* somebody is at work on it */
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), -EBUSY);
	frame_put(w.machine, pte_pfn(e), 1);
	assert_int_equal(entry(w.mm, page(2)).v, e.v);
	assert_int_equal(mmun_split_huge_page(w.mm, page(9) + 5), 0);
	assert_int_equal(entry(w.mm, page(2)).v, e.v); /* all bits are back */
	assert_int_equal(mmun_cpu_load(w.cpu, page(2), &v), -EFAULT);
	assert_int_equal(mmun_cpu_store(w.cpu, page(1), 2), -EFAULT);
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, RW), 0);
	is_full(&w);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), -EINVAL); /* small already */
	teardown(&w);
}

/* Whatever entries map it: huge, small, in two address spaces, or some pages by none. */
static void test_split_page(void **state)
{
	struct world w;
	uint64_t used;

	(void)state;
	setup(&w, MMUN_CLASSIC, 1);
	fill(&w);
	assert_int_equal(mmun_fork(w.mm, &w.child), 0);
	drop(w.mm, page(2), page(3));
	drop(w.mm, page(5), page(6));
	drop(w.child, page(5), page(7));
	put(&w, page(3), 44);
	check(&w);
	used = machine_frames_used(w.machine);
	assert_int_equal(mmun_split_huge_page(w.child, BASE), 0);
	assert_int_equal(machine_frames_used(w.machine), used - 1); /* page 5 */
	check(&w);
	assert_int_equal(get(&w, page(3)), 44);
	assert_int_equal(peek(w.child, page(3)), 4);
	assert_int_equal(peek(w.child, page(2)), 3);
	assert_int_equal(get(&w, page(6)), 7);
	assert_int_equal(peek(w.child, page(LAST)), LAST + 1);
	assert_int_equal(refs(&w, page(4)), 2);
	assert_int_equal(refs(&w, page(6)), 1);
	put(&w, page(4), 1); /* shared: copied; then the child is alone with it */
	assert_int_equal(peek(w.child, page(4)), 5);
	check(&w);

	/* The huge frame is one again when the last of its frames is free. */
	put(&w, BASE + HUGE, 1);
	assert_false(is_huge(w.mm, BASE + HUGE));
	assert_int_equal(mmun_mm_destroy(w.child), 0);
	w.child = NULL;
	assert_int_equal(mmun_munmap(w.mm, page(0), HUGE), 0);
	assert_int_equal(mmun_munmap(w.mm, BASE + HUGE, HUGE), 0);
	assert_int_equal(mmun_mmap(w.mm, BASE, HUGE, RW, FIXED, &used), 0);
	allow_huge(w.mm, BASE);
	fill(&w);
	assert_true(is_huge(w.mm, BASE));
	is_full(&w);
	teardown(&w);
}

/* --- collapse ------------------------------------------------------------ */

static void no_huge(struct mmun_mm *mm)
{
	mmap_write_lock(mm);
	vma_start_write(vma_find(mm, BASE));
	vma_find(mm, BASE)->flags &= ~(uint32_t)VMA_HUGEPAGE;
	mmap_write_unlock(mm);
}

static void test_collapse(void **state)
{
	struct world w;
	uint64_t used;

	(void)state;
	setup(&w, MMUN_MODERN, 1);
	no_huge(w.mm);
	fill(&w);
	is_full(&w);
	used = machine_frames_used(w.machine);
	assert_int_equal(collapse(w.mm, page(9)), 0);
	assert_true(is_huge(w.mm, BASE));
	assert_int_equal(machine_frames_used(w.machine), used);
	is_full(&w);
	assert_int_equal(collapse(w.mm, BASE), 0); /* is one already */
	put(&w, page(9), 10);
	assert_true(is_huge(w.mm, BASE));
	assert_int_equal(mmun_mprotect(w.mm, page(1), PAGE, RO), 0);
	assert_int_equal(mmun_mprotect(w.mm, page(1), PAGE, RW), 0);
	is_full(&w);
	assert_int_equal(collapse(w.mm, BASE), -EAGAIN); /* parts of a huge page */
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), 0);
	assert_int_equal(collapse(w.mm, BASE), -ENOMEM); /* the huge frame is in use */
	is_full(&w);
	teardown(&w);
}

static void test_collapse_errors(void **state)
{
	struct protect wp = { .op = MM_OP_UFFD_WP, .event = MMU_NOTIFY_PROTECTION_VMA,
			      .clear = PTE_RW, .set = PTE_UFFD_WP };
	struct world w;
	pfn_t pfn;

	(void)state;
	setup(&w, MMUN_MODERN, 2);
	no_huge(w.mm);
	assert_int_equal(collapse(w.mm, BASE), -EAGAIN);
	assert_int_equal(collapse(w.mm, BASE - PAGE), -EINVAL); /* reaches out of the area */
	fill(&w);
	drop(w.mm, page(LAST), page(LAST) + PAGE);
	assert_int_equal(collapse(w.mm, BASE), -EAGAIN);
	get(&w, page(LAST)); /* the zero page */
	assert_int_equal(collapse(w.mm, BASE), -EAGAIN);
	put(&w, page(LAST), LAST + 1);

	pfn = pte_pfn(entry(w.mm, page(LAST)));
	frame_get(w.machine, pfn, 1);
	assert_int_equal(collapse(w.mm, BASE), -EAGAIN);
	frame_put(w.machine, pfn, 1);
	is_full(&w);
	protect(w.mm, &wp, page(3), page(4));
	assert_int_equal(collapse(w.mm, BASE), -EAGAIN);
	put(&w, page(3), 4);
	assert_int_equal(mmun_fork(w.mm, &w.child), 0);
	assert_int_equal(collapse(w.mm, BASE), -EAGAIN); /* shared */
	check(&w);
	assert_int_equal(mmun_mm_destroy(w.child), 0);
	w.child = NULL;
	fill(&w);
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, RO), 0);
	assert_int_equal(collapse(w.mm, BASE), 0);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE, 1), -EFAULT);
	is_full(&w);
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, RW), 0);
	fill(&w);
	assert_true(is_huge(w.mm, BASE));
	teardown(&w);
}

/* --- the order of notifications ------------------------------------------ */

struct recorder {
	struct mmu_notifier soft, hard; /* software page table, hardware TLB */
	struct mmun_mm *mm;
	char log[512];
};

/* What maps BASE at this moment: huge entries in capitals. */
static const char *now(struct mmun_mm *mm)
{
	struct ptep p = pgtable_walk(&mm->pt, BASE);
	pte_t e = p.entry ? pte_get(p.entry) : (pte_t){ 0 };

	if (pte_none(e))
		return "none";
	if (softleaf_is_migration(e))
		return "moving";
	if (!pte_present(e))
		return p.level ? "INVALID" : "prot";
	if (p.level)
		return pte_write(e) ? "RW" : "RO";
	return pte_write(e) ? "rw" : "ro";
}

static void record(struct recorder *r, const char *what, uint64_t start, uint64_t end)
{
	size_t n = strlen(r->log);
	uint64_t pages = (end - start) / PAGE;

	if (start == BASE && pages == TABLE_ENTRIES)
		snprintf(r->log + n, sizeof(r->log) - n, "%s(%s) ", what, now(r->mm));
	else if (end - start >= TASK_BYTES)
		snprintf(r->log + n, sizeof(r->log) - n, "%s-all(%s) ", what, now(r->mm));
	else
		snprintf(r->log + n, sizeof(r->log) - n, "%s%d+%d(%s) ", what,
			 (int)((int64_t)(start - BASE) / (int64_t)PAGE), (int)pages, now(r->mm));
}

static int soft_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	static const char *const names[] = { "S:unmap", "S:clear", "S:vma", "S:page" };

	record(container_of(mn, struct recorder, soft), names[range->event], range->start,
	       range->end);
	return 0;
}

static void soft_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	record(container_of(mn, struct recorder, soft), "E", range->start, range->end);
}

static void hard_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	(void)mm;
	record(container_of(mn, struct recorder, hard), "flush", start, end);
}

static const struct mmu_notifier_ops soft_ops = {
	.invalidate_range_start = soft_start,
	.invalidate_range_end = soft_end,
};
static const struct mmu_notifier_ops hard_modern = { .arch_invalidate_secondary_tlbs = hard_flush };
static const struct mmu_notifier_ops hard_classic = { .invalidate_range = hard_flush };

static void expect(struct recorder *r, const char *log)
{
	assert_string_equal(r->log, log);
	r->log[0] = '\0';
}

/* Each operation of Linux on a whole or a part of a huge page. */
static void run_orders(enum mmun_semantics semantics, const char *const *want)
{
	struct recorder r = { .soft.ops = &soft_ops };
	struct world w;

	setup(&w, semantics, 4);
	r.mm = w.mm;
	r.hard.ops = semantics == MMUN_CLASSIC ? &hard_classic : &hard_modern;
	assert_int_equal(mmu_notifier_register(&r.soft, w.mm), 0);
	assert_int_equal(mmu_notifier_register(&r.hard, w.mm), 0);
	put(&w, BASE, 1);
	expect(&r, "");                                     /* none to present */
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, RO), 0);
	expect(&r, *want++);
	assert_int_equal(mmun_mprotect(w.mm, BASE, HUGE, RW), 0);
	r.log[0] = '\0';
	assert_int_equal(mmun_fork(w.mm, &w.child), 0);
	r.log[0] = '\0';
	put(&w, BASE, 2);                                   /* split, then copied */
	expect(&r, *want++);
	drop(w.mm, BASE, page(8));
	expect(&r, *want++);                                /* small ones */
	drop(w.mm, page(8), BASE + HUGE);
	r.log[0] = '\0';
	no_huge(w.mm);
	fill(&w);
	expect(&r, "");
	assert_int_equal(collapse(w.mm, BASE), 0);
	expect(&r, *want++);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), 0);
	expect(&r, *want++);
	assert_int_equal(collapse(w.mm, BASE), 0);
	r.log[0] = '\0';
	drop(w.mm, page(2), page(3));
	expect(&r, *want++);                                /* a part of it */
	assert_int_equal(mmun_munmap(w.mm, BASE, HUGE), 0);
	expect(&r, *want++);
	mmu_notifier_unregister(&r.soft, w.mm);
	mmu_notifier_unregister(&r.hard, w.mm);
	teardown(&w);
}

static void test_order_modern(void **state)
{
	static const char *const want[] = {
		"S:vma(RW) E(RO) flush(RO) ",
		"S:clear(RO) flush(INVALID) E(ro) S:clear0+1(ro) flush0+1(none) E0+1(rw) ",
		"S:clear0+8(rw) E0+8(none) flush0+8(none) ",
		"S:clear(rw) flush(none) E(none) ",
		"S:clear(RW) flush(INVALID) E(moving) S:clear(moving) E(moving) ",
		"S:clear2+1(RW) S:clear(RW) flush(INVALID) E(rw) E2+1(rw) flush2+1(rw) ",
		"S:unmap(rw) E(none) flush(none) ",
	};

	(void)state;
	run_orders(MMUN_MODERN, want);
}

static void test_order_classic(void **state)
{
	static const char *const want[] = {
		"S:vma(RW) flush(RO) E(RO) flush(RO) ",
		"S:clear(RO) E(ro) S:clear0+1(ro) flush0+1(none) E0+1(rw) ",
		"S:clear0+8(rw) flush0+8(none) E0+8(none) flush0+8(none) ",
		"S:clear(rw) flush(none) E(none) ",
		"S:clear(RW) E(moving) S:clear(moving) flush(moving) E(moving) ",
		"S:clear2+1(RW) S:clear(RW) E(rw) flush2+1(rw) E2+1(rw) flush2+1(rw) ",
		"S:unmap(rw) flush(none) E(none) flush(none) ",
	};

	(void)state;
	run_orders(MMUN_CLASSIC, want);
}

/* --- allocations that fail ------------------------------------------------ */

static int collapse_two(struct world *w)
{
	int err = is_huge(w->mm, BASE) ? 0 : collapse(w->mm, BASE);

	return err ? err : collapse(w->mm, BASE + HUGE);
}

/* Without a huge frame the first fault has used small pages: that is no error. */
static int split(struct world *w)
{
	int err = mmun_split_huge_page(w->mm, BASE);

	return err == -EINVAL ? 0 : err;
}

/* All operations once; the first error ends it. */
static int everything(struct world *w)
{
	struct mmun_machine_opts opts = { .frames = FRAMES, .huge_frames = 4 };
	uint64_t at;
	int err;

#define TRY(call) do { err = (call); if (err) goto out; } while (0)
	memset(w, 0, sizeof(*w));
	TRY(mmun_machine_create(&opts, &w->machine));
	TRY(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	TRY(mmun_cpu_create(w->mm, &w->cpu));
	TRY(mmun_ats_create(w->mm, NULL, &w->ats));
	TRY(mmun_mmap(w->mm, BASE, 2 * HUGE, RW, FIXED, &at));
	allow_huge(w->mm, BASE);
	TRY(mmun_cpu_store(w->cpu, BASE, 1));
	TRY(mmun_cpu_load(w->cpu, BASE + HUGE, &at));
	for (uint64_t i = 1; i < 2 * TABLE_ENTRIES; i++) /* huge, and small */
		TRY(mmun_cpu_store(w->cpu, page(i), i));
	TRY(mmun_mprotect(w->mm, page(9), PAGE, RO));
	TRY(mmun_mprotect(w->mm, page(9), PAGE, RW));
	TRY(split(w));
	TRY(collapse_two(w));
	TRY(mmun_fork(w->mm, &w->child));
	TRY(mmun_cpu_store(w->cpu, BASE, 2));
	TRY(mmun_munmap(w->mm, page(7), HUGE));
#undef TRY
out:
	if (w->machine)
		check(w);
	assert_int_equal(mmun_mm_destroy(w->child), 0);
	mmun_cpu_destroy(w->cpu);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	mmun_ats_destroy(w->ats);
	if (w->machine)
		assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
	return err;
}

static void test_no_memory(void **state)
{
	unsigned served = 0; /* small pages instead of a huge one */
	struct world w;
	uint64_t n;

	(void)state;
	for (n = 1;; n++) {
		int err;

		sync_alloc_fail_at(n);
		err = everything(&w);
		if (!sync_alloc_fail_clear()) {
			assert_int_equal(err, 0);
			break;
		}
		served += !err;
		if (err)
			assert_int_equal(err, -ENOMEM);
	}
	assert_true(n > TABLE_ENTRIES);
	assert_int_equal(served, 1);
}

/* Calls that change areas in the middle of huge pages, at both ends if they can. */
static int do_munmap(struct world *w) { return mmun_munmap(w->mm, page(1), HUGE); }
static int do_mprotect(struct world *w) { return mmun_mprotect(w->mm, page(1), HUGE, RO); }

static int do_mmap(struct world *w)
{
	uint64_t at;

	return mmun_mmap(w->mm, page(1), HUGE, RO, FIXED, &at);
}

static int do_madvise(struct world *w)
{
	return mmun_madvise(w->mm, page(1), HUGE, MMUN_MADV_NOHUGEPAGE);
}

static int do_shrink(struct world *w)
{
	uint64_t at;

	return mmun_mremap(w->mm, BASE, 2 * HUGE, HUGE + PAGE, 0, 0, &at);
}

static int remap(struct world *w, uint64_t from, uint64_t to)
{
	uint64_t at;

	return mmun_mremap(w->mm, from, HUGE, HUGE,
			   MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, to, &at);
}

static int do_move_away(struct world *w) { return remap(w, page(1), ELSEWHERE + page(3)); }
static int do_move_here(struct world *w) { return remap(w, ELSEWHERE + BASE, page(1)); }

/*
 * Huge pages, small ones elsewhere, and so many areas beside them that cannot be joined: the
 * tree of areas needs more nodes for some numbers than for others.
 */
static void setup_areas(struct world *w, uint64_t areas)
{
	uint64_t at;

	setup(w, MMUN_MODERN, 4);
	for (uint64_t i = 0; i < areas; i++)
		assert_int_equal(mmun_mmap(w->mm, BASE / 2 + 2 * i * PAGE, PAGE, RW, FIXED,
					   &at), 0);
	assert_int_equal(mmun_mmap(w->mm, ELSEWHERE + BASE, HUGE, RW, FIXED, &at), 0);
	put(w, ELSEWHERE + BASE, 7);
	put(w, ELSEWHERE + BASE + HUGE - PAGE, 8);
	fill(w);
	put(w, BASE + HUGE, 9);
}

/* True: the n-th allocation failed, and then nobody was told and nothing has changed. */
static bool fails_untold(int (*call)(struct world *w), uint64_t areas, uint64_t n)
{
	struct recorder r = { .soft.ops = &soft_ops, .hard.ops = &hard_modern };
	struct world w;
	bool failed;
	int err;

	setup_areas(&w, areas);
	r.mm = w.mm;
	assert_int_equal(mmu_notifier_register(&r.soft, w.mm), 0);
	assert_int_equal(mmu_notifier_register(&r.hard, w.mm), 0);
	sync_alloc_fail_at(n);
	err = call(&w);
	failed = sync_alloc_fail_clear();
	assert_int_equal(err, failed ? -ENOMEM : 0);
	/* Only mremap, which gives tables back that nobody has used, flushes those. */
	assert_int_equal(!failed, strchr(r.log, 'S') != NULL);
	assert_true(!failed || !r.log[0] || call == do_move_away);
	mmu_notifier_unregister(&r.soft, w.mm);
	mmu_notifier_unregister(&r.hard, w.mm);
	if (failed) {
		assert_true(is_huge(w.mm, BASE) && is_huge(w.mm, BASE + HUGE));
		assert_int_equal(vma_find(w.mm, BASE)->end, page(2 * TABLE_ENTRIES + 1));
		assert_int_equal(get(&w, BASE + HUGE), 9);
		assert_int_equal(get(&w, ELSEWHERE + BASE), 7);
		is_full(&w);
	}
	teardown(&w);
	return failed;
}

static void test_nothing_fails_once_told(void **state)
{
	static int (*const call[])(struct world *w) = {
		do_munmap, do_mprotect, do_mmap, do_madvise, do_shrink, do_move_away, do_move_here,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(call); i++)
		for (uint64_t areas = 0; areas < 18; areas++) {
			uint64_t n = 1;

			while (fails_untold(call[i], areas, n))
				n++;
			assert_true(n > 1);
		}
}

/* Frames, rather than memory, that end. */
static void test_no_frames(void **state)
{
	struct mmun_machine_opts opts = { .frames = 4, .huge_frames = 1 };
	struct world w = { 0 };
	uint64_t at;

	(void)state;
	assert_int_equal(mmun_machine_create(&opts, &w.machine), 0);
	assert_int_equal(mmun_mm_create(w.machine, MMUN_MODERN, &w.mm), 0);
	assert_int_equal(mmun_cpu_create(w.mm, &w.cpu), 0);
	assert_int_equal(mmun_mmap(w.mm, BASE, HUGE, RW, FIXED, &at), 0);
	allow_huge(w.mm, BASE);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE, 1), -ENOMEM); /* no table to deposit */
	assert_int_equal(mmun_mm_fault(w.mm, BASE, false), -ENOMEM);
	assert_int_equal(machine_frames_used(w.machine), 3);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_no_huge_frames),
		cmocka_unit_test(test_munmap),
		cmocka_unit_test(test_dontneed),
		cmocka_unit_test(test_mprotect),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_reuse),
		cmocka_unit_test(test_fork_pinned),
		cmocka_unit_test(test_split_errors),
		cmocka_unit_test(test_split_page),
		cmocka_unit_test(test_collapse),
		cmocka_unit_test(test_collapse_errors),
		cmocka_unit_test(test_order_modern),
		cmocka_unit_test(test_order_classic),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_nothing_fails_once_told),
		cmocka_unit_test(test_no_frames),
	};

	return cmocka_run_group_tests_name("huge pages", tests, NULL, NULL);
}
