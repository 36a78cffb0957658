/* SPDX-License-Identifier: MIT */
/*
 * mm_advice.c - calls that change how pages are mapped, but mostly not what is read:
 * merging, replacing, madvise, migration, tracking, userfaultfd, reclaim.
 */
#include "mm.h"

/* --- pages ----------------------------------------------------------------- */

/* Small, present, of this address space, and nobody else knows it. */
static bool is_plain(const struct world *w, const struct shadow *s, uint64_t addr)
{
	pte_t e = mm_translate(s->mm, addr);
	const struct frame *f;

	if (!pte_present(e) || is_zero_page(w->machine, pte_pfn(e)))
		return false;
	f = frame_of(w->machine, pte_pfn(e));
	return f->flags == FRAME_ANON && !load_relaxed(&f->swap) &&
	       load_relaxed(&f->refcount) == f->mapcount;
}

static int want_merge(const struct world *w, struct shadow *s, uint64_t a, uint64_t b)
{
	const struct shadow_page *pa = page_at(s, a), *pb = page_at(s, b);

	if (a % PAGE_BYTES || b % PAGE_BYTES || a == b)
		return -EINVAL;
	if (want_access(s, a, false) || want_access(s, b, false) || !pa || !pb)
		return -EFAULT;
	if (area_at(s, a)->object || area_at(s, b)->object)
		return -EFAULT;
	if (!is_plain(w, s, a) || !is_plain(w, s, b))
		return -EBUSY; /* anything */
	return memcmp(pa->cell->word, pb->cell->word, sizeof(pa->cell->word)) ? -EAGAIN : 0;
}

static void merged(struct shadow *s, uint64_t a, uint64_t b)
{
	struct shadow_page *pa = page_at(s, a), *pb = page_at(s, b);

	/* A page that is not in the shadow holds zeroes: huge pages were split. */
	for (unsigned i = 0; i < SLOTS; i++)
		ASSERT(want_value(s, a, i) == want_value(s, b, i));
	if (pa)
		pa->flags &= ~(unsigned)PAGE_WP;
	if (pb)
		pb->flags &= ~(unsigned)(PAGE_WP | PAGE_WRITTEN);
}

void op_merge(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t a = take_addr(w), b = take_addr(w);
	int err, want;

	if (!s)
		return;
	want = want_merge(w, s, a, b);
	begin_at(w, s, MMU_NOTIFY_CLEAR, min_u64(a, b), max_u64(a, b) + PAGE_BYTES);
	err = mmun_ksm_merge(s->mm, a, b);
	finish(w, "ksm_merge", a, b, err);
	ASSERT(!w->failed);
	if (want == -EBUSY || want == -EFAULT)
		ASSERT(err == 0 || err == -EAGAIN || err == -EFAULT);
	else
		ASSERT(err == want);
	if (!err)
		merged(s, a, b);
}

static int want_replace(const struct shadow *s, uint64_t addr)
{
	const struct shadow_area *area = area_at(s, addr);

	if (addr % 8)
		return -EINVAL;
	if (!area || area->prot == MMUN_PROT_NONE)
		return -EFAULT;
	if ((area->prot & MMUN_PROT_WRITE) || (area->flags & MMUN_MAP_SHARED))
		return -EINVAL;
	return want_access(s, addr, false);
}

void op_replace(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct shadow_page *p;
	struct cell *old;
	unsigned slot;
	uint64_t addr = take_word(w, &slot), value = take(w);
	int err;

	if (!s || is_full(s, addr))
		return;
	begin(w, &(struct expected){ .mm = s->mm, .events = 1 << MMU_NOTIFY_CLEAR,
				     .lo = page_down(addr), .hi = page_down(addr) + PAGE_BYTES,
				     .quiet_alloc = true });
	err = mmun_replace_page(s->mm, addr, value);
	finish(w, "replace_page", addr, value, err);
	if (!got_frames(w, err, want_replace(s, addr)))
		return;
	p = page_own(s, addr);
	old = p->cell; /* who has it pinned keeps it */
	p->cell = cell_new(old);
	cell_put(old);
	p->cell->word[slot] = value;
	p->flags = 0;
}

