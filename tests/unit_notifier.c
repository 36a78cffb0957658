/* SPDX-License-Identifier: MIT */
/*
 * unit_notifier.c - every rule of the notifiers in one thread: who is told, when,
 * in which order; numbers of intervals; counting; what is refused; every
 * allocation made to fail. After each test nothing is left.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "vm/ops/ops.h"

#define PAGE PAGE_BYTES
#define BASE ((uint64_t)1 << 30)

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
};

static char log_text[512]; /* what the callbacks of this file note */

static void note(const char *what)
{
	size_t n = strlen(log_text);

	snprintf(log_text + n, sizeof(log_text) - n, "%s%s", n ? " " : "", what);
}

static void expect(const char *log)
{
	assert_string_equal(log_text, log);
	log_text[0] = '\0';
}

static void setup(struct world *w, enum mmun_semantics semantics)
{
	struct mmun_machine_opts opts = { .frames = 256 };

	log_text[0] = '\0';
	assert_int_equal(sync_alloc_live(), 0);
	assert_int_equal(mmun_machine_create(&opts, &w->machine), 0);
	assert_int_equal(mmun_mm_create(w->machine, semantics, &w->mm), 0);
}

static void teardown(struct world *w)
{
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
}

/* A pair, as an operation makes it: with mmap_lock held all the time. */
static void range_begin(struct mmu_notifier_range *r, struct mmun_mm *mm, uint64_t start,
			uint64_t end)
{
	down_read(&mm->mmap_lock);
	range_init(r, mm, MMU_NOTIFY_CLEAR, start, end);
	invalidate_range_start(r);
}

static void range_end(struct mmu_notifier_range *r)
{
	invalidate_range_end(r, MM_OP_SPLIT);
	up_read(&r->mm->mmap_lock);
}

static void pair(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct mmu_notifier_range r;

	range_begin(&r, mm, start, end);
	range_end(&r);
}

/* A pair that may not block; its error. */
static int pair_nonblock(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct mmu_notifier_range r;
	int err;

	down_read(&mm->mmap_lock);
	range_init(&r, mm, MMU_NOTIFY_UNMAP, start, end);
	err = invalidate_range_start_nonblock(&r);
	assert_false(mmu_notifier_range_blockable(&r));
	if (!err)
		invalidate_range_end(&r, MM_OP_SPLIT);
	up_read(&mm->mmap_lock);
	return err;
}

/* --- the tables ---------------------------------------------------------- */

static void test_tables(void **state)
{
	enum {
		C = FLUSH_POINT_CLEAR, S = FLUSH_POINT_SET, E = FLUSH_POINT_END,
		A = FLUSH_POINT_AFTER,
	};
	static const struct { enum mm_op op; unsigned modern, classic; } want[] = {
		{ MM_OP_COW, C, C }, { MM_OP_MUNMAP, A, E | A }, { MM_OP_MPROTECT, A, E | A },
		{ MM_OP_FORK, A, E }, { MM_OP_KSM_MERGE, C, E }, { MM_OP_REPLACE_PAGE, C, C | E },
		{ MM_OP_EXIT, A, E | A }, { MM_OP_MREMAP, C, E }, { MM_OP_DONTNEED, A, E | A },
		{ MM_OP_FREE, A, E | A }, { MM_OP_TRUNCATE, A, E | A },
		{ MM_OP_RECLAIM, C, S | E }, { MM_OP_MIGRATE, C, E }, { MM_OP_SPLIT, C, 0 },
		{ MM_OP_COLLAPSE, C, E }, { MM_OP_SOFT_DIRTY, A, E }, { MM_OP_UFFD_WP, A, E | A },
		{ MM_OP_UFFD_MOVE, C, C | E }, { MM_OP_NUMA, A, E | A }, { MM_OP_CLEAN, C, E },
		{ MM_OP_UPGRADE, S, 0 }, { MM_OP_AGE, 0, A },
	};
	struct world m, c;

	(void)state;
	assert_int_equal(ARRAY_SIZE(want), MM_OP_COUNT);
	setup(&m, MMUN_MODERN);
	assert_int_equal(mmun_mm_create(m.machine, MMUN_CLASSIC, &c.mm), 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(mm_flush_points(m.mm, want[i].op), want[i].modern);
		assert_int_equal(mm_flush_points(c.mm, want[i].op), want[i].classic);
	}
	assert_int_equal(mmun_mm_destroy(c.mm), 0);
	teardown(&m);
}

