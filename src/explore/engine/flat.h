/* SPDX-License-Identifier: MIT */
/*
 * flat.h - declares flat buffers, which one process writes and another process of the same program
 * reads. They hold numbers, texts and places in the source, and no pointer. A reader trusts
 * nothing: whatever does not fit makes it wrong, and from then on it gives zeros.
 */
#ifndef MMUN_FLAT_H
#define MMUN_FLAT_H

#include "base/base.h"

struct sync_site;

struct flat { char *bytes; size_t size, capacity; bool failed; /* no memory */ };

void flat_put(struct flat *f, const void *p, size_t size);
void flat_put_number(struct flat *f, uint64_t n);
void flat_put_text(struct flat *f, const char *text);   /* NULL is told from "" */
void flat_put_site(struct flat *f, const struct sync_site *site); /* so is NULL here */

struct flat_reader { const char *at, *end; bool wrong; };

void flat_get(struct flat_reader *r, void *ret, size_t size);
uint64_t flat_get_number(struct flat_reader *r, uint64_t max);
/* How many items of so many bytes follow, as flat_put_number() has it; they are all there. */
size_t flat_get_count(struct flat_reader *r, size_t max, size_t size);
/* Memory of the reader's; NULL if there was NULL, or for the lack of it, which is wrong. */
char *flat_get_text(struct flat_reader *r, size_t length_max);
/* It stays until the process ends. A place that was read before is the same one again. */
const struct sync_site *flat_get_site(struct flat_reader *r);

/* Is it the same place in the source? */
bool site_same(const struct sync_site *a, const struct sync_site *b);

#endif
