/* SPDX-License-Identifier: MIT */
/*
 * flush.h - what a flush is of, as one value. It goes down every path that empties TLBs: from
 * the operation that has changed entries, through gathers and batches, to the TLBs of
 * processors and of devices. Only callbacks of users are given a mere range, as in Linux.
 *
 * A flush is of a range of addresses, and says what kind of entries has changed there:
 *
 *   levels          of entries that were changed. A TLB need not look for translations closer
 *                   together than the stride of the lowest (stride_shift in Linux on x86), and
 *                   hardware is faster if it is told the only level (the TTL hint on arm64).
 *   freed tables    an entry that named a table is gone, so what a walk remembers of the
 *                   upper levels is stale too (freed_tables in Linux, "not last level").
 *   everything      each translation of the address space. It is a value of its own, since a
 *                   TLB may have a cheaper way to forget everything than to look for it.
 *
 * Whose translations they are, a PASID for TLBs that serve several address spaces, has its
 * place here too.
 *
 * Two halves. Submitting a flush sees to it that no access which begins from now on uses what
 * was flushed; flush_wait() returns when those that were under way are over. So many TLBs are
 * submitted to before one wait for all:
 *
 *      flush                   TLB 1                   TLB 2
 *      submit: TLB 1           [hit, access]
 *      submit: TLB 2                                   [hit, access]
 *      wait                    access is over
 *                                                      access is over
 *      pages may be freed
 */
#ifndef MMUN_NOTIFY_FLUSH_H
#define MMUN_NOTIFY_FLUSH_H

#include "vm/phys/phys.h"

struct flush {
	uint64_t start, end;  /* bytes; start >= end: of nothing */
	uint8_t levels;       /* bit n: entries of level n were changed */
	bool freed_tables;
	bool everything;      /* then the others say so, too */
};

enum {
	FLUSH_LEAVES = 1 << 0 | 1 << 1,              /* the levels that map pages */
	FLUSH_LEVELS = (1 << TABLE_LEVELS) - 1,
};

/* What grows: see flush_join(). */
static inline struct flush flush_nothing(void)
{
	return (struct flush){ .start = UINT64_MAX };
}

static inline struct flush flush_everything(void)
{
	return (struct flush){ .end = TASK_BYTES, .levels = FLUSH_LEVELS, .freed_tables = true,
			       .everything = true };
}

/* Of entries of one level. */
static inline struct flush flush_entries(uint64_t start, uint64_t end, unsigned level)
{
	return (struct flush){ .start = start, .end = end, .levels = (uint8_t)(1u << level) };
}

static inline struct flush flush_entry(uint64_t addr, unsigned level)
{
	return flush_entries(addr, addr + entry_bytes(level), level);
}

static inline struct flush flush_page(uint64_t addr) { return flush_entry(addr, 0); }

/* Of pages, small ones or huge ones. */
static inline struct flush flush_range(uint64_t start, uint64_t end)
{
	if (start == 0 && end == TASK_BYTES)
		return flush_everything();
	return (struct flush){ .start = start, .end = end, .levels = FLUSH_LEAVES };
}

/* Of an entry that named a table, and of all that a walk may have found in that table. */
static inline struct flush flush_table(uint64_t addr, unsigned level)
{
	struct flush f = flush_entry(addr, level);

	f.levels = (uint8_t)((2u << level) - 1);
	f.freed_tables = true;
	return f;
}

static inline bool flush_is_empty(const struct flush *f) { return f->start >= f->end; }

/* From here on f is of what more is of as well. */
static inline void flush_join(struct flush *f, struct flush more)
{
	f->start = min_u64(f->start, more.start);
	f->end = max_u64(f->end, more.end);
	f->levels |= more.levels;
	f->freed_tables |= more.freed_tables;
	f->everything |= more.everything;
}

/* How far apart translations are, at the closest, that may have to go. */
static inline uint64_t flush_stride(const struct flush *f)
{
	return entry_bytes((unsigned)__builtin_ctz(f->levels));
}

/* What TLBs rely on. */
static inline bool flush_is_valid(const struct flush *f)
{
	if (f->everything)
		return f->start == 0 && f->end == TASK_BYTES && f->freed_tables;
	return f->levels && f->start <= f->end && f->start % flush_stride(f) == 0 &&
	       f->end % flush_stride(f) == 0;
}

/* The second half, for all that the calling thread has submitted. Takes no lock, spins. */
static inline void flush_wait(void) { guard_wait(); }

#endif