/* --- the list ------------------------------------------------------------ */

static int refuse; /* what ranges that may not block are answered */

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	note(mmu_notifier_range_blockable(r) ? "start" : "try");
	return 0;
}

static int on_start_refuse(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	note("asked");
	return mmu_notifier_range_blockable(r) ? 0 : refuse;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	note(mmu_notifier_range_blockable(r) ? "end" : "give-up");
}

static void on_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	(void)mn, (void)mm;
	assert_true(start < end);
	note("flush");
}

static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	(void)mn, (void)mm;
	note("release");
}

static const struct mmu_notifier_ops both_ops = {
	.invalidate_range_start = on_start, .invalidate_range_end = on_end,
};
static const struct mmu_notifier_ops refuse_ops = { .invalidate_range_start = on_start_refuse };
static const struct mmu_notifier_ops end_ops = { .invalidate_range_end = on_end };

/* Everything that registering refuses, in both eras. */
static void test_register_refuses(void **state)
{
	static const struct {
		struct mmu_notifier_ops ops;
		int modern, classic;
	} cases[] = {
		{ { .release = on_release }, 0, 0 },
		{ { .invalidate_range_start = on_start }, 0, 0 },
		{ { .arch_invalidate_secondary_tlbs = on_flush }, 0, -EINVAL },
		{ { .invalidate_range = on_flush }, -EINVAL, 0 },
		{ { .arch_invalidate_secondary_tlbs = on_flush,
		    .invalidate_range_start = on_start }, -EINVAL, -EINVAL },
		{ { .arch_invalidate_secondary_tlbs = on_flush,
		    .invalidate_range_end = on_end }, -EINVAL, -EINVAL },
		{ { .invalidate_range = on_flush, .invalidate_range_start = on_start,
		    .invalidate_range_end = on_end }, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		bool classic = i % 2;
		int want = classic ? cases[i / 2].classic : cases[i / 2].modern;
		struct mmu_notifier mn = { .ops = &cases[i / 2].ops };
		struct world w;

		setup(&w, classic ? MMUN_CLASSIC : MMUN_MODERN);
		assert_int_equal(mmu_notifier_register(&mn, w.mm), want);
		if (!want)
			assert_int_equal(mmu_notifier_register(&mn, w.mm), -EINVAL);
		mmu_notifier_unregister(&mn, w.mm);
		teardown(&w);
	}
}

/* One refuses: all were asked, and who has an end was told. */
static void test_nonblock(void **state)
{
	struct mmu_notifier a = { .ops = &both_ops }, b = { .ops = &refuse_ops };
	struct mmu_notifier c = { .ops = &end_ops };
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmu_notifier_register(&a, w.mm), 0);
	assert_int_equal(mmu_notifier_register(&b, w.mm), 0); /* asked before a */
	assert_int_equal(mmu_notifier_register(&c, w.mm), 0);
	refuse = -EAGAIN;
	pair(w.mm, BASE, BASE + PAGE);
	expect("asked start end end");
	assert_int_equal(pair_nonblock(w.mm, BASE, BASE + PAGE), -EAGAIN);
	expect("asked try give-up give-up");
	refuse = 0;
	assert_int_equal(pair_nonblock(w.mm, BASE, BASE + PAGE), 0);
	expect("asked try give-up give-up");
	mmu_notifier_unregister(&c, w.mm);
	mmu_notifier_unregister(&a, w.mm);
	mmu_notifier_unregister(&b, w.mm);
	teardown(&w);
}

static int owner; /* its address */

static int on_start_owner(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	note(r->owner == &owner ? "mine" : "other's");
	return 0;
}

static void test_owner(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = on_start_owner };
	struct mmu_notifier mn = { .ops = &ops };
	struct mmu_notifier_range r;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
	down_read(&w.mm->mmap_lock);
	range_init_owner(&r, w.mm, MMU_NOTIFY_MIGRATE, BASE, BASE + PAGE, &owner);
	invalidate_range_start(&r);
	range_end(&r);
	pair(w.mm, BASE, BASE + PAGE);
	expect("mine other's");
	mmu_notifier_unregister(&mn, w.mm);
	teardown(&w);
}

/* --- accessed bits, new pages -------------------------------------------- */

struct young { struct mmu_notifier mn; bool young; };

static bool young_clear(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct young *y = container_of(mn, struct young, mn);
	bool was = y->young;

	(void)mm;
	assert_int_equal(end - start, PAGE);
	y->young = false;
	return was;
}

