/* SPDX-License-Identifier: MIT */
/*
 * runs.c - runs a registered check, from its search to its report. The static variables of
 * the object that contains the check are handed to the explorer, which restores them before
 * each execution as it restores the check's state.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "checks/run/places.h"
#include "checks/run/runs.h"

#if defined(__SANITIZE_ADDRESS__)
#define RUNS_BOUNDED 0 /* the sanitizer maps terabytes */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RUNS_BOUNDED 0
#endif
#endif
#ifndef RUNS_BOUNDED
#define RUNS_BOUNDED 1
#endif

#define MEMORY_MAX ((rlim_t)4 << 30)

void runs_begin(const struct runs *runs)
{
	struct rlimit memory;

	if (explore_catch_crashes())
		runs->complain("crashes will not be caught: %s", strerror(errno));
	if (RUNS_BOUNDED && !getrlimit(RLIMIT_AS, &memory) && memory.rlim_cur > MEMORY_MAX) {
		memory.rlim_cur = MEMORY_MAX;
		setrlimit(RLIMIT_AS, &memory);
	}
}

/* --- static variables ---------------------------------------------------- */

struct data { uintptr_t inside, start, end; };

/* The writable part of the object that has @inside, without what is made read-only. */
static int find_data(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct data *d = arg;
	uintptr_t start = 0, end = 0, constant = 0;
	bool has = false;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr, to = from + p->p_memsz;

		if (p->p_type == PT_LOAD && d->inside >= from && d->inside < to)
			has = true;
		if (p->p_type == PT_LOAD && (p->p_flags & PF_W)) {
			start = from;
			end = to;
		}
		if (p->p_type == PT_GNU_RELRO)
			constant = to;
	}
	if (!has)
		return 0;
	d->start = constant > start && constant < end ? constant : start;
	d->end = end;
	return 1;
}

static struct explore_check with_data(const struct explore_check *check)
{
	struct explore_check c = *check;
	struct data d = { .inside = (uintptr_t)check };

	c.judges_calls = true;
	if (dl_iterate_phdr(find_data, &d) && d.end > d.start) {
		c.data = (void *)d.start;
		c.data_size = d.end - d.start;
	}
	return c;
}

/* --- places -------------------------------------------------------------- */

static void place_of(void *places, const void *pc, struct explore_place *ret)
{
	static char symbol[96]; /* the explorer copies it */
	struct place p;

	if (places && places_find(places, pc, &p)) {
		*ret = (struct explore_place){ p.function ? p.function : "?", p.file, p.line };
		return;
	}
	places_say(NULL, (const char *)pc + 1, symbol, sizeof(symbol));
	ret->function = symbol;
}

/* For as long as the process lives: texts of findings are made of it. */
static void know_places(const struct explore_check *check)
{
	static struct places *places;

	if (!places)
		places = places_of(check);
	explore_places(place_of, places);
}

/* --- one check ----------------------------------------------------------- */

struct names { char text[EXPLORE_THREADS_MAX][8]; const char *name[EXPLORE_THREADS_MAX]; };

static const char *const *thread_names(const struct explore_check *check, struct names *n)
{
	if (check->thread_name)
		return check->thread_name;
	for (unsigned t = 0; t < EXPLORE_THREADS_MAX; t++) {
		snprintf(n->text[t], sizeof(n->text[t]), "T%u", t);
		n->name[t] = n->text[t];
	}
	return n->name;
}

/* A string for a file says of which check it is. */
static void name_replays(struct explore_result *r, const char *name)
{
	for (unsigned i = 0; i < r->findings; i++) {
		char *named, **replay = &r->finding[i].replay;

		if (*replay && asprintf(&named, "%s:%s", name, *replay) > 0) {
			free(*replay);
			*replay = named;
		}
	}
}

/* Takes the next name off a list such as "race, lifetime". Returns its length, 0: that was all. */
static size_t next_name(const char **list, const char **ret_name)
{
	size_t n;

	*ret_name = *list + strspn(*list, ", ");
	n = strcspn(*ret_name, ", ");
	*list = *ret_name + n;
	return n;
}

static bool is_name(const char *name, size_t n, enum explore_oracle oracle)
{
	const char *known = explore_oracle_name(oracle);

	return strlen(known) == n && !memcmp(known, name, n);
}

