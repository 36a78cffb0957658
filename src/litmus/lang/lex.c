/* SPDX-License-Identifier: MIT */
/*
 * lex.c - cuts the text into tokens, and reports the first error. It owns the notions of a
 * comment, a name and a number; the other files of the parser see only tokens.
 *
 * Invariant: the lexer never reads at or behind text + size, and its line and line_start
 * belong to its offset.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "litmus/lang/parser.h"

/* Larger numbers could be mistaken for LITMUS_FAULT once negated. */
#define NUMBER_MAX ((int64_t)1 << 62)

void parse_fail(struct parser *p, struct litmus_pos pos, const char *fmt, ...)
{
	va_list ap;

	p->error->pos = pos;
	va_start(ap, fmt);
	vsnprintf(p->error->text, sizeof(p->error->text), fmt, ap);
	va_end(ap);
	longjmp(p->out, 1);
}

void parse_no_memory(struct parser *p)
{
	p->no_memory = true;
	longjmp(p->out, 1);
}

struct litmus_pos lex_pos_at(const struct parser *p, size_t offset)
{
	struct litmus_pos pos = { 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		if (p->text[i] == '\n') {
			pos.line++;
			pos.column = 1;
		} else {
			pos.column++;
		}
	}
	return pos;
}

/* --- white space and comments -------------------------------------------- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }

static bool has(const struct parser *p, size_t offset, const char *text)
{
	size_t n = strlen(text);

	return n <= p->size - offset && !memcmp(p->text + offset, text, n);
}

/* The end of the comment that starts at @start, or 0 if nothing ends it. */
static size_t comment_end(const struct parser *p, size_t start)
{
	bool herd = has(p, start, "(*");
	size_t i = start + 2;
	int nested = 1;

	if (has(p, start, "//")) {
		while (i < p->size && p->text[i] != '\n')
			i++;
		return i;
	}
	while (i < p->size) {
		if (has(p, i, herd ? "*)" : "*/")) {
			i += 2;
			if (--nested == 0)
				return i;
		} else if (herd && has(p, i, "(*")) {
			i += 2;
			nested++;
		} else {
			i++;
		}
	}
	return 0;
}

static bool comment_starts(const struct parser *p, size_t offset)
{
	return (!p->in_code && has(p, offset, "(*")) || has(p, offset, "/*") ||
	       has(p, offset, "//");
}

static void move_to(struct lexer *l, const char *text, size_t offset)
{
	for (; l->offset < offset; l->offset++) {
		if (text[l->offset] == '\n') {
			l->line++;
			l->line_start = l->offset + 1;
		}
	}
}

static struct litmus_pos here(const struct parser *p)
{
	return (struct litmus_pos){ p->lex.line, (int)(p->lex.offset - p->lex.line_start) + 1 };
}

static void skip_blank(struct parser *p)
{
	struct lexer *l = &p->lex;
	size_t end;

	for (;;) {
		while (l->offset < p->size && is_space(p->text[l->offset]))
			move_to(l, p->text, l->offset + 1);
		if (l->offset == p->size || !comment_starts(p, l->offset))
			return;
		end = comment_end(p, l->offset);
		if (!end)
			parse_fail(p, here(p), "the comment that starts here does not end");
		if (p->want_comment) {
			p->comment_start = l->offset;
			p->comment_end = end;
			p->want_comment = false;
		}
		move_to(l, p->text, end);
	}
}

/* --- tokens -------------------------------------------------------------- */

