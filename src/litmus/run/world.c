/* SPDX-License-Identifier: MIT */
/*
 * world.c - see world.h: processors and devices, and what a statement does. The drivers of
 * runner.h call it as world_runner, and mmun when calls it directly.
 */
#include <errno.h>
#include <string.h>

#include "iommu/ats.h"
#include "litmus/run/world.h"

enum { DEVICE_TLB_SHIFT = 6 };

/* --- setting up ---------------------------------------------------------- */

/* Of all addresses up to the test's last page. */
static int mirror_init(struct world *w, enum litmus_device device, struct mirror **ret)
{
	enum mirror_kind kind = device == DEVICE_SHADOW ? MIRROR_SHADOW : MIRROR_INTERVAL;
	uint64_t end = PAGE_BYTES;

	for (int v = 0; v < w->test->vars; v++)
		end = max_u64(end, world_page_addr(w->test, v) + world_var_bytes(w->test, v));
	return mirror_create(&w->mm->domain, kind, 0, end, ret);
}

static int units_init(struct world *w)
{
	struct mmun_ats_opts opts = { .tlb_shift = DEVICE_TLB_SHIFT };

	for (int t = 0; t < w->test->threads; t++) {
		const struct litmus_thread *thread = &w->test->thread[t];
		int u = thread->unit, err = 0;

		if (!thread->device)
			err = mmun_cpu_create(w->mm, &w->cpu[u]);
		opts.keeps_rights = thread->kind == DEVICE_KEEPER;
		if (thread->device && litmus_has_tlb(thread) && !w->ats[u])
			err = mmun_ats_create(w->mm, &opts, &w->ats[u]);
		else if (thread->device && !litmus_has_tlb(thread) && !w->mirror[u])
			err = mirror_init(w, thread->kind, &w->mirror[u]);
		if (err)
			return err;
	}
	return 0;
}

static int access_var(struct world *w, unsigned thread, int var, bool write,
		      enum litmus_order order, int64_t *value)
{
	const struct litmus_thread *t = &w->test->thread[thread];
	enum tlb_order o = order == ORDER_ACQ_REL ? TLB_ACQ_REL : TLB_RELAXED;
	struct tlb_access a = { .addr = world_var_addr(w->test, var), .value = (uint64_t)*value,
				.write = write, .order = o };
	int err;

	if (!t->device)
		err = cpu_access(w->cpu[t->unit], a.addr, write, o, &a.value, &a.pfn);
	else if (litmus_has_tlb(t))
		err = ats_access(w->ats[t->unit], a.addr, write, o, &a.value, &a.pfn);
	else
		err = mirror_access(w->mirror[t->unit], &a);
	*value = err ? LITMUS_FAULT : (int64_t)a.value;
	return err;
}

static int caches_init(struct world *w)
{
	int64_t value = 0;

	for (int t = 0; t < w->test->threads; t++)
		for (int v = 0; v < w->test->vars; v++)
			if (w->test->thread[t].caches >> v & 1 &&
			    access_var(w, (unsigned)t, v, false, ORDER_ONCE, &value))
				return -EINVAL;
	return 0;
}

static const enum mm_op op_of_row[ROW_COUNT] = {
#define X(e, text) [ROW_##e] = MM_OP_##e,
	LITMUS_ROWS(X)
#undef X
};

static const struct { enum mm_op op; enum mutation what; } mutations[FORGETS_COUNT] = {
#define X(op, what, text) [FORGETS_##op##_##what] = { MM_OP_##op, MUTATION_##what },
	LITMUS_FORGETS(X)
#undef X
};

_Static_assert(ROW_COUNT + 1 == MM_OP_COUNT, "each operation but exit, which notifies by release");

_Static_assert((int)PLACE_CLEAR == FLUSH_POINT_CLEAR && (int)PLACE_SET == FLUSH_POINT_SET &&
	       (int)PLACE_UNLOCK == FLUSH_POINT_UNLOCK && (int)PLACE_END == FLUSH_POINT_END &&
	       (int)PLACE_AFTER == FLUSH_POINT_AFTER && (int)PLACE_FREED == FLUSH_POINT_FREED,
	       "the language's places are the vm's flush points");

/* Last: setting up goes by the semantics. */
static void operations_init(struct world *w)
{
	const struct litmus *test = w->test;

	for (int row = 0; row < ROW_COUNT; row++)
		if (!(test->place[row] & PLACE_DEFAULT))
			mm_set_flush_points(w->mm, op_of_row[row], test->place[row]);
	for (int f = 0; f < FORGETS_COUNT; f++)
		if (test->forgets >> f & 1)
			mm_mutate(w->mm, mutations[f].op, mutations[f].what);
}

