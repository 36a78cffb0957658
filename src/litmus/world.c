/* SPDX-License-Identifier: MIT */
/*
 * world.c - see world.h. Called through check.c by the explorer, and by the
 * native runner of litmus tests.
 *
 * Where variables live: each leaf page table of the test is one of three in a
 * group that shares the upper tables; the first of each group holds an area
 * that nobody touches, so that unmapping a variable frees its leaf table but
 * not the tables of its neighbours. Where tables are large, each one's pages
 * begin at another entry, so that no two pages share an entry of a TLB.
 */
#include <errno.h>
#include <string.h>

#include "litmus/world.h"

enum { TABLES_PER_GROUP = TABLE_ENTRIES - 1, DEVICE_TLB_SHIFT = 6, FRAMES_PER_THREAD = 14 };

static uint64_t leaf_addr(int group, int leaf)
{
	return ((uint64_t)group * TABLE_ENTRIES + (uint64_t)leaf) * entry_bytes(1);
}

uint64_t world_page_addr(const struct litmus *test, int var)
{
	const struct litmus_var *v = &test->var[var];
	uint64_t shift = (uint64_t)v->table % (TABLE_ENTRIES / LITMUS_SLOTS_MAX) * LITMUS_SLOTS_MAX;

	return leaf_addr(v->table / TABLES_PER_GROUP, 1 + v->table % TABLES_PER_GROUP) +
	       (shift + (uint64_t)v->slot) * PAGE_BYTES;
}

static uint64_t var_addr(const struct litmus *test, int var)
{
	return world_page_addr(test, var) + (uint64_t)test->var[var].word * sizeof(uint64_t);
}

/* --- setting up ---------------------------------------------------------- */

static uint64_t frames_needed(const struct litmus *test)
{
	uint64_t one = 4 + 2 * (uint64_t)test->tables + (uint64_t)test->pages + 2;
	uint64_t setup = 2 * one + 4, threads = (uint64_t)test->threads * FRAMES_PER_THREAD;

	return 2 * max_u64(setup, threads + one * (uint64_t)test->children * 2);
}

static int map_page(struct world *w, int var)
{
	uint64_t at;

	return mmun_mmap(w->mm, world_page_addr(w->test, var), PAGE_BYTES,
			 MMUN_PROT_READ | MMUN_PROT_WRITE,
			 MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at);
}

static bool first_of_page(const struct litmus *test, int var)
{
	return test->var[var].word == 0;
}

/* Map and fill the variables that are, or are not, shared with the twin. */
static int populate(struct world *w, struct mmun_cpu *cpu, bool shared)
{
	for (int v = 0; v < w->test->vars; v++) {
		const struct litmus_var *var = &w->test->var[v];
		uint64_t addr = var_addr(w->test, v), value;
		int err = 0;

		if ((var->backing == BACKING_COW) != shared)
			continue;
		if (first_of_page(w->test, v))
			err = map_page(w, v);
		if (!err && var->backing == BACKING_ZERO)
			err = mmun_cpu_load(cpu, addr, &value);
		else if (!err && var->backing != BACKING_NONE)
			err = mmun_cpu_store(cpu, addr, (uint64_t)var->init);
		if (err)
			return err;
	}
	return 0;
}

static int protect(struct world *w)
{
	for (int v = 0; v < w->test->vars; v++) {
		int err = 0;

		if (first_of_page(w->test, v) && w->test->var[v].readonly)
			err = mmun_mprotect(w->mm, world_page_addr(w->test, v), PAGE_BYTES,
					    MMUN_PROT_READ);
		if (err)
			return err;
	}
	return 0;
}

static int anchors(struct world *w)
{
	int groups = (w->test->tables + TABLES_PER_GROUP - 1) / TABLES_PER_GROUP;
	uint64_t at;

	for (int g = 0; g < groups; g++) {
		int err = mmun_mmap(w->mm, leaf_addr(g, 0), PAGE_BYTES, MMUN_PROT_NONE,
				    MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at);

		if (err)
			return err;
	}
	return 0;
}

static bool has_cow(const struct litmus *test)
{
	for (int v = 0; v < test->vars; v++)
		if (test->var[v].backing == BACKING_COW)
			return true;
	return false;
}

