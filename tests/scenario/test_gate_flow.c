/* test_gate_flow.c - many channels on one connection: their order and their limits; peers that do
 * not read, or send what they should not. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wat/admin.pb-c.h>

#include "proto/limits.h"
#include "tests/scenario/hand.h"
#include "tests/scenario/remote.h"

#define INCREMENT 1
#define ADMIN_STOP 2

/* An Amount of 1. */
static const uint8_t one[] = {0x08, 0x02};

static void queue_increments(struct hand *hand, uint64_t first, size_t n)
{
	for (uint64_t id = first; id < first + n; id++)
		hand_queue(hand,
			   (struct frame){.type = FRAME_CALL,
					  .method = INCREMENT,
					  .id = id,
					  .handle = hand->handle},
			   one, sizeof one);
}

static void expect_replies(struct hand *hand, uint32_t handle, uint64_t first, size_t n)
{
	for (uint64_t id = first; id < first + n; id++) {
		assert_true(hand_read(hand));
		assert_int_equal(hand->frame.type, FRAME_REPLY);
		assert_int_equal(hand->frame.handle, handle);
		assert_int_equal(hand->frame.id, id);
	}
}

static void greet(struct hand *hand, const char *address)
{
	hand_connect(hand, address);
	hand_greet(hand);
}

static long resident_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		(void)sscanf(line, "VmRSS: %ld kB", &kb);
	fclose(file);
	return kb;
}

#ifdef WAT_SANITIZED
#define GROWTH_MAX_KB 400000
#else
#define GROWTH_MAX_KB 8192
#endif
#define MANY 400000

/* A client that sends and does not read is not read either: the gate holds no more for it than its
 * bounds, another client notices nothing, and when it reads at last each call is answered, in order
 * (rows 43, 48). */
static void test_never_reads(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "slow"), *other_token = remote_token(r, "other");
	struct hand slow;
	counter_user *other;
	long before;
	wat *w;

	other = remote_user(r->address, other_token, &w);
	greet(&slow, r->address);
	hand_bind_handle(&slow, token);
	before = resident_kb(remote_gate(r));
	queue_increments(&slow, 1, MANY);
	for (int i = 0; i < 500; i++) {
		int written = stream_write(&slow.stream);

		assert_true(written == 0 || written == -EAGAIN);
		assert_true(remote_get(other) >= 0);
	}
	/* 13 MiB of calls are more than the buffers on the way, and the way is closed. */
	assert_true(stream_pending(&slow.stream) > 0);
	/* A sanitizer holds back what was freed. */
	assert_true(resident_kb(remote_gate(r)) - before < GROWTH_MAX_KB);
	expect_replies(&slow, slow.handle, 1, MANY);
	assert_int_equal(remote_get(other), MANY);
	hand_close(&slow);
	counter_user_free(other);
	wat_free(w);
	wat_memory_free(token);
	wat_memory_free(other_token);
}

static void bind_admin(struct hand *hand, struct remote *r)
{
	uint8_t body[HAND_BIND_MAX];
	char *token;
	uint64_t id;
	size_t n;

	assert_int_equal(counter_admin_token(r->admin, &token), 0);
	n = hand_bind_body(hand, token, body, &id);
	hand_queue(hand, (struct frame){.type = FRAME_BIND, .id = id}, body, n);
	assert_true(hand_read(hand));
	assert_int_equal(hand->frame.type, FRAME_BOUND);
	/* The handles of a connection count from 1: the User was the first. */
	wat_memory_free(token);
}

static uint64_t queue_stop(struct hand *hand, uint32_t handle)
{
	Wat__Admin__StopRequest stop = WAT__ADMIN__STOP_REQUEST__INIT;
	uint8_t body[32], request_id[16] = {1};
	size_t n;

	stop.request_id = (ProtobufCBinaryData){sizeof request_id, request_id};
	n = wat__admin__stop_request__pack(&stop, body);
	hand_queue(hand,
		   (struct frame){.type = FRAME_CALL,
				  .method = ADMIN_STOP,
				  .id = ++hand->last_id,
				  .handle = handle},
		   body, n);
	return hand->last_id;
}

#define BEFORE_STOP 30000

/* A Stop that is sent behind calls, in the same write, comes to watd when all of them are with
 * their service, though they are more than its socket takes: the state has them all (rows 79, 80).
 */
