/* test_host_durable.c - a real host with a journal is killed, and the next one goes on: nothing
 * that was answered is lost, and what is sent again is not done again. With counter.so and
 * probe.so. rows 57, 58 */
#include <string.h>
#include <unistd.h>

#include "daemon/host/journal.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"
#include "tests/unit/host_bench.h"
#include "tests/unit/host_counter.h"
#include "tests/unit/host_probe.h"

/* The first segment has room behind its last record, which is nothing that the host that read it
 * would warn of. */
static void expect_room(struct bench *b)
{
	size_t n = disk_size(&b->disk, 1);
	uint8_t last = 1;
	char log[65536];

	assert_int_equal(pread(b->disk.fds[0], &last, 1, (off_t)n - 1), 1);
	assert_int_equal(last, 0);
	b->rig.lifeline = fd_close(b->rig.lifeline);
	assert_int_equal(rig_wait(&b->rig), 1);
	rig_read_stderr(&b->rig, log, sizeof log);
	assert_null(strstr(log, "not whole"));
}

/* After a kill -9 the state has every call that was answered, and the lane its answers: the same
 * call again gets the first answer, another one under its id is refused, one whose answer was
 * confirmed is not run again. */
static void expect_kept(struct bench *b)
{
	bench_begin(b);
	bench_count(b, 1000);
	bench_kill_and_resume(b, 1000);
	bench_add_as(b, 999, 1);
	assert_int_equal(peer_answer(&b->peer, 999), WAT_TOO_OLD);
	bench_add_as(b, 1000, 1);
	assert_int_equal(peer_answer(&b->peer, 1000), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 1000);
	assert_int_equal(counter_add(&b->peer, 1), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 1001);
	bench_resume(b, 1001);
	bench_add_as(b, 1001, 2);
	assert_int_equal(peer_answer(&b->peer, 1001), WAT_INVALID_ARGUMENT);
	peer_queue_as(&b->peer, 1002, COUNTER_GET, NULL);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 1002), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 1001);
	expect_room(b);
}

static void test_crash(void **state)
{
	expect_kept(*state);
}

static void test_sync(void **state)
{
	struct bench *b = *state;

	b->start.durability = DURABILITY_SYNC;
	expect_kept(b);
}

/* Failures are kept too: a call that failed and is sent again is not tried again. */
static void test_failure_is_kept(void **state)
{
	struct bench *b = *state;

	bench_begin(b);
	bench_count(b, 1);
	assert_int_equal(counter_add(&b->peer, INT64_MAX), WAT_OUT_OF_RANGE);
	bench_kill_and_resume(b, 2);
	bench_add_as(b, 2, INT64_MAX);
	assert_int_equal(peer_answer(&b->peer, 2), WAT_OUT_OF_RANGE);
	probe_expect_text(&b->peer, "does not fit");
	assert_int_equal(counter_read(&b->peer), 1);
}

/* A journal of several segments: with the snapshot of each switch, or an older one and all segments
 * since. */
static void test_segments(void **state)
{
	struct bench *b = *state;

	bench_begin(b);
	for (unsigned i = 0; i < 4; i++) {
		bench_count(b, 10);
		assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_OK);
		assert_int_equal(counter_value_of(b->rig.state, b->rig.n_state), 10 * (i + 1));
		if (i == 1)
			disk_store(&b->disk, &b->rig);
	}
	bench_count(b, 5);
	bench_kill_and_resume(b, 45);
	assert_int_equal(counter_read(&b->peer), 45);
	bench_count(b, 5);
	/* What that generation began with was not stored either. */
	bench_kill_and_resume(b, 51);
	assert_int_equal(counter_read(&b->peer), 50);
	assert_int_equal(bench_kill_and_start(b), WAT_OK);
	disk_store(&b->disk, &b->rig);
	/* One for each call, and one for the lane. */
	assert_int_equal(b->disk.snapshot->last_seq, 51);
	bench_kill_and_resume(b, 51);
	assert_int_equal(counter_read(&b->peer), 50);
}

/* A segment whose host died before it wrote a byte, or a whole header, is nobody's gap: what the
 * next generation appended to the one after it counts. */
