/* SPDX-License-Identifier: MIT */
/*
 * notifier.c - MMU notifiers, and the tables that say where each operation
 * flushes the secondary TLBs. See mm/mmu_notifier.c in Linux for the rules; the
 * part about intervals is in interval.c.
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

#include "vm/vm.h"

/* Linux 6.6 and later: with the CPU's flush, wherever that is. */
static const uint8_t modern[MM_OP_COUNT] = {
	[MM_OP_COW] = NOTIFY_CLEAR,
	[MM_OP_MUNMAP] = NOTIFY_AFTER,
	[MM_OP_MPROTECT] = NOTIFY_AFTER,
	[MM_OP_FORK] = NOTIFY_AFTER,         /* flush_tlb_mm() at the end of dup_mmap() */
	[MM_OP_KSM_MERGE] = NOTIFY_CLEAR,
	[MM_OP_REPLACE_PAGE] = NOTIFY_CLEAR,
	[MM_OP_EXIT] = NOTIFY_AFTER,
	[MM_OP_MREMAP] = NOTIFY_CLEAR,       /* both ptls held: the page must not move on */
	[MM_OP_DONTNEED] = NOTIFY_AFTER,
	[MM_OP_FREE] = NOTIFY_AFTER,
	[MM_OP_TRUNCATE] = NOTIFY_AFTER,     /* for dirty pages under the ptl */
	[MM_OP_RECLAIM] = NOTIFY_CLEAR,      /* at once, though the CPUs' flush is batched */
	[MM_OP_MIGRATE] = NOTIFY_CLEAR,
	[MM_OP_SPLIT] = NOTIFY_CLEAR,        /* pmdp_invalidate() happens to */
	[MM_OP_COLLAPSE] = NOTIFY_CLEAR,
	[MM_OP_SOFT_DIRTY] = NOTIFY_AFTER,
	[MM_OP_UFFD_WP] = NOTIFY_AFTER,
	[MM_OP_UFFD_MOVE] = NOTIFY_CLEAR,
	[MM_OP_NUMA] = NOTIFY_AFTER,
	[MM_OP_CLEAN] = NOTIFY_CLEAR,
	[MM_OP_UPGRADE] = NOTIFY_SET,        /* arm64: ptep_set_access_flags() flushes */
};

/* Linux 4.15: range_end flushes, except where _notify and only_end are used. */
static const uint8_t classic[MM_OP_COUNT] = {
	[MM_OP_COW] = NOTIFY_CLEAR,          /* and only_end */
	[MM_OP_MUNMAP] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_MPROTECT] = NOTIFY_END,
	[MM_OP_FORK] = NOTIFY_END,
	[MM_OP_KSM_MERGE] = NOTIFY_END,
	[MM_OP_REPLACE_PAGE] = NOTIFY_CLEAR | NOTIFY_END,
	[MM_OP_EXIT] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_MREMAP] = NOTIFY_END,
	[MM_OP_DONTNEED] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_FREE] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_TRUNCATE] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_RECLAIM] = NOTIFY_SET | NOTIFY_END, /* "invalidate as we cleared": in the end */
	[MM_OP_MIGRATE] = NOTIFY_END,        /* who faults waits for the MIGRATION entry */
	[MM_OP_SPLIT] = 0,                   /* only_end: the same pages as before */
	[MM_OP_COLLAPSE] = NOTIFY_END,       /* comes before the copy */
	[MM_OP_SOFT_DIRTY] = NOTIFY_END,
	[MM_OP_UFFD_WP] = NOTIFY_END,
	[MM_OP_UFFD_MOVE] = NOTIFY_CLEAR | NOTIFY_END, /* not there yet: as reclaim */
	[MM_OP_NUMA] = NOTIFY_END,
	[MM_OP_CLEAN] = NOTIFY_END,
	[MM_OP_UPGRADE] = 0,                 /* an SMMU was not told: 6bbd42e2df8f */
};

void mm_where_init(struct mmun_mm *mm)
{
	for (int op = 0; op < MM_OP_COUNT; op++)
		mm->where[op] = (mm->semantics == MMUN_CLASSIC ? classic : modern)[op];
}

void mm_set_where(struct mmun_mm *mm, enum mm_op op, unsigned bits)
{
	mm->where[op] = (uint8_t)bits;
}

void mm_set_forgets(struct mmun_mm *mm, enum mm_op op, unsigned bits)
{
	mm->forgets[op] = (uint8_t)bits;
}

/* --- secondary TLBs ------------------------------------------------------ */

static bool has_tlb(const struct mmu_notifier *mn, const struct mmun_mm *mm)
{
	return mm->semantics == MMUN_CLASSIC ? mn->ops->invalidate_range != NULL :
					       mn->ops->arch_invalidate_secondary_tlbs != NULL;
}

static void flush_one(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	const struct mmu_notifier_ops *ops = mn->ops;

	if (!has_tlb(mn, mm))
		return;
	sync_nonblock_begin();
	if (mm->semantics == MMUN_CLASSIC)
		ops->invalidate_range(mn, mm, start, end);
	else
		ops->arch_invalidate_secondary_tlbs(mn, mm, start, end);
	sync_nonblock_end();
}

/* Is anybody told, and is it not being tried without? */
static bool flushes(const struct mmun_mm *mm, const char *where)
{
	const struct mmu_notifier *mn = mm->subscriptions;

	while (mn && !has_tlb(mn, mm))
		mn = mn->next;
	return mn && sync_optional(where);
}

