/* SPDX-License-Identifier: MIT */
/*
 * compare.c - holds mmun's order of an operation against a recording of it.
 *
 * First both are made comparable. What only a recording can have is left out. Changes that
 * have no event between them cannot be ordered, so of each page only the last one counts. Then
 * the two are aligned, with as many events as possible the same in the same order. What is
 * left over in one or the other must be what differences.c says, all of it and in its order.
 * So an event that moves across another one is a difference in two places.
 *
 * Two events are the same if all their parts are, with two exceptions:
 * - A flush of Linux's may cover more, if mmun's covers every watched page that the other one
 *   covers and that the operation changes.
 * - The dirty bit of a read-only entry does not count: x86 keeps it in another bit then, which
 *   the recordings do not show.
 * Frames have letters in the order in which they turn up.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "orders/orders.h"

enum { WATCHED = 2 };

static bool is_change(const struct order_event *e) { return e->kind == ORDER_ENTRY && !e->before; }

static bool is_flush(const struct order_event *e)
{
	return e->kind == ORDER_CPUTLB || e->kind == ORDER_SECTLB;
}

/* --- making comparable --------------------------------------------------- */

static bool omitted(const struct order_event *e)
{
	for (const struct order_omission *o = order_omissions; o->why; o++)
		if (o->kind == e->kind)
			return true;
	return false;
}

/* Whoever does it; and not dirty if read-only. */
static void simplify(struct order_event *e)
{
	*e->by = 0;
	e->entry.dirty &= e->entry.write;
}

/*
 * Appends an event. Where nothing but changes stands between them, p0's come before p1's
 * and of one page's only the last one counts: a recording may have looked more often.
 */
static void append(struct order *o, const struct order_event *event)
{
	size_t at = o->count;

	while (is_change(event) && at && is_change(&o->event[at - 1]) &&
	       o->event[at - 1].page >= event->page)
		at--;
	if (at < o->count && o->event[at].page != event->page)
		memmove(&o->event[at + 1], &o->event[at], (o->count - at) * sizeof(*event));
	else if (at < o->count)
		o->count--;
	o->event[at] = *event;
	o->count++;
}

static void make_comparable(const struct order *from, struct order *to)
{
	to->count = 0;
	for (size_t i = 0; i < from->count; i++) {
		struct order_event event = from->event[i];

		simplify(&event);
		if (!omitted(&event))
			append(to, &event);
	}
}

/* --- which events are the same ------------------------------------------- */

/* Where the watched pages are: in windows of huge pages p0 is the first one. Whether it is
 * one shows in the first event, what p0 was before. */
static int64_t page_offset(const struct order *kernel, int page)
{
	const struct order_entry *first = kernel->count ? &kernel->event[0].entry : NULL;
	bool huge = first && kernel->event[0].kind == ORDER_ENTRY &&
		    (first->huge || first->is == ORDER_NO_PMD);

	return page ? 0x2000 : huge ? 0 : 0x1000;
}

static bool changes(const struct order *o, int page)
{
	for (size_t i = 0; i < o->count; i++)
		if (is_change(&o->event[i]) && o->event[i].page == page)
			return true;
	return false;
}

static bool covers_what_matters(const struct order_comparison *c, const struct order_event *kernel,
				const struct order_event *own)
{
	if (own->start < kernel->start || own->end > kernel->end)
		return false;
	for (int page = 0; page < WATCHED; page++) {
		int64_t at = page_offset(&c->kernel, page);

		if (changes(&c->kernel, page) && at >= kernel->start && at < kernel->end &&
		    (at < own->start || at >= own->end))
			return false;
	}
	return true;
}

static bool same_event(const struct order_comparison *c, size_t k, size_t o)
{
	const struct order_event *kernel = &c->kernel.event[k], *own = &c->own.event[o];

	if (order_event_same(kernel, own))
		return true;
	return is_flush(kernel) && kernel->kind == own->kind && kernel->lock == own->lock &&
	       covers_what_matters(c, kernel, own);
}

/* --- aligning ------------------------------------------------------------ */

static void place(struct order_comparison *c, const struct order_event *kernel,
		  const struct order_event *own, bool same)
{
	c->place[c->places++] = (struct order_place){ kernel, own, same };
}

