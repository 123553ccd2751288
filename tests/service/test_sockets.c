/* test_sockets.c - sockets that the service manager opened: watd serves them, checks them, and
 * leaves them to whoever opened them. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

static struct test_daemon the_daemon;
static struct test_output out;

static int set_up(void **state)
{
	(void)state;
	test_daemon_init(&the_daemon, NULL);
	setenv("WAT_TEST_WATD", WAT_BUILD_DIR "/bin/service-pass", 1);
	setenv("PASS_WATD", WAT_BUILD_DIR "/bin/watd", 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_daemon_deinit(&the_daemon);
	return 0;
}

/* As a socket unit does: in the daemon's runtime directory, and inherited. */
static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char dir[96];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(dir, sizeof dir, "%s/run", the_daemon.dir);
	assert_true(mkdir(dir, 0755) == 0 || errno == EEXIST);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* In what is passed, CLIENT and ADMIN stand for the two descriptors. */
static void pass(const char *what, int client, int admin)
{
	char text[128];
	size_t n = 0;

	while (*what) {
		bool is_client = strncmp(what, "CLIENT", 6) == 0;
		bool is_admin = strncmp(what, "ADMIN", 5) == 0;

		assert_true(n < sizeof text - 16);
		if (is_client || is_admin)
			n += (size_t)snprintf(text + n, 16, "fd:%d", is_client ? client : admin);
		else
			text[n++] = *what;
		what += is_client ? 6 : is_admin ? 5 : 1;
	}
	text[n] = '\0';
	setenv("PASS", text, 1);
}

static void assert_served(void)
{
	test_watctl(&the_daemon, &out, "status", NULL);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.out, the_daemon.socket));
}

/* Both sockets are served, whatever their order, and are there when watd has gone: others opened
 * them. */
static void test_served(void **state)
{
	static const char *const orders[] = {"client=CLIENT admin=ADMIN",
					     "admin=ADMIN client=CLIENT"};
	int client = open_socket(the_daemon.socket), admin = open_socket(the_daemon.admin_socket);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		pass(orders[i], client, admin);
		test_daemon_start(&the_daemon);
		assert_served();
		assert_int_equal(test_daemon_terminate(&the_daemon), 0);
		assert_int_equal(access(the_daemon.socket, F_OK), 0);
		assert_int_equal(access(the_daemon.admin_socket, F_OK), 0);
	}
	assert_false(test_daemon_logged(&the_daemon, "one of two sockets"));
	close(client);
	close(admin);
}

/* What the log tells of the address. */
static void read_address(char *ret, size_t size)
{
	char path[128], line[1024];
	FILE *log;

	snprintf(path, sizeof path, "%s/log", the_daemon.dir);
	log = fopen(path, "r");
	assert_non_null(log);
	*ret = '\0';
	while (fgets(line, sizeof line, log)) {
		const char *found = strstr(line, "listening address=");

		if (found)
			snprintf(ret, size, "%.*s", (int)strcspn(found + 18, " \n"), found + 18);
	}
	fclose(log);
}

/* A TCP socket that was passed is served by the gate, though `listen` says nothing of it, and a
 * connection that is made while watd does not run waits for the next (row 110). */
