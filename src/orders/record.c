/* SPDX-License-Identifier: MIT */
/*
 * record.c - runs an operation on the checked core and writes down what a kernel module
 * would see: what notifiers are told, and what the core says of itself (sync_event()). The
 * operation is the only thread of a check of the explorer, so that its oracles watch it too.
 * At each event the page tables are looked at from outside. As in the recordings, an entry is
 * known to have changed since the event before, and not when exactly.
 *
 * The checked world is small, so addresses are told in the kernel's units. Page n of the
 * window is W+n*0x1000, huge page n is W+n*0x200000, and the end of a window of small pages,
 * which is one leaf table, is W+0x10000, because the kernel's window has 16 pages.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "explore/front/explore.h"
#include "orders/world.h"

enum {
	FRAMES = 256, HUGE_FRAMES = 16 * TABLE_ENTRIES, SWAP_PAGES = 16,
	KERNEL_PAGE = 0x1000, KERNEL_HUGE = 0x200000, KERNEL_WINDOW = 0x10000,
	WATCHED = 2,
};

struct listener {
	struct mmu_notifier range;   /* start, end, release, young; classic: all there is */
	struct mmu_notifier flush;   /* modern: may have no start and end besides */
};

/* The explorer's state: restored before it runs the thread. */
struct state {
	struct order_world world;
	struct listener listener;
};

/* What one recording is about; outside the explorer's state. */
static struct recorder {
	const struct order_op *op;
	const struct order_how *how;
	struct order *order;
	struct order_world *world;
	const struct mmun_mm *mm;    /* listened to; NULL: before and after the operation */
	struct order_entry last[WATCHED];
	bool looked;                 /* last is known */
	uint32_t frame[26];          /* A is frame[0], ... */
	unsigned frames;
	bool batch;                  /* the flush that comes is a batch's */
	bool full;
	int err;
	const char *failed;          /* what failed with err */
} rec;

/* --- writing ------------------------------------------------------------- */

static void write_event(struct order_event event)
{
	if (rec.order->count == ORDER_EVENTS_MAX)
		rec.full = true;
	else
		rec.order->event[rec.order->count++] = event;
}

static char frame_letter(pfn_t pfn)
{
	for (unsigned i = 0; i < rec.frames; i++)
		if (rec.frame[i] == pfn.v)
			return (char)('A' + i);
	if (rec.frames == ARRAY_SIZE(rec.frame))
		return '?';
	rec.frame[rec.frames] = pfn.v;
	return (char)('A' + rec.frames++);
}

/* In the kernel's bytes from W. */
static int64_t kernel_address(uint64_t addr)
{
	int64_t n = (int64_t)(addr - rec.world->base) / (int64_t)PAGE_BYTES;

	if (addr == 0 || addr >= TASK_BYTES)
		return addr ? INT64_MAX : INT64_MIN;
	if (rec.op->window == ORDER_HUGE)
		return n / TABLE_ENTRIES * KERNEL_HUGE + n % TABLE_ENTRIES * KERNEL_PAGE;
	if (rec.op->window == ORDER_SMALL && addr == rec.world->base + rec.world->bytes)
		return KERNEL_WINDOW;
	return n * KERNEL_PAGE;
}

/* --- looking ------------------------------------------------------------- */

/* The table of this level that maps addr; level 1 or 0. False: there is none. */
static bool table_of(uint64_t addr, unsigned level, pfn_t *ret_table)
{
	const struct mmun_machine *m = rec.mm->machine;
	pfn_t table = rec.mm->pt.pgd;

	for (unsigned l = TABLE_LEVELS - 1; l > level; l--) {
		pte_t e = { frame_memory(m, table)[entry_index(addr, l)].v };

		if (!pte_present(e) || (l == 1 && pte_huge(e)))
			return false;
		table = pte_pfn(e);
	}
	*ret_table = table;
	return true;
}

