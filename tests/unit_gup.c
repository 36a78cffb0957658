/* SPDX-License-Identifier: MIT */
/*
 * unit_gup.c - pinned pages, taking KSM merges back and the OOM reaper, in one thread:
 * contents, errors, what keeps what alive, the order of notifications, every allocation
 * made to fail.
 */
#include <errno.h>

#include "audit.h"
#include "unit_world.h"

#define SMALL ((uint64_t)1 << 16) /* an area at low addresses, with tables of its own */

static struct mmun_pin *pin_page(struct mmun_mm *mm, uint64_t addr, bool write)
{
	struct mmun_pin *pin;

	assert_int_equal(mmun_pin(mm, addr, write, &pin), 0);
	return pin;
}

static uint64_t pin_get(struct mmun_pin *pin, uint64_t index)
{
	uint64_t v;

	assert_int_equal(mmun_pin_load(pin, index, &v), 0);
	return v;
}

static uint64_t pins(struct mmun_mm *mm, uint64_t addr)
{
	return load_relaxed(&frame_of(mm->machine, page_at(mm, addr))->pins);
}

static bool exclusive(struct mmun_mm *mm, uint64_t addr)
{
	return pte_exclusive(mm_translate(mm, addr));
}

static void test_pin_errors(void **state)
{
	struct mmun_pin *pin;
	struct world w;
	uint64_t v;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 1, RW);
	map(w.mm, BASE + PAGE, 1, RO);
	map(w.mm, BASE + 2 * PAGE, 1, NONE);
	assert_int_equal(mmun_pin(NULL, BASE, true, &pin), -EINVAL);
	assert_int_equal(mmun_pin(w.mm, BASE, true, NULL), -EINVAL);
	assert_int_equal(mmun_pin(w.mm, TASK_BYTES, false, &pin), -EFAULT);
	assert_int_equal(mmun_pin(w.mm, BASE + 3 * PAGE, false, &pin), -EFAULT);
	assert_int_equal(mmun_pin(w.mm, BASE + 2 * PAGE, false, &pin), -EFAULT);
	assert_int_equal(mmun_pin(w.mm, BASE + PAGE, true, &pin), -EFAULT);
	pin = pin_page(w.mm, BASE + PAGE, false);
	assert_int_equal(mmun_pin_load(pin, PAGE_WORDS, &v), -EINVAL);
	assert_int_equal(mmun_pin_load(pin, 0, NULL), -EINVAL);
	assert_int_equal(mmun_pin_load(NULL, 0, &v), -EINVAL);
	assert_int_equal(mmun_pin_store(pin, 0, 1), -EACCES);
	assert_int_equal(mmun_pin_store(pin, PAGE_WORDS, 1), -EINVAL);
	assert_int_equal(mmun_pin_store(NULL, 0, 1), -EINVAL);
	mmun_unpin(pin);
	mmun_unpin(NULL);
	teardown(&w);
}

/* A populated page, and one that is not: no lock, and with a fault. */
static void test_pin_contents(void **state)
{
	struct mmun_pin *fast, *slow, *zero;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 3, RW);
	cpu_put(&w, BASE + 8, 5);
	fast = pin_page(w.mm, BASE + 16, true);
	slow = pin_page(w.mm, BASE + PAGE, true);
	assert_int_equal(pin_get(fast, 1), 5);
	assert_int_equal(pin_get(slow, 0), 0);
	assert_int_equal(refs(w.mm, BASE), 2);
	assert_int_equal(pins(w.mm, BASE), 1);
	assert_int_equal(mmun_pin_store(fast, 2, 6), 0);
	assert_int_equal(mmun_pin_store(slow, PAGE_WORDS - 1, 7), 0);
	assert_int_equal(cpu_get(&w, BASE + 16), 6);
	assert_int_equal(ats_get(&w, BASE + 2 * PAGE - 8), 7);

	zero = pin_page(w.mm, BASE + 2 * PAGE, false);
	assert_int_equal(pin_get(zero, 3), 0);
	cpu_put(&w, BASE + 2 * PAGE, 1);
	assert_int_equal(pin_get(zero, 0), 0); /* left behind, as the header says */
	mmun_unpin(zero);

	mmun_unpin(fast);
	mmun_unpin(slow);
	assert_int_equal(refs(w.mm, BASE), 1);
	assert_int_equal(pins(w.mm, BASE), 0);
	assert_int_equal(load_relaxed(&frame_of(w.machine, page_at(w.mm, BASE))->dirty), 1);
	audit_mm(w.mm);
	teardown(&w);
}

