/* SPDX-License-Identifier: MIT */
/*
 * stress_mirror.c - a device with a page table of its own, made from the address
 * space's pages and kept current by an interval notifier: it touches frames directly,
 * under its lock, and so finds out if a frame is given away before it was told.
 */
#include "stress.h"

struct mirror {
	struct mmu_interval_notifier sub; /* first: the callback finds the rest */
	pthread_mutex_t lock;
	struct stress *s;
	uint32_t frame[WORD_PAGES];       /* number + 1; 0: not mapped */
	uint64_t seen[WORD_PAGES][THREADS_MAX];
};

static bool mirror_invalidate(struct mmu_interval_notifier *sub,
			      const struct mmu_notifier_range *range, uint64_t seq)
{
	struct mirror *m = (struct mirror *)(void *)sub;

	if (!mmu_notifier_range_blockable(range)) {
		if (pthread_mutex_trylock(&m->lock))
			return false;
	} else {
		pthread_mutex_lock(&m->lock);
	}
	mmu_interval_set_seq(sub, seq);
	for (unsigned i = 0; i < WORD_PAGES; i++)
		if (word_page(REGION_OWN, i) >= range->start &&
		    word_page(REGION_OWN, i) < range->end)
			m->frame[i] = 0;
	pthread_mutex_unlock(&m->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = { .invalidate = mirror_invalidate };

int mirror_create(struct stress *s, struct mirror **ret)
{
	struct mirror *m = calloc(1, sizeof(*m));
	int err;

	CHECK(m);
	m->s = s;
	pthread_mutex_init(&m->lock, NULL);
	err = mmu_interval_notifier_insert(&m->sub, s->mm, REGION_START(REGION_OWN),
					   REGION_BYTES, &mirror_ops);
	if (err)
		free(m);
	else
		*ret = m;
	return err;
}

void mirror_destroy(struct mirror *m)
{
	mmu_interval_notifier_remove(&m->sub);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* Under the lock: the frame is ours to look at. */
static void mirror_read(struct mirror *m, unsigned page)
{
	pfn_t pfn = { m->frame[page] - 1 };
	const atomic_u64 *word = frame_memory(m->s->machine, pfn);

	for (unsigned i = 0; i < m->s->threads; i++) {
		uint64_t v = load_acquire(&word[i]);

		CHECK(v >= m->seen[page][i]);
		CHECK(v <= atomic_load(&threads[i].word[REGION_OWN][page].storing));
		m->seen[page][i] = v;
	}
}

/* As hmm_range_fault() and its users do. */
static void mirror_fill(struct mirror *m, unsigned page)
{
	uint64_t seq = mmu_interval_read_begin(&m->sub), addr = word_page(REGION_OWN, page);
	pte_t e;

	if (mmun_mm_fault(m->s->mm, addr, false))
		return;
	rcu_read_lock();
	e = mm_translate(m->s->mm, addr);
	rcu_read_unlock();
	pthread_mutex_lock(&m->lock);
	if (pte_present(e) && !mmu_interval_read_retry(&m->sub, seq)) {
		m->frame[page] = pte_pfn(e).v + 1;
		mirror_read(m, page);
	}
	pthread_mutex_unlock(&m->lock);
}

void op_mirror(struct thread *t)
{
	struct mirror *m = t->s->mirror;
	unsigned page = (unsigned)random_below(t, WORD_PAGES);
	bool mapped;

	pthread_mutex_lock(&m->lock);
	mapped = m->frame[page];
	if (mapped)
		mirror_read(m, page);
	pthread_mutex_unlock(&m->lock);
	if (!mapped)
		mirror_fill(m, page);
}