static int memory_init(struct world *w)
{
	struct mmun_cpu *cpu;
	int err = anchors(w);

	if (!err)
		err = mmun_cpu_create(w->mm, &cpu);
	if (err)
		return err;
	err = populate(w, cpu, true);
	if (!err && has_cow(w->test))
		err = mmun_fork(w->mm, &w->twin);
	if (!err)
		err = populate(w, cpu, false);
	if (!err)
		err = protect(w);
	mmun_cpu_destroy(cpu);
	return err;
}

static int units_init(struct world *w)
{
	const struct mmun_ats_opts opts = { .tlb_shift = DEVICE_TLB_SHIFT };

	for (int t = 0; t < w->test->threads; t++) {
		const struct litmus_thread *thread = &w->test->thread[t];
		int err = 0;

		if (thread->device && !w->ats[thread->unit])
			err = mmun_ats_create(w->mm, &opts, &w->ats[thread->unit]);
		else if (!thread->device && !w->cpu[thread->unit])
			err = mmun_cpu_create(w->mm, &w->cpu[thread->unit]);
		if (err)
			return err;
	}
	return 0;
}

static int access_var(struct world *w, unsigned thread, int var, bool write,
		      enum litmus_order order, int64_t *value, pfn_t *pfn)
{
	const struct litmus_thread *t = &w->test->thread[thread];
	enum tlb_order o = order == ORDER_ACQ_REL ? TLB_ACQ_REL : TLB_RELAXED;
	uint64_t addr = var_addr(w->test, var), v = (uint64_t)*value;
	int err = t->device ? ats_access(w->ats[t->unit], addr, write, o, &v, pfn) :
			      cpu_access(w->cpu[t->unit], addr, write, o, &v, pfn);

	*value = err ? LITMUS_FAULT : (int64_t)v;
	return err;
}

static int caches_init(struct world *w)
{
	int64_t value = 0;
	pfn_t pfn;

	for (int t = 0; t < w->test->threads; t++)
		for (int v = 0; v < w->test->vars; v++)
			if (w->test->thread[t].caches >> v & 1 &&
			    access_var(w, (unsigned)t, v, false, ORDER_ONCE, &value, &pfn))
				return -EINVAL;
	return 0;
}

static const enum mm_op op_of_row[NOTIFY_COUNT] = {
	[OP_MUNMAP] = MM_OP_MUNMAP, [OP_MPROTECT] = MM_OP_MPROTECT, [OP_FORK] = MM_OP_FORK,
	[OP_KSM_MERGE] = MM_OP_KSM_MERGE, [OP_REPLACE_PAGE] = MM_OP_REPLACE_PAGE,
	[NOTIFY_COW] = MM_OP_COW,
};

_Static_assert((int)PLACE_CLEAR == NOTIFY_CLEAR && (int)PLACE_SET == NOTIFY_SET &&
	       (int)PLACE_UNLOCK == NOTIFY_UNLOCK && (int)PLACE_END == NOTIFY_END &&
	       (int)PLACE_AFTER == NOTIFY_AFTER && (int)PLACE_FREED == NOTIFY_FREED,
	       "the language's places are the vm's");

int world_init(struct world *w, const struct litmus *test, const struct world_hooks *hooks,
	       void *ctx)
{
	const struct mmun_machine_opts opts = { .frames = frames_needed(test) };
	int err;

	*w = (struct world){ .test = test, .hooks = hooks, .ctx = ctx };
	err = mmun_machine_create(&opts, &w->machine);
	if (!err)
		err = mmun_mm_create(w->machine, test->classic ? MMUN_CLASSIC : MMUN_MODERN,
				     &w->mm);
	if (!err)
		err = memory_init(w);
	if (!err)
		err = units_init(w);
	if (!err)
		err = caches_init(w);
	if (err) {
		world_fini(w);
		return err;
	}
	for (int op = 0; op < NOTIFY_COUNT; op++)
		if (!(test->place[op] & PLACE_DEFAULT))
			mm_set_where(w->mm, op_of_row[op], test->place[op]);
	return 0;
}

void world_fini(struct world *w)
{
	for (int u = 0; u < LITMUS_THREADS_MAX; u++)
		mmun_cpu_destroy(w->cpu[u]);
	for (int c = 0; c < LITMUS_CHILDREN_MAX; c++)
		mmun_mm_destroy(w->child[c]);
	mmun_mm_destroy(w->twin);
	mmun_mm_destroy(w->mm);
	for (int u = 0; u < LITMUS_THREADS_MAX; u++)
		mmun_ats_destroy(w->ats[u]);
	mmun_machine_destroy(w->machine);
}

/* --- running a thread ---------------------------------------------------- */

