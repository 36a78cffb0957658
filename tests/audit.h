/* SPDX-License-Identifier: MIT */
/*
 * audit.h - is everything consistent, now that nobody is at work? Called by the
 * fuzzer, by the unit tests and by the stress at its quiet points.
 */
#ifndef MMUN_TESTS_AUDIT_H
#define MMUN_TESTS_AUDIT_H

#include "vm/ops/ops.h"

/* All that is known of a machine. */
struct audit_roots {
	struct mmun_machine *machine;
	struct mmun_mm *const *mms;         /* those that have exited too, while somebody */
	unsigned mm_count;                  /* keeps them */
	struct mmun_object *const *objects; /* that their creators hold */
	unsigned object_count;
	struct mmun_ats *const *devices;    /* of the mms; may leave some out */
	unsigned device_count;
};

/* Ends the program with a message if anything is wrong. */
void audit_machine(const struct audit_roots *roots);

/* One address space, no objects of the caller's, no devices. */
void audit_mm(struct mmun_mm *mm);

#endif
