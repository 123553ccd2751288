/* test_check.c - the checked decode: what protobuf-c may see, and how a refusal reads. Messages of
 * google's descriptor.proto serve as examples, since they have every label and nest in themselves.
 */
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <google/protobuf/descriptor.pb-c.h>

#include "proto/arena.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"

#define MESSAGE(name) (&google__protobuf__##name##__descriptor)
#define BYTES(text) text, sizeof(text) - 1

struct example {
	const ProtobufCMessageDescriptor *descriptor;
	const char *bytes;
	size_t n;
	const char *refusal; /* NULL: it is fine */
};

static const struct example examples[] = {
	{MESSAGE(file_descriptor_proto), BYTES(""), NULL},
	{MESSAGE(file_descriptor_proto),
	 BYTES("\x0a\x03"
	       "a.b"),
	 NULL},
	/* An unknown field of each wire type. */
	{MESSAGE(field_options),
	 BYTES("\xf8\x3f\x01\xfa\x3f\x01x\xfd\x3f"
	       "1234\xf9\x3f"
	       "12345678"),
	 NULL},
	/* A scalar that comes twice: the last one counts. */
	{MESSAGE(file_descriptor_proto),
	 BYTES("\x0a\x01"
	       "a\x0a\x01"
	       "b"),
	 NULL},
	/* int32 in packed and unpacked form, whatever was declared. */
	{MESSAGE(source_code_info__location), BYTES("\x08\x01\x0a\x02\x02\x03"), NULL},
	{MESSAGE(file_descriptor_proto), BYTES("\x52\x02\x02\x03"), NULL},
	{MESSAGE(field_descriptor_proto), BYTES("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	 NULL},
	{MESSAGE(uninterpreted_option),
	 BYTES("\x31"
	       "12345678"),
	 NULL},
	{MESSAGE(uninterpreted_option),
	 BYTES("\x12\x05\x0a\x01"
	       "a\x10\x01"),
	 NULL},

	{MESSAGE(file_descriptor_proto), BYTES("\x0a"), "name: expected the rest of a varint"},
	{MESSAGE(file_descriptor_proto), BYTES("\x00\x01"), "expected a field number of 1"},
	{MESSAGE(file_descriptor_proto), BYTES("\xff\xff\xff\xff\x7f\x01"),
	 "expected a field number"},
	{MESSAGE(file_descriptor_proto), BYTES("\x80\x80\x80\x80\x80\x01\x01"),
	 "expected at most 5 bytes"},
	{MESSAGE(file_descriptor_proto), BYTES("\x0b\x0c"), "expected a wire type of 0, 1, 2 or 5"},
	{MESSAGE(file_descriptor_proto), BYTES("\x0e"), "expected a wire type of 0, 1, 2 or 5"},
	{MESSAGE(file_descriptor_proto),
	 BYTES("\x0a\x05"
	       "a.b"),
	 "name: expected as many bytes as announced"},
	{MESSAGE(file_descriptor_proto),
	 BYTES("\x0a\xff\xff\xff\xff\x0f"
	       "a"),
	 "as many bytes"},
	{MESSAGE(file_descriptor_proto), BYTES("\x08\x01"),
	 "name: expected bytes with a length, got a varint"},
	{MESSAGE(file_descriptor_proto), BYTES("\x0a\x02\xc3\x28"), "name: expected UTF-8"},
	{MESSAGE(file_descriptor_proto),
	 BYTES("\x0a\x03"
	       "a\0b"),
	 "name: expected UTF-8 without U+0000"},
	{MESSAGE(file_descriptor_proto),
	 BYTES("\x1a\x01"
	       "a\x1a\x01\xff"),
	 "dependency[1]: expected UTF-8"},
	{MESSAGE(file_descriptor_proto), BYTES("\x22\x00\x22\x07\x12\x00\x12\x03\x0a\x01\xff"),
	 "message_type[1].field[1].name: expected UTF-8"},
	{MESSAGE(source_code_info__location), BYTES("\x08\x01\x0a\x03\x02\x03\x80"),
	 "path[3]: expected the rest of a varint, got the end of the message"},
	{MESSAGE(field_descriptor_proto), BYTES("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
	 "at most 64 bits"},
	{MESSAGE(uninterpreted_option),
	 BYTES("\x31"
	       "1234567"),
	 "expected 8 bytes"},
	{MESSAGE(uninterpreted_option),
	 BYTES("\x35"
	       "1234"),
	 "double_value: expected 8 bytes, got 4 bytes"},
	{MESSAGE(uninterpreted_option),
	 BYTES("\x12\x03\x0a\x01"
	       "a"),
	 "name[0].is_extension: expected a value"},
	/* protobuf-c would merge them. */
	{MESSAGE(file_descriptor_proto), BYTES("\x42\x00\x42\x00"),
	 "options: expected one such field"},
};

/* Every malformed message is refused, with the place and what was expected there; the others
 * decode. */
static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		const struct example *example = &examples[i];
		struct check_error error = {0};
		ProtobufCMessage *message = NULL;
		char text[512];
		int r;

		r = check_unpack(example->descriptor, NULL, (const uint8_t *)example->bytes,
				 example->n, &message, &error);
		check_error_format(&error, text, sizeof text);
		if (!example->refusal) {
			assert_int_equal(r, 0);
			protobuf_c_message_free_unpacked(message, NULL);
			continue;
		}
		assert_int_equal(r, -EBADMSG);
		assert_null(message);
		if (!strstr(text, example->refusal))
			fail_msg("example %zu: \"%s\" is not in \"%s\"", i, example->refusal, text);
	}
}

/* The innermost first: n messages, each in the field nested_type (3) of the one around it. */
static uint8_t *nest(size_t n, size_t *ret_n)
{
	size_t size = n * 6, length = 0;
	uint8_t *bytes = malloc(size), *at = bytes + size;

	assert_non_null(bytes);
	for (size_t i = 1; i < n; i++) {
		uint8_t head[6] = {0x1a};
		size_t n_head = 1, rest = length;

		for (; rest > 0x7f; rest >>= 7)
			head[n_head++] = (uint8_t)(rest | 0x80);
		head[n_head++] = (uint8_t)rest;
		at -= n_head;
		memcpy(at, head, n_head);
		length += n_head;
	}
	memmove(bytes, at, length);
	*ret_n = length;
	return bytes;
}

/* 64 levels pass, 65 are refused, and neither do 12,000, which overflow the stack of a decoder that
 * recurses. */
static void test_depth(void **state)
{
	static const size_t depths[] = {1, WAT_DEPTH_MAX, WAT_DEPTH_MAX + 1, 12000};

	(void)state;
	for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
		size_t n;
		_cleanup_(freep) uint8_t *bytes = nest(depths[i], &n);
		struct check_error error = {0};
		int r = check_message(MESSAGE(descriptor_proto), bytes, n, &error);

		assert_int_equal(r, depths[i] <= WAT_DEPTH_MAX ? 0 : -EBADMSG);
		if (r < 0)
			assert_non_null(strstr(error.path, "nested_type[0].nested_type[0]"));
	}
}

