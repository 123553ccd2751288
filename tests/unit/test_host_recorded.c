/* test_host_recorded.c - the body of a recorded call: what goes in comes out, and whatever is not
 * in form is refused. row 57 */
#include "daemon/host/recorded.h"

#include <errno.h>
#include <string.h>

#include "proto/support/bytes.h"
#include "tests/lib/cases.h"

static const uint8_t request[] = {1, 2, 3}, random_bytes[] = {9, 8, 7, 6, 5};

static void give(struct bytes *given, enum recorded_kind kind, const void *bytes, size_t n)
{
	const struct recorded_given entry = {kind, bytes, n};

	assert_int_equal(recorded_give(given, &entry), 0);
}

/* A request, and an entry of each kind. */
static size_t make(uint8_t *room)
{
	uint8_t time[8], context[RECORDED_CONTEXT_SIZE + 3] = {1};
	struct bytes given = {0};
	size_t n;

	bytes_put64(time, 1234567890123456789u);
	memcpy(context + RECORDED_CONTEXT_SIZE, "ann", 3);
	give(&given, RECORDED_TIME, time, sizeof time);
	give(&given, RECORDED_RANDOM, random_bytes, sizeof random_bytes);
	give(&given, RECORDED_RANDOM, NULL, 0);
	give(&given, RECORDED_CONTEXT, context, sizeof context);
	n = recorded_size(sizeof request, &given);
	recorded_put(room, request, sizeof request, &given);
	bytes_deinit(&given);
	return n;
}

/* Entries come in the order in which they were given, and then no more. */
static void test_in_and_out(void **state)
{
	struct recorded_given given;
	struct recorded_call call;
	uint8_t body[256];
	size_t n = make(body);

	(void)state;
	assert_int_equal(recorded_open(body, n, &call), 0);
	assert_int_equal(call.n_request, sizeof request);
	assert_memory_equal(call.request, request, sizeof request);
	assert_int_equal(recorded_take(&call, &given), 1);
	assert_int_equal(given.kind, RECORDED_TIME);
	assert_int_equal(bytes_get64(given.bytes), 1234567890123456789u);
	assert_int_equal(recorded_take(&call, &given), 1);
	assert_int_equal(given.kind, RECORDED_RANDOM);
	assert_int_equal(given.n, sizeof random_bytes);
	assert_memory_equal(given.bytes, random_bytes, sizeof random_bytes);
	assert_int_equal(recorded_take(&call, &given), 1);
	assert_int_equal(given.n, 0);
	assert_int_equal(recorded_take(&call, &given), 1);
	assert_int_equal(given.kind, RECORDED_CONTEXT);
	assert_memory_equal(given.bytes + RECORDED_CONTEXT_SIZE, "ann", 3);
	assert_int_equal(recorded_take(&call, &given), 0);
}

/* Nothing at all is in form, too: an empty request, and nothing given. */
static void test_empty(void **state)
{
	const struct bytes none = {0};
	struct recorded_given given;
	struct recorded_call call;
	uint8_t body[8];

	(void)state;
	assert_int_equal(recorded_size(0, &none), sizeof body);
	recorded_put(body, NULL, 0, &none);
	assert_int_equal(recorded_open(body, sizeof body, &call), 0);
	assert_int_equal(call.n_request, 0);
	assert_int_equal(recorded_take(&call, &given), 0);
}

/* A body that was cut is in form only where an entry ends. */
static void test_cut(void **state)
{
	static const size_t whole[] = {11, 27, 40, 48, 75};
	struct recorded_call call;
	uint8_t body[256];
	size_t n = make(body), next = 0;

	(void)state;
	assert_int_equal(n, whole[4]);
	for (size_t i = 0; i <= n; i++)
		if (i == whole[next]) {
			assert_int_equal(recorded_open(body, i, &call), 0);
			next++;
		} else {
			assert_int_equal(recorded_open(body, i, &call), -EBADMSG);
		}
}

static void refuse(size_t at, uint8_t value)
{
	struct recorded_call call;
	uint8_t body[256];
	size_t n = make(body);

	body[at] = value;
	assert_int_equal(recorded_open(body, n, &call), -EBADMSG);
}

/* Unknown kinds, wrong lengths, names that are none, bits that are to be 0. */
static void test_not_in_form(void **state)
{
	(void)state;
	refuse(0, 200);               /* the request's length */
	refuse(4, 1);                 /* 0 */
	refuse(11, 4);                /* a kind */
	refuse(11, 0);                /* the same */
	refuse(13, 1);                /* the same */
	refuse(11, RECORDED_CONTEXT); /* of 8 bytes */
	refuse(15, 7);                /* a time of 7 bytes */
	refuse(48 + 4, 15);           /* a context too short */
	refuse(48 + 8 + 16, 0);       /* a NUL in a name */
	refuse(48 + 8 + 16, 0xff);    /* and what is not UTF-8 */
}

/* A name has at most 63 bytes. */
static void test_long_name(void **state)
{
	uint8_t context[RECORDED_CONTEXT_SIZE + 64] = {0}, body[128];

	(void)state;
	memset(context + RECORDED_CONTEXT_SIZE, 'a', 64);
	for (size_t n = 63; n <= 64; n++) {
		struct bytes given = {0};
		struct recorded_call call;

		give(&given, RECORDED_CONTEXT, context, RECORDED_CONTEXT_SIZE + n);
		recorded_put(body, NULL, 0, &given);
		assert_int_equal(recorded_open(body, recorded_size(0, &given), &call),
				 n == 63 ? 0 : -EBADMSG);
		bytes_deinit(&given);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_and_out), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_cut),        cmocka_unit_test(test_not_in_form),
		cmocka_unit_test(test_long_name),
	};

	return test_run_cases(tests, NULL, NULL);
}
