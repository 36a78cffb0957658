/* SPDX-License-Identifier: MIT */
/*
 * rbtree.h - red-black trees, which the user searches and orders, and changes under a lock.
 * Accesses are plain, and are watched; but those that change where a tree leads to are marked, as
 * Linux's are: they may be met by who goes down with READ_ONCE(), which may miss nodes meanwhile.
 *
 * To erase a node that is in no tree, or to go on from one that was erased, is a finding of
 * "assertion" where it can be seen: its parent does not lead to it.
 */
#ifndef MMUN_LINUX_RBTREE_H
#define MMUN_LINUX_RBTREE_H

#include "mmun/linux/container_of.h"
#include "mmun/linux/rbtree_augmented.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef bool (*kernel_rb_less_)(struct rb_node *a, const struct rb_node *b);
typedef int (*kernel_rb_order_)(struct rb_node *a, const struct rb_node *b);
typedef int (*kernel_rb_match_)(const void *key, const struct rb_node *node);

#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member) __extension__({ \
	__typeof__(ptr) kernel_node_ = (ptr); \
	kernel_node_ ? rb_entry(kernel_node_, type, member) : NULL; })

/* --- inserting ------------------------------------------------------------------ */

/* node is linked where *link is, below parent. Its insertion is to follow. */
KERNEL_INLINE_ void kernel_rb_link_node_(const struct kernel_at_ *at, struct rb_node *node,
					 struct rb_node *parent, struct rb_node **link)
{
	(void)at;
	kernel_rb_set_(node, parent, false);
	node->rb_left = node->rb_right = NULL;
	*link = node;
}

/* The same where others go down without the lock. */
KERNEL_INLINE_ void kernel_rb_link_node_rcu_(const struct kernel_at_ *at, struct rb_node *node,
					     struct rb_node *parent, struct rb_node **link)
{
	kernel_rb_set_(node, parent, false);
	node->rb_left = node->rb_right = NULL;
	kernel_write_pointer_(at, link, node, KERNEL_RELEASE_);
}

KERNEL_INLINE_ void kernel_rb_insert_color_(const struct kernel_at_ *at, struct rb_node *node,
					    struct rb_root *root)
{
	kernel_rb_insert_(at, node, root, NULL);
}

KERNEL_INLINE_ void kernel_rb_insert_color_cached_(const struct kernel_at_ *at,
						   struct rb_node *node,
						   struct rb_root_cached *root, bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = node;
	kernel_rb_insert_(at, node, &root->rb_root, NULL);
}

/* --- erasing -------------------------------------------------------------------- */

KERNEL_INLINE_ void kernel_rb_erase_(const struct kernel_at_ *at, struct rb_node *node,
				     struct rb_root *root)
{
	kernel_rb_remove_(at, node, root, NULL);
}

KERNEL_INLINE_ void kernel_rb_replace_node_(const struct kernel_at_ *at, struct rb_node *victim,
					    struct rb_node *by, struct rb_root *root)
{
	kernel_rb_in_tree_(at, root, victim, "rb_replace_node() of a node that is not in the tree");
	by->__rb_parent_color = victim->__rb_parent_color;
	by->rb_left = victim->rb_left;
	by->rb_right = victim->rb_right;
	if (by->rb_left)
		kernel_rb_set_(by->rb_left, by, kernel_rb_is_black_(by->rb_left));
	if (by->rb_right)
		kernel_rb_set_(by->rb_right, by, kernel_rb_is_black_(by->rb_right));
	kernel_write_pointer_(at, kernel_rb_to_(root, victim), by, KERNEL_RELAXED_);
}

/* --- going through ---------------------------------------------------------------- */

KERNEL_INLINE_ struct rb_node *kernel_rb_end_(struct rb_node *node, enum kernel_rb_side_ side)
{
	while (node && *kernel_rb_link_(node, side))
		node = *kernel_rb_link_(node, side);
	return node;
}

/* The next one on this side. */
KERNEL_INLINE_ struct rb_node *kernel_rb_step_(const struct kernel_at_ *at,
					       const struct rb_node *from,
					       enum kernel_rb_side_ side)
{
	struct rb_node *node = (struct rb_node *)(uintptr_t)from, *parent;