/* A message that would unpack to more memory than its allocator gives is -ENOMEM, not a crash. */
static void test_allocator_cap(void **state)
{
	_cleanup_(freep) uint8_t *bytes = malloc(40000);
	ProtobufCMessage *message = NULL;
	struct arena arena;
	int r;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < 40000; i += 2)
		memcpy(bytes + i, "\x22\x00", 2);
	arena_init(&arena, 100000);
	r = check_unpack(MESSAGE(file_descriptor_proto), &arena.allocator, bytes, 40000, &message,
			 NULL);
	assert_int_equal(r, -ENOMEM);
	assert_null(message);
	arena_deinit(&arena);
}

/* A refusal needs nobody who reads it, and one whose path is long stays inside its buffers. */
static void test_error_is_bounded(void **state)
{
	size_t n;
	_cleanup_(freep) uint8_t *bytes = nest(WAT_DEPTH_MAX + 1, &n);
	struct check_error error;
	char text[16];

	(void)state;
	assert_int_equal(check_message(MESSAGE(descriptor_proto), bytes, n, NULL), -EBADMSG);
	assert_int_equal(check_message(MESSAGE(descriptor_proto), bytes, n, &error), -EBADMSG);
	assert_int_equal(strlen(error.path), sizeof error.path - 1);
	check_error_format(&error, text, sizeof text);
	assert_int_equal(strlen(text), sizeof text - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_allocator_cap),
		cmocka_unit_test(test_error_is_bounded),
	};

	return test_run_cases(tests, NULL, NULL);
}
