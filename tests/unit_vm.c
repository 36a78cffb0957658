/* SPDX-License-Identifier: MIT */
/*
 * unit_vm.c - the virtual memory in one thread: every operation, every error,
 * the order in which notifiers are called against the table of call sites, and
 * every allocation made to fail. After each test nothing is left: no memory, no
 * frame.
 */
#include <errno.h>

#include "audit.h"
#include "unit_machine.h"

enum {
	RO = MMUN_PROT_READ,
	RW = MMUN_PROT_READ | MMUN_PROT_WRITE,
	ANON = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS,
	FIXED = ANON | MMUN_MAP_FIXED,
	FRAMES = 512,
};

static void setup(struct world *w, enum mmun_semantics semantics)
{
	struct mmun_machine_opts opts = { .frames = FRAMES };

	setup_machine(w, semantics, &opts);
}

/* At the end, with what is still mapped, everything is as it should be. */
static void teardown(struct world *w)
{
	if (w->mm)
		audit_machine(&(struct audit_roots){
			.machine = w->machine, .mms = &w->mm, .mm_count = 1,
			.devices = &w->ats, .device_count = w->ats ? 1 : 0,
		});
	mmun_cpu_destroy(w->cpu);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	mmun_ats_destroy(w->ats);
	assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
}

static void map(struct mmun_mm *mm, uint64_t addr, uint64_t pages, int prot)
{
	uint64_t at;

	assert_int_equal(mmun_mmap(mm, addr, pages * PAGE, prot, FIXED, &at), 0);
	assert_int_equal(at, addr);
}

static uint64_t cpu_get(struct world *w, uint64_t addr)
{
	uint64_t v = 0xdead;

	assert_int_equal(mmun_cpu_load_acquire(w->cpu, addr, &v), 0);
	return v;
}

static uint64_t ats_get(struct world *w, uint64_t addr)
{
	uint64_t v = 0xdead;

	assert_int_equal(mmun_ats_load_acquire(w->ats, addr, &v), 0);
	return v;
}

static void cpu_put(struct world *w, uint64_t addr, uint64_t v)
{
	assert_int_equal(mmun_cpu_store_release(w->cpu, addr, v), 0);
}

static uint64_t frame_at(struct mmun_mm *mm, uint64_t addr)
{
	return pte_pfn(mm_translate(mm, addr)).v;
}

static uint64_t refs(struct world *w, uint64_t addr)
{
	return load_relaxed(&frame_of(w->machine, pte_pfn(mm_translate(w->mm, addr)))->refcount);
}

/* What another address space has there, through a processor of its own. */
static uint64_t peek(struct mmun_mm *mm, uint64_t addr)
{
	struct world w = { .mm = mm };
	uint64_t v;

	assert_int_equal(mmun_cpu_create(mm, &w.cpu), 0);
	v = cpu_get(&w, addr);
	mmun_cpu_destroy(w.cpu);
	return v;
}

/* --- operations ---------------------------------------------------------- */

static void test_arguments(void **state)
{
	struct mmun_machine_opts opts = { .frames = 1 };
	struct mmun_ats_opts ats_opts = { .tlb_shift = 99 };
	struct mmun_machine *m;
	struct mmun_mm *mm;
	struct mmun_ats *ats;
	struct world w;
	uint64_t v;

	(void)state;
	assert_string_equal(mmun_version(), "0.1.0");
	assert_int_equal(mmun_page_size(), PAGE);
	assert_int_equal(mmun_task_size(), TASK_BYTES);
	assert_int_equal(mmun_machine_create(&opts, &m), -EINVAL);
	assert_int_equal(mmun_machine_create(NULL, &m), -EINVAL);
	opts.frames = (1 << 24) + 1;
	assert_int_equal(mmun_machine_create(&opts, &m), -EINVAL);
	assert_int_equal(mmun_machine_destroy(NULL), 0);
	assert_int_equal(mmun_mm_destroy(NULL), 0);
	mmun_cpu_destroy(NULL);
	mmun_ats_destroy(NULL);
	assert_int_equal(mmun_mm_create(NULL, MMUN_MODERN, &mm), -EINVAL);

	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_mm_create(w.machine, (enum mmun_semantics)7, &mm), -EINVAL);
	assert_int_equal(mmun_machine_destroy(w.machine), -EBUSY);
	assert_int_equal(mmun_mm_destroy(w.mm), -EBUSY);
	assert_int_equal(mmun_ats_create(w.mm, &ats_opts, &ats), -EINVAL);
	assert_int_equal(mmun_cpu_load(w.cpu, BASE + 4, &v), -EINVAL);
	assert_int_equal(mmun_cpu_load(w.cpu, BASE, NULL), -EINVAL);
	assert_int_equal(mmun_cpu_load(NULL, BASE, &v), -EINVAL);
	assert_int_equal(mmun_cpu_store(NULL, BASE, 1), -EINVAL);
	assert_int_equal(mmun_cpu_load(w.cpu, TASK_BYTES, &v), -EFAULT);
	assert_int_equal(mmun_ats_load(w.ats, TASK_BYTES, &v), -EFAULT);
	assert_int_equal(mmun_ats_store(w.ats, BASE + 1, 1), -EINVAL);
	assert_int_equal(mmun_mm_fault(NULL, 0, false), -EINVAL);
	assert_int_equal(mmun_mm_fault(w.mm, TASK_BYTES, false), -EFAULT);
	assert_int_equal(mmun_fork(NULL, &mm), -EINVAL);
	assert_int_equal(mmun_fork(w.mm, NULL), -EINVAL);
	teardown(&w);
}

