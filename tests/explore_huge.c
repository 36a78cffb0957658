/* SPDX-License-Identifier: MIT */
/*
 * explore_huge.c - huge pages under every interleaving: faults, splits of the entry and of
 * the page, collapse, fork, against each other and against accesses. One huge page H, with
 * a table of its own; page n of it is at(n). At the end counts, rings and deposited tables
 * must agree with the page tables. Where it can be planted, a bug must be found: a
 * notification that is left out or late, or a reader of the tables that does not look again.
 */
#include "explore_scene.h"

#define H (entry_bytes(1) * 2)
#define ELSEWHERE (entry_bytes(1) * 5)
#define ANCHOR (entry_bytes(1) * 3) /* keeps the upper tables */

enum {
	FRAMES = 320, HUGE_FRAMES = 12, MOST = FRAMES + HUGE_FRAMES * TABLE_ENTRIES,
};

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *child;
	struct mmun_cpu *cpu[2];
	struct mmun_ats *ats;
	struct mmun_pin *pin;
	uint64_t seen;
	int err, err2;
};

struct check {
	const char *name;
	void (*setup)(struct world *w);
	void (*thread[SCENE_THREADS])(struct world *w);
	void (*finish)(struct world *w);
	void (*plant)(struct world *w);  /* a bug; NULL: none */
	enum mmun_semantics semantics;
};

static uint64_t at(uint64_t n) { return H + n * PAGE_BYTES; }

/* --- doing --------------------------------------------------------------- */

static void put(struct world *w, int cpu, uint64_t n, uint64_t v)
{
	must(mmun_cpu_store(w->cpu[cpu], at(n), v));
}

/* The first word of the page, as it is in memory; 0: nothing of its own there. */
static uint64_t word(struct mmun_mm *mm, uint64_t n)
{
	pte_t e = mm_translate(mm, at(n));

	ASSERT(!softleaf_is_migration(e));
	return pte_mapped(e) ? load_relaxed(frame_memory(mm->machine, pte_pfn(e))) : 0;
}

static bool is_huge(struct mmun_mm *mm) { return pgtable_walk(&mm->pt, H).level == 1; }

static void store0(struct world *w) { put(w, 0, 0, 10); }
static void store1(struct world *w) { put(w, 1, 1, 11); }
static void store_same(struct world *w) { put(w, 1, 0, 20); }
static void device_store1(struct world *w) { must(mmun_ats_store(w->ats, at(1), 11)); }
static void do_fork(struct world *w) { must(mmun_fork(w->mm, &w->child)); }
static void split_page(struct world *w) { w->err = mmun_split_huge_page(w->mm, at(0)); }
static void split_page1(struct world *w) { w->err = mmun_split_huge_page(w->mm, at(1)); }
static void split_other(struct world *w) { w->err2 = mmun_split_huge_page(w->mm, at(3)); }
static void migrate1(struct world *w) { w->err2 = mmun_migrate(w->mm, at(1)); }
static void pageout1(struct world *w)
{
	must(mmun_madvise(w->mm, at(1), PAGE_BYTES, MMUN_MADV_PAGEOUT));
}

static void child_exits(struct world *w)
{
	must(mmun_mm_destroy(w->child));
	w->child = NULL;
}

static void unmap1(struct world *w) { must(mmun_munmap(w->mm, at(1), PAGE_BYTES)); }
static void collapse(struct world *w)
{
	w->err = mmun_madvise(w->mm, H, HUGE_BYTES, MMUN_MADV_COLLAPSE);
}

static void drop3(struct world *w)
{
	must(mmun_madvise(w->mm, at(3), PAGE_BYTES, MMUN_MADV_DONTNEED));
}

static void drop_all(struct world *w)
{
	must(mmun_madvise(w->mm, H, HUGE_BYTES, MMUN_MADV_DONTNEED));
}

/* The table that collapse has kept for the huge entry is freed. */
static void collapse_and_drop(struct world *w)
{
	collapse(w);
	drop_all(w);
}

static void load1(struct world *w)
{
	uint64_t v;

	must(mmun_cpu_load(w->cpu[1], at(1), &v));
	EXPECT(v == 0);
}

