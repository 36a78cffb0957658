/* SPDX-License-Identifier: MIT */
/*
 * unit_iommu.c - an IOMMU in one thread: PASIDs and domains, requests that are refused and their
 * records, counters, errors, every allocation made to fail.
 */
#include <errno.h>

#include "mmun/iommu.h"
#include "unit_world.h"

enum { ID = 7, PASID = 0x12345, EVENTS = 2 };

struct behind {
	struct mmun_iommu *iommu;
	struct mmun_iommu_device *device;
	struct mmun_domain *domain;
};

static void setup_iommu(struct world *w, struct behind *b)
{
	static const struct mmun_iommu_opts opts = { .events = EVENTS };

	setup(w, MMUN_MODERN);
	map(w->mm, BASE, 1, RW);
	map(w->mm, BASE + PAGE, 1, RO);
	cpu_put(w, BASE, 5);
	assert_int_equal(mmun_iommu_create(&opts, &b->iommu), 0);
	assert_int_equal(mmun_iommu_device_create(b->iommu, ID, &b->device), 0);
	assert_int_equal(mmun_domain_create_sva(b->iommu, w->mm, &b->domain), 0);
	assert_int_equal(mmun_iommu_attach(b->device, PASID, b->domain), 0);
}

static void teardown_iommu(struct world *w, struct behind *b)
{
	mmun_iommu_device_destroy(b->device);
	assert_int_equal(mmun_domain_destroy(b->domain), 0);
	assert_int_equal(mmun_iommu_destroy(b->iommu), 0);
	teardown(w);
}

static void expect_event(struct behind *b, enum mmun_iommu_cause cause, uint32_t pasid,
			 uint64_t addr)
{
	struct mmun_iommu_event e;

	assert_int_equal(mmun_iommu_event_read(b->iommu, &e), 0);
	assert_int_equal(e.cause, cause);
	assert_int_equal(e.device, ID);
	assert_int_equal(e.pasid, pasid);
	assert_int_equal(e.addr, addr);
}

static void test_errors(void **state)
{
	const struct mmun_iommu_opts shift = { .iotlb_shift = 25 }, events = { .events = 1 << 21 };
	struct mmun_iommu_device *device;
	struct mmun_iommu_event e;
	struct mmun_iommu *other;
	struct mmun_domain *foreign;
	struct behind b;
	struct world w;
	uint64_t v;

	(void)state;
	setup_iommu(&w, &b);
	assert_int_equal(mmun_iommu_create(NULL, NULL), -EINVAL);
	assert_int_equal(mmun_iommu_create(&shift, &other), -EINVAL);
	assert_int_equal(mmun_iommu_create(&events, &other), -EINVAL);
	assert_int_equal(mmun_iommu_destroy(NULL), 0);
	assert_int_equal(mmun_domain_destroy(NULL), 0);
	mmun_iommu_device_destroy(NULL);
	assert_int_equal(mmun_iommu_destroy(b.iommu), -EBUSY);
	assert_int_equal(mmun_domain_destroy(b.domain), -EBUSY);
	assert_int_equal(mmun_iommu_device_create(b.iommu, ID, &device), -EEXIST);
	assert_int_equal(mmun_iommu_attach(b.device, PASID, b.domain), -EBUSY);
	assert_int_equal(mmun_iommu_attach(b.device, MMUN_IOMMU_PASIDS, b.domain), -EINVAL);
	assert_int_equal(mmun_iommu_detach(b.device, MMUN_IOMMU_PASIDS), -EINVAL);
	assert_int_equal(mmun_iommu_detach(b.device, PASID + 1), -ENOENT);
	assert_int_equal(mmun_iommu_detach(b.device, 1), -ENOENT);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE + 4, &v), -EINVAL);
	assert_int_equal(mmun_iommu_load(b.device, MMUN_IOMMU_PASIDS, BASE, &v), -EINVAL);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE, NULL), -EINVAL);
	assert_int_equal(mmun_iommu_page_request(b.device, MMUN_IOMMU_PASIDS, BASE, false),
			 -EINVAL);
	assert_int_equal(mmun_iommu_event_read(b.iommu, &e), -EAGAIN);
	assert_int_equal(mmun_iommu_create(NULL, &other), 0);
	assert_int_equal(mmun_domain_create_sva(other, w.mm, &foreign), 0);
	assert_int_equal(mmun_iommu_attach(b.device, 1, foreign), -EINVAL);
	assert_int_equal(mmun_domain_destroy(foreign), 0);
	assert_int_equal(mmun_iommu_destroy(other), 0);
	teardown_iommu(&w, &b);
}

