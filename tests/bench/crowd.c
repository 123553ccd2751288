/* crowd.c - many connections that lie idle. */
#include "tests/bench/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "proto/support/cleanup.h"
#include "tests/bench/machine.h"

/* Lanes of one grant are few by contract. */
#define CONNECTIONS_PER_GRANT 16u

struct member {
	wat *w;
	counter_user *user;
};

static char *make_token(counter_admin *admin, size_t i)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	char name[32], *token = NULL;

	(void)snprintf(name, sizeof name, "crowd-%zu", i);
	grant.name = name;
	if (wat_provision_raw((wat_capability *)admin, &grant, &token) != 0)
		fatal("Provision: %s", wat_failure()->text);
	return token;
}

static void join(struct member *member, const char *address, const char *token)
{
	if (wat_connect(address, &member->w) != 0 ||
	    counter_user_open(member->w, token, &member->user) != 0 ||
	    counter_increment_with(member->user, 1, NULL) != 0)
		fatal("one of many: %s", wat_failure()->text);
}

static double held_by(pid_t server)
{
	struct memory memory = tree_memory(server);

	return memory.pss > 0 ? memory.pss : memory.rss;
}

static void join_all(struct node *node,
		     counter_admin *admin,
		     bool tcp,
		     struct member *members,
		     size_t first,
		     size_t n)
{
	char *token = NULL;

	for (size_t i = first; i < n; i++) {
		if (!token || i % CONNECTIONS_PER_GRANT == 0) {
			wat_memory_free(token);
			token = make_token(admin, i);
		}
		join(&members[i], tcp ? node->remote : node->socket, token);
	}
	wat_memory_free(token);
}

void crowd_measure(const char *dir, bool tcp, size_t n, struct crowd *ret)
{
	_cleanup_(freep) struct member *members = calloc(n, sizeof *members);
	char own[128];
	struct node node;
	counter_admin *admin;
	double before;

	(void)snprintf(own, sizeof own, "%s/crowd-%s", dir, tcp ? "tcp" : "unix");
	if (!members || mkdir(own, 0700) < 0)
		fatal("%s", own);
	node_start(&node, own);
	admin = node_spawn(&node, "crowd", WAT_TIER_PROCESS, WAT_DURABILITY_DEFAULT);
	/* One before: what is made for the first is not for each. */
	join_all(&node, admin, tcp, members, 0, 1);
	before = held_by(node.pid);
	join_all(&node, admin, tcp, members, 1, n);
	ret->n = n;
	ret->all = held_by(node.pid);
	ret->added = ret->all - before;
	for (size_t i = 0; i < n; i++) {
		counter_user_free(members[i].user);
		wat_free(members[i].w);
	}
	counter_admin_free(admin);
	node_end(&node);
}
