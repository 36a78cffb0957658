/* SPDX-License-Identifier: MIT */
/*
 * mm.h - what the files of the memory fuzzer share: the world of one program, the
 * shadow of what each address space maps, and the frame around a call.
 *
 * The shadow. A cell holds the words of a page. An area maps an object's cells, or,
 * where it is private, pages of its own (shadow_page); what has neither is 0. A pin
 * holds a cell: it goes on seeing what the address space sees, or, once that has
 * dropped the page, keeps it.
 */
#ifndef MMUN_FUZZ_MM_H
#define MMUN_FUZZ_MM_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iommu/ats.h"
#include "tests/audit.h"

enum {
	MMS = 6, CPUS = 6, DEVICES = 6, NOTIFIERS = 6, /* at once */
	OBJECTS = 24, PINS = 8,
	SLOTS = 8,          /* words of a page that are used */
	PAGES_MAX = 560,    /* an address space's own; more than a gather holds */
	OBJECT_PAGES = 64,
	CELLS_MAX = MMS * PAGES_MAX + OBJECTS * OBJECT_PAGES + PINS + 1,
	AREAS_MAX = 128,
	CACHED_MAX = 8,
	NEST_MAX = 4,
	FRAMES_TOP = 1024,
	OPS_MAX = 1000,
	NO_PROT = -1,
	ANON = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS,
	AREA_FLAGS = VMA_HUGEPAGE | VMA_MERGEABLE | VMA_DONTFORK | VMA_WIPEONFORK,
};

#define POISON UINT64_C(0xdeadbeefdeadbeef)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

struct input { const uint8_t *at, *end; };

struct cell { uint64_t word[SLOTS]; int refs; }; /* refs 0: free */

struct shadow_object {
	struct mmun_object *object;  /* NULL: of an anonymous shared mapping, or gone */
	int refs;                    /* creator and areas; 0: this one is free */
	uint64_t pages;              /* how long */
	struct cell *cell[OBJECT_PAGES]; /* NULL: nothing but 0 was written */
	bool dirty[OBJECT_PAGES];    /* written since it was last cleaned */
};

struct shadow_area {
	uint64_t start, end;
	int prot;
	unsigned flags;              /* AREA_FLAGS; shared or private */
	struct shadow_object *object;
	uint64_t offset;
};

enum page_flags {
	PAGE_LAZY = 1,    /* reclaim may drop it */
	PAGE_WP = 2,      /* write-protected by userfaultfd */
	PAGE_MAY_WP = 4,  /* ... perhaps */
	PAGE_WRITTEN = 8, /* since clear_refs: is to be told */
};

struct shadow_page { uint64_t page; struct cell *cell; unsigned flags; };

enum mm_state { MM_NONE, MM_LIVE, MM_DEAD }; /* dead: destroyed, but still known to users */

struct shadow {
	struct mmun_mm *mm;
	enum mm_state state;
	enum mmun_semantics semantics;
	int cpus, users; /* attached; users: devices and notifiers */
	int areas, pages;
	struct shadow_area area[AREAS_MAX]; /* ascending, merged */
	struct shadow_page page[PAGES_MAX];
};

struct cpu { struct mmun_cpu *cpu; struct shadow *s; };

enum device_kind { DEVICE_PLAIN, DEVICE_OPTS, DEVICE_HANDLER, DEVICE_REFUSES, DEVICE_KINDS };

struct device {
	struct mmun_ats *ats;
	struct shadow *s;
	enum device_kind kind;
	uint64_t addr; /* of the access under way */
	bool write;
};

/* What a notifier's user has taken from the page tables and must not keep too long. */
struct cached { uint64_t page; pte_t pte; };

struct notifier {
	struct mmu_notifier mn;
	struct shadow *s;      /* NULL: not registered */
	int kind;
	bool released;
	struct mmu_notifier_range open[NEST_MAX];
	int nested;
	struct cached cached[CACHED_MAX];
	int count;
};

struct pin { struct mmun_pin *pin; struct cell *cell; bool write, zero; };

/* What the call under way may notify. */
struct expected {
	struct mmun_mm *mm;    /* NULL: any, by rmap */
	int events;            /* 1 << event, 0: none */
	uint64_t lo, hi;       /* where; the huge pages that these touch may be split */
	bool quiet_alloc;      /* a failing allocation need not be an error */
	bool nonblock;
};

struct world {
	struct input in;
	struct mmun_machine *machine;
	struct shadow mm[MMS];
	struct shadow_object object[OBJECTS];
	struct cell cell[CELLS_MAX];
	struct cpu cpu[CPUS];
	struct device device[DEVICES];
	struct notifier notifier[NOTIFIERS];
	struct pin pin[PINS];
	uint8_t target;        /* of this op */
	unsigned fail_at;      /* which of its allocations fails, 0: none */
	bool failed;           /* and it did */
	bool busy;             /* a call is under way, which may: */
	struct expected may;
};

extern struct world world;
extern bool verbose;

/* --- input: mm_shadow.c ---------------------------------------------------- */

