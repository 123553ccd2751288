/* test_stream_secure.c - frames through records of Noise: both ends over a wire that the test
 * carries byte by byte, so that it sees, delays and changes what goes by. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/limits.h"
#include "proto/stream.h"
#include "proto/stream_secure.h"
#include "proto/support/bytes.h"
#include "tests/lib/cases.h"

enum end { CLIENT, SERVER };

struct wire {
	struct stream end[2];
	int far[2];    /* what the end's socket is connected with */
	uint8_t *seen; /* all bytes that went by, of both directions */
	size_t n_seen, size;
	uint8_t sk[NOISE_KEY_SIZE], pk[NOISE_KEY_SIZE];
};

static void wire_init(struct wire *wire, uint32_t body_max)
{
	*wire = (struct wire){.n_seen = 0};
	memset(wire->sk, 3, sizeof wire->sk);
	noise_public_key(wire->sk, wire->pk);
	for (int i = 0; i < 2; i++) {
		int pair[2];

		assert_int_equal(
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			0);
		stream_init(&wire->end[i], pair[0], body_max);
		wire->far[i] = pair[1];
	}
}

static void wire_deinit(struct wire *wire)
{
	for (int i = 0; i < 2; i++) {
		stream_deinit(&wire->end[i]);
		close(wire->far[i]);
	}
	free(wire->seen);
}

static void note(struct wire *wire, const uint8_t *bytes, size_t n)
{
	if (wire->n_seen + n > wire->size) {
		wire->size = 2 * (wire->n_seen + n);
		wire->seen = realloc(wire->seen, wire->size);
		assert_non_null(wire->seen);
	}
	memcpy(wire->seen + wire->n_seen, bytes, n);
	wire->n_seen += n;
}

/* Up to n bytes of what the end has written, away from its socket. */
static size_t take(struct wire *wire, enum end from, uint8_t *bytes, size_t n)
{
	ssize_t got = recv(wire->far[from], bytes, n, MSG_DONTWAIT);

	if (got <= 0)
		return 0;
	note(wire, bytes, (size_t)got);
	return (size_t)got;
}

static void give(struct wire *wire, enum end to, const uint8_t *bytes, size_t n)
{
	assert_int_equal(send(wire->far[to], bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL), n);
}

/* Everything that both have to say to each other goes over, in pieces of that size. */
static void carry(struct wire *wire, size_t piece)
{
	uint8_t bytes[4096];
	bool moved = true;

	while (moved) {
		moved = false;
		for (int i = 0; i < 2; i++) {
			int r = stream_write(&wire->end[i]);
			size_t n = take(wire, (enum end)i, bytes, piece);

			assert_true(r == 0 || r == -EAGAIN);
			if (n == 0)
				continue;
			moved = true;
			give(wire, (enum end)(1 - i), bytes, n);
			assert_true(stream_read(&wire->end[1 - i]) > 0);
		}
	}
}

static void connect_both(struct wire *wire)
{
	assert_int_equal(stream_secure_connect(&wire->end[CLIENT], wire->pk), 0);
	assert_int_equal(stream_secure_accept(&wire->end[SERVER], wire->sk), 0);
}

static void queue(struct stream *stream, uint64_t id, const void *body, size_t n)
{
	struct frame frame = {.type = FRAME_CALL, .id = id};

	assert_int_equal(stream_queue(stream, &frame, body, n, -1), 0);
}

static void expect(struct stream *stream, uint64_t id, const void *body, size_t n)
{
	struct frame frame;
	const uint8_t *got;
	int fd;

	assert_int_equal(stream_next(stream, &frame, &got, &fd), 1);
	assert_int_equal(frame.id, id);
	assert_int_equal(frame.body_len, n);
	assert_memory_equal(got, body, n);
	assert_int_equal(fd, -1);
}

/* Frames go both ways, in pieces of any size, and both ends know the connection by the same hash;
 * no plaintext goes by (row 38). */