/* What was dropped nobody sees afterwards. */
static void drop1_and_look(struct world *w)
{
	must(mmun_madvise(w->mm, at(1), PAGE_BYTES, MMUN_MADV_DONTNEED));
	must(mmun_cpu_load(w->cpu[1], at(1), &w->seen));
}

static void hint(struct world *w) { must(mmun_numa_hint(w->mm, H, HUGE_BYTES)); }

static void move_away(struct world *w)
{
	uint64_t where;

	must(mmun_mremap(w->mm, H, HUGE_BYTES, HUGE_BYTES,
			 MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, ELSEWHERE, &where));
}

/* It may be gone, but not be read when it is free. */
static void device_load1(struct world *w)
{
	w->err2 = mmun_ats_load(w->ats, at(1), &w->seen);
}

static void cpu_load1(struct world *w)
{
	w->err2 = mmun_cpu_load(w->cpu[1], at(1), &w->seen);
}

static void pin1(struct world *w)
{
	must(mmun_pin(w->mm, at(1), true, &w->pin));
	must(mmun_pin_store(w->pin, 0, 11));
}

/*
 * As gup_fast, but without the second look: the reference alone decides. Either collapse
 * sees it, or there is none to be had.
 */
static void read_tables(struct world *w)
{
	struct mmun_machine *m = w->machine;
	struct ptep p;
	pte_t e = { 0 };

	rcu_read_lock();
	p = pgtable_walk(&w->mm->pt, at(1));
	if (p.entry && !p.level)
		e = pte_get(p.entry);
	w->err2 = pte_present(e) && frame_try_get(m, pte_pfn(e));
	rcu_read_unlock();
	if (w->err2) {
		store_relaxed(frame_memory(m, pte_pfn(e)), 11);
		frame_put(m, pte_pfn(e), 1);
	}
}

/* --- set-up -------------------------------------------------------------- */

static void fill(struct world *w)
{
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
		put(w, 0, i, i + 1);
}

static void huge(struct world *w)
{
	fill(w);
	ASSERT(is_huge(w->mm));
}

static void small(struct world *w)
{
	must(mmun_madvise(w->mm, H, HUGE_BYTES, MMUN_MADV_NOHUGEPAGE));
	fill(w);
	ASSERT(!is_huge(w->mm));
}

static void cached(struct world *w)
{
	uint64_t v;

	must(mmun_ats_store(w->ats, at(1), 2));
	w->seen = 2;
	must(mmun_cpu_load(w->cpu[1], at(1), &v));
}

static void huge_cached(struct world *w)
{
	huge(w);
	cached(w);
}

static void small_cached(struct world *w)
{
	small(w);
	cached(w);
}

/* A fault may put a table where the entry is none. */
static void huge_no_more(struct world *w)
{
	huge(w);
	must(mmun_madvise(w->mm, H, HUGE_BYTES, MMUN_MADV_NOHUGEPAGE));
}

/* Reclaim may drop it until it is written. */
static void huge_freed(struct world *w)
{
	huge(w);
	must(mmun_madvise(w->mm, H, HUGE_BYTES, MMUN_MADV_FREE));
	ASSERT(is_huge(w->mm) && !pte_dirty(mm_translate(w->mm, H)));
}

/* Part of a huge page, by small entries. */
static void two_pages(struct world *w)
{
	huge(w);
	must(mmun_madvise(w->mm, at(2), 2 * PAGE_BYTES, MMUN_MADV_DONTNEED));
}

static void one_page(struct world *w)
{
	two_pages(w);
	must(mmun_madvise(w->mm, H, PAGE_BYTES, MMUN_MADV_DONTNEED));
}

static void two_pages_shared(struct world *w)
{
	two_pages(w);
	do_fork(w);
}

/* By one processor, and no device. */
static void huge_seen(struct world *w)
{
	huge_cached(w);
	mmun_cpu_destroy(w->cpu[0]);
	w->cpu[0] = NULL;
	mmun_ats_destroy(w->ats);
	w->ats = NULL;
}

