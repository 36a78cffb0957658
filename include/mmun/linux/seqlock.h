/* SPDX-License-Identifier: MIT */
/* seqlock.h - counts that a reader compares. */
#ifndef MMUN_LINUX_SEQLOCK_H
#define MMUN_LINUX_SEQLOCK_H

#include "mmun/linux/atomic.h"
#include "mmun/linux/processor.h"

/* Counts that a reader compares: writers exclude each other by a lock of their own. A
 * reader that meets an odd one waits for the writer. */
typedef struct { unsigned sequence; } seqcount_t;
#define seqcount_init(s) ((void)((s)->sequence = 0))
#define read_seqcount_begin(s) __extension__({ \
	unsigned seen_; \
	while ((seen_ = KERNEL_READ_AS_("read_seqcount_begin(" #s ")", KERNEL_ACQUIRE_, \
					(s)->sequence)) & 1) \
		cpu_relax(); \
	seen_; })
#define raw_read_seqcount(s) \
	KERNEL_READ_AS_("raw_read_seqcount(" #s ")", KERNEL_ACQUIRE_, (s)->sequence)
#define read_seqcount_retry(s, start) (smp_rmb(), \
	KERNEL_READ_AS_("read_seqcount_retry(" #s ")", KERNEL_RELAXED_, (s)->sequence) != (start))
#define KERNEL_COUNT_AS_(name, s) KERNEL_UPDATE_AS_(name, KERNEL_RELAXED_, &(s)->sequence, \
	KERNEL_ADD_TO_, 1, 0, (void)0, old_ + 1)
#define write_seqcount_begin(s) \
	((void)KERNEL_COUNT_AS_("write_seqcount_begin(" #s ")", s), smp_wmb())
#define write_seqcount_end(s) \
	(smp_wmb(), (void)KERNEL_COUNT_AS_("write_seqcount_end(" #s ")", s))

#endif
