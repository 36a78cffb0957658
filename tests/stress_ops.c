/* SPDX-License-Identifier: MIT */
/*
 * stress_ops.c - what the threads of the stress do, each operation with what it must
 * find. An operation that a failing allocation, or somebody else at the page, may
 * prevent is allowed to fail with the error that says so, and nothing else.
 */
#include <stdarg.h>

#include "stress.h"

enum { END_OF_LIST = 1 };

/* 0 or one of these errors. */
static int check_errors(const char *file, int line, int err, ...)
{
	va_list list;
	bool found = !err;
	int e;

	va_start(list, err);
	while ((e = va_arg(list, int)) != END_OF_LIST)
		found |= e == err;
	va_end(list);
	if (!found)
		stress_failed(file, line, "an error that may be", err, 0);
	return err;
}

#define ERRORS(err, ...) check_errors(__FILE__, __LINE__, err, __VA_ARGS__, END_OF_LIST)

static void takeaway_begin(struct takeaway *a) { atomic_fetch_add(&a->begun, 1); }
static void takeaway_end(struct takeaway *a) { atomic_fetch_add(&a->ended, 1); }

/* --- words --------------------------------------------------------------- */

static int access_mirror(struct mirror *m, uint64_t addr, bool write, uint64_t *value)
{
	struct tlb_access a = { .addr = addr, .value = *value, .write = write,
				.order = TLB_ACQ_REL };
	int err = mirror_access(m, &a);

	*value = a.value;
	return err;
}

/* By the thread's processor, or by a device, with a page table of its own or without. */
static int access_word(struct thread *t, uint64_t addr, bool write, uint64_t *value)
{
	unsigned via = (unsigned)random_below(t, DEVICES + MIRRORS + 2);

	if (via >= DEVICES && via < DEVICES + MIRRORS)
		return access_mirror(t->s->mirror[via - DEVICES], addr, write, value);
	if (via < DEVICES)
		return write ? mmun_ats_store_release(t->s->ats[via], addr, *value)
			     : mmun_ats_load_acquire(t->s->ats[via], addr, value);
	return write ? mmun_cpu_store_release(t->cpu, addr, *value)
		     : mmun_cpu_load_acquire(t->cpu, addr, value);
}

static struct takeaway *takeaway_of(struct stress *s, enum region r)
{
	return r == REGION_DROPPED ? &s->drops : &s->rights;
}

/* Everybody's values are his own: nothing turns up in the wrong place unnoticed. */
static uint64_t next_value(struct thread *t) { return t->clock += THREADS_MAX; }

static void store_word(struct thread *t, enum region r, unsigned page, uint64_t addr)
{
	struct word *w = &t->word[r][page];
	struct takeaway *a = takeaway_of(t->s, r);
	uint64_t ended = atomic_load(&a->ended), value = next_value(t);
	int err;

	atomic_store(&w->storing, value);
	err = ERRORS(access_word(t, addr, true, &value), -ENOMEM, -EFAULT);
	if (err == -EFAULT) /* somebody took the right away meanwhile */
		CHECK(r == REGION_OWN && atomic_load(&a->begun) > ended);
	if (err)
		return;
	w->value = value;
	w->ended = ended;
	atomic_store(&w->stored, value);
}

/*
 * While a page is being given up, some still see the old one, and others a new one with
 * zeroes, or with what was stored there since. Once that is over all see the same, and
 * it stays.
 */
static void word_was_dropped(struct thread *t, struct word *w, uint64_t value, uint64_t begun,
			     uint64_t ended)
{
	if (value % THREADS_MAX != t->number && value)
		stress_failed(__FILE__, __LINE__, "a word that was stored", (long long)value,
			      (long long)w->value);
	CHECK(value <= atomic_load(&w->storing));
	w->value = value;
	if (begun == ended)
		w->ended = ended;
}

static void load_word(struct thread *t, enum region r, unsigned page, uint64_t addr)
{
	struct word *w = &t->word[r][page];
	struct takeaway *a = takeaway_of(t->s, r);
	uint64_t begun, ended = atomic_load(&a->ended), value;
	int err;

	begun = atomic_load(&a->begun); /* after ended: if equal, nothing is under way */
	err = ERRORS(access_word(t, addr, false, &value), -ENOMEM, -EFAULT);
	if (err == -EFAULT)
		CHECK(r == REGION_OWN && atomic_load(&a->begun) > ended);
	if (err || value == w->value)
		return;
	if (r != REGION_DROPPED || atomic_load(&a->begun) <= w->ended)
		stress_failed(__FILE__, __LINE__, "the word that was stored last",
			      (long long)value, (long long)w->value);
	word_was_dropped(t, w, value, begun, ended);
}

