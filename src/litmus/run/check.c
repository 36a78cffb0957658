/* SPDX-License-Identifier: MIT */
/*
 * check.c - a litmus test under the explorer, and the oracles that know what a
 * test means: flat reference, after return, lost writes. Checked build only.
 *
 * The order of two steps is asked of the explorer, which answers for all
 * equivalent executions at once: what is not ordered could have come the other
 * way round, and that way round is then the picture that is shown.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/flat/flat.h"
#include "litmus/run/check.h"
#include "litmus/run/world.h"

enum {
	ACCESSES_MAX = LITMUS_THREADS_MAX * LITMUS_INSNS_MAX,
	CALLS_MAX = LITMUS_THREADS_MAX * LITMUS_INSNS_MAX,
	FLAT_STATES_MAX = 4000000,
};

/* An access that has succeeded, or a call that has returned and taken rights away. */
struct event { unsigned thread, step; const struct litmus_insn *insn; };
struct grant {
	unsigned thread, first;    /* the call's first step is the thread's first-th */
	unsigned step;             /* of the return, if it is over */
	bool over;
	unsigned pages;            /* bit p: page p */
	int prot;
};
struct write { unsigned step; int var; int64_t value; };

struct check {
	const struct litmus *test;
	struct litmus_report *report;
	bool oracles;
	bool replaying;    /* else an execution that is recorded has been counted before */
	/* Of the current execution; how many are valid is in the world. */
	struct event access[ACCESSES_MAX];
	struct event revocation[CALLS_MAX];
	struct grant grant[CALLS_MAX];
	struct write write[ACCESSES_MAX + CALLS_MAX];
	int64_t outcome[LITMUS_OUTCOME_MAX];
	bool out_of_memory;
	unsigned exchanged;
	void (*judge)(struct world *world);
	struct world *world;
	const char *thread_name[LITMUS_THREADS_MAX];
};

/* --- after return -------------------------------------------------------- */

static int page_of(const struct check *c, int var) { return c->test->var[var].page; }

static int rights_taken(const struct litmus_insn *insn)
{
	if (insn->op == OP_MUNMAP || (insn->op == OP_MREMAP && !insn->word))
		return LITMUS_PROT_READ | LITMUS_PROT_WRITE;
	if (insn->op == OP_MPROTECT)
		return (LITMUS_PROT_READ | LITMUS_PROT_WRITE) &
		       ~(insn->prot & LITMUS_PROT_WRITE ? LITMUS_PROT_READ | LITMUS_PROT_WRITE :
							  insn->prot);
	return 0;
}

/* What it may give, and where; a page that moves takes its rights along. */
static int rights_given(const struct litmus_insn *insn)
{
	if (insn->op == OP_MMAP || insn->op == OP_MREMAP)
		return LITMUS_PROT_READ | LITMUS_PROT_WRITE;
	if (insn->op == OP_MPROTECT)
		return insn->prot & LITMUS_PROT_WRITE ? insn->prot | LITMUS_PROT_READ : insn->prot;
	return 0;
}

static int right_used(const struct litmus_insn *insn)
{
	return insn->kind == INSN_STORE ? LITMUS_PROT_WRITE : LITMUS_PROT_READ;
}

/*
 * Was the right given back by a call that did not come before @r, and had begun
 * when @r returned or by the time of @a? All these calls hold the mmap lock for
 * writing: the one that returned first, in every order, came first.
 */
static bool granted_again(const struct check *c, const struct event *r,
			  const struct event *a, int page, int right)
{
	for (unsigned n = 0; n < c->world->grants; n++) {
		const struct grant *g = &c->grant[n];

		if (g->pages >> page & 1 && (g->prot & right) &&
		    !(g->over && explore_ordered(g->step, r->step)) &&
		    (explore_follows(r->step, g->thread, g->first) ||
		     explore_follows(a->step, g->thread, g->first)))
			return true;
	}
	return false;
}

