/* SPDX-License-Identifier: MIT */
/*
 * interval.c - a value that was computed from a page is kept until the page changes. An
 * interval notifier drops it, and tells whoever is computing it at that moment to begin
 * again. Another thread puts new pages in place meanwhile, each with a greater number; a
 * value from before a replacement must not be seen after it.
 *
 *      cc interval.c $(pkg-config --cflags --libs mmun) -pthread && ./a.out
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <mmun/mmun.h>

enum { ROUNDS = 20000 };

/* The user of the address space: what it has made of the page's first word. */
struct cache {
	struct mmu_interval_notifier sub; /* first: invalidate() finds the rest */
	pthread_mutex_t lock;             /* of what follows; taken by invalidate() too */
	bool valid;
	uint64_t square;
	uint64_t invalidations;
};

static struct mmun_mm *mm;
static uint64_t page;
static atomic_uint_least64_t published;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "failed: %s\n", what);
	exit(1);
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       uint64_t seq)
{
	struct cache *c = (struct cache *)(void *)sub;

	if (mmu_notifier_range_blockable(range))
		pthread_mutex_lock(&c->lock);
	else if (pthread_mutex_trylock(&c->lock))
		return false;
	mmu_interval_set_seq(sub, seq);
	c->valid = false;
	c->invalidations++;
	pthread_mutex_unlock(&c->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

/* Computes it if need be. The page is read with no lock held: that may fault. */
static uint64_t lookup(struct cache *c, struct mmun_cpu *cpu)
{
	uint64_t seq, word, square;

	for (;;) {
		pthread_mutex_lock(&c->lock);
		square = c->square;
		if (c->valid)
			break;
		pthread_mutex_unlock(&c->lock);

		seq = mmu_interval_read_begin(&c->sub);
		check(!mmun_cpu_load(cpu, page, &word), "load");
		sched_yield(); /* the page may be replaced now */
		pthread_mutex_lock(&c->lock);
		if (!mmu_interval_read_retry(&c->sub, seq)) {
			c->square = word * word;
			c->valid = true;
		}
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return square;
}

static void *replace(void *arg)
{
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		check(!mmun_replace_page(mm, page, i), "replace");
		atomic_store(&published, i);
	}
	return arg;
}

int main(void)
{
	struct mmun_machine_opts opts = { .frames = 256 };
	struct cache c = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct mmun_machine *machine = NULL;
	struct mmun_cpu *cpu = NULL;
	pthread_t thread;
	uint64_t low;

	check(!mmun_machine_create(&opts, &machine) &&
	      !mmun_mm_create(machine, MMUN_MODERN, &mm) &&
	      !mmun_mmap(mm, 0, mmun_page_size(), MMUN_PROT_READ,
			 MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS, &page) &&
	      !mmun_cpu_create(mm, &cpu) &&
	      !mmu_interval_notifier_insert(&c.sub, mm, page, mmun_page_size(), &ops) &&
	      !pthread_create(&thread, NULL, replace, NULL), "set-up");
	do {
		low = atomic_load(&published);
		check(lookup(&c, cpu) >= low * low, "the value is not an old one");
	} while (low < ROUNDS);
	pthread_join(thread, NULL);
	check(c.invalidations >= ROUNDS, "each replacement was announced");
	printf("%d pages replaced, no old value seen\n", ROUNDS);

	mmu_interval_notifier_remove(&c.sub);
	mmun_cpu_destroy(cpu);
	mmun_mm_destroy(mm);
	return mmun_machine_destroy(machine) ? 1 : 0;
}
