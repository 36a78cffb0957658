/* SPDX-License-Identifier: MIT */
/*
 * when_rows.c - the kinds of update, and the scenes that each of them is judged by. No cell of
 * the table is written here: a row says what is done and who looks on. Each way in which a
 * stale translation can be seen has a scene: a thread reads what is superseded, stores to what
 * is shared or given up, touches what is freed, is overtaken by another that comes by the
 * object and so without mmap_lock, or is not noticed by the code that the update was for.
 *
 * Invariant: a scene says nothing about the row's flush point; when_text() adds that. In a
 * scene with a consumer, D0's r0 says whether the call was over, and r1 is its store. The rows
 * of a pair differ in what is forgotten, and in nothing else.
 */
#include "litmus/table/when.h"

const struct when_place when_places[] = {
	{ .name = "clear", .meaning = "under the page table lock, between clear and set" },
	{ .name = "set", .meaning = "under the lock, after set" },
	{ .name = "unlock", .meaning = "after the lock, before range_end" },
	{ .name = "end", .meaning = "in range_end" },
	{ .name = "after", .meaning = "after range_end, before pages are freed" },
	{ .name = "freed", .meaning = "after pages are freed" },
	{ .name = "never", .meaning = "not at all", .none = true },
	{ .name = "default", .none = true,
	  .meaning = "as the semantics have it: at all places with a * together" },
	{ .name = "keeper", .none = true, .device = "D0 remembers;", .tlb = true,
	  .meaning = "by default, with a TLB that keeps rights until it is told (SMMU)" },
	{ .name = "cpu", .none = true, .processor = true,
	  .meaning = "by default, with another processor in the device's place" },
	{ .name = "mirror", .none = true, .device = "D0 mirrors;",
	  .meaning = "the same with a device's own page table, by an interval notifier (HMM)" },
	{ .name = "shadow", .none = true, .device = "D0 shadows;",
	  .meaning = "the same with one that counts starts and ends (KVM)" },
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

#define WRITES_A2 "P1(int *a2)\n{\n\tWRITE_ONCE(*a2, 3);\n}\n"

/* A fault beside the device's: by a call, or of another device where calls have to wait. */
#define COPIES ALSO("madvise(a, MADV_POPULATE_WRITE)")
#define FAULTS "D1(int *a2)\n{\n\tWRITE_ONCE(*a2, 3);\n}\n"
#define A2 "a = 1; a2 = 1 with a; D0 caches a;"

#define A_AND_B "a = 1; b = 0; D0 caches a, b;"
#define ALONE "a = 1; D0 caches a;"
#define BESIDE "a = 1; z = 1 beside a; D0 caches a;" /* the page table stays */
#define SHARED "a = 1 shared; D0 caches a;"
#define SHARED_AND_B "a = 1 shared; b = 0; D0 caches a, b;"

#define MOVES "P0(int *a, int *c)\n{\n\tmremap(a, c);\n}\n"
#define MOVES_AND_UNMAPS "P0(int *a, int *c)\n{\n\tmremap(a, c);\n\tmunmap(c);\n}\n"
#define MOVES_AND_TELLS                                                                   \
	"P0(int *a, int *c, int *b)\n{\n\tmremap(a, c);\n\tsmp_store_release(b, 1);\n}\n"
#define GIVES "P0(int *a, int *c)\n{\n\tuffd_move(c, a);\n}\n"
#define MERGES "P0(int *a, int *c)\n{\n\tksm_merge(c, a);\n}\n"

/* Two rows of the same scenes, with a condition and, after these statements, without it. */
#define PAIR(of, d, letter, op, what, statements, text, ...)                              \
	{ .name = of "-with-" d, .update = what, .kind = letter, .notify = op,            \
	  .condition = d, .scene = { __VA_ARGS__ } },                                     \
	{ .name = of "-without-" d, .update = what, .kind = letter, .notify = op,         \
	  .condition = d, .forgets = statements, .note = text, .scene = { __VA_ARGS__ } }

const struct when_row when_rows[] = {
	{ .name = "munmap", .update = "page freed, its table stays", .kind = 'A',
	  .notify = "munmap", .scene = {
		{ .init = BESIDE, .threads = DOES_ONLY("munmap(a)") LOAD },
		{ .init = BESIDE, .threads = DOES_ONLY("munmap(a)") STORE },
		{ .init = "a = 1; z = 1 beside a; b = 0; D0 caches a, b;",
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
		{ .init = "a = 1; z = 1 beside a; b = 0; D0 caches a, b;",
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
		  .threads = DOES_ONLY("truncate(a)") ALSO_TELLS("munmap(a)") READER,
		  .tlb_only = true },
	} },
	{ .name = "punch", .update = "object's page freed, zero when read again", .kind = 'A',
	  .notify = "truncate", .scene = {
		{ .init = SHARED, .threads = DOES_ONLY("fallocate(a, FALLOC_FL_PUNCH_HOLE)") LOAD },
		{ .init = SHARED,
		  .threads = DOES_ONLY("msync(a);\n\tfallocate(a, FALLOC_FL_PUNCH_HOLE)") LOAD },
		{ .init = SHARED_AND_B,
		  .threads = DOES("fallocate(a, FALLOC_FL_PUNCH_HOLE)") READER },
		{ .init = SHARED_AND_B, .threads = DOES_ONLY("fallocate(a, FALLOC_FL_PUNCH_HOLE)")
		  ALSO_TELLS("munmap(a)") READER, .tlb_only = true },
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
		{ .init = "a = 0 cow; a2 = 0 with a; b = 0; D0 caches a, b;",
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
		{ .init = "a = 0 huge cow; a2 = 0 with a; b = 0; D0 caches a, b;\n\tnotify split = never;",
		  .threads = BREAKS_COW WRITER READER, .tlb_only = true },
		{ .init = "a = 0 huge cow; a2 = 0 with a; D0 caches a;\n\tnotify split = never;",
		  .threads = BREAKS_COW STORE_LOAD },
	} },
	{ .name = "cow-file", .update = "write to a private page of an object", .kind = 'B',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 file; a2 = 0 with a; b = 0; D0 caches a, b;",
		  .threads = BREAKS_COW WRITER READER },
	} },
	{ .name = "zero", .update = "write where the zero page is", .kind = 'B',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 zero; a2 = 0 with a; b = 0; D0 caches a, b;",
		  .threads = BREAKS_COW WRITER READER },
	} },
	{ .name = "replace_page", .update = "a copy that differs, in a read-only area", .kind = 'B',
	  .notify = "replace_page", .scene = {
		{ .init = "a = 0 cow readonly; b = 0; D0 caches a, b;",
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
		  "again when mremap unmaps the old area; migration, which comes by the page and sees "
		  "the new address only, is early enough to break them.",
	  .scene = {
		{ .init = "a = 1; z = 1 beside a; c = 0; D0 caches a;",
		  .threads = MOVES_AND_UNMAPS LOAD },
		{ .init = "a = 1; z = 1 beside a; c = 0; b = 0; D0 caches a, b;",
		  .threads = MOVES_AND_TELLS LATE_STORE },
		{ .init = "a = 1 shared; z = 1 beside a; c = 0; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD, .tlb_only = true },
		{ .init = "c = 0; a = 1 shared; z = 1 beside a; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD, .tlb_only = true },
		{ .init = "a = 1; z = 1 beside a; c = 0; D0 caches a;",
		  .threads = MOVES ALSO("move_pages(a)") LOAD, .tlb_only = true },
	} },
	{ .name = "mremap-table", .update = "page table moves", .kind = 'C',
	  .notify = "mremap", .scene = {
		{ .init = "a = 1; c = 0; D0 caches a;", .threads = MOVES_AND_UNMAPS LOAD },
		{ .init = "a = 1; c = 0; b = 0; D0 caches a, b;",
		  .threads = MOVES_AND_TELLS LATE_STORE },
		{ .init = "a = 1 shared; c = 0; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD, .tlb_only = true },
		{ .init = "c = 0; a = 1 shared; D0 caches a;",
		  .threads = MOVES ALSO("truncate(a)") LOAD, .tlb_only = true },
		{ .init = "a = 1; c = 0; D0 caches a;",
		  .threads = MOVES ALSO("move_pages(a)") LOAD, .tlb_only = true },
	} },
	{ .name = "uffd_move", .update = "page moves (UFFDIO_MOVE), freed there", .kind = 'C',
	  .notify = "uffd_move",
	  .note = "mmap_lock is held for reading only: MADV_DONTNEED of the new address may come "
		  "as soon as the page table locks are dropped.",
	  .scene = {
		{ .init = "a = 1; c = 0 none; b = 0; D0 caches a, b;",
		  .threads = "P0(int *a, int *c, int *b)\n{\n\tuffd_move(c, a);\n"
		  "\tsmp_store_release(b, 1);\n}\n" LATE_STORE },
		{ .init = "a = 1; c = 0 none; D0 caches a;",
		  .threads = GIVES "P1(int *c)\n{\n\tmadvise(c, MADV_DONTNEED);\n}\n" LOAD },
	} },
	{ .name = "ksm", .update = "equal contents in another page, old one freed", .kind = 'D',
	  .notify = "ksm_merge",
	  .scene = {
		{ .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES LOAD },
		{ .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES STORE_LOAD },
	} },
	{ .name = "fork", .update = "write-protected, shared with the child", .kind = 'D',
	  .notify = "fork",
	  .scene = {
		{ .init = "a = 0; b = 0; D0 caches a, b;", .threads = DOES("fork(c)") LATE_STORE },
		{ .init = "a = 0; a2 = 0 with a; D0 caches a;",
		  .threads = "P0(int *a2)\n{\n\tfork(c);\n\tWRITE_ONCE(*a2, 1);\n}\n" STORE },
		{ .init = "a = 0; a2 = 0 with a; D0 caches a;",
		  .threads = "P0()\n{\n\tfork(c);\n}\nP1(int *a2)\n{\n\tWRITE_ONCE(*a2, 1);\n}\n" STORE_LOAD },
	} },
	{ .name = "mprotect", .update = "write-protected", .kind = 'D',
	  .notify = "mprotect",
	  .note = "What is not mapped, since it is on the move, is changed with no flush after range_end: "
		  "migration's flush is relied on. In the classic semantics that may be still to come.",
	  .scene = {
		{ .init = A_AND_B, .threads = DOES("mprotect(a, PROT_READ)") LATE_STORE },
		{ .init = ALONE, .threads = DOES_ONLY("mprotect(a, PROT_READ)") STORE },
		{ .init = SHARED,
		  .threads = DOES_ONLY("mprotect(a, PROT_READ)") ALSO("truncate(a)") STORE },
		{ .init = ALONE,
		  .threads = DOES_ONLY("mprotect(a, PROT_READ)") ALSO("move_pages(a)") STORE },
	} },
	{ .name = "mprotect-none", .update = "all access taken away", .kind = 'D',
	  .notify = "mprotect", .note = "As with mprotect.", .scene = {
		{ .init = A_AND_B, .threads = DOES("mprotect(a, PROT_NONE)") READER },
		{ .init = SHARED,
		  .threads = DOES_ONLY("mprotect(a, PROT_NONE)") ALSO("truncate(a)") LOAD },
		{ .init = ALONE,
		  .threads = DOES_ONLY("mprotect(a, PROT_NONE)") ALSO("move_pages(a)") STORE },
	} },
	{ .name = "uffd_wp", .update = "write-protected by userfaultfd", .kind = 'D',
	  .notify = "uffd_wp", .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("uffd_writeprotect(a, 1)") LATE_STORE, .consumer = WHEN_UFFD_WP },
		{ .init = A2, .threads = DOES_ONLY("uffd_writeprotect(a, 1)") WRITES_A2 STORE_LOAD },
	} },
	{ .name = "clear_refs", .update = "write-protected to see writes (soft-dirty)", .kind = 'D',
	  .notify = "clear_refs", .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("clear_refs(4)") LATE_STORE, .consumer = WHEN_SOFT_DIRTY },
		{ .init = A2, .threads = DOES_ONLY("clear_refs(4)") WRITES_A2 STORE_LOAD },
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
		  "and COW tell the secondary TLBs whatever the entry allows.",
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
		{ .init = "a = 1; b = 0; g = 0; D0 caches a, b, g;",
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
		{ .init = "a = 0; b = 0; D0 caches a, b;",
		  .threads = DOES("clear_refs(4);\n\tWRITE_ONCE(*a, 1)") READER },
		{ .init = "a = 0; D0 caches a;",
		  .threads = DOES_ONLY("clear_refs(4);\n\tWRITE_ONCE(*a, 1)")
		  STORE_LOAD },
	} },
	{ .name = "mprotect-write", .update = "write access given", .kind = 'E',
	  .notify = "mprotect", .scene = {
		{ .init = "a = 1 readonly; b = 0; D0 caches a, b;",
		  .threads = DOES("mprotect(a, PROT_READ | PROT_WRITE)") LATE_STORE },
	} },

	{ .name = "upgrade", .kind = 'E', .notify = "upgrade", .remembers = true,
	  .update = "write access given, to a TLB that keeps the rights it knew",
	  .note = "The places are those of a device that keeps rights. No memory is wrong: without being "
		  "told it makes the same page request for ever.", .scene = {
		{ .init = "a = 0;", .threads = DOES_ONLY("clear_refs(4);\n\tWRITE_ONCE(*a, 1)")
		  "D0(int *a)\n{\n\tint r0 = READ_ONCE(*a);\n\tint r1 = WRITE_ONCE(*a, 2);\n}\n" },
	} },

	PAIR("ksm", "D1", 'D', "ksm_merge", "equal contents in another page, old one freed",
	     "ksm_merge forgets reference;",
	     "As if nobody but the entry had a reference to the old page: it goes when the entry has "
	     "changed. In replace_page() of Linux it does; its caller has one more.",
	     { .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES LOAD },
	     { .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES STORE_LOAD }),
	PAIR("fork", "D2", 'D', "fork", "write-protected, shared with the child",
	     "fork forgets areas;",
	     "Faults go on meanwhile, and copy what is write-protected: Linux before fb49c455323f.",
	     { .init = A2, .threads = "P0()\n{\n\tfork(c);\n}\n" STORE FAULTS }),
	PAIR("mprotect-none", "D2", 'D', "mprotect", "all access taken away",
	     "migrate forgets pending;",
	     "Migration takes an entry without access for one that no TLB has, as with numa_hint.",
	     { .init = ALONE,
	       .threads = DOES_ONLY("mprotect(a, PROT_NONE)") ALSO("move_pages(a)") STORE }),
	PAIR("uffd_wp", "D2", 'D', "uffd_wp", "write-protected by userfaultfd",
	     "cow forgets reuse, pending;",
	     "A fault copies the page though nobody shares it, and flushes nothing before: Linux "
	     "before 6ce64428d620.",
	     { .init = ALONE, .threads = DOES_ONLY("uffd_writeprotect(a, 1)") COPIES STORE }),
	PAIR("clear_refs", "D2", 'D', "clear_refs", "write-protected to see writes (soft-dirty)",
	     "clear_refs forgets areas;\n\tcow forgets reuse, pending;",
	     "Faults go on meanwhile, copy the page though nobody shares it, and flush nothing before.",
	     { .init = A2, .threads = DOES_ONLY("clear_refs(4)") STORE FAULTS }),
	PAIR("numa_hint", "D2", 'D', "numa_hint", "access taken away to see the next one",
	     "migrate forgets pending;",
	     "Migration takes an entry without access for one that no TLB has: Linux before "
	     "7066f0f933a1, of huge pages.",
	     { .init = ALONE, .threads = DOES_ONLY("numa_hint(a)") ALSO("move_pages(a)") STORE }),
	PAIR("ksm", "D2", 'D', "ksm_merge", "equal contents in another page, old one freed",
	     "cow forgets pending;",
	     "A fault copies what is write-protected and not yet flushed. Linux's waits for the page "
	     "lock, that of mmun flushes.",
	     { .init = "a = 0; c = 0 cow; D0 caches a;",
	       .threads = "P0(int *a, int *c)\n{\n\tksm_merge(a, c);\n}\n" COPIES STORE }),
	PAIR("reclaim", "D2", 'A', "reclaim", "page written to swap and freed",
	     "reclaim forgets pending;",
	     "MADV_DONTNEED takes the swap entry away and does not flush what the batch has put off: "
	     "Linux before 3ea277194daa. That is about processors: of what is put off for secondary "
	     "TLBs nobody knows in the modern semantics, so that there unlock is too late anyway.",
	     { .init = A_AND_B, .threads = DOES_ONLY("madvise(a, MADV_PAGEOUT)")
	       ALSO_TELLS("madvise(a, MADV_DONTNEED)") READER }),
	PAIR("ksm", "D3", 'D', "ksm_merge", "equal contents in another page, old one freed",
	     "ksm_merge forgets order;",
	     "The pages are compared after they are write-protected, and before the flush.",
	     { .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES STORE }),
	PAIR("migrate", "D3", 'A', "migrate", "same contents in another page, old one freed",
	     "migrate forgets order;",
	     "The page is copied when its entry is gone, and before the flush.",
	     { .init = ALONE, .threads = DOES_ONLY("move_pages(a)") STORE }),
	PAIR("uffd_wp", "D3", 'D', "uffd_wp", "write-protected by userfaultfd",
	     "uffd_wp forgets nested;",
	     "Who finds the page protected returns before it is flushed, as MADV_DONTNEED did in Linux "
	     "before 99baac21e458. At unlock and end each tells, whatever it has found.",
	     { .init = A_AND_B, .consumer = WHEN_YOUNG,
	       .threads = DOES_ONLY("uffd_writeprotect(a, 1)")
	       ALSO_TELLS("uffd_writeprotect(a, 1);\n\tpage_idle(a)") LATE_STORE }),
	PAIR("numa_hint", "D3", 'D', "numa_hint", "access taken away to see the next one",
	     "numa_hint forgets nested;", "As with uffd_wp.",
	     { .init = A_AND_B, .consumer = WHEN_YOUNG,
	       .threads = DOES_ONLY("numa_hint(a)")
	       ALSO_TELLS("numa_hint(a);\n\tpage_idle(a)") LATE_STORE }),
	PAIR("munmap", "D3", 'A', "munmap", "object's page leaves an address space",
	     "munmap forgets dirty;",
	     "A dirty page is not flushed under the page table lock, and writeback finds it mapped "
	     "nowhere, and cleans it: Linux before 1cf35d47712d.",
	     { .init = "a = 1 shared; z = 1 beside a; b = 0; D0 caches a, b;", .consumer = WHEN_WRITEBACK,
	       .threads = DOES_ONLY("munmap(a)") ALSO_TELLS("msync(a)") LATE_STORE }),
	{ 0 },
};

const struct when_pair when_pairs[] = {
	{ "D1", "ksm-with-D1", "ksm-without-D1" },
	{ "D1", "munmap", "munmap-table" },
	{ "D2", "fork-with-D2", "fork-without-D2" },
	{ "D2", "mprotect-none-with-D2", "mprotect-none-without-D2" },
	{ "D2", "uffd_wp-with-D2", "uffd_wp-without-D2" },
	{ "D2", "clear_refs-with-D2", "clear_refs-without-D2" },
	{ "D2", "numa_hint-with-D2", "numa_hint-without-D2" },
	{ "D2", "ksm-with-D2", "ksm-without-D2" },
	{ "D2", "reclaim-with-D2", "reclaim-without-D2" },
	{ "D3", "ksm-with-D3", "ksm-without-D3" },
	{ "D3", "migrate-with-D3", "migrate-without-D3" },
	{ "D3", "uffd_wp-with-D3", "uffd_wp-without-D3" },
	{ "D3", "numa_hint-with-D3", "numa_hint-without-D3" },
	{ "D3", "munmap-with-D3", "munmap-without-D3" },
	{ "D4", "mprotect-none", "mremap" },
	{ "D4", "mprotect-none", "mremap-table" },
	{ "D4", "mprotect-none", "uffd_move" },
	{ 0 },
};

const struct when_condition when_conditions[] = {
	{ "D1", "something holds the old page, and its table, until the flush",
	  "Where the entry stays it has the reference, and who takes it away flushes: fork, mprotect, "
	  "userfaultfd, soft-dirty, hints and cleaning need nothing else. Of munmap the page is held "
	  "by the gather, but not the table, if nothing else is in it. For what else gives a page "
	  "up, column freed is the answer." },
	{ "D2", "nobody copies, moves or reuses the page before the flush",
	  "mmap_lock and the areas' locks see to it, the page lock, or that whoever comes flushes. "
	  "Not to be taken away: from mprotect that takes the right to write, since who would copy "
	  "the page needs that right, and looks at the area; from cleaning, since a shared page is "
	  "not copied, and who moves or drops it flushes what is still mapped." },
	{ "D3", "what the update is for comes after the flush",
	  "Where the caller alone relies on it (fork, mprotect, clear_refs, clean) it does so when the "
	  "call has returned: what happens without it, column never shows." },
	{ "D4", "the entry does not move on to another address",
	  "Who gives the page up at its new address flushes that one only. To take access away from "
	  "an entry is the same change, with no move." },
	{ 0 },
};
