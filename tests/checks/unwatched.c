/* SPDX-License-Identifier: MIT */
/*
 * unwatched.c - races and other mistakes of which a compiler may give no sign. Before each check
 * stands what its verdict must say where it is not found, or a dash where it must be verified.
 */
#include <mmun/kernel.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair { long a, b; };
struct big { long a[9]; };
struct s {
	struct pair p;
	struct big big;
	int n, size;
	u64 word[2];
	char text[32];
	long double real;
	struct node *top;
	void *there;
};
struct node { struct node *next; };

#define NOINLINE __attribute__((noinline))
/* Its body is that of a thread; the first one begins a race with the second one's. */
#define CHECK(name, ...) \
	static void name(struct s *s, unsigned t); \
	static void name##_(void *state, unsigned t, void *arg) { (void)arg; name(state, t); } \
	EXPLORE_CHECK(name, .threads = 2, .state_size = sizeof(struct s), .thread = name##_, \
		      __VA_ARGS__) \
	static void name(struct s *s, unsigned t)

static NOINLINE struct pair make(long v) { return (struct pair){ v, v }; }
static NOINLINE struct big make_big(long v) { return (struct big){ { v, v } }; }
static NOINLINE long sum(struct pair p) { return p.a + p.b; }
static NOINLINE long sum_big(struct big b) { return b.a[0] + b.a[8]; }
static struct pair global_pair;
static int compare(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }

/* says: a structure that is returned in returned, unwatched.c */
CHECK(returned) { s->p = make(t); }

/* says: a structure that is returned in returned_big */
CHECK(returned_big) { s->big = make_big(t); }

/* says: a structure that is returned in returned_to_global */
CHECK(returned_to_global) { (void)s; global_pair = make(t); }

/* says: a structure that is passed in passed */
CHECK(passed)
{
	if (t)
		EXPLORE_ASSERT(sum(s->p) < 100);
	else
		s->p.a = 2;
}

/* says: a structure that is passed in passed_big */
CHECK(passed_big)
{
	if (t)
		EXPLORE_ASSERT(sum_big(s->big) < 100);
	else
		s->big.a[8] = 2;
}

/* says: a structure that is passed in passed_global */
CHECK(passed_global)
{
	(void)s;
	if (t)
		EXPLORE_ASSERT(sum(global_pair) < 100);
	else
		global_pair.a = 2;
}

/* says: - */
CHECK(plain_structure)
{
	static struct pair mine[2];
	struct pair p = make(t), copy, two[2];

	(void)s;
	for (unsigned n = 0; n < 2; n++)
		two[n] = make(n);
	mine[t] = two[t];
	copy = mine[t];
	EXPLORE_ASSERT(copy.a == p.a);
	EXPLORE_ASSERT(sum(copy) == 2 * (long)t && sum_big(make_big(1)) == 1);
}

/* says: __builtin_memset in builtin_memset */
CHECK(builtin_memset)
{
	if (t)
		__builtin_memset(s->big.a, 0, sizeof(s->big.a));
	else
		s->big.a[1] = 2;
}

/* says: __builtin_memcpy in builtin_memcpy */
CHECK(builtin_memcpy)
{
	if (t)
		__builtin_memcpy(s->big.a, s->text, (size_t)s->size + 1);
	else
		s->big.a[0] = 2;
}

/* says: inline assembly in inline_assembly, unwatched.c */
CHECK(inline_assembly)
{
#if defined(__x86_64__)
	if (!t)
		__asm__ volatile("incl %0" : "+m"(s->n));
#else
	if (!t)
		__asm__ volatile("str wzr, %0" : "=m"(s->n));
#endif
}

/* says: - */
CHECK(barriers)
{
	long n = t;

	(void)s;
	barrier();
	__asm__ volatile("" : "+r"(n));
	__asm__ volatile("" ::: "memory");
}

/* says: what alone does, which is compiled with no_sanitize */
static NOINLINE __attribute__((no_sanitize("thread"))) void alone(struct s *s) { s->n++; }
CHECK(no_sanitize)
{
	(void)t;
	alone(s);
}

/* says: calls of qsort() */
CHECK(library) { qsort(s->text, sizeof(s->text) - t, 1, compare); }

/* says: nothing, it is found */
CHECK(strings) { strcpy(s->text, t ? "one" : "two"); }

/* says: nothing, it is found */
CHECK(strings_compared)
{
	if (t)
		EXPLORE_ASSERT(strcmp(s->text, "none"));
	else
		s->text[0] = 'x';
}

/* says: strings that are printed in strings_printed */
CHECK(strings_printed)
{
	char line[40];

	if (t)
		snprintf(line, sizeof(line), "%s", s->text);
	else
		s->text[0] = 'x';
}

/* says: a value of unusual size in long_double */
CHECK(long_double) { s->real = t; }

/* says: in which order words that overlap are accessed, of . bytes in overlap:[0-9]* and of */
CHECK(overlap)
{
	u32 *half = (u32 *)&s->word[0];

	if (t) {
		WRITE_ONCE(half[1], 1);
		WRITE_ONCE(half[0], 1);
	} else {
		EXPLORE_ASSERT(READ_ONCE(s->word[0]) != 1ull << 32);
	}
}

/* says: in which order words that overlap are accessed, of 4 bytes */
CHECK(half_a_word_later)
{
	u32 *p = (u32 *)((char *)s->word + (t ? 2 : 4));

	EXPLORE_ASSERT(xchg(p, 5) < 6);
}

/* says: - */
CHECK(halves)
{
	u32 *half = (u32 *)&s->word[0];

	WRITE_ONCE(half[t], 1);
	EXPLORE_ASSERT(READ_ONCE(half[t]) == 1);
	EXPLORE_ASSERT(READ_ONCE(s->word[1]) == 0);
}

static void push(struct s *s, struct node *e)
{
	do
		e->next = READ_ONCE(s->top);
	while (cmpxchg(&s->top, e->next, e) != e->next);
}

/* Under RCU no node that is looked at is given out again, unless the section ends too early. */
static struct node *pop(struct s *s, bool whole)
{
	struct node *top;
	bool done;

	do {
		rcu_read_lock();
		top = READ_ONCE(s->top);
		if (!top) {
			rcu_read_unlock();
			return NULL;
		}
		struct node *next = READ_ONCE(top->next);
		if (!whole)
			rcu_read_unlock();
		done = cmpxchg(&s->top, top, next) == top;
		if (whole)
			rcu_read_unlock();
	} while (!done);
	return top;
}

static void two_nodes(void *state, void *arg)
{
	(void)arg;
	push(state, kzalloc(sizeof(struct node), GFP_KERNEL));
	push(state, kzalloc(sizeof(struct node), GFP_KERNEL));
}

static void exchange(struct s *s, unsigned t, bool whole)
{
	struct node *first, *second;

	if (t) {
		pop(s, whole);
		return;
	}
	first = pop(s, whole);
	second = pop(s, whole);
	synchronize_rcu();
	kfree(first);
	kfree(second);
	push(s, kzalloc(sizeof(struct node), GFP_KERNEL));
}

/* says: that a block may get the address of one that was freed, which pop:[0-9]* compares with */
CHECK(address_comes_again, .setup = two_nodes) { exchange(s, t, false); }

/* says: - */
CHECK(address_is_kept, .setup = two_nodes) { exchange(s, t, true); }
