/* SPDX-License-Identifier: MIT */
/*
 * ats.h - what devices offer to those who run or judge tests on them.
 */
#ifndef MMUN_IOMMU_ATS_H
#define MMUN_IOMMU_ATS_H

#include "vm/tlb/tlb.h"

/* As mmun_ats_create(), on any domain; opts->page_request is given its mm, which may be NULL. */
int ats_create(struct notify_domain *d, const struct mmun_ats_opts *opts,
	       struct mmun_ats **ret_ats);

/* An access that also tells which frame it touched. */
int ats_access(struct mmun_ats *ats, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn);

/* For checks: one access without a page request; false: the device would have to make one. */
bool ats_try_access(struct mmun_ats *ats, uint64_t addr, bool write, uint64_t *value);

/* What a page request of the device does: resolves the fault, or a negative errno. */
int ats_fault(struct mmun_ats *ats, uint64_t addr, bool write);

/* May opts->tlb_shift be that? */
bool ats_shift_is_valid(unsigned shift);

/* For oracles: what the device has. */
const struct tlb *ats_tlb(const struct mmun_ats *ats);
const struct notify_domain *ats_domain(const struct mmun_ats *ats);

#endif
