/* fake.c - a watd and a service that are none. The thread has the control connection, the test's
 * thread everything else. */
#include "tests/client/fake.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <wat/admin.pb-c.h>

#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

#define ADMIN_HANDLE 1000u
#define NODE_HANDLE 1001u

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* A peer that has gone is a part of many tests. */
static void flush(struct stream *stream)
{
	int r = stream_write(stream);

	must(r == 0 || r == -EPIPE || r == -ECONNRESET, "stream_write");
}

static void send_message(struct stream *stream,
			 struct frame frame,
			 const ProtobufCMessage *message,
			 int fd)
{
	uint8_t body[512];

	must(protobuf_c_message_get_packed_size(message) <= sizeof body, "body");
	must(stream_queue(stream, &frame, body, protobuf_c_message_pack(message, body), fd) == 0,
	     "stream_queue");
	flush(stream);
}

static void greet(struct stream *control, const struct frame *hello)
{
	Wat__Envelope__Welcome welcome = WAT__ENVELOPE__WELCOME__INIT;
	uint8_t zeros[32] = {0};

	welcome.version = 1;
	welcome.challenge = (ProtobufCBinaryData){32, zeros};
	welcome.node_id = (ProtobufCBinaryData){16, zeros};
	send_message(control, (struct frame){.type = FRAME_WELCOME, .id = hello->id}, &welcome.base,
		     -1);
}

static void refuse(struct stream *control, const struct frame *frame, unsigned status)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;

	failure.text = (char *)"the fake says no";
	send_message(control, (struct frame){.type = FRAME_FAIL, .id = frame->id, .budget = status},
		     &failure.base, -1);
}

static void bind_channel(struct fake *fake,
			 struct stream *control,
			 const struct frame *frame,
			 const Wat__Envelope__Bind *bind)
{
	Wat__Envelope__Bound bound = WAT__ENVELOPE__BOUND__INIT;
	struct fake_bind *entry = &fake->binds[fake->n_binds];
	int pair[2];

	must(fake->n_binds < FAKE_BINDS_MAX && bind->lane.len == 16, "bind");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0,
	     "socketpair");
	entry->lane_mode = (int)bind->lane_mode;
	memcpy(entry->lane, bind->lane.data, 16);
	entry->channel = pair[1];
	fake->n_binds++;
	bound.handle = (uint32_t)fake->n_binds;
	bound.service = (char *)"fake.Service";
	bound.instance = (char *)"f1";
	send_message(control, (struct frame){.type = FRAME_BOUND, .id = frame->id}, &bound.base,
		     pair[0]);
	must(write(fake->ready[1], "", 1) == 1, "write");
}

static void note_drop(struct fake *fake, uint32_t handle)
{
	if (handle == ADMIN_HANDLE || handle == NODE_HANDLE)
		return;
	(void)pthread_mutex_lock(&fake->lock);
	must(handle > 0 && handle <= fake->n_binds && !fake->dropped[handle], "DROP");
	fake->dropped[handle] = true;
	(void)pthread_mutex_unlock(&fake->lock);
}

static void bind_control(struct stream *control, const struct frame *frame, uint32_t handle)
{
	Wat__Envelope__Bound bound = WAT__ENVELOPE__BOUND__INIT;

	bound.handle = handle;
	bound.service = (char *)"fake.Service";
	bound.instance = (char *)"f1";
	send_message(control, (struct frame){.type = FRAME_BOUND, .id = frame->id}, &bound.base,
		     -1);
}

static void stop(struct fake *fake, struct stream *control, const struct frame *call)
{
	Wat__Admin__StopReply reply = WAT__ADMIN__STOP_REPLY__INIT;

	must(call->handle == ADMIN_HANDLE && call->method == 2, "a call that is no Stop");
	(void)pthread_mutex_lock(&fake->lock);
	fake->n_stops++;
	(void)pthread_mutex_unlock(&fake->lock);
	send_message(control,
		     (struct frame){.type = FRAME_REPLY, .id = call->id, .handle = ADMIN_HANDLE},
		     &reply.base, -1);
}