static bool young_test(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr)
{
	(void)mm;
	assert_int_equal(addr, BASE);
	return container_of(mn, struct young, mn)->young;
}

static void test_young(void **state)
{
	static const struct mmu_notifier_ops clear_ops = {
		.clear_flush_young = young_clear, .test_young = young_test,
	};
	static const struct mmu_notifier_ops lazy_ops = {
		.clear_young = young_clear, .test_young = young_test,
	};
	struct young a = { .mn.ops = &clear_ops }, b = a, c = { .mn.ops = &lazy_ops };
	struct mmu_notifier none = { .ops = &both_ops };
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmu_notifier_register(&a.mn, w.mm), 0);
	assert_int_equal(mmu_notifier_register(&b.mn, w.mm), 0);
	assert_int_equal(mmu_notifier_register(&c.mn, w.mm), 0);
	assert_int_equal(mmu_notifier_register(&none, w.mm), 0);
	down_read(&w.mm->mmap_lock);
	assert_false(notify_test_young(&w.mm->domain, BASE));
	assert_false(notify_clear_flush_young(&w.mm->domain, BASE, BASE + PAGE));
	a.young = b.young = c.young = true; /* one yes does not spare the others */
	assert_true(notify_test_young(&w.mm->domain, BASE));
	assert_true(notify_clear_flush_young(&w.mm->domain, BASE, BASE + PAGE));
	assert_false(a.young || b.young);
	assert_true(c.young && notify_test_young(&w.mm->domain, BASE));
	assert_true(notify_clear_young(&w.mm->domain, BASE, BASE + PAGE));
	assert_false(c.young || notify_clear_young(&w.mm->domain, BASE, BASE + PAGE));
	up_read(&w.mm->mmap_lock);
	mmu_notifier_unregister(&none, w.mm);
	mmu_notifier_unregister(&c.mn, w.mm);
	mmu_notifier_unregister(&b.mn, w.mm);
	mmu_notifier_unregister(&a.mn, w.mm);
	teardown(&w);
}

static void on_change(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr, uint64_t frame,
		      bool writable)
{
	(void)mn, (void)mm;
	assert_int_equal(addr, BASE);
	assert_int_equal(frame, 7);
	note(writable ? "change:rw" : "change:ro");
}

static void test_change_pte(void **state)
{
	static const struct mmu_notifier_ops ops = { .change_pte = on_change };
	struct mmu_notifier mn = { .ops = &ops };
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmu_notifier_register(&mn, w.mm), -EINVAL);
	teardown(&w);
	setup(&w, MMUN_CLASSIC);
	assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
	down_read(&w.mm->mmap_lock);
	notify_change_pte(&w.mm->domain, BASE, pte_make((pfn_t){ 7 }, PTE_WRITABLE));
	notify_change_pte(&w.mm->domain, BASE, pte_make((pfn_t){ 7 }, PTE_READ_ONLY));
	up_read(&w.mm->mmap_lock);
	expect("change:rw change:ro");
	mmu_notifier_unregister(&mn, w.mm);
	teardown(&w);
}

/* --- get and put --------------------------------------------------------- */

static struct mmu_notifier *counted_alloc(struct mmun_mm *mm)
{
	struct mmu_notifier *mn = sync_alloc(sizeof(*mn));

	assert_non_null(mm);
	note(mn ? "alloc" : "no-memory");
	if (mn)
		memset(mn, 0xa5, sizeof(*mn));
	return mn;
}

static void counted_free(struct mmu_notifier *mn)
{
	assert_non_null(mn->mm);
	note("free");
	sync_free(mn);
}

static void put_in_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	assert_ptr_equal(mn->mm, mm);
	note("release");
	mmu_notifier_put(mn);
	note("put");
}

static const struct mmu_notifier_ops counted_ops = {
	.release = on_release, .invalidate_range_start = on_start,
	.alloc_notifier = counted_alloc, .free_notifier = counted_free,
};
static const struct mmu_notifier_ops putting_ops = {
	.release = put_in_release, .invalidate_range_start = on_start,
	.alloc_notifier = counted_alloc, .free_notifier = counted_free,
};

