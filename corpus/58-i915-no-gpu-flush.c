/* SPDX-License-Identifier: MIT */
/*
 * 58: i915 gives the pages of a buffer back while the GPU's TLB still has them
 *
 * Linux: CVE-2022-0330, 7938d61591d33394a21bdd7797a245b65428f44c
 * Class: A
 *
 * When a buffer is unbound, i915 clears the GPU's page table entries and counts on the flush that
 * precedes the next batch of commands. But a batch that is running may use addresses that it has
 * not declared, so nothing waits for it: it goes on with the translations that the GPU has
 * cached, and reads and writes the pages after the driver gave them back to the system and
 * somebody else owns them. The repair: an object that was ever bound is marked, and when its
 * backing pages are released the GPU's TLBs are flushed first, waiting for the flush to be done.
 * (On gen12 video and compute engines that flush was written to a wrong register, which left them
 * as before: CVE-2022-4139, 04aa64375f48. The TLB is one pointer here, with a lock that makes a
 * flush wait for the access that is under way.)
 *
 *	CPU 0, release of the buffer		GPU, TLB: x -> P
 *	1 unbind: clear x
 *	2 put_pages: free P
 *						3 shader writes x: P [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { I915_BO_WAS_BOUND = 1 };

struct page { int data; };

static struct page *gpu_pte;            /* read by the GPU's page walker */

static struct {
	struct mutex mm_lock;
	struct page *pages;             /* [mm_lock] */
	int flags;
} obj;

static struct {
	spinlock_t lock;                /* an access against a flush */
	struct page *tlb;               /* [lock] */
} gpu;

static void intel_gt_invalidate_tlbs(void)
{
	spin_lock(&gpu.lock);
	gpu.tlb = NULL;
	pr_info("the GPU's TLB is empty");
	spin_unlock(&gpu.lock);
}

static void i915_vma_unbind(void)
{
	WRITE_ONCE(gpu_pte, NULL);                              /* 1 */
}

static struct page *__i915_gem_object_unset_pages(void)
{
	struct page *pages = obj.pages;

	obj.pages = NULL;
	if (fixed && (xchg(&obj.flags, 0) & I915_BO_WAS_BOUND))
		intel_gt_invalidate_tlbs();
	return pages;
}

static void i915_gem_object_release(void)
{
	struct page *pages;

	mutex_lock(&obj.mm_lock);
	i915_vma_unbind();
	pages = __i915_gem_object_unset_pages();
	mutex_unlock(&obj.mm_lock);
	pr_info("put_pages: the page is freed");
	kfree(pages);                                           /* 2 */
}

static void shader_write(void)
{
	spin_lock(&gpu.lock);
	if (!gpu.tlb)
		gpu.tlb = READ_ONCE(gpu_pte);
	if (gpu.tlb)
		WRITE_ONCE(gpu.tlb->data, 1);                   /* 3 */
	else
		pr_info("fault: the batch is cancelled");
	spin_unlock(&gpu.lock);
}

static void setup(void)
{
	obj.pages = kzalloc(sizeof(*obj.pages), GFP_KERNEL);
	obj.flags = I915_BO_WAS_BOUND;
	gpu_pte = gpu.tlb = obj.pages;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		i915_gem_object_release();
		break;
	case 1:
		shader_write();
		shader_write();
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!gpu_pte && !obj.pages);
}

static const char *const names[] = { "release", "gpu" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