static void test_frames(void **state)
{
	static const char secret[] = "a sentence that nobody on the way may read";
	static const size_t pieces[] = {1, 7, 100, 4096};

	(void)state;
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct wire wire;

		wire_init(&wire, 4096);
		connect_both(&wire);
		assert_null(stream_secure_hash(&wire.end[CLIENT]));
		queue(&wire.end[CLIENT], 1, secret, sizeof secret);
		queue(&wire.end[CLIENT], 2, "", 0);
		carry(&wire, pieces[i]);
		expect(&wire.end[SERVER], 1, secret, sizeof secret);
		expect(&wire.end[SERVER], 2, "", 0);
		queue(&wire.end[SERVER], 3, secret, sizeof secret);
		carry(&wire, pieces[i]);
		expect(&wire.end[CLIENT], 3, secret, sizeof secret);
		assert_memory_equal(stream_secure_hash(&wire.end[CLIENT]),
				    stream_secure_hash(&wire.end[SERVER]), NOISE_HASH_SIZE);
		assert_null(memmem(wire.seen, wire.n_seen, secret, 8));
		assert_null(memmem(wire.seen, wire.n_seen, wire.sk, sizeof wire.sk));
		wire_deinit(&wire);
	}
}

/* Frames larger than a record go through as several. */
static void test_large_frames(void **state)
{
	uint8_t *body = malloc(WAT_BODY_MAX);
	struct wire wire;

	(void)state;
	randombytes_buf(body, WAT_BODY_MAX);
	wire_init(&wire, WAT_BODY_MAX);
	connect_both(&wire);
	queue(&wire.end[CLIENT], 1, body, WAT_BODY_MAX);
	queue(&wire.end[CLIENT], 2, body, 65536);
	carry(&wire, 4096);
	expect(&wire.end[SERVER], 1, body, WAT_BODY_MAX);
	expect(&wire.end[SERVER], 2, body, 65536);
	assert_int_equal(stream_pending(&wire.end[CLIENT]), 0);
	wire_deinit(&wire);
	free(body);
}

/* Frames wait for the handshake without asking to be written; they count as written when the last
 * byte of their record is with the kernel, not before. */
static void test_accounting(void **state)
{
	struct wire wire;
	struct stream *client = &wire.end[CLIENT];
	uint8_t *body = calloc(1, 60000), bytes[4096];
	int small = 4096;

	(void)state;
	wire_init(&wire, 65536);
	connect_both(&wire);
	queue(client, 1, body, 60000);
	assert_true(stream_wants_write(client));
	assert_int_equal(stream_write(client), 0);
	assert_false(stream_wants_write(client));
	assert_int_equal(stream_pending(client), 60032);
	assert_int_equal(client->out_position, 0);
	give(&wire, SERVER, bytes, take(&wire, CLIENT, bytes, sizeof bytes));
	assert_true(stream_read(&wire.end[SERVER]) > 0);
	assert_int_equal(stream_write(&wire.end[SERVER]), 0);
	give(&wire, CLIENT, bytes, take(&wire, SERVER, bytes, sizeof bytes));
	assert_true(stream_read(client) > 0);
	assert_true(stream_wants_write(client));
	/* A socket that takes a part only. */
	assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	assert_int_equal(stream_write(client), -EAGAIN);
	assert_int_equal(stream_pending(client), 60032);
	assert_int_equal(client->out_position, 0);
	assert_int_equal(stream_position(client), 60032);
	carry(&wire, sizeof bytes);
	assert_int_equal(stream_pending(client), 0);
	assert_int_equal(client->out_position, 60032);
	wire_deinit(&wire);
	free(body);
}

/* A server with another key says so, and gives nothing; the client knows it from a mere hang-up. */
static void test_wrong_key(void **state)
{
	struct wire wire;
	uint8_t bytes[4096], other[NOISE_KEY_SIZE];
	size_t n;

	(void)state;
	wire_init(&wire, 4096);
	memset(other, 8, sizeof other);
	assert_int_equal(stream_secure_connect(&wire.end[CLIENT], wire.pk), 0);
	assert_int_equal(stream_secure_accept(&wire.end[SERVER], other), 0);
	queue(&wire.end[CLIENT], 1, "secret", 6);
	assert_int_equal(stream_write(&wire.end[CLIENT]), 0);
	give(&wire, SERVER, bytes, take(&wire, CLIENT, bytes, sizeof bytes));
	assert_int_equal(stream_read(&wire.end[SERVER]), -EKEYREJECTED);
	assert_int_equal(stream_read(&wire.end[SERVER]), -EKEYREJECTED);
	n = take(&wire, SERVER, bytes, sizeof bytes);
	assert_int_equal(n, 2);
	give(&wire, CLIENT, bytes, n);
	assert_int_equal(stream_read(&wire.end[CLIENT]), -EKEYREJECTED);
	assert_int_equal(stream_pending(&wire.end[CLIENT]), 38);
	assert_null(stream_secure_hash(&wire.end[CLIENT]));
	wire_deinit(&wire);
}