static void test_empty_segment(void **state)
{
	struct bench *b = *state;

	bench_begin(b);
	bench_count(b, 3);
	(void)disk_add(&b->disk);
	bench_kill_and_resume(b, 3);
	bench_count(b, 3);
	disk_cut(&b->disk, disk_add(&b->disk), JOURNAL_HEADER_SIZE - 1);
	bench_kill_and_resume(b, 6);
	bench_count(b, 3);
	bench_kill_and_resume(b, 9);
	assert_int_equal(counter_read(&b->peer), 9);
}

/* Of a torn end nothing counts, and what is whole before it does; nothing is ever appended behind
 * it. */
static void test_torn_end(void **state)
{
	struct bench *b = *state;
	size_t before, after;

	bench_begin(b);
	bench_count(b, 3);
	before = disk_size(&b->disk, 1);
	bench_count(b, 1);
	after = disk_size(&b->disk, 1);
	disk_cut(&b->disk, 1, after - 1);
	bench_kill_and_resume(b, 3);
	assert_int_equal(counter_read(&b->peer), 3);
	assert_int_equal(counter_add(&b->peer, 10), WAT_OK);
	bench_kill_and_resume(b, 5);
	assert_int_equal(counter_read(&b->peer), 13);
	assert_int_equal(disk_size(&b->disk, 1), after - 1);
	disk_flip(&b->disk, 1, before - 1);
	assert_int_equal(bench_kill_and_start(b), WAT_OK);
	peer_attach(&b->rig, &b->peer, 1, 9, 2);
	assert_int_equal(counter_read(&b->peer), 2);
}

/* After records that are missing nothing counts: what it followed from is not known. */
static void test_gap(void **state)
{
	struct bench *b = *state;

	bench_begin(b);
	bench_count(b, 3);
	assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_OK);
	bench_count(b, 3);
	disk_flip(&b->disk, 1, disk_size(&b->disk, 1) - 1);
	bench_kill_and_resume(b, 2);
	assert_int_equal(counter_read(&b->peer), 2);
}

/* A segment that another instance or number wrote is none of this one's. */
static void test_foreign_segment(void **state)
{
	struct bench *b = *state;
	int fd;

	bench_begin(b);
	bench_count(b, 3);
	fd = b->disk.fds[0];
	(void)disk_add(&b->disk);
	b->disk.fds[0] = b->disk.fds[1];
	b->disk.fds[1] = fd;
	assert_int_equal(bench_kill_and_start(b), WAT_OK);
	peer_attach(&b->rig, &b->peer, 1, 9, 2);
	assert_int_equal(counter_read(&b->peer), 0);
}

/* An instance that is to be durable does not start without a file for it. */
static void test_no_segment(void **state)
{
	struct bench *b = *state;

	assert_int_equal(rig_start(&b->rig, &b->start), WAT_START_FAILED);
	assert_non_null(strstr(b->rig.failure->text, "segment"));
}

/* A lane that is begun anew has nothing of the one before, in this generation and the next. */
static void test_begun_anew(void **state)
{
	struct bench *b = *state;

	bench_begin(b);
	bench_count(b, 5);
	peer_close(&b->peer);
	peer_attach(&b->rig, &b->peer, 1, 9, 1);
	assert_int_equal(b->peer.last_applied, 0);
	bench_count(b, 2);
	bench_kill_and_resume(b, 2);
	bench_add_as(b, 2, 1);
	assert_int_equal(peer_answer(&b->peer, 2), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 7);
	assert_int_equal(counter_add(&b->peer, 1), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 8);
}

/* A lane that was given back is lost, in the next generation too; so is one of a grant that ended.
 */
