/* SPDX-License-Identifier: MIT */
/* notifiers.c - how notifiers come and go: what unregister and put wait for, and what they do
 * not, each with a broken twin that relies on more. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct hmm { struct mmu_notifier mn; int *table; };

struct s {
	struct mm_world w;
	unsigned long a;
	struct mmu_notifier mn;
	struct mmu_interval_notifier sub;
	struct hmm *hmm;
	struct mutex mutex;
	spinlock_t lock;
	wait_queue_head_t queue;
	int active, releases;
	atomic_t pairs;
	int *table;
	bool gone, dead, broken;
};

static struct s *the; /* for callbacks of notifiers that are allocated */

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	the = s;
	mm_world_init(&s->w, MMUN_MODERN, 0, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (s->mn.domain)
		mmu_notifier_unregister(&s->mn, s->w.mm);
	kfree(s->table);
	if (!s->dead)
		EXPLORE_ASSERT(!mmun_mm_destroy(s->w.mm));
	EXPLORE_ASSERT(!mmun_machine_destroy(s->w.machine));
}

static void zap(struct s *s)
{
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_DONTNEED));
}

/* --- get and put -------------------------------------------------------------------------- */

static int hmm_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct hmm *h = container_of(mn, struct hmm, mn);

	(void)range;
	mutex_lock(&the->mutex);
	if (h->table)
		WRITE_ONCE(*h->table, 0);
	mutex_unlock(&the->mutex);
	return 0;
}

static struct mmu_notifier *hmm_alloc(struct mmun_mm *mm)
{
	struct hmm *h = kzalloc(sizeof(*h), GFP_KERNEL);

	(void)mm;
	h->table = kzalloc(sizeof(*h->table), GFP_KERNEL);
	return &h->mn;
}

static void hmm_free(struct mmu_notifier *mn)
{
	struct hmm *h = container_of(mn, struct hmm, mn);

	if (!the->broken)
		kfree(h->table);
	kfree(h);
}

static const struct mmu_notifier_ops hmm_ops = {
	.invalidate_range_start = hmm_start, .alloc_notifier = hmm_alloc,
	.free_notifier = hmm_free,
};

static void setup_got(void *state, void *arg)
{
	struct s *s = state;
	struct mmu_notifier *mn;

	setup(state, arg);
	EXPLORE_ASSERT(!mmu_notifier_get(&hmm_ops, s->w.mm, &mn));
	s->hmm = container_of(mn, struct hmm, mn);
}

/* What callbacks use is freed in free_notifier, and not after put. */
SCENE_OF(put_returns_at_once, setup_got, 2, .expect = "lifetime")
{
	int *table;

	if (t == 0) {
		zap(s);
		return;
	}
	s->broken = broken;
	table = s->hmm->table;
	mmu_notifier_put(&s->hmm->mn);
	if (broken)
		kfree(table);
}

/* With a lock that callbacks take; the twin waits for them as well. */
SCENE_OF(put_waits_for_nobody, setup_got, 2, .expect = "deadlock")
{
	if (t == 0) {
		zap(s);
		return;
	}
	mutex_lock(&s->mutex);
	mmu_notifier_put(&s->hmm->mn);
	if (broken)
		mmu_notifier_synchronize(s->w.machine);
	mutex_unlock(&s->mutex);
}

static void sleepy_free(struct mmu_notifier *mn)
{
	if (the->broken)
		mutex_lock(&the->mutex);
	if (the->broken)
		mutex_unlock(&the->mutex);
	hmm_free(mn);
}

static const struct mmu_notifier_ops sleepy_ops = {
	.alloc_notifier = hmm_alloc, .free_notifier = sleepy_free,
};

SCENE_OF(free_does_not_sleep, setup, 1, .expect = "atomic-sleep")
{
	struct mmu_notifier *mn;

	(void)t;
	s->broken = broken;
	EXPLORE_ASSERT(!mmu_notifier_get(&sleepy_ops, s->w.mm, &mn));
	if (broken)
		s->table = container_of(mn, struct hmm, mn)->table;
	mmu_notifier_put(mn);
}

/* A module goes when its callbacks cannot come any more: the table stands for its code. */
SCENE_OF(synchronize_waits, setup_got, 2, .expect = "lifetime")
{
	if (t == 0) {
		zap(s);
		return;
	}
	s->broken = true;
	s->table = s->hmm->table;
	mmu_notifier_put(&s->hmm->mn);
	if (!broken)
		mmu_notifier_synchronize(s->w.machine);
	kfree(s->table);
	s->table = NULL;
}

/* --- register and unregister -------------------------------------------------------------- */

static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct s *s = container_of(mn, struct s, mn);

	(void)range;
	spin_lock(&s->lock);
	WRITE_ONCE(s->active, READ_ONCE(s->active) + 1);
	spin_unlock(&s->lock);
	return 0;
}

static void end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct s *s = container_of(mn, struct s, mn);

	(void)range;
	spin_lock(&s->lock);
	WRITE_ONCE(s->active, READ_ONCE(s->active) - 1);
	spin_unlock(&s->lock);
	wake_up(&s->queue);
}

static void release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct s *s = container_of(mn, struct s, mn);
	int releases;

	(void)mm;
	spin_lock(&s->lock);
	releases = READ_ONCE(s->releases) + 1;
	WRITE_ONCE(s->releases, releases);
	spin_unlock(&s->lock);
	EXPLORE_ASSERT(releases == 1 || !s->broken);
}

static const struct mmu_notifier_ops ops = {
	.release = release, .invalidate_range_start = start, .invalidate_range_end = end,
};

