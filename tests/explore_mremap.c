/* SPDX-License-Identifier: MIT */
/*
 * explore_mremap.c - mremap, truncation, punching and cleaning under every interleaving,
 * against what comes by the rmap or by the object meanwhile. Scenes in which nothing may
 * be found, and such in which the devices are not told, or too late, which must be found.
 * OLD is mapped, for a whole table's bytes, and page 0 of it holds 1 at the start.
 */
#include "explore_scene.h"

enum { FRAMES = 160, SLOTS = 16, FIXED = MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED };

#define OLD (4 * HUGE_BYTES)
#define NEW (12 * HUGE_BYTES)

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *other;   /* other: maps the same pages */
	struct mmun_object *object;
	struct mmun_cpu *cpu, *peer;  /* in mm, with OLD in its TLB; in other */
	struct mmun_ats *ats;         /* of mm, with OLD in its TLB */
	uint64_t out;                 /* what was written out */
};

/* What set-up does. */
enum {
	OBJECT = 1,   /* OLD is shared memory, else private, and other is a child */
	PRIVATE = 2,  /* ... of an object, and a copy of its page */
	DEVICE = 4,
	CLASSIC = 8,
	NEVER = 16,   /* the device is not told of moves */
};

struct scene {
	const char *name;
	unsigned threads, with;
	bool wrong;   /* something must be found */
	void (*thread)(struct world *w, unsigned thread);
	void (*finish)(struct world *w);
};

/* --- set-up and end ------------------------------------------------------ */

static void map_pages(struct world *w, struct mmun_mm *mm, int kind)
{
	uint64_t at;

	must(mmun_mmap_object(mm, OLD, HUGE_BYTES, RW, kind | MMUN_MAP_FIXED, w->object, 0, &at));
}

static void map_all(struct world *w, unsigned with)
{
	if (!(with & (OBJECT | PRIVATE))) {
		map_private(w->mm, OLD, HUGE_BYTES / PAGE_BYTES);
		return;
	}
	must(mmun_object_create(w->machine, HUGE_BYTES, &w->object));
	must(mmun_mm_create(w->machine, MMUN_MODERN, &w->other));
	map_pages(w, w->mm, with & PRIVATE ? MMUN_MAP_PRIVATE : MMUN_MAP_SHARED);
	map_pages(w, w->other, MMUN_MAP_SHARED);
}

static void setup(void *state, void *arg)
{
	struct mmun_machine_opts opts = { .frames = FRAMES, .swap_pages = SLOTS };
	const struct scene *scene = arg;
	unsigned with = scene->with;
	struct world *w = state;
	uint64_t v;

	must(mmun_machine_create(&opts, &w->machine));
	must(mmun_mm_create(w->machine, with & CLASSIC ? MMUN_CLASSIC : MMUN_MODERN, &w->mm));
	map_all(w, with);
	must(mmun_cpu_create(w->mm, &w->cpu));
	must(mmun_cpu_store(w->cpu, OLD, 1));
	if (!w->other)
		must(mmun_fork(w->mm, &w->other));
	must(mmun_cpu_create(w->other, &w->peer));
	must(mmun_cpu_load(w->peer, OLD, &v));
	must(mmun_cpu_load(w->cpu, OLD, &v));
	if (with & DEVICE) {
		must(mmun_ats_create(w->mm, NULL, &w->ats));
		must(mmun_ats_load(w->ats, OLD, &v));
	}
	if (with & NEVER)
		mm_set_flush_points(w->mm, MM_OP_MREMAP, 0);
}

static void thread(void *state, unsigned t, void *arg)
{
	const struct scene *scene = arg;

	scene->thread(state, t);
}

static void finish(void *state, void *arg)
{
	const struct scene *scene = arg;
	struct world *w = state;

	if (scene->finish)
		scene->finish(w);
	mmun_cpu_destroy(w->cpu);
	mmun_cpu_destroy(w->peer);
	must(mmun_mm_destroy(w->mm));
	must(mmun_mm_destroy(w->other));
	mmun_ats_destroy(w->ats);
	mmun_object_destroy(w->object);
	must(mmun_machine_destroy(w->machine));
}

