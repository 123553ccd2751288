/* test_plugin_files.c - whose bytes run, whatever becomes of the file that is installed; and the
 * signatures that are asked for before anything of it is mapped. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/minisign.h"
#include "tests/scenario/configured.h"

#define COUNTER "[plugin counter]\nfile = @/counter.so\n"
#define A "[instance a]\nservice = counter\n"
#define KEYS "plugin-keys = @/keys\n"
#define REQUIRED "[watd]\n" KEYS "require-signed = yes\n"

/* Of the daemon's directory. */
static const char *path_of(const struct configured *c, const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof paths[0], "%s/%s", c->daemon.dir, name);
	return path;
}

/* By a shell, in the daemon's directory. */
static void WAT_PRINTF(2, 3) run(const struct configured *c, const char *format, ...)
{
	char command[1024];
	int n = snprintf(command, sizeof command, "cd %s && ", c->daemon.dir);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(command + n, sizeof command - (size_t)n, format, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static int set_up(void **state)
{
	int r = configured_set_up(state);

	run(*state, "mkdir keys && cp %s/plugins/counter.so .", WAT_BUILD_DIR);
	return r;
}

static void call(struct configured *c, const char *method, const char *prints)
{
	WATCTL(c, "call", "a", method, strcmp(method, "Get") == 0 ? "{}" : "n=1", "--as", "me");
	assert_code(c, 0);
	assert_out(c, prints);
}

static void begin(struct configured *c)
{
	configured_start(c, COUNTER A);
	WATCTL(c, "admin", "a");
	assert_code(c, 0);
	WATCTL(c, "provision", "a", "me");
	assert_code(c, 0);
	call(c, "Increment", "1");
}

/* The installed file is written over in place with bytes that are no plugin: who runs goes on,
 * comes back from a death, and from a restart of watd, with the file that it was spawned from. */
static void test_overwritten(void **state)
{
	struct configured *c = *state;

	begin(c);
	run(c, "head -c 4096 /dev/zero > counter.so");
	call(c, "Increment", "2");
	WATCTL(c, "kill", "a");
	assert_code(c, 0);
	call(c, "Increment", "3");
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	test_daemon_start(&c->daemon);
	call(c, "Increment", "4");
}

/* Instances of one plugin that are started together have one copy, which all of them can map. */
static void test_together(void **state)
{
	struct configured *c = *state;

	configured_start(c, COUNTER A
			 "[instance b]\nservice = counter\n[instance c]\nservice = counter\n");
	wait_state(c, "a", "ready");
	wait_state(c, "b", "ready");
	wait_state(c, "c", "ready");
	run(c, "[ $(ls state/plugins | wc -l) = 1 ] && ls -i state/plugins > before");
	/* It stays the same file: a host that is yet to map it may open no other. */
	WATCTL(c, "spawn", "counter", "d");
	assert_code(c, 0);
	run(c, "ls -i state/plugins | cmp - before");
}

/* Nothing that is another file than at the spawn is run unless somebody says so: the instance has
 * failed, and the text says how both ways go on. Restarting it takes the new one, with its state
 * and grants. */
static void test_another_file(void **state)
{
	struct configured *c = *state;

	begin(c);
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	run(c, "rm -r state/plugins && echo >> counter.so");
	test_daemon_start(&c->daemon);
	wait_state(c, "a", "failed");
	WATCTL(c, "show", "a");
	assert_out(c, "counter.so is another file than at its spawn");
	assert_out(c, "or go on with this one by watctl restart");
	WATCTL(c, "restart", "a");
	assert_code(c, 0);
	call(c, "Increment", "2");
	/* From now on that is its file. */
	run(c, "rm counter.so");
	WATCTL(c, "kill", "a");
	call(c, "Increment", "3");
}

/* An orderly restart takes what is installed by then, and copies that nobody runs go. */
static void test_restart_takes_new(void **state)
{
	struct configured *c = *state;

	begin(c);
	run(c, "ls state/plugins > before && echo >> counter.so");
	WATCTL(c, "restart", "a");
	assert_code(c, 0);
	call(c, "Increment", "2");
	run(c, "ls state/plugins > after && [ $(wc -l < after) = 1 ] && ! cmp -s before after");
}

static void spawn_refused(struct configured *c, const char *service, const char *why)
{
	WATCTL(c, "spawn", service, "b");
	assert_code(c, 1);
	assert_err(c, "START_FAILED");
	assert_err(c, why);
}

static void spawn_works(struct configured *c)
{
	WATCTL(c, "spawn", "counter", "b");
	assert_code(c, 0);
	WATCTL(c, "stop", "b");
	assert_code(c, 0);
}

static void ctl_plugin(struct configured *c, const char *what, const char *file, const char *key)
{
	WATCTL(c, "plugin", what, path_of(c, file), key ? "--key" : NULL,
	       key ? path_of(c, key) : "");
	assert_code(c, 0);
}

static void make_keys(struct configured *c)
{
	ctl_plugin(c, "keygen", "release.key", NULL);
	ctl_plugin(c, "keygen", "other.key", NULL);
	run(c, "cp release.key.pub keys/");
}

/* Where a signature is asked for, a plugin without one, with one by an unknown key, or that was
 * changed since, is refused and named before its constructors run: the one of birth.so would end
 * the process. row 66 */
static void test_required(void **state)
{
	struct configured *c = *state;

	make_keys(c);
	run(c, "cp %s/tests/plugins/birth.so .", WAT_BUILD_DIR);
	configured_start(c, REQUIRED COUNTER "[plugin birth]\nfile = @/birth.so\n");
	spawn_refused(c, "birth", "birth.so is not signed, and require-signed = yes");
	assert_false(test_daemon_logged(&c->daemon, "signal 6"));
	spawn_refused(c, "counter", "counter.so is not signed");
	ctl_plugin(c, "sign", "counter.so", "other.key");
	spawn_refused(c, "counter", "is signed by key ");
	assert_err(c, "/keys (plugin-keys)");
	ctl_plugin(c, "sign", "counter.so", "release.key");
	spawn_works(c);
	run(c, "echo >> counter.so");
	spawn_refused(c, "counter", "counter.so is not what key ");
	run(c, "echo untrusted > counter.so.minisig");
	spawn_refused(c, "counter", "counter.so.minisig is no signature of minisign");
	ctl_plugin(c, "sign", "birth.so", "release.key");
	spawn_refused(c, "birth", "killed by signal 6");
}

/* With keys and without require-signed, a plugin needs no signature; one that it has must hold. A
 * reload changes what is asked for, of instances that run, too, when they start again. */
static void test_optional(void **state)
{
	struct configured *c = *state;

	make_keys(c);
	configured_start(c, "[watd]\n" KEYS COUNTER A);
	spawn_works(c);
	ctl_plugin(c, "sign", "counter.so", "other.key");
	spawn_refused(c, "counter", "is signed by key ");
	configured_write(c, "watd.conf", REQUIRED COUNTER A);
	WATCTL(c, "reload");
	assert_code(c, 0);
	WATCTL(c, "kill", "a");
	wait_state(c, "a", "failed");
	ctl_plugin(c, "sign", "counter.so", "release.key");
	WATCTL(c, "restart", "a");
	assert_code(c, 0);
	wait_state(c, "a", "ready");
}

/* Without keys nothing could be used: that is said before watd starts, and at a reload. */
static void test_no_keys(void **state)
{
	struct configured *c = *state;

	configured_write(c, "watd.conf", "[watd]\nrequire-signed = yes\n");
	test_watd(&c->daemon, &c->out, "--check-config", "--config", path_of(c, "conf/watd.conf"),
		  NULL);
	assert_code(c, 78);
	assert_err(c, "watd.conf:2: require-signed = yes, but plugin-keys names no directory");
	configured_write(c, "watd.conf", "[watd]\nrequire-signed = yes\n" KEYS);
	test_watd(&c->daemon, &c->out, "--check-config", "--config", path_of(c, "conf/watd.conf"),
		  NULL);
	assert_code(c, 78);
	assert_err(c, "watd.conf:3: require-signed = yes, but there is no *.pub in plugin-keys");
	run(c, "echo none > keys/broken.pub");
	test_watd(&c->daemon, &c->out, "--check-config", "--config", path_of(c, "conf/watd.conf"),
		  NULL);
	assert_code(c, 78);
	assert_err(c, "keys/broken.pub is no public key of minisign");
}

/* What watctl signs minisign verifies, and the other way round, in both of its ways to sign. */
static void test_minisign(void **state)
{
	struct configured *c = *state;

	make_keys(c);
	ctl_plugin(c, "sign", "counter.so", "release.key");
	run(c, "minisign -q -V -m counter.so -p release.key.pub");
	run(c, "minisign -S -l -m counter.so -s release.key > /dev/null");
	ctl_plugin(c, "verify", "counter.so", "release.key.pub");
	run(c, "minisign -S -m counter.so -s release.key -t 'release 1' > /dev/null");
	ctl_plugin(c, "verify", "counter.so", "release.key.pub");
	assert_out(c, "release 1");
	run(c, "sed -i 's/release 1/release 2/' counter.so.minisig");
	WATCTL(c, "plugin", "verify", path_of(c, "counter.so"), "--key",
	       path_of(c, "release.key.pub"));
	assert_code(c, 77);
	run(c, "minisign -G -W -p theirs.pub -s theirs.key > /dev/null");
	ctl_plugin(c, "sign", "counter.so", "theirs.key");
	run(c, "minisign -q -V -m counter.so -p theirs.pub");
}

/* A key is written once, for its owner. */
static void test_keygen(void **state)
{
	struct configured *c = *state;
	struct stat st;

	make_keys(c);
	assert_int_equal(stat(path_of(c, "release.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	WATCTL(c, "plugin", "keygen", path_of(c, "release.key"));
	assert_code(c, 78);
	assert_err(c, "File exists");
	WATCTL(c, "plugin", "sign", path_of(c, "counter.so"), "--key", path_of(c, "keys"));
	assert_code(c, 78);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, configured_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_overwritten),       CASE(test_together), CASE(test_another_file),
		CASE(test_restart_takes_new), CASE(test_required), CASE(test_optional),
		CASE(test_no_keys),           CASE(test_minisign), CASE(test_keygen),
	};

	return test_run_cases(tests, NULL, NULL);
}
