/* SPDX-License-Identifier: MIT */
/*
 * mm_watch.c - the frame around each call: which notifications may come, whether an
 * allocation fails, and whether what notifiers' users have kept is still good.
 */
#include "mm.h"

/* --- notifiers ------------------------------------------------------------- */

static void cached_drop(struct notifier *n, uint64_t start, uint64_t end)
{
	for (int i = 0; i < n->count;)
		if (n->cached[i].page >= start && n->cached[i].page < end)
			n->cached[i] = n->cached[--n->count];
		else
			i++;
}

static void check_range(uint64_t start, uint64_t end)
{
	ASSERT(start < end && end <= TASK_BYTES);
	ASSERT(start % PAGE_BYTES == 0 && end % PAGE_BYTES == 0);
}

static bool is_busy(const struct mmun_mm *mm)
{
	return world.busy && (!world.may.mm || world.may.mm == mm);
}

static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct notifier *n = container_of(mn, struct notifier, mn);

	ASSERT(n->s && n->s->mm == mm && !n->released && !n->nested);
	n->released = true;
	n->count = 0;
}

/* Is this one of the pairs that the call may make? */
static void check_pair(const struct notifier *n, const struct mmu_notifier_range *range)
{
	const struct expected *may = &world.may;
	bool split = range->event == MMU_NOTIFY_CLEAR && range->start % HUGE_BYTES == 0 &&
		     range->end - range->start == HUGE_BYTES;

	check_range(range->start, range->end);
	ASSERT(n->s && !n->released);
	ASSERT(range->mm == n->s->mm && is_busy(range->mm) && !range->owner);
	ASSERT(may->events & (1 << range->event) || split);
	if (split) /* of a huge entry that reaches into the range */
		ASSERT(range->start >= huge_down(may->lo) &&
		       range->end <= huge_down(may->hi + HUGE_BYTES - 1));
	else
		ASSERT(range->start >= may->lo && range->end <= may->hi);
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct notifier *n = container_of(mn, struct notifier, mn);

	check_pair(n, range);
	ASSERT(!(range->flags & ~(unsigned)MMU_NOTIFIER_RANGE_BLOCKABLE));
	ASSERT(world.may.nonblock || range->flags == MMU_NOTIFIER_RANGE_BLOCKABLE);
	for (int i = 0; i < n->count; i++) /* pages are still mapped */
		if (n->cached[i].page >= range->start && n->cached[i].page < range->end)
			ASSERT(pte_present(mm_translate(n->s->mm, n->cached[i].page)));
	cached_drop(n, range->start, range->end);
	if (mn->ops->invalidate_range_end) {
		ASSERT(n->nested < NEST_MAX);
		n->open[n->nested++] = *range;
	} else if (!range->flags && (range->start / PAGE_BYTES & 1)) {
		return -EAGAIN;
	}
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct notifier *n = container_of(mn, struct notifier, mn);
	const struct mmu_notifier_range *open;

	check_pair(n, range);
	if (!mn->ops->invalidate_range_start)
		return;
	ASSERT(n->nested > 0);
	open = &n->open[--n->nested];
	ASSERT(open->mm == range->mm && open->event == range->event);
	ASSERT(open->start == range->start && open->end == range->end);
}

static void on_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct notifier *n = container_of(mn, struct notifier, mn);

	check_range(start, end);
	ASSERT(n->s && !n->released && n->s->mm == mm && is_busy(mm) && world.may.events);
	cached_drop(n, start, end);
}

const struct mmu_notifier_ops notifier_ops[] = {
	{ .release = on_release, .invalidate_range_start = on_start,
	  .invalidate_range_end = on_end },
	{ .release = on_release, .arch_invalidate_secondary_tlbs = on_flush },
	{ .release = on_release, .invalidate_range = on_flush },
	{ .invalidate_range_start = on_start, .invalidate_range_end = on_end,
	  .invalidate_range = on_flush },
	{ .invalidate_range_start = on_start },
	{ .invalidate_range_end = on_end },
	{ .release = NULL },
	{ .release = on_release, .invalidate_range_start = on_start,
	  .arch_invalidate_secondary_tlbs = on_flush },
	{ .release = on_release, .invalidate_range_end = on_end,
	  .arch_invalidate_secondary_tlbs = on_flush },
	{ .release = on_release, .invalidate_range = on_flush,
	  .arch_invalidate_secondary_tlbs = on_flush },
};

