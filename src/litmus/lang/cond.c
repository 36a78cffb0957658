/* SPDX-License-Identifier: MIT */
/*
 * cond.c - parses what a test asks of its outcomes: filter, locations, and one of exists,
 * ~exists and forall. parse.c calls it last, when all names are known.
 *
 * Invariant: whatever a proposition mentions is shown, as herd shows it.
 */
#include <stdlib.h>
#include <string.h>

#include "litmus/lang/parser.h"

struct questions {
	bool shown[LITMUS_OUTCOME_MAX];
	bool located;     /* "locations" was there */
};

static int add_cond(struct parser *p, struct litmus_cond cond)
{
	if (p->test->conds == LITMUS_CONDS_MAX)
		parse_fail(p, p->lex.tok.pos, "the condition is too long (at most %d parts)",
			   LITMUS_CONDS_MAX);
	p->test->cond[p->test->conds] = cond;
	return p->test->conds++;
}

/* --- names --------------------------------------------------------------- */

static int find_child(const struct litmus *test, const char *name)
{
	for (int c = 0; c < test->children; c++)
		if (!strcmp(test->child_name[c], name))
			return c;
	return -1;
}

/* "0:", "P0:" or "D0:", the colon not yet consumed. */
static int parse_thread_name(struct parser *p)
{
	struct token *t = &p->lex.tok;
	char name[8] = "P";
	struct nearest near;
	int thread, n = t->kind == TOK_NUMBER ? (int)(t->end - t->start) : 0;

	if (t->kind == TOK_NAME)
		memcpy(name, t->name, sizeof(name) - 1);
	else if (n < 3)
		memcpy(name + 1, p->text + t->start, (size_t)n);
	thread = find_thread(p->test, name);
	if (thread < 0 && n) {
		name[0] = 'D';
		if (find_thread(p->test, name) >= 0)
			parse_fail(p, t->pos, "there is no CPU thread '%s' (did you mean '%s'?)",
				   name + 1, name);
		name[0] = 'P';
	}
	if (thread < 0) {
		nearest_init(&near, name, NEAREST_DISTANCE);
		for (int i = 0; i < p->test->threads; i++)
			nearest_offer(&near, p->test->thread[i].name);
		parse_fail(p, t->pos, "there is no thread '%.*s'%s", (int)(t->end - t->start),
			   p->text + t->start, nearest_text(&near));
	}
	lex_next(p);
	expect(p, ":", "after the thread");
	return thread;
}

static int parse_register(struct parser *p, int thread)
{
	struct token *t = &p->lex.tok;
	const struct litmus_thread *owner = &p->test->thread[thread];
	struct nearest near;

	if (t->kind != TOK_NAME)
		parse_fail_expected(p, "a register");
	nearest_init(&near, t->name, NEAREST_DISTANCE);
	for (int r = 0; r < owner->regs; r++) {
		if (!strcmp(owner->reg_name[r], t->name)) {
			lex_next(p);
			return r;
		}
		nearest_offer(&near, owner->reg_name[r]);
	}
	parse_fail(p, t->pos, "%s has no register '%s'%s", owner->name, t->name,
		   nearest_text(&near));
}

/* "0:r0", "x" or "c:x": fills the atom's place. Returns its index in an outcome. */
static int parse_place(struct parser *p, struct litmus_cond *atom)
{
	struct token *t = &p->lex.tok;

	if (t->kind == TOK_NUMBER || is_thread_name(t->name)) {
		atom->kind = COND_REG;
		atom->thread = parse_thread_name(p);
		atom->reg = parse_register(p, atom->thread);
		return litmus_reg_index(p->test, atom->thread, atom->reg);
	}
	if (t->kind == TOK_NAME && at_next(p, ":")) {
		struct nearest near;

		atom->kind = COND_CHILD_VAR;
		atom->child = find_child(p->test, t->name);
		if (atom->child < 0) {
			nearest_init(&near, t->name, NEAREST_DISTANCE);
			for (int c = 0; c < p->test->children; c++)
				nearest_offer(&near, p->test->child_name[c]);
			parse_fail(p, t->pos, "there is no thread or child '%s'%s", t->name,
				   nearest_text(&near));
		}
		lex_next(p);
		lex_next(p);
		atom->var = parse_known_var(p, "a variable");
		return litmus_child_index(p->test, atom->child, atom->var);
	}
	atom->kind = COND_VAR;
	if (accept(p, "[")) {
		atom->var = parse_known_var(p, "a variable");
		expect(p, "]", "after the variable");
	} else {
		atom->var = parse_known_var(p, "a variable");
	}
	return litmus_var_index(p->test, atom->var);
}

/* --- propositions -------------------------------------------------------- */

static int parse_or(struct parser *p, struct questions *q);

