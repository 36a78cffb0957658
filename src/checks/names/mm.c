/* SPDX-License-Identifier: MIT */
/*
 * mm.c - what stands behind mmun/kernel_mm.h: the vm's own primitives, for page-table
 * code in checks. Each word is what Linux's does on the vm's structures, with the place in
 * the check as its place; and it holds the check to the rules of the page tables, which
 * the vm's own operations keep by construction.
 * Here are entries, page tables, flushes and notifications; the files beside it have the others.
 */
#include <stdarg.h>
#include <stdio.h>

#include "iommu/ats.h"
#include "vm/tlb/peek.h"

#include "checks/names/mm.h"
#include "checks/names/rules.h"

_Static_assert((int)KERNEL_PTE_P_ == (int)PTE_P && (int)KERNEL_PTE_RW_ == (int)PTE_RW &&
	       (int)KERNEL_PTE_A_ == (int)PTE_A && (int)KERNEL_PTE_TYPE_ == (int)PTE_SOFTLEAF &&
	       KERNEL_PTE_MIGRATION_ == SOFTLEAF_MIGRATION << PTE_SOFTLEAF_SHIFT &&
	       KERNEL_PTE_MIGRATION_PROTNONE_ ==
	       SOFTLEAF_MIGRATION_PROTNONE << PTE_SOFTLEAF_SHIFT &&
	       KERNEL_PTE_SWAP_ == SOFTLEAF_SWAP << PTE_SOFTLEAF_SHIFT &&
	       KERNEL_PTE_EXCLUSIVE_ == SOFTLEAF_DEVICE_EXCLUSIVE << PTE_SOFTLEAF_SHIFT &&
	       (int)KERNEL_PTE_EXCL_ == (int)PTE_EXCL &&
	       (int)KERNEL_PTE_D_ == (int)PTE_D && (int)KERNEL_PTE_PS_ == (int)PTE_PS &&
	       (int)KERNEL_PTE_PROTNONE_ == (int)PTE_PROTNONE &&
	       (int)KERNEL_PTE_UFFD_WP_ == (int)PTE_UFFD_WP &&
	       (int)KERNEL_PTE_SOFT_DIRTY_ == (int)PTE_SOFT_DIRTY &&
	       (int)KERNEL_PTE_PFN_SHIFT_ == (int)PTE_PFN_SHIFT,
	       "checks see the vm's entries");
_Static_assert(sizeof(spinlock_t) == sizeof(spin_t), "checks take the vm's locks");

void names_lock_used(const void *lock, enum sync_use when, const struct sync_site *site)
{
	const struct ptdesc *d = lock;
	size_t n;

	if (!names_machine || d < names_machine->ptdesc ||
	    d >= names_machine->ptdesc + names_machine->frames)
		return;
	n = (size_t)((const char *)lock - (const char *)names_machine->ptdesc) / sizeof(*d);
	uses((pfn_t){ (uint32_t)n }, when, site);
}

/* --- where entries are ---------------------------------------------------- */

/* Whether the frame is one is for change_judge() to say. */
static struct ptdesc *table_of(const void *entry, pfn_t *ret_table)
{
	uint64_t offset = (uint64_t)((const char *)entry - names_machine->memory);

	ASSERT(offset >> SYNC_PAGE_SHIFT < names_machine->frames);
	ret_table->v = (uint32_t)(offset >> SYNC_PAGE_SHIFT);
	return ptdesc_of(names_machine, *ret_table);
}

void *kernel_pmd_(struct mmun_mm *mm, uint64_t addr, bool alloc)
{
	struct ptep p = { 0 };

	use(mm);
	return pgtable_walk_pmd(&mm->pt, addr, alloc, &p) ? p.entry : NULL;
}

void *kernel_pte_(struct mmun_mm *mm, const void *pmd, uint64_t addr, const struct sync_site *site)
{
	atomic_u64 *entry = (atomic_u64 *)(uintptr_t)pmd;
	pte_t e;

	use_at(mm, site);
	e.v = sync_load_(entry, SYNC_RELAXED, site);
	if (pte_none(e) || pte_huge(e) || !pte_present(e))
		return NULL;
	return &frame_memory(names_machine, pte_pfn(e))[entry_index(addr, 0)];
}

void *kernel_ptl_(struct mmun_mm *mm, const void *entry)
{
	const struct ptdesc *d;
	pfn_t table;

	use(mm);
	d = table_of(entry, &table);
	return table_lock(names_machine, table, d->level);
}

