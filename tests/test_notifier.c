/* SPDX-License-Identifier: MIT */
/*
 * test_notifier.c - the notifiers under every interleaving. Scenes in which nothing
 * may be found, most with a twin in which a user of the library breaks a rule, which
 * must be found by its oracle. Built twice: in the tiny world the numbers of
 * intervals wrap.
 *
 * The user is a software MMU: one page's frame, which it looks up in the page table
 * and keeps under a lock of its own, and drops when it is told to.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "explore/front/explore.h"
#include "vm/ops/ops.h"

enum { FRAMES = 96, SOFT = 2 };

/* Where the plain accesses of the core are watched some executions show whether they race. */
#ifdef WATCHED
enum { EXECUTIONS_MAX = 3000 };
#else
enum { EXECUTIONS_MAX = 0 };
#endif

#define AREA (4 * entry_bytes(1))

struct soft {
	struct mmu_interval_notifier sub;
	struct mmu_interval_notifier_finish finish[SYNC_SLICES_MAX]; /* of each thread's start */
	struct mmu_notifier mn;
	spin_t lock;
	pte_t kept;              /* [lock] what it maps, 0: nothing */
	unsigned active;         /* [lock] starts without their end */
	unsigned releases, told; /* [lock] */
	bool gone;               /* [lock] no callback may come any more */
	bool wrong;              /* breaks a rule: see the scenes */
	bool inserted, registered; /* of the thread that does it, and the end */
};

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *child;
	struct mmun_cpu *cpu;
	struct soft *soft[SOFT]; /* of set-up; each thread may free one */
	struct mmu_notifier *got;
	mutex_t mutex;
	atomic_u64 word;
	unsigned holders;        /* [mutex] of got */
	bool wrong;
	bool destroyed;          /* the mm, by a thread */
};

struct scene {
	const char *name;
	unsigned threads;
	void (*setup)(struct world *w);
	void (*thread)(struct world *w, unsigned thread);
	void (*finish)(struct world *w);
	enum explore_oracle oracle; /* that finds the twin */
	bool twin;
	bool processor;             /* set-up has one, and a page shared with a child */
};

struct run { const struct scene *scene; bool wrong; };

static struct world *world; /* for callbacks that are given no object */

static void must(int err) { ASSERT(!err); }

/* --- the software MMU ---------------------------------------------------- */

static void soft_drop(struct soft *s)
{
	ASSERT(!s->gone);
	s->told++;
	s->kept = (pte_t){ 0 };
}

static bool soft_invalidate(struct mmu_interval_notifier *sub,
			    const struct mmu_notifier_range *r, uint64_t seq)
{
	struct soft *s = container_of(sub, struct soft, sub);

	if (!mmu_notifier_range_blockable(r))
		return false;
	spin_lock(&s->lock);
	if (!s->wrong)
		mmu_interval_set_seq(sub, seq);
	soft_drop(s);
	spin_unlock(&s->lock);
	return true;
}

static bool soft_invalidate_start(struct mmu_interval_notifier *sub,
				  const struct mmu_notifier_range *r, uint64_t seq,
				  struct mmu_interval_notifier_finish **finish)
{
	struct soft *s = container_of(sub, struct soft, sub);

	(void)r;
	spin_lock(&s->lock);
	mmu_interval_set_seq(sub, seq);
	spin_unlock(&s->lock);
	*finish = &s->finish[sync_self() - 1];
	return true;
}

/* Twin: nobody waits for the device. */
static void soft_invalidate_finish(struct mmu_interval_notifier_finish *finish)
{
	struct soft *s = container_of(finish->notifier, struct soft, sub);

	spin_lock(&s->lock);
	if (!s->wrong)
		soft_drop(s);
	spin_unlock(&s->lock);
}

static const struct mmu_interval_notifier_ops interval_ops = { .invalidate = soft_invalidate };
static const struct mmu_interval_notifier_ops passes_ops = {
	.invalidate_start = soft_invalidate_start, .invalidate_finish = soft_invalidate_finish,
};

