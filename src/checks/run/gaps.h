/* SPDX-License-Identifier: MIT */
/*
 * gaps.h - what the compiler's hooks do not tell: accesses of memory that a function makes without
 * a call before them. They are read from what the compiler writes about the code that it has made,
 * and say in which function they are. unwatched.c decides which checks they matter to.
 */
#ifndef MMUN_GAPS_H
#define MMUN_GAPS_H

#include <stdio.h>

#include "base/base.h"

enum { GAP_TEXT_BYTES = 160 };

struct gap {
	char *function;              /* as the object file calls it */
	bool on_stack;               /* of a variable on the thread's own stack */
	char text[GAP_TEXT_BYTES];
};

struct gaps {
	struct gap *gap;
	size_t count, capacity;
	bool failed;                 /* there was not enough memory */
};

void gaps_add(struct gaps *g, const char *function, size_t function_length, bool on_stack,
	      const char *fmt, ...) PRINTF_LIKE(5, 6);
void gaps_fini(struct gaps *g);

/* Does a piece of inline assembly access no memory? @text is what stands between its quotes. */
bool gaps_asm_is_harmless(const char *text, size_t length);

/* From gcc's dump of its last pass. @is_variable: is there a static variable of this name? False:
 * it is no such dump. */
bool gaps_of_gcc(struct gaps *g, FILE *dump,
		 bool (*is_variable)(const void *arg, const char *name, size_t length),
		 const void *arg);
/* From clang's code for LLVM. */
bool gaps_of_clang(struct gaps *g, FILE *code);

#endif
