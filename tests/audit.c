/* SPDX-License-Identifier: MIT */
/*
 * audit.c - the invariants of a whole machine at rest. Walks the page tables of all
 * address spaces, counts what each frame, swap slot and object is used for, and
 * compares with what they say themselves: rings and entries, references, exclusive
 * marks, deposited tables, caches, pools of free numbers, TLBs, locks. Reads without
 * locks: nobody is at work. Native build only.
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/ats.h"
#include "audit.h"

enum { OBJECTS_MAX = 256, TOP = TABLE_LEVELS - 1 };

/* What was counted for a frame. */
struct seen {
	uint32_t entries;  /* its ring must have */
	uint32_t mapped;   /* entries that map it, of huge pages too */
	uint32_t tables;   /* page tables that it is */
	uint32_t kept;     /* by objects, by swap slots */
	bool exclusive;    /* some entry says so */
};

struct seen_slot {
	uint32_t entries;
	bool exclusive;
};

struct seen_object {
	struct mmun_object *object;
	uint64_t areas;
	uint64_t holders;
};

struct audit {
	const struct audit_roots *roots;
	struct mmun_machine *m;
	struct seen *frame;
	struct seen_slot *slot;
	struct seen_object object[OBJECTS_MAX];
	unsigned objects;

	/* For the message: where we are. */
	const struct mmun_mm *mm;
	uint64_t addr;
	pte_t entry;
	uint32_t number;
};

static _Noreturn void audit_failed(const struct audit *a, const char *expr, int line)
{
	const struct frame *f = a->number < a->m->frames ? &a->m->frame[a->number] : NULL;
	const struct seen *s = f ? &a->frame[a->number] : NULL;

	const char *type = softleaf_info(softleaf_type(a->entry)).name;

	fprintf(stderr, "tests/audit.c:%d: %s\n  mm %p address %#llx entry %#llx%s%s number %u\n",
		line, expr, (const void *)a->mm, (unsigned long long)a->addr,
		(unsigned long long)a->entry.v, type ? ", " : "", type ? type : "", a->number);
	if (f)
		fprintf(stderr, "  frame: flags %#x references %llu pins %llu mapcount %llu "
			"swap %llu; seen: entries %u mapped %u tables %u kept %u exclusive %d\n",
			f->flags, (unsigned long long)load_relaxed(&f->refcount),
			(unsigned long long)load_relaxed(&f->pins),
			(unsigned long long)f->mapcount,
			(unsigned long long)load_relaxed(&f->swap), s->entries, s->mapped,
			s->tables, s->kept, s->exclusive);
	abort();
}

#define AUDIT(cond) ((cond) ? (void)0 : audit_failed(a, #cond, __LINE__))

/* --- entries ------------------------------------------------------------- */

static bool no_link(const struct audit *a, const struct ptep *p)
{
	uint64_t index = (uint64_t)(p->entry - frame_memory(a->m, p->table));
	const struct rmap_link *link = &ptdesc_of(a->m, p->table)->link[index];

	return !link->next.v && !link->prev.v;
}

/* What its type says of an entry. True: it names a swap slot, and no frame. */
static bool audit_softleaf(struct audit *a, pte_t e)
{
	struct softleaf_info info = softleaf_info(softleaf_type(e));

	if (!softleaf_type(e))
		return false;
	AUDIT(info.name && !pte_present(e) && pte_mapped(e) == info.mapped);
	AUDIT(!(e.v & PTE_BITS & ~info.keeps & ~(uint64_t)PTE_SOFTLEAF));
	return info.payload == SOFTLEAF_OF_SLOT;
}

static void audit_swap_entry(struct audit *a, const struct ptep *p, pte_t e)
{
	AUDIT(!p->level && softleaf_to_slot(e) < a->m->swap_pages);
	AUDIT(no_link(a, p));
	a->slot[softleaf_to_slot(e)].entries++;
	a->slot[softleaf_to_slot(e)].exclusive |= pte_exclusive(e);
}

static void audit_rights(struct audit *a, const struct vma *v, pte_t e)
{
	AUDIT(pte_present(e) != !!(e.v & PTE_PROTNONE));
	AUDIT(!pte_present(e) || v->prot != MMUN_PROT_NONE);
	AUDIT(!pte_write(e) || (v->prot & MMUN_PROT_WRITE));
	AUDIT(!pte_write(e) || !pte_uffd_wp(e));
}