static void test_stop_comes_after(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	struct hand hand;
	uint64_t stop, n_answers = 0;
	Wat__Admin__StopReply *reply = NULL;

	greet(&hand, r->address);
	hand_bind_handle(&hand, token);
	bind_admin(&hand, r);
	queue_increments(&hand, 1, BEFORE_STOP);
	stop = queue_stop(&hand, 2);
	while (!reply && hand_read(&hand)) {
		if (hand.frame.handle == 1 && hand.frame.type == FRAME_REPLY)
			n_answers++;
		if (hand.frame.handle != 2)
			continue;
		assert_int_equal(hand.frame.type, FRAME_REPLY);
		assert_int_equal(hand.frame.id, stop);
		reply = wat__admin__stop_reply__unpack(NULL, hand.frame.body_len, hand.body);
	}
	assert_non_null(reply);
	/* state { value: 30000 } */
	assert_int_equal(reply->state.len, 4);
	assert_memory_equal(reply->state.data, "\x08\xe0\xd4\x03", 4);
	assert_true(n_answers > 0);
	wat__admin__stop_reply__free_unpacked(reply, NULL);
	hand_close(&hand);
	wat_memory_free(token);
}

/* A service keeps 16 lanes of a grant. */
static void bind_handles(struct remote *r, struct hand *hand, uint32_t n)
{
	char name[16], *token = NULL;

	for (uint32_t i = 0; i < n; i++) {
		if (i % 16 == 0) {
			wat_memory_free(token);
			snprintf(name, sizeof name, "many%u", i / 16);
			token = remote_token(r, name);
		}
		hand_bind_handle(hand, token);
		assert_int_equal(hand->handle, i + 1);
	}
	wat_memory_free(token);
}

/* A connection may have so many channels: one more is refused and does no harm, and one that is
 * given back makes room (row 43). */
static void test_handles(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	uint8_t body[HAND_BIND_MAX];
	struct hand hand;
	uint64_t id;
	size_t n;

	greet(&hand, r->address);
	bind_handles(r, &hand, 256);
	n = hand_bind_body(&hand, token, body, &id);
	hand_queue(&hand, (struct frame){.type = FRAME_BIND, .id = id}, body, n);
	hand_expect_fail(&hand, id, WAT_OVERLOADED, "too many channels");
	hand.handle = 256;
	queue_increments(&hand, 1, 3);
	expect_replies(&hand, 256, 1, 3);
	hand_queue(&hand, (struct frame){.type = FRAME_DROP, .handle = 100}, NULL, 0);
	hand_bind_handle(&hand, token);
	assert_int_equal(hand.handle, 100);
	queue_increments(&hand, 1, 3);
	expect_replies(&hand, 100, 1, 3);
	hand_close(&hand);
	wat_memory_free(token);
}

/* When the service's process dies, its channel ends with a DROP, the connection and other handles
 * are as they were, and a new BIND gives a channel again (row 46). */
static void test_service_dies(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	struct test_output killed;
	struct hand hand;

	greet(&hand, r->address);
	hand_bind_handle(&hand, token);
	queue_increments(&hand, 1, 5);
	expect_replies(&hand, 1, 1, 5);
	test_watctl(&r->daemon, &killed, "kill", "c1", NULL);
	assert_int_equal(killed.code, 0);
	do
		assert_true(hand_read(&hand));
	while (hand.frame.type == FRAME_GOAWAY);
	assert_int_equal(hand.frame.type, FRAME_DROP);
	assert_int_equal(hand.frame.handle, 1);
	/* Before, a new BIND might meet the dead one. */
	assert_true(test_daemon_wait_log(&r->daemon, "a host died", 1));
	/* Nobody reads them. */
	queue_increments(&hand, 6, 5);
	hand_bind_handle(&hand, token);
	assert_int_equal(hand.handle, 2);
	hand_queue(&hand, (struct frame){.type = FRAME_DROP, .handle = 1}, NULL, 0);
	queue_increments(&hand, 1, 5);
	expect_replies(&hand, 2, 1, 5);
	hand_close(&hand);
	wat_memory_free(token);
}

/* Frames that watd refuses on its own socket are refused here in the same way, by a FAIL or a
 * GOAWAY. */
