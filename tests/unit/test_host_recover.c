/* test_host_recover.c - what each item of a journal does when it is recovered, and what can't be.
 * The journals are made by hand. rows 57 */
#include "daemon/host/recover.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "counter.service.h"
#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_loop.h"
#include "proto/dispatch.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"

static const struct wat_service service = {.interface = &counter_interface};
static const uint8_t instance_id[WAT_ID_SIZE] = {7}, grant_a[WAT_ID_SIZE] = {1},
		     grant_b[WAT_ID_SIZE] = {2}, lane_a[WAT_ID_SIZE] = {0xa},
		     lane_b[WAT_ID_SIZE] = {0xb};

/* An instance that is to be recovered, and the journal of the generation before. */
struct world {
	struct instance instance;
	struct queue outbox;
	struct journal before;
	struct bytes record;
	struct request request;
	Wat__Host__Snapshot from;
	struct bytes lanes; /* of the snapshot */
	int fresh;          /* another descriptor of the new segment */
	struct recover_failure failure;
};

static int new_file(void)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void add_segment(struct world *w, uint64_t number, bool fresh, int fd)
{
	struct segment *segment = calloc(1, sizeof *segment);

	segment->number = number;
	segment->fresh = fresh;
	segment->fd = fd;
	list_append(&w->request.segments, &segment->link);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	memcpy(w->instance.id, instance_id, sizeof instance_id);
	w->instance.service = &service;
	w->instance.generation = 2;
	w->instance.outbox = &w->outbox;
	assert_int_equal(queue_init(&w->outbox), 0);
	assert_int_equal(queue_init(&w->instance.inbox), 0);
	assert_int_equal(service_loop_new(&w->instance, &w->instance.loop), 0);
	w->instance.loop->journal.durability = DURABILITY_CRASH;
	journal_init(&w->before, instance_id, 1, DURABILITY_CRASH);
	request_init(&w->request, REQUEST_START, NULL, -1);
	wat__host__snapshot__init(&w->from);
	w->fresh = -1;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	service_loop_free(w->instance.loop);
	queue_deinit(&w->outbox);
	queue_deinit(&w->instance.inbox);
	journal_deinit(&w->before);
	request_deinit(&w->request);
	bytes_deinit(&w->record);
	bytes_deinit(&w->lanes);
	fd_close(w->fresh);
	free(w);
	return 0;
}

/* The generation before goes on in a new segment, which will be recovered. */
static void segment(struct world *w, uint64_t number)
{
	int fd = new_file();

	add_segment(w, number, false, dup(fd));
	assert_int_equal(journal_switch(&w->before, fd, number), 0);
}

static void put(struct bytes *bytes, const struct record_item *item)
{
	uint8_t *room = NULL;

	assert_int_equal(record_put(bytes, item, &room), 0);
	if (item->n_body > 0)
		memcpy(room, item->body, item->n_body);
}

/* Into the record at hand. */
static void note(struct world *w, struct record_item item)
{
	if (w->record.n == 0)
		assert_int_equal(record_begin(&w->record), 0);
	put(&w->record, &item);
}

#define NOTE(w, ...) note(w, (struct record_item){__VA_ARGS__})
#define LANE_A .grant = grant_a, .lane = lane_a
#define LANE_B .grant = grant_b, .lane = lane_b

static void append(struct world *w)
{
	assert_int_equal(journal_append(&w->before, &w->record), 0);
	w->record.n = 0;
}

static void note_value(struct world *w, int64_t value)
{
	counter_state message = COUNTER_STATE_INIT;
	uint8_t bytes[16];

	message.value = value;
	NOTE(w, .kind = RECORD_STATE, .body = bytes,
	     .n_body = counter__state__pack(&message, bytes));
}

/* A batch of one call of lane a. */
static void done(struct world *w, uint64_t id, int64_t value)
{
	NOTE(w, .kind = RECORD_LANE, LANE_A, .id = 1);
	NOTE(w, .kind = RECORD_DONE, .id = id, .hash = id, .method = 1);
	note_value(w, value);
	append(w);
}

static int run(struct world *w, const Wat__Host__Verdict *verdict)
{
	struct service_loop *loop = w->instance.loop;
	struct check_error error;
	int fd = new_file();

	w->fresh = dup(fd);
	add_segment(w, 99, true, fd);
	w->from.lanes = (ProtobufCBinaryData){w->lanes.n, w->lanes.data};
	assert_int_equal(state_init(&loop->state, counter_interface.state, WAT_STATE_MAX, false,
				    w->from.state.data, w->from.state.len, &error),
			 0);
	return recover(loop, &w->from, verdict, &w->request, &w->failure);
}

