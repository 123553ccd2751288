/* test_hostile_floods.c - too many of something, by every door: connections that prove nothing, of
 * one uid or address, begun too fast; BINDs; descriptors. Whoever is refused is told which limit it
 * was, watd's log tells it once, what is over makes room again, and an innocent client goes on. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/stream_secure.h"
#include "proto/support/cleanup.h"
#include "tests/scenario/hostile.h"

#define FAST                                                    \
	"handshake-rate = 1000000\nhandshake-burst = 1000000\n" \
	"bind-rate = 1000000\nbind-burst = 1000000\n"

static struct test_output out;

/* How many lines of the log tell of this limit. */
static size_t count_told(const struct hostile *h, const char *key)
{
	char path[128], text[128], line[4096];
	size_t n = 0;
	FILE *log;

	snprintf(text, sizeof text, "(%s)", key);
	snprintf(path, sizeof path, "%s/log", h->daemon.dir);
	log = fopen(path, "r");
	assert_non_null(log);
	while (fgets(line, sizeof line, log))
		n += strstr(line, "event=overload") && strstr(line, text);
	fclose(log);
	return n;
}

/* It is in the log, and in the events; hundreds of refusals are a few of either. */
static void assert_told(const struct hostile *h, enum overload limit)
{
	const char *key = overload_key(limit);
	char text[128];

	snprintf(text, sizeof text, "(%s)", key);
	assert_true(test_daemon_wait_log(&h->daemon, text, 1));
	assert_in_range(count_told(h, key), 1, 20);
	test_watctl(&h->daemon, &out, "events", NULL);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.out, "overload"));
	assert_non_null(strstr(out.out, text));
}

static void close_all(struct hand *hands, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hand_close(&hands[i]);
}

/* The limits that say how many there may be: those of the gate, or of watd's own socket. */
static bool is_gate(const struct hostile *h)
{
	return h->gate > 0;
}

#define FLOOD 300
#define STRANGERS 20

static int set_up_early_drop(void **state)
{
	return hostile_start(state, FAST "max-unauthenticated = 10:50:20\n");
}

/* Is it still connected? Those who are not were told why, as far as one can be told. */
static bool is_there(struct hand *hand, enum overload limit)
{
	struct pollfd over = {.fd = hand->stream.fd, .events = POLLIN};

	assert_true(poll(&over, 1, 0) >= 0);
	if (!over.revents)
		return true;
	assert_true(hand_read(hand));
	assert_int_equal(hostile_limit(hand), limit);
	return false;
}

/* Of connections that prove nothing at most so many are there, whoever sends how many: each may
 * have to go for another, by chance, and is told so. A newcomer gets in after a few attempts, and
 * who has bound something is not touched (row 43). */
static void test_connection_flood(void **state)
{
	struct hostile *h = *state;
	static struct hand flood[FLOOD];
	struct hostile_user bound;
	size_t n = 0, n_there = 0, n_refused = 0;
	struct hand newcomer;

	while (hostile_greet(h, ELSEWHERE, &bound.control) != 0)
		hand_close(&bound.control);
	hand_close(&bound.control);
	hostile_user_open(h, ELSEWHERE, &bound);
	for (size_t i = 0; i < FLOOD; i++) {
		int limit = hostile_greet(h, ELSEWHERE, &flood[n]);

		assert_true(limit == 0 || limit == OVERLOAD_STRANGERS);
		if (limit == 0)
			n++;
		else
			hand_close(&flood[n]);
		n_refused += limit != 0;
	}
	assert_true(n > STRANGERS && n_refused > 0);
	for (int i = 0;; i++) {
		int limit = hostile_greet(h, HERE, &newcomer);

		hand_close(&newcomer);
		if (limit == 0)
			break;
		assert_int_equal(limit, OVERLOAD_STRANGERS);
		assert_true(i < 1000);
	}
	/* Whatever was said to them is there before the answer to what comes after it. */
	hand_queue(&bound.control, (struct frame){.type = FRAME_PING, .id = 1}, NULL, 0);
	assert_true(hand_read(&bound.control));
	assert_int_equal(bound.control.frame.type, FRAME_PONG);
	for (size_t i = 0; i < n; i++)
		n_there += is_there(&flood[i], OVERLOAD_STRANGERS);
	assert_in_range(n_there, 1, STRANGERS);
	hand_close(&bound.control);
	if (bound.at != &bound.control)
		hand_close(&bound.channel);
	assert_told(h, OVERLOAD_STRANGERS);
	close_all(flood, n);
	hostile_await_settled(h);
}