static void test_mmap(void **state)
{
	struct world w;
	uint64_t a, b, max = TASK_BYTES;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_mmap(w.mm, 0, 0, RW, ANON, &a), -EINVAL);
	assert_int_equal(mmun_mmap(w.mm, 1, PAGE, RW, FIXED, &a), -EINVAL);
	assert_int_equal(mmun_mmap(w.mm, 0, PAGE, 8, ANON, &a), -EINVAL);
	assert_int_equal(mmun_mmap(w.mm, 0, PAGE, RW, MMUN_MAP_PRIVATE, &a), -EINVAL);
	assert_int_equal(mmun_mmap(w.mm, 0, PAGE, RW, ANON | 0x1000, &a), -EINVAL);
	assert_int_equal(mmun_mmap(w.mm, 0, PAGE, RW, ANON, NULL), -EINVAL);
	assert_int_equal(mmun_mmap(w.mm, max, PAGE, RW, FIXED, &a), -ENOMEM);
	assert_int_equal(mmun_mmap(w.mm, 0, UINT64_MAX, RW, ANON, &a), -ENOMEM);
	assert_int_equal(mmun_mmap(w.mm, 0, max, RW, ANON, &a), -ENOMEM);

	assert_int_equal(mmun_mmap(w.mm, 0, 1, RW, ANON, &a), 0);
	assert_int_equal(mmun_mmap(w.mm, 0, PAGE + 1, RW, ANON, &b), 0);
	assert_int_equal(a % PAGE, 0);
	assert_int_equal(b, a + PAGE); /* and they have become one area */
	assert_int_equal(vma_find(w.mm, a)->end, b + 2 * PAGE);
	assert_int_equal(mmun_mmap(w.mm, BASE + 5, PAGE, RW, ANON, &a), 0);
	assert_int_equal(a, BASE);
	assert_int_equal(mmun_mmap(w.mm, BASE, PAGE, RW, ANON, &a), 0);
	assert_true(a != BASE);

	cpu_put(&w, BASE, 5); /* FIXED takes the place of what is there */
	map(w.mm, BASE, 1, RW);
	assert_int_equal(cpu_get(&w, BASE), 0);
	map(w.mm, max - PAGE, 1, RW);
	cpu_put(&w, max - 8, 7);
	assert_int_equal(ats_get(&w, max - 8), 7);
	map(w.mm, 0, 1, RW);
	cpu_put(&w, 0, 8);
	assert_int_equal(ats_get(&w, 0), 8);
	teardown(&w);
}

static void test_faults(void **state)
{
	struct world w;
	uint64_t v;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(mmun_cpu_load(w.cpu, BASE, &v), -EFAULT);
	assert_int_equal(mmun_ats_load(w.ats, BASE, &v), -EFAULT);
	map(w.mm, BASE, 2, RW);
	map(w.mm, BASE + 2 * PAGE, 1, RO);
	map(w.mm, BASE + 3 * PAGE, 1, MMUN_PROT_NONE);

	assert_int_equal(cpu_get(&w, BASE), 0);
	assert_int_equal(frame_at(w.mm, BASE), w.machine->zero.v);
	cpu_put(&w, BASE + 8, 42); /* write fault on the zero page */
	assert_int_not_equal(frame_at(w.mm, BASE), w.machine->zero.v);
	assert_int_equal(refs(&w, BASE), 1);
	assert_int_equal(ats_get(&w, BASE + 8), 42);
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 43), 0); /* first touch by a device */
	assert_int_equal(cpu_get(&w, BASE + PAGE), 43);

	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 0);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE + 2 * PAGE, 1), -EFAULT);
	assert_int_equal(mmun_ats_store_release(w.ats, BASE + 2 * PAGE, 1), -EFAULT);
	assert_int_equal(mmun_cpu_load(w.cpu, BASE + 3 * PAGE, &v), -EFAULT);
	assert_int_equal(mmun_mm_fault(w.mm, BASE, true), 0); /* nothing to do */
	teardown(&w);
}

