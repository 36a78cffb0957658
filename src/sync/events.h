/* SPDX-License-Identifier: MIT */
/*
 * events.h - what the code can say of itself: each kind of event, its words with their types,
 * and the English sentence that it reads as. The only place that has the sentences.
 *
 * An event is a kind and so many words; nobody takes a sentence apart again. Pictures, JSON
 * and whoever listens read the kind and the words, and explore/engine/events.c makes the
 * sentence. So a sentence can be changed without changing what anybody concludes from it.
 *
 * The list stands at the door since the core, the checks and the litmus tests speak by it,
 * and none of them sees the explorer. A new kind is a line here and a sync_event() there.
 *
 *	X(enumerator, name, role, sentence, words)
 *
 * name is what JSON calls it. role and the types of words are those of mmun/explore.h,
 * without EXPLORE_. words are W(type, name), one after the other. In a sentence "{name}"
 * stands for that word, and "{name:text}" for the text if the word is not 0.
 */
#ifndef MMUN_EVENTS_H
#define MMUN_EVENTS_H

#include "base/base.h"

#define SYNC_EVENTS(X, W)                                                                          \
	/* Locks of page tables. */                                                                \
	X(TABLE_LOCK,      "table-lock",      LOCK,   "lock page table of {addr}",                 \
	  W(ADDRESS, addr))                                                                        \
	X(TABLE_UNLOCK,    "table-unlock",    UNLOCK, "unlock page table", )                       \
	X(TABLES_LOCK,     "tables-lock",     LOCK,   "lock both page tables", )                   \
	X(TABLES_UNLOCK,   "tables-unlock",   UNLOCK, "unlock both page tables", )                 \
	/* Entries and tables. */                                                                  \
	X(ENTRY_CLEAR,     "entry-clear",     STEP,   "clear pte of {addr}", W(ADDRESS, addr))     \
	X(ENTRY_SET,       "entry-set",       STEP,                                                \
	  "set pte of {addr} -> frame {frame}, {rights}",                                          \
	  W(ADDRESS, addr) W(FRAME, frame) W(RIGHTS, rights))                                      \
	X(HUGE_SET,        "huge-set",        STEP,                                                \
	  "set huge entry of {addr} -> frame {frame}, {rights}",                                   \
	  W(ADDRESS, addr) W(FRAME, frame) W(RIGHTS, rights))                                      \
	X(HUGE_SPLIT,      "huge-split",      STEP,   "split huge entry of {addr}",                \
	  W(ADDRESS, addr))                                                                        \
	X(HUGE_INVALIDATE, "huge-invalidate", STEP,   "invalidate huge entry of {addr}",           \
	  W(ADDRESS, addr))                                                                        \
	X(TABLE_MOVE,      "table-move",      STEP,   "move table of {from} to {to}",              \
	  W(ADDRESS, from) W(ADDRESS, to))                                                         \
	X(TABLE_PUT_BACK,  "table-put-back",  STEP,   "put the table of {addr} back",              \
	  W(ADDRESS, addr))                                                                        \
	X(TABLES_FREE,     "tables-free",     UNSHOWN, "free page tables from {start}",            \
	  W(OBJECT, mm) W(ADDRESS, start) W(END, end))                                         \
	/* Notifiers. */                                                                           \
	X(RANGE_START,     "range-start",     STEP,   "range_start of {start}",                    \
	  W(OBJECT, mm) W(ADDRESS, start) W(END, end))                                         \
	X(RANGE_START_NONBLOCK, "range-start-nonblock", STEP,                                      \
	  "range_start of {start}, not to block",                                                  \
	  W(OBJECT, mm) W(ADDRESS, start) W(END, end))                                         \
	X(RANGE_END,       "range-end",       STEP,   "range_end of {start}",                      \
	  W(OBJECT, mm) W(ADDRESS, start) W(END, end))                                         \
	/* TLBs: of the processors, and of devices. */                                             \
	X(FLUSH_ASK,       "flush-ask",       UNSHOWN, "asked to flush CPU TLBs from {start}",     \
	  W(OBJECT, mm) W(ADDRESS, start) W(END, end))                                         \
	X(FLUSH_BATCH,     "flush-batch",     UNSHOWN, "asked to flush what was put off",          \
	  W(OBJECT, mm))                                                                           \
	X(FLUSH_CPUS,      "flush-cpus",      STEP,   "flush CPU TLBs from {start}",               \
	  W(ADDRESS, start) W(END, end))                                                       \
	X(FLUSH_DEVICE,    "flush-device",    STEP,   "flush device TLB from {start}",             \
	  W(ADDRESS, start) W(END, end))                                                       \
	X(DEVICE_RELEASE,  "device-release",  STEP,   "device has released the address space", )   \
	X(PAGE_REQUEST,    "page-request",    STEP,   "page request for {addr}", W(ADDRESS, addr)) \
	X(TLB_LOAD,        "tlb-load",        STEP,                                                \
	  "{addr}{hit:, TLB hit}: frame {frame}: load = {value}",                                  \
	  W(ADDRESS, addr) W(FLAG, hit) W(FRAME, frame) W(NUMBER, value))                          \
	X(TLB_STORE,       "tlb-store",       STEP,                                                \
	  "{addr}{hit:, TLB hit}: frame {frame}: store {value}",                                   \
	  W(ADDRESS, addr) W(FLAG, hit) W(FRAME, frame) W(NUMBER, value))                          \
	X(WALK,            "walk",            DETAIL,                                              \
	  "TLB miss, walk of {addr}: frame {frame}, {rights}",                                     \
	  W(ADDRESS, addr) W(FRAME, frame) W(RIGHTS, rights))                                      \
	X(WALK_FAULT,      "walk-fault",      DETAIL, "TLB miss, walk of {addr}: fault",           \
	  W(ADDRESS, addr))                                                                        \
	/* Pages. */                                                                               \
	X(PAGE_COPY,       "page-copy",       DETAIL, "copy frame {from} to {to}",                 \
	  W(FRAME, from) W(FRAME, to))                                                             \
	X(PAGES_EQUAL,     "pages-equal",     DETAIL, "contents are equal", )                      \
	X(FRAME_FREE,      "frame-free",      STEP,   "free frame {frame}", W(FRAME, frame))       \
	X(HUGE_FREE,       "huge-free",       STEP,   "free huge page at frame {frame}",           \
	  W(FRAME, frame))                                                                         \
	X(HUGE_BREAK,      "huge-break",      STEP,                                                \
	  "huge page at frame {frame} becomes small pages", W(FRAME, frame))                       \
	X(SWAP_OUT,        "swap-out",        STEP,   "write frame {frame} to swap slot {slot}",   \
	  W(FRAME, frame) W(SLOT, slot))                                                           \
	X(SWAP_IN,         "swap-in",         STEP,   "read frame {frame} from swap slot {slot}",  \
	  W(FRAME, frame) W(SLOT, slot))                                                           \
	X(PIN,             "pin",             STEP,   "pin {addr}: frame {frame}",                 \
	  W(ADDRESS, addr) W(FRAME, frame))                                                        \
	X(UNPIN,           "unpin",           STEP,   "unpin frame {frame}", W(FRAME, frame))      \
	/* A device with a page table of its own. */                                               \
	X(MIRROR_DROP,     "mirror-drop",     STEP,                                                \
	  "drop {addr} from the device's page table", W(ADDRESS, addr))                            \
	X(MIRROR_SET,      "mirror-set",      STEP,                                                \
	  "device's page table: {addr} -> frame {frame}, {rights}",                                \
	  W(ADDRESS, addr) W(FRAME, frame) W(RIGHTS, rights))                                      \
	X(MIRROR_LOAD,     "mirror-load",     STEP,                                                \
	  "{addr}, mapped: frame {frame}: load = {value}",                                         \
	  W(ADDRESS, addr) W(FRAME, frame) W(NUMBER, value))                                       \
	X(MIRROR_STORE,    "mirror-store",    STEP,                                                \
	  "{addr}, mapped: frame {frame}: store {value}",                                          \
	  W(ADDRESS, addr) W(FRAME, frame) W(NUMBER, value))                                       \
	/* A litmus test's statement: as it is written, and what it is about, 0 if nothing. */     \
	X(STATEMENT,       "statement",       STATEMENT, "{text}",                                 \
	  W(TEXT, text) W(ADDRESS, addr) W(ADDRESS, other))                                        \
	/* Checks in C: what they say, and the words that mmun/kernel.h lends them. */             \
	X(NOTE,            "note",            STEP,   "{text}", W(TEXT, text))                     \
	X(VALUE,           "value",           STEP,   "{name} = {value}",                          \
	  W(NAME, name) W(VALUE, value))                                                           \
	X(VALUE_NAMED,     "value-named",     STEP,   "{name} = {value}",                          \
	  W(NAME, name) W(TEXT, value))                                                            \
	X(PLAIN_READ,      "plain-read",      STEP,                                                \
	  "plain read of {size}, {function}:{line}",                                               \
	  W(BYTES, size) W(NAME, function) W(NUMBER, line))                                        \
	X(PLAIN_WRITE,     "plain-write",     STEP,                                                \
	  "plain write of {size}, {function}:{line}",                                              \
	  W(BYTES, size) W(NAME, function) W(NUMBER, line))                                        \
	X(LOCK,            "lock",            LOCK,   "lock {lock}", W(NAME, lock))                \
	X(LOCK_READ,       "lock-read",       LOCK,   "lock {lock} (read)", W(NAME, lock))         \
	X(LOCK_WRITE,      "lock-write",      LOCK,   "lock {lock} (write)", W(NAME, lock))        \
	X(UNLOCK,          "unlock",          UNLOCK, "unlock {lock}", W(NAME, lock))              \
	X(DOWNGRADE,       "downgrade",       STEP,   "downgrade {lock}", W(NAME, lock))           \
	X(TRYLOCK_FAIL,    "trylock-fail",    STEP,   "trylock fails: {lock}", W(NAME, lock))      \
	X(RCU_LOCK,        "rcu-lock",        LOCK,   "lock RCU", )                                \
	X(RCU_UNLOCK,      "rcu-unlock",      UNLOCK, "unlock RCU", )                              \
	X(RCU_SYNCHRONIZE, "rcu-synchronize", STEP,   "synchronize RCU", )                         \
	X(SRCU_LOCK,       "srcu-lock",       LOCK,   "lock SRCU {domain}", W(NAME, domain))       \
	X(SRCU_UNLOCK,     "srcu-unlock",     UNLOCK, "unlock SRCU {domain}", W(NAME, domain))     \
	X(SRCU_SYNCHRONIZE, "srcu-synchronize", STEP, "synchronize SRCU {domain}",                 \
	  W(NAME, domain))                                                                         \
	X(CALL_LATER,      "call-later",      STEP,   "{call}{function}",                          \
	  W(NAME, call) W(NAME, function))                                                         \
	X(CALLS_OVER,      "calls-over",      STEP,   "{call}: all calls are over",                \
	  W(NAME, call))                                                                           \
	X(WAKE,            "wake",            STEP,   "wake up {queue}", W(NAME, queue))           \
	X(WOKEN,           "woken",           STEP,   "woken at {queue}", W(NAME, queue))          \
	X(COMPLETE,        "complete",        STEP,   "complete {completion}",                     \
	  W(NAME, completion))                                                                     \
	X(COMPLETE_ALL,    "complete-all",    STEP,   "complete all {completion}",                 \
	  W(NAME, completion))                                                                     \
	X(COMPLETED,       "completed",       STEP,   "waited for {completion}",                   \
	  W(NAME, completion))                                                                     \
	X(KMALLOC,         "kmalloc",         STEP,   "kmalloc of {size}{failed: fails}",          \
	  W(BYTES, size) W(FLAG, failed))                                                          \
	X(KFREE,           "kfree",           STEP,   "kfree", )                                   \
	X(MALLOC,          "malloc",          STEP,   "malloc of {size}{failed: fails}",           \
	  W(BYTES, size) W(FLAG, failed))                                                          \
	X(FREE,            "free",            STEP,   "free", )                                    \
	/* ... and those of mmun/kernel_mm.h. */                                                   \
	X(PTE_GET,         "pte-get",         STEP,   "entry of {addr}: {entry}",                  \
	  W(ADDRESS, addr) W(ENTRY, entry))                                                        \
	X(PTE_CLEAR,       "pte-clear",       STEP,   "clear entry of {addr}: {entry}",            \
	  W(ADDRESS, addr) W(ENTRY, entry))                                                        \
	X(PTE_SET,         "pte-set",         STEP,   "set entry of {addr}: {entry}",              \
	  W(ADDRESS, addr) W(ENTRY, entry))                                                        \
	X(PTE_ALLOC,       "pte-alloc",       STEP,   "pte_alloc_one: frame {frame}",              \
	  W(FRAME, frame))                                                                         \
	X(PTE_FREE,        "pte-free",        STEP,   "free page table, frame {frame}",            \
	  W(FRAME, frame))                                                                         \
	X(CHANGE_PTE,      "change-pte",      STEP,   "change_pte of {addr}", W(ADDRESS, addr))    \
	X(FLUSH_CALL,      "flush-call",      STEP,   "{call} of {start}",                         \
	  W(NAME, call) W(ADDRESS, start) W(END, end))                                         \
	X(FLUSHES_PENDING, "flushes-pending", STEP,   "TLB flushes pending: {count}",              \
	  W(NUMBER, count))                                                                        \
	X(GATHERS,         "gathers",         STEP,   "gathers: {count}", W(NUMBER, count))        \
	X(PAGE_ALLOC,      "page-alloc",      STEP,   "alloc_page: frame {frame}",                 \
	  W(FRAME, frame))                                                                         \
	X(HUGE_ALLOC,      "huge-alloc",      STEP,   "alloc_huge_page: from frame {frame} on",    \
	  W(FRAME, frame))                                                                         \
	X(PAGE_CALL,       "page-call",       STEP,   "{call}: frame {frame}{failed: fails}",      \
	  W(NAME, call) W(FRAME, frame) W(FLAG, failed))                                           \
	X(PAGE_COUNT,      "page-count",      STEP,   "{call}: frame {frame}: {count}",            \
	  W(NAME, call) W(FRAME, frame) W(NUMBER, count))                                          \
	X(MM_CALL,         "mm-call",         STEP,   "{call}{failed: fails}",                     \
	  W(NAME, call) W(FLAG, failed))                                                           \
	X(RMAP_ADD,        "rmap-add",        STEP,   "reverse map of frame {frame}: with {addr}", \
	  W(FRAME, frame) W(ADDRESS, addr))                                                        \
	X(RMAP_REMOVE,     "rmap-remove",     STEP,                                                \
	  "reverse map of frame {frame}: without {addr}", W(FRAME, frame) W(ADDRESS, addr))

