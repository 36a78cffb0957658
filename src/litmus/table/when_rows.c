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
	{ .name = "set", .meaning = "under the page table lock, after set" },
	{ .name = "unlock", .meaning = "after the page table lock was dropped, before range_end" },
	{ .name = "end", .meaning = "in range_end" },
	{ .name = "after", .meaning = "after range_end, before pages are freed" },
	{ .name = "freed", .meaning = "after pages are freed" },
	{ .name = "never", .meaning = "no flush", .none = true },
	{ .name = "default", .none = true,
	  .meaning = "as in the semantics: at all flush points with a * together" },
	{ .name = "permissions", .none = true, .device = "D0 caches permissions;", .tlb = true,
	  .meaning = "as default, with a TLB that caches permissions (SMMU)" },
	{ .name = "cpu", .none = true, .processor = true,
	  .meaning = "as default, with another processor in the device's place" },
	{ .name = "mirror", .none = true, .device = "D0 mirrors;",
	  .meaning = "as default, with a device's own page table, kept by an interval notifier (HMM)" },
	{ .name = "shadow", .none = true, .device = "D0 shadows;",
	  .meaning = "as default, with one that is kept by counting starts and ends (KVM)" },
	{ 0 },
};

const struct when_kind when_kinds[] = {
	{ 'A', "the page or its page table is freed" },
	{ 'B', "the entry gets a page with other contents" },
	{ 'C', "the entry moves to another address" },
	{ 'D', "permissions are removed, or the contents stay the same" },
	{ 'E', "a permission or a page is added" },
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
	{ .name = "munmap", .update = "the page is freed, its page table stays", .kind = 'A',
	  .notify = "munmap", .scene = {
		{ .init = BESIDE, .threads = DOES_ONLY("munmap(a)") LOAD },
		{ .init = BESIDE, .threads = DOES_ONLY("munmap(a)") STORE },
		{ .init = "a = 1; z = 1 beside a; b = 0; D0 caches a, b;",
		  .threads = DOES("munmap(a)") READER },
	} },
	{ .name = "munmap-table", .update = "the page and its page table are freed", .kind = 'A',
	  .notify = "munmap",
	  .note = "A flush under the page table lock comes before the page table is unlinked "
		  "from the table above: a walk that begins later still finds it.",
	  .scene = {
		{ .init = ALONE, .threads = DOES_ONLY("munmap(a)") LOAD },
		{ .init = "a = 1;", .threads = DOES_ONLY("munmap(a)") LOAD },
	} },
	{ .name = "mmap", .update = "another area is mapped in its place", .kind = 'A',
	  .notify = "munmap", .scene = {
		{ .init = BESIDE, .threads = DOES_ONLY("mmap(a)") LOAD },
		{ .init = BESIDE, .threads = DOES_ONLY("mmap(a)") STORE_LOAD },
		{ .init = "a = 1; z = 1 beside a; b = 0; D0 caches a, b;",
		  .threads = DOES("mmap(a)") READER },
	} },
	{ .name = "dontneed", .update = "the page is freed, and is zero when read again",
	  .kind = 'A',
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
	{ .name = "truncate", .update = "an object's page is freed, and later accesses fault",
	  .kind = 'A',
	  .notify = "truncate",
	  .note = "A dirty page is flushed under the page table lock already, where the column "
		  "is after.",
	  .scene = {
		{ .init = SHARED, .threads = DOES_ONLY("truncate(a)") LOAD },
		{ .init = SHARED, .threads = DOES_ONLY("msync(a);\n\ttruncate(a)") LOAD },
		{ .init = SHARED_AND_B, .threads = DOES("truncate(a)") READER },
		{ .init = SHARED_AND_B,
		  .threads = DOES_ONLY("truncate(a)") ALSO_TELLS("munmap(a)") READER,
		  .tlb_only = true },
	} },
	{ .name = "punch", .update = "an object's page is freed, and is zero when read again",
	  .kind = 'A',
	  .notify = "truncate", .scene = {
		{ .init = SHARED, .threads = DOES_ONLY("fallocate(a, FALLOC_FL_PUNCH_HOLE)") LOAD },
		{ .init = SHARED,
		  .threads = DOES_ONLY("msync(a);\n\tfallocate(a, FALLOC_FL_PUNCH_HOLE)") LOAD },
		{ .init = SHARED_AND_B,
		  .threads = DOES("fallocate(a, FALLOC_FL_PUNCH_HOLE)") READER },
		{ .init = SHARED_AND_B, .threads = DOES_ONLY("fallocate(a, FALLOC_FL_PUNCH_HOLE)")
		  ALSO_TELLS("munmap(a)") READER, .tlb_only = true },
	} },
	{ .name = "reclaim", .update = "the page is written to swap and freed", .kind = 'A',
	  .notify = "reclaim",
	  .note = "A late flush is safe for threads that wait for the page, which is locked and "
		  "referenced until the flush. MADV_DONTNEED removes the swap entry and waits "
		  "for nobody: it returns before the flush. In the classic semantics range_end "
		  "of MADV_DONTNEED flushes in any case.",
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
	{ .name = "reclaim-free", .update = "a page that MADV_FREE gave up is dropped", .kind = 'A',
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
	{ .name = "migrate", .update = "the contents move to another page, the old one is freed",
	  .kind = 'A',
	  .notify = "migrate",
	  .note = "The copy comes after the flush, whatever the flush point, and a fault waits "
		  "at the migration entry. MADV_DONTNEED does not wait, as with reclaim.",
	  .scene = {
		{ .init = ALONE, .threads = DOES_ONLY("move_pages(a)") STORE },
		{ .init = ALONE, .threads = DOES_ONLY("move_pages(a)") LOAD },
		{ .init = ALONE,
		  .threads = DOES_ONLY("move_pages(a)") ALSO("WRITE_ONCE(*a, 3)") STORE },
		{ .init = A_AND_B, .threads = DOES_ONLY("move_pages(a)")
		  ALSO_TELLS("madvise(a, MADV_DONTNEED)") READER },
	} },
	{ .name = "collapse", .update = "small pages are copied to a huge one and freed",
	  .kind = 'A',
	  .notify = "collapse", .scene = {
		{ .init = "a = 1 split; D0 caches a;",
		  .threads = DOES_ONLY("madvise(a, MADV_COLLAPSE)") STORE },
		{ .init = "a = 1 split; D0 caches a;",
		  .threads = DOES_ONLY("madvise(a, MADV_COLLAPSE)") LOAD },
	} },
	{ .name = "cow", .update = "a write to a shared page makes a copy", .kind = 'B',
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
	  .note = "The huge entry is split first, and in the modern semantics that already "
		  "flushes the secondary TLBs. In these tests it does not.",
	  .scene = {
		{ .init = "a = 0 huge cow; a2 = 0 with a; b = 0; D0 caches a, b;\n\tnotify split = never;",
		  .threads = BREAKS_COW WRITER READER, .tlb_only = true },
		{ .init = "a = 0 huge cow; a2 = 0 with a; D0 caches a;\n\tnotify split = never;",
		  .threads = BREAKS_COW STORE_LOAD },
	} },
	{ .name = "cow-file", .update = "a write to a private page of an object makes a copy",
	  .kind = 'B',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 file; a2 = 0 with a; b = 0; D0 caches a, b;",
		  .threads = BREAKS_COW WRITER READER },
	} },
	{ .name = "zero", .update = "a write to the zero page gets a page", .kind = 'B',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 zero; a2 = 0 with a; b = 0; D0 caches a, b;",
		  .threads = BREAKS_COW WRITER READER },
	} },
	{ .name = "replace_page", .update = "a changed copy replaces the page of a read-only area",
	  .kind = 'B',
	  .notify = "replace_page", .scene = {
		{ .init = "a = 0 cow readonly; b = 0; D0 caches a, b;",
		  .threads = DOES_ONLY("replace_page(a, 1)")
		  "P1(int *a, int *b)\n{\n\tif (READ_ONCE(*a) == 1)\n"
		  "\t\tsmp_store_release(b, 1);\n}\n" READER },
		{ .init = "a = 0 readonly; D0 caches a;",
		  .threads = DOES_ONLY("replace_page(a, 1)") LOAD },
	} },
	{ .name = "mremap", .update = "the entry moves, the page is freed at its new address",
	  .kind = 'C',
	  .notify = "mremap",
	  .note = "truncate finds the page through the object, without mmap_lock, and has "
		  "nothing to flush at the old address. In the classic semantics its range_end "
		  "flushes there all the same, and so does mremap when it unmaps the old area. "
		  "Migration finds the page through the reverse map and flushes its new address "
		  "only. It is early enough to show that the classic semantics are broken.",
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
	{ .name = "mremap-table", .update = "the page table moves", .kind = 'C',
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
	{ .name = "uffd_move", .update = "the page moves (UFFDIO_MOVE), and is freed there",
	  .kind = 'C',
	  .notify = "uffd_move",
	  .note = "mmap_lock is held for reading only: MADV_DONTNEED of the new address may "
		  "come as soon as the page table locks are dropped.",
	  .scene = {
		{ .init = "a = 1; c = 0 none; b = 0; D0 caches a, b;",
		  .threads = "P0(int *a, int *c, int *b)\n{\n\tuffd_move(c, a);\n"
		  "\tsmp_store_release(b, 1);\n}\n" LATE_STORE },
		{ .init = "a = 1; c = 0 none; D0 caches a;",
		  .threads = GIVES "P1(int *c)\n{\n\tmadvise(c, MADV_DONTNEED);\n}\n" LOAD },
	} },
	{ .name = "ksm", .update = "a page with equal contents replaces it, the old one is freed",
	  .kind = 'D',
	  .notify = "ksm_merge",
	  .scene = {
		{ .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES LOAD },
		{ .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES STORE_LOAD },
	} },
	{ .name = "fork", .update = "the page is write-protected, and shared with the child",
	  .kind = 'D',
	  .notify = "fork",
	  .scene = {
		{ .init = "a = 0; b = 0; D0 caches a, b;", .threads = DOES("fork(c)") LATE_STORE },
		{ .init = "a = 0; a2 = 0 with a; D0 caches a;",
		  .threads = "P0(int *a2)\n{\n\tfork(c);\n\tWRITE_ONCE(*a2, 1);\n}\n" STORE },
		{ .init = "a = 0; a2 = 0 with a; D0 caches a;",
		  .threads = "P0()\n{\n\tfork(c);\n}\nP1(int *a2)\n{\n\tWRITE_ONCE(*a2, 1);\n}\n" STORE_LOAD },
	} },
	{ .name = "mprotect", .update = "the page is write-protected", .kind = 'D',
	  .notify = "mprotect",
	  .note = "A page that is on the move is not mapped. mprotect changes its entry and "
		  "flushes nothing after range_end, because it relies on the flush of "
		  "migration. In the classic semantics that flush may be still to come.",
	  .scene = {
		{ .init = A_AND_B, .threads = DOES("mprotect(a, PROT_READ)") LATE_STORE },
		{ .init = ALONE, .threads = DOES_ONLY("mprotect(a, PROT_READ)") STORE },
		{ .init = SHARED,
		  .threads = DOES_ONLY("mprotect(a, PROT_READ)") ALSO("truncate(a)") STORE },
		{ .init = ALONE,
		  .threads = DOES_ONLY("mprotect(a, PROT_READ)") ALSO("move_pages(a)") STORE },
	} },
	{ .name = "mprotect-none", .update = "all access is removed", .kind = 'D',
	  .notify = "mprotect", .note = "As with mprotect.", .scene = {
		{ .init = A_AND_B, .threads = DOES("mprotect(a, PROT_NONE)") READER },
		{ .init = SHARED,
		  .threads = DOES_ONLY("mprotect(a, PROT_NONE)") ALSO("truncate(a)") LOAD },
		{ .init = ALONE,
		  .threads = DOES_ONLY("mprotect(a, PROT_NONE)") ALSO("move_pages(a)") STORE },
	} },
	{ .name = "uffd_wp", .update = "userfaultfd write-protects the page", .kind = 'D',
	  .notify = "uffd_wp", .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("uffd_writeprotect(a, 1)") LATE_STORE, .consumer = WHEN_UFFD_WP },
		{ .init = A2, .threads = DOES_ONLY("uffd_writeprotect(a, 1)") WRITES_A2 STORE_LOAD },
	} },
	{ .name = "clear_refs", .update = "the page is write-protected to see writes (soft-dirty)",
	  .kind = 'D',
	  .notify = "clear_refs", .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("clear_refs(4)") LATE_STORE, .consumer = WHEN_SOFT_DIRTY },
		{ .init = A2, .threads = DOES_ONLY("clear_refs(4)") WRITES_A2 STORE_LOAD },
	} },
	{ .name = "clean", .update = "the page is write-protected before writeback", .kind = 'D',
	  .notify = "clean", .scene = {
		{ .init = SHARED_AND_B,
		  .threads = DOES("msync(a)") LATE_STORE, .consumer = WHEN_WRITEBACK },
		{ .init = SHARED_AND_B,
		  .threads = DOES_ONLY("msync(a)") ALSO_TELLS("munmap(a)") LATE_STORE },
	} },
	{ .name = "numa_hint", .update = "access is removed to see the next one", .kind = 'D',
	  .notify = "numa_hint",
	  .note = "Without any flush the accesses of the device are no hints. Nothing else is "
		  "lost: migration and copy-on-write flush the secondary TLBs whatever the "
		  "entry allows.",
	  .scene = {
		{ .init = A_AND_B,
		  .threads = DOES("numa_hint(a)") LATE_STORE, .consumer = WHEN_HINT },
		{ .init = ALONE, .threads = DOES_ONLY("numa_hint(a)") ALSO("move_pages(a)") STORE },
		{ .init = "a = 0 cow; a2 = 0 with a; D0 caches a;",
		  .threads = DOES_ONLY("numa_hint(a)")
		  "P1(int *a2)\n{\n\tWRITE_ONCE(*a2, 1);\n}\n" LOAD },
	} },
	{ .name = "free", .update = "the page may be dropped until it is written (MADV_FREE)",
	  .kind = 'D',
	  .notify = "free",
	  .note = "MADV_FREE itself frees no page, so freed is only a later flush.",
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
	{ .name = "split", .update = "a huge entry becomes small ones, for the same pages",
	  .kind = 'D',
	  .notify = "split", .scene = {
		{ .init = "a = 1 huge; a2 = 1 beside a; D0 caches a;",
		  .threads = "P0(int *a2)\n{\n\tmprotect(a2, PROT_READ);\n}\n" STORE },
		{ .init = "a = 1 huge; a2 = 1 beside a; D0 caches a2;",
		  .threads = "P0(int *a2)\n{\n\tmunmap(a2);\n}\nD0(int *a2)\n{\n\tWRITE_ONCE(*a2, 2);\n}\n" },
		{ .init = "a = 1 huge; D0 caches a;",
		  .threads = DOES_ONLY("split_huge_page(a);\n\tmadvise(a, MADV_DONTNEED)") LOAD },
	} },
	{ .name = "first-touch", .update = "an empty entry gets a page", .kind = 'E',
	  .notify = "cow", .scene = {
		{ .init = "a = 0 none; b = 0;", .threads = DOES("WRITE_ONCE(*a, 1)") READER },
	} },
	{ .name = "swap-in", .update = "a swap entry gets a page", .kind = 'E',
	  .notify = "reclaim", .scene = {
		{ .init = "a = 0 swapped; b = 0;", .threads = DOES("WRITE_ONCE(*a, 1)") READER },
	} },
	{ .name = "reuse", .update = "a write to a read-only page that nobody shares", .kind = 'E',
	  .notify = "cow", .scene = {
		{ .init = "a = 0; b = 0; D0 caches a, b;",
		  .threads = DOES("clear_refs(4);\n\tWRITE_ONCE(*a, 1)") READER },
		{ .init = "a = 0; D0 caches a;",
		  .threads = DOES_ONLY("clear_refs(4);\n\tWRITE_ONCE(*a, 1)")
		  STORE_LOAD },
	} },
	{ .name = "mprotect-write", .update = "write permission is added", .kind = 'E',
	  .notify = "mprotect", .scene = {
		{ .init = "a = 1 readonly; b = 0; D0 caches a, b;",
		  .threads = DOES("mprotect(a, PROT_READ | PROT_WRITE)") LATE_STORE },
	} },

	{ .name = "upgrade", .kind = 'E', .notify = "upgrade", .caches_permissions = true,
	  .update = "write permission is added, for a TLB that caches permissions",
	  .note = "The flush points are those for a device whose TLB caches permissions. No "
		  "memory is wrong: without a flush the device makes the same page request "
		  "forever.", .scene = {
		{ .init = "a = 0;", .threads = DOES_ONLY("clear_refs(4);\n\tWRITE_ONCE(*a, 1)")
		  "D0(int *a)\n{\n\tint r0 = READ_ONCE(*a);\n\tint r1 = WRITE_ONCE(*a, 2);\n}\n" },
	} },

	PAIR("ksm", "D1", 'D', "ksm_merge",
	     "a page with equal contents replaces it, the old one is freed",
	     "ksm_merge forgets reference;",
	     "Nothing but the entry has a reference to the old page, so it is freed when the "
	     "entry has changed. That is so in replace_page() of Linux, too, but its caller has "
	     "one more reference.",
	     { .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES LOAD },
	     { .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES STORE_LOAD }),
	PAIR("fork", "D2", 'D', "fork", "the page is write-protected, and shared with the child",
	     "fork forgets areas;",
	     "Page faults happen meanwhile, and copy pages that are write-protected: Linux "
	     "before fb49c455323f.",
	     { .init = A2, .threads = "P0()\n{\n\tfork(c);\n}\n" STORE FAULTS }),
	PAIR("mprotect-none", "D2", 'D', "mprotect", "all access is removed",
	     "migrate forgets pending;",
	     "Migration believes that no TLB has an entry without access, as with numa_hint.",
	     { .init = ALONE,
	       .threads = DOES_ONLY("mprotect(a, PROT_NONE)") ALSO("move_pages(a)") STORE }),
	PAIR("uffd_wp", "D2", 'D', "uffd_wp", "userfaultfd write-protects the page",
	     "cow forgets reuse, pending;",
	     "A fault copies the page although nobody shares it, and flushes nothing before: "
	     "Linux before 6ce64428d620.",
	     { .init = ALONE, .threads = DOES_ONLY("uffd_writeprotect(a, 1)") COPIES STORE }),
	PAIR("clear_refs", "D2", 'D', "clear_refs",
	     "the page is write-protected to see writes (soft-dirty)",
	     "clear_refs forgets areas;\n\tcow forgets reuse, pending;",
	     "Page faults happen meanwhile, copy the page although nobody shares it, and flush "
	     "nothing before.",
	     { .init = A2, .threads = DOES_ONLY("clear_refs(4)") STORE FAULTS }),
	PAIR("numa_hint", "D2", 'D', "numa_hint", "access is removed to see the next one",
	     "migrate forgets pending;",
	     "Migration believes that no TLB has an entry without access: Linux before "
	     "7066f0f933a1, for huge pages.",
	     { .init = ALONE, .threads = DOES_ONLY("numa_hint(a)") ALSO("move_pages(a)") STORE }),
	PAIR("ksm", "D2", 'D', "ksm_merge",
	     "a page with equal contents replaces it, the old one is freed",
	     "cow forgets pending;",
	     "A fault copies a page that is write-protected and not yet flushed. In Linux the "
	     "fault waits for the page lock; in mmun it flushes first.",
	     { .init = "a = 0; c = 0 cow; D0 caches a;",
	       .threads = "P0(int *a, int *c)\n{\n\tksm_merge(a, c);\n}\n" COPIES STORE }),
	PAIR("reclaim", "D2", 'A', "reclaim", "the page is written to swap and freed",
	     "reclaim forgets pending;",
	     "MADV_DONTNEED removes the swap entry, and does not flush what the batch has "
	     "deferred: Linux before 3ea277194daa. That concerns the TLBs of processors. In the "
	     "modern semantics nothing counts deferred flushes of secondary TLBs, so unlock is "
	     "too late there in both rows.",
	     { .init = A_AND_B, .threads = DOES_ONLY("madvise(a, MADV_PAGEOUT)")
	       ALSO_TELLS("madvise(a, MADV_DONTNEED)") READER }),
	PAIR("ksm", "D3", 'D', "ksm_merge",
	     "a page with equal contents replaces it, the old one is freed",
	     "ksm_merge forgets order;",
	     "The pages are compared after they are write-protected, and before the flush.",
	     { .init = "a = 0; c = 0; D0 caches a;", .threads = MERGES STORE }),
	PAIR("migrate", "D3", 'A', "migrate",
	     "the contents move to another page, the old one is freed",
	     "migrate forgets order;",
	     "The page is copied when its entry is gone, and before the flush.",
	     { .init = ALONE, .threads = DOES_ONLY("move_pages(a)") STORE }),
	PAIR("uffd_wp", "D3", 'D', "uffd_wp", "userfaultfd write-protects the page",
	     "uffd_wp forgets nested;",
	     "A call that finds the page protected returns before the page is flushed, as "
	     "MADV_DONTNEED did in Linux before 99baac21e458. At the flush points unlock and "
	     "end each call flushes, whatever it has found.",
	     { .init = A_AND_B, .consumer = WHEN_YOUNG,
	       .threads = DOES_ONLY("uffd_writeprotect(a, 1)")
	       ALSO_TELLS("uffd_writeprotect(a, 1);\n\tpage_idle(a)") LATE_STORE }),
	PAIR("numa_hint", "D3", 'D', "numa_hint", "access is removed to see the next one",
	     "numa_hint forgets nested;", "As with uffd_wp.",
	     { .init = A_AND_B, .consumer = WHEN_YOUNG,
	       .threads = DOES_ONLY("numa_hint(a)")
	       ALSO_TELLS("numa_hint(a);\n\tpage_idle(a)") LATE_STORE }),
	PAIR("munmap", "D3", 'A', "munmap", "an object's page leaves an address space",
	     "munmap forgets dirty;",
	     "A dirty page is not flushed under the page table lock. Writeback finds it mapped "
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
	{ "D1", "something holds the old page, and its page table, until the flush",
	  "Where the entry stays, it has the reference, and an operation that removes the entry "
	  "flushes: fork, mprotect, userfaultfd, soft-dirty, hints and cleaning need nothing "
	  "else. In munmap the gather holds the page. It does not hold the page table, if that "
	  "is empty and freed. For all other updates that free a page, the column freed is the "
	  "answer." },
	{ "D2", "nobody copies, moves or reuses the page before the flush",
	  "This is ensured by mmap_lock and the locks of the areas, by the page lock, or by a "
	  "flush of whoever comes. In two cases it cannot be removed. mprotect that removes "
	  "write permission: a fault that would copy the page needs that permission, and looks "
	  "at the area. Cleaning: a shared page is not copied, and an operation that moves or "
	  "drops it flushes what is still mapped." },
	{ "D3", "what relies on the update comes after the flush",
	  "Where only the caller relies on the update (fork, mprotect, clear_refs, clean), it "
	  "does so when the call has returned. What happens without the condition is shown by "
	  "the column never." },
	{ "D4", "the entry does not move on to another address",
	  "An operation that frees the page at its new address flushes the new address only. "
	  "Removing access from an entry is the same change without a move." },
	{ 0 },
};
