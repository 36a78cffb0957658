/* SPDX-License-Identifier: MIT */
/*
 * interval.c - interval notifiers: who built a software page table of a range
 * learns from a sequence number whether it was invalidated meanwhile. The rules
 * are those of mm/mmu_notifier.c in Linux. Called by start and end (notifier.c) and
 * exit (life.c), before the list of plain notifiers is, and by users through mmun.h.
 *
 * Invariants. The number is odd from the first start that finds an interval in its
 * range until no pair at all is under way; all pairs of that time share it. While
 * it is odd the tree does not change, so starts walk it without the lock; what is
 * inserted or removed meanwhile is put off to the last end. An interval's own
 * number is always odd: that of the period in which it was invalidated last, or,
 * for a new one, of a period long over.
 *
 * What the number is for; user_lock is held where it says so:
 *
 *      user                                    P0, COW of a
 *      seq = read_begin [even: none under way]
 *      page of a: frame 5
 *                                              start: number odd
 *                                              invalidate [user_lock]:
 *                                                sub's = number; drop a: nothing there
 *                                              pte of a -> frame 42
 *                                              end: number even
 *      user_lock
 *      read_retry: sub's != seq [again]
 *
 * and if user_lock comes before invalidate's, a -> frame 5 is entered, and found
 * and dropped by invalidate before the page changes. tests/test_notifier.c runs it:
 * "read against COW".
 *
 * Numbers may wrap: they are compared for being equal, or as a difference.
 */
#include <errno.h>

#include "sync/btree_mem.h"
#include "vm/notify/notify.h"

/* [l] lock; an interval's state and deferred are [l] too, its ops, domain and range [C]. They
 * stay when it was removed. */
struct interval_subscriptions {
	spin_t lock;
	uint64_t seq;                /* [l] */
	uint64_t active;             /* [l] start/end pairs under way */
	bool released;               /* [l] exit has told all: no more come */
	struct btree tree;           /* [l] while seq is even; with nodes in reserve for
	                                whatever is to be inserted */
	struct mmu_interval_notifier *deferred; /* [l] empty while seq is even */
	uint32_t inserting;          /* [l] how many of them are to be inserted */
	atomic_u64 idle;             /* [A] the last even seq; written with the lock held */
};

/* The state of an interval notifier. REMOVING ones are still in the tree. */
enum interval_state {
	INTERVAL_IDLE, INTERVAL_IN_TREE, INTERVAL_INSERTING, INTERVAL_REMOVING,
	INTERVAL_STATES,
};

/* Kept with the address, since insert is given memory that may hold anything. */
static int key_of(const struct mmu_interval_notifier *sub)
{
	return (int)((uint32_t)((uintptr_t)sub / sizeof(void *)) * 2654435761u &
		     ~(uint32_t)(INTERVAL_STATES - 1));
}

static void set_state(struct mmu_interval_notifier *sub, enum interval_state state)
{
	sub->state = key_of(sub) | (int)state;
}

static bool in_state(const struct mmu_interval_notifier *sub, enum interval_state state)
{
	return sub->state == (key_of(sub) | (int)state);
}

/* Neither removed nor about to be. */
static bool is_inserted(const struct mmu_interval_notifier *sub)
{
	return in_state(sub, INTERVAL_IN_TREE) || in_state(sub, INTERVAL_INSERTING);
}

_Static_assert(sizeof(atomic_u64) == sizeof(uint64_t) &&
	       _Alignof(atomic_u64) == _Alignof(uint64_t), "a word of a public structure");

/*
 * [A] Written under the user's lock, and in insert, before anybody knows the
 * interval. The public structure cannot name the type.
 */
static atomic_u64 *seq_of(struct mmu_interval_notifier *sub)
{
	return (atomic_u64 *)(void *)&sub->invalidate_seq;
}

/* The number of an interval that was removed; those of others are odd. */
enum { SEQ_REMOVED = 0 };

/* Where the tree has it. The last byte there can be belongs to nobody. */
static uint64_t end_of(const struct mmu_interval_notifier *sub) { return sub->last + 1; }

/* --- invalidating -------------------------------------------------------- */

/* false: it would have had to block. */
static bool invalidate_one(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *r,
			   uint64_t seq, struct mmu_interval_notifier_finish **finish)
{
	struct mmu_interval_notifier_finish *more = NULL;
	bool blockable = mmu_notifier_range_blockable(r);
	bool done;
	sync_callback(sub->ops->invalidate_start ? "invalidate_start" : "invalidate",
		      callback_of_range(r));

	done = sub->ops->invalidate_start ? sub->ops->invalidate_start(sub, r, seq, &more) :
		sub->ops->invalidate(sub, r, seq);
	sync_contract(done || (!blockable && !more),
		      "an interval's callback has failed where it may block, or left a finish");
	if (more) {
		more->notifier = sub;
		more->next = *finish;
		*finish = more;
	}
	return done || blockable;
}

