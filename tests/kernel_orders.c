/* SPDX-License-Identifier: MIT */
/*
 * kernel_orders.c RECORDING... - holds each operation that was recorded of Linux
 * against what mmun does: events, their order, their ranges, what happens under
 * which lock. Where they differ, src/orders/differences.c must say so and why.
 *
 * Nothing is skipped silently: an operation that mmun does not have is printed with
 * the reason; one that src/orders/ops.c does not know, one that was never recorded, a
 * difference that nobody expects and one that is expected but not there fail.
 *
 * Then the flush points of each operation are moved, and some recording must not agree any more.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orders/orders.h"
#include "vm/ops/ops.h"

enum { FILES_MAX = 16, FILE_BYTES_MAX = 256 << 10, OPS_MAX = 128, DIFFERENCES_MAX = 512 };

static struct order_file file[FILES_MAX];
static size_t files;
static bool agrees[FILES_MAX][OPS_MAX]; /* as it should, before anything was moved */
static bool used[DIFFERENCES_MAX];
static int failures;

static void PRINTF_LIKE(1, 2) fail(const char *fmt, ...)
{
	va_list args;

	fputs("FAILED: ", stdout);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	failures++;
}

static void read_recording(const char *path)
{
	static char text[FILE_BYTES_MAX];
	FILE *f = fopen(path, "r");
	const char *why = "?";
	unsigned line = 0;
	size_t n;

	if (!f || files == FILES_MAX) {
		fail("%s: cannot be read", path);
		return;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (n == sizeof(text) || order_file_parse(text, n, &file[files], &line, &why))
		fail("%s:%u: %s", path, line, why);
	else
		files++;
}

/* --- each recording ------------------------------------------------------ */

static bool compare_op(const struct order_file *f, const struct order_recorded *r,
		       const struct order_op *op)
{
	const struct order_how how = { .semantics = f->semantics };
	static struct order_comparison c;
	struct order own;
	char why[192];

	if (order_record(op, &how, &own, why)) {
		fail("%s: %s: %s", f->name, op->name, why);
		return false;
	}
	order_compare(f, op->name, &r->order, &own, &c);
	for (size_t i = 0; i < c.count; i++)
		used[c.expected[i] - order_differences] = true;
	if (*c.wrong)
		fail("%s: %s: %s", f->name, op->name, c.wrong);
	return !*c.wrong;
}

static void compare_file(const struct order_file *f)
{
	unsigned compared = 0;

	for (size_t i = 0; i < f->count && i < OPS_MAX; i++) {
		const struct order_op *op = order_op_find(f->op[i].name);

		if (!op) {
			fail("%s: %s: src/orders/ops.c has no such operation", f->name,
			     f->op[i].name);
		} else if (!op->act) {
			printf("%s: %s: not compared: %s\n", f->name, op->name, op->what);
		} else {
			agrees[f - file][i] = compare_op(f, &f->op[i], op);
			compared++;
		}
	}
	printf("%s: %u operations compared\n", f->name, compared);
}

/* --- each line of the tables --------------------------------------------- */

static bool was_recorded(const char *op)
{
	for (size_t i = 0; i < files; i++)
		if (order_file_find(&file[i], op))
			return true;
	return false;
}

static bool was_omitted(enum order_kind kind)
{
	for (size_t i = 0; i < files; i++)
		for (size_t j = 0; j < file[i].count; j++)
			for (size_t k = 0; k < file[i].op[j].order.count; k++)
				if (file[i].op[j].order.event[k].kind == kind)
					return true;
	return false;
}

static void check_tables(void)
{
	size_t n = 0;

	for (const struct order_op *op = order_ops; op->name; op++)
		if (!was_recorded(op->name))
			fail("%s: in src/orders/ops.c, and never recorded", op->name);
	for (const struct order_omission *o = order_omissions; o->why; o++) {
		printf("left out: %s: %s\n", order_kind_name(o->kind), o->why);
		if (!was_omitted(o->kind))
			fail("%s: left out, and in no recording", order_kind_name(o->kind));
	}
	for (const struct order_difference *d = order_differences; d->op; d++, n++)
		if (!used[n])
			fail("%s in %s: a difference that is not there: %s", d->op, d->in, d->why);
	printf("%zu differences are expected\n", n);
}

/* --- could it fail? ------------------------------------------------------ */

/* Does some recording of this era disagree if op notifies there? */
static bool noticed(enum mmun_semantics semantics, enum mm_op op, unsigned points)
{
	const struct order_how how = { semantics, (unsigned)op + 1, points };
	static struct order_comparison c;
	struct order own;
	char why[192];

	for (size_t i = 0; i < files; i++)
		for (size_t j = 0; j < file[i].count && file[i].semantics == semantics; j++) {
			const struct order_op *o = order_op_find(file[i].op[j].name);

			if (!agrees[i][j])
				continue;
			if (order_record(o, &how, &own, why))
				return true;
			order_compare(&file[i], o->name, &file[i].op[j].order, &own, &c);
			if (*c.wrong)
				return true;
		}
	return false;
}

/* No recording is of these. */
static bool is_unrecorded(enum mmun_semantics semantics, enum mm_op op)
{
	return op == MM_OP_NUMA || op == MM_OP_CLEAN ||
	       /* Nobody is told any more; on x86 nobody has to be. */
	       op == MM_OP_EXIT || op == MM_OP_UPGRADE ||
	       /* Younger than that era; and older. */
	       (op == MM_OP_UFFD_MOVE && semantics == MMUN_CLASSIC) ||
	       (op == MM_OP_AGE && semantics == MMUN_MODERN);
}

/* Do the recordings tell these two apart? Of a move, what is set is where nobody looked. */
static bool is_another(enum mm_op op, unsigned a, unsigned b)
{
	bool moves = op == MM_OP_MREMAP || op == MM_OP_UFFD_MOVE;

	return a != b && !(moves && (a | b) == (FLUSH_POINT_CLEAR | FLUSH_POINT_SET));
}

/*
 * Whether pages are freed before or after the flush is no event, so FLUSH_POINT_FREED is
 * like FLUSH_POINT_AFTER here, and FLUSH_POINT_UNLOCK like FLUSH_POINT_END: litmus tests
 * tell them apart.
 */
static void move_flush_points(enum mmun_semantics semantics)
{
	static const unsigned points[] = {
		0, FLUSH_POINT_CLEAR, FLUSH_POINT_SET, FLUSH_POINT_END, FLUSH_POINT_AFTER,
	};
	static const char *const names[] = {
#define X(e, name, ...) name,
		MM_OPS(X)
#undef X
	};
	unsigned moved = 0;

	for (int op = 0; op < MM_OP_COUNT; op++)
		for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
			unsigned linux_points = flush_points_of(semantics, (enum mm_op)op);

			if (!is_another((enum mm_op)op, points[i], linux_points) ||
			    is_unrecorded(semantics, (enum mm_op)op))
				continue;
			moved++;
			if (!noticed(semantics, (enum mm_op)op, points[i]))
				fail("%s: nobody noticed that it flushes at %u instead of %u",
				     names[op], points[i], linux_points);
		}
	printf("%u flush points moved\n", moved);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		read_recording(argv[i]);
	for (size_t i = 0; i < files; i++)
		compare_file(&file[i]);
	check_tables();
	if (failures) {
		printf("no flush point was moved: the above comes first\n");
	} else {
		move_flush_points(MMUN_MODERN);
		move_flush_points(MMUN_CLASSIC);
	}
	for (size_t i = 0; i < files; i++)
		order_file_fini(&file[i]);
	printf("%d failures\n", failures);
	return failures != 0;
}
