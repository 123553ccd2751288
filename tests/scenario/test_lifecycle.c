/* test_lifecycle.c - Start and Stop: once for each incarnation, what they make of the state, how
 * they fail, crash and hang, on both tiers. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/scenario/desk.h"

/* Start makes 42 of 41, Stop's value is what is returned and what the next incarnation begins with.
 * rows 3 and 4 */
static void start_and_stop(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	guest_desk_admin *admin;
	guest_desk_user *user;
	int64_t n = 0;
	struct test_output out;

	initial.value = 41;
	admin = desk_spawned(d, tier, &initial);
	user = desk_user(d, admin, "u1");
	assert_int_equal(guest_desk_add_with(user, 0, &n), 0);
	assert_int_equal(n, 42);
	assert_int_equal(guest_desk_add_with(user, 5, &n), 0);
	assert_int_equal(guest_desk_stop(admin, &final), 0);
	assert_int_equal(final->value, 94);
	desk_assert_final(final, "start ", "provision u1", "stop ", NULL);
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
	/* The snapshot is the same: the next incarnation adds its Start to it. */
	test_watctl(&d->daemon, &out, "start", "d1", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&d->daemon, &out, "provision", "d1", "me", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&d->daemon, &out, "call", "d1", "Add", "{}", NULL);
	assert_string_equal(out.out, "{\"n\":\"95\"}\n");
}

static void test_start_and_stop_thread(void **state)
{
	start_and_stop(*state, WAT_TIER_THREAD);
}

static void test_start_and_stop_process(void **state)
{
	start_and_stop(*state, WAT_TIER_PROCESS);
}

/* Until the instance is up again, in this generation. */
static long wait_ready(struct desk *d, int generation)
{
	static const char key[] = "\"pid\":";
	struct test_output out;
	char expected[32];
	long pid;

	snprintf(expected, sizeof expected, "\"generation\":%d,", generation);
	do {
		test_watctl(&d->daemon, &out, "-j", "show", "d1", NULL);
		assert_int_equal(out.code, 0);
	} while (!strstr(out.out, "\"ready\"") || !strstr(out.out, expected));
	pid = strtol(strstr(out.out, key) + sizeof key - 1, NULL, 10);
	assert_true(pid > 1);
	return pid;
}

/* Until watd leaves it alone, and once more by hand. */
static void die_too_often(struct desk *d)
{
	struct test_output out;

	do {
		/* Refused while there is no process. */
		test_watctl(&d->daemon, &out, "kill", "d1", NULL);
		test_watctl(&d->daemon, &out, "-j", "show", "d1", NULL);
	} while (!strstr(out.out, "\"failed\""));
	test_watctl(&d->daemon, &out, "start", "d1", NULL);
	assert_int_equal(out.code, 0);
}

/* All ways in which a generation ends and the incarnation goes on. */
static void die_and_live(struct desk *d)
{
	struct test_output out;

	test_watctl(&d->daemon, &out, "kill", "d1", NULL);
	assert_int_equal(out.code, 0);
	assert_int_equal(kill((pid_t)wait_ready(d, 2), SIGKILL), 0);
	(void)wait_ready(d, 3);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
	test_daemon_start(&d->daemon);
	(void)wait_ready(d, 4);
	/* No handler that would have ended it by abort() ran. */
	assert_true(test_daemon_logged(&d->daemon, "a host died"));
	assert_false(test_daemon_logged(&d->daemon, "how=\"signal 6\""));
	test_daemon_kill(&d->daemon);
	test_daemon_start(&d->daemon);
	(void)wait_ready(d, 5);
}

/* Start and Stop run once in an incarnation: not when its host is killed, not when watd suspends
 * and resumes, not when watd is killed, not when it is started after it was left alone; Stop when
 * it is stopped. With a Stop handler that would
 * kill its host, nobody is killed before that. */
static void only_once(struct desk *d, uint32_t tier, int stop)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	guest_desk_admin *admin;
	guest_desk_user *user;
	int r;

	initial.stop = (Guest__Behaviour)stop;
	admin = desk_spawned(d, tier, &initial);
	user = desk_user(d, admin, "u1");
	die_and_live(d);
	if (stop == GUEST__BEHAVIOUR__WELL)
		die_too_often(d);
	/* The handles go on; that their channels were lost is nobody's disconnect. */
	desk_assert_events(user, "start ", "provision u1", NULL);
	r = guest_desk_stop(admin, &final);
	if (stop == GUEST__BEHAVIOUR__WELL) {
		assert_int_equal(r, 0);
		assert_int_equal(final->started, 1);
		desk_assert_final(final, "start ", "provision u1", "stop ", NULL);
	} else {
		assert_int_equal(r, WAT_SERVER_DIED);
		assert_non_null(strstr(wat_failure()->text, "while it ran Stop"));
		assert_int_equal(wat_failure()->n_causes, 1);
		assert_string_equal(wat_failure()->causes[0].method, "Stop");
		/* A Stop that did not come to its end ended nothing. */
		desk_assert_events(user, "start ", "provision u1", NULL);
	}
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
}