static int parse_atom(struct parser *p, struct questions *q)
{
	struct litmus_cond atom = { .left = -1, .right = -1 };

	if (p->lex.tok.kind != TOK_NAME && p->lex.tok.kind != TOK_NUMBER && !at(p, "["))
		parse_fail_expected(p, "a condition such as 0:r0=1 or x=1");
	if (accept(p, "true")) {
		atom.kind = COND_TRUE;
		return add_cond(p, atom);
	}
	q->shown[parse_place(p, &atom)] = true;
	atom.equal = !at(p, "!=");
	if (!accept(p, "=") && !accept(p, "==") && !accept(p, "!="))
		parse_fail_expected(p, "'=' or '!='");
	if (accept(p, "fault"))
		atom.value = LITMUS_FAULT;
	else if (accept(p, "unmapped"))
		atom.value = LITMUS_UNMAPPED;
	else
		atom.value = parse_integer(p, "a number, 'fault' or 'unmapped'");
	return add_cond(p, atom);
}

static int parse_not(struct parser *p, struct questions *q)
{
	int cond;

	depth_enter(p);
	if (accept(p, "~") || accept(p, "not") || accept(p, "!")) {
		cond = parse_not(p, q);
		cond = add_cond(p, (struct litmus_cond){ .kind = COND_NOT, .left = cond,
							 .right = -1 });
	} else if (accept(p, "(")) {
		cond = parse_or(p, q);
		expect(p, ")", "after the condition");
	} else {
		cond = parse_atom(p, q);
	}
	depth_leave(p);
	return cond;
}

static int parse_and(struct parser *p, struct questions *q)
{
	int left = parse_not(p, q);

	while (accept(p, "/\\") || accept(p, "&&")) {
		int right = parse_not(p, q);

		left = add_cond(p, (struct litmus_cond){ .kind = COND_AND, .left = left,
							 .right = right });
	}
	return left;
}

static int parse_or(struct parser *p, struct questions *q)
{
	int left = parse_and(p, q);

	while (accept(p, "\\/") || accept(p, "||")) {
		int right = parse_and(p, q);

		left = add_cond(p, (struct litmus_cond){ .kind = COND_OR, .left = left,
							 .right = right });
	}
	return left;
}

/* --- the whole ----------------------------------------------------------- */

static void parse_locations(struct parser *p, struct questions *q)
{
	struct litmus_cond place;

	q->located = true;
	expect(p, "[", "after 'locations'");
	while (!accept(p, "]")) {
		q->shown[parse_place(p, &place)] = true;
		if (!at(p, "]"))
			expect(p, ";", "between locations");
	}
}

static void parse_condition(struct parser *p, struct questions *q, enum litmus_quantifier kind,
			    size_t start)
{
	size_t size;

	p->test->quantifier = kind;
	p->test->condition = parse_or(p, q);
	size = p->lex.last_end - start + 1;
	p->test->condition_text = malloc(size + 1);
	if (!p->test->condition_text)
		parse_no_memory(p);
	fold_text(p, start, p->lex.last_end, p->test->condition_text, size + 1);
}

static void refuse_second(struct parser *p, bool had)
{
	if (had)
		parse_fail(p, p->lex.tok.pos, "a test has one '%.*s' only",
			   (int)(p->lex.tok.end - p->lex.tok.start), p->text + p->lex.tok.start);
}

static void parse_question(struct parser *p, struct questions *q)
{
	static const char *const words[] = { "filter", "locations", "exists", "forall", NULL };
	size_t start = p->lex.tok.start;

	if (at(p, "filter")) {
		refuse_second(p, p->test->filter >= 0);
		lex_next(p);
		p->test->filter = parse_or(p, q);
	} else if (at(p, "locations")) {
		refuse_second(p, q->located);
		lex_next(p);
		parse_locations(p, q);
	} else if (at(p, "exists") || at(p, "forall") || at(p, "~")) {
		bool negated = at(p, "~"), all = at(p, "forall");

		if (p->test->quantifier != QUANT_NONE)
			parse_fail(p, p->lex.tok.pos, "a test has one condition only");
		lex_next(p);
		if (negated)
			expect(p, "exists", "after '~'");
		parse_condition(p, q, all ? QUANT_FORALL :
				negated ? QUANT_NOT_EXISTS : QUANT_EXISTS, start);
	} else {
		parse_fail_word(p, "a thread, filter, locations, exists, ~exists or forall",
				words);
	}
}

/* Without a question: every register, and memory too if there is none. */
static void show_all(struct parser *p, struct questions *q)
{
	struct litmus *test = p->test;
	bool any = false;

	for (int t = 0; t < test->threads; t++)
		for (int r = 0; r < test->thread[t].regs; r++)
			if (test->thread[t].reg_name[r][0])
				q->shown[litmus_reg_index(test, t, r)] = any = true;
	for (int v = 0; v < test->vars && !any; v++)
		q->shown[litmus_var_index(test, v)] = true;
}

void parse_questions(struct parser *p)
{
	struct questions q = { .located = false };

	while (p->lex.tok.kind != TOK_END)
		parse_question(p, &q);
	if (p->test->quantifier == QUANT_NONE && p->test->filter < 0 && !q.located)
		show_all(p, &q);
	for (int i = 0; i < litmus_outcome_size(p->test); i++)
		if (q.shown[i])
			p->test->shown[p->test->shown_count++] = i;
}
