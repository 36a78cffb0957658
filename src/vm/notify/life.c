/* SPDX-License-Identifier: MIT */
/*
 * life.c - how subscribers of a domain come and go: register and unregister, get and put,
 * and release when its owner ends. Called by the owner, and through mmun.h by users.
 *
 * Invariant: the list of subscriptions changes only under release_lock,
 * lock_all() and subscriptions_lock (but grows without the first). Whoever
 * notifies holds one of the locks that lock_all() takes, from start to end, so
 * nobody sees an end without its start, and who has unlinked a notifier knows that
 * none of its callbacks runs.
 *
 * release() is called once, under release_lock alone, which comes before all
 * others: what it waits for (a device's page requests) may need the owner's locks, and
 * exit does not go on while unregister's release runs:
 *
 *      unregister                      exit
 *      release_lock
 *      release: tears down
 *                                      release_lock [waits]
 *      unlink
 *                                      nobody to release; unmap, free
 *
 * tests/test_notifier.c, "unregister against exit".
 */
#include <errno.h>

#include "vm/notify/notify.h"

/* --- linking and unlinking ----------------------------------------------- */

/*
 * The state of a notifier [S]:
 *
 *      IDLE      not registered
 *      LIVE      registered; get may find it
 *      RELEASED  release was called, or is being called
 *      PUT       last reference given up: whoever did that unlinks and frees it
 *      LEFT      the same from within a release callback: left to its caller
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

/* Under lock_all() and subscriptions_lock. */
static void link_locked(struct mmu_notifier *mn, struct notify_domain *d)
{
	sync_assert_held(&d->subscriptions_lock);
	d->ops->get(d);
	mn->domain = d;
	mn->mm = d->mm;
	mn->state = NOTIFIER_LIVE;
	mn->next = d->subscriptions;
	d->subscriptions = mn;
	sync_kept(mn, "a notifier that is registered");
}

/* Nothing if exit was faster. */
static void unlink_one(struct mmu_notifier *mn, struct notify_domain *d)
{
	struct mmu_notifier **link;

	sync_assert_held(&d->release_lock);
	d->ops->lock_all(d);
	mutex_lock(&d->subscriptions_lock);
	for (link = &d->subscriptions; *link && *link != mn; link = &(*link)->next)
		;
	if (*link)
		*link = mn->next;
	mutex_unlock(&d->subscriptions_lock);
	d->ops->unlock_all(d);
}

/* A notifier that get made and that nobody can call any more. */
static void free_one(struct mmu_notifier *mn, struct notify_domain *d)
{
	sync_not_kept(mn);
	mn->ops->free_notifier(mn);
	d->ops->put(d);
}

/* --- releasing ----------------------------------------------------------- */

static void release_begin(struct notify_domain *d, bool exiting)
{
	mutex_lock(&d->release_lock);
	mutex_lock(&d->subscriptions_lock);
	d->releaser = sync_self();
	d->exiting |= exiting;
	mutex_unlock(&d->subscriptions_lock);
}

static void call_release(struct mmu_notifier *mn, struct notify_domain *d)
{
	sync_callback("release", SYNC_CALLED);

	if (mn->ops->release)
		mn->ops->release(mn, d->mm);
}

static void release_one(struct mmu_notifier *mn, struct notify_domain *d)
{
	bool live;

	sync_assert_held(&d->release_lock);
	mutex_lock(&d->subscriptions_lock);
	live = mn->state == NOTIFIER_LIVE;
	if (live)
		mn->state = NOTIFIER_RELEASED;
	mutex_unlock(&d->subscriptions_lock);
	if (live)
		call_release(mn, d);
}

/* Takes what release callbacks have put out of the list: linked by next. */
static struct mmu_notifier *unlink_left_locked(struct notify_domain *d)
{
	struct mmu_notifier **link = &d->subscriptions, *mn, *left = NULL;

	sync_assert_held(&d->subscriptions_lock);
	while ((mn = *link)) {
		if (mn->state != NOTIFIER_LEFT) {
			link = &mn->next;
			continue;
		}
		*link = mn->next;
		mn->next = left;
		left = mn;
	}
	return left;
}