static void test_only_once_thread(void **state)
{
	only_once(*state, WAT_TIER_THREAD, GUEST__BEHAVIOUR__WELL);
}

static void test_only_once_process(void **state)
{
	only_once(*state, WAT_TIER_PROCESS, GUEST__BEHAVIOUR__WELL);
}

static void test_only_then_thread(void **state)
{
	only_once(*state, WAT_TIER_THREAD, GUEST__BEHAVIOUR__CRASH);
}

static void test_only_then_process(void **state)
{
	only_once(*state, WAT_TIER_PROCESS, GUEST__BEHAVIOUR__CRASH);
}

/* Whoever begins it is its Admin, who sees where it was. A sanitizer has handlers of its own. */
static void assert_stack(const struct wat_cause *cause, const char *in)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	for (size_t i = 0; i < cause->n_frames; i++)
		if (strstr(cause->frames[i], in))
			return;
	fail_msg("%s is not in the stack", in);
#else
	(void)cause;
	(void)in;
#endif
}

static void assert_start_failed(int r, int kind, const char *text)
{
	const struct wat_failure *failure = wat_failure();

	assert_int_equal(r, WAT_START_FAILED);
	if (!strstr(failure->text, text))
		fail_msg("expected \"%s\" in: %s", text, failure->text);
	assert_int_equal(failure->n_causes, 1);
	assert_int_equal(failure->causes[0].kind, kind);
	assert_string_equal(failure->causes[0].instance, "d1");
	assert_string_equal(failure->causes[0].service, "guest.Desk");
	assert_string_equal(failure->causes[0].method, "Start");
}

/* Nothing is left of a spawn that failed: no name, no process, no zombie; the name is free. */
static void assert_nothing_left(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	struct test_output out;
	char command[128];
	FILE *children;
	char zombie[64];

	test_watctl(&d->daemon, &out, "show", "d1", NULL);
	assert_int_equal(out.code, 1);
	assert_non_null(strstr(out.err, "NOT_FOUND"));
	snprintf(command, sizeof command, "ps --ppid %d -o stat= 2>/dev/null | grep Z",
		 (int)d->daemon.pid);
	children = popen(command, "r");
	assert_non_null(children);
	assert_null(fgets(zombie, sizeof zombie, children));
	pclose(children);
	guest_desk_admin_free(desk_spawned(d, tier, &initial));
}

/* A Start that says no, panics or dies is the spawn's failure, with its reason and the last words.
 * row 34 */
static void start_fails(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = NULL;

	initial.start = GUEST__BEHAVIOUR__REFUSE;
	assert_start_failed(desk_spawn(d, tier, &initial, &admin), WAT_CAUSE_FAILURE,
			    "told to refuse");
	initial.start = GUEST__BEHAVIOUR__PANIC;
	assert_start_failed(desk_spawn(d, tier, &initial, &admin), WAT_CAUSE_PANIC,
			    "told to panic");
	initial.start = GUEST__BEHAVIOUR__BARE;
	assert_start_failed(desk_spawn(d, tier, &initial, &admin), WAT_CAUSE_FAILURE,
			    "Start failed");
	initial.start = GUEST__BEHAVIOUR__CRASH;
	assert_start_failed(desk_spawn(d, tier, &initial, &admin), WAT_CAUSE_SIGNAL,
			    " while it ran Start; its last words: these are my last words");
	assert_int_equal(wat_failure()->causes[0].signal, SIGABRT);
	assert_stack(&wat_failure()->causes[0], "behave+0x");
	assert_null(admin);
	assert_nothing_left(d, tier);
}

static void test_start_fails_thread(void **state)
{
	start_fails(*state, WAT_TIER_THREAD);
}

static void test_start_fails_process(void **state)
{
	start_fails(*state, WAT_TIER_PROCESS);
}

struct spawner {
	struct desk *d;
	uint32_t tier;
	int r;
};

static void *spawn_hanging(void *arg)
{
	struct spawner *s = arg;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = NULL;

	initial.start = GUEST__BEHAVIOUR__HANG;
	s->r = desk_spawn(s->d, s->tier, &initial, &admin);
	assert_start_failed(s->r, WAT_CAUSE_SIGNAL, "was killed by an operator while it ran Start");
	return NULL;
}

