/* test_json.c - the proto3 JSON mapping in both directions, and how refusals read. */
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "tests/unit/schema_example.h"
#include "tests/lib/cases.h"

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

static int to_message(const char *json,
		      uint8_t **ret_bytes,
		      size_t *ret_n,
		      struct json_error *ret_error)
{
	return json_to_message(schema, "t.All", json, strlen(json), ret_bytes, ret_n, ret_error);
}

/* Through bytes and back; a refusal is "path: text". */
static char *there_and_back(const char *json)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct json_error error = {0};
	char *text = NULL;
	size_t n = 0;
	int r;

	r = to_message(json, &bytes, &n, &error);
	if (r >= 0)
		r = json_from_message(schema, "t.All", bytes, n, &text, &error);
	if (r >= 0)
		return text;
	assert_int_equal(r, -EBADMSG);
	text = example_alloc(1, sizeof error + 3);
	(void)snprintf(text, sizeof error + 3, "%s: %s", error.path, error.text);
	return text;
}

struct example {
	const char *json, *part;
};

/* What is after "part" in the output, or in the refusal. */
static void try_all(const struct example *examples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_(freep) char *text = there_and_back(examples[i].json);

		if (!strstr(text, examples[i].part))
			fail_msg("%s: \"%s\" is not in \"%s\"", examples[i].json, examples[i].part,
				 text);
	}
}

/* Fields without presence are always printed, the others only where they are set. */
static void test_defaults(void **state)
{
	_cleanup_(freep) char *text = there_and_back("{}");

	(void)state;
	assert_string_equal(text,
			    "{\"fDouble\":0,\"fFloat\":0,\"fInt64\":\"0\",\"fUint64\":\"0\","
			    "\"fInt32\":0,\"fFixed64\":\"0\",\"fFixed32\":0,\"fBool\":false,"
			    "\"fString\":\"\",\"fBytes\":\"\",\"fUint32\":0,\"fEnum\":\"NONE\","
			    "\"fSfixed32\":0,\"fSfixed64\":\"0\",\"fSint32\":0,\"fSint64\":\"0\","
			    "\"numbers\":[],\"words\":[],\"children\":[],\"counts\":{},\"byId\":{},"
			    "\"colors\":[],\"flags\":{}}");
}

