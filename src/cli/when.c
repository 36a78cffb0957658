/* SPDX-License-Identifier: MIT */
/*
 * when.c - the command mmun when: at which points may the secondary TLBs be flushed, for
 * every kind of update? The table is computed when it is asked for. Each cell is the answer of
 * exhaustive searches, in a process of its own, and as many processes run at a time as there
 * are processors.
 *
 * Invariant: each cell that is asked for is computed by exactly one process. A missing cell is
 * an error and never an answer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/superfluous.h"
#include "cli/when.h"
#include "jobs/jobs.h"
#include "report/report.h"

enum {
	JSON = OPTION_FIRST, MARKDOWN, MODERN, CLASSIC, LINUX, JOBS, LIST, SUPERFLUOUS,
	MAX_EXECUTIONS,
};
enum { JOBS_MAX = 64, OPERAND_MAX = 64 };

const char cli_when_details[] =
	"\nWithout a row, print the whole table, and what its words mean. A row is a kind of update. A\n"
	"column is the only flush point at which the update flushes the secondary TLBs. A cell is the\n"
	"result of exhaustive searches of small tests: \"safe\", or the oracle that failed. After that\n"
	"come the conditions D1 to D4 that make a late flush correct: rows with a condition, and the\n"
	"same rows without it.\n\n"
	"With rows, print one line for each flush point, and a picture of each that is broken.\n"
	"ROW@POINT, or ROW@POINT/modern or ROW@POINT/classic, prints that flush point only, with its\n"
	"tests.\n\n"
	"The exit status is 0 if every search was finished, whatever it found, else 3.\n";

const struct args_option cli_when_options[] = {
	{ MODERN, "modern", NULL, "Linux 6.6 and later only" },
	{ CLASSIC, "classic", NULL, "Linux 4.15 to 6.5 only" },
	{ LINUX, "linux", "VERSION", "the semantics of this version of Linux only" },
	{ JSON, "json", NULL, "print the table as JSON" },
	{ MARKDOWN, "markdown", NULL, "print the table as Markdown" },
	{ JOBS, "jobs", "N", "use N processes (default: one for each processor)" },
	{ LIST, "list", NULL, "list the kinds of update" },
	{ SUPERFLUOUS, "superfluous", NULL,
	  "for tests and checks: say which flushes they do not need" },
	{ MAX_EXECUTIONS, "max-executions", "N",
	  "with --superfluous: stop a search after N executions" },
	{ 0 },
};

/* --- computing ----------------------------------------------------------- */

struct result { int err; struct when_cell cell; char why[128]; };

/* The table, while its cells are computed. */
struct computing { struct when_table *table; size_t items, done; bool failed; };

/* The item-th of the cells that are asked for. */
static struct when_cell *cell_at(struct when_table *t, size_t item, const struct when_row **row,
				 const char **place, unsigned *era)
{
	size_t p = item % t->places, r = item / t->places % t->rows;

	*era = (unsigned)(item / t->places / t->rows) + !t->era[0];
	*row = &when_rows[r];
	*place = when_places[p].name;
	return &t->cell[*era][r][p];
}

static const char *reason(int err, const struct litmus_error *error)
{
	return err == -ENOMEM ? "not enough memory" : error->text;
}

static void compute_cell(void *arg, size_t item, void *result)
{
	struct computing *c = arg;
	struct result *r = result;
	const struct when_row *row;
	struct litmus_error error;
	const char *place;
	unsigned era;

	(void)cell_at(c->table, item, &row, &place, &era);
	r->err = when_check(row, place, era == 1, &r->cell, &error);
	if (r->err)
		snprintf(r->why, sizeof(r->why), "%.127s", reason(r->err, &error));
}

static void show_progress(const struct computing *c)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (c->done == c->items)
		fprintf(stderr, "\r%40s\r", "");
	else
		fprintf(stderr, "\r%zu of %zu cells, %" PRIu64 " executions", c->done, c->items,
			c->table->executions);
}

static void cell_is_over(void *arg, size_t item, const void *result, struct job_end end)
{
	struct computing *c = arg;
	const struct result *r = result;
	const struct when_row *row;
	const char *place;
	unsigned era;

	*cell_at(c->table, item, &row, &place, &era) = r->cell;
	c->table->executions += r->cell.executions;
	c->table->unfinished |= r->cell.answer == WHEN_UNFINISHED;
	c->done++;
	show_progress(c);
	if (end.how == JOB_DONE && !r->err)
		return;
	args_complain("when: %s@%s/%s: %s", row->name, place, when_era_name[era],
		      end.how == JOB_DONE ? r->why :
		      end.how == JOB_NOT_STARTED ? "there is no process for it" :
		      "its process ended early");
	c->failed = true;
}