int world_init(struct world *w, const struct litmus *test,
	       const struct litmus_observer *observer)
{
	struct mmun_machine_opts opts;
	int err;

	*w = (struct world){ .test = test, .observer = observer };
	world_machine_opts(test, &opts);
	err = mmun_machine_create(&opts, &w->machine);
	if (!err)
		err = mmun_mm_create(w->machine, test->classic ? MMUN_CLASSIC : MMUN_MODERN,
				     &w->mm);
	if (!err)
		err = world_memory_init(w);
	if (!err)
		err = units_init(w);
	if (!err)
		err = caches_init(w);
	if (err) {
		world_fini(w);
		return err;
	}
	operations_init(w);
	return 0;
}

void world_fini(struct world *w)
{
	world_memory_fini(w);
	for (int u = 0; u < LITMUS_THREADS_MAX; u++)
		mmun_cpu_destroy(w->cpu[u]);
	for (int c = 0; c < LITMUS_CHILDREN_MAX; c++)
		mmun_mm_destroy(w->child[c]);
	mmun_mm_destroy(w->twin);
	mmun_mm_destroy(w->mm);
	for (int u = 0; u < LITMUS_THREADS_MAX; u++) {
		mmun_ats_destroy(w->ats[u]);
		mirror_destroy(w->mirror[u]);
	}
	mmun_machine_destroy(w->machine);
}

/* --- running a thread ---------------------------------------------------- */

static const int advice_of[] = {
	[ADVICE_DONTNEED] = MMUN_MADV_DONTNEED, [ADVICE_FREE] = MMUN_MADV_FREE,
	[ADVICE_REMOVE] = MMUN_MADV_REMOVE, [ADVICE_PAGEOUT] = MMUN_MADV_PAGEOUT,
	[ADVICE_COLLAPSE] = MMUN_MADV_COLLAPSE, [ADVICE_HUGEPAGE] = MMUN_MADV_HUGEPAGE,
	[ADVICE_NOHUGEPAGE] = MMUN_MADV_NOHUGEPAGE, [ADVICE_MERGEABLE] = MMUN_MADV_MERGEABLE,
	[ADVICE_UNMERGEABLE] = MMUN_MADV_UNMERGEABLE,
	[ADVICE_POPULATE_READ] = MMUN_MADV_POPULATE_READ,
	[ADVICE_POPULATE_WRITE] = MMUN_MADV_POPULATE_WRITE,
};

static int prot_of(const struct litmus_insn *i)
{
	return (i->prot & LITMUS_PROT_READ ? MMUN_PROT_READ : 0) |
	       (i->prot & LITMUS_PROT_WRITE ? MMUN_PROT_WRITE : 0);
}

static int remap(struct world *w, const struct litmus_insn *i, uint64_t addr, uint64_t len)
{
	int flags = MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED;
	uint64_t at;

	return mmun_mremap(w->mm, addr, len, len, flags | (i->word ? MMUN_MREMAP_DONTUNMAP : 0),
			   world_page_addr(w->test, i->var2), &at);
}

/* Of the pages at addr: what mmap_lock is taken for. */
static int operation_on_areas(struct world *w, const struct litmus_insn *i, uint64_t addr,
			      uint64_t len)
{
	uint64_t at;

	switch (i->op) {
	case OP_MUNMAP:
		return mmun_munmap(w->mm, addr, len);
	case OP_MPROTECT:
		return mmun_mprotect(w->mm, addr, len, prot_of(i));
	case OP_MMAP:
		return mmun_mmap(w->mm, addr, len, MMUN_PROT_READ | MMUN_PROT_WRITE,
				 MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at);
	case OP_MREMAP:
		return remap(w, i, addr, len);
	case OP_MADVISE:
		return mmun_madvise(w->mm, addr, len, advice_of[i->word]);
	case OP_UFFD_WP:
		return mmun_uffd_writeprotect(w->mm, addr, len, i->word);
	case OP_UFFD_MOVE:
		return mmun_uffd_move(w->mm, addr, world_page_addr(w->test, i->var2), len, &at);
	case OP_NUMA_HINT:
		return mmun_numa_hint(w->mm, addr, len);
	default:
		ASSERT(!"an unknown operation");
		return -EINVAL;
	}
}

