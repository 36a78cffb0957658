/* SPDX-License-Identifier: MIT */
/*
 * test_oracles.c - whatever the explorer calls wrong, in pairs: a check with a
 * planted bug that must be found, by its oracle and with a schedule that
 * replays, and its repaired twin, in which nothing may be found. One function
 * per pair; `broken` says which of the two runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "explore/front/explore.h"
#include "sync/sync.h"

enum { WORDS = 4 };

struct world {
	atomic_u64 word[WORDS];
	spin_t low, high;         /* ranks in this order */
	mutex_t mutex;
	rwsem_t sem;
	void *block;              /* from set-up, if the pair wants one */
	void *kept[2];            /* by thread: freed at the end */
	uint64_t seen[2];
	unsigned step[2];
};

/* A pair: what each of two threads does, and what must hold at the end. */
struct pair {
	const char *name;
	enum explore_oracle oracle;
	void (*thread)(struct world *w, unsigned thread, bool broken);
	void (*finish)(struct world *w);
	struct explore_options options;
	bool block;               /* set-up allocates world.block */
	bool varies;              /* a finding's text need not be the same again */
};

struct run { const struct pair *pair; bool broken; };

static bool is_set(uint64_t v, uint64_t arg)
{
	(void)arg;
	return v != 0;
}

static void bump(atomic_u64 *word)
{
	store_release(word, load_acquire(word) + 1);
}

/* --- waiting forever ---------------------------------------------------- */

static void two_locks(struct world *w, unsigned thread, bool broken)
{
	spin_t *first = broken && thread ? &w->high : &w->low;
	spin_t *second = first == &w->low ? &w->high : &w->low;

	spin_lock(first);
	spin_lock(second);
	spin_unlock(second);
	spin_unlock(first);
}

static void lock_twice(struct world *w, unsigned thread, bool broken)
{
	(void)thread;
	spin_lock(&w->low);
	if (broken)
		spin_lock(&w->low);
	spin_unlock(&w->low);
}

static void never_woken(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		wait_until(&w->word[0], is_set, 0);
		return;
	}
	/* Broken: only if nobody else was there first. */
	if (!broken || !load_acquire(&w->word[1])) {
		store_release(&w->word[0], !broken);
		wake_all(&w->word[0]);
	}
}

static void waits_for_each_other(struct world *w, unsigned thread, bool broken)
{
	if (broken || thread)
		wait_until(&w->word[!thread], is_set, 0);
	store_release(&w->word[thread], 1);
	wake_all(&w->word[thread]);
}

static void spins(struct world *w, unsigned thread, bool broken)
{
	volatile unsigned rounds = 0; /* else it would only wait */

	if (thread) {
		store_release(&w->word[0], 1);
		wake_all(&w->word[0]);
	} else if (broken) {
		while (!load_acquire(&w->word[0]))
			rounds++;
	} else {
		wait_until(&w->word[0], is_set, 0);
	}
}

/* Broken: it asks for a change that nobody makes. */
static void retries(struct world *w, unsigned thread, bool broken)
{
	if (thread && !broken)
		store_release(&w->word[0], 1);
	else if (!thread)
		while (!load_acquire(&w->word[0]))
			sync_relax_(SYNC_SITE);
}

/* --- assertions, and mutual exclusion ------------------------------------ */

/* Broken: only if the other thread comes between. */
static void breaks_promise(struct world *w, unsigned thread, bool broken)
{
	store_release(&w->word[0], thread);
	sync_contract(!broken || load_acquire(&w->word[0]) == thread, "a word is wrong");
}

static void message(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		store_release(&w->word[broken], 1);
		store_release(&w->word[!broken], 1);
	} else if (load_acquire(&w->word[1])) {
		ASSERT(load_acquire(&w->word[0]) == 1);
	}
}

static void counts_to_two(struct world *w) { ASSERT(w->word[0].v == 2); }

static void count_atomically(struct world *w, unsigned thread, bool broken)
{
	(void)thread;
	if (broken)
		bump(&w->word[0]);
	else
		add_acq_rel(&w->word[0], 1);
}

