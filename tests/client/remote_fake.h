/* remote_fake.h - a daemon on a loopback port that is none: it shakes hands, greets, binds every
 * User with a handle, and answers calls as their method says. */
#ifndef WAT_TESTS_REMOTE_FAKE_H
#define WAT_TESTS_REMOTE_FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/noise.h"
#include "proto/stream.h"

/* What a call of the method does. */
enum remote_method {
	REMOTE_ECHO,     /* answers the request */
	REMOTE_HANG_UP,  /* ends the connection, the first time; then it is answered */
	REMOTE_DROP,     /* ends the channel without a word, the first time */
	REMOTE_GO_AWAY,  /* GOAWAY ACCESS_DENIED that says that the call was not read, then DROP */
	REMOTE_STRAY,    /* frames of handles that nobody has, then the answer */
	REMOTE_NONSENSE, /* a frame that no service sends, on the channel, the first time */
};

struct remote_fake {
	int listener, connection; /* connection: -1: none */
	uint16_t port;
	bool plain;
	uint8_t sk[NOISE_KEY_SIZE];
	char key[64];      /* as in an address */
	char address[128]; /* wat://KEY@127.0.0.1:PORT */
	pthread_t thread;
	pthread_mutex_t lock;
	/* The lock guards what follows. */
	unsigned n_connections, n_binds, n_resumed, n_calls, n_wrong_proofs, n_drops;
	bool done_once[8];  /* by method */
	unsigned turn_away; /* so many of the next connections, for that limit */
	unsigned overload;
};

void remote_fake_start(struct remote_fake *fake, bool plain);
void remote_fake_stop(struct remote_fake *fake);
/* The next n connections are told that a limit (overload.h) is in their way. */
void remote_fake_turn_away(struct remote_fake *fake, unsigned n, unsigned overload);
/* Ends the connection under way. */
void remote_fake_hang_up(struct remote_fake *fake);
/* One of the counts, read with the lock. */
unsigned remote_fake_count(struct remote_fake *fake, const unsigned *count);

#endif
