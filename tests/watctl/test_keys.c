/* Keys over time: a new one signs, the one of before only verifies, for a while or until it is
 * revoked; then its tokens are good for nothing, and neither are the channels that they opened.
 * row 29 */
#include <sys/stat.h>
#include <unistd.h>
#include <wat/raw.h>

#include "tests/watctl/ctl.h"

static const char *in_dir(const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", the_daemon.dir, name);
	return path;
}

static int start(void **state)
{
	int r = ctl_start(state);

	WATCTL("spawn", "counter", "c1");
	assert_ends(0, "");
	WATCTL("provision", "c1", "me", "--out", in_dir("me.token"));
	assert_ends(0, "");
	return r;
}

static void assert_good(const char *token)
{
	WATCTL("call", "c1", "Get", "--token", token);
	assert_ends(0, "");
}

static void assert_refused(const char *token)
{
	WATCTL("call", "c1", "Get", "--token", token);
	assert_ends(77, "key that is good no more");
}

/* The key of before, in hex. */
static const char *rotate(const char *grace)
{
	static char before[20];
	json_t *view;

	WATCTL("-j", "rotate-key", "--grace", grace);
	assert_ends(0, "");
	view = document();
	snprintf(before, sizeof before, "%s", json_string_value(json_object_get(view, "before")));
	json_decref(view);
	return before;
}

static size_t count_keys(void)
{
	json_t *view;
	size_t n;

	WATCTL("-j", "keys");
	view = document();
	n = json_array_size(json_object_get(view, "keys"));
	json_decref(view);
	return n;
}

struct live {
	wat *w;
	wat_capability *user;
};

static struct live live_user(const char *path)
{
	struct live live;
	char token[2048];
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_non_null(fgets(token, sizeof token, file));
	fclose(file);
	assert_int_equal(wat_connect(the_daemon.socket, &live.w), 0);
	assert_int_equal(wat_capability_open(live.w, WAT_ROLE_USER, 0, token, &live.user), 0);
	return live;
}

static int call_live(const struct live *live)
{
	uint8_t *reply = NULL;
	size_t n;
	int r = wat_call_raw(live->user, 0, WAT_METHOD_READ_ONLY, 0, NULL, 0, &reply, &n);

	if (r == 0)
		wat_memory_free(reply);
	return r;
}

static void end_live(struct live *live)
{
	wat_capability_free(live->user);
	wat_free(live->w);
}

