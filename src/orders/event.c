/* SPDX-License-Identifier: MIT */
/*
 * event.c - how an event is written, and which event is written so: see docs/trace.md. Each
 * event is written in one way only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orders/orders.h"

static const struct { const char *name; unsigned parts; } kinds[] = {
#define X(e, name, parts) { name, parts },
	ORDER_KINDS(X)
#undef X
};

static const char *const types[] = {
	[MMU_NOTIFY_UNMAP] = "UNMAP", [MMU_NOTIFY_CLEAR] = "CLEAR",
	[MMU_NOTIFY_PROTECTION_VMA] = "PROTECTION_VMA",
	[MMU_NOTIFY_PROTECTION_PAGE] = "PROTECTION_PAGE",
	[MMU_NOTIFY_SOFT_DIRTY] = "SOFT_DIRTY", [MMU_NOTIFY_RELEASE] = "RELEASE",
	[MMU_NOTIFY_MIGRATE] = "MIGRATE", [MMU_NOTIFY_EXCLUSIVE] = "EXCLUSIVE",
};

static const char *const locks[] = {
	[ORDER_UNLOCKED] = "", [ORDER_PTL] = "@ptl", [ORDER_PMDL] = "@pmdl",
};

/* Entries that are one word; a huge one stands as "pmd-none", or after "PMD-HUGE". */
static const char *const states[] = {
	[ORDER_NO_PMD] = "no-pmd", [ORDER_NONE] = "none", [ORDER_MIGRATION] = "[migration]",
	[ORDER_SWAP] = "[swap]", [ORDER_PROTNONE] = "[PROTNONE]", [ORDER_NOT_PRESENT] = "np",
	[ORDER_PRESENT] = "P",
};

const char *order_kind_name(enum order_kind kind) { return kinds[kind].name; }

/* --- writing ------------------------------------------------------------- */

static void address_text(int64_t addr, char *buf, size_t size)
{
	if (addr == INT64_MIN || addr == INT64_MAX)
		snprintf(buf, size, "%s", addr == INT64_MIN ? "0" : "~0");
	else
		snprintf(buf, size, addr ? "W+%#lx" : "W+0", (unsigned long)addr);
}

static void entry_text(const struct order_entry *e, char *buf, size_t size)
{
	char frame[4] = { ' ', '#', e->frame, 0 };

	if (e->is == ORDER_NO_PMD || e->is == ORDER_NONE)
		snprintf(buf, size, "%s%s", e->huge && e->is == ORDER_NONE ? "pmd-" : "",
			 states[e->is]);
	else if (e->is < ORDER_NOT_PRESENT)
		snprintf(buf, size, "%s%s", e->huge ? "PMD-HUGE" : "", states[e->is]);
	else
		snprintf(buf, size, "%s[%s %s%s%s%s]", e->huge ? "PMD-HUGE" : "", states[e->is],
			 e->write ? "RW" : "RO", e->young ? " A" : "", e->dirty ? " D" : "",
			 e->frame ? frame : "");
}

char *order_event_text(const struct order_event *e, char buf[ORDER_TEXT_MAX])
{
	unsigned parts = kinds[e->kind].parts;
	char what[ORDER_TEXT_MAX - 20] = "", from[24], to[24];

	if (e->kind == ORDER_ENTRY) {
		entry_text(&e->entry, what, sizeof(what));
		snprintf(buf, ORDER_TEXT_MAX, "p%d%s=%s", e->page, e->before ? "" : ":", what);
	} else if (e->kind == ORDER_CALL) {
		snprintf(buf, ORDER_TEXT_MAX, "-- %s", e->call);
	} else {
		address_text(e->start, from, sizeof(from));
		address_text(e->end, to, sizeof(to));
		if (parts & ORDER_HAS_RANGE)
			snprintf(what, sizeof(what), "(%.16s..%.16s%s", from, to,
				 parts & ORDER_HAS_TYPE ? "" : ")");
		snprintf(buf, ORDER_TEXT_MAX, "%s%s%s%s%s%s", kinds[e->kind].name, what,
			 parts & ORDER_HAS_TYPE ? " " : "",
			 parts & ORDER_HAS_TYPE ? types[e->type] : "",
			 parts & ORDER_HAS_TYPE ? ")" : "",
			 parts & ORDER_HAS_LOCK ? locks[e->lock] : "");
	}
	if (*e->by) {
		size_t n = strlen(buf);

		snprintf(buf + n, ORDER_TEXT_MAX - n, "/%s", e->by);
	}
	return buf;
}

/* --- reading ------------------------------------------------------------- */

/* These move *s behind what they have read; false, or -1: it is not there. */

static bool read_word(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n))
		return false;
	*s += n;
	return true;
}

/* The longest of the words that stands there. */
static int read_one_of(const char **s, const char *const *words, int count)
{
	int best = -1;

	for (int i = 0; i < count; i++)
		if (words[i] && !strncmp(*s, words[i], strlen(words[i])) &&
		    (best < 0 || strlen(words[i]) > strlen(words[best])))
			best = i;
	if (best >= 0)
		*s += strlen(words[best]);
	return best;
}

