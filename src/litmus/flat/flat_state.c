/* SPDX-License-Identifier: MIT */
/*
 * flat_state.c - a state of flat memory: its frames, what a page shows, and the set of the
 * states that were reached. flat.c and flat_ops.c make new states from old ones and add them.
 *
 * Only that part of a state is kept which the test can use. Invariant: a state in the set is
 * at rest, which means that no thread in it can take a step that the others could not notice.
 */
#include <errno.h>
#include <string.h>

#include "litmus/flat/state.h"

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

/*
 * The fault of a store to a private mapping of an object makes the copy, and the
 * store comes later: what happens to the object in between does not reach the copy,
 * and a right that is taken away in between leaves the copy behind without the store.
 */
bool flat_copies(const struct state *s, int page)
{
	const struct place *p = &s->place[page];

	return flat_permits(p->rights, true) && p->object &&
	       !(p->flags & (PLACE_SHARES | PLACE_COPIED)) && !s->object[p->object - 1].gone;
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

int flat_state_words(const struct flat *f)
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

void flat_unpack(const struct flat *f, const int64_t *words, struct state *s)
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

/* --- instructions -------------------------------------------------------- */

/* What a thread does without touching memory is no step of its own. */
void flat_run_to_rest(const struct flat *f, struct state *s, int thread)
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
	flat_run_to_rest(f, s, thread);
	flat_add(f, s);
}
