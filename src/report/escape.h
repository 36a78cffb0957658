/* SPDX-License-Identifier: MIT */
/*
 * escape.h - strings of others in documents of ours; for those of JSON see base/json.h.
 * Whatever the bytes are, what is written is valid UTF-8 and cannot end the place that it is
 * written to; bytes that are no UTF-8, and what the document may not have at all, become
 * U+FFFD.
 */
#ifndef MMUN_ESCAPE_H
#define MMUN_ESCAPE_H

#include <stdio.h>

/* Text, or an attribute's value between either quotes, of XML and HTML. */
void escape_xml(FILE *out, const char *text);
/* The text of a message, a note or a participant of Mermaid. */
void escape_mermaid(FILE *out, const char *text);
/* What follows "%%" in Mermaid; it stays as it is where it can, to be copied. */
void escape_mermaid_comment(FILE *out, const char *text);

#endif
