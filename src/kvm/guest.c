/* SPDX-License-Identifier: MIT */
/*
 * guest.c - a guest: its life, its accesses, and the faults that map its pages, as
 * kvm_tdp_page_fault() in arch/x86/kvm/mmu/mmu.c. A fault looks the page up with a reference, which
 * it gives up when the page is mapped: from then on the notifier keeps the guest current. See
 * notifier.c for the rule by which a fault begins anew.
 */
#include <errno.h>

#include "kvm/inside.h"

/* --- faults ---------------------------------------------------------------- */

static bool is_zero(uint64_t value, uint64_t arg)
{
	(void)arg;
	return value == 0;
}

/* Under the lock. -EAGAIN: something was invalidated meanwhile. */
static int map_page(struct mmun_kvm *kvm, uint64_t gfn, bool write, uint64_t seq, pfn_t pfn)
{
	struct spte *spte = &kvm->spte[gfn];

	if (kvm->released)
		return -EFAULT;
	if (kvm_retry_locked(kvm, seq, gfn))
		return -EAGAIN;
	if (write)
		kvm_mark_dirty(kvm, gfn);
	*spte = (struct spte){
		.pfn = pfn, .mapped = true, .accessed = true,
		.write = write || kvm_mutated(kvm, KVM_MAPS_WRITABLE),
	};
	return 0;
}

static int fault(struct mmun_kvm *kvm, uint64_t gfn, bool write)
{
	uint64_t addr = kvm->start + gfn * PAGE_BYTES, seq = load_acquire(&kvm->seq);
	unsigned flags = write ? GUP_WRITE : 0;
	struct mmun_mm *mm = kvm->mm;
	pfn_t pfn;
	int err;

	if (!gup_fast(mm, addr, flags, &pfn)) {
		err = gup_slow(mm, addr, flags, &pfn);
		if (err)
			return err;
	}
	spin_lock(&kvm->lock);
	err = map_page(kvm, gfn, write, seq, pfn);
	spin_unlock(&kvm->lock);
	gup_put(mm->machine, frame_head(mm->machine, pfn), flags);
	return err;
}

/* KVM's processors look up anew until nothing is under way; here they wait. */
static int fault_until_mapped(struct mmun_kvm *kvm, uint64_t gfn, bool write)
{
	int err;

	while ((err = fault(kvm, gfn, write)) == -EAGAIN)
		wait_until(&kvm->in_progress, is_zero, 0);
	return err;
}

int mmun_kvm_fault(struct mmun_kvm *kvm, uint64_t gfn, bool write)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!kvm)
		return -EINVAL;
	return gfn < kvm->pages ? fault_until_mapped(kvm, gfn, write) : -EFAULT;
}

unsigned mmun_kvm_maps(struct mmun_kvm *kvm, uint64_t gfn)
{
	unsigned how = 0;

	if (!kvm || gfn >= kvm->pages)
		return 0;
	spin_lock(&kvm->lock);
	if (kvm->spte[gfn].mapped)
		how = MMUN_KVM_MAPPED | (kvm->spte[gfn].write ? MMUN_KVM_WRITABLE : 0) |
		      (kvm->spte[gfn].accessed ? MMUN_KVM_ACCESSED : 0);
	spin_unlock(&kvm->lock);
	return how;
}

/* --- accesses ---------------------------------------------------------------- */

/* Under the lock. False: a fault is needed. */
static bool touch(struct mmun_kvm *kvm, uint64_t gpa, bool write, uint64_t *value)
{
	struct mmun_machine *m = kvm->mm->machine;
	struct spte *spte = &kvm->spte[gpa / PAGE_BYTES];
	atomic_u64 *word;

	if (!spte->mapped || (write && !spte->write))
		return false;
	spte->accessed = true;
	word = frame_memory(m, spte->pfn) + gpa % PAGE_BYTES / 8;
	if (write) {
		store_release(word, *value);
		store_release(&frame_of(m, frame_head(m, spte->pfn))->dirty, 1);
	} else {
		*value = load_acquire(word);
	}
	return true;
}

static int access_word(struct mmun_kvm *kvm, uint64_t gpa, bool write, uint64_t *value)
{
	bool done;
	int err;

	if (!kvm || gpa % 8)
		return -EINVAL;
	if (gpa / PAGE_BYTES >= kvm->pages)
		return -EFAULT;
	for (;;) {
		spin_lock(&kvm->lock);
		done = touch(kvm, gpa, write, value);
		spin_unlock(&kvm->lock);
		if (done)
			return 0;
		err = fault_until_mapped(kvm, gpa / PAGE_BYTES, write);
		if (err)
			return err;
	}
}

int mmun_kvm_load(struct mmun_kvm *kvm, uint64_t gpa, uint64_t *ret_value)
{
	uint64_t value;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!ret_value)
		return -EINVAL;
	err = access_word(kvm, gpa, false, &value);
	if (!err)
		*ret_value = value;
	return err;
}

int mmun_kvm_store(struct mmun_kvm *kvm, uint64_t gpa, uint64_t value)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	return access_word(kvm, gpa, true, &value);
}

/* --- its life ------------------------------------------------------------------ */

int mmun_kvm_create(struct mmun_mm *mm, uint64_t hva, uint64_t pages, struct mmun_kvm **ret_kvm)
{
	struct mmun_kvm *kvm;
	int err;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || !ret_kvm || hva % PAGE_BYTES || hva >= TASK_BYTES || !pages ||
	    pages > (TASK_BYTES - hva) / PAGE_BYTES)
		return -EINVAL;
	if (pages > (UINT64_MAX / 4) / sizeof(*kvm->spte))
		return -ENOMEM;
	kvm = sync_alloc(sizeof(*kvm) + pages * sizeof(*kvm->spte));
	if (!kvm)
		return -ENOMEM;
	kvm->mm = mm;
	kvm->start = hva;
	kvm->pages = pages;
	kvm->mn.ops = &kvm_notifier_ops;
	spin_init(&kvm->lock, RANK_KVM);
	kvm->dirty = sync_alloc(kvm_words(kvm) * sizeof(*kvm->dirty));
	err = kvm->dirty ? mmu_notifier_register(&kvm->mn, mm) : -ENOMEM;
	if (err) {
		sync_free(kvm->dirty);
		sync_free(kvm);
		return err;
	}
	*ret_kvm = kvm;
	return 0;
}

void mmun_kvm_destroy(struct mmun_kvm *kvm)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!kvm)
		return;
	mmu_notifier_unregister(&kvm->mn, kvm->mm);
	sync_free(kvm->dirty);
	sync_free(kvm);
}
