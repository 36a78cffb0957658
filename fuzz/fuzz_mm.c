/* SPDX-License-Identifier: MIT */
/*
 * fuzz_mm.c - bytes as a program of public calls on a small machine, held against
 * a shadow of what each address space maps. Owns the shadow: areas, and of each
 * page that is an address space's own the words that were written. Every result
 * is the one that the header promises and the shadow expects; processors, devices
 * and the tables themselves agree with it; nothing is left at the end.
 *
 * Built with -fsanitize=fuzzer it is a fuzzer; with -DFUZZ_STANDALONE a program
 * that replays the files given as arguments, after -v telling each call.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vm/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MMS = 6, CPUS = 6, DEVICES = 6, NOTIFIERS = 6, /* at once */
	SLOTS = 8,          /* words of a page that are used */
	PAGES_MAX = 560,    /* an address space's own; more than a gather holds */
	AREAS_MAX = 128,
	CACHED_MAX = 8,
	FRAMES_TOP = 1024,
	OPS_MAX = 1000,
	NO_EVENT = -1,
	NO_PROT = -1,
	ANON = MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS,
};

#define POISON UINT64_C(0xdeadbeefdeadbeef)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

struct input { const uint8_t *at, *end; };

struct shadow_area { uint64_t start, end; int prot; };
struct shadow_page { uint64_t page, word[SLOTS]; };

enum mm_state { MM_NONE, MM_LIVE, MM_DEAD }; /* dead: destroyed, but still known to users */

struct shadow {
	struct mmun_mm *mm;
	enum mm_state state;
	enum mmun_semantics semantics;
	int cpus, users; /* attached; users: devices and notifiers */
	int areas, pages;
	struct shadow_area area[AREAS_MAX]; /* ascending, merged */
	struct shadow_page page[PAGES_MAX];
};

struct cpu { struct mmun_cpu *cpu; struct shadow *s; };

enum device_kind { DEVICE_PLAIN, DEVICE_OPTS, DEVICE_HANDLER, DEVICE_REFUSES, DEVICE_KINDS };

struct device {
	struct mmun_ats *ats;
	struct shadow *s;
	enum device_kind kind;
	uint64_t addr; /* of the access under way */
	bool write;
};

/* What a notifier's user has taken from the page tables and must not keep too long. */
struct cached { uint64_t page; pte_t pte; };

struct notifier {
	struct mmu_notifier mn;
	struct shadow *s;      /* NULL: not registered */
	int kind;
	bool released;
	struct mmu_notifier_range open; /* mm NULL: none */
	struct cached cached[CACHED_MAX];
	int count;
};

struct world {
	struct input in;
	struct mmun_machine *machine;
	uint64_t frames;
	struct shadow mm[MMS];
	struct cpu cpu[CPUS];
	struct device device[DEVICES];
	struct notifier notifier[NOTIFIERS];
	uint8_t target;        /* of this op */
	unsigned fail_at;      /* which of its allocations fails, 0: none */
	bool failed;           /* and it did */
	struct mmun_mm *busy;  /* the mm of the call under way, */
	int event;             /* what it may notify, */
	uint64_t lo, hi;       /* and where */
};

static struct world world;
static bool verbose;

/* --- input ----------------------------------------------------------------- */

static uint8_t take(struct world *w)
{
	return w->in.at < w->in.end ? *w->in.at++ : 0;
}

static uint64_t take_u64(struct world *w)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | take(w);
	return v;
}

/* Near places at which tables end; some that are no addresses at all. */
static uint64_t take_addr(struct world *w)
{
	static const uint64_t odd[] = {
		UINT64_MAX, UINT64_MAX - 4095, TASK_BYTES, TASK_BYTES - 8, TASK_BYTES + 8,
		(uint64_t)1 << 63, TASK_BYTES - 4096, 1, 8, 4097, TASK_BYTES - 1, 3 * GIB,
		2 * MIB + 1, UINT64_MAX - 2 * MIB + 1,
	};
	static const uint64_t near[] = {
		10 * MIB, 10 * MIB + 32 * 4096, 2 * MIB - 16 * 4096, GIB - 16 * 4096,
		512 * GIB - 16 * 4096, TASK_BYTES - 16 * 4096, 0,
	};
	uint8_t b = take(w), which = b >> 5, low = b & 31;

	if (which < ARRAY_SIZE(near))
		return near[which] + low * PAGE_BYTES;
	return low < ARRAY_SIZE(odd) ? odd[low] : take_u64(w);
}

static uint64_t take_len(struct world *w)
{
	static const uint64_t odd[] = {
		0, 1, 4095, 4097, 2 * MIB, GIB, 512 * GIB, TASK_BYTES, TASK_BYTES - 2 * MIB,
		TASK_BYTES + 1, UINT64_MAX, UINT64_MAX - 4094, (uint64_t)1 << 63, TASK_BYTES - 4096,
	};
	uint8_t b = take(w);

	if (b < 224)
		return (1 + (uint64_t)(b & 31)) * PAGE_BYTES;
	b -= 224;
	return b < ARRAY_SIZE(odd) ? odd[b] : take_u64(w);
}

static int take_prot(struct world *w)
{
	static const int prots[] = {
		MMUN_PROT_READ | MMUN_PROT_WRITE, MMUN_PROT_READ, MMUN_PROT_NONE, MMUN_PROT_WRITE,
	};
	uint8_t b = take(w);

	return b < 240 ? prots[b & 3] : b & 1 ? -1 : 1 << (b & 7);
}

static uint64_t slot_offset(unsigned slot)
{
	static const uint64_t offset[SLOTS] = { 0, 8, 64, 1024, 2048, 2056, 4080, 4088 };

	return offset[slot];
}