static void test_ended(void **state)
{
	static const struct frame drop = {.type = FRAME_DROP};
	struct bench *b = *state;
	struct peer other;

	bench_begin(b);
	bench_count(b, 5);
	peer_attach(&b->rig, &other, 1, 8, 2);
	assert_int_equal(counter_add(&other, 1), WAT_OK);
	peer_queue_frame(&b->peer, &drop, NULL, 0);
	peer_flush(&b->peer);
	peer_close(&b->peer);
	rig_await_channels(&b->rig, 9, 0);
	assert_int_equal(rig_detach(&b->rig, 1, 8), WAT_OK);
	peer_close(&other);
	assert_int_equal(bench_kill_and_start(b), WAT_OK);
	peer_resume(&b->rig, &b->peer, 1, 9, 1);
	assert_int_equal(b->peer.lane, WAT__ENVELOPE__LANE_STATE__LANE_LOST);
	peer_resume(&b->rig, &other, 1, 8, 2);
	assert_int_equal(other.lane, WAT__ENVELOPE__LANE_STATE__LANE_LOST);
	peer_close(&other);
}

static void expect_died(struct bench *b, uint64_t id, const char *part)
{
	assert_int_equal(peer_answer(&b->peer, id), WAT_SERVER_DIED);
	probe_expect_text(&b->peer, part);
}

/* Calls that were taken and open when the host died are answered SERVER_DIED and not run again; an
 * answer of one is kept until it is dropped, whatever the window says. */
static void test_taken(void **state)
{
	static const struct frame drop = {.type = FRAME_DROP, .id = 2};
	struct bench *b = *state;

	bench_use_probe(b);
	bench_begin(b);
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "one"), WAT_OK);
	(void)peer_queue(&b->peer, WAIT, 0, NULL);
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "two"), WAT_OK);
	for (unsigned i = 0; i < 2; i++) {
		bench_kill_and_resume(b, 3);
		peer_queue_as(&b->peer, 2, WAIT, NULL);
		peer_flush(&b->peer);
		expect_died(b, 2, "had taken");
		probe_expect_now(&b->peer, 2, "two", 2);
	}
	peer_queue_frame(&b->peer, &drop, NULL, 0);
	probe_sync(&b->peer);
	bench_kill_and_resume(b, 3);
	peer_queue_as(&b->peer, 2, WAIT, NULL);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 2), WAT_TOO_OLD);
	assert_int_equal(probe_change_by(&b->peer, RELEASE, 0, "none"), WAT_OK);
	assert_int_equal(probe_size_of(&b->peer), 0);
}

/* The answer of a method that may answer later is kept until it is dropped also when it was given
 * at once: the window says nothing of it. */
static void test_prompt(void **state)
{
	struct bench *b = *state;
	probe_change in = PROBE_CHANGE_INIT;

	bench_use_probe(b);
	bench_begin(b);
	assert_int_equal(probe_change_by(&b->peer, PROMPT, 2, "two"), WAT_OK);
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "one"), WAT_OK);
	probe_sync(&b->peer);
	bench_kill_and_resume(b, 2);
	in.n = 2;
	in.note = (char *)"two";
	peer_queue_as(&b->peer, 1, PROMPT, &in.base);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 1), WAT_OK);
	probe_expect_reply(&b->peer, 2, "two", 1);
	probe_expect_now(&b->peer, 3, "one", 2);
}

/* The call that killed the host is answered with the verdict and not run again, whatever it is;
 * those before it that were lost with it are run, and it holds back nothing. */
static void expect_verdict(struct bench *b, uint16_t method)
{
	Wat__Host__Verdict verdict = WAT__HOST__VERDICT__INIT;
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	uint8_t lane[16];

	bench_use_probe(b);
	bench_begin(b);
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "one"), WAT_OK);
	memset(lane, 1, sizeof lane);
	failure.text = (char *)"it broke the host";
	verdict.lane = (ProtobufCBinaryData){sizeof lane, lane};
	verdict.id = 3;
	verdict.status = WAT_SERVER_DIED;
	verdict.failure = &failure;
	b->start.verdict = &verdict;
	assert_int_equal(bench_kill_and_start(b), WAT_OK);
	b->start.verdict = NULL;
	/* It is as durable as what was done. */
	bench_kill_and_resume(b, 1);
	b->peer.last_id = 1;
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "two"), WAT_OK);
	b->peer.window = 1;
	peer_queue_as(&b->peer, 3, method, NULL);
	peer_flush(&b->peer);
	expect_died(b, 3, "broke the host");
	b->peer.window = 0;
	probe_expect_now(&b->peer, 2, "two", 2);
	/* That call confirmed it: nothing is left to say. */
	bench_resume(b, 2);
	peer_queue_as(&b->peer, 3, method, NULL);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 3), method == GET ? WAT_OK : WAT_TOO_OLD);
}

