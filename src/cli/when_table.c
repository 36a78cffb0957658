/* SPDX-License-Identifier: MIT */
/*
 * when_table.c - prints the table that cli/when.c has computed, as text, Markdown or JSON. The
 * Markdown form does not say how many executions it took, so docs/when.md changes only if an
 * answer does.
 */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "cli/when.h"

enum { COLUMNS = 100 };

const char *const when_era_name[ERAS] = { "modern", "classic" };

static const char *const introduction[] = {
	"When may an update of the page tables flush the secondary TLBs? A secondary TLB is one "
	"of a device that walks the page tables of the processors. A row is a kind of update. A "
	"column is the only flush point at which the update flushes them.",
	"A cell is the result of exhaustive searches of small tests, the row's scenes. It is "
	"computed, not written down. \"Broken\" is proved by a counterexample; \"safe\" means "
	"that no scene failed. A cell has one of these words:",
	NULL,
};

/* What stands in a cell. */
static const struct { const char *word, *meaning; } words[] = {
	{ "safe", "no scene failed" },
	{ "lifetime", "a page or a page table is accessed after it was freed" },
	{ "flat", "there is a result that memory without TLBs cannot have" },
	{ "after-return", "what a call took away is used after the call has returned" },
	{ "lost-write", "a store succeeds and is in no memory" },
	{ "liveness", "a device makes the same page request forever" },
	{ "unnoticed", "the purpose of the update (the soft-dirty bit, the write protection, "
	  "writeback, the hint) misses a store that comes after the call" },
	{ "-", "the operation does not pass this flush point, or no scene is for such a device" },
	{ "*", "the semantics use this flush point" },
};

static const char other_devices[] =
	"Devices are of several kinds. Of the devices with a TLB, the one with the largest TLB "
	"is asked: a device that evicts translations holds fewer of them, and is flushed in the "
	"same way. Devices without a secondary TLB have columns of their own. The TLB of a "
	"processor is flushed by the operation itself. A device with a page table of its own "
	"drops its entries at range_start, before anything changes, and enters nothing that "
	"changes until range_end. Whether it is told while the page table lock is held does not "
	"matter. Some scenes in which two processors change page tables are omitted for these "
	"devices, because their search takes too long.";

static const char conditions[] =
	"D1 to D4 are the conditions under which a page table entry may change first, and the "
	"secondary TLBs be flushed after the page table lock was dropped. Two rows with the "
	"same scenes differ in one of them. ROW-with-Dn is the code as it is. ROW-without-Dn "
	"has a mutation: a statement of the test that removes the condition. A flush point that "
	"is safe in the first row and broken in the second depends on the condition.";

/* --- paragraphs ---------------------------------------------------------- */

static void spaces(unsigned n) { printf("%*s", (int)n, ""); }

/* The text in lines of COLUMNS. The first begins at the cursor's column, the others are
 * indented. */
static void wrapped_from(unsigned column, const char *text, unsigned indent)
{
	for (bool first = true; *text; first = false) {
		unsigned word = (unsigned)strcspn(text, " ");

		if (!first && column + 1 + word > COLUMNS) {
			putchar('\n');
			spaces(indent);
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)word, text);
		column += word;
		text += word;
		text += *text == ' ';
	}
	putchar('\n');
}

static void wrapped(const char *text, unsigned indent) { wrapped_from(indent, text, indent); }

/* The number of the row's note, from 1; 0: it has none. */
static unsigned note_number(const struct when_row *row)
{
	unsigned n = 0;

	for (const struct when_row *r = when_rows; r->name; r++) {
		n += r->note != NULL;
		if (r == row)
			return r->note ? n : 0;
	}
	return 0;
}

void when_print_note(const struct when_row *row)
{
	if (row->note)
		wrapped(row->note, 0);
}

/* --- parts of the table -------------------------------------------------- */

/* Some rows in some columns. */
struct part {
	const struct when_table *t;
	size_t row[ROWS_MAX], rows, place[PLACES_MAX], places;
};

enum columns { TLB_PLACES, OTHER_DEVICES, PLACES_AND_CPU, ALL_COLUMNS };

static bool in_columns(const struct when_place *p, enum columns columns)
{
	bool other = p->device || p->processor;

	switch (columns) {
	case TLB_PLACES:
		return !other;
	case OTHER_DEVICES: /* beside them one with a TLB, as it is: by default */
		return other || !strcmp(p->name, "default");
	case PLACES_AND_CPU:
		return !p->none || p->processor;
	default:
		return true;
	}
}

static void part_init(struct part *part, const struct when_table *t, enum columns columns)
{
	*part = (struct part){ .t = t };
	for (size_t p = 0; p < t->places; p++)
		if (in_columns(&when_places[p], columns))
			part->place[part->places++] = p;
}

