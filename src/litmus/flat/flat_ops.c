/* SPDX-License-Identifier: MIT */
/*
 * flat_ops.c - what each operation does to flat memory. flat.c calls it for a thread that is
 * at an operation.
 *
 * An operation is called, has its effect on each of its pages at a moment of its own, in any
 * order, and returns. Operations that change nothing that can be seen (migration, splitting,
 * write protection that the next write undoes) are a single step. They may fail for many
 * reasons: the page is busy, pinned, or shared.
 *
 * What may be dropped may also stay. After MADV_FREE the contents remain until MADV_PAGEOUT,
 * which has no other use here, drops them for good. A store in between keeps them. Nothing
 * else drops them behind the program's back.
 */
#include "litmus/flat/state.h"

/* What an operation does to one page; a whole operation that is one step. */
typedef void (*flat_effect)(struct flat *f, struct state *s, int thread, int page);
typedef void (*flat_step)(struct flat *f, const struct state *from, int thread);

static int var_page(const struct flat *f, int var) { return f->test->var[var].page; }

/* --- views --------------------------------------------------------------- */

/* The page's view is about to change: until the operation returns the old one stays open. */
static void leave_stale(const struct flat *f, struct state *s, int thread, int page)
{
	const struct place *p = &s->place[page];
	uint8_t rights = p->rights;
	int n = 0;

	if (!rights || (p->object && s->object[p->object - 1].gone))
		return;
	/* The object's own page is not written through a private mapping. */
	if (p->object && !p->flags)
		rights &= (uint8_t)~LITMUS_PROT_WRITE;
	while (s->stale[n].thread)
		n++;
	ASSERT(n < f->stales);
	s->stale[n] = (struct stale){ (uint8_t)(thread + 1), (uint8_t)page, rights,
				      (uint8_t)flat_frame(s, page), 0 };
}

static bool private_anonymous(const struct place *p) { return p->rights && !p->object; }

/* The page shows an empty frame. */
static void empty(const struct flat *f, struct state *s, int thread, int page)
{
	leave_stale(f, s, thread, page);
	s->place[page].frame = (uint8_t)(flat_fresh(f, s) + 1);
}

/* What the page has for itself goes, and what is behind it shows. */
static void drop(const struct flat *f, struct state *s, int thread, int page)
{
	struct place *p = &s->place[page];

	if (private_anonymous(p)) {
		empty(f, s, thread, page);
	} else if (p->flags & PLACE_COPIED) {
		leave_stale(f, s, thread, page);
		p->flags &= (uint8_t)~PLACE_COPIED;
		p->frame = 0;
	}
}

bool flat_freeing(const struct flat *f, const struct state *s, int page)
{
	for (int t = 0; t < f->test->threads; t++) {
		const struct control *c = &s->control[t];
		const struct litmus_insn *insn = c->called ? flat_insn(f, s, t) : NULL;

		if (insn && insn->op == OP_MADV_FREE && c->done >> page & 1)
			return true;
	}
	return false;
}

/* --- effects on one page: what is in *s is added by the caller --------------- */

static void effect_munmap(struct flat *f, struct state *s, int thread, int page)
{
	leave_stale(f, s, thread, page);
	s->place[page] = (struct place){ 0 };
}

static void effect_mprotect(struct flat *f, struct state *s, int thread, int page)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);

	if (!s->place[page].rights)
		return;
	leave_stale(f, s, thread, page);
	s->place[page].rights = (uint8_t)(MAPPED | insn->prot);
}

static void effect_mmap(struct flat *f, struct state *s, int thread, int page)
{
	leave_stale(f, s, thread, page);
	s->place[page] = (struct place){ .rights = MAPPED | LITMUS_PROT_READ | LITMUS_PROT_WRITE };
	s->place[page].frame = (uint8_t)(flat_fresh(f, s) + 1);
}

static void effect_mremap(struct flat *f, struct state *s, int thread, int page)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);
	int to = litmus_partner(f->test, insn, page);
	struct place *p = &s->place[page];

	leave_stale(f, s, thread, to);
	leave_stale(f, s, thread, page);
	s->place[to] = *p;
	if (insn->op != OP_MREMAP_DONTUNMAP) {
		*p = (struct place){ 0 };
	} else if (p->object) { /* the object shows through again */
		p->flags &= (uint8_t)~PLACE_COPIED;
		p->frame = 0;
	} else if (p->rights) {
		p->frame = 0;
		p->frame = (uint8_t)(flat_fresh(f, s) + 1);
	}
}

