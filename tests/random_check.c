/* SPDX-License-Identifier: MIT */
/* random_check.c - see random_check.h. */
#include "random_check.h"

#include <string.h>

#include "sync/sync.h"

enum { WORDS = 3 };

enum kind {
	R_LOAD, R_STORE, R_XCHG, R_CMPXCHG, R_ADD, R_INC, /* INC: add_relaxed */
	R_SPIN, R_MUTEX, R_READ, R_WRITE,     /* take, touch a word, drop */
	R_TRY, R_TRY_SPIN, R_TRY_READ, R_TRY_WRITE, R_ASK, R_DOWNGRADE,
	R_GUARD, R_CLEAR, R_RCU, R_SYNC, R_AWAIT, R_RELAX, R_CHOOSE, R_PLAIN, R_MIXED,
	R_START, R_JOIN, R_CALL, R_BARRIER,   /* threads that are started */
	R_KINDS,
};

struct world {
	atomic_u64 word[WORDS];
	uint64_t plain[WORDS];
	spin_t spin[2];
	mutex_t mutex;
	rwsem_t sem;
	uint64_t seen[RANDOM_THREADS_MAX];
	struct job { /* of threads that are started: what each of them has seen */
		struct world *world;
		unsigned thread, k, object;
		uint64_t first, second;
	} job[RANDOM_THREADS_MAX][RANDOM_OPS_MAX];
};

static uint64_t next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * 0x2545F4914F6CDD1Du >> 20;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h * 31 + v + 1) * 0xff51afd7ed558ccdu;
	return h ^ h >> 29;
}

void random_check_make(struct random_check *r, uint64_t seed, unsigned ops_max)
{
	uint64_t s = seed * 0x9E3779B97F4A7C15u + 1;
	unsigned left = ops_max;
	bool awaits = false;

	memset(r, 0, sizeof(*r));
	next(&s);
	r->threads = 2 + (unsigned)(next(&s) % 3);
	/* A few kinds at a time, so that they meet. */
	unsigned kinds[3];

	for (unsigned i = 0; i < 3; i++)
		kinds[i] = (unsigned)(next(&s) % R_KINDS);
	for (unsigned t = 0; t < r->threads; t++) {
		unsigned most = left / (r->threads - t);

		r->ops[t] = most ? 1 + (unsigned)(next(&s) % most) : 0;
		if (r->ops[t] > RANDOM_OPS_MAX)
			r->ops[t] = RANDOM_OPS_MAX;
		left -= r->ops[t];
		for (unsigned k = 0; k < r->ops[t]; k++) {
			r->op[t][k].kind = (uint8_t)(next(&s) % 3 ? kinds[next(&s) % 3] :
						     next(&s) % R_KINDS);
			r->op[t][k].object = (uint8_t)(next(&s) % WORDS);
			awaits |= r->op[t][k].kind == R_AWAIT || r->op[t][k].kind == R_RELAX;
		}
	}
	for (unsigned t = 0; t < r->threads && awaits; t++)
		for (unsigned k = 0; k < r->ops[t]; k++)
			if (r->op[t][k].kind == R_INC)
				r->op[t][k].kind = R_ADD;
}

static void setup(void *state, void *arg)
{
	struct world *w = state;

	(void)arg;
	spin_init(&w->spin[0], RANK_PTL);
	spin_init(&w->spin[1], RANK_TEST);
	mutex_init(&w->mutex, RANK_FRAME);
	rwsem_init(&w->sem, RANK_MMAP);
}

static bool is_set(uint64_t v, uint64_t arg)
{
	(void)arg;
	return v != 0;
}

static uint64_t touch(atomic_u64 *word, unsigned k, uint64_t value)
{
	if (k & 1) {
		store_release(word, value);
		return 0;
	}
	return load_acquire(word);
}

static uint64_t locked(struct world *w, enum kind kind, unsigned k, atomic_u64 *word,
		       uint64_t value)
{
	uint64_t v = 0;

	switch (kind) {
	case R_SPIN:
		spin_lock(&w->spin[k & 1]);
		v = touch(word, k, value);
		spin_unlock(&w->spin[k & 1]);
		break;
	case R_MUTEX:
		mutex_lock(&w->mutex);
		v = touch(word, k, value);
		mutex_unlock(&w->mutex);
		break;
	case R_READ:
		down_read(&w->sem);
		v = touch(word, k, value);
		up_read(&w->sem);
		break;
	case R_WRITE:
		down_write(&w->sem);
		v = touch(word, k, value);
		up_write(&w->sem);
		break;
	default:
		if (mutex_trylock(&w->mutex)) {
			v = 3 + touch(word, k, value);
			mutex_unlock(&w->mutex);
		}
	}
	return v;
}

