/* SPDX-License-Identifier: MIT */
/*
 * replace.c - a page is replaced by a copy in which one word differs, as uprobes
 * did for breakpoints (__replace_page in kernel/events/uprobes.c, 4.15). The
 * entry then points to other contents: case B, the flush belongs between clear
 * and set. Litmus: replace+clear, replace+set, replace+deferred.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/* A reference to what is mapped there, populating it if need be. */
static int get_old_page(struct mmun_mm *mm, uint64_t page, struct ptep *ret_p, pte_t *ret_pte)
{
	for (;;) {
		struct ptep p;
		pte_t e = { 0 };
		int err;

		if (pte_map_lock(&mm->pt, page, &p)) {
			e = pte_get(p.entry);
			if (!p.level && pte_present(e))
				frame_get(mm->machine, pte_pfn(e), 1);
			pte_unlock(&p);
			if (p.level) {
				huge_split_entry(mm, page);
				continue;
			}
		}
		if (pte_present(e)) {
			*ret_p = p;
			*ret_pte = e;
			return 0;
		}
		err = fault_locked(mm, page, false);
		if (err)
			return err;
	}
}

/* -EAGAIN: the entry changed meanwhile. */
static int replace_once(struct mmun_mm *mm, uint64_t addr, uint64_t value)
{
	struct mmun_machine *m = mm->machine;
	uint64_t page = page_down(addr);
	struct ptep p;
	pte_t old;
	pfn_t new;
	int err;

	err = get_old_page(mm, page, &p, &old);
	if (err)
		return err;
	if (!frame_alloc(m, FRAME_ANON, false, &new)) {
		frame_put(m, pte_pfn(old), 1);
		return -ENOMEM;
	}
	frame_copy(m, new, pte_pfn(old));
	((uint64_t *)(void *)frame_memory(m, new))[(addr - page) / sizeof(value)] = value;

	if (update_pte(mm, MM_OP_REPLACE_PAGE, &p, page, old,
		       pte_make(new, PTE_READ_ONLY | PTE_D | PTE_EXCL), true)) {
		frame_put(m, pte_pfn(old), 2); /* ours and the entry's */
	} else {
		frame_free(m, new);
		frame_put(m, pte_pfn(old), 1);
		err = -EAGAIN;
	}
	pass_flush_point(mm, MM_OP_REPLACE_PAGE, FLUSH_POINT_FREED, flush_page(page));
	return err;
}

static int replace_locked(struct mmun_mm *mm, uint64_t addr, uint64_t value)
{
	const struct vma *v = vma_find(mm, addr);
	int err;

	if (!v || v->prot == MMUN_PROT_NONE)
		return -EFAULT;
	if ((v->prot & MMUN_PROT_WRITE) || vma_shared(v))
		return -EINVAL;
	do
		err = replace_once(mm, addr, value);
	while (err == -EAGAIN);
	return err;
}

int mmun_replace_page(struct mmun_mm *mm, uint64_t addr, uint64_t value)
{
	int err;
	sync_operation("REPLACE");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!mm || addr % sizeof(value))
		return -EINVAL;
	if (addr >= TASK_BYTES)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	err = replace_locked(mm, addr, value);
	up_read(&mm->mmap_lock);
	return err;
}
