/* SPDX-License-Identifier: MIT */
/*
 * random_words.c - random checks of a few words of page tables (mmun/kernel_mm.h) and calls of the
 * library, in two or three threads: tables that are moved and taken away, walks of the reverse map,
 * changes of entries, areas that are looked up and that go, interval notifiers that come and go,
 * with locks and without. Each is explored, and enumerated without any reduction. What one of its
 * interleavings shows, the search must have shown: results, and findings. Where some execution
 * could not be run to its end, because the program has broken a rule, it must have shown a finding.
 *
 * Not all interleavings of the larger ones can be run; of these the first ones are. Where the
 * search itself has more executions than that, nothing is compared.
 *
 * usage: random_words SEEDS [FIRST-SEED [INTERLEAVINGS]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mmun/kernel_mm.h>

enum { THREADS_MAX = 3, WORDS_MAX = 2, RESULTS_MAX = 4096 };

/* X(enumerator, function): what a thread does. A program's words are of one of three kinds, or of
 * all: tables, areas, notifiers. */
#define WORDS(X) \
	X(MOVE, move) X(MOVE_LOCKED, move_locked) X(TAKE_TABLE, take_table) \
	X(GIVE_TABLE, give_table) X(PROTECT_ENTRY, protect_entry) X(LOAD, load) X(WALK, walk) \
	X(LOOK_UP, look_up) X(LOOK_UP_LOCKED, look_up_locked) X(LOCK_AREA, lock_area) \
	X(UNMAP, unmap) X(PROTECT, protect) \
	X(INSERT, insert) X(READ, read_begin) X(PAIR, pair)

enum word {
#define X(e, f) W_##e,
	WORDS(X)
#undef X
	WORD_COUNT,
};

static const struct { enum word first, count; } kinds[] = {
	{ W_MOVE, W_WALK - W_MOVE + 1 }, { W_WALK, W_PROTECT - W_WALK + 1 },
	{ W_INSERT, WORD_COUNT - W_INSERT }, { 0, WORD_COUNT },
};

struct program { unsigned threads, words[THREADS_MAX]; uint8_t word[THREADS_MAX][WORDS_MAX]; };

struct s {
	struct mm_world w;
	unsigned long a, b, to;
	struct page *page, *table;    /* of a */
	pmd_t *from, *dest;
	struct mmu_interval_notifier sub;
	uint64_t seen[THREADS_MAX][WORDS_MAX];
};

/* --- what is seen ---------------------------------------------------------------- */

/* Outside of the checks' state: it lasts. */
static struct results { uint64_t hash[RESULTS_MAX]; unsigned count; } results;

static uint64_t mix(uint64_t h, uint64_t v) { return (h ^ v) * 0x9e3779b97f4a7c15u ^ h >> 29; }

static bool has(const struct results *r, uint64_t h)
{
	for (unsigned n = 0; n < r->count; n++)
		if (r->hash[n] == h)
			return true;
	return false;
}

static void result_add(uint64_t h)
{
	if (has(&results, h))
		return;
	BUG_ON(results.count == RESULTS_MAX);
	results.hash[results.count++] = h;
}

/* --- words ------------------------------------------------------------------------ */

static void begin(struct s *s, struct mmu_notifier_range *range, unsigned long addr)
{
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, s->w.mm, addr, addr + PMD_SIZE);
	mmu_notifier_invalidate_range_start(range);
}

static uint64_t move(struct s *s)
{
	struct mmu_notifier_range range;
	spinlock_t *ptl;
	pmd_t pmd;

	begin(s, &range, s->a);
	ptl = pmd_lock(s->w.mm, s->from);
	pmd = pmdp_get(s->from);
	if (pmd_present(pmd)) {
		pmd_clear(s->w.mm, s->a, s->from);
		pmd_populate(s->w.mm, s->to, s->dest, pmd_page(pmd));
	}
	spin_unlock(ptl);
	mmu_notifier_invalidate_range_end(&range);
	return pmd_present(pmd);
}

static uint64_t move_locked(struct s *s)
{
	uint64_t moved;

	mmap_write_lock(s->w.mm);
	moved = move(s);
	mmap_write_unlock(s->w.mm);
	return moved;
}

/* Outside of a range: a finding if something is mapped there. */
static uint64_t take_table(struct s *s)
{
	spinlock_t *ptl = pmd_lock(s->w.mm, s->from);
	pmd_t pmd = pmdp_get(s->from);

	if (pmd_present(pmd))
		pmd_clear(s->w.mm, s->a, s->from);
	spin_unlock(ptl);
	return pmd_present(pmd);
}

static uint64_t give_table(struct s *s)
{
	spinlock_t *ptl = pmd_lock(s->w.mm, s->from);
	bool none = pmd_none(pmdp_get(s->from)) && pmd_none(pmdp_get(s->dest));

	if (none)
		pmd_populate(s->w.mm, s->a, s->from, s->table);
	spin_unlock(ptl);
	return none;
}

