/* SPDX-License-Identifier: MIT */
/*
 * notifier.c - telling the subscribers of a domain: start and end of a range, the flush of
 * the secondary TLBs, accessed bits, new pages. See mm/mmu_notifier.c in Linux for the rules;
 * the part about intervals is in interval.c, how subscribers come and go in life.c. Called
 * by the owner of the domain, when it changes a translation.
 *
 * Invariant: whoever notifies holds one of the locks that lock_all() takes, from start to
 * end, so nobody comes meanwhile, and nobody sees an end without its start. Who goes
 * meanwhile is waited for by list.h.
 */
#include <errno.h>

#include "vm/notify/list.h"

/* --- secondary TLBs ------------------------------------------------------ */

static void flush_user(struct mmu_notifier *mn, struct notify_domain *d, struct flush f)
{
	bool classic = d->semantics == MMUN_CLASSIC;
	sync_callback(classic ? "invalidate_range" : "arch_invalidate_secondary_tlbs",
		      CALLBACK_ATOMIC);

	if (classic)
		mn->ops->invalidate_range(mn, d->mm, f.start, f.end);
	else
		mn->ops->arch_invalidate_secondary_tlbs(mn, d->mm, f.start, f.end);
}

/* The first half, if the TLB has two: true; else all of it. */
static bool submit_one(struct mmu_notifier *mn, struct notify_domain *d, struct flush f)
{
	if (!notifier_has_tlb(mn, d))
		return false;
	if (!mn->tlb) {
		flush_user(mn, d, f);
		return false;
	}
	sync_nonblock_begin();
	mn->tlb->submit(mn, f);
	sync_nonblock_end();
	return true;
}

bool notify_has_tlb(const struct notify_domain *d) { return d->flushed; }

/* In a section. Those that have a second half are more than *last only if there are many. */
static unsigned submit_all(struct notify_domain *d, struct flush f, struct mmu_notifier **last)
{
	unsigned submitted = 0;

	for (struct mmu_notifier *mn = list_first(d); mn; mn = list_next(d, mn)) {
		if (!submit_one(mn, d, f))
			continue;
		submitted++;
		*last = mn;
	}
	return submitted;
}

static void done_all(struct notify_domain *d, struct flush f)
{
	for (struct mmu_notifier *mn = list_first_again(d); mn; mn = list_next(d, mn))
		if (mn->tlb)
			mn->tlb->done(mn, f);
}

void notify_flush(struct notify_domain *d, struct flush f)
{
	struct mmu_notifier *last = NULL;
	unsigned submitted;

	ASSERT(flush_is_valid(&f));
	if (!d->flushed)
		return;
	list_begin(d);
	submitted = submit_all(d, f, &last);
	if (submitted)
		flush_wait();
	if (submitted == 1)
		last->tlb->done(last, f);
	else if (submitted)
		done_all(d, f);
	list_end(d);
}

/* One of them alone: between others' ends. */
static void flush_one(struct mmu_notifier *mn, struct notify_domain *d, struct flush f)
{
	if (!submit_one(mn, d, f))
		return;
	flush_wait();
	mn->tlb->done(mn, f);
}

/* --- start and end ------------------------------------------------------- */

static int start_one(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	sync_callback("invalidate_range_start", callback_of_range(r));
	int err;

	if (!mn->ops->invalidate_range_start)
		return 0;
	err = mn->ops->invalidate_range_start(mn, r);
	sync_contract(!err || (!mmu_notifier_range_blockable(r) && err == -EAGAIN),
		      "invalidate_range_start has failed, but not with -EAGAIN where it must not "
		      "block");
	sync_contract(!err || !mn->ops->invalidate_range_end,
		      "invalidate_range_start has failed, and has an invalidate_range_end");
	return err;
}

static void end_one(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	sync_callback("invalidate_range_end", callback_of_range(r));

	if (mn->ops->invalidate_range_end)
		mn->ops->invalidate_range_end(mn, r);
}

/* The list's part. All are asked, and told the end if one of them fails. */
static int list_start(struct notify_domain *d, const struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;
	int err = 0;

	if (!d->told)
		return 0;
	list_begin(d);
	for (mn = list_first(d); mn; mn = list_next(d, mn))
		if (start_one(mn, r))
			err = -EAGAIN;
	if (mmu_notifier_range_blockable(r))
		err = 0; /* an error is the user's bug then, and nothing can be undone */
	for (mn = err ? list_first_again(d) : NULL; mn; mn = list_next(d, mn))
		end_one(mn, r);
	list_end(d);
	return err;
}

