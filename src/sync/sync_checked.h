/* SPDX-License-Identifier: MIT */
/*
 * sync_checked.h - the door under the explorer. See sync.h for the contract.
 *
 * Each name is a visible operation. It is announced with all that it is: kind,
 * memory order, address, size, and the value that is stored or the function that
 * updates. It returns when the explorer has chosen this thread to perform it,
 * with the value that the memory model gives it: nothing here reads or writes a
 * word itself. Macros exist only to note the caller's place.
 *
 * What is not a scheduling point, and why that loses nothing:
 * - unlocking a spin lock or rwsem and leaving a section happen together with
 *   the thread's previous operation: they only enable others, and nobody can
 *   observe the moment. That is an argument about sequential consistency, and so
 *   it is a property of the memory model, src/explore/model/model.h, whether it is
 *   so. Once a check tries such a lock, or asks whether it is taken, the search
 *   begins again, and each unlock is a step (UNLOCKS_ARE_STEPS of the engine);
 * - entering a guard section happens with its first load, guard_mark with the
 *   change before it: later and earlier, respectively, is the worst case;
 * - allocation: each thread is served from memory of its own.
 */
#ifndef MMUN_SYNC_CHECKED_H
#define MMUN_SYNC_CHECKED_H

/* A small world: 4-word pages, 4-entry tables, 256 pages of user addresses. */
enum {
	SYNC_PAGE_SHIFT = 5,
	SYNC_TABLE_SHIFT = 2,
#ifdef MMUN_TINY
	SYNC_CPU_TLB_SHIFT = 1,
	SYNC_SEQ_START = -2, /* as a uint64_t: the second number is the last one */
	SYNC_GENERATION_START = 255,
#else
	SYNC_CPU_TLB_SHIFT = 6,
	SYNC_SEQ_START = 2,
	SYNC_GENERATION_START = 0,
#endif
};

#ifndef MMUN_SYNC_SITE /* mmun/kernel.h has it too */
#define MMUN_SYNC_SITE
struct sync_site { const char *file, *function; int line; };
#endif

#define SYNC_SITE ({ \
	static const struct sync_site site_ = { __FILE__, __func__, __LINE__ }; \
	&site_; })

/* The same, as if this were the function @name. */
#define SYNC_SITE_OF(name) ({ \
	static const struct sync_site site_ = { __FILE__, (name), __LINE__ }; \
	&site_; })

/* How two operations on one object depend: equal READs commute, equal ADDs
 * commute, all else does not; NONE depends on nothing. */
enum sync_class { SYNC_NONE, SYNC_READ, SYNC_ADD, SYNC_WRITE };

/* X(enumerator, class, may block, name) */
#define SYNC_KINDS(X)                                      \
	X(SYNC_LOAD,       SYNC_READ,  0, "load")          \
	X(SYNC_STORE,      SYNC_WRITE, 0, "store")         \
	X(SYNC_RMW,        SYNC_WRITE, 0, "exchange")      \
	X(SYNC_INC,        SYNC_ADD,   0, "add")           \
	X(SYNC_LOCK,       SYNC_WRITE, 1, "lock")          \
	X(SYNC_UNLOCK,     SYNC_WRITE, 0, "unlock")        \
	X(SYNC_RLOCK,      SYNC_READ,  1, "lock (read)")   \
	X(SYNC_WLOCK,      SYNC_WRITE, 1, "lock (write)")  \
	X(SYNC_RUNLOCK,    SYNC_READ,  0, "unlock (read)") \
	X(SYNC_WUNLOCK,    SYNC_WRITE, 0, "unlock (write)") \
	X(SYNC_DOWNGRADE,  SYNC_WRITE, 0, "downgrade")     \
	X(SYNC_TRYLOCK,    SYNC_WRITE, 0, "trylock")       \
	X(SYNC_TRY_RLOCK,  SYNC_READ,  0, "trylock (read)") \
	X(SYNC_TRY_WLOCK,  SYNC_WRITE, 0, "trylock (write)") \
	X(SYNC_IS_LOCKED,  SYNC_WRITE, 0, "is it locked")  \
	X(SYNC_IS_RWLOCKED, SYNC_WRITE, 0, "is it locked") \
	X(SYNC_LET_GO,     SYNC_NONE,  0, "let go")        \
	X(SYNC_RCU_BEGIN,  SYNC_READ,  0, "rcu read lock") \
	X(SYNC_RCU_SYNC,   SYNC_WRITE, 0, "synchronize rcu") \
	X(SYNC_RCU_WAIT,   SYNC_NONE,  1, "grace period")  \
	X(SYNC_GUARD_WAIT, SYNC_NONE,  1, "wait for guards") \
	X(SYNC_CALL,       SYNC_ADD,   0, "call later")    \
	X(SYNC_BARRIER,    SYNC_READ,  0, "wait for calls") \
	X(SYNC_BEGIN,      SYNC_NONE,  1, "begin")         \
	X(SYNC_ENDS,       SYNC_NONE,  1, "wait for the end") \
	X(SYNC_AWAIT,      SYNC_READ,  1, "wait until")    \
	X(SYNC_RELAX,      SYNC_READ,  1, "spin")          \
	X(SYNC_SPIN,       SYNC_NONE,  1, "spin")          \
	X(SYNC_CHOOSE,     SYNC_NONE,  0, "choose")        \
	X(SYNC_FENCE,      SYNC_NONE,  0, "fence")