/* Every type survives the way there and back, at its ends too, in either spelling of its name. */
static void test_values(void **state)
{
	static const struct example examples[] = {
		{"{\"fDouble\":0.1}", "\"fDouble\":0.1,"},
		{"{\"fDouble\":1e300}", "\"fDouble\":1e+300,"},
		{"{\"fDouble\":5e-324}", "\"fDouble\":4.94065645841247e-324,"},
		{"{\"fDouble\":0.30000000000000004}", "\"fDouble\":0.30000000000000004,"},
		{"{\"fDouble\":\"NaN\"}", "\"fDouble\":\"NaN\","},
		{"{\"fDouble\":\"-Infinity\"}", "\"fDouble\":\"-Infinity\","},
		{"{\"fDouble\":\"1.5\"}", "\"fDouble\":1.5,"},
		{"{\"fDouble\":-0.0,\"fFloat\":-0.0}", "\"fDouble\":-0.0,\"fFloat\":-0.0,"},
		{"{\"fDouble\":7}", "\"fDouble\":7,"},
		{"{\"fFloat\":0.1}", "\"fFloat\":0.1,"},
		{"{\"fFloat\":3.4028235e38}", "\"fFloat\":3.4028235e+38,"},
		{"{\"fFloat\":\"Infinity\"}", "\"fFloat\":\"Infinity\","},
		{"{\"f_int64\":-9223372036854775808}", "\"fInt64\":\"-9223372036854775808\","},
		{"{\"fInt64\":\"9223372036854775807\"}", "\"fInt64\":\"9223372036854775807\","},
		{"{\"fInt64\":1e3}", "\"fInt64\":\"1000\","},
		{"{\"fInt64\":-2.0}", "\"fInt64\":\"-2\","},
		{"{\"fUint64\":\"18446744073709551615\"}", "\"fUint64\":\"18446744073709551615\","},
		{"{\"fUint64\":18446744073709551615}", "\"fUint64\":\"18446744073709551615\","},
		{"{\"fUint64\":18446744073709551615.000}", "\"fUint64\":\"18446744073709551615\","},
		{"{\"fUint64\":1844674407370955161.5e1}", "\"fUint64\":\"18446744073709551615\","},
		{"{\"fUint64\":\"1e19\"}", "\"fUint64\":\"10000000000000000000\","},
		{"{\"fUint64\":-0}", "\"fUint64\":\"0\","},
		{"{\"fUint64\":0e999999999999999999999}", "\"fUint64\":\"0\","},
		{"{\"fUint64\":0.0}", "\"fUint64\":\"0\","},
		{"{\"fInt64\":9007199254740993}", "\"fInt64\":\"9007199254740993\","},
		{"{\"fInt64\":9007199254740993e0}", "\"fInt64\":\"9007199254740993\","},
		{"{\"fInt64\":12300e-2}", "\"fInt64\":\"123\","},
		{"{\"fDouble\":-0}", "\"fDouble\":-0.0,"},
		{"{\"fDouble\":-0.0}", "\"fDouble\":-0.0,"},
		{"{\"fFloat\":-0}", "\"fFloat\":-0.0,"},
		{"{\"fDouble\":1e-400}", "\"fDouble\":0,"},
		{"{\"fDouble\":100000000000000000000}", "\"fDouble\":1e+20,"},
		{"{\"fDouble\":\"1E+2\"}", "\"fDouble\":100,"},
		{"{\"fInt32\":-2147483648}", "\"fInt32\":-2147483648,"},
		{"{\"fInt32\":\"12\"}", "\"fInt32\":12,"},
		{"{\"fFixed64\":\"18446744073709551615\"}",
		 "\"fFixed64\":\"18446744073709551615\","},
		{"{\"fFixed32\":4294967295}", "\"fFixed32\":4294967295,"},
		{"{\"fBool\":true}", "\"fBool\":true,"},
		{"{\"fString\":\"a\\\"\\\\\\n\\u00e9\\ud83d\\ude00\"}",
		 "\"fString\":\"a\\\"\\\\\\n\xc3\xa9\xf0\x9f\x98\x80\","},
		{"{\"fString\":\"\\u001b[2J\\u009b\\u2028\"}",
		 "\"fString\":\"\\u001b[2J\\u009b\\u2028\","},
		{"{\"fBytes\":\"+/8=\"}", "\"fBytes\":\"+/8=\","},
		{"{\"fBytes\":\"-_8\"}", "\"fBytes\":\"+/8=\","},
		{"{\"fUint32\":4294967295}", "\"fUint32\":4294967295,"},
		{"{\"fEnum\":\"BLUE\"}", "\"fEnum\":\"BLUE\","},
		{"{\"fEnum\":-2}", "\"fEnum\":\"BLUE\","},
		{"{\"fEnum\":77}", "\"fEnum\":77,"},
		{"{\"fSfixed32\":-2147483648}", "\"fSfixed32\":-2147483648,"},
		{"{\"fSfixed64\":\"-9223372036854775808\"}",
		 "\"fSfixed64\":\"-9223372036854775808\","},
		{"{\"fSint32\":-2147483648}", "\"fSint32\":-2147483648,"},
		{"{\"fSint32\":2147483647}", "\"fSint32\":2147483647,"},
		{"{\"fSint64\":-9223372036854775808}", "\"fSint64\":\"-9223372036854775808\","},
		{"{\"fSint64\":\"9223372036854775807\"}", "\"fSint64\":\"9223372036854775807\","},
		{"{\"fString\":null,\"words\":null}", "\"fString\":\"\","},
	};

	(void)state;
	try_all(examples, EXAMPLE_COUNT(examples));
}

/* So do nested, repeated and mapped ones, oneofs and optional fields, with a default that was set
 * on purpose told from none. */
