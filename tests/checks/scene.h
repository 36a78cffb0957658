/* SPDX-License-Identifier: MIT */
/*
 * scene.h - checks whose threads are one function, which is the body that follows. CHECK_OF is one
 * check; SCENE_OF is a check and its broken twin: NAME_right, which must verify, and NAME_wrong,
 * which must be found. The file has struct s, its state; CHECK_OF wants setup() of it, and
 * SCENE_OF finish().
 */
#ifndef SCENE_H
#define SCENE_H

#include <mmun/kernel.h>

/* Followed by the body of what thread t does; the rest is further fields of the check. */
#define CHECK_OF(name, count, ...) \
	static void name(struct s *s, unsigned t); \
	static void name##_thread(void *state, unsigned t, void *arg) \
	{ \
		(void)arg; \
		name(state, t); \
	} \
	EXPLORE_CHECK(name, .threads = count, .state_size = sizeof(struct s), .setup = setup, \
		      .thread = name##_thread, ##__VA_ARGS__) \
	static void name(struct s *s, unsigned t)

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