/* The address of a word; one in 16 is none, being no multiple of 8. */
static uint64_t take_word(struct world *w, unsigned *ret_slot)
{
	uint64_t page = page_down(take_addr(w));
	uint8_t b = take(w);

	*ret_slot = b % SLOTS;
	return page + slot_offset(*ret_slot) + (b >= 240 ? 1 + (b & 6) : 0);
}

/* --- the shadow ------------------------------------------------------------ */

static const struct shadow_area *area_at(const struct shadow *s, uint64_t addr)
{
	for (int i = 0; i < s->areas; i++)
		if (s->area[i].start <= addr && addr < s->area[i].end)
			return &s->area[i];
	return NULL;
}

static bool overlaps(const struct shadow *s, uint64_t start, uint64_t end)
{
	for (int i = 0; i < s->areas; i++)
		if (s->area[i].start < end && start < s->area[i].end)
			return true;
	return false;
}

static bool is_covered(const struct shadow *s, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct shadow_area *a = area_at(s, start);

		if (!a)
			return false;
		start = a->end;
	}
	return true;
}

static bool has_room(const struct shadow *s, uint64_t from, uint64_t len)
{
	for (int i = 0; i < s->areas; i++) {
		const struct shadow_area *a = &s->area[i];

		if (a->start >= from && a->start - from >= len)
			return true;
		from = max_u64(from, a->end);
	}
	return TASK_BYTES - from >= len;
}

static void area_append(struct shadow *s, uint64_t start, uint64_t end, int prot)
{
	struct shadow_area *last = s->areas ? &s->area[s->areas - 1] : NULL;

	if (start >= end || prot == NO_PROT)
		return;
	if (last && last->end == start && last->prot == prot) {
		last->end = end;
		return;
	}
	ASSERT(s->areas < AREAS_MAX);
	s->area[s->areas++] = (struct shadow_area){ start, end, prot };
}

/* The range becomes one area with this protection, or none with NO_PROT. */
static void area_set(struct shadow *s, uint64_t start, uint64_t end, int prot)
{
	static struct shadow_area old[AREAS_MAX];
	int count = s->areas, i;

	memcpy(old, s->area, sizeof(old[0]) * (size_t)count);
	s->areas = 0;
	for (i = 0; i < count && old[i].start < start; i++)
		area_append(s, old[i].start, min_u64(old[i].end, start), old[i].prot);
	area_append(s, start, end, prot);
	for (i = 0; i < count; i++)
		if (old[i].end > end)
			area_append(s, max_u64(old[i].start, end), old[i].end, old[i].prot);
}

static struct shadow_page *page_at(struct shadow *s, uint64_t addr)
{
	for (int i = 0; i < s->pages; i++)
		if (s->page[i].page == page_down(addr))
			return &s->page[i];
	return NULL;
}

/* The page has become the address space's own, if it was not. */
static struct shadow_page *page_own(struct shadow *s, uint64_t addr)
{
	struct shadow_page *p = page_at(s, addr);

	if (p)
		return p;
	ASSERT(s->pages < PAGES_MAX);
	p = &s->page[s->pages++];
	*p = (struct shadow_page){ .page = page_down(addr) };
	return p;
}

static void pages_drop(struct shadow *s, uint64_t start, uint64_t end)
{
	for (int i = 0; i < s->pages;)
		if (s->page[i].page >= start && s->page[i].page < end)
			s->page[i] = s->page[--s->pages];
		else
			i++;
}

static bool is_full(struct shadow *s, uint64_t addr)
{
	return s->pages == PAGES_MAX && !page_at(s, addr);
}

/* What an access or a fault there is to return, memory permitting. */
static int want_access(const struct shadow *s, uint64_t addr, bool write)
{
	const struct shadow_area *a = area_at(s, addr);

	if (!a || a->prot == MMUN_PROT_NONE || (write && !(a->prot & MMUN_PROT_WRITE)))
		return -EFAULT;
	return 0;
}

static uint64_t want_value(struct shadow *s, uint64_t addr, unsigned slot)
{
	const struct shadow_page *p = page_at(s, addr);

	return p ? p->word[slot] : 0;
}

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

static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct notifier *n = container_of(mn, struct notifier, mn);

	ASSERT(n->s && n->s->mm == mm && !n->released && !n->open.mm);
	n->released = true;
	n->count = 0;
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct notifier *n = container_of(mn, struct notifier, mn);

	check_range(range->start, range->end);
	ASSERT(n->s && !n->released && !n->open.mm);
	ASSERT(range->mm == n->s->mm && range->mm == world.busy && !range->owner);
	ASSERT(range->flags == MMU_NOTIFIER_RANGE_BLOCKABLE);
	ASSERT((int)range->event == world.event);
	ASSERT(range->start >= world.lo && range->end <= world.hi);
	for (int i = 0; i < n->count; i++) /* pages are still mapped */
		ASSERT(pte_present(mm_translate(n->s->mm, n->cached[i].page)));
	cached_drop(n, range->start, range->end);
	if (mn->ops->invalidate_range_end)
		n->open = *range;
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct notifier *n = container_of(mn, struct notifier, mn);

	ASSERT(n->s && !n->released && (int)range->event == world.event);
	if (!mn->ops->invalidate_range_start)
		return;
	ASSERT(n->open.mm == range->mm && n->open.event == range->event);
	ASSERT(n->open.start == range->start && n->open.end == range->end);
	n->open.mm = NULL;
}

static void on_flush(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	struct notifier *n = container_of(mn, struct notifier, mn);

	check_range(start, end);
	ASSERT(n->s && !n->released && n->s->mm == mm && mm == world.busy);
	ASSERT(world.event != NO_EVENT);
	cached_drop(n, start, end);
}

