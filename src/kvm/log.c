/* SPDX-License-Identifier: MIT */
/*
 * log.c - the pages that a guest has written since somebody asked: KVM's dirty log. A page whose
 * bit is not set is not writable while there is a log, so the first store faults, and the fault
 * sets the bit before it makes the page writable. Clearing a bit takes the write access away in
 * the same section of the lock:
 *
 *      migration of the guest              guest
 *      bits; lock: clears, protects
 *                                          store: fault; lock: bit set, writable
 *      copies the page
 *                                          store
 *      bits: the page is there, and is copied once more
 *
 * guest.c and the users of the public functions call it. tests/explore_kvm.c.
 */
#include <errno.h>

#include "kvm/inside.h"

void kvm_mark_dirty(struct mmun_kvm *kvm, uint64_t gfn)
{
	if (kvm->logs && !kvm_mutated(kvm, KVM_LOGS_NOTHING))
		kvm->dirty[gfn / 64] |= (uint64_t)1 << gfn % 64;
}

int mmun_kvm_log_dirty(struct mmun_kvm *kvm, bool on)
{
	if (!kvm)
		return -EINVAL;
	spin_lock(&kvm->lock);
	for (uint64_t n = 0; n < kvm_words(kvm); n++)
		kvm->dirty[n] = 0;
	for (uint64_t gfn = 0; on && gfn < kvm->pages; gfn++)
		kvm->spte[gfn].write = false;
	kvm->logs = on;
	spin_unlock(&kvm->lock);
	return 0;
}

int mmun_kvm_get_dirty_log(struct mmun_kvm *kvm, uint64_t *ret_bits, uint64_t words)
{
	int err = 0;

	if (!kvm || !ret_bits || words < kvm_words(kvm))
		return -EINVAL;
	spin_lock(&kvm->lock);
	if (!kvm->logs)
		err = -ENOENT;
	for (uint64_t n = 0; !err && n < kvm_words(kvm); n++)
		ret_bits[n] = kvm->dirty[n];
	spin_unlock(&kvm->lock);
	return err;
}

static void clear_page(struct mmun_kvm *kvm, uint64_t gfn)
{
	kvm->dirty[gfn / 64] &= ~((uint64_t)1 << gfn % 64);
	if (!kvm_mutated(kvm, KVM_LOG_STAYS_WRITABLE))
		kvm->spte[gfn].write = false;
}

int mmun_kvm_clear_dirty_log(struct mmun_kvm *kvm, const uint64_t *bits, uint64_t words)
{
	int err = 0;

	if (!kvm || !bits || words < kvm_words(kvm))
		return -EINVAL;
	spin_lock(&kvm->lock);
	if (!kvm->logs)
		err = -ENOENT;
	for (uint64_t gfn = 0; !err && gfn < kvm->pages; gfn++)
		if (bits[gfn / 64] >> gfn % 64 & 1)
			clear_page(kvm, gfn);
	spin_unlock(&kvm->lock);
	return err;
}
