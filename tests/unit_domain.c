/* SPDX-License-Identifier: MIT */
/*
 * unit_domain.c - notifiers, devices and mirrors on a notify domain whose owner is no address
 * space (io_space.c): what callbacks are given, who may subscribe when, and, with two real
 * threads, that a device touches no page that was given up.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "io_space.h"
#include "iommu/ats.h"
#include "mirror/mirror.h"

enum { FRAMES = 64, ROUNDS = 20000 };

struct world {
	struct mmun_machine *machine;
	struct io_space *io;
	struct notify_domain *domain;
};

static void setup(struct world *w, enum mmun_semantics semantics)
{
	const struct mmun_machine_opts opts = { .frames = FRAMES };

	assert_int_equal(sync_alloc_live(), 0);
	assert_int_equal(mmun_machine_create(&opts, &w->machine), 0);
	assert_int_equal(io_create(w->machine, semantics, &w->io), 0);
	w->domain = &w->io->domain;
}

/* The domain has come to its end. */
static void teardown(struct world *w)
{
	assert_int_equal(machine_frames_used(w->machine), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
}

/* --- what callbacks are given --------------------------------------------- */

struct recorder {
	struct mmu_notifier mn;
	struct mmu_interval_notifier sub;
	struct notify_domain *domain;
	char log[200];
};

static void record(struct recorder *r, const char *what, const struct mmun_mm *mm,
		   uint64_t start, uint64_t end)
{
	size_t used = strlen(r->log);

	assert_null(mm);
	assert_ptr_equal(r->mn.domain, r->domain);
	assert_null(r->mn.mm);
	snprintf(r->log + used, sizeof(r->log) - used, "%s[%d,%d) ", what,
		 (int)(start / PAGE_BYTES), (int)(end / PAGE_BYTES));
}

static void expect(struct recorder *r, const char *log)
{
	assert_string_equal(r->log, log);
	r->log[0] = '\0';
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	record(container_of(mn, struct recorder, mn), "start", range->mm, range->start,
	       range->end);
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	record(container_of(mn, struct recorder, mn), "end", range->mm, range->start,
	       range->end);
}

static void on_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	record(container_of(mn, struct recorder, mn), "flush", mm, start, end);
}

static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	record(container_of(mn, struct recorder, mn), "release", mm, 0, 0);
}

static bool on_test_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr)
{
	record(container_of(mn, struct recorder, mn), "young", mm, addr, addr);
	return true;
}

static bool on_invalidate(struct mmu_interval_notifier *sub,
			  const struct mmu_notifier_range *range, uint64_t seq)
{
	struct recorder *r = container_of(sub, struct recorder, sub);

	assert_null(sub->mm);
	assert_ptr_equal(sub->domain, r->domain);
	mmu_interval_set_seq(sub, seq);
	record(r, "interval", range->mm, range->start, range->end);
	return true;
}

static const struct mmu_notifier_ops classic_ops = {
	.release = on_release, .invalidate_range_start = on_start,
	.invalidate_range_end = on_end, .invalidate_range = on_flush,
	.test_young = on_test_young,
};
static const struct mmu_notifier_ops modern_ops = {
	.release = on_release, .arch_invalidate_secondary_tlbs = on_flush,
};
static const struct mmu_interval_notifier_ops interval_ops = { .invalidate = on_invalidate };

/* Before 6.6 the end of a range flushes; and each is told in its place. */
static void test_callbacks(void **state)
{
	struct recorder r = { .mn.ops = &classic_ops };
	struct world w;

	(void)state;
	setup(&w, MMUN_CLASSIC);
	r.domain = w.domain;
	assert_int_equal(io_map(w.io, 1, 7), 0);
	assert_int_equal(notify_register(w.domain, &r.mn), 0);
	assert_int_equal(notify_register(w.domain, &r.mn), -EINVAL);
	assert_int_equal(notify_interval_insert(w.domain, &r.sub, io_addr(1), PAGE_BYTES,
						&interval_ops), 0);
	io_unmap(w.io, 1, 3);
	expect(&r, "interval[1,3) start[1,3) flush[1,3) end[1,3) ");
	io_unmap(w.io, 2, 3);
	expect(&r, "start[2,3) flush[2,3) end[2,3) ");
	assert_true(notify_test_young(w.domain, io_addr(1)));
	expect(&r, "young[1,1) ");
	mmu_interval_notifier_remove(&r.sub);
	notify_unregister(w.domain, &r.mn);
	expect(&r, "release[0,0) ");
	assert_null(r.mn.domain);
	io_unmap(w.io, 1, 3);
	expect(&r, "");
	io_destroy(w.io);
	teardown(&w);
}

/* From 6.6 on the owner flushes where it sees fit; and at the end all are told once. */
static void test_release(void **state)
{
	struct recorder r = { .mn.ops = &modern_ops }, late = { .mn.ops = &modern_ops };
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	r.domain = w.domain;
	assert_int_equal(notify_register(w.domain, &r.mn), 0);
	io_unmap(w.io, 0, 1);
	expect(&r, "flush[0,1) ");
	w.domain->ops->get(w.domain); /* to look at it afterwards */
	io_destroy(w.io);
	expect(&r, "release[0,0) ");
	assert_int_equal(notify_register(w.domain, &late.mn), -EINVAL);
	assert_int_equal(notify_interval_insert(w.domain, &late.sub, 0, PAGE_BYTES,
						&interval_ops), -EINVAL);
	notify_unregister(w.domain, &r.mn); /* the last but one reference */
	expect(&r, "");
	w.domain->ops->put(w.domain);
	teardown(&w);
}

/* --- get and put ---------------------------------------------------------- */

static struct recorder gotten;
static unsigned freed;

