/* SPDX-License-Identifier: MIT */
/*
 * memory.c - allocates and frees for the checked build. Each thread allocates from a part of the
 * arena of its own, and nothing is handed out twice in an execution. So what a thread gets does
 * not depend on the others, and an access to freed memory is known by its address.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A gap lies before a block that is to be aligned; variables are a thread's own (local.c), and
 * nobody frees them. */
enum { BLOCK_LIVE = 0x4c495645, BLOCK_FREED = 0x46524545, BLOCK_GAP = 0, BLOCK_VARIABLES };
enum { BLOCK_ALIGN = 32 };

struct block {
	size_t size;             /* rounded up, so that the next one is aligned */
	const struct sync_site *site;
	uint32_t state, slack;   /* bytes behind those that were asked for */
	uint32_t born, died;     /* the how manieth event of all these */
};

static uint32_t events;

bool sync_alloc_fails_(const struct sync_site *site)
{
	return x.cur >= 0 && x.opt.failing_allocations && sync_choose_(2, site);
}

void sync_unwritten_(void *p, size_t size) { shadow_unwritten(p, size); }

_Static_assert(sizeof(struct block) == BLOCK_ALIGN, "what follows it is aligned");

/* Memory of the running thread's part, zeroed; NULL: there is none left. align: a power of two. */
static void *carve(size_t asked, size_t align, uint32_t state, const struct sync_site *site)
{
	char *base = x.arena;
	size_t *used = &x.arena_used, limit = ARENA_SETUP, size, gap;
	struct block *b;

	door_lasts();
	if (x.cur >= 0) {
		used = &x.thread[x.cur].arena_used;
		base += ARENA_SETUP + (size_t)x.cur * ARENA_THREAD;
		limit = ARENA_THREAD;
	}
	if (asked > limit || align > limit)
		return NULL;
	size = (asked + BLOCK_ALIGN - 1) & ~(size_t)(BLOCK_ALIGN - 1);
	gap = -((uintptr_t)base + *used + sizeof(*b)) & (align - 1);
	if (*used + gap + size + sizeof(*b) > limit)
		return NULL;
	b = (struct block *)(void *)(base + *used);
	if (gap) {
		*b = (struct block){ .size = gap - sizeof(*b), .site = site, .state = BLOCK_GAP };
		b = (struct block *)(void *)((char *)b + gap);
	}
	*used += gap + size + sizeof(*b);
	*b = (struct block){ .size = size, .site = site, .state = state,
			     .slack = (uint32_t)(size - asked), .born = ++events };
	memset(b + 1, 0, size);
	shadow_allocated(b + 1, asked);
	return b + 1;
}

void *memory_aligned(size_t size, size_t align, const struct sync_site *site)
{
	void *p = sync_alloc_fails_(site) ? NULL : carve(size, align, BLOCK_LIVE, site);

	x.alloc_live += p != NULL;
	return p;
}

void *sync_alloc_(size_t size, const struct sync_site *site)
{
	return memory_aligned(size, BLOCK_ALIGN, site);
}

void *memory_for_variables(size_t size, size_t align, const struct sync_site *site)
{
	return carve(size, align, BLOCK_VARIABLES, site);
}

bool memory_has(const void *p) { return (size_t)((const char *)p - x.arena) < x.arena_size; }

size_t memory_size(const void *p)
{
	const struct block *b = (const struct block *)p - 1;

	return b->state == BLOCK_LIVE ? b->size - b->slack : 0;
}

void sync_free_(void *p, const struct sync_site *site)
{
	struct block *b = p ? (struct block *)p - 1 : NULL;

	if (!b)
		return;
	if (b->state != BLOCK_LIVE) {
		if (b->state != BLOCK_FREED || sync_frees_(p, 1, SYNC_BEFORE_STEP, site))
			engine_fail(ORACLE_LIFETIME, -1, -1, x.cur >= 0 ? x.depth : -1,
				    "%s frees what was not allocated", site->function);
		engine_give_up();
	}
	b->state = BLOCK_FREED;
	b->died = ++events;
	x.alloc_live--;
	sync_range_dead_(p, b->size, site);
}

uint64_t sync_alloc_live(void) { return x.alloc_live; }

/* --- addresses in words -------------------------------------------------- */

