/* misdeeds.c - the cases of both tiers. A misdeed is called from a thread of its own, so that one
 * that never ends can be ended. */
#include "tests/scenario/misdeeds.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bad.client.h"
#include "counter.client.h"
#include "tests/scenario/configured.h"

#define BAD_PLUGIN "[plugin bad]\nfile = " WAT_BUILD_DIR "/tests/plugins/bad.so\n"
#define MEMORY_MAX ((rlim_t)2 << 30) /* of each process, for whoever takes all of it */
#define ROUNDS "round and round instance="

typedef int misdeed_call(bad_user *, const wat_empty *, wat_empty **);

/* How one that never ends is ended. */
enum end { BY_ITSELF, BY_WATCTL, BY_SIGKILL };

struct misdeed {
	const char *name, *method;
	misdeed_call *call;
	int kind, signal;
	const char *says; /* the Admin is told, too, */
	const char *in;   /* and this function of the stack; NULL: there is none */
	enum end end;
	const char *begun; /* what the log says then */
};

static const struct misdeed misdeeds[] = {
	{"panic", "Panic", bad_panic, WAT_CAUSE_PANIC, 0, "a secret", "bad_on_panic", BY_ITSELF,
	 NULL},
	{"check", "Check", bad_check, WAT_CAUSE_PANIC, 0, "check failed: state->value > 0",
	 "bad_on_check", BY_ITSELF, NULL},
	{"null-write", "NullWrite", bad_null_write, WAT_CAUSE_SIGNAL, SIGSEGV,
	 "at address 0x0 by bad_on_null_write", "bad_on_null_write", BY_ITSELF, NULL},
	{"wild-write", "WildWrite", bad_wild_write, WAT_CAUSE_SIGNAL, SIGSEGV,
	 "\"address\":\"0x10000000000\"", "bad_on_wild_write", BY_ITSELF, NULL},
	{"double-free", "DoubleFree", bad_double_free, WAT_CAUSE_SIGNAL, SIGABRT, "double free",
	 "bad_on_double_free", BY_ITSELF, NULL},
	{"abort", "Abort", bad_abort, WAT_CAUSE_SIGNAL, SIGABRT, "", "bad_on_abort", BY_ITSELF,
	 NULL},
	{"overflow", "Overflow", bad_overflow, WAT_CAUSE_SIGNAL, SIGSEGV, "at address 0x",
	 "descend", BY_ITSELF, NULL},
	{"divide", "Divide", bad_divide, WAT_CAUSE_SIGNAL, SIGFPE, "", "bad_on_divide", BY_ITSELF,
	 NULL},
	{"bus-error", "BusError", bad_bus_error, WAT_CAUSE_SIGNAL, SIGBUS, "at address 0x",
	 "bad_on_bus_error", BY_ITSELF, NULL},
	{"exit", "Exit", bad_exit, WAT_CAUSE_EXIT, 0, "exited with code 3", NULL, BY_ITSELF, NULL},
	/* With its signals blocked no handler of the host's sees it. */
	{"block", "Block", bad_block, WAT_CAUSE_SIGNAL, SIGSEGV, "", NULL, BY_ITSELF, NULL},
	{"devour", "Devour", bad_devour, WAT_CAUSE_SIGNAL, SIGSEGV, "at address 0x0",
	 "bad_on_devour", BY_ITSELF, NULL},
	{"loop", "Loop", bad_loop, WAT_CAUSE_SIGNAL, SIGKILL, "killed by an operator", NULL,
	 BY_WATCTL, ROUNDS},
	/* As the kernel kills whoever has too much memory. */
	{"oom", "Loop", bad_loop, WAT_CAUSE_SIGNAL, SIGKILL, "killed by signal 9", NULL, BY_SIGKILL,
	 ROUNDS},
	{"chatter", "Chatter", bad_chatter, WAT_CAUSE_SIGNAL, SIGKILL, "killed by an operator",
	 NULL, BY_WATCTL, "and another thing"},
};

/* What its caller saw of a call. */
struct outcome {
	misdeed_call *call;
	bad_user *user;
	int status, kind;
	size_t n_causes;
	bool redacted;
	char service[64];
};

/* A service that has done nothing. */
struct innocent {
	counter_admin *admin;
	counter_user *user;
};

/* What watd holds. */
struct holdings {
	size_t children, descriptors, segments;
};

static uint32_t the_tier;
static struct configured *the_watd;
static wat *the_wat;
static wat_node *the_node;
static struct innocent in_pool, alone;
static size_t n_begun; /* calls that never end, and said so in the log */

