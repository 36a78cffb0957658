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

static const char *const thread[] = { "P0", "D0" };

/* What a test writes; an event without a text is an operation. */
struct said { unsigned step, thread; const char *text, *function; };

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
	for (size_t i = 0; i < count; i++) {
		struct explore_event *e = &s->event[i];

		*e = (struct explore_event){ .step = said[i].step, .thread = said[i].thread,
			.note = said[i].text, .kind = "exchange", .file = "x/src/vm/tlb.c",
			.line = (int)i + 1, .function = said[i].function };
		if (e->note)
			snprintf(e->text, sizeof(e->text), "%s", said[i].text);
	}
	return s;
}

static void holds(struct story *s, size_t event, unsigned item, const char *text)
{
	struct explore_held *h = &s->held[s->trace.helds++];

	*h = (struct explore_held){ .event = event, .item = item };
	snprintf(h->text, sizeof(h->text), "%s", text);
	if (item >= s->trace.items)
		s->trace.items = item + 1;
}

static void tell(struct story *s, bool verbose)
{
	assert_true(rows_init(&s->rows, &s->trace, thread, ARRAY_SIZE(thread), verbose));
}

static void forget(struct story *s)
{
	rows_fini(&s->rows);
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
	{ 0, A, "> x = 1", "world" },          /* begins with step 0 */
	{ 0, B, "> r0 = a", "world" },         /* begins with step 3 */
	{ 0, A, NULL, "pte_lock" },
	{ 0, A, "lock page table of a", "pte_lock" },
	{ 1, A, NULL, "set_pte" },
	{ 1, A, "set pte of a", "set_pte" },   /* 5 */
	{ 1, A, "unlock page table", "pte_unlock" },
	{ 2, A, NULL, "elsewhere" },
	{ 3, B, NULL, "fill" },
	{ 3, B, "TLB miss, walk of a", "fill" },
	{ 4, B, NULL, "fill" },                /* 10 */
	{ 5, B, NULL, "touch" },
	{ 5, B, "a: load = 1", "touch" },
	{ 6, A, NULL, "entry_invalidate" },
	{ 7, A, NULL, "tlb_wait" },
	{ 7, A, "flush device TLB from a", "ats_invalidate" }, /* 15 */
};

static struct story *cow_story(void)
{
	struct story *s = story(cow, ARRAY_SIZE(cow));

	s->event[5].operation = s->event[6].operation = s->event[15].operation = "COW";
	s->event[6].operation_step = 1;
	s->event[15].operation_step = 2;
	strcpy(s->trace.item[0], "entry of a");
	strcpy(s->trace.item[1], "TLB of D0: a");
	strcpy(s->trace.item[2], "TLB of D0: b");
	strcpy(s->trace.item[3], "entry of b");
	holds(s, 2, 0, "frame 5");
	holds(s, 2, 1, "-");
	holds(s, 2, 2, "-");
	holds(s, 2, 3, "frame 7");
	holds(s, 7, 0, "frame 42");
	holds(s, 11, 1, "frame 42");
	holds(s, 14, 1, "-");
	return s;
}

static void rows_are_notes(void **state)
{
	struct story *s = cow_story();
	char place[64];

	(void)state;
	tell(s, false);
	assert_int_equal(s->rows.count, 8);
	expect_line(s, 0, "> x = 1");
	expect_line(s, 1, "  lock page table of a");
	expect_line(s, 2, "    COW_step0: set pte of a");
	expect_line(s, 3, "  COW_step1: unlock page table");
	expect_line(s, 4, "> r0 = a");
	expect_line(s, 7, "  COW_step2: flush device TLB from a");
	for (size_t i = 0; i < s->rows.count; i++)
		assert_int_equal(s->rows.row[i].number, i + 1);
	assert_int_equal(s->rows.row[2].locks, 1);
	assert_int_equal(s->rows.row[3].locks, 1);
	assert_int_equal(s->rows.row[3].locks_after, 0);
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
	assert_string_equal(held_text(&s->rows, 0, 3), "frame 5");
	assert_string_equal(held_text(&s->rows, 0, 4), "frame 42");
	forget(s);
}