enum sync_kind {
#define X(e, ...) e,
	SYNC_KINDS(X)
#undef X
	SYNC_KIND_COUNT,
};

typedef struct { uint64_t v; } atomic_u64;
typedef struct { void *v; } atomic_ptr;

typedef struct { uint32_t owner, rank; } spin_t;   /* owner: thread + 1 */
typedef struct { uint32_t owner, rank; } mutex_t;
/* writers: that wait, if readers queue behind them */
typedef struct { uint32_t owner, rank; int32_t readers; uint32_t writers; } rwsem_t;

/* Memory orders: those of C11, and what Linux has besides. */
enum sync_order {
	SYNC_RELAXED, SYNC_ACQUIRE, SYNC_RELEASE, SYNC_ACQ_REL, SYNC_SEQ_CST,
	SYNC_FULL,   /* as between two smp_mb(); of a fence: smp_mb() */
	SYNC_READS,  /* a fence only: smp_rmb() */
	SYNC_WRITES, /* a fence only: smp_wmb() */
};

/* What an update makes of the old value. X(enumerator, the new value) */
#define SYNC_UPDATES(X)                                                     \
	X(SYNC_SET,        a)                                               \
	X(SYNC_ADD_TO,     old + a)                                         \
	X(SYNC_AND,        old & a)                                         \
	X(SYNC_OR,         old | a)                                         \
	X(SYNC_XOR,        old ^ a)                                         \
	X(SYNC_NAND,       ~(old & a))                                      \
	X(SYNC_SET_IF,     old == a ? b : old)                              \
	X(SYNC_ADD_UNLESS, old == b ? old : old + a)                        \
	/* one of a count, unless there is none, or it never runs out */    \
	X(SYNC_TAKE,       old && old != b ? old - 1 : old)                 \
	X(SYNC_KEEP,       old)

enum sync_update {
#define X(e, ...) e,
	SYNC_UPDATES(X)
#undef X
};

/* What is done to a word, but for values: bytes is 1, 2, 4 or 8; kind is SYNC_LOAD, SYNC_STORE,
 * SYNC_RMW or SYNC_INC; a load keeps the word, a store sets it. */
struct sync_access { uint8_t kind, bytes, order, update; };

/* The explorer's side: src/explore/door. The value before, whatever the kind: a load is given
 * it, and who judges a store knows what was replaced. */
uint64_t sync_read_(const void *word, struct sync_access access, const struct sync_site *site);
uint64_t sync_write_(void *word, struct sync_access access, uint64_t value,
		     const struct sync_site *site);
uint64_t sync_update_(void *word, struct sync_access access, uint64_t a, uint64_t b,
		      const struct sync_site *site);
void sync_fence_(enum sync_order order, const struct sync_site *site);
/* A plain access that the caller makes, or stands for: it is watched as a check's is. */
void sync_plain_(const void *p, size_t size, bool write, const struct sync_site *site);
/* A load and a store that happen together with the operation before them, and are no steps of
 * their own. */
void *sync_load_ptr_along_(const atomic_ptr *p);
void sync_store_ptr_along_(atomic_ptr *p, void *value);
/* An access that the code is about to perform by itself, which it tells of: volatile ones. The
 * word is kept. Only models that keep memory up to date can have them. */