static void part_add(struct part *part, size_t row)
{
	part->row[part->rows++] = row;
}

static size_t row_index(const char *name) { return (size_t)(when_row_find(name) - when_rows); }

/* The rows of a condition's pairs, each once; or those of the table itself. */
static void part_fill(struct part *part, const char *condition)
{
	const char *last = "";

	for (const struct when_pair *p = when_pairs; p->condition && condition; p++) {
		if (strcmp(p->condition, condition))
			continue;
		if (strcmp(p->with, last))
			part_add(part, row_index(p->with));
		part_add(part, row_index(p->without));
		last = p->with;
	}
	for (size_t r = 0; r < part->t->rows && !condition; r++)
		if (!when_rows[r].condition)
			part_add(part, r);
}

static const char *years(unsigned era) { return era ? "Linux 4.15 to 6.5" : "Linux 6.6 and later"; }

/* Late, and safe only as long as the condition holds? */
static bool rests_on(const struct when_table *t, unsigned era, const struct when_pair *pair,
		     size_t place)
{
	return !when_places[place].none &&
	       t->cell[era][row_index(pair->with)][place].answer == WHEN_SAFE &&
	       t->cell[era][row_index(pair->without)][place].answer == WHEN_BROKEN;
}

static const char *lost_to(const struct when_table *t, unsigned era, const struct when_pair *pair,
			   size_t place)
{
	return when_answer_name(&t->cell[era][row_index(pair->without)][place]);
}

/* What rests on the condition, a line for each row, the latest place first: with these
 * marks around what can be given to mmun when. */
static void print_losses(const struct when_table *t, unsigned era, const char *condition,
			 const char *item, const char *mark)
{
	for (const struct when_pair *pair = when_pairs; pair->condition; pair++) {
		const char *row = pair->without;

		for (size_t p = t->places; p-- > 0 && !strcmp(pair->condition, condition);) {
			if (!rests_on(t, era, pair, p))
				continue;
			if (row)
				printf("%s%smmun when %s@%s/%s%s: %s", item, mark, row,
				       when_places[p].name, when_era_name[era], mark,
				       lost_to(t, era, pair, p));
			else
				printf(", %s@%s%s: %s", mark, when_places[p].name, mark,
				       lost_to(t, era, pair, p));
			row = NULL;
		}
		printf("%s", row ? "" : "\n");
	}
	putchar('\n');
}

/* --- text ---------------------------------------------------------------- */

static void cell_text(const struct when_cell *c, char *buf, size_t size)
{
	bool used = c->used && c->answer < WHEN_NOT_PASSED;

	snprintf(buf, size, "%s%s", when_answer_name(c), used ? "*" : "");
}

static int column_width(const struct part *part, size_t place)
{
	size_t width = strlen(when_places[place].name);
	char text[32];

	for (unsigned e = 0; e < ERAS; e++)
		for (size_t r = 0; part->t->era[e] && r < part->rows; r++) {
			cell_text(&part->t->cell[e][part->row[r]][place], text, sizeof(text));
			width = strlen(text) > width ? strlen(text) : width;
		}
	return (int)width;
}

static unsigned name_width(const struct part *part)
{
	size_t width = 0;

	for (size_t r = 0; r < part->rows; r++)
		if (strlen(when_rows[part->row[r]].name) > width)
			width = strlen(when_rows[part->row[r]].name);
	return (unsigned)width;
}

static void print_row(const struct part *part, unsigned era, const struct when_row *row)
{
	unsigned note = note_number(row);
	char text[32];

	printf("%c %-*s ", row->kind, (int)name_width(part), row->name);
	for (size_t p = 0; p < part->places; p++) {
		cell_text(&part->t->cell[era][row - when_rows][part->place[p]], text, sizeof(text));
		if (p + 1 < part->places || note)
			printf(" %-*s", column_width(part, part->place[p]), text);
		else
			printf(" %s", text);
	}
	if (note)
		printf(" [%u]", note);
	putchar('\n');
}

static void print_part(const struct part *part, unsigned era)
{
	spaces(2 + name_width(part) + 1);
	for (size_t p = 0; p < part->places; p++)
		printf(" %-*s", column_width(part, part->place[p]),
		       when_places[part->place[p]].name);
	printf(" note\n");
	for (size_t r = 0; r < part->rows; r++)
		print_row(part, era, &when_rows[part->row[r]]);
	putchar('\n');
}

static void print_eras(const struct when_table *t, enum columns columns, const char *condition)
{
	struct part part;

	part_init(&part, t, columns);
	part_fill(&part, condition);
	for (unsigned e = 0; e < ERAS; e++) {
		if (!t->era[e])
			continue;
		printf("%s semantics (%s)\n\n", when_era_name[e], years(e));
		print_part(&part, e);
		if (!condition)
			continue;
		printf("Safe as long as %s holds, and broken without it:\n\n", condition);
		print_losses(t, e, condition, "  ", "");
	}
}

