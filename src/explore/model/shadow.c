/* SPDX-License-Identifier: MIT */
/*
 * shadow.c - knows of each byte of the arena whether it belongs to the state or to a block, and
 * whether it was written since it was allocated. An access outside of them is an overrun, and a
 * word that is read and was never written is not initialized. Freed blocks still belong: what
 * touches them is found by its address, as a touch of them. door/memory.c says what is allocated,
 * and plain.c shows each access.
 *
 * Invariant: before each execution the shadow is as set-up has left it.
 *
 * Code that is not watched writes, too: the library, and functions of the C library. So a byte
 * counts as never written only if it also still is what a fresh block is filled with.
 */
#define _GNU_SOURCE
#include "explore/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { OUTSIDE, UNWRITTEN, WRITTEN }; /* what a byte of the shadow says */
enum { FILL = 0xa5, PAGE = 4096 };

struct shadow {
	uint8_t *byte;           /* of the arena */
	uint8_t *setup;          /* of set-up's part, after set-up; NULL: it cannot change */
};

int shadow_open(void)
{
	size_t state = x.check->state_size;
	void *byte = mmap(NULL, x.arena_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (byte == MAP_FAILED)
		return -1;
	x.shadow = calloc(1, sizeof(*x.shadow));
	if (!x.shadow) {
		munmap(byte, x.arena_size);
		return -1;
	}
	x.shadow->byte = byte;
	memset(byte, WRITTEN, state);
	return 0;
}

void shadow_close(void)
{
	if (!x.shadow)
		return;
	munmap(x.shadow->byte, x.arena_size);
	free(x.shadow->setup);
	free(x.shadow);
	x.shadow = NULL;
}

int shadow_keep(void)
{
	struct shadow *s = x.shadow;

	if (!s || !memchr(s->byte, UNWRITTEN, x.snapshot_used))
		return 0;
	s->setup = malloc(x.snapshot_used);
	if (!s->setup)
		return -1;
	memcpy(s->setup, s->byte, x.snapshot_used);
	return 0;
}

void shadow_forget(void)
{
	struct shadow *s = x.shadow;

	if (!s)
		return;
	if (s->setup)
		memcpy(s->byte, s->setup, x.snapshot_used);
	if (x.arena_used > x.snapshot_used) /* the end has allocated */
		memset(s->byte + x.snapshot_used, OUTSIDE, x.arena_used - x.snapshot_used);
	for (unsigned t = 0; t < x.threads; t++)
		memset(s->byte + ARENA_SETUP + t * (size_t)ARENA_THREAD, OUTSIDE,
		       x.thread[t].arena_used);
}

void shadow_allocated(const void *p, size_t size)
{
	if (x.shadow)
		memset(x.shadow->byte + ((const char *)p - x.arena), WRITTEN, size);
}

void shadow_unwritten(void *p, size_t size)
{
	memset(p, FILL, size);
	if (x.shadow)
		memset(x.shadow->byte + ((const char *)p - x.arena), UNWRITTEN, size);
}

void shadow_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	if (x.shadow)
		memcpy(x.shadow->byte + ((char *)to - x.arena),
		       x.shadow->byte + ((const char *)from - x.arena), size);
}

static bool is_unwritten(const char *p, const uint8_t *shadow, size_t size)
{
	for (size_t n = 0; n < size; n++)
		if (shadow[n] != UNWRITTEN || (uint8_t)p[n] != FILL)
			return false;
	return true;
}

enum shadow_says shadow_access(const void *addr, size_t size, bool reads, bool writes)
{
	size_t offset = (size_t)((const char *)addr - x.arena);
	uint8_t *byte;

	if (offset >= x.arena_size || size > x.arena_size - offset)
		return SHADOW_FINE;
	byte = x.shadow->byte + offset;
	if (memchr(byte, OUTSIDE, size))
		return SHADOW_OUTSIDE;
	/* Of a struct that is copied some bytes may never have been written, and need not be. */
	if (reads && size <= sizeof(uint64_t) && is_unwritten(addr, byte, size))
		return SHADOW_UNWRITTEN;
	if (writes)
		memset(byte, WRITTEN, size);
	return SHADOW_FINE;
}

/* From the first byte that is outside back to the block before it, not farther than a page. */
void shadow_text(const void *addr, size_t size, char *buf, size_t buf_size)
{
	const uint8_t *start = x.shadow->byte, *from = start + ((const char *)addr - x.arena);
	const uint8_t *at = memchr(from, OUTSIDE, size), *end = at, *first;

	while (end > start && end[-1] == OUTSIDE && at - end < PAGE)
		end--;
	first = end;
	while (first > start && first[-1] != OUTSIDE)
		first--;
	if (first == end)
		snprintf(buf, buf_size, "far from any");
	else if (first == start)
		snprintf(buf, buf_size, "%td bytes behind the state of %td bytes", at - end,
			 end - first);
	else
		snprintf(buf, buf_size, "%td bytes behind one of %td bytes", at - end,
			 end - first);
}
