/* relay.h - a machine on the way between a client and watd: it passes on what goes over TCP, and
 * keeps a copy of every byte. */
#ifndef WAT_TESTS_RELAY_H
#define WAT_TESTS_RELAY_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct relay_copy {
	uint8_t *bytes;
	size_t n;
};

struct relay {
	int listener, orders[2];
	char address[128]; /* that of watd, but by this way */
	const char *to;
	pthread_t thread;
	struct relay_copy up,
		down; /* from the client; from watd. Of all connections; after the stop */
};

/* `address` is watd's, wat://KEY@127.0.0.1:PORT. */
void relay_start(struct relay *relay, const char *address);
/* Cuts the connection that goes over it; the next is passed on again. */
void relay_cut(struct relay *relay);
/* Ends the connections. The copies are there then, until relay_free. */
void relay_stop(struct relay *relay);
void relay_free(struct relay *relay);

#endif