static void op_words(struct thread *t)
{
	static const enum region regions[] = { REGION_OWN, REGION_DROPPED, REGION_SHARED };
	enum region r = regions[random_below(t, 3)];
	unsigned page = (unsigned)random_below(t, WORD_PAGES);
	uint64_t at = word_page(r, page), other = at;

	if (r == REGION_SHARED && random_below(t, 2))
		other = word_page(REGION_ALIAS, page);
	load_word(t, r, page, at + t->number * 8);
	store_word(t, r, page, at + t->number * 8);
	load_word(t, r, page, other + t->number * 8);
}

/* Another one's word: it only grows. */
static void op_watch(struct thread *t)
{
	unsigned page = (unsigned)random_below(t, WORD_PAGES);
	unsigned whose = (unsigned)random_below(t, t->s->threads);
	enum region r = random_below(t, 2) ? REGION_OWN : REGION_SHARED;
	struct word *w = &threads[whose].word[r][page];
	uint64_t least = atomic_load(&w->stored), value;

	if (ERRORS(access_word(t, word_page(r, page) + whose * 8, false, &value), -ENOMEM,
		   -EFAULT))
		return;
	CHECK(value >= least && value <= atomic_load(&w->storing));
}

/* --- own pages ----------------------------------------------------------- */

static uint64_t some_page(struct thread *t, enum region r)
{
	return word_page(r, (unsigned)random_below(t, WORD_PAGES));
}

/* A page with words, several, or a huge one; never out of the region. */
static uint64_t some_range(struct thread *t, enum region r, uint64_t *len)
{
	uint64_t addr = some_page(t, r), end = REGION_START(r) + REGION_BYTES;

	switch (random_below(t, 4)) {
	case 0:
		addr = huge_down(addr);
		*len = HUGE_BYTES;
		break;
	case 1:
		*len = (1 + random_below(t, 700)) * PAGE_BYTES;
		break;
	default:
		*len = (1 + random_below(t, 4)) * PAGE_BYTES;
	}
	*len = min_u64(*len, end - addr);
	return addr;
}

static enum region lasting_region(struct thread *t)
{
	static const enum region all[] = {
		REGION_OWN, REGION_DROPPED, REGION_SHARED, REGION_ALIAS,
	};

	return all[random_below(t, ARRAY_SIZE(all))];
}

static enum region any_region(struct thread *t)
{
	return (enum region)random_below(t, REGIONS);
}

static void op_protect(struct thread *t)
{
	uint64_t len, addr = some_range(t, REGION_OWN, &len);
	int prot = (int)random_below(t, 2);

	takeaway_begin(&t->s->rights);
	if (ERRORS(mmun_mprotect(t->s->mm, addr, len, prot), -ENOMEM) == 0)
		while (ERRORS(mmun_mprotect(t->s->mm, addr, len, RW), -ENOMEM))
			;
	takeaway_end(&t->s->rights);
}

static void op_merge(struct thread *t)
{
	enum region r = random_below(t, 2) ? REGION_VOLATILE : REGION_OWN;
	uint64_t a = some_page(t, r), b = some_page(t, r);

	if (a != b)
		ERRORS(mmun_ksm_merge(t->s->mm, a, b), -EAGAIN, -EFAULT, -ENOMEM);
}

static void op_migrate(struct thread *t)
{
	ERRORS(mmun_migrate(t->s->mm, some_page(t, any_region(t))), -EFAULT, -EBUSY, -ENOMEM);
}

static void op_pageout(struct thread *t)
{
	uint64_t len, addr = some_range(t, any_region(t), &len);

	ERRORS(mmun_madvise(t->s->mm, addr, len, MMUN_MADV_PAGEOUT), -ENOMEM);
}

static void op_split(struct thread *t)
{
	ERRORS(mmun_split_huge_page(t->s->mm, some_page(t, any_region(t))), -EINVAL, -EBUSY,
	       -EFAULT, -ENOMEM);
}

