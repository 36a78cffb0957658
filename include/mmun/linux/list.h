/* SPDX-License-Identifier: MIT */
/*
 * list.h - doubly linked lists, which are changed under a lock of the user's. Accesses are
 * marked where Linux's are, so that calling list_empty() without the lock is no race. All
 * other accesses are plain, and are watched.
 */
#ifndef MMUN_LINUX_LIST_H
#define MMUN_LINUX_LIST_H

#include "mmun/linux/container_of.h"
#include "mmun/linux/poison.h"
#include "mmun/linux/types.h"
#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LIST_HEAD_INIT(head) { &(head), &(head) }
#define LIST_HEAD(head) struct list_head head = LIST_HEAD_INIT(head)

/* --- changing ----------------------------------------------------------------- */

KERNEL_INLINE_ void kernel_INIT_LIST_HEAD_(const struct kernel_at_ *at, struct list_head *list)
{
	kernel_write_pointer_(at, &list->next, list, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &list->prev, list, KERNEL_RELAXED_);
}

/* Inserts an entry between two neighbors. */
KERNEL_INLINE_ void kernel_list_insert_(const struct kernel_at_ *at, struct list_head *entry,
					struct list_head *prev, struct list_head *next)
{
	next->prev = entry;
	entry->next = next;
	entry->prev = prev;
	kernel_write_pointer_(at, &prev->next, entry, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_list_join_(const struct kernel_at_ *at, struct list_head *prev,
				      struct list_head *next)
{
	next->prev = prev;
	kernel_write_pointer_(at, &prev->next, next, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_list_add_(const struct kernel_at_ *at, struct list_head *entry,
				     struct list_head *head)
{
	kernel_list_insert_(at, entry, head, head->next);
}

KERNEL_INLINE_ void kernel_list_add_tail_(const struct kernel_at_ *at, struct list_head *entry,
					  struct list_head *head)
{
	kernel_list_insert_(at, entry, head->prev, head);
}

KERNEL_INLINE_ void kernel___list_del_entry_(const struct kernel_at_ *at, struct list_head *entry)
{
	kernel_list_join_(at, entry->prev, entry->next);
}

KERNEL_INLINE_ void kernel_list_del_(const struct kernel_at_ *at, struct list_head *entry)
{
	kernel___list_del_entry_(at, entry);
	entry->next = (struct list_head *)LIST_POISON1;
	entry->prev = (struct list_head *)LIST_POISON2;
}

KERNEL_INLINE_ void kernel_list_del_init_(const struct kernel_at_ *at, struct list_head *entry)
{
	kernel___list_del_entry_(at, entry);
	kernel_INIT_LIST_HEAD_(at, entry);
}

/* For lists on which list_empty_careful() is called without the lock. */
KERNEL_INLINE_ void kernel_list_del_init_careful_(const struct kernel_at_ *at,
						  struct list_head *entry)
{
	kernel___list_del_entry_(at, entry);
	kernel_write_pointer_(at, &entry->prev, entry, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &entry->next, entry, KERNEL_RELEASE_);
}

KERNEL_INLINE_ void kernel_list_replace_(const struct kernel_at_ *at, struct list_head *old,
					 struct list_head *entry)
{
	(void)at;
	entry->next = old->next;
	entry->next->prev = entry;
	entry->prev = old->prev;
	entry->prev->next = entry;
}

KERNEL_INLINE_ void kernel_list_replace_init_(const struct kernel_at_ *at, struct list_head *old,
					      struct list_head *entry)
{
	kernel_list_replace_(at, old, entry);
	kernel_INIT_LIST_HEAD_(at, old);
}

KERNEL_INLINE_ void kernel_list_move_(const struct kernel_at_ *at, struct list_head *entry,
				      struct list_head *head)
{
	kernel___list_del_entry_(at, entry);
	kernel_list_add_(at, entry, head);
}

KERNEL_INLINE_ void kernel_list_move_tail_(const struct kernel_at_ *at, struct list_head *entry,
					   struct list_head *head)
{
	kernel___list_del_entry_(at, entry);
	kernel_list_add_tail_(at, entry, head);
}

/* --- asking ------------------------------------------------------------------- */

KERNEL_INLINE_ int kernel_list_empty_(const struct kernel_at_ *at, const struct list_head *head)
{
	return kernel_read_pointer_(at, &head->next, KERNEL_RELAXED_) == head;
}

KERNEL_INLINE_ int kernel_list_empty_careful_(const struct kernel_at_ *at,
					      const struct list_head *head)
{
	const void *next = kernel_read_pointer_(at, &head->next, KERNEL_ACQUIRE_);

	return next == head && next == kernel_read_pointer_(at, &head->prev, KERNEL_RELAXED_);
}

KERNEL_INLINE_ int kernel_list_is_singular_(const struct kernel_at_ *at,
					    const struct list_head *head)
{
	return !kernel_list_empty_(at, head) && head->next == head->prev;
}

static inline int list_is_first(const struct list_head *list, const struct list_head *head)
{
	return list->prev == head;
}

static inline int list_is_last(const struct list_head *list, const struct list_head *head)
{
	return list->next == head;
}

static inline int list_is_head(const struct list_head *list, const struct list_head *head)
{
	return list == head;
}

#define KERNEL_LISTS_ASK_(name, a, b) \
	KERNEL_CALL_2_(name, const struct list_head *, a, const struct list_head *, b)
#define list_is_first(list, head) KERNEL_LISTS_ASK_(list_is_first, list, head)
#define list_is_last(list, head) KERNEL_LISTS_ASK_(list_is_last, list, head)
#define list_is_head(list, head) KERNEL_LISTS_ASK_(list_is_head, list, head)

static inline size_t list_count_nodes(struct list_head *head)
{
	size_t count = 0;

	for (struct list_head *at = head->next; at != head; at = at->next)
		count++;
	return count;
}

/* --- lists as a whole ----------------------------------------------------------- */

/* Inserts the entries of @list, which is not empty, between two neighbors. */
KERNEL_INLINE_ void kernel_list_put_between_(const struct list_head *list, struct list_head *prev,
					     struct list_head *next)
{
	struct list_head *first = list->next, *last = list->prev;

	first->prev = prev;
	prev->next = first;
	last->next = next;
	next->prev = last;
}

KERNEL_INLINE_ void kernel_list_splice_(const struct kernel_at_ *at, const struct list_head *list,
					struct list_head *head)
{
	if (!kernel_list_empty_(at, list))
		kernel_list_put_between_(list, head, head->next);
}

KERNEL_INLINE_ void kernel_list_splice_tail_(const struct kernel_at_ *at,
					     const struct list_head *list, struct list_head *head)
{
	if (!kernel_list_empty_(at, list))
		kernel_list_put_between_(list, head->prev, head);
}

KERNEL_INLINE_ void kernel_list_splice_init_(const struct kernel_at_ *at, struct list_head *list,
					     struct list_head *head)
{
	if (kernel_list_empty_(at, list))
		return;
	kernel_list_put_between_(list, head, head->next);
	kernel_INIT_LIST_HEAD_(at, list);
}

KERNEL_INLINE_ void kernel_list_splice_tail_init_(const struct kernel_at_ *at,
						  struct list_head *list, struct list_head *head)
{
	if (kernel_list_empty_(at, list))
		return;
	kernel_list_put_between_(list, head->prev, head);
	kernel_INIT_LIST_HEAD_(at, list);
}

KERNEL_INLINE_ void kernel_list_rotate_left_(const struct kernel_at_ *at, struct list_head *head)
{
	if (!kernel_list_empty_(at, head))
		kernel_list_move_tail_(at, head->next, head);
}

/* --- their names ---------------------------------------------------------------- */

KERNEL_PASSED_VOID_(INIT_LIST_HEAD, (struct list_head *list), (list))
KERNEL_PASSED_VOID_(list_add, (struct list_head *entry, struct list_head *head), (entry, head))
KERNEL_PASSED_VOID_(list_add_tail, (struct list_head *entry, struct list_head *head), (entry, head))
KERNEL_PASSED_VOID_(__list_del_entry, (struct list_head *entry), (entry))
KERNEL_PASSED_VOID_(list_del, (struct list_head *entry), (entry))
KERNEL_PASSED_VOID_(list_del_init, (struct list_head *entry), (entry))
KERNEL_PASSED_VOID_(list_del_init_careful, (struct list_head *entry), (entry))
KERNEL_PASSED_VOID_(list_replace, (struct list_head *old, struct list_head *entry), (old, entry))
KERNEL_PASSED_VOID_(list_replace_init, (struct list_head *old, struct list_head *entry),
		    (old, entry))
KERNEL_PASSED_VOID_(list_move, (struct list_head *entry, struct list_head *head), (entry, head))
KERNEL_PASSED_VOID_(list_move_tail, (struct list_head *entry, struct list_head *head),
		    (entry, head))
KERNEL_PASSED_(int, list_empty, (const struct list_head *head), (head))
KERNEL_PASSED_(int, list_empty_careful, (const struct list_head *head), (head))
KERNEL_PASSED_(int, list_is_singular, (const struct list_head *head), (head))
KERNEL_PASSED_VOID_(list_splice, (const struct list_head *list, struct list_head *head),
		    (list, head))
KERNEL_PASSED_VOID_(list_splice_tail, (const struct list_head *list, struct list_head *head),
		    (list, head))
KERNEL_PASSED_VOID_(list_splice_init, (struct list_head *list, struct list_head *head),
		    (list, head))
KERNEL_PASSED_VOID_(list_splice_tail_init, (struct list_head *list, struct list_head *head),
		    (list, head))
KERNEL_PASSED_VOID_(list_rotate_left, (struct list_head *head), (head))

#define KERNEL_LISTS_(name, text, a, b) \
	KERNEL_2_(name, text, struct list_head *, a, struct list_head *, b)

#define INIT_LIST_HEAD(list) KERNEL_1_(INIT_LIST_HEAD, "INIT_LIST_HEAD(" #list ")", list)
#define list_add(entry, head) KERNEL_LISTS_(list_add, "list_add(" #entry ")", entry, head)
#define list_add_tail(entry, head) \
	KERNEL_LISTS_(list_add_tail, "list_add_tail(" #entry ")", entry, head)
#define __list_del_entry(entry) KERNEL_1_(__list_del_entry, "list_del(" #entry ")", entry)
#define list_del(entry) KERNEL_1_(list_del, "list_del(" #entry ")", entry)
#define list_del_init(entry) KERNEL_1_(list_del_init, "list_del_init(" #entry ")", entry)
#define list_del_init_careful(entry) \
	KERNEL_1_(list_del_init_careful, "list_del_init_careful(" #entry ")", entry)
#define list_replace(old, entry) \
	KERNEL_LISTS_(list_replace, "list_replace(" #old ")", old, entry)
#define list_replace_init(old, entry) \
	KERNEL_LISTS_(list_replace_init, "list_replace_init(" #old ")", old, entry)
#define list_move(entry, head) KERNEL_LISTS_(list_move, "list_move(" #entry ")", entry, head)
#define list_move_tail(entry, head) \
	KERNEL_LISTS_(list_move_tail, "list_move_tail(" #entry ")", entry, head)
#define list_empty(head) KERNEL_1_(list_empty, "list_empty(" #head ")", head)
#define list_empty_careful(head) \
	KERNEL_1_(list_empty_careful, "list_empty_careful(" #head ")", head)
#define list_is_singular(head) KERNEL_1_(list_is_singular, "list_is_singular(" #head ")", head)
#define list_splice(list, head) KERNEL_2_(list_splice, "list_splice(" #list ")", \
	const struct list_head *, list, struct list_head *, head)
#define list_splice_tail(list, head) KERNEL_2_(list_splice_tail, "list_splice_tail(" #list ")", \
	const struct list_head *, list, struct list_head *, head)
#define list_splice_init(list, head) \
	KERNEL_LISTS_(list_splice_init, "list_splice_init(" #list ")", list, head)
#define list_splice_tail_init(list, head) \
	KERNEL_LISTS_(list_splice_tail_init, "list_splice_tail_init(" #list ")", list, head)
#define list_rotate_left(head) KERNEL_1_(list_rotate_left, "list_rotate_left(" #head ")", head)

/* --- entries, and going through them ---------------------------------------------- */

#define list_entry container_of
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) __extension__({ \
	struct list_head *kernel_head_ = (head); \
	struct list_head *kernel_first_ = (struct list_head *)kernel_read_pointer_( \
		KERNEL_AT_("list_first_entry_or_null(" #head ")"), &kernel_head_->next, \
		KERNEL_RELAXED_); \
	kernel_first_ != kernel_head_ ? list_entry(kernel_first_, type, member) : NULL; })
#define list_next_entry(at, member) list_entry((at)->member.next, __typeof__(*(at)), member)
#define list_prev_entry(at, member) list_entry((at)->member.prev, __typeof__(*(at)), member)
#define list_entry_is_head(at, head, member) (&(at)->member == (head))

#define list_for_each(at, head) for (at = (head)->next; at != (head); at = at->next)
#define list_for_each_prev(at, head) for (at = (head)->prev; at != (head); at = at->prev)
/* In the loops with _safe, at may be deleted. */
#define list_for_each_safe(at, after, head) \
	for (at = (head)->next, after = at->next; at != (head); at = after, after = at->next)
#define list_for_each_entry(at, head, member) \
	for (at = list_first_entry((head), __typeof__(*at), member); \
	     !list_entry_is_head(at, head, member); at = list_next_entry(at, member))
#define list_for_each_entry_reverse(at, head, member) \
	for (at = list_last_entry((head), __typeof__(*at), member); \
	     !list_entry_is_head(at, head, member); at = list_prev_entry(at, member))
#define list_for_each_entry_continue(at, head, member) \
	for (at = list_next_entry(at, member); !list_entry_is_head(at, head, member); \
	     at = list_next_entry(at, member))
#define list_for_each_entry_from(at, head, member) \
	for (; !list_entry_is_head(at, head, member); at = list_next_entry(at, member))
#define list_for_each_entry_safe(at, after, head, member) \
	for (at = list_first_entry((head), __typeof__(*at), member), \
	     after = list_next_entry(at, member); !list_entry_is_head(at, head, member); \
	     at = after, after = list_next_entry(after, member))

/* --- lists with one pointer as their head ------------------------------------------ */

#define HLIST_HEAD_INIT { NULL }
#define HLIST_HEAD(head) struct hlist_head head = HLIST_HEAD_INIT
#define INIT_HLIST_HEAD(head) ((void)((head)->first = NULL))

static inline void INIT_HLIST_NODE(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

static inline int hlist_unhashed(const struct hlist_node *n) { return !n->pprev; }

KERNEL_INLINE_ int kernel_hlist_unhashed_lockless_(const struct kernel_at_ *at,
						   const struct hlist_node *n)
{
	return !kernel_read_pointer_(at, &n->pprev, KERNEL_RELAXED_);
}

KERNEL_INLINE_ int kernel_hlist_empty_(const struct kernel_at_ *at, const struct hlist_head *head)
{
	return !kernel_read_pointer_(at, &head->first, KERNEL_RELAXED_);
}

/* Unlinks a node, and does nothing else. */
KERNEL_INLINE_ void kernel_hlist_leave_(const struct kernel_at_ *at, struct hlist_node *n)
{
	struct hlist_node *next = n->next, **pprev = n->pprev;

	kernel_write_pointer_(at, pprev, next, KERNEL_RELAXED_);
	if (next)
		kernel_write_pointer_(at, &next->pprev, pprev, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_del_(const struct kernel_at_ *at, struct hlist_node *n)
{
	kernel_hlist_leave_(at, n);
	n->next = (struct hlist_node *)LIST_POISON1;
	n->pprev = (struct hlist_node **)LIST_POISON2;
}

KERNEL_INLINE_ void kernel_hlist_del_init_(const struct kernel_at_ *at, struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	kernel_hlist_leave_(at, n);
	INIT_HLIST_NODE(n);
}

KERNEL_INLINE_ void kernel_hlist_add_head_(const struct kernel_at_ *at, struct hlist_node *n,
					   struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	kernel_write_pointer_(at, &n->next, first, KERNEL_RELAXED_);
	if (first)
		kernel_write_pointer_(at, &first->pprev, &n->next, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &head->first, n, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &n->pprev, &head->first, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_add_before_(const struct kernel_at_ *at, struct hlist_node *n,
					     struct hlist_node *next)
{
	kernel_write_pointer_(at, &n->pprev, next->pprev, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &n->next, next, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &next->pprev, &n->next, KERNEL_RELAXED_);
	kernel_write_pointer_(at, n->pprev, n, KERNEL_RELAXED_);
}

KERNEL_INLINE_ void kernel_hlist_add_behind_(const struct kernel_at_ *at, struct hlist_node *n,
					     struct hlist_node *prev)
{
	kernel_write_pointer_(at, &n->next, prev->next, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &prev->next, n, KERNEL_RELAXED_);
	kernel_write_pointer_(at, &n->pprev, &prev->next, KERNEL_RELAXED_);
	if (n->next)
		kernel_write_pointer_(at, &n->next->pprev, &n->next, KERNEL_RELAXED_);
}

KERNEL_PASSED_(int, hlist_unhashed_lockless, (const struct hlist_node *n), (n))
KERNEL_PASSED_(int, hlist_empty, (const struct hlist_head *head), (head))
KERNEL_PASSED_VOID_(hlist_del, (struct hlist_node *n), (n))
KERNEL_PASSED_VOID_(hlist_del_init, (struct hlist_node *n), (n))
KERNEL_PASSED_VOID_(hlist_add_head, (struct hlist_node *n, struct hlist_head *head), (n, head))
KERNEL_PASSED_VOID_(hlist_add_before, (struct hlist_node *n, struct hlist_node *next), (n, next))
KERNEL_PASSED_VOID_(hlist_add_behind, (struct hlist_node *n, struct hlist_node *prev), (n, prev))

#define hlist_unhashed_lockless(n) \
	KERNEL_1_(hlist_unhashed_lockless, "hlist_unhashed_lockless(" #n ")", n)
#define hlist_empty(head) KERNEL_1_(hlist_empty, "hlist_empty(" #head ")", head)
#define hlist_del(n) KERNEL_1_(hlist_del, "hlist_del(" #n ")", n)
#define hlist_del_init(n) KERNEL_1_(hlist_del_init, "hlist_del_init(" #n ")", n)
#define hlist_add_head(n, head) KERNEL_2_(hlist_add_head, "hlist_add_head(" #n ")", \
	struct hlist_node *, n, struct hlist_head *, head)
#define hlist_add_before(n, next) KERNEL_2_(hlist_add_before, "hlist_add_before(" #n ")", \
	struct hlist_node *, n, struct hlist_node *, next)
#define hlist_add_behind(n, prev) KERNEL_2_(hlist_add_behind, "hlist_add_behind(" #n ")", \
	struct hlist_node *, n, struct hlist_node *, prev)

#define hlist_entry container_of
#define hlist_entry_safe(node, type, member) __extension__({ \
	struct hlist_node *kernel_node_ = (node); \
	kernel_node_ ? hlist_entry(kernel_node_, type, member) : NULL; })
#define hlist_for_each(at, head) for (at = (head)->first; at; at = at->next)
#define hlist_for_each_safe(at, after, head) \
	for (at = (head)->first; at && (after = at->next, true); at = after)
#define hlist_for_each_entry(at, head, member) \
	for (at = hlist_entry_safe((head)->first, __typeof__(*at), member); at; \
	     at = hlist_entry_safe(at->member.next, __typeof__(*at), member))
/* after is a struct hlist_node *. */
#define hlist_for_each_entry_safe(at, after, head, member) \
	for (at = hlist_entry_safe((head)->first, __typeof__(*at), member); \
	     at && (after = at->member.next, true); \
	     at = hlist_entry_safe(after, __typeof__(*at), member))

#ifdef __cplusplus
}
#endif

#endif