/* Only where nothing is yet, and for what belongs to this address space alone. */
static void effect_uffd_move(struct flat *f, struct state *s, int thread, int page)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);
	int from = page, to = -1;
	struct state failed = *s;

	for (int p = 0; p < f->test->pages && to < 0; p++)
		if (litmus_pages_of(f->test, insn->var) >> p & 1 &&
		    litmus_partner(f->test, insn, p) == from)
			to = p;
	failed.control[thread].failed = 1;
	flat_add(f, &failed);
	if (!private_anonymous(&s->place[from]) || !private_anonymous(&s->place[to]) ||
	    (s->frame[flat_frame(s, to)].flags & FRAME_TOUCHED)) {
		*s = failed;
		return;
	}
	leave_stale(f, s, thread, from);
	s->place[to].frame = s->place[from].frame;
	s->place[from].frame = (uint8_t)(flat_fresh(f, s) + 1);
	/* What was moved before an error stays moved, and not all has a name. */
	if (f->test->var[insn->var].span != SPAN_PAGE) {
		failed = *s;
		failed.control[thread].failed = 1;
		flat_add(f, &failed);
	}
}

static void effect_truncate(struct flat *f, struct state *s, int thread, int object)
{
	for (int p = 0; p < f->test->pages; p++) {
		struct place *place = &s->place[p];

		if (place->object != object + 1)
			continue;
		leave_stale(f, s, thread, p);
		place->flags &= PLACE_SHARES;
		place->frame = 0;
	}
	s->object[object].gone = 1;
}

static void effect_punch(struct flat *f, struct state *s, int thread, int object)
{
	int frame;

	if (s->object[object].gone)
		return;
	for (int p = 0; p < f->test->pages; p++)
		if (s->place[p].object == object + 1 && !(s->place[p].flags & PLACE_COPIED))
			leave_stale(f, s, thread, p);
	frame = flat_fresh(f, s);
	s->object[object].frame = (uint8_t)frame;
}

/* Does the advice fail for this page? */
static bool refused_advice(struct state *s, int thread, bool refused)
{
	s->control[thread].failed |= refused;
	return refused;
}

static void effect_dontneed(struct flat *f, struct state *s, int thread, int page)
{
	if (!refused_advice(s, thread, !s->place[page].rights))
		drop(f, s, thread, page);
}

static void effect_remove(struct flat *f, struct state *s, int thread, int page)
{
	const struct place *p = &s->place[page];

	if (!refused_advice(s, thread, !p->rights || !(p->flags & PLACE_SHARES)))
		effect_punch(f, s, thread, p->object - 1);
}

static void effect_free(struct flat *f, struct state *s, int thread, int page)
{
	struct frame *frame;
	struct state dropped;

	if (refused_advice(s, thread, !s->place[page].rights || s->place[page].object))
		return;
	frame = &s->frame[flat_frame(s, page)];
	dropped = *s;
	if (frame->flags & FRAME_OUT) {
		empty(f, &dropped, thread, page);
		flat_add(f, &dropped);
	}
	frame->flags |= FRAME_LAZY;
}

static void effect_pageout(struct flat *f, struct state *s, int thread, int page)
{
	struct state dropped = *s;
	struct frame *frame;
	int n;

	if (refused_advice(s, thread, !s->place[page].rights) ||
	    !private_anonymous(&s->place[page]))
		return;
	n = flat_frame(s, page);
	frame = &s->frame[n];
	if ((frame->flags & FRAME_LAZY) && !flat_pinned(f, s, n)) {
		empty(f, &dropped, thread, page);
		flat_add(f, &dropped);
	}
	frame->flags |= FRAME_OUT;
}

/* Anonymous areas only. It may leave pages, but then it says so. */
static void effect_oom_reap(struct flat *f, struct state *s, int thread, int page)
{
	struct state left = *s;

	if (!private_anonymous(&s->place[page]))
		return;
	left.control[thread].failed = 1;
	flat_add(f, &left);
	empty(f, s, thread, page);
}

