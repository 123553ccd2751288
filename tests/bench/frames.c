/* frames.c - clients of the same echo that make each frame and read each that comes back, as any
 * program that speaks in frames has to. To one of them the bodies are nothing; the other packs each
 * message and unpacks each that comes back, by the code that protoc-gen-c makes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "proto/stream.h"
#include "tests/bench/child.h"
#include "tests/bench/contestants.h"

#define BODY_MAX 1024u

struct frames {
	bool messages; /* are in the bodies */
	struct stream streams[CONNECTIONS];
	uint64_t sent[CONNECTIONS], came[CONNECTIONS]; /* ids */
	int epoll;
};

static uint8_t *reserve(struct frames *frames, size_t i, size_t n)
{
	struct frame frame = {.type = FRAME_CALL, .method = 1, .id = ++frames->sent[i]};
	uint8_t *body;

	if (stream_reserve(&frames->streams[i], &frame, n, &body) < 0)
		fatal("no memory");
	return body;
}

/* An Increment by 1. */
static void queue(struct frames *frames, size_t i)
{
	Counter__Amount amount = COUNTER__AMOUNT__INIT;
	uint8_t *body;

	if (frames->messages) {
		amount.n = 1;
		body = reserve(frames, i, counter__amount__get_packed_size(&amount));
		(void)counter__amount__pack(&amount, body);
		return;
	}
	body = reserve(frames, i, 2);
	body[0] = 0x08;
	body[1] = 0x02;
}

static void look_at(const uint8_t *body, size_t n)
{
	Counter__Amount *amount = counter__amount__unpack(NULL, n, body);

	if (!amount || amount->n != 1)
		fatal("a message came back as another one");
	counter__amount__free_unpacked(amount, NULL);
}

static void write_queued(struct frames *frames, size_t i)
{
	int r = stream_write(&frames->streams[i]);

	if (r < 0)
		fatal("the echo does not take what is sent: %s", strerror(-r));
}

/* One read; returns the frames that it completed. */
static size_t read_frames(struct frames *frames, size_t i, bool again)
{
	struct stream *stream = &frames->streams[i];
	int r = stream_read(stream), fd;
	const uint8_t *body;
	struct frame frame;
	size_t n = 0;

	if (r <= 0 && r != -EAGAIN)
		fatal("the echo has gone");
	while ((r = stream_next(stream, &frame, &body, &fd)) > 0) {
		if (frame.id != ++frames->came[i])
			fatal("a frame came back in another order");
		if (frames->messages)
			look_at(body, frame.body_len);
		if (again)
			queue(frames, i);
		n++;
	}
	if (r < 0)
		fatal("what came back is no frame");
	if (again)
		write_queued(frames, i);
	return n;
}

static size_t turn(struct frames *frames, bool again)
{
	struct epoll_event events[CONNECTIONS];
	int n = epoll_wait(frames->epoll, events, CONNECTIONS, -1);
	size_t came = 0;

	for (int i = 0; i < n; i++)
		came += read_frames(frames, events[i].data.u32, again);
	return came;
}

static double round_trips(struct frames *frames, double until)
{
	double n = 0;

	while (now_s() < until)
		for (int i = 0; i < 16; i++, n++) {
			queue(frames, 0);
			write_queued(frames, 0);
			while (turn(frames, false) == 0)
				;
		}
	return n;
}

static double pipelined(struct frames *frames, double until)
{
	size_t n = 0, left = (size_t)CONNECTIONS * IN_FLIGHT;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		for (size_t k = 0; k < IN_FLIGHT; k++)
			queue(frames, i);
		write_queued(frames, i);
	}
	while (now_s() < until)
		n += turn(frames, true);
	while (left > 0)
		left -= turn(frames, false);
	return (double)n + CONNECTIONS * IN_FLIGHT;
}

static void run(struct contestant *contestant, enum load load, double seconds, struct run *ret)
{
	struct frames *frames = contestant->client;
	double start = now_s();

	if (load == LOAD_ROUND_TRIP)
		ret->n_calls = round_trips(frames, start + seconds);
	else
		ret->n_calls = pipelined(frames, start + seconds);
	ret->wall_s = now_s() - start;
}

void frames_start(struct contestant *ret, const struct echo *echo, bool messages)
{
	struct frames *frames = calloc(1, sizeof *frames);

	if (!frames)
		fatal("no memory");
	*ret = (struct contestant){.name = messages ? "raw, messages" : "raw, frames",
				   .pid = echo->pid,
				   .run = run,
				   .client = frames};
	frames->messages = messages;
	frames->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < CONNECTIONS; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
		int fd = echo_connect(echo);

		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
		    epoll_ctl(frames->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			fatal("epoll: %s", strerror(errno));
		stream_init(&frames->streams[i], fd, BODY_MAX);
	}
}