/* Is anybody told of ranges, and is it not being tried without? */
static bool tells(const struct notify_domain *d)
{
	return (!d->told && !d->intervals) || sync_optional("range_start and range_end");
}

void notify_range_start(struct notify_domain *d, struct mmu_notifier_range *r)
{
	bool told;

	sync_might_sleep();
	sync_event(RANGE_START, (uintptr_t)r->mm, r->start, r->end);
	r->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	told = tells(d);
	sync_range_begin(d, r->start, r->end, told);
	if (!told) /* of the end neither */
		return;
	(void)intervals_start(d, r);
	(void)list_start(d, r);
}

int notify_range_start_nonblock(struct notify_domain *d, struct mmu_notifier_range *r)
{
	bool told;
	int err;

	sync_event(RANGE_START_NONBLOCK, (uintptr_t)r->mm, r->start, r->end);
	r->flags &= ~(unsigned)MMU_NOTIFIER_RANGE_BLOCKABLE;
	told = tells(d);
	err = told ? intervals_start(d, r) : 0;
	if (err)
		return err;
	err = told ? list_start(d, r) : 0;
	if (err)
		intervals_end(d);
	else
		sync_range_begin(d, r->start, r->end, told);
	return err;
}

void notify_range_end(struct notify_domain *d, const struct mmu_notifier_range *r, bool flush)
{
	bool told;

	if (mmu_notifier_range_blockable(r))
		sync_might_sleep();
	sync_event(RANGE_END, (uintptr_t)r->mm, r->start, r->end);
	told = sync_range_end(d, r->start, r->end);
	if (told)
		intervals_end(d);
	told = told && d->told;
	flush = flush && d->flushed;
	if (!flush && !told)
		return;
	list_begin(d);
	for (struct mmu_notifier *mn = list_first(d); mn; mn = list_next(d, mn)) {
		if (flush)
			flush_one(mn, d, flush_range(r->start, r->end));
		if (told)
			end_one(mn, r);
	}
	list_end(d);
}

/* --- accessed bits, and new pages ---------------------------------------- */

bool notify_has_clear_flush_young(const struct notify_domain *d)
{
	const struct mmu_notifier *mn = d->subscriptions;

	while (mn && !mn->ops->clear_flush_young)
		mn = mn->next;
	return mn;
}

bool notify_clear_flush_young(struct notify_domain *d, uint64_t start, uint64_t end)
{
	sync_callback("clear_flush_young", CALLBACK_ATOMIC);
	bool young = false;

	if (!d->subscribed)
		return false;
	list_begin(d);
	for (struct mmu_notifier *mn = list_first(d); mn; mn = list_next(d, mn))
		if (mn->ops->clear_flush_young)
			young |= mn->ops->clear_flush_young(mn, d->mm, start, end);
	list_end(d);
	return young;
}

bool notify_clear_young(struct notify_domain *d, uint64_t start, uint64_t end)
{
	sync_callback("clear_young", CALLBACK_ATOMIC);
	bool young = false;

	if (!d->subscribed)
		return false;
	list_begin(d);
	for (struct mmu_notifier *mn = list_first(d); mn; mn = list_next(d, mn))
		if (mn->ops->clear_young)
			young |= mn->ops->clear_young(mn, d->mm, start, end);
	list_end(d);
	return young;
}

/* Nothing is forgotten, so the first yes will do. */
bool notify_test_young(struct notify_domain *d, uint64_t addr)
{
	sync_callback("test_young", CALLBACK_ATOMIC);
	bool young = false;

	if (!d->subscribed)
		return false;
	list_begin(d);
	for (struct mmu_notifier *mn = list_first(d); mn && !young; mn = list_next(d, mn))
		if (mn->ops->test_young)
			young = mn->ops->test_young(mn, d->mm, addr);
	list_end(d);
	return young;
}

/* Before set_pte(): a secondary MMU must not lag behind the CPUs' new page. */
void notify_change_pte(struct notify_domain *d, uint64_t addr, pte_t pte)
{
	sync_callback("change_pte", CALLBACK_ATOMIC);

	if (!d->subscribed)
		return;
	list_begin(d);
	for (struct mmu_notifier *mn = list_first(d); mn; mn = list_next(d, mn))
		if (mn->ops->change_pte)
			mn->ops->change_pte(mn, d->mm, addr, pte_pfn(pte).v, pte_write(pte));
	list_end(d);
}