	if (rb_parent(node) == node)
		return NULL;
	if (rb_parent(node))
		kernel_rb_in_tree_(at, NULL, node, "rb_next() or rb_prev() of a node that was erased");
	if (*kernel_rb_link_(node, side))
		return kernel_rb_end_(*kernel_rb_link_(node, side), kernel_rb_other_(side));
	while ((parent = rb_parent(node)) && *kernel_rb_link_(parent, side) == node)
		node = parent;
	return parent;
}

KERNEL_INLINE_ struct rb_node *kernel_rb_next_(const struct kernel_at_ *at,
					       const struct rb_node *node)
{
	return kernel_rb_step_(at, node, KERNEL_RIGHT_);
}

KERNEL_INLINE_ struct rb_node *kernel_rb_prev_(const struct kernel_at_ *at,
					       const struct rb_node *node)
{
	return kernel_rb_step_(at, node, KERNEL_LEFT_);
}

KERNEL_INLINE_ struct rb_node *kernel_rb_first_(const struct kernel_at_ *at,
						const struct rb_root *root)
{
	(void)at;
	return kernel_rb_end_(root->rb_node, KERNEL_LEFT_);
}

KERNEL_INLINE_ struct rb_node *kernel_rb_last_(const struct kernel_at_ *at,
					       const struct rb_root *root)
{
	(void)at;
	return kernel_rb_end_(root->rb_node, KERNEL_RIGHT_);
}

/* Children come before their parents: then each node can be freed when the next one is known. */
KERNEL_INLINE_ struct rb_node *kernel_rb_deepest_(struct rb_node *node)
{
	while (node && (node->rb_left || node->rb_right))
		node = node->rb_left ? node->rb_left : node->rb_right;
	return node;
}

KERNEL_INLINE_ struct rb_node *kernel_rb_first_postorder_(const struct kernel_at_ *at,
							  const struct rb_root *root)
{
	(void)at;
	return kernel_rb_deepest_(root->rb_node);
}

KERNEL_INLINE_ struct rb_node *kernel_rb_next_postorder_(const struct kernel_at_ *at,
							 const struct rb_node *node)
{
	struct rb_node *parent = node ? rb_parent(node) : NULL;

	(void)at;
	if (parent && node == parent->rb_left && parent->rb_right)
		return kernel_rb_deepest_(parent->rb_right);
	return parent;
}

KERNEL_INLINE_ void kernel_rb_erase_cached_(const struct kernel_at_ *at, struct rb_node *node,
					    struct rb_root_cached *root)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = kernel_rb_next_(at, node);
	kernel_rb_remove_(at, node, &root->rb_root, NULL);
}

/* --- searching -------------------------------------------------------------------- */

/* Among equal ones it is the last. Returns whether it is the first of all. */
KERNEL_INLINE_ bool kernel_rb_add_below_(const struct kernel_at_ *at, struct rb_node *node,
					 struct rb_root *root, kernel_rb_less_ less)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	kernel_rb_link_node_(at, node, parent, link);
	return leftmost;
}

KERNEL_INLINE_ void kernel_rb_add_(const struct kernel_at_ *at, struct rb_node *node,
				   struct rb_root *root, kernel_rb_less_ less)
{
	(void)kernel_rb_add_below_(at, node, root, less);
	kernel_rb_insert_(at, node, root, NULL);
}

/* The node, if it is the first one now; else NULL. */
KERNEL_INLINE_ struct rb_node *kernel_rb_add_cached_(const struct kernel_at_ *at,
						     struct rb_node *node,
						     struct rb_root_cached *root,
						     kernel_rb_less_ less)
{
	bool leftmost = kernel_rb_add_below_(at, node, &root->rb_root, less);

	kernel_rb_insert_color_cached_(at, node, root, leftmost);
	return leftmost ? node : NULL;
}

/* NULL: it is in the tree. Else one that is equal, and nothing is done. */
KERNEL_INLINE_ struct rb_node *kernel_rb_find_add_(const struct kernel_at_ *at,
						   struct rb_node *node, struct rb_root *root,
						   kernel_rb_order_ order)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		int c;

		parent = *link;
		c = order(node, parent);
		if (!c)
			return parent;
		link = c < 0 ? &parent->rb_left : &parent->rb_right;
	}
	kernel_rb_link_node_(at, node, parent, link);
	kernel_rb_insert_(at, node, root, NULL);
	return NULL;
}

