/* test_attached.c - instances that belong to the connection that spawned them: when they end, when
 * they don't, and what is left of them. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenario/desk.h"

static void spawn(wat *w, const char *name, uint32_t tier, uint32_t flags)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = NULL;
	wat_node *node = NULL;

	spawn.tier = tier;
	spawn.flags = flags;
	assert_int_equal(wat_node_open(w, &node), 0);
	if (guest_desk_spawn(node, name, &spawn, &initial, &admin) != 0)
		fail_msg("%s", wat_failure()->text);
	/* The handle is not what it is attached to. */
	guest_desk_admin_free(admin);
	wat_node_free(node);
}

static void assert_shown(struct desk *d, const char *name, const char *what)
{
	struct test_output out;

	test_watctl(&d->daemon, &out, "-j", "show", name, NULL);
	assert_int_equal(out.code, 0);
	if (!strstr(out.out, what))
		fail_msg("%s is not in %s", what, out.out);
}

static void wait_stopped(struct desk *d, const char *name)
{
	struct test_output out;

	test_watctl(&d->daemon, &out, "wait", name, "--for", "stopped", NULL);
	assert_int_equal(out.code, 0);
}

/* By an Admin that is not the owner's. */
static guest_desk_user *user_of(struct desk *d, const char *name)
{
	char path[128], token[1024] = "";
	struct test_output out;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/token", d->daemon.dir);
	test_watctl(&d->daemon, &out, "admin", name, NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&d->daemon, &out, "provision", name, "u", "--out", path, NULL);
	assert_int_equal(out.code, 0);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(token, sizeof token, file));
	(void)fclose(file);
	token[strcspn(token, "\n")] = '\0';
	return desk_open(d, token);
}

/* What became of it: its Stop handler ran, and doubled Start's 1; the event says why. */
static void assert_ended(struct desk *d, const char *name)
{
	struct test_output out;

	wait_stopped(d, name);
	test_watctl(&d->daemon, &out, "-j", "events", name, NULL);
	assert_non_null(strstr(out.out, "\"owner-gone\""));
	assert_non_null(strstr(out.out, "\"stop\""));
	test_watctl(&d->daemon, &out, "start", name, NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&d->daemon, &out, "provision", name, "me", NULL);
	test_watctl(&d->daemon, &out, "call", name, "Add", "{}", NULL);
	assert_string_equal(out.out, "{\"n\":\"3\"}\n");
	/* That one is nobody's. */
	assert_shown(d, name, "\"ownerPid\":0");
}

static void assert_up(struct desk *d, const char *name)
{
	assert_shown(d, name, "\"state\":\"ready\"");
}

static wat *connected(struct desk *d)
{
	wat *w = NULL;

	assert_int_equal(wat_connect(d->daemon.admin_socket, &w), 0);
	return w;
}

/* An attached instance is stopped when the connection that spawned it is closed: its state is
 * committed, its Users are told STOPPED, the events say that its owner has gone. A detached one of
 * the same connection stays, and so does an attached one of another. row 86 */
static void attached(struct desk *d, uint32_t tier)
{
	wat *w = connected(d), *other = connected(d);
	guest_desk_user *user;
	char pid[48];
	int64_t n;

	spawn(w, "d1", tier, WAT_SPAWN_ATTACHED);
	spawn(w, "detached", tier, 0);
	spawn(other, "others", tier, WAT_SPAWN_ATTACHED);
	(void)snprintf(pid, sizeof pid, "\"ownerPid\":%d", (int)getpid());
	assert_shown(d, "d1", pid);
	assert_shown(d, "detached", "\"ownerPid\":0");
	user = user_of(d, "d1");
	assert_int_equal(guest_desk_add_with(user, 0, &n), 0);
	wat_free(w);
	wait_stopped(d, "d1");
	assert_int_equal(guest_desk_add_with(user, 0, &n), WAT_STOPPED);
	guest_desk_user_free(user);
	assert_ended(d, "d1");
	assert_up(d, "detached");
	assert_up(d, "others");
	wat_free(other);
	assert_ended(d, "others");
	assert_up(d, "detached");
}

