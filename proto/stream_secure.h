/* stream_secure.h - a stream whose frames go through records of Noise: the handshake happens inside
 * stream_read and stream_write. The stream owns what is made here. PROTOCOL.md, "TCP". */
#ifndef WAT_PROTO_STREAM_SECURE_H
#define WAT_PROTO_STREAM_SECURE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/noise.h"
#include "proto/stream.h"
#include "proto/support/must_check.h"

/* Makes a stream a client's, or a server's, before anything was queued or read. The client's first
 * message is queued at once; frames that are queued wait for the handshake. -ENOMEM. stream_read
 * then also returns -EKEYREJECTED: the server does not have that key, or this server's key is not
 * the one that the client knows (who is told, as far as it takes it); -EPROTO: what came is not
 * what the peer sealed; -EUSERS: the server is too busy, as stream_secure_overload says;
 * -EKEYEXPIRED, also by stream_write: no nonce is left. After any of these
 * the stream gives no more frames. Descriptors can't go with a frame: stream_queue says -EINVAL. */
int stream_secure_connect(struct stream *stream, const uint8_t server_pk[static NOISE_KEY_SIZE])
	WAT_MUST_CHECK;
int stream_secure_accept(struct stream *stream, const uint8_t server_sk[static NOISE_KEY_SIZE])
	WAT_MUST_CHECK;

/* A server tells whoever has just connected which limit (overload.h) is in its way, as far as the
 * socket takes it. Not sealed: anybody on the way could say so, or cut the connection. */
void stream_secure_refuse(int fd, unsigned overload);
/* What the server said, after -EUSERS. */
unsigned stream_secure_overload(const struct stream *stream);

/* The handshake hash, NOISE_HASH_SIZE bytes; NULL before the handshake is done. */
const uint8_t *stream_secure_hash(const struct stream *stream);

#endif
