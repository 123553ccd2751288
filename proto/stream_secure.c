/* stream_secure.c - frames through records of Noise. Runs on the stream owner's thread. */
#include "proto/stream_secure.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/limits.h"
#include "proto/noise_record.h"
#include "proto/stream_private.h"
#include "proto/support/bytes.h"

#define HANDSHAKE_RECORD (NOISE_RECORD_HEADER + NOISE_HANDSHAKE_OVERHEAD)
#define PROLOGUE_SIZE 9u
#define BUSY 1u /* a length that no message has: the number of a limit follows */

struct stream_secure {
	bool server, open;
	int failed; /* negative errno: the handshake or a record was refused */
	struct noise_handshake handshake;
	struct noise_cipher send, receive;
	uint8_t hash[NOISE_HASH_SIZE];
	unsigned overload;            /* of a server that took no connection */
	struct stream_buffer in, out; /* as they are on the socket */
	size_t under_way;             /* bytes of frames in out */
};

static void make_prologue(uint8_t ret[static PROLOGUE_SIZE])
{
	memcpy(ret, "wat/1", 5);
	bytes_put32(ret + 5, WAT_SECURE_VERSION);
}

struct stream_secure *stream_secure_free(struct stream_secure *secure)
{
	if (!secure)
		return NULL;
	stream_buffer_deinit(&secure->in);
	stream_buffer_deinit(&secure->out);
	sodium_memzero(secure, sizeof *secure);
	free(secure);
	return NULL;
}

void stream_secure_trim(struct stream_secure *secure)
{
	if (secure->in.start == secure->in.end)
		stream_buffer_deinit(&secure->in);
	if (secure->out.start == secure->out.end)
		stream_buffer_deinit(&secure->out);
}

size_t stream_secure_memory(const struct stream_secure *secure)
{
	return secure->in.size + secure->out.size;
}

size_t stream_secure_under_way(const struct stream_secure *secure)
{
	return secure->under_way;
}

bool stream_wants_write(const struct stream *stream)
{
	const struct stream_secure *secure = stream->secure;

	if (secure && secure->out.start < secure->out.end)
		return true;
	return (!secure || secure->open) && stream->out.start < stream->out.end;
}

const uint8_t *stream_secure_hash(const struct stream *stream)
{
	return stream->secure && stream->secure->open ? stream->secure->hash : NULL;
}

/* This side's message of the handshake, queued. */
static int queue_message(struct stream_secure *secure)
{
	uint8_t *at;
	int r = stream_buffer_make_room(&secure->out, HANDSHAKE_RECORD);

	if (r < 0)
		return r;
	at = secure->out.data + secure->out.end;
	bytes_put16(at, NOISE_HANDSHAKE_OVERHEAD);
	if (noise_handshake_write(&secure->handshake, NULL, 0, at + NOISE_RECORD_HEADER) !=
	    NOISE_OK)
		return -EKEYREJECTED;
	secure->out.end += HANDSHAKE_RECORD;
	return 0;
}

int stream_secure_connect(struct stream *stream, const uint8_t server_pk[static NOISE_KEY_SIZE])
{
	struct stream_secure *secure = calloc(1, sizeof *secure);
	uint8_t prologue[PROLOGUE_SIZE], ephemeral[NOISE_KEY_SIZE];

	if (!secure)
		return -ENOMEM;
	make_prologue(prologue);
	randombytes_buf(ephemeral, sizeof ephemeral);
	noise_initiator_init(&secure->handshake, prologue, sizeof prologue, server_pk, ephemeral);
	sodium_memzero(ephemeral, sizeof ephemeral);
	stream->secure = secure;
	return queue_message(secure);
}

int stream_secure_accept(struct stream *stream, const uint8_t server_sk[static NOISE_KEY_SIZE])
{
	struct stream_secure *secure = calloc(1, sizeof *secure);
	uint8_t prologue[PROLOGUE_SIZE], ephemeral[NOISE_KEY_SIZE];

	if (!secure)
		return -ENOMEM;
	secure->server = true;
	make_prologue(prologue);
	randombytes_buf(ephemeral, sizeof ephemeral);
	noise_responder_init(&secure->handshake, prologue, sizeof prologue, server_sk, ephemeral);
	sodium_memzero(ephemeral, sizeof ephemeral);
	stream->secure = secure;
	return 0;
}

/* A length of 0 in place of the second message: the first was not for this server's key. Anyone on
 * the way can say so too; but who can do that can also cut the connection. */
