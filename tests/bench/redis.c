/* redis.c - a redis-server of our own and redis-benchmark, as Debian ships them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/bench/child.h"
#include "tests/bench/contestants.h"

struct redis {
	char socket[128];
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
	return rate;
}

static void run(struct contestant *contestant, enum load load, double seconds, struct run *ret)
{
	struct redis *redis = contestant->client;
	bool pipelined = load == LOAD_PIPELINED;
	char connections[16], in_flight[16], calls[32];
	char *arguments[] = {(char *)"redis-benchmark",
			     (char *)"-s",
			     redis->socket,
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

void redis_start(struct contestant *ret, const char *dir)
{
	struct redis *redis = calloc(1, sizeof *redis);
	char log[128];
	char *arguments[] = {(char *)"redis-server",
			     (char *)"--port",
			     (char *)"0",
			     (char *)"--unixsocket",
			     redis ? redis->socket : NULL,
			     (char *)"--save",
			     (char *)"",
			     (char *)"--appendonly",
			     (char *)"no",
			     (char *)"--dir",
			     (char *)dir,
			     NULL};

	if (!redis)
		fatal("no memory");
	redis->per_second[LOAD_ROUND_TRIP] = 20e3;
	redis->per_second[LOAD_PIPELINED] = 500e3;
	(void)snprintf(redis->socket, sizeof redis->socket, "%s/redis.sock", dir);
	(void)snprintf(log, sizeof log, "%s/redis.log", dir);
	*ret = (struct contestant){.name = "redis-server", .run = run, .client = redis};
	ret->pid = child_start(arguments, log, NULL);
	child_wait_socket(ret->pid, redis->socket);
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
