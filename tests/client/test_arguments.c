/* test_arguments.c - callers that were compiled with another wat.h, handles that can't be bound at
 * once, failures of threads, and a Stop in a stream of calls. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "counter.client.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "tests/client/fake.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

struct world {
	struct test_daemon daemon;
	wat *w;
	wat_node *node;
	counter_admin *admin;
};

static int set_up(void **state)
{
	struct world *t = calloc(1, sizeof *t);

	test_daemon_init(&t->daemon, NULL);
	test_daemon_start(&t->daemon);
	*state = t;
	return wat_connect(t->daemon.admin_socket, &t->w) || wat_node_open(t->w, &t->node) ||
	       counter_spawn(t->node, "c1", NULL, NULL, &t->admin);
}

static int tear_down(void **state)
{
	struct world *t = *state;

	counter_admin_free(t->admin);
	wat_node_free(t->node);
	wat_free(t->w);
	test_daemon_deinit(&t->daemon);
	free(t);
	return 0;
}

/* Bytes that a struct of another version has, and a wall behind them. */
static void *in_bytes(const void *known, size_t n_known, uint32_t size, uint8_t rest)
{
	uint8_t *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = i < n_known ? ((const uint8_t *)known)[i] : rest;
	memcpy(bytes, &size, size < sizeof size ? size : sizeof size);
	return bytes;
}

static int spawn_as(struct world *t, const char *name, uint32_t size, uint8_t rest)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	counter_admin *admin = NULL;
	void *given;
	int r;

	spawn.tier = WAT_TIER_THREAD;
	given = in_bytes(&spawn, sizeof spawn, size, rest);
	r = counter_spawn(t->node, name, given, NULL, &admin);
	free(given);
	counter_admin_free(admin);
	return r;
}

/* A caller that knows less gets defaults for the rest, of which nothing is read; one that knows
 * more may say so as long as it does not ask for it; one that forgot the size is told. */
static void test_spawn_size(void **state)
{
	struct world *t = *state;
	struct test_output out;

	assert_int_equal(spawn_as(t, "older", 8, 0xff), 0);
	assert_int_equal(spawn_as(t, "oldest", 4, 0xff), 0);
	assert_int_equal(spawn_as(t, "newer", sizeof(struct wat_spawn) + 24, 0), 0);
	assert_int_equal(spawn_as(t, "asks", sizeof(struct wat_spawn) + 24, 1),
			 WAT_INVALID_ARGUMENT);
	assert_non_null(strstr(wat_failure()->text, "does not know"));
	test_watctl(&t->daemon, &out, "show", "older", NULL);
	assert_non_null(strstr(out.out, "thread"));
	test_watctl(&t->daemon, &out, "show", "oldest", NULL);
	assert_non_null(strstr(out.out, "process"));
	test_watctl(&t->daemon, &out, "show", "asks", NULL);
	assert_int_equal(out.code, 1);
}

/* A size that nobody set, unknown flags, and what is not built yet: refused, and nothing is made.
 */
static void test_spawn_refused(void **state)
{
	static const uint32_t sizes[] = {0, 1, 3, 4097, UINT32_MAX};
	struct world *t = *state;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	counter_admin *admin = NULL;
	char *token = NULL;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		spawn.size = sizes[i];
		assert_int_equal(counter_spawn(t->node, "no", &spawn, NULL, &admin),
				 WAT_INVALID_ARGUMENT);
		assert_non_null(strstr(wat_failure()->text, "begin with its _INIT"));
	}
	spawn = (struct wat_spawn)WAT_SPAWN_INIT;
	spawn.flags = 2;
	assert_int_equal(counter_spawn(t->node, "no", &spawn, NULL, &admin), WAT_INVALID_ARGUMENT);
	spawn = (struct wat_spawn)WAT_SPAWN_INIT;
	spawn.durability = 4;
	assert_int_equal(counter_spawn(t->node, "no", &spawn, NULL, &admin), WAT_INVALID_ARGUMENT);
	spawn.size = 0;
	assert_int_equal(wat_start_raw(t->node, "c1", &spawn, &token), WAT_INVALID_ARGUMENT);
	spawn = (struct wat_spawn)WAT_SPAWN_INIT;
	spawn.tier = 9;
	assert_int_equal(counter_spawn(t->node, "no", &spawn, NULL, &admin), WAT_INVALID_ARGUMENT);
	assert_null(admin);
	assert_null(token);
}

