/* SPDX-License-Identifier: MIT */
/*
 * fuzz_orders.c - anything at all as a recording: parse it, write its events and read them
 * again, and compare each of its operations with itself and with the one before.
 *
 * Built with -fsanitize=fuzzer it is a fuzzer; with -DFUZZ_STANDALONE a program
 * that replays the files given as arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orders/orders.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void base_assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}

/* What is written is read as the same again. */
static void write_and_read(const struct order *o)
{
	for (size_t i = 0; i < o->count; i++) {
		char text[ORDER_TEXT_MAX];
		struct order_event e;

		order_event_text(&o->event[i], text);
		ASSERT(order_event_parse(text, strlen(text), &e));
		ASSERT(order_event_same(&e, &o->event[i]));
	}
}

static void compare(const struct order_file *file, const struct order_recorded *a,
		    const struct order_recorded *b)
{
	static struct order_comparison c;
	size_t kernel = 0, own = 0;

	order_compare(file, "none", &a->order, &b->order, &c);
	ASSERT(c.places <= ORDER_PLACES_MAX && strlen(c.wrong) < sizeof(c.wrong));
	for (size_t i = 0; i < c.places; i++) {
		ASSERT(c.place[i].kernel || c.place[i].own);
		ASSERT(!c.place[i].same || (c.place[i].kernel && c.place[i].own));
		kernel += c.place[i].kernel != NULL;
		own += c.place[i].own != NULL;
		if (a == b)
			ASSERT(c.place[i].same);
	}
	ASSERT(kernel == c.kernel.count && own == c.own.count);
	ASSERT(a != b || !*c.wrong);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct order_file file;
	unsigned line = 0;

	if (order_file_parse((const char *)data, size, &file, &line, &why)) {
		ASSERT(!why || (*why && line <= size));
		return 0;
	}
	for (size_t i = 0; i < file.count; i++) {
		ASSERT(order_file_find(&file, file.op[i].name) == &file.op[i]);
		write_and_read(&file.op[i].order);
		compare(&file, &file.op[i], &file.op[i]);
		if (i)
			compare(&file, &file.op[i - 1], &file.op[i]);
	}
	order_file_fini(&file);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"

int main(int argc, char **argv) { return replay_all(argc, argv); }
#endif
