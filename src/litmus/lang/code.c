/* SPDX-License-Identifier: MIT */
/*
 * code.c - parses a thread: its parameters, and a body of statements that becomes a list of
 * instructions with forward jumps.
 *
 * Invariant: one instruction makes at most one access to memory. Loads inside an expression
 * are taken out of it, from left to right, into temporaries, which are registers without a
 * name. For this reason a load may not stand where C would not always run it.
 */
#include <stdio.h>
#include <string.h>

#include "litmus/lang/parser.h"

static const struct { const char *text; enum litmus_order order; } loads[] = {
	{ "READ_ONCE", ORDER_ONCE }, { "smp_load_acquire", ORDER_ACQ_REL },
}, stores[] = {
	{ "WRITE_ONCE", ORDER_ONCE }, { "smp_store_release", ORDER_ACQ_REL },
};

static const char *const fences[] = { "smp_mb", "smp_rmb", "smp_wmb" };

static const struct {
	const char *text;
	int level; /* how tightly it binds */
	enum litmus_expr_kind kind;
} binaries[] = {
	{ "||", 1, EXPR_LOR }, { "&&", 2, EXPR_LAND }, { "|", 3, EXPR_OR }, { "^", 4, EXPR_XOR },
	{ "&", 5, EXPR_AND }, { "==", 6, EXPR_EQ }, { "!=", 6, EXPR_NE }, { "<", 7, EXPR_LT },
	{ "<=", 7, EXPR_LE }, { ">", 7, EXPR_GT }, { ">=", 7, EXPR_GE }, { "+", 8, EXPR_ADD },
	{ "-", 8, EXPR_SUB }, { "*", 9, EXPR_MUL },
};

/* --- emitting ------------------------------------------------------------ */

static struct litmus_insn *emit(struct parser *p, enum litmus_insn_kind kind)
{
	struct litmus_thread *t = p->thread;
	struct litmus_insn *insn = &t->insn[t->insns];

	if (t->insns == LITMUS_INSNS_MAX)
		parse_fail(p, p->lex.tok.pos, "%s is too long (at most %d instructions)", t->name,
			   LITMUS_INSNS_MAX);
	t->insns++;
	memset(insn, 0, sizeof(*insn));
	insn->kind = kind;
	insn->reg = insn->var = insn->var2 = insn->expr = -1;
	insn->pos = p->lex.tok.pos;
	return insn;
}

/* An instruction's text and position are those of what was written from @start on. */
static void stamp(struct parser *p, struct litmus_insn *insn, const struct token *start)
{
	insn->pos = start->pos;
	fold_text(p, start->start, p->lex.last_end, insn->text, sizeof(insn->text));
}

static int add_expr(struct parser *p, struct litmus_expr expr)
{
	if (p->test->exprs == LITMUS_EXPRS_MAX)
		parse_fail(p, p->lex.tok.pos, "the test is too long (at most %d parts of "
			   "expressions)", LITMUS_EXPRS_MAX);
	p->test->expr[p->test->exprs] = expr;
	return p->test->exprs++;
}

static int add_reg(struct parser *p, const char *name)
{
	struct litmus_thread *t = p->thread;

	if (t->regs == LITMUS_REGS_MAX)
		parse_fail(p, p->lex.tok.pos, "%s has too many registers (at most %d, "
			   "one for each load inside an expression included)", t->name,
			   LITMUS_REGS_MAX);
	memcpy(t->reg_name[t->regs], name, strlen(name) + 1);
	p->reg_block[t->regs] = p->block;
	return t->regs++;
}

static int find_reg(const struct parser *p, const char *name)
{
	for (int r = 0; r < p->thread->regs; r++)
		if (!strcmp(p->thread->reg_name[r], name))
			return r;
	return -1;
}

/* --- names --------------------------------------------------------------- */

/* The kernel's words that a body cannot have: where there is no such thing, one looks for it. */
static bool is_of_checks(const char *name)
{
	static const char *const beginning[] = {
		"atomic_", "atomic64_", "clear_bit", "cmpxchg", "down_", "kfree", "kmalloc",
		"kref_", "mmu_notifier_", "mmu_interval_", "mutex_", "pte_", "ptep_", "rcu_",
		"read_lock", "read_unlock", "refcount_", "set_bit", "set_pte", "smp_", "spin_",
		"srcu_", "synchronize_", "test_and_", "try_cmpxchg", "up_", "wait_event",
		"wake_up", "write_lock", "write_unlock", "xchg",
	};

	for (size_t i = 0; i < ARRAY_SIZE(beginning); i++)
		if (!strncmp(name, beginning[i], strlen(beginning[i])))
			return true;
	return false;
}