static void op_collapse(struct thread *t)
{
	static const enum region all[] = {
		REGION_OWN, REGION_DROPPED, REGION_VOLATILE, REGION_WHOLE,
	};
	uint64_t addr = huge_down(some_page(t, all[random_below(t, 4)]));
	int advice = random_below(t, 8) ? MMUN_MADV_COLLAPSE : MMUN_MADV_POPULATE_WRITE;

	ERRORS(mmun_madvise(t->s->mm, addr, HUGE_BYTES, advice), -EAGAIN, -EBUSY, -ENOMEM,
	       -EINVAL, -EFAULT);
}

static void op_advise(struct thread *t)
{
	static const int advices[] = {
		MMUN_MADV_HUGEPAGE, MMUN_MADV_HUGEPAGE, MMUN_MADV_NOHUGEPAGE, MMUN_MADV_MERGEABLE,
		MMUN_MADV_UNMERGEABLE, MMUN_MADV_POPULATE_READ, MMUN_MADV_DOFORK,
		MMUN_MADV_KEEPONFORK,
	};
	uint64_t len, addr = some_range(t, lasting_region(t), &len);
	int advice = advices[random_below(t, ARRAY_SIZE(advices))];

	ERRORS(mmun_madvise(t->s->mm, addr, len, advice), -ENOMEM, -EFAULT, -EAGAIN, -EINVAL);
}

static void op_numa(struct thread *t)
{
	uint64_t len, addr = some_range(t, any_region(t), &len);

	ERRORS(mmun_numa_hint(t->s->mm, addr, len), -ENOMEM);
}

static void op_uffd_wp(struct thread *t)
{
	uint64_t len, addr = some_range(t, any_region(t), &len);

	ERRORS(mmun_uffd_writeprotect(t->s->mm, addr, len, random_below(t, 3)), -ENOENT, -ENOMEM);
}

static void op_track(struct thread *t)
{
	uint64_t addr = some_page(t, any_region(t));
	unsigned bits;
	bool young;

	switch (random_below(t, 4)) {
	case 0:
		ERRORS(mmun_clear_refs(t->s->mm, random_below(t, 2) ? MMUN_CLEAR_REFS_ALL
								     : MMUN_CLEAR_REFS_SOFT_DIRTY),
		       -ENOMEM);
		break;
	case 1:
		ERRORS(mmun_page_young(t->s->mm, addr, random_below(t, 2), &young), -EFAULT);
		break;
	default:
		ERRORS(mmun_pagemap(t->s->mm, addr, &bits), -EFAULT);
	}
}

/* --- pins ---------------------------------------------------------------- */

/* Whoever has a page pinned sees what the processors see, and they see what he stores. */
static void use_pin(struct thread *t)
{
	struct word *w = &t->word[REGION_OWN][t->pin_page];
	uint64_t addr = word_page(REGION_OWN, t->pin_page) + t->number * 8, value;

	CHECK(!mmun_pin_load(t->pin, t->number, &value));
	CHECK_EQ(value, w->value);
	if (!t->pin_write)
		return;
	atomic_store(&w->storing, next_value(t));
	CHECK(!mmun_pin_store(t->pin, t->number, t->clock));
	w->value = t->clock;
	atomic_store(&w->stored, t->clock);
	load_word(t, REGION_OWN, t->pin_page, addr);
	store_word(t, REGION_OWN, t->pin_page, addr);
	CHECK(!mmun_pin_load(t->pin, t->number, &value));
	CHECK_EQ(value, w->value);
}

static void op_pin(struct thread *t)
{
	if (t->pin) {
		use_pin(t);
		if (random_below(t, 3))
			return;
		mmun_unpin(t->pin);
		t->pin = NULL;
		return;
	}
	t->pin_page = (unsigned)random_below(t, WORD_PAGES);
	t->pin_write = random_below(t, 2);
	/* A page that was never written is the zero page, which a pin does not keep. */
	if (!t->pin_write && !t->word[REGION_OWN][t->pin_page].value)
		return;
	ERRORS(mmun_pin(t->s->mm, word_page(REGION_OWN, t->pin_page), t->pin_write, &t->pin),
	       -ENOMEM, -EFAULT);
}

/* --- dropped, shared, volatile ------------------------------------------- */

static void op_drop(struct thread *t)
{
	uint64_t len, addr = some_range(t, REGION_DROPPED, &len);
	int advice = random_below(t, 3) ? MMUN_MADV_FREE : MMUN_MADV_DONTNEED;

	takeaway_begin(&t->s->drops);
	ERRORS(mmun_madvise(t->s->mm, addr, len, advice), -ENOMEM);
	takeaway_end(&t->s->drops);
	if (random_below(t, 2))
		ERRORS(mmun_madvise(t->s->mm, addr, min_u64(len, 8 * PAGE_BYTES),
				    MMUN_MADV_PAGEOUT), -ENOMEM);
}