static void test_munmap(void **state)
{
	struct world w;
	uint64_t v, used;

	(void)state;
	setup(&w, MMUN_MODERN);
	used = machine_frames_used(w.machine);
	assert_int_equal(mmun_munmap(w.mm, BASE + 1, PAGE), -EINVAL);
	assert_int_equal(mmun_munmap(w.mm, BASE, 0), -EINVAL);
	assert_int_equal(mmun_munmap(w.mm, TASK_BYTES, PAGE), -EINVAL);
	assert_int_equal(mmun_munmap(w.mm, BASE, UINT64_MAX), -EINVAL);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0); /* nothing there: fine */

	map(w.mm, BASE, 5, RW);
	for (uint64_t i = 0; i < 5; i++)
		cpu_put(&w, BASE + i * PAGE, i + 1);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(ats_get(&w, BASE + i * PAGE), i + 1);
	assert_int_equal(mmun_munmap(w.mm, BASE + 2 * PAGE, 1), 0); /* out of the middle */
	assert_int_equal(mmun_cpu_load(w.cpu, BASE + 2 * PAGE, &v), -EFAULT);
	assert_int_equal(mmun_ats_load(w.ats, BASE + 2 * PAGE, &v), -EFAULT);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 2);
	assert_int_equal(ats_get(&w, BASE + 3 * PAGE), 4);
	assert_int_equal(mmun_munmap(w.mm, 0, TASK_BYTES), 0);
	assert_int_equal(machine_frames_used(w.machine), used); /* tables too */

	map(w.mm, BASE, 1, RW); /* two areas in one leaf table: it stays for the other */
	map(w.mm, BASE + 2 * PAGE, 1, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + 2 * PAGE, 2);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0);
	assert_int_equal(cpu_get(&w, BASE + 2 * PAGE), 2);
	assert_int_equal(mmun_munmap(w.mm, BASE + 2 * PAGE, PAGE), 0);
	assert_int_equal(machine_frames_used(w.machine), used);
	teardown(&w);
}

/* More pages than a gather holds, over two leaf tables. */
static void test_munmap_many(void **state)
{
	struct mmun_machine_opts opts = { .frames = 3000 };
	enum { PAGES = 1300 };
	struct world w;
	uint64_t v, start = BASE - 300 * PAGE;

	(void)state;
	setup_machine(&w, MMUN_CLASSIC, &opts);
	map(w.mm, start, PAGES, RW);
	for (uint64_t i = 0; i < PAGES; i++)
		cpu_put(&w, start + i * PAGE, i);
	for (uint64_t i = 0; i < PAGES; i++)
		assert_int_equal(ats_get(&w, start + i * PAGE), i);
	assert_int_equal(mmun_munmap(w.mm, start, PAGES * PAGE), 0);
	for (uint64_t i = 0; i < PAGES; i++)
		assert_int_equal(mmun_ats_load(w.ats, start + i * PAGE, &v), -EFAULT);
	assert_int_equal(machine_frames_used(w.machine), 1);
	teardown(&w);
}

static void test_mprotect(void **state)
{
	struct world w;
	uint64_t v;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	cpu_put(&w, BASE + PAGE, 7);
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 8), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE + 1, PAGE, RO), -EINVAL);
	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, 16), -EINVAL);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 0, RO), 0);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 5 * PAGE, RO), -ENOMEM);
	assert_int_equal(mmun_mprotect(w.mm, BASE, UINT64_MAX, RO), -ENOMEM);
	cpu_put(&w, BASE + PAGE, 9); /* all or nothing: still writable */

	assert_int_equal(mmun_mprotect(w.mm, BASE + PAGE, PAGE, RO), 0);
	assert_int_equal(vma_find(w.mm, BASE)->end, BASE + PAGE);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE + PAGE, 1), -EFAULT);
	assert_int_equal(mmun_ats_store(w.ats, BASE + PAGE, 1), -EFAULT);
	assert_int_equal(ats_get(&w, BASE + PAGE), 9);
	assert_int_equal(mmun_mprotect(w.mm, BASE + PAGE, PAGE, MMUN_PROT_NONE), 0);
	assert_int_equal(mmun_cpu_load(w.cpu, BASE + PAGE, &v), -EFAULT);
	assert_int_equal(mmun_ats_load(w.ats, BASE + PAGE, &v), -EFAULT);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 4 * PAGE, RW), 0);
	assert_int_equal(vma_find(w.mm, BASE)->end, BASE + 4 * PAGE); /* one area again */
	assert_int_equal(cpu_get(&w, BASE + PAGE), 9);
	v = frame_at(w.mm, BASE + PAGE);
	cpu_put(&w, BASE + PAGE, 10); /* reused, not copied */
	assert_int_equal(frame_at(w.mm, BASE + PAGE), v);
	assert_int_equal(ats_get(&w, BASE + PAGE), 10);
	teardown(&w);
}

