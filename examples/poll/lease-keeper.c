/* lease-keeper.c - a program whose own loop waits for several things, libwat among them: it passes
 * lines from stdin to stdout while it holds a lease, each behind the lease's fence, and gives the
 * lease back when stdin ends. Of any number of keepers one is at work; when it ends or dies another
 * goes on. One thread.
 *
 *   lease-keeper TOKEN-FILE NAME [TTL-MS]        the socket is $WAT_SOCKET, else the default */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lease.client.h"

struct keeper {
	wat *connection;
	lease_user *leases;
	const char *name;
	uint32_t ttl_ms;
	uint64_t fence;    /* of our lease; 0: it is not ours */
	uint64_t until_ms; /* ours for certain until then */
	uint64_t asked_ms, ask_ms;
	bool asking, ended;
	int failed; /* 1: said on stderr */
	char line[4096];
	size_t n;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int complain(const char *what, int r)
{
	fprintf(stderr, "lease-keeper: %s: %s: %s\n", what,
		r > 0 ? wat_status_name(r) : strerror(-r), wat_failure()->text);
	return 1;
}

/* Counted from when we asked: the service's lease lasts at least as long. */
static void keep(struct keeper *keeper, const lease_held *held)
{
	if (keeper->fence != held->fence)
		fprintf(stderr, "lease-keeper: %s is mine, fence %" PRIu64 "\n", keeper->name,
			held->fence);
	keeper->fence = held->fence;
	keeper->until_ms = keeper->asked_ms + keeper->ttl_ms;
	keeper->ask_ms = keeper->asked_ms + keeper->ttl_ms / 3;
}

static void wait_for(struct keeper *keeper, const lease_held *held)
{
	fprintf(stderr, "lease-keeper: %s has %s\n", held->holder, keeper->name);
	keeper->fence = 0;
	keeper->ask_ms = now_ms() + (held->left_ms < 1000 ? held->left_ms : 1000) + 1;
}

static void on_acquired(void *arg,
			int status,
			const lease_held *held,
			const struct wat_failure *failure)
{
	struct keeper *keeper = arg;

	keeper->asking = false;
	if (status == WAT_OK && held->mine) {
		keep(keeper, held);
	} else if (status == WAT_OK) {
		wait_for(keeper, held);
	} else {
		fprintf(stderr, "lease-keeper: Acquire: %s: %s\n",
			status > 0 ? wat_status_name(status) : strerror(-status), failure->text);
		keeper->failed = 1;
	}
}

static int ask(struct keeper *keeper)
{
	lease_wanted wanted = LEASE_WANTED_INIT;
	int r;

	wanted.name = (char *)keeper->name;
	wanted.ttl_ms = keeper->ttl_ms;
	keeper->asked_ms = now_ms();
	keeper->asking = true;
	r = lease_acquire_send(keeper->leases, &wanted, on_acquired, keeper);
	return r == 0 ? 0 : complain("Acquire", r);
}

static bool is_ours(const struct keeper *keeper)
{
	return keeper->fence != 0 && now_ms() < keeper->until_ms;
}

/* Until the next thing of ours is due, or of libwat's, whichever is first; -1: nothing is. */
static int timeout_ms(struct keeper *keeper)
{
	uint64_t now = now_ms();
	int ours, libwats = wat_timeout_ms(keeper->connection);

	if (keeper->asking)
		return libwats;
	ours = keeper->ask_ms > now ? (int)(keeper->ask_ms - now) : 0;
	return libwats >= 0 && libwats < ours ? libwats : ours;
}

static void take_bytes(struct keeper *keeper, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n' && keeper->n < sizeof keeper->line - 1) {
			keeper->line[keeper->n++] = bytes[i];
			continue;
		}
		printf("%" PRIu64 " %.*s\n", keeper->fence, (int)keeper->n, keeper->line);
		keeper->n = 0;
	}
	fflush(stdout);
}

static void read_stdin(struct keeper *keeper)
{
	char bytes[4096];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);

	if (n > 0)
		take_bytes(keeper, bytes, (size_t)n);
	else if (n == 0 || errno != EINTR)
		keeper->ended = true;
}

/* One pass of the loop. Lines are left in the pipe while the lease is not ours. */
static int pass(struct keeper *keeper)
{
	struct pollfd fds[] = {
		{.fd = wat_fd(keeper->connection), .events = POLLIN},
		{.fd = is_ours(keeper) ? STDIN_FILENO : -1, .events = POLLIN},
	};
	int r;

	if (poll(fds, 2, timeout_ms(keeper)) < 0 && errno != EINTR)
		return complain("poll", -errno);
	r = wat_dispatch(keeper->connection, 0);
	if (r != 0)
		return complain("libwat", r);
	if (fds[1].revents && is_ours(keeper))
		read_stdin(keeper);
	return keeper->failed;
}

static int run(struct keeper *keeper)
{
	int r = 0;

	while (r == 0 && !keeper->ended) {
		if (!keeper->asking && now_ms() >= keeper->ask_ms)
			r = ask(keeper);
		if (r == 0)
			r = pass(keeper);
	}
	if (r == 0 && is_ours(keeper)) {
		r = lease_release_with(keeper->leases, keeper->name);
		r = r == 0 ? 0 : complain("Release", r);
	}
	return r;
}

static int read_token(const char *path, char *token, int size)
{
	FILE *file = fopen(path, "r");

	if (!file || !fgets(token, size, file)) {
		fprintf(stderr, "lease-keeper: no token in %s: %s\n", path, strerror(errno));
		if (file)
			fclose(file);
		return 1;
	}
	return fclose(file) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct keeper keeper = {.ttl_ms = 10000};
	char token[2048];
	int r;

	if (argc > 3)
		keeper.ttl_ms = (uint32_t)strtoul(argv[3], NULL, 10);
	if (argc < 3 || argc > 4 || keeper.ttl_ms == 0) {
		fputs("usage: lease-keeper TOKEN-FILE NAME [TTL-MS]\n", stderr);
		return 64;
	}
	keeper.name = argv[2];
	if (read_token(argv[1], token, (int)sizeof token) != 0)
		return 1;
	r = wat_connect(NULL, &keeper.connection);
	if (r != 0)
		return complain("no watd", r);
	r = lease_user_open(keeper.connection, token, &keeper.leases);
	r = r != 0 ? complain("the token", r) : run(&keeper);
	lease_user_free(keeper.leases);
	wat_free(keeper.connection);
	return r;
}
