/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the picture of an execution while it is recorded: a row for each
 * step, and one for each thing that the code says of itself (sync_note).
 */
#include "explore/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool sync_recording;
void (*sync_probe_listener)(const char *function, const void *mm, uint64_t start, uint64_t end);

static struct explore_event *event_add(void)
{
	struct explore_trace *t = x.trace;

	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 128;
		struct explore_event *e = realloc(t->event, capacity * sizeof(*e));

		if (!e) {
			x.out_of_memory = true;
			return NULL;
		}
		t->event = e;
		t->capacity = capacity;
	}
	t->event[t->count] = (struct explore_event){ .step = (unsigned)x.depth };
	return &t->event[t->count++];
}

void sync_note_(const struct sync_site *site, const char *fmt, ...)
{
	struct explore_event *e = x.cur >= 0 ? event_add() : NULL;
	va_list args;

	if (!e)
		return;
	e->thread = (unsigned)x.cur;
	e->note = true;
	e->file = site->file;
	e->function = site->function;
	e->line = site->line;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
}

size_t engine_record_step(unsigned thread)
{
	const struct step *s = &x.step[x.depth];
	struct explore_event *e = event_add();

	if (!e)
		return SIZE_MAX;
	e->thread = thread;
	e->kind = engine_kind_name[s->kind];
	e->object = s->addr;
	e->file = s->site->file;
	e->function = s->site->function;
	e->line = s->site->line;
	return x.trace->count - 1;
}