void sync_told_(const void *word, struct sync_access access, const struct sync_site *site);

/* How a lock is taken: it spins; it may sleep; or as if it were tried, in any context and order. */
enum sync_hold { SYNC_SPINS, SYNC_SLEEPS, SYNC_TRIED };

#define SYNC_UNRANKED UINT32_MAX /* instead of a rank: may be taken in any order */

void sync_lock_(uint32_t *owner, uint32_t rank, enum sync_hold hold,
		const struct sync_site *site);
/* @hold: how it is held, once it is. */
bool sync_trylock_(uint32_t *owner, uint32_t rank, enum sync_hold hold,
		   const struct sync_site *site);
void sync_unlock_(uint32_t *owner, enum sync_hold hold, const struct sync_site *site);
void sync_down_(rwsem_t *sem, bool read, uint32_t rank, enum sync_hold hold,
		const struct sync_site *site);
bool sync_try_down_(rwsem_t *sem, bool read, uint32_t rank, enum sync_hold hold,
		    const struct sync_site *site);
void sync_up_(rwsem_t *sem, bool read, const struct sync_site *site);
/* The writer that has it becomes a reader. */
void sync_downgrade_(rwsem_t *sem, const struct sync_site *site);
/* Has any thread the lock, for reading or writing? */
bool sync_is_locked_(uint32_t *owner, enum sync_hold hold, const struct sync_site *site);
bool sync_is_rwlocked_(rwsem_t *sem, const struct sync_site *site);
uint32_t sync_self(void);      /* thread + 1; in set-up and at the end a number of its own */
unsigned sync_choose_(unsigned n, const struct sync_site *site);
/* While it is set the calling thread waits for no longer than its time-out: where nobody else can
 * go on either, it would not have waited. Other executions have that. */
void sync_timed_(bool timed);
void sync_assert_held_(const void *lock, const struct sync_site *site);
void sync_might_sleep_(const struct sync_site *site);
bool sync_holds_(const void *lock); /* does the calling thread? */
/* For writing, or for reading. */
bool sync_holds_as_(const void *lock, bool write);
void sync_assert_held_as_(const void *lock, bool write, const struct sync_site *site);
/* And for writing: then nobody else holds it. */
#define sync_write_held(sem) (sync_holds_(sem) && (sem)->owner)
/* Ranges of address spaces that the calling thread has told notifiers of: see sync.h. */
void sync_range_begin_(const void *mm, uint64_t start, uint64_t end, bool told,
		       const struct sync_site *site);
bool sync_range_end_(const void *mm, uint64_t start, uint64_t end,
		     const struct sync_site *site);
bool sync_in_range_(const void *mm, uint64_t addr);
_Noreturn void sync_contract_broken_(const char *wrong, const struct sync_site *site);
void sync_nonblock_begin(void);
void sync_nonblock_end(void);
/* In which callback a thread is: src/explore/door/callback.c. */
struct sync_callback {
	const char *name;
	unsigned is;
	const struct sync_site *noted_at; /* of a callback that was left for another one */
};
struct sync_callback sync_callback_begin_(const char *name, unsigned is); /* the one before */
void sync_callback_end_(struct sync_callback *before);
/* It is a finding if the thread is in a callback of such a kind. */
void sync_callback_calls_(const char *call, unsigned not_if, const struct sync_site *site);
void sync_user_calls_(const char *call, unsigned not_if, const void *address);
void sync_rcu_lock_(const struct sync_site *site);
void sync_rcu_unlock_(const struct sync_site *site);
void sync_rcu_synchronize_(const struct sync_site *site);
/* The same for sections that may sleep, each domain for itself: SRCU, for checks. */
void sync_srcu_lock_(const void *domain, const struct sync_site *site);
/* The same, and always a step, also if it nests. */
void sync_srcu_enter_(const void *domain, const struct sync_site *site);
void sync_srcu_unlock_(const void *domain, const struct sync_site *site);
void sync_srcu_synchronize_(const void *domain, const struct sync_site *site);

/*
 * A thread that calls code(arg), and is over. It begins when all sections of the domain are left
 * that are open now (NULL: of none), and when the thread with the sync_self() after, which was
 * started, has ended (0: none). In pictures it is called by the function of the place where it
 * begins (NULL: where it is started).
 */