/* The same of locks whose unlocks are steps from then on. */
static uint64_t tried(struct world *w, enum kind kind, unsigned k, atomic_u64 *word,
		      uint64_t value)
{
	uint64_t v = 0;

	switch (kind) {
	case R_TRY_SPIN:
		if (sync_trylock_(&w->spin[k & 1].owner, w->spin[k & 1].rank, SYNC_SPINS,
				  SYNC_SITE)) {
			v = 3 + touch(word, k, value);
			spin_unlock(&w->spin[k & 1]);
		}
		break;
	case R_TRY_READ:
	case R_TRY_WRITE:
		if (sync_try_down_(&w->sem, kind == R_TRY_READ, w->sem.rank, SYNC_SLEEPS,
				   SYNC_SITE)) {
			v = 3 + touch(word, k, value);
			sync_up_(&w->sem, kind == R_TRY_READ, SYNC_SITE);
		}
		break;
	case R_ASK:
		v = 1 + (k & 2 ? sync_is_locked_(&w->spin[k & 1].owner, SYNC_SPINS, SYNC_SITE) :
				 sync_is_rwlocked_(&w->sem, SYNC_SITE));
		break;
	default:
		down_write(&w->sem);
		v = touch(word, k, value);
		sync_downgrade_(&w->sem, SYNC_SITE);
		v = v * 3 + touch(word, k + 1, value);
		up_read(&w->sem);
	}
	return v;
}

/* What the compiler would call: an access that is no step, of which only races are seen. */
void __tsan_init(void);
void __tsan_read8(void *addr);
void __tsan_write8(void *addr);

static void plain(void *word, unsigned k)
{
	if (k & 1)
		__tsan_write8(word);
	else
		__tsan_read8(word);
}

/* Asks until the word is set; other is loaded in between by odd ones. */
static uint64_t spin(atomic_u64 *word, atomic_u64 *other, unsigned k)
{
	uint64_t v = k & 1 ? load_acquire(other) : 0;

	while (!load_acquire(word) && (!(k & 2) || !load_acquire(other)))
		sync_relax_(SYNC_SITE);
	return v;
}

static uint64_t section(enum kind kind, atomic_u64 *word, atomic_u64 *other, uint64_t value)
{
	uint64_t v = 0;

	switch (kind) {
	case R_GUARD:
		guard_enter();
		v = guard_load(word);
		v = v * 3 + load_acquire(other);
		guard_leave();
		break;
	case R_CLEAR:
		v = xchg_acq_rel(word, value);
		guard_mark(word);
		guard_wait();
		store_release(other, value);
		break;
	case R_RCU:
		rcu_read_lock();
		v = load_acquire(word);
		v = v * 3 + load_acquire(other);
		rcu_read_unlock();
		break;
	default:
		store_release(word, value);
		synchronize_rcu();
		store_release(other, value);
	}
	return v;
}

/* What a started thread does; one of the later ones starts another. */
static void second(void *arg)
{
	struct job *j = arg;

	j->second = load_acquire(&j->world->word[j->object]);
}

static void first(void *arg)
{
	struct job *j = arg;
	struct world *w = j->world;
	uint64_t v = xchg_acq_rel(&w->word[j->object], 100 + j->thread * 16 + j->k);

	if (j->k == 3)
		v = v * 3 + load_acquire(&w->word[(j->object + 1) % WORDS]);
	j->first = mix(j->first, v);
	if (j->k == 2)
		sync_start_((struct sync_start){ .code = second, .arg = j }, SYNC_SITE);
}

static uint64_t start(struct job *j, enum kind kind)
{
	struct sync_start how = { .code = first, .arg = j };
	uint32_t self;

	if (kind == R_CALL) {
		sync_call_later_(how, SYNC_SITE);
		return 0;
	}
	self = sync_start_(how, SYNC_SITE);
	if (j->k == 1) { /* another one that waits for its end */
		how.after = self;
		self = sync_start_(how, SYNC_SITE);
	}
	if (kind == R_JOIN) {
		sync_join_(self, SYNC_SITE);
		return j->first;
	}
	return 0;
}