/* The access must come before the call's return in every equivalent order. */
static void judge_return(const struct check *c, const struct event *r, const struct event *a)
{
	int page = page_of(c, a->insn->var), right = right_used(a->insn);

	if (!(litmus_pages_of(c->test, r->insn->var) >> page & 1) ||
	    !(rights_taken(r->insn) & right))
		return;
	if (explore_ordered(a->step, r->step) || granted_again(c, r, a, page, right))
		return;
	explore_fail_if_reordered(ORACLE_RETURN, r->step, a->step,
				  "%s: %s goes through after %s's %s has returned",
				  c->thread_name[a->thread], a->insn->text,
				  c->thread_name[r->thread], r->insn->text);
}

static void write_add(struct check *c, int var, int64_t value)
{
	c->write[c->world->writes++] = (struct write){ explore_step(), var, value };
}

static void on_access(void *ctx, unsigned thread, const struct litmus_insn *insn, int64_t value,
		      pfn_t pfn)
{
	struct check *c = ctx;
	struct event *a = &c->access[c->world->accesses++];

	(void)pfn;
	*a = (struct event){ thread, explore_step(), insn };
	if (insn->kind == INSN_STORE)
		write_add(c, insn->var, value);
	for (unsigned n = 0; n < c->world->revocations; n++)
		judge_return(c, &c->revocation[n], a);
}

static void on_call(void *ctx, unsigned thread, const struct litmus_insn *insn)
{
	struct check *c = ctx;

	if (rights_given(insn))
		c->grant[c->world->grants++] = (struct grant){
			.thread = thread, .first = explore_done() + 1,
			.pages = litmus_pages_of(c->test, insn->op == OP_MREMAP ? insn->var2 :
								  insn->var),
			.prot = rights_given(insn) };
}

static void grant_over(struct check *c, unsigned thread)
{
	for (unsigned n = 0; n < c->world->grants; n++) {
		struct grant *g = &c->grant[n];

		if (g->thread != thread || g->over)
			continue;
		g->over = true;
		g->step = explore_step();
	}
}

static void on_return(void *ctx, unsigned thread, const struct litmus_insn *insn, int64_t result)
{
	struct check *c = ctx;
	struct event *r;

	grant_over(c, thread);
	if (result == LITMUS_FAULT)
		return;
	if (insn->op == OP_REPLACE_PAGE)
		write_add(c, insn->var, litmus_eval(c->test, insn->expr, c->world->reg[thread]));
	if (!rights_taken(insn))
		return;
	r = &c->revocation[c->world->revocations++];
	*r = (struct event){ thread, explore_step(), insn };
	for (unsigned n = 0; n < c->world->accesses; n++)
		judge_return(c, r, &c->access[n]);
}

static const struct world_hooks hooks = {
	.access = on_access, .call = on_call, .returned = on_return,
};

/* --- lost writes --------------------------------------------------------- */

/* Could this write be the last one to its variable? */
static bool may_be_last(const struct check *c, const struct write *w)
{
	for (unsigned n = 0; n < c->world->writes; n++) {
		const struct write *o = &c->write[n];

		if (o != w && o->var == w->var && o->step != w->step &&
		    explore_ordered(w->step, o->step))
			return false;
	}
	return true;
}

/* Pages whose contents come and go by other ways than stores: flat judges those. */
static unsigned pages_exchanged(const struct litmus *test)
{
	unsigned pages = 0;

	for (int t = 0; t < test->threads; t++)
		for (int i = 0; i < test->thread[t].insns; i++)
			if (test->thread[t].insn[i].kind == INSN_OP)
				pages |= litmus_pages_exchanged(test, &test->thread[t].insn[i]);
	return pages;
}