/* A pin keeps the page and the machine. */
static void test_pin_outlives(void **state)
{
	struct mmun_pin *a, *b;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	a = pin_page(w.mm, BASE, true);
	b = pin_page(w.mm, BASE + PAGE, false);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0);
	assert_int_equal(pin_get(a, 0), 1);
	assert_int_equal(mmun_pin_store(a, 0, 3), 0);
	map(w.mm, BASE, 1, RW);
	assert_int_equal(cpu_get(&w, BASE), 0);
	assert_int_equal(mmun_oom_reap(w.mm), 0);
	cpu_put(&w, BASE + PAGE, 4);

	mmun_cpu_destroy(w.cpu);
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	mmun_ats_destroy(w.ats);
	assert_int_equal(mmun_machine_destroy(w.machine), -EBUSY);
	assert_int_equal(pin_get(a, 0), 3);
	assert_int_equal(pin_get(b, 0), 2);
	mmun_unpin(a);
	mmun_unpin(b);
	assert_int_equal(machine_frames_used(w.machine), 0);
	assert_int_equal(mmun_machine_destroy(w.machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
}

/* The parent keeps a pinned page, and the child gets what was in it. */
static void test_pin_then_fork(void **state)
{
	struct mmun_mm *child;
	struct mmun_pin *pin;
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	pin = pin_page(w.mm, BASE, true);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_true(exclusive(w.mm, BASE));
	assert_false(exclusive(w.mm, BASE + PAGE));
	assert_int_equal(mmun_pin_store(pin, 0, 3), 0);
	cpu_put(&w, BASE + 8, 4);
	assert_int_equal(frame_at(w.mm, BASE), frame);
	assert_int_equal(pin_get(pin, 1), 4);
	assert_int_equal(cpu_get(&w, BASE), 3);
	assert_int_equal(peek(child, BASE), 1);
	poke(child, BASE, 9);
	assert_int_equal(cpu_get(&w, BASE), 3);
	mmun_unpin(pin);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

/* A shared page is made exclusive before it is pinned, whatever for. */
static void test_fork_then_pin(void **state)
{
	struct mmun_pin *reader, *writer;
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	assert_int_equal(ats_get(&w, BASE), 1);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	reader = pin_page(w.mm, BASE, false);
	writer = pin_page(w.mm, BASE + PAGE, true);
	assert_true(exclusive(w.mm, BASE) && exclusive(w.mm, BASE + PAGE));
	assert_false(pte_write(mm_translate(w.mm, BASE)));
	assert_int_not_equal(frame_at(w.mm, BASE), frame_at(child, BASE));
	cpu_put(&w, BASE, 3);
	assert_int_equal(pin_get(reader, 0), 3);
	assert_int_equal(ats_get(&w, BASE), 3);
	assert_int_equal(mmun_pin_store(writer, 0, 4), 0);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 4);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(peek(child, BASE + PAGE), 2);
	mmun_unpin(reader);
	mmun_unpin(writer);

	assert_int_equal(mmun_mm_destroy(child), 0);
	audit_mm(w.mm);
	teardown(&w);
}

/* Who is alone with its page again needs no copy. */
static void test_pin_alone(void **state)
{
	struct mmun_pin *pin;
	struct mmun_mm *child;
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 1, RW);
	cpu_put(&w, BASE, 1);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0);
	pin = pin_page(child, BASE, false);
	assert_int_equal(frame_at(child, BASE), frame);
	assert_true(exclusive(child, BASE));
	assert_false(pte_write(mm_translate(child, BASE)));
	mmun_unpin(pin);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

