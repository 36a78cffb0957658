/* SPDX-License-Identifier: MIT */
/* processors.c - interrupts, calls of other processors, variables and sets of processors: right
 * checks, and broken twins. */
#include "scene.h"

struct s {
	int word, table, calls;
	int *page;
	spinlock_t lock;
	rwlock_t rwlock;
	struct mutex mutex;
	struct cpumask mask;
	int *counters;
	bool broken;
};

static struct s *the;
static DEFINE_PER_CPU(int, hits);
static DEFINE_PER_CPU(long, sums);

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	the = s;
	s->page = kzalloc(sizeof(*s->page), GFP_KERNEL);
	per_cpu(hits, 1) = 7;
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	kfree(s->page);
	free_percpu(s->counters);
}

/* --- interrupts that are off ---------------------------------------------------------------- */

/* A lockless walk of a page table, and whoever frees the table (mm/gup.c, mm/mmu_gather.c). */
SCENE_OF(lockless_walk, setup, 2, .expect = "lifetime")
{
	unsigned long flags;
	int *page;

	if (t == 0) {
		page = READ_ONCE(s->page);
		WRITE_ONCE(s->page, NULL);
		if (!broken)
			tlb_remove_table_sync_one();
		kfree(page);
		return;
	}
	local_irq_save(flags);
	page = READ_ONCE(s->page);
	if (page)
		BUG_ON(READ_ONCE(*page));
	local_irq_restore(flags);
}

/* A read section of RCU does not keep the call away. */
SCENE_OF(walk_in_section, setup, 2, .expect = "lifetime")
{
	int *page;

	if (t == 0) {
		page = READ_ONCE(s->page);
		WRITE_ONCE(s->page, NULL);
		if (broken)
			tlb_remove_table_sync_one();
		else
			synchronize_rcu();
		kfree(page);
		return;
	}
	rcu_read_lock();
	page = READ_ONCE(s->page);
	if (page)
		BUG_ON(READ_ONCE(*page));
	rcu_read_unlock();
}

SCENE_OF(sleeps_with_interrupts_off, setup, 1, .expect = "atomic-sleep")
{
	(void)t;
	local_irq_disable();
	BUG_ON(!irqs_disabled());
	if (!broken)
		local_irq_enable();
	mutex_lock(&s->mutex);
	mutex_unlock(&s->mutex);
	if (broken)
		local_irq_enable();
	BUG_ON(irqs_disabled());
}

/* Flags nest. */
SCENE_OF(puts_on_too_early, setup, 1, .expect = "protocol")
{
	unsigned long outer;

	(void)t;
	local_irq_save(outer);
	spin_lock_irq(&s->lock);
	if (broken)
		spin_unlock_irq(&s->lock);
	else
		spin_unlock(&s->lock);
	lockdep_assert_irqs_disabled();
	local_irq_restore(outer);
}

SCENE_OF(never_puts_on, setup, 1, .expect = "lock-held")
{
	(void)t;
	spin_lock_irq(&s->lock);
	if (broken)
		spin_unlock(&s->lock);
	else
		spin_unlock_irq(&s->lock);
}

/* --- calls ---------------------------------------------------------------------------------- */

static void count(void *info)
{
	int *n = info;

	BUG_ON(!in_hardirq() && !irqs_disabled());
	this_cpu_inc(hits);
	(*n)++;
}

/* The call is over when it was waited for; on its processor it does not overlap what runs with
 * interrupts off. */
SCENE_OF(call_and_wait, setup, 2, .expect = "assertion")
{
	if (t == 0) {
		BUG_ON(smp_call_function_single(1, count, &s->calls, !broken));
		BUG_ON(s->calls != 1);
	} else {
		local_irq_disable();
		WRITE_ONCE(s->word, 1);
		local_irq_enable();
	}
}

static void look(void *info)
{
	struct s *s = info;

	BUG_ON(READ_ONCE(s->word));
}

SCENE_OF(interrupts_do_not_overlap, setup, 2, .expect = "assertion")
{
	unsigned long flags = 0;

	if (t == 0) {
		smp_call_function(look, s, 1);
		return;
	}
	if (!broken)
		local_irq_save(flags);
	WRITE_ONCE(s->word, 1);
	WRITE_ONCE(s->word, 0);
	local_irq_restore(flags);
}

SCENE_OF(calls_with_interrupts_off, setup, 2, .expect = "protocol, deadlock")
{
	if (t == 0 && !broken)
		return;
	local_irq_disable();
	if (!broken)
		local_irq_enable();
	smp_call_function(look, s, 1);
	if (broken)
		local_irq_enable();
}