static void finish_all(const struct mmu_notifier_range *r,
		       struct mmu_interval_notifier_finish *finish)
{
	sync_callback("invalidate_finish", callback_of_range(r));

	while (finish) {
		struct mmu_interval_notifier_finish *f = finish;

		finish = f->next; /* f is the user's again once finish was called */
		f->notifier->ops->invalidate_finish(f);
	}
}

static int subscriptions_start(struct interval_subscriptions *s, const struct mmu_notifier_range *r)
{
	struct mmu_interval_notifier_finish *finish = NULL;
	struct mmu_interval_notifier *sub;
	struct btree_iter it;
	bool done = true;
	uint64_t seq;

	spin_lock(&s->lock);
	s->active++;
	sub = btree_first(&s->tree, &it, r->start, r->end);
	if (sub)
		s->seq |= 1;
	seq = s->seq;
	spin_unlock(&s->lock);

	for (; sub && done; sub = btree_next(&it))
		done = invalidate_one(sub, r, seq, &finish);
	finish_all(r, finish);
	return done ? 0 : -EAGAIN;
}

/* What was put off while the number was odd; the last pair has ended. */
static void deferred_apply(struct interval_subscriptions *s)
{
	struct mmu_interval_notifier *sub;

	sync_assert_held(&s->lock);
	while ((sub = s->deferred)) {
		s->deferred = sub->deferred;
		if (in_state(sub, INTERVAL_INSERTING)) {
			ASSERT(!btree_insert(&s->tree, sub->start, end_of(sub), sub));
			set_state(sub, INTERVAL_IN_TREE);
		} else {
			ASSERT(btree_remove(&s->tree, sub->start, sub));
			set_state(sub, INTERVAL_IDLE);
		}
	}
	s->inserting = 0;
}

/*
 * Who waits in remove frees the interval as soon as idle has moved on, so that is
 * the last thing done:
 *
 *      last end                        remove
 *                                      put off; wait for idle > seq
 *      seq even
 *      take sub out of the tree [still there]
 *      idle = seq
 *                                      return: sub is freed
 *
 * tests/test_notifier.c, "insert and remove against two pairs"; stress_notifier.c.
 */
static void subscriptions_end(struct interval_subscriptions *s)
{
	bool over;

	spin_lock(&s->lock);
	ASSERT(s->active);
	over = --s->active == 0 && (s->seq & 1);
	if (over) {
		s->seq++;
		deferred_apply(s);
		/* Pairs with wait_until() in wait_past(). */
		store_release(&s->idle, s->seq);
	}
	spin_unlock(&s->lock);
	if (over)
		wake_all(&s->idle);
}

int intervals_start(struct notify_domain *d, const struct mmu_notifier_range *r)
{
	struct interval_subscriptions *s = d->intervals;

	if (!s || !subscriptions_start(s, r))
		return 0;
	subscriptions_end(s);
	return -EAGAIN;
}

/* Sees the same subscriptions as start: they come under lock_all() only. */
void intervals_end(struct notify_domain *d)
{
	if (d->intervals)
		subscriptions_end(d->intervals);
}

/* At exit: exiting is set, so subscriptions that are not there will not come. */
void intervals_release(struct notify_domain *d)
{
	struct interval_subscriptions *s = d->intervals;
	struct mmu_notifier_range range;

	if (!s)
		return;
	spin_lock(&s->lock);
	s->released = true;
	spin_unlock(&s->lock);
	notify_range_init(&range, d, MMU_NOTIFY_RELEASE, 0, TASK_BYTES);
	ASSERT(!subscriptions_start(s, &range));
	subscriptions_end(s);
}

/* --- inserting ----------------------------------------------------------- */

static struct interval_subscriptions *subscriptions_alloc(void)
{
	struct interval_subscriptions *s = sync_alloc(sizeof(*s));

	if (!s)
		return NULL;
	spin_init(&s->lock, RANK_INTERVALS);
	btree_init(&s->tree, sync_btree_mem);
	s->seq = (uint64_t)SYNC_SEQ_START;
	store_relaxed(&s->idle, s->seq);
	return s;
}