/* The longest common subsequence; where there is a choice, Linux's events come first. */
static void align(struct order_comparison *c)
{
	static uint8_t longest[ORDER_EVENTS_MAX + 1][ORDER_EVENTS_MAX + 1];
	size_t k, o;

	memset(longest, 0, sizeof(longest));
	for (k = c->kernel.count; k-- > 0;)
		for (o = c->own.count; o-- > 0;) {
			uint8_t a = longest[k + 1][o], b = longest[k][o + 1];

			longest[k][o] = a > b ? a : b;
			if (same_event(c, k, o) && longest[k + 1][o + 1] + 1 > longest[k][o])
				longest[k][o] = (uint8_t)(longest[k + 1][o + 1] + 1);
		}
	for (k = o = 0; k < c->kernel.count || o < c->own.count;) {
		bool both = k < c->kernel.count && o < c->own.count;

		if (both && same_event(c, k, o) &&
		    longest[k][o] == longest[k + 1][o + 1] + 1) {
			place(c, &c->kernel.event[k], &c->own.event[o], true);
			k++;
			o++;
		} else if (o == c->own.count || (both && longest[k + 1][o] == longest[k][o])) {
			place(c, &c->kernel.event[k++], NULL, false);
		} else {
			place(c, NULL, &c->own.event[o++], false);
		}
	}
}

/* --- what is expected ---------------------------------------------------- */

/* The events of one side from place i on, up to where the two are the same again. */
static void side_of(const struct order_comparison *c, size_t i, bool kernel, struct order *ret)
{
	ret->count = 0;
	for (; i < c->places && !c->place[i].same; i++) {
		const struct order_event *e = kernel ? c->place[i].kernel : c->place[i].own;

		if (e)
			ret->event[ret->count++] = *e;
	}
}

static const struct order_difference *next_expected(const struct order_difference *d,
						    const char *op, const char *recording)
{
	for (; d->op; d++)
		if (!strcmp(d->op, op) && !strncmp(d->in, recording, strlen(d->in)))
			return d;
	return NULL;
}

/* Is it what the table says in its notation: events separated by " ; "? */
static bool is_written(const struct order *o, const char *text)
{
	struct order_event e;
	size_t n = 0;

	for (; *text; n++) {
		const char *end = strstr(text, " ; ");
		size_t size = end ? (size_t)(end - text) : strlen(text);

		if (n == o->count || !order_event_parse(text, size, &e) ||
		    !order_event_same(&o->event[n], &e))
			return false;
		text += end ? size + 3 : size;
	}
	return n == o->count;
}

static bool is_expected(const struct order_difference *d, const struct order *kernel,
			const struct order *own)
{
	return d && is_written(kernel, d->kernel) &&
	       (strcmp(d->own, "*") ? is_written(own, d->own) : own->count != 0);
}

static void write_side(const struct order *o, char *buf, size_t size)
{
	char text[ORDER_TEXT_MAX];
	size_t n = 0;

	snprintf(buf, size, "nothing");
	for (size_t i = 0; i < o->count && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " ; " : "",
				      order_event_text(&o->event[i], text));
}

/* Each run of places that differ is the next difference of the table, and no other is left. */
static void judge(struct order_comparison *c, const char *op, const char *recording)
{
	const struct order_difference *d = next_expected(order_differences, op, recording);
	static struct order kernel, own;
	char kernel_text[224], own_text[224];

	for (size_t i = 0; i < c->places;) {
		if (c->place[i].same) {
			i++;
			continue;
		}
		side_of(c, i, true, &kernel);
		side_of(c, i, false, &own);
		if (!is_expected(d, &kernel, &own)) {
			write_side(&kernel, kernel_text, sizeof(kernel_text));
			write_side(&own, own_text, sizeof(own_text));
			snprintf(c->wrong, sizeof(c->wrong), "not expected: Linux: %s; mmun: %s",
				 kernel_text, own_text);
			return;
		}
		c->expected[c->count++] = d;
		d = next_expected(d + 1, op, recording);
		while (i < c->places && !c->place[i].same)
			i++;
	}
	if (d)
		snprintf(c->wrong, sizeof(c->wrong),
			 "expected, but not there: Linux: %.220s; mmun: %.220s",
			 *d->kernel ? d->kernel : "nothing", *d->own ? d->own : "nothing");
}

void order_compare(const struct order_file *file, const char *op, const struct order *kernel,
		   const struct order *own, struct order_comparison *ret)
{
	*ret = (struct order_comparison){ 0 };
	make_comparable(kernel, &ret->kernel);
	make_comparable(own, &ret->own);
	align(ret);
	judge(ret, op, file->name);
}
