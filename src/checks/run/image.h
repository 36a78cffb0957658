/* SPDX-License-Identifier: MIT */
/*
 * image.h - an object file that the compiler has just written, mapped into memory. It is
 * taken to be what a 64-bit object should be: its offsets are not checked.
 */
#ifndef MMUN_IMAGE_H
#define MMUN_IMAGE_H

#include <elf.h>

#include "base/base.h"

struct image { const char *bytes; size_t size; };

/* False: it cannot be read, errno says why, or EINVAL: it is no such object. */
bool image_open(struct image *image, const char *object);
void image_close(struct image *image);

static inline const void *image_at(const struct image *image, uint64_t offset)
{
	return image->bytes + offset;
}

static inline const Elf64_Ehdr *image_head(const struct image *image)
{
	return image_at(image, 0);
}

/* NULL: there is no nth one. */
const Elf64_Shdr *image_section(const struct image *image, unsigned nth);
/* A string of this section of strings. */
const char *image_string(const struct image *image, unsigned section, uint64_t offset);

#endif
