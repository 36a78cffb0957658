/* SPDX-License-Identifier: MIT */
/*
 * escape.c - strings as XML and Mermaid want them. For each document there is a function
 * that writes one character, and one walk over the string that says which bytes are one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "report/escape.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Write the character of @n bytes at @s, which comes after @before, 0 at the beginning; @n
 * is 0 for a byte that is no character. */
typedef void put_fn(FILE *out, char before, const char *s, size_t n);

static void put_all(FILE *out, const char *text, put_fn *put)
{
	char before = 0;

	for (size_t n; *text; text += n ? n : 1) {
		n = utf8_length(text, SIZE_MAX);
		put(out, before, text, n);
		before = *text;
	}
}

static bool is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }

static bool is_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_';
}

/* --- XML ----------------------------------------------------------------- */

/* XML has no U+FFFE, no U+FFFF and few controls, not even by number. */
static bool is_no_xml(const char *s, size_t n)
{
	return !n || (is_control(*s) && *s != '\t' && *s != '\n') ||
	       (n == 3 && (!memcmp(s, "\xef\xbf\xbe", 3) || !memcmp(s, "\xef\xbf\xbf", 3)));
}

static void put_xml(FILE *out, char before, const char *s, size_t n)
{
	(void)before;
	if (is_no_xml(s, n))
		fputs(REPLACEMENT, out);
	else if (strchr("&<>\"'", *s))
		fprintf(out, "&#%d;", *s);
	else
		fwrite(s, 1, n, out);
}

void escape_xml(FILE *out, const char *text)
{
	put_all(out, text, put_xml);
}

/* --- Mermaid ------------------------------------------------------------- */

/* What may stand as it is. Everything else goes by number: a semicolon ends a line, "#"
 * begins a number, "%%{" a directive, "<" a tag, "$$" a formula. */
static bool is_plain(const char *s, size_t n)
{
	return n > 1 || is_letter(*s) || strchr(" .,()*=+-/:?!~@[]|^'", *s);
}

/* The word "end" ends a block. */
static bool is_end(char before, const char *s)
{
	return !strncmp(s, "end", 3) && !is_letter(before) && !is_letter(s[3]);
}

static void put_mermaid(FILE *out, char before, const char *s, size_t n)
{
	if (!n)
		fputs(REPLACEMENT, out);
	else if (is_control(*s))
		fputc(' ', out);
	else if (is_plain(s, n) && !is_end(before, s))
		fwrite(s, 1, n, out);
	else
		fprintf(out, "#%d;", *s);
}

void escape_mermaid(FILE *out, const char *text)
{
	put_all(out, text, put_mermaid);
}

/* Here only the end of the line and "%%{" mean something. */
static void put_comment(FILE *out, char before, const char *s, size_t n)
{
	if (!n)
		fputs(REPLACEMENT, out);
	else if (is_control(*s))
		fputc(' ', out);
	else
		fprintf(out, "%s%.*s", before == '%' && *s == '%' ? " " : "", (int)n, s);
}

void escape_mermaid_comment(FILE *out, const char *text)
{
	put_all(out, text, put_comment);
}