static void print_conditions(const struct when_table *t)
{
	for (const struct when_condition *c = when_conditions; c->name; c++) {
		printf("%s: ", c->name);
		wrapped(c->what, 0);
		wrapped(c->taken, 0);
		putchar('\n');
		print_eras(t, PLACES_AND_CPU, c->name);
	}
}

static void print_legend(void)
{
	for (const struct when_place *p = when_places; p->name; p++)
		printf("  %-8s %s\n", p->name, p->meaning);
	for (const struct when_kind *k = when_kinds; k->letter; k++)
		printf("  %-8c %s\n", k->letter, k->meaning);
	putchar('\n');
	for (const struct when_row *r = when_rows; r->name; r++)
		if (r->note) {
			printf("  [%u]%s ", note_number(r), note_number(r) < 10 ? " " : "");
			wrapped(r->note, 7);
		}
}

/* A line for each word: with the meanings in a column, or, of no width, after a colon. */
static void print_words(const char *item, const char *mark, int width)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		int n = printf("%s%s%s%s%s", item, mark, words[i].word, mark, width ? "" : ":");
		unsigned column = (unsigned)(n > width ? n : width) + 1;

		spaces(column - (unsigned)n);
		wrapped_from(column, words[i].meaning, width ? column : 2);
	}
	putchar('\n');
}

static void print_all_text(const struct when_table *t)
{
	for (const char *const *p = introduction; *p; p++) {
		wrapped(*p, 0);
		putchar('\n');
	}
	print_words("  ", "", 14);
	print_eras(t, TLB_PLACES, NULL);
	wrapped(other_devices, 0);
	putchar('\n');
	print_eras(t, OTHER_DEVICES, NULL);
	wrapped(conditions, 0);
	putchar('\n');
	print_conditions(t);
	print_legend();
	printf("\n%" PRIu64 " executions, under sequential consistency. To see why: mmun when ROW, "
	       "or ROW@POINT.\n", t->executions);
}

/* --- Markdown ------------------------------------------------------------ */

static void print_markdown_row(const struct part *part, unsigned era, const struct when_row *row)
{
	printf("| %c | `%s`: %s", row->kind, row->name, row->update);
	if (row->note)
		printf(" [%u]", note_number(row));
	for (size_t p = 0; p < part->places; p++) {
		const struct when_cell *c =
			&part->t->cell[era][row - when_rows][part->place[p]];
		const char *mark = c->answer == WHEN_BROKEN ? "**" : "";

		printf(" | %s%s%s%s", mark, when_answer_name(c), mark,
		       c->used && c->answer < WHEN_NOT_PASSED ? "\\*" : "");
	}
	printf(" |\n");
}

static void print_markdown(const struct part *part, unsigned era)
{
	printf("| | update |");
	for (size_t p = 0; p < part->places; p++)
		printf(" %s |", when_places[part->place[p]].name);
	printf("\n|---|---|");
	for (size_t p = 0; p < part->places; p++)
		printf("---|");
	printf("\n");
	for (size_t r = 0; r < part->rows; r++)
		print_markdown_row(part, era, &when_rows[part->row[r]]);
	printf("\n");
}

static void print_markdown_condition(const struct when_table *t, const struct when_condition *c)
{
	struct part part;

	part_init(&part, t, ALL_COLUMNS);
	part_fill(&part, c->name);
	printf("### %s: %s\n\n", c->name, c->what);
	wrapped(c->taken, 0);
	putchar('\n');
	for (unsigned e = 0; e < ERAS; e++) {
		if (!t->era[e])
			continue;
		printf("The %s semantics:\n\n", when_era_name[e]);
		print_markdown(&part, e);
		printf("Safe as long as %s holds, and broken without it:\n\n", c->name);
		print_losses(t, e, c->name, "* ", "`");
	}
}

