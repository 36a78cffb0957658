/* SPDX-License-Identifier: MIT */
/*
 * hmm_device.h - a device with a page table of its own, as lib/test_hmm.c has one: the device that
 * Linux's hmm-tests drive. It reads and writes an address space through what it has looked up, and
 * looks up what it does not have. For one device there is one lock, which invalidate takes.
 *
 * A device of the tests has DEVICE_PAGES pages from start on, and moves the first word of each.
 */
#ifndef MMUN_TESTS_HMM_DEVICE_H
#define MMUN_TESTS_HMM_DEVICE_H

#include <errno.h>

#include "mmun/hmm.h"
#include "vm/ops/ops.h"

#ifndef DEVICE_PAGES
#define DEVICE_PAGES 1024
#endif

/* Mistakes of a driver, which a test plants. */
enum device_mistake {
	DEVICE_NEVER_RETRIES = 1,  /* what it has found is entered whatever happened meanwhile */
	DEVICE_RETRIES_EARLY = 2,  /* it asks before it takes its lock */
	DEVICE_SETS_NO_SEQ = 4,
	DEVICE_DROPS_NOTHING = 8,
	DEVICE_ASKS_TO_READ = 16,  /* ... only, and writes */
	DEVICE_REVOKES_NOTHING = 32, /* it takes the end of its exclusivity for its own event */
};

/* What a command has done, as the driver's ioctls tell it. */
struct device_did { uint64_t cpages, faults; };

/* How snapshot() sees a page: the codes of lib/test_hmm_uapi.h. */
enum {
	SEEN_NONE, SEEN_READ = 1, SEEN_WRITE = 2, SEEN_PMD = 4, SEEN_ZERO = 0x10, SEEN_ERROR = 0xff,
};

struct hmm_device {
	struct mmun_mm *mm;
	struct mmu_interval_notifier sub;
	spin_t lock;
	uint64_t start;
	uint64_t pfn[DEVICE_PAGES];       /* under lock: 0, or VALID */
	bool exclusive[DEVICE_PAGES];     /* under lock */
	unsigned mistakes;
};

static inline uint64_t *device_pfn(struct hmm_device *d, uint64_t addr)
{
	return &d->pfn[(addr - d->start) / PAGE_BYTES];
}

static inline bool device_invalidate(struct mmu_interval_notifier *sub,
				     const struct mmu_notifier_range *range, uint64_t seq)
{
	struct hmm_device *d = container_of(sub, struct hmm_device, sub);
	uint64_t end = sub->last + 1, addr = sub->start;
	bool own = range->event == MMU_NOTIFY_EXCLUSIVE && range->owner == d;

	if (own || (d->mistakes & DEVICE_REVOKES_NOTHING))
		return true;
	spin_lock(&d->lock);
	if (!(d->mistakes & DEVICE_SETS_NO_SEQ))
		mmu_interval_set_seq(sub, seq);
	addr = range->start > addr ? range->start : addr;
	end = range->end < end ? range->end : end;
	for (; addr < end && !(d->mistakes & DEVICE_DROPS_NOTHING); addr += PAGE_BYTES) {
		*device_pfn(d, addr) = 0;
		d->exclusive[device_pfn(d, addr) - d->pfn] = false;
	}
	spin_unlock(&d->lock);
	return true;
}

static const struct mmu_interval_notifier_ops device_ops = { .invalidate = device_invalidate };

/* Its life: the memory is the caller's, and 0. */
static inline int device_open(struct hmm_device *d, struct mmun_mm *mm, uint64_t start)
{
	d->mm = mm;
	d->start = start;
	spin_init(&d->lock, RANK_DRIVER);
	return mmu_interval_notifier_insert(&d->sub, mm, start, DEVICE_PAGES * PAGE_BYTES,
					    &device_ops);
}

static inline void device_close(struct hmm_device *d) { mmu_interval_notifier_remove(&d->sub); }

/* --- looking up: dmirror_fault() -------------------------------------------- */

/* What was found is entered, and true is returned, unless it is out of date. */
static inline bool device_enter(struct hmm_device *d, const struct mmun_hmm_range *r)
{
	unsigned how = d->mistakes & (DEVICE_NEVER_RETRIES | DEVICE_RETRIES_EARLY);
	bool retry = how == DEVICE_RETRIES_EARLY &&
		     mmu_interval_read_retry(&d->sub, r->notifier_seq);

	spin_lock(&d->lock);
	if (!how)
		retry = mmu_interval_read_retry(&d->sub, r->notifier_seq);
	for (uint64_t addr = r->start; addr < r->end && !retry; addr += PAGE_BYTES)
		*device_pfn(d, addr) = r->hmm_pfns[(addr - r->start) / PAGE_BYTES];
	spin_unlock(&d->lock);
	return !retry;
}

/* In parts of at most so many pages. */
enum { DEVICE_BATCH = 8 };

static inline int device_fault(struct hmm_device *d, uint64_t start, uint64_t end, bool write)
{
	uint64_t pfn[DEVICE_BATCH] = { 0 };
	struct mmun_hmm_range r = {
		.notifier = &d->sub, .hmm_pfns = pfn, .start = start,
		.default_flags = MMUN_HMM_PFN_REQ_FAULT |
			(write && !(d->mistakes & DEVICE_ASKS_TO_READ) ?
				 MMUN_HMM_PFN_REQ_WRITE : 0),
	};

	while (r.start < end) {
		uint64_t left = (end - r.start) / PAGE_BYTES;
		int err;

		r.end = r.start + (left < DEVICE_BATCH ? left : DEVICE_BATCH) * PAGE_BYTES;
		r.notifier_seq = mmu_interval_read_begin(&d->sub);
		err = mmun_hmm_range_fault(&r);
		if (err && err != -EBUSY)
			return err;
		if (!err && device_enter(d, &r))
			r.start = r.end;
	}
	return 0;
}

