/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON, written as it goes: nothing is kept but whether a comma is due. Called by
 * the report for programs and by each command that has a --json.
 *
 * Invariant: strings are written as valid UTF-8 whatever their bytes are; a byte that is no
 * character becomes U+FFFD. That brackets match is up to the caller.
 *
 * Each value has a name if it is a member of an object; NULL if it is an item of an array or
 * stands alone.
 */
#ifndef MMUN_JSON_H
#define MMUN_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool comma;            /* before the next value */
	const char *line;      /* what comes before the next value or bracket; NULL: a space
	                          after a comma */
};

/* @bracket is '{' or '['; the one that closes is '}' or ']'. */
void json_begin(struct json *j, const char *name, char bracket);
void json_end(struct json *j, char bracket);
/* The next value, or the bracket that closes, begins after @space: "\n  ", say. */
void json_line(struct json *j, const char *space);

void json_string(struct json *j, const char *name, const char *text); /* NULL: null */
void json_null(struct json *j, const char *name);
void json_bool(struct json *j, const char *name, bool value);
void json_number(struct json *j, const char *name, int64_t value);
void json_count(struct json *j, const char *name, uint64_t value);
void json_seconds(struct json *j, const char *name, double value); /* to a thousandth */

#endif
