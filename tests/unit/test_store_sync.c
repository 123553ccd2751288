/* test_store_sync.c - a sync of the database fails: what was refused then is not there either for
 * who reads the files as they are at that moment. rows 11, 57 */
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
#include <unistd.h>

#include "daemon/store/store.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"

/* The next so many syncs fail. */
static _Atomic int n_failing;

/* In place of the library's, for the database's library too. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused_is_not_there, set_up, tear_down),
	};

	return test_run_cases(tests, NULL, NULL);
}
