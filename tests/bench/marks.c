/* marks.c - what the design promises, against what was measured. Pure. */
#include "tests/bench/report.h"

const struct mark marks[N_MARKS] = {
	{"round trip, thread, of raw", PINNED, LOAD_ROUND_TRIP, THREAD, RAW, false, 1.3},
	{"round trip, process, of raw", PINNED, LOAD_ROUND_TRIP, PROCESS, RAW, false, 1.3},
	{"pipelined, thread, of messages", PINNED, LOAD_PIPELINED, THREAD, MESSAGES, true, 0.4},
	{"pipelined, process, of messages", PINNED, LOAD_PIPELINED, PROCESS, MESSAGES, true, 0.4},
	{"pipelined, thread, of raw", PINNED, LOAD_PIPELINED, THREAD, RAW, true, 0},
	{"pipelined, process, of raw", PINNED, LOAD_PIPELINED, PROCESS, RAW, true, 0},
	{"pipelined, thread, of Redis", PINNED, LOAD_PIPELINED, THREAD, REDIS, true, 1.4},
	{"pipelined, process, of Redis", PINNED, LOAD_PIPELINED, PROCESS, REDIS, true, 1.4},
	{"pipelined, thread, crash of none", PINNED, LOAD_PIPELINED, THREAD_CRASH, THREAD, true,
	 0.7},
	{"pipelined, process, crash of none", PINNED, LOAD_PIPELINED, PROCESS_CRASH, PROCESS, true,
	 0.7},
	{"pipelined, thread, crash, of Redis", PINNED, LOAD_PIPELINED, THREAD_CRASH, REDIS, true,
	 1.2},
	{"pipelined, process, crash, of Redis", PINNED, LOAD_PIPELINED, PROCESS_CRASH, REDIS, true,
	 1.2},
	{"round trip, TCP, of raw TCP", PINNED, LOAD_ROUND_TRIP, PROCESS_TCP, RAW_TCP, false, 2.5},
	{"pipelined, TCP, of Redis", PINNED, LOAD_PIPELINED, PROCESS_TCP, REDIS_TCP, true, 0.5},
	{"pipelined, TCP, of gRPC", PINNED, LOAD_PIPELINED, PROCESS_TCP, GRPC, true, 25},
	{"pipelined, thread, sync, of SQLite", UNPINNED, LOAD_PIPELINED, THREAD_SYNC, SQLITE, true,
	 40},
	{"pipelined, process, sync, of SQLite", UNPINNED, LOAD_PIPELINED, PROCESS_SYNC, SQLITE,
	 true, 40},
};

static const struct series *series_of(const struct report *report,
				      const struct mark *mark,
				      enum who who,
				      bool cpu)
{
	const struct figures *figures = &report->figures[mark->placement][mark->load][who];

	return cpu ? &figures->cpu_us : &figures->wall_us;
}

bool mark_is_measured(const struct report *report, const struct mark *mark)
{
	return series_of(report, mark, mark->who, false)->n > 0 &&
	       series_of(report, mark, mark->to, false)->n > 0;
}

struct spread mark_ratio(const struct report *report, const struct mark *mark, bool cpu)
{
	const struct series *own = series_of(report, mark, mark->who, cpu);
	const struct series *other = series_of(report, mark, mark->to, cpu);
	struct series ratio = mark->speed ? series_ratio(other, own) : series_ratio(own, other);

	return series_spread(&ratio);
}

bool mark_is_met(const struct report *report, const struct mark *mark)
{
	double ratio = mark_ratio(report, mark, false).median;

	return ratio > 0 && (mark->speed ? ratio >= mark->limit : ratio <= mark->limit);
}
