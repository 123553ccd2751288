/* journal.c - appending, and making durable. Instance's thread, and the one that syncs. */
#include "daemon/host/journal.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "proto/attribution.h"
#include "proto/support/bytes.h"
#include "proto/support/cleanup.h"

/* The last of it is the version of the form. */
static const char magic[8] = "WATJRNL1";

#ifdef WAT_DEBUG
#define AHEAD 4096u /* so that tests see it */
#else
#define AHEAD (64u * 1024u)
#endif

/* What may have been promised is not known any more: the next process reads what is there. */
static void __attribute__((noreturn)) die(const char *what, int r)
{
	log_error(what, "error", strerror(-r));
	_exit(ATTRIBUTION_EXIT_OF_HOST);
}

void journal_init(struct journal *journal,
		  const uint8_t instance_id[static WAT_ID_SIZE],
		  uint64_t generation,
		  enum durability durability)
{
	*journal = (struct journal){
		.generation = generation, .durability = durability, .fd = -1, .eventfd = -1};
	memcpy(journal->instance_id, instance_id, WAT_ID_SIZE);
	(void)pthread_mutex_init(&journal->mutex, NULL);
	list_init(&journal->former);
	(void)pthread_cond_init(&journal->work, NULL);
	(void)pthread_cond_init(&journal->moved, NULL);
}

static void stop_thread(struct journal *journal)
{
	if (!journal->running)
		return;
	(void)pthread_mutex_lock(&journal->mutex);
	journal->ending = true;
	(void)pthread_cond_signal(&journal->work);
	(void)pthread_mutex_unlock(&journal->mutex);
	(void)pthread_join(journal->thread, NULL);
	journal->running = false;
}

/* Of the thread's list; the thread is gone, or this is it. */
static struct journal_former *former_free(struct journal_former *former)
{
	list_remove(&former->link);
	(void)fd_close(former->fd);
	free(former);
	return NULL;
}

void journal_deinit(struct journal *journal)
{
	stop_thread(journal);
	list_for_each_safe (i, &journal->former)
		(void)former_free(container_of(i, struct journal_former, link));
	journal->fd = fd_close(journal->fd);
	journal->eventfd = fd_close(journal->eventfd);
	(void)pthread_mutex_destroy(&journal->mutex);
	(void)pthread_cond_destroy(&journal->work);
	(void)pthread_cond_destroy(&journal->moved);
}

