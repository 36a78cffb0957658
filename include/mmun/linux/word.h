/* SPDX-License-Identifier: MIT */
/*
 * word.h - what Linux's names in these headers are made of. A check uses none of it itself.
 *
 * A name that Linux has as a function is two things here. With arguments it is a macro, which
 * evaluates each of them once, from the left to the right, and then calls the library with the
 * place where it stands. Alone it is a function, which can be stored and passed on; its place
 * is the one that it is called from. So a name takes two lines:
 *
 *	KERNEL_FUNCTION_(int, mutex_trylock, (struct mutex *lock), (lock))
 *	#define mutex_trylock(lock) KERNEL_1_(mutex_trylock, #lock, lock)
 *
 * The first one declares the library's kernel_mutex_trylock_(), which has the place before the
 * arguments, and defines the function. Where a name is made of other names, or accesses memory
 * plainly, kernel_NAME_() is an inline function in the header: the compiler then tells of its
 * plain accesses as of those of the check.
 */
#ifndef MMUN_LINUX_WORD_H
#define MMUN_LINUX_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmun/explore.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- places --------------------------------------------------------------- */

#ifndef MMUN_SYNC_SITE
#define MMUN_SYNC_SITE
struct sync_site { const char *file, *function; int line; };
#endif

/* The place where a name stands, and what is written there. */
struct kernel_at_ {
	struct sync_site site;
	const char *text;    /* for pictures; NULL: it was called by its address */
	bool is_unsigned;    /* whether the word that is accessed is */
};

#define KERNEL_SITE_ (&KERNEL_AT_(NULL)->site)
#define KERNEL_AT_(text) KERNEL_AT_WORD_(text, false)
#define KERNEL_AT_WORD_(text, is_unsigned) __extension__({ \
	static const struct kernel_at_ kernel_here_ = { \
		{ __FILE__, __func__, __LINE__ }, (text), (is_unsigned) }; \
	&kernel_here_; })
/* In a function: the place that it was called from. */
#define KERNEL_CALLER_ kernel_caller_(__builtin_return_address(0))

const struct kernel_at_ *kernel_caller_(const void *code);

void kernel_note_(const struct sync_site *site, const char *fmt, ...)
	EXPLORE_PRINTF_LIKE(2, 3);

/*
 * The condition of a step: "if (explore_optional("second barrier")) ...". It is true, unless the
 * step is left out to see whether it is needed ("mmun when --superfluous"). what names the step
 * in a few words, and must be a string that lasts. It has no counterpart in Linux.
 */
#define explore_optional(what) explore_optional_((what), KERNEL_SITE_)
bool explore_optional_(const char *what, const struct sync_site *site);

/* --- names ---------------------------------------------------------------- */

#define KERNEL_LIST_(...) __VA_ARGS__
#define KERNEL_INLINE_ static inline __attribute__((always_inline))

