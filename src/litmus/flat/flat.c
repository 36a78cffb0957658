/* SPDX-License-Identifier: MIT */
/*
 * flat.c - the reference: every outcome that a test can have where memory is
 * just memory. No TLBs, no page tables, one access at a time.
 *
 * An operation that changes what a page shows, or who may access it, takes effect
 * at one moment between its call and its return, for each page at one of its own.
 * Another thread's access between that moment and the return may find the page as
 * it was before or as it is after, each access on its own:
 *
 *     P0                        P1
 *     munmap(x) called
 *     takes effect
 *                               r0 = *x   the value or a fault
 *                               r1 = *x   the value or a fault
 *     munmap(x) returns
 *                               r2 = *x   [a fault]
 *
 * Where the contents are exchanged as well, a store through the old view is lost
 * with it, unless they have moved elsewhere. But who has once got through by a later
 * view does not come back to an older one: it has one TLB, with one entry for a page,
 * unless it is one of several threads of a device. flat_ops.c has the operations.
 *
 * States are explored breadth first; the set of states is the queue as well. What
 * is kept of a state is the part of it that the test can use. Invariant: a state
 * that is in the set rests, that is, no thread in it can take a step that the
 * others could not notice.
 */
#include <errno.h>
#include <string.h>

#include "litmus/flat/flat.h"

_Static_assert(sizeof(struct control) == sizeof(int64_t), "control is one word of a state");
_Static_assert(LITMUS_INSNS_MAX <= UINT8_MAX, "pc fits");
_Static_assert(LITMUS_VARS_MAX <= 16, "a page has a bit in done");
_Static_assert(FRAMES_MAX < UINT8_MAX, "a frame's number + 1 fits");

bool flat_permits(uint8_t rights, bool write)
{
	return rights & (write ? LITMUS_PROT_WRITE : LITMUS_PROT_READ);
}

/* --- frames -------------------------------------------------------------- */

int flat_frame(const struct state *s, int page)
{
	const struct place *p = &s->place[page];

	return p->frame ? p->frame - 1 : s->object[p->object - 1].frame;
}

static void mark_frames(const struct flat *f, const struct state *s, bool *used)
{
	for (int p = 0; p < f->test->pages; p++) {
		if (s->place[p].frame)
			used[s->place[p].frame - 1] = true;
		if (litmus_has_object(f->test, p))
			used[s->object[p].frame] = true;
	}
	for (int n = 0; n < f->stales && s->stale[n].thread; n++)
		used[s->stale[n].frame] = true;
	for (int n = 0; n < f->pins && s->pin[n].thread; n++)
		used[s->pin[n].frame] = true;
}

bool flat_pinned(const struct flat *f, const struct state *s, int frame)
{
	for (int n = 0; n < f->pins && s->pin[n].thread; n++)
		if (s->pin[n].frame == frame)
			return true;
	return false;
}

int flat_fresh(const struct flat *f, struct state *s)
{
	bool used[FRAMES_MAX] = { false };
	int n = 0;

	mark_frames(f, s, used);
	while (used[n])
		n++;
	ASSERT(n < f->frames);
	memset(&s->frame[n], 0, sizeof(s->frame[n]));
	return n;
}

void flat_copy(const struct flat *f, struct state *s, int page)
{
	int from = flat_frame(s, page), to = flat_fresh(f, s);

	s->frame[to] = s->frame[from];
	s->place[page].frame = (uint8_t)(to + 1);
	s->place[page].flags |= PLACE_COPIED;
}

/* What nobody can see makes no difference between states. */
static void forget_frames(const struct flat *f, struct state *s)
{
	bool used[FRAMES_MAX] = { false };

	mark_frames(f, s, used);
	for (int n = 0; n < f->frames; n++)
		if (!used[n])
			memset(&s->frame[n], 0, sizeof(s->frame[n]));
}

/* --- storing states ------------------------------------------------------ */

/* The part of a state that the test can use, one after the other. */
struct part { void *at; size_t bytes; };

enum { PARTS_MAX = 7 + LITMUS_CHILDREN_MAX + FRAMES_MAX };

