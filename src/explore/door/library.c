/* SPDX-License-Identifier: MIT */
/*
 * library.c - functions of the C library that access memory of their caller's. Code that tells of
 * its plain accesses (tsan.c) is linked with these in their places ("ld --wrap"; src/meson.build
 * has the list). Each tells of what the function reads and writes, and calls it.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "explore/door/door.h"

#define TOLD (x.plain || x.watching)
#define SITE sync_called_from_(__builtin_return_address(0))

/* What the compiler would call. */
#define WRAPPED(type, name, ...) \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

#define READS(at, size) do { if (TOLD) door_tell((at), (size), false, SITE); } while (0)
#define WRITES(at, size) do { if (TOLD) door_tell((at), (size), true, SITE); } while (0)

/* --- memory -------------------------------------------------------------- */

WRAPPED(void *, memcpy, void *to, const void *from, size_t size)
{
	READS(from, size);
	WRITES(to, size);
	return memcpy(to, from, size);
}

WRAPPED(void *, memmove, void *to, const void *from, size_t size)
{
	READS(from, size);
	WRITES(to, size);
	return memmove(to, from, size);
}

WRAPPED(void *, memset, void *to, int byte, size_t size)
{
	WRITES(to, size);
	return memset(to, byte, size);
}

WRAPPED(int, memcmp, const void *a, const void *b, size_t size)
{
	READS(a, size);
	READS(b, size);
	return memcmp(a, b, size);
}

WRAPPED(void *, memchr, const void *p, int byte, size_t size)
{
	const char *found = memchr(p, byte, size);

	READS(p, found ? (size_t)(found - (const char *)p) + 1 : size);
	return (void *)(uintptr_t)found;
}

/* --- strings ------------------------------------------------------------- */

#define WHOLE ((size_t)PTRDIFF_MAX)

/* The bytes of a string that are read, its end included, at most @most. */
static size_t bytes_of(const char *s, size_t most)
{
	size_t n = strnlen(s, most);

	return n < most ? n + 1 : most;
}

/* Those up to the first in which two strings differ. */
static size_t bytes_alike(const char *a, const char *b, size_t most)
{
	size_t n = 0;

	while (n < most && a[n] == b[n] && a[n])
		n++;
	return n < most ? n + 1 : most;
}

WRAPPED(size_t, strlen, const char *s)
{
	READS(s, bytes_of(s, WHOLE));
	return strlen(s);
}

WRAPPED(size_t, strnlen, const char *s, size_t most)
{
	READS(s, bytes_of(s, most));
	return strnlen(s, most);
}

WRAPPED(char *, strcpy, char *to, const char *from)
{
	size_t n = bytes_of(from, WHOLE);

	READS(from, n);
	WRITES(to, n);
	return memcpy(to, from, n);
}

WRAPPED(char *, stpcpy, char *to, const char *from)
{
	size_t n = bytes_of(from, WHOLE);

	READS(from, n);
	WRITES(to, n);
	return (char *)memcpy(to, from, n) + n - 1;
}

WRAPPED(char *, strncpy, char *to, const char *from, size_t size)
{
	size_t n = bytes_of(from, size);

	READS(from, n);
	WRITES(to, size);
	memcpy(to, from, n);
	memset(to + n, 0, size - n);
	return to;
}

WRAPPED(char *, strcat, char *to, const char *from)
{
	size_t had = bytes_of(to, WHOLE), n = bytes_of(from, WHOLE);

	READS(to, had);
	READS(from, n);
	WRITES(to + had - 1, n);
	memcpy(to + had - 1, from, n);
	return to;
}

WRAPPED(int, strcmp, const char *a, const char *b)
{
	READS(a, bytes_alike(a, b, WHOLE));
	READS(b, bytes_alike(a, b, WHOLE));
	return strcmp(a, b);
}

WRAPPED(int, strncmp, const char *a, const char *b, size_t most)
{
	READS(a, bytes_alike(a, b, most));
	READS(b, bytes_alike(a, b, most));
	return strncmp(a, b, most);
}

WRAPPED(char *, strchr, const char *s, int c)
{
	const char *found = strchr(s, c);

	READS(s, found ? (size_t)(found - s) + 1 : bytes_of(s, WHOLE));
	return (char *)(uintptr_t)found;
}

WRAPPED(char *, strrchr, const char *s, int c)
{
	READS(s, bytes_of(s, WHOLE));
	return strrchr(s, c);
}

WRAPPED(char *, strstr, const char *s, const char *part)
{
	READS(s, bytes_of(s, WHOLE));
	READS(part, bytes_of(part, WHOLE));
	return strstr(s, part);
}

/* --- printing ------------------------------------------------------------ */

/* Strings among the arguments are read unseen. */
static void print_is_partly_told(const char *fmt, const struct sync_site *site)
{
	for (const char *at = strchr(fmt, '%'); at && at[1]; at = strchr(at, '%')) {
		at += 1 + strspn(at + 1, "-+ #0123456789.*hlqLjzt");
		if (*at == 's' || *at == 'n')
			explore_add_unwatched(x.result, "strings that are printed in %s, %s:%d",
					      site->function, site->file, site->line);
		at += *at != '\0';
	}
}

static int print(char *to, size_t size, const char *fmt, va_list args,
		 const struct sync_site *site)
{
	int n = vsnprintf(to, size, fmt, args);

	if (!TOLD || n < 0 || !size)
		return n;
	door_tell(to, (size_t)n < size ? (size_t)n + 1 : size, true, site);
	print_is_partly_told(fmt, site);
	return n;
}

WRAPPED(int, vsnprintf, char *to, size_t size, const char *fmt, va_list args)
{
	return print(to, size, fmt, args, SITE);
}

WRAPPED(int, snprintf, char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = print(to, size, fmt, args, SITE);
	va_end(args);
	return n;
}

WRAPPED(int, sprintf, char *to, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = print(to, INT32_MAX, fmt, args, SITE);
	va_end(args);
	return n;
}
