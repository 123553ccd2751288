/* test_host_journal.c - segments are appended to whole or not at all, and made durable; what can't
 * be put right ends the process. Real files. */
#include "daemon/host/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/attribution.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"

static const uint8_t instance_id[WAT_ID_SIZE] = {1, 2, 3};

static __thread bool is_main;

/* A disk in the test's hands: each sync says that it began, and waits until it may. -1: it does not
 * wait. */
static int began[2] = {-1, -1}, may[2] = {-1, -1};

/* The thread that syncs gets to it late, with the descriptor in its hand. */
static void be_late(void)
{
	char byte = 0;

	for (int i = 0; i < 5; i++)
		(void)sched_yield();
	if (may[0] >= 0)
		(void)!(write(began[1], "s", 1) == 1 && read(may[0], &byte, 1) == 1);
}

/* In place of the library's. The thread of the loop, which this test is, has calls to serve. */
int fdatasync(int fd)
{
	if (is_main)
		_exit(98);
	be_late();
	return (int)syscall(SYS_fdatasync, fd);
}

static int set_up(void **state)
{
	struct journal *journal = calloc(1, sizeof *journal);

	is_main = true;
	journal_init(journal, instance_id, 7, DURABILITY_CRASH);
	*state = journal;
	return 0;
}

static int tear_down(void **state)
{
	journal_deinit(*state);
	free(*state);
	return 0;
}

static int new_file(void)
{
	int fd = memfd_create("segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	return fd;
}

/* The journal goes on in a new file, of which the test has another descriptor. */
static int switch_to_new(struct journal *journal, uint64_t segment)
{
	int fd = new_file(), ours = dup(fd);

	assert_int_equal(journal_switch(journal, fd, segment), 0);
	return ours;
}

/* A record whose only item is a state of n bytes. */
static int append(struct journal *journal, size_t n)
{
	struct record_item item = {.kind = RECORD_STATE, .n_body = n};
	struct bytes record = {0};
	uint8_t *room;
	int r;

	assert_int_equal(record_begin(&record), 0);
	assert_int_equal(record_put(&record, &item, &room), 0);
	memset(room, (int)n, n);
	r = journal_append(journal, &record);
	bytes_deinit(&record);
	return r;
}

static size_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (size_t)st.st_size;
}

/* Reads the file as recovery does: its header is that, and its whole records have these sizes of
 * state, 0 ends the list; nothing is behind them. */
static void expect(int fd, struct journal_header expected, const size_t *sizes)
{
	size_t n = size_of(fd), at = JOURNAL_HEADER_SIZE, n_body, size, from;
	uint8_t *bytes = malloc(n), key[RECORD_KEY_SIZE];
	struct journal_header header;
	struct record_item item;
	const uint8_t *body;

	assert_int_equal(pread(fd, bytes, n, 0), n);
	assert_int_equal(journal_read_header(bytes, n, instance_id, &header), 0);
	assert_int_equal(header.segment, expected.segment);
	assert_int_equal(header.generation, expected.generation);
	assert_int_equal(header.first_seq, expected.first_seq);
	record_key(instance_id, header.generation, header.segment, key);
	for (uint64_t seq = header.first_seq; *sizes; seq++, sizes++, at += size) {
		assert_int_equal(record_read(bytes + at, n - at, seq, key, &body, &n_body, &size),
				 1);
		from = 0;
		assert_int_equal(record_next(body, n_body, &from, &item), 1);
		assert_int_equal(item.n_body, *sizes);
		assert_int_equal(item.body[0], (uint8_t)*sizes);
	}
	/* Room for the next one. */
	while (at < n && bytes[at] == 0)
		at++;
	assert_int_equal(at, n);
	free(bytes);
}

#define HEADER(segment, first) ((struct journal_header){segment, 7, first})

/* Records follow one another with rising numbers, over a switch too; the numbers go on where the
 * recovered ones ended. */
static void test_append(void **state)
{
	struct journal *journal = *state;
	int first, second;

	journal->last_seq = 40;
	first = switch_to_new(journal, 3);
	assert_int_equal(append(journal, 1), 0);
	assert_int_equal(append(journal, 100000), 0);
	second = switch_to_new(journal, 4);
	assert_int_equal(append(journal, 2), 0);
	assert_int_equal(journal->last_seq, 43);
	assert_int_equal(journal_durable(journal), 43);
	expect(first, HEADER(3, 41), (size_t[]){1, 100000, 0});
	expect(second, HEADER(4, 43), (size_t[]){2, 0});
	(void)close(first);
	(void)close(second);
}