/* Any one that matches; and the first one. */
KERNEL_INLINE_ struct rb_node *kernel_rb_find_(const struct kernel_at_ *at, const void *key,
					       const struct rb_root *root, kernel_rb_match_ match)
{
	struct rb_node *node = root->rb_node;

	(void)at;
	while (node) {
		int c = match(key, node);

		if (!c)
			break;
		node = c < 0 ? node->rb_left : node->rb_right;
	}
	return node;
}

KERNEL_INLINE_ struct rb_node *kernel_rb_find_first_(const struct kernel_at_ *at, const void *key,
						     const struct rb_root *root,
						     kernel_rb_match_ match)
{
	struct rb_node *node = root->rb_node, *found = NULL;

	(void)at;
	while (node) {
		int c = match(key, node);

		if (!c)
			found = node;
		node = c <= 0 ? node->rb_left : node->rb_right;
	}
	return found;
}

KERNEL_INLINE_ struct rb_node *kernel_rb_next_match_(const struct kernel_at_ *at, const void *key,
						     struct rb_node *node, kernel_rb_match_ match)
{
	node = kernel_rb_next_(at, node);
	return node && !match(key, node) ? node : NULL;
}

KERNEL_PASSED_VOID_(rb_link_node, (struct rb_node *node, struct rb_node *parent,
				   struct rb_node **link), (node, parent, link))
KERNEL_PASSED_VOID_(rb_link_node_rcu, (struct rb_node *node, struct rb_node *parent,
				       struct rb_node **link), (node, parent, link))
KERNEL_PASSED_VOID_(rb_insert_color, (struct rb_node *node, struct rb_root *root), (node, root))
KERNEL_PASSED_VOID_(rb_insert_color_cached, (struct rb_node *node, struct rb_root_cached *root,
					     bool leftmost), (node, root, leftmost))
KERNEL_PASSED_VOID_(rb_erase, (struct rb_node *node, struct rb_root *root), (node, root))
KERNEL_PASSED_VOID_(rb_erase_cached, (struct rb_node *node, struct rb_root_cached *root),
		    (node, root))
KERNEL_PASSED_VOID_(rb_replace_node, (struct rb_node *victim, struct rb_node *by,
				      struct rb_root *root), (victim, by, root))
KERNEL_PASSED_(struct rb_node *, rb_next, (const struct rb_node *node), (node))
KERNEL_PASSED_(struct rb_node *, rb_prev, (const struct rb_node *node), (node))
KERNEL_PASSED_(struct rb_node *, rb_first, (const struct rb_root *root), (root))
KERNEL_PASSED_(struct rb_node *, rb_last, (const struct rb_root *root), (root))
KERNEL_PASSED_(struct rb_node *, rb_first_postorder, (const struct rb_root *root), (root))
KERNEL_PASSED_(struct rb_node *, rb_next_postorder, (const struct rb_node *node), (node))
KERNEL_PASSED_VOID_(rb_add, (struct rb_node *node, struct rb_root *root, kernel_rb_less_ less),
		    (node, root, less))
KERNEL_PASSED_(struct rb_node *, rb_add_cached, (struct rb_node *node,
	       struct rb_root_cached *root, kernel_rb_less_ less), (node, root, less))
KERNEL_PASSED_(struct rb_node *, rb_find_add, (struct rb_node *node, struct rb_root *root,
					       kernel_rb_order_ order), (node, root, order))
KERNEL_PASSED_(struct rb_node *, rb_find, (const void *key, const struct rb_root *root,
					   kernel_rb_match_ match), (key, root, match))
KERNEL_PASSED_(struct rb_node *, rb_find_first, (const void *key, const struct rb_root *root,
						 kernel_rb_match_ match), (key, root, match))
KERNEL_PASSED_(struct rb_node *, rb_next_match, (const void *key, struct rb_node *node,
						 kernel_rb_match_ match), (key, node, match))

#define rb_link_node(node, parent, link) KERNEL_3_(rb_link_node, NULL, \
	struct rb_node *, node, struct rb_node *, parent, struct rb_node **, link)