static bool migrates(const struct world *w, const struct shadow *s, uint64_t addr)
{
	return addr % PAGE_BYTES == 0 && addr < TASK_BYTES && is_plain(w, s, addr) &&
	       frames_free(w);
}

void op_migrate(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w);
	bool must, any;
	pte_t before = { 0 };
	int err;

	if (!s)
		return;
	must = migrates(w, s, addr);
	any = addr < TASK_BYTES && area_at(s, addr);
	if (any)
		before = mm_translate(s->mm, addr);
	begin(w, &(struct expected){ .events = 1 << MMU_NOTIFY_CLEAR, .hi = TASK_BYTES });
	err = mmun_migrate(s->mm, addr);
	finish(w, "migrate", addr, 0, err);
	if (addr % PAGE_BYTES)
		ASSERT(err == -EINVAL);
	else if (!any || pte_none(before))
		ASSERT(err == -EFAULT);
	else
		ASSERT(err == 0 || err == -EBUSY || err == -ENOMEM || err == -EFAULT);
	ASSERT(!must || !err || w->failed);
	if (!err)
		ASSERT(pte_pfn(before).v != pte_pfn(mm_translate(s->mm, addr)).v);
}

void op_split(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w);
	bool huge;
	int err;

	if (!s)
		return;
	huge = addr < TASK_BYTES && pte_present(mm_translate(s->mm, addr)) &&
	       pte_pfn(mm_translate(s->mm, addr)).v >= w->machine->huge_base;
	begin(w, &(struct expected){ .events = 1 << MMU_NOTIFY_CLEAR, .hi = TASK_BYTES,
				     .quiet_alloc = true });
	err = mmun_split_huge_page(s->mm, addr);
	finish(w, "split", addr, 0, err);
	ASSERT(err == 0 || err == -EINVAL || err == -EBUSY || err == -EFAULT);
	ASSERT(huge || err);
}

/* --- madvise --------------------------------------------------------------- */

struct advice {
	uint64_t addr, len;   /* as far as there are addresses */
	int advice;
	bool beyond;          /* ... and further */
};

static int take_advice(struct world *w)
{
	static const int all[] = {
		MMUN_MADV_DONTNEED, MMUN_MADV_FREE, MMUN_MADV_REMOVE, MMUN_MADV_MERGEABLE,
		MMUN_MADV_UNMERGEABLE, MMUN_MADV_HUGEPAGE, MMUN_MADV_NOHUGEPAGE,
		MMUN_MADV_PAGEOUT, MMUN_MADV_POPULATE_READ, MMUN_MADV_POPULATE_WRITE,
		MMUN_MADV_COLLAPSE, MMUN_MADV_DONTFORK, MMUN_MADV_DOFORK, MMUN_MADV_WIPEONFORK,
		MMUN_MADV_KEEPONFORK,
	};
	uint8_t b = take(w);

	return b >= 248 ? b : all[b % ARRAY_SIZE(all)];
}

static bool is_populate(int advice)
{
	return advice == MMUN_MADV_POPULATE_READ || advice == MMUN_MADV_POPULATE_WRITE;
}

static bool is_private_anon(const struct shadow_area *a)
{
	return !a->object && !(a->flags & MMUN_MAP_SHARED);
}

/* Does the advice not go together with an area of the range? */
static bool has_wrong_area(const struct shadow *s, const struct advice *d)
{
	for (int i = 0; d->len && i < s->areas; i++) {
		const struct shadow_area *a = &s->area[i];

		if (a->start >= d->addr + d->len || a->end <= d->addr)
			continue;
		if ((d->advice == MMUN_MADV_FREE || d->advice == MMUN_MADV_WIPEONFORK) &&
		    !is_private_anon(a))
			return true;
		if (d->advice == MMUN_MADV_REMOVE && !(a->flags & MMUN_MAP_SHARED))
			return true;
	}
	return false;
}