static bool note(struct folio *folio, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	(void)folio;
	(void)vma;
	*(uint64_t *)arg = addr;
	return false;
}

static uint64_t walk(struct s *s)
{
	uint64_t seen = 0;
	struct rmap_walk_control rwc = { .arg = &seen, .rmap_one = note };

	rmap_walk(s->page, &rwc);
	return seen;
}

static uint64_t protect_entry(struct s *s)
{
	struct mmu_notifier_range range;
	spinlock_t *ptl = NULL;
	pte_t *pte;

	begin(s, &range, s->a);
	pte = pte_offset_map_lock(s->w.mm, s->from, s->a, &ptl);
	if (pte) {
		ptep_set_wrprotect(s->w.mm, s->a, pte);
		pte_unmap_unlock(pte, ptl);
	}
	mmu_notifier_invalidate_range_end(&range);
	return pte != NULL;
}

static uint64_t look_up(struct s *s)
{
	struct vm_area_struct vma = vma_of(s->w.mm, s->b);

	return vma.vm_start + vma.vm_end;
}

static uint64_t look_up_locked(struct s *s)
{
	struct vm_area_struct vma;

	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	mmap_read_unlock(s->w.mm);
	return vma.vm_start + vma.vm_end;
}

static uint64_t lock_area(struct s *s)
{
	struct vm_area_struct vma = vma_of(s->w.mm, s->b);

	vma_start_read(&vma);
	vma = vma_of(s->w.mm, s->b);
	vma_end_read(&vma);
	return vma.vm_end;
}

static uint64_t unmap(struct s *s)
{
	return (uint64_t)mmun_munmap(s->w.mm, s->b, PAGE_SIZE);
}

static uint64_t protect(struct s *s)
{
	return (uint64_t)mmun_mprotect(s->w.mm, s->b, PAGE_SIZE, MMUN_PROT_READ);
}

