/* SPDX-License-Identifier: MIT */
/* callbacks.c - what the callbacks of notifiers may call, and what they must not, each with a
 * broken twin; and how often notifiers come and go. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	unsigned long a, b;
	struct mmu_notifier mn, other;
	struct mmu_interval_notifier sub, second;
	void (*does)(struct s *s, bool broken); /* in a start and in an invalidation */
	bool broken, once;
	spinlock_t lock;
	struct mutex mutex;
	struct mmun_pin *pin;
	struct page *page;
	bool gone, asked;
};

static struct s *the; /* for callbacks that are given the interval alone */

static void act(struct s *s)
{
	if (s->does && !s->once) {
		s->once = true;
		s->does(s, s->broken);
	}
}

static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	act(container_of(mn, struct s, mn));
	return 0;
}

static int start_other(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn, (void)range;
	return 0;
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       uint64_t seq)
{
	(void)range;
	mmu_interval_set_seq(sub, seq);
	if (sub == &the->sub)
		act(the);
	return true;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = start };
static const struct mmu_notifier_ops other_ops = { .invalidate_range_start = start_other };
static const struct mmu_interval_notifier_ops interval_ops = { .invalidate = invalidate };

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	the = s;
	mm_world_init(&s->w, MMUN_MODERN, 1, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->b = mm_world_page(&s->w, 0, 1, 8);
	s->mn.ops = &ops;
	s->other.ops = &other_ops;
}

static void setup_told(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	EXPLORE_ASSERT(!mmun_pin(s->w.mm, s->b, false, &s->pin));
	s->page = alloc_page(GFP_KERNEL);
	EXPLORE_ASSERT(!mmu_notifier_register(&s->mn, s->w.mm));
}

static void setup_interval(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	EXPLORE_ASSERT(!mmu_interval_notifier_insert(&s->sub, s->w.mm, s->a, PAGE_SIZE,
						     &interval_ops));
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (s->pin)
		mmun_unpin(s->pin);
	if (s->page)
		put_page(s->page);
	if (s->mn.domain)
		mmu_notifier_unregister(&s->mn, s->w.mm);
	if (s->sub.mm && !s->gone)
		mmu_interval_notifier_remove(&s->sub);
	mm_world_fini(&s->w);
}

static void tell(struct s *s, void (*does)(struct s *s, bool broken), bool broken)
{
	s->does = does;
	s->broken = broken;
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_DONTNEED));
}

