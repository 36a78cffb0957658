/* SPDX-License-Identifier: MIT */
/*
 * differences.c - where mmun's orders are not those of the recordings, and why that is as it
 * should be. compare.c reads the table; tests/kernel_orders.c fails for a difference that is
 * not here, and for a line here that is no longer true.
 */
#include "orders/orders.h"

/* Ranges: p0, a window's only page, the first huge page. */
#define P0 "W+0x1000..W+0x2000"
#define ONE "W+0..W+0x1000"
#define HUGE "W+0..W+0x200000"

#define COPIED_WHY \
	"there somebody still had a reference to the page when it was written: it was copied"
#define NOT_IDLE_WHY "this kernel does not track idle pages"
#define BREAKPOINT_WHY "mmun does not put the instruction back"

/* Of soft_offline: the page is put back, and is then tried again. */
#define PUT_BACK "p0:=[P RW A D #A]"
#define TRIED_AGAIN \
	" ; START(" P0 " CLEAR) ; p0:=none ; CPUTLB(" P0 ")@ptl ; p0:=[migration] ; " \
	"SECTLB(" P0 ") ; END(" P0 " CLEAR) ; " PUT_BACK
#define THREE_TIMES TRIED_AGAIN TRIED_AGAIN TRIED_AGAIN

/* What a huge entry is while it is split, under its lock. */
#define NOT_PRESENT(bits) "p0:=PMD-HUGE[np " bits "] ; p1:=PMD-HUGE[np " bits "]"
#define NO_ACCESS "p0:=PMD-HUGE[PROTNONE] ; p1:=PMD-HUGE[PROTNONE]"
#define NOT_PRESENT_WHY \
	"x86 has a mark of its own for a huge entry that is being split, mmun takes its access away"

const struct order_omission order_omissions[] = {
	{ ORDER_KVM_FLUSH, "there is no KVM here" },
	{ 0 },
};

const struct order_difference order_differences[] = {
	{ "clear_refs_4", "6.12.117-small", "", "p0:=[P RO A #A] ; p1:=[P RO A #B]",
	  "this kernel keeps no soft-dirty bits, so it has nothing to write-protect" },
	{ "cow_reuse_write", "6.1.",
	  "START(" P0 " CLEAR) ; p0:=none ; CPUTLB(" P0 ")@ptl ; SECTLB(" P0 ")@ptl ; "
	  "CHANGE_PTE@ptl ; p0:=[P RW A D #C] ; END(" P0 " CLEAR)",
	  "p0:=[P RW A D #A]", COPIED_WHY },
	{ "cow_reuse_write", "6.12.117-small",
	  "START(" P0 " CLEAR) ; p0:=none ; CPUTLB(" P0 ")@ptl ; SECTLB(" P0 ")@ptl ; "
	  "p0:=[P RW A D #C] ; END(" P0 " CLEAR)",
	  "p0:=[P RW A D #A]", COPIED_WHY },
	{ "exit", "6.", "CPUTLB(0..~0)", "",
	  "the process maps more than the window, which Linux flushes on the way: a batch is "
	  "full, or a dirty page of a file may not wait" },
	{ "fork", "6.1.", "CHANGE_PTE ; CHANGE_PTE", "",
	  "the program goes on, and writes to pages outside of the window that it now shares with "
	  "its child; the recording does not tell of which page change_pte is" },
	{ "move_pages", "6.12.117-small", "", "*", "this kernel has one node of memory only" },
	{ "page_idle", "6.1.", "", "*", NOT_IDLE_WHY },
	{ "page_idle", "6.12.117-debian", "", "*", NOT_IDLE_WHY },
	{ "soft_offline", "6.1.", PUT_BACK THREE_TIMES THREE_TIMES THREE_TIMES, "p0:=[P RW A D #C]",
	  "there the page cannot be taken out of service: it is put back, ten times" },
	{ "soft_offline", "6.12.117-small", "", "*",
	  "this kernel cannot take a page out of service" },
	{ "thp_cow_fork_write", "", NOT_PRESENT("RO A"), NO_ACCESS, NOT_PRESENT_WHY },
	{ "thp_split_dontneed", "", NOT_PRESENT("RW A D"), NO_ACCESS, NOT_PRESENT_WHY },
	{ "thp_split_folio", "", NOT_PRESENT("RW A D"), NO_ACCESS, NOT_PRESENT_WHY },
	{ "thp_split_folio", "6.12.117-small",
	  "START(" HUGE " CLEAR) ; p0:=pmd-none ; p1:=pmd-none ; CPUTLB(" HUGE ")@pmdl ; "
	  "SECTLB(0..~0)@pmdl",
	  "", "khugepaged collapses the page again before the record ends" },
	{ "thp_split_mprotect", "", NOT_PRESENT("RW A D"), NO_ACCESS, NOT_PRESENT_WHY },
	{ "thp_split_munmap", "", NOT_PRESENT("RW A D"), NO_ACCESS, NOT_PRESENT_WHY },
	{ "uprobe", "6.1.",
	  "-- unregister ; START(" ONE " CLEAR) ; p0:=none ; CPUTLB(" ONE ")@ptl ; "
	  "SECTLB(" ONE ")@ptl ; SECTLB(" ONE ") ; END(" ONE " CLEAR) ; p0:=[P RO A #A]",
	  "", BREAKPOINT_WHY },
	{ "uprobe", "6.12",
	  "-- unregister ; START(" ONE " CLEAR) ; p0:=none ; CPUTLB(" ONE ")@ptl ; "
	  "SECTLB(" ONE ")@ptl ; END(" ONE " CLEAR) ; p0:=[P RO A #A]",
	  "", BREAKPOINT_WHY },
	{ 0 },
};
