/* SPDX-License-Identifier: MIT */
/*
 * notify.h - a notify domain: something with addresses that translate to pages, and with
 * subscribers who are told when translations change. An address space (struct mmun_mm) has
 * one; so can what has no areas and no page tables of ours, as an IO address space or the
 * memory of the host process. Nothing here knows what the owner of a domain is: what has to
 * be done there is an operation that the owner gives.
 *
 * What callbacks are given. The callbacks of mmun.h have Linux's signatures, in which an
 * address space stands for what has changed: as an argument, and as range->mm, mn->mm and
 * sub->mm. For a domain whose owner is no address space all of these are NULL. A subscriber
 * does not need them to know whose change it is told of. A notifier is subscribed to one
 * domain at a time, so the structure around the notifier says it; and mn->domain and
 * sub->domain are a handle, another one for each domain, which users do not look into. A
 * callback that uses neither the argument nor range->mm works on every domain, as those of
 * the devices here do.
 *
 * Who may notify. To call notify_range_start(), notify_range_end() and notify_flush(), and to
 * change translations in between, a thread holds one of the owner's locks that lock_all()
 * takes, from start to end. So no subscriber comes meanwhile, and nobody sees an end without
 * its start. Subscribers may go meanwhile: see life.c.
 */
#ifndef MMUN_NOTIFY_NOTIFY_H
#define MMUN_NOTIFY_NOTIFY_H

#include "vm/notify/flush.h"
#include "vm/pt/pte.h"

struct notify_domain;
struct interval_subscriptions; /* interval.c */

/* What the owner of a domain does for it. It gives all of these operations. They are called
 * with no lock of the library held, but where something else is said. */
struct notify_domain_ops {
	/*
	 * A hardware walk: the translation of addr, not present if there is none. It sets the
	 * accessed bit, and the dirty bit for a write that is allowed. It takes no lock, since it
	 * runs in a guard section or an RCU section: whoever gives up what it reads waits for
	 * these first.
	 */
	pte_t (*walk)(struct notify_domain *d, uint64_t addr, bool write);
	/* Resolves a fault, after a walk that did not allow the access. 0: the caller looks
	 * again; or a negative errno. May sleep. */
	int (*fault)(struct notify_domain *d, uint64_t addr, bool write);
	/* The lock under which subscribers come, mmap_lock for writing. May sleep. */
	void (*lock)(struct notify_domain *d);
	void (*unlock)(struct notify_domain *d);
	/* Excludes everybody who may notify. With the lock held. May sleep. */
	void (*lock_all)(struct notify_domain *d);
	void (*unlock_all)(struct notify_domain *d);
	/* A reference to the owner, one for each subscriber: the domain lasts as long as there is
	 * one. get is called under any lock; neither sleeps. */
	void (*get)(struct notify_domain *d);
	void (*put)(struct notify_domain *d);
};

/*
 * [C] constant once published; [N] written under lock_all(), read by whoever may notify;
 * [S] subscriptions_lock. Addresses are those below TASK_BYTES, which TLBs can tell apart.
 */
struct notify_domain {
	const struct notify_domain_ops *ops; /* [C] */
	struct mmun_machine *machine;        /* [C] whose frames a walk finds; lasts longer */
	struct mmun_mm *mm;                  /* [C] for callbacks; NULL: the owner is none */
	enum mmun_semantics semantics;       /* [C] */
	uint64_t permission_caches;          /* [N] devices whose TLBs cache permissions */
	bool subscribed, told, flushed;      /* [N] there has been a notifier; one that is told
						of ranges; one that is flushed */
	spin_t subscriptions_lock;
	struct mmu_notifier *subscriptions;  /* the newest first: list.h */
	bool exiting;                        /* [S] */
	struct interval_subscriptions *intervals; /* [N+S] NULL: never had one */
};

/* --- subscribers: life.c ------------------------------------------------- */

/* Nobody is subscribed yet; and nobody any more. */
void notify_domain_init(struct notify_domain *d, const struct notify_domain_ops *ops,
			struct mmun_machine *machine, enum mmun_semantics semantics,
			struct mmun_mm *mm);
void notify_domain_fini(struct notify_domain *d);

/* As the calls of mmun.h do for an address space. mmu_notifier_put() is for every domain. */
int notify_register(struct notify_domain *d, struct mmu_notifier *mn);
int notify_register_locked(struct notify_domain *d, struct mmu_notifier *mn);
void notify_unregister(struct notify_domain *d, struct mmu_notifier *mn);
int notify_get(struct notify_domain *d, const struct mmu_notifier_ops *ops,
	       struct mmu_notifier **ret_mn);
