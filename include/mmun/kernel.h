/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - Linux's names for checks in C: locks, atomics, RCU, waiting, memory, lists.
 *
 * What stands here does what Linux's does, and is a point where the explorer may let
 * another thread run and judges what is done there. Whatever is not here (plain loads
 * and stores, list operations) runs together with the operation before it, and is
 * watched for races: see docs/checks.md. Marked accesses to one variable are all of its
 * own type and size.
 *
 * Locks may be taken in any order: an order that deadlocks is found by deadlocking.
 * Zeroed locks, queues and counters are initialized. Set-up and end may call
 * everything that does not have to wait.
 *
 * Each name stands in the header that has Linux's name for it.
 */
#ifndef MMUN_KERNEL_H
#define MMUN_KERNEL_H

#include "mmun/linux/atomic.h"
#include "mmun/linux/bitops.h"
#include "mmun/linux/bug.h"
#include "mmun/linux/compiler.h"
#include "mmun/linux/completion.h"
#include "mmun/linux/container_of.h"
#include "mmun/linux/err.h"
#include "mmun/linux/kernel.h"
#include "mmun/linux/kref.h"
#include "mmun/linux/list.h"
#include "mmun/linux/lockdep.h"
#include "mmun/linux/mutex.h"
#include "mmun/linux/poison.h"
#include "mmun/linux/preempt.h"
#include "mmun/linux/printk.h"
#include "mmun/linux/processor.h"
#include "mmun/linux/rculist.h"
#include "mmun/linux/rcupdate.h"
#include "mmun/linux/refcount.h"
#include "mmun/linux/rwsem.h"
#include "mmun/linux/sched.h"
#include "mmun/linux/seqlock.h"
#include "mmun/linux/slab.h"
#include "mmun/linux/spinlock.h"
#include "mmun/linux/srcu.h"
#include "mmun/linux/types.h"
#include "mmun/linux/wait.h"
#include "mmun/linux/xarray.h"

#endif
