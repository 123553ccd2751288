/* marks.c - what the design promises, against what was measured. Pure. */
#include "tests/bench/report.h"

const struct mark marks[N_MARKS] = {
	{"round trip, thread, of raw", LOAD_ROUND_TRIP, THREAD, RAW, false, 1.3},
	{"round trip, process, of raw", LOAD_ROUND_TRIP, PROCESS, RAW, false, 1.3},
	{"pipelined, thread, of raw", LOAD_PIPELINED, THREAD, RAW, true, 0.4},
	{"pipelined, process, of raw", LOAD_PIPELINED, PROCESS, RAW, true, 0.4},
	{"pipelined, thread, of Redis", LOAD_PIPELINED, THREAD, REDIS, true, 1.4},
	{"pipelined, process, of Redis", LOAD_PIPELINED, PROCESS, REDIS, true, 1.4},
};

static const struct series *series_of(const struct report *report,
				      const struct mark *mark,
				      enum who who,
				      bool cpu)
{
	const struct figures *figures = &report->figures[PINNED][mark->load][who];

	return cpu ? &figures->cpu_us : &figures->wall_us;
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

	return mark->speed ? ratio >= mark->limit : ratio > 0 && ratio <= mark->limit;
}
