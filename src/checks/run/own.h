/* SPDX-License-Identifier: MIT */
/* own.h - declares how a check may have a function or structure of its own by a name of mmun's.
 * compile.c calls it. */
#ifndef MMUN_OWN_H
#define MMUN_OWN_H

#include <stdbool.h>

/*
 * @said is what the compiler has said of the source. Writes to @header, which the source is to be
 * compiled with before it, mmun's headers, and that each name that the source defines is another
 * one if mmun has it as well. What the compiler said before is known from the header that is
 * there. False: the source defines nothing, or it cannot be written.
 */
bool own_names(const char *source, const char *said, const char *header);

#endif
