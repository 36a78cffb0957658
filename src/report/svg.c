/* SPDX-License-Identifier: MIT */
/*
 * svg.c - the pictures as one image, one below the other. There is a column for each thread
 * and a row for each step; locks are bars, and at the right stands what the step has changed.
 * The step that shows what was found stands on a band.
 *
 * An image says first how large it is. Therefore the pictures are kept in report->body until
 * all tests have run. Characters are laid out in cells, as the text format does it. Nothing
 * is loaded from elsewhere, and the colors follow the reader's light or dark scheme.
 */
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/rows.h"

enum {
	CELL_WIDTH = 785,      /* of a character, in hundredths */
	LINE_HEIGHT = 20,
	BASELINE = 14,         /* from the top of a line */
	MARGIN = 20,
	NUMBER_WIDTH = 5,      /* cells before the first column */
	COLUMNS_MAX = 150,     /* cells of the columns, if they can be had */
	HELD_GAP = 4,          /* cells before what has changed */
	LINE_CELLS_MIN = 28,
	LOCKS_MAX = 16,        /* that are drawn at a time */
	LIFE_X = 10,           /* pixels left of a column: its thread lives */
	BAR_X = 5,             /* pixels left of a text: its thread holds a lock */
};

static const char style[] =
	".bg{fill:#ffffff}text{fill:#1f2430;white-space:pre}.h{font-weight:700}"
	".s{font-weight:700}.m,.n{fill:#6b7280}.c{fill:#0b63c5}.b{fill:#b42318;font-weight:700}"
	".e{paint-order:stroke;stroke:#ffffff;stroke-width:5px;stroke-linejoin:round}"
	".u{fill:#fde8e6}.u+.e{stroke:#fde8e6}"
	".r{stroke:#d8dce3}.l{stroke:#b9c0cb;stroke-dasharray:2 3}"
	".k{stroke:#c77700;stroke-width:2;fill:none}"
	"@media (prefers-color-scheme:dark){.bg{fill:#14171d}text{fill:#e6e8ec}"
	".m,.n{fill:#9aa3b2}.c{fill:#79b8ff}.b{fill:#ff8a80}.e{stroke:#14171d}"
	".u{fill:#4a1f1d}.u+.e{stroke:#4a1f1d}.r{stroke:#333944}.l{stroke:#4d5563}"
	".k{stroke:#e0a458}}";

struct bar { unsigned x, y; };

struct drawing {
	FILE *out;
	const struct rows *rows;
	struct columns columns;
	unsigned y, width;     /* of what comes next; of what there is */
	unsigned culprit;      /* number of a row */
	/* Of each thread: where it began and ends; the bars that are open. */
	unsigned began[EXPLORE_THREADS_MAX];
	bool begun[EXPLORE_THREADS_MAX];
	size_t last[EXPLORE_THREADS_MAX];
	struct bar bar[EXPLORE_THREADS_MAX][LOCKS_MAX];
	unsigned bars[EXPLORE_THREADS_MAX];
};

static unsigned cell_x(unsigned cells)
{
	return MARGIN + cells * CELL_WIDTH / 100;
}

static void text_begin(FILE *out, unsigned x, unsigned y, const char *class)
{
	fprintf(out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y + BASELINE, class);
}

static void text(FILE *out, unsigned x, unsigned y, const char *class, const char *what)
{
	text_begin(out, x, y, class);
	escape_xml(out, what);
	fputs("</text>\n", out);
}

static void grow(struct drawing *d, unsigned width)
{
	if (width > d->width)
		d->width = width;
}

/* A text on as many lines as it takes. */
static void paragraph(struct drawing *d, const char *class, const char *what)
{
	while (*what) {
		size_t n = rows_break(what, COLUMNS_MAX);
		char line[COLUMNS_MAX + 1];

		snprintf(line, sizeof(line), "%.*s", (int)n, what);
		text(d->out, MARGIN, d->y, class, line);
		grow(d, cell_x((unsigned)n));
		d->y += LINE_HEIGHT;
		what += n;
		while (*what == ' ')
			what++;
	}
}

/* --- locks and lives ----------------------------------------------------- */

/* End bars until @wanted are open, at height @y. */
static void bars_end(struct drawing *d, unsigned thread, unsigned wanted, unsigned y)
{
	while (d->bars[thread] > wanted) {
		const struct bar *bar = &d->bar[thread][--d->bars[thread]];

		fprintf(d->out, "<path class=\"k\" d=\"M%u %uh-4V%uh4\"/>\n", bar->x + 4,
			bar->y, y);
	}
}

/* Begin and end bars until @wanted are open, left of what @r's thread has under them. */
static void bars(struct drawing *d, const struct row *r, unsigned wanted, unsigned y)
{
	unsigned thread = r->thread, inside = r->depth - (r->kind == ROW_UNLOCK ?
							 r->locks_after : r->locks);

	if (wanted > LOCKS_MAX)
		wanted = LOCKS_MAX;
	bars_end(d, thread, wanted, y);
	while (d->bars[thread] < wanted) {
		unsigned n = d->bars[thread]++;
		unsigned cells = d->columns.at[thread] + ROWS_INDENT * (inside + n);

		d->bar[thread][n] = (struct bar){ cell_x(cells) - BAR_X, y };
	}
}

