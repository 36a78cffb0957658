/* SPDX-License-Identifier: MIT */
/*
 * parse.c - the entry point of the parser, and the frame of a litmus test: its first line,
 * the comment that says what it teaches, and the order of its parts.
 *
 * Invariant: whatever happens, the half-made test is either returned or freed. parse_fail()
 * comes back to run_parser(), which holds nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/lang/parser.h"
#include "mmun/explore.h" /* the oracles' names are words of the language */

/* --- the text as a whole ------------------------------------------------- */

static void check_text(struct parser *p)
{
	size_t n;

	if (p->size > LITMUS_FILE_BYTES_MAX)
		parse_fail(p, (struct litmus_pos){ 1, 1 }, "the file is too large (at most %d bytes)",
			   LITMUS_FILE_BYTES_MAX);
	for (size_t i = 0; i < p->size; i += n) {
		n = utf8_length(p->text + i, p->size - i);
		if (!n || !p->text[i])
			parse_fail(p, lex_pos_at(p, i), "the file is binary");
	}
	if (strspn(p->text, " \t\r\n\v\f") == p->size)
		parse_fail(p, (struct litmus_pos){ 1, 1 }, "the file is empty");
}

/* --- the first comment --------------------------------------------------- */

/* If [s, end) is "Key: word" gives the word, else NULL. */
static const char *line_value(const char *s, const char *end, const char *key)
{
	size_t n = strlen(key);

	if ((size_t)(end - s) < n || memcmp(s, key, n))
		return NULL;
	for (s += n; s < end && (*s == ' ' || *s == '\t'); s++)
		;
	return s;
}

/* Which of the words [s, end) is. @what was expected. */
static size_t word_of_line(struct parser *p, const char *s, const char *end,
			   const char *const *words, size_t count, const char *what)
{
	struct litmus_pos pos = lex_pos_at(p, (size_t)(s - p->text));
	struct nearest near;
	char found[40];

	snprintf(found, sizeof(found), "%.*s", (int)(end - s), s);
	nearest_init(&near, found, NEAREST_DISTANCE);
	for (size_t i = 0; i < count; i++) {
		if ((size_t)(end - s) == strlen(words[i]) &&
		    !memcmp(s, words[i], (size_t)(end - s)))
			return i;
		nearest_offer(&near, words[i]);
	}
	parse_fail(p, pos, "expected %s, found '%s'%s", what, found, nearest_text(&near));
}

static void read_result(struct parser *p, const char *s, const char *end)
{
	static const char *const words[] = { "Never", "Sometimes", "Always" };
	static const enum litmus_result results[] = {
		RESULT_NEVER, RESULT_SOMETIMES, RESULT_ALWAYS,
	};
	struct litmus_pos pos = lex_pos_at(p, (size_t)(s - p->text));

	if (p->test->expected != RESULT_NONE)
		parse_fail(p, pos, "a test has one 'Result:' line only");
	p->test->expected = results[word_of_line(p, s, end, words, ARRAY_SIZE(words),
						 "Never, Sometimes or Always after 'Result:'")];
}

static void read_finding(struct parser *p, const char *s, const char *end)
{
	static const char *const oracles[] = {
#define X(e, name, ...) name,
		EXPLORE_ORACLES(X)
#undef X
	};
	struct litmus_pos pos = lex_pos_at(p, (size_t)(s - p->text));

	if (p->test->expected_finding[0])
		parse_fail(p, pos, "a test has one 'Finding:' line only");
	strcpy(p->test->expected_finding,
	       oracles[word_of_line(p, s, end, oracles, ARRAY_SIZE(oracles),
				    "flat, lifetime, after-return, lost-write or another oracle "
				    "after 'Finding:'")]);
}

/* A key that is nearly right would be prose, and the test expect nothing. */
static void refuse_near_keys(struct parser *p, const char *s, const char *end)
{
	static const char *const near[] = { "Results:", "result:", "Findings:", "finding:" };

	for (size_t i = 0; i < ARRAY_SIZE(near); i++)
		if (line_value(s, end, near[i]))
			parse_fail(p, lex_pos_at(p, (size_t)(s - p->text)),
				   "expected '%s' in place of '%s'",
				   i < 2 ? "Result:" : "Finding:", near[i]);
}

