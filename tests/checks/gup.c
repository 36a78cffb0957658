/* SPDX-License-Identifier: MIT */
/* gup.c - pages that are looked up by address, with a reference or a pin: each rule with a broken
 * twin. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	struct mmun_object *object;
	struct mm_struct *child;
	spinlock_t lock;
	unsigned long a, b;     /* b: of the object */
	uint64_t seen;
	bool wrote;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;
	uint64_t addr;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 1, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	mm_world_cached(&s->w, 0, s->a, true);
	EXPLORE_ASSERT(!mmun_object_create(s->w.machine, PAGE_SIZE, &s->object));
	EXPLORE_ASSERT(!mmun_mmap_object(s->w.mm, 0, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
					 MMUN_MAP_SHARED, s->object, 0, &addr));
	s->b = addr;
}

static void finish(void *state, void *arg)
{
	struct s *s = state;
	uint64_t value;

	(void)arg;
	if (s->wrote)
		EXPLORE_ASSERT(!mmun_cpu_load(s->w.cpu[0], s->a, &value) && value == 5);
	EXPLORE_ASSERT(!mmun_mm_destroy(s->child));
	mmun_object_destroy(s->object);
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

/* The reference keeps the page, whatever becomes of the mapping. */
SCENE(keeps, .expect = "lifetime")
{
	struct page *page;
	int got;

	if (t) {
		EXPLORE_ASSERT(!mmun_munmap(s->w.mm, s->a, PAGE_SIZE));
		return;
	}
	got = get_user_pages_fast(s->a, 1, 0, &page);
	EXPLORE_ASSERT(got == 1 || got == -EFAULT);
	if (got != 1)
		return;
	if (broken)
		put_page(page);
	EXPLORE_ASSERT(READ_ONCE(page_address(page)[0]) == 7);
	if (!broken)
		put_page(page);
}

/* A page that is written must have a pin: fork shares one that has only a reference. */
SCENE(written, .expect = "assertion")
{
	struct page *page;
	uint64_t value;

	if (t) {
		EXPLORE_ASSERT(!mmun_fork(s->w.mm, &s->child));
		/* The next writer copies what is shared. */
		EXPLORE_ASSERT(!mmun_cpu_load(s->w.cpu[0], s->a + 8, &value) &&
			       !mmun_cpu_store(s->w.cpu[0], s->a + 8, value));
		return;
	}
	if (broken)
		EXPLORE_ASSERT(get_user_pages_fast(s->a, 1, FOLL_WRITE, &page) == 1);
	else
		EXPLORE_ASSERT(pin_user_pages_fast(s->a, 1, FOLL_WRITE, &page) == 1);
	EXPLORE_ASSERT(page_maybe_dma_pinned(page) == !broken);
	s->wrote = true;
	WRITE_ONCE(page_address(page)[0], 5);
	if (broken)
		put_page(page);
	else
		unpin_user_page(page);
}

/* A reference will do where fork leaves the page alone. */
SCENE(left_out_of_children, .expect = "assertion")
{
	struct page *page;
	uint64_t value;

	if (t)
		return;
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE,
				     broken ? MMUN_MADV_DOFORK : MMUN_MADV_DONTFORK));
	EXPLORE_ASSERT(get_user_pages_fast(s->a, 1, FOLL_WRITE, &page) == 1);
	EXPLORE_ASSERT(!mmun_fork(s->w.mm, &s->child));
	EXPLORE_ASSERT(!mmun_cpu_load(s->w.cpu[0], s->a + 8, &value) &&
		       !mmun_cpu_store(s->w.cpu[0], s->a + 8, value));
	s->wrote = true;
	WRITE_ONCE(page_address(page)[0], 5);
	put_page(page);
}

SCENE(wants_lock, .expect = "lock-order")
{
	struct page *page;
	int locked = 1;

	if (t)
		return;
	if (!broken)
		mmap_read_lock(s->w.mm);
	EXPLORE_ASSERT(get_user_pages(s->a, 1, FOLL_WRITE, &page) == 1);
	put_page(page);
	EXPLORE_ASSERT(pin_user_pages(s->b, 1, FOLL_WRITE, &page) == 1);
	unpin_user_page(page);
	EXPLORE_ASSERT(get_user_pages_remote(s->w.mm, s->a, 1, 0, &page, &locked) == 1 && locked);
	put_page(page);
	if (!broken)
		mmap_read_unlock(s->w.mm);
}

SCENE(takes_lock, .expect = "protocol")
{
	struct page *page;

	if (t)
		return;
	if (broken)
		mmap_read_lock(s->w.mm);
	EXPLORE_ASSERT(pin_user_pages_fast(s->a, 1, FOLL_WRITE, &page) == 1);
	unpin_user_page(page);
	EXPLORE_ASSERT(get_user_pages_unlocked(s->a, 1, &page, FOLL_WRITE) == 1);
	put_page(page);
	if (broken)
		mmap_read_unlock(s->w.mm);
}

