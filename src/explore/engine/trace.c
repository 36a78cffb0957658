/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the picture of an execution while it is recorded: a row for each
 * step, and one for each thing that the code says of itself (sync_note).
 */
#include "explore/engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sync_recording;
void (*sync_probe_listener)(const char *function, const void *mm, uint64_t start, uint64_t end);

const struct sync_site *sync_noted_at_(const struct sync_site *site)
{
	const struct sync_site *before = NULL;

	if (x.cur >= 0) {
		before = x.thread[x.cur].noted_at;
		x.thread[x.cur].noted_at = site;
	}
	return before;
}

struct sync_operation sync_operation_begin_(const char *name)
{
	struct sync_operation *now = x.cur >= 0 ? &x.thread[x.cur].operation : NULL, before = { 0 };

	if (now) {
		before = *now;
		*now = (struct sync_operation){ .name = name };
	}
	return before;
}

void sync_operation_end_(struct sync_operation *before)
{
	if (x.cur >= 0)
		x.thread[x.cur].operation = *before;
}

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
	if (x.thread[x.cur].noted_at)
		site = x.thread[x.cur].noted_at;
	e->thread = (unsigned)x.cur;
	e->note = true;
	e->operation = x.thread[x.cur].operation.name;
	if (e->operation)
		e->operation_step = x.thread[x.cur].operation.steps++;
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

/* --- what is watched ----------------------------------------------------- */

/* The row of this name; EXPLORE_ITEMS_MAX: there is no room for it. */
static unsigned item_of(struct explore_trace *t, const char *name)
{
	unsigned i = 0;

	while (i < t->items && strncmp(t->item[i], name, sizeof(t->item[i]) - 1))
		i++;
	if (i == t->items && i < EXPLORE_ITEMS_MAX)
		snprintf(t->item[t->items++], sizeof(t->item[0]), "%s", name);
	return i;
}

static bool is_as_before(const struct explore_trace *t, unsigned item, const char *text)
{
	for (size_t i = t->helds; i-- > 0;)
		if (t->held[i].item == item)
			return !strcmp(t->held[i].text, text);
	return false;
}

void explore_watch(const char *name, const char *fmt, ...)
{
	struct explore_trace *t = x.trace;
	struct explore_held h;
	va_list args;

	if (!t)
		return;
	h = (struct explore_held){ .event = t->count, .item = item_of(t, name) };
	va_start(args, fmt);
	vsnprintf(h.text, sizeof(h.text), fmt, args);
	va_end(args);
	if (h.item == EXPLORE_ITEMS_MAX || is_as_before(t, h.item, h.text))
		return;
	if (t->helds == t->held_capacity) {
		size_t capacity = t->held_capacity ? 2 * t->held_capacity : 64;
		struct explore_held *held = realloc(t->held, capacity * sizeof(*held));

		if (!held) {
			x.out_of_memory = true;
			return;
		}
		t->held = held;
		t->held_capacity = capacity;
	}
	t->held[t->helds++] = h;
}

/* Outside all threads: what is looked at there is no operation. */
void engine_watch(void)
{
	int cur = x.cur;

	if (!x.trace || !x.check->watch)
		return;
	x.cur = -1;
	x.outside = true;
	x.check->watch(x.arena, x.check->arg);
	x.outside = false;
	x.cur = cur;
}
