/* SPDX-License-Identifier: MIT */
/*
 * mirror.c - the accesses of a device through a page table of its own. A page that it does not
 * have is looked up by a walk of the domain, and is entered only if nothing was told meanwhile.
 * See mirror.h.
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

#include "mirror/inside.h"

/* --- looking up ---------------------------------------------------------- */

/* One try; 0: look again. As hmm_range_fault() and its users. */
static int look_up(struct mirror *m, uint64_t addr, bool write)
{
	uint64_t number = m->told->lookup_begin(m);
	struct notify_domain *d = m->domain;
	struct mirror_page *page;
	pte_t e;

	rcu_read_lock(); /* keeps the tables */
	e = d->ops->walk(d, addr, write);
	rcu_read_unlock();
	if (!pte_present(e) || (write && !pte_write(e)))
		return d->ops->fault(d, addr, write);
	spin_lock(&m->lock);
	page = mirror_page(m, addr);
	if (!m->told->lookup_retry(m, number)) {
		page->mapped = true;
		page->pfn = pte_pfn(e);
		page->write = pte_write(e) && pte_dirty(e); /* the first store looks up again */
		sync_event(MIRROR_SET, addr, page->pfn.v, page->write ? EVENT_RW : EVENT_RO);
	}
	spin_unlock(&m->lock);
	return 0;
}

/* --- accesses ------------------------------------------------------------ */

/* Under the lock. */
static void touch(const struct mirror *m, const struct mirror_page *page, struct tlb_access *a)
{
	atomic_u64 *word = frame_memory(m->domain->machine, page->pfn) + a->addr % PAGE_BYTES / 8;
	bool ordered = a->order == TLB_ACQ_REL;

	a->pfn = page->pfn;
	if (a->write && ordered)
		store_release(word, a->value);
	else if (a->write)
		store_relaxed(word, a->value);
	else
		a->value = ordered ? load_acquire(word) : load_relaxed(word);
	if (a->write)
		sync_event(MIRROR_STORE, a->addr, a->pfn.v, a->value);
	else
		sync_event(MIRROR_LOAD, a->addr, a->pfn.v, a->value);
}

int mirror_access(struct mirror *m, struct tlb_access *a)
{
	struct mirror_page *page = mirror_page(m, a->addr);
	bool done;
	int err;

	for (;;) {
		spin_lock(&m->lock);
		done = page->mapped && (!a->write || page->write);
		if (done)
			touch(m, page, a);
		spin_unlock(&m->lock);
		if (done)
			return 0;
		err = look_up(m, a->addr - a->addr % PAGE_BYTES, a->write);
		if (err)
			return err;
	}
}

bool mirror_peek(const struct mirror *m, uint64_t addr, pfn_t *pfn, bool *write)
{
	const struct mirror_page *page = &m->page[(addr - m->start) / PAGE_BYTES];

	*pfn = page->pfn;
	*write = page->write;
	return page->mapped;
}

/* --- its life ------------------------------------------------------------ */

int mirror_create(struct notify_domain *d, enum mirror_kind kind, uint64_t start, uint64_t length,
		  struct mirror **ret)
{
	uint64_t pages = length / PAGE_BYTES;
	struct mirror *m;
	int err;

	ASSERT(start % PAGE_BYTES == 0 && length % PAGE_BYTES == 0);
	m = sync_alloc(sizeof(*m) + pages * sizeof(*m->page));
	if (!m)
		return -ENOMEM;
	m->told = kind == MIRROR_SHADOW ? &mirror_shadow : &mirror_interval;
	m->domain = d;
	m->start = start;
	m->end = start + length;
	spin_init(&m->lock, RANK_DRIVER);
	err = m->told->begin(m);
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
	m->told->end(m);
	sync_free(m);
}
