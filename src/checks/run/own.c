/* SPDX-License-Identifier: MIT */
/*
 * own.c - see own.h. A model of kernel code often defines what it needs by Linux's names, and some
 * day mmun has such a name too. The check's own is meant then. In mmun's headers a name is a macro
 * besides, so the compiler's errors are of many kinds. So definitions are looked for in the text,
 * where they begin a line, and those that are macros of mmun's get another name.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "checks/run/own.h"

enum { NAMES_MAX = 256, NAME_MAX_BYTES = 64, TEXT_MAX = 1 << 22 };

/* Some are defined twice, as the compiler says. The others are mmun's if they are macros. */
struct names {
	char name[NAMES_MAX][NAME_MAX_BYTES];
	bool twice[NAMES_MAX];
	unsigned count;
};

/* The whole file, which ends with a zero; NULL: it cannot be read. */
static char *text_of(const char *path)
{
	char *text = calloc(1, TEXT_MAX + 1);
	FILE *in = fopen(path, "re");

	if (!text || !in || fread(text, 1, TEXT_MAX, in) == 0) {
		free(text);
		text = NULL;
	}
	if (in)
		fclose(in);
	return text;
}

static bool in_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

static size_t length_of(const char *name)
{
	size_t n = 0;

	while (in_name(name[n]))
		n++;
	return n;
}

/* Behind the parenthesis that closes this one; NULL: none does. */
static const char *behind_arguments(const char *at)
{
	for (unsigned depth = 0; *at; at++) {
		depth += *at == '(';
		depth -= *at == ')';
		if (!depth)
			return at + 1;
	}
	return NULL;
}

static const char *behind_space(const char *at)
{
	for (;;) {
		at += strspn(at, " \t\n");
		if (!strncmp(at, "/*", 2) && strstr(at, "*/"))
			at = strstr(at, "*/") + 2;
		else if (!strncmp(at, "//", 2))
			at += strcspn(at, "\n");
		else
			return at;
	}
}

/* Does a body follow the word that ends here? */
static bool has_body(const char *at, bool is_struct)
{
	at += strspn(at, " ");
	if (*at == '(' && !is_struct)
		at = behind_arguments(at);
	else if (*at == '(' || !is_struct)
		return false;
	return at && *behind_space(at) == '{';
}

static void add(struct names *names, const char *at, size_t length)
{
	unsigned n;

	if (length >= NAME_MAX_BYTES || names->count == NAMES_MAX)
		return;
	memcpy(names->name[names->count], at, length);
	names->name[names->count][length] = '\0';
	for (n = 0; strcmp(names->name[n], names->name[names->count]); n++)
		;
	names->count += n == names->count;
}

/* What the line defines: a function, of which the type stands before it, or a structure. */
static void read_line(struct names *names, const char *line, size_t length)
{
	bool is_struct = false;
	size_t n;

	for (const char *at = line; at < line + length; at += n ? n : 1) {
		n = length_of(at);
		if (n && at > line && has_body(at + n, is_struct))
			add(names, at, n);
		if (n)
			is_struct = n == 6 && !strncmp(at, "struct", n);
	}
}

static void read_source(struct names *names, const char *source)
{
	for (const char *line = source; *line;) {
		size_t length = strcspn(line, "\n");

		if (in_name(*line))
			read_line(names, line, length);
		line += length;
		line += *line == '\n';
	}
}

/* What stands before the quote. */
static bool says_twice(const char *said, const char *quote)
{
	static const char *const how[] = {
		"redefinition of ", "conflicting types for ", "static declaration of ",
	};

	for (unsigned n = 0; n < ARRAY_SIZE(how); n++)
		if (quote - said >= (ptrdiff_t)strlen(how[n]) &&
		    !strncmp(quote - strlen(how[n]), how[n], strlen(how[n])))
			return true;
	return false;
}

static void read_errors(struct names *names, const char *said)
{
	for (const char *at = said; (at = strchr(at, '\'')) != NULL; at++) {
		const char *name = at + 1;

		if (!strncmp(name, "struct ", 7))
			name += 7;
		for (unsigned n = 0; n < names->count && says_twice(said, at); n++)
			names->twice[n] |= length_of(name) == strlen(names->name[n]) &&
				!strncmp(name, names->name[n], length_of(name));
	}
}

/* What was said before: the header that is there. */
static void read_header(struct names *names, const char *header)
{
	char line[NAME_MAX_BYTES + 40];

	for (unsigned n = 0; n < names->count; n++) {
		snprintf(line, sizeof(line), "#if 1 || defined(%s)\n", names->name[n]);
		names->twice[n] |= strstr(header, line) != NULL;
	}
}

static bool write_header(const struct names *names, const char *source, const char *header)
{
	const char *first = strstr(source, "mmun/kernel_mm.h") ? "kernel_mm.h" : "kernel.h";
	FILE *out = fopen(header, "we");

	if (!out)
		return false;
	fprintf(out, "#include <mmun/%s>\n", first);
	for (unsigned n = 0; n < names->count; n++) {
		const char *name = names->name[n];

		fprintf(out, "#if %d || defined(%s)\n#undef %s\n#define %s own_%s\n#endif\n",
			names->twice[n], name, name, name, name);
	}
	return !fclose(out);
}

bool own_names(const char *source_path, const char *said_path, const char *header)
{
	char *source = text_of(source_path), *said = text_of(said_path);
	char *before = text_of(header);
	struct names names = { .count = 0 };
	bool any;

	if (source)
		read_source(&names, source);
	if (said)
		read_errors(&names, said);
	if (before)
		read_header(&names, before);
	any = names.count && write_header(&names, source, header);
	free(source);
	free(said);
	free(before);
	return any;
}
