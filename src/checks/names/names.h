/* SPDX-License-Identifier: MIT */
/*
 * names.h - the door, and then Linux's names in place of those that both have with other
 * arguments. It is for the files that stand behind mmun/kernel.h, which include it last but
 * for that header.
 */
#ifndef MMUN_CHECKS_NAMES_H
#define MMUN_CHECKS_NAMES_H

#include "sync/sync.h"

#undef spin_lock
#undef spin_unlock
#undef mutex_init
#undef mutex_lock
#undef mutex_trylock
#undef mutex_unlock
#undef down_read
#undef up_read
#undef down_write
#undef up_write
#undef downgrade_write
#undef rcu_read_lock
#undef rcu_read_unlock
#undef synchronize_rcu
#undef srcu_read_lock
#undef srcu_read_unlock
#undef synchronize_srcu

/* A function whose plain accesses count as none where those of the core are watched: what it
 * says does not depend on when it is asked. */
#define UNWATCHED __attribute__((no_sanitize("thread")))

/* The library has no use for the functions, and the vm has some of their names itself. */
#define KERNEL_IMPLEMENTATION_
#include "mmun/kernel.h"

/* An event with the word NAME: the argument as it was written, what it is the address of. */
#define say_object(at, kind) sync_event_at(&(at)->site, kind, (uintptr_t)name_of(at))

static inline const char *name_of(const struct kernel_at_ *at)
{
	return at->text ? at->text + (*at->text == '&') : "what it was given";
}

/* mm.c: a lock that was taken, or is let go now, may be that of a page table, which it uses. */
void names_lock_used(const void *lock, enum sync_use when, const struct sync_site *site);

/* irq.c: a spin lock was taken, spinning or not. */
void names_lock_taken(const void *lock, bool reads, bool spins, const struct sync_site *site);

#endif
