/* SPDX-License-Identifier: MIT */
/* model_elsewhere.c - see model_elsewhere.h. */
#include "model_elsewhere.h"

#include <string.h>

#include "explore/model/model.h"

enum { WORDS_MAX = 64 };

static const uint64_t rubbish = 0xdeadbeefdeadbeef;

unsigned long elsewhere_performed, elsewhere_ordered;

static struct { void *addr; uint8_t bytes; uint64_t value; } word[WORDS_MAX];
static unsigned words;

static void begin(void) { words = 0; }

/* The word's entry; its value at first is what set-up has left in memory. */
static uint64_t *value_of(void *addr, uint8_t bytes)
{
	unsigned n = 0;

	while (n < words && word[n].addr != addr)
		n++;
	if (n == words) {
		ASSERT(words < WORDS_MAX);
		word[n].addr = addr;
		word[n].bytes = bytes;
		word[n].value = memory_word(addr, bytes);
		words++;
	}
	ASSERT(word[n].bytes == bytes);
	return &word[n].value;
}

static uint64_t perform(const struct pending *op)
{
	uint64_t *value = value_of(op->addr, op->bytes), old = *value;

	*value = model_updated(op->update, old, op->a, op->b);
	memory_put(op->addr, op->bytes, rubbish);
	elsewhere_performed++;
	elsewhere_ordered += op->order != SYNC_RELAXED;
	return old;
}

static uint64_t latest(const void *addr, uint8_t bytes)
{
	for (unsigned n = 0; n < words; n++)
		if (word[n].addr == addr)
			return word[n].value;
	return memory_word(addr, bytes);
}

static void end(void)
{
	for (unsigned n = 0; n < words; n++)
		memory_put(word[n].addr, word[n].bytes, word[n].value);
}

const struct memory_model model_elsewhere = {
	.name = "elsewhere",
	.letting_go_is_a_step = true,
	.fences_are_steps = true,
	.perform = perform,
	.latest = latest,
	.begin = begin,
	.end = end,
};
