/* gate_listen.h - the TCP sockets that watd-gate accepts connections on. watd opens and keeps them,
 * so that nobody's connect is refused while a gate is started again. Main thread. */
#ifndef WAT_SUPERVISOR_GATE_LISTEN_H
#define WAT_SUPERVISOR_GATE_LISTEN_H

#include <stddef.h>

#include "daemon/config/value.h"
#include "proto/support/must_check.h"

#define GATE_LISTENERS_MAX 8u
#define GATE_PLACE_MAX 320u

/* "HOST:PORT" as it stands in an address, an IPv6 address in brackets. */
struct gate_place {
	char text[GATE_PLACE_MAX];
};

struct gate_listeners {
	int fds[GATE_LISTENERS_MAX];
	struct gate_place places[GATE_LISTENERS_MAX];
	size_t n;
};

/* `list` is a value of `listen`. The places that clients reach them by: one that listens on every
 * address has the machine's name. -EINVAL: no such list. */
int gate_places(const char *list, struct gate_place ret[static GATE_LISTENERS_MAX], size_t *ret_n)
	WAT_MUST_CHECK;

/* Opens them; a port of 0 is one that is free. -EINVAL, or an error of socket, bind or listen, of
 * what *ret_which says. gate_listeners_close follows in any case. */
int gate_listeners_open(struct gate_listeners *listeners,
			const char *list,
			char ret_which[static VALUE_WORD_SIZE]) WAT_MUST_CHECK;
/* Takes one that listens already. -E2BIG: there is no room for it. */
int gate_listeners_adopt(struct gate_listeners *listeners, int fd) WAT_MUST_CHECK;
void gate_listeners_close(struct gate_listeners *listeners);

#endif