static void test_pin_stays(void **state)
{
	struct mmun_pin *pin;
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 1);
	pin = pin_page(w.mm, BASE, false);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), -EAGAIN);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE + PAGE, BASE), -EAGAIN);
	cpu_put(&w, BASE, 2);
	assert_int_equal(frame_at(w.mm, BASE), frame);
	assert_int_equal(pin_get(pin, 0), 2);
	cpu_put(&w, BASE, 1);
	mmun_unpin(pin);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	pin = pin_page(w.mm, BASE, false); /* of a merged page: a copy */
	assert_int_not_equal(frame_at(w.mm, BASE), frame_at(w.mm, BASE + PAGE));
	assert_int_equal(pin_get(pin, 0), 1);
	mmun_unpin(pin);
	teardown(&w);
}

/* A page of an object: shared is shared, private is read in place and written as a copy. */
static void test_pin_object(void **state)
{
	struct mmun_object *o;
	struct mmun_pin *pin, *private;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_object_create(w.machine, 2 * PAGE, &o), 0);
	map_object(w.mm, BASE, 3, MMUN_MAP_SHARED, o, 0);
	map_object(w.mm, BASE + 8 * PAGE, 2, MMUN_MAP_PRIVATE, o, 0);
	cpu_put(&w, BASE, 1);
	assert_int_equal(mmun_pin(w.mm, BASE + 2 * PAGE, false, &pin), -EFAULT);
	pin = pin_page(w.mm, BASE, true);
	assert_int_equal(mmun_pin_store(pin, 0, 2), 0);
	private = pin_page(w.mm, BASE + 8 * PAGE, false);
	assert_int_equal(pin_get(private, 0), 2);
	assert_int_equal(frame_at(w.mm, BASE + 8 * PAGE), frame_at(w.mm, BASE));
	mmun_unpin(private);
	private = pin_page(w.mm, BASE + 8 * PAGE, true);
	assert_int_equal(mmun_pin_store(private, 0, 3), 0);
	assert_int_equal(cpu_get(&w, BASE), 2);
	assert_int_equal(cpu_get(&w, BASE + 8 * PAGE), 3);
	mmun_unpin(private);
	assert_int_equal(mmun_object_truncate(o, 0), 0);
	assert_int_equal(pin_get(pin, 0), 2);
	mmun_unpin(pin);
	mmun_object_destroy(o);
	teardown(&w);
}

/* A pin of one small page holds the whole huge one together, not its entry. */
static void test_pin_huge(void **state)
{
	/* The child gets all of it in small copies. */
	struct mmun_machine_opts opts = { .frames = 2048, .huge_frames = 4 };
	struct mmun_pin *pin, *other;
	struct mmun_mm *child;
	struct world w;
	uint64_t third = BASE + 3 * PAGE;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	map(w.mm, BASE, HUGE_BYTES / PAGE, RW);
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(&w, third, 1);
	pin = pin_page(w.mm, third, true);
	assert_int_equal(pin_get(pin, 0), 1);
	assert_int_equal(mmun_pin_store(pin, 1, 2), 0);
	assert_int_equal(ats_get(&w, third + 8), 2);
	assert_int_equal(pins(w.mm, third), 1);
	assert_int_equal(mmun_split_huge_page(w.mm, BASE), -EBUSY);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(mmun_pin_store(pin, 0, 3), 0);
	cpu_put(&w, third, 4);
	assert_int_equal(pin_get(pin, 0), 4);
	assert_int_equal(peek(child, third), 1);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0); /* splits the entry */
	other = pin_page(w.mm, third, false);
	assert_int_equal(pin_get(other, 0), 4);
	mmun_unpin(other);
	mmun_unpin(pin);
	assert_int_equal(mmun_split_huge_page(w.mm, third), 0);
	pin = pin_page(w.mm, third, true);
	assert_int_equal(pin_get(pin, 0), 4);
	mmun_unpin(pin);
	assert_int_equal(mmun_mm_destroy(child), 0);
	audit_mm(w.mm);
	teardown(&w);
}

