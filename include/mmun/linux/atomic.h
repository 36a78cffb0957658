/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - barriers, updates of a word, and atomic counters. An update whose name has no order
 * is fully ordered if it has a result, and orders nothing if it has none, as in Linux.
 */
#ifndef MMUN_LINUX_ATOMIC_H
#define MMUN_LINUX_ATOMIC_H

#include "mmun/linux/compiler.h"
#include "mmun/linux/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define smp_mb() kernel_fence_(KERNEL_AT_("smp_mb()"), KERNEL_FULL_)
#define smp_rmb() kernel_fence_(KERNEL_AT_("smp_rmb()"), KERNEL_READS_)
#define smp_wmb() kernel_fence_(KERNEL_AT_("smp_wmb()"), KERNEL_WRITES_)
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()

#define smp_load_acquire(p) KERNEL_READ_("smp_load_acquire(" #p ")", KERNEL_ACQUIRE_, p)
#define smp_store_release(p, v) KERNEL_WRITE_("smp_store_release(" #p ")", KERNEL_RELEASE_, p, v)
#define smp_store_mb(x, v) __extension__({ \
	KERNEL_WRITE_("smp_store_mb(" #x ")", KERNEL_RELAXED_, &(x), v); \
	smp_mb(); })

/* --- updates of a word ------------------------------------------------------ */

#define KERNEL_UPDATE_HERE_(text, order, update, a, b, result) \
	kernel_update_(KERNEL_AT_WORD_(text, KERNEL_IS_UNSIGNED_(*kernel_at_word_)), \
		       kernel_at_word_, sizeof(*kernel_at_word_), order, update, a, b, result)
#define KERNEL_XCHG_(text, order, p, v) __extension__({ \
	__typeof__(*(p)) *kernel_at_word_ = (p); \
	KERNEL_VALUE_(kernel_new_, kernel_at_word_); \
	KERNEL_ASSERT_WORD_(*kernel_at_word_); \
	kernel_new_.v_ = (v); \
	kernel_new_.bits_ = KERNEL_UPDATE_HERE_(text, order, KERNEL_SET_TO_, kernel_new_.bits_, 0, \
						KERNEL_OLD_); \
	kernel_new_.v_; })
#define KERNEL_CMPXCHG_(text, order, p, o, n) __extension__({ \
	__typeof__(*(p)) *kernel_at_word_ = (p); \
	KERNEL_VALUE_(kernel_old_, kernel_at_word_); \
	KERNEL_VALUE_(kernel_new_, kernel_at_word_); \
	KERNEL_ASSERT_WORD_(*kernel_at_word_); \
	kernel_old_.v_ = (o); \
	kernel_new_.v_ = (n); \
	kernel_old_.bits_ = KERNEL_UPDATE_HERE_(text, order, KERNEL_SET_IF_, kernel_old_.bits_, \
						kernel_new_.bits_, KERNEL_OLD_); \
	kernel_old_.v_; })
#define KERNEL_TRY_CMPXCHG_(text, order, p, o, n) __extension__({ \
	__typeof__(*(p)) *kernel_at_word_ = (p); \
	__typeof__(((void)0, *(p))) *kernel_asked_ = (o); \
	KERNEL_VALUE_(kernel_old_, kernel_at_word_); \
	KERNEL_VALUE_(kernel_new_, kernel_at_word_); \
	uint64_t kernel_same_; \
	KERNEL_ASSERT_WORD_(*kernel_at_word_); \
	kernel_new_.v_ = (n); \
	kernel_old_.v_ = *kernel_asked_; \
	kernel_same_ = kernel_old_.bits_; \
	kernel_old_.bits_ = KERNEL_UPDATE_HERE_(text, order, KERNEL_SET_IF_, kernel_same_, \
						kernel_new_.bits_, KERNEL_TRIED_); \
	if (kernel_old_.bits_ != kernel_same_) \
		*kernel_asked_ = kernel_old_.v_; \
	(bool)(kernel_old_.bits_ == kernel_same_); })

