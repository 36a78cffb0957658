/* SPDX-License-Identifier: MIT */
/*
 * tsan.c - has the functions that code calls which was compiled with -fsanitize=thread. Such code
 * is linked without libtsan. Each plain access is told to model/plain.c, and each atomic operation
 * of the compiler (of C11, or __atomic) becomes an operation of the door. The compiler must be
 * told to tell volatile accesses apart. They are marked accesses, which the code performs by
 * itself. What functions of the C library access is library.c's.
 */
#include "explore/door/door.h"

#if defined(__GNUC__) && !defined(__clang__)
/* With another sanitizer gcc knows these as its own, with types of its own. */
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

/* The call that returns here is the access. */
#define SITE sync_called_from_(__builtin_return_address(0))

/* --- plain accesses ------------------------------------------------------ */

void __tsan_init(void);
void __tsan_init(void) { plain_told = true; }

void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_func_entry(void *caller)
{
	if (x.plain && x.cur >= 0)
		lifetime_call(caller, __builtin_frame_address(0));
}

void __tsan_func_exit(void)
{
	if (x.plain && x.cur >= 0)
		lifetime_return(__builtin_frame_address(0), __builtin_return_address(0));
}

/* A wild pointer is to fault here, not in the explorer, and as a fault: no sanitizer looks
 * at it first. */
__attribute__((noinline, no_sanitize("address", "undefined")))
static void touch(const volatile char *addr)
{
	(void)*addr;
}

/* A marked access, as in Linux's KCSAN, that the code performs by itself. */
static void volatile_access(const void *addr, size_t size, enum sync_kind kind,
			    const struct sync_site *site)
{
	const struct sync_access access = { (uint8_t)kind, (uint8_t)size, SYNC_RELAXED, SYNC_KEEP };

	if (x.cur < 0)
		return;
	if (size <= sizeof(uint64_t)) {
		touch(addr);
		sync_told_(addr, access, site);
	} else if (x.plain || x.watching) {
		door_tell(addr, size, kind == SYNC_STORE, site);
	}
}

#define ACCESS(name, size, write) \
	void __tsan_##name(void *addr); \
	void __tsan_##name(void *addr) \
	{ \
		if (x.plain || x.watching) \
			door_tell(addr, (size), (write), SITE); \
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
	if (x.plain || x.watching)
		door_tell(addr, size, false, SITE);
}

void __tsan_write_range(void *addr, size_t size);
void __tsan_write_range(void *addr, size_t size)
{
	if (x.plain || x.watching)
		door_tell(addr, size, true, SITE);
}

/* --- atomic operations --------------------------------------------------- */

/* C11's, as the compiler numbers them. */
static enum sync_order order_of(int order)
{
	static const uint8_t door[] = {
		[__ATOMIC_RELAXED] = SYNC_RELAXED, [__ATOMIC_CONSUME] = SYNC_ACQUIRE,
		[__ATOMIC_ACQUIRE] = SYNC_ACQUIRE, [__ATOMIC_RELEASE] = SYNC_RELEASE,
		[__ATOMIC_ACQ_REL] = SYNC_ACQ_REL, [__ATOMIC_SEQ_CST] = SYNC_SEQ_CST,
	};

	return order >= 0 && (size_t)order < sizeof(door) ? door[order] : SYNC_SEQ_CST;
}

static uint64_t load(const volatile void *p, size_t size, int order, const struct sync_site *site)
{
	touch(p);
	return sync_read_((const void *)(uintptr_t)p, (struct sync_access){
		SYNC_LOAD, (uint8_t)size, order_of(order), SYNC_KEEP }, site);
}

static void store(volatile void *p, size_t size, uint64_t v, int order,
		  const struct sync_site *site)
{
	touch(p);
	sync_write_((void *)(uintptr_t)p, (struct sync_access){
		SYNC_STORE, (uint8_t)size, order_of(order), SYNC_SET }, v, site);
}

static uint64_t update(volatile void *p, size_t size, enum sync_update how, uint64_t a,
		       uint64_t b, int order, const struct sync_site *site)
{
	touch(p);
	return sync_update_((void *)(uintptr_t)p, (struct sync_access){
		SYNC_RMW, (uint8_t)size, order_of(order), how }, a, b, site);
}

#define UPDATE(bits, name, how, value) \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *p, \
						    uint##bits##_t v, int order); \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *p, \
						    uint##bits##_t v, int order) \
	{ \
		return (uint##bits##_t)update(p, sizeof(v), (how), (uint##bits##_t)(value), 0, \
					      order, SITE); \
	}
#define EXCHANGE_IF(bits, name) \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *p, \
		uint##bits##_t *old, uint##bits##_t v, int order, int failing); \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *p, \
		uint##bits##_t *old, uint##bits##_t v, int order, int failing) \
	{ \
		uint##bits##_t want = *old; \
		\
		(void)failing; \
		*old = (uint##bits##_t)update(p, sizeof(v), SYNC_SET_IF, want, v, order, SITE); \
		return *old == want; \
	}
#define ATOMICS(bits) \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *p, int order); \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *p, int order) \
	{ \
		return (uint##bits##_t)load(p, sizeof(*p), order, SITE); \
	} \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *p, uint##bits##_t v, int order); \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *p, uint##bits##_t v, int order) \
	{ \
		store(p, sizeof(v), v, order, SITE); \
	} \
	UPDATE(bits, exchange, SYNC_SET, v) \
	UPDATE(bits, fetch_add, SYNC_ADD_TO, v) \
	UPDATE(bits, fetch_sub, SYNC_ADD_TO, -v) \
	UPDATE(bits, fetch_and, SYNC_AND, v) \
	UPDATE(bits, fetch_or, SYNC_OR, v) \
	UPDATE(bits, fetch_xor, SYNC_XOR, v) \
	UPDATE(bits, fetch_nand, SYNC_NAND, v) \
	EXCHANGE_IF(bits, strong) \
	EXCHANGE_IF(bits, weak) \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *p, \
		uint##bits##_t old, uint##bits##_t v, int order, int failing); \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *p, \
		uint##bits##_t old, uint##bits##_t v, int order, int failing) \
	{ \
		(void)failing; \
		return (uint##bits##_t)update(p, sizeof(v), SYNC_SET_IF, old, v, order, SITE); \
	}

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_thread_fence(int order) { sync_fence_(order_of(order), SITE); }
void __tsan_atomic_signal_fence(int order) { (void)order; }
