/* test_store_sync.c - a sync of the database fails: what was refused then is not there either for
 * who reads the files as they are at that moment; and if its log can't be folded into it, that is
 * said and nothing is lost. What is set aside goes with its log. rows 11, 57, 59 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/private.h"
#include "daemon/store/store.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"

/* The next so many syncs fail. */
static _Atomic int n_failing;
/* All of the database itself do; those of its log don't. */
static _Atomic bool no_fold;

/* After so many the process ends; -1: it does not. */
static int renames_left = -1;

__attribute__((visibility("default"))) int rename(const char *from, const char *to)
{
	if (renames_left == 0)
		_exit(0);
	renames_left -= renames_left > 0;
	return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

/* In place of the library's, for the database's library too. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
	char link[32], path[256];
	ssize_t n;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path);
	if (no_fold && n > 3 && memcmp(path + n - 3, ".db", 3) == 0) {
		errno = EIO;
		return -1;
	}
	if (n_failing > 0) {
		n_failing--;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

struct world {
	char dir[64], copy[64];
	struct store *store;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	test_make_dir(w->dir, sizeof w->dir);
	test_make_dir(w->copy, sizeof w->copy);
	*state = w;
	return sodium_init() < 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	nftw(w->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	nftw(w->copy, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

static int count_host(void *arg, const struct store_host *row)
{
	*(unsigned *)arg |= 1u << row->pid;
	return 0;
}

/* A bit for each host that is there. */
static unsigned open_store(const char *dir, struct store **ret)
{
	static const struct store_visitor visitor = {.host = count_host};
	unsigned hosts = 0;
	char *note;

	assert_int_equal(store_open(dir, ret, &note), 0);
	assert_null(note);
	assert_int_equal(store_load(*ret, &visitor, &hosts), 0);
	return hosts;
}

static void on_done(void *arg, int r)
{
	*(int *)arg = r;
}

static int put_host(struct world *w, int number)
{
	struct pollfd fd = {.fd = store_event_fd(w->store), .events = POLLIN};
	const struct store_host host = {.pid = number, .boot = "boot"};
	struct store_txn *txn = store_txn_new();
	int result = 1;

	assert_non_null(txn);
	assert_int_equal(store_txn_put_host(txn, &host), 0);
	store_submit(w->store, txn, on_done, &result);
	while (result == 1) {
		assert_int_equal(poll(&fd, 1, -1), 1);
		store_run_done(w->store);
	}
	return result;
}

static void copy_file(const struct world *w, const char *name)
{
	char from[128], to[128], bytes[65536];
	_cleanup_(fd_closep) int in = -1, out = -1;
	ssize_t n;

	(void)snprintf(from, sizeof from, "%s/%s", w->dir, name);
	(void)snprintf(to, sizeof to, "%s/%s", w->copy, name);
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
}

/* What a watd would find that is started now. */
static unsigned hosts_of_copy(const struct world *w)
{
	struct store *copy;
	unsigned hosts;

	copy_file(w, "watd.db");
	copy_file(w, "watd.db-wal");
	hosts = open_store(w->copy, &copy);
	store_close(copy);
	return hosts;
}

static void test_refused_is_not_there(void **state)
{
	struct world *w = *state;

	assert_int_equal(open_store(w->dir, &w->store), 0);
	assert_int_equal(store_start_thread(w->store), 0);
	assert_int_equal(put_host(w, 1), 0);
	n_failing = 1;
	assert_int_equal(put_host(w, 2), -EIO);
	assert_int_equal(n_failing, 0);
	assert_int_equal(hosts_of_copy(w), 1u << 1);
	assert_int_equal(put_host(w, 3), 0);
	assert_int_equal(hosts_of_copy(w), 1u << 1 | 1u << 3);
}

static bool is_folded(const struct world *w, int *ret_error)
{
	return store_unfolded(w->store, ret_error) == 0;
}

/* The log grows, and is there for who reads it; then all is as it was. */
static void test_log_that_cannot_be_folded(void **state)
{
	struct world *w = *state;
	int error = 0, i;

	assert_int_equal(open_store(w->dir, &w->store), 0);
	assert_int_equal(store_start_thread(w->store), 0);
	assert_true(is_folded(w, &error));
	no_fold = true;
	for (i = 0; is_folded(w, &error) && i < 5000; i++)
		assert_int_equal(put_host(w, 4), 0);
	assert_int_equal(error, -EIO);
	assert_int_equal(put_host(w, 5), 0);
	assert_int_equal(hosts_of_copy(w), 1u << 4 | 1u << 5);
	no_fold = false;
	i = 0;
	do
		assert_int_equal(put_host(w, 6), 0);
	while (!is_folded(w, &error) && ++i < 10);
	assert_true(is_folded(w, &error));
	assert_int_equal(hosts_of_copy(w), 1u << 4 | 1u << 5 | 1u << 6);
}

static void put_file(const struct world *w, const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", w->copy, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
}

static bool is_there(const struct world *w, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", w->copy, name);
	return access(path, F_OK) == 0;
}

/* Whoever dies amid setting a database aside leaves no log of it where another one would be. */
static void test_aside_with_its_log(void **state)
{
	struct world *w = *state;
	char path[128], aside[256];

	(void)snprintf(path, sizeof path, "%s/watd.db", w->copy);
	for (int n = 0; n < 4; n++) {
		pid_t pid;
		int status;

		put_file(w, "watd.db");
		put_file(w, "watd.db-wal");
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			renames_left = n;
			(void)!store_set_aside(path, "test", aside, sizeof aside);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_true(is_there(w, "watd.db"));
		assert_int_equal(is_there(w, "watd.db-wal"), n == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused_is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_log_that_cannot_be_folded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_aside_with_its_log, set_up, tear_down),
	};

	return test_run_cases(tests, NULL, NULL);
}