/* After a rotation tokens of both keys are good, channels go on, and so it is after a restart. */
static void test_rotate(void **state)
{
	struct live live = live_user(in_dir("me.token"));
	struct stat st;

	(void)state;
	(void)rotate("1d");
	assert_int_equal(call_live(&live), 0);
	end_live(&live);
	WATCTL("provision", "c1", "you", "--out", in_dir("you.token"));
	assert_ends(0, "");
	for (unsigned i = 0; i < 2; i++) {
		assert_good(in_dir("me.token"));
		assert_good(in_dir("you.token"));
		assert_int_equal(count_keys(), 2);
		test_daemon_kill(&the_daemon);
		test_daemon_start(&the_daemon);
	}
	assert_int_equal(stat(in_dir("state/node.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	WATCTL("events");
	assert_prints("key-changed");
}

/* Revoked, a key is good for nothing at once: not for a live channel, nor for an Admin, nor after a
 * restart. Those of the key that signs go on, and who is renewed with it is there again. */
static void test_revoke(void **state)
{
	struct live mine = live_user(in_dir("me.token")), yours;
	const char *before = rotate("1d");

	(void)state;
	WATCTL("provision", "c1", "you", "--out", in_dir("you.token"));
	yours = live_user(in_dir("you.token"));
	WATCTL("revoke-key", before);
	assert_ends(0, "");
	assert_int_equal(call_live(&mine), WAT_ACCESS_DENIED);
	assert_int_equal(call_live(&yours), 0);
	end_live(&mine);
	end_live(&yours);
	for (unsigned i = 0; i < 2; i++) {
		assert_refused(in_dir("me.token"));
		assert_good(in_dir("you.token"));
		WATCTL("renew", "c1", "me");
		assert_ends(77, "key that is good no more");
		assert_int_equal(count_keys(), 1);
		test_daemon_kill(&the_daemon);
		test_daemon_start(&the_daemon);
	}
	WATCTL("admin", "c1");
	assert_ends(0, "");
	WATCTL("renew", "c1", "me", "--expires", "365d", "--out", in_dir("me.token"));
	assert_ends(0, "");
	assert_good(in_dir("me.token"));
	WATCTL("revoke-key", before);
	assert_ends(1, "NOT_FOUND");
	WATCTL("events");
	assert_prints("key-revoked");
}

/* The key that signs is not revoked but replaced; without a grace time that is the same at once. */
static void test_at_once(void **state)
{
	struct live live = live_user(in_dir("me.token"));
	char current[20];

	(void)state;
	WATCTL("keys");
	snprintf(current, sizeof current, "%.16s", strstr(out.out, "\n") + 1);
	WATCTL("revoke-key", current);
	assert_ends(1, "FAILED_PRECONDITION: this key signs");
	(void)rotate("0");
	assert_int_equal(call_live(&live), WAT_ACCESS_DENIED);
	end_live(&live);
	assert_refused(in_dir("me.token"));
	WATCTL("provision", "c1", "you");
	assert_ends(77, "key that is good no more");
}

/* When the grace time is over it ends by itself, live channels with it. */
static void test_grace(void **state)
{
	struct live live = live_user(in_dir("me.token"));
	struct ctl_running running;
	json_t *event = NULL;
	bool over = false;

	(void)state;
	(void)rotate("1s");
	ctl_run(&running, (const char *[]){"-j", "events", "--follow", NULL});
	while (!over && (event = ctl_next(&running))) {
		over = strcmp(json_string_value(json_object_get(event, "kind")), "key-revoked") ==
		       0;
		json_decref(event);
	}
	ctl_finish(&running, true);
	assert_true(over);
	/* It was detached before that was said, or is now. */
	while (call_live(&live) == 0)
		;
	assert_int_equal(call_live(&live), WAT_ACCESS_DENIED);
	end_live(&live);
	assert_refused(in_dir("me.token"));
	assert_int_equal(count_keys(), 1);
}

/* Another file in the key's place, as with a credential: tokens of before are good for key-grace.
 */
static void test_replaced(void **state)
{
	struct test_output made;

	(void)state;
	test_watd(&the_daemon, &made, "keygen", in_dir("new.key"), NULL);
	assert_int_equal(made.code, 0);
	test_watd(&the_daemon, &made, "keygen", in_dir("new.key"), NULL);
	assert_int_equal(made.code, 64);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	assert_int_equal(rename(in_dir("new.key"), in_dir("state/node.key")), 0);
	test_daemon_start(&the_daemon);
	assert_int_equal(count_keys(), 2);
	assert_good(in_dir("me.token"));
	WATCTL("events");
	assert_prints("another one was in its place when watd started");
	test_daemon_kill(&the_daemon);
	test_daemon_start(&the_daemon);
	assert_int_equal(count_keys(), 2);
	assert_good(in_dir("me.token"));
}

/* As many as there may be, and no more. */
static void test_many(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 15; i++)
		(void)rotate("1d");
	assert_good(in_dir("me.token"));
	WATCTL("rotate-key");
	assert_ends(1, "RESOURCE_EXHAUSTED: 15 keys of before");
	(void)rotate("0");
	assert_good(in_dir("me.token"));
	assert_int_equal(count_keys(), 16);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, start, ctl_end)
	const struct CMUnitTest tests[] = {
		CASE(test_rotate), CASE(test_revoke),   CASE(test_at_once),
		CASE(test_grace),  CASE(test_replaced), CASE(test_many),
	};

	return test_run_cases(tests, NULL, NULL);
}