static void answer_node(struct fake *fake, struct stream *control, const struct frame *call)
{
	Wat__Empty empty = WAT__EMPTY__INIT;
	bool lost;

	(void)pthread_mutex_lock(&fake->lock);
	fake->n_node_calls++;
	lost = fake->n_hang_ups > 0;
	fake->n_hang_ups -= lost;
	(void)pthread_mutex_unlock(&fake->lock);
	if (lost)
		(void)shutdown(control->fd, SHUT_RDWR);
	else
		send_message(
			control,
			(struct frame){.type = FRAME_REPLY, .id = call->id, .handle = NODE_HANDLE},
			&empty.base, -1);
}

static void handle(struct fake *fake,
		   struct stream *control,
		   const struct frame *frame,
		   const uint8_t *body)
{
	Wat__Envelope__Bind *bind;

	if (frame->type == FRAME_HELLO)
		greet(control, frame);
	if (frame->type == FRAME_DROP)
		note_drop(fake, frame->handle);
	if (frame->type == FRAME_CALL && frame->handle == NODE_HANDLE)
		answer_node(fake, control, frame);
	else if (frame->type == FRAME_CALL)
		stop(fake, control, frame);
	if (frame->type != FRAME_BIND)
		return;
	bind = wat__envelope__bind__unpack(NULL, frame->body_len, body);
	must(bind != NULL, "BIND");
	(void)pthread_mutex_lock(&fake->lock);
	if (fake->refuse_status)
		refuse(control, frame, fake->refuse_status);
	else if (bind->role == WAT__ENVELOPE__ROLE__ADMIN)
		bind_control(control, frame, ADMIN_HANDLE);
	else if (bind->role == WAT__ENVELOPE__ROLE__NODE)
		bind_control(control, frame, NODE_HANDLE);
	else
		bind_channel(fake, control, frame, bind);
	(void)pthread_mutex_unlock(&fake->lock);
	wat__envelope__bind__free_unpacked(bind, NULL);
}

static void serve_connection(struct fake *fake, int fd)
{
	struct stream control;
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	struct frame frame;
	const uint8_t *body;
	int taken;

	stream_init(&control, fd, WAT_CONTROL_BODY_MAX);
	while (poll(&readable, 1, -1) > 0 && stream_read(&control) > 0)
		while (stream_next(&control, &frame, &body, &taken) > 0)
			handle(fake, &control, &frame, body);
	(void)pthread_mutex_lock(&fake->lock);
	fake->control = -1;
	stream_deinit(&control);
	(void)pthread_mutex_unlock(&fake->lock);
}

static void *serve(void *arg)
{
	struct fake *fake = arg;
	int fd;

	while ((fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		bool deaf;

		(void)pthread_mutex_lock(&fake->lock);
		deaf = fake->deaf;
		fake->n_connections++;
		fake->control = deaf ? -1 : fd;
		(void)pthread_mutex_unlock(&fake->lock);
		if (deaf)
			close(fd);
		else
			serve_connection(fake, fd);
	}
	return NULL;
}

void fake_start(struct fake *fake)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*fake = (struct fake){.control = -1};
	must(sodium_init() >= 0, "sodium_init");
	test_make_dir(fake->dir, sizeof fake->dir);
	snprintf(fake->path, sizeof fake->path, "%s/sock", fake->dir);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", fake->path);
	must(pthread_mutex_init(&fake->lock, NULL) == 0, "mutex");
	must(pipe(fake->ready) == 0, "pipe");
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(fake->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
		     listen(fake->listener, 16) == 0,
	     "listener");
	must(pthread_create(&fake->thread, NULL, serve, fake) == 0, "thread");
}

