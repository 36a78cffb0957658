/* SPDX-License-Identifier: MIT */
/*
 * vma.c - the areas of an address space. Invariant: they do not overlap, their
 * bounds are whole pages, and neighbours that could be one are one (but inside
 * an operation). Called with mmap_lock held, for writing by whoever changes.
 */
#include <errno.h>

#include "vm/vm.h"

/* The door's names may be macros: no pointers to them. */
static void *node_alloc(size_t size) { return sync_alloc(size); }
static void node_free(void *p) { sync_free(p); }

const struct btree_mem vma_btree_mem = { node_alloc, node_free };

struct vma *vma_first(const struct mmun_mm *mm, uint64_t lo, uint64_t hi)
{
	struct btree_iter it;

	return btree_first(&mm->areas, &it, lo, hi);
}

struct vma *vma_find(const struct mmun_mm *mm, uint64_t addr)
{
	return vma_first(mm, addr, addr + 1);
}

struct vma *vma_new(uint64_t start, uint64_t end, int prot, uint32_t flags)
{
	struct vma *v = sync_alloc(sizeof(*v));

	if (v)
		*v = (struct vma){ start, end, prot, flags };
	return v;
}

/* The part of v from addr on becomes an area of its own. */
static int vma_split(struct mmun_mm *mm, struct vma *v, uint64_t addr)
{
	struct vma *upper = vma_new(addr, v->end, v->prot, v->flags);

	if (!upper)
		return -ENOMEM;
	if (btree_insert(&mm->areas, upper->start, upper->end, upper)) {
		sync_free(upper);
		return -ENOMEM;
	}
	v->end = addr;
	ASSERT(btree_set_end(&mm->areas, v->start, v, addr));
	return 0;
}

/* After it no area crosses start or end. A failure changes nothing visible. */
int vma_split_range(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = vma_find(mm, start);
	int err = 0;

	if (v && v->start < start)
		err = vma_split(mm, v, start);
	v = vma_find(mm, end - 1);
	if (!err && v && v->end > end)
		err = vma_split(mm, v, end);
	if (err)
		vma_merge_range(mm, start, end);
	return err;
}

void vma_remove(struct mmun_mm *mm, struct vma *v)
{
	ASSERT(btree_remove(&mm->areas, v->start, v));
	sync_free(v);
}

/* Joins what can be joined among the areas that touch [start, end]. */
void vma_merge_range(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = vma_first(mm, start ? start - 1 : 0, end + 1), *next;

	while (v && v->end <= end) {
		next = vma_first(mm, v->end, end + 1);
		if (next && next->start == v->end && next->prot == v->prot &&
		    next->flags == v->flags) {
			v->end = next->end;
			vma_remove(mm, next);
			ASSERT(btree_set_end(&mm->areas, v->start, v, v->end));
			continue;
		}
		v = next;
	}
}

uint64_t vma_hole(const struct mmun_mm *mm, uint64_t from, uint64_t len)
{
	struct btree_iter it;
	const struct vma *v = btree_first(&mm->areas, &it, from, TASK_BYTES);

	for (; v; v = btree_next(&it)) {
		if (v->start >= from && v->start - from >= len)
			return from;
		from = v->end;
	}
	return TASK_BYTES - from >= len ? from : TASK_BYTES;
}

uint64_t vma_floor(const struct mmun_mm *mm, uint64_t addr)
{
	const struct vma *v = btree_last_below(&mm->areas, addr);

	return v ? v->end : 0;
}

uint64_t vma_ceiling(const struct mmun_mm *mm, uint64_t addr)
{
	const struct vma *v = vma_first(mm, addr, TASK_BYTES);

	return v ? v->start : TASK_BYTES;
}