static int64_t operation(struct world *w, const struct litmus_insn *i, int64_t value)
{
	uint64_t addr = i->var >= 0 ? world_page_addr(w->test, i->var) : 0;
	int prot = 0, err;

	switch (i->op) {
	case OP_MUNMAP:
		err = mmun_munmap(w->mm, addr, PAGE_BYTES);
		break;
	case OP_MPROTECT:
		prot |= i->prot & LITMUS_PROT_READ ? MMUN_PROT_READ : 0;
		prot |= i->prot & LITMUS_PROT_WRITE ? MMUN_PROT_WRITE : 0;
		err = mmun_mprotect(w->mm, addr, PAGE_BYTES, prot);
		break;
	case OP_FORK:
		err = w->child[i->child] ? -EBUSY : mmun_fork(w->mm, &w->child[i->child]);
		break;
	case OP_KSM_MERGE:
		err = mmun_ksm_merge(w->mm, addr, world_page_addr(w->test, i->var2));
		break;
	case OP_REPLACE_PAGE:
		err = mmun_replace_page(w->mm, var_addr(w->test, i->var), (uint64_t)value);
		break;
	default:
		ASSERT(!"an unknown operation");
		err = -EINVAL;
	}
	return err ? LITMUS_FAULT : 0;
}

static int64_t call(struct world *w, unsigned thread, const struct litmus_insn *i, int64_t value)
{
	int64_t result;

	if (w->hooks && w->hooks->call)
		w->hooks->call(w->ctx, thread, i);
	result = operation(w, i, value);
	if (w->hooks && w->hooks->returned)
		w->hooks->returned(w->ctx, thread, i, result);
	return result;
}

static int64_t access_insn(struct world *w, unsigned thread, const struct litmus_insn *i,
			   int64_t value)
{
	bool write = i->kind == INSN_STORE;
	int64_t v = value;
	pfn_t pfn;

	if (access_var(w, thread, i->var, write, i->order, &v, &pfn))
		return LITMUS_FAULT;
	if (w->hooks && w->hooks->access)
		w->hooks->access(w->ctx, thread, i, v, pfn);
	return write ? 0 : v;
}

void world_thread(struct world *w, unsigned thread)
{
	const struct litmus_thread *t = &w->test->thread[thread];
	int64_t *reg = w->reg[thread];

	for (int pc = 0; pc < t->insns;) {
		const struct litmus_insn *i = &t->insn[pc++];
		int64_t value = i->expr >= 0 ? litmus_eval(w->test, i->expr, reg) : 0;
		int64_t result = value;

		if (i->kind != INSN_SET && i->kind != INSN_JUMP && i->kind != INSN_JUMP_UNLESS)
			sync_note("> %s", i->text);
		switch (i->kind) {
		case INSN_JUMP_UNLESS:
			if (!value)
				pc = i->target;
			continue;
		case INSN_JUMP:
			pc = i->target;
			continue;
		case INSN_FENCE:
			xchg_acq_rel(&w->fence[thread], 0);
			continue;
		case INSN_SET:
			break;
		case INSN_OP:
			result = call(w, thread, i, value);
			break;
		default:
			result = access_insn(w, thread, i, value);
		}
		if (i->reg >= 0)
			reg[i->reg] = result;
	}
}

/* --- the outcome --------------------------------------------------------- */

static int64_t final_value(const struct mmun_mm *mm, const struct litmus *test, int var)
{
	uint64_t addr = var_addr(test, var);
	pte_t pte;

	if (!mm || !vma_find(mm, addr))
		return LITMUS_UNMAPPED;
	pte = mm_translate(mm, addr);
	if (pte_none(pte))
		return 0;
	return (int64_t)load_relaxed(&frame_memory(mm->machine, pte_pfn(pte))[test->var[var].word]);
}

void world_outcome(const struct world *w, int64_t *outcome)
{
	const struct litmus *test = w->test;

	for (int t = 0; t < test->threads; t++)
		for (int r = 0; r < test->thread[t].regs; r++)
			outcome[litmus_reg_index(test, t, r)] = w->reg[t][r];
	for (int v = 0; v < test->vars; v++)
		outcome[litmus_var_index(test, v)] = final_value(w->mm, test, v);
	for (int c = 0; c < test->children; c++)
		for (int v = 0; v < test->vars; v++)
			outcome[litmus_child_index(test, c, v)] =
				final_value(w->child[c], test, v);
}