/* Each page is copied at a moment of its own. What MADV_FREE left may be lost on the way. */
static void effect_fork(struct flat *f, struct state *s, int thread, int page)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);
	const struct place *p = &s->place[page];
	struct state dropped = *s;
	const struct frame *frame;

	if (!p->rights || (p->flags & PLACE_DONTFORK))
		return;
	s->child[insn->child][page] = *p;
	s->child[insn->child][page].frame = 0;
	if (!p->frame || (p->flags & PLACE_WIPEONFORK)) /* values are 0 */
		return;
	frame = &s->frame[p->frame - 1];
	if (f->pageout && (frame->flags & FRAME_LAZY)) {
		dropped.child[insn->child][page] = s->child[insn->child][page];
		flat_add(f, &dropped);
	}
	for (int v = 0; v < f->test->vars; v++)
		if (var_page(f, v) == page)
			s->value[litmus_child_index(f->test, insn->child, v)] =
				frame->word[f->test->var[v].word];
}

/* --- operations with a window ---------------------------------------------- */

int flat_stales(const struct litmus *test, const struct litmus_insn *insn)
{
	unsigned pages = litmus_pages_exchanged(test, insn);

	if (!pages && operations[insn->op].taken)
		pages = litmus_pages_of(test, insn->var);
	return __builtin_popcount(pages);
}

/* All or nothing: does the operation fail as long as one of its pages is not mapped? */
static bool refused(const struct flat *f, const struct state *s, const struct litmus_insn *insn)
{
	unsigned pages = litmus_pages_about(f->test, insn);

	if (operations[insn->op].shape != SHAPE_WHOLE)
		return false;
	for (int p = 0; p < f->test->pages; p++)
		if (pages >> p & 1 && !s->place[p].rights)
			return true;
	return false;
}

static void step_window(struct flat *f, const struct state *from, int thread, flat_effect effect)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	unsigned pages = litmus_pages_about(f->test, insn);
	struct state s = *from;
	struct control *c = &s.control[thread];

	if (!c->called) {
		c->called = 1;
		flat_add(f, &s);
	} else if (c->done == pages) {
		flat_finish(f, &s, thread, c->failed ? LITMUS_FAULT : 0);
	} else if (!c->done && refused(f, &s, insn)) {
		c->failed = 1;
		c->done = (uint16_t)pages;
		flat_add(f, &s);
	} else {
		for (int p = 0; p < f->test->pages && !f->ret; p++) {
			if (!(pages & ~from->control[thread].done & 1u << p))
				continue;
			s = *from;
			c->done |= (uint16_t)(1u << p);
			effect(f, &s, thread, p);
			flat_add(f, &s);
		}
	}
}

/* --- operations that are one step ------------------------------------------ */

static void step_replace_page(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	int page = var_page(f, insn->var);
	const struct place *p = &from->place[page];
	struct state s = *from;
	struct frame *frame;
	bool fails = !flat_permits(p->rights, false) || flat_permits(p->rights, true) ||
		     (p->flags & PLACE_SHARES) || (p->object && s.object[p->object - 1].gone);

	if (!fails) { /* a copy of the page, with another word */
		flat_copy(f, &s, page);
		if (!p->object)
			s.place[page].flags &= (uint8_t)~PLACE_COPIED;
		frame = &s.frame[flat_frame(&s, page)];
		frame->flags = FRAME_TOUCHED;
		frame->word[f->test->var[insn->var].word] =
			litmus_eval(f->test, insn->expr, s.value + f->reg_base[thread]);
	}
	flat_finish(f, &s, thread, fails ? LITMUS_FAULT : 0);
}

static struct pin *find_pin(const struct flat *f, struct state *s, int thread, int page)
{
	for (int n = 0; n < f->pins && s->pin[n].thread; n++)
		if (s->pin[n].thread == thread + 1 && s->pin[n].page == page)
			return &s->pin[n];
	return NULL;
}

static void drop_pin(const struct flat *f, struct state *s, struct pin *pin)
{
	for (; pin + 1 < s->pin + f->pins; pin++)
		*pin = pin[1];
	*pin = (struct pin){ 0 };
}

