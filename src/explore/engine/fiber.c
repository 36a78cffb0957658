/* SPDX-License-Identifier: MIT */
/*
 * fiber.c - switches between stacks: see fiber.h. The switch ends in a jump through a register and
 * not in a return instruction. The processor would predict each of these returns wrongly, which
 * costs as much as the rest of the switch.
 */
#define _GNU_SOURCE
#include "explore/engine/fiber.h"
#include "base/hash.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef FIBER_UCONTEXT
static void swap(struct fiber *from, struct fiber *to)
{
	from->sp = (char *)__builtin_frame_address(0) - 64; /* what is pushed below counts */
	swapcontext(&from->context, &to->context);
}
#else
#if defined(__x86_64__)
__asm__(
	".text\n"
	".globl mmun_fiber_swap\n"
	".hidden mmun_fiber_swap\n"
	".type mmun_fiber_swap, @function\n"
	"mmun_fiber_swap:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	mov %rdx, %rax\n"
	"	pop %rcx\n"
	"	jmp *%rcx\n"
	".size mmun_fiber_swap, . - mmun_fiber_swap\n"
	".section .note.GNU-stack,\"\",@progbits\n"
	".text\n");
enum { SAVED_WORDS = 7, SAVED_PC = 6, SAVED_ALIGN = 1 };
#else
__asm__(
	".text\n"
	".globl mmun_fiber_swap\n"
	".hidden mmun_fiber_swap\n"
	".type mmun_fiber_swap, %function\n"
	"mmun_fiber_swap:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	mov x0, x2\n"
	"	br x30\n"
	".size mmun_fiber_swap, . - mmun_fiber_swap\n"
	".section .note.GNU-stack,\"\",%progbits\n"
	".text\n");
enum { SAVED_WORDS = 20, SAVED_PC = 11, SAVED_ALIGN = 2 };
#endif

#ifdef FIBER_ASAN
static void swap(struct fiber *from, struct fiber *to)
{
	mmun_fiber_swap(&from->sp, to->sp, 0);
}
#endif
#endif

struct fiber *fiber_starting;
#if defined(FIBER_ASAN) || defined(FIBER_UCONTEXT)
static uint64_t value_over; /* handed over a switch */
#endif
#ifdef FIBER_ASAN
static struct fiber *leaving; /* so, too */
#endif

static void begin(void)
{
	struct fiber *f = fiber_starting;

#ifdef FIBER_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
	if (!leaving->stack) { /* the thread's own stack: now we know where it is */
		leaving->bottom = bottom;
		leaving->stack_size = size;
	}
#endif
	f->entry(f->arg);
	__builtin_trap(); /* a fiber's entry does not return */
}

int fiber_create(struct fiber *f, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p;

	size = (size + page - 1) / page * page;
	p = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	if (mprotect(p, page, PROT_NONE)) {
		munmap(p, size + page);
		return -ENOMEM;
	}
	*f = (struct fiber){ .stack = p + page, .stack_size = size };
	return 0;
}

void fiber_destroy(struct fiber *f)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

#ifdef FIBER_ASAN
	/* The next user of this memory must not inherit the red zones of abandoned frames. */
	if (f->stack)
		__asan_unpoison_memory_region(f->stack, f->stack_size);
#endif
	if (f->stack)
		munmap(f->stack - page, f->stack_size + page);
	*f = (struct fiber){ 0 };
}

void fiber_arm(struct fiber *f, void (*entry)(void *arg), void *arg)
{
	f->entry = entry;
	f->arg = arg;
#ifdef FIBER_ASAN
	/* Frames that were abandoned in mid-run left their red zones behind. */
	__asan_unpoison_memory_region(f->stack, f->stack_size);
#endif
#ifdef FIBER_UCONTEXT
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = f->stack_size;
	f->context.uc_link = NULL;
	makecontext(&f->context, begin, 0);
#else
	/* As if begin() had been called: 16-byte aligned before a return address. */
	void **top = (void **)(void *)(f->stack + f->stack_size - 64);

	top -= SAVED_ALIGN;
	top[0] = NULL;
	top -= SAVED_WORDS;
	for (int i = 0; i < SAVED_WORDS; i++)
		top[i] = NULL;
	top[SAVED_PC] = (void *)begin;
	f->sp = top;
#endif
	f->fake_stack = NULL;
}

/* --- what a fiber goes on with ------------------------------------------- */

enum {
	WIPED = 3 << 10,       /* bytes: what the explorer's functions leave, at the most */
	CLEARED = 4 << 10,     /* at a time */
};

#define NOBODY_LOOKS __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

NOBODY_LOOKS static uint64_t hash_words(uint64_t h, const void *from, const void *to)
{
	for (const volatile uint64_t *p = from; p < (const volatile uint64_t *)to; p++)
		h = hash_mix(h, *p);
	return h;
}

/* Registers that a call preserves are on the stack; ucontext has them, too, and all others. */
NOBODY_LOOKS uint64_t fiber_state(const struct fiber *f)
{
	uint64_t h = (uintptr_t)f->sp;

#if defined(FIBER_UCONTEXT) && defined(__x86_64__)
	static const int kept[] = { REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15 };

	for (size_t n = 0; n < ARRAY_SIZE(kept); n++)
		h = hash_mix(h, (uint64_t)f->context.uc_mcontext.gregs[kept[n]]);
#elif defined(FIBER_UCONTEXT)
	h = hash_words(h, &f->context.uc_mcontext, &f->context.uc_mcontext + 1);
#endif
	return hash_words(h, f->sp, f->stack + f->stack_size);
}

/* Returns whether there was something. */
NOBODY_LOOKS static bool wipe(void *from, void *to)
{
	uint64_t was = 0;

	for (volatile uint64_t *p = from; p < (volatile uint64_t *)to; p++) {
		was |= *p;
		*p = 0;
	}
	return was;
}

/* From the top down, until nothing has been found for a while. */
void fiber_clear(const struct fiber *f)
{
	char *at = f->stack + f->stack_size;

	for (unsigned empty = 0; empty < 3 && at > f->stack; at -= CLEARED)
		empty = wipe(at - CLEARED, at) ? 0 : empty + 1;
}

void fiber_wipe(const struct fiber *f)
{
#ifndef FIBER_UCONTEXT /* there the context may stand below */
	char *low = (char *)f->sp - WIPED;

	wipe(low > f->stack ? low : f->stack, f->sp);
#else
	(void)f;
#endif
}

void fiber_wipe_deep(const struct fiber *f)
{
	char *at = (char *)__builtin_frame_address(0) - WIPED / 2;

	if (at > f->stack)
		wipe(f->stack, at);
}

NOBODY_LOOKS void fiber_wipe_running(const struct fiber *f)
{
	volatile uint64_t frame[WIPED / sizeof(uint64_t)];

	if ((char *)__builtin_frame_address(0) - f->stack < 2 * WIPED)
		return;
	for (size_t n = 0; n < ARRAY_SIZE(frame); n++)
		frame[n] = 0;
}

/* ------------------------------------------------------------------------- */

#if defined(FIBER_ASAN) || defined(FIBER_UCONTEXT)
uint64_t fiber_switch(struct fiber *from, struct fiber *to, uint64_t value)
{
	fiber_starting = to;
	value_over = value;
#ifdef FIBER_ASAN
	leaving = from;
	__sanitizer_start_switch_fiber(&from->fake_stack,
		to->stack ? to->stack : to->bottom, to->stack_size);
#endif
	swap(from, to);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
	return value_over;
}
#endif
