/* SPDX-License-Identifier: MIT */
/* rculist.h - lists whose readers hold no lock: the accesses that meet are marked. Changes are
 * still made under a lock of the user's. */
#ifndef MMUN_LINUX_RCULIST_H
#define MMUN_LINUX_RCULIST_H

#include "mmun/linux/list.h"
#include "mmun/linux/rcupdate.h"

#ifdef __cplusplus
extern "C" {
#endif

KERNEL_INLINE_ void kernel_list_insert_rcu_(const struct kernel_at_ *at, struct list_head *entry,
					    struct list_head *prev, struct list_head *next)
{
	entry->next = next;
	entry->prev = prev;
	kernel_write_pointer_(at, &prev->next, entry, KERNEL_RELEASE_);
	next->prev = entry;
}

KERNEL_INLINE_ void kernel_list_add_rcu_(const struct kernel_at_ *at, struct list_head *entry,
					 struct list_head *head)
{
	kernel_list_insert_rcu_(at, entry, head, head->next);
}

KERNEL_INLINE_ void kernel_list_add_tail_rcu_(const struct kernel_at_ *at,
					      struct list_head *entry, struct list_head *head)
{
	kernel_list_insert_rcu_(at, entry, head->prev, head);
}

/* A reader that stands at the entry can go on. */
KERNEL_INLINE_ void kernel_list_del_rcu_(const struct kernel_at_ *at, struct list_head *entry)
{
	kernel___list_del_entry_(at, entry);
	entry->prev = (struct list_head *)LIST_POISON2;
}

KERNEL_INLINE_ void kernel_list_replace_rcu_(const struct kernel_at_ *at, struct list_head *old,
					     struct list_head *entry)
{
	entry->next = old->next;
	entry->prev = old->prev;
	kernel_write_pointer_(at, &entry->prev->next, entry, KERNEL_RELEASE_);
	entry->next->prev = entry;
	old->prev = (struct list_head *)LIST_POISON2;
}

KERNEL_PASSED_VOID_(list_add_rcu, (struct list_head *entry, struct list_head *head), (entry, head))
KERNEL_PASSED_VOID_(list_add_tail_rcu, (struct list_head *entry, struct list_head *head),
		    (entry, head))
KERNEL_PASSED_VOID_(list_del_rcu, (struct list_head *entry), (entry))
KERNEL_PASSED_VOID_(list_replace_rcu, (struct list_head *old, struct list_head *entry),
		    (old, entry))

#define list_add_rcu(entry, head) \
	KERNEL_LISTS_(list_add_rcu, "list_add_rcu(" #entry ")", entry, head)
#define list_add_tail_rcu(entry, head) \
	KERNEL_LISTS_(list_add_tail_rcu, "list_add_tail_rcu(" #entry ")", entry, head)
#define list_del_rcu(entry) KERNEL_1_(list_del_rcu, "list_del_rcu(" #entry ")", entry)
#define list_replace_rcu(old, entry) \
	KERNEL_LISTS_(list_replace_rcu, "list_replace_rcu(" #old ")", old, entry)

#define list_entry_rcu(ptr, type, member) container_of(READ_ONCE(ptr), type, member)
#define list_first_or_null_rcu(head, type, member) list_first_entry_or_null(head, type, member)
/* A further argument says why no read section is needed. It is not used. */
#define list_for_each_entry_rcu(at, head, member, ...) \
	for (at = list_entry_rcu((head)->next, __typeof__(*at), member); \
	     !list_entry_is_head(at, head, member); \
	     at = list_entry_rcu(at->member.next, __typeof__(*at), member))

KERNEL_INLINE_ void kernel_hlist_add_head_rcu_(const struct kernel_at_ *at, struct hlist_node *n,
					       struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	n->next = first;
	kernel_write_pointer_(at, &n->pprev, &head->first, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &head->first, n, KERNEL_RELEASE_);
	if (first)
		kernel_write_pointer_(at, &first->pprev, &n->next, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_add_before_rcu_(const struct kernel_at_ *at,
						 struct hlist_node *n, struct hlist_node *next)
{
	kernel_write_pointer_(at, &n->pprev, next->pprev, KERNEL_RELAXED_);
	n->next = next;
	kernel_write_pointer_(at, n->pprev, n, KERNEL_RELEASE_);
	kernel_write_pointer_(at, &next->pprev, &n->next, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_add_behind_rcu_(const struct kernel_at_ *at,
						 struct hlist_node *n, struct hlist_node *prev)
{
	n->next = prev->next;
	kernel_write_pointer_(at, &n->pprev, &prev->next, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &prev->next, n, KERNEL_RELEASE_);
	if (n->next)
		kernel_write_pointer_(at, &n->next->pprev, &n->next, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_add_tail_rcu_(const struct kernel_at_ *at, struct hlist_node *n,
					       struct hlist_head *head)
{
	struct hlist_node *last = head->first;

	while (last && last->next)
		last = last->next;
	if (last)
		kernel_hlist_add_behind_rcu_(at, n, last);
	else
		kernel_hlist_add_head_rcu_(at, n, head);
}

KERNEL_INLINE_ void kernel_hlist_del_rcu_(const struct kernel_at_ *at, struct hlist_node *n)
{
	kernel_hlist_leave_(at, n);
	kernel_write_pointer_(at, &n->pprev, LIST_POISON2, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_del_init_rcu_(const struct kernel_at_ *at, struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	kernel_hlist_leave_(at, n);
	kernel_write_pointer_(at, &n->pprev, NULL, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_replace_rcu_(const struct kernel_at_ *at, struct hlist_node *old,
					      struct hlist_node *n)
{
	struct hlist_node *next = old->next;

	n->next = next;
	kernel_write_pointer_(at, &n->pprev, old->pprev, KERNEL_RELAXED_);
	kernel_write_pointer_(at, n->pprev, n, KERNEL_RELEASE_);
	if (next)
		kernel_write_pointer_(at, &next->pprev, &n->next, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &old->pprev, LIST_POISON2, KERNEL_RELAXED_);
}

KERNEL_PASSED_VOID_(hlist_add_head_rcu, (struct hlist_node *n, struct hlist_head *head), (n, head))
KERNEL_PASSED_VOID_(hlist_add_tail_rcu, (struct hlist_node *n, struct hlist_head *head), (n, head))
KERNEL_PASSED_VOID_(hlist_add_before_rcu, (struct hlist_node *n, struct hlist_node *next),
		    (n, next))
KERNEL_PASSED_VOID_(hlist_add_behind_rcu, (struct hlist_node *n, struct hlist_node *prev),
		    (n, prev))
KERNEL_PASSED_VOID_(hlist_del_rcu, (struct hlist_node *n), (n))
KERNEL_PASSED_VOID_(hlist_del_init_rcu, (struct hlist_node *n), (n))
KERNEL_PASSED_VOID_(hlist_replace_rcu, (struct hlist_node *old, struct hlist_node *n), (old, n))

#define KERNEL_NODES_(name, text, a, b) \
	KERNEL_2_(name, text, struct hlist_node *, a, struct hlist_node *, b)

#define hlist_add_head_rcu(n, head) KERNEL_2_(hlist_add_head_rcu, \
	"hlist_add_head_rcu(" #n ")", struct hlist_node *, n, struct hlist_head *, head)
#define hlist_add_tail_rcu(n, head) KERNEL_2_(hlist_add_tail_rcu, \
	"hlist_add_tail_rcu(" #n ")", struct hlist_node *, n, struct hlist_head *, head)
#define hlist_add_before_rcu(n, next) \
	KERNEL_NODES_(hlist_add_before_rcu, "hlist_add_before_rcu(" #n ")", n, next)
#define hlist_add_behind_rcu(n, prev) \
	KERNEL_NODES_(hlist_add_behind_rcu, "hlist_add_behind_rcu(" #n ")", n, prev)
#define hlist_del_rcu(n) KERNEL_1_(hlist_del_rcu, "hlist_del_rcu(" #n ")", n)
#define hlist_del_init_rcu(n) KERNEL_1_(hlist_del_init_rcu, "hlist_del_init_rcu(" #n ")", n)
#define hlist_replace_rcu(old, n) \
	KERNEL_NODES_(hlist_replace_rcu, "hlist_replace_rcu(" #old ")", old, n)

#define hlist_for_each_entry_rcu(at, head, member, ...) \
	for (at = hlist_entry_safe(rcu_dereference((head)->first), __typeof__(*at), member); at; \
	     at = hlist_entry_safe(rcu_dereference(at->member.next), __typeof__(*at), member))
#define hlist_for_each_entry_srcu(at, head, member, held) \
	hlist_for_each_entry_rcu(at, head, member)

#ifdef __cplusplus
}
#endif

#endif
