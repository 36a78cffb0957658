/* SPDX-License-Identifier: MIT */
/*
 * unit_report.c - what pictures are made of, on traces that are written here: strings in
 * documents, which events are rows and what they are called, which row made what is
 * watched what it is, which row a finding means, what is folded away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "explore/engine/engine.h"
#include "report/escape.h"
#include "report/rows.h"

/* --- strings ------------------------------------------------------------- */

typedef void escape_fn(FILE *out, const char *text);

static void expect(escape_fn *escape, const char *text, const char *wanted)
{
	char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(out);
	escape(out, text);
	fclose(out);
	assert_string_equal(got, wanted);
	free(got);
}

#define LOST "\xef\xbf\xbd"

static void xml(void **state)
{
	(void)state;
	expect(escape_xml, "a < b && \"c\" > 'd'",
	       "a &#60; b &#38;&#38; &#34;c&#34; &#62; &#39;d&#39;");
	expect(escape_xml, "</script><!--]]>&amp;",
	       "&#60;/script&#62;&#60;!--]]&#62;&#38;amp;");
	/* Not even by number: controls, and two characters that are none. */
	expect(escape_xml, "\x01\x1f\x7f\t\n", LOST LOST LOST "\t\n");
	expect(escape_xml, "\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", LOST LOST LOST);
	expect(escape_xml, "\xc3(\xe2\x82\xac", LOST "(\xe2\x82\xac");
}

static void mermaid(void **state)
{
	(void)state;
	expect(escape_mermaid, "set pte of a -> frame 42, rw",
	       "set pte of a -#62; frame 42, rw");
	expect(escape_mermaid, "a; b #c <br/> %%{x}%% $$y$$ \\n",
	       "a#59; b #35;c #60;br/#62; #37;#37;#123;x#125;#37;#37; #36;#36;y#36;#36; #92;n");
	expect(escape_mermaid, "end", "#101;nd");
	expect(escape_mermaid, "at the end.", "at the #101;nd.");
	expect(escape_mermaid, "range_end of ends, endless, weekend, end2",
	       "range_end of ends, endless, weekend, end2");
	expect(escape_mermaid, "a\nend\r\xff\xc3\xa4", "a #101;nd " LOST "\xc3\xa4");
	expect(escape_mermaid_comment, "mmun replay 'a;b#c' 12:3\n%%{init}%%\xff",
	       "mmun replay 'a;b#c' 12:3 % %{init}% %" LOST);
}

/* --- traces -------------------------------------------------------------- */

enum { A, B };
enum { ADDR_A = 0x40, ADDR_B = 0x60, PAGE = 0x20 };

static const char *const thread[] = { "P0", "D0" };

