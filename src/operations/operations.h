/* SPDX-License-Identifier: MIT */
/*
 * operations.h - what is known of each operation on memory without running it, said once. The
 * language of litmus tests, their flat reference, their oracles, the matrix, the recorded
 * orders and the stress test read this table; calls/ carries the operations out.
 *
 * A new operation is an entry here, a function of the same name in calls/calls.c and, if a
 * program can see what it does, one in litmus/flat/flat_ops.c.
 */
#ifndef MMUN_OPERATIONS_H
#define MMUN_OPERATIONS_H

#include <stdbool.h>

/*
 * X(enumerator, name, word, takes, notify, takes away, gives, exchanges, shape, about, flat,
 *   matrix, arguments, kinds)
 *
 * name, word   As a litmus test writes it. Entries of one name differ in the word that is
 *              their last argument; "" is to leave the word out.
 * takes        Its other arguments, a letter each: v a variable; t a variable whose pages
 *              change places with the first one's, and so must be like them; o a variable on
 *              a page of an object; e a value; p a protection; c the name of a child.
 * notify       Whose flush points it uses, a name of the language's notify statement; "": it
 *              changes no entry that a TLB may hold, or notifies as something else.
 * takes away, gives  RIGHTS_: what of the first variable's pages, or gives the last one's.
 * exchanges    EXCHANGE_: whose contents may become others, other than by stores.
 * shape        How flat memory sees it. STEP: at one moment. WINDOW: it is called, has its
 *              effect on each page at a moment of its own, and returns. WHOLE: the same, but it
 *              fails unless all of the pages are mapped.
 * about        ABOUT_: which pages those are.
 * flat         The effect, a function of litmus/flat/flat_ops.c without its prefix.
 * matrix       Its name in the matrix of all pairs; "": it is in none.
 * arguments    What it is called with there.
 * kinds        The kinds of page it is tried on there: a anonymous, c shared with a child, s
 *              of an object, f a private mapping of one, h huge, w swapped out.
 */
