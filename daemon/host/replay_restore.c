/* replay_restore.c - an instance goes back to its newest record. Instance's thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/host/call_self.h"
#include "daemon/host/record.h"
#include "daemon/host/replay.h"
#include "daemon/host/service_loop.h"
#include "proto/attribution.h"
#include "proto/support/cleanup.h"

static void __attribute__((noreturn)) end(const struct service_loop *loop, const char *why)
{
	log_error("a state can't be taken back; the host ends, and recovery goes on from its "
		  "journal",
		  "instance", loop->instance->name, "why", why);
	_exit(ATTRIBUTION_EXIT_OF_HOST);
}

/* What was appended since the copy was made. */
static int read_since(const struct service_loop *loop, struct bytes *ret)
{
	const struct journal *journal = &loop->journal;
	size_t n = (size_t)(journal->offset - loop->batch.committed_at), done = 0;
	uint8_t *room = bytes_add(ret, n);

	if (!room)
		return -ENOMEM;
	while (done < n) {
		ssize_t r = pread(journal->fd, room + done, n - done,
				  (off_t)(loop->batch.committed_at + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EBADMSG;
		done += (size_t)r;
	}
	return 0;
}

/* A record that has the state sets it: the copy is made anew with each. So here are calls only. */
static int run_all(struct service_loop *loop, const struct bytes *records, char *text)
{
	struct replay *replay = replay_new(loop, text);
	size_t at = 0;
	int r = replay ? 0 : -ENOMEM;

	while (r == 0 && at < records->n) {
		const uint8_t *record = records->data + at, *body;
		size_t n_body, size;

		if (records->n - at < RECORD_HEADER_SIZE ||
		    record_read(record, records->n - at, record_seq(record), loop->journal.key,
				&body, &n_body, &size) == 0)
			r = -EBADMSG;
		else if (replay_is_of_calls(body, n_body))
			r = replay_record(replay, record_seq(record), body, n_body);
		if (r == 0)
			at += size;
	}
	replay = replay_free(replay);
	return r;
}

static void run_since(struct service_loop *loop)
{
	char text[REPLAY_TEXT_MAX] = "what it has can't be read back, or memory is out";
	struct bytes records = {0};
	const char *why = "";
	int r = read_since(loop, &records);

	if (r == 0)
		r = run_all(loop, &records, text);
	bytes_deinit(&records);
	if (r != 0)
		end(loop, text);
	/* Next time it is a shorter way; without memory it is the same one. */
	if (call_save_self(loop, &why) == WAT_OK &&
	    bytes_reserve(&loop->batch.committed, state_packed_size(&loop->state)) &&
	    batch_set_committed(loop) < 0)
		end(loop, "no memory");
}

void replay_restore(struct service_loop *loop)
{
	const struct batch *batch = &loop->batch;
	bool self = loop->instance->service->self;

	if (!call_restore(loop, batch->committed.data, batch->committed.n))
		end(loop, "no memory");
	if (batch_is_of_calls(loop) && (!self || loop->self))
		run_since(loop);
}
