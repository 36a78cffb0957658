/* SPDX-License-Identifier: MIT */
/*
 * json.c - values and brackets, and what comes between them.
 */
#include "base/json.h"

#include <inttypes.h>

#include "base/utf8.h"

static void print_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (size_t n; *text; text += n ? n : 1) {
		n = utf8_length(text, SIZE_MAX);
		if (!n)
			fputs("\\ufffd", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(out, "\\u%04x", (unsigned)*text);
		else
			fwrite(text, 1, n, out);
	}
	fputc('"', out);
}

static void space(struct json *j)
{
	if (j->line)
		fputs(j->line, j->out);
	j->line = NULL;
}

/* What comes before a value. */
static void value(struct json *j, const char *name)
{
	if (j->comma)
		fputs(j->line ? "," : ", ", j->out);
	space(j);
	j->comma = true;
	if (!name)
		return;
	print_text(j->out, name);
	fputs(": ", j->out);
}

void json_begin(struct json *j, const char *name, char bracket)
{
	value(j, name);
	fputc(bracket, j->out);
	j->comma = false;
}

void json_end(struct json *j, char bracket)
{
	space(j);
	fputc(bracket, j->out);
	j->comma = true;
}

void json_line(struct json *j, const char *text) { j->line = text; }

void json_string(struct json *j, const char *name, const char *text)
{
	value(j, name);
	if (text)
		print_text(j->out, text);
	else
		fputs("null", j->out);
}

void json_null(struct json *j, const char *name) { json_string(j, name, NULL); }

void json_bool(struct json *j, const char *name, bool is)
{
	value(j, name);
	fputs(is ? "true" : "false", j->out);
}

void json_number(struct json *j, const char *name, int64_t number)
{
	value(j, name);
	fprintf(j->out, "%" PRId64, number);
}

void json_count(struct json *j, const char *name, uint64_t count)
{
	value(j, name);
	fprintf(j->out, "%" PRIu64, count);
}

void json_seconds(struct json *j, const char *name, double seconds)
{
	value(j, name);
	fprintf(j->out, "%.3f", seconds);
}