SCENE(may_sleep, .expect = "atomic-sleep")
{
	struct page *page;
	int got;

	if (t)
		return;
	spin_lock(&s->lock);
	got = broken ? get_user_pages_fast(s->a, 1, FOLL_WRITE, &page) :
		       get_user_pages_fast_only(s->a, 1, FOLL_WRITE, &page);
	spin_unlock(&s->lock);
	EXPLORE_ASSERT(got == 1);
	put_page(page);
	EXPLORE_ASSERT(get_user_pages_fast_only(s->b, 1, 0, &page) == 0);
}

/* What was pinned is unpinned, once, and what was not is not. */
SCENE(unpins, .expect = "leak")
{
	struct page *page;

	if (t)
		return;
	EXPLORE_ASSERT(pin_user_pages_fast(s->a, 1, FOLL_WRITE, &page) == 1);
	if (broken)
		put_page(page);
	else
		unpin_user_page(page);
}

SCENE(puts_pinned, .expect = "lifetime")
{
	struct page *page;

	if (t)
		return;
	EXPLORE_ASSERT(pin_user_pages_fast(s->a, 1, FOLL_WRITE, &page) == 1);
	EXPLORE_ASSERT(!mmun_munmap(s->w.mm, s->a, PAGE_SIZE));
	if (broken)
		put_page(page);
	else
		unpin_user_page(page);
}

SCENE(unpins_once, .expect = "lifetime")
{
	struct page *pages[2];

	if (t)
		return;
	EXPLORE_ASSERT(get_user_pages_fast(s->a, 1, FOLL_WRITE, pages) == 1);
	EXPLORE_ASSERT(pin_user_pages_fast(s->a, 1, FOLL_WRITE, pages + 1) == 1);
	unpin_user_pages(pages + 1, 1);
	if (broken)
		unpin_user_page(pages[0]);
	else
		put_page(pages[0]);
}

/* Whoever writes to a page of a file says so: writeback has cleaned the entry meanwhile. */
SCENE(dirties, .expect = "assertion")
{
	uint64_t dirty, more;
	struct page *page;

	if (t) {
		EXPLORE_ASSERT(!mmun_object_clean(s->object, 0, PAGE_SIZE, &dirty));
		return;
	}
	EXPLORE_ASSERT(pin_user_pages_fast(s->b, 1, FOLL_WRITE, &page) == 1);
	EXPLORE_ASSERT(!mmun_object_clean(s->object, 0, PAGE_SIZE, &more));
	WRITE_ONCE(page_address(page)[0], 5);
	if (broken) {
		unpin_user_page(page);
		EXPLORE_ASSERT(!mmun_object_clean(s->object, 0, PAGE_SIZE, &more) && more);
	} else {
		unpin_user_pages_dirty_lock(&page, 1, true);
	}
}

/* An address that nothing maps, and one that allows no write. */
SCENE(fails, .expect = "assertion")
{
	struct page *pages[2];

	if (t)
		return;
	EXPLORE_ASSERT(!mmun_mprotect(s->w.mm, s->a, PAGE_SIZE, MMUN_PROT_READ));
	EXPLORE_ASSERT(get_user_pages_fast(s->a, 2, 0, pages) == 1);
	put_page(pages[0]);
	EXPLORE_ASSERT(get_user_pages_fast(s->a, 1, FOLL_WRITE, pages) == (broken ? 1 : -EFAULT));
}

static void setup_no_user(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	mmun_cpu_destroy(s->w.cpu[0]);
	s->w.cpus = 0;
	s->child = s->w.mm;
	mmgrab(s->child);
	s->w.mm = NULL;
}

static void finish_no_user(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mmun_object_destroy(s->object);
	mm_world_fini(&s->w);
}

static void no_user(struct s *s, bool broken)
{
	struct page *page;

	if (broken || mmget_not_zero(s->child)) {
		mmap_read_lock(s->child);
		if (get_user_pages_remote(s->child, s->a, 1, 0, &page, NULL) == 1)
			put_page(page);
		mmap_read_unlock(s->child);
		if (!broken)
			mmput(s->child);
	}
	mmdrop(s->child);
}

static void no_user_ok(void *state, unsigned t, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (t)
		mmput(s->child);
	else
		no_user(s, false);
}

static void no_user_bad(void *state, unsigned t, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (t)
		mmput(s->child);
	else
		no_user(s, true);
}

EXPLORE_CHECK(no_user_right, .threads = 2, .state_size = sizeof(struct s), .setup = setup_no_user,
	      .thread = no_user_ok, .finish = finish_no_user)
EXPLORE_CHECK(no_user_wrong, .threads = 2, .state_size = sizeof(struct s), .setup = setup_no_user,
	      .thread = no_user_bad, .finish = finish_no_user, .expect = "lifetime")
