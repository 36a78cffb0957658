/* SPDX-License-Identifier: MIT */
/*
 * outcome.c - what a test can end in: the layout of an outcome, its names and values, the
 * propositions over it, and sets of outcomes.
 *
 * Invariant of a set: its table is at most half full, each entry of the table is 0 or 1 + the
 * index of an outcome, and outcomes keep the order in which they came.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "litmus/lang/litmus.h"

/* --- layout -------------------------------------------------------------- */

int litmus_reg_index(const struct litmus *test, int thread, int reg)
{
	int index = reg;

	for (int t = 0; t < thread; t++)
		index += test->thread[t].regs;
	return index;
}

int litmus_var_index(const struct litmus *test, int var)
{
	return litmus_reg_index(test, test->threads, 0) + var;
}

int litmus_child_index(const struct litmus *test, int child, int var)
{
	return litmus_var_index(test, 0) + (1 + child) * test->vars + var;
}

int litmus_outcome_size(const struct litmus *test)
{
	return litmus_child_index(test, test->children, 0);
}

/* The thread of which the index is a register, with the number of it; -1: it is a variable, with
 * its number among them. */
static int thread_of(const struct litmus *test, int index, int *ret_nth)
{
	int t = 0;

	for (*ret_nth = index; t < test->threads && *ret_nth >= test->thread[t].regs; t++)
		*ret_nth -= test->thread[t].regs;
	return t < test->threads ? t : -1;
}

int litmus_index_thread(const struct litmus *test, int index)
{
	int nth;

	return thread_of(test, index, &nth);
}

const char *litmus_index_name(const struct litmus *test, int index, char *buf, size_t size)
{
	int nth, t = thread_of(test, index, &nth);
	const struct litmus_thread *thread = &test->thread[t < 0 ? 0 : t];

	ASSERT(nth >= 0 && (t >= 0 || nth < (1 + test->children) * test->vars));
	if (t >= 0)
		snprintf(buf, size, "%s:%s", thread->name + !thread->device, thread->reg_name[nth]);
	else if (nth < test->vars)
		snprintf(buf, size, "%s", test->var[nth].name);
	else
		snprintf(buf, size, "%s:%s", test->child_name[nth / test->vars - 1],
			 test->var[nth % test->vars].name);
	return buf;
}

const char *litmus_value_name(int64_t value, char *buf, size_t size)
{
	if (value == LITMUS_FAULT)
		snprintf(buf, size, "fault");
	else if (value == LITMUS_UNMAPPED)
		snprintf(buf, size, "unmapped");
	else
		snprintf(buf, size, "%" PRId64, value);
	return buf;
}

/* --- propositions and expressions ---------------------------------------- */

bool litmus_holds(const struct litmus *test, int cond, const int64_t *outcome)
{
	const struct litmus_cond *c;

	if (cond < 0)
		return true;
	c = &test->cond[cond];
	switch (c->kind) {
	case COND_TRUE:
		return true;
	case COND_REG:
		return (outcome[litmus_reg_index(test, c->thread, c->reg)] == c->value) == c->equal;
	case COND_VAR:
		return (outcome[litmus_var_index(test, c->var)] == c->value) == c->equal;
	case COND_CHILD_VAR:
		return (outcome[litmus_child_index(test, c->child, c->var)] == c->value) ==
		       c->equal;
	case COND_AND:
		return litmus_holds(test, c->left, outcome) &&
		       litmus_holds(test, c->right, outcome);
	case COND_OR:
		return litmus_holds(test, c->left, outcome) ||
		       litmus_holds(test, c->right, outcome);
	case COND_NOT:
		return !litmus_holds(test, c->left, outcome);
	}
	return false;
}

bool litmus_filtered_in(const struct litmus *test, const int64_t *outcome)
{
	return litmus_holds(test, test->filter, outcome);
}

static int64_t eval_arithmetic(enum litmus_expr_kind kind, int64_t left, int64_t right)
{
	uint64_t a = (uint64_t)left, b = (uint64_t)right;

	if (left == LITMUS_FAULT || right == LITMUS_FAULT)
		return LITMUS_FAULT;
	switch (kind) {
	case EXPR_ADD: return (int64_t)(a + b);
	case EXPR_SUB: return (int64_t)(a - b);
	case EXPR_MUL: return (int64_t)(a * b);
	case EXPR_AND: return (int64_t)(a & b);
	case EXPR_OR: return (int64_t)(a | b);
	default: return (int64_t)(a ^ b);
	}
}