static void test_fork(void **state)
{
	struct mmun_mm *child;
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 3, RW);
	cpu_put(&w, BASE, 1);
	assert_int_equal(cpu_get(&w, BASE + PAGE), 0);
	assert_int_equal(ats_get(&w, BASE), 1);
	frame = frame_at(w.mm, BASE);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(frame_at(child, BASE), frame);
	assert_int_equal(refs(&w, BASE), 2);

	cpu_put(&w, BASE, 2); /* the parent copies */
	assert_int_not_equal(frame_at(w.mm, BASE), frame);
	assert_int_equal(ats_get(&w, BASE), 2);
	assert_int_equal(peek(child, BASE), 1);
	assert_int_equal(peek(child, BASE + PAGE), 0);
	assert_int_equal(mmun_mm_fault(child, BASE, true), 0); /* the child reuses */
	assert_int_equal(frame_at(child, BASE), frame);
	assert_int_equal(mmun_mm_destroy(child), 0);

	assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, MMUN_PROT_NONE), 0);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(mmun_mprotect(child, BASE, PAGE, RO), 0);
	assert_int_equal(peek(child, BASE), 2);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

static int child_fault(struct world *w, uint64_t addr)
{
	struct mmun_mm *child;
	int err;

	assert_int_equal(mmun_fork(w->mm, &child), 0);
	err = mmun_mm_fault(child, addr, false);
	if (!err)
		err = (int)peek(child, addr);
	assert_int_equal(mmun_mm_destroy(child), 0);
	return err;
}

/* MADV_DONTFORK and MADV_WIPEONFORK, and that they are undone; the child's child as well. */
static void test_fork_advice(void **state)
{
	struct mmun_mm *child, *grandchild;
	struct world w;
	uint64_t frame;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 3, RW);
	for (unsigned n = 0; n < 3; n++)
		cpu_put(&w, BASE + n * PAGE, n + 1);
	frame = frame_at(w.mm, BASE + PAGE);
	assert_int_equal(mmun_madvise(w.mm, BASE + PAGE, PAGE, MMUN_MADV_DONTFORK), 0);
	assert_int_equal(child_fault(&w, BASE), 1);
	assert_int_equal(child_fault(&w, BASE + PAGE), -EFAULT);
	assert_int_equal(child_fault(&w, BASE + 2 * PAGE), 3);
	cpu_put(&w, BASE + PAGE, 7); /* it was not shared, so nothing is copied */
	assert_int_equal(frame_at(w.mm, BASE + PAGE), frame);
	assert_int_equal(mmun_madvise(w.mm, BASE, 3 * PAGE, MMUN_MADV_DOFORK), 0);
	assert_int_equal(child_fault(&w, BASE + PAGE), 7);

	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_WIPEONFORK), 0);
	assert_int_equal(child_fault(&w, BASE), 0);
	assert_int_equal(child_fault(&w, BASE + PAGE), 7);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(mmun_mm_fault(child, BASE, true), 0);
	assert_int_equal(mmun_fork(child, &grandchild), 0);
	assert_int_equal(mm_translate(grandchild, BASE).v, 0);
	assert_int_equal(mmun_mm_destroy(grandchild), 0);
	assert_int_equal(mmun_mm_destroy(child), 0);
	assert_int_equal(mmun_madvise(w.mm, BASE, PAGE, MMUN_MADV_KEEPONFORK), 0);
	assert_int_equal(child_fault(&w, BASE), 1);
	assert_int_equal(mmun_madvise(w.mm, BASE + 3 * PAGE, PAGE, MMUN_MADV_DONTFORK), -ENOMEM);
	teardown(&w);
}

