/* SPDX-License-Identifier: MIT */
/*
 * spot.c - names addresses outside of the arena: see spot.h. The table of what lies in no region
 * is this file's own, and is emptied with each exploration.
 */
#include "explore/engine/spot.h"

#include <stdlib.h>

enum region { ARENA, DATA, STACKS, EXPLORER, LOCAL, REGIONS };

_Static_assert(ARENA_SETUP + T_MAX * ARENA_THREAD <= 1u << SPOT_REGION_SHIFT, "a region");

/* What lies nowhere else, in the order in which it was met. */
static struct { const void **addr; uint32_t count, capacity; } local;

static spot_t spot_in(enum region region, size_t offset)
{
	return (spot_t){ (uint32_t)region << SPOT_REGION_SHIFT | (uint32_t)offset };
}

static enum region region_of(spot_t spot) { return (enum region)(spot.v >> SPOT_REGION_SHIFT); }
static uint32_t offset_of(spot_t spot) { return spot.v & ((1u << SPOT_REGION_SHIFT) - 1); }

static bool within(const void *addr, const void *base, size_t size, size_t *ret_offset)
{
	*ret_offset = (size_t)((const char *)addr - (const char *)base);
	return base && *ret_offset < size && *ret_offset < 1u << SPOT_REGION_SHIFT;
}

static spot_t spot_local(const void *addr)
{
	for (uint32_t n = 0; n < local.count; n++)
		if (local.addr[n] == addr)
			return spot_in(LOCAL, n);
	if (local.count == local.capacity) {
		uint32_t capacity = local.capacity ? 2 * local.capacity : 64;
		const void **grown = realloc(local.addr, capacity * sizeof(*grown));

		if (!grown) {
			x.out_of_memory = true; /* the search ends: what it names is no matter */
			return spot_in(LOCAL, 0);
		}
		local.addr = grown;
		local.capacity = capacity;
	}
	local.addr[local.count] = addr;
	return spot_in(LOCAL, local.count++);
}

spot_t spot_rare(const void *addr)
{
	size_t offset;

	if (within(addr, x.check->data, x.check->data_size, &offset))
		return spot_in(DATA, offset);
	for (unsigned t = 0; t < x.threads; t++)
		if (within(addr, x.fiber[t].stack, STACK_BYTES, &offset))
			return spot_in(STACKS, t * (size_t)STACK_BYTES + offset);
	if (within(addr, &x, sizeof(x), &offset))
		return spot_in(EXPLORER, offset);
	return spot_local(addr);
}

bool spot_is_valid(spot_t spot)
{
	size_t sizes[REGIONS] = {
		[ARENA] = x.arena_size, [DATA] = x.check->data ? x.check->data_size : 0,
		[STACKS] = x.threads * (size_t)STACK_BYTES, [EXPLORER] = sizeof(x),
		[LOCAL] = local.count,
	};

	return region_of(spot) < REGIONS && offset_of(spot) < sizes[region_of(spot)];
}

bool spot_is_local(spot_t spot) { return region_of(spot) == LOCAL; }

const void *spot_rare_address(spot_t spot)
{
	uint32_t offset = offset_of(spot);

	switch (region_of(spot)) {
	case DATA:
		return (const void *)((uintptr_t)x.check->data + offset);
	case STACKS:
		return x.fiber[offset / STACK_BYTES].stack + offset % STACK_BYTES;
	case EXPLORER:
		return (const char *)&x + offset;
	default:
		return offset < local.count ? local.addr[offset] : NULL;
	}
}

void spot_forget(void)
{
	free(local.addr);
	local.addr = NULL;
	local.count = local.capacity = 0;
}
