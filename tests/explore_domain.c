/* SPDX-License-Identifier: MIT */
/*
 * explore_domain.c - a notify domain whose owner is no address space (io_space.c), with
 * devices and mirrors on it, under every interleaving. Nothing may be found; and each scene
 * has a twin in which the owner makes a mistake, which must be found.
 */
#include "explore_scene.h"
#include "io_space.h"
#include "iommu/ats.h"
#include "mirror/mirror.h"

enum { FRAMES = 64 };

/* What set-up makes, each with page 0 already known to it. */
enum {
	DEVICE = 1, MIRROR = 2, SHADOW = 4,
	KEPT = 8,                     /* page 0's frame is somebody else's, too */
	DEMAND = 16,                  /* a fault maps a page of zeros */
	CLASSIC = 32,
};

struct world {
	struct mmun_machine *machine;
	struct io_space *io;
	struct mmun_ats *device;
	struct mirror *mirror;
	struct mmu_notifier counter;
	uint64_t starts, ends;        /* of it; by the thread that unmaps */
	bool released;                /* the domain, by a thread */
	pfn_t kept;
};

struct scene {
	const char *name;
	unsigned threads, with;
	void (*thread)(struct world *w, unsigned thread);
	enum io_mistake mistake;      /* of the twin; IO_RIGHT: there is none */
	enum explore_oracle oracle;   /* that finds it; a race: only where the core is watched */
};

struct run { const struct scene *scene; bool wrong; };

/* --- users ---------------------------------------------------------------- */

static int device_load(struct world *w, unsigned page, uint64_t *value)
{
	return mmun_ats_load_acquire(w->device, io_addr(page), value);
}

static int mirror_load(struct world *w, unsigned page, uint64_t *value)
{
	struct tlb_access a = { .addr = io_addr(page), .order = TLB_ACQ_REL };
	int err = mirror_access(w->mirror, &a);

	*value = a.value;
	return err;
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct world *w = container_of(mn, struct world, counter);

	ASSERT(!range->mm && !mn->mm && mn->domain == &w->io->domain);
	w->starts++;
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct world *w = container_of(mn, struct world, counter);

	(void)range;
	w->ends++;
	ASSERT(w->ends <= w->starts); /* none without its start */
}

static const struct mmu_notifier_ops counter_ops = {
	.invalidate_range_start = on_start, .invalidate_range_end = on_end,
};

/* --- scenes --------------------------------------------------------------- */

/* The page is there, or the access fails; what is touched is never free. */
static void unmap_device(struct world *w, unsigned thread)
{
	uint64_t value;
	int err;

	if (thread == 0) {
		io_unmap(w->io, 0, 2);
		return;
	}
	err = device_load(w, 0, &value);
	ASSERT(err == -EFAULT || (!err && value == 1));
}

/* What is mapped anew is another page. */
static void unmap_fault(struct world *w, unsigned thread)
{
	uint64_t value;

	if (thread == 0)
		io_unmap(w->io, 0, 2);
	else if (w->device)
		must(device_load(w, 0, &value));
	else
		must(mirror_load(w, 0, &value));
	ASSERT(thread == 0 || value <= 1);
}

/* Both map the page; one of the two is given back. */
static void fault_fault(struct world *w, unsigned thread)
{
	uint64_t value;

	must(thread == 0 ? device_load(w, 2, &value) : mirror_load(w, 2, &value));
	ASSERT(value == 0);
}

static void unmap_mirror(struct world *w, unsigned thread)
{
	uint64_t value;
	int err;

	if (thread == 0) {
		io_unmap(w->io, 0, 1);
		return;
	}
	err = mirror_load(w, 0, &value);
	ASSERT(err == -EFAULT || (!err && value == 1));
}

/* Page 1 says that page 0 is another one: whoever reads that sees the other one. */
static void replace(struct world *w)
{
	uint64_t v = 2;

	must(io_replace(w->io, 0, 2));
	must(ats_access(w->device, io_addr(1), true, TLB_ACQ_REL, &v, NULL));
}

static void replace_device(struct world *w, unsigned thread)
{
	uint64_t flag, value;

	if (thread == 0) {
		replace(w);
		return;
	}
	must(device_load(w, 1, &flag));
	must(device_load(w, 0, &value));
	ASSERT(flag == 1 || value == 2);
}

static void unmap_twice(struct world *w, unsigned thread)
{
	uint64_t value;

	if (thread < 2)
		io_unmap(w->io, 0, 1);
	else
		(void)device_load(w, 0, &value);
}

static void release_device(struct world *w, unsigned thread)
{
	uint64_t value;
	int err;

	if (thread == 0) {
		w->released = true;
		io_destroy(w->io);
		return;
	}
	err = device_load(w, 0, &value);
	ASSERT(err == -EFAULT || (!err && value == 1));
}

/* Who comes meanwhile sees both calls of a pair or none. */
static void unmap_register(struct world *w, unsigned thread)
{
	if (thread == 0)
		io_unmap(w->io, 0, 1);
	else
		must(notify_register(&w->io->domain, &w->counter));
}

/* Who goes is not told any more, and its memory is its own. */
static void unmap_destroy(struct world *w, unsigned thread)
{
	if (thread == 0) {
		io_unmap(w->io, 0, 2);
	} else {
		mmun_ats_destroy(w->device);
		w->device = NULL;
	}
}

