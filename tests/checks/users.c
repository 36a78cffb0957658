/* SPDX-License-Identifier: MIT */
/* users.c - how long an address space lives: its users, and those who have grabbed its structure.
 * Each rule with a broken twin. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	struct mm_struct *mm, *found;   /* found: where others look for it */
	spinlock_t lock;
	struct mmu_notifier mn;
	unsigned long a;
	int released;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 0, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->mm = s->found = s->w.mm;
	s->w.mm = NULL; /* the threads end it */
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

static void look(struct s *s)
{
	mmap_read_lock(s->mm);
	EXPLORE_ASSERT(vma_of(s->mm, s->a).vm_start <= s->a);
	mmap_read_unlock(s->mm);
}

/* Two users: the last one ends it, whichever that is. */
static void setup_two(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	mmget(s->mm);
}

SCENE_OF(two_users, setup_two, 2, .expect = "lifetime")
{
	if (broken && t)
		mmput(s->mm);
	look(s);
	if (!broken || !t)
		mmput(s->mm);
}

/* Whoever has grabbed it may only ask whether there is a user left. */
static void setup_grabbed(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	mmgrab(s->mm);
}

SCENE_OF(not_zero, setup_grabbed, 2, .expect = "lifetime")
{
	if (!t) {
		mmput(s->mm);
		return;
	}
	if (broken) {
		mmget(s->mm);
		mmput(s->mm);
	} else if (mmget_not_zero(s->mm)) {
		look(s);
		mmput(s->mm);
	}
	mmdrop(s->mm);
}

SCENE_OF(grabbed_is_no_user, setup_grabbed, 2, .expect = "lifetime")
{
	if (!t) {
		mmput(s->mm);
		return;
	}
	mmap_read_lock(s->mm);
	if (broken)
		EXPLORE_ASSERT(vma_of(s->mm, s->a).vm_start <= s->a);
	mmap_read_unlock(s->mm);
	mmdrop(s->mm);
}

/* The structure goes with the last one who has grabbed it. */
SCENE_OF(dropped, setup_grabbed, 2, .expect = "lifetime")
{
	if (!t) {
		mmput(s->mm);
		return;
	}
	if (broken)
		mmdrop(s->mm);
	mmap_read_lock(s->mm);
	mmap_read_unlock(s->mm);
	if (!broken)
		mmdrop(s->mm);
}

SCENE_OF(flushed_after_drop, setup_grabbed, 2, .expect = "lifetime")
{
	if (!t) {
		mmput(s->mm);
		return;
	}
	if (broken)
		mmdrop(s->mm);
	flush_tlb_mm(s->mm);
	if (!broken)
		mmdrop(s->mm);
}

SCENE_OF(put_twice, setup_grabbed, 1, .expect = "lifetime")
{
	(void)t;
	mmput(s->mm);
	if (broken)
		mmput(s->mm);
	mmdrop(s->mm);
}

SCENE_OF(dropped_twice, setup_grabbed, 1, .expect = "lifetime")
{
	(void)t;
	mmput(s->mm);
	mmdrop(s->mm);
	if (broken)
		mmdrop(s->mm);
}

/* Users, and what was grabbed, that nobody gives up. */
SCENE_OF(leaks_user, setup_two, 1, .expect = "leak")
{
	(void)t;
	mmput(s->mm);
	if (!broken)
		mmput(s->mm);
	else
		s->w.mm = s->mm, mmget(s->mm);
}

SCENE_OF(leaks_structure, setup_grabbed, 1, .expect = "assertion")
{
	(void)t;
	mmput(s->mm);
	if (!broken)
		mmdrop(s->mm);
}

/* Where others find it it is taken out before it ends. */
SCENE(found_under_lock, .expect = "lifetime")
{
	struct mm_struct *mm;

	if (!t) {
		spin_lock(&s->lock);
		if (!broken)
			s->found = NULL;
		spin_unlock(&s->lock);
		mmput(s->mm);
		return;
	}
	spin_lock(&s->lock);
	mm = s->found && mmget_not_zero(s->found) ? s->found : NULL;
	spin_unlock(&s->lock);
	if (mm) {
		look(s);
		mmput(mm);
	}
}

/* The last one may have to sleep. */
SCENE(in_atomic, .expect = "atomic-sleep")
{
	if (t)
		return;
	spin_lock(&s->lock);
	if (broken)
		mmput(s->mm);
	else
		mmput_async(s->mm);
	spin_unlock(&s->lock);
}

static void setup_async(void *state, void *arg)
{
	struct s *s = state;

	setup_two(state, arg);
	mmgrab(s->mm);
}

SCENE_OF(async_ends, setup_async, 2, .expect = "lifetime")
{
	if (t) {
		mmput(s->mm);
		return;
	}
	if (broken)
		mmdrop(s->mm);
	mmput_async(s->mm);
	mmap_write_lock(s->mm);
	mmap_write_unlock(s->mm);
	if (!broken)
		mmdrop(s->mm);
}

/* Notifiers have grabbed it, and are told of its end. */
static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct s *s = container_of(mn, struct s, mn);

	(void)mm;
	WRITE_ONCE(s->released, 1);
}

static const struct mmu_notifier_ops ops = { .release = release };

static void setup_notifier(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	s->mn.ops = &ops;
	EXPLORE_ASSERT(!mmu_notifier_register(&s->mn, s->mm));
}

SCENE_OF(notifier, setup_notifier, 1, .expect = "assertion")
{
	(void)t;
	if (!broken)
		mmput(s->mm);
	EXPLORE_ASSERT(READ_ONCE(s->released));
	mmap_read_lock(s->mm);
	mmap_read_unlock(s->mm);
	mmu_notifier_unregister(&s->mn, s->mm);
	if (broken)
		mmput(s->mm);
}

SCENE_OF(notifier_drops, setup_notifier, 1, .expect = "lifetime")
{
	(void)t;
	mmput(s->mm);
	mmap_read_lock(s->mm);
	mmap_read_unlock(s->mm);
	mmu_notifier_unregister(&s->mn, s->mm);
	if (broken) {
		mmap_read_lock(s->mm);
		mmap_read_unlock(s->mm);
	}
}

/* A processor in it uses it. */
SCENE(processor, .expect = "protocol")
{
	struct mmun_cpu *cpu;

	if (t)
		return;
	EXPLORE_ASSERT(!mmun_cpu_create(s->mm, &cpu));
	if (broken)
		mmput(s->mm);
	mmun_cpu_destroy(cpu);
	if (!broken)
		mmput(s->mm);
}
