/* SPDX-License-Identifier: MIT */
/*
 * op.h - the kinds of update that an address space sees, and the places at which each may
 * flush the secondary TLBs.
 */
#ifndef MMUN_MM_OP_H
#define MMUN_MM_OP_H

#include "base/base.h"

/* The kinds of update, whose place to notify is data. X(enumerator, name) */
#define MM_OPS(X)                                                     \
	X(MM_OP_COW, "cow")         /* write fault on the zero page too */ \
	X(MM_OP_MUNMAP, "munmap")                                     \
	X(MM_OP_MPROTECT, "mprotect")                                 \
	X(MM_OP_FORK, "fork")                                         \
	X(MM_OP_KSM_MERGE, "ksm_merge") /* write-protecting and replacing */ \
	X(MM_OP_REPLACE_PAGE, "replace_page")                         \
	X(MM_OP_EXIT, "exit")                                         \
	X(MM_OP_MREMAP, "mremap")                                     \
	X(MM_OP_DONTNEED, "dontneed") /* the OOM reaper too */        \
	X(MM_OP_FREE, "free")       /* MADV_FREE */                   \
	X(MM_OP_TRUNCATE, "truncate") /* and punching holes */        \
	X(MM_OP_RECLAIM, "reclaim")                                   \
	X(MM_OP_MIGRATE, "migrate")                                   \
	X(MM_OP_SPLIT, "split")     /* of a huge entry */             \
	X(MM_OP_COLLAPSE, "collapse")                                 \
	X(MM_OP_SOFT_DIRTY, "clear_refs")                             \
	X(MM_OP_UFFD_WP, "uffd_wp")                                   \
	X(MM_OP_UFFD_MOVE, "uffd_move")                               \
	X(MM_OP_NUMA, "numa_hint")                                    \
	X(MM_OP_CLEAN, "clean")     /* folio_mkclean */ \
	X(MM_OP_UPGRADE, "upgrade") /* a fault gives the right to write, or finds it given */

enum mm_op {
#define X(e, ...) e,
	MM_OPS(X)
#undef X
	MM_OP_COUNT,
};

/* Places at which an operation may flush the secondary TLBs. */
enum notify_at {
	NOTIFY_CLEAR = 1,   /* under the ptl, between clear and set */
	NOTIFY_SET = 2,     /* under the ptl, after set */
	NOTIFY_UNLOCK = 4,  /* after the ptl, before range_end */
	NOTIFY_END = 8,     /* in range_end */
	NOTIFY_AFTER = 16,  /* after range_end, before pages are given up; in gathers,
	                       with the CPUs' flush */
	NOTIFY_FREED = 32,  /* after that: always wrong for munmap */
};

/*
 * What lets an operation put a flush off, and what the checker makes it forget: see
 * mm_set_forgets() and docs/vm.md. Each stands for a fix in Linux that is undone, at the
 * place that names it.
 */
enum mm_forget {
	FORGET_AREAS = 1,      /* the areas are not write-locked */
	FORGET_REUSE = 2,      /* what is this mm's alone is copied as well */
	FORGET_PENDING = 4,    /* a flush that is still to come is taken for done */
	FORGET_NESTED = 8,     /* so is that of another one who does the same */
	FORGET_REFERENCE = 16, /* the old page is given up before the flush */
	FORGET_ORDER = 32,     /* what the flush is for is done before it */
	FORGET_DIRTY = 64,     /* a dirty page leaves the rmap before the flush */
	FORGET_RANGE = 128,    /* no start and end: who has a page table of its own is not told */
};

#endif