static const struct mmu_notifier_ops notifier_ops[] = {
	{ on_release, on_start, on_end, NULL, NULL },
	{ on_release, NULL, NULL, on_flush, NULL },
	{ on_release, NULL, NULL, NULL, on_flush },
	{ NULL, on_start, on_end, NULL, on_flush },
	{ NULL, on_start, NULL, NULL, NULL },
	{ NULL, NULL, on_end, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
	{ on_release, on_start, NULL, on_flush, NULL },
	{ on_release, NULL, on_end, on_flush, NULL },
	{ on_release, NULL, NULL, on_flush, on_flush },
};

/* Whoever is not told of invalidations, or of the mm's end, keeps nothing. */
static bool can_cache(const struct notifier *n)
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

		ASSERT(!n->open.mm);
		for (int k = 0; k < n->count; k++) {
			pte_t had = n->cached[k].pte;
			pte_t now = mm_translate(n->s->mm, n->cached[k].page);

			ASSERT(pte_present(now) && pte_pfn(now).v == pte_pfn(had).v);
			ASSERT(!pte_write(had) || pte_write(now));
		}
	}
}

/* --- calls ----------------------------------------------------------------- */

/* Before each call: the mm that may notify, what, and of which addresses. */
static void begin(struct world *w, struct mmun_mm *mm, int event, uint64_t lo, uint64_t hi)
{
	w->busy = mm;
	w->event = event;
	w->lo = lo;
	w->hi = hi;
	sync_alloc_fail_at(w->fail_at);
}

static void begin_quiet(struct world *w) { begin(w, NULL, NO_EVENT, 0, 0); }

/* After it. Whatever could not be allocated, the caller is told so. */
static void finish(struct world *w, const char *name, uint64_t a, uint64_t b, int err)
{
	w->failed = sync_alloc_fail_clear();
	w->busy = NULL;
	w->event = NO_EVENT;
	if (verbose)
		fprintf(stderr, "%-12s %#14llx %#14llx = %d%s\n", name, (unsigned long long)a,
			(unsigned long long)b, err, w->failed ? ", no allocation" : "");
	ASSERT(!w->failed || err == -ENOMEM);
	check_cached(w);
}

static uint64_t frames_free(const struct world *w)
{
	return w->frames - 1 - machine_frames_used(w->machine);
}

/* A call that uses frames: true if it did what is wanted, false if it could not. */
static bool got_frames(const struct world *w, int err, int want)
{
	if (w->failed)
		return false;
	if (err == -ENOMEM) {
		ASSERT(want == 0 && frames_free(w) == 0);
		return false;
	}
	ASSERT(err == want);
	return err == 0;
}

static struct shadow *pick_mm(struct world *w)
{
	for (int i = 0; i < MMS; i++) {
		struct shadow *s = &w->mm[(w->target + i) % MMS];

		if (s->state == MM_LIVE)
			return s;
	}
	return NULL;
}

static struct shadow *free_mm(struct world *w)
{
	for (int i = 0; i < MMS; i++)
		if (w->mm[i].state == MM_NONE)
			return &w->mm[i];
	return NULL;
}

static void user_gone(struct shadow *s)
{
	if (--s->users == 0 && s->state == MM_DEAD)
		s->state = MM_NONE;
}

/* --- address spaces -------------------------------------------------------- */

static void op_create(struct world *w)
{
	struct shadow *s = free_mm(w);
	enum mmun_semantics semantics = take(w) & 1 ? MMUN_CLASSIC : MMUN_MODERN;
	struct mmun_mm *mm = NULL;
	int err;

	if (!s)
		return;
	begin_quiet(w);
	err = mmun_mm_create(w->machine, semantics, &mm);
	finish(w, "mm_create", semantics, 0, err);
	ASSERT(!err == !!mm);
	if (!got_frames(w, err, 0))
		return;
	s->mm = mm;
	s->state = MM_LIVE;
	s->semantics = semantics;
	s->cpus = s->users = s->areas = s->pages = 0;
}

static void destroy(struct world *w, struct shadow *s)
{
	int err;

	/* Who has no release knows of the end by himself. */
	for (int i = 0; i < NOTIFIERS; i++)
		if (w->notifier[i].s == s && !w->notifier[i].mn.ops->release)
			w->notifier[i].count = 0;
	begin_quiet(w);
	err = mmun_mm_destroy(s->mm);
	finish(w, "mm_destroy", (uint64_t)(s - w->mm), 0, err);
	ASSERT(err == (s->cpus ? -EBUSY : 0) && !w->failed);
	if (err)
		return;
	s->state = s->users ? MM_DEAD : MM_NONE;
	s->areas = s->pages = 0;
	for (int i = 0; i < NOTIFIERS; i++) {
		struct notifier *n = &w->notifier[i];

		if (n->s == s)
			ASSERT(n->released == !!n->mn.ops->release && n->count == 0);
	}
}

static void op_destroy(struct world *w)
{
	struct shadow *s = pick_mm(w);

	if (s)
		destroy(w, s);
}

static uint64_t tables_of(const struct world *w, pfn_t table, unsigned level)
{
	const atomic_u64 *entry = frame_memory(w->machine, table);
	uint64_t sum = 1;

	for (unsigned i = 0; level && i < TABLE_ENTRIES; i++) {
		pte_t e = pte_get(&entry[i]);

		if (!pte_none(e))
			sum += tables_of(w, pte_pfn(e), level - 1);
	}
	return sum;
}

static void op_fork(struct world *w)
{
	struct shadow *s = pick_mm(w), *c = free_mm(w);
	struct mmun_mm *child = NULL;
	uint64_t had, tables;
	int err;

	if (!s || !c)
		return;
	had = frames_free(w);
	tables = tables_of(w, s->mm->pgd, TABLE_LEVELS - 1);
	begin(w, s->mm, MMU_NOTIFY_PROTECTION_PAGE, 0, TASK_BYTES);
	err = mmun_fork(s->mm, &child);
	finish(w, "fork", (uint64_t)(s - w->mm), (uint64_t)(c - w->mm), err);
	ASSERT(!err == !!child);
	if (err) {
		ASSERT(err == -ENOMEM && (w->failed || had < tables));
		ASSERT(frames_free(w) == had);
		return;
	}
	ASSERT(had - frames_free(w) <= tables);
	*c = *s;
	c->mm = child;
	c->cpus = c->users = 0;
}