static int write_bytes(const struct journal *journal, const uint8_t *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pwrite(journal->fd, bytes + done, n - done,
				   (off_t)(journal->offset + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		done += (size_t)r;
	}
	return 0;
}

/* Writing over what a file has takes half the time of making it longer, and a sync of it less. So
 * it is made longer by much at once, when it is that long already. Should there be no place for
 * that, there may be one for the record. */
static void make_ahead(struct journal *journal, size_t n)
{
	static uint8_t zeros[AHEAD];
	uint64_t at = journal->ahead > journal->offset ? journal->ahead : journal->offset;
	ssize_t r;

	/* A record that is long makes it longer by much itself. */
	if (n > AHEAD / 4 || journal->offset < AHEAD || journal->offset + n <= journal->ahead)
		return;
	do
		r = pwrite(journal->fd, zeros, AHEAD - at % AHEAD, (off_t)at);
	while (r < 0 && errno == EINTR);
	if (r == (ssize_t)(AHEAD - at % AHEAD)) {
		journal->ahead = at + (uint64_t)r;
		return;
	}
	/* What stays of it is behind the record, where nobody minds it. */
	(void)!ftruncate(journal->fd, (off_t)journal->offset);
	journal->ahead = 0;
}

/* All or nothing; -ENOSPC and the like leave what was good. */
static int write_all(struct journal *journal, const uint8_t *bytes, size_t n)
{
	int r;

	make_ahead(journal, n);
	r = write_bytes(journal, bytes, n);
	if (r == 0) {
		journal->offset += n;
		return 0;
	}
	journal->ahead = 0;
	if (ftruncate(journal->fd, (off_t)journal->offset) < 0)
		die("a journal can't be cut back after a failed write; the host ends, and the next "
		    "one reads what is there",
		    -errno);
	return r;
}

/* A file whose header is not whole is none of the journal, so it need not be cut back. */
static int put_header(struct journal *journal)
{
	uint8_t header[JOURNAL_HEADER_SIZE];
	int r;

	memcpy(header, magic, 8);
	bytes_put64(header + 8, journal->segment);
	bytes_put64(header + 16, journal->generation);
	bytes_put64(header + 24, journal->last_seq + 1);
	(void)crypto_shorthash(header + 32, header, 32, journal->key);
	r = write_bytes(journal, header, sizeof header);
	if (r == 0)
		journal->offset = sizeof header;
	return r;
}

int journal_read_header(const uint8_t *bytes,
			size_t n,
			const uint8_t instance_id[static WAT_ID_SIZE],
			struct journal_header *ret)
{
	uint8_t key[RECORD_KEY_SIZE], sum[8];

	if (n < JOURNAL_HEADER_SIZE || memcmp(bytes, magic, 7) != 0)
		return -EBADMSG;
	if (bytes[7] != (uint8_t)magic[7])
		return -EPROTONOSUPPORT;
	ret->segment = bytes_get64(bytes + 8);
	ret->generation = bytes_get64(bytes + 16);
	ret->first_seq = bytes_get64(bytes + 24);
	record_key(instance_id, ret->generation, ret->segment, key);
	(void)crypto_shorthash(sum, bytes, 32, key);
	return memcmp(sum, bytes + 32, sizeof sum) == 0 ? 0 : -EBADMSG;
}

int journal_sync_file(int fd)
{
	int r;

	do
		r = fdatasync(fd) < 0 ? -errno : 0;
	while (r == -EINTR);
	return r;
}

static bool is_sync(const struct journal *journal)
{
	return journal->durability == DURABILITY_SYNC;
}

/* One fdatasync for all that was appended until it began; then everything up to that record is
 * durable. The mutex is free meanwhile. */
static void sync_up_to(struct journal *journal, int fd, uint64_t seq)
{
	int r;

	(void)pthread_mutex_unlock(&journal->mutex);
	r = journal_sync_file(fd);
	if (r < 0)
		die("a journal can't be made durable; the host ends without answering", r);
	CRASH_HERE(sync_after);
	(void)pthread_mutex_lock(&journal->mutex);
	journal->done = seq;
	(void)pthread_cond_signal(&journal->moved);
	(void)eventfd_write(journal->eventfd, 1);
}

/* Closing may take its time: watd may have removed the file. */
static void leave(struct journal *journal, struct journal_former *former)
{
	list_remove(&former->link);
	(void)pthread_mutex_unlock(&journal->mutex);
	(void)former_free(former);
	(void)pthread_mutex_lock(&journal->mutex);
}

/* Segments of before come first: what is in the newest follows from them. False: nothing was to be
 * done. */
static bool sync_next(struct journal *journal)
{
	struct list *first = list_first(&journal->former);
	struct journal_former *former =
		first ? container_of(first, struct journal_former, link) : NULL;

	if (former) {
		if (journal->done < former->last_seq)
			sync_up_to(journal, former->fd, former->last_seq);
		leave(journal, former);
		return true;
	}
	if (journal->asked == journal->done)
		return false;
	sync_up_to(journal, journal->sync_fd, journal->asked);
	return true;
}

static void *sync_run(void *arg)
{
	struct journal *journal = arg;

	(void)pthread_mutex_lock(&journal->mutex);
	while (!journal->ending)
		if (!sync_next(journal))
			(void)pthread_cond_wait(&journal->work, &journal->mutex);
	(void)pthread_mutex_unlock(&journal->mutex);
	return NULL;
}

static int start_thread(struct journal *journal)
{
	sigset_t all, before;
	int r;

	if (!is_sync(journal) || journal->running)
		return 0;
	if (journal->eventfd < 0)
		journal->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (journal->eventfd < 0)
		return -errno;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&journal->thread, NULL, sync_run, journal);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	journal->running = r == 0;
	return -r;
}

