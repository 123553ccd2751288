/* recovery.c - how long services are away when everything was killed. */
#include "tests/bench/recovery.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proto/support/cleanup.h"

/* Begins it, adds 1, and goes: its User's token. */
static char *begin_one(struct node *node, uint32_t tier, size_t i)
{
	counter_admin *admin;
	counter_user *user;
	char name[32], *token = NULL;

	(void)snprintf(name, sizeof name, "recovered-%zu", i);
	admin = node_spawn(node, name, tier, WAT_DURABILITY_CRASH);
	user = node_user(admin, "u");
	if (counter_increment_with(user, 1, NULL) != 0 || counter_user_token(user, &token) != 0)
		fatal("%s: %s", name, wat_failure()->text);
	counter_user_free(user);
	counter_admin_free(admin);
	return token;
}

/* watd first: the hosts follow it. */
static void kill_all(struct node *node)
{
	(void)kill(node->pid, SIGKILL);
	while (waitpid(node->pid, NULL, 0) < 0 && errno == EINTR)
		;
	wat_node_free(node->node);
	wat_free(node->w);
}

static void expect_two(wat *w, const char *token)
{
	counter_user *user;
	int64_t value;

	if (counter_user_open(w, token, &user) != 0 || counter_increment_with(user, 1, &value) != 0)
		fatal("a service is not back: %s", wat_failure()->text);
	if (value != 2)
		fatal("a call that was acknowledged is lost");
	counter_user_free(user);
}

void recovery_measure(const char *dir, uint32_t tier, size_t n, struct recovery *ret)
{
	_cleanup_(freep) char **tokens = calloc(n, sizeof *tokens);
	char own[128];
	struct node node;
	wat *w = NULL;
	double start;

	(void)snprintf(own, sizeof own, "%s/recovery-%u", dir, tier);
	if (!tokens || mkdir(own, 0700) < 0)
		fatal("%s", own);
	node_start(&node, own);
	for (size_t i = 0; i < n; i++)
		tokens[i] = begin_one(&node, tier, i);
	kill_all(&node);
	start = now_s();
	node_start(&node, own);
	ret->n = n;
	ret->listens_s = now_s() - start;
	if (wat_connect(node.socket, &w) != 0)
		fatal("watd: %s", wat_failure()->text);
	for (size_t i = 0; i < n; i++)
		expect_two(w, tokens[i]);
	ret->all_s = now_s() - start;
	wat_free(w);
	for (size_t i = 0; i < n; i++)
		wat_memory_free(tokens[i]);
	node_end(&node);
}