/* --- areas ----------------------------------------------------------------- */

/* As the library rounds; false: not within the user's addresses. */
static bool round_len(uint64_t addr, uint64_t *len)
{
	if (*len > TASK_BYTES || addr > TASK_BYTES)
		return false;
	*len = (*len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	return *len <= TASK_BYTES - addr;
}

static uint64_t range_end(uint64_t addr, uint64_t len)
{
	return round_len(addr, &len) ? addr + len : addr;
}

static int take_flags(struct world *w)
{
	static const int bad[] = {
		0, MMUN_MAP_FIXED, MMUN_MAP_PRIVATE, MMUN_MAP_ANONYMOUS, ANON | 1, ANON | 0x40,
		-1, ANON | (1 << 30),
	};
	uint8_t b = take(w);

	if (b >= 240)
		return bad[b % ARRAY_SIZE(bad)];
	return ANON | (b & 1 ? MMUN_MAP_FIXED : 0);
}

/* What mmap returns for good arguments; *ret_at is POISON if any place will do. */
static int want_mmap(const struct shadow *s, uint64_t addr, uint64_t *len, bool fixed,
		     uint64_t *ret_at)
{
	uint64_t at = page_down(addr), end = *len;

	*ret_at = fixed ? addr : POISON;
	if (!round_len(fixed ? addr : 0, len))
		return -ENOMEM;
	if (fixed)
		return 0;
	if (addr && round_len(at, &end) && !overlaps(s, at, at + end)) {
		*ret_at = at;
		return 0;
	}
	return has_room(s, entry_bytes(1), *len) ? 0 : -ENOMEM;
}

static void op_mmap(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w), len = take_len(w), at = POISON, want_at = POISON;
	int prot = take_prot(w), flags = take_flags(w), err, want = -EINVAL;
	bool fixed = flags & MMUN_MAP_FIXED, good;

	if (!s || s->areas > AREAS_MAX - 3)
		return;
	begin(w, s->mm, fixed ? MMU_NOTIFY_UNMAP : NO_EVENT, addr, range_end(addr, len));
	err = mmun_mmap(s->mm, addr, len, prot, flags, &at);
	finish(w, fixed ? "mmap fixed" : "mmap", addr, len, err);
	good = len && !(prot & ~3) && (flags & ~MMUN_MAP_FIXED) == ANON &&
	       !(fixed && addr % PAGE_BYTES);
	if (good)
		want = want_mmap(s, addr, &len, fixed, &want_at);
	ASSERT(err == want || w->failed);
	ASSERT(!err == (at != POISON));
	if (err)
		return;
	ASSERT(want_at == POISON || want_at == at);
	ASSERT(at % PAGE_BYTES == 0 && at < TASK_BYTES && len <= TASK_BYTES - at);
	ASSERT(fixed || !overlaps(s, at, at + len));
	pages_drop(s, at, at + len);
	area_set(s, at, at + len, prot);
}

static void op_munmap(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w), len = take_len(w);
	bool good;
	int err;

	if (!s || s->areas > AREAS_MAX - 3)
		return;
	begin(w, s->mm, MMU_NOTIFY_UNMAP, addr, range_end(addr, len));
	err = mmun_munmap(s->mm, addr, len);
	finish(w, "munmap", addr, len, err);
	good = addr % PAGE_BYTES == 0 && len && round_len(addr, &len);
	ASSERT(err == (good ? 0 : -EINVAL) || w->failed);
	if (err)
		return;
	pages_drop(s, addr, addr + len);
	area_set(s, addr, addr + len, NO_PROT);
}

static void op_mprotect(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w), len = take_len(w);
	int prot = take_prot(w), err, want = 0;

	if (!s || s->areas > AREAS_MAX - 3)
		return;
	begin(w, s->mm, MMU_NOTIFY_PROTECTION_VMA, addr, range_end(addr, len));
	err = mmun_mprotect(s->mm, addr, len, prot);
	finish(w, "mprotect", addr, len, err);
	if (addr % PAGE_BYTES || (prot & ~3))
		want = -EINVAL;
	else if (len && (!round_len(addr, &len) || !is_covered(s, addr, addr + len)))
		want = -ENOMEM;
	ASSERT(err == want || w->failed);
	if (!err && len)
		area_set(s, addr, addr + len, prot);
}

/* --- pages ----------------------------------------------------------------- */

static void op_fault(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w);
	bool write = take(w) & 1;
	int err;

	if (!s || is_full(s, addr))
		return;
	begin(w, s->mm, MMU_NOTIFY_CLEAR, page_down(addr), page_down(addr) + PAGE_BYTES);
	err = mmun_mm_fault(s->mm, addr, write);
	finish(w, "fault", addr, write, err);
	if (got_frames(w, err, want_access(s, addr, write)) && write)
		page_own(s, addr);
}

static int want_merge(struct shadow *s, uint64_t a, uint64_t b)
{
	const struct shadow_page *pa = page_at(s, a), *pb = page_at(s, b);

	if (a % PAGE_BYTES || b % PAGE_BYTES || a == b)
		return -EINVAL;
	if (want_access(s, a, false) || want_access(s, b, false) || !pa || !pb)
		return -EFAULT;
	return memcmp(pa->word, pb->word, sizeof(pa->word)) ? -EAGAIN : 0;
}

static void op_merge(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t a = take_addr(w), b = take_addr(w);
	int err;

	if (!s)
		return;
	begin(w, s->mm, MMU_NOTIFY_CLEAR, min_u64(a, b), max_u64(a, b) + PAGE_BYTES);
	err = mmun_ksm_merge(s->mm, a, b);
	finish(w, "ksm_merge", a, b, err);
	ASSERT(err == want_merge(s, a, b) && !w->failed);
}