static void test_ksm(void **state)
{
	const uint64_t a = BASE, b = BASE + PAGE, c = BASE + 2 * PAGE;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 4, RW);
	assert_int_equal(mmun_ksm_merge(w.mm, a, a), -EINVAL);
	assert_int_equal(mmun_ksm_merge(w.mm, a + 8, b), -EINVAL);
	assert_int_equal(mmun_ksm_merge(NULL, a, b), -EINVAL);
	assert_int_equal(mmun_ksm_merge(w.mm, a, b), -EFAULT);
	assert_int_equal(mmun_ksm_merge(w.mm, TASK_BYTES, b), -EFAULT);
	cpu_put(&w, a, 5);
	assert_int_equal(mmun_ksm_merge(w.mm, a, BASE + 9 * PAGE), -EFAULT);
	assert_int_equal(cpu_get(&w, c), 0); /* the zero page */
	assert_int_equal(mmun_ksm_merge(w.mm, a, c), -EFAULT);
	cpu_put(&w, b, 6);
	assert_int_equal(mmun_ksm_merge(w.mm, a, b), -EAGAIN);
	cpu_put(&w, b, 5); /* both were write-protected: reuse */
	assert_int_equal(refs(&w, b), 1);

	assert_int_equal(ats_get(&w, b), 5);
	assert_int_equal(mmun_ksm_merge(w.mm, a, b), 0);
	assert_int_equal(frame_at(w.mm, a), frame_at(w.mm, b));
	assert_int_equal(refs(&w, a), 2);
	assert_int_equal(mmun_ksm_merge(w.mm, a, b), 0);
	assert_int_equal(refs(&w, a), 2);
	cpu_put(&w, b, 7);
	assert_int_equal(cpu_get(&w, a), 5);
	assert_int_equal(ats_get(&w, b), 7);
	cpu_put(&w, a, 8); /* a KSM page is copied even by its last user */
	assert_int_equal(ats_get(&w, a), 8);
	teardown(&w);
}

static void test_replace(void **state)
{
	struct mmun_mm *child;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE + 8, 5);
	assert_int_equal(mmun_replace_page(w.mm, BASE + 8, 1), -EINVAL);
	assert_int_equal(mmun_replace_page(w.mm, BASE + 7, 1), -EINVAL);
	assert_int_equal(mmun_replace_page(w.mm, BASE + 9 * PAGE, 1), -EFAULT);
	assert_int_equal(mmun_replace_page(w.mm, TASK_BYTES, 1), -EFAULT);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 2 * PAGE, RO), 0);
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	assert_int_equal(ats_get(&w, BASE + 8), 5);
	assert_int_equal(mmun_replace_page(w.mm, BASE + 16, 6), 0);
	assert_int_equal(cpu_get(&w, BASE + 8), 5);
	assert_int_equal(ats_get(&w, BASE + 16), 6);
	assert_int_equal(peek(child, BASE + 16), 0);
	assert_int_equal(mmun_replace_page(w.mm, BASE + PAGE, 9), 0); /* not populated */
	assert_int_equal(cpu_get(&w, BASE + PAGE), 9);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 2 * PAGE, MMUN_PROT_NONE), 0);
	assert_int_equal(mmun_replace_page(w.mm, BASE, 1), -EFAULT);
	assert_int_equal(mmun_mm_destroy(child), 0);
	teardown(&w);
}

static int refuse(void *ctx, struct mmun_mm *mm, uint64_t addr, bool write)
{
	uint64_t *seen = ctx;

	(void)mm;
	*seen = addr | write;
	return -EIO;
}

static void test_ats(void **state)
{
	uint64_t v, seen = 0;
	struct mmun_ats_opts opts = { .tlb_shift = 6, .page_request = refuse, .ctx = &seen };
	struct mmun_ats *ats;
	struct world w;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	map(w.mm, BASE, 200, RW);
	assert_int_equal(mmun_ats_create(w.mm, &opts, &ats), 0);
	assert_int_equal(mmun_ats_store(ats, BASE + 8, 1), -EIO);
	assert_int_equal(seen, (BASE + 8) | 1);
	for (uint64_t i = 0; i < 200; i++) { /* more than it caches */
		cpu_put(&w, BASE + i * PAGE, i);
		assert_int_equal(mmun_ats_load(ats, BASE + i * PAGE, &v), 0);
		assert_int_equal(v, i);
	}
	mmun_cpu_destroy(w.cpu);
	w.cpu = NULL;
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	w.mm = NULL;
	assert_int_equal(mmun_ats_load(ats, BASE, &v), -EFAULT); /* after exit */
	assert_int_equal(mmun_machine_destroy(w.machine), -EBUSY);
	mmun_ats_destroy(ats);
	teardown(&w);
}