/* Who answers the client without the server's secret key is found out, whatever it sends. */
static void test_impostor(void **state)
{
	uint8_t answer[50];
	struct wire wire;

	(void)state;
	randombytes_buf(answer, sizeof answer);
	bytes_put16(answer, 48);
	wire_init(&wire, 4096);
	assert_int_equal(stream_secure_connect(&wire.end[CLIENT], wire.pk), 0);
	assert_int_equal(stream_write(&wire.end[CLIENT]), 0);
	give(&wire, CLIENT, answer, sizeof answer);
	assert_int_equal(stream_read(&wire.end[CLIENT]), -EKEYREJECTED);
	wire_deinit(&wire);
}

/* Bytes that begin no handshake are refused after the first two, and a small key is no ephemeral
 * one. */
static void test_garbage(void **state)
{
	static const uint8_t starts[][2] = {{0, 0}, {47, 0}, {49, 0}, {48, 1}, {'G', 'E'}};
	struct wire wire;
	uint8_t small_order[50] = {48, 0};

	(void)state;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		wire_init(&wire, 4096);
		assert_int_equal(stream_secure_accept(&wire.end[SERVER], wire.sk), 0);
		give(&wire, SERVER, starts[i], 2);
		assert_int_equal(stream_read(&wire.end[SERVER]), -EPROTO);
		wire_deinit(&wire);
	}
	wire_init(&wire, 4096);
	assert_int_equal(stream_secure_accept(&wire.end[SERVER], wire.sk), 0);
	give(&wire, SERVER, small_order, sizeof small_order);
	assert_int_equal(stream_read(&wire.end[SERVER]), -EKEYREJECTED);
	wire_deinit(&wire);
}

/* A server takes a first message again, for anyone may have seen it, but says nothing that whoever
 * repeats it could go on from: the records of the first connection are none in the second (row 38).
 */
static void test_replay(void **state)
{
	uint8_t first[4096], record[4096], answer[4096];
	struct wire wire, again;
	size_t n, n_record;

	(void)state;
	wire_init(&wire, 4096);
	connect_both(&wire);
	queue(&wire.end[CLIENT], 1, "pay", 3);
	assert_int_equal(stream_write(&wire.end[CLIENT]), 0);
	n = take(&wire, CLIENT, first, sizeof first);
	give(&wire, SERVER, first, n);
	assert_true(stream_read(&wire.end[SERVER]) > 0);
	assert_int_equal(stream_write(&wire.end[SERVER]), 0);
	give(&wire, CLIENT, answer, take(&wire, SERVER, answer, sizeof answer));
	assert_true(stream_read(&wire.end[CLIENT]) > 0);
	assert_int_equal(stream_write(&wire.end[CLIENT]), 0);
	n_record = take(&wire, CLIENT, record, sizeof record);
	give(&wire, SERVER, record, n_record);
	assert_true(stream_read(&wire.end[SERVER]) > 0);
	expect(&wire.end[SERVER], 1, "pay", 3);

	wire_init(&again, 4096);
	assert_int_equal(stream_secure_accept(&again.end[SERVER], again.sk), 0);
	give(&again, SERVER, first, n);
	assert_true(stream_read(&again.end[SERVER]) > 0);
	assert_memory_not_equal(stream_secure_hash(&again.end[SERVER]),
				stream_secure_hash(&wire.end[SERVER]), NOISE_HASH_SIZE);
	give(&again, SERVER, record, n_record);
	assert_int_equal(stream_read(&again.end[SERVER]), -EPROTO);
	/* Nor twice in the first. */
	give(&wire, SERVER, record, n_record);
	assert_int_equal(stream_read(&wire.end[SERVER]), -EPROTO);
	wire_deinit(&wire);
	wire_deinit(&again);
}

/* After a record that was changed on the way nothing comes of the stream any more. */
static void test_changed(void **state)
{
	struct wire wire;
	uint8_t bytes[4096];
	struct frame frame;
	const uint8_t *body;
	size_t n;
	int fd;

	(void)state;
	wire_init(&wire, 4096);
	connect_both(&wire);
	carry(&wire, 4096);
	queue(&wire.end[SERVER], 1, "one", 3);
	assert_int_equal(stream_write(&wire.end[SERVER]), 0);
	n = take(&wire, SERVER, bytes, sizeof bytes);
	bytes[n - 1] ^= 1;
	give(&wire, CLIENT, bytes, n);
	assert_int_equal(stream_read(&wire.end[CLIENT]), -EPROTO);
	assert_int_equal(stream_next(&wire.end[CLIENT], &frame, &body, &fd), 0);
	bytes[n - 1] ^= 1;
	give(&wire, CLIENT, bytes, n);
	assert_int_equal(stream_read(&wire.end[CLIENT]), -EPROTO);
	assert_int_equal(stream_next(&wire.end[CLIENT], &frame, &body, &fd), 0);
	wire_deinit(&wire);
}

