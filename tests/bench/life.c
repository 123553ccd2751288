/* life.c - beginnings, and what is idle. */
#include "tests/bench/life.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wat/token.h>

#include "proto/support/cleanup.h"
#include "tests/bench/child.h"
#include "tests/bench/machine.h"

/* Lanes of one grant are few by contract. */
#define CONNECTIONS_PER_GRANT 16u

static void spawn_once(struct node *node, uint32_t tier, size_t i, struct life *ret)
{
	double start = now_s(), spawned;
	counter_admin *admin;
	counter_user *user;
	char name[32];

	(void)snprintf(name, sizeof name, "spawn-%zu", i);
	admin = node_spawn(node, name, tier, WAT_DURABILITY_DEFAULT);
	spawned = now_s();
	user = node_user(admin, "first");
	if (counter_increment_with(user, 1, NULL) != 0)
		fatal("Increment: %s", wat_failure()->text);
	series_add(&ret->first_ms, (now_s() - start) * 1e3);
	series_add(&ret->spawn_ms, (spawned - start) * 1e3);
	counter_user_free(user);
	if (counter_stop(admin, NULL) != 0)
		fatal("Stop: %s", wat_failure()->text);
	counter_admin_free(admin);
}

/* What the processes and the kernel hold now. */
struct held {
	struct memory server, client;
	double kernel;
};

static struct held held_now(pid_t server)
{
	return (struct held){tree_memory(server), process_memory(getpid()), kernel_memory()};
}

static double share(double before, double after, size_t n)
{
	return after > before ? (after - before) / (double)n : 0;
}

/* Shared pages are no one's alone, so PSS where the kernel tells it. */
static double taken(const struct memory *before, const struct memory *after, size_t n)
{
	return before->pss > 0 && after->pss > 0 ? share(before->pss, after->pss, n)
						 : share(before->rss, after->rss, n);
}

static struct idle difference(const struct held *before, const struct held *after, size_t n)
{
	return (struct idle){
		.server = taken(&before->server, &after->server, n),
		.kernel = share(before->kernel, after->kernel, n),
		.client = taken(&before->client, &after->client, n),
	};
}

static void measure_instances(struct node *node, uint32_t tier, size_t n, struct life *ret)
{
	_cleanup_(freep) counter_admin **admins = calloc(n, sizeof(counter_admin *));
	struct held before = held_now(node->pid), after;
	char name[32];

	if (!admins)
		fatal("no memory");
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof name, "idle-%zu", i);
		admins[i] = node_spawn(node, name, tier, WAT_DURABILITY_DEFAULT);
	}
	after = held_now(node->pid);
	ret->instance = difference(&before, &after, n);
	ret->instance.client = 0;
	for (size_t i = 0; i < n; i++) {
		if (counter_stop(admins[i], NULL) != 0)
			fatal("Stop: %s", wat_failure()->text);
		counter_admin_free(admins[i]);
	}
}

/* The tokens of as many users as n connections need, so that only binding is measured. */
static char **make_tokens(counter_admin *admin, size_t n)
{
	char **tokens = calloc(n, sizeof *tokens);
	char name[32];

	if (!tokens)
		fatal("no memory");
	for (size_t i = 0; i < n; i++) {
		struct wat_grant grant = WAT_GRANT_INIT;

		(void)snprintf(name, sizeof name, "idle-%zu", i);
		grant.name = name;
		if (wat_provision_raw((wat_capability *)admin, &grant, &tokens[i]) != 0)
			fatal("Provision: %s", wat_failure()->text);
	}
	return tokens;
}

/* What a verification takes, as libsodium does it here and now. */
static void verify_once(struct life *ret)
{
	static uint8_t pk[32], sk[64], sig[64], message[48];
	static bool signed_once;
	double start;

	if (!signed_once) {
		(void)crypto_sign_keypair(pk, sk);
		(void)crypto_sign_detached(sig, NULL, message, sizeof message, sk);
		signed_once = true;
	}
	start = now_s();
	if (crypto_sign_verify_detached(sig, message, sizeof message, pk) != 0)
		fatal("libsodium does not verify");
	series_add(&ret->verify_us, (now_s() - start) * 1e6);
}

