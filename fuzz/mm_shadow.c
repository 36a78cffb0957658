/* SPDX-License-Identifier: MIT */
/*
 * mm_shadow.c - bytes as arguments, and the shadow: areas, pages, objects as lists
 * that are simple enough to be right. See mm.h.
 */
#include "mm.h"

/* --- input ----------------------------------------------------------------- */

uint8_t take(struct world *w)
{
	return w->in.at < w->in.end ? *w->in.at++ : 0;
}

uint64_t take_u64(struct world *w)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | take(w);
	return v;
}

/* Near places at which tables end; some that are no addresses at all. */
uint64_t take_addr(struct world *w)
{
	static const uint64_t odd[] = {
		UINT64_MAX, UINT64_MAX - 4095, TASK_BYTES, TASK_BYTES - 8, TASK_BYTES + 8,
		(uint64_t)1 << 63, TASK_BYTES - 4096, 1, 8, 4097, TASK_BYTES - 1, 3 * GIB,
		2 * MIB + 1, UINT64_MAX - 2 * MIB + 1,
	};
	static const uint64_t near[] = {
		10 * MIB, 10 * MIB + 32 * 4096, 2 * MIB - 16 * 4096, GIB - 16 * 4096,
		512 * GIB - 16 * 4096, TASK_BYTES - 16 * 4096, 0,
	};
	uint8_t b = take(w), which = b >> 5, low = b & 31;

	if (which < ARRAY_SIZE(near))
		return near[which] + low * PAGE_BYTES;
	return low < ARRAY_SIZE(odd) ? odd[low] : take_u64(w);
}

uint64_t take_len(struct world *w)
{
	static const uint64_t odd[] = {
		0, 1, 4095, 4097, 2 * MIB, GIB, 512 * GIB, TASK_BYTES, TASK_BYTES - 2 * MIB,
		TASK_BYTES + 1, UINT64_MAX, UINT64_MAX - 4094, (uint64_t)1 << 63, TASK_BYTES - 4096,
	};
	uint8_t b = take(w);

	if (b < 224)
		return (1 + (uint64_t)(b & 31)) * PAGE_BYTES;
	b -= 224;
	return b < ARRAY_SIZE(odd) ? odd[b] : take_u64(w);
}

int take_prot(struct world *w)
{
	static const int prots[] = {
		MMUN_PROT_READ | MMUN_PROT_WRITE, MMUN_PROT_READ, MMUN_PROT_NONE, MMUN_PROT_WRITE,
	};
	uint8_t b = take(w);

	return b < 240 ? prots[b & 3] : b & 1 ? -1 : 1 << (b & 7);
}

uint64_t slot_offset(unsigned slot)
{
	static const uint64_t offset[SLOTS] = { 0, 8, 64, 1024, 2048, 2056, 4080, 4088 };

	return offset[slot];
}

/* One in 16 is none, being no multiple of 8. */
uint64_t take_word(struct world *w, unsigned *ret_slot)
{
	uint64_t page = page_down(take_addr(w));
	uint8_t b = take(w);

	*ret_slot = b % SLOTS;
	return page + slot_offset(*ret_slot) + (b >= 240 ? 1 + (b & 6) : 0);
}

/* As the library rounds. */
bool round_len(uint64_t addr, uint64_t *len)
{
	if (*len > TASK_BYTES || addr > TASK_BYTES)
		return false;
	*len = (*len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	return *len <= TASK_BYTES - addr;
}

uint64_t range_end(uint64_t addr, uint64_t len)
{
	return round_len(addr, &len) ? addr + len : addr;
}

/* --- cells ----------------------------------------------------------------- */

struct cell *cell_new(const struct cell *like)
{
	for (int i = 0; i < CELLS_MAX; i++) {
		struct cell *c = &world.cell[i];

		if (c->refs)
			continue;
		memset(c, 0, sizeof(*c));
		if (like)
			memcpy(c->word, like->word, sizeof(c->word));
		c->refs = 1;
		return c;
	}
	ASSERT(!"enough cells");
	return NULL;
}

void cell_put(struct cell *c)
{
	if (!c)
		return;
	ASSERT(c->refs > 0);
	c->refs--;
}

/* --- objects --------------------------------------------------------------- */

struct shadow_object *object_new(struct world *w)
{
	for (int i = 0; i < OBJECTS; i++) {
		struct shadow_object *o = &w->object[i];

		if (o->refs)
			continue;
		memset(o, 0, sizeof(*o));
		o->refs = 1;
		return o;
	}
	return NULL;
}

void object_drop(struct shadow_object *o, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < min_u64(end, OBJECT_PAGES); i++) {
		cell_put(o->cell[i]);
		o->cell[i] = NULL;
		o->dirty[i] = false;
	}
}