static int provision_as(struct world *t,
			const struct wat_grant *grant,
			uint32_t size,
			uint8_t rest,
			counter_user **ret)
{
	void *given = in_bytes(grant, sizeof *grant, size, rest);
	int r = counter_provision(t->admin, given, ret);

	free(given);
	return r;
}

static void test_grant_size(void **state)
{
	struct world *t = *state;
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_user *user = NULL, *other = NULL;
	int64_t value;

	/* Size, flags and name: the mask that is behind them is not read. */
	grant.name = "old";
	grant.methods = 1;
	assert_int_equal(provision_as(t, &grant, offsetof(struct wat_grant, methods), 0xff, &user),
			 0);
	assert_int_equal(counter_increment_with(user, 1, &value), 0);
	counter_user_free(user);
	grant.name = "masked";
	assert_int_equal(provision_as(t, &grant, sizeof grant + 8, 0, &user), 0);
	assert_int_equal(counter_increment_with(user, 1, &value), WAT_ACCESS_DENIED);
	assert_int_equal(counter_get_with(user, &value), 0);
	counter_user_free(user);
	grant.name = "no";
	assert_int_equal(provision_as(t, &grant, sizeof grant + 8, 7, &other),
			 WAT_INVALID_ARGUMENT);
	grant.flags = 0x10 | WAT_GRANT_SESSION;
	assert_int_equal(counter_provision(t->admin, &grant, &other), WAT_INVALID_ARGUMENT);
	grant = (struct wat_grant)WAT_GRANT_INIT;
	assert_int_equal(counter_provision(t->admin, &grant, &other), WAT_INVALID_ARGUMENT);
	assert_int_equal(counter_provision(t->admin, NULL, &other), WAT_INVALID_ARGUMENT);
	assert_null(other);
}

/* A grant for a key that another program holds: the handle has its token, and can't be used here.
 */
static void test_holder_key(void **state)
{
	struct world *t = *state;
	struct wat_grant grant = WAT_GRANT_INIT;
	uint8_t pk[32], sk[64];
	counter_user *user = NULL;
	char *token = NULL;
	int64_t value;

	crypto_sign_keypair(pk, sk);
	grant.name = "far";
	grant.holder_pk = pk;
	assert_int_equal(counter_provision(t->admin, &grant, &user), 0);
	assert_int_equal(counter_user_token(user, &token), 0);
	assert_memory_equal(token, "watc1_", 6);
	assert_int_equal(counter_get_with(user, &value), WAT_ACCESS_DENIED);
	assert_non_null(strstr(wat_failure()->text, "this token has no secret"));
	assert_int_equal(counter_deprovision(t->admin, "far"), 0);
	wat_memory_free(token);
	counter_user_free(user);
}

/* Calls whose answer nobody wants are made all the same; a token that is none is one. */
static void test_nobody_waits(void **state)
{
	struct world *t = *state;
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_amount one = COUNTER_AMOUNT_INIT;
	counter_user *user = NULL, *none = NULL;
	int64_t value = 0;

	grant.name = "u1";
	one.n = 1;
	assert_int_equal(counter_provision(t->admin, &grant, &user), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(counter_increment_send(user, &one, NULL, NULL), 0);
	assert_int_equal(counter_get_with(user, &value), 0);
	assert_int_equal(value, 100);
	assert_int_equal(wat_outstanding(t->w), 0);
	assert_int_equal(counter_user_open(t->w, NULL, &none), WAT_ACCESS_DENIED);
	assert_int_equal(counter_user_open(t->w, "", &none), WAT_ACCESS_DENIED);
	assert_null(none);
	counter_user_free(user);
}

#define MANY 4096

/* A connection that holds as many capabilities as it may: what is spawned or provisioned then is
 * not lost, its handle is bound when there is room. */
static void test_not_bound_at_once(void **state)
{
	struct world *t = *state;
	static wat_capability *held[MANY];
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_admin *admin = NULL;
	counter_user *user = NULL;
	char *token = NULL;
	int64_t value;
	size_t n = 0;

	assert_int_equal(counter_admin_token(t->admin, &token), 0);
	while (n < MANY && wat_capability_open(t->w, WAT_ROLE_ADMIN, 0, token, &held[n]) == 0)
		n++;
	assert_true(n > 100 && n < MANY);
	assert_int_equal(wat_failure()->status, WAT_OVERLOADED);
	assert_int_equal(counter_spawn(t->node, "c2", NULL, NULL, &admin), 0);
	assert_string_equal(wat_capability_instance((wat_capability *)admin), "c2");
	assert_string_equal(wat_capability_service((wat_capability *)admin), "counter.Counter");
	assert_int_equal(counter_stop(admin, NULL), WAT_OVERLOADED);
	grant.name = "u1";
	assert_int_equal(counter_provision(t->admin, &grant, &user), 0);
	while (n > 0)
		wat_capability_free(held[--n]);
	assert_int_equal(counter_get_with(user, &value), 0);
	assert_int_equal(counter_stop(admin, NULL), 0);
	counter_user_free(user);
	counter_admin_free(admin);
	wat_memory_free(token);
}

struct failing {
	struct world *t;
	pthread_barrier_t *barrier;
	const char *address;
};

static void *fail_in_thread(void *arg)
{
	const struct failing *f = arg;
	wat *none = NULL;

	assert_string_equal(wat_failure()->text, "");
	assert_true(wat_connect(f->address, &none) < 0);
	pthread_barrier_wait(f->barrier);
	pthread_barrier_wait(f->barrier);
	assert_non_null(strstr(wat_failure()->text, f->address));
	return NULL;
}

/* wat_failure() is each thread's own. */
static void test_failure_per_thread(void **state)
{
	struct world *t = *state;
	pthread_barrier_t barrier;
	struct failing failing[2] = {{t, &barrier, "/nonexistent/one"},
				     {t, &barrier, "/nonexistent/two"}};
	pthread_t threads[2];

	assert_int_equal(pthread_barrier_init(&barrier, NULL, 3), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fail_in_thread, &failing[i]), 0);
	pthread_barrier_wait(&barrier);
	assert_int_equal(counter_deprovision(t->admin, "nobody"), WAT_NOT_FOUND);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wat_failure()->status, WAT_NOT_FOUND);
	assert_non_null(strstr(wat_failure()->text, "nobody"));
	pthread_barrier_destroy(&barrier);
}

