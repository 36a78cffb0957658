/* SPDX-License-Identifier: MIT */
/*
 * explore_reclaim.c - migration, reclaim and swap under every interleaving, against all
 * that may happen to the page meanwhile. Scenes in which nothing may be found; those
 * with a twin run again with a secondary TLB that is not told, which must be found.
 * Words of the page at A hold 1 at the start.
 */
#include "explore_scene.h"

enum { FRAMES = 160, SLOTS = 72, CPUS = 2 };

#define A (4 * entry_bytes(1))
#define B (A + PAGE_BYTES)
#define TO (A + 2 * HUGE_BYTES)

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *child;
	struct mmun_cpu *cpu[CPUS];   /* that run in mm; 0 has A in its TLB */
	struct mmun_cpu *other;       /* runs in the child */
	struct mmun_ats *ats;         /* of mm, with A in its TLB */
	struct mmun_mm *forked;       /* by a thread */
	bool exited;                  /* the child, by a thread */
	atomic_u64 flag;
	bool late;                    /* see pin_freed() */
};

/* What set-up does. */
enum {
	CPU0 = 1, CPU1 = 2, DEVICE = 4, CHILD = 8, /* who is there */
	SWAPPED = 16,                 /* A is */
	FREED = 32,                   /* MADV_FREE has been at A */
	CLASSIC = 64,
};

struct scene {
	const char *name;
	unsigned threads, with;
	void (*thread)(struct world *w, unsigned thread);
	void (*finish)(struct world *w);
	bool twin;
};

struct run { const struct scene *scene; bool wrong; };

static uint64_t get(struct mmun_cpu *cpu, uint64_t addr)
{
	uint64_t v = 0;

	must(mmun_cpu_load(cpu, addr, &v));
	return v;
}

static void put(struct mmun_cpu *cpu, uint64_t addr, uint64_t v)
{
	must(mmun_cpu_store(cpu, addr, v));
}

static int reclaim(struct mmun_mm *mm, uint64_t addr)
{
	int err;

	down_read(&mm->mmap_lock);
	err = swap_reclaim(mm, addr, NULL);
	up_read(&mm->mmap_lock);
	return err;
}

static void lazy_free(struct mmun_mm *mm, uint64_t addr)
{
	must(mmun_madvise(mm, addr, PAGE_BYTES, MMUN_MADV_FREE));
}

/* --- set-up and end ------------------------------------------------------ */

static void fill(struct world *w, unsigned with)
{
	struct mmun_cpu *cpu = w->cpu[0];
	uint64_t v;

	if (!cpu)
		must(mmun_cpu_create(w->mm, &cpu));
	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		put(cpu, A + 8 * i, 1);
	if (with & CHILD) {
		must(mmun_fork(w->mm, &w->child));
		must(mmun_cpu_create(w->child, &w->other));
	}
	if (with & FREED)
		lazy_free(w->mm, A);
	if (with & SWAPPED)
		must(reclaim(w->mm, A));
	if (!(with & SWAPPED))
		(void)get(cpu, A);
	if (with & DEVICE && !(with & SWAPPED))
		must(mmun_ats_load(w->ats, A, &v));
	if (!w->cpu[0])
		mmun_cpu_destroy(cpu);
}

static void setup(void *state, void *arg)
{
	const struct run *r = arg;
	struct world *w = state;
	unsigned with = r->scene->with;
	struct mmun_machine_opts opts = { .frames = FRAMES, .swap_pages = SLOTS };

	must(mmun_machine_create(&opts, &w->machine));
	must(mmun_mm_create(w->machine, with & CLASSIC ? MMUN_CLASSIC : MMUN_MODERN, &w->mm));
	map_private(w->mm, A, HUGE_BYTES / PAGE_BYTES);
	if (with & CPU0)
		must(mmun_cpu_create(w->mm, &w->cpu[0]));
	if (with & CPU1)
		must(mmun_cpu_create(w->mm, &w->cpu[1]));
	if (with & DEVICE)
		must(mmun_ats_create(w->mm, NULL, &w->ats));
	fill(w, with);
	if (r->wrong) {
		mm_set_flush_points(w->mm, MM_OP_MIGRATE, 0);
		mm_set_flush_points(w->mm, MM_OP_RECLAIM, 0);
	}
}

