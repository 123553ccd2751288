/* test_host_calls.c - a journal of calls: a host that died is made again by running them, with the
 * time and the randomness that they were given; what they answer then has to be what they answered.
 * With tally.so, drift.so and counter.so. rows 11, 50, 57 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/journal.h"
#include "drift.service.h"
#include "tally.service.h"
#include "tests/lib/cases.h"
#include "tests/unit/host_bench.h"
#include "tests/unit/host_counter.h"

#define TALLY_PLUGIN WAT_BUILD_DIR "/tests/plugins/tally.so"
#define DRIFT_PLUGIN WAT_BUILD_DIR "/tests/plugins/drift.so"

enum tally_method { TALLY_GET, TALLY_ADD, TALLY_FAIL, TALLY_PANIC, TALLY_DRAW, TALLY_PAD };
enum heap_method { HEAP_GET, HEAP_PUSH, HEAP_PANIC, HEAP_TOO_MUCH };
enum drift_method { DRIFT_GET, DRIFT_ADD, DRIFT_LOOK, DRIFT_ONCE, DRIFT_DIE };

static void begin_tally(struct bench *b)
{
	bench_use(b, TALLY_PLUGIN, "tally.Tally", tally_interface.hash);
	bench_begin(b);
}

static void begin_heap(struct bench *b)
{
	bench_use(b, TALLY_PLUGIN, "tally.Heap", tally_heap_interface.hash);
	bench_begin(b);
}

static wat_status amount(struct bench *b, uint16_t method, int64_t n)
{
	tally_amount in = TALLY_AMOUNT_INIT;

	in.n = n;
	return peer_call(&b->peer, method, &in.base);
}

static wat_status size(struct bench *b, uint16_t method, uint64_t n)
{
	tally_size in = TALLY_SIZE_INIT;

	in.n = n;
	return peer_call(&b->peer, method, &in.base);
}

/* Bytes of the last answer. */
struct copy {
	size_t n;
	uint8_t bytes[4096];
};

static struct copy copy_of(const struct bench *b)
{
	struct copy copy = {.n = b->peer.frame.body_len};

	assert_true(copy.n <= sizeof copy.bytes);
	memcpy(copy.bytes, b->peer.body, copy.n);
	return copy;
}

static void expect_same(const struct copy *one, const struct copy *other)
{
	assert_int_equal(one->n, other->n);
	assert_memory_equal(one->bytes, other->bytes, one->n);
}

static struct copy get(struct bench *b)
{
	assert_int_equal(peer_call(&b->peer, 0, NULL), WAT_OK);
	return copy_of(b);
}

/* How many items of the kind the segment has. */
static unsigned count_items(const struct bench *b, unsigned number, enum record_kind kind)
{
	size_t n = disk_size(&b->disk, number), at = JOURNAL_HEADER_SIZE, n_body, n_record, i;
	uint8_t *bytes = malloc(n), key[RECORD_KEY_SIZE], id[16];
	struct record_item item;
	const uint8_t *body;
	unsigned found = 0;
	struct journal_header header;

	memset(id, 1, sizeof id);
	assert_int_equal(pread(b->disk.fds[number - 1], bytes, n, 0), n);
	assert_int_equal(journal_read_header(bytes, n, id, &header), 0);
	record_key(id, header.generation, header.segment, key);
	for (; record_read(bytes + at, n - at, header.first_seq, key, &body, &n_body, &n_record);
	     at += n_record, header.first_seq++)
		for (i = 0; record_next(body, n_body, &i, &item) > 0;)
			found += item.kind == kind;
	/* Room for the next one. */
	while (at < n && bytes[at] == 0)
		at++;
	assert_int_equal(at, n);
	free(bytes);
	return found;
}

/* Time, randomness, user, connection, invocation and id: a call that is run again gets all of it as
 * it was, its state is the same to the byte, and so is its answer, which is asked for again. The
 * journal has no state. */
