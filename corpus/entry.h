/* SPDX-License-Identifier: MIT */
/*
 * entry.h - for entries of the corpus: the two checks of an entry.
 *
 * An entry is checked twice: broken, where its oracle must find something, and repaired, where none
 * may. The two run the same code, which asks `fixed`. An entry defines setup(), thread() and the
 * names of its threads, and ends with
 *
 *	CORPUS_CALLS(finish)
 *	CORPUS_ENTRY("lifetime", .finish = call_finish)
 *
 * where finish() is called after each execution, if there is need. So is watch(), which fills the
 * list below a picture.
 */
#ifndef CORPUS_ENTRY_H
#define CORPUS_ENTRY_H

#include <mmun/explore.h>

static bool fixed;

static void setup(void);
static void thread(unsigned thread);

static void call_setup(void *state, void *arg)
{
	(void)state;
	fixed = arg;
	setup();
}

static void call_thread(void *state, unsigned number, void *arg)
{
	(void)state;
	(void)arg;
	thread(number);
}

#define CORPUS_CALLS(function) \
	static void call_##function(void *state, void *arg) \
	{ \
		(void)state; \
		(void)arg; \
		function(); \
	}

#define CORPUS_CHECK_(name, ...) \
	EXPLORE_CHECK(name, .threads = sizeof(names) / sizeof(*names), .thread_name = names, \
		      .setup = call_setup, .thread = call_thread, __VA_ARGS__)

/* The last lines of an entry. */
#define CORPUS_ENTRY(oracle, ...) \
	CORPUS_CHECK_(broken, .expect = oracle, .repair = "repaired", ##__VA_ARGS__) \
	CORPUS_CHECK_(repaired, .arg = "fixed", ##__VA_ARGS__)

#endif
