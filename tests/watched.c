/* SPDX-License-Identifier: MIT */
/*
 * watched.c - makes a program of the watched core say where in the source its plain accesses
 * stand. The core is compiled as a user's check is, so that the explorer is told of each plain
 * access; but the explorer knows the places of the check alone. Linked with
 * -Wl,--wrap=explore_places, so that whoever gives it the places of a check adds to these.
 */
#include <stdio.h>

#include "mmun/explore.h"
#include "checks/run/places.h"

typedef void place_fn(void *arg, const void *pc, struct explore_place *ret);

void __real_explore_places(place_fn *place, void *arg);
void __wrap_explore_places(place_fn *place, void *arg);

static struct places *own;
static place_fn *others;

/* The hooks call it, so it has none itself: also where it is compiled as the core is. */
__attribute__((no_sanitize("thread")))
static void place_of(void *arg, const void *pc, struct explore_place *ret)
{
	struct place p;

	if (own && places_find(own, pc, &p))
		*ret = (struct explore_place){ p.function ? p.function : "?", p.file, p.line };
	else if (others)
		others(arg, pc, ret);
}

void __wrap_explore_places(place_fn *place, void *arg)
{
	others = place;
	__real_explore_places(place_of, arg);
}

__attribute__((constructor)) static void know_places(void)
{
	own = places_of((const void *)&own);
	__real_explore_places(place_of, NULL);
}
