/* SPDX-License-Identifier: MIT */
/*
 * irq.c - stands behind the names of interrupts, and of calls that come to other processors as
 * interrupts; processors.c has what is known of each processor. A call is a thread of its own,
 * which whoever calls starts.
 */
#include <errno.h>

#include "checks/names/processors.h"

unsigned kernel_raw_smp_processor_id_(const struct kernel_at_ *at)
{
	(void)at;
	return processor_now();
}

unsigned kernel_num_online_cpus_(const struct kernel_at_ *at)
{
	(void)at;
	return sync_check_threads_();
}

const struct cpumask *kernel_online_mask_(void)
{
	static struct cpumask mask;

	mask.bits[0] = (1ul << sync_check_threads_()) - 1;
	return &mask;
}

/* --- interrupts ----------------------------------------------------------- */

static void keep_calls_away(const struct sync_site *site)
{
	sync_lock_(&processors_now()->off[processor_now()], SYNC_UNRANKED, SYNC_SPINS, site);
}

static void let_calls_in(const struct sync_site *site)
{
	sync_unlock_(&processors_now()->off[processor_now()], SYNC_SPINS, site);
}

/* Since Linux 5.0 a grace period waits for what runs with interrupts off, too. */
static void put_off(const struct sync_site *site)
{
	keep_calls_away(site);
	sync_rcu_lock_(site);
}

static void put_on(const struct sync_site *site)
{
	sync_rcu_unlock_(site);
	let_calls_in(site);
}

unsigned long kernel_irq_save_(const struct kernel_at_ *at)
{
	bool off = processor_is_off();

	if (!off && !processor_is_outside()) {
		put_off(&at->site);
		kernel_note_(&at->site, "interrupts are off");
	}
	return off;
}

void kernel_irq_restore_(const struct kernel_at_ *at, unsigned long flags)
{
	if (flags || !processor_is_off())
		return;
	if (processor_is_called()) {
		explore_fail(ORACLE_PROTOCOL, "%s:%d puts interrupts on in an interrupt",
			     at->site.function, at->site.line);
		return;
	}
	put_on(&at->site);
	kernel_note_(&at->site, "interrupts are on");
}

void kernel_local_irq_disable_(const struct kernel_at_ *at) { (void)kernel_irq_save_(at); }
void kernel_local_irq_enable_(const struct kernel_at_ *at) { kernel_irq_restore_(at, 0); }

bool kernel_irqs_disabled_(const struct kernel_at_ *at)
{
	(void)at;
	return processor_is_off();
}

bool kernel_in_hardirq_(const struct kernel_at_ *at)
{
	(void)at;
	return processor_is_called();
}

/* As one instruction of the processor: an interrupt comes before it or after it. */
uint64_t kernel_this_cpu_(const struct kernel_at_ *at, volatile void *word, size_t size,
			  enum kernel_update_ update, uint64_t a, uint64_t b,
			  enum kernel_result_ result)
{
	bool open = !processor_is_off() && !processor_is_outside();
	uint64_t value;

	if (open)
		keep_calls_away(&at->site);
	value = kernel_update_(at, word, size, KERNEL_RELAXED_, update, a, b, result);
	if (open)
		let_calls_in(&at->site);
	return value;
}

void kernel_assert_irqs_(const struct kernel_at_ *at, bool disabled)
{
	if (!processor_is_outside() && processor_is_off() != disabled)
		explore_fail(ORACLE_PROTOCOL, "interrupts are %s at %s in %s:%d",
			     disabled ? "on" : "off", at->text, at->site.function, at->site.line);
}

void kernel_local_bh_disable_(const struct kernel_at_ *at) { sync_rcu_lock_(&at->site); }
void kernel_local_bh_enable_(const struct kernel_at_ *at) { sync_rcu_unlock_(&at->site); }

/* --- calls ---------------------------------------------------------------- */

static void run_call(void *arg)
{
	uint32_t self = sync_self();
	struct processors *p = processors_now();

	(void)arg;
	put_off(KERNEL_SITE_);
	p->call[self - 1].func(p->call[self - 1].info);
	put_on(KERNEL_SITE_);
}

static void call_here(const struct kernel_at_ *at, smp_call_func_t func, void *info)
{
	unsigned long flags = kernel_irq_save_(at);

	func(info);
	kernel_irq_restore_(at, flags);
}

