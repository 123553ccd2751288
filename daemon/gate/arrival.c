/* arrival.c - one who has just connected. */
#include "daemon/gate/arrival.h"

#include <errno.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/peer.h"
#include "proto/stream_secure.h"

static void name_address(struct arrival *arrival, const struct sockaddr *address, socklen_t n)
{
	char host[48], port[8];

	if (getnameinfo(address, n, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(arrival->who.address, sizeof arrival->who.address,
			       strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

int arrival_meet(struct arrival *arrival, int fd, const struct sockaddr *address, socklen_t n)
{
	struct ucred credentials;
	socklen_t size = sizeof credentials;

	*arrival = (struct arrival){.tcp = address != NULL, .who = {.uid = (uid_t)-1}};
	if (address) {
		arrival->key = source_key_of_address(address);
		name_address(arrival, address, n);
		return 0;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return -errno;
	arrival->who.uid = credentials.uid;
	arrival->who.pid = credentials.pid;
	arrival->key = source_key_of_uid(credentials.uid);
	return 0;
}

static enum overload judge_source(struct gate *gate, struct arrival *arrival)
{
	const struct source_limits limits = {
		.connections = arrival->tcp ? gate->limits.connections_of_address
					    : gate->limits.connections_of_uid,
		.handshakes = gate->limits.handshakes,
	};

	switch (source_begin(&gate->sources, &arrival->key, &limits, clock_monotonic_ns(),
			     &arrival->source)) {
	case 0:
		return OVERLOAD_NONE;
	case SOURCES_E_MANY:
		return arrival->tcp ? OVERLOAD_OF_ADDRESS : OVERLOAD_OF_UID;
	case SOURCES_E_FAST:
		return OVERLOAD_HANDSHAKES;
	default:
		return OVERLOAD_MEMORY;
	}
}

/* When there is no place left, one who proved nothing gives it up: who sends many connections loses
 * many. */
static enum overload find_place(struct gate *gate)
{
	enum overload limit = gate->n_peers >= gate->limits.connections ? OVERLOAD_GATE_CONNECTIONS
			      : gate->n_fds + 2 > gate->fds_max         ? OVERLOAD_DESCRIPTORS
									: OVERLOAD_NONE;

	if (limit == OVERLOAD_NONE || gate->n_strangers == 0)
		return limit;
	peers_drop_stranger(gate, randombytes_uniform((uint32_t)gate->n_strangers), limit);
	return OVERLOAD_NONE;
}

/* As likely the newcomer as one that came before. */
static enum overload drop_early(struct gate *gate)
{
	uint32_t n = (uint32_t)gate->n_strangers, which;

	if (!early_drop(&gate->limits.unauthenticated, n, randombytes_random()))
		return OVERLOAD_NONE;
	which = randombytes_uniform(n + 1);
	if (which == n)
		return OVERLOAD_STRANGERS;
	peers_drop_stranger(gate, which, OVERLOAD_STRANGERS);
	return OVERLOAD_NONE;
}

/* A source that sends too much moves nobody else. */
enum overload arrival_admit(struct gate *gate, struct arrival *arrival)
{
	enum overload limit = judge_source(gate, arrival);

	if (limit != OVERLOAD_NONE)
		return limit;
	limit = find_place(gate);
	if (limit == OVERLOAD_NONE)
		limit = drop_early(gate);
	if (limit != OVERLOAD_NONE)
		source_end(&gate->sources, arrival->source, true, clock_monotonic_ns());
	return limit;
}

void arrival_refuse(struct gate *gate, const struct arrival *arrival, int fd, enum overload limit)
{
	if (arrival->tcp)
		stream_secure_refuse(fd, limit);
	else
		overload_refuse(fd, limit);
	refusals_add(&gate->refusals, limit, &arrival->who);
}
