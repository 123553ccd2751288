/* host_rig.c - a real watd-host without watd. Runs in the test's process. */
#include "tests/unit/host_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/title.h"
#include "proto/carried.h"
#include "proto/check.h"
#include "proto/end_step.h"
#include "proto/support/cleanup.h"

#define PROGRAM WAT_BUILD_DIR "/libexec/watd-host"

enum { START, ATTACH, DETACH, DRAIN, FINISH, PROVISION, DEPROVISION, SEGMENT, CONFINE = 10 };
enum { CHECKPOINT, CHANNEL_COUNT, REBUILT, WANTS_SEGMENT, PANICKED, DENIED, FULL, END_STEP };

static void id_of(uint8_t number, uint8_t ret_id[static 16])
{
	memset(ret_id, number, 16);
}

static void pipe_pair(int *ret_read, int *ret_write)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*ret_read = fds[0];
	*ret_write = fds[1];
}

/* Only what sanitizers want to be told, as watd does. */
static void make_environment(char **environment, size_t size)
{
	size_t n = 0;

	for (char **e = environ; *e && n + 1 < size; e++)
		if (strstr(*e, "SAN_OPTIONS="))
			environment[n++] = *e;
	environment[n] = NULL;
}

static void __attribute__((noreturn)) child_run(const int fds[static 6])
{
	char *arguments[1 + TITLE_ROOM + 1] = {(char *)"watd-host"};
	char *environment[8];
	int high[6];

	for (int i = 1; i <= TITLE_ROOM; i++)
		arguments[i] = (char *)"";
	make_environment(environment, sizeof environment / sizeof *environment);
	for (int i = 0; i < 6; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 64);
	for (int i = 0; i < 6; i++)
		(void)dup2(high[i], i);
	(void)syscall(SYS_close_range, 6u, ~0u, 0u);
	(void)execve(PROGRAM, arguments, environment);
	_exit(127);
}