static void test_get_put(void **state)
{
	struct mmu_notifier_ops odd = counted_ops;
	struct mmu_notifier *a, *b, *c;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmu_notifier_get(NULL, w.mm, &a), -EINVAL);
	assert_int_equal(mmu_notifier_get(&counted_ops, NULL, &a), -EINVAL);
	assert_int_equal(mmu_notifier_get(&counted_ops, w.mm, NULL), -EINVAL);
	assert_int_equal(mmu_notifier_get(&both_ops, w.mm, &a), -EINVAL);
	odd.invalidate_range = on_flush;
	assert_int_equal(mmu_notifier_get(&odd, w.mm, &a), -EINVAL);
	mmu_notifier_put(NULL);
	mmu_notifier_synchronize(NULL);

	assert_int_equal(mmu_notifier_get(&counted_ops, w.mm, &a), 0);
	assert_int_equal(mmu_notifier_get(&counted_ops, w.mm, &b), 0);
	assert_int_equal(mmu_notifier_get(&putting_ops, w.mm, &c), 0);
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	expect("alloc alloc");
	pair(w.mm, BASE, BASE + PAGE);
	expect("start start");
	mmu_notifier_put(a);
	expect("");
	mmu_notifier_put(b); /* no release */
	mmu_notifier_synchronize(w.machine);
	expect("free");
	pair(w.mm, BASE, BASE + PAGE);
	expect("start");
	down_write(&w.mm->mmap_lock); /* put takes no lock, and so does who frees */
	mmu_notifier_put(c);
	mmu_notifier_synchronize(w.machine);
	up_write(&w.mm->mmap_lock);
	expect("free");
	teardown(&w);
}

static void test_get_put_exit(void **state)
{
	struct mmu_notifier *a, *b;
	struct world w;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	assert_int_equal(mmu_notifier_get(&counted_ops, w.mm, &a), 0);
	assert_int_equal(mmu_notifier_get(&putting_ops, w.mm, &b), 0);
	expect("alloc alloc");
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	mmu_notifier_synchronize(w.machine);
	expect("release put release free"); /* the newest first; freed when all are over */
	assert_int_equal(mmu_notifier_get(&counted_ops, w.mm, &b), -EINVAL);
	assert_int_equal(mmu_notifier_get(&putting_ops, w.mm, &b), -EINVAL);
	expect("");
	assert_int_equal(mmun_machine_destroy(w.machine), -EBUSY);
	mmu_notifier_put(a);
	mmu_notifier_synchronize(w.machine);
	expect("free");
	w.mm = NULL;
	teardown(&w);
}

static struct mmu_notifier *put_by_release;

static void put_another(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	on_release(mn, mm);
	mmu_notifier_put(put_by_release);
}

/* A notifier that is put while others are released is not released itself. */
static void test_put_another(void **state)
{
	static const struct mmu_notifier_ops ops = { .release = put_another };
	struct mmu_notifier mn = { .ops = &ops };
	struct world w;

	(void)state;
	for (int by_exit = 0; by_exit < 2; by_exit++) {
		setup(&w, MMUN_MODERN);
		assert_int_equal(mmu_notifier_get(&counted_ops, w.mm, &put_by_release), 0);
		assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
		expect("alloc");
		if (!by_exit)
			mmu_notifier_unregister(&mn, w.mm);
		assert_int_equal(mmun_mm_destroy(w.mm), 0);
		mmu_notifier_synchronize(w.machine);
		expect("release free");
		if (by_exit)
			mmu_notifier_unregister(&mn, w.mm);
		expect("");
		w.mm = NULL;
		teardown(&w);
	}
}

/* --- intervals ----------------------------------------------------------- */

struct watcher {
	struct mmu_interval_notifier sub;
	struct mmu_interval_notifier_finish finish;
	const char *name;
	bool refuse, two_passes;
	unsigned calls;
	enum mmu_notifier_event event; /* of the last call */
	uint64_t seq;
};

static bool watcher_told(struct watcher *w, const struct mmu_notifier_range *r, uint64_t seq)
{
	if (w->refuse && !mmu_notifier_range_blockable(r))
		return false;
	assert_true(r->start < r->end && r->start <= w->sub.last && w->sub.start < r->end);
	assert_int_equal(seq % 2, 1);
	mmu_interval_set_seq(&w->sub, seq);
	w->calls++;
	w->event = r->event;
	w->seq = seq;
	if (w->name)
		note(w->name);
	return true;
}

static bool on_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *r,
			  uint64_t seq)
{
	return watcher_told(container_of(sub, struct watcher, sub), r, seq);
}