void fake_set(struct fake *fake, unsigned refuse_status, bool deaf)
{
	(void)pthread_mutex_lock(&fake->lock);
	fake->refuse_status = refuse_status;
	fake->deaf = deaf;
	(void)pthread_mutex_unlock(&fake->lock);
}

bool fake_dropped(struct fake *fake, size_t handle)
{
	bool dropped;

	(void)pthread_mutex_lock(&fake->lock);
	dropped = fake->dropped[handle];
	(void)pthread_mutex_unlock(&fake->lock);
	return dropped;
}

void fake_hang_up(struct fake *fake)
{
	(void)pthread_mutex_lock(&fake->lock);
	if (fake->control >= 0)
		(void)shutdown(fake->control, SHUT_RDWR);
	(void)pthread_mutex_unlock(&fake->lock);
}

void fake_stop(struct fake *fake)
{
	(void)shutdown(fake->listener, SHUT_RDWR);
	fake_hang_up(fake);
	(void)pthread_join(fake->thread, NULL);
	for (size_t i = fake->n_taken; i < fake->n_binds; i++)
		close(fake->binds[i].channel);
	close(fake->listener);
	close(fake->ready[0]);
	close(fake->ready[1]);
	unlink(fake->path);
	rmdir(fake->dir);
	(void)pthread_mutex_destroy(&fake->lock);
}

