/* SPDX-License-Identifier: MIT */
/*
 * life.c - how subscribers of an address space come and go: register and unregister, get
 * and put, and release at exit.
 *
 * Invariant: the list of subscriptions changes only under release_lock,
 * mm_lock_all() and subscriptions_lock (but grows without the first). Whoever
 * notifies holds one of the locks that mm_lock_all() takes, from start to end, so
 * nobody sees an end without its start, and who has unlinked a notifier knows that
 * none of its callbacks runs.
 *
 * release() is called once, under release_lock alone, which comes before all
 * others: what it waits for (a device's page requests) may need the mm's locks, and
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

/* Under mm_lock_all() and subscriptions_lock. */
static void link_locked(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	sync_assert_held(&mm->mmap_lock);
	sync_assert_held(&mm->subscriptions_lock);
	mm_get(mm);
	mn->mm = mm;
	mn->state = NOTIFIER_LIVE;
	mn->next = mm->subscriptions;
	mm->subscriptions = mn;
}

/* Nothing if exit was faster. */
static void unlink_one(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct mmu_notifier **link;

	sync_assert_held(&mm->release_lock);
	mm_lock_all(mm);
	mutex_lock(&mm->subscriptions_lock);
	for (link = &mm->subscriptions; *link && *link != mn; link = &(*link)->next)
		;
	if (*link)
		*link = mn->next;
	mutex_unlock(&mm->subscriptions_lock);
	mm_unlock_all(mm);
}

/* A notifier that get made and that nobody can call any more. */
static void free_one(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	mn->ops->free_notifier(mn);
	mm_put(mm);
}

/* --- releasing ----------------------------------------------------------- */

static void release_begin(struct mmun_mm *mm, bool exiting)
{
	mutex_lock(&mm->release_lock);
	mutex_lock(&mm->subscriptions_lock);
	mm->releaser = sync_self();
	mm->exiting |= exiting;
	mutex_unlock(&mm->subscriptions_lock);
}

static void release_one(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	bool live;

	sync_assert_held(&mm->release_lock);
	mutex_lock(&mm->subscriptions_lock);
	live = mn->state == NOTIFIER_LIVE;
	if (live)
		mn->state = NOTIFIER_RELEASED;
	mutex_unlock(&mm->subscriptions_lock);
	if (live && mn->ops->release)
		mn->ops->release(mn, mm);
}

/* Takes what release callbacks have put out of the list: linked by next. */
static struct mmu_notifier *unlink_left_locked(struct mmun_mm *mm)
{
	struct mmu_notifier **link = &mm->subscriptions, *mn, *left = NULL;

	sync_assert_held(&mm->subscriptions_lock);
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
static void release_end(struct mmun_mm *mm)
{
	struct mmu_notifier *left = NULL, *mn;
	bool any = false;

	mutex_lock(&mm->subscriptions_lock);
	mm->releaser = 0;
	for (mn = mm->subscriptions; mn; mn = mn->next)
		any |= mn->state == NOTIFIER_LEFT;
	mutex_unlock(&mm->subscriptions_lock);
	if (any) {
		mm_lock_all(mm);
		mutex_lock(&mm->subscriptions_lock);
		left = unlink_left_locked(mm);
		mutex_unlock(&mm->subscriptions_lock);
		mm_unlock_all(mm);
	}
	while ((mn = left)) {
		struct mmun_machine *machine = mm->machine;

		left = mn->next;
		mn->ops->free_notifier(mn);
		/* Pairs with wait_until() in mmu_notifier_synchronize(). */
		add_acq_rel(&machine->puts_left, (uint64_t)-1);
		wake_all(&machine->puts_left);
		mm_put(mm); /* not the last one: the caller has one */
	}
}

/* Exit, first part: nobody may use the address space any more. */
void notifiers_release(struct mmun_mm *mm)
{
	release_begin(mm, true);
	intervals_release(mm);
	/* None is added now, and none taken away without release_lock. */
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		release_one(mn, mm);
	release_end(mm);
	mutex_unlock(&mm->release_lock);
}

/*
 * Exit, second part: the list's are not told of the unmapping. Intervals are, as
 * they may be waiting in the middle of a read; they have nothing left to drop.
 */
void notifiers_unlink(struct mmun_mm *mm)
{
	sync_assert_held(&mm->mmap_lock);
	mutex_lock(&mm->subscriptions_lock);
	mm->subscriptions = NULL;
	mutex_unlock(&mm->subscriptions_lock);
}

/* --- register and unregister --------------------------------------------- */

int mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	int err = -EINVAL;

