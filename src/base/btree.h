/* SPDX-License-Identifier: MIT */
/*
 * btree.h - a B+-tree of half-open intervals [start, end), each with a value.
 *
 * Ordered by start; intervals may overlap and starts may be equal. Each inner
 * entry knows the smallest start and the greatest end below it, so the first
 * interval that overlaps a range is found without looking at the others.
 * Insertion fails before it changes anything; removal never allocates.
 * The caller serializes.
 */
#ifndef MMUN_BTREE_H
#define MMUN_BTREE_H

#include "base/base.h"

enum {
	BTREE_FANOUT = 16,
	BTREE_FILL_MIN = 4,   /* of every node but the root */
	BTREE_HEIGHT_MAX = 24,
};

struct btree_node {
	uint32_t count;
	uint32_t height;                 /* 0: a leaf */
	uint64_t start[BTREE_FANOUT];    /* inner: smallest start below */
	uint64_t end[BTREE_FANOUT];      /* inner: greatest end below */
	void *ptr[BTREE_FANOUT];         /* leaf: the value; inner: the node */
};

struct btree_mem {
	void *(*alloc)(size_t size);     /* any contents; NULL: none */
	void (*free)(void *p);
};

struct btree {
	struct btree_node *root;         /* NULL: empty */
	struct btree_node *spare;        /* reserved nodes, linked by ptr[0] */
	uint32_t spare_count;
	struct btree_mem mem;
};

struct btree_iter {                      /* good until the tree changes */
	uint64_t lo, hi;
	struct btree_node *node[BTREE_HEIGHT_MAX]; /* by height */
	uint32_t index[BTREE_HEIGHT_MAX];
	uint32_t height;
	uint64_t start, end;             /* of the interval just returned */
};

void btree_init(struct btree *t, struct btree_mem mem);
void btree_fini(struct btree *t);

/* 0, or -ENOMEM and nothing changed. start < end. */
int btree_insert(struct btree *t, uint64_t start, uint64_t end, void *value);

/* Makes so many insertions succeed, whatever is removed before and between them: 0, -ENOMEM. */
int btree_reserve(struct btree *t, uint32_t insertions);

/*
 * The same where memory cannot be taken in the place that serializes: how many nodes are
 * missing, and giving one, from mem.alloc(sizeof(struct btree_node)).
 */
uint32_t btree_shortage(const struct btree *t, uint32_t insertions);
void btree_donate(struct btree *t, struct btree_node *n);

/* The interval with this start and value: false if there is none. */
bool btree_remove(struct btree *t, uint64_t start, const void *value);
bool btree_set_end(struct btree *t, uint64_t start, const void *value, uint64_t end);

/* The first interval by start that overlaps [lo, hi), and the following ones. */
void *btree_first(const struct btree *t, struct btree_iter *it, uint64_t lo, uint64_t hi);
void *btree_next(struct btree_iter *it);

/* The last interval whose start is below the limit, NULL if there is none. */
void *btree_last_below(const struct btree *t, uint64_t limit);

bool btree_is_valid(const struct btree *t);

#endif
