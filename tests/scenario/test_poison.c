/* test_poison.c - a call that kills its host is answered and never run again, whatever dies
 * meanwhile: watd before it saw the death, before or after it has told the next host, that host
 * before or after it has written it down. One that runs while others kill its host runs three times
 * at most, though each time watd died too. On both tiers; whose run it is stands in the log, and is
 * counted there. rows 11, 50 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.client.h"
#include "tests/scenario/kept.h"

#define DIES 0u
#define HANGS 1u

static size_t runs(const struct test_daemon *daemon)
{
	char path[128], line[4096];
	size_t n = 0;
	FILE *log;

	(void)snprintf(path, sizeof path, "%s/log", daemon->dir);
	log = fopen(path, "re");
	assert_non_null(log);
	while (fgets(line, sizeof line, log))
		n += strstr(line, "the poison works") != NULL && strstr(line, "last words") == NULL;
	(void)fclose(log);
	return n;
}

static probe_user *spawn(struct desk *desk, uint32_t tier, uint32_t durability)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	probe_admin *admin;
	probe_user *minted, *user;
	char *token = NULL;

	spawn.tier = tier;
	spawn.durability = durability;
	grant.name = "ann";
	if (probe_spawn(desk->node, "p1", &spawn, NULL, &admin) != 0)
		fail_msg("spawn: %s", wat_failure()->text);
	if (probe_provision(admin, &grant, &minted) != 0)
		fail_msg("provision: %s", wat_failure()->text);
	assert_int_equal(probe_user_token(minted, &token), 0);
	assert_int_equal(probe_user_open(desk->user_side, token, &user), 0);
	wat_memory_free(token);
	probe_user_free(minted);
	probe_admin_free(admin);
	return user;
}

static void add(probe_user *user)
{
	probe_change change = PROBE_CHANGE_INIT;

	change.n = 1;
	if (probe_add(user, &change, NULL) != 0)
		fail_msg("Add: %s", wat_failure()->text);
}

/* What was done before and after is there, and nothing else; Start adds one, too. */
static void value_is(probe_user *user, int64_t value)
{
	probe_value *now;

	assert_int_equal(probe_get(user, NULL, &now), 0);
	assert_int_equal(now->value, value);
	probe_value_free(now);
}

static void on_over(void *arg, int status, const wat_empty *out, const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	*(int *)arg = status == WAT_SERVER_DIED ? 1 : -1;
}

static void send_poison(struct desk *desk, probe_user *user, uint64_t how, int *over)
{
	probe_size size = PROBE_SIZE_INIT;

	size.n = how;
	assert_int_equal(probe_poison_send(user, &size, on_over, over), 0);
	assert_int_equal(wat_dispatch(desk->user_side, 0), 0);
}

static void await_over(struct desk *desk, const int *over)
{
	while (*over == 0)
		assert_int_equal(wat_dispatch(desk->user_side, -1), 0);
	assert_int_equal(*over, 1);
}

static int open_host(struct desk *desk)
{
	static struct test_output out;
	const char *at;
	int pidfd;

	test_watctl(&desk->daemon, &out, "-j", "show", "p1", NULL);
	at = strstr(out.out, "\"pid\":");
	assert_non_null(at);
	pidfd = (int)syscall(SYS_pidfd_open, atoi(at + 6), 0);
	assert_true(pidfd >= 0);
	return pidfd;
}

static void patient(struct desk *desk)
{
	wat_set_timeout(desk->user_side, 100000);
	wat_set_reconnect(desk->user_side, 100000);
}

/* The host dies of it while watd sees nothing, and then watd does. What that run wrote goes with
 * them: any that stands in the log is a second one. */
static void watd_dies_unseeing(struct desk *desk, uint32_t tier)
{
	probe_user *user = spawn(desk, tier, WAT_DURABILITY_CRASH);
	struct pollfd host = {.events = POLLIN};
	int over = 0;

	patient(desk);
	add(user);
	host.fd = open_host(desk);
	assert_int_equal(kill(desk->daemon.pid, SIGSTOP), 0);
	send_poison(desk, user, DIES, &over);
	assert_int_equal(poll(&host, 1, -1), 1);
	(void)close(host.fd);
	test_daemon_kill(&desk->daemon);
	test_daemon_start(&desk->daemon);
	await_over(desk, &over);
	assert_int_equal(runs(&desk->daemon), 0);
	add(user);
	value_is(user, 3);
	probe_user_free(user);
}

static void test_unseen_process(void **state)
{
	watd_dies_unseeing(*state, WAT_TIER_PROCESS);
}

