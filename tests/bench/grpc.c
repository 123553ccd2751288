/* grpc.c - bench-grpc, if it was built: a server of its own, and a client that is started for each
 * run. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/bench/child.h"
#include "tests/bench/contestants.h"

#define PROGRAM WAT_BUILD_DIR "/bin/bench-grpc"

struct grpc {
	char port[16];
};

/* "CALLS SECONDS" */
static void parse(int out, struct run *ret)
{
	_cleanup_(file_closep) FILE *file = fdopen(out, "r");

	if (!file || fscanf(file, "%lf %lf", &ret->n_calls, &ret->wall_s) != 2 ||
	    !(ret->n_calls > 0))
		fatal("bench-grpc named no rate");
}

static void run(struct contestant *contestant, enum load load, double seconds, struct run *ret)
{
	const struct grpc *grpc = contestant->client;
	bool pipelined = load == LOAD_PIPELINED;
	char connections[16], in_flight[16], time[32];
	char *arguments[] = {(char *)PROGRAM,
			     (char *)"call",
			     (char *)grpc->port,
			     connections,
			     in_flight,
			     time,
			     NULL};
	pid_t pid;
	int out;

	(void)snprintf(connections, sizeof connections, "%u", pipelined ? CONNECTIONS : 1);
	(void)snprintf(in_flight, sizeof in_flight, "%u", pipelined ? IN_FLIGHT : 1);
	(void)snprintf(time, sizeof time, "%.4f", seconds);
	pid = child_start(arguments, NULL, &out);
	parse(out, ret);
	ret->cpu_s = child_wait(pid);
}

bool grpc_exists(void)
{
	return access(PROGRAM, X_OK) == 0;
}

void grpc_start(struct contestant *ret, const char *dir)
{
	struct grpc *grpc = calloc(1, sizeof *grpc);
	char *arguments[] = {(char *)PROGRAM, (char *)"serve", grpc ? grpc->port : NULL, NULL};
	char log[128];
	unsigned port = port_free();

	if (!grpc)
		fatal("no memory");
	(void)snprintf(grpc->port, sizeof grpc->port, "%u", port);
	(void)snprintf(log, sizeof log, "%s/grpc.log", dir);
	*ret = (struct contestant){.name = "gRPC C++", .run = run, .client = grpc};
	ret->pid = child_start(arguments, log, NULL);
	child_wait_port(ret->pid, port);
}