/* The thread makes the rest of the segment before durable, and closes it. */
static void leave_to_thread(struct journal *journal, struct journal_former *former, int fd)
{
	former->fd = fd;
	former->last_seq = journal->last_seq;
	(void)pthread_mutex_lock(&journal->mutex);
	list_append(&journal->former, &former->link);
	journal->sync_fd = journal->fd;
	journal->asked = journal->last_seq;
	(void)pthread_cond_signal(&journal->work);
	(void)pthread_mutex_unlock(&journal->mutex);
}

/* The first of this generation, or one that no thread syncs: what is before it is as durable as it
 * gets. */
static void go_on_in(struct journal *journal)
{
	(void)pthread_mutex_lock(&journal->mutex);
	journal->sync_fd = journal->fd;
	journal->asked = journal->done = journal->last_seq;
	(void)pthread_mutex_unlock(&journal->mutex);
}

/* The header becomes durable with the first record behind it: a segment without one promises
 * nothing. */
static int begin_segment(struct journal *journal, int fd, uint64_t segment)
{
	const int fd_before = journal->fd;
	const uint64_t segment_before = journal->segment, offset_before = journal->offset;
	const uint64_t ahead_before = journal->ahead;
	int r;

	journal->fd = fd;
	journal->segment = segment;
	journal->offset = journal->ahead = 0;
	record_key(journal->instance_id, journal->generation, segment, journal->key);
	r = put_header(journal);
	CRASH_HERE(switch_header);
	if (r == 0)
		r = start_thread(journal);
	if (r == 0)
		return 0;
	journal->fd = fd_before;
	journal->segment = segment_before;
	journal->offset = offset_before;
	journal->ahead = ahead_before;
	record_key(journal->instance_id, journal->generation, segment_before, journal->key);
	return r;
}

int journal_switch(struct journal *journal, int fd, uint64_t segment)
{
	const int fd_before = journal->fd;
	struct journal_former *former = is_sync(journal) ? calloc(1, sizeof *former) : NULL;
	int r = is_sync(journal) && !former ? -ENOMEM : begin_segment(journal, fd, segment);

	if (r < 0) {
		(void)fd_close(fd);
		free(former);
		return r;
	}
	if (former && fd_before >= 0) {
		leave_to_thread(journal, former, fd_before);
		return 0;
	}
	free(former);
	go_on_in(journal);
	(void)fd_close(fd_before);
	return 0;
}

int journal_append(struct journal *journal, struct bytes *record)
{
	int r;

	if (record->n - RECORD_HEADER_SIZE > RECORD_BODY_MAX)
		return -EFBIG;
	record_close(record, 0, journal->last_seq + 1, journal->key);
	CRASH_AFTER(append_half, (void)!pwrite(journal->fd, record->data, record->n / 2,
					       (off_t)journal->offset));
	r = write_all(journal, record->data, record->n);
	if (r == 0)
		journal->last_seq++;
	CRASH_HERE(append_after);
	return r;
}

uint64_t journal_durable(struct journal *journal)
{
	uint64_t done;

	if (!is_sync(journal))
		return journal->last_seq;
	(void)pthread_mutex_lock(&journal->mutex);
	done = journal->done;
	(void)pthread_mutex_unlock(&journal->mutex);
	return done;
}

void journal_ask(struct journal *journal)
{
	if (!is_sync(journal))
		return;
	(void)pthread_mutex_lock(&journal->mutex);
	if (journal->asked < journal->last_seq) {
		journal->asked = journal->last_seq;
		(void)pthread_cond_signal(&journal->work);
	}
	(void)pthread_mutex_unlock(&journal->mutex);
}

void journal_wait(struct journal *journal)
{
	if (!is_sync(journal) || journal->fd < 0)
		return;
	journal_ask(journal);
	(void)pthread_mutex_lock(&journal->mutex);
	while (journal->done < journal->last_seq)
		(void)pthread_cond_wait(&journal->moved, &journal->mutex);
	(void)pthread_mutex_unlock(&journal->mutex);
}
