/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - Linux's names for checks in C: locks, atomics, RCU, waiting, memory, lists.
 *
 * Each name stands in a header that is called as Linux's is, include/mmun/linux/mutex.h for
 * include/linux/mutex.h. It takes the arguments that it takes in Linux 6.12, and does what
 * the documentation of Linux's header says. A comment stands where there is a difference, or
 * where the explorer has a rule of its own.
 *
 * Another thread can come in where a name stands, and what is done there is checked. Plain
 * loads and stores run together with the operation before them, and are watched for races:
 * see docs/checks.md. All marked accesses to one variable must have its own type and size.
 *
 * Locks, queues, completions and counters that are zeroed are initialized. Locks may be taken
 * in any order: an order that deadlocks is found when it deadlocks.
 *
 * Context. All names may be used in the threads of a check. Set-up and end may use those that do
 * not have to wait. These may sleep, and must not be used with a spin lock held, in an RCU read
 * section, with preemption disabled, or in a callback that must not block: mutex_lock(),
 * down_read(), down_write(), wait_event(), wait_for_completion(), synchronize_rcu(),
 * synchronize_srcu(), rcu_barrier(), srcu_barrier(), might_sleep(), cond_resched(), and
 * allocations with GFP_KERNEL. Doing so is a finding of the oracle "atomic-sleep". All other
 * names wait at most for a spin lock.
 */
#ifndef MMUN_KERNEL_H
#define MMUN_KERNEL_H

#include "mmun/linux/atomic.h"
#include "mmun/linux/bitops.h"
#include "mmun/linux/bug.h"
#include "mmun/linux/compiler.h"
#include "mmun/linux/completion.h"
#include "mmun/linux/container_of.h"
#include "mmun/linux/cpumask.h"
#include "mmun/linux/dma-fence.h"
#include "mmun/linux/dma-resv.h"
#include "mmun/linux/err.h"
#include "mmun/linux/interval_tree.h"
#include "mmun/linux/irqflags.h"
#include "mmun/linux/kernel.h"
#include "mmun/linux/kref.h"
#include "mmun/linux/list.h"
#include "mmun/linux/lockdep.h"
#include "mmun/linux/mutex.h"
#include "mmun/linux/percpu.h"
#include "mmun/linux/poison.h"
#include "mmun/linux/preempt.h"
#include "mmun/linux/printk.h"
#include "mmun/linux/processor.h"
#include "mmun/linux/rbtree.h"
#include "mmun/linux/rculist.h"
#include "mmun/linux/rcupdate.h"
#include "mmun/linux/refcount.h"
#include "mmun/linux/rwsem.h"
#include "mmun/linux/sched.h"
#include "mmun/linux/seqlock.h"
#include "mmun/linux/slab.h"
#include "mmun/linux/smp.h"
#include "mmun/linux/spinlock.h"
#include "mmun/linux/srcu.h"
#include "mmun/linux/timer.h"
#include "mmun/linux/types.h"
#include "mmun/linux/wait.h"
#include "mmun/linux/workqueue.h"
#include "mmun/linux/xarray.h"

#endif