#define OF_ONE 20

static int set_up_of_one(void **state)
{
	return hostile_start(state, FAST "max-unauthenticated = 1000:100:1000\n"
					 "max-connections-of-uid = 20\n"
					 "gate-connections-of-address = 20\n");
}

/* One uid, or one address, has so many connections, whatever they have bound; others are not
 * concerned; one that ends makes room for the next (row 43). */
static void test_of_one(void **state)
{
	struct hostile *h = *state;
	enum overload limit = h->tcp ? OVERLOAD_OF_ADDRESS : OVERLOAD_OF_UID;
	struct hand mine[OF_ONE], more;
	int r;

	for (size_t i = 0; i < OF_ONE; i++)
		assert_int_equal(hostile_greet(h, ELSEWHERE, &mine[i]), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(hostile_greet(h, ELSEWHERE, &more), limit);
		hand_close(&more);
	}
	assert_int_equal(hostile_greet(h, HERE, &more), 0);
	hand_close(&more);
	assert_told(h, limit);
	hand_close(&mine[0]);
	/* It may be there before the end of the other was read. */
	while ((r = hostile_greet(h, ELSEWHERE, &mine[0])) == (int)limit)
		hand_close(&mine[0]);
	assert_int_equal(r, 0);
	close_all(mine, OF_ONE);
	hostile_await_settled(h);
}

static int set_up_slow_handshakes(void **state)
{
	return hostile_start(state, "handshake-rate = 1\nhandshake-burst = 30\n");
}

/* One uid, or one address, begins so many connections at once, and then few in a second: the others
 * cost no handshake. Others may still come; and with a higher rate, from now on, so may it (row
 * 43).
 */
static void test_handshakes(void **state)
{
	struct hostile *h = *state;
	size_t n_refused = 0, n_taken = 0;
	struct hand hand;

	while (n_refused < 200) {
		int limit = hostile_greet(h, ELSEWHERE, &hand);

		hand_close(&hand);
		assert_true(limit == 0 || limit == OVERLOAD_HANDSHAKES);
		n_taken += limit == 0;
		n_refused += limit != 0;
	}
	assert_true(n_taken >= 30);
	assert_int_equal(hostile_greet(h, HERE, &hand), 0);
	hand_close(&hand);
	assert_told(h, OVERLOAD_HANDSHAKES);
	hostile_reload(h, FAST);
	while (hostile_greet(h, ELSEWHERE, &hand) != 0)
		hand_close(&hand);
	hand_close(&hand);
	hostile_await_settled(h);
}

static int set_up_slow_binds(void **state)
{
	return hostile_start(state, "bind-rate = 1\nbind-burst = 30\n");
}

static void queue_wrong_bind(struct hostile *h, struct hand *hand)
{
	uint8_t body[HAND_BIND_MAX];
	uint64_t id;
	size_t n = hand_bind_body(hand, h->token, body, &id);

	/* In the proof. */
	body[n - 30] ^= 1;
	hand_queue(hand, (struct frame){.type = FRAME_BIND, .id = id}, body, n);
}

#define BINDS 2000

/* One uid, or one address, sends so many BINDs at once, over whatever connections, and then few in
 * a second: the others cost no cryptography, and are answered OVERLOADED. The connection goes on;
 * others bind meanwhile; and with a higher rate so does it (row 43). */
static void test_binds(void **state)
{
	struct hostile *h = *state;
	size_t n_denied = 0, n_refused = 0;
	struct hostile_user user;
	struct hand hand;

	assert_int_equal(hostile_greet(h, ELSEWHERE, &hand), 0);
	for (size_t i = 0; i < BINDS; i++)
		queue_wrong_bind(h, &hand);
	for (size_t i = 0; i < BINDS; i++) {
		assert_true(hand_read(&hand));
		assert_int_equal(hand.frame.type, FRAME_FAIL);
		if (hand.frame.budget == WAT_ACCESS_DENIED) {
			n_denied++;
			continue;
		}
		assert_int_equal(hostile_limit(&hand), OVERLOAD_BINDS);
		n_refused++;
	}
	assert_true(n_denied >= 30 && n_refused > BINDS / 2);
	hostile_user_open(h, HERE, &user);
	hostile_user_close(&user);
	assert_told(h, OVERLOAD_BINDS);
	hostile_reload(h, FAST);
	if (hand.handles) {
		hand_bind_handle(&hand, h->token);
	} else {
		hand_bind_user(&hand, h->token, &user.channel);
		hand_close(&user.channel);
	}
	hand_close(&hand);
	hostile_await_settled(h);
}