/* A pin is for writing, and finds the page as a store would. */
static void step_pin(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	int page = var_page(f, insn->var), n = 0;
	const struct place *p = &from->place[page];
	struct state s = *from, counts;
	struct frame *frame;

	if (!flat_permits(p->rights, true) || find_pin(f, &s, thread, page) ||
	    (p->object && s.object[p->object - 1].gone)) {
		flat_finish(f, &s, thread, LITMUS_FAULT);
		return;
	}
	if (flat_copies(&s, page)) {
		flat_copy(f, &s, page);
		flat_add(f, &s);
		return;
	}
	while (s.pin[n].thread)
		n++;
	ASSERT(n < f->pins);
	s.pin[n] = (struct pin){ (uint8_t)(thread + 1), (uint8_t)page,
				 (uint8_t)flat_frame(&s, page) };
	frame = &s.frame[flat_frame(&s, page)];
	frame->flags |= FRAME_TOUCHED;
	counts = s; /* as a store, or not */
	counts.frame[flat_frame(&s, page)].flags &= ~(int64_t)FRAME_LAZY;
	flat_finish(f, &counts, thread, 0);
	flat_finish(f, &s, thread, 0);
}

/* pin_load, pin_store, unpin */
static void step_pinned(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	const struct litmus_var *var = &f->test->var[insn->var];
	struct state s = *from;
	struct pin *pin = find_pin(f, &s, thread, var->page);
	struct frame *frame = pin ? &s.frame[pin->frame] : NULL;
	int64_t result = 0;

	if (!pin)
		result = LITMUS_FAULT;
	else if (insn->op == OP_PIN_LOAD)
		result = frame->word[var->word];
	else if (insn->op == OP_PIN_STORE)
		frame->word[var->word] =
			litmus_eval(f->test, insn->expr, s.value + f->reg_base[thread]);
	else
		drop_pin(f, &s, pin);
	flat_finish(f, &s, thread, result);
}

/* What the next fork does with the page. */
static void step_fork_advice(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	struct state s = *from;
	struct place *p = &s.place[var_page(f, insn->var)];
	bool fails = !p->rights || (insn->op == OP_MADV_WIPEONFORK && !private_anonymous(p));

	if (fails)
		;
	else if (insn->op == OP_MADV_DONTFORK)
		p->flags |= PLACE_DONTFORK;
	else if (insn->op == OP_MADV_DOFORK)
		p->flags &= (uint8_t)~PLACE_DONTFORK;
	else if (insn->op == OP_MADV_WIPEONFORK)
		p->flags |= PLACE_WIPEONFORK;
	else
		p->flags &= (uint8_t)~PLACE_WIPEONFORK;
	flat_finish(f, &s, thread, fails ? LITMUS_FAULT : 0);
}

/* Nothing that can be seen changes, whether it fails or not. */
static void step_unseen(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	const struct litmus_var *x = insn->var >= 0 ? &f->test->var[insn->var] : NULL;
	bool fails = x && insn->op != OP_MSYNC && !from->place[x->page].rights;
	struct state s = *from;

	if (!fails && insn->op == OP_MOVE_PAGES)
		fails = flat_pinned(f, &s, flat_frame(&s, x->page));
	if (!fails)
		flat_finish(f, &s, thread, 0);
	if (!fails && insn->reg < 0)
		return;
	s = *from;
	flat_finish(f, &s, thread, LITMUS_FAULT);
}

void flat_step_op(struct flat *f, const struct state *from, int thread)
{
	static const struct { flat_effect effect; flat_step step; } flat[OP_COUNT] = {
#define FLAT_WINDOW(fn) { .effect = effect_##fn }
#define FLAT_WHOLE(fn) { .effect = effect_##fn }
#define FLAT_STEP(fn) { .step = step_##fn }
#define X(e, name, word, takes, notify, taken, given, exchanges, shape, about, fn, ...)        \
	[OP_##e] = FLAT_##shape(fn),
		OPERATIONS(X)
#undef X
	};
	enum op op = flat_insn(f, from, thread)->op;

	if (flat[op].effect)
		step_window(f, from, thread, flat[op].effect);
	else
		flat[op].step(f, from, thread);
}