static void test_structures(void **state)
{
	static const struct example examples[] = {
		{"{\"numbers\":[0,-1,300]}", "\"numbers\":[0,-1,300],"},
		{"{\"words\":[\"\",\"a\"]}", "\"words\":[\"\",\"a\"],"},
		{"{\"colors\":[\"RED\",0]}", "\"colors\":[\"RED\",\"NONE\"],"},
		{"{\"child\":{\"child\":{\"fInt32\":3}}}", "\"fInt32\":3,"},
		{"{\"children\":[{},{\"fBool\":true}]}", "\"fBool\":true,"},
		{"{\"counts\":{\"\":0,\"a\":\"5\"}}", "\"counts\":{\"\":\"0\",\"a\":\"5\"},"},
		{"{\"by_id\":{\"-7\":{\"fInt32\":4}}}", "\"byId\":{\"-7\":{\"fDouble\":0,"},
		{"{\"flags\":{\"true\":\"RED\",\"false\":\"NONE\"}}",
		 "\"flags\":{\"true\":\"RED\",\"false\":\"NONE\"}"},
		{"{\"text\":\"\"}", "\"text\":\"\","},
		{"{\"amount\":0,\"text\":null}", "\"amount\":\"0\","},
		{"{\"other\":{}}", "\"other\":{\"fDouble\":0,"},
		{"{\"maybe\":0}", "\"maybe\":0,"},
	};

	(void)state;
	try_all(examples, EXAMPLE_COUNT(examples));
}

