/* SPDX-License-Identifier: MIT */
/* heap.c - malloc() and its kin in checks, each with a broken twin, and variables that each thread
 * has for itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <mmun/kernel.h>
#include "scene.h"

struct s { int word; int *shared; char *text; bool keeps; };

static __thread int mine = 5;
static __thread char buffer[100];
__thread long seen = 7;

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->text = strdup("set-up's");
	mine = 9; /* set-up's own */
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	EXPLORE_ASSERT(mine == 9 && !strcmp(s->text, "set-up's"));
	mine = 10;
	free(s->text);
	if (s->keeps)
		free(s->shared);
}

/* --- allocating --------------------------------------------------------------------------- */

/* The C library may give both threads one address. The twin uses what it has given back. */
SCENE_OF(scratch, setup, 2, .expect = "lifetime")
{
	int *p;

	(void)READ_ONCE(s->word);
	p = malloc(64);
	p[3] = (int)t;
	if (!broken)
		EXPLORE_ASSERT(p[3] == (int)t);
	free(p);
	WRITE_ONCE(s->word, 1);
	if (broken)
		p[3] = 0;
}

SCENE_OF(given_to_another, setup, 2, .expect = "lifetime")
{
	int *p;

	if (t == 0) {
		p = calloc(4, sizeof(*p));
		smp_store_release(&s->shared, p);
		if (broken)
			free(p);
		return;
	}
	p = smp_load_acquire(&s->shared);
	if (!p) {
		s->keeps = !broken;
		return;
	}
	EXPLORE_ASSERT(!p[1] || broken);
	if (!broken)
		free(p);
}

SCENE_OF(unwritten, setup, 1, .expect = "uninitialized")
{
	int *p = broken ? malloc(4 * sizeof(*p)) : calloc(4, sizeof(*p));

	(void)t;
	p[0] = 1;
	p = realloc(p, 8 * sizeof(*p));
	EXPLORE_ASSERT(p[0] == 1);
	if (p[1])
		WRITE_ONCE(s->word, 1);
	free(p);
}

SCENE_OF(too_far, setup, 1, .expect = "overrun")
{
	char *p = reallocarray(NULL, 3, 5);

	(void)t;
	p[broken ? 15 : 14] = 1;
	WRITE_ONCE(s->word, 1);
	free(p);
}

SCENE_OF(aligned, setup, 1, .expect = "leak")
{
	void *page = NULL, *line = aligned_alloc(64, 128);

	(void)s, (void)t;
	EXPLORE_ASSERT(!posix_memalign(&page, 4096, 8192));
	EXPLORE_ASSERT((uintptr_t)page % 4096 == 0 && (uintptr_t)line % 64 == 0);
	memset(page, 1, 8192);
	free(page);
	if (!broken)
		free(line);
}

SCENE_OF(given_back_twice, setup, 1, .expect = "lifetime")
{
	char *copy = strndup("four", 3);

	(void)s, (void)t;
	EXPLORE_ASSERT(!strcmp(copy, "fou"));
	free(copy);
	if (broken)
		free(copy);
}

/* --- variables of a thread's own ---------------------------------------------------------- */

/* The twin takes the other thread's for its own. */
SCENE_OF(own_variables, setup, 2, .expect = "assertion")
{
	EXPLORE_ASSERT(mine == 5 && seen == 7 && !buffer[3]);
	mine = (int)t;
	seen += t;
	buffer[3] = 1;
	WRITE_ONCE(s->word, mine);
	EXPLORE_ASSERT(mine == (int)t && seen == 7 + (long)t);
	if (broken)
		EXPLORE_ASSERT(READ_ONCE(s->word) == mine);
}

static void wait_for_other(struct s *s)
{
	while (!smp_load_acquire(&s->word))
		cpu_relax();
}

/* Another thread may use them while their thread runs. The twin comes too late. */
SCENE_OF(variables_end, setup, 2, .expect = "lifetime")
{
	int *p;

	if (t == 0) {
		mine = 3;
		smp_store_release(&s->shared, &mine);
		if (!broken)
			wait_for_other(s);
		return;
	}
	p = smp_load_acquire(&s->shared);
	if (p)
		EXPLORE_ASSERT(*p == 3);
	smp_store_release(&s->word, 1);
}

SCENE_OF(variables_race, setup, 2, .expect = "race, lifetime")
{
	int *p;

	if (t == 0) {
		smp_store_release(&s->shared, &mine);
		if (broken)
			mine = 3;
		wait_for_other(s);
		return;
	}
	p = smp_load_acquire(&s->shared);
	if (p)
		*p = 4;
	smp_store_release(&s->word, 1);
}
