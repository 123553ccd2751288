/* test_bad_input.c - each kind of bad input gets a clear answer, and a running watd is unharmed. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counter.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"
#include "tests/scenario/hand.h"

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

#define WATCTL(...) test_watctl(&the_daemon, &out, __VA_ARGS__, NULL)

static void assert_said(int code, const char *text)
{
	if (out.code != code || !strstr(out.err, text))
		fail_msg("expected exit %d and \"%s\", got %d: %s", code, text, out.code, out.err);
	/* One sentence on one line. */
	assert_ptr_equal(strchr(out.err, '\n'), out.err + strlen(out.err) - 1);
}

static void assert_unharmed(void)
{
	WATCTL("status");
	assert_int_equal(out.code, 0);
}

/* What a person mistypes. */
static void test_commands(void **state)
{
	(void)state;
	WATCTL("spawn", "nonsense", "n1");
	assert_said(1, "NOT_FOUND");
	WATCTL("spawn", "counter", "Bad Name");
	assert_said(1, "INVALID_ARGUMENT");
	WATCTL("spawn", "counter", "c1", "--state", "{\"valeu\":1}");
	assert_int_not_equal(out.code, 0);
	assert_non_null(strstr(out.err, "valeu"));
	WATCTL("spawn", "counter", "c1", "--state", "{\"value\":\"x\"}");
	assert_int_not_equal(out.code, 0);
	assert_non_null(strstr(out.err, "value"));
	WATCTL("spawn", "counter", "c1");
	assert_int_equal(out.code, 0);
	WATCTL("spawn", "counter", "c1");
	assert_said(1, "ALREADY_EXISTS");
	WATCTL("call", "c1", "Get");
	assert_int_equal(out.code, 77);
	assert_non_null(strstr(out.err, "watctl provision c1"));
	WATCTL("provision", "c1", "me");
	assert_int_equal(out.code, 0);
	WATCTL("provision", "c1", "me");
	assert_said(1, "ALREADY_EXISTS");
	WATCTL("call", "c1", "Incremnt", "{}");
	assert_int_not_equal(out.code, 0);
	assert_non_null(strstr(out.err, "Increment"));
	WATCTL("call", "c1", "Increment", "{\"n\":{}}");
	assert_int_not_equal(out.code, 0);
	assert_non_null(strstr(out.err, "n"));
	WATCTL("show", "nobody");
	assert_said(1, "NOT_FOUND");
	WATCTL("start", "c1");
	assert_said(1, "FAILED_PRECONDITION");
	WATCTL("fly");
	assert_int_equal(out.code, 64);
	WATCTL("stop", "c1");
	assert_int_equal(out.code, 0);
	assert_unharmed();
}

static void greeted(struct hand *hand)
{
	hand_connect(hand, the_daemon.socket);
	hand_greet(hand);
}

static void assert_sent_away(struct hand *hand, wat_status status)
{
	hand_expect_goaway(hand, status);
	hand_close(hand);
}

/* Garbage instead of HELLO, from a web browser or from /dev/urandom. */
static void test_garbage(void **state)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
	uint8_t noise[256];
	struct hand hand;

	(void)state;
	hand_connect(&hand, the_daemon.socket);
	hand_queue_bytes(&hand, http, sizeof http - 1);
	assert_sent_away(&hand, WAT_INVALID_ARGUMENT);
	memset(noise, 0, sizeof noise);
	noise[4] = 0xee;
	hand_connect(&hand, the_daemon.socket);
	hand_queue_bytes(&hand, noise, sizeof noise);
	assert_sent_away(&hand, WAT_INVALID_ARGUMENT);
	hand_connect(&hand, the_daemon.socket);
	hand_queue(&hand, (struct frame){.type = FRAME_BIND, .id = 1}, NULL, 0);
	assert_sent_away(&hand, WAT_INVALID_ARGUMENT);
	assert_unharmed();
}

