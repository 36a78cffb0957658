/* SPDX-License-Identifier: MIT */
/* io_space.c - see io_space.h. Uses the rooms up to notify: no address space is near. */
#include <errno.h>

#include "io_space.h"

static struct io_space *io_of(struct notify_domain *d)
{
	return container_of(d, struct io_space, domain);
}

/* --- the domain's operations --------------------------------------------- */

/* Entries are born accessed and dirty, so the walk only reads. */
static pte_t io_walk(struct notify_domain *d, uint64_t addr, bool write)
{
	(void)write;
	if (addr >= io_addr(IO_PAGES))
		return (pte_t){ 0 };
	/* Pairs with store_release() in set_entry(): the page's contents are there. */
	return (pte_t){ load_acquire(&io_of(d)->entry[addr / PAGE_BYTES]) };
}

/* An entry that is none for a moment only is waited for: it changes under the lock. */
static int io_fault(struct notify_domain *d, uint64_t addr, bool write)
{
	struct io_space *io = io_of(d);
	bool present;
	int err;

	if (addr >= io_addr(IO_PAGES))
		return -EFAULT;
	spin_lock(&io->entries_lock);
	present = pte_present(io_walk(d, addr, write));
	spin_unlock(&io->entries_lock);
	if (present)
		return 0;
	if (!io->on_demand)
		return -EFAULT;
	err = io_map(io, (unsigned)(addr / PAGE_BYTES), 0);
	return err == -EEXIST ? 0 : err; /* somebody else was faster */
}

/* Who notifies has it for reading, so there is nobody else to exclude. */
static void io_lock(struct notify_domain *d)
{
	if (io_of(d)->mistake != IO_NO_LOCK)
		down_write(&io_of(d)->lock);
}

static void io_unlock(struct notify_domain *d)
{
	if (io_of(d)->mistake != IO_NO_LOCK)
		up_write(&io_of(d)->lock);
}

static void io_lock_all(struct notify_domain *d) { (void)d; }
static void io_unlock_all(struct notify_domain *d) { (void)d; }

static void io_get(struct notify_domain *d) { add_relaxed(&io_of(d)->references, 1); }

static void io_put(struct notify_domain *d)
{
	struct io_space *io = io_of(d);

	if (add_acq_rel(&io->references, (uint64_t)-1) != 1)
		return;
	notify_domain_fini(d);
	sync_free(io);
}

static const struct notify_domain_ops io_ops = {
	.walk = io_walk, .fault = io_fault, .lock = io_lock, .unlock = io_unlock,
	.lock_all = io_lock_all,
	.unlock_all = io_unlock_all, .get = io_get, .put = io_put,
};

int io_create(struct mmun_machine *machine, enum mmun_semantics semantics,
	      struct io_space **ret_io)
{
	struct io_space *io = sync_alloc(sizeof(*io));

	if (!io)
		return -ENOMEM;
	notify_domain_init(&io->domain, &io_ops, machine, semantics, NULL);
	rwsem_init(&io->lock, RANK_MMAP);
	spin_init(&io->entries_lock, RANK_PTL);
	store_relaxed(&io->references, 1);
	*ret_io = io;
	return 0;
}

void io_destroy(struct io_space *io)
{
	if (io->mistake != IO_NO_RELEASE)
		notify_release(&io->domain);
	else
		notify_unlink(&io->domain);
	io_unmap(io, 0, IO_PAGES);
	io_put(&io->domain);
}

/* --- changing entries ---------------------------------------------------- */

static bool new_page(struct io_space *io, uint64_t value, pte_t *ret_pte)
{
	pfn_t pfn;

	if (!frame_alloc(io->domain.machine, FRAME_ANON, false, &pfn))
		return false;
	for (unsigned i = 0; i < PAGE_WORDS; i++)
		store_relaxed(&frame_memory(io->domain.machine, pfn)[i], value);
	*ret_pte = pte_make(pfn, PTE_WRITABLE);
	return true;
}

static void give_up(struct io_space *io, pte_t e)
{
	if (pte_present(e))
		frame_put(io->domain.machine, pte_pfn(e), 1);
}

int io_map(struct io_space *io, unsigned page, uint64_t value)
{
	pte_t new;
	bool none;

	if (!new_page(io, value, &new))
		return -ENOMEM;
	down_read(&io->lock);
	spin_lock(&io->entries_lock);
	none = !load_relaxed(&io->entry[page]);
	if (none)
		store_release(&io->entry[page], new.v);
	spin_unlock(&io->entries_lock);
	up_read(&io->lock);
	if (!none)
		give_up(io, new);
	return none ? 0 : -EEXIST;
}

/* Before 6.6 the end of the range flushes, and that is before a page is given up, too. */
static bool end_flushes(const struct io_space *io)
{
	return io->domain.semantics == MMUN_CLASSIC && io->mistake == IO_RIGHT;
}

static void flush(struct io_space *io, unsigned first, unsigned end)
{
	if (io->mistake != IO_NO_FLUSH && io->mistake != IO_LATE_FLUSH)
		notify_flush(&io->domain, flush_range(io_addr(first), io_addr(end)));
}

void io_unmap(struct io_space *io, unsigned first, unsigned end)
{
	struct mmu_notifier_range range;
	pte_t old[IO_PAGES];

	notify_range_init(&range, &io->domain, MMU_NOTIFY_UNMAP, io_addr(first), io_addr(end));
	down_read(&io->lock);
	if (io->mistake != IO_NO_RANGE)
		notify_range_start(&io->domain, &range);
	spin_lock(&io->entries_lock);
	for (unsigned i = first; i < end; i++)
		old[i] = (pte_t){ xchg_acq_rel(&io->entry[i], 0) };
	if (!end_flushes(io))
		flush(io, first, end);
	spin_unlock(&io->entries_lock);
	if (io->mistake != IO_NO_RANGE)
		notify_range_end(&io->domain, &range, end_flushes(io));
	up_read(&io->lock);
	for (unsigned i = first; i < end; i++)
		give_up(io, old[i]);
	if (io->mistake == IO_LATE_FLUSH)
		notify_flush(&io->domain, flush_range(io_addr(first), io_addr(end)));
}

/* Nobody may see the new page while somebody else still sees the old one. */
int io_replace(struct io_space *io, unsigned page, uint64_t value)
{
	struct mmu_notifier_range range;
	pte_t old, new;

	if (!new_page(io, value, &new))
		return -ENOMEM;
	notify_range_init(&range, &io->domain, MMU_NOTIFY_CLEAR, io_addr(page), io_addr(page + 1));
	down_read(&io->lock);
	notify_range_start(&io->domain, &range);
	spin_lock(&io->entries_lock);
	old = (pte_t){ xchg_acq_rel(&io->entry[page], 0) };
	flush(io, page, page + 1);
	store_release(&io->entry[page], new.v);
	spin_unlock(&io->entries_lock);
	notify_range_end(&io->domain, &range, false);
	up_read(&io->lock);
	give_up(io, old);
	return 0;
}
