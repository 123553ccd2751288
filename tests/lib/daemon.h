/* daemon.h - a real watd for a test: a temporary directory, a child process, its sockets. Nothing
 * waits for a time: readiness comes by sd_notify, the end by the pidfd. A failed step fails the
 * test. $WAT_TEST_WATD names a program that is run in place of build/bin/watd. */
#ifndef WAT_TESTS_DAEMON_H
#define WAT_TESTS_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct test_daemon {
	char dir[64];                      /* state, sockets, log */
	char socket[96], admin_socket[96]; /* socket: the address that clients use; see door.h */
	char listen[64];                   /* for TCP; "" until it is known */
	const char *plugin_dir;
	pid_t pid;       /* 0: not running */
	int notify;      /* datagram socket that watd tells */
	bool may_report; /* a sanitizer's report in the log is no failure */
};

/* Makes the directory; plugin_dir NULL: the built plugins. */
void test_daemon_init(struct test_daemon *daemon, const char *plugin_dir);
/* Starts watd, with conf/watd.conf of its directory if that is there, and returns when it is ready.
 */
void test_daemon_start(struct test_daemon *daemon);
/* The same, but it may end before it is ready: false, and it was waited for. */
bool test_daemon_try_start(struct test_daemon *daemon);
/* Starts watd with the directory as it is and more arguments (NULL-terminated), without waiting;
 * for starts that fail. */
void test_daemon_spawn(struct test_daemon *daemon, const char *const *more);
/* Waits until watd tells its service manager something that contains the text: then the whole
 * message is in ret. False: it ended before that. */
bool test_daemon_told(struct test_daemon *daemon, const char *text, char *ret, size_t size);
/* SIGTERM, and waits: the exit code, or -signal. */
int test_daemon_terminate(struct test_daemon *daemon);
/* SIGKILL, and waits. */
void test_daemon_kill(struct test_daemon *daemon);
/* Waits for the end of a watd that ends by itself. */
int test_daemon_wait(struct test_daemon *daemon);
/* Ends it if it runs, removes the directory. With $WAT_TEST_LOG, prints the log first. The test
 * fails if a sanitizer reported something there. */
void test_daemon_deinit(struct test_daemon *daemon);
/* Does the log contain the text? */
bool test_daemon_logged(const struct test_daemon *daemon, const char *text);
/* The number of the first line with the text, from 1; 0: none. */
size_t test_daemon_log_line(const struct test_daemon *daemon, const char *text);
/* Waits until the log has so many lines with the text; returns false if watd ends before. */
bool test_daemon_wait_log(const struct test_daemon *daemon, const char *text, size_t n_lines);
/* Takes what watd told so far, and forgets it. */
void test_daemon_forget_told(const struct test_daemon *daemon);

struct test_output {
	int code; /* exit code, or -signal */
	char out[65536], err[16384];
};

/* Runs build/bin/watd with the arguments (NULL-terminated), to its end, in the environment of the
 * daemon; it is told nothing else. */
void test_watd(const struct test_daemon *daemon, struct test_output *ret, ...)
	__attribute__((sentinel));

/* Runs build/bin/watctl -s SOCKET (not if the first argument is -H) with the arguments
 * (NULL-terminated) and the keyring in the daemon's directory. */
void test_watctl(const struct test_daemon *daemon, struct test_output *ret, ...)
	__attribute__((sentinel));

#endif
