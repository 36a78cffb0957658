/* SPDX-License-Identifier: MIT */
/*
 * explore_hmm.c - a device that mirrors an address space (hmm_device.h) beside operations of that
 * address space, under every interleaving. "teardown" is Linux's anon_teardown. Each scene is run
 * with a mistake of the device's driver, too, and must fail then.
 */
#include "explore_scene.h"

#define DEVICE_PAGES 2
#include "hmm_device.h"

#define A (entry_bytes(1) * 2)
#define B (A + PAGE_BYTES)

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *child;
	struct mmun_cpu *cpu, *child_cpu;
	struct hmm_device dev;
	struct device_did did;
	uint64_t words[DEVICE_PAGES], seen;
	int result;
};

struct scene {
	const char *name;
	void (*thread[SCENE_THREADS])(struct world *w);
	bool (*holds)(struct world *w);
	unsigned planted;
};

static void world_setup(void *state, void *arg)
{
	const struct mmun_machine_opts opts = { .frames = 64, .swap_pages = 8 };
	const struct scene *s = arg;
	struct world *w = state;

	must(mmun_machine_create(&opts, &w->machine));
	must(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	must(mmun_cpu_create(w->mm, &w->cpu));
	map_private(w->mm, A, 2);
	must(mmun_cpu_store(w->cpu, A, 1));
	must(mmun_cpu_store(w->cpu, B, 2));
	w->dev.mistakes = s->planted;
	must(device_open(&w->dev, w->mm, A));
}

static void world_thread(void *state, unsigned thread, void *arg)
{
	const struct scene *s = arg;

	s->thread[thread](state);
}

static void world_finish(void *state, void *arg)
{
	const struct scene *s = arg;
	struct world *w = state;

	EXPECT(s->holds(w));
	device_close(&w->dev);
	mmun_cpu_destroy(w->child_cpu);
	must(mmun_mm_destroy(w->child));
	mmun_cpu_destroy(w->cpu);
	must(mmun_mm_destroy(w->mm));
	must(mmun_machine_destroy(w->machine));
}

static uint64_t cpu_sees(struct mmun_cpu *cpu, uint64_t addr)
{
	uint64_t value;

	must(mmun_cpu_load(cpu, addr, &value));
	return value;
}

/* --- teardown --------------------------------------------------------------- */

static void read_both(struct world *w)
{
	w->result = device_read(&w->dev, A, 2, w->words, &w->did);
}

static void read_last(struct world *w)
{
	w->result = device_read(&w->dev, B, 1, w->words, &w->did);
}

static void read_last_twice(struct world *w)
{
	read_last(w);
	read_last(w);
}

static void unmap_last(struct world *w) { must(mmun_munmap(w->mm, B, PAGE_BYTES)); }

/* An error, or all that was there. */
static bool all_or_error(struct world *w)
{
	return w->result ? w->result == -EFAULT :
			   w->did.cpages == 2 && w->words[0] == 1 && w->words[1] == 2;
}

static bool last_or_error(struct world *w)
{
	return w->result ? w->result == -EFAULT : w->words[0] == 2;
}

/* --- stores of the device ------------------------------------------------------ */

static void write_first(struct world *w)
{
	w->words[0] = 9;
	must(device_write(&w->dev, A, 1, w->words, &w->did));
}

static void migrate(struct world *w) { (void)mmun_migrate(w->mm, A); }

static void page_out(struct world *w)
{
	(void)mmun_madvise(w->mm, A, PAGE_BYTES, MMUN_MADV_PAGEOUT);
}

static bool is_written(struct world *w) { return cpu_sees(w->cpu, A) == 9; }

/* The child has what was there at some moment of the call, and keeps it. */
static void fork_and_look(struct world *w)
{
	must(mmun_fork(w->mm, &w->child));
	must(mmun_cpu_create(w->child, &w->child_cpu));
	w->seen = cpu_sees(w->child_cpu, A);
}

static bool child_keeps(struct world *w)
{
	return is_written(w) && cpu_sees(w->child_cpu, A) == w->seen;
}

/* --- a page for the device alone ------------------------------------------------- */

/* What the device looks at twice does not change while the page is its own. */
static void use_alone(struct world *w)
{
	struct hmm_device *d = &w->dev;
	uint64_t first = 0, second = 0;

	(void)device_exclusive(d, A, 1, &w->did);
	spin_lock(&d->lock);
	if (d->exclusive[0]) {
		must(mmun_hmm_load(w->machine, d->pfn[0], 0, &first));
		must(mmun_hmm_load(w->machine, d->pfn[0], 0, &second));
	}
	spin_unlock(&d->lock);
	EXPECT(first == second);
}

static void cpu_store(struct world *w) { must(mmun_cpu_store(w->cpu, A, 9)); }

static const struct scene scenes[] = {
	{ "teardown", { read_both, unmap_last }, all_or_error, DEVICE_NEVER_RETRIES },
	{ "teardown, one page", { read_last, unmap_last }, last_or_error, DEVICE_RETRIES_EARLY },
	{ "teardown, one page", { read_last, unmap_last }, last_or_error, DEVICE_SETS_NO_SEQ },
	{ "teardown, read again", { read_last_twice, unmap_last }, last_or_error,
	  DEVICE_DROPS_NOTHING },
	{ "write+migrate", { write_first, migrate }, is_written, DEVICE_RETRIES_EARLY },
	{ "write+page out", { write_first, page_out }, is_written, DEVICE_NEVER_RETRIES },
	{ "write+fork", { write_first, fork_and_look }, child_keeps, DEVICE_ASKS_TO_READ },
	{ "exclusive+store", { use_alone, cpu_store }, is_written, DEVICE_REVOKES_NOTHING },
	{ "exclusive+store", { use_alone, cpu_store }, is_written, DEVICE_NEVER_RETRIES },
};

static void explore_one(const struct scene *s)
{
	const struct explore_check check = {
		.name = s->name, .threads = scene_threads(s->thread),
		.state_size = sizeof(struct world), .setup = world_setup,
		.thread = world_thread, .finish = world_finish, .arg = (void *)(uintptr_t)s,
	};

	explore_scene(&check, s->planted);
}

static void each_scene(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		struct scene s = scenes[i];

		if (!scene_wanted(s.name))
			continue;
		explore_one(&s);
		s.planted = 0;
		explore_one(&s);
	}
}

int main(int argc, char **argv) { return scenes_main(argc, argv, "hmm", each_scene); }