/* What dropping does to the shadow, if all went well or there were holes. */
static void drop_advised(struct shadow *s, const struct advice *d)
{
	uint64_t end = d->addr + d->len;

	if (d->advice == MMUN_MADV_DONTNEED)
		pages_drop(s, d->addr, end);
	for (int i = 0; d->advice == MMUN_MADV_REMOVE && i < s->areas; i++) {
		const struct shadow_area *a = &s->area[i];
		uint64_t from = max_u64(a->start, d->addr), to = min_u64(a->end, end);

		if (from < to)
			object_drop(a->object, (from - a->start + a->offset) / PAGE_BYTES,
				    (to - a->start + a->offset) / PAGE_BYTES);
	}
}

/* Before the call: what reclaim may drop is found by shadow_resolve(). */
static void lazy_advised(struct shadow *s, const struct advice *d)
{
	for (int i = 0; i < s->pages; i++)
		if (s->page[i].page >= d->addr && s->page[i].page < d->addr + d->len &&
		    is_private_anon(area_at(s, s->page[i].page)))
			s->page[i].flags |= PAGE_LAZY;
}

/* Shared areas cannot be merged. */
static void mark_mergeable(struct shadow *s, uint64_t start, uint64_t end)
{
	for (int i = 0; i < s->areas; i++) {
		const struct shadow_area *a = &s->area[i];
		uint64_t from = max_u64(a->start, start), to = min_u64(a->end, end);

		if (from >= to || (a->flags & (MMUN_MAP_SHARED | VMA_MERGEABLE)))
			continue;
		area_change(s, from, to, NO_PROT, 0, VMA_MERGEABLE);
		i = -1; /* they have been joined */
	}
}

static void flag_advised(struct shadow *s, const struct advice *d)
{
	uint64_t end = d->addr + d->len;

	switch (d->advice) {
	case MMUN_MADV_MERGEABLE:
		mark_mergeable(s, d->addr, end);
		break;
	case MMUN_MADV_UNMERGEABLE:
		area_change(s, d->addr, end, NO_PROT, VMA_MERGEABLE, 0);
		break;
	case MMUN_MADV_HUGEPAGE:
		area_change(s, d->addr, end, NO_PROT, 0, VMA_HUGEPAGE);
		break;
	case MMUN_MADV_DONTFORK:
		area_change(s, d->addr, end, NO_PROT, 0, VMA_DONTFORK);
		break;
	case MMUN_MADV_DOFORK:
		area_change(s, d->addr, end, NO_PROT, VMA_DONTFORK, 0);
		break;
	case MMUN_MADV_WIPEONFORK:
		area_change(s, d->addr, end, NO_PROT, 0, VMA_WIPEONFORK);
		break;
	case MMUN_MADV_KEEPONFORK:
		area_change(s, d->addr, end, NO_PROT, VMA_WIPEONFORK, 0);
		break;
	case MMUN_MADV_NOHUGEPAGE:
		area_change(s, d->addr, end, NO_PROT, VMA_HUGEPAGE, 0);
		break;
	}
}

/* Private copies of an object's pages; elsewhere a page that holds zeroes says nothing. */
static void populated(struct world *w, struct shadow *s, const struct advice *d)
{
	for (uint64_t addr = d->addr; addr < d->addr + d->len; addr += PAGE_BYTES) {
		const struct shadow_area *a = area_at(s, addr);
		pte_t e;

		if (!a || !a->object || (a->flags & MMUN_MAP_SHARED) || is_full(s, addr))
			continue;
		e = mm_translate(s->mm, addr);
		if (pte_mapped(e) && (frame_of(w->machine, pte_pfn(e))->flags & FRAME_ANON))
			(void)page_own(s, addr);
	}
}

static int want_populate(const struct shadow *s, const struct advice *d)
{
	for (uint64_t addr = d->addr; addr < d->addr + d->len; addr += PAGE_BYTES) {
		bool write = d->advice == MMUN_MADV_POPULATE_WRITE;
		const struct shadow_area *a = area_at(s, addr);

		if (!a)
			return -ENOMEM;
		if (a->prot == MMUN_PROT_NONE || (write && !(a->prot & MMUN_PROT_WRITE)))
			return -EINVAL;
		if (want_access(s, addr, write))
			return -EFAULT;
	}
	return d->beyond ? -ENOMEM : 0;
}

