/* SPDX-License-Identifier: MIT */
/* seqlock.h - sequence counts, which readers compare, and the same with a lock for the writers. */
#ifndef MMUN_LINUX_SEQLOCK_H
#define MMUN_LINUX_SEQLOCK_H

#include "mmun/linux/processor.h"
#include "mmun/linux/spinlock.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The writers of a seqcount_t exclude each other by a lock of their own. */
typedef struct seqcount { unsigned sequence; } seqcount_t;
typedef struct { seqcount_t seqcount; spinlock_t lock; } seqlock_t;

#define SEQCNT_ZERO(name) { 0 }
#define DEFINE_SEQLOCK(x) seqlock_t x

KERNEL_INLINE_ unsigned kernel_raw_read_seqcount_(const struct kernel_at_ *at, const seqcount_t *s)
{
	return (unsigned)kernel_read_(at, &s->sequence, sizeof(s->sequence), KERNEL_ACQUIRE_);
}

/* If the count is odd, a reader waits for the writer. */
KERNEL_INLINE_ unsigned kernel_read_seqcount_begin_(const struct kernel_at_ *at,
						    const seqcount_t *s)
{
	unsigned seen;

	while ((seen = kernel_raw_read_seqcount_(at, s)) & 1)
		kernel_cpu_relax_(at);
	return seen;
}

KERNEL_INLINE_ int kernel_read_seqcount_retry_(const struct kernel_at_ *at, const seqcount_t *s,
					       unsigned start)
{
	kernel_fence_(at, KERNEL_READS_);
	return kernel_read_(at, &s->sequence, sizeof(s->sequence), KERNEL_RELAXED_) != start;
}

KERNEL_INLINE_ void kernel_count_on_(const struct kernel_at_ *at, seqcount_t *s, unsigned by)
{
	(void)kernel_update_(at, &s->sequence, sizeof(s->sequence), KERNEL_RELAXED_,
			     KERNEL_ADD_TO_, by, 0, KERNEL_NEW_);
}

KERNEL_INLINE_ void kernel_write_seqcount_begin_(const struct kernel_at_ *at, seqcount_t *s)
{
	kernel_count_on_(at, s, 1);
	kernel_fence_(at, KERNEL_WRITES_);
}

KERNEL_INLINE_ void kernel_write_seqcount_end_(const struct kernel_at_ *at, seqcount_t *s)
{
	kernel_fence_(at, KERNEL_WRITES_);
	kernel_count_on_(at, s, 1);
}

/* Makes readers that have begun start again. */
KERNEL_INLINE_ void kernel_write_seqcount_invalidate_(const struct kernel_at_ *at, seqcount_t *s)
{
	kernel_fence_(at, KERNEL_WRITES_);
	kernel_count_on_(at, s, 2);
}

KERNEL_PASSED_(unsigned, raw_read_seqcount, (const seqcount_t *s), (s))
KERNEL_PASSED_(unsigned, read_seqcount_begin, (const seqcount_t *s), (s))
KERNEL_PASSED_(int, read_seqcount_retry, (const seqcount_t *s, unsigned start), (s, start))
KERNEL_PASSED_VOID_(write_seqcount_begin, (seqcount_t *s), (s))
KERNEL_PASSED_VOID_(write_seqcount_end, (seqcount_t *s), (s))
KERNEL_PASSED_VOID_(write_seqcount_invalidate, (seqcount_t *s), (s))

#define seqcount_init(s) ((void)((s)->sequence = 0))
#define raw_read_seqcount(s) KERNEL_1_(raw_read_seqcount, "raw_read_seqcount(" #s ")", s)
#define read_seqcount_begin(s) KERNEL_1_(read_seqcount_begin, "read_seqcount_begin(" #s ")", s)
#define read_seqcount_retry(s, start) KERNEL_2_(read_seqcount_retry, \
	"read_seqcount_retry(" #s ")", const seqcount_t *, s, unsigned, start)
#define write_seqcount_begin(s) KERNEL_1_(write_seqcount_begin, "write_seqcount_begin(" #s ")", s)
#define write_seqcount_end(s) KERNEL_1_(write_seqcount_end, "write_seqcount_end(" #s ")", s)
#define write_seqcount_invalidate(s) \
	KERNEL_1_(write_seqcount_invalidate, "write_seqcount_invalidate(" #s ")", s)

KERNEL_INLINE_ unsigned kernel_read_seqbegin_(const struct kernel_at_ *at, const seqlock_t *sl)
{
	return kernel_read_seqcount_begin_(at, &sl->seqcount);
}

KERNEL_INLINE_ unsigned kernel_read_seqretry_(const struct kernel_at_ *at, const seqlock_t *sl,
					      unsigned start)
{
	return (unsigned)kernel_read_seqcount_retry_(at, &sl->seqcount, start);
}

KERNEL_INLINE_ void kernel_write_seqlock_(const struct kernel_at_ *at, seqlock_t *sl)
{
	kernel_spin_lock_(at, &sl->lock);
	kernel_write_seqcount_begin_(at, &sl->seqcount);
}

KERNEL_INLINE_ void kernel_write_sequnlock_(const struct kernel_at_ *at, seqlock_t *sl)
{
	kernel_write_seqcount_end_(at, &sl->seqcount);
	kernel_spin_unlock_(at, &sl->lock);
}

KERNEL_PASSED_(unsigned, read_seqbegin, (const seqlock_t *sl), (sl))
KERNEL_PASSED_(unsigned, read_seqretry, (const seqlock_t *sl, unsigned start), (sl, start))
KERNEL_PASSED_VOID_(write_seqlock, (seqlock_t *sl), (sl))
KERNEL_PASSED_VOID_(write_sequnlock, (seqlock_t *sl), (sl))

#define seqlock_init(sl) ((void)(*(sl) = (seqlock_t){ { 0 }, { 0, 0 } }))
#define read_seqbegin(sl) KERNEL_1_(read_seqbegin, #sl, sl)
#define read_seqretry(sl, start) \
	KERNEL_2_(read_seqretry, #sl, const seqlock_t *, sl, unsigned, start)
#define write_seqlock(sl) KERNEL_1_(write_seqlock, #sl, sl)
#define write_sequnlock(sl) KERNEL_1_(write_sequnlock, #sl, sl)

#ifdef __cplusplus
}
#endif

#endif
