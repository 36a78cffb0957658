/* SPDX-License-Identifier: MIT */
/*
 * iommu.h - an IOMMU that serves several devices: each device has a table that gives PASIDs to
 * domains, and a request for a PASID that the device was not given gets an error and an event
 * record, never memory. mmun.h has the conventions; mmun_ats_create() there is the short way
 * for one device on one address space.
 *
 * A domain is an address space that devices share with processors (SVA). The IOMMU walks the
 * page tables of its mmun_mm, and caches what it finds in an IOTLB that is tagged by the domain,
 * so all PASIDs of one domain share what is cached. A PASID without a domain is blocked.
 */
#ifndef MMUN_IOMMU_H
#define MMUN_IOMMU_H

#include <mmun/mmun.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mmun_iommu;        /* an IOMMU: devices, and a queue of events */
struct mmun_iommu_device; /* one device behind it, with its table of PASIDs */
struct mmun_domain;       /* what a PASID is given to */

enum {
	MMUN_IOMMU_NO_PASID = 0,          /* requests that carry no PASID */
	MMUN_IOMMU_PASIDS = 1 << 20,      /* PASIDs are below this */
};

struct mmun_iommu_opts {
	unsigned iotlb_shift; /* each domain has 1 << iotlb_shift entries, 6 .. 24; 0 means 10 */
	unsigned events;      /* records that the event queue holds, at most 1 << 20; 0 means 64 */
};

/*
 * Creates an IOMMU without devices. opts may be NULL, for the defaults.
 *
 * Errors: -EINVAL a member of opts is out of range
 *         -ENOMEM
 * Context: may block.
 * Source: the RISC-V IOMMU specification's fault queue and device contexts.
 */
MMUN_API int mmun_iommu_create(const struct mmun_iommu_opts *opts, struct mmun_iommu **ret_iommu);

/*
 * Destroys an IOMMU. NULL is fine.
 *
 * Errors: -EBUSY it still has devices or domains
 * Context: may block. No other call on this IOMMU may be under way or follow.
 */
MMUN_API int mmun_iommu_destroy(struct mmun_iommu *iommu);

/* --- domains -------------------------------------------------------------- */

/*
 * Makes a domain of an address space. It keeps the structure of the mm alive, not its contents:
 * when the mm ends, accesses fault.
 *
 * Errors: as mmun_ats_create()
 * Context: may block.
 * Source: iommu_sva_domain_alloc() in drivers/iommu/iommu-sva.c.
 */
MMUN_API int mmun_domain_create_sva(struct mmun_iommu *iommu, struct mmun_mm *mm,
				    struct mmun_domain **ret_domain);

/*
 * Destroys a domain, also after mmun_mm_destroy(). NULL is fine.
 *
 * Errors: -EBUSY a PASID is attached to it
 * Context: may block.
 * Source: iommu_domain_free() in drivers/iommu/iommu.c.
 */
MMUN_API int mmun_domain_destroy(struct mmun_domain *domain);

/* --- devices and their PASIDs --------------------------------------------- */

/*
 * Adds a device with a requester id, all of whose PASIDs are blocked.
 *
 * Errors: -EEXIST a device of the IOMMU has that id
 *         -ENOMEM
 * Context: may block.
 * Source: iommu_probe_device() in drivers/iommu/iommu.c.
 */
MMUN_API int mmun_iommu_device_create(struct mmun_iommu *iommu, uint32_t id,
				      struct mmun_iommu_device **ret_device);

/*
 * Removes a device, and detaches what it is attached to. NULL is fine.
 *
 * Context: may block. No other call on this device may be under way or follow.
 * Source: iommu_release_device() in drivers/iommu/iommu.c.
 */
MMUN_API void mmun_iommu_device_destroy(struct mmun_iommu_device *device);

/*
 * Gives the PASID of the device to a domain of the same IOMMU.
 *
 * Errors: -EINVAL pasid is too large, or the domain is another IOMMU's
 *         -EBUSY  the PASID has a domain
 *         -ENOMEM
 * Context: may block.
 * Source: iommu_attach_device_pasid() in drivers/iommu/iommu.c.
 */
MMUN_API int mmun_iommu_attach(struct mmun_iommu_device *device, uint32_t pasid,
			       struct mmun_domain *domain);

