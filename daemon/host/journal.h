/* journal.h - the segment that an instance appends its batches to. Instance's thread; embedded in
 * its loop. With `sync` a thread of its own makes what was appended durable.
 *
 * docs/journal.md has the bytes of a segment. watd opens and locks the file. */
#ifndef WAT_HOST_JOURNAL_H
#define WAT_HOST_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/bytes.h"
#include "daemon/host/record.h"
#include "proto/limits.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

#define JOURNAL_HEADER_SIZE WAT_SEGMENT_HEADER

enum durability { DURABILITY_NONE = 1, DURABILITY_CRASH = 2, DURABILITY_SYNC = 3 };

struct journal {
	uint8_t instance_id[WAT_ID_SIZE];
	uint64_t generation;
	enum durability durability;
	int fd; /* -1: none */
	uint64_t segment;
	uint64_t offset;   /* bytes that are good */
	uint64_t ahead;    /* up to here the file has zeros behind them; below offset: none */
	uint64_t last_seq; /* of the newest record, or of the snapshot that the journal follows */
	uint8_t key[RECORD_KEY_SIZE];

	/* With sync, shared with the thread, which alone calls fdatasync: the loop goes on. */
	pthread_mutex_t mutex;
	pthread_cond_t work, moved;
	pthread_t thread;
	bool running, ending;
	struct list former;   /* segments that were left and are not durable yet, or not closed */
	int sync_fd;          /* the newest segment; open until it is in that list */
	uint64_t asked, done; /* numbers of records */
	int eventfd;          /* readable when `done` has moved */
};

/* A segment that was left; the thread owns its descriptor. */
struct journal_former {
	struct list link; /* journal->former, oldest first */
	int fd;
	uint64_t last_seq; /* its last record */
};

/* Nothing is open yet. */
void journal_init(struct journal *journal,
		  const uint8_t instance_id[static WAT_ID_SIZE],
		  uint64_t generation,
		  enum durability durability);
void journal_deinit(struct journal *journal);

/* Begins an empty segment after record last_seq, without waiting for the disk: with sync the
 * thread makes what is in the one before durable first, then what comes. Takes the descriptor, also
 * on failure. A negative errno: the segment before goes on. */
int journal_switch(struct journal *journal, int fd, uint64_t segment) WAT_MUST_CHECK;

/* Appends a record that begins with record_begin at the start of the bytes. A negative errno:
 * nothing of it is in the segment. A segment that can't be cut back to its good bytes ends the
 * process: what is in it is no more known. */
int journal_append(struct journal *journal, struct bytes *record) WAT_MUST_CHECK;

/* With sync: up to which record everything is durable; without, the newest. */
uint64_t journal_durable(struct journal *journal);
/* With sync: the thread is asked for everything so far. */
void journal_ask(struct journal *journal);
/* With sync: waits until the thread has made everything durable. A failure ends the process. */
void journal_wait(struct journal *journal);

/* What is in the file is durable. A negative errno: it is not known what is; one that was
 * interrupted is done again. Any thread. */
int journal_sync_file(int fd) WAT_MUST_CHECK;

/* Whose segment is this: its number, generation and first record. -EBADMSG;
 * -EPROTONOSUPPORT: it has the form of another version. */
struct journal_header {
	uint64_t segment, generation, first_seq;
};
int journal_read_header(const uint8_t *bytes,
			size_t n,
			const uint8_t instance_id[static WAT_ID_SIZE],
			struct journal_header *ret) WAT_MUST_CHECK;

#endif