/* Kinds of the test's own: rows know events by their roles and words, not by the list. */
#define KIND(name, role, sentence) \
	static const struct explore_kind name = { \
		#name, role, sentence, 1, { { "addr", EXPLORE_ADDRESS } } }

KIND(statement, EXPLORE_STATEMENT, "r0 = {addr}");
KIND(lock, EXPLORE_LOCK, "take the table of {addr}");
KIND(unlock, EXPLORE_UNLOCK, "let the table go");
KIND(set, EXPLORE_STEP, "set {addr}");
KIND(walk, EXPLORE_DETAIL, "walk to {addr}");
KIND(load, EXPLORE_STEP, "load {addr}");
KIND(flush, EXPLORE_STEP, "flush {addr}");
static const struct explore_kind exchange = { "exchange", EXPLORE_OPERATION, "exchange", 0,
					      { { NULL, EXPLORE_NUMBER } } };

struct said {
	unsigned step, thread;
	const struct explore_kind *kind;
	uint64_t addr;
	const char *function;
};

struct story {
	struct explore_event event[200];
	struct explore_held held[16];
	struct explore_trace trace;
	struct rows rows;
};

static struct story *story(const struct said *said, size_t count)
{
	struct story *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_true(count <= ARRAY_SIZE(s->event));
	s->trace.event = s->event;
	s->trace.count = count;
	s->trace.held = s->held;
	assert_int_equal(explore_trace_name(&s->trace, ADDR_A, ADDR_A + 8, "a"), 0);
	for (size_t i = 0; i < count; i++)
		s->event[i] = (struct explore_event){
			.step = said[i].step, .thread = said[i].thread, .kind = said[i].kind,
			.word = { said[i].addr }, .file = "x/src/vm/tlb.c", .line = (int)i + 1,
			.function = said[i].function };
	return s;
}

static void item(struct story *s, unsigned n, const char *name, uint64_t page)
{
	struct explore_item *it = &s->trace.item[n];

	it->start = page;
	it->end = page + PAGE;
	snprintf(it->name, sizeof(it->name), "%s", name);
}

/* A text of NULL is nothing. */
static void holds(struct story *s, size_t event, unsigned item, const char *text)
{
	struct explore_held *h = &s->held[s->trace.helds++];

	*h = (struct explore_held){ .event = event, .item = item, .nothing = !text };
	snprintf(h->text, sizeof(h->text), "%s", text ? text : "-");
	if (item >= s->trace.items)
		s->trace.items = item + 1;
}

static void expect_held(const struct story *s, unsigned item, unsigned row, const char *text)
{
	const struct explore_held *h = held_after(&s->rows, item, row);

	assert_non_null(h);
	assert_string_equal(h->text, text);
}

static void tell(struct story *s, bool verbose)
{
	assert_true(rows_init(&s->rows, &s->trace, thread, ARRAY_SIZE(thread), verbose));
}

static void forget(struct story *s)
{
	rows_fini(&s->rows);
	free(s->trace.name);
	free(s);
}

static void expect_line(const struct story *s, size_t row, const char *wanted)
{
	char line[ROWS_LINE_MAX];

	assert_true(row < s->rows.count);
	rows_line(&s->rows.row[row], line);
	assert_string_equal(line, wanted);
}

/* P0 changes an entry under a lock, D0 fills its TLB, P0 empties it. */
static const struct said cow[] = {
	{ 0, A, &statement, ADDR_B, "world" },          /* begins with step 0 */
	{ 0, B, &statement, ADDR_A, "world" },          /* begins with step 3 */
	{ 0, A, &exchange, 0, "pte_lock" },
	{ 0, A, &lock, ADDR_A, "pte_lock" },
	{ 1, A, &exchange, 0, "set_pte" },
	{ 1, A, &set, ADDR_A, "set_pte" },              /* 5 */
	{ 1, A, &unlock, 0, "pte_unlock" },
	{ 2, A, &exchange, 0, "elsewhere" },
	{ 3, B, &exchange, 0, "fill" },
	{ 3, B, &walk, ADDR_A, "fill" },
	{ 4, B, &exchange, 0, "fill" },                 /* 10 */
	{ 5, B, &exchange, 0, "touch" },
	{ 5, B, &load, ADDR_A, "touch" },
	{ 6, A, &exchange, 0, "entry_invalidate" },
	{ 7, A, &exchange, 0, "flush_wait" },
	{ 7, A, &flush, ADDR_A, "ats_done" },           /* 15 */
};

static struct story *cow_story(void)
{
	struct story *s = story(cow, ARRAY_SIZE(cow));

	s->event[5].operation = s->event[6].operation = s->event[15].operation = "COW";
	s->event[6].operation_step = 1;
	s->event[15].operation_step = 2;
	item(s, 0, "entry of a", ADDR_A);
	item(s, 1, "TLB of D0: a", ADDR_A);
	item(s, 2, "TLB of D0: b", ADDR_B);
	item(s, 3, "entry of c", ADDR_B + PAGE);
	item(s, 4, "entry of b", ADDR_B);
	holds(s, 2, 0, "frame 5");
	holds(s, 2, 1, NULL);
	holds(s, 2, 2, NULL);
	holds(s, 2, 3, "frame 7");
	holds(s, 2, 4, "frame 8");
	holds(s, 7, 0, "frame 42");
	holds(s, 11, 1, "frame 42");
	holds(s, 14, 1, NULL);
	return s;
}

static void rows_are_what_is_said(void **state)
{
	struct story *s = cow_story();
	char place[64];

	(void)state;
	tell(s, false);
	assert_int_equal(s->rows.count, 8);
	expect_line(s, 0, "> r0 = 0x60");
	expect_line(s, 1, "  take the table of a");
	expect_line(s, 2, "    COW_step0: set a");
	expect_line(s, 3, "  COW_step1: let the table go");
	expect_line(s, 4, "> r0 = a");
	expect_line(s, 7, "  COW_step2: flush a");
	for (size_t i = 0; i < s->rows.count; i++)
		assert_int_equal(s->rows.row[i].number, i + 1);
	assert_int_equal(s->rows.row[2].locks, 1);
	assert_int_equal(s->rows.row[3].locks, 1);
	assert_int_equal(s->rows.row[3].locks_after, 0);
	assert_true(s->rows.row[1].minor && s->rows.row[5].minor && !s->rows.row[6].minor);
	rows_where(&s->rows.row[2], place, sizeof(place));
	assert_string_equal(place, "set_pte src/vm/tlb.c:6");
	assert_true(rows_is_own(&s->rows.row[2]));
	forget(s);
}

static void verbose_rows_are_all_events(void **state)
{
	struct story *s = cow_story();

	(void)state;
	tell(s, true);
	assert_int_equal(s->rows.count, ARRAY_SIZE(cow));
	expect_line(s, 1, "  . exchange, pte_lock src/vm/tlb.c:3");
	expect_held(s, 0, 3, "frame 5");
	expect_held(s, 0, 4, "frame 42");
	forget(s);
}

static void what_is_held_changes_at_rows(void **state)
{
	struct story *s = cow_story();

	(void)state;
	tell(s, false);
	/* What is said of the same step, not the last before somebody else moves. */
	expect_held(s, 0, 0, "frame 5");
	expect_held(s, 0, 2, "frame 5");
	expect_held(s, 0, 3, "frame 42");
	/* What the same function says, then the next of the same thread. */
	expect_held(s, 1, 5, "-");
	expect_held(s, 1, 6, "frame 42");
	expect_held(s, 1, 7, "frame 42");
	expect_held(s, 1, 8, "-");
	assert_true(rows_made(&s->rows, 7, 7));
	assert_false(rows_made(&s->rows, 6, 7));
	/* Nobody speaks of c; b is in no TLB, but a statement is about it. */
	assert_true(held_matters(&s->rows, 0) && held_matters(&s->rows, 1));
	assert_false(held_matters(&s->rows, 2) || held_matters(&s->rows, 3));
	assert_true(held_matters(&s->rows, 4));
	forget(s);
}

/* Nobody says that P0 empties the TLB before D0 goes on: the operation says it itself. */
static void a_change_that_nobody_tells_of_has_a_row(void **state)
{
	static const struct said said[] = {
		{ 0, A, &exchange, 0, "start" },
		{ 0, A, &set, ADDR_A, "start" },
		{ 1, A, &exchange, 0, "entry_invalidate" },
		{ 2, B, &exchange, 0, "touch" },
		{ 2, B, &load, ADDR_A, "touch" },
	};
	struct story *s = story(said, ARRAY_SIZE(said));

	(void)state;
	item(s, 0, "TLB of D0: a", ADDR_A);
	holds(s, 0, 0, "frame 5");
	holds(s, 3, 0, NULL);
	tell(s, false);
	assert_int_equal(s->rows.count, 3);
	expect_line(s, 1, ". exchange, entry_invalidate");
	expect_held(s, 0, 1, "frame 5");
	expect_held(s, 0, 2, "-");
	forget(s);
}

static unsigned culprit(const struct story *s, unsigned threads)
{
	return rows_culprit(&s->rows, &(struct explore_finding){ .threads = threads });
}

static void a_finding_means_a_row(void **state)
{
	struct story *s = cow_story();

	(void)state;
	tell(s, false);
	assert_int_equal(culprit(s, 1 << B), 7);
	assert_int_equal(culprit(s, 1 << A | 1 << B), 8);
	assert_int_equal(culprit(s, 0), 8); /* nobody's */
	forget(s);
	s = story(cow, 7);
	tell(s, false);
	assert_int_equal(culprit(s, 1 << A), 3); /* not the unlock */
	forget(s);
	s = story(cow, 0);
	tell(s, false);
	assert_int_equal(s->rows.count, 0);
	assert_int_equal(culprit(s, 1 << A), 0);
	forget(s);
}

static void long_runs_are_folded(void **state)
{
	struct said said[180];
	struct story *s;
	size_t folds = 0, numbers = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(said); i += 2) {
		said[i] = (struct said){ i, i < 150 ? A : B, &exchange, 0, "f" };
		said[i + 1] = (struct said){ i, i < 150 ? A : B, i % 20 ? &set : &lock, 0, "f" };
	}
	s = story(said, ARRAY_SIZE(said));
	tell(s, false);
	rows_fold(&s->rows);
	assert_true(s->rows.count <= 60);
	for (size_t i = 0; i < s->rows.count; i++) {
		const struct row *r = &s->rows.row[i];

		folds += r->kind == ROW_FOLD;
		numbers += r->kind != ROW_FOLD;
		assert_true(r->number <= r->last && (!i || s->rows.row[i - 1].last < r->number));
	}
	assert_int_equal(folds, 1);
	assert_int_equal(numbers + s->rows.hidden, 90);
	forget(s);
}

