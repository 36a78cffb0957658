/* SPDX-License-Identifier: MIT */
/*
 * when.c - see when.h: computes one cell of the table. cli/when.c calls it in a process of its
 * own, because only one exploration runs at a time in a process.
 *
 * Whether an operation comes by a flush point at all is found out by running the statements of
 * a scene's processors one after the other, with nobody else, while a notifier counts how
 * often the secondary TLBs are told. If they are told no more often than with "never", the
 * operation does not come by that point.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/run/world.h"
#include "litmus/table/when.h"

enum { EXECUTIONS_MAX = 1 << 18 }; /* of a scene; the largest has 150,000 */

const struct when_row *when_row_find(const char *name)
{
	for (const struct when_row *r = when_rows; r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

const char *when_answer_name(const struct when_cell *cell)
{
	static const char *const name[] = {
		[WHEN_SAFE] = "safe", [WHEN_UNFINISHED] = "not finished", [WHEN_NOT_PASSED] = "-",
		[WHEN_NOT_ASKED] = "-",
	};

	if (cell->answer != WHEN_BROKEN)
		return name[cell->answer];
	/* What a consumer found is the only condition that a scene has. */
	return cell->oracle == ORACLE_CONDITION ? "unnoticed" : explore_oracle_name(cell->oracle);
}

/* --- a scene's text ------------------------------------------------------ */

static const char *const consumer_text[] = {
	[WHEN_NOTHING] = "",
	[WHEN_SOFT_DIRTY] = "\n * At the end: was D0's late store seen, is a soft-dirty?",
	[WHEN_UFFD_WP] = "\n * At the end: did D0's late store take a's protection away?",
	[WHEN_WRITEBACK] = "\n * At the end: is a's object dirty after D0's late store?",
	[WHEN_HINT] = "\n * At the end: did D0's late store give a's access back?",
	[WHEN_YOUNG] = "\n * At the end: has D0's late store looked a up?",
};

static const struct when_place *find_place(const char *name)
{
	for (const struct when_place *p = when_places; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

/* Statements of the initial state, a line each. False: no room. */
static bool print_init(char *text, size_t size, const struct when_row *row,
		       const struct when_scene *scene, const struct when_place *place, bool classic)
{
	static const char permissions[] = "D0 caches permissions;";
	bool other = place->device || place->processor;
	char notify[64];
	const char *line[] = {
		scene->init, row->forgets,
		other || !row->caches_permissions ? place->device : permissions, notify,
		classic ? "semantics classic;" : NULL,
	};
	int n = 0;

	snprintf(notify, sizeof(notify), "notify %s = %s;", row->notify,
		 other ? "default" : place->name);
	for (size_t i = 0; i < ARRAY_SIZE(line) && (size_t)n < size; i++)
		if (line[i])
			n += snprintf(text + n, size - (size_t)n, "\t%s\n", line[i]);
	return (size_t)n < size;
}

bool when_text(const struct when_row *row, unsigned scene, const char *place, bool classic,
	       char *text, size_t size)
{
	const struct when_place *p = find_place(place);
	char init[WHEN_TEXT_MAX / 4];
	const struct when_scene *s;
	int n;

	if (scene >= WHEN_SCENES_MAX || !row->scene[scene].threads || !p)
		return false;
	s = &row->scene[scene];
	if (!print_init(init, sizeof(init), row, s, p, classic))
		return false;
	n = snprintf(text, size,
		     "VM when-%s-%s-%u\n(*\n * %s: %s.%s\n *)\n\n{\n%s}\n\n%s",
		     row->name, place, scene + 1, row->name, row->update,
		     consumer_text[s->consumer], init, s->threads);
	for (char *d = text; p->processor && (d = strstr(d, "D0")) != NULL;)
		memcpy(d, "P7", 2);
	return n > 0 && (size_t)n < size;
}

static int parse_scene(const struct when_row *row, unsigned scene, const char *place, bool classic,
		       struct litmus **ret, struct litmus_error *ret_error)
{
	char text[WHEN_TEXT_MAX];

	*ret_error = (struct litmus_error){ .text = "no such scene, or a long one" };
	if (!when_text(row, scene, place, classic, text, sizeof(text)))
		return -EINVAL;
	return litmus_parse(text, strlen(text), ret, ret_error);
}

/* --- consumers ----------------------------------------------------------- */

/* Did D0, or who is in its place and comes last, store after it was told that the call was over? */
static bool stored_late(const struct world *w)
{
	const int64_t *reg = w->reg[w->test->threads - 1];

	return reg[0] == 1 && reg[1] == 0;
}

static bool page_has(const struct world *w, unsigned bit)
{
	unsigned bits = 0;

	return mmun_pagemap(w->mm, world_page_addr(w->test, 0), &bits) == 0 && (bits & bit);
}

static void judge_soft_dirty(struct world *w)
{
	if (stored_late(w) && !page_has(w, MMUN_PAGE_SOFT_DIRTY))
		explore_fail(ORACLE_CONDITION, "a store after clear_refs, and the page is not dirty");
}

static void judge_uffd_wp(struct world *w)
{
	if (stored_late(w) && page_has(w, MMUN_PAGE_WP))
		explore_fail(ORACLE_CONDITION, "a store past the write protection");
}

static void judge_writeback(struct world *w)
{
	uint64_t dirty = 0;

	if (stored_late(w) && (mmun_object_clean(w->object[0], 0, PAGE_BYTES, &dirty) || !dirty))
		explore_fail(ORACLE_CONDITION, "a store after the cleaning, and the page is clean");
}

static bool entry_has(const struct world *w, uint64_t bits)
{
	struct ptep p;
	bool has;

	if (!pte_map_lock(&w->mm->pt, world_page_addr(w->test, 0), &p))
		return true;
	has = pte_get(p.entry).v & bits;
	pte_unlock(&p);
	return has;
}

static void judge_hint(struct world *w)
{
	if (stored_late(w) && !entry_has(w, PTE_P))
		explore_fail(ORACLE_CONDITION, "a store after the hint, and access is still away");
}

static void judge_young(struct world *w)
{
	if (stored_late(w) && !entry_has(w, PTE_A))
		explore_fail(ORACLE_CONDITION, "a store after the call, by what was to be flushed");
}

static void (*const consumers[])(struct world *w) = {
	[WHEN_NOTHING] = NULL, [WHEN_SOFT_DIRTY] = judge_soft_dirty,
	[WHEN_UFFD_WP] = judge_uffd_wp, [WHEN_WRITEBACK] = judge_writeback,
	[WHEN_HINT] = judge_hint, [WHEN_YOUNG] = judge_young,
};

/* --- places that are passed ---------------------------------------------- */

struct probe {
	struct world world;
	struct mmu_notifier listener;
	uint64_t told;
};

struct probed { const struct litmus *test; uint64_t told; };

static void on_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	(void)mm, (void)start, (void)end;
	((struct probe *)((char *)mn - offsetof(struct probe, listener)))->told++;
}

static const struct mmu_notifier_ops modern_ops = { .arch_invalidate_secondary_tlbs = on_flush };
static const struct mmu_notifier_ops classic_ops = { .invalidate_range = on_flush };

static void probe_setup(void *state, void *arg)
{
	struct probe *p = state;
	const struct probed *probed = arg;

	ASSERT(world_init(&p->world, probed->test, NULL) == 0);
	p->listener.ops = probed->test->classic ? &classic_ops : &modern_ops;
	ASSERT(mmu_notifier_register(&p->listener, p->world.mm) == 0);
}

static void probe_thread(void *state, unsigned thread, void *arg)
{
	struct probe *p = state;
	const struct litmus *test = p->world.test;

	(void)thread, (void)arg;
	for (int t = 0; t < test->threads; t++)
		if (!test->thread[t].device)
			world_thread(&p->world, (unsigned)t);
}

static void probe_finish(void *state, void *arg)
{
	struct probe *p = state;

	((struct probed *)arg)->told = p->told;
	mmu_notifier_unregister(&p->listener, p->world.mm);
	world_fini(&p->world);
}

/* How often the secondary TLBs are told in a scene. 0, -ENOMEM, -EINVAL. */
static int count_told(const struct when_row *row, unsigned scene, const char *place, bool classic,
		      uint64_t *ret, struct litmus_error *ret_error)
{
	static struct explore_result result;
	struct probed probed = { 0 };
	const struct explore_check check = {
		.name = row->name, .threads = 1, .state_size = sizeof(struct probe),
		.setup = probe_setup, .thread = probe_thread, .finish = probe_finish,
		.arg = &probed,
	};
	struct litmus *test;
	int err = parse_scene(row, scene, place, classic, &test, ret_error);

	if (err)
		return err;
	probed.test = test;
	err = explore(&check, &(struct explore_options){ 0 }, &result);
	if (!err)
		explore_result_fini(&result);
	litmus_destroy(test);
	*ret = probed.told;
	return err;
}

/* Does the operation come by this place in any scene? */
static int passes(const struct when_row *row, const char *place, bool classic, bool *ret,
		  struct litmus_error *ret_error)
{
	*ret = false;
	for (unsigned s = 0; s < WHEN_SCENES_MAX && row->scene[s].threads && !*ret; s++) {
		uint64_t here, never;
		int err = count_told(row, s, place, classic, &here, ret_error);

		if (!err)
			err = count_told(row, s, "never", classic, &never, ret_error);
		if (err)
			return err;
		*ret = here > never;
	}
	return 0;
}

/* --- what the semantics use ---------------------------------------------- */

static unsigned default_places(const struct when_row *row, bool classic)
{
	static const struct { const char *name; enum mm_op op; } ops[] = {
#define X(e, text, ...) { text, MM_OP_##e },
		UPDATES(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (!strcmp(ops[i].name, row->notify))
			return flush_points_of(classic ? MMUN_CLASSIC : MMUN_MODERN, ops[i].op);
	return 0;
}

/* Is this place one of them? when_places stands in the order of the vm's bits. */
static bool is_default(const struct when_row *row, const char *place, bool classic)
{
	unsigned bits = default_places(row, classic), bit = 1;

	for (const struct when_place *p = when_places; p->name && !p->none; p++, bit <<= 1)
		if (!strcmp(p->name, place))
			return (bits & bit) != 0;
	return !bits && !strcmp(place, "never");
}

/* --- a cell -------------------------------------------------------------- */

int when_run(const struct when_row *row, unsigned scene, const char *place, bool classic,
	     struct litmus **ret_test, struct litmus_report *ret, struct litmus_error *ret_error)
{
	struct litmus_options options = { .executions_max = EXECUTIONS_MAX };
	struct litmus *test;
	int err = parse_scene(row, scene, place, classic, &test, ret_error);

	if (err)
		return err;
	options.judge = consumers[row->scene[scene].consumer];
	err = litmus_check(test, &options, ret);
	if (err) {
		snprintf(ret_error->text, sizeof(ret_error->text), "it cannot be run");
		litmus_destroy(test);
		return err;
	}
	*ret_test = test;
	return 0;
}

static void take(struct when_cell *cell, unsigned scene, const struct litmus_report *report)
{
	cell->executions += report->explore.executions;
	if (cell->answer == WHEN_NOT_ASKED)
		cell->answer = WHEN_SAFE;
	if (report->explore.findings) {
		cell->answer = WHEN_BROKEN;
		cell->oracle = report->explore.finding[0].oracle;
		cell->scene = scene;
	} else if (!report->explore.exhaustive || !report->flat_known) {
		cell->answer = WHEN_UNFINISHED;
	}
}

/* The pairs differ in what is put off, and such a device puts nothing off. */
static bool asked(const struct when_row *row, unsigned scene, const char *place)
{
	const struct when_place *p = find_place(place);

	return !p->device || (!row->condition && (p->tlb || !row->scene[scene].tlb_only));
}

int when_check(const struct when_row *row, const char *place, bool classic,
	       struct when_cell *ret, struct litmus_error *ret_error)
{
	struct when_cell cell = { .used = is_default(row, place, classic) };
	struct litmus_report *report = malloc(sizeof(*report));
	bool passed = true;
	int err = report ? 0 : -ENOMEM;

	if (!err && !find_place(place)->none)
		err = passes(row, place, classic, &passed, ret_error);
	cell.answer = passed ? WHEN_NOT_ASKED : WHEN_NOT_PASSED;
	for (unsigned s = 0; s < WHEN_SCENES_MAX && row->scene[s].threads && passed && !err; s++) {
		struct litmus *test;

		if (!asked(row, s, place))
			continue;
		err = when_run(row, s, place, classic, &test, report, ret_error);
		if (err)
			break;
		take(&cell, s, report);
		litmus_report_fini(report);
		litmus_destroy(test);
		if (cell.answer == WHEN_BROKEN)
			break;
	}
	free(report);
	*ret = cell;
	return err;
}