#define OPERATIONS(X)                                                                          \
	X(MUNMAP, "munmap", "", "v", "munmap", ALL, NONE, NOTHING,                             \
	  WINDOW, VAR, munmap, "munmap", "x", "acsfhw")                                        \
	X(MMAP, "mmap", "", "v", "munmap", NONE, ALL, VAR,                                     \
	  WINDOW, VAR, mmap, "mmap", "x", "ash")                                               \
	X(MPROTECT, "mprotect", "", "vp", "mprotect", OTHERS, GIVEN, NOTHING,                  \
	  WHOLE, VAR, mprotect, "mprotect", "x, PROT_READ", "acsfhw")                          \
	X(MREMAP, "mremap", "", "vt", "mremap", ALL, ALL, BOTH,                                \
	  WHOLE, VAR, mremap, "mremap", "x, y", "acsfhw")                                      \
	X(MREMAP_DONTUNMAP, "mremap", "MREMAP_DONTUNMAP", "vt", "mremap", NONE, ALL, BOTH,     \
	  WHOLE, VAR, mremap, "dontunmap", "x, y", "as")                                       \
	X(FORK, "fork", "", "c", "fork", NONE, NONE, NOTHING,                                  \
	  WINDOW, ALL, fork, "fork", "c", "acsfhw")                                            \
	X(MADV_DONTNEED, "madvise", "MADV_DONTNEED", "v", "dontneed", NONE, NONE, VAR,         \
	  WINDOW, VAR, dontneed, "dontneed", "x", "acsfhw")                                    \
	X(MADV_FREE, "madvise", "MADV_FREE", "v", "free", NONE, NONE, VAR,                     \
	  WINDOW, VAR, free, "free", "x", "ahw")                                               \
	X(MADV_PAGEOUT, "madvise", "MADV_PAGEOUT", "v", "reclaim", NONE, NONE, VAR,            \
	  WINDOW, VAR, pageout, "pageout", "x", "acsw")                                        \
	X(OOM_REAP, "oom_reap", "", "", "dontneed", NONE, NONE, ALL,                           \
	  WINDOW, ALL, oom_reap, "oom_reap", "", "afh")                                        \
	X(KSM_MERGE, "ksm_merge", "", "vv", "ksm_merge", NONE, NONE, NOTHING,                  \
	  STEP, NOTHING, unseen, "ksm_merge", "x, k", "ac")                                    \
	X(MADV_UNMERGEABLE, "madvise", "MADV_UNMERGEABLE", "v", "cow", NONE, NONE, NOTHING,    \
	  STEP, NOTHING, unseen, "unmergeable", "x", "a")                                      \
	X(REPLACE_PAGE, "replace_page", "", "ve", "replace_page", NONE, NONE, NOTHING,         \
	  STEP, NOTHING, replace_page, "replace_page", "x, 4", "a")                            \
	X(MOVE_PAGES, "move_pages", "", "v", "migrate", NONE, NONE, NOTHING,                   \
	  STEP, NOTHING, unseen, "move_pages", "x", "acsf")                                    \
	X(CLEAR_REFERENCED, "clear_refs", "1", "", "", NONE, NONE, NOTHING,                    \
	  STEP, NOTHING, unseen, "", "", "")                                                   \
	X(CLEAR_SOFT_DIRTY, "clear_refs", "4", "", "clear_refs", NONE, NONE, NOTHING,          \
	  STEP, NOTHING, unseen, "clear_refs", "", "ash")                                      \
	X(PAGE_IDLE, "page_idle", "", "v", "", NONE, NONE, NOTHING,                            \
	  STEP, NOTHING, unseen, "page_idle", "x", "as")                                       \
	X(UFFD_WP, "uffd_writeprotect", "1", "v", "uffd_wp", NONE, NONE, NOTHING,              \
	  STEP, NOTHING, unseen, "uffd_wp", "x", "ah")                                         \
	X(UFFD_UNWP, "uffd_writeprotect", "0", "v", "uffd_wp", NONE, NONE, NOTHING,            \
	  STEP, NOTHING, unseen, "", "", "")                                                   \
	X(UFFD_MOVE, "uffd_move", "", "vt", "uffd_move", NONE, NONE, BOTH,                     \
	  WINDOW, SECOND, uffd_move, "uffd_move", "z, x", "a")                                 \
	X(NUMA_HINT, "numa_hint", "", "v", "numa_hint", NONE, NONE, NOTHING,                   \
	  STEP, NOTHING, unseen, "numa_hint", "x", "ash")                                      \
	X(TRUNCATE, "truncate", "", "o", "truncate", NONE, NONE, OBJECTS,                      \
	  WINDOW, PAGE, truncate, "truncate", "x", "sf")                                       \
	X(PUNCH, "fallocate", "FALLOC_FL_PUNCH_HOLE", "o", "truncate", NONE, NONE, OBJECTS,    \
	  WINDOW, PAGE, punch, "punch", "x", "sf")                                             \
	X(MADV_REMOVE, "madvise", "MADV_REMOVE", "v", "truncate", NONE, NONE, OBJECTS,         \
	  WINDOW, VAR, remove, "remove", "x", "s")                                             \
	X(MSYNC, "msync", "", "o", "clean", NONE, NONE, NOTHING,                               \
	  STEP, NOTHING, unseen, "msync", "x", "sf")                                           \
	X(SPLIT, "split_huge_page", "", "v", "split", NONE, NONE, NOTHING,                     \
	  STEP, NOTHING, unseen, "split", "x", "h")                                            \
	X(MADV_COLLAPSE, "madvise", "MADV_COLLAPSE", "v", "collapse", NONE, NONE, NOTHING,     \
	  STEP, NOTHING, unseen, "", "", "")                                                   \
	X(MADV_HUGEPAGE, "madvise", "MADV_HUGEPAGE", "v", "", NONE, NONE, NOTHING,             \
	  STEP, NOTHING, unseen, "", "", "")                                                   \
	X(MADV_NOHUGEPAGE, "madvise", "MADV_NOHUGEPAGE", "v", "", NONE, NONE, NOTHING,         \
	  STEP, NOTHING, unseen, "", "", "")                                                   \
	X(MADV_MERGEABLE, "madvise", "MADV_MERGEABLE", "v", "", NONE, NONE, NOTHING,           \
	  STEP, NOTHING, unseen, "", "", "")                                                   \
	X(MADV_DONTFORK, "madvise", "MADV_DONTFORK", "v", "", NONE, NONE, NOTHING,             \
	  STEP, NOTHING, fork_advice, "", "", "")                                              \
	X(MADV_DOFORK, "madvise", "MADV_DOFORK", "v", "", NONE, NONE, NOTHING,                 \
	  STEP, NOTHING, fork_advice, "", "", "")                                              \
	X(MADV_WIPEONFORK, "madvise", "MADV_WIPEONFORK", "v", "", NONE, NONE, NOTHING,         \
	  STEP, NOTHING, fork_advice, "", "", "")                                              \
	X(MADV_KEEPONFORK, "madvise", "MADV_KEEPONFORK", "v", "", NONE, NONE, NOTHING,         \
	  STEP, NOTHING, fork_advice, "", "", "")                                              \
	X(MADV_POPULATE_READ, "madvise", "MADV_POPULATE_READ", "v", "", NONE, NONE, NOTHING,   \
	  STEP, NOTHING, unseen, "", "", "")                                                   \
	X(MADV_POPULATE_WRITE, "madvise", "MADV_POPULATE_WRITE", "v", "cow", NONE, NONE,       \
	  NOTHING, STEP, NOTHING, unseen, "", "", "")                                          \
	X(PIN, "pin", "", "v", "cow", NONE, NONE, NOTHING,                                     \
	  STEP, NOTHING, pin, "", "", "")                                                      \
	X(PIN_LOAD, "pin_load", "", "v", "", NONE, NONE, NOTHING,                              \
	  STEP, NOTHING, pinned, "", "", "")                                                   \
	X(PIN_STORE, "pin_store", "", "ve", "", NONE, NONE, PAGE,                              \
	  STEP, NOTHING, pinned, "", "", "")                                                   \
	X(UNPIN, "unpin", "", "v", "", NONE, NONE, NOTHING,                                    \
	  STEP, NOTHING, pinned, "", "", "")