/* mmun_numa_hint() has changed the entry, and is about to flush. */
static void huge_hinted(struct world *w)
{
	const struct protect how = { .op = MM_OP_NUMA, .access = PROTECT_NONE };

	huge_seen(w);
	add_acq_rel(&w->mm->tlb_flush_pending, 1);
	ASSERT(protect_entries(w->mm, &how, H, H + HUGE_BYTES));
}

static void huge_shared(struct world *w)
{
	huge_cached(w);
	do_fork(w);
}

/* --- bugs ---------------------------------------------------------------- */

static void late_collapse(struct world *w)
{
	mm_set_flush_points(w->mm, MM_OP_COLLAPSE, FLUSH_POINT_AFTER);
}

/* Then munmap does not flush either: it finds nothing mapped. */
static void silent_split(struct world *w)
{
	mm_set_flush_points(w->mm, MM_OP_SPLIT, 0);
	mm_set_flush_points(w->mm, MM_OP_MIGRATE, 0);
}

static void silent_fork(struct world *w) { mm_set_flush_points(w->mm, MM_OP_FORK, 0); }
static void silent_drop(struct world *w) { mm_set_flush_points(w->mm, MM_OP_DONTNEED, 0); }

/* --- what must hold ------------------------------------------------------ */

static uint64_t refs_seen[MOST], maps_seen[MOST];

static void see_entry(const struct mmun_machine *m, pte_t e)
{
	pfn_t pfn = pte_pfn(e);

	ASSERT(pte_none(e) || pte_mapped(e)); /* who moves a page ends with it in place */
	if (pte_none(e) || is_zero_page(m, pfn))
		return;
	maps_seen[pfn.v]++;
	refs_seen[frame_head(m, pfn).v]++;
}

static void see_table(const struct mmun_mm *mm, pfn_t table, unsigned level)
{
	const struct mmun_machine *m = mm->machine;
	uint64_t huge_entries = 0, deposited = 0;

	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		pte_t e = pte_get(&frame_memory(m, table)[i]);

		huge_entries += level && pte_huge(e);
		if (level == 0 || pte_huge(e))
			see_entry(m, e);
		else if (!pte_none(e))
			see_table(mm, pte_pfn(e), level - 1);
	}
	for (uint32_t t = m->ptdesc[table.v].deposit; t; t = m->ptdesc[t - 1].next_deposit) {
		deposited++;
		for (unsigned i = 0; i < TABLE_ENTRIES; i++)
			ASSERT(pte_none(pte_get(&frame_memory(m, (pfn_t){ t - 1 })[i])));
	}
	ASSERT(huge_entries == deposited);
}

static void audit(struct world *w)
{
	const struct mmun_machine *m = w->machine;

	memset(refs_seen, 0, sizeof(refs_seen));
	memset(maps_seen, 0, sizeof(maps_seen));
	see_table(w->mm, w->mm->pt.pgd, TABLE_LEVELS - 1);
	if (w->child)
		see_table(w->child, w->child->pt.pgd, TABLE_LEVELS - 1);
	for (uint32_t i = 0; i < m->frames; i++) {
		ASSERT(m->frame[i].mapcount == maps_seen[i]);
		ASSERT(load_relaxed(&m->frame[i].refcount) == refs_seen[i]);
		ASSERT(!refs_seen[i] || !(m->frame[i].flags & FRAME_TAIL));
	}
}

static void both(struct world *w)
{
	EXPECT(word(w->mm, 0) == 10);
	EXPECT(word(w->mm, 1) == 11);
}

static void only_first(struct world *w) { EXPECT(word(w->mm, 0) == 10); }

static void untouched_but_1(struct world *w)
{
	EXPECT(word(w->mm, 0) == 1 && word(w->mm, 1) == 11 && word(w->mm, 2) == 3);
}

static void child_untouched(struct world *w)
{
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
		EXPECT(word(w->child, i) == i + 1);
	both(w);
}

static void last_store_wins(struct world *w)
{
	EXPECT(word(w->mm, 0) == 10 || word(w->mm, 0) == 20);
	EXPECT(word(w->child, 0) == 1);
}