static void judge_writes(const struct check *c)
{
	for (int v = 0; v < c->test->vars; v++) {
		int64_t final = c->outcome[litmus_var_index(c->test, v)];
		bool written = false, found = final == LITMUS_UNMAPPED ||
					     (c->exchanged >> page_of(c, v) & 1);


		for (unsigned n = 0; n < c->world->writes && !found; n++) {
			const struct write *w = &c->write[n];

			written |= w->var == v;
			found = w->var == v && w->value == final && may_be_last(c, w);
		}
		if (written && !found)
			explore_fail(ORACLE_LOST_WRITE, "a store to %s succeeded, and is not there at the end",
				     c->test->var[v].name);
	}
}

/* --- flat reference ------------------------------------------------------ */

static int outcome_append(const struct check *c, int index, char *text, size_t size)
{
	char name[2 * LITMUS_NAME_MAX + 16], value[32];

	return snprintf(text, size, " %s=%s",
			litmus_index_name(c->test, index, name, sizeof(name)),
			litmus_value_name(c->outcome[index], value, sizeof(value)));
}

static bool is_shown(const struct litmus *test, int index)
{
	for (int k = 0; k < test->shown_count; k++)
		if (test->shown[k] == index)
			return true;
	return false;
}

/* Does flat memory have a result that agrees in all that is shown? */
static bool shown_is_flat(const struct check *c)
{
	const struct litmus_outcomes *flat = &c->report->flat;

	for (size_t n = 0; n < flat->count; n++) {
		const int64_t *f = flat->values + n * (size_t)flat->size;
		int k = 0;

		while (k < c->test->shown_count &&
		       f[c->test->shown[k]] == c->outcome[c->test->shown[k]])
			k++;
		if (k == c->test->shown_count)
			return true;
	}
	return false;
}

/* What flat memory cannot give: what the condition speaks of, and where that
 * alone would be possible, everything else that has a name. */
static void outcome_text(const struct check *c, char *text, size_t size)
{
	bool all = shown_is_flat(c);
	size_t n = 0;
	int i = 0;

	*text = 0;
	for (int k = 0; k < c->test->shown_count && n < size; k++)
		n += (size_t)outcome_append(c, c->test->shown[k], text + n, size - n);
	for (int t = 0; t < c->test->threads && all; t++)
		for (int r = 0; r < c->test->thread[t].regs && n < size; r++, i++)
			if (*c->test->thread[t].reg_name[r] && !is_shown(c->test, i))
				n += (size_t)outcome_append(c, i, text + n, size - n);
	for (i = litmus_var_index(c->test, 0); all && i < litmus_outcome_size(c->test); i++)
		if (n < size && !is_shown(c->test, i))
			n += (size_t)outcome_append(c, i, text + n, size - n);
}

static void count_outcome(struct check *c, struct litmus_report *r)
{
	if (litmus_outcomes_add(&r->outcomes, c->outcome, 1))
		c->out_of_memory = true;
	if (c->test->quantifier == QUANT_NONE)
		return;
	if (litmus_holds(c->test, c->test->condition, c->outcome))
		r->positive++;
	else
		r->negative++;
}

static void judge_outcome(struct check *c)
{
	struct litmus_report *r = c->report;
	char text[160];

	if (!litmus_filtered_in(c->test, c->outcome))
		return;
	if (!sync_recording || c->replaying)
		count_outcome(c, r);
	if (!c->oracles || !r->flat_known || litmus_outcomes_has(&r->flat, c->outcome))
		return;
	if (c->test->quantifier == QUANT_NONE ||
	    !litmus_holds(c->test, c->test->condition, c->outcome))
		r->flat_aside++;
	outcome_text(c, text, sizeof(text));
	explore_fail(ORACLE_FLAT, "flat memory cannot give%s", text);
}

/* --- the check ----------------------------------------------------------- */

static void setup(void *state, void *arg)
{
	struct check *c = arg;

	c->world = state;
	ASSERT(world_init(state, c->test, c->oracles ? &hooks : NULL, c) == 0);
}

static void thread(void *state, unsigned thread, void *arg)
{
	(void)arg;
	world_thread(state, thread);
}