/* --- changing entries ------------------------------------------------------ */

/* A page, or a table, that an entry names is used by whoever enters it. */
static void judge_named(pte_t new, const struct sync_site *site)
{
	if (pte_mapped(new) || softleaf_is_migration(new))
		needs(pte_pfn(new), SYNC_IN_STEP, site);
}

/* A table that was moved says so, as mremap does: see rmap/rmap.c. Who walks the reverse map
 * asks for it, so it is a step of the move. */
static void table_moves(const struct change *c, pte_t new)
{
	atomic_u64 *base;
	uint64_t was;

	if (c->of->level != 1 || !pte_present(new) || pte_huge(new) ||
	    pte_pfn(new).v >= names_machine->frames)
		return;
	base = &ptdesc_of(names_machine, pte_pfn(new))->base;
	was = load_relaxed(base);
	if (table_base(was) != huge_down(c->addr))
		store_release(base, huge_down(c->addr) | ((was + 1) & (HUGE_BYTES - 1)));
}

/* The entry before. */
static pte_t entry_change(atomic_u64 *entry, enum kernel_entry_op_ op, pte_t new,
			  const struct sync_site *site)
{
	const struct sync_access set = SYNC_ACCESS(SYNC_STORE, entry, SYNC_RELAXED, SYNC_SET);
	const struct sync_access xchg = SYNC_ACCESS(SYNC_RMW, entry, SYNC_FULL, SYNC_SET);
	const struct sync_access mask = SYNC_ACCESS(SYNC_RMW, entry, SYNC_RELAXED, SYNC_AND);

	switch (op) {
	case KERNEL_CLEAR_:
		return (pte_t){ sync_update_(entry, xchg, 0, 0, site) };
	case KERNEL_WRPROTECT_:
		return (pte_t){ sync_update_(entry, mask, ~(uint64_t)PTE_RW, 0, site) };
	case KERNEL_MKOLD_:
		return (pte_t){ sync_update_(entry, mask, ~(uint64_t)PTE_A, 0, site) };
	default:
		return (pte_t){ sync_write_(entry, set, new.v, site) };
	}
}

/* The reverse map has entries that are on the move, as the vm's own operations want it. */
static void ring_follows(struct mmun_mm *mm, uint64_t addr, const atomic_u64 *entry, pte_t old,
			 pte_t new)
{
	struct ptep p;

	if (!softleaf_is_migration(old) && !softleaf_is_migration(new))
		return;
	p = pgtable_walk(&mm->pt, addr);
	if (p.entry == entry)
		names_ring_follows(&p, old, new);
}

static void say_change(enum kernel_entry_op_ op, uint64_t addr, pte_t old, pte_t new,
		       const struct sync_site *site)
{
	if (op == KERNEL_CLEAR_)
		sync_event_at(site, PTE_CLEAR, addr, pte_event(old));
	else
		sync_event_at(site, PTE_SET, addr, pte_event(new));
}

/* Of huge entries nothing is noted. */
static void entry_loses(const struct change *c, pte_t old, pte_t new)
{
	if (c->of->level || !pte_mapped(old) ||
	    (pte_mapped(new) && pte_pfn(old).v == pte_pfn(new).v))
		return;
	sync_entry_loses_(&c->mm->domain, c->addr, pte_pfn(old).v);
}

/* A huge entry gets many. */
static void entry_gets(const struct change *c, pte_t old, pte_t new)
{
	uint64_t pages = c->of->level && pte_huge(new) ? TABLE_ENTRIES : 1;

	if (!pte_mapped(new) || (pte_mapped(old) && pte_pfn(old).v == pte_pfn(new).v))
		return;
	for (uint64_t n = 0; n < pages; n++)
		sync_entry_gets_(&c->mm->domain, c->addr + n * PAGE_BYTES,
				 pte_pfn(new).v + (uint32_t)n);
}

static uint64_t entry_get(atomic_u64 *entry, const struct sync_site *site)
{
	uint64_t value = sync_load_(entry, SYNC_RELAXED, site);
	pfn_t table;

	(void)table_of(entry, &table); /* checks that there is one */
	sync_event_at(site, PTE_GET, change_address(names_machine, entry),
		      pte_event((pte_t){ value }));
	return value;
}

