/* SPDX-License-Identifier: MIT */
/*
 * corpus.c - the command mmun corpus. An entry of the corpus is a real bug, as a check in C
 * with a broken and a repaired form. The command runs both, and says in one line for each
 * entry what found the bug and that the repaired form was verified.
 *
 * Invariant: an entry counts as good only if its broken form was found by the oracle that it
 * names and by no other, and if its repaired form was explored to the end without a finding.
 * What is said of an entry stands in the comment that its file begins with (corpus_entry.h).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/corpus_entry.h"
#include "jobs/jobs.h"
#include "report/report.h"

enum { JSON = OPTION_FIRST, MARKDOWN, LIST };
enum { HEAD_BYTES = 8192 };

const char cli_corpus_details[] =
	"\nWithout an entry, run all of them and print a table: what found the broken form, in how many\n"
	"executions, and in how many executions the repaired form was verified. With entries, by\n"
	"number (\"31\", \"29a\") or by a part of a file name, say what happened, and draw it.\n\n"
	"The entries are those that were installed with mmun, or those of the directory in the\n"
	"environment variable MMUN_CORPUS. Each is a file for \"mmun check\".\n";

const struct args_option cli_corpus_options[] = {
	{ LIST, "list", NULL, "list the entries, and run none" },
	{ JSON, "json", NULL, "print an object per entry, each on a line" },
	{ MARKDOWN, "markdown", NULL, "print the table as Markdown, without times" },
	{ 'v', "verbose", NULL, "for named entries: draw all findings, and each operation" },
	{ 0 },
};

struct corpus { struct corpus_entry *entry; size_t count; };

/* --- reading the files ------------------------------------------------------ */

/* False: said why. */
static bool entry_read(struct corpus_entry *e, const char *path)
{
	char text[HEAD_BYTES] = "";
	struct stat st;
	FILE *in = !stat(path, &st) && S_ISREG(st.st_mode) ? fopen(path, "r") : NULL;
	size_t n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;
	bool good;

	text[n] = 0;
	*e = (struct corpus_entry){ .path = strdup(path) };
	good = in && corpus_entry_parse(e, text);
	if (!in)
		args_complain("corpus: %s: %s", path, errno ? strerror(errno) : "no file");
	else if (!good)
		args_complain("corpus: %s:2: expected a comment that begins with \"NUMBER: TITLE\" and "
			      "has a line \"Class: LETTERS\"", path);
	if (in)
		fclose(in);
	return good;
}

/* --- which there are ------------------------------------------------------- */

/* Numbers by their value, then their letter. */
static int compare_entries(const void *a, const void *b)
{
	const struct corpus_entry *p = a, *q = b;
	long x = strtol(p->id, NULL, 10), y = strtol(q->id, NULL, 10);

	return x != y ? (x < y ? -1 : 1) : strcmp(p->id, q->id);
}

static int is_c(const struct dirent *d) { return cli_is_cfile(d->d_name); }

static void corpus_fini(struct corpus *c)
{
	for (size_t i = 0; i < c->count; i++)
		corpus_entry_fini(&c->entry[i]);
	free(c->entry);
}

/* False: something is wrong, and was said. */
static bool corpus_read(struct corpus *c)
{
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **name;
	bool good = true;
	int n;

	if (!cli_directory("MMUN_CORPUS", "../corpus", "../share/mmun/corpus", dir, sizeof(dir))) {
		args_complain("corpus: no entries are installed; set MMUN_CORPUS");
		return false;
	}
	n = scandir(dir, &name, is_c, alphasort);
	if (n < 0) {
		args_complain("corpus: %s: %s", dir, strerror(errno));
		return false;
	}
	c->entry = calloc((size_t)n + 1, sizeof(*c->entry));
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, name[i]->d_name);
		good &= c->entry && entry_read(&c->entry[c->count++], path);
		free(name[i]);
	}
	free(name);
	if (good)
		qsort(c->entry, c->count, sizeof(*c->entry), compare_entries);
	if (good && !c->count)
		args_complain("corpus: %s has no entries", dir);
	return good && c->count;
}

static const char *file_name(const struct corpus_entry *e)
{
	const char *slash = strrchr(e->path, '/');

	return slash ? slash + 1 : e->path;
}

static bool is_meant(const struct corpus_entry *e, const char *word)
{
	bool number = *word >= '0' && *word <= '9';

	return !strcmp(e->id, word) || !strcmp(file_name(e), word) ||
	       (!number && strstr(file_name(e), word));
}

