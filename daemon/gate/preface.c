/* preface.c - how a TCP connection begins. */
#include "daemon/gate/preface.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/noise_record.h"
#include "proto/stream_secure.h"
#include "proto/support/bytes.h"

_Static_assert(sizeof WAT_PLAIN_PREFACE - 1 == PEER_PREFACE_SIZE, "it is kept there");

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	if (address->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (address->ss_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Both ends are on this machine, and the operator wants it so. */
static bool may_be_plain(const struct peer *peer)
{
	struct sockaddr_storage own, other;
	socklen_t n_own = sizeof own, n_other = sizeof other;
	int fd = peer->client.stream.fd;

	return peer->gate->insecure_loopback &&
	       getsockname(fd, (struct sockaddr *)&own, &n_own) == 0 &&
	       getpeername(fd, (struct sockaddr *)&other, &n_other) == 0 && is_loopback(&own) &&
	       is_loopback(&other);
}

static int receive(const struct peer *peer, void *bytes, size_t n, int flags)
{
	ssize_t got = recv(peer->client.stream.fd, bytes, n, flags | MSG_DONTWAIT);

	if (got < 0)
		return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
	return got == 0 ? -ECONNRESET : (int)got;
}

static int read_plain(struct peer *peer)
{
	int r = receive(peer, peer->preface + peer->n_preface, PEER_PREFACE_SIZE - peer->n_preface,
			0);

	if (r < 0)
		return r;
	peer->n_preface += (size_t)r;
	if (memcmp(peer->preface, WAT_PLAIN_PREFACE, peer->n_preface) != 0)
		return -EPROTO;
	if (peer->n_preface < PEER_PREFACE_SIZE)
		return -EAGAIN;
	peer->transport = WAT__GATE__TRANSPORT__PLAIN;
	peer->decided = true;
	return 0;
}

/* The length of the first message of a handshake does not begin as the word does. What begins
 * otherwise costs no buffer and no cryptography. */
int preface_read(struct peer *peer)
{
	uint8_t first[NOISE_RECORD_HEADER], length[NOISE_RECORD_HEADER];
	int r;

	if (peer->n_preface > 0)
		return read_plain(peer);
	r = receive(peer, first, sizeof first, MSG_PEEK);
	if (r < 0)
		return r;
	if (first[0] == WAT_PLAIN_PREFACE[0])
		return may_be_plain(peer) ? read_plain(peer) : -EPROTO;
	bytes_put16(length, NOISE_HANDSHAKE_OVERHEAD);
	if (memcmp(first, length, (size_t)r) != 0)
		return -EPROTO;
	r = stream_secure_accept(&peer->client.stream, peer->gate->key);
	peer->decided = r == 0;
	return r;
}
