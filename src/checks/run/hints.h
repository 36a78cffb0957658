/* SPDX-License-Identifier: MIT */
/* hints.h - declares what is said about names of Linux that mmun does not have. compile.c calls
 * it when a check does not compile. */
#ifndef MMUN_HINTS_H
#define MMUN_HINTS_H

#include <stdio.h>

/* @said is a file with what the compiler has said. Each name is spoken of once. */
void hints_print(FILE *out, const char *said);

#endif
