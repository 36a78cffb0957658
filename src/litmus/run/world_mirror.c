/* SPDX-License-Identifier: MIT */
/*
 * world_mirror.c - a device with a page table of its own, made from the address space's
 * and kept current by notifiers: nobody flushes anything of it, it is told before a page
 * goes. By an interval notifier, as users of HMM do, or by start and end with a count of
 * the pairs under way and of those that are over, as KVM does. Called by world.c.
 *
 * Invariant: what is in the page table was looked up since the last start of a pair that
 * covers it, and no such pair is under way; an access is made under the lock that start
 * takes. So when start returns nobody uses what is to change:
 *
 *      device                              update
 *      number taken
 *      walk of a: frame 3
 *                                          start: lock, drops a, new number
 *      lock; number as before? [no: again]
 *                                          clear, set, unlock
 *      number taken: waits
 *                                          end
 *      walk of a: frame 7
 *
 * Litmus: mirror+cow, shadow+cow.
 */
#include <errno.h>

#include "litmus/run/world.h"

struct mirror_page { uint64_t addr; pfn_t pfn; bool mapped, write; };

struct mirror {
	struct mmu_interval_notifier sub; /* by intervals */
	struct mmu_notifier mn;           /* by start and end */
	struct mmun_mm *mm;
	bool counts;                      /* the latter */
	atomic_u64 under_way, over;       /* pairs; written under lock */
	spin_t lock;
	int pages;
	struct mirror_page page[LITMUS_VARS_MAX]; /* by the test's page; under lock */
};

/* --- being told ---------------------------------------------------------- */

/* Under the lock. */
static void drop(struct mirror *m, const struct mmu_notifier_range *range)
{
	for (int p = 0; p < m->pages; p++) {
		struct mirror_page *page = &m->page[p];

		if (!page->mapped || page->addr < range->start || page->addr >= range->end)
			continue;
		page->mapped = false;
		sync_note("drop %#lx from the device's page table", (unsigned long)page->addr);
	}
}

static bool on_invalidate(struct mmu_interval_notifier *sub,
			  const struct mmu_notifier_range *range, uint64_t seq)
{
	struct mirror *m = container_of(sub, struct mirror, sub);

	spin_lock(&m->lock);
	mmu_interval_set_seq(sub, seq);
	drop(m, range);
	spin_unlock(&m->lock);
	return true;
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mirror *m = container_of(mn, struct mirror, mn);

	spin_lock(&m->lock);
	add_acq_rel(&m->under_way, 1);
	drop(m, range);
	spin_unlock(&m->lock);
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mirror *m = container_of(mn, struct mirror, mn);

	(void)range;
	spin_lock(&m->lock);
	add_acq_rel(&m->over, 1);
	add_acq_rel(&m->under_way, (uint64_t)-1);
	spin_unlock(&m->lock);
	wake_all(&m->under_way);
}

static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct mirror *m = container_of(mn, struct mirror, mn);
	const struct mmu_notifier_range all = { .mm = mm, .end = TASK_BYTES };

	spin_lock(&m->lock);
	drop(m, &all);
	spin_unlock(&m->lock);
}

static const struct mmu_interval_notifier_ops interval_ops = { .invalidate = on_invalidate };
static const struct mmu_notifier_ops counting_ops = {
	.release = on_release, .invalidate_range_start = on_start, .invalidate_range_end = on_end,
};

/* --- looking up ---------------------------------------------------------- */

static bool is_zero(uint64_t value, uint64_t arg)
{
	(void)arg;
	return value == 0;
}

/* KVM's processors look up anew until no pair is under way; here they wait. */
static uint64_t lookup_begin(struct mirror *m)
{
	if (!m->counts)
		return mmu_interval_read_begin(&m->sub);
	wait_until(&m->under_way, is_zero, 0);
	return load_acquire(&m->over);
}

/* Under the lock: has there been, or is there, a pair since? */
static bool lookup_retry(struct mirror *m, uint64_t number)
{
	if (!m->counts)
		return mmu_interval_read_retry(&m->sub, number);
	return load_acquire(&m->under_way) || load_acquire(&m->over) != number;
}

/* One try; 0: look again. As hmm_range_fault() and its users. */
static int look_up(struct mirror *m, struct mirror_page *page, bool write)
{
	uint64_t number = lookup_begin(m);
	pte_t e;

	rcu_read_lock(); /* keeps the tables */
	e = pgtable_walk_hw(&m->mm->pt, page->addr, write);
	rcu_read_unlock();
	if (!pte_present(e) || (write && !pte_write(e)))
		return mmun_mm_fault(m->mm, page->addr, write);
	spin_lock(&m->lock);
	if (!lookup_retry(m, number)) {
		page->mapped = true;
		page->pfn = pte_pfn(e);
		page->write = pte_write(e) && pte_dirty(e); /* the first store looks up again */
		sync_note("device's page table: %#lx -> frame %u, %s", (unsigned long)page->addr,
			  page->pfn.v, page->write ? "rw" : "ro");
	}
	spin_unlock(&m->lock);
	return 0;
}

/* Under the lock. */
static void touch(const struct mirror *m, const struct mirror_page *page, struct tlb_access *a)
{
	atomic_u64 *word = frame_memory(m->mm->machine, page->pfn) + a->addr % PAGE_BYTES / 8;
	bool ordered = a->order == TLB_ACQ_REL;

	a->pfn = page->pfn;
	if (a->write && ordered)
		store_release(word, a->value);
	else if (a->write)
		store_relaxed(word, a->value);
	else
		a->value = ordered ? load_acquire(word) : load_relaxed(word);
	sync_note("%#lx, mapped: frame %u: %s %lu", (unsigned long)a->addr, a->pfn.v,
		  a->write ? "store" : "load =", (unsigned long)a->value);
}

int mirror_access(struct mirror *m, int page, struct tlb_access *a)
{
	struct mirror_page *p = &m->page[page];
	bool done;
	int err;

	for (;;) {
		spin_lock(&m->lock);
		done = p->mapped && (!a->write || p->write);
		if (done)
			touch(m, p, a);
		spin_unlock(&m->lock);
		if (done)
			return 0;
		err = look_up(m, p, a->write);
		if (err)
			return err;
	}
}

bool mirror_peek(const struct mirror *m, int page, pfn_t *pfn, bool *write)
{
	*pfn = m->page[page].pfn;
	*write = m->page[page].write;
	return m->page[page].mapped;
}

/* --- its life ------------------------------------------------------------ */

int mirror_create(struct mmun_mm *mm, const struct litmus *test, bool counts, struct mirror **ret)
{
	struct mirror *m = sync_alloc(sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->mm = mm;
	m->counts = counts;
	m->pages = test->pages;
	spin_init(&m->lock, RANK_DRIVER);
	for (int v = 0; v < test->vars; v++)
		m->page[test->var[v].page].addr = world_page_addr(test, v);
	m->mn.ops = &counting_ops;
	err = counts ? mmu_notifier_register(&m->mn, mm) :
		       mmu_interval_notifier_insert(&m->sub, mm, 0, TASK_BYTES, &interval_ops);
	if (err)
		sync_free(m);
	else
		*ret = m;
	return err;
}

void mirror_destroy(struct mirror *m)
{
	if (!m)
		return;
	if (m->counts)
		mmu_notifier_unregister(&m->mn, m->mm);
	else
		mmu_interval_notifier_remove(&m->sub);
	sync_free(m);
}
