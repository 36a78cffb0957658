/* SPDX-License-Identifier: MIT */
/*
 * version.h - versions of Linux, as people write them.
 */
#ifndef MMUN_BASE_VERSION_H
#define MMUN_BASE_VERSION_H

#include "base/base.h"

#define LINUX_VERSION(major, minor) ((major) * 1000u + (minor))

/* The first one in which secondary TLBs are flushed with the CPUs'; the first one that mmun
 * knows anything about. */
#define LINUX_MODERN LINUX_VERSION(6, 6)
#define LINUX_FIRST LINUX_VERSION(4, 15)

/* "6.12" or "6.12.3" as LINUX_VERSION(6, 12); 0: the @size bytes of @text are no version. */
static inline unsigned linux_version(const char *text, size_t size)
{
	unsigned part[3] = { 0, 0, 0 }, parts = 0;
	size_t digits = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && text[i] >= '0' && text[i] <= '9' && digits < 3) {
			part[parts] = part[parts] * 10 + (unsigned)(text[i] - '0');
			digits++;
		} else if (digits && (i == size || (text[i] == '.' && parts < 2))) {
			parts++;
			digits = 0;
		} else {
			return 0;
		}
	}
	return parts >= 2 ? LINUX_VERSION(part[0], part[1]) : 0;
}

#endif