struct sync_start {
	void (*code)(void *arg);
	void *arg;
	const struct sync_site *begins_at;
	const void *domain;
	uint32_t after;
	bool nonblock;         /* it must not sleep */
};

/* The new thread's sync_self(); 0 at the end, where it is run at once. */
uint32_t sync_start_(struct sync_start how, const struct sync_site *site);
/* The one that the thread has that is started next; 0 at the end. */
uint32_t sync_next_(void);
/* A word of a thread that was started: 0 at first, and for nobody else's use. */
atomic_u64 *sync_word_of_(uint32_t self);
/* How many threads the check has by itself. */
uint32_t sync_check_threads_(void);
/* For who stands behind names: memory that each execution begins with as zeros. */
enum { SYNC_SCRATCH_BYTES = 2048 };
void *sync_scratch_(void);
/* After a grace period of the domain, NULL: RCU's own. */
uint32_t sync_call_later_(struct sync_start how, const struct sync_site *site);
/* Waits for the ends of all that was called so far; also of what they call themselves. */
void sync_calls_wait_(const void *domain, const struct sync_site *site);
void sync_calls_drain_(const void *domain, const struct sync_site *site);
/* Until it has ended. Does not sleep, but may not return. 0: nobody. */
void sync_join_(uint32_t self, const struct sync_site *site);
void sync_guard_enter_(const struct sync_site *site);
void sync_guard_leave_(const struct sync_site *site);
void sync_guard_loaded_(const atomic_u64 *w);
void sync_guard_mark_(const atomic_u64 *w);
void sync_guard_wait_(const struct sync_site *site);
void sync_await_(const atomic_u64 *w, bool (*pred)(uint64_t, uint64_t), uint64_t arg,
		 const struct sync_site *site);
/* For who asks again and again, in any context: see src/explore/door/spin.c. */
void sync_relax_(const struct sync_site *site);
void sync_spin_while_bytes_(const void *w, uint8_t bytes, uint64_t v,
			    const struct sync_site *site);
bool sync_alloc_fails_(const struct sync_site *site); /* by choice */
void *sync_alloc_(size_t size, const struct sync_site *site);
void sync_unwritten_(void *p, size_t size); /* of a block: what it holds is nobody's */
void sync_free_(void *p, const struct sync_site *site);
uint64_t sync_alloc_live(void);
/* Names memory of the check so that every run names it alike; false: it is none. */
bool sync_address_text(uint64_t value, char *buf, size_t size);
/* The place in the source of the call that returns to @address; it lasts. */
const struct sync_site *sync_called_from_(const void *address);
void sync_range_dead_(void *p, size_t size, const struct sync_site *site);
void sync_range_live_(void *p, size_t size, const struct sync_site *site);
/* The calling thread uses this memory, in its latest operation or after it, and neither reads nor
 * writes it; or is about to do so in its next one. False: it was freed, which is a finding. */
enum sync_use { SYNC_BEFORE_STEP, SYNC_IN_STEP, SYNC_AFTER_STEP };
bool sync_uses_(const void *p, size_t size, enum sync_use when, const struct sync_site *site);
/* The same of who gives it up, which may free it. */
bool sync_frees_(const void *p, size_t size, enum sync_use when, const struct sync_site *site);
_Noreturn void sync_not_alive_(const char *expr, const void *p, const struct sync_site *site);
/* The calling thread does @what to memory that it has no right to: the execution ends. */
_Noreturn void sync_misuses_(const char *what, const struct sync_site *site);
_Noreturn void sync_give_up(void); /* the execution cannot go on; there was a finding */
/* The library keeps this memory, which is a user's; and no more. */
void sync_kept_(const void *p, size_t size, const char *as, const struct sync_site *site);
bool sync_is_kept_(const void *p, size_t size);
void sync_not_kept_(const void *p, size_t size, const struct sync_site *site);
void sync_leaked_(const void *p, const char *what, const struct sync_site *site);
/* This thread's numbers: from the one returned. Of set-up's, @taken are given out. */
uint32_t sync_pool_slice(uint32_t size, uint32_t taken, uint32_t *ret_end);

/* A picture is being made, or somebody listens. */
extern bool sync_recording;

/* The words are as many as the kind has; pointers go through uintptr_t. */
void sync_event_(enum sync_event kind, const uint64_t words[EVENT_WORDS_MAX],
		 const struct sync_site *site);
