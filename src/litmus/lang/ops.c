/* SPDX-License-Identifier: MIT */
/*
 * ops.c - what is known of the operations without running them: their names and words, which
 * pages they are about, and which rights they take and give. The parser, the flat reference
 * and the oracles use it and so cannot disagree.
 */
#include "litmus/lang/litmus.h"

const char *const litmus_op_names[OP_COUNT + 1] = {
#define X(e, text, ...) [e] = text,
	LITMUS_OPS(X)
#undef X
};

const char *const litmus_row_names[ROW_COUNT + 1] = {
#define X(e, text) [ROW_##e] = text,
	LITMUS_ROWS(X)
#undef X
};

const char *litmus_op_takes(enum litmus_op op)
{
	static const char *const takes[OP_COUNT] = {
#define X(e, text, t) [e] = t,
		LITMUS_OPS(X)
#undef X
	};

	return takes[op];
}

const char *litmus_op_word(enum litmus_op op, int n, int *ret_word)
{
	static const struct { enum litmus_op op; const char *text; int word; } words[] = {
#define X(e, text) { OP_MADVISE, text, e },
		LITMUS_ADVICE(X)
#undef X
		{ OP_MREMAP, "MREMAP_DONTUNMAP", 1 },
		{ OP_FALLOCATE, "FALLOC_FL_PUNCH_HOLE", 1 },
		{ OP_CLEAR_REFS, "1", 1 }, { OP_CLEAR_REFS, "4", 4 },
		{ OP_UFFD_WP, "1", 1 }, { OP_UFFD_WP, "0", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].op != op || n--)
			continue;
		*ret_word = words[i].word;
		return words[i].text;
	}
	return NULL;
}

/* --- pages --------------------------------------------------------------- */

unsigned litmus_pages_of(const struct litmus *test, int var)
{
	const struct litmus_var *x = &test->var[var];
	unsigned pages = 1u << x->page;

	if (x->span == SPAN_PAGE || x->slot)
		return pages;
	for (int v = 0; v < test->vars; v++)
		if (test->var[v].table == x->table)
			pages |= 1u << test->var[v].page;
	return pages;
}

bool litmus_has_object(const struct litmus *test, int page)
{
	for (int v = 0; v < test->vars; v++)
		if (test->var[v].page == page)
			return test->var[v].backing == BACKING_SHARED ||
			       test->var[v].backing == BACKING_FILE;
	return false;
}

static int words_of(const struct litmus *test, int page)
{
	int words = 0;

	for (int v = 0; v < test->vars; v++)
		words += test->var[v].page == page;
	return words;
}

static int slot_of(const struct litmus *test, int page)
{
	for (int v = 0; v < test->vars; v++)
		if (test->var[v].page == page)
			return test->var[v].slot;
	return -1;
}

int litmus_partner(const struct litmus *test, const struct litmus_insn *insn, int page)
{
	unsigned pages = litmus_pages_of(test, insn->var2);
	int slot = slot_of(test, page) - test->var[insn->var].slot;

	for (int q = 0; q < test->pages; q++)
		if (pages >> q & 1 && slot_of(test, q) - test->var[insn->var2].slot == slot &&
		    words_of(test, q) == words_of(test, page))
			return q;
	return -1;
}

/* A page of an object may be mapped elsewhere by then. */
static unsigned pages_of_objects(const struct litmus *test)
{
	unsigned pages = 0;

	for (int t = 0; t < test->threads; t++)
		for (int i = 0; i < test->thread[t].insns; i++)
			if (test->thread[t].insn[i].op == OP_MREMAP &&
			    test->thread[t].insn[i].kind == INSN_OP)
				return (1u << test->pages) - 1;
	for (int p = 0; p < test->pages; p++)
		pages |= litmus_has_object(test, p) ? 1u << p : 0;
	return pages;
}

unsigned litmus_pages_exchanged(const struct litmus *test, const struct litmus_insn *insn)
{
	switch (insn->op) {
	case OP_MMAP:
		return litmus_pages_of(test, insn->var);
	case OP_MREMAP:
	case OP_UFFD_MOVE:
		return litmus_pages_of(test, insn->var) | litmus_pages_of(test, insn->var2);
	case OP_MADVISE:
		return insn->word == ADVICE_REMOVE ? pages_of_objects(test) :
		       insn->word == ADVICE_DONTNEED || insn->word == ADVICE_FREE ||
		       insn->word == ADVICE_PAGEOUT ? litmus_pages_of(test, insn->var) : 0;
	case OP_PIN_STORE:
		return 1u << test->var[insn->var].page;
	case OP_TRUNCATE:
	case OP_FALLOCATE:
		return pages_of_objects(test);
	case OP_OOM_REAP:
		return (1u << test->pages) - 1;
	default:
		return 0;
	}
}

/* --- rights -------------------------------------------------------------- */

/* On x86 what may be written may be read. */
static int rights_of(int prot)
{
	return prot & LITMUS_PROT_WRITE ? LITMUS_PROT_READ | LITMUS_PROT_WRITE : prot;
}

int litmus_rights_taken(const struct litmus_insn *insn)
{
	if (insn->op == OP_MUNMAP || (insn->op == OP_MREMAP && !insn->word))
		return LITMUS_PROT_READ | LITMUS_PROT_WRITE;
	if (insn->op == OP_MPROTECT)
		return (LITMUS_PROT_READ | LITMUS_PROT_WRITE) & ~rights_of(insn->prot);
	return 0;
}

int litmus_rights_given(const struct litmus_insn *insn)
{
	if (insn->op == OP_MMAP || insn->op == OP_MREMAP)
		return LITMUS_PROT_READ | LITMUS_PROT_WRITE;
	if (insn->op == OP_MPROTECT)
		return rights_of(insn->prot);
	return 0;
}
