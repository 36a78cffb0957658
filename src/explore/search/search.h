/* SPDX-License-Identifier: MIT */
/*
 * search.h - declares the search as the other rooms use it. At each step the door asks what is
 * dictated. Where nothing is, it tells what it chose, and it tells when the step's operation is
 * known. After the execution the loop has the races looked at, and asks for the next execution.
 */
#ifndef MMUN_SEARCH_H
#define MMUN_SEARCH_H

#include "explore/engine/engine.h"
#include "explore/engine/flat.h"

int search_open(void);                 /* 0; -1: no memory */
void search_close(void);

/* --- during an execution ------------------------------------------------- */
void search_begin(void);               /* from its first step */
/* Step @d's thread and choice; false: nothing is dictated any more. */
bool search_dictates(int d, uint8_t *ret_thread, uint8_t *ret_choice);
/* The threads, of these that can go on, that need not sleep. */
uint16_t search_awake(uint16_t enabled);
/* Step @d, of which nothing was dictated, is @thread's. */
void search_chose(int d, unsigned thread, uint16_t enabled);
bool search_took(int d);               /* x.step[d] is known, its clock as well; false: stop */
void search_strayed(void);             /* what was planned, and never run here, cannot be done */

/* --- between executions -------------------------------------------------- */
void search_races(void);               /* plan the reversal of this execution's races */
void search_class(void);               /* EXPLORE_ALL: count the execution's class */
bool search_next(void);                /* set up the next execution; false: none left */

/* --- what came of it ----------------------------------------------------- */
bool search_is_lost(void);             /* a plan could not be followed */
bool search_is_foreign(void);          /* a record that was read is not of this check */
double search_done(void);              /* the part of the tree that lies behind */
uint64_t search_classes(void);
size_t search_memory(void);

/* --- the work that is left as a record, when search_next() has set it up -- */
/* False: some object lies where only this process finds it. */
bool search_save(struct flat *f);
/* Instead of beginning; false: it is damaged, or x.out_of_memory. */
bool search_load(struct flat_reader *r);

#endif