static struct order_entry entry_of(pte_t e, bool huge)
{
	struct order_entry entry = { .huge = huge };

	entry.is = pte_none(e) ? ORDER_NONE :
		   softleaf_is_migration(e) ? ORDER_MIGRATION :
		   softleaf_is_swap(e) ? ORDER_SWAP :
		   !pte_present(e) ? ORDER_PROTNONE : ORDER_PRESENT;
	if (entry.is != ORDER_PRESENT)
		return entry;
	entry.write = pte_write(e);
	entry.young = pte_young(e);
	entry.dirty = pte_dirty(e);
	entry.frame = frame_letter(pte_pfn(e));
	return entry;
}

static struct order_entry entry_now(uint64_t addr)
{
	const struct mmun_machine *m = rec.mm->machine;
	pfn_t table;

	if (table_of(addr, 0, &table))
		return entry_of((pte_t){ frame_memory(m, table)[entry_index(addr, 0)].v }, false);
	if (!table_of(addr, 1, &table))
		return (struct order_entry){ .is = ORDER_NO_PMD };
	return entry_of((pte_t){ frame_memory(m, table)[entry_index(addr, 1)].v }, true);
}

static unsigned watched_count(void) { return rec.op->window == ORDER_ONE ? 1 : WATCHED; }

/* Comes before each event: what has changed since the last one. */
static void look(void)
{
	for (unsigned i = 0; i < watched_count(); i++) {
		struct order_entry now = entry_now(rec.world->watched[i]);

		if (rec.looked && order_entry_same(&now, &rec.last[i]))
			continue;
		write_event((struct order_event){ .kind = ORDER_ENTRY, .page = (int)i,
						  .before = !rec.looked, .entry = now });
		rec.last[i] = now;
	}
	rec.looked = true;
}

/* The lock of a watched page's table that is held. */
static enum order_lock lock_held(void)
{
	enum order_lock lock = ORDER_UNLOCKED;

	for (unsigned i = 0; i < watched_count(); i++) {
		pfn_t table;

		if (table_of(rec.world->watched[i], 0, &table) &&
		    ptdesc_of(rec.mm->machine, table)->ptl.owner)
			return ORDER_PTL;
		if (table_of(rec.world->watched[i], 1, &table) &&
		    ptdesc_of(rec.mm->machine, table)->pmd_lock.owner)
			lock = ORDER_PMDL;
	}
	return lock;
}

static bool in_window(uint64_t start, uint64_t end)
{
	return start < rec.world->base + rec.world->bytes && end > rec.world->base;
}

/* Each of these writes first what has changed. */

static void write_bare(enum order_kind kind)
{
	look();
	write_event((struct order_event){ .kind = kind });
}

static void write_range(enum order_kind kind, uint64_t start, uint64_t end)
{
	if (!rec.mm || !in_window(start, end))
		return;
	look();
	write_event((struct order_event){ .kind = kind, .start = kernel_address(start),
					  .end = kernel_address(end), .lock = lock_held() });
}

static void write_pair(enum order_kind kind, uint64_t start, uint64_t end,
		       enum mmu_notifier_event type)
{
	if (!rec.mm || !in_window(start, end))
		return;
	look();
	write_event((struct order_event){ .kind = kind, .start = kernel_address(start),
					  .end = kernel_address(end), .type = type });
}

/* --- listening ----------------------------------------------------------- */

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	write_pair(ORDER_START, r->start, r->end, r->event);
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	write_pair(ORDER_END, r->start, r->end, r->event);
}

static void on_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	(void)mn;
	(void)mm;
	write_range(ORDER_SECTLB, start, end);
}

static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	(void)mn;
	(void)mm;
	if (!rec.mm)
		return;
	write_bare(ORDER_RELEASE);
}

/* As the guest had touched the memory that was recorded. */
static bool young_until_now(void)
{
	bool young = rec.world && rec.world->used;

	if (young)
		rec.world->used = false;
	return young;
}

