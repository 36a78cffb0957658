/* SPDX-License-Identifier: MIT */
/*
 * mm_space.c - calls that make, copy and change address spaces, areas and objects, each
 * with what the shadow expects of it.
 */
#include "mm.h"

/* --- address spaces -------------------------------------------------------- */

void op_create(struct world *w)
{
	struct shadow *s = free_mm(w);
	enum mmun_semantics semantics = take(w) & 1 ? MMUN_CLASSIC : MMUN_MODERN;
	struct mmun_mm *mm = NULL;
	int err;

	if (!s)
		return;
	begin_quiet(w);
	err = mmun_mm_create(w->machine, semantics, &mm);
	finish(w, "mm_create", semantics, 0, err);
	ASSERT(!err == !!mm);
	if (!got_frames(w, err, 0))
		return;
	s->mm = mm;
	s->state = MM_LIVE;
	s->semantics = semantics;
	s->cpus = s->users = s->areas = s->pages = 0;
}

void mm_destroy(struct world *w, struct shadow *s)
{
	int err;

	/* Who has no release knows of the end by himself. */
	for (int i = 0; i < NOTIFIERS; i++)
		if (w->notifier[i].s == s && !w->notifier[i].mn.ops->release)
			w->notifier[i].count = 0;
	if (!s->cpus) {
		s->state = s->users ? MM_DEAD : MM_NONE;
		pages_drop(s, 0, TASK_BYTES);
		area_set(s, 0, TASK_BYTES, NULL);
	}
	begin_quiet(w);
	err = mmun_mm_destroy(s->mm);
	finish(w, "mm_destroy", (uint64_t)(s - w->mm), 0, err);
	ASSERT(err == (s->cpus ? -EBUSY : 0) && !w->failed);
	for (int i = 0; !err && i < NOTIFIERS; i++) {
		struct notifier *n = &w->notifier[i];

		if (n->s == s)
			ASSERT(n->released == !!n->mn.ops->release && n->count == 0);
	}
}

void op_destroy(struct world *w)
{
	struct shadow *s = pick_mm(w);

	if (s)
		mm_destroy(w, s);
}

/* How many frames copying them takes; a huge entry has one deposited. */
static uint64_t tables_of(const struct world *w, pfn_t table, unsigned level)
{
	const atomic_u64 *entry = frame_memory(w->machine, table);
	uint64_t sum = 1;

	for (unsigned i = 0; level && i < TABLE_ENTRIES; i++) {
		pte_t e = pte_get(&entry[i]);

		if (!pte_none(e))
			sum += pte_huge(e) ? 1 : tables_of(w, pte_pfn(e), level - 1);
	}
	return sum;
}

static void fork_shadow(struct shadow *c, const struct shadow *s)
{
	*c = *s;
	c->cpus = c->users = 0;
	for (int i = 0; i < c->areas; i++)
		if (c->area[i].object)
			c->area[i].object->refs++;
	for (int i = 0; i < c->pages; i++) {
		c->page[i].cell = cell_new(s->page[i].cell);
		c->page[i].flags &= ~(unsigned)PAGE_WP; /* a pinned page is copied without */
	}
	for (int i = 0; i < s->areas; i++) {
		const struct shadow_area *a = &s->area[i];

		if (a->flags & (VMA_DONTFORK | VMA_WIPEONFORK))
			pages_drop(c, a->start, a->end);
		if (a->flags & VMA_DONTFORK)
			area_set(c, a->start, a->end, NULL);
	}
}

void op_fork(struct world *w)
{
	struct shadow *s = pick_mm(w), *c = free_mm(w);
	struct mmun_mm *child = NULL;
	uint64_t had, tables;
	int err;

	if (!s || !c)
		return;
	had = frames_free(w);
	tables = tables_of(w, s->mm->pt.pgd, TABLE_LEVELS - 1);
	begin_at(w, s, MMU_NOTIFY_PROTECTION_PAGE, 0, TASK_BYTES);
	err = mmun_fork(s->mm, &child);
	finish(w, "fork", (uint64_t)(s - w->mm), (uint64_t)(c - w->mm), err);
	ASSERT(!err == !!child);
	if (err) {
		ASSERT(err == -ENOMEM && (w->failed || had < tables + PINS));
		ASSERT(frames_free(w) == had);
		return;
	}
	ASSERT(had - frames_free(w) <= tables + PINS);
	fork_shadow(c, s);
	c->mm = child;
}