static void thread(void *state, unsigned t, void *arg)
{
	const struct run *r = arg;

	r->scene->thread(state, t);
}

static void finish(void *state, void *arg)
{
	const struct run *r = arg;
	struct world *w = state;

	if (r->scene->finish)
		r->scene->finish(w);
	mmun_cpu_destroy(w->cpu[0]);
	mmun_cpu_destroy(w->cpu[1]);
	mmun_cpu_destroy(w->other);
	if (!w->exited)
		must(mmun_mm_destroy(w->child));
	must(mmun_mm_destroy(w->forked));
	must(mmun_mm_destroy(w->mm));
	mmun_ats_destroy(w->ats);
	must(mmun_machine_destroy(w->machine));
}

/* What mm has at addr, read in the end, through a new processor. */
static uint64_t value(struct mmun_mm *mm, uint64_t addr)
{
	struct mmun_cpu *cpu;
	uint64_t v;

	must(mmun_cpu_create(mm, &cpu));
	v = get(cpu, addr);
	mmun_cpu_destroy(cpu);
	return v;
}

static void page_is_one(struct mmun_mm *mm)
{
	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		ASSERT(value(mm, A + 8 * i) == 1);
}

/* --- the two sides -------------------------------------------------------- */

static void move(struct mmun_mm *mm)
{
	int err = mmun_migrate(mm, A);

	ASSERT(!err || err == -EBUSY || err == -EFAULT);
}

static void swap_out(struct mmun_mm *mm)
{
	int err = reclaim(mm, A);

	ASSERT(!err || err == -EBUSY || err == -EFAULT);
}

/* Stores, and must find it there, whatever happens underneath. */
static void writer(struct mmun_cpu *cpu)
{
	put(cpu, A, 2);
	ASSERT(get(cpu, A) == 2);
}

static void device_writer(struct mmun_ats *ats)
{
	uint64_t v = 0;

	must(mmun_ats_store(ats, A, 2));
	must(mmun_ats_load(ats, A, &v));
	ASSERT(v == 2);
}

static void zap_page(struct mmun_mm *mm)
{
	must(mmun_madvise(mm, A, PAGE_BYTES, MMUN_MADV_DONTNEED));
}

static void is_two(struct world *w)
{
	ASSERT(value(w->mm, A) == 2);
	ASSERT(value(w->mm, A + 8) == 1);
}

#define PAIR(name, first, second)                                  \
	static void name(struct world *w, unsigned t)              \
	{                                                          \
		if (t == 0)                                        \
			first;                                     \
		else                                               \
			second;                                    \
	}

PAIR(move_write, move(w->mm), writer(w->cpu[0]))
PAIR(move_device, move(w->mm), device_writer(w->ats))
PAIR(out_write, swap_out(w->mm), writer(w->cpu[0]))
PAIR(out_device, swap_out(w->mm), device_writer(w->ats))

/* After munmap or DONTNEED nobody sees the old page. */
static void unmap(struct world *w)
{
	uint64_t v;

	must(mmun_munmap(w->mm, A, PAGE_BYTES));
	ASSERT(mmun_cpu_load(w->cpu[0], A, &v) == -EFAULT);
}

static void dontneed(struct world *w)
{
	zap_page(w->mm);
	ASSERT(get(w->cpu[0], A) == 0);
}

PAIR(move_unmap, move(w->mm), unmap(w))
PAIR(move_zap, move(w->mm), dontneed(w))
PAIR(out_unmap, swap_out(w->mm), unmap(w))
PAIR(out_zap, swap_out(w->mm), dontneed(w))

/* The child has what was there when fork returned. */
static void fork_write(struct world *w)
{
	must(mmun_fork(w->mm, &w->forked));
	put(w->cpu[0], A, 2);
}

static void child_is_one(struct world *w)
{
	ASSERT(value(w->mm, A) == 2);
	page_is_one(w->forked);
}