static void audit_anonymous(struct audit *a, const struct vma *v, const struct frame *f, pte_t e)
{
	AUDIT(f->flags & FRAME_ANON);
	AUDIT(!vma_shared(v));
	AUDIT(!pte_write(e) || pte_exclusive(e));
	AUDIT(!f->ksm || (!pte_write(e) && !pte_exclusive(e)));
}

static void audit_object_page(struct audit *a, const struct vma *v, const struct frame *f, pte_t e)
{
	AUDIT(v->object && f->object == v->object);
	AUDIT(f->index == vma_index(v, a->addr));
	AUDIT(!pte_exclusive(e) && !pte_huge(e));
	AUDIT(!pte_write(e) || vma_shared(v));
}

static void audit_huge_entry(struct audit *a, const struct vma *v, pte_t e)
{
	pfn_t head = pte_pfn(e);

	AUDIT(a->addr % HUGE_BYTES == 0 && head.v % TABLE_ENTRIES == 0);
	AUDIT(head.v >= a->m->huge_base);
	AUDIT(frame_of(a->m, head)->flags & FRAME_HUGE);
	AUDIT(v->start <= a->addr && a->addr + HUGE_BYTES <= v->end);
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++) {
		a->frame[head.v + i].mapped++;
		a->frame[head.v + i].exclusive |= pte_exclusive(e);
	}
}

static void audit_entry(struct audit *a, const struct ptep *p, pte_t e)
{
	const struct vma *v = vma_find(a->mm, a->addr);
	pfn_t pfn = pte_pfn(e);
	const struct frame *f;

	a->entry = e;
	AUDIT(v);
	if (audit_softleaf(a, e)) {
		audit_swap_entry(a, p, e);
		return;
	}
	AUDIT(pfn.v < a->m->frames);
	a->number = pfn.v;
	f = frame_of(a->m, pfn);
	AUDIT(!softleaf_is_migration(e)); /* whoever moves a page ends with it in place */
	audit_rights(a, v, e);
	if (is_zero_page(a->m, pfn)) {
		AUDIT(!p->level && !pte_write(e) && !pte_exclusive(e) && vma_anonymous(v));
		AUDIT(no_link(a, p));
		return;
	}
	if (f->flags & FRAME_OBJECT)
		audit_object_page(a, v, f, e);
	else
		audit_anonymous(a, v, f, e);
	AUDIT(pte_huge(e) == (p->level == 1));
	a->frame[pfn.v].entries++;
	if (p->level) {
		audit_huge_entry(a, v, e);
		return;
	}
	a->frame[pfn.v].mapped++;
	a->frame[pfn.v].exclusive |= pte_exclusive(e);
}

/* --- tables -------------------------------------------------------------- */

static void audit_table_frame(struct audit *a, pfn_t table, unsigned level)
{
	const struct ptdesc *d = ptdesc_of(a->m, table);
	const struct frame *f = frame_of(a->m, table);

	a->number = table.v;
	AUDIT(table.v < a->m->small);
	AUDIT(f->flags == FRAME_TABLE);
	AUDIT(d->pgtable == &a->mm->pt && d->level == level);
	AUDIT(!!d->link == (level <= 1));
	AUDIT(load_relaxed(&f->refcount) == 0);
	a->frame[table.v].tables++;
}

/* One table, empty, for each huge entry. */
static void audit_deposit(struct audit *a, pfn_t table, unsigned huge)
{
	uint32_t deposit = ptdesc_of(a->m, table)->deposit;

	while (deposit) {
		pfn_t kept = { deposit - 1 };
		struct ptep p = ptep_in(a->mm->machine, kept, 0, 0);

		AUDIT(huge);
		audit_table_frame(a, kept, 0);
		for (unsigned i = 0; i < TABLE_ENTRIES; i++, p = ptep_next(p))
			AUDIT(pte_none(pte_get(p.entry)) && no_link(a, &p));
		huge--;
		deposit = ptdesc_of(a->m, kept)->next_deposit;
	}
	AUDIT(!huge);
}

static bool serves_area(const struct audit *a, uint64_t start, uint64_t end)
{
	return vma_first(a->mm, start, end);
}

