/* SPDX-License-Identifier: MIT */
/* fence_notifier.c - drivers of GPUs that wait in their notifiers for what the device still does
 * with the pages: right checks, and broken twins. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	unsigned long a;
	struct mmu_interval_notifier sub;
	struct mutex lock;
	struct dma_resv resv;
	spinlock_t fence_lock;
	struct dma_fence *fence;
	int active;
	bool broken;
};

static const struct dma_fence_ops fence_ops = { .use_64bit_seqno = true };

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       uint64_t seq)
{
	struct s *s = container_of(sub, struct s, sub);

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&s->lock);
	mmu_interval_set_seq(sub, seq);
	mutex_unlock(&s->lock);
	if (!s->broken)
		(void)dma_resv_wait_timeout(&s->resv, DMA_RESV_USAGE_BOOKKEEP, false,
					    MAX_SCHEDULE_TIMEOUT);
	BUG_ON(READ_ONCE(s->active)); /* a later job waits for the end of the range */
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 0, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	EXPLORE_ASSERT(!mmu_interval_notifier_insert(&s->sub, s->w.mm, s->a, PAGE_SIZE, &ops));
	dma_resv_init(&s->resv);
	s->fence = kzalloc(sizeof(*s->fence), GFP_KERNEL);
	dma_fence_init(s->fence, &fence_ops, &s->fence_lock, dma_fence_context_alloc(1), 1);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mmu_interval_notifier_remove(&s->sub);
	dma_resv_fini(&s->resv);
	dma_fence_put(s->fence);
	EXPLORE_ASSERT(!mmun_mm_destroy(s->w.mm));
	EXPLORE_ASSERT(!mmun_machine_destroy(s->w.machine));
}

/* Gives the device a job that uses the page, unless it is being taken away. */
static bool submit(struct s *s)
{
	unsigned long seq = mmu_interval_read_begin(&s->sub);
	bool valid;

	BUG_ON(dma_resv_lock(&s->resv, NULL));
	BUG_ON(dma_resv_reserve_fences(&s->resv, 1));
	mutex_lock(&s->lock);
	valid = !mmu_interval_read_retry(&s->sub, seq);
	if (valid) {
		dma_resv_add_fence(&s->resv, s->fence, DMA_RESV_USAGE_BOOKKEEP);
		WRITE_ONCE(s->active, 1);
	}
	mutex_unlock(&s->lock);
	dma_resv_unlock(&s->resv);
	return valid;
}

/* When the notifier returns the device has done with the page. */
SCENE_OF(job_ends_first, setup, 2, .expect = "assertion")
{
	if (t == 0) {
		if (submit(s))
			WRITE_ONCE(s->active, 0);
		dma_fence_signal(s->fence);
		return;
	}
	s->broken = broken;
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_DONTNEED));
}

/* Whoever signals must not need mmap_lock: who waits in the notifier may have it. */
SCENE_OF(signals_without_mmap_lock, setup, 2, .expect = "deadlock")
{
	struct mmu_notifier_range range;

	if (t == 0) {
		bool valid = submit(s);

		if (broken)
			mmap_read_lock(s->w.mm);
		if (valid)
			WRITE_ONCE(s->active, 0);
		dma_fence_signal(s->fence);
		if (broken)
			mmap_read_unlock(s->w.mm);
		return;
	}
	mmap_write_lock(s->w.mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, s->w.mm, s->a, s->a + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	mmap_write_unlock(s->w.mm);
}