/* What fork shares as huge, a pin for reading unshares small. */
static void test_pin_huge_shared(void **state)
{
	struct mmun_pin *pin;
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, HUGE_BYTES / PAGE, RW);
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	pin = pin_page(w.mm, BASE + PAGE, false);
	assert_true(exclusive(w.mm, BASE + PAGE));
	assert_false(exclusive(w.mm, BASE));
	cpu_put(&w, BASE + PAGE, 3);
	assert_int_equal(pin_get(pin, 0), 3);
	assert_int_equal(peek(child, BASE + PAGE), 2);
	mmun_unpin(pin);
	assert_int_equal(mmun_oom_reap(w.mm), 0);
	assert_int_equal(cpu_get(&w, BASE), 0);
	assert_int_equal(mmun_oom_reap(child), 0);
	assert_int_equal(peek(child, BASE), 0);
	assert_int_equal(mmun_mm_destroy(child), 0);
	audit_mm(w.mm);
	teardown(&w);
}

/* Reclaim leaves what is pinned, and does not lose what is written past the tables. */
static void test_pin_reclaim(void **state)
{
	struct mmun_pin *pin;
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 2);
	pin = pin_page(w.mm, BASE, true);
	assert_int_equal(mmun_migrate(w.mm, BASE), -EBUSY);
	assert_int_equal(mmun_madvise(w.mm, BASE, 2 * PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_true(pte_present(mm_translate(w.mm, BASE)));
	assert_true(softleaf_is_swap(mm_translate(w.mm, BASE + PAGE)));
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_FREE), 0);
	assert_int_equal(mmun_pin_store(pin, 0, 3), 0);
	mmun_unpin(pin);
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_FREE), 0);
	pin = pin_page(w.mm, BASE, true);
	assert_int_equal(mmun_pin_store(pin, 0, 4), 0);
	mmun_unpin(pin);
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_true(softleaf_is_swap(mm_translate(w.mm, BASE)));

	/* A swapped page that is shared: pinned for reading it is a copy. */
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	pin = pin_page(w.mm, BASE, false);
	assert_true(exclusive(w.mm, BASE));
	assert_int_equal(pin_get(pin, 0), 4);
	cpu_put(&w, BASE, 5);
	assert_int_equal(pin_get(pin, 0), 5);
	assert_int_equal(peek(child, BASE), 4);
	mmun_unpin(pin);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

