/* SPDX-License-Identifier: MIT */
/* types.h - types that every file of the kernel uses. */
#ifndef MMUN_LINUX_TYPES_H
#define MMUN_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

struct list_head { struct list_head *next, *prev; };
struct hlist_head { struct hlist_node *first; };
struct hlist_node { struct hlist_node *next, **pprev; };

/* Of call_rcu(): the object is what it is in. */
struct rcu_head { struct rcu_head *next; void (*func)(struct rcu_head *head); };
#define callback_head rcu_head

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef atomic64_t atomic_long_t;

#endif
