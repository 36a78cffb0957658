/* SPDX-License-Identifier: MIT */
/*
 * mm.c - what stands behind mmun/kernel_mm.h: the vm's own primitives, for page-table
 * code in checks. Each word is what Linux's does on the vm's structures, with the place in
 * the check as its place; and it holds the check to the rules of the page tables, which
 * the vm's own operations keep by construction.
 *
 * Invariant: all checks of a process use one machine at a time, the one of the mm that a
 * word was last given: pages have no pointer to theirs.
 */
#include <stdarg.h>
#include <stdio.h>

#include "iommu/ats.h"
#include "vm/ops/ops.h"
#include "vm/tlb/peek.h"

#include "checks/names/names.h"
#include "checks/names/rules.h"
#include "mmun/linux/mm_word.h"

_Static_assert((int)KERNEL_PTE_P_ == (int)PTE_P && (int)KERNEL_PTE_RW_ == (int)PTE_RW &&
	       (int)KERNEL_PTE_A_ == (int)PTE_A && (int)KERNEL_PTE_TYPE_ == (int)PTE_SOFTLEAF &&
	       KERNEL_PTE_MIGRATION_ == SOFTLEAF_MIGRATION << PTE_SOFTLEAF_SHIFT &&
	       KERNEL_PTE_MIGRATION_PROTNONE_ ==
	       SOFTLEAF_MIGRATION_PROTNONE << PTE_SOFTLEAF_SHIFT &&
	       (int)KERNEL_PTE_D_ == (int)PTE_D && (int)KERNEL_PTE_PS_ == (int)PTE_PS &&
	       (int)KERNEL_PTE_PROTNONE_ == (int)PTE_PROTNONE &&
	       (int)KERNEL_PTE_UFFD_WP_ == (int)PTE_UFFD_WP &&
	       (int)KERNEL_PTE_SOFT_DIRTY_ == (int)PTE_SOFT_DIRTY &&
	       (int)KERNEL_PTE_PFN_SHIFT_ == (int)PTE_PFN_SHIFT,
	       "checks see the vm's entries");
_Static_assert(sizeof(spinlock_t) == sizeof(spin_t), "checks take the vm's locks");

static struct mmun_machine *machine;

/* All threads of a check store the same. */
UNWATCHED static void use(const struct mmun_mm *mm)
{
	if (mm)
		machine = mm->machine;
}

static struct page *page_of(pfn_t pfn)
{
	return (struct page *)(void *)frame_of(machine, pfn);
}

static struct frame *frame_of_page(const struct page *page)
{
	return (struct frame *)(void *)(uintptr_t)page;
}

static pfn_t pfn_of(const struct page *page)
{
	return (pfn_t){ (uint32_t)(frame_of_page(page) - machine->frame) };
}

/* The rest of the block is done at @site, whatever of the vm it calls. */
#define AT(site) \
	__attribute__((cleanup(leave_place), unused)) const struct sync_site *place_ = \
		sync_noted_at_(site)

static void leave_place(const struct sync_site **before) { (void)sync_noted_at_(*before); }

/* --- who uses what ---------------------------------------------------------- */

/*
 * A word that names a page or a page table uses it. The page of zeros is nobody's. False: it
 * was freed, which is a finding.
 */
static bool uses(pfn_t pfn, enum sync_use when, const struct sync_site *site)
{
	return pfn.v >= machine->frames || is_zero_page(machine, pfn) ||
	       sync_uses_(frame_memory(machine, pfn), PAGE_BYTES, when, site);
}

/* The same for a word that gives a reference up, or frees a table. */
static void needs_to_free(pfn_t pfn, enum sync_use when, const struct sync_site *site)
{
	if (pfn.v < machine->frames && !is_zero_page(machine, pfn) &&
	    !sync_frees_(frame_memory(machine, pfn), PAGE_BYTES, when, site))
		sync_give_up();
}

/* And for one that would do harm to a page which is not there. */
static void needs(pfn_t pfn, enum sync_use when, const struct sync_site *site)
{
	if (!uses(pfn, when, site))
		sync_give_up();
}