static rlim_t set_descriptors(pid_t pid, rlim_t n)
{
	struct rlimit old, new;

	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &old), 0);
	new = (struct rlimit){n, old.rlim_max};
	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &new, NULL), 0);
	return old.rlim_cur;
}

static rlim_t highest_descriptor(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	rlim_t highest = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		rlim_t fd = (rlim_t)atoi(entry->d_name);

		if (fd > highest)
			highest = fd;
	}
	closedir(dir);
	return highest;
}

static int set_up_plenty(void **state)
{
	return hostile_start(state, FAST "max-unauthenticated = 20000:100:20000\n");
}

static int greet_admin(const struct hostile *h, struct hand *hand)
{
	static const uint8_t hello[] = {0x08, 0x01};

	hand_connect(hand, h->daemon.admin_socket);
	hand_queue(hand, (struct frame){.type = FRAME_HELLO}, hello, sizeof hello);
	assert_true(hand_read(hand));
	return hand->frame.type == FRAME_WELCOME ? 0 : hostile_limit(hand);
}

#define FILL_MAX 1000

/* Until there are none but those that are kept for watd itself. */
static size_t use_up_descriptors(const struct hostile *h, struct hand *hands)
{
	size_t n = 0;
	int r;

	while ((r = greet_admin(h, &hands[n])) == 0)
		assert_true(++n < FILL_MAX);
	assert_int_equal(r, OVERLOAD_DESCRIPTORS);
	hand_close(&hands[n]);
	return n;
}

/* While watd has no descriptors to give whoever comes is told so, by every door, at once, and does
 * not hang; who is there is served; and when there is not one left at all, it is the same. When
 * there are some again all is as it was (row 43). */
static void test_no_descriptors(void **state)
{
	struct hostile *h = *state;
	pid_t watd = h->daemon.pid;
	static struct hand hands[FILL_MAX + 1];
	rlim_t before = set_descriptors(watd, highest_descriptor(watd) + 100);
	size_t n = use_up_descriptors(h, hands);
	int r;

	for (int i = 0; i < 50; i++) {
		assert_int_equal(greet_admin(h, &hands[n]), OVERLOAD_DESCRIPTORS);
		hand_close(&hands[n]);
		assert_int_equal(hostile_greet(h, HERE, &hands[n]), OVERLOAD_DESCRIPTORS);
		hand_close(&hands[n]);
	}
	innocent_await(&h->innocent);
	(void)set_descriptors(watd, highest_descriptor(watd) + 1);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(greet_admin(h, &hands[n]), OVERLOAD_DESCRIPTORS);
		hand_close(&hands[n]);
		if (!is_gate(h))
			continue; /* a client can't be told when not even that one is left */
		assert_int_equal(hostile_greet(h, HERE, &hands[n]), OVERLOAD_DESCRIPTORS);
		hand_close(&hands[n]);
	}
	assert_true(!is_gate(h) || kill(h->gate, 0) == 0);
	innocent_await(&h->innocent);
	(void)set_descriptors(watd, before);
	/* Accepting may still be paused: then it waits, and is served. */
	while ((r = hostile_greet(h, HERE, &hands[n])) == OVERLOAD_DESCRIPTORS)
		hand_close(&hands[n]);
	assert_int_equal(r, 0);
	assert_told(h, OVERLOAD_DESCRIPTORS);
	close_all(hands, n + 1);
	hostile_await_settled(h);
}

static int set_up_small(void **state)
{
	const struct rlimit small = {300, 300};

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	return set_up_plenty(state);
}

/* When the gate has no descriptors left, who proved nothing makes room, and is told so; who did is
 * served (row 43). */
static void test_gate_descriptors(void **state)
{
	struct hostile *h = *state;
	static struct hand hands[200];
	size_t n_there = 0;

	if (!is_gate(h))
		return; /* test_no_descriptors */
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(hostile_greet(h, HERE, &hands[i]), 0);
	innocent_await(&h->innocent);
	for (size_t i = 0; i < 200; i++)
		n_there += is_there(&hands[i], OVERLOAD_DESCRIPTORS);
	assert_in_range(n_there, 10, 150);
	assert_told(h, OVERLOAD_DESCRIPTORS);
	close_all(hands, 200);
	hostile_await_settled(h);
}

/* The last descriptors are not for clients: while those are refused, the node can still be managed
 * (row 43). */
