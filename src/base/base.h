/* SPDX-License-Identifier: MIT */
/*
 * base.h - what every file may use and nothing may grow beyond: assertions,
 * sizes, containers. base knows no threads and includes no other layer.
 */
#ifndef MMUN_BASE_H
#define MMUN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A broken ASSERT is a bug in mmun or in a caller that ignored the contract.
 * It is always compiled in. Natively it ends the program; in the checked build
 * it is a finding with a schedule. Whoever links base provides the function.
 */
_Noreturn void base_assert_failed(const char *expr, const char *file, int line);

#define ASSERT(expr) \
	((expr) ? (void)0 : base_assert_failed(#expr, __FILE__, __LINE__))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

#endif