uint8_t take(struct world *w);
uint64_t take_u64(struct world *w);
uint64_t take_addr(struct world *w);
uint64_t take_len(struct world *w);
int take_prot(struct world *w);
uint64_t take_word(struct world *w, unsigned *ret_slot); /* the address of a word, or of none */
uint64_t slot_offset(unsigned slot);

/* --- the shadow: mm_shadow.c ----------------------------------------------- */

struct cell *cell_new(const struct cell *like);
void cell_put(struct cell *c);

const struct shadow_area *area_at(const struct shadow *s, uint64_t addr);
bool overlaps(const struct shadow *s, uint64_t start, uint64_t end);
bool is_covered(const struct shadow *s, uint64_t start, uint64_t end);
bool has_room(const struct shadow *s, uint64_t from, uint64_t len);
bool areas_are_full(const struct shadow *s);

/* like NULL: nothing is mapped there any more. Pages are the caller's business. */
void area_set(struct shadow *s, uint64_t start, uint64_t end, const struct shadow_area *like);
/* What changes in the range, area by area. */
void area_change(struct shadow *s, uint64_t start, uint64_t end, int prot, unsigned clear,
		 unsigned set);

struct shadow_page *page_at(struct shadow *s, uint64_t addr);
struct shadow_page *page_own(struct shadow *s, uint64_t addr); /* becomes one, if it was not */
void page_drop(struct shadow *s, struct shadow_page *p);
void pages_drop(struct shadow *s, uint64_t start, uint64_t end);
void pages_move(struct shadow *s, uint64_t from, uint64_t to, uint64_t len);
bool is_full(struct shadow *s, uint64_t addr);
void page_written(struct shadow *s, uint64_t addr, int slot, uint64_t value);

int want_access(const struct shadow *s, uint64_t addr, bool write);
uint64_t want_value(struct shadow *s, uint64_t addr, unsigned slot);

struct shadow_object *object_new(struct world *w);
void shadow_object_put(struct shadow_object *o);
void object_drop(struct shadow_object *o, uint64_t first, uint64_t end);
struct cell **object_cell(const struct shadow_area *a, uint64_t addr);

bool round_len(uint64_t addr, uint64_t *len); /* false: not within the user's addresses */
uint64_t range_end(uint64_t addr, uint64_t len);

/* After a call that may reclaim: which of the pages that may be dropped are gone. */
void shadow_resolve(struct world *w);

/* --- around a call: mm_watch.c --------------------------------------------- */

void begin(struct world *w, const struct expected *may);
void begin_quiet(struct world *w);
void begin_at(struct world *w, struct shadow *s, int event, uint64_t lo, uint64_t hi);
void finish(struct world *w, const char *name, uint64_t a, uint64_t b, int err);
bool got_frames(const struct world *w, int err, int want);
uint64_t frames_free(const struct world *w); /* small ones */

struct shadow *pick_mm(struct world *w);
struct shadow *free_mm(struct world *w);
void user_gone(struct shadow *s);

bool can_cache(const struct notifier *n);
bool ops_are_good(const struct mmu_notifier_ops *ops, enum mmun_semantics semantics);
extern const struct mmu_notifier_ops notifier_ops[];
extern const unsigned notifier_kinds;

/* --- calls: mm_space.c, mm_access.c, mm_advice.c --------------------------- */

void op_create(struct world *w);
void op_destroy(struct world *w);
void op_fork(struct world *w);
void op_mmap(struct world *w);
void op_mmap_shared(struct world *w);
void op_munmap(struct world *w);
void op_mprotect(struct world *w);
void op_mremap(struct world *w);
void op_object_create(struct world *w);
void op_object_destroy(struct world *w);
void op_object_truncate(struct world *w);
void op_object_punch(struct world *w);
void op_object_clean(struct world *w);
void mm_destroy(struct world *w, struct shadow *s);
void object_release(struct world *w, struct shadow_object *o);

void op_fault(struct world *w);
void op_cpu_create(struct world *w);
void op_cpu_destroy(struct world *w);
void op_cpu_access(struct world *w);
void op_ats_create(struct world *w);
void op_ats_destroy(struct world *w);
void op_ats_access(struct world *w);
void op_compare(struct world *w);
void op_fill(struct world *w);
void op_register(struct world *w);
void op_unregister(struct world *w);
void op_cache(struct world *w);
void op_pin(struct world *w);
void op_unpin(struct world *w);
void op_pin_access(struct world *w);
void cpu_destroy(struct world *w, struct cpu *c);
void device_destroy(struct world *w, struct device *d);
void unregister(struct world *w, struct notifier *n);
void unpin(struct world *w, struct pin *p);

void op_merge(struct world *w);
void op_replace(struct world *w);
void op_madvise(struct world *w);
void op_migrate(struct world *w);
void op_split(struct world *w);
void op_clear_refs(struct world *w);
void op_pagemap(struct world *w);
void op_young(struct world *w);
void op_uffd_wp(struct world *w);
void op_uffd_move(struct world *w);
void op_numa(struct world *w);
void op_reap(struct world *w);

#endif
