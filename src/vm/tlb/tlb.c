/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - a direct-mapped TLB of single words, for processors and devices.
 *
 *      63        56 55      26 25      2       1         0
 *      generation   tag        pfn             write     present
 *
 * Index: the low bits of the virtual page number; tag: the others. Invariant: a
 * word whose page was invalidated after its translation was read is never used
 * again once the invalidation has returned. Accesses take no lock.
 *
 * A fill that races an invalidation:
 *
 *      access                              invalidation
 *      guard_enter
 *      w = guard_load(entry): miss
 *      walk: pte -> frame 3
 *                                          clear pte
 *                                          entry: generation + 1
 *                                          guard_mark(entry)
 *      cmpxchg(entry, w, frame 3) fails    guard_wait: waits for
 *        [w has the old generation]          this section
 *      guard_leave
 *      again: walk finds none              returns
 *
 * Had the cmpxchg come first, the invalidation would have found and cleared the
 * word, and waited for the touch that follows. The generation is bumped even if
 * the word holds another page: who missed this one may be walking. It wraps
 * after 256, which one section cannot see pass: each invalidation waits for it,
 * and fewer than 256 threads invalidate at once.
 * Litmus: munmap+walker.
 */
#include <errno.h>

#include "vm/tlb/tlb.h"

enum {
	VPN_BITS = TABLE_LEVELS * SYNC_TABLE_SHIFT,
	PFN_SHIFT = 2, PFN_BITS = 24,
	TAG_SHIFT = PFN_SHIFT + PFN_BITS, TAG_BITS = 30,
	GENERATION_SHIFT = TAG_SHIFT + TAG_BITS, /* to the top: adding to it wraps */
};

_Static_assert(GENERATION_SHIFT == 56, "an entry fits a word");
_Static_assert(VPN_BITS - SYNC_CPU_TLB_SHIFT <= TAG_BITS, "a tag fits an entry");

#define ENTRY_P ((uint64_t)1)
#define ENTRY_W ((uint64_t)2)
#define TAG_MASK ((((uint64_t)1 << TAG_BITS) - 1) << TAG_SHIFT)
#define GENERATION_ONE ((uint64_t)1 << GENERATION_SHIFT)
#define GENERATION_MASK (~(GENERATION_ONE - 1))

int tlb_init(struct tlb *t, unsigned shift)
{
	ASSERT(shift >= SYNC_CPU_TLB_SHIFT);
	t->shift = shift;
	t->entry = sync_alloc(sizeof(*t->entry) << shift);
	if (!t->entry)
		return -ENOMEM;
	if (SYNC_GENERATION_START == 0)
		return 0;
	for (uint64_t i = 0; i >> shift == 0; i++)
		store_relaxed(&t->entry[i], SYNC_GENERATION_START * GENERATION_ONE);
	return 0;
}

void tlb_fini(struct tlb *t)
{
	sync_free(t->entry);
}

static inline atomic_u64 *entry_of(const struct tlb *t, uint64_t vpn)
{
	return &t->entry[vpn & (((uint64_t)1 << t->shift) - 1)];
}

/* What the entry of this page looks like, but for generation and frame. */
static inline uint64_t word_tag(const struct tlb *t, uint64_t vpn)
{
	return vpn >> t->shift << TAG_SHIFT | ENTRY_P;
}

static inline uint64_t word_make(const struct tlb *t, uint64_t old, uint64_t vpn, pte_t pte)
{
	bool write = pte_write(pte) && pte_dirty(pte); /* the first store walks again */

	return (old & GENERATION_MASK) | word_tag(t, vpn) | (write ? ENTRY_W : 0) |
	       (uint64_t)pte_pfn(pte).v << PFN_SHIFT;
}

static inline pfn_t word_pfn(uint64_t w)
{
	return (pfn_t){ (w >> PFN_SHIFT) & ((1u << PFN_BITS) - 1) };
}

static inline bool word_hits(const struct tlb *t, uint64_t w, uint64_t vpn, bool write)
{
	uint64_t rights = write ? ENTRY_W : 0;

	return (w & (TAG_MASK | ENTRY_P | rights)) == (word_tag(t, vpn) | rights);
}

/* The last thing in the section: from here on the old page may be given up. */
static inline void touch(struct notify_domain *d, uint64_t w, bool hit,
			 struct tlb_access *a)
{
	atomic_u64 *word;

	a->pfn = word_pfn(w);
	word = frame_memory(d->machine, a->pfn) + (a->addr & (PAGE_BYTES - 1)) / sizeof(*word);
	if (a->write && a->order == TLB_RELAXED)
		store_relaxed(word, a->value);
	else if (a->write)
		store_release(word, a->value);
	else if (a->order == TLB_RELAXED)
		a->value = load_relaxed(word);
	else
		a->value = load_acquire(word);
	if (a->write)
		sync_event(TLB_STORE, a->addr, hit, a->pfn.v, a->value);
	else
		sync_event(TLB_LOAD, a->addr, hit, a->pfn.v, a->value);
}