static void test_attached_thread(void **state)
{
	attached(*state, WAT_TIER_THREAD);
}

static void test_attached_process(void **state)
{
	attached(*state, WAT_TIER_PROCESS);
}

/* A process that spawns d1 and then does nothing, until it is killed. */
static pid_t start_owner(struct desk *d)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		wat *w = NULL;

		(void)close(ready[0]);
		if (wat_connect(d->daemon.admin_socket, &w) != 0)
			_exit(1);
		spawn(w, "d1", WAT_TIER_PROCESS, WAT_SPAWN_ATTACHED);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void end_owner(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The death of its owner is the end of its connection. */
static void test_killed(void **state)
{
	struct desk *d = *state;
	pid_t owner = start_owner(d);

	assert_up(d, "d1");
	end_owner(owner);
	assert_ended(d, "d1");
}

/* A restart of watd, in order or not, is not the end of the owner: as long as its process lives the
 * instance does, although nothing of it is connected; with the process it ends. row 86 */
static void test_restart(void **state)
{
	struct desk *d = *state;
	pid_t owner = start_owner(d);

	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
	test_daemon_start(&d->daemon);
	assert_up(d, "d1");
	test_daemon_kill(&d->daemon);
	test_daemon_start(&d->daemon);
	assert_up(d, "d1");
	end_owner(owner);
	assert_ended(d, "d1");
}

/* One whose owner ends while there is no watd is resumed, and ends. */
static void test_gone_meanwhile(void **state)
{
	struct desk *d = *state;
	pid_t owner = start_owner(d);

	test_daemon_kill(&d->daemon);
	end_owner(owner);
	test_daemon_start(&d->daemon);
	assert_ended(d, "d1");
}

/* After a restart an owner that binds its Admin again has a connection again, and the end of that
 * is what counts, though the process goes on. */
static void test_bound_again(void **state)
{
	struct desk *d = *state;
	struct wat_spawn how = WAT_SPAWN_INIT;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = NULL;
	wat_node *node = NULL;
	wat *w = connected(d);

	how.flags = WAT_SPAWN_ATTACHED;
	assert_int_equal(wat_node_open(w, &node), 0);
	assert_int_equal(guest_desk_spawn(node, "d1", &how, &initial, &admin), 0);
	test_daemon_kill(&d->daemon);
	test_daemon_start(&d->daemon);
	assert_up(d, "d1");
	/* Any call of the Admin's: there is no such user. */
	assert_int_equal(guest_desk_deprovision(admin, "nobody"), WAT_NOT_FOUND);
	guest_desk_admin_free(admin);
	wat_node_free(node);
	assert_up(d, "d1");
	wat_free(w);
	assert_ended(d, "d1");
}

/* A Stop handler that refuses keeps it: nobody is asked again before the next start of watd. */
static void test_refuses(void **state)
{
	struct desk *d = *state;
	struct wat_spawn how = WAT_SPAWN_INIT;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = NULL;
	wat_node *node = NULL;
	wat *w = connected(d);

	how.flags = WAT_SPAWN_ATTACHED;
	initial.stop = GUEST__BEHAVIOUR__REFUSE;
	assert_int_equal(wat_node_open(w, &node), 0);
	assert_int_equal(guest_desk_spawn(node, "d1", &how, &initial, &admin), 0);
	guest_desk_admin_free(admin);
	wat_node_free(node);
	wat_free(w);
	assert_true(test_daemon_wait_log(&d->daemon, "an instance without its owner goes on", 1));
	assert_up(d, "d1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_attached_thread), DESK_CASE(test_attached_process),
		DESK_CASE(test_killed),          DESK_CASE(test_restart),
		DESK_CASE(test_gone_meanwhile),  DESK_CASE(test_bound_again),
		DESK_CASE(test_refuses),
	};

	return test_run_cases(tests, NULL, NULL);
}