static void test_unseen_thread(void **state)
{
	struct test_output out;
	struct desk *desk = *state;

	watd_dies_unseeing(desk, WAT_TIER_THREAD);
	/* Its thread brought the pool down: it is kept out of the next one. */
	test_watctl(&desk->daemon, &out, "show", "p1", NULL);
	assert_non_null(strstr(out.out, "thread, isolated"));
}

/* Whoever kills watd three times while a call runs has made it run three times, and no more: each
 * watd knows what those before it saw. */
static void watd_dies_and_dies(struct desk *desk, uint32_t tier)
{
	probe_user *user = spawn(desk, tier, WAT_DURABILITY_CRASH);
	int over = 0;

	patient(desk);
	add(user);
	send_poison(desk, user, HANGS, &over);
	for (size_t n = 1; n <= 3; n++) {
		assert_int_equal(over, 0);
		while (runs(&desk->daemon) < n)
			assert_int_equal(wat_dispatch(desk->user_side, 10), 0);
		test_daemon_kill(&desk->daemon);
		test_daemon_start(&desk->daemon);
	}
	await_over(desk, &over);
	assert_int_equal(runs(&desk->daemon), 3);
	value_is(user, 2);
	probe_user_free(user);
}

static void test_three_process(void **state)
{
	watd_dies_and_dies(*state, WAT_TIER_PROCESS);
}

static void test_three_thread(void **state)
{
	watd_dies_and_dies(*state, WAT_TIER_THREAD);
}

#ifdef WAT_DEBUG
/* Each place between the fault and the answer. */
static const struct point {
	const char *name;
	uint32_t tier, durability;
} points[] = {
	{"fault_noted", WAT_TIER_PROCESS, WAT_DURABILITY_CRASH},
	{"fault_noted", WAT_TIER_THREAD, WAT_DURABILITY_SYNC},
	{"death_seen", WAT_TIER_PROCESS, WAT_DURABILITY_SYNC},
	{"death_seen", WAT_TIER_THREAD, WAT_DURABILITY_CRASH},
	{"verdict_noted", WAT_TIER_PROCESS, WAT_DURABILITY_CRASH},
	{"verdict_noted", WAT_TIER_THREAD, WAT_DURABILITY_SYNC},
	{"verdict_sent", WAT_TIER_PROCESS, WAT_DURABILITY_SYNC},
	{"verdict_sent", WAT_TIER_THREAD, WAT_DURABILITY_CRASH},
	{"recover_read", WAT_TIER_PROCESS, WAT_DURABILITY_CRASH},
	{"recover_after", WAT_TIER_PROCESS, WAT_DURABILITY_SYNC},
	{"recover_after", WAT_TIER_THREAD, WAT_DURABILITY_CRASH},
	{"start_answered", WAT_TIER_PROCESS, WAT_DURABILITY_CRASH},
	{"verdict_stored", WAT_TIER_PROCESS, WAT_DURABILITY_SYNC},
	{"verdict_stored", WAT_TIER_THREAD, WAT_DURABILITY_CRASH},
};

/* Whoever comes to the point dies there: the call has run once. */
static void test_point(void **state)
{
	const struct point *point = *state;
	struct kept kept = {0};
	probe_user *user;
	int over = 0;

	kept_begin(&kept, point->name, false);
	user = spawn(&kept.desk, point->tier, point->durability);
	add(user);
	kept_arm(&kept);
	send_poison(&kept.desk, user, DIES, &over);
	await_over(&kept.desk, &over);
	add(user);
	assert_int_equal(runs(&kept.desk.daemon), 1);
	value_is(user, 3);
	probe_user_free(user);
	if (!kept_came(&kept))
		fail_msg("nobody came to %s", point->name);
	kept_end(&kept);
}
#define N_POINTS (sizeof points / sizeof *points)
#else
#define N_POINTS 0u
#endif

int main(void)
{
	static struct CMUnitTest tests[4 + N_POINTS] = {
		DESK_CASE(test_unseen_process),
		DESK_CASE(test_unseen_thread),
		DESK_CASE(test_three_process),
		DESK_CASE(test_three_thread),
	};
#ifdef WAT_DEBUG
	static char titles[N_POINTS][64];

	for (size_t i = 0; i < N_POINTS; i++) {
		(void)snprintf(titles[i], sizeof titles[i], "%s/%s", points[i].name,
			       points[i].tier == WAT_TIER_THREAD ? "thread" : "process");
		tests[4 + i] = (struct CMUnitTest){titles[i], test_point, NULL, NULL,
						   (void *)(uintptr_t)&points[i]};
	}
#endif
	return test_cases_run(tests, sizeof tests / sizeof *tests, NULL, NULL);
}
