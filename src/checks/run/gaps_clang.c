/* SPDX-License-Identifier: MIT */
/*
 * gaps_clang.c - reads the code that clang gives to LLVM's back end ("-emit-llvm"), and finds what
 * its thread sanitizer does not tell of: a structure that is passed as it lies in memory; words of
 * sizes that it has no call for; what is left of functions of memory; inline assembly; functions
 * that it was told to leave alone.
 *
 * A function begins with "define", ends with "}", and names a group of attributes, which stands at
 * the end of the file. "!dbg !12" after an instruction is its place.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "checks/run/gaps.h"

struct reader {
	struct gaps *gaps;
	const char *text;
	const char *begin;         /* of the function */
	char symbol[256];
	bool is_told;              /* it was compiled with hooks */
};

/* --- the text ------------------------------------------------------------ */

/* The first of the line that has @text; NULL: it has none. */
static const char *in_line(const char *line, const char *text)
{
	return memmem(line, strcspn(line, "\n"), text, strlen(text));
}

/* The line "!12 = ..." or "attributes #3 = ...", whose beginning is @mark and a number. */
static const char *numbered(const struct reader *r, const char *mark, int number)
{
	char begin[48];
	const char *at;

	snprintf(begin, sizeof(begin), "\n%s%d = ", mark, number);
	at = strstr(r->text, begin);
	return at ? at + strlen(begin) : NULL;
}

/* The number after @field in the line; -1: there is none. */
static int number_in(const char *line, const char *field)
{
	const char *at = line ? in_line(line, field) : NULL;

	return at ? atoi(at + strlen(field)) : -1;
}

/* Of the instruction. Returns the line. */
static int place(const struct reader *r, const char *instruction, char *ret_file, size_t size)
{
	const char *at = numbered(r, "!", number_in(instruction, "!dbg !"));
	const char *scope = at ? numbered(r, "!", number_in(at, "scope: !")) : NULL;
	const char *file = scope ? numbered(r, "!", number_in(scope, "file: !")) : NULL;
	const char *name = file ? in_line(file, "filename: \"") : NULL;
	int line = number_in(at, "line: ");

	snprintf(ret_file, size, "?");
	if (!name)
		return line;
	name += strlen("filename: \"");
	snprintf(ret_file, size, "%.*s", (int)strcspn(name, "\""), name);
	name = strrchr(ret_file, '/');
	if (name)
		memmove(ret_file, name + 1, strlen(name));
	return line;
}

static void gap(struct reader *r, const char *instruction, const char *what)
{
	char file[256];
	int line = place(r, instruction, file, sizeof(file));

	gaps_add(r->gaps, r->symbol, strlen(r->symbol), false, "%s in %s, %s:%d", what, r->symbol,
		 file, line);
}

/* --- instructions -------------------------------------------------------- */

/* The pointer that an instruction is about: "%3" of "load i8, i8* %3"; NULL: it is about none. */
static const char *pointer_in(const char *line)
{
	const char *at = in_line(line, "* %");

	if (!at)
		at = in_line(line, "ptr %");
	return at ? strchr(at, '%') : NULL;
}

/* Is the value that begins at @at, "%12", a variable of the function's own, or in one? */
static bool is_own(const struct reader *r, const char *at)
{
	char begin[96];
	const char *is;

	for (int n = 0; at && *at == '%' && n < 8; n++) {
		snprintf(begin, sizeof(begin), "\n  %.*s = ", (int)strcspn(at, " ,)\n"), at);
		is = strstr(r->begin, begin);
		if (!is || is > at)
			return false;
		is += strlen(begin);
		if (!strncmp(is, "alloca ", 7))
			return true;
		if (strncmp(is, "bitcast ", 8) != 0 && strncmp(is, "getelementptr ", 14) != 0)
			return false;
		at = pointer_in(is);
	}
	return false;
}

static void check_asm(struct reader *r, const char *line)
{
	const char *at = in_line(line, " asm "), *quote = at ? strchr(at, '"') : NULL;

	if (quote && !gaps_asm_is_harmless(quote + 1, strcspn(quote + 1, "\"")))
		gap(r, line, "inline assembly");
}

