/* SPDX-License-Identifier: MIT */
/*
 * truncate.c - ftruncate(2) and fallocate(2) with FALLOC_FL_PUNCH_HOLE on an object: pages
 * are unmapped everywhere, leave the cache, and the private copies made meanwhile are
 * unmapped too. See mm/truncate.c and mm/shmem.c; mm/object.c has the invariant.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* truncate_inode_folio() in mm/truncate.c, for each page of [first, end). */
static void drop_pages(struct mmun_object *o, uint64_t first, uint64_t end)
{
	pfn_t pfn;

	for (; object_next_page(o, &first, end, &pfn); first++) {
		/* Mapped again since: nobody can do so while the page is locked. */
		if (rmap_count(o->machine, pfn))
			object_unmap(o, ZAP_OBJECT_PAGES, first, first + 1);
		object_remove_page(o, first, pfn);
	}
}

/* truncate_pagecache() in mm/truncate.c. */
static int truncate_locked(struct mmun_object *o, uint64_t pages)
{
	uint64_t old = load_relaxed(&o->pages);
	int err = object_grow(o, pages);

	sync_assert_held(&o->size_lock);
	if (err)
		return err;
	object_set_pages(o, pages);
	if (pages < old) {
		object_unmap(o, ZAP_ALL, pages, UINT32_MAX);
		drop_pages(o, pages, old);
		/* Private copies made in between: of pages that were still there. */
		object_unmap(o, ZAP_ALL, pages, UINT32_MAX);
	}
	return 0;
}

int mmun_object_truncate(struct mmun_object *object, uint64_t len)
{
	uint64_t pages;
	int err;
	sync_operation("TRUNCATE");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!object || !object_pages_of(len, &pages))
		return -EINVAL;
	mutex_lock(&object->size_lock);
	err = truncate_locked(object, pages);
	mutex_unlock(&object->size_lock);
	return err;
}

/* shmem_fallocate() in mm/shmem.c. Nothing past the end is mapped or in the cache. */
int mmun_object_punch(struct mmun_object *object, uint64_t offset, uint64_t len)
{
	uint64_t first, end;
	sync_operation("PUNCH");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!object || !object_range_of(offset, len, &first, &end))
		return -EINVAL;
	mutex_lock(&object->size_lock);
	object_unmap(object, ZAP_OBJECT_PAGES, first, end);
	drop_pages(object, first, end);
	mutex_unlock(&object->size_lock);
	return 0;
}
