/* test_flat.c - messages of single numbers: what flat makes of them is what protobuf-c makes of
 * them after the check, for good bytes and bad; what is not flat is left alone. */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "flat.pb-c.h"
#include "flat_optional.pb-c.h"
#include "proto/check.h"
#include "proto/flat.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"

#define ROUNDS 20000

/* Always the same sequence. */
static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Many small ones, and those at the ends. */
static uint64_t random_number(void)
{
	static const uint64_t ends[] = {0,          1,         0x7f,       0x80,       INT32_MAX,
					UINT32_MAX, INT64_MAX, UINT64_MAX, 1ull << 31, 1ull << 63};
	uint64_t choice = next_random() % 4;

	if (choice == 0)
		return 0;
	if (choice == 1)
		return ends[next_random() % (sizeof ends / sizeof *ends)];
	return next_random() >> next_random() % 64;
}

static double random_float(void)
{
	static const double some[] = {0.0, -0.0, 1.5, -2.25, DBL_MIN, HUGE_VAL};

	return some[next_random() % (sizeof some / sizeof *some)];
}

static Flat__Numbers random_numbers(void)
{
	Flat__Numbers m = FLAT__NUMBERS__INIT;

	m.int32 = (int32_t)random_number();
	m.sint32 = (int32_t)random_number();
	m.sfixed32 = (int32_t)random_number();
	m.int64 = (int64_t)random_number();
	m.sint64 = (int64_t)random_number();
	m.sfixed64 = (int64_t)random_number();
	m.uint32 = (uint32_t)random_number();
	m.fixed32 = (uint32_t)random_number();
	m.uint64 = random_number();
	m.fixed64 = random_number();
	m.float_ = (float)random_float();
	m.double_ = random_float();
	m.bool_ = random_number() != 0;
	m.kind = (Flat__Kind)(int32_t)random_number();
	m.far = (int64_t)random_number();
	return m;
}

/* The general way, or NULL if the check refuses. */
static ProtobufCMessage *unpack_generally(const ProtobufCMessageDescriptor *descriptor,
					  const uint8_t *bytes,
					  size_t n)
{
	if (check_message(descriptor, bytes, n, NULL) < 0)
		return NULL;
	return protobuf_c_message_unpack(descriptor, NULL, n, bytes);
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	default:
		return 4;
	}
}

/* Fields and flags, but not what lies between them. */
static void assert_same(const union flat_message *flat, const ProtobufCMessage *general)
{
	const ProtobufCMessageDescriptor *descriptor = general->descriptor;
	const uint8_t *other = (const uint8_t *)general;

	assert_ptr_equal(flat->base.descriptor, descriptor);
	assert_int_equal(flat->base.n_unknown_fields, 0);
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		assert_memory_equal(flat->bytes + field->offset, other + field->offset,
				    size_of(field));
		if (field->quantifier_offset)
			assert_memory_equal(flat->bytes + field->quantifier_offset,
					    other + field->quantifier_offset, 4);
	}
}

/* True: flat took it, and made of it the same. */
static bool agrees(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t n)
{
	union flat_message flat;
	ProtobufCMessage *general;

	memset(&flat, 0x55, sizeof flat);
	if (!flat_is(descriptor) || !flat_unpack(descriptor, bytes, n, &flat))
		return false;
	general = unpack_generally(descriptor, bytes, n);
	assert_non_null(general);
	assert_same(&flat, general);
	protobuf_c_message_free_unpacked(general, NULL);
	return true;
}

/* Every value of every kind of number comes out as it went in, in protobuf-c's bytes. */
static void test_values(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		Flat__Numbers numbers = random_numbers();
		uint8_t expected[FLAT_PACKED_MAX], out[FLAT_PACKED_MAX];
		size_t n = flat__numbers__pack(&numbers, expected), n_out = 0;

		assert_true(flat_pack(&numbers.base, out, &n_out));
		assert_int_equal(n_out, n);
		assert_memory_equal(out, expected, n);
		assert_true(agrees(&flat__numbers__descriptor, out, n));
	}
}

/* What is absent stays absent, and zero is not. */
static void test_absent(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		Flat__Maybe m = FLAT__MAYBE__INIT;
		uint8_t expected[FLAT_PACKED_MAX], out[FLAT_PACKED_MAX];
		size_t n, n_out = 0;

		m.has_maybe = random_number() != 0;
		m.maybe = (int64_t)random_number();
		m.has_perhaps = random_number() != 0;
		m.perhaps = random_number() != 0;
		m.has_seven = random_number() != 0;
		n = flat__maybe__pack(&m, expected);
		assert_true(flat_pack(&m.base, out, &n_out));
		assert_int_equal(n_out, n);
		assert_memory_equal(out, expected, n);
		assert_true(agrees(&flat__maybe__descriptor, out, n));
	}
}

