/* SPDX-License-Identifier: MIT */
/*
 * stress_notifier.c - real threads come and go as users of the notifiers while
 * others invalidate, and while address spaces go away.
 *
 *      stress_notifier [ITERATIONS]
 *
 * What is checked. Each page has a number that changes between start and end only.
 * A watcher keeps the number of a page, by the rules of interval notifiers: whenever
 * it has its lock, what it keeps is the page's number. A plain notifier sees no end without
 * its start. What was removed or unregistered is freed at once, and what was put in
 * free_notifier, so a callback that comes late is for the sanitizers to see.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/ops/ops.h"

#define CHECK(cond) do { if (!(cond)) {                                         \
	fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); abort(); } } while (0)

enum { PAGES = 8, INVALIDATORS = 2, WATCHERS = 2, LIVES_SHARE = 20 };

#define BASE ((uint64_t)1 << 30)

static struct mmun_machine *machine;
static struct mmun_mm *mm;
static atomic_u64 number[PAGES];
static atomic_u64 users_left;
static unsigned iterations = 20000;

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* --- watchers ------------------------------------------------------------ */

struct watcher {
	struct mmu_interval_notifier sub;
	struct mmu_interval_notifier_finish finish;
	spin_t lock;
	unsigned page;
	uint64_t kept;   /* [lock] 0: nothing */
};

static void watcher_check(struct watcher *w)
{
	CHECK(!w->kept || w->kept == load_relaxed(&number[w->page]));
}

static bool watcher_invalidate(struct mmu_interval_notifier *sub,
			       const struct mmu_notifier_range *r, uint64_t seq)
{
	struct watcher *w = container_of(sub, struct watcher, sub);

	if (!mmu_notifier_range_blockable(r) && r->start % (2 * PAGE_BYTES))
		return false;
	spin_lock(&w->lock);
	mmu_interval_set_seq(sub, seq);
	watcher_check(w);
	w->kept = 0;
	spin_unlock(&w->lock);
	return true;
}

static const struct mmu_interval_notifier_ops watcher_ops = { .invalidate = watcher_invalidate };

static struct watcher *watcher_create(struct mmun_mm *of, unsigned page)
{
	struct watcher *w = calloc(1, sizeof(*w));

	CHECK(w);
	w->page = page;
	spin_init(&w->lock, RANK_DRIVER);
	CHECK(!mmu_interval_notifier_insert(&w->sub, of, BASE + page * PAGE_BYTES, PAGE_BYTES,
					    &watcher_ops));
	return w;
}

static void watcher_destroy(struct watcher *w)
{
	mmu_interval_notifier_remove(&w->sub);
	free(w);
}

static void watcher_read(struct watcher *w)
{
	uint64_t seq = mmu_interval_read_begin(&w->sub);
	uint64_t seen = load_acquire(&number[w->page]);

	(void)mmu_interval_check_retry(&w->sub, seq);
	spin_lock(&w->lock);
	watcher_check(w);
	if (!mmu_interval_read_retry(&w->sub, seq))
		w->kept = seen;
	watcher_check(w);
	spin_unlock(&w->lock);
}

static void *watcher_run(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg;

	for (unsigned i = 0; i < iterations; i++) {
		struct watcher *w = watcher_create(mm, random_next(&random) % PAGES);

		for (unsigned k = random_next(&random) % 4; k; k--)
			watcher_read(w);
		watcher_destroy(w);
	}
	add_acq_rel(&users_left, (uint64_t)-1);
	return NULL;
}

/* --- plain notifiers ----------------------------------------------------- */

struct plain {
	struct mmu_notifier mn;
	spin_t lock;
	unsigned active, releases; /* [lock] */
};

static int plain_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct plain *p = container_of(mn, struct plain, mn);

	(void)r;
	spin_lock(&p->lock);
	p->active++;
	spin_unlock(&p->lock);
	return 0;
}

static void plain_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct plain *p = container_of(mn, struct plain, mn);

	(void)r;
	spin_lock(&p->lock);
	CHECK(p->active);
	p->active--;
	spin_unlock(&p->lock);
}

static void plain_release(struct mmu_notifier *mn, struct mmun_mm *of)
{
	struct plain *p = container_of(mn, struct plain, mn);

	if (of != mm)
		sched_yield(); /* whoever does not wait for this has time to show it */
	spin_lock(&p->lock);
	p->releases++;
	spin_unlock(&p->lock);
}

static struct mmu_notifier *plain_alloc(struct mmun_mm *of)
{
	struct plain *p = calloc(1, sizeof(*p));

	(void)of;
	CHECK(p);
	spin_init(&p->lock, RANK_DRIVER);
	return &p->mn;
}

static void plain_free(struct mmu_notifier *mn)
{
	struct plain *p = container_of(mn, struct plain, mn);

	CHECK(p->releases <= 2);
	free(p);
}

static const struct mmu_notifier_ops plain_ops = {
	.release = plain_release, .invalidate_range_start = plain_start,
	.invalidate_range_end = plain_end, .alloc_notifier = plain_alloc,
	.free_notifier = plain_free,
};