static int read_kind(const char **s)
{
	const char *names[ORDER_KINDS_COUNT];

	for (int k = 0; k < ORDER_KINDS_COUNT; k++)
		names[k] = *kinds[k].name ? kinds[k].name : NULL;
	return read_one_of(s, names, ORDER_KINDS_COUNT);
}

static bool read_address(const char **s, int64_t *ret)
{
	char *end;

	if (read_word(s, "~0"))
		return *ret = INT64_MAX, true;
	if (!read_word(s, "W+"))
		return *ret = INT64_MIN, read_word(s, "0");
	*ret = (int64_t)(strtoull(*s, &end, 16) & INT64_MAX);
	*s = end;
	return true;
}

static bool read_entry(const char **s, struct order_entry *e)
{
	int is;

	e->huge = read_word(s, "PMD-HUGE");
	if (!e->huge && read_word(s, "pmd-"))
		e->huge = true;
	is = read_one_of(s, states, ORDER_NOT_PRESENT);
	if (is >= 0)
		return e->is = (enum order_entry_state)is, true;
	if (!read_word(s, "["))
		return false;
	e->is = read_word(s, "np ") ? ORDER_NOT_PRESENT : ORDER_PRESENT;
	if (e->is == ORDER_PRESENT && !read_word(s, "P "))
		return false;
	e->write = read_word(s, "RW");
	if (!e->write && !read_word(s, "RO"))
		return false;
	e->young = read_word(s, " A");
	e->dirty = read_word(s, " D");
	if (read_word(s, " #") && **s)
		e->frame = *(*s)++;
	return read_word(s, "]");
}

/* "p0:=none", "p1=[P RW A D #B]" */
static bool read_page(const char **s, struct order_event *e)
{
	if (!read_word(s, "p") || (**s != '0' && **s != '1'))
		return false;
	e->kind = ORDER_ENTRY;
	e->page = *(*s)++ - '0';
	e->before = !read_word(s, ":");
	return read_word(s, "=") && read_entry(s, &e->entry);
}

static void read_rest(const char **s, const char *end, char *buf, size_t size)
{
	size_t n = strcspn(*s, end);

	snprintf(buf, size, "%.*s", (int)n, *s);
	*s += n;
}

static bool read_parts(const char **s, struct order_event *e)
{
	unsigned parts = kinds[e->kind].parts;
	int type = 0, lock;

	if (e->kind == ORDER_CALL) {
		if (!read_word(s, " "))
			return false;
		read_rest(s, "/", e->call, sizeof(e->call));
	}
	if (parts & ORDER_HAS_RANGE) {
		if (!read_word(s, "(") || !read_address(s, &e->start) || !read_word(s, "..") ||
		    !read_address(s, &e->end))
			return false;
		if (parts & ORDER_HAS_TYPE)
			type = read_word(s, " ") ? read_one_of(s, types, ARRAY_SIZE(types)) : -1;
		if (type < 0 || !read_word(s, ")"))
			return false;
		e->type = (enum mmu_notifier_event)type;
	}
	lock = parts & ORDER_HAS_LOCK ? read_one_of(s, locks, ARRAY_SIZE(locks)) : 0;
	e->lock = (enum order_lock)lock;
	return true;
}

bool order_event_parse(const char *text, size_t size, struct order_event *ret)
{
	char copy[ORDER_TEXT_MAX], again[ORDER_TEXT_MAX];
	struct order_event e = { 0 };
	const char *s = copy;
	int kind;

	if (size >= sizeof(copy))
		return false;
	memcpy(copy, text, size);
	copy[size] = 0;
	if (!read_page(&s, &e)) {
		s = copy;
		e = (struct order_event){ 0 };
		kind = read_kind(&s);
		e.kind = kind < 0 ? ORDER_ENTRY : (enum order_kind)kind;
		if (kind < 0 || !read_parts(&s, &e))
			return false;
	}
	if (read_word(&s, "/"))
		read_rest(&s, "", e.by, sizeof(e.by));
	/* Nothing is left over, too long, or written in another way. */
	if (strcmp(order_event_text(&e, again), copy))
		return false;
	*ret = e;
	return true;
}

/* --- which are the same --------------------------------------------------- */

bool order_entry_same(const struct order_entry *a, const struct order_entry *b)
{
	return a->is == b->is && a->huge == b->huge && a->write == b->write &&
	       a->young == b->young && a->dirty == b->dirty && a->frame == b->frame;
}

bool order_event_same(const struct order_event *a, const struct order_event *b)
{
	return a->kind == b->kind && a->page == b->page && a->before == b->before &&
	       order_entry_same(&a->entry, &b->entry) && a->start == b->start &&
	       a->end == b->end && a->type == b->type && a->lock == b->lock &&
	       !strcmp(a->call, b->call) && !strcmp(a->by, b->by);
}
