/* SPDX-License-Identifier: MIT */
/* rculist.h - lists whose readers hold no lock. */
#ifndef MMUN_LINUX_RCULIST_H
#define MMUN_LINUX_RCULIST_H

#include "mmun/linux/list.h"
#include "mmun/linux/rcupdate.h"
#include "mmun/linux/compiler.h"

/* With _rcu, what readers without the lock look at is written and read as they may. */
#define hlist_add_head_rcu(n, head) do { \
	struct hlist_node *node_ = (n), *first_ = (head)->first; \
	node_->pprev = &(head)->first; \
	WRITE_ONCE(node_->next, first_); \
	if (first_) \
		first_->pprev = &node_->next; \
	rcu_assign_pointer((head)->first, node_); \
} while (0)
#define hlist_del_rcu(n) do { \
	struct hlist_node *node_ = (n), *after_ = node_->next; \
	WRITE_ONCE(*node_->pprev, after_); \
	if (after_) \
		after_->pprev = node_->pprev; \
} while (0)
#define hlist_del_init_rcu(n) do { \
	struct hlist_node *gone_ = (n); \
	if (!hlist_unhashed(gone_)) { \
		hlist_del_rcu(gone_); \
		gone_->pprev = NULL; \
	} \
} while (0)

#define hlist_for_each_entry_rcu(at, head, member) \
	for (at = hlist_entry_safe(rcu_dereference((head)->first), __typeof__(*at), member); at; \
	     at = hlist_entry_safe(rcu_dereference(at->member.next), __typeof__(*at), member))
#define hlist_for_each_entry_srcu(at, head, member, held) \
	hlist_for_each_entry_rcu(at, head, member)

#endif
