/* SPDX-License-Identifier: MIT */
/*
 * rbtree_augmented.h - how red-black trees are changed, also those whose nodes keep something of
 * all nodes below them: what stands behind rbtree.h and interval_tree_generic.h.
 */
#ifndef MMUN_LINUX_RBTREE_AUGMENTED_H
#define MMUN_LINUX_RBTREE_AUGMENTED_H

#include "mmun/linux/rbtree_types.h"
#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Computes anew what the node keeps of all below it; false: that is as it was. NULL: nothing. */
typedef bool (*kernel_rb_update_)(struct rb_node *node);

#define rb_parent(node) ((struct rb_node *)((node)->__rb_parent_color & ~3ul))

/* --- nodes -------------------------------------------------------------------- */

enum kernel_rb_side_ { KERNEL_LEFT_, KERNEL_RIGHT_ };

KERNEL_INLINE_ enum kernel_rb_side_ kernel_rb_other_(enum kernel_rb_side_ side)
{
	return side == KERNEL_LEFT_ ? KERNEL_RIGHT_ : KERNEL_LEFT_;
}

KERNEL_INLINE_ struct rb_node **kernel_rb_link_(struct rb_node *node, enum kernel_rb_side_ side)
{
	return side == KERNEL_LEFT_ ? &node->rb_left : &node->rb_right;
}

KERNEL_INLINE_ bool kernel_rb_is_black_(const struct rb_node *node)
{
	return !node || (node->__rb_parent_color & 1);
}

KERNEL_INLINE_ void kernel_rb_set_(struct rb_node *node, struct rb_node *parent, bool black)
{
	node->__rb_parent_color = (unsigned long)parent | black;
}

KERNEL_INLINE_ void kernel_rb_color_(struct rb_node *node, bool black)
{
	kernel_rb_set_(node, rb_parent(node), black);
}

/* Where the tree leads to the node: in its parent, or in the root. */
KERNEL_INLINE_ struct rb_node **kernel_rb_to_(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent)
		return &root->rb_node;
	return parent->rb_left == node ? &parent->rb_left : &parent->rb_right;
}

/* root may be NULL; then nothing is known of a node that has no parent. */
KERNEL_INLINE_ void kernel_rb_in_tree_(const struct kernel_at_ *at, struct rb_root *root,
				       struct rb_node *node, const char *wrong)
{
	struct rb_node *parent = rb_parent(node);

	if (parent == node || ((root || parent) && *kernel_rb_to_(root, node) != node))
		explore_assert_failed(wrong, at->site.file, at->site.line);
}

/* The node's place is taken by another one, which may be NULL. */
KERNEL_INLINE_ void kernel_rb_put_(const struct kernel_at_ *at, struct rb_root *root,
				   struct rb_node *node, struct rb_node *by)
{
	struct rb_node *parent = rb_parent(node);

	kernel_write_pointer_(at, kernel_rb_to_(root, node), by, KERNEL_RELAXED_);
	if (by)
		kernel_rb_set_(by, parent, kernel_rb_is_black_(by));
}

/* The node goes down on this side, and its child on the other side up. */
KERNEL_INLINE_ void kernel_rb_rotate_(const struct kernel_at_ *at, struct rb_root *root,
				      struct rb_node *node, enum kernel_rb_side_ side,
				      kernel_rb_update_ update)
{
	struct rb_node **link = kernel_rb_link_(node, kernel_rb_other_(side));
	struct rb_node *up = *link, *between = *kernel_rb_link_(up, side);

	kernel_write_pointer_(at, link, between, KERNEL_RELAXED_);
	if (between)
		kernel_rb_set_(between, node, kernel_rb_is_black_(between));
	kernel_rb_put_(at, root, node, up);
	kernel_write_pointer_(at, kernel_rb_link_(up, side), node, KERNEL_RELAXED_);
	kernel_rb_set_(node, up, kernel_rb_is_black_(node));
	if (update) {
		update(node);
		update(up);
	}
}

/* --- inserting ------------------------------------------------------------------ */

/* A red node has a red parent: one of them is to become black. */
KERNEL_INLINE_ void kernel_rb_insert_(const struct kernel_at_ *at, struct rb_node *node,
				      struct rb_root *root, kernel_rb_update_ update)
{
	struct rb_node *parent, *above, *uncle;