/* xchg() and cmpxchg() return the old value. */
#define xchg(p, v) \
	KERNEL_XCHG_("xchg(" #p ", " #v ")", KERNEL_FULL_, p, v)
#define xchg_relaxed(p, v) \
	KERNEL_XCHG_("xchg_relaxed(" #p ", " #v ")", KERNEL_RELAXED_, p, v)
#define xchg_acquire(p, v) \
	KERNEL_XCHG_("xchg_acquire(" #p ", " #v ")", KERNEL_ACQUIRE_, p, v)
#define xchg_release(p, v) \
	KERNEL_XCHG_("xchg_release(" #p ", " #v ")", KERNEL_RELEASE_, p, v)
#define cmpxchg(p, o, n) \
	KERNEL_CMPXCHG_("cmpxchg(" #p ", " #o ", " #n ")", KERNEL_FULL_, p, o, n)
#define cmpxchg_relaxed(p, o, n) \
	KERNEL_CMPXCHG_("cmpxchg_relaxed(" #p ", " #o ", " #n ")", KERNEL_RELAXED_, p, o, n)
#define cmpxchg_acquire(p, o, n) \
	KERNEL_CMPXCHG_("cmpxchg_acquire(" #p ", " #o ", " #n ")", KERNEL_ACQUIRE_, p, o, n)
#define cmpxchg_release(p, o, n) \
	KERNEL_CMPXCHG_("cmpxchg_release(" #p ", " #o ", " #n ")", KERNEL_RELEASE_, p, o, n)
/* Returns true if the word was *o, and now is n. Otherwise sets *o to the value of the word. */
#define try_cmpxchg(p, o, n) \
	KERNEL_TRY_CMPXCHG_("try_cmpxchg(" #p ", " #n ")", KERNEL_FULL_, p, o, n)
#define try_cmpxchg_relaxed(p, o, n) \
	KERNEL_TRY_CMPXCHG_("try_cmpxchg_relaxed(" #p ", " #n ")", KERNEL_RELAXED_, p, o, n)
#define try_cmpxchg_acquire(p, o, n) \
	KERNEL_TRY_CMPXCHG_("try_cmpxchg_acquire(" #p ", " #n ")", KERNEL_ACQUIRE_, p, o, n)
#define try_cmpxchg_release(p, o, n) \
	KERNEL_TRY_CMPXCHG_("try_cmpxchg_release(" #p ", " #n ")", KERNEL_RELEASE_, p, o, n)

/* --- atomic_t, atomic64_t, atomic_long_t -------------------------------------- */

#define ATOMIC_INIT(i) { (i) }
#define ATOMIC64_INIT(i) { (i) }
#define ATOMIC_LONG_INIT(i) { (i) }

/* What each name does: void NAME(v), void NAME(i, v), and the same with a result R. */
#define KERNEL_ATOMIC_(t, name, T, update, a) \
	KERNEL_INLINE_ void kernel_##t##_##name##_(const struct kernel_at_ *at, T *v) \
	{ \
		(void)kernel_update_(at, &v->counter, sizeof(v->counter), KERNEL_RELAXED_, \
				     update, (uint64_t)(a), 0, KERNEL_NEW_); \
	} \
	KERNEL_PASSED_VOID_(t##_##name, (T *v), (v))
#define KERNEL_ATOMIC_BY_(t, name, T, I, update, a) \
	KERNEL_INLINE_ void kernel_##t##_##name##_(const struct kernel_at_ *at, I i, T *v) \
	{ \
		(void)kernel_update_(at, &v->counter, sizeof(v->counter), KERNEL_RELAXED_, \
				     update, (uint64_t)(a), 0, KERNEL_NEW_); \
	} \
	KERNEL_PASSED_VOID_(t##_##name, (I i, T *v), (i, v))
#define KERNEL_ATOMIC_GET_(R, t, name, T, order, update, a, b, result) \
	KERNEL_INLINE_ R kernel_##t##_##name##_(const struct kernel_at_ *at, T *v) \
	{ \
		return (R)kernel_update_(at, &v->counter, sizeof(v->counter), order, update, \
					 (uint64_t)(a), (uint64_t)(b), result); \
	} \
	KERNEL_PASSED_(R, t##_##name, (T *v), (v))
#define KERNEL_ATOMIC_GET_BY_(R, t, name, T, I, order, update, a, result) \
	KERNEL_INLINE_ R kernel_##t##_##name##_(const struct kernel_at_ *at, I i, T *v) \
	{ \
		return (R)kernel_update_(at, &v->counter, sizeof(v->counter), order, update, \
					 (uint64_t)(a), 0, result); \
	} \
	KERNEL_PASSED_(R, t##_##name, (I i, T *v), (i, v))
#define KERNEL_ATOMIC_UNLESS_(R, t, name, T, I, result) \
	KERNEL_INLINE_ R kernel_##t##_##name##_(const struct kernel_at_ *at, T *v, I a, I u) \
	{ \
		return (R)kernel_update_(at, &v->counter, sizeof(v->counter), KERNEL_FULL_, \
					 KERNEL_ADD_UNLESS_, (uint64_t)a, (uint64_t)u, result); \
	} \
	KERNEL_PASSED_(R, t##_##name, (T *v, I a, I u), (v, a, u))

/* And in each order. */
#define KERNEL_ATOMIC_GETS_(R, t, name, T, update, a, b, result) \
	KERNEL_ATOMIC_GET_(R, t, name, T, KERNEL_FULL_, update, a, b, result) \
	KERNEL_ATOMIC_GET_(R, t, name##_relaxed, T, KERNEL_RELAXED_, update, a, b, result) \
	KERNEL_ATOMIC_GET_(R, t, name##_acquire, T, KERNEL_ACQUIRE_, update, a, b, result) \
	KERNEL_ATOMIC_GET_(R, t, name##_release, T, KERNEL_RELEASE_, update, a, b, result)
#define KERNEL_ATOMIC_GETS_BY_(R, t, name, T, I, update, a, result) \
	KERNEL_ATOMIC_GET_BY_(R, t, name, T, I, KERNEL_FULL_, update, a, result) \
	KERNEL_ATOMIC_GET_BY_(R, t, name##_relaxed, T, I, KERNEL_RELAXED_, update, a, result) \
	KERNEL_ATOMIC_GET_BY_(R, t, name##_acquire, T, I, KERNEL_ACQUIRE_, update, a, result) \
	KERNEL_ATOMIC_GET_BY_(R, t, name##_release, T, I, KERNEL_RELEASE_, update, a, result)

#define KERNEL_ATOMIC_READ_(t, name, T, I, order) \
	KERNEL_INLINE_ I kernel_##t##_##name##_(const struct kernel_at_ *at, const T *v) \
	{ \
		return (I)kernel_read_(at, &v->counter, sizeof(v->counter), order); \
	} \
	KERNEL_PASSED_(I, t##_##name, (const T *v), (v))
#define KERNEL_ATOMIC_SET_(t, name, T, I, order) \
	KERNEL_INLINE_ void kernel_##t##_##name##_(const struct kernel_at_ *at, T *v, I i) \
	{ \
		kernel_write_(at, &v->counter, sizeof(v->counter), (uint64_t)i, order); \
	} \
	KERNEL_PASSED_VOID_(t##_##name, (T *v, I i), (v, i))

/* Exchanges. */
#define KERNEL_ATOMIC_XCHG_(t, suffix, T, I, order) \
	KERNEL_INLINE_ I kernel_##t##_xchg##suffix##_(const struct kernel_at_ *at, T *v, I i) \
	{ \
		return (I)kernel_update_(at, &v->counter, sizeof(v->counter), order, \
					 KERNEL_SET_TO_, (uint64_t)i, 0, KERNEL_OLD_); \
	} \
	KERNEL_INLINE_ I kernel_##t##_cmpxchg##suffix##_(const struct kernel_at_ *at, T *v, I o, \
							 I n) \
	{ \
		return (I)kernel_update_(at, &v->counter, sizeof(v->counter), order, \
					 KERNEL_SET_IF_, (uint64_t)o, (uint64_t)n, KERNEL_OLD_); \
	} \
	KERNEL_INLINE_ bool kernel_##t##_try_cmpxchg##suffix##_(const struct kernel_at_ *at, T *v, \
								I *o, I n) \
	{ \
		I asked = *o, old = (I)kernel_update_(at, &v->counter, sizeof(v->counter), order, \
						      KERNEL_SET_IF_, (uint64_t)asked, \
						      (uint64_t)n, KERNEL_TRIED_); \
		if (old != asked) \
			*o = old; \
		return old == asked; \
	} \
	KERNEL_PASSED_(I, t##_xchg##suffix, (T *v, I i), (v, i)) \
	KERNEL_PASSED_(I, t##_cmpxchg##suffix, (T *v, I o, I n), (v, o, n)) \
	KERNEL_PASSED_(bool, t##_try_cmpxchg##suffix, (T *v, I *o, I n), (v, o, n))

/* By its sign: in as many tries as it takes. */
#define KERNEL_ATOMIC_SIGN_(R, t, name, T, I, stop, left, by, done) \
	KERNEL_INLINE_ R kernel_##t##_##name##_(const struct kernel_at_ *at, T *v) \
	{ \
		I old = kernel_##t##_read_(at, v); \
		do \
			if (stop) \
				return left; \
		while (!kernel_##t##_try_cmpxchg_(at, v, &old, old + (by))); \
		return done; \
	} \
	KERNEL_PASSED_(R, t##_##name, (T *v), (v))

#define KERNEL_ATOMICS_(t, T, I) \
	KERNEL_ATOMIC_READ_(t, read, T, I, KERNEL_RELAXED_) \
	KERNEL_ATOMIC_READ_(t, read_acquire, T, I, KERNEL_ACQUIRE_) \
	KERNEL_ATOMIC_SET_(t, set, T, I, KERNEL_RELAXED_) \
	KERNEL_ATOMIC_SET_(t, set_release, T, I, KERNEL_RELEASE_) \
	KERNEL_ATOMIC_(t, inc, T, KERNEL_ADD_TO_, 1) \
	KERNEL_ATOMIC_(t, dec, T, KERNEL_ADD_TO_, -1) \
	KERNEL_ATOMIC_BY_(t, add, T, I, KERNEL_ADD_TO_, i) \
	KERNEL_ATOMIC_BY_(t, sub, T, I, KERNEL_ADD_TO_, -(uint64_t)i) \
	KERNEL_ATOMIC_BY_(t, and, T, I, KERNEL_AND_, i) \
	KERNEL_ATOMIC_BY_(t, andnot, T, I, KERNEL_AND_, ~i) \
	KERNEL_ATOMIC_BY_(t, or, T, I, KERNEL_OR_, i) \
	KERNEL_ATOMIC_BY_(t, xor, T, I, KERNEL_XOR_, i) \
	KERNEL_ATOMIC_GETS_(I, t, inc_return, T, KERNEL_ADD_TO_, 1, 0, KERNEL_NEW_) \
	KERNEL_ATOMIC_GETS_(I, t, dec_return, T, KERNEL_ADD_TO_, -1, 0, KERNEL_NEW_) \
	KERNEL_ATOMIC_GETS_(I, t, fetch_inc, T, KERNEL_ADD_TO_, 1, 0, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_(I, t, fetch_dec, T, KERNEL_ADD_TO_, -1, 0, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, add_return, T, I, KERNEL_ADD_TO_, i, KERNEL_NEW_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, sub_return, T, I, KERNEL_ADD_TO_, -(uint64_t)i, KERNEL_NEW_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, fetch_add, T, I, KERNEL_ADD_TO_, i, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, fetch_sub, T, I, KERNEL_ADD_TO_, -(uint64_t)i, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, fetch_and, T, I, KERNEL_AND_, i, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, fetch_andnot, T, I, KERNEL_AND_, ~i, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, fetch_or, T, I, KERNEL_OR_, i, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_BY_(I, t, fetch_xor, T, I, KERNEL_XOR_, i, KERNEL_OLD_) \
	KERNEL_ATOMIC_GETS_BY_(bool, t, add_negative, T, I, KERNEL_ADD_TO_, i, KERNEL_NEGATIVE_) \
	KERNEL_ATOMIC_GET_(bool, t, inc_and_test, T, KERNEL_FULL_, KERNEL_ADD_TO_, 1, 0, \
			   KERNEL_ZERO_) \
	KERNEL_ATOMIC_GET_(bool, t, dec_and_test, T, KERNEL_FULL_, KERNEL_ADD_TO_, -1, 0, \
			   KERNEL_ZERO_) \
	KERNEL_ATOMIC_GET_BY_(bool, t, sub_and_test, T, I, KERNEL_FULL_, KERNEL_ADD_TO_, \
			      -(uint64_t)i, KERNEL_ZERO_) \
	KERNEL_ATOMIC_GET_(bool, t, inc_not_zero, T, KERNEL_FULL_, KERNEL_ADD_UNLESS_, 1, 0, \
			   KERNEL_CHANGED_) \
	KERNEL_ATOMIC_UNLESS_(bool, t, add_unless, T, I, KERNEL_CHANGED_) \
	KERNEL_ATOMIC_UNLESS_(I, t, fetch_add_unless, T, I, KERNEL_OLD_) \
	KERNEL_ATOMIC_XCHG_(t, , T, I, KERNEL_FULL_) \
	KERNEL_ATOMIC_XCHG_(t, _relaxed, T, I, KERNEL_RELAXED_) \
	KERNEL_ATOMIC_XCHG_(t, _acquire, T, I, KERNEL_ACQUIRE_) \
	KERNEL_ATOMIC_XCHG_(t, _release, T, I, KERNEL_RELEASE_) \
	KERNEL_ATOMIC_SIGN_(bool, t, inc_unless_negative, T, I, old < 0, false, 1, true) \
	KERNEL_ATOMIC_SIGN_(bool, t, dec_unless_positive, T, I, old > 0, false, -1, true) \
	/* Less 1, whether it was made so or not. */ \
	KERNEL_ATOMIC_SIGN_(I, t, dec_if_positive, T, I, old <= 0, old - 1, -1, old - 1)

KERNEL_ATOMICS_(atomic, atomic_t, int)
KERNEL_ATOMICS_(atomic64, atomic64_t, s64)

#define atomic_read(v) KERNEL_1_(atomic_read, "atomic_read(" #v ")", v)
#define atomic_read_acquire(v) KERNEL_1_(atomic_read_acquire, "atomic_read_acquire(" #v ")", v)
#define atomic_set(v, i) KERNEL_2_(atomic_set, "atomic_set(" #v ")", atomic_t *, v, int, i)
#define atomic_set_release(v, i) \
	KERNEL_2_(atomic_set_release, "atomic_set_release(" #v ")", atomic_t *, v, int, i)
#define atomic_inc(v) KERNEL_1_(atomic_inc, "atomic_inc(" #v ")", v)
#define atomic_dec(v) KERNEL_1_(atomic_dec, "atomic_dec(" #v ")", v)
#define atomic_inc_and_test(v) KERNEL_1_(atomic_inc_and_test, "atomic_inc_and_test(" #v ")", v)
#define atomic_dec_and_test(v) KERNEL_1_(atomic_dec_and_test, "atomic_dec_and_test(" #v ")", v)
#define atomic_inc_not_zero(v) KERNEL_1_(atomic_inc_not_zero, "atomic_inc_not_zero(" #v ")", v)
#define atomic_inc_unless_negative(v) \
	KERNEL_1_(atomic_inc_unless_negative, "atomic_inc_unless_negative(" #v ")", v)
#define atomic_dec_unless_positive(v) \
	KERNEL_1_(atomic_dec_unless_positive, "atomic_dec_unless_positive(" #v ")", v)
#define atomic_dec_if_positive(v) \
	KERNEL_1_(atomic_dec_if_positive, "atomic_dec_if_positive(" #v ")", v)
#define atomic_add(i, v) KERNEL_2_(atomic_add, "atomic_add(" #v ")", int, i, atomic_t *, v)
#define atomic_sub(i, v) KERNEL_2_(atomic_sub, "atomic_sub(" #v ")", int, i, atomic_t *, v)
#define atomic_and(i, v) KERNEL_2_(atomic_and, "atomic_and(" #v ")", int, i, atomic_t *, v)
#define atomic_andnot(i, v) KERNEL_2_(atomic_andnot, "atomic_andnot(" #v ")", int, i, atomic_t *, v)
#define atomic_or(i, v) KERNEL_2_(atomic_or, "atomic_or(" #v ")", int, i, atomic_t *, v)
#define atomic_xor(i, v) KERNEL_2_(atomic_xor, "atomic_xor(" #v ")", int, i, atomic_t *, v)
#define atomic_sub_and_test(i, v) \
	KERNEL_2_(atomic_sub_and_test, "atomic_sub_and_test(" #v ")", int, i, atomic_t *, v)
#define atomic_add_unless(v, a, u) \
	KERNEL_3_(atomic_add_unless, "atomic_add_unless(" #v ")", atomic_t *, v, int, a, int, u)
#define atomic_fetch_add_unless(v, a, u) \
	KERNEL_3_(atomic_fetch_add_unless, "atomic_fetch_add_unless(" #v ")", atomic_t *, v, \
		  int, a, int, u)
#define atomic_inc_return(v) KERNEL_1_(atomic_inc_return, "atomic_inc_return(" #v ")", v)
#define atomic_inc_return_relaxed(v) \
	KERNEL_1_(atomic_inc_return_relaxed, "atomic_inc_return_relaxed(" #v ")", v)
#define atomic_inc_return_acquire(v) \
	KERNEL_1_(atomic_inc_return_acquire, "atomic_inc_return_acquire(" #v ")", v)
#define atomic_inc_return_release(v) \
	KERNEL_1_(atomic_inc_return_release, "atomic_inc_return_release(" #v ")", v)
#define atomic_dec_return(v) KERNEL_1_(atomic_dec_return, "atomic_dec_return(" #v ")", v)
#define atomic_dec_return_relaxed(v) \
	KERNEL_1_(atomic_dec_return_relaxed, "atomic_dec_return_relaxed(" #v ")", v)
#define atomic_dec_return_acquire(v) \
	KERNEL_1_(atomic_dec_return_acquire, "atomic_dec_return_acquire(" #v ")", v)
#define atomic_dec_return_release(v) \
	KERNEL_1_(atomic_dec_return_release, "atomic_dec_return_release(" #v ")", v)
#define atomic_fetch_inc(v) KERNEL_1_(atomic_fetch_inc, "atomic_fetch_inc(" #v ")", v)
#define atomic_fetch_inc_relaxed(v) \
	KERNEL_1_(atomic_fetch_inc_relaxed, "atomic_fetch_inc_relaxed(" #v ")", v)
#define atomic_fetch_inc_acquire(v) \
	KERNEL_1_(atomic_fetch_inc_acquire, "atomic_fetch_inc_acquire(" #v ")", v)
#define atomic_fetch_inc_release(v) \
	KERNEL_1_(atomic_fetch_inc_release, "atomic_fetch_inc_release(" #v ")", v)
#define atomic_fetch_dec(v) KERNEL_1_(atomic_fetch_dec, "atomic_fetch_dec(" #v ")", v)
#define atomic_fetch_dec_relaxed(v) \
	KERNEL_1_(atomic_fetch_dec_relaxed, "atomic_fetch_dec_relaxed(" #v ")", v)
#define atomic_fetch_dec_acquire(v) \
	KERNEL_1_(atomic_fetch_dec_acquire, "atomic_fetch_dec_acquire(" #v ")", v)
#define atomic_fetch_dec_release(v) \
	KERNEL_1_(atomic_fetch_dec_release, "atomic_fetch_dec_release(" #v ")", v)
#define atomic_add_return(i, v) \
	KERNEL_2_(atomic_add_return, "atomic_add_return(" #v ")", int, i, atomic_t *, v)
#define atomic_add_return_relaxed(i, v) \
	KERNEL_2_(atomic_add_return_relaxed, "atomic_add_return_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_add_return_acquire(i, v) \
	KERNEL_2_(atomic_add_return_acquire, "atomic_add_return_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_add_return_release(i, v) \
	KERNEL_2_(atomic_add_return_release, "atomic_add_return_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_sub_return(i, v) \
	KERNEL_2_(atomic_sub_return, "atomic_sub_return(" #v ")", int, i, atomic_t *, v)
#define atomic_sub_return_relaxed(i, v) \
	KERNEL_2_(atomic_sub_return_relaxed, "atomic_sub_return_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_sub_return_acquire(i, v) \
	KERNEL_2_(atomic_sub_return_acquire, "atomic_sub_return_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_sub_return_release(i, v) \
	KERNEL_2_(atomic_sub_return_release, "atomic_sub_return_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_add(i, v) \
	KERNEL_2_(atomic_fetch_add, "atomic_fetch_add(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_add_relaxed(i, v) \
	KERNEL_2_(atomic_fetch_add_relaxed, "atomic_fetch_add_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_add_acquire(i, v) \
	KERNEL_2_(atomic_fetch_add_acquire, "atomic_fetch_add_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_add_release(i, v) \
	KERNEL_2_(atomic_fetch_add_release, "atomic_fetch_add_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_sub(i, v) \
	KERNEL_2_(atomic_fetch_sub, "atomic_fetch_sub(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_sub_relaxed(i, v) \
	KERNEL_2_(atomic_fetch_sub_relaxed, "atomic_fetch_sub_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_sub_acquire(i, v) \
	KERNEL_2_(atomic_fetch_sub_acquire, "atomic_fetch_sub_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_sub_release(i, v) \
	KERNEL_2_(atomic_fetch_sub_release, "atomic_fetch_sub_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_and(i, v) \
	KERNEL_2_(atomic_fetch_and, "atomic_fetch_and(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_and_relaxed(i, v) \
	KERNEL_2_(atomic_fetch_and_relaxed, "atomic_fetch_and_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_and_acquire(i, v) \
	KERNEL_2_(atomic_fetch_and_acquire, "atomic_fetch_and_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_and_release(i, v) \
	KERNEL_2_(atomic_fetch_and_release, "atomic_fetch_and_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_andnot(i, v) \
	KERNEL_2_(atomic_fetch_andnot, "atomic_fetch_andnot(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_andnot_relaxed(i, v) \
	KERNEL_2_(atomic_fetch_andnot_relaxed, "atomic_fetch_andnot_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_andnot_acquire(i, v) \
	KERNEL_2_(atomic_fetch_andnot_acquire, "atomic_fetch_andnot_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_andnot_release(i, v) \
	KERNEL_2_(atomic_fetch_andnot_release, "atomic_fetch_andnot_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_or(i, v) \
	KERNEL_2_(atomic_fetch_or, "atomic_fetch_or(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_or_relaxed(i, v) \
	KERNEL_2_(atomic_fetch_or_relaxed, "atomic_fetch_or_relaxed(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_or_acquire(i, v) \
	KERNEL_2_(atomic_fetch_or_acquire, "atomic_fetch_or_acquire(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_or_release(i, v) \
	KERNEL_2_(atomic_fetch_or_release, "atomic_fetch_or_release(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_xor(i, v) \
	KERNEL_2_(atomic_fetch_xor, "atomic_fetch_xor(" #v ")", int, i, atomic_t *, v)
#define atomic_fetch_xor_relaxed(i, v) \
	KERNEL_2_(atomic_fetch_xor_relaxed, "atomic_fetch_xor_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_xor_acquire(i, v) \
	KERNEL_2_(atomic_fetch_xor_acquire, "atomic_fetch_xor_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_fetch_xor_release(i, v) \
	KERNEL_2_(atomic_fetch_xor_release, "atomic_fetch_xor_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_add_negative(i, v) \
	KERNEL_2_(atomic_add_negative, "atomic_add_negative(" #v ")", int, i, atomic_t *, v)
#define atomic_add_negative_relaxed(i, v) \
	KERNEL_2_(atomic_add_negative_relaxed, "atomic_add_negative_relaxed(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_add_negative_acquire(i, v) \
	KERNEL_2_(atomic_add_negative_acquire, "atomic_add_negative_acquire(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_add_negative_release(i, v) \
	KERNEL_2_(atomic_add_negative_release, "atomic_add_negative_release(" #v ")", int, i, \
		  atomic_t *, v)
#define atomic_xchg(v, i) KERNEL_2_(atomic_xchg, "atomic_xchg(" #v ")", atomic_t *, v, int, i)
#define atomic_xchg_relaxed(v, i) \
	KERNEL_2_(atomic_xchg_relaxed, "atomic_xchg_relaxed(" #v ")", atomic_t *, v, int, i)
#define atomic_xchg_acquire(v, i) \
	KERNEL_2_(atomic_xchg_acquire, "atomic_xchg_acquire(" #v ")", atomic_t *, v, int, i)
#define atomic_xchg_release(v, i) \
	KERNEL_2_(atomic_xchg_release, "atomic_xchg_release(" #v ")", atomic_t *, v, int, i)
#define atomic_cmpxchg(v, o, n) \
	KERNEL_3_(atomic_cmpxchg, "atomic_cmpxchg(" #v ")", atomic_t *, v, int, o, int, n)
#define atomic_cmpxchg_relaxed(v, o, n) \
	KERNEL_3_(atomic_cmpxchg_relaxed, "atomic_cmpxchg_relaxed(" #v ")", atomic_t *, v, \
		  int, o, int, n)
#define atomic_cmpxchg_acquire(v, o, n) \
	KERNEL_3_(atomic_cmpxchg_acquire, "atomic_cmpxchg_acquire(" #v ")", atomic_t *, v, \
		  int, o, int, n)
#define atomic_cmpxchg_release(v, o, n) \
	KERNEL_3_(atomic_cmpxchg_release, "atomic_cmpxchg_release(" #v ")", atomic_t *, v, \
		  int, o, int, n)
#define atomic_try_cmpxchg(v, o, n) \
	KERNEL_3_(atomic_try_cmpxchg, "atomic_try_cmpxchg(" #v ")", atomic_t *, v, int *, o, int, n)
#define atomic_try_cmpxchg_relaxed(v, o, n) \
	KERNEL_3_(atomic_try_cmpxchg_relaxed, "atomic_try_cmpxchg_relaxed(" #v ")", \
		  atomic_t *, v, int *, o, int, n)
#define atomic_try_cmpxchg_acquire(v, o, n) \
	KERNEL_3_(atomic_try_cmpxchg_acquire, "atomic_try_cmpxchg_acquire(" #v ")", \
		  atomic_t *, v, int *, o, int, n)
#define atomic_try_cmpxchg_release(v, o, n) \
	KERNEL_3_(atomic_try_cmpxchg_release, "atomic_try_cmpxchg_release(" #v ")", \
		  atomic_t *, v, int *, o, int, n)

#define atomic64_read(v) KERNEL_1_(atomic64_read, "atomic64_read(" #v ")", v)
#define atomic64_read_acquire(v) \
	KERNEL_1_(atomic64_read_acquire, "atomic64_read_acquire(" #v ")", v)
#define atomic64_set(v, i) KERNEL_2_(atomic64_set, "atomic64_set(" #v ")", atomic64_t *, v, s64, i)
#define atomic64_set_release(v, i) \
	KERNEL_2_(atomic64_set_release, "atomic64_set_release(" #v ")", atomic64_t *, v, s64, i)
#define atomic64_inc(v) KERNEL_1_(atomic64_inc, "atomic64_inc(" #v ")", v)
#define atomic64_dec(v) KERNEL_1_(atomic64_dec, "atomic64_dec(" #v ")", v)
#define atomic64_inc_and_test(v) \
	KERNEL_1_(atomic64_inc_and_test, "atomic64_inc_and_test(" #v ")", v)
#define atomic64_dec_and_test(v) \
	KERNEL_1_(atomic64_dec_and_test, "atomic64_dec_and_test(" #v ")", v)
#define atomic64_inc_not_zero(v) \
	KERNEL_1_(atomic64_inc_not_zero, "atomic64_inc_not_zero(" #v ")", v)
#define atomic64_inc_unless_negative(v) \
	KERNEL_1_(atomic64_inc_unless_negative, "atomic64_inc_unless_negative(" #v ")", v)
#define atomic64_dec_unless_positive(v) \
	KERNEL_1_(atomic64_dec_unless_positive, "atomic64_dec_unless_positive(" #v ")", v)
#define atomic64_dec_if_positive(v) \
	KERNEL_1_(atomic64_dec_if_positive, "atomic64_dec_if_positive(" #v ")", v)
#define atomic64_add(i, v) KERNEL_2_(atomic64_add, "atomic64_add(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_sub(i, v) KERNEL_2_(atomic64_sub, "atomic64_sub(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_and(i, v) KERNEL_2_(atomic64_and, "atomic64_and(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_andnot(i, v) \
	KERNEL_2_(atomic64_andnot, "atomic64_andnot(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_or(i, v) KERNEL_2_(atomic64_or, "atomic64_or(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_xor(i, v) KERNEL_2_(atomic64_xor, "atomic64_xor(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_sub_and_test(i, v) \
	KERNEL_2_(atomic64_sub_and_test, "atomic64_sub_and_test(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_add_unless(v, a, u) \
	KERNEL_3_(atomic64_add_unless, "atomic64_add_unless(" #v ")", atomic64_t *, v, s64, a, \
		  s64, u)
#define atomic64_fetch_add_unless(v, a, u) \
	KERNEL_3_(atomic64_fetch_add_unless, "atomic64_fetch_add_unless(" #v ")", \
		  atomic64_t *, v, s64, a, s64, u)
#define atomic64_inc_return(v) KERNEL_1_(atomic64_inc_return, "atomic64_inc_return(" #v ")", v)
#define atomic64_inc_return_relaxed(v) \
	KERNEL_1_(atomic64_inc_return_relaxed, "atomic64_inc_return_relaxed(" #v ")", v)
#define atomic64_inc_return_acquire(v) \
	KERNEL_1_(atomic64_inc_return_acquire, "atomic64_inc_return_acquire(" #v ")", v)
#define atomic64_inc_return_release(v) \
	KERNEL_1_(atomic64_inc_return_release, "atomic64_inc_return_release(" #v ")", v)
#define atomic64_dec_return(v) KERNEL_1_(atomic64_dec_return, "atomic64_dec_return(" #v ")", v)
#define atomic64_dec_return_relaxed(v) \
	KERNEL_1_(atomic64_dec_return_relaxed, "atomic64_dec_return_relaxed(" #v ")", v)
#define atomic64_dec_return_acquire(v) \
	KERNEL_1_(atomic64_dec_return_acquire, "atomic64_dec_return_acquire(" #v ")", v)
#define atomic64_dec_return_release(v) \
	KERNEL_1_(atomic64_dec_return_release, "atomic64_dec_return_release(" #v ")", v)
#define atomic64_fetch_inc(v) KERNEL_1_(atomic64_fetch_inc, "atomic64_fetch_inc(" #v ")", v)
#define atomic64_fetch_inc_relaxed(v) \
	KERNEL_1_(atomic64_fetch_inc_relaxed, "atomic64_fetch_inc_relaxed(" #v ")", v)
#define atomic64_fetch_inc_acquire(v) \
	KERNEL_1_(atomic64_fetch_inc_acquire, "atomic64_fetch_inc_acquire(" #v ")", v)
#define atomic64_fetch_inc_release(v) \
	KERNEL_1_(atomic64_fetch_inc_release, "atomic64_fetch_inc_release(" #v ")", v)
#define atomic64_fetch_dec(v) KERNEL_1_(atomic64_fetch_dec, "atomic64_fetch_dec(" #v ")", v)
#define atomic64_fetch_dec_relaxed(v) \
	KERNEL_1_(atomic64_fetch_dec_relaxed, "atomic64_fetch_dec_relaxed(" #v ")", v)
#define atomic64_fetch_dec_acquire(v) \
	KERNEL_1_(atomic64_fetch_dec_acquire, "atomic64_fetch_dec_acquire(" #v ")", v)
#define atomic64_fetch_dec_release(v) \
	KERNEL_1_(atomic64_fetch_dec_release, "atomic64_fetch_dec_release(" #v ")", v)
#define atomic64_add_return(i, v) \
	KERNEL_2_(atomic64_add_return, "atomic64_add_return(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_add_return_relaxed(i, v) \
	KERNEL_2_(atomic64_add_return_relaxed, "atomic64_add_return_relaxed(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_add_return_acquire(i, v) \
	KERNEL_2_(atomic64_add_return_acquire, "atomic64_add_return_acquire(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_add_return_release(i, v) \
	KERNEL_2_(atomic64_add_return_release, "atomic64_add_return_release(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_sub_return(i, v) \
	KERNEL_2_(atomic64_sub_return, "atomic64_sub_return(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_sub_return_relaxed(i, v) \
	KERNEL_2_(atomic64_sub_return_relaxed, "atomic64_sub_return_relaxed(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_sub_return_acquire(i, v) \
	KERNEL_2_(atomic64_sub_return_acquire, "atomic64_sub_return_acquire(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_sub_return_release(i, v) \
	KERNEL_2_(atomic64_sub_return_release, "atomic64_sub_return_release(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_add(i, v) \
	KERNEL_2_(atomic64_fetch_add, "atomic64_fetch_add(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_fetch_add_relaxed(i, v) \
	KERNEL_2_(atomic64_fetch_add_relaxed, "atomic64_fetch_add_relaxed(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_add_acquire(i, v) \
	KERNEL_2_(atomic64_fetch_add_acquire, "atomic64_fetch_add_acquire(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_add_release(i, v) \
	KERNEL_2_(atomic64_fetch_add_release, "atomic64_fetch_add_release(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_sub(i, v) \
	KERNEL_2_(atomic64_fetch_sub, "atomic64_fetch_sub(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_fetch_sub_relaxed(i, v) \
	KERNEL_2_(atomic64_fetch_sub_relaxed, "atomic64_fetch_sub_relaxed(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_sub_acquire(i, v) \
	KERNEL_2_(atomic64_fetch_sub_acquire, "atomic64_fetch_sub_acquire(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_sub_release(i, v) \
	KERNEL_2_(atomic64_fetch_sub_release, "atomic64_fetch_sub_release(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_and(i, v) \
	KERNEL_2_(atomic64_fetch_and, "atomic64_fetch_and(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_fetch_and_relaxed(i, v) \
	KERNEL_2_(atomic64_fetch_and_relaxed, "atomic64_fetch_and_relaxed(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_and_acquire(i, v) \
	KERNEL_2_(atomic64_fetch_and_acquire, "atomic64_fetch_and_acquire(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_and_release(i, v) \
	KERNEL_2_(atomic64_fetch_and_release, "atomic64_fetch_and_release(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_andnot(i, v) \
	KERNEL_2_(atomic64_fetch_andnot, "atomic64_fetch_andnot(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_fetch_andnot_relaxed(i, v) \
	KERNEL_2_(atomic64_fetch_andnot_relaxed, "atomic64_fetch_andnot_relaxed(" #v ")", s64, \
		  i, atomic64_t *, v)
#define atomic64_fetch_andnot_acquire(i, v) \
	KERNEL_2_(atomic64_fetch_andnot_acquire, "atomic64_fetch_andnot_acquire(" #v ")", s64, \
		  i, atomic64_t *, v)
#define atomic64_fetch_andnot_release(i, v) \
	KERNEL_2_(atomic64_fetch_andnot_release, "atomic64_fetch_andnot_release(" #v ")", s64, \
		  i, atomic64_t *, v)
#define atomic64_fetch_or(i, v) \
	KERNEL_2_(atomic64_fetch_or, "atomic64_fetch_or(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_fetch_or_relaxed(i, v) \
	KERNEL_2_(atomic64_fetch_or_relaxed, "atomic64_fetch_or_relaxed(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_or_acquire(i, v) \
	KERNEL_2_(atomic64_fetch_or_acquire, "atomic64_fetch_or_acquire(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_or_release(i, v) \
	KERNEL_2_(atomic64_fetch_or_release, "atomic64_fetch_or_release(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_xor(i, v) \
	KERNEL_2_(atomic64_fetch_xor, "atomic64_fetch_xor(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_fetch_xor_relaxed(i, v) \
	KERNEL_2_(atomic64_fetch_xor_relaxed, "atomic64_fetch_xor_relaxed(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_xor_acquire(i, v) \
	KERNEL_2_(atomic64_fetch_xor_acquire, "atomic64_fetch_xor_acquire(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_fetch_xor_release(i, v) \
	KERNEL_2_(atomic64_fetch_xor_release, "atomic64_fetch_xor_release(" #v ")", s64, i, \
		  atomic64_t *, v)
#define atomic64_add_negative(i, v) \
	KERNEL_2_(atomic64_add_negative, "atomic64_add_negative(" #v ")", s64, i, atomic64_t *, v)
#define atomic64_add_negative_relaxed(i, v) \
	KERNEL_2_(atomic64_add_negative_relaxed, "atomic64_add_negative_relaxed(" #v ")", s64, \
		  i, atomic64_t *, v)
#define atomic64_add_negative_acquire(i, v) \
	KERNEL_2_(atomic64_add_negative_acquire, "atomic64_add_negative_acquire(" #v ")", s64, \
		  i, atomic64_t *, v)
#define atomic64_add_negative_release(i, v) \
	KERNEL_2_(atomic64_add_negative_release, "atomic64_add_negative_release(" #v ")", s64, \
		  i, atomic64_t *, v)
#define atomic64_xchg(v, i) \
	KERNEL_2_(atomic64_xchg, "atomic64_xchg(" #v ")", atomic64_t *, v, s64, i)
#define atomic64_xchg_relaxed(v, i) \
	KERNEL_2_(atomic64_xchg_relaxed, "atomic64_xchg_relaxed(" #v ")", atomic64_t *, v, s64, i)
#define atomic64_xchg_acquire(v, i) \
	KERNEL_2_(atomic64_xchg_acquire, "atomic64_xchg_acquire(" #v ")", atomic64_t *, v, s64, i)
#define atomic64_xchg_release(v, i) \
	KERNEL_2_(atomic64_xchg_release, "atomic64_xchg_release(" #v ")", atomic64_t *, v, s64, i)
#define atomic64_cmpxchg(v, o, n) \
	KERNEL_3_(atomic64_cmpxchg, "atomic64_cmpxchg(" #v ")", atomic64_t *, v, s64, o, s64, n)
#define atomic64_cmpxchg_relaxed(v, o, n) \
	KERNEL_3_(atomic64_cmpxchg_relaxed, "atomic64_cmpxchg_relaxed(" #v ")", atomic64_t *, \
		  v, s64, o, s64, n)
#define atomic64_cmpxchg_acquire(v, o, n) \
	KERNEL_3_(atomic64_cmpxchg_acquire, "atomic64_cmpxchg_acquire(" #v ")", atomic64_t *, \
		  v, s64, o, s64, n)
#define atomic64_cmpxchg_release(v, o, n) \
	KERNEL_3_(atomic64_cmpxchg_release, "atomic64_cmpxchg_release(" #v ")", atomic64_t *, \
		  v, s64, o, s64, n)
#define atomic64_try_cmpxchg(v, o, n) \
	KERNEL_3_(atomic64_try_cmpxchg, "atomic64_try_cmpxchg(" #v ")", atomic64_t *, v, \
		  s64 *, o, s64, n)
#define atomic64_try_cmpxchg_relaxed(v, o, n) \
	KERNEL_3_(atomic64_try_cmpxchg_relaxed, "atomic64_try_cmpxchg_relaxed(" #v ")", \
		  atomic64_t *, v, s64 *, o, s64, n)
#define atomic64_try_cmpxchg_acquire(v, o, n) \
	KERNEL_3_(atomic64_try_cmpxchg_acquire, "atomic64_try_cmpxchg_acquire(" #v ")", \
		  atomic64_t *, v, s64 *, o, s64, n)
#define atomic64_try_cmpxchg_release(v, o, n) \
	KERNEL_3_(atomic64_try_cmpxchg_release, "atomic64_try_cmpxchg_release(" #v ")", \
		  atomic64_t *, v, s64 *, o, s64, n)

#define atomic_long_read atomic64_read
#define atomic_long_read_acquire atomic64_read_acquire
#define atomic_long_set atomic64_set
#define atomic_long_set_release atomic64_set_release
#define atomic_long_inc atomic64_inc
#define atomic_long_dec atomic64_dec
#define atomic_long_inc_and_test atomic64_inc_and_test
#define atomic_long_dec_and_test atomic64_dec_and_test
#define atomic_long_inc_not_zero atomic64_inc_not_zero
#define atomic_long_inc_unless_negative atomic64_inc_unless_negative
#define atomic_long_dec_unless_positive atomic64_dec_unless_positive
#define atomic_long_dec_if_positive atomic64_dec_if_positive
#define atomic_long_add atomic64_add
#define atomic_long_sub atomic64_sub
#define atomic_long_and atomic64_and
#define atomic_long_andnot atomic64_andnot
#define atomic_long_or atomic64_or
#define atomic_long_xor atomic64_xor
#define atomic_long_sub_and_test atomic64_sub_and_test
#define atomic_long_add_unless atomic64_add_unless
#define atomic_long_fetch_add_unless atomic64_fetch_add_unless
#define atomic_long_inc_return atomic64_inc_return
#define atomic_long_inc_return_relaxed atomic64_inc_return_relaxed
#define atomic_long_inc_return_acquire atomic64_inc_return_acquire
#define atomic_long_inc_return_release atomic64_inc_return_release
#define atomic_long_dec_return atomic64_dec_return
#define atomic_long_dec_return_relaxed atomic64_dec_return_relaxed
#define atomic_long_dec_return_acquire atomic64_dec_return_acquire
#define atomic_long_dec_return_release atomic64_dec_return_release
#define atomic_long_fetch_inc atomic64_fetch_inc
#define atomic_long_fetch_inc_relaxed atomic64_fetch_inc_relaxed
#define atomic_long_fetch_inc_acquire atomic64_fetch_inc_acquire
#define atomic_long_fetch_inc_release atomic64_fetch_inc_release
#define atomic_long_fetch_dec atomic64_fetch_dec
#define atomic_long_fetch_dec_relaxed atomic64_fetch_dec_relaxed
#define atomic_long_fetch_dec_acquire atomic64_fetch_dec_acquire
#define atomic_long_fetch_dec_release atomic64_fetch_dec_release
#define atomic_long_add_return atomic64_add_return
#define atomic_long_add_return_relaxed atomic64_add_return_relaxed
#define atomic_long_add_return_acquire atomic64_add_return_acquire
#define atomic_long_add_return_release atomic64_add_return_release
#define atomic_long_sub_return atomic64_sub_return
#define atomic_long_sub_return_relaxed atomic64_sub_return_relaxed
#define atomic_long_sub_return_acquire atomic64_sub_return_acquire
#define atomic_long_sub_return_release atomic64_sub_return_release
#define atomic_long_fetch_add atomic64_fetch_add
#define atomic_long_fetch_add_relaxed atomic64_fetch_add_relaxed
#define atomic_long_fetch_add_acquire atomic64_fetch_add_acquire
#define atomic_long_fetch_add_release atomic64_fetch_add_release
#define atomic_long_fetch_sub atomic64_fetch_sub
#define atomic_long_fetch_sub_relaxed atomic64_fetch_sub_relaxed
#define atomic_long_fetch_sub_acquire atomic64_fetch_sub_acquire
#define atomic_long_fetch_sub_release atomic64_fetch_sub_release
#define atomic_long_fetch_and atomic64_fetch_and
#define atomic_long_fetch_and_relaxed atomic64_fetch_and_relaxed
#define atomic_long_fetch_and_acquire atomic64_fetch_and_acquire
#define atomic_long_fetch_and_release atomic64_fetch_and_release
#define atomic_long_fetch_andnot atomic64_fetch_andnot
#define atomic_long_fetch_andnot_relaxed atomic64_fetch_andnot_relaxed
#define atomic_long_fetch_andnot_acquire atomic64_fetch_andnot_acquire
#define atomic_long_fetch_andnot_release atomic64_fetch_andnot_release
#define atomic_long_fetch_or atomic64_fetch_or
#define atomic_long_fetch_or_relaxed atomic64_fetch_or_relaxed
#define atomic_long_fetch_or_acquire atomic64_fetch_or_acquire
#define atomic_long_fetch_or_release atomic64_fetch_or_release
#define atomic_long_fetch_xor atomic64_fetch_xor
#define atomic_long_fetch_xor_relaxed atomic64_fetch_xor_relaxed
#define atomic_long_fetch_xor_acquire atomic64_fetch_xor_acquire
#define atomic_long_fetch_xor_release atomic64_fetch_xor_release
#define atomic_long_add_negative atomic64_add_negative
#define atomic_long_add_negative_relaxed atomic64_add_negative_relaxed
#define atomic_long_add_negative_acquire atomic64_add_negative_acquire
#define atomic_long_add_negative_release atomic64_add_negative_release
#define atomic_long_xchg atomic64_xchg
#define atomic_long_xchg_relaxed atomic64_xchg_relaxed
#define atomic_long_xchg_acquire atomic64_xchg_acquire
#define atomic_long_xchg_release atomic64_xchg_release
#define atomic_long_cmpxchg atomic64_cmpxchg
#define atomic_long_cmpxchg_relaxed atomic64_cmpxchg_relaxed
#define atomic_long_cmpxchg_acquire atomic64_cmpxchg_acquire
#define atomic_long_cmpxchg_release atomic64_cmpxchg_release
#define atomic_long_try_cmpxchg atomic64_try_cmpxchg
#define atomic_long_try_cmpxchg_relaxed atomic64_try_cmpxchg_relaxed
#define atomic_long_try_cmpxchg_acquire atomic64_try_cmpxchg_acquire
#define atomic_long_try_cmpxchg_release atomic64_try_cmpxchg_release

#ifdef __cplusplus
}
#endif

#endif
