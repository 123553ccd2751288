/* service.c - a watd, and counters that libwat increments: every call is encoded, checked, decoded
 * and answered as in any program. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/child.h"
#include "tests/bench/contestants.h"

struct lane {
	counter_user *user;
	bool again; /* each answer is followed by a call */
	uint64_t n; /* answers */
};

struct service {
	wat *w;
	counter_admin *admin;
	struct lane lanes[CONNECTIONS];
	int64_t added;
};

static void must(int r, const char *what)
{
	if (r != 0)
		fatal("%s: %s", what, wat_failure()->text);
}

void node_start(struct node *ret, const char *dir)
{
	char state[128], run[128], log[128];
	char *arguments[] = {(char *)WAT_BUILD_DIR "/bin/watd",
			     (char *)"--state-dir",
			     state,
			     (char *)"--runtime-dir",
			     run,
			     (char *)"--plugin-dir",
			     (char *)WAT_BUILD_DIR "/plugins",
			     (char *)"--log-level",
			     (char *)"warning",
			     NULL};

	*ret = (struct node){0};
	(void)snprintf(state, sizeof state, "%s/state", dir);
	(void)snprintf(run, sizeof run, "%s/run", dir);
	(void)snprintf(log, sizeof log, "%s/watd.log", dir);
	(void)snprintf(ret->socket, sizeof ret->socket, "%s/run/watd.sock", dir);
	(void)snprintf(ret->admin_socket, sizeof ret->admin_socket, "%s/run/admin.sock", dir);
	ret->pid = child_start(arguments, log, NULL);
	child_wait_socket(ret->pid, ret->admin_socket);
	must(wat_connect(ret->admin_socket, &ret->w), "watd");
	must(wat_node_open(ret->w, &ret->node), "the node");
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

static uint64_t pipelined(struct service *service, double until)
{
	uint64_t n = 0;

	for (size_t i = 0; i < CONNECTIONS; i++)
		fill(&service->lanes[i]);
	while (now_s() < until)
		must(wat_dispatch(service->w, -1), "wat_dispatch");
	for (size_t i = 0; i < CONNECTIONS; i++)
		service->lanes[i].again = false;
	while (wat_outstanding(service->w) > 0)
		must(wat_dispatch(service->w, -1), "wat_dispatch");
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

void service_start(struct contestant *ret,
		   const char *name,
		   struct node *node,
		   uint32_t tier,
		   uint32_t durability)
{
	struct service *service = calloc(1, sizeof *service);
	char instance[32], user[32], *token = NULL;

	if (!service)
		fatal("no memory");
	*ret = (struct contestant){.name = name, .pid = node->pid, .run = run, .client = service};
	(void)snprintf(instance, sizeof instance, "bench-%u-%u", tier, durability);
	service->admin = node_spawn(node, instance, tier, durability);
	must(wat_connect(node->socket, &service->w), "watd");
	for (size_t i = 0; i < CONNECTIONS; i++) {
		counter_user *first;

		(void)snprintf(user, sizeof user, "u%zu", i);
		first = node_user(service->admin, user);
		must(counter_user_token(first, &token), user);
		must(counter_user_open(service->w, token, &service->lanes[i].user), user);
		counter_user_free(first);
		wat_memory_free(token);
	}
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
	wat_free(service->w);
	free(service);
	contestant->client = NULL;
}