/* Every mistake is refused with its path, and with what was expected there. */
static void test_refusals(void **state)
{
	static const struct example examples[] = {
		{"", ": line 1, column 1: expected a value, got the end of the text"},
		{"{\"a\":1",
		 ": line 1, column 7: expected a comma or the end of the object, got the"},
		{"[]", ": expected an object, got a list"},
		{"5", ": expected an object, got a number"},
		{"null", ": expected an object, got null"},
		{"{} {}", ": line 1, column 4: expected the end of the text, got {"},
		{"{\"nope\":1}", "nope: there is no such field in t.All"},
		{"{\"child\":{\"nope\":1}}", "child.nope: there is no such field in t.All"},
		{"{\"fBool\":true,\"fBool\":true}",
		 "fBool: line 1, column 15: the field is there twice"},
		{"{\"children\":[{},{\"words\":[\"]\",\"a\\\"\"],\"child\":{\"a\":1,\"a\":1}}]}",
		 "children[1].child.a: line 1"},
		{"{\"f_bool\":true,\"fBool\":true}",
		 "f_bool: the field is there twice, also as fBool"},
		{"{\"text\":\"a\",\"amount\":1}", "amount: text is there already"},
		{"{\"fInt32\":\"x\"}",
		 "fInt32: expected an integer of -2147483648 to 2147483647, got \"x\""},
		{"{\"fInt32\":2147483648}", "2147483647, got 2147483648"},
		{"{\"fInt32\":-2147483649}", "2147483647, got -2147483649"},
		{"{\"fInt32\":1.5}", "2147483647, got 1.5"},
		{"{\"fInt32\":true}", "fInt32: expected an integer, got true"},
		{"{\"fInt32\":{}}", "fInt32: expected an integer, got an object"},
		{"{\"fInt32\":\"\"}", "got \"\""},
		{"{\"fInt32\":\"-\"}", "got \"-\""},
		{"{\"fInt32\":\" 1\"}", "got \" 1\""},
		{"{\"fUint32\":-1}", "fUint32: expected an integer of 0 to 4294967295, got -1"},
		{"{\"fUint64\":\"18446744073709551616\"}", "of 0 to 18446744073709551615, got"},
		{"{\"fUint64\":18446744073709551616}", "of 0 to 18446744073709551615, got"},
		{"{\"fUint64\":1e20}", "of 0 to 18446744073709551615, got 1e20"},
		{"{\"fUint64\":-1}", "of 0 to 18446744073709551615, got -1"},
		{"{\"fInt64\":9223372036854775808}", "9223372036854775807, got"},
		{"{\"fInt64\":-9223372036854775809}", "9223372036854775807, got"},
		{"{\"fInt64\":0.5}", "9223372036854775807, got 0.5"},
		{"{\"fInt64\":15e-1}", "9223372036854775807, got 15e-1"},
		{"{\"fInt64\":1e999999999999999999999}", "9223372036854775807, got 1e9999"},
		{"{\"fInt64\":1e-999999999999999999999}", "9223372036854775807, got 1e-9999"},
		{"{\"fInt64\":\"0x10\"}", "9223372036854775807, got \"0x10\""},
		{"{\"fInt64\":\"+1\"}", "9223372036854775807, got \"+1\""},
		{"{\"fInt64\":\"01\"}", "9223372036854775807, got \"01\""},
		{"{\"fInt64\":\"1 \"}", "9223372036854775807, got \"1 \""},
		{"{\"fInt64\":\"1.5\"}", "9223372036854775807, got \"1.5\""},
		{"{\"fInt64\":\"NaN\"}", "9223372036854775807, got \"NaN\""},
		{"{\"fInt64\":\"9223372036854775808\"}",
		 "9223372036854775807, got \"9223372036854775808\""},
		{"{\"fInt64\":1e30}", "9223372036854775807, got 1e30"},
		{"{\"fDouble\":1e400}", "fDouble: expected a number of 64 bits, got 1e400"},
		{"{\"fDouble\":\"-1e400\"}", "fDouble: expected a number of 64 bits, got -1e400"},
		{"{\"fDouble\":\"nan\"}", "fDouble: expected a number, got a string"},
		{"{\"fDouble\":\"inf\"}", "fDouble: expected a number, got a string"},
		{"{\"fDouble\":\"0x1p3\"}", "fDouble: expected a number, got a string"},
		{"{\"fDouble\":\"1.\"}", "fDouble: expected a number, got a string"},
		{"{\"fDouble\":NaN}", "fDouble: line 1, column 12: expected a value, got N"},
		{"{\"fDouble\":1.}", "fDouble: line 1, column 12: expected a number, got none"},
		{"{\"fDouble\":-}", "fDouble: line 1, column 12: expected a number, got none"},
		{"{\"fDouble\":1e}", "fDouble: line 1, column 12: expected a number, got none"},
		{"{\"fDouble\":01}", "column 13: expected a comma or the end of the object, got 1"},
		{"{\"fDouble\":.5}", "fDouble: line 1, column 12: expected a value, got ."},
		{"{\"fDouble\":\"1.5x\"}", "fDouble: expected a number, got a string"},
		{"{\"fDouble\":\"\"}", "fDouble: expected a number, got a string"},
		{"{\"fDouble\":\"[1]\"}", "fDouble: expected a number, got a string"},
		{"{\"fFloat\":1e39}", "fFloat: expected a number of 32 bits, got 1e39"},
		{"{\"fBool\":1}", "fBool: expected true or false, got a number"},
		{"{\"fBool\":\"true\"}", "fBool: expected true or false, got a string"},
		{"{\"fString\":1}", "fString: expected a string, got a number"},
		{"{\"fString\":\"a\\u0000\"}",
		 "fString: line 1, column 14: a string cannot hold U+0000"},
		{"{\"fString\":\"\xff\"}", ": line 1, column 13: expected UTF-8 without U+0000"},
		{"{\"fString\":\"\xc3\xa9\xed\xa0\x80\"}", ": line 1, column 14: expected UTF-8"},
		{"{\n \"fString\":\"\xc3\xa9\\x\"}", "fString: line 2, column 14: expected \\\""},
		{"{\"fString\":\"\n\"}", "fString: line 1, column 13: a control character"},
		{"{\"fString\":\"\\ud800\"}", "fString: line 1, column 13: half of a surrogate"},
		{"{\"fString\":\"\\udc00\"}", "fString: line 1, column 13: half of a surrogate"},
		{"{\"fString\":\"\\ud800\\u0041\"}", "half of a surrogate pair"},
		{"{\"fString\":\"\\ud800\\ud800\"}", "half of a surrogate pair"},
		{"{\"fString\":\"\\u12g4\"}", "expected four hexadecimal digits behind \\u"},
		{"{\"fString\":\"\\u12\"}", "expected four hexadecimal digits behind \\u"},
		{"{\"fString\":\"a", "fString: line 1, column 14: expected the end of a string"},
		{"{\"fString\":\"a\\\"}",
		 "fString: line 1, column 17: expected the end of a string"},
		{"{\"fString\":'a'}", "fString: line 1, column 12: expected a value, got '"},
		{"{\"fString\":\"a\",}",
		 ": line 1, column 16: expected the name of a field in quotes"},
		{"{fString:\"a\"}", ": line 1, column 2: expected the name of a field in quotes"},
		{"{\"fString\" \"a\"}", "fString: line 1, column 12: expected a colon, got \""},
		{"{\"numbers\":[1,]}", "numbers[1]: line 1, column 15: expected a value, got ]"},
		{"{\"numbers\":[1 2]}",
		 "numbers: line 1, column 15: expected a comma or the end of"},
		{"{\"numbers\":[1,/*2*/2]}", "numbers[1]: line 1, column 15: expected a value"},
		{"{\"fBool\":truE}", "fBool: line 1, column 10: expected a value, got t"},
		{"{\"fBool\":\xc2\xa0true}", "column 10: expected a value, got another character"},
		{"{\"fBytes\":\"a\"}", "fBytes: expected bytes in base64"},
		{"{\"fBytes\":\"a-+b\"}", "fBytes: expected bytes in base64"},
		{"{\"fBytes\":\"YQ=\"}", "fBytes: expected bytes in base64"},
		/* Each of its two bytes would count as a slash. */
		{"{\"fBytes\":\"\xc3\xa9==\"}", "fBytes: expected bytes in base64"},
		{"{\"fBytes\":\"\xc3\xa9\xc3\xa9\"}", "fBytes: expected bytes in base64"},
		{"{\"fEnum\":\"GREEN\"}", "fEnum: expected a name of t.Color, got \"GREEN\""},
		{"{\"fEnum\":1.5}",
		 "fEnum: expected an integer of -2147483648 to 2147483647, got 1.5"},
		{"{\"fEnum\":2147483648}", "fEnum: expected an integer of"},
		{"{\"fEnum\":\"-2\"}", "fEnum: expected a name of t.Color, got \"-2\""},
		{"{\"fEnum\":true}", "fEnum: expected a name of t.Color, got true"},
		{"{\"child\":[]}", "child: expected an object, got a list"},
		{"{\"numbers\":5}", "numbers: expected a list, got a number"},
		{"{\"numbers\":[1,2,\"x\"]}", "numbers[2]: expected an integer"},
		{"{\"numbers\":[null]}", "numbers[0]: expected an integer, got null"},
		{"{\"words\":[\"a\",1]}", "words[1]: expected a string, got a number"},
		{"{\"children\":[{},{\"fBool\":0}]}", "children[1].fBool: expected true or false"},
		{"{\"counts\":[]}", "counts: expected an object, got a list"},
		{"{\"counts\":{\"a\":{}}}", "counts[\"a\"]: expected an integer, got an object"},
		{"{\"counts\":{\"a\":null}}", "counts[\"a\"]: expected an integer, got null"},
		{"{\"byId\":{\"x\":{}}}", "byId[\"x\"]: expected an integer"},
		{"{\"byId\":{\"1.0\":{}}}", "byId[\"1.0\"]: expected an integer"},
		{"{\"byId\":{\"-0\":{}}}", "byId[\"-0\"]: expected an integer"},
		{"{\"byId\":{\"01\":{}}}", "byId[\"01\"]: expected an integer"},
		{"{\"byId\":{\"2147483648\":{}}}", "byId[\"2147483648\"]: expected an integer"},
		{"{\"byId\":{\"1\":{},\"1\":{}}}",
		 "byId.1: line 1, column 17: the field is there twice"},
		{"{\"byId\":{\"1\":null}}", "byId[\"1\"]: expected an object, got null"},
		{"{\"byId\":{\"1\":{\"nope\":1}}}", "byId[\"1\"].nope: there is no such field"},
		{"{\"flags\":{\"1\":0}}", "flags[\"1\"]: expected the key true or false"},
		{"{\"a\\u001bb\":1}", "a?b: there is no such field"},
	};

	(void)state;
	try_all(examples, EXAMPLE_COUNT(examples));
}

