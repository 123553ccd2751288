/* remote.c - a watd that listens on TCP and on gate.sock. */
#include "tests/scenario/remote.h"
#include "tests/lib/door.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void write_conf(const struct remote *r, const char *listen, const char *more)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/conf", r->daemon.dir);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/conf/watd.conf", r->daemon.dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "[watd]\nlisten = %s\ngate-socket = %s\n%s", listen, r->gate_socket, more);
	assert_int_equal(fclose(file), 0);
}

static void read_address(struct remote *r)
{
	char path[128], line[4096];
	FILE *log;

	snprintf(path, sizeof path, "%s/log", r->daemon.dir);
	log = fopen(path, "r");
	assert_non_null(log);
	while (fgets(line, sizeof line, log)) {
		char *found = strstr(line, "listening address=");

		if (found)
			snprintf(r->address, sizeof r->address, "%.*s",
				 (int)strcspn(found + 18, " \n"), found + 18);
	}
	fclose(log);
	assert_int_equal(strncmp(r->address, "wat://", 6), 0);
}

static void take_node(struct remote *r)
{
	assert_int_equal(wat_connect(r->daemon.admin_socket, &r->admin_side), 0);
	assert_int_equal(wat_node_open(r->admin_side, &r->node), 0);
}

static int start(void **state, const char *more)
{
	struct remote *r = calloc(1, sizeof *r);
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	char place[32];

	test_daemon_init(&r->daemon, NULL);
	snprintf(r->gate_socket, sizeof r->gate_socket, "%s/run/gate.sock", r->daemon.dir);
	snprintf(place, sizeof place, "127.0.0.1:%u", door_free_port());
	write_conf(r, place, more);
	test_daemon_start(&r->daemon);
	read_address(r);
	take_node(r);
	spawn.tier = WAT_TIER_PROCESS;
	assert_int_equal(counter_spawn(r->node, "c1", &spawn, NULL, &r->admin), 0);
	*state = r;
	return 0;
}

int remote_set_up(void **state)
{
	return start(state, "");
}

int remote_set_up_open(void **state)
{
	return start(state, "insecure-loopback = yes\ngate-connections = 20\n"
			    "gate-connections-of-address = 10\n");
}

int remote_tear_down(void **state)
{
	struct remote *r = *state;

	counter_admin_free(r->admin);
	wat_node_free(r->node);
	wat_free(r->admin_side);
	/* Whatever a peer sends, the gate says nothing wrong to watd. */
	assert_false(test_daemon_logged(&r->daemon, "the gate breaks the protocol"));
	test_daemon_deinit(&r->daemon);
	free(r);
	return 0;
}

void remote_configure(const struct remote *r)
{
	write_conf(r, strchr(r->address, '@') + 1, "");
}

void remote_start_again(struct remote *r)
{
	remote_configure(r);
	test_daemon_start(&r->daemon);
}

char *remote_token(struct remote *r, const char *user)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_user *given;
	char *token;

	grant.name = user;
	assert_int_equal(counter_provision(r->admin, &grant, &given), 0);
	assert_int_equal(counter_user_token(given, &token), 0);
	counter_user_free(given);
	return token;
}

/* -1: not now. */
pid_t remote_find_gate(pid_t watd)
{
	DIR *entries = opendir("/proc");
	struct dirent *entry;
	pid_t found = -1;

	assert_non_null(entries);
	while (found < 0 && (entry = readdir(entries))) {
		char path[300], line[256];
		int pid, parent;
		FILE *file;

		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		file = *entry->d_name >= '1' && *entry->d_name <= '9' ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		if (fgets(line, sizeof line, file) &&
		    sscanf(line, "%d (watd-gate) %*c %d", &pid, &parent) == 2 && parent == watd)
			found = pid;
		fclose(file);
	}
	closedir(entries);
	return found;
}

pid_t remote_gate(const struct remote *r)
{
	pid_t gate = remote_find_gate(r->daemon.pid);

	assert_true(gate > 0);
	return gate;
}

void remote_wait_gate(const struct remote *r, pid_t before)
{
	pid_t gate;

	while ((gate = remote_find_gate(r->daemon.pid)) < 0 || gate == before)
		sched_yield();
}

counter_user *remote_user(const char *address, const char *token, wat **ret)
{
	counter_user *user = NULL;
	int r = wat_connect(address, ret);

	if (r != 0)
		fail_msg("%s: %s", address, wat_failure()->text);
	assert_int_equal(counter_user_open(*ret, token, &user), 0);
	return user;
}

int64_t remote_get(counter_user *user)
{
	int64_t value = -1;
	int r = counter_get_with(user, &value);

	if (r != 0)
		fail_msg("Get: %d %s", r, wat_failure()->text);
	return value;
}
