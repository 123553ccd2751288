/* test_tally.c - what wat/test.h promises to authors of deterministic services: after a death the
 * calls are run again with the clock and the randomness that the test had set for them, whatever it
 * has set since, and the state is the same to the byte. row 11 */
/* clang-format off: cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format on */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tally.test.h"

/* The state, packed. */
struct copy {
	size_t n;
	uint8_t bytes[1024];
};

static struct copy copy_of(wat_test *test)
{
	ProtobufCMessage *message = NULL;
	struct copy copy;

	assert_int_equal(wat_test_state(test, &message), WAT_OK);
	copy.n = protobuf_c_message_get_packed_size(message);
	assert_true(copy.n <= sizeof copy.bytes);
	(void)protobuf_c_message_pack(message, copy.bytes);
	protobuf_c_message_free_unpacked(message, NULL);
	return copy;
}

static void expect_same(const struct copy *one, const struct copy *other)
{
	assert_int_equal(one->n, other->n);
	assert_memory_equal(one->bytes, other->bytes, one->n);
}

static void add(tally_harness *test, int64_t n)
{
	tally_amount in = TALLY_AMOUNT_INIT;

	in.n = n;
	assert_int_equal(tally_harness_on_add(test, &in, NULL), WAT_OK);
	wat_test_advance(tally_harness_base(test), 1000000007);
}

static void test_crash(void **state)
{
	tally_harness *test = NULL;
	struct copy before, after;
	wat_test *base;

	(void)state;
	assert_int_equal(tally_harness_new(&test), 0);
	base = tally_harness_base(test);
	assert_int_equal(tally_harness_start(test, NULL), WAT_OK);
	wat_test_seed(base, 7);
	for (int round = 0; round < 3; round++) {
		add(test, 1);
		assert_int_equal(tally_harness_on_add_then_fail(test, NULL, NULL), WAT_ABORTED);
		add(test, 2);
		before = copy_of(base);
		wat_test_set_time(base, 5);
		wat_test_seed(base, 1000);
		assert_int_equal(wat_test_crash(base), WAT_OK);
		after = copy_of(base);
		expect_same(&before, &after);
	}
	assert_int_equal(wat_test_resume(base), WAT_OK);
	after = copy_of(base);
	expect_same(&before, &after);
	add(test, 5);
	before = copy_of(base);
	assert_int_equal(wat_test_crash(base), WAT_OK);
	after = copy_of(base);
	expect_same(&before, &after);
	assert_int_equal(tally_harness_stop(test, NULL), WAT_OK);
	assert_int_equal(wat_test_crash(base), WAT_STOPPED);
	assert_int_equal(tally_harness_start(test, NULL), WAT_OK);
	add(test, 5);
	assert_int_equal(wat_test_crash(base), WAT_OK);
	tally_harness_free(test);
}

/* A live form is built again by load, and then the calls are run on it. */
static void test_heap(void **state)
{
	tally_heap_harness *test = NULL;
	tally_amount in = TALLY_AMOUNT_INIT;
	tally_heap_state *heap = NULL;

	(void)state;
	assert_int_equal(tally_heap_harness_new(&test), 0);
	assert_int_equal(tally_heap_harness_start(test, NULL), WAT_OK);
	for (in.n = 1; in.n <= 10; in.n++)
		assert_int_equal(tally_heap_harness_on_push(test, &in, NULL), WAT_OK);
	assert_int_equal(wat_test_crash(tally_heap_harness_base(test)), WAT_OK);
	assert_int_equal(tally_heap_harness_state(test, &heap), WAT_OK);
	assert_int_equal(heap->n_values, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(heap->values[i], i + 1);
	tally_heap_state_free(heap);
	tally_heap_harness_free(test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