static void test_verdict(void **state)
{
	expect_verdict(*state, CRASH);
}

static void test_verdict_of_a_read(void **state)
{
	expect_verdict(*state, GET);
}

/* A suspension answers those that were taken, and the next host says the same. */
static void test_suspended(void **state)
{
	struct bench *b = *state;

	bench_use_probe(b);
	bench_begin(b);
	(void)peer_queue(&b->peer, WAIT, 0, NULL);
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "one"), WAT_OK);
	assert_int_equal(rig_drain(&b->rig, 1, false), WAT_OK);
	disk_store(&b->disk, &b->rig);
	assert_int_equal(peer_answer(&b->peer, 1), WAT_UNAVAILABLE);
	bench_kill_and_resume(b, 2);
	peer_queue_as(&b->peer, 1, WAIT, NULL);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 1), WAT_UNAVAILABLE);
	probe_expect_text(&b->peer, "not run again");
}

/* For a journal that has grown a new segment is asked for; what it had grown by goes. */
static void test_wants(void **state)
{
	struct bench *b = *state;

	bench_use_probe(b);
	bench_begin(b);
	for (unsigned i = 0; disk_size(&b->disk, 1) <= 4u << 20; i++)
		assert_int_equal(probe_size_by(&b->peer, BIG, 100000), WAT_OK);
	rig_await_wants(&b->rig, 1);
	assert_int_equal(probe_size_by(&b->peer, BIG, 1), WAT_OK);
	assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_OK);
	/* The lane goes along, but for what was confirmed. */
	assert_true(b->rig.snapshot->lanes.len < 1000);
	disk_store(&b->disk, &b->rig);
	bench_kill_and_resume(b, b->peer.last_id);
}

/* While a lane's calls are under way, lanes that make room for it end: whoever reads the record
 * keeps both apart. */
static void test_end_amid_a_batch(void **state)
{
	struct bench *b = *state;
	struct peer old[4];
	probe_size in = PROBE_SIZE_INIT;

	bench_use_probe(b);
	bench_begin(b);
	/* Detached lanes that have nearly all of what a grant may keep. */
	for (uint8_t i = 0; i < 4; i++) {
		peer_attach(&b->rig, &old[i], 1, 9, (uint8_t)(10 + i));
		assert_int_equal(probe_size_by(&old[i], BIG, 1000000), WAT_OK);
		peer_close(&old[i]);
	}
	in.n = 150000;
	for (uint64_t id = 1; id <= 4; id++) {
		b->peer.window = id - 1;
		peer_queue_as(&b->peer, id, BIG, &in.base);
	}
	peer_flush(&b->peer);
	for (uint64_t id = 1; id <= 4; id++)
		assert_int_equal(peer_answer(&b->peer, id), WAT_OK);
	bench_kill_and_resume(b, 4);
	peer_queue_as(&b->peer, 4, BIG, &in.base);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 4), WAT_OK);
	peer_resume(&b->rig, &old[0], 1, 9, 10);
	assert_int_equal(old[0].lane, WAT__ENVELOPE__LANE_STATE__LANE_LOST);
	peer_close(&old[0]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_crash),
		TEST(test_sync),
		TEST(test_failure_is_kept),
		TEST(test_segments),
		TEST(test_empty_segment),
		TEST(test_torn_end),
		TEST(test_gap),
		TEST(test_foreign_segment),
		TEST(test_no_segment),
		TEST(test_begun_anew),
		TEST(test_ended),
		TEST(test_taken),
		TEST(test_prompt),
		TEST(test_verdict),
		TEST(test_verdict_of_a_read),
		TEST(test_suspended),
		TEST(test_wants),
		TEST(test_end_amid_a_batch),
	};

	return test_run_cases(tests, NULL, NULL);
}
