/* SPDX-License-Identifier: MIT */
/*
 * flat.c - the reference: every outcome that a test can have where memory is just memory.
 * There are no TLBs and no page tables, and accesses happen one at a time.
 *
 * An operation that changes what a page shows, or who may access it, takes effect at one
 * moment between its call and its return, and for each page at a moment of its own. An access
 * of another thread between that moment and the return may find the page as it was before or
 * as it is after. Each access decides this on its own:
 *
 *     P0                        P1
 *     munmap(x) called
 *     takes effect
 *                               r0 = *x   the value or a fault
 *                               r1 = *x   the value or a fault
 *     munmap(x) returns
 *                               r2 = *x   [a fault]
 *
 * If the contents are exchanged as well, a store through the old view is lost with them,
 * unless they have moved elsewhere. A thread that has once gone through a later view does not
 * come back to an older one: it has one TLB, with one entry for a page. Threads that share a
 * device are excepted. flat_ops.c has the operations, and flat_state.c the states.
 *
 * States are explored breadth first. The set of states is also the queue.
 */
#include <errno.h>
#include <string.h>

#include "litmus/flat/flat.h"
#include "litmus/flat/state.h"

/* --- the end ------------------------------------------------------------- */

static int64_t final_value(const struct flat *f, const struct state *s, const struct place *p,
			   int var, int64_t own)
{
	if (!p->rights)
		return LITMUS_UNMAPPED;
	if (p->object && s->object[p->object - 1].gone)
		return LITMUS_FAULT;
	if (p->object && !(p->flags & PLACE_COPIED))
		return s->frame[s->object[p->object - 1].frame].word[f->test->var[var].word];
	return own;
}

static void add_outcome(struct flat *f, const struct state *s)
{
	int64_t outcome[LITMUS_OUTCOME_MAX];

	memcpy(outcome, s->value, (size_t)f->outcomes->size * sizeof(*outcome));
	for (int v = 0; v < f->test->vars; v++) {
		int page = f->test->var[v].page, word = f->test->var[v].word;
		const struct place *p = &s->place[page];
		int64_t own = p->frame ? s->frame[p->frame - 1].word[word] : 0;

		outcome[f->var_base + v] = final_value(f, s, p, v, own);
		for (int c = 0; c < f->test->children; c++) {
			int64_t *value = &outcome[litmus_child_index(f->test, c, v)];

			*value = final_value(f, s, &s->child[c][page], v, *value);
		}
	}
	f->ret = litmus_outcomes_add(f->outcomes, outcome, 1);
}

/* --- steps --------------------------------------------------------------- */

/* An access that goes through, to this frame. */
static void access_frame(struct flat *f, struct state *s, int thread, int frame)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);
	const struct litmus_var *var = &f->test->var[insn->var];
	struct frame *to = &s->frame[frame];
	struct state kept;

	to->flags |= FRAME_TOUCHED;
	if (insn->kind == INSN_LOAD) {
		flat_finish(f, s, thread, to->word[var->word]);
		return;
	}
	to->word[var->word] = litmus_eval(f->test, insn->expr, s->value + f->reg_base[thread]);
	if (to->flags & FRAME_LAZY) {
		/* A translation from before MADV_FREE took effect says nothing of the store. */
		kept = *s;
		if (flat_freeing(f, s, var->page))
			flat_finish(f, &kept, thread, 0);
		to->flags &= ~(int64_t)FRAME_LAZY;
	}
	flat_finish(f, s, thread, 0);
}

/* From now on the thread goes by the view that was opened n-th, or by later ones. */
static void leave_older(const struct flat *f, struct state *s, int thread, int page, int n)
{
	if (!(f->alone >> thread & 1))
		return;
	for (int i = 0; i < n && s->stale[i].thread; i++)
		if (s->stale[i].page == page)
			s->stale[i].left |= (uint8_t)(1u << thread);
}

static void step_access(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	int page = f->test->var[insn->var].page;
	bool write = insn->kind == INSN_STORE;
	const struct place *p = &from->place[page];
	bool gone = p->object && from->object[p->object - 1].gone;
	struct state s = *from;

	if (!flat_permits(p->rights, write) || gone) {
		flat_finish(f, &s, thread, LITMUS_FAULT);
	} else {
		if (write && flat_copies(&s, page)) {
			flat_copy(f, &s, page);
			flat_add(f, &s);
		} else {
			leave_older(f, &s, thread, page, f->stales);
			access_frame(f, &s, thread, flat_frame(&s, page));
		}
	}
	for (int n = 0; n < f->stales && from->stale[n].thread; n++) {
		if (from->stale[n].page != page || from->stale[n].left >> thread & 1 ||
		    !flat_permits(from->stale[n].rights, write))
			continue;
		s = *from;
		leave_older(f, &s, thread, page, n);
		access_frame(f, &s, thread, from->stale[n].frame);
	}
}