/* Of a shared page nothing is lost with a mapping. */
static void op_unmap_shared(struct thread *t)
{
	enum region r = random_below(t, 2) ? REGION_SHARED : REGION_ALIAS;
	uint64_t len, addr = some_range(t, r, &len);

	ERRORS(mmun_madvise(t->s->mm, addr, len, MMUN_MADV_DONTNEED), -ENOMEM);
}

static void op_clean(struct thread *t)
{
	uint64_t dirty, first = random_below(t, 64);
	struct mmun_object *o = random_below(t, 2) ? t->s->shared : t->s->file;

	ERRORS(mmun_object_clean(o, first * PAGE_BYTES, 64 * PAGE_BYTES, &dirty), -EINVAL);
}

static uint64_t volatile_place(struct thread *t, uint64_t *len)
{
	uint64_t addr = some_range(t, REGION_VOLATILE, len);

	return random_below(t, 2) ? addr : some_page(t, REGION_VOLATILE);
}

static void op_map(struct thread *t)
{
	uint64_t len, addr = some_range(t, REGION_VOLATILE, &len), at;

	switch (random_below(t, 5)) {
	case 0:
		ERRORS(mmun_munmap(t->s->mm, addr, len), -ENOMEM);
		break;
	case 1:
		ERRORS(mmun_mprotect(t->s->mm, addr, len, (int)random_below(t, 4)), -ENOMEM);
		break;
	case 2:
		ERRORS(mmun_madvise(t->s->mm, addr, len, random_below(t, 2) ? MMUN_MADV_DONTNEED
									    : MMUN_MADV_FREE),
		       -ENOMEM);
		break;
	default:
		if (ERRORS(mmun_mmap(t->s->mm, addr, len, RW, ANON, &at), -ENOMEM) == 0)
			CHECK_EQ(at, addr);
		if (random_below(t, 2))
			ERRORS(mmun_madvise(t->s->mm, addr, len, MMUN_MADV_HUGEPAGE), -ENOMEM);
	}
}

/* Grows and shrinks, too, but not out of the region. */
static void op_resize(struct thread *t)
{
	uint64_t end = REGION_START(REGION_VOLATILE) + REGION_BYTES;
	uint64_t len, addr = some_range(t, REGION_VOLATILE, &len), at;
	uint64_t to = min_u64((1 + random_below(t, 20)) * PAGE_BYTES, end - addr);

	ERRORS(mmun_mremap(t->s->mm, addr, len, to, 0, 0, &at), -EFAULT, -ENOMEM);
}

/* Files move as well; mapped anew in op_file() they are where they were. */
static void op_move_file(struct thread *t)
{
	enum region r = random_below(t, 2) ? REGION_FILE : REGION_PRIVATE;
	uint64_t end = REGION_START(r) + REGION_BYTES, room, at;
	uint64_t len, from = some_range(t, r, &len), to = some_range(t, r, &room);

	len = min_u64(len, end - to);
	ERRORS(mmun_mremap(t->s->mm, from, len, len, MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, to,
			   &at), -EFAULT, -EINVAL, -ENOMEM);
}

static void op_move(struct thread *t)
{
	uint64_t end = REGION_START(REGION_VOLATILE) + REGION_BYTES;
	uint64_t len, from = some_range(t, REGION_VOLATILE, &len), to, room, at;
	int flags = MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED;

	to = volatile_place(t, &room);
	len = min_u64(len, end - to);
	if (random_below(t, 4) == 0)
		flags |= MMUN_MREMAP_DONTUNMAP;
	ERRORS(mmun_mremap(t->s->mm, from, len, len, flags, to, &at), -EFAULT, -EINVAL, -ENOMEM);
}