/* --- what the threads do ------------------------------------------------- */

static void move(struct world *w, uint64_t from, uint64_t len, uint64_t to)
{
	uint64_t at;

	must(mmun_mremap(w->mm, from, len, len, FIXED, to, &at));
}

/* By the table, and page 0 alone. */
static void move_table(struct world *w) { move(w, OLD, HUGE_BYTES, NEW); }
static void move_entry(struct world *w) { move(w, OLD, PAGE_BYTES, NEW); }

/* After it NEW is in the processor's TLB. */
static void load_new(struct world *w)
{
	uint64_t v;
	int err = mmun_cpu_load(w->cpu, NEW, &v);

	ASSERT(!err || err == -EFAULT);
}

static void write_out(struct world *w)
{
	uint64_t dirty;

	must(mmun_object_clean(w->object, 0, HUGE_BYTES, &dirty));
	ASSERT(dirty == 1); /* it has found the entry, wherever that was */
	must(mmun_cpu_load(w->peer, OLD, &w->out));
}

static void reclaim(struct world *w)
{
	down_read(&w->other->mmap_lock);
	(void)swap_reclaim(w->other, OLD, NULL);
	up_read(&w->other->mmap_lock);
}

/* Whatever has happened: NEW has what it had, as seen through a TLB that may know it. */
static void new_is_one(struct world *w)
{
	uint64_t v = 0;

	must(mmun_cpu_load(w->cpu, NEW, &v));
	ASSERT(v == 1);
}

static void table_reclaim(struct world *w, unsigned t)
{
	if (t == 0) {
		move_table(w);
		load_new(w);
	} else {
		reclaim(w);
	}
}

static void entry_reclaim(struct world *w, unsigned t)
{
	if (t == 0) {
		move_entry(w);
		load_new(w);
	} else {
		reclaim(w);
	}
}

static void table_migrate(struct world *w, unsigned t)
{
	int err = 0;

	if (t == 0) {
		move_table(w);
		load_new(w);
	} else {
		err = mmun_migrate(w->other, OLD);
	}
	ASSERT(!err || err == -EBUSY);
}

static void entry_migrate(struct world *w, unsigned t)
{
	int err = 0;

	if (t == 0) {
		move_entry(w);
		load_new(w);
	} else {
		err = mmun_migrate(w->other, OLD);
	}
	ASSERT(!err || err == -EBUSY);
}

/* In the modern semantics reclaim tells the devices of all addresses; see below. */
static void entry_reclaim_device(struct world *w, unsigned t)
{
	uint64_t v;

	if (t == 0)
		move_entry(w);
	else if (t == 1)
		reclaim(w);
	else
		(void)mmun_ats_load(w->ats, OLD, &v);
}

/* The second one through the TLB, unless somebody has cleaned the page. */
static void store_twice(struct world *w, uint64_t addr)
{
	must(mmun_cpu_store(w->cpu, addr, 2));
	must(mmun_cpu_store(w->cpu, addr, 3));
}

static void table_clean(struct world *w, unsigned t)
{
	if (t == 0) {
		move_table(w);
		store_twice(w, NEW);
	} else {
		write_out(w);
	}
}

static void entry_clean(struct world *w, unsigned t)
{
	if (t == 0) {
		move_entry(w);
		store_twice(w, NEW);
	} else {
		write_out(w);
	}
}

static void there_and_back_clean(struct world *w, unsigned t)
{
	if (t == 0) {
		move(w, OLD, HUGE_BYTES, NEW);
		move(w, NEW, HUGE_BYTES, OLD);
		store_twice(w, OLD);
	} else {
		write_out(w);
	}
}

/* What was written out, or will be, is all that was stored. */
static void all_is_out(struct world *w)
{
	uint64_t dirty, v;

	must(mmun_object_clean(w->object, 0, HUGE_BYTES, &dirty));
	must(mmun_cpu_load(w->peer, OLD, &v));
	ASSERT(dirty || v == w->out);
}

