/* SPDX-License-Identifier: MIT */
/*
 * door.h - the checked door, as the rooms above see it. What the core and the checks see of it
 * is sync/sync_checked.h.
 *
 *   sched.c      a step: whose turn it is
 *   door.c       operations, locks, sections
 *   memory.c     allocating and freeing
 *   spin.c       threads that ask again and again
 *   optional.c   steps that can be left out
 *   code.c       where in the source a code address is
 *   tsan.c       what the compiler tells of plain accesses
 */
#ifndef MMUN_DOOR_H
#define MMUN_DOOR_H

#include "explore/engine/engine.h"

/* --- sched.c ------------------------------------------------------------- */
bool engine_can_go(const struct pending *p, const struct thread *t);
bool engine_enabled(unsigned thread);
bool engine_step_begin(void);          /* choose the first step; false: there is none */
void engine_yield(void);               /* the running thread has announced an operation */

/* --- memory.c ------------------------------------------------------------ */
void engine_leaks_report(void);

/* --- spin.c -------------------------------------------------------------- */
/* A place that has waited, and how the thread came there for the first time. */
struct waited { const struct sync_site *site; struct schedule schedule; };

bool spin_guessed_wrong(void);         /* at a deadlock: a spinning thread could go on */
const struct waited *spin_waited(unsigned n); /* from 0; NULL: no more */
void spin_try(const struct waited *w); /* from now on its thread goes round without waiting */
bool spin_tried(void);                 /* no longer; has it left its loop? */
void spin_forget(void);

/* --- optional.c ---------------------------------------------------------- */
void optionals_forget(void);
/* Behind mmun/kernel.h's macro. */
bool explore_optional_(const char *what, const struct sync_site *site);

#endif
