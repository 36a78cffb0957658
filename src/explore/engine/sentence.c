/* SPDX-License-Identifier: MIT */
/*
 * sentence.c - an event as English: its kind's sentence with the words put in. Called by
 * whoever draws a trace; nothing reads what is written here but people.
 */
#include "explore/engine/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words --------------------------------------------------------------- */

static const char *const rights_text[] = {
	[EVENT_NO_ACCESS] = "no access", [EVENT_RO] = "ro", [EVENT_RW] = "rw",
};

void engine_entry_text(uint64_t entry, char *buf, size_t size)
{
	unsigned number = (unsigned)(entry >> EVENT_NUMBER_SHIFT);
	const char *rights = rights_text[entry >> EVENT_RIGHTS_SHIFT & 3];

	switch ((enum event_entry)(entry & 0xf)) {
	case EVENT_NOTHING:
		snprintf(buf, size, "-");
		break;
	case EVENT_NONE:
		snprintf(buf, size, "none");
		break;
	case EVENT_SWAPPED:
		snprintf(buf, size, "swap slot %u", number);
		break;
	case EVENT_MOVING:
		snprintf(buf, size, "frame %u, moving", number);
		break;
	case EVENT_MAPPED:
		snprintf(buf, size, "frame %u, %s%s", number, rights,
			 entry >> EVENT_HUGE_SHIFT & 1 ? ", huge" : "");
		break;
	}
}

/* NULL: it has no name. */
static const char *name_of(const struct explore_trace *trace, uint64_t addr)
{
	for (size_t i = 0; i < trace->names; i++)
		if (addr >= trace->name[i].start && addr < trace->name[i].end)
			return trace->name[i].name;
	return NULL;
}

static void address_text(const struct explore_trace *trace, uint64_t addr, char *buf, size_t size)
{
	const char *name = name_of(trace, addr);

	if (name)
		snprintf(buf, size, "%.40s", name);
	else
		snprintf(buf, size, "%#" PRIx64, addr);
}

/* Small numbers are counts, large ones are bits. */
static void value_text(int64_t value, char *buf, size_t size)
{
	if (value > -100000 && value < 100000)
		snprintf(buf, size, "%" PRId64, value);
	else
		snprintf(buf, size, "%#" PRIx64, (uint64_t)value);
}

char *explore_word_text(const struct explore_trace *trace, const struct explore_event *event,
			unsigned n, char *buf, size_t size)
{
	uint64_t word = event->word[n];

	ASSERT(n < event->kind->words);
	*buf = 0;
	switch (event->kind->word[n].is) {
	case EXPLORE_ADDRESS:
		address_text(trace, word, buf, size);
		break;
	case EXPLORE_END:
		snprintf(buf, size, "%#" PRIx64, word);
		break;
	case EXPLORE_FRAME:
	case EXPLORE_SLOT:
	case EXPLORE_NUMBER:
	case EXPLORE_FLAG:
		snprintf(buf, size, "%" PRIu64, word);
		break;
	case EXPLORE_RIGHTS:
		snprintf(buf, size, "%s", rights_text[word]);
		break;
	case EXPLORE_ENTRY:
		engine_entry_text(word, buf, size);
		break;
	case EXPLORE_BYTES:
		snprintf(buf, size, "%" PRIu64 " byte%s", word, word == 1 ? "" : "s");
		break;
	case EXPLORE_VALUE:
		value_text((int64_t)word, buf, size);
		break;
	case EXPLORE_NAME:
		snprintf(buf, size, "%s", (const char *)(uintptr_t)word);
		break;
	case EXPLORE_TEXT:
		snprintf(buf, size, "%s", event->text);
		break;
	case EXPLORE_OBJECT:
		break;
	}
	return buf;
}

/* --- sentences ----------------------------------------------------------- */

/* The word that is called @name, of @n characters; the lists are tested to have it. */
static unsigned word_called(const struct explore_kind *kind, const char *name, size_t n)
{
	unsigned w = 0;

	while (w + 1 < kind->words &&
	       (strncmp(kind->word[w].name, name, n) || kind->word[w].name[n]))
		w++;
	return w;
}

/* @with is "name" or "name:text", of @n characters. */
static void put_word(const struct explore_trace *trace, const struct explore_event *event,
		     const char *with, size_t n, char *buf, size_t size)
{
	const char *colon = memchr(with, ':', n);
	size_t name = colon ? (size_t)(colon - with) : n;
	unsigned w = word_called(event->kind, with, name);

	*buf = 0;
	if (!colon)
		explore_word_text(trace, event, w, buf, size);
	else if (event->word[w])
		snprintf(buf, size, "%.*s", (int)(n - name - 1), colon + 1);
}

char *explore_event_text(const struct explore_trace *trace, const struct explore_event *event,
			 char *buf, size_t size)
{
	size_t at = 0, n;

	buf[0] = 0;
	for (const char *s = event->kind->sentence; *s && at + 1 < size; s += n) {
		if (*s == '{') {
			n = strcspn(s, "}");
			put_word(trace, event, s + 1, n - 1, buf + at, size - at);
			n++;
		} else {
			n = strcspn(s, "{");
			snprintf(buf + at, size - at, "%.*s", (int)n, s);
		}
		at += strlen(buf + at);
	}
	return buf;
}

/* --- names of addresses -------------------------------------------------- */

int explore_trace_name(struct explore_trace *trace, uint64_t start, uint64_t end,
		       const char *name)
{
	struct explore_name *grown = realloc(trace->name, (trace->names + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	trace->name = grown;
	grown = &trace->name[trace->names++];
	*grown = (struct explore_name){ .start = start, .end = end };
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return 0;
}