/* --- the whole ----------------------------------------------------------- */

static void first_place(struct state *s, const struct litmus_var *var)
{
	struct place *p = &s->place[var->page];
	enum litmus_backing b = var->backing;

	*p = (struct place){ .rights = (uint8_t)(MAPPED | LITMUS_PROT_READ |
						 (var->readonly ? 0 : LITMUS_PROT_WRITE)) };
	if (b == BACKING_SHARED || b == BACKING_FILE) {
		p->object = (uint8_t)(var->page + 1);
		p->flags = b == BACKING_SHARED ? PLACE_SHARES : 0;
		s->object[var->page].frame = (uint8_t)var->page;
	} else {
		p->frame = (uint8_t)(var->page + 1);
	}
	s->frame[var->page].flags = b == BACKING_NONE ? 0 : b == BACKING_SWAPPED ?
				    FRAME_TOUCHED | FRAME_OUT : FRAME_TOUCHED;
	s->frame[var->page].word[var->word] = var->init;
}

static void first_state(struct flat *f, struct state *s)
{
	int pins = 0;

	memset(s, 0, sizeof(*s));
	for (int v = 0; v < f->test->vars; v++) {
		const struct litmus_var *var = &f->test->var[v];

		first_place(s, var);
		if (var->pinned && !var->word)
			s->pin[pins++] = (struct pin){ SOMEBODY, (uint8_t)var->page,
						       (uint8_t)var->page };
	}
	for (int t = 0; t < f->test->threads; t++)
		flat_run_to_rest(f, s, t);
}

static void search(struct flat *f)
{
	const struct litmus *test = f->test;
	size_t width = (size_t)f->states.size;
	struct state s;

	memset(&s, 0, sizeof(s));
	for (size_t i = 0; i < f->states.count && !f->ret; i++) {
		bool over = true;

		flat_unpack(f, f->states.values + i * width, &s);
		for (int t = 0; t < test->threads && !f->ret; t++) {
			if (s.control[t].pc == test->thread[t].insns)
				continue;
			over = false;
			if (flat_insn(f, &s, t)->kind == INSN_OP)
				flat_step_op(f, &s, t);
			else
				step_access(f, &s, t);
		}
		if (over && !f->ret)
			add_outcome(f, &s);
	}
}

/* What the test can have of each kind. False: more than there is room for. */
static bool measure(struct flat *f)
{
	const struct litmus *test = f->test;

	for (int v = 0; v < test->vars; v++) {
		if (test->var[v].word >= f->words)
			f->words = test->var[v].word + 1;
		f->pins += test->var[v].pinned && !test->var[v].word;
		f->objects |= litmus_has_object(test, test->var[v].page);
	}
	for (int t = 0; t < test->threads; t++) {
		int most = 0, sharers = 0;

		for (int u = 0; u < test->threads; u++)
			sharers += test->thread[u].unit == test->thread[t].unit;
		f->alone |= (uint8_t)(sharers == 1 ? 1u << t : 0);
		for (int i = 0; i < test->thread[t].insns; i++) {
			const struct litmus_insn *insn = &test->thread[t].insn[i];
			int n = insn->kind == INSN_OP ? flat_stales(test, insn) : 0;

			f->pins += insn->kind == INSN_OP && insn->op == OP_PIN;
			f->pageout |= insn->kind == INSN_OP && insn->op == OP_MADV_PAGEOUT;
			most = n > most ? n : most;
		}
		f->stales += most;
	}
	f->frames = (f->objects ? 2 : 1) * test->pages + f->stales + f->pins + 1;
	return f->stales <= STALE_MAX && f->pins <= PINS_MAX;
}

int litmus_flat(const struct litmus *test, size_t states_max, struct litmus_outcomes *ret)
{
	struct flat f = { .test = test, .states_max = states_max, .outcomes = ret };
	struct state first;

	if (!measure(&f))
		return -E2BIG;
	f.var_base = litmus_var_index(test, 0);
	for (int t = 0; t < test->threads; t++)
		f.reg_base[t] = litmus_reg_index(test, t, 0);
	f.ret = litmus_outcomes_init(ret, litmus_outcome_size(test));
	if (f.ret)
		return f.ret;
	f.ret = litmus_outcomes_init(&f.states, flat_state_words(&f));
	first_state(&f, &first);
	flat_add(&f, &first);
	search(&f);
	litmus_outcomes_fini(&f.states);
	if (f.ret)
		litmus_outcomes_fini(ret);
	return f.ret;
}
