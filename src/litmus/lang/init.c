/* SPDX-License-Identifier: MIT */
/*
 * init.c - parses the initial state: variables and the pages they live on, what the TLBs
 * hold, which device a thread runs on, which flush points are moved, and what operations are
 * made to forget.
 *
 * Threads are written after the initial state, so what is said of them here is a promise that
 * keep_promises() keeps. Invariant: var[i] always has a page, a word, a table and a slot
 * within the limits of litmus.h.
 */
#include <string.h>

#include "base/version.h"
#include "litmus/lang/parser.h"

/* --- attributes of a variable -------------------------------------------- */

struct attributes {
	bool backing, with, beside;
	bool inside;           /* beside a huge page: is a part of it */
	struct litmus_pos pos; /* of the one that fixed the backing */
	struct litmus_pos span_pos, pinned_pos;
};

/* The page is described by another variable. */
static bool described(const struct litmus_var *var, const struct attributes *had)
{
	return had->with || had->inside || var->readonly || var->pinned ||
	       (had->backing && !had->inside) || (var->span != SPAN_PAGE && !had->inside);
}

static void take_page(struct litmus_var *var, const struct litmus_var *other)
{
	var->table = other->table;
	var->backing = other->backing;
	var->readonly = other->readonly;
	var->pinned = other->pinned;
	var->span = other->span;
}

/* The new variable gives up its own page, the last one, for a word of another's. */
static void attribute_with(struct parser *p, struct litmus_var *var, struct attributes *had)
{
	struct litmus_pos pos = p->lex.tok.pos;
	const struct litmus_var *other =
		&p->test->var[parse_known_var(p, "a variable after 'with'")];
	int words = 0;

	if (other == var)
		parse_fail(p, pos, "'%s' cannot share a page with itself", var->name);
	if (had->beside || described(var, had))
		parse_fail(p, pos, "'with' stands alone: the page is described where '%s' is",
			   other->name);
	for (int v = 0; v < p->test->vars; v++)
		words += p->test->var[v].page == other->page;
	if (words == LITMUS_WORDS_MAX)
		parse_fail(p, pos, "the page of '%s' is full (at most %d variables)", other->name,
			   LITMUS_WORDS_MAX);
	p->test->pages--;
	p->test->tables--;
	var->page = other->page;
	var->word = words;
	var->slot = other->slot;
	take_page(var, other);
	had->with = true;
}

static void attribute_beside(struct parser *p, struct litmus_var *var, struct attributes *had)
{
	struct litmus_pos pos = p->lex.tok.pos;
	const struct litmus_var *other =
		&p->test->var[parse_known_var(p, "a variable after 'beside'")];
	int slots = 0;

	if (other == var)
		parse_fail(p, pos, "'%s' cannot be beside itself", var->name);
	if (had->beside || had->with || var->span != SPAN_PAGE)
		parse_fail(p, pos, "'%s' has its place already", var->name);
	if (other->span != SPAN_PAGE && described(var, had))
		parse_fail(p, pos, "'beside' stands alone in a huge page: it is described where "
			   "'%s' is", other->name);
	for (int v = 0; v < p->test->vars; v++)
		if (p->test->var[v].table == other->table && p->test->var[v].slot >= slots)
			slots = p->test->var[v].slot + 1;
	if (slots == LITMUS_SLOTS_MAX)
		parse_fail(p, pos, "the page table of '%s' is full (at most %d pages)",
			   other->name, LITMUS_SLOTS_MAX);
	p->test->tables--;
	var->table = other->table;
	var->slot = slots;
	had->beside = true;
	if (other->span == SPAN_PAGE)
		return;
	take_page(var, other);
	had->inside = true;
}

