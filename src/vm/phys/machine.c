/* SPDX-License-Identifier: MIT */
/*
 * machine.c - physical memory as a whole: one block of page frames, the zero page and the
 * swap slots, from mmun_machine_create() to mmun_machine_destroy(). Invariant: a machine
 * outlives every address space and every object in it (mms counts them).
 */
#include <errno.h>

#include "vm/phys/phys.h"

enum { FRAMES_MIN = 2, FRAMES_MAX = 1 << 24, SWAP_MAX = 1 << 24 };

uint64_t mmun_page_size(void) { return PAGE_BYTES; }
uint64_t mmun_huge_page_size(void) { return HUGE_BYTES; }
uint64_t mmun_task_size(void) { return TASK_BYTES; }

static bool is_used(const struct frame *f) { return f->flags && !(f->flags & FRAME_ZERO); }

uint32_t machine_frames_used(const struct mmun_machine *m)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < m->frames; i++)
		used += is_used(&m->frame[i]);
	return used;
}

static void machine_free(struct mmun_machine *m)
{
	pool_fini(&m->pool);
	pool_fini(&m->huge_pool);
	pool_fini(&m->swap_pool);
	sync_free(m->swap_memory);
	sync_free(m->swap);
	sync_free(m->frame_block);
	sync_free(m->memory_block);
	sync_free(m);
}

static int swap_init(struct mmun_machine *m)
{
	m->swap = sync_alloc(m->swap_pages * sizeof(*m->swap));
	m->swap_memory = sync_alloc(m->swap_pages * PAGE_BYTES);
	if (!m->swap || !m->swap_memory || pool_init(&m->swap_pool, m->swap_pages))
		return -ENOMEM;
	for (uint32_t i = 0; i < m->swap_pages; i++)
		spin_init(&m->swap[i].lock, RANK_SWAP);
	return 0;
}

static uint32_t huge_frames(const struct mmun_machine *m)
{
	return (m->frames - m->huge_base) / TABLE_ENTRIES;
}

/* One block for the structures of frames: those that want to be aligned come first. */
static int frames_alloc(struct mmun_machine *m)
{
	const uintptr_t align = _Alignof(struct ptdesc);

	m->frame_block = sync_alloc(align + m->frames * sizeof(*m->ptdesc) +
				    m->frames * sizeof(*m->frame) +
				    huge_frames(m) * sizeof(*m->huge));
	if (!m->frame_block)
		return -ENOMEM;
	m->ptdesc = (struct ptdesc *)(((uintptr_t)m->frame_block + align - 1) & ~(align - 1));
	m->frame = (struct frame *)(void *)(m->ptdesc + m->frames);
	m->huge = (struct huge_frame *)(void *)(m->frame + m->frames);
	return 0;
}

/* What is so whatever a frame is used for. */
static void frames_init(struct mmun_machine *m)
{
	for (uint32_t i = 0; i < m->frames; i++) {
		spin_init(&m->frame[i].rmap_lock, RANK_PAGE_RMAP);
		mutex_init(&m->frame[i].page_lock, RANK_FRAME);
		spin_init(&m->ptdesc[i].ptl, RANK_PTL);
		spin_init(&m->ptdesc[i].pmd_lock, RANK_PMD);
	}
}

static int machine_init(struct mmun_machine *m)
{
	m->memory_block = sync_alloc((m->frames + (uint64_t)1) * PAGE_BYTES);
	if (!m->memory_block || frames_alloc(m) || pool_init(&m->pool, m->small))
		return -ENOMEM;
	if (huge_frames(m) && pool_init(&m->huge_pool, huge_frames(m)))
		return -ENOMEM;
	if (m->swap_pages && swap_init(m))
		return -ENOMEM;
	m->memory = (char *)page_down((uintptr_t)m->memory_block + PAGE_BYTES - 1);
	frames_init(m);
	m->zero.v = UINT32_MAX;
	return frame_alloc(m, FRAME_ZERO, true, &m->zero) ? 0 : -ENOMEM;
}

int mmun_machine_create(const struct mmun_machine_opts *opts, struct mmun_machine **ret_machine)
{
	struct mmun_machine *m;
	uint64_t base;

	if (!opts || !ret_machine || opts->frames < FRAMES_MIN || opts->frames > FRAMES_MAX ||
	    opts->huge_frames > FRAMES_MAX / TABLE_ENTRIES || opts->swap_pages > SWAP_MAX)
		return -EINVAL;
	base = (opts->frames + TABLE_ENTRIES - 1) & ~((uint64_t)TABLE_ENTRIES - 1);
	if (!opts->huge_frames)
		base = opts->frames;
	if (base + opts->huge_frames * TABLE_ENTRIES > FRAMES_MAX)
		return -EINVAL;
	m = sync_alloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->small = (uint32_t)opts->frames;
	m->huge_base = (uint32_t)base;
	m->frames = (uint32_t)(base + opts->huge_frames * TABLE_ENTRIES);
	m->swap_pages = (uint32_t)opts->swap_pages;
	if (machine_init(m)) {
		machine_free(m);
		return -ENOMEM;
	}
	*ret_machine = m;
	return 0;
}

static const char *frame_kind(const struct frame *f)
{
	return f->flags & FRAME_TABLE ? "a page table" :
		f->flags & FRAME_HUGE ? "a huge page" : "a page";
}

int mmun_machine_destroy(struct mmun_machine *m)
{
	if (!m)
		return 0;
	if (load_acquire(&m->mms))
		return -EBUSY;
	for (uint32_t i = 0; i < m->frames; i++)
		if (is_used(&m->frame[i]) && !(m->frame[i].flags & FRAME_TAIL))
			sync_leaked(frame_memory(m, (pfn_t){ i }), frame_kind(&m->frame[i]));
	for (uint32_t i = 0; i < m->swap_pages; i++)
		ASSERT(m->swap[i].count == 0 || machine_frames_used(m));
	pool_put(&m->pool, m->zero.v);
	machine_free(m);
	return 0;
}
