/* SPDX-License-Identifier: MIT */
/*
 * flat.h - the flat reference: which outcomes a test can have where memory is just memory.
 * The oracle of the same name compares what a runner shows with it.
 */
#ifndef MMUN_FLAT_H
#define MMUN_FLAT_H

#include "litmus/lang/litmus.h"

/*
 * All outcomes that the test can have on flat memory: no TLBs, no page tables;
 * sequentially consistent; every window that an operation leaves open between
 * its call and its return taken into account. Returns 0 with *ret initialized
 * (free it with litmus_outcomes_fini()), -ENOMEM, or -E2BIG if more than
 * @states_max states were needed.
 */
int litmus_flat(const struct litmus *test, size_t states_max, struct litmus_outcomes *ret);

#endif
