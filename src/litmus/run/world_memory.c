/* SPDX-License-Identifier: MIT */
/*
 * world_memory.c - the memory of a litmus test: where variables live, their pages as the
 * initial state describes them, and what is in them at the end. world.c calls it.
 *
 * Each leaf page table of the test is one of three in a group that shares the upper tables.
 * The first leaf of each group holds an area that nobody touches, so unmapping a variable
 * frees its leaf table but not the tables of its neighbors. Where tables are large, the pages
 * of each table begin at another entry, so that no two pages share an entry of a TLB. A huge
 * page begins at the first entry.
 */
#include <errno.h>

#include "litmus/run/world.h"

enum { TABLES_PER_GROUP = TABLE_ENTRIES - 1, FRAMES_PER_THREAD = 14, HUGE_PER_THREAD = 2 };

static uint64_t leaf_addr(int group, int leaf)
{
	return ((uint64_t)group * TABLE_ENTRIES + (uint64_t)leaf) * entry_bytes(1);
}

uint64_t world_page_addr(const struct litmus *test, int var)
{
	const struct litmus_var *v = &test->var[var];
	uint64_t shift = (uint64_t)v->table % (TABLE_ENTRIES / LITMUS_SLOTS_MAX) * LITMUS_SLOTS_MAX;

	if (v->span != SPAN_PAGE)
		shift = 0;
	return leaf_addr(v->table / TABLES_PER_GROUP, 1 + v->table % TABLES_PER_GROUP) +
	       (shift + (uint64_t)v->slot) * PAGE_BYTES;
}

uint64_t world_var_addr(const struct litmus *test, int var)
{
	return world_page_addr(test, var) + (uint64_t)test->var[var].word * sizeof(uint64_t);
}

uint64_t world_named_addr(const struct litmus *test, int var)
{
	return var < 0 ? 0 : world_var_addr(test, var);
}

uint64_t world_var_bytes(const struct litmus *test, int var)
{
	const struct litmus_var *v = &test->var[var];

	return v->span != SPAN_PAGE && !v->slot ? HUGE_BYTES : PAGE_BYTES;
}

/* --- the machine --------------------------------------------------------- */

static unsigned huge_tables(const struct litmus *test)
{
	unsigned tables = 0;

	for (int v = 0; v < test->vars; v++)
		if (test->var[v].span != SPAN_PAGE)
			tables |= 1u << test->var[v].table;
	return (unsigned)__builtin_popcount(tables);
}

/* Half of each pool is for set-up, half for the threads together. */
void world_machine_opts(const struct litmus *test, struct mmun_machine_opts *ret)
{
	uint64_t huge = huge_tables(test), threads = (uint64_t)test->threads;
	uint64_t small = huge * TABLE_ENTRIES; /* what becomes of huge pages */
	uint64_t one = 4 + 3 * (uint64_t)test->tables + (uint64_t)test->pages + 2 + small;
	uint64_t each = FRAMES_PER_THREAD + 2 * small;

	*ret = (struct mmun_machine_opts){
		.frames = 2 * max_u64(2 * one + 4,
				      threads * (each + one * (uint64_t)test->children * 2)),
		.huge_frames = huge ? 2 * max_u64(2 * huge, threads * HUGE_PER_THREAD) : 0,
		.swap_pages = 2 * max_u64((uint64_t)test->pages, threads * (uint64_t)test->pages),
	};
}

/* --- pages as they are at the start -------------------------------------- */

static int map_page(struct world *w, int var, int flags)
{
	const struct litmus_var *v = &w->test->var[var];
	uint64_t addr = world_page_addr(w->test, var), bytes = world_var_bytes(w->test, var), at;
	int prot = MMUN_PROT_READ | MMUN_PROT_WRITE, err;

	if (w->object[v->page])
		return mmun_mmap_object(w->mm, addr, bytes, prot, flags | MMUN_MAP_FIXED,
					w->object[v->page], 0, &at);
	err = mmun_mmap(w->mm, addr, bytes, prot,
			flags | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at);
	if (!err && v->span == SPAN_HUGE)
		err = mmun_madvise(w->mm, addr, bytes, MMUN_MADV_HUGEPAGE);
	return err;
}

/* The values of the variables on one page. */
static int store_page(struct world *w, struct mmun_cpu *cpu, int page)
{
	for (int v = 0; v < w->test->vars; v++) {
		const struct litmus_var *var = &w->test->var[v];
		int err = var->page != page ? 0 :
			  mmun_cpu_store(cpu, world_var_addr(w->test, v), (uint64_t)var->init);

		if (err)
			return err;
	}
	return 0;
}

static bool in_state(struct world *w, uint64_t addr, unsigned bit)
{
	unsigned bits;

	return !mmun_pagemap(w->mm, addr, &bits) && (bits & bit);
}

static int page_out(struct world *w, uint64_t addr)
{
	int err = mmun_madvise(w->mm, addr, PAGE_BYTES, MMUN_MADV_PAGEOUT);

	return err ? err : in_state(w, addr, MMUN_PAGE_SWAPPED) ? 0 : -EINVAL;
}

/* Pages of the test or not, all of the table's are there. */
static int fill_table(struct mmun_cpu *cpu, uint64_t addr)
{
	int err = 0;

	for (uint64_t at = addr; at < addr + HUGE_BYTES && !err; at += PAGE_BYTES)
		err = mmun_cpu_store(cpu, at, 0);
	return err;
}

static int populate_file(struct world *w, struct mmun_cpu *cpu, int var)
{
	uint64_t addr = world_page_addr(w->test, var), value;
	int err = map_page(w, var, MMUN_MAP_SHARED);

	if (!err)
		err = store_page(w, cpu, w->test->var[var].page);
	if (!err)
		err = map_page(w, var, MMUN_MAP_PRIVATE);
	return err ? err : mmun_cpu_load(cpu, addr, &value);
}