/* A Start that hangs holds up nobody, and ends when somebody says `watctl kill`. */
static void start_hangs(struct desk *d, uint32_t tier)
{
	struct spawner s = {.d = d, .tier = tier};
	pthread_t thread;
	struct test_output out;

	assert_int_equal(pthread_create(&thread, NULL, spawn_hanging, &s), 0);
	do
		test_watctl(&d->daemon, &out, "show", "d1", NULL);
	while (out.code != 0 || !strstr(out.out, "starting"));
	/* Others are served meanwhile. */
	test_watctl(&d->daemon, &out, "spawn", "guest.Small", "s1", "--tier",
		    tier == WAT_TIER_THREAD ? "thread" : "process", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&d->daemon, &out, "kill", "d1", NULL);
	assert_int_equal(out.code, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.r, WAT_START_FAILED);
	assert_nothing_left(d, tier);
	/* Whoever shared the process lives again, and did not die by its own fault. */
	do
		test_watctl(&d->daemon, &out, "show", "s1", NULL);
	while (!strstr(out.out, "ready"));
	test_watctl(&d->daemon, &out, "-j", "show", "s1", NULL);
	assert_non_null(strstr(out.out, "\"deaths\":0"));
	test_watctl(&d->daemon, &out, "stop", "s1", NULL);
	test_watctl(&d->daemon, &out, "kill", "s1", NULL);
	assert_int_equal(out.code, 1);
	assert_non_null(strstr(out.err, "is stopped and has no process"));
	test_watctl(&d->daemon, &out, "kill", "nobody", NULL);
	assert_non_null(strstr(out.err, "NOT_FOUND"));
}

static void test_start_hangs_thread(void **state)
{
	start_hangs(*state, WAT_TIER_THREAD);
}

static void test_start_hangs_process(void **state)
{
	start_hangs(*state, WAT_TIER_PROCESS);
}

/* A Stop that says no leaves the instance as it was, and running. */
static void test_stop_refuses(void **state)
{
	struct desk *d = *state;
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	guest_desk_admin *admin;
	guest_desk_user *user;
	int64_t n = 0;

	initial.value = 10;
	initial.stop = GUEST__BEHAVIOUR__REFUSE;
	admin = desk_spawned(d, WAT_TIER_PROCESS, &initial);
	user = desk_user(d, admin, "u1");
	assert_int_equal(guest_desk_stop(admin, &final), WAT_FAILED_PRECONDITION);
	assert_non_null(strstr(wat_failure()->text, "Stop failed: told to refuse"));
	assert_int_equal(guest_desk_add_with(user, 0, &n), 0);
	assert_int_equal(n, 11);
	desk_assert_events(user, "start ", "provision u1", NULL);
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
}

struct blocked {
	guest_desk_user *user;
	int r;
	_Atomic int calls;
};

static void *call_until_refused(void *arg)
{
	struct blocked *b = arg;
	int64_t n;

	while ((b->r = guest_desk_add_with(b->user, 1, &n)) == 0)
		b->calls++;
	return NULL;
}

/* A client in the middle of its calls learns of the Stop as a Stop, never as a death. row 54 */
static void stop_is_no_death(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	guest_desk_admin *admin = desk_spawned(d, tier, &initial);
	struct blocked b = {.user = desk_user(d, admin, "u1")};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, call_until_refused, &b), 0);
	while (b.calls < 100)
		(void)sched_yield();
	assert_int_equal(guest_desk_stop(admin, &final), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(b.r, WAT_STOPPED);
	/* Every call that was answered is in the final state: Start's 1, then the calls, twice. */
	assert_int_equal(final->value, 2 * (1 + b.calls));
	guest_desk_state_free(final);
	guest_desk_user_free(b.user);
	guest_desk_admin_free(admin);
}

static void test_stop_is_no_death_thread(void **state)
{
	stop_is_no_death(*state, WAT_TIER_THREAD);
}

static void test_stop_is_no_death_process(void **state)
{
	stop_is_no_death(*state, WAT_TIER_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_start_and_stop_thread),
		DESK_CASE(test_start_and_stop_process),
		DESK_CASE(test_only_once_thread),
		DESK_CASE(test_only_once_process),
		DESK_CASE(test_only_then_thread),
		DESK_CASE(test_only_then_process),
		DESK_CASE(test_start_fails_thread),
		DESK_CASE(test_start_fails_process),
		DESK_CASE(test_start_hangs_thread),
		DESK_CASE(test_start_hangs_process),
		DESK_CASE(test_stop_refuses),
		DESK_CASE(test_stop_is_no_death_thread),
		DESK_CASE(test_stop_is_no_death_process),
	};

	return test_run_cases(tests, NULL, NULL);
}
