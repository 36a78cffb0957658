/* SPDX-License-Identifier: MIT */
/*
 * flat.c - writes and reads flat buffers: see flat.h. A buffer grows as it is written. If there is
 * no memory it is marked as failed, and what is put into it then is lost.
 */
#include "explore/engine/flat.h"
#include "sync/sync.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 4096 };

void flat_put(struct flat *f, const void *p, size_t size)
{
	if (f->size + size > f->capacity) {
		size_t capacity = 2 * (f->size + size) + 1024;
		char *bytes = f->failed ? NULL : realloc(f->bytes, capacity);

		if (!bytes) {
			f->failed = true;
			return;
		}
		f->bytes = bytes;
		f->capacity = capacity;
	}
	if (size)
		memcpy(f->bytes + f->size, p, size);
	f->size += size;
}

void flat_put_number(struct flat *f, uint64_t n) { flat_put(f, &n, sizeof(n)); }

void flat_put_text(struct flat *f, const char *text)
{
	flat_put_number(f, text ? strlen(text) + 1 : 0);
	if (text)
		flat_put(f, text, strlen(text));
}

void flat_put_site(struct flat *f, const struct sync_site *site)
{
	flat_put_text(f, site ? site->function : NULL);
	if (!site)
		return;
	flat_put_text(f, site->file);
	flat_put_number(f, (uint64_t)(int64_t)site->line);
}

void flat_get(struct flat_reader *r, void *ret, size_t size)
{
	if (r->wrong || size > (size_t)(r->end - r->at)) {
		r->wrong = true;
		memset(ret, 0, size);
		return;
	}
	memcpy(ret, r->at, size);
	r->at += size;
}

uint64_t flat_get_number(struct flat_reader *r, uint64_t max)
{
	uint64_t n;

	flat_get(r, &n, sizeof(n));
	if (n <= max)
		return n;
	r->wrong = true;
	return 0;
}

size_t flat_get_count(struct flat_reader *r, size_t max, size_t size)
{
	size_t n = (size_t)flat_get_number(r, max);

	if (n * size <= (size_t)(r->end - r->at))
		return n;
	r->wrong = true;
	return 0;
}

char *flat_get_text(struct flat_reader *r, size_t length_max)
{
	size_t size = flat_get_count(r, length_max + 1, 1);
	char *text = size ? malloc(size) : NULL;

	if (!text) {
		r->wrong |= size != 0;
		return NULL;
	}
	flat_get(r, text, size - 1);
	text[size - 1] = '\0';
	return text;
}

bool site_same(const struct sync_site *a, const struct sync_site *b)
{
	return a->line == b->line &&
	       (a->function == b->function || !strcmp(a->function, b->function));
}

/* Places that were read. */
struct kept { struct sync_site site; struct kept *next; };

static const struct sync_site *keep(char *function, char *file, int line)
{
	static struct kept *all;
	struct kept *k = all;

	while (k && (k->site.line != line || strcmp(k->site.function, function) != 0 ||
		     strcmp(k->site.file, file) != 0))
		k = k->next;
	if (!k && (k = malloc(sizeof(*k)))) {
		*k = (struct kept){ { file, function, line }, all };
		all = k;
		return &k->site;
	}
	free(function);
	free(file);
	return k ? &k->site : NULL;
}

const struct sync_site *flat_get_site(struct flat_reader *r)
{
	char *function = flat_get_text(r, NAME_MAX_BYTES), *file;
	const struct sync_site *site;
	int line;

	if (!function)
		return NULL;
	file = flat_get_text(r, NAME_MAX_BYTES);
	line = (int)flat_get_number(r, UINT64_MAX);
	if (!file || r->wrong) {
		r->wrong = true;
		free(function);
		free(file);
		return NULL;
	}
	site = keep(function, file, line);
	r->wrong = !site;
	return site;
}