/* The pinned page is the one that is mapped. */
static void pinned(struct world *w)
{
	uint64_t v;

	EXPECT(w->err == 0 || w->err == -EAGAIN || w->err == -EBUSY || w->err == -EINVAL);
	EXPECT(word(w->mm, 1) == 11);
	store_relaxed(frame_memory(w->machine, pte_pfn(mm_translate(w->mm, at(1)))), 77);
	must(mmun_pin_load(w->pin, 0, &v));
	EXPECT(v == 77);
}

static void written_is_dirty(struct world *w)
{
	EXPECT(word(w->mm, 0) == 10 && pte_dirty(mm_translate(w->mm, at(0))));
}

static void all_dropped(struct world *w)
{
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
		EXPECT(word(w->mm, i) == 0);
}

/* A page that is pinned stays the address space's own. */
static void pinned_for_good(struct world *w)
{
	put(w, 0, 1, 33);
	EXPECT(word(w->mm, 1) == 33);
	store_relaxed(frame_memory(w->machine, pte_pfn(mm_translate(w->mm, at(1)))), 11);
	pinned(w);
}

static void dropped3(struct world *w)
{
	both(w);
	EXPECT(word(w->mm, 2) == 3 && word(w->mm, 3) == 0);
}

static void dropped(struct world *w) { EXPECT(word(w->mm, 0) == 0 && word(w->mm, 3) == 0); }

static void dropped_or_stored(struct world *w)
{
	EXPECT(word(w->mm, 1) == 11 || word(w->mm, 1) == 0);
	EXPECT(word(w->mm, 2) == 0);
	EXPECT(w->seen == 0 || w->seen == 2);
}

static void dropped1(struct world *w)
{
	EXPECT(w->seen == 0 && word(w->mm, 1) == 0 && word(w->mm, 2) == 3);
}

static void collapsed(struct world *w)
{
	EXPECT(w->err == 0 && is_huge(w->mm));
	untouched_but_1(w);
}

/* A reader that was at work makes it fail; what it stored is there. */
static void collapsed_or_read(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -EAGAIN);
	EXPECT((w->err == 0) == is_huge(w->mm));
	EXPECT(word(w->mm, 1) == (w->err2 ? 11 : 2));
	EXPECT(word(w->mm, 0) == 1 && word(w->mm, 2) == 3);
}

static void collapsed_or_moved(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -EAGAIN);
	EXPECT((w->err == 0) == is_huge(w->mm));
	EXPECT(w->err || w->err2 || word(w->mm, 1) == 2);
	EXPECT(word(w->mm, 0) == 1 && word(w->mm, 1) == 2 && word(w->mm, 2) == 3);
}

static void pinned_apart(struct world *w)
{
	pinned(w);
	EXPECT(word(w->child, 1) == 2 || word(w->child, 1) == 11);
	EXPECT(word(w->child, 3) == 4);
}

static void split_or_not(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -EBUSY);
	untouched_but_1(w);
}

/* Each may be in the other's way: then both fail. */
static void split_once(struct world *w)
{
	pfn_t head = pte_pfn(mm_translate(w->mm, H));

	EXPECT(w->err == 0 || w->err == -EBUSY || w->err == -EINVAL);
	EXPECT(w->err2 == 0 || w->err2 == -EBUSY || w->err2 == -EINVAL);
	EXPECT((w->err && w->err2) == !!(frame_of(w->machine, head)->flags & FRAME_HUGE));
	EXPECT(word(w->mm, 0) == 1 && word(w->mm, 3) == 4);
}

static void split_and_unmapped(struct world *w)
{
	EXPECT(w->err2 ? w->err2 == -EFAULT : w->seen == 2);
	EXPECT(w->err == 0 || w->err == -EBUSY);
	EXPECT(pte_none(mm_translate(w->mm, at(1))));
	EXPECT(word(w->mm, 0) == 1 && word(w->mm, 2) == 3);
}

static void split_and_forked(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -EBUSY);
	for (uint64_t i = 0; i < 2; i++)
		EXPECT(word(w->mm, i) == i + 1 && word(w->child, i) == i + 1);
}