const unsigned notifier_kinds = ARRAY_SIZE(notifier_ops);

bool ops_are_good(const struct mmu_notifier_ops *ops, enum mmun_semantics semantics)
{
	bool arch = ops->arch_invalidate_secondary_tlbs;

	if (semantics == MMUN_CLASSIC)
		return !arch;
	return !ops->invalidate_range &&
	       !(arch && (ops->invalidate_range_start || ops->invalidate_range_end));
}

/* Whoever is not told of invalidations, or of the mm's end, keeps nothing. */
bool can_cache(const struct notifier *n)
{
	const struct mmu_notifier_ops *ops = n->mn.ops;

	return n->s && !n->released && n->s->state == MM_LIVE &&
	       (ops->invalidate_range_start || ops->invalidate_range ||
		ops->arch_invalidate_secondary_tlbs);
}

/* Rights may have been given without notice, never taken, and no page changed. */
static void check_cached(const struct world *w)
{
	for (int i = 0; i < NOTIFIERS; i++) {
		const struct notifier *n = &w->notifier[i];

		ASSERT(!n->nested);
		for (int k = 0; k < n->count; k++) {
			pte_t had = n->cached[k].pte;
			pte_t now = mm_translate(n->s->mm, n->cached[k].page);

			ASSERT(pte_present(now) && pte_pfn(now).v == pte_pfn(had).v);
			ASSERT(!pte_write(had) || pte_write(now));
		}
	}
}

/* --- calls ----------------------------------------------------------------- */

void begin(struct world *w, const struct expected *may)
{
	w->may = *may;
	w->busy = true;
	sync_alloc_fail_at(w->fail_at);
}

void begin_quiet(struct world *w) { begin(w, &(struct expected){ 0 }); }

void begin_at(struct world *w, struct shadow *s, int event, uint64_t lo, uint64_t hi)
{
	begin(w, &(struct expected){ .mm = s->mm, .events = 1 << event, .lo = lo, .hi = hi });
}

/* After it. Whatever could not be allocated, the caller is told so. */
void finish(struct world *w, const char *name, uint64_t a, uint64_t b, int err)
{
	w->failed = sync_alloc_fail_clear();
	w->busy = false;
	if (verbose)
		fprintf(stderr, "%-12s %#14llx %#14llx = %d%s\n", name, (unsigned long long)a,
			(unsigned long long)b, err, w->failed ? ", no allocation" : "");
	ASSERT(!w->failed || err == -ENOMEM || w->may.quiet_alloc);
	check_cached(w);
}

uint64_t frames_free(const struct world *w)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < w->machine->small; i++)
		count += !w->machine->frame[i].flags;
	return count;
}

/* A call that uses frames: true if it did what is wanted, false if it could not, which comes
 * first. What it took before the last one it may have given back. */
bool got_frames(const struct world *w, int err, int want)
{
	if (w->failed && err == -ENOMEM)
		return false;
	if (err == -ENOMEM) {
		ASSERT(frames_free(w) <= 2);
		return false;
	}
	ASSERT(err == want);
	return err == 0;
}

struct shadow *pick_mm(struct world *w)
{
	for (int i = 0; i < MMS; i++) {
		struct shadow *s = &w->mm[(w->target + i) % MMS];

		if (s->state == MM_LIVE)
			return s;
	}
	return NULL;
}

struct shadow *free_mm(struct world *w)
{
	for (int i = 0; i < MMS; i++)
		if (w->mm[i].state == MM_NONE)
			return &w->mm[i];
	return NULL;
}

void user_gone(struct shadow *s)
{
	if (--s->users == 0 && s->state == MM_DEAD)
		s->state = MM_NONE;
}
