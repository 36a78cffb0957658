/* SPDX-License-Identifier: MIT */
/*
 * driver.c - a driver with a page table of its own, which an interval notifier keeps up to
 * date, on the address spaces of libmmun. driver_right calls read_retry; driver_wrong does
 * not.
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>
#include <mmun/mmun.h>

struct driver {
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	uint64_t addr;
	struct mmu_interval_notifier sub;
	spinlock_t lock;
	bool mapped;         /* [lock] the driver's page table has the page */
};

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       uint64_t cur_seq)
{
	struct driver *d = container_of(sub, struct driver, sub);

	(void)range;
	spin_lock(&d->lock);
	mmu_interval_set_seq(sub, cur_seq);
	d->mapped = false;
	spin_unlock(&d->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

static void setup(void *state, void *arg)
{
	const struct mmun_machine_opts opts = { .frames = 32 };
	struct driver *d = state;

	(void)arg;
	EXPLORE_ASSERT(!mmun_machine_create(&opts, &d->machine));
	EXPLORE_ASSERT(!mmun_mm_create(d->machine, MMUN_MODERN, &d->mm));
	EXPLORE_ASSERT(!mmun_mmap(d->mm, 0, mmun_page_size(), MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS, &d->addr));
	EXPLORE_ASSERT(!mmu_interval_notifier_insert(&d->sub, d->mm, d->addr, mmun_page_size(),
						     &ops));
}

/* Looks the page up and keeps it: one try. */
static void device_fault(struct driver *d, bool right)
{
	uint64_t seq = mmu_interval_read_begin(&d->sub);
	struct mmun_pin *pin;

	if (mmun_pin(d->mm, d->addr, false, &pin))
		return;
	mmun_unpin(pin);
	spin_lock(&d->lock);
	if (!right || !mmu_interval_read_retry(&d->sub, seq)) {
		d->mapped = true;
		pr_info("the driver maps the page");
	}
	spin_unlock(&d->lock);
}

static void thread(struct driver *d, unsigned thread, bool right)
{
	if (thread == 0)
		device_fault(d, right);
	else
		EXPLORE_ASSERT(!mmun_munmap(d->mm, d->addr, mmun_page_size()));
}

static void right(void *state, unsigned t, void *arg) { (void)arg; thread(state, t, true); }
static void wrong(void *state, unsigned t, void *arg) { (void)arg; thread(state, t, false); }

static void finish(void *state, void *arg)
{
	struct driver *d = state;

	(void)arg;
	if (d->mapped)
		explore_fail(ORACLE_CONDITION, "the driver has a page that was unmapped");
	mmu_interval_notifier_remove(&d->sub);
	EXPLORE_ASSERT(!mmun_mm_destroy(d->mm) && !mmun_machine_destroy(d->machine));
}

static const char *const names[] = { "fault", "munmap" };

EXPLORE_CHECK(driver_right, .threads = 2, .thread_name = names,
	      .state_size = sizeof(struct driver), .setup = setup, .thread = right,
	      .finish = finish)
EXPLORE_CHECK(driver_wrong, .threads = 2, .thread_name = names,
	      .state_size = sizeof(struct driver), .setup = setup, .thread = wrong,
	      .finish = finish, .expect = "condition", .repair = "driver_right")
