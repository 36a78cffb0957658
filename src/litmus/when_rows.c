/* SPDX-License-Identifier: MIT */
/*
 * when_rows.c - the kinds of update, and the scenes that each is judged by. No cell of the
 * table is written here: a row says what is done, and who looks on. Each way in which a
 * stale translation can be seen has a scene: reading what is superseded, storing to what is
 * shared or given up, touching what is freed, being overtaken by who comes by the object
 * and so without mmap_lock, and not being noticed by what the update was for.
 *
 * Invariant: a scene has nothing about where to notify: when_text() adds that. In a scene
 * with a consumer D0's r0 says whether the call was over, and r1 is its store.
 */
#include "litmus/when.h"

const struct when_place when_places[] = {
	{ "clear", "under the page table lock, between clear and set", false },
	{ "set", "under the lock, after set", false },
	{ "unlock", "after the lock, before range_end", false },
	{ "end", "in range_end", false },
	{ "after", "after range_end, before pages are freed", false },
	{ "freed", "after pages are freed", false },
	{ "never", "not at all", true },
	{ "default", "as the semantics have it: at all places with a * together", true },
	{ 0 },
};

const struct when_kind when_kinds[] = {
	{ 'A', "the page or its table is freed" },
	{ 'B', "the entry gets a page with other contents" },
	{ 'C', "the entry moves to another address" },
	{ 'D', "rights are taken away, or the contents stay as they are" },
	{ 'E', "rights or pages are added" },
	{ 0 },
};

/* Threads. DOES tells by b that it is over. */
#define DOES(op) "P0(int *a, int *b)\n{\n\t" op ";\n\tsmp_store_release(b, 1);\n}\n"
#define DOES_ONLY(op) "P0(int *a)\n{\n\t" op ";\n}\n"
#define ALSO(op) "P1(int *a)\n{\n\t" op ";\n}\n"
#define ALSO_TELLS(op) "P1(int *a, int *b)\n{\n\t" op ";\n\tsmp_store_release(b, 1);\n}\n"
#define BREAKS_COW "P0(int *a2)\n{\n\tWRITE_ONCE(*a2, 1);\n}\n"
#define WRITER ALSO_TELLS("WRITE_ONCE(*a, 1)")

/* Does the device see b's new value and then a's old one; or store then? */
#define READER                                                                            \
	"D0(int *a, int *b)\n{\n\tint r0 = smp_load_acquire(b);\n\tint r1 = READ_ONCE(*a);\n}\n"
#define LATE_STORE                                                                        \
	"D0(int *a, int *b)\n{\n\tint r0 = smp_load_acquire(b);\n\tint r1 = WRITE_ONCE(*a, 2);\n}\n"
#define STORE "D0(int *a)\n{\n\tWRITE_ONCE(*a, 2);\n}\n"
#define LOAD "D0(int *a)\n{\n\tint r0 = READ_ONCE(*a);\n}\n"
#define STORE_LOAD "D0(int *a)\n{\n\tWRITE_ONCE(*a, 2);\n\tint r0 = READ_ONCE(*a);\n}\n"

#define A_AND_B "a = 1; b = 0; D0 caches a;"
#define ALONE "a = 1; D0 caches a;"
#define BESIDE "a = 1; z = 1 beside a; D0 caches a;" /* the page table stays */
#define SHARED "a = 1 shared; D0 caches a;"
#define SHARED_AND_B "a = 1 shared; b = 0; D0 caches a;"

#define MOVES "P0(int *a, int *c)\n{\n\tmremap(a, c);\n}\n"
#define MOVES_AND_UNMAPS "P0(int *a, int *c)\n{\n\tmremap(a, c);\n\tmunmap(c);\n}\n"
#define MOVES_AND_TELLS                                                                   \
	"P0(int *a, int *c, int *b)\n{\n\tmremap(a, c);\n\tsmp_store_release(b, 1);\n}\n"
