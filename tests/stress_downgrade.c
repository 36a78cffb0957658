/* SPDX-License-Identifier: MIT */
/*
 * stress_downgrade.c - a writer of an rwsem becomes a reader, and no other writer comes between.
 *
 *      stress_downgrade [ITERATIONS]
 *
 * What is checked. Each thread writes its number plainly into a word while it is the writer,
 * downgrades, and still finds its number there as a reader; readers find two words equal.
 * Whatever lets a writer in between is found by the threads, and by the thread sanitizer.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync/sync.h"

#define CHECK(cond) do { if (!(cond)) {                                         \
	fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); abort(); } } while (0)

enum { WRITERS = 3, READERS = 2 };

static rwsem_t sem;
static uint64_t first, second; /* [sem] equal, but while it is written */
static unsigned iterations = 200000;

static void *write_and_read(void *arg)
{
	uint64_t mine = (uintptr_t)arg;

	for (unsigned i = 0; i < iterations; i++) {
		down_write(&sem);
		first = mine + i;
		second = mine + i;
		if (i % 4 == 0) {
			up_write(&sem);
			continue;
		}
		downgrade_write(&sem);
		CHECK(first == mine + i && second == mine + i);
		up_read(&sem);
	}
	return NULL;
}

static void *read_both(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < iterations; i++) {
		down_read(&sem);
		CHECK(first == second);
		up_read(&sem);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[WRITERS + READERS];

	if (argc > 1)
		iterations = (unsigned)atoi(argv[1]);
	rwsem_init(&sem, RANK_MMAP);
	for (uintptr_t i = 0; i < WRITERS + READERS; i++)
		CHECK(!pthread_create(&thread[i], NULL, i < WRITERS ? write_and_read : read_both,
				      (void *)((i + 1) << 32)));
	for (unsigned i = 0; i < WRITERS + READERS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	return 0;
}
