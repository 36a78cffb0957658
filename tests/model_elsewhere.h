/* SPDX-License-Identifier: MIT */
/*
 * model_elsewhere.h - a memory model for testing the seam that models fit in: sequential
 * consistency once more, whose words are kept in a table. In memory there is rubbish until the
 * end of the execution, so whoever reads a word of a thread's past the model gives himself away.
 * Unlike the real one, it makes a step of letting go and of fences.
 */
#ifndef MMUN_TEST_MODEL_ELSEWHERE_H
#define MMUN_TEST_MODEL_ELSEWHERE_H

struct memory_model;

extern const struct memory_model model_elsewhere;
/* How many operations it has performed, and how many of these had an order that is not relaxed. */
extern unsigned long elsewhere_performed, elsewhere_ordered;

#endif