static void assert_recovered(struct world *w, int64_t value)
{
	counter_state *state;
	uint8_t *bytes;
	size_t n;

	assert_int_equal(state_pack(&w->instance.loop->state, &bytes, &n), 0);
	state = counter__state__unpack(NULL, n, bytes);
	assert_non_null(state);
	assert_int_equal(state->value, value);
	counter_state_free(state);
	free(bytes);
}

static struct lane *lane_of(struct world *w, const uint8_t *grant_id, const uint8_t *lane_id)
{
	struct grant *grant = grant_find(w->instance.loop, grant_id);

	return grant ? lane_find(grant, lane_id) : NULL;
}

static enum lane_seen look(const struct lane *lane, uint64_t id, struct record_item *ret_item)
{
	struct lane_taken *taken;

	return lane_look(lane, id, 1, id, ret_item, &taken);
}

static void expect_stored(const struct lane *lane, uint64_t id, wat_status status)
{
	struct record_item item;

	assert_non_null(lane);
	assert_int_equal(look(lane, id, &item), LANE_STORED);
	assert_int_equal(item.status, status);
}

/* The snapshot, then what each segment has that the snapshot has not: of the state the newest, of
 * lanes everything that was not confirmed. */
static void test_in_order(void **state)
{
	struct world *w = *state;
	struct record_item item;
	struct lane *lane;

	put(&w->lanes, &(struct record_item){.kind = RECORD_LANE, LANE_A, .id = 3, .other_id = 6});
	put(&w->lanes, &(struct record_item){.kind = RECORD_DONE, .id = 5, .hash = 5, .method = 1});
	w->from.last_seq = 2;
	segment(w, 1);
	for (uint64_t id = 1; id <= 3; id++)
		done(w, id + 4, (int64_t)id * 10);
	segment(w, 2);
	NOTE(w, .kind = RECORD_LANE, LANE_A, .id = 6);
	NOTE(w, .kind = RECORD_DONE, .id = 8, .hash = 8, .method = 1, .status = WAT_ABORTED);
	append(w);
	segment(w, 3);
	assert_int_equal(run(w, NULL), 0);
	assert_recovered(w, 30);
	lane = lane_of(w, grant_a, lane_a);
	expect_stored(lane, 7, WAT_OK);
	expect_stored(lane, 8, WAT_ABORTED);
	for (uint64_t id = 3; id <= 6; id++)
		assert_int_equal(look(lane, id, &item), LANE_PAST);
	assert_int_equal(lane->confirmed, 6);
	assert_int_equal(lane->last_applied, 8);
	assert_int_equal(w->instance.loop->journal.last_seq, 4);
	assert_int_equal(w->instance.loop->journal.segment, 99);
}

/* A call whose answer had been confirmed when it was read again is done all the same: it is never
 * new again. */
static void test_confirmed_before(void **state)
{
	struct world *w = *state;
	struct record_item item;

	segment(w, 1);
	NOTE(w, .kind = RECORD_LANE, LANE_A, .id = 9);
	NOTE(w, .kind = RECORD_DONE, .id = 4, .hash = 4, .method = 1);
	append(w);
	assert_int_equal(run(w, NULL), 0);
	assert_int_equal(lane_of(w, grant_a, lane_a)->last_applied, 4);
	assert_int_equal(look(lane_of(w, grant_a, lane_a), 4, &item), LANE_PAST);
}

/* Ends of lanes and grants, in the middle of what others did. */
static void test_ends(void **state)
{
	struct world *w = *state;

	segment(w, 1);
	done(w, 1, 1);
	NOTE(w, .kind = RECORD_LANE, LANE_B, .id = 1);
	NOTE(w, .kind = RECORD_DONE, .id = 1, .hash = 1, .method = 1);
	NOTE(w, .kind = RECORD_TAKEN, .id = 2, .hash = 2, .method = 1);
	NOTE(w, .kind = RECORD_LANE_END, LANE_A);
	NOTE(w, .kind = RECORD_LANE, LANE_B, .id = 1);
	NOTE(w, .kind = RECORD_ANSWERED, .id = 2, .hash = 2, .method = 1, .status = WAT_ABORTED);
	append(w);
	/* The same lane begun anew. */
	done(w, 1, 2);
	/* One that nobody has. */
	NOTE(w, .kind = RECORD_GRANT_END, .grant = instance_id);
	NOTE(w, .kind = RECORD_LANE_END, .grant = instance_id, .lane = lane_a);
	append(w);
	assert_int_equal(run(w, NULL), 0);
	assert_recovered(w, 2);
	assert_int_equal(lane_of(w, grant_a, lane_a)->n_replies, 1);
	expect_stored(lane_of(w, grant_b, lane_b), 1, WAT_OK);
	expect_stored(lane_of(w, grant_b, lane_b), 2, WAT_ABORTED);
}

