/* hostile.h - a watd by the door that $WAT_TEST_DOOR names, an innocent client that works in it all
 * the time, and connections of others: as its own uid or address, or from elsewhere. What fails,
 * fails the test. */
#ifndef WAT_TESTS_HOSTILE_H
#define WAT_TESTS_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/overload.h"
#include "tests/lib/daemon.h"
#include "tests/scenario/hand.h"
#include "tests/scenario/innocent.h"

enum where {
	HERE,     /* the test's uid and address, which the innocent client has too */
	ELSEWHERE /* another uid on a unix socket, another loopback address over TCP */
};

struct hostile {
	struct test_daemon daemon;
	struct innocent innocent;
	char *token; /* of a User who may Count and Rings */
	bool tcp;
	pid_t gate;   /* 0: there is none */
	size_t n_fds; /* of watd and gate, when nobody but the innocent client was there */
	long memory_kb;
};

/* conf: lines of [watd]. As cmocka's fixtures, *state is the struct hostile. */
int hostile_start(void **state, const char *conf);
int hostile_tear_down(void **state);
/* Writes other lines and reloads. */
void hostile_reload(struct hostile *h, const char *conf);

/* Is there another uid to be, or another address? */
bool hostile_has_elsewhere(void);
/* A connected socket. */
int hostile_reach(const struct hostile *h, enum where where);
/* Connected and greeted: 0. Else the limit that it was told, or -1 if it was told nothing;
 * hand_close in any case. */
int hostile_greet(const struct hostile *h, enum where where, struct hand *hand);
/* The limit of a GOAWAY or FAIL that was read: by the key in its sentence. */
int hostile_limit(const struct hand *hand);

/* A bound User: calls go to *at, which is the connection or its channel. */
struct hostile_user {
	struct hand control, channel;
	struct hand *at;
};
void hostile_user_open(const struct hostile *h, enum where where, struct hostile_user *user);
void hostile_user_close(struct hostile_user *user);

/* Resident memory of watd, its gate and its hosts; and whether it has grown by more than peers may
 * make it: that of a few that have bound something is a few MiB for each. */
long hostile_memory_kb(const struct hostile *h);
#ifdef WAT_SANITIZED /* holds back what was freed */
#define HOSTILE_GROWTH_KB 600000
#define HOSTILE_STRANGERS_KB 600000
#else
#define HOSTILE_GROWTH_KB 49152
#define HOSTILE_STRANGERS_KB 12288
#endif
void hostile_assert_bounded(const struct hostile *h, long growth_kb);
/* Waits until all descriptors of watd and gate that came since are gone, and the innocent client
 * has gone on meanwhile. */
void hostile_await_settled(struct hostile *h);

/* Reads a raw socket to its end, whatever comes; returns how many bytes. Closes it. */
size_t hostile_drain(int fd);

#endif
