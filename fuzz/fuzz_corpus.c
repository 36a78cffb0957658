/* SPDX-License-Identifier: MIT */
/*
 * fuzz_corpus.c - anything at all as the file of a corpus entry: what is read from its head.
 *
 * Built with -fsanitize=fuzzer it is a fuzzer; with -DFUZZ_STANDALONE a program
 * that replays the files given as arguments.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/corpus_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct corpus_entry e = { .path = NULL };
	char *text = malloc(size + 1);

	must(text);
	memcpy(text, data, size);
	text[size] = 0;
	if (corpus_entry_parse(&e, text)) {
		must(e.id && *e.id && strlen(e.id) < 8 && e.title && *e.title && *e.class);
		must(strstr(text, e.title) && strstr(text, e.class) && strstr(text, e.origin));
		must(!strchr(e.title, '\n') && !strchr(e.class, '\n') && !strchr(e.origin, '\n'));
		must(strlen(e.prose) <= size);
	}
	corpus_entry_fini(&e);
	free(text);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"

int main(int argc, char **argv) { return replay_all(argc, argv); }
#endif
