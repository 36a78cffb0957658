/* SPDX-License-Identifier: MIT */
/* bitops.h - bits of an array of unsigned long. */
#ifndef MMUN_LINUX_BITOPS_H
#define MMUN_LINUX_BITOPS_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BITS_PER_LONG ((int)(8 * sizeof(unsigned long)))
#define BITS_TO_LONGS(bits) (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define BIT(nr) (1ul << (nr))
#define BIT_MASK(nr) (1ul << ((nr) % BITS_PER_LONG))
#define BIT_WORD(nr) ((nr) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

/* Each is one marked access to the unsigned long that has the bit. */
KERNEL_INLINE_ bool kernel_bit_(const struct kernel_at_ *at, long nr, volatile unsigned long *addr,
				enum kernel_order_ order, enum kernel_update_ update)
{
	unsigned long mask = BIT_MASK((unsigned long)nr);

	return kernel_update_(at, &addr[BIT_WORD(nr)], sizeof(*addr), order, update,
			      update == KERNEL_AND_ ? ~mask : mask, mask, KERNEL_BITS_);
}

#define KERNEL_TEST_BIT_(name, order) \
	KERNEL_INLINE_ bool kernel_##name##_(const struct kernel_at_ *at, long nr, \
					     const volatile unsigned long *addr) \
	{ \
		return kernel_read_(at, &addr[BIT_WORD(nr)], sizeof(*addr), order) & \
		       BIT_MASK((unsigned long)nr); \
	} \
	KERNEL_PASSED_(bool, name, (long nr, const volatile unsigned long *addr), (nr, addr))
#define KERNEL_CHANGE_BIT_(name, order, update) \
	KERNEL_INLINE_ void kernel_##name##_(const struct kernel_at_ *at, long nr, \
					     volatile unsigned long *addr) \
	{ \
		(void)kernel_bit_(at, nr, addr, order, update); \
	} \
	KERNEL_PASSED_VOID_(name, (long nr, volatile unsigned long *addr), (nr, addr))
#define KERNEL_CHANGED_BIT_(name, order, update) \
	KERNEL_INLINE_ bool kernel_##name##_(const struct kernel_at_ *at, long nr, \
					     volatile unsigned long *addr) \
	{ \
		return kernel_bit_(at, nr, addr, order, update); \
	} \
	KERNEL_PASSED_(bool, name, (long nr, volatile unsigned long *addr), (nr, addr))

KERNEL_TEST_BIT_(test_bit, KERNEL_RELAXED_)
KERNEL_TEST_BIT_(test_bit_acquire, KERNEL_ACQUIRE_)
KERNEL_CHANGE_BIT_(set_bit, KERNEL_RELAXED_, KERNEL_OR_)
KERNEL_CHANGE_BIT_(clear_bit, KERNEL_RELAXED_, KERNEL_AND_)
KERNEL_CHANGE_BIT_(clear_bit_unlock, KERNEL_RELEASE_, KERNEL_AND_)
KERNEL_CHANGE_BIT_(change_bit, KERNEL_RELAXED_, KERNEL_XOR_)
KERNEL_CHANGED_BIT_(test_and_set_bit, KERNEL_FULL_, KERNEL_OR_)
KERNEL_CHANGED_BIT_(test_and_set_bit_lock, KERNEL_ACQUIRE_, KERNEL_OR_)
KERNEL_CHANGED_BIT_(test_and_clear_bit, KERNEL_FULL_, KERNEL_AND_)
KERNEL_CHANGED_BIT_(test_and_change_bit, KERNEL_FULL_, KERNEL_XOR_)

#define KERNEL_BIT_CALL_(name, text, nr, addr) \
	KERNEL_2_(name, text, long, nr, volatile unsigned long *, addr)