static void spawn_innocent(const char *name, uint32_t tier, struct innocent *ret)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_state initial = COUNTER_STATE_INIT;

	spawn.tier = tier;
	initial.value = 7;
	grant.name = "u1";
	assert_int_equal(counter_spawn(the_node, name, &spawn, &initial, &ret->admin), 0);
	assert_int_equal(counter_provision(ret->admin, &grant, &ret->user), 0);
}

static void assert_innocent(const struct innocent *innocent)
{
	int64_t value;

	assert_int_equal(counter_get_with(innocent->user, &value), 0);
	assert_int_equal(value, 7);
}

static void free_innocent(struct innocent *innocent)
{
	counter_user_free(innocent->user);
	counter_admin_free(innocent->admin);
}

static int set_up(void **state)
{
	const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};

	assert_int_equal(setrlimit(RLIMIT_AS, &memory), 0);
	(void)configured_set_up(state);
	the_watd = *state;
	configured_start(the_watd, BAD_PLUGIN "[plugin birth]\nfile = " WAT_BUILD_DIR
					      "/tests/plugins/birth.so\n");
	assert_int_equal(wat_connect(the_watd->daemon.admin_socket, &the_wat), 0);
	assert_int_equal(wat_node_open(the_wat, &the_node), 0);
	spawn_innocent("in-pool", WAT_TIER_THREAD, &in_pool);
	spawn_innocent("alone", WAT_TIER_PROCESS, &alone);
	return 0;
}

static int tear_down(void **state)
{
	free_innocent(&alone);
	free_innocent(&in_pool);
	wat_node_free(the_node);
	wat_free(the_wat);
	return configured_tear_down(state);
}

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static size_t count_children(pid_t pid)
{
	char path[64];
	size_t n = 0;
	FILE *file;
	int child;

	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fscanf(file, "%d", &child) == 1)
		n++;
	(void)fclose(file);
	return n;
}

static struct holdings look(void)
{
	const struct test_daemon *daemon = &the_watd->daemon;
	struct holdings now = {.children = count_children(daemon->pid)};
	char path[160];

	(void)snprintf(path, sizeof path, "/proc/%d/fd", (int)daemon->pid);
	now.descriptors = count_entries(path);
	(void)snprintf(path, sizeof path, "%s/state/journal", daemon->dir);
	now.segments = count_entries(path);
	return now;
}

/* What was given back is not gone at once. */
static void wait_for(const struct holdings *before)
{
	struct holdings now;

	do
		now = look();
	while (memcmp(before, &now, sizeof now) != 0);
}

static void spawn_bad(const char *name, uint32_t tier, bad_admin **ret_admin, bad_user **ret_user)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;

	spawn.tier = tier;
	grant.name = "u1";
	assert_int_equal(bad_spawn(the_node, name, &spawn, NULL, ret_admin), 0);
	assert_int_equal(bad_provision(*ret_admin, &grant, ret_user), 0);
}

static void add(bad_user *user, int64_t n, int64_t expected)
{
	int64_t value;

	assert_int_equal(bad_add_with(user, n, &value), 0);
	assert_int_equal(value, expected);
}

static bool is_redacted(const struct wat_cause *cause)
{
	return !*cause->instance && !*cause->method && !*cause->text && !cause->signal &&
	       !cause->address && !cause->n_frames && !cause->generation;
}

static void *call_it(void *arg)
{
	struct outcome *outcome = arg;
	const struct wat_failure *failure;

	outcome->status = outcome->call(outcome->user, NULL, NULL);
	failure = wat_failure();
	outcome->n_causes = failure->n_causes;
	if (failure->n_causes == 0)
		return NULL;
	outcome->kind = failure->causes[0].kind;
	outcome->redacted = is_redacted(&failure->causes[0]) && !strstr(failure->text, "secret");
	(void)snprintf(outcome->service, sizeof outcome->service, "%s", failure->causes[0].service);
	return NULL;
}

static void assert_died(const struct outcome *outcome, int kind)
{
	assert_int_equal(outcome->status, WAT_SERVER_DIED);
	assert_int_equal(outcome->n_causes, 1);
	assert_int_equal(outcome->kind, kind);
	assert_string_equal(outcome->service, "bad.Bad");
	assert_true(outcome->redacted);
}

static pid_t host_of(const char *name)
{
	const char *at;

	WATCTL(the_watd, "-j", "show", name);
	at = strstr(the_watd->out.out, "\"pid\":");
	assert_non_null(at);
	return (pid_t)atoi(at + strlen("\"pid\":"));
}

