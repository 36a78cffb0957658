/* SPDX-License-Identifier: MIT */
/*
 * explore_gup.c - pins, userfaultfd, soft-dirty, NUMA hints and unmerging against each
 * other and against accesses, under every interleaving. One page a (and b) in a table of
 * its own, two words of it in use. Where a notification can be moved so that a device
 * sees the difference, the check is run that way too, and must fail.
 */
#include "explore_scene.h"

#define A (entry_bytes(1) * 2)
#define B (A + PAGE_BYTES)
#define C (entry_bytes(1) * 3)

enum { FRAMES = 320, CPUS = 2 };

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *child;
	struct mmun_cpu *cpu[CPUS];
	struct mmun_ats *ats;
	struct mmun_pin *pin[2];
	struct mmun_object *object;
	uint64_t snapshot, seen[2];
	atomic_u64 told;
	int err;
};

struct check {
	const char *name;
	void (*setup)(struct world *w);
	void (*thread[SCENE_THREADS])(struct world *w);
	void (*finish)(struct world *w);
	enum mm_op op;           /* whose notification is left out: */
	bool planted;            /* then it must fail */
};

/* --- doing --------------------------------------------------------------- */

static void put(struct world *w, int cpu, uint64_t addr, uint64_t v)
{
	must(mmun_cpu_store(w->cpu[cpu], addr, v));
}

/* The word as it is in the page that is mapped there, or on the move from there. */
static uint64_t word(struct world *w, struct mmun_mm *mm, uint64_t addr)
{
	pte_t e = mm_translate(mm, addr);

	ASSERT(pte_mapped(e) || softleaf_is_migration(e));
	return load_relaxed(frame_memory(w->machine, pte_pfn(e)) +
			    (addr % PAGE_BYTES) / sizeof(uint64_t));
}

static bool pinned_at(struct world *w, int pin, uint64_t addr)
{
	uint64_t v;

	/* It is the same word, whatever is in it. */
	store_relaxed(frame_memory(w->machine, pte_pfn(mm_translate(w->mm, addr))) + 3, 77);
	must(mmun_pin_load(w->pin[pin], 3, &v));
	store_relaxed(frame_memory(w->machine, pte_pfn(mm_translate(w->mm, addr))) + 3, 0);
	return v == 77;
}

/* --- set-up and end ------------------------------------------------------ */