static void print_all_markdown(const struct when_table *t)
{
	struct part part;

	printf("# When to flush the secondary TLBs\n\n");
	wrapped("This page is the output of `mmun when --markdown`. `mmun when ROW@POINT` draws why a "
		"cell is broken. Terms are defined in the [glossary](glossary.md).", 0);
	putchar('\n');
	for (const char *const *p = introduction; *p; p++) {
		wrapped(*p, 0);
		putchar('\n');
	}
	print_words("* ", "`", 0);
	wrapped(other_devices, 0);
	putchar('\n');
	part_init(&part, t, ALL_COLUMNS);
	part_fill(&part, NULL);
	for (unsigned e = 0; e < ERAS; e++)
		if (t->era[e]) {
			printf("## The %s semantics (%s)\n\n", when_era_name[e], years(e));
			print_markdown(&part, e);
		}
	printf("## What makes a late flush correct\n\n");
	wrapped(conditions, 0);
	putchar('\n');
	for (const struct when_condition *c = when_conditions; c->name; c++)
		print_markdown_condition(t, c);
	printf("## What the words mean\n\n");
	for (const struct when_place *p = when_places; p->name; p++)
		printf("* `%s`: %s\n", p->name, p->meaning);
	printf("\n");
	for (const struct when_kind *k = when_kinds; k->letter; k++)
		printf("* %c: %s\n", k->letter, k->meaning);
	printf("\n## Notes\n\n");
	for (const struct when_row *r = when_rows; r->name; r++)
		if (r->note) {
			int n = printf("* [%u] `%s`: ", note_number(r), r->name);

			wrapped_from((unsigned)n, r->note, 2);
		}
}

/* --- JSON ---------------------------------------------------------------- */

static void print_cell_json(struct json *j, const struct when_table *t, unsigned e, size_t r,
			    size_t p)
{
	const struct when_cell *c = &t->cell[e][r][p];
	char replay[128];

	json_line(j, "\n  ");
	json_begin(j, NULL, '{');
	json_string(j, "semantics", when_era_name[e]);
	json_string(j, "update", when_rows[r].name);
	json_string(j, "place", when_places[p].name);
	json_string(j, "answer", c->answer == WHEN_NOT_PASSED ? "not passed" :
		    c->answer == WHEN_NOT_ASKED ? "not asked" : when_answer_name(c));
	json_bool(j, "used", c->used);
	if (c->answer == WHEN_BROKEN) {
		json_count(j, "scene", c->scene + 1);
		snprintf(replay, sizeof(replay), "%s@%s/%s", when_rows[r].name,
			 when_places[p].name, when_era_name[e]);
		json_string(j, "replay", replay);
	}
	json_count(j, "executions", c->executions);
	json_end(j, '}');
}

static void print_row_json(struct json *j, const struct when_row *r)
{
	const char kind[] = { r->kind, 0 };

	json_line(j, "\n  ");
	json_begin(j, NULL, '{');
	json_string(j, "update", r->name);
	json_string(j, "kind", kind);
	json_string(j, "what", r->update);
	if (r->condition) {
		json_string(j, "condition", r->condition);
		json_bool(j, "kept", !r->forgets);
	}
	if (r->note)
		json_string(j, "note", r->note);
	json_end(j, '}');
}

/* An array of the table's object; its items stand on lines of their own. */
static void begin_list(struct json *j, const char *name)
{
	if (j->comma)
		json_line(j, "\n");
	json_begin(j, name, '[');
}

static void end_list(struct json *j)
{
	json_line(j, "\n");
	json_end(j, ']');
}

/* An object of three strings. */
static void print_strings_json(struct json *j, const char *const name[3],
			       const char *const value[3])
{
	json_line(j, "\n  ");
	json_begin(j, NULL, '{');
	for (int i = 0; i < 3; i++)
		json_string(j, name[i], value[i]);
	json_end(j, '}');
}

static void print_all_json(const struct when_table *t)
{
	static const char *const condition[] = { "condition", "what", "taken" };
	static const char *const pair[] = { "condition", "with", "without" };
	struct json j = { .out = stdout };

	json_begin(&j, NULL, '{');
	begin_list(&j, "updates");
	for (const struct when_row *r = when_rows; r->name; r++)
		print_row_json(&j, r);
	end_list(&j);
	begin_list(&j, "conditions");
	for (const struct when_condition *c = when_conditions; c->name; c++)
		print_strings_json(&j, condition,
				   (const char *const[]){ c->name, c->what, c->taken });
	end_list(&j);
	begin_list(&j, "pairs");
	for (const struct when_pair *p = when_pairs; p->condition; p++)
		print_strings_json(&j, pair,
				   (const char *const[]){ p->condition, p->with, p->without });
	end_list(&j);
	begin_list(&j, "cells");
	for (unsigned e = 0; e < ERAS; e++)
		for (size_t r = 0; t->era[e] && r < t->rows; r++)
			for (size_t p = 0; p < t->places; p++)
				print_cell_json(&j, t, e, r, p);
	end_list(&j);
	json_end(&j, '}');
	putchar('\n');
}

void when_print(const struct when_table *t, enum when_format format)
{
	static void (*const print[])(const struct when_table *t) = {
		[WHEN_TEXT] = print_all_text, [WHEN_MARKDOWN] = print_all_markdown,
		[WHEN_JSON] = print_all_json,
	};

	print[format](t);
}
