/* test_plugin_symbols.c - addresses of a file by the names of its functions; whatever the file is,
 * reading it harms nobody. row 49 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/plugin_symbols.h"
#include "tests/lib/cases.h"

#define PLUGIN WAT_BUILD_DIR "/plugins/counter.so"

/* Of counter.so: each function that has a name is found at its address and not before it. */
static void test_find(void **state)
{
	_cleanup_(plugin_symbols_freep) struct plugin_symbols *symbols = NULL;
	char name[64], cut[4];
	uint64_t offset = 0, address = 0;

	(void)state;
	assert_int_equal(plugin_symbols_new(PLUGIN, &symbols), 0);
	while (address < 1u << 22 && (!plugin_symbols_find(symbols, address, name, 64, &offset) ||
				      strcmp(name, "counter_on_increment") != 0))
		address++;
	assert_string_equal(name, "counter_on_increment");
	assert_int_equal(offset, 0);
	assert_true(plugin_symbols_find(symbols, address + 3, name, sizeof name, &offset));
	assert_string_equal(name, "counter_on_increment");
	assert_int_equal(offset, 3);
	assert_true(plugin_symbols_find(symbols, address, cut, sizeof cut, &offset));
	assert_string_equal(cut, "cou");
	assert_false(plugin_symbols_find(symbols, UINT64_MAX, name, sizeof name, &offset));
	assert_false(plugin_symbols_find(symbols, 0, name, sizeof name, &offset));
}

/* Another file's id, a part of one, and none at all are not the file's. */
static void test_build_id(void **state)
{
	_cleanup_(plugin_symbols_freep) struct plugin_symbols *symbols = NULL;
	uint8_t id[20] = {0};

	(void)state;
	assert_int_equal(plugin_symbols_new(PLUGIN, &symbols), 0);
	for (size_t n = 0; n <= sizeof id; n++)
		assert_false(plugin_symbols_is(symbols, id, n));
}

static void try(const char *path)
{
	_cleanup_(plugin_symbols_freep) struct plugin_symbols *symbols = NULL;
	char name[64];
	uint8_t id[20] = {0};
	uint64_t offset;

	if (plugin_symbols_new(path, &symbols) < 0)
		return;
	(void)plugin_symbols_is(symbols, id, sizeof id);
	for (uint64_t address = 0; address < 1u << 16; address += 4099)
		(void)plugin_symbols_find(symbols, address, name, sizeof name, &offset);
}

/* What is no such file is refused; what ends too soon or has other bytes in its headers and tables
 * is read as far as it goes. */
static void test_damaged(void **state)
{
	static uint8_t bytes[1 << 22];
	char dir[64], path[80];
	FILE *in = fopen(PLUGIN, "re");
	size_t n;

	(void)state;
	assert_non_null(in);
	n = fread(bytes, 1, sizeof bytes, in);
	(void)fclose(in);
	assert_true(n > 4096 && n < sizeof bytes);
	test_make_dir(dir, sizeof dir);
	(void)snprintf(path, sizeof path, "%s/x.so", dir);
	for (size_t i = 0; i < 64; i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		/* From the middle of the header to the tables at the end, a place further each. */
		bytes[i < 32 ? i + 16 : n - 64 * (i - 31)] ^= 0xff;
		assert_true(write(fd, bytes, i % 2 ? n : n * i / 64) >= 0);
		(void)close(fd);
		try(path);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	{
		struct plugin_symbols *none;

		assert_int_equal(plugin_symbols_new("/dev/null", &none), -EBADMSG);
		assert_int_equal(plugin_symbols_new(WAT_BUILD_DIR "/nothing", &none), -ENOENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
