/* SPDX-License-Identifier: MIT */
/*
 * matrix.h - tests of all pairs of operations, made on demand as text in the language.
 */
#ifndef MMUN_LITMUS_MATRIX_H
#define MMUN_LITMUS_MATRIX_H

#include "base/base.h"

/* Which one; zero-initialize and call litmus_matrix_next() for the first. */
struct litmus_matrix {
	bool begun;
	int a, b;          /* rows: the operations */
	int kind, observer;
};

bool litmus_matrix_next(struct litmus_matrix *m); /* false: that was the last */
size_t litmus_matrix_rows(void);
const char *litmus_matrix_row_name(size_t row);
void litmus_matrix_name(const struct litmus_matrix *m, char *buf, size_t size);
bool litmus_matrix_find(const char *name, struct litmus_matrix *ret);
/* Its text, to be freed. -ENOMEM */
int litmus_matrix_text(const struct litmus_matrix *m, char **ret_text, size_t *ret_size);

#endif
