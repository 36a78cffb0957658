/* SPDX-License-Identifier: MIT */
/* words.c - Linux's names in mmun/kernel.h: each does what Linux's does, and a broken twin
 * shows that it would be seen if it did not. */
#include "scene.h"

struct node { struct hlist_node link; int value; };

struct s {
	spinlock_t lock;
	struct srcu_struct srcu;
	struct xarray xa;
	struct kref ref;
	seqcount_t seq;
	unsigned long bits[2];
	struct hlist_head head;
	struct node *node;
	int *p, x, y, count, freed;
	atomic_t n;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	kref_init(&s->ref);
	s->node = kzalloc(sizeof(*s->node), GFP_KERNEL);
	s->node->value = 7;
	hlist_add_head_rcu(&s->node->link, &s->head);
	EXPLORE_ASSERT(!xa_store(&s->xa, 3, s->node, GFP_KERNEL));
	EXPLORE_ASSERT(xa_load(&s->xa, 3) == s->node && !xa_load(&s->xa, 4));
	EXPLORE_ASSERT(IS_ERR(ERR_PTR(-12)) && PTR_ERR(ERR_PTR(-12)) == -12 && !IS_ERR(s->node));
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (s->node)
		kfree(s->node);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

/* A list of readers without the lock: the node may go after the grace period only. */
SCENE(srcu, .expect = "lifetime")
{
	struct node *n;
	int index;

	if (t) {
		index = srcu_read_lock(&s->srcu);
		hlist_for_each_entry_srcu(n, &s->head, link, true)
			EXPLORE_ASSERT(READ_ONCE(n->value) == 7);
		srcu_read_unlock(&s->srcu, index);
		return;
	}
	spin_lock(&s->lock);
	n = s->node;
	s->node = NULL;
	hlist_del_init_rcu(&n->link);
	EXPLORE_ASSERT(hlist_unhashed(&n->link) && hlist_empty(&s->head));
	spin_unlock(&s->lock);
	if (!broken)
		synchronize_srcu(&s->srcu);
	kfree(n);
}

/* A section of SRCU may sleep; who waits for its own never wakes. */
SCENE(srcu_sleeps, .expect = "deadlock")
{
	int index = srcu_read_lock(&s->srcu);

	might_sleep();
	if (broken && t)
		synchronize_srcu(&s->srcu);
	srcu_read_unlock(&s->srcu, index);
	if (!broken && t)
		synchronize_srcu(&s->srcu);
}

static void release(struct kref *ref) { container_of(ref, struct s, ref)->freed++; }

SCENE(kref, .expect = "assertion")
{
	if (t && !broken && !kref_get_unless_zero(&s->ref))
		return;
	if (!kref_put(&s->ref, release))
		return;
	EXPLORE_ASSERT(s->freed == 1);
}

SCENE(seqcount, .expect = "assertion")
{
	int x, y;

	if (t == 0) {
		spin_lock(&s->lock);
		write_seqcount_begin(&s->seq);
		WRITE_ONCE(s->x, 1);
		WRITE_ONCE(s->y, 1);
		write_seqcount_end(&s->seq);
		spin_unlock(&s->lock);
		return;
	}
	for (;;) {
		unsigned seq = read_seqcount_begin(&s->seq);

		x = READ_ONCE(s->x);
		y = READ_ONCE(s->y);
		if (broken || !read_seqcount_retry(&s->seq, seq))
			break;
	}
	EXPLORE_ASSERT(x == y);
}

SCENE(bits, .expect = "assertion")
{
	(void)t;
	if (test_and_set_bit(70, s->bits))
		return;
	EXPLORE_ASSERT(test_bit(70, s->bits) && !test_bit(6, s->bits));
	WRITE_ONCE(s->count, READ_ONCE(s->count) + 1);
	EXPLORE_ASSERT(READ_ONCE(s->count) == 1);
	if (broken)
		clear_bit(70, s->bits);
}

SCENE(xarray, .expect = "lifetime")
{
	struct node *n;

	rcu_read_lock();
	n = xa_load(&s->xa, 3);
	if (t && n)
		EXPLORE_ASSERT(READ_ONCE(n->value) == 7);
	rcu_read_unlock();
	if (t)
		return;
	n = xa_erase(&s->xa, 3);
	hlist_del(&n->link);
	s->node = NULL;
	if (!broken)
		synchronize_rcu();
	kfree(n);
}

/* A wait for what nobody does. */
SCENE(relax, .expect = "liveness")
{
	if (t == 0)
		atomic_inc(&s->n);
	else
		while (atomic_read(&s->n) != (broken ? 2 : 1))
			cpu_relax();
}

/* Two threads count on: the spinning one sees each value, or the last. */
SCENE(relax_twice, .expect = "liveness")
{
	if (t == 0) {
		atomic_inc(&s->n);
		atomic_add(broken ? 2 : 1, &s->n);
	} else {
		while (atomic_read(&s->n) != 2)
			cpu_relax();
	}
}

/* A loop that asks for either of two words. */
SCENE(relax_either, .expect = "liveness")
{
	if (t == 0)
		WRITE_ONCE(s->y, broken ? 0 : 1);
	else
		while (!READ_ONCE(s->x) && !READ_ONCE(s->y))
			cpu_relax();
}

/* A loop that writes, and fails to: each of the two gets a number of its own. */
SCENE(relax_updates, .expect = "assertion")
{
	int old = atomic_read(&s->n);

	(void)t;
	while (!broken && !atomic_try_cmpxchg(&s->n, &old, old + 1))
		cpu_relax();
	if (broken)
		atomic_set(&s->n, old + 1);
	EXPLORE_ASSERT(!test_and_set_bit(old, s->bits));
}
