/* SPDX-License-Identifier: MIT */
/*
 * unseen.h - declares the search for functions that a check must not call, since the explorer does
 * not see what they do. compile.c calls it on the objects that it has made.
 */
#ifndef MMUN_UNSEEN_H
#define MMUN_UNSEEN_H

#include "base/base.h"

/* Is such a function called? Then which, and what to use instead, and in which line (0: it is not
 * known). @linked was made of @unlinked. -errno: one of them cannot be read. */
int unseen_find(const char *unlinked, const char *linked, char *ret, size_t size, int *ret_line);

#endif
