/* test_host_withdrawn.c - what can't be journaled was never done: whoever called is told so, the
 * state and the lanes are as before, and the instance goes on when there is room again. The journal
 * is held down by RLIMIT_FSIZE, or by a small disk. With counter.so, probe.so and guest.so. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "guest.service.h"
#include "daemon/host/journal.h"
#include "tests/lib/cases.h"
#include "tests/unit/host_bench.h"
#include "tests/unit/host_counter.h"
#include "tests/unit/host_probe.h"

enum guest_cache_method {
	CACHE_PUT,
	CACHE_FIND,
	CACHE_ABOUT,
	CACHE_PUT_THEN_FAIL,
	CACHE_REFUSE,
	CACHE_PUT_THEN_PANIC
};

/* No file of the host can get longer than that. */
static void limit(struct bench *b, rlim_t size)
{
	struct rlimit limit = {size, RLIM_INFINITY};

	assert_int_equal(prlimit(b->rig.pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* The segment at hand has no room for one byte more. */
static void fill_disk(struct bench *b)
{
	limit(b, disk_size(&b->disk, b->disk.n));
}

static void empty_disk(struct bench *b)
{
	limit(b, RLIM_INFINITY);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect_not_applied(struct bench *b, uint64_t id)
{
	assert_int_equal(peer_answer(&b->peer, id), WAT_RESOURCE_EXHAUSTED);
	probe_expect_text(&b->peer, "not applied");
}

static void bench_begin_probe(struct bench *b)
{
	bench_use_probe(b);
	bench_begin(b);
}

/* Calls that can't be journaled are answered RESOURCE_EXHAUSTED, "not applied", and so is a read
 * that saw them; other reads go on, and so does everything when there is room again. */
static void test_full_disk(void **state)
{
	struct bench *b = *state;
	counter_amount in = COUNTER_AMOUNT_INIT;
	size_t size;

	bench_begin(b);
	bench_count(b, 3);
	fill_disk(b);
	size = disk_size(&b->disk, 1);
	in.n = 1;
	(void)peer_queue(&b->peer, COUNTER_INCREMENT, 0, &in.base);
	(void)peer_queue(&b->peer, COUNTER_GET, 0, NULL);
	(void)peer_queue(&b->peer, COUNTER_INCREMENT, 0, &in.base);
	peer_flush(&b->peer);
	for (uint64_t id = 4; id <= 6; id++)
		expect_not_applied(b, id);
	assert_int_equal(counter_read(&b->peer), 3);
	assert_int_equal(disk_size(&b->disk, 1), size);
	empty_disk(b);
	assert_int_equal(counter_add(&b->peer, 1), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 4);
	bench_kill_and_resume(b, 8);
	assert_int_equal(counter_read(&b->peer), 4);
}

/* A part of a record that was written is cut off again. */
static void test_short_write(void **state)
{
	struct bench *b = *state;
	size_t size;

	bench_begin(b);
	bench_count(b, 3);
	size = disk_size(&b->disk, 1);
	for (size_t room = 1; room < 300; room += 7) {
		limit(b, size + room);
		(void)counter_add(&b->peer, 1);
		if (b->peer.frame.type == FRAME_REPLY)
			break;
		assert_int_equal(disk_size(&b->disk, 1), size);
	}
	assert_int_equal(b->peer.frame.type, FRAME_REPLY);
	assert_int_equal(counter_reply_of(&b->peer), 4);
	empty_disk(b);
	bench_kill_and_resume(b, b->peer.last_id);
	assert_int_equal(counter_read(&b->peer), 4);
}

/* A call that was withdrawn is sent again, under its id or another one, and done then. */
static void test_sent_again(void **state)
{
	struct bench *b = *state;

	bench_begin(b);
	bench_count(b, 3);
	fill_disk(b);
	assert_int_equal(counter_add(&b->peer, 1), WAT_RESOURCE_EXHAUSTED);
	empty_disk(b);
	bench_resume(b, 3);
	bench_add_as(b, 4, 1);
	assert_int_equal(peer_answer(&b->peer, 4), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 4);
}

/* What is answered in the same batch and was not done in it stands: the kept answer of a call that
 * was done before, a refusal that says that one may have been, a PONG. */
static void test_what_stands(void **state)
{
	static const struct frame ping = {.type = FRAME_PING, .id = 77};
	struct bench *b = *state;
	counter_amount in = COUNTER_AMOUNT_INIT;

	bench_begin(b);
	bench_count(b, 3);
	bench_resume(b, 3);
	fill_disk(b);
	in.n = 1;
	b->peer.window = 0;
	peer_queue_as(&b->peer, 2, COUNTER_INCREMENT, &in.base);
	peer_queue_as(&b->peer, 3, COUNTER_INCREMENT, &in.base);
	b->peer.window = 1;
	peer_queue_as(&b->peer, 4, COUNTER_INCREMENT, &in.base);
	peer_queue_frame(&b->peer, &ping, NULL, 0);
	b->peer.window = 2;
	peer_queue_as(&b->peer, 5, COUNTER_INCREMENT, &in.base);
	b->peer.window = 0;
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 2), WAT_TOO_OLD);
	assert_int_equal(peer_answer(&b->peer, 3), WAT_OK);
	assert_int_equal(counter_reply_of(&b->peer), 3);
	expect_not_applied(b, 4);
	assert_true(peer_read(&b->peer));
	assert_int_equal(b->peer.frame.type, FRAME_PONG);
	expect_not_applied(b, 5);
	assert_int_equal(counter_read(&b->peer), 3);
}

/* A call that was taken in the batch is not taken; one that was taken before and answered in it is
 * answered otherwise, and its client may ask again. */
static void test_taken(void **state)
{
	static const struct frame drop = {.type = FRAME_DROP, .id = 1};
	struct bench *b = *state;
	probe_change in = PROBE_CHANGE_INIT;
	uint64_t id;

	bench_begin_probe(b);
	(void)peer_queue(&b->peer, WAIT, 0, NULL);
	probe_sync(&b->peer);
	fill_disk(b);
	id = peer_queue(&b->peer, WAIT, 0, NULL);
	peer_flush(&b->peer);
	expect_not_applied(b, id);
	in.n = 1;
	in.note = (char *)"x";
	id = peer_queue(&b->peer, RELEASE, 0, &in.base);
	peer_flush(&b->peer);
	expect_not_applied(b, 1);
	expect_not_applied(b, id);
	empty_disk(b);
	for (unsigned i = 0; i < 2; i++) {
		bench_resume(b, 1);
		peer_queue_as(&b->peer, 1, WAIT, NULL);
		peer_flush(&b->peer);
		expect_not_applied(b, 1);
	}
	peer_queue_frame(&b->peer, &drop, NULL, 0);
	probe_expect_now(&b->peer, 0, "", 0);
	bench_kill_and_resume(b, 1);
	peer_queue_as(&b->peer, 1, WAIT, NULL);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 1), WAT_TOO_OLD);
}

