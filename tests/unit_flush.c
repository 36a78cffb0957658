/* SPDX-License-Identifier: MIT */
/*
 * unit_flush.c - what each operation's flush is of: a TLB of the library's own kind is
 * subscribed and writes down the values that it is given. And the value itself: what two of
 * them are together, and when one may be given to a TLB.
 */
#include <errno.h>

#include "unit_world.h"

enum { ALL_LEVELS = FLUSH_LEVELS, HUGE_PAGES = HUGE_BYTES / PAGE_BYTES };

/* Writes "[0,1)0": pages from BASE, then the levels; "t": tables were freed; "all"; and "." for
 * each flush that is over. */
struct listener {
	struct mmu_notifier mn;
	const char *name;
};

static char log_text[512];

static void say(const char *text)
{
	size_t n = strlen(log_text);

	snprintf(log_text + n, sizeof(log_text) - n, "%s", text);
}

static void on_submit(struct mmu_notifier *mn, struct flush f)
{
	struct listener *l = container_of(mn, struct listener, mn);
	char range[64];

	snprintf(range, sizeof(range), "[%ld,%ld)",
		 (long)((int64_t)(f.start - BASE) / (int64_t)PAGE),
		 (long)((int64_t)(f.end - BASE) / (int64_t)PAGE));
	say(l->name);
	say(f.everything ? "all" : range);
	for (unsigned level = 0; !f.everything && level < TABLE_LEVELS; level++)
		if (f.levels >> level & 1)
			say((char[]){ (char)('0' + level), '\0' });
	say(f.freed_tables && !f.everything ? "t" : "");
}

static void on_done(struct mmu_notifier *mn, struct flush f)
{
	(void)f;
	say(container_of(mn, struct listener, mn)->name);
	say(".");
}

static void listen(struct listener *l, struct world *w, const char *name)
{
	static const struct notify_tlb_ops tlb_ops = { .submit = on_submit, .done = on_done };
	static const struct mmu_notifier_ops ops = { .release = NULL };

	*l = (struct listener){ .mn = { .ops = &ops, .tlb = &tlb_ops }, .name = name };
	log_text[0] = '\0';
	assert_int_equal(mmu_notifier_register(&l->mn, w->mm), 0);
}

static void expect_log(const char *log)
{
	assert_string_equal(log_text, log);
	log_text[0] = '\0';
}

static void fill(struct world *w, uint64_t page, uint64_t pages)
{
	for (uint64_t i = page; i < page + pages; i++)
		cpu_put(w, BASE + i * PAGE, i);
	log_text[0] = '\0';
}

/* --- the value ------------------------------------------------------------ */

static void value_grows(void **state)
{
	struct flush f = flush_nothing();

	(void)state;
	assert_true(flush_is_empty(&f));
	flush_join(&f, flush_nothing());
	assert_true(flush_is_empty(&f));
	flush_join(&f, flush_entry(BASE, 1));
	assert_true(flush_is_valid(&f));
	assert_int_equal(flush_stride(&f), HUGE_BYTES);
	flush_join(&f, flush_page(BASE - PAGE));
	assert_true(flush_is_valid(&f));
	assert_int_equal(f.start, BASE - PAGE);
	assert_int_equal(f.end, BASE + HUGE_BYTES);
	assert_int_equal(flush_stride(&f), PAGE);
	assert_false(f.freed_tables);
	flush_join(&f, flush_table(BASE, 1));
	assert_true(f.freed_tables);
	assert_int_equal(f.levels, 1 << 0 | 1 << 1);
	flush_join(&f, flush_everything());
	assert_true(f.everything);
	assert_true(flush_is_valid(&f));
	assert_int_equal(f.levels, ALL_LEVELS);
}

static void value_is_valid(void **state)
{
	struct flush f = flush_range(0, TASK_BYTES);

	(void)state;
	assert_true(f.everything);
	f = flush_range(0, TASK_BYTES - PAGE);
	assert_false(f.everything);
	assert_true(flush_is_valid(&f));
	f = flush_entries(BASE, BASE + PAGE, 1); /* less than an entry of that level */
	assert_false(flush_is_valid(&f));
	f = flush_range(BASE, BASE + PAGE / 2);
	assert_false(flush_is_valid(&f));
	f = (struct flush){ .start = BASE, .end = BASE + PAGE }; /* of no level */
	assert_false(flush_is_valid(&f));
}

/* --- operations ----------------------------------------------------------- */

