/* SPDX-License-Identifier: MIT */
/*
 * object.c - memory that mappings share, as a memfd: a cache of pages by index, and the
 * list of the areas that map it. Faults map its pages (fault/object_fault.c); truncation and
 * punching take them back (ops/truncate.c), and cleaning makes them read-only
 * (ops/clean.c). See mm/filemap.c and mm/shmem.c.
 *
 * Invariant: a page is in the cache if and only if its frame names the object and the
 * index, whenever the page lock is free; the cache has one reference to it. Who maps a
 * page holds its lock and has looked whether it is still there:
 *
 *      truncate                            fault
 *                                          object_page: frame 3
 *      size: nothing from here on
 *      unmap: nobody maps it
 *      lock of frame 3; not the
 *        object's any more; unlock
 *                                          lock of frame 3
 *                                          [frame 3 has no object: again]
 *                                          object_page: past the end
 *
 * Had the fault had the lock first, then truncation would find the page mapped and
 * unmap it. The private copies made of it meanwhile fall to a second unmapping.
 * Litmus: truncate+fault.
 */
#include <errno.h>

#include "vm/mm/mm.h"

/* --- the cache ----------------------------------------------------------- */

/* Page numbers are of 32 bits, and the end is one as well. */
bool object_pages_of(uint64_t len, uint64_t *ret_pages)
{
	if (len > (uint64_t)UINT32_MAX << SYNC_PAGE_SHIFT)
		return false;
	*ret_pages = (len + PAGE_BYTES - 1) >> SYNC_PAGE_SHIFT;
	return true;
}

/* Whole pages of an object, as numbers. */
bool object_range_of(uint64_t offset, uint64_t len, uint64_t *ret_first, uint64_t *ret_end)
{
	return len && offset + len > offset && offset % PAGE_BYTES == 0 &&
	       len % PAGE_BYTES == 0 && object_pages_of(offset, ret_first) &&
	       object_pages_of(offset + len, ret_end);
}

static uint32_t *slots_alloc(uint64_t count)
{
	return sync_alloc(max_u64(count, 1) * sizeof(uint32_t));
}