/* False: of some cell there is no answer, which was said. */
static bool compute(struct when_table *t, unsigned jobs)
{
	struct computing c = { .table = t };

	c.items = ((size_t)t->era[0] + t->era[1]) * t->rows * t->places;
	if (jobs_run(&(struct jobs){ .items = c.items, .processes_max = jobs,
			.result_bytes = sizeof(struct result), .work = compute_cell,
			.over = cell_is_over, .arg = &c }))
		return !c.failed;
	args_complain("when: not enough memory");
	return false;
}

/* --- one row ------------------------------------------------------------- */

static void draw(const struct litmus *test, struct litmus_report *r)
{
	const char *thread[LITMUS_THREADS_MAX];

	for (int i = 0; i < test->threads; i++)
		thread[i] = test->thread[i].name;
	printf("\n%s: %s\n", explore_oracle_name(r->explore.finding[0].oracle),
	       r->explore.finding[0].text);
	table_print(stdout, &r->explore.finding[0].trace, thread, (unsigned)test->threads, false);
	printf("\n");
}

/* The scene again, for its picture. */
static int draw_scene(const struct when_row *row, unsigned scene, const char *place, bool classic,
		      struct litmus_error *error)
{
	struct litmus_report *r = malloc(sizeof(*r));
	struct litmus *test;
	int err = r ? when_run(row, scene, place, classic, &test, r, error) : -ENOMEM;

	if (!err) {
		draw(test, r);
		litmus_report_fini(r);
		litmus_destroy(test);
	}
	free(r);
	return err;
}

/* What was run: all scenes, or the one that is broken. */
static void print_scenes(const struct when_row *row, const struct when_cell *cell,
			 const char *place, bool classic)
{
	char text[WHEN_TEXT_MAX];

	for (unsigned s = 0; when_text(row, s, place, classic, text, sizeof(text)); s++)
		if (cell->answer != WHEN_BROKEN || s == cell->scene)
			printf("\n%s", text);
}

static int show_cell(const struct when_row *row, const char *place, bool classic, bool scenes)
{
	struct litmus_error error;
	struct when_cell cell;
	int err = when_check(row, place, classic, &cell, &error);

	if (!err) {
		printf("%s@%s/%s: ", row->name, place, when_era_name[classic]);
		if (cell.answer == WHEN_NOT_PASSED)
			printf("the operation does not pass this flush point");
		else if (cell.answer == WHEN_NOT_ASKED)
			printf("not asked of such a device");
		else
			printf("%s (%" PRIu64 " executions)", when_answer_name(&cell),
			       cell.executions);
		printf("%s\n", cell.used ? ", and where these semantics notify" : "");
	}
	if (!err && scenes)
		print_scenes(row, &cell, place, classic);
	if (!err && cell.answer == WHEN_BROKEN)
		err = draw_scene(row, cell.scene, place, classic, &error);
	if (!err)
		return cell.answer == WHEN_UNFINISHED ? STATUS_UNFINISHED : STATUS_OK;
	args_complain("when: %s@%s: %s", row->name, place, reason(err, &error));
	return STATUS_ERROR;
}

static void complain_row(const char *name)
{
	const char *names[ROWS_MAX];
	size_t count = 0;

	for (const struct when_row *r = when_rows; r->name; r++)
		names[count++] = r->name;
	args_complain_unknown("when: unknown update", name, names, count, "mmun when --list");
}

static bool known_place(const char *name)
{
	const char *names[PLACES_MAX];
	size_t count = 0;

	for (const struct when_place *p = when_places; p->name; p++) {
		if (!strcmp(p->name, name))
			return true;
		names[count++] = p->name;
	}
	if (*name)
		args_complain_unknown("when: unknown flush point", name, names, count,
				      "mmun when --help");
	else
		args_complain("when: a flush point is missing after '@', see mmun when --help");
	return false;
}

static bool known_semantics(const char *name)
{
	if (!strcmp(name, when_era_name[0]) || !strcmp(name, when_era_name[1]))
		return true;
	if (*name)
		args_complain_unknown("when: unknown semantics", name, when_era_name, ERAS,
				      "mmun when --help");
	else
		args_complain("when: the semantics are missing after '/', see mmun when --help");
	return false;
}

/* ROW, ROW@POINT, ROW@POINT/SEMANTICS; NULL: all of them. */
struct operand { const struct when_row *row; char text[OPERAND_MAX]; const char *place, *era; };

