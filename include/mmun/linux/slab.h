/* SPDX-License-Identifier: MIT */
/*
 * slab.h - memory, with the size in bytes. A block is freed once, and not accessed afterwards
 * ("lifetime"), nor is memory behind it ("overrun"). What kmalloc() and kmalloc_array() give is
 * not zeroed, and a word of it is not read before it is written ("uninitialized"). If the check
 * has a finish function, all blocks are freed at the end ("leak"). Each thread has 4 MiB in an
 * execution; then, as in Linux, NULL is returned.
 */
#ifndef MMUN_LINUX_SLAB_H
#define MMUN_LINUX_SLAB_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { GFP_ATOMIC, GFP_KERNEL } gfp_t;

#define GFP_NOWAIT GFP_ATOMIC
#define GFP_NOFS GFP_KERNEL
#define GFP_NOIO GFP_KERNEL

/* What an allocation may do besides: it may sleep, and come to the callbacks of notifiers. */
void kernel_allocates_(const struct kernel_at_ *at, gfp_t gfp);

KERNEL_FUNCTION_(void *, kmalloc, (size_t size, gfp_t gfp), (size, gfp))
KERNEL_FUNCTION_(void *, kzalloc, (size_t size, gfp_t gfp), (size, gfp))
KERNEL_FUNCTION_(void *, kmalloc_array, (size_t n, size_t size, gfp_t gfp), (n, size, gfp))
KERNEL_FUNCTION_(void *, kcalloc, (size_t n, size_t size, gfp_t gfp), (n, size, gfp))
KERNEL_PROCEDURE_(kfree, (const void *p), (p))

#define kmalloc(size, gfp) KERNEL_2_(kmalloc, "kmalloc", size_t, size, gfp_t, gfp)
#define kzalloc(size, gfp) KERNEL_2_(kzalloc, "kzalloc", size_t, size, gfp_t, gfp)
#define kmalloc_array(n, size, gfp) \
	KERNEL_3_(kmalloc_array, "kmalloc_array", size_t, n, size_t, size, gfp_t, gfp)
#define kcalloc(n, size, gfp) KERNEL_3_(kcalloc, "kcalloc", size_t, n, size_t, size, gfp_t, gfp)
#define kfree(p) KERNEL_1_(kfree, "kfree", p)

#define kvmalloc kmalloc
#define kvzalloc kzalloc
#define kvfree kfree

#ifdef __cplusplus
}
#endif

#endif