static void check_advice(struct world *w, const struct shadow *s, const struct advice *d, int err)
{
	bool holes = d->beyond || !is_covered(s, d->addr, d->addr + d->len);

	if (w->failed && err == -ENOMEM)
		return;
	if (is_populate(d->advice)) {
		int want = want_populate(s, d);

		ASSERT(err == want || (err == -ENOMEM && frames_free(w) <= 2) ||
		       (want && (err == -ENOMEM || err == -EFAULT || err == -EINVAL)));
	} else if (d->advice == MMUN_MADV_COLLAPSE || d->advice == MMUN_MADV_UNMERGEABLE) {
		ASSERT(err == 0 || err == -EAGAIN || err == -ENOMEM || err == -EINVAL);
	} else if (has_wrong_area(s, d)) {
		ASSERT(err == -EINVAL || (holes && err == -ENOMEM));
	} else {
		ASSERT(err == (holes ? -ENOMEM : 0));
	}
}

/* What goes from page to page, or from huge page to huge page, takes its time. */
static bool takes_long(const struct advice *d)
{
	return (is_populate(d->advice) && d->len > 64 * PAGE_BYTES) ||
	       (d->advice == MMUN_MADV_COLLAPSE && d->len > GIB);
}

/* What is past the user's addresses is a hole. False: -EINVAL. */
static bool clamp(struct advice *d)
{
	uint64_t len = (d->len + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1), start;

	if (d->addr % PAGE_BYTES || d->advice >= 248 || len < d->len || d->addr + len < d->addr)
		return false;
	start = min_u64(d->addr, TASK_BYTES);
	d->beyond = d->addr + len > TASK_BYTES && len;
	d->len = min_u64(d->addr + len, TASK_BYTES) - start;
	d->addr = start;
	return true;
}

/* An area may have been marked before there was no memory for another one. */
static void adopt_flags(struct shadow *s, const struct advice *d)
{
	struct btree_iter it;
	const struct vma *v = btree_first(&s->mm->areas, &it, 0, TASK_BYTES);

	for (; v; v = btree_next(&it)) {
		uint64_t from = max_u64(v->start, d->addr);
		uint64_t to = min_u64(v->end, d->addr + d->len);

		if (from < to)
			area_change(s, from, to, NO_PROT, AREA_FLAGS, v->flags & AREA_FLAGS);
	}
}

static void advised(struct world *w, struct shadow *s, const struct advice *d, int err)
{
	check_advice(w, s, d, err);
	if (w->failed && err == -ENOMEM) {
		adopt_flags(s, d);
	} else if (err != -EINVAL) {
		drop_advised(s, d);
		flag_advised(s, d);
	}
	if (is_populate(d->advice))
		populated(w, s, d);
}

void op_madvise(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct advice d = { .addr = take_addr(w) };
	uint64_t addr = d.addr, len;
	bool good;
	int err;

	len = d.len = take_len(w);
	d.advice = take_advice(w);
	if (!s || areas_are_full(s) || takes_long(&d) || s->pages > PAGES_MAX - 64)
		return;
	good = clamp(&d);
	/* How far it comes is not promised. */
	if (good && (d.advice == MMUN_MADV_REMOVE || d.advice == MMUN_MADV_WIPEONFORK) &&
	    has_wrong_area(s, &d))
		return;
	if (good && (d.advice == MMUN_MADV_FREE))
		lazy_advised(s, &d);
	begin(w, &(struct expected){ .events = 1 << MMU_NOTIFY_CLEAR, .hi = TASK_BYTES,
				     .quiet_alloc = true });
	err = mmun_madvise(s->mm, addr, len, d.advice);
	finish(w, "madvise", addr, len, err);
	shadow_resolve(w);
	if (verbose)
		fprintf(stderr, "  advice %d\n", d.advice);
	ASSERT(good || err == -EINVAL);
	if (good)
		advised(w, s, &d, err);
}