static bool on_clear_flush_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start,
				 uint64_t end)
{
	(void)mn;
	(void)mm;
	write_range(ORDER_CLEAR_FLUSH_YOUNG, start, end);
	return young_until_now();
}

static bool on_clear_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start,
			   uint64_t end)
{
	(void)mn;
	(void)mm;
	write_range(ORDER_CLEAR_YOUNG, start, end);
	return young_until_now();
}

static bool on_test_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr)
{
	(void)mn;
	(void)mm;
	write_range(ORDER_TEST_YOUNG, addr, addr + PAGE_BYTES);
	return rec.world && rec.world->used;
}

static void on_change(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr, uint64_t frame,
		      bool writable)
{
	(void)mn;
	(void)mm;
	(void)frame;
	(void)writable;
	if (!rec.mm || !in_window(addr, addr + PAGE_BYTES))
		return;
	look();
	write_event((struct order_event){ .kind = ORDER_CHANGE_PTE, .lock = lock_held() });
}

#define RANGE_OPS \
	.release = on_release, .invalidate_range_start = on_start, \
	.invalidate_range_end = on_end, .clear_flush_young = on_clear_flush_young, \
	.clear_young = on_clear_young, .test_young = on_test_young

static const struct mmu_notifier_ops range_ops = { RANGE_OPS };
static const struct mmu_notifier_ops flush_ops = { .arch_invalidate_secondary_tlbs = on_flush };
static const struct mmu_notifier_ops classic_ops = {
	RANGE_OPS, .invalidate_range = on_flush, .change_pte = on_change,
};

/* What no notifier is told: the core says it. */
static void on_event(enum sync_event kind, const uint64_t words[EVENT_WORDS_MAX])
{
	const bool of_range = kind == EVENT_RANGE_START || kind == EVENT_RANGE_END ||
			      kind == EVENT_FLUSH_ASK || kind == EVENT_TABLES_FREE;
	const uint64_t start = words[1], end = words[2];

	if (!rec.mm || (!of_range && kind != EVENT_FLUSH_BATCH) || words[0] != (uintptr_t)rec.mm)
		return;
	if (kind == EVENT_FLUSH_ASK && rec.batch)
		write_bare(ORDER_CPUTLB_BATCH);
	else if (kind == EVENT_FLUSH_ASK)
		write_range(ORDER_CPUTLB, start, end);
	else if (kind == EVENT_RANGE_START && !rec.mm->domain.subscriptions)
		write_pair(ORDER_START_UNHEARD, start, end, MMU_NOTIFY_UNMAP);
	else if (kind == EVENT_RANGE_END && !rec.mm->domain.subscriptions)
		write_pair(ORDER_END_UNHEARD, start, end, MMU_NOTIFY_UNMAP);
	else if (kind == EVENT_TABLES_FREE && in_window(start, end))
		write_bare(ORDER_FREE_PGTABLES);
	rec.batch = kind == EVENT_FLUSH_BATCH;
}

static int listen(struct state *s)
{
	bool classic = rec.how->semantics == MMUN_CLASSIC;
	struct listener *l = &s->listener;
	int err;

	l->range.ops = classic ? &classic_ops : &range_ops;
	l->flush.ops = &flush_ops;
	err = mmu_notifier_register(&l->range, s->world.mm);
	if (!err && !classic)
		err = mmu_notifier_register(&l->flush, s->world.mm);
	return err;
}

/* --- the check ----------------------------------------------------------- */

static bool failed(int err, const char *what)
{
	if (err && !rec.err) {
		rec.err = err;
		rec.failed = what;
	}
	return err != 0;
}