static void test_run_again(void **state)
{
	struct bench *b = *state;
	struct copy answers[20], before, after;

	begin_tally(b);
	for (int i = 0; i < 20; i++) {
		b->peer.window = (uint64_t)i;
		assert_int_equal(amount(b, TALLY_ADD, i), WAT_OK);
		answers[i] = copy_of(b);
	}
	b->peer.window = 20;
	before = get(b);
	assert_int_equal(count_items(b, 1, RECORD_STATE), 0);
	assert_int_equal(count_items(b, 1, RECORD_CALL), 20);
	bench_kill_and_resume(b, 20);
	b->peer.window = 20;
	after = get(b);
	expect_same(&before, &after);
	for (int i = 0; i < 20; i++) {
		tally_amount in = TALLY_AMOUNT_INIT;

		in.n = i;
		bench_resume(b, 20);
		b->peer.window = (uint64_t)i;
		peer_queue_as(&b->peer, (uint64_t)i + 1, TALLY_ADD, &in.base);
		peer_flush(&b->peer);
		assert_int_equal(peer_answer(&b->peer, (uint64_t)i + 1), WAT_OK);
		after = copy_of(b);
		expect_same(&answers[i], &after);
	}
}

/* A second death before anything is stored: the records of both generations are run, in order. */
static void test_generations(void **state)
{
	struct bench *b = *state;
	struct copy before, after;

	begin_tally(b);
	for (uint64_t round = 1; round <= 4; round++) {
		for (int i = 0; i < 5; i++)
			assert_int_equal(amount(b, TALLY_ADD, 3), WAT_OK);
		before = get(b);
		bench_kill_and_resume(b, b->peer.last_id - 1);
		after = get(b);
		expect_same(&before, &after);
	}
}

/* A handler that failed or panicked left nothing, so there is nothing to run again. */
static void test_failures(void **state)
{
	struct bench *b = *state;
	struct copy before, after;

	begin_tally(b);
	assert_int_equal(amount(b, TALLY_ADD, 1), WAT_OK);
	assert_int_equal(amount(b, TALLY_FAIL, 1), WAT_ABORTED);
	assert_int_equal(amount(b, TALLY_PANIC, 1), WAT_SERVER_DIED);
	assert_int_equal(amount(b, TALLY_ADD, 1), WAT_OK);
	before = get(b);
	assert_int_equal(count_items(b, 1, RECORD_CALL), 2);
	assert_int_equal(count_items(b, 1, RECORD_DONE), 4);
	bench_kill_and_resume(b, 4);
	after = get(b);
	expect_same(&before, &after);
}

/* A call that drew more than a journal takes is recorded by what it left. */
static void test_too_much(void **state)
{
	struct bench *b = *state;
	struct copy before, after;

	begin_tally(b);
	assert_int_equal(amount(b, TALLY_ADD, 1), WAT_OK);
	assert_int_equal(size(b, TALLY_DRAW, 2u << 20), WAT_OK);
	assert_int_equal(amount(b, TALLY_ADD, 1), WAT_OK);
	before = get(b);
	assert_int_equal(count_items(b, 1, RECORD_STATE), 1);
	assert_true(disk_size(&b->disk, 1) < 10000);
	bench_kill_and_resume(b, 3);
	after = get(b);
	expect_same(&before, &after);
}

/* What a lifecycle handler left is recorded as a state: those are not run again. */
static void test_disconnect(void **state)
{
	struct bench *b = *state;
	struct copy before, after;

	begin_tally(b);
	assert_int_equal(amount(b, TALLY_ADD, 1), WAT_OK);
	peer_close(&b->peer);
	rig_await_channels(&b->rig, 9, 0);
	peer_resume(&b->rig, &b->peer, 1, 9, 1);
	assert_int_equal(amount(b, TALLY_ADD, 1), WAT_OK);
	before = get(b);
	assert_int_equal(count_items(b, 1, RECORD_STATE), 1);
	bench_kill_and_resume(b, b->peer.last_id - 1);
	after = get(b);
	expect_same(&before, &after);
}

