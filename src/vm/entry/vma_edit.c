/* SPDX-License-Identifier: MIT */
/*
 * vma_edit.c - areas made, split, joined and removed. Called with mmap_lock held for
 * writing; mm/vma.c has the invariant, and the locks of an area. Splitting an area may split
 * a huge entry, and so notify: its memory is reserved before.
 */
#include <errno.h>

#include "vm/entry/entry.h"

/* --- memory for areas ----------------------------------------------------- */

int vma_reserve(struct mmun_mm *mm, uint32_t areas)
{
	while (mm->spare_count < areas) {
		struct vma *v = sync_alloc(sizeof(*v));

		if (!v)
			return -ENOMEM;
		v->next = mm->spare;
		mm->spare = v;
		mm->spare_count++;
	}
	return btree_reserve(&mm->areas, areas);
}

static struct vma *take_spare(struct mmun_mm *mm)
{
	struct vma *v = mm->spare;

	if (!v)
		return sync_alloc(sizeof(*v));
	mm->spare = v->next;
	mm->spare_count--;
	v->next = NULL;
	return v;
}

void vma_unreserve(struct mmun_mm *mm)
{
	while (mm->spare)
		sync_free(take_spare(mm));
}

/* --- one area ------------------------------------------------------------- */

/* Like another area, but with these bounds; write-locked until mmap_write_unlock(). */
struct vma *vma_new(struct mmun_mm *mm, uint64_t start, uint64_t end, const struct vma *like)
{
	struct vma *v = take_spare(mm);

	if (!v)
		return NULL;
	v->start = start;
	v->end = end;
	v->prot = like->prot;
	v->flags = like->flags;
	v->object = like->object;
	v->offset = like->offset;
	v->mm = mm;
	v->lock_seq = mm->lock_seq;
	rwsem_init(&v->lock, RANK_VMA);
	if (v->object)
		object_get(v->object);
	return v;
}

void vma_free(struct vma *v)
{
	if (!v)
		return;
	if (v->object)
		object_put(v->object);
	sync_free(v);
}

int vma_insert(struct mmun_mm *mm, struct vma *v)
{
	int err;

	down_write(&mm->areas_sem);
	err = btree_insert(&mm->areas, v->start, v->end, v);
	up_write(&mm->areas_sem);
	if (err)
		return -ENOMEM;
	mm->areas_locked = true; /* a new area is born locked */
	if (v->object)
		object_link(v);
	return 0;
}

void vma_remove(struct mmun_mm *mm, struct vma *v)
{
	if (v->object)
		object_unlink(v);
	down_write(&mm->areas_sem);
	ASSERT(btree_remove(&mm->areas, v->start, v));
	up_write(&mm->areas_sem);
	vma_free(v);
}

/* Afterwards no fault finds an area there, while entries are as they were. */
struct vma *vma_detach_range(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct vma *gone = NULL, *v;

	down_write(&mm->areas_sem);
	while ((v = vma_first(mm, start, end))) {
		ASSERT(btree_remove(&mm->areas, v->start, v));
		v->next_gone = gone;
		gone = v;
	}
	up_write(&mm->areas_sem);
	return gone;
}

void vma_free_detached(struct vma *gone)
{
	while (gone) {
		struct vma *v = gone;

		gone = v->next_gone;
		vma_free(v);
	}
}

static void vma_set_end(struct mmun_mm *mm, struct vma *v, uint64_t end)
{
	struct mmun_object *o = v->object;

	down_write(&mm->areas_sem);
	if (o) /* who comes by the object reads the bounds under it */
		down_write(&o->mappings_sem);
	v->end = end;
	sync_plain_write(&v->end);
	if (o)
		up_write(&o->mappings_sem);
	ASSERT(btree_set_end(&mm->areas, v->start, v, end));
	up_write(&mm->areas_sem);
}

/* --- splitting and joining ------------------------------------------------ */

/*
 * The part of v from addr on becomes an area of its own. A page may be found through
 * both for a moment, which does no harm: zapping twice is zapping.
 */
static void vma_split(struct mmun_mm *mm, struct vma *v, uint64_t addr)
{
	struct vma *upper = vma_new(mm, addr, v->end, v);

	ASSERT(upper);
	upper->offset = v->offset + (addr - v->start);
	vma_start_write(v);
	if (addr % HUGE_BYTES)
		huge_split_entry(mm, addr);
	ASSERT(!vma_insert(mm, upper));
	vma_set_end(mm, v, addr);
}

/* The area that lies on both sides of addr, or NULL. */
static struct vma *vma_across(const struct mmun_mm *mm, uint64_t addr)
{
	struct vma *v = vma_find(mm, addr);

	return v && v->start < addr ? v : NULL;
}

uint32_t vma_crossed(const struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	return (vma_across(mm, start) != NULL) + (vma_across(mm, end) != NULL);
}

/* After it no area crosses start or end. */
void vma_split_range(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = vma_across(mm, start);

	if (v)
		vma_split(mm, v, start);
	v = vma_across(mm, end);
	if (v)
		vma_split(mm, v, end);
}

static bool can_merge(const struct vma *v, const struct vma *next)
{
	return next->start == v->end && next->prot == v->prot && next->flags == v->flags &&
	       next->object == v->object &&
	       (!v->object || next->offset == v->offset + (v->end - v->start));
}

/* Joins what can be joined among the areas that touch [start, end]. */
void vma_merge_range(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = vma_first(mm, start ? start - 1 : 0, end + 1), *next;
	uint64_t joined;

	while (v && v->end <= end) {
		next = vma_first(mm, v->end, end + 1);
		if (!next || !can_merge(v, next)) {
			v = next;
			continue;
		}
		vma_start_write(v);
		vma_start_write(next);
		joined = next->end;
		vma_set_end(mm, v, joined); /* first: whoever looks misses nothing */
		vma_remove(mm, next);
	}
}
