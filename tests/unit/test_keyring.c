/* test_keyring.c - where the issuing key comes from. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/caps/keyring.h"
#include "tests/lib/cases.h"

struct dirs {
	char state[64], credentials[64];
};

static int set_up(void **state)
{
	struct dirs *dirs = calloc(1, sizeof *dirs);

	test_make_dir(dirs->state, sizeof dirs->state);
	test_make_dir(dirs->credentials, sizeof dirs->credentials);
	*state = dirs;
	return sodium_init() < 0 ? -1 : 0;
}

static void key_path(char *path, size_t size, const char *dir)
{
	snprintf(path, size, "%s/node.key", dir);
}

static int tear_down(void **state)
{
	struct dirs *dirs = *state;
	char path[80];

	key_path(path, sizeof path, dirs->state);
	unlink(path);
	key_path(path, sizeof path, dirs->credentials);
	unlink(path);
	rmdir(dirs->state);
	rmdir(dirs->credentials);
	free(dirs);
	return 0;
}

/* The key whose seed is 32 times the same byte; size and mode as given. */
static void write_key(const char *dir, int byte, size_t n, unsigned mode)
{
	char path[80];
	uint8_t seed[64];
	int fd;

	memset(seed, byte, sizeof seed);
	key_path(path, sizeof path, dir);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, seed, n), n);
	assert_int_equal(fchmod(fd, (mode_t)mode), 0);
	close(fd);
}

static bool has_key(const char *dir)
{
	char path[80];

	key_path(path, sizeof path, dir);
	return access(path, F_OK) == 0;
}

static void assert_key_of(const struct keyring *keyring, int byte)
{
	uint8_t seed[32], pk[32], sk[64];

	memset(seed, byte, sizeof seed);
	crypto_sign_seed_keypair(pk, sk, seed);
	assert_memory_equal(keyring_public(keyring), pk, 32);
}

/* A credential goes before the file, and no file is made for it. */
static void test_credential_wins(void **state)
{
	struct dirs *dirs = *state;
	struct keyring *keyring;
	const char *dir;

	write_key(dirs->credentials, 'c', 32, 0400);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), 0);
	assert_string_equal(dir, dirs->credentials);
	assert_key_of(keyring, 'c');
	keyring_free(keyring);
	assert_false(has_key(dirs->state));
	write_key(dirs->state, 's', 32, 0600);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), 0);
	assert_key_of(keyring, 'c');
	keyring_free(keyring);
}

/* A directory of other credentials is no reason to do without the file. */
static void test_no_credential(void **state)
{
	struct dirs *dirs = *state;
	struct keyring *keyring;
	const char *dir;

	write_key(dirs->state, 's', 32, 0600);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), 0);
	assert_string_equal(dir, dirs->state);
	assert_key_of(keyring, 's');
	keyring_free(keyring);
}

/* A credential that can't be used is said, and nothing else is used in its place. */
static void test_bad_credential(void **state)
{
	struct dirs *dirs = *state;
	struct keyring *keyring;
	const char *dir;

	write_key(dirs->credentials, 'c', 31, 0400);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), -EBADMSG);
	assert_string_equal(dir, dirs->credentials);
	write_key(dirs->credentials, 'c', 33, 0400);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), -EBADMSG);
	write_key(dirs->credentials, 'c', 32, 0404);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), -EPERM);
	write_key(dirs->credentials, 'c', 32, 0620);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), -EPERM);
	assert_int_equal(keyring_open(dirs->state, "/nonexistent", &dir, &keyring), -ENOTDIR);
	assert_false(has_key(dirs->state));
}

/* The group's permission of a credential is the mask of its access list; of a file of ours it is
 * the group's. */
static void test_mask(void **state)
{
	struct dirs *dirs = *state;
	struct keyring *keyring;
	const char *dir;

	write_key(dirs->credentials, 'c', 32, 0440);
	assert_int_equal(keyring_open(dirs->state, dirs->credentials, &dir, &keyring), 0);
	keyring_free(keyring);
	write_key(dirs->state, 's', 32, 0440);
	assert_int_equal(keyring_open(dirs->state, NULL, &dir, &keyring), -EPERM);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_credential_wins),
		CASE(test_no_credential),
		CASE(test_bad_credential),
		CASE(test_mask),
	};

	return test_run_cases(tests, NULL, NULL);
}
