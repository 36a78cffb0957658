/* SPDX-License-Identifier: MIT */
/*
 * areas.c - areas of a check, and the locks of an address space and of its areas: the words of
 * mmun/linux/mmap_lock.h.
 */
#include <errno.h>

#include "checks/names/mm.h"

/*
 * The areas that each thread has locked for reading. An execution that was given up leaves some
 * behind, which nobody holds.
 */
enum { AREAS_MAX = 4 };
static struct vma *areas_locked[EXPLORE_THREADS_MAX][AREAS_MAX];

static bool in_thread(void) { return sync_self() <= EXPLORE_THREADS_MAX; }

static void area_locked(struct vma *v)
{
	struct vma **at = in_thread() ? areas_locked[sync_self() - 1] : NULL;
	unsigned n = 0;

	while (at && n < AREAS_MAX && at[n] && at[n] != v && sync_holds_(&at[n]->lock))
		n++;
	ASSERT(n < AREAS_MAX);
	if (at)
		at[n] = v;
}

/* The area of addr that the running thread has locked for reading; NULL: it has not. */
static struct vma *area_held(struct mmun_mm *mm, uint64_t addr)
{
	if (!in_thread())
		return vma_find(mm, addr);
	for (unsigned n = 0; n < AREAS_MAX; n++) {
		struct vma *v = areas_locked[sync_self() - 1][n];

		if (v && sync_holds_(&v->lock) && v->mm == mm && addr >= v->start &&
		    addr < v->end)
			return v;
	}
	return NULL;
}

/* As vma_lookup() does under RCU: what it finds may change from then on, and that it is looked
 * at is watched as a plain access of the check. */
static struct vma *area_unlocked(struct mmun_mm *mm, uint64_t addr, const struct sync_site *site)
{
	struct vma *v;

	AT(site);
	sync_down_(&mm->areas_sem, true, SYNC_UNRANKED, SYNC_TRIED, site);
	v = vma_find(mm, addr);
	sync_up_(&mm->areas_sem, true, site);
	demand(v, "finds no area: neither mmap_lock nor the area's lock keeps it", site);
	sync_plain_read(&v->start);
	sync_plain_read(&v->end);
	sync_plain_read(&v->prot);
	return v;
}

bool kernel_vma_(struct mmun_mm *mm, uint64_t addr, struct vm_area_struct *ret,
		 const struct sync_site *site)
{
	const struct vma *v;

	use_at(mm, site);
	if (sync_holds_(&mm->mmap_lock))
		v = vma_find(mm, addr);
	else if (!(v = area_held(mm, addr)))
		v = area_unlocked(mm, addr, site);
	/* Whoever has no user has come by the address space after its end, or could have. */
	if (!names_peek(&mm->users))
		sync_misuses_("asks for an area of an address space that has no user", site);
	if (!v)
		return false;
	*ret = (struct vm_area_struct){ mm, v->start, v->end, v->prot };
	return true;
}

static void rwsem_op(rwsem_t *sem, enum kernel_lock_op_ op, const struct sync_site *site)
{
	switch (op) {
	case KERNEL_READ_LOCK_:
		sync_down_(sem, true, sem->rank, SYNC_SLEEPS, site);
		break;
	case KERNEL_WRITE_LOCK_:
		sync_down_(sem, false, sem->rank, SYNC_SLEEPS, site);
		break;
	case KERNEL_READ_UNLOCK_:
		sync_up_(sem, true, site);
		break;
	default:
		sync_up_(sem, false, site);
		break;
	}
}

static void say_lock(const struct sync_site *site, enum kernel_lock_op_ op, const char *name)
{
	if (op == KERNEL_READ_LOCK_)
		sync_event_at(site, LOCK_READ, (uintptr_t)name);
	else if (op == KERNEL_WRITE_LOCK_)
		sync_event_at(site, LOCK_WRITE, (uintptr_t)name);
	else if (op == KERNEL_DOWNGRADE_)
		sync_event_at(site, DOWNGRADE, (uintptr_t)name);
	else
		sync_event_at(site, UNLOCK, (uintptr_t)name);
}

static void callback_waits(enum kernel_lock_op_ op, const struct sync_site *site)
{
	if (op == KERNEL_READ_LOCK_)
		sync_callback_calls_("mmap_read_lock", SYNC_CALLED_LOCKED, site);
	else if (op == KERNEL_WRITE_LOCK_)
		sync_callback_calls_("mmap_write_lock", SYNC_CALLED_LOCKED, site);
}

