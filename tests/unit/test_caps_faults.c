/* test_caps_faults.c - what fails below the keyring and the grants is told, and leaves neither a
 * key that is none, nor a file of another, nor anything behind. Each call of the system, the first
 * to the last, fails once (row 29). */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>

#include "daemon/caps/grants.h"
#include "daemon/caps/key_file.h"
#include "daemon/caps/keyring.h"
#include "tests/lib/cases.h"

/* Counts down; the call that it reaches 0 in fails. */
static int countdown;
static bool fell;

static bool falls(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	fell = true;
	return true;
}

#define WRAP(type, name, parameters, arguments, failure, code) \
	type __real_##name parameters;                         \
	type __wrap_##name parameters;                         \
	type __wrap_##name parameters                          \
	{                                                      \
		if (falls()) {                                 \
			errno = code;                          \
			return failure;                        \
		}                                              \
		return __real_##name arguments;                \
	}

WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL, ENOMEM)
WRAP(void *, malloc, (size_t n), (n), NULL, ENOMEM)
WRAP(char *, strdup, (const char *text), (text), NULL, ENOMEM)
WRAP(void *, sodium_malloc, (size_t n), (n), NULL, ENOMEM)
WRAP(int, madvise, (void *at, size_t n, int what), (at, n, what), -1, EINVAL)
WRAP(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n), -1, ENOSPC)
WRAP(ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), -1, EIO)
WRAP(int, fsync, (int fd), (fd), -1, EIO)
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM)
WRAP(int, linkat, (int a, const char *x, int b, const char *y, int f), (a, x, b, y, f), -1, EIO)
WRAP(int, renameat, (int a, const char *x, int b, const char *y), (a, x, b, y), -1, EIO)

struct world {
	char dir[32], path[64];
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	if (!w || sodium_init() < 0)
		return -1;
	test_make_dir(w->dir, sizeof w->dir);
	(void)snprintf(w->path, sizeof w->path, "%s/node.key", w->dir);
	*state = w;
	return 0;
}

/* Nothing but the key is ever left. */
static int tear_down(void **state)
{
	struct world *w = *state;

	(void)unlink(w->path);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static bool read_file(const struct world *w, uint8_t seed[static 32])
{
	FILE *file = fopen(w->path, "re");
	bool whole = file && fread(seed, 1, 32, file) == 32 && fgetc(file) == EOF;

	if (file)
		fclose(file);
	return whole;
}

/* Opening: an error, or a key that is in the file, whole. */
static void test_open(void **state)
{
	struct world *w = *state;
	uint8_t seed[32], pk[32], sk[64];

	for (int n = 1;; n++) {
		struct keyring *keyring = NULL;
		const char *dir;
		int r;

		(void)unlink(w->path);
		fell = false;
		countdown = n;
		r = keyring_open(w->dir, NULL, &dir, &keyring);
		countdown = 0;
		assert_int_equal(r < 0, fell);
		if (!fell) {
			assert_true(read_file(w, seed));
			crypto_sign_seed_keypair(pk, sk, seed);
			assert_memory_equal(pk, keyring_public(keyring), 32);
			keyring_free(keyring);
			assert_true(n > 8);
			return;
		}
		assert_null(keyring);
		/* What is there may be used: it is one whole key. */
		assert_true(access(w->path, F_OK) < 0 || read_file(w, seed));
	}
}

/* Reading a key that is there. */
static void test_read(void **state)
{
	struct world *w = *state;
	struct keyring *keyring;
	const char *dir;

	assert_int_equal(keyring_open(w->dir, NULL, &dir, &keyring), 0);
	keyring_free(keyring);
	for (int n = 1;; n++) {
		int r;

		keyring = NULL;
		fell = false;
		countdown = n;
		r = keyring_open(w->dir, NULL, &dir, &keyring);
		countdown = 0;
		assert_int_equal(r < 0, fell);
		if (!fell)
			break;
		assert_null(keyring);
	}
	keyring_free(keyring);
}

/* Changing it: the key of before signs and is in the file, or the new one does and is. */
static void test_switch(void **state)
{
	struct world *w = *state;
	struct keyring *keyring;
	uint8_t before[32], seed[32], pk[32], sk[64];
	const char *dir;
	bool done = false;

	assert_int_equal(keyring_open(w->dir, NULL, &dir, &keyring), 0);
	for (int n = 1; !done; n++) {
		int r;

		memcpy(before, keyring_public(keyring), 32);
		assert_int_equal(keyring_next(keyring), 0);
		fell = false;
		countdown = n;
		r = keyring_switch(keyring);
		countdown = 0;
		done = !fell;
		assert_int_equal(memcmp(keyring_public(keyring), before, 32) != 0, r == 0);
		assert_true(read_file(w, seed));
		crypto_sign_seed_keypair(pk, sk, seed);
		assert_memory_equal(pk, keyring_public(keyring), 32);
	}
	keyring_free(keyring);
}

/* watd keygen: a whole file or none. */
static void test_make(void **state)
{
	struct world *w = *state;
	uint8_t seed[32];

	for (int n = 1;; n++) {
		int r;

		fell = false;
		countdown = n;
		r = key_file_make(w->path);
		countdown = 0;
		assert_int_equal(r < 0, fell);
		assert_int_equal(read_file(w, seed), r == 0);
		if (!fell)
			return;
	}
}

static unsigned n_left;

static void note(struct grant *grant)
{
	(void)grant;
	n_left++;
}

/* Grants: without memory there is none; each that goes is told of, at the end all that are left. */
static void test_grants(void **state)
{
	struct store_grant row = {.id = {1}};
	struct grant_table *table;
	struct grant *grant = NULL;

	(void)state;
	countdown = 1;
	assert_null(grant_table_new(note));
	countdown = 0;
	table = grant_table_new(note);
	countdown = 1;
	assert_int_equal(grant_table_add(table, &row, &grant), -ENOMEM);
	countdown = 0;
	assert_null(grant_table_find(table, row.id));
	for (uint8_t i = 0; i < 3; i++) {
		row.id[5] = i;
		assert_int_equal(grant_table_add(table, &row, &grant), 0);
	}
	assert_ptr_equal(grant_table_find(table, row.id), grant);
	row.id[5] = 1;
	assert_ptr_not_equal(grant_table_find(table, row.id), grant);
	grant_table_remove(table, grant);
	assert_int_equal(n_left, 1);
	assert_null(grant_table_free(table));
	assert_int_equal(n_left, 3);
	assert_null(grant_table_free(NULL));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_open), CASE(test_read),   CASE(test_switch),
		CASE(test_make), CASE(test_grants),
	};

	return test_run_cases(tests, NULL, NULL);
}