void names_lock_used(const void *lock, enum sync_use when, const struct sync_site *site)
{
	const struct ptdesc *d = lock;
	size_t n;

	if (!machine || d < machine->ptdesc || d >= machine->ptdesc + machine->frames)
		return;
	n = (size_t)((const char *)lock - (const char *)machine->ptdesc) / sizeof(*d);
	uses((pfn_t){ (uint32_t)n }, when, site);
}

/* --- areas and their locks ------------------------------------------------ */

/* Without that lock the word does not do what it is to do: the execution ends. */
static void demand(bool fulfilled, const char *what, const struct sync_site *site)
{
	if (fulfilled)
		return;
	explore_fail(ORACLE_PROTOCOL, "%s:%d %s", site->function, site->line, what);
	sync_give_up();
}

/*
 * The areas that each thread has locked for reading. An execution that was given up leaves some
 * behind, which nobody holds.
 */
enum { AREAS_MAX = 4 };
static struct vma *areas_locked[EXPLORE_THREADS_MAX][AREAS_MAX];

static bool in_thread(void) { return sync_self() <= EXPLORE_THREADS_MAX; }

static void area_locked(struct vma *v)
{
	struct vma **at = in_thread() ? areas_locked[sync_self() - 1] : NULL;
	unsigned n = 0;

	while (at && n < AREAS_MAX && at[n] && at[n] != v && sync_holds_(&at[n]->lock))
		n++;
	ASSERT(n < AREAS_MAX);
	if (at)
		at[n] = v;
}

/* The area of addr that the running thread has locked for reading; NULL: it has not. */
static struct vma *area_held(struct mmun_mm *mm, uint64_t addr)
{
	if (!in_thread())
		return vma_find(mm, addr);
	for (unsigned n = 0; n < AREAS_MAX; n++) {
		struct vma *v = areas_locked[sync_self() - 1][n];

		if (v && sync_holds_(&v->lock) && v->mm == mm && addr >= v->start &&
		    addr < v->end)
			return v;
	}
	return NULL;
}

/* As vma_lookup() does under RCU: what it finds may change from then on, and that it is looked
 * at is watched as a plain access of the check. */
static struct vma *area_unlocked(struct mmun_mm *mm, uint64_t addr, const struct sync_site *site)
{
	struct vma *v;

	AT(site);
	sync_down_(&mm->areas_sem, true, SYNC_UNRANKED, SYNC_TRIED, site);
	v = vma_find(mm, addr);
	sync_up_(&mm->areas_sem, true, site);
	demand(v, "finds no area: neither mmap_lock nor the area's lock keeps it", site);
	sync_plain_read(&v->start);
	sync_plain_read(&v->end);
	sync_plain_read(&v->prot);
	return v;
}

bool kernel_vma_(struct mmun_mm *mm, uint64_t addr, struct vm_area_struct *ret,
		 const struct sync_site *site)
{
	const struct vma *v;

	use(mm);
	if (sync_holds_(&mm->mmap_lock))
		v = vma_find(mm, addr);
	else if (!(v = area_held(mm, addr)))
		v = area_unlocked(mm, addr, site);
	if (!v)
		return false;
	*ret = (struct vm_area_struct){ mm, v->start, v->end, v->prot };
	return true;
}

static void rwsem_op(rwsem_t *sem, enum kernel_lock_op_ op, const struct sync_site *site)
{
	switch (op) {
	case KERNEL_READ_LOCK_:
		sync_down_(sem, true, sem->rank, SYNC_SLEEPS, site);
		break;
	case KERNEL_WRITE_LOCK_:
		sync_down_(sem, false, sem->rank, SYNC_SLEEPS, site);
		break;
	case KERNEL_READ_UNLOCK_:
		sync_up_(sem, true, site);
		break;
	case KERNEL_WRITE_UNLOCK_:
		sync_up_(sem, false, site);
		break;
	}
}

static void say_lock(const struct sync_site *site, enum kernel_lock_op_ op, const char *name)
{
	if (op == KERNEL_READ_LOCK_)
		sync_event_at(site, LOCK_READ, (uintptr_t)name);
	else if (op == KERNEL_WRITE_LOCK_)
		sync_event_at(site, LOCK_WRITE, (uintptr_t)name);
	else
		sync_event_at(site, UNLOCK, (uintptr_t)name);
}