uint64_t kernel_entry_(struct mmun_mm *mm, uint64_t addr, void *at, enum kernel_entry_op_ op,
		       uint64_t value, const struct sync_site *site)
{
	struct change c = { .mm = mm, .addr = addr, .entry = at, .site = site };
	pte_t old, new = { value };

	use_at(mm, site);
	if (op == KERNEL_GET_)
		return entry_get(at, site);
	c.machine = names_machine;
	c.of = table_of(at, &c.table);
	change_look(&c);
	table_moves(&c, op == KERNEL_SET_ ? new : (pte_t){ 0 });
	old = entry_change(at, op, new, site);
	if (op == KERNEL_CLEAR_)
		new.v = 0;
	else if (op == KERNEL_WRPROTECT_)
		new = pte_wrprotect(old);
	else if (op == KERNEL_MKOLD_)
		new = pte_clear_bits(old, PTE_A);
	say_change(op, addr, old, new, site);
	judge_named(new, site);
	entry_loses(&c, old, new);
	entry_gets(&c, old, new);
	ring_follows(mm, addr, at, old, new);
	change_judge(&c, old, new);
	return old.v;
}

void kernel_change_pte_(struct mmun_mm *mm, uint64_t addr, uint64_t pte,
			const struct sync_site *site)
{
	use_at(mm, site);
	if (!explore_optional_("change_pte", site))
		return;
	AT(site);
	notify_change_pte(&mm->domain, addr, (pte_t){ pte });
	sync_event_at(site, CHANGE_PTE, addr);
}

bool kernel_young_(struct mmun_mm *mm, uint64_t start, uint64_t end, enum kernel_young_op_ op,
		   const struct sync_site *site)
{
	AT(site);

	use_at(mm, site);
	switch (op) {
	case KERNEL_CLEAR_FLUSH_YOUNG_:
		return notify_clear_flush_young(&mm->domain, start, end);
	case KERNEL_CLEAR_YOUNG_:
		return notify_clear_young(&mm->domain, start, end);
	case KERNEL_TEST_YOUNG_:
		break;
	}
	return notify_test_young(&mm->domain, start);
}

/* --- entries that are not present ------------------------------------------------ */

void kernel_maps_a_page_(uint64_t entry, const char *call, const struct sync_site *site)
{
	pte_t e = { entry };

	if (pte_mapped(e) || softleaf_is_migration(e))
		return;
	explore_fail(ORACLE_PROTOCOL, "%s:%d %s of an entry that names no page", site->function,
		     site->line, call);
	sync_give_up();
}

void kernel_migration_wait_(struct mmun_mm *mm, uint64_t entry, const struct sync_site *site)
{
	AT(site);

	use_at(mm, site);
	sync_might_sleep_(site);
	migration_entry_wait(mm, (pte_t){ entry });
}

bool kernel_page_is_locked_(const struct page *page, const struct sync_site *site)
{
	needs(pfn_of(page), SYNC_AFTER_STEP, site);
	return names_peek_lock(&frame_of(names_machine,
					 frame_head(names_machine, pfn_of(page)))->page_lock);
}

/* --- flushes ---------------------------------------------------------------- */

/* Whole pages. What kind of entries a check has changed is not known: it may be any. */
static struct flush flush_of(uint64_t start, uint64_t end)
{
	struct flush f = flush_range(page_down(start), page_down(end + PAGE_BYTES - 1));

	f.end = max_u64(f.start, f.end);
	f.freed_tables = true;
	return f;
}

void kernel_flush_(struct mmun_mm *mm, uint64_t start, uint64_t end, unsigned what,
		   const char *text, const struct sync_site *site)
{
	struct flush f = flush_of(start, end);

	use_at(mm, site);
	AT(site);
	if (what & (KERNEL_FLUSH_CPUS_ | KERNEL_FLUSH_ARCH_))
		(flush_tlb_range)(mm, f);
	if ((what & KERNEL_FLUSH_SECONDARY_) ||
	    ((what & KERNEL_FLUSH_ARCH_) && mm->domain.semantics == MMUN_MODERN))
		flush_secondary(mm, FLUSH_POINT_CLEAR, f);
	sync_event_at(site, FLUSH_CALL, (uintptr_t)text, start, end);
}

void kernel_flush_cpu_(struct mmun_cpu *cpu, uint64_t start, uint64_t end, const char *text,
		       const struct sync_site *site)
{
	if (!explore_optional_(text, site))
		return;
	tlb_invalidate(&cpu->tlb, flush_of(start, end));
	flush_wait();
	sync_event_at(site, FLUSH_CALL, (uintptr_t)text, start, end);
}

/* Gathers count twice, as the vm's own two kinds of operations do once each: for who asks
 * whether a flush is pending, and for other gathers. */