static void lines_break_between_words_and_characters(void **state)
{
	(void)state;
	assert_int_equal(rows_break("short", 10), 5);
	assert_int_equal(rows_break("one two three", 9), 7);
	assert_int_equal(rows_break("a_very_long_word", 8), 8);
	assert_int_equal(rows_break("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 7), 6);
}

/* --- each kind of event in each format ------------------------------------ */

/* An event of the kind, with another number in each word. */
static struct explore_event sample(const struct explore_kind *kind)
{
	static const uint64_t word[] = {
		[EXPLORE_ADDRESS] = ADDR_A, [EXPLORE_END] = ADDR_B, [EXPLORE_FRAME] = 107,
		[EXPLORE_SLOT] = 108, [EXPLORE_RIGHTS] = EVENT_RW, [EXPLORE_NUMBER] = 110,
		[EXPLORE_BYTES] = 111, [EXPLORE_VALUE] = 112, [EXPLORE_FLAG] = 1,
		[EXPLORE_OBJECT] = 113,
	};
	struct explore_event e = { .kind = kind, .file = "x.c", .line = 1, .function = "f" };

	for (unsigned w = 0; w < kind->words; w++)
		switch (kind->word[w].is) {
		case EXPLORE_NAME:
			e.word[w] = (uint64_t)(uintptr_t)"a_name";
			break;
		case EXPLORE_TEXT:
			strcpy(e.text, "a text");
			break;
		case EXPLORE_ENTRY:
			e.word[w] = event_entry(EVENT_MAPPED, 109, EVENT_RO, true);
			break;
		default:
			e.word[w] = word[kind->word[w].is];
		}
	return e;
}

/* What the format makes of a finding with this trace; to be freed. */
static char *told(const char *format, const struct explore_trace *trace)
{
	struct explore_result result = { .executions = 1, .findings = 1 };
	struct report_run run = { .file = "file", .name = "name", .verdict = REPORT_VIOLATION,
				  .explore = &result, .thread = thread, .threads = 1 };
	struct report report = { .format = report_format_find(format), .verbose = true,
				 .pictures = PICTURES_ALWAYS };
	char *text = NULL;
	size_t size;

	result.finding[0] = (struct explore_finding){ .oracle = ORACLE_FLAT, .trace = *trace };
	report.out = open_memstream(&text, &size);
	assert_true(report.out && report_begin(&report));
	report_add(&report, &run);
	assert_true(report_end(&report));
	fclose(report.out);
	return text;
}

static void put_plain(FILE *out, const char *text) { fputs(text, out); }

/* Without the quotes: other text may come before and after it. */
static void put_json(FILE *out, const char *text)
{
	char *string = NULL;
	size_t size;
	FILE *f = open_memstream(&string, &size);

	json_string(&(struct json){ .out = f }, NULL, text);
	fclose(f);
	fwrite(string + 1, 1, size - 2, out);
	free(string);
}

static void expect_told(const struct explore_trace *trace, const char *sentence)
{
	static const struct { const char *format; escape_fn *escape; } formats[] = {
		{ "herd", put_plain }, { "json", put_json }, { "html", escape_xml },
		{ "svg", escape_xml }, { "mermaid", escape_mermaid },
	};

	for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
		char *text = told(formats[f].format, trace), *wanted = NULL;
		size_t size;
		FILE *out = open_memstream(&wanted, &size);

		formats[f].escape(out, sentence);
		fclose(out);
		if (!strstr(text, wanted))
			fail_msg("%s does not say '%s' but: %s", formats[f].format, wanted, text);
		free(wanted);
		free(text);
	}
}

/* JSON has the kind, and each word but what differs from run to run. */
static void expect_words(const struct explore_trace *trace)
{
	const struct explore_kind *kind = trace->event[0].kind;
	char *text = told("json", trace), member[64], *words;

	snprintf(member, sizeof(member), "\"kind\": \"%s\", \"words\": {", kind->name);
	words = strstr(text, member);
	assert_non_null(words);
	*strchr(words, '}') = 0;
	for (unsigned w = 0; w < kind->words; w++) {
		snprintf(member, sizeof(member), "\"%s\": ", kind->word[w].name);
		assert_true(!strstr(words, member) == (kind->word[w].is == EXPLORE_OBJECT));
	}
	free(text);
}

static void kind_is_told(const struct explore_kind *kind)
{
	/* A statement is told when its first operation comes. */
	struct explore_event event[] = { sample(kind), sample(&exchange) };
	struct explore_trace trace = { .event = event, .count = ARRAY_SIZE(event) };
	char sentence[ROWS_TEXT_MAX];

	assert_int_equal(explore_trace_name(&trace, ADDR_A, ADDR_A + PAGE, "a"), 0);
	explore_event_text(&trace, &event[0], sentence, sizeof(sentence));
	assert_true(*sentence && !strpbrk(sentence, "{}"));
	expect_told(&trace, sentence);
	expect_words(&trace);
	free(trace.name);
}

static void each_kind_is_told_in_each_format(void **state)
{
	(void)state;
	for (int k = 0; k < EVENT_COUNT; k++)
		if (engine_events[k].role != EXPLORE_UNSHOWN)
			kind_is_told(&engine_events[k]);
	for (int k = 0; k < SYNC_KIND_COUNT; k++)
		kind_is_told(&engine_operations[k]);
}

static bool has_word(const struct explore_kind *kind, const char *name, size_t n)
{
	for (unsigned w = 0; w < kind->words; w++)
		if (strlen(kind->word[w].name) == n && !strncmp(kind->word[w].name, name, n))
			return true;
	return false;
}

/* Names differ; what stands in braces is a word of the kind; there is one text at most. */
static void kinds_are_consistent(void **state)
{
	(void)state;
	for (int k = 0; k < EVENT_COUNT; k++) {
		const struct explore_kind *kind = &engine_events[k];
		unsigned texts = 0;

		for (int other = 0; other < k; other++)
			assert_string_not_equal(kind->name, engine_events[other].name);
		for (const char *s = strchr(kind->sentence, '{'); s; s = strchr(s + 1, '{'))
			assert_true(has_word(kind, s + 1, strcspn(s + 1, ":}")));
		for (unsigned w = 0; w < kind->words; w++)
			texts += kind->word[w].is == EXPLORE_TEXT;
		assert_true(texts <= 1);
	}
}

static void words_are_told(void **state)
{
	static const struct { enum explore_word is; uint64_t word; const char *text; } c[] = {
		{ EXPLORE_ADDRESS, ADDR_A, "a" }, { EXPLORE_ADDRESS, ADDR_A + 4, "a" },
		{ EXPLORE_ADDRESS, ADDR_A + 8, "a's page" }, { EXPLORE_ADDRESS, 0, "0" },
		{ EXPLORE_ADDRESS, ADDR_B, "0x60" }, { EXPLORE_END, ADDR_A, "0x40" },
		{ EXPLORE_FRAME, 3, "3" }, { EXPLORE_SLOT, 4, "4" }, { EXPLORE_NUMBER, 5, "5" },
		{ EXPLORE_RIGHTS, EVENT_NO_ACCESS, "no access" },
		{ EXPLORE_RIGHTS, EVENT_RO, "ro" }, { EXPLORE_RIGHTS, EVENT_RW, "rw" },
		{ EXPLORE_BYTES, 1, "1 byte" }, { EXPLORE_BYTES, 8, "8 bytes" },
		{ EXPLORE_VALUE, 99999, "99999" }, { EXPLORE_VALUE, 100000, "0x186a0" },
		{ EXPLORE_VALUE, (uint64_t)-1, "-1" }, { EXPLORE_FLAG, 1, "1" },
		{ EXPLORE_NAME, (uint64_t)(uintptr_t)"&lock", "&lock" },
		{ EXPLORE_OBJECT, 12, "" },
	};
	struct explore_trace trace = { .count = 0 };
	char text[64];

	(void)state;
	assert_int_equal(explore_trace_name(&trace, ADDR_A, ADDR_A + 8, "a"), 0);
	assert_int_equal(explore_trace_name(&trace, ADDR_A, ADDR_A + PAGE, "a's page"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		const struct explore_kind kind = { "k", EXPLORE_STEP, "{w}", 1,
						   { { "w", c[i].is } } };
		const struct explore_event e = { .kind = &kind, .word = { c[i].word } };

		assert_string_equal(explore_word_text(&trace, &e, 0, text, sizeof(text)),
				    c[i].text);
		assert_string_equal(explore_event_text(&trace, &e, text, sizeof(text)),
				    c[i].text);
	}
	free(trace.name);
}

static void entries_are_told(void **state)
{
	static const struct { enum event_entry is; bool huge; const char *text; } c[] = {
		{ EVENT_NOTHING, false, "-" }, { EVENT_NONE, false, "none" },
		{ EVENT_SWAPPED, false, "swap slot 7" }, { EVENT_MOVING, false, "frame 7, moving" },
		{ EVENT_MAPPED, false, "frame 7, ro" }, { EVENT_MAPPED, true, "frame 7, ro, huge" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		engine_entry_text(event_entry(c[i].is, 7, EVENT_RO, c[i].huge), text,
				  sizeof(text));
		assert_string_equal(text, c[i].text);
	}
}

/* A sentence that does not fit is cut off, wherever that is. */
static void sentences_are_cut_off(void **state)
{
	static const struct explore_kind kind = { "k", EXPLORE_STEP, "<{w}{w:, more}>", 1,
						  { { "w", EXPLORE_NUMBER } } };
	const struct explore_event e = { .kind = &kind, .word = { 12345 } };
	const struct explore_trace trace = { .count = 0 };
	char whole[64], text[64];

	(void)state;
	explore_event_text(&trace, &e, whole, sizeof(whole));
	assert_string_equal(whole, "<12345, more>");
	for (size_t size = 1; size <= sizeof("<12345, more>"); size++) {
		explore_event_text(&trace, &e, text, size);
		assert_int_equal(strlen(text), size - 1);
		assert_memory_equal(text, whole, size - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml),
		cmocka_unit_test(mermaid),
		cmocka_unit_test(rows_are_what_is_said),
		cmocka_unit_test(verbose_rows_are_all_events),
		cmocka_unit_test(what_is_held_changes_at_rows),
		cmocka_unit_test(a_change_that_nobody_tells_of_has_a_row),
		cmocka_unit_test(a_finding_means_a_row),
		cmocka_unit_test(long_runs_are_folded),
		cmocka_unit_test(lines_break_between_words_and_characters),
		cmocka_unit_test(words_are_told),
		cmocka_unit_test(entries_are_told),
		cmocka_unit_test(sentences_are_cut_off),
		cmocka_unit_test(kinds_are_consistent),
		cmocka_unit_test(each_kind_is_told_in_each_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
