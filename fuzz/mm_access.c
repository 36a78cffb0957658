/* SPDX-License-Identifier: MIT */
/*
 * mm_access.c - whoever reads and writes: processors, devices, pins; and notifiers,
 * whose users keep translations.
 */
#include "mm.h"

void op_fault(struct world *w)
{
	struct shadow *s = pick_mm(w);
	uint64_t addr = take_addr(w);
	bool write = take(w) & 1;
	int err;

	if (!s || is_full(s, addr))
		return;
	begin(w, &(struct expected){ .mm = s->mm, .events = 1 << MMU_NOTIFY_CLEAR,
				     .lo = page_down(addr), .hi = page_down(addr) + PAGE_BYTES,
				     .quiet_alloc = true });
	err = mmun_mm_fault(s->mm, addr, write);
	finish(w, "fault", addr, write, err);
	/* After a hint, say, another fault is needed. */
	if (got_frames(w, err, want_access(s, addr, write)) && write &&
	    pte_write(mm_translate(s->mm, addr)))
		page_written(s, addr, -1, 0);
}

/* --- processors ------------------------------------------------------------ */

static struct cpu *pick_cpu(struct world *w)
{
	for (int i = 0; i < CPUS; i++)
		if (w->cpu[(w->target + i) % CPUS].cpu)
			return &w->cpu[(w->target + i) % CPUS];
	return NULL;
}

void op_cpu_create(struct world *w)
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

void cpu_destroy(struct world *w, struct cpu *c)
{
	begin_quiet(w);
	mmun_cpu_destroy(c->cpu);
	finish(w, "cpu_destroy", (uint64_t)(c - w->cpu), 0, 0);
	c->s->cpus--;
	c->cpu = NULL;
}

void op_cpu_destroy(struct world *w)
{
	struct cpu *c = pick_cpu(w);

	if (c)
		cpu_destroy(w, c);
}

/* --- words ----------------------------------------------------------------- */

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

/* There is nothing to allocate, and nobody to ask. */
static bool is_ready(const struct shadow *s, const struct access *a)
{
	return !a->write && s->state == MM_LIVE && a->addr < TASK_BYTES &&
	       pte_present(mm_translate(s->mm, a->addr));
}

static int want_word_access(struct shadow *s, const struct device *d, const struct access *a,
			    int err, bool ready)
{
	int want = want_access(s, a->addr, a->write);

	if (a->addr % 8)
		return -EINVAL;
	if (s->state == MM_DEAD || a->addr >= TASK_BYTES)
		return -EFAULT;
	if (d && d->kind == DEVICE_REFUSES && (want || (err && !ready)))
		return -EIO;
	return want;
}

static void access_word(struct world *w, struct cpu *c, struct device *d, struct access *a)
{
	struct shadow *s = c ? c->s : d->s;
	uint64_t page = page_down(a->addr);
	bool ready = is_ready(s, a);
	int err;

	if (a->write && is_full(s, a->addr))
		return;
	if (!a->write)
		a->value = POISON;
	if (d) {
		d->addr = a->addr;
		d->write = a->write;
	}
	begin(w, &(struct expected){ .mm = s->mm, .events = a->write ? 1 << MMU_NOTIFY_CLEAR : 0,
				     .lo = page, .hi = page + PAGE_BYTES, .quiet_alloc = true });
	err = do_access(c, d, a);
	finish(w, a->write ? c ? "cpu_store" : "ats_store" : c ? "cpu_load" : "ats_load",
	       a->addr, a->value, err);
	ASSERT(!ready || err != -ENOMEM);
	if (got_frames(w, err, want_word_access(s, d, a, err, ready))) {
		if (a->write)
			page_written(s, a->addr, (int)a->slot, a->value);
		else
			ASSERT(a->value == want_value(s, a->addr, a->slot));
	} else if (!a->write) {
		ASSERT(a->value == POISON);
	}
}

/* Few values, so that pages are equal. */
static void take_access(struct world *w, struct access *a)
{
	uint8_t how;

	a->addr = take_word(w, &a->slot);
	how = take(w);
	a->write = how & 1;
	a->ordered = how & 2;
	a->value = how >> 2 & 7 ? how >> 2 & 7 : take_u64(w);
}

void op_cpu_access(struct world *w)
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

void op_ats_access(struct world *w)
{
	struct device *d = pick_device(w);
	struct access a;

	take_access(w, &a);
	if (d)
		access_word(w, NULL, d, &a);
}

/* Everybody in the address space sees the same. */
void op_compare(struct world *w)
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
void op_fill(struct world *w)
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

/* --- devices --------------------------------------------------------------- */

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

void op_ats_create(struct world *w)
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
	/* Who is refused does not wait; in classic address spaces nobody tells of rights. */
	opts.caches_permissions = d->kind == DEVICE_OPTS && s->semantics == MMUN_MODERN &&
				  (shift & 2);
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

void device_destroy(struct world *w, struct device *d)
{
	begin_quiet(w);
	mmun_ats_destroy(d->ats);
	finish(w, "ats_destroy", (uint64_t)(d - w->device), 0, 0);
	d->ats = NULL;
	user_gone(d->s);
}