static void audit_table(struct audit *a, pfn_t table, unsigned level, uint64_t base)
{
	const struct ptdesc *d = ptdesc_of(a->m, table);
	struct ptep p = ptep_in(a->mm->machine, table, base, level);
	unsigned huge = 0;

	a->addr = base;
	audit_table_frame(a, table, level);
	/* The low bits of a leaf's count how often it has moved. */
	AUDIT((load_relaxed(&d->base) & ~(level ? 0 : HUGE_BYTES - 1)) == base);
	AUDIT(level == TOP || serves_area(a, base, base + entry_bytes(level) * TABLE_ENTRIES));
	for (unsigned i = 0; i < TABLE_ENTRIES; i++, p = ptep_next(p)) {
		pte_t e = pte_get(p.entry);

		a->addr = base + i * entry_bytes(level);
		if (pte_none(e)) {
			AUDIT(level > 1 || no_link(a, &p));
		} else if (level == 0 || pte_huge(e)) {
			AUDIT(level <= 1);
			audit_entry(a, &p, e);
			huge += level;
		} else {
			AUDIT(level > 1 || no_link(a, &p));
			audit_table(a, pte_pfn(e), level - 1, a->addr);
		}
	}
	a->addr = base;
	if (level == 1)
		audit_deposit(a, table, huge);
}

/* --- areas --------------------------------------------------------------- */

static struct seen_object *seen_object(struct audit *a, struct mmun_object *o)
{
	for (unsigned i = 0; i < a->objects; i++)
		if (a->object[i].object == o)
			return &a->object[i];
	AUDIT(a->objects < OBJECTS_MAX);
	a->object[a->objects].object = o;
	return &a->object[a->objects++];
}

static bool joinable(const struct vma *v, const struct vma *next)
{
	return v->end == next->start && v->prot == next->prot && v->flags == next->flags &&
	       v->object == next->object &&
	       (!v->object || v->offset + (v->end - v->start) == next->offset);
}

static void audit_area(struct audit *a, const struct vma *v)
{
	uint32_t kind = v->flags & (MMUN_MAP_SHARED | MMUN_MAP_PRIVATE);

	a->addr = v->start;
	AUDIT(v->mm == a->mm && v->start < v->end && v->end <= TASK_BYTES);
	AUDIT(v->start % PAGE_BYTES == 0 && v->end % PAGE_BYTES == 0);
	AUDIT(kind == MMUN_MAP_SHARED || kind == MMUN_MAP_PRIVATE);
	AUDIT(v->object || !vma_shared(v));
	AUDIT(v->lock_seq < a->mm->lock_seq); /* nobody has it write-locked */
	if (v->object)
		seen_object(a, v->object)->areas++;
}

static void audit_areas(struct audit *a)
{
	const struct vma *last = NULL, *v;
	struct btree_iter it;

	AUDIT(btree_is_valid(&a->mm->areas));
	v = btree_first(&a->mm->areas, &it, 0, TASK_BYTES);
	for (; v; v = btree_next(&it)) {
		audit_area(a, v);
		AUDIT(it.start == v->start && it.end == v->end);
		AUDIT(!last || last->end <= v->start);
		AUDIT(!last || !joinable(last, v));
		last = v;
	}
}

/* --- TLBs ---------------------------------------------------------------- */

/*
 * Is it known that the page may have been written? In Linux 6.1 the small entries of a huge one
 * that was split are clean and its page is dirty, and a device, which is not told of the split, may
 * keep it cached for writing.
 */
static bool knows_writes(const struct audit *a, pte_t e, bool device)
{
	const struct frame *f = frame_of(a->m, frame_head(a->m, pte_pfn(e)));

	return pte_dirty(e) || (device && a->mm->domain.semantics == MMUN_CLASSIC &&
				load_relaxed(&f->dirty));
}

/* Who has it cached could have walked just now. */
static void audit_tlb(struct audit *a, const struct tlb *t, bool device)
{
	for (uint64_t i = 0; i < (uint64_t)1 << t->shift; i++) {
		pfn_t pfn;
		bool write;

		if (!tlb_peek(t, i, &a->addr, &pfn, &write))
			continue;
		a->entry = mm_translate(a->mm, a->addr);
		a->number = pfn.v;
		AUDIT(pte_present(a->entry) && pte_pfn(a->entry).v == pfn.v);
		AUDIT(!write || (pte_write(a->entry) && knows_writes(a, a->entry, device)));
		AUDIT(!write || (a->entry.v & PTE_SOFT_DIRTY));
	}
}

