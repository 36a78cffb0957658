/* SPDX-License-Identifier: MIT */
/*
 * corpus_entry.c - see corpus_entry.h. The text may be anything at all: the fuzzer feeds it.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/corpus_entry.h"

enum { ID_BYTES = 8 };

/* A part of the text. */
struct part { const char *at; size_t n; };

static bool set(char **to, struct part p)
{
	free(*to);
	*to = strndup(p.at, p.n);
	return *to;
}

static bool append(char **to, struct part p)
{
	size_t old = strlen(*to);
	char *longer = realloc(*to, old + p.n + 2);

	if (!longer)
		return false;
	memcpy(longer + old, p.at, p.n);
	memcpy(longer + old + p.n, "\n", 2);
	*to = longer;
	return true;
}

/* "Name: value", and the first of that name. */
static bool is_field(struct part line, const char *name, const char *value)
{
	return line.n > strlen(name) && !strncmp(line.at, name, strlen(name)) && !*value;
}

static struct part after(struct part line, size_t skip)
{
	return (struct part){ line.at + skip, line.n - skip };
}

/* "31: title". */
static bool parse_title(struct corpus_entry *e, struct part line)
{
	size_t n = strspn(line.at, "0123456789abcdefghijklmnopqrstuvwxyz");

	if (!n || n >= ID_BYTES || n + 2 >= line.n || strncmp(line.at + n, ": ", 2))
		return false;
	return set(&e->id, (struct part){ line.at, n }) && set(&e->title, after(line, n + 2));
}

static bool parse_line(struct corpus_entry *e, struct part line)
{
	if (!e->id)
		return parse_title(e, line);
	if (is_field(line, "Linux: ", e->origin))
		return set(&e->origin, after(line, strlen("Linux: ")));
	if (is_field(line, "FreeBSD: ", e->origin))
		return set(&e->origin, line);
	if (is_field(line, "Class: ", e->class))
		return set(&e->class, after(line, strlen("Class: ")));
	return (!line.n && !*e->prose) || append(&e->prose, line);
}

/* The line without its star. */
static struct part line_of(const char *at)
{
	size_t n = strcspn(at, "\n");
	size_t skip = n > 2 && at[2] == ' ' ? 3 : 2;

	return (struct part){ at + skip, n - skip };
}

bool corpus_entry_parse(struct corpus_entry *e, const char *text)
{
	const struct part empty = { "", 0 };
	const char *at = strstr(text, "\n/*\n");

	if (!set(&e->origin, empty) || !set(&e->class, empty) || !set(&e->prose, empty))
		return false;
	for (at = at ? at + 4 : ""; !strncmp(at, " *", 2) && at[2] != '/';) {
		if (!parse_line(e, line_of(at)))
			return false;
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return e->id && *e->class;
}

void corpus_entry_fini(struct corpus_entry *e)
{
	free(e->path);
	free(e->id);
	free(e->title);
	free(e->origin);
	free(e->class);
	free(e->prose);
}