static int state_parts(const struct flat *f, struct state *s, struct part *part)
{
	const struct litmus *t = f->test;
	int n = 0;

	part[n++] = (struct part){ s->control, (size_t)t->threads * sizeof(*s->control) };
	part[n++] = (struct part){ s->place, (size_t)t->pages * sizeof(*s->place) };
	for (int c = 0; c < t->children; c++)
		part[n++] = (struct part){ s->child[c], (size_t)t->pages * sizeof(**s->child) };
	if (f->objects)
		part[n++] = (struct part){ s->object, (size_t)t->pages * sizeof(*s->object) };
	part[n++] = (struct part){ s->stale, (size_t)f->stales * sizeof(*s->stale) };
	part[n++] = (struct part){ s->pin, (size_t)f->pins * sizeof(*s->pin) };
	for (int k = 0; k < f->frames; k++)
		part[n++] = (struct part){ &s->frame[k],
					   (size_t)(1 + f->words) * sizeof(int64_t) };
	part[n++] = (struct part){ s->value, (size_t)f->outcomes->size * sizeof(int64_t) };
	return n;
}

static int state_words(const struct flat *f)
{
	static struct state none;
	struct part part[PARTS_MAX];
	size_t bytes = 0;

	for (int i = 0, n = state_parts(f, &none, part); i < n; i++)
		bytes += part[i].bytes;
	return (int)((bytes + sizeof(int64_t) - 1) / sizeof(int64_t));
}

static void state_pack(const struct flat *f, struct state *s, int64_t *words)
{
	struct part part[PARTS_MAX];
	char *to = (char *)words;

	words[f->states.size - 1] = 0; /* its last bytes may be no part's */
	for (int i = 0, n = state_parts(f, s, part); i < n; i++) {
		memcpy(to, part[i].at, part[i].bytes);
		to += part[i].bytes;
	}
}

static void state_unpack(const struct flat *f, const int64_t *words, struct state *s)
{
	struct part part[PARTS_MAX];
	const char *from = (const char *)words;

	for (int i = 0, n = state_parts(f, s, part); i < n; i++) {
		memcpy(part[i].at, from, part[i].bytes);
		from += part[i].bytes;
	}
}

void flat_add(struct flat *f, const struct state *from)
{
	int64_t words[sizeof(*from) / sizeof(int64_t) + 1];
	struct state s = *from;

	if (f->ret)
		return;
	forget_frames(f, &s);
	state_pack(f, &s, words);
	f->ret = litmus_outcomes_add(&f->states, words, 1);
	if (!f->ret && f->states.count > f->states_max)
		f->ret = -E2BIG;
}

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

/* What a thread does without touching memory is no step of its own. */
static void run_to_rest(const struct flat *f, struct state *s, int thread)
{
	const struct litmus_thread *t = &f->test->thread[thread];
	int64_t *regs = s->value + f->reg_base[thread];
	struct control *c = &s->control[thread];

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

static void drop_stale(const struct flat *f, struct state *s, int thread)
{
	int kept = 0;

	for (int n = 0; n < f->stales && s->stale[n].thread; n++)
		if (s->stale[n].thread != thread + 1)
			s->stale[kept++] = s->stale[n];
	for (int n = kept; n < f->stales; n++)
		s->stale[n] = (struct stale){ 0 };
}

void flat_finish(struct flat *f, struct state *s, int thread, int64_t result)
{
	struct control *c = &s->control[thread];
	int reg = flat_insn(f, s, thread)->reg;

	if (reg >= 0)
		s->value[f->reg_base[thread] + reg] = result;
	*c = (struct control){ .pc = (uint8_t)(c->pc + 1) };
	drop_stale(f, s, thread);
	run_to_rest(f, s, thread);
	flat_add(f, s);
}

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

/*
 * The fault of a store to a private mapping of an object makes the copy, and the
 * store comes later: what happens to the object in between does not reach the copy,
 * and a right that is taken away in between leaves the copy behind without the store.
 */
bool flat_copies(const struct state *s, int page)
{
	const struct place *p = &s->place[page];

	return flat_permits(p->rights, true) && p->object && !p->flags &&
	       !s->object[p->object - 1].gone;
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

		state_unpack(f, f->states.values + i * width, &s);
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
			f->pageout |= insn->kind == INSN_OP && insn->op == OP_MADVISE &&
				      insn->word == ADVICE_PAGEOUT;
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
	f.ret = litmus_outcomes_init(&f.states, state_words(&f));
	first_state(&f, &first);
	flat_add(&f, &first);
	search(&f);
	litmus_outcomes_fini(&f.states);
	if (f.ret)
		litmus_outcomes_fini(ret);
	return f.ret;
}