/* In the section: walks, and makes *w the new word; 0: the entry has changed. */
static enum tlb_result fill(const struct tlb *t, struct notify_domain *d,
			    const atomic_u64 *stop, uint64_t addr, bool write, uint64_t *w)
{
	uint64_t vpn = addr >> SYNC_PAGE_SHIFT, old = *w;
	atomic_u64 *entry = entry_of(t, vpn);
	unsigned walked;
	pte_t pte;

	/* Pairs with the store before the invalidation that made this a miss. */
	if (stop && load_relaxed(stop))
		return TLB_STOPPED;
	pte = d->ops->walk(d, addr, write);
	walked = sync_walked();
	if (!pte_present(pte) || (write && !pte_write(pte))) {
		sync_event(WALK_FAULT, addr);
		return TLB_FAULT;
	}
	sync_event(WALK, addr, pte_pfn(pte).v, pte_rights(pte));
	*w = word_make(t, old, vpn, pte);
	if (cmpxchg_acq_rel(entry, &old, *w))
		sync_tlb_fill(t, vpn, walked);
	else
		*w = 0;
	return TLB_DONE;
}

/* A translation without the right is the answer, as long as the TLB has it. */
static bool denies(const struct tlb *t, uint64_t w, uint64_t vpn)
{
	return t->caches_permissions && word_hits(t, w, vpn, false);
}

void tlb_await(const struct tlb *t, const struct tlb_access *a)
{
	spin_while(entry_of(t, a->addr >> SYNC_PAGE_SHIFT), a->denied);
}

enum tlb_result tlb_access(struct tlb *t, struct notify_domain *d, const atomic_u64 *stop,
			   struct tlb_access *a)
{
	uint64_t vpn = a->addr >> SYNC_PAGE_SHIFT, w;
	atomic_u64 *entry = entry_of(t, vpn);
	enum tlb_result r;
	bool hit;

	do {
		r = TLB_DONE;
		guard_enter();
		w = guard_load(entry);
		hit = word_hits(t, w, vpn, a->write);
		a->denied = !hit && denies(t, w, vpn) ? w : 0;
		if (a->denied)
			r = TLB_FAULT;
		else if (!hit)
			r = fill(t, d, stop, a->addr, a->write, &w);
		if (r == TLB_DONE && w) {
			touch(d, w, hit, a);
			sync_tlb_use(t, d, vpn, a->addr, a->pfn.v, a->write);
		}
		guard_leave();
	} while (r == TLB_DONE && !w); /* invalidated or replaced during the walk */
	return r;
}

bool tlb_peek(const struct tlb *t, uint64_t index, uint64_t *addr, pfn_t *pfn, bool *write)
{
	uint64_t w = load_relaxed(&t->entry[index]);
	uint64_t vpn = (w & TAG_MASK) >> TAG_SHIFT << t->shift | index;

	*addr = vpn << SYNC_PAGE_SHIFT;
	*pfn = word_pfn(w);
	*write = w & ENTRY_W;
	return w & ENTRY_P;
}

static inline bool word_within(const struct tlb *t, uint64_t w, uint64_t index,
			       uint64_t first, uint64_t last)
{
	uint64_t vpn = (w & TAG_MASK) >> TAG_SHIFT << t->shift | index;

	return (w & ENTRY_P) && vpn >= first && vpn <= last;
}

static void entry_invalidate(struct tlb *t, uint64_t index, uint64_t first, uint64_t last)
{
	atomic_u64 *entry = &t->entry[index];
	uint64_t w = add_acq_rel(entry, GENERATION_ONE) + GENERATION_ONE;

	/* It may fail because another invalidation has bumped the generation. */
	while (word_within(t, w, index, first, last))
		if (cmpxchg_acq_rel(entry, &w, w & GENERATION_MASK))
			break;
	guard_mark(entry);
}

/* A range of more pages than entries visits each entry once. Huge pages are cached as small
 * ones, so the stride is a page. */
void tlb_invalidate(struct tlb *t, struct flush f)
{
	uint64_t first = f.start >> SYNC_PAGE_SHIFT, last = (f.end - 1) >> SYNC_PAGE_SHIFT;
	uint64_t entries = (uint64_t)1 << t->shift;
	uint64_t count = f.everything ? entries : min_u64(last - first + 1, entries);

	for (uint64_t i = 0; i < count; i++)
		entry_invalidate(t, (first + i) & (entries - 1), first, last);
}
