/* test_watch.c - wat_watch_raw: an Admin is told what happens to its instance: all of it, in order,
 * once, whatever becomes of watd and however late it listens; and nothing of anybody else's. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "counter.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

struct heard {
	char kinds[8192]; /* " grant death ..." without BINDs */
	uint64_t last_seq, lost_after, lost_before;
	int n, ended;       /* ended: its status; -1: it has not */
	const char *enough; /* kind that is the last one wanted; NULL: none */
};

struct world {
	struct test_daemon daemon;
	wat *w;
	wat_node *node;
	counter_admin *admin;
	struct heard heard;
};

static int on_event(void *arg, const struct wat_event *event)
{
	struct heard *heard = arg;

	assert_true(event->size >= sizeof *event);
	assert_true(event->seq > heard->last_seq);
	heard->last_seq = event->seq;
	heard->n++;
	if (strcmp(event->kind, "bind") != 0) {
		strncat(heard->kinds, " ", sizeof heard->kinds - strlen(heard->kinds) - 1);
		strncat(heard->kinds, event->kind, sizeof heard->kinds - strlen(heard->kinds) - 1);
	}
	return heard->enough && strcmp(heard->enough, event->kind) == 0;
}

static void on_lost(void *arg, uint64_t after_seq, uint64_t before_seq)
{
	struct heard *heard = arg;

	heard->lost_after = after_seq;
	heard->lost_before = before_seq;
}

static void on_ended(void *arg, int status, const struct wat_failure *failure)
{
	assert_int_equal(failure->status, status);
	((struct heard *)arg)->ended = status;
}

static int set_up(void **state)
{
	struct world *t = calloc(1, sizeof *t);

	assert_non_null(t);
	test_daemon_init(&t->daemon, NULL);
	test_daemon_start(&t->daemon);
	assert_int_equal(wat_connect(t->daemon.admin_socket, &t->w), 0);
	wat_set_reconnect(t->w, 60000);
	assert_int_equal(wat_node_open(t->w, &t->node), 0);
	assert_int_equal(counter_spawn(t->node, "c1", NULL, NULL, &t->admin), 0);
	*state = t;
	return 0;
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

static void watch(struct world *t, uint64_t after_seq)
{
	const struct wat_watch watch = {
		.size = sizeof watch,
		.after_seq = after_seq,
		.event = on_event,
		.lost = on_lost,
		.ended = on_ended,
		.arg = &t->heard,
	};

	t->heard = (struct heard){.ended = -1};
	assert_int_equal(wat_watch_raw((wat_capability *)t->admin, &watch), 0);
}

static void wait_heard(struct world *t, const char *kinds)
{
	while (!strstr(t->heard.kinds, kinds)) {
		if (t->heard.ended >= 0)
			fail_msg("ended with %d after%s", t->heard.ended, t->heard.kinds);
		assert_int_equal(wat_dispatch(t->w, -1), 0);
	}
}

static void provision(struct world *t, const char *name)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_user *user;

	grant.name = name;
	assert_int_equal(counter_provision(t->admin, &grant, &user), 0);
	counter_user_free(user);
}

/* Grants, revocations, a death and the start after it, the stop: each once and in order; what was
 * before the watch is not told, with its number it is. */
static void test_all(void **state)
{
	struct world *t = *state;
	struct test_output out;

	watch(t, 0);
	provision(t, "ann");
	wait_heard(t, " grant");
	assert_int_equal(counter_deprovision(t->admin, "ann"), 0);
	wait_heard(t, " grant revoke");
	test_watctl(&t->daemon, &out, "kill", "c1", NULL);
	wait_heard(t, " grant revoke kill death restart");
	assert_int_equal(counter_stop(t->admin, NULL), 0);
	wait_heard(t, " grant revoke kill death restart stop");
	assert_null(strstr(t->heard.kinds, "spawn"));
	assert_int_equal(wat_cancel(t->w, &t->heard), 1);
	while (t->heard.ended < 0)
		assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(t->heard.ended, WAT_CANCELLED);
	watch(t, 1);
	wait_heard(t, " spawn grant grant revoke kill death restart stop");
}

/* watd dies and comes back: nothing is told twice, and nothing is missed. An event that was enough
 * is the last one. */
static void test_restart(void **state)
{
	struct world *t = *state;

	watch(t, 1);
	wait_heard(t, " spawn");
	test_daemon_kill(&t->daemon);
	test_daemon_start(&t->daemon);
	provision(t, "ann");
	provision(t, "bob");
	wait_heard(t, " spawn grant resume grant grant");
	t->heard.enough = "stop";
	assert_int_equal(counter_stop(t->admin, NULL), 0);
	while (t->heard.ended < 0)
		assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(t->heard.ended, WAT_CANCELLED);
	assert_non_null(strstr(t->heard.kinds, " stop"));
}

/* An Admin hears nothing of the incarnation before its own. */
static void test_own_only(void **state)
{
	struct world *t = *state;
	char *token = NULL;

	provision(t, "ann");
	assert_int_equal(counter_stop(t->admin, NULL), 0);
	counter_admin_free(t->admin);
	t->admin = NULL;
	assert_int_equal(wat_start_raw(t->node, "c1", NULL, &token), 0);
	assert_int_equal(counter_admin_open(t->w, token, &t->admin), 0);
	wat_memory_free(token);
	watch(t, 1);
	wait_heard(t, " start");
	provision(t, "bob");
	wait_heard(t, " start grant grant");
	assert_null(strstr(t->heard.kinds, "stop"));
	assert_null(strstr(t->heard.kinds, "spawn"));
}

/* One that was away for so long that events went is told so, with the numbers between which. */
static void test_lost(void **state)
{
	struct world *t = *state;
	char path[128];
	sqlite3 *db;

	for (int i = 0; i < 4; i++) {
		provision(t, "ann");
		assert_int_equal(counter_deprovision(t->admin, "ann"), 0);
	}
	assert_int_equal(test_daemon_terminate(&t->daemon), 0);
	(void)snprintf(path, sizeof path, "%s/state/watd.db", t->daemon.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM events WHERE seq <= 6", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	test_daemon_start(&t->daemon);
	watch(t, 2);
	wait_heard(t, " resume");
	assert_int_equal(t->heard.lost_after, 2);
	assert_int_equal(t->heard.lost_before, 7);
}

/* Whoever does not listen for long hears all of it later, in order. */
static void test_late(void **state)
{
	struct world *t = *state;
	size_t n = 0;

	watch(t, 1);
	for (int i = 0; i < 150; i++) {
		provision(t, "ann");
		assert_int_equal(counter_deprovision(t->admin, "ann"), 0);
	}
	while (n < 150) {
		n = 0;
		for (const char *at = t->heard.kinds; (at = strstr(at, " revoke")); at++)
			n++;
		if (n < 150)
			assert_int_equal(wat_dispatch(t->w, -1), 0);
	}
	assert_int_equal(t->heard.lost_before, 0);
	assert_int_equal(t->heard.ended, -1);
	counter_admin_free(t->admin);
	t->admin = NULL;
	assert_int_equal(t->heard.ended, WAT_CANCELLED);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_all),  CASE(test_restart), CASE(test_own_only),
		CASE(test_lost), CASE(test_late),
	};

	return test_run_cases(tests, NULL, NULL);
}
