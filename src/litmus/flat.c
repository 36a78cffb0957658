/* SPDX-License-Identifier: MIT */
/*
 * flat.c - the reference: every outcome that a test can have where memory is
 * just memory. No TLBs, no page tables, one access at a time.
 *
 * munmap and mprotect take effect at one moment between their call and their
 * return. Another thread's access to the page in that time may find the page as
 * it was before or as it is after, each access on its own:
 *
 *     P0                        P1
 *     munmap(x) called
 *                               r0 = *x   the value or a fault
 *     takes effect
 *                               r1 = *x   the value or a fault
 *     munmap(x) returns
 *                               r2 = *x   [a fault]
 *
 * fork copies each page at a moment of its own between call and return.
 * replace_page and ksm_merge are a single step.
 *
 * States are explored breadth first; the set of states is the queue as well. A
 * state is HEAD words followed by what an outcome has, memory in place of the
 * final values. Invariant: a state that is in the set rests, that is, no thread
 * in it can take a step that the others could not notice.
 */
#include <errno.h>
#include <string.h>

#include "litmus/litmus.h"

enum { MAPPED = 1 << 2 }; /* a page's rights: this and litmus_prot bits; 0: unmapped */

enum phase { IDLE, CALLED, DONE }; /* of an operation: DONE, but not yet returned */

struct control {          /* one word of the state per thread */
	uint8_t pc;
	uint8_t phase;
	uint8_t before;   /* munmap, mprotect in DONE: the rights it replaced */
	uint8_t failed;   /* in DONE: what it will return */
	uint16_t copied;  /* fork: bit p: page p has been copied */
	uint16_t pad;
};

_Static_assert(sizeof(struct control) == sizeof(int64_t), "control is one word of a state");
_Static_assert(LITMUS_INSNS_MAX <= UINT8_MAX, "pc fits");
_Static_assert(LITMUS_VARS_MAX <= 16, "a page has a bit in copied and a byte in rights");

struct head {
	struct control control[LITMUS_THREADS_MAX];
	uint8_t rights[16]; /* by page */
};

enum { HEAD = sizeof(struct head) / sizeof(int64_t) };

struct state {
	struct head head;
	int64_t value[LITMUS_OUTCOME_MAX]; /* the layout of an outcome */
};

struct flat {
	const struct litmus *test;
	size_t states_max;
	struct litmus_outcomes states, *outcomes;
	int reg_base[LITMUS_THREADS_MAX], var_base;
	int ret;
};

/* --- rights -------------------------------------------------------------- */

static bool permits(uint8_t rights, bool write)
{
	return rights & (write ? LITMUS_PROT_WRITE : LITMUS_PROT_READ);
}

/* Rights after munmap or mprotect; mprotect does not map what is not mapped. */
static uint8_t rights_after(const struct litmus_insn *insn, uint8_t before)
{
	if (insn->op == OP_MUNMAP || !before)
		return 0;
	return (uint8_t)(MAPPED | insn->prot);
}

/* Which of "succeeds" and "faults" can an access to @page do now? */
static void access_choices(const struct flat *f, const struct state *s, int page, bool write,
			   bool *ret_succeeds, bool *ret_faults)
{
	bool now = permits(s->head.rights[page], write);

	*ret_succeeds = now;
	*ret_faults = !now;
	for (int t = 0; t < f->test->threads; t++) {
		const struct control *c = &s->head.control[t];
		const struct litmus_insn *insn;
		bool other;

		if (c->phase == IDLE)
			continue;
		insn = &f->test->thread[t].insn[c->pc];
		if (insn->op == OP_FORK || f->test->var[insn->var].page != page)
			continue;
		other = permits(c->phase == DONE ? c->before :
				rights_after(insn, s->head.rights[page]), write);
		*ret_succeeds |= other;
		*ret_faults |= !other;
	}
}

/* --- storing states ------------------------------------------------------ */

static void add_outcome(struct flat *f, const struct state *s)
{
	int64_t outcome[LITMUS_OUTCOME_MAX];

	memcpy(outcome, s->value, (size_t)f->outcomes->size * sizeof(*outcome));
	for (int v = 0; v < f->test->vars; v++)
		if (!s->head.rights[f->test->var[v].page])
			outcome[f->var_base + v] = LITMUS_UNMAPPED;
	f->ret = litmus_outcomes_add(f->outcomes, outcome, 1);
}

