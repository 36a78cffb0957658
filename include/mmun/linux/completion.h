/* SPDX-License-Identifier: MIT */
/* completion.h - waiting for something to be done, once. */
#ifndef MMUN_LINUX_COMPLETION_H
#define MMUN_LINUX_COMPLETION_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

struct completion { uint64_t done; };

#define DECLARE_COMPLETION(c) struct completion c

void kernel_complete_(struct completion *c, bool all, const char *name,
		      const struct sync_site *site);
void kernel_wait_for_(struct completion *c, const char *name, const struct sync_site *site);

#define init_completion(c) ((void)((c)->done = 0))
#define complete(c) kernel_complete_((c), false, #c, KERNEL_SITE_)
#define complete_all(c) kernel_complete_((c), true, #c, KERNEL_SITE_)
#define wait_for_completion(c) kernel_wait_for_((c), #c, KERNEL_SITE_)

#ifdef __cplusplus
}
#endif

#endif