/* The first name of the list that no oracle has, and its length; 0: all are known. */
static size_t unknown_oracle(const char *list, const char **ret_name)
{
	for (size_t n; list && (n = next_name(&list, ret_name));) {
		unsigned o = 0;

		while (o < ORACLE_COUNT && !is_name(*ret_name, n, (enum explore_oracle)o))
			o++;
		if (o == ORACLE_COUNT)
			return n;
	}
	return 0;
}

static bool is_expected(const char *list, enum explore_oracle oracle)
{
	const char *name;

	for (size_t n; list && (n = next_name(&list, &name));)
		if (is_name(name, n, oracle))
			return true;
	return false;
}

/* What is wrong with the check itself; NULL: nothing. */
static const char *mistake(const struct explore_check *c, char *buf, size_t size)
{
	const struct explore_entry *e = explore_registered();
	const char *name;
	size_t unknown = unknown_oracle(c->expect, &name);

	while (c->repair && e && (e->check == c || strcmp(e->check->name, c->repair)))
		e = e->next;
	if (!c->thread)
		snprintf(buf, size, "has no .thread");
	else if (!c->threads || c->threads > EXPLORE_THREADS_MAX)
		snprintf(buf, size, ".threads is %u, and may be 1 to %d", c->threads,
			 EXPLORE_THREADS_MAX);
	else if (unknown)
		snprintf(buf, size, ".expect: no oracle is called '%.*s'; mmun(1) lists them",
			 (int)unknown, name);
	else if (c->repair && !e)
		snprintf(buf, size, ".repair: the file has no other check '%s'", c->repair);
	else
		return NULL;
	return buf;
}

static enum report_verdict judge(const struct explore_check *check,
				 const struct explore_result *r, char *why, size_t size)
{
	unsigned expected = 0;

	for (unsigned i = 0; i < r->findings; i++)
		expected += is_expected(check->expect, r->finding[i].oracle);
	if (r->findings && !r->executions) { /* whatever was expected */
		snprintf(why, size, "set-up failed");
		return REPORT_VIOLATION;
	}
	if (expected && expected == r->findings)
		return REPORT_OK;
	if (r->findings) {
		snprintf(why, size, "%s%s%s%s", explore_oracle_name(r->finding[0].oracle),
			 r->findings > 1 ? " and others" : "", check->expect ? ", expected " : "",
			 check->expect ? check->expect : "");
		return REPORT_VIOLATION;
	}
	if (!r->exhaustive) {
		snprintf(why, size, "%s", r->stopped_by);
		return REPORT_UNFINISHED;
	}
	if (!check->expect)
		return REPORT_OK;
	snprintf(why, size, "expected finding %s, found none", check->expect);
	return REPORT_DIFFERS;
}

int runs_explore(const struct explore_check *check, const struct explore_options *options,
		 struct explore_result *ret)
{
	const struct explore_check c = with_data(check);

	know_places(check);
	return explore(&c, options, ret);
}

static int explore_and_say(const struct runs *runs, const struct explore_check *check,
			   struct explore_result *ret)
{
	int err = runs_explore(check, &runs->options, ret);

	if (!err && runs->unwatched)
		runs->unwatched(runs->unwatched_arg, check, ret);
	return err;
}

/* Does the check that @check names as its repaired form verify? */
static bool repair(const struct runs *runs, const struct explore_check *check,
		   const struct explore_result *found, char *buf, size_t size)
{
	const struct explore_entry *e = explore_registered();
	struct explore_result *r;
	bool good;

	if (!check->repair || !found->findings || runs->report->pictures == PICTURES_NEVER)
		return false;
	while (e && strcmp(e->check->name, check->repair))
		e = e->next;
	r = e ? calloc(1, sizeof(*r)) : NULL;
	good = r && !explore_and_say(runs, e->check, r);
	if (good) {
		good = r->exhaustive && !r->findings;
		snprintf(buf, size, "what %s does: verified, %" PRIu64 " executions%s",
			 check->repair, r->executions,
			 r->unwatched_count ? ", not all watched" : "");
		explore_result_fini(r);
	}
	free(r);
	return good;
}