#ifdef KERNEL_IMPLEMENTATION_
#define KERNEL_PASSED_(type, name, params, args)
#define KERNEL_PASSED_VOID_(name, params, args)
#define KERNEL_PASSED_0_(type, name)
#define KERNEL_PASSED_VOID_0_(name)
#else
/* It must not become part of its caller, or its return address is another one. */
#define KERNEL_PASSED_FUNCTION_ static __attribute__((unused, noinline))
#define KERNEL_PASSED_(type, name, params, args) KERNEL_PASSED_FUNCTION_ type name params \
	{ return kernel_##name##_(KERNEL_CALLER_, KERNEL_LIST_ args); }
#define KERNEL_PASSED_VOID_(name, params, args) KERNEL_PASSED_FUNCTION_ void name params \
	{ kernel_##name##_(KERNEL_CALLER_, KERNEL_LIST_ args); }
#define KERNEL_PASSED_0_(type, name) KERNEL_PASSED_FUNCTION_ type name(void) \
	{ return kernel_##name##_(KERNEL_CALLER_); }
#define KERNEL_PASSED_VOID_0_(name) KERNEL_PASSED_FUNCTION_ void name(void) \
	{ kernel_##name##_(KERNEL_CALLER_); }
#endif

#define KERNEL_FUNCTION_(type, name, params, args) \
	type kernel_##name##_(const struct kernel_at_ *at, KERNEL_LIST_ params); \
	KERNEL_PASSED_(type, name, params, args)
#define KERNEL_PROCEDURE_(name, params, args) \
	void kernel_##name##_(const struct kernel_at_ *at, KERNEL_LIST_ params); \
	KERNEL_PASSED_VOID_(name, params, args)
#define KERNEL_FUNCTION_0_(type, name) \
	type kernel_##name##_(const struct kernel_at_ *at); \
	KERNEL_PASSED_0_(type, name)
#define KERNEL_PROCEDURE_0_(name) \
	void kernel_##name##_(const struct kernel_at_ *at); \
	KERNEL_PASSED_VOID_0_(name)

/* The call of a name with so many arguments. Each has its type before it, so that they are
 * evaluated in order. */
#define KERNEL_0_(name, text) kernel_##name##_(KERNEL_AT_(text))
#define KERNEL_1_(name, text, a) kernel_##name##_(KERNEL_AT_(text), (a))
#define KERNEL_2_(name, text, A, a, B, b) __extension__({ \
	A kernel_a_ = (a); \
	B kernel_b_ = (b); \
	kernel_##name##_(KERNEL_AT_(text), kernel_a_, kernel_b_); })
#define KERNEL_3_(name, text, A, a, B, b, C, c) __extension__({ \
	A kernel_a_ = (a); \
	B kernel_b_ = (b); \
	C kernel_c_ = (c); \
	kernel_##name##_(KERNEL_AT_(text), kernel_a_, kernel_b_, kernel_c_); })
#define KERNEL_4_(name, text, A, a, B, b, C, c, D, d) __extension__({ \
	A kernel_a_ = (a); \
	B kernel_b_ = (b); \
	C kernel_c_ = (c); \
	D kernel_d_ = (d); \
	kernel_##name##_(KERNEL_AT_(text), kernel_a_, kernel_b_, kernel_c_, kernel_d_); })

#define KERNEL_5_(name, text, A, a, B, b, C, c, D, d, E, e) __extension__({ \
	A kernel_a_ = (a); \
	B kernel_b_ = (b); \
	C kernel_c_ = (c); \
	D kernel_d_ = (d); \
	E kernel_e_ = (e); \
	kernel_##name##_(KERNEL_AT_(text), kernel_a_, kernel_b_, kernel_c_, kernel_d_, \
			 kernel_e_); })
/* The call of a function that has no macro of its own: in order, too. */
#define KERNEL_CALL_2_(name, A, a, B, b) __extension__({ \
	A kernel_a_ = (a); \
	B kernel_b_ = (b); \
	(name)(kernel_a_, kernel_b_); })
#define KERNEL_CALL_3_(name, A, a, B, b, C, c) __extension__({ \
	A kernel_a_ = (a); \
	B kernel_b_ = (b); \
	C kernel_c_ = (c); \
	(name)(kernel_a_, kernel_b_, kernel_c_); })

/* --- marked accesses to a word of 1, 2, 4 or 8 bytes ------------------------ */

/* Memory orders, by names that have them. */
enum kernel_order_ {
	KERNEL_RELAXED_,   /* READ_ONCE(), atomic_inc() */
	KERNEL_ACQUIRE_,   /* smp_load_acquire() */
	KERNEL_RELEASE_,   /* smp_store_release() */
	KERNEL_ACQ_REL_,   /* refcount_dec_and_test() */
	KERNEL_FULL_,      /* xchg(), smp_mb() */
	KERNEL_READS_, KERNEL_WRITES_, /* smp_rmb(), smp_wmb() */
};

/* What an update makes of a word, given a and b: a; or b, if the word is a; or the sum of the
 * word and a; or the same, unless the word is b; and so on. */
enum kernel_update_ {
	KERNEL_SET_TO_, KERNEL_SET_IF_, KERNEL_ADD_TO_, KERNEL_ADD_UNLESS_, KERNEL_AND_, KERNEL_OR_,
	KERNEL_XOR_,
};

