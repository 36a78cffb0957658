/* SPDX-License-Identifier: MIT */
/*
 * oracles.c - see oracles.h: what is noted of an execution, and what is concluded from it.
 * explored.c calls it.
 */
#include <stdio.h>

#include "explore/front/explore.h"
#include "litmus/run/oracles.h"

/* --- after return -------------------------------------------------------- */

static int page_of(const struct oracles *o, int var) { return o->test->var[var].page; }

static int right_used(const struct litmus_insn *insn)
{
	return insn->kind == INSN_STORE ? LITMUS_PROT_WRITE : LITMUS_PROT_READ;
}

/*
 * Was the right given back by a call that did not come before @r, and had begun
 * when @r returned or by the time of @a? All these calls hold the mmap lock for
 * writing: the one that returned first, in every order, came first.
 */
static bool granted_again(const struct oracles *o, const struct oracle_event *r,
			  const struct oracle_event *a, int page, int right)
{
	for (unsigned n = 0; n < o->counts->grants; n++) {
		const struct oracle_grant *g = &o->grant[n];

		if (g->pages >> page & 1 && (g->prot & right) &&
		    !(g->over && explore_ordered(g->step, r->step)) &&
		    (explore_follows(r->step, g->thread, g->first) ||
		     explore_follows(a->step, g->thread, g->first)))
			return true;
	}
	return false;
}

/* The access must come before the call's return in every equivalent order. */
static void judge_return(const struct oracles *o, const struct oracle_event *r,
			 const struct oracle_event *a)
{
	int page = page_of(o, a->insn->var), right = right_used(a->insn);

	if (!(litmus_pages_of(o->test, r->insn->var) >> page & 1) ||
	    !(litmus_rights_taken(r->insn) & right))
		return;
	if (explore_ordered(a->step, r->step) || granted_again(o, r, a, page, right))
		return;
	explore_fail_if_reordered(ORACLE_RETURN, r->step, a->step,
				  "%s: %s goes through after %s's %s has returned",
				  o->test->thread[a->thread].name, a->insn->text,
				  o->test->thread[r->thread].name, r->insn->text);
}

static void write_add(struct oracles *o, int var, int64_t value)
{
	o->write[o->counts->writes++] = (struct oracle_write){ explore_step(), var, value };
}

static void on_access(void *ctx, unsigned thread, const struct litmus_insn *insn, int64_t value)
{
	struct oracles *o = ctx;
	struct oracle_event *a = &o->access[o->counts->accesses++];

	*a = (struct oracle_event){ thread, explore_step(), insn };
	if (insn->kind == INSN_STORE)
		write_add(o, insn->var, value);
	for (unsigned n = 0; n < o->counts->revocations; n++)
		judge_return(o, &o->revocation[n], a);
}

static void on_call(void *ctx, unsigned thread, const struct litmus_insn *insn)
{
	struct oracles *o = ctx;

	if (litmus_rights_given(insn))
		o->grant[o->counts->grants++] = (struct oracle_grant){
			.thread = thread, .first = explore_done() + 1,
			.pages = litmus_pages_of(o->test, insn->var2 >= 0 ? insn->var2 :
								  insn->var),
			.prot = litmus_rights_given(insn) };
}

static void grant_over(struct oracles *o, unsigned thread)
{
	for (unsigned n = 0; n < o->counts->grants; n++) {
		struct oracle_grant *g = &o->grant[n];

		if (g->thread != thread || g->over)
			continue;
		g->over = true;
		g->step = explore_step();
	}
}

static void on_return(void *ctx, unsigned thread, const struct litmus_insn *insn, int64_t value,
		      int64_t result)
{
	struct oracles *o = ctx;
	struct oracle_event *r;

	grant_over(o, thread);
	if (result == LITMUS_FAULT)
		return;
	if (insn->op == OP_REPLACE_PAGE)
		write_add(o, insn->var, value);
	if (!litmus_rights_taken(insn))
		return;
	r = &o->revocation[o->counts->revocations++];
	*r = (struct oracle_event){ thread, explore_step(), insn };
	for (unsigned n = 0; n < o->counts->accesses; n++)
		judge_return(o, r, &o->access[n]);
}