	for (parent = node; update && parent; parent = rb_parent(parent))
		if (!update(parent) && parent != node)
			break;
	while ((parent = rb_parent(node)) && !kernel_rb_is_black_(parent)) {
		enum kernel_rb_side_ side;

		above = rb_parent(parent);
		side = above->rb_left == parent ? KERNEL_LEFT_ : KERNEL_RIGHT_;
		uncle = *kernel_rb_link_(above, kernel_rb_other_(side));
		if (!kernel_rb_is_black_(uncle)) {
			kernel_rb_color_(parent, true);
			kernel_rb_color_(uncle, true);
			kernel_rb_color_(above, false);
			node = above;
			continue;
		}
		if (*kernel_rb_link_(parent, kernel_rb_other_(side)) == node) {
			kernel_rb_rotate_(at, root, parent, side, update);
			parent = node;
		}
		kernel_rb_color_(parent, true);
		kernel_rb_color_(above, false);
		kernel_rb_rotate_(at, root, above, kernel_rb_other_(side), update);
		break;
	}
	if (!kernel_rb_is_black_(root->rb_node))
		kernel_rb_color_(root->rb_node, true);
}

/* --- erasing -------------------------------------------------------------------- */

/* Each way through @node, which may be NULL and is below @parent, has one black node too few. */
KERNEL_INLINE_ void kernel_rb_repair_(const struct kernel_at_ *at, struct rb_node *node,
				      struct rb_node *parent, struct rb_root *root,
				      kernel_rb_update_ update)
{
	while (parent && kernel_rb_is_black_(node)) {
		enum kernel_rb_side_ side = parent->rb_left == node ? KERNEL_LEFT_ : KERNEL_RIGHT_;
		enum kernel_rb_side_ far = kernel_rb_other_(side);
		struct rb_node *other = *kernel_rb_link_(parent, far);

		if (!kernel_rb_is_black_(other)) {
			kernel_rb_color_(other, true);
			kernel_rb_color_(parent, false);
			kernel_rb_rotate_(at, root, parent, side, update);
			other = *kernel_rb_link_(parent, far);
		}
		if (kernel_rb_is_black_(other->rb_left) && kernel_rb_is_black_(other->rb_right)) {
			kernel_rb_color_(other, false);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (kernel_rb_is_black_(*kernel_rb_link_(other, far))) {
			kernel_rb_color_(*kernel_rb_link_(other, side), true);
			kernel_rb_color_(other, false);
			kernel_rb_rotate_(at, root, other, far, update);
			other = *kernel_rb_link_(parent, far);
		}
		kernel_rb_color_(other, kernel_rb_is_black_(parent));
		kernel_rb_color_(parent, true);
		kernel_rb_color_(*kernel_rb_link_(other, far), true);
		kernel_rb_rotate_(at, root, parent, side, update);
		return;
	}
	if (node)
		kernel_rb_color_(node, true);
}

/* The next node, which has no left child, comes to the node's place. Returns where there is one
 * node less: its parent. */
KERNEL_INLINE_ struct rb_node *kernel_rb_next_up_(const struct kernel_at_ *at,
						  struct rb_node *node, struct rb_node *next,
						  struct rb_root *root)
{
	struct rb_node *parent = rb_parent(next);

	if (parent == node) {
		parent = next;
	} else {
		kernel_rb_put_(at, root, next, next->rb_right);
		kernel_write_pointer_(at, &next->rb_right, node->rb_right, KERNEL_RELAXED_);
		kernel_rb_set_(next->rb_right, next, kernel_rb_is_black_(next->rb_right));
	}
	kernel_rb_put_(at, root, node, next);
	kernel_write_pointer_(at, &next->rb_left, node->rb_left, KERNEL_RELAXED_);
	kernel_rb_set_(next->rb_left, next, kernel_rb_is_black_(next->rb_left));
	return parent;
}

KERNEL_INLINE_ void kernel_rb_remove_(const struct kernel_at_ *at, struct rb_node *node,
				      struct rb_root *root, kernel_rb_update_ update)
{
	struct rb_node *child, *parent, *at_node, *next = node->rb_right;
	bool black = kernel_rb_is_black_(node), was = black;

	kernel_rb_in_tree_(at, root, node, "rb_erase() of a node that is not in the tree");
	if (!node->rb_left || !node->rb_right) {
		child = node->rb_left ? node->rb_left : node->rb_right;
		parent = rb_parent(node);
		kernel_rb_put_(at, root, node, child);
	} else {
		while (next->rb_left)
			next = next->rb_left;
		child = next->rb_right;
		black = kernel_rb_is_black_(next);
		parent = kernel_rb_next_up_(at, node, next, root);
		kernel_rb_color_(next, was);
	}
	for (at_node = parent; update && at_node; at_node = rb_parent(at_node))
		update(at_node);
	if (black)
		kernel_rb_repair_(at, child, parent, root, update);
}

#ifdef __cplusplus
}
#endif

#endif