/* Says what @name may have meant, of everything that a body may name. */
_Noreturn static void fail_unknown(struct parser *p, const char *kind, bool functions)
{
	const struct token *t = &p->lex.tok;
	struct nearest near;

	nearest_init(&near, t->name, NEAREST_DISTANCE);
	for (int r = 0; r < p->thread->regs && !functions; r++)
		nearest_offer(&near, p->thread->reg_name[r]);
	for (int v = 0; v < p->test->vars && !functions; v++)
		if (p->params & 1u << v)
			nearest_offer(&near, p->test->var[v].name);
	for (size_t i = 0; i < ARRAY_SIZE(loads) && functions; i++)
		nearest_offer(&near, loads[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(stores) && functions; i++)
		nearest_offer(&near, stores[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(fences) && functions; i++)
		nearest_offer(&near, fences[i]);
	for (int i = 0; i < OP_COUNT && functions; i++)
		nearest_offer(&near, operations[i].name);
	if (!near.best && functions && is_of_checks(t->name))
		parse_fail(p, t->pos, "'%s' is not in the language of litmus tests; a check in "
			   "C (mmun check FILE.c) has Linux's locks, atomics and RCU", t->name);
	parse_fail(p, t->pos, "unknown %s '%s'%s", kind, t->name, nearest_text(&near));
}

static int parse_var(struct parser *p)
{
	const struct token *t = &p->lex.tok;
	int v = find_var(p->test, t->name);

	if (t->kind != TOK_NAME)
		parse_fail_expected(p, "a variable");
	if (v >= 0 && !(p->params & 1u << v))
		parse_fail(p, t->pos, "'%s' is not a parameter of %s", t->name, p->thread->name);
	if (v < 0)
		fail_unknown(p, "variable", false);
	lex_next(p);
	return v;
}

/* --- expressions --------------------------------------------------------- */

static int parse_expr(struct parser *p, int level);

static int at_load(const struct parser *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		if (at(p, loads[i].text))
			return (int)i;
	return -1;
}

static int at_store(const struct parser *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++)
		if (at(p, stores[i].text))
			return (int)i;
	return -1;
}

static int at_op(const struct parser *p)
{
	for (int i = 0; i < OP_COUNT; i++)
		if (at(p, operations[i].name))
			return i;
	return -1;
}

/* *x, READ_ONCE(*x) or smp_load_acquire(x) into @reg, -1: a new temporary. */
static int parse_load(struct parser *p, int reg)
{
	struct token start = p->lex.tok;
	struct litmus_insn *insn;
	int load = at_load(p), var;

	if (p->lazy)
		parse_fail(p, start.pos, "a load to the right of '&&' or '||' is not always "
			   "executed: use a nested if");
	lex_next(p);
	if (load >= 0) {
		expect(p, "(", "after the load");
		if (loads[load].order == ORDER_ONCE)
			expect(p, "*", "before the variable");
	}
	var = parse_var(p);
	if (load >= 0)
		expect(p, ")", "after the variable");
	insn = emit(p, INSN_LOAD);
	insn->order = load >= 0 ? loads[load].order : ORDER_PLAIN;
	insn->var = var;
	insn->reg = reg >= 0 ? reg : add_reg(p, "");
	stamp(p, insn, &start);
	return insn->reg;
}

static int parse_name_in_expr(struct parser *p)
{
	const struct token *t = &p->lex.tok;
	int reg = find_reg(p, t->name), var = find_var(p->test, t->name);

	if (accept(p, "fault"))
		return add_expr(p, (struct litmus_expr){ .kind = EXPR_FAULT, .left = -1,
							 .right = -1 });
	if (at_op(p) >= 0 || at_store(p) >= 0)
		parse_fail(p, t->pos, "give the result of '%s' to a register of its own first",
			   t->name);
	if (reg < 0 && var >= 0)
		parse_fail(p, t->pos, "'%s' is a pointer: read it with READ_ONCE(*%s)", t->name,
			   t->name);
	if (reg < 0)
		fail_unknown(p, at_next(p, "(") ? "function" : "register", at_next(p, "("));
	lex_next(p);
	return add_expr(p, (struct litmus_expr){ .kind = EXPR_REG, .value = reg, .left = -1,
						 .right = -1 });
}

static int parse_operand(struct parser *p)
{
	int expr, reg;

	if (at(p, "*") || at_load(p) >= 0) {
		reg = parse_load(p, -1);
		return add_expr(p, (struct litmus_expr){ .kind = EXPR_REG, .value = reg,
							 .left = -1, .right = -1 });
	}
	if (p->lex.tok.kind == TOK_NUMBER)
		return add_expr(p, (struct litmus_expr){
			.kind = EXPR_INT, .value = parse_integer(p, "a number"), .left = -1,
			.right = -1 });
	if (p->lex.tok.kind == TOK_NAME)
		return parse_name_in_expr(p);
	if (!accept(p, "("))
		parse_fail_expected(p, "an expression");
	expr = parse_expr(p, 1);
	expect(p, ")", "after the expression");
	return expr;
}

static int parse_unary(struct parser *p)
{
	bool not = at(p, "!");
	int expr;

	depth_enter(p);
	if (accept(p, "!") || accept(p, "-")) {
		expr = parse_unary(p);
		expr = add_expr(p, (struct litmus_expr){ .kind = not ? EXPR_NOT : EXPR_NEG,
							 .left = expr, .right = -1 });
	} else {
		expr = parse_operand(p);
	}
	depth_leave(p);
	return expr;
}

static int at_binary(const struct parser *p, int level)
{
	for (size_t i = 0; i < ARRAY_SIZE(binaries); i++)
		if (binaries[i].level >= level && at(p, binaries[i].text))
			return (int)i;
	return -1;
}

static int parse_expr(struct parser *p, int level)
{
	int left = parse_unary(p), i;

	while ((i = at_binary(p, level)) >= 0) {
		bool lazy = binaries[i].kind == EXPR_LAND || binaries[i].kind == EXPR_LOR;
		int right;

		lex_next(p);
		p->lazy += lazy;
		right = parse_expr(p, binaries[i].level + 1);
		p->lazy -= lazy;
		left = add_expr(p, (struct litmus_expr){ .kind = binaries[i].kind, .left = left,
							 .right = right });
	}
	return left;
}

/* --- statements ---------------------------------------------------------- */

static void parse_statement(struct parser *p);

/* WRITE_ONCE(*x, e) or smp_store_release(x, e); @reg: 0 or FAULT, -1: nobody asks. */
static void parse_store(struct parser *p, int reg)
{
	struct litmus_insn *insn;
	enum litmus_order order = stores[at_store(p)].order;
	int var, expr;

	lex_next(p);
	expect(p, "(", "after the store");
	if (order == ORDER_ONCE)
		expect(p, "*", "before the variable");
	var = parse_var(p);
	expect(p, ",", "after the variable");
	expr = parse_expr(p, 1);
	expect(p, ")", "after the value");
	insn = emit(p, INSN_STORE);
	insn->order = order;
	insn->var = var;
	insn->expr = expr;
	insn->reg = reg;
}

static void parse_plain_store(struct parser *p)
{
	struct litmus_insn *insn;
	int var, expr;

	expect(p, "*", "before the variable");
	var = parse_var(p);
	expect(p, "=", "after the variable");
	expr = parse_expr(p, 1);
	insn = emit(p, INSN_STORE);
	insn->order = ORDER_PLAIN;
	insn->var = var;
	insn->expr = expr;
}

static int parse_prot(struct parser *p)
{
	struct litmus_pos pos = p->lex.tok.pos;
	int prot = 0;

	if (accept(p, "PROT_NONE"))
		return LITMUS_PROT_NONE;
	do {
		if (accept(p, "PROT_READ"))
			prot |= LITMUS_PROT_READ;
		else if (accept(p, "PROT_WRITE"))
			prot |= LITMUS_PROT_WRITE;
		else
			parse_fail_expected(p, "PROT_NONE, PROT_READ or PROT_READ | PROT_WRITE");
	} while (accept(p, "|"));
	if (prot == LITMUS_PROT_WRITE)
		parse_fail(p, pos, "PROT_WRITE needs PROT_READ: no processor maps pages so");
	return prot;
}

static int parse_child(struct parser *p)
{
	struct litmus *test = p->test;
	struct litmus_pos pos = p->lex.tok.pos;
	char name[LITMUS_NAME_MAX];

	parse_new_name(p, "a name for the child", name);
	if (find_var(test, name) >= 0)
		parse_fail(p, pos, "'%s' is a variable; a child needs another name", name);
	for (int c = 0; c < test->children; c++)
		if (!strcmp(test->child_name[c], name))
			parse_fail(p, pos, "the child '%s' is forked already", name);
	if (test->children == LITMUS_CHILDREN_MAX)
		parse_fail(p, pos, "too many children (at most %d)", LITMUS_CHILDREN_MAX);
	memcpy(test->child_name[test->children], name, sizeof(name));
	return test->children++;
}

static void refuse_op(struct parser *p)
{
	const struct token *t = &p->lex.tok;

	if (!p->test->vm)
		parse_fail(p, t->pos, "'%s' needs a test that begins with 'VM'", t->name);
	if (p->thread->device)
		parse_fail(p, t->pos, "%s is a device: only CPU threads call '%s'",
			   p->thread->name, t->name);
}

/* Which of the operations with the name of @op it is: their words tell. @first: the word
 * would be the first argument. */
static enum op parse_op_word(struct parser *p, enum op op, bool first)
{
	const char *words[OP_COUNT + 1] = { NULL };
	enum op bare = OP_COUNT, other = op;
	char list[400];
	size_t n = 0;

	do {
		if (*operations[other].word)
			words[n++] = operations[other].word;
		else
			bare = other;
		other = operation_sibling(other);
	} while (other != op);
	if (!n || (bare != OP_COUNT && at(p, ")")))
		return bare;
	if (!first)
		expect(p, ",", "after the variable");
	do
		if (*operations[other].word && accept(p, operations[other].word))
			return other;
	while ((other = operation_sibling(other)) != op);
	parse_fail_word(p, join_words(words, list, sizeof(list)), words);
}

/* Pages that change places must be alike, or a word would have no name any more. */
static void refuse_pages(struct parser *p, const struct litmus_insn *insn, struct litmus_pos pos)
{
	const struct litmus *test = p->test;
	const struct litmus_var *x = &test->var[insn->var], *y = &test->var[insn->var2];
	unsigned pages = litmus_pages_of(test, insn->var);
	bool alike = __builtin_popcount(pages) ==
		     __builtin_popcount(litmus_pages_of(test, insn->var2));

	if (pages & litmus_pages_of(test, insn->var2))
		parse_fail(p, pos, "'%s' and '%s' are on one page", x->name, y->name);
	if (!strchr(operations[insn->op].takes, 't'))
		return;
	for (int q = 0; q < test->pages; q++)
		alike &= !(pages >> q & 1) || litmus_partner(test, insn, q) >= 0;
	if (!alike)
		parse_fail(p, pos, "'%s' and '%s' do not have as many variables on as many pages",
			   x->name, y->name);
	if ((x->span == SPAN_PAGE || x->slot) != (y->span == SPAN_PAGE || y->slot))
		parse_fail(p, pos, "'%s' and '%s' must both be a page or both a huge page",
			   x->name, y->name);
}

static void refuse_operands(struct parser *p, const struct litmus_insn *insn,
			    struct litmus_pos pos)
{
	if (insn->var2 >= 0)
		refuse_pages(p, insn, pos);
	if (!strchr(operations[insn->op].takes, 'o'))
		return;
	if (!litmus_has_object(p->test, p->test->var[insn->var].page))
		parse_fail(p, pos, "'%s' is no page of a file: declare it 'shared' or 'file'",
			   p->test->var[insn->var].name);
}

static void parse_op(struct parser *p, int reg)
{
	enum op op = (enum op)at_op(p);
	struct litmus_insn got = { .kind = INSN_OP, .reg = reg, .var = -1, .var2 = -1, .expr = -1 };
	const char *takes = operations[op].takes;
	struct litmus_pos pos = p->lex.tok.pos;

	refuse_op(p);
	lex_next(p);
	expect(p, "(", "after the operation");
	for (const char *t = takes; *t; t++) {
		if (t > takes)
			expect(p, ",", "after the variable");
		if (*t == 'e')
			got.expr = parse_expr(p, 1);
		else if (*t == 'p')
			got.prot = parse_prot(p);
		else if (*t == 'c')
			got.child = parse_child(p);
		else
			*(got.var < 0 ? &got.var : &got.var2) = parse_var(p);
	}
	got.op = parse_op_word(p, op, !*takes);
	expect(p, ")", "after the operation");
	refuse_operands(p, &got, pos);
	got.pos = p->lex.tok.pos;
	*emit(p, INSN_OP) = got;
}

/* A load that is all of the right side goes to @reg itself. */
static bool parse_bare_load(struct parser *p, int reg)
{
	struct lexer saved = p->lex;
	int insns = p->thread->insns;

	if (!at(p, "*") && at_load(p) < 0)
		return false;
	parse_load(p, reg);
	if (at(p, ";") || at(p, ","))
		return true;
	p->lex = saved;
	p->thread->insns = insns;
	return false;
}

static void parse_right_side(struct parser *p, int reg)
{
	struct litmus_insn *insn;
	int expr;

	if (at_store(p) >= 0) {
		parse_store(p, reg);
	} else if (at_op(p) >= 0) {
		parse_op(p, reg);
	} else if (!parse_bare_load(p, reg)) {
		expr = parse_expr(p, 1);
		insn = emit(p, INSN_SET);
		insn->reg = reg;
		insn->expr = expr;
	}
}

static void parse_declarator(struct parser *p)
{
	struct token start = p->lex.tok;
	char name[LITMUS_NAME_MAX];
	int reg;

	if (at(p, "*"))
		parse_fail(p, start.pos, "a register holds a number: pointers are parameters only");
	parse_new_name(p, "a register's name", name);
	if (find_var(p->test, name) >= 0)
		parse_fail(p, start.pos, "'%s' is a variable; a register needs another name", name);
	reg = find_reg(p, name);
	if (reg >= 0 && p->reg_block[reg] == p->block)
		parse_fail(p, start.pos, "'%s' is already declared", name);
	if (reg < 0)
		reg = add_reg(p, name);
	p->reg_block[reg] = p->block;
	if (accept(p, "=")) {
		parse_right_side(p, reg);
		stamp(p, &p->thread->insn[p->thread->insns - 1], &start);
	}
}

static void parse_if(struct parser *p)
{
	struct litmus_thread *t = p->thread;
	struct token start = p->lex.tok;
	struct litmus_insn *insn;
	int unless, jump, expr;

	lex_next(p);
	expect(p, "(", "after 'if'");
	expr = parse_expr(p, 1);
	expect(p, ")", "after the condition");
	insn = emit(p, INSN_JUMP_UNLESS);
	insn->expr = expr;
	stamp(p, insn, &start);
	unless = t->insns - 1;
	parse_statement(p);
	if (at(p, "else")) {
		emit(p, INSN_JUMP);
		jump = t->insns - 1;
		t->insn[unless].target = t->insns;
		lex_next(p);
		parse_statement(p);
		t->insn[jump].target = t->insns;
	} else {
		t->insn[unless].target = t->insns;
	}
}

/* A thread does not begin inside another one: that has no end yet. */
static void refuse_thread(struct parser *p)
{
	const struct token *t = &p->lex.tok;

	if (t->kind == TOK_NAME && is_thread_name(t->name) && at_next(p, "("))
		parse_fail(p, t->pos, "expected '}' of %s, which begins in line %d, before '%s'",
			   p->thread->name, p->thread->pos.line, t->name);
}

static void parse_block(struct parser *p)
{
	int outer = p->block;

	p->block = ++p->blocks;
	lex_next(p);
	while (!at(p, "}")) {
		if (p->lex.tok.kind == TOK_END)
			parse_fail_expected(p, "'}'");
		refuse_thread(p);
		parse_statement(p);
	}
	if (p->depth == 1)
		p->in_code = false; /* behind the thread's own brace */
	lex_next(p);
	p->block = outer;
}

static bool parse_fence(struct parser *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(fences); i++) {
		if (accept(p, fences[i])) {
			expect(p, "(", "after the fence");
			expect(p, ")", "after '('");
			emit(p, INSN_FENCE);
			return true;
		}
	}
	return false;
}