/* huge, split, pinned, readonly: what comes on top of the backing. */
static bool attribute_flag(struct parser *p, struct litmus_var *var, struct attributes *had)
{
	bool span = at(p, "huge") || at(p, "split"), pinned = at(p, "pinned");

	if (!span && !pinned && !at(p, "readonly"))
		return false;
	if (had->with || had->inside || (pinned ? var->pinned : span ? var->span != SPAN_PAGE :
					 var->readonly))
		parse_fail(p, p->lex.tok.pos, "the page of '%s' is described already", var->name);
	if (span && had->beside)
		parse_fail(p, p->lex.tok.pos, "a huge page begins a page table: '%s' cannot be "
			   "beside another variable", var->name);
	if (span)
		var->span = at(p, "huge") ? SPAN_HUGE : SPAN_SPLIT;
	else if (pinned)
		var->pinned = true;
	else
		var->readonly = true;
	*(span ? &had->span_pos : pinned ? &had->pinned_pos : &had->pos) = p->lex.tok.pos;
	lex_next(p);
	return true;
}

static bool attribute_backing(struct parser *p, struct litmus_var *var, struct attributes *had)
{
	static const struct { const char *text; enum litmus_backing backing; } backings[] = {
		{ "cow", BACKING_COW }, { "zero", BACKING_ZERO }, { "none", BACKING_NONE },
		{ "swapped", BACKING_SWAPPED }, { "shared", BACKING_SHARED },
		{ "file", BACKING_FILE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(backings); i++) {
		if (!at(p, backings[i].text))
			continue;
		if (had->backing || had->with || had->inside)
			parse_fail(p, p->lex.tok.pos, "the page of '%s' is described already",
				   var->name);
		had->backing = true;
		had->pos = p->lex.tok.pos;
		var->backing = backings[i].backing;
		lex_next(p);
		return true;
	}
	return false;
}

static void refuse_in_c(struct parser *p)
{
	if (!p->test->vm)
		parse_fail(p, p->lex.tok.pos,
			   "a 'C' test has plain variables only; begin the test with 'VM'");
}

/* "notfy cow = clear": the first word of another statement was meant. */
static void refuse_near_statement(struct parser *p, const struct litmus_var *var)
{
	static const char *const words[] = { "notify", "semantics" };
	struct nearest near;

	nearest_init(&near, var->name, NEAREST_DISTANCE);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		nearest_offer(&near, words[i]);
	if (near.best)
		parse_fail(p, var->pos, "unknown statement '%s'%s", var->name, nearest_text(&near));
}

_Noreturn static void fail_attribute(struct parser *p, const struct litmus_var *var)
{
	static const char *const words[] = {
		"cow", "zero", "none", "swapped", "shared", "file", "huge", "split", "pinned",
		"readonly", "with", "beside", NULL,
	};

	refuse_near_statement(p, var);
	parse_fail_word(p, "';' or how the page is mapped (cow, zero, none, swapped, shared, "
			"file, huge, split, pinned, readonly, with, beside)", words);
}

/* What does not go together; an attribute that was inherited is not complained of. */
static void refuse_attributes(struct parser *p, const struct litmus_var *var,
			      const struct attributes *had)
{
	enum litmus_backing b = var->backing;

	if (var->init && (b == BACKING_ZERO || b == BACKING_NONE))
		parse_fail(p, had->pos, "'%s' must be 0 on a page that was never written",
			   var->name);
	if (had->with || had->inside)
		return;
	if (var->span != SPAN_PAGE && b != BACKING_PRIVATE && b != BACKING_COW &&
	    (b != BACKING_NONE || var->span == SPAN_SPLIT))
		parse_fail(p, had->span_pos, "a huge page is anonymous: %s", var->span == SPAN_HUGE ?
			   "'huge' goes with cow or none" : "'split' goes with cow");
	if (var->pinned && (var->readonly || (b != BACKING_PRIVATE && b != BACKING_SHARED)))
		parse_fail(p, had->pinned_pos, "a pinned page is present and writable, and "
			   "shared with no child: 'pinned' goes with shared, huge and split");
}

static void parse_attributes(struct parser *p, struct litmus_var *var)
{
	struct attributes had = { .pos = var->pos };

	while (!at(p, ";")) {
		if (p->lex.tok.kind != TOK_NAME)
			fail_attribute(p, var);
		refuse_in_c(p);
		if (attribute_backing(p, var, &had) || attribute_flag(p, var, &had))
			continue;
		if (accept(p, "with")) {
			attribute_with(p, var, &had);
			had.pos = var->pos;
		} else if (accept(p, "beside")) {
			attribute_beside(p, var, &had);
		} else {
			fail_attribute(p, var);
		}
	}
	refuse_attributes(p, var, &had);
}

static void parse_var(struct parser *p)
{
	struct litmus_pos pos;
	char name[LITMUS_NAME_MAX];
	int v;

	if (at_type(p))
		lex_next(p);
	pos = p->lex.tok.pos;
	parse_new_name(p, "a variable's name", name);
	v = add_var(p, name, pos);
	if (accept(p, "="))
		p->test->var[v].init = parse_integer(p, "a number after '='");
	parse_attributes(p, &p->test->var[v]);
}

/* --- threads ------------------------------------------------------------- */

static struct promise *promise_for(struct parser *p)
{
	const struct token *t = &p->lex.tok;
	struct promise *promise = &p->promise[p->promises];

	for (int i = 0; i < p->promises; i++)
		if (!strcmp(p->promise[i].thread, t->name))
			return &p->promise[i];
	if (p->promises == LITMUS_THREADS_MAX)
		parse_fail(p, t->pos, "too many threads (at most %d)", LITMUS_THREADS_MAX);
	p->promises++;
	memcpy(promise->thread, t->name, sizeof(promise->thread));
	promise->pos = t->pos;
	return promise;
}

static void parse_caches(struct parser *p, struct promise *promise)
{
	do {
		struct litmus_pos pos = p->lex.tok.pos;
		int v = parse_known_var(p, "a variable that is cached");

		if (p->test->var[v].backing == BACKING_NONE ||
		    p->test->var[v].backing == BACKING_SWAPPED)
			parse_fail(p, pos, "'%s' is not mapped at the start: "
				   "there is nothing to cache", p->test->var[v].name);
		promise->caches |= 1u << v;
	} while (accept(p, ","));
}

static void parse_on(struct parser *p, struct promise *promise)
{
	const struct token *t = &p->lex.tok;

	if (promise->thread[0] != 'D')
		parse_fail(p, promise->pos, "'%s' is a CPU thread: only device threads "
			   "share a device", promise->thread);
	if (promise->on[0])
		parse_fail(p, t->pos, "'%s' is on '%s' already", promise->thread, promise->on);
	if (!is_thread_name(t->name) || t->name[0] != 'D')
		parse_fail_expected(p, "a device thread after 'on'");
	if (!strcmp(t->name, promise->thread))
		parse_fail(p, t->pos, "'%s' is on its own device anyway", t->name);
	memcpy(promise->on, t->name, sizeof(promise->on));
	promise->on_pos = t->pos;
	lex_next(p);
}

/* Before the word is consumed. */
static void parse_kind(struct parser *p, struct promise *promise)
{
	struct litmus_pos pos = p->lex.tok.pos;

	if (promise->thread[0] != 'D')
		parse_fail(p, promise->pos, "'%s' is a CPU thread: what it translates with is given",
			   promise->thread);
	if (promise->kind != DEVICE_TLB)
		parse_fail(p, pos, "of '%s' this was said already", promise->thread);
	promise->kind = at(p, "mirrors") ? DEVICE_MIRROR : at(p, "shadows") ? DEVICE_SHADOW :
			DEVICE_CACHES_PERMISSIONS; /* also as "remembers", the older word */
	promise->kind_pos = pos;
	lex_next(p);
}

static void parse_promise(struct parser *p)
{
	static const char *const words[] = { "caches", "on", "mirrors", "shadows", NULL };
	struct promise *promise;

	if (at_next(p, "("))
		parse_fail(p, p->lex.tok.pos, "expected '}' of the initial state before '%s'",
			   p->lex.tok.name);
	refuse_in_c(p);
	promise = promise_for(p);
	lex_next(p);
	if (accept(p, "caches")) {
		if (at(p, "permissions"))
			parse_kind(p, promise);
		else
			parse_caches(p, promise);
	} else if (accept(p, "on")) {
		parse_on(p, promise);
	} else if (at(p, "mirrors") || at(p, "shadows") || at(p, "remembers")) {
		parse_kind(p, promise);
	} else {
		parse_fail_word(p, "'caches', 'on', 'mirrors' or 'shadows' after the thread", words);
	}
}

static int promised_thread(struct parser *p, const char *name, struct litmus_pos pos)
{
	int t = find_thread(p->test, name);
	struct nearest near;

	if (t < 0) {
		nearest_init(&near, name, NEAREST_DISTANCE);
		for (int i = 0; i < p->test->threads; i++)
			nearest_offer(&near, p->test->thread[i].name);
		parse_fail(p, pos, "there is no thread '%s'%s", name, nearest_text(&near));
	}
	return t;
}

void keep_promises(struct parser *p)
{
	struct litmus *test = p->test;
	int leader[LITMUS_THREADS_MAX];
	uint32_t cached[LITMUS_THREADS_MAX] = { 0 };

	for (int t = 0; t < test->threads; t++)
		leader[t] = t;
	for (int i = 0; i < p->promises; i++) {
		const struct promise *promise = &p->promise[i];
		int t = promised_thread(p, promise->thread, promise->pos);

		if (promise->on[0])
			leader[t] = promised_thread(p, promise->on, promise->on_pos);
	}
	for (int i = 0; i < p->promises; i++) {
		const struct promise *promise = &p->promise[i];
		int t = promised_thread(p, promise->thread, promise->pos);
		int l = leader[t];

		if (leader[l] != l)
			parse_fail(p, promise->on_pos, "'%s' is on '%s' itself: name that one",
				   test->thread[l].name, test->thread[leader[l]].name);
		if (promise->kind != DEVICE_TLB && l != t)
			parse_fail(p, promise->kind_pos, "'%s' is on '%s': say it of that one",
				   promise->thread, test->thread[l].name);
		cached[l] |= promise->caches;
		test->thread[t].kind = promise->kind;
	}
	for (int t = 0; t < test->threads; t++)
		if (leader[t] == t)
			test->thread[t].unit = test->units++;
	for (int t = 0; t < test->threads; t++) {
		test->thread[t].unit = test->thread[leader[t]].unit;
		test->thread[t].caches = cached[leader[t]];
		test->thread[t].kind = test->thread[leader[t]].kind;
	}
}

/* --- notifications ------------------------------------------------------- */

static unsigned parse_place(struct parser *p)
{
	static const char *const words[] = {
#define X(e, name) name,
		FLUSH_POINTS(X)
#undef X
		"never", "default", NULL,
	};
	static const unsigned place[] = {
#define X(e, name) FLUSH_POINT_##e,
		FLUSH_POINTS(X)
#undef X
		PLACE_NEVER, PLACE_DEFAULT,
	};

	for (size_t i = 0; words[i]; i++)
		if (accept(p, words[i]))
			return place[i];
	parse_fail_word(p, "a place (clear, set, unlock, end, after, freed, never, default)",
			words);
}

static void parse_notify(struct parser *p)
{
	struct litmus_pos pos = p->lex.tok.pos;
	unsigned *where = NULL, bits, all = 0;
	int places = 0;
	char list[224];

	for (int i = 0; i < ROW_COUNT; i++)
		if (at(p, litmus_row_names[i]))
			where = &p->test->place[i];
	if (!where)
		parse_fail_word(p, join_words(litmus_row_names, list, sizeof(list)),
				litmus_row_names);
	if (*where != PLACE_DEFAULT)
		parse_fail(p, pos, "the place of '%s' is given already", p->lex.tok.name);
	lex_next(p);
	expect(p, "=", "after the operation");
	do {
		pos = p->lex.tok.pos;
		bits = parse_place(p);
		if (places++ && (bits == PLACE_NEVER || bits == PLACE_DEFAULT ||
				 all == PLACE_NEVER || all == PLACE_DEFAULT))
			parse_fail(p, pos, "'never' and 'default' stand alone");
		if (all & bits)
			parse_fail(p, pos, "this place is given already");
		all |= bits;
	} while (accept(p, ","));
	*where = all;
}

/* --- what is forgotten --------------------------------------------------- */

static const struct { enum litmus_row op; const char *word; } forgets[FORGETS_COUNT] = {
#define X(op, what, text) [FORGETS_##op##_##what] = { ROW_##op, text },
	MUTATIONS(X)
#undef X
};

/* The words of one operation, or, of ROW_COUNT, the operations; NULL after the last. */
static const char *const *forgets_words(enum litmus_row op, const char *words[ROW_COUNT + 1])
{
	int n = 0;

	for (int i = 0; i < ROW_COUNT && op == ROW_COUNT; i++)
		for (int f = 0; f < FORGETS_COUNT; f++)
			if (forgets[f].op == (enum litmus_row)i &&
			    (!n || words[n - 1] != litmus_row_names[i]))
				words[n++] = litmus_row_names[i];
	for (int f = 0; f < FORGETS_COUNT; f++)
		if (forgets[f].op == op)
			words[n++] = forgets[f].word;
	words[n] = NULL;
	return words;
}

_Noreturn static void fail_forgets(struct parser *p, enum litmus_row op)
{
	const char *words[ROW_COUNT + 1];
	char list[224], what[256];

	(void)forgets_words(op, words);
	snprintf(what, sizeof(what), "%s%s", join_words(words, list, sizeof(list)),
		 op == ROW_COUNT ? " before 'forgets'" : "");
	parse_fail_word(p, what, words);
}

static enum litmus_row parse_forgetful(struct parser *p)
{
	for (int f = 0; f < FORGETS_COUNT; f++)
		if (accept(p, litmus_row_names[forgets[f].op]))
			return forgets[f].op;
	fail_forgets(p, ROW_COUNT);
}

static void parse_forgets(struct parser *p)
{
	enum litmus_row op = parse_forgetful(p);

	lex_next(p); /* "forgets" */
	do {
		int f = 0;

		while (f < FORGETS_COUNT && !(forgets[f].op == op && at(p, forgets[f].word)))
			f++;
		if (f == FORGETS_COUNT)
			fail_forgets(p, op);
		if (p->test->forgets >> f & 1)
			parse_fail(p, p->lex.tok.pos, "'%s' forgets '%s' already",
				   litmus_row_names[op], p->lex.tok.name);
		p->test->forgets |= 1u << f;
		lex_next(p);
	} while (accept(p, ","));
}

/* --- the whole ----------------------------------------------------------- */

/* By a name, or as a version of Linux, which is more than one token. */
static void parse_semantics(struct parser *p)
{
	const char *text = p->text + p->lex.tok.start;
	unsigned version;
	size_t size = 0;

	while (p->lex.tok.start + size < p->size && strchr("0123456789.", text[size]) && text[size])
		size++;
	version = linux_version(text, size);
	if (!version && !at(p, "modern") && !at(p, "classic"))
		parse_fail_expected(p, "'modern', 'classic' or a version of Linux, such as 6.1 or "
				    "6.12, after 'semantics'");
	if (version && version < LINUX_FIRST)
		parse_fail(p, p->lex.tok.pos, "the oldest semantics are those of Linux 4.15");
	p->test->classic = version ? version < LINUX_MODERN : at(p, "classic");
	if (version)
		p->lex.offset = p->lex.tok.end = p->lex.tok.start + size;
	lex_next(p);
}

static void parse_statement(struct parser *p)
{
	if (p->lex.tok.kind == TOK_NAME && is_thread_name(p->lex.tok.name)) {
		parse_promise(p);
	} else if (at(p, "notify")) {
		refuse_in_c(p);
		lex_next(p);
		parse_notify(p);
	} else if (at_next(p, "forgets")) {
		refuse_in_c(p);
		parse_forgets(p);
	} else if (at(p, "semantics")) {
		refuse_in_c(p);
		lex_next(p);
		parse_semantics(p);
	} else {
		parse_var(p);
	}
	expect(p, ";", "after the statement");
}

void parse_init(struct parser *p)
{
	for (int i = 0; i < ROW_COUNT; i++)
		p->test->place[i] = PLACE_DEFAULT;
	expect(p, "{", "before the initial state");
	while (!at(p, "}")) {
		if (p->lex.tok.kind == TOK_END)
			parse_fail_expected(p, "'}' after the initial state");
		if (!accept(p, ";"))
			parse_statement(p);
	}
	lex_next(p);
}
