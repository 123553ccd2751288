/* test_frame.c - the header in front of every body. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/frame.h"
#include "tests/lib/cases.h"

/* What is encoded is decoded, and stands where PROTOCOL.md says. */
static void test_layout(void **state)
{
	static const uint8_t expected[FRAME_HEADER_SIZE] = {
		4,  3,  2,  1,  FRAME_CALL, FRAME_FLAG_FD,
		6,  5,  14, 13, 12,         11,
		10, 9,  8,  7,  18,         17,
		16, 15, 22, 21, 20,         19,
		26, 25, 24, 23, 0,          0,
		0,  0,
	};
	struct frame frame =
			     {
				     .body_len = 0x01020304,
				     .type = FRAME_CALL,
				     .flags = FRAME_FLAG_FD,
				     .method = 0x0506,
				     .id = 0x0708090a0b0c0d0e,
				     .handle = 0x0f101112,
				     .budget = 0x13141516,
				     .window = 0x1718191a,
			     },
		     again;
	uint8_t bytes[FRAME_HEADER_SIZE];

	(void)state;
	frame_encode(&frame, bytes);
	assert_memory_equal(bytes, expected, sizeof expected);
	assert_int_equal(frame_decode(bytes, UINT32_MAX, &again), FRAME_OK);
	assert_int_equal(again.id, frame.id);
	assert_int_equal(again.method, frame.method);
	assert_int_equal(again.handle, frame.handle);
	assert_int_equal(again.budget, frame.budget);
	assert_int_equal(again.window, frame.window);
}

/* Reserved bytes, unknown flags and types, and lengths over the limit are refused; a skippable
 * unknown type is not. */
static void test_refusals(void **state)
{
	struct frame frame = {.type = FRAME_PING}, ret;
	uint8_t bytes[FRAME_HEADER_SIZE];

	(void)state;
	for (int i = 28; i < 32; i++) {
		frame_encode(&frame, bytes);
		bytes[i] = 1;
		assert_int_equal(frame_decode(bytes, 0, &ret), FRAME_E_RESERVED);
	}
	frame_encode(&frame, bytes);
	bytes[5] = 4;
	assert_int_equal(frame_decode(bytes, 0, &ret), FRAME_E_RESERVED);
	frame.body_len = 101;
	frame_encode(&frame, bytes);
	assert_int_equal(frame_decode(bytes, 100, &ret), FRAME_E_TOO_LARGE);
	assert_int_equal(frame_decode(bytes, 101, &ret), FRAME_OK);
	frame = (struct frame){.type = 200};
	frame_encode(&frame, bytes);
	assert_int_equal(frame_decode(bytes, 0, &ret), FRAME_E_TYPE);
	frame.flags = FRAME_FLAG_SKIPPABLE;
	frame_encode(&frame, bytes);
	assert_int_equal(frame_decode(bytes, 0, &ret), FRAME_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_layout),
					   cmocka_unit_test(test_refusals)};

	return test_run_cases(tests, NULL, NULL);
}
