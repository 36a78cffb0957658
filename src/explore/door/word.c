/* SPDX-License-Identifier: MIT */
/*
 * word.c - takes the operations that come through the checked door (sync/sync_checked.h). Each is
 * announced with all that it is, and is performed once sched.c has chosen its thread. What a word
 * gives back is the answer of the memory model. Outside of the threads, in set-up and at the end,
 * nothing has to be chosen, and words are memory.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"

static void may_go(const struct pending *p)
{
	static const struct thread nobody;

	if (sched_can_go(p, &nobody))
		return;
	engine_fail(ORACLE_DEADLOCK, -1, -1, -1, "%s would wait forever outside the threads",
		    p->site->function);
	engine_give_up();
}

uint64_t door_outside(enum sync_kind kind, const void *object, const struct sync_site *site)
{
	const struct pending p = { .addr = (void *)(uintptr_t)object, .site = site,
				   .kind = (uint8_t)kind };

	may_go(&p);
	return sched_take(&p, SETUP + 1);
}

/* --- words --------------------------------------------------------------- */

static inline struct pending *access_fill(struct pending *p, struct sync_access access,
					  uint64_t a, uint64_t b)
{
	p->choices = 1;
	p->bytes = access.bytes;
	p->order = access.order;
	p->update = access.update;
	p->a = a;
	p->b = b;
	return p;
}

/* Words are at most 8 bytes long; what the caller's conversion left above them goes. */
static inline uint64_t cut(uint64_t v, uint8_t bytes)
{
	return bytes == sizeof(v) ? v : v & ((1ull << 8 * bytes) - 1);
}

static inline uint64_t word_do(void *word, struct sync_access access, enum sync_kind kind,
			       uint64_t a, uint64_t b, const struct sync_site *site)
{
	struct pending outside = { .addr = word, .kind = access.kind }, *p;

	if (__builtin_expect(x.cur < 0, 0))
		return sc_perform(access_fill(&outside, access, a, b));
	p = access_fill(&x.pend[x.cur], access, a, b);
	return door_announce(p, kind, word, site);
}

uint64_t sync_read_(const void *word, struct sync_access access, const struct sync_site *site)
{
	return word_do((void *)(uintptr_t)word, access, SYNC_LOAD, 0, 0, site);
}

uint64_t sync_write_(void *word, struct sync_access access, uint64_t value,
		     const struct sync_site *site)
{
	return word_do(word, access, SYNC_STORE, cut(value, access.bytes), 0, site);
}

uint64_t sync_update_(void *word, struct sync_access access, uint64_t a, uint64_t b,
		      const struct sync_site *site)
{
	bool adds = access.kind == SYNC_INC && !(x.assumes & ADDS_ARE_ORDERED);
	enum sync_kind kind = adds ? SYNC_INC : SYNC_RMW;
	uint64_t old = word_do(word, access, kind, cut(a, access.bytes), cut(b, access.bytes),
			       site);

	if (access.update == SYNC_SET_IF && x.plain && x.dead_count && old != a)
		memory_compared(a, old, site);
	return old;
}

void *sync_load_ptr_along_(const atomic_ptr *p) { return p->v; }

void sync_store_ptr_along_(atomic_ptr *p, void *value)
{
	if (x.watching && x.cur >= 0)
		trail_plain(p, sizeof(p->v));
	p->v = value;
}

void sync_told_(const void *word, struct sync_access access, const struct sync_site *site)
{
	if (x.cur >= 0)
		door_announce(access_fill(&x.pend[x.cur], access, 0, 0), access.kind,
			 (void *)(uintptr_t)word, site);
}

void sync_fence_(enum sync_order order, const struct sync_site *site)
{
	if (x.cur < 0 || !x.model->fences_are_steps)
		return;
	door_visible(SYNC_FENCE, NULL, order, site);
}

void sync_plain_(const void *p, size_t size, bool write, const struct sync_site *site)
{
	const struct sync_site *noted = x.cur < 0 ? NULL : x.thread[x.cur].noted_at;

	if (x.plain)
		plain_access(p, size, write, noted ? noted : site);
}

/* --- other operations ---------------------------------------------------- */

unsigned sync_choose_(unsigned n, const struct sync_site *site)
{
	if (x.cur < 0 || n < 2)
		return 0;
	ASSERT(n <= 255);
	access_fill(&x.pend[x.cur], (struct sync_access){ .kind = SYNC_CHOOSE }, 0, 0);
	x.pend[x.cur].choices = (uint8_t)n;
	return (unsigned)door_announce(&x.pend[x.cur], SYNC_CHOOSE, NULL, site);
}

void door_await(enum sync_kind kind, const void *word, uint8_t bytes,
		bool (*pred)(uint64_t, uint64_t), uint64_t arg, const struct sync_site *site)
{
	void *addr = (void *)(uintptr_t)word;
	struct pending outside = { .addr = addr, .site = site, .kind = (uint8_t)kind };
	struct pending *p = x.cur < 0 ? &outside : &x.pend[x.cur];

	access_fill(p, (struct sync_access){ (uint8_t)kind, bytes, SYNC_ACQUIRE, 0 }, arg, 0);
	p->pred = pred;
	if (x.cur < 0)
		may_go(p);
	else
		door_announce(p, kind, addr, site);
}

void sync_await_(const atomic_u64 *w, bool (*pred)(uint64_t, uint64_t), uint64_t arg,
		 const struct sync_site *site)
{
	sync_might_sleep_(site);
	door_waits();
	door_await(SYNC_AWAIT, w, sizeof(*w), pred, arg, site);
}

static bool differs(uint64_t word, uint64_t seen) { return word != seen; }

void sync_spin_while_bytes_(const void *w, uint8_t bytes, uint64_t v,
			    const struct sync_site *site)
{
	door_waits();
	door_await(SYNC_RELAX, w, bytes, differs, v, site);
}

uint32_t sync_self(void) { return (uint32_t)(x.cur >= 0 ? x.cur : SETUP) + 1; }
