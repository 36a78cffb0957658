/* SPDX-License-Identifier: MIT */
/*
 * sc.c - is sequential consistency as a memory model: memory is memory. The last store to a word
 * is what every thread sees, so memory orders and fences add nothing. model.h has the operations
 * inline. This file has the row of the table, and remembers which model the next exploration uses.
 */
#include "explore/model/model.h"

const struct memory_model model_sc = {
	.name = "sc",
	.perform = sc_perform,
	.latest = memory_word,
};

static const struct memory_model *chosen = &model_sc;

void model_choose(const struct memory_model *model) { chosen = model; }
const struct memory_model *model_chosen(void) { return chosen; }