static void op_replace(struct world *w)
{
	struct shadow *s = pick_mm(w);
	const struct shadow_area *area;
	unsigned slot;
	uint64_t addr = take_word(w, &slot), value = take(w);
	int err, want = 0;

	if (!s || is_full(s, addr))
		return;
	begin(w, s->mm, MMU_NOTIFY_CLEAR, page_down(addr), page_down(addr) + PAGE_BYTES);
	err = mmun_replace_page(s->mm, addr, value);
	finish(w, "replace_page", addr, value, err);
	area = area_at(s, addr);
	if (addr % 8)
		want = -EINVAL;
	else if (!area || area->prot == MMUN_PROT_NONE)
		want = -EFAULT;
	else if (area->prot & MMUN_PROT_WRITE)
		want = -EINVAL;
	if (got_frames(w, err, want))
		page_own(s, addr)->word[slot] = value;
}

/* --- processors and devices ------------------------------------------------ */

static struct cpu *pick_cpu(struct world *w)
{
	for (int i = 0; i < CPUS; i++)
		if (w->cpu[(w->target + i) % CPUS].cpu)
			return &w->cpu[(w->target + i) % CPUS];
	return NULL;
}

static void op_cpu_create(struct world *w)
{
	struct shadow *s = pick_mm(w);
	int err, i = 0;

	while (i < CPUS && w->cpu[i].cpu)
		i++;
	if (!s || i == CPUS)
		return;
	begin_quiet(w);
	err = mmun_cpu_create(s->mm, &w->cpu[i].cpu);
	finish(w, "cpu_create", (uint64_t)i, (uint64_t)(s - w->mm), err);
	ASSERT(!err == !!w->cpu[i].cpu && !err == !w->failed);
	if (err)
		return;
	w->cpu[i].s = s;
	s->cpus++;
}

static void cpu_destroy(struct world *w, struct cpu *c)
{
	begin_quiet(w);
	mmun_cpu_destroy(c->cpu);
	finish(w, "cpu_destroy", (uint64_t)(c - w->cpu), 0, 0);
	c->s->cpus--;
	c->cpu = NULL;
}

static void op_cpu_destroy(struct world *w)
{
	struct cpu *c = pick_cpu(w);

	if (c)
		cpu_destroy(w, c);
}

struct access {
	uint64_t addr, value;
	unsigned slot;
	bool write, ordered;
};

/* Through a processor, or if that is NULL through a device. */
static int do_access(struct cpu *c, struct device *d, struct access *a)
{
	if (!a->write && c)
		return (a->ordered ? mmun_cpu_load_acquire : mmun_cpu_load)
			(c->cpu, a->addr, &a->value);
	if (!a->write)
		return (a->ordered ? mmun_ats_load_acquire : mmun_ats_load)
			(d->ats, a->addr, &a->value);
	if (c)
		return (a->ordered ? mmun_cpu_store_release : mmun_cpu_store)
			(c->cpu, a->addr, a->value);
	return (a->ordered ? mmun_ats_store_release : mmun_ats_store)(d->ats, a->addr, a->value);
}

static bool is_ready(struct shadow *s, const struct access *a)
{
	return !a->write && page_at(s, a->addr);
}

static int want_word_access(struct shadow *s, const struct device *d, const struct access *a,
			    int err)
{
	int want = want_access(s, a->addr, a->write);

	if (a->addr % 8)
		return -EINVAL;
	if (s->state == MM_DEAD || a->addr >= TASK_BYTES)
		return -EFAULT;
	if (d && d->kind == DEVICE_REFUSES && (want || (err && !is_ready(s, a))))
		return -EIO;
	return want;
}

static void access_word(struct world *w, struct cpu *c, struct device *d, struct access *a)
{
	struct shadow *s = c ? c->s : d->s;
	uint64_t page = page_down(a->addr);
	int err;

	if (a->write && is_full(s, a->addr))
		return;
	if (!a->write)
		a->value = POISON;
	if (d) {
		d->addr = a->addr;
		d->write = a->write;
	}
	begin(w, s->mm, a->write ? MMU_NOTIFY_CLEAR : NO_EVENT, page, page + PAGE_BYTES);
	err = do_access(c, d, a);
	finish(w, a->write ? c ? "cpu_store" : "ats_store" : c ? "cpu_load" : "ats_load",
	       a->addr, a->value, err);
	ASSERT(!is_ready(s, a) || err != -ENOMEM); /* nothing to allocate */
	if (got_frames(w, err, want_word_access(s, d, a, err))) {
		if (a->write)
			page_own(s, a->addr)->word[a->slot] = a->value;
		else
			ASSERT(a->value == want_value(s, a->addr, a->slot));
	} else if (!a->write) {
		ASSERT(a->value == POISON);
	}
}

static void take_access(struct world *w, struct access *a)
{
	uint8_t how;

	a->addr = take_word(w, &a->slot);
	how = take(w);
	a->write = how & 1;
	a->ordered = how & 2;
	/* Few values, so that pages are equal. */
	a->value = how >> 2 & 7 ? how >> 2 & 7 : take_u64(w);
}

static void op_cpu_access(struct world *w)
{
	struct cpu *c = pick_cpu(w);
	struct access a;

	take_access(w, &a);
	if (c)
		access_word(w, c, NULL, &a);
}

static struct device *pick_device(struct world *w)
{
	for (int i = 0; i < DEVICES; i++)
		if (w->device[(w->target + i) % DEVICES].ats)
			return &w->device[(w->target + i) % DEVICES];
	return NULL;
}

static void op_ats_access(struct world *w)
{
	struct device *d = pick_device(w);
	struct access a;

	take_access(w, &a);
	if (d)
		access_word(w, NULL, d, &a);
}