static void bind_once(wat *w, const char *token, struct series *bind_us)
{
	double start = now_s();
	counter_user *user;

	if (counter_user_open(w, token, &user) != 0)
		fatal("BIND: %s", wat_failure()->text);
	series_add(bind_us, (now_s() - start) * 1e6);
	counter_user_free(user);
}

static char *narrowed(const char *token, unsigned n)
{
	char *text = strdup(token), *next;

	for (unsigned i = 0; text && i < n; i++) {
		if (wat_token_attenuate(text, NULL, &next) != 0)
			fatal("a token: %s", wat_failure()->text);
		free(text);
		text = next;
	}
	if (!text)
		fatal("no memory");
	return text;
}

/* A bind of each length of chain and a verification in turn, so that they see the same machine. */
static void measure_binds(wat *w, const char *token, size_t n, struct life *ret)
{
	char *chains[LIFE_CHAINS];

	for (size_t i = 0; i < LIFE_CHAINS; i++)
		chains[i] = narrowed(token, life_delegations[i]);
	for (size_t i = 0; i < n; i++) {
		verify_once(ret);
		for (size_t j = 0; j < LIFE_CHAINS; j++)
			bind_once(w, chains[j], &ret->bind_chain_us[j]);
	}
	for (size_t i = 0; i < LIFE_CHAINS; i++)
		free(chains[i]);
}

static void bind_all(wat *w, char *const *tokens, counter_user **users, size_t n, struct life *ret)
{
	for (size_t i = 0; i < n; i++) {
		double start = now_s();

		if (counter_user_open(w, tokens[i / CONNECTIONS_PER_GRANT], &users[i]) != 0)
			fatal("BIND: %s", wat_failure()->text);
		series_add(&ret->bind_us, (now_s() - start) * 1e6);
		/* So that it is one that was used, and lies idle since. */
		if (counter_increment_with(users[i], 1, NULL) != 0)
			fatal("Increment: %s", wat_failure()->text);
	}
}

static void measure_connections(struct node *node, uint32_t tier, size_t n, struct life *ret)
{
	size_t n_tokens = (n + CONNECTIONS_PER_GRANT - 1) / CONNECTIONS_PER_GRANT;
	counter_admin *admin = node_spawn(node, "idle-connections", tier, WAT_DURABILITY_DEFAULT);
	_cleanup_(freep) counter_user **users = calloc(n, sizeof(counter_user *));
	char **tokens = make_tokens(admin, n_tokens);
	struct held before, after;
	wat *w = NULL;

	if (!users || wat_connect(node->socket, &w) != 0)
		fatal("watd: %s", wat_failure()->text);
	measure_binds(w, tokens[0], n < 200 ? n : 200, ret);
	before = held_now(node->pid);
	bind_all(w, tokens, users, n, ret);
	after = held_now(node->pid);
	ret->connection = difference(&before, &after, n);
	for (size_t i = 0; i < n; i++)
		counter_user_free(users[i]);
	wat_free(w);
	for (size_t i = 0; i < n_tokens; i++)
		wat_memory_free(tokens[i]);
	free(tokens);
	if (counter_stop(admin, NULL) != 0)
		fatal("Stop: %s", wat_failure()->text);
	counter_admin_free(admin);
}

void life_measure(struct node *node, uint32_t tier, const struct life_size *size, struct life *ret)
{
	*ret = (struct life){0};
	for (size_t i = 0; i < size->n_spawns; i++)
		spawn_once(node, tier, i, ret);
	measure_instances(node, tier, size->n_instances, ret);
	measure_connections(node, tier, size->n_connections, ret);
}

void life_connections(pid_t server, const char *path, size_t n, struct idle *ret)
{
	_cleanup_(freep) int *fds = calloc(n, sizeof *fds);
	struct held before = held_now(server), after;

	if (!fds)
		fatal("no memory");
	for (size_t i = 0; i < n; i++) {
		char answer[16];

		fds[i] = socket_connect(path);
		if (write(fds[i], "PING\r\n", 6) != 6 || read(fds[i], answer, sizeof answer) <= 0)
			fatal("%s does not answer", path);
	}
	after = held_now(server);
	*ret = difference(&before, &after, n);
	ret->client = 0;
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
}
