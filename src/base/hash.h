/* SPDX-License-Identifier: MIT */
/*
 * hash.h - hash tables with open addressing: how numbers are mixed, and how a slot is
 * found. The slots, of which there are a power of two, belong to the caller, who keeps some
 * of them free, and sees to it that the order of the slots decides nothing.
 *
 * The explorer's tables of objects and of plain accesses walk their slots themselves: they
 * are looked into at each step, and a stamp empties them.
 */
#ifndef MMUN_HASH_H
#define MMUN_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One number; the upper bits are the good ones. */
static inline uint64_t hash_number(uint64_t n) { return n * 0x9e3779b97f4a7c15u; }

/* The hash of what came before, 0 at first, and of one number more; all bits are good. */
static inline uint64_t hash_mix(uint64_t hash, uint64_t n)
{
	hash = (hash ^ n) * 0xff51afd7ed558ccdu;
	return hash ^ hash >> 32;
}

/* Is the slot free, or does it hold what @key describes? */
typedef bool hash_stop_fn(const void *key, size_t slot);

/* The slot, of @slots, that holds what @key describes, or the free one where it belongs. */
static inline size_t hash_slot(size_t slots, uint64_t hash, hash_stop_fn *stop, const void *key)
{
	size_t i = hash & (slots - 1);

	while (!stop(key, i))
		i = (i + 1) & (slots - 1);
	return i;
}

#endif