/* A PASID that was not given reaches no memory, and leaves a record. */
static void test_pasids(void **state)
{
	struct mmun_iommu_counters c;
	struct behind b;
	struct world w;
	uint64_t v = 1;

	(void)state;
	setup_iommu(&w, &b);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE, &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(mmun_iommu_store(b.device, PASID, BASE, 6), 0);
	assert_int_equal(cpu_get(&w, BASE), 6);
	assert_int_equal(mmun_iommu_store(b.device, MMUN_IOMMU_NO_PASID, BASE, 9), -EACCES);
	expect_event(&b, MMUN_IOMMU_PASID_BLOCKED, MMUN_IOMMU_NO_PASID, BASE);
	assert_int_equal(mmun_iommu_attach(b.device, MMUN_IOMMU_NO_PASID, b.domain), 0);
	assert_int_equal(mmun_iommu_load(b.device, MMUN_IOMMU_NO_PASID, BASE, &v), 0);
	assert_int_equal(v, 6);
	assert_int_equal(mmun_iommu_detach(b.device, PASID), 0);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE, &v), -EACCES);
	expect_event(&b, MMUN_IOMMU_PASID_BLOCKED, PASID, BASE);
	assert_int_equal(mmun_iommu_page_request(b.device, PASID, BASE, true),
			 MMUN_IOMMU_RESPONSE_INVALID);
	expect_event(&b, MMUN_IOMMU_PASID_BLOCKED, PASID, BASE);
	assert_int_equal(mmun_iommu_counters(b.device, &c), 0);
	assert_int_equal(c.accesses, 3);
	assert_int_equal(c.refused, 3);
	assert_int_equal(c.faults, 0);
	teardown_iommu(&w, &b);
}

static void test_faults(void **state)
{
	struct behind b;
	struct world w;
	uint64_t v;

	(void)state;
	setup_iommu(&w, &b);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE + PAGE, &v), -EFAULT);
	expect_event(&b, MMUN_IOMMU_LOAD_FAULT, PASID, BASE + PAGE);
	assert_int_equal(mmun_iommu_page_request(b.device, PASID, BASE + PAGE, false),
			 MMUN_IOMMU_RESPONSE_SUCCESS);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE + PAGE, &v), 0);
	assert_int_equal(mmun_iommu_store(b.device, PASID, BASE + PAGE, 1), -EFAULT);
	expect_event(&b, MMUN_IOMMU_STORE_FAULT, PASID, BASE + PAGE);
	assert_int_equal(mmun_iommu_page_request(b.device, PASID, BASE + PAGE, true),
			 MMUN_IOMMU_RESPONSE_INVALID);
	assert_int_equal(mmun_iommu_load(b.device, PASID, TASK_BYTES, &v), -EFAULT);
	expect_event(&b, MMUN_IOMMU_LOAD_FAULT, PASID, TASK_BYTES);
	assert_int_equal(mmun_iommu_page_request(b.device, PASID, TASK_BYTES, true),
			 MMUN_IOMMU_RESPONSE_INVALID);
	assert_int_equal(mmun_munmap(w.mm, BASE, PAGE), 0);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE, &v), -EFAULT);
	teardown_iommu(&w, &b);
}