/* And what the caller gets. */
enum kernel_result_ {
	KERNEL_OLD_, KERNEL_NEW_,
	KERNEL_CHANGED_,         /* whether the word was changed */
	KERNEL_ZERO_,            /* whether the new value is 0 */
	KERNEL_NEGATIVE_,        /* whether the new value is less than 0 */
	KERNEL_BITS_,            /* whether the old value had any of the bits that b has */
	KERNEL_TRIED_,           /* the old value; the picture has whether it was changed */
};

/* Values are in the first @size bytes, which are 1, 2, 4 or 8. */
uint64_t kernel_read_(const struct kernel_at_ *at, const volatile void *word, size_t size,
		      enum kernel_order_ order);
void kernel_write_(const struct kernel_at_ *at, volatile void *word, size_t size, uint64_t value,
		   enum kernel_order_ order);
uint64_t kernel_update_(const struct kernel_at_ *at, volatile void *word, size_t size,
			enum kernel_order_ order, enum kernel_update_ update, uint64_t a,
			uint64_t b, enum kernel_result_ result);
void kernel_fence_(const struct kernel_at_ *at, enum kernel_order_ order);

#ifdef __cplusplus
#define KERNEL_IS_UNSIGNED_(x) false
#define KERNEL_ASSERT_WORD_(x) static_assert(sizeof(x) <= 8, "marked accesses: up to 8 bytes")
#else
#define KERNEL_IS_UNSIGNED_(x) \
	(__builtin_types_compatible_p(__typeof__(x), unsigned) || \
	 __builtin_types_compatible_p(__typeof__(x), unsigned short) || \
	 __builtin_types_compatible_p(__typeof__(x), unsigned char) || \
	 __builtin_types_compatible_p(__typeof__(x), _Bool))
#define KERNEL_ASSERT_WORD_(x) __extension__ \
	_Static_assert(sizeof(x) == 1 || sizeof(x) == 2 || sizeof(x) == 4 || sizeof(x) == 8, \
		       "marked accesses are of 1, 2, 4 or 8 bytes")
#endif

/* The same with a word that has an address. */
KERNEL_INLINE_ void *kernel_read_pointer_(const struct kernel_at_ *at, const volatile void *word,
					  enum kernel_order_ order)
{
	return (void *)(uintptr_t)kernel_read_(at, word, sizeof(void *), order);
}

KERNEL_INLINE_ void kernel_write_pointer_(const struct kernel_at_ *at, volatile void *word,
					  const void *value, enum kernel_order_ order)
{
	kernel_write_(at, word, sizeof(void *), (uintptr_t)value, order);
}

/* A value of the type of *at, which may be a small struct, and its bits. */
#define KERNEL_VALUE_(name, at) \
	union { uint64_t bits_; __typeof__(((void)0, *(at))) v_; } name = { 0 }

#define KERNEL_READ_(text, order, p) __extension__({ \
	__typeof__(*(p)) *kernel_at_word_ = (p); \
	KERNEL_VALUE_(kernel_got_, kernel_at_word_); \
	KERNEL_ASSERT_WORD_(*kernel_at_word_); \
	kernel_got_.bits_ = kernel_read_( \
		KERNEL_AT_WORD_(text, KERNEL_IS_UNSIGNED_(*kernel_at_word_)), \
		kernel_at_word_, sizeof(*kernel_at_word_), order); \
	kernel_got_.v_; })
#define KERNEL_WRITE_(text, order, p, value) __extension__({ \
	__typeof__(*(p)) *kernel_at_word_ = (p); \
	KERNEL_VALUE_(kernel_new_, kernel_at_word_); \
	KERNEL_ASSERT_WORD_(*kernel_at_word_); \
	kernel_new_.v_ = (value); \
	kernel_write_(KERNEL_AT_WORD_(text, KERNEL_IS_UNSIGNED_(*kernel_at_word_)), \
		      kernel_at_word_, sizeof(*kernel_at_word_), kernel_new_.bits_, order); })

#ifdef __cplusplus
}
#endif

#endif
