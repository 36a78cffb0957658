/* SPDX-License-Identifier: MIT */
/* slab.h - memory: freed once, not touched afterwards, all of it freed at the end. */
#ifndef MMUN_LINUX_SLAB_H
#define MMUN_LINUX_SLAB_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { GFP_ATOMIC, GFP_KERNEL } gfp_t;

void *kernel_alloc_(size_t size, gfp_t gfp, const struct sync_site *site);
void kernel_free_(const void *p, const struct sync_site *site);

#define kmalloc(size, gfp) kernel_alloc_((size), (gfp), KERNEL_SITE_)
#define kzalloc(size, gfp) kernel_alloc_((size), (gfp), KERNEL_SITE_)
#define kfree(p) kernel_free_((p), KERNEL_SITE_)

#ifdef __cplusplus
}
#endif

#endif
