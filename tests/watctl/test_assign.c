/* Arguments such as n=3 become the message that JSON would give, by the types of its fields; what
 * can be none is refused with its path. row 108 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/watctl/assign.h"
#include "proto/support/cleanup.h"
#include "tests/unit/schema_example.h"
#include "tests/lib/cases.h"

#define ARGUMENTS_MAX 6

static struct schema *schema;

static int set_up(void **state)
{
	(void)state;
	schema = example_schema();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	schema = schema_free(schema);
	return 0;
}

struct example {
	const char *arguments[ARGUMENTS_MAX];
	const char *part; /* of the message as JSON, or "path: text" of a refusal */
};

static int count(const struct example *example)
{
	int n = 0;

	while (n < ARGUMENTS_MAX && example->arguments[n])
		n++;
	return n;
}

/* The message as JSON, after its way through bytes; or the refusal. Heap. */
static char *outcome(const struct example *example)
{
	_cleanup_(freep) char *json = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct json_error error = {"", ""};
	char *text = NULL;
	size_t n;
	int r = assign_to_json(schema, "t.All", (char *const *)(uintptr_t)example->arguments,
			       count(example), &json, &error);

	if (r == 0)
		r = json_to_message(schema, "t.All", json, strlen(json), &bytes, &n, &error);
	if (r == 0)
		r = json_from_message(schema, "t.All", bytes, n, &text, &error);
	if (r == 0)
		return text;
	assert_int_equal(r, -EBADMSG);
	assert_true(asprintf(&text, "%s: %s", error.path, error.text) > 0);
	return text;
}

static void check(const struct example *examples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_(freep) char *got = outcome(&examples[i]);

		if (!strstr(got, examples[i].part))
			fail_msg("%s ...: expected %s, got %s", examples[i].arguments[0],
				 examples[i].part, got);
	}
}

#define CHECK(examples) check(examples, sizeof(examples) / sizeof(examples)[0])

/* Scalars of each type, up to their bounds; both spellings of a name. */
static void test_scalars(void **state)
{
	static const struct example examples[] = {
		{{NULL}, "\"fInt64\":\"0\""},
		{{"f_int64=-9223372036854775808"}, "\"fInt64\":\"-9223372036854775808\""},
		{{"f_uint64=18446744073709551615"}, "\"fUint64\":\"18446744073709551615\""},
		{{"fUint64=1"}, "\"fUint64\":\"1\""},
		{{"f_int32=-3", "f_sint32=4"}, "\"fInt32\":-3"},
		{{"f_double=1.5e3"}, "\"fDouble\":1500"},
		{{"f_float=NaN"}, "\"fFloat\":\"NaN\""},
		{{"f_bool=true"}, "\"fBool\":true"},
		{{"f_bool=false"}, "\"fBool\":false"},
		{{"f_enum=RED"}, "\"fEnum\":\"RED\""},
		{{"f_enum=1"}, "\"fEnum\":\"RED\""},
		{{"f_string=3"}, "\"fString\":\"3\""},
		{{"f_string="}, "\"fString\":\"\""},
		{{"f_string=a=b c\"\\"}, "\"fString\":\"a=b c\\\"\\\\\""},
		{{"f_string={\"x\":1}"}, "\"fString\":\"{\\\"x\\\":1}\""},
		{{"f_bytes=hi\xff"}, "\"fBytes\":\"aGn/\""},
		{{"text=chosen"}, "\"text\":\"chosen\""},
		{{"maybe=0"}, "\"maybe\":0"},
	};

	(void)state;
	CHECK(examples);
}

/* Inside messages, lists and maps. */
static void test_places(void **state)
{
	static const struct example examples[] = {
		{{"child.f_int32=1", "child.child.f_int32=2"}, "\"fInt32\":2"},
		{{"numbers=1", "numbers=2", "numbers[]=3"}, "\"numbers\":[1,2,3]"},
		{{"numbers[0]=1", "numbers[1]=2"}, "\"numbers\":[1,2]"},
		{{"words=a", "words=b"}, "\"words\":[\"a\",\"b\"]"},
		{{"colors=RED"}, "\"colors\":[\"RED\"]"},
		{{"children[].f_int32=1", "children[].f_int32=2", "children[0].f_string=x"},
		 "\"fString\":\"x\""},
		{{"children[0].words=a", "children[0].words=b"}, "\"words\":[\"a\",\"b\"]"},
		{{"counts.a=1", "counts.b.c=2"}, "\"counts\":{\"a\":\"1\",\"b.c\":\"2\"}"},
		{{"counts[x=y]=3"}, "counts"},
		{{"by_id.-5.f_int32=7"}, "\"byId\":{\"-5\":{"},
		{{"by_id[4].words=a"}, "\"words\":[\"a\"]"},
		{{"flags.true=RED"}, "\"flags\":{\"true\":\"RED\"}"},
	};

	(void)state;
	CHECK(examples);
}

