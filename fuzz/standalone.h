/* SPDX-License-Identifier: MIT */
/* standalone.h - the end of a fuzz target that replays the files it is given. */
#ifndef MMUN_FUZZ_STANDALONE_H
#define MMUN_FUZZ_STANDALONE_H

#include <stdio.h>

static int replay(const char *file)
{
	static uint8_t data[1 << 20];
	FILE *in = fopen(file, "rb");
	size_t size;

	if (!in) {
		perror(file);
		return 1;
	}
	size = fread(data, 1, sizeof(data), in);
	fclose(in);
	return LLVMFuzzerTestOneInput(data, size);
}

static inline int replay_all(int argc, char **argv)
{
	int ret = 0;

	for (int i = 1; i < argc; i++)
		ret |= replay(argv[i]);
	return ret;
}

#endif
