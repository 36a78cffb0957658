/* SPDX-License-Identifier: MIT */
/*
 * finding.c - what an execution did wrong, kept once per oracle and text with
 * the schedule of fewest context switches that shows it.
 *
 * All linear orders of an execution's happens-before relation are executions
 * too, and equivalent. The one with the fewest switches is searched breadth
 * first: whenever a thread is switched to it may as well run as far as it can,
 * since taking its later steps earlier delays nobody. A finding that shows
 * only if one step comes after another adds that edge.
 *
 * A replay string is a fingerprint, a colon, a plus if allocations may fail, an underscore if every
 * loop is watched, a "^" if all unlocks are steps, and the schedule: a letter for the thread
 * (engine/origin.c), a number of steps if more than one, and "!c" after a step that made choice c.
 */
#include "explore/find/find.h"
#include "explore/run/run.h"
#include "base/hash.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_MAX = 20000 };

/* --- fewest switches ----------------------------------------------------- */

struct state { int16_t pos[T_MAX]; int32_t parent; uint8_t thread; };

struct order {
	const struct fail *fail;
	int n;                     /* steps of the execution */
	int16_t count[T_MAX];      /* of each thread, needed for the finding */
	int16_t *steps_of[T_MAX];  /* each thread's steps, in order */
	int16_t *pool;
	struct state *state;
	int states;
	uint32_t *hash;            /* state + 1 */
};

enum { HASH_SIZE = 1 << 16 };

static void needs(struct order *o, int step)
{
	if (step < 0)
		return;
	for (unsigned t = 0; t < x.threads; t++)
		if (x.step[step].clk.c[t] > o->count[t])
			o->count[t] = x.step[step].clk.c[t];
}

static bool order_open(struct order *o, const struct fail *f)
{
	int total[T_MAX] = { 0 }, at = 0;

	memset(o, 0, sizeof(*o));
	o->fail = f;
	o->n = x.depth;
	for (int j = 0; j < o->n; j++)
		total[x.step[j].thread]++;
	o->pool = malloc((size_t)(o->n + 1) * sizeof(*o->pool));
	o->state = malloc(STATES_MAX * sizeof(*o->state));
	o->hash = calloc(HASH_SIZE, sizeof(*o->hash));
	if (!o->pool || !o->state || !o->hash)
		return false;
	for (unsigned t = 0; t < x.threads; t++) {
		o->steps_of[t] = o->pool + at;
		at += total[t];
		total[t] = 0;
	}
	for (int j = 0; j < o->n; j++)
		o->steps_of[x.step[j].thread][total[x.step[j].thread]++] = (int16_t)j;
	if (f->target >= 0 && f->target < o->n) {
		needs(o, f->target);
		needs(o, f->first);
	} else {
		for (unsigned t = 0; t < x.threads; t++)
			o->count[t] = (int16_t)total[t];
	}
	return true;
}

static void order_close(struct order *o)
{
	free(o->pool);
	free(o->state);
	free(o->hash);
}

static bool ready(const struct order *o, const int16_t *pos, int step)
{
	const struct step *s = &x.step[step];
	const struct fail *f = o->fail;

	for (unsigned q = 0; q < x.threads; q++)
		if (q != s->thread && s->clk.c[q] > pos[q])
			return false;
	return step != f->then || f->first < 0 ||
	       pos[x.step[f->first].thread] >= x.step[f->first].idx;
}

struct state_key { const struct order *order; const int16_t *pos; unsigned thread; };

static bool is_free_or_state(const void *arg, size_t slot)
{
	const struct state_key *k = arg;
	uint32_t index = k->order->hash[slot];
	const struct state *s = index ? &k->order->state[index - 1] : NULL;

	return !s || (s->thread == k->thread && !memcmp(s->pos, k->pos, sizeof(s->pos)));
}

