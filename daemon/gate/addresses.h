/* addresses.h - how many connections each address has. An IPv6 address counts as its /64, which one
 * machine may have all of. Pure. */
#ifndef WAT_GATE_ADDRESSES_H
#define WAT_GATE_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/support/list.h"
#include "proto/support/must_check.h"

#define ADDRESSES_BUCKETS 512u

/* What of an address counts. */
struct address_key {
	uint8_t bytes[8];
};

struct addresses {
	struct list buckets[ADDRESSES_BUCKETS];
	uint32_t seed; /* so that nobody can choose addresses that meet in one bucket */
};

void addresses_init(struct addresses *addresses, uint32_t seed);
void addresses_deinit(struct addresses *addresses);
/* 127.0.0.1 and ::ffff:127.0.0.1 are one; every address but those of TCP is all zeros. */
struct address_key address_key(const struct sockaddr *address);
/* One more: 0. -EMFILE: it has max already; -ENOMEM. */
int addresses_add(struct addresses *addresses, const struct address_key *key, uint32_t max)
	WAT_MUST_CHECK;
/* One that was added has gone. */
void addresses_remove(struct addresses *addresses, const struct address_key *key);

#endif