/* The ends of lanes and answers that were dropped are promised to nobody: a full disk fails no read
 * for them, and they are in the journal when there is room again. */
static void test_helps_to_forget(void **state)
{
	static const struct frame drop = {.type = FRAME_DROP},
				  drop_one = {.type = FRAME_DROP, .id = 1};
	struct bench *b = *state;
	struct peer other;

	bench_begin_probe(b);
	peer_attach(&b->rig, &other, 1, 9, 2);
	assert_int_equal(probe_change_by(&other, ADD, 1, "other"), WAT_OK);
	assert_int_equal(probe_change_by(&b->peer, PROMPT, 1, "prompt"), WAT_OK);
	fill_disk(b);
	peer_queue_frame(&other, &drop, NULL, 0);
	peer_flush(&other);
	peer_close(&other);
	rig_await_channels(&b->rig, 9, 1);
	peer_queue_frame(&b->peer, &drop_one, NULL, 0);
	probe_expect_now(&b->peer, 2, "prompt", 2);
	/* A batch that is withdrawn takes none of them along. */
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "no"), WAT_RESOURCE_EXHAUSTED);
	peer_attach(&b->rig, &other, 1, 9, 3);
	assert_int_equal(peer_call(&other, GET, NULL), WAT_OK);
	peer_close(&other);
	empty_disk(b);
	assert_int_equal(probe_change_by(&b->peer, ADD, 1, "yes"), WAT_OK);
	bench_kill_and_resume(b, b->peer.last_id);
	peer_queue_as(&b->peer, 1, PROMPT, NULL);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 1), WAT_TOO_OLD);
	peer_resume(&b->rig, &other, 1, 9, 2);
	assert_int_equal(other.lane, WAT__ENVELOPE__LANE_STATE__LANE_LOST);
	peer_close(&other);
}

