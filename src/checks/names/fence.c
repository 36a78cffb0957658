/* SPDX-License-Identifier: MIT */
/*
 * fence.c - what stands behind mmun/linux/dma-fence.h, where most of a fence is. A thread that
 * waits for a fence waits for the bit in the fence's flags, and is no callback in its list: nobody
 * but the signaling thread could tell.
 */
#include "checks/names/names.h"

void kernel_fence_warns_(const struct kernel_at_ *at, const char *what)
{
	explore_fail(ORACLE_ASSERTION, "%s in %s:%d: %s", at->text ? at->text : "a fence",
		     at->site.function, at->site.line, what);
}

static bool is_signaled(uint64_t flags, uint64_t bit) { return flags >> bit & 1; }

void kernel_fence_sleeps_(const struct kernel_at_ *at, unsigned long *flags, bool timed)
{
	sync_timed_(timed);
	sync_await_((const atomic_u64 *)(const void *)flags, is_signaled,
		    DMA_FENCE_FLAG_SIGNALED_BIT, &at->site);
	sync_timed_(false);
}