/* What the calling thread says from here on is said to be done at @site, NULL: where it is said.
 * Returns what was so before. */
const struct sync_site *sync_noted_at_(const struct sync_site *site);

#define sync_event_at(site, kind, ...) do { \
	_Static_assert(sizeof((uint64_t[]){ __VA_ARGS__ }) == \
		       sizeof(uint64_t) * EVENT_WORDS_##kind, "as many words as the kind has"); \
	if (__builtin_expect(sync_recording, 0)) \
		sync_event_(EVENT_##kind, (const uint64_t[EVENT_WORDS_MAX]){ __VA_ARGS__ }, \
			    (site)); \
} while (0)

#define sync_event(kind, ...) sync_event_at(SYNC_SITE, kind, __VA_ARGS__)

/* In the function that a check watches with: what the entry of a page table or TLB is now, as
 * event_entry() has it, for the addresses from @start up to @end. */
void sync_watch_entry(const char *name, uint64_t start, uint64_t end, uint64_t entry);

/* Whoever listens hears each event when it happens. One at a time; NULL: nobody. */
typedef void sync_listener_fn(enum sync_event kind, const uint64_t words[EVENT_WORDS_MAX]);

void sync_listen(sync_listener_fn *listener);

/* first: its first operation of the explorer's is the thread's first-th. */
struct sync_operation { const char *name; unsigned steps, first; };

struct sync_operation sync_operation_begin_(const char *name); /* the one before */
void sync_operation_end_(struct sync_operation *before);

#define sync_operation(name) \
	__attribute__((cleanup(sync_operation_end_), unused)) struct sync_operation operation_ = \
		sync_operation_begin_(name)

bool sync_optional(const char *what);

/* See src/explore/door/stale.c. */
unsigned sync_walked_(void);
void sync_tlb_fill_(const void *tlb, uint64_t page, unsigned walked);
void sync_tlb_use_(const void *tlb, const void *space, uint64_t page, uint64_t addr,
		   uint32_t pfn, bool write);
void sync_taken_away_(const char *name, const void *space, uint64_t start, uint64_t end,
		      bool loads);
void sync_copied_(uint32_t from, uint32_t to, unsigned word);
void sync_entry_loses_(const void *space, uint64_t addr, uint32_t pfn);
void sync_entry_gets_(const void *space, uint64_t addr, uint32_t pfn);
void sync_cleaned_(void *machine, uint32_t pfn, bool dirty, sync_page_is *is);
#define sync_walked() sync_walked_()
#define sync_cleaned(machine, pfn, dirty, is) sync_cleaned_((machine), (pfn), (dirty), (is))
#define sync_copied(from, to, word) sync_copied_((from), (to), (unsigned)(word))
#define sync_tlb_fill(tlb, page, walked) sync_tlb_fill_((tlb), (page), (walked))
#define sync_tlb_use(tlb, space, page, addr, pfn, write) \
	sync_tlb_use_((tlb), (space), (page), (addr), (pfn), (write))
#define sync_taken_away(name, space, start, end, loads) \
	sync_taken_away_((name), (space), (start), (end), (loads))

/* --- words --------------------------------------------------------------- */

#define SYNC_ACCESS(kind, w, order, update) \
	((struct sync_access){ (kind), sizeof((w)->v), (order), (update) })

static inline uint64_t sync_load_(const atomic_u64 *w, enum sync_order order,
				  const struct sync_site *site)
{
	return sync_read_(w, SYNC_ACCESS(SYNC_LOAD, w, order, SYNC_KEEP), site);
}

static inline void sync_store_(atomic_u64 *w, uint64_t v, enum sync_order order,
			       const struct sync_site *site)
{
	sync_write_(w, SYNC_ACCESS(SYNC_STORE, w, order, SYNC_SET), v, site);
}

static inline uint64_t sync_xchg_(atomic_u64 *w, uint64_t v, const struct sync_site *site)
{
	return sync_update_(w, SYNC_ACCESS(SYNC_RMW, w, SYNC_ACQ_REL, SYNC_SET), v, 0, site);
}

static inline uint64_t sync_add_(atomic_u64 *w, uint64_t v, const struct sync_site *site)
{
	return sync_update_(w, SYNC_ACCESS(SYNC_RMW, w, SYNC_ACQ_REL, SYNC_ADD_TO), v, 0, site);
}