#define GIVES "P0(int *a, int *c)\n{\n\tuffd_move(c, a);\n}\n"
#define MERGES "P0(int *a, int *c)\n{\n\tksm_merge(c, a);\n}\n"

const struct when_row when_rows[] = {
	{ .name = "munmap", .update = "page freed, its table stays", .kind = 'A',
	  .notify = "munmap", .scene = {
		{ .init = BESIDE, .threads = DOES_ONLY("munmap(a)") LOAD },
		{ .init = BESIDE, .threads = DOES_ONLY("munmap(a)") STORE },
		{ .init = "a = 1; z = 1 beside a; b = 0; D0 caches a;",
		  .threads = DOES("munmap(a)") READER },
	} },
	{ .name = "munmap-table", .update = "page and page table freed", .kind = 'A',
	  .notify = "munmap",
	  .note = "The flush under the page table lock comes before the table leaves the one above: "
		  "a walk that begins later still finds it.",
	  .scene = {
		{ .init = ALONE, .threads = DOES_ONLY("munmap(a)") LOAD },
		{ .init = "a = 1;", .threads = DOES_ONLY("munmap(a)") LOAD },
	} },
	{ .name = "mmap", .update = "another area in its place", .kind = 'A',
	  .notify = "munmap", .scene = {
		{ .init = BESIDE, .threads = DOES_ONLY("mmap(a)") LOAD },
		{ .init = BESIDE, .threads = DOES_ONLY("mmap(a)") STORE_LOAD },
		{ .init = "a = 1; z = 1 beside a; b = 0; D0 caches a;",
		  .threads = DOES("mmap(a)") READER },
	} },
	{ .name = "dontneed", .update = "page freed, zero when read again", .kind = 'A',
	  .notify = "dontneed", .scene = {
		{ .init = ALONE, .threads = DOES_ONLY("madvise(a, MADV_DONTNEED)") LOAD },
		{ .init = A_AND_B, .threads = DOES("madvise(a, MADV_DONTNEED)") READER },
		{ .init = A_AND_B, .threads = DOES_ONLY("madvise(a, MADV_DONTNEED)")
		  ALSO_TELLS("madvise(a, MADV_DONTNEED)") READER },
	} },
	{ .name = "oom_reap", .update = "the same, by the OOM reaper", .kind = 'A',
	  .notify = "dontneed", .scene = {
		{ .init = ALONE, .threads = DOES_ONLY("oom_reap()") LOAD },
		{ .init = ALONE, .threads = DOES_ONLY("oom_reap()") STORE_LOAD },
	} },
	{ .name = "truncate", .update = "object's page freed, and its place with it", .kind = 'A',
	  .notify = "truncate",
	  .note = "Of a page that is dirty, after is already under the page table lock.",
	  .scene = {
		{ .init = SHARED, .threads = DOES_ONLY("truncate(a)") LOAD },
		{ .init = SHARED, .threads = DOES_ONLY("msync(a);\n\ttruncate(a)") LOAD },
		{ .init = SHARED_AND_B, .threads = DOES("truncate(a)") READER },
		{ .init = SHARED_AND_B,
		  .threads = DOES_ONLY("truncate(a)") ALSO_TELLS("munmap(a)") READER },
	} },
	{ .name = "punch", .update = "object's page freed, zero when read again", .kind = 'A',
	  .notify = "truncate", .scene = {
		{ .init = SHARED, .threads = DOES_ONLY("fallocate(a, FALLOC_FL_PUNCH_HOLE)") LOAD },
		{ .init = SHARED,
		  .threads = DOES_ONLY("msync(a);\n\tfallocate(a, FALLOC_FL_PUNCH_HOLE)") LOAD },
		{ .init = SHARED_AND_B,
		  .threads = DOES("fallocate(a, FALLOC_FL_PUNCH_HOLE)") READER },
		{ .init = SHARED_AND_B, .threads = DOES_ONLY("fallocate(a, FALLOC_FL_PUNCH_HOLE)")
		  ALSO_TELLS("munmap(a)") READER },
	} },
	{ .name = "reclaim", .update = "page written to swap and freed", .kind = 'A',
	  .notify = "reclaim",
	  .note = "Late is safe for those who wait for the page: it is locked, and referenced, until "
		  "the flush. MADV_DONTNEED takes the swap entry away and waits for nobody: it returns "
		  "before the flush, but for the classic range_end, which flushes at any rate.",
	  .scene = {
		{ .init = ALONE, .threads = DOES_ONLY("madvise(a, MADV_PAGEOUT)") STORE },
		{ .init = ALONE, .threads = DOES_ONLY("madvise(a, MADV_PAGEOUT)") LOAD },
		{ .init = ALONE,
		  .threads = DOES_ONLY("madvise(a, MADV_PAGEOUT)") ALSO("WRITE_ONCE(*a, 3)") STORE },
		{ .init = A_AND_B, .threads = DOES_ONLY("madvise(a, MADV_PAGEOUT)")
		  ALSO_TELLS("madvise(a, MADV_DONTNEED)") READER },
		{ .init = A_AND_B,
		  .threads = DOES_ONLY("madvise(a, MADV_PAGEOUT)") ALSO_TELLS("munmap(a)") READER },
	} },
	{ .name = "reclaim-free", .update = "page dropped that MADV_FREE gave up", .kind = 'A',
	  .notify = "reclaim",
	  .scene = {
		{ .init = ALONE,
		  .threads = DOES_ONLY("madvise(a, MADV_FREE);\n\tmadvise(a, MADV_PAGEOUT)") LOAD },
		{ .init = ALONE,
		  .threads = DOES_ONLY("madvise(a, MADV_FREE);\n\tmadvise(a, MADV_PAGEOUT)")
		  STORE_LOAD },
		{ .init = ALONE,
		  .threads = DOES_ONLY("madvise(a, MADV_FREE);\n\tmadvise(a, MADV_PAGEOUT)")
		  ALSO("WRITE_ONCE(*a, 3)") LOAD },
	} },
	{ .name = "migrate", .update = "same contents in another page, old one freed", .kind = 'A',
	  .notify = "migrate",
	  .note = "The copy comes after the flush, whatever the place; who faults waits at the "
		  "migration entry. MADV_DONTNEED does not, as with reclaim.",
	  .scene = {
		{ .init = ALONE, .threads = DOES_ONLY("move_pages(a)") STORE },
		{ .init = ALONE, .threads = DOES_ONLY("move_pages(a)") LOAD },
		{ .init = ALONE,
		  .threads = DOES_ONLY("move_pages(a)") ALSO("WRITE_ONCE(*a, 3)") STORE },
		{ .init = A_AND_B, .threads = DOES_ONLY("move_pages(a)")
		  ALSO_TELLS("madvise(a, MADV_DONTNEED)") READER },
	} },
	{ .name = "collapse", .update = "small pages copied to a huge one and freed", .kind = 'A',
	  .notify = "collapse", .scene = {
		{ .init = "a = 1 split; D0 caches a;",
		  .threads = DOES_ONLY("madvise(a, MADV_COLLAPSE)") STORE },
		{ .init = "a = 1 split; D0 caches a;",
		  .threads = DOES_ONLY("madvise(a, MADV_COLLAPSE)") LOAD },
	} },
	{ .name = "cow", .update = "write to a shared page: a copy", .kind = 'B',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 cow; a2 = 0 with a; b = 0; D0 caches a;",
		  .threads = BREAKS_COW WRITER READER },
		{ .init = "a = 0 cow; D0 caches a;",
		  .threads = DOES_ONLY("WRITE_ONCE(*a, 1)") STORE_LOAD },
		{ .init = "a = 0 cow; a2 = 0 with a; D0 caches a;",
		  .threads = BREAKS_COW STORE_LOAD },
	} },
	{ .name = "cow-huge", .update = "the same in a huge page", .kind = 'B',
	  .notify = "cow",
	  .note = "The huge entry is split before, which in the modern semantics tells the secondary "
		  "TLBs already. Here it does not.",
	  .scene = {
		{ .init = "a = 0 huge cow; a2 = 0 with a; b = 0; D0 caches a;\n\tnotify split = never;",
		  .threads = BREAKS_COW WRITER READER },
	} },
	{ .name = "cow-file", .update = "write to a private page of an object", .kind = 'B',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 file; a2 = 0 with a; b = 0; D0 caches a;",
		  .threads = BREAKS_COW WRITER READER },
	} },
	{ .name = "zero", .update = "write where the zero page is", .kind = 'B',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 zero; a2 = 0 with a; b = 0; D0 caches a;",
		  .threads = BREAKS_COW WRITER READER },
	} },
	{ .name = "replace_page", .update = "a copy that differs, in a read-only area", .kind = 'B',
	  .notify = "replace_page", .scene = {
		{ .init = "a = 0 cow readonly; b = 0; D0 caches a;",
		  .threads = DOES_ONLY("replace_page(a, 1)")
		  "P1(int *a, int *b)\n{\n\tif (READ_ONCE(*a) == 1)\n"
		  "\t\tsmp_store_release(b, 1);\n}\n" READER },
		{ .init = "a = 0 readonly; D0 caches a;",
		  .threads = DOES_ONLY("replace_page(a, 1)") LOAD },
	} },
	{ .name = "mremap", .update = "entry moves, page freed at its new address", .kind = 'C',
	  .notify = "mremap",
	  .note = "truncate comes by the object, without mmap_lock, and finds nothing to flush at the "
		  "old address. In the classic semantics range_end flushes there all the same, and "
		  "again when mremap unmaps the old area; reclaim, which sees the new address only, "
		  "would break them, but the language's reclaim holds mmap_lock.",
	  .scene = {
		{ .init = "a = 1; z = 1 beside a; c = 0; D0 caches a;",
		  .threads = MOVES_AND_UNMAPS LOAD },
		{ .init = "a = 1; z = 1 beside a; c = 0; b = 0; D0 caches a;",
		  .threads = MOVES_AND_TELLS LATE_STORE },
		{ .init = "a = 1 shared; z = 1 beside a; c = 0; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD },
		{ .init = "c = 0; a = 1 shared; z = 1 beside a; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD },
	} },
	{ .name = "mremap-table", .update = "page table moves", .kind = 'C',
	  .notify = "mremap", .scene = {
		{ .init = "a = 1; c = 0; D0 caches a;", .threads = MOVES_AND_UNMAPS LOAD },
		{ .init = "a = 1; c = 0; b = 0; D0 caches a;",
		  .threads = MOVES_AND_TELLS LATE_STORE },
		{ .init = "a = 1 shared; c = 0; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD },
		{ .init = "c = 0; a = 1 shared; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD },
	} },
	{ .name = "uffd_move", .update = "page moves (UFFDIO_MOVE), freed there", .kind = 'C',
	  .notify = "uffd_move",
	  .note = "mmap_lock is held for reading only: MADV_DONTNEED of the new address may come "
		  "as soon as the page table locks are dropped.",
	  .scene = {
		{ .init = "a = 1; c = 0 none; b = 0; D0 caches a;",
		  .threads = "P0(int *a, int *c, int *b)\n{\n\tuffd_move(c, a);\n"
		  "\tsmp_store_release(b, 1);\n}\n" LATE_STORE },
		{ .init = "a = 1; c = 0 none; D0 caches a;",
		  .threads = GIVES "P1(int *c)\n{\n\tmadvise(c, MADV_DONTNEED);\n}\n" LOAD },
	} },
	{ .name = "ksm", .update = "equal contents in another page, old one freed", .kind = 'D',
	  .notify = "ksm_merge",
	  .note = "Its column freed is a deferral without a reference to the old page (D1).",
	  .scene = {
		{ .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES LOAD },
		{ .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES STORE_LOAD },
	} },
	{ .name = "fork", .update = "write-protected, shared with the child", .kind = 'D',
	  .notify = "fork",
	  .note = "mmap_lock is held for writing until the flush. A fork that drops it before (D2) "
		  "is no place of this table.",
	  .scene = {
		{ .init = "a = 0; b = 0; D0 caches a;", .threads = DOES("fork(c)") LATE_STORE },
		{ .init = "a = 0; a2 = 0 with a; D0 caches a;",
		  .threads = "P0(int *a2)\n{\n\tfork(c);\n\tWRITE_ONCE(*a2, 1);\n}\n" STORE },
		{ .init = "a = 0; a2 = 0 with a; D0 caches a;",
		  .threads = "P0()\n{\n\tfork(c);\n}\nP1(int *a2)\n{\n\tWRITE_ONCE(*a2, 1);\n}\n" STORE_LOAD },
	} },
	{ .name = "mprotect", .update = "write-protected", .kind = 'D',
	  .notify = "mprotect", .scene = {
		{ .init = A_AND_B, .threads = DOES("mprotect(a, PROT_READ)") LATE_STORE },
		{ .init = ALONE, .threads = DOES_ONLY("mprotect(a, PROT_READ)") STORE },
		{ .init = SHARED,
		  .threads = DOES_ONLY("mprotect(a, PROT_READ)") ALSO("truncate(a)") STORE },
	} },
	{ .name = "mprotect-none", .update = "all access taken away", .kind = 'D',
	  .notify = "mprotect", .scene = {
		{ .init = A_AND_B, .threads = DOES("mprotect(a, PROT_NONE)") READER },
		{ .init = SHARED,
		  .threads = DOES_ONLY("mprotect(a, PROT_NONE)") ALSO("truncate(a)") LOAD },
	} },
	{ .name = "uffd_wp", .update = "write-protected by userfaultfd", .kind = 'D',
	  .notify = "uffd_wp", .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("uffd_writeprotect(a, 1)") LATE_STORE, .consumer = WHEN_UFFD_WP },
		{ .init = "a = 1; a2 = 1 with a; D0 caches a;",
		  .threads = DOES_ONLY("uffd_writeprotect(a, 1)")
		  "P1(int *a2)\n{\n\tWRITE_ONCE(*a2, 3);\n}\n" STORE_LOAD },
	} },
	{ .name = "clear_refs", .update = "write-protected to see writes (soft-dirty)", .kind = 'D',
	  .notify = "clear_refs", .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("clear_refs(4)") LATE_STORE, .consumer = WHEN_SOFT_DIRTY },
		{ .init = "a = 1; a2 = 1 with a; D0 caches a;",
		  .threads = DOES_ONLY("clear_refs(4)")
		  "P1(int *a2)\n{\n\tWRITE_ONCE(*a2, 3);\n}\n" STORE_LOAD },
	} },
	{ .name = "clean", .update = "write-protected before writeback", .kind = 'D',
	  .notify = "clean", .scene = {
		{ .init = SHARED_AND_B,
		  .threads = DOES("msync(a)") LATE_STORE, .consumer = WHEN_WRITEBACK },
		{ .init = SHARED_AND_B,
		  .threads = DOES_ONLY("msync(a)") ALSO_TELLS("munmap(a)") LATE_STORE },
	} },
	{ .name = "numa_hint", .update = "access taken away to see the next one", .kind = 'D',
	  .notify = "numa_hint",
	  .note = "Never told, the device's accesses are no hints, and nothing else is lost: migration "
		  "and COW here tell the secondary TLBs whatever the entry allows. Where they take an "
		  "entry without access for flushed, as Linux's did (D2), a late flush loses stores.",
	  .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("numa_hint(a)") LATE_STORE, .consumer = WHEN_HINT },
		{ .init = ALONE, .threads = DOES_ONLY("numa_hint(a)") ALSO("move_pages(a)") STORE },
		{ .init = "a = 0 cow; a2 = 0 with a; D0 caches a;",
		  .threads = DOES_ONLY("numa_hint(a)")
		  "P1(int *a2)\n{\n\tWRITE_ONCE(*a2, 1);\n}\n" LOAD },
	} },
	{ .name = "free", .update = "clean: to be dropped unless written (MADV_FREE)", .kind = 'D',
	  .notify = "free",
	  .note = "No page is freed by it: freed is no more than later.",
	  .scene = {
		{ .init = "a = 1; b = 0; g = 0; D0 caches a;",
		  .threads = "P0(int *a, int *b, int *g)\n{\n\tmadvise(a, MADV_FREE);\n"
		  "\tsmp_store_release(b, 1);\n\tint r0 = smp_load_acquire(g);\n"
		  "\tmadvise(a, MADV_PAGEOUT);\n\tint r1 = READ_ONCE(*a);\n}\n"
		  "D0(int *a, int *b, int *g)\n{\n\tif (smp_load_acquire(b) == 1) {\n"
		  "\t\tWRITE_ONCE(*a, 2);\n\t\tsmp_store_release(g, 1);\n\t}\n}\n" },
		{ .init = ALONE, .threads = DOES_ONLY("madvise(a, MADV_FREE)")
		  ALSO("madvise(a, MADV_PAGEOUT)") STORE },
	} },
	{ .name = "split", .update = "huge entry becomes small ones, same pages", .kind = 'D',
	  .notify = "split", .scene = {
		{ .init = "a = 1 huge; a2 = 1 beside a; D0 caches a;",
		  .threads = "P0(int *a2)\n{\n\tmprotect(a2, PROT_READ);\n}\n" STORE },
		{ .init = "a = 1 huge; a2 = 1 beside a; D0 caches a2;",
		  .threads = "P0(int *a2)\n{\n\tmunmap(a2);\n}\nD0(int *a2)\n{\n\tWRITE_ONCE(*a2, 2);\n}\n" },
		{ .init = "a = 1 huge; D0 caches a;",
		  .threads = DOES_ONLY("split_huge_page(a);\n\tmadvise(a, MADV_DONTNEED)") LOAD },
	} },
	{ .name = "first-touch", .update = "nothing becomes a page", .kind = 'E',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 none; b = 0;", .threads = DOES("WRITE_ONCE(*a, 1)") READER },
	} },
	{ .name = "swap-in", .update = "swap entry becomes a page", .kind = 'E',
	  .notify = "reclaim", .scene = {
		{ .init = "a = 0 swapped; b = 0;", .threads = DOES("WRITE_ONCE(*a, 1)") READER },
	} },
	{ .name = "reuse", .update = "write to a read-only page that nobody shares", .kind = 'E',
	  .notify = "cow", .scene = {
		{ .init = "a = 0; b = 0; D0 caches a;",
		  .threads = DOES("clear_refs(4);\n\tWRITE_ONCE(*a, 1)") READER },
		{ .init = "a = 0; D0 caches a;",
		  .threads = DOES_ONLY("clear_refs(4);\n\tWRITE_ONCE(*a, 1)")
		  STORE_LOAD },
	} },
	{ .name = "mprotect-write", .update = "write access given", .kind = 'E',
	  .notify = "mprotect", .scene = {
		{ .init = "a = 1 readonly; b = 0; D0 caches a;",
		  .threads = DOES("mprotect(a, PROT_READ | PROT_WRITE)") LATE_STORE },
	} },
	{ 0 },
};

const char *const when_notes[] = {
	"D1: a reference must hold the old page until the flush. Rows with a broken freed show "
	"what happens without.",
	"D2: nobody may copy, move or reuse the page before the flush. mmap_lock, the page lock or "
	"a migration entry sees to that, and no statement of a test takes these locks away: that "
	"fork, userfaultfd or NUMA hints held too little is not expressed here.",
	"D3: what the update is for (writeback, a snapshot, dropping) must come after the flush. "
	"It comes after the call, so that only never takes this away.",
	"D4: an entry that moves on does not wait for the flush of its old address: the rows C.",
	"Exit is no row: release tears everything down before.",
	NULL,
};