PAIR(move_fork, move(w->mm), fork_write(w))
PAIR(out_fork, swap_out(w->mm), fork_write(w))

/* Protection that is taken away and given back. */
static void protect(struct world *w)
{
	uint64_t v;

	must(mmun_mprotect(w->mm, A, PAGE_BYTES, MMUN_PROT_NONE));
	ASSERT(mmun_cpu_load(w->cpu[0], A, &v) == -EFAULT);
	must(mmun_mprotect(w->mm, A, PAGE_BYTES, MMUN_PROT_READ));
	ASSERT(get(w->cpu[0], A) == 1);
	ASSERT(mmun_cpu_store(w->cpu[0], A, 2) == -EFAULT);
}

PAIR(move_protect, move(w->mm), protect(w))
PAIR(out_protect, swap_out(w->mm), protect(w))

/* Two that want the same page. */
static void both_same(struct world *w)
{
	page_is_one(w->mm);
	if (w->child)
		page_is_one(w->child);
}

PAIR(move_move, move(w->mm), move(w->child))
PAIR(out_out, swap_out(w->mm), swap_out(w->child))
PAIR(move_out, move(w->mm), swap_out(w->child))

/* The other address space goes. */
static void child_exits(struct world *w)
{
	mmun_cpu_destroy(w->other);
	w->other = NULL;
	must(mmun_mm_destroy(w->child));
	w->exited = true;
}

static void one_left(struct world *w) { page_is_one(w->mm); }

PAIR(move_exit, move(w->mm), child_exits(w))
PAIR(out_exit, swap_out(w->mm), child_exits(w))

/* --- by way of another address space, and three at a time ------------------- */

PAIR(child_out_unmap, swap_out(w->child), unmap(w))
PAIR(child_out_zap, swap_out(w->child), dontneed(w))
PAIR(child_out_fork, swap_out(w->child), fork_write(w))
PAIR(child_out_protect, swap_out(w->child), protect(w))
PAIR(child_out_write, swap_out(w->child), writer(w->cpu[0]))
PAIR(child_move_fork, move(w->child), fork_write(w))
PAIR(child_move_unmap, move(w->child), unmap(w))

static void child_still_one(struct world *w) { page_is_one(w->child); }

static void all_one(struct world *w)
{
	child_is_one(w);
	page_is_one(w->child);
}

/* A processor and a device store to the page; neither store is lost. */
static void two_writers(struct world *w, unsigned t)
{
	uint64_t v = 0;

	if (t == 1) {
		writer(w->cpu[0]);
	} else {
		must(mmun_ats_store(w->ats, A + 8, 3));
		must(mmun_ats_load(w->ats, A + 8, &v));
		ASSERT(v == 3);
	}
}

#define THREE(name, first, others)                                 \
	static void name(struct world *w, unsigned t)              \
	{                                                          \
		if (t == 0)                                        \
			first;                                     \
		else                                               \
			others(w, t);                              \
	}

THREE(move_two, move(w->mm), two_writers)
THREE(out_two, swap_out(w->mm), two_writers)

/* A pinned page is not shared by fork, even while it was to be moved: what is stored
 * through the pin is still the parent's afterwards, and never the child's. */
static void pin_and_fork(struct world *w, unsigned t)
{
	struct mmun_pin *pin;

	if (t == 2) {
		must(mmun_fork(w->mm, &w->forked));
		return;
	}
	must(mmun_pin(w->mm, A, true, &pin));
	put(w->cpu[0], A + 8, 3);
	must(mmun_pin_store(pin, 0, 2));
	ASSERT(get(w->cpu[0], A) == 2);
	mmun_unpin(pin);
}

THREE(move_pin_fork, move(w->mm), pin_and_fork)
THREE(out_pin_fork, swap_out(w->mm), pin_and_fork)

/* --- coming back ---------------------------------------------------------- */

/* Two threads of one address space, at one entry. */
PAIR(in_in, put(w->cpu[0], A, 2), put(w->cpu[1], A + 8, 3))