struct bytes_example {
	const char *bytes;
	size_t n;
	const char *part;
};

#define BYTES(text) text, sizeof(text) - 1

/* Bytes are read as protobuf says: the last of several, packed and not, unknown ones skipped;
 * malformed ones are refused with their path. */
static void test_bytes(void **state)
{
	static const struct bytes_example examples[] = {
		{BYTES("\x28\x01\x28\x02"), "\"fInt32\":2,"},
		{BYTES("\x92\x01\x02\x01\x02\x90\x01\x03"), "\"numbers\":[1,2,3],"},
		{BYTES("\x28\x81\x80\x80\x80\x10"), "\"fInt32\":1,"},
		{BYTES("\xf8\x3f\x01\x28\x05"), "\"fInt32\":5,"},
		{BYTES("\xba\x01\x01"
		       "a\xc0\x01\x01"),
		 "\"amount\":\"1\","},
		/* A map's entry without its value, and one without its key. */
		{BYTES("\xb2\x01\x02\x08\x02"), "\"byId\":{\"1\":{\"fDouble\":0,"},
		{BYTES("\xaa\x01\x02\x10\x05"), "\"counts\":{\"\":\"5\"},"},
		{BYTES("\x28"), "fInt32: expected the rest of a varint"},
		{BYTES("\x2a\x01"
		       "a"),
		 "fInt32: expected a varint, got bytes with a length"},
		{BYTES("\x4a\x01\xff"), "fString: expected UTF-8"},
		/* A message in several parts is all of them; one of a oneof ends what was before.
		 */
		{BYTES("\x8a\x01\x04\x28\x01\x40\x01\x8a\x01\x00\x8a\x01\x02\x28\x03"),
		 "\"child\":{\"fDouble\":0,\"fFloat\":0,\"fInt64\":\"0\",\"fUint64\":\"0\","
		 "\"fInt32\":3,\"fFixed64\":\"0\",\"fFixed32\":0,\"fBool\":true"},
		{BYTES("\xca\x01\x02\x40\x01\xc0\x01\x01\xca\x01\x02\x28\x07"),
		 "\"other\":{\"fDouble\":0,\"fFloat\":0,\"fInt64\":\"0\",\"fUint64\":\"0\","
		 "\"fInt32\":7,\"fFixed64\":\"0\",\"fFixed32\":0,\"fBool\":false"},
		{BYTES("\x8a\x01\x00\x88\x01\x00"), "child: expected bytes with a length, got"},
		{BYTES("\x8a\x01\x00\x8a\x01\x02\x28"), "child: expected as many bytes"},
		{BYTES("\x8a\x01\x00\x8a\x01\x01\x28"), "child.fInt32: expected the rest"},
		{BYTES("\xa2\x01\x00\xa2\x01\x03\x4a\x01\xff"),
		 "children[1].fString: expected UTF-8"},
		{BYTES("\x92\x01\x02\x01\x80"), "numbers: expected the rest of a varint"},
		{BYTES("\xa8\x01\x01"), "counts[0]: expected bytes with a length, got a varint"},
		{BYTES("\x0b"), "expected a wire type"},
	};

	(void)state;
	for (size_t i = 0; i < EXAMPLE_COUNT(examples); i++) {
		_cleanup_(freep) char *json = NULL;
		struct json_error error = {0};
		char refusal[600];
		const char *text = refusal;
		int r = json_from_message(schema, "t.All", (const uint8_t *)examples[i].bytes,
					  examples[i].n, &json, &error);

		(void)snprintf(refusal, sizeof refusal, "%s: %s", error.path, error.text);
		if (r >= 0)
			text = json;
		if (!strstr(text, examples[i].part))
			fail_msg("%zu: \"%s\" is not in \"%s\"", i, examples[i].part, text);
	}
}