void op_ats_destroy(struct world *w)
{
	struct device *d = pick_device(w);

	if (d)
		device_destroy(w, d);
}

/* --- registering ----------------------------------------------------------- */

void op_register(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct notifier *n = &w->notifier[w->target % NOTIFIERS];
	const struct mmu_notifier_ops *ops = &notifier_ops[take(w) % notifier_kinds];
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

void unregister(struct world *w, struct notifier *n)
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

void op_unregister(struct world *w)
{
	struct notifier *n = &w->notifier[w->target % NOTIFIERS];

	if (n->s)
		unregister(w, n);
}

/* A notifier's user looks at a page table entry and keeps it. */
void op_cache(struct world *w)
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

/* --- pins ------------------------------------------------------------------ */

/* What the pin now sees together with the address space; NULL: the zero page. */
static struct cell *pinned_cell(struct shadow *s, uint64_t addr)
{
	const struct shadow_area *a = area_at(s, addr);
	pte_t e = mm_translate(s->mm, addr);
	struct cell **c;

	ASSERT(pte_mapped(e));
	if (is_zero_page(world.machine, pte_pfn(e)))
		return NULL;
	if (frame_of(world.machine, pte_pfn(e))->flags & FRAME_ANON)
		return page_own(s, addr)->cell;
	c = object_cell(a, addr);
	ASSERT(c && !page_at(s, addr));
	if (!*c)
		*c = cell_new(NULL);
	return *c;
}

void op_pin(struct world *w)
{
	struct shadow *s = pick_mm(w);
	struct pin *p = w->pin;
	uint64_t addr = take_addr(w);
	bool write = take(w) & 1;
	int err;

	while (p < w->pin + PINS && p->pin)
		p++;
	if (!s || p == w->pin + PINS || is_full(s, addr))
		return;
	begin(w, &(struct expected){ .mm = s->mm, .events = 1 << MMU_NOTIFY_CLEAR,
				     .lo = page_down(addr), .hi = page_down(addr) + PAGE_BYTES,
				     .quiet_alloc = true });
	err = mmun_pin(s->mm, addr, write, &p->pin);
	finish(w, "pin", addr, write, err);
	ASSERT(!err == !!p->pin);
	if (!got_frames(w, err, want_access(s, addr, write)))
		return;
	if (write)
		page_written(s, addr, -1, 0);
	p->write = write;
	p->cell = pinned_cell(s, addr);
	ASSERT(!write || p->cell);
	if (p->cell)
		p->cell->refs++;
}

void unpin(struct world *w, struct pin *p)
{
	begin_quiet(w);
	mmun_unpin(p->pin);
	finish(w, "unpin", (uint64_t)(p - w->pin), 0, 0);
	cell_put(p->cell);
	p->pin = NULL;
	p->cell = NULL;
}

static struct pin *pick_pin(struct world *w)
{
	for (int i = 0; i < PINS; i++)
		if (w->pin[(w->target + i) % PINS].pin)
			return &w->pin[(w->target + i) % PINS];
	return NULL;
}

void op_unpin(struct world *w)
{
	struct pin *p = pick_pin(w);

	if (p)
		unpin(w, p);
}

static uint64_t take_index(struct world *w, unsigned *ret_slot)
{
	uint8_t b = take(w);

	*ret_slot = b % SLOTS;
	return b >= 240 ? PAGE_WORDS + (b & 7) : slot_offset(*ret_slot) / 8;
}

/* Whoever has written through a pin, the page is no longer to be dropped. */
static void written_by_pin(struct world *w, const struct cell *c)
{
	for (int i = 0; i < MMS; i++)
		for (int k = 0; w->mm[i].state == MM_LIVE && k < w->mm[i].pages; k++)
			if (w->mm[i].page[k].cell == c)
				w->mm[i].page[k].flags &= ~(unsigned)PAGE_LAZY;
	for (int i = 0; i < OBJECTS; i++)
		for (int k = 0; w->object[i].refs && k < OBJECT_PAGES; k++)
			if (w->object[i].cell[k] == c)
				w->object[i].dirty[k] = true;
}

void op_pin_access(struct world *w)
{
	struct pin *p = pick_pin(w);
	unsigned slot;
	uint64_t index = take_index(w, &slot), value = take(w), got = POISON;
	uint8_t how = take(w);
	int err, want = index >= PAGE_WORDS ? -EINVAL : 0;

	if (!p)
		return;
	begin_quiet(w);
	if (how & 1)
		err = mmun_pin_store(p->pin, index, value);
	else
		err = mmun_pin_load(p->pin, index, &got);
	finish(w, how & 1 ? "pin_store" : "pin_load", index, how & 1 ? value : got, err);
	if (!(how & 1)) {
		ASSERT(err == want);
		ASSERT(got == (err ? POISON : p->cell ? p->cell->word[slot] : 0));
		return;
	}
	if (!p->write && (err != -EINVAL || !want))
		want = -EACCES;
	ASSERT(err == want);
	if (err)
		return;
	p->cell->word[slot] = value;
	written_by_pin(w, p->cell);
}
