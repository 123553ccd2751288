/* service.c - a watd, and counters that libwat increments: every call is encoded, checked, decoded
 * and answered as in any program. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/child.h"
#include "tests/bench/contestants.h"

struct lane {
	counter_user *user;
	bool again; /* each answer is followed by a call */
	uint64_t n; /* answers */
};

struct service {
	wat *ws[CONNECTIONS];
	size_t n_ws; /* all Users by one, or each by its own */
	counter_admin *admin;
	struct lane lanes[CONNECTIONS];
	int64_t added;
};

static void must(int r, const char *what)
{
	if (r != 0)
		fatal("%s: %s", what, wat_failure()->text);
}

/* What watd --print-address says. */
static void ask_address(struct node *node, char *state, char *listen)
{
	char *arguments[] = {(char *)WAT_BUILD_DIR "/bin/watd",
			     (char *)"--state-dir",
			     state,
			     (char *)"--listen",
			     listen,
			     (char *)"--print-address",
			     NULL};
	int out;
	pid_t pid = child_start(arguments, NULL, &out);
	ssize_t n = read(out, node->remote, sizeof node->remote - 1);

	(void)close(out);
	(void)child_wait(pid);
	node->remote[n > 0 ? n : 0] = '\0';
	node->remote[strcspn(node->remote, "\n")] = '\0';
}

/* May so many stay that have bound nothing? */
enum width { NARROW, WIDE };

#define PLUGINS WAT_BUILD_DIR "/plugins"

static void start_node(struct node *ret, const char *dir, const char *plugin_dir, enum width width)
{
	char state[128], run[128], log[128], listen[32];
	char *arguments[] = {(char *)WAT_BUILD_DIR "/bin/watd",
			     (char *)"--state-dir",
			     state,
			     (char *)"--runtime-dir",
			     run,
			     (char *)"--plugin-dir",
			     (char *)plugin_dir,
			     (char *)"--log-level",
			     (char *)"warning",
			     (char *)"--listen",
			     listen,
			     (char *)"--gate-connections",
			     (char *)"100000",
			     (char *)"--gate-connections-of-address",
			     (char *)"100000",
			     (char *)"--max-connections",
			     (char *)"100000",
			     width == WIDE ? (char *)"--max-unauthenticated" : NULL,
			     (char *)"100000:100:100000",
			     (char *)"--max-connections-of-uid",
			     (char *)"100000",
			     (char *)"--handshake-burst",
			     (char *)"100000",
			     (char *)"--bind-burst",
			     (char *)"100000",
			     NULL};

	*ret = (struct node){0};
	(void)snprintf(state, sizeof state, "%s/state", dir);
	(void)snprintf(run, sizeof run, "%s/run", dir);
	(void)snprintf(log, sizeof log, "%s/watd.log", dir);
	(void)snprintf(listen, sizeof listen, "127.0.0.1:%u", port_free());
	(void)snprintf(ret->socket, sizeof ret->socket, "%s/run/watd.sock", dir);
	(void)snprintf(ret->admin_socket, sizeof ret->admin_socket, "%s/run/admin.sock", dir);
	ret->pid = child_start(arguments, log, NULL);
	child_wait_socket(ret->pid, ret->admin_socket);
	ask_address(ret, state, listen);
	must(wat_connect(ret->admin_socket, &ret->w), "watd");
	must(wat_node_open(ret->w, &ret->node), "the node");
}

void node_start(struct node *ret, const char *dir)
{
	start_node(ret, dir, PLUGINS, NARROW);
}

void node_start_wide(struct node *ret, const char *dir)
{
	start_node(ret, dir, PLUGINS, WIDE);
}

void node_start_with(struct node *ret, const char *dir, const char *plugin_dir)
{
	start_node(ret, dir, plugin_dir, NARROW);
}

void node_end(struct node *node)
{
	wat_node_free(node->node);
	wat_free(node->w);
	child_end(node->pid);
}

counter_admin *node_spawn(struct node *node, const char *name, uint32_t tier, uint32_t durability)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	counter_admin *admin = NULL;

	spawn.tier = tier;
	spawn.durability = durability;
	must(counter_spawn(node->node, name, &spawn, NULL, &admin), name);
	return admin;
}

counter_user *node_user(counter_admin *admin, const char *name)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_user *user = NULL;

	grant.name = name;
	must(counter_provision(admin, &grant, &user), name);
	return user;
}

static void on_value(void *arg,
		     int status,
		     const counter_value *out,
		     const struct wat_failure *failure)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	struct lane *lane = arg;

	if (status != 0 || out->value <= 0)
		fatal("Increment: %s", failure ? failure->text : "a wrong value");
	lane->n++;
	one.n = 1;
	if (lane->again)
		must(counter_increment_send(lane->user, &one, on_value, lane), "Increment");
}