/* A descriptor can't go over TCP: it is refused, and closed. */
static void test_descriptor(void **state)
{
	struct frame frame = {.type = FRAME_BOUND};
	struct wire wire;
	int pipe_fds[2];
	char byte;

	(void)state;
	wire_init(&wire, 4096);
	connect_both(&wire);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(stream_queue(&wire.end[CLIENT], &frame, NULL, 0, pipe_fds[1]), -EINVAL);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 0);
	close(pipe_fds[0]);
	wire_deinit(&wire);
}

/* A server's key of small order is refused before anything is sent. */
static void test_small_server_key(void **state)
{
	static const uint8_t zeros[NOISE_KEY_SIZE];
	struct wire wire;

	(void)state;
	wire_init(&wire, 4096);
	assert_int_equal(stream_secure_connect(&wire.end[CLIENT], zeros), -EKEYREJECTED);
	assert_int_equal(stream_write(&wire.end[CLIENT]), 0);
	wire_deinit(&wire);
}

/* Buffers that are empty can be given back at any time, and the stream goes on. */
static void test_trim(void **state)
{
	struct wire wire;

	(void)state;
	wire_init(&wire, 4096);
	connect_both(&wire);
	for (uint64_t i = 1; i < 20; i++) {
		queue(&wire.end[CLIENT], i, "body", 4);
		carry(&wire, 5);
		expect(&wire.end[SERVER], i, "body", 4);
		/* The frame's bytes stay until the next read. */
		stream_trim(&wire.end[CLIENT]);
		stream_trim(&wire.end[SERVER]);
		assert_null(wire.end[SERVER].in.data);
	}
	wire_deinit(&wire);
}

/* A server that takes no connection names a limit: the client learns the number once it is there,
 * whatever comes after it; a length that is neither that nor a message's is nothing. */
static void test_refused(void **state)
{
	static const uint8_t refusal[] = {1, 0, 5, 77}, other[] = {2, 0, 5};
	struct wire wire;

	(void)state;
	wire_init(&wire, WAT_BODY_MAX);
	assert_int_equal(stream_secure_connect(&wire.end[CLIENT], wire.pk), 0);
	give(&wire, CLIENT, refusal, 2);
	assert_int_equal(stream_read(&wire.end[CLIENT]), 2);
	assert_int_equal(stream_secure_overload(&wire.end[CLIENT]), 0);
	give(&wire, CLIENT, refusal + 2, 2);
	assert_int_equal(stream_read(&wire.end[CLIENT]), -EUSERS);
	assert_int_equal(stream_secure_overload(&wire.end[CLIENT]), 5);
	assert_int_equal(stream_read(&wire.end[CLIENT]), -EUSERS);
	wire_deinit(&wire);
	wire_init(&wire, WAT_BODY_MAX);
	assert_int_equal(stream_secure_connect(&wire.end[CLIENT], wire.pk), 0);
	give(&wire, CLIENT, other, sizeof other);
	assert_int_equal(stream_read(&wire.end[CLIENT]), -EPROTO);
	wire_deinit(&wire);
	/* What the server sends for it. */
	wire_init(&wire, WAT_BODY_MAX);
	stream_secure_refuse(wire.end[SERVER].fd, 5);
	{
		uint8_t seen[8];

		assert_int_equal(take(&wire, SERVER, seen, sizeof seen), 3);
		assert_memory_equal(seen, refusal, 3);
	}
	wire_deinit(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),     cmocka_unit_test(test_large_frames),
		cmocka_unit_test(test_accounting), cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_impostor),   cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_replay),     cmocka_unit_test(test_changed),
		cmocka_unit_test(test_descriptor), cmocka_unit_test(test_small_server_key),
		cmocka_unit_test(test_trim),       cmocka_unit_test(test_refused),
	};

	if (sodium_init() < 0)
		return 1;
	return test_run_cases(tests, NULL, NULL);
}
