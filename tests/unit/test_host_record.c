/* test_host_record.c - the journal's bytes: what is read is what was written, to the bit, or it is
 * nothing. docs/journal.md shows such a record, which is recomputed here. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/record.h"
#include "tests/lib/cases.h"

#define SEQ 41u

static const uint8_t grant[WAT_ID_SIZE] = {1, 2, 3}, lane[WAT_ID_SIZE] = {0xff, 9};

static const struct record_item items[] = {
	{.kind = RECORD_LANE, .grant = grant, .lane = lane, .id = 3, .other_id = UINT64_MAX},
	{.kind = RECORD_DONE,
	 .id = 4,
	 .hash = 0x1122334455667788,
	 .method = 513,
	 .status = 11,
	 .body = (const uint8_t *)"no room",
	 .n_body = 7},
	{.kind = RECORD_DONE, .id = 5, .hash = 1, .body = NULL, .n_body = 0},
	{.kind = RECORD_TAKEN, .id = 6, .hash = 2, .method = RECORD_ANY_METHOD},
	{.kind = RECORD_ANSWERED, .id = 6, .hash = 2, .status = 35, .body = grant, .n_body = 16},
	{.kind = RECORD_DROPPED, .id = 6},
	{.kind = RECORD_LANE_END, .grant = grant, .lane = lane},
	{.kind = RECORD_GRANT_END, .grant = grant},
	{.kind = RECORD_LIFE, .grant = grant, .method = 3, .body = lane, .n_body = 2},
	{.kind = RECORD_STATE, .body = (const uint8_t *)"\x08\x54", .n_body = 2},
};
#define N_ITEMS (sizeof items / sizeof *items)

static void put(struct bytes *bytes, const struct record_item *item)
{
	uint8_t *room = NULL;

	assert_int_equal(record_put(bytes, item, &room), 0);
	if (item->n_body > 0)
		memcpy(room, item->body, item->n_body);
}

static void key_of(uint8_t key[static RECORD_KEY_SIZE])
{
	record_key(grant, 7, 2, key);
}

/* A record with all items. */
static void make(struct bytes *bytes)
{
	uint8_t key[RECORD_KEY_SIZE];

	assert_int_equal(record_begin(bytes), 0);
	for (size_t i = 0; i < N_ITEMS; i++)
		put(bytes, &items[i]);
	key_of(key);
	record_close(bytes, 0, SEQ, key);
}

static int read_record(const uint8_t *bytes, size_t n)
{
	uint8_t key[RECORD_KEY_SIZE];
	const uint8_t *body;
	size_t n_body, size;

	key_of(key);
	return record_read(bytes, n, SEQ, key, &body, &n_body, &size);
}

static void assert_same_id(const uint8_t *a, const uint8_t *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_memory_equal(a, b, WAT_ID_SIZE);
}

static void assert_same(const struct record_item *a, const struct record_item *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->method, b->method);
	assert_int_equal(a->status, b->status);
	assert_true(a->id == b->id && a->other_id == b->other_id && a->hash == b->hash);
	assert_same_id(a->grant, b->grant);
	assert_same_id(a->lane, b->lane);
	assert_int_equal(a->n_body, b->n_body);
	if (a->n_body > 0)
		assert_memory_equal(a->body, b->body, a->n_body);
}

/* Every kind of item comes back as it was put, in order, and nothing else does. */
static void test_round_trip(void **state)
{
	struct bytes bytes = {0};
	uint8_t key[RECORD_KEY_SIZE];
	const uint8_t *body;
	size_t n_body, size, at = 0, n = 0;
	struct record_item item;
	int r;

	(void)state;
	make(&bytes);
	key_of(key);
	/* What comes behind it is not part of it. */
	assert_int_equal(bytes_put(&bytes, "tail", 4), 0);
	assert_int_equal(record_read(bytes.data, bytes.n, SEQ, key, &body, &n_body, &size), 1);
	assert_int_equal(size, bytes.n - 4);
	while ((r = record_next(body, n_body, &at, &item)) > 0)
		assert_same(&item, &items[n++]);
	assert_int_equal(r, 0);
	assert_int_equal(n, N_ITEMS);
	bytes_deinit(&bytes);
}

