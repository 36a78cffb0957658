/* SPDX-License-Identifier: MIT */
/*
 * list.h - going through the notifiers of a domain while others are taken off (life.c,
 * notifier.c). The notifiers of a machine have one domain of SRCU, as those of a system have in
 * Linux, so whoever takes one off waits for the callbacks of other address spaces as well.
 *
 * The domain's word is counted up whenever a notifier is taken off, in any list. So the beginning
 * of a section, which is an operation on this word, says which notifiers the list has. Further
 * on the list may be another one, and is looked at anew if there is a next one to come.
 */
#ifndef MMUN_NOTIFY_LIST_H
#define MMUN_NOTIFY_LIST_H

#include "vm/notify/notify.h"

/* The public structure cannot name the type. */
static inline atomic_ptr *list_link(struct mmu_notifier **link)
{
	_Static_assert(sizeof(atomic_ptr) == sizeof(*link), "a link of a public structure");
	return (atomic_ptr *)(void *)link;
}

static inline void list_begin(struct notify_domain *d)
{
	srcu_read_lock(&d->machine->notifiers);
}

static inline void list_end(struct notify_domain *d)
{
	srcu_read_unlock(&d->machine->notifiers);
}

/* Until all sections that are open are over. */
static inline void list_synchronize(struct notify_domain *d)
{
	synchronize_srcu(&d->machine->notifiers);
}

/* Before a notifier is taken off. */
static inline void list_changes(struct notify_domain *d)
{
	add_acq_rel(&d->machine->notifiers, 1);
}

/* The first notifier, right after list_begin(). */
static inline struct mmu_notifier *list_first(struct notify_domain *d)
{
	return load_ptr_along(list_link(&d->subscriptions));
}

/* The same, when something has been done meanwhile. */
static inline struct mmu_notifier *list_first_again(struct notify_domain *d)
{
	(void)load_relaxed(&d->machine->notifiers);
	return list_first(d);
}

/* None comes behind the last one, so there it need not be looked at anew. */
static inline struct mmu_notifier *list_next(struct notify_domain *d, struct mmu_notifier *mn)
{
	if (!load_ptr_along(list_link(&mn->next)))
		return NULL;
	(void)load_relaxed(&d->machine->notifiers);
	return load_ptr_along(list_link(&mn->next));
}

static inline bool notifier_has_tlb(const struct mmu_notifier *mn, const struct notify_domain *d)
{
	if (mn->tlb)
		return true;
	return d->semantics == MMUN_CLASSIC ? mn->ops->invalidate_range != NULL :
					       mn->ops->arch_invalidate_secondary_tlbs != NULL;
}

#endif
