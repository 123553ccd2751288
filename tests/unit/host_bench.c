/* host_bench.c - one instance with a journal and one client of it. Runs in the test's process. */
#include "tests/unit/host_bench.h"

#include <signal.h>
#include <stdlib.h>

#include "tests/unit/host_counter.h"
#include "tests/unit/host_probe.h"

#define CRASH_DURABILITY 2u

void bench_use(struct bench *b, const char *plugin, const char *service, uint64_t hash)
{
	b->start = (struct rig_start){.plugin = plugin,
				      .service = service,
				      .hash = hash,
				      .instance = 1,
				      .generation = 1,
				      .durability = CRASH_DURABILITY};
}

void bench_use_probe(struct bench *b)
{
	bench_use(b, PROBE_PLUGIN, "probe.Probe", probe_interface.hash);
}

int bench_set_up(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	rig_init(&b->rig);
	disk_init(&b->disk);
	b->peer.stream.fd = -1;
	bench_use(b, COUNTER_PLUGIN, "counter.Counter", counter_interface.hash);
	*state = b;
	return 0;
}

int bench_tear_down(void **state)
{
	struct bench *b = *state;

	peer_close(&b->peer);
	disk_deinit(&b->disk);
	rig_deinit(&b->rig);
	free(b);
	return 0;
}

void bench_begin(struct bench *b)
{
	assert_int_equal(disk_start(&b->disk, &b->rig, &b->start), WAT_OK);
	peer_attach(&b->rig, &b->peer, 1, 9, 1);
	assert_int_equal(b->peer.lane, WAT__ENVELOPE__LANE_STATE__LANE_NEW);
}

wat_status bench_kill_and_start(struct bench *b)
{
	assert_int_equal(kill(b->rig.pid, SIGKILL), 0);
	assert_int_equal(rig_wait(&b->rig), -SIGKILL);
	/* Not before: a service may be told that it has gone. */
	peer_close(&b->peer);
	rig_deinit(&b->rig);
	rig_init(&b->rig);
	b->start.generation++;
	return disk_start(&b->disk, &b->rig, &b->start);
}

void bench_resume(struct bench *b, uint64_t last_applied)
{
	peer_close(&b->peer);
	peer_resume(&b->rig, &b->peer, 1, 9, 1);
	assert_int_equal(b->peer.lane, WAT__ENVELOPE__LANE_STATE__LANE_RESUMED);
	assert_int_equal(b->peer.last_applied, last_applied);
}

void bench_kill_and_resume(struct bench *b, uint64_t last_applied)
{
	assert_int_equal(bench_kill_and_start(b), WAT_OK);
	bench_resume(b, last_applied);
}

void bench_count(struct bench *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(counter_add(&b->peer, 1), WAT_OK);
}

void bench_add_as(struct bench *b, uint64_t id, int64_t n)
{
	counter_amount in = COUNTER_AMOUNT_INIT;

	in.n = n;
	peer_queue_as(&b->peer, id, COUNTER_INCREMENT, &in.base);
	peer_flush(&b->peer);
}