/*
 * Blocks the PASID again: new requests for it are refused, and when the call returns no access
 * and no page request that has found the domain is under way. Only then can the PASID be given
 * to another one.
 *
 * Errors: -EINVAL pasid is too large
 *         -ENOENT the PASID has no domain
 * Context: may block; it waits for page requests, which take the locks of the mm.
 * Source: iommu_detach_device_pasid() in drivers/iommu/iommu.c.
 */
MMUN_API int mmun_iommu_detach(struct mmun_iommu_device *device, uint32_t pasid);

/*
 * An untranslated request: loads or stores the 8-byte word at addr, atomically and without an
 * order. What is not mapped, or not with that right, is a fault, and not repaired.
 *
 * Errors: -EINVAL pasid is too large, or addr is no multiple of 8
 *         -EACCES the PASID is blocked; there is an event
 *         -EFAULT no translation allows it; there is an event
 * Context: no block.
 * Source: the RISC-V IOMMU specification, "Process to translate an IOVA".
 */
MMUN_API int mmun_iommu_load(struct mmun_iommu_device *device, uint32_t pasid, uint64_t addr,
			     uint64_t *ret_value);
MMUN_API int mmun_iommu_store(struct mmun_iommu_device *device, uint32_t pasid, uint64_t addr,
			      uint64_t value);

/* Response codes, as PCIe's page request interface has them. */
enum mmun_iommu_response {
	MMUN_IOMMU_RESPONSE_SUCCESS = 0,  /* ask again for the translation */
	MMUN_IOMMU_RESPONSE_INVALID = 1,  /* it cannot be granted */
	MMUN_IOMMU_RESPONSE_FAILURE = 15, /* out of memory, or another error */
};

/*
 * One page request: has the page at addr made present, writable for a write. Returns an enum
 * mmun_iommu_response, or -EINVAL if pasid is too large. A blocked PASID is answered with
 * MMUN_IOMMU_RESPONSE_INVALID, and there is an event.
 *
 * Context: may block.
 * Source: iommu_sva_handle_mm() in drivers/iommu/iommu-sva.c.
 */
MMUN_API int mmun_iommu_page_request(struct mmun_iommu_device *device, uint32_t pasid,
				     uint64_t addr, bool write);

/* --- events ---------------------------------------------------------------- */

/* Why a request was refused, with the numbers of the RISC-V IOMMU specification. */
enum mmun_iommu_cause {
	MMUN_IOMMU_LOAD_FAULT = 13,
	MMUN_IOMMU_STORE_FAULT = 15,
	MMUN_IOMMU_PASID_BLOCKED = 266,   /* "PDT entry not valid" */
};

struct mmun_iommu_event {
	enum mmun_iommu_cause cause;
	uint32_t device;                  /* the requester's id */
	uint32_t pasid;
	uint64_t addr;                    /* of the request, in bytes */
};

/*
 * Takes the oldest record off the event queue.
 *
 * Errors: -EAGAIN there is none
 * Context: no block.
 * Source: the RISC-V IOMMU specification, "Fault/Event-Queue".
 */
MMUN_API int mmun_iommu_event_read(struct mmun_iommu *iommu, struct mmun_iommu_event *ret_event);

/*
 * Says whether a record was lost because the queue was full, and acknowledges that. Until then
 * no record is written, even if there is room again.
 *
 * Returns: 1 records were lost, 0 none, or -EINVAL
 * Context: no block.
 * Source: the bit fqof of the RISC-V IOMMU's register fqcsr.
 */
MMUN_API int mmun_iommu_event_overflow(struct mmun_iommu *iommu);

/* What a device has done since it was created. */
struct mmun_iommu_counters {
	uint64_t accesses;      /* loads and stores that were done */
	uint64_t faults;        /* those that found no translation */
	uint64_t refused;       /* requests of any kind for a blocked PASID */
	uint64_t page_requests; /* that reached a domain */
};

/* Reads them, each by itself. Context: any. */
MMUN_API int mmun_iommu_counters(const struct mmun_iommu_device *device,
				 struct mmun_iommu_counters *ret_counters);

#ifdef __cplusplus
}
#endif

#endif