/* --- running --------------------------------------------------------------- */

/* Printed by the process that has run the form. */
static bool is_found(const struct report_run *run)
{
	return run->verdict == REPORT_OK && run->explore->findings;
}

/* How the forms of the entry that is being run went: noted by the processes that run them. */
static struct forms { bool found, verified; unsigned others; } *forms;

static void note_form(const struct report_run *run)
{
	if (run->name && !strcmp(run->name, "broken"))
		forms->found = is_found(run);
	else if (run->name && !strcmp(run->name, "repaired"))
		forms->verified = report_is_verified(run);
	else
		forms->others++;
}

static const char *oracle_of(const struct report_run *run)
{
	return run->explore && run->explore->findings ?
	       explore_oracle_name(run->explore->finding[0].oracle) : "nothing";
}

static void text_run(struct report *report, const struct report_run *run)
{
	bool repaired = run->name && !strcmp(run->name, "repaired");

	note_form(run);
	if (run->verdict == REPORT_ERROR)
		fprintf(report->out, " %s", "does not run");
	else if (!repaired && is_found(run))
		fprintf(report->out, " %-12s %9" PRIu64, oracle_of(run), run->explore->executions);
	else if (!repaired)
		fprintf(report->out, " NOT FOUND (%s)", oracle_of(run));
	else if (report_is_verified(run))
		fprintf(report->out, " %9" PRIu64, run->explore->executions);
	else
		fprintf(report->out, " NOT VERIFIED (%s)", run->why ? run->why : oracle_of(run));
}

static void markdown_run(struct report *report, const struct report_run *run)
{
	bool repaired = run->name && !strcmp(run->name, "repaired");

	note_form(run);
	if (run->verdict == REPORT_ERROR)
		fputs(" does not run |", report->out);
	else if (!repaired && is_found(run))
		fprintf(report->out, " %s | %" PRIu64 " |", oracle_of(run),
			run->explore->executions);
	else if (!repaired)
		fputs(" **not found** | |", report->out);
	else if (report_is_verified(run))
		fprintf(report->out, " verified, %" PRIu64 " |", run->explore->executions);
	else
		fputs(" **not verified** |", report->out);
}

/* A member of the entry's object, which is open. */
static void json_run(struct report *report, const struct report_run *run)
{
	const struct explore_result *r = run->explore;
	struct json j = { .out = report->out, .comma = true };
	const char *name = run->name ? run->name : "error";

	note_form(run);
	if (run->verdict == REPORT_ERROR) {
		json_null(&j, name);
		return;
	}
	json_begin(&j, name, '{');
	json_string(&j, "verdict", report_verdict_name(run->verdict));
	json_string(&j, "oracle", r->findings ? oracle_of(run) : NULL);
	json_count(&j, "executions", r->executions);
	json_bool(&j, "exhaustive", r->exhaustive);
	json_string(&j, "replay", r->findings ? r->finding[0].replay : NULL);
	json_end(&j, '}');
}

enum style { TEXT_TABLE, MARKDOWN_TABLE, JSON_LINES };

static const struct report_format formats[] = {
	[TEXT_TABLE] = { .name = "corpus", .help = "", .run = text_run },
	[MARKDOWN_TABLE] = { .name = "corpus", .help = "", .run = markdown_run },
	[JSON_LINES] = { .name = "corpus", .help = "", .run = json_run },
};

static void print_json_begin(const struct corpus_entry *e)
{
	struct json j = { .out = stdout };

	json_begin(&j, NULL, '{');
	json_string(&j, "entry", e->id);
	json_string(&j, "class", e->class);
	json_string(&j, "title", e->title);
	json_string(&j, "origin", e->origin);
	json_string(&j, "file", file_name(e));
}

static void print_json_end(double seconds)
{
	struct json j = { .out = stdout, .comma = true };

	json_seconds(&j, "seconds", seconds);
	json_end(&j, '}');
	putchar('\n');
}

static void print_begin(const struct corpus_entry *e, enum style style)
{
	if (style == TEXT_TABLE)
		printf("%-4s %-5s", e->id, e->class);
	else if (style == MARKDOWN_TABLE)
		printf("| [%s](../corpus/%s) | %s | %s |", e->id, file_name(e), e->class, e->title);
	else
		print_json_begin(e);
	fflush(stdout);
}

