/* SPDX-License-Identifier: MIT */
/*
 * btree.c - see btree.h. Invariant: all leaves have the same depth, every node
 * but the root holds BTREE_FILL_MIN..BTREE_FANOUT entries, starts do not
 * decrease, and an inner entry's bounds are exact. The areas of an address
 * space live here, and interval notifiers.
 */
#include <errno.h>

#include "base/btree.h"

void btree_init(struct btree *t, struct btree_mem mem)
{
	t->root = t->spare = NULL;
	t->spare_count = 0;
	t->mem = mem;
}

static void node_free_all(struct btree *t, struct btree_node *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; n->height && i < n->count; i++)
		node_free_all(t, n->ptr[i]);
	t->mem.free(n);
}

void btree_fini(struct btree *t)
{
	node_free_all(t, t->root);
	t->root = NULL;
	while (t->spare) {
		struct btree_node *n = t->spare;

		t->spare = n->ptr[0];
		t->mem.free(n);
	}
	t->spare_count = 0;
}

static uint64_t node_end(const struct btree_node *n)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < n->count; i++)
		end = max_u64(end, n->end[i]);
	return end;
}

/* The parent's entry i says again what its child holds. */
static void bounds_update(struct btree_node *parent, uint32_t i)
{
	const struct btree_node *child = parent->ptr[i];

	parent->start[i] = child->start[0];
	parent->end[i] = node_end(child);
}

/* The last entry that starts at or before the given start; 0 if none does. */
static uint32_t child_for(const struct btree_node *n, uint64_t start)
{
	uint32_t i = 0;

	while (i + 1 < n->count && n->start[i + 1] <= start)
		i++;
	return i;
}

/* --- room for nodes ------------------------------------------------------ */

void btree_donate(struct btree *t, struct btree_node *n)
{
	n->ptr[0] = t->spare;
	t->spare = n;
	t->spare_count++;
}

static int spares_ensure(struct btree *t, uint32_t count)
{
	while (t->spare_count < count) {
		struct btree_node *n = t->mem.alloc(sizeof(*n));

		if (!n)
			return -ENOMEM;
		btree_donate(t, n);
	}
	return 0;
}

static struct btree_node *spare_take(struct btree *t, uint32_t height)
{
	struct btree_node *n = t->spare;

	ASSERT(n);
	t->spare = n->ptr[0];
	t->spare_count--;
	n->count = 0;
	n->height = height;
	return n;
}

/*
 * An insertion takes a node for each level and one for a new root. The tree grows
 * by a level when a full root splits, perhaps at once; the new root has two entries
 * and gets at most one with each insertion.
 */
uint32_t btree_shortage(const struct btree *t, uint32_t insertions)
{
	uint32_t each = t->root ? t->root->height + 2 : 1, needed = 0;

	if (insertions)
		needed = insertions * each +
			 (insertions - 1) * (1 + insertions / (BTREE_FANOUT - 2));
	return needed > t->spare_count ? needed - t->spare_count : 0;
}

int btree_reserve(struct btree *t, uint32_t insertions)
{
	return spares_ensure(t, t->spare_count + btree_shortage(t, insertions));
}

/* How many nodes an insertion at this start will split off. */
static uint32_t splits_needed(const struct btree *t, uint64_t start)
{
	const struct btree_node *n = t->root;
	uint32_t full = 0;

	if (!n)
		return 1;
	for (;;) {
		full = n->count == BTREE_FANOUT ? full + 1 : 0;
		if (n->height == 0)
			break;
		n = n->ptr[child_for(n, start)];
	}
	/* If the root splits too, a new root is needed. */
	return full == t->root->height + 1 ? full + 1 : full;
}

/* --- insertion ----------------------------------------------------------- */

static void entry_copy(struct btree_node *to, uint32_t i,
		       const struct btree_node *from, uint32_t j)
{
	to->start[i] = from->start[j];
	to->end[i] = from->end[j];
	to->ptr[i] = from->ptr[j];
}

static void entry_insert(struct btree_node *n, uint32_t at, uint64_t start, uint64_t end, void *ptr)
{
	ASSERT(n->count < BTREE_FANOUT);
	for (uint32_t i = n->count; i > at; i--)
		entry_copy(n, i, n, i - 1);
	n->start[at] = start;
	n->end[at] = end;
	n->ptr[at] = ptr;
	n->count++;
}

static void entry_remove(struct btree_node *n, uint32_t at)
{
	n->count--;
	for (uint32_t i = at; i < n->count; i++)
		entry_copy(n, i, n, i + 1);
}

/* Inserts into a node; if it was full, returns the new right half, else NULL. */
static struct btree_node *node_add(struct btree *t, struct btree_node *n, uint32_t at,
				   uint64_t start, uint64_t end, void *ptr)
{
	struct btree_node *right;
	uint32_t half = BTREE_FANOUT / 2;

	if (n->count < BTREE_FANOUT) {
		entry_insert(n, at, start, end, ptr);
		return NULL;
	}
	right = spare_take(t, n->height);
	for (uint32_t i = half; i < BTREE_FANOUT; i++)
		entry_copy(right, i - half, n, i);
	right->count = BTREE_FANOUT - half;
	n->count = half;
	if (at <= half)
		entry_insert(n, at, start, end, ptr);
	else
		entry_insert(right, at - half, start, end, ptr);
	return right;
}

static struct btree_node *insert_below(struct btree *t, struct btree_node *n,
				       uint64_t start, uint64_t end, void *value)
{
	struct btree_node *right;
	uint32_t i = 0;

	if (n->height == 0) {
		while (i < n->count && n->start[i] <= start)
			i++;
		return node_add(t, n, i, start, end, value);
	}
	i = child_for(n, start);
	right = insert_below(t, n->ptr[i], start, end, value);
	bounds_update(n, i);
	if (!right)
		return NULL;
	return node_add(t, n, i + 1, right->start[0], node_end(right), right);
}

