/* SPDX-License-Identifier: MIT */
/* highmem.h - copying pages. */
#ifndef MMUN_LINUX_HIGHMEM_H
#define MMUN_LINUX_HIGHMEM_H

#include "mmun/linux/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copy the contents of a page. addr and vma are not used. */
KERNEL_INLINE_ void kernel_copy_highpage_(const struct kernel_at_ *at, struct page *to,
					  struct page *from)
{
	kernel_copy_(to, from, &at->site);
}

KERNEL_INLINE_ void kernel_copy_user_highpage_(const struct kernel_at_ *at, struct page *to,
					       struct page *from, unsigned long addr,
					       struct vm_area_struct *vma)
{
	(void)addr;
	(void)vma;
	kernel_copy_(to, from, &at->site);
}

KERNEL_PASSED_VOID_(copy_highpage, (struct page *to, struct page *from), (to, from))
KERNEL_PASSED_VOID_(copy_user_highpage, (struct page *to, struct page *from, unsigned long addr,
					 struct vm_area_struct *vma), (to, from, addr, vma))

#define copy_highpage(to, from) KERNEL_2_(copy_highpage, NULL, \
	struct page *, KERNEL_PAGE_(to), struct page *, KERNEL_PAGE_(from))
#define copy_page_to_page copy_highpage
#define copy_user_highpage(to, from, addr, vma) KERNEL_4_(copy_user_highpage, NULL, \
	struct page *, KERNEL_PAGE_(to), struct page *, KERNEL_PAGE_(from), \
	unsigned long, addr, struct vm_area_struct *, vma)

#ifdef __cplusplus
}
#endif

#endif