/* Whole huge pages: made by a fault, moved, marked, now and then torn. */
static void op_whole(struct thread *t)
{
	uint64_t a = REGION_START(REGION_WHOLE) + random_below(t, REGION_HUGE) * HUGE_BYTES, at;
	uint64_t b = REGION_START(REGION_WHOLE) + random_below(t, REGION_HUGE) * HUGE_BYTES;
	int move = MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED;
	struct mmun_mm *mm = t->s->mm;

	switch (random_below(t, 12)) {
	case 0:
	case 1:
		ERRORS(mmun_mmap(mm, a, HUGE_BYTES, RW, ANON, &at), -ENOMEM);
		ERRORS(mmun_madvise(mm, a, HUGE_BYTES, MMUN_MADV_HUGEPAGE), -ENOMEM);
		break;
	case 2:
	case 3:
		ERRORS(mmun_mremap(mm, a, HUGE_BYTES, HUGE_BYTES, move, b, &at), -EFAULT,
		       -EINVAL, -ENOMEM);
		break;
	case 4:
		ERRORS(mmun_mprotect(mm, a, HUGE_BYTES, (int)random_below(t, 4)), -ENOMEM);
		break;
	case 5:
		ERRORS(mmun_numa_hint(mm, a, HUGE_BYTES), -ENOMEM);
		break;
	case 6:
		ERRORS(mmun_uffd_writeprotect(mm, a, HUGE_BYTES, random_below(t, 2)), -ENOENT,
		       -ENOMEM);
		break;
	case 7:
		ERRORS(mmun_madvise(mm, a, HUGE_BYTES, random_below(t, 2) ? MMUN_MADV_FREE
									  : MMUN_MADV_DONTNEED),
		       -ENOMEM);
		break;
	case 8:
		ERRORS(mmun_split_huge_page(mm, a), -EINVAL, -EBUSY, -EFAULT, -ENOMEM);
		break;
	case 9:
		ERRORS(mmun_madvise(mm, a, HUGE_BYTES, MMUN_MADV_PAGEOUT), -ENOMEM);
		break;
	case 10:
		ERRORS(mmun_uffd_move(mm, a, b, HUGE_BYTES, &at), -EINVAL, -ENOENT, -EEXIST,
		       -EBUSY, -ENOMEM, -EAGAIN);
		break;
	default:
		ERRORS(mmun_munmap(mm, a + random_below(t, 512) * PAGE_BYTES, PAGE_BYTES),
		       -ENOMEM);
	}
}

static void op_uffd_move(struct thread *t)
{
	uint64_t end = REGION_START(REGION_VOLATILE) + REGION_BYTES, moved = 0;
	uint64_t len, from = some_range(t, REGION_VOLATILE, &len);
	uint64_t to = some_page(t, REGION_VOLATILE);

	len = min_u64(len, end - to);
	ERRORS(mmun_uffd_move(t->s->mm, to, from, len, &moved), -EINVAL, -ENOENT, -EEXIST,
	       -EBUSY, -ENOMEM, -EAGAIN);
	CHECK(moved <= len);
}

/* What is there belongs there: pages move, words stay where they are in the page. */
static void check_volatile(struct thread *t, uint64_t addr)
{
	uint64_t value = MAGIC | (addr % PAGE_BYTES);
	int err;

	if (random_below(t, 2)) {
		ERRORS(access_word(t, addr, true, &value), -EFAULT, -ENOMEM);
		return;
	}
	err = ERRORS(access_word(t, addr, false, &value), -EFAULT, -ENOMEM);
	if (!err && value)
		CHECK_EQ(value, MAGIC | (addr % PAGE_BYTES));
}

static void op_volatile(struct thread *t)
{
	static const enum region all[] = {
		REGION_VOLATILE, REGION_WHOLE, REGION_FILE, REGION_PRIVATE,
	};

	check_volatile(t, some_page(t, all[random_below(t, 4)]) + random_below(t, 64) * 8);
}

_Atomic uint64_t any_count[OP_COUNT];

/* Any operation of the table that is about a range, on pages that come and go: no thread
 * knows what it must find there, but that a word is what belongs to its place. A new
 * operation is tried here by having an entry. */
static void op_any(struct thread *t)
{
	enum op op = (enum op)random_below(t, OP_COUNT);
	uint64_t len, page = some_page(t, REGION_VOLATILE);
	uint64_t word = page + random_below(t, 64) * 8;
	struct mmun_mm *none = NULL;
	struct call c = {
		.mm = t->s->mm, .addr = page, .second = some_page(t, REGION_VOLATILE),
		.word = word, .value = MAGIC | (word % PAGE_BYTES),
		.prot = random_below(t, 2) ? RW : MMUN_PROT_READ, .object = t->s->file,
		.offset = random_below(t, REGION_BYTES / PAGE_BYTES) * PAGE_BYTES,
		.child = &none, .pin = &t->any_pin,
	};

	if (!any_calls(op))
		return; /* it would be about the whole address space */
	some_range(t, REGION_VOLATILE, &len);
	c.len = random_below(t, 4) ? PAGE_BYTES :
		min_u64(len, REGION_START(REGION_VOLATILE) + REGION_BYTES - page);
	ERRORS(call_operation(op, &c), -EINVAL, -ENOMEM, -EFAULT, -EBUSY, -EAGAIN, -EEXIST,
	       -ENOENT);
	atomic_fetch_add(&any_count[op], 1);
}