/* A TLB that caches permissions is told of new ones, by whoever gives them and by its own fault. */
static void test_caches_permissions(void **state)
{
	const struct mmun_ats_opts opts = { .caches_permissions = true };
	struct mmun_ats *ats;
	struct world w;
	uint64_t v;

	(void)state;
	setup(&w, MMUN_MODERN);
	map(w.mm, BASE, 2, RW);
	assert_int_equal(mmun_ats_create(w.mm, &opts, &ats), 0);
	for (uint64_t round = 1; round < 4; round++) {
		cpu_put(&w, BASE, round);
		assert_int_equal(mmun_clear_refs(w.mm, MMUN_CLEAR_REFS_SOFT_DIRTY), 0);
		assert_int_equal(mmun_ats_load(ats, BASE, &v), 0); /* now it has it read-only */
		assert_int_equal(v, round);
		if (round & 1)
			cpu_put(&w, BASE, 10 * round); /* ... and it is writable */
		assert_int_equal(mmun_ats_store(ats, BASE, 20 * round), 0);
		assert_int_equal(cpu_get(&w, BASE), 20 * round);
		assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, MMUN_PROT_READ), 0);
		assert_int_equal(mmun_ats_load(ats, BASE, &v), 0);
		assert_int_equal(mmun_ats_store(ats, BASE, 1), -EFAULT);
		assert_int_equal(mmun_mprotect(w.mm, BASE, PAGE, RW), 0);
		assert_int_equal(mmun_ats_store(ats, BASE, 30 * round), 0);
		assert_int_equal(cpu_get(&w, BASE), 30 * round);
	}
	mmun_ats_destroy(ats);
	teardown(&w);
}

static void test_no_frames(void **state)
{
	struct mmun_machine_opts opts = { .frames = 8 };
	struct world w;
	uint64_t v;

	(void)state;
	setup_machine(&w, MMUN_MODERN, &opts);
	map(w.mm, BASE, 8, RW); /* zero page and 4 tables leave 3 pages */
	for (uint64_t i = 0; i < 3; i++)
		cpu_put(&w, BASE + i * PAGE, i);
	assert_int_equal(mmun_cpu_store(w.cpu, BASE + 3 * PAGE, 1), -ENOMEM);
	assert_int_equal(cpu_get(&w, BASE + 3 * PAGE), 0);
	assert_int_equal(mmun_ats_store(w.ats, BASE + 3 * PAGE, 1), -ENOMEM);
	assert_int_equal(mmun_cpu_load(w.cpu, 0, &v), -EFAULT);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0);
	cpu_put(&w, BASE + 3 * PAGE, 1);
	teardown(&w);
}

/* --- notifiers ----------------------------------------------------------- */

struct recorder {
	struct mmu_notifier soft, hard; /* software page table, hardware TLB */
	struct mmun_mm *mm;
	uint64_t watch;                 /* an address whose entry is shown */
	uint64_t before;                /* its frame before the operation */
	char log[512];
	bool only_watched;              /* leave out other pages */
};

static void record(struct recorder *r, const char *what, uint64_t start, uint64_t end)
{
	pte_t e = mm_translate(r->mm, r->watch);
	const char *how = pte_none(e) ? "none" : !pte_present(e) ? "prot" :
		pte_pfn(e).v != r->before ? "new" : pte_write(e) ? "rw" : "ro";
	size_t n = strlen(r->log);

	if (r->only_watched && (start > r->watch || r->watch >= end))
		return;
	assert_true(start <= r->watch && r->watch < end);
	snprintf(r->log + n, sizeof(r->log) - n, "%s%s(%s)", n ? " " : "", what, how);
}

static int soft_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	static const char *const names[] = { "S:unmap", "S:clear", "S:vma", "S:page" };
	struct recorder *r = container_of(mn, struct recorder, soft);

	record(r, names[range->event], range->start, range->end);
	assert_ptr_equal(range->mm, r->mm);
	return 0;
}

static int refuse_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	return mmu_notifier_range_blockable(range) ? 0 : -EAGAIN;
}

static void soft_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	record(container_of(mn, struct recorder, soft), "E", range->start, range->end);
}

static void hard_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	(void)mm;
	record(container_of(mn, struct recorder, hard), "flush", start, end);
}

static void soft_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct recorder *r = container_of(mn, struct recorder, soft);

	assert_ptr_equal(r->mm, mm);
	record(r, "release", 0, TASK_BYTES);
}

static const struct mmu_notifier_ops soft_ops = {
	.release = soft_release,
	.invalidate_range_start = soft_start,
	.invalidate_range_end = soft_end,
};
static const struct mmu_notifier_ops hard_modern = { .arch_invalidate_secondary_tlbs = hard_flush };
static const struct mmu_notifier_ops hard_classic = { .invalidate_range = hard_flush };

static void recorder_begin(struct recorder *r, struct world *w)
{
	memset(r, 0, sizeof(*r));
	r->mm = w->mm;
	r->watch = BASE;
	r->soft.ops = &soft_ops;
	r->hard.ops = w->mm->domain.semantics == MMUN_CLASSIC ? &hard_classic : &hard_modern;
	assert_int_equal(mmu_notifier_register(&r->soft, w->mm), 0);
	assert_int_equal(mmu_notifier_register(&r->hard, w->mm), 0);
}

static void expect(struct recorder *r, const char *log)
{
	assert_string_equal(r->log, log);
	r->log[0] = '\0';
	r->before = frame_at(r->mm, r->watch);
}