/* JSON as it is. */
static void test_raw(void **state)
{
	static const struct example examples[] = {
		{{"f_int32:=3"}, "\"fInt32\":3"},
		{{"f_string:=\"@x\""}, "\"fString\":\"@x\""},
		{{"f_bytes:=\"aGk=\""}, "\"fBytes\":\"aGk=\""},
		{{"numbers:=[1, 2]"}, "\"numbers\":[1,2]"},
		{{"numbers:=[1]", "numbers=2"}, "\"numbers\":[1,2]"},
		{{"numbers:=3"}, "\"numbers\":[3]"},
		{{"child:={\"f_int32\": 3}"}, "\"fInt32\":3"},
		{{"child:={\"f_int32\": 3}", "child.f_int64=4"}, "\"fInt64\":\"4\""},
		{{"children[]:={\"f_int32\": 3}"}, "\"fInt32\":3"},
		{{"counts:={\"a\": 1}", "counts.b=2"}, "\"counts\":{\"a\":\"1\",\"b\":\"2\"}"},
	};

	(void)state;
	CHECK(examples);
}

/* Each refusal says where, and what was expected. */
static void test_refusals(void **state)
{
	static const struct example examples[] = {
		{{"n"}, ": expected FIELD=VALUE, FIELD:=JSON, or JSON alone; got \"n\""},
		{{"=3"}, ": expected the name of a field of t.All"},
		{{"f_int3=3"}, ": t.All has no field \"f_int3\"; did you mean f_int32?"},
		{{"child.nonsense=3"}, "child: t.All has no field \"nonsense\""},
		{{"f_int32=x"},
		 "f_int32: expected an integer of -2147483648 to 2147483647, got \"x\""},
		{{"f_int32=3000000000"}, "f_int32: expected an integer"},
		{{"children[].f_int32=x"}, "children[0].f_int32: expected an integer"},
		{{"f_bool=yes"}, "f_bool: expected true or false, got \"yes\""},
		{{"f_enum=MAUVE"}, "f_enum: expected a name of t.Color, got \"MAUVE\""},
		{{"f_double=much"}, "f_double: expected a number"},
		{{"f_string=\xff"}, "f_string: expected UTF-8"},
		{{"child=3"}, "child: is a t.All: set its fields (child.FIELD=VALUE)"},
		{{"children=3"}, "children: is a t.All"},
		{{"f_int32.x=3"}, "f_int32: has nothing inside: got \".x\""},
		{{"numbers.x=3"}, "numbers: is a list: got \".x\""},
		{{"numbers[2]=3"}, "numbers: has 0 entries so far; the next is [0]"},
		{{"numbers[0]=1", "numbers[0]=2"}, "numbers[0]: was given twice"},
		{{"numbers[x]=3"}, "numbers: expected [] or [N], N at most 0 here"},
		{{"numbers[=3"}, "numbers: expected [] or [N]"},
		{{"f_int32=1", "f_int32=2"}, "f_int32: was given twice"},
		{{"counts=3"}, "counts: is a map: set its entries, such as counts.KEY=VALUE"},
		{{"counts.=3"}, "counts: expected a key"},
		{{"counts.a=1", "counts.a=2"}, "counts.a: was given twice"},
		{{"f_int32:=3x"}, "f_int32: expected JSON after :=, got \"3x\""},
		{{"child:=3", "child.f_int32=4"}, "child: was given as JSON before"},
		{{"f_string=@/nonexistent/file"},
		 "f_string: /nonexistent/file can't be read: No such"},
		{{"text=a", "amount=1"}, "amount"},
	};

	(void)state;
	CHECK(examples);
}

/* name=@FILE is what the file holds, to the byte. */
static void test_files(void **state)
{
	char dir[64], path[96], argument[128];
	struct example example = {{argument}, "\"fBytes\":\"AAEC/w==\""};
	FILE *file;

	(void)state;
	test_make_dir(dir, sizeof dir);
	snprintf(path, sizeof path, "%s/bytes", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite("\0\1\2\377", 1, 4, file), 4);
	fclose(file);
	snprintf(argument, sizeof argument, "f_bytes=@%s", path);
	check(&example, 1);
	snprintf(argument, sizeof argument, "f_string=@%s", path);
	example.part = "f_string: expected UTF-8 without U+0000";
	check(&example, 1);
	assert_int_equal(remove(path), 0);
	assert_int_equal(remove(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars), cmocka_unit_test(test_places),
		cmocka_unit_test(test_raw),     cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_files),
	};

	return test_run_cases(tests, set_up, tear_down);
}