/* A file's pages come and go, and so do the ends of it. */
static void op_file(struct thread *t)
{
	uint64_t pages = random_below(t, REGION_BYTES / PAGE_BYTES);
	uint64_t len, addr = some_range(t, REGION_FILE, &len), at;
	enum region r = random_below(t, 2) ? REGION_FILE : REGION_PRIVATE;
	int kind = r == REGION_FILE ? MMUN_MAP_SHARED : MMUN_MAP_PRIVATE;

	switch (random_below(t, 6)) {
	case 0:
		ERRORS(mmun_object_truncate(t->s->file, pages * PAGE_BYTES), -ENOMEM);
		break;
	case 1:
		ERRORS(mmun_object_truncate(t->s->file, REGION_BYTES), -ENOMEM);
		break;
	case 2:
		ERRORS(mmun_object_punch(t->s->file, pages * PAGE_BYTES, len), -EINVAL);
		break;
	case 3:
		ERRORS(mmun_madvise(t->s->mm, addr, len, MMUN_MADV_REMOVE), -ENOMEM);
		break;
	case 4:
		addr = some_range(t, REGION_PRIVATE, &len);
		ERRORS(mmun_madvise(t->s->mm, addr, len, MMUN_MADV_DONTNEED), -ENOMEM);
		break;
	default: /* anew, as it was */
		addr = some_range(t, r, &len);
		ERRORS(mmun_mmap_object(t->s->mm, addr, len, RW, kind | MMUN_MAP_FIXED, t->s->file,
					addr - REGION_START(r), &at), -ENOMEM);
	}
}

static void op_replace(struct thread *t)
{
	uint64_t addr = word_page(REGION_READ_ONLY, t->number), value;

	if (random_below(t, 2) &&
	    !ERRORS(mmun_replace_page(t->s->mm, addr, next_value(t)), -ENOMEM, -EAGAIN))
		t->seen_read_only = t->clock;
	if (!ERRORS(access_word(t, addr, false, &value), -ENOMEM))
		CHECK_EQ(value, t->seen_read_only);
}

/* --- children ------------------------------------------------------------ */

static void child_exit(struct thread *t)
{
	mmun_cpu_destroy(t->child_cpu);
	t->child_cpu = NULL;
	CHECK(!mmun_mm_destroy(t->child));
	t->child = NULL;
}

/* The child has each own word as it was at some moment of the call, and goes on having
 * it; but for what others store in memory that is shared. */
static void child_check(struct thread *t, uint64_t (*least)[THREADS_MAX],
			uint64_t (*most)[THREADS_MAX])
{
	for (unsigned p = 0; p < WORD_PAGES; p++)
		for (unsigned i = 0; i < t->s->threads; i++) {
			uint64_t at = word_page(REGION_OWN, p) + i * 8, v;

			if (ERRORS(mmun_cpu_load(t->child_cpu, at, &v), -ENOMEM, -EFAULT))
				continue;
			CHECK(v >= least[p][i] && v <= most[p][i]);
			least[p][i] = most[p][i] = v;
		}
}

static void child_make(struct thread *t)
{
	uint64_t least[WORD_PAGES][THREADS_MAX], most[WORD_PAGES][THREADS_MAX];
	int err;

	for (unsigned p = 0; p < WORD_PAGES; p++)
		for (unsigned i = 0; i < t->s->threads; i++)
			least[p][i] = atomic_load(&threads[i].word[REGION_OWN][p].stored);
	if (ERRORS(mmun_fork(t->s->mm, &t->child), -ENOMEM))
		return;
	for (unsigned p = 0; p < WORD_PAGES; p++)
		for (unsigned i = 0; i < t->s->threads; i++)
			most[p][i] = atomic_load(&threads[i].word[REGION_OWN][p].storing);
	err = ERRORS(mmun_cpu_create(t->child, &t->child_cpu), -ENOMEM);
	if (err) {
		t->child_cpu = NULL;
		child_exit(t);
		return;
	}
	child_check(t, least, most);
	child_check(t, least, most);
}