#define test_bit(nr, addr) \
	KERNEL_2_(test_bit, "test_bit(" #nr ")", long, nr, const volatile unsigned long *, addr)
#define set_bit(nr, addr) KERNEL_BIT_CALL_(set_bit, "set_bit(" #nr ")", nr, addr)
#define clear_bit(nr, addr) KERNEL_BIT_CALL_(clear_bit, "clear_bit(" #nr ")", nr, addr)
#define change_bit(nr, addr) KERNEL_BIT_CALL_(change_bit, "change_bit(" #nr ")", nr, addr)
#define test_and_set_bit(nr, addr) \
	KERNEL_BIT_CALL_(test_and_set_bit, "test_and_set_bit(" #nr ")", nr, addr)
#define test_and_clear_bit(nr, addr) \
	KERNEL_BIT_CALL_(test_and_clear_bit, "test_and_clear_bit(" #nr ")", nr, addr)
#define test_and_change_bit(nr, addr) \
	KERNEL_BIT_CALL_(test_and_change_bit, "test_and_change_bit(" #nr ")", nr, addr)
#define test_bit_acquire(nr, addr) KERNEL_2_(test_bit_acquire, "test_bit_acquire(" #nr ")", \
	long, nr, const volatile unsigned long *, addr)
#define clear_bit_unlock(nr, addr) \
	KERNEL_BIT_CALL_(clear_bit_unlock, "clear_bit_unlock(" #nr ")", nr, addr)
#define test_and_set_bit_lock(nr, addr) \
	KERNEL_BIT_CALL_(test_and_set_bit_lock, "test_and_set_bit_lock(" #nr ")", nr, addr)

/* The names with __ make plain accesses, to bits that a lock protects. */
static inline void __set_bit(unsigned long nr, unsigned long *addr)
{
	addr[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, unsigned long *addr)
{
	addr[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline bool __test_and_set_bit(unsigned long nr, unsigned long *addr)
{
	bool was = addr[BIT_WORD(nr)] & BIT_MASK(nr);

	__set_bit(nr, addr);
	return was;
}

static inline bool __test_and_clear_bit(unsigned long nr, unsigned long *addr)
{
	bool was = addr[BIT_WORD(nr)] & BIT_MASK(nr);

	__clear_bit(nr, addr);
	return was;
}

/* The first bit from @from on that is set; @size: there is none. */
static inline unsigned long find_next_bit(const unsigned long *addr, unsigned long size,
					  unsigned long from)
{
	while (from < size && !(addr[BIT_WORD(from)] & BIT_MASK(from)))
		from++;
	return from < size ? from : size;
}

static inline unsigned long find_first_bit(const unsigned long *addr, unsigned long size)
{
	return find_next_bit(addr, size, 0);
}

static inline unsigned long find_next_zero_bit(const unsigned long *addr, unsigned long size,
					       unsigned long from)
{
	while (from < size && (addr[BIT_WORD(from)] & BIT_MASK(from)))
		from++;
	return from < size ? from : size;
}

static inline unsigned long find_first_zero_bit(const unsigned long *addr, unsigned long size)
{
	return find_next_zero_bit(addr, size, 0);
}

#define __set_bit(nr, addr) KERNEL_CALL_2_(__set_bit, unsigned long, nr, unsigned long *, addr)
#define __clear_bit(nr, addr) \
	KERNEL_CALL_2_(__clear_bit, unsigned long, nr, unsigned long *, addr)
#define __test_and_set_bit(nr, addr) \
	KERNEL_CALL_2_(__test_and_set_bit, unsigned long, nr, unsigned long *, addr)
#define __test_and_clear_bit(nr, addr) \
	KERNEL_CALL_2_(__test_and_clear_bit, unsigned long, nr, unsigned long *, addr)
#define find_first_bit(addr, size) \
	KERNEL_CALL_2_(find_first_bit, const unsigned long *, addr, unsigned long, size)
#define find_first_zero_bit(addr, size) \
	KERNEL_CALL_2_(find_first_zero_bit, const unsigned long *, addr, unsigned long, size)
#define find_next_bit(addr, size, from) KERNEL_CALL_3_(find_next_bit, \
	const unsigned long *, addr, unsigned long, size, unsigned long, from)
#define find_next_zero_bit(addr, size, from) KERNEL_CALL_3_(find_next_zero_bit, \
	const unsigned long *, addr, unsigned long, size, unsigned long, from)

#define for_each_set_bit(bit, addr, size) \
	for ((bit) = find_first_bit((addr), (size)); (bit) < (size); \
	     (bit) = find_next_bit((addr), (size), (bit) + 1))

#ifdef __cplusplus
}
#endif

#endif