/* "itn r0": a name and a name; the first was to be a type. */
static void refuse_unknown_type(struct parser *p)
{
	static const char *const types[] = { "int", "long", "u64" };
	const struct token *t = &p->lex.tok;
	struct lexer saved = p->lex;
	struct nearest near;
	bool declares;

	lex_next(p);
	declares = p->lex.tok.kind == TOK_NAME;
	p->lex = saved;
	if (!declares)
		return;
	nearest_init(&near, t->name, NEAREST_DISTANCE);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		nearest_offer(&near, types[i]);
	parse_fail(p, t->pos, "unknown type '%s'%s", t->name,
		   near.best ? nearest_text(&near) : ": use int, long or u64");
}

static void parse_assignment(struct parser *p)
{
	const struct token *t = &p->lex.tok;
	int reg = find_reg(p, t->name);

	if (t->kind != TOK_NAME)
		parse_fail_expected(p, "a statement");
	if (reg < 0 && at_next(p, "("))
		fail_unknown(p, "operation", true);
	if (reg < 0)
		refuse_unknown_type(p);
	if (reg < 0 && find_var(p->test, t->name) >= 0)
		parse_fail(p, t->pos, "'%s' is a pointer: write it with WRITE_ONCE(*%s, ...)",
			   t->name, t->name);
	if (reg < 0)
		fail_unknown(p, "register", false);
	lex_next(p);
	expect(p, "=", "after the register");
	parse_right_side(p, reg);
}