static void test_refusals(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	uint8_t large[8192] = {0};
	struct hand hand;

	for (int i = 0; i < 2; i++) {
		const char *address = i == 0 ? r->address : r->gate_socket;

		greet(&hand, address);
		hand.handle = 77;
		hand_expect_fail(&hand, hand_queue_call(&hand, 0, NULL, 0), WAT_ACCESS_DENIED, "");
		hand_bind_handle(&hand, token);
		hand_queue(&hand, (struct frame){.type = FRAME_PING, .id = 9}, NULL, 0);
		assert_true(hand_read(&hand));
		assert_int_equal(hand.frame.type, FRAME_PONG);
		assert_int_equal(hand.frame.id, 9);
		hand_queue(&hand, (struct frame){.type = FRAME_ATTACHED}, NULL, 0);
		hand_expect_goaway(&hand, WAT_INVALID_ARGUMENT);
		hand_close(&hand);
		/* Before anything is bound. */
		greet(&hand, address);
		hand_queue(&hand, (struct frame){.type = FRAME_BIND, .id = 1}, large, sizeof large);
		hand_expect_goaway(&hand, WAT_TOO_LARGE);
		hand_close(&hand);
		greet(&hand, address);
		hand_queue(&hand, (struct frame){.type = FRAME_PING, .flags = FRAME_FLAG_FD}, NULL,
			   0);
		hand_expect_goaway(&hand, WAT_INVALID_ARGUMENT);
		hand_close(&hand);
	}
	wat_memory_free(token);
}

static bool is_at_end(int fd)
{
	char bytes[256];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}

/* Bytes that begin no connection end it, and nothing else: the next genuine one is served (row 42).
 */
static void test_garbage(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	counter_user *user;
	uint8_t bytes[4096];
	unsigned seed = 1;
	wat *w;

	for (size_t n = 1; n < sizeof bytes; n = n * 3 + 1) {
		int fd = hand_dial(r->address);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)rand_r(&seed);
		/* Not a part of a handshake, which would be waited for. */
		bytes[0] = bytes[0] == '0' ? 'x' : bytes[0];
		(void)!send(fd, bytes, n, MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
		assert_true(is_at_end(fd));
		close(fd);
	}
	user = remote_user(r->address, token, &w);
	assert_int_equal(remote_get(user), 0);
	counter_user_free(user);
	wat_free(w);
	wat_memory_free(token);
}

/* Of one address so many connections are served, and one that ends makes room for the next. */
static void test_connections(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	struct hand hands[10], next;
	int n_refused = 0, fd;
	wat *w;

	for (int i = 0; i < 10; i++) {
		greet(&hands[i], r->address);
		hand_bind_handle(&hands[i], token);
	}
	fd = hand_dial(r->address);
	assert_true(is_at_end(fd));
	close(fd);
	/* The others are as they were; a unix socket has no address. */
	queue_increments(&hands[9], 1, 1);
	expect_replies(&hands[9], 1, 1, 1);
	greet(&next, r->gate_socket);
	hand_close(&next);
	hand_close(&hands[0]);
	/* The gate may accept, and refuse, the next before it reads of the end. */
	while (wat_connect(r->address, &w) != 0)
		assert_true(n_refused++ < 1000);
	wat_free(w);
	for (int i = 1; i < 10; i++)
		hand_close(&hands[i]);
	wat_memory_free(token);
}

/* Who connects and says nothing makes room for others when there are as many as there may be. */
static void test_silent_connections(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	struct hand silent[20], hand;
	int n_ended = 0;

	for (int i = 0; i < 20; i++)
		hand_connect(&silent[i], r->gate_socket);
	greet(&hand, r->gate_socket);
	hand_bind_handle(&hand, token);
	queue_increments(&hand, 1, 2);
	expect_replies(&hand, 1, 1, 2);
	for (int i = 0; i < 20; i++) {
		struct pollfd ended = {.fd = silent[i].stream.fd, .events = POLLIN};

		n_ended += poll(&ended, 1, 0) == 1;
		hand_close(&silent[i]);
	}
	assert_int_equal(n_ended, 1);
	hand_close(&hand);
	wat_memory_free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		REMOTE_CASE(test_never_reads),      REMOTE_CASE(test_stop_comes_after),
		REMOTE_CASE(test_handles),          REMOTE_CASE(test_service_dies),
		REMOTE_CASE(test_refusals),         REMOTE_CASE(test_garbage),
		REMOTE_OPEN_CASE(test_connections), REMOTE_OPEN_CASE(test_silent_connections),
	};

	return test_run_cases(tests, NULL, NULL);
}