/* The longest message has room. */
static void test_longest(void **state)
{
	Flat__Numbers m = FLAT__NUMBERS__INIT;
	uint8_t out[FLAT_PACKED_MAX];
	size_t n = 0;

	(void)state;
	m.int32 = m.kind = m.sint32 = INT32_MIN;
	m.sfixed32 = -1;
	m.int64 = m.sint64 = m.sfixed64 = m.far = INT64_MIN;
	m.uint32 = m.fixed32 = UINT32_MAX;
	m.uint64 = m.fixed64 = UINT64_MAX;
	m.float_ = -1;
	m.double_ = -1;
	m.bool_ = 1;
	assert_true(flat_pack(&m.base, out, &n));
	assert_int_equal(n, flat__numbers__get_packed_size(&m));
	assert_true(agrees(&flat__numbers__descriptor, out, n));
}

/* Bytes that were damaged are taken only where the check takes them too, and mean the same then. */
static void test_damaged(void **state)
{
	size_t n_taken = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		Flat__Numbers numbers = random_numbers();
		uint8_t bytes[FLAT_PACKED_MAX];
		size_t n = flat__numbers__pack(&numbers, bytes);

		for (uint64_t hits = next_random() % 3 + 1; n > 0 && hits > 0; hits--)
			bytes[next_random() % n] = (uint8_t)next_random();
		if (n > 0 && next_random() % 4 == 0)
			n = next_random() % n;
		n_taken += agrees(&flat__numbers__descriptor, bytes, n);
		n_taken += agrees(&flat__maybe__descriptor, bytes, n);
	}
	assert_in_range(n_taken, 1, 2 * ROUNDS - 1);
}

struct example {
	const char *bytes;
	size_t n;
	bool is_flat;
};
#define EXAMPLE(text, is_flat)                   \
	{                                        \
		text, sizeof(text) - 1, is_flat, \
	}

/* What is unknown, of another type than declared, too long or cut short is for the general way. */
static void test_left_alone(void **state)
{
	static const struct example examples[] = {
		EXAMPLE("", true),
		EXAMPLE("\x08\x05", true),
		EXAMPLE("\x08\x05\x08\x06", true), /* the last one counts */
		EXAMPLE("\x08\x85\x00", true),     /* longer than it need be */
		EXAMPLE("\x88\x00\x05", true),
		EXAMPLE("\x88\x80\x80\x80\x80\x00\x05", false),
		EXAMPLE("\xa0\x06\x01", false), /* unknown */
		EXAMPLE("\x0a\x01\x01", false), /* of another type */
		EXAMPLE("\x0d\x01\x02\x03\x04", false),
		EXAMPLE("\x08", false),
		EXAMPLE("\x08\x85", false),
		EXAMPLE("\x1d\x01\x02\x03", false),
		EXAMPLE("\x31\x01\x02\x03\x04\x05\x06\x07", false),
		EXAMPLE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", false),
		EXAMPLE("\x00\x01", false),
		EXAMPLE("\x0b", false), /* a group */
	};

	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		assert_int_equal(agrees(&flat__numbers__descriptor,
					(const uint8_t *)examples[i].bytes, examples[i].n),
				 examples[i].is_flat);
}

static void assert_not_flat(const ProtobufCMessageDescriptor *descriptor)
{
	union flat_message message;
	uint8_t out[FLAT_PACKED_MAX];
	size_t n = 77;

	assert_false(flat_is(descriptor));
	descriptor->message_init(&message.base);
	assert_false(flat_pack(&message.base, out, &n));
	assert_int_equal(n, 77);
}

/* One field that is no number of its own, or one number too many, and the message is not flat. */
static void test_not_flat(void **state)
{
	(void)state;
	assert_not_flat(&flat__text__descriptor);
	assert_not_flat(&flat__list__descriptor);
	assert_not_flat(&flat__inside__descriptor);
	assert_not_flat(&flat__bytes__descriptor);
	assert_not_flat(&flat__choice__descriptor);
	assert_not_flat(&flat__many__descriptor);
	assert_not_flat(&flat__needed__descriptor);
	assert_true(flat_is(&flat__numbers__descriptor));
	assert_true(flat_is(&flat__empty__descriptor));
}

/* A message with unknown fields is not packed without them. */
static void test_unknown(void **state)
{
	ProtobufCMessage *unknown =
		unpack_generally(&flat__empty__descriptor, (const uint8_t *)"\x08\x01", 2);
	Flat__Empty empty = FLAT__EMPTY__INIT;
	uint8_t out[FLAT_PACKED_MAX];
	size_t n = 77;

	(void)state;
	assert_non_null(unknown);
	assert_false(flat_pack(unknown, out, &n));
	assert_int_equal(n, 77);
	protobuf_c_message_free_unpacked(unknown, NULL);
	assert_true(flat_pack(&empty.base, out, &n));
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),   cmocka_unit_test(test_longest),
		cmocka_unit_test(test_damaged),  cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_not_flat), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_absent),
	};

	return test_run_cases(tests, NULL, NULL);
}
