/* SPDX-License-Identifier: MIT */
/*
 * frame.c - physical memory: one block of page frames, who counts on each,
 * which are free. Invariant: a frame that is free is in the pool and nobody may
 * touch its memory. Everything in src/vm that makes or drops a page calls here.
 */
#include <errno.h>
#include <string.h>

#include "vm/vm.h"

enum { FRAMES_MIN = 2, FRAMES_MAX = 1 << 24 };

const char *mmun_version(void) { return "0.1.0"; }
uint64_t mmun_page_size(void) { return PAGE_BYTES; }
uint64_t mmun_task_size(void) { return TASK_BYTES; }

bool frame_alloc(struct mmun_machine *m, uint32_t flags, bool zero, pfn_t *ret_pfn)
{
	int n = pool_take(&m->pool);
	pfn_t pfn = { (uint32_t)n };

	if (n < 0)
		return false;
	sync_range_live(frame_memory(m, pfn), PAGE_BYTES);
	if (zero)
		memset(frame_memory(m, pfn), 0, PAGE_BYTES); /* nobody else sees it yet */
	frame_of(m, pfn)->flags = flags;
	if (flags & FRAME_ANON)
		store_relaxed(&frame_of(m, pfn)->refcount, 1);
	*ret_pfn = pfn;
	return true;
}

void frame_free(struct mmun_machine *m, pfn_t pfn)
{
	ASSERT(!is_zero_page(m, pfn));
	frame_of(m, pfn)->flags = 0;
	sync_range_dead(frame_memory(m, pfn), PAGE_BYTES);
	sync_note("free frame %u", pfn.v);
	pool_put(&m->pool, pfn.v);
}

/* The caller has a reference, or a locked entry that has one. */
void frame_get(struct mmun_machine *m, pfn_t pfn)
{
	if (!is_zero_page(m, pfn))
		add_relaxed(&frame_of(m, pfn)->refcount, 1);
}

void frame_put(struct mmun_machine *m, pfn_t pfn, uint64_t count)
{
	uint64_t old;

	if (is_zero_page(m, pfn))
		return;
	old = add_acq_rel(&frame_of(m, pfn)->refcount, (uint64_t)0 - count);
	ASSERT(old >= count);
	if (old == count)
		frame_free(m, pfn);
}

/* Others may still store to the old page; the new one is the caller's alone. */
void frame_copy(struct mmun_machine *m, pfn_t to, pfn_t from)
{
	const atomic_u64 *src = frame_memory(m, from);
	uint64_t *dst = (uint64_t *)(void *)frame_memory(m, to);

	sync_note("copy frame %u to %u", from.v, to.v);
	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		dst[i] = load_relaxed(&src[i]);
}

uint32_t machine_frames_used(const struct mmun_machine *m)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < m->frames; i++)
		used += m->frame[i].flags && !(m->frame[i].flags & FRAME_ZERO);
	return used;
}

static void machine_free(struct mmun_machine *m)
{
	pool_fini(&m->pool);
	sync_free(m->frame);
	sync_free(m->block);
	sync_free(m);
}

int mmun_machine_create(const struct mmun_machine_opts *opts, struct mmun_machine **ret_machine)
{
	struct mmun_machine *m;
	uint64_t frames;

	if (!opts || !ret_machine || opts->frames < FRAMES_MIN || opts->frames > FRAMES_MAX)
		return -EINVAL;
	frames = opts->frames;
	m = sync_alloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->frames = (uint32_t)frames;
	m->block = sync_alloc((frames + 1) * PAGE_BYTES);
	m->frame = sync_alloc(frames * sizeof(*m->frame));
	if (!m->block || !m->frame || pool_init(&m->pool, m->frames)) {
		sync_free(m->frame);
		sync_free(m->block);
		sync_free(m);
		return -ENOMEM;
	}
	m->memory = (char *)page_down((uintptr_t)m->block + PAGE_BYTES - 1);
	for (uint32_t i = 0; i < m->frames; i++) {
		spin_init(&m->frame[i].ptl, RANK_PTL);
		mutex_init(&m->frame[i].page_lock, RANK_FRAME);
	}
	m->zero.v = UINT32_MAX;
	if (!frame_alloc(m, FRAME_ZERO, true, &m->zero)) {
		machine_free(m);
		return -ENOMEM;
	}
	*ret_machine = m;
	return 0;
}

int mmun_machine_destroy(struct mmun_machine *m)
{
	if (!m)
		return 0;
	if (load_acquire(&m->mms))
		return -EBUSY;
	ASSERT(machine_frames_used(m) == 0);
	pool_put(&m->pool, m->zero.v);
	machine_free(m);
	return 0;
}
