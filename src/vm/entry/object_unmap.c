/* SPDX-License-Identifier: MIT */
/*
 * object_unmap.c - taking pages of an object away from every area that maps them, as
 * unmap_mapping_range() in mm/memory.c. Called by truncation and punching.
 */
#include "vm/entry/entry.h"

/* Where the area maps pages of [first, end). False: nowhere. */
static bool area_range(const struct vma *v, uint64_t first, uint64_t end, uint64_t *ret_start,
		       uint64_t *ret_end)
{
	uint64_t from = vma_index(v, v->start), to = vma_index(v, v->end);

	first = max_u64(first, from);
	end = min_u64(end, to);
	if (first >= end)
		return false;
	*ret_start = v->start + ((first - from) << SYNC_PAGE_SHIFT);
	*ret_end = v->start + ((end - from) << SYNC_PAGE_SHIFT);
	return true;
}

/*
 * unmap_mapping_range() in mm/memory.c. An area of the list has its tables, and its mm
 * its structure: both go only after the area has left the list.
 */
void object_unmap(struct mmun_object *o, enum zap_which which, uint64_t first,
			   uint64_t end)
{
	uint64_t start, stop;

	down_read(&o->mappings_sem);
	for (struct vma *v = o->mappings; v; v = v->next) {
		struct gather g;

		if (!area_range(v, first, end, &start, &stop))
			continue;
		down_read(&v->mm->rmap_sem);
		gather_init(&g, v->mm, MM_OP_TRUNCATE);
		zap_range(&g, MMU_NOTIFY_CLEAR, which, start, stop);
		gather_finish(&g);
		up_read(&v->mm->rmap_sem);
	}
	up_read(&o->mappings_sem);
}
