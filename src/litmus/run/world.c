/* SPDX-License-Identifier: MIT */
/*
 * world.c - see world.h: processors and devices, and what a statement does. The drivers of
 * runner.h call it as world_runner, and mmun when calls it directly.
 */
#include <errno.h>
#include <string.h>

#include "iommu/ats.h"
#include "calls/calls.h"
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
		opts.caches_permissions = thread->kind == DEVICE_CACHES_PERMISSIONS;
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
#define X(e, ...) [ROW_##e] = MM_OP_##e,
	UPDATES(X)
#undef X
};

static const struct { enum mm_op op; enum mutation what; } mutations[FORGETS_COUNT] = {
#define X(op, what, text) [FORGETS_##op##_##what] = { MM_OP_##op, MUTATION_##what },
	MUTATIONS(X)
#undef X
};

_Static_assert(ROW_COUNT + 1 == MM_OP_COUNT, "each operation but exit, which notifies by release");

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

static int prot_of(const struct litmus_insn *i)
{
	return (i->prot & LITMUS_PROT_READ ? MMUN_PROT_READ : 0) |
	       (i->prot & LITMUS_PROT_WRITE ? MMUN_PROT_WRITE : 0);
}

/* A thread has at most one pin of a page. */
static int64_t operation(struct world *w, unsigned thread, const struct litmus_insn *i,
			 int64_t value)
{
	struct call c = { .mm = w->mm, .prot = prot_of(i), .value = (uint64_t)value,
			  .child = &w->child[i->child] };

	if (i->var >= 0) {
		int page = w->test->var[i->var].page;

		c.addr = world_page_addr(w->test, i->var);
		c.len = world_var_bytes(w->test, i->var);
		c.word = world_var_addr(w->test, i->var);
		c.object = w->object[page];
		c.pin = &w->held[thread][page];
	}
	if (i->var2 >= 0)
		c.second = world_page_addr(w->test, i->var2);
	if (call_operation(i->op, &c))
		return LITMUS_FAULT;
	return i->op == OP_PIN_LOAD ? (int64_t)c.value : 0;
}

static int64_t call(struct world *w, unsigned thread, const struct litmus_insn *i, int64_t value)
{
	const struct litmus_observer *o = w->observer;
	int64_t result;

	if (o && o->call)
		o->call(o->ctx, thread, i);
	result = operation(w, thread, i, value);
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