static int64_t eval_order(enum litmus_expr_kind kind, int64_t left, int64_t right)
{
	if (left == LITMUS_FAULT || right == LITMUS_FAULT)
		return 0;
	switch (kind) {
	case EXPR_LT: return left < right;
	case EXPR_LE: return left <= right;
	case EXPR_GT: return left > right;
	default: return left >= right;
	}
}

int64_t litmus_eval(const struct litmus *test, int expr, const int64_t *regs)
{
	const struct litmus_expr *e = &test->expr[expr];
	int64_t left = e->left >= 0 ? litmus_eval(test, e->left, regs) : 0;
	int64_t right = e->right >= 0 ? litmus_eval(test, e->right, regs) : 0;

	switch (e->kind) {
	case EXPR_INT: return e->value;
	case EXPR_REG: return regs[e->value];
	case EXPR_FAULT: return LITMUS_FAULT;
	case EXPR_EQ: return left == right;
	case EXPR_NE: return left != right;
	case EXPR_LAND: return left && right;
	case EXPR_LOR: return left || right;
	case EXPR_NOT: return !left;
	case EXPR_NEG: return eval_arithmetic(EXPR_SUB, 0, left);
	case EXPR_LT:
	case EXPR_LE:
	case EXPR_GT:
	case EXPR_GE: return eval_order(e->kind, left, right);
	default: return eval_arithmetic(e->kind, left, right);
	}
}

/* --- sets ---------------------------------------------------------------- */

enum { CAPACITY_FIRST = 64 };

static uint64_t hash(const int64_t *outcome, int size)
{
	uint64_t h = 0;

	for (int i = 0; i < size; i++)
		h = hash_mix(h, (uint64_t)outcome[i]);
	return h;
}

struct key {
	const struct litmus_outcomes *set;
	const uint32_t *table;
	const int64_t *outcome;
};

static bool is_free_or_holds(const void *arg, size_t slot)
{
	const struct key *k = arg;
	size_t size = (size_t)k->set->size, index = k->table[slot];

	return !index || !memcmp(k->set->values + (index - 1) * size, k->outcome,
				 size * sizeof(*k->outcome));
}

/* The table's slot that holds @outcome, or the free one where it belongs. */
static size_t find_slot(const struct litmus_outcomes *set, const uint32_t *table,
			size_t capacity, const int64_t *outcome)
{
	return hash_slot(2 * capacity, hash(outcome, set->size), is_free_or_holds,
			 &(struct key){ set, table, outcome });
}

static int resize(struct litmus_outcomes *set, size_t capacity)
{
	size_t width = (size_t)set->size * sizeof(*set->values);
	int64_t *values;
	uint64_t *times;
	uint32_t *table;

	if (capacity >= UINT32_MAX / 2 || capacity > SIZE_MAX / (width + 1))
		return -ENOMEM;
	values = realloc(set->values, capacity * width + 1); /* a size of 0 is fine */
	if (!values)
		return -ENOMEM;
	set->values = values;
	times = realloc(set->times, capacity * sizeof(*times));
	if (!times)
		return -ENOMEM;
	set->times = times;
	table = calloc(2 * capacity, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		table[find_slot(set, table, capacity, values + i * (size_t)set->size)] =
			(uint32_t)i + 1;
	free(set->table);
	set->table = table;
	set->capacity = capacity;
	return 0;
}

int litmus_outcomes_init(struct litmus_outcomes *set, int size)
{
	int ret;

	memset(set, 0, sizeof(*set));
	set->size = size;
	ret = resize(set, CAPACITY_FIRST);
	if (ret)
		litmus_outcomes_fini(set);
	return ret;
}

void litmus_outcomes_fini(struct litmus_outcomes *set)
{
	free(set->values);
	free(set->times);
	free(set->table);
	memset(set, 0, sizeof(*set));
}

int litmus_outcomes_add(struct litmus_outcomes *set, const int64_t *outcome, uint64_t times)
{
	size_t slot = find_slot(set, set->table, set->capacity, outcome);
	int ret;

	if (set->table[slot]) {
		set->times[set->table[slot] - 1] += times;
		return 0;
	}
	if (set->count == set->capacity) {
		ret = resize(set, 2 * set->capacity);
		if (ret)
			return ret;
		slot = find_slot(set, set->table, set->capacity, outcome);
	}
	memcpy(set->values + set->count * (size_t)set->size, outcome,
	       (size_t)set->size * sizeof(*outcome));
	set->times[set->count] = times;
	set->table[slot] = (uint32_t)++set->count;
	return 0;
}

bool litmus_outcomes_has(const struct litmus_outcomes *set, const int64_t *outcome)
{
	return set->capacity && set->table[find_slot(set, set->table, set->capacity, outcome)];
}
