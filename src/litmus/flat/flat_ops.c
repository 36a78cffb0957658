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

static unsigned all_pages(const struct flat *f) { return (1u << f->test->pages) - 1; }

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
		p->flags = 0;
		p->frame = 0;
	}
}

bool flat_freeing(const struct flat *f, const struct state *s, int page)
{
	for (int t = 0; t < f->test->threads; t++) {
		const struct control *c = &s->control[t];
		const struct litmus_insn *insn = c->called ? flat_insn(f, s, t) : NULL;

		if (insn && insn->op == OP_MADVISE && insn->word == ADVICE_FREE &&
		    c->done >> page & 1)
			return true;
	}
	return false;
}

/* --- effects on one page: what is in *s is added by the caller --------------- */

static void effect_mprotect(const struct flat *f, struct state *s, int thread, int page)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);

	if (!s->place[page].rights)
		return;
	leave_stale(f, s, thread, page);
	s->place[page].rights = (uint8_t)(MAPPED | insn->prot);
}

static void effect_mmap(const struct flat *f, struct state *s, int thread, int page)
{
	leave_stale(f, s, thread, page);
	s->place[page] = (struct place){ .rights = MAPPED | LITMUS_PROT_READ | LITMUS_PROT_WRITE };
	s->place[page].frame = (uint8_t)(flat_fresh(f, s) + 1);
}

static void effect_mremap(const struct flat *f, struct state *s, int thread, int page)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);
	int to = litmus_partner(f->test, insn, page);
	struct place *p = &s->place[page];

	leave_stale(f, s, thread, to);
	leave_stale(f, s, thread, page);
	s->place[to] = *p;
	if (!insn->word) {
		*p = (struct place){ 0 };
	} else if (p->object) { /* MREMAP_DONTUNMAP: the object shows through again */
		p->flags &= PLACE_SHARES;
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

static void effect_truncate(const struct flat *f, struct state *s, int thread, int object)
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

static void effect_punch(const struct flat *f, struct state *s, int thread, int object)
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

static void effect_free(struct flat *f, struct state *s, int thread, int page)
{
	struct frame *frame = &s->frame[flat_frame(s, page)];
	struct state dropped = *s;

	if (frame->flags & FRAME_OUT) {
		empty(f, &dropped, thread, page);
		flat_add(f, &dropped);
	}
	frame->flags |= FRAME_LAZY;
}

static void effect_pageout(struct flat *f, struct state *s, int thread, int page)
{
	int n = flat_frame(s, page);
	struct frame *frame = &s->frame[n];
	struct state dropped = *s;

	if (!private_anonymous(&s->place[page]))
		return;
	if ((frame->flags & FRAME_LAZY) && !flat_pinned(f, s, n)) {
		empty(f, &dropped, thread, page);
		flat_add(f, &dropped);
	}
	frame->flags |= FRAME_OUT;
}

static void effect_madvise(struct flat *f, struct state *s, int thread, int page)
{
	const struct litmus_insn *insn = flat_insn(f, s, thread);
	struct place *p = &s->place[page];

	if (!p->rights || (insn->word == ADVICE_FREE && p->object) ||
	    (insn->word == ADVICE_REMOVE && !(p->flags & PLACE_SHARES)))
		s->control[thread].failed = 1;
	else if (insn->word == ADVICE_DONTNEED)
		drop(f, s, thread, page);
	else if (insn->word == ADVICE_FREE)
		effect_free(f, s, thread, page);
	else if (insn->word == ADVICE_REMOVE)
		effect_punch(f, s, thread, p->object - 1);
	else
		effect_pageout(f, s, thread, page);
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

	if (!p->rights)
		return;
	s->child[insn->child][page] = *p;
	s->child[insn->child][page].frame = 0;
	if (!p->frame)
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

static void effect(struct flat *f, struct state *s, int thread, int page)
{
	switch (flat_insn(f, s, thread)->op) {
	case OP_MUNMAP:
		leave_stale(f, s, thread, page);
		s->place[page] = (struct place){ 0 };
		break;
	case OP_MPROTECT:
		effect_mprotect(f, s, thread, page);
		break;
	case OP_FORK:
		effect_fork(f, s, thread, page);
		break;
	case OP_MMAP:
		effect_mmap(f, s, thread, page);
		break;
	case OP_MREMAP:
		effect_mremap(f, s, thread, page);
		break;
	case OP_MADVISE:
		effect_madvise(f, s, thread, page);
		break;
	case OP_TRUNCATE:
		effect_truncate(f, s, thread, page);
		break;
	case OP_FALLOCATE:
		effect_punch(f, s, thread, page);
		break;
	case OP_UFFD_MOVE:
		effect_uffd_move(f, s, thread, page);
		break;
	default:
		effect_oom_reap(f, s, thread, page);
	}
	flat_add(f, s);
}

/* --- operations with a window ---------------------------------------------- */

static bool has_window(const struct litmus_insn *insn)
{
	switch (insn->op) {
	case OP_MUNMAP:
	case OP_MPROTECT:
	case OP_FORK:
	case OP_MMAP:
	case OP_MREMAP:
	case OP_TRUNCATE:
	case OP_FALLOCATE:
	case OP_UFFD_MOVE:
	case OP_OOM_REAP:
		return true;
	case OP_MADVISE:
		return insn->word == ADVICE_DONTNEED || insn->word == ADVICE_FREE ||
		       insn->word == ADVICE_REMOVE || insn->word == ADVICE_PAGEOUT;
	default:
		return false;
	}
}

static unsigned targets(const struct flat *f, const struct litmus_insn *insn)
{
	if (insn->op == OP_FORK || insn->op == OP_OOM_REAP)
		return all_pages(f);
	if (insn->op == OP_TRUNCATE || insn->op == OP_FALLOCATE)
		return 1u << var_page(f, insn->var);
	return litmus_pages_of(f->test, insn->op == OP_UFFD_MOVE ? insn->var2 : insn->var);
}

int flat_stales(const struct litmus *test, const struct litmus_insn *insn)
{
	unsigned pages = litmus_pages_exchanged(test, insn);

	if (insn->op == OP_MPROTECT || insn->op == OP_MUNMAP)
		pages = litmus_pages_of(test, insn->var);
	return __builtin_popcount(pages);
}

/* All or nothing: does the operation fail as long as one of its pages is not mapped? */
static bool refused(const struct flat *f, const struct state *s, const struct litmus_insn *insn)
{
	unsigned pages = targets(f, insn);

	if (insn->op != OP_MPROTECT && insn->op != OP_MREMAP)
		return false;
	for (int p = 0; p < f->test->pages; p++)
		if (pages >> p & 1 && !s->place[p].rights)
			return true;
	return false;
}

static void step_window(struct flat *f, const struct state *from, int thread)
{
	const struct litmus_insn *insn = flat_insn(f, from, thread);
	unsigned pages = targets(f, insn);
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
			s.place[page].flags = 0;
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
	const struct litmus_insn *insn = flat_insn(f, from, thread);

	if (has_window(insn))
		step_window(f, from, thread);
	else if (insn->op == OP_REPLACE_PAGE)
		step_replace_page(f, from, thread);
	else if (insn->op == OP_PIN)
		step_pin(f, from, thread);
	else if (insn->op == OP_PIN_LOAD || insn->op == OP_PIN_STORE || insn->op == OP_UNPIN)
		step_pinned(f, from, thread);
	else
		step_unseen(f, from, thread);
}
