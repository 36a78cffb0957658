/* SPDX-License-Identifier: MIT */
/*
 * path.c - owns the path of the execution that is under way, step by step from the root of the
 * tree of all executions. Its first part is dictated by what ran before. Beyond it the plan of the
 * search is followed, if there is one. After that the execution goes its own way, and the path
 * grows with it.
 *
 * A thread sleeps before a step if everything that begins with it has been run. It goes on
 * sleeping until something dependent happens.
 */
#include "explore/search/work.h"
#include "explore/model/model.h"

bool search_is_lost(void) { return work.strayed; }
bool search_is_foreign(void) { return work.foreign; }

void search_strayed(void)
{
	if (work.record)
		work.foreign = true;
	else
		work.strayed = true;
}

/* --- during an execution ------------------------------------------------- */

void search_begin(void) { work.sleep = 0; }

bool search_dictates(int d, uint8_t *ret_thread, uint8_t *ret_choice)
{
	struct branch *b = &work.branch[d];
	const struct node *n = &work.node[work.plan];

	if (d >= work.replay) {
		if (!work.plan)
			return false;
		*b = (struct branch){ .races = x.races, .tree = n->sibling, .sleep = work.sleep,
				      .thread = n->thread, .choice = n->choice,
				      .first_choice = n->choice };
		work.plan = plan_node_take(work.plan);
	}
	*ret_thread = b->thread;
	*ret_choice = b->choice;
	return true;
}

uint16_t search_awake(uint16_t enabled) { return enabled & (uint16_t)~work.sleep; }

void search_chose(int d, unsigned thread, uint16_t enabled)
{
	work.branch[d] = (struct branch){ .races = x.races, .sleep = work.sleep,
					  .enabled = enabled, .done = (uint16_t)(1u << thread),
					  .thread = (uint8_t)thread };
}

static uint16_t still_asleep(uint16_t sleep, const struct step *s)
{
	uint16_t next = 0;

	for (unsigned m = sleep & ~(1u << s->thread); m; m &= m - 1) {
		unsigned q = (unsigned)__builtin_ctz(m);

		if (!dependent(x.pend[q].cls, x.pend[q].addr, s->cls, s->addr))
			next |= (uint16_t)(1u << q);
	}
	return next;
}

bool search_took(int d)
{
	struct branch *b = &work.branch[d];

	if (__builtin_expect(work.record != NULL, 0) && !record_fits(d))
		return false;
	if (d < work.replay - 1) /* its sleep set and choices are those of the record */
		return true;
	b->choices = x.step[d].choices;
	work.sleep = still_asleep(b->sleep, &x.step[d]);
	return true;
}

/* --- between executions -------------------------------------------------- */

void path_dictate(int d)
{
	work.replay = d + 1;
	x.known = d;
	x.races = work.branch[d].races;
}

bool path_next_choice(int d)
{
	struct branch *b = &work.branch[d];
	uint8_t next = (uint8_t)((b->choice + 1) % b->choices);

	if (next == b->first_choice)
		return false;
	b->choice = next;
	for (uint32_t *link = &b->tree; *link; link = &work.node[*link].sibling) {
		uint32_t n = *link;

		if (work.node[n].thread != b->thread || work.node[n].choice != next)
			continue;
		*link = work.node[n].sibling;
		work.plan = plan_node_take(n);
		break;
	}
	return true;
}