static void table_truncate(struct world *w, unsigned t)
{
	if (t == 0) {
		move_table(w);
		load_new(w);
	} else {
		must(mmun_object_truncate(w->object, 0));
	}
}

static void entry_truncate(struct world *w, unsigned t)
{
	if (t == 0) {
		move_entry(w);
		load_new(w);
	} else {
		must(mmun_object_truncate(w->object, 0));
	}
}

/* The device is told of the new place only, by truncation. */
static void entry_truncate_device(struct world *w, unsigned t)
{
	uint64_t v;

	if (t == 0)
		move_entry(w);
	else if (t == 1)
		must(mmun_object_truncate(w->object, 0));
	else
		(void)mmun_ats_load(w->ats, OLD, &v);
}

static void nothing_left(struct world *w)
{
	uint64_t v;

	ASSERT(mmun_cpu_load(w->cpu, NEW, &v) == -EFAULT);
	ASSERT(mmun_cpu_load(w->cpu, OLD, &v) == -EFAULT);
	ASSERT(mmun_cpu_load(w->peer, OLD, &v) == -EFAULT);
}

static void punch_store(struct world *w, unsigned t)
{
	if (t == 0)
		must(mmun_object_punch(w->object, 0, PAGE_BYTES));
	else
		must(mmun_cpu_store(w->cpu, OLD, 2));
}

static void drop_drop(struct world *w, unsigned t)
{
	uint64_t v = 9;

	must(mmun_madvise(w->mm, OLD, PAGE_BYTES, MMUN_MADV_DONTNEED));
	if (t == 0) {
		must(mmun_cpu_load(w->cpu, OLD, &v));
		ASSERT(v == 0);
	}
}

/* Shared memory is the same for all who share it. */
static void both_same(struct world *w)
{
	uint64_t a = 8, b = 9;

	must(mmun_cpu_load(w->cpu, OLD, &a));
	must(mmun_cpu_load(w->peer, OLD, &b));
	ASSERT(a == b);
}

static const struct scene scenes[] = {
	{ "table, reclaim", 2, 0, false, table_reclaim, new_is_one },
	{ "table, migrate", 2, 0, false, table_migrate, new_is_one },
	{ "table, clean", 2, OBJECT, false, table_clean, all_is_out },
	{ "table and back, clean", 2, OBJECT, false, there_and_back_clean, all_is_out },
	{ "table, truncate", 2, OBJECT, false, table_truncate, nothing_left },
	{ "table, truncate, private", 2, PRIVATE, false, table_truncate, nothing_left },
	{ "entry, reclaim", 2, 0, false, entry_reclaim, new_is_one },
	{ "entry, migrate", 2, 0, false, entry_migrate, new_is_one },
	{ "entry, clean", 2, OBJECT, false, entry_clean, all_is_out },
	{ "entry, truncate", 2, OBJECT, false, entry_truncate, nothing_left },
	{ "entry, truncate, private", 2, PRIVATE, false, entry_truncate, nothing_left },
	{ "entry, reclaim, device", 3, DEVICE, false, entry_reclaim_device, NULL },
	{ "entry, reclaim, device, classic", 3, DEVICE | CLASSIC, true, entry_reclaim_device, NULL },
	{ "entry, truncate, device", 3, OBJECT | DEVICE, false, entry_truncate_device, nothing_left },
	{ "entry, truncate, device not told", 3, OBJECT | DEVICE | NEVER, true,
	  entry_truncate_device, NULL },
	{ "punch, store", 2, OBJECT, false, punch_store, both_same },
	{ "dontneed, dontneed", 2, 0, false, drop_drop, NULL },
};

/* --- running them --------------------------------------------------------- */

static void run(const struct scene *scene)
{
	const struct explore_check check = {
		.name = scene->name, .threads = scene->threads,
		.state_size = sizeof(struct world), .setup = setup, .thread = thread,
		.finish = finish, .arg = (void *)(uintptr_t)scene,
	};

	explore_scene(&check, scene->wrong);
}

static void each_scene(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		if (scene_wanted(scenes[i].name))
			run(&scenes[i]);
}

int main(int argc, char **argv) { return scenes_main(argc, argv, "mremap", each_scene); }
