/* The keyring keeps tokens where the README says, readable by nobody else, whole or not at all, and
 * no name leads out of it. row 108 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/watctl/keyring.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"

static const uint8_t node[16] = {0xab, 0x01};
static const char node_text[] = "ab010000000000000000000000000000";

struct fixture {
	char dir[64];
	struct keyring *keyring;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (!f)
		return -1;
	test_make_dir(f->dir, sizeof f->dir);
	setenv("WAT_KEYRING", f->dir, 1);
	*state = f;
	return keyring_new(node, &f->keyring);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[96];
	int r;

	keyring_free(f->keyring);
	(void)snprintf(command, sizeof command, "rm -r %s", f->dir);
	r = system(command);
	free(f);
	return r;
}

static void keep(struct fixture *f, const char *user, const char *token)
{
	struct token_file *file;

	assert_int_equal(keyring_reserve(f->keyring, "c1", user, &file), 0);
	assert_int_equal(token_file_commit(file, token), 0);
	token_file_free(file);
}

static void assert_mode(struct fixture *f, const char *path, mode_t mode)
{
	char full[256];
	struct stat st;

	(void)snprintf(full, sizeof full, "%s/%s%s", f->dir, node_text, path);
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

/* What is kept is read again, under the documented names, with modes 0700 and 0600. */
static void test_keeps(void **state)
{
	struct fixture *f = *state;
	char *token;

	umask(0);
	keep(f, NULL, "the admin");
	keep(f, "bob", "wats1_bob");
	umask(022);
	assert_mode(f, "", 0700);
	assert_mode(f, "/c1", 0700);
	assert_mode(f, "/c1/admin.token", 0600);
	assert_mode(f, "/c1/users", 0700);
	assert_mode(f, "/c1/users/bob.token", 0600);
	assert_int_equal(keyring_read(f->keyring, "c1", "bob", &token), 0);
	assert_string_equal(token, "wats1_bob");
	token_text_free(token);
	assert_int_equal(keyring_read(f->keyring, "c1", "eve", &token), -ENOENT);
}

/* A reserved place that is given up leaves the old token; a committed one replaces it. */
static void test_replaces_whole(void **state)
{
	struct fixture *f = *state;
	struct token_file *file;
	char *token;

	keep(f, "bob", "old");
	assert_int_equal(keyring_reserve(f->keyring, "c1", "bob", &file), 0);
	token_file_free(file);
	assert_int_equal(keyring_read(f->keyring, "c1", "bob", &token), 0);
	assert_string_equal(token, "old");
	token_text_free(token);
	keep(f, "bob", "new");
	assert_int_equal(keyring_read(f->keyring, "c1", "bob", &token), 0);
	assert_string_equal(token, "new");
	token_text_free(token);
}

/* Users are listed by name, sorted, and nothing else that lies there. */
static void test_lists(void **state)
{
	struct fixture *f = *state;
	struct keyring_users users;
	struct token_file *half;

	assert_int_equal(keyring_users(f->keyring, "c1", &users), 0);
	assert_int_equal(users.n, 0);
	keyring_users_deinit(&users);
	keep(f, "bob", "b");
	keep(f, "alice", "a");
	assert_int_equal(keyring_reserve(f->keyring, "c1", "carol", &half), 0);
	assert_int_equal(keyring_users(f->keyring, "c1", &users), 0);
	assert_int_equal(users.n, 2);
	assert_string_equal(users.names[0], "alice");
	assert_string_equal(users.names[1], "bob");
	keyring_users_deinit(&users);
	token_file_free(half);
	assert_int_equal(keyring_remove_user(f->keyring, "c1", "bob"), 0);
	assert_int_equal(keyring_remove_user(f->keyring, "c1", "bob"), 0);
	assert_int_equal(keyring_users(f->keyring, "c1", &users), 0);
	assert_int_equal(users.n, 1);
	keyring_users_deinit(&users);
}

/* No name becomes a path that leads elsewhere. */
static void test_names(void **state)
{
	static const char *const bad[] = {"",  ".",  "..",  "../x",    "a/b",
					  "A", "-a", "a b", "\xc3\xa4"};
	struct fixture *f = *state;
	struct token_file *file;
	char *token;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(keyring_name_ok(bad[i]));
		assert_int_equal(keyring_read(f->keyring, bad[i], NULL, &token), -EINVAL);
		assert_int_equal(keyring_read(f->keyring, "c1", bad[i], &token), -EINVAL);
		assert_int_equal(keyring_reserve(f->keyring, "c1", bad[i], &file), -EINVAL);
	}
	assert_true(keyring_name_ok("a"));
	assert_true(keyring_name_ok("0.b_c-d"));
	assert_true(
		keyring_name_ok("a23456789012345678901234567890123456789012345678901234567890123"));
	assert_false(keyring_name_ok(
		"a234567890123456789012345678901234567890123456789012345678901234"));
}

/* A file that is no token file is refused, whatever its size. */
static void test_too_large(void **state)
{
	char *token;

	(void)state;
	assert_int_equal(token_file_read("/dev/zero", &token), -EFBIG);
	assert_int_equal(token_file_read("/nonexistent/token", &token), -ENOENT);
}

/* $WAT_KEYRING goes before $XDG_DATA_HOME, and that before the home. */
static void test_places(void **state)
{
	struct keyring *keyring;

	(void)state;
	setenv("XDG_DATA_HOME", "/xdg", 1);
	setenv("HOME", "/home/me", 1);
	unsetenv("WAT_KEYRING");
	assert_int_equal(keyring_new(node, &keyring), 0);
	assert_string_equal(keyring_path(keyring), "/xdg/watctl/ab010000000000000000000000000000");
	keyring_free(keyring);
	unsetenv("XDG_DATA_HOME");
	assert_int_equal(keyring_new(node, &keyring), 0);
	assert_string_equal(keyring_path(keyring),
			    "/home/me/.local/share/watctl/ab010000000000000000000000000000");
	keyring_free(keyring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keeps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaces_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_places),
	};

	return test_run_cases(tests, NULL, NULL);
}
