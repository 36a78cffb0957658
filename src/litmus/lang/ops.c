/* SPDX-License-Identifier: MIT */
/*
 * ops.c - what the table of operations says of one statement of a test: which pages it is
 * about, whose contents it may exchange, what rights it takes and gives. The flat reference
 * and the oracles both ask here, as they must not disagree.
 */
#include <string.h>

#include "litmus/lang/litmus.h"

const char *const litmus_row_names[ROW_COUNT + 1] = {
#define X(e, text, ...) [ROW_##e] = text,
	UPDATES(X)
#undef X
};

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
			if (test->thread[t].insn[i].kind == INSN_OP &&
			    strchr(operations[test->thread[t].insn[i].op].takes, 't') &&
			    operations[test->thread[t].insn[i].op].given)
				return (1u << test->pages) - 1;
	for (int p = 0; p < test->pages; p++)
		pages |= litmus_has_object(test, p) ? 1u << p : 0;
	return pages;
}

unsigned litmus_pages_about(const struct litmus *test, const struct litmus_insn *insn)
{
	switch (operations[insn->op].about) {
	case ABOUT_PAGE:
		return 1u << test->var[insn->var].page;
	case ABOUT_VAR:
		return litmus_pages_of(test, insn->var);
	case ABOUT_SECOND:
		return litmus_pages_of(test, insn->var2);
	case ABOUT_ALL:
		return (1u << test->pages) - 1;
	case ABOUT_NOTHING:
		break;
	}
	return 0;
}

unsigned litmus_pages_exchanged(const struct litmus *test, const struct litmus_insn *insn)
{
	switch (operations[insn->op].exchanges) {
	case EXCHANGE_PAGE:
		return 1u << test->var[insn->var].page;
	case EXCHANGE_VAR:
		return litmus_pages_of(test, insn->var);
	case EXCHANGE_BOTH:
		return litmus_pages_of(test, insn->var) | litmus_pages_of(test, insn->var2);
	case EXCHANGE_OBJECTS:
		return pages_of_objects(test);
	case EXCHANGE_ALL:
		return (1u << test->pages) - 1;
	case EXCHANGE_NOTHING:
		break;
	}
	return 0;
}

/* --- rights -------------------------------------------------------------- */

/* On x86 what may be written may be read. */
static int rights_of(int prot)
{
	return prot & LITMUS_PROT_WRITE ? LITMUS_PROT_READ | LITMUS_PROT_WRITE : prot;
}

static int rights(enum op_rights which, const struct litmus_insn *insn)
{
	int all = LITMUS_PROT_READ | LITMUS_PROT_WRITE;

	switch (which) {
	case RIGHTS_ALL:
		return all;
	case RIGHTS_GIVEN:
		return rights_of(insn->prot);
	case RIGHTS_OTHERS:
		return all & ~rights_of(insn->prot);
	case RIGHTS_NONE:
		break;
	}
	return 0;
}

int litmus_rights_taken(const struct litmus_insn *insn)
{
	return rights(operations[insn->op].taken, insn);
}

int litmus_rights_given(const struct litmus_insn *insn)
{
	return rights(operations[insn->op].given, insn);
}