/* The bytes come in the order of the numbers, defaults left out, lists packed. */
static void test_wire_form(void **state)
{
	static const char json[] = "{\"numbers\":[1,2],\"fInt32\":-1,\"fBool\":false,\"maybe\":0,"
				   "\"child\":{}}";
	static const char expected[] = "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x8a\x01\x00"
				       "\x92\x01\x02\x01\x02\xd0\x01\x00";
	_cleanup_(freep) uint8_t *bytes = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(to_message(json, &bytes, &n, NULL), 0);
	assert_int_equal(n, sizeof expected - 1);
	assert_memory_equal(bytes, expected, n);
}

/* Messages nest 64 deep in both directions and no deeper, whatever the text or the bytes ask for.
 */
static void test_depth(void **state)
{
	static const char head[] = "{\"child\":";
	const size_t n_head = sizeof head - 1;

	(void)state;
	for (size_t depth = WAT_DEPTH_MAX; depth <= WAT_DEPTH_MAX + 1; depth++) {
		char json[(WAT_DEPTH_MAX + 1) * sizeof head + 2] = "";
		_cleanup_(freep) char *text = NULL;

		for (size_t i = 1; i < depth; i++)
			memcpy(json + (i - 1) * n_head, head, n_head);
		memcpy(json + (depth - 1) * n_head, "{}", 2);
		memset(json + (depth - 1) * n_head + 2, '}', depth - 1);
		text = there_and_back(json);
		if (depth <= WAT_DEPTH_MAX)
			assert_null(strstr(text, "deep"));
		else
			assert_non_null(strstr(text, "expected messages at most 64 deep"));
	}
}

