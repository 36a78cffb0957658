/* SPDX-License-Identifier: MIT */
/* hmm.c - a driver with a page table of its own, which it fills by hmm_range_fault(): each rule
 * with a broken twin. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	struct mmu_interval_notifier sub;
	struct mutex lock;          /* the driver's */
	struct mm_struct *child;
	unsigned long a, pfn;       /* pfn: under lock; what the device maps, and 0 is nothing */
	bool forgets, keeps;       /* what invalidate leaves out */
	spinlock_t spin;
};

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       uint64_t seq)
{
	struct s *s = container_of(sub, struct s, sub);

	(void)range;
	mutex_lock(&s->lock);
	if (!s->forgets)
		mmu_interval_set_seq(sub, seq);
	if (!s->keeps)
		s->pfn = 0;
	mutex_unlock(&s->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 1, false);
	mutex_init(&s->lock);
	spin_lock_init(&s->spin);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	EXPLORE_ASSERT(!mmu_interval_notifier_insert(&s->sub, s->w.mm, s->a, PAGE_SIZE, &ops));
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mmu_interval_notifier_remove(&s->sub);
	EXPLORE_ASSERT(!mmun_mm_destroy(s->child));
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

/* One lookup of the page. *seq: what to compare with, under the lock. */
static int look_up(struct s *s, unsigned long flags, unsigned long *pfn, unsigned long *seq)
{
	struct hmm_range range = {
		.notifier = &s->sub, .start = s->a, .end = s->a + PAGE_SIZE, .hmm_pfns = pfn,
		.default_flags = flags,
	};
	int ret;

	do {
		*seq = range.notifier_seq = mmu_interval_read_begin(range.notifier);
		mmap_read_lock(s->w.mm);
		ret = hmm_range_fault(&range);
		mmap_read_unlock(s->w.mm);
	} while (ret == -EBUSY);
	return ret;
}

/* The device maps the page, and with the driver's lock held it may use it. */
static int map_page(struct s *s, unsigned long flags)
{
	unsigned long pfn = 0, seq;
	int ret;

	for (;;) {
		ret = look_up(s, flags, &pfn, &seq);
		if (ret)
			return ret;
		mutex_lock(&s->lock);
		if (!mmu_interval_read_retry(&s->sub, seq))
			break;
		mutex_unlock(&s->lock);
	}
	s->pfn = pfn;
	return 0;
}

static uint64_t use(struct s *s)
{
	return READ_ONCE(page_address(hmm_pfn_to_page(s->pfn))[0]);
}

static void unmap(struct s *s) { EXPLORE_ASSERT(!mmun_munmap(s->w.mm, s->a, PAGE_SIZE)); }

/* The number is compared before what was found is used. */
SCENE(retries, .expect = "lifetime")
{
	unsigned long pfn = 0, seq;
	int ret;

	if (t) {
		unmap(s);
		return;
	}
	if (!broken) {
		ret = map_page(s, HMM_PFN_REQ_FAULT);
	} else {
		ret = look_up(s, HMM_PFN_REQ_FAULT, &pfn, &seq);
		if (!ret) {
			mutex_lock(&s->lock);
			s->pfn = pfn;
		}
	}
	EXPLORE_ASSERT(!ret || ret == -EFAULT);
	if (ret)
		return;
	EXPLORE_ASSERT(use(s) == 7);
	mutex_unlock(&s->lock);
}

/* ... and under the lock that invalidate takes. */
SCENE(retries_locked, .expect = "lifetime")
{
	unsigned long pfn = 0, seq;
	int ret;

	if (t) {
		unmap(s);
		return;
	}
	if (!broken) {
		ret = map_page(s, HMM_PFN_REQ_FAULT);
	} else {
		do
			ret = look_up(s, HMM_PFN_REQ_FAULT, &pfn, &seq);
		while (!ret && mmu_interval_read_retry(&s->sub, seq));
		if (!ret) {
			mutex_lock(&s->lock);
			s->pfn = pfn;
		}
	}
	if (ret)
		return;
	EXPLORE_ASSERT(use(s) == 7);
	mutex_unlock(&s->lock);
}

/* Invalidate says that it was there. */
SCENE(sets_seq, .expect = "lifetime")
{
	if (t) {
		unmap(s);
		return;
	}
	mutex_lock(&s->lock);
	s->forgets = broken;
	mutex_unlock(&s->lock);
	if (map_page(s, HMM_PFN_REQ_FAULT))
		return;
	EXPLORE_ASSERT(use(s) == 7);
	mutex_unlock(&s->lock);
}

/* ... and drops what the device maps. */
SCENE(drops, .expect = "lifetime")
{
	if (t) {
		unmap(s);
		return;
	}
	mutex_lock(&s->lock);
	s->keeps = broken;
	mutex_unlock(&s->lock);
	if (map_page(s, HMM_PFN_REQ_FAULT))
		return;
	mutex_unlock(&s->lock);
	mutex_lock(&s->lock);
	if (s->pfn)
		EXPLORE_ASSERT(use(s) == 7);
	mutex_unlock(&s->lock);
}

/* A page that is written was asked for to be written: it may be shared with a child. */
SCENE(asks_to_write, .expect = "assertion")
{
	struct mmun_cpu *cpu;
	uint64_t value;

	if (t)
		return;
	EXPLORE_ASSERT(!mmun_fork(s->w.mm, &s->child));
	EXPLORE_ASSERT(!map_page(s, HMM_PFN_REQ_FAULT | (broken ? 0 : HMM_PFN_REQ_WRITE)));
	WRITE_ONCE(page_address(hmm_pfn_to_page(s->pfn))[0], 8);
	mutex_unlock(&s->lock);
	EXPLORE_ASSERT(!mmun_cpu_create(s->child, &cpu));
	EXPLORE_ASSERT(!mmun_cpu_load(cpu, s->a, &value) && value == 7);
	mmun_cpu_destroy(cpu);
}

/* Whoever writes to a page says so. */
SCENE(dirties, .expect = "assertion")
{
	uint64_t value;

	if (t)
		return;
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_FREE));
	EXPLORE_ASSERT(!map_page(s, HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE));
	WRITE_ONCE(page_address(hmm_pfn_to_page(s->pfn))[0], 8);
	if (!broken)
		set_page_dirty(hmm_pfn_to_page(s->pfn));
	mutex_unlock(&s->lock);
	(void)mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_PAGEOUT);
	EXPLORE_ASSERT(!mmun_cpu_load(s->w.cpu[0], s->a, &value) && value == 8);
}

