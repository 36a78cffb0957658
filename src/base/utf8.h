/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - which bytes are one character. Called by whatever reads or writes text that
 * comes from outside: the parser of litmus tests and the formats of reports.
 */
#ifndef MMUN_UTF8_H
#define MMUN_UTF8_H

#include <stddef.h>

/*
 * The number of bytes of the UTF-8 character at @text, of which @left bytes may be read;
 * 0 if there is none. A zero byte is a character and ends every longer one, so that @left
 * may be SIZE_MAX for a string.
 */
size_t utf8_length(const char *text, size_t left);

#endif