/* --- areas ----------------------------------------------------------------- */

static int take_flags(struct world *w)
{
	static const int bad[] = {
		0, MMUN_MAP_FIXED, MMUN_MAP_PRIVATE, MMUN_MAP_ANONYMOUS, ANON | 1, ANON | 0x40,
		-1, ANON | (1 << 30),
	};
	uint8_t b = take(w);

	if (b >= 240)
		return bad[b % ARRAY_SIZE(bad)];
	return ANON | (b & 1 ? MMUN_MAP_FIXED : 0) | (b & 2 ? MMUN_MAP_FIXED_NOREPLACE : 0);
}

struct map_args {
	uint64_t addr, len, offset;
	int prot, flags;
	struct shadow_object *object;
};

/* What mmap returns for good arguments; *ret_at is POISON if any place will do. */
static int want_place(const struct shadow *s, const struct map_args *m, uint64_t *ret_at)
{
	bool placed = m->flags & (MMUN_MAP_FIXED | MMUN_MAP_FIXED_NOREPLACE);
	uint64_t at = page_down(m->addr), len = m->len, end = m->len;

	*ret_at = placed ? m->addr : POISON;
	if (!round_len(placed ? m->addr : 0, &len))
		return -ENOMEM;
	if ((m->flags & MMUN_MAP_FIXED_NOREPLACE) && overlaps(s, m->addr, m->addr + len))
		return -EEXIST;
	if (placed)
		return 0;
	if (m->addr && round_len(at, &end) && !overlaps(s, at, at + end)) {
		*ret_at = at;
		return 0;
	}
	return has_room(s, entry_bytes(1), len) ? 0 : -ENOMEM;
}

static int want_mmap(const struct shadow *s, const struct map_args *m, uint64_t *ret_at)
{
	int place = MMUN_MAP_FIXED | MMUN_MAP_FIXED_NOREPLACE, kind = m->flags & ~place;

	*ret_at = POISON;
	if (!m->len || (m->prot & ~3) || ((m->flags & place) && m->addr % PAGE_BYTES) ||
	    m->offset % PAGE_BYTES)
		return -EINVAL;
	if (m->object && m->object->object
	    ? kind != MMUN_MAP_SHARED && kind != MMUN_MAP_PRIVATE
	    : kind != ANON && kind != (MMUN_MAP_SHARED | MMUN_MAP_ANONYMOUS))
		return -EINVAL;
	if (m->object && m->object->object &&
	    (m->offset + m->len < m->offset ||
	     m->offset + m->len > (uint64_t)UINT32_MAX << SYNC_PAGE_SHIFT))
		return -EOVERFLOW;
	return want_place(s, m, ret_at);
}

static void map(struct world *w, struct shadow *s, const struct map_args *m)
{
	uint64_t at = POISON, want_at, len = m->len;
	bool fixed = m->flags & MMUN_MAP_FIXED;
	int err, want = want_mmap(s, m, &want_at);

	if (fixed)
		begin_at(w, s, MMU_NOTIFY_UNMAP, m->addr, range_end(m->addr, len));
	else
		begin_quiet(w);
	if (m->object && m->object->object)
		err = mmun_mmap_object(s->mm, m->addr, len, m->prot, m->flags,
				       m->object->object, m->offset, &at);
	else
		err = mmun_mmap(s->mm, m->addr, len, m->prot, m->flags, &at);
	finish(w, fixed ? "mmap fixed" : "mmap", m->addr, len, err);
	ASSERT(err == want || w->failed);
	ASSERT(!err == (at != POISON));
	if (err)
		return;
	(void)round_len(0, &len);
	ASSERT(want_at == POISON || want_at == at);
	ASSERT(at % PAGE_BYTES == 0 && at < TASK_BYTES && len <= TASK_BYTES - at);
	ASSERT(fixed || !overlaps(s, at, at + len));
	pages_drop(s, at, at + len);
	area_set(s, at, at + len, &(struct shadow_area){
		.prot = m->prot, .object = m->object, .offset = m->offset,
		.flags = (unsigned)m->flags &
			 ~(unsigned)(MMUN_MAP_FIXED | MMUN_MAP_FIXED_NOREPLACE),
	});
}