static void setup_registered(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	s->mn.ops = &ops;
	EXPLORE_ASSERT(!mmu_notifier_register(&s->mn, s->w.mm));
}

/* kvm_destroy_vm(): the end of a start that was seen may never come. */
SCENE_OF(unregister_between, setup_registered, 2, .expect = "deadlock")
{
	if (t == 0) {
		zap(s);
		return;
	}
	mmu_notifier_unregister(&s->mn, s->w.mm);
	if (!broken)
		WRITE_ONCE(s->active, 0);
	wait_event(s->queue, READ_ONCE(s->active) == 0);
}

/* The last callback is over; the twin does not wait for it. */
SCENE_OF(unregister_waits, setup_registered, 2, .expect = "race")
{
	if (t == 0) {
		zap(s);
		return;
	}
	if (!broken)
		mmu_notifier_unregister(&s->mn, s->w.mm);
	s->active = 0;
}

static void setup_both(void *state, void *arg)
{
	struct s *s = state;

	setup_got(state, arg);
	s->mn.ops = &ops;
	EXPLORE_ASSERT(!mmu_notifier_register(&s->mn, s->w.mm));
}

/* With mmap_lock, as in close() of a driver's area. The twin holds a lock that callbacks take, if
 * only those of another notifier. */
SCENE_OF(unregister_under_mmap_lock, setup_both, 2, .expect = "deadlock")
{
	if (t == 0) {
		zap(s);
		return;
	}
	if (broken)
		mutex_lock(&s->mutex);
	else
		mmap_write_lock(s->w.mm);
	mmu_notifier_unregister(&s->mn, s->w.mm);
	if (broken)
		mutex_unlock(&s->mutex);
	else
		mmap_write_unlock(s->w.mm);
	mmu_notifier_put(&s->hmm->mn);
}

/* Exit and unregister may both call release; the twin takes that for impossible. */
SCENE_OF(release_comes_twice, setup_registered, 2, .expect = "assertion")
{
	if (t == 0) {
		EXPLORE_ASSERT(!mmun_mm_destroy(s->w.mm));
		s->dead = true;
		return;
	}
	if (broken)
		WRITE_ONCE(s->broken, true);
	mmu_notifier_unregister(&s->mn, s->w.mm);
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       uint64_t seq)
{
	(void)range;
	mmu_interval_set_seq(sub, seq);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = { .invalidate = invalidate };

/* As gntdev's mmap does; the twin does not hold the lock. */
SCENE_OF(insert_locked, setup, 1, .expect = "protocol")
{
	(void)t;
	if (!broken)
		mmap_write_lock(s->w.mm);
	EXPLORE_ASSERT(!mmu_interval_notifier_insert_locked(&s->sub, s->w.mm, s->a, PAGE_SIZE,
							    &interval_ops));
	if (!broken)
		mmap_write_unlock(s->w.mm);
	mmu_interval_notifier_remove(&s->sub);
}

SCENE_OF(register_locked, setup, 1, .expect = "protocol")
{
	(void)t;
	s->mn.ops = &ops;
	if (broken)
		mmap_read_lock(s->w.mm);
	else
		mmap_write_lock(s->w.mm);
	EXPLORE_ASSERT(!__mmu_notifier_register(&s->mn, s->w.mm));
	if (broken)
		mmap_read_unlock(s->w.mm);
	else
		mmap_write_unlock(s->w.mm);
}

/* --- pairs of munmap and others ----------------------------------------------------------- */

static int start_alone(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct s *s = container_of(mn, struct s, mn);

	(void)range;
	EXPLORE_ASSERT(atomic_inc_return(&s->pairs) == 1);
	return 0;
}

static void end_alone(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct s *s = container_of(mn, struct s, mn);

	(void)range;
	atomic_dec(&s->pairs);
}

static const struct mmu_notifier_ops ops_alone = {
	.invalidate_range_start = start_alone, .invalidate_range_end = end_alone,
};

static void setup_alone(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	(void)mm_world_page(&s->w, 0, 1, 7);
	(void)mm_world_page(&s->w, 0, 2, 7);
	s->mn.ops = &ops_alone;
	EXPLORE_ASSERT(!mmu_notifier_register(&s->mn, s->w.mm));
}

static void of_another_page(struct s *s, bool reads)
{
	unsigned long b = s->a + 2 * PAGE_SIZE;

	if (reads) /* mmap_lock */
		EXPLORE_ASSERT(!mmun_madvise(s->w.mm, b, PAGE_SIZE, MMUN_MADV_DONTNEED));
	else
		EXPLORE_ASSERT(!mmun_mprotect(s->w.mm, b, PAGE_SIZE, MMUN_PROT_READ));
}

/* munmap downgrades mmap_lock before its start: writers wait for its end, readers do not. */
SCENE_OF(munmap_lets_readers_in, setup_alone, 2, .expect = "assertion")
{
	if (t == 0)
		EXPLORE_ASSERT(!mmun_munmap(s->w.mm, s->a, PAGE_SIZE));
	else
		of_another_page(s, broken);
}

/* So does mremap when it shrinks; when it moves it does not. */
SCENE_OF(mremap_lets_readers_in, setup_alone, 2, .expect = "assertion")
{
	uint64_t to = s->a + PMD_SIZE;

	if (t == 1)
		of_another_page(s, true);
	else if (broken)
		EXPLORE_ASSERT(!mmun_mremap(s->w.mm, s->a, 2 * PAGE_SIZE, PAGE_SIZE, 0, 0, &to));
	else
		EXPLORE_ASSERT(!mmun_mremap(s->w.mm, s->a, PAGE_SIZE, PAGE_SIZE,
					    MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, to, &to));
}