int object_alloc(struct mmun_machine *m, uint64_t len, struct mmun_object **ret)
{
	struct mmun_object *o;
	uint64_t pages;

	if (!object_pages_of(len, &pages))
		return -ENOMEM;
	o = sync_alloc(sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->page = slots_alloc(pages);
	if (!o->page) {
		sync_free(o);
		return -ENOMEM;
	}
	o->machine = m;
	o->capacity = (uint32_t)pages;
	rwsem_init(&o->mappings_sem, RANK_MAPPINGS);
	mutex_init(&o->size_lock, RANK_SIZE);
	spin_init(&o->lock, RANK_OBJECT);
	store_relaxed(&o->pages, pages);
	store_relaxed(&o->count, 1);
	add_relaxed(&m->mms, 1);
	*ret = o;
	return 0;
}

/*
 * What the cache has at index, with a reference. False: a hole. Migration freezes the
 * count of a page that it replaces, under the page lock: wait for that, and look again.
 */
static bool cached_page(struct mmun_object *o, uint64_t index, pfn_t *ret_pfn)
{
	for (;;) {
		uint32_t n;
		bool got;

		spin_lock(&o->lock);
		n = index < o->capacity ? o->page[index] : 0;
		got = n && frame_try_get(o->machine, (pfn_t){ n - 1 });
		spin_unlock(&o->lock);
		*ret_pfn = (pfn_t){ n - 1 };
		if (got || !n)
			return got;
		mutex_lock(&frame_of(o->machine, *ret_pfn)->page_lock);
		mutex_unlock(&frame_of(o->machine, *ret_pfn)->page_lock);
	}
}

/* Puts the page, which nobody else knows, into the hole at index, and takes a reference
 * more. -EEXIST: it is no hole any more; -EFAULT: it is past the end. */
static int cache_insert(struct mmun_object *o, uint64_t index, pfn_t pfn)
{
	struct frame *f = frame_of(o->machine, pfn);
	int err = 0;

	f->object = o;
	f->index = (uint32_t)index;
	store_relaxed(&f->dirty, 0);
	spin_lock(&o->lock);
	if (index >= load_relaxed(&o->pages)) {
		err = -EFAULT;
	} else if (o->page[index]) {
		err = -EEXIST;
	} else {
		frame_get(o->machine, pfn, 1);
		o->page[index] = pfn.v + 1;
	}
	spin_unlock(&o->lock);
	return err;
}

int object_page(struct mmun_object *o, uint64_t index, pfn_t *ret_pfn)
{
	int err;

	do {
		/* Pairs with store_release in object_set_pages(). A page that is found too late is
		 * looked at again. */
		if (index >= load_acquire(&o->pages))
			return -EFAULT;
		if (cached_page(o, index, ret_pfn))
			return 0;
		if (!frame_alloc(o->machine, FRAME_OBJECT, true, ret_pfn))
			return -ENOMEM;
		err = cache_insert(o, index, *ret_pfn);
		if (err)
			frame_free(o->machine, *ret_pfn);
	} while (err == -EEXIST);
	return err;
}

bool object_has(struct mmun_object *o, uint64_t index, pfn_t pfn)
{
	const struct frame *f = frame_of(o->machine, pfn);

	return f->object == o && f->index == index;
}

/* Both pages locked; the cache's reference to either is the caller's to account for. */
void object_replace(struct mmun_object *o, uint64_t index, pfn_t new)
{
	struct frame *f = frame_of(o->machine, new);

	f->object = o;
	f->index = (uint32_t)index;
	spin_lock(&o->lock);
	frame_of(o->machine, (pfn_t){ o->page[index] - 1 })->object = NULL;
	o->page[index] = new.v + 1;
	spin_unlock(&o->lock);
}

/* The first page at or after *index, before end, locked and with a reference. */
bool object_next_page(struct mmun_object *o, uint64_t *index, uint64_t end, pfn_t *ret_pfn)
{
	for (;;) {
		spin_lock(&o->lock);
		while (*index < min_u64(end, o->capacity) && !o->page[*index])
			++*index;
		end = min_u64(end, o->capacity);
		spin_unlock(&o->lock);
		if (*index >= end)
			return false;
		if (!cached_page(o, *index, ret_pfn))
			continue;
		mutex_lock(&frame_of(o->machine, *ret_pfn)->page_lock);
		if (object_has(o, *index, *ret_pfn))
			return true;
		mutex_unlock(&frame_of(o->machine, *ret_pfn)->page_lock); /* migrated */
		frame_put(o->machine, *ret_pfn, 1);
	}
}

void object_unlock_put(struct mmun_object *o, pfn_t pfn)
{
	mutex_unlock(&frame_of(o->machine, pfn)->page_lock);
	frame_put(o->machine, pfn, 1);
}

/* Takes the page, which the caller has locked, with a reference, and which nobody maps, out
 * of the cache; the caller's lock and reference go too. */
void object_remove_page(struct mmun_object *o, uint64_t index, pfn_t pfn)
{
	frame_of(o->machine, pfn)->object = NULL;
	spin_lock(&o->lock);
	o->page[index] = 0;
	spin_unlock(&o->lock);
	frame_put(o->machine, pfn, 1);
	object_unlock_put(o, pfn);
}

/* Room for more pages. The array is looked at under the object's lock only. */
int object_grow(struct mmun_object *o, uint64_t pages)
{
	uint32_t *slots, *old;

	if (pages <= o->capacity)
		return 0;
	slots = slots_alloc(pages);
	if (!slots)
		return -ENOMEM;
	spin_lock(&o->lock);
	for (uint32_t i = 0; i < o->capacity; i++)
		slots[i] = o->page[i];
	old = o->page;
	o->page = slots;
	o->capacity = (uint32_t)pages;
	spin_unlock(&o->lock);
	sync_free(old);
	return 0;
}

/* From here on no page past the end gets into the cache. */
void object_set_pages(struct mmun_object *o, uint64_t pages)
{
	spin_lock(&o->lock);
	store_release(&o->pages, pages);
	spin_unlock(&o->lock);
}

/* --- who maps it --------------------------------------------------------- */

/*
 * New areas at the end: fork and mremap make the area first and then copy or move
 * entries into it, so that who goes along the list, as truncation does, finds the old
 * place before the new one, and each entry in one of them (copy_vma in mm/vma.c).
 *
 *      fork                                truncate
 *      child's area joins the list
 *                                          parent's area: clears the entry
 *      copies: none
 *                                          child's area: nothing
 *
 * Litmus: truncate+fork. prev of the first is the last.
 */
void object_link(struct vma *v)
{
	struct mmun_object *o = v->object;

	down_write(&o->mappings_sem);
	v->next = NULL;
	if (o->mappings) {
		v->prev = o->mappings->prev;
		v->prev->next = v;
	} else {
		o->mappings = v;
	}
	o->mappings->prev = v;
	up_write(&o->mappings_sem);
}

void object_unlink(struct vma *v)
{
	struct mmun_object *o = v->object;

	down_write(&o->mappings_sem);
	if (o->mappings == v)
		o->mappings = v->next;
	else
		v->prev->next = v->next;
	if (v->next)
		v->next->prev = v->prev;
	else if (o->mappings)
		o->mappings->prev = v->prev;
	up_write(&o->mappings_sem);
}

/* --- its life ------------------------------------------------------------ */

void object_get(struct mmun_object *o)
{
	add_relaxed(&o->count, 1);
}

static void forget_pages(struct mmun_object *o)
{
	uint64_t index = 0;
	pfn_t pfn;

	for (; object_next_page(o, &index, o->capacity, &pfn); index++)
		object_remove_page(o, index, pfn);
}

/* The pages are locked to the end: migration may be at work on one of them, and knows
 * the object from the page. */
void object_put(struct mmun_object *o)
{
	struct mmun_machine *m = o->machine;

	if (add_acq_rel(&o->count, (uint64_t)-1) != 1)
		return;
	ASSERT(!o->mappings);
	forget_pages(o);
	sync_free(o->page);
	sync_free(o);
	add_acq_rel(&m->mms, (uint64_t)-1);
}

int mmun_object_create(struct mmun_machine *machine, uint64_t len,
		       struct mmun_object **ret_object)
{
	uint64_t pages;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!machine || !ret_object || !object_pages_of(len, &pages))
		return -EINVAL;
	return object_alloc(machine, len, ret_object);
}

void mmun_object_destroy(struct mmun_object *object)
{
	sync_user_calls(SYNC_CALLED_LOCKED);
	if (object)
		object_put(object);
}
