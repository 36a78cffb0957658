/* SPDX-License-Identifier: MIT */
/*
 * processors.h - what is known of each processor in an execution, and which one the running thread
 * is on.
 */
#ifndef MMUN_CHECKS_PROCESSORS_H
#define MMUN_CHECKS_PROCESSORS_H

#include "checks/names/names.h"

enum { PROCESSORS = NR_CPUS, LOCKS_MAX = 40 };

/* How a lock was taken, by processor: with interrupts on, and by a call that spins for it; for
 * writing, and for reading. */
struct noted {
	const void *lock;
	const struct sync_site *on_at, *in_at;
	uint16_t on[2], in[2];
};

/* What each execution begins with as zeros. */
struct processors {
	uint32_t off[PROCESSORS]; /* the locks: of owners */
	struct { smp_call_func_t func; void *info; } call[PROCESSORS]; /* by the call's thread */
	struct noted noted[LOCKS_MAX];
	unsigned noted_count;
};

struct processors *processors_now(void);
bool processor_is_outside(void);          /* set-up or the end is running */
unsigned processor_now(void);
bool processor_is_off(void);              /* its interrupts are off */
bool processor_is_called(void);           /* the running thread is a call on it */
void processor_calls(uint32_t self, unsigned cpu); /* a thread that was started is such a call */

#endif
