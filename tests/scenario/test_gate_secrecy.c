/* test_gate_secrecy.c - what somebody on the way learns of a TCP connection, and can do with it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/limits.h"
#include "proto/token.h"
#include "tests/scenario/hand.h"
#include "tests/scenario/relay.h"
#include "tests/scenario/remote.h"

/* Methods of the counter. */
#define GET 0
#define INCREMENT 1

static bool has(const struct relay *relay, const void *bytes, size_t n)
{
	return memmem(relay->up.bytes, relay->up.n, bytes, n) ||
	       memmem(relay->down.bytes, relay->down.n, bytes, n);
}

/* A session by way of the relay, with a token and an instance that the test knows. */
static struct token session(struct remote *r, const char *address, const char *name)
{
	struct token token;
	char *text = remote_token(r, name);
	counter_user *user;
	wat *w;

	assert_int_equal(token_from_text(text, &token), TOKEN_OK);
	user = remote_user(address, text, &w);
	for (int i = 0; i < 20; i++)
		assert_int_equal(counter_increment_with(user, 1, NULL), 0);
	counter_user_free(user);
	wat_free(w);
	wat_memory_free(text);
	return token;
}

/* A capture has no token, no seed, no name and no frame (row 38). Of a connection without
 * encryption it has all but the seed, which never crosses a wire: so the search finds what is
 * there. */
static void test_capture(void **state)
{
	struct remote *r = *state;
	struct relay relay;
	struct token token;
	char plain[96];

	relay_start(&relay, r->address);
	token = session(r, relay.address, "u1");
	relay_stop(&relay);
	assert_true(relay.up.n > 1000 && relay.down.n > 1000);
	assert_false(has(&relay, token.grant_id, sizeof token.grant_id));
	assert_false(has(&relay, token.instance_id, sizeof token.instance_id));
	assert_false(has(&relay, token.sig, sizeof token.sig));
	assert_false(has(&relay, token.seed, sizeof token.seed));
	assert_false(has(&relay, "counter.Counter", 15));
	assert_false(has(&relay, "WATC", 4));
	assert_false(has(&relay, "libwat", 6));
	relay_free(&relay);

	relay_start(&relay, r->address);
	snprintf(plain, sizeof plain, "wat+insecure://%s", strchr(relay.address, '@') + 1);
	token = session(r, plain, "u2");
	relay_stop(&relay);
	assert_true(has(&relay, token.grant_id, sizeof token.grant_id));
	assert_true(has(&relay, token.sig, sizeof token.sig));
	assert_true(has(&relay, "counter.Counter", 15));
	assert_false(has(&relay, token.seed, sizeof token.seed));
	relay_free(&relay);
}

/* All that comes until the end. */
static size_t read_to_end(int fd)
{
	char bytes[4096];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		all += (size_t)n;
	return all;
}

/* Everything that a client sent, sent once more, is answered by a handshake that only that client
 * could have gone on with, and by nothing else: nothing is done twice (row 38). */
static void test_replay(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	counter_user *user;
	struct relay relay;
	int fd;
	wat *w;

	relay_start(&relay, r->address);
	user = remote_user(relay.address, token, &w);
	assert_int_equal(counter_increment_with(user, 41, NULL), 0);
	relay_stop(&relay);
	fd = hand_dial(r->address);
	assert_int_equal(send(fd, relay.up.bytes, relay.up.n, MSG_NOSIGNAL), relay.up.n);
	/* Its length, and a message with an ephemeral key of its own. */
	assert_int_equal(read_to_end(fd), 50);
	close(fd);
	counter_user_free(user);
	wat_free(w);
	user = remote_user(r->address, token, &w);
	assert_int_equal(remote_get(user), 41);
	counter_user_free(user);
	wat_free(w);
	wat_memory_free(token);
	relay_free(&relay);
}

static void bind_bound_to(struct hand *hand, const char *token, const uint8_t chan_bind[32])
{
	uint8_t own[32], body[HAND_BIND_MAX];
	uint64_t id;
	size_t n;

	memcpy(own, hand->chan_bind, sizeof own);
	memcpy(hand->chan_bind, chan_bind, sizeof own);
	n = hand_bind_body(hand, token, body, &id);
	hand_queue(hand, (struct frame){.type = FRAME_BIND, .id = id}, body, n);
	hand_expect_fail(hand, id, WAT_ACCESS_DENIED, "");
	memcpy(hand->chan_bind, own, sizeof own);
}

/* A proof is good on the connection that it was made for: one that is bound to another handshake,
 * to a unix socket or to none is refused, and so is one of TCP on a unix socket; the next genuine
 * one is taken (rows 19, 38). */
static void test_proofs_are_bound(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	struct hand one, two, local;
	uint8_t binding[32];

	hand_connect(&one, r->address);
	hand_greet(&one);
	hand_connect(&two, r->address);
	hand_greet(&two);
	bind_bound_to(&one, token, two.chan_bind);
	token_unix_binding(binding);
	bind_bound_to(&one, token, binding);
	token_plain_binding(binding);
	bind_bound_to(&one, token, binding);
	hand_bind_handle(&one, token);
	hand_connect(&local, r->daemon.socket);
	hand_greet(&local);
	bind_bound_to(&local, token, one.chan_bind);
	/* By gate.sock as on watd's own. */
	hand_close(&local);
	hand_connect(&local, r->gate_socket);
	hand_greet(&local);
	bind_bound_to(&local, token, one.chan_bind);
	hand_bind_handle(&local, token);
	hand_close(&local);
	hand_close(&one);
	hand_close(&two);
	wat_memory_free(token);
}