static void print_end(const struct corpus_entry *e, enum style style, double seconds)
{
	if (style == TEXT_TABLE)
		printf(" %6.2f s  %s\n", seconds, e->title);
	else if (style == MARKDOWN_TABLE)
		putchar('\n');
	else
		print_json_end(seconds);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Both forms are there, and as they should be: the broken one need not be explored to the end. */
static bool is_good(const struct report *r)
{
	return forms->found && forms->verified && !forms->others && r->tests == 2;
}

static bool run_entry(const struct corpus_entry *e, enum style style)
{
	static const struct cfile_how how;
	struct report report = { .out = stdout, .format = &formats[style],
				 .pictures = PICTURES_NEVER };
	double since = seconds_now();

	*forms = (struct forms){ .found = false };
	print_begin(e, style);
	cli_cfile_check(e->path, &how, &report);
	print_end(e, style, seconds_now() - since);
	if (report.tests != 2 || forms->others)
		args_complain("corpus: %s: expected two checks, broken and repaired", e->path);
	return is_good(&report);
}

static void print_heads(enum style style)
{
	if (style == TEXT_TABLE)
		printf("%-4s %-5s %-12s %9s %9s %8s\n", "", "class", "found by", "executed",
		       "verified", "time");
	else if (style == MARKDOWN_TABLE)
		puts("| entry | class | | found by | executions | repaired form |\n"
		     "|---|---|---|---|---|---|");
}

static int run_all(const struct corpus *c, enum style style)
{
	size_t good = 0;

	print_heads(style);
	for (size_t i = 0; i < c->count; i++)
		good += run_entry(&c->entry[i], style);
	if (style == TEXT_TABLE)
		printf("%zu entries: %zu found and, repaired, verified; %zu not\n", c->count, good,
		       c->count - good);
	return good == c->count ? STATUS_OK : STATUS_VIOLATION;
}

/* --- entries that are named ------------------------------------------------- */

static bool show(const struct corpus_entry *e, const struct report_format *format, bool verbose)
{
	static const struct cfile_how how;
	struct report report = { .out = stdout, .format = format, .verbose = verbose,
				 .pictures = PICTURES_ALWAYS };

	printf("%s: %s\n\nOrigin: %s\nClass: %s\nFile: %s\n\n%s\n", e->id, e->title, e->origin,
	       e->class, e->path, e->prose);
	fflush(stdout);
	cli_cfile_check(e->path, &how, &report);
	return report.tests == 2 && report.count[REPORT_OK] == 2;
}

static int show_named(const struct corpus *c, int argc, char **argv, bool verbose)
{
	const struct report_format *format = report_format_find("herd");
	int status = STATUS_OK;

	for (; optind < argc; optind++) {
		size_t shown = 0;

		for (size_t i = 0; i < c->count; i++) {
			if (!is_meant(&c->entry[i], argv[optind]))
				continue;
			shown++;
			if (!show(&c->entry[i], format, verbose) && status == STATUS_OK)
				status = STATUS_VIOLATION;
		}
		if (!shown) {
			args_complain("corpus: no entry '%s'; mmun corpus --list says what there are",
				      argv[optind]);
			status = STATUS_ERROR;
		}
	}
	return status;
}

static int list(const struct corpus *c)
{
	for (size_t i = 0; i < c->count; i++)
		printf("%-4s %-6s %s\n", c->entry[i].id, c->entry[i].class, c->entry[i].title);
	return STATUS_OK;
}

/* --- the command ------------------------------------------------------------ */

int cli_corpus(const struct args_command *command, int argc, char **argv)
{
	enum style style = TEXT_TABLE;
	bool lists = false, verbose = false;
	struct corpus c = { 0 };
	int id, status = STATUS_ERROR;

	while ((id = args_next(command, argc, argv)) != ARGS_END) {
		switch (id) {
		case LIST:
			lists = true;
			break;
		case JSON:
			style = JSON_LINES;
			break;
		case MARKDOWN:
			style = MARKDOWN_TABLE;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
		}
	}
	forms = jobs_share(sizeof(*forms));
	if (!forms) {
		args_complain("corpus: not enough memory");
		return STATUS_ERROR;
	}
	if (corpus_read(&c))
		status = lists ? list(&c) : optind < argc ? show_named(&c, argc, argv, verbose) :
			 run_all(&c, style);
	corpus_fini(&c);
	jobs_unshare(forms, sizeof(*forms));
	return status;
}
