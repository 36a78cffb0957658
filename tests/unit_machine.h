/* SPDX-License-Identifier: MIT */
/*
 * unit_machine.h - a machine with an address space, a processor and a device, for tests in one
 * thread. unit_world.h goes on from here.
 */
#ifndef UNIT_MACHINE_H
#define UNIT_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "vm/ops/ops.h"

#define PAGE PAGE_BYTES
#define BASE ((uint64_t)1 << 30)

struct world {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_cpu *cpu;
	struct mmun_ats *ats;
};

static inline void setup_machine(struct world *w, enum mmun_semantics semantics,
				 const struct mmun_machine_opts *opts)
{
	assert_int_equal(sync_alloc_live(), 0);
	assert_int_equal(mmun_machine_create(opts, &w->machine), 0);
	assert_int_equal(mmun_mm_create(w->machine, semantics, &w->mm), 0);
	assert_int_equal(mmun_cpu_create(w->mm, &w->cpu), 0);
	assert_int_equal(mmun_ats_create(w->mm, NULL, &w->ats), 0);
}

#endif