static inline void sync_inc_(atomic_u64 *w, uint64_t v, const struct sync_site *site)
{
	sync_update_(w, SYNC_ACCESS(SYNC_INC, w, SYNC_RELAXED, SYNC_ADD_TO), v, 0, site);
}

static inline bool sync_cmpxchg_(atomic_u64 *w, uint64_t *old, uint64_t v,
				 const struct sync_site *site)
{
	uint64_t was = sync_update_(w, SYNC_ACCESS(SYNC_RMW, w, SYNC_ACQ_REL, SYNC_SET_IF), *old,
				    v, site);
	bool same = was == *old;

	*old = was;
	return same;
}

static inline void *sync_load_ptr_(const atomic_ptr *p, const struct sync_site *site)
{
	return (void *)(uintptr_t)sync_read_(
		p, SYNC_ACCESS(SYNC_LOAD, p, SYNC_ACQUIRE, SYNC_KEEP), site);
}

static inline void sync_store_ptr_(atomic_ptr *p, void *q, const struct sync_site *site)
{
	sync_write_(p, SYNC_ACCESS(SYNC_STORE, p, SYNC_RELEASE, SYNC_SET), (uintptr_t)q, site);
}

static inline uint64_t sync_guard_load_(const atomic_u64 *w, const struct sync_site *site)
{
	uint64_t v = sync_load_(w, SYNC_ACQUIRE, site);

	sync_guard_loaded_(w);
	return v;
}

#define load_relaxed(w)           sync_load_((w), SYNC_RELAXED, SYNC_SITE)
#define load_acquire(w)           sync_load_((w), SYNC_ACQUIRE, SYNC_SITE)
#define store_relaxed(w, v)       sync_store_((w), (v), SYNC_RELAXED, SYNC_SITE)
#define store_release(w, v)       sync_store_((w), (v), SYNC_RELEASE, SYNC_SITE)
#define xchg_acq_rel(w, v)        sync_xchg_((w), (v), SYNC_SITE)
#define add_acq_rel(w, v)         sync_add_((w), (v), SYNC_SITE)
#define add_relaxed(w, v)         sync_inc_((w), (v), SYNC_SITE)
#define cmpxchg_acq_rel(w, o, v)  sync_cmpxchg_((w), (o), (v), SYNC_SITE)
#define load_ptr_acquire(p)       sync_load_ptr_((p), SYNC_SITE)
#define store_ptr_release(p, q)   sync_store_ptr_((p), (q), SYNC_SITE)
#define load_ptr_along(p)         sync_load_ptr_along_(p)
#define store_ptr_along(p, q)     sync_store_ptr_along_((p), (q))

#define sync_plain_read(p)        sync_plain_((p), sizeof(*(p)), false, SYNC_SITE)
#define sync_plain_write(p)       sync_plain_((p), sizeof(*(p)), true, SYNC_SITE)

/* --- locks --------------------------------------------------------------- */

#define spin_init(l, r)    (*(l) = (spin_t){ .rank = (r) })
#define spin_lock(l)       sync_lock_(&(l)->owner, (l)->rank, SYNC_SPINS, SYNC_SITE)
#define spin_unlock(l)     sync_unlock_(&(l)->owner, SYNC_SPINS, SYNC_SITE)
#define mutex_init(m, r)   (*(m) = (mutex_t){ .rank = (r) })
#define mutex_lock(m)      sync_lock_(&(m)->owner, (m)->rank, SYNC_SLEEPS, SYNC_SITE)
#define mutex_trylock(m)   sync_trylock_(&(m)->owner, (m)->rank, SYNC_SLEEPS, SYNC_SITE)
#define mutex_unlock(m)    sync_unlock_(&(m)->owner, SYNC_SLEEPS, SYNC_SITE)
#define rwsem_init(s, r)   (*(s) = (rwsem_t){ .rank = (r) })
#define down_read(s)       sync_down_((s), true, (s)->rank, SYNC_SLEEPS, SYNC_SITE)
#define up_read(s)         sync_up_((s), true, SYNC_SITE)
#define down_write(s)      sync_down_((s), false, (s)->rank, SYNC_SLEEPS, SYNC_SITE)
#define up_write(s)        sync_up_((s), false, SYNC_SITE)
#define downgrade_write(s) sync_downgrade_((s), SYNC_SITE)
#define sync_assert_held(l) sync_assert_held_((l), SYNC_SITE)
#define sync_might_sleep() sync_might_sleep_(SYNC_SITE)
#define sync_range_begin(mm, start, end, told) \
	sync_range_begin_((mm), (start), (end), (told), SYNC_SITE)
