/* SPDX-License-Identifier: MIT */
/*
 * reap.c - the OOM reaper (__oom_reap_task_mm in mm/oom_kill.c): frees the private
 * anonymous pages of an address space whose owner may be stuck, so it waits for nobody
 * who may be stuck with it. A notifier that would have to block makes it leave the
 * area: no entry of it has changed, and there is no range_end, since those that were
 * told the start have been told the end (invalidate_range_start_nonblock). Each area has
 * a gather of its own: its pages are free before the next notifier is asked.
 *
 * Who touches the memory afterwards finds zeros; Linux kills the process.
 * Litmus: oom-reap+default, oom-reap+never.
 */
#include <errno.h>

#include "vm/ops/ops.h"

static int reap_area(struct mmun_mm *mm, const struct vma *v)
{
	struct mmu_notifier_range range;
	struct gather g;

	range_init(&range, mm, MMU_NOTIFY_UNMAP, v->start, v->end);
	if (invalidate_range_start_nonblock(&range))
		return -EAGAIN;
	gather_init(&g, mm, MM_OP_DONTNEED);
	zap_entries(&g, ZAP_ALL, v->start, v->end);
	pass_flush_point(mm, g.op, FLUSH_POINT_UNLOCK, flush_range(v->start, v->end));
	invalidate_range_end(&range, g.op);
	gather_finish(&g);
	return 0;
}

int mmun_oom_reap(struct mmun_mm *mm)
{
	struct btree_iter it;
	const struct vma *v;
	int err = 0;
	sync_operation("OOM_REAP");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm)
		return -EINVAL;
	down_read(&mm->mmap_lock);
	for (v = btree_first(&mm->areas, &it, 0, TASK_BYTES); v; v = btree_next(&it))
		if (vma_anonymous(v) && !vma_shared(v) && reap_area(mm, v))
			err = -EAGAIN;
	up_read(&mm->mmap_lock);
	return err;
}