/* No bit of a record can change, and no byte of it be missing, without its being no record. */
static void test_damage(void **state)
{
	struct bytes bytes = {0};

	(void)state;
	make(&bytes);
	assert_int_equal(read_record(bytes.data, bytes.n), 1);
	for (size_t bit = 0; bit < bytes.n * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (read_record(bytes.data, bytes.n) != 0)
			fail_msg("bit %zu is not covered", bit);
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t n = 0; n < bytes.n; n++) {
		/* To the byte, so that a sanitizer sees what is read beyond. */
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, bytes.data, n);
		assert_int_equal(read_record(cut, n), 0);
		free(cut);
	}
	assert_int_equal(read_record(bytes.data, bytes.n), 1);
	bytes_deinit(&bytes);
}

/* A length that the file can't have, or nobody would, is compared before it is used. */
static void test_lengths(void **state)
{
	static const uint32_t lengths[] = {UINT32_MAX, UINT32_MAX - RECORD_HEADER_SIZE + 1,
					   RECORD_BODY_MAX + 1};
	struct bytes bytes = {0};

	(void)state;
	make(&bytes);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		memcpy(bytes.data, &lengths[i], 4);
		assert_int_equal(read_record(bytes.data, bytes.n), 0);
	}
	bytes_deinit(&bytes);
}

/* A record is one of this instance, generation, segment and number, or it is none. */
static void test_keys(void **state)
{
	uint8_t other_id[WAT_ID_SIZE] = {1, 2, 4}, keys[4][RECORD_KEY_SIZE];
	const uint8_t *body;
	struct bytes bytes = {0};
	size_t n, size;

	(void)state;
	make(&bytes);
	key_of(keys[0]);
	record_key(other_id, 7, 2, keys[1]);
	record_key(grant, 8, 2, keys[2]);
	record_key(grant, 7, 3, keys[3]);
	for (size_t i = 0; i < 4; i++)
		for (uint64_t seq = SEQ - 1; seq <= SEQ + 1; seq++)
			assert_int_equal(
				record_read(bytes.data, bytes.n, seq, keys[i], &body, &n, &size),
				i == 0 && seq == SEQ);
	bytes_deinit(&bytes);
}

static int next_of(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct record_item item;
	size_t at = 0;
	int r;

	memcpy(exact, bytes, n);
	while ((r = record_next(exact, n, &at, &item)) > 0)
		;
	free(exact);
	return r;
}

/* Items that are out of form (a kind that there is not, a reserved byte, a body or an id that goes
 * over the end) are refused; nothing is read beyond the end. */
static void test_items_out_of_form(void **state)
{
	static const size_t reserved[] = {1, 28, 29, 30, 31};

	(void)state;
	for (size_t i = 0; i < N_ITEMS; i++) {
		struct bytes bytes = {0};
		uint32_t length;

		put(&bytes, &items[i]);
		assert_int_equal(next_of(bytes.data, bytes.n), 0);
		for (size_t n = 1; n < bytes.n; n++)
			assert_int_equal(next_of(bytes.data, n), -EBADMSG);
		for (size_t j = 0; j < sizeof reserved / sizeof *reserved; j++) {
			bytes.data[reserved[j]] = 1;
			assert_int_equal(next_of(bytes.data, bytes.n), -EBADMSG);
			bytes.data[reserved[j]] = 0;
		}
		length = (uint32_t)items[i].n_body + 1;
		memcpy(bytes.data + 24, &length, 4);
		assert_int_equal(next_of(bytes.data, bytes.n), -EBADMSG);
		length = UINT32_MAX;
		memcpy(bytes.data + 24, &length, 4);
		assert_int_equal(next_of(bytes.data, bytes.n), -EBADMSG);
		bytes.data[0] = 0;
		assert_int_equal(next_of(bytes.data, bytes.n), -EBADMSG);
		bytes.data[0] = RECORD_LIFE + 1;
		assert_int_equal(next_of(bytes.data, bytes.n), -EBADMSG);
		bytes_deinit(&bytes);
	}
}

static int set_up(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_damage),
		cmocka_unit_test(test_lengths),           cmocka_unit_test(test_keys),
		cmocka_unit_test(test_items_out_of_form),
	};

	return test_run_cases(tests, set_up, NULL);
}
