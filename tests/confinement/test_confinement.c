/* test_confinement.c - code that wants out of its process, and what there is of it to be seen from
 * outside. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/landlock.h"
#include "daemon/base/sanitized.h"
#include "tests/confinement/thieves.h"

/* What a pool may, and whoever loads a plugin: documented in SECURITY.md. */
static const char *const in_stage_one[] = {
	"ask for the key's size",
	"read a library",
	"a file of its own as code",
};

#define ENOUGH 120u

static bool is_refusal(int error)
{
	return error == EPERM || error == EACCES || error == ENOSYS;
}

static bool is_of_stage_one(const char *name)
{
	for (size_t i = 0; i < sizeof in_stage_one / sizeof *in_stage_one; i++)
		if (strcmp(in_stage_one[i], name) == 0)
			return true;
	return false;
}

/* Everything was refused, and told apart by name; stage one lets through what is listed, and it is
 * no list of what might be. */
static void assert_refused(const burglar_report *report, bool stage_one, const char *where)
{
	size_t n_let = 0;

	assert_true(report->n_attempts >= ENOUGH);
	for (size_t i = 0; i < report->n_attempts; i++) {
		const burglar_attempt *attempt = report->attempts[i];

		if (stage_one && is_of_stage_one(attempt->name) && attempt->error == 0)
			n_let++;
		else if (!is_refusal(attempt->error))
			fail_msg("%s, %s: %s", where, attempt->name,
				 attempt->error ? strerror(attempt->error) : "it worked");
	}
	assert_int_equal(n_let, stage_one ? sizeof in_stage_one / sizeof *in_stage_one : 0);
}

static void assert_alive(burglar_user *user)
{
	uint64_t calls = 0;

	assert_int_equal(burglar_count_with(user, &calls), 0);
}

/* Of all that a plugin tries while it is loaded, by a thread that it starts then, and in a handler,
 * nothing works; watd and the others do not notice (rows 20 and 72). */
static void try_everything(struct thieves *t, uint32_t tier)
{
	bool pool = tier == WAT_TIER_THREAD;
	burglar_user *thief, *other;
	burglar_report *report;

	thieves_start(t, "");
	assert_int_equal(thieves_spawn(t, "other", tier, &other), 0);
	assert_int_equal(thieves_spawn(t, "thief", tier, &thief), 0);
	assert_int_equal(burglar_at_load(thief, NULL, &report), 0);
	assert_refused(report, true, "at load");
	burglar_report_free(report);
	assert_int_equal(burglar_by_thread(thief, NULL, &report), 0);
	assert_refused(report, pool, "by a thread");
	burglar_report_free(report);
	assert_int_equal(burglar_try(thief, NULL, &report), 0);
	assert_refused(report, pool, "in a handler");
	burglar_report_free(report);
	assert_alive(thief);
	assert_alive(other);
	burglar_user_free(thief);
	burglar_user_free(other);
	assert_false(test_daemon_logged(&t->c->daemon, "a host died"));
}

static void test_process(void **state)
{
	try_everything(*state, WAT_TIER_PROCESS);
}

static void test_thread(void **state)
{
	try_everything(*state, WAT_TIER_THREAD);
}

static int hoard(burglar_user *user, const char *name)
{
	burglar_what what = BURGLAR_WHAT_INIT;
	burglar_hoarded *hoarded;
	int error;

	what.what = (char *)name;
	assert_int_equal(burglar_hoard(user, &what, &hoarded), 0);
	assert_true(hoarded->n > 0);
	error = hoarded->error;
	burglar_hoarded_free(hoarded);
	return error;
}