#define sync_range_end(mm, start, end) sync_range_end_((mm), (start), (end), SYNC_SITE)
#define sync_callback(name, is) \
	__attribute__((cleanup(sync_callback_end_), unused)) struct sync_callback callback_ = \
		sync_callback_begin_((name), (is))
#define sync_user_calls(not_if) \
	sync_user_calls_(__func__, (not_if), __builtin_return_address(0))
#define sync_contract(expr, wrong) \
	((expr) ? (void)0 : sync_contract_broken_((wrong), SYNC_SITE))
#define sync_rule(expr, wrong) sync_contract(expr, wrong)

/* --- sections, waiting, memory ------------------------------------------- */

#define rcu_read_lock()    sync_rcu_lock_(SYNC_SITE)
#define rcu_read_unlock()  sync_rcu_unlock_(SYNC_SITE)
#define synchronize_rcu()  sync_rcu_synchronize_(SYNC_SITE)
#define srcu_read_lock(d)  sync_srcu_enter_((d), SYNC_SITE)
#define srcu_read_unlock(d) sync_srcu_unlock_((d), SYNC_SITE)
#define synchronize_srcu(d) sync_srcu_synchronize_((d), SYNC_SITE)
#define sync_call_later(f, a, d) sync_call_later_((struct sync_start){ .code = (f), .arg = (a), \
	.domain = (d), .begins_at = SYNC_SITE_OF(#f), .nonblock = true }, SYNC_SITE)
#define sync_calls_wait(d) sync_calls_wait_((d), SYNC_SITE)
#define guard_enter()      sync_guard_enter_(SYNC_SITE)
#define guard_leave()      sync_guard_leave_(SYNC_SITE)
#define guard_load(w)      sync_guard_load_((w), SYNC_SITE)
#define guard_mark(w)      sync_guard_mark_(w)
#define guard_wait()       sync_guard_wait_(SYNC_SITE)
#define wait_until(w, pred, arg) sync_await_((w), (pred), (arg), SYNC_SITE)
#define wake_all(w)        ((void)(w))
#define spin_while(w, v)   sync_spin_while_bytes_((w), sizeof(*(w)), (v), SYNC_SITE)
#define sync_alloc(size)   sync_alloc_((size), SYNC_SITE)
#define sync_free(p)       sync_free_((p), SYNC_SITE)
#define sync_range_dead(p, n) sync_range_dead_((p), (n), SYNC_SITE)
#define sync_range_live(p, n) sync_range_live_((p), (n), SYNC_SITE)
#define sync_assert_alive(expr, p) ((expr) ? (void)0 : sync_not_alive_(#expr, (p), SYNC_SITE))
#define sync_kept(p, as) sync_kept_((p), sizeof(*(p)), (as), SYNC_SITE)
#define sync_is_kept(p) sync_is_kept_((p), sizeof(*(p)))
#define sync_not_kept(p) sync_not_kept_((p), sizeof(*(p)), SYNC_SITE)
#define sync_leaked(p, what) sync_leaked_((p), (what), SYNC_SITE)

enum { SYNC_SLICES_MAX = 18 }; /* set-up and end, and up to 16 threads */

typedef struct {
	uint32_t size;
	uint32_t taken[SYNC_SLICES_MAX]; /* [own slice] numbers given out so far */
} pool_t;

static inline int pool_init(pool_t *p, uint32_t size)
{
	*p = (pool_t){ .size = size };
	return 0;
}

static inline void pool_fini(pool_t *p) { (void)p; }

static inline int sync_pool_take_(pool_t *p, const struct sync_site *site)
{
	uint32_t end, first = sync_pool_slice(p->size, p->taken[SYNC_SLICES_MAX - 2], &end);
	uint32_t *taken = &p->taken[sync_self() - 1];

	if (sync_alloc_fails_(site))
		return -1;
	return first + *taken < end ? (int)(first + (*taken)++) : -1;
}

#define pool_take(p) sync_pool_take_((p), SYNC_SITE)

static inline void pool_put(pool_t *p, uint32_t i) { ASSERT(i < p->size); }

#endif
