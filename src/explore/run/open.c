/* SPDX-License-Identifier: MIT */
/*
 * open.c - begins and ends an exploration. It allocates the engine's memory and runs the check's
 * set-up, whose effect is kept so that run.c can restore it before each execution.
 */
#define _GNU_SOURCE
#include "explore/door/door.h"
#include "explore/run/run.h"
#include "explore/engine/spot.h"
#include "explore/model/model.h"
#include "explore/search/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool data_copy(char **ret)
{
	if (!x.check->data)
		return true;
	*ret = malloc(x.check->data_size + 1);
	if (*ret)
		memcpy(*ret, x.check->data, x.check->data_size);
	return *ret;
}

static int setup(void)
{
	size_t state = (x.check->state_size + 63) & ~(size_t)63;
	jmp_buf bail;

	x.cur = -1;
	x.depth = -1;
	x.bail = &bail;
	x.arena_used = state;
	if (!data_copy(&x.data_before))
		return -ENOMEM;
	x.outside = true;
	if (setjmp(bail) == 0) {
		if (x.check->setup)
			x.check->setup(x.arena, x.check->arg);
	} else {
		x.outside = false;
		return -ECANCELED;
	}
	x.outside = false;
	if (!data_copy(&x.data_after))
		return -ENOMEM;
	x.snapshot_used = x.arena_used;
	x.snapshot_live = x.alloc_live;
	x.snapshot_dead = x.dead_count;
	x.snapshot_borns = x.borns;
	x.snapshot_kepts = x.kepts;
	x.snapshot = malloc(x.snapshot_used + 1);
	if (!x.snapshot)
		return -ENOMEM;
	memcpy(x.snapshot, x.arena, x.snapshot_used);
	return shadow_keep() ? -ENOMEM : 0;
}

/* The arrays that the search scans, in one block. */
static bool scanned_alloc(size_t n)
{
	char *p = calloc(n, 2 + 2 * T_MAX + 1);

	if (!p)
		return false;
	x.step_key = (int16_t *)(void *)p;
	for (unsigned t = 0; t < T_MAX; t++)
		x.step_clk[t] = x.step_key + (1 + t) * n;
	x.step_thread = (uint8_t *)p + (2 + 2 * T_MAX) * n;
	return true;
}

int run_open(const struct explore_check *check, const struct explore_options *options,
		struct explore_result *result)
{
	memset(&x, 0, sizeof(x));
	x.check = check;
	x.opt = *options;
	x.arena_size = ARENA_SETUP + (size_t)T_MAX * ARENA_THREAD;
	x.model = model_chosen();
	x.threads = check->threads;
	x.result = result;
	x.steps_max = options->steps_max ? options->steps_max : STEPS_DEFAULT;
	x.objects_capacity = 256;
	x.slots_mask = 4 * x.objects_capacity - 1;
	x.races_capacity = 256;
	x.step = calloc(x.steps_max + 2, sizeof(*x.step));
	if (!scanned_alloc(x.steps_max + 2))
		return -ENOMEM;
	x.object = malloc(x.objects_capacity * sizeof(*x.object));
	x.slot = calloc(x.slots_mask + 1, sizeof(*x.slot));
	x.race = malloc(x.races_capacity * sizeof(*x.race));
	x.step_old = calloc(x.steps_max + 2, sizeof(*x.step_old));
	x.arena = mmap(NULL, x.arena_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (x.arena == MAP_FAILED)
		x.arena = NULL;
	if (!x.step || !x.object || !x.slot || !x.race || !x.step_old || !x.arena ||
	    search_open() || plain_open())
		return -ENOMEM;
	for (unsigned t = 0; t < x.threads; t++)
		if (engine_stack(t))
			return -ENOMEM;
	objects_forget();
	lock_order_forget();
	return setup();
}

void run_close(void)
{
	for (unsigned t = 0; t < x.threads; t++)
		fiber_destroy(&x.fiber[t]);
	if (x.arena)
		munmap(x.arena, x.arena_size);
	if (x.data_before) /* the next check finds them as this one did */
		memcpy(x.check->data, x.data_before, x.check->data_size);
	free(x.data_before);
	free(x.data_after);
	free(x.snapshot);
	free(x.step);
	free(x.step_key);
	free(x.object);
	free(x.slot);
	free(x.race);
	free(x.step_old);
	free(x.dead);
	free(x.born);
	free(x.use);
	free(x.kept);
	search_close();
	spot_forget();
	plain_close();
	trail_close();
	memset(&x, 0, sizeof(x));
}