/* Everybody in the address space sees the same. */
static void op_compare(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct access a = { .write = false };

	a.addr = take_word(w, &a.slot);
	for (int i = 0; i < CPUS; i++)
		if (w->cpu[i].cpu && w->cpu[i].s == s)
			access_word(w, &w->cpu[i], NULL, &a);
	for (int i = 0; i < DEVICES; i++)
		if (w->device[i].ats && w->device[i].s == s)
			access_word(w, NULL, &w->device[i], &a);
}

/* Many pages in a row: frames run out, TLB entries are replaced. */
static void op_fill(struct world *w)
{
	struct cpu *c = pick_cpu(w);
	struct device *d = pick_device(w);
	struct access a = { .write = false };
	uint64_t addr = page_down(take_addr(w));
	uint8_t count = take(w), how = take(w);

	if (how & 2 ? !c : !d)
		return;
	for (int i = 0; i < count && addr < TASK_BYTES; i++, addr += PAGE_BYTES) {
		a.addr = addr;
		a.write = how & 1;
		a.value = how >> 2 & 7;
		access_word(w, how & 2 ? c : NULL, how & 2 ? NULL : d, &a);
	}
}

/* Looks before it faults, and in two steps: a write finds the zero page. */
static int handle_request(void *ctx, struct mmun_mm *mm, uint64_t addr, bool write)
{
	const struct device *d = ctx;
	int err = want_access(d->s, addr, write);

	ASSERT(mm == d->s->mm && addr == d->addr && write == d->write);
	if (!err)
		err = mmun_mm_fault(mm, addr, false);
	return err || !write ? err : mmun_mm_fault(mm, addr, true);
}

static int refuse_request(void *ctx, struct mmun_mm *mm, uint64_t addr, bool write)
{
	const struct device *d = ctx;

	ASSERT(mm == d->s->mm && addr == d->addr && write == d->write);
	return -EIO;
}

static void op_ats_create(struct world *w)
{
	static const unsigned odd[] = { 1, 5, 25, 64, UINT32_MAX };
	struct shadow *s = pick_mm(w);
	uint8_t b = take(w), shift = take(w);
	struct mmun_ats_opts opts = { .tlb_shift = shift & 1 ? 6 + (shift >> 1) % 6 : 0 };
	bool good = shift < 250;
	struct device *d = w->device;
	int err;

	while (d < w->device + DEVICES && d->ats)
		d++;
	if (!s || d == w->device + DEVICES)
		return;
	d->kind = b % DEVICE_KINDS;
	if (!good)
		opts.tlb_shift = odd[shift % ARRAY_SIZE(odd)];
	if (d->kind == DEVICE_HANDLER || d->kind == DEVICE_REFUSES)
		opts.page_request = d->kind == DEVICE_HANDLER ? handle_request : refuse_request;
	opts.ctx = d;
	begin_quiet(w);
	err = mmun_ats_create(s->mm, d->kind == DEVICE_PLAIN ? NULL : &opts, &d->ats);
	finish(w, "ats_create", (uint64_t)(d - w->device), opts.tlb_shift, err);
	ASSERT(!err == !!d->ats);
	ASSERT(err == (w->failed ? -ENOMEM : good || d->kind == DEVICE_PLAIN ? 0 : -EINVAL));
	if (err)
		return;
	d->s = s;
	s->users++;
}

static void device_destroy(struct world *w, struct device *d)
{
	begin_quiet(w);
	mmun_ats_destroy(d->ats);
	finish(w, "ats_destroy", (uint64_t)(d - w->device), 0, 0);
	d->ats = NULL;
	user_gone(d->s);
}

static void op_ats_destroy(struct world *w)
{
	struct device *d = pick_device(w);

	if (d)
		device_destroy(w, d);
}

/* --- registering ----------------------------------------------------------- */

static bool ops_are_good(const struct mmu_notifier_ops *ops, enum mmun_semantics semantics)
{
	bool arch = ops->arch_invalidate_secondary_tlbs;

	if (semantics == MMUN_CLASSIC)
		return !arch;
	return !ops->invalidate_range &&
	       !(arch && (ops->invalidate_range_start || ops->invalidate_range_end));
}

static void op_register(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct notifier *n = &w->notifier[w->target % NOTIFIERS];
	const struct mmu_notifier_ops *ops = &notifier_ops[take(w) % ARRAY_SIZE(notifier_ops)];
	bool good = !n->s && s && ops_are_good(ops, s->semantics);
	int err;

	if (!s)
		return;
	if (!n->s) {
		memset(n, 0, sizeof(*n));
		n->mn.ops = ops;
	}
	begin_quiet(w);
	err = mmu_notifier_register(&n->mn, s->mm);
	finish(w, "register", (uint64_t)(n - w->notifier), (uint64_t)(ops - notifier_ops), err);
	ASSERT(err == (good ? 0 : -EINVAL) && !w->failed);
	if (err)
		return;
	n->s = s;
	s->users++;
}

static void unregister(struct world *w, struct notifier *n)
{
	bool tells = n->mn.ops->release;

	begin_quiet(w);
	for (int i = 0; i < MMS; i++) /* it is not registered there: nothing */
		if (w->mm[i].state == MM_LIVE && &w->mm[i] != n->s)
			mmu_notifier_unregister(&n->mn, w->mm[i].mm);
	ASSERT(n->released == (tells && n->s->state == MM_DEAD));
	mmu_notifier_unregister(&n->mn, n->s->mm);
	ASSERT(n->released == tells);
	n->count = 0;
	user_gone(n->s);
	n->s = NULL;
	finish(w, "unregister", (uint64_t)(n - w->notifier), 0, 0);
}

static void op_unregister(struct world *w)
{
	struct notifier *n = &w->notifier[w->target % NOTIFIERS];

	if (n->s)
		unregister(w, n);
}

