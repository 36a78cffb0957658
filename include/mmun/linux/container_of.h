/* SPDX-License-Identifier: MIT */
/* container_of.h - from a member to the structure that contains it. */
#ifndef MMUN_LINUX_CONTAINER_OF_H
#define MMUN_LINUX_CONTAINER_OF_H

#include <stddef.h>

#ifndef container_of
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#endif

#endif