static void both_stored(struct world *w)
{
	ASSERT(value(w->mm, A) == 2 && value(w->mm, A + 8) == 3 && value(w->mm, A + 16) == 1);
}

/* Parent and child, at one slot. */
static void in_child(struct world *w)
{
	ASSERT(get(w->other, A) == 1);
	put(w->other, A + 8, 3);
}

static void apart(struct world *w)
{
	ASSERT(value(w->mm, A) == 2 && value(w->mm, A + 8) == 1);
	ASSERT(value(w->child, A) == 1 && value(w->child, A + 8) == 3);
}

PAIR(in_in_child, put(w->cpu[0], A, 2), in_child(w))
PAIR(in_zap, zap_page(w->mm), (void)get(w->cpu[0], A))
PAIR(in_child_zap, zap_page(w->mm), in_child(w))
PAIR(in_out, swap_out(w->child), put(w->cpu[0], A, 2))
PAIR(in_move, move(w->child), put(w->cpu[0], A, 2))
PAIR(in_exit, child_exits(w), put(w->cpu[0], A, 2))
PAIR(in_fork, (void)get(w->cpu[1], A), fork_write(w))

static void child_page_is_one(struct world *w)
{
	ASSERT(value(w->mm, A) == 2);
	page_is_one(w->child);
}

static void child_has_three(struct world *w)
{
	ASSERT(value(w->mm, A) == 0);
	ASSERT(value(w->child, A) == 1 && value(w->child, A + 8) == 3);
}

/* Out and in again, and the entry looks as before: what was stored must be kept. */
static void in_out_in(struct world *w, unsigned t)
{
	if (t == 0) {
		put(w->cpu[0], A, 2);
		swap_out(w->mm);
	} else {
		(void)get(w->cpu[1], A + 8);
	}
}

/* --- MADV_FREE, pins ------------------------------------------------------- */

/* It may be gone, but not once it was written. */
static void freed_write(struct world *w)
{
	uint64_t v = get(w->cpu[0], A + 8);

	ASSERT(v <= 1);
	put(w->cpu[0], A, 2);
	ASSERT(get(w->cpu[0], A + 8) <= v);
}

static void freed_is_two(struct world *w) { ASSERT(value(w->mm, A) == 2); }

PAIR(out_freed, swap_out(w->mm), freed_write(w))

/* A processor that still has the dropped page in its TLB must not read it once another
 * has written to the new one. */
static void out_freed_two(struct world *w, unsigned t)
{
	if (t == 0) {
		swap_out(w->mm);
	} else if (t == 1) {
		put(w->cpu[1], A, 2);
		put(w->cpu[1], B, 1);
	} else if (get(w->cpu[0], B)) {
		ASSERT(get(w->cpu[0], A) == 2);
	}
}

/* What is stored through a pin is stored to the page that is mapped. */
static void pin_write(struct world *w)
{
	struct mmun_pin *pin;

	must(mmun_pin(w->mm, A, true, &pin));
	must(mmun_pin_store(pin, 0, 2));
	ASSERT(get(w->cpu[0], A) == 2);
	mmun_unpin(pin);
}

PAIR(move_pin, move(w->mm), pin_write(w))
PAIR(out_pin, swap_out(w->mm), pin_write(w))

/* A page that MADV_FREE has been at may be pinned already, by gup_fast; what is stored
 * after the advice must stay, though no entry says that it was written. */
static void pin_freed(struct world *w, unsigned t)
{
	struct mmun_pin *pin;

	if (t == 0) {
		lazy_free(w->mm, A);
		store_release(&w->flag, 1);
		swap_out(w->mm);
		return;
	}
	must(mmun_pin(w->mm, A, true, &pin));
	w->late = load_acquire(&w->flag);
	must(mmun_pin_store(pin, 0, 2));
	mmun_unpin(pin);
}

static void late_is_kept(struct world *w) { ASSERT(!w->late || value(w->mm, A) == 2); }

/* --- moves ------------------------------------------------------------------ */

/* To another place: nobody sees the page in the old one, and its contents are in the new
 * one, where it can be written. bytes: a page, or what a table maps, which moves then. */
