/* flood.h - what a client waits while another makes trouble. */
#ifndef WAT_BENCH_FLOOD_H
#define WAT_BENCH_FLOOD_H

#include "tests/bench/contestants.h"
#include "tests/bench/measure.h"

enum flood {
	FLOOD_CONNECTS,
	FLOOD_GARBAGE,
	FLOOD_CALLS,
	/* By TCP only: */
	FLOOD_HANDSHAKES,
	FLOOD_ELSEWHERE, /* handshakes from an address of its own */
	N_FLOODS
};

struct flooded {
	/* The 99th percentile of round trips, of each round: while nobody floods; while somebody
	 * floods the same watd; while the same flood goes to another watd, whose gate has the same
	 * core. */
	struct series alone_us, flooded_us, beside_us;
};

extern const char *const flood_names[N_FLOODS];

/* An innocent client of a process, by unix socket or TCP. Its core is that of its process and of
 * both gates; the flooder, the watds and the flooder's process share the other. */
void flood_measure(const char *dir,
		   bool tcp,
		   size_t n_rounds,
		   double seconds,
		   struct flooded ret[static N_FLOODS]);

#endif