/* --- tracking -------------------------------------------------------------- */

void op_clear_refs(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint8_t b = take(w);
	int what = b >= 240 ? b & 7 : b & 1 ? MMUN_CLEAR_REFS_SOFT_DIRTY : MMUN_CLEAR_REFS_ALL;
	bool good = what == MMUN_CLEAR_REFS_SOFT_DIRTY || what == MMUN_CLEAR_REFS_ALL;
	int err;

	if (!s)
		return;
	begin_at(w, s, MMU_NOTIFY_SOFT_DIRTY, 0, TASK_BYTES);
	err = mmun_clear_refs(s->mm, (enum mmun_clear_refs)what);
	finish(w, "clear_refs", (uint64_t)what, 0, err);
	ASSERT(err == (good ? 0 : -EINVAL));
	for (int i = 0; what == MMUN_CLEAR_REFS_SOFT_DIRTY && i < s->pages; i++)
		s->page[i].flags &= ~(unsigned)PAGE_WRITTEN;
}

void op_pagemap(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w);
	const struct shadow_page *p;
	unsigned bits = 0;
	int err;

	if (!s)
		return;
	begin_quiet(w);
	err = mmun_pagemap(s->mm, addr, &bits);
	finish(w, "pagemap", addr, bits, err);
	ASSERT(err == (area_at(s, addr) ? 0 : -EFAULT) || (err == -EINVAL && addr % PAGE_BYTES));
	if (err)
		return;
	p = page_at(s, addr);
	ASSERT(!(bits & MMUN_PAGE_PRESENT) || !(bits & MMUN_PAGE_SWAPPED));
	if (!p)
		return;
	ASSERT(bits & (MMUN_PAGE_PRESENT | MMUN_PAGE_SWAPPED));
	ASSERT(!(p->flags & PAGE_WRITTEN) || (bits & MMUN_PAGE_SOFT_DIRTY));
	ASSERT(!(p->flags & PAGE_WP) || (bits & MMUN_PAGE_WP));
	ASSERT(!(bits & MMUN_PAGE_WP) || (p->flags & PAGE_MAY_WP));
}

/* Forgotten, and nobody has come since: not young. */
void op_young(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w);
	bool young = false, clear = take(w) & 1;
	int err;

	if (!s)
		return;
	begin_quiet(w);
	err = mmun_page_young(s->mm, addr, clear, &young);
	finish(w, "young", addr, clear, err);
	ASSERT(err == 0 || err == -EFAULT || (err == -EINVAL && addr % PAGE_BYTES) ||
	       err == -EBUSY);
	ASSERT(err != -EFAULT || !area_at(s, addr) || !pte_present(mm_translate(s->mm, addr)) ||
	       is_zero_page(w->machine, pte_pfn(mm_translate(s->mm, addr))));
	if (err || !clear)
		return;
	ASSERT(mmun_page_young(s->mm, addr, false, &young) == 0 && !young);
}

void op_numa(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w), len = take_len(w);
	bool good;
	int err;

	if (!s)
		return;
	begin_at(w, s, MMU_NOTIFY_PROTECTION_VMA, addr, range_end(addr, len));
	err = mmun_numa_hint(s->mm, addr, len);
	finish(w, "numa_hint", addr, len, err);
	good = addr % PAGE_BYTES == 0 && len % PAGE_BYTES == 0 && len && round_len(addr, &len);
	if (good)
		ASSERT(err == (is_covered(s, addr, addr + len) ? 0 : -ENOMEM));
	else
		ASSERT(err == -EINVAL || err == -ENOMEM);
}

/* --- userfaultfd ----------------------------------------------------------- */

