/* SPDX-License-Identifier: MIT */
/*
 * op.h - the kinds of update that an address space sees, and where each of them flushes the
 * secondary TLBs. A place at which an operation may flush them is a flush point.
 */
#ifndef MMUN_MM_OP_H
#define MMUN_MM_OP_H

#include "base/base.h"
#include "mmun/mmun.h"

/*
 * X(enumerator, name, flush points in Linux 6.6 and later, in Linux 4.15 to 6.5): the last two
 * are bits of enum flush_point, without the prefix. Linux 6.6 flushes the secondary TLBs with
 * the CPUs', wherever that is; Linux 4.15 flushes them in range_end, except where its _notify
 * and only_end functions are used.
 */
#define MM_OPS(X)                                                                             \
	/* A write fault on the zero page too. Linux 4.15: clear_flush_notify, only_end. */    \
	X(MM_OP_COW, "cow",                   CLEAR, CLEAR)                                    \
	X(MM_OP_MUNMAP, "munmap",             AFTER, END | AFTER)                              \
	X(MM_OP_MPROTECT, "mprotect",         AFTER, END)                                      \
	/* flush_tlb_mm() at the end of dup_mmap(). */                                         \
	X(MM_OP_FORK, "fork",                 AFTER, END)                                      \
	/* Write-protecting and replacing. */                                                  \
	X(MM_OP_KSM_MERGE, "ksm_merge",       CLEAR, END)                                      \
	X(MM_OP_REPLACE_PAGE, "replace_page", CLEAR, CLEAR | END)                              \
	X(MM_OP_EXIT, "exit",                 AFTER, END | AFTER)                              \
	/* With both ptls held: the page must not move on. */                                  \
	X(MM_OP_MREMAP, "mremap",             CLEAR, END)                                      \
	/* The OOM reaper too. */                                                              \
	X(MM_OP_DONTNEED, "dontneed",         AFTER, END | AFTER)                              \
	/* MADV_FREE. */                                                                       \
	X(MM_OP_FREE, "free",                 AFTER, END | AFTER)                              \
	/* Punching holes too. For dirty pages the gather flushes under the ptl. */            \
	X(MM_OP_TRUNCATE, "truncate",         AFTER, END | AFTER)                              \
	/* At once, though the CPUs' flush is batched; "invalidate as we cleared" in 4.15. */  \
	X(MM_OP_RECLAIM, "reclaim",           CLEAR, SET | END)                                \
	/* In 4.15 whoever faults waits for the MIGRATION entry. */                            \
	X(MM_OP_MIGRATE, "migrate",           CLEAR, END)                                      \
	/* Of a huge entry: pmdp_invalidate() happens to; in 4.15 only_end, the same pages. */ \
	X(MM_OP_SPLIT, "split",               CLEAR, 0)                                        \
	/* In 4.15 range_end comes before the copy. */                                         \
	X(MM_OP_COLLAPSE, "collapse",         CLEAR, END)                                      \
	X(MM_OP_SOFT_DIRTY, "clear_refs",     AFTER, END)                                      \
	X(MM_OP_UFFD_WP, "uffd_wp",           AFTER, END)                                      \
	/* Not there yet in 4.15. */                                                           \
	X(MM_OP_UFFD_MOVE, "uffd_move",       CLEAR, CLEAR | END)                              \
	X(MM_OP_NUMA, "numa_hint",            AFTER, END)                                      \
	/* folio_mkclean(). */                                                                 \
	X(MM_OP_CLEAN, "clean",               CLEAR, END)                                      \
	/* A fault gives the right to write, or finds it given. arm64: ptep_set_access_flags() \
	 * flushes; earlier an SMMU was not told (6bbd42e2df8f). */                            \
	X(MM_OP_UPGRADE, "upgrade",           SET,   0)

enum mm_op {
#define X(e, ...) e,
	MM_OPS(X)
#undef X
	MM_OP_COUNT,
};

/* The points that an operation passes, in their order. */
enum flush_point {
	FLUSH_POINT_CLEAR = 1,  /* under the ptl, between clear and set */
	FLUSH_POINT_SET = 2,    /* under the ptl, after set */
	FLUSH_POINT_UNLOCK = 4, /* after the ptl, before range_end */
	FLUSH_POINT_END = 8,    /* in range_end */
	FLUSH_POINT_AFTER = 16, /* after range_end, before pages are given up; in gathers,
	                           with the CPUs' flush */
	FLUSH_POINT_FREED = 32, /* after that: always wrong for munmap */
};

/* Where the operation flushes in this semantics: bits. A constant, if the operation is one. */
static inline unsigned flush_points_of(enum mmun_semantics semantics, enum mm_op op)
{
	enum {
		CLEAR = FLUSH_POINT_CLEAR, SET = FLUSH_POINT_SET, END = FLUSH_POINT_END,
		AFTER = FLUSH_POINT_AFTER,
	};
	static const uint8_t modern[MM_OP_COUNT] = {
#define X(e, name, points, classic_points) [e] = points,
		MM_OPS(X)
#undef X
	};
	static const uint8_t classic[MM_OP_COUNT] = {
#define X(e, name, modern_points, points) [e] = points,
		MM_OPS(X)
#undef X
	};

	return semantics == MMUN_CLASSIC ? classic[op] : modern[op];
}

#endif