static void untouched_elsewhere(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -EBUSY || w->err == -EFAULT || w->err == -EINVAL);
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++) {
		EXPECT(pte_none(mm_translate(w->mm, at(i))));
		EXPECT(word(w->mm, i + (ELSEWHERE - H) / PAGE_BYTES) == i + 1);
	}
}

/* What was swapped out is fetched first. */
static void split_and_paged_out(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -EBUSY || w->err == -EINVAL);
	for (uint64_t i = 0; i < 2; i++) {
		while (!pte_mapped(mm_translate(w->mm, at(i))))
			must(mmun_mm_fault(w->mm, at(i), false));
		EXPECT(word(w->mm, i) == i + 1);
		while (w->child && !pte_mapped(mm_translate(w->child, at(i))))
			must(mmun_mm_fault(w->child, at(i), false));
		EXPECT(!w->child || word(w->child, i) == i + 1);
	}
}

static void split_and_stored(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -EBUSY);
	EXPECT(word(w->mm, 0) == 1 && word(w->mm, 1) == 11);
	EXPECT(word(w->child, 0) == 1 && word(w->child, 1) == 2);
}

/* What the child has does not change after fork has returned. */
static void fork_and_store(struct world *w)
{
	do_fork(w);
	put(w, 0, 2, 30);
}

static void snapshot(struct world *w)
{
	EXPECT(word(w->child, 2) == 3);
	EXPECT(word(w->mm, 2) == 30);
	EXPECT(word(w->mm, 1) == 11);
	EXPECT(word(w->child, 1) == 2 || word(w->child, 1) == 11);
}

/* A device that stores after fork stores to the parent's page alone. */
static void fork_and_look(struct world *w)
{
	uint64_t v;

	do_fork(w);
	v = word(w->child, 1);
	put(w, 0, 0, 10);
	w->err2 = (int)v;
}

static void child_keeps(struct world *w) { EXPECT(word(w->child, 1) == (uint64_t)w->err2); }

/* --- all of them --------------------------------------------------------- */

static void world_setup(void *state, void *arg)
{
	const struct mmun_machine_opts opts = { .frames = FRAMES, .huge_frames = HUGE_FRAMES,
						.swap_pages = 8 };
	const struct check *c = arg;
	struct world *w = state;

	must(mmun_machine_create(&opts, &w->machine));
	must(mmun_mm_create(w->machine, c->semantics, &w->mm));
	for (int i = 0; i < 2; i++)
		must(mmun_cpu_create(w->mm, &w->cpu[i]));
	must(mmun_ats_create(w->mm, NULL, &w->ats));
	map_private(w->mm, ANCHOR, 1);
	map_private(w->mm, H, TABLE_ENTRIES);
	must(mmun_cpu_store(w->cpu[0], ANCHOR, 1));
	must(mmun_madvise(w->mm, H, HUGE_BYTES, MMUN_MADV_HUGEPAGE));
	if (c->setup)
		c->setup(w);
	if (c->plant)
		c->plant(w);
}

static void world_thread(void *state, unsigned thread, void *arg)
{
	const struct check *c = arg;

	c->thread[thread](state);
}

static void world_finish(void *state, void *arg)
{
	const struct check *c = arg;
	struct world *w = state;

	c->finish(w);
	mmun_unpin(w->pin);
	audit(w);
	must(mmun_mm_destroy(w->child));
	for (int i = 0; i < 2; i++)
		mmun_cpu_destroy(w->cpu[i]);
	must(mmun_mm_destroy(w->mm));
	mmun_ats_destroy(w->ats);
	ASSERT(machine_frames_used(w->machine) == 0);
	must(mmun_machine_destroy(w->machine));
}

#define HOLDS(n, s, f, ...) { .name = n, .setup = s, .finish = f, .thread = { __VA_ARGS__ } }
#define PLANTED(n, s, f, p, era, ...) { .name = n, .setup = s, .finish = f, .plant = p, \
				      .semantics = era, .thread = { __VA_ARGS__ } }