static void limit(struct bench *b, rlim_t bytes)
{
	struct rlimit l = {bytes, RLIM_INFINITY};

	assert_int_equal(prlimit(b->rig.pid, RLIMIT_FSIZE, &l, NULL), 0);
}

/* A batch that can't be written is taken back by running the journal again up to it, also after the
 * instance went on in another segment; what is done then is recovered. */
static void withdraw(struct bench *b, uint16_t method)
{
	struct copy before, after;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(amount(b, method, i), WAT_OK);
		before = get(b);
		limit(b, disk_size(&b->disk, b->disk.n));
		assert_int_equal(amount(b, method, 100), WAT_RESOURCE_EXHAUSTED);
		after = get(b);
		expect_same(&before, &after);
		assert_int_equal(amount(b, method, 100), WAT_RESOURCE_EXHAUSTED);
		limit(b, RLIM_INFINITY);
		assert_int_equal(amount(b, method, 7), WAT_OK);
		if (round == 1) {
			assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_OK);
			disk_store(&b->disk, &b->rig);
		}
	}
	before = get(b);
	bench_kill_and_resume(b, b->peer.last_id - 1);
	after = get(b);
	expect_same(&before, &after);
}

static void test_withdrawn(void **state)
{
	begin_tally(*state);
	withdraw(*state, TALLY_ADD);
}

/* The values on the heap, without the count of loads. */
static struct copy values(struct bench *b)
{
	struct copy copy = {0};
	tally_heap_state *heap;

	(void)get(b);
	heap = tally__heap_state__unpack(NULL, b->peer.frame.body_len, b->peer.body);
	assert_non_null(heap);
	copy.n = heap->n_values * sizeof(*heap->values);
	assert_true(copy.n <= sizeof copy.bytes);
	if (copy.n > 0)
		memcpy(copy.bytes, heap->values, copy.n);
	tally_heap_state_free(heap);
	return copy;
}

static void test_heap_withdrawn(void **state)
{
	struct bench *b = *state;
	struct copy before, after;

	begin_heap(b);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(amount(b, HEAP_PUSH, i), WAT_OK);
		before = values(b);
		limit(b, disk_size(&b->disk, b->disk.n));
		assert_int_equal(amount(b, HEAP_PUSH, 100), WAT_RESOURCE_EXHAUSTED);
		after = values(b);
		expect_same(&before, &after);
		limit(b, RLIM_INFINITY);
		assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_OK);
		disk_store(&b->disk, &b->rig);
		assert_int_equal(amount(b, HEAP_PUSH, 7), WAT_OK);
	}
	before = values(b);
	bench_kill_and_resume(b, b->peer.last_id - 1);
	after = values(b);
	expect_same(&before, &after);
	assert_int_equal(count_items(b, b->disk.n - 1, RECORD_STATE), 0);
}

static void queue(struct bench *b, uint16_t method, int64_t n)
{
	tally_amount in = TALLY_AMOUNT_INIT;

	in.n = n;
	(void)peer_queue(&b->peer, method, 0, &in.base);
}

/* A panic in the middle of a batch: the live form is built again out of the journal, the calls
 * before it in the batch are run again, and nothing of the call that broke off is there. */