static void remap(struct world *w, uint64_t bytes)
{
	uint64_t at, v;

	must(mmun_mremap(w->mm, A, bytes, bytes, MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, TO,
			 &at));
	ASSERT(mmun_cpu_load(w->cpu[0], A, &v) == -EFAULT);
	put(w->cpu[0], TO, 2);
	ASSERT(get(w->cpu[0], TO + 8) == 1);
}

static void remapped(struct world *w)
{
	ASSERT(value(w->mm, TO) == 2 && value(w->mm, TO + 8) == 1);
	if (w->child)
		page_is_one(w->child);
}

PAIR(move_remap, move(w->mm), remap(w, PAGE_BYTES))
PAIR(move_remap_table, move(w->mm), remap(w, HUGE_BYTES))
PAIR(child_move_remap, move(w->child), remap(w, PAGE_BYTES))
PAIR(child_move_remap_table, move(w->child), remap(w, HUGE_BYTES))
PAIR(child_out_remap, swap_out(w->child), remap(w, PAGE_BYTES))
PAIR(child_out_remap_table, swap_out(w->child), remap(w, HUGE_BYTES))

/* --- age --------------------------------------------------------------------- */

static void age(struct world *w)
{
	bool young;
	int err = mmun_page_young(w->mm, A, true, &young);

	ASSERT(!err || err == -EFAULT);
}

/* That a page was written is not forgotten with its age. */
static void written(struct world *w)
{
	ASSERT(pte_dirty(mm_translate(w->mm, A)));
	is_two(w);
}

PAIR(age_write, age(w), writer(w->cpu[1]))
PAIR(age_move, age(w), move(w->mm))
PAIR(age_out, age(w), swap_out(w->mm))
PAIR(age_unmap, age(w), unmap(w))