static void finish(void *state, void *arg)
{
	struct check *c = arg;

	world_outcome(state, c->outcome);
	judge_outcome(c);
	if (c->oracles)
		judge_writes(c);
	if (c->judge)
		c->judge(c->world);
	world_fini(state);
}

static struct explore_check check_of(struct check *c)
{
	for (int t = 0; t < c->test->threads; t++)
		c->thread_name[t] = c->test->thread[t].name;
	return (struct explore_check){
		.name = c->test->name, .threads = (unsigned)c->test->threads,
		.thread_name = c->thread_name, .state_size = sizeof(struct world),
		.setup = setup, .thread = thread, .finish = finish, .watch = world_watch, .arg = c,
	};
}

/* --- pictures: variables' names for addresses ---------------------------- */

static const char *name_at(const struct litmus *test, uint64_t addr)
{
	const char *page = NULL;

	for (int v = 0; v < test->vars; v++) {
		uint64_t base = world_page_addr(test, v);

		if (addr == base + (uint64_t)test->var[v].word * sizeof(uint64_t))
			return test->var[v].name;
		if (addr >= base && addr < base + PAGE_BYTES && !page)
			page = test->var[v].name;
	}
	return page;
}

static void name_addresses(const struct litmus *test, struct explore_trace *trace)
{
	for (size_t n = 0; n < trace->count; n++) {
		char *text = trace->event[n].text, *at = strstr(text, "0x"), *end;
		char rest[sizeof(trace->event[n].text)];
		const char *name;

		/* printf writes 0 for "%#lx" of 0: no variable lives there. */
		if (!trace->event[n].note || *text == '>' || !at)
			continue;
		name = name_at(test, strtoull(at, &end, 16));
		if (!name)
			continue;
		memcpy(rest, end, strlen(end) + 1);
		snprintf(at, sizeof(trace->event[n].text) - (size_t)(at - text), "%.40s%s", name,
			 rest);
	}
}

/* --- verdicts ------------------------------------------------------------ */

const char *litmus_verdict_name(enum litmus_verdict verdict)
{
	static const char *const name[] = { "ok", "differs", "violation", "unfinished" };

	return name[verdict];
}

const char *litmus_result_name(enum litmus_result result)
{
	static const char *const name[] = { "", "Never", "Sometimes", "Always" };

	return name[result];
}

static enum litmus_result observed(const struct litmus *test, const struct litmus_report *r)
{
	if (test->quantifier == QUANT_NONE)
		return RESULT_NONE;
	if (!r->positive)
		return RESULT_NEVER;
	return r->negative ? RESULT_SOMETIMES : RESULT_ALWAYS;
}

static bool fired(const struct litmus_report *r, const char *oracle)
{
	for (unsigned n = 0; n < r->explore.findings; n++)
		if (!strcmp(explore_oracle_name(r->explore.finding[n].oracle), oracle))
			return true;
	return false;
}

/*
 * What a test expects: its Result, and its Finding. Without a Finding, a test
 * whose Result says that its condition is met expects the flat oracle to fire
 * on just those executions. One stale translation may show in several ways, so
 * flat, after-return and lost-write come together; any other oracle must be
 * named to be expected.
 */
static bool all_expected(const struct litmus *test, const struct litmus_report *r)
{
	bool stale = *test->expected_finding ||
		     (test->expected > RESULT_NEVER && fired(r, "flat") && !r->flat_aside);

	for (unsigned n = 0; n < r->explore.findings; n++) {
		enum explore_oracle o = r->explore.finding[n].oracle;

		if (!strcmp(explore_oracle_name(o), test->expected_finding))
			continue;
		if (!stale || (o != ORACLE_FLAT && o != ORACLE_RETURN && o != ORACLE_LOST_WRITE))
			return false;
	}
	return true;
}