static void limit(rlim_t size)
{
	struct rlimit limit = {size, RLIM_INFINITY};

	assert_int_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* An append that fails, after nothing or after a part of it was written, leaves nothing; the next
 * one has its number. */
static void test_append_fails(void **state)
{
	struct journal *journal = *state;
	int fd = switch_to_new(journal, 1);
	size_t size;

	assert_int_equal(append(journal, 10), 0);
	size = size_of(fd);
	for (size_t room = 0; room < 90; room++) {
		limit(size + room);
		if (append(journal, 30) == 0)
			break;
		assert_int_equal(size_of(fd), size);
		assert_int_equal(journal->last_seq, 1);
	}
	limit(RLIM_INFINITY);
	assert_true(size_of(fd) > size);
	assert_int_equal(append(journal, 20), 0);
	expect(fd, HEADER(1, 1), (size_t[]){10, 30, 20, 0});
	(void)close(fd);
}

/* A segment that is long already gets longer by more than a record at once, and the next ones go
 * into what is there, as whole as any. */
static void test_ahead(void **state)
{
	struct journal *journal = *state;
	int fd = switch_to_new(journal, 1);
	size_t size;

	assert_int_equal(append(journal, 100000), 0);
	assert_int_equal(size_of(fd), journal->offset);
	assert_int_equal(append(journal, 10), 0);
	size = size_of(fd);
	assert_true(size > journal->offset);
	assert_int_equal(append(journal, 20), 0);
	assert_int_equal(size_of(fd), size);
	expect(fd, HEADER(1, 1), (size_t[]){100000, 10, 20, 0});
	(void)close(fd);
}

/* Where there is no place for more than the record, the record has it; where there is none for that
 * either, it leaves nothing behind those before. */
static void test_not_ahead(void **state)
{
	struct journal *journal = *state;
	int fd = switch_to_new(journal, 1);

	assert_int_equal(append(journal, 100000), 0);
	limit(journal->offset + 100);
	assert_int_equal(append(journal, 10), 0);
	assert_int_equal(size_of(fd), journal->offset);
	assert_int_equal(append(journal, 200), -EFBIG);
	assert_int_equal(size_of(fd), journal->offset);
	limit(RLIM_INFINITY);
	assert_int_equal(append(journal, 200), 0);
	assert_true(size_of(fd) > journal->offset);
	limit(journal->offset + 100);
	assert_int_equal(append(journal, 200000), -EFBIG);
	assert_int_equal(size_of(fd), journal->offset);
	limit(RLIM_INFINITY);
	assert_int_equal(append(journal, 30), 0);
	expect(fd, HEADER(1, 1), (size_t[]){100000, 10, 200, 30, 0});
	(void)close(fd);
}

/* A record that is too long to be read back is refused before a byte is written. */
static void test_too_long(void **state)
{
	struct journal *journal = *state;
	int fd = switch_to_new(journal, 1);

	assert_int_equal(append(journal, RECORD_BODY_MAX), -EFBIG);
	assert_int_equal(size_of(fd), JOURNAL_HEADER_SIZE);
	assert_int_equal(append(journal, 1), 0);
	expect(fd, HEADER(1, 1), (size_t[]){1, 0});
	(void)close(fd);
}

/* How the function ends the process; -1: it returns. */
static int end_of(void (*function)(struct journal *), struct journal *journal)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		function(journal);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 99 ? -1 : WEXITSTATUS(status);
}

static void append_into_sealed(struct journal *journal)
{
	(void)append(journal, 30);
}