static const struct scene scenes[] = {
	{ "unmap, device", 2, DEVICE, unmap_device, IO_NO_FLUSH, ORACLE_LIFETIME },
	{ "unmap, device, late", 2, DEVICE, unmap_device, IO_LATE_FLUSH, ORACLE_LIFETIME },
	{ "unmap, device, classic", 2, DEVICE | CLASSIC, unmap_device, IO_NO_FLUSH, ORACLE_LIFETIME },
	{ "unmap, mirror", 2, MIRROR, unmap_mirror, IO_NO_RANGE, ORACLE_LIFETIME },
	{ "unmap, mirror, classic", 2, MIRROR | CLASSIC, unmap_mirror, IO_NO_RANGE, ORACLE_LIFETIME },
	{ "unmap, shadow", 2, SHADOW, unmap_mirror, IO_NO_RANGE, ORACLE_LIFETIME },
	{ "unmap, device beside a mirror", 2, DEVICE | MIRROR, unmap_device, IO_NO_FLUSH,
	  ORACLE_LIFETIME },
	{ "unmap, device's fault", 2, DEVICE | DEMAND, unmap_fault, IO_NO_FLUSH,
	  ORACLE_LIFETIME },
	{ "unmap, mirror's fault", 2, MIRROR | DEMAND, unmap_fault, IO_NO_RANGE,
	  ORACLE_LIFETIME },
	{ "fault, fault", 2, DEVICE | MIRROR | DEMAND, fault_fault, IO_RIGHT, ORACLE_LIFETIME },
	{ "replace, device", 2, DEVICE | KEPT, replace_device, IO_NO_FLUSH, ORACLE_ASSERTION },
	{ "replace, device, classic", 2, DEVICE | KEPT | CLASSIC, replace_device, IO_NO_FLUSH,
	  ORACLE_ASSERTION },
	{ "unmap, unmap, device", 3, DEVICE, unmap_twice, IO_NO_FLUSH, ORACLE_LIFETIME },
	{ "release, device", 2, DEVICE, release_device, IO_NO_RELEASE, ORACLE_LIFETIME },
	{ "unmap, register", 2, 0, unmap_register, IO_NO_LOCK, ORACLE_RACE },
	{ "unmap, destroy a device", 2, DEVICE, unmap_destroy, IO_RIGHT, 0 },
};

/* --- running them --------------------------------------------------------- */

static void setup(void *state, void *arg)
{
	const struct run *r = arg;
	const struct scene *scene = r->scene;
	struct world *w = state;
	uint64_t value;

	must(mmun_machine_create(&(struct mmun_machine_opts){ .frames = FRAMES }, &w->machine));
	must(io_create(w->machine, scene->with & CLASSIC ? MMUN_CLASSIC : MMUN_MODERN, &w->io));
	must(io_map(w->io, 0, 1));
	must(io_map(w->io, 1, 1));
	w->counter.ops = &counter_ops;
	if (scene->with & DEVICE) {
		must(ats_create(&w->io->domain, NULL, &w->device));
		must(device_load(w, 0, &value));
	}
	if (scene->with & (MIRROR | SHADOW)) {
		must(mirror_create(&w->io->domain,
				   scene->with & SHADOW ? MIRROR_SHADOW : MIRROR_INTERVAL,
				   0, io_addr(3), &w->mirror));
		must(mirror_load(w, 0, &value));
	}
	if (scene->with & KEPT) {
		w->kept = pte_pfn((pte_t){ load_relaxed(&w->io->entry[0]) });
		frame_get(w->machine, w->kept, 1);
	}
	w->io->on_demand = scene->with & DEMAND;
	if (r->wrong)
		w->io->mistake = scene->mistake;
}

static void thread(void *state, unsigned thread, void *arg)
{
	const struct run *r = arg;

	r->scene->thread(state, thread);
}

/* Nothing is left. */
static void finish(void *state, void *arg)
{
	const struct run *r = arg;
	struct world *w = state;

	ASSERT(w->starts == w->ends);
	if (w->counter.domain)
		notify_unregister(&w->io->domain, &w->counter);
	mmun_ats_destroy(w->device);
	mirror_destroy(w->mirror);
	if (!w->released)
		io_destroy(w->io);
	if (r->scene->with & KEPT)
		frame_put(w->machine, w->kept, 1);
	ASSERT(!machine_frames_used(w->machine));
	must(mmun_machine_destroy(w->machine));
	ASSERT(!sync_alloc_live());
}

static void run(const struct scene *scene, bool wrong)
{
	struct run r = { scene, wrong };
	const struct explore_check check = {
		.name = scene->name, .threads = scene->threads,
		.state_size = sizeof(struct world), .setup = setup, .thread = thread,
		.finish = finish, .arg = &r,
	};

	explore_scene_by(&check, wrong, (int)scene->oracle);
}

static void each_scene(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		if (!scene_wanted(scenes[i].name))
			continue;
		run(&scenes[i], false);
		if (scenes[i].mistake && (SCENE_WATCHED || scenes[i].oracle != ORACLE_RACE))
			run(&scenes[i], true);
	}
}

int main(int argc, char **argv) { return scenes_main(argc, argv, "notify domain", each_scene); }
