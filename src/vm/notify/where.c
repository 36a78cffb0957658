/* SPDX-License-Identifier: MIT */
/*
 * where.c - the two tables that say at which places each operation flushes the secondary
 * TLBs: one as Linux 6.6 and later does, one as Linux 4.15 to 6.5 did. A checker may move a
 * place, or make an operation forget what lets it flush late.
 */
#include "vm/notify/notify.h"

/* Linux 6.6 and later: with the CPU's flush, wherever that is. */
static const uint8_t modern[MM_OP_COUNT] = {
	[MM_OP_COW] = NOTIFY_CLEAR,
	[MM_OP_MUNMAP] = NOTIFY_AFTER,
	[MM_OP_MPROTECT] = NOTIFY_AFTER,
	[MM_OP_FORK] = NOTIFY_AFTER,         /* flush_tlb_mm() at the end of dup_mmap() */
	[MM_OP_KSM_MERGE] = NOTIFY_CLEAR,
	[MM_OP_REPLACE_PAGE] = NOTIFY_CLEAR,
	[MM_OP_EXIT] = NOTIFY_AFTER,
	[MM_OP_MREMAP] = NOTIFY_CLEAR,       /* both ptls held: the page must not move on */
	[MM_OP_DONTNEED] = NOTIFY_AFTER,
	[MM_OP_FREE] = NOTIFY_AFTER,
	[MM_OP_TRUNCATE] = NOTIFY_AFTER,     /* for dirty pages under the ptl */
	[MM_OP_RECLAIM] = NOTIFY_CLEAR,      /* at once, though the CPUs' flush is batched */
	[MM_OP_MIGRATE] = NOTIFY_CLEAR,
	[MM_OP_SPLIT] = NOTIFY_CLEAR,        /* pmdp_invalidate() happens to */
	[MM_OP_COLLAPSE] = NOTIFY_CLEAR,
	[MM_OP_SOFT_DIRTY] = NOTIFY_AFTER,
	[MM_OP_UFFD_WP] = NOTIFY_AFTER,
	[MM_OP_UFFD_MOVE] = NOTIFY_CLEAR,
	[MM_OP_NUMA] = NOTIFY_AFTER,
	[MM_OP_CLEAN] = NOTIFY_CLEAR,
	[MM_OP_UPGRADE] = NOTIFY_SET,        /* arm64: ptep_set_access_flags() flushes */
};

/* Linux 4.15: range_end flushes, except where _notify and only_end are used. */
static const uint8_t classic[MM_OP_COUNT] = {
	[MM_OP_COW] = NOTIFY_CLEAR,          /* and only_end */
	[MM_OP_MUNMAP] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_MPROTECT] = NOTIFY_END,
	[MM_OP_FORK] = NOTIFY_END,
	[MM_OP_KSM_MERGE] = NOTIFY_END,
	[MM_OP_REPLACE_PAGE] = NOTIFY_CLEAR | NOTIFY_END,
	[MM_OP_EXIT] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_MREMAP] = NOTIFY_END,
	[MM_OP_DONTNEED] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_FREE] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_TRUNCATE] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_RECLAIM] = NOTIFY_SET | NOTIFY_END, /* "invalidate as we cleared": in the end */
	[MM_OP_MIGRATE] = NOTIFY_END,        /* who faults waits for the MIGRATION entry */
	[MM_OP_SPLIT] = 0,                   /* only_end: the same pages as before */
	[MM_OP_COLLAPSE] = NOTIFY_END,       /* comes before the copy */
	[MM_OP_SOFT_DIRTY] = NOTIFY_END,
	[MM_OP_UFFD_WP] = NOTIFY_END,
	[MM_OP_UFFD_MOVE] = NOTIFY_CLEAR | NOTIFY_END, /* not there yet: as reclaim */
	[MM_OP_NUMA] = NOTIFY_END,
	[MM_OP_CLEAN] = NOTIFY_END,
	[MM_OP_UPGRADE] = 0,                 /* an SMMU was not told: 6bbd42e2df8f */
};

void mm_where_init(struct mmun_mm *mm)
{
	for (int op = 0; op < MM_OP_COUNT; op++)
		mm->where[op] = (mm->semantics == MMUN_CLASSIC ? classic : modern)[op];
}

void mm_set_where(struct mmun_mm *mm, enum mm_op op, unsigned bits)
{
	mm->where[op] = (uint8_t)bits;
}

void mm_set_forgets(struct mmun_mm *mm, enum mm_op op, unsigned bits)
{
	mm->forgets[op] = (uint8_t)bits;
}
