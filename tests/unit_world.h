/* SPDX-License-Identifier: MIT */
/*
 * unit_world.h - a machine with an address space, a processor and a device, for tests in
 * one thread; a recorder of what notifiers are told. After each test nothing is left: no
 * memory, no frame.
 */
#ifndef UNIT_WORLD_H
#define UNIT_WORLD_H

#include "unit_machine.h"

enum {
	NONE = MMUN_PROT_NONE,
	RO = MMUN_PROT_READ,
	RW = MMUN_PROT_READ | MMUN_PROT_WRITE,
	ANON = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS,
};

static inline void setup(struct world *w, enum mmun_semantics semantics)
{
	static const struct mmun_machine_opts opts = {
		.frames = 512, .huge_frames = 4, .swap_pages = 16,
	};

	setup_machine(w, semantics, &opts);
}

static inline void teardown(struct world *w)
{
	mmun_cpu_destroy(w->cpu);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	mmun_ats_destroy(w->ats);
	assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
}

static inline void map(struct mmun_mm *mm, uint64_t addr, uint64_t pages, int prot)
{
	uint64_t at;

	assert_int_equal(mmun_mmap(mm, addr, pages * PAGE, prot, ANON | MMUN_MAP_FIXED, &at), 0);
	assert_int_equal(at, addr);
}

static inline void map_object(struct mmun_mm *mm, uint64_t addr, uint64_t pages, int kind,
			      struct mmun_object *o, uint64_t offset)
{
	uint64_t at;

	assert_int_equal(mmun_mmap_object(mm, addr, pages * PAGE, RW, kind | MMUN_MAP_FIXED, o,
					  offset, &at), 0);
	assert_int_equal(at, addr);
}

static inline uint64_t cpu_get(struct world *w, uint64_t addr)
{
	uint64_t v = 0xdead;

	assert_int_equal(mmun_cpu_load_acquire(w->cpu, addr, &v), 0);
	return v;
}

static inline uint64_t ats_get(struct world *w, uint64_t addr)
{
	uint64_t v = 0xdead;

	assert_int_equal(mmun_ats_load_acquire(w->ats, addr, &v), 0);
	return v;
}

static inline void cpu_put(struct world *w, uint64_t addr, uint64_t v)
{
	assert_int_equal(mmun_cpu_store_release(w->cpu, addr, v), 0);
}

/* Neither the processor nor the device can read there. */
static inline void assert_gone(struct world *w, uint64_t addr)
{
	uint64_t v;

	assert_int_equal(mmun_cpu_load(w->cpu, addr, &v), -EFAULT);
	assert_int_equal(mmun_ats_load(w->ats, addr, &v), -EFAULT);
}

static inline pfn_t page_at(struct mmun_mm *mm, uint64_t addr)
{
	return frame_head(mm->machine, pte_pfn(mm_translate(mm, addr)));
}

static inline uint64_t frame_at(struct mmun_mm *mm, uint64_t addr)
{
	return pte_pfn(mm_translate(mm, addr)).v;
}

static inline uint64_t refs(struct mmun_mm *mm, uint64_t addr)
{
	return load_relaxed(&frame_of(mm->machine, page_at(mm, addr))->refcount);
}

static inline uint64_t maps(struct mmun_mm *mm, uint64_t addr)
{
	return rmap_count(mm->machine, page_at(mm, addr));
}

/* What another address space has there, through a processor of its own. */
static inline uint64_t peek(struct mmun_mm *mm, uint64_t addr)
{
	struct world w = { .mm = mm };
	uint64_t v;

	assert_int_equal(mmun_cpu_create(mm, &w.cpu), 0);
	v = cpu_get(&w, addr);
	mmun_cpu_destroy(w.cpu);
	return v;
}

static inline void poke(struct mmun_mm *mm, uint64_t addr, uint64_t v)
{
	struct world w = { .mm = mm };

	assert_int_equal(mmun_cpu_create(mm, &w.cpu), 0);
	cpu_put(&w, addr, v);
	mmun_cpu_destroy(w.cpu);
}

/* --- recording ----------------------------------------------------------- */

/*
 * What is told, in order: "S" and "E" with the event, "flush"; ranges in pages from
 * BASE; the entry of the watched address as it is at that moment: none, ro or rw.
 */
struct recorder {
	struct mmu_notifier soft, hard; /* software page table, hardware TLB */
	struct mmun_mm *mm;
	uint64_t watch;
	char log[1024];
};

static inline void record(struct recorder *r, const char *what, uint64_t start, uint64_t end)
{
	pte_t e = mm_translate(r->mm, r->watch);
	char range[48] = "[all)";
	size_t n = strlen(r->log);

	if (start || end < TASK_BYTES)
		snprintf(range, sizeof(range), "[%ld,%ld)",
			 (long)((int64_t)(start - BASE) / (int64_t)PAGE),
			 (long)((int64_t)(end - BASE) / (int64_t)PAGE));
	snprintf(r->log + n, sizeof(r->log) - n, "%s%s%s%s", n ? " " : "", what, range,
		 pte_none(e) ? "none" : !pte_present(e) ? "prot" : pte_write(e) ? "rw" : "ro");
}

static inline int recorder_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	static const char *const names[] = {
		"S:unmap", "S:clear", "S:vma", "S:page", "S:soft-dirty",
	};
	struct recorder *r = container_of(mn, struct recorder, soft);

	record(r, names[range->event], range->start, range->end);
	return 0;
}

static inline void recorder_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	record(container_of(mn, struct recorder, soft), "E", range->start, range->end);
}

static inline void recorder_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start,
				  uint64_t end)
{
	(void)mm;
	record(container_of(mn, struct recorder, hard), "flush", start, end);
}

static inline void recorder_begin(struct recorder *r, struct mmun_mm *mm, uint64_t watch)
{
	static const struct mmu_notifier_ops soft = {
		.invalidate_range_start = recorder_start, .invalidate_range_end = recorder_end,
	};
	static const struct mmu_notifier_ops modern = {
		.arch_invalidate_secondary_tlbs = recorder_flush,
	};
	static const struct mmu_notifier_ops classic = { .invalidate_range = recorder_flush };

	memset(r, 0, sizeof(*r));
	r->mm = mm;
	r->watch = watch;
	r->soft.ops = &soft;
	r->hard.ops = mm->domain.semantics == MMUN_CLASSIC ? &classic : &modern;
	assert_int_equal(mmu_notifier_register(&r->soft, mm), 0);
	assert_int_equal(mmu_notifier_register(&r->hard, mm), 0);
}

static inline void expect(struct recorder *r, const char *log)
{
	assert_string_equal(r->log, log);
	r->log[0] = '\0';
}

static inline void recorder_end_all(struct recorder *r)
{
	mmu_notifier_unregister(&r->soft, r->mm);
	mmu_notifier_unregister(&r->hard, r->mm);
}

/* --- allocations that fail ------------------------------------------------ */

/* Lets each allocation of once() fail in turn, until none does. once() undoes all. */
static inline void fail_each(int (*once)(struct world *w), uint64_t at_least)
{
	struct world w;
	uint64_t n;

	for (n = 1;; n++) {
		int err;

		sync_alloc_fail_at(n);
		err = once(&w);
		assert_int_equal(sync_alloc_live(), 0);
		if (!sync_alloc_fail_clear()) {
			assert_int_equal(err, 0);
			break;
		}
		assert_int_equal(err, -ENOMEM);
	}
	assert_true(n > at_least);
}

#endif
