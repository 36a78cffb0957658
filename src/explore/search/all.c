/* SPDX-License-Identifier: MIT */
/*
 * all.c - enumerates all interleavings, so that the reduction can be checked against them. It
 * finds the next interleaving, and counts the classes of equivalent executions among them.
 */
#include "explore/search/work.h"
#include "base/hash.h"

#include <stdlib.h>

static struct { uint64_t *set; size_t count, capacity; } classes; /* hashes; 0: free */

/* Equal for equivalent executions: each step's identity and what precedes it. */
static uint64_t class_of_execution(void)
{
	uint64_t sum = 0;

	for (int j = 0; j < x.depth; j++) {
		const struct step *s = &x.step[j];
		uint64_t h = hash_mix(hash_mix(s->thread, (uint64_t)s->idx), s->choice);

		for (unsigned t = 0; t < T_MAX; t++)
			h = hash_mix(h, (uint64_t)s->clk.c[t]);
		sum += h;
	}
	return sum ? sum : 1;
}

struct class_key { const uint64_t *set; uint64_t hash; };

static bool is_free_or_class(const void *arg, size_t slot)
{
	const struct class_key *k = arg;

	return !k->set[slot] || k->set[slot] == k->hash;
}

/* False: it was there. */
static bool class_insert(uint64_t *set, size_t capacity, uint64_t hash)
{
	size_t i = hash_slot(capacity, hash, is_free_or_class, &(struct class_key){ set, hash });
	bool fresh = !set[i];

	set[i] = hash;
	return fresh;
}

void search_class(void)
{
	if (classes.count * 2 >= classes.capacity) {
		size_t capacity = classes.capacity ? 2 * classes.capacity : 1024;
		uint64_t *set = calloc(capacity, sizeof(*set));

		if (!set) {
			x.out_of_memory = true;
			return;
		}
		for (size_t i = 0; i < classes.capacity; i++)
			if (classes.set[i])
				class_insert(set, capacity, classes.set[i]);
		free(classes.set);
		classes.set = set;
		classes.capacity = capacity;
	}
	classes.count += class_insert(classes.set, classes.capacity, class_of_execution());
}

uint64_t search_classes(void) { return classes.count; }

void all_close(void)
{
	free(classes.set);
	classes.set = NULL;
	classes.count = classes.capacity = 0;
}

bool all_next(void)
{
	for (int d = x.depth - 1; d >= 0; d--) {
		struct branch *b = &work.branch[d];
		unsigned todo = b->enabled & ~(unsigned)b->done;

		if (path_next_choice(d)) {
			path_dictate(d);
			return true;
		}
		if (todo) {
			b->thread = (uint8_t)__builtin_ctz(todo);
			b->done |= (uint16_t)(todo & -todo);
			b->choice = b->first_choice = 0;
			path_dictate(d);
			return true;
		}
	}
	return false;
}
