/* SPDX-License-Identifier: MIT */
/*
 * error.c - prints a parse error as compilers do. It is the only function of the room that
 * writes to a file, and it writes to the file that it is given.
 */
#include "litmus/lang/parser.h"

enum { SHOWN_MAX = 160 }; /* columns of a line that are shown */

/* Whatever could upset a terminal becomes a question mark. */
static void print_line(FILE *out, const char *s, const char *end)
{
	size_t n;

	for (; s < end; s += n) {
		n = utf8_length(s, (size_t)(end - s));
		if (n == 1 && *s != '\t' && (*s < ' ' || *s == 0x7f))
			n = 0;
		if (n)
			fwrite(s, 1, n, out);
		else
			fputc('?', out);
		n += !n;
	}
}

void litmus_error_print(FILE *out, const char *file, const char *text, size_t size,
			const struct litmus_error *error)
{
	size_t start = 0, end, column = (size_t)(error->pos.column > 0 ? error->pos.column - 1 : 0);
	int line = 1;

	fprintf(out, "%s:%d:%d: error: %s\n", file, error->pos.line, error->pos.column,
		error->text);
	while (line < error->pos.line && start < size)
		line += text[start++] == '\n';
	for (end = start; end < size && text[end] != '\n' && text[end] != '\r'; end++)
		;
	if (start == end || column > end - start || column > SHOWN_MAX)
		return; /* nothing to point at */
	if (end - start > SHOWN_MAX)
		end = start + SHOWN_MAX;
	fprintf(out, "%5d | ", line);
	print_line(out, text + start, text + end);
	fputs("\n      | ", out);
	for (size_t i = start; i < start + column && i < end; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			fputc(text[i] == '\t' ? '\t' : ' ', out);
	fputs("^\n", out);
}
