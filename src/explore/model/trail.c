/* SPDX-License-Identifier: MIT */
/*
 * trail.c - keeps what each thread that spins has touched since its first cpu_relax(), and what it
 * changed there. door/spin.c asks it whether some rounds of a loop have left everything as it was.
 *
 * A block is a step together with what its thread does up to its next one. No other thread comes
 * in between, so a block counts as a whole: each piece of memory that it touches has one entry,
 * with the value before the block and what the block has added to it. A block that changes
 * something and changes it back has changed nothing.
 */
#include "explore/model/model.h"

#include <stdlib.h>

enum { PIECE = 8, BLOCK_MAX = 512 };

/* A word of the door, or eight bytes in which there were plain accesses. */
struct visit {
	const char *addr;
	uint64_t old, change;          /* before the block; what was added by its end */
	int16_t step;                  /* the thread's latest one; -1: it has none yet */
	uint8_t bytes, mask;           /* bit n: byte n was touched */
	bool plain, adds;              /* adds: it only adds, and commutes with what adds */
	bool met;                      /* another thread was here, plainly, since the last entry */
};

static struct trail {
	struct visit *visit;
	unsigned count, capacity;
	unsigned block;                /* first entry of the block that is not over */
	unsigned lost;                 /* entries up to this one are not all there */
} trails[T_MAX];

/* --- values -------------------------------------------------------------- */

/* The piece may hold bytes that are nobody's: no sanitizer is to look at it. */
__attribute__((noinline, no_sanitize("address", "undefined", "thread")))
static uint64_t piece_value(const char *addr)
{
	return *(const volatile uint64_t *)(const void *)addr;
}

static uint64_t value_now(const struct visit *e)
{
	return e->plain ? piece_value(e->addr) : model_latest(e->addr, e->bytes);
}

/* The value as far as it is in the bytes of a mask. */
static uint64_t masked(uint64_t value, uint8_t mask)
{
	uint64_t bits = 0;

	for (int n = 0; n < PIECE; n++)
		if (mask >> n & 1)
			bits |= 0xffull << 8 * n;
	return value & bits;
}

static bool same_piece(const struct visit *a, const struct visit *b)
{
	return a->addr == b->addr && a->bytes == b->bytes && a->plain == b->plain;
}

/* --- what is touched ----------------------------------------------------- */

void trail_forget(void)
{
	for (unsigned t = 0; t < T_MAX; t++)
		trails[t].count = trails[t].block = trails[t].lost = 0;
}

void trail_close(void)
{
	for (unsigned t = 0; t < T_MAX; t++) {
		free(trails[t].visit);
		trails[t] = (struct trail){ 0 };
	}
}

/* The latest entry of the thread's for this piece, from entry @first on and before entry @end. */
static const struct visit *visit_before(const struct trail *l, unsigned first, unsigned end,
					const struct visit *like)
{
	while (end-- > first)
		if (same_piece(&l->visit[end], like))
			return &l->visit[end];
	return NULL;
}

static bool spins(void) { return x.spinning >> x.cur & 1; }

/* Into the block that is not over. */
static void visit(const struct visit *like)
{
	struct trail *l = &trails[x.cur];

	for (unsigned n = l->block; n < l->count; n++)
		if (same_piece(&l->visit[n], like)) {
			l->visit[n].mask |= like->mask;
			l->visit[n].adds &= like->adds;
			return;
		}
	if (l->count == l->capacity) {
		unsigned capacity = l->capacity ? 2 * l->capacity : 256;
		struct visit *grown = realloc(l->visit, capacity * sizeof(*grown));

		if (grown) {
			l->visit = grown;
			l->capacity = capacity;
		}
	}
	if (l->count == l->capacity || l->count - l->block == BLOCK_MAX)
		l->lost = l->count + 1;
	else
		l->visit[l->count++] = *like;
}

void trail_plain(const void *addr, size_t size)
{
	const char *from = addr, *end = from + size;

	for (const char *at = from; spins() && at < end;) {
		size_t skip = (uintptr_t)at % PIECE;
		size_t n = PIECE - skip < (size_t)(end - at) ? PIECE - skip : (size_t)(end - at);

		visit(&(struct visit){
			.addr = at - skip, .old = piece_value(at - skip), .bytes = PIECE,
			.step = x.thread[x.cur].last, .plain = true,
			.mask = (uint8_t)(((1u << n) - 1) << skip) });
		at += n;
	}
}

void trail_step(void)
{
	const struct step *s = &x.step[x.depth];

	if (spins() && kind_is_word(s->kind))
		visit(&(struct visit){
			.addr = s->addr, .old = x.step_old[x.depth], .bytes = s->bytes,
			.step = (int16_t)x.depth, .mask = (uint8_t)((1u << s->bytes) - 1),
			.adds = s->kind == SYNC_INC });
}

