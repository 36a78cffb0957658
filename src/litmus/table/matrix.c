/* SPDX-License-Identifier: MIT */
/*
 * matrix.c - tests that nobody thought of: each pair of operations that can meet on one page,
 * run by two processors, while nobody, a third processor or a device looks on.
 *
 * The tests are text in the language of mmun-litmus(5) and are made on demand. They ask
 * nothing, so a finding of any oracle is a violation. Their numbers and names depend on the
 * tables below only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/lang/litmus.h"
#include "litmus/table/matrix.h"

/* What kind of page x is: its letter in the table of operations, its name, and what the
 * initial state says of it. X(enumerator, letter, name, initial state) */
#define KINDS(X)                                                        \
	X(ANON,   'a', "",       "x = 1;")                              \
	X(COW,    'c', "cow",    "x = 1 cow; x2 = 1 with x;")           \
	X(SHARED, 's', "shared", "x = 1 shared;")                       \
	X(FILE,   'f', "file",   "x = 1 file;")                         \
	X(HUGE,   'h', "huge",   "x = 1 huge; x2 = 1 beside x;")        \
	X(SWAP,   'w', "swapped", "x = 1 swapped;")

enum {
#define X(e, ...) KIND_##e,
	KINDS(X)
#undef X
	KIND_COUNT,
};

static const struct { char letter; const char *name, *init; } kinds[KIND_COUNT] = {
#define X(e, letter, name, init) { letter, name, init },
	KINDS(X)
#undef X
};

/* Pages besides x's, for those that need one. A page that x's moves to is like x's. */
static const struct { const char *name, *init, *cow, *huge; } others[] = {
	{ "y", "y = 2;", "y = 2; y2 = 2 with y;", "y = 2 huge; y2 = 2 beside y;" },
	{ "k", "k = 1;", "k = 1;", "" },  /* to merge with */
	{ "z", "z none;", "", "" },       /* where nothing is */
};

/* A statement, and the kinds of pages it is tried on: what an operation's entry says, and a
 * few ways more to come by a page. */
struct row { const char *name, *kinds; char statement[64]; };

/* Each stands before that operation. */
static const struct { const char *name, *statement, *kinds; enum op before; } ways[] = {
	{ "mremap_to", "mremap(y, x)", "ash", OP_MREMAP_DONTUNMAP },
	{ "cow", "WRITE_ONCE(*x2, 5)", "c", OP_SPLIT },
	{ "part", "madvise(x2, MADV_DONTNEED)", "h", OP_COUNT },
	{ "munmap_part", "munmap(x2)", "h", OP_COUNT },
};

static struct row row_of_op(const struct operation *o)
{
	struct row r = { o->matrix, o->kinds, "" };

	snprintf(r.statement, sizeof(r.statement), "%s(%s%s%s)", o->name, o->arguments,
		 *o->arguments && *o->word ? ", " : "", o->word);
	return r;
}

/* The @n-th row, from 0. False: there are no more. */
static bool row_at(int n, struct row *ret)
{
	for (int op = 0; op <= OP_COUNT; op++) {
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			if ((int)ways[i].before != op || n--)
				continue;
			*ret = (struct row){ ways[i].name, ways[i].kinds, "" };
			snprintf(ret->statement, sizeof(ret->statement), "%s", ways[i].statement);
			return true;
		}
		if (op == OP_COUNT || !*operations[op].matrix || n--)
			continue;
		*ret = row_of_op(&operations[op]);
		return true;
	}
	return false;
}

static struct row row(int n)
{
	struct row r;

	ASSERT(row_at(n, &r));
	return r;
}

static const struct { const char *name, *init, *thread, *params; } observers[] = {
	{ "none", "", NULL, NULL },
	{ "cpu", "P2 caches x;", "P2", "int *x" },
	{ "device", "D0 caches x;", "D0", "int *x" },
};

enum { OBSERVERS = ARRAY_SIZE(observers), OTHERS = ARRAY_SIZE(others) };

size_t litmus_matrix_rows(void)
{
	struct row r;
	int n = 0;

	while (row_at(n, &r))
		n++;
	return (size_t)n;
}

const char *litmus_matrix_row_name(size_t n) { return row((int)n).name; }

/* --- which tests there are ----------------------------------------------- */