	if (!mn || !mm || !mn->ops || !ops_are_valid(mn->ops, mm->semantics))
		return -EINVAL;
	mm_lock_all(mm);
	mutex_lock(&mm->subscriptions_lock);
	if (mn->state == NOTIFIER_IDLE && !mm->exiting) {
		mn->users = 0;
		link_locked(mn, mm);
		err = 0;
	}
	mutex_unlock(&mm->subscriptions_lock);
	mm_unlock_all(mm);
	return err;
}

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	if (!mn || !mm || mn->mm != mm)
		return;
	release_begin(mm, false);
	sync_contract(!mn->users);
	release_one(mn, mm);
	release_end(mm);
	unlink_one(mn, mm);
	mn->mm = NULL;
	mn->next = NULL;
	mn->state = NOTIFIER_IDLE;
	mutex_unlock(&mm->release_lock);
	mm_put(mm);
}

/* --- get and put --------------------------------------------------------- */

/* One more reference, if there is one. */
static struct mmu_notifier *get_locked(const struct mmu_notifier_ops *ops, struct mmun_mm *mm)
{
	struct mmu_notifier *mn;

	sync_assert_held(&mm->subscriptions_lock);
	for (mn = mm->subscriptions; mn; mn = mn->next)
		if (mn->ops == ops && mn->users && mn->state == NOTIFIER_LIVE)
			break;
	if (mn)
		mn->users++;
	return mn;
}

static struct mmu_notifier *get_existing(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
					 bool *ret_exiting)
{
	struct mmu_notifier *mn;

	mutex_lock(&mm->subscriptions_lock);
	*ret_exiting = mm->exiting;
	mn = mm->exiting ? NULL : get_locked(ops, mm);
	mutex_unlock(&mm->subscriptions_lock);
	return mn;
}

/* Under mm_lock_all(), so nobody else adds one meanwhile; but exit may begin. */
static int get_new(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
		   struct mmu_notifier **ret_mn)
{
	struct mmu_notifier *mn = ops->alloc_notifier(mm);
	bool exiting;

	if (!mn)
		return -ENOMEM;
	*mn = (struct mmu_notifier){ .ops = ops, .mm = mm, .users = 1 };
	mutex_lock(&mm->subscriptions_lock);
	exiting = mm->exiting;
	if (!exiting)
		link_locked(mn, mm);
	mutex_unlock(&mm->subscriptions_lock);
	if (exiting) {
		ops->free_notifier(mn);
		return -EINVAL;
	}
	*ret_mn = mn;
	return 0;
}

int mmu_notifier_get(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
		     struct mmu_notifier **ret_mn)
{
	struct mmu_notifier *mn;
	bool exiting;
	int err = 0;

	if (!ops || !mm || !ret_mn || !ops->alloc_notifier || !ops->free_notifier ||
	    !ops_are_valid(ops, mm->semantics))
		return -EINVAL;
	mn = get_existing(ops, mm, &exiting);
	if (!mn && !exiting) {
		mm_lock_all(mm);
		mn = get_existing(ops, mm, &exiting);
		if (!mn && !exiting)
			err = get_new(ops, mm, &mn);
		mm_unlock_all(mm);
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
	struct mmun_mm *mm = mn ? mn->mm : NULL;
	bool last, left;

	if (!mm)
		return;
	mutex_lock(&mm->subscriptions_lock);
	sync_contract(mn->users);
	last = --mn->users == 0;
	left = last && mm->releaser == sync_self();
	if (last)
		mn->state = left ? NOTIFIER_LEFT : NOTIFIER_PUT;
	if (left)
		add_acq_rel(&mm->machine->puts_left, 1);
	mutex_unlock(&mm->subscriptions_lock);
	if (!last || left)
		return;
	mutex_lock(&mm->release_lock);
	unlink_one(mn, mm);
	mutex_unlock(&mm->release_lock);
	free_one(mn, mm);
}

static bool is_zero(uint64_t v, uint64_t arg)
{
	(void)arg;
	return v == 0;
}

void mmu_notifier_synchronize(struct mmun_machine *machine)
{
	sync_might_sleep();
	/* Pairs with add_acq_rel() in release_end(). */
	if (machine)
		wait_until(&machine->puts_left, is_zero, 0);
}