static void test_end_of_a_grant(void **state)
{
	struct world *w = *state;

	segment(w, 1);
	done(w, 1, 1);
	NOTE(w, .kind = RECORD_LANE, LANE_B, .id = 1);
	NOTE(w, .kind = RECORD_GRANT_END, .grant = grant_a);
	append(w);
	assert_int_equal(run(w, NULL), 0);
	assert_null(grant_find(w->instance.loop, grant_a));
	assert_non_null(lane_of(w, grant_b, lane_b));
}

/* A call that was taken is answered SERVER_DIED unless it was answered or dropped, and that is
 * written down: another host finds it answered. */
static void test_taken(void **state)
{
	struct world *w = *state;
	struct record_item item;
	struct journal_header header;
	uint8_t bytes[4096], key[RECORD_KEY_SIZE];
	const uint8_t *body;
	size_t n_body, size, n;

	segment(w, 1);
	NOTE(w, .kind = RECORD_LANE, LANE_A, .id = 1);
	for (uint64_t id = 1; id <= 3; id++)
		NOTE(w, .kind = RECORD_TAKEN, .id = id, .hash = id, .method = 1);
	append(w);
	NOTE(w, .kind = RECORD_LANE, LANE_A, .id = 1);
	NOTE(w, .kind = RECORD_ANSWERED, .id = 1, .hash = 1, .method = 1);
	NOTE(w, .kind = RECORD_DROPPED, .id = 2);
	NOTE(w, .kind = RECORD_DROPPED, .id = 9);
	append(w);
	assert_int_equal(run(w, NULL), 0);
	expect_stored(lane_of(w, grant_a, lane_a), 1, WAT_OK);
	assert_int_equal(look(lane_of(w, grant_a, lane_a), 2, &item), LANE_PAST);
	expect_stored(lane_of(w, grant_a, lane_a), 3, WAT_SERVER_DIED);
	n = (size_t)pread(w->fresh, bytes, sizeof bytes, 0);
	assert_int_equal(journal_read_header(bytes, n, instance_id, &header), 0);
	assert_int_equal(header.generation, 2);
	assert_int_equal(header.first_seq, 3);
	record_key(instance_id, 2, 99, key);
	assert_int_equal(record_read(bytes + JOURNAL_HEADER_SIZE, n - JOURNAL_HEADER_SIZE, 3, key,
				     &body, &n_body, &size),
			 1);
	n = 0;
	assert_int_equal(record_next(body, n_body, &n, &item), 1);
	assert_int_equal(item.kind, RECORD_LANE);
	assert_int_equal(record_next(body, n_body, &n, &item), 1);
	assert_int_equal(item.kind, RECORD_ANSWERED);
	assert_int_equal(item.id, 3);
	assert_int_equal(record_next(body, n_body, &n, &item), 0);
}

/* A verdict answers the call that it names, unless that has an answer; of a lane that nobody has it
 * says nothing. */
static void test_verdict(void **state)
{
	struct world *w = *state;
	Wat__Host__Verdict verdict = WAT__HOST__VERDICT__INIT;
	struct record_item item;
	struct lane_taken *taken;

	segment(w, 1);
	done(w, 4, 1);
	verdict.lane = (ProtobufCBinaryData){WAT_ID_SIZE, (uint8_t *)lane_a};
	verdict.id = 2;
	verdict.status = WAT_SERVER_DIED;
	assert_int_equal(run(w, &verdict), 0);
	/* A read that was under way below what was done. */
	assert_int_equal(lane_look(lane_of(w, grant_a, lane_a), 2, 55, 77, &item, &taken),
			 LANE_STORED);
	assert_int_equal(item.status, WAT_SERVER_DIED);
	assert_int_equal(lane_of(w, grant_a, lane_a)->last_applied, 4);
}

static void test_verdict_of_nobody(void **state)
{
	struct world *w = *state;
	Wat__Host__Verdict verdict = WAT__HOST__VERDICT__INIT;

	segment(w, 1);
	done(w, 4, 1);
	verdict.lane = (ProtobufCBinaryData){WAT_ID_SIZE, (uint8_t *)lane_a};
	verdict.id = 4;
	verdict.status = WAT_SERVER_DIED;
	assert_int_equal(run(w, &verdict), 0);
	expect_stored(lane_of(w, grant_a, lane_a), 4, WAT_OK);
	assert_int_equal(lane_of(w, grant_a, lane_a)->n_taken, 0);
}