void op_mmap(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct map_args m = { 0 };

	m.addr = take_addr(w);
	m.len = take_len(w);
	m.prot = take_prot(w);
	m.flags = take_flags(w);
	if (s && !areas_are_full(s))
		map(w, s, &m);
}

static struct shadow_object *pick_object(struct world *w)
{
	for (int i = 0; i < OBJECTS; i++) {
		struct shadow_object *o = &w->object[(w->target + i) % OBJECTS];

		if (o->refs && o->object)
			return o;
	}
	return NULL;
}

/* Of an object, or anonymous and shared. */
void op_mmap_shared(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct map_args m = { 0 };
	uint8_t b, how;

	m.addr = take_addr(w);
	m.len = take_len(w);
	m.prot = take_prot(w);
	b = take(w);
	how = take(w);
	m.offset = how >= 240 ? (uint64_t)how : (how & 15) * PAGE_BYTES;
	m.flags = (b & 1 ? MMUN_MAP_FIXED : 0) |
		  (b & 2 ? MMUN_MAP_PRIVATE : MMUN_MAP_SHARED);
	m.object = b & 4 ? NULL : pick_object(w);
	if (!s || areas_are_full(s))
		return;
	if (m.object) {
		map(w, s, &m);
		return;
	}
	if (m.len > OBJECT_PAGES * PAGE_BYTES)
		return;
	m.flags = MMUN_MAP_SHARED | MMUN_MAP_ANONYMOUS | (b & 1 ? MMUN_MAP_FIXED : 0);
	m.offset = 0;
	m.object = object_new(w);
	if (!m.object)
		return;
	m.object->pages = (m.len + PAGE_BYTES - 1) / PAGE_BYTES;
	map(w, s, &m);
	shadow_object_put(m.object); /* the area has its own */
}

void op_munmap(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w), len = take_len(w);
	bool good;
	int err;

	if (!s || areas_are_full(s))
		return;
	begin_at(w, s, MMU_NOTIFY_UNMAP, addr, range_end(addr, len));
	err = mmun_munmap(s->mm, addr, len);
	finish(w, "munmap", addr, len, err);
	good = addr % PAGE_BYTES == 0 && len && round_len(addr, &len);
	ASSERT(err == (good ? 0 : -EINVAL) || w->failed);
	if (err)
		return;
	pages_drop(s, addr, addr + len);
	area_set(s, addr, addr + len, NULL);
}

void op_mprotect(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w), len = take_len(w);
	int prot = take_prot(w), err, want = 0;

	if (!s || areas_are_full(s))
		return;
	begin_at(w, s, MMU_NOTIFY_PROTECTION_VMA, addr, range_end(addr, len));
	err = mmun_mprotect(s->mm, addr, len, prot);
	finish(w, "mprotect", addr, len, err);
	if (addr % PAGE_BYTES || (prot & ~3))
		want = -EINVAL;
	else if (len && (!round_len(addr, &len) || !is_covered(s, addr, addr + len)))
		want = -ENOMEM;
	ASSERT(err == want || w->failed);
	if (!err && len)
		area_change(s, addr, addr + len, prot, 0, 0);
}

/* --- moving ---------------------------------------------------------------- */

enum { MOVES = MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED | MMUN_MREMAP_DONTUNMAP };

struct move { uint64_t addr, old, new, to; int flags; };

