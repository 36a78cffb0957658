/* SPDX-License-Identifier: MIT */
/*
 * inside.h - the structures of an IOMMU, their locks, and what its files do for each other.
 *
 * Letters: [C] constant once published; [I] iommu->lock; [E] events->lock; [A] atomic.
 * The order of locks: iommu->lock, then those of an address space; events->lock is a leaf.
 */
#ifndef MMUN_IOMMU_INSIDE_H
#define MMUN_IOMMU_INSIDE_H

#include "iommu/ats.h"
#include "mmun/iommu.h"

/* A bounded queue of records: event.c. */
struct events {
	spin_t lock;
	struct mmun_iommu_event *record; /* [C] array, its contents [E] */
	uint32_t capacity;               /* [C] */
	uint32_t first, count;           /* [E] the oldest, and how many there are */
	bool overflow;                   /* [E] a record was lost */
};

/* Mistakes that a test plants where operations are mutable (vm/mm/mutation.h). */
enum iommu_mutation {
	IOMMU_DETACH_DRAINS_EARLY = 1 << 0,   /* waits for page requests that are not yet counted */
	IOMMU_DETACH_SKIPS_DRAIN = 1 << 1,    /* does not wait for page requests */
	IOMMU_DETACH_SKIPS_ACCESSES = 1 << 2, /* does not wait for sections */
};

struct mmun_iommu {
	mutex_t lock;
	unsigned iotlb_shift;                 /* [C] 0: the default */
	struct events events;
	struct mmun_iommu_device *devices;    /* [I] a list */
	uint64_t domains;                     /* [I] how many there are */
#if SYNC_MUTABLE
	unsigned mutations;                   /* [C] enum iommu_mutation bits */
#endif
};

/* A domain: domain.c. Its IOTLB and its notifier are those of a device on that address space. */
struct mmun_domain {
	struct mmun_iommu *iommu;             /* [C] */
	struct mmun_ats *iotlb;               /* [C] */
	uint64_t attached;                    /* [I] PASIDs, of whatever device */
};

/* What an entry of a PASID table names, from attach to detach. */
struct binding {
	struct mmun_domain *domain;           /* [C] */
	atomic_u64 page_requests;             /* [A] under way */
};

/* A table of PASIDs has two levels, each indexed by half of the PASID's bits. */
enum { PASID_LEVEL_BITS = 10, PASID_LEVEL_ENTRIES = 1 << PASID_LEVEL_BITS };

struct pasid_leaf { atomic_ptr binding[PASID_LEVEL_ENTRIES]; }; /* [A] changes under [I] */

struct mmun_iommu_device {
	struct mmun_iommu *iommu;             /* [C] */
	struct mmun_iommu_device *next;       /* [I] */
	uint32_t id;                          /* [C] */
	atomic_u64 accesses, faults, refused, page_requests; /* [A] counters */
	atomic_ptr leaf[PASID_LEVEL_ENTRIES]; /* [A] each set once, under [I] */
};

int events_init(struct events *q, uint32_t capacity);
void events_fini(struct events *q);
void events_write(struct events *q, struct mmun_iommu_event event);

#if SYNC_MUTABLE
static inline bool iommu_mutated(const struct mmun_iommu *iommu, unsigned what)
{
	return iommu->mutations & what;
}
#else
static inline bool iommu_mutated(const struct mmun_iommu *iommu, unsigned what)
{
	(void)iommu, (void)what;
	return false;
}
#endif

#endif
