/* SPDX-License-Identifier: MIT */
/*
 * fuzz_mm.c - bytes as a program of public calls on a small machine, held against
 * a shadow of what each address space maps (mm.h). Every result is one that the
 * header promises and the shadow expects; processors, devices, pins and the tables
 * themselves agree with it; the machine is consistent whenever it is looked at;
 * nothing is left at the end.
 *
 * Built with -fsanitize=fuzzer it is a fuzzer:
 *
 *      clang -g -O1 -fsanitize=fuzzer,address,undefined -DMMUN_DEBUG -Iinclude -Isrc -I. -pthread
 *              fuzz/fuzz_mm.c and mm_?.c, tests/audit.c, src/base, operations, sync, vm and iommu
 *
 * With -DFUZZ_STANDALONE it is a program that replays the files given as arguments, after
 * -v telling each call; after -n COUNT it runs that many random programs, from -s SEED on,
 * and leaves the one that fails in fuzz_mm.failed.
 */
#include <stdlib.h>

#include "mm.h"
#include "operations/operations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world world;
bool verbose;

/* --- arguments that are none ----------------------------------------------- */

static void null_spaces(struct world *w, struct mmun_mm *mm, uint64_t addr)
{
	struct mmun_mm *new_mm = NULL;
	struct mmun_object *object = NULL;
	struct mmun_pin *pin = NULL;
	uint64_t v = POISON;
	unsigned bits;
	bool young;

	ASSERT(mmun_mm_create(NULL, MMUN_MODERN, &new_mm) == -EINVAL);
	ASSERT(mmun_mm_create(w->machine, MMUN_MODERN, NULL) == -EINVAL);
	ASSERT(mmun_mm_create(w->machine, (enum mmun_semantics)(2 + (addr & 7)), &new_mm) ==
	       -EINVAL);
	ASSERT(mmun_mm_destroy(NULL) == 0 && mmun_machine_destroy(NULL) == 0);
	ASSERT(mmun_mmap(NULL, addr, PAGE_BYTES, 3, ANON, &v) == -EINVAL);
	ASSERT(mmun_mmap(mm, addr, PAGE_BYTES, 3, ANON, NULL) == -EINVAL);
	ASSERT(mmun_mmap_object(mm, 0, PAGE_BYTES, 3, 1, NULL, 0, &v) == -EINVAL);
	ASSERT(mmun_munmap(NULL, addr, PAGE_BYTES) == -EINVAL);
	ASSERT(mmun_mprotect(NULL, addr, PAGE_BYTES, 1) == -EINVAL);
	ASSERT(mmun_mremap(NULL, 0, PAGE_BYTES, PAGE_BYTES, 0, 0, &v) == -EINVAL);
	ASSERT(mmun_mremap(mm, 0, PAGE_BYTES, PAGE_BYTES, 0, 0, NULL) == -EINVAL);
	ASSERT(mmun_madvise(NULL, 0, PAGE_BYTES, MMUN_MADV_DONTNEED) == -EINVAL);
	ASSERT(mmun_fork(NULL, &new_mm) == -EINVAL && mmun_fork(mm, NULL) == -EINVAL);
	ASSERT(mmun_ksm_merge(NULL, 0, PAGE_BYTES) == -EINVAL);
	ASSERT(mmun_replace_page(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_migrate(NULL, 0) == -EINVAL && mmun_split_huge_page(NULL, 0) == -EINVAL);
	ASSERT(mmun_clear_refs(NULL, MMUN_CLEAR_REFS_ALL) == -EINVAL);
	ASSERT(mmun_pagemap(NULL, 0, &bits) == -EINVAL && mmun_pagemap(mm, 0, NULL) == -EINVAL);
	ASSERT(mmun_uffd_writeprotect(NULL, 0, PAGE_BYTES, true) == -EINVAL);
	ASSERT(mmun_uffd_move(NULL, 0, PAGE_BYTES, PAGE_BYTES, &v) == -EINVAL);
	ASSERT(mmun_numa_hint(NULL, 0, PAGE_BYTES) == -EINVAL);
	ASSERT(mmun_oom_reap(NULL) == -EINVAL);
	ASSERT(mmun_page_young(NULL, 0, false, &young) == -EINVAL);
	ASSERT(mmun_mm_fault(NULL, addr, true) == -EINVAL);
	ASSERT(mmun_pin(NULL, 0, true, &pin) == -EINVAL && mmun_pin(mm, 0, true, NULL) == -EINVAL);
	ASSERT(mmun_pin_load(NULL, 0, &v) == -EINVAL && mmun_pin_store(NULL, 0, 1) == -EINVAL);
	mmun_unpin(NULL);
	ASSERT(mmun_object_create(NULL, 1, &object) == -EINVAL);
	ASSERT(mmun_object_create(w->machine, 1, NULL) == -EINVAL);
	mmun_object_destroy(NULL);
	ASSERT(mmun_object_truncate(NULL, 1) == -EINVAL);
	ASSERT(mmun_object_punch(NULL, 0, PAGE_BYTES) == -EINVAL);
	ASSERT(mmun_object_clean(NULL, 0, PAGE_BYTES, &v) == -EINVAL);
	ASSERT(v == POISON && !new_mm && !object && !pin);
}

static void null_accesses(struct world *w, struct mmun_mm *mm, uint64_t addr)
{
	struct mmun_cpu *c = w->cpu[0].cpu, *cpu = NULL;
	struct mmun_ats *d = w->device[0].ats, *ats = NULL;
	struct mmu_notifier idle = { .ops = NULL };
	uint64_t v = POISON;

	ASSERT(mmun_cpu_create(NULL, &cpu) == -EINVAL && mmun_cpu_create(mm, NULL) == -EINVAL);
	ASSERT(mmun_ats_create(NULL, NULL, &ats) == -EINVAL);
	ASSERT(mmun_ats_create(mm, NULL, NULL) == -EINVAL);
	mmun_cpu_destroy(NULL);
	mmun_ats_destroy(NULL);
	ASSERT(mmun_cpu_load(NULL, addr, &v) == -EINVAL);
	ASSERT(mmun_cpu_load(c, addr, NULL) == -EINVAL);
	ASSERT(mmun_cpu_load_acquire(c, addr, NULL) == -EINVAL);
	ASSERT(mmun_cpu_store(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_cpu_store_release(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_ats_load(NULL, addr, &v) == -EINVAL);
	ASSERT(mmun_ats_load(d, addr, NULL) == -EINVAL);
	ASSERT(mmun_ats_load_acquire(d, addr, NULL) == -EINVAL);
	ASSERT(mmun_ats_store(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_ats_store_release(NULL, addr, 1) == -EINVAL);
	ASSERT(mmu_notifier_register(NULL, mm) == -EINVAL);
	ASSERT(mmu_notifier_register(&idle, mm) == -EINVAL);
	idle.ops = &notifier_ops[0];
	ASSERT(mmu_notifier_register(&idle, NULL) == -EINVAL);
	mmu_notifier_unregister(NULL, mm);
	mmu_notifier_unregister(&idle, mm);
	mmu_notifier_unregister(&idle, NULL);
	ASSERT(v == POISON && !cpu && !ats);
}

static void op_null(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct mmun_mm *mm = s ? s->mm : NULL;
	uint64_t addr = take_addr(w);

	begin_quiet(w);
	null_spaces(w, mm, addr);
	null_accesses(w, mm, addr);
	finish(w, "nulls", addr, 0, 0);
}

/* The machine is in use, or is left alone. */
static void op_busy(struct world *w)
{
	bool used = false;

	for (int i = 0; i < MMS; i++)
		used |= w->mm[i].state != MM_NONE;
	if (used)
		ASSERT(mmun_machine_destroy(w->machine) == -EBUSY);
}

/* --- audit ----------------------------------------------------------------- */

static void audit_page(struct world *w, struct shadow *s, uint64_t addr, pte_t e)
{
	const atomic_u64 *memory = frame_memory(w->machine, pte_pfn(e));
	const struct frame *f = frame_of(w->machine, pte_pfn(e));
	const struct shadow_page *p = page_at(s, addr);

	if (softleaf_is_swap(e))
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		ASSERT(load_relaxed(&memory[slot_offset(i) / 8]) == want_value(s, addr, i));
	ASSERT(!p || (f->flags & FRAME_ANON));
	ASSERT(p || !area_at(s, addr)->object || (f->flags & FRAME_OBJECT));
}

static void audit_table(struct world *w, struct shadow *s, pfn_t table, unsigned level,
			uint64_t base)
{
	const atomic_u64 *entry = frame_memory(w->machine, table);

	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		uint64_t addr = base + i * entry_bytes(level);
		pte_t e = pte_get(&entry[i]);

		if (pte_none(e))
			continue;
		if (level && !pte_huge(e))
			audit_table(w, s, pte_pfn(e), level - 1, addr);
		else if (!level)
			audit_page(w, s, addr, e);
		else
			for (uint64_t at = 0; at < HUGE_BYTES; at += PAGE_BYTES)
				audit_page(w, s, addr + at, mm_translate(s->mm, addr + at));
	}
}

static void audit_areas(const struct shadow *s)
{
	struct btree_iter it;
	const struct vma *v = btree_first(&s->mm->areas, &it, 0, TASK_BYTES);

	for (int i = 0; i < s->areas; i++, v = btree_next(&it)) {
		const struct shadow_area *a = &s->area[i];

		ASSERT(v && v->start == a->start && v->end == a->end && v->prot == a->prot);
		ASSERT(v->flags == a->flags && !v->object == !a->object);
		ASSERT(!a->object || v->offset == a->offset);
		ASSERT(!a->object || !a->object->object || v->object == a->object->object);
	}
	ASSERT(!v);
}

/* What is not all zero is somewhere. */
static void audit_own(const struct shadow *s)
{
	static const uint64_t zero[SLOTS];

	for (int i = 0; i < s->pages; i++)
		if (memcmp(s->page[i].cell->word, zero, sizeof(zero)) != 0)
			ASSERT(!pte_none(mm_translate(s->mm, s->page[i].page)));
}

static void op_audit(struct world *w)
{
	struct mmun_mm *mms[MMS];
	struct mmun_object *objects[OBJECTS];
	struct mmun_ats *devices[DEVICES];
	struct audit_roots roots = {
		.machine = w->machine, .mms = mms, .objects = objects, .devices = devices,
	};

	for (int i = 0; i < MMS; i++) {
		struct shadow *s = &w->mm[i];

		if (s->state == MM_NONE)
			continue;
		mms[roots.mm_count++] = s->mm;
		audit_areas(s);
		audit_table(w, s, s->mm->pt.pgd, TABLE_LEVELS - 1, 0);
		audit_own(s);
	}
	for (int i = 0; i < OBJECTS; i++)
		if (w->object[i].refs && w->object[i].object)
			objects[roots.object_count++] = w->object[i].object;
	for (int i = 0; i < DEVICES; i++)
		if (w->device[i].ats)
			devices[roots.device_count++] = w->device[i].ats;
	audit_machine(&roots);
}

/* --- programs -------------------------------------------------------------- */

/* What draws each operation of the table, and knows what it must do: without, a new operation
 * does not compile here. */
#define FUZZES_MUNMAP op_munmap
#define FUZZES_MMAP op_mmap
#define FUZZES_MPROTECT op_mprotect
#define FUZZES_MREMAP op_mremap
#define FUZZES_MREMAP_DONTUNMAP op_mremap
#define FUZZES_FORK op_fork
#define FUZZES_MADV_DONTNEED op_madvise
#define FUZZES_MADV_FREE op_madvise
#define FUZZES_MADV_PAGEOUT op_madvise
#define FUZZES_MADV_REMOVE op_madvise
#define FUZZES_MADV_COLLAPSE op_madvise
#define FUZZES_MADV_HUGEPAGE op_madvise
#define FUZZES_MADV_NOHUGEPAGE op_madvise
#define FUZZES_MADV_MERGEABLE op_madvise
#define FUZZES_MADV_UNMERGEABLE op_madvise
#define FUZZES_MADV_DONTFORK op_madvise
#define FUZZES_MADV_DOFORK op_madvise
#define FUZZES_MADV_WIPEONFORK op_madvise
#define FUZZES_MADV_KEEPONFORK op_madvise
#define FUZZES_MADV_POPULATE_READ op_madvise
#define FUZZES_MADV_POPULATE_WRITE op_madvise
#define FUZZES_OOM_REAP op_reap
#define FUZZES_KSM_MERGE op_merge
#define FUZZES_REPLACE_PAGE op_replace
#define FUZZES_MOVE_PAGES op_migrate
#define FUZZES_CLEAR_SOFT_DIRTY op_clear_refs
#define FUZZES_CLEAR_REFERENCED op_clear_refs
#define FUZZES_PAGE_IDLE op_young
#define FUZZES_UFFD_WP op_uffd_wp
#define FUZZES_UFFD_UNWP op_uffd_wp
#define FUZZES_UFFD_MOVE op_uffd_move
#define FUZZES_NUMA_HINT op_numa
#define FUZZES_TRUNCATE op_object_truncate
#define FUZZES_PUNCH op_object_punch
#define FUZZES_MSYNC op_object_clean
#define FUZZES_SPLIT op_split
#define FUZZES_PIN op_pin
#define FUZZES_PIN_LOAD op_pin_access
#define FUZZES_PIN_STORE op_pin_access
#define FUZZES_UNPIN op_unpin

static void op_of_table(struct world *w)
{
	static void (*const of[OP_COUNT])(struct world *w) = {
#define X(e, ...) [OP_##e] = FUZZES_##e,
		OPERATIONS(X)
#undef X
	};

	of[take(w) % OP_COUNT](w);
}

/* The more often one is named, the more often it is drawn. New ones at the end: the
 * corpus names them by number. */
static void (*const ops[])(struct world *w) = {
	op_cpu_access, op_cpu_access, op_ats_access, op_ats_access, op_compare, op_fill,
	op_mmap, op_mmap, op_munmap, op_mprotect, op_mprotect, op_fork, op_merge, op_replace,
	op_fault, op_create, op_destroy, op_cpu_create, op_cpu_destroy, op_ats_create,
	op_ats_destroy, op_register, op_unregister, op_cache, op_null, op_busy, op_audit,
	op_mmap_shared, op_mmap_shared, op_mremap, op_mremap, op_object_create, op_object_destroy,
	op_object_truncate, op_object_punch, op_object_clean, op_madvise, op_madvise, op_madvise,
	op_madvise, op_migrate, op_migrate, op_split, op_clear_refs, op_pagemap, op_young,
	op_uffd_wp, op_uffd_move, op_numa, op_reap, op_pin, op_pin, op_unpin, op_pin_access,
	op_of_table,
};

static bool machine_init(struct world *w)
{
	uint8_t b = take(w), how = take(w);
	struct mmun_machine_opts opts = { .frames = b & 3 ? 64 + (b >> 2) * 3 : 2 + (b >> 2) };
	struct mmun_machine_opts bad = { .frames = b & 3 ? b & 1 : ((uint64_t)1 << 24) + 1 + b };
	int err;

	if (b == UINT8_MAX) /* room for more pages than a gather holds */
		opts.frames = FRAMES_TOP;
	if (how < 240) {
		opts.huge_frames = how & 3;
		opts.swap_pages = how >> 2;
	}
	w->machine = NULL;
	ASSERT(mmun_machine_create(&bad, &w->machine) == -EINVAL);
	ASSERT(mmun_machine_create(NULL, &w->machine) == -EINVAL);
	ASSERT(mmun_machine_create(&opts, NULL) == -EINVAL && !w->machine);
	w->fail_at = how >= 240 ? how & 7 : 0;
	begin_quiet(w);
	err = mmun_machine_create(&opts, &w->machine);
	finish(w, "machine", opts.frames, how, err);
	ASSERT(!err == !w->failed && !err == !!w->machine);
	return !err;
}

static void devices_fini(struct world *w)
{
	for (int i = 0; i < DEVICES; i++)
		if (w->device[i].ats)
			device_destroy(w, &w->device[i]);
	for (int i = 0; i < NOTIFIERS; i++)
		if (w->notifier[i].s)
			unregister(w, &w->notifier[i]);
}

static void pins_fini(struct world *w)
{
	for (int i = 0; i < PINS; i++)
		if (w->pin[i].pin)
			unpin(w, &w->pin[i]);
	for (int i = 0; i < OBJECTS; i++)
		if (w->object[i].refs && w->object[i].object)
			object_release(w, &w->object[i]);
}

static void world_fini(struct world *w, bool devices_first)
{
	w->fail_at = 0;
	op_audit(w);
	for (int i = 0; i < CPUS; i++)
		if (w->cpu[i].cpu)
			cpu_destroy(w, &w->cpu[i]);
	if (devices_first) {
		devices_fini(w);
		pins_fini(w);
	}
	for (int i = 0; i < MMS; i++)
		if (w->mm[i].state == MM_LIVE)
			mm_destroy(w, &w->mm[i]);
	op_audit(w);
	op_busy(w);
	devices_fini(w);
	pins_fini(w);
	for (int i = 0; i < MMS; i++)
		ASSERT(w->mm[i].state == MM_NONE);
	for (int i = 0; i < CELLS_MAX; i++)
		ASSERT(!w->cell[i].refs);
	ASSERT(mmun_machine_destroy(w->machine) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = &world;
	bool devices_first;

	ASSERT(sync_alloc_live() == 0);
	w->in = (struct input){ data, data + size };
	if (machine_init(w)) {
		devices_first = take(w) & 1;
		for (int i = 0; i < OPS_MAX && w->in.at < w->in.end; i++) {
			uint8_t op = take(w), how = take(w);

			/* One op in four has an allocation that fails. */
			w->target = how & 7;
			w->fail_at = how >> 6 == 3 ? 1 + (how >> 3 & 7) : 0;
			ops[op % ARRAY_SIZE(ops)](w);
		}
		world_fini(w, devices_first);
	}
	ASSERT(sync_alloc_live() == 0);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"
#include <sys/wait.h>
#include <unistd.h>

enum { RANDOM_MAX = 2048 };

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* Few addresses near each other, few odd ones: otherwise most calls do nothing. */
static size_t random_program(uint8_t *data, uint64_t seed)
{
	uint64_t rnd = seed * 2654435761u + 88172645463325252u;
	size_t size = 64 + random_next(&rnd) % (RANDOM_MAX - 64);
	uint8_t mask = random_next(&rnd) % 4 ? 0x1f : 0xff;

	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)random_next(&rnd) &
			  (i < 3 || random_next(&rnd) % 8 == 0 ? 0xff : mask);
	return size;
}

/* What runs until it fails is not lost: it is on disk before it is run. */
static int run_random(uint64_t seed, uint64_t count)
{
	static uint8_t data[RANDOM_MAX];

	for (uint64_t end = seed + count; seed < end; seed++) {
		size_t size = random_program(data, seed);
		int status;
		FILE *out;
		pid_t pid = fork();

		if (pid == 0) {
			for (uint64_t stop = min_u64(seed + 200, end); seed < stop; seed++) {
				size = random_program(data, seed);
				out = fopen("fuzz_mm.failed", "wb");
				if (!out || fwrite(data, 1, size, out) != size || fclose(out))
					_exit(2);
				LLVMFuzzerTestOneInput(data, size);
			}
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
			fprintf(stderr, "failed, from seed %llu: see fuzz_mm.failed\n",
				(unsigned long long)seed);
			return 1;
		}
		seed += 199;
	}
	unlink("fuzz_mm.failed");
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1;
	int ret = 0;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
			ret |= run_random(seed, strtoull(argv[++i], NULL, 0));
		else
			ret |= replay(argv[i]);
	return ret;
}
#endif
