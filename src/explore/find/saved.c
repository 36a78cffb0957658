/* SPDX-License-Identifier: MIT */
/*
 * saved.c - writes the findings so far, and what was not watched, into a record, and reads them.
 * Pictures are not in it, since they are drawn when the whole exploration is over.
 */
#include "explore/find/find.h"

#include <string.h>

enum { REPLAY_LENGTH_MAX = (6 + ORIGIN_LENGTH_MAX) * STEPS_LIMIT };

static void save_unwatched(struct flat *f)
{
	const struct explore_result *r = x.result;

	flat_put_number(f, r->unwatched_count);
	for (unsigned n = 0; n < r->unwatched_count; n++)
		flat_put(f, r->unwatched[n], sizeof(r->unwatched[n]));
}

static void load_unwatched(struct flat_reader *r)
{
	struct explore_result *result = x.result;
	size_t count = (size_t)flat_get_number(r, EXPLORE_UNWATCHED_MAX);

	for (size_t n = 0; n < count; n++) {
		char *text = result->unwatched[result->unwatched_count++];

		flat_get(r, text, sizeof(*result->unwatched));
		text[sizeof(*result->unwatched) - 1] = '\0';
	}
}

void finding_save(struct flat *f)
{
	const struct explore_result *r = x.result;

	save_unwatched(f);
	flat_put_number(f, r->findings_dropped);
	flat_put_number(f, r->findings);
	for (unsigned n = 0; n < r->findings; n++) {
		const struct explore_finding *g = &r->finding[n];

		flat_put_number(f, g->oracle);
		flat_put(f, g->text, sizeof(g->text));
		flat_put_number(f, g->threads);
		flat_put_number(f, g->cause);
		flat_put_number(f, g->places);
		for (unsigned i = 0; i < g->places; i++)
			flat_put_site(f, &(struct sync_site){
				g->place[i].file, g->place[i].function, g->place[i].line });
		flat_put_text(f, g->replay);
		flat_put_number(f, g->switches);
		flat_put_number(f, g->steps);
		flat_put_number(f, g->times);
	}
}

bool finding_load(struct flat_reader *r)
{
	struct explore_result *result = x.result;
	size_t count;

	load_unwatched(r);
	result->findings_dropped = flat_get_number(r, UINT64_MAX);
	count = (size_t)flat_get_number(r, EXPLORE_FINDINGS_MAX);
	for (size_t n = 0; n < count; n++) {
		struct explore_finding *g = &result->finding[n];

		memset(g, 0, sizeof(*g));
		g->oracle = (enum explore_oracle)flat_get_number(r, ORACLE_COUNT - 1);
		flat_get(r, g->text, sizeof(g->text));
		g->text[sizeof(g->text) - 1] = '\0';
		g->threads = (unsigned)flat_get_number(r, UINT32_MAX);
		g->cause = flat_get_number(r, UINT64_MAX);
		g->places = (unsigned)flat_get_number(r, EXPLORE_PLACES_MAX);
		for (unsigned i = 0; i < g->places; i++) {
			const struct sync_site *site = flat_get_site(r);

			if (!site)
				return false;
			g->place[i] = (struct explore_place){ site->function, site->file,
							      site->line };
		}
		g->replay = flat_get_text(r, REPLAY_LENGTH_MAX);
		g->switches = (unsigned)flat_get_number(r, UINT32_MAX);
		g->steps = (unsigned)flat_get_number(r, UINT32_MAX);
		g->times = flat_get_number(r, UINT64_MAX);
		result->findings++;
	}
	return !r->wrong;
}
