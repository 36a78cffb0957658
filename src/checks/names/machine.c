/* SPDX-License-Identifier: MIT */
/* machine.c - the machine that a check works on, and looks at it that are no steps: see mm.h. */
#include "checks/names/mm.h"

struct mmun_machine *names_machine;

UNWATCHED uint64_t names_peek(const atomic_u64 *word) { return word->v; }

UNWATCHED bool names_peek_lock(const mutex_t *lock) { return lock->owner; }