void kernel_mmap_lock_(struct mmun_mm *mm, enum kernel_lock_op_ op, const struct sync_site *site)
{
	AT(site);

	use_at(mm, site);
	callback_waits(op, site);
	if (op == KERNEL_WRITE_UNLOCK_)
		mmap_write_unlock(mm); /* the areas' locks too */
	else if (op == KERNEL_DOWNGRADE_)
		mmap_write_downgrade(mm);
	else
		rwsem_op(&mm->mmap_lock, op, site);
	say_lock(site, op, "mmap_lock");
}

bool kernel_mmap_trylock_(struct mmun_mm *mm, enum kernel_lock_op_ op,
			  const struct sync_site *site)
{
	rwsem_t *sem = &mm->mmap_lock;
	bool taken;

	use_at(mm, site);
	taken = sync_try_down_(sem, op == KERNEL_READ_LOCK_, sem->rank, SYNC_SLEEPS, site);
	if (taken)
		say_lock(site, op, "mmap_lock");
	else
		sync_event_at(site, TRYLOCK_FAIL, (uintptr_t)"mmap_lock");
	return taken;
}

int kernel_mmap_killable_(struct mmun_mm *mm, enum kernel_lock_op_ op,
			  const struct kernel_at_ *at)
{
	callback_waits(op, &at->site);
	sync_might_sleep_(&at->site);
	if (kernel_mmap_trylock_(mm, op, &at->site))
		return 0;
	if (kernel_signal_(at))
		return -EINTR;
	kernel_mmap_lock_(mm, op, &at->site);
	return 0;
}

void kernel_mmap_assert_(struct mmun_mm *mm, bool write, const struct sync_site *site)
{
	use_at(mm, site);
	if (write)
		sync_assert_held_as_(&mm->mmap_lock, true, site);
	else
		sync_assert_held_(&mm->mmap_lock, site);
}

/* Whoever has written lock_seq to the area's own has mmap_lock for writing. */
void kernel_vma_assert_(const struct vm_area_struct *vma, bool write,
			const struct sync_site *site)
{
	struct mmun_mm *mm = vma->vm_mm;
	const struct vma *v;

	use_at(mm, site);
	if (!write && area_held(mm, vma->vm_start))
		return;
	kernel_mmap_assert_(mm, true, site);
	v = sync_holds_as_(&mm->mmap_lock, true) ? vma_find(mm, vma->vm_start) : NULL;
	if (v && v->lock_seq != mm->lock_seq)
		explore_fail(ORACLE_PROTOCOL, "%s:%d is without the lock of an area for writing",
			     site->function, site->line);
}

/* An area that is marked stays so until mmap_lock is let go: whoever waits for that has the
 * area's lock before the next one can mark it. */
static void vma_start_read(struct mmun_mm *mm, uint64_t addr, const struct sync_site *site)
{
	struct vma *v = vma_lock_read(mm, addr);

	if (!v) {
		rwsem_op(&mm->mmap_lock, KERNEL_READ_LOCK_, site);
		v = vma_find(mm, addr);
		demand(v, "locks an area that is gone", site);
		rwsem_op(&v->lock, KERNEL_READ_LOCK_, site);
		rwsem_op(&mm->mmap_lock, KERNEL_READ_UNLOCK_, site);
	}
	area_locked(v);
}

void kernel_vma_lock_(struct mmun_mm *mm, uint64_t addr, enum kernel_lock_op_ op,
		      const struct sync_site *site)
{
	struct vma *v;

	use_at(mm, site);
	ASSERT(op != KERNEL_WRITE_UNLOCK_);
	if (op == KERNEL_WRITE_LOCK_) {
		demand(sync_holds_as_(&mm->mmap_lock, true),
		       "locks an area for writing without mmap_lock", site);
		v = vma_find(mm, addr);
		demand(v, "locks an area that is gone", site);
		vma_start_write(v);
	} else if (op == KERNEL_READ_LOCK_) {
		sync_callback_calls_("vma_start_read", SYNC_CALLED_LOCKED, site);
		vma_start_read(mm, addr, site);
	} else {
		v = area_held(mm, addr);
		demand(v, "drops the lock of an area that it does not hold", site);
		rwsem_op(&v->lock, op, site);
	}
	say_lock(site, op, "area");
}