void runs_check(const struct runs *runs, const struct explore_check *check)
{
	struct explore_result *r = calloc(1, sizeof(*r));
	struct report_run run = { .file = runs->file, .name = check->name };
	struct names names;
	char why[128] = "", repaired[160], wrong[128];
	int err = -ENOMEM;

	run.error = mistake(check, wrong, sizeof(wrong));
	if (r)
		err = run.error ? -EINVAL : explore_and_say(runs, check, r);
	if (err) {
		run.verdict = REPORT_ERROR;
		if (!run.error)
			run.error = err == -EINVAL ? ".state_size is too large" : "not enough memory";
		runs->complain("%s: %s: %s", runs->file, check->name, run.error);
		report_add(runs->report, &run);
		free(r);
		return;
	}
	report_shortest_first(r->finding, r->findings);
	name_replays(r, check->name);
	run.verdict = judge(check, r, why, sizeof(why));
	run.why = *why ? why : NULL;
	run.certain = r->findings && run.verdict != REPORT_UNFINISHED;
	run.explore = r;
	run.unchecked = runs->options.no_races ? "race: --no-races" : NULL;
	run.repair = repair(runs, check, r, repaired, sizeof(repaired)) ? repaired : NULL;
	run.replay_with = runs->replay_with;
	run.thread = thread_names(check, &names);
	run.threads = check->threads;
	report_add(runs->report, &run);
	fflush(runs->report->out);
	explore_result_fini(r);
	free(r);
}

/* --- replay and the rest ------------------------------------------------- */

static const struct explore_check *check_find(const char *string, const char **ret_schedule)
{
	for (const struct explore_entry *e = explore_registered(); e; e = e->next) {
		size_t n = strlen(e->check->name);

		if (strncmp(string, e->check->name, n) || string[n] != ':')
			continue;
		*ret_schedule = string + n + 1;
		return e->check;
	}
	return NULL;
}

int runs_report_replayed(const struct runs *runs, const struct report_run *run)
{
	if (!report_begin(runs->report)) {
		runs->complain("replay: no temporary file: %s", strerror(errno));
		return STATUS_ERROR;
	}
	report_add(runs->report, run);
	if (!report_end(runs->report)) {
		runs->complain("replay: cannot write a temporary file");
		return STATUS_ERROR;
	}
	return run->explore->findings ? STATUS_VIOLATION : STATUS_OK;
}

static int replayed_in_words(const struct report *report, const struct report_run *run)
{
	const struct explore_result *r = run->explore;

	fprintf(report->out, "Test %s, one execution\n\n", run->name);
	table_print(report->out, run->replayed, run->thread, run->threads, report->verbose);
	fprintf(report->out, "\n");
	for (unsigned i = 0; i < r->findings; i++)
		fprintf(report->out, "Finding %s: %s\n",
			explore_oracle_name(r->finding[i].oracle), r->finding[i].text);
	if (!r->findings)
		fprintf(report->out, "No finding in this execution\n");
	return r->findings ? STATUS_VIOLATION : STATUS_OK;
}

int runs_replay(const struct runs *runs, const char *string)
{
	const char *schedule = NULL;
	const struct explore_check *check = check_find(string, &schedule);
	struct explore_result *r = calloc(1, sizeof(*r));
	struct explore_trace trace = { 0 };
	struct report_run run = { .file = runs->file, .explore = r, .replayed = &trace,
				  .certain = true };
	struct explore_check c;
	struct names names;
	int err = -EINVAL, status;

	if (check && r) {
		c = with_data(check);
		know_places(check);
		err = explore_replay(&c, schedule, &trace, r);
	}
	if (err || !r) {
		runs->complain("%s: %s", runs->file, r && err == -EINVAL ?
			       "the replay string is not of a check in it" : "not enough memory");
		free(r);
		return STATUS_ERROR;
	}
	run.name = c.name;
	run.verdict = r->findings ? REPORT_VIOLATION : REPORT_OK;
	run.thread = thread_names(&c, &names);
	run.threads = c.threads;
	status = runs->report->format ? runs_report_replayed(runs, &run) :
					replayed_in_words(runs->report, &run);
	explore_trace_fini(&trace);
	explore_result_fini(r);
	free(r);
	return status;
}

int runs_status(const struct report *r, bool failed)
{
	if (r->count[REPORT_VIOLATION] || r->count[REPORT_DIFFERS])
		return STATUS_VIOLATION;
	if (r->count[REPORT_ERROR] || failed)
		return STATUS_ERROR;
	return r->count[REPORT_UNFINISHED] ? STATUS_UNFINISHED : STATUS_OK;
}