void op_uffd_wp(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w), len = take_len(w);
	bool protect = take(w) & 1, good;
	int err;

	if (!s)
		return;
	begin_at(w, s, MMU_NOTIFY_PROTECTION_VMA, addr, range_end(addr, len));
	err = mmun_uffd_writeprotect(s->mm, addr, len, protect);
	finish(w, protect ? "uffd_wp" : "uffd_unwp", addr, len, err);
	good = addr % PAGE_BYTES == 0 && len % PAGE_BYTES == 0 && len && round_len(addr, &len);
	if (!good) {
		ASSERT(err == -EINVAL || err == -ENOENT);
		return;
	}
	ASSERT(err == (is_covered(s, addr, addr + len) ? 0 : -ENOENT));
	for (int i = 0; i < s->pages; i++) {
		struct shadow_page *p = &s->page[i];

		if (p->page < addr || p->page >= addr + len)
			continue;
		if (err) {
			p->flags |= PAGE_MAY_WP;
			p->flags &= ~(unsigned)PAGE_WP;
		} else if (protect) {
			p->flags |= PAGE_MAY_WP | PAGE_WP;
		} else {
			p->flags &= ~(unsigned)(PAGE_MAY_WP | PAGE_WP);
		}
	}
}

/* One page of the source: what it would be moved like. */
static bool may_move(const struct shadow *s, uint64_t dst, uint64_t src)
{
	const struct shadow_area *a = area_at(s, src), *b = area_at(s, dst);

	return a && b && is_private_anon(a) && is_private_anon(b) &&
	       pte_none(mm_translate(s->mm, dst)) && !pte_none(mm_translate(s->mm, src));
}

void op_uffd_move(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t dst = take_addr(w), src = take_addr(w), len = take_len(w), moved = 0, could = 0;
	bool good;
	int err;

	if (!s)
		return;
	good = dst % PAGE_BYTES == 0 && src % PAGE_BYTES == 0 && len % PAGE_BYTES == 0 && len &&
	       len <= TASK_BYTES && src <= TASK_BYTES - len && dst <= TASK_BYTES - len &&
	       (src >= dst + len || dst >= src + len);
	while (good && could < len && may_move(s, dst + could, src + could))
		could += PAGE_BYTES;
	begin(w, &(struct expected){ .mm = s->mm, .events = 1 << MMU_NOTIFY_CLEAR,
				     .lo = src, .hi = good ? src + len : src,
				     .quiet_alloc = true });
	err = mmun_uffd_move(s->mm, dst, src, len, &moved);
	finish(w, "uffd_move", dst, src, err);
	if (verbose)
		fprintf(stderr, "  len %#llx moved %#llx\n", (unsigned long long)len,
			(unsigned long long)moved);
	ASSERT(good || err);
	ASSERT(moved % PAGE_BYTES == 0 && moved <= could && (err || moved == len));
	ASSERT(err == 0 || err == -EINVAL || err == -ENOENT || err == -EEXIST ||
	       err == -EBUSY || err == -ENOMEM || err == -EAGAIN);
	pages_move(s, src, dst, moved);
}

/* --- the OOM reaper -------------------------------------------------------- */

enum { PAGE_REAP = 1 << 8 };

void op_reap(struct world *w)
{
	struct shadow *s = pick_mm(w);
	int err;

	if (!s)
		return;
	for (int i = 0; i < s->pages; i++)
		s->page[i].flags |= s->page[i].flags & PAGE_LAZY ? 0 : PAGE_REAP | PAGE_LAZY;
	begin(w, &(struct expected){ .mm = s->mm, .events = 1 << MMU_NOTIFY_UNMAP,
				     .hi = TASK_BYTES, .nonblock = true });
	err = mmun_oom_reap(s->mm);
	finish(w, "oom_reap", (uint64_t)(s - w->mm), 0, err);
	shadow_resolve(w);
	ASSERT(err == 0 || err == -EAGAIN);
	for (int i = 0; i < s->pages; i++) {
		struct shadow_page *p = &s->page[i];

		ASSERT(err || area_at(s, p->page)->object);
		if (p->flags & PAGE_REAP)
			p->flags &= ~(unsigned)(PAGE_REAP | PAGE_LAZY);
	}
}