/* False: it was there, or there is no room for it. */
static bool state_add(struct order *o, const int16_t *pos, int parent, unsigned thread)
{
	uint64_t h = thread;
	size_t slot;

	for (unsigned t = 0; t < x.threads; t++)
		h = hash_mix(h, (uint64_t)pos[t]);
	slot = hash_slot(HASH_SIZE, h, is_free_or_state, &(struct state_key){ o, pos, thread });
	if (o->hash[slot] || o->states == STATES_MAX)
		return false;
	o->hash[slot] = (uint32_t)o->states + 1;
	memcpy(o->state[o->states].pos, pos, sizeof(o->state->pos));
	o->state[o->states].parent = parent;
	o->state[o->states++].thread = (uint8_t)thread;
	return true;
}

static bool complete(const struct order *o, const int16_t *pos)
{
	for (unsigned t = 0; t < x.threads; t++)
		if (pos[t] < o->count[t])
			return false;
	return true;
}

/* Expand one state by running each other thread as far as it goes. Returns the
 * finished state or -1. */
static int expand(struct order *o, int from)
{
	for (unsigned t = 0; t < x.threads; t++) {
		int16_t pos[T_MAX];

		if (o->state[from].parent >= 0 && o->state[from].thread == t)
			continue;
		memcpy(pos, o->state[from].pos, sizeof(pos));
		while (pos[t] < o->count[t] && ready(o, pos, o->steps_of[t][pos[t]]))
			pos[t]++;
		if (pos[t] == o->state[from].pos[t] || !state_add(o, pos, from, t))
			continue;
		if (complete(o, pos))
			return o->states - 1;
	}
	return -1;
}

/* The steps in an order with the fewest switches. Returns how many steps, with
 * *switches; or 0 if it takes @bound switches or more, or too long to find. */
static int shortest(struct order *o, unsigned bound, int16_t *ret_steps, unsigned *switches)
{
	int16_t zero[T_MAX] = { 0 };
	int path[STATES_MAX > 4096 ? 4096 : STATES_MAX], n = 0, end = -1, out = 0;
	unsigned blocks = 0;

	state_add(o, zero, -1, T_MAX);
	if (complete(o, zero))
		return 0;
	for (int done = 0, level = 1; end < 0; level = o->states, blocks++) {
		if (blocks > bound || done == o->states)
			return 0;
		for (; done < level && end < 0; done++)
			end = expand(o, done);
	}
	for (int s = end; o->state[s].parent >= 0; s = o->state[s].parent)
		path[n++] = s;
	*switches = (unsigned)n - 1;
	while (n--) {
		const struct state *s = &o->state[path[n]];

		for (int k = o->state[s->parent].pos[s->thread]; k < s->pos[s->thread]; k++)
			ret_steps[out++] = o->steps_of[s->thread][k];
	}
	return *switches < bound ? out : 0;
}

/* --- replay strings ------------------------------------------------------ */