/* Some error is to be returned. */
static bool move_is_bad(const struct shadow *s, const struct move *m)
{
	const struct shadow_area *a = area_at(s, m->addr);
	/* Where it must be, or where it would best be. */
	bool placed = m->flags & (MMUN_MREMAP_FIXED | MMUN_MREMAP_DONTUNMAP);

	if (m->addr % PAGE_BYTES || !m->old || !m->new || (m->flags & ~MOVES) ||
	    ((m->flags & ~MMUN_MREMAP_MAYMOVE) && !(m->flags & MMUN_MREMAP_MAYMOVE)))
		return true;
	if (!a || a->end - m->addr < m->old || m->new > TASK_BYTES)
		return true;
	if ((m->flags & MMUN_MREMAP_DONTUNMAP) && m->old != m->new)
		return true;
	if (a->object && a->offset + (m->addr - a->start) + m->new >
			 (uint64_t)UINT32_MAX << SYNC_PAGE_SHIFT)
		return true;
	return placed && (m->to % PAGE_BYTES || m->to > TASK_BYTES - m->new ||
			  (m->to < m->addr + m->old && m->addr < m->to + m->new));
}

static bool stays(const struct shadow *s, const struct move *m)
{
	if (m->flags & (MMUN_MREMAP_FIXED | MMUN_MREMAP_DONTUNMAP))
		return false;
	return m->new <= m->old ||
	       (m->new <= TASK_BYTES - m->addr &&
		!overlaps(s, m->addr + m->old, m->addr + m->new));
}

static void move_shadow(struct shadow *s, const struct move *m, uint64_t at)
{
	struct shadow_area a = *area_at(s, m->addr);
	uint64_t end = m->addr + m->old;

	if (a.object)
		a.offset += m->addr - a.start;
	if (at != m->addr) {
		pages_drop(s, at, at + m->new);
		area_set(s, at, at + m->new, &a);
		pages_move(s, m->addr, at, min_u64(m->old, m->new));
		pages_drop(s, m->addr, end);
		if (!(m->flags & MMUN_MREMAP_DONTUNMAP))
			area_set(s, m->addr, end, NULL);
	} else if (m->new < m->old) {
		pages_drop(s, at + m->new, end);
		area_set(s, at + m->new, end, NULL);
	} else if (m->new > m->old) {
		area_set(s, at, at + m->new, &a);
	}
}

void op_mremap(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct move m = { .addr = take_addr(w) };
	uint64_t at = POISON;
	bool bad, here;
	uint8_t b;
	int err;

	m.old = take_len(w);
	m.new = take_len(w);
	b = take(w);
	m.flags = b >= 240 ? 1 << (b & 15) : b & MOVES;
	m.to = take_addr(w);
	if (!s || areas_are_full(s))
		return;
	begin(w, &(struct expected){ .mm = s->mm, .hi = TASK_BYTES,
				     .events = 1 << MMU_NOTIFY_UNMAP | 1 << MMU_NOTIFY_CLEAR });
	err = mmun_mremap(s->mm, m.addr, m.old, m.new, m.flags, m.to, &at);
	finish(w, "mremap", m.addr, m.old, err);
	if (verbose)
		fprintf(stderr, "  new_len %#llx flags %d to %#llx at %#llx\n",
			(unsigned long long)m.new, m.flags, (unsigned long long)m.to,
			(unsigned long long)at);
	bad = !round_len(0, &m.old) || !round_len(0, &m.new) || move_is_bad(s, &m);
	ASSERT(!err == (at != POISON));
	if (bad) {
		ASSERT(err == -EINVAL || err == -EFAULT || err == -ENOMEM);
		return;
	}
	here = stays(s, &m);
	if (err) {
		ASSERT(err == -ENOMEM && (w->failed || !here));
		return;
	}
	ASSERT(here == (at == m.addr) && (here || (m.flags & MMUN_MREMAP_MAYMOVE)));
	if (m.flags & MMUN_MREMAP_FIXED)
		ASSERT(at == m.to);
	else
		ASSERT(here || !overlaps(s, at, at + m.new));
	move_shadow(s, &m, at);
}

/* --- objects --------------------------------------------------------------- */

static uint64_t take_size(struct world *w)
{
	uint8_t b = take(w);

	uint64_t pages = b % (OBJECT_PAGES + 1);

	return pages && b > 200 ? pages * PAGE_BYTES - 7 : pages * PAGE_BYTES;
}