static void refuse_statement(struct parser *p)
{
	static const char *const others[] = {
		"while", "for", "do", "switch", "goto", "return", "break", "continue",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (at(p, others[i]))
			parse_fail(p, p->lex.tok.pos, "'%s' is not supported: a body has "
				   "assignments, calls, if and else", others[i]);
	if (at(p, "(") && at_next(p, "*"))
		parse_fail(p, p->lex.tok.pos, "expected a statement, found '(*'; "
			   "inside a thread a comment is written /* ... */");
	if (at(p, "else"))
		parse_fail(p, p->lex.tok.pos, "expected a statement, found 'else' without an if");
}

static void parse_simple(struct parser *p)
{
	struct token start = p->lex.tok;

	refuse_statement(p);
	if (at_type(p)) {
		lex_next(p);
		do
			parse_declarator(p);
		while (accept(p, ","));
		expect(p, ";", "after the declaration");
		return;
	}
	if (at(p, "*"))
		parse_plain_store(p);
	else if (at_load(p) >= 0)
		parse_load(p, -1);
	else if (at_store(p) >= 0)
		parse_store(p, -1);
	else if (at_op(p) >= 0)
		parse_op(p, -1);
	else if (!parse_fence(p))
		parse_assignment(p);
	stamp(p, &p->thread->insn[p->thread->insns - 1], &start);
	expect(p, ";", "after the statement");
}

static void parse_statement(struct parser *p)
{
	depth_enter(p);
	if (at(p, "{"))
		parse_block(p);
	else if (at(p, "if"))
		parse_if(p);
	else if (!accept(p, ";"))
		parse_simple(p);
	depth_leave(p);
}

/* --- the thread ---------------------------------------------------------- */

static void parse_param(struct parser *p)
{
	struct litmus_pos pos;
	char name[LITMUS_NAME_MAX];
	int v;

	if (!at_type(p))
		parse_fail_expected(p, "a parameter such as int *x");
	lex_next(p);
	expect(p, "*", "after the type");
	pos = p->lex.tok.pos;
	parse_new_name(p, "a variable's name", name);
	v = find_var(p->test, name);
	if (v < 0 && p->test->vm) {
		struct nearest near;

		nearest_init(&near, name, NEAREST_DISTANCE);
		for (int i = 0; i < p->test->vars; i++)
			nearest_offer(&near, p->test->var[i].name);
		parse_fail(p, pos, "'%s' is not in the initial state%s", name, nearest_text(&near));
	}
	if (v < 0)
		v = add_var(p, name, pos);
	if (p->params & 1u << v)
		parse_fail(p, pos, "'%s' is a parameter already", name);
	p->params |= 1u << v;
}

static void parse_params(struct parser *p)
{
	expect(p, "(", "after the thread's name");
	p->params = 0;
	if (at(p, "void") && at_next(p, ")"))
		lex_next(p);
	if (!at(p, ")")) {
		do
			parse_param(p);
		while (accept(p, ","));
	}
	expect(p, ")", "after the parameters");
}

void parse_thread(struct parser *p)
{
	const struct token *tok = &p->lex.tok;
	struct litmus *test = p->test;
	struct litmus_thread *t = &test->thread[test->threads];

	if (test->threads == LITMUS_THREADS_MAX)
		parse_fail(p, tok->pos, "too many threads (at most %d)", LITMUS_THREADS_MAX);
	if (find_thread(test, tok->name) >= 0)
		parse_fail(p, tok->pos, "there is a thread '%s' already", tok->name);
	if (tok->name[0] == 'D' && !test->vm)
		parse_fail(p, tok->pos, "a 'C' test has no devices; begin the test with 'VM'");
	memcpy(t->name, tok->name, sizeof(t->name));
	t->pos = tok->pos;
	t->device = tok->name[0] == 'D';
	test->threads++;
	p->thread = t;
	lex_next(p);
	parse_params(p);
	if (!at(p, "{"))
		parse_fail_expected(p, "'{' before the thread's body");
	p->in_code = true;
	parse_statement(p);
}
