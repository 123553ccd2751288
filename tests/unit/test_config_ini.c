/* test_config_ini.c - the line reader in front of inih: what is a pair, and what is refused, with
 * its line. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/ini.h"
#include "tests/lib/cases.h"

/* What came, as text: "[word|name]LINE" and "key|value@LINE", each with a newline. */
static char seen[8192];

static void on_section(void *arg, const struct place *place, const char *word, const char *name)
{
	size_t n = strlen(seen);

	assert_ptr_equal(arg, seen);
	snprintf(seen + n, sizeof seen - n, "[%s|%s]%u\n", word, name, place->line);
}

static void on_pair(void *arg, const struct place *place, const char *key, const char *value)
{
	size_t n = strlen(seen);

	assert_ptr_equal(arg, seen);
	snprintf(seen + n, sizeof seen - n, "%s|%s@%u\n", key, value, place->line);
}

static const struct ini_visitor visitor = {.section = on_section, .pair = on_pair};

static void read_bytes(const char *text, size_t n, struct problems *problems)
{
	seen[0] = '\0';
	ini_read(text, n, "f", &visitor, seen, problems);
}

static void assert_reads(const char *text, const char *expected)
{
	struct problems problems = {0};

	read_bytes(text, strlen(text), &problems);
	if (problems_any(&problems))
		fail_msg("refused: %s", problems.texts[0]);
	assert_string_equal(seen, expected);
	problems_deinit(&problems);
}

/* Sections with and without a name, pairs, comments and blank lines are read, with their lines, in
 * whatever way lines end. */
static void test_reads(void **state)
{
	(void)state;
	assert_reads("", "");
	assert_reads("\n\n", "");
	assert_reads("[watd]\nlog-level = info\n", "[watd|]1\nlog-level|info@2\n");
	assert_reads("[watd]\r\nlog-level=info\r\n", "[watd|]1\nlog-level|info@2\n");
	assert_reads("\xef\xbb\xbf[watd]\na = b", "[watd|]1\na|b@2\n");
	assert_reads("# one\n; two\n  # three\n\n[ instance \t c1 ]\na = b\n",
		     "[instance|c1]5\na|b@6\n");
}

/* A value is everything behind the first =, blanks around it apart. */
static void test_values(void **state)
{
	(void)state;
	assert_reads("a=b=c\n", "a|b=c@1\n");
	assert_reads("a \t=\t b c  \t\n", "a|b c@1\n");
	assert_reads("a = b;c#d\n", "a|b;c#d@1\n");
	assert_reads("a = b:c\n", "a|b:c@1\n");
	assert_reads("a = \"b\"\n", "a|\"b\"@1\n");
	assert_reads("a = b\\c\n", "a|b\\c@1\n");
	assert_reads("a = gr\xc3\xbc\xc3\x9f\n", "a|gr\xc3\xbc\xc3\x9f@1\n");
}

/* A section's name may be as long as an instance's: inih alone would cut it. */
static void test_long_section(void **state)
{
	char text[128], expected[128], name[64];

	(void)state;
	memset(name, 'n', 63);
	name[63] = '\0';
	snprintf(text, sizeof text, "[instance %s]\n", name);
	snprintf(expected, sizeof expected, "[instance|%s]1\n", name);
	assert_reads(text, expected);
}

/* Each mistake is one problem with its line, and what stands after it is read. */
static void test_refusals(void **state)
{
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"nonsense", "f:2: nonsense: expected [section] or key = value"},
		{"a : b", "f:2: a : b: expected [section] or key = value"},
		{"a:b = c", "f:2: a:b = c: expected [section] or key = value"},
		{"= b", "f:2: = b: expected [section] or key = value"},
		{"a =", "f:2: expected a value for a"},
		{"a =   ", "f:2: expected a value for a"},
		{"  a = b", "f:2: expected no white space before a key; a value has one line"},
		{"\tmore", "f:2: expected no white space before a key; a value has one line"},
		{"a = b \\", "f:2: expected the value on one line, got a \\ at its end"},
		{"a = b ; c",
		 "f:2: expected a comment on a line of its own, got one after a value"},
		{"a = b\t;c",
		 "f:2: expected a comment on a line of its own, got one after a value"},
		{"a = b # c",
		 "f:2: expected a comment on a line of its own, got one after a value"},
		{"[a] # c", "f:2: expected a comment on a line of its own, got one after a value"},
		{"[a", "f:2: [a: expected [section] and nothing behind it"},
		{"[a] b = c", "f:2: [a] b = c: expected [section] and nothing behind it"},
		{"a = \x1b[31m", "f:2: expected text in UTF-8 without control characters"},
		{"a = \xff", "f:2: expected text in UTF-8 without control characters"},
		{"a = b\rc", "f:2: expected text in UTF-8 without control characters"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct problems problems = {0};
		char text[256];

		snprintf(text, sizeof text, "x = 1\n%s\ny = 2\n", cases[i].line);
		read_bytes(text, strlen(text), &problems);
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.texts[0], cases[i].expected);
		assert_string_equal(seen, "x|1@1\ny|2@3\n");
		problems_deinit(&problems);
	}
}

/* A NUL byte does not hide what stands behind it. */
static void test_nul(void **state)
{
	static const char text[] = "a = b\0c\nd = e\n\0";
	struct problems problems = {0};

	(void)state;
	read_bytes(text, sizeof text - 1, &problems);
	assert_int_equal(problems.n, 2);
	assert_string_equal(problems.texts[0], "f:1: expected text, got a NUL byte");
	assert_string_equal(problems.texts[1], "f:3: expected text, got a NUL byte");
	assert_string_equal(seen, "d|e@2\n");
	problems_deinit(&problems);
}

/* The longest line that inih takes whole is read whole; one byte more is refused, not cut. */
static void test_line_length(void **state)
{
	struct problems problems = {0};
	char text[512], value[256];
	size_t n = 0;

	(void)state;
	/* 198 is 200 (inih's INI_MAX_LINE) without a newline and a NUL. */
	for (size_t length = 197; length <= 199; length++) {
		memset(value, 'v', sizeof value);
		value[length - 4] = '\0';
		n += (size_t)snprintf(text + n, sizeof text - n, "a = %s\n", value);
		if (length == 198) {
			char expected[512];

			read_bytes(text, n, &problems);
			assert_false(problems_any(&problems));
			snprintf(expected, sizeof expected, "a|%.193s@1\na|%s@2\n", value, value);
			assert_string_equal(seen, expected);
			n = 0;
		}
	}
	read_bytes(text, n, &problems);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.texts[0], "f:1: a line of 199 bytes, expected at most 198");
	assert_string_equal(seen, "");
	problems_deinit(&problems);
}

/* All mistakes of a file are told, up to a bound; the rest is counted. */
static void test_bound(void **state)
{
	struct problems problems = {0};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		memcpy(text + 2 * i, "x\n", 2);
	read_bytes(text, 200, &problems);
	assert_int_equal(problems.n, PROBLEMS_MAX);
	assert_int_equal(problems.n_more, 100 - PROBLEMS_MAX);
	problems_deinit(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),        cmocka_unit_test(test_values),
		cmocka_unit_test(test_long_section), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_nul),          cmocka_unit_test(test_line_length),
		cmocka_unit_test(test_bound),
	};

	return test_run_cases(tests, NULL, NULL);
}