uint64_t kernel_pending_(struct mmun_mm *mm, enum kernel_pending_op_ op,
			 const struct sync_site *site)
{
	bool gather = op == KERNEL_GATHER_INC_ || op == KERNEL_GATHER_DEC_ ||
		      op == KERNEL_GATHER_GET_;
	bool inc = op == KERNEL_PENDING_INC_ || op == KERNEL_GATHER_INC_;
	atomic_u64 *count = gather ? &mm->gathers : &mm->tlb_flush_pending;
	uint64_t by = inc ? 1 : (uint64_t)-1, value;

	use_at(mm, site);
	if (op == KERNEL_PENDING_GET_ || op == KERNEL_GATHER_GET_)
		return sync_load_(count, SYNC_RELAXED, site);
	value = by + sync_update_(count, SYNC_ACCESS(SYNC_RMW, count, SYNC_RELAXED, SYNC_ADD_TO),
				  by, 0, site);
	if (gather)
		sync_event_at(site, GATHERS, value);
	else
		sync_event_at(site, FLUSHES_PENDING, value);
	return value;
}

/* --- notifiers -------------------------------------------------------------- */

int kernel_range_(struct mmu_notifier_range *range, enum kernel_range_op_ op,
		  const struct sync_site *site)
{
	AT(site);

	use_at(range->mm, site);
	switch (op) {
	case KERNEL_RANGE_START_:
		invalidate_range_start(range);
		break;
	case KERNEL_RANGE_NONBLOCK_:
		return invalidate_range_start_nonblock(range);
	case KERNEL_RANGE_END_: /* of an operation whose end flushes in the classic era */
		invalidate_range_end(range, MM_OP_MUNMAP);
		break;
	case KERNEL_RANGE_ONLY_END_: /* ... in neither */
		invalidate_range_end(range, MM_OP_COW);
		break;
	}
	return 0;
}

/* --- page tables --------------------------------------------------------------- */

struct page *kernel_table_(struct mmun_mm *mm, uint64_t addr, const struct sync_site *site)
{
	pfn_t table;
	AT(site);

	use_at(mm, site);
	if (!table_alloc(&mm->pt, addr, 0, &table))
		return NULL;
	sync_event_at(site, PTE_ALLOC, table.v);
	return page_of(table);
}

void kernel_table_free_(struct mmun_mm *mm, struct page *table, const struct sync_site *site)
{
	AT(site);

	use_at(mm, site);
	needs_to_free(pfn_of(table), SYNC_AFTER_STEP, site);
	if (!(frame_of_page(table)->flags & FRAME_TABLE)) {
		explore_fail(ORACLE_PROTOCOL, "%s:%d frees frame %u as a page table, which is none",
			     site->function, site->line, pfn_of(table).v);
		sync_give_up();
	}
	sync_event_at(site, PTE_FREE, pfn_of(table).v);
	table_free(names_machine, pfn_of(table));
}

/* --- who accesses memory --------------------------------------------------------- */

bool kernel_access_cpu_(struct mmun_cpu *cpu, uint64_t addr, bool write, uint64_t *value)
{
	struct tlb_access a = { .addr = addr, .write = write, .value = *value };

	use(cpu->mm);
	if (tlb_access(&cpu->tlb, &cpu->mm->domain, NULL, &a) != TLB_DONE)
		return false;
	*value = a.value;
	return true;
}

bool kernel_access_device_(struct mmun_ats *device, uint64_t addr, bool write, uint64_t *value)
{
	use(ats_domain(device)->mm);
	return ats_try_access(device, addr, write, value);
}

/* --- pictures ---------------------------------------------------------------------- */

void mm_world_watch(const struct mm_world *w, unsigned long addr, const char *name)
{
	uint64_t page = page_down(addr), end = page + PAGE_BYTES;
	char item[64];

	snprintf(item, sizeof(item), "entry of %s", name);
	sync_watch_entry(item, page, end, pte_event(mm_translate(w->mm, addr)));
	for (unsigned n = 0; n < w->cpus; n++) {
		snprintf(item, sizeof(item), "TLB of CPU %u: %s", n, name);
		sync_watch_entry(item, page, end, tlb_event(&w->cpu[n]->tlb, addr));
	}
	if (!w->device)
		return;
	snprintf(item, sizeof(item), "TLB of the device: %s", name);
	sync_watch_entry(item, page, end, tlb_event(ats_tlb(w->device), addr));
}