static void count_with_spin_lock(struct world *w, unsigned thread, bool broken)
{
	spin_t *lock = broken && thread ? &w->high : &w->low;

	spin_lock(lock);
	bump(&w->word[0]);
	spin_unlock(lock);
}

static void count_with_mutex(struct world *w, unsigned thread, bool broken)
{
	if (!broken || !thread)
		mutex_lock(&w->mutex);
	bump(&w->word[0]);
	if (!broken || !thread)
		mutex_unlock(&w->mutex);
}

static void count_for_writing(struct world *w, unsigned thread, bool broken)
{
	(void)thread;
	if (broken) {
		down_read(&w->sem);
		bump(&w->word[0]);
		up_read(&w->sem);
	} else {
		down_write(&w->sem);
		bump(&w->word[0]);
		up_write(&w->sem);
	}
}

/* A trylock may fail, and then nothing is locked. */
static void count_after_trylock(struct world *w, unsigned thread, bool broken)
{
	bool locked = mutex_trylock(&w->mutex);

	(void)thread;
	if (!locked && !broken)
		mutex_lock(&w->mutex);
	bump(&w->word[0]);
	if (locked || !broken)
		mutex_unlock(&w->mutex);
}

/* --- locks and sections -------------------------------------------------- */

static void returns_locked(struct world *w, unsigned thread, bool broken)
{
	spin_lock(&w->low);
	if (thread && load_acquire(&w->word[0]) && broken)
		return; /* only if the other thread came first */
	store_release(&w->word[0], 1);
	spin_unlock(&w->low);
}

static void returns_in_section(struct world *w, unsigned thread, bool broken)
{
	(void)thread;
	rcu_read_lock();
	rcu_read_lock();
	load_acquire(&w->word[0]);
	rcu_read_unlock();
	if (!broken)
		rcu_read_unlock();
}

static void wrong_rank(struct world *w, unsigned thread, bool broken)
{
	if (thread)
		return;
	spin_lock(broken ? &w->high : &w->low);
	spin_lock(broken ? &w->low : &w->high);
	spin_unlock(&w->low);
	spin_unlock(&w->high);
}

static void not_held(struct world *w, unsigned thread, bool broken)
{
	if (!broken || !thread)
		mutex_lock(&w->mutex);
	mutex_unlock(&w->mutex);
}

static void sleeps_with_spin_lock(struct world *w, unsigned thread, bool broken)
{
	if (thread)
		return;
	if (broken)
		spin_lock(&w->low);
	mutex_lock(&w->mutex);
	if (!broken)
		spin_lock(&w->low);
	spin_unlock(&w->low);
	mutex_unlock(&w->mutex);
}

static void sleeps_in_rcu(struct world *w, unsigned thread, bool broken)
{
	(void)thread;
	rcu_read_lock();
	load_acquire(&w->word[0]);
	if (broken)
		sync_might_sleep();
	rcu_read_unlock();
	sync_might_sleep();
}

static void sleeps_in_guard(struct world *w, unsigned thread, bool broken)
{
	(void)thread;
	if (!broken)
		down_read(&w->sem);
	guard_enter();
	guard_load(&w->word[0]);
	if (broken)
		down_read(&w->sem);
	guard_leave();
	up_read(&w->sem);
}

static void synchronizes_in_rcu(struct world *w, unsigned thread, bool broken)
{
	if (thread)
		return;
	rcu_read_lock();
	load_acquire(&w->word[0]);
	if (!broken)
		rcu_read_unlock();
	synchronize_rcu();
	if (broken)
		rcu_read_unlock();
}

/* --- grace periods ------------------------------------------------------- */

/* Who read the old first word in a section may not see the second one set. */
static void grace_held(struct world *w) { ASSERT(!(w->seen[0] == 0 && w->seen[1] == 1)); }

static void rcu_waits(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		rcu_read_lock();
		w->seen[0] = load_acquire(&w->word[0]);
		w->seen[1] = load_acquire(&w->word[1]);
		rcu_read_unlock();
	} else {
		store_release(&w->word[0], 1);
		if (!broken)
			synchronize_rcu();
		store_release(&w->word[1], 1);
	}
}