/* --- what a program asks of it ------------------------------------------------ */

/* Under the lock: as many pages as it has; -ENOENT: it must look up the next one. */
static inline int device_move(struct hmm_device *d, uint64_t addr, uint64_t pages, uint64_t *words,
			      bool write, struct device_did *did)
{
	for (; did->cpages < pages; did->cpages++) {
		uint64_t pfn = *device_pfn(d, addr + did->cpages * PAGE_BYTES);
		int err;

		if (write && (d->mistakes & DEVICE_ASKS_TO_READ))
			pfn |= pfn ? MMUN_HMM_PFN_WRITE : 0;
		if (!pfn || (write && !(pfn & MMUN_HMM_PFN_WRITE)))
			return -ENOENT;
		if (write)
			err = mmun_hmm_store(d->mm->machine, pfn, 0, words[did->cpages]);
		else
			err = mmun_hmm_load(d->mm->machine, pfn, 0, &words[did->cpages]);
		ASSERT(!err);
	}
	return 0;
}

static inline int device_do(struct hmm_device *d, uint64_t addr, uint64_t pages, uint64_t *words,
			    bool write, struct device_did *did)
{
	int err;

	*did = (struct device_did){ 0 };
	for (;;) {
		spin_lock(&d->lock);
		err = device_move(d, addr, pages, words, write, did);
		spin_unlock(&d->lock);
		if (err != -ENOENT)
			return err;
		err = device_fault(d, addr + did->cpages * PAGE_BYTES, addr + pages * PAGE_BYTES,
				   write);
		if (err)
			return err;
		did->faults++;
	}
}

static inline int device_read(struct hmm_device *d, uint64_t addr, uint64_t pages, uint64_t *words,
			      struct device_did *did)
{
	return device_do(d, addr, pages, words, false, did);
}

static inline int device_write(struct hmm_device *d, uint64_t addr, uint64_t pages,
			       uint64_t *words, struct device_did *did)
{
	return device_do(d, addr, pages, words, true, did);
}

static inline unsigned char device_sees(const struct hmm_device *d, uint64_t pfn)
{
	unsigned char seen;

	if (pfn & MMUN_HMM_PFN_ERROR)
		return SEEN_ERROR;
	if (!(pfn & MMUN_HMM_PFN_VALID))
		return SEEN_NONE;
	seen = pfn & MMUN_HMM_PFN_WRITE ? SEEN_WRITE : SEEN_READ;
	if (mmun_hmm_pfn_to_map_order(pfn))
		seen |= SEEN_PMD;
	if (is_zero_page(d->mm->machine, (pfn_t){ (uint32_t)pfn }))
		seen |= SEEN_ZERO;
	return seen;
}

/* At most DEVICE_BATCH pages. Nothing is faulted in. */
static inline int device_snapshot(struct hmm_device *d, uint64_t addr, uint64_t pages,
				  unsigned char *seen)
{
	uint64_t pfn[DEVICE_BATCH] = { 0 };
	struct mmun_hmm_range r = {
		.notifier = &d->sub, .hmm_pfns = pfn, .start = addr,
		.end = addr + pages * PAGE_BYTES,
	};
	bool retry;
	int err;

	ASSERT(pages <= DEVICE_BATCH);
	do {
		r.notifier_seq = mmu_interval_read_begin(&d->sub);
		err = mmun_hmm_range_fault(&r);
		if (err && err != -EBUSY)
			return err;
		spin_lock(&d->lock);
		retry = err || mmu_interval_read_retry(&d->sub, r.notifier_seq);
		spin_unlock(&d->lock);
	} while (retry);
	for (uint64_t n = 0; n < pages; n++)
		seen[n] = device_sees(d, pfn[n]);
	return 0;
}

/*
 * The device has the pages to itself, until a processor uses them. -EBUSY: one has done so already.
 * It does not try again, because the processor's access tries again, too, and each could undo what
 * the other has done forever.
 */
static inline int device_exclusive(struct hmm_device *d, uint64_t addr, uint64_t pages,
				   struct device_did *did)
{
	*did = (struct device_did){ 0 };
	while (did->cpages < pages) {
		uint64_t at = addr + did->cpages * PAGE_BYTES, pfn;
		uint64_t seq;
		int err = mmun_mm_fault(d->mm, at, true); /* it is nobody's alone */

		if (err)
			return err;
		seq = mmu_interval_read_begin(&d->sub);
		err = mmun_hmm_make_exclusive(d->mm, at, d, &pfn);
		if (err)
			return err;
		spin_lock(&d->lock);
		if (!(d->mistakes & DEVICE_NEVER_RETRIES) &&
		    mmu_interval_read_retry(&d->sub, seq)) {
			err = -EBUSY;
		} else {
			*device_pfn(d, at) = pfn;
			d->exclusive[device_pfn(d, at) - d->pfn] = true;
			did->cpages++;
		}
		spin_unlock(&d->lock);
		if (err)
			return err;
	}
	return 0;
}

/* How many of the pages it has to itself. */
static inline uint64_t device_exclusive_left(struct hmm_device *d, uint64_t addr, uint64_t pages)
{
	uint64_t left = 0;

	spin_lock(&d->lock);
	for (uint64_t n = 0; n < pages; n++)
		left += d->exclusive[device_pfn(d, addr + n * PAGE_BYTES) - d->pfn];
	spin_unlock(&d->lock);
	return left;
}

#endif
