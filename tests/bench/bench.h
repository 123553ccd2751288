/* bench.h - what the files of the benchmark share. One thread. A step that fails ends the program
 * with a sentence: there is nothing to measure then. */
#ifndef WAT_BENCH_BENCH_H
#define WAT_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONNECTIONS 4u
#define IN_FLIGHT 64u /* on each connection, when pipelined */

enum load { LOAD_ROUND_TRIP, LOAD_PIPELINED, N_LOADS };

/* Calls that were made and answered. */
struct run {
	double n_calls;
	double wall_s;
	double cpu_s; /* user and system, of the client and of all processes that served it */
};

/* Somebody who answers, with a client of its own kind. */
struct contestant {
	const char *name;
	pid_t pid; /* it and all below it serve */
	/* Makes calls for about that long; it may be asked again and again. */
	void (*run)(struct contestant *, enum load load, double seconds, struct run *ret);
	void *client;
};

void __attribute__((noreturn, format(printf, 1, 2))) fatal(const char *format, ...);
/* Monotonic. */
double now_s(void);
/* Of this process so far, user and system. */
double own_cpu_s(void);

#endif
