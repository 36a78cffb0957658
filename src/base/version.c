/* SPDX-License-Identifier: MIT */
/*
 * version.c - which version of the library this is. The number is meson.build's.
 */
#include "mmun/mmun.h"

const char *mmun_version(void) { return MMUN_VERSION; }