static void small_pages(void **state)
{
	struct listener l;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	listen(&l, &w, "");
	map(w.mm, BASE, 8, RW);
	cpu_get(&w, BASE);
	cpu_put(&w, BASE, 1);
	expect_log("[0,1)0."); /* the zero page */
	fill(&w, 0, 8);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 2 * PAGE, RO), 0);
	expect_log("[0,2)01.");
	assert_int_equal(mmun_madvise(w.mm, BASE + 4 * PAGE, 2 * PAGE, MMUN_MADV_FREE), 0);
	expect_log("[4,6)0.");
	assert_int_equal(mmun_madvise(w.mm, BASE + 2 * PAGE, 2 * PAGE, MMUN_MADV_DONTNEED), 0);
	expect_log("[2,4)0.");
	assert_int_equal(mmun_migrate(w.mm, BASE + 4 * PAGE), 0);
	expect_log("all."); /* the CPUs' is batched */
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	expect_log("all.");
	assert_int_equal(mmun_munmap(w.mm, BASE + 6 * PAGE, PAGE), 0);
	expect_log("[6,7)0.");
	/* The last of them takes tables along: what maps 1 GiB from BASE, and more. */
	assert_int_equal(mmun_munmap(w.mm, BASE, 8 * PAGE), 0);
	assert_non_null(strstr(log_text, "t."));
	assert_null(strstr(log_text, "all"));
	mmu_notifier_unregister(&l.mn, w.mm);
	teardown(&w);
}

static void fork_is_of_everything(void **state)
{
	struct mmun_mm *child;
	struct listener l;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	listen(&l, &w, "");
	map(w.mm, BASE, 1, RW);
	fill(&w, 0, 1);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	expect_log("all.");
	assert_int_equal(mmun_mm_destroy(child), 0);
	mmu_notifier_unregister(&l.mn, w.mm);
	teardown(&w);
}

static void huge_pages(void **state)
{
	static const struct mmun_machine_opts opts = { .frames = 2048, .huge_frames = 4 };
	uint64_t at = BASE + 2 * HUGE_BYTES, moved;
	struct listener l;
	struct world w;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	listen(&l, &w, "");
	map(w.mm, BASE, HUGE_PAGES, RW);
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_HUGEPAGE), 0);
	cpu_put(&w, BASE, 1);
	expect_log("");
	assert_int_equal(mmun_mremap(w.mm, BASE, HUGE_BYTES, HUGE_BYTES,
				     MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, at, &moved), 0);
	assert_memory_equal(log_text, "[0,512)1.", 9);
	log_text[0] = '\0';
	assert_int_equal(mmun_mprotect(w.mm, at, PAGE, RO), 0); /* splits the entry first */
	expect_log("[1024,1536)1.[1024,1025)01.");
	/* Now by the table: what a walk remembers of it is stale. */
	assert_int_equal(mmun_mprotect(w.mm, at, PAGE, RW), 0);
	log_text[0] = '\0';
	assert_int_equal(mmun_mremap(w.mm, at, HUGE_BYTES, HUGE_BYTES,
				     MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, BASE, &moved), 0);
	assert_memory_equal(log_text, "[1024,1536)01t.", 15);
	mmu_notifier_unregister(&l.mn, w.mm);
	teardown(&w);
}

static void collapse_frees_a_table(void **state)
{
	static const struct mmun_machine_opts opts = { .frames = 2048, .huge_frames = 4 };
	struct listener l;
	struct world w;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	listen(&l, &w, "");
	map(w.mm, BASE, HUGE_PAGES, RW);
	fill(&w, 0, HUGE_PAGES);
	assert_int_equal(mmun_madvise(w.mm, BASE, HUGE_BYTES, MMUN_MADV_COLLAPSE), 0);
	expect_log("[0,512)01t.");
	mmu_notifier_unregister(&l.mn, w.mm);
	teardown(&w);
}

/* --- halves --------------------------------------------------------------- */

static void all_are_submitted_before_one_is_done(void **state)
{
	struct listener a, b;
	struct recorder r;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	listen(&a, &w, "a");
	listen(&b, &w, "b");
	recorder_begin(&r, w.mm, BASE);
	map(w.mm, BASE, 2, RW);
	fill(&w, 0, 2);
	expect(&r, "");
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_DONTNEED), 0);
	expect_log("b[0,1)0a[0,1)0b.a.");
	expect(&r, "S:clear[0,1)rw E[0,1)none flush[0,1)none"); /* a user is told a range */
	assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
	expect_log("ballaallb.a.");
	expect(&r, "S:soft-dirty[all)none E[all)none flush[all)none");
	recorder_end_all(&r);
	mmu_notifier_unregister(&a.mn, w.mm);
	mmu_notifier_unregister(&b.mn, w.mm);
	teardown(&w);
}

/* Before Linux 6.6 range_end flushes, and tells each notifier when it is flushed. */
static void classic_ends_one_by_one(void **state)
{
	struct listener a, b;
	struct world w;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	listen(&a, &w, "a");
	listen(&b, &w, "b");
	map(w.mm, BASE, 1, RW);
	fill(&w, 0, 1);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RO), 0);
	/* In range_end, and once more with the processors' flush. */
	expect_log("b[0,1)01b.a[0,1)01a." "b[0,1)01a[0,1)01b.a.");
	mmu_notifier_unregister(&a.mn, w.mm);
	mmu_notifier_unregister(&b.mn, w.mm);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_grows),
		cmocka_unit_test(value_is_valid),
		cmocka_unit_test(small_pages),
		cmocka_unit_test(fork_is_of_everything),
		cmocka_unit_test(huge_pages),
		cmocka_unit_test(collapse_frees_a_table),
		cmocka_unit_test(all_are_submitted_before_one_is_done),
		cmocka_unit_test(classic_ends_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
