/* SPDX-License-Identifier: MIT */
/* memory.c - blocks: what is behind their ends, what nobody has written, and accesses that reach
 * into freed ones; and variables of functions that have returned. */
#include "scene.h"

#include <string.h>

struct block { int a; long b; char text[3]; };

struct s {
	struct block *p;
	spinlock_t lock;
	struct completion *asked, handed, back;
	int *shown;
	long size, behind;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->p = kzalloc(sizeof(*s->p), GFP_KERNEL);
	s->size = sizeof(*s->p);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	kfree(s->p);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

SCENE(writes_behind, .expect = "overrun")
{
	char *p = kzalloc(13, GFP_KERNEL);

	(void)s, (void)t;
	p[broken ? 13 : 12] = 1;
	kfree(p);
}

SCENE(reads_behind, .expect = "overrun")
{
	if (!t)
		EXPLORE_ASSERT(s->p[broken].a < 1000);
}

SCENE(marked_behind, .expect = "overrun")
{
	if (!t)
		WRITE_ONCE((&s->p->a)[broken ? sizeof(*s->p) / sizeof(int) : 0], 0);
}

SCENE(before, .expect = "overrun")
{
	if (!t)
		(&s->p->b)[broken ? -2 : 0] = 1;
}

SCENE(behind_state, .expect = "overrun")
{
	if (!t)
		(&s->behind)[broken] = 1;
}

SCENE(copies_too_much, .expect = "overrun")
{
	if (!t)
		memset(s->p, 0, sizeof(*s->p) + broken);
}

SCENE(prints_too_much, .expect = "overrun")
{
	if (!t)
		strcpy(s->p->text, broken ? "12345678" : "12");
}

SCENE(reads_first, .expect = "uninitialized")
{
	struct block *p = (broken ? kmalloc : kzalloc)(sizeof(*p), GFP_KERNEL);

	(void)s, (void)t;
	EXPLORE_ASSERT(p->a != 1);
	kfree(p);
}

SCENE(reads_marked_first, .expect = "uninitialized")
{
	struct block *p = kmalloc(sizeof(*p), GFP_KERNEL);

	(void)s, (void)t;
	if (!broken)
		WRITE_ONCE(p->a, 0);
	EXPLORE_ASSERT(READ_ONCE(p->a) != 1);
	kfree(p);
}

/* The others' words, and what is between them, need not be written; nor for a copy. */
SCENE(writes_some, .expect = "uninitialized")
{
	struct block *p = kmalloc(sizeof(*p), GFP_KERNEL), copy;

	(void)s, (void)t;
	p->a = p->text[1] = 1;
	if (!broken)
		p->b = 2;
	copy = *p;
	EXPLORE_ASSERT(copy.a == 1 && p->a == 1 && p->text[1] == 1);
	EXPLORE_ASSERT(p->b != 1);
	kfree(p);
}

SCENE(array_is_not_zeroed, .expect = "uninitialized")
{
	long *p = broken ? kmalloc_array(3, sizeof(*p), GFP_KERNEL) :
			   kcalloc(3, sizeof(*p), GFP_KERNEL);

	(void)s, (void)t;
	EXPLORE_ASSERT(p[2] != 1);
	kfree(p);
}

/* What the library initializes is written, without a call that tells. */
SCENE(initializes, .expect = "uninitialized")
{
	struct {
		spinlock_t lock;
		struct list_head list;
		struct kref ref;
		struct completion done;
	} *p = kmalloc(sizeof(*p), GFP_KERNEL);

	(void)s, (void)t;
	spin_lock_init(&p->lock);
	kref_init(&p->ref);
	init_completion(&p->done);
	if (!broken)
		INIT_LIST_HEAD(&p->list);
	spin_lock(&p->lock);
	EXPLORE_ASSERT(!broken ? list_empty(&p->list) : p->list.next != NULL);
	spin_unlock(&p->lock);
	complete(&p->done);
	wait_for_completion(&p->done);
	kfree(p);
}

/* A word whose first bytes are another's. */
SCENE(reaches_into_freed, .expect = "lifetime, overrun")
{
	const char *p = (const char *)(t ? xchg(&s->p, NULL) : READ_ONCE(s->p));

	if (t)
		kfree(p);
	else if (p)
		(void)*(const volatile int *)(broken ? p - 2 : (const char *)&s->size);
}

/* A function that does not wait for who has the address of a variable of its own. */
static __attribute__((noinline)) void asks(struct s *s, bool broken)
{
	struct completion done;

	init_completion(&done);
	WRITE_ONCE(s->asked, &done);
	if (!broken)
		wait_for_completion(&done);
}

SCENE(waits_on_its_stack, .expect = "lifetime")
{
	struct completion *done;

	if (!t) {
		asks(s, broken);
		(void)READ_ONCE(s->size);
		return;
	}
	while (!(done = READ_ONCE(s->asked)))
		cpu_relax();
	complete(done);
}

/* The same with a variable that is read plainly. */
static __attribute__((noinline)) void shows(struct s *s, bool broken)
{
	int own = 1;

	spin_lock(&s->lock);
	s->shown = &own;
	spin_unlock(&s->lock);
	(void)READ_ONCE(s->size);
	spin_lock(&s->lock);
	if (!broken)
		s->shown = NULL;
	spin_unlock(&s->lock);
}

SCENE(shows_its_stack, .expect = "lifetime")
{
	if (!t) {
		shows(s, broken);
		return;
	}
	spin_lock(&s->lock);
	if (s->shown)
		EXPLORE_ASSERT(*s->shown != 12345);
	spin_unlock(&s->lock);
}

/* An array whose size is not constant lies below what is known of its function's frame. */
static __attribute__((noinline)) void hands_over(struct s *s, int count, bool broken)
{
	int own[count];

	for (int n = 1; n < count; n++)
		own[n] = n;
	WRITE_ONCE(s->shown, own);
	complete(&s->handed);
	if (broken)
		return;
	wait_for_completion(&s->back);
	EXPLORE_ASSERT(own[0] == 5);
}

SCENE(hands_over_an_array, .expect = "lifetime")
{
	if (!t) {
		hands_over(s, 3 + (int)t, broken);
		(void)READ_ONCE(s->size);
		return;
	}
	wait_for_completion(&s->handed);
	*READ_ONCE(s->shown) = 5;
	complete(&s->back);
}
