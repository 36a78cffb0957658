/* SPDX-License-Identifier: MIT */
/*
 * explore_kvm.c - a guest that mirrors an address space (mmun/kvm.h) beside operations of that
 * address space, and beside somebody who copies the guest's memory with the help of its dirty log,
 * under every interleaving. Each scene is run with a mistake planted, too, and must fail then.
 */
#include "explore_scene.h"
#include "kvm/inside.h"

#define A (entry_bytes(1) * 2)

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *child;
	struct mmun_cpu *cpu, *child_cpu;
	struct mmun_kvm *kvm;
	uint64_t seen, copy;
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
	map_private(w->mm, A, 1);
	must(mmun_cpu_store(w->cpu, A, 1));
	must(mmun_kvm_create(w->mm, A, 1, &w->kvm));
	w->kvm->mutations = s->planted;
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
	mmun_cpu_destroy(w->child_cpu);
	must(mmun_mm_destroy(w->child));
	mmun_cpu_destroy(w->cpu);
	must(mmun_mm_destroy(w->mm));
	mmun_kvm_destroy(w->kvm);
	must(mmun_machine_destroy(w->machine));
}

static uint64_t cpu_sees(struct mmun_cpu *cpu)
{
	uint64_t value;

	must(mmun_cpu_load(cpu, A, &value));
	return value;
}

static void load(struct world *w) { w->result = mmun_kvm_load(w->kvm, 0, &w->seen); }

static void load_twice(struct world *w)
{
	load(w);
	load(w);
}

static void store(struct world *w) { must(mmun_kvm_store(w->kvm, 0, 9)); }

static void load_and_store(struct world *w)
{
	load(w);
	store(w);
}

static void unmap(struct world *w) { must(mmun_munmap(w->mm, A, PAGE_BYTES)); }
static void migrate(struct world *w) { (void)mmun_migrate(w->mm, A); }

static void page_out(struct world *w)
{
	(void)mmun_madvise(w->mm, A, PAGE_BYTES, MMUN_MADV_PAGEOUT);
}

static bool loaded_or_fault(struct world *w)
{
	return w->result ? w->result == -EFAULT : w->seen == 1;
}

static bool is_stored(struct world *w) { return cpu_sees(w->cpu) == 9; }

/* The child has what was there at some moment of the call, and keeps it. */
static void fork_and_look(struct world *w)
{
	must(mmun_fork(w->mm, &w->child));
	must(mmun_cpu_create(w->child, &w->child_cpu));
	w->copy = cpu_sees(w->child_cpu);
}

static bool child_keeps(struct world *w)
{
	return is_stored(w) && cpu_sees(w->child_cpu) == w->copy;
}

/* A guest that writes while its memory is copied: a page is copied once its bit was cleared. */
static void log_and_store(struct world *w)
{
	must(mmun_kvm_log_dirty(w->kvm, true));
	must(mmun_kvm_store(w->kvm, 0, 8));
}

static void copy_what_is_dirty(struct world *w)
{
	uint64_t bits;

	if (mmun_kvm_get_dirty_log(w->kvm, &bits, 1) || !(bits & 1))
		return;
	must(mmun_kvm_clear_dirty_log(w->kvm, &bits, 1));
	w->copy = cpu_sees(w->cpu);
}

static void log_and_store_twice(struct world *w)
{
	log_and_store(w);
	store(w);
}

/* What the copy does not have is in the log. */
static bool copied_or_logged(struct world *w)
{
	uint64_t bits;

	must(mmun_kvm_get_dirty_log(w->kvm, &bits, 1));
	return is_stored(w) && (w->copy == 9 || (bits & 1));
}

static const struct scene scenes[] = {
	{ "load+unmap", { load, unmap }, loaded_or_fault, KVM_NEVER_RETRIES },
	{ "load+unmap", { load, unmap }, loaded_or_fault, KVM_IGNORES_PROGRESS },
	{ "load again+unmap", { load_twice, unmap }, loaded_or_fault, KVM_ZAPS_NOTHING },
	{ "store+migrate", { store, migrate }, is_stored, KVM_NEVER_RETRIES },
	{ "store+page out", { store, page_out }, is_stored, KVM_IGNORES_PROGRESS },
	{ "store+fork", { load_and_store, fork_and_look }, child_keeps, KVM_MAPS_WRITABLE },
	{ "store+copy", { log_and_store_twice, copy_what_is_dirty }, copied_or_logged,
	  KVM_LOG_STAYS_WRITABLE },
	{ "store+copy", { log_and_store_twice, copy_what_is_dirty }, copied_or_logged,
	  KVM_LOGS_NOTHING },
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

int main(int argc, char **argv) { return scenes_main(argc, argv, "kvm", each_scene); }