/* In which block of a part of the arena, from 1; 0: in none. */
static unsigned block_at(const char *base, size_t used, size_t at, const char *p,
			 size_t *ret_offset)
{
	for (unsigned n = 1; at < used; n++) {
		const struct block *b = (const struct block *)(const void *)(base + at);
		const char *from = (const char *)(b + 1);

		if (p >= from && p < from + b->size) {
			*ret_offset = (size_t)(p - from);
			return n;
		}
		at += sizeof(*b) + b->size;
	}
	return 0;
}

/* The block that begins there; NULL: none does. */
static const struct block *block_of(uint64_t address)
{
	const char *p = (const char *)(uintptr_t)address;
	size_t state = (x.check->state_size + 63) & ~(size_t)63, offset;
	size_t part = (size_t)(p - x.arena), used = x.arena_used;
	char *base = x.arena;

	if (part >= x.arena_size)
		return NULL;
	if (part >= ARENA_SETUP) {
		part = (part - ARENA_SETUP) / ARENA_THREAD;
		base += ARENA_SETUP + part * ARENA_THREAD;
		used = x.thread[part].arena_used;
		state = 0;
	}
	if (!block_at(base, used, state, p, &offset) || offset)
		return NULL;
	return (const struct block *)(const void *)p - 1;
}

void memory_compared(uint64_t wanted, uint64_t found, const struct sync_site *site)
{
	const struct block *old = block_of(wanted), *new = block_of(found);

	if (old && new && old->state == BLOCK_FREED && new->state == BLOCK_LIVE &&
	    new->born > old->died && new->size == old->size)
		explore_add_unwatched(x.result, "that a block may get the address of one that was freed, which %s:%d compares with",
				      site->function, site->line);
}

bool sync_address_text(uint64_t value, char *buf, size_t size)
{
	const char *p = (const char *)(uintptr_t)value;
	size_t state = (x.check->state_size + 63) & ~(size_t)63, offset = 0;
	char name[8];
	unsigned n = 0, t = 0;

	if (p >= x.arena && p < x.arena + x.check->state_size) {
		snprintf(buf, size, "state + %#zx", (size_t)(p - x.arena));
		return true;
	}
	if (p >= x.arena && p < x.arena + x.arena_used) {
		n = block_at(x.arena, x.arena_used, state, p, &offset);
		t = SETUP;
	}
	for (unsigned q = 0; q < x.threads && !n; q++) {
		const char *part = x.arena + ARENA_SETUP + q * (size_t)ARENA_THREAD;

		if (p < part || p >= part + x.thread[q].arena_used)
			continue;
		n = block_at(part, x.thread[q].arena_used, 0, p, &offset);
		t = q;
	}
	if (!n)
		return false;
	snprintf(buf, size, offset ? "block %u of %s + %#zx" : "block %u of %s", n,
		 engine_thread_name(t, name), offset);
	return true;
}

/*
 * Set-up and end share the first half of a pool's numbers, but for those behind what set-up has
 * taken that are given to threads that other threads start. The check's threads have the rest.
 */
uint32_t sync_pool_slice(uint32_t size, uint32_t taken, uint32_t *ret_end)
{
	uint32_t half = size / 2, threads = x.check ? x.check->threads : 1, first;
	uint32_t each = (size - half) / threads, few = half / (2 * T_MAX);

	door_lasts();
	if (x.cur < 0) {
		*ret_end = x.threads > threads ? half - few * T_MAX : half;
		return 0;
	}
	if ((uint32_t)x.cur < threads) {
		*ret_end = half + each * (uint32_t)(x.cur + 1);
		return half + each * (uint32_t)x.cur;
	}
	first = half - few * ((uint32_t)x.cur + 1);
	*ret_end = first >= taken ? first + few : first;
	return first;
}

static const struct block *leaked_in(const char *base, size_t used, size_t at)
{
	while (at < used) {
		const struct block *b = (const struct block *)(const void *)(base + at);

		if (b->state == BLOCK_LIVE)
			return b;
		at += sizeof(*b) + b->size;
	}
	return NULL;
}

void memory_leaks_report(void)
{
	size_t state = (x.check->state_size + 63) & ~(size_t)63;
	const struct block *b = leaked_in(x.arena, x.arena_used, state);

	for (unsigned t = 0; t < x.threads && !b; t++)
		b = leaked_in(x.arena + ARENA_SETUP + t * (size_t)ARENA_THREAD,
			      x.thread[t].arena_used, 0);
	if (b)
		engine_fail(ORACLE_LEAK, -1, -1, -1, "%zu bytes that %s allocated are never freed",
			    b->size, b->site->function);
}