static void test_heap_panic(void **state)
{
	struct bench *b = *state;
	struct copy before, after;
	int64_t expected[] = {1, 2, 3, 4};

	begin_heap(b);
	assert_int_equal(amount(b, HEAP_PUSH, 1), WAT_OK);
	b->peer.window = 1;
	queue(b, HEAP_PUSH, 2);
	queue(b, HEAP_PANIC, 50);
	queue(b, HEAP_PUSH, 3);
	peer_flush(&b->peer);
	assert_int_equal(peer_answer(&b->peer, 2), WAT_OK);
	assert_int_equal(peer_answer(&b->peer, 3), WAT_SERVER_DIED);
	assert_int_equal(peer_answer(&b->peer, 4), WAT_OK);
	assert_int_equal(amount(b, HEAP_PANIC, 60), WAT_SERVER_DIED);
	assert_int_equal(amount(b, HEAP_PUSH, 4), WAT_OK);
	before = values(b);
	assert_int_equal(before.n, sizeof expected);
	assert_memory_equal(before.bytes, expected, sizeof expected);
	bench_kill_and_resume(b, 6);
	after = values(b);
	expect_same(&before, &after);
}

/* What was done to a live form stays done, though its answer could not be sent. */
static void test_heap_too_much(void **state)
{
	struct bench *b = *state;
	struct copy before, after;

	begin_heap(b);
	assert_int_equal(amount(b, HEAP_PUSH, 1), WAT_OK);
	assert_int_equal(amount(b, HEAP_TOO_MUCH, 2), WAT_RESOURCE_EXHAUSTED);
	before = values(b);
	assert_int_equal(before.n, 2 * sizeof(int64_t));
	bench_kill_and_resume(b, 2);
	after = values(b);
	expect_same(&before, &after);
}

static void begin_drift(struct bench *b)
{
	drift_amount in = DRIFT_AMOUNT_INIT;

	bench_use(b, DRIFT_PLUGIN, "drift.Drift", drift_interface.hash);
	bench_begin(b);
	in.n = 5;
	assert_int_equal(peer_call(&b->peer, DRIFT_ADD, &in.base), WAT_OK);
}

/* One more call, which says the process that runs it. */
static void drift(struct bench *b, enum drift_method method)
{
	drift_amount in = DRIFT_AMOUNT_INIT;

	in.n = b->rig.pid;
	assert_int_equal(peer_call(&b->peer, (uint16_t)method, &in.base), WAT_OK);
}

static void expect_diverged(const struct rig *rig, const char *method, const char *part)
{
	const Wat__Envelope__Cause *cause;

	assert_non_null(rig->failure);
	assert_int_equal(rig->failure->n_chain, 1);
	cause = rig->failure->chain[0];
	assert_int_equal(cause->kind, WAT__ENVELOPE__CAUSE_KIND__DIVERGED);
	assert_string_equal(cause->method, method);
	assert_string_equal(cause->instance, "c1");
	if (!strstr(cause->text, part) || !strstr(cause->text, "call 2") ||
	    !strstr(cause->text, "record 3"))
		fail_msg("\"%s\" and the place are not in \"%s\"", part, cause->text);
}

/* A service that asks the kernel for the time answers otherwise when it is run again: it does not
 * start, and the chain says which call of which method differs. Nothing of its journal is touched.
 */
static void test_differs(void **state)
{
	struct bench *b = *state;
	size_t before;

	begin_drift(b);
	drift(b, DRIFT_LOOK);
	before = disk_size(&b->disk, 1);
	assert_int_equal(bench_kill_and_start(b), WAT_START_FAILED);
	expect_diverged(&b->rig, "AddAndLook", "its answer is not the one that was given");
	assert_int_equal(disk_size(&b->disk, 1), before);
	assert_int_equal(disk_size(&b->disk, 2), 0);
}

/* One that breaks off when it is run again differs, too. */
static void test_panics_again(void **state)
{
	struct bench *b = *state;

	begin_drift(b);
	drift(b, DRIFT_ONCE);
	assert_int_equal(bench_kill_and_start(b), WAT_START_FAILED);
	expect_diverged(&b->rig, "AddOnce", "panics now");
}

/* The state as of each record, in a host that writes nothing and serves nobody; what is not there
 * is refused. */