static void lex_name(struct parser *p, struct token *t)
{
	size_t n;

	while (t->end < p->size && is_alnum(p->text[t->end]))
		t->end++;
	n = t->end - t->start;
	if (n >= LITMUS_NAME_MAX)
		parse_fail(p, t->pos, "the name is too long (at most %d characters)",
			   LITMUS_NAME_MAX - 1);
	t->kind = TOK_NAME;
	memcpy(t->name, p->text + t->start, n);
	t->name[n] = 0;
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static void lex_number(struct parser *p, struct token *t)
{
	int base = has(p, t->start, "0x") || has(p, t->start, "0X") ? 16 : 10;
	size_t first = t->start + (base == 16 ? 2 : 0);

	t->kind = TOK_NUMBER;
	t->value = 0;
	for (t->end = first; t->end < p->size; t->end++) {
		int d = digit_value(p->text[t->end]);

		if (d >= base)
			break;
		if (t->value > (NUMBER_MAX - d) / base)
			parse_fail(p, t->pos, "the number is too large (at most %lld)",
				   (long long)NUMBER_MAX);
		t->value = t->value * base + d;
	}
	if (t->end == first || (t->end < p->size && is_alnum(p->text[t->end])))
		parse_fail(p, t->pos, "expected a number in decimal or 0x form");
}

static void lex_mark(struct parser *p, struct token *t)
{
	static const char *const marks[] = {
		"==", "!=", "<=", ">=", "&&", "||", "/\\", "\\/", "{", "}", "(", ")", "[", "]",
		";", ",", ":", "=", "<", ">", "+", "-", "*", "&", "|", "^", "!", "~",
	};

	t->kind = TOK_MARK;
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if (has(p, t->start, marks[i])) {
			t->end = t->start + strlen(marks[i]);
			return;
		}
	}
	t->end = t->start + 1;
	if ((unsigned char)p->text[t->start] < ' ')
		parse_fail(p, t->pos, "unexpected control character");
	while (t->end < p->size && ((unsigned char)p->text[t->end] & 0xc0) == 0x80)
		t->end++;
	parse_fail(p, t->pos, "unexpected character '%.*s'", (int)(t->end - t->start),
		   p->text + t->start);
}

void lex_next(struct parser *p)
{
	struct token *t = &p->lex.tok;

	p->lex.last_end = t->end;
	skip_blank(p);
	t->pos = here(p);
	t->start = t->end = p->lex.offset;
	t->name[0] = 0;
	if (t->start == p->size)
		t->kind = TOK_END;
	else if (is_alpha(p->text[t->start]))
		lex_name(p, t);
	else if (is_digit(p->text[t->start]))
		lex_number(p, t);
	else
		lex_mark(p, t);
	p->lex.offset = t->end;
}

void lex_start(struct parser *p)
{
	p->lex.line = 1;
	lex_next(p);
}

void lex_test_name(struct parser *p)
{
	struct token *t = &p->lex.tok;
	size_t n;

	while (p->lex.offset < p->size && (p->text[p->lex.offset] == ' ' ||
					   p->text[p->lex.offset] == '\t'))
		p->lex.offset++;
	t->pos = here(p);
	t->start = t->end = p->lex.offset;
	while (t->end < p->size && !is_space(p->text[t->end]))
		t->end++;
	n = t->end - t->start;
	if (!n)
		parse_fail(p, t->pos, "expected the test's name on the first line");
	if (n >= LITMUS_NAME_MAX)
		parse_fail(p, t->pos, "the name is too long (at most %d characters)",
			   LITMUS_NAME_MAX - 1);
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(p->text[t->start + i]) && !strchr("+-.", p->text[t->start + i]))
			parse_fail(p, t->pos, "a test's name is made of letters, digits "
				   "and '+', '-', '.', '_'");
	memcpy(p->test->name, p->text + t->start, n);
	p->lex.offset = t->end;
}

/* --- what the parser asks ------------------------------------------------ */

bool at(const struct parser *p, const char *text)
{
	const struct token *t = &p->lex.tok;

	return t->end - t->start == strlen(text) && !memcmp(p->text + t->start, text,
							    t->end - t->start);
}

bool at_next(struct parser *p, const char *text)
{
	struct lexer saved = p->lex;
	bool yes;

	lex_next(p);
	yes = at(p, text);
	p->lex = saved;
	return yes;
}

bool accept(struct parser *p, const char *text)
{
	if (!at(p, text))
		return false;
	lex_next(p);
	return true;
}

enum { FOUND_MAX = 40 };

static const char *found(const struct parser *p, char *buf, size_t size)
{
	const struct token *t = &p->lex.tok;
	size_t n = t->end - t->start;

	if (t->kind == TOK_END)
		snprintf(buf, size, "the end of the file");
	else
		snprintf(buf, size, "'%.*s%s'", (int)(n < FOUND_MAX ? n : FOUND_MAX),
			 p->text + t->start, n < FOUND_MAX ? "" : "...");
	return buf;
}

/* Where to say that @what was expected: a mark that ends something is missing behind what comes
 * before, if that ends its line. */
static struct litmus_pos place_of(const struct parser *p, const char *what)
{
	struct litmus_pos before = lex_pos_at(p, p->lex.last_end);

	return strchr(";,)", *what == '\'' ? what[1] : *what) && p->lex.last_end &&
	       before.line < p->lex.tok.pos.line ? before : p->lex.tok.pos;
}

void expect(struct parser *p, const char *text, const char *where)
{
	char buf[FOUND_MAX + 24];

	if (!accept(p, text))
		parse_fail(p, place_of(p, text), "expected '%s' %s, found %s", text, where,
			   found(p, buf, sizeof(buf)));
}