void intervals_free(struct notify_domain *d)
{
	struct interval_subscriptions *s = d->intervals;

	if (!s)
		return;
	ASSERT(!s->tree.root && !s->active);
	btree_fini(&s->tree);
	sync_free(s);
}

static struct interval_subscriptions *subscriptions_of(struct notify_domain *d)
{
	struct interval_subscriptions *s;

	spin_lock(&d->subscriptions_lock);
	s = d->intervals;
	spin_unlock(&d->subscriptions_lock);
	return s;
}

/* Makes the domain's subscriptions: no pair is under way at that moment. Under lock(). */
static int subscriptions_make(struct notify_domain *d)
{
	struct interval_subscriptions *new = subscriptions_alloc();
	bool exiting;

	if (!new)
		return -ENOMEM;
	d->ops->lock_all(d);
	spin_lock(&d->subscriptions_lock);
	exiting = d->exiting;
	if (!d->intervals && !exiting) {
		d->intervals = new;
		new = NULL;
	}
	spin_unlock(&d->subscriptions_lock);
	d->ops->unlock_all(d);
	sync_free(new);
	return exiting ? -EINVAL : 0;
}

/*
 * Locks, with nodes in reserve for one insertion more than are put off. Memory is
 * taken without the lock, so the tree may have grown meanwhile.
 */
static int lock_with_room(struct interval_subscriptions *s)
{
	struct btree_node *node[8];
	uint32_t count = 0, missing;

	for (;;) {
		spin_lock(&s->lock);
		while (count)
			btree_donate(&s->tree, node[--count]);
		missing = btree_shortage(&s->tree, s->inserting + 1);
		if (!missing)
			return 0;
		spin_unlock(&s->lock);
		for (; count < missing && count < ARRAY_SIZE(node); count++) {
			node[count] = sync_alloc(sizeof(*node[count]));
			if (node[count])
				continue;
			while (count)
				sync_free(node[--count]);
			return -ENOMEM;
		}
	}
}

/*
 * Which ranges the pairs under way are about is not known, so they are taken to be
 * about this one: its number is then that of the period, and read_begin waits.
 */
static void insert_locked(struct interval_subscriptions *s, struct mmu_interval_notifier *sub)
{
	sync_assert_held(&s->lock);
	sync_kept(sub, "an interval notifier that is inserted");
	if (s->active && (s->seq & 1)) {
		sub->invalidate_seq = s->seq;
		set_state(sub, INTERVAL_INSERTING);
		sub->deferred = s->deferred;
		s->deferred = sub;
		s->inserting++;
		return;
	}
	if (s->active)
		s->seq |= 1;
	sub->invalidate_seq = s->active ? s->seq : s->seq - 1;
	set_state(sub, INTERVAL_IN_TREE);
	ASSERT(!btree_insert(&s->tree, sub->start, end_of(sub), sub));
}

static bool ops_are_valid(const struct mmu_interval_notifier_ops *ops)
{
	return ops && !ops->invalidate_start == !ops->invalidate_finish &&
	       (ops->invalidate || ops->invalidate_start);
}

static int prepare(struct mmu_interval_notifier *sub, uint64_t start, uint64_t length,
		   const struct mmu_interval_notifier_ops *ops)
{
	if (!ops_are_valid(ops) || start >= TASK_BYTES)
		return -EINVAL;
	if (length == 0 || length > UINT64_MAX - start)
		return -EOVERFLOW;
	sync_rule(!sync_is_kept(sub), "the interval notifier is inserted already");
	*sub = (struct mmu_interval_notifier){
		.ops = ops, .start = start, .last = start + length - 1,
	};
	return 0;
}

static int insert(struct notify_domain *d, struct mmu_interval_notifier *sub)
{
	struct interval_subscriptions *s = subscriptions_of(d);
	int err = lock_with_room(s);

	if (err)
		return err;
	sync_rule(!sync_is_kept(sub), "the interval notifier is inserted already");
	if (s->released) {
		err = -EINVAL;
	} else {
		sub->domain = d;
		sub->mm = d->mm;
		d->ops->get(d);
		insert_locked(s, sub);
	}
	spin_unlock(&s->lock);
	return err;
}

int notify_interval_insert(struct notify_domain *d, struct mmu_interval_notifier *sub,
			   uint64_t start, uint64_t length,
			   const struct mmu_interval_notifier_ops *ops)
{
	int err = prepare(sub, start, length, ops);

	if (!err && !subscriptions_of(d)) {
		d->ops->lock(d);
		err = subscriptions_make(d);
		d->ops->unlock(d);
	}
	return err ? err : insert(d, sub);
}

