/* recover.c - from a snapshot and a journal to an instance. Instance's thread. */
#include "daemon/host/recover_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/host/call_self.h"
#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/report.h"
#include "daemon/host/service_loop.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

static int WAT_PRINTF(3, 4) fail(struct recovery *recovery, int r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(recovery->failure->text, RECOVER_TEXT_MAX, format, arguments);
	va_end(arguments);
	return r;
}

/* Segments. */

static int read_file(int fd, struct bytes *bytes)
{
	/* The library's fstat is a call of the kernel's that a host may not make. */
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *room;
	size_t done = 0;

	if (size < 0)
		return -errno;
	room = bytes_add(bytes, (size_t)size);
	if (!room)
		return -ENOMEM;
	while (done < (size_t)size) {
		ssize_t n = pread(fd, room + done, (size_t)size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	bytes->n -= (size_t)size - done;
	return 0;
}

/* Room that was made ahead of the next record. */
static bool is_zero(const uint8_t *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

static void log_end(const struct recovery *recovery, uint64_t segment, size_t left)
{
	char number[24], bytes[24];

	(void)snprintf(number, sizeof number, "%llu", (unsigned long long)segment);
	(void)snprintf(bytes, sizeof bytes, "%zu", left);
	log_warning("the end of a journal is not whole and is left out: nothing of it was promised",
		    "instance", recovery->loop->instance->name, "segment", number, "bytes", bytes);
}

static void log_gap(const struct recovery *recovery, uint64_t segment)
{
	char number[24];

	(void)snprintf(number, sizeof number, "%llu", (unsigned long long)segment);
	log_error("records are missing before a segment of a journal; it and what follows is left "
		  "out: the disk has lost what was written to it",
		  "instance", recovery->loop->instance->name, "segment", number);
}

static int take_state(struct recovery *recovery)
{
	struct service_loop *loop = recovery->loop;
	struct check_error error;
	char why[256];

	if (!recovery->has_state)
		return 0;
	recovery->has_state = false;
	if (check_message(loop->state.descriptor, recovery->state.data, recovery->state.n, &error) <
	    0) {
		check_error_format(&error, why, sizeof why);
		return fail(recovery, -EBADMSG, "the state in its journal is no %s: %s",
			    loop->state.descriptor->name, why);
	}
	call_free_self(loop);
	return state_restore(&loop->state, recovery->state.data, recovery->state.n);
}

/* What the calls of the next record are run on. */
static int make_ready(struct recovery *recovery)
{
	struct service_loop *loop = recovery->loop;
	const char *text = "";
	int r = take_state(recovery);

	if (!recovery->replay)
		recovery->replay = replay_new(loop, recovery->failure->text);
	if (r == 0 && !recovery->replay)
		r = -ENOMEM;
	if (r == 0 && !loop->self && call_load_self(loop, &text) != WAT_OK)
		r = fail(recovery, -EBADMSG, "load failed: %.400s", text);
	return r;
}

static int apply_calls(struct recovery *recovery, uint64_t seq, const uint8_t *body, size_t n)
{
	int r;

	if (!replay_is_of_calls(body, n))
		return 0;
	r = make_ready(recovery);
	if (r == 0)
		r = replay_record(recovery->replay, seq, body, n);
	if (r == REPLAY_E_DIFFERS)
		recovery->failure->differs_in = recovery->replay->method;
	return r == REPLAY_E_DIFFERS ? -EBADMSG : r;
}

/* All of it that is wanted. What went wrong is a sentence. */
static int apply_record(struct recovery *recovery,
			const struct journal_header *header,
			uint64_t seq,
			const uint8_t *body,
			size_t n)
{
	int r = recover_items(recovery, body, n);

	recovery->seq = seq;
	if (r < 0)
		return fail(recovery, r, "record %llu of segment %llu of its journal: %s",
			    (unsigned long long)seq, (unsigned long long)header->segment,
			    r == -EBADMSG ? "its items make no sense" : strerror(-r));
	return apply_calls(recovery, seq, body, n);
}

static int apply_records(struct recovery *recovery,
			 const struct journal_header *header,
			 const uint8_t *bytes,
			 size_t n)
{
	uint8_t key[RECORD_KEY_SIZE];
	uint64_t seq = header->first_seq;
	size_t at = 0, n_body, size;
	const uint8_t *body;
	int r = 0;

	record_key(recovery->loop->instance->id, header->generation, header->segment, key);
	while (r == 0 && seq <= recovery->up_to &&
	       record_read(bytes + at, n - at, seq, key, &body, &n_body, &size) > 0) {
		if (seq > recovery->seq)
			r = apply_record(recovery, header, seq, body, n_body);
		at += size;
		seq++;
	}
	if (r < 0)
		return r;
	if (seq <= recovery->up_to && !is_zero(bytes + at, n - at))
		log_end(recovery, header->segment, n - at);
	return 0;
}

/* 1: it has something to give. A file that a switch or a start left behind before its first byte
 * was right has not, and stands in nobody's way; one of another form has, but not for us. */
static int read_header(struct recovery *recovery,
		       const struct segment *segment,
		       const struct bytes *file,
		       struct journal_header *ret)
{
	int r = journal_read_header(file->data, file->n, recovery->loop->instance->id, ret);

	if (r == -EPROTONOSUPPORT)
		return fail(recovery, r,
			    "segment %llu of its journal was written by another version of watd; "
			    "that one can start it, and stop it for this one",
			    (unsigned long long)segment->number);
	if (r == 0 && ret->segment == segment->number)
		return 1;
	if (file->n > 0)
		log_end(recovery, segment->number, file->n);
	return 0;
}

/* 1: what comes after it does not follow from it. */
static int apply_file(struct recovery *recovery,
		      const struct segment *segment,
		      const struct bytes *file)
{
	struct journal_header header;
	int r = read_header(recovery, segment, file, &header);

	if (r <= 0)
		return r;
	if (header.first_seq > recovery->seq + 1) {
		log_gap(recovery, segment->number);
		return 1;
	}
	return apply_records(recovery, &header, file->data + JOURNAL_HEADER_SIZE,
			     file->n - JOURNAL_HEADER_SIZE);
}

/* What was read may be answered for from now on: it must be as durable as was promised. */
static int apply_segment(struct recovery *recovery, const struct segment *segment)
{
	bool sync = recovery->loop->journal.durability == DURABILITY_SYNC;
	struct bytes file = {0};
	int r = sync ? journal_sync_file(segment->fd) : 0;

	if (r == 0)
		r = read_file(segment->fd, &file);
	if (r < 0)
		(void)fail(recovery, r, "segment %llu of its journal can't be read: %s",
			   (unsigned long long)segment->number, strerror(-r));
	else
		r = apply_file(recovery, segment, &file);
	bytes_deinit(&file);
	return r;
}

static int apply_segments(struct recovery *recovery)
{
	int r = 0;

	list_for_each (i, &recovery->request->segments) {
		struct segment *segment = container_of(i, struct segment, link);

		/* After a gap there may be more, but what was lost in between is not known. */
		if (!segment->fresh && r == 0)
			r = apply_segment(recovery, segment);
	}
	return r < 0 ? r : 0;
}

/* What will not be run again is answered, from the fresh segment on. */

/* The call is one that the lane has as taken. */
static int answer(struct service_loop *loop,
		  struct lane *lane,
		  const struct record_item *about,
		  const Wat__Envelope__Failure *failure)
{
	struct record_item item = *about;
	size_t n = wat__envelope__failure__get_packed_size(failure);
	_cleanup_(freep) uint8_t *body = malloc(n ? n : 1);
	int r;

	if (!body)
		return -ENOMEM;
	(void)wat__envelope__failure__pack(failure, body);
	item.body = body;
	item.n_body = n;
	r = recover_answer(lane, &item);
	if (r == 0)
		batch_note(loop, lane, &item);
	return r;
}

static int answer_taken(struct recovery *recovery, struct lane *lane)
{
	struct service_loop *loop = recovery->loop;
	struct report report;
	int r = 0;

	report_init_for_user(&report, WAT__ENVELOPE__CAUSE_KIND__EXIT, loop->instance,
			     "the service died before it answered this call, which it had taken");
	list_for_each (i, &lane->taken) {
		struct lane_taken *taken = container_of(i, struct lane_taken, link);
		struct record_item item = {.kind = RECORD_ANSWERED,
					   .id = taken->id,
					   .hash = taken->hash,
					   .method = taken->method,
					   .status = WAT_SERVER_DIED};

		if (r == 0 && taken->answer.n == 0)
			r = answer(loop, lane, &item, &report.failure);
	}
	return r;
}

static struct lane *lane_by_id(const struct service_loop *loop, const ProtobufCBinaryData *id)
{
	struct lane *lane = NULL;

	list_for_each (i, &loop->grants) {
		if (!lane && id->len == WAT_ID_SIZE)
			lane = lane_find(container_of(i, struct grant, link), id->data);
	}
	return lane;
}

static int answer_verdict(struct recovery *recovery, const Wat__Host__Verdict *verdict)
{
	static const Wat__Envelope__Failure none = WAT__ENVELOPE__FAILURE__INIT;
	struct lane *lane = verdict ? lane_by_id(recovery->loop, &verdict->lane) : NULL;
	struct record_item item = {.kind = RECORD_TAKEN, .method = RECORD_ANY_METHOD};

	if (!lane || lane_knows(lane, verdict->id))
		return 0;
	item.id = verdict->id;
	if (recover_taken(lane, &item) < 0)
		return -ENOMEM;
	batch_note(recovery->loop, lane, &item);
	item.kind = RECORD_ANSWERED;
	item.status = verdict->status;
	return answer(recovery->loop, lane, &item, verdict->failure ? verdict->failure : &none);
}

static int answer_all(struct recovery *recovery, const Wat__Host__Verdict *verdict)
{
	int r = answer_verdict(recovery, verdict);

	list_for_each (i, &recovery->loop->grants) {
		struct grant *grant = container_of(i, struct grant, link);

		list_for_each (j, &grant->lanes) {
			if (r == 0)
				r = answer_taken(recovery, container_of(j, struct lane, link));
		}
	}
	if (r < 0)
		return r;
	if (batch_commit(recovery->loop))
		return 0;
	return fail(recovery, -ENOSPC,
		    "its journal can't be written: calls that are not to be run again can't be "
		    "answered");
}

static int go_on(struct recovery *recovery)
{
	struct journal *journal = &recovery->loop->journal;
	bool wants = journal->durability != DURABILITY_NONE;

	journal->last_seq = recovery->seq;
	list_for_each (i, &recovery->request->segments) {
		struct segment *segment = container_of(i, struct segment, link);
		int r;

		if (!segment->fresh || !wants)
			continue;
		r = journal_switch(journal, fd_take(&segment->fd), segment->number);
		if (r < 0)
			return fail(recovery, r,
				    "a new segment of its journal can't be written: %s",
				    strerror(-r));
	}
	if (wants && journal->fd < 0)
		return fail(recovery, -EINVAL, "no new segment of its journal came");
	return 0;
}

/* Is the record that is asked for among those that there are? */

static int check_start(struct recovery *recovery)
{
	if (recovery->up_to >= recovery->seq)
		return 0;
	return fail(recovery, -ERANGE,
		    "record %llu is before the oldest checkpoint, which has everything up to "
		    "record %llu",
		    (unsigned long long)recovery->up_to, (unsigned long long)recovery->seq);
}

static int check_end(struct recovery *recovery)
{
	if (recovery->up_to == UINT64_MAX || recovery->up_to == recovery->seq)
		return 0;
	return fail(recovery, -ERANGE, "record %llu is not there; the newest is record %llu",
		    (unsigned long long)recovery->up_to, (unsigned long long)recovery->seq);
}

static int run(struct recovery *recovery, const Wat__Host__Snapshot *from)
{
	int r = recover_items(recovery, from->lanes.data, from->lanes.len);

	if (r < 0)
		return fail(recovery, r, "the lanes of its snapshot make no sense");
	r = apply_segments(recovery);
	if (r == 0)
		r = take_state(recovery);
	/* What was run again is in the snapshot that comes of this. */
	batch_forget(recovery->loop);
	return r;
}

static void end(struct recovery *recovery)
{
	recovery->replay = replay_free(recovery->replay);
	bytes_deinit(&recovery->state);
	list_for_each_safe (i, &recovery->request->segments)
		(void)segment_free(container_of(i, struct segment, link));
}

static void begin(struct recovery *recovery,
		  struct service_loop *loop,
		  const Wat__Host__Snapshot *from,
		  struct request *request,
		  uint64_t up_to,
		  struct recover_failure *failure)
{
	*recovery = (struct recovery){.loop = loop,
				      .request = request,
				      .seq = from->last_seq,
				      .up_to = up_to,
				      .failure = failure};
	failure->differs_in = NULL;
	(void)snprintf(failure->text, sizeof failure->text, "no memory to recover it");
}

int recover(struct service_loop *loop,
	    const Wat__Host__Snapshot *from,
	    const Wat__Host__Verdict *verdict,
	    struct request *request,
	    struct recover_failure *ret_failure)
{
	struct recovery recovery;
	int r;

	begin(&recovery, loop, from, request, UINT64_MAX, ret_failure);
	r = run(&recovery, from);
	CRASH_HERE(recover_read);
	if (r == 0)
		r = go_on(&recovery);
	if (r == 0)
		r = answer_all(&recovery, verdict);
	CRASH_HERE(recover_after);
	end(&recovery);
	return r;
}

int recover_last(struct service_loop *loop,
		 const Wat__Host__Snapshot *from,
		 struct request *request,
		 uint64_t up_to,
		 struct recover_failure *ret_failure)
{
	struct recovery recovery;
	int r;

	begin(&recovery, loop, from, request, up_to, ret_failure);
	r = check_start(&recovery);
	if (r == 0)
		r = run(&recovery, from);
	if (r == 0)
		r = check_end(&recovery);
	loop->journal.last_seq = recovery.seq;
	end(&recovery);
	return r;
}
