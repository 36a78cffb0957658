/* SPDX-License-Identifier: MIT */
/*
 * scope.c - the names that a test has declared: its variables and its threads. init.c and
 * code.c declare variables, and all parts of the parser look names up.
 *
 * Invariant: a variable has a page and a page table of its own until the initial state puts it
 * elsewhere.
 */
#include <string.h>

#include "litmus/lang/parser.h"

int find_var(const struct litmus *test, const char *name)
{
	for (int v = 0; v < test->vars; v++)
		if (!strcmp(test->var[v].name, name))
			return v;
	return -1;
}

int find_thread(const struct litmus *test, const char *name)
{
	for (int t = 0; t < test->threads; t++)
		if (!strcmp(test->thread[t].name, name))
			return t;
	return -1;
}

int add_var(struct parser *p, const char *name, struct litmus_pos pos)
{
	struct litmus *test = p->test;
	struct litmus_var *var = &test->var[test->vars];

	if (test->vars == LITMUS_VARS_MAX)
		parse_fail(p, pos, "too many variables (at most %d)", LITMUS_VARS_MAX);
	if (find_var(test, name) >= 0)
		parse_fail(p, pos, "'%s' is already declared", name);
	memcpy(var->name, name, sizeof(var->name));
	var->pos = pos;
	var->page = test->pages++;
	var->table = test->tables++;
	return test->vars++;
}

int parse_known_var(struct parser *p, const char *what)
{
	struct token *t = &p->lex.tok;
	struct nearest near;
	int v;

	if (t->kind != TOK_NAME)
		parse_fail_expected(p, what);
	v = find_var(p->test, t->name);
	if (v < 0) {
		nearest_init(&near, t->name, NEAREST_DISTANCE);
		for (int i = 0; i < p->test->vars; i++)
			nearest_offer(&near, p->test->var[i].name);
		parse_fail(p, t->pos, "unknown variable '%s'%s", t->name, nearest_text(&near));
	}
	lex_next(p);
	return v;
}
