/* SPDX-License-Identifier: MIT */
/*
 * tsan.c - what code that was compiled with -fsanitize=thread calls, in place of
 * libtsan: each plain access is told to plain.c, and each atomic operation of the compiler
 * (C11's, __atomic) becomes an operation of the door. Such code is linked without
 * libtsan. The compiler must be told to tell volatile accesses apart: those are the ones
 * behind READ_ONCE() and its kin, which the door has announced.
 */
#include "explore/engine/engine.h"
#include "explore/model/model.h"

#if defined(__GNUC__) && !defined(__clang__)
/* With another sanitizer gcc knows these as its own, with types of its own. */
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

#include <string.h>

/* The call that returns here is the access. */
#define SITE sync_called_from_(__builtin_return_address(0))

static inline bool told(void) { return x.plain && x.cur >= 0; }

/* --- plain accesses ------------------------------------------------------ */

void __tsan_init(void);
void __tsan_init(void) { plain_told = true; }

void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) { }

/* A wild pointer is to fault here, not in the explorer, and as a fault: no sanitizer looks
 * at it first. */
__attribute__((noinline, no_sanitize("address", "undefined")))
static void touch(const volatile char *addr)
{
	(void)*addr;
}

static void announce(enum sync_kind kind, const volatile void *addr, size_t size,
		     const struct sync_site *site)
{
	touch(addr);
	sync_visible_bytes(kind, (const void *)(uintptr_t)addr, (uint8_t)size, site);
}

/* A marked access, as in Linux's KCSAN. But that of READ_ONCE() and its kin was announced: it
 * is the word of the step that is running. */
static void volatile_access(const void *addr, size_t size, enum sync_kind kind,
			    const struct sync_site *site)
{
	const struct step *s = x.cur >= 0 && !x.starting ? &x.step[x.depth] : NULL;

	if (x.cur < 0 || (s && s->addr == addr && s->bytes == size &&
			  (s->kind == kind || s->kind == SYNC_RMW)))
		return;
	if (size <= sizeof(uint64_t))
		announce(kind, addr, size, site);
	else if (x.plain)
		plain_access(addr, size, kind == SYNC_STORE, site);
}

#define ACCESS(name, size, write) \
	void __tsan_##name(void *addr); \
	void __tsan_##name(void *addr) \
	{ \
		if (told()) \
			plain_access(addr, (size), (write), SITE); \
	}
#define VOLATILE(name, size, kind) \
	void __tsan_##name(void *addr); \
	void __tsan_##name(void *addr) { volatile_access(addr, (size), (kind), SITE); }
#define ACCESSES(size) \
	ACCESS(read##size, size, false) \
	ACCESS(write##size, size, true) \
	ACCESS(read_write##size, size, true) \
	ACCESS(unaligned_read##size, size, false) \
	ACCESS(unaligned_write##size, size, true) \
	ACCESS(unaligned_read_write##size, size, true) \
	VOLATILE(volatile_read##size, size, SYNC_LOAD) \
	VOLATILE(volatile_write##size, size, SYNC_STORE) \
	VOLATILE(unaligned_volatile_read##size, size, SYNC_LOAD) \
	VOLATILE(unaligned_volatile_write##size, size, SYNC_STORE)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(void *addr, size_t size);
void __tsan_read_range(void *addr, size_t size)
{
	if (told())
		plain_access(addr, size, false, SITE);
}

void __tsan_write_range(void *addr, size_t size);
void __tsan_write_range(void *addr, size_t size)
{
	if (told())
		plain_access(addr, size, true, SITE);
}

/* Under these names the object is linked with them: "ld --wrap". */
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size)
{
	if (told()) {
		plain_access(from, size, false, SITE);
		plain_access(to, size, true, SITE);
	}
	return memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size)
{
	if (told()) {
		plain_access(from, size, false, SITE);
		plain_access(to, size, true, SITE);
	}
	return memmove(to, from, size);
}

void *__wrap_memset(void *to, int byte, size_t size);
void *__wrap_memset(void *to, int byte, size_t size)
{
	if (told())
		plain_access(to, size, true, SITE);
	return memset(to, byte, size);
}

/* --- atomic operations --------------------------------------------------- */

#define UPDATE(bits, name, expr) \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *p, \
						    uint##bits##_t v, int order); \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *p, \
						    uint##bits##_t v, int order) \
	{ \
		uint##bits##_t old; \
		\
		(void)order; \
		announce(SYNC_RMW, p, sizeof(v), SITE); \
		old = *p; \
		*p = (uint##bits##_t)(expr); \
		return old; \
	}
#define EXCHANGE_IF(bits, name) \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *p, \
		uint##bits##_t *old, uint##bits##_t v, int order, int failing); \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *p, \
		uint##bits##_t *old, uint##bits##_t v, int order, int failing) \
	{ \
		(void)order; \
		(void)failing; \
		announce(SYNC_RMW, p, sizeof(v), SITE); \
		if (*p == *old) { \
			*p = v; \
			return 1; \
		} \
		*old = *p; \
		return 0; \
	}
#define ATOMICS(bits) \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *p, int order); \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *p, int order) \
	{ \
		(void)order; \
		announce(SYNC_LOAD, p, sizeof(*p), SITE); \
		return *p; \
	} \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *p, uint##bits##_t v, int order); \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *p, uint##bits##_t v, int order) \
	{ \
		(void)order; \
		announce(SYNC_STORE, p, sizeof(v), SITE); \
		*p = v; \
	} \
	UPDATE(bits, exchange, v) \
	UPDATE(bits, fetch_add, old + v) \
	UPDATE(bits, fetch_sub, old - v) \
	UPDATE(bits, fetch_and, old & v) \
	UPDATE(bits, fetch_or, old | v) \
	UPDATE(bits, fetch_xor, old ^ v) \
	UPDATE(bits, fetch_nand, ~(old & v)) \
	EXCHANGE_IF(bits, strong) \
	EXCHANGE_IF(bits, weak) \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *p, \
		uint##bits##_t old, uint##bits##_t v, int order, int failing); \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *p, \
		uint##bits##_t old, uint##bits##_t v, int order, int failing) \
	{ \
		uint##bits##_t was; \
		\
		(void)order; \
		(void)failing; \
		announce(SYNC_RMW, p, sizeof(v), SITE); \
		was = *p; \
		if (was == old) \
			*p = v; \
		return was; \
	}

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

/* Sequential consistency needs none. */
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_thread_fence(int order) { (void)order; }
void __tsan_atomic_signal_fence(int order) { (void)order; }
