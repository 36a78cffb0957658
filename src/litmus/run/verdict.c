/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - compares what a search has found with what the test itself says. explored.c
 * calls it.
 */
#include <string.h>

#include "litmus/run/verdict.h"

const char *litmus_verdict_name(enum litmus_verdict verdict)
{
	static const char *const name[] = { "ok", "differs", "violation", "unfinished" };

	return name[verdict];
}

const char *litmus_result_name(enum litmus_result result)
{
	static const char *const name[] = { "", "Never", "Sometimes", "Always" };

	return name[result];
}

enum litmus_result verdict_observed(const struct litmus *test, const struct litmus_report *r)
{
	if (test->quantifier == QUANT_NONE)
		return RESULT_NONE;
	if (!r->positive)
		return RESULT_NEVER;
	return r->negative ? RESULT_SOMETIMES : RESULT_ALWAYS;
}

static bool fired(const struct litmus_report *r, const char *oracle)
{
	for (unsigned n = 0; n < r->explore.findings; n++)
		if (!strcmp(explore_oracle_name(r->explore.finding[n].oracle), oracle))
			return true;
	return false;
}

/*
 * What a test expects: its Result, and its Finding. Without a Finding, a test
 * whose Result says that its condition is met expects the flat oracle to fire
 * on just those executions. One stale translation may show in several ways, so
 * flat, after-return and lost-write come together; any other oracle must be
 * named to be expected.
 */
static bool all_expected(const struct litmus *test, const struct litmus_report *r)
{
	bool stale = *test->expected_finding ||
		     (test->expected > RESULT_NEVER && fired(r, "flat") && !r->flat_aside);

	for (unsigned n = 0; n < r->explore.findings; n++) {
		enum explore_oracle o = r->explore.finding[n].oracle;

		if (!strcmp(explore_oracle_name(o), test->expected_finding))
			continue;
		if (!stale || (o != ORACLE_FLAT && o != ORACLE_RETURN && o != ORACLE_LOST_WRITE))
			return false;
	}
	return true;
}

enum litmus_verdict verdict_of(const struct litmus *test, const struct litmus_report *r,
			       bool oracles)
{
	if (!all_expected(test, r))
		return VERDICT_VIOLATION;
	if (!r->explore.exhaustive && !r->certain)
		return VERDICT_UNFINISHED;
	if (test->expected != RESULT_NONE && test->expected != r->result)
		return VERDICT_DIFFERS;
	if (oracles && *test->expected_finding && !fired(r, test->expected_finding))
		return VERDICT_DIFFERS;
	return VERDICT_OK;
}

/*
 * That something can happen is shown by one execution in which it does: a test
 * that expects nothing else needs no exhaustive search.
 */
bool verdict_is_certain(const struct litmus *test, const struct litmus_report *r)
{
	const char *finding = *test->expected_finding ? test->expected_finding : "flat";

	if (test->expected == RESULT_NEVER || test->expected == RESULT_ALWAYS)
		return false;
	return fired(r, finding) &&
	       (test->expected == RESULT_NONE ? *test->expected_finding != 0 :
						r->positive && r->negative);
}
