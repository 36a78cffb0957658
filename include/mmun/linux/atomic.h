/* SPDX-License-Identifier: MIT */
/* atomic.h - barriers, updates of a word, atomic_t. */
#ifndef MMUN_LINUX_ATOMIC_H
#define MMUN_LINUX_ATOMIC_H

#include "mmun/linux/compiler.h"

#define smp_mb() kernel_fence_(KERNEL_FULL_, KERNEL_SITE_)
#define smp_rmb() kernel_fence_(KERNEL_READS_, KERNEL_SITE_)
#define smp_wmb() kernel_fence_(KERNEL_WRITES_, KERNEL_SITE_)
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()

#define smp_load_acquire(p) \
	KERNEL_READ_AS_("smp_load_acquire(" #p ")", KERNEL_ACQUIRE_, *(p))
#define smp_store_release(p, v) \
	KERNEL_WRITE_AS_("smp_store_release(" #p ")", KERNEL_RELEASE_, *(p), v)

/* The old value. */
#define xchg(p, v) __extension__({ \
	__typeof__(*(p)) put_ = (v); \
	KERNEL_UPDATE_AS_("xchg(" #p ", " #v ")", KERNEL_FULL_, p, KERNEL_SET_TO_, put_, 0, \
			  (void)0, old_); })
#define cmpxchg(p, o, n) __extension__({ \
	__typeof__(*(p)) want_ = (o), put_ = (n); \
	KERNEL_UPDATE_AS_("cmpxchg(" #p ", " #o ", " #n ")", KERNEL_FULL_, p, KERNEL_SET_IF_, \
			  want_, put_, (void)0, old_); })
/* true if it was *o and is n; else *o is what it is. */
#define try_cmpxchg(p, o, n) __extension__({ \
	__typeof__(*(p)) *want_ = (o), put_ = (n); \
	KERNEL_UPDATE_AS_("try_cmpxchg(" #p ", " #n ")", KERNEL_FULL_, p, KERNEL_SET_IF_, \
			  *want_, put_, bool same_ = old_ == *want_; if (!same_) *want_ = old_, \
			  same_); })

typedef struct { int counter; } atomic_t;
typedef struct { int64_t counter; } atomic64_t;
#define ATOMIC_INIT(i) { (i) }

#define atomic_read(v) KERNEL_READ_AS_("atomic_read(" #v ")", KERNEL_RELAXED_, (v)->counter)
#define atomic_set(v, i) \
	((void)KERNEL_WRITE_AS_("atomic_set(" #v ")", KERNEL_RELAXED_, (v)->counter, i))
#define atomic_inc(v) KERNEL_ADD_AS_("atomic_inc(" #v ")", v, 1)
#define atomic_dec(v) KERNEL_ADD_AS_("atomic_dec(" #v ")", v, -1)
#define atomic_add(i, v) KERNEL_ADD_AS_("atomic_add(" #v ")", v, i)
#define atomic_sub(i, v) KERNEL_ADD_AS_("atomic_sub(" #v ")", v, -(i))
#define atomic_inc_return(v) \
	KERNEL_RETURN_AS_("atomic_inc_return(" #v ")", KERNEL_FULL_, v, 1, old_ + by_)
#define atomic_dec_return(v) \
	KERNEL_RETURN_AS_("atomic_dec_return(" #v ")", KERNEL_FULL_, v, -1, old_ + by_)
#define atomic_add_return(i, v) \
	KERNEL_RETURN_AS_("atomic_add_return(" #v ")", KERNEL_FULL_, v, i, old_ + by_)
#define atomic_fetch_add(i, v) \
	KERNEL_RETURN_AS_("atomic_fetch_add(" #v ")", KERNEL_FULL_, v, i, old_)
#define atomic_dec_and_test(v) \
	KERNEL_RETURN_AS_("atomic_dec_and_test(" #v ")", KERNEL_FULL_, v, -1, old_ + by_ == 0)
#define atomic_inc_not_zero(v) KERNEL_GET_AS_("atomic_inc_not_zero(" #v ")", KERNEL_FULL_, v)
#define atomic_xchg(v, n) xchg(&(v)->counter, n)
#define atomic_cmpxchg(v, o, n) cmpxchg(&(v)->counter, o, n)
#define atomic_try_cmpxchg(v, o, n) try_cmpxchg(&(v)->counter, o, n)
#define atomic64_read atomic_read
#define atomic64_set atomic_set
#define atomic64_inc atomic_inc
#define atomic64_dec atomic_dec
#define atomic64_add atomic_add
#define atomic64_inc_return atomic_inc_return
#define atomic64_dec_and_test atomic_dec_and_test

#endif
