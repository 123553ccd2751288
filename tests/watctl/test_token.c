/* Tokens that others hold: made narrower without watd, bound to a key, used with it. rows 24, 26 */
#include <sys/stat.h>
#include <wat/token.h>

#include "tests/watctl/ctl.h"

/* Of a file in the daemon's directory. */
static const char *file(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", the_daemon.dir, name);
	return path;
}

static int start(void **state)
{
	int r = ctl_start(state);

	WATCTL("spawn", "counter", "c1");
	assert_ends(0, "");
	WATCTL("provision", "c1", "me", "--out", file("me.token"));
	assert_ends(0, "");
	return r;
}

static void assert_secret(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* A token limited to {Get} can't Increment, neither the one that provision limits nor the one that
 * its holder does; and one made from that can't do more. row 26 */
static void test_narrower(void **state)
{
	const char *less = file("less.token");

	(void)state;
	WATCTL("token", "attenuate", file("me.token"), "--methods", "Get", "--plugin",
	       WAT_BUILD_DIR "/plugins/counter.so", "--expires", "1h", "--out", less);
	assert_ends(0, "");
	assert_string_equal(out.out, "");
	assert_secret(less);
	WATCTL("call", "c1", "Get", "--token", less);
	assert_prints("{\"value\":\"0\"}\n");
	WATCTL("call", "c1", "Increment", "n=1", "--token", less);
	assert_ends(77, "ACCESS_DENIED");
	WATCTL("token", "attenuate", less, "--methods", "1");
	assert_ends(1, "INVALID_ARGUMENT: a token can't be made to do more");
	WATCTL("token", "attenuate", less, "--expires", "2h");
	assert_ends(1, "INVALID_ARGUMENT: a token can't be made to do more");
	assert_string_equal(out.out, "");
	WATCTL("provision", "c1", "reader", "--methods", "Get", "--out", file("reader.token"));
	assert_ends(0, "");
	WATCTL("call", "c1", "Increment", "n=1", "--token", file("reader.token"));
	assert_ends(77, "ACCESS_DENIED");
	WATCTL("deprovision", "c1", "me");
	assert_ends(0, "");
	WATCTL("call", "c1", "Get", "--token", less);
	assert_ends(77, "ACCESS_DENIED");
}

/* A User whose token names a key is of no use to whoever has the file alone; with the key it is,
 * also to make another one for somebody else's key. row 24 */
static void test_bound(void **state)
{
	const char *key = file("bob.key"), *token = file("bob.token");
	char bob[64], eve[64];

	(void)state;
	WATCTL("token", "newkey", key);
	assert_ends(0, "");
	assert_secret(key);
	snprintf(bob, sizeof bob, "%.43s", out.out);
	WATCTL("token", "newkey", key);
	assert_ends(78, "no key can be written to");
	WATCTL("token", "newkey", file("eve.key"));
	snprintf(eve, sizeof eve, "%.43s", out.out);
	WATCTL("provision", "c1", "bob", "--holder", bob, "--out", token);
	assert_ends(0, "");
	WATCTL("call", "c1", "Get", "--token", token);
	assert_ends(77, "has no secret");
	WATCTL("call", "c1", "Get", "--token", token, "--key", file("eve.key"));
	assert_ends(78, "is for another key");
	WATCTL("call", "c1", "Get", "--token", token, "--key", key);
	assert_prints("{\"value\":\"0\"}\n");
	WATCTL("token", "attenuate", token, "--methods", "0", "--holder", eve);
	assert_ends(1, "has no secret");
	WATCTL("token", "attenuate", token, "--key", key, "--methods", "0", "--holder", eve,
	       "--out", file("eve.token"));
	assert_ends(0, "");
	WATCTL("call", "c1", "Get", "--token", file("eve.token"), "--key", key);
	assert_ends(78, "is for another key");
	WATCTL("call", "c1", "Get", "--token", file("eve.token"), "--key", file("eve.key"));
	assert_prints("{\"value\":\"0\"}\n");
	WATCTL("call", "c1", "Reset", "--token", file("eve.token"), "--key", file("eve.key"));
	assert_ends(77, "ACCESS_DENIED");
	WATCTL("provision", "c1", "x", "--holder", "short");
	assert_ends(64, "the 43 characters");
}

/* inspect says what a token is good for, and never shows its secret. */
static void test_inspect(void **state)
{
	json_t *view;

	(void)state;
	WATCTL("token", "inspect", file("me.token"));
	assert_prints("methods      0x7");
	assert_prints("secret       is in it");
	assert_null(strstr(out.out, "wats1_"));
	WATCTL("-j", "token", "inspect", file("me.token"), "--plugin",
	       WAT_BUILD_DIR "/plugins/counter.so");
	view = document();
	assert_string(view, "role", "user");
	assert_string(view, "methods", "all");
	assert_number(view, "blocks", 1);
	json_decref(view);
	WATCTL("token", "inspect", file("me.token"), "--plugin",
	       WAT_BUILD_DIR "/tests/plugins/probe.so");
	assert_ends(1, "has not the service");
	WATCTL("token", "inspect", "/etc/passwd");
	assert_ends(78, "holds no token");
	WATCTL("token", "shred", file("me.token"));
	assert_ends(64, "it can inspect, attenuate, newkey");
}

/* A caller who was compiled with another token.h, and what no token can become. */
static void test_library(void **state)
{
	struct wat_token_info info = WAT_TOKEN_INFO_INIT;
	struct wat_attenuation how = WAT_ATTENUATION_INIT;
	uint8_t seed[WAT_KEY_SIZE], pk[WAT_KEY_SIZE], again[WAT_KEY_SIZE];
	char token[2048], *narrower = NULL, *next = NULL;
	FILE *stream = fopen(file("me.token"), "re");

	(void)state;
	assert_non_null(stream);
	assert_non_null(fgets(token, sizeof token, stream));
	fclose(stream);
	info.size = 8;
	info.epoch = 77;
	assert_int_equal(wat_token_inspect(token, &info), 0);
	assert_int_equal(info.role, WAT_TOKEN_USER);
	assert_int_equal(info.epoch, 77);
	info.size = sizeof info + 1;
	assert_int_equal(wat_token_inspect(token, &info), WAT_INVALID_ARGUMENT);
	info.size = sizeof info;
	assert_int_equal(wat_token_inspect("wats1_", &info), WAT_INVALID_ARGUMENT);
	assert_int_equal(wat_token_inspect(NULL, &info), WAT_INVALID_ARGUMENT);
	assert_int_equal(wat_token_inspect(token, &info), 0);
	how.flags = 1;
	assert_int_equal(wat_token_attenuate(token, &how, &narrower), WAT_INVALID_ARGUMENT);
	how.flags = 0;
	how.not_before = info.not_after;
	assert_int_equal(wat_token_attenuate(token, &how, &narrower), WAT_INVALID_ARGUMENT);
	assert_non_null(strstr(wat_failure()->text, "before it begins"));
	assert_null(narrower);
	assert_int_equal(wat_token_newkey(seed, pk), 0);
	assert_int_equal(wat_token_public_key(seed, again), 0);
	assert_memory_equal(pk, again, sizeof pk);
	assert_int_equal(wat_token_with_key(token, seed, &narrower), WAT_INVALID_ARGUMENT);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(wat_token_attenuate(token, NULL, &narrower), 0);
		snprintf(token, sizeof token, "%s", narrower);
		wat_memory_free(narrower);
	}
	assert_int_equal(wat_token_inspect(token, &info), 0);
	assert_int_equal(info.n_blocks, 8);
	assert_int_equal(wat_token_attenuate(token, NULL, &next), WAT_INVALID_ARGUMENT);
	assert_non_null(strstr(wat_failure()->text, "as often"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_narrower, start, ctl_end),
		cmocka_unit_test_setup_teardown(test_bound, start, ctl_end),
		cmocka_unit_test_setup_teardown(test_inspect, start, ctl_end),
		cmocka_unit_test_setup_teardown(test_library, start, ctl_end),
	};

	return test_run_cases(tests, NULL, NULL);
}