static void what_is_held_changes_at_rows(void **state)
{
	struct story *s = cow_story();

	(void)state;
	tell(s, false);
	/* The note of the same step, not the last before somebody else moves. */
	assert_string_equal(held_text(&s->rows, 0, 0), "frame 5");
	assert_string_equal(held_text(&s->rows, 0, 2), "frame 5");
	assert_string_equal(held_text(&s->rows, 0, 3), "frame 42");
	/* The note of the same function, then the next of the same thread. */
	assert_string_equal(held_text(&s->rows, 1, 5), "-");
	assert_string_equal(held_text(&s->rows, 1, 6), "frame 42");
	assert_string_equal(held_text(&s->rows, 1, 7), "frame 42");
	assert_string_equal(held_text(&s->rows, 1, 8), "-");
	assert_true(rows_made(&s->rows, 7, 6));
	assert_false(rows_made(&s->rows, 6, 6));
	/* b is nowhere, so its entry does not matter either. */
	assert_true(held_matters(&s->rows, 0) && held_matters(&s->rows, 1));
	assert_false(held_matters(&s->rows, 2) || held_matters(&s->rows, 3));
	forget(s);
}

/* Nobody says that P0 empties the TLB before D0 goes on: the operation says it itself. */
static void a_change_without_a_note_has_a_row(void **state)
{
	static const struct said said[] = {
		{ 0, A, NULL, "start" },
		{ 0, A, "range_start of a", "start" },
		{ 1, A, NULL, "entry_invalidate" },
		{ 2, B, NULL, "touch" },
		{ 2, B, "a: load = 1", "touch" },
	};
	struct story *s = story(said, ARRAY_SIZE(said));

	(void)state;
	strcpy(s->trace.item[0], "TLB of D0: a");
	holds(s, 0, 0, "frame 5");
	holds(s, 3, 0, "-");
	tell(s, false);
	assert_int_equal(s->rows.count, 3);
	expect_line(s, 1, ". exchange, entry_invalidate");
	assert_string_equal(held_text(&s->rows, 0, 1), "frame 5");
	assert_string_equal(held_text(&s->rows, 0, 2), "-");
	forget(s);
}

static void a_finding_means_a_row(void **state)
{
	struct story *s = cow_story();

	(void)state;
	tell(s, false);
	assert_int_equal(rows_culprit(&s->rows, "cannot give D0:r0=1"), 7);
	assert_int_equal(rows_culprit(&s->rows, "P0 and D0"), 8);
	assert_int_equal(rows_culprit(&s->rows, "xD0, D01"), 8); /* nobody */
	assert_int_equal(rows_culprit(&s->rows, ""), 8);
	forget(s);
	s = story(cow, 7);
	tell(s, false);
	assert_int_equal(rows_culprit(&s->rows, "P0"), 3); /* not the unlock */
	forget(s);
	s = story(cow, 0);
	tell(s, false);
	assert_int_equal(s->rows.count, 0);
	assert_int_equal(rows_culprit(&s->rows, "P0"), 0);
	forget(s);
}

static void long_runs_are_folded(void **state)
{
	struct said said[180];
	struct story *s;
	size_t folds = 0, numbers = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(said); i += 2) {
		said[i] = (struct said){ i, i < 150 ? A : B, NULL, "f" };
		said[i + 1] = (struct said){ i, i < 150 ? A : B,
					     i % 20 ? "step" : "lock x", "f" };
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml),
		cmocka_unit_test(mermaid),
		cmocka_unit_test(rows_are_notes),
		cmocka_unit_test(verbose_rows_are_all_events),
		cmocka_unit_test(what_is_held_changes_at_rows),
		cmocka_unit_test(a_change_without_a_note_has_a_row),
		cmocka_unit_test(a_finding_means_a_row),
		cmocka_unit_test(long_runs_are_folded),
		cmocka_unit_test(lines_break_between_words_and_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