/* Looks the page up, and keeps it unless it was invalidated: one try. */
static void soft_map(struct world *w, struct soft *s)
{
	uint64_t seq = mmu_interval_read_begin(&s->sub);
	pte_t e;

	down_read(&w->mm->mmap_lock);
	e = mm_translate(w->mm, AREA);
	up_read(&w->mm->mmap_lock);
	spin_lock(&s->lock);
	if (!mmu_interval_read_retry(&s->sub, seq))
		s->kept = e;
	spin_unlock(&s->lock);
}

/* What is kept at the end is what the page table has. */
static void soft_agrees(struct world *w, struct soft *s)
{
	if (s->kept.v)
		ASSERT(pte_pfn(s->kept).v == pte_pfn(mm_translate(w->mm, AREA)).v);
}

static void soft_insert(struct world *w, struct soft *s,
			const struct mmu_interval_notifier_ops *ops)
{
	must(mmu_interval_notifier_insert(&s->sub, w->mm, AREA, PAGE_BYTES, ops));
	s->inserted = true;
}

static void soft_remove(struct soft *s)
{
	mmu_interval_notifier_remove(&s->sub);
	s->inserted = false;
}

static void soft_register(struct world *w, struct soft *s, const struct mmu_notifier_ops *ops)
{
	s->mn.ops = ops;
	must(mmu_notifier_register(&s->mn, w->mm));
	s->registered = true;
}

static void soft_unregister(struct world *w, struct soft *s)
{
	mmu_notifier_unregister(&s->mn, w->mm);
	s->registered = false;
}

/* --- set-up and end ------------------------------------------------------ */

static struct soft *soft_create(bool wrong)
{
	struct soft *s = sync_alloc(sizeof(*s));

	ASSERT(s);
	spin_init(&s->lock, RANK_DRIVER);
	s->wrong = wrong;
	return s;
}

static void shared_page(struct world *w)
{
	must(mmun_cpu_create(w->mm, &w->cpu));
	must(mmun_cpu_store(w->cpu, AREA, 1));
	must(mmun_fork(w->mm, &w->child));
}

static void setup(void *state, void *arg)
{
	const struct run *r = arg;
	struct world *w = state;
	struct mmun_machine_opts opts = { .frames = FRAMES };
	uint64_t at;

	world = w;
	w->wrong = r->wrong;
	mutex_init(&w->mutex, RANK_DRIVER);
	must(mmun_machine_create(&opts, &w->machine));
	must(mmun_mm_create(w->machine, MMUN_CLASSIC, &w->mm));
	must(mmun_mmap(w->mm, AREA, PAGE_BYTES, MMUN_PROT_READ | MMUN_PROT_WRITE,
		       MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at));
	for (int i = 0; i < SOFT; i++)
		w->soft[i] = soft_create(r->wrong);
	if (r->scene->processor)
		shared_page(w);
	if (r->scene->setup)
		r->scene->setup(w);
}

static void thread(void *state, unsigned t, void *arg)
{
	const struct run *r = arg;

	r->scene->thread(state, t);
}

static void finish(void *state, void *arg)
{
	const struct run *r = arg;
	struct world *w = state;

	if (r->scene->finish)
		r->scene->finish(w);
	for (int i = 0; i < SOFT; i++) {
		if (!w->soft[i])
			continue;
		if (w->soft[i]->inserted)
			soft_remove(w->soft[i]);
		if (w->soft[i]->registered)
			soft_unregister(w, w->soft[i]);
		sync_free(w->soft[i]);
	}
	mmun_cpu_destroy(w->cpu);
	must(mmun_mm_destroy(w->child));
	if (!w->destroyed)
		must(mmun_mm_destroy(w->mm));
	must(mmun_machine_destroy(w->machine));
}

/* A pair of the page, with a lock that lets one notify. Returns the error. */
static int pair_of(struct mmun_mm *mm, rwsem_t *sem, bool blockable)
{
	struct mmu_notifier_range r;
	int err = 0;

	down_read(sem);
	range_init(&r, mm, MMU_NOTIFY_CLEAR, AREA, AREA + PAGE_BYTES);
	if (blockable)
		invalidate_range_start(&r);
	else
		err = invalidate_range_start_nonblock(&r);
	if (!err)
		invalidate_range_end(&r, MM_OP_MPROTECT);
	up_read(sem);
	return err;
}

