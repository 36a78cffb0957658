/* SPDX-License-Identifier: MIT */
/* rules.h - the rules of a change of a page-table entry: see rules.c. */
#ifndef MMUN_CHECKS_RULES_H
#define MMUN_CHECKS_RULES_H

#include "vm/ops/ops.h"

/* A check changes an entry, of addr in mm as it says. */
struct change {
	struct mmun_machine *machine;
	const struct mmun_mm *mm;
	uint64_t addr;
	atomic_u64 *entry;
	const struct ptdesc *of;      /* the table that the entry is in */
	pfn_t table;                  /* the same */
	const struct sync_site *site;
	uint64_t address;             /* which the entry maps */
	bool empty;                   /* it names a table in which nothing is mapped */
};

/* Before the change is made, and when it has been made. */
void change_look(struct change *c);
void change_judge(const struct change *c, pte_t old, pte_t new);

/* Which address the entry maps now, for pictures. */
uint64_t change_address(const struct mmun_machine *m, const atomic_u64 *entry);

#endif
