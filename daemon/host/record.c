/* record.c - the journal's bytes. */
#include "daemon/host/record.h"

#include <errno.h>
#include <sodium.h>

#include "proto/support/bytes.h"

/* docs/journal.md has the bytes of both. */
#define ITEM_SIZE 32u

_Static_assert(crypto_shorthash_KEYBYTES == RECORD_KEY_SIZE, "SipHash-2-4 has a key of 16 bytes");

void record_key(const uint8_t instance_id[static WAT_ID_SIZE],
		uint64_t generation,
		uint64_t segment,
		uint8_t ret_key[static RECORD_KEY_SIZE])
{
	static const uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = "wat.journal.v1";
	uint8_t seed[WAT_ID_SIZE + 16];

	memcpy(seed, instance_id, WAT_ID_SIZE);
	bytes_put64(seed + WAT_ID_SIZE, generation);
	bytes_put64(seed + WAT_ID_SIZE + 8, segment);
	(void)crypto_generichash_blake2b_salt_personal(ret_key, RECORD_KEY_SIZE, seed, sizeof seed,
						       NULL, 0, NULL, personal);
}

int record_begin(struct bytes *bytes)
{
	return bytes_add(bytes, RECORD_HEADER_SIZE) ? 0 : -ENOMEM;
}

/* Of the header without its own place, and of the body. */
static uint64_t checksum(const uint8_t *record, size_t n, const uint8_t key[static RECORD_KEY_SIZE])
{
	uint8_t sums[16], two[8];

	(void)crypto_shorthash(sums, record, 16, key);
	(void)crypto_shorthash(sums + 8, record + RECORD_HEADER_SIZE, n - RECORD_HEADER_SIZE, key);
	(void)crypto_shorthash(two, sums, sizeof sums, key);
	return bytes_get64(two);
}

void record_close(struct bytes *bytes,
		  size_t start,
		  uint64_t seq,
		  const uint8_t key[static RECORD_KEY_SIZE])
{
	uint8_t *record = bytes->data + start;

	bytes_put32(record, (uint32_t)(bytes->n - start - RECORD_HEADER_SIZE));
	bytes_put32(record + 4, 0);
	bytes_put64(record + 8, seq);
	bytes_put64(record + 16, checksum(record, bytes->n - start, key));
}

int record_read(const uint8_t *bytes,
		size_t n,
		uint64_t seq,
		const uint8_t key[static RECORD_KEY_SIZE],
		const uint8_t **ret_body,
		size_t *ret_n_body,
		size_t *ret_size)
{
	size_t n_body;

	if (n < RECORD_HEADER_SIZE)
		return 0;
	n_body = bytes_get32(bytes);
	if (n_body > RECORD_BODY_MAX || n_body > n - RECORD_HEADER_SIZE ||
	    bytes_get32(bytes + 4) != 0 || bytes_get64(bytes + 8) != seq ||
	    bytes_get64(bytes + 16) != checksum(bytes, RECORD_HEADER_SIZE + n_body, key))
		return 0;
	*ret_body = bytes + RECORD_HEADER_SIZE;
	*ret_n_body = n_body;
	*ret_size = RECORD_HEADER_SIZE + n_body;
	return 1;
}

uint64_t record_seq(const uint8_t record[static RECORD_HEADER_SIZE])
{
	return bytes_get64(record + 8);
}

/* Which ids an item of the kind has: one, two or none. */
static inline size_t ids_of(unsigned kind)
{
	static const uint8_t n_ids[16] = {[RECORD_LANE] = 2,
					  [RECORD_LANE_END] = 2,
					  [RECORD_GRANT_END] = 1,
					  [RECORD_LIFE] = 1};

	return kind < sizeof n_ids ? n_ids[kind] : 0;
}

int record_put(struct bytes *bytes, const struct record_item *item, uint8_t **ret_body)
{
	const size_t n_ids = ids_of(item->kind);
	uint8_t *to = bytes_add(bytes, ITEM_SIZE + n_ids * WAT_ID_SIZE + item->n_body);

	if (!to)
		return -ENOMEM;
	bytes_put64(to, item->kind | (uint64_t)item->method << 16 | (uint64_t)item->status << 32);
	bytes_put64(to + 8, item->id);
	bytes_put64(to + 16, item->kind == RECORD_LANE ? item->other_id : item->hash);
	bytes_put64(to + 24, (uint32_t)item->n_body);
	to += ITEM_SIZE;
	if (n_ids > 0)
		memcpy(to, item->grant, WAT_ID_SIZE);
	if (n_ids > 1)
		memcpy(to + WAT_ID_SIZE, item->lane, WAT_ID_SIZE);
	if (ret_body)
		*ret_body = to + n_ids * WAT_ID_SIZE;
	return 0;
}

static bool is_item(const uint8_t *item)
{
	return item[0] >= RECORD_STATE && item[0] <= RECORD_CALL && item[1] == 0 &&
	       bytes_get32(item + 28) == 0;
}

int record_next(const uint8_t *bytes, size_t n, size_t *at, struct record_item *ret_item)
{
	size_t left = n - *at, n_ids, n_body;
	const uint8_t *item;

	if (left == 0)
		return 0;
	item = bytes + *at;
	if (left < ITEM_SIZE || !is_item(item))
		return -EBADMSG;
	n_ids = ids_of(item[0]);
	n_body = bytes_get32(item + 24);
	if (left - ITEM_SIZE < n_ids * WAT_ID_SIZE ||
	    n_body > left - ITEM_SIZE - n_ids * WAT_ID_SIZE)
		return -EBADMSG;
	*ret_item = (struct record_item){
		.kind = (enum record_kind)item[0],
		.method = bytes_get16(item + 2),
		.status = bytes_get32(item + 4),
		.id = bytes_get64(item + 8),
		.grant = n_ids > 0 ? item + ITEM_SIZE : NULL,
		.lane = n_ids > 1 ? item + ITEM_SIZE + WAT_ID_SIZE : NULL,
		.body = item + ITEM_SIZE + n_ids * WAT_ID_SIZE,
		.n_body = n_body,
	};
	if (item[0] == RECORD_LANE)
		ret_item->other_id = bytes_get64(item + 16);
	else
		ret_item->hash = bytes_get64(item + 16);
	*at += ITEM_SIZE + n_ids * WAT_ID_SIZE + n_body;
	return 1;
}