/* Users' handlers that ran are told, in order. */
static void test_lives(void **state)
{
	struct world *w = *state;
	const struct recovered_life *life;

	segment(w, 1);
	NOTE(w, .kind = RECORD_LIFE, .grant = grant_a, .method = DISPATCH_PROVISION,
	     .body = (const uint8_t *)"ann", .n_body = 3);
	append(w);
	NOTE(w, .kind = RECORD_LIFE, .grant = grant_b, .method = DISPATCH_DEPROVISION);
	append(w);
	assert_int_equal(run(w, NULL), 0);
	life = container_of(list_first(&w->request.lives), struct recovered_life, link);
	assert_memory_equal(life->grant_id, grant_a, WAT_ID_SIZE);
	assert_int_equal(life->lifecycle, DISPATCH_PROVISION);
	assert_string_equal(life->user, "ann");
	life = container_of(life->link.next, struct recovered_life, link);
	assert_memory_equal(life->grant_id, grant_b, WAT_ID_SIZE);
	assert_int_equal(life->lifecycle, DISPATCH_DEPROVISION);
	assert_string_equal(life->user, "");
	assert_ptr_equal(life->link.next, &w->request.lives);
}

/* A record that is whole and makes no sense is nobody's torn end: the instance is not started on a
 * half of what was promised, and the sentence says where. */
static void expect_refused(struct world *w, const char *part)
{
	assert_true(run(w, NULL) < 0);
	if (!strstr(w->failure.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, w->failure.text);
}

static void test_no_lane(void **state)
{
	struct world *w = *state;

	segment(w, 5);
	done(w, 1, 1);
	NOTE(w, .kind = RECORD_DONE, .id = 2);
	append(w);
	expect_refused(w, "record 2 of segment 5");
}

static void test_no_items(void **state)
{
	struct world *w = *state;

	segment(w, 5);
	assert_int_equal(record_begin(&w->record), 0);
	assert_int_equal(bytes_put(&w->record, "nonsense", 8), 0);
	append(w);
	expect_refused(w, "record 1 of segment 5");
}

static void test_no_state(void **state)
{
	struct world *w = *state;

	segment(w, 5);
	NOTE(w, .kind = RECORD_STATE, .body = (const uint8_t *)"\xff", .n_body = 1);
	append(w);
	expect_refused(w, "counter.State");
}

static void test_no_lanes(void **state)
{
	struct world *w = *state;

	assert_int_equal(bytes_put(&w->lanes, "nonsense", 8), 0);
	expect_refused(w, "lanes of its snapshot");
}

/* Files that never had a header, or have another one's, are passed over; those with a number that
 * does not follow end it. */
static void test_files(void **state)
{
	struct world *w = *state;
	int fd;

	add_segment(w, 1, false, new_file());
	segment(w, 2);
	done(w, 1, 1);
	fd = new_file();
	assert_int_equal(write(fd, "WATJRNL1", 8), 8);
	add_segment(w, 3, false, fd);
	/* One of another generation, in order. */
	w->before.generation = 4;
	segment(w, 4);
	done(w, 2, 2);
	w->before.last_seq++;
	segment(w, 6);
	done(w, 3, 3);
	segment(w, 7);
	w->before.last_seq = 2;
	segment(w, 8);
	done(w, 4, 4);
	assert_int_equal(run(w, NULL), 0);
	assert_recovered(w, 2);
	assert_int_equal(w->instance.loop->journal.last_seq, 2);
	assert_true(list_empty(&w->request.segments));
}

/* What another version wrote may hold what was promised: it is refused, and not passed over. */
static void test_other_version(void **state)
{
	struct world *w = *state;
	struct segment *last;

	segment(w, 5);
	done(w, 1, 1);
	last = container_of(w->request.segments.prev, struct segment, link);
	assert_int_equal(pwrite(last->fd, "WATJRNL2", 8, 0), 8);
	expect_refused(w, "segment 5 of its journal was written by another version");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_in_order),
		TEST(test_confirmed_before),
		TEST(test_ends),
		TEST(test_end_of_a_grant),
		TEST(test_taken),
		TEST(test_verdict),
		TEST(test_verdict_of_nobody),
		TEST(test_lives),
		TEST(test_no_lane),
		TEST(test_no_items),
		TEST(test_no_state),
		TEST(test_no_lanes),
		TEST(test_files),
		TEST(test_other_version),
	};

	return sodium_init() < 0 ? 1 : test_run_cases(tests, NULL, NULL);
}