static void world_setup(void *state, void *arg)
{
	const struct mmun_machine_opts opts = { .frames = FRAMES, .swap_pages = 2 * 18,
						.huge_frames = 18 };
	const struct check *c = arg;
	struct world *w = state;

	must(mmun_machine_create(&opts, &w->machine));
	must(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	for (int i = 0; i < CPUS; i++)
		must(mmun_cpu_create(w->mm, &w->cpu[i]));
	must(mmun_ats_create(w->mm, NULL, &w->ats));
	map_private(w->mm, A, 2);
	map_private(w->mm, C, 1); /* keeps the upper tables; where pages move to */
	put(w, 0, A, 1);
	put(w, 0, B, 1);
	if (c->setup)
		c->setup(w);
	if (c->planted)
		mm_set_flush_points(w->mm, c->op, 0);
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
	mmun_unpin(w->pin[0]);
	mmun_unpin(w->pin[1]);
	mmun_object_destroy(w->object);
	for (int i = 0; i < CPUS; i++)
		mmun_cpu_destroy(w->cpu[i]);
	must(mmun_mm_destroy(w->child));
	must(mmun_mm_destroy(w->mm));
	mmun_ats_destroy(w->ats);
	must(mmun_machine_destroy(w->machine));
}

static void shared_with_child(struct world *w) { must(mmun_fork(w->mm, &w->child)); }

static void everybody_caches(struct world *w)
{
	for (int i = 0; i < CPUS; i++)
		put(w, i, A, 1);
	must(mmun_ats_store(w->ats, A, 1));
}

/* A private copy, which goes with the object's end, and which the pin keeps. */
static void private_page_kept(struct world *w)
{
	uint64_t at;

	must(mmun_object_create(w->machine, PAGE_BYTES, &w->object));
	must(mmun_mmap_object(w->mm, A, PAGE_BYTES, RW, MMUN_MAP_PRIVATE | MMUN_MAP_FIXED,
			      w->object, 0, &at));
	everybody_caches(w);
	must(mmun_pin(w->mm, A, false, &w->pin[0]));
}

static void merged(struct world *w) { must(mmun_ksm_merge(w->mm, A, B)); }

static void clean(struct world *w);

/* Given up by madvise, and yet written through a pin. */
static void clean_and_pinned(struct world *w)
{
	clean(w);
	must(mmun_pin(w->mm, A, true, &w->pin[0]));
	clean(w);
	must(mmun_pin_store(w->pin[0], 0, 2));
}

static void four_pages(struct world *w)
{
	map_private(w->mm, A + 2 * PAGE_BYTES, 2);
	put(w, 0, A + 2 * PAGE_BYTES, 1);
	put(w, 0, A + 3 * PAGE_BYTES, 1);
}

static void huge(struct world *w)
{
	map_private(w->mm, A, 4);
	must(mmun_madvise(w->mm, A, HUGE_BYTES, MMUN_MADV_HUGEPAGE));
	put(w, 0, A, 1);
	put(w, 0, B, 1);
	ASSERT(pgtable_walk(&w->mm->pt, A).level == 1);
	everybody_caches(w);
}

/* As before Linux 6.6. */
static void ksm_tells_late(struct world *w)
{
	everybody_caches(w);
	mm_set_flush_points(w->mm, MM_OP_KSM_MERGE, FLUSH_POINT_END);
}

static void paged_out(struct world *w)
{
	down_read(&w->mm->mmap_lock);
	must(swap_reclaim(w->mm, A, NULL));
	up_read(&w->mm->mmap_lock);
}

/* As after MADV_FREE: whoever writes sets dirty again. */
static void clean(struct world *w)
{
	const struct protect how = { .op = MM_OP_FREE, .event = MMU_NOTIFY_CLEAR, .clear = PTE_D };

	down_read(&w->mm->mmap_lock);
	(void)protect_range(w->mm, &how, A, A + PAGE_BYTES);
	store_relaxed(&frame_of(w->machine, pte_pfn(mm_translate(w->mm, A)))->dirty, 0);
	up_read(&w->mm->mmap_lock);
}

/* --- threads ------------------------------------------------------------- */

static void pin_write(struct world *w) { must(mmun_pin(w->mm, A, true, &w->pin[0])); }
static void pin_read(struct world *w) { must(mmun_pin(w->mm, A, false, &w->pin[1])); }

static void pin_and_store(struct world *w)
{
	pin_write(w);
	must(mmun_pin_store(w->pin[0], 0, 2));
	must(mmun_pin_store(w->pin[0], 0, 3));
}

static void pin_if_there(struct world *w)
{
	uint64_t v;

	w->err = mmun_pin(w->mm, A, false, &w->pin[0]);
	if (w->err)
		return;
	must(mmun_pin_load(w->pin[0], 0, &v));
	EXPECT(v == 1);
}

/* The child's page must not change any more. */
static void fork_and_look(struct world *w)
{
	uint64_t v;

	must(mmun_fork(w->mm, &w->child));
	v = word(w, w->child, A);
	EXPECT(v >= 1 && v <= 3);
	EXPECT(word(w, w->child, A) == v);
	w->snapshot = v;
}

static void fork_and_store(struct world *w)
{
	must(mmun_fork(w->mm, &w->child));
	put(w, 0, A, 2);
}

static void fork_only(struct world *w) { must(mmun_fork(w->mm, &w->child)); }

static void merge(struct world *w) { w->err = mmun_ksm_merge(w->mm, B, A); }
static void merge_kept(struct world *w) { w->err = mmun_ksm_merge(w->mm, A, B); }
static void unmap(struct world *w) { must(mmun_munmap(w->mm, A, 2 * PAGE_BYTES)); }
static void hint(struct world *w) { must(mmun_numa_hint(w->mm, A, PAGE_BYTES)); }
static void migrate(struct world *w) { (void)mmun_migrate(w->mm, A); }

static void reclaim(struct world *w)
{
	down_read(&w->mm->mmap_lock);
	(void)swap_reclaim(w->mm, A, NULL);
	up_read(&w->mm->mmap_lock);
}

/* What is at A and at C, by a processor that came late. */
static void load_both(struct world *w)
{
	must(mmun_cpu_load(w->cpu[0], A, &w->seen[0]));
	must(mmun_cpu_load(w->cpu[0], C, &w->seen[1]));
}

static void collapse(struct world *w)
{
	w->err = mmun_madvise(w->mm, A, HUGE_BYTES, MMUN_MADV_COLLAPSE);
}

static void split_page(struct world *w) { w->err = mmun_split_huge_page(w->mm, A); }

/* To a place of its own, with its table. */
static void move_table(struct world *w)
{
	uint64_t at;

	must(mmun_mremap(w->mm, A, HUGE_BYTES, HUGE_BYTES,
			 MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, C + HUGE_BYTES, &at));
}

static void unpin(struct world *w)
{
	mmun_unpin(w->pin[0]);
	w->pin[0] = NULL;
}

static void truncate_it(struct world *w) { must(mmun_object_truncate(w->object, 0)); }

static void make_readonly(struct world *w)
{
	must(mmun_mprotect(w->mm, A, PAGE_BYTES, MMUN_PROT_READ));
	must(mmun_pin_load(w->pin[0], 0, &w->snapshot));
}

static void store_if_allowed(struct world *w) { (void)mmun_cpu_store(w->cpu[0], A, 2); }

static void store0(struct world *w) { put(w, 0, A, 2); }
static void store1(struct world *w) { put(w, 1, A + 8, 3); }
static void device_store1(struct world *w) { must(mmun_ats_store(w->ats, A + 8, 3)); }
static void device_store(struct world *w) { must(mmun_ats_store(w->ats, A, 2)); }
static void reap(struct world *w) { must(mmun_oom_reap(w->mm)); }

static void protect(struct world *w)
{
	must(mmun_uffd_writeprotect(w->mm, A, PAGE_BYTES, true));
}

/* What a snapshot tool does: forget, then copy; what it missed must be marked. */
static void protect_and_copy(struct world *w)
{
	protect(w);
	must(mmun_cpu_load(w->cpu[1], A, &w->snapshot));
}

/* It finds the work done by somebody else, who may not have flushed yet. */
static void protect_again_and_copy(struct world *w)
{
	w->snapshot = 2;
	if (pte_uffd_wp(mm_translate(w->mm, A)))
		protect_and_copy(w);
}

static void forget_and_copy(struct world *w)
{
	must(mmun_clear_refs(w->mm, MMUN_CLEAR_REFS_SOFT_DIRTY));
	must(mmun_cpu_load(w->cpu[1], A, &w->snapshot));
}

static void move(struct world *w)
{
	uint64_t moved;

	must(mmun_uffd_move(w->mm, C, A, PAGE_BYTES, &moved));
	must(mmun_cpu_load(w->cpu[1], C, &w->snapshot));
}

static void move_if_free(struct world *w)
{
	uint64_t moved;

	w->err = mmun_uffd_move(w->mm, C, A, PAGE_BYTES, &moved);
}

static void move_and_tell(struct world *w)
{
	uint64_t moved;

	must(mmun_uffd_move(w->mm, C, A, PAGE_BYTES, &moved));
	store_release(&w->told, 1);
}

static void store_when_told(struct world *w)
{
	w->snapshot = load_acquire(&w->told);
	put(w, 0, A, 2);
}

static void unmerge(struct world *w)
{
	down_read(&w->mm->mmap_lock);
	must(ksm_unmerge(w->mm, vma_find(w->mm, A), A, B + PAGE_BYTES));
	up_read(&w->mm->mmap_lock);
}

/* --- what must hold at the end ------------------------------------------- */

static void child_has_its_own(struct world *w)
{
	EXPECT(pinned_at(w, 0, A));
	EXPECT(word(w, w->mm, A) == 3);
	EXPECT(word(w, w->child, A) == w->snapshot);
}

static void pin_sees_stores(struct world *w)
{
	EXPECT(pinned_at(w, 1, A));
	EXPECT(word(w, w->mm, A) == 2);
	EXPECT(word(w, w->child, A) == 1);
}

static void both_pin_one(struct world *w)
{
	EXPECT(pinned_at(w, 0, A) && pinned_at(w, 1, A));
	EXPECT(word(w, w->mm, A) == 1 && word(w, w->child, A) == 1);
}

static void pin_was_not_merged(struct world *w)
{
	EXPECT(pinned_at(w, 0, A));
	EXPECT(word(w, w->mm, A) == 3);
	EXPECT(word(w, w->mm, B) == 1);
}

static void nothing(struct world *w) { (void)w; }

static void both_stores(struct world *w)
{
	EXPECT(word(w, w->mm, A) == 2);
	EXPECT(word(w, w->mm, A + 8) == 3);
}

/* Also in a child, whose page was shared. */
static void both_stores_and_child(struct world *w)
{
	both_stores(w);
	EXPECT(word(w, w->child, A) == 1 && word(w, w->child, A + 8) == 0);
}

static void store_is_noticed(struct world *w)
{
	pte_t e = mm_translate(w->mm, A);

	EXPECT(word(w, w->mm, A) == 2);
	EXPECT(w->snapshot == 2 || (e.v & PTE_SOFT_DIRTY));
}

static void store_unprotects(struct world *w)
{
	pte_t e = mm_translate(w->mm, A);

	EXPECT(word(w, w->mm, A) == 2);
	EXPECT(w->snapshot == 2 || !pte_uffd_wp(e));
}

static void moved_is_left_alone(struct world *w)
{
	EXPECT(word(w, w->mm, C) == w->snapshot);
	EXPECT(w->snapshot == 2 || word(w, w->mm, A) == 2);
}

static void pin_did_not_move(struct world *w)
{
	EXPECT(pinned_at(w, 0, A)); /* also if it came after the move */
	EXPECT(w->err == -EBUSY || (!w->err && word(w, w->mm, C) == 1));
}

static void pin_stayed(struct world *w)
{
	EXPECT(pinned_at(w, 0, A)); /* also if it came afterwards */
	EXPECT(word(w, w->mm, A) == 3);
}

static void store_is_there(struct world *w) { EXPECT(word(w, w->mm, A) == 2); }

/* Wherever the page is: fetch it. */
static uint64_t fetch(struct world *w, uint64_t addr)
{
	uint64_t v;

	must(mmun_cpu_load(w->cpu[0], addr, &v));
	return v;
}

/* The page is at one of the two, and a move that failed has a reason. */
static void moved_or_not(struct world *w)
{
	uint64_t a = fetch(w, A), c = fetch(w, C);

	EXPECT(a + c == 1);
	EXPECT(w->err == 0 || w->err == -EBUSY || w->err == -EEXIST);
}

static void moved_once(struct world *w)
{
	EXPECT(w->seen[1] <= 1 && w->seen[0] <= 1);
	moved_or_not(w);
}

static void told_is_left_alone(struct world *w)
{
	uint64_t c = fetch(w, C);

	EXPECT(c == 1 || (c == 2 && !w->snapshot));
	EXPECT(c == 2 || fetch(w, A) == 2);
}

static void moved_or_reaped(struct world *w)
{
	EXPECT(w->err == 0 || w->err == -ENOENT);
	EXPECT(fetch(w, A) == 0);
	EXPECT(fetch(w, C) <= !w->err);
}

static void written_is_kept(struct world *w) { EXPECT(fetch(w, A) == 2); }

static void readonly_is_kept(struct world *w)
{
	uint64_t v;

	must(mmun_pin_load(w->pin[0], 0, &v));
	EXPECT(v == w->snapshot);
}

static void merge_is_undone(struct world *w)
{
	EXPECT(fetch(w, A) == 1 && fetch(w, B) == 1);
}

/* Swapped pages may be left as they are; one on the move may not. */
static void merge_is_undone_everywhere(struct world *w)
{
	merge_is_undone(w);
	EXPECT(pte_pfn(mm_translate(w->mm, A)).v != pte_pfn(mm_translate(w->mm, B)).v);
}

static void own_copies(struct world *w)
{
	EXPECT(word(w, w->mm, A) == 2);
	EXPECT(word(w, w->mm, B) == 1);
	EXPECT(pte_pfn(mm_translate(w->mm, A)).v != pte_pfn(mm_translate(w->mm, B)).v);
}

/* A page that was written is dirty in some entry. */
static void still_dirty(struct world *w)
{
	pte_t parent = mm_translate(w->mm, A), child = mm_translate(w->child, A);

	EXPECT(word(w, w->mm, A) == 2);
	EXPECT(pte_dirty(parent));
	EXPECT(word(w, w->child, A) == 1 || pte_dirty(child));
}

static const struct check checks[] = {
	{ "pin+fork", NULL, { pin_and_store, fork_and_look }, child_has_its_own, 0, false },
	{ "pin+fork+store", NULL, { pin_read, fork_and_store }, pin_sees_stores, 0, false },
	{ "pin+pin+shared", shared_with_child, { pin_write, pin_read }, both_pin_one, 0, false },
	{ "pin+ksm", NULL, { pin_and_store, merge }, pin_was_not_merged, 0, false },
	{ "pin+ksm+kept", NULL, { pin_and_store, merge_kept }, pin_was_not_merged, 0, false },
	{ "pin+munmap", NULL, { pin_if_there, unmap }, nothing, 0, false },
	{ "pin+uffd_move", NULL, { pin_write, move_if_free }, pin_did_not_move, 0, false },
	{ "uffd_wp+stores", everybody_caches, { protect, store0, store1 }, both_stores, 0, false },
	{ "uffd_wp+cow", shared_with_child, { protect, store0, store1 }, both_stores_and_child,
	  0, false },
	{ "uffd_wp+store", everybody_caches, { protect_and_copy, store0 }, store_unprotects,
	  0, false },
	{ "uffd_wp+uffd_wp", everybody_caches, { protect_again_and_copy, store0, protect },
	  store_unprotects, 0, false },
	{ "uffd_wp+device", everybody_caches, { protect_and_copy, device_store },
	  store_unprotects, MM_OP_UFFD_WP, true },
	{ "uffd_move+device", everybody_caches, { move, device_store }, moved_is_left_alone,
	  MM_OP_UFFD_MOVE, true },
	{ "uffd_move+store", everybody_caches, { move, store0 }, moved_is_left_alone, 0, false },
	{ "clear_refs+store", everybody_caches, { forget_and_copy, store0 }, store_is_noticed,
	  0, false },
	{ "clear_refs+device", everybody_caches, { forget_and_copy, device_store },
	  store_is_noticed, MM_OP_SOFT_DIRTY, true },
	{ "numa_hint+stores", everybody_caches, { hint, store0, store1 }, both_stores, 0, false },
	{ "pin+migrate", NULL, { pin_and_store, migrate }, pin_stayed, 0, false },
	{ "pin+reclaim", NULL, { pin_and_store, reclaim }, pin_stayed, 0, false },
	{ "numa_hint+migrate", everybody_caches, { hint, migrate, store0 }, store_is_there,
	  0, false },
	{ "uffd_wp+migrate", everybody_caches, { protect_and_copy, store0, migrate },
	  store_unprotects, 0, false },
	{ "uffd_move+migrate", NULL, { move_if_free, migrate }, moved_or_not, 0, false },
	{ "uffd_move+reclaim", NULL, { move_if_free, reclaim }, moved_or_not, 0, false },
	{ "uffd_move+reclaim+store", everybody_caches, { move_and_tell, reclaim, store_when_told },
	  told_is_left_alone, 0, false },
	{ "uffd_move+oom_reap", NULL, { move_if_free, reap }, moved_or_reaped, 0, false },
	{ "unpin+reclaim", clean_and_pinned, { unpin, reclaim }, written_is_kept, 0, false },
	{ "mprotect+truncate", private_page_kept, { make_readonly, truncate_it, store_if_allowed },
	  readonly_is_kept, 0, false },
	{ "uffd_move+fault", NULL, { move_if_free, load_both }, moved_once, 0, false },
	{ "uffd_move+swap-in", paged_out, { move_if_free, load_both }, moved_once, 0, false },
	{ "unmerge+migrate", merged, { unmerge, migrate }, merge_is_undone_everywhere,
	  0, false },
	{ "unmerge+reclaim", merged, { unmerge, reclaim }, merge_is_undone, 0, false },
	{ "pin+collapse", four_pages, { pin_and_store, collapse }, pin_stayed, 0, false },
	{ "pin+split", huge, { pin_and_store, split_page }, pin_stayed, 0, false },
	{ "pin+fork, huge", huge, { pin_and_store, fork_and_look }, child_has_its_own, 0, false },
	{ "pin+mremap", four_pages, { pin_if_there, move_table }, nothing, 0, false },
	{ "uffd_wp+stores, huge", huge, { protect, store0, store1 }, both_stores, 0, false },
	{ "uffd_wp+store, huge", huge, { protect_and_copy, store0 }, store_unprotects, 0, false },
	{ "clear_refs+device, huge", huge, { forget_and_copy, device_store }, store_is_noticed,
	  MM_OP_SOFT_DIRTY, true },
	{ "uffd_move+device, huge", huge, { move, device_store }, moved_is_left_alone,
	  MM_OP_UFFD_MOVE, true },
	{ "ksm+stores", everybody_caches, { merge, store0, device_store1 }, both_stores,
	  0, false },
	{ "ksm+stores, classic", ksm_tells_late, { merge, store0, device_store1 }, both_stores,
	  0, false },
	{ "unmerge+store", merged, { unmerge, store0 }, own_copies, 0, false },
	{ "oom_reap+device", everybody_caches, { reap, device_store }, nothing,
	  MM_OP_DONTNEED, true },
	{ "fork+dirty", clean, { fork_only, store0 }, still_dirty, 0, false },
};

static void explore_check(const struct check *c)
{
	const struct explore_check check = {
		.name = c->name, .threads = scene_threads(c->thread),
		.state_size = sizeof(struct world), .setup = world_setup,
		.thread = world_thread, .finish = world_finish, .arg = (void *)(uintptr_t)c,
	};

	explore_scene(&check, c->planted);
}

static void each_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct check c = checks[i];

		if (!scene_wanted(c.name))
			continue;
		if (c.planted)
			explore_check(&c);
		c.planted = false;
		explore_check(&c);
	}
}

int main(int argc, char **argv) { return scenes_main(argc, argv, "gup", each_check); }