static bool on_invalidate_start(struct mmu_interval_notifier *sub,
				const struct mmu_notifier_range *r, uint64_t seq,
				struct mmu_interval_notifier_finish **finish)
{
	struct watcher *w = container_of(sub, struct watcher, sub);

	assert_null(*finish);
	if (!watcher_told(w, r, seq))
		return false;
	if (w->two_passes)
		*finish = &w->finish;
	return true;
}

static void on_invalidate_finish(struct mmu_interval_notifier_finish *finish)
{
	struct watcher *w = container_of(finish, struct watcher, finish);

	assert_ptr_equal(finish->notifier, &w->sub);
	memset(finish, 0xa5, sizeof(*finish)); /* it is ours again */
	note("finish");
}

static const struct mmu_interval_notifier_ops one_pass = { .invalidate = on_invalidate };
static const struct mmu_interval_notifier_ops two_passes = {
	.invalidate_start = on_invalidate_start, .invalidate_finish = on_invalidate_finish,
};

static void watch(struct watcher *w, struct mmun_mm *mm, uint64_t page, uint64_t pages)
{
	w->calls = 0;
	assert_int_equal(mmu_interval_notifier_insert(&w->sub, mm, BASE + page * PAGE,
						      pages * PAGE, &one_pass), 0);
}

static void test_interval_arguments(void **state)
{
	static const struct mmu_interval_notifier_ops none = { .invalidate = NULL };
	static const struct mmu_interval_notifier_ops half = {
		.invalidate = on_invalidate, .invalidate_start = on_invalidate_start,
	};
	static const struct mmu_interval_notifier_ops other_half = {
		.invalidate = on_invalidate, .invalidate_finish = on_invalidate_finish,
	};
	static const struct {
		uint64_t start, length;
		const struct mmu_interval_notifier_ops *ops;
		int err;
	} cases[] = {
		{ BASE, PAGE, NULL, -EINVAL }, { BASE, PAGE, &none, -EINVAL },
		{ BASE, PAGE, &half, -EINVAL }, { BASE, PAGE, &other_half, -EINVAL },
		{ BASE, 0, &one_pass, -EOVERFLOW },
		{ BASE, UINT64_MAX - BASE + 1, &one_pass, -EOVERFLOW },
		{ TASK_BYTES, PAGE, &one_pass, -EINVAL },
		{ BASE, UINT64_MAX - BASE, &one_pass, 0 }, { 0, UINT64_MAX, &one_pass, 0 },
		{ TASK_BYTES - 1, 1, &two_passes, 0 },
	};
	struct watcher a;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmu_interval_notifier_insert(NULL, w.mm, 0, PAGE, &one_pass), -EINVAL);
	assert_int_equal(mmu_interval_notifier_insert(&a.sub, NULL, 0, PAGE, &one_pass), -EINVAL);
	mmu_interval_notifier_remove(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&a, i % 2 ? 0xa5 : 0, sizeof(a));
		if (cases[i].err && i % 2)
			a.sub.domain = NULL;
		assert_int_equal(mmu_interval_notifier_insert(&a.sub, w.mm, cases[i].start,
							      cases[i].length, cases[i].ops),
				 cases[i].err);
		mmu_interval_notifier_remove(&a.sub); /* what was refused: nothing */
	}
	mmu_interval_notifier_remove(&a.sub);         /* again: nothing */
	teardown(&w);
}

