/* net_place.h - "HOST:PORT", as addresses and the configuration have it. Pure. */
#ifndef WAT_PROTO_NET_PLACE_H
#define WAT_PROTO_NET_PLACE_H

#include <stdbool.h>

#include "proto/support/must_check.h"

#define NET_PLACE_HOST_MAX 253u

struct net_place {
	char host[NET_PLACE_HOST_MAX + 1]; /* a name or a numeric address, without brackets */
	char port[6];                      /* 0 to 65535 */
};

/* All of the text; an IPv6 address has to stand in [brackets]. Whether a name can be one is not
 * looked at, but that it is printable and has nothing of an address around it. */
bool net_place_parse(const char *text, struct net_place *ret) WAT_MUST_CHECK;
/* Is the host an IPv4 or IPv6 address, which needs no looking up? */
bool net_place_is_numeric(const struct net_place *place);

#endif
