/* SPDX-License-Identifier: MIT */
/*
 * mm.c - address spaces from birth to exit, and the processors that run in
 * them. Invariant: the structure lives while its owner or a notifier needs it;
 * after exit it holds no page, no table and no area.
 */
#include <errno.h>

#include "vm/vm.h"

void mm_get(struct mmun_mm *mm)
{
	add_relaxed(&mm->count, 1);
}

int mm_alloc(struct mmun_machine *machine, enum mmun_semantics semantics, struct mmun_mm **ret_mm)
{
	struct mmun_mm *mm = sync_alloc(sizeof(*mm));

	if (!mm)
		return -ENOMEM;
	mm->machine = machine;
	mm->semantics = semantics;
	if (!table_alloc(mm, 0, TABLE_LEVELS - 1, &mm->pgd)) {
		sync_free(mm);
		return -ENOMEM;
	}
	rwsem_init(&mm->mmap_lock, RANK_MMAP);
	rwsem_init(&mm->areas_sem, RANK_AREAS);
	rwsem_init(&mm->rmap_sem, RANK_RMAP);
	mm->lock_seq = (uint64_t)SYNC_SEQ_START;
	mutex_init(&mm->release_lock, RANK_RELEASE);
	mutex_init(&mm->subscriptions_lock, RANK_SUBSCRIPTIONS);
	btree_init(&mm->areas, vma_btree_mem);
	mm_where_init(mm);
	store_relaxed(&mm->count, 1);
	add_relaxed(&machine->mms, 1);
	*ret_mm = mm;
	return 0;
}

void mm_put(struct mmun_mm *mm)
{
	struct mmun_machine *machine = mm->machine;

	if (add_acq_rel(&mm->count, (uint64_t)-1) != 1)
		return;
	table_free(machine, mm->pgd);
	intervals_free(mm);
	sync_free(mm);
	add_acq_rel(&machine->mms, (uint64_t)-1);
}

int mmun_mm_create(struct mmun_machine *machine, enum mmun_semantics semantics,
		   struct mmun_mm **ret_mm)
{
	if (!machine || !ret_mm || (semantics != MMUN_MODERN && semantics != MMUN_CLASSIC))
		return -EINVAL;
	return mm_alloc(machine, semantics, ret_mm);
}

/*
 * As exit_mmap: release comes before any page goes, and ends all walks by devices.
 * Reclaim and migration may still come by rmap until the last page is unmapped;
 * whoever is late finds no entry, in a page table of which the top is still there.
 */
void mm_exit(struct mmun_mm *mm)
{
	notifiers_release(mm);
	mm_lock_all(mm);
	notifiers_unlink(mm);
	mm_unlock_all(mm);

	mmap_write_lock(mm);
	vma_start_write_range(mm, 0, TASK_BYTES);
	unmap_region(mm, MM_OP_EXIT, 0, TASK_BYTES, 0, TASK_BYTES);
	btree_fini(&mm->areas);
	mmap_write_unlock(mm);
}

int mmun_mm_destroy(struct mmun_mm *mm)
{
	bool busy;

	if (!mm)
		return 0;
	down_read(&mm->mmap_lock);
	busy = mm->cpus;
	up_read(&mm->mmap_lock);
	if (busy)
		return -EBUSY;
	mm_exit(mm);
	mm_put(mm);
	return 0;
}

pte_t mm_translate(const struct mmun_mm *mm, uint64_t addr)
{
	struct ptep p = pgtable_walk(mm, addr);
	pte_t e = p.entry ? pte_get(p.entry) : (pte_t){ 0 };

	if (pte_none(e) || pte_swap(e) || !p.level)
		return e;
	return pte_of_huge(e, entry_index(addr, 0));
}

/* --- processors ---------------------------------------------------------- */

int mmun_cpu_create(struct mmun_mm *mm, struct mmun_cpu **ret_cpu)
{
	struct mmun_cpu *cpu;

	if (!mm || !ret_cpu)
		return -EINVAL;
	cpu = sync_alloc(sizeof(*cpu));
	if (!cpu)
		return -ENOMEM;
	if (tlb_init(&cpu->tlb, SYNC_CPU_TLB_SHIFT)) {
		sync_free(cpu);
		return -ENOMEM;
	}
	cpu->mm = mm;
	mm_lock_all(mm);
	cpu->next = mm->cpus;
	mm->cpus = cpu;
	mm_unlock_all(mm);
	*ret_cpu = cpu;
	return 0;
}

void mmun_cpu_destroy(struct mmun_cpu *cpu)
{
	struct mmun_cpu **link;

	if (!cpu)
		return;
	mm_lock_all(cpu->mm);
	for (link = &cpu->mm->cpus; *link != cpu; link = &(*link)->next)
		ASSERT(*link);
	*link = cpu->next;
	mm_unlock_all(cpu->mm);
	tlb_fini(&cpu->tlb);
	sync_free(cpu);
}

void flush_tlb_range(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	sync_probe(mm, start, end);
	if (!mm->cpus || !sync_optional("CPUs' TLBs"))
		return;
	for (struct mmun_cpu *cpu = mm->cpus; cpu; cpu = cpu->next)
		tlb_invalidate(&cpu->tlb, start, end);
	tlb_wait();
	sync_note("flush CPU TLBs from %#lx", (unsigned long)start);
}

int cpu_access(struct mmun_cpu *cpu, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn)
{
	struct tlb_access a = { .addr = addr, .write = write, .order = order };
	int err;

	if (addr % sizeof(*value))
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	if (write)
		a.value = *value;
	while (tlb_access(&cpu->tlb, cpu->mm, NULL, &a) != TLB_DONE) {
		err = mmun_mm_fault(cpu->mm, addr, write);
		if (err)
			return err;
	}
	*value = a.value;
	if (ret_pfn)
		*ret_pfn = a.pfn;
	return 0;
}

int mmun_cpu_load(struct mmun_cpu *cpu, uint64_t addr, uint64_t *ret_value)
{
	if (!cpu || !ret_value)
		return -EINVAL;
	return cpu_access(cpu, addr, false, TLB_RELAXED, ret_value, NULL);
}

int mmun_cpu_load_acquire(struct mmun_cpu *cpu, uint64_t addr, uint64_t *ret_value)
{
	if (!cpu || !ret_value)
		return -EINVAL;
	return cpu_access(cpu, addr, false, TLB_ACQ_REL, ret_value, NULL);
}

int mmun_cpu_store(struct mmun_cpu *cpu, uint64_t addr, uint64_t value)
{
	return cpu ? cpu_access(cpu, addr, true, TLB_RELAXED, &value, NULL) : -EINVAL;
}

int mmun_cpu_store_release(struct mmun_cpu *cpu, uint64_t addr, uint64_t value)
{
	return cpu ? cpu_access(cpu, addr, true, TLB_ACQ_REL, &value, NULL) : -EINVAL;
}