static int pair(struct mmun_mm *mm, bool blockable)
{
	return pair_of(mm, &mm->mmap_lock, blockable);
}

/* --- a read against a copy on write -------------------------------------- */

static void read_setup(struct world *w) { soft_insert(w, w->soft[0], &interval_ops); }
static void passes_setup(struct world *w) { soft_insert(w, w->soft[0], &passes_ops); }

static void read_thread(struct world *w, unsigned t)
{
	if (t)
		soft_map(w, w->soft[0]);
	else
		must(mmun_cpu_store(w->cpu, AREA, 2));
}

static void read_finish(struct world *w)
{
	soft_agrees(w, w->soft[0]);
	soft_map(w, w->soft[0]); /* nothing is under way: waits for nobody */
	ASSERT(w->soft[0]->kept.v);
}

/* The interval is new, and may come in the middle. Twin: as above. */
static void new_read_thread(struct world *w, unsigned t)
{
	if (t == 0) {
		must(mmun_cpu_store(w->cpu, AREA, 2));
	} else if (t == 1) {
		soft_insert(w, w->soft[0], &interval_ops);
		soft_map(w, w->soft[0]);
	} else {
		must(pair(w->mm, true));
	}
}

/* soft[1] makes numbers odd; without it, and with another pair, they are even. */
static void odd_setup(struct world *w)
{
	w->soft[1]->wrong = false;
	soft_insert(w, w->soft[1], &interval_ops);
}

static void even_setup(struct world *w)
{
	must(mmu_interval_notifier_insert(&w->soft[1]->sub, w->mm, 0, PAGE_BYTES, &interval_ops));
	w->soft[1]->inserted = true;
}

/* Periods come and go, and overlap; a read that spans one must see that it did. */
static void twice_thread(struct world *w, unsigned t)
{
	struct soft *s = w->soft[0];

	if (t != 1) {
		must(pair(w->mm, true));
		must(pair(w->mm, true));
	} else {
		uint64_t seq = mmu_interval_read_begin(&s->sub);
		unsigned told;

		ASSERT(seq % 2);
		spin_lock(&s->lock);
		told = s->told;
		spin_unlock(&s->lock);
		spin_lock(&s->lock);
		/* Told since then: then so says the number. */
		if (s->told != told)
			ASSERT(mmu_interval_read_retry(&s->sub, seq));
		if (mmu_interval_check_retry(&s->sub, seq))
			ASSERT(mmu_interval_read_retry(&s->sub, seq));
		spin_unlock(&s->lock);
	}
}

/* --- insert and remove against pairs under way --------------------------- */

/* soft[1] keeps the number odd; soft[0] comes and goes. Twin: it only goes. */
static void coming_setup(struct world *w)
{
	w->soft[1]->wrong = false;
	soft_insert(w, w->soft[1], &interval_ops);
	if (w->wrong)
		soft_insert(w, w->soft[0], &interval_ops);
}

static void soft_free(struct world *w, int i)
{
	struct soft *s = w->soft[i];

	w->soft[i] = NULL;
	sync_free(s);
}

static void coming_thread(struct world *w, unsigned t)
{
	struct soft *s;

	if (t) {
		must(pair(w->mm, true));
		return;
	}
	s = w->soft[0];
	if (!w->wrong) {
		soft_insert(w, s, &interval_ops);
		(void)mmu_interval_read_begin(&s->sub);
		soft_remove(s);
	}
	soft_free(w, 0);
}

static void coming_finish(struct world *w)
{
	if (w->soft[1])
		(void)mmu_interval_read_begin(&w->soft[1]->sub); /* nothing is under way */
}

/* --- exit ---------------------------------------------------------------- */

/* The page is there until a release has returned, whoever calls it. */
static void exit_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct soft *s = container_of(mn, struct soft, mn);
	bool again;

	spin_lock(&s->lock);
	again = s->releases;
	spin_unlock(&s->lock);
	ASSERT(again || pte_present(mm_translate(mm, AREA)));
	spin_lock(&s->lock);
	s->releases++;
	spin_unlock(&s->lock);
}

static const struct mmu_notifier_ops exit_ops = { .release = exit_release };

