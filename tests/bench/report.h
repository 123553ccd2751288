/* report.h - everything that was measured, and how it is shown. */
#ifndef WAT_BENCH_REPORT_H
#define WAT_BENCH_REPORT_H

#include <stdio.h>

#include "tests/bench/bench.h"
#include "tests/bench/crowd.h"
#include "tests/bench/flood.h"
#include "tests/bench/life.h"
#include "tests/bench/measure.h"
#include "tests/bench/recovery.h"

enum placement { PINNED, UNPINNED, N_PLACEMENTS };
/* A counter on a thread or in a process of its own, without a journal, with the usual one or with
 * one that is synced; and whom it is compared to. */
enum who {
	RAW,
	FRAMES,
	MESSAGES,
	THREAD,
	PROCESS,
	THREAD_CRASH,
	PROCESS_CRASH,
	REDIS,
	RAW_TCP,
	THREAD_TCP,
	PROCESS_TCP,
	PROCESS_CRASH_TCP,
	REDIS_TCP,
	GRPC,
	FDATASYNC,
	SQLITE,
	THREAD_SYNC,
	PROCESS_SYNC,
	REDIS_ALWAYS,
	REDIS_EVERYSEC,
	N_CONTESTANTS
};

/* Those who are measured in turn, and compared. */
struct group {
	const char *key, *name;
	enum who first, last;
	enum who to[2]; /* the ratios that are shown */
	const char *to_names[2];
	bool placements[N_PLACEMENTS];
};
#define N_GROUPS 3u
extern const struct group groups[N_GROUPS];

/* What 10,000 connections may take; of fewer their share. */
#define CROWD_LIMIT (64.0 * 1024 * 1024)

/* How much longer an innocent client may wait under a flood. */
#define FLOOD_LIMIT 1.5

/* How many times the verifications that it needs a bind may take: two, and one for each delegation.
 */
#define BIND_LIMIT 1.8

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
	size_t n_crowd;
	struct crowd crowds[N_CROWDS];
	struct flooded floods[2][N_FLOODS]; /* by unix sockets, by TCP */
	struct recovery recoveries[2];      /* thread, process */
	struct replayed replayed;
	bool has_life;
	struct life_size life_size;
	/* THREAD and PROCESS, with the usual journal; of REDIS the connection. */
	struct life life[N_CONTESTANTS];
};

/* What the design promises. */
struct mark {
	const char *text;
	enum placement placement;
	enum load load;
	enum who who, to;
	bool speed;   /* a ratio of speeds, not of times */
	double limit; /* at most, of times; at least, of speeds; 0: none, it is only said */
};
#define N_MARKS 17u
extern const struct mark marks[N_MARKS];
bool mark_is_measured(const struct report *report, const struct mark *mark);
/* wall or CPU time. */
struct spread mark_ratio(const struct report *report, const struct mark *mark, bool cpu);
bool mark_is_met(const struct report *report, const struct mark *mark);

void page_print(const struct report *report, FILE *out);
/* 0 or a negative errno. */
int json_write(const struct report *report, const char *path);

#endif