void rig_init(struct rig *rig)
{
	int fds[6], pair[2];
	void *page;

	*rig = (struct rig){0};
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pipe_pair(&rig->out, &fds[1]);
	pipe_pair(&rig->err, &fds[2]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	fds[3] = pair[1];
	pipe_pair(&fds[4], &rig->lifeline);
	fds[5] = memfd_create("attribution", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fds[5], sizeof(struct attribution)), 0);
	page = mmap(NULL, sizeof(struct attribution), PROT_READ, MAP_SHARED, fds[5], 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	rig->page = page;
	stream_init(&rig->control, pair[0], 2u << 20);
	rig->pid = fork();
	assert_true(rig->pid >= 0);
	if (rig->pid == 0)
		child_run(fds);
	for (int i = 0; i < 6; i++)
		(void)close(fds[i]);
}

int rig_wait(struct rig *rig)
{
	int status;

	assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
	rig->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void rig_read_stderr(struct rig *rig, char *text, size_t n)
{
	size_t used = 0;
	ssize_t r;

	while (used + 1 < n && (r = read(rig->err, text + used, n - 1 - used)) > 0)
		used += (size_t)r;
	text[used] = '\0';
}

static void forget_answer(struct rig *rig)
{
	if (rig->failure)
		wat__envelope__failure__free_unpacked(rig->failure, NULL);
	if (rig->snapshot)
		wat__host__snapshot__free_unpacked(rig->snapshot, NULL);
	rig->failure = NULL;
	rig->snapshot = NULL;
	rig->n_state = 0;
}

/* A sanitizer's report is a failure, also of a host that was killed afterwards. */
static void check_reports(struct rig *rig)
{
	static char text[65536];

	rig_read_stderr(rig, text, sizeof text);
	if (strstr(text, "Sanitizer") || strstr(text, "runtime error"))
		fail_msg("the host wrote: %s", text);
}

void rig_deinit(struct rig *rig)
{
	if (rig->pid > 0) {
		(void)kill(rig->pid, SIGKILL);
		(void)rig_wait(rig);
	}
	check_reports(rig);
	forget_answer(rig);
	stream_deinit(&rig->control);
	fd_close(rig->lifeline);
	fd_close(rig->out);
	fd_close(rig->err);
	(void)munmap(rig->page, sizeof(struct attribution));
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	assert_int_equal(poll(&p, 1, -1), 1);
}

void rig_write_all(struct stream *stream)
{
	int r;

	while ((r = stream_write(stream)) == -EAGAIN)
		wait_for(stream->fd, POLLOUT);
	assert_int_equal(r, 0);
}

/* The next frame and its descriptor; false at the end. */
static bool read_frame_fd(struct stream *stream,
			  struct frame *frame,
			  const uint8_t **body,
			  int *ret_fd)
{
	int r;

	while ((r = stream_next(stream, frame, body, ret_fd)) == 0) {
		r = stream_read(stream);
		if (r == -EAGAIN)
			wait_for(stream->fd, POLLIN);
		else if (r == 0 || r == -ECONNRESET)
			return false;
		else
			assert_true(r > 0);
	}
	assert_int_equal(r, 1);
	return true;
}

bool rig_read_frame(struct stream *stream, struct frame *frame, const uint8_t **body)
{
	int fd;

	if (!read_frame_fd(stream, frame, body, &fd))
		return false;
	(void)fd_close(fd);
	return true;
}

ProtobufCMessage *rig_unpack(const ProtobufCMessageDescriptor *descriptor,
			     const uint8_t *body,
			     size_t n)
{
	ProtobufCMessage *message;

	assert_int_equal(check_unpack(descriptor, NULL, body, n, &message, NULL), 0);
	return message;
}

static void take_checkpoint(struct rig *rig, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message = rig_unpack(&wat__host__checkpoint__descriptor, body, n);
	const Wat__Host__Checkpoint *checkpoint = (const Wat__Host__Checkpoint *)message;

	rig->n_checkpoint = checkpoint->snapshot->snapshot->state.len;
	if (rig->n_checkpoint > 0)
		memcpy(rig->checkpoint, checkpoint->snapshot->snapshot->state.data,
		       rig->n_checkpoint);
	rig->n_checkpoints++;
	protobuf_c_message_free_unpacked(message, NULL);
}

static void take_count(struct rig *rig, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message = rig_unpack(&wat__host__channel_count__descriptor, body, n);
	const Wat__Host__ChannelCount *count = (const Wat__Host__ChannelCount *)message;

	rig->channels = count->channels;
	rig->channels_of = count->grant_id.data[0];
	rig->n_counts++;
	protobuf_c_message_free_unpacked(message, NULL);
}

static void take_panic(struct rig *rig, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message = rig_unpack(&wat__host__panicked__descriptor, body, n);
	const Wat__Host__Panicked *panicked = (const Wat__Host__Panicked *)message;

	(void)snprintf(rig->panic, sizeof rig->panic, "%s: %s", panicked->method, panicked->text);
	assert_int_equal(panicked->generation, rig->generation);
	rig->n_panics++;
	protobuf_c_message_free_unpacked(message, NULL);
}

static void take_denied(struct rig *rig, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message = rig_unpack(&wat__host__denied__descriptor, body, n);

	rig->denied = *(const Wat__Host__Denied *)message;
	(void)snprintf(rig->denied_method, sizeof rig->denied_method, "%s", rig->denied.method);
	rig->n_denials++;
	rig->n_denied += rig->denied.count;
	protobuf_c_message_free_unpacked(message, NULL);
}

/* Each step comes after the one before it, whichever instance's end that was. */
static void take_step(struct rig *rig, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message = rig_unpack(&wat__host__end_step__descriptor, body, n);
	const Wat__Host__EndStep *step = (const Wat__Host__EndStep *)message;

	assert_true(step->step == END_TOLD || step->step > rig->end_step);
	rig->end_step = step->step;
	rig->end_step_n = step->n;
	protobuf_c_message_free_unpacked(message, NULL);
}

static void take_event(struct rig *rig, const struct frame *frame, const uint8_t *body)
{
	switch (frame->method) {
	case CHECKPOINT:
		take_checkpoint(rig, body, frame->body_len);
		return;
	case CHANNEL_COUNT:
		take_count(rig, body, frame->body_len);
		return;
	case REBUILT:
		rig->n_rebuilt++;
		return;
	case WANTS_SEGMENT:
		rig->n_wants++;
		return;
	case PANICKED:
		take_panic(rig, body, frame->body_len);
		return;
	case DENIED:
		take_denied(rig, body, frame->body_len);
		return;
	case END_STEP:
		take_step(rig, body, frame->body_len);
		return;
	default:
		fail_msg("event %u", frame->method);
	}
}

/* The next frame that is no event. */
static void read_answer(struct rig *rig, struct frame *frame, const uint8_t **body, int *ret_fd)
{
	for (;;) {
		assert_true(read_frame_fd(&rig->control, frame, body, ret_fd));
		if (frame->type != FRAME_EVENT)
			return;
		take_event(rig, frame, *body);
		(void)fd_close(*ret_fd);
	}
}

/* Start's, Drain's and Segment's replies are alike, and an empty one is none of theirs. */
static void take_snapshot(struct rig *rig, const uint8_t *body, size_t n, int fd)
{
	ProtobufCMessage *message = rig_unpack(&wat__host__drain_reply__descriptor, body, n);
	const Wat__Host__DrainReply *reply = (const Wat__Host__DrainReply *)message;

	if (reply->snapshot) {
		assert_int_equal(carried_open(reply->snapshot, fd, &rig->snapshot), 0);
		rig->n_state = rig->snapshot->state.len;
		assert_true(rig->n_state <= sizeof rig->state);
		if (rig->n_state > 0)
			memcpy(rig->state, rig->snapshot->state.data, rig->n_state);
	}
	protobuf_c_message_free_unpacked(message, NULL);
}

wat_status rig_answer(struct rig *rig)
{
	_cleanup_(fd_closep) int fd = -1;
	struct frame frame;
	const uint8_t *body;

	forget_answer(rig);
	read_answer(rig, &frame, &body, &fd);
	assert_int_equal(frame.id, rig->last_id);
	if (frame.type == FRAME_FAIL) {
		rig->failure = (Wat__Envelope__Failure *)rig_unpack(
			&wat__envelope__failure__descriptor, body, frame.body_len);
		return rig->status = (wat_status)frame.budget;
	}
	assert_int_equal(frame.type, FRAME_REPLY);
	take_snapshot(rig, body, frame.body_len, fd);
	return rig->status = WAT_OK;
}

static void request(struct rig *rig, uint16_t method, const ProtobufCMessage *message, int fd)
{
	struct frame frame = {.type = FRAME_CALL, .method = method, .id = ++rig->last_id};
	size_t n = protobuf_c_message_get_packed_size(message);
	uint8_t *body = malloc(n ? n : 1);

	protobuf_c_message_pack(message, body);
	assert_int_equal(stream_queue(&rig->control, &frame, body, n, fd), 0);
	free(body);
	rig_write_all(&rig->control);
}

/* A host loads nothing before; for the tier of the first start. */
static void confine(struct rig *rig, bool pool)
{
	Wat__Host__ConfineRequest in = WAT__HOST__CONFINE_REQUEST__INIT;
	Wat__Host__Place place = WAT__HOST__PLACE__INIT, *places = &place;

	if (rig->confined)
		return;
	rig->confined = true;
	place.path = (char *)WAT_BUILD_DIR;
	in.places = &places;
	in.n_places = 1;
	in.pool = pool;
	in.trusted = true;
	request(rig, CONFINE, &in.base, -1);
	assert_int_equal(rig_answer(rig), WAT_OK);
}

void rig_start_send(struct rig *rig, const struct rig_start *start)
{
	Wat__Host__StartRequest in = WAT__HOST__START_REQUEST__INIT;
	Wat__Host__Carried carried = WAT__HOST__CARRIED__INIT;
	Wat__Host__Snapshot snapshot = WAT__HOST__SNAPSHOT__INIT;
	uint8_t id[16], state[RIG_STATE_MAX];
	char name[8];

	confine(rig, start->pool);
	id_of(start->instance, id);
	(void)snprintf(name, sizeof name, "c%u", start->instance);
	in.instance_id = (ProtobufCBinaryData){sizeof id, id};
	in.instance = name;
	in.plugin = (char *)start->plugin;
	in.service = (char *)start->service;
	in.interface_hash = start->hash;
	in.generation = rig->generation = start->generation ? start->generation : 7;
	in.slot = start->instance;
	in.pool = start->pool;
	in.run_start = start->run_start;
	carried.snapshot = start->from ? start->from : &snapshot;
	in.from = &carried;
	in.durability = start->durability ? start->durability : 1;
	in.verdict = start->verdict;
	in.recover_only = start->recover_only;
	in.replay = start->replay;
	in.replay_to = start->replay_to;
	in.replay_to_end = start->replay_to_end;
	if (start->state) {
		assert_true(protobuf_c_message_get_packed_size(start->state) <= sizeof state);
		snapshot.state.len = protobuf_c_message_pack(start->state, state);
		snapshot.state.data = state;
	}
	request(rig, START, &in.base, -1);
}

wat_status rig_start(struct rig *rig, const struct rig_start *start)
{
	rig_start_send(rig, start);
	return rig_answer(rig);
}

wat_status rig_attach_raw(struct rig *rig,
			  uint8_t instance,
			  uint8_t grant,
			  uint8_t lane,
			  uint64_t mask,
			  bool resume,
			  int fd)
{
	Wat__Host__AttachRequest in = WAT__HOST__ATTACH_REQUEST__INIT;
	uint8_t instance_id[16], grant_id[16], lane_id[16];

	id_of(instance, instance_id);
	id_of(grant, grant_id);
	id_of(lane, lane_id);
	in.instance_id = (ProtobufCBinaryData){16, instance_id};
	in.grant_id = (ProtobufCBinaryData){16, grant_id};
	in.lane = (ProtobufCBinaryData){16, lane_id};
	in.method_mask = mask;
	in.resume = resume;
	in.time_left_ms = 3600000;
	in.invocation = 1000u + grant;
	in.uid = 2000u + grant;
	in.pid = 3000u + grant;
	request(rig, ATTACH, &in.base, fd);
	return rig_answer(rig);
}

wat_status rig_segment(struct rig *rig, uint8_t instance, uint64_t number, bool fresh, int fd)
{
	Wat__Host__SegmentRequest in = WAT__HOST__SEGMENT_REQUEST__INIT;
	uint8_t id[16];

	id_of(instance, id);
	in.instance_id = (ProtobufCBinaryData){16, id};
	in.number = number;
	in.fresh = fresh;
	request(rig, SEGMENT, &in.base, fd);
	return rig_answer(rig);
}

wat_status rig_detach(struct rig *rig, uint8_t instance, uint8_t grant)
{
	Wat__Host__DetachRequest in = WAT__HOST__DETACH_REQUEST__INIT;
	uint8_t instance_id[16], grant_id[16];

	id_of(instance, instance_id);
	id_of(grant, grant_id);
	in.instance_id = (ProtobufCBinaryData){16, instance_id};
	in.grant_id = (ProtobufCBinaryData){16, grant_id};
	request(rig, DETACH, &in.base, -1);
	return rig_answer(rig);
}

void rig_drain_send(struct rig *rig, uint8_t instance, bool run_stop)
{
	Wat__Host__DrainRequest in = WAT__HOST__DRAIN_REQUEST__INIT;
	uint8_t id[16];

	id_of(instance, id);
	in.instance_id = (ProtobufCBinaryData){16, id};
	in.run_stop = run_stop;
	request(rig, DRAIN, &in.base, -1);
}

wat_status rig_drain(struct rig *rig, uint8_t instance, bool run_stop)
{
	rig_drain_send(rig, instance, run_stop);
	return rig_answer(rig);
}

wat_status rig_finish(struct rig *rig, uint8_t instance, wat_status status, const char *text)
{
	Wat__Host__FinishRequest in = WAT__HOST__FINISH_REQUEST__INIT;
	uint8_t id[16];

	id_of(instance, id);
	in.instance_id = (ProtobufCBinaryData){16, id};
	in.status = (uint32_t)status;
	in.text = (char *)text;
	request(rig, FINISH, &in.base, -1);
	return rig_answer(rig);
}

static void await_event(struct rig *rig)
{
	struct frame frame;
	const uint8_t *body;

	assert_true(rig_read_frame(&rig->control, &frame, &body));
	assert_int_equal(frame.type, FRAME_EVENT);
	take_event(rig, &frame, body);
}

void rig_await_checkpoints(struct rig *rig, unsigned n)
{
	while (rig->n_checkpoints < n)
		await_event(rig);
}

void rig_await_panics(struct rig *rig, unsigned n)
{
	while (rig->n_panics < n)
		await_event(rig);
}

void rig_await_wants(struct rig *rig, unsigned n)
{
	while (rig->n_wants < n)
		await_event(rig);
}

void rig_await_denied(struct rig *rig, unsigned n)
{
	while (rig->n_denied < n)
		await_event(rig);
}

void rig_await_channels(struct rig *rig, uint8_t grant, uint32_t channels)
{
	while (rig->n_counts == 0 || rig->channels_of != grant || rig->channels != channels)
		await_event(rig);
}
