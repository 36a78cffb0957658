/* SPDX-License-Identifier: MIT */
/*
 * fiber.h - user-space threads that switch only when told to.
 *
 * A fiber is a stack and a saved stack pointer. fiber_switch() saves the callee-saved registers
 * on the running stack and continues the other one. It makes no system call. It is hand-written
 * for x86-64 and aarch64, and uses ucontext elsewhere. Floating-point modes are not saved, since
 * nobody here changes them.
 *
 * A switch hands over a value, which the other side's own call returns. So a caller has nothing
 * left to do after the switch and can end in a jump to it. Then the fiber goes on right where it
 * left the check's code. The processor would predict each return on the way there wrongly.
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
#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

struct fiber {
#ifdef FIBER_UCONTEXT
	ucontext_t context;   /* while it does not run */
	void *sp;             /* an address in the frame that switched away */
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

/*
 * A hash of all that @f, which does not run, will go on with: its registers and its stack. Two
 * equal ones at the same place mean that it will do the same twice, if memory is the same. That
 * holds only if nothing but @f's own code has written to the stack. So before @f is armed the
 * stack is cleared, and what others leave there is wiped: below the stack pointer of a fiber that
 * does not run, or of the one that does.
 */
uint64_t fiber_state(const struct fiber *f);
void fiber_clear(const struct fiber *f);
void fiber_wipe(const struct fiber *f);
void fiber_wipe_running(const struct fiber *f);
void fiber_wipe_deep(const struct fiber *f); /* of the running one: what is far below */

/* Forget what @f was doing; the next switch to it calls entry(arg), which must
 * not return. */
void fiber_arm(struct fiber *f, void (*entry)(void *arg), void *arg);

extern struct fiber *fiber_starting; /* handed over a switch */
#ifndef FIBER_UCONTEXT
/* Save the callee-saved registers below *save's new value, continue at to. */
uint64_t mmun_fiber_swap(void **save, void *to, uint64_t value);
#endif

/* Continue @to, whose own call of this then returns @value. */
#if defined(FIBER_ASAN) || defined(FIBER_UCONTEXT)
uint64_t fiber_switch(struct fiber *from, struct fiber *to, uint64_t value);
#else
static inline uint64_t fiber_switch(struct fiber *from, struct fiber *to, uint64_t value)
{
	fiber_starting = to;
	return mmun_fiber_swap(&from->sp, to->sp, value);
}
#endif

#endif
