/* SPDX-License-Identifier: MIT */
/*
 * heap.c - malloc() and its kin, for code that tells of its plain accesses (tsan.c): linked in
 * their places, as library.c is. What a check allocates is a block of memory.c, as that of
 * kmalloc() is: of each thread's own, never handed out twice in an execution, and gone before the
 * next one. The C library's allocator hands an address to another thread without an operation that
 * the explorer sees, so what one thread did there before would seem to race with the other one.
 *
 * Outside of set-up, threads and end, as in main() of a program, the C library allocates; and what
 * it has allocated, as in asprintf(), it frees.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explore/door/door.h"

#define SITE sync_called_from_(__builtin_return_address(0))

#define WRAPPED(type, name, ...) \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

enum { MALLOC_ALIGN = 16 };

static bool in_check(void) { return x.outside || (x.cur >= 0 && !x.on_main); }

static void *allocate(size_t size, size_t align, const struct sync_site *site)
{
	void *p = memory_aligned(size, align, site);

	sync_event_at(site, MALLOC, size, !p);
	if (!p)
		errno = ENOMEM;
	return p;
}

static void *allocate_unwritten(size_t size, size_t align, const struct sync_site *site)
{
	void *p = allocate(size, align, site);

	if (p)
		sync_unwritten_(p, size);
	return p;
}

static void give_back(void *p, const struct sync_site *site)
{
	sync_event_at(site, FREE);
	sync_free_(p, site);
}

static void *resize(void *p, size_t size, const struct sync_site *site)
{
	size_t had = memory_size(p);
	void *more;

	if (!size) {
		give_back(p, site);
		return NULL;
	}
	more = allocate_unwritten(size, MALLOC_ALIGN, site);
	if (!more)
		return NULL;
	shadow_copy(more, p, had < size ? had : size);
	give_back(p, site);
	return more;
}

WRAPPED(void *, malloc, size_t size)
{
	return in_check() ? allocate_unwritten(size, MALLOC_ALIGN, SITE) : malloc(size);
}

WRAPPED(void *, calloc, size_t count, size_t size)
{
	size_t bytes;

	if (!in_check() || __builtin_mul_overflow(count, size, &bytes))
		return calloc(count, size);
	return allocate(bytes, MALLOC_ALIGN, SITE);
}

WRAPPED(void *, realloc, void *p, size_t size)
{
	if (p && memory_has(p))
		return resize(p, size, SITE);
	if (p || !in_check())
		return realloc(p, size);
	return allocate_unwritten(size, MALLOC_ALIGN, SITE);
}

WRAPPED(void *, reallocarray, void *p, size_t count, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes))
		return __wrap_realloc(p, bytes);
	errno = ENOMEM;
	return NULL;
}

WRAPPED(void, free, void *p)
{
	if (p && memory_has(p))
		give_back(p, SITE);
	else
		free(p);
}

static bool is_power_of_two(size_t n) { return n && !(n & (n - 1)); }

WRAPPED(void *, aligned_alloc, size_t align, size_t size)
{
	if (!in_check() || !is_power_of_two(align))
		return aligned_alloc(align, size);
	return allocate_unwritten(size, align, SITE);
}

WRAPPED(int, posix_memalign, void **ret, size_t align, size_t size)
{
	void *p;

	if (!in_check() || !is_power_of_two(align) || align % sizeof(void *))
		return posix_memalign(ret, align, size);
	p = allocate_unwritten(size, align, SITE);
	if (!p)
		return ENOMEM;
	*ret = p;
	if (x.plain || x.watching)
		door_tell(ret, sizeof(*ret), true, SITE);
	return 0;
}

static char *copy_of(const char *s, size_t length, bool whole, const struct sync_site *site)
{
	char *copy;

	if (x.plain || x.watching)
		door_tell(s, length + whole, false, site);
	copy = allocate(length + 1, MALLOC_ALIGN, site);
	return copy ? memcpy(copy, s, length) : NULL;
}

WRAPPED(char *, strdup, const char *s)
{
	return in_check() ? copy_of(s, strlen(s), true, SITE) : strdup(s);
}

WRAPPED(char *, strndup, const char *s, size_t most)
{
	size_t length = strnlen(s, most);

	return in_check() ? copy_of(s, length, length < most, SITE) : strndup(s, most);
}