void kernel_mmap_lock_(struct mmun_mm *mm, enum kernel_lock_op_ op, const struct sync_site *site)
{
	use(mm);
	if (op == KERNEL_READ_LOCK_)
		sync_callback_calls_("mmap_read_lock", SYNC_CALLED_LOCKED, site);
	else if (op == KERNEL_WRITE_LOCK_)
		sync_callback_calls_("mmap_write_lock", SYNC_CALLED_LOCKED, site);
	if (op == KERNEL_WRITE_UNLOCK_)
		mmap_write_unlock(mm); /* the areas' locks too */
	else
		rwsem_op(&mm->mmap_lock, op, site);
	say_lock(site, op, "mmap_lock");
}

/* An area that is marked stays so until mmap_lock is let go: whoever waits for that has the
 * area's lock before the next one can mark it. */
static void vma_start_read(struct mmun_mm *mm, uint64_t addr, const struct sync_site *site)
{
	struct vma *v = vma_lock_read(mm, addr);

	if (!v) {
		rwsem_op(&mm->mmap_lock, KERNEL_READ_LOCK_, site);
		v = vma_find(mm, addr);
		demand(v, "locks an area that is gone", site);
		rwsem_op(&v->lock, KERNEL_READ_LOCK_, site);
		rwsem_op(&mm->mmap_lock, KERNEL_READ_UNLOCK_, site);
	}
	area_locked(v);
}

void kernel_vma_lock_(struct mmun_mm *mm, uint64_t addr, enum kernel_lock_op_ op,
		      const struct sync_site *site)
{
	struct vma *v;

	use(mm);
	ASSERT(op != KERNEL_WRITE_UNLOCK_);
	if (op == KERNEL_WRITE_LOCK_) {
		demand(sync_holds_(&mm->mmap_lock), "locks an area for writing without mmap_lock",
		       site);
		v = vma_find(mm, addr);
		demand(v, "locks an area that is gone", site);
		vma_start_write(v);
	} else if (op == KERNEL_READ_LOCK_) {
		sync_callback_calls_("vma_start_read", SYNC_CALLED_LOCKED, site);
		vma_start_read(mm, addr, site);
	} else {
		v = area_held(mm, addr);
		demand(v, "drops the lock of an area that it does not hold", site);
		rwsem_op(&v->lock, op, site);
	}
	say_lock(site, op, "area");
}

/* --- where entries are ---------------------------------------------------- */

/* Whether the frame is one is for change_judge() to say. */
static struct ptdesc *table_of(const void *entry, pfn_t *ret_table)
{
	uint64_t offset = (uint64_t)((const char *)entry - machine->memory);

	ASSERT(offset >> SYNC_PAGE_SHIFT < machine->frames);
	ret_table->v = (uint32_t)(offset >> SYNC_PAGE_SHIFT);
	return ptdesc_of(machine, *ret_table);
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

	use(mm);
	e.v = sync_load_(entry, SYNC_RELAXED, site);
	if (pte_none(e) || pte_huge(e) || !pte_present(e))
		return NULL;
	return &frame_memory(machine, pte_pfn(e))[entry_index(addr, 0)];
}

void *kernel_ptl_(struct mmun_mm *mm, const void *entry)
{
	const struct ptdesc *d;
	pfn_t table;

	use(mm);
	d = table_of(entry, &table);
	return table_lock(machine, table, d->level);
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
	    pte_pfn(new).v >= machine->frames)
		return;
	base = &ptdesc_of(machine, pte_pfn(new))->base;
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

static void say_change(enum kernel_entry_op_ op, uint64_t addr, pte_t old, pte_t new,
		       const struct sync_site *site)
{
	if (op == KERNEL_CLEAR_)
		sync_event_at(site, PTE_CLEAR, addr, pte_event(old));
	else
		sync_event_at(site, PTE_SET, addr, pte_event(new));
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
	sync_event_at(site, PTE_GET, change_address(machine, entry), pte_event((pte_t){ value }));
	return value;
}