/* A frame over the limit is refused by its header: nothing of that size is ever allocated. */
static void test_long_frame(void **state)
{
	uint8_t header[FRAME_HEADER_SIZE];
	struct hand hand;

	(void)state;
	greeted(&hand);
	frame_encode(&(struct frame){.type = FRAME_BIND, .id = 1, .body_len = 4097}, header);
	hand_queue_bytes(&hand, header, sizeof header);
	assert_sent_away(&hand, WAT_TOO_LARGE);
	assert_unharmed();
}

/* Half a frame, then silence: nobody else waits. */
static void test_half_frame(void **state)
{
	uint8_t header[FRAME_HEADER_SIZE];
	struct hand hand;

	(void)state;
	greeted(&hand);
	frame_encode(&(struct frame){.type = FRAME_BIND, .id = 1, .body_len = 100}, header);
	hand_queue_bytes(&hand, header, 20);
	assert_unharmed();
	hand_close(&hand);
	assert_unharmed();
}

/* A descriptor that nobody asked for ends the connection, and is closed. */
static void test_stray_descriptor(void **state)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	char byte = 0;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	struct hand hand;
	int pair[2];

	(void)state;
	greeted(&hand);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
	assert_int_equal(sendmsg(hand.stream.fd, &message, MSG_NOSIGNAL), 1);
	close(pair[1]);
	/* Our end of the pair sees the end: watd did not keep the other. */
	assert_int_equal(recv(pair[0], &byte, 1, 0), 0);
	close(pair[0]);
	assert_sent_away(&hand, WAT_INVALID_ARGUMENT);
	assert_unharmed();
}

/* A handle that was not bound, a method that does not exist. */
static void test_unbound_handle(void **state)
{
	struct hand hand;

	(void)state;
	greeted(&hand);
	hand.handle = 7;
	hand_expect_fail(&hand, hand_queue_call(&hand, 2, NULL, 0), WAT_ACCESS_DENIED,
			 "no capability");
	hand.handle = 0;
	hand_expect_fail(&hand, hand_queue_call(&hand, 99, NULL, 0), WAT_UNIMPLEMENTED,
			 "no method 99");
	/* The node capability is for the admin socket only. */
	hand_queue(&hand, (struct frame){.type = FRAME_BIND, .id = ++hand.last_id}, NULL, 0);
	hand_expect_fail(&hand, hand.last_id, WAT_ACCESS_DENIED, "admin socket");
	hand_close(&hand);
	assert_unharmed();
}

/* A client that dies in the middle of its calls: the service goes on, the state with it. */
static void test_client_dies(void **state)
{
	char token[2048];
	int status;
	pid_t pid;

	(void)state;
	WATCTL("spawn", "counter", "mortal");
	assert_int_equal(out.code, 0);
	WATCTL("provision", "mortal", "one");
	snprintf(token, sizeof token, "%.2000s", out.out);
	WATCTL("provision", "mortal", "two");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		counter_amount one = COUNTER_AMOUNT_INIT;
		counter_user *u;
		wat *client;

		if (wat_connect(the_daemon.socket, &client) != 0 ||
		    counter_user_open(client, token, &u) != 0)
			_exit(1);
		one.n = 1;
		for (int i = 0; i < 1000; i++)
			if (counter_increment_send(u, &one, NULL, NULL) != 0)
				_exit(2);
		abort();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	WATCTL("call", "mortal", "Increment", "{\"n\":1}", "--as", "two");
	assert_int_equal(out.code, 0);
	WATCTL("show", "mortal", "-j");
	assert_non_null(strstr(out.out, "ready"));
	WATCTL("stop", "mortal");
	assert_int_equal(out.code, 0);
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	assert_int_equal(system(command), 0);
}

/* Broken plugins, among them one of another ABI, are listed with their reason and refused before
 * any process exists; good ones beside them work (rows 2 and 111). */