/*
 * The order of steps for each operation. In brackets the entry as it is at that
 * moment: none, ro, rw (same frame as before), new (another one), prot.
 */
static void run_orders(enum mmun_semantics semantics, const char *const *want)
{
	struct mmun_mm *child;
	struct recorder r;
	struct world w;

	setup(&w, semantics);
	recorder_begin(&r, &w);
	map(w.mm, BASE, 2, RW);
	cpu_get(&w, BASE);
	expect(&r, "");                                         /* none to present */
	cpu_put(&w, BASE, 1);
	expect(&r, *want++);                                    /* zero page write */
	assert_int_equal(mmun_fork(w.mm, &child), 0);
	expect(&r, *want++);
	cpu_put(&w, BASE, 2);
	expect(&r, *want++);                                    /* COW */
	assert_int_equal(mmun_mprotect(w.mm, BASE, 2 * PAGE, MMUN_PROT_NONE), 0);
	expect(&r, *want++);
	assert_int_equal(mmun_mprotect(w.mm, BASE, 2 * PAGE, RO), 0);
	r.log[0] = '\0';
	assert_int_equal(mmun_replace_page(w.mm, BASE, 3), 0);
	expect(&r, *want++);
	assert_int_equal(mmun_munmap(w.mm, BASE, 2 * PAGE), 0);
	expect(&r, *want++);
	assert_int_equal(mmun_mm_destroy(child), 0);
	mmu_notifier_unregister(&r.hard, w.mm);
	mmu_notifier_unregister(&r.soft, w.mm);
	expect(&r, "release(none)");
	teardown(&w);
}

static void test_order_modern(void **state)
{
	static const char *const want[] = {
		"S:clear(ro) flush(none) E(new)",
		"S:page(rw) E(ro) flush(ro)",
		"S:clear(ro) flush(none) E(new)",
		"S:vma(rw) E(prot) flush(prot)",
		"S:clear(ro) flush(none) E(new)",
		"S:unmap(ro) E(none) flush(none)",
	};

	(void)state;
	run_orders(MMUN_MODERN, want);
}

static void test_order_classic(void **state)
{
	static const char *const want[] = {
		"S:clear(ro) flush(none) E(new)",
		"S:page(rw) flush(ro) E(ro)",
		"S:clear(ro) flush(none) E(new)",
		"S:vma(rw) flush(prot) E(prot) flush(prot)",
		"S:clear(ro) flush(none) flush(new) E(new)",
		"S:unmap(ro) flush(none) E(none) flush(none)",
	};

	(void)state;
	run_orders(MMUN_CLASSIC, want);
}

/* Pages 0 and 1 are merged; the log shows what concerns the watched one. */
static void run_ksm_order(enum mmun_semantics semantics, uint64_t watch, const char *want)
{
	struct recorder r;
	struct world w;

	setup(&w, semantics);
	map(w.mm, BASE, 2, RW);
	cpu_put(&w, BASE, 1);
	cpu_put(&w, BASE + PAGE, 1);
	recorder_begin(&r, &w);
	r.watch = watch;
	r.only_watched = true;
	expect(&r, "");
	assert_int_equal(mmun_ksm_merge(w.mm, BASE, BASE + PAGE), 0);
	expect(&r, want);
	mmu_notifier_unregister(&r.soft, w.mm);
	mmu_notifier_unregister(&r.hard, w.mm);
	teardown(&w);
}

static void test_ksm_order(void **state)
{
	(void)state;
	run_ksm_order(MMUN_MODERN, BASE, "S:clear(rw) flush(none) E(ro)");
	run_ksm_order(MMUN_MODERN, BASE + PAGE, "S:clear(rw) flush(none) E(ro) "
		      "S:clear(ro) flush(none) E(new)");
	run_ksm_order(MMUN_CLASSIC, BASE, "S:clear(rw) flush(ro) E(ro)");
	run_ksm_order(MMUN_CLASSIC, BASE + PAGE, "S:clear(rw) flush(ro) E(ro) "
		      "S:clear(ro) flush(new) E(new)");
}