/* What is shared, the child shares. */
static void child_store(struct thread *t)
{
	unsigned page = (unsigned)random_below(t, WORD_PAGES);
	struct word *w = &t->word[REGION_SHARED][page];
	uint64_t addr = word_page(REGION_SHARED, page) + t->number * 8, value;

	if (!ERRORS(mmun_cpu_load_acquire(t->child_cpu, addr, &value), -ENOMEM))
		CHECK_EQ(value, w->value);
	atomic_store(&w->storing, next_value(t));
	if (ERRORS(mmun_cpu_store_release(t->child_cpu, addr, t->clock), -ENOMEM))
		return;
	w->value = t->clock;
	atomic_store(&w->stored, t->clock);
	load_word(t, REGION_SHARED, page, addr);
}

/* The child's own memory is its own: here it may go. */
static void child_use(struct thread *t)
{
	uint64_t len, addr = some_range(t, REGION_OWN, &len), at, moved;
	uint64_t to = REGION_START(REGION_VOLATILE), v;

	switch (random_below(t, 9)) {
	case 0:
		ERRORS(mmun_oom_reap(t->child), -EAGAIN);
		break;
	case 1:
		ERRORS(mmun_munmap(t->child, addr, len), -ENOMEM);
		break;
	case 2:
		ERRORS(mmun_madvise(t->child, addr, len, MMUN_MADV_PAGEOUT), -ENOMEM);
		break;
	case 3:
		ERRORS(mmun_mremap(t->child, addr, len, len,
				   MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, to, &at),
		       -EFAULT, -ENOMEM);
		break;
	case 4:
		ERRORS(mmun_uffd_move(t->child, to, addr, PAGE_BYTES, &moved), -ENOENT, -EEXIST,
		       -EBUSY, -ENOMEM, -EAGAIN, -EINVAL);
		break;
	case 5:
		ERRORS(mmun_migrate(t->child, addr), -EFAULT, -EBUSY, -ENOMEM);
		break;
	case 6:
		ERRORS(mmun_cpu_store(t->child_cpu, addr + 8 * THREADS_MAX, 1), -EFAULT, -ENOMEM);
		break;
	case 7:
		ERRORS(mmun_cpu_load(t->child_cpu, addr, &v), -EFAULT, -ENOMEM);
		break;
	default:
		child_store(t);
	}
}

static void op_fork(struct thread *t)
{
	if (!t->child)
		child_make(t);
	else if (random_below(t, 12))
		child_use(t);
	else
		child_exit(t);
}

/* Somebody's allocation fails soon. */
static void op_fail(struct thread *t)
{
	if (t->s->inject)
		sync_alloc_fail_at(1 + random_below(t, 20));
}

void thread_fini(struct thread *t)
{
	if (t->pin)
		mmun_unpin(t->pin);
	if (t->any_pin)
		mmun_unpin(t->any_pin);
	if (t->child)
		child_exit(t);
	mmun_cpu_destroy(t->cpu);
}

const struct act acts[] = {
	{ "words", 60, op_words },
	{ "watch", 20, op_watch },
	{ "volatile", 20, op_volatile },
	{ "any", 10, op_any },
	{ "protect", 2, op_protect },
	{ "merge", 3, op_merge },
	{ "migrate", 6, op_migrate },
	{ "pageout", 3, op_pageout },
	{ "split", 3, op_split },
	{ "collapse", 2, op_collapse },
	{ "advise", 2, op_advise },
	{ "numa", 2, op_numa },
	{ "uffd_wp", 2, op_uffd_wp },
	{ "track", 2, op_track },
	{ "pin", 10, op_pin },
	{ "drop", 4, op_drop },
	{ "unmap_shared", 2, op_unmap_shared },
	{ "clean", 2, op_clean },
	{ "map", 3, op_map },
	{ "move", 2, op_move },
	{ "resize", 1, op_resize },
	{ "move_file", 1, op_move_file },
	{ "whole", 8, op_whole },
	{ "uffd_move", 3, op_uffd_move },
	{ "file", 3, op_file },
	{ "replace", 3, op_replace },
	{ "fork", 4, op_fork },
	{ "fail", 2, op_fail },
};

const unsigned act_count = ARRAY_SIZE(acts);
