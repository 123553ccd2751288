/* host_bench.h - one instance with a journal and one client of it, grant 9 and lane 1: what the
 * tests of durability share. */
#ifndef WAT_TESTS_HOST_BENCH_H
#define WAT_TESTS_HOST_BENCH_H

#include "tests/unit/host_disk.h"

struct bench {
	struct rig rig;
	struct disk disk;
	struct peer peer;
	struct rig_start start; /* counter.Counter, durability crash */
};

/* A bench as the state of a test. */
int bench_set_up(void **state);
int bench_tear_down(void **state);
void bench_use(struct bench *b, const char *plugin, const char *service, uint64_t hash);
void bench_use_probe(struct bench *b);
/* The first generation, and the client's lane. */
void bench_begin(struct bench *b);
/* SIGKILL, and a new host in the next generation; nobody has a channel. */
wat_status bench_kill_and_start(struct bench *b);
/* The client's lane goes on. */
void bench_resume(struct bench *b, uint64_t last_applied);
void bench_kill_and_resume(struct bench *b, uint64_t last_applied);
/* n increments by 1. */
void bench_count(struct bench *b, size_t n);
/* An increment under an id. */
void bench_add_as(struct bench *b, uint64_t id, int64_t n);

#endif
