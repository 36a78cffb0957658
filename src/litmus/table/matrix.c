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

/* What kind of page x is. X(enumerator, name, what the initial state says) */
#define KINDS(X)                                                        \
	X(ANON,   "",       "x = 1;")                                   \
	X(COW,    "cow",    "x = 1 cow; x2 = 1 with x;")                \
	X(SHARED, "shared", "x = 1 shared;")                            \
	X(FILE,   "file",   "x = 1 file;")                              \
	X(HUGE,   "huge",   "x = 1 huge; x2 = 1 beside x;")             \
	X(SWAP,   "swapped", "x = 1 swapped;")

enum {
#define X(e, ...) KIND_##e,
	KINDS(X)
#undef X
	KIND_COUNT,
};

enum { A = 1 << KIND_ANON, C = 1 << KIND_COW, S = 1 << KIND_SHARED, F = 1 << KIND_FILE,
       H = 1 << KIND_HUGE, W = 1 << KIND_SWAP };

static const struct { const char *name, *init; } kinds[KIND_COUNT] = {
#define X(e, name, init) { name, init },
	KINDS(X)
#undef X
};

/* Pages besides x's, for those that need one. A page that x's moves to is like x's. */
static const struct { const char *name, *init, *cow, *huge; } others[] = {
	{ "y", "y = 2;", "y = 2; y2 = 2 with y;", "y = 2 huge; y2 = 2 beside y;" },
	{ "k", "k = 1;", "k = 1;", "" },  /* to merge with */
	{ "z", "z none;", "", "" },       /* where nothing is */
};

/* An operation and the kinds of pages it is tried on. The kinds beyond A, S and H are
 * for a few operations: what they add is the way the page is shared. */
static const struct litmus_matrix_row { const char *name, *statement; unsigned kinds; } rows[] = {
	{ "munmap", "munmap(x)", A | C | S | F | H | W },
	{ "mmap", "mmap(x)", A | S | H },
	{ "mprotect", "mprotect(x, PROT_READ)", A | C | S | F | H | W },
	{ "mremap", "mremap(x, y)", A | C | S | F | H | W },
	{ "mremap_to", "mremap(y, x)", A | S | H },
	{ "dontunmap", "mremap(x, y, MREMAP_DONTUNMAP)", A | S },
	{ "fork", "fork(c)", A | C | S | F | H | W },
	{ "dontneed", "madvise(x, MADV_DONTNEED)", A | C | S | F | H | W },
	{ "free", "madvise(x, MADV_FREE)", A | H | W },
	{ "pageout", "madvise(x, MADV_PAGEOUT)", A | C | S | W },
	{ "oom_reap", "oom_reap()", A | F | H },
	{ "ksm_merge", "ksm_merge(x, k)", A | C },
	{ "unmergeable", "madvise(x, MADV_UNMERGEABLE)", A },
	{ "replace_page", "replace_page(x, 4)", A },
	{ "move_pages", "move_pages(x)", A | C | S | F },
	{ "clear_refs", "clear_refs(4)", A | S | H },
	{ "page_idle", "page_idle(x)", A | S },
	{ "uffd_wp", "uffd_writeprotect(x, 1)", A | H },
	{ "uffd_move", "uffd_move(z, x)", A },
	{ "numa_hint", "numa_hint(x)", A | S | H },
	{ "truncate", "truncate(x)", S | F },
	{ "punch", "fallocate(x, FALLOC_FL_PUNCH_HOLE)", S | F },
	{ "remove", "madvise(x, MADV_REMOVE)", S },
	{ "msync", "msync(x)", S | F },
	{ "cow", "WRITE_ONCE(*x2, 5)", C },
	{ "split", "split_huge_page(x)", H },
	{ "part", "madvise(x2, MADV_DONTNEED)", H },
	{ "munmap_part", "munmap(x2)", H },
};

static const struct { const char *name, *init, *thread, *params; } observers[] = {
	{ "none", "", NULL, NULL },
	{ "cpu", "P2 caches x;", "P2", "int *x" },
	{ "device", "D0 caches x;", "D0", "int *x" },
};

enum { ROWS = ARRAY_SIZE(rows), OBSERVERS = ARRAY_SIZE(observers), OTHERS = ARRAY_SIZE(others) };

size_t litmus_matrix_rows(void) { return ROWS; }

const char *litmus_matrix_row_name(size_t row) { return rows[row].name; }

/* --- which tests there are ----------------------------------------------- */

bool litmus_matrix_next(struct litmus_matrix *m)
{
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
		if (m->b == ROWS) {
			m->a++;
			m->b = m->a;
		}
		if (m->a == ROWS)
			return false;
		if (rows[m->a].kinds & rows[m->b].kinds & 1u << m->kind)
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
	snprintf(buf, size, "%s+%s%s%s%s%s", rows[m->a].name, rows[m->b].name,
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

static void thread_text(FILE *out, const char *thread, const struct litmus_matrix_row *row,
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
	const struct litmus_matrix_row *a = &rows[m->a], *b = &rows[m->b];
	char name[LITMUS_NAME_MAX];

	litmus_matrix_name(m, name, sizeof(name));
	fprintf(out, "VM %s\n{ %s", name, kinds[m->kind].init);
	for (size_t i = 0; i < OTHERS; i++)
		if (names(a->statement, others[i].name) || names(b->statement, others[i].name))
			fprintf(out, " %s", m->kind == KIND_HUGE ? others[i].huge :
				m->kind == KIND_COW ? others[i].cow : others[i].init);
	if (m->kind != KIND_SWAP && m->observer) /* of what is mapped */
		fprintf(out, " %s", observers[m->observer].init);
	fputs(" }\n", out);
	thread_text(out, "P0", a, "");
	thread_text(out, "P1", b, "2");
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