void shadow_object_put(struct shadow_object *o)
{
	if (o && --o->refs == 0)
		object_drop(o, 0, OBJECT_PAGES);
}

static uint64_t area_index(const struct shadow_area *a, uint64_t addr)
{
	return (page_down(addr) - a->start + a->offset) / PAGE_BYTES;
}

/* NULL: past the end. */
struct cell **object_cell(const struct shadow_area *a, uint64_t addr)
{
	uint64_t index = area_index(a, addr);

	return a->object && index < a->object->pages ? &a->object->cell[index] : NULL;
}

/* --- areas ----------------------------------------------------------------- */

const struct shadow_area *area_at(const struct shadow *s, uint64_t addr)
{
	for (int i = 0; i < s->areas; i++)
		if (s->area[i].start <= addr && addr < s->area[i].end)
			return &s->area[i];
	return NULL;
}

bool overlaps(const struct shadow *s, uint64_t start, uint64_t end)
{
	for (int i = 0; i < s->areas; i++)
		if (s->area[i].start < end && start < s->area[i].end)
			return true;
	return false;
}

bool is_covered(const struct shadow *s, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct shadow_area *a = area_at(s, start);

		if (!a)
			return false;
		start = a->end;
	}
	return true;
}

bool has_room(const struct shadow *s, uint64_t from, uint64_t len)
{
	for (int i = 0; i < s->areas; i++) {
		const struct shadow_area *a = &s->area[i];

		if (a->start >= from && a->start - from >= len)
			return true;
		from = max_u64(from, a->end);
	}
	return TASK_BYTES - from >= len;
}

bool areas_are_full(const struct shadow *s)
{
	return s->areas > AREAS_MAX - 6;
}

static bool can_join(const struct shadow_area *a, const struct shadow_area *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags &&
	       a->object == b->object &&
	       (!a->object || a->offset + (a->end - a->start) == b->offset);
}

/* With its reference to the object. */
static void area_append(struct shadow *s, struct shadow_area a, uint64_t start, uint64_t end)
{
	struct shadow_area *last = s->areas ? &s->area[s->areas - 1] : NULL;

	if (start >= end)
		return;
	if (a.object)
		a.offset += start - a.start;
	a.start = start;
	a.end = end;
	if (last && can_join(last, &a)) {
		last->end = end;
		return;
	}
	ASSERT(s->areas < AREAS_MAX);
	if (a.object)
		a.object->refs++;
	s->area[s->areas++] = a;
}

void area_set(struct shadow *s, uint64_t start, uint64_t end, const struct shadow_area *like)
{
	static struct shadow_area old[AREAS_MAX];
	struct shadow_area new = { 0 };
	int count = s->areas, i;

	if (like)
		new = *like;
	new.start = start;
	memcpy(old, s->area, sizeof(old[0]) * (size_t)count);
	s->areas = 0;
	for (i = 0; i < count && old[i].start < start; i++)
		area_append(s, old[i], old[i].start, min_u64(old[i].end, start));
	if (like)
		area_append(s, new, start, end);
	for (i = 0; i < count; i++)
		if (old[i].end > end)
			area_append(s, old[i], max_u64(old[i].start, end), old[i].end);
	for (i = 0; i < count; i++)
		shadow_object_put(old[i].object);
}