/* The last release callback has returned. */
static void release_end(struct notify_domain *d)
{
	struct mmu_notifier *left = NULL, *mn;
	bool any = false;

	mutex_lock(&d->subscriptions_lock);
	d->releaser = 0;
	for (mn = d->subscriptions; mn; mn = mn->next)
		any |= mn->state == NOTIFIER_LEFT;
	mutex_unlock(&d->subscriptions_lock);
	if (any) {
		d->ops->lock_all(d);
		mutex_lock(&d->subscriptions_lock);
		left = unlink_left_locked(d);
		mutex_unlock(&d->subscriptions_lock);
		d->ops->unlock_all(d);
	}
	while ((mn = left)) {
		struct mmun_machine *machine = d->machine;

		left = mn->next;
		sync_not_kept(mn);
		mn->ops->free_notifier(mn);
		/* Pairs with wait_until() in mmu_notifier_synchronize(). */
		add_acq_rel(&machine->puts_left, (uint64_t)-1);
		wake_all(&machine->puts_left);
		d->ops->put(d); /* not the last one: the caller has one */
	}
}

/* Exit, first part: nobody may use the addresses any more. */
void notify_release(struct notify_domain *d)
{
	release_begin(d, true);
	intervals_release(d);
	/* None is added now, and none taken away without release_lock. */
	for (struct mmu_notifier *mn = d->subscriptions; mn; mn = mn->next)
		release_one(mn, d);
	release_end(d);
	mutex_unlock(&d->release_lock);
}

/*
 * Exit, second part: the list's are not told of the unmapping. Intervals are, as
 * they may be waiting in the middle of a read; they have nothing left to drop.
 */
void notify_unlink(struct notify_domain *d)
{
	mutex_lock(&d->subscriptions_lock);
	for (struct mmu_notifier *mn = d->subscriptions; mn; mn = mn->next)
		sync_not_kept(mn);
	d->subscriptions = NULL;
	mutex_unlock(&d->subscriptions_lock);
}

/* --- the domain itself --------------------------------------------------- */

void notify_domain_init(struct notify_domain *d, const struct notify_domain_ops *ops,
			struct mmun_machine *machine, enum mmun_semantics semantics,
			struct mmun_mm *mm)
{
	*d = (struct notify_domain){
		.ops = ops, .machine = machine, .mm = mm, .semantics = semantics,
	};
	mutex_init(&d->release_lock, RANK_RELEASE);
	mutex_init(&d->subscriptions_lock, RANK_SUBSCRIPTIONS);
}

void notify_domain_fini(struct notify_domain *d)
{
	ASSERT(!d->subscriptions);
	intervals_free(d);
}

void notify_count_permission_cache(struct notify_domain *d, uint64_t more)
{
	d->ops->lock_all(d);
	d->permission_caches += more;
	d->ops->unlock_all(d);
}

/* --- register and unregister --------------------------------------------- */

int notify_register(struct notify_domain *d, struct mmu_notifier *mn)
{
	int err = -EINVAL;

	if (!mn->ops || !ops_are_valid(mn->ops, d->semantics))
		return -EINVAL;
	d->ops->lock_all(d);
	mutex_lock(&d->subscriptions_lock);
	sync_rule(mn->state == NOTIFIER_IDLE, "the notifier is registered already");
	if (mn->state == NOTIFIER_IDLE && !d->exiting) {
		mn->users = 0;
		link_locked(mn, d);
		err = 0;
	}
	mutex_unlock(&d->subscriptions_lock);
	d->ops->unlock_all(d);
	return err;
}

void notify_unregister(struct notify_domain *d, struct mmu_notifier *mn)
{
	sync_rule(mn->domain == d, "the notifier is not registered");
	if (mn->domain != d)
		return;
	release_begin(d, false);
	sync_rule(mn->domain == d, "the notifier is not registered");
	sync_contract(!mn->users, "a notifier from mmu_notifier_get() is unregistered");
	release_one(mn, d);
	release_end(d);
	unlink_one(mn, d);
	mn->domain = NULL;
	mn->mm = NULL;
	mn->next = NULL;
	mn->state = NOTIFIER_IDLE;
	sync_not_kept(mn);
	mutex_unlock(&d->release_lock);
	d->ops->put(d);
}

