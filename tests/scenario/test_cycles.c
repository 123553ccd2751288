/* test_cycles.c - services that come and go a thousand times leave nothing: no descriptor, no
 * thread, no mapping, no memory, no process, neither in the pool host nor in watd. row 111 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.client.h"
#include "tests/lib/leaks.h"
#include "tests/scenario/desk.h"

/* A sanitizer needs few: it counts every byte at the end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#define CYCLES 200
#else
#define SANITIZED 0
#define CYCLES 1000
#endif
/* Before the first measurement: caches fill up once. */
#define WARM_UP 100
/* Threads that share them, each with names of its own. */
#define WORKERS 4
/* The number of Status in wat/node.proto. */
#define NODE_STATUS 0

/* What a host's malloc keeps differs from time to time, but a thousand lost pieces of 512 bytes do
 * not pass. watd keeps the answers of the last calls, and its database a cache of 2 MiB. */
#define HOST_SLACK_KB 512
#define WATD_SLACK_KB 4096

struct holdings {
	size_t descriptors, threads, mappings;
	long rss_kb;
};

static size_t count_entries(pid_t pid, const char *what)
{
	struct dirent *entry;
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static size_t count_mappings(pid_t pid)
{
	_cleanup_(file_closep) FILE *maps = NULL;
	char path[64];
	size_t n = 0;
	int c;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	while ((c = getc(maps)) != EOF)
		n += c == '\n';
	return n;
}

static long rss_kb(pid_t pid)
{
	_cleanup_(file_closep) FILE *statm = NULL;
	char path[64];
	long size, resident;

	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	statm = fopen(path, "re");
	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%ld %ld", &size, &resident), 2);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static struct holdings holdings_of(pid_t pid)
{
	return (struct holdings){
		.descriptors = count_entries(pid, "fd"),
		.threads = count_entries(pid, "task"),
		.mappings = count_mappings(pid),
		.rss_kb = rss_kb(pid),
	};
}

static void assert_no_growth(const struct holdings *before, pid_t pid, long slack_kb)
{
	struct holdings now = holdings_of(pid);

	print_message("%zu %zu descriptors, %zu %zu threads, %zu %zu mappings, %ld %ld KiB\n",
		      before->descriptors, now.descriptors, before->threads, now.threads,
		      before->mappings, now.mappings, before->rss_kb, now.rss_kb);
	assert_int_equal(now.descriptors, before->descriptors);
	assert_int_equal(now.threads, before->threads);
	if (SANITIZED)
		return;
	assert_true(now.mappings <= before->mappings + 4);
	assert_true(now.rss_kb <= before->rss_kb + slack_kb);
}

struct worker {
	struct desk *d;
	struct wat_spawn spawn;
	int number, n;
	char failure[256]; /* empty: none */
	pthread_t thread;
	/* While it runs. */
	wat *w;
	wat_node *node;
};

/* Spawn, a User, a call, Stop. */
static int cycle_ledger(struct worker *k, const char *name)
{
	ledger_admin *admin = NULL;
	ledger_user *user = NULL;
	ledger_cell cell = LEDGER_CELL_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	int r = ledger_spawn(k->node, name, &k->spawn, NULL, &admin);

	grant.name = "u1";
	cell.value = 7;
	if (r == 0)
		r = ledger_provision(admin, &grant, &user);
	if (r == 0)
		r = ledger_push(user, &cell, NULL);
	if (r == 0)
		r = ledger_stop(admin, NULL);
	ledger_user_free(user);
	ledger_admin_free(admin);
	return r;
}

/* The same with a service that has a live form of its state, with a descriptor in it. */
static int cycle_cache(struct worker *k, const char *name)
{
	guest_cache_admin *admin = NULL;
	guest_cache_user *user = NULL;
	guest_entry entry = GUEST_ENTRY_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	int r = guest_cache_spawn(k->node, name, &k->spawn, NULL, &admin);

	grant.name = "u1";
	entry.key = (char *)"key";
	if (r == 0)
		r = guest_cache_provision(admin, &grant, &user);
	if (r == 0)
		r = guest_cache_put(user, &entry, NULL);
	if (r == 0)
		r = guest_cache_stop(admin, NULL);
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
	return r;
}

static void *work(void *arg)
{
	struct worker *k = arg;
	int r = wat_connect(k->d->daemon.admin_socket, &k->w);
	char name[16];

	if (r == 0)
		r = wat_node_open(k->w, &k->node);
	for (int i = 0; i < k->n && r == 0; i++) {
		snprintf(name, sizeof name, "%c%d", i % 2 ? 'k' : 'l', k->number);
		r = i % 2 ? cycle_cache(k, name) : cycle_ledger(k, name);
	}
	if (r != 0)
		snprintf(k->failure, sizeof k->failure, "%s: %s", name, wat_failure()->text);
	wat_node_free(k->node);
	wat_free(k->w);
	return NULL;
}

/* n in sum. */
static void cycle(struct desk *d, const struct wat_spawn *spawn, int n)
{
	struct worker workers[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		workers[i] =
			(struct worker){.d = d, .spawn = *spawn, .number = i, .n = n / WORKERS};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_string_equal(workers[i].failure, "");
	}
}

static pid_t host_pid(struct desk *d, const char *name)
{
	static const char key[] = "\"pid\":";
	struct test_output out;
	const char *at;

	test_watctl(&d->daemon, &out, "-j", "show", name, NULL);
	assert_int_equal(out.code, 0);
	at = strstr(out.out, key);
	assert_non_null(at);
	at += sizeof key - 1;
	return (pid_t)strtol(at + strspn(at, "\" "), NULL, 10);
}

/* What was closed before this is closed in watd too: it looks at all its sockets between one answer
 * and the next. */
static void settle(struct desk *d)
{
	for (int i = 0; i < 2; i++) {
		uint8_t *reply = NULL;
		size_t n;

		assert_int_equal(wat_node_call_raw(d->node, NODE_STATUS, NULL, 0, &reply, &n), 0);
		wat_memory_free(reply);
	}
}

/* In the pool host: a plugin stays mapped there, instances come and go. */
static void test_pool(void **state)
{
	struct desk *d = *state;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *anchor = desk_spawned(d, WAT_TIER_THREAD, &initial);
	pid_t pool = host_pid(d, "d1");
	struct holdings of_pool, of_watd;

	spawn.tier = WAT_TIER_THREAD;
	cycle(d, &spawn, WARM_UP);
	settle(d);
	of_pool = holdings_of(pool);
	of_watd = holdings_of(d->daemon.pid);
	cycle(d, &spawn, CYCLES);
	assert_int_equal(host_pid(d, "d1"), pool);
	settle(d);
	assert_no_growth(&of_pool, pool, HOST_SLACK_KB);
	assert_no_growth(&of_watd, d->daemon.pid, WATD_SLACK_KB);
	guest_desk_admin_free(anchor);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
}

/* watd's children, which end a moment after the Stop of their instance was answered. */
static void wait_childless(pid_t pid)
{
	char path[64];
	size_t n;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	do {
		_cleanup_(file_closep) FILE *children = fopen(path, "re");

		assert_non_null(children);
		n = getc(children) != EOF;
		(void)sched_yield();
	} while (n > 0);
}

/* In hosts of their own, which map the plugin and end with it. */
static void test_hosts(void **state)
{
	struct desk *d = *state;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct holdings of_watd;

	spawn.tier = WAT_TIER_PROCESS;
	cycle(d, &spawn, WARM_UP);
	wait_childless(d->daemon.pid);
	settle(d);
	of_watd = holdings_of(d->daemon.pid);
	cycle(d, &spawn, CYCLES);
	wait_childless(d->daemon.pid);
	settle(d);
	assert_no_growth(&of_watd, d->daemon.pid, WATD_SLACK_KB);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
}

/* The check of memory has teeth: a service that loses a piece is found out at the end of its host,
 * which then has not ended well. */
static void leak(struct desk *d, uint32_t tier)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	ledger_admin *admin = NULL;
	ledger_user *user = NULL;
	bool found;

	spawn.tier = tier;
	grant.name = "u1";
	assert_int_equal(ledger_spawn(d->node, "l1", &spawn, NULL, &admin), 0);
	assert_int_equal(ledger_provision(admin, &grant, &user), 0);
	assert_int_equal(ledger_leak(user, NULL, NULL), 0);
	assert_int_equal(ledger_stop(admin, NULL), 0);
	ledger_user_free(user);
	ledger_admin_free(admin);
	d->daemon.may_report = true;
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
	found = test_daemon_logged(&d->daemon, "LeakSanitizer");
	assert_int_equal(test_daemon_logged(&d->daemon, "a host died"), found);
#ifdef __SANITIZE_ADDRESS__
	assert_true(found);
	assert_true(test_daemon_logged(&d->daemon, "ledger_on_leak"));
#else
	assert_false(found);
#endif
}

static void test_leak_thread(void **state)
{
	leak(*state, WAT_TIER_THREAD);
}

static void test_leak_process(void **state)
{
	leak(*state, WAT_TIER_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_pool),
		DESK_CASE(test_hosts),
		DESK_CASE(test_leak_thread),
		DESK_CASE(test_leak_process),
	};

	return test_run_cases(tests, NULL, NULL);
}