/* The call's thread; 0: it is over. */
static uint32_t call_there(const struct kernel_at_ *at, unsigned cpu, smp_call_func_t func,
			   void *info)
{
	struct sync_start how = { .code = run_call, .nonblock = true };
	uint32_t self = processor_is_outside() ? 0 : sync_next_();

	if (!self) {
		func(info);
		return 0;
	}
	how.begins_at = sync_called_from_((const char *)(const void *)(uintptr_t)func + 1);
	processors_now()->call[self - 1].func = func;
	processors_now()->call[self - 1].info = info;
	sync_start_(how, &at->site);
	processor_calls(self, cpu);
	return self;
}

static void may_call(const struct kernel_at_ *at)
{
	if (processor_is_off())
		explore_fail(ORACLE_PROTOCOL, "%s in %s:%d with interrupts off",
			     at->text ? at->text : "a call of other processors", at->site.function,
			     at->site.line);
}

static void call_all(const struct kernel_at_ *at, unsigned long mask, smp_call_func_t func,
		     void *info, bool wait)
{
	unsigned count = sync_check_threads_();
	uint32_t called[PROCESSORS];
	unsigned calls = 0;

	may_call(at);
	for (unsigned cpu = 0; cpu < count; cpu++)
		if (cpu != processor_now() && (mask >> cpu & 1))
			called[calls++] = call_there(at, cpu, func, info);
	kernel_note_(&at->site, "%s", at->text ? at->text : "calls other processors");
	for (unsigned n = 0; wait && n < calls; n++)
		sync_join_(called[n], &at->site);
}

static unsigned long bits_of(const struct kernel_at_ *at, const struct cpumask *mask)
{
	return kernel_read_(at, mask->bits, sizeof(mask->bits[0]), KERNEL_RELAXED_);
}

int kernel_smp_call_function_single_(const struct kernel_at_ *at, int cpu, smp_call_func_t func,
				     void *info, int wait)
{
	if (cpu < 0 || (unsigned)cpu >= sync_check_threads_())
		return -ENXIO;
	if ((unsigned)cpu != processor_now()) {
		call_all(at, 1ul << cpu, func, info, wait);
		return 0;
	}
	may_call(at);
	call_here(at, func, info);
	return 0;
}

void kernel_smp_call_function_many_(const struct kernel_at_ *at, const struct cpumask *mask,
				    smp_call_func_t func, void *info, bool wait)
{
	call_all(at, bits_of(at, mask), func, info, wait);
}

void kernel_smp_call_function_(const struct kernel_at_ *at, smp_call_func_t func, void *info,
			       int wait)
{
	call_all(at, ~0ul, func, info, wait);
}

static void call_each(const struct kernel_at_ *at, unsigned long mask, smp_call_func_t func,
		      void *info, bool wait)
{
	/* Where it is waited for, this processor's comes before the others are over. */
	if (mask >> processor_now() & 1)
		call_here(at, func, info);
	call_all(at, mask, func, info, wait);
}

void kernel_on_each_cpu_(const struct kernel_at_ *at, smp_call_func_t func, void *info, int wait)
{
	call_each(at, ~0ul, func, info, wait);
}

void kernel_on_each_cpu_mask_(const struct kernel_at_ *at, const struct cpumask *mask,
			      smp_call_func_t func, void *info, bool wait)
{
	call_each(at, bits_of(at, mask), func, info, wait);
}

void kernel_on_each_cpu_cond_(const struct kernel_at_ *at, smp_cond_func_t cond,
			      smp_call_func_t func, void *info, bool wait)
{
	unsigned long mask = 0;

	for (unsigned cpu = 0; cpu < sync_check_threads_(); cpu++)
		mask |= cond((int)cpu, info) ? 1ul << cpu : 0;
	call_each(at, mask, func, info, wait);
}

void kernel_tlb_remove_table_sync_one_(const struct kernel_at_ *at)
{
	struct processors *p = processors_now();

	may_call(at);
	for (unsigned cpu = 0; cpu < sync_check_threads_() && !processor_is_outside(); cpu++) {
		if (cpu == processor_now())
			continue;
		sync_lock_(&p->off[cpu], SYNC_UNRANKED, SYNC_SPINS, &at->site);
		sync_unlock_(&p->off[cpu], SYNC_SPINS, &at->site);
	}
	kernel_note_(&at->site, "tlb_remove_table_sync_one()");
}