static enum litmus_verdict judge(const struct litmus *test, const struct litmus_report *r,
				 bool oracles)
{
	if (!all_expected(test, r))
		return VERDICT_VIOLATION;
	if (!r->explore.exhaustive && !r->certain)
		return VERDICT_UNFINISHED;
	if (test->expected != RESULT_NONE && test->expected != r->result)
		return VERDICT_DIFFERS;
	if (oracles && *test->expected_finding && !fired(r, test->expected_finding))
		return VERDICT_DIFFERS;
	return VERDICT_OK;
}

/*
 * That something can happen is shown by one execution in which it does: a test
 * that expects nothing else needs no exhaustive search.
 */
static bool enough(void *arg)
{
	struct check *c = arg;
	struct litmus_report *r = c->report;
	const char *finding = *c->test->expected_finding ? c->test->expected_finding : "flat";

	if (c->test->expected == RESULT_NEVER || c->test->expected == RESULT_ALWAYS)
		return false;
	r->certain = fired(r, finding) &&
		     (c->test->expected == RESULT_NONE ? *c->test->expected_finding != 0 :
							 r->positive && r->negative);
	return r->certain;
}

/* --- public -------------------------------------------------------------- */

static int report_open(const struct litmus *test, struct litmus_report *ret, bool flat)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	err = litmus_outcomes_init(&ret->outcomes, litmus_outcome_size(test));
	if (err || !flat)
		return err;
	err = litmus_flat(test, FLAT_STATES_MAX, &ret->flat);
	ret->flat_known = err == 0;
	return err == -E2BIG ? 0 : err;
}

static struct check *check_open(const struct litmus *test, struct litmus_report *report,
				bool oracles)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c) {
		c->test = test;
		c->exchanged = pages_exchanged(test);
		c->report = report;
		c->oracles = oracles;
	}
	return c;
}

int litmus_check(const struct litmus *test, const struct litmus_options *options,
		 struct litmus_report *ret)
{
	struct explore_options o = {
		.executions_max = options->executions_max, .seconds_max = options->seconds_max,
		.progress = options->progress, .progress_arg = options->progress_arg,
		.failing_allocations = options->fail_allocations,
		.leave_out = options->leave_out,
	};
	struct check *c = check_open(test, ret, !options->no_oracles);
	struct explore_check check;
	int err = c ? report_open(test, ret, c->oracles) : -ENOMEM;

	if (!err) {
		c->judge = options->judge;
		check = check_of(c);
		if (options->fast) {
			o.enough = enough;
			o.enough_arg = c;
		}
		err = explore(&check, &o, &ret->explore);
		if (!err && c->out_of_memory)
			err = -ENOMEM;
	}
	free(c);
	if (err) {
		litmus_report_fini(ret);
		return err;
	}
	for (unsigned n = 0; n < ret->explore.findings; n++)
		name_addresses(test, &ret->explore.finding[n].trace);
	ret->result = observed(test, ret);
	ret->verdict = judge(test, ret, !options->no_oracles);
	return 0;
}

int litmus_replay(const struct litmus *test, const char *schedule,
		  struct explore_trace *ret_trace, struct litmus_report *ret)
{
	struct check *c = check_open(test, ret, true);
	struct explore_check check;
	int err = c ? report_open(test, ret, true) : -ENOMEM;

	if (!err) {
		check = check_of(c);
		c->replaying = true;
		err = explore_replay(&check, schedule, ret_trace, &ret->explore);
		if (err)
			explore_trace_fini(ret_trace);
	}
	free(c);
	if (err) {
		litmus_report_fini(ret);
		return err;
	}
	name_addresses(test, ret_trace);
	ret->result = observed(test, ret);
	ret->verdict = ret->explore.findings ? VERDICT_VIOLATION : VERDICT_OK;
	return 0;
}

void litmus_report_fini(struct litmus_report *report)
{
	explore_result_fini(&report->explore);
	litmus_outcomes_fini(&report->outcomes);
	litmus_outcomes_fini(&report->flat);
}
