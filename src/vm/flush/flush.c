/* SPDX-License-Identifier: MIT */
/*
 * flush.c - emptying the TLBs of the processors of an address space. Called under page
 * table locks too: waiting is for accesses that are under way, and these take no lock.
 */
#include "vm/flush/flush.h"

bool flush_tlb_submit(struct mmun_mm *mm, struct flush f)
{
	ASSERT(flush_is_valid(&f));
	sync_event(FLUSH_ASK, (uintptr_t)mm, f.start, f.end);
	if (!mm->cpus || !sync_optional("CPUs' TLBs"))
		return false;
	for (struct mmun_cpu *cpu = mm->cpus; cpu; cpu = cpu->next)
		tlb_invalidate(&cpu->tlb, f);
	return true;
}

void flush_tlb_range(struct mmun_mm *mm, struct flush f)
{
	if (!flush_tlb_submit(mm, f))
		return;
	flush_wait();
	sync_event(FLUSH_CPUS, f.start, f.end);
}

pte_t ptep_clear_flush(struct mmun_mm *mm, const struct ptep *p, uint64_t addr)
{
	pte_t old = ptep_get_and_clear(p->entry, addr);

	/* Access that was taken away may not have been flushed yet (pte_accessible). */
	if (pte_present(old) || (pte_mapped(old) && mm_tlb_flush_pending(mm)))
		flush_tlb_range(mm, flush_entry(addr, p->level));
	return old;
}
