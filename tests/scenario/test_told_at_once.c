/* test_told_at_once.c - the call that a service died of ends with the death, however long the pause
 * before the next start is; what else is open waits for that, and is done then. row 46 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.client.h"
#include "tests/scenario/configured.h"

/* The second death in a row is followed by a pause, which nobody here waits for. */
#define PAUSED(tier)                                                        \
	"[plugin probe]\nfile = " WAT_BUILD_DIR "/tests/plugins/probe.so\n" \
	"[instance p]\nservice = probe.Probe\ntier = " tier "\n"            \
	"restart-pause = 1h\nrestart-pause-max = 1h\nrestart-healthy = 2h\n"

struct world {
	struct configured *c;
	wat *wat;
	probe_admin *admin;
	probe_user *user;
	int n_done, status, kind; /* of calls */
	int64_t value;
};

static void read_token(struct world *w, char *ret_token, size_t size)
{
	WATCTL(w->c, "admin", "p");
	assert_code(w->c, 0);
	WATCTL(w->c, "provision", "p", "me");
	assert_code(w->c, 0);
	(void)snprintf(ret_token, size, "%.*s", (int)strcspn(w->c->out.out, "\n"), w->c->out.out);
}

static void begin(struct world *w, const char *conf)
{
	char token[512];

	configured_start(w->c, conf);
	read_token(w, token, sizeof token);
	assert_int_equal(wat_connect(w->c->daemon.socket, &w->wat), 0);
	wat_set_timeout(w->wat, 0);
	wat_set_reconnect(w->wat, UINT64_MAX / 2);
	assert_int_equal(probe_user_open(w->wat, token, &w->user), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	void *configured;

	assert_non_null(w);
	(void)configured_set_up(&configured);
	w->c = configured;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	void *configured = w->c;

	probe_user_free(w->user);
	wat_free(w->wat);
	free(w);
	return configured_tear_down(&configured);
}

static void on_crashed(void *arg,
		       int status,
		       const wat_empty *out,
		       const struct wat_failure *failure)
{
	struct world *w = arg;

	(void)out;
	w->n_done++;
	w->status = status;
	w->kind = failure && failure->n_causes > 0 ? failure->causes[0].kind : -1;
}

static void on_added(void *arg,
		     int status,
		     const probe_value *out,
		     const struct wat_failure *failure)
{
	struct world *w = arg;

	(void)failure;
	w->n_done++;
	w->status = status;
	w->value = out ? out->value : -1;
}

static void wait_done(struct world *w, int n)
{
	while (w->n_done < n)
		assert_int_equal(wat_dispatch(w->wat, -1), 0);
}

/* A crash, and a call behind it on the same lane. */
static void send_both(struct world *w)
{
	probe_change change = PROBE_CHANGE_INIT;

	w->n_done = 0;
	change.n = 5;
	assert_int_equal(probe_crash_send(w->user, NULL, on_crashed, w), 0);
	assert_int_equal(probe_add_send(w->user, &change, on_added, w), 0);
}

static void assert_state(struct world *w, const char *is)
{
	WATCTL(w->c, "-j", "show", "p");
	assert_out(w->c, is);
}

static void run(struct world *w)
{
	send_both(w);
	wait_done(w, 2);
	assert_int_equal(w->value, 6);
	send_both(w);
	wait_done(w, 1);
	assert_int_equal(w->status, WAT_SERVER_DIED);
	assert_int_equal(w->kind, WAT_CAUSE_SIGNAL);
	assert_state(w, "\"state\":\"backoff\"");
	assert_int_equal(wat_outstanding(w->wat), 1);
	WATCTL(w->c, "reset-failed", "p");
	assert_code(w->c, 0);
	wait_done(w, 2);
	assert_int_equal(w->status, 0);
	assert_int_equal(w->value, 11);
	/* The lane goes on: nothing of it was lost or done twice. */
	send_both(w);
	wait_done(w, 2);
	assert_int_equal(w->value, 16);
}

static void test_process(void **state)
{
	begin(*state, PAUSED("process"));
	run(*state);
}

static void test_thread(void **state)
{
	begin(*state, PAUSED("thread"));
	run(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_thread, set_up, tear_down),
	};

	return test_run_cases(tests, NULL, NULL);
}
