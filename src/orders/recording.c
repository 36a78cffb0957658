/* SPDX-License-Identifier: MIT */
/*
 * recording.c - reads recordings of Linux, which are text: see docs/trace.md. A line is a
 * comment, the recording's name and era, an operation's name, or, indented, an event of the
 * operation. Called by the tool and by the test that compares all recordings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "orders/orders.h"

static const char header[] = "recording ";

struct parser {
	struct order_file *file;
	unsigned line;
	const char *why;
};

static bool wrong(struct parser *p, const char *why)
{
	p->why = why;
	return false;
}

/* "recording NAME modern" */
static bool parse_header(struct parser *p, const char *s, size_t n)
{
	const char *name = s + sizeof(header) - 1;
	const char *era = memchr(name, ' ', n - (sizeof(header) - 1));
	size_t length;

	if (!era || era - name >= ORDER_NAME_MAX)
		return wrong(p, "wants a name and an era");
	if (*p->file->name)
		return wrong(p, "this is another recording");
	memcpy(p->file->name, name, (size_t)(era - name));
	era++;
	length = n - (size_t)(era - s);
	if (length == 6 && !memcmp(era, "modern", 6))
		p->file->semantics = MMUN_MODERN;
	else if (length == 7 && !memcmp(era, "classic", 7))
		p->file->semantics = MMUN_CLASSIC;
	else
		return wrong(p, "the era is modern or classic");
	return true;
}

static bool parse_op(struct parser *p, const char *s, size_t n)
{
	struct order_file *f = p->file;
	struct order_recorded *grown;

	if (n >= ORDER_NAME_MAX || memchr(s, ' ', n))
		return wrong(p, "is no name of an operation");
	grown = realloc(f->op, (f->count + 1) * sizeof(*grown));
	if (!grown)
		return wrong(p, NULL);
	f->op = grown;
	f->op[f->count] = (struct order_recorded){ 0 };
	memcpy(f->op[f->count].name, s, n);
	f->count++;
	for (size_t i = 0; i + 1 < f->count; i++)
		if (!strcmp(f->op[i].name, f->op[f->count - 1].name))
			return wrong(p, "this operation was there already");
	return true;
}

static bool parse_event(struct parser *p, const char *s, size_t n)
{
	struct order *o;

	if (!p->file->count)
		return wrong(p, "an event before the first operation");
	o = &p->file->op[p->file->count - 1].order;
	if (o->count == ORDER_EVENTS_MAX)
		return wrong(p, "too many events");
	return order_event_parse(s, n, &o->event[o->count++]) ||
	       wrong(p, "no event is written like this");
}

static bool parse_line(struct parser *p, const char *s, size_t n)
{
	size_t indent = 0;

	if (memchr(s, 0, n))
		return wrong(p, "is no text");
	while (n && strchr(" \t\r", s[n - 1]))
		n--;
	while (indent < n && strchr(" \t", s[indent]))
		indent++;
	s += indent;
	n -= indent;
	if (!n || *s == '#')
		return true;
	if (indent)
		return parse_event(p, s, n);
	if (n >= sizeof(header) && !memcmp(s, header, sizeof(header) - 1))
		return parse_header(p, s, n);
	return parse_op(p, s, n);
}

int order_file_parse(const char *text, size_t size, struct order_file *ret_file,
		     unsigned *ret_line, const char **ret_why)
{
	struct order_file file = { 0 };
	struct parser p = { .file = &file };
	bool good = true;

	while (good && size) {
		const char *newline = memchr(text, '\n', size);
		size_t n = newline ? (size_t)(newline - text) : size;

		p.line++;
		good = parse_line(&p, text, n);
		n += newline != NULL;
		text += n;
		size -= n;
	}
	if (good && !*file.name)
		good = wrong(&p, "does not say what recording it is");
	if (!good) {
		order_file_fini(&file);
		if (!p.why)
			return -ENOMEM;
		*ret_line = p.line;
		*ret_why = p.why;
		return -EINVAL;
	}
	*ret_file = file;
	return 0;
}

void order_file_fini(struct order_file *file)
{
	free(file->op);
	file->op = NULL;
	file->count = 0;
}

const struct order_recorded *order_file_find(const struct order_file *file, const char *name)
{
	for (size_t i = 0; i < file->count; i++)
		if (!strcmp(file->op[i].name, name))
			return &file->op[i];
	return NULL;
}