static void fill(struct lane *lane)
{
	counter_amount one = COUNTER_AMOUNT_INIT;

	one.n = 1;
	lane->n = 0;
	lane->again = true;
	for (size_t i = 0; i < IN_FLIGHT; i++)
		must(counter_increment_send(lane->user, &one, on_value, lane), "Increment");
}

static void dispatch(struct service *service)
{
	struct pollfd fds[CONNECTIONS];

	if (service->n_ws == 1) {
		must(wat_dispatch(service->ws[0], -1), "wat_dispatch");
		return;
	}
	for (size_t i = 0; i < service->n_ws; i++)
		fds[i] = (struct pollfd){.fd = wat_fd(service->ws[i]), .events = POLLIN};
	/* There is always an answer to come. */
	if (poll(fds, service->n_ws, -1) < 0)
		fatal("poll");
	for (size_t i = 0; i < service->n_ws; i++)
		if (fds[i].revents)
			must(wat_dispatch(service->ws[i], 0), "wat_dispatch");
}

static size_t outstanding(struct service *service)
{
	size_t n = 0;

	for (size_t i = 0; i < service->n_ws; i++)
		n += wat_outstanding(service->ws[i]);
	return n;
}

static uint64_t pipelined(struct service *service, double until)
{
	uint64_t n = 0;

	for (size_t i = 0; i < CONNECTIONS; i++)
		fill(&service->lanes[i]);
	while (now_s() < until)
		dispatch(service);
	for (size_t i = 0; i < CONNECTIONS; i++)
		service->lanes[i].again = false;
	while (outstanding(service) > 0)
		dispatch(service);
	for (size_t i = 0; i < CONNECTIONS; i++)
		n += service->lanes[i].n;
	return n;
}

static uint64_t round_trips(struct service *service, double until)
{
	uint64_t n = 0;
	int64_t value;

	while (now_s() < until)
		for (int i = 0; i < 16; i++, n++)
			must(counter_increment_with(service->lanes[0].user, 1, &value),
			     "Increment");
	return n;
}

static void run(struct contestant *contestant, enum load load, double seconds, struct run *ret)
{
	struct service *service = contestant->client;
	double start = now_s();
	uint64_t n = load == LOAD_ROUND_TRIP ? round_trips(service, start + seconds)
					     : pipelined(service, start + seconds);

	ret->wall_s = now_s() - start;
	ret->n_calls = (double)n;
	service->added += (int64_t)n;
}

static void open_user(struct service *service, size_t i)
{
	counter_user *first;
	char *token = NULL, user[32];

	(void)snprintf(user, sizeof user, "u%zu", i);
	first = node_user(service->admin, user);
	must(counter_user_token(first, &token), user);
	must(counter_user_open(service->ws[i % service->n_ws], token, &service->lanes[i].user),
	     user);
	counter_user_free(first);
	wat_memory_free(token);
}

static void start(struct contestant *ret,
		  const struct node *node,
		  counter_admin *admin,
		  const char *address,
		  size_t n_ws)
{
	struct service *service = calloc(1, sizeof *service);

	if (!service)
		fatal("no memory");
	ret->pid = node->pid;
	ret->run = run;
	ret->client = service;
	service->admin = admin;
	service->n_ws = n_ws;
	for (size_t i = 0; i < n_ws; i++)
		must(wat_connect(address, &service->ws[i]), address);
	for (size_t i = 0; i < CONNECTIONS; i++)
		open_user(service, i);
}

void service_start(struct contestant *ret,
		   const char *name,
		   struct node *node,
		   uint32_t tier,
		   uint32_t durability)
{
	char instance[32];

	*ret = (struct contestant){.name = name};
	(void)snprintf(instance, sizeof instance, "bench-%u-%u", tier, durability);
	start(ret, node, node_spawn(node, instance, tier, durability), node->socket, 1);
}

void service_start_tcp(struct contestant *ret,
		       const char *name,
		       struct node *node,
		       uint32_t tier,
		       uint32_t durability)
{
	char instance[32];

	*ret = (struct contestant){.name = name};
	(void)snprintf(instance, sizeof instance, "bench-tcp-%u-%u", tier, durability);
	start(ret, node, node_spawn(node, instance, tier, durability), node->remote, CONNECTIONS);
}

void service_end(struct contestant *contestant)
{
	struct service *service = contestant->client;
	counter_state *final = NULL;

	for (size_t i = 0; i < CONNECTIONS; i++)
		counter_user_free(service->lanes[i].user);
	must(counter_stop(service->admin, &final), "Stop");
	if (final->value != service->added)
		fatal("%" PRId64 " calls were answered, the counter has %" PRId64, service->added,
		      final->value);
	counter_state_free(final);
	counter_admin_free(service->admin);
	for (size_t i = 0; i < service->n_ws; i++)
		wat_free(service->ws[i]);
	free(service);
	contestant->client = NULL;
}