/* Who is told, at the edges; and the numbers. */
static void test_interval_numbers(void **state)
{
	static const struct { uint64_t start, end; bool told; } ranges[] = {
		{ 0, 2, false }, { 0, 3, true }, { 2, 3, true }, { 3, 4, true }, { 4, 5, true },
		{ 5, 6, false }, { 5, 9, false }, { 0, 9, true }, { 4, 9, true },
	};
	struct mmu_notifier_range r, inner;
	struct watcher a = { 0 };
	struct world w;
	uint64_t seq, later;

	(void)state;
	setup(&w, MMUN_MODERN);
	watch(&a, w.mm, 2, 3);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		unsigned calls = a.calls;

		seq = mmu_interval_read_begin(&a.sub);
		assert_int_equal(seq % 2, 1);
		assert_false(mmu_interval_read_retry(&a.sub, seq));
		pair(w.mm, BASE + ranges[i].start * PAGE, BASE + ranges[i].end * PAGE);
		assert_int_equal(a.calls, calls + ranges[i].told);
		assert_int_equal(mmu_interval_read_retry(&a.sub, seq), ranges[i].told);
		assert_int_equal(mmu_interval_check_retry(&a.sub, seq), ranges[i].told);
	}
	/* Pairs that overlap in time are one period, whatever their ranges are. */
	range_begin(&r, w.mm, BASE + 2 * PAGE, BASE + 3 * PAGE);
	seq = a.seq;
	range_init(&inner, w.mm, MMU_NOTIFY_CLEAR, BASE + 4 * PAGE, BASE + 5 * PAGE);
	invalidate_range_start(&inner);
	assert_int_equal(a.seq, seq);
	invalidate_range_end(&inner, MM_OP_SPLIT);
	range_init(&inner, w.mm, MMU_NOTIFY_CLEAR, BASE + 2 * PAGE, BASE + 5 * PAGE);
	invalidate_range_start(&inner);
	assert_int_equal(a.seq, seq);
	invalidate_range_end(&inner, MM_OP_SPLIT);
	range_end(&r);
	later = mmu_interval_read_begin(&a.sub);
	assert_int_equal(later, seq);
	pair(w.mm, BASE + 2 * PAGE, BASE + 3 * PAGE);
	assert_int_equal(a.seq, seq + 2);
	mmu_interval_notifier_remove(&a.sub);
	pair(w.mm, BASE, BASE + 9 * PAGE);
	assert_int_equal(a.seq, seq + 2);
	teardown(&w);
}

/* Inserted or removed while pairs are under way. */
static void test_interval_deferred(void **state)
{
	struct watcher a = { 0 }, b = { 0 }, c = { 0 };
	struct mmu_notifier_range r, other;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	watch(&a, w.mm, 0, 1);
	range_begin(&r, w.mm, BASE, BASE + PAGE);               /* odd: put off */
	assert_int_equal(a.calls, 1);
	watch(&b, w.mm, 0, 1);
	assert_int_equal(b.sub.invalidate_seq, a.seq);          /* read_begin would wait */
	watch(&c, w.mm, 0, 1);
	range_init(&other, w.mm, MMU_NOTIFY_CLEAR, BASE, BASE + PAGE);
	invalidate_range_start(&other);
	assert_int_equal(b.calls + c.calls, 0);                 /* not in the tree yet */
	invalidate_range_end(&other, MM_OP_SPLIT);
	mmu_interval_notifier_remove(&c.sub);                   /* and never will be */
	range_end(&r);
	assert_int_equal(mmu_interval_read_begin(&b.sub), a.seq);
	pair(w.mm, BASE, BASE + PAGE);
	assert_int_equal(b.calls, 1);
	assert_int_equal(c.calls, 0);

	range_begin(&r, w.mm, BASE + PAGE, BASE + 2 * PAGE);    /* even: nobody's */
	mmu_interval_notifier_remove(&b.sub);                   /* need not wait */
	watch(&c, w.mm, 1, 1);                                  /* may be c's range: odd */
	assert_int_equal(c.sub.invalidate_seq, a.seq + 2);
	range_init(&other, w.mm, MMU_NOTIFY_CLEAR, BASE, BASE + 2 * PAGE);
	invalidate_range_start(&other);
	assert_int_equal(c.calls, 1);                           /* in the tree at once */
	assert_int_equal(c.seq, c.sub.invalidate_seq);
	invalidate_range_end(&other, MM_OP_SPLIT);
	range_end(&r);
	mmu_interval_notifier_remove(&a.sub);
	mmu_interval_notifier_remove(&c.sub);
	teardown(&w);
}

/* Intervals are asked before the list, which is not asked if one refuses. */
static void test_interval_nonblock(void **state)
{
	struct mmu_notifier mn = { .ops = &both_ops }, no = { .ops = &refuse_ops };
	struct watcher a = { .name = "a" }, b = { .name = "b" };
	struct world w;
	uint64_t seq;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	refuse = -EAGAIN;
	watch(&a, w.mm, 0, 1);
	watch(&b, w.mm, 1, 1);
	assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
	pair(w.mm, BASE, BASE + 2 * PAGE);
	expect("a b start end");
	assert_int_equal(pair_nonblock(w.mm, BASE, BASE + 2 * PAGE), 0);
	expect("a b try give-up");
	b.refuse = true;
	assert_int_equal(pair_nonblock(w.mm, BASE, BASE + 2 * PAGE), -EAGAIN);
	expect("a");
	seq = mmu_interval_read_begin(&a.sub);                  /* the period is over */
	assert_int_equal(pair_nonblock(w.mm, BASE, BASE + PAGE), 0);
	expect("a try give-up");
	assert_true(mmu_interval_read_retry(&a.sub, seq));

	assert_int_equal(mmu_notifier_register(&no, w.mm), 0);
	assert_int_equal(pair_nonblock(w.mm, BASE, BASE + PAGE), -EAGAIN);
	expect("a asked try give-up");                          /* mn's end */
	(void)mmu_interval_read_begin(&a.sub);                  /* over again */
	pair(w.mm, BASE + PAGE, BASE + 2 * PAGE);               /* and may block: not refused */
	expect("b asked start end");
	mmu_notifier_unregister(&no, w.mm);
	mmu_notifier_unregister(&mn, w.mm);
	mmu_interval_notifier_remove(&a.sub);
	mmu_interval_notifier_remove(&b.sub);
	teardown(&w);
}

