/* test_audit.c - what can be seen from outside: modes of files, what a host was given, what libwat
 * exports. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/daemon.h"
#include "tests/lib/cases.h"

static struct test_daemon the_daemon;
static struct test_output out;

static int set_up(void **state)
{
	(void)state;
	test_daemon_init(&the_daemon, NULL);
	test_daemon_start(&the_daemon);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_daemon_deinit(&the_daemon);
	return 0;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

/* The client socket is for the group, the admin socket, the key and the database for the owner
 * alone (row 37). */
static void test_modes(void **state)
{
	char path[128];

	(void)state;
	assert_int_equal(mode_of(the_daemon.socket), 0660);
	assert_int_equal(mode_of(the_daemon.admin_socket), 0600);
	snprintf(path, sizeof path, "%s/state", the_daemon.dir);
	assert_int_equal(mode_of(path), 0700);
	snprintf(path, sizeof path, "%s/state/node.key", the_daemon.dir);
	assert_int_equal(mode_of(path), 0600);
	snprintf(path, sizeof path, "%s/state/watd.db", the_daemon.dir);
	assert_int_equal(mode_of(path), 0600);
}

static long spawned_pid(const char *name, const char *tier)
{
	const char *at;

	test_watctl(&the_daemon, &out, "spawn", "counter", name, "--tier", tier, NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&the_daemon, &out, "-j", "show", name, NULL);
	at = strstr(out.out, "\"pid\":");
	assert_non_null(at);
	return strtol(at + 6, NULL, 10);
}

/* How many descriptors point to something with the prefix. */
static unsigned count_fds(long pid, const char *prefix)
{
	char dir[64], path[400], target[256];
	unsigned n = 0;
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof dir, "/proc/%ld/fd", pid);
	d = opendir(dir);
	assert_non_null(d);
	while ((e = readdir(d))) {
		ssize_t r;

		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		r = readlink(path, target, sizeof target - 1);
		if (r <= 0)
			continue;
		target[r] = '\0';
		n += strncmp(target, prefix, strlen(prefix)) == 0;
	}
	closedir(d);
	return n;
}

static void assert_fd(long pid, int fd, const char *prefix)
{
	char path[64], target[256];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%ld/fd/%d", pid, fd);
	n = readlink(path, target, sizeof target - 1);
	assert_true(n > 0);
	target[n] = '\0';
	assert_memory_equal(target, prefix, strlen(prefix));
}

/* A host has its standard ones, control, lifeline and the segment of its journal: no other socket,
 * nothing else of the state directory, no listening socket. */
static void test_descriptors(void **state)
{
	static const char *const given[] = {"/dev/null", "pipe:", "pipe:", "socket:", "pipe:"};
	long pid = spawned_pid("holds", "process");
	char journal[128];

	(void)state;
	for (int fd = 0; fd < 5; fd++)
		assert_fd(pid, fd, given[fd]);
	assert_int_equal(count_fds(pid, "socket:"), 1);
	assert_int_equal(count_fds(pid, the_daemon.dir), 1);
	(void)snprintf(journal, sizeof journal, "%s/state/journal/", the_daemon.dir);
	assert_int_equal(count_fds(pid, journal), 1);
}

static void assert_prints(const char *command, const char *expected)
{
	char text[8192];
	FILE *p = popen(command, "r");
	size_t n;

	assert_non_null(p);
	n = fread(text, 1, sizeof text - 1, p);
	text[n] = '\0';
	assert_int_equal(pclose(p), 0);
	assert_string_equal(text, expected);
}

/* The whole of what libwat offers: a state comes from Stop and from nowhere else (row 13), and
 * nothing starts a process (row 72). No name of the protocol's is among them. */
static void test_symbols(void **state)
{
	(void)state;
	assert_prints("nm -D --defined-only " WAT_BUILD_DIR
		      "/lib/libwat.so | sed -n 's/.* T \\([a-z_]*\\).*/\\1/p' | LC_ALL=C sort | tr "
		      "'\\n' ' '",
		      "wat_call_raw wat_cancel wat_capability_free wat_capability_instance "
		      "wat_capability_open wat_capability_schema wat_capability_service "
		      "wat_capability_token wat_connect wat_deprovision_raw wat_dispatch "
		      "wat_failure wat_fd wat_free wat_import_raw wat_memory_free "
		      "wat_mint_admin_raw wat_node_call_raw wat_node_free wat_node_id "
		      "wat_node_open wat_outstanding wat_provision_raw wat_release_raw "
		      "wat_renew_raw wat_revoke_all_raw wat_send_raw wat_set_reconnect "
		      "wat_set_timeout wat_spawn_raw wat_start_raw wat_status_name wat_status_text "
		      "wat_stop_raw wat_stub_call wat_stub_open wat_stub_provision wat_stub_send "
		      "wat_stub_spawn wat_stub_stop wat_timeout_ms wat_token_attenuate "
		      "wat_token_inspect wat_token_newkey wat_token_public_key wat_token_renewed "
		      "wat_token_with_key wat_users_left wat_users_raw wat_watch_raw ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_symbols),
	};

	return test_run_cases(tests, set_up, tear_down);
}
