/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - the verdict on a test that was searched. It is for explored.c.
 */
#ifndef MMUN_LITMUS_VERDICT_H
#define MMUN_LITMUS_VERDICT_H

#include "litmus/run/check.h"

/* What the executions showed of the condition. */
enum litmus_result verdict_observed(const struct litmus *test, const struct litmus_report *r);
/* Of r->result and the findings; @oracles: they were on. */
enum litmus_verdict verdict_of(const struct litmus *test, const struct litmus_report *r,
			       bool oracles);
/* Can nothing that is still to come change the verdict? */
bool verdict_is_certain(const struct litmus *test, const struct litmus_report *r);

#endif
