/* SPDX-License-Identifier: MIT */
/*
 * lock_order.c - owns the order of locks: which lock was wanted while which was held, as lockdep
 * keeps it. It tells whether it can matter that readers of a rwsem queue behind writers, which a
 * search does not assume at first (door/queue.c).
 *
 * Behind a writer somebody can wait forever only if, from a lock that is held for reading, this
 * order leads back to where the same lock is wanted for reading; waiting for anything but a lock
 * leads anywhere. If it does, the search begins again with the queues. Nothing is missed: the
 * threads of such a deadlock have all wanted what they wait for in the one execution that has it.
 */
#include "explore/door/door.h"

enum { LOCKS_MAX = 64 };

/* A bit for each lock. */
struct node {
	const void *lock;
	uint64_t next;           /* wanted while it was held */
	uint64_t next_of_reader; /* so, too, and it was held for reading */
	uint64_t before_reader;  /* held by a thread that wanted it for reading */
	uint16_t readers, writers; /* threads that wanted it */
	bool waited;             /* a thread that held it has waited for something else */
};

static struct node node[LOCKS_MAX];
static unsigned nodes;

void lock_order_forget(void) { nodes = 0; }

static bool in_use(void) { return x.assumes & READERS_QUEUE; }

/* NULL: there are too many. */
static struct node *node_of(const void *lock)
{
	unsigned n = 0;

	while (n < nodes && node[n].lock != lock)
		n++;
	if (n == LOCKS_MAX)
		return NULL;
	if (n == nodes)
		node[nodes++] = (struct node){ .lock = lock };
	return &node[n];
}

static uint64_t bit(const struct node *n) { return 1ull << (n - node); }

/* From where a reader has the lock: does the order lead to where one wants it? */
static bool leads_back(const struct node *to)
{
	uint64_t seen = 0, next = to->next_of_reader;
	bool waited = to->waited;

	while (next & ~seen) {
		const struct node *n = &node[__builtin_ctzll(next & ~seen)];

		seen |= bit(n);
		next |= n->next;
		waited |= n->waited;
	}
	return waited || seen & to->before_reader;
}

/* Something is known that was not. */
static void look(void)
{
	for (unsigned n = 0; n < nodes; n++) {
		const struct node *to = &node[n];
		unsigned threads = to->readers | to->writers;

		if (to->readers && to->writers && threads & (threads - 1) && leads_back(to))
			x.needs |= READERS_QUEUE;
	}
}

static bool add(uint64_t *set, uint64_t more)
{
	bool news = more & ~*set;

	*set |= more;
	return news;
}

static bool wanted_while_held(struct node *wanted, const struct held *h, bool read)
{
	struct node *has = node_of(h->lock);
	bool news;

	if (!has) {
		x.needs |= READERS_QUEUE;
		return false;
	}
	news = add(&has->next, bit(wanted));
	if (h->reads)
		news |= add(&has->next_of_reader, bit(wanted));
	if (read)
		news |= add(&wanted->before_reader, bit(has));
	return news;
}

void lock_order_wants(const struct thread *t, const void *lock, bool read, bool write)
{
	const uint16_t me = (uint16_t)(1u << x.cur);
	struct node *n;
	bool news;

	if (in_use() || (!read && !write && !t->held_count))
		return;
	n = node_of(lock);
	if (!n) {
		x.needs |= READERS_QUEUE;
		return;
	}
	news = (read && !(n->readers & me)) || (write && !(n->writers & me));
	n->readers |= read ? me : 0;
	n->writers |= write ? me : 0;
	for (unsigned i = 0; i < t->held_count; i++)
		news |= wanted_while_held(n, &t->held[i], read);
	if (news)
		look();
}

void lock_order_waits(const struct thread *t)
{
	bool news = false;

	for (unsigned i = 0; i < t->held_count && !in_use(); i++) {
		struct node *n = node_of(t->held[i].lock);

		if (!n) {
			x.needs |= READERS_QUEUE;
			return;
		}
		news |= !n->waited;
		n->waited = true;
	}
	if (news)
		look();
}

/* Who tries sees whether a writer waits. */
void lock_order_tries(const void *lock)
{
	struct node *n = in_use() ? NULL : node_of(lock);

	if (!n)
		return;
	n->waited = true;
	n->readers |= (uint16_t)(1u << x.cur);
	look();
}