/* One step of the client, or something to read at fd: never a busy wait. */
static bool step(wat *w, int fd)
{
	struct pollfd fds[] = {{.fd = wat_fd(w), .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	assert_true(poll(fds, 2, wat_timeout_ms(w)) >= 0);
	assert_int_equal(wat_dispatch(w, 0), 0);
	return fds[1].revents != 0;
}

wat *fake_connect(struct fake *fake)
{
	wat *w = NULL;

	assert_int_equal(wat_connect(fake->path, &w), 0);
	return w;
}

static void make_token(int role, char text[static TOKEN_TEXT_MAX])
{
	struct token token = {.role = (uint8_t)role, .not_after = UINT64_MAX, .has_seed = true};
	uint8_t sk[64];

	memset(token.seed, 7, sizeof token.seed);
	crypto_sign_seed_keypair(token.holder_pk, sk, token.seed);
	token_to_text(&token, text);
}

struct opening {
	wat *w;
	wat_capability *user;
	int r;
};

static void *open_user(void *arg)
{
	struct opening *opening = arg;
	char text[TOKEN_TEXT_MAX];

	make_token(TOKEN_USER, text);
	opening->r = wat_capability_open(opening->w, WAT_ROLE_USER, 0, text, &opening->user);
	return NULL;
}

wat_capability *fake_user(struct fake *fake, wat *w, struct stream *ret)
{
	struct opening opening = {.w = w};
	pthread_t thread;
	char byte;

	assert_int_equal(pthread_create(&thread, NULL, open_user, &opening), 0);
	must(read(fake->ready[0], &byte, 1) == 1, "read");
	stream_init(ret, fake->binds[fake->n_taken++].channel, WAT_BODY_MAX);
	fake_attached(ret, WAT__ENVELOPE__LANE_STATE__LANE_NEW, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(opening.r, 0);
	return opening.user;
}

wat_capability *fake_admin(wat *w)
{
	wat_capability *admin = NULL;
	char text[TOKEN_TEXT_MAX];

	make_token(TOKEN_ADMIN, text);
	assert_int_equal(wat_capability_open(w, WAT_ROLE_ADMIN, 0, text, &admin), 0);
	return admin;
}

void fake_lose_node_calls(struct fake *fake, unsigned n)
{
	(void)pthread_mutex_lock(&fake->lock);
	fake->n_hang_ups = n;
	fake->n_node_calls = 0;
	(void)pthread_mutex_unlock(&fake->lock);
}

unsigned fake_node_calls(struct fake *fake)
{
	unsigned n;

	(void)pthread_mutex_lock(&fake->lock);
	n = fake->n_node_calls;
	(void)pthread_mutex_unlock(&fake->lock);
	return n;
}

unsigned fake_stops(struct fake *fake)
{
	unsigned n;

	(void)pthread_mutex_lock(&fake->lock);
	n = fake->n_stops;
	(void)pthread_mutex_unlock(&fake->lock);
	return n;
}

void fake_next_channel(struct fake *fake, wat *w, struct stream *ret, struct fake_bind *ret_bind)
{
	char byte;

	while (!step(w, fake->ready[0]))
		;
	must(read(fake->ready[0], &byte, 1) == 1, "read");
	*ret_bind = fake->binds[fake->n_taken++];
	stream_init(ret, ret_bind->channel, WAT_BODY_MAX);
}

void fake_attached(struct stream *channel, int lane, uint64_t last_applied)
{
	Wat__Envelope__Attached attached = WAT__ENVELOPE__ATTACHED__INIT;

	attached.generation = 1;
	attached.lane = (Wat__Envelope__LaneState)lane;
	attached.last_applied = last_applied;
	send_message(channel, (struct frame){.type = FRAME_ATTACHED}, &attached.base, -1);
}

struct frame fake_frame(wat *w, struct stream *channel, const uint8_t **ret_body)
{
	struct frame frame;
	int fd, r;

	while ((r = stream_next(channel, &frame, ret_body, &fd)) == 0) {
		while (!step(w, channel->fd))
			;
		r = stream_read(channel);
		if (r <= 0 && r != -EAGAIN)
			fail_msg("the client hung up");
	}
	assert_int_equal(r, 1);
	return frame;
}

struct frame fake_expect(wat *w, struct stream *channel, uint8_t type)
{
	const uint8_t *body;
	struct frame frame = fake_frame(w, channel, &body);

	assert_string_equal(frame_type_name(frame.type), frame_type_name(type));
	return frame;
}

void fake_reply(struct stream *channel, uint64_t id, const char *body)
{
	struct frame frame = {.type = FRAME_REPLY, .id = id};

	must(stream_queue(channel, &frame, body, strlen(body), -1) == 0, "reply");
	flush(channel);
}

void fake_fail(struct stream *channel, uint64_t id, unsigned status)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;

	failure.text = (char *)"the fake service says no";
	send_message(channel, (struct frame){.type = FRAME_FAIL, .id = id, .budget = status},
		     &failure.base, -1);
}

void fake_go_away(struct stream *channel, unsigned status, uint64_t last_read_id)
{
	Wat__Envelope__GoAway message = WAT__ENVELOPE__GO_AWAY__INIT;

	message.status = status;
	message.last_read_id = last_read_id;
	send_message(channel, (struct frame){.type = FRAME_GOAWAY}, &message.base, -1);
}

void fake_bytes(struct stream *channel, const void *bytes, size_t n)
{
	must(write(channel->fd, bytes, n) == (ssize_t)n, "write");
}

static void on_done(void *arg,
		    int status,
		    const uint8_t *reply,
		    size_t n,
		    const struct wat_failure *failure)
{
	struct outcome *outcome = arg;

	outcome->n++;
	outcome->status = status;
	if (status == 0)
		snprintf(outcome->reply, sizeof outcome->reply, "%.*s", (int)n,
			 (const char *)reply);
	else
		snprintf(outcome->text, sizeof outcome->text, "%s", failure->text);
	if (outcome->order)
		strcat(outcome->order, outcome->sequence);
}

void fake_send(wat_capability *user, uint32_t flags, const char *body, struct outcome *outcome)
{
	assert_int_equal(wat_send_raw(user, 0, flags, 0, body, strlen(body), on_done, outcome), 0);
}

void fake_wait(wat *w, struct outcome *outcome)
{
	while (outcome->n == 0)
		(void)step(w, -1);
}
