/* SPDX-License-Identifier: MIT */
/* models.c - see models.h. */
#include "models.h"

#include "sync/sync.h"

enum { OLD, NEW, NONE, PAGES_MAX = 8 };

struct world {
	atomic_u64 pt[PAGES_MAX];        /* OLD, NEW or NONE */
	atomic_u64 frame[PAGES_MAX][2];
	spin_t ptl[PAGES_MAX];
	spin_t dev[PAGES_MAX];           /* one device access against one invalidation */
	int tlb[PAGES_MAX];              /* [dev] 0: empty, else 1 + OLD or NEW */
};

static void setup(void *state, void *arg)
{
	struct world *w = state;
	const struct model *m = arg;

	for (unsigned p = 0; p < m->pages; p++) {
		spin_init(&w->ptl[p], RANK_PTL);
		spin_init(&w->dev[p], RANK_TEST);
		w->tlb[p] = 1 + OLD;
	}
}

static void invalidate(struct world *w, unsigned p)
{
	spin_lock(&w->dev[p]);
	w->tlb[p] = 0;
	spin_unlock(&w->dev[p]);
}

static void cow(struct world *w, enum model_variant variant, unsigned p)
{
	spin_lock(&w->ptl[p]);
	if (variant == MODEL_SAFE) {
		store_release(&w->pt[p], NONE);
		invalidate(w, p);
	}
	store_release(&w->pt[p], NEW);
	if (variant == MODEL_LOCKED)
		invalidate(w, p);
	spin_unlock(&w->ptl[p]);
}

static int device_load(struct world *w, unsigned p)
{
	int value = -1; /* a fault, and the device gives up */

	spin_lock(&w->dev[p]);
	if (!w->tlb[p]) {
		uint64_t entry = load_acquire(&w->pt[p]);

		if (entry != NONE)
			w->tlb[p] = 1 + (int)entry;
	}
	if (w->tlb[p])
		value = (int)load_acquire(&w->frame[p][w->tlb[p] - 1]);
	spin_unlock(&w->dev[p]);
	return value;
}

static bool went_back(int later, int earlier)
{
	if (later != 1 || earlier != 0)
		return false;
	explore_fail(ORACLE_CONDITION, "the device saw the later write, then not the earlier");
	return true;
}

static void seed_thread(void *state, unsigned thread, void *arg)
{
	struct world *w = state;
	enum model_variant variant = ((const struct model *)arg)->variant;
	int a, b;

	switch (thread) {
	case 0:
	case 1:
		cow(w, variant, thread);
		if (variant == MODEL_DEFERRED)
			invalidate(w, thread);
		break;
	case 2:
		if (load_acquire(&w->pt[0]) == NEW)
			store_release(&w->frame[0][NEW], 1);
		break;
	case 3:
		if (load_acquire(&w->pt[0]) == NEW && load_acquire(&w->frame[0][NEW]) == 1 &&
		    load_acquire(&w->pt[1]) == NEW)
			store_release(&w->frame[1][NEW], 1);
		break;
	case 4:
		b = device_load(w, 1);
		a = device_load(w, 0);
		went_back(b, a);
		break;
	}
}

static void family_thread(void *state, unsigned thread, void *arg)
{
	struct world *w = state;
	const struct model *m = arg;

	if (thread == m->pages) {
		int later = device_load(w, m->pages - 1);

		for (unsigned p = m->pages - 1; p-- > 0;) {
			int earlier = device_load(w, p);

			went_back(later, earlier);
			later = earlier;
		}
		return;
	}
	cow(w, m->variant, thread);
	if (thread == 0 || (load_acquire(&w->pt[thread - 1]) == NEW &&
			    load_acquire(&w->frame[thread - 1][NEW]) == 1))
		store_release(&w->frame[thread][NEW], 1);
	if (m->variant == MODEL_DEFERRED)
		invalidate(w, thread);
}

struct explore_check model_seed(struct model *m)
{
	m->pages = 2;
	return (struct explore_check){
		.name = "seed", .threads = 5, .state_size = sizeof(struct world),
		.setup = setup, .thread = seed_thread, .arg = m,
	};
}

struct explore_check model_family(struct model *m)
{
	ASSERT(m->pages >= 2 && m->pages <= PAGES_MAX);
	return (struct explore_check){
		.name = "family", .threads = m->pages + 1, .state_size = sizeof(struct world),
		.setup = setup, .thread = family_thread, .arg = m,
	};
}
