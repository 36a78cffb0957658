/* SPDX-License-Identifier: MIT */
/*
 * scene.h - a check and its broken twin: NAME_right, which must verify, and NAME_wrong, which
 * must be found. The file has struct s, its state, and finish().
 */
#ifndef SCENE_H
#define SCENE_H

#include <mmun/kernel.h>

/* Followed by the body of what thread t does; the rest is fields of the broken check. */
#define SCENE_OF(name, set_up, count, ...) \
	static void name(struct s *s, unsigned t, bool broken); \
	static void name##_ok(void *state, unsigned t, void *arg) \
	{ \
		(void)arg; \
		name(state, t, false); \
	} \
	static void name##_bad(void *state, unsigned t, void *arg) \
	{ \
		(void)arg; \
		name(state, t, true); \
	} \
	EXPLORE_CHECK(name##_right, .threads = count, .state_size = sizeof(struct s), \
		      .setup = set_up, .thread = name##_ok, .finish = finish) \
	EXPLORE_CHECK(name##_wrong, .threads = count, .state_size = sizeof(struct s), \
		      .setup = set_up, .thread = name##_bad, .finish = finish, __VA_ARGS__) \
	static void name(struct s *s, unsigned t, bool broken)

#endif