static void touch(struct world *w)
{
	struct mmun_cpu *cpu;

	must(mmun_cpu_create(w->mm, &cpu));
	must(mmun_cpu_store(cpu, AREA, 1));
	mmun_cpu_destroy(cpu);
}

static void exit_mm(struct world *w)
{
	w->destroyed = true;
	must(mmun_mm_destroy(w->mm));
}

static void exit_setup(struct world *w)
{
	touch(w);
	soft_register(w, w->soft[0], &exit_ops);
}

/* Twin: frees the notifier without unregistering. */
static void exit_thread(struct world *w, unsigned t)
{
	if (t == 0) {
		exit_mm(w);
		return;
	}
	if (!w->wrong) {
		soft_unregister(w, w->soft[0]);
		ASSERT(w->soft[0]->releases == 1 || w->soft[0]->releases == 2);
	}
	soft_free(w, 0);
}

static void interval_exit_setup(struct world *w)
{
	touch(w);
	soft_insert(w, w->soft[0], &interval_ops);
}

/* Twin: frees the interval without removing it. */
static void interval_exit_thread(struct world *w, unsigned t)
{
	if (t == 0) {
		exit_mm(w);
		return;
	}
	(void)mmu_interval_read_begin(&w->soft[0]->sub);
	if (!w->wrong)
		soft_remove(w->soft[0]);
	soft_free(w, 0);
}

/* A read against exit. */
static void late_read_thread(struct world *w, unsigned t)
{
	if (t == 0)
		exit_mm(w);
	else
		soft_map(w, w->soft[0]);
}

static void nothing_kept(struct world *w)
{
	ASSERT(!w->soft[0]->kept.v && w->soft[0]->told >= 1);
}

/*
 * An interval that comes while exit is under way, and so is a pair of somebody who
 * came by rmap, and knows the mm only.
 */
static void late_setup(struct world *w)
{
	touch(w);
	w->soft[1]->wrong = false;
	soft_insert(w, w->soft[1], &interval_ops);
	mm_get(w->mm);
	mm_get(w->mm);
}

static void late_thread(struct world *w, unsigned t)
{
	struct soft *s = w->soft[0];

	if (t == 0) {
		exit_mm(w);
	} else if (t == 1) {
		s->inserted = !mmu_interval_notifier_insert(&s->sub, w->mm, AREA, PAGE_BYTES,
							    &interval_ops);
		if (s->inserted)
			soft_map(w, s);
		mm_put(w->mm);
	} else {
		(void)pair_of(w->mm, &w->mm->rmap_sem, true);
		mm_put(w->mm);
	}
}

static void late_finish(struct world *w)
{
	ASSERT(!w->soft[0]->kept.v && w->soft[1]->told >= 1);
}

/* --- get and put --------------------------------------------------------- */

static struct mmu_notifier *got_alloc(struct mmun_mm *mm)
{
	(void)mm;
	return sync_alloc(sizeof(struct mmu_notifier));
}

static void got_free(struct mmu_notifier *mn)
{
	add_acq_rel(&world->word, 2);
	sync_free(mn);
}

/* word: 1 put has returned to release; 2 freed. */
static void got_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	(void)mm;
	mmu_notifier_put(mn);
	add_acq_rel(&world->word, 1);
}

static const struct mmu_notifier_ops got_ops = {
	.alloc_notifier = got_alloc, .free_notifier = got_free,
};
static const struct mmu_notifier_ops got_release_ops = {
	.release = got_release, .alloc_notifier = got_alloc, .free_notifier = got_free,
};

/* Who holds one at the same time holds the same one. Twin: puts it twice. */
static void got_thread(struct world *w, unsigned t)
{
	struct mmu_notifier *mn;

	(void)t;
	must(mmu_notifier_get(&got_ops, w->mm, &mn));
	mutex_lock(&w->mutex);
	ASSERT(!w->holders || w->got == mn);
	w->got = mn;
	w->holders++;
	mutex_unlock(&w->mutex);
	mutex_lock(&w->mutex);
	w->holders--;
	mutex_unlock(&w->mutex);
	mmu_notifier_put(mn);
	if (w->wrong && t)
		mmu_notifier_put(mn);
}

