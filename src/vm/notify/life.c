/* SPDX-License-Identifier: MIT */
/*
 * life.c - how subscribers of a domain come and go: register and unregister, get and put,
 * and release when its owner ends. Called by the owner, and through mmun.h by users. The
 * rules are those of mm/mmu_notifier.c in Linux.
 *
 * Invariant: the list of subscriptions changes only under subscriptions_lock, and grows only
 * under lock() and lock_all() besides. Whoever notifies holds one of the locks that lock_all()
 * takes, from start to end, so nobody sees an end without its start. It goes through the list
 * in a read section (list_begin()), and taking a notifier off waits for nobody. So a notifier
 * can go between a start and its end, which it is not told of then. Its memory may go when the
 * sections are over that were open when it was taken off:
 *
 *      unregister                      munmap
 *                                      start: section
 *                                        [finds the notifier]
 *      takes it off                      calls it
 *      synchronize_srcu: waits
 *                                      section over
 *      memory is freed
 *                                      end: does not find it
 *
 * release() is called in a section, too, with no lock. Unregister and exit may both call it, and
 * at the same time, since each of them only looks whether the notifier is in the list. Exit does
 * not go on while unregister's release runs:
 *
 *      unregister                      exit
 *      section; is in the list
 *      release: tears down             section; is in the list; release
 *                                      takes all off
 *                                      synchronize_srcu: waits
 *      section over
 *                                      unmaps, frees
 *
 * tests/test_notifier.c, "unregister against exit".
 */
#include <errno.h>

#include "vm/notify/list.h"

/* --- linking and unlinking ----------------------------------------------- */

/*
 * The state of a notifier [S]:
 *
 *      IDLE      not registered
 *      LIVE      in the list; get may find it
 *      UNLINKED  exit has taken it off; its user has still to unregister or put it
 *      LEAVING   its user has unregistered it, or has put it for the last time
 */

static bool ops_are_valid(const struct mmu_notifier_ops *ops, enum mmun_semantics semantics)
{
	if (semantics == MMUN_CLASSIC)
		return !ops->arch_invalidate_secondary_tlbs;
	if (ops->invalidate_range || ops->change_pte)
		return false;
	return !ops->arch_invalidate_secondary_tlbs ||
	       (!ops->invalidate_range_start && !ops->invalidate_range_end);
}

/* Under lock() and lock_all(), too: nobody is going through the list. */
static void link_locked(struct mmu_notifier *mn, struct notify_domain *d)
{
	sync_assert_held(&d->subscriptions_lock);
	d->ops->get(d);
	mn->domain = d;
	mn->mm = d->mm;
	mn->state = NOTIFIER_LIVE;
	mn->next = d->subscriptions;
	store_ptr_along(list_link(&d->subscriptions), mn);
	d->told |= mn->ops->invalidate_range_start || mn->ops->invalidate_range_end;
	d->flushed |= notifier_has_tlb(mn, d);
	d->subscribed = true;
	sync_kept(mn, "a notifier that is registered");
}

/* Whoever is at the notifier still finds the next one. */
static void unlink_locked(struct mmu_notifier *mn, struct notify_domain *d, int state)
{
	struct mmu_notifier **link = &d->subscriptions;

	sync_assert_held(&d->subscriptions_lock);
	while (*link != mn)
		link = &(*link)->next;
	list_changes(d);
	mn->state = state;
	store_ptr_along(list_link(link), mn->next);
}

/* --- releasing ----------------------------------------------------------- */

static void call_release(struct mmu_notifier *mn, struct notify_domain *d)
{
	sync_callback("release", SYNC_CALLED);

	if (mn->ops->release)
		mn->ops->release(mn, d->mm);
}

void notify_unlink(struct notify_domain *d)
{
	spin_lock(&d->subscriptions_lock);
	while (d->subscriptions) {
		sync_not_kept(d->subscriptions);
		unlink_locked(d->subscriptions, d, NOTIFIER_UNLINKED);
	}
	spin_unlock(&d->subscriptions_lock);
}

