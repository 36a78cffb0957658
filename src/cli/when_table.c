/* SPDX-License-Identifier: MIT */
/*
 * when_table.c - prints the table that cli/when.c has computed, as text, Markdown or JSON.
 * Markdown leaves out how many executions it took: docs/when.md changes with an answer only.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/when.h"

enum { COLUMNS = 100 };

const char *const when_era_name[ERAS] = { "modern", "classic" };

static const char *const introduction[] = {
	"When must the secondary TLB of a device, which walks the page tables of the CPUs, be told "
	"that an entry has changed? A row is a kind of update, a column a place at which it tells, "
	"there and nowhere else. A cell is what exhaustive searches of small tests, the row's "
	"scenes, found: safe, or the check that failed. It is computed, not written down, and as "
	"good as the scenes are: broken is certain, safe holds for them.",
	"lifetime: a page or page table is touched after it was freed. flat: a result that memory "
	"without TLBs cannot have. after-return: what a call took away is used after it has "
	"returned. lost-write: a store succeeds and is nowhere. unnoticed: what the update was for, "
	"the soft-dirty bit, the write protection, writeback or the hint, misses a store that comes "
	"after the call. -: the operation does not come by this place. *: the semantics notify here.",
	NULL,
};

/* --- paragraphs ---------------------------------------------------------- */

static void spaces(unsigned n) { printf("%*s", (int)n, ""); }

/* The text in lines of COLUMNS; all but the first are indented, and so is the cursor. */
static void wrapped(const char *text, unsigned indent)
{
	unsigned at = indent;

	while (*text) {
		unsigned word = (unsigned)strcspn(text, " ");

		if (at > indent && at + 1 + word > COLUMNS) {
			putchar('\n');
			spaces(indent);
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)word, text);
		at += word;
		text += word;
		text += *text == ' ';
	}
	putchar('\n');
}

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

/* --- text ---------------------------------------------------------------- */

static void cell_text(const struct when_cell *c, char *buf, size_t size)
{
	bool used = c->used && c->answer != WHEN_NOT_PASSED;

	snprintf(buf, size, "%s%s", when_answer_name(c), used ? "*" : "");
}

static unsigned column_width(const struct when_table *t, size_t place)
{
	size_t width = strlen(when_places[place].name);
	char text[32];

	for (unsigned e = 0; e < ERAS; e++)
		for (size_t r = 0; t->era[e] && r < t->rows; r++) {
			cell_text(&t->cell[e][r][place], text, sizeof(text));
			width = strlen(text) > width ? strlen(text) : width;
		}
	return (unsigned)width;
}

static unsigned name_width(void)
{
	size_t width = 0;

	for (const struct when_row *r = when_rows; r->name; r++)
		width = strlen(r->name) > width ? strlen(r->name) : width;
	return (unsigned)width;
}

static void print_text(const struct when_table *t, unsigned era)
{
	unsigned first = name_width();
	char text[32];

	printf("%s semantics (%s)\n\n", when_era_name[era],
	       era ? "Linux 4.15 to 6.5" : "Linux 6.6 and later");
	spaces(2 + first + 1);
	for (size_t p = 0; p < t->places; p++)
		printf(" %-*s", (int)column_width(t, p), when_places[p].name);
	printf(" note\n");
	for (size_t r = 0; r < t->rows; r++) {
		unsigned note = note_number(&when_rows[r]);

		printf("%c %-*s ", when_rows[r].kind, (int)first, when_rows[r].name);
		for (size_t p = 0; p < t->places; p++) {
			cell_text(&t->cell[era][r][p], text, sizeof(text));
			if (p + 1 < t->places || note)
				printf(" %-*s", (int)column_width(t, p), text);
			else
				printf(" %s", text);
		}
		if (note)
			printf(" [%u]", note);
		putchar('\n');
	}
	putchar('\n');
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
	putchar('\n');
	for (const char *const *n = when_notes; *n; n++) {
		printf("  ");
		wrapped(*n, 2);
	}
}

static void print_all_text(const struct when_table *t)
{
	for (const char *const *p = introduction; *p; p++) {
		wrapped(*p, 0);
		putchar('\n');
	}
	for (unsigned e = 0; e < ERAS; e++)
		if (t->era[e])
			print_text(t, e);
	print_legend();
	printf("\n%" PRIu64 " executions, under sequential consistency. To see why: mmun when ROW, "
	       "or ROW@PLACE.\n", t->executions);
}