static void test_interval_passes(void **state)
{
	struct watcher s[4] = {
		{ .name = "a", .two_passes = true }, { .name = "b" },
		{ .name = "c", .two_passes = true }, { .name = "d" },
	};
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	for (int i = 0; i < 4; i++)
		assert_int_equal(mmu_interval_notifier_insert(&s[i].sub, w.mm,
			BASE + (uint64_t)i * PAGE, PAGE, i == 3 ? &one_pass : &two_passes), 0);
	pair(w.mm, BASE, BASE + 9 * PAGE);
	expect("a b c d finish finish");
	pair(w.mm, BASE + PAGE, BASE + 2 * PAGE);
	expect("b");
	s[1].refuse = true;
	assert_int_equal(pair_nonblock(w.mm, BASE, BASE + 9 * PAGE), -EAGAIN);
	expect("a finish"); /* what was begun is finished */
	for (int i = 0; i < 4; i++)
		mmu_interval_notifier_remove(&s[i].sub);
	teardown(&w);
}

static void test_interval_exit(void **state)
{
	struct mmu_notifier mn = { .ops = &counted_ops };
	struct watcher a = { .name = "a" }, b = { .name = "b" };
	struct world w;
	uint64_t seq;

	(void)state;
	setup(&w, MMUN_MODERN);
	watch(&a, w.mm, 0, 1);
	assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
	a.event = MMU_NOTIFY_CLEAR;
	seq = mmu_interval_read_begin(&a.sub);
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	expect("a release a");  /* RELEASE, before the list; and the unmapping */
	assert_int_equal(a.event, MMU_NOTIFY_UNMAP);
	assert_true(mmu_interval_read_retry(&a.sub, seq));
	(void)mmu_interval_read_begin(&a.sub);
	assert_int_equal(mmu_interval_notifier_insert(&b.sub, w.mm, BASE, PAGE, &one_pass),
			 -EINVAL);
	mmu_interval_notifier_remove(&b.sub);
	assert_int_equal(mmun_machine_destroy(w.machine), -EBUSY);
	mmu_interval_notifier_remove(&a.sub);
	mmu_notifier_unregister(&mn, w.mm);
	w.mm = NULL;
	teardown(&w);

	/* The first interval comes too late. */
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	assert_int_equal(mmu_interval_notifier_insert(&b.sub, w.mm, BASE, PAGE, &one_pass),
			 -EINVAL);
	mmu_notifier_unregister(&mn, w.mm);
	w.mm = NULL;
	teardown(&w);
}

/* Many, a part of them inserted during one period, against looking at each. */
static void test_interval_many(void **state)
{
	enum { MANY = 700, PAGES = 1000 };
	static struct watcher s[MANY];
	struct mmu_notifier_range r;
	uint64_t random = 1;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	memset(s, 0, sizeof(s));
	for (int i = 0; i < MANY; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (i == 30)
			range_begin(&r, w.mm, BASE, BASE + PAGES * PAGE);
		watch(&s[i], w.mm, (random >> 33) % PAGES, 1 + (random >> 50) % 20);
		if (i > 30 && i % 3 == 0)
			mmu_interval_notifier_remove(&s[i].sub);
	}
	sync_alloc_fail_at(1); /* the end takes what insert has laid aside */
	range_end(&r);
	assert_false(sync_alloc_fail_clear());
	for (int i = 0; i < MANY; i++)
		assert_int_equal(s[i].calls, i < 30);
	for (uint64_t p = 0; p < PAGES; p += 13) {
		pair(w.mm, BASE + p * PAGE, BASE + (p + 5) * PAGE);
		for (int i = 0; i < MANY; i++) {
			uint64_t lo = s[i].sub.start, hi = s[i].sub.last;
			bool hit = (i <= 30 || i % 3) && lo < BASE + (p + 5) * PAGE &&
				   hi >= BASE + p * PAGE;

			assert_int_equal(s[i].calls, hit + (p ? 0 : i < 30));
			s[i].calls = 0;
		}
	}
	for (int i = 0; i < MANY; i++)
		mmu_interval_notifier_remove(&s[i].sub);
	teardown(&w);
}

