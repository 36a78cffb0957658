/* SPDX-License-Identifier: MIT */
/*
 * explore_scene.h - for tests that explore scenes over the vm: each must hold, or its planted bug
 * be found. A test has a table of scenes, a function that explores those that are wanted, and
 * main() as scenes_main(), whose argument on the command line names the scenes to explore.
 */
#ifndef MMUN_TESTS_EXPLORE_SCENE_H
#define MMUN_TESTS_EXPLORE_SCENE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "explore/front/explore.h"
#include "vm/ops/ops.h"

enum { RW = MMUN_PROT_READ | MMUN_PROT_WRITE };

/* --- for the code of scenes ----------------------------------------------- */

/* A call that cannot fail here. */
static inline void must(int err) { ASSERT(!err); }

#define EXPECT(cond) do { \
	if (!(cond)) \
		explore_fail(ORACLE_CONDITION, "%s", #cond); \
} while (0)

/* Anonymous private pages at addr. */
static inline void map_private(struct mmun_mm *mm, uint64_t addr, uint64_t pages)
{
	uint64_t at;

	must(mmun_mmap(mm, addr, pages * PAGE_BYTES, RW,
		       MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at));
}

/* --- exploring them -------------------------------------------------------- */

/* Where the plain accesses of the core are watched, too, what matters is that none of a right
 * scene race: some executions of each scene show it, and a planted bug may be found as a race. */
#ifdef WATCHED
enum { SCENE_WATCHED = true, SCENE_EXECUTIONS_MAX = 3000 };
#else
enum { SCENE_WATCHED = false, SCENE_EXECUTIONS_MAX = 0 };
#endif

/* by: what finds the bug; -1: whatever does. */
static inline void explore_scene_by(const struct explore_check *check, bool wrong, int by)
{
	static struct explore_result result;
	const struct explore_options options = {
		.stop_at_first = true, .executions_max = SCENE_EXECUTIONS_MAX,
	};

	assert_int_equal(explore(check, &options, &result), 0);
	printf("%-38s %s %8llu executions, %.1f s\n", check->name, wrong ? "wrong" : "right",
	       (unsigned long long)result.executions, result.seconds);
	if (wrong && !result.findings)
		fail_msg("%s: the planted bug is not found", check->name);
	if (wrong && by >= 0 && (int)result.finding[0].oracle != by &&
	    !(SCENE_WATCHED && result.finding[0].oracle == ORACLE_RACE))
		fail_msg("%s: what is found is %s: %s", check->name,
			 explore_oracle_name(result.finding[0].oracle), result.finding[0].text);
	if (!wrong && result.findings)
		fail_msg("%s: %s: %s (%s)", check->name,
			 explore_oracle_name(result.finding[0].oracle), result.finding[0].text,
			 result.finding[0].replay);
	if (!wrong && !result.exhaustive && !SCENE_WATCHED)
		fail_msg("%s: not finished: %s", check->name, result.stopped_by);
	explore_result_fini(&result);
}

static inline void explore_scene(const struct explore_check *check, bool wrong)
{
	explore_scene_by(check, wrong, -1);
}

/* How many threads a scene has that gives each a function of its own. */
enum { SCENE_THREADS = 3 };
struct world; /* the test's */

static inline unsigned scene_threads(void (*const thread[SCENE_THREADS])(struct world *w))
{
	unsigned n = 0;

	while (n < SCENE_THREADS && thread[n])
		n++;
	return n;
}

static const char *scenes_only; /* what the names of the scenes must contain; NULL: all are run */

static inline bool scene_wanted(const char *name)
{
	return !scenes_only || strstr(name, scenes_only);
}

static inline int scenes_main(int argc, char **argv, const char *group, void (*each)(void **))
{
	const struct CMUnitTest tests[] = { { "each scene", each, NULL, NULL, NULL } };

	scenes_only = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests_name(group, tests, NULL, NULL);
}

#endif
