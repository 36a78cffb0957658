/* SPDX-License-Identifier: MIT */
/*
 * fuzz_litmus.c - anything at all as a litmus test: parse it, and explore flat
 * memory if it is one, or print the error if it is none.
 *
 * Built with -fsanitize=fuzzer it is a fuzzer; with -DFUZZ_STANDALONE a program
 * that replays the files given as arguments.
 */
#include <stdio.h>
#include <stdlib.h>

#include "litmus/flat/flat.h"

enum { FUZZ_STATES_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void base_assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}

static void use_outcomes(const struct litmus *test, const struct litmus_outcomes *set)
{
	char name[2 * LITMUS_NAME_MAX], value[32];

	for (size_t i = 0; i < set->count; i++) {
		const int64_t *o = set->values + i * (size_t)set->size;

		ASSERT(litmus_outcomes_has(set, o));
		litmus_holds(test, test->condition, o);
		litmus_filtered_in(test, o);
		for (int k = 0; k < test->shown_count; k++) {
			litmus_index_name(test, test->shown[k], name, sizeof(name));
			litmus_value_name(o[test->shown[k]], value, sizeof(value));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	const char *text = (const char *)data;
	struct litmus *test;
	struct litmus_error error;
	struct litmus_outcomes set;

	if (!null)
		null = fopen("/dev/null", "w");
	if (litmus_parse(text, size, &test, &error)) {
		if (null)
			litmus_error_print(null, "fuzz", text, size, &error);
		return 0;
	}
	if (!litmus_flat(test, FUZZ_STATES_MAX, &set)) {
		use_outcomes(test, &set);
		litmus_outcomes_fini(&set);
	}
	litmus_destroy(test);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"

int main(int argc, char **argv) { return replay_all(argc, argv); }
#endif