void op_object_create(struct world *w)
{
	struct shadow_object *o = object_new(w);
	struct mmun_object *object = NULL;
	uint64_t len = take_size(w);
	int err;

	if (!o)
		return;
	begin_quiet(w);
	err = mmun_object_create(w->machine, len, &object);
	finish(w, "object_create", len, 0, err);
	ASSERT(!err == !!object && err == (w->failed ? -ENOMEM : 0));
	o->object = object;
	o->pages = (len + PAGE_BYTES - 1) / PAGE_BYTES;
	if (err)
		shadow_object_put(o);
}

void object_release(struct world *w, struct shadow_object *o)
{
	struct mmun_object *object = o->object;

	o->object = NULL;
	shadow_object_put(o);
	begin_quiet(w);
	mmun_object_destroy(object);
	finish(w, "object_destroy", (uint64_t)(o - w->object), 0, 0);
}

void op_object_destroy(struct world *w)
{
	struct shadow_object *o = pick_object(w);

	if (o)
		object_release(w, o);
}

/* The private copies that an address space has of what is past the end. */
static void drop_copies(struct shadow *s, const struct shadow_object *o)
{
	for (int i = 0; i < s->areas; i++) {
		const struct shadow_area *a = &s->area[i];

		if (a->object != o)
			continue;
		for (uint64_t addr = a->start; addr < a->end; addr += PAGE_BYTES)
			if (!object_cell(a, addr)) {
				pages_drop(s, addr, a->end);
				break;
			}
	}
}

void op_object_truncate(struct world *w)
{
	struct shadow_object *o = pick_object(w);
	uint64_t len = take_size(w), pages = (len + PAGE_BYTES - 1) / PAGE_BYTES;
	int err;

	if (!o)
		return;
	begin(w, &(struct expected){ .events = 1 << MMU_NOTIFY_CLEAR, .hi = TASK_BYTES });
	err = mmun_object_truncate(o->object, len);
	finish(w, "truncate", (uint64_t)(o - w->object), len, err);
	ASSERT(err == 0 || (err == -ENOMEM && w->failed && pages > o->pages));
	if (err)
		return;
	object_drop(o, pages, OBJECT_PAGES);
	o->pages = pages;
	for (int i = 0; i < MMS; i++)
		if (w->mm[i].state == MM_LIVE)
			drop_copies(&w->mm[i], o);
}

/* In pages, now and then not whole. */
static uint64_t take_part(struct world *w)
{
	uint8_t b = take(w);

	return b >= 248 ? 8 : (b & 63) * PAGE_BYTES;
}

void op_object_punch(struct world *w)
{
	struct shadow_object *o = pick_object(w);
	uint64_t offset = take_part(w), len = take_part(w);
	bool good = offset % PAGE_BYTES == 0 && len % PAGE_BYTES == 0 && len;
	int err;

	if (!o)
		return;
	begin(w, &(struct expected){ .events = 1 << MMU_NOTIFY_CLEAR, .hi = TASK_BYTES });
	err = mmun_object_punch(o->object, offset, len);
	finish(w, "punch", offset, len, err);
	ASSERT(err == (good ? 0 : -EINVAL));
	if (!err)
		object_drop(o, offset / PAGE_BYTES, (offset + len) / PAGE_BYTES);
}

void op_object_clean(struct world *w)
{
	struct shadow_object *o = pick_object(w);
	uint64_t offset = take_part(w), len = take_part(w), dirty = POISON, least = 0;
	bool good = offset % PAGE_BYTES == 0 && len % PAGE_BYTES == 0;
	int err;

	if (!o)
		return;
	begin(w, &(struct expected){ .events = 1 << MMU_NOTIFY_PROTECTION_PAGE,
				     .hi = TASK_BYTES });
	err = mmun_object_clean(o->object, offset, len, &dirty);
	finish(w, "clean", offset, len, err);
	ASSERT(err == 0 || (err == -EINVAL && (!good || !len)));
	ASSERT(!err == (dirty != POISON));
	if (err)
		return;
	for (uint64_t i = offset / PAGE_BYTES;
	     i < min_u64((offset + len + PAGE_BYTES - 1) / PAGE_BYTES, OBJECT_PAGES); i++) {
		least += o->dirty[i];
		o->dirty[i] = false;
	}
	ASSERT(dirty >= least && dirty <= len / PAGE_BYTES + 2);
}
