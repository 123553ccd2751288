/* report.h - everything that was measured, and how it is shown. */
#ifndef WAT_BENCH_REPORT_H
#define WAT_BENCH_REPORT_H

#include <stdio.h>

#include "tests/bench/bench.h"
#include "tests/bench/life.h"
#include "tests/bench/measure.h"

enum placement { PINNED, UNPINNED, N_PLACEMENTS };
/* A counter on a thread or in a process of its own, without a journal or with the usual one. */
enum who { RAW, FRAMES, THREAD, PROCESS, THREAD_CRASH, PROCESS_CRASH, REDIS, N_CONTESTANTS };

struct figures {
	struct series wall_us, cpu_us; /* per call, of each round */
};

struct report {
	char processor[128], kernel[128], redis[32];
	int n_cores, core;
	double load; /* of the machine, when it began */
	size_t n_rounds;
	double seconds; /* of a round */
	const char *names[N_CONTESTANTS];
	struct figures figures[N_PLACEMENTS][N_LOADS][N_CONTESTANTS];
	bool has_life, has_redis;
	struct life_size life_size;
	/* THREAD and PROCESS, with the usual journal; of REDIS the connection. */
	struct life life[N_CONTESTANTS];
};

/* What the design promises of counters without a journal; pinned. */
struct mark {
	const char *text;
	enum load load;
	enum who who, to;
	bool speed;   /* a ratio of speeds, not of times */
	double limit; /* at most, of times; at least, of speeds */
};
#define N_MARKS 6u
extern const struct mark marks[N_MARKS];
/* wall or CPU time. */
struct spread mark_ratio(const struct report *report, const struct mark *mark, bool cpu);
bool mark_is_met(const struct report *report, const struct mark *mark);

void page_print(const struct report *report, FILE *out);
/* 0 or a negative errno. */
int json_write(const struct report *report, const char *path);

#endif