#define rb_link_node_rcu(node, parent, link) \
	KERNEL_3_(rb_link_node_rcu, "rb_link_node_rcu(" #node ")", \
		  struct rb_node *, node, struct rb_node *, parent, struct rb_node **, link)
#define rb_insert_color(node, root) KERNEL_2_(rb_insert_color, "rb_insert_color(" #node ")", \
	struct rb_node *, node, struct rb_root *, root)
#define rb_insert_color_cached(node, root, leftmost) \
	KERNEL_3_(rb_insert_color_cached, "rb_insert_color_cached(" #node ")", \
		  struct rb_node *, node, struct rb_root_cached *, root, bool, leftmost)
#define rb_erase(node, root) KERNEL_2_(rb_erase, "rb_erase(" #node ")", \
	struct rb_node *, node, struct rb_root *, root)
#define rb_erase_cached(node, root) KERNEL_2_(rb_erase_cached, "rb_erase_cached(" #node ")", \
	struct rb_node *, node, struct rb_root_cached *, root)
#define rb_replace_node(victim, by, root) \
	KERNEL_3_(rb_replace_node, "rb_replace_node(" #victim ")", struct rb_node *, victim, \
		  struct rb_node *, by, struct rb_root *, root)
#define rb_next(node) KERNEL_1_(rb_next, NULL, node)
#define rb_prev(node) KERNEL_1_(rb_prev, NULL, node)
#define rb_first(root) KERNEL_1_(rb_first, NULL, root)
#define rb_last(root) KERNEL_1_(rb_last, NULL, root)
#define rb_first_cached(root) ((root)->rb_leftmost)
#define rb_first_postorder(root) KERNEL_1_(rb_first_postorder, NULL, root)
#define rb_next_postorder(node) KERNEL_1_(rb_next_postorder, NULL, node)
#define rb_add(node, root, less) KERNEL_3_(rb_add, "rb_add(" #node ")", \
	struct rb_node *, node, struct rb_root *, root, kernel_rb_less_, less)
#define rb_add_cached(node, root, less) KERNEL_3_(rb_add_cached, "rb_add_cached(" #node ")", \
	struct rb_node *, node, struct rb_root_cached *, root, kernel_rb_less_, less)
#define rb_find_add(node, root, order) KERNEL_3_(rb_find_add, "rb_find_add(" #node ")", \
	struct rb_node *, node, struct rb_root *, root, kernel_rb_order_, order)
#define rb_find(key, root, match) KERNEL_3_(rb_find, NULL, \
	const void *, key, const struct rb_root *, root, kernel_rb_match_, match)
#define rb_find_first(key, root, match) KERNEL_3_(rb_find_first, NULL, \
	const void *, key, const struct rb_root *, root, kernel_rb_match_, match)
#define rb_next_match(key, node, match) KERNEL_3_(rb_next_match, NULL, \
	const void *, key, struct rb_node *, node, kernel_rb_match_, match)
#define rb_for_each(node, key, root, match) \
	for ((node) = rb_find_first((key), (root), (match)); (node); \
	     (node) = rb_next_match((key), (node), (match)))
#define rbtree_postorder_for_each_entry_safe(pos, n, root, field) \
	for (pos = rb_entry_safe(rb_first_postorder(root), __typeof__(*pos), field); \
	     pos && (n = rb_entry_safe(rb_next_postorder(&pos->field), __typeof__(*pos), field), \
		     true); pos = n)

/* The root is read as READ_ONCE() does. */
#define RB_EMPTY_ROOT(root) \
	(KERNEL_READ_("RB_EMPTY_ROOT(" #root ")", KERNEL_RELAXED_, &(root)->rb_node) == NULL)
/* A node that is known to be in no tree. */
#define RB_EMPTY_NODE(node) __extension__({ \
	const struct rb_node *kernel_node_ = (node); \
	kernel_node_->__rb_parent_color == (unsigned long)kernel_node_; })
#define RB_CLEAR_NODE(node) __extension__({ \
	struct rb_node *kernel_node_ = (node); \
	kernel_node_->__rb_parent_color = (unsigned long)kernel_node_; \
	(void)0; })

#ifdef __cplusplus
}
#endif

#endif