static const struct check checks[] = {
	HOLDS("fault+fault", NULL, both, store0, store1),
	HOLDS("fault+small fault", NULL, only_first, store0, load1),
	HOLDS("split+stores", huge_cached, dropped3, drop3, store0, store1),
	PLANTED("split+device", huge_cached, dropped3, NULL, MMUN_CLASSIC,
	      drop3, store0, device_store1),
	HOLDS("drop+store", huge_cached, dropped_or_stored, drop_all, store1),
	PLANTED("drop+device", huge_cached, dropped_or_stored, silent_drop, MMUN_MODERN,
	      drop_all, device_load1),
	HOLDS("cow+cow", huge_shared, child_untouched, store0, store1),
	HOLDS("cow+cow, same page", huge_shared, last_store_wins, store0, store_same),
	HOLDS("fork+store", huge_cached, snapshot, fork_and_store, store1),
	PLANTED("fork+device", huge_cached, child_keeps, silent_fork, MMUN_MODERN,
	      fork_and_look, device_store1),
	HOLDS("fork+pin", huge_cached, pinned_apart, do_fork, pin1),
	HOLDS("collapse+store", small_cached, collapsed, collapse, store1),
	PLANTED("collapse+device", small_cached, collapsed, late_collapse, MMUN_MODERN,
	      collapse, device_store1),
	PLANTED("collapse+device, classic", small_cached, collapsed, late_collapse, MMUN_CLASSIC,
	      collapse, device_store1),
	HOLDS("collapse+reader", small_cached, collapsed_or_read, collapse, read_tables),
	HOLDS("collapse+pin", small_cached, pinned, collapse, pin1),
	HOLDS("collapse+migrate", small_cached, collapsed_or_moved, collapse, migrate1),
	HOLDS("split+drop", huge, dropped, drop3, drop_all),
	HOLDS("hint+stores", huge_no_more, both, hint, store0, store1),
	HOLDS("hint+split page+drop", huge_hinted, dropped1, split_page, drop1_and_look),
	HOLDS("split page+mremap", huge, untouched_elsewhere, split_page, move_away),
	HOLDS("split+dirty", huge_freed, written_is_dirty, drop3, store0),
	HOLDS("collapse, drop+reader", small, all_dropped, collapse_and_drop, read_tables),
	HOLDS("split page+pin+fork", one_page, pinned_for_good, split_page1, pin1, do_fork),
	HOLDS("split page+munmap+load", huge_cached, split_and_unmapped,
	      split_page, unmap1, cpu_load1),
	HOLDS("split page+store", huge_cached, split_or_not, split_page, store1),
	HOLDS("split page+device", huge_cached, split_or_not, split_page, device_store1),
	HOLDS("split page+split page", huge, split_once, split_page, split_other),
	HOLDS("split page+pin", huge_cached, pinned, split_page, pin1),
	HOLDS("split page+fork", two_pages, split_and_forked, split_page, do_fork),
	HOLDS("split page+migrate", two_pages_shared, split_and_paged_out, split_page, migrate1),
	HOLDS("split page+exit", two_pages_shared, split_and_paged_out, split_page, child_exits),
	HOLDS("split page+store, shared", two_pages_shared, split_and_stored, split_page, store1),
	HOLDS("split page+pageout", two_pages_shared, split_and_paged_out, split_page, pageout1),
	HOLDS("split page+munmap", huge_cached, split_and_unmapped, split_page, unmap1),
	PLANTED("split page+munmap+device", huge_cached, split_and_unmapped, silent_split,
	      MMUN_MODERN, split_page, unmap1, device_load1),
	PLANTED("split page+munmap+device, classic", huge_cached, split_and_unmapped, silent_split,
	      MMUN_CLASSIC, split_page, unmap1, device_load1),
};

static void explore_check(const struct check *c)
{
	const struct explore_check check = {
		.name = c->name, .threads = scene_threads(c->thread),
		.state_size = sizeof(struct world), .setup = world_setup,
		.thread = world_thread, .finish = world_finish, .arg = (void *)(uintptr_t)c,
	};

	explore_scene(&check, c->plant);
}

static void each_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct check c = checks[i];

		if (!scene_wanted(c.name))
			continue;
		if (c.plant)
			explore_check(&c);
		c.plant = NULL;
		explore_check(&c);
	}
}

int main(int argc, char **argv) { return scenes_main(argc, argv, "huge", each_check); }