/* Two that call each other, one of which waits for a lock of the other with interrupts off. */
SCENE_OF(calls_with_lock, setup, 2, .expect = "deadlock")
{
	if (t == 0) {
		spin_lock(&s->lock);
		if (!broken)
			spin_unlock(&s->lock);
		on_each_cpu(look, s, 1);
		if (broken)
			spin_unlock(&s->lock);
		return;
	}
	local_irq_disable();
	spin_lock(&s->lock);
	spin_unlock(&s->lock);
	local_irq_enable();
}

static void take(void *info)
{
	struct s *s = info;

	spin_lock(&s->lock);
	s->table++;
	spin_unlock(&s->lock);
}

/* The call may come while its processor has the lock. */
SCENE_OF(lock_of_interrupts, setup, 2, .expect = "lock-order")
{
	unsigned long flags;

	if (t == 0) {
		smp_call_function_single(1, take, s, true);
		return;
	}
	if (broken) {
		spin_lock(&s->lock);
		s->table++;
		spin_unlock(&s->lock);
	} else {
		spin_lock_irqsave(&s->lock, flags);
		s->table++;
		spin_unlock_irqrestore(&s->lock, flags);
	}
}

static void sleep_in_call(void *info)
{
	struct s *s = info;

	if (s->broken)
		mutex_lock(&s->mutex);
	else if (!mutex_trylock(&s->mutex))
		return;
	mutex_unlock(&s->mutex);
}

SCENE_OF(sleeps_in_call, setup, 2, .expect = "atomic-sleep")
{
	if (t)
		return;
	s->broken = broken;
	smp_call_function(sleep_in_call, s, 1);
}

/* --- sets of processors, and their variables ------------------------------------------------- */

/* Whoever is in the set is told before what it uses goes away: as mm_cpumask(). */
SCENE_OF(told_if_in_set, setup, 2, .expect = "lifetime")
{
	int *page;

	if (t == 0) {
		page = READ_ONCE(s->page);
		WRITE_ONCE(s->page, NULL);
		smp_mb();
		if (!broken || cpumask_test_cpu(1, &s->mask))
			smp_call_function_many(broken ? &s->mask : cpu_online_mask, look, s, true);
		kfree(page);
		return;
	}
	local_irq_disable();
	page = READ_ONCE(s->page);
	cpumask_set_cpu(smp_processor_id(), &s->mask); /* too late */
	if (page)
		BUG_ON(READ_ONCE(*page));
	cpumask_clear_cpu(smp_processor_id(), &s->mask);
	local_irq_enable();
}

/* Each has its own copy; who sums up others' must wait for them. */
SCENE_OF(own_copies, setup, 2, .expect = "race")
{
	int *mine = get_cpu_ptr(&hits);

	BUG_ON(*mine != (t ? 7 : 0));
	(*mine)++;
	put_cpu_ptr(&hits);
	this_cpu_add(sums, 3);
	this_cpu_dec(sums);
	BUG_ON(this_cpu_read(sums) != 2 || this_cpu_xchg(sums, 5) != 2 ||
	       this_cpu_inc_return(sums) != 6);
	if (broken && t)
		per_cpu(hits, 0)++;
}

struct pair { int first, second; };

static DEFINE_PER_CPU(struct pair, pairs);

/* Members are as far from each other as the whole. */
SCENE_OF(members, setup, 2, .expect = "assertion")
{
	this_cpu_inc(pairs.second);
	BUG_ON(this_cpu_ptr(&pairs)->second != 1 || per_cpu(pairs, t).first != 0);
	if (broken)
		this_cpu_inc(pairs.first);
	BUG_ON(per_cpu(pairs, t).first != 0);
}

static void add_plainly(void *info)
{
	(void)info;
	__this_cpu_inc(hits);
}

/* One instruction is not torn by an interrupt; the twin takes several. */
SCENE_OF(interrupted_increment, setup, 2, .expect = "race")
{
	if (t == 0) {
		smp_call_function_single(1, add_plainly, NULL, 1);
		return;
	}
	if (broken)
		__this_cpu_inc(hits);
	else
		this_cpu_inc(hits);
}

/* With interrupts off is a read section of RCU. */
SCENE_OF(walk_by_rcu, setup, 2, .expect = "lifetime")
{
	int *page;

	if (t == 0) {
		page = READ_ONCE(s->page);
		WRITE_ONCE(s->page, NULL);
		if (!broken)
			synchronize_rcu();
		kfree(page);
		return;
	}
	local_irq_disable();
	page = READ_ONCE(s->page);
	if (page)
		BUG_ON(READ_ONCE(*page));
	local_irq_enable();
}

SCENE_OF(allocated_copies, setup, 1, .expect = "leak")
{
	int *counters = alloc_percpu(int);
	unsigned cpu, sum = 0;

	(void)t;
	*this_cpu_ptr(counters) = 4;
	for_each_possible_cpu(cpu)
		sum += (unsigned)*per_cpu_ptr(counters, cpu);
	BUG_ON(sum != 4 || cpumask_weight(cpu_online_mask) != 1);
	if (!broken)
		s->counters = counters;
}