static void limit_descriptors(void)
{
	const struct rlimit few = {512, 512};

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

/* Descriptors, memory and disk come to an end for who takes them all, and for nobody else; what
 * nobody reads of its output holds nobody up. */
static void hoard_everything(struct thieves *t, uint32_t tier)
{
	burglar_user *thief, *other;

	limit_descriptors();
	thieves_start(t, "[watd]\nmemory-max = 64\n");
	assert_int_equal(thieves_spawn(t, "other", WAT_TIER_PROCESS, &other), 0);
	assert_int_equal(thieves_spawn(t, "thief", tier, &thief), 0);
	assert_int_equal(hoard(thief, "descriptors"), EMFILE);
	assert_alive(other);
	/* The stacks of all the threads that there may be are in a pool's memory. */
	if (tier == WAT_TIER_PROCESS)
		assert_int_equal(hoard(thief, "memory"), ENOMEM);
	assert_alive(other);
	assert_int_equal(hoard(thief, "disk"), EFBIG);
	assert_alive(other);
	assert_int_equal(hoard(thief, "output"), 0);
	assert_alive(other);
	assert_alive(thief);
	burglar_user_free(thief);
	burglar_user_free(other);
	assert_false(test_daemon_logged(&t->c->daemon, "a host died"));
}

static void test_hoards(void **state)
{
	hoard_everything(*state, WAT_TIER_PROCESS);
}

static void test_hoards_in_a_pool(void **state)
{
	hoard_everything(*state, WAT_TIER_THREAD);
}

/* The id of its only User. */
static void id_of_user(struct thieves *t, const char *name, uint8_t ret_id[static 16])
{
	const char *at;

	WATCTL(t->c, "-j", "users", name);
	assert_code(t->c, 0);
	at = strstr(t->c->out.out, "\"grant\":\"");
	assert_non_null(at);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(sscanf(at + 9 + 2 * i, "%2hhx", &ret_id[i]), 1);
}

/* What a host's socket says, in whoever's words, is about that host's instances: a User whose grant
 * ends with its last channel has it still after another's plugin has said that it has none. */
static void test_forged_count(void **state)
{
	struct thieves *t = *state;
	struct wat_grant session = WAT_GRANT_INIT;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	burglar_grant grant = BURGLAR_GRANT_INIT;
	burglar_hoarded *forged;
	burglar_admin *admin;
	burglar_user *thief, *other;
	uint8_t id[16];

	thieves_start(t, "");
	session.name = "u";
	session.flags = WAT_GRANT_SESSION;
	assert_int_equal(burglar_spawn(t->node, "other", &spawn, NULL, &admin), 0);
	assert_int_equal(burglar_provision(admin, &session, &other), 0);
	assert_alive(other);
	assert_int_equal(thieves_spawn(t, "thief", WAT_TIER_PROCESS, &thief), 0);
	id_of_user(t, "other", id);
	grant.id = (ProtobufCBinaryData){sizeof id, id};
	assert_int_equal(burglar_forge(thief, &grant, &forged), 0);
	assert_int_equal(forged->error, 0);
	burglar_hoarded_free(forged);
	/* The answer comes after what was forged, by the same socket. */
	WATCTL(t->c, "snapshot", "thief");
	assert_code(t->c, 0);
	assert_alive(other);
	burglar_admin_free(admin);
	burglar_user_free(thief);
	burglar_user_free(other);
}

/* A line of /proc/PID/status. */
static void assert_status(pid_t pid, const char *name, const char *value)
{
	char path[64], line[256];
	FILE *file;
	size_t n = strlen(name);

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, n) == 0 && line[n] == ':') {
			line[strcspn(line, "\n")] = '\0';
			assert_string_equal(line + n + 2, value);
			(void)fclose(file);
			return;
		}
	fail_msg("no %s", name);
}

/* Is there anything of these bytes in what the process has mapped? */
static bool has_in_memory(pid_t pid, const unsigned char *bytes, size_t n)
{
	char path[64], line[512];
	unsigned long from, to;
	bool found = false;
	FILE *maps, *memory;
	char mode[8];

	(void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	memory = fopen(path, "re");
	assert_true(maps && memory);
	while (!found && fgets(line, sizeof line, maps)) {
		unsigned char *part;
		size_t got;

		assert_int_equal(sscanf(line, "%lx-%lx %7s", &from, &to, mode), 3);
		if (mode[0] != 'r' || strstr(line, "[vvar") || strstr(line, "[vsyscall]"))
			continue;
		part = malloc(to - from);
		assert_non_null(part);
		assert_int_equal(fseek(memory, (long)from, SEEK_SET), 0);
		got = fread(part, 1, to - from, memory);
		found = memmem(part, got, bytes, n) != NULL;
		free(part);
	}
	(void)fclose(maps);
	(void)fclose(memory);
	return found;
}

static void read_key(const struct thieves *t, unsigned char key[static 32])
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/state/node.key", t->c->daemon.dir);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fread(key, 1, 32, file), 32);
	(void)fclose(file);
}

/* The kernel says of a host that it is confined, without rights, and on its way to no more; the
 * issuing key is in watd's memory and in no process that maps plugin code (row 20). */
