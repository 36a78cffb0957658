/* SPDX-License-Identifier: MIT */
/*
 * updates.h - the kinds of update of page table entries, where each of them flushes the
 * secondary TLBs, and the mistakes that can be planted in it. A place at which an update may
 * flush them is a flush point. The virtual memory, the language's notify and forgets
 * statements, repairs and the table of mmun when read this.
 */
#ifndef MMUN_UPDATES_H
#define MMUN_UPDATES_H

/*
 * X(enumerator, name, rule, flush points in Linux 6.6 and later, in Linux 4.15 to 6.5)
 *
 * rule is the letter of the rule that it follows (docs/when.md). The last two are bits of enum
 * flush_point, without the prefix. Linux 6.6 flushes the secondary TLBs with the CPUs',
 * wherever that is; Linux 4.15 flushes them in range_end, except where its _notify and only_end
 * functions are used.
 */
#define UPDATES(X)                                                                            \
	/* A write fault on the zero page too. Linux 4.15: clear_flush_notify, only_end. */    \
	X(COW, "cow", 'B',                   CLEAR, CLEAR)                                     \
	X(MUNMAP, "munmap", 'A',             AFTER, END | AFTER)                               \
	/* In 6.1 with a gather, whose flush tells again what range_end has told. */           \
	X(MPROTECT, "mprotect", 'D',         AFTER, END | AFTER)                               \
	/* flush_tlb_mm() at the end of dup_mmap(). */                                         \
	X(FORK, "fork", 'D',                 AFTER, END)                                       \
	/* Write-protecting and replacing. */                                                  \
	X(KSM_MERGE, "ksm_merge", 'D',       CLEAR, END)                                       \
	X(REPLACE_PAGE, "replace_page", 'B', CLEAR, CLEAR | END)                               \
	/* With both ptls held: the page must not move on. */                                  \
	X(MREMAP, "mremap", 'C',             CLEAR, END)                                       \
	/* The OOM reaper too. */                                                              \
	X(DONTNEED, "dontneed", 'A',         AFTER, END | AFTER)                               \
	/* MADV_FREE. */                                                                       \
	X(FREE, "free", 'A',                 AFTER, END | AFTER)                               \
	/* Punching holes too. For dirty pages the gather flushes under the ptl. */            \
	X(TRUNCATE, "truncate", 'A',         AFTER, END | AFTER)                               \
	/* At once, though the CPUs' flush is batched; "invalidate as we cleared" in 4.15. */  \
	X(RECLAIM, "reclaim", 'A',           CLEAR, SET | END)                                 \
	/* Of an entry that is only taken for old: before 6.9, by MADV_PAGEOUT. */             \
	X(AGE, "age", 'D',                   0,     AFTER)                                     \
	/* In 4.15 whoever faults waits for the MIGRATION entry. */                            \
	X(MIGRATE, "migrate", 'D',           CLEAR, END)                                       \
	/* Of a huge entry: pmdp_invalidate() happens to; in 4.15 only_end, the same pages. */ \
	X(SPLIT, "split", 'D',               CLEAR, 0)                                         \
	/* In 4.15 range_end comes before the copy. */                                         \
	X(COLLAPSE, "collapse", 'A',         CLEAR, END)                                       \
	X(SOFT_DIRTY, "clear_refs", 'D',     AFTER, END)                                       \
	X(UFFD_WP, "uffd_wp", 'D',           AFTER, END | AFTER)                               \
	/* Not there yet in 4.15. */                                                           \
	X(UFFD_MOVE, "uffd_move", 'C',       CLEAR, CLEAR | END)                               \
	X(NUMA, "numa_hint", 'D',            AFTER, END | AFTER)                               \
	/* folio_mkclean(). */                                                                 \
	X(CLEAN, "clean", 'D',               CLEAR, END)                                       \
	/* A fault gives the right to write, or finds it given. arm64: ptep_set_access_flags() \
	 * flushes; earlier an SMMU was not told (6bbd42e2df8f). */                            \
	X(UPGRADE, "upgrade", 'E',           SET,   0)

/* The points that an update passes, in their order: bits. X(enumerator, name) */
#define FLUSH_POINTS(X)                                                                       \
	X(CLEAR, "clear")   /* under the ptl, between clear and set */                         \
	X(SET, "set")       /* under the ptl, after set */                                     \
	X(UNLOCK, "unlock") /* after the ptl, before range_end */                              \
	X(END, "end")       /* in range_end */                                                 \
	X(AFTER, "after")   /* after range_end, before pages are given up; in gathers, with    \
	                       the CPUs' flush */                                              \
	X(FREED, "freed")   /* after that: always wrong for munmap */

enum flush_point_number {
#define X(e, ...) FLUSH_POINT_NUMBER_##e,
	FLUSH_POINTS(X)
#undef X
};

enum flush_point {
#define X(e, ...) FLUSH_POINT_##e = 1 << FLUSH_POINT_NUMBER_##e,
	FLUSH_POINTS(X)
#undef X
};

/* What an update can be made to do wrong. Each undoes a fix of Linux, at the place that names
 * it. */
enum mutation {
	MUTATION_AREAS = 1,      /* the areas are not write-locked */
	MUTATION_REUSE = 2,      /* what is this mm's alone is copied as well */
	MUTATION_PENDING = 4,    /* a flush that is still to come is taken for done */
	MUTATION_NESTED = 8,     /* so is that of another one who does the same */
	MUTATION_REFERENCE = 16, /* the old page is given up before the flush */
	MUTATION_ORDER = 32,     /* what the flush is for is done before it */
	MUTATION_DIRTY = 64,     /* a dirty page leaves the rmap before the flush */
	MUTATION_RANGE = 128,    /* no start and end: who has a page table of its own is not told */
};

/* Which update can be made to do which. X(update, mutation, the language's word) */
#define MUTATIONS(X)                                                                          \
	X(COW, REUSE, "reuse")                                                                 \
	X(COW, PENDING, "pending")                                                             \
	X(MUNMAP, DIRTY, "dirty")                                                              \
	X(FORK, AREAS, "areas")                                                                \
	X(KSM_MERGE, REFERENCE, "reference")                                                   \
	X(KSM_MERGE, ORDER, "order")                                                           \
	X(RECLAIM, PENDING, "pending")                                                         \
	X(MIGRATE, PENDING, "pending")                                                         \
	X(MIGRATE, ORDER, "order")                                                             \
	X(COLLAPSE, RANGE, "range")                                                            \
	X(SOFT_DIRTY, AREAS, "areas")                                                          \
	X(UFFD_WP, NESTED, "nested")                                                           \
	X(NUMA, NESTED, "nested")

#endif
