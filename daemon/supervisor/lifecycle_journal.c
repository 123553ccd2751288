/* lifecycle_journal.c - the segments of an instance's journal: given to its host before it starts,
 * and in turn while it runs. Loop thread.
 * Switch: WantsSegment -> new file -> Segment (the snapshot comes back) -> commit -> old files go.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/call_deaths.h"
#include "daemon/supervisor/journal_files.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/nospace.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

#define LOCK_PAUSE_US 20000
#define LOCK_SAID_AFTER 50 /* pauses */

void segment_files_close(struct segment_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		(void)fd_close(files->files[i].fd);
	free(files->files);
	*files = (struct segment_files){0};
}

static int open_one(struct instance *instance,
		    struct segment_files *files,
		    uint64_t number,
		    bool fresh)
{
	struct segment_file *file = &files->files[files->n];
	int r = journal_files_open(instance->node->journal_dir, instance->id, number, fresh,
				   &file->fd);

	if (r < 0)
		return r;
	file->number = number;
	files->n++;
	return 0;
}

/* Those that have records. */
static void drop_empty(struct segment_files *files)
{
	struct stat st;
	size_t n = 0;

	for (size_t i = 0; i < files->n; i++)
		if (fstat(files->files[i].fd, &st) == 0 && st.st_size <= (off_t)WAT_SEGMENT_HEADER)
			(void)fd_close(files->files[i].fd);
		else
			files->files[n++] = files->files[i];
	files->n = n;
}

int segment_files_open(struct instance *instance, bool fresh, struct segment_files *ret)
{
	_cleanup_(freep) uint64_t *numbers = NULL;
	struct segment_files files = {.fresh = fresh};
	size_t n = 0;
	uint64_t last;
	int r = journal_files_list(instance->node->journal_dir, instance->id, &numbers, &n);

	if (r < 0)
		return r;
	files.files = calloc(n + 1, sizeof *files.files);
	if (!files.files)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = open_one(instance, &files, numbers[i], false);
	last = n > 0 ? numbers[n - 1] : 0;
	if (r == 0 && fresh)
		r = open_one(instance, &files, last + 1, true);
	if (r < 0) {
		segment_files_close(&files);
		return r;
	}
	/* Without another one to go on with it is asked for what it has. */
	if (!fresh)
		drop_empty(&files);
	*ret = files;
	return 0;
}

static int send_one(struct instance *instance,
		    struct segment_file *file,
		    bool fresh,
		    host_answered *answered)
{
	Wat__Host__SegmentRequest request = WAT__HOST__SEGMENT_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.number = file->number;
	request.fresh = fresh;
	return host_request(instance->host, HOST_SEGMENT, &request.base, fd_take(&file->fd),
			    answered, answered ? instance : NULL);
}

int segment_files_send(struct instance *instance, struct segment_files *files)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->n; i++)
		r = send_one(instance, &files->files[i], files->fresh && i + 1 == files->n, NULL);
	if (r == 0 && files->fresh)
		instance->segment = files->files[files->n - 1].number;
	instance->switching = false;
	segment_files_close(files);
	return r;
}

void lifecycle_drop_segments(const struct instance *instance, uint64_t below)
{
	if (below == SEGMENTS_ALL)
		call_deaths_forget(instance->node->calls_dir, instance->id);
	if (instance_has_journal(instance))
		journal_files_remove_below(instance->node->journal_dir, instance->id, below);
}

void lifecycle_set_aside_segments(const struct instance *instance)
{
	char count[24];
	size_t n;

	call_deaths_forget(instance->node->calls_dir, instance->id);
	if (!instance_has_journal(instance))
		return;
	n = journal_files_set_aside(instance->node->journal_dir, instance->id);
	(void)snprintf(count, sizeof count, "%zu", n);
	if (n > 0)
		log_warning("segments of a journal that was given up are kept in journal/aside",
			    "instance", instance->name, "segments", count);
}

static void on_lock_pause(evutil_socket_t fd, short what, void *arg)
{
	struct instance *instance = arg;

	(void)fd;
	(void)what;
	if (instance->state == INSTANCE_STARTING)
		lifecycle_start(instance, false);
}

void lifecycle_wait_for_lock(struct instance *instance)
{
	static const struct timeval pause = {.tv_usec = LOCK_PAUSE_US};

	if (++instance->lock_pauses % LOCK_SAID_AFTER == 0)
		log_warning("an instance waits for the end of its former host, which still has its "
			    "journal",
			    "instance", instance->name);
	if (!instance->lock_timer)
		instance->lock_timer = evtimer_new(instance->node->base, on_lock_pause, instance);
	if (!instance->lock_timer || evtimer_add(instance->lock_timer, &pause) < 0)
		log_error("no memory to wait for a journal's lock", "instance", instance->name);
}

static void on_switched(void *arg, const struct host_answer *answer)
{
	struct instance *instance = arg;
	ProtobufCMessage *message;
	int r;

	instance->switching = false;
	if (answer->died)
		return;
	if (answer->status != WAT_OK) {
		log_warning("a journal goes on in its old segment", "instance", instance->name,
			    "why", answer->failure ? answer->failure->text : "");
		return;
	}
	r = check_unpack(&wat__host__segment_reply__descriptor, NULL, answer->body, answer->n,
			 &message, NULL);
	if (r == 0) {
		instance->segment = instance->next_segment;
		/* A stop that is under way commits everything itself. */
		if (instance->state == INSTANCE_READY)
			r = lifecycle_store_snapshot(
				instance, ((const Wat__Host__SegmentReply *)message)->before,
				answer->fd);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	if (r < 0)
		log_error("a checkpoint can't be stored; the journal keeps all of it", "instance",
			  instance->name, "error", strerror(-r));
}

void lifecycle_wants_segment(struct host *host, const Wat__Host__WantsSegment *message)
{
	struct instance *instance =
		lifecycle_of_event(host, &message->instance_id, message->generation);
	struct segment_file file = {.fd = -1};
	int r;

	if (!instance || instance->state != INSTANCE_READY || instance->switching ||
	    !instance_has_journal(instance))
		return;
	/* A number that was made for a switch that failed is not used again. */
	file.number = (instance->segment > instance->next_segment ? instance->segment
								  : instance->next_segment) +
		      1;
	r = journal_files_open(instance->node->journal_dir, instance->id, file.number, true,
			       &file.fd);
	instance->next_segment = file.number;
	CRASH_HERE(segment_made);
	if (r == 0)
		r = send_one(instance, &file, true, on_switched);
	CRASH_HERE(segment_sent);
	(void)fd_close(file.fd);
	if (r == -ENOSPC || r == -EDQUOT)
		nospace_enter(instance->node);
	if (r < 0) {
		log_warning("no new segment for a journal; it goes on in the old one", "instance",
			    instance->name, "error", strerror(-r));
		return;
	}
	instance->switching = true;
}
