/* SPDX-License-Identifier: MIT */
/*
 * device.c - devices behind an IOMMU: which PASID of which device is given to which domain, and
 * the requests that devices make. Invariant: a request finds its binding and works with it
 * either in one RCU section, or, if it may sleep, being counted there. Detach takes the binding
 * out of the table and waits for both, so a PASID's next domain never gets a request that was
 * made for the one before:
 *
 *      detach                              page request
 *                                          section
 *                                          b = entry; b->page_requests + 1
 *                                          section over
 *      entry = none                        fault in the domain's mm
 *      synchronize_rcu
 *        [who has found b is counted]
 *      waits: page_requests is 0           section
 *                                          b->page_requests - 1; wakes
 *      synchronize_rcu                     section over
 *      b is freed; attach may follow
 *
 * tests/explore_iommu.c, "detach+page request".
 */
#include <errno.h>

#include "iommu/inside.h"

/* --- the table of PASIDs --------------------------------------------------- */

/* NULL: there is no leaf, and none was wanted or could be made. */
static atomic_ptr *pasid_entry(struct mmun_iommu_device *device, uint32_t pasid, bool alloc)
{
	atomic_ptr *slot = &device->leaf[pasid >> PASID_LEVEL_BITS];
	struct pasid_leaf *leaf = load_ptr_acquire(slot);

	if (!leaf && alloc) {
		sync_assert_held(&device->iommu->lock);
		leaf = sync_alloc(sizeof(*leaf));
		if (leaf)
			store_ptr_release(slot, leaf);
	}
	return leaf ? &leaf->binding[pasid & (PASID_LEVEL_ENTRIES - 1)] : NULL;
}

/* In an RCU section, or with the IOMMU's lock. */
static struct binding *binding_find(struct mmun_iommu_device *device, uint32_t pasid)
{
	atomic_ptr *entry = pasid_entry(device, pasid, false);

	return entry ? load_ptr_acquire(entry) : NULL;
}

static bool is_drained(uint64_t v, uint64_t arg)
{
	(void)arg;
	return v == 0;
}

static void detach_locked(struct mmun_iommu_device *device, atomic_ptr *entry)
{
	struct mmun_iommu *iommu = device->iommu;
	struct binding *b = load_ptr_acquire(entry);

	sync_assert_held(&iommu->lock);
	store_ptr_release(entry, NULL); /* pairs with load_ptr_acquire in binding_find() */
	if (!iommu_mutated(iommu, IOMMU_DETACH_DRAINS_EARLY | IOMMU_DETACH_SKIPS_ACCESSES))
		synchronize_rcu();
	if (!iommu_mutated(iommu, IOMMU_DETACH_SKIPS_DRAIN))
		wait_until(&b->page_requests, is_drained, 0);
	if (!iommu_mutated(iommu, IOMMU_DETACH_SKIPS_ACCESSES))
		synchronize_rcu();
	b->domain->attached--;
	sync_free(b);
}

int mmun_iommu_attach(struct mmun_iommu_device *device, uint32_t pasid,
		      struct mmun_domain *domain)
{
	struct binding *b;
	atomic_ptr *entry;
	int err = -ENOMEM;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!device || !domain || pasid >= MMUN_IOMMU_PASIDS || domain->iommu != device->iommu)
		return -EINVAL;
	b = sync_alloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->domain = domain;
	mutex_lock(&device->iommu->lock);
	entry = pasid_entry(device, pasid, true);
	if (entry) {
		err = load_ptr_acquire(entry) ? -EBUSY : 0;
		if (!err) {
			domain->attached++;
			store_ptr_release(entry, b);
		}
	}
	mutex_unlock(&device->iommu->lock);
	if (err)
		sync_free(b);
	return err;
}

int mmun_iommu_detach(struct mmun_iommu_device *device, uint32_t pasid)
{
	bool bound;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!device || pasid >= MMUN_IOMMU_PASIDS)
		return -EINVAL;
	mutex_lock(&device->iommu->lock);
	bound = binding_find(device, pasid);
	if (bound)
		detach_locked(device, pasid_entry(device, pasid, false));
	mutex_unlock(&device->iommu->lock);
	return bound ? 0 : -ENOENT;
}

/* --- devices ---------------------------------------------------------------- */

int mmun_iommu_device_create(struct mmun_iommu *iommu, uint32_t id,
			     struct mmun_iommu_device **ret_device)
{
	struct mmun_iommu_device *device, *other;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!iommu || !ret_device)
		return -EINVAL;
	device = sync_alloc(sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->iommu = iommu;
	device->id = id;
	mutex_lock(&iommu->lock);
	for (other = iommu->devices; other && other->id != id; other = other->next)
		;
	if (!other) {
		device->next = iommu->devices;
		iommu->devices = device;
	}
	mutex_unlock(&iommu->lock);
	if (other) {
		sync_free(device);
		return -EEXIST;
	}
	*ret_device = device;
	return 0;
}

