/* SPDX-License-Identifier: MIT */
/*
 * record.c - writes the work that is left as a part of a record, and reads it: the path with its
 * threads, choices and sleep sets, the wakeup trees beside it, and the races within it with what
 * is settled of them. All of it consists of numbers and spots already. Writing leaves out what is
 * free, and reading believes nothing.
 *
 * What can be computed anew is not in the record: clocks, objects, the operations themselves. The
 * first execution after reading runs the path as if each step were new. Each step is compared with
 * its footprint, and the races with those of the record. If they differ, the record is of another
 * check.
 */
#include "explore/search/work.h"
#include "explore/model/model.h"

#include <stdlib.h>
#include <string.h>

struct record_head { uint32_t replay, plan, nodes, races, frugal; };
struct record_race { int16_t i, j; uint16_t settled; };

/* What is compared of a step. */
struct footprint { uint32_t spot, line; uint8_t kind, cls, bytes, choices; };

struct record {                        /* that was read, until the path was run once */
	struct footprint *step;        /* replay - 1 */
	struct record_race *race;
	uint32_t races;
};

static struct footprint footprint_of(const struct step *s)
{
	return (struct footprint){ .spot = s->cls ? spot_of(s->addr).v : 0,
				   .line = (uint32_t)s->site->line, .kind = s->kind,
				   .cls = s->cls, .bytes = s->bytes, .choices = s->choices };
}

/* --- writing ------------------------------------------------------------- */

/* The nodes in the order of the record, from 1, and each one's number there. */
struct order { uint32_t *node, *number, count; };

static uint32_t numbered(struct order *o, uint32_t node)
{
	if (!node)
		return 0;
	o->node[++o->count] = node;
	o->number[node] = o->count;
	return o->count;
}

/* Breadth first, so that a node's children and siblings have greater numbers than itself. */
static bool order_nodes(struct order *o)
{
	o->node = malloc((work.nodes + 1) * sizeof(*o->node));
	o->number = calloc(work.nodes + 1, sizeof(*o->number));
	if (!o->node || !o->number)
		return false;
	for (int d = 0; d < work.replay; d++)
		numbered(o, work.branch[d].tree);
	numbered(o, work.plan);
	for (uint32_t n = 1; n <= o->count; n++) {
		numbered(o, work.node[o->node[n]].child);
		numbered(o, work.node[o->node[n]].sibling);
	}
	return true;
}

static void put_path(struct flat *f, const struct order *o)
{
	for (int d = 0; d < work.replay; d++) {
		struct branch b = work.branch[d];

		b.tree = o->number[b.tree];
		flat_put(f, &b, sizeof(b));
	}
	for (int d = 0; d < work.replay - 1; d++) {
		const struct footprint print = footprint_of(&x.step[d]);

		flat_put(f, &print, sizeof(print));
	}
}

static bool put_nodes(struct flat *f, const struct order *o)
{
	bool local = false;

	for (uint32_t n = 1; n <= o->count; n++) {
		struct node node = work.node[o->node[n]];

		node.child = o->number[node.child];
		node.sibling = o->number[node.sibling];
		local |= node.cls && spot_is_local(node.spot);
		flat_put(f, &node, sizeof(node));
	}
	return !local;
}

bool search_save(struct flat *f)
{
	struct order o = { 0 };
	bool ok = order_nodes(&o);

	if (ok) {
		const struct record_head head = { (uint32_t)work.replay, o.number[work.plan],
						  o.count, x.races, work.frugal };

		flat_put(f, &head, sizeof(head));
		put_path(f, &o);
		ok = put_nodes(f, &o);
		for (uint32_t n = 0; n < x.races; n++) {
			const struct record_race race = { x.race[n].i, x.race[n].j,
							  x.race[n].settled };

			flat_put(f, &race, sizeof(race));
		}
	} else {
		f->failed = true;
	}
	free(o.node);
	free(o.number);
	return ok;
}

/* --- reading ------------------------------------------------------------- */

static bool path_is_valid(const struct record_head *h)
{
	uint16_t all = (uint16_t)((1u << x.threads) - 1);
	uint32_t races = 0;

	for (uint32_t d = 0; d < h->replay; d++) {
		const struct branch *b = &work.branch[d];

		if (b->thread >= x.threads || (b->sleep & ~all) || b->tree > h->nodes ||
		    b->races < races || b->races > h->races)
			return false;
		races = b->races;
	}
	return races == h->races;
}

