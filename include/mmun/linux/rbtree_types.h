/* SPDX-License-Identifier: MIT */
/* rbtree_types.h - nodes and roots of red-black trees. */
#ifndef MMUN_LINUX_RBTREE_TYPES_H
#define MMUN_LINUX_RBTREE_TYPES_H

#include <stddef.h>

/* The parent, and whether the node is black in the lowest bit. */
struct rb_node { unsigned long __rb_parent_color; struct rb_node *rb_right, *rb_left; }
	__attribute__((aligned(sizeof(long))));
struct rb_root { struct rb_node *rb_node; };
struct rb_root_cached { struct rb_root rb_root; struct rb_node *rb_leftmost; };

#ifdef __cplusplus
#define RB_ROOT rb_root()
#define RB_ROOT_CACHED rb_root_cached()
#else
#define RB_ROOT __extension__ (struct rb_root){ NULL }
#define RB_ROOT_CACHED __extension__ (struct rb_root_cached){ { NULL }, NULL }
#endif

#endif
