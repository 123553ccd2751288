/* raw.c - the raw client: frames that were made once, sent and counted; nothing is encoded, decoded
 * or looked at. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/frame.h"
#include "tests/bench/child.h"
#include "tests/bench/contestants.h"

/* What an Increment by 1 takes: a header and {n: 1}. */
#define BODY_SIZE 2u
#define FRAME_SIZE (FRAME_HEADER_SIZE + BODY_SIZE)
#define READ_SIZE 65536u

struct raw {
	int fds[CONNECTIONS];
	size_t partial[CONNECTIONS]; /* bytes of a frame that has not wholly come back */
	int epoll;
	char frames[IN_FLIGHT * FRAME_SIZE];
};

static void make_frames(struct raw *raw)
{
	struct frame frame = {.body_len = BODY_SIZE, .type = FRAME_CALL, .method = 1};

	for (size_t i = 0; i < IN_FLIGHT; i++) {
		uint8_t *at = (uint8_t *)raw->frames + i * FRAME_SIZE;

		frame.id = i + 1;
		frame_encode(&frame, at);
		at[FRAME_HEADER_SIZE] = 0x08;
		at[FRAME_HEADER_SIZE + 1] = 0x02;
	}
}

static void write_frames(const struct raw *raw, int fd, size_t n)
{
	if (n > 0 &&
	    send(fd, raw->frames, n * FRAME_SIZE, MSG_NOSIGNAL) != (ssize_t)(n * FRAME_SIZE))
		fatal("the echo does not take what is sent: %s", strerror(errno));
}

/* One read; returns the frames that it completed. */
static size_t read_frames(struct raw *raw, size_t i)
{
	static char buffer[READ_SIZE];
	ssize_t n = read(raw->fds[i], buffer, sizeof buffer);
	size_t held;

	if (n <= 0)
		fatal("the echo has gone");
	held = raw->partial[i] + (size_t)n;
	raw->partial[i] = held % FRAME_SIZE;
	return held / FRAME_SIZE;
}

static double round_trips(struct raw *raw, double until)
{
	double n = 0;

	while (now_s() < until)
		for (int i = 0; i < 16; i++, n++) {
			write_frames(raw, raw->fds[0], 1);
			while (read_frames(raw, 0) == 0)
				;
		}
	return n;
}

/* Returns the frames that came; the same number is sent again. */
static size_t turn(struct raw *raw, bool again)
{
	struct epoll_event events[CONNECTIONS];
	int n = epoll_wait(raw->epoll, events, CONNECTIONS, -1);
	size_t came = 0;

	for (int i = 0; i < n; i++) {
		size_t frames = read_frames(raw, events[i].data.u32);

		if (again)
			write_frames(raw, raw->fds[events[i].data.u32], frames);
		came += frames;
	}
	return came;
}

static double pipelined(struct raw *raw, double until)
{
	size_t n = 0, left = (size_t)CONNECTIONS * IN_FLIGHT;

	for (size_t i = 0; i < CONNECTIONS; i++)
		write_frames(raw, raw->fds[i], IN_FLIGHT);
	while (now_s() < until)
		n += turn(raw, true);
	while (left > 0)
		left -= turn(raw, false);
	return (double)n + CONNECTIONS * IN_FLIGHT;
}

static void run(struct contestant *contestant, enum load load, double seconds, struct run *ret)
{
	struct raw *raw = contestant->client;
	double start = now_s();

	if (load == LOAD_ROUND_TRIP)
		ret->n_calls = round_trips(raw, start + seconds);
	else
		ret->n_calls = pipelined(raw, start + seconds);
	ret->wall_s = now_s() - start;
}

void echo_start(struct echo *ret, const char *program, const char *dir)
{
	char log[128];
	char *arguments[] = {(char *)program, ret->path, NULL};

	(void)snprintf(ret->path, sizeof ret->path, "%s/echo.sock", dir);
	(void)snprintf(log, sizeof log, "%s/echo.log", dir);
	ret->pid = child_start(arguments, log, NULL);
	child_wait_socket(ret->pid, ret->path);
}

void echo_start_tcp(struct echo *ret, const char *program, const char *dir)
{
	char log[128], port[16];
	char *arguments[] = {(char *)program, (char *)"--tcp", port, NULL};

	ret->port = port_free();
	(void)snprintf(port, sizeof port, "%u", ret->port);
	(void)snprintf(log, sizeof log, "%s/echo-tcp.log", dir);
	ret->pid = child_start(arguments, log, NULL);
	child_wait_port(ret->pid, ret->port);
}

int echo_connect(const struct echo *echo)
{
	return echo->port > 0 ? port_connect(echo->port) : socket_connect(echo->path);
}

void raw_start(struct contestant *ret, const struct echo *echo)
{
	struct raw *raw = calloc(1, sizeof *raw);

	if (!raw)
		fatal("no memory");
	*ret = (struct contestant){
		.name = "raw epoll echo", .pid = echo->pid, .run = run, .client = raw};
	make_frames(raw);
	raw->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < CONNECTIONS; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		raw->fds[i] = echo_connect(echo);
		if (epoll_ctl(raw->epoll, EPOLL_CTL_ADD, raw->fds[i], &event) < 0)
			fatal("epoll: %s", strerror(errno));
	}
}