struct litmus_observer oracles_observer(struct oracles *o)
{
	return (struct litmus_observer){
		.access = on_access, .call = on_call, .returned = on_return, .ctx = o,
	};
}

/* --- lost writes --------------------------------------------------------- */

/* Could this write be the last one to its variable? */
static bool may_be_last(const struct oracles *o, const struct oracle_write *w)
{
	for (unsigned n = 0; n < o->counts->writes; n++) {
		const struct oracle_write *other = &o->write[n];

		if (other != w && other->var == w->var && other->step != w->step &&
		    explore_ordered(w->step, other->step))
			return false;
	}
	return true;
}

static unsigned pages_exchanged(const struct litmus *test)
{
	unsigned pages = 0;

	for (int t = 0; t < test->threads; t++)
		for (int i = 0; i < test->thread[t].insns; i++)
			if (test->thread[t].insn[i].kind == INSN_OP)
				pages |= litmus_pages_exchanged(test, &test->thread[t].insn[i]);
	return pages;
}

void oracles_init(struct oracles *o, const struct litmus *test)
{
	o->test = test;
	o->exchanged = pages_exchanged(test);
}

void oracles_judge_writes(const struct oracles *o, const int64_t *outcome)
{
	for (int v = 0; v < o->test->vars; v++) {
		int64_t final = outcome[litmus_var_index(o->test, v)];
		bool written = false, found = final == LITMUS_UNMAPPED ||
					     (o->exchanged >> page_of(o, v) & 1);

		for (unsigned n = 0; n < o->counts->writes && !found; n++) {
			const struct oracle_write *w = &o->write[n];

			written |= w->var == v;
			found = w->var == v && w->value == final && may_be_last(o, w);
		}
		if (written && !found)
			explore_fail(ORACLE_LOST_WRITE, "a store to %s succeeded, and is not there at the end",
				     o->test->var[v].name);
	}
}

/* --- flat reference ------------------------------------------------------ */

static bool is_shown(const struct litmus *test, int index)
{
	for (int k = 0; k < test->shown_count; k++)
		if (test->shown[k] == index)
			return true;
	return false;
}

/* Does flat memory have a result that agrees in all that is shown? */
static bool shown_is_flat(const struct litmus *test, const struct litmus_outcomes *flat,
			  const int64_t *outcome)
{
	for (size_t n = 0; n < flat->count; n++) {
		const int64_t *f = flat->values + n * (size_t)flat->size;
		int k = 0;

		while (k < test->shown_count && f[test->shown[k]] == outcome[test->shown[k]])
			k++;
		if (k == test->shown_count)
			return true;
	}
	return false;
}

/* What flat memory cannot give: the indices of what the condition speaks of, and where that
 * alone would be possible, of everything else that has a name. Returns how many. */
static int what_is_told(const struct litmus *test, const struct litmus_outcomes *flat,
			const int64_t *outcome, int told[LITMUS_OUTCOME_MAX])
{
	int n = 0, i = 0;

	for (int k = 0; k < test->shown_count; k++)
		told[n++] = test->shown[k];
	if (!shown_is_flat(test, flat, outcome))
		return n;
	for (int t = 0; t < test->threads; t++)
		for (int r = 0; r < test->thread[t].regs; r++, i++)
			if (*test->thread[t].reg_name[r] && !is_shown(test, i))
				told[n++] = i;
	for (i = litmus_var_index(test, 0); i < litmus_outcome_size(test); i++)
		if (!is_shown(test, i))
			told[n++] = i;
	return n;
}

void oracles_fail_flat(const struct litmus *test, const struct litmus_outcomes *flat,
		       const int64_t *outcome)
{
	int told[LITMUS_OUTCOME_MAX], count = what_is_told(test, flat, outcome, told);
	char name[2 * LITMUS_NAME_MAX + 16], value[32], text[160] = "";
	size_t n = 0;

	for (int k = 0; k < count && n < sizeof(text); k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%s",
				      litmus_index_name(test, told[k], name, sizeof(name)),
				      litmus_value_name(outcome[told[k]], value, sizeof(value)));
	explore_fail(ORACLE_FLAT, "flat memory cannot give%s", text);
	for (int k = 0; k < count; k++) {
		int thread = litmus_index_thread(test, told[k]);

		if (thread >= 0)
			explore_fail_is_about((unsigned)thread);
	}
}