void parse_fail_expected(struct parser *p, const char *what)
{
	char buf[FOUND_MAX + 24];

	parse_fail(p, p->lex.tok.pos, "expected %s, found %s", what,
		   found(p, buf, sizeof(buf)));
}

int64_t parse_integer(struct parser *p, const char *what)
{
	bool negative = accept(p, "-");
	int64_t v = p->lex.tok.value;

	if (p->lex.tok.kind != TOK_NUMBER)
		parse_fail_expected(p, what);
	lex_next(p);
	return negative ? -v : v;
}

bool is_thread_name(const char *name)
{
	size_t n = strlen(name);

	return (name[0] == 'P' || name[0] == 'D') && (n == 2 || n == 3) && is_digit(name[1]) &&
	       (n == 2 || (is_digit(name[2]) && name[1] != '0'));
}

bool at_type(struct parser *p)
{
	static const char *const others[] = {
		"atomic_t", "atomic64_t", "atomic_long_t", "spinlock_t", "char", "short",
		"unsigned", "bool", "void", "struct", "volatile", "const", "u32", "uint64_t",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (at(p, others[i]))
			parse_fail(p, p->lex.tok.pos, "the type '%s' is not supported: "
				   "use int, long or u64", others[i]);
	return at(p, "int") || at(p, "long") || at(p, "u64");
}

void parse_new_name(struct parser *p, const char *what, char *ret_name)
{
	static const char *const taken[] = {
		"if", "else", "int", "long", "u64", "void", "fault", "unmapped", "exists", "forall",
		"filter", "locations", "not", "true", "false", "notify", "semantics", "caches",
		"permissions", "mirrors", "shadows", "remembers", "forgets", "on", "cow", "zero",
		"none",
		"swapped", "shared", "file", "huge", "split", "pinned", "readonly", "with",
		"beside", "READ_ONCE", "WRITE_ONCE", "smp_load_acquire", "smp_store_release",
		"smp_mb", "smp_rmb", "smp_wmb", "PROT_NONE", "PROT_READ", "PROT_WRITE",
	};
	struct token *t = &p->lex.tok;
	bool word = false;

	if (t->kind != TOK_NAME)
		parse_fail_expected(p, what);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		word |= !strcmp(t->name, taken[i]);
	word |= operation_word(t->name);
	if (word)
		parse_fail(p, t->pos, "expected %s, found '%s', which is a word of the language",
			   what, t->name);
	if (is_thread_name(t->name))
		parse_fail(p, t->pos, "expected %s, found '%s', which is the name of a thread",
			   what, t->name);
	memcpy(ret_name, t->name, LITMUS_NAME_MAX);
	lex_next(p);
}

void depth_enter(struct parser *p)
{
	if (++p->depth > LITMUS_DEPTH_MAX)
		parse_fail(p, p->lex.tok.pos, "nested too deeply (at most %d levels)",
			   LITMUS_DEPTH_MAX);
}

void depth_leave(struct parser *p) { p->depth--; }

void fold_text(const struct parser *p, size_t start, size_t end, char *buf, size_t size)
{
	size_t n = 0;
	bool gap = false;

	while (start < end) {
		if (comment_starts(p, start)) {
			size_t behind = comment_end(p, start);

			start = behind ? behind : end;
			gap = true;
		} else if (is_space(p->text[start])) {
			start++;
			gap = true;
		} else {
			if (n + 2 >= size)
				break;
			if (gap && n)
				buf[n++] = ' ';
			gap = false;
			buf[n++] = p->text[start++];
		}
	}
	buf[n] = 0;
	if (start < end && n > 3)
		memcpy(buf + n - 3, "...", 3);
}

/* --- words --------------------------------------------------------------- */

const char *join_words(const char *const *words, char *buf, size_t size)
{
	size_t n = 0;

	*buf = 0;
	for (int i = 0; words[i] && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
				      !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return buf;
}

void parse_fail_word(struct parser *p, const char *what, const char *const *words)
{
	char buf[FOUND_MAX + 24];
	struct nearest near;

	nearest_init(&near, p->lex.tok.name, NEAREST_DISTANCE);
	for (; *words; words++)
		nearest_offer(&near, *words);
	parse_fail(p, near.best ? p->lex.tok.pos : place_of(p, what), "expected %s, found %s%s",
		   what, found(p, buf, sizeof(buf)), nearest_text(&near));
}
