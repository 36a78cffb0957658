/* SPDX-License-Identifier: MIT */
/*
 * users.c - how long an address space lives: the words of mmun/linux/sched_mm.h. All users
 * together have one reference to its structure. The last one ends it, as exit does.
 */
#include "checks/names/mm.h"
#include "mmun/linux/sched_mm.h"

static void say(const struct kernel_at_ *at, const char *call, bool failed)
{
	sync_event_at(&at->site, MM_CALL, (uintptr_t)call, failed);
}

static uint64_t count(atomic_u64 *word, enum sync_update how, uint64_t by,
		      const struct sync_site *site)
{
	return sync_update_(word, SYNC_ACCESS(SYNC_RMW, word, SYNC_ACQ_REL, how), by, 0, site);
}

void kernel_mmget_(const struct kernel_at_ *at, struct mmun_mm *mm)
{
	use_at(mm, &at->site);
	if (!count(&mm->users, SYNC_ADD_TO, 1, &at->site))
		sync_misuses_("becomes a user of an address space that has none", &at->site);
	say(at, "mmget", false);
}

bool kernel_mmget_not_zero_(const struct kernel_at_ *at, struct mmun_mm *mm)
{
	bool got;

	use_at(mm, &at->site);
	got = count(&mm->users, SYNC_ADD_UNLESS, 1, &at->site);
	say(at, "mmget_not_zero", !got);
	return got;
}

void kernel_mmgrab_(const struct kernel_at_ *at, struct mmun_mm *mm)
{
	use_at(mm, &at->site);
	count(&mm->count, SYNC_ADD_TO, 1, &at->site);
	say(at, "mmgrab", false);
}

void kernel_mmdrop_(const struct kernel_at_ *at, struct mmun_mm *mm)
{
	AT(&at->site);

	use_at(mm, &at->site);
	say(at, "mmdrop", false);
	mm_put(mm);
}

/* True: it was the last one. */
static bool put_user(const struct kernel_at_ *at, struct mmun_mm *mm)
{
	uint64_t old;

	use_at(mm, &at->site);
	old = count(&mm->users, SYNC_ADD_TO, (uint64_t)-1, &at->site);
	if (!old)
		sync_misuses_("gives up a user of an address space that has none", &at->site);
	return old == 1;
}

static void end(struct mmun_mm *mm, const struct sync_site *site)
{
	bool busy;
	AT(site);

	sync_down_(&mm->mmap_lock, true, mm->mmap_lock.rank, SYNC_SLEEPS, site);
	busy = mm->cpus;
	sync_up_(&mm->mmap_lock, true, site);
	demand(!busy, "ends an address space in which a processor runs", site);
	mm_exit(mm);
	mm_put(mm);
}

void kernel_mmput_(const struct kernel_at_ *at, struct mmun_mm *mm)
{
	bool last;

	sync_might_sleep_(&at->site);
	last = put_user(at, mm);
	say(at, "mmput", false);
	if (last)
		end(mm, &at->site);
}

static const struct sync_site ends_at = { __FILE__, "mmput_async_fn", __LINE__ };

static void end_later(void *mm) { end(mm, &ends_at); }

void kernel_mmput_async_(const struct kernel_at_ *at, struct mmun_mm *mm)
{
	if (put_user(at, mm))
		sync_start_((struct sync_start){ .code = end_later, .arg = mm,
						 .begins_at = &ends_at }, &at->site);
	say(at, "mmput_async", false);
}

/* --- at the end of a check ---------------------------------------------------- */

void kernel_mm_ends_(const struct mmun_mm *mm)
{
	if (mm && !sync_uses_(mm, sizeof(mm->machine), SYNC_AFTER_STEP, SYNC_SITE))
		sync_give_up();
	if (!mm || names_peek(&mm->users) == 1)
		return;
	explore_fail(ORACLE_LEAK, "an address space has %lu users at the end, and not one",
		     (unsigned long)names_peek(&mm->users));
	sync_give_up();
}