/* Each node hangs in one place, and nothing hangs in a circle. */
static bool nodes_are_valid(const struct record_head *h)
{
	bool *hangs = calloc(h->nodes + 1, 1);
	bool ok = hangs;

	for (uint32_t d = 0; ok && d < h->replay; d++) {
		ok = !hangs[work.branch[d].tree];
		hangs[work.branch[d].tree] = work.branch[d].tree;
	}
	if (ok && h->plan <= h->nodes) {
		ok = !hangs[h->plan];
		hangs[h->plan] = h->plan;
	}
	for (uint32_t n = 1; ok && n <= h->nodes; n++) {
		const struct node *node = &work.node[n];
		const uint32_t next[] = { node->child, node->sibling };

		ok = hangs[n] && node->thread < x.threads && node->cls <= SYNC_WRITE &&
		     node->chooses <= 1 && (!node->cls || (spot_is_valid(node->spot) &&
							   !spot_is_local(node->spot)));
		for (int k = 0; k < 2 && ok; k++) {
			ok = !next[k] || (next[k] > n && next[k] <= h->nodes && !hangs[next[k]]);
			if (ok)
				hangs[next[k]] = next[k];
		}
	}
	free(hangs);
	return ok && h->plan <= h->nodes;
}

static bool races_are_valid(const struct record_head *h, const struct record_race *race)
{
	for (uint32_t n = 0; n < h->races; n++)
		if (race[n].i < 0 || race[n].i >= race[n].j || race[n].j >= (int)h->replay ||
		    race[n].settled > 1 || (n && race[n].j < race[n - 1].j))
			return false;
	return true;
}

bool search_load(struct flat_reader *r)
{
	struct record *record = calloc(1, sizeof(*record));
	struct record_head h;
	struct node *node;
	size_t rest;

	work.record = record;
	flat_get(r, &h, sizeof(h));
	rest = (size_t)(r->end - r->at);
	if (!record || r->wrong || !h.replay || h.replay > x.steps_max || h.frugal > 1 ||
	    h.nodes > rest / sizeof(*node) || h.races > rest / sizeof(*record->race))
		return false;
	node = realloc(work.node, (h.nodes + 256) * sizeof(*node));
	record->step = malloc(h.replay * sizeof(*record->step));
	record->race = malloc((h.races + 1) * sizeof(*record->race));
	if (node)
		work.node = node;
	if (!node || !record->step || !record->race) {
		x.out_of_memory = true;
		return false;
	}
	flat_get(r, work.branch, h.replay * sizeof(*work.branch));
	flat_get(r, record->step, (h.replay - 1) * sizeof(*record->step));
	flat_get(r, &work.node[1], h.nodes * sizeof(*node));
	flat_get(r, record->race, h.races * sizeof(*record->race));
	record->races = h.races;
	work.nodes = h.nodes + 1;
	work.nodes_capacity = h.nodes + 256;
	work.node_free = 0;
	work.planned = h.nodes;
	work.replay = (int)h.replay;
	work.plan = h.plan;
	work.frugal = h.frugal;
	return !r->wrong && path_is_valid(&h) && nodes_are_valid(&h) &&
	       races_are_valid(&h, record->race);
}

/* --- the first execution after reading ----------------------------------- */

void record_close(void)
{
	if (work.record) {
		free(work.record->step);
		free(work.record->race);
	}
	free(work.record);
	work.record = NULL;
}

static bool step_fits(int d)
{
	const struct footprint now = footprint_of(&x.step[d]), *then = &work.record->step[d];

	return now.spot == then->spot && now.line == then->line && now.kind == then->kind &&
	       now.cls == then->cls && now.bytes == then->bytes && now.choices == then->choices &&
	       work.branch[d].choices == now.choices && x.step[d].choice < now.choices &&
	       work.branch[d].first_choice < now.choices && x.races == work.branch[d + 1].races;
}

/* The races before the last step of the path are settled as they were. */
static bool races_fit(const struct record *record)
{
	if (x.races < record->races)
		return false;
	for (uint32_t n = 0; n < record->races; n++) {
		if (x.race[n].i != record->race[n].i || x.race[n].j != record->race[n].j)
			return false;
		x.race[n].settled = record->race[n].settled;
	}
	return true;
}

/* Step d of the path that was read was run: as in the process that wrote it? */
bool record_fits(int d)
{
	bool last = d == work.replay - 1, fits = last ? races_fit(work.record) : step_fits(d);

	work.foreign = !fits;
	if (last)
		record_close();
	return fits;
}