static int map_window(struct order_world *w)
{
	bool huge = rec.op->window == ORDER_HUGE;
	uint64_t at;
	int err;

	w->bytes = (huge ? 2 : 1) * HUGE_BYTES;
	w->watched[0] = window_page(w, rec.op->window == ORDER_SMALL ? 1 : 0);
	w->watched[1] = window_page(w, 2);
	err = mmun_mmap(w->mm, w->base, w->bytes, MMUN_PROT_READ | MMUN_PROT_WRITE,
			MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED, &at);
	if (!err && huge)
		err = mmun_madvise(w->mm, w->base, w->bytes, MMUN_MADV_HUGEPAGE);
	for (uint64_t a = w->base; !err && a < w->base + w->bytes; a += PAGE_BYTES)
		err = mmun_cpu_store(w->cpu, a, 0x100 + a / PAGE_BYTES);
	return err;
}

static void setup(void *state, void *arg)
{
	struct mmun_machine_opts opts = { FRAMES, HUGE_FRAMES, SWAP_PAGES };
	struct state *s = state;
	struct order_world *w = &s->world;

	(void)arg;
	w->base = entry_bytes(TABLE_LEVELS - 1);
	w->used = true;
	if (failed(mmun_machine_create(&opts, &w->machine), "the machine") ||
	    failed(mmun_mm_create(w->machine, rec.how->semantics, &w->mm), "the address space"))
		return;
	if (rec.how->moved)
		mm_set_flush_points(w->mm, (enum mm_op)(rec.how->moved - 1), rec.how->points);
	if (!failed(mmun_cpu_create(w->mm, &w->cpu), "a processor") &&
	    !failed(map_window(w), "the window") && rec.op->prepare)
		failed(rec.op->prepare(w), "what comes before");
}

static void thread(void *state, unsigned me, void *arg)
{
	struct state *s = state;

	(void)me;
	(void)arg;
	if (rec.err || failed(listen(s), "a notifier"))
		return;
	rec.world = &s->world;
	rec.mm = s->world.mm;
	rec.frames = 0;
	rec.order->count = 0;
	rec.looked = false;
	look();
	sync_listen(on_event);
	failed(rec.op->act(&s->world), "the operation");
	look();
	sync_listen(NULL);
	rec.mm = NULL;
}

static void finish(void *state, void *arg)
{
	struct state *s = state;
	struct order_world *w = &s->world;

	(void)arg;
	mmu_notifier_unregister(&s->listener.range, s->listener.range.mm);
	mmu_notifier_unregister(&s->listener.flush, s->listener.flush.mm);
	mmun_cpu_destroy(w->cpu);
	failed(mmun_mm_destroy(w->mm), "exit");
	failed(mmun_mm_destroy(w->other), "the relative's exit");
	mmun_ats_destroy(w->ats);
	mmun_object_destroy(w->object);
	failed(mmun_machine_destroy(w->machine), "the machine's end");
}

int order_record(const struct order_op *op, const struct order_how *how,
		 struct order *ret_order, char ret_why[192])
{
	const struct explore_check check = {
		.name = op->name, .threads = 1, .state_size = sizeof(struct state),
		.setup = setup, .thread = thread, .finish = finish,
	};
	struct explore_result result;
	int err;

	ASSERT(op->act);
	rec = (struct recorder){ .op = op, .how = how, .order = ret_order };
	err = explore(&check, &(struct explore_options){ 0 }, &result);
	if (err) {
		snprintf(ret_why, 192, "not enough memory");
		return err;
	}
	if (rec.err) {
		err = -EINVAL;
		snprintf(ret_why, 192, "%s: %s", rec.failed, strerror(-rec.err));
	} else if (result.findings) {
		err = -EPROTO;
		snprintf(ret_why, 192, "%s: %.160s", explore_oracle_name(result.finding[0].oracle),
			 result.finding[0].text);
	} else if (rec.full) {
		err = -E2BIG;
		snprintf(ret_why, 192, "more than %d events", ORDER_EVENTS_MAX);
	}
	explore_result_fini(&result);
	return err;
}