/* A switch that finds no room gives no snapshot, and the old segment goes on. */
static void test_switch(void **state)
{
	struct bench *b = *state;

	bench_begin(b);
	bench_count(b, 3);
	limit(b, JOURNAL_HEADER_SIZE - 1);
	assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_RESOURCE_EXHAUSTED);
	assert_null(b->rig.snapshot);
	empty_disk(b);
	bench_count(b, 3);
	assert_true(disk_size(&b->disk, 2) < JOURNAL_HEADER_SIZE);
	assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_OK);
	bench_count(b, 3);
	bench_kill_and_resume(b, 9);
	assert_int_equal(counter_read(&b->peer), 9);
}

static void put(struct bench *b, uint16_t method, const char *key)
{
	guest_entry in = GUEST_ENTRY_INIT;

	in.key = (char *)key;
	in.value = 1;
	(void)peer_queue(&b->peer, method, 0, &in.base);
}

/* So many calls before it are not answered yet. */
static void put_behind(struct bench *b, uint64_t n, uint16_t method, const char *key)
{
	b->peer.window = n;
	put(b, method, key);
	b->peer.window = 0;
}

static int64_t entries_of(struct bench *b)
{
	guest_facts *facts;
	int64_t n;

	assert_int_equal(peer_call(&b->peer, CACHE_ABOUT, NULL), WAT_OK);
	facts = guest__facts__unpack(NULL, b->peer.frame.body_len, b->peer.body);
	assert_non_null(facts);
	n = facts->n_entries;
	guest_facts_free(facts);
	return n;
}

static void begin_cache(struct bench *b)
{
	bench_use(b, WAT_BUILD_DIR "/tests/plugins/guest.so", "guest.Cache",
		  guest_cache_interface.hash);
	bench_begin(b);
	put(b, CACHE_PUT, "a");
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 1), WAT_OK);
}

/* A panic leaves a live form in doubt. What calls before it in the same batch did to that is lost
 * with it, so they are run again; the one that broke off is not; each is answered once, in order,
 * and so is what came between. */
static void test_panic_amid_a_batch(void **state)
{
	static const struct frame ping = {.type = FRAME_PING, .id = 77};
	struct bench *b = *state;

	begin_cache(b);
	put(b, CACHE_PUT, "b");
	peer_queue_frame(&b->peer, &ping, NULL, 0);
	put_behind(b, 1, CACHE_PUT_THEN_PANIC, "c");
	put_behind(b, 2, CACHE_PUT, "d");
	put_behind(b, 3, CACHE_PUT_THEN_PANIC, "e");
	put_behind(b, 4, CACHE_PUT, "f");
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 2), WAT_OK);
	assert_true(peer_read(&b->peer));
	assert_int_equal(b->peer.frame.type, FRAME_PONG);
	assert_int_equal(peer_answer(&b->peer, 3), WAT_SERVER_DIED);
	assert_int_equal(peer_answer(&b->peer, 4), WAT_OK);
	assert_int_equal(peer_answer(&b->peer, 5), WAT_SERVER_DIED);
	assert_int_equal(peer_answer(&b->peer, 6), WAT_OK);
	assert_int_equal(entries_of(b), 4);
	bench_kill_and_resume(b, 6);
	put(b, CACHE_PUT, "g");
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 7), WAT_OK);
	assert_int_equal(entries_of(b), 5);
}