/* --- broken rules -------------------------------------------------------- */

static int error_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn, (void)r;
	return -EAGAIN;
}

static int other_error_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	return mmu_notifier_range_blockable(r) ? 0 : -EIO;
}

static int unregister_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	mmu_notifier_unregister(mn, r->mm);
	return 0;
}

static const struct mmu_notifier_ops broken[] = {
	{ .invalidate_range_start = error_start },
	{ .invalidate_range_start = other_error_start },
	{ .invalidate_range_start = on_start_refuse, .invalidate_range_end = on_end },
	{ .invalidate_range_start = unregister_start },
};

/* Each ends the program, which is therefore a child. */
static void test_broken_rules(void **state)
{
	(void)state;
#ifndef MMUN_DEBUG
	skip();
#endif
	refuse = -EAGAIN;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct mmu_notifier mn = { .ops = &broken[i] };
		struct world w;
		pid_t child;
		int status;

		setup(&w, MMUN_MODERN);
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			signal(SIGABRT, SIG_DFL);
			(void)!freopen("/dev/null", "w", stderr);
			mmu_notifier_register(&mn, w.mm);
			pair(w.mm, BASE, BASE + PAGE);
			(void)pair_nonblock(w.mm, BASE, BASE + PAGE);
			mmu_notifier_unregister(&mn, w.mm);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		teardown(&w);
	}
}

/* --- allocations that fail ----------------------------------------------- */

static void test_no_memory(void **state)
{
	struct mmu_notifier_range r;
	struct watcher s[64];
	struct mmu_notifier *mn;
	struct world w;
	unsigned failed = 0;
	uint64_t live;

	(void)state;
	setup(&w, MMUN_MODERN);
	memset(s, 0, sizeof(s));
	live = sync_alloc_live();
	sync_alloc_fail_at(1);
	assert_int_equal(mmu_notifier_get(&counted_ops, w.mm, &mn), -ENOMEM);
	assert_true(sync_alloc_fail_clear());
	expect("no-memory");
	assert_int_equal(sync_alloc_live(), live);
	/* Each allocation of each insertion, at once and put off. */
	for (int i = 0; i < 64; i++) {
		if (i == 40)
			range_begin(&r, w.mm, BASE, BASE + PAGE);
		for (uint64_t n = 1;; n++) {
			int err;

			sync_alloc_fail_at(n);
			err = mmu_interval_notifier_insert(&s[i].sub, w.mm, BASE, PAGE,
							   &one_pass);
			if (!sync_alloc_fail_clear()) {
				assert_int_equal(err, 0);
				break;
			}
			assert_int_equal(err, -ENOMEM);
			assert_null(s[i].sub.mm);
			mmu_interval_notifier_remove(&s[i].sub);
			failed++;
		}
	}
	sync_alloc_fail_at(1);
	range_end(&r);
	assert_false(sync_alloc_fail_clear());
	assert_true(failed > 5);
	for (int i = 0; i < 64; i++)
		s[i].calls = 0;
	pair(w.mm, BASE, BASE + PAGE);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(s[i].calls, 1);
		mmu_interval_notifier_remove(&s[i].sub);
	}
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_register_refuses),
		cmocka_unit_test(test_nonblock),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_young),
		cmocka_unit_test(test_change_pte),
		cmocka_unit_test(test_get_put),
		cmocka_unit_test(test_get_put_exit),
		cmocka_unit_test(test_put_another),
		cmocka_unit_test(test_interval_arguments),
		cmocka_unit_test(test_interval_numbers),
		cmocka_unit_test(test_interval_deferred),
		cmocka_unit_test(test_interval_nonblock),
		cmocka_unit_test(test_interval_passes),
		cmocka_unit_test(test_interval_exit),
		cmocka_unit_test(test_interval_many),
		cmocka_unit_test(test_broken_rules),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("notifier", tests, NULL, NULL);
}
