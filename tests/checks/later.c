/* SPDX-License-Identifier: MIT */
/* later.c - what is called after a grace period: right checks, and broken twins. */
#include "scene.h"

struct node { int value; struct rcu_head rcu; };

struct s {
	struct node *shared;
	struct srcu_struct srcu, other;
	struct rcu_head head;
	spinlock_t lock;
	struct mutex mutex;
	int freed, seen;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->shared = kzalloc(sizeof(*s->shared), GFP_KERNEL);
	s->shared->value = 7;
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	kfree(s->shared);
}

#define CHECK(name, n, ...) CHECK_OF(name, n, .finish = finish, ##__VA_ARGS__)

static void free_node(struct rcu_head *rcu) { kfree(container_of(rcu, struct node, rcu)); }

static struct node *take_out(struct s *s)
{
	struct node *old = s->shared;

	rcu_assign_pointer(s->shared, NULL);
	return old;
}

static void look(struct s *s)
{
	struct node *n;

	rcu_read_lock();
	n = rcu_dereference(s->shared);
	if (n)
		BUG_ON(n->value != 7);
	rcu_read_unlock();
}

/* Who has found the node keeps it until the section is left. */
CHECK(freed_by_call, 3)
{
	if (t)
		look(s);
	else
		call_rcu(&take_out(s)->rcu, free_node);
}

CHECK(freed_at_once, 2, .expect = "lifetime")
{
	if (t)
		look(s);
	else
		free_node(&take_out(s)->rcu);
}

/* The pointer is loaded outside of the section. */
CHECK(looked_too_late, 2, .expect = "lifetime")
{
	struct node *n;

	if (t == 0) {
		call_rcu(&take_out(s)->rcu, free_node);
		return;
	}
	rcu_read_lock();
	n = rcu_dereference(s->shared);
	rcu_read_unlock();
	if (n)
		BUG_ON(READ_ONCE(n->value) != 7);
}

CHECK(freed_by_kfree_rcu, 2)
{
	struct node *old;

	if (t) {
		look(s);
		return;
	}
	old = take_out(s);
	kfree_rcu(old, rcu);
}

/* Taken out after it was given up, not before. */
CHECK(kfree_rcu_too_early, 2, .expect = "lifetime")
{
	if (t) {
		look(s);
		return;
	}
	kfree_rcu(s->shared, rcu);
	rcu_assign_pointer(s->shared, NULL);
}

CHECK(freed_twice, 1, .expect = "lifetime")
{
	struct node *old = take_out(s);

	(void)t;
	kfree_rcu_mightsleep(old);
	kfree_rcu_mightsleep(old);
}

CHECK(called_twice, 1, .expect = "protocol")
{
	struct node *old = take_out(s);

	(void)t;
	call_rcu(&old->rcu, free_node);
	call_rcu(&old->rcu, free_node);
}

/* A callback may call again. */
static void count(struct rcu_head *head)
{
	struct s *s = container_of(head, struct s, head);

	if (++s->freed < 3)
		call_rcu(head, count);
}

CHECK(called_again, 1)
{
	(void)t;
	call_rcu(&s->head, count);
}

/* rcu_barrier() waits for what is called, also in another thread. */
CHECK(waits_for_calls, 2)
{
	if (t) {
		look(s);
		return;
	}
	s->freed = 2;
	call_rcu(&s->head, count);
	rcu_barrier();
	BUG_ON(s->freed != 3);
}

/* synchronize_rcu() waits for sections, not for callbacks. */
CHECK(waits_for_sections, 1, .expect = "race")
{
	(void)t;
	s->freed = 2;
	call_rcu(&s->head, count);
	synchronize_rcu();
	s->seen = s->freed;
}

static void sleeps(struct rcu_head *head)
{
	struct s *s = container_of(head, struct s, head);

	mutex_lock(&s->mutex);
	mutex_unlock(&s->mutex);
}

CHECK(callback_sleeps, 1, .expect = "atomic-sleep")
{
	(void)t;
	call_rcu(&s->head, sleeps);
}

static void takes_lock(struct rcu_head *head)
{
	struct s *s = container_of(head, struct s, head);

	spin_lock(&s->lock);
	s->freed++;
	spin_unlock(&s->lock);
}

CHECK(callback_locks, 2)
{
	if (t == 0)
		call_rcu(&s->head, takes_lock);
	spin_lock(&s->lock);
	s->freed++;
	spin_unlock(&s->lock);
}

CHECK(callback_unlocked, 2, .expect = "race")
{
	if (t == 0)
		call_rcu(&s->head, takes_lock);
	else
		s->freed++;
}

/* A lock that the callback needs is held by who waits for it. */
CHECK(barrier_under_lock, 1, .expect = "atomic-sleep")
{
	(void)t;
	spin_lock(&s->lock);
	call_rcu(&s->head, count);
	rcu_barrier();
	spin_unlock(&s->lock);
}

static void waits_for_it(struct s *s, struct srcu_struct *called, struct srcu_struct *waited)
{
	call_srcu(called, &s->head, count);
	srcu_barrier(waited);
}

CHECK(srcu, 2)
{
	int index;

	if (t) {
		index = srcu_read_lock(&s->srcu);
		mutex_lock(&s->mutex);
		mutex_unlock(&s->mutex);
		srcu_read_unlock(&s->srcu, index);
		return;
	}
	s->freed = 2;
	waits_for_it(s, &s->srcu, &s->srcu);
	BUG_ON(s->freed != 3);
}

CHECK(other_srcu, 1, .expect = "race")
{
	(void)t;
	s->freed = 2;
	waits_for_it(s, &s->srcu, &s->other);
	s->seen = s->freed;
}

/* In a section of the same domain nobody may wait for the grace period's calls. */
CHECK(barrier_in_section, 1, .expect = "deadlock")
{
	int index = srcu_read_lock(&s->srcu);

	(void)t;
	waits_for_it(s, &s->srcu, &s->srcu);
	srcu_read_unlock(&s->srcu, index);
}
