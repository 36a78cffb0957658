/* SPDX-License-Identifier: MIT */
/*
 * gaps_gcc.c - reads gcc's dump of a file after its last pass over statements ("-fdump-tree-
 * optimized-lineno"), and finds what its thread sanitizer does not tell of: a structure in memory
 * that a call returns, or that is passed to one; functions of memory that it makes code of
 * itself; inline assembly; functions that it was told to leave alone. Loads and stores are told.
 *
 * In the dump a function begins with a line ";; Function NAME (SYMBOL, ...", and then come its
 * attributes and its head; the declarations of its variables; and after the first "<bb" its
 * statements, one on a line. A place, "[file.c:12:3] ", may stand before each statement and each
 * operand. What needs no memory is called "_12", "x_3", or "x_3(D)", and is a value.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "checks/run/gaps.h"

enum { NAMES_MAX = 4096, HELD_BACK_MAX = 64 };

struct piece { const char *at; size_t n; };

/* A gap in a variable on the stack. It matters only if the variable's address is taken. */
struct held_back { char variable[64]; char text[GAP_TEXT_BYTES]; };

struct reader {
	struct gaps *gaps;
	bool (*is_variable)(const void *arg, const char *name, size_t length);
	const void *arg;
	char symbol[256];          /* of the function; "": none */
	bool in_body, any;
	char *name[NAMES_MAX];     /* of the function's own variables */
	bool is_static[NAMES_MAX], is_taken[NAMES_MAX];
	size_t names;
	struct held_back back[HELD_BACK_MAX];
	size_t backs;
	char file[64];             /* the place of the statement */
	int line;
};

/* --- pieces of text ------------------------------------------------------ */

static bool is_word(char c) { return isalnum((unsigned char)c) || (c && strchr("_.$", c)); }

static bool begins(struct piece p, const char *with)
{
	return p.n >= strlen(with) && !memcmp(p.at, with, strlen(with));
}

static bool is(struct piece p, const char *text)
{
	return p.n == strlen(text) && !memcmp(p.at, text, p.n);
}

static struct piece after(struct piece p, size_t n)
{
	return (struct piece){ p.at + n, p.n - n };
}

static struct piece word_of(struct piece p)
{
	size_t n = 0;

	while (n < p.n && is_word(p.at[n]))
		n++;
	return (struct piece){ p.at, n };
}

/* The length of a place at the beginning, with the space behind it; 0: there is none. */
static size_t place_length(struct piece p)
{
	const char *end = p.n && *p.at == '[' ? memmem(p.at, p.n, "] ", 2) : NULL;
	const char *at = end;
	int colons = 0;

	while (at && --at > p.at && (isdigit((unsigned char)*at) || *at == ':'))
		colons += *at == ':';
	return colons >= 2 ? (size_t)(end - p.at) + 2 : 0;
}

static struct piece without_places(struct piece p)
{
	for (size_t n; (n = place_length(p));)
		p = after(p, n);
	return p;
}

/* --- what an operand is -------------------------------------------------- */

/* Its index among the function's own variables; SIZE_MAX: it is none. */
static size_t own(const struct reader *r, struct piece name)
{
	for (size_t n = 0; n < r->names; n++)
		if (is(name, r->name[n]))
			return n;
	return SIZE_MAX;
}

/* "_12", "x_3", and what was there when the function began: "x_3(D)". */
static bool is_value(struct piece p)
{
	size_t n;

	if (p.n > 3 && !memcmp(p.at + p.n - 3, "(D)", 3))
		p.n -= 3;
	n = p.n;
	while (n && isdigit((unsigned char)p.at[n - 1]))
		n--;
	return n && n < p.n && p.at[n - 1] == '_' && word_of(p).n == p.n;
}

enum operand { NO_MEMORY, OWN_STACK, MEMORY };

/* The variable that an operand is in, with its members: "p", "p.a", "MEM[(long *)&p]". */
static struct piece variable_of(struct piece p)
{
	const char *taken = memchr(p.at, '&', p.n);
	struct piece name = word_of(taken ? after(p, (size_t)(taken + 1 - p.at)) : p);
	const char *dot = memchr(name.at, '.', name.n);

	if (dot && dot > name.at && dot[-1] != 'D') /* gcc's own are called D.123 */
		name.n = (size_t)(dot - name.at);
	return name;
}

static enum operand operand_is(const struct reader *r, struct piece p, struct piece *ret_name)
{
	size_t n;

	p = without_places(p);
	if (!p.n || strchr("&\"'-{(", *p.at) || isdigit((unsigned char)*p.at))
		return NO_MEMORY;
	if (is_value(p) && (own(r, p) == SIZE_MAX || *p.at == '_' || memchr(p.at, '.', p.n)) &&
	    !r->is_variable(r->arg, p.at, p.n))
		return NO_MEMORY; /* "_12" and "x.0_12" are declared, too */
	*ret_name = variable_of(p);
	n = own(r, *ret_name);
	if (n != SIZE_MAX)
		return r->is_static[n] ? MEMORY : OWN_STACK;
	if (begins(p, "<retval>") || begins(p, "__complex__ "))
		return NO_MEMORY; /* what is returned is told of where the function is called */
	if (r->is_variable(r->arg, ret_name->at, ret_name->n))
		return MEMORY;
	return word_of(p).n != p.n ? MEMORY : NO_MEMORY; /* else it is a function */
}