static void kill_host(const char *name)
{
	pid_t pid = host_of(name);
	int fd = pidfd_open(pid, 0);

	assert_true(pid > 1 && fd >= 0);
	assert_int_equal(pidfd_send_signal(fd, SIGKILL, NULL, 0), 0);
	(void)close(fd);
}

/* Ends what does not end; the third death with one call is that call's own. */
static void end(const struct misdeed *misdeed)
{
	unsigned n_kills = misdeed->end == BY_SIGKILL ? 3 : 1;

	if (strcmp(misdeed->begun, ROUNDS) != 0)
		n_begun = 0;
	while (n_kills-- > 0) {
		assert_true(test_daemon_wait_log(&the_watd->daemon, misdeed->begun, ++n_begun));
		assert_innocent(&alone);
		if (misdeed->end == BY_SIGKILL) {
			kill_host(misdeed->name);
			continue;
		}
		WATCTL(the_watd, "kill", misdeed->name);
		assert_code(the_watd, 0);
	}
}

/* Of the innermost function that is the plugin's own. */
static void assert_stack(const char *in)
{
	const char *at = strstr(the_watd->out.out, "\"frames\":["), *end;

	assert_non_null(at);
	end = strchr(at, ']');
	assert_non_null(end);
	if (!in)
		assert_true(end == at + strlen("\"frames\":["));
	else if (!memmem(at, (size_t)(end - at), in, strlen(in)))
		fail_msg("no %s in %.*s", in, (int)(end - at), at);
}

/* Everything that can be known is there for who manages it. */
static void assert_shown(const struct misdeed *misdeed)
{
	char text[128];

	do
		WATCTL(the_watd, "-j", "show", misdeed->name);
	while (!strstr(the_watd->out.out, misdeed->method));
	(void)snprintf(
		text, sizeof text,
		"\"service\":\"bad.Bad\",\"instance\":\"%s\",\"generation\":", misdeed->name);
	assert_out(the_watd, text);
	(void)snprintf(text, sizeof text, "\"method\":\"%s\",\"signal\":%d,", misdeed->method,
		       misdeed->signal);
	assert_out(the_watd, text);
	assert_out(the_watd, misdeed->says);
	assert_stack(misdeed->in);
	(void)snprintf(text, sizeof text, "\"deaths\":%d,",
		       misdeed->kind == WAT_CAUSE_PANIC ? 0
		       : misdeed->end == BY_SIGKILL     ? 3
							: 1);
	assert_out(the_watd, text);
}

static void stop_bad(bad_admin *admin, bad_user *user, int64_t expected)
{
	bad_state *last;

	assert_int_equal(bad_stop(admin, &last), 0);
	assert_int_equal(last->value, expected);
	bad_state_free(last);
	bad_user_free(user);
	bad_admin_free(admin);
}

static void do_one(const struct misdeed *misdeed)
{
	struct outcome outcome = {.call = misdeed->call};
	bad_admin *admin;
	pthread_t caller;

	print_message("%s\n", misdeed->name);
	spawn_bad(misdeed->name, the_tier, &admin, &outcome.user);
	add(outcome.user, 5, 5);
	assert_int_equal(pthread_create(&caller, NULL, call_it, &outcome), 0);
	if (misdeed->end != BY_ITSELF)
		end(misdeed);
	assert_int_equal(pthread_join(caller, NULL), 0);
	assert_died(&outcome, misdeed->kind);
	/* What was acknowledged is there, and what was not is not. */
	add(outcome.user, 1, 6);
	assert_innocent(&in_pool);
	assert_innocent(&alone);
	assert_shown(misdeed);
	stop_bad(admin, outcome.user, 6);
}

/* Of each misdeed the call that did it ends in SERVER_DIED: its caller learns kind and service, its
 * Admin method, signal, address and the rest. What was acknowledged is there after it, the next
 * call succeeds, nobody else loses anything; and watd holds in the end what it held before. */
static void test_each(void **state)
{
	struct holdings before;

	(void)state;
	/* What watd gave away with its last answer is closed when it gives the next one. */
	assert_int_equal(counter_deprovision(alone.admin, "nobody"), WAT_NOT_FOUND);
	before = look();
	for (size_t i = 0; i < sizeof misdeeds / sizeof *misdeeds; i++)
		do_one(&misdeeds[i]);
	wait_for(&before);
	WATCTL(the_watd, "-j", "show", "in-pool");
	assert_out(the_watd, "\"deaths\":0,");
	WATCTL(the_watd, "-j", "show", "alone");
	assert_out(the_watd, "\"generation\":1,");
}

/* Memory that one handler spoils is the death of another: that one is named, for nobody saw who it
 * was; and both go on with what was acknowledged. */