enum sync_event {
#define X(e, ...) EVENT_##e,
	SYNC_EVENTS(X, )
#undef X
	EVENT_COUNT,
};

/* How many words each has. */
enum {
#define W(type, name) + 1
#define X(e, name, role, sentence, words) EVENT_WORDS_##e = 0 words,
	SYNC_EVENTS(X, W)
#undef X
#undef W
	EVENT_WORDS_MAX = 4,
};

/* A word of the type RIGHTS. */
enum event_rights { EVENT_NO_ACCESS, EVENT_RO, EVENT_RW };

/* A word of the type ENTRY: what an entry of a page table or of a TLB says, however that
 * keeps it. */
enum event_entry {
	EVENT_NOTHING,         /* a TLB has no entry */
	EVENT_NONE,            /* an entry is empty */
	EVENT_SWAPPED,         /* number: of the swap slot */
	EVENT_MOVING,          /* number: of the frame */
	EVENT_MAPPED,          /* the same */
};

enum { EVENT_RIGHTS_SHIFT = 4, EVENT_HUGE_SHIFT = 8, EVENT_NUMBER_SHIFT = 16 };

static inline uint64_t event_entry(enum event_entry is, uint32_t number, enum event_rights rights,
				   bool huge)
{
	return (uint64_t)is | (uint64_t)rights << EVENT_RIGHTS_SHIFT |
	       (uint64_t)huge << EVENT_HUGE_SHIFT | (uint64_t)number << EVENT_NUMBER_SHIFT;
}

#endif