/* P7, fault queue overflow: what fits is kept, the next record is lost, and so are those after it
 * until that was acknowledged. */
static void test_overflow(void **state)
{
	struct mmun_iommu_event e;
	struct behind b;
	struct world w;
	uint64_t v;

	(void)state;
	setup_iommu(&w, &b);
	for (uint32_t pasid = 1; pasid <= EVENTS; pasid++)
		assert_int_equal(mmun_iommu_load(b.device, pasid, BASE, &v), -EACCES);
	assert_int_equal(mmun_iommu_event_overflow(b.iommu), 0);
	assert_int_equal(mmun_iommu_load(b.device, EVENTS + 1, BASE, &v), -EACCES);
	expect_event(&b, MMUN_IOMMU_PASID_BLOCKED, 1, BASE);
	assert_int_equal(mmun_iommu_load(b.device, EVENTS + 2, BASE, &v), -EACCES);
	expect_event(&b, MMUN_IOMMU_PASID_BLOCKED, EVENTS, BASE);
	assert_int_equal(mmun_iommu_event_read(b.iommu, &e), -EAGAIN);
	assert_int_equal(mmun_iommu_event_overflow(b.iommu), 1);
	assert_int_equal(mmun_iommu_load(b.device, EVENTS + 3, BASE, &v), -EACCES);
	expect_event(&b, MMUN_IOMMU_PASID_BLOCKED, EVENTS + 3, BASE);
	assert_int_equal(mmun_iommu_event_overflow(b.iommu), 0);
	teardown_iommu(&w, &b);
}

/* The domain outlives the contents of its address space. */
static void test_exit(void **state)
{
	struct behind b;
	struct world w;
	uint64_t v;

	(void)state;
	setup_iommu(&w, &b);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE, &v), 0);
	mmun_cpu_destroy(w.cpu);
	mmun_ats_destroy(w.ats);
	assert_int_equal(mmun_mm_destroy(w.mm), 0);
	assert_int_equal(mmun_iommu_load(b.device, PASID, BASE, &v), -EFAULT);
	assert_int_equal(mmun_iommu_page_request(b.device, PASID, BASE, false),
			 MMUN_IOMMU_RESPONSE_INVALID);
	mmun_iommu_device_destroy(b.device);
	assert_int_equal(mmun_domain_destroy(b.domain), 0);
	assert_int_equal(mmun_iommu_destroy(b.iommu), 0);
	assert_int_equal(mmun_machine_destroy(w.machine), 0);
	assert_int_equal(sync_alloc_live(), 0);
}

static int build_once(struct world *w)
{
	const struct mmun_machine_opts opts = { .frames = 64 };
	struct behind b = { NULL, NULL, NULL };
	int err;

	*w = (struct world){ NULL, NULL, NULL, NULL };
	err = mmun_machine_create(&opts, &w->machine);
	if (!err)
		err = mmun_mm_create(w->machine, MMUN_MODERN, &w->mm);
	if (!err)
		err = mmun_iommu_create(NULL, &b.iommu);
	if (!err)
		err = mmun_iommu_device_create(b.iommu, ID, &b.device);
	if (!err)
		err = mmun_domain_create_sva(b.iommu, w->mm, &b.domain);
	if (!err)
		err = mmun_iommu_attach(b.device, PASID, b.domain);
	mmun_iommu_device_destroy(b.device);
	assert_int_equal(mmun_domain_destroy(b.domain), 0);
	assert_int_equal(mmun_iommu_destroy(b.iommu), 0);
	assert_int_equal(mmun_mm_destroy(w->mm), 0);
	assert_int_equal(mmun_machine_destroy(w->machine), 0);
	return err;
}

static void test_allocations(void **state)
{
	(void)state;
	fail_each(build_once, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_pasids),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_allocations),
	};

	return cmocka_run_group_tests_name("iommu", tests, NULL, NULL);
}