/* Merging pages that are in the swap cache, and taking merges of the moved back. */
static void test_ksm_swap(void **state)
{
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 1);
	assert_int_equal(mmun_madvise(w.mm, BASE, 2 * PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), -EFAULT);
	assert_int_equal(mmun_fork(w.mm, &child), 0); /* keeps the slots, and so the cache */
	cpu_put(&w, BASE, 1);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 1);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(mmun_migrate(w.mm, BASE), 0);
	assert_int_equal(frame_at(w.mm, BASE), frame_at(w.mm, BASE + PAGE));
	assert_int_equal(mmun_madvise(w.mm, BASE, 2 * PAGE, MMUN_MADV_UNMERGEABLE), 0);
	assert_int_not_equal(frame_at(w.mm, BASE), frame_at(w.mm, BASE + PAGE));
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(peek(child, BASE + PAGE), 1);

	/* Merged, given up, and dropped only when nobody has written it. */
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_DONTNEED), 0);
	assert_int_equal(mmun_madvise(w.mm, BASE + PAGE, PAGE, MMUN_MADV_PAGEOUT), 0);
	assert_true(softleaf_is_swap(mm_translate(w.mm, BASE + PAGE)));
	assert_int_equal(cpu_get(&w, BASE + PAGE), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

/* --- KSM ----------------------------------------------------------------- */

static int unmerge(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	int err;

	down_read(&mm->mmap_lock);
	err = ksm_unmerge(mm, vma_find(mm, start), start, end);
	up_read(&mm->mmap_lock);
	return err;
}

static void test_unmerge(void **state)
{
	struct mmun_mm *child;
	struct recorder r;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 5, RW);
	for (int i = 0; i < 4; i++)
		cpu_put(&w, BASE + (uint64_t)i * PAGE, i < 3);
	cpu_get(&w, BASE + 4 * PAGE);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + 2 * PAGE), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE + 2 * PAGE, PAGE, NONE), 0);
	recorder_begin(&r, w.mm, BASE);
	assert_int_equal(unmerge(w.mm, BASE, BASE + 2 * PAGE), 0);
	expect(&r, "S:clear[0,1)ro flush[0,1)none E[0,1)ro "
		   "S:clear[1,2)ro flush[1,2)ro E[1,2)ro");
	assert_int_equal(unmerge(w.mm, BASE, BASE + 2 * PAGE), 0);
	expect(&r, ""); /* nothing left to do, and what fork shares stays shared */
	assert_int_equal(unmerge(w.mm, BASE + 2 * PAGE, BASE + 3 * PAGE), 0);
	recorder_end_all(&r);
	assert_gone(&w, BASE + 2 * PAGE); /* it has a copy, and still no access */
	assert_int_equal(mmun_mprotect(w.mm, BASE + 2 * PAGE, PAGE, RW), 0);
	assert_int_not_equal(frame_at(w.mm, BASE), frame_at(w.mm, BASE + PAGE));
	assert_int_not_equal(frame_at(w.mm, BASE), frame_at(w.mm, BASE + 2 * PAGE));
	assert_int_equal(frame_at(w.mm, BASE + 3 * PAGE), frame_at(child, BASE + 3 * PAGE));
	for (int i = 0; i < 4; i++)
		assert_int_equal(cpu_get(&w, BASE + (uint64_t)i * PAGE), i < 3);
	cpu_put(&w, BASE, 7);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	audit_mm(w.mm);
	teardown(&w);
}

/* --- the OOM reaper ------------------------------------------------------ */

struct refuser {
	struct mmu_notifier mn;
	uint64_t from, to;    /* it would block here */
	unsigned starts, ends;
};

static int refuse_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct refuser *r = container_of(mn, struct refuser, mn);

	if (range->flags & MMU_NOTIFIER_RANGE_BLOCKABLE)
		return 0;
	assert_int_equal(range->event, MMU_NOTIFY_UNMAP);
	if (range->start < r->to && r->from < range->end)
		return -EAGAIN;
	r->starts++;
	return 0;
}

static void test_reap(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = refuse_start };
	struct refuser r = { .mn.ops = &ops, .from = SMALL, .to = SMALL + PAGE };
	struct mmun_pin *pin;
	struct mmun_mm *child;
	struct world w;
	uint64_t at;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_oom_reap(NULL), -EINVAL);
	assert_int_equal(mmun_oom_reap(w.mm), 0);
	map(w.mm, SMALL, 2, RW);
	map(w.mm, BASE, 3, RW);
	assert_int_equal(mmun_mmap(w.mm, BASE + 8 * PAGE, PAGE, RW, MMUN_MAP_SHARED |
				   MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at), 0);
	cpu_put(&w, SMALL, 1);
	cpu_put(&w, BASE, 2);
	cpu_put(&w, BASE + PAGE, 3);
	cpu_put(&w, BASE + 2 * PAGE, 4);
	cpu_put(&w, BASE + 8 * PAGE, 5);
	assert_int_equal(ats_get(&w, BASE), 2);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE + PAGE, PAGE, NONE), 0);
	pin = pin_page(w.mm, BASE + 2 * PAGE, true);
	assert_int_equal(mmu_notifier_register(&r.mn, w.mm), 0);
	assert_int_equal(mmun_oom_reap(w.mm), -EAGAIN);
	assert_int_equal(r.starts, 3);
	assert_int_equal(cpu_get(&w, SMALL), 1);
	assert_int_equal(ats_get(&w, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE), 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 8 * PAGE), 5);
	assert_int_equal(pin_get(pin, 0), 4);
	assert_int_equal(peek(child, BASE), 2);
	r.to = r.from;
	assert_int_equal(mmun_oom_reap(w.mm), 0);
	assert_int_equal(cpu_get(&w, SMALL), 0);
	mmu_notifier_unregister(&r.mn, w.mm);
	mmun_unpin(pin);
	assert_int_equal(mmun_mm_destroy(child), 0);
	audit_mm(w.mm);
	teardown(&w);
}