/* Where the peer is on the network, as it knows itself. */
static void own_address(const struct hand *hand, char *ret, size_t size)
{
	struct sockaddr_in address;
	socklen_t n = sizeof address;

	assert_int_equal(getsockname(hand->stream.fd, (struct sockaddr *)&address, &n), 0);
	snprintf(ret, size, "\"address\":\"127.0.0.1:%u\"", ntohs(address.sin_port));
}

/* The event with the detail is one of the peer's. */
static void assert_recorded(const char *events, const char *detail, const char *address)
{
	const char *at = strstr(events, detail), *begin = NULL;

	assert_non_null(at);
	for (const char *i = events; (i = strstr(i, "\"seq\"")) != NULL && i < at; i++)
		begin = i;
	assert_non_null(begin);
	assert_non_null(memmem(begin, (size_t)(at - begin), address, strlen(address)));
	assert_non_null(memmem(begin, (size_t)(at - begin), "\"uid\":null", 10));
}

/* What is refused to somebody on the network is in the audit with its address, and without a uid or
 * pid, which it has not here: a BIND that watd refuses, and a call that the host does (row 113). */
static void test_refusals_are_recorded(void **state)
{
	struct remote *r = *state;
	struct wat_grant grant = WAT_GRANT_INIT;
	char address[64], other_address[64], *token;
	struct test_output out;
	uint8_t binding[32];
	counter_state *final;
	counter_user *given;
	struct hand hand, other;

	grant.name = "u1";
	grant.methods = UINT64_C(1) << GET;
	assert_int_equal(counter_provision(r->admin, &grant, &given), 0);
	assert_int_equal(counter_user_token(given, &token), 0);
	counter_user_free(given);
	hand_connect(&hand, r->address);
	hand_greet(&hand);
	own_address(&hand, address, sizeof address);
	token_unix_binding(binding);
	bind_bound_to(&hand, token, binding);
	/* Another peer, since the second refusal of one may be told a second later. */
	hand_connect(&other, r->address);
	hand_greet(&other);
	own_address(&other, other_address, sizeof other_address);
	hand_bind_handle(&other, token);
	hand_expect_fail(&other, hand_queue_call(&other, INCREMENT, NULL, 0), WAT_ACCESS_DENIED,
			 "");
	/* Its host tells watd before it hears of the stop. */
	assert_int_equal(counter_stop(r->admin, &final), 0);
	counter_state_free(final);
	test_watctl(&r->daemon, &out, "-j", "events", "c1", NULL);
	assert_recorded(out.out, "the proof that the token's holder presents it is wrong", address);
	assert_recorded(out.out, "this capability does not allow Increment", other_address);
	hand_close(&other);
	hand_close(&hand);
	wat_memory_free(token);
}

/* Without encryption nobody gets in, unless the operator wants it: the connection ends without a
 * word. */
static void test_plain_is_refused(void **state)
{
	struct remote *r = *state;
	char plain[96];
	int fd = hand_dial(r->address);
	wat *w = NULL;

	assert_int_equal(send(fd, WAT_PLAIN_PREFACE, strlen(WAT_PLAIN_PREFACE), MSG_NOSIGNAL),
			 strlen(WAT_PLAIN_PREFACE));
	assert_int_equal(read_to_end(fd), 0);
	close(fd);
	snprintf(plain, sizeof plain, "wat+insecure://%s", strchr(r->address, '@') + 1);
	assert_int_equal(wat_connect(plain, &w), WAT_UNAVAILABLE);
	assert_null(w);
}

/* A client that has another key for the place is told so by the real daemon, not by a mere hang-up.
 */
static void test_wrong_key(void **state)
{
	struct remote *r = *state;
	char address[96];
	wat *w = NULL;

	snprintf(address, sizeof address, "%s", r->address);
	address[10] = address[10] == 'A' ? 'B' : 'A';
	assert_int_equal(wat_connect(address, &w), -EKEYREJECTED);
	assert_null(w);
	assert_non_null(strstr(wat_failure()->text, "does not have that key"));
}

/* watctl works with an address as it does with the socket, and says what it can't do there. */
static void test_by_watctl(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1"), path[128], command[1024];
	FILE *file;

	snprintf(path, sizeof path, "%s/token", r->daemon.dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(token, file);
	fclose(file);
	snprintf(command, sizeof command,
		 "%s/bin/watctl -H %s call c1 Increment '{\"n\":5}' --token %s >%s/out",
		 WAT_BUILD_DIR, r->address, path, r->daemon.dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "grep -q '\"5\"' %s/out", r->daemon.dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "%s/bin/watctl -H %s ls 2>%s/out", WAT_BUILD_DIR,
		 r->address, r->daemon.dir);
	assert_int_equal(WEXITSTATUS(system(command)), 64);
	snprintf(command, sizeof command, "grep -q 'on its own machine' %s/out", r->daemon.dir);
	assert_int_equal(system(command), 0);
	wat_memory_free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		REMOTE_OPEN_CASE(test_capture),
		REMOTE_CASE(test_replay),
		REMOTE_CASE(test_proofs_are_bound),
		REMOTE_CASE(test_plain_is_refused),
		REMOTE_CASE(test_wrong_key),
		REMOTE_CASE(test_by_watctl),
		REMOTE_CASE(test_refusals_are_recorded),
	};

	return test_run_cases(tests, NULL, NULL);
}
