/* SPDX-License-Identifier: MIT */
/* hints.h - declares what is said about names of Linux that mmun does not have, or that the check
 * has as well. compile.c calls it when a check does not compile. */
#ifndef MMUN_HINTS_H
#define MMUN_HINTS_H

#include <stdbool.h>

/* Is this row about the name? It is the name, or "*" stands for any letters in it. */
bool hint_is_for(const char *row, const char *name);
/* On standard error, as the compiler's messages. @said is a file with these. Each name is spoken of
 * once. */
void hints_give(const char *said);

#endif