/* The same over a channel that goes on with the lane: the call that broke off is not run for
 * whoever asks again. */
static void test_panic_is_kept(void **state)
{
	struct bench *b = *state;

	begin_cache(b);
	put(b, CACHE_PUT, "b");
	put_behind(b, 1, CACHE_PUT_THEN_PANIC, "c");
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 2), WAT_OK);
	assert_int_equal(peer_answer(&b->peer, 3), WAT_SERVER_DIED);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			bench_resume(b, 2);
		else
			bench_kill_and_resume(b, 2);
		b->peer.last_id = 1;
		put(b, CACHE_PUT, "b");
		put_behind(b, 1, CACHE_PUT_THEN_PANIC, "c");
		peer_flush(&b->peer);
		assert_int_equal(peer_answer(&b->peer, 2), WAT_OK);
		assert_int_equal(peer_answer(&b->peer, 3), WAT_SERVER_DIED);
		b->peer.window = 2;
		assert_int_equal(entries_of(b), 2);
	}
}

/* Who one is outside, one is inside. */
static void map_ids(unsigned uid, unsigned gid)
{
	char map[64];

	(void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", map);
}

/* A file system of its own, of 64 KiB. False: this machine does not allow that. */
static bool mount_small(char *ret_dir, size_t size)
{
	unsigned uid = geteuid(), gid = getegid();

	test_make_dir(ret_dir, size);
	if (unshare(CLONE_NEWNS) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return false;
		map_ids(uid, gid);
	}
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", ret_dir, "tmpfs", 0, "size=64k") == 0;
}

/* Takes half of it. */
static void put_ballast(const char *dir, char *path, size_t size)
{
	static const char zeros[32768];
	FILE *file;

	(void)snprintf(path, size, "%s/ballast", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(zeros, 1, sizeof zeros, file), sizeof zeros);
	assert_int_equal(fclose(file), 0);
}

/* Adds until the disk is full; how often it said yes. */
static int64_t add_until_full(struct bench *b)
{
	int64_t n = 0;

	while (counter_add(&b->peer, 1) == WAT_OK)
		n++;
	assert_int_equal(b->peer.frame.budget, WAT_RESOURCE_EXHAUSTED);
	probe_expect_text(&b->peer, "the disk is full");
	return n;
}

/* A disk that is full to the last byte: what it has no room for was not applied, what was answered
 * before is there; a start needs room for its segment; and with room it goes on. */
static void test_no_space(void **state)
{
	struct bench *b = *state;
	char dir[64], ballast[80];
	int64_t n;

	if (!mount_small(dir, sizeof dir)) {
		(void)rmdir(dir);
		skip();
	}
	put_ballast(dir, ballast, sizeof ballast);
	b->disk.dir = dir;
	bench_begin(b);
	n = add_until_full(b);
	assert_int_equal(counter_read(&b->peer), n);
	assert_int_equal(bench_kill_and_start(b), WAT_START_FAILED);
	assert_non_null(strstr(b->rig.failure->text, "No space left"));
	assert_int_equal(unlink(ballast), 0);
	bench_kill_and_resume(b, (uint64_t)n);
	assert_int_equal(counter_add(&b->peer, 1), WAT_OK);
	bench_kill_and_resume(b, (uint64_t)n + 1);
	assert_int_equal(counter_read(&b->peer), n + 1);
	disk_deinit(&b->disk);
	disk_init(&b->disk);
	peer_close(&b->peer);
	rig_deinit(&b->rig);
	rig_init(&b->rig);
	assert_int_equal(umount(dir), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_full_disk),     TEST(test_short_write),
		TEST(test_sent_again),    TEST(test_what_stands),
		TEST(test_taken),         TEST(test_helps_to_forget),
		TEST(test_switch),        TEST(test_panic_amid_a_batch),
		TEST(test_panic_is_kept), TEST(test_no_space),
	};

	return test_run_cases(tests, NULL, NULL);
}
