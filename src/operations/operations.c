/* SPDX-License-Identifier: MIT */
/*
 * operations.c - the table of operations.h as data.
 */
#include <string.h>

#include "operations/operations.h"

const struct operation operations[OP_COUNT] = {
#define X(e, name_, word_, takes_, notify_, taken_, given_, exchanges_, shape_, about_, flat_,  \
	  matrix_, arguments_, kinds_)                                                          \
	[OP_##e] = {                                                                            \
		.name = name_, .word = word_, .takes = takes_, .notify = notify_,               \
		.taken = RIGHTS_##taken_, .given = RIGHTS_##given_,                             \
		.exchanges = EXCHANGE_##exchanges_, .shape = SHAPE_##shape_,                    \
		.about = ABOUT_##about_, .matrix = matrix_, .arguments = arguments_,            \
		.kinds = kinds_,                                                                \
	},
	OPERATIONS(X)
#undef X
};

enum op operation_sibling(enum op op)
{
	enum op other = op;

	do
		other = (enum op)((other + 1) % OP_COUNT);
	while (strcmp(operations[other].name, operations[op].name));
	return other;
}

bool operation_word(const char *text)
{
	for (int op = 0; op < OP_COUNT; op++)
		if (!strcmp(text, operations[op].name) || !strcmp(text, operations[op].word))
			return true;
	return false;
}
