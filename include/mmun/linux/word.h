/* SPDX-License-Identifier: MIT */
/* word.h - what Linux's names in these headers are made of. */
#ifndef MMUN_LINUX_WORD_H
#define MMUN_LINUX_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmun/explore.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef MMUN_SYNC_SITE
#define MMUN_SYNC_SITE
struct sync_site { const char *file, *function; int line; };
#endif

/* Used by the macros below: where they stand, and what they do. */
#define KERNEL_SITE_ __extension__({ \
	static const struct sync_site site_ = { __FILE__, __func__, __LINE__ }; \
	&site_; })

/* Memory orders, by the words that have them. */
enum kernel_order_ {
	KERNEL_RELAXED_,   /* READ_ONCE(), atomic_inc() */
	KERNEL_ACQUIRE_,   /* smp_load_acquire() */
	KERNEL_RELEASE_,   /* smp_store_release() */
	KERNEL_ACQ_REL_,   /* refcount_dec_and_test() */
	KERNEL_FULL_,      /* xchg(), smp_mb() */
	KERNEL_READS_, KERNEL_WRITES_, /* smp_rmb(), smp_wmb() */
};

/* What becomes of a word, given a and b: a; b if it is a; it and a added; the same unless it is
 * b; and so on. */
enum kernel_update_ {
	KERNEL_SET_TO_, KERNEL_SET_IF_, KERNEL_ADD_TO_, KERNEL_ADD_UNLESS_, KERNEL_AND_, KERNEL_OR_,
};

/* Values are in the first @size bytes, which are 1, 2, 4 or 8; an update gives the old one. */
uint64_t kernel_load_(const volatile void *word, size_t size, enum kernel_order_ order,
		      const struct sync_site *site);
void kernel_store_(volatile void *word, size_t size, uint64_t value, enum kernel_order_ order,
		   const struct sync_site *site);
uint64_t kernel_update_(volatile void *word, size_t size, enum kernel_update_ update, uint64_t a,
			uint64_t b, enum kernel_order_ order, const struct sync_site *site);
void kernel_fence_(enum kernel_order_ order, const struct sync_site *site);
/* For the picture: @text, and "= @value" if it has one. */
void kernel_say_(const struct sync_site *site, const char *text, int64_t value);
void kernel_note_(const struct sync_site *site, const char *fmt, ...)
	EXPLORE_PRINTF_LIKE(2, 3);

/* Does the step that this is the condition of happen? Yes, unless it is being left out to see
 * whether it is needed: "mmun when --superfluous". what: the step in a few words, lasts. */
#define explore_optional(what) explore_optional_((what), KERNEL_SITE_)
bool explore_optional_(const char *what, const struct sync_site *site);

/* --- words: 1, 2, 4 or 8 bytes -------------------------------------------- */

#define KERNEL_READ_AS_(name, order, x) __extension__({ \
	__typeof__(x) *at_ = &(x); \
	union { uint64_t bits_; __typeof__(*at_) value_; } got_ = { \
		kernel_load_(at_, sizeof(*at_), order, KERNEL_SITE_) }; \
	kernel_say_(KERNEL_SITE_, (name), (int64_t)(intptr_t)got_.value_); \
	got_.value_; })
#define KERNEL_WRITE_AS_(name, order, x, v) __extension__({ \
	__typeof__(x) *to_ = &(x); \
	union { uint64_t bits_; __typeof__(*to_) value_; } new_ = { 0 }; \
	new_.value_ = (v); \
	kernel_store_(to_, sizeof(*to_), new_.bits_, order, KERNEL_SITE_); \
	kernel_say_(KERNEL_SITE_, (name), (int64_t)(intptr_t)new_.value_); })
#define KERNEL_BITS_(v) ((uint64_t)(uintptr_t)(v))
/* The value is @result, of old_; @then comes first. */
#define KERNEL_UPDATE_AS_(name, order, p, update, a, b, then, result) __extension__({ \
	volatile __typeof__(*(p)) *at_ = (p); \
	__typeof__(*(p)) old_ = (__typeof__(*(p)))(uintptr_t)kernel_update_(at_, sizeof(*at_), \
		update, KERNEL_BITS_(a), KERNEL_BITS_(b), order, KERNEL_SITE_); \
	then; \
	kernel_say_(KERNEL_SITE_, name, (int64_t)(intptr_t)(result)); \
	(result); })

/* Adding @i, as by_; the value is @result. What gives no value back orders nothing. */
#define KERNEL_RETURN_AS_(name, order, v, i, result) __extension__({ \
	__typeof__((v)->counter) by_ = (i); \
	KERNEL_UPDATE_AS_(name, order, &(v)->counter, KERNEL_ADD_TO_, by_, 0, (void)0, result); })
#define KERNEL_ADD_AS_(name, v, i) \
	((void)KERNEL_RETURN_AS_(name, KERNEL_RELAXED_, v, i, old_ + by_))
#define KERNEL_GET_AS_(name, order, v) KERNEL_UPDATE_AS_(name, order, &(v)->counter, \
	KERNEL_ADD_UNLESS_, 1, 0, (void)0, old_ != 0)

void kernel_lock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site);
bool kernel_trylock_(uint32_t *owner, const char *name, const struct sync_site *site);
void kernel_unlock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site);

#ifdef __cplusplus
}
#endif

#endif