/* What a thread does without touching memory is no step of its own. */
static void run_to_rest(const struct flat *f, struct state *s, int thread)
{
	const struct litmus_thread *t = &f->test->thread[thread];
	int64_t *regs = s->value + f->reg_base[thread];
	struct control *c = &s->head.control[thread];

	while (c->pc < t->insns) {
		const struct litmus_insn *insn = &t->insn[c->pc];

		switch (insn->kind) {
		case INSN_SET:
			regs[insn->reg] = litmus_eval(f->test, insn->expr, regs);
			c->pc++;
			break;
		case INSN_JUMP_UNLESS:
			c->pc = (uint8_t)(litmus_eval(f->test, insn->expr, regs) ? c->pc + 1 :
					  insn->target);
			break;
		case INSN_JUMP:
			c->pc = (uint8_t)insn->target;
			break;
		case INSN_FENCE:
			c->pc++;
			break;
		default:
			return;
		}
	}
}

static void add_state(struct flat *f, const struct state *s)
{
	int64_t words[sizeof(*s) / sizeof(int64_t)];

	if (f->ret)
		return;
	memcpy(words, s, (size_t)f->states.size * sizeof(*words));
	f->ret = litmus_outcomes_add(&f->states, words, 1);
	if (!f->ret && f->states.count > f->states_max)
		f->ret = -E2BIG;
}

/* The instruction of @thread is over with @result, 0 or LITMUS_FAULT. */
static void finish(struct flat *f, struct state *s, int thread, int reg, int64_t result)
{
	struct control *c = &s->head.control[thread];

	if (reg >= 0)
		s->value[f->reg_base[thread] + reg] = result;
	*c = (struct control){ .pc = (uint8_t)(c->pc + 1) };
	run_to_rest(f, s, thread);
	add_state(f, s);
}

/* --- steps: each adds all states that one step of @thread can lead to ------ */

static void step_access(struct flat *f, const struct state *from, int thread,
			const struct litmus_insn *insn)
{
	bool write = insn->kind == INSN_STORE, succeeds, faults;
	struct state s;
	int64_t *memory;

	access_choices(f, from, f->test->var[insn->var].page, write, &succeeds, &faults);
	if (succeeds) {
		s = *from;
		memory = &s.value[f->var_base + insn->var];
		if (write)
			*memory = litmus_eval(f->test, insn->expr, s.value + f->reg_base[thread]);
		finish(f, &s, thread, insn->reg, write ? 0 : *memory);
	}
	if (faults) {
		s = *from;
		finish(f, &s, thread, insn->reg, LITMUS_FAULT);
	}
}

static void step_rights(struct flat *f, const struct state *from, int thread,
			const struct litmus_insn *insn)
{
	struct state s = *from;
	struct control *c = &s.head.control[thread];
	uint8_t *rights = &s.head.rights[f->test->var[insn->var].page];

	if (c->phase == IDLE) {
		c->phase = CALLED;
		add_state(f, &s);
	} else if (c->phase == CALLED) {
		c->phase = DONE;
		c->before = *rights;
		c->failed = insn->op == OP_MPROTECT && !*rights;
		*rights = rights_after(insn, *rights);
		add_state(f, &s);
	} else {
		finish(f, &s, thread, insn->reg, c->failed ? LITMUS_FAULT : 0);
	}
}

static void copy_page(const struct flat *f, struct state *s, int page, int child)
{
	int64_t *memory = s->value + f->var_base;
	int64_t *copy = memory + (1 + child) * f->test->vars;

	for (int v = 0; v < f->test->vars; v++)
		if (f->test->var[v].page == page && s->head.rights[page])
			copy[v] = memory[v];
}

static void step_fork(struct flat *f, const struct state *from, int thread,
		      const struct litmus_insn *insn)
{
	uint16_t copied = from->head.control[thread].copied;
	struct state s = *from;

	if (from->head.control[thread].phase == IDLE) {
		s.head.control[thread].phase = CALLED;
		add_state(f, &s);
		return;
	}
	if (copied == (1u << f->test->pages) - 1) {
		finish(f, &s, thread, insn->reg, 0);
		return;
	}
	for (int page = 0; page < f->test->pages; page++) {
		if (copied & 1u << page)
			continue;
		s = *from;
		s.head.control[thread].copied |= (uint16_t)(1u << page);
		copy_page(f, &s, page, insn->child);
		add_state(f, &s);
	}
}

