/* test_host_journal_page.c - the segment that docs/journal.md shows is one that the code makes.
 * Real file. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/host/journal.h"
#include "tests/lib/cases.h"
#include "tests/unit/protocol_page.h"

/* A header is one of this instance, whole and unchanged, or it is none. */
static void test_header(void **state)
{
	static const uint8_t instance_id[WAT_ID_SIZE] = {1, 2, 3},
			     other_id[WAT_ID_SIZE] = {3, 2, 1};
	struct journal journal;
	struct journal_header header;
	uint8_t bytes[JOURNAL_HEADER_SIZE];
	int fd = memfd_create("segment", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	journal_init(&journal, instance_id, 7, DURABILITY_CRASH);
	assert_int_equal(journal_switch(&journal, fd, 3), 0);
	assert_int_equal(pread(fd, bytes, sizeof bytes, 0), sizeof bytes);
	assert_int_equal(journal_read_header(bytes, sizeof bytes, instance_id, &header), 0);
	assert_int_equal(journal_read_header(bytes, sizeof bytes, other_id, &header), -EBADMSG);
	for (size_t n = 0; n < sizeof bytes; n++)
		assert_int_equal(journal_read_header(bytes, n, instance_id, &header), -EBADMSG);
	for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(journal_read_header(bytes, sizeof bytes, instance_id, &header),
				 bit / 8 == 7 ? -EPROTONOSUPPORT : -EBADMSG);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	journal_deinit(&journal);
}

static void put(struct bytes *bytes, const struct record_item *item)
{
	uint8_t *room;

	assert_int_equal(record_put(bytes, item, &room), 0);
	if (item->n_body > 0)
		memcpy(room, item->body, item->n_body);
}

/* 16 bytes that rise from the first. */
static void rising(uint8_t id[static WAT_ID_SIZE], uint8_t first)
{
	for (uint8_t i = 0; i < WAT_ID_SIZE; i++)
		id[i] = (uint8_t)(first + i);
}

/* The segment that docs/journal.md shows is the one that this code makes of the same call, to the
 * byte. */
static void test_page(void **state)
{
	static const uint8_t request[] = {0x08, 0x0a}, twelve[] = {0x08, 0x18};
	uint8_t id[WAT_ID_SIZE], grant[WAT_ID_SIZE], lane[WAT_ID_SIZE], key[RECORD_KEY_SIZE];
	struct record_item items[] = {
		{.kind = RECORD_LANE, .grant = grant, .lane = lane, .id = 7},
		{.kind = RECORD_DONE, .id = 7, .method = 1, .body = twelve, .n_body = 2},
		{.kind = RECORD_STATE, .body = twelve, .n_body = 2},
	};
	struct bytes record = {0};
	struct journal journal;
	uint8_t bytes[PAGE_VALUE_MAX];
	char *page = page_read("docs/journal.md");
	ssize_t n;
	int fd;

	(void)state;
	rising(id, 0x50);
	rising(grant, 0x60);
	rising(lane, 0xa0);
	record_key(id, 0, 0, key);
	(void)crypto_shorthash((uint8_t *)&items[1].hash, request, sizeof request, key);
	assert_int_equal(record_begin(&record), 0);
	for (size_t i = 0; i < 3; i++)
		put(&record, &items[i]);
	journal_init(&journal, id, 3, DURABILITY_CRASH);
	journal.last_seq = 40;
	fd = memfd_create("segment", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(journal_switch(&journal, fd, 2), 0);
	assert_int_equal(journal_append(&journal, &record), 0);
	n = pread(fd, bytes, sizeof bytes, 0);
	page_expect(page, "segment", NULL, bytes, (size_t)n);
	page_expect(page, "segment", "done_reply", twelve, 2);
	bytes_deinit(&record);
	journal_deinit(&journal);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_page),
	};

	return sodium_init() < 0 ? 1 : test_run_cases(tests, NULL, NULL);
}
