/* test_transport_key.c - the file of the key that TCP clients know watd by. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/caps/transport_key.h"
#include "tests/lib/cases.h"

struct place {
	char dir[64], path[96];
};

static struct place place_make(void)
{
	struct place place;

	test_make_dir(place.dir, sizeof place.dir);
	snprintf(place.path, sizeof place.path, "%s/transport.key", place.dir);
	return place;
}

static void place_remove(const struct place *place)
{
	unlink(place->path);
	assert_int_equal(rmdir(place->dir), 0);
}

static void write_key(const struct place *place, uint8_t byte, size_t n, mode_t mode)
{
	int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t bytes[64];

	memset(bytes, byte, sizeof bytes);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int refused(const struct place *place)
{
	struct transport_key *key = NULL;
	const char *dir;
	int r = transport_key_open(place->dir, NULL, &dir, &key);

	assert_null(key);
	assert_string_equal(dir, place->dir);
	return r;
}

/* The key is made once, for us alone, and is the same ever after. */
static void test_made_once(void **state)
{
	struct place place = place_make();
	struct transport_key *key, *again;
	char text[44], other[44];
	const char *dir;
	struct stat st;

	(void)state;
	assert_int_equal(transport_key_open(place.dir, NULL, &dir, &key), 0);
	assert_int_equal(stat(place.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(transport_key_open(place.dir, NULL, &dir, &again), 0);
	transport_key_text(key, text);
	transport_key_text(again, other);
	assert_string_equal(text, other);
	assert_int_equal(strlen(text), 43);
	assert_memory_equal(transport_key_secret(key), transport_key_secret(again), 32);
	transport_key_free(key);
	transport_key_free(again);
	place_remove(&place);
}

/* A file that is no key, or that others may read, is refused and stays as it is (row 20). */
static void test_refused(void **state)
{
	struct place place = place_make();

	(void)state;
	write_key(&place, 1, 31, 0600);
	assert_int_equal(refused(&place), -EBADMSG);
	write_key(&place, 1, 33, 0600);
	assert_int_equal(refused(&place), -EBADMSG);
	write_key(&place, 1, 32, 0640);
	assert_int_equal(refused(&place), -EPERM);
	write_key(&place, 1, 32, 0604);
	assert_int_equal(refused(&place), -EPERM);
	unlink(place.path);
	assert_int_equal(symlink("/dev/zero", place.path), 0);
	assert_int_equal(refused(&place), -ELOOP);
	place_remove(&place);
}

/* A credential goes before the file; a directory of credentials without one does not matter, one
 * that is not there does. */
static void test_credential(void **state)
{
	struct place place = place_make(), given = place_make();
	struct transport_key *key = NULL;
	uint8_t expected[32];
	const char *dir;

	(void)state;
	write_key(&place, 1, 32, 0600);
	write_key(&given, 2, 32, 0440);
	assert_int_equal(transport_key_open(place.dir, given.dir, &dir, &key), 0);
	assert_string_equal(dir, given.dir);
	memset(expected, 2, sizeof expected);
	assert_memory_equal(transport_key_secret(key), expected, 32);
	transport_key_free(key);
	unlink(given.path);
	assert_int_equal(transport_key_open(place.dir, given.dir, &dir, &key), 0);
	assert_string_equal(dir, place.dir);
	memset(expected, 1, sizeof expected);
	assert_memory_equal(transport_key_secret(key), expected, 32);
	transport_key_free(key);
	place_remove(&given);
	assert_int_equal(transport_key_open(place.dir, given.dir, &dir, &key), -ENOTDIR);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_once),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_credential),
	};

	if (sodium_init() < 0)
		return 1;
	return test_run_cases(tests, NULL, NULL);
}
