/* SPDX-License-Identifier: MIT */
/*
 * calls.h - carrying out the operations of operations/operations.h on an address space of the
 * library, through its public interface. Litmus tests, recorded orders and the stress test call
 * here, so what they call alike is the same call.
 */
#ifndef MMUN_CALLS_H
#define MMUN_CALLS_H

#include "mmun/mmun.h"
#include "operations/operations.h"

/* What operations are given, and may give back. Each takes what it needs and no more. */
struct call {
	struct mmun_mm *mm;
	uint64_t addr, len;         /* the range it is about, bytes; whole pages */
	uint64_t second;            /* address: where the pages go, or come from, or the other
	                               page */
	uint64_t word;              /* address of one word in the range */
	uint64_t value;             /* to store there, or that was loaded */
	int prot;                   /* MMUN_PROT_* */
	struct mmun_object *object; /* that the operation is on, NULL: none */
	uint64_t offset;            /* bytes: the range in it begins there; its new length */
	struct mmun_mm **child;     /* what fork makes; it must be NULL before */
	struct mmun_pin **pin;      /* what pin makes, and the others use */
};

/* 0, or a negative errno as the function of mmun.h has it. */
int call_operation(enum op op, struct call *c);

#endif
