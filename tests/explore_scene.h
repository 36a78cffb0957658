/* SPDX-License-Identifier: MIT */
/* explore_scene.h - one explored scene of a test: it must hold, or its planted bug be found. */
#ifndef MMUN_TESTS_EXPLORE_SCENE_H
#define MMUN_TESTS_EXPLORE_SCENE_H

#include <stdio.h>

#include "explore/front/explore.h"

/* by: what finds the bug; -1: whatever does. */
static inline void explore_scene_by(const struct explore_check *check, bool wrong, int by)
{
	static struct explore_result result;
	const struct explore_options options = { .stop_at_first = true };

	assert_int_equal(explore(check, &options, &result), 0);
	printf("%-38s %s %8llu executions, %.1f s\n", check->name, wrong ? "wrong" : "right",
	       (unsigned long long)result.executions, result.seconds);
	if (wrong && !result.findings)
		fail_msg("%s: the planted bug is not found", check->name);
	if (wrong && by >= 0 && (int)result.finding[0].oracle != by)
		fail_msg("%s: what is found is %s: %s", check->name,
			 explore_oracle_name(result.finding[0].oracle), result.finding[0].text);
	if (!wrong && result.findings)
		fail_msg("%s: %s: %s (%s)", check->name,
			 explore_oracle_name(result.finding[0].oracle), result.finding[0].text,
			 result.finding[0].replay);
	if (!wrong && !result.exhaustive)
		fail_msg("%s: not finished: %s", check->name, result.stopped_by);
	explore_result_fini(&result);
}

static inline void explore_scene(const struct explore_check *check, bool wrong)
{
	explore_scene_by(check, wrong, -1);
}

#endif
