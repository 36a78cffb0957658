/* SPDX-License-Identifier: MIT */
/* mm_types.h - what memory is made of: address spaces, areas, pages. */
#ifndef MMUN_LINUX_MM_TYPES_H
#define MMUN_LINUX_MM_TYPES_H

#include "mmun/mmun.h"

#define mm_struct mmun_mm

/* A page frame, which holds a page or a page table. What is in it is the library's. */
struct page { unsigned char opaque; };
/* A page that is not the tail of a huge page. Names that want a folio take a page as well. */
struct folio { struct page page; };

/* The bounds of an area when they were fetched: see vma_of(). */
struct vm_area_struct {
	struct mm_struct *vm_mm;
	unsigned long vm_start, vm_end; /* bytes */
	int vm_prot;                    /* MMUN_PROT_* */
};

#endif