static int operation(struct world *w, const struct litmus_insn *i, int64_t value)
{
	uint64_t addr = i->var >= 0 ? world_page_addr(w->test, i->var) : 0, dirty;
	struct mmun_object *object = i->var >= 0 ? w->object[w->test->var[i->var].page] : NULL;
	bool young;

	switch (i->op) {
	case OP_FORK:
		return w->child[i->child] ? -EBUSY : mmun_fork(w->mm, &w->child[i->child]);
	case OP_KSM_MERGE:
		return mmun_ksm_merge(w->mm, addr, world_page_addr(w->test, i->var2));
	case OP_REPLACE_PAGE:
		return mmun_replace_page(w->mm, world_var_addr(w->test, i->var), (uint64_t)value);
	case OP_TRUNCATE:
		return mmun_object_truncate(object, 0);
	case OP_FALLOCATE:
		return mmun_object_punch(object, 0, PAGE_BYTES);
	case OP_MSYNC:
		return mmun_object_clean(object, 0, PAGE_BYTES, &dirty);
	case OP_MOVE_PAGES:
		return mmun_migrate(w->mm, addr);
	case OP_SPLIT:
		return mmun_split_huge_page(w->mm, addr);
	case OP_CLEAR_REFS:
		return mmun_clear_refs(w->mm, i->word == 4 ? MMUN_CLEAR_REFS_SOFT_DIRTY :
							     MMUN_CLEAR_REFS_ALL);
	case OP_PAGE_IDLE:
		return mmun_page_young(w->mm, addr, true, &young);
	case OP_OOM_REAP:
		return mmun_oom_reap(w->mm);
	default:
		return operation_on_areas(w, i, addr, world_var_bytes(w->test, i->var));
	}
}

/* pin and what is done with it: a thread has at most one pin of a page. */
static int64_t operation_on_pin(struct world *w, unsigned thread, const struct litmus_insn *i,
				int64_t value)
{
	const struct litmus_var *var = &w->test->var[i->var];
	struct mmun_pin **pin = &w->held[thread][var->page];
	uint64_t word = (uint64_t)var->word, got = 0;
	int err = 0;

	if ((i->op == OP_PIN) == (*pin != NULL))
		return LITMUS_FAULT;
	if (i->op == OP_PIN) {
		err = mmun_pin(w->mm, world_page_addr(w->test, i->var), true, pin);
	} else if (i->op == OP_PIN_LOAD) {
		err = mmun_pin_load(*pin, word, &got);
	} else if (i->op == OP_PIN_STORE) {
		err = mmun_pin_store(*pin, word, (uint64_t)value);
	} else {
		mmun_unpin(*pin);
		*pin = NULL;
	}
	return err ? LITMUS_FAULT : (int64_t)got;
}

static bool is_pin(enum litmus_op op)
{
	return op == OP_PIN || op == OP_PIN_LOAD || op == OP_PIN_STORE || op == OP_UNPIN;
}

static int64_t call(struct world *w, unsigned thread, const struct litmus_insn *i, int64_t value)
{
	const struct litmus_observer *o = w->observer;
	int64_t result;

	if (o && o->call)
		o->call(o->ctx, thread, i);
	if (is_pin(i->op))
		result = operation_on_pin(w, thread, i, value);
	else
		result = operation(w, i, value) ? LITMUS_FAULT : 0;
	if (o && o->returned)
		o->returned(o->ctx, thread, i, value, result);
	return result;
}

static int64_t access_insn(struct world *w, unsigned thread, const struct litmus_insn *i,
			   int64_t value)
{
	const struct litmus_observer *o = w->observer;
	bool write = i->kind == INSN_STORE;
	int64_t v = value;

	if (access_var(w, thread, i->var, write, i->order, &v))
		return LITMUS_FAULT;
	if (o && o->access)
		o->access(o->ctx, thread, i, v);
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
			sync_event(STATEMENT, (uintptr_t)i->text, world_named_addr(w->test, i->var),
				   world_named_addr(w->test, i->var2));
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

void world_outcome(const struct world *w, int64_t *outcome)
{
	const struct litmus *test = w->test;

	for (int t = 0; t < test->threads; t++)
		for (int r = 0; r < test->thread[t].regs; r++)
			outcome[litmus_reg_index(test, t, r)] = w->reg[t][r];
	for (int v = 0; v < test->vars; v++)
		outcome[litmus_var_index(test, v)] = world_final_value(w->mm, test, v);
	for (int c = 0; c < test->children; c++)
		for (int v = 0; v < test->vars; v++)
			outcome[litmus_child_index(test, c, v)] =
				world_final_value(w->child[c], test, v);
}

/* --- the runner ---------------------------------------------------------- */

static int setup(void *state, const struct litmus *test, const struct litmus_observer *observer)
{
	return world_init(state, test, observer);
}

static void thread(void *state, unsigned number) { world_thread(state, number); }
static void outcome(const void *state, int64_t *values) { world_outcome(state, values); }
static void teardown(void *state) { world_fini(state); }

/* Real threads really touch what a mistake of the test's has freed. */
static const char *cannot(const struct litmus *test)
{
	if (!strcmp(test->expected_finding, "lifetime"))
		return "its mistake is to use memory that is freed, which may be anything by then";
	if (!strcmp(test->expected_finding, "liveness"))
		return "its mistake is that a thread never comes to an end";
	return NULL;
}

const struct litmus_runner world_runner = {
	.name = "vm", .state_size = sizeof(struct world), .cannot = cannot, .setup = setup,
	.thread = thread, .outcome = outcome, .teardown = teardown,
};
