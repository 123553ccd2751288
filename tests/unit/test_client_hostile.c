/* test_client_hostile.c - a server that is none, or a bad one: libwat says so, and neither crashes
 * nor waits for ever. */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/frame.h"
#include <wat/envelope.pb-c.h>
#include <wat/wat.h>
#include "tests/lib/cases.h"

struct server {
	char dir[32], path[64];
	int listener;
	pthread_t thread;
	const uint8_t *answer; /* sent to everyone who connects, then the end */
	size_t n;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		uint8_t hello[64];

		/* Read first, so that the end is an end and no reset. */
		if (recv(fd, hello, sizeof hello, 0) > 0 && s->n > 0)
			(void)send(fd, s->answer, s->n, MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void start(struct server *s, const uint8_t *answer, size_t n)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*s = (struct server){.answer = answer, .n = n};
	test_make_dir(s->dir, sizeof s->dir);
	snprintf(s->path, sizeof s->path, "%s/sock", s->dir);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", s->path);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(s->listener, 16), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
	/* Wakes accept. */
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	unlink(s->path);
	rmdir(s->dir);
}

static size_t welcome(uint8_t *to, size_t challenge_size)
{
	Wat__Envelope__Welcome message = WAT__ENVELOPE__WELCOME__INIT;
	uint8_t zeros[64] = {0};
	struct frame frame = {.type = FRAME_WELCOME};

	message.version = 1;
	message.challenge = (ProtobufCBinaryData){challenge_size, zeros};
	message.node_id = (ProtobufCBinaryData){16, zeros};
	frame.body_len = (uint32_t)wat__envelope__welcome__pack(&message, to + FRAME_HEADER_SIZE);
	frame_encode(&frame, to);
	return FRAME_HEADER_SIZE + frame.body_len;
}

static void assert_no_greeting(const uint8_t *answer, size_t n)
{
	struct server s;
	wat *w = NULL;

	start(&s, answer, n);
	assert_int_equal(wat_connect(s.path, &w), WAT_UNAVAILABLE);
	assert_null(w);
	assert_int_equal(wat_failure()->status, WAT_UNAVAILABLE);
	assert_non_null(strstr(wat_failure()->text, s.path));
	stop(&s);
}

/* Silence and hang-up, another protocol, a frame over the limit, unknown types, a greeting of the
 * wrong sizes. */
static void test_no_greeting(void **state)
{
	static const char http[] =
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	uint8_t bytes[256] = {0};

	(void)state;
	assert_no_greeting(NULL, 0);
	assert_no_greeting((const uint8_t *)http, sizeof http - 1);
	assert_no_greeting(bytes, sizeof bytes);
	frame_encode(&(struct frame){.type = FRAME_WELCOME, .body_len = UINT32_MAX}, bytes);
	assert_no_greeting(bytes, FRAME_HEADER_SIZE);
	assert_no_greeting(bytes, welcome(bytes, 31));
	assert_no_greeting(bytes, FRAME_HEADER_SIZE / 2);
}

/* A server that greets and then hangs up: each call ends with a status, and nothing is tried again
 * without leave. */
static void test_hangs_up(void **state)
{
	uint8_t bytes[256];
	struct server s;
	wat_node *node = NULL;
	wat *w;
	int r;

	(void)state;
	start(&s, bytes, welcome(bytes, 32));
	assert_int_equal(wat_connect(s.path, &w), 0);
	wat_set_reconnect(w, 0);
	r = wat_node_open(w, &node);
	assert_true(r == WAT_UNAVAILABLE || r == WAT_DISCONNECTED);
	assert_null(node);
	wat_free(w);
	stop(&s);
}

/* A server that greets, then answers with what it was not asked. */
static void test_answers_nonsense(void **state)
{
	static const uint8_t types[] = {FRAME_BOUND,    FRAME_DIED,   FRAME_REPLY, FRAME_FAIL,
					FRAME_ATTACHED, FRAME_GOAWAY, FRAME_EVENT};
	uint8_t bytes[1024];

	(void)state;
	for (size_t i = 0; i < sizeof types; i++) {
		struct frame frame = {.type = types[i], .id = 1, .handle = 1, .body_len = 40};
		size_t n = welcome(bytes, 32);
		wat_node *node = NULL;
		struct server s;
		wat *w = NULL;
		int r;

		frame_encode(&frame, bytes + n);
		memset(bytes + n + FRAME_HEADER_SIZE, 0xff, 40);
		start(&s, bytes, n + FRAME_HEADER_SIZE + 40);
		/* The nonsense may come with the greeting, or after it. */
		r = wat_connect(s.path, &w);
		if (r == 0) {
			wat_set_reconnect(w, 0);
			r = wat_node_open(w, &node);
		}
		assert_true(r == WAT_UNAVAILABLE || r == WAT_DISCONNECTED);
		assert_null(node);
		wat_free(w);
		stop(&s);
	}
}

/* Nobody there, a path that is no socket, a path too long: this machine's own errors. */
static void test_nobody(void **state)
{
	char path[200];
	wat *w = NULL;

	(void)state;
	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	assert_true(wat_connect("/nonexistent/watd.sock", &w) < 0);
	assert_non_null(strstr(wat_failure()->text, "/nonexistent/watd.sock"));
	assert_true(wat_connect("/dev/null", &w) < 0);
	assert_true(wat_connect(path, &w) < 0);
	assert_null(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_greeting),
		cmocka_unit_test(test_hangs_up),
		cmocka_unit_test(test_answers_nonsense),
		cmocka_unit_test(test_nobody),
	};

	return test_run_cases(tests, NULL, NULL);
}
