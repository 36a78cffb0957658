/* SPDX-License-Identifier: MIT */
/*
 * world.h - what an operation works on. record.c makes it, listens to what happens, and takes
 * it down again; ops.c says what is done.
 */
#ifndef MMUN_ORDERS_WORLD_H
#define MMUN_ORDERS_WORLD_H

#include "vm/ops/ops.h"
#include "orders/orders.h"

struct order_world {
	struct mmun_machine *machine;
	struct mmun_mm *mm;          /* the one that is listened to; NULL: it has exited */
	struct mmun_mm *other;       /* a relative, or NULL */
	struct mmun_cpu *cpu;
	struct mmun_ats *ats;        /* NULL: none was needed */
	struct mmun_object *object;  /* or NULL */
	bool used;                   /* the listener's device has used the window */
	uint64_t base, bytes;        /* the window */
	uint64_t watched[2];         /* addresses of p0, p1 */
};

static inline uint64_t window_page(const struct order_world *w, unsigned n)
{
	return w->base + n * PAGE_BYTES;
}

#endif