int notify_get_locked(struct notify_domain *d, const struct mmu_notifier_ops *ops,
		      struct mmu_notifier **ret_mn);

/* The state of a mmu_notifier; see life.c. */
enum { NOTIFIER_IDLE, NOTIFIER_LIVE, NOTIFIER_UNLINKED, NOTIFIER_LEAVING };

/*
 * The end of a domain: no subscriber comes any more, everybody is told to let go, and the plain
 * notifiers are taken off, which can be done alone. Intervals are told to the last.
 */
void notify_release(struct notify_domain *d);
void notify_unlink(struct notify_domain *d);

/* Devices whose TLBs cache permissions come, 1, or go, -1. Whoever adds a permission asks. */
void notify_count_permission_cache(struct notify_domain *d, uint64_t more);

/* --- ranges: notifier.c -------------------------------------------------- */

/* What is true of callbacks between start and end, and of the others under locks. */
static inline unsigned callback_of_range(const struct mmu_notifier_range *r)
{
	return SYNC_CALLED | SYNC_CALLED_LOCKED | SYNC_CALLED_RECLAIMING |
	       (mmu_notifier_range_blockable(r) ? 0 : SYNC_CALLED_ATOMIC);
}

enum { CALLBACK_ATOMIC = SYNC_CALLED | SYNC_CALLED_LOCKED | SYNC_CALLED_ATOMIC };

static inline void notify_range_init(struct mmu_notifier_range *r, const struct notify_domain *d,
				     enum mmu_notifier_event event, uint64_t start, uint64_t end)
{
	*r = (struct mmu_notifier_range){
		.mm = d->mm,
		.start = start,
		.end = end,
		.event = event,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
}

void notify_range_start(struct notify_domain *d, struct mmu_notifier_range *r);

/* -EAGAIN: somebody would have to block; the others' start has been ended. */
int notify_range_start_nonblock(struct notify_domain *d, struct mmu_notifier_range *r);

/* flush: the secondary TLBs are flushed as well, each before it is told (Linux 4.15 to 6.5). */
void notify_range_end(struct notify_domain *d, const struct mmu_notifier_range *r, bool flush);

/*
 * A TLB of the library's own, which a notifier may have in place of the callbacks that flush:
 * it is given the whole flush, and leaves the wait to the caller.
 */
struct notify_tlb_ops {
	/* The first half: see flush.h. Under any lock; does not sleep. */
	void (*submit)(struct mmu_notifier *mn, struct flush f);
	/* The second half is over, too: the caller has waited, for this TLB and others. */
	void (*done)(struct mmu_notifier *mn, struct flush f);
};

/* Flushes the secondary TLBs: submits to all and waits once. Takes no lock and does not sleep. */
void notify_flush(struct notify_domain *d, struct flush f);

/* Has there been one? For who wants to know whether a flush changes anything. */
bool notify_has_tlb(const struct notify_domain *d);

/* Has anybody that callback, and can keep a page from reclaim? */
bool notify_has_clear_flush_young(const struct notify_domain *d);

/* mmu_notifier_clear_flush_young and its kin: was it referenced? Under the lock that the
 * entry changes under. */
bool notify_clear_flush_young(struct notify_domain *d, uint64_t start, uint64_t end);
bool notify_clear_young(struct notify_domain *d, uint64_t start, uint64_t end);
bool notify_test_young(struct notify_domain *d, uint64_t addr);

/* set_pte_at_notify of the classic era: change_pte, before the entry is set. */
void notify_change_pte(struct notify_domain *d, uint64_t addr, pte_t pte);

/* --- intervals: interval.c ----------------------------------------------- */

/* As mmu_interval_notifier_insert(); the other calls of mmun.h are for every domain. */
int notify_interval_insert(struct notify_domain *d, struct mmu_interval_notifier *sub,
			   uint64_t start, uint64_t length,
			   const struct mmu_interval_notifier_ops *ops);
int notify_interval_insert_locked(struct notify_domain *d, struct mmu_interval_notifier *sub,
				  uint64_t start, uint64_t length,
				  const struct mmu_interval_notifier_ops *ops);

/* Interval notifiers' part of start (0, -EAGAIN: nothing to end), end, release, and fini. */
int intervals_start(struct notify_domain *d, const struct mmu_notifier_range *r);
void intervals_end(struct notify_domain *d);
void intervals_release(struct notify_domain *d);
void intervals_free(struct notify_domain *d);

#endif