static void guard_waits(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		guard_enter();
		w->seen[0] = guard_load(&w->word[0]);
		w->seen[1] = load_acquire(&w->word[1]);
		guard_leave();
	} else {
		store_release(&w->word[0], 1);
		guard_mark(&w->word[0]);
		if (!broken)
			guard_wait();
		store_release(&w->word[1], 1);
	}
}

/* A section that loaded another word is not waited for. */
static void guard_of_another_word(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		guard_enter();
		w->seen[0] = broken ? load_acquire(&w->word[0]) : guard_load(&w->word[0]);
		if (broken)
			guard_load(&w->word[2]);
		w->seen[1] = load_acquire(&w->word[1]);
		guard_leave();
	} else {
		store_release(&w->word[0], 1);
		guard_mark(&w->word[0]);
		guard_wait();
		store_release(&w->word[1], 1);
	}
}

/* --- memory -------------------------------------------------------------- */

static void free_kept(struct world *w)
{
	sync_free(w->kept[0]);
	sync_free(w->kept[1]);
	sync_free(w->block);
}

static void leaks(struct world *w, unsigned thread, bool broken)
{
	uint64_t nobody = 0;
	void *mine = sync_alloc(40);

	if (cmpxchg_acq_rel(&w->word[0], &nobody, 1))
		w->kept[thread] = mine;
	else if (!broken)
		sync_free(mine);
}

static void allocation_fails(struct world *w, unsigned thread, bool broken)
{
	void *p = thread ? NULL : sync_alloc(8);

	if (!thread && (p || broken)) {
		ASSERT(p);
		load_acquire((const atomic_u64 *)p);
		w->kept[0] = p;
	}
}

/* Thread 0 runs first: the touch comes before the free, and need not. */
static void touch_then_free(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		load_acquire((const atomic_u64 *)w->block);
		store_release(&w->word[0], 1);
	} else {
		if (!broken)
			wait_until(&w->word[0], is_set, 0);
		sync_free(w->block);
		w->block = NULL;
	}
}

/* The same with the free first. */
static void free_then_touch(struct world *w, unsigned thread, bool broken)
{
	void *block = w->block;

	if (thread == 0) {
		if (!broken)
			wait_until(&w->word[0], is_set, 0);
		load_acquire(&w->word[1]);
		sync_free(block);
		w->kept[0] = w->block = NULL;
	} else {
		load_acquire((const atomic_u64 *)block);
		store_release(&w->word[0], 1);
	}
}

static void free_published(struct world *w, unsigned thread, bool broken)
{
	uint64_t p;

	if (thread == 0) {
		guard_enter();
		p = broken ? load_acquire(&w->word[0]) : guard_load(&w->word[0]);
		if (!p)
			load_acquire((const atomic_u64 *)w->block);
		guard_leave();
	} else {
		store_release(&w->word[0], 1);
		guard_mark(&w->word[0]);
		guard_wait();
		sync_free(w->block);
	}
}

static void free_twice(struct world *w, unsigned thread, bool broken)
{
	bool first;

	(void)thread;
	if (broken) {
		first = !load_acquire(&w->word[0]);
		store_release(&w->word[0], 1);
	} else {
		first = !xchg_acq_rel(&w->word[0], 1);
	}
	if (first)
		sync_free(w->block);
}

static void dead_range(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		spin_lock(&w->low);
		if (broken || !load_acquire(&w->word[1]))
			store_release(&w->word[0], 1);
		spin_unlock(&w->low);
	} else {
		spin_lock(&w->low);
		store_release(&w->word[1], 1);
		spin_unlock(&w->low);
		sync_range_dead(&w->word[0], sizeof(w->word[0]));
	}
}

/* --- what a check says itself -------------------------------------------- */

static void says(struct world *w, unsigned thread, bool broken)
{
	if (thread)
		store_release(&w->word[0], 1);
	else if (load_acquire(&w->word[0]) && broken)
		explore_fail(ORACLE_FLAT, "saw %u", 1u);
}