/* Room for so many more descriptors; what is above the first gap is used up. */
static void leave_room(unsigned n, int *held, size_t *n_held)
{
	struct rlimit limit;
	int fd;

	while (*n_held > 0)
		(void)close(held[--*n_held]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		held[(*n_held)++] = fd;
	assert_true(*n_held >= n);
	while (n-- > 0)
		(void)close(held[--*n_held]);
}

/* A program that has no descriptor left is told just that, whichever one it is that is wanting. */
static void test_no_descriptors(void **state)
{
	struct world *t = *state;
	int held[64];
	size_t n_held = 0;
	struct wat_grant grant = WAT_GRANT_INIT;
	wat *w = NULL;
	counter_user *user = NULL;

	grant.name = "u";

	for (unsigned n = 0; n < 3; n++) {
		leave_room(n, held, &n_held);
		assert_int_equal(wat_connect(t->daemon.admin_socket, &w), -EMFILE);
		assert_non_null(strstr(wat_failure()->text, strerror(EMFILE)));
	}
	leave_room(3, held, &n_held);
	assert_int_equal(wat_connect(t->daemon.admin_socket, &w), 0);
	wat_free(w);
	leave_room(0, held, &n_held);
	assert_int_equal(counter_provision(t->admin, &grant, &user), 0);
	assert_int_equal(counter_increment_with(user, 1, NULL), -EMFILE);
	assert_non_null(strstr(wat_failure()->text, strerror(EMFILE)));
	/* The Admin has a new connection and needs no channel. */
	assert_int_equal(counter_deprovision(t->admin, "nobody"), WAT_NOT_FOUND);
	leave_room(1, held, &n_held);
	assert_int_equal(counter_increment_with(user, 1, NULL), 0);
	counter_user_free(user);
	while (n_held > 0)
		(void)close(held[--n_held]);
}

#define STREAM_MAX 1000
#define STREAM_OPEN 64

struct stream_of_calls {
	wat_capability *user;
	char body[65536];
	long sent;
	int another[2]; /* a byte for each call after the first ones */
};

/* Each answer makes another call. */
static void send_another(void *arg,
			 int status,
			 const uint8_t *reply,
			 size_t n,
			 const struct wat_failure *failure)
{
	struct stream_of_calls *s = arg;

	(void)reply;
	(void)n;
	(void)failure;
	if (status != 0)
		return;
	if (wat_send_raw(s->user, 0, 0, 0, s->body, sizeof s->body, send_another, s) != 0)
		abort();
	if (s->sent++ >= STREAM_OPEN && write(s->another[1], "", 1) != 1)
		abort();
}

static void stream_begin(struct stream_of_calls *s, wat_capability *user)
{
	s->user = user;
	s->sent = 0;
	assert_int_equal(pipe(s->another), 0);
	for (int i = 0; i < STREAM_OPEN; i++)
		send_another(s, 0, NULL, 0, NULL);
}

static void stream_end(struct stream_of_calls *s)
{
	wat_capability_free(s->user);
	close(s->another[0]);
	close(s->another[1]);
}

/* A service that takes one call at a time, and the next only when another one was sent for it: 64
 * are always open, of which a socket holds a few. It ends when the Stop came. */
struct slow_service {
	struct fake *fake;
	struct stream_of_calls *calls;
	int fd;
	long served;
};

static bool take_call(int fd, struct frame *frame)
{
	static uint8_t bytes[FRAME_HEADER_SIZE + sizeof(((struct stream_of_calls *)0)->body)];
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	size_t n = 0;

	while (n < sizeof bytes) {
		ssize_t r;

		if (poll(&readable, 1, -1) < 0)
			return false;
		r = read(fd, bytes + n, sizeof bytes - n);
		if (r <= 0)
			return false;
		n += (size_t)r;
	}
	return frame_decode(bytes, WAT_BODY_MAX, frame) == FRAME_OK;
}

static void *serve_until_stop(void *arg)
{
	struct slow_service *s = arg;
	struct frame call;
	char byte;

	while (fake_stops(s->fake) == 0 && s->served < STREAM_MAX && take_call(s->fd, &call)) {
		struct frame reply = {.type = FRAME_REPLY, .id = call.id};
		uint8_t header[FRAME_HEADER_SIZE];

		frame_encode(&reply, header);
		if (write(s->fd, header, sizeof header) != sizeof header ||
		    read(s->calls->another[0], &byte, 1) != 1)
			abort();
		s->served++;
	}
	return NULL;
}

/* A Stop waits until what was sent before it is written, and not for what comes after. row 79 */
static void test_stop_in_a_stream(void **state)
{
	static struct stream_of_calls calls;
	struct slow_service service;
	struct stream channel;
	struct fake fake;
	wat_capability *admin;
	uint8_t *final = NULL;
	pthread_t thread;
	size_t n;
	wat *w;

	(void)state;
	fake_start(&fake);
	w = fake_connect(&fake);
	stream_begin(&calls, fake_user(&fake, w, &channel));
	admin = fake_admin(w);
	service = (struct slow_service){.fake = &fake, .calls = &calls, .fd = channel.fd};
	assert_int_equal(pthread_create(&thread, NULL, serve_until_stop, &service), 0);
	assert_int_equal(wat_stop_raw(admin, &final, &n), 0);
	while (pthread_tryjoin_np(thread, NULL) != 0)
		assert_int_equal(wat_dispatch(w, 10), 0);
	/* The first ones were in the socket, or read, and it was not all of them that came after.
	 */
	assert_true(service.served >= STREAM_OPEN - 10);
	assert_true(service.served < STREAM_MAX);
	stream_end(&calls);
	stream_deinit(&channel);
	wat_memory_free(final);
	wat_capability_free(admin);
	wat_free(w);
	fake_stop(&fake);
}

/* What can't be written in its time keeps the Stop from being sent: the instance lives. */
static void test_stop_not_sent(void **state)
{
	static struct stream_of_calls s;
	struct stream channel;
	struct fake fake;
	wat_capability *admin;
	uint8_t *final = NULL;
	size_t n;
	wat *w;

	(void)state;
	fake_start(&fake);
	w = fake_connect(&fake);
	stream_begin(&s, fake_user(&fake, w, &channel));
	admin = fake_admin(w);
	wat_set_timeout(w, 50);
	assert_int_equal(wat_stop_raw(admin, &final, &n), WAT_DEADLINE_EXCEEDED);
	assert_non_null(strstr(wat_failure()->text, "was not stopped"));
	assert_int_equal(fake_stops(&fake), 0);
	assert_null(final);
	stream_end(&s);
	wat_capability_free(admin);
	wat_free(w);
	stream_deinit(&channel);
	fake_stop(&fake);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_spawn_size),
		CASE(test_spawn_refused),
		CASE(test_grant_size),
		CASE(test_holder_key),
		CASE(test_not_bound_at_once),
		CASE(test_failure_per_thread),
		CASE(test_nobody_waits),
		CASE(test_no_descriptors),
		cmocka_unit_test(test_stop_in_a_stream),
		cmocka_unit_test(test_stop_not_sent),
	};

	return test_run_cases(tests, NULL, NULL);
}
