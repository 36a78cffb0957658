/* SPDX-License-Identifier: MIT */
/* trees.c - red-black trees and trees of intervals: right checks, and broken twins. Trees that one
 * thread changes are held to arrays. */
#include "scene.h"

enum { ITEMS = 20, KEYS = 12 };

struct item { struct rb_node rb; struct interval_tree_node range; unsigned key; bool in; };

struct s {
	spinlock_t lock;
	rwlock_t rwlock;
	struct rb_root_cached tree, ranges;
	struct item *item;
	bool freed[2];
};

static bool less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, rb)->key < rb_entry(b, struct item, rb)->key;
}

static int match(const void *key, const struct rb_node *node)
{
	return (int)*(const unsigned *)key - (int)rb_entry(node, struct item, rb)->key;
}

static void add(struct s *s, struct item *item, unsigned key)
{
	item->key = key;
	item->range.start = 10 * key;
	item->range.last = 10 * key + 14;
	item->in = true;
	rb_add_cached(&item->rb, &s->tree, less);
	interval_tree_insert(&item->range, &s->ranges);
}

static void take_out(struct s *s, struct item *item)
{
	item->in = false;
	rb_erase_cached(&item->rb, &s->tree);
	interval_tree_remove(&item->range, &s->ranges);
}

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->item = kzalloc(ITEMS * sizeof(*s->item), GFP_KERNEL);
	for (unsigned n = 0; n < 4; n++)
		add(s, &s->item[n], n);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	kfree(s->item);
}

#define SCENE(name, count, ...) SCENE_OF(name, setup, count, __VA_ARGS__)

/* --- one thread, held to an array ------------------------------------------------------ */

static unsigned seed;

static unsigned any(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % below;
}

/* How many black nodes each way down has. */
static int judge_node(struct rb_node *node, struct rb_node *parent)
{
	bool black;
	int left;

	if (!node)
		return 0;
	black = node->__rb_parent_color & 1;
	BUG_ON(rb_parent(node) != parent);
	BUG_ON(!black && (!parent || !(parent->__rb_parent_color & 1)));
	left = judge_node(node->rb_left, node);
	BUG_ON(left != judge_node(node->rb_right, node));
	return left + black;
}

static void judge_tree(struct s *s)
{
	unsigned in = 0, up = 0, down = 0, children_first = 0, key = 0;
	struct item *item, *next;
	struct rb_node *node;

	judge_node(s->tree.rb_root.rb_node, NULL);
	judge_node(s->ranges.rb_root.rb_node, NULL);
	BUG_ON(rb_first_cached(&s->tree) != rb_first(&s->tree.rb_root));
	for (unsigned n = 0; n < ITEMS; n++)
		in += s->item[n].in;
	for (node = rb_first(&s->tree.rb_root); node; node = rb_next(node), up++) {
		BUG_ON(rb_entry(node, struct item, rb)->key < key);
		key = rb_entry(node, struct item, rb)->key;
	}
	for (node = rb_last(&s->tree.rb_root); node; node = rb_prev(node))
		down++;
	rbtree_postorder_for_each_entry_safe(item, next, &s->tree.rb_root, rb)
		children_first++;
	BUG_ON(up != in || down != in || children_first != in);
}

static void judge_searches(struct s *s)
{
	unsigned long start = any(10 * KEYS), last = start + any(30), begin = 0;
	unsigned key = any(KEYS), keys = 0, ranges = 0;
	struct interval_tree_node *range;
	struct rb_node *node;

	for (unsigned n = 0; n < ITEMS; n++) {
		const struct item *item = &s->item[n];

		keys += item->in && item->key == key;
		ranges += item->in && item->range.start <= last && item->range.last >= start;
	}
	rb_for_each(node, &key, &s->tree.rb_root, match)
		keys--;
	for (range = interval_tree_iter_first(&s->ranges, start, last); range;
	     range = interval_tree_iter_next(range, start, last)) {
		BUG_ON(range->start > last || range->last < start || range->start < begin);
		begin = range->start;
		ranges--;
	}
	BUG_ON(keys || ranges);
}

CHECK_OF(held_to_array, 1, .finish = finish)
{
	seed = t;
	for (unsigned step = 0; step < 400; step++) {
		struct item *item = &s->item[any(ITEMS)];

		if (item->in)
			take_out(s, item);
		else
			add(s, item, any(KEYS));
		judge_tree(s);
		judge_searches(s);
	}
}

/* --- threads -------------------------------------------------------------------------------- */