/* The area, if no other variable's contains the page, and what is in it. */
static int populate_page(struct world *w, struct mmun_cpu *cpu, int var)
{
	const struct litmus_var *v = &w->test->var[var];
	bool part = v->span != SPAN_PAGE && v->slot;
	uint64_t addr = world_page_addr(w->test, var), value;
	int err = 0;

	if (v->backing == BACKING_SHARED || v->backing == BACKING_FILE)
		err = mmun_object_create(w->machine, PAGE_BYTES, &w->object[v->page]);
	if (!err && v->backing == BACKING_FILE)
		return populate_file(w, cpu, var);
	if (!err && !part)
		err = map_page(w, var, v->backing == BACKING_SHARED ? MMUN_MAP_SHARED :
								      MMUN_MAP_PRIVATE);
	if (!err && !part && v->span == SPAN_SPLIT)
		err = fill_table(cpu, addr);
	if (err || v->backing == BACKING_NONE)
		return err;
	if (v->backing == BACKING_ZERO)
		return mmun_cpu_load(cpu, addr, &value);
	err = store_page(w, cpu, v->page);
	if (!err && v->backing == BACKING_SWAPPED)
		err = page_out(w, addr);
	if (!err && !part && v->span == SPAN_HUGE && !in_state(w, addr, MMUN_PAGE_HUGE))
		err = -EINVAL;
	return err;
}

/* Map and fill the pages that are, or are not, shared with the twin. */
static int populate(struct world *w, struct mmun_cpu *cpu, bool shared)
{
	int err = 0;

	for (int v = 0; v < w->test->vars && !err; v++)
		if (!w->test->var[v].word && (w->test->var[v].backing == BACKING_COW) == shared)
			err = populate_page(w, cpu, v);
	return err;
}

static int protect_and_pin(struct world *w)
{
	int err = 0;

	for (int v = 0; v < w->test->vars && !err; v++) {
		const struct litmus_var *var = &w->test->var[v];
		uint64_t addr = world_page_addr(w->test, v);

		if (var->word)
			continue;
		if (var->readonly)
			err = mmun_mprotect(w->mm, addr, world_var_bytes(w->test, v),
					    MMUN_PROT_READ);
		if (!err && var->pinned)
			err = mmun_pin(w->mm, addr, true, &w->pin[var->page]);
	}
	return err;
}

static int anchors(struct world *w)
{
	int groups = (w->test->tables + TABLES_PER_GROUP - 1) / TABLES_PER_GROUP;
	uint64_t at;

	for (int g = 0; g < groups; g++) {
		int err = mmun_mmap(w->mm, leaf_addr(g, 0), PAGE_BYTES, MMUN_PROT_NONE,
				    MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at);

		if (err)
			return err;
	}
	return 0;
}

static bool has_cow(const struct litmus *test)
{
	for (int v = 0; v < test->vars; v++)
		if (test->var[v].backing == BACKING_COW)
			return true;
	return false;
}

int world_memory_init(struct world *w)
{
	struct mmun_cpu *cpu;
	int err = anchors(w);

	if (!err)
		err = mmun_cpu_create(w->mm, &cpu);
	if (err)
		return err;
	err = populate(w, cpu, true);
	if (!err && has_cow(w->test))
		err = mmun_fork(w->mm, &w->twin);
	if (!err)
		err = populate(w, cpu, false);
	if (!err)
		err = protect_and_pin(w);
	mmun_cpu_destroy(cpu);
	return err;
}

void world_memory_fini(struct world *w)
{
	for (int p = 0; p < LITMUS_VARS_MAX; p++) {
		for (int t = 0; t < LITMUS_THREADS_MAX; t++)
			mmun_unpin(w->held[t][p]);
		mmun_unpin(w->pin[p]);
		mmun_object_destroy(w->object[p]);
	}
}

/* --- what is there at the end -------------------------------------------- */

/* What an access would find past the page tables: the object's page, or nothing. */
static int64_t unmapped_value(const struct vma *v, uint64_t addr, int word)
{
	const struct mmun_object *o = v->object;
	uint64_t index = vma_index(v, addr);
	pfn_t pfn;

	if (!o)
		return 0;
	if (index >= load_relaxed(&o->pages))
		return LITMUS_FAULT;
	if (index >= o->capacity || !o->page[index])
		return 0;
	pfn = (pfn_t){ o->page[index] - 1 };
	return (int64_t)load_relaxed(&frame_memory(o->machine, pfn)[word]);
}

static int64_t swapped_value(const struct mmun_machine *m, uint32_t slot, int word)
{
	const struct swap_slot *s = &m->swap[slot];

	if (s->page)
		return (int64_t)load_relaxed(&frame_memory(m, (pfn_t){ s->page - 1 })[word]);
	return (int64_t)m->swap_memory[(uint64_t)slot * PAGE_WORDS + (uint64_t)word];
}

int64_t world_final_value(const struct mmun_mm *mm, const struct litmus *test, int var)
{
	uint64_t addr = world_var_addr(test, var);
	const struct vma *v = mm ? vma_find(mm, addr) : NULL;
	int word = test->var[var].word;
	pte_t pte;

	if (!v)
		return LITMUS_UNMAPPED;
	pte = mm_translate(mm, addr);
	if (pte_none(pte))
		return unmapped_value(v, addr, word);
	if (softleaf_is_swap(pte))
		return swapped_value(mm->machine, softleaf_to_slot(pte), word);
	return (int64_t)load_relaxed(&frame_memory(mm->machine, pte_pfn(pte))[word]);
}
