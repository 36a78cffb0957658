/* SPDX-License-Identifier: MIT */
/* hints.h - declares what is said about names of Linux that mmun does not have. compile.c calls
 * it when a check does not compile. */
#ifndef MMUN_HINTS_H
#define MMUN_HINTS_H

/* On standard error, as the compiler's messages. @said is a file with these. Each name is spoken of
 * once. */
void hints_give(const char *said);

#endif