static uint32_t hash_text(uint32_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

/* Of the check and the schedule, so that a string of another check, or one of
 * which a part was lost, is not taken. */
static unsigned fingerprint(const char *schedule)
{
	uint32_t h = hash_text(2166136261u, x.check->name ? x.check->name : "");

	h = hash_text((h ^ x.check->threads) * 16777619u, schedule);
	return (h ^ h >> 16) & 0xffff;
}

enum { PRINT_LENGTH = 5 }; /* four digits and the colon */

static char *encode(const int16_t *steps, int n)
{
	size_t size = 16 + (size_t)n * (6 + ORIGIN_LENGTH_MAX), at = PRINT_LENGTH;
	char *s = malloc(size);

	if (!s)
		return NULL;
	at += (size_t)snprintf(s + at, size - at, "%s%s%s%s",
			       x.opt.failing_allocations ? "+" : "",
			       x.assumes & EVERY_LOOP_IS_WATCHED ? "_" : "",
			       x.assumes & UNLOCKS_ARE_STEPS ? "^" : "",
			       x.assumes & READERS_QUEUE ? "=" : "");
	for (int k = 0; k < n;) {
		const struct step *a = &x.step[steps[k]];
		int run = 1;

		at += origin_print(a->thread, s + at);
		if (a->kind == SYNC_CHOOSE) {
			at += (size_t)snprintf(s + at, size - at, "!%u", a->choice);
			k++;
			continue;
		}
		while (k + run < n && x.step[steps[k + run]].thread == a->thread &&
		       x.step[steps[k + run]].kind != SYNC_CHOOSE)
			run++;
		if (run > 1)
			at += (size_t)snprintf(s + at, size - at, "%d", run);
		k += run;
	}
	s[at] = '\0';
	snprintf(s, PRINT_LENGTH, "%04x", fingerprint(s + PRINT_LENGTH));
	s[PRINT_LENGTH - 1] = ':';
	return s;
}

/* The schedule of @replay. 0, -EINVAL or -ENOMEM. */
int finding_parse(const char *replay, struct schedule *ret)
{
	unsigned print = 0, digits = 0;
	const char *schedule;
	int n = 0;
	char *forced = malloc(x.steps_max);
	uint8_t *choice = calloc(x.steps_max, 1);

	if (!forced || !choice)
		goto fail_memory;
	for (; isxdigit((unsigned char)*replay) && digits < 4; replay++, digits++)
		print = print * 16 + (unsigned)(isdigit((unsigned char)*replay) ? *replay - '0' :
						tolower((unsigned char)*replay) - 'a' + 10);
	if (digits != 4 || *replay++ != ':')
		goto fail;
	schedule = replay;
	x.opt.failing_allocations = *replay == '+';
	replay += *replay == '+';
	x.assumes |= *replay == '_' ? EVERY_LOOP_IS_WATCHED : 0;
	replay += *replay == '_';
	x.assumes |= *replay == '^' ? UNLOCKS_ARE_STEPS : 0;
	replay += *replay == '^';
	x.assumes |= *replay == '=' ? READERS_QUEUE : 0;
	replay += *replay == '=';
	while (*replay) {
		int thread = origin_parse(&replay);
		unsigned long count = 1;
		char *end;

		if (thread < 0)
			goto fail;
		if (isdigit((unsigned char)*replay)) {
			count = strtoul(replay, &end, 10);
			replay = end;
		}
		if (!count || count > x.steps_max - (unsigned)n)
			goto fail;
		while (count--)
			forced[n++] = (char)(thread + 1);
		if (*replay == '!') {
			count = strtoul(replay + 1, &end, 10);
			if (end == replay + 1 || count > 255)
				goto fail;
			choice[n - 1] = (uint8_t)count;
			replay = end;
		}
	}
	if (print != fingerprint(schedule))
		goto fail;
	*ret = (struct schedule){ forced, choice, n };
	return 0;
fail:
	free(forced);
	free(choice);
	return -EINVAL;
fail_memory:
	free(forced);
	free(choice);
	return -ENOMEM;
}

/* --- collecting ---------------------------------------------------------- */

/* What a thread did wrong by itself another one that runs the same code does wrong, too. */
static bool is_of_code(enum explore_oracle oracle)
{
	return oracle == ORACLE_LOCK_ORDER || oracle == ORACLE_LOCK_HELD ||
	       oracle == ORACLE_ATOMIC || oracle == ORACLE_PROTOCOL;
}

/* The text behind the name of the thread that it begins with. */
static const char *behind_name(const char *text)
{
	for (unsigned t = 0; t < x.threads; t++) {
		char buf[8];
		const char *name = engine_thread_name(t, buf);
		size_t length = strlen(name);

		if (!strncmp(text, name, length) && text[length] == ' ')
			return text + length;
	}
	return text;
}

static bool is_same(const struct explore_finding *g, const struct fail *f)
{
	if (g->oracle != f->oracle || g->cause != f->cause)
		return false;
	return f->cause || !strcmp(g->text, f->text) ||
	       (is_of_code(f->oracle) && !strcmp(behind_name(g->text), behind_name(f->text)));
}

static bool has_place(const struct explore_finding *g, const struct sync_site *site)
{
	for (unsigned i = 0; i < g->places; i++)
		if (g->place[i].line == site->line && !strcmp(g->place[i].function, site->function))
			return true;
	return false;
}

/* What this execution adds to it. */
static void seen_again(struct explore_finding *g, const struct fail *f)
{
	g->times++;
	g->threads |= f->threads;
	for (unsigned i = 0; i < f->sites && g->places < EXPLORE_PLACES_MAX; i++)
		if (!has_place(g, f->site[i]))
			g->place[g->places++] = (struct explore_place){
				f->site[i]->function, f->site[i]->file, f->site[i]->line };
}

static struct explore_finding *finding_of(const struct fail *f)
{
	struct explore_result *r = x.result;
	struct explore_finding *g;

	for (unsigned i = 0; i < r->findings; i++)
		if (is_same(&r->finding[i], f))
			return &r->finding[i];
	if (r->findings == EXPLORE_FINDINGS_MAX) {
		r->findings_dropped++;
		return NULL;
	}
	g = &r->finding[r->findings++];
	memset(g, 0, sizeof(*g));
	g->oracle = f->oracle;
	memcpy(g->text, f->text, sizeof(g->text));
	g->cause = f->cause;
	g->switches = UINT32_MAX;
	return g;
}

/* The schedule just as it ran: when no better one can be had. */
static int as_it_ran(int16_t *steps, unsigned *switches)
{
	*switches = 0;
	for (int j = 0; j < x.depth; j++) {
		steps[j] = (int16_t)j;
		*switches += j && x.step[j].thread != x.step[j - 1].thread;
	}
	return x.depth;
}

static void collect_one(const struct fail *f)
{
	struct explore_finding *g = finding_of(f);
	int16_t *steps = malloc((size_t)(x.depth + 1) * sizeof(*steps));
	unsigned switches = 0;
	struct order o = { 0 };
	int n = 0;

	if (g && !strcmp(g->text, f->text) && steps && order_open(&o, f)) {
		n = x.depth > 0 ? shortest(&o, g->switches, steps, &switches) : 0;
		if (!n && !g->replay)
			n = as_it_ran(steps, &switches);
		if (n || !g->replay) {
			char *replay = encode(steps, n);

			if (replay) {
				free(g->replay);
				g->replay = replay;
				g->switches = switches;
				g->steps = (unsigned)n;
			}
		}
	}
	if (g)
		seen_again(g, f);
	order_close(&o);
	free(steps);
}

void finding_collect(void)
{
	for (unsigned i = 0; i < x.fails; i++)
		collect_one(&x.fail[i]);
	x.result->findings_dropped += x.fails_dropped;
	x.fails_dropped = 0;
}

/* --- pictures ------------------------------------------------------------ */

/* The schedule that showed @g does not show it again. */
static void parted_from(const struct explore_finding *g)
{
	struct fail f = { .oracle = ORACLE_DETERMINISM };
	struct explore_finding *parted;

	snprintf(f.text, sizeof(f.text), "an equal run does not show: %.150s", g->text);
	parted = finding_of(&f);
	if (parted) {
		parted->times++;
		parted->switches = 0;
	}
}

static void record(struct explore_finding *g)
{
	struct schedule schedule;
	unsigned end = UINT32_MAX;
	bool again = g->oracle == ORACLE_DETERMINISM;
	size_t kept = 0;
	uint64_t steps = x.result->steps;

	if (!g->replay || finding_parse(g->replay, &schedule))
		return;
	x.trace = &g->trace;
	x.drawn = g;
	sync_recording = true;
	run_schedule(&schedule);
	sync_recording = false;
	engine_name_threads(&g->threads);
	x.drawn = NULL;
	x.trace = NULL;
	x.result->steps = steps;
	for (unsigned i = 0; i < x.fails; i++) {
		if (!is_same(g, &x.fail[i]))
			continue;
		again = true;
		if (x.fail[i].target >= 0)
			end = (unsigned)(x.fail[i].then >= 0 ? x.fail[i].then : x.fail[i].target);
	}
	if (!again)
		parted_from(g);
	while (kept < g->trace.count && g->trace.event[kept].step <= end)
		kept++;
	g->trace.count = kept;
	while (g->trace.helds && g->trace.held[g->trace.helds - 1].event > kept)
		g->trace.helds--;
	schedule_free(&schedule);
}

void finding_record_all(void)
{
	for (unsigned i = 0; i < x.result->findings; i++)
		record(&x.result->finding[i]);
}
