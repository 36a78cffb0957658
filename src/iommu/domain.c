/* SPDX-License-Identifier: MIT */
/*
 * domain.c - IOMMUs, and the domains that PASIDs are given to. A domain is an address space with
 * an IOTLB of its own, which ats.c keeps coherent. Invariant: a domain that a PASID is attached to
 * is not destroyed, nor an IOMMU that has domains or devices.
 */
#include <errno.h>

#include "iommu/inside.h"
#include "vm/mm/mm.h"

enum { EVENTS_DEFAULT = 64, EVENTS_MAX = 1 << 20 };

int mmun_iommu_create(const struct mmun_iommu_opts *opts, struct mmun_iommu **ret_iommu)
{
	unsigned events = opts && opts->events ? opts->events : EVENTS_DEFAULT;
	unsigned shift = opts ? opts->iotlb_shift : 0;
	struct mmun_iommu *iommu;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!ret_iommu || events > EVENTS_MAX || !ats_shift_is_valid(shift))
		return -EINVAL;
	iommu = sync_alloc(sizeof(*iommu));
	if (!iommu)
		return -ENOMEM;
	if (events_init(&iommu->events, events)) {
		sync_free(iommu);
		return -ENOMEM;
	}
	mutex_init(&iommu->lock, RANK_IOMMU);
	iommu->iotlb_shift = shift;
	*ret_iommu = iommu;
	return 0;
}

int mmun_iommu_destroy(struct mmun_iommu *iommu)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!iommu)
		return 0;
	if (iommu->devices || iommu->domains)
		return -EBUSY;
	events_fini(&iommu->events);
	sync_free(iommu);
	return 0;
}

int mmun_domain_create_sva(struct mmun_iommu *iommu, struct mmun_mm *mm,
			   struct mmun_domain **ret_domain)
{
	struct mmun_ats_opts opts = { .tlb_shift = iommu ? iommu->iotlb_shift : 0 };
	struct mmun_domain *domain;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!iommu || !mm || !ret_domain)
		return -EINVAL;
	domain = sync_alloc(sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	err = ats_create(&mm->domain, &opts, &domain->iotlb);
	if (err) {
		sync_free(domain);
		return err;
	}
	domain->iommu = iommu;
	mutex_lock(&iommu->lock);
	iommu->domains++;
	mutex_unlock(&iommu->lock);
	*ret_domain = domain;
	return 0;
}

int mmun_domain_destroy(struct mmun_domain *domain)
{
	struct mmun_iommu *iommu;
	bool busy;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!domain)
		return 0;
	iommu = domain->iommu;
	mutex_lock(&iommu->lock);
	busy = domain->attached != 0;
	if (!busy)
		iommu->domains--;
	mutex_unlock(&iommu->lock);
	if (busy)
		return -EBUSY;
	mmun_ats_destroy(domain->iotlb);
	sync_free(domain);
	return 0;
}