static void put_setup(struct world *w)
{
	must(mmu_notifier_get(&got_release_ops, w->mm, &w->got));
	must(mmu_notifier_get(&got_release_ops, w->mm, &w->got));
}

/* Two users: exit's release puts one, thread 1 the other. Twin: does not wait. */
static void put_thread(struct world *w, unsigned t)
{
	uint64_t was;

	if (t == 0) {
		exit_mm(w);
		return;
	}
	mmu_notifier_put(w->got);
	was = load_acquire(&w->word);
	if (!w->wrong)
		mmu_notifier_synchronize(w->machine);
	if (was & 1)
		ASSERT(load_acquire(&w->word) >= 2);
}

/* If thread 1 was faster than exit, release had a user left to put, or was not called. */
static void put_finish(struct world *w) { ASSERT(w->word.v == 3); }

/* Exit's release puts one notifier, thread 1 another. */
static void puts_setup(struct world *w)
{
	struct mmu_notifier *mn;

	must(mmu_notifier_get(&got_release_ops, w->mm, &mn));
	must(mmu_notifier_get(&got_ops, w->mm, &w->got));
}

static void puts_thread(struct world *w, unsigned t)
{
	if (t == 0)
		exit_mm(w);
	else
		mmu_notifier_put(w->got);
}

static void puts_finish(struct world *w) { ASSERT(w->word.v == 5); }

/* --- starts that may not block ------------------------------------------- */

static int count_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct soft *s = container_of(mn, struct soft, mn);

	(void)r;
	spin_lock(&s->lock);
	s->active++;
	spin_unlock(&s->lock);
	return 0;
}

static void count_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct soft *s = container_of(mn, struct soft, mn);

	(void)r;
	spin_lock(&s->lock);
	ASSERT(s->active);
	s->active--;
	spin_unlock(&s->lock);
}

static int refuse_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	return mmu_notifier_range_blockable(r) ? 0 : -EAGAIN;
}

static const struct mmu_notifier_ops count_ops = {
	.invalidate_range_start = count_start, .invalidate_range_end = count_end,
};
static const struct mmu_notifier_ops refuse_ops = { .invalidate_range_start = refuse_start };
static const struct mmu_notifier_ops refuse_end_ops = {
	.invalidate_range_start = refuse_start, .invalidate_range_end = count_end,
};

/* Twin: who refuses has an end. */
static void nonblock_setup(struct world *w)
{
	soft_register(w, w->soft[0], &count_ops);
	soft_register(w, w->soft[1], w->wrong ? &refuse_end_ops : &refuse_ops);
	w->soft[1]->wrong = false;
	soft_insert(w, w->soft[1], &passes_ops); /* never refuses */
}

static void nonblock_thread(struct world *w, unsigned t)
{
	struct soft *s = w->soft[0];

	if (t == 0) {
		ASSERT(pair(w->mm, false) == -EAGAIN);
	} else if (t == 1) {
		must(pair(w->mm, true));
	} else {
		soft_insert(w, s, &interval_ops); /* refuses */
		(void)mmu_interval_read_begin(&s->sub);
		soft_remove(s);
	}
}

static void nonblock_finish(struct world *w)
{
	ASSERT(w->soft[0]->active == 0);
	(void)mmu_interval_read_begin(&w->soft[1]->sub);
}

/* --- register against pairs ---------------------------------------------- */

/* No end without its start, and none after unregister, which may come between a start and its
 * end. Twin: frees too early. */
static void register_thread(struct world *w, unsigned t)
{
	struct soft *s;

	if (t) {
		must(pair(w->mm, true));
		return;
	}
	s = w->soft[0];
	soft_register(w, s, &count_ops);
	if (!w->wrong)
		soft_unregister(w, s);
	soft_free(w, 0);
}

/* --- callbacks that break a rule, in one thread -------------------------- */

static void sleep_if_wrong(void)
{
	if (!world->wrong)
		return;
	mutex_lock(&world->mutex);
	mutex_unlock(&world->mutex);
}

static int sleep_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	if (!mmu_notifier_range_blockable(r))
		sleep_if_wrong();
	return 0;
}

static void sleep_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	(void)mn, (void)mm, (void)start, (void)end;
	sleep_if_wrong();
}

