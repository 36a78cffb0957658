/* SPDX-License-Identifier: MIT */
/* load_litmus.h - a litmus test from a file, for programs that end if there is none. */
#ifndef MMUN_TEST_LOAD_LITMUS_H
#define MMUN_TEST_LOAD_LITMUS_H

#include <stdio.h>
#include <stdlib.h>

#include "litmus/lang/litmus.h"

static struct litmus *load_litmus(const char *file)
{
	static char text[LITMUS_FILE_BYTES_MAX];
	FILE *f = fopen(file, "r");
	struct litmus_error e;
	struct litmus *t = NULL;
	size_t n;

	if (!f) {
		perror(file);
		exit(2);
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (litmus_parse(text, n, &t, &e)) {
		litmus_error_print(stderr, file, text, n, &e);
		exit(2);
	}
	return t;
}

#endif
