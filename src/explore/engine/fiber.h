/* SPDX-License-Identifier: MIT */
/*
 * fiber.h - user-space threads that switch only when told to.
 *
 * A fiber is a stack and a saved stack pointer. fiber_switch() saves the
 * callee-saved registers on the running stack and continues the other one; it
 * makes no system call. Hand-written for x86-64 and aarch64, ucontext
 * elsewhere. Floating-point modes are not saved: nobody here changes them.
 */
#ifndef MMUN_FIBER_H
#define MMUN_FIBER_H

#include "base/base.h"

#if !defined(FIBER_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define FIBER_UCONTEXT 1
#endif
#ifdef FIBER_UCONTEXT
#include <ucontext.h>
#endif

struct fiber {
#ifdef FIBER_UCONTEXT
	ucontext_t context;   /* while it does not run */
#else
	void *sp;             /* saved stack pointer, while it does not run */
#endif
	char *stack;          /* lowest usable byte; NULL for the thread's own stack */
	size_t stack_size;
	void (*entry)(void *arg);
	void *arg;
	void *fake_stack;     /* AddressSanitizer's, while it does not run */
	const void *bottom;   /* AddressSanitizer's: of the thread's own stack */
};

/* A stack of @size bytes above a page that faults. 0 or -ENOMEM. */
int fiber_create(struct fiber *f, size_t size);
void fiber_destroy(struct fiber *f);

/* Forget what @f was doing; the next switch to it calls entry(arg), which must
 * not return. */
void fiber_arm(struct fiber *f, void (*entry)(void *arg), void *arg);

void fiber_switch(struct fiber *from, struct fiber *to);

#endif
