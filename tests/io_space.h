/* SPDX-License-Identifier: MIT */
/*
 * io_space.h - an IO address space for tests: a notify domain whose owner is no address space.
 * It has eight pages from address 0 on and one flat table of entries, which devices walk.
 * Nobody but who calls io_map() and io_unmap() changes it. It can be told to make a mistake.
 */
#ifndef MMUN_TESTS_IO_SPACE_H
#define MMUN_TESTS_IO_SPACE_H

#include "vm/notify/notify.h"

enum { IO_PAGES = 8 };

/* What goes wrong, once it is asked for. */
enum io_mistake {
	IO_RIGHT,
	IO_NO_FLUSH,   /* the secondary TLBs are not flushed */
	IO_LATE_FLUSH, /* or only when the page has gone */
	IO_NO_RANGE,   /* start and end are not called */
	IO_NO_LOCK,    /* lock_all() excludes nobody */
	IO_NO_RELEASE, /* the end of the domain is told to nobody */
};

/* [C] constant; [E] entries_lock. */
struct io_space {
	struct notify_domain domain;
	rwsem_t lock;                /* read: who changes entries, and notifies */
	spin_t entries_lock;
	atomic_u64 entry[IO_PAGES];  /* [E] written; read by walks: a pte_t, with its dirty bit */
	atomic_u64 references;
	bool on_demand;              /* [C] a fault maps a new page */
	enum io_mistake mistake;     /* [C] */
};

/* -ENOMEM. */
int io_create(struct mmun_machine *machine, enum mmun_semantics semantics,
	      struct io_space **ret_io);
/* The end: subscribers are told, no page is left. The structure lasts as long as they do. */
void io_destroy(struct io_space *io);

/* A new page at this index, which had none, its words all value. -ENOMEM, -EEXIST. */
int io_map(struct io_space *io, unsigned page, uint64_t value);
/* Pages [first, end) are given up, and no device touches them any more. */
void io_unmap(struct io_space *io, unsigned first, unsigned end);
/* Another page, its words all value, in place of the one there. -ENOMEM. */
int io_replace(struct io_space *io, unsigned page, uint64_t value);

static inline uint64_t io_addr(unsigned page) { return page * PAGE_BYTES; }

#endif
