/* redis.c - a redis-server of our own and redis-benchmark, as Debian ships them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/bench/child.h"
#include "tests/bench/contestants.h"

#define RATE_MAX 1e7 /* of a run that took no millisecond it says "inf" */

struct redis {
	char socket[128]; /* "": by TCP */
	char port[16];
	double per_second[N_LOADS]; /* the last one; redis-benchmark counts calls, not seconds */
};

/* The line "INCR counter","1720430.12",... */
static double parse_rate(int out)
{
	_cleanup_(file_closep) FILE *file = fdopen(out, "r");
	char line[1024];
	double rate = 0;

	while (file && fgets(line, sizeof line, file)) {
		const char *number = strncmp(line, "\"INCR", 5) == 0 ? strstr(line, "\",\"") : NULL;

		if (number)
			rate = strtod(number + 3, NULL);
	}
	if (!(rate > 0))
		fatal("redis-benchmark named no rate");
	return rate < RATE_MAX ? rate : RATE_MAX;
}

static void run(struct contestant *contestant, enum load load, double seconds, struct run *ret)
{
	struct redis *redis = contestant->client;
	bool pipelined = load == LOAD_PIPELINED;
	char connections[16], in_flight[16], calls[32];
	char *arguments[] = {(char *)"redis-benchmark",
			     (char *)(*redis->socket ? "-s" : "-p"),
			     *redis->socket ? redis->socket : redis->port,
			     (char *)"-c",
			     connections,
			     (char *)"-P",
			     in_flight,
			     (char *)"-n",
			     calls,
			     (char *)"--csv",
			     (char *)"INCR",
			     (char *)"counter",
			     NULL};
	double rate;
	pid_t pid;
	int out;

	ret->n_calls = (double)(long)(redis->per_second[load] * seconds) + 1;
	(void)snprintf(connections, sizeof connections, "%u", pipelined ? CONNECTIONS : 1);
	(void)snprintf(in_flight, sizeof in_flight, "%u", pipelined ? IN_FLIGHT : 1);
	(void)snprintf(calls, sizeof calls, "%.0f", ret->n_calls);
	pid = child_start(arguments, NULL, &out);
	rate = redis->per_second[load] = parse_rate(out);
	ret->wall_s = ret->n_calls / rate;
	ret->cpu_s = child_wait(pid);
}

/* In a directory of its own, for an append-only file of its own. */
static void start_server(struct contestant *ret, const char *dir, const char *append)
{
	struct redis *redis = ret->client;
	char own[128], log[160];
	char *arguments[] = {(char *)"redis-server",
			     (char *)"--port",
			     redis->port,
			     (char *)"--bind",
			     (char *)"127.0.0.1",
			     (char *)"--unixsocket",
			     redis->socket,
			     (char *)"--save",
			     (char *)"",
			     (char *)"--dir",
			     own,
			     (char *)"--appendonly",
			     (char *)(append ? "yes" : "no"),
			     (char *)"--appendfsync",
			     (char *)(append ? append : "no"),
			     NULL};

	(void)snprintf(own, sizeof own, "%s/redis-XXXXXX", dir);
	if (!mkdtemp(own))
		fatal("%s: %s", own, strerror(errno));
	(void)snprintf(log, sizeof log, "%s/log", own);
	ret->pid = child_start(arguments, log, NULL);
	if (*redis->socket)
		child_wait_socket(ret->pid, redis->socket);
	else
		child_wait_port(ret->pid, (unsigned)strtoul(redis->port, NULL, 10));
}

static struct redis *redis_new(struct contestant *ret, const char *name)
{
	struct redis *redis = calloc(1, sizeof *redis);

	if (!redis)
		fatal("no memory");
	redis->per_second[LOAD_ROUND_TRIP] = 20e3;
	redis->per_second[LOAD_PIPELINED] = 500e3;
	(void)snprintf(redis->port, sizeof redis->port, "0");
	*ret = (struct contestant){.name = name, .run = run, .client = redis};
	return redis;
}

void redis_start(struct contestant *ret, const char *dir)
{
	struct redis *redis = redis_new(ret, "redis-server");

	(void)snprintf(redis->socket, sizeof redis->socket, "%s/redis.sock", dir);
	start_server(ret, dir, NULL);
}

void redis_start_tcp(struct contestant *ret, const char *dir)
{
	struct redis *redis = redis_new(ret, "redis-server");

	(void)snprintf(redis->port, sizeof redis->port, "%u", port_free());
	start_server(ret, dir, NULL);
}

void redis_start_durable(struct contestant *ret,
			 const char *dir,
			 const char *name,
			 const char *append)
{
	struct redis *redis = redis_new(ret, name);

	/* Until the first time tells better. */
	redis->per_second[LOAD_ROUND_TRIP] = 1e3;
	redis->per_second[LOAD_PIPELINED] = 50e3;
	(void)snprintf(redis->socket, sizeof redis->socket, "%s/redis-%s.sock", dir, append);
	start_server(ret, dir, append);
}

const char *redis_socket(const struct contestant *contestant)
{
	const struct redis *redis = contestant->client;

	return redis->socket;
}

void redis_version(char *ret_version, size_t size)
{
	char *arguments[] = {(char *)"redis-server", (char *)"--version", NULL};
	char line[256] = "";
	const char *v;
	int out;
	pid_t pid = child_start(arguments, NULL, &out);
	ssize_t n = read(out, line, sizeof line - 1);

	(void)close(out);
	(void)child_wait(pid);
	line[n > 0 ? n : 0] = '\0';
	v = strstr(line, "v=");
	(void)snprintf(ret_version, size, "%.*s", v ? (int)strcspn(v + 2, " \n") : 0,
		       v ? v + 2 : "");
}