/* --- Markdown ------------------------------------------------------------ */

static void print_markdown(const struct when_table *t, unsigned era)
{
	printf("## The %s semantics (%s)\n\n| | update |", when_era_name[era],
	       era ? "Linux 4.15 to 6.5" : "Linux 6.6 and later");
	for (size_t p = 0; p < t->places; p++)
		printf(" %s |", when_places[p].name);
	printf("\n|---|---|");
	for (size_t p = 0; p < t->places; p++)
		printf("---|");
	printf("\n");
	for (size_t r = 0; r < t->rows; r++) {
		const struct when_row *row = &when_rows[r];

		printf("| %c | `%s`: %s", row->kind, row->name, row->update);
		if (row->note)
			printf(" [%u]", note_number(row));
		for (size_t p = 0; p < t->places; p++) {
			const struct when_cell *c = &t->cell[era][r][p];
			const char *mark = c->answer == WHEN_BROKEN ? "**" : "";

			printf(" | %s%s%s%s", mark, when_answer_name(c), mark,
			       c->used && c->answer != WHEN_NOT_PASSED ? "\\*" : "");
		}
		printf(" |\n");
	}
	printf("\n");
}

static void print_all_markdown(const struct when_table *t)
{
	printf("# When to tell the secondary TLBs\n\n");
	printf("Printed by `mmun when --markdown`; `mmun when ROW@PLACE` draws why a cell is broken."
	       "\n\n");
	for (const char *const *p = introduction; *p; p++)
		printf("%s\n\n", *p);
	for (unsigned e = 0; e < ERAS; e++)
		if (t->era[e])
			print_markdown(t, e);
	printf("## What the words mean\n\n");
	for (const struct when_place *p = when_places; p->name; p++)
		printf("* `%s`: %s\n", p->name, p->meaning);
	printf("\n");
	for (const struct when_kind *k = when_kinds; k->letter; k++)
		printf("* %c: %s\n", k->letter, k->meaning);
	printf("\n## Notes\n\n");
	for (const struct when_row *r = when_rows; r->name; r++)
		if (r->note)
			printf("* [%u] `%s`: %s\n", note_number(r), r->name, r->note);
	printf("\nWhat makes it legal to tell later than under the page table lock:\n\n");
	for (const char *const *n = when_notes; *n; n++)
		printf("* %s\n", *n);
}

/* --- JSON ---------------------------------------------------------------- */

/* None of the strings has a character that would have to be escaped. */
static void print_cell_json(const struct when_table *t, unsigned e, size_t r, size_t p)
{
	const struct when_cell *c = &t->cell[e][r][p];

	printf("{\"semantics\": \"%s\", \"update\": \"%s\", \"place\": \"%s\", "
	       "\"answer\": \"%s\", \"used\": %s, ",
	       when_era_name[e], when_rows[r].name, when_places[p].name,
	       c->answer == WHEN_NOT_PASSED ? "not passed" : when_answer_name(c),
	       c->used ? "true" : "false");
	if (c->answer == WHEN_BROKEN)
		printf("\"scene\": %u, ", c->scene + 1);
	printf("\"executions\": %" PRIu64 "}", c->executions);
}

static void print_all_json(const struct when_table *t)
{
	const char *comma = "";

	printf("{\"updates\": [");
	for (const struct when_row *r = when_rows; r->name; r++) {
		printf("%s\n  {\"update\": \"%s\", \"kind\": \"%c\", \"what\": \"%s\"", comma,
		       r->name, r->kind, r->update);
		if (r->note)
			printf(", \"note\": \"%s\"", r->note);
		printf("}");
		comma = ",";
	}
	printf("\n],\n\"cells\": [");
	comma = "";
	for (unsigned e = 0; e < ERAS; e++)
		for (size_t r = 0; t->era[e] && r < t->rows; r++)
			for (size_t p = 0; p < t->places; p++) {
				printf("%s\n  ", comma);
				print_cell_json(t, e, r, p);
				comma = ",";
			}
	printf("\n]}\n");
}

void when_print(const struct when_table *t, enum when_format format)
{
	static void (*const print[])(const struct when_table *t) = {
		[WHEN_TEXT] = print_all_text, [WHEN_MARKDOWN] = print_all_markdown,
		[WHEN_JSON] = print_all_json,
	};

	print[format](t);
}