/* --- get and put --------------------------------------------------------- */

/* One more reference, if there is one. */
static struct mmu_notifier *get_locked(const struct mmu_notifier_ops *ops, struct notify_domain *d)
{
	struct mmu_notifier *mn;

	sync_assert_held(&d->subscriptions_lock);
	for (mn = d->subscriptions; mn; mn = mn->next)
		if (mn->ops == ops && mn->users && mn->state == NOTIFIER_LIVE)
			break;
	if (mn)
		mn->users++;
	return mn;
}

static struct mmu_notifier *get_existing(const struct mmu_notifier_ops *ops,
					 struct notify_domain *d, bool *ret_exiting)
{
	struct mmu_notifier *mn;

	mutex_lock(&d->subscriptions_lock);
	*ret_exiting = d->exiting;
	mn = d->exiting ? NULL : get_locked(ops, d);
	mutex_unlock(&d->subscriptions_lock);
	return mn;
}

/* Under lock_all(), so nobody else adds one meanwhile; but exit may begin. */
static int get_new(const struct mmu_notifier_ops *ops, struct notify_domain *d,
		   struct mmu_notifier **ret_mn)
{
	struct mmu_notifier *mn = ops->alloc_notifier(d->mm);
	bool exiting;

	if (!mn)
		return -ENOMEM;
	*mn = (struct mmu_notifier){ .ops = ops, .domain = d, .mm = d->mm, .users = 1 };
	mutex_lock(&d->subscriptions_lock);
	exiting = d->exiting;
	if (!exiting)
		link_locked(mn, d);
	mutex_unlock(&d->subscriptions_lock);
	if (exiting) {
		ops->free_notifier(mn);
		return -EINVAL;
	}
	*ret_mn = mn;
	return 0;
}

int notify_get(struct notify_domain *d, const struct mmu_notifier_ops *ops,
	       struct mmu_notifier **ret_mn)
{
	struct mmu_notifier *mn;
	bool exiting;
	int err = 0;

	if (!ops->alloc_notifier || !ops->free_notifier || !ops_are_valid(ops, d->semantics))
		return -EINVAL;
	mn = get_existing(ops, d, &exiting);
	if (!mn && !exiting) {
		d->ops->lock_all(d);
		mn = get_existing(ops, d, &exiting);
		if (!mn && !exiting)
			err = get_new(ops, d, &mn);
		d->ops->unlock_all(d);
	}
	if (err || !mn)
		return err ? err : -EINVAL;
	*ret_mn = mn;
	return 0;
}

/*
 * The last put unlinks under release_lock, as exit may be looking at the list. A
 * release callback runs under that already, and perhaps for this very notifier.
 */
void mmu_notifier_put(struct mmu_notifier *mn)
{
	struct notify_domain *d = mn ? mn->domain : NULL;
	bool last, left;

	sync_user_calls(0);
	sync_rule(!mn || d, "the notifier is not from mmu_notifier_get()");
	if (!d)
		return;
	mutex_lock(&d->subscriptions_lock);
	sync_contract(mn->users, "the notifier has no reference left to put");
	last = --mn->users == 0;
	left = last && d->releaser == sync_self();
	if (last)
		mn->state = left ? NOTIFIER_LEFT : NOTIFIER_PUT;
	if (left)
		add_acq_rel(&d->machine->puts_left, 1);
	mutex_unlock(&d->subscriptions_lock);
	if (!last || left)
		return;
	mutex_lock(&d->release_lock);
	unlink_one(mn, d);
	mutex_unlock(&d->release_lock);
	free_one(mn, d);
}

static bool is_zero(uint64_t v, uint64_t arg)
{
	(void)arg;
	return v == 0;
}

void mmu_notifier_synchronize(struct mmun_machine *machine)
{
	sync_user_calls(SYNC_CALLED);
	sync_might_sleep();
	/* Pairs with add_acq_rel() in release_end(). */
	if (machine)
		wait_until(&machine->puts_left, is_zero, 0);
}
