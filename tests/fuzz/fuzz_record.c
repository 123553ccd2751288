/* fuzz_record.c - a journal's records and items, and what recovery makes of them. The first byte
 * picks what the others are: 0: the body of a record that is then written and changed in one place:
 * it is read as it was, or not at all; 1: bytes of a segment; else: the lanes of a snapshot. What
 * recovery takes of those is saved again as bytes that make the same lanes. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/types.pb-c.h>

#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/recorded.h"
#include "daemon/host/recover_parts.h"
#include "daemon/host/service_loop.h"

#define SEQ 7u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct wat_interface interface = {.name = "fuzz.Fuzz",
					       .state = &wat__empty__descriptor};
static const struct wat_service service = {.interface = &interface};
static struct instance instance = {.name = "f1", .service = &service, .generation = 1};
static struct queue outbox;
static uint8_t key[RECORD_KEY_SIZE];

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	require(sodium_init() >= 0 && queue_init(&outbox) == 0 && queue_init(&instance.inbox) == 0);
	instance.outbox = &outbox;
	record_key(instance.id, 1, 1, key);
	return 0;
}

/* Whatever is a recorded call is the one that these bytes are. */
static void take_apart(const struct record_item *item)
{
	struct recorded_given given;
	struct recorded_call call;
	struct bytes entries = {0};
	const uint8_t *request;
	uint8_t *again;

	if (item->kind != RECORD_CALL || recorded_open(item->body, item->n_body, &call) < 0)
		return;
	request = call.request;
	while (recorded_take(&call, &given) > 0)
		require(recorded_give(&entries, &given) == 0);
	require(recorded_size(call.n_request, &entries) == item->n_body);
	again = malloc(item->n_body);
	require(again != NULL);
	recorded_put(again, request, call.n_request, &entries);
	require(memcmp(again, item->body, item->n_body) == 0);
	free(again);
	bytes_deinit(&entries);
}

/* Whatever is an item is the one that these bytes are. */
static void walk(const uint8_t *bytes, size_t n)
{
	struct bytes again = {0};
	struct record_item item;
	size_t at = 0;
	uint8_t *room;

	while (record_next(bytes, n, &at, &item) > 0) {
		require(record_put(&again, &item, &room) == 0);
		if (item.n_body > 0)
			memcpy(room, item.body, item.n_body);
		take_apart(&item);
	}
	require(at <= n && again.n == at);
	if (at > 0)
		require(memcmp(again.data, bytes, at) == 0);
	bytes_deinit(&again);
}

static void changed(const uint8_t *data, size_t n)
{
	struct bytes record = {0};
	const uint8_t *body;
	size_t n_body, size, at;

	if (n < 3)
		return;
	require(record_begin(&record) == 0 && bytes_put(&record, data + 3, n - 3) == 0);
	record_close(&record, 0, SEQ, key);
	at = ((size_t)data[0] << 8 | data[1]) % record.n;
	record.data[at] ^= data[2];
	require(record_read(record.data, record.n, SEQ, key, &body, &n_body, &size) ==
		(data[2] == 0));
	record.data[at] ^= data[2];
	require(record_read(record.data, record.n, SEQ, key, &body, &n_body, &size) == 1);
	require(size == record.n && n_body == n - 3);
	walk(body, n_body);
	bytes_deinit(&record);
}

static void raw(const uint8_t *data, size_t n)
{
	const uint8_t *body;
	struct journal_header header;
	size_t n_body, size;

	(void)journal_read_header(data, n, instance.id, &header);
	if (record_read(data, n, SEQ, key, &body, &n_body, &size) > 0)
		require(size <= n && n_body == size - RECORD_HEADER_SIZE);
	walk(data, n);
}

static void save(const struct service_loop *loop, struct bytes *ret)
{
	list_for_each (i, &loop->grants) {
		const struct grant *grant = container_of(i, struct grant, link);

		list_for_each (j, &grant->lanes)
			require(lane_save(container_of(j, struct lane, link), ret) == 0);
	}
}

/* Lanes out of these items; the bytes that they save as. */
static int recover_lanes(const uint8_t *data, size_t n, struct bytes *ret)
{
	struct recovery recovery = {0};
	struct request request;
	struct recover_failure failure;
	int r;

	require(service_loop_new(&instance, &instance.loop) == 0);
	request_init(&request, REQUEST_START, NULL, -1);
	recovery.loop = instance.loop;
	recovery.request = &request;
	recovery.failure = &failure;
	r = recover_items(&recovery, data, n);
	save(instance.loop, ret);
	bytes_deinit(&recovery.state);
	request_deinit(&request);
	instance.loop = service_loop_free(instance.loop);
	return r;
}

/* Items may come in an order that no lane makes, of which the first time takes what is confirmed.
 */
static void lanes(const uint8_t *data, size_t n)
{
	struct bytes first = {0}, once = {0}, twice = {0};

	(void)recover_lanes(data, n, &first);
	require(recover_lanes(first.data, first.n, &once) == 0);
	require(recover_lanes(once.data, once.n, &twice) == 0);
	require(once.n == twice.n);
	if (once.n > 0)
		require(memcmp(once.data, twice.data, once.n) == 0);
	bytes_deinit(&first);
	bytes_deinit(&once);
	bytes_deinit(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	switch (data[0]) {
	case 0:
		changed(data + 1, n - 1);
		break;
	case 1:
		raw(data + 1, n - 1);
		break;
	default:
		lanes(data + 1, n - 1);
		break;
	}
	return 0;
}