/* A scene in which a start, or an invalidation, does this once. */
#define START(name, ...) CALLED(name, setup_told, __VA_ARGS__)
#define INVALIDATION(name, ...) CALLED(name, setup_interval, __VA_ARGS__)
#define CALLED(name, set_up, ...) \
	static void name##_does(struct s *s, bool broken); \
	SCENE_OF(name, set_up, 1, __VA_ARGS__) \
	{ \
		(void)t; \
		tell(s, name##_does, broken); \
	} \
	static void name##_does(struct s *s, bool broken)

/* What was pinned is given back; nothing is pinned. */
START(pins, .expect = "protocol")
{
	struct mmun_pin *pin;

	if (!broken) {
		mmun_unpin(s->pin);
		s->pin = NULL;
	} else if (!mmun_pin(s->w.mm, s->b, false, &pin)) {
		mmun_unpin(pin);
	}
}

START(pages, .expect = "protocol")
{
	struct page *page;

	put_page(s->page);
	s->page = NULL;
	page = alloc_page(broken ? GFP_KERNEL : GFP_NOWAIT);
	EXPLORE_ASSERT(page);
	put_page(page);
}

START(allocates, .expect = "protocol")
{
	kfree(kmalloc(8, broken ? GFP_NOFS : GFP_ATOMIC));
}

/* A start that may block may sleep. */
START(sleeps, .expect = "protocol")
{
	mutex_lock(&s->mutex);
	if (broken)
		mmap_read_lock(s->w.mm);
	cond_resched();
	if (broken)
		mmap_read_unlock(s->w.mm);
	mutex_unlock(&s->mutex);
}

START(writes_mmap_lock, .expect = "protocol")
{
	spin_lock(&s->lock);
	spin_unlock(&s->lock);
	if (broken) {
		mmap_write_lock(s->w.mm);
		mmap_write_unlock(s->w.mm);
	}
}

/* A copy from the user may fault; one that may not gives up. */
START(faults, .expect = "protocol")
{
	uint64_t value;

	if (broken)
		(void)mmun_cpu_load(s->w.cpu[0], s->b, &value);
	else
		(void)cpu_try_load(s->w.cpu[0], s->b, &value);
}

START(unmaps, .expect = "protocol")
{
	if (broken)
		mmun_munmap(s->w.mm, s->b, PAGE_SIZE);
}

START(unregisters, .expect = "protocol")
{
	if (broken)
		mmu_notifier_unregister(&s->mn, s->w.mm);
}

START(registers, .expect = "protocol")
{
	if (broken)
		(void)mmu_notifier_register(&s->other, s->w.mm);
}

START(inserts, .expect = "protocol")
{
	if (broken)
		(void)mmu_interval_notifier_insert(&s->second, s->w.mm, s->b, PAGE_SIZE,
						   &interval_ops);
}

START(waits_for_frees, .expect = "protocol")
{
	if (broken)
		mmu_notifier_synchronize(s->w.machine);
}

INVALIDATION(removes_itself, .expect = "protocol")
{
	if (broken)
		mmu_interval_notifier_remove(&s->sub);
}

INVALIDATION(reads, .expect = "protocol")
{
	if (broken)
		(void)mmu_interval_read_begin(&s->sub);
	else
		(void)mmu_interval_check_retry(&s->sub, 1);
}

/* --- coming once, and going once ---------------------------------------------------------- */

SCENE_OF(inserted_once, setup_interval, 1, .expect = "protocol")
{
	(void)t;
	if (!broken) {
		mmu_interval_notifier_remove(&s->sub);
		EXPLORE_ASSERT(!mmu_interval_notifier_insert(&s->sub, s->w.mm, s->b, PAGE_SIZE,
							     &interval_ops));
	} else {
		(void)mmu_interval_notifier_insert(&s->sub, s->w.mm, s->b, PAGE_SIZE,
						   &interval_ops);
	}
}

/* The second one, whoever that is. */
SCENE_OF(removed_once, setup_interval, 2, .expect = "protocol")
{
	spin_lock(&s->lock);
	spin_unlock(&s->lock);
	if (t == 0 || broken)
		mmu_interval_notifier_remove(&s->sub);
	if (t == 0)
		s->gone = true;
}

/* A fault that comes after the interval was removed. */
SCENE_OF(used_until_removed, setup_interval, 2, .expect = "protocol")
{
	unsigned long seq;

	if (t == 0 && broken) {
		mmu_interval_notifier_remove(&s->sub);
		s->gone = true;
	} else if (t == 1) {
		seq = mmu_interval_read_begin(&s->sub);
		spin_lock(&s->lock);
		(void)mmu_interval_read_retry(&s->sub, seq);
		spin_unlock(&s->lock);
	}
}

/* Only the last question comes too late. */
SCENE_OF(asked_until_removed, setup_interval, 2, .expect = "protocol")
{
	unsigned long seq;

	if (t) {
		s->gone = smp_load_acquire(&s->asked);
		if (s->gone)
			mmu_interval_notifier_remove(&s->sub);
		return;
	}
	seq = mmu_interval_read_begin(&s->sub);
	if (broken)
		smp_store_release(&s->asked, true);
	(void)mmu_interval_read_retry(&s->sub, seq);
	if (!broken)
		smp_store_release(&s->asked, true);
}

SCENE_OF(registered_once, setup, 1, .expect = "protocol")
{
	(void)t;
	EXPLORE_ASSERT(!mmu_notifier_register(&s->mn, s->w.mm));
	if (broken)
		(void)mmu_notifier_register(&s->mn, s->w.mm);
}

SCENE_OF(unregistered_once, setup_told, 2, .expect = "protocol")
{
	if (t == 0 || broken)
		mmu_notifier_unregister(&s->mn, s->w.mm);
}

SCENE_OF(never_registered, setup, 1, .expect = "protocol")
{
	(void)t;
	if (broken)
		mmu_notifier_unregister(&s->mn, s->w.mm);
}