/* What can't be cut back is not known any more: the process ends, and nobody answers. */
static void test_cut_back_fails(void **state)
{
	struct journal *journal = *state;
	int fd = switch_to_new(journal, 1);

	assert_int_equal(append(journal, 10), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	limit(size_of(fd) + 7);
	assert_int_equal(end_of(append_into_sealed, journal), ATTRIBUTION_EXIT_OF_HOST);
	limit(RLIM_INFINITY);
	(void)close(fd);
}

/* A switch that fails leaves the segment as it was, and what is appended is in it. */
static void test_switch_fails(void **state)
{
	struct journal *journal = *state;
	int fd = switch_to_new(journal, 1), full;

	assert_int_equal(append(journal, 1), 0);
	assert_int_equal(journal_switch(journal, open("/dev/null", O_RDONLY | O_CLOEXEC), 2),
			 -EBADF);
	full = new_file();
	limit(JOURNAL_HEADER_SIZE - 1);
	assert_int_equal(journal_switch(journal, full, 2), -EFBIG);
	limit(RLIM_INFINITY);
	assert_int_equal(append(journal, 2), 0);
	expect(fd, HEADER(1, 1), (size_t[]){1, 2, 0});
	(void)close(fd);
}

static void await_durable(struct journal *journal)
{
	struct pollfd moved = {.fd = journal->eventfd, .events = POLLIN};

	while (journal_durable(journal) < journal->last_seq)
		assert_int_equal(poll(&moved, 1, -1), 1);
}

/* With sync a record is durable when that was asked for and the thread says so, and not before;
 * what waits itself need not ask, and says it to whoever waits beside it. */
static void test_sync(void **state)
{
	struct journal *journal = *state;
	struct pollfd moved = {.events = POLLIN};
	eventfd_t count;
	int fd;

	journal->durability = DURABILITY_SYNC;
	fd = switch_to_new(journal, 1);
	assert_int_equal(append(journal, 1), 0);
	assert_int_equal(journal_durable(journal), 0);
	journal_ask(journal);
	await_durable(journal);
	assert_int_equal(journal_durable(journal), 1);
	moved.fd = journal->eventfd;
	assert_int_equal(eventfd_read(moved.fd, &count), 0);
	assert_int_equal(append(journal, 2), 0);
	assert_int_equal(poll(&moved, 1, 0), 0);
	journal_wait(journal);
	assert_int_equal(journal_durable(journal), 2);
	assert_int_equal(poll(&moved, 1, 0), 1);
	(void)close(fd);
}

static void hold_disk(void)
{
	assert_int_equal(pipe2(began, O_CLOEXEC), 0);
	assert_int_equal(pipe2(may, O_CLOEXEC), 0);
}

/* Nothing waits for it any more. */
static void release_disk(void)
{
	for (int i = 0; i < 2; i++) {
		began[i] = fd_close(began[i]);
		may[i] = fd_close(may[i]);
	}
}

/* A sync has begun that nobody has let go on. */
static void await_sync(void)
{
	char byte;

	assert_int_equal(read(began[0], &byte, 1), 1);
}

/* The sync that has begun ends; so many records are durable then. */
static void let_sync(struct journal *journal, uint64_t durable)
{
	struct pollfd moved = {.fd = journal->eventfd, .events = POLLIN};
	eventfd_t count;

	assert_int_equal(write(may[1], "s", 1), 1);
	assert_int_equal(poll(&moved, 1, -1), 1);
	assert_int_equal(eventfd_read(moved.fd, &count), 0);
	assert_int_equal(journal_durable(journal), durable);
}

/* While the disk takes its time the loop goes on, over switches too: nothing that it does waits for
 * a sync. What is in a segment is durable when that of all before it is. */
static void test_switch_waits_for_no_disk(void **state)
{
	struct journal *journal = *state;

	journal->durability = DURABILITY_SYNC;
	(void)close(switch_to_new(journal, 1));
	hold_disk();
	assert_int_equal(append(journal, 1), 0);
	journal_ask(journal);
	await_sync();
	assert_int_equal(append(journal, 2), 0);
	for (uint64_t segment = 2; segment < 5; segment++) {
		(void)close(switch_to_new(journal, segment));
		assert_int_equal(append(journal, 3), 0);
		journal_ask(journal);
	}
	assert_int_equal(journal_durable(journal), 0);
	let_sync(journal, 1);
	for (uint64_t durable = 2; durable <= 5; durable++) {
		await_sync();
		assert_int_equal(journal_durable(journal), durable - 1);
		let_sync(journal, durable);
	}
	assert_int_equal(journal->last_seq, 5);
	release_disk();
}

/* A switch when all is durable has nothing to sync; the segment before is closed all the same. */
static void test_switch_when_durable(void **state)
{
	struct journal *journal = *state;
	int fd = new_file();

	journal->durability = DURABILITY_SYNC;
	assert_int_equal(journal_switch(journal, fd, 1), 0);
	assert_int_equal(append(journal, 1), 0);
	journal_wait(journal);
	hold_disk();
	(void)close(switch_to_new(journal, 2));
	while (fcntl(fd, F_GETFD) >= 0)
		(void)sched_yield();
	assert_int_equal(journal_durable(journal), 1);
	release_disk();
}

static void switch_again_and_again(struct journal *journal)
{
	for (uint64_t segment = 2; segment < 300; segment++) {
		if (append(journal, 1) < 0)
			_exit(2);
		journal_ask(journal);
		if (journal_switch(journal, new_file(), segment) < 0)
			_exit(3);
	}
	await_durable(journal);
}

/* A switch right behind a request to sync closes nothing that the thread is about to use. */
static void test_switch_while_syncing(void **state)
{
	struct journal *journal = *state;

	journal->durability = DURABILITY_SYNC;
	(void)close(switch_to_new(journal, 1));
	switch_again_and_again(journal);
	assert_int_equal(journal->last_seq, 298);
}

static void wait_for_broken(struct journal *journal)
{
	int pair[2];

	/* The thread is one of this process; a pipe can't be synced. */
	if (pipe2(pair, O_CLOEXEC) < 0 || journal_switch(journal, new_file(), 1) < 0 ||
	    append(journal, 1) < 0 || dup2(pair[1], journal->fd) < 0)
		return;
	journal_wait(journal);
}

/* A sync that fails ends the process: what was written is not known to be there, nor will be by
 * asking once more. */
static void test_sync_fails(void **state)
{
	struct journal *journal = *state;

	journal->durability = DURABILITY_SYNC;
	assert_int_equal(end_of(wait_for_broken, journal), ATTRIBUTION_EXIT_OF_HOST);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_append),
		TEST(test_append_fails),
		TEST(test_ahead),
		TEST(test_not_ahead),
		TEST(test_too_long),
		TEST(test_cut_back_fails),
		TEST(test_switch_fails),
		TEST(test_sync),
		TEST(test_switch_while_syncing),
		TEST(test_switch_waits_for_no_disk),
		TEST(test_switch_when_durable),
		TEST(test_sync_fails),
	};

	return sodium_init() < 0 ? 1 : test_run_cases(tests, NULL, NULL);
}