static void send_refusal(const struct stream *stream)
{
	static const uint8_t refusal[NOISE_RECORD_HEADER];

	(void)!send(stream->fd, refusal, sizeof refusal, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void stream_secure_refuse(int fd, unsigned overload)
{
	uint8_t refusal[NOISE_RECORD_HEADER + 1];

	bytes_put16(refusal, BUSY);
	refusal[NOISE_RECORD_HEADER] = (uint8_t)overload;
	(void)!send(fd, refusal, sizeof refusal, MSG_NOSIGNAL | MSG_DONTWAIT);
}

unsigned stream_secure_overload(const struct stream *stream)
{
	return stream->secure ? stream->secure->overload : 0;
}

/* In place of the server's message: it says why there is none. 0: there is more to come. */
static int take_refusal(struct stream_secure *secure, const uint8_t *at, size_t held)
{
	if (bytes_get16(at) == 0)
		return -EKEYREJECTED;
	if (bytes_get16(at) != BUSY)
		return -EPROTO;
	if (held < NOISE_RECORD_HEADER + 1)
		return 0;
	secure->overload = at[NOISE_RECORD_HEADER];
	return -EUSERS;
}

static int finish_handshake(struct stream_secure *secure)
{
	int r = secure->server ? queue_message(secure) : 0;

	if (r < 0)
		return r;
	noise_handshake_split(&secure->handshake, &secure->send, &secure->receive, secure->hash);
	secure->open = true;
	return 0;
}

/* The peer's message of the handshake, if it is whole: 1; 0: it is not. */
static int take_message(struct stream *stream)
{
	struct stream_secure *secure = stream->secure;
	const uint8_t *at = secure->in.data + secure->in.start;
	size_t held = secure->in.end - secure->in.start;
	uint8_t none[1];
	enum noise_error error;
	int r;

	if (held < NOISE_RECORD_HEADER)
		return 0;
	if (bytes_get16(at) != NOISE_HANDSHAKE_OVERHEAD)
		return secure->server ? -EPROTO : take_refusal(secure, at, held);
	if (held < HANDSHAKE_RECORD)
		return 0;
	error = noise_handshake_read(&secure->handshake, at + NOISE_RECORD_HEADER,
				     NOISE_HANDSHAKE_OVERHEAD, none);
	if (error != NOISE_OK) {
		if (secure->server)
			send_refusal(stream);
		return -EKEYREJECTED;
	}
	stream_buffer_consume(&secure->in, HANDSHAKE_RECORD);
	r = finish_handshake(secure);
	return r < 0 ? r : 1;
}

/* The next record, if it is whole, goes into stream->in: 1; 0: it is not. */
static int take_record(struct stream *stream)
{
	struct stream_secure *secure = stream->secure;
	const uint8_t *at = secure->in.data + secure->in.start;
	size_t size, n;
	enum noise_error error = noise_record_measure(at, secure->in.end - secure->in.start, &size);
	int r;

	if (error != NOISE_OK)
		return -EPROTO;
	if (size == 0)
		return 0;
	n = size - NOISE_RECORD_OVERHEAD;
	r = stream_buffer_make_room(&stream->in, n);
	if (r < 0)
		return r;
	error = noise_record_open(&secure->receive, at, size, stream->in.data + stream->in.end);
	if (error != NOISE_OK)
		return error == NOISE_E_EXHAUSTED ? -EKEYEXPIRED : -EPROTO;
	stream->in.end += n;
	stream_buffer_consume(&secure->in, size);
	return 1;
}

static int receive(struct stream *stream)
{
	struct stream_buffer *in = &stream->secure->in;
	ssize_t n;
	int r = stream_buffer_make_room(in, STREAM_READ_SIZE);

	if (r < 0)
		return r;
	do
		n = recv(stream->fd, in->data + in->end, STREAM_READ_SIZE, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	in->end += (size_t)n;
	return (int)n;
}

int stream_secure_read(struct stream *stream)
{
	struct stream_secure *secure = stream->secure;
	int n, r = 1;

	if (secure->failed < 0)
		return secure->failed;
	stream_buffer_consume(&stream->in, 0);
	n = receive(stream);
	if (n <= 0)
		return n;
	while (r > 0)
		r = secure->open ? take_record(stream) : take_message(stream);
	secure->failed = r;
	return r < 0 ? r : n;
}

/* -EAGAIN: some is left. */
static int send_sealed(struct stream *stream)
{
	struct stream_secure *secure = stream->secure;

	while (secure->out.start < secure->out.end) {
		ssize_t n = send(stream->fd, secure->out.data + secure->out.start,
				 secure->out.end - secure->out.start, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		stream_buffer_consume(&secure->out, (size_t)n);
	}
	stream->out_position += secure->under_way;
	secure->under_way = 0;
	return 0;
}

static int seal_some(struct stream *stream)
{
	struct stream_secure *secure = stream->secure;
	size_t n = stream->out.end - stream->out.start;
	enum noise_error error;
	int r;

	if (n > NOISE_RECORD_PLAIN_MAX)
		n = NOISE_RECORD_PLAIN_MAX;
	r = stream_buffer_make_room(&secure->out, n + NOISE_RECORD_OVERHEAD);
	if (r < 0)
		return r;
	error = noise_record_seal(&secure->send, stream->out.data + stream->out.start, n,
				  secure->out.data + secure->out.end);
	if (error != NOISE_OK)
		return -EKEYEXPIRED;
	secure->out.end += n + NOISE_RECORD_OVERHEAD;
	secure->under_way = n;
	stream_buffer_consume(&stream->out, n);
	return 0;
}

/* One record at a time: what is not sealed yet was certainly not read by the peer. */
int stream_secure_write(struct stream *stream)
{
	int r;

	do {
		r = send_sealed(stream);
		if (r < 0 || !stream_wants_write(stream))
			return r;
		r = seal_some(stream);
	} while (r == 0);
	return r;
}