SCENE(wants_lock, .expect = "lock-order")
{
	unsigned long pfn = 0;
	struct hmm_range range = {
		.notifier = &s->sub, .start = s->a, .end = s->a + PAGE_SIZE, .hmm_pfns = &pfn,
	};

	if (t)
		return;
	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	if (!broken)
		mmap_read_lock(s->w.mm);
	EXPLORE_ASSERT(!hmm_range_fault(&range));
	if (!broken)
		mmap_read_unlock(s->w.mm);
	EXPLORE_ASSERT(hmm_pfn_to_map_order(pfn) == 0 && (pfn & HMM_PFN_VALID) &&
		       (pfn & HMM_PFN_WRITE));
}

SCENE(may_sleep, .expect = "atomic-sleep")
{
	unsigned long pfn = 0;
	struct hmm_range range = {
		.notifier = &s->sub, .start = s->a, .end = s->a + PAGE_SIZE, .hmm_pfns = &pfn,
	};

	if (t)
		return;
	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	mmap_read_lock(s->w.mm);
	if (broken)
		spin_lock(&s->spin);
	EXPLORE_ASSERT(!hmm_range_fault(&range));
	if (broken)
		spin_unlock(&s->spin);
	mmap_read_unlock(s->w.mm);
}

/* The driver's lock is not held: invalidate waits for it, and the lookup for mmap_lock. */
SCENE(lock_order, .expect = "deadlock")
{
	unsigned long pfn = 0;
	struct hmm_range range = {
		.notifier = &s->sub, .start = s->a, .end = s->a + PAGE_SIZE, .hmm_pfns = &pfn,
	};

	if (t) {
		EXPLORE_ASSERT(!mmun_mprotect(s->w.mm, s->a, PAGE_SIZE, MMUN_PROT_READ));
		return;
	}
	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	if (broken)
		mutex_lock(&s->lock);
	mmap_read_lock(s->w.mm);
	(void)hmm_range_fault(&range);
	mmap_read_unlock(s->w.mm);
	if (broken)
		mutex_unlock(&s->lock);
}