void notify_release(struct notify_domain *d)
{
	spin_lock(&d->subscriptions_lock);
	d->exiting = true;
	spin_unlock(&d->subscriptions_lock);
	intervals_release(d);
	if (!d->subscribed)
		return;
	list_begin(d);
	for (struct mmu_notifier *mn = list_first(d); mn; mn = list_next(d, mn))
		call_release(mn, d);
	notify_unlink(d);
	list_end(d);
	list_synchronize(d);
}

/* --- the domain itself --------------------------------------------------- */

void notify_domain_init(struct notify_domain *d, const struct notify_domain_ops *ops,
			struct mmun_machine *machine, enum mmun_semantics semantics,
			struct mmun_mm *mm)
{
	*d = (struct notify_domain){
		.ops = ops, .machine = machine, .mm = mm, .semantics = semantics,
	};
	spin_init(&d->subscriptions_lock, RANK_SUBSCRIPTIONS);
}

void notify_domain_fini(struct notify_domain *d)
{
	ASSERT(!d->subscriptions);
	intervals_free(d);
}

void notify_count_permission_cache(struct notify_domain *d, uint64_t more)
{
	d->ops->lock(d);
	d->ops->lock_all(d);
	d->permission_caches += more;
	d->ops->unlock_all(d);
	d->ops->unlock(d);
}

/* --- register and unregister --------------------------------------------- */

int notify_register_locked(struct notify_domain *d, struct mmu_notifier *mn)
{
	int err = -EINVAL;

	if (!mn->ops || !ops_are_valid(mn->ops, d->semantics))
		return -EINVAL;
	d->ops->lock_all(d);
	spin_lock(&d->subscriptions_lock);
	sync_rule(mn->state == NOTIFIER_IDLE, "the notifier is registered already");
	if (mn->state == NOTIFIER_IDLE && !d->exiting) {
		mn->users = 0;
		link_locked(mn, d);
		err = 0;
	}
	spin_unlock(&d->subscriptions_lock);
	d->ops->unlock_all(d);
	return err;
}

int notify_register(struct notify_domain *d, struct mmu_notifier *mn)
{
	int err;

	if (!mn->ops || !ops_are_valid(mn->ops, d->semantics))
		return -EINVAL;
	d->ops->lock(d);
	err = notify_register_locked(d, mn);
	d->ops->unlock(d);
	return err;
}

/* Exit may be calling it as well, and may even be over with it. */
static void release_live(struct mmu_notifier *mn, struct notify_domain *d)
{
	bool live;

	spin_lock(&d->subscriptions_lock);
	live = mn->state == NOTIFIER_LIVE;
	spin_unlock(&d->subscriptions_lock);
	if (!live)
		return;
	list_begin(d);
	call_release(mn, d);
	list_end(d);
}

void notify_unregister(struct notify_domain *d, struct mmu_notifier *mn)
{
	bool registered;

	sync_rule(mn->domain == d, "the notifier is not registered");
	if (mn->domain != d)
		return;
	sync_contract(!mn->users, "a notifier from mmu_notifier_get() is unregistered");
	sync_might_sleep();
	release_live(mn, d);
	spin_lock(&d->subscriptions_lock);
	registered = mn->state == NOTIFIER_LIVE || mn->state == NOTIFIER_UNLINKED;
	sync_rule(registered, "the notifier is not registered");
	if (mn->state == NOTIFIER_LIVE)
		unlink_locked(mn, d, NOTIFIER_LEAVING);
	mn->state = NOTIFIER_LEAVING;
	spin_unlock(&d->subscriptions_lock);
	list_synchronize(d);
	sync_not_kept(mn);
	mn->domain = NULL;
	mn->state = NOTIFIER_IDLE;
	d->ops->put(d);
}

/* --- get and put --------------------------------------------------------- */

/* One more reference, if there is one. */
static struct mmu_notifier *get_existing(const struct mmu_notifier_ops *ops,
					 struct notify_domain *d)
{
	struct mmu_notifier *mn;

