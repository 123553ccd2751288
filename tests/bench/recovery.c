/* recovery.c - how long services are away when everything was killed. */
#include "tests/bench/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proto/support/cleanup.h"
#include "tally.client.h"

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

/* A journal of calls. */

#define CALLS_IN_FLIGHT 256u
#define PLUGINS WAT_BUILD_DIR "/tests/plugins"

static uint64_t journal_bytes(const char *dir)
{
	char path[192];
	const struct dirent *entry;
	uint64_t n = 0;
	DIR *files;

	(void)snprintf(path, sizeof path, "%s/state/journal", dir);
	files = opendir(path);
	if (!files)
		fatal("%s", path);
	while ((entry = readdir(files))) {
		struct stat st;

		if (fstatat(dirfd(files), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			n += (uint64_t)st.st_size;
	}
	(void)closedir(files);
	return n;
}

static void on_added(void *arg, int status, const tally_sum *out, const struct wat_failure *failure)
{
	(void)out;
	if (status != 0)
		fatal("Add: %s", failure->text);
	--*(size_t *)arg;
}

static void add_many(wat *w, tally_user *user, size_t n)
{
	tally_amount one = TALLY_AMOUNT_INIT;
	size_t open = 0;

	one.n = 1;
	while (n > 0 || open > 0) {
		for (; n > 0 && open < CALLS_IN_FLIGHT; n--, open++)
			if (tally_add_send(user, &one, on_added, &open) != 0)
				fatal("Add: %s", wat_failure()->text);
		if (wat_dispatch(w, -1) != 0)
			fatal("the channel: %s", wat_failure()->text);
	}
}

static char *tally_begin(struct node *node)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	tally_admin *admin;
	tally_user *user;
	char *token;

	grant.name = "u";
	if (tally_spawn(node->node, "replayed", NULL, NULL, &admin) != 0 ||
	    tally_provision(admin, &grant, &user) != 0 || tally_user_token(user, &token) != 0)
		fatal("a service with a journal of calls: %s", wat_failure()->text);
	tally_user_free(user);
	tally_admin_free(admin);
	return token;
}

static void expect_calls(const char *socket, const char *token, size_t n)
{
	tally_state *state;
	tally_user *user;
	wat *w;

	if (wat_connect(socket, &w) != 0)
		fatal("watd: %s", wat_failure()->text);
	wat_set_timeout(w, 600000);
	if (tally_user_open(w, token, &user) != 0 || tally_get(user, NULL, &state) != 0)
		fatal("the service is not back: %s", wat_failure()->text);
	if (state->calls != n)
		fatal("calls that were acknowledged are lost");
	tally_state_free(state);
	tally_user_free(user);
	wat_free(w);
}

/* In a directory of its own, which the caller makes a name of: how long until it is back. */
static double replay_once(const char *dir, size_t n, struct replayed *ret)
{
	_cleanup_(freep) char *token = NULL;
	struct node node;
	tally_user *user;
	double start;
	wat *w;

	if (mkdir(dir, 0700) < 0)
		fatal("%s", dir);
	node_start_with(&node, dir, PLUGINS);
	token = tally_begin(&node);
	if (wat_connect(node.socket, &w) != 0 || tally_user_open(w, token, &user) != 0)
		fatal("watd: %s", wat_failure()->text);
	/* Not before the channel has answered is watd needed no more. */
	add_many(w, user, 1);
	(void)kill(node.pid, SIGSTOP);
	start = now_s();
	add_many(w, user, n - 1);
	ret->calls_s = now_s() - start;
	ret->n_bytes = journal_bytes(dir);
	kill_all(&node);
	start = now_s();
	node_start_with(&node, dir, PLUGINS);
	expect_calls(node.socket, token, n);
	start = now_s() - start;
	tally_user_free(user);
	wat_free(w);
	node_end(&node);
	return start;
}

void recovery_measure_calls(const char *dir, size_t n, struct replayed *ret)
{
	char own[128];

	(void)snprintf(own, sizeof own, "%s/replayed-1", dir);
	ret->few_s = replay_once(own, 1, ret);
	(void)snprintf(own, sizeof own, "%s/replayed-n", dir);
	ret->all_s = replay_once(own, n, ret);
	ret->n = n;
}