static const struct scene scenes[] = {
	{ "migrate, store", 2, CPU0, move_write, is_two, false },
	{ "migrate, store, classic", 2, CPU0 | CLASSIC, move_write, is_two, false },
	{ "migrate, device stores", 2, DEVICE, move_device, is_two, true },
	{ "migrate, device stores, classic", 2, DEVICE | CLASSIC, move_device, is_two, true },
	{ "migrate, munmap", 2, CPU0, move_unmap, NULL, false },
	{ "migrate, dontneed", 2, CPU0, move_zap, NULL, false },
	{ "migrate, fork", 2, CPU0, move_fork, child_is_one, false },
	{ "migrate, mprotect", 2, CPU0, move_protect, NULL, false },
	{ "migrate, migrate", 2, CHILD, move_move, both_same, false },
	{ "migrate, exit", 2, CHILD, move_exit, one_left, false },
	{ "migrate, pin", 2, CPU0, move_pin, is_two, false },
	{ "reclaim, store", 2, CPU0, out_write, is_two, false },
	{ "reclaim, store, classic", 2, CPU0 | CLASSIC, out_write, is_two, false },
	{ "reclaim, device stores", 2, DEVICE, out_device, is_two, true },
	{ "reclaim, device stores, classic", 2, DEVICE | CLASSIC, out_device, is_two, true },
	{ "reclaim, munmap", 2, CPU0, out_unmap, NULL, false },
	{ "reclaim, dontneed", 2, CPU0, out_zap, NULL, false },
	{ "reclaim, fork", 2, CPU0, out_fork, child_is_one, false },
	{ "reclaim, mprotect", 2, CPU0, out_protect, NULL, false },
	{ "reclaim, reclaim", 2, CHILD, out_out, both_same, false },
	{ "reclaim, migrate", 2, CHILD, move_out, both_same, false },
	{ "reclaim, exit", 2, CHILD, out_exit, one_left, false },
	{ "reclaim, pin", 2, CPU0, out_pin, is_two, false },
	{ "migrate by a child, fork", 2, CPU0 | CHILD, child_move_fork, all_one, false },
	{ "migrate by a child, munmap", 2, CPU0 | CHILD, child_move_unmap, child_still_one,
	  false },
	{ "migrate, store, device stores", 3, CPU0 | DEVICE, move_two, both_stored, false },
	{ "migrate, pin, fork", 3, CPU0, move_pin_fork, NULL, false },
	{ "reclaim by a child, munmap", 2, CPU0 | CHILD, child_out_unmap, child_still_one,
	  false },
	{ "reclaim by a child, dontneed", 2, CPU0 | CHILD, child_out_zap, child_still_one,
	  false },
	{ "reclaim by a child, fork", 2, CPU0 | CHILD, child_out_fork, all_one, false },
	{ "reclaim by a child, mprotect", 2, CPU0 | CHILD, child_out_protect, both_same, false },
	{ "reclaim by a child, store", 2, CPU0 | CHILD, child_out_write, child_page_is_one,
	  false },
	{ "reclaim, store, device stores", 3, CPU0 | DEVICE, out_two, both_stored, false },
	{ "reclaim, pin, fork", 3, CPU0, out_pin_fork, NULL, false },
	{ "swap-in, swap-in", 2, CPU0 | CPU1 | SWAPPED, in_in, both_stored, false },
	{ "swap-in, swap-in by a child", 2, CPU0 | CHILD | SWAPPED, in_in_child, apart, false },
	{ "swap-in, dontneed", 2, CPU0 | SWAPPED, in_zap, NULL, false },
	{ "swap-in by a child, dontneed", 2, CPU0 | CHILD | SWAPPED, in_child_zap,
	  child_has_three, false },
	{ "swap-in, reclaim", 2, CPU0 | CHILD | SWAPPED, in_out, child_page_is_one, false },
	{ "swap-in, migrate", 2, CPU0 | CHILD | SWAPPED, in_move, child_page_is_one, false },
	{ "swap-in, exit", 2, CPU0 | CHILD | SWAPPED, in_exit, is_two, false },
	{ "swap-in, fork", 2, CPU0 | CPU1 | SWAPPED, in_fork, child_is_one, false },
	{ "swap-in, out and in", 2, CPU0 | CPU1 | SWAPPED, in_out_in, is_two, false },
	{ "freed: reclaim, store", 2, CPU0 | FREED, out_freed, freed_is_two, false },
	{ "freed: reclaim, store, load", 3, CPU0 | CPU1 | FREED, out_freed_two, NULL, false },
	{ "free and reclaim, pin", 2, CPU0, pin_freed, late_is_kept, false },
	{ "migrate, mremap", 2, CPU0, move_remap, remapped, false },
	{ "migrate, mremap of a table", 2, CPU0, move_remap_table, remapped, false },
	{ "migrate by a child, mremap", 2, CPU0 | CHILD, child_move_remap, remapped, false },
	{ "migrate by a child, mremap of a table", 2, CPU0 | CHILD, child_move_remap_table,
	  remapped, false },
	{ "reclaim by a child, mremap", 2, CPU0 | CHILD, child_out_remap, remapped, false },
	{ "reclaim by a child, mremap of a table", 2, CPU0 | CHILD, child_out_remap_table,
	  remapped, false },
	{ "age, store", 2, CPU0 | CPU1 | FREED, age_write, written, false },
	{ "age, migrate", 2, CPU0, age_move, both_same, false },
	{ "age, reclaim", 2, CPU0, age_out, both_same, false },
	{ "age, munmap", 2, CPU0, age_unmap, NULL, false },
};

/* --- running them --------------------------------------------------------- */

static void run(const struct scene *scene, bool wrong)
{
	struct run r = { scene, wrong };
	const struct explore_check check = {
		.name = scene->name, .threads = scene->threads,
		.state_size = sizeof(struct world), .setup = setup, .thread = thread,
		.finish = finish, .arg = &r,
	};

	explore_scene(&check, wrong);
}

static void each_scene(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		if (!scene_wanted(scenes[i].name))
			continue;
		run(&scenes[i], false);
		if (scenes[i].twin)
			run(&scenes[i], true);
	}
}

int main(int argc, char **argv) { return scenes_main(argc, argv, "reclaim", each_scene); }