uint64_t kernel_entry_(struct mmun_mm *mm, uint64_t addr, void *at, enum kernel_entry_op_ op,
		       uint64_t value, const struct sync_site *site)
{
	struct change c = { .mm = mm, .addr = addr, .entry = at, .site = site };
	pte_t old, new = { value };

	use(mm);
	if (op == KERNEL_GET_)
		return entry_get(at, site);
	c.machine = machine;
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
	entry_gets(&c, old, new);
	change_judge(&c, old, new);
	return old.v;
}

void kernel_change_pte_(struct mmun_mm *mm, uint64_t addr, uint64_t pte,
			const struct sync_site *site)
{
	use(mm);
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

	use(mm);
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

	use(mm);
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

	use(mm);
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

	use(range->mm);
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

/* --- pages ------------------------------------------------------------------ */

struct page *kernel_new_page_(bool zero, const struct sync_site *site)
{
	pfn_t pfn;
	AT(site);

	ASSERT(machine);
	if (!frame_alloc(machine, FRAME_ANON, zero, &pfn))
		return NULL;
	sync_event_at(site, PAGE_ALLOC, pfn.v);
	return page_of(pfn);
}

struct page *kernel_new_huge_(const struct sync_site *site)
{
	pfn_t head;
	AT(site);

	ASSERT(machine);
	if (!frame_alloc_huge(machine, false, &head))
		return NULL;
	sync_event_at(site, HUGE_ALLOC, head.v);
	return page_of(head);
}

uint64_t kernel_page_pfn_(const struct page *page) { return pfn_of(page).v; }

struct page *kernel_pfn_page_(uint64_t pfn)
{
	ASSERT(machine && pfn < machine->frames);
	return page_of((pfn_t){ (uint32_t)pfn });
}

struct page *kernel_zero_page_(void)
{
	ASSERT(machine);
	return page_of(machine->zero);
}

uint64_t *kernel_page_memory_(const struct page *page)
{
	return (uint64_t *)(void *)frame_memory(machine, pfn_of(page));
}

/* Visible to the explorer as the lock's own, whoever else takes it. */
static uint64_t page_lock(struct frame *f, enum kernel_page_op_ op, const struct sync_site *site)
{
	if (op == KERNEL_PAGE_TRYLOCK_)
		return sync_trylock_(&f->page_lock.owner, f->page_lock.rank, SYNC_SLEEPS,
				     site);
	if (op == KERNEL_PAGE_LOCK_)
		sync_lock_(&f->page_lock.owner, f->page_lock.rank, SYNC_SLEEPS, site);
	else
		sync_unlock_(&f->page_lock.owner, SYNC_SLEEPS, site);
	return 1;
}

/* As frame_get(), and judged. */
static void get(pfn_t pfn, const struct sync_site *site)
{
	pfn_t head = frame_head(machine, pfn);
	struct frame *f = frame_of(machine, head);
	const struct sync_access inc = SYNC_ACCESS(SYNC_INC, &f->refcount, SYNC_RELAXED,
						   SYNC_ADD_TO);
	uint64_t old;

	if (is_zero_page(machine, pfn))
		return;
	old = sync_update_(&f->refcount, inc, 1, 0, site);
	needs(head, SYNC_IN_STEP, site);
	if (!old && !(f->flags & FRAME_TABLE)) /* it is frozen */
		sync_misuses_("takes a reference of a page that has none", site);
}

static uint64_t bytes_of(const struct frame *f)
{
	return f->flags & FRAME_HUGE ? HUGE_BYTES : PAGE_BYTES;
}

static bool is_mapped(const struct frame *f)
{
	bool mapped = false;

	for (uint64_t n = 0; n < bytes_of(f) / PAGE_BYTES; n++)
		mapped |= f[n].mapcount;
	return mapped;
}

/* As frame_put(), and judged. */
static void put(pfn_t pfn, const struct sync_site *site)
{
	pfn_t head = frame_head(machine, pfn);
	struct frame *f = frame_of(machine, head);
	uint64_t old;

	if (is_zero_page(machine, pfn))
		return;
	old = sync_update_(&f->refcount, SYNC_ACCESS(SYNC_RMW, &f->refcount, SYNC_ACQ_REL,
						     SYNC_ADD_TO), (uint64_t)-1, 0, site);
	needs_to_free(head, SYNC_IN_STEP, site);
	if (!old)
		sync_misuses_("gives up a reference of a page that has none", site);
	if (old == 1 && is_mapped(f)) {
		sync_range_dead_(frame_memory(machine, head), bytes_of(f), site);
		sync_misuses_("gives up the last reference of a page that is mapped", site);
	}
	if (old == 1)
		frame_last_put(machine, head);
}

uint64_t kernel_page_(struct page *page, enum kernel_page_op_ op, const char *text,
		      const struct sync_site *site)
{
	struct frame *f = frame_of_page(page);
	pfn_t pfn = pfn_of(page);
	uint64_t result = 0;
	AT(site);

	if (op == KERNEL_PAGE_TRY_GET_) { /* may come at any time */
		result = frame_try_get(machine, pfn);
		if (result)
			uses(pfn, SYNC_IN_STEP, site);
		sync_event_at(site, PAGE_CALL, (uintptr_t)text, pfn.v, !result);
		return result;
	}
	if (op == KERNEL_PAGE_PUT_)
		needs_to_free(pfn, SYNC_BEFORE_STEP, site);
	else
		needs(pfn, SYNC_BEFORE_STEP, site);
	switch (op) {
	case KERNEL_PAGE_GET_:
		get(pfn, site);
		break;
	case KERNEL_PAGE_PUT_:
		sync_event_at(site, PAGE_CALL, (uintptr_t)text, pfn.v, false);
		put(pfn, site);
		return 0;
	case KERNEL_PAGE_DIRTY_:
		sync_store_(&f->dirty, result = 1, SYNC_RELEASE, site);
		break;
	case KERNEL_PAGE_COUNT_:
		result = sync_load_(&f->refcount, SYNC_ACQUIRE, site);
		break;
	case KERNEL_PAGE_MAPCOUNT_:
		result = rmap_count(machine, frame_head(machine, pfn));
		break;
	default:
		result = page_lock(f, op, site);
		break;
	}
	if (op != KERNEL_PAGE_GET_)
		uses(pfn, SYNC_IN_STEP, site);
	if (op == KERNEL_PAGE_COUNT_ || op == KERNEL_PAGE_MAPCOUNT_)
		sync_event_at(site, PAGE_COUNT, (uintptr_t)text, pfn.v, result);
	else
		sync_event_at(site, PAGE_CALL, (uintptr_t)text, pfn.v,
			      op != KERNEL_PAGE_GET_ && !result);
	return result;
}
bool kernel_page_freeze_(struct page *page, uint64_t expected, const struct sync_site *site)
{
	pfn_t pfn = pfn_of(page);
	bool frozen;

	needs(pfn, SYNC_BEFORE_STEP, site);
	frozen = frame_freeze(machine, pfn, expected);
	needs(pfn, SYNC_IN_STEP, site);
	sync_event_at(site, PAGE_CALL, (uintptr_t)"page_ref_freeze", pfn.v, !frozen);
	return frozen;
}

void kernel_page_unfreeze_(struct page *page, uint64_t count, const struct sync_site *site)
{
	pfn_t pfn = pfn_of(page);

	needs(pfn, SYNC_BEFORE_STEP, site);
	frame_unfreeze(machine, pfn, count);
	needs(pfn, SYNC_IN_STEP, site);
	sync_event_at(site, PAGE_CALL, (uintptr_t)"page_ref_unfreeze", pfn.v, false);
}

void kernel_copy_(struct page *to, struct page *from, const struct sync_site *site)
{
	AT(site);

	needs(pfn_of(to), SYNC_BEFORE_STEP, site);
	frame_copy(machine, pfn_of(to), pfn_of(from));
	uses(pfn_of(to), SYNC_IN_STEP, site);
}

/* --- the reverse map --------------------------------------------------------- */

UNWATCHED static bool ring_has(const struct frame *f, uint64_t slot)
{
	slot_t at = f->rmap;

	while (at.v && at.v != slot) {
		pfn_t table = { (uint32_t)((at.v - 1) >> SYNC_TABLE_SHIFT) };

		at = ptdesc_of(machine, table)->link[(at.v - 1) & (TABLE_ENTRIES - 1)].next;
		if (at.v == f->rmap.v)
			return false;
	}
	return at.v;
}

/* The frame in whose ring the locked entry is, NULL: none. It is that one's for as long as
 * the lock is held, so looking at all of them is no step. */
UNWATCHED static const struct frame *ring_of(const struct ptep *p)
{
	uint64_t index = (uint64_t)(p->entry - frame_memory(machine, p->table));
	uint64_t slot = (((uint64_t)p->table.v << SYNC_TABLE_SHIFT) | index) + 1;

	for (uint32_t n = 0; n < machine->frames; n++)
		if (ring_has(&machine->frame[n], slot))
			return &machine->frame[n];
	return NULL;
}

/*
 * Linux's wp_page_copy() adds the new page and removes the old one afterwards. But the links
 * of the rings stand beside the entry, which can be in one ring only: the old page is
 * removed as soon as the new one is added.
 */
void kernel_rmap_(struct page *page, const struct vm_area_struct *vma, uint64_t addr,
		  enum kernel_rmap_op_ op, const struct sync_site *site)
{
	const struct frame *before;
	struct ptep p;

	use(vma->vm_mm);
	needs(pfn_of(page), SYNC_BEFORE_STEP, site);
	p = pgtable_walk(&vma->vm_mm->pt, addr);
	ASSERT(p.entry);
	demand(sync_holds_(p.ptl), "changes a reverse map without the page table lock of the entry",
	       site);
	before = ring_of(&p);
	if (before && (op != KERNEL_RMAP_REMOVE_ || before == frame_of_page(page)))
		rmap_remove(machine, (pfn_t){ (uint32_t)(before - machine->frame) }, &p);
	if (op == KERNEL_RMAP_NEW_)
		rmap_add_new(machine, pfn_of(page), &p);
	else if (op == KERNEL_RMAP_ADD_)
		rmap_add(machine, pfn_of(page), &p);
	needs(pfn_of(page), SYNC_IN_STEP, site);
	if (op == KERNEL_RMAP_REMOVE_)
		sync_event_at(site, RMAP_REMOVE, pfn_of(page).v, addr);
	else
		sync_event_at(site, RMAP_ADD, pfn_of(page).v, addr);
}

void kernel_rmap_walk_(const struct kernel_at_ *at, struct folio *folio,
		       struct rmap_walk_control *rwc)
{
	struct rmap_walk w = { .head = frame_head(machine, pfn_of(&folio->page)) };
	bool more = true;

	needs(w.head, SYNC_AFTER_STEP, &at->site);
	demand(!(frame_of(machine, w.head)->flags & FRAME_OBJECT) ||
	       sync_holds_(&frame_of(machine, w.head)->page_lock),
	       "walks the reverse map of a file's page without the page lock", &at->site);
	while (more && rmap_next(machine, &w)) {
		struct vm_area_struct vma = { .vm_mm = w.mm, .vm_start = w.addr,
					      .vm_end = w.addr + w.bytes };

		needs(w.head, SYNC_IN_STEP, &at->site);
		more = rwc->rmap_one(folio, &vma, w.addr, rwc->arg);
	}
	if (!more)
		rmap_walk_end(machine, &w);
}

/* --- page tables --------------------------------------------------------------- */

struct page *kernel_table_(struct mmun_mm *mm, uint64_t addr, const struct sync_site *site)
{
	pfn_t table;
	AT(site);

	use(mm);
	if (!table_alloc(&mm->pt, addr, 0, &table))
		return NULL;
	sync_event_at(site, PTE_ALLOC, table.v);
	return page_of(table);
}

void kernel_table_free_(struct mmun_mm *mm, struct page *table, const struct sync_site *site)
{
	AT(site);

	use(mm);
	needs_to_free(pfn_of(table), SYNC_AFTER_STEP, site);
	if (!(frame_of_page(table)->flags & FRAME_TABLE)) {
		explore_fail(ORACLE_PROTOCOL, "%s:%d frees frame %u as a page table, which is none",
			     site->function, site->line, pfn_of(table).v);
		sync_give_up();
	}
	sync_event_at(site, PTE_FREE, pfn_of(table).v);
	table_free(machine, pfn_of(table));
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