/* Two that change a tree need its lock. */
SCENE(added_with_lock, 2, .expect = "race")
{
	if (!broken)
		spin_lock(&s->lock);
	add(s, &s->item[4 + t], 4 + t);
	if (!broken)
		spin_unlock(&s->lock);
}

/* And so does who searches it. */
SCENE(searched_with_lock, 2, .expect = "race")
{
	unsigned key = 2;

	if (t) {
		spin_lock(&s->lock);
		take_out(s, &s->item[1]);
		spin_unlock(&s->lock);
		return;
	}
	if (!broken)
		spin_lock(&s->lock);
	BUG_ON(!rb_find(&key, &s->tree.rb_root, match) && !broken);
	if (!broken)
		spin_unlock(&s->lock);
}

SCENE(ranges_with_lock, 2, .expect = "race")
{
	if (t) {
		write_lock(&s->rwlock);
		interval_tree_remove(&s->item[0].range, &s->ranges);
		write_unlock(&s->rwlock);
		return;
	}
	if (!broken)
		read_lock(&s->rwlock);
	(void)interval_tree_iter_first(&s->ranges, 5, 20);
	if (!broken)
		read_unlock(&s->rwlock);
}

/* Readers change nothing. */
SCENE(readers_together, 2, .expect = "race")
{
	struct interval_tree_node *range;

	read_lock(&s->rwlock);
	range = interval_tree_iter_first(&s->ranges, 0, 100);
	range = interval_tree_iter_next(range, 0, 100);
	BUG_ON(range->start != 10);
	if (broken)
		s->item[2 + t].range.last = s->item[3 - t].range.last;
	read_unlock(&s->rwlock);
}

/* What was found is used with the lock held, or a reference. */
SCENE(freed_when_erased, 2, .expect = "lifetime")
{
	struct rb_node *node;
	struct item *item;

	if (t) {
		struct item *mine = kzalloc(sizeof(*mine), GFP_KERNEL);

		spin_lock(&s->lock);
		rb_add(&mine->rb, &s->tree.rb_root, less);
		spin_unlock(&s->lock);
		spin_lock(&s->lock);
		if (!broken)
			rb_erase(&mine->rb, &s->tree.rb_root);
		spin_unlock(&s->lock);
		kfree(mine);
		return;
	}
	spin_lock(&s->lock);
	for (node = rb_first(&s->tree.rb_root); node; node = rb_next(node)) {
		item = rb_entry(node, struct item, rb);
		BUG_ON(item->key > 4);
	}
	spin_unlock(&s->lock);
}

SCENE(erased_once, 2, .expect = "assertion")
{
	struct item *item = &s->item[2];

	spin_lock(&s->lock);
	if (broken || !RB_EMPTY_NODE(&item->rb)) {
		rb_erase(&item->rb, &s->tree.rb_root);
		if (!broken)
			RB_CLEAR_NODE(&item->rb);
	}
	spin_unlock(&s->lock);
	(void)t;
}

SCENE(goes_on_before_erased, 1, .expect = "assertion")
{
	struct rb_node *node, *next = NULL;

	(void)t;
	for (node = rb_first(&s->tree.rb_root); node; node = next) {
		if (!broken)
			next = rb_next(node);
		rb_erase(node, &s->tree.rb_root);
		if (broken)
			next = rb_next(node);
	}
	BUG_ON(!RB_EMPTY_ROOT(&s->tree.rb_root));
}

SCENE(range_goes_on, 1, .expect = "assertion")
{
	struct interval_tree_node *range = interval_tree_iter_first(&s->ranges, 0, 100), *next;

	(void)t;
	next = interval_tree_iter_next(range, 0, 100);
	interval_tree_remove(range, &s->ranges);
	if (broken)
		next = interval_tree_iter_next(range, 0, 100);
	BUG_ON(next != &s->item[1].range);
}

SCENE(replaced, 2, .expect = "lifetime, race")
{
	struct item *item;
	unsigned key = 2;

	if (t) {
		item = kzalloc(sizeof(*item), GFP_KERNEL);
		item->key = 2;
		spin_lock(&s->lock);
		rb_replace_node(&s->item[2].rb, &item->rb, &s->tree.rb_root);
		if (broken)
			spin_unlock(&s->lock);
		rb_replace_node(&item->rb, &s->item[2].rb, &s->tree.rb_root);
		if (!broken)
			spin_unlock(&s->lock);
		kfree(item);
		return;
	}
	spin_lock(&s->lock);
	BUG_ON(!rb_find(&key, &s->tree.rb_root, match));
	spin_unlock(&s->lock);
}