static void test_spoiled(void **state)
{
	struct outcome outcome = {.call = bad_give};
	bad_admin *spoiler_admin, *victim_admin;
	bad_user *spoiler;

	(void)state;
	spawn_bad("victim", the_tier, &victim_admin, &outcome.user);
	spawn_bad("spoiler", the_tier, &spoiler_admin, &spoiler);
	assert_int_equal(bad_take(outcome.user, NULL, NULL), 0);
	/* In a process of its own nobody else can. */
	assert_int_equal(
		bad_spoil(the_tier == WAT_TIER_THREAD ? spoiler : outcome.user, NULL, NULL), 0);
	add(outcome.user, 5, 5);
	add(spoiler, 8, 8);
	(void)call_it(&outcome);
	assert_died(&outcome, WAT_CAUSE_SIGNAL);
	add(outcome.user, 1, 6);
	add(spoiler, 1, 9);
	assert_innocent(&in_pool);
	assert_innocent(&alone);
	WATCTL(the_watd, "-j", "show", "victim");
	assert_out(the_watd, "\"method\":\"Give\",\"signal\":6,");
	WATCTL(the_watd, "-j", "show", "spoiler");
	assert_out(the_watd, "\"deaths\":0,");
	stop_bad(spoiler_admin, spoiler, 9);
	stop_bad(victim_admin, outcome.user, 6);
}

/* A plugin that dies while it is loaded is no instance, and the reason is told; who was in the same
 * process goes on, and its name is free. */
static void test_birth(void **state)
{
	const char *tier = the_tier == WAT_TIER_THREAD ? "thread" : "process";

	(void)state;
	WATCTL(the_watd, "spawn", "birth.Birth", "stillborn", "--tier", tier);
	assert_code(the_watd, 1);
	assert_err(the_watd, "START_FAILED");
	assert_err(the_watd, "killed by signal 6");
	assert_err(the_watd, "the loading of its plugin");
	assert_innocent(&in_pool);
	assert_innocent(&alone);
	WATCTL(the_watd, "show", "stillborn");
	assert_code(the_watd, 1);
	WATCTL(the_watd, "-j", "show", "in-pool");
	assert_out(the_watd, "\"deaths\":0,");
}

static void begin_loop(struct outcome *outcome, pthread_t *ret_caller)
{
	assert_int_equal(pthread_create(ret_caller, NULL, call_it, outcome), 0);
	assert_true(test_daemon_wait_log(&the_watd->daemon, ROUNDS, ++n_begun));
}

/* After a death of the pool that was nobody's in particular, the calls go on in the next one. */
static void wait_for_loops(size_t n)
{
	n_begun += n;
	assert_true(test_daemon_wait_log(&the_watd->daemon, ROUNDS, n_begun));
}

static void assert_isolated(const char *name, const char *why)
{
	char text[160];

	(void)snprintf(text, sizeof text, "\"isolated\":\"%s\"", why);
	WATCTL(the_watd, "-j", "show", name);
	assert_out(the_watd, text);
}

/* The pool is killed from outside, twice in short order: nobody knows whose doing it was, so what
 * ran both times is isolated, and who did nothing is not. */
static void test_two_deaths(void **state)
{
	struct outcome outcomes[2] = {{.call = bad_loop}, {.call = bad_loop}};
	bad_admin *admins[2];
	pthread_t callers[2];

	(void)state;
	if (the_tier != WAT_TIER_THREAD)
		skip();
	spawn_bad("one", the_tier, &admins[0], &outcomes[0].user);
	spawn_bad("two", the_tier, &admins[1], &outcomes[1].user);
	begin_loop(&outcomes[0], &callers[0]);
	begin_loop(&outcomes[1], &callers[1]);
	kill_host("in-pool");
	wait_for_loops(2);
	assert_isolated("one", "");
	kill_host("in-pool");
	wait_for_loops(2);
	assert_isolated("one", "it ran Loop at two deaths of the pool, one soon after the other");
	assert_isolated("two", "it ran Loop at two deaths of the pool, one soon after the other");
	assert_isolated("in-pool", "");
	assert_innocent(&in_pool);
	for (size_t i = 0; i < 2; i++) {
		WATCTL(the_watd, "kill", i == 0 ? "one" : "two");
		assert_int_equal(pthread_join(callers[i], NULL), 0);
		assert_died(&outcomes[i], WAT_CAUSE_SIGNAL);
		stop_bad(admins[i], outcomes[i].user, 0);
	}
}

int misdeeds_run(uint32_t tier)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_birth),
		cmocka_unit_test(test_two_deaths),
	};

	the_tier = tier;
	return test_run_cases(tests, set_up, tear_down);
}