static void test_few_descriptors(void **state)
{
	struct hostile *h = *state;
	static struct hand hands[FILL_MAX + 1];
	rlim_t before;
	size_t n = 0;
	int r = 0;

	if (is_gate(h))
		return; /* the gate has its own */
	before = set_descriptors(h->daemon.pid, highest_descriptor(h->daemon.pid) + 100);
	while ((r = hostile_greet(h, HERE, &hands[n])) == 0)
		assert_true(++n < FILL_MAX);
	assert_true(n > 20);
	assert_int_equal(r, OVERLOAD_DESCRIPTORS);
	test_watctl(&h->daemon, &out, "kill", "forest", NULL);
	assert_int_equal(out.code, 0);
	innocent_await(&h->innocent);
	test_watctl(&h->daemon, &out, "status", NULL);
	assert_int_equal(out.code, 0);
	close_all(hands, n + 1);
	(void)set_descriptors(h->daemon.pid, before);
	hostile_await_settled(h);
}

/* Descriptors that nobody asked for: the connection that brings them ends, and they are closed. */
static void test_descriptor_flood(void **state)
{
	struct hostile *h = *state;
	union {
		char bytes[CMSG_SPACE(64 * sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec vector = {(void *)(uintptr_t) "watd", 4};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	if (h->tcp)
		return; /* there is no way to send any */
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(64 * sizeof(int));
	for (int i = 0; i < 64; i++)
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &(int){STDERR_FILENO}, sizeof(int));
	for (int i = 0; i < 100; i++) {
		struct hand hand;

		assert_int_equal(hostile_greet(h, HERE, &hand), 0);
		for (int j = 0; j < 20; j++)
			(void)!sendmsg(hand.stream.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		while (hand_read(&hand))
			assert_int_equal(hand.frame.type, FRAME_GOAWAY);
		hand_close(&hand);
	}
	hostile_await_settled(h);
}

#define HOLDERS 8

static int set_up_small_buffers(void **state)
{
	return hostile_start(state, FAST "max-unauthenticated = 20000:100:20000\n"
					 "max-buffered = 1\n");
}

/* A large frame of which a half comes, and then no more. */
static void hold(struct hand *hand)
{
	static const uint8_t half[512 * 1024];
	struct frame frame = {.type = FRAME_CALL,
			      .body_len = 2 * sizeof half,
			      .id = ++hand->last_id,
			      .handle = hand->handle};
	uint8_t header[FRAME_HEADER_SIZE];

	frame_encode(&frame, header);
	hand_queue_bytes(hand, header, sizeof header);
	hand_queue_bytes(hand, half, sizeof half);
}

/* What connections make watd or its gate hold is bounded for all of them together: beyond it one
 * that holds much is told so and goes, until there is room; who holds little goes on (row 43). */
static void test_buffers(void **state)
{
	struct hostile *h = *state;
	struct pollfd fds[HOLDERS];
	struct hostile_user users[HOLDERS];
	size_t n_there = 0;

	for (size_t i = 0; i < HOLDERS; i++) {
		hostile_user_open(h, HERE, &users[i]);
		users[i].control.handle =
			users[i].at == &users[i].control ? users[i].control.handle : 0;
		hold(&users[i].control);
		fds[i] = (struct pollfd){.fd = users[i].control.stream.fd, .events = POLLIN};
	}
	assert_true(poll(fds, HOLDERS, -1) > 0);
	innocent_await(&h->innocent);
	for (size_t i = 0; i < HOLDERS; i++)
		n_there += is_there(&users[i].control, OVERLOAD_MEMORY);
	assert_true(n_there < HOLDERS);
	hostile_assert_bounded(h, HOSTILE_GROWTH_KB);
	assert_told(h, OVERLOAD_MEMORY);
	for (size_t i = 0; i < HOLDERS; i++)
		hostile_user_close(&users[i]);
	hostile_await_settled(h);
}

#define CASE(test, set_up) cmocka_unit_test_setup_teardown(test, set_up, hostile_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_connection_flood, set_up_early_drop),
		CASE(test_of_one, set_up_of_one),
		CASE(test_handshakes, set_up_slow_handshakes),
		CASE(test_binds, set_up_slow_binds),
		CASE(test_no_descriptors, set_up_plenty),
		CASE(test_gate_descriptors, set_up_small),
		CASE(test_few_descriptors, set_up_plenty),
		CASE(test_descriptor_flood, set_up_plenty),
		CASE(test_buffers, set_up_small_buffers),
	};

	if (!hostile_has_elsewhere()) {
		fputs("skipped: only root can be another uid as well\n", stderr);
		return 77;
	}
	return test_run_cases(tests, NULL, NULL);
}