static int error_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn, (void)r;
	return world->wrong ? -EAGAIN : 0;
}

static int other_error_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	return mmu_notifier_range_blockable(r) ? 0 : world->wrong ? -EIO : -EAGAIN;
}

static int unregister_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	if (world->wrong)
		mmu_notifier_unregister(mn, r->mm);
	return 0;
}

static void unregister_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	if (world->wrong)
		mmu_notifier_unregister(mn, mm);
}

static const struct mmu_notifier_ops rules[] = {
	{ .invalidate_range_start = sleep_start },
	{ .invalidate_range = sleep_flush },
	{ .invalidate_range_start = error_start },
	{ .invalidate_range_start = other_error_start },
	{ .invalidate_range_start = unregister_start },
	{ .release = unregister_release },
};

static void rule_run(struct world *w, const struct mmu_notifier_ops *ops)
{
	soft_register(w, w->soft[0], ops);
	must(pair(w->mm, true));
	(void)pair(w->mm, false);
	soft_unregister(w, w->soft[0]);
}

static void rule_sleep_start(struct world *w, unsigned t) { (void)t; rule_run(w, &rules[0]); }
static void rule_sleep_flush(struct world *w, unsigned t) { (void)t; rule_run(w, &rules[1]); }
static void rule_error(struct world *w, unsigned t) { (void)t; rule_run(w, &rules[2]); }
static void rule_other_error(struct world *w, unsigned t) { (void)t; rule_run(w, &rules[3]); }
static void rule_unregister(struct world *w, unsigned t) { (void)t; rule_run(w, &rules[4]); }
static void rule_release(struct world *w, unsigned t) { (void)t; rule_run(w, &rules[5]); }

static bool refuse_always(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *r,
			  uint64_t seq)
{
	mmu_interval_set_seq(sub, seq);
	return mmu_notifier_range_blockable(r) && !world->wrong;
}

static bool remove_itself(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *r,
			  uint64_t seq)
{
	(void)r;
	mmu_interval_set_seq(sub, seq);
	if (world->wrong)
		mmu_interval_notifier_remove(sub);
	return true;
}

static const struct mmu_interval_notifier_ops interval_rules[] = {
	{ .invalidate = refuse_always }, { .invalidate = remove_itself },
};

static void rule_refuse(struct world *w, unsigned t)
{
	soft_insert(w, w->soft[t], &interval_rules[0]);
	(void)pair(w->mm, true);
}

static void rule_remove(struct world *w, unsigned t)
{
	soft_insert(w, w->soft[t], &interval_rules[1]);
	(void)pair(w->mm, true);
}

/* --- all of them --------------------------------------------------------- */