static void thread(void *state, unsigned t, void *arg)
{
	struct world *w = state;
	const struct random_check *r = arg;

	for (unsigned k = 0; k < r->ops[t]; k++) {
		atomic_u64 *word = &w->word[r->op[t][k].object];
		atomic_u64 *other = &w->word[(r->op[t][k].object + 1) % WORDS];
		uint64_t value = 1 + t * 16 + k, v = 0;
		enum kind kind = r->op[t][k].kind;

		switch (kind) {
		case R_LOAD:    v = load_acquire(word); break;
		case R_STORE:   store_release(word, value); break;
		case R_XCHG:    v = xchg_acq_rel(word, value); break;
		case R_CMPXCHG: v = cmpxchg_acq_rel(word, &v, value) + v; break;
		case R_ADD:     v = add_acq_rel(word, value); break;
		case R_INC:     add_relaxed(word, value); break;
		case R_AWAIT:   wait_until(word, is_set, 0); break;
		case R_RELAX:   v = spin(word, other, k); break;
		case R_PLAIN:   plain(&w->plain[r->op[t][k].object], k); break;
		case R_MIXED:   plain(word, k); break;
		case R_CHOOSE:  v = sync_choose_(2, SYNC_SITE); break;
		case R_GUARD:
		case R_CLEAR:
		case R_RCU:
		case R_SYNC:    v = section(kind, word, other, value); break;
		case R_BARRIER:
			sync_calls_wait_(NULL, SYNC_SITE);
			v = load_acquire(other);
			break;
		case R_START:
		case R_JOIN:
		case R_CALL:
			w->job[t][k] = (struct job){ w, t, k, r->op[t][k].object, 0, 0 };
			v = start(&w->job[t][k], kind);
			break;
		case R_TRY_SPIN:
		case R_TRY_READ:
		case R_TRY_WRITE:
		case R_ASK:
		case R_DOWNGRADE: v = tried(w, kind, k, word, value); break;
		default:        v = locked(w, kind, k, word, value); break;
		}
		w->seen[t] = mix(w->seen[t], v + 1);
	}
}

bool random_check_has(const struct random_check *r, uint64_t result)
{
	size_t i = result % RANDOM_RESULTS_MAX;

	for (; r->results[i]; i = (i + 1) % RANDOM_RESULTS_MAX)
		if (r->results[i] == result)
			return true;
	return false;
}

static bool has_kind(const struct random_check *r, enum kind kind)
{
	for (unsigned t = 0; t < r->threads; t++)
		for (unsigned k = 0; k < r->ops[t]; k++)
			if (r->op[t][k].kind == kind)
				return true;
	return false;
}

bool random_check_chooses(const struct random_check *r) { return has_kind(r, R_CHOOSE); }
bool random_check_spins(const struct random_check *r) { return has_kind(r, R_RELAX); }

static void finish(void *state, void *arg)
{
	const struct world *w = state;
	struct random_check *r = arg;
	uint64_t h = 1;
	size_t i;

	for (unsigned t = 0; t < r->threads; t++)
		h = mix(h, w->seen[t]);
	for (unsigned t = 0; t < r->threads; t++)
		for (unsigned k = 0; k < r->ops[t]; k++)
			h = mix(mix(h, w->job[t][k].first), w->job[t][k].second);
	for (unsigned k = 0; k < WORDS; k++)
		h = mix(h, w->word[k].v);
	if (random_check_has(r, h))
		return;
	ASSERT(r->result_count < RANDOM_RESULTS_MAX / 2);
	for (i = h % RANDOM_RESULTS_MAX; r->results[i]; i = (i + 1) % RANDOM_RESULTS_MAX)
		;
	r->results[i] = h;
	r->result_count++;
}

struct explore_check random_check_as_check(struct random_check *r)
{
	__tsan_init();
	return (struct explore_check){
		.name = "random", .threads = r->threads, .state_size = sizeof(struct world),
		.setup = setup, .thread = thread, .finish = finish, .arg = r,
	};
}