void area_change(struct shadow *s, uint64_t start, uint64_t end, int prot, unsigned clear,
		 unsigned set)
{
	while (start < end) {
		const struct shadow_area *a = area_at(s, start);
		struct shadow_area new;
		uint64_t next;

		if (!a) { /* a hole: to the next area */
			next = end;
			for (int i = 0; i < s->areas; i++)
				if (s->area[i].start > start)
					next = min_u64(next, s->area[i].start);
			start = next;
			continue;
		}
		new = *a;
		next = min_u64(a->end, end);
		if (new.object)
			new.offset += start - a->start;
		if (prot != NO_PROT)
			new.prot = prot;
		new.flags = (new.flags & ~clear) | set;
		area_set(s, start, next, &new);
		start = next;
	}
}

/* --- pages ----------------------------------------------------------------- */

struct shadow_page *page_at(struct shadow *s, uint64_t addr)
{
	for (int i = 0; i < s->pages; i++)
		if (s->page[i].page == page_down(addr))
			return &s->page[i];
	return NULL;
}

/* Of a private area: begins as what was there before. */
struct shadow_page *page_own(struct shadow *s, uint64_t addr)
{
	const struct shadow_area *a = area_at(s, addr);
	struct shadow_page *p = page_at(s, addr);
	struct cell **below;

	if (p)
		return p;
	ASSERT(s->pages < PAGES_MAX && a && !(a->flags & MMUN_MAP_SHARED));
	below = object_cell(a, addr);
	p = &s->page[s->pages++];
	*p = (struct shadow_page){ page_down(addr), cell_new(below ? *below : NULL), 0 };
	return p;
}

void page_drop(struct shadow *s, struct shadow_page *p)
{
	cell_put(p->cell);
	*p = s->page[--s->pages];
}

void pages_drop(struct shadow *s, uint64_t start, uint64_t end)
{
	for (int i = 0; i < s->pages;)
		if (s->page[i].page >= start && s->page[i].page < end)
			page_drop(s, &s->page[i]);
		else
			i++;
}

void pages_move(struct shadow *s, uint64_t from, uint64_t to, uint64_t len)
{
	for (int i = 0; i < s->pages; i++)
		if (s->page[i].page >= from && s->page[i].page < from + len)
			s->page[i].page += to - from;
}

bool is_full(struct shadow *s, uint64_t addr)
{
	return s->pages == PAGES_MAX && !page_at(s, addr);
}

/* slot -1: it was made writable, no more. */
void page_written(struct shadow *s, uint64_t addr, int slot, uint64_t value)
{
	const struct shadow_area *a = area_at(s, addr);
	struct shadow_page *p;
	struct cell **c;

	if (a->flags & MMUN_MAP_SHARED) {
		if (slot < 0)
			return;
		c = object_cell(a, addr);
		if (!*c)
			*c = cell_new(NULL);
		(*c)->word[slot] = value;
		a->object->dirty[c - a->object->cell] = true;
		return;
	}
	p = page_own(s, addr);
	p->flags &= ~(unsigned)(PAGE_WP | PAGE_MAY_WP);
	if (slot < 0)
		return;
	p->flags &= ~(unsigned)PAGE_LAZY;
	p->flags |= PAGE_WRITTEN;
	p->cell->word[slot] = value;
}

/* What an access or a fault there is to return, memory permitting. */
int want_access(const struct shadow *s, uint64_t addr, bool write)
{
	const struct shadow_area *a = area_at(s, addr);

	if (!a || a->prot == MMUN_PROT_NONE || (write && !(a->prot & MMUN_PROT_WRITE)))
		return -EFAULT;
	return a->object && !object_cell(a, addr) ? -EFAULT : 0;
}

uint64_t want_value(struct shadow *s, uint64_t addr, unsigned slot)
{
	const struct shadow_area *a = area_at(s, addr);
	const struct shadow_page *p = page_at(s, addr);
	struct cell **c = a ? object_cell(a, addr) : NULL;

	if (p)
		return p->cell->word[slot];
	return c && *c ? (*c)->word[slot] : 0;
}

static void resolve(struct shadow *s)
{
	for (int i = 0; i < s->pages;)
		if ((s->page[i].flags & PAGE_LAZY) &&
		    pte_none(mm_translate(s->mm, s->page[i].page)))
			page_drop(s, &s->page[i]);
		else
			i++;
}

void shadow_resolve(struct world *w)
{
	for (int i = 0; i < MMS; i++)
		if (w->mm[i].state == MM_LIVE)
			resolve(&w->mm[i]);
}
