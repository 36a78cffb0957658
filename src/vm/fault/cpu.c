/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - the processors that run in an address space: a TLB each, and accesses that fault
 * until they have gone through.
 */
#include <errno.h>

#include "vm/fault/fault.h"

int mmun_cpu_create(struct mmun_mm *mm, struct mmun_cpu **ret_cpu)
{
	struct mmun_cpu *cpu;

	sync_user_calls(SYNC_CALLED_LOCKED);
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

	sync_user_calls(SYNC_CALLED_LOCKED);
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
	while (tlb_access(&cpu->tlb, &cpu->mm->domain, NULL, &a) != TLB_DONE) {
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
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!cpu || !ret_value)
		return -EINVAL;
	return cpu_access(cpu, addr, false, TLB_RELAXED, ret_value, NULL);
}

int mmun_cpu_load_acquire(struct mmun_cpu *cpu, uint64_t addr, uint64_t *ret_value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!cpu || !ret_value)
		return -EINVAL;
	return cpu_access(cpu, addr, false, TLB_ACQ_REL, ret_value, NULL);
}

int mmun_cpu_store(struct mmun_cpu *cpu, uint64_t addr, uint64_t value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return cpu ? cpu_access(cpu, addr, true, TLB_RELAXED, &value, NULL) : -EINVAL;
}

int mmun_cpu_store_release(struct mmun_cpu *cpu, uint64_t addr, uint64_t value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return cpu ? cpu_access(cpu, addr, true, TLB_ACQ_REL, &value, NULL) : -EINVAL;
}
