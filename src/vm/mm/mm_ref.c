/* SPDX-License-Identifier: MIT */
/*
 * mm_ref.c - references to the structure of an address space. Invariant: the structure
 * lives while its owner, a notifier, or whoever came by the reverse map needs it; the last
 * one frees what exit has left of it.
 */
#include "vm/mm/mm.h"

void mm_get(struct mmun_mm *mm)
{
	add_relaxed(&mm->count, 1);
}

void mm_put(struct mmun_mm *mm)
{
	struct mmun_machine *machine = mm->machine;

	if (add_acq_rel(&mm->count, (uint64_t)-1) != 1)
		return;
	table_free(machine, mm->pt.pgd);
	notify_domain_fini(&mm->domain);
	sync_free(mm);
	add_acq_rel(&machine->mms, (uint64_t)-1);
}