static void test_replay(void **state)
{
	struct bench *b = *state;
	struct copy states[8];
	struct stat untouched, still;

	begin_tally(b);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(amount(b, TALLY_ADD, i * 10), WAT_OK);
		states[i] = get(b);
		if (i == 1) {
			assert_int_equal(disk_roll(&b->disk, &b->rig, 1), WAT_OK);
			disk_store(&b->disk, &b->rig);
		}
	}
	assert_int_equal(fstat(b->disk.fds[b->disk.n - 1], &untouched), 0);
	/* The first record is that of the lane. */
	for (uint64_t to = 1; to <= 10; to++) {
		struct rig_start start = b->start;
		struct copy then = {0};
		struct rig other;

		rig_init(&other);
		start.recover_only = start.replay = true;
		start.replay_to = to;
		start.replay_to_end = to == 1;
		if (to == 2 || to == 10) {
			assert_int_equal(disk_replay(&b->disk, &other, &start), WAT_OUT_OF_RANGE);
			assert_non_null(
				strstr(other.failure->text, to == 2 ? "before the oldest checkpoint"
								    : "the newest is record 9"));
		} else {
			assert_int_equal(disk_replay(&b->disk, &other, &start), WAT_OK);
			assert_int_equal(other.snapshot->last_seq, to > 1 ? to : 9);
			then.n = other.n_state;
			memcpy(then.bytes, other.state, other.n_state);
			expect_same(&states[to > 1 ? to - 2 : 7], &then);
		}
		rig_deinit(&other);
	}
	assert_int_equal(fstat(b->disk.fds[b->disk.n - 1], &still), 0);
	assert_int_equal(untouched.st_size, still.st_size);
	assert_int_equal(untouched.st_mtim.tv_nsec, still.st_mtim.tv_nsec);
	assert_int_equal(amount(b, TALLY_ADD, 1), WAT_OK);
}

/* A journal of states has nothing to run. */
static void test_no_calls(void **state)
{
	struct bench *b = *state;
	struct rig_start start;
	struct rig other;

	bench_begin(b);
	bench_count(b, 3);
	start = b->start;
	start.recover_only = start.replay = start.replay_to_end = true;
	rig_init(&other);
	assert_int_equal(disk_replay(&b->disk, &other, &start), WAT_FAILED_PRECONDITION);
	assert_non_null(strstr(other.failure->text, "counter.Counter is not deterministic"));
	rig_deinit(&other);
}

/* Another host that is only to give the last state runs the calls, too. */
static void test_last(void **state)
{
	struct bench *b = *state;
	struct rig_start start;
	struct copy expected, last = {0};
	struct rig other;

	begin_heap(b);
	for (int i = 0; i < 5; i++)
		assert_int_equal(amount(b, HEAP_PUSH, i), WAT_OK);
	expected = values(b);
	start = b->start;
	start.recover_only = true;
	rig_init(&other);
	assert_int_equal(disk_replay(&b->disk, &other, &start), WAT_OK);
	{
		tally_heap_state *heap =
			tally__heap_state__unpack(NULL, other.n_state, other.state);

		assert_non_null(heap);
		last.n = heap->n_values * sizeof(*heap->values);
		memcpy(last.bytes, heap->values, last.n);
		tally_heap_state_free(heap);
	}
	expect_same(&expected, &last);
	rig_deinit(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_again),      cmocka_unit_test(test_generations),
		cmocka_unit_test(test_failures),       cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_disconnect),     cmocka_unit_test(test_withdrawn),
		cmocka_unit_test(test_heap_withdrawn), cmocka_unit_test(test_heap_panic),
		cmocka_unit_test(test_heap_too_much),  cmocka_unit_test(test_differs),
		cmocka_unit_test(test_panics_again),   cmocka_unit_test(test_replay),
		cmocka_unit_test(test_no_calls),       cmocka_unit_test(test_last),
	};

	return test_run_cases(tests, bench_set_up, bench_tear_down);
}
