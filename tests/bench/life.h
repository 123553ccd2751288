/* life.h - what it takes to begin a service, to bind it, and to have it lying idle. */
#ifndef WAT_BENCH_LIFE_H
#define WAT_BENCH_LIFE_H

#include "tests/bench/contestants.h"
#include "tests/bench/measure.h"

/* Delegations of the tokens that are bound beside plain ones: 1 and 3. */
#define LIFE_CHAINS 2u
static const unsigned life_delegations[LIFE_CHAINS] = {1, 3};

struct life_size {
	size_t n_spawns, n_instances, n_connections;
};

/* Bytes; 0 where the kernel does not tell. */
struct idle {
	double server; /* all processes of the server */
	double kernel; /* from a figure of the whole machine */
	double client; /* libwat's side; 0 for a connection without it */
};

struct life {
	struct series spawn_ms; /* counter_spawn */
	struct series first_ms; /* spawn, Provision, bind, first answer */
	struct series bind_us;  /* a token presented until the channel is attached */
	/* The same of tokens with delegations, in turn with it. */
	struct series bind_chain_us[LIFE_CHAINS];
	struct series verify_us; /* one Ed25519 verification, in turn with them */
	struct idle connection, instance;
};

void life_measure(struct node *node, uint32_t tier, const struct life_size *size, struct life *ret);
/* The same for connections to a socket that are just opened. */
void life_connections(pid_t server, const char *path, size_t n, struct idle *ret);

#endif