static uint64_t load(struct s *s)
{
	uint64_t value = 0;

	return cpu_try_load(s->w.cpu[0], s->a, &value) ? value : 100;
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	(void)range;
	mmu_interval_set_seq(sub, seq);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

static uint64_t insert(struct s *s)
{
	struct mmu_interval_notifier *sub = kzalloc(sizeof(*sub), GFP_KERNEL);

	EXPLORE_ASSERT(!mmu_interval_notifier_insert(sub, s->w.mm, s->a, PAGE_SIZE, &ops));
	mmu_interval_notifier_remove(sub);
	kfree(sub);
	return 0;
}

static uint64_t read_begin(struct s *s)
{
	uint64_t seq = mmu_interval_read_begin(&s->sub);

	return mmu_interval_read_retry(&s->sub, seq);
}

static uint64_t pair(struct s *s)
{
	struct mmu_notifier_range range;

	begin(s, &range, s->a);
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

static const struct { const char *name; uint64_t (*run)(struct s *s); } words[] = {
#define X(e, f) { #f, f },
	WORDS(X)
#undef X
};

/* --- the check ---------------------------------------------------------------------- */

static bool program_has(const struct program *p, enum word word)
{
	for (unsigned t = 0; t < p->threads; t++)
		for (unsigned n = 0; n < p->words[t]; n++)
			if (p->word[t][n] == word)
				return true;
	return false;
}

static void setup(void *state, void *arg)
{
	const struct program *p = arg;
	struct s *s = state;

	mm_world_init(&s->w, MMUN_MODERN, 1, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->b = mm_world_page(&s->w, 2, 0, 8);
	s->to = s->a + PMD_SIZE;
	s->from = pmd_off(s->w.mm, s->a);
	s->dest = pmd_alloc_off(s->w.mm, s->to);
	s->table = pmd_page(pmdp_get(s->from));
	s->page = pte_page(ptep_get(pte_offset_map(s->w.mm, s->from, s->a)));
	if (program_has(p, W_READ))
		EXPLORE_ASSERT(!mmu_interval_notifier_insert(&s->sub, s->w.mm, s->a, PAGE_SIZE,
							     &ops));
}

static void thread(void *state, unsigned t, void *arg)
{
	const struct program *p = arg;
	struct s *s = state;

	for (unsigned n = 0; n < p->words[t]; n++)
		s->seen[t][n] = words[p->word[t][n]].run(s);
}

static uint64_t entry_of(struct s *s, pmd_t *pmd, unsigned long addr)
{
	pte_t *pte = pte_offset_map(s->w.mm, pmd, addr);

	return pte ? pte_val(ptep_get(pte)) : 1;
}

static void finish(void *state, void *arg)
{
	struct s *s = state;
	uint64_t h = 0;

	(void)arg;
	for (unsigned t = 0; t < THREADS_MAX; t++)
		for (unsigned n = 0; n < WORDS_MAX; n++)
			h = mix(h, s->seen[t][n]);
	h = mix(h, entry_of(s, s->from, s->a));
	h = mix(h, entry_of(s, s->dest, s->to));
	h = mix(h, walk(s));
	result_add(h);
}

/* --- one seed -------------------------------------------------------------------------- */

static uint64_t random_number(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void program_make(struct program *p, uint64_t seed)
{
	uint64_t kind;

	memset(p, 0, sizeof(*p));
	seed = seed * 0x9e3779b97f4a7c15u + 1;
	(void)random_number(&seed);
	kind = random_number(&seed) % (sizeof(kinds) / sizeof(*kinds));
	p->threads = 2 + random_number(&seed) % 2;
	for (unsigned t = 0; t < p->threads; t++) {
		p->words[t] = 1 + (p->threads == 2 && random_number(&seed) % 3 == 0);
		for (unsigned n = 0; n < p->words[t]; n++)
			p->word[t][n] = (uint8_t)(kinds[kind].first +
						      random_number(&seed) % kinds[kind].count);
	}
}

static void program_print(const struct program *p)
{
	for (unsigned t = 0; t < p->threads; t++)
		for (unsigned n = 0; n < p->words[t]; n++)
			printf("%s%s", n ? ", " : t ? " | " : "    ", words[p->word[t][n]].name);
	printf("\n");
}

struct answer { struct explore_result result; struct results results; };

static void explore_by(struct program *p, enum explore_algorithm algorithm, uint64_t bound,
		       struct answer *ret)
{
	const struct explore_check check = {
		.name = "words", .threads = p->threads, .state_size = sizeof(struct s),
		.setup = setup, .thread = thread, .finish = finish, .arg = p,
	};
	const struct explore_options options = { .algorithm = algorithm, .executions_max = bound };

	results.count = 0;
	if (explore(&check, &options, &ret->result)) {
		printf("no memory\n");
		exit(1);
	}
	ret->results = results;
}

/* A race or a touch may be told in either order of its two places. */
static bool same_finding(const struct explore_finding *a, const struct explore_finding *b)
{
	bool either = a->oracle == ORACLE_RACE || a->oracle == ORACLE_LIFETIME;

	return a->oracle == b->oracle && (either || !strcmp(a->text, b->text));
}

static bool finds(const struct explore_result *r, const struct explore_finding *f)
{
	for (unsigned n = 0; n < r->findings; n++)
		if (same_finding(&r->finding[n], f))
			return true;
	return false;
}

/* What one has seen the other one has seen, too; in words. */
static unsigned missing(const char *who, const struct answer *from, const struct answer *in)
{
	unsigned count = 0;

	for (unsigned n = 0; n < from->results.count; n++)
		count += !has(&in->results, from->results.hash[n]);
	if (count)
		printf("    %s lacks %u results of %u\n", who, count, from->results.count);
	for (unsigned n = 0; n < from->result.findings; n++) {
		if (finds(&in->result, &from->result.finding[n]))
			continue;
		printf("    %s lacks: %s\n", who, from->result.finding[n].text);
		count++;
	}
	return count;
}

static bool try_seed(uint64_t seed, uint64_t interleavings, uint64_t *whole)
{
	static struct answer search, all;
	struct program p;
	unsigned wrong;

	program_make(&p, seed);
	explore_by(&p, EXPLORE_OPTIMAL, interleavings, &search);
	explore_by(&p, EXPLORE_ALL, interleavings, &all);
	if (search.result.executions >= interleavings) { /* a large one */
		wrong = 0;
	} else if (!search.result.exhaustive) {
		wrong = all.result.findings && !search.result.findings;
	} else {
		wrong = missing("the search", &all, &search);
		if (all.result.exhaustive)
			wrong += missing("the enumeration", &search, &all);
	}
	*whole += all.result.exhaustive;
	if (wrong || getenv("RANDOM_WORDS_VERBOSE")) {
		printf("seed %" PRIu64 ": %" PRIu64 " executions, %" PRIu64 " interleavings%s\n",
		       seed, search.result.executions, all.result.executions,
		       all.result.exhaustive ? "" : " (part)");
		program_print(&p);
	}
	explore_result_fini(&search.result);
	explore_result_fini(&all.result);
	return !wrong;
}

/* As code that the compiler was told to watch does: see src/explore/door/tsan.c. */
void __tsan_init(void);

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : 100;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint64_t interleavings = argc > 3 ? strtoull(argv[3], NULL, 0) : 5000;
	uint64_t whole = 0, wrong = 0;

	__tsan_init();
	for (uint64_t seed = first; seed < first + seeds; seed++)
		wrong += !try_seed(seed, interleavings, &whole);
	printf("%" PRIu64 " programs, %" PRIu64 " enumerated whole, %" PRIu64 " wrong\n", seeds,
	       whole, wrong);
	return wrong != 0;
}