static void audit_one_mm(struct audit *a, struct mmun_mm *mm)
{
	a->mm = mm;
	AUDIT(mm->machine == a->m && !mm->areas_locked);
	AUDIT(load_relaxed(&mm->tlb_flush_pending) == 0);
	audit_areas(a);
	audit_table(a, mm->pt.pgd, TOP, 0);
	for (struct mmun_cpu *cpu = mm->cpus; cpu; cpu = cpu->next)
		audit_tlb(a, &cpu->tlb, false);
}

/* --- objects and swap ---------------------------------------------------- */

static void audit_object(struct audit *a, const struct seen_object *s)
{
	const struct mmun_object *o = s->object;
	uint64_t mappings = 0;

	a->mm = NULL;
	AUDIT(o->machine == a->m);
	AUDIT(load_relaxed(&o->count) == s->areas + s->holders);
	for (const struct vma *v = o->mappings; v; v = v->next, mappings++) {
		AUDIT(v->object == o);
		AUDIT(!v->next || v->next->prev == v);
	}
	AUDIT(mappings == s->areas);
	AUDIT(load_relaxed(&o->pages) <= o->capacity);
	for (uint32_t i = 0; i < o->capacity; i++) {
		const struct frame *f;

		if (!o->page[i])
			continue;
		a->addr = i;
		a->number = o->page[i] - 1;
		f = &a->m->frame[a->number];
		AUDIT(i < load_relaxed(&o->pages));
		AUDIT((f->flags & FRAME_OBJECT) && f->object == o && f->index == i);
		a->frame[a->number].kept++;
	}
}

static uint32_t free_numbers(struct audit *a, const pool_t *pool)
{
	uint32_t count = 0;

	for (uint32_t i = pool->head; i < pool->size; i = pool->next[i])
		AUDIT(++count <= pool->size);
	return count;
}

static void audit_swap(struct audit *a)
{
	uint32_t unused = 0;

	a->mm = NULL;
	for (uint32_t i = 0; i < a->m->swap_pages; i++) {
		const struct swap_slot *slot = &a->m->swap[i];
		const struct seen_slot *s = &a->slot[i];

		a->addr = i;
		a->number = slot->page - 1;
		AUDIT(slot->lock.v == 0);
		AUDIT(slot->count == s->entries + !!slot->page);
		AUDIT(!s->exclusive || s->entries == 1);
		unused += slot->count == 0;
		if (!slot->page)
			continue;
		AUDIT(load_relaxed(&a->m->frame[a->number].swap) == i + 1);
		AUDIT(a->m->frame[a->number].flags & FRAME_ANON);
		a->frame[a->number].kept++;
	}
	if (a->m->swap_pages)
		AUDIT(free_numbers(a, &a->m->swap_pool) == unused);
}

/* --- frames -------------------------------------------------------------- */

/* Its entries, each once, and nothing else: with the same number both ways. */
static void audit_ring(struct audit *a, const struct frame *f)
{
	slot_t s = f->rmap;

	AUDIT(f->mapcount == a->frame[a->number].entries);
	AUDIT(!!f->mapcount == !!s.v);
	for (uint64_t i = 0; i < f->mapcount; i++) {
		pfn_t table = { (uint32_t)((s.v - 1) >> SYNC_TABLE_SHIFT) };
		unsigned index = (s.v - 1) & (TABLE_ENTRIES - 1);
		const struct rmap_link *link;

		AUDIT(table.v < a->m->small && frame_of(a->m, table)->flags == FRAME_TABLE);
		AUDIT(ptdesc_of(a->m, table)->link);
		link = &ptdesc_of(a->m, table)->link[index];
		a->entry = pte_get(&frame_memory(a->m, table)[index]);
		AUDIT(pte_mapped(a->entry) && pte_pfn(a->entry).v == a->number);
		AUDIT(i == 0 || s.v != f->rmap.v);
		s = link->next;
		AUDIT(s.v);
	}
	AUDIT(s.v == f->rmap.v);
}

static uint64_t references(const struct audit *a, uint32_t number)
{
	uint32_t count = a->m->frame[number].flags & FRAME_HUGE ? TABLE_ENTRIES : 1;
	uint64_t sum = a->frame[number].kept + load_relaxed(&a->m->frame[number].pins);

	for (uint32_t i = 0; i < count; i++)
		sum += a->frame[number + i].entries;
	return sum;
}