/* A structure on its way to the stack, unless it is copied from a variable of the function's. */
static void check_passed(struct reader *r, const char *line)
{
	for (const char *at = in_line(line, "byval("); at; at = in_line(at + 1, "byval(")) {
		const char *type = at + strcspn(at, ")\n") + 1;
		const char *value = type + strcspn(type, ",)\n");

		while (value > at && *value != ' ')
			value--;
		if (!is_own(r, value + 1))
			gap(r, line, "a structure that is passed");
	}
}

/* Has the sanitizer a call for words of the type that begins at @type? It has for pointers. */
static bool is_told(const char *type)
{
	static const char *const vectors[] = {
		"<2 x i64>", "<4 x i32>", "<8 x i16>", "<16 x i8>", "<2 x double>", "<4 x float>",
		"<2 x i32>", "<4 x i16>", "<8 x i8>", "<2 x float>",
	};
	size_t n = *type == '<' ? strcspn(type, ">") + 1 : *type == '{' ? strcspn(type, "}") + 1 :
		   *type == '[' ? strcspn(type, "]") + 1 : strcspn(type, " ,");
	int bytes = (atoi(type + 1) + 7) / 8;

	if (type[n] == '*' || type[n - 1] == '*' || !strncmp(type + n, " (", 2))
		return true;
	for (size_t k = 0; k < ARRAY_SIZE(vectors); k++)
		if (strlen(vectors[k]) == n && !memcmp(vectors[k], type, n))
			return true;
	if (*type == 'i')
		return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16;
	return !strncmp(type, "ptr", n) || !strncmp(type, "float", n) ||
	       !strncmp(type, "double", n);
}

/* "load TYPE, TYPE* %1" or "store TYPE VALUE, TYPE* %1". */
static void check_word(struct reader *r, const char *line)
{
	const char *load = in_line(line, " = load ");
	const char *type = load ? load + strlen(" = load ") : NULL;

	if (!load && !strncmp(line, "  store ", 8))
		type = line + 8;
	if (!type)
		return;
	if (!strncmp(type, "atomic ", 7))
		type += 7;
	if (!strncmp(type, "volatile ", 9))
		type += 9;
	if (!is_told(type) && !is_own(r, pointer_in(type)))
		gap(r, line, "a value of unusual size");
}

static void instruction(struct reader *r, const char *line)
{
	check_asm(r, line);
	check_word(r, line);
	if (!in_line(line, "call "))
		return;
	check_passed(r, line);
	if (in_line(line, "@llvm.mem") || in_line(line, "@llvm.masked."))
		gap(r, line, "a copy");
}

/* --- functions ----------------------------------------------------------- */

static void function_begins(struct reader *r, const char *line)
{
	const char *name = in_line(line, "@"), *end = line + strcspn(line, "\n");
	const char *group = end, *attributes;

	r->begin = line;
	if (!name)
		return;
	name += name[1] == '"' ? 2 : 1;
	snprintf(r->symbol, sizeof(r->symbol), "%.*s", (int)strcspn(name, "(\""), name);
	while (group > name && memcmp(group, " #", 2))
		group--;
	attributes = numbered(r, "attributes #", atoi(group + 2));
	r->is_told = group > name && attributes && in_line(attributes, "sanitize_thread");
	if (!r->is_told && strncmp(r->symbol, "tsan.", 5) != 0)
		gaps_add(r->gaps, r->symbol, strlen(r->symbol), false,
			 "what %s does, which is compiled with no_sanitize", r->symbol);
}

bool gaps_of_clang(struct gaps *g, FILE *code)
{
	struct reader r = { .gaps = g };
	char *text = NULL;
	size_t size = 0;
	bool any = false;

	if (getdelim(&text, &size, '\0', code) < 0) {
		free(text);
		return false;
	}
	r.text = text;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (!strncmp(line, "define ", 7)) {
			function_begins(&r, line);
			any = true;
		} else if (*line == '}') {
			r.begin = NULL;
		} else if (r.begin) {
			instruction(&r, line);
		}
	}
	free(text);
	return any;
}
