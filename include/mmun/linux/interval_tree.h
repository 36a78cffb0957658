/* SPDX-License-Identifier: MIT */
/* interval_tree.h - trees of intervals of unsigned long, which are changed under a lock. */
#ifndef MMUN_LINUX_INTERVAL_TREE_H
#define MMUN_LINUX_INTERVAL_TREE_H

#include "mmun/linux/interval_tree_generic.h"

#ifdef __cplusplus
extern "C" {
#endif

struct interval_tree_node { struct rb_node rb; unsigned long start, last, __subtree_last; };

#define KERNEL_TREE_START_(node) ((node)->start)
#define KERNEL_TREE_LAST_(node) ((node)->last)

#ifndef KERNEL_IMPLEMENTATION_
INTERVAL_TREE_DEFINE(struct interval_tree_node, rb, unsigned long, __subtree_last,
		     KERNEL_TREE_START_, KERNEL_TREE_LAST_, static, interval_tree)
#endif

/* Puts the node, with its start and last, into the tree; takes it out of it. The nodes that overlap
 * with start to last, which are both included, in order; NULL: there is none, or no more. */
#define interval_tree_insert(node, root) KERNEL_CALL_2_(interval_tree_insert, \
	struct interval_tree_node *, node, struct rb_root_cached *, root)
#define interval_tree_remove(node, root) KERNEL_CALL_2_(interval_tree_remove, \
	struct interval_tree_node *, node, struct rb_root_cached *, root)
#define interval_tree_iter_first(root, start, last) KERNEL_CALL_3_(interval_tree_iter_first, \
	struct rb_root_cached *, root, unsigned long, start, unsigned long, last)
#define interval_tree_iter_next(node, start, last) KERNEL_CALL_3_(interval_tree_iter_next, \
	struct interval_tree_node *, node, unsigned long, start, unsigned long, last)

#ifdef __cplusplus
}
#endif

#endif