/* --- gaps ---------------------------------------------------------------- */

static void gap(struct reader *r, const char *what, struct piece name)
{
	gaps_add(r->gaps, r->symbol, strlen(r->symbol), false, "%s%.*s in %.*s, %s:%d", what,
		 (int)name.n, name.at, (int)strcspn(r->symbol, "."), r->symbol, r->file, r->line);
}

/* An operand of a call. */
static void check_operand(struct reader *r, struct piece p, const char *what)
{
	struct piece name = { "", 0 }, none = { "", 0 };
	enum operand operand = operand_is(r, p, &name);
	struct held_back *back = &r->back[r->backs];

	if (operand == MEMORY)
		gap(r, what, none);
	if (operand != OWN_STACK)
		return;
	if (r->backs == HELD_BACK_MAX) {
		gap(r, what, none);
		return;
	}
	r->backs++;
	snprintf(back->variable, sizeof(back->variable), "%.*s", (int)name.n, name.at);
	snprintf(back->text, sizeof(back->text), "%s in %.*s, %s:%d", what,
		 (int)strcspn(r->symbol, "."), r->symbol, r->file, r->line);
}

/* gcc makes code of it itself, or calls what it is called after. */
static bool is_of_memory(struct piece name)
{
	static const char *const begin[] = {
		"__builtin_mem", "__builtin_str", "__builtin_stp", "__builtin_b", "__builtin_ia32_",
		"__builtin_aarch64_", "__builtin_index", "__builtin_rindex", "__builtin_printf",
		"__builtin_snprintf", "__builtin_sprintf", "__builtin_vsnprintf",
		"__builtin_vsprintf", "__builtin_fprintf", "__builtin_puts", "__builtin_fputs",
		"__builtin___", "__builtin_clear_padding", "__builtin_init_",
	};

	if (begins(name, "__builtin___tsan_") || begins(name, "__builtin___sanitizer_") ||
	    begins(name, "__builtin_bswap"))
		return false;
	for (size_t n = 0; n < ARRAY_SIZE(begin); n++)
		if (begins(name, begin[n]))
			return true;
	return false;
}

/* Each operand between the parentheses, which end at @end. */
static void check_arguments(struct reader *r, struct piece p)
{
	size_t depth = 0, start = 0;
	bool quoted = false;

	for (size_t n = 0; n <= p.n; n++) {
		char c = n < p.n ? p.at[n] : ',';

		if (quoted && c == '\\')
			n++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && strchr("([{<", c))
			depth++;
		else if (!quoted && strchr(")]}>", c) && depth && !(n && p.at[n - 1] == '-'))
			depth--;
		else if (!quoted && !depth && c == ',') {
			check_operand(r, (struct piece){ p.at + start, n - start },
				      "a structure that is passed");
			start = n + 2; /* and a space */
		}
	}
}

static size_t find(struct piece p, const char *text)
{
	const char *at = memmem(p.at, p.n, text, strlen(text));

	return at ? (size_t)(at - p.at) : SIZE_MAX;
}

/* "lhs = NAME (operands);" or without a result; @p is what comes after the place. */
static void check_call(struct reader *r, struct piece p)
{
	const char *quote = memchr(p.at, '"', p.n);
	struct piece result = { "", 0 }, call = p, name;
	struct piece before = { p.at, quote ? (size_t)(quote - p.at) : p.n };
	size_t equals = find(before, " = "), is_volatile = find(before, " ={v} "), end;

	if (equals > is_volatile)
		equals = is_volatile;
	if (equals != SIZE_MAX) {
		result.at = p.at;
		result.n = equals;
		call = after(p, equals + (equals == is_volatile ? 6 : 3));
	}
	call = without_places(call);
	name = word_of(call);
	if (begins(after(call, name.n), "(D)")) /* a pointer to a function */
		name.n += 3;
	if (!name.n || is(name, "__complex__") || !begins(after(call, name.n), " ("))
		return;
	end = call.n;
	while (end && call.at[end - 1] != ')')
		end--;
	if (end < name.n + 3)
		return;
	if (is_of_memory(name))
		gap(r, "", name);
	if (begins(name, "__builtin___tsan_"))
		return;
	check_operand(r, result, "a structure that is returned");
	check_arguments(r, (struct piece){ call.at + name.n + 2, end - name.n - 3 });
}

static void check_asm(struct reader *r, struct piece p)
{
	const char *from = memchr(p.at, '"', p.n);
	const char *to = from ? memmem(from + 1, (size_t)(p.at + p.n - from - 1), "\"", 1) : NULL;
	const struct piece none = { "", 0 };

	if (!to || !gaps_asm_is_harmless(from + 1, (size_t)(to - from - 1)))
		gap(r, "inline assembly", none);
}

