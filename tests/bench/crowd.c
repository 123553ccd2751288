/* crowd.c - many connections that lie idle. */
#include "tests/bench/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/bench/child.h"
#include "tests/bench/machine.h"

/* Lanes of one grant are few by contract. */
#define CONNECTIONS_PER_GRANT 16u
#define CLIENTS_OF_ONE 1000u /* in one process */
#define PROCESSES_MAX 32u
#define DESCRIPTORS_ASIDE 200u

const char *const crowd_names[N_CROWDS] = {
	[CROWD_UNIX] = "unix",
	[CROWD_TCP] = "TCP",
	[CROWD_TCP_GREETED] = "TCP, not bound",
};

struct scene {
	struct node node;
	counter_admin *admin;
	enum crowd_kind kind;
	const char *dir;
	pid_t clients[PROCESSES_MAX];
	size_t n_clients;
};

/* Of the gate: the client's, that to watd, and the channel. */
static size_t possible(enum crowd_kind kind, size_t wanted)
{
	static const size_t needed[N_CROWDS] = {
		[CROWD_UNIX] = 1, [CROWD_TCP] = 3, [CROWD_TCP_GREETED] = 2};
	struct rlimit limit;
	size_t n;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		fatal("getrlimit");
	n = ((size_t)limit.rlim_max - DESCRIPTORS_ASIDE) / needed[kind];
	return n < wanted ? n : wanted;
}

static void write_token(struct scene *scene, size_t i, FILE *out)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	char name[32], *token = NULL;

	(void)snprintf(name, sizeof name, "crowd-%zu-%zu", scene->n_clients, i);
	grant.name = name;
	if (wat_provision_raw((wat_capability *)scene->admin, &grant, &token) != 0)
		fatal("Provision: %s", wat_failure()->text);
	(void)fprintf(out, "%s\n", token);
	wat_memory_free(token);
}

static void write_tokens(struct scene *scene, size_t n, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		fatal("%s", path);
	for (size_t i = 0; i * CONNECTIONS_PER_GRANT < n; i++)
		write_token(scene, i, out);
	if (fclose(out) != 0)
		fatal("%s", path);
}

static void await_ready(int out)
{
	_cleanup_(file_closep) FILE *file = fdopen(out, "r");
	char line[512] = "nothing";

	if (!file || !fgets(line, sizeof line, file) || strcmp(line, "ready\n") != 0)
		fatal("one of many: %s", line);
}

/* A process of so many clients. */
static void join(struct scene *scene, size_t n)
{
	char count[16], path[160];
	const char *place = scene->kind == CROWD_UNIX ? scene->node.socket : scene->node.remote;
	char *arguments[] = {(char *)WAT_BUILD_DIR "/bin/bench-idle", (char *)place, count, path,
			     NULL};
	int out;

	(void)snprintf(count, sizeof count, "%zu", n);
	(void)snprintf(path, sizeof path, "%s/tokens", scene->dir);
	if (scene->kind == CROWD_TCP_GREETED)
		arguments[3] = NULL;
	else
		write_tokens(scene, n, path);
	scene->clients[scene->n_clients++] = child_start(arguments, NULL, &out);
	await_ready(out);
}

static double held_by(pid_t server)
{
	struct memory memory = tree_memory(server);

	return memory.pss > 0 ? memory.pss : memory.rss;
}

static void begin(struct scene *scene, const char *dir)
{
	if (mkdir(dir, 0700) < 0)
		fatal("%s", dir);
	scene->dir = dir;
	node_start_wide(&scene->node, dir);
	scene->admin = node_spawn(&scene->node, "crowd", WAT_TIER_PROCESS, WAT_DURABILITY_DEFAULT);
}

static void end(struct scene *scene)
{
	for (size_t i = 0; i < scene->n_clients; i++)
		child_end(scene->clients[i]);
	counter_admin_free(scene->admin);
	node_end(&scene->node);
}

void crowd_measure(const char *dir, enum crowd_kind kind, size_t n, struct crowd *ret)
{
	struct scene scene = {.kind = kind};
	char own[128];
	double before;

	(void)snprintf(own, sizeof own, "%s/crowd-%u", dir, kind);
	begin(&scene, own);
	/* One before: what is made for the first is not for each. */
	join(&scene, 1);
	before = held_by(scene.node.pid);
	ret->n = possible(kind, n) - 1;
	for (size_t left = ret->n; left > 0;) {
		size_t some = left < CLIENTS_OF_ONE ? left : CLIENTS_OF_ONE;

		join(&scene, some);
		left -= some;
	}
	ret->all = held_by(scene.node.pid);
	ret->added = ret->all - before;
	end(&scene);
}