/* Lines of the form "Key: word" are taken out; the rest is prose. */
static void read_comment_line(struct parser *p, const char *s, const char *end, char **prose)
{
	const char *value;

	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	if (s < end && *s == '*')
		s++;
	if (s < end && *s == ' ')
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	refuse_near_keys(p, s, end);
	if ((value = line_value(s, end, "Result:"))) {
		read_result(p, value, end);
	} else if ((value = line_value(s, end, "Finding:"))) {
		read_finding(p, value, end);
	} else if (!line_value(s, end, "SPDX-License-Identifier:") &&
		   (s < end || *prose > p->test->prose)) {
		memcpy(*prose, s, (size_t)(end - s));
		*prose += end - s;
		*(*prose)++ = '\n';
	}
}

static void read_comment(struct parser *p)
{
	size_t size = p->comment_end - p->comment_start;
	const char *s, *end, *line;
	char *prose = malloc(size + 2);

	if (!prose)
		parse_no_memory(p);
	p->test->prose = prose;
	s = p->text + p->comment_start + (size ? 2 : 0);
	end = p->text + p->comment_end - (size && s[-1] == '*' ? 2 : 0);
	for (; s < end; s = line + 1) {
		line = memchr(s, '\n', (size_t)(end - s));
		if (!line)
			line = end;
		read_comment_line(p, s, line, &prose);
	}
	while (prose > p->test->prose && prose[-1] == '\n')
		prose--;
	*prose = 0;
}

/* --- the order of the parts ---------------------------------------------- */

static void parse_header(struct parser *p)
{
	lex_start(p);
	p->test->vm = at(p, "VM");
	if (!p->test->vm && !at(p, "C"))
		parse_fail_expected(p, "'VM' or 'C' and the test's name");
	lex_test_name(p);
	p->want_comment = true;
	lex_next(p);
	p->want_comment = false;
	read_comment(p);
}

static void parse_test(struct parser *p)
{
	check_text(p);
	parse_header(p);
	parse_init(p);
	while (p->lex.tok.kind == TOK_NAME && is_thread_name(p->lex.tok.name))
		parse_thread(p);
	if (!p->test->threads)
		parse_fail_expected(p, "a thread (P0, D0, ...)");
	keep_promises(p);
	parse_questions(p);
	if (p->test->expected != RESULT_NONE && p->test->quantifier == QUANT_NONE)
		parse_fail(p, p->lex.tok.pos, "expected the condition that 'Result:' speaks of, "
			   "found the end of the file");
}

/* Nothing here is changed between setjmp and longjmp but what @p points to. */
static bool run_parser(struct parser *p)
{
	if (setjmp(p->out))
		return false;
	parse_test(p);
	return true;
}

static struct litmus *new_test(const char *text, size_t size)
{
	struct litmus *test = calloc(1, sizeof(*test));

	if (!test)
		return NULL;
	test->filter = test->condition = -1;
	test->source = malloc(size + 1);
	test->expr = calloc(LITMUS_EXPRS_MAX, sizeof(*test->expr));
	test->cond = calloc(LITMUS_CONDS_MAX, sizeof(*test->cond));
	if (!test->source || !test->expr || !test->cond) {
		litmus_destroy(test);
		return NULL;
	}
	if (size)
		memcpy(test->source, text, size);
	test->source[size] = 0;
	return test;
}

int litmus_parse(const char *text, size_t size, struct litmus **ret_test,
		 struct litmus_error *error)
{
	struct litmus *test = new_test(text, size);
	struct parser *p = calloc(1, sizeof(*p));
	int ret = 0;

	if (!test || !p) {
		ret = -ENOMEM;
	} else {
		p->text = test->source;
		p->size = size;
		p->test = test;
		p->error = error;
		if (!run_parser(p))
			ret = p->no_memory ? -ENOMEM : -EINVAL;
	}
	free(p);
	if (ret)
		litmus_destroy(test);
	else
		*ret_test = test;
	return ret;
}

void litmus_destroy(struct litmus *test)
{
	if (!test)
		return;
	free(test->prose);
	free(test->source);
	free(test->expr);
	free(test->cond);
	free(test->condition_text);
	free(test);
}
