/* SPDX-License-Identifier: MIT */
/*
 * ats.c - a device that shares the page tables of an address space, as PCIe ATS
 * with a PASID, or of another domain: it walks them itself and keeps what it finds
 * in its own TLB. It is told of flushes (notify/flush.h) and of release, and of
 * nothing else, as it has no page table of its own. Invariant: after release it touches
 * neither pages nor tables of the domain. Any number of threads may use one device.
 *
 *      release                             access
 *                                          guard_enter
 *                                          w = guard_load(entry): miss
 *                                          released? [no]
 *      released = 1
 *      entry: generation + 1               walk
 *      guard_wait: waits                   cmpxchg fails [generation]
 *                                          guard_leave
 *      pages and tables are freed          again: miss, released? [yes]
 *
 * Only a miss looks at the flag: who loads a word that release has invalidated
 * also sees the flag.
 */
#include <errno.h>

#include "iommu/ats.h"
#include "vm/mm/mm.h"

enum {
	ATS_SHIFT_MIN = SYNC_CPU_TLB_SHIFT,
	ATS_SHIFT_MAX = 24,
	ATS_SHIFT_DEFAULT = SYNC_CPU_TLB_SHIFT < 6 ? SYNC_CPU_TLB_SHIFT : 10,
};

struct mmun_ats {
	struct notify_domain *domain; /* constant */
	struct mmun_ats_opts opts;/* constant */
	struct tlb tlb;
	atomic_u64 released;      /* 1: the domain is gone */
	struct mmu_notifier mn;
};

static void ats_submit(struct mmu_notifier *mn, struct flush f)
{
	struct mmun_ats *ats = container_of(mn, struct mmun_ats, mn);

	tlb_invalidate(&ats->tlb, f);
}

static void ats_done(struct mmu_notifier *mn, struct flush f)
{
	(void)mn, (void)f;
	sync_event(FLUSH_DEVICE, f.start, f.end);
}

static void ats_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct mmun_ats *ats = container_of(mn, struct mmun_ats, mn);

	(void)mm;
	store_release(&ats->released, 1);
	tlb_invalidate(&ats->tlb, flush_everything());
	flush_wait();
	sync_event(DEVICE_RELEASE);
}

static const struct notify_tlb_ops tlb_ops = { .submit = ats_submit, .done = ats_done };
static const struct mmu_notifier_ops ops = { .release = ats_release };

int ats_fault(struct mmun_ats *ats, uint64_t addr, bool write)
{
	struct notify_domain *d = ats->domain;

	if (ats->opts.page_request)
		return ats->opts.page_request(ats->opts.ctx, d->mm, addr, write);
	return d->ops->fault(d, addr, write);
}

bool ats_shift_is_valid(unsigned shift)
{
	return !shift || (shift >= ATS_SHIFT_MIN && shift <= ATS_SHIFT_MAX);
}

int ats_create(struct notify_domain *d, const struct mmun_ats_opts *opts,
	       struct mmun_ats **ret_ats)
{
	struct mmun_ats *ats;
	unsigned shift = opts && opts->tlb_shift ? opts->tlb_shift : ATS_SHIFT_DEFAULT;
	int err;

	if (!ats_shift_is_valid(shift))
		return -EINVAL;
	ats = sync_alloc(sizeof(*ats));
	if (!ats)
		return -ENOMEM;
	ats->domain = d;
	if (opts)
		ats->opts = *opts;
	ats->mn.ops = &ops;
	ats->mn.tlb = &tlb_ops;
	err = tlb_init(&ats->tlb, shift);
	ats->tlb.caches_permissions = ats->opts.caches_permissions;
	if (!err)
		err = notify_register(d, &ats->mn);
	if (err) {
		tlb_fini(&ats->tlb);
		sync_free(ats);
		return err;
	}
	if (ats->opts.caches_permissions)
		notify_count_permission_cache(d, 1);
	*ret_ats = ats;
	return 0;
}

int mmun_ats_create(struct mmun_mm *mm, const struct mmun_ats_opts *opts,
		    struct mmun_ats **ret_ats)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return mm && ret_ats ? ats_create(&mm->domain, opts, ret_ats) : -EINVAL;
}

void mmun_ats_destroy(struct mmun_ats *ats)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!ats)
		return;
	if (ats->opts.caches_permissions)
		notify_count_permission_cache(ats->domain, (uint64_t)-1);
	notify_unregister(ats->domain, &ats->mn);
	tlb_fini(&ats->tlb);
	sync_free(ats);
}

int ats_access(struct mmun_ats *ats, uint64_t addr, bool write, enum tlb_order order,
	       uint64_t *value, pfn_t *ret_pfn)
{
	struct tlb_access a = { .addr = addr, .write = write, .order = order };
	enum tlb_result r;
	uint64_t denied = 0;
	int err;

	if (addr % sizeof(*value))
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	if (write)
		a.value = *value;
	while ((r = tlb_access(&ats->tlb, ats->domain, &ats->released, &a)) != TLB_DONE) {
		if (r == TLB_STOPPED)
			return -EFAULT;
		sync_event(PAGE_REQUEST, addr);
		err = ats_fault(ats, addr, write);
		if (err)
			return err;
		/* Once it may have been a first step (a huge page was split, say). Who is denied
		 * by the same entry again needs somebody else to tell the TLB. */
		if (a.denied && a.denied == denied)
			tlb_await(&ats->tlb, &a);
		denied = a.denied;
	}
	*value = a.value;
	if (ret_pfn)
		*ret_pfn = a.pfn;
	return 0;
}

bool ats_try_access(struct mmun_ats *ats, uint64_t addr, bool write, uint64_t *value)
{
	struct tlb_access a = { .addr = addr, .write = write, .value = *value };

	if (tlb_access(&ats->tlb, ats->domain, &ats->released, &a) != TLB_DONE)
		return false;
	*value = a.value;
	return true;
}

const struct tlb *ats_tlb(const struct mmun_ats *ats) { return &ats->tlb; }
const struct notify_domain *ats_domain(const struct mmun_ats *ats) { return ats->domain; }

int mmun_ats_load(struct mmun_ats *ats, uint64_t addr, uint64_t *ret_value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!ats || !ret_value)
		return -EINVAL;
	return ats_access(ats, addr, false, TLB_RELAXED, ret_value, NULL);
}

int mmun_ats_load_acquire(struct mmun_ats *ats, uint64_t addr, uint64_t *ret_value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!ats || !ret_value)
		return -EINVAL;
	return ats_access(ats, addr, false, TLB_ACQ_REL, ret_value, NULL);
}

int mmun_ats_store(struct mmun_ats *ats, uint64_t addr, uint64_t value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return ats ? ats_access(ats, addr, true, TLB_RELAXED, &value, NULL) : -EINVAL;
}

int mmun_ats_store_release(struct mmun_ats *ats, uint64_t addr, uint64_t value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return ats ? ats_access(ats, addr, true, TLB_ACQ_REL, &value, NULL) : -EINVAL;
}