	spin_lock(&d->subscriptions_lock);
	for (mn = d->subscriptions; mn; mn = mn->next)
		if (mn->ops == ops && mn->users)
			break;
	if (mn)
		mn->users++;
	spin_unlock(&d->subscriptions_lock);
	return mn;
}

static struct mmu_notifier *call_alloc(const struct mmu_notifier_ops *ops, struct notify_domain *d)
{
	sync_callback("alloc_notifier", SYNC_CALLED | SYNC_CALLED_LOCKED);

	return ops->alloc_notifier(d->mm);
}

static void call_free(struct mmu_notifier *mn, const struct mmu_notifier_ops *ops)
{
	sync_callback("free_notifier", SYNC_CALLED | SYNC_CALLED_ATOMIC);

	ops->free_notifier(mn);
}

/* Under lock(), so nobody else adds one meanwhile; but exit may begin. */
static int get_new(const struct mmu_notifier_ops *ops, struct notify_domain *d,
		   struct mmu_notifier **ret_mn)
{
	struct mmu_notifier *mn = call_alloc(ops, d);
	bool exiting;

	if (!mn)
		return -ENOMEM;
	*mn = (struct mmu_notifier){ .ops = ops, .domain = d, .mm = d->mm, .users = 1 };
	d->ops->lock_all(d);
	spin_lock(&d->subscriptions_lock);
	exiting = d->exiting;
	if (!exiting)
		link_locked(mn, d);
	spin_unlock(&d->subscriptions_lock);
	d->ops->unlock_all(d);
	if (exiting) {
		call_free(mn, ops);
		return -EINVAL;
	}
	*ret_mn = mn;
	return 0;
}

static bool is_exiting(struct notify_domain *d)
{
	bool exiting;

	spin_lock(&d->subscriptions_lock);
	exiting = d->exiting;
	spin_unlock(&d->subscriptions_lock);
	return exiting;
}

int notify_get_locked(struct notify_domain *d, const struct mmu_notifier_ops *ops,
		      struct mmu_notifier **ret_mn)
{
	if (!ops->alloc_notifier || !ops->free_notifier || !ops_are_valid(ops, d->semantics) ||
	    is_exiting(d))
		return -EINVAL;
	*ret_mn = get_existing(ops, d);
	return *ret_mn ? 0 : get_new(ops, d, ret_mn);
}

int notify_get(struct notify_domain *d, const struct mmu_notifier_ops *ops,
	       struct mmu_notifier **ret_mn)
{
	struct mmu_notifier *mn;
	int err;

	d->ops->lock(d);
	err = notify_get_locked(d, ops, &mn);
	d->ops->unlock(d);
	if (!err)
		*ret_mn = mn;
	return err;
}

/* In a thread of its own, when nobody can be at the notifier any more. */
static void free_later(void *p)
{
	struct mmu_notifier *mn = p;
	struct notify_domain *d = mn->domain;

	sync_not_kept(mn);
	call_free(mn, mn->ops);
	d->ops->put(d);
}

void mmu_notifier_put(struct mmu_notifier *mn)
{
	struct notify_domain *d = mn ? mn->domain : NULL;
	bool last;

	sync_user_calls(0);
	sync_rule(!mn || d, "the notifier is not from mmu_notifier_get()");
	if (!d)
		return;
	spin_lock(&d->subscriptions_lock);
	sync_contract(mn->users, "the notifier has no reference left to put");
	last = --mn->users == 0;
	if (last && mn->state == NOTIFIER_LIVE)
		unlink_locked(mn, d, NOTIFIER_LEAVING);
	spin_unlock(&d->subscriptions_lock);
	if (last)
		sync_call_later(free_later, mn, &d->machine->notifiers);
}

void mmu_notifier_synchronize(struct mmun_machine *machine)
{
	sync_user_calls(SYNC_CALLED);
	sync_might_sleep();
	if (machine)
		sync_calls_wait(&machine->notifiers);
}