static void test_broken_plugins(void **state)
{
	struct test_daemon daemon;
	char dir[64];

	(void)state;
	test_make_dir(dir, sizeof dir);
	run("cp " WAT_BUILD_DIR "/plugins/counter.so %s/counter.so", dir);
	run("echo not a plugin > %s/text.so", dir);
	run("head -c 3000 " WAT_BUILD_DIR "/plugins/counter.so > %s/cut.so", dir);
	/* ABI 9 in the manifest: field 1 is a varint at its start. */
	run("printf '\\010\\011' > %s/manifest && objcopy --update-section "
	    ".wat.plugin=%s/manifest " WAT_BUILD_DIR "/plugins/counter.so %s/abi.so",
	    dir, dir, dir);
	/* The schema of another build: Increment is called Incremant there. */
	/* With an output of its own: objcopy would else write the plugin anew under whoever runs
	 * it. */
	run("objcopy --dump-section .wat.schema=%s/schema " WAT_BUILD_DIR
	    "/plugins/counter.so /dev/null && sed -i s/Increment/Incremant/g %s/schema && "
	    "objcopy --update-section .wat.schema=%s/schema " WAT_BUILD_DIR
	    "/plugins/counter.so %s/wrong.so",
	    dir, dir, dir, dir);
	run("rm %s/schema %s/manifest", dir, dir);
	test_daemon_init(&daemon, dir);
	test_daemon_start(&daemon);
	test_watctl(&daemon, &out, "plugins", NULL);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.out, "counter.Counter"));
	assert_non_null(strstr(out.out, "not an ELF shared object"));
	assert_non_null(strstr(out.out, "ABI 9"));
	assert_non_null(strstr(out.out, "counter.Counter: handler table has Increment"));
	test_watctl(&daemon, &out, "spawn", "wrong", "w1", NULL);
	assert_said(1, "Incremant");
	test_watctl(&daemon, &out, "spawn", "abi", "w1", NULL);
	assert_said(1, "ABI");
	test_watctl(&daemon, &out, "ls", "-j", NULL);
	assert_null(strstr(out.out, "w1"));
	run("test -z \"$(cat /proc/%d/task/%d/children)\"", (int)daemon.pid, (int)daemon.pid);
	test_watctl(&daemon, &out, "spawn", "counter", "good", NULL);
	assert_int_equal(out.code, 0);
	test_daemon_deinit(&daemon);
	run("rm -r %s", dir);
}

static void expect_refusal(const char *const *options, int code, const char *text)
{
	struct test_daemon daemon;

	test_daemon_init(&daemon, NULL);
	test_daemon_spawn(&daemon, options);
	assert_int_equal(test_daemon_wait(&daemon), code);
	if (!test_daemon_logged(&daemon, text))
		fail_msg("not said: %s", text);
	test_daemon_deinit(&daemon);
}

/* What watd can't start with is said by name. */
static void test_start_refusals(void **state)
{
	static const char long_path[] = "/tmp/"
					"a-socket-path-that-is-longer-than-the-kernel-takes-for-"
					"one-because-it-goes-on-and-on-and-on-and-on-and-on.sock";
	const char *state_dir[] = {"--state-dir", "/dev/null/state", NULL};
	const char *path[] = {"--socket", long_path, NULL};
	const char *level[] = {"--log-level", "loud", NULL};
	const char *unknown[] = {"--fly", NULL};
	const char *config[] = {"--config", "/nonexistent/watd.conf", NULL};

	(void)state;
	expect_refusal(state_dir, 1, "/dev/null/state");
	expect_refusal(path, 1, "107 bytes");
	expect_refusal(level, 64, "expected error, warning, info or debug");
	expect_refusal(unknown, 64, "--help");
	expect_refusal(config, 78, "/nonexistent/watd.conf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),         cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_long_frame),       cmocka_unit_test(test_half_frame),
		cmocka_unit_test(test_stray_descriptor), cmocka_unit_test(test_unbound_handle),
		cmocka_unit_test(test_client_dies),      cmocka_unit_test(test_broken_plugins),
		cmocka_unit_test(test_start_refusals),
	};

	return test_run_cases(tests, set_up, tear_down);
}
