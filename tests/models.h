/* SPDX-License-Identifier: MIT */
/*
 * models.h - the seed's scenario and a family of it with N copy-on-write
 * breaks, as checks on the door alone: page tables and TLBs are plain words.
 * The number of executions that optimal tools need for them is known.
 */
#ifndef MMUN_TEST_MODELS_H
#define MMUN_TEST_MODELS_H

#include "explore/front/explore.h"

enum model_variant {
	MODEL_DEFERRED, /* the TLB is invalidated after the lock is dropped */
	MODEL_LOCKED,   /* under the lock, but after the new entry is set */
	MODEL_SAFE,     /* under the lock, between clear and set */
};

struct model { enum model_variant variant; unsigned pages; };

/* Five threads: two break COW of A and B, one writes A, one writes B after it
 * has seen A, a device reads B, then A. */
struct explore_check model_seed(struct model *m);

/* m->pages threads, each breaking COW of a page and writing it after it has
 * seen the page before; a device reads all in reverse. */
struct explore_check model_family(struct model *m);

#endif
