/* SPDX-License-Identifier: MIT */
/*
 * mmap.c - mmap(2), of memory of its own or of an object. It checks and reserves memory
 * first; what follows the first notifier cannot fail. Steps as in mm/mmap.c and mm/memory.c.
 */
#include <errno.h>

#include "vm/ops/ops.h"

enum {
	PROT_ALL = MMUN_PROT_READ | MMUN_PROT_WRITE,
	MAP_KIND = MMUN_MAP_PRIVATE | MMUN_MAP_SHARED,
	MAP_PLACE = MMUN_MAP_FIXED | MMUN_MAP_FIXED_NOREPLACE,
};

static uint64_t search_base(void) { return entry_bytes(1); }

/* Where a mapping goes that need not be at its hint. TASK_BYTES: nowhere. */
uint64_t find_room(const struct mmun_mm *mm, uint64_t hint, uint64_t len)
{
	uint64_t at = page_down(hint);

	if (hint && range_fits(at, &len) && vma_hole(mm, at, len) == at)
		return at;
	at = vma_hole(mm, max_u64(mm->search_from, search_base()), len);
	return at < TASK_BYTES ? at : vma_hole(mm, search_base(), len);
}

/* Where it goes. With MAP_FIXED other areas may be there. */
static int mmap_place(struct mmun_mm *mm, int flags, uint64_t len, uint64_t *addr)
{
	if (!(flags & MAP_PLACE)) {
		*addr = find_room(mm, *addr, len);
		return *addr < TASK_BYTES ? 0 : -ENOMEM;
	}
	if ((flags & MMUN_MAP_FIXED_NOREPLACE) && vma_first(mm, *addr, *addr + len))
		return -EEXIST;
	return 0;
}

/* like: protection, kind and object of the new area. */
static int mmap_locked(struct mmun_mm *mm, uint64_t addr, uint64_t len, const struct vma *like,
		       int flags, uint64_t *ret_addr)
{
	int err = mmap_place(mm, flags, len, &addr);
	struct vma *v;

	if (!err)
		err = vma_reserve(mm, vma_crossed(mm, addr, addr + len) + 1);
	if (err)
		return err;
	vma_split_range(mm, addr, addr + len);
	v = vma_new(mm, addr, addr + len, like);
	ASSERT(v);
	munmap_locked(mm, addr, addr + len);
	ASSERT(!vma_insert(mm, v));
	if (!(flags & MAP_PLACE))
		mm->search_from = addr + len;
	vma_merge_range(mm, addr, addr + len);
	*ret_addr = addr;
	return 0;
}

static int mmap_checked(struct mmun_mm *mm, uint64_t addr, uint64_t len, const struct vma *like,
			int flags, uint64_t *ret_addr)
{
	int err;

	if (!range_fits((flags & MAP_PLACE) ? addr : 0, &len))
		return -ENOMEM;
	mmap_write_lock(mm);
	err = mmap_locked(mm, addr, len, like, flags, ret_addr);
	mmap_write_unlock(mm);
	return err;
}

static bool args_are_valid(const struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot,
			   int flags, const uint64_t *ret_addr)
{
	int kind = flags & MAP_KIND;

	return mm && ret_addr && len && !(prot & ~PROT_ALL) &&
	       !(flags & ~(MAP_KIND | MAP_PLACE | MMUN_MAP_ANONYMOUS)) &&
	       (kind == MMUN_MAP_PRIVATE || kind == MMUN_MAP_SHARED) &&
	       !((flags & MAP_PLACE) && addr % PAGE_BYTES);
}

int mmun_mmap(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot, int flags,
	      uint64_t *ret_addr)
{
	struct vma like = { .prot = prot, .flags = (uint32_t)(flags & ~MAP_PLACE) };
	int err;
	sync_operation("MMAP");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!args_are_valid(mm, addr, len, prot, flags, ret_addr) ||
	    !(flags & MMUN_MAP_ANONYMOUS))
		return -EINVAL;
	if (flags & MMUN_MAP_PRIVATE)
		return mmap_checked(mm, addr, len, &like, flags, ret_addr);
	if (len > TASK_BYTES)
		return -ENOMEM;
	err = object_alloc(mm->machine, len, &like.object);
	if (err)
		return err;
	err = mmap_checked(mm, addr, len, &like, flags, ret_addr);
	object_put(like.object); /* the area has its own */
	return err;
}

int mmun_mmap_object(struct mmun_mm *mm, uint64_t addr, uint64_t len, int prot, int flags,
		     struct mmun_object *object, uint64_t offset, uint64_t *ret_addr)
{
	struct vma like = { .prot = prot, .flags = (uint32_t)(flags & ~MAP_PLACE),
			    .object = object, .offset = offset };
	sync_operation("MMAP");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!args_are_valid(mm, addr, len, prot, flags, ret_addr) || !object ||
	    (flags & MMUN_MAP_ANONYMOUS) || object->machine != mm->machine ||
	    offset % PAGE_BYTES)
		return -EINVAL;
	if (offset + len < offset || offset + len > (uint64_t)UINT32_MAX << SYNC_PAGE_SHIFT)
		return -EOVERFLOW;
	return mmap_checked(mm, addr, len, &like, flags, ret_addr);
}