static struct mmu_notifier *on_alloc(struct mmun_mm *mm)
{
	assert_null(mm);
	return &gotten.mn;
}

static void on_free(struct mmu_notifier *mn)
{
	assert_ptr_equal(mn, &gotten.mn);
	freed++;
}

static void test_get(void **state)
{
	static const struct mmu_notifier_ops ops = {
		.arch_invalidate_secondary_tlbs = on_flush, .alloc_notifier = on_alloc,
		.free_notifier = on_free,
	};
	struct mmu_notifier *first, *second;
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	gotten.domain = w.domain;
	freed = 0;
	assert_int_equal(notify_get(w.domain, &ops, &first), 0);
	assert_int_equal(notify_get(w.domain, &ops, &second), 0);
	assert_ptr_equal(first, second);
	io_unmap(w.io, 0, 1);
	expect(&gotten, "flush[0,1) ");
	mmu_notifier_put(first);
	assert_int_equal(freed, 0);
	mmu_notifier_put(second);
	mmu_notifier_synchronize(w.machine);
	assert_int_equal(freed, 1);
	io_destroy(w.io);
	teardown(&w);
}

/* --- devices and mirrors --------------------------------------------------- */

static int on_page_request(void *ctx, struct mmun_mm *mm, uint64_t addr, bool write)
{
	struct world *w = ctx;

	assert_null(mm);
	assert_false(write);
	return io_map(w->io, (unsigned)(addr / PAGE_BYTES), 3);
}

static void test_device(void **state)
{
	struct world w;
	const struct mmun_ats_opts opts = { .page_request = on_page_request, .ctx = &w };
	struct mmun_ats *device, *asking;
	uint64_t value;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(ats_create(w.domain, NULL, &device), 0);
	assert_int_equal(ats_create(w.domain, &opts, &asking), 0);
	assert_ptr_equal(ats_domain(device), w.domain);
	assert_int_equal(mmun_ats_load(device, io_addr(1), &value), -EFAULT);
	assert_int_equal(mmun_ats_load(asking, io_addr(1), &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(mmun_ats_store(device, io_addr(1) + 8, 4), 0);
	assert_int_equal(mmun_ats_load(asking, io_addr(1) + 8, &value), 0);
	assert_int_equal(value, 4);
	assert_int_equal(io_replace(w.io, 1, 5), 0);
	assert_int_equal(mmun_ats_load(device, io_addr(1) + 8, &value), 0);
	assert_int_equal(value, 5);
	io_unmap(w.io, 0, IO_PAGES);
	assert_int_equal(mmun_ats_load(device, io_addr(1), &value), -EFAULT);
	w.io->on_demand = true;
	assert_int_equal(mmun_ats_load(device, io_addr(1), &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(mmun_ats_load(device, io_addr(IO_PAGES), &value), -EFAULT);
	mmun_ats_destroy(asking);
	io_destroy(w.io);
	assert_int_equal(mmun_ats_load(device, io_addr(1), &value), -EFAULT);
	mmun_ats_destroy(device); /* has the last reference */
	teardown(&w);
}

static void test_mirror(void **state)
{
	struct tlb_access a = { .addr = io_addr(2) };
	struct mirror *mirror[2];
	struct world w;

	(void)state;
	setup(&w, MMUN_MODERN);
	assert_int_equal(io_map(w.io, 2, 6), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mirror_create(w.domain, i ? MIRROR_SHADOW : MIRROR_INTERVAL, 0,
					       io_addr(IO_PAGES), &mirror[i]), 0);
		assert_int_equal(mirror_access(mirror[i], &a), 0);
		assert_int_equal(a.value, 6);
	}
	assert_int_equal(io_replace(w.io, 2, 7), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mirror_access(mirror[i], &a), 0);
		assert_int_equal(a.value, 7);
	}
	io_unmap(w.io, 0, IO_PAGES);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(mirror_access(mirror[i], &a), -EFAULT);
	mirror_destroy(mirror[0]);
	io_destroy(w.io);
	mirror_destroy(mirror[1]);
	teardown(&w);
}

/* --- real threads ----------------------------------------------------------- */

struct load { struct mmun_ats *device; uint64_t wrong; };

/* Page n has n in its words, whatever frame it is: a page that was given up may have other
 * contents by now. */
static void *load_all(void *arg)
{
	struct load *l = arg;
	uint64_t value;

	for (unsigned i = 0; i < ROUNDS; i++)
		if (!mmun_ats_load_acquire(l->device, io_addr(i % IO_PAGES), &value))
			l->wrong += value != i % IO_PAGES;
	return NULL;
}

static void threads(enum mmun_semantics semantics)
{
	struct load l = { 0 };
	pthread_t loader;
	struct world w;

	setup(&w, semantics);
	assert_int_equal(ats_create(w.domain, NULL, &l.device), 0);
	assert_int_equal(pthread_create(&loader, NULL, load_all, &l), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned page = i * 5 % IO_PAGES; /* each in its turn */

		assert_int_equal(io_map(w.io, page, page), 0);
		if (i % 3 == 0)
			assert_int_equal(io_replace(w.io, page, page), 0);
		if (i >= 2)
			io_unmap(w.io, (i - 2) * 5 % IO_PAGES, (i - 2) * 5 % IO_PAGES + 1);
	}
	assert_int_equal(pthread_join(loader, NULL), 0);
	assert_int_equal(l.wrong, 0);
	mmun_ats_destroy(l.device);
	io_destroy(w.io);
	teardown(&w);
}

static void test_threads(void **state)
{
	(void)state;
	threads(MMUN_MODERN);
	threads(MMUN_CLASSIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_callbacks), cmocka_unit_test(test_release),
		cmocka_unit_test(test_get), cmocka_unit_test(test_device),
		cmocka_unit_test(test_mirror), cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
