/* SPDX-License-Identifier: MIT */
/* own.c - a check that defines names which mmun has as well, as functions, structures and with
 * other arguments: its own are meant. */
#include <mmun/kernel_mm.h>

struct s { int x, y; };
struct hmm_range { int mine; };

static int hmm_range_fault(struct s *s) /* ours */
{
	return READ_ONCE(s->x);
}

static bool pte_none(int x) { return !x; }

static void unpin_user_page(struct s *s, int y)
{
	WRITE_ONCE(s->y, y);
}

static void thread(void *state, unsigned t, void *arg)
{
	struct hmm_range range = { 1 };
	struct s *s = state;

	(void)arg;
	unpin_user_page(s, (int)t + range.mine);
	EXPLORE_ASSERT(pte_none(hmm_range_fault(s)));
}

EXPLORE_CHECK(own_names, .threads = 2, .state_size = sizeof(struct s), .thread = thread)

static void writes(void *state, unsigned t, void *arg)
{
	(void)arg;
	thread(state, t, arg);
	if (t)
		WRITE_ONCE(((struct s *)state)->x, 1);
}

EXPLORE_CHECK(own_names_of_a_mistake, .threads = 2, .state_size = sizeof(struct s),
	      .thread = writes, .expect = "assertion")