static bool parse_operand(const char *from, struct operand *o)
{
	char *at, *slash;

	snprintf(o->text, sizeof(o->text), "%s", from);
	slash = strchr(o->text, '/');
	if (slash)
		*slash++ = 0;
	at = strchr(o->text, '@');
	if (at)
		*at++ = 0;
	o->place = at;
	o->era = slash;
	o->row = when_row_find(o->text);
	if (!o->row) {
		complain_row(o->text);
		return false;
	}
	return (!at || known_place(at)) && (!slash || known_semantics(slash));
}

static int show(const char *operand, const bool era[ERAS])
{
	int worst = STATUS_OK;
	struct operand o;

	if (!parse_operand(operand, &o))
		return STATUS_ERROR;
	printf("%c %s: %s\n", o.row->kind, o.row->name, o.row->update);
	when_print_note(o.row);
	printf("\n");
	for (unsigned e = 0; e < ERAS; e++) {
		if (o.era ? strcmp(o.era, when_era_name[e]) != 0 : !era[e])
			continue;
		for (const struct when_place *p = when_places; p->name; p++) {
			int status = !o.place || !strcmp(o.place, p->name) ?
				     show_cell(o.row, p->name, e == 1, o.place != NULL) : STATUS_OK;

			if (status > worst)
				worst = status;
		}
	}
	return worst;
}

/* --- the command --------------------------------------------------------- */

struct settings {
	bool era[ERAS], list, superfluous;
	enum when_format format;
	unsigned jobs;
	uint64_t executions_max;
};

static bool set_option(struct settings *s, int id)
{
	uint64_t n;
	bool classic;

	switch (id) {
	case MODERN:
	case CLASSIC:
		s->era[id == CLASSIC] = true;
		return true;
	case LINUX:
		if (!args_linux("when", optarg, &classic))
			return false;
		s->era[classic] = true;
		return true;
	case LIST:
		s->list = true;
		return true;
	case SUPERFLUOUS:
		s->superfluous = true;
		return true;
	case MAX_EXECUTIONS:
		if (args_count(optarg, &s->executions_max))
			return true;
		args_complain("when: --max-executions wants a number from 1, not %s", optarg);
		return false;
	case JOBS:
		if (args_count(optarg, &n) && n <= JOBS_MAX) {
			s->jobs = (unsigned)n;
			return true;
		}
		args_complain("when: --jobs wants a number from 1 to %d, not %s", JOBS_MAX, optarg);
		return false;
	default:
		s->format = id == JSON ? WHEN_JSON : WHEN_MARKDOWN;
		return true;
	}
}

static int ask_superfluous(const struct settings *s, int argc, char **argv)
{
	const struct superfluous_how how = { s->format == WHEN_JSON, s->executions_max };

	if (!argc || s->format == WHEN_MARKDOWN) {
		args_complain("when: --superfluous wants a test or a check%s", argc ?
			      ", and prints text or JSON" : "");
		return STATUS_ERROR;
	}
	return superfluous_files(argc, argv, &how);
}

static int list_rows(void)
{
	for (const struct when_row *r = when_rows; r->name; r++)
		printf("%-24s %c  %s\n", r->name, r->kind, r->update);
	return STATUS_OK;
}

static int whole_table(const struct settings *s)
{
	struct when_table *t = calloc(1, sizeof(*t));
	bool ok;
	int status;

	if (!t) {
		args_complain("when: not enough memory");
		return STATUS_ERROR;
	}
	memcpy(t->era, s->era, sizeof(t->era));
	while (when_rows[t->rows].name)
		t->rows++;
	while (when_places[t->places].name)
		t->places++;
	ok = compute(t, s->jobs);
	if (ok)
		when_print(t, s->format);
	status = !ok ? STATUS_ERROR : t->unfinished ? STATUS_UNFINISHED : STATUS_OK;
	free(t);
	return status;
}

int cli_when(const struct args_command *command, int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct settings s = { .jobs = processors > JOBS_MAX ? JOBS_MAX :
				      processors < 1 ? 1 : (unsigned)processors };
	int id, worst = STATUS_OK;

	while ((id = args_next(command, argc, argv)) >= 0)
		if (!set_option(&s, id))
			return STATUS_ERROR;
	if (id != ARGS_END)
		return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
	if (!s.era[0] && !s.era[1])
		s.era[0] = s.era[1] = true;
	if (s.superfluous)
		return ask_superfluous(&s, argc - optind, argv + optind);
	if (s.list)
		return list_rows();
	if (optind == argc)
		return whole_table(&s);
	if (s.format != WHEN_TEXT) {
		args_complain("when: --json and --markdown are for the whole table");
		return STATUS_ERROR;
	}
	for (; optind < argc; optind++) {
		int status = show(argv[optind], s.era);

		if (status > worst)
			worst = status;
	}
	return worst;
}