static void step_replace_page(struct flat *f, const struct state *from, int thread,
			      const struct litmus_insn *insn)
{
	uint8_t rights = from->head.rights[f->test->var[insn->var].page];
	bool fails = !permits(rights, false) || permits(rights, true); /* read-only, as in the vm */
	struct state s = *from;

	if (!fails)
		s.value[f->var_base + insn->var] =
			litmus_eval(f->test, insn->expr, s.value + f->reg_base[thread]);
	finish(f, &s, thread, insn->reg, fails ? LITMUS_FAULT : 0);
}

/* Merging pages changes no content, and may fail for many a reason. */
static void step_ksm_merge(struct flat *f, const struct state *from, int thread,
			   const struct litmus_insn *insn)
{
	struct state s = *from;

	finish(f, &s, thread, insn->reg, 0);
	if (insn->reg < 0)
		return;
	s = *from;
	finish(f, &s, thread, insn->reg, LITMUS_FAULT);
}

static void step(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn =
		&f->test->thread[thread].insn[from->head.control[thread].pc];

	if (insn->kind != INSN_OP) {
		step_access(f, from, thread, insn);
		return;
	}
	switch (insn->op) {
	case OP_MUNMAP:
	case OP_MPROTECT:
		step_rights(f, from, thread, insn);
		break;
	case OP_FORK:
		step_fork(f, from, thread, insn);
		break;
	case OP_KSM_MERGE:
		step_ksm_merge(f, from, thread, insn);
		break;
	case OP_REPLACE_PAGE:
		step_replace_page(f, from, thread, insn);
		break;
	case OP_COUNT:
		break;
	}
}

/* --- the whole ----------------------------------------------------------- */

static void first_state(struct flat *f, struct state *s)
{
	const struct litmus *test = f->test;

	memset(s, 0, sizeof(*s));
	for (int v = 0; v < test->vars; v++) {
		const struct litmus_var *var = &test->var[v];

		s->value[f->var_base + v] = var->init;
		s->head.rights[var->page] = (uint8_t)(MAPPED | LITMUS_PROT_READ |
						      (var->readonly ? 0 : LITMUS_PROT_WRITE));
	}
	for (int c = 0; c < test->children; c++)
		for (int v = 0; v < test->vars; v++)
			s->value[litmus_child_index(test, c, v)] = LITMUS_UNMAPPED;
	for (int t = 0; t < test->threads; t++)
		run_to_rest(f, s, t);
}

static void search(struct flat *f)
{
	const struct litmus *test = f->test;
	size_t width = (size_t)f->states.size;
	struct state s;

	memset(&s, 0, sizeof(s));
	for (size_t i = 0; i < f->states.count && !f->ret; i++) {
		bool over = true;

		memcpy(&s, f->states.values + i * width, width * sizeof(int64_t));
		for (int t = 0; t < test->threads && !f->ret; t++) {
			if (s.head.control[t].pc == test->thread[t].insns)
				continue;
			over = false;
			step(f, &s, t);
		}
		if (over && !f->ret)
			add_outcome(f, &s);
	}
}

int litmus_flat(const struct litmus *test, size_t states_max, struct litmus_outcomes *ret)
{
	struct flat f = { .test = test, .states_max = states_max, .outcomes = ret };
	int size = litmus_outcome_size(test);
	struct state first;

	f.var_base = litmus_var_index(test, 0);
	for (int t = 0; t < test->threads; t++)
		f.reg_base[t] = litmus_reg_index(test, t, 0);
	f.ret = litmus_outcomes_init(ret, size);
	if (f.ret)
		return f.ret;
	f.ret = litmus_outcomes_init(&f.states, HEAD + size);
	first_state(&f, &first);
	if (!f.ret)
		add_state(&f, &first);
	search(&f);
	litmus_outcomes_fini(&f.states);
	if (f.ret)
		litmus_outcomes_fini(ret);
	return f.ret;
}