/* Wrong if the load can be run after the store; thread 0 runs first. */
static void says_of_another_order(struct world *w, unsigned thread, bool broken)
{
	if (thread == 0) {
		load_acquire(&w->word[0]);
		w->step[0] = explore_step();
		store_release(&w->word[1], 1);
	} else {
		if (!broken)
			wait_until(&w->word[1], is_set, 0);
		store_release(&w->word[2], 1);
		w->step[1] = explore_step();
	}
}

static void orders_are_judged(struct world *w)
{
	if (!explore_ordered(w->step[0], w->step[1]))
		explore_fail_if_reordered(ORACLE_RETURN, w->step[1], w->step[0],
					  "the load can come after the store");
}

static unsigned runs; /* what a check must not have */

static void remembers(struct world *w, unsigned thread, bool broken)
{
	if (broken && thread && ++runs % 2)
		store_release(&w->word[1], 1);
	bump(&w->word[0]);
}

#define PAIR(n, o, t, ...) { .name = n, .oracle = o, .thread = t, __VA_ARGS__ }
static const struct pair pairs[] = {
	PAIR("two locks", ORACLE_DEADLOCK, two_locks),
	PAIR("two locks, their ranks", ORACLE_LOCK_ORDER, two_locks),
	PAIR("a lock twice", ORACLE_LOCK_ORDER, lock_twice),
	PAIR("never woken", ORACLE_DEADLOCK, never_woken),
	PAIR("waits for each other", ORACLE_DEADLOCK, waits_for_each_other),
	PAIR("spins forever", ORACLE_STEPS, spins, .options.steps_max = 100),
	PAIR("retries forever", ORACLE_LIVENESS, retries),
	PAIR("breaks a promise", ORACLE_PROTOCOL, breaks_promise),
	PAIR("message passing", ORACLE_ASSERTION, message),
	PAIR("counting atomically", ORACLE_ASSERTION, count_atomically, .finish = counts_to_two),
	PAIR("counting, spin lock", ORACLE_ASSERTION, count_with_spin_lock,
	     .finish = counts_to_two),
	PAIR("counting, mutex", ORACLE_ASSERTION, count_with_mutex, .finish = counts_to_two),
	PAIR("counting, rwsem", ORACLE_ASSERTION, count_for_writing, .finish = counts_to_two),
	PAIR("counting, trylock", ORACLE_ASSERTION, count_after_trylock, .finish = counts_to_two),
	PAIR("returns with a lock", ORACLE_LOCK_HELD, returns_locked),
	PAIR("returns in a section", ORACLE_LOCK_HELD, returns_in_section),
	PAIR("a lock out of order", ORACLE_LOCK_ORDER, wrong_rank),
	PAIR("dropping what is not held", ORACLE_LOCK_ORDER, not_held),
	PAIR("sleeping with a spin lock", ORACLE_ATOMIC, sleeps_with_spin_lock),
	PAIR("sleeping in RCU", ORACLE_ATOMIC, sleeps_in_rcu),
	PAIR("sleeping in a guard section", ORACLE_ATOMIC, sleeps_in_guard),
	PAIR("a grace period in RCU", ORACLE_ATOMIC, synchronizes_in_rcu),
	PAIR("RCU waits", ORACLE_ASSERTION, rcu_waits, .finish = grace_held),
	PAIR("guards wait", ORACLE_ASSERTION, guard_waits, .finish = grace_held),
	PAIR("guards wait for their word", ORACLE_ASSERTION, guard_of_another_word,
	     .finish = grace_held),
	PAIR("leak", ORACLE_LEAK, leaks, .finish = free_kept),
	PAIR("allocations fail", ORACLE_ASSERTION, allocation_fails, .finish = free_kept,
	     .options.failing_allocations = true),
	PAIR("touch, free; one run", ORACLE_LIFETIME, touch_then_free, .finish = free_kept,
	     .options.executions_max = 1, .block = true),
	PAIR("free, touch; one run", ORACLE_LIFETIME, free_then_touch, .finish = free_kept,
	     .options.executions_max = 1, .block = true),
	PAIR("touch, free", ORACLE_LIFETIME, touch_then_free, .finish = free_kept, .block = true),
	PAIR("free, touch", ORACLE_LIFETIME, free_then_touch, .finish = free_kept, .block = true),
	PAIR("free under a guard", ORACLE_LIFETIME, free_published, .block = true),
	PAIR("double free", ORACLE_LIFETIME, free_twice, .block = true),
	PAIR("a dead range", ORACLE_LIFETIME, dead_range),
	PAIR("says so itself", ORACLE_FLAT, says),
	PAIR("says so of another order", ORACLE_RETURN, says_of_another_order,
	     .finish = orders_are_judged, .options.executions_max = 1),
	PAIR("has a memory", ORACLE_DETERMINISM, remembers, .varies = true),
};