/* --- rows ---------------------------------------------------------------- */

static void heads(struct drawing *d)
{
	for (unsigned k = 0; k < d->rows->threads; k++)
		text(d->out, cell_x(d->columns.at[k]), d->y, "h", d->rows->thread[k]);
	d->y += LINE_HEIGHT;
}

static unsigned held_x(const struct drawing *d)
{
	return cell_x(d->columns.width + HELD_GAP);
}

/* At the right, down to the heads: what there was. Returns the cells that it is wide. */
static unsigned held_at_first(struct drawing *d)
{
	unsigned width = 0, n;

	for (unsigned i = 0; i < d->rows->trace->items; i++) {
		const struct explore_held *held = held_after(d->rows, i, 0);
		const char *name = d->rows->trace->item[i].name;

		if (!held_is_something(held) || !held_matters(d->rows, i))
			continue;
		if (!width)
			text(d->out, held_x(d), d->y, "h", "at the start");
		d->y += LINE_HEIGHT;
		text_begin(d->out, held_x(d), d->y, "c");
		escape_xml(d->out, name);
		fputs(": ", d->out);
		escape_xml(d->out, held->text);
		fputs("</text>\n", d->out);
		n = (unsigned)(strlen(name) + strlen(held->text)) + 2;
		width = n > width ? n : width;
	}
	return width;
}

/* What the row has changed; returns the lines that it takes. */
static unsigned changes(const struct drawing *d, size_t row, unsigned *width)
{
	const struct explore_trace *trace = d->rows->trace;
	unsigned lines = 0, n;

	for (size_t h = 0; h < trace->helds; h++) {
		const struct explore_held *held = &trace->held[h];
		const struct explore_held *before;
		const char *name = trace->item[held->item].name;

		if (!rows_made(d->rows, row, h))
			continue;
		before = held_after(d->rows, held->item, d->rows->held_at[h] - 1);
		text_begin(d->out, held_x(d), d->y + lines++ * LINE_HEIGHT, "c");
		escape_xml(d->out, name);
		fputs(": ", d->out);
		escape_xml(d->out, before ? before->text : "");
		fputs(" → ", d->out);
		escape_xml(d->out, held->text);
		fputs("</text>\n", d->out);
		n = (unsigned)(strlen(name) + strlen(held->text) +
			       (before ? strlen(before->text) : 0)) + 5;
		*width = n > *width ? n : *width;
	}
	return lines;
}

/* The row's line, broken where it has to be; with @draw false it is only measured. */
static unsigned lines(const struct drawing *d, const struct row *r, bool draw)
{
	unsigned column = d->columns.at[r->thread], n = 0;
	size_t room = d->columns.width > column + LINE_CELLS_MIN ?
		      d->columns.width - column : LINE_CELLS_MIN;
	char line[ROWS_LINE_MAX], part[ROWS_LINE_MAX], *rest;
	size_t indent, bytes;

	rows_line(r, line);
	indent = strspn(line, " ");
	room = room > indent + ROWS_INDENT + COLUMNS_MAX / 10 ? room - indent : LINE_CELLS_MIN;
	for (rest = line + indent; *rest; n++) {
		size_t hang = n ? ROWS_INDENT : 0;

		bytes = rows_break(rest, room - hang);
		snprintf(part, sizeof(part), "%.*s", (int)bytes, rest);
		if (draw)
			text(d->out, cell_x(column + (unsigned)(indent + hang)),
			     d->y + n * LINE_HEIGHT, r->kind == ROW_STATEMENT ? "s e" :
			     r->minor || r->kind == ROW_FOLD ? "m e" : "e", part);
		rest += bytes + strspn(rest + bytes, " ");
	}
	return n;
}

static void rule(struct drawing *d)
{
	fprintf(d->out, "<path class=\"r\" d=\"M%d %uH%u\"/>\n", MARGIN, d->y,
		cell_x(d->columns.width));
}

/* How the thread went on until the end of row @i. */
static void lives(struct drawing *d, size_t i, unsigned bottom)
{
	unsigned thread = d->rows->row[i].thread;

	if (!d->begun[thread])
		d->began[thread] = d->y + LINE_HEIGHT;
	d->begun[thread] = true;
	if (d->last[thread] == i && bottom > d->began[thread])
		fprintf(d->out, "<path class=\"l\" d=\"M%u %uV%u\"/>\n",
			cell_x(d->columns.at[thread]) - LIFE_X, d->began[thread], d->y);
}