static void test_seen_from_outside(void **state)
{
	static const uint32_t tiers[] = {WAT_TIER_PROCESS, WAT_TIER_THREAD};
	struct thieves *t = *state;
	unsigned char key[32];

	thieves_start(t, "");
	read_key(t, key);
	if (geteuid() == 0)
		assert_true(has_in_memory(t->c->daemon.pid, key, sizeof key));
	for (size_t i = 0; i < 2; i++) {
		burglar_user *user;
		char name[8];
		pid_t host;

		(void)snprintf(name, sizeof name, "n%zu", i);
		assert_int_equal(thieves_spawn(t, name, tiers[i], &user), 0);
		host = thieves_host(t, name);
		assert_status(host, "NoNewPrivs", "1");
		assert_status(host, "Seccomp", "2");
		assert_status(host, "CapPrm", "0000000000000000");
		assert_status(host, "CapEff", "0000000000000000");
		assert_false(has_in_memory(host, key, sizeof key));
		burglar_user_free(user);
	}
}

/* A plugin that imports what starts threads, processes and programs is refused by their names, and
 * none of it is mapped (row 72). */
static void test_imports(void **state)
{
	static const char *const names[] = {"fork",   "pthread_create", "posix_spawn",
					    "system", "popen",          "execv"};
	struct thieves *t = *state;

	thieves_start(t, "");
	WATCTL(t->c, "spawn", "starter", "s1");
	assert_true(t->c->out.code != 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_err(t->c, names[i]);
	WATCTL(t->c, "plugins");
	assert_out(t->c, "imports fork");
}

/* Without Landlock tier thread is refused, with what allows it; tier process goes on, and watd says
 * what that means. */
static void test_without_landlock(void **state)
{
	struct thieves *t = *state;
	burglar_user *user;

	assert_int_equal(setenv("WAT_TEST_WATD", WITHOUT_LANDLOCK, 1), 0);
	thieves_start(t, "");
	assert_true(test_daemon_logged(&t->c->daemon, "this kernel has no Landlock"));
	assert_int_equal(thieves_spawn(t, "t1", WAT_TIER_THREAD, &user), WAT_START_FAILED);
	assert_non_null(strstr(wat_failure()->text, "thread-tier = trusted"));
	assert_int_equal(thieves_spawn(t, "p1", WAT_TIER_PROCESS, &user), 0);
	assert_status(thieves_host(t, "p1"), "Seccomp", "2");
	burglar_user_free(user);
}

/* Once it is trusted, tier thread is confined as far as it goes: files can be read, and nothing
 * else is different. */
static void test_trusted(void **state)
{
	struct thieves *t = *state;
	burglar_report *report;
	burglar_user *user;
	size_t n_read = 0;

	assert_int_equal(setenv("WAT_TEST_WATD", WITHOUT_LANDLOCK, 1), 0);
	thieves_start(t, "[watd]\nthread-tier = trusted\n");
	assert_int_equal(thieves_spawn(t, "t1", WAT_TIER_THREAD, &user), 0);
	assert_int_equal(burglar_try(user, NULL, &report), 0);
	for (size_t i = 0; i < report->n_attempts; i++) {
		const burglar_attempt *attempt = report->attempts[i];

		if (attempt->error == 0 &&
		    (strstr(attempt->name, "read") || strstr(attempt->name, "list")))
			n_read++;
		else if (attempt->error == 0 && !is_of_stage_one(attempt->name))
			fail_msg("%s worked", attempt->name);
	}
	assert_true(n_read > 0);
	burglar_report_free(report);
	burglar_user_free(user);
}

/* A build with a sanitizer says that it confines nobody; and loads what others would refuse no
 * more than they do. */
static void test_sanitized(void **state)
{
	struct thieves *t = *state;

	thieves_start(t, "");
	assert_true(test_daemon_logged(&t->c->daemon, "services are not confined"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		THIEVES_CASE(test_process),      THIEVES_CASE(test_thread),
		THIEVES_CASE(test_hoards),       THIEVES_CASE(test_hoards_in_a_pool),
		THIEVES_CASE(test_forged_count), THIEVES_CASE(test_seen_from_outside),
		THIEVES_CASE(test_imports),      THIEVES_CASE(test_without_landlock),
		THIEVES_CASE(test_trusted),
	};
	const struct CMUnitTest sanitized[] = {
		THIEVES_CASE(test_sanitized),
		THIEVES_CASE(test_imports),
	};
	const struct CMUnitTest without[] = {
		THIEVES_CASE(test_imports),
		THIEVES_CASE(test_without_landlock),
		THIEVES_CASE(test_trusted),
	};

	if (WAT_SANITIZED) {
		fprintf(stderr, "a build with a sanitizer: what a sandbox refuses is not tried\n");
		return test_run_cases(sanitized, NULL, NULL);
	}
	if (landlock_abi() == 0) {
		fprintf(stderr, "THIS KERNEL HAS NO LANDLOCK: what it refuses is not tried\n");
		return test_run_cases(without, NULL, NULL);
	}
	return test_run_cases(tests, NULL, NULL);
}
