/* SPDX-License-Identifier: MIT */
/*
 * kvm.h - guest memory that mirrors an address space, as KVM has it: a shadow of the page tables
 * that is filled by page faults, emptied by an MMU notifier, and knows which guest pages were used
 * and written. mmun.h has the conventions; docs/kvm.md has the rule by which a fault is retried.
 *
 * A guest has one memory slot: its physical addresses from 0 on are a range of the address space.
 * Guest page numbers (gfn) count from 0.
 */
#ifndef MMUN_KVM_H
#define MMUN_KVM_H

#include <mmun/mmun.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mmun_kvm; /* a guest with its memory slot */

/*
 * Creates a guest whose memory is [hva, hva + pages * mmun_page_size()) of the address space.
 * Nothing need be mapped there. It keeps the structure of the mm alive, not its contents.
 *
 * Errors: -EINVAL hva is not the start of a page; pages is 0; the range ends past the user's
 *                 addresses; as mmu_notifier_register()
 *         -ENOMEM
 * Context: may block.
 * Source: kvm_create_vm() in virt/kvm/kvm_main.c, KVM_SET_USER_MEMORY_REGION.
 */
MMUN_API int mmun_kvm_create(struct mmun_mm *mm, uint64_t hva, uint64_t pages,
			     struct mmun_kvm **ret_kvm);

/*
 * Destroys a guest, also after mmun_mm_destroy(). NULL is fine.
 *
 * Context: may block. No other call on this guest may be under way or follow.
 * Source: kvm_destroy_vm() in virt/kvm/kvm_main.c.
 */
MMUN_API void mmun_kvm_destroy(struct mmun_kvm *kvm);

/* --- what the guest does --------------------------------------------------- */

/*
 * Load or store the 8-byte word at guest address gpa, atomically. A page that the guest does not
 * map, or maps read-only for a store, is faulted in first. Several threads may use one guest, as
 * its processors do.
 *
 * Errors: -EINVAL gpa is no multiple of 8
 *         -EFAULT gpa is past the guest's memory; the mm has ended; as mmun_mm_fault()
 *         -ENOMEM no frame
 * Context: may block.
 * Source: kvm_tdp_page_fault() in arch/x86/kvm/mmu/mmu.c.
 */
MMUN_API int mmun_kvm_load(struct mmun_kvm *kvm, uint64_t gpa, uint64_t *ret_value);
MMUN_API int mmun_kvm_store(struct mmun_kvm *kvm, uint64_t gpa, uint64_t value);

/*
 * Maps a guest page for reading, or for writing (write), which counts as a write of the page.
 *
 * Errors: as mmun_kvm_load()
 * Context: may block.
 * Source: KVM_PRE_FAULT_MEMORY, kvm_mmu_do_page_fault().
 */
MMUN_API int mmun_kvm_fault(struct mmun_kvm *kvm, uint64_t gfn, bool write);

enum { /* what mmun_kvm_maps() tells */
	MMUN_KVM_MAPPED = 1,
	MMUN_KVM_WRITABLE = 2,
	MMUN_KVM_ACCESSED = 4,
};

/*
 * Returns how the guest maps a page: MMUN_KVM_*, or 0, also past the guest's memory.
 *
 * Context: no block. It may be out of date when it returns.
 */
MMUN_API unsigned mmun_kvm_maps(struct mmun_kvm *kvm, uint64_t gfn);

/* --- for shadows of the user's own ------------------------------------------- */

/*
 * Returns the number to give to mmun_kvm_invalidate_retry_gfn(): read before a page is looked up.
 *
 * Context: any.
 * Source: mmu_invalidate_seq in include/linux/kvm_host.h.
 */
MMUN_API uint64_t mmun_kvm_invalidate_seq(struct mmun_kvm *kvm);

/*
 * Tells whether what was looked up for a guest page since seq was read must not be used: an
 * invalidation has ended since then, or one that covers the page is under way. What is under way
 * is kept as one range, so that several may cover pages between them.
 *
 * Context: no block. What follows from false is certain only if no invalidation can come before
 *          it is used, so callers have a lock that their notifier takes.
 * Source: mmu_invalidate_retry_gfn() in include/linux/kvm_host.h.
 */
MMUN_API bool mmun_kvm_invalidate_retry_gfn(struct mmun_kvm *kvm, uint64_t seq, uint64_t gfn);

/* --- dirty log ------------------------------------------------------------- */

/*
 * Starts (on) or ends the log of pages that the guest writes. When it starts it is empty, and all
 * pages are write-protected, so that the first store to each is noticed.
 *
 * Context: no block.
 * Source: KVM_MEM_LOG_DIRTY_PAGES of KVM_SET_USER_MEMORY_REGION.
 */
MMUN_API int mmun_kvm_log_dirty(struct mmun_kvm *kvm, bool on);

/*
 * Copies the log: bit n % 64 of ret_bits[n / 64] says that guest page n was written since its bit
 * was last cleared. Nothing is cleared. words: how many there are at ret_bits.
 *
 * Errors: -EINVAL words are too few; -ENOENT there is no log
 * Context: no block.
 * Source: KVM_GET_DIRTY_LOG with KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2.
 */
MMUN_API int mmun_kvm_get_dirty_log(struct mmun_kvm *kvm, uint64_t *ret_bits, uint64_t words);

/*
 * Clears the bits that are set in bits, and write-protects these pages again: the next store to
 * each sets its bit. So a page is copied after its bit was cleared, and what is written later is in
 * the log.
 *
 * Errors: as mmun_kvm_get_dirty_log()
 * Context: no block.
 * Source: KVM_CLEAR_DIRTY_LOG.
 */
MMUN_API int mmun_kvm_clear_dirty_log(struct mmun_kvm *kvm, const uint64_t *bits,
				      uint64_t words);

#ifdef __cplusplus
}
#endif

#endif
