/* SPDX-License-Identifier: MIT */
/*
 * places.h - where in its source the code of an object stands. The object is the shared object
 * of a check, or a program, and its own debug information is read.
 *
 * Opening reads everything. Looking something up allocates nothing and needs little stack, so
 * it may be done on a fiber and in a signal handler.
 */
#ifndef MMUN_PLACES_H
#define MMUN_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings live until places_close(). */
struct place {
	const char *file;     /* as the compiler was given it, where that was a relative name */
	int line;             /* from 1 */
	const char *function; /* the innermost one, inlined ones too; NULL: not known */
};

struct places;

/* Of the file @object, loaded at @base (0: addresses are those in the file); or of the
 * object of this process that has the address @inside. NULL: there is no debug
 * information, or no memory. */
struct places *places_open(const char *object, uintptr_t base);
struct places *places_of(const void *inside);
void places_close(struct places *places);

/* Of the instruction that has the byte at @pc: for a return address that is pc - 1. What is
 * inlined from the headers of Linux's names stands where the name does. */
bool places_find(const struct places *places, const void *pc, struct place *ret);

/*
 * In words, "function in file.c:12", of the return address @pc. @places is a struct places,
 * or NULL. What it does not know is said as well as it can be, and never by an address
 * that the next run of the program would not have.
 */
void places_say(void *places, const void *pc, char *buf, size_t size);

/* Code that belongs to a line, in the order of addresses; rows do not overlap, and code
 * that belongs to none has no row. */
struct places_row { uintptr_t start, end; const char *file; int line; };

const struct places_row *places_rows(const struct places *places, size_t *ret_count);

/* The function that has @pc and is not inlined: its first address and the one after the
 * last. */
bool places_function(const struct places *places, uintptr_t pc, uintptr_t *ret_start,
		     uintptr_t *ret_end);

#endif