static const char *place_text(enum notify_at at)
{
	switch (at) {
	case NOTIFY_CLEAR:
		return "secondary TLBs, after the entry is cleared";
	case NOTIFY_SET:
		return "secondary TLBs, after the entry is set";
	case NOTIFY_UNLOCK:
		return "secondary TLBs, after unlocking";
	case NOTIFY_END:
		return "secondary TLBs, in range_end";
	case NOTIFY_AFTER:
		return "secondary TLBs, with the CPUs'";
	case NOTIFY_FREED:
		break;
	}
	return "secondary TLBs, after the pages are freed";
}

void secondary_point(struct mmun_mm *mm, enum mm_op op, enum notify_at at,
		     uint64_t start, uint64_t end)
{
	if (!(mm->where[op] & at) || !flushes(mm, place_text(at)))
		return;
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		flush_one(mn, mm, start, end);
}

/* --- start and end ------------------------------------------------------- */

void range_init_owner(struct mmu_notifier_range *r, struct mmun_mm *mm,
		      enum mmu_notifier_event event, uint64_t start, uint64_t end, void *owner)
{
	*r = (struct mmu_notifier_range){
		.mm = mm,
		.start = start,
		.end = end,
		.event = event,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
		.owner = owner,
	};
}

void range_init(struct mmu_notifier_range *r, struct mmun_mm *mm, enum mmu_notifier_event event,
		uint64_t start, uint64_t end)
{
	range_init_owner(r, mm, event, start, end, NULL);
}

static int start_one(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	bool blockable = mmu_notifier_range_blockable(r);
	int err;

	if (!mn->ops->invalidate_range_start)
		return 0;
	if (!blockable)
		sync_nonblock_begin();
	err = mn->ops->invalidate_range_start(mn, r);
	if (!blockable)
		sync_nonblock_end();
	sync_contract(!err || (!blockable && err == -EAGAIN && !mn->ops->invalidate_range_end));
	return err;
}

static void end_one(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	bool blockable = mmu_notifier_range_blockable(r);

	if (!mn->ops->invalidate_range_end)
		return;
	if (!blockable)
		sync_nonblock_begin();
	mn->ops->invalidate_range_end(mn, r);
	if (!blockable)
		sync_nonblock_end();
}

/* The list's part. All are asked, and told the end if one of them fails. */
static int list_start(const struct mmu_notifier_range *r)
{
	int err = 0;

	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next)
		if (start_one(mn, r))
			err = -EAGAIN;
	if (!err || mmu_notifier_range_blockable(r))
		return 0; /* an error is the user's bug then, and nothing can be undone */
	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next)
		end_one(mn, r);
	return err;
}

/* Is anybody told of ranges, and is it not being tried without? */
static bool tells(const struct mmun_mm *mm)
{
	const struct mmu_notifier *mn = mm->subscriptions;

	while (mn && !mn->ops->invalidate_range_start && !mn->ops->invalidate_range_end)
		mn = mn->next;
	return (!mn && !mm->intervals) || sync_optional("range_start and range_end");
}

void invalidate_range_start(struct mmu_notifier_range *r)
{
	bool told;

	sync_might_sleep();
	sync_probe(r->mm, r->start, r->end);
	sync_note("range_start of %#lx", (unsigned long)r->start);
	r->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	told = tells(r->mm);
	sync_range_begin(r->mm, r->start, r->end, told);
	if (!told) /* of the end neither */
		return;
	(void)intervals_start(r);
	(void)list_start(r);
}

int invalidate_range_start_nonblock(struct mmu_notifier_range *r)
{
	bool told;
	int err;

	sync_probe(r->mm, r->start, r->end);
	sync_note("range_start of %#lx, not to block", (unsigned long)r->start);
	r->flags &= ~(unsigned)MMU_NOTIFIER_RANGE_BLOCKABLE;
	told = tells(r->mm);
	err = told ? intervals_start(r) : 0;
	if (err)
		return err;
	err = told ? list_start(r) : 0;
	if (err)
		intervals_end(r->mm);
	else
		sync_range_begin(r->mm, r->start, r->end, told);
	return err;
}

void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op)
{
	bool told, flush;

	if (mmu_notifier_range_blockable(r))
		sync_might_sleep();
	sync_probe(r->mm, r->start, r->end);
	sync_note("range_end of %#lx", (unsigned long)r->start);
	told = sync_range_end(r->mm, r->start, r->end);
	if (told)
		intervals_end(r->mm);
	flush = (r->mm->where[op] & NOTIFY_END) && flushes(r->mm, place_text(NOTIFY_END));
	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next) {
		if (flush)
			flush_one(mn, r->mm, r->start, r->end);
		if (told)
			end_one(mn, r);
	}
}

/* --- accessed bits, and new pages ---------------------------------------- */

bool notifiers_clear_flush_young(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	bool young = false;

	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->clear_flush_young)
			young |= mn->ops->clear_flush_young(mn, mm, start, end);
	sync_nonblock_end();
	return young;
}

bool notifiers_clear_young(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	bool young = false;

	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->clear_young)
			young |= mn->ops->clear_young(mn, mm, start, end);
	sync_nonblock_end();
	return young;
}

/* Nothing is forgotten, so the first yes will do. */
bool notifiers_test_young(struct mmun_mm *mm, uint64_t addr)
{
	bool young = false;

	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn && !young; mn = mn->next)
		if (mn->ops->test_young)
			young = mn->ops->test_young(mn, mm, addr);
	sync_nonblock_end();
	return young;
}

/* Before set_pte(): a secondary MMU must not lag behind the CPUs' new page. */
void notifiers_change_pte(struct mmun_mm *mm, uint64_t addr, pte_t pte)
{
	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->change_pte)
			mn->ops->change_pte(mn, mm, addr, pte_pfn(pte).v, pte_write(pte));
	sync_nonblock_end();
}

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