static void row(struct drawing *d, size_t i, unsigned *width)
{
	const struct row *r = &d->rows->row[i];
	unsigned n = lines(d, r, false), changed = changes(d, i, width);
	unsigned height = (n > changed ? n : changed) * LINE_HEIGHT;
	char place[ROWS_TEXT_MAX], number[16];
	unsigned middle = d->y + LINE_HEIGHT / 2;

	lives(d, i, d->y + height);
	if (r->kind != ROW_FOLD) {
		bars(d, r, r->locks, d->y);
		bars(d, r, r->locks_after, middle);
	}
	fputs("<g>", d->out);
	rows_where(r, place, sizeof(place));
	if (*place) {
		fputs("<title>", d->out);
		escape_xml(d->out, place);
		fputs("</title>", d->out);
	}
	fputc('\n', d->out);
	if (r->number == d->culprit)
		fprintf(d->out, "<rect class=\"u\" x=\"%d\" y=\"%u\" width=\"%u\" height=\"%u\" "
			"rx=\"4\"/>\n", MARGIN / 2, d->y, cell_x(d->columns.width) - MARGIN / 2,
			height);
	lines(d, r, true);
	snprintf(number, sizeof(number), "%*u", NUMBER_WIDTH - 2, r->number);
	if (r->kind != ROW_FOLD)
		text(d->out, MARGIN, d->y, "n", number);
	fputs("</g>\n", d->out);
	d->y += height;
}

static void picture(struct drawing *d)
{
	const struct rows *rows = d->rows;
	unsigned width;

	rows_columns(rows, NUMBER_WIDTH, COLUMNS_MAX, &d->columns);
	for (size_t i = 0; i < rows->count; i++)
		d->last[rows->row[i].thread] = i;
	width = held_at_first(d);
	heads(d);
	for (size_t i = 0; i < rows->count; i++) {
		if (!i || rows->row[i].thread != rows->row[i - 1].thread)
			rule(d);
		row(d, i, &width);
	}
	for (unsigned k = 0; k < rows->threads; k++)
		bars_end(d, k, 0, d->y);
	rule(d);
	grow(d, width ? held_x(d) + width * CELL_WIDTH / 100 : cell_x(d->columns.width));
}

/* --- tests --------------------------------------------------------------- */

static void exhibit(struct report *report, const struct report_run *run, unsigned nth,
		    struct drawing *d)
{
	const struct report_exhibit x = report_exhibit(run, nth);
	char line[2 * REPORT_LINE_MAX], *replay = NULL;
	struct rows rows;

	if (x.finding) {
		snprintf(line, sizeof(line), "%s: %s", explore_oracle_name(x.finding->oracle),
			 x.finding->text);
		paragraph(d, "b", line);
		replay = report_replay_text(run, x.finding);
	}
	if (replay)
		paragraph(d, "m", replay);
	free(replay);
	if (run->rule)
		paragraph(d, "m", run->rule);
	if (run->repair) {
		snprintf(line, sizeof(line), "Repaired by %s", run->repair);
		paragraph(d, "m", line);
	}
	if (!x.trace || report->pictures == PICTURES_NEVER || (nth && !report->verbose))
		return;
	if (!rows_init(&rows, x.trace, run->thread, run->threads, report->verbose)) {
		paragraph(d, "b", "not enough memory for the picture");
		return;
	}
	if (!report->verbose)
		rows_fold(&rows);
	d->rows = &rows;
	d->culprit = x.finding ? rows_culprit(&rows, x.finding) : 0;
	d->y += LINE_HEIGHT / 2;
	picture(d);
	d->y += LINE_HEIGHT;
	rows_fini(&rows);
}

/* The first finding of each test is drawn, with --verbose all of them. */
void report_svg_run(struct report *report, const struct report_run *run)
{
	struct drawing *d = calloc(1, sizeof(*d));
	char line[3 * REPORT_LINE_MAX], search[REPORT_LINE_MAX] = "";

	if (!d)
		return;
	d->out = report->body;
	d->y = report->height + MARGIN;
	d->width = report->width;
	fputs("<g>\n", d->out);
	paragraph(d, "h", run->name ? run->name : run->file);
	if (run->error) {
		snprintf(line, sizeof(line), "error: %s", run->error);
	} else {
		report_search(run, search, sizeof(search));
		snprintf(line, sizeof(line), "%s%s%s; executions: %s",
			 report_verdict_name(run->verdict), run->why ? ": " : "",
			 run->why ? run->why : "", search);
	}
	paragraph(d, "m", line);
	for (unsigned i = 0; i < report_exhibits(run); i++) {
		memset(d->begun, 0, sizeof(d->begun));
		exhibit(report, run, i, d);
	}
	fputs("</g>\n", d->out);
	report->height = d->y;
	report->width = d->width;
	free(d);
}

bool report_svg_begin(struct report *report)
{
	report->body = tmpfile();
	return report->body;
}

void report_svg_end(struct report *report)
{
	unsigned width = report->width + MARGIN, height = report->height + MARGIN;

	fprintf(report->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" role=\"img\" font-size=\"13\" font-family=\"ui-monospace, "
		"SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n"
		"<title>mmun</title>\n<style>%s</style>\n"
		"<rect class=\"bg\" width=\"100%%\" height=\"100%%\"/>\n", width, height, width,
		height, style);
	report_copy(report->out, report->body);
	fputs("</svg>\n", report->out);
}
