/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the command mmun trace. It prints the order in which mmun clears and sets
 * entries, flushes TLBs and tells notifiers during an operation, and beside it what was
 * recorded of Linux.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "orders/orders.h"

enum { OPTION_CLASSIC = OPTION_FIRST, OPTION_LINUX, OPTION_KERNEL, OPTION_LIST };
enum { FILES_MAX = 32, FILE_BYTES_MAX = 256 << 10 };

const struct args_option cli_trace_options[] = {
	{ OPTION_CLASSIC, "classic", NULL, "use the semantics of Linux 4.15 to 6.5" },
	{ OPTION_LINUX, "linux", "VERSION", "use the semantics of this version of Linux" },
	{ OPTION_KERNEL, "kernel", NULL,
	  "compare with recordings of Linux, and explain differences" },
	{ OPTION_LIST, "list", NULL, "list the operations" },
	{ 0 },
};

const char cli_trace_details[] =
	"\nThe names of the operations are those of the recordings. \"all\" stands for all of them.\n"
	"Without arguments, list them. mmun(1) explains how an order is written. The recordings are\n"
	"those that were installed with mmun, or those of the directory in the environment variable\n"
	"MMUN_KERNEL.\n";

struct command {
	enum mmun_semantics semantics;
	bool kernel;
	struct order_file file[FILES_MAX];
	size_t files;
};

/* --- recordings ---------------------------------------------------------- */

