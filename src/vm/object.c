/* SPDX-License-Identifier: MIT */
/*
 * object.c - memory that mappings share, as a memfd: a cache of pages by index, which
 * faults map, and which truncation, punching and cleaning take back or make read-only.
 * See mm/truncate.c, mm/shmem.c, and folio_mkclean() in mm/rmap.c.
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

#include "vm/vm.h"

/* --- the cache ----------------------------------------------------------- */

/* Page numbers are of 32 bits, and the end is one as well. */
static bool pages_of(uint64_t len, uint64_t *ret_pages)
{
	if (len > (uint64_t)UINT32_MAX << SYNC_PAGE_SHIFT)
		return false;
	*ret_pages = (len + PAGE_BYTES - 1) >> SYNC_PAGE_SHIFT;
	return true;
}

static uint32_t *slots_alloc(uint64_t count)
{
	return sync_alloc(max_u64(count, 1) * sizeof(uint32_t));
}

int object_alloc(struct mmun_machine *m, uint64_t len, struct mmun_object **ret)
{
	struct mmun_object *o;
	uint64_t pages;

	if (!pages_of(len, &pages))
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
		/* Pairs with store_release in set_pages(); a page found late is looked at again. */
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
static bool next_page(struct mmun_object *o, uint64_t *index, uint64_t end, pfn_t *ret_pfn)
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

static void unlock_and_put(struct mmun_object *o, pfn_t pfn)
{
	mutex_unlock(&frame_of(o->machine, pfn)->page_lock);
	frame_put(o->machine, pfn, 1);
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
static void unmap_mappings(struct mmun_object *o, enum zap_which which, uint64_t first,
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

/* truncate_inode_folio() in mm/truncate.c, for each page of [first, end). */
static void drop_pages(struct mmun_object *o, uint64_t first, uint64_t end)
{
	pfn_t pfn;

	for (; next_page(o, &first, end, &pfn); first++) {
		/* Mapped again since: nobody can do so while the page is locked. */
		if (rmap_count(o->machine, pfn))
			unmap_mappings(o, ZAP_OBJECT_PAGES, first, first + 1);
		frame_of(o->machine, pfn)->object = NULL;
		spin_lock(&o->lock);
		o->page[first] = 0;
		spin_unlock(&o->lock);
		frame_put(o->machine, pfn, 1);
		unlock_and_put(o, pfn);
	}
}

/* --- its life ------------------------------------------------------------ */

void object_get(struct mmun_object *o)
{
	add_relaxed(&o->count, 1);
}

/* The pages are locked to the end: migration may be at work on one of them, and knows
 * the object from the page. */
void object_put(struct mmun_object *o)
{
	struct mmun_machine *m = o->machine;

	if (add_acq_rel(&o->count, (uint64_t)-1) != 1)
		return;
	ASSERT(!o->mappings);
	drop_pages(o, 0, o->capacity);
	sync_free(o->page);
	sync_free(o);
	add_acq_rel(&m->mms, (uint64_t)-1);
}

int mmun_object_create(struct mmun_machine *machine, uint64_t len,
		       struct mmun_object **ret_object)
{
	uint64_t pages;

	if (!machine || !ret_object || !pages_of(len, &pages))
		return -EINVAL;
	return object_alloc(machine, len, ret_object);
}

void mmun_object_destroy(struct mmun_object *object)
{
	if (object)
		object_put(object);
}

/* --- faults -------------------------------------------------------------- */

/* The page, or the copy of it, into the empty entry, which takes its reference. False:
 * the entry is not empty any more. */
static bool map_page(struct mmun_mm *mm, uint64_t addr, pfn_t pfn, uint64_t bits)
{
	struct ptep p = pgtable_walk(mm, addr);
	bool none;

	ASSERT(p.entry && !p.level);
	(void)pte_lock(&p, addr);
	none = pte_none(pte_get(p.entry));
	if (none) {
		if (bits & PTE_EXCL)
			rmap_add_new(mm->machine, pfn, &p);
		else
			rmap_add(mm->machine, pfn, &p);
		set_pte(p.entry, addr, pte_make(pfn, bits));
	}
	pte_unlock(&p);
	return none;
}

/* do_read_fault() and do_shared_fault() in mm/memory.c. A page that is not written is
 * mapped read-only, so that the first write is noticed. */
static int fault_map(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write)
{
	struct mmun_object *o = v->object;
	uint64_t index = vma_index(v, page);
	bool mapped = false;
	pfn_t pfn;
	int err;

	err = object_page(o, index, &pfn);
	if (err)
		return err;
	mutex_lock(&frame_of(mm->machine, pfn)->page_lock);
	if (object_has(o, index, pfn))
		mapped = map_page(mm, page, pfn, write ? PTE_WRITABLE : PTE_READ_ONLY);
	mutex_unlock(&frame_of(mm->machine, pfn)->page_lock);
	if (!mapped)
		frame_put(mm->machine, pfn, 1);
	return 0;
}

/* do_cow_fault() in mm/memory.c: the entry never maps the object's page. */
static int fault_copy(struct mmun_mm *mm, const struct vma *v, uint64_t page)
{
	struct mmun_machine *m = mm->machine;
	struct mmun_object *o = v->object;
	uint64_t index = vma_index(v, page);
	bool mapped = false;
	pfn_t pfn, new;
	int err;

	if (!frame_alloc(m, FRAME_ANON, false, &new))
		return -ENOMEM;
	err = object_page(o, index, &pfn);
	if (err) {
		frame_free(m, new);
		return err;
	}
	mutex_lock(&frame_of(m, pfn)->page_lock);
	if (object_has(o, index, pfn)) {
		frame_copy(m, new, pfn);
		mapped = map_page(mm, page, new, PTE_WRITABLE | PTE_EXCL);
	}
	unlock_and_put(o, pfn);
	if (!mapped)
		frame_free(m, new);
	return 0;
}

int fault_object(struct mmun_mm *mm, const struct vma *v, uint64_t page, bool write)
{
	if (write && !vma_shared(v))
		return fault_copy(mm, v, page);
	return fault_map(mm, v, page, write);
}

/* --- truncating, punching ------------------------------------------------ */

/* Room for more pages. The array is looked at under the object's lock only. */
static int grow(struct mmun_object *o, uint64_t pages)
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
static void set_pages(struct mmun_object *o, uint64_t pages)
{
	spin_lock(&o->lock);
	store_release(&o->pages, pages);
	spin_unlock(&o->lock);
}

/* truncate_pagecache() in mm/truncate.c. */
static int truncate_locked(struct mmun_object *o, uint64_t pages)
{
	uint64_t old = load_relaxed(&o->pages);
	int err = grow(o, pages);

	sync_assert_held(&o->size_lock);
	if (err)
		return err;
	set_pages(o, pages);
	if (pages < old) {
		unmap_mappings(o, ZAP_ALL, pages, UINT32_MAX);
		drop_pages(o, pages, old);
		/* Private copies made in between: of pages that were still there. */
		unmap_mappings(o, ZAP_ALL, pages, UINT32_MAX);
	}
	return 0;
}

int mmun_object_truncate(struct mmun_object *object, uint64_t len)
{
	uint64_t pages;
	int err;
	sync_operation("TRUNCATE");

	if (!object || !pages_of(len, &pages))
		return -EINVAL;
	mutex_lock(&object->size_lock);
	err = truncate_locked(object, pages);
	mutex_unlock(&object->size_lock);
	return err;
}

/* Whole pages of an object, as numbers. */
static bool range_of(uint64_t offset, uint64_t len, uint64_t *ret_first, uint64_t *ret_end)
{
	return len && offset + len > offset && offset % PAGE_BYTES == 0 &&
	       len % PAGE_BYTES == 0 && pages_of(offset, ret_first) &&
	       pages_of(offset + len, ret_end);
}

/* shmem_fallocate() in mm/shmem.c. Nothing past the end is mapped or in the cache. */
int mmun_object_punch(struct mmun_object *object, uint64_t offset, uint64_t len)
{
	uint64_t first, end;
	sync_operation("PUNCH");

	if (!object || !range_of(offset, len, &first, &end))
		return -EINVAL;
	mutex_lock(&object->size_lock);
	unmap_mappings(object, ZAP_OBJECT_PAGES, first, end);
	drop_pages(object, first, end);
	mutex_unlock(&object->size_lock);
	return 0;
}

/* --- cleaning ------------------------------------------------------------ */

/*
 * One entry becomes read-only and clean: page_vma_mkclean_one() in mm/rmap.c. The flush
 * of the secondary TLBs may wait for range_end: the page stays, and only after the walk
 * is it called clean. Litmus: msync+deferred.
 */
static bool clean_entry(struct mmun_mm *mm, const struct ptep *p, uint64_t addr)
{
	uint64_t end = addr + PAGE_BYTES;
	pte_t e = pte_get(p->entry);

	if (!pte_mapped(e) || !(e.v & (PTE_RW | PTE_D)))
		return false;
	e = ptep_clear_flush(mm, p, addr);
	secondary_point(mm, MM_OP_CLEAN, NOTIFY_CLEAR, addr, end);
	set_pte(p->entry, addr, pte_clear_bits(e, PTE_RW | PTE_D));
	secondary_point(mm, MM_OP_CLEAN, NOTIFY_SET, addr, end);
	return pte_dirty(e);
}

/* Page lock held. True: it had been written since it was last cleaned. */
static bool clean_page(struct mmun_machine *m, pfn_t pfn)
{
	struct rmap_walk w = { .head = pfn };
	bool dirty = false;

	while (rmap_next(m, &w)) {
		uint64_t addr = w.addr, end = w.addr + w.bytes;
		struct mmu_notifier_range range;
		struct ptep p;

		range_init(&range, w.mm, MMU_NOTIFY_PROTECTION_PAGE, addr, end);
		invalidate_range_start(&range);
		if (rmap_lock_entry(m, &w, &p)) {
			dirty |= clean_entry(w.mm, &p, addr);
			pte_unlock(&p);
		}
		secondary_point(w.mm, MM_OP_CLEAN, NOTIFY_UNLOCK, addr, end);
		invalidate_range_end(&range, MM_OP_CLEAN);
		secondary_point(w.mm, MM_OP_CLEAN, NOTIFY_AFTER, addr, end);
	}
	/* Last: an entry that went away meanwhile has left its dirty bit here. */
	return xchg_acq_rel(&frame_of(m, pfn)->dirty, 0) || dirty;
}

int mmun_object_clean(struct mmun_object *object, uint64_t offset, uint64_t len,
		      uint64_t *ret_dirty)
{
	uint64_t first, end, dirty = 0;
	pfn_t pfn;
	sync_operation("CLEAN");

	if (!object || !ret_dirty || !range_of(offset, len, &first, &end))
		return -EINVAL;
	mutex_lock(&object->size_lock);
	for (; next_page(object, &first, end, &pfn); first++) {
		dirty += clean_page(object->machine, pfn);
		unlock_and_put(object, pfn);
	}
	mutex_unlock(&object->size_lock);
	*ret_dirty = dirty;
	return 0;
}