static void leaf_free_locked(struct mmun_iommu_device *device, struct pasid_leaf *leaf)
{
	for (unsigned i = 0; i < PASID_LEVEL_ENTRIES; i++)
		if (load_ptr_acquire(&leaf->binding[i]))
			detach_locked(device, &leaf->binding[i]);
	sync_free(leaf);
}

void mmun_iommu_device_destroy(struct mmun_iommu_device *device)
{
	struct mmun_iommu_device **link;
	struct pasid_leaf *leaf;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!device)
		return;
	mutex_lock(&device->iommu->lock);
	for (link = &device->iommu->devices; *link != device; link = &(*link)->next)
		;
	*link = device->next;
	for (unsigned i = 0; i < PASID_LEVEL_ENTRIES; i++) {
		leaf = load_ptr_acquire(&device->leaf[i]);
		if (leaf)
			leaf_free_locked(device, leaf);
	}
	mutex_unlock(&device->iommu->lock);
	sync_free(device);
}

/* --- requests ---------------------------------------------------------------- */

/* What the device asked for is refused. */
static void refuse(struct mmun_iommu_device *device, enum mmun_iommu_cause cause, uint32_t pasid,
		   uint64_t addr)
{
	add_relaxed(cause == MMUN_IOMMU_PASID_BLOCKED ? &device->refused : &device->faults, 1);
	events_write(&device->iommu->events, (struct mmun_iommu_event){
		.cause = cause, .device = device->id, .pasid = pasid, .addr = addr,
	});
}

static int untranslated(struct mmun_iommu_device *device, uint32_t pasid, uint64_t addr,
			bool write, uint64_t *value)
{
	bool done = false;
	struct binding *b;

	if (pasid >= MMUN_IOMMU_PASIDS || addr % sizeof(*value))
		return -EINVAL;
	rcu_read_lock();
	b = binding_find(device, pasid);
	if (b && addr < TASK_BYTES)
		done = ats_try_access(b->domain->iotlb, addr, write, value);
	rcu_read_unlock();
	if (done) {
		add_relaxed(&device->accesses, 1);
		return 0;
	}
	refuse(device, !b ? MMUN_IOMMU_PASID_BLOCKED :
	       write ? MMUN_IOMMU_STORE_FAULT : MMUN_IOMMU_LOAD_FAULT, pasid, addr);
	return b ? -EFAULT : -EACCES;
}

int mmun_iommu_load(struct mmun_iommu_device *device, uint32_t pasid, uint64_t addr,
		    uint64_t *ret_value)
{
	uint64_t value = 0;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!device || !ret_value)
		return -EINVAL;
	err = untranslated(device, pasid, addr, false, &value);
	if (!err)
		*ret_value = value;
	return err;
}

int mmun_iommu_store(struct mmun_iommu_device *device, uint32_t pasid, uint64_t addr,
		     uint64_t value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return device ? untranslated(device, pasid, addr, true, &value) : -EINVAL;
}

/* In a section of its own, since detach may free the binding once it counts nobody. */
static void request_done(struct binding *b)
{
	rcu_read_lock();
	add_acq_rel(&b->page_requests, (uint64_t)-1);
	wake_all(&b->page_requests);
	rcu_read_unlock();
}

int mmun_iommu_page_request(struct mmun_iommu_device *device, uint32_t pasid, uint64_t addr,
			    bool write)
{
	struct binding *b;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!device || pasid >= MMUN_IOMMU_PASIDS)
		return -EINVAL;
	rcu_read_lock();
	b = binding_find(device, pasid);
	if (b)
		add_acq_rel(&b->page_requests, 1);
	rcu_read_unlock();
	if (!b) {
		refuse(device, MMUN_IOMMU_PASID_BLOCKED, pasid, addr);
		return MMUN_IOMMU_RESPONSE_INVALID;
	}
	add_relaxed(&device->page_requests, 1);
	err = addr < TASK_BYTES ? ats_fault(b->domain->iotlb, addr, write) : -EFAULT;
	request_done(b);
	return !err ? MMUN_IOMMU_RESPONSE_SUCCESS :
	       err == -EFAULT ? MMUN_IOMMU_RESPONSE_INVALID : MMUN_IOMMU_RESPONSE_FAILURE;
}

int mmun_iommu_counters(const struct mmun_iommu_device *device,
			struct mmun_iommu_counters *ret_counters)
{
	if (!device || !ret_counters)
		return -EINVAL;
	*ret_counters = (struct mmun_iommu_counters){
		.accesses = load_relaxed(&device->accesses),
		.faults = load_relaxed(&device->faults),
		.refused = load_relaxed(&device->refused),
		.page_requests = load_relaxed(&device->page_requests),
	};
	return 0;
}
