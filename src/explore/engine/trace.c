/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the trace of an execution while it is recorded: an event for each step, one for
 * each thing that the code says of itself (sync_event()), and how what is watched changes.
 */
#include "explore/engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sync_recording;

/* --- a listener ---------------------------------------------------------- */

static sync_listener_fn *listens;

void sync_listen(sync_listener_fn *listener)
{
	listens = listener;
	sync_recording = listener || x.trace;
}

/* --- what the calling thread is about ------------------------------------ */

const struct sync_site *sync_noted_at_(const struct sync_site *site)
{
	const struct sync_site **noted = x.cur >= 0 ? &x.thread[x.cur].noted_at : &x.noted_outside;
	const struct sync_site *before = *noted;

	*noted = site;
	return before;
}

struct sync_operation sync_operation_begin_(const char *name)
{
	struct sync_operation *now = x.cur >= 0 ? &x.thread[x.cur].operation : NULL, before = { 0 };

	if (now) {
		before = *now;
		*now = (struct sync_operation){ .name = name };
		now->first = (unsigned)x.thread[x.cur].idx + 1;
	}
	return before;
}

void sync_operation_end_(struct sync_operation *before)
{
	if (x.cur >= 0)
		x.thread[x.cur].operation = *before;
}

/* --- events -------------------------------------------------------------- */

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

/* The one text among the words, or "". */
static const char *text_among(const struct explore_kind *kind, const uint64_t *words)
{
	for (unsigned w = 0; w < kind->words; w++)
		if (kind->word[w].is == EXPLORE_TEXT)
			return (const char *)(uintptr_t)words[w];
	return "";
}

static void event_say(const struct explore_kind *kind, const uint64_t *words,
		      const struct sync_site *site)
{
	struct explore_event *e = event_add();
	struct thread *t = &x.thread[x.cur];

	if (!e)
		return;
	if (t->noted_at)
		site = t->noted_at;
	e->thread = (unsigned)x.cur;
	e->kind = kind;
	memcpy(e->word, words, kind->words * sizeof(*words));
	snprintf(e->text, sizeof(e->text), "%s", text_among(kind, words));
	e->operation = t->operation.name;
	if (e->operation)
		e->operation_step = t->operation.steps++;
	e->file = site->file;
	e->function = site->function;
	e->line = site->line;
}

void sync_event_(enum sync_event kind, const uint64_t words[EVENT_WORDS_MAX],
		 const struct sync_site *site)
{
	if (listens)
		listens(kind, words);
	if (x.trace && x.cur >= 0 && engine_events[kind].role != EXPLORE_UNSHOWN)
		event_say(&engine_events[kind], words, site);
	if (x.watching && x.cur >= 0 && !x.on_main)
		fiber_wipe_running(&x.fiber[x.cur]);
}

size_t engine_record_step(unsigned thread)
{
	const struct step *s = &x.step[x.depth];
	struct explore_event *e = event_add();

	if (!e)
		return SIZE_MAX;
	e->thread = thread;
	e->kind = &engine_operations[s->kind];
	e->object = s->addr;
	e->file = s->site->file;
	e->function = s->site->function;
	e->line = s->site->line;
	return x.trace->count - 1;
}

void engine_name_threads(unsigned *threads)
{
	unsigned declared = x.check->threads, number[T_MAX], kept = 0;
	struct explore_trace *t = x.trace;
	char name[8];

	t->started = 0;
	for (unsigned q = 0; q < x.threads; q++) {
		number[q] = q < declared ? q : declared + t->started;
		kept |= (*threads >> q & 1) << number[q];
		if (q >= declared && x.thread[q].code)
			snprintf(t->started_name[t->started++], EXPLORE_NAME_BYTES, "%s",
				 engine_thread_name(q, name));
	}
	for (size_t i = 0; i < t->count; i++)
		t->event[i].thread = number[t->event[i].thread];
	*threads = kept;
}

/* --- what is watched ----------------------------------------------------- */

/* The item of this name, EXPLORE_ITEMS_MAX: there is no room for it. */
static unsigned item_of(struct explore_trace *t, const char *name, uint64_t start, uint64_t end)
{
	struct explore_item *item = t->item;
	unsigned i = 0;

	while (i < t->items && strncmp(item[i].name, name, sizeof(item->name) - 1))
		i++;
	if (i < t->items || i == EXPLORE_ITEMS_MAX)
		return i;
	item[i] = (struct explore_item){ .start = start, .end = end };
	snprintf(item[i].name, sizeof(item->name), "%s", name);
	return t->items++;
}

static bool is_as_before(const struct explore_trace *t, const struct explore_held *h)
{
	for (size_t i = t->helds; i-- > 0;)
		if (t->held[i].item == h->item)
			return !strcmp(t->held[i].text, h->text);
	return false;
}

static struct explore_held *held_add(struct explore_trace *t)
{
	if (t->helds == t->held_capacity) {
		size_t capacity = t->held_capacity ? 2 * t->held_capacity : 64;
		struct explore_held *held = realloc(t->held, capacity * sizeof(*held));

		if (!held) {
			x.out_of_memory = true;
			return NULL;
		}
		t->held = held;
		t->held_capacity = capacity;
	}
	return &t->held[t->helds++];
}

/* @h has the text, and whether it is nothing. */
static void watch(const char *name, uint64_t start, uint64_t end, struct explore_held h)
{
	struct explore_held *held;

	h.event = x.trace->count;
	h.item = item_of(x.trace, name, start, end);
	if (h.item == EXPLORE_ITEMS_MAX || is_as_before(x.trace, &h))
		return;
	held = held_add(x.trace);
	if (held)
		*held = h;
}

void explore_watch(const char *name, const char *fmt, ...)
{
	struct explore_held h = { 0 };
	va_list args;

	if (!x.trace)
		return;
	va_start(args, fmt);
	vsnprintf(h.text, sizeof(h.text), fmt, args);
	va_end(args);
	watch(name, 0, 0, h);
}

void explore_watch_nothing(const char *name, const char *text)
{
	struct explore_held h = { .nothing = true };

	if (!x.trace)
		return;
	snprintf(h.text, sizeof(h.text), "%s", text);
	watch(name, 0, 0, h);
}

void sync_watch_entry(const char *name, uint64_t start, uint64_t end, uint64_t entry)
{
	enum event_entry is = (enum event_entry)(entry & 0xf);
	struct explore_held h = { .nothing = is == EVENT_NOTHING || is == EVENT_NONE };

	if (!x.trace)
		return;
	engine_entry_text(entry, h.text, sizeof(h.text));
	watch(name, start, end, h);
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