int btree_insert(struct btree *t, uint64_t start, uint64_t end, void *value)
{
	struct btree_node *right, *root;
	int err;

	ASSERT(start < end);
	err = spares_ensure(t, splits_needed(t, start));
	if (err)
		return err;
	if (!t->root)
		t->root = spare_take(t, 0);
	right = insert_below(t, t->root, start, end, value);
	if (right) {
		root = spare_take(t, right->height + 1);
		entry_insert(root, 0, t->root->start[0], node_end(t->root), t->root);
		entry_insert(root, 1, right->start[0], node_end(right), right);
		t->root = root;
	}
	return 0;
}

/* --- removal and change -------------------------------------------------- */

/* Child i is short: fill it from a neighbor, or become one with it. */
static void child_refill(struct btree *t, struct btree_node *parent, uint32_t i)
{
	uint32_t l = i > 0 ? i - 1 : i, total, keep;
	struct btree_node *left = parent->ptr[l], *right = parent->ptr[l + 1];

	total = left->count + right->count;
	if (total <= BTREE_FANOUT) {
		for (uint32_t k = 0; k < right->count; k++)
			entry_copy(left, left->count + k, right, k);
		left->count = total;
		entry_remove(parent, l + 1);
		t->mem.free(right);
		bounds_update(parent, l);
		return;
	}
	keep = total / 2;
	while (left->count > keep) {
		uint32_t last = left->count - 1;

		entry_insert(right, 0, left->start[last], left->end[last], left->ptr[last]);
		left->count--;
	}
	while (left->count < keep) {
		entry_copy(left, left->count++, right, 0);
		entry_remove(right, 0);
	}
	bounds_update(parent, l);
	bounds_update(parent, l + 1);
}

/* end 0: remove the entry; else set its end. */
static bool change_below(struct btree *t, struct btree_node *n, uint64_t start,
			 const void *value, uint64_t end)
{
	for (uint32_t i = 0; i < n->count && n->start[i] <= start; i++) {
		struct btree_node *child;

		if (n->height == 0) {
			if (n->start[i] != start || n->ptr[i] != value)
				continue;
			if (end)
				n->end[i] = end;
			else
				entry_remove(n, i);
			return true;
		}
		if (i + 1 < n->count && n->start[i + 1] < start)
			continue;
		child = n->ptr[i];
		if (!change_below(t, child, start, value, end))
			continue;
		if (child->count)
			bounds_update(n, i);
		if (child->count < BTREE_FILL_MIN)
			child_refill(t, n, i);
		return true;
	}
	return false;
}

bool btree_set_end(struct btree *t, uint64_t start, const void *value, uint64_t end)
{
	ASSERT(start < end);
	return t->root && change_below(t, t->root, start, value, end);
}

bool btree_remove(struct btree *t, uint64_t start, const void *value)
{
	struct btree_node *root;

	if (!t->root || !change_below(t, t->root, start, value, 0))
		return false;
	root = t->root;
	if (root->height && root->count == 1)
		t->root = root->ptr[0];
	else if (root->count == 0)
		t->root = NULL;
	else
		return true;
	t->mem.free(root);
	return true;
}

/* --- queries ------------------------------------------------------------- */

/* From where the iterator stands at this height: find, going up if needed. */
static void *iter_find(struct btree_iter *it, uint32_t height)
{
	for (;;) {
		struct btree_node *n = it->node[height];
		uint32_t i = it->index[height];

		while (i < n->count && n->end[i] <= it->lo && n->start[i] < it->hi)
			i++;
		if (i == n->count || n->start[i] >= it->hi) {
			if (height == it->height)
				return NULL;
			it->index[++height]++;
			continue;
		}
		it->index[height] = i;
		if (height == 0) {
			it->start = n->start[i];
			it->end = n->end[i];
			return n->ptr[i];
		}
		it->node[--height] = n->ptr[i];
		it->index[height] = 0;
	}
}

void *btree_first(const struct btree *t, struct btree_iter *it, uint64_t lo, uint64_t hi)
{
	it->node[0] = NULL;
	if (!t->root || lo >= hi)
		return NULL;
	it->lo = lo;
	it->hi = hi;
	it->height = t->root->height;
	it->node[it->height] = t->root;
	it->index[it->height] = 0;
	return iter_find(it, it->height);
}

void *btree_next(struct btree_iter *it)
{
	if (!it->node[0])
		return NULL;
	it->index[0]++;
	return iter_find(it, 0);
}

void *btree_last_below(const struct btree *t, uint64_t limit)
{
	const struct btree_node *n = t->root;

	if (!n || n->start[0] >= limit)
		return NULL;
	for (;; n = n->ptr[child_for(n, limit - 1)])
		if (n->height == 0)
			return n->ptr[child_for(n, limit - 1)];
}

static bool node_is_valid(const struct btree_node *n, bool root)
{
	if (n->count > BTREE_FANOUT || n->count < (root ? 1 : BTREE_FILL_MIN))
		return false;
	for (uint32_t i = 0; i < n->count; i++) {
		const struct btree_node *child = n->ptr[i];

		if (i && n->start[i - 1] > n->start[i])
			return false;
		if (n->height == 0)
			continue;
		if (child->height + 1 != n->height || child->start[0] != n->start[i] ||
		    node_end(child) != n->end[i] || !node_is_valid(child, false))
			return false;
	}
	return true;
}

bool btree_is_valid(const struct btree *t)
{
	return !t->root || node_is_valid(t->root, true);
}