#define SCENE(n, count, t, ...) { .name = n, .threads = count, .thread = t, __VA_ARGS__ }
#define TWIN(o) .twin = true, .oracle = o
static const struct scene scenes[] = {
	SCENE("read against COW", 2, read_thread, .setup = read_setup, .finish = read_finish,
	      .processor = true, TWIN(ORACLE_ASSERTION)),
	SCENE("read against COW, two passes", 2, read_thread, .setup = passes_setup,
	      .finish = read_finish, .processor = true, TWIN(ORACLE_ASSERTION)),
	SCENE("insert and read against COW, odd", 2, new_read_thread, .setup = odd_setup,
	      .finish = read_finish, .processor = true, TWIN(ORACLE_ASSERTION)),
	SCENE("insert and read against COW, even", 2, new_read_thread, .setup = even_setup,
	      .finish = read_finish, .processor = true, TWIN(ORACLE_ASSERTION)),
	SCENE("insert and read against COW and a pair", 3, new_read_thread, .setup = even_setup,
	      .finish = read_finish, .processor = true),
	SCENE("read against pairs", 3, twice_thread, .setup = read_setup,
	      TWIN(ORACLE_ASSERTION)),
	SCENE("insert and remove against a pair", 2, coming_thread, .setup = coming_setup,
	      .finish = coming_finish, TWIN(ORACLE_LIFETIME)),
	SCENE("insert and remove against two pairs", 3, coming_thread, .setup = coming_setup,
	      .finish = coming_finish, TWIN(ORACLE_LIFETIME)),
	SCENE("unregister against exit", 2, exit_thread, .setup = exit_setup,
	      TWIN(ORACLE_LIFETIME)),
	SCENE("interval against exit", 2, interval_exit_thread, .setup = interval_exit_setup,
	      TWIN(ORACLE_LIFETIME)),
	SCENE("read against exit", 2, late_read_thread, .setup = interval_exit_setup,
	      .finish = nothing_kept, TWIN(ORACLE_ASSERTION)),
	SCENE("insert against exit and a pair", 3, late_thread, .setup = late_setup,
	      .finish = late_finish),
	SCENE("get and put, three", 3, got_thread),
	SCENE("get and put", 2, got_thread, TWIN(ORACLE_PROTOCOL)),
	SCENE("put against exit", 2, put_thread, .setup = put_setup, .finish = put_finish,
	      TWIN(ORACLE_ASSERTION)),
	SCENE("two puts against exit", 2, puts_thread, .setup = puts_setup,
	      .finish = puts_finish),
	SCENE("may not block", 2, nonblock_thread, .setup = nonblock_setup,
	      .finish = nonblock_finish, TWIN(ORACLE_PROTOCOL)),
	SCENE("may not block, insert", 3, nonblock_thread, .setup = nonblock_setup,
	      .finish = nonblock_finish),
	SCENE("register against a pair", 2, register_thread, TWIN(ORACLE_LIFETIME)),
	SCENE("sleeps in a start", 1, rule_sleep_start, TWIN(ORACLE_ATOMIC)),
	SCENE("sleeps in a flush", 1, rule_sleep_flush, TWIN(ORACLE_ATOMIC)),
	SCENE("fails though it may block", 1, rule_error, TWIN(ORACLE_PROTOCOL)),
	SCENE("another error", 1, rule_other_error, TWIN(ORACLE_PROTOCOL)),
	SCENE("unregisters itself in start", 1, rule_unregister, TWIN(ORACLE_PROTOCOL)),
	SCENE("unregisters itself in release", 1, rule_release, TWIN(ORACLE_PROTOCOL)),
	SCENE("refuses though it may block", 1, rule_refuse, TWIN(ORACLE_PROTOCOL)),
	SCENE("removes itself", 1, rule_remove, TWIN(ORACLE_PROTOCOL)),
};

static void run(const struct scene *scene, bool wrong, struct explore_result *result)
{
	struct run r = { scene, wrong };
	struct explore_check check = {
		.name = scene->name, .threads = scene->threads,
		.state_size = sizeof(struct world), .setup = setup, .thread = thread,
		.finish = finish, .arg = &r,
	};
	struct explore_options options = { .executions_max = wrong ? 1000 : EXECUTIONS_MAX };

	assert_int_equal(explore(&check, &options, result), 0);
	printf("%-38s %s %8llu executions, %.1f s\n", scene->name, wrong ? "wrong" : "right",
	       (unsigned long long)result->executions, result->seconds);
}

static void must_hold(const struct scene *scene)
{
	static struct explore_result result;

	run(scene, false, &result);
	if (result.findings)
		fail_msg("%s: %s: %s (%s)", scene->name,
			 explore_oracle_name(result.finding[0].oracle), result.finding[0].text,
			 result.finding[0].replay);
	if (!result.exhaustive && !EXECUTIONS_MAX)
		fail_msg("%s: not finished: %s", scene->name, result.stopped_by);
	explore_result_fini(&result);
}

static void must_find(const struct scene *scene)
{
	static struct explore_result result;
	bool found = false;

	run(scene, true, &result);
	for (unsigned i = 0; i < result.findings; i++)
		found |= result.finding[i].oracle == scene->oracle;
	if (!found)
		fail_msg("%s: nothing found by %s (but %u, %s)", scene->name,
			 explore_oracle_name(scene->oracle), result.findings,
			 result.findings ? result.finding[0].text : "");
	explore_result_fini(&result);
}

static void each_scene(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		must_hold(&scenes[i]);
		if (scenes[i].twin)
			must_find(&scenes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_scene) };

	return cmocka_run_group_tests_name("notifiers", tests, NULL, NULL);
}