int notify_interval_insert_locked(struct notify_domain *d, struct mmu_interval_notifier *sub,
				  uint64_t start, uint64_t length,
				  const struct mmu_interval_notifier_ops *ops)
{
	int err = prepare(sub, start, length, ops);

	if (!err && !subscriptions_of(d))
		err = subscriptions_make(d);
	return err ? err : insert(d, sub);
}

/* --- waiting, and removing ----------------------------------------------- */

/* Numbers do not go round while somebody waits. */
static bool is_past(uint64_t idle, uint64_t seq) { return (int64_t)(idle - seq) > 0; }

/* Pairs with store_release() in subscriptions_end(). */
static void wait_past(struct interval_subscriptions *s, uint64_t seq)
{
	wait_until(&s->idle, is_past, seq);
}

static void deferred_drop(struct interval_subscriptions *s, struct mmu_interval_notifier *sub)
{
	struct mmu_interval_notifier **link = &s->deferred;

	while (*link != sub)
		link = &(*link)->deferred;
	*link = sub->deferred;
	s->inserting--;
}

/* Returns whether the last end is to be waited for. */
static bool remove_locked(struct interval_subscriptions *s, struct mmu_interval_notifier *sub)
{
	sync_assert_held(&s->lock);
	if (in_state(sub, INTERVAL_INSERTING)) {
		deferred_drop(s, sub);
	} else if (s->seq & 1) {
		set_state(sub, INTERVAL_REMOVING);
		sub->deferred = s->deferred;
		s->deferred = sub;
		return true;
	} else {
		ASSERT(btree_remove(&s->tree, sub->start, sub));
	}
	set_state(sub, INTERVAL_IDLE);
	return false;
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub)
{
	struct interval_subscriptions *s;
	struct notify_domain *d;
	bool inserted, wait;
	uint64_t seq;

	sync_user_calls(SYNC_CALLED_LOCKED);
	sync_rule(!sub || sub->domain, "the interval notifier is not inserted");
	if (!sub || !sub->domain)
		return;
	sync_might_sleep();
	d = sub->domain;
	s = d->intervals;
	spin_lock(&s->lock);
	inserted = is_inserted(sub);
	sync_rule(inserted, "the interval notifier is not inserted");
	seq = s->seq;
	wait = inserted && remove_locked(s, sub);
	spin_unlock(&s->lock);
	if (wait)
		wait_past(s, seq);
	if (!inserted)
		return;
	/* Whoever reads it from here on comes too late: see read_retry(). */
	store_relaxed(seq_of(sub), SEQ_REMOVED);
	sync_not_kept(sub);
	d->ops->put(d);
}

uint64_t mmu_interval_read_begin(struct mmu_interval_notifier *sub)
{
	struct interval_subscriptions *s;
	bool invalidating;
	uint64_t seq;

	sync_user_calls(SYNC_CALLED_LOCKED);
	sync_contract(sub->domain, "the interval notifier is not inserted");
	sync_might_sleep();
	/*
	 * Equal and even never is, since the interval's is odd. Equal and odd: its
	 * range, or one that may have been its, is being invalidated. Unequal and odd:
	 * others' ranges; a start that comes to this one will set its number. The lock
	 * orders this after the last end, and so after what it was about.
	 */
	s = sub->domain->intervals;
	spin_lock(&s->lock);
	sync_contract(is_inserted(sub), "the interval notifier is not inserted");
	seq = load_relaxed(seq_of(sub));
	invalidating = seq == s->seq;
	spin_unlock(&s->lock);
	if (invalidating)
		wait_past(s, seq);
	return seq;
}

/* Was there an invalidation? The number of an interval that was removed is even. */
static bool differs(struct mmu_interval_notifier *sub, uint64_t seq)
{
	uint64_t now = load_relaxed(seq_of(sub));

	sync_contract(now & 1, "the interval notifier is not inserted");
	return now != seq;
}

bool mmu_interval_read_retry(struct mmu_interval_notifier *sub, uint64_t seq)
{
	sync_user_calls(0);
	return differs(sub, seq);
}

bool mmu_interval_check_retry(struct mmu_interval_notifier *sub, uint64_t seq)
{
	sync_user_calls(0);
	return differs(sub, seq);
}

/* Pairs with load_relaxed() in read_begin, through the user's lock or the retry. */
void mmu_interval_set_seq(struct mmu_interval_notifier *sub, uint64_t cur_seq)
{
	store_relaxed(seq_of(sub), cur_seq);
}