enum op {
#define X(e, ...) OP_##e,
	OPERATIONS(X)
#undef X
	OP_COUNT,
};

/* GIVEN: those that its protection argument names. OTHERS: all that this does not name. */
enum op_rights { RIGHTS_NONE, RIGHTS_ALL, RIGHTS_GIVEN, RIGHTS_OTHERS };

/* PAGE is the page that the first variable is on; VAR all pages that an operation on the
 * first variable is about, BOTH those of the second too; OBJECTS every page of an object. */
enum op_exchange {
	EXCHANGE_NOTHING, EXCHANGE_PAGE, EXCHANGE_VAR, EXCHANGE_BOTH, EXCHANGE_OBJECTS,
	EXCHANGE_ALL,
};

enum op_shape { SHAPE_STEP, SHAPE_WINDOW, SHAPE_WHOLE };
enum op_about { ABOUT_NOTHING, ABOUT_PAGE, ABOUT_VAR, ABOUT_SECOND, ABOUT_ALL };

struct operation {
	const char *name, *word, *takes, *notify;
	enum op_rights taken, given;
	enum op_exchange exchanges;
	enum op_shape shape;
	enum op_about about;
	const char *matrix, *arguments, *kinds;
};

extern const struct operation operations[OP_COUNT];

/* The next entry after @op that has the name of @op, wrapping around: @op itself if no other
 * has. */
enum op operation_sibling(enum op op);

/* Is this a name, or a word, of an operation? */
bool operation_word(const char *text);

#endif