static void test_registering(void **state)
{
	struct mmu_notifier_ops both = hard_modern;
	struct mmu_notifier mn = { .ops = &both };
	struct mmu_notifier_range range;
	struct recorder r;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	both.invalidate_range_end = soft_end;
	assert_int_equal(mmu_notifier_register(&mn, w.mm), -EINVAL);
	both = hard_classic;
	assert_int_equal(mmu_notifier_register(&mn, w.mm), -EINVAL);
	assert_int_equal(mmu_notifier_register(NULL, w.mm), -EINVAL);
	assert_int_equal(mmu_notifier_register(&mn, NULL), -EINVAL);
	mn.ops = NULL;
	assert_int_equal(mmu_notifier_register(&mn, w.mm), -EINVAL);
	mmu_notifier_unregister(&mn, w.mm); /* never registered: nothing */

	recorder_begin(&r, &w);
	assert_int_equal(mmu_notifier_register(&r.soft, w.mm), -EINVAL); /* twice */
	range_init(&range, w.mm, MMU_NOTIFY_UNMAP, BASE, BASE + PAGE);
	both = (struct mmu_notifier_ops){ .invalidate_range_start = refuse_start };
	mn.ops = &both; /* who refuses has no end */
	assert_int_equal(mmu_notifier_register(&mn, w.mm), 0);
	down_read(&w.mm->mmap_lock);
	assert_int_equal(invalidate_range_start_nonblock(&range), -EAGAIN);
	up_read(&w.mm->mmap_lock);
	mmu_notifier_unregister(&mn, w.mm);
	down_read(&w.mm->mmap_lock);
	assert_int_equal(invalidate_range_start_nonblock(&range), 0);
	invalidate_range_end(&range, MM_OP_EXIT);
	up_read(&w.mm->mmap_lock);
	mmu_notifier_unregister(&r.hard, w.mm);
	mmu_notifier_unregister(&r.soft, w.mm);
	mmu_notifier_unregister(&r.soft, w.mm); /* again: nothing */

	assert_int_equal(mmu_notifier_register(&r.soft, w.mm), 0); /* released by exit */
	mmun_cpu_destroy(w.cpu);
	w.cpu = NULL;
	r.watch = 0;
	map(w.mm, 0, 1, RW);
	r.log[0] = '\0';
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	assert_string_equal(r.log, "release(none)");
	assert_int_equal(mmu_notifier_register(&r.hard, w.mm), -EINVAL);
	mmu_notifier_unregister(&r.soft, w.mm);
	assert_string_equal(r.log, "release(none)");
	w.mm = NULL;
	teardown(&w);
}

/* --- allocations that fail ------------------------------------------------ */

/* All operations once; the first error ends it. */
static int everything(struct world *w)
{
	struct mmun_machine_opts opts = { .frames = 64 };
	struct mmun_mm *child = NULL;
	uint64_t at;
	int err;

#define TRY(call) do { err = (call); if (err) goto out; } while (0)
	memset(w, 0, sizeof(*w));
	TRY(mmun_machine_create(&opts, &w->machine));
	TRY(mmun_mm_create(w->machine, MMUN_MODERN, &w->mm));
	TRY(mmun_cpu_create(w->mm, &w->cpu));
	TRY(mmun_ats_create(w->mm, NULL, &w->ats));
	TRY(mmun_mmap(w->mm, BASE, 6 * PAGE, RW, FIXED, &at));
	TRY(mmun_cpu_store(w->cpu, BASE, 1));
	TRY(mmun_ats_store(w->ats, BASE + PAGE, 1));
	TRY(mmun_fork(w->mm, &child));
	TRY(mmun_cpu_store(w->cpu, BASE, 1));
	TRY(mmun_ksm_merge(w->mm, BASE, BASE + PAGE));
	TRY(mmun_cpu_store(w->cpu, BASE, 3));
	TRY(mmun_mprotect(w->mm, BASE + PAGE, PAGE, RO));
	TRY(mmun_replace_page(w->mm, BASE + PAGE, 3));
	TRY(mmun_munmap(w->mm, BASE + 3 * PAGE, PAGE));
	TRY(mmun_mmap(w->mm, BASE + PAGE, 4 * PAGE, RW, FIXED, &at));
	TRY(mmun_cpu_store(w->cpu, BASE + 4 * PAGE, 3));
#undef TRY
out:
	assert_int_equal(mmun_mm_destroy(child), 0);
	mmun_cpu_destroy(w->cpu);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	mmun_ats_destroy(w->ats);
	if (w->machine)
		assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
	return err;
}

static void test_no_memory(void **state)
{
	struct world w;
	uint64_t n;

	(void)state;
	for (n = 1;; n++) {
		int err;

		sync_alloc_fail_at(n);
		err = everything(&w);
		if (!sync_alloc_fail_clear()) {
			assert_int_equal(err, 0);
			break;
		}
		assert_int_equal(err, -ENOMEM);
	}
	assert_true(n > 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_munmap),
		cmocka_unit_test(test_munmap_many),
		cmocka_unit_test(test_mprotect),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_advice),
		cmocka_unit_test(test_ksm),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_ats),
		cmocka_unit_test(test_caches_permissions),
		cmocka_unit_test(test_no_frames),
		cmocka_unit_test(test_order_modern),
		cmocka_unit_test(test_order_classic),
		cmocka_unit_test(test_ksm_order),
		cmocka_unit_test(test_registering),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
