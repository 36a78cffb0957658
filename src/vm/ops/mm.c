/* SPDX-License-Identifier: MIT */
/*
 * mm.c - address spaces from birth to exit. Invariant: the structure lives while its owner
 * or a notifier needs it (mm/mm_ref.c); after exit it holds no page, no table and no
 * area.
 */
#include <errno.h>

#include "sync/btree_mem.h"
#include "vm/ops/ops.h"

/* --- its notify domain --------------------------------------------------- */

static struct mmun_mm *mm_of_domain(struct notify_domain *d)
{
	return container_of(d, struct mmun_mm, domain);
}

static pte_t domain_walk(struct notify_domain *d, uint64_t addr, bool write)
{
	return pgtable_walk_hw(&mm_of_domain(d)->pt, addr, write);
}

static int domain_fault(struct notify_domain *d, uint64_t addr, bool write)
{
	return mmun_mm_fault(mm_of_domain(d), addr, write);
}

static void domain_lock(struct notify_domain *d) { mmap_write_lock(mm_of_domain(d)); }
static void domain_unlock(struct notify_domain *d) { mmap_write_unlock(mm_of_domain(d)); }
static void domain_lock_all(struct notify_domain *d) { mm_take_all_locks(mm_of_domain(d)); }
static void domain_unlock_all(struct notify_domain *d) { mm_drop_all_locks(mm_of_domain(d)); }
static void domain_get(struct notify_domain *d) { mm_get(mm_of_domain(d)); }
static void domain_put(struct notify_domain *d) { mm_put(mm_of_domain(d)); }

static const struct notify_domain_ops domain_ops = {
	.walk = domain_walk, .fault = domain_fault,
	.lock = domain_lock, .unlock = domain_unlock,
	.lock_all = domain_lock_all, .unlock_all = domain_unlock_all,
	.get = domain_get, .put = domain_put,
};

/* --- birth and exit ------------------------------------------------------ */

int mm_alloc(struct mmun_machine *machine, enum mmun_semantics semantics, struct mmun_mm **ret_mm)
{
	struct mmun_mm *mm = sync_alloc(sizeof(*mm));

	if (!mm)
		return -ENOMEM;
	mm->machine = mm->pt.machine = machine;
	if (!table_alloc(&mm->pt, 0, TABLE_LEVELS - 1, &mm->pt.pgd)) {
		sync_free(mm);
		return -ENOMEM;
	}
	rwsem_init(&mm->mmap_lock, RANK_MMAP);
	rwsem_init(&mm->areas_sem, RANK_AREAS);
	rwsem_init(&mm->rmap_sem, RANK_RMAP);
	mm->lock_seq = (uint64_t)SYNC_SEQ_START;
	btree_init(&mm->areas, sync_btree_mem);
	notify_domain_init(&mm->domain, &domain_ops, machine, semantics, mm);
	mutations_init(&mm->mutations, semantics);
	store_relaxed(&mm->users, 1);
	store_relaxed(&mm->count, 1);
	add_relaxed(&machine->mms, 1);
	*ret_mm = mm;
	return 0;
}

int mmun_mm_create(struct mmun_machine *machine, enum mmun_semantics semantics,
		   struct mmun_mm **ret_mm)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!machine || !ret_mm || (semantics != MMUN_MODERN && semantics != MMUN_CLASSIC))
		return -EINVAL;
	return mm_alloc(machine, semantics, ret_mm);
}

/*
 * As exit_mmap: release comes before any page goes, and ends all walks by devices.
 * Reclaim and migration may still come by rmap until the last page is unmapped;
 * whoever is late finds no entry, in a page table of which the top is still there.
 */
void mm_exit(struct mmun_mm *mm)
{
	struct unmap u = { .mm = mm, .op = MM_OP_EXIT, .end = TASK_BYTES, .ceiling = TASK_BYTES };

	notify_release(&mm->domain);
	mmap_write_lock(mm);
	(void)unmap_detach(&u);
	unmap_region(&u);
	btree_fini(&mm->areas);
	vma_unreserve(mm);
	mmap_write_unlock(mm);
}

/* As mmput(). */
void mm_put_user(struct mmun_mm *mm)
{
	if (add_acq_rel(&mm->users, (uint64_t)-1) != 1)
		return;
	mm_exit(mm);
	mm_put(mm);
}

int mmun_mm_destroy(struct mmun_mm *mm)
{
	bool busy;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm)
		return 0;
	down_read(&mm->mmap_lock);
	busy = mm->cpus;
	up_read(&mm->mmap_lock);
	if (busy)
		return -EBUSY;
	mm_put_user(mm);
	return 0;
}