static void test_reap_order(void **state)
{
	static const char *const want[] = {
		"S:unmap[0,2)rw E[0,2)none flush[0,1)none",
		"S:unmap[0,2)rw flush[0,2)none E[0,2)none flush[0,1)none",
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct recorder r;
		struct world w;

		setup(&w, i ? MMUN_CLASSIC : MMUN_MODERN);
		map(w.mm, BASE, 2, RW);
		cpu_put(&w, BASE, 1);
		recorder_begin(&r, w.mm, BASE);
		assert_int_equal(mmun_oom_reap(w.mm), 0);
		expect(&r, want[i]);
		recorder_end_all(&r);
		teardown(&w);
	}
}

/* --- no memory ------------------------------------------------------------ */

static int pin_once(struct world *w)
{
	struct mmun_machine_opts opts = { .frames = 64 };
	struct mmun_pin *pin = NULL, *second = NULL;
	struct mmun_mm *child = NULL;
	uint64_t at;
	int err;

#define TRY(call) do { err = (call); if (err) goto out; } while (0)
	memset(w, 0, sizeof(*w));
	TRY(mmun_machine_create(&opts, &w->machine));
	TRY(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	TRY(mmun_mmap(w->mm, BASE, 2 * PAGE, RW, ANON | MMUN_MAP_FIXED, &at));
	TRY(mmun_pin(w->mm, BASE, true, &pin));
	TRY(mmun_fork(w->mm, &child));
	TRY(mmun_pin(child, BASE, false, &second));
	TRY(mmun_oom_reap(w->mm));
#undef TRY
out:
	mmun_unpin(pin);
	mmun_unpin(second);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	if (w->machine)
		assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	return err;
}

static void test_no_memory(void **state)
{
	(void)state;
	fail_each(pin_once, 15);
}

/* No frame for the copy: nothing is pinned, nothing is lost. */
static void test_no_frames(void **state)
{
	struct mmun_machine_opts opts = { .frames = 14 };
	struct mmun_pin *pin, *other;
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	map(w.mm, BASE, 8, RW);
	cpu_put(&w, BASE, 1);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	for (uint64_t a = BASE + PAGE; !mmun_cpu_store(w.cpu, a, 2); a += PAGE)
		;
	assert_int_equal(mmun_pin(w.mm, BASE, false, &pin), -ENOMEM);
	assert_int_equal(mmun_pin(w.mm, BASE, true, &pin), -ENOMEM);
	other = pin_page(w.mm, BASE + PAGE, true);
	assert_int_equal(cpu_get(&w, BASE), 1);
	assert_int_equal(mmun_mm_destroy(child), 0);
	pin = pin_page(w.mm, BASE, true);
	/* The child of a fork would need copies of pinned pages. */
	assert_int_equal(mmun_fork(w.mm, &child), -ENOMEM);
	assert_true(exclusive(w.mm, BASE));
	mmun_unpin(pin);
	mmun_unpin(other);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pin_errors),
		cmocka_unit_test(test_pin_contents),
		cmocka_unit_test(test_pin_outlives),
		cmocka_unit_test(test_pin_then_fork),
		cmocka_unit_test(test_fork_then_pin),
		cmocka_unit_test(test_pin_alone),
		cmocka_unit_test(test_pin_stays),
		cmocka_unit_test(test_pin_object),
		cmocka_unit_test(test_pin_huge),
		cmocka_unit_test(test_pin_huge_shared),
		cmocka_unit_test(test_pin_reclaim),
		cmocka_unit_test(test_ksm_swap),
		cmocka_unit_test(test_unmerge),
		cmocka_unit_test(test_reap),
		cmocka_unit_test(test_reap_order),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
