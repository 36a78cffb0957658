/* SPDX-License-Identifier: MIT */
/*
 * explore_iommu.c - a PASID changes hands while its device is at work, under every interleaving:
 * what was made for the first domain is over before the second one has the PASID. Each scene is
 * run with the wait left out that it is about, too, and must fail then.
 */
#include "explore_scene.h"
#include "iommu/inside.h"

#define A (entry_bytes(1) * 2)

enum { FRAMES = 64, PASID = 1 };

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_iommu *iommu;
	struct mmun_iommu_device *device;
	struct mmun_domain *domain;
	uint64_t seen;
	int result;
};

struct scene {
	const char *name;
	void (*thread[SCENE_THREADS])(struct world *w);
	bool (*holds)(const struct world *w);
	enum iommu_mutation planted;
};

static void world_setup(void *state, void *arg)
{
	const struct mmun_machine_opts opts = { .frames = FRAMES };
	const struct mmun_iommu_opts iommu_opts = { .events = 1 };
	const struct scene *s = arg;
	struct world *w = state;

	must(mmun_machine_create(&opts, &w->machine));
	must(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	map_private(w->mm, A, 1);
	must(mmun_iommu_create(&iommu_opts, &w->iommu));
	must(mmun_iommu_device_create(w->iommu, 0, &w->device));
	must(mmun_domain_create_sva(w->iommu, w->mm, &w->domain));
	must(mmun_iommu_attach(w->device, PASID, w->domain));
	must(mmun_iommu_page_request(w->device, PASID, A, true));
	must(mmun_iommu_store(w->device, PASID, A, 1));
	w->iommu->mutations = s->planted;
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
	mmun_iommu_device_destroy(w->device);
	must(mmun_domain_destroy(w->domain));
	must(mmun_iommu_destroy(w->iommu));
	must(mmun_mm_destroy(w->mm));
	must(mmun_machine_destroy(w->machine));
}

/* Nobody may be in the domain any more. */
static void unbind(struct world *w)
{
	must(mmun_iommu_detach(w->device, PASID));
	must(mmun_domain_destroy(w->domain));
	w->domain = NULL;
}

static void load(struct world *w)
{
	w->result = mmun_iommu_load(w->device, PASID, A, &w->seen);
}

static void page_request(struct world *w)
{
	w->result = mmun_iommu_page_request(w->device, PASID, A, false);
}

static bool loaded_or_refused(const struct world *w)
{
	return w->result == -EACCES || (!w->result && w->seen == 1);
}

static bool answered(const struct world *w)
{
	return w->result == MMUN_IOMMU_RESPONSE_SUCCESS ||
	       w->result == MMUN_IOMMU_RESPONSE_INVALID;
}

static const struct scene scenes[] = {
	{ "detach+load", { unbind, load }, loaded_or_refused, IOMMU_DETACH_SKIPS_ACCESSES },
	{ "detach+page request", { unbind, page_request }, answered, IOMMU_DETACH_DRAINS_EARLY },
	{ "detach+page request", { unbind, page_request }, answered, IOMMU_DETACH_SKIPS_DRAIN },
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

int main(int argc, char **argv) { return scenes_main(argc, argv, "iommu", each_scene); }
