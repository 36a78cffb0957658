/* SPDX-License-Identifier: MIT */
/*
 * compare.c - holds mmun's order of an operation against a recording of it.
 *
 * Both are made comparable first: what only a recording can have is left out; of
 * changes with no event between them, which no one can order, only each page's last
 * counts. Then they are aligned, as many events as possible being the same in
 * the same order, and what is left over in one or the other must be what
 * differences.c says, all of it and in its order. So an event that moves across
 * another one is a difference in two places.
 *
 * Two events are the same if their texts are, frames having letters in the order in
 * which they turn up; but
 * - a flush of Linux's may cover more, if mmun's covers every watched page that the
 *   other one covers and that the operation changes;
 * - D of an entry that is RO does not count: x86 keeps it in another bit then, which
 *   the recordings do not show.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "orders/orders.h"

enum { WATCHED = 2, NO_PAGE = -1 };

/* p0 of "p0=none" and "p0:=none"; NO_PAGE for what is no entry. */
static int entry_page(const char *text)
{
	if (text[0] != 'p' || (text[1] != '0' && text[1] != '1') || !strchr(":=", text[2]))
		return NO_PAGE;
	return text[1] - '0';
}

static bool is_change(const char *text) { return entry_page(text) != NO_PAGE && text[2] == ':'; }

static bool is_flush(const char *text)
{
	return !strncmp(text, "CPUTLB(", 7) || !strncmp(text, "SECTLB(", 7);
}

/* --- making comparable --------------------------------------------------- */

static bool omitted(const char *text)
{
	for (const struct order_omission *o = order_omissions; o->text; o++)
		if (!strcmp(o->text, text))
			return true;
	return false;
}

/* Without "/ksmd", and without D if RO. */
static void simplify(char *text)
{
	char *slash = strchr(text, '/'), *dirty = strstr(text, " D");

	if (slash)
		*slash = 0;
	if (entry_page(text) != NO_PAGE && dirty && strstr(text, " RO"))
		memmove(dirty, dirty + 2, strlen(dirty + 2) + 1);
}

/*
 * Appends an event. Where nothing but changes stands between them, p0's come before p1's
 * and of one page's only the last one counts: a recording may have looked more often.
 */
static void append(struct order *o, const struct order_event *event)
{
	size_t at = o->count;

	while (is_change(event->text) && at && is_change(o->event[at - 1].text) &&
	       entry_page(o->event[at - 1].text) >= entry_page(event->text))
		at--;
	if (at < o->count && entry_page(o->event[at].text) != entry_page(event->text))
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

		simplify(event.text);
		if (!omitted(event.text))
			append(to, &event);
	}
}

/* --- which events are the same ------------------------------------------- */

/* Where the watched pages are: in windows of huge pages p0 is the first one. */
static int64_t page_offset(const struct order *kernel, int page)
{
	const char *first = kernel->count ? kernel->event[0].text : "";
	bool huge = strstr(first, "pmd") || strstr(first, "PMD");

	return page ? 0x2000 : huge ? 0 : 0x1000;
}

static bool changes(const struct order *o, int page)
{
	for (size_t i = 0; i < o->count; i++)
		if (is_change(o->event[i].text) && entry_page(o->event[i].text) == page)
			return true;
	return false;
}

static bool covers_what_matters(const struct order_comparison *c, const char *kernel,
				const char *own)
{
	const char *kernel_rest, *own_rest;
	int64_t ks, ke, os, oe;

	kernel_rest = order_range_parse(kernel, &ks, &ke);
	own_rest = order_range_parse(own, &os, &oe);
	if (!kernel_rest || !own_rest || strcmp(kernel_rest, own_rest))
		return false; /* another lock */
	if (os < ks || oe > ke)
		return false;
	for (int page = 0; page < WATCHED; page++) {
		int64_t at = page_offset(&c->kernel, page);

		if (changes(&c->kernel, page) && at >= ks && at < ke && (at < os || at >= oe))
			return false;
	}
	return true;
}

static bool same_event(const struct order_comparison *c, size_t k, size_t o)
{
	const char *kernel = c->kernel.event[k].text, *own = c->own.event[o].text;

	if (!strcmp(kernel, own))
		return true;
	return is_flush(kernel) && !strncmp(kernel, own, 7) &&
	       covers_what_matters(c, kernel, own);
}

/* --- aligning ------------------------------------------------------------ */

static void place(struct order_comparison *c, const char *kernel, const char *own, bool same)
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
			place(c, c->kernel.event[k].text, c->own.event[o].text, true);
			k++;
			o++;
		} else if (o == c->own.count || (both && longest[k + 1][o] == longest[k][o])) {
			place(c, c->kernel.event[k++].text, NULL, false);
		} else {
			place(c, NULL, c->own.event[o++].text, false);
		}
	}
}

/* --- what is expected ---------------------------------------------------- */

/* The events of one side from place i on, up to where the two are the same again. */
static void side_text(const struct order_comparison *c, size_t i, bool kernel, char *buf,
		      size_t size)
{
	size_t n = 0;

	buf[0] = 0;
	for (; i < c->places && !c->place[i].same; i++) {
		const char *text = kernel ? c->place[i].kernel : c->place[i].own;

		if (text && n < size)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " ; " : "", text);
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

static bool is_expected(const struct order_difference *d, const char *kernel, const char *own)
{
	return d && !strcmp(d->kernel, kernel) &&
	       (!strcmp(d->own, own) || (!strcmp(d->own, "*") && *own));
}

/* Each run of places that differ is the next difference of the table, and no other is left. */
static void judge(struct order_comparison *c, const char *op, const char *recording)
{
	const struct order_difference *d = next_expected(order_differences, op, recording);

	for (size_t i = 0; i < c->places;) {
		char kernel[1024], own[1024];

		if (c->place[i].same) {
			i++;
			continue;
		}
		side_text(c, i, true, kernel, sizeof(kernel));
		side_text(c, i, false, own, sizeof(own));
		if (!is_expected(d, kernel, own)) {
			snprintf(c->wrong, sizeof(c->wrong),
				 "not expected: Linux: %.220s; mmun: %.220s",
				 *kernel ? kernel : "nothing", *own ? own : "nothing");
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