/* Nor does the text itself nest without bound, whatever its type. */
static void test_text_depth(void **state)
{
	const size_t n = 1000000;
	_cleanup_(freep) char *json = malloc(n);
	struct json_error error = {0};
	uint8_t *bytes = NULL;
	size_t n_bytes;

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(json, '[', n);
		for (size_t at = 0; i == 1 && at + 5 <= n; at += 5)
			memcpy(json + at, "{\"a\":", 5);
		assert_int_equal(
			json_to_message(schema, "t.All", json, n, &bytes, &n_bytes, &error),
			-EBADMSG);
		assert_non_null(strstr(error.text, "lists and objects at most 192 deep"));
	}
}

/* A type that is not there, or that JSON writes in a way of its own, is named. */
static void test_types(void **state)
{
	struct json_error error = {0};
	uint8_t *bytes;
	char *json;
	size_t n;

	(void)state;
	assert_int_equal(json_to_message(schema, "t.Nope", "{}", 2, &bytes, &n, &error), -EBADMSG);
	assert_string_equal(error.text, "the message t.Nope is not in the schema");
	assert_int_equal(json_from_message(schema, "t.Svc", NULL, 0, &json, &error), -EBADMSG);
	assert_int_equal(json_from_message(schema, "t.Svc", NULL, 0, &json, NULL), -EBADMSG);
}

/* Two bytes that stand for many values can't make a text that fills the memory. */
static void test_values_are_bounded(void **state)
{
	const size_t n = 900000;
	_cleanup_(freep) uint8_t *bytes = malloc(n);
	struct json_error error = {0};
	char *json = NULL;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < n; i += 3)
		memcpy(bytes + i, "\xa2\x01\x00", 3);
	assert_int_equal(json_from_message(schema, "t.All", bytes, n, &json, &error), -EBADMSG);
	assert_non_null(strstr(error.text, "values, got more"));
	assert_null(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),   cmocka_unit_test(test_values),
		cmocka_unit_test(test_structures), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bytes),      cmocka_unit_test(test_wire_form),
		cmocka_unit_test(test_depth),      cmocka_unit_test(test_text_depth),
		cmocka_unit_test(test_types),      cmocka_unit_test(test_values_are_bounded),
	};

	return test_run_cases(tests, set_up, tear_down);
}