/* --- running them -------------------------------------------------------- */

static void setup(void *state, void *arg)
{
	const struct run *r = arg;
	struct world *w = state;

	spin_init(&w->low, RANK_PTL);
	spin_init(&w->high, RANK_TEST);
	mutex_init(&w->mutex, RANK_FRAME);
	rwsem_init(&w->sem, RANK_MMAP);
	if (r->pair->block)
		w->block = sync_alloc(64);
}

static void thread(void *state, unsigned t, void *arg)
{
	const struct run *r = arg;

	r->pair->thread(state, t, r->broken);
}

static void finish(void *state, void *arg)
{
	const struct run *r = arg;

	if (r->pair->finish)
		r->pair->finish(state);
}

static const struct explore_finding *find(const struct explore_result *result,
					  enum explore_oracle oracle)
{
	for (unsigned i = 0; i < result->findings; i++)
		if (result->finding[i].oracle == oracle)
			return &result->finding[i];
	return NULL;
}

static void must_replay(const struct explore_check *check, const struct explore_finding *f,
			const char *name)
{
	static struct explore_result again;
	struct explore_trace trace;
	bool same = false;

	assert_non_null(f->replay);
	if (explore_replay(check, f->replay, &trace, &again))
		fail_msg("%s: the replay string %s is refused", name, f->replay);
	for (unsigned i = 0; i < again.findings; i++)
		same |= again.finding[i].oracle == f->oracle &&
			!strcmp(again.finding[i].text, f->text);
	if (!same)
		fail_msg("%s: %s does not show '%s' again", name, f->replay, f->text);
	explore_trace_fini(&trace);
	explore_result_fini(&again);
}

static void must_hold(const struct explore_check *check, const struct explore_options *options,
		      const char *name)
{
	static struct explore_result result;

	assert_int_equal(explore(check, options, &result), 0);
	if (result.findings)
		fail_msg("%s: repaired, and still %s: %s (%s)", name,
			 explore_oracle_name(result.finding[0].oracle), result.finding[0].text,
			 result.finding[0].replay);
	if (!options->executions_max && !result.exhaustive)
		fail_msg("%s: repaired, and not finished: %s", name, result.stopped_by);
	explore_result_fini(&result);
}

static void one_pair(const struct pair *pair)
{
	static struct explore_result result;
	struct explore_options all = pair->options;
	struct run r = { pair, true };
	struct explore_check check = {
		.name = pair->name, .threads = 2, .state_size = sizeof(struct world),
		.setup = setup, .thread = thread, .finish = finish, .arg = &r,
	};
	const struct explore_finding *f;

	assert_int_equal(explore(&check, &pair->options, &result), 0);
	f = find(&result, pair->oracle);
	if (!f)
		fail_msg("%s: the bug is not found in %llu executions", pair->name,
			 (unsigned long long)result.executions);
	if (!pair->varies && pair->oracle != ORACLE_STEPS)
		must_replay(&check, f, pair->name);
	explore_result_fini(&result);

	r.broken = false;
	must_hold(&check, &pair->options, pair->name);
	/* Schedules that the reduction takes for impossible are run too. */
	all.algorithm = EXPLORE_ALL;
	all.executions_max = 0;
	must_hold(&check, &all, pair->name);
}

static void each_pair(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		one_pair(&pairs[i]);
}

/* What an oracle is called stands in JSON and in tests' expectations. */
static void oracles_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ORACLE_COUNT; i++) {
		assert_true(strlen(explore_oracle_name((enum explore_oracle)i)) > 0);
		assert_true(strlen(explore_oracle_meaning((enum explore_oracle)i)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair),
		cmocka_unit_test(oracles_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