static void audit_page(struct audit *a, const struct frame *f, const struct seen *s)
{
	bool huge = f->flags & (FRAME_HUGE | FRAME_TAIL);

	AUDIT(!!(f->flags & FRAME_ANON) != !!(f->flags & FRAME_OBJECT));
	AUDIT(!huge || a->number >= a->m->huge_base);
	AUDIT(!huge || !(f->flags & FRAME_TAIL) == (a->number % TABLE_ENTRIES == 0));
	AUDIT(!s->tables && (!s->exclusive || s->mapped == 1));
	audit_ring(a, f);
	if (f->flags & FRAME_TAIL) {
		AUDIT(load_relaxed(&f->refcount) == 0 && load_relaxed(&f->pins) == 0);
		AUDIT(a->m->frame[a->number & ~(TABLE_ENTRIES - 1u)].flags & FRAME_HUGE);
		return;
	}
	AUDIT(load_relaxed(&f->refcount) > 0);
	AUDIT(load_relaxed(&f->refcount) == references(a, a->number));
	if (s->kept && (f->flags & FRAME_ANON))
		AUDIT(a->m->swap[load_relaxed(&f->swap) - 1].page == a->number + 1);
	else
		AUDIT(!load_relaxed(&f->swap));
}

static void audit_frame(struct audit *a, struct frame *f)
{
	const struct seen *s = &a->frame[a->number];

	AUDIT(f->rmap_lock.v == 0);
	AUDIT(a->m->ptdesc[a->number].ptl.v == 0 && a->m->ptdesc[a->number].pmd_lock.v == 0);
	AUDIT(mutex_trylock(&f->page_lock));
	mutex_unlock(&f->page_lock);
	if (f->flags & FRAME_ZERO) {
		AUDIT(a->number == a->m->zero.v && !f->mapcount);
	} else if (f->flags & FRAME_TABLE) {
		AUDIT(f->flags == FRAME_TABLE && s->tables == 1);
	} else if (f->flags) {
		audit_page(a, f, s);
	} else {
		AUDIT(!s->entries && !s->mapped && !s->tables && !s->kept && !f->mapcount);
		AUDIT(load_relaxed(&f->refcount) == 0 && load_relaxed(&f->pins) == 0);
	}
}

/* Frames that are in no pool are in use, and the other way round. */
static void audit_pools(struct audit *a)
{
	uint32_t small = 0, groups = 0;

	a->mm = NULL;
	for (uint32_t i = 0; i < a->m->small; i++)
		small += !a->m->frame[i].flags;
	AUDIT(free_numbers(a, &a->m->pool) == small);
	if (a->m->huge_base >= a->m->frames)
		return;
	for (uint32_t i = a->m->huge_base; i < a->m->frames; i += TABLE_ENTRIES) {
		uint32_t used = 0;

		a->number = i;
		for (uint32_t k = 0; k < TABLE_ENTRIES; k++)
			used += a->m->frame[i + k].flags != 0;
		groups += used == 0;
		if (used && !(a->m->frame[i].flags & FRAME_HUGE))
			AUDIT(load_relaxed(&huge_frame_of(a->m, (pfn_t){ i })->left) == used);
	}
	AUDIT(free_numbers(a, &a->m->huge_pool) == groups);
}

void audit_machine(const struct audit_roots *roots)
{
	struct audit audit = { .roots = roots, .m = roots->machine }, *a = &audit;

	a->frame = calloc(a->m->frames, sizeof(*a->frame));
	a->slot = calloc(a->m->swap_pages + 1, sizeof(*a->slot));
	AUDIT(a->frame && a->slot);
	for (unsigned i = 0; i < roots->mm_count; i++)
		audit_one_mm(a, roots->mms[i]);
	for (unsigned i = 0; i < roots->object_count; i++)
		seen_object(a, roots->objects[i])->holders++;
	for (unsigned i = 0; i < a->objects; i++)
		audit_object(a, &a->object[i]);
	audit_swap(a);
	for (a->number = 0; a->number < a->m->frames; a->number++)
		audit_frame(a, &a->m->frame[a->number]);
	audit_pools(a);
	for (unsigned i = 0; i < roots->device_count; i++) {
		a->mm = ats_domain(roots->devices[i])->mm;
		audit_tlb(a, ats_tlb(roots->devices[i]), true);
	}
	free(a->frame);
	free(a->slot);
}

void audit_mm(struct mmun_mm *mm)
{
	audit_machine(&(struct audit_roots){ .machine = mm->machine, .mms = &mm, .mm_count = 1 });
}