static struct mmu_notifier *plain_register(struct mmun_mm *of)
{
	struct mmu_notifier *mn = plain_alloc(of);

	mn->ops = &plain_ops;
	CHECK(!mmu_notifier_register(mn, of));
	return mn;
}

static void plain_unregister(struct mmu_notifier *mn, struct mmun_mm *of)
{
	mmu_notifier_unregister(mn, of);
	CHECK(container_of(mn, struct plain, mn)->releases >= 1);
	plain_free(mn);
}

static void *register_run(void *arg)
{
	struct mmu_notifier *mn;

	(void)arg;
	for (unsigned i = 0; i < iterations; i++) {
		plain_unregister(plain_register(mm), mm);
		CHECK(!mmu_notifier_get(&plain_ops, mm, &mn));
		mmu_notifier_put(mn);
	}
	add_acq_rel(&users_left, (uint64_t)-1);
	return NULL;
}

/* --- invalidating -------------------------------------------------------- */

/* Two of them at one page would not know whose turn it is: each has its own. */
static void invalidate(uint64_t *random, unsigned self)
{
	unsigned mine = (unsigned)random_next(random) % (PAGES / INVALIDATORS);
	unsigned page = mine * INVALIDATORS + self;
	uint64_t start = BASE + page * PAGE_BYTES;
	struct mmu_notifier_range r;
	int err = 0;

	down_read(&mm->mmap_lock);
	range_init(&r, mm, MMU_NOTIFY_CLEAR, start, start + PAGE_BYTES);
	if (random_next(random) % 4)
		invalidate_range_start(&r);
	else
		err = invalidate_range_start_nonblock(&r);
	if (!err) {
		store_release(&number[page], load_relaxed(&number[page]) + 1);
		invalidate_range_end(&r, MM_OP_MPROTECT);
	}
	up_read(&mm->mmap_lock);
}

static void *invalidator_run(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg;
	unsigned self = (unsigned)random % INVALIDATORS;

	while (load_acquire(&users_left))
		invalidate(&random, self);
	return NULL;
}

static void stress_users(void)
{
	enum { USERS = WATCHERS + 1 };
	pthread_t threads[USERS + INVALIDATORS];
	uintptr_t n = 0;

	CHECK(!mmun_mm_create(machine, MMUN_MODERN, &mm));
	for (unsigned i = 0; i < PAGES; i++)
		store_relaxed(&number[i], 1);
	store_relaxed(&users_left, USERS);
	for (; n < WATCHERS; n++)
		CHECK(!pthread_create(&threads[n], NULL, watcher_run, (void *)n));
	CHECK(!pthread_create(&threads[n++], NULL, register_run, NULL));
	for (; n < USERS + INVALIDATORS; n++)
		CHECK(!pthread_create(&threads[n], NULL, invalidator_run, (void *)n));
	while (n)
		pthread_join(threads[--n], NULL);
	CHECK(!mmun_mm_destroy(mm));
}

/* --- lives --------------------------------------------------------------- */

enum { PARTS = 4 };

static struct life {
	struct mmun_mm *mm;
	struct mmu_notifier *plain, *got;
	struct watcher *watcher;
} life;
static pthread_barrier_t barrier;

static void life_begin(void)
{
	CHECK(!mmun_mm_create(machine, MMUN_CLASSIC, &life.mm));
	life.plain = plain_register(life.mm);
	CHECK(!mmu_notifier_get(&plain_ops, life.mm, &life.got));
	life.watcher = watcher_create(life.mm, 0);
}

static void life_part(unsigned part)
{
	switch (part) {
	case 0:
		CHECK(!mmun_mm_destroy(life.mm));
		break;
	case 1:
		mmu_notifier_put(life.got);
		mmu_notifier_synchronize(machine);
		break;
	case 2:
		plain_unregister(life.plain, life.mm);
		break;
	default:
		watcher_read(life.watcher);
		watcher_destroy(life.watcher);
	}
}

static void *life_run(void *arg)
{
	unsigned self = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < iterations / LIVES_SHARE; i++) {
		if (self == 0)
			life_begin();
		pthread_barrier_wait(&barrier);
		life_part((self + i) % PARTS);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void stress_lives(void)
{
	pthread_t threads[PARTS];

	pthread_barrier_init(&barrier, NULL, PARTS);
	for (uintptr_t n = 0; n < PARTS; n++)
		CHECK(!pthread_create(&threads[n], NULL, life_run, (void *)n));
	for (unsigned n = 0; n < PARTS; n++)
		pthread_join(threads[n], NULL);
	pthread_barrier_destroy(&barrier);
}

int main(int argc, char **argv)
{
	struct mmun_machine_opts opts = { .frames = 256 };

	if (argc > 1)
		iterations = (unsigned)strtoul(argv[1], NULL, 10);
	CHECK(!mmun_machine_create(&opts, &machine));
	stress_users();
	stress_lives();
	mmu_notifier_synchronize(machine);
	CHECK(!mmun_machine_destroy(machine));
	CHECK(sync_alloc_live() == 0);
	return 0;
}
