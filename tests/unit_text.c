/* SPDX-License-Identifier: MIT */
/*
 * unit_text.c - text that is read and written: which bytes are a character, which word is
 * near to another, and JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/base.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/utf8.h"

static void utf8_is_what_the_standard_says(void **state)
{
	static const struct { const char *text; size_t bytes; } c[] = {
		{ "", 1 }, { "a", 1 }, { "\x7f", 1 }, { "\xc2\x80", 2 }, { "\xdf\xbf", 2 },
		{ "\xe0\xa0\x80", 3 }, { "\xed\x9f\xbf", 3 }, { "\xef\xbf\xbf", 3 },
		{ "\xf0\x90\x80\x80", 4 }, { "\xf4\x8f\xbf\xbf", 4 },
		/* Alone, too long, a surrogate, too large, cut off. */
		{ "\x80", 0 }, { "\xbf", 0 }, { "\xc0\x80", 0 }, { "\xc1\xbf", 0 },
		{ "\xe0\x9f\xbf", 0 }, { "\xed\xa0\x80", 0 }, { "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf4\x90\x80\x80", 0 }, { "\xf5\x80\x80\x80", 0 }, { "\xff", 0 },
		{ "\xc3", 0 }, { "\xe2\x82", 0 }, { "\xf0\x9f\x92", 0 }, { "\xc3(", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		assert_int_equal(utf8_length(c[i].text, SIZE_MAX), c[i].bytes);
	assert_int_equal(utf8_length("\xe0\xa0\x80", 3), 3);
	assert_int_equal(utf8_length("\xe0\xa0\x80", 2), 0);
}

static void nearest_word(void **state)
{
	static const char *const word[] = { "munmap", "mremap", "mprotect", "ab" };
	static const struct { const char *wanted, *text; } c[] = {
		{ "munmap", " (did you mean 'munmap'?)" },
		{ "mumap", " (did you mean 'munmap'?)" },
		{ "mremaps", " (did you mean 'mremap'?)" },
		{ "mprtect", " (did you mean 'mprotect'?)" },
		{ "mnumap", " (did you mean 'munmap'?)" }, /* exchanged */
		{ "MREMAP", " (did you mean 'mremap'?)" },
		{ "prtoetc", "" }, { "mprtoetct", " (did you mean 'mprotect'?)" },
		{ "protec", " (did you mean 'mprotect'?)" },
		{ "fork", "" },
		{ "xy", "" }, /* no letter of "ab" would stay */
		{ "m12345678901234567890123456789012345678901234567890123456789012345", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		struct nearest n;

		nearest_init(&n, c[i].wanted, 3);
		for (size_t w = 0; w < ARRAY_SIZE(word); w++)
			nearest_offer(&n, word[w]);
		assert_string_equal(nearest_text(&n), c[i].text);
	}
}

/* --- JSON ---------------------------------------------------------------- */

static char *text;
static size_t size;

static struct json open_json(void)
{
	return (struct json){ .out = open_memstream(&text, &size) };
}

static void expect(struct json *j, const char *wanted)
{
	fclose(j->out);
	assert_string_equal(text, wanted);
	free(text);
}

static void json_strings(void **state)
{
	static const struct { const char *text, *json; } c[] = {
		{ "", "\"\"" },
		{ "a \"b\" \\ c/d", "\"a \\\"b\\\" \\\\ c/d\"" },
		{ "\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\"" },
		{ "\xc3\xa4 \xff", "\"\xc3\xa4 \\ufffd\"" },
		{ NULL, "null" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		struct json j = open_json();

		json_string(&j, NULL, c[i].text);
		expect(&j, c[i].json);
	}
}

static void json_values(void **state)
{
	struct json j = open_json();

	(void)state;
	json_begin(&j, NULL, '{');
	json_number(&j, "least", INT64_MIN);
	json_count(&j, "most", UINT64_MAX);
	json_begin(&j, "empty", '[');
	json_end(&j, ']');
	json_begin(&j, "list", '[');
	json_bool(&j, NULL, true);
	json_bool(&j, NULL, false);
	json_begin(&j, NULL, '{');
	json_end(&j, '}');
	json_null(&j, NULL);
	json_end(&j, ']');
	json_seconds(&j, "a \"name\"", 1.5);
	json_end(&j, '}');
	expect(&j, "{\"least\": -9223372036854775808, \"most\": 18446744073709551615, "
		   "\"empty\": [], \"list\": [true, false, {}, null], \"a \\\"name\\\"\": 1.500}");
}

static void json_lines(void **state)
{
	struct json j = open_json();

	(void)state;
	json_begin(&j, NULL, '[');
	for (int i = 0; i < 2; i++) {
		json_line(&j, "\n  ");
		json_begin(&j, NULL, '{');
		json_number(&j, "i", i);
		json_end(&j, '}');
	}
	json_line(&j, "\n");
	json_end(&j, ']');
	expect(&j, "[\n  {\"i\": 0},\n  {\"i\": 1}\n]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_what_the_standard_says),
		cmocka_unit_test(nearest_word),
		cmocka_unit_test(json_strings),
		cmocka_unit_test(json_values),
		cmocka_unit_test(json_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