/* Do the operations of both rows meet on a page of this kind? */
static bool meet(const struct litmus_matrix *m)
{
	struct row a = row(m->a), b = row(m->b);

	return strchr(a.kinds, kinds[m->kind].letter) && strchr(b.kinds, kinds[m->kind].letter);
}

bool litmus_matrix_next(struct litmus_matrix *m)
{
	int rows = (int)litmus_matrix_rows();

	if (!m->begun)
		*m = (struct litmus_matrix){ .begun = true, .observer = -1 };
	for (;;) {
		if (++m->observer == OBSERVERS) {
			m->observer = 0;
			m->kind++;
		}
		if (m->kind == KIND_COUNT) {
			m->kind = 0;
			m->b++;
		}
		if (m->b == rows) {
			m->a++;
			m->b = m->a;
		}
		if (m->a == rows)
			return false;
		if (meet(m))
			return true;
	}
}

bool litmus_matrix_find(const char *name, struct litmus_matrix *ret)
{
	struct litmus_matrix m = { 0 };
	char text[LITMUS_NAME_MAX];

	while (litmus_matrix_next(&m)) {
		litmus_matrix_name(&m, text, sizeof(text));
		if (strcmp(text, name))
			continue;
		*ret = m;
		return true;
	}
	return false;
}

void litmus_matrix_name(const struct litmus_matrix *m, char *buf, size_t size)
{
	snprintf(buf, size, "%s+%s%s%s%s%s", row(m->a).name, row(m->b).name,
		 m->kind ? "+" : "", kinds[m->kind].name, m->observer ? "+" : "",
		 m->observer ? observers[m->observer].name : "");
}

/* --- their text ---------------------------------------------------------- */

/* Does the statement have this variable as an argument? */
static bool names(const char *statement, const char *variable)
{
	size_t n = strlen(variable);

	for (const char *at = strchr(statement, '('); at && *at; at++)
		if (strchr("(*, ", *at) && !strncmp(at + 1, variable, n) &&
		    (at[1 + n] == ',' || at[1 + n] == ')'))
			return true;
	return false;
}

static void thread_text(FILE *out, const char *thread, const struct row *row,
			const char *suffix)
{
	static const char *const variables[] = { "x", "x2", "y", "k", "z" };
	const char *comma = "";
	char statement[64];

	/* A child has a name of its own. */
	snprintf(statement, sizeof(statement), "%s", row->statement);
	if (!strcmp(statement, "fork(c)"))
		snprintf(statement, sizeof(statement), "fork(c%s)", suffix);
	fprintf(out, "%s(", thread);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		if (!names(statement, variables[i]))
			continue;
		fprintf(out, "%sint *%s", comma, variables[i]);
		comma = ", ";
	}
	fputs(") {", out);
	if (!strcmp(row->name, "replace_page")) /* wants an area that is read-only */
		fputs(" mprotect(x, PROT_READ);", out);
	fprintf(out, " int r0 = %s; }\n", statement);
}

static void write_text(FILE *out, const struct litmus_matrix *m)
{
	struct row a = row(m->a), b = row(m->b);
	char name[LITMUS_NAME_MAX];

	litmus_matrix_name(m, name, sizeof(name));
	fprintf(out, "VM %s\n{ %s", name, kinds[m->kind].init);
	for (size_t i = 0; i < OTHERS; i++)
		if (names(a.statement, others[i].name) || names(b.statement, others[i].name))
			fprintf(out, " %s", m->kind == KIND_HUGE ? others[i].huge :
				m->kind == KIND_COW ? others[i].cow : others[i].init);
	if (m->kind != KIND_SWAP && m->observer) /* of what is mapped */
		fprintf(out, " %s", observers[m->observer].init);
	fputs(" }\n", out);
	thread_text(out, "P0", &a, "");
	thread_text(out, "P1", &b, "2");
	if (observers[m->observer].thread)
		fprintf(out, "%s(%s) { int r0 = READ_ONCE(*x); int r1 = WRITE_ONCE(*x, 3); }\n",
			observers[m->observer].thread, observers[m->observer].params);
}

int litmus_matrix_text(const struct litmus_matrix *m, char **ret_text, size_t *ret_size)
{
	FILE *out = open_memstream(ret_text, ret_size);

	if (!out)
		return -ENOMEM;
	write_text(out, m);
	if (!fclose(out))
		return 0;
	free(*ret_text);
	return -ENOMEM;
}