static void test_tcp(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int client = open_socket(the_daemon.socket), admin = open_socket(the_daemon.admin_socket);
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	char what[64], door[128];

	(void)state;
	assert_int_equal(bind(tcp, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(tcp, 16), 0);
	snprintf(what, sizeof what, "tcp=fd:%d client=CLIENT admin=ADMIN", tcp);
	for (int i = 0; i < 2; i++) {
		pass(what, client, admin);
		test_daemon_start(&the_daemon);
		read_address(door, sizeof door);
		if (i == 0) {
			test_watctl(&the_daemon, &out, "spawn", "counter", "c1", NULL);
			test_watctl(&the_daemon, &out, "provision", "c1", "me", NULL);
		}
		test_watctl(&the_daemon, &out, "-H", door, "call", "c1", "Increment", "{\"n\":2}",
			    NULL);
		assert_int_equal(out.code, 0);
		assert_non_null(strstr(out.out, i == 0 ? "\"2\"" : "\"4\""));
		assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	}
	close(tcp);
	close(client);
	close(admin);
}

static pid_t start_status(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execl(WAT_BUILD_DIR "/bin/watctl", "watctl", "-s", the_daemon.socket, "status",
		      (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* Whoever connects while watd is away waits in the queue, and is served by the next watd. */
static void test_nobody_is_refused(void **state)
{
	int client = open_socket(the_daemon.socket), admin = open_socket(the_daemon.admin_socket);
	struct pollfd queue = {.fd = admin, .events = POLLIN};
	int status;
	pid_t pid;

	(void)state;
	pass("client=CLIENT admin=ADMIN", client, admin);
	test_daemon_start(&the_daemon);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	pid = start_status();
	assert_int_equal(poll(&queue, 1, -1), 1);
	test_daemon_start(&the_daemon);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	close(client);
	close(admin);
}

/* What is not a listening unix stream socket is refused by its name, and so are a name twice and a
 * socket that watd would leave unserved. */
static void test_refused(void **state)
{
	static const struct {
		const char *passed, *name, *why;
	} cases[] = {
		{"client=datagram admin=ADMIN", "name=client", "it is no stream socket"},
		{"client=CLIENT admin=silent", "name=admin", "it does not listen"},
		{"client=inet admin=ADMIN", "name=client", "it is no unix socket"},
		{"client=CLIENT admin=pipe", "name=admin", "it is no socket"},
		{"client=CLIENT client=ADMIN", "name=client", "the name comes twice"},
		{"client=CLIENT admin=ADMIN tcp=silent", "name=tcp", "it is no IP socket"},
		{"client=CLIENT admin=ADMIN tcp=pipe", "name=tcp", "it is no socket"},
		{"client=CLIENT admin=ADMIN extra=inet", "name=extra",
		 "no listening socket has this name"},
	};
	int client = open_socket(the_daemon.socket), admin = open_socket(the_daemon.admin_socket);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char log[128];

		snprintf(log, sizeof log, "%s/log", the_daemon.dir);
		unlink(log);
		pass(cases[i].passed, client, admin);
		test_daemon_spawn(&the_daemon, NULL);
		assert_int_equal(test_daemon_wait(&the_daemon), 1);
		assert_true(test_daemon_logged(&the_daemon, cases[i].name));
		assert_true(test_daemon_logged(&the_daemon, cases[i].why));
	}
	close(client);
	close(admin);
}

/* The one that is missing is named, and is watd's own then. */
static void test_missing(void **state)
{
	int client = open_socket(the_daemon.socket);

	(void)state;
	pass("client=CLIENT", client, -1);
	test_daemon_start(&the_daemon);
	assert_true(test_daemon_logged(&the_daemon, "missing=admin"));
	assert_served();
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	assert_int_equal(access(the_daemon.socket, F_OK), 0);
	assert_int_equal(access(the_daemon.admin_socket, F_OK), -1);
	close(client);
}

/* Something that a newer watd stored with the manager does not keep this one from starting, and is
 * not kept for ever. */
static void test_stored(void **state)
{
	int client = open_socket(the_daemon.socket), admin = open_socket(the_daemon.admin_socket);
	char text[1024];

	(void)state;
	pass("client=CLIENT admin=ADMIN journal=pipe", client, admin);
	test_daemon_spawn(&the_daemon, NULL);
	assert_true(test_daemon_told(&the_daemon, "FDSTOREREMOVE=1", text, sizeof text));
	assert_non_null(strstr(text, "FDNAME=journal"));
	assert_true(test_daemon_told(&the_daemon, "READY=1", text, sizeof text));
	assert_true(test_daemon_logged(&the_daemon, "name=journal"));
	assert_served();
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	close(client);
	close(admin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_nobody_is_refused),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_stored),
	};

	return test_run_cases(tests, set_up, tear_down);
}
