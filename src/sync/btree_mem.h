/* SPDX-License-Identifier: MIT */
/*
 * btree_mem.h - the memory of B+-trees' nodes comes from the door. For btree_init(); base,
 * where the tree is, knows no door, and the door's names may be macros: no pointers to them.
 */
#ifndef MMUN_SYNC_BTREE_MEM_H
#define MMUN_SYNC_BTREE_MEM_H

#include "base/btree.h"
#include "sync/sync.h"

static inline void *sync_node_alloc(size_t size) { return sync_alloc(size); }
static inline void sync_node_free(void *p) { sync_free(p); }

static const struct btree_mem sync_btree_mem = { sync_node_alloc, sync_node_free };

#endif