void trail_block_ends(void)
{
	struct trail *l = &trails[x.cur];

	for (; l->block < l->count; l->block++) {
		struct visit *e = &l->visit[l->block];
		const struct visit *before = visit_before(l, 0, l->block, e);

		e->change = masked(value_now(e), e->mask) - masked(e->old, e->mask);
		e->met = before && plain_met(e->addr, e->bytes, before->step);
	}
}

/* --- what has come of it ------------------------------------------------- */

/* Its values are compared with the stack, which the compiler reuses without telling. */
static bool on_stack_of(unsigned thread, const char *addr)
{
	const struct fiber *f = &x.fiber[thread];

	return addr >= f->stack && addr < f->stack + f->stack_size;
}

unsigned trail_mark(unsigned thread) { return trails[thread].count; }

/* Does the step touch what the entry touched, so that the two do not commute? */
static bool conflicts(const struct step *s, const struct visit *e, bool adds)
{
	const char *from = s->addr, *to = from + s->bytes;

	if (!kind_is_word(s->kind) || (adds && s->cls == SYNC_ADD))
		return false;
	for (int n = 0; n < e->bytes; n++)
		if ((e->mask >> n & 1) && e->addr + n >= from && e->addr + n < to)
			return true;
	return false;
}

/* Has another thread seen, or overwritten, the piece between two steps of this one? */
static bool seen_between(unsigned thread, const struct visit *e, bool adds, int from, int to)
{
	for (int k = from + 1; k < to; k++)
		if (x.step[k].thread != thread && conflicts(&x.step[k], e, adds))
			return true;
	return false;
}

/* From entry @first on, which is the first one for its piece: is the piece what it was, and has
 * nobody seen it while it was something else? */
static bool piece_is_restored(unsigned thread, unsigned first)
{
	const struct trail *l = &trails[thread];
	struct visit all = l->visit[first];
	bool own = on_stack_of(thread, all.addr), dirty = false;
	bool adds = true;              /* whatever has changed it since it was clean */
	int16_t step = -1;             /* of the entry before */
	uint64_t sum = 0;

	for (unsigned n = first; n < l->count; n++) {
		const struct visit *e = &l->visit[n];

		if (!same_piece(e, &all))
			continue;
		all.mask |= e->mask;
		if (dirty && (e->met || seen_between(thread, &all, adds, step, e->step)))
			return false;
		adds = (adds || !dirty) && (e->adds || !e->change);
		sum += e->change;
		dirty = sum || (own && (dirty || e->change));
		step = e->step;
	}
	return own || !sum;
}

bool trail_is_restored(unsigned thread, unsigned mark)
{
	const struct trail *l = &trails[thread];

	if (l->lost > mark)
		return false;
	for (unsigned n = mark; n < l->count; n++)
		if (!visit_before(l, mark, n, &l->visit[n]) && !piece_is_restored(thread, n))
			return false;
	return true;
}

/* Is the entry one of those that are asked for? */
static bool is_among(const struct trail_part *part, unsigned thread, unsigned n)
{
	const struct visit *e = &trails[thread].visit[n];
	int idx = e->step < 0 ? 0 : x.step[e->step].idx;

	if (on_stack_of(thread, e->addr))
		return false;
	if (thread == part->thread)
		return n >= part->mark;
	return idx > part->from.c[thread] && idx <= part->to.c[thread];
}

/* What all these threads have changed there, in sum. */
static uint64_t sum_of(const struct trail_part *part, const struct visit *like)
{
	uint64_t sum = 0;

	for (unsigned t = 0; t < x.threads; t++)
		for (unsigned n = 0; n < trails[t].count; n++)
			if (is_among(part, t, n) && same_piece(&trails[t].visit[n], like))
				sum += trails[t].visit[n].change;
	return sum;
}

bool trail_is_circle(const struct trail_part *part)
{
	for (unsigned t = 0; t < x.threads; t++) {
		if (trails[t].lost && part->from.c[t] != part->to.c[t])
			return false;
		for (unsigned n = 0; n < trails[t].count; n++)
			if (is_among(part, t, n) && trails[t].visit[n].change &&
			    sum_of(part, &trails[t].visit[n]))
				return false;
	}
	return true;
}

bool trail_has_changed(unsigned thread, unsigned mark)
{
	const struct trail *l = &trails[thread];

	for (unsigned n = mark; n < l->count; n++) {
		const struct visit *e = &l->visit[n];

		if (!on_stack_of(thread, e->addr) && !visit_before(l, mark, n, e) &&
		    masked(value_now(e) ^ e->old, e->mask))
			return true;
	}
	return false;
}
