/* SPDX-License-Identifier: MIT */
/*
 * interval_tree_generic.h - trees of intervals, made for a structure of the user's. They are
 * changed under a lock, and accessed plainly.
 *
 * INTERVAL_TREE_DEFINE(type, rb, number, subtree, START, LAST, static, prefix) defines the
 * functions prefix_insert(node, root), prefix_remove(node, root), and prefix_iter_first(root,
 * start, last) and prefix_iter_next(node, start, last), which return the nodes that overlap with
 * start to last, both included, in the order of their starts; NULL: no more. rb is the member of
 * struct rb_node, subtree one of this type of number, and START(node) and LAST(node) are the
 * node's.
 */
#ifndef MMUN_LINUX_INTERVAL_TREE_GENERIC_H
#define MMUN_LINUX_INTERVAL_TREE_GENERIC_H

#include "mmun/linux/rbtree.h"

/* They say where they were called from. */
#define KERNEL_TREE_FUNCTION_ __attribute__((unused, noinline))

#define INTERVAL_TREE_DEFINE(type, rb, number, subtree, START, LAST, scope, prefix) \
	/* The greatest end at the node and below it. */ \
	static bool prefix##_update_(struct rb_node *kernel_rb_) \
	{ \
		type *node = rb_entry(kernel_rb_, type, rb); \
		number last = LAST(node), was = node->subtree; \
		\
		if (node->rb.rb_left && \
		    rb_entry(node->rb.rb_left, type, rb)->subtree > last) \
			last = rb_entry(node->rb.rb_left, type, rb)->subtree; \
		if (node->rb.rb_right && \
		    rb_entry(node->rb.rb_right, type, rb)->subtree > last) \
			last = rb_entry(node->rb.rb_right, type, rb)->subtree; \
		if (was != last) \
			node->subtree = last; \
		return was != last; \
	} \
	\
	scope KERNEL_TREE_FUNCTION_ void prefix##_insert(type *node, \
							   struct rb_root_cached *root) \
	{ \
		struct rb_node **link = &root->rb_root.rb_node, *parent = NULL; \
		bool leftmost = true; \
		\
		while (*link) { \
			parent = *link; \
			if (START(node) < START(rb_entry(parent, type, rb))) { \
				link = &parent->rb_left; \
			} else { \
				link = &parent->rb_right; \
				leftmost = false; \
			} \
		} \
		node->subtree = LAST(node); \
		rb_link_node(&node->rb, parent, link); \
		if (leftmost) \
			root->rb_leftmost = &node->rb; \
		kernel_rb_insert_(KERNEL_CALLER_, &node->rb, &root->rb_root, prefix##_update_); \
	} \
	\
	scope KERNEL_TREE_FUNCTION_ void prefix##_remove(type *node, \
							   struct rb_root_cached *root) \
	{ \
		const struct kernel_at_ *at = KERNEL_CALLER_; \
		\
		if (root->rb_leftmost == &node->rb) \
			root->rb_leftmost = kernel_rb_next_(at, &node->rb); \
		kernel_rb_remove_(at, &node->rb, &root->rb_root, prefix##_update_); \
	} \
	\
	/* The first one at the node and below it. If anything on the left ends late enough, and \
	 * does not overlap, it begins too late, and so does all that comes after it. */ \
	static type *prefix##_below_(struct rb_node *at, number start, number last) \
	{ \
		while (at && rb_entry(at, type, rb)->subtree >= start) { \
			type *node = rb_entry(at, type, rb); \
			\
			if (at->rb_left && rb_entry(at->rb_left, type, rb)->subtree >= start) { \
				at = at->rb_left; \
				continue; \
			} \
			if (START(node) > last) \
				return NULL; \
			if (LAST(node) >= start) \
				return node; \
			at = at->rb_right; \
		} \
		return NULL; \
	} \
	\
	scope KERNEL_TREE_FUNCTION_ type *prefix##_iter_first(struct rb_root_cached *root, \
								number start, number last) \
	{ \
		return prefix##_below_(root->rb_root.rb_node, start, last); \
	} \
	\
	scope KERNEL_TREE_FUNCTION_ type *prefix##_iter_next(type *node, number start, \
							       number last) \
	{ \
		struct rb_node *at = &node->rb, *from; \
		type *found; \
		\
		kernel_rb_in_tree_(KERNEL_CALLER_, NULL, at, #prefix \
				   "_iter_next() of a node that was removed"); \
		for (;;) { \
			found = prefix##_below_(at->rb_right, start, last); \
			if (found) \
				return found; \
			do { \
				from = at; \
				at = rb_parent(at); \
			} while (at && from == at->rb_right); \
			if (!at || START(rb_entry(at, type, rb)) > last) \
				return NULL; \
			if (LAST(rb_entry(at, type, rb)) >= start) \
				return rb_entry(at, type, rb); \
		} \
	}

#endif
