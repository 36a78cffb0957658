/* SPDX-License-Identifier: MIT */
/*
 * sc.c - sequential consistency: memory is memory. The last store to a word is what every thread
 * sees, so that memory orders and fences add nothing. model.h has it inline; here is its row of
 * the table, and which row the next exploration is to use.
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
