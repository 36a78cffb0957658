/* SPDX-License-Identifier: MIT */
/*
 * calls.c - a function for each operation: see calls.h.
 */
#include <errno.h>

#include "calls/calls.h"

/* --- areas --------------------------------------------------------------- */

static int call_MUNMAP(struct call *c) { return mmun_munmap(c->mm, c->addr, c->len); }
static int call_MPROTECT(struct call *c) { return mmun_mprotect(c->mm, c->addr, c->len, c->prot); }

static int call_MMAP(struct call *c)
{
	uint64_t at;

	return mmun_mmap(c->mm, c->addr, c->len, MMUN_PROT_READ | MMUN_PROT_WRITE,
			 MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at);
}

static int remap(struct call *c, int flags)
{
	uint64_t at;

	return mmun_mremap(c->mm, c->addr, c->len, c->len,
			   MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED | flags, c->second, &at);
}

static int call_MREMAP(struct call *c) { return remap(c, 0); }
static int call_MREMAP_DONTUNMAP(struct call *c) { return remap(c, MMUN_MREMAP_DONTUNMAP); }

static int call_FORK(struct call *c) { return *c->child ? -EBUSY : mmun_fork(c->mm, c->child); }

static int call_UFFD_WP(struct call *c)
{
	return mmun_uffd_writeprotect(c->mm, c->addr, c->len, true);
}

static int call_UFFD_UNWP(struct call *c)
{
	return mmun_uffd_writeprotect(c->mm, c->addr, c->len, false);
}

/* The first address is where the pages go. */
static int call_UFFD_MOVE(struct call *c)
{
	uint64_t moved;

	return mmun_uffd_move(c->mm, c->addr, c->second, c->len, &moved);
}

static int call_NUMA_HINT(struct call *c) { return mmun_numa_hint(c->mm, c->addr, c->len); }

/* --- advice -------------------------------------------------------------- */

#define CALL_MADVISE(advice)                                                                   \
	static int call_MADV_##advice(struct call *c)                                          \
	{                                                                                      \
		return mmun_madvise(c->mm, c->addr, c->len, MMUN_MADV_##advice);               \
	}

CALL_MADVISE(DONTNEED)
CALL_MADVISE(FREE)
CALL_MADVISE(PAGEOUT)
CALL_MADVISE(REMOVE)
CALL_MADVISE(COLLAPSE)
CALL_MADVISE(HUGEPAGE)
CALL_MADVISE(NOHUGEPAGE)
CALL_MADVISE(MERGEABLE)
CALL_MADVISE(UNMERGEABLE)
CALL_MADVISE(DONTFORK)
CALL_MADVISE(DOFORK)
CALL_MADVISE(WIPEONFORK)
CALL_MADVISE(KEEPONFORK)
CALL_MADVISE(POPULATE_READ)
CALL_MADVISE(POPULATE_WRITE)

/* --- pages, objects, all of the address space ---------------------------- */

static int call_KSM_MERGE(struct call *c) { return mmun_ksm_merge(c->mm, c->addr, c->second); }

static int call_REPLACE_PAGE(struct call *c)
{
	return mmun_replace_page(c->mm, c->word, c->value);
}

static int call_MOVE_PAGES(struct call *c) { return mmun_migrate(c->mm, c->addr); }
static int call_SPLIT(struct call *c) { return mmun_split_huge_page(c->mm, c->addr); }

static int call_PAGE_IDLE(struct call *c)
{
	bool young;

	return mmun_page_young(c->mm, c->addr, true, &young);
}

static int call_TRUNCATE(struct call *c) { return mmun_object_truncate(c->object, c->offset); }
static int call_PUNCH(struct call *c) { return mmun_object_punch(c->object, c->offset, c->len); }

static int call_MSYNC(struct call *c)
{
	uint64_t dirty;

	return mmun_object_clean(c->object, c->offset, c->len, &dirty);
}

static int call_CLEAR_REFERENCED(struct call *c)
{
	return mmun_clear_refs(c->mm, MMUN_CLEAR_REFS_ALL);
}

static int call_CLEAR_SOFT_DIRTY(struct call *c)
{
	return mmun_clear_refs(c->mm, MMUN_CLEAR_REFS_SOFT_DIRTY);
}

static int call_OOM_REAP(struct call *c) { return mmun_oom_reap(c->mm); }

/* --- pins ---------------------------------------------------------------- */

static uint64_t word_index(const struct call *c) { return (c->word - c->addr) / sizeof(c->value); }

static int call_PIN(struct call *c)
{
	return *c->pin ? -EBUSY : mmun_pin(c->mm, c->addr, true, c->pin);
}

static int call_PIN_LOAD(struct call *c)
{
	return *c->pin ? mmun_pin_load(*c->pin, word_index(c), &c->value) : -EINVAL;
}

static int call_PIN_STORE(struct call *c)
{
	return *c->pin ? mmun_pin_store(*c->pin, word_index(c), c->value) : -EINVAL;
}

static int call_UNPIN(struct call *c)
{
	if (!*c->pin)
		return -EINVAL;
	mmun_unpin(*c->pin);
	*c->pin = NULL;
	return 0;
}

int call_operation(enum op op, struct call *c)
{
	static int (*const calls[OP_COUNT])(struct call *) = {
#define X(e, ...) [OP_##e] = call_##e,
		OPERATIONS(X)
#undef X
	};

	return calls[op](c);
}
