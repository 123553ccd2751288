/* test_stuck.c - a handler that does not come back is named, with its instance, wherever an
 * operator looks; where the policy says so it is ended. rows 78, 83 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bad.client.h"
#include "counter.client.h"
#include "tests/scenario/configured.h"

#define CONF                                                                        \
	"[watd]\nstuck-after = 20ms\n"                                              \
	"[plugin bad]\nfile = " WAT_BUILD_DIR "/tests/plugins/bad.so\n"             \
	"[instance slow]\nservice = bad.Bad\ntier = thread\n"                       \
	"[instance patient]\nservice = bad.Bad\ntier = thread\nstuck-after = 1h\n"  \
	"[instance other]\nservice = counter\ntier = thread\n"                      \
	"[instance killed]\nservice = bad.Bad\nstuck = kill\nstuck-after = 500ms\n" \
	"[instance pooled]\nservice = bad.Bad\ntier = thread\nstuck = kill\nstuck-after = 500ms\n"

struct call {
	struct configured *c;
	wat *wat;
	bad_user *user;
	char path[96]; /* of Await */
	int status;
	pthread_t thread;
};

static void open_user(struct configured *c, const char *name, struct call *ret)
{
	char token[512];

	ret->c = c;
	WATCTL(c, "admin", name);
	assert_code(c, 0);
	WATCTL(c, "provision", name, "me");
	assert_code(c, 0);
	(void)snprintf(token, sizeof token, "%.*s", (int)strcspn(c->out.out, "\n"), c->out.out);
	assert_int_equal(wat_connect(c->daemon.socket, &ret->wat), 0);
	assert_int_equal(bad_user_open(ret->wat, token, &ret->user), 0);
}

static void close_user(struct call *call)
{
	bad_user_free(call->user);
	wat_free(call->wat);
}

static void *await(void *arg)
{
	struct call *call = arg;
	bad_path in = BAD_PATH_INIT;

	in.path = call->path;
	call->status = bad_await(call->user, &in, NULL);
	return NULL;
}

static void *loop(void *arg)
{
	struct call *call = arg;

	call->status = bad_loop(call->user, NULL, NULL);
	return NULL;
}

static void begin(struct call *call, void *(*run)(void *))
{
	assert_int_equal(pthread_create(&call->thread, NULL, run, call), 0);
}

static void end(struct call *call, int status)
{
	assert_int_equal(pthread_join(call->thread, NULL), 0);
	assert_int_equal(call->status, status);
	close_user(call);
}

static void make_file(struct call *call)
{
	int fd;

	(void)snprintf(call->path, sizeof call->path, "%s/go", call->c->daemon.dir);
	fd = open(call->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	(void)close(fd);
}

static void assert_event(struct configured *c, const char *name, const char *kind)
{
	char text[48];

	(void)snprintf(text, sizeof text, "\"kind\":\"%s\"", kind);
	WATCTL(c, "-j", "events", name);
	assert_out(c, text);
}

static void assert_named(struct configured *c)
{
	WATCTL(c, "-j", "show", "slow");
	assert_out(c, "\"state\":\"ready\"");
	assert_out(c, "\"stuck\":\"Await\"");
	WATCTL(c, "show", "slow");
	assert_out(c, "stuck        in Await, for ");
	WATCTL(c, "ls");
	assert_out(c, "ready, stuck");
	WATCTL(c, "status");
	assert_out(c, "stuck        1");
	assert_event(c, "slow", "stuck");
}

/* It is named after its time, with the handler: by log, event, ls, show, status and to the service
 * manager; one with more time is not, and nobody waits for it. When it comes back, that is told
 * too, and its call was done. */
static void test_report(void **state)
{
	struct configured *c = *state;
	struct call slow = {0}, patient = {0};

	configured_start(c, CONF);
	open_user(c, "slow", &slow);
	open_user(c, "patient", &patient);
	make_file(&patient);
	make_file(&slow);
	begin(&patient, await);
	begin(&slow, await);
	assert_true(test_daemon_wait_log(&c->daemon, "a handler does not come back", 1));
	wait_told(c, "5 instances ready, 1 stuck: slow");
	assert_named(c);
	WATCTL(c, "-j", "show", "patient");
	assert_out(c, "\"stuck\":\"\"");
	WATCTL(c, "admin", "other");
	WATCTL(c, "provision", "other", "me");
	WATCTL(c, "call", "other", "Increment", "n=1");
	assert_code(c, 0);
	assert_int_equal(unlink(slow.path), 0);
	end(&slow, 0);
	end(&patient, 0);
	do
		WATCTL(c, "-j", "show", "slow");
	while (!strstr(c->out.out, "\"stuck\":\"\""));
	assert_true(test_daemon_wait_log(&c->daemon, "a handler came back after all", 1));
	assert_out(c, "\"deaths\":0");
	assert_event(c, "slow", "unstuck");
}

/* With stuck = kill its process ends, and the call that did it with the reason; the next one is
 * served. */
static void test_kill_process(void **state)
{
	struct configured *c = *state;
	struct call call = {0};

	configured_start(c, CONF);
	open_user(c, "killed", &call);
	begin(&call, loop);
	end(&call, WAT_SERVER_DIED);
	WATCTL(c, "-j", "show", "killed");
	assert_out(c, "was killed, since a handler did not come back while it ran Loop");
	assert_out(c, "\"deaths\":1");
	assert_out(c, "\"stuck\":\"\"");
	WATCTL(c, "call", "killed", "Add", "n=1");
	assert_code(c, 0);
	assert_event(c, "killed", "stuck");
}

/* In the pool that is the end of the pool: the others go on from their journals, and who did it in
 * a process of its own. */
static void test_kill_pool(void **state)
{
	struct configured *c = *state;
	struct call call = {0};

	configured_start(c, CONF);
	open_user(c, "pooled", &call);
	begin(&call, loop);
	end(&call, WAT_SERVER_DIED);
	wait_state(c, "other", "ready");
	WATCTL(c, "-j", "show", "pooled");
	assert_out(c, "\"isolated\":\"the pool died while it ran Loop\"");
	WATCTL(c, "-j", "show", "other");
	assert_out(c, "\"deaths\":0,");
	WATCTL(c, "-j", "events", "other");
	assert_out(c, "since a handler of pooled did not come back");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_report),
		CONFIGURED_CASE(test_kill_process),
		CONFIGURED_CASE(test_kill_pool),
	};

	return test_run_cases(tests, NULL, NULL);
}