static int is_recording(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && !strcmp(entry->d_name + n - 4, ".txt");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The file's text, to be freed; NULL with errno. */
static char *read_file(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(FILE_BYTES_MAX) : NULL;
	size_t n = text ? fread(text, 1, FILE_BYTES_MAX, f) : 0;
	int err = f && text && !ferror(f) ? 0 : errno;

	if (f)
		fclose(f);
	if (!err && n == FILE_BYTES_MAX)
		err = EFBIG;
	if (err) {
		free(text);
		errno = err;
		return NULL;
	}
	*ret_size = n;
	return text;
}

static bool open_recording(struct command *c, const char *path)
{
	struct order_file *file = &c->file[c->files];
	const char *why = "not enough memory";
	unsigned line = 0;
	size_t size;
	char *text = read_file(path, &size);
	int err;

	if (!text) {
		args_complain("%s: %s", path, strerror(errno));
		return false;
	}
	err = order_file_parse(text, size, file, &line, &why);
	free(text);
	if (err) {
		args_complain("%s:%u: %s", path, line, why);
		return false;
	}
	if (file->semantics == c->semantics)
		c->files++;
	else
		order_file_fini(file);
	return true;
}

static bool open_recordings(struct command *c)
{
	char directory[PATH_MAX], path[PATH_MAX + 256];
	struct dirent **entry;
	bool good = true;
	int n;

	if (!cli_directory("MMUN_KERNEL", "../tests/kernel", "../share/mmun/kernel", directory,
			   sizeof(directory))) {
		args_complain("trace: no recordings are installed; set MMUN_KERNEL");
		return false;
	}
	n = scandir(directory, &entry, is_recording, by_name);
	if (n <= 0) {
		args_complain("%s: %s", directory,
			      n ? strerror(errno) : "no *.txt in this directory");
		good = false;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry[i]->d_name);
		if (good && c->files < FILES_MAX)
			good = open_recording(c, path);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return good;
}

/* --- printing ------------------------------------------------------------ */

static void print_order(const struct order *order)
{
	char text[ORDER_TEXT_MAX];

	for (size_t i = 0; i < order->count; i++)
		printf("    %s\n", order_event_text(&order->event[i], text));
}

static void print_omissions(const struct order *kernel)
{
	for (const struct order_omission *o = order_omissions; o->why; o++)
		for (size_t i = 0; i < kernel->count; i++)
			if (kernel->event[i].kind == o->kind) {
				printf("    left out: %s: %s\n", order_kind_name(o->kind), o->why);
				break;
			}
}

/* Linux's events on the left, mmun's on the right, and numbers where they differ. */
static void print_comparison(const char *name, const struct order_comparison *c)
{
	unsigned number = 0;
	bool before = true;

	printf("\n    %-44s    mmun\n", name);
	for (size_t i = 0; i < c->places; i++) {
		const struct order_place *p = &c->place[i];
		char mark[12] = "", kernel[ORDER_TEXT_MAX] = "", own[ORDER_TEXT_MAX];

		number += before && !p->same;
		before = p->same;
		if (!p->same)
			snprintf(mark, sizeof(mark), "%u", number);
		if (p->kernel)
			order_event_text(p->kernel, kernel);
		if (p->own)
			printf("    %-44s %-2s %s\n", kernel, mark, order_event_text(p->own, own));
		else
			printf("    %-44s %s\n", kernel, mark);
	}
	for (size_t i = 0; i < c->count; i++)
		printf("    %zu: %s\n", i + 1, c->expected[i]->why);
	if (*c->wrong)
		printf("    WRONG: %s\n", c->wrong);
}

static int compare(const struct command *c, const struct order_op *op,
		   const struct order *own)
{
	int status = STATUS_OK;
	bool found = false;

	for (size_t i = 0; i < c->files; i++) {
		const struct order_recorded *r = order_file_find(&c->file[i], op->name);
		struct order_comparison comparison;

		if (!r)
			continue;
		found = true;
		order_compare(&c->file[i], op->name, &r->order, own, &comparison);
		print_comparison(c->file[i].name, &comparison);
		print_omissions(&r->order);
		if (*comparison.wrong)
			status = STATUS_VIOLATION;
	}
	if (!found)
		printf("\n    not recorded\n");
	return status;
}

/* What mmun has no such operation for: the recordings alone. */
static void print_recordings(const struct command *c, const struct order_op *op)
{
	for (size_t i = 0; i < c->files; i++) {
		const struct order_recorded *r = order_file_find(&c->file[i], op->name);

		if (!r)
			continue;
		printf("\n    %s\n", c->file[i].name);
		print_order(&r->order);
	}
}

static int trace_one(const struct command *c, const struct order_op *op)
{
	const struct order_how how = { .semantics = c->semantics };
	struct order order;
	char why[192];

	if (!op->act) {
		printf("%s: not in mmun: %s\n", op->name, op->what);
		print_recordings(c, op);
		return STATUS_OK;
	}
	if (order_record(op, &how, &order, why)) {
		args_complain("%s: %s", op->name, why);
		return STATUS_VIOLATION;
	}
	printf("%s: %s\n", op->name, op->what);
	if (c->kernel)
		return compare(c, op, &order);
	print_order(&order);
	return STATUS_OK;
}

/* --- the command --------------------------------------------------------- */

static int print_list(void)
{
	for (const struct order_op *op = order_ops; op->name; op++)
		printf("%-24s %s%s\n", op->name, op->act ? "" : "not in mmun: ", op->what);
	return STATUS_OK;
}

static const struct order_op *find(const char *name)
{
	const char *names[128];
	const struct order_op *op = order_op_find(name);
	size_t count = 0;

	if (op)
		return op;
	for (op = order_ops; op->name && count < ARRAY_SIZE(names); op++)
		names[count++] = op->name;
	args_complain_unknown("trace: unknown operation", name, names, count, "mmun trace --list");
	return NULL;
}

static int trace_operands(const struct command *c, int argc, char **argv)
{
	int worst = STATUS_OK;
	bool first = true;

	for (int i = optind; i < argc; i++)
		if (strcmp(argv[i], "all") && !find(argv[i]))
			return STATUS_ERROR;
	for (int i = optind; i < argc; i++) {
		bool all = !strcmp(argv[i], "all");

		for (const struct order_op *op = order_ops; op->name; op++) {
			int status;

			if (!all && strcmp(op->name, argv[i]))
				continue;
			if (!first)
				putchar('\n');
			first = false;
			status = trace_one(c, op);
			if (status > worst)
				worst = status;
		}
	}
	return worst;
}

int cli_trace(const struct args_command *command, int argc, char **argv)
{
	static struct command c;
	bool list = false, classic;
	int id, status = STATUS_ERROR;

	while ((id = args_next(command, argc, argv)) >= 0) {
		if (id == OPTION_CLASSIC)
			c.semantics = MMUN_CLASSIC;
		else if (id == OPTION_LINUX && !args_linux("trace", optarg, &classic))
			return STATUS_ERROR;
		else if (id == OPTION_LINUX)
			c.semantics = classic ? MMUN_CLASSIC : MMUN_MODERN;
		else if (id == OPTION_KERNEL)
			c.kernel = true;
		else if (id == OPTION_LIST)
			list = true;
	}
	if (id != ARGS_END)
		return id == ARGS_HELP ? STATUS_OK : STATUS_ERROR;
	if (list || optind == argc)
		return print_list();
	if (!c.kernel || open_recordings(&c))
		status = trace_operands(&c, argc, argv);
	while (c.files)
		order_file_fini(&c.file[--c.files]);
	return status;
}