/* "&x" in what is no hook: then somebody else may come to know where x is. */
static void note_taken(struct reader *r, struct piece p)
{
	for (size_t n = 0; n < p.n; n++) {
		struct piece rest = after(p, n + 1);
		size_t index;

		if (p.at[n] != '&')
			continue;
		index = own(r, variable_of(without_places(rest)));
		if (index != SIZE_MAX)
			r->is_taken[index] = true;
	}
}

/* --- the dump ------------------------------------------------------------ */

static void statement(struct reader *r, struct piece p)
{
	struct piece whole = p;
	size_t n = place_length(p);
	const char *colon;

	if (n) {
		for (colon = p.at + n; *colon != ':'; colon--)
			;
		while (*--colon != ':')
			;
		r->line = atoi(colon + 1);
		snprintf(r->file, sizeof(r->file), "%.*s", (int)(colon - p.at - 1), p.at + 1);
		if (strrchr(r->file, '/'))
			memmove(r->file, strrchr(r->file, '/') + 1,
				strlen(strrchr(r->file, '/') + 1) + 1);
	}
	p = without_places(p);
	if (!p.n || *p.at == '#' || *p.at == '<' || begins(p, "if (") || begins(p, "goto ") ||
	    begins(p, "switch (") || begins(p, "return"))
		return;
	if (begins(p, "__asm__"))
		check_asm(r, p);
	else
		check_call(r, p);
	if (find(p, "__builtin___tsan_") == SIZE_MAX)
		note_taken(r, whole);
}

static void declare(struct reader *r, struct piece name, bool is_static)
{
	char *copy = r->names < NAMES_MAX && name.n ? strndup(name.at, name.n) : NULL;

	if (!copy) {
		r->gaps->failed |= name.n > 0;
		return;
	}
	r->name[r->names] = copy;
	r->is_static[r->names] = is_static;
	r->is_taken[r->names++] = false;
}

/* The last word before each comma, the end, or an array's size. */
static void declarations(struct reader *r, struct piece p, bool is_static)
{
	struct piece last = { "", 0 };

	for (size_t n = 0; n < p.n;) {
		struct piece word = word_of(after(p, n));

		if (word.n)
			last = word;
		else if (strchr(",;)=[", p.at[n])) {
			declare(r, last, is_static);
			last.n = 0;
		}
		if (p.at[n] == '=')
			return;
		n += word.n ? word.n : 1;
	}
}

static void function_ends(struct reader *r)
{
	for (size_t n = 0; n < r->backs; n++) {
		const struct held_back *back = &r->back[n];
		size_t index = own(r, (struct piece){ back->variable, strlen(back->variable) });

		if (index != SIZE_MAX && r->is_taken[index])
			gaps_add(r->gaps, r->symbol, strlen(r->symbol), true, "%s", back->text);
	}
	for (size_t n = 0; n < r->names; n++)
		free(r->name[n]);
	r->names = r->backs = 0;
	r->in_body = false;
	*r->symbol = '\0';
}

static void function_begins(struct reader *r, struct piece p)
{
	size_t open = find(p, " (");
	struct piece symbol;

	function_ends(r);
	r->any = true;
	if (open == SIZE_MAX)
		return;
	symbol = after(p, open + 2);
	if (*symbol.at == '*') /* as the source has it */
		symbol = after(symbol, 1);
	symbol.n = strcspn(symbol.at, ",");
	snprintf(r->symbol, sizeof(r->symbol), "%.*s", (int)symbol.n, symbol.at);
}

/* A line before the statements: attributes, the head, or a declaration. */
static void head(struct reader *r, struct piece p)
{
	if (begins(p, "__attribute__") && find(p, "no_sanitize") != SIZE_MAX)
		gaps_add(r->gaps, r->symbol, strlen(r->symbol), false,
			 "what %.*s does, which is compiled with no_sanitize",
			 (int)strcspn(r->symbol, "."), r->symbol);
	else if (begins(p, "  <bb"))
		r->in_body = true;
	else if (begins(p, "  static "))
		declarations(r, p, true);
	else if (!begins(p, "__attribute__"))
		declarations(r, p, false);
}

bool gaps_of_gcc(struct gaps *g, FILE *dump,
		 bool (*is_variable)(const void *arg, const char *name, size_t length),
		 const void *arg)
{
	struct reader *r = calloc(1, sizeof(*r));
	char *line = NULL;
	size_t size = 0;
	bool any;

	if (!r) {
		g->failed = true;
		return true;
	}
	r->gaps = g;
	r->is_variable = is_variable;
	r->arg = arg;
	for (ssize_t n; (n = getline(&line, &size, dump)) > 0;) {
		struct piece p = { line, (size_t)n - (line[n - 1] == '\n') };

		line[p.n] = '\0';
		if (begins(p, ";; Function "))
			function_begins(r, p);
		else if (*r->symbol && r->in_body && begins(p, "  "))
			statement(r, after(p, 2));
		else if (*r->symbol && !r->in_body)
			head(r, p);
	}
	function_ends(r);
	any = r->any;
	free(line);
	free(r);
	return any;
}