/* A notifier's user looks at a page table entry and keeps it. */
static void op_cache(struct world *w)
{
	struct notifier *n = &w->notifier[w->target % NOTIFIERS];
	uint64_t page = page_down(take_addr(w));
	pte_t e;

	if (page >= TASK_BYTES || !can_cache(n) || n->count == CACHED_MAX)
		return;
	e = mm_translate(n->s->mm, page);
	if (pte_present(e))
		n->cached[n->count++] = (struct cached){ page, e };
}

/* --- arguments that are none ----------------------------------------------- */

static void op_null(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct mmun_mm *mm = s ? s->mm : NULL;
	struct cpu *c = pick_cpu(w);
	struct device *d = pick_device(w);
	struct mmu_notifier idle = { .ops = NULL };
	uint64_t addr = take_addr(w), v = POISON;
	struct mmun_mm *new_mm = NULL;
	struct mmun_cpu *cpu = NULL;
	struct mmun_ats *ats = NULL;

	begin_quiet(w);
	ASSERT(mmun_mm_create(NULL, MMUN_MODERN, &new_mm) == -EINVAL);
	ASSERT(mmun_mm_create(w->machine, MMUN_MODERN, NULL) == -EINVAL);
	ASSERT(mmun_mm_create(w->machine, (enum mmun_semantics)(2 + (addr & 7)), &new_mm) ==
	       -EINVAL);
	ASSERT(mmun_mm_destroy(NULL) == 0 && mmun_machine_destroy(NULL) == 0);
	ASSERT(mmun_mmap(NULL, addr, PAGE_BYTES, 3, ANON, &v) == -EINVAL);
	ASSERT(mmun_mmap(mm, addr, PAGE_BYTES, 3, ANON, NULL) == -EINVAL);
	ASSERT(mmun_munmap(NULL, addr, PAGE_BYTES) == -EINVAL);
	ASSERT(mmun_mprotect(NULL, addr, PAGE_BYTES, 1) == -EINVAL);
	ASSERT(mmun_fork(NULL, &new_mm) == -EINVAL && mmun_fork(mm, NULL) == -EINVAL);
	ASSERT(mmun_ksm_merge(NULL, 0, PAGE_BYTES) == -EINVAL);
	ASSERT(mmun_replace_page(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_mm_fault(NULL, addr, true) == -EINVAL);
	ASSERT(mmun_cpu_create(NULL, &cpu) == -EINVAL && mmun_cpu_create(mm, NULL) == -EINVAL);
	ASSERT(mmun_ats_create(NULL, NULL, &ats) == -EINVAL);
	ASSERT(mmun_ats_create(mm, NULL, NULL) == -EINVAL);
	mmun_cpu_destroy(NULL);
	mmun_ats_destroy(NULL);
	ASSERT(mmun_cpu_load(NULL, addr, &v) == -EINVAL);
	ASSERT(mmun_cpu_load(c ? c->cpu : NULL, addr, NULL) == -EINVAL);
	ASSERT(mmun_cpu_load_acquire(c ? c->cpu : NULL, addr, NULL) == -EINVAL);
	ASSERT(mmun_cpu_store(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_cpu_store_release(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_ats_load(NULL, addr, &v) == -EINVAL);
	ASSERT(mmun_ats_load(d ? d->ats : NULL, addr, NULL) == -EINVAL);
	ASSERT(mmun_ats_load_acquire(d ? d->ats : NULL, addr, NULL) == -EINVAL);
	ASSERT(mmun_ats_store(NULL, addr, 1) == -EINVAL);
	ASSERT(mmun_ats_store_release(NULL, addr, 1) == -EINVAL);
	ASSERT(mmu_notifier_register(NULL, mm) == -EINVAL);
	ASSERT(mmu_notifier_register(&idle, mm) == -EINVAL);
	idle.ops = &notifier_ops[0];
	ASSERT(mmu_notifier_register(&idle, NULL) == -EINVAL);
	mmu_notifier_unregister(NULL, mm);
	mmu_notifier_unregister(&idle, mm);
	mmu_notifier_unregister(&idle, NULL);
	finish(w, "nulls", addr, 0, 0);
	ASSERT(v == POISON && !new_mm && !cpu && !ats);
}

/* The machine is in use, or is left alone. */
static void op_busy(struct world *w)
{
	bool used = false;

	for (int i = 0; i < MMS; i++)
		used |= w->mm[i].state != MM_NONE;
	if (used)
		ASSERT(mmun_machine_destroy(w->machine) == -EBUSY);
}

/* --- audit ----------------------------------------------------------------- */

struct audit {
	uint32_t refs[FRAMES_TOP]; /* mappings of a page; 1 for a table */
	int own;                   /* pages of this address space that are its own */
};

static void audit_leaf(struct world *w, struct audit *audit, struct shadow *s, uint64_t addr,
		       pte_t e)
{
	const struct shadow_area *area = area_at(s, addr);
	const struct shadow_page *p = page_at(s, addr);
	const struct frame *f = frame_of(w->machine, pte_pfn(e));
	const atomic_u64 *memory = frame_memory(w->machine, pte_pfn(e));

	ASSERT(area && pte_present(e) == (area->prot != MMUN_PROT_NONE));
	ASSERT(!pte_write(e) || (area->prot & MMUN_PROT_WRITE));
	ASSERT(!p == is_zero_page(w->machine, pte_pfn(e)));
	for (unsigned i = 0; i < SLOTS; i++)
		ASSERT(load_relaxed(&memory[slot_offset(i) / 8]) == (p ? p->word[i] : 0));
	if (!p) {
		ASSERT(!pte_write(e));
		return;
	}
	ASSERT((f->flags & ~(uint32_t)FRAME_KSM) == FRAME_ANON);
	ASSERT(!pte_write(e) || (load_relaxed(&f->refcount) == 1 && !(f->flags & FRAME_KSM)));
	audit->refs[pte_pfn(e).v]++;
	audit->own++;
}

/* Each table is used once, serves some area, and maps what the shadow has. */
static void audit_table(struct world *w, struct audit *audit, struct shadow *s, pfn_t table,
			unsigned level, uint64_t base)
{
	const atomic_u64 *entry = frame_memory(w->machine, table);

	ASSERT(frame_of(w->machine, table)->flags == FRAME_TABLE && !audit->refs[table.v]);
	audit->refs[table.v] = 1;
	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		uint64_t addr = base + i * entry_bytes(level);
		pte_t e = pte_get(&entry[i]);

		if (pte_none(e))
			continue;
		ASSERT(overlaps(s, addr, addr + entry_bytes(level)));
		if (level)
			audit_table(w, audit, s, pte_pfn(e), level - 1, addr);
		else
			audit_leaf(w, audit, s, addr, e);
	}
}

static void audit_areas(const struct shadow *s)
{
	struct btree_iter it;
	const struct vma *v = btree_first(&s->mm->areas, &it, 0, TASK_BYTES);

	ASSERT(btree_is_valid(&s->mm->areas));
	for (int i = 0; i < s->areas; i++, v = btree_next(&it)) {
		ASSERT(v && v->start == s->area[i].start && v->end == s->area[i].end);
		ASSERT(v->prot == s->area[i].prot);
		ASSERT(it.start == v->start && it.end == v->end);
	}
	ASSERT(!v);
}

static void op_audit(struct world *w)
{
	static struct audit audit;

	memset(&audit, 0, sizeof(audit));
	for (int i = 0; i < MMS; i++) {
		struct shadow *s = &w->mm[i];

		if (s->state != MM_LIVE)
			continue;
		audit_areas(s);
		audit.own = 0;
		audit_table(w, &audit, s, s->mm->pgd, TABLE_LEVELS - 1, 0);
		ASSERT(audit.own == s->pages);
	}
	for (uint32_t i = 0; i < w->machine->frames; i++) {
		const struct frame *f = &w->machine->frame[i];

		ASSERT(!!audit.refs[i] == !!(f->flags & (FRAME_ANON | FRAME_TABLE)));
		if (f->flags & FRAME_ANON)
			ASSERT(load_relaxed(&f->refcount) == audit.refs[i]);
	}
}

/* --- programs -------------------------------------------------------------- */

/* The more often one is named, the more often it is drawn. */
static void (*const ops[])(struct world *w) = {
	op_cpu_access, op_cpu_access, op_ats_access, op_ats_access, op_compare, op_fill,
	op_mmap, op_mmap, op_munmap, op_mprotect, op_mprotect, op_fork, op_merge, op_replace,
	op_fault, op_create, op_destroy, op_cpu_create, op_cpu_destroy, op_ats_create,
	op_ats_destroy, op_register, op_unregister, op_cache, op_null, op_busy, op_audit,
};

static bool machine_init(struct world *w)
{
	uint8_t b = take(w), fail = take(w);
	struct mmun_machine_opts opts = { .frames = b & 3 ? 64 + (b >> 2) * 3 : 2 + (b >> 2) };
	struct mmun_machine_opts bad = { .frames = b & 3 ? b & 1 : ((uint64_t)1 << 24) + 1 + b };
	int err;

	if (b == UINT8_MAX) /* room for more pages than a gather holds */
		opts.frames = FRAMES_TOP;
	w->machine = NULL;
	ASSERT(mmun_machine_create(&bad, &w->machine) == -EINVAL);
	ASSERT(mmun_machine_create(NULL, &w->machine) == -EINVAL);
	ASSERT(mmun_machine_create(&opts, NULL) == -EINVAL && !w->machine);
	w->frames = opts.frames;
	w->fail_at = fail >= 240 ? fail & 7 : 0;
	begin_quiet(w);
	err = mmun_machine_create(&opts, &w->machine);
	finish(w, "machine", opts.frames, w->fail_at, err);
	ASSERT(!err == !w->failed && !err == !!w->machine);
	return !err;
}

static void devices_fini(struct world *w)
{
	for (int i = 0; i < DEVICES; i++)
		if (w->device[i].ats)
			device_destroy(w, &w->device[i]);
	for (int i = 0; i < NOTIFIERS; i++)
		if (w->notifier[i].s)
			unregister(w, &w->notifier[i]);
}

static void mms_fini(struct world *w)
{
	for (int i = 0; i < MMS; i++)
		if (w->mm[i].state == MM_LIVE)
			destroy(w, &w->mm[i]);
	ASSERT(machine_frames_used(w->machine) == 0);
}

static void world_fini(struct world *w, bool devices_first)
{
	w->fail_at = 0;
	op_audit(w);
	for (int i = 0; i < CPUS; i++)
		if (w->cpu[i].cpu)
			cpu_destroy(w, &w->cpu[i]);
	if (devices_first)
		devices_fini(w);
	mms_fini(w);
	op_busy(w);
	devices_fini(w);
	for (int i = 0; i < MMS; i++)
		ASSERT(w->mm[i].state == MM_NONE);
	ASSERT(mmun_machine_destroy(w->machine) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = &world;
	bool devices_first;

	ASSERT(sync_alloc_live() == 0);
	w->in = (struct input){ data, data + size };
	w->event = NO_EVENT;
	if (machine_init(w)) {
		devices_first = take(w) & 1;
		for (int i = 0; i < OPS_MAX && w->in.at < w->in.end; i++) {
			uint8_t op = take(w), how = take(w);

			/* One op in four has an allocation that fails. */
			w->target = how & 7;
			w->fail_at = how >> 6 == 3 ? 1 + (how >> 3 & 7) : 0;
			ops[op % ARRAY_SIZE(ops)](w);
		}
		world_fini(w, devices_first);
	}
	ASSERT(sync_alloc_live() == 0);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"

int main(int argc, char **argv)
{
	int ret = 0;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else
			ret |= replay(argv[i]);
	return ret;
}
#endif
