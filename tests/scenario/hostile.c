/* hostile.c - a watd, an innocent client, and others. Test's thread. */
#include "tests/scenario/hostile.h"

#include <dirent.h>
#include <errno.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/check.h"
#include "proto/stream_secure.h"

#define OTHER_UID 65534
#define OTHER_ADDRESS "127.0.0.2"
#define MAY_CALL 3u /* Count and Rings */

static void write_conf(const struct hostile *h, const char *conf)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/conf", h->daemon.dir);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/conf/watd.conf", h->daemon.dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "[watd]\n%s", conf);
	assert_int_equal(fclose(file), 0);
}

void hostile_reload(struct hostile *h, const char *conf)
{
	static struct test_output out;

	write_conf(h, conf);
	test_watctl(&h->daemon, &out, "reload", NULL);
	assert_int_equal(out.code, 0);
}

static bool is_child(pid_t pid, pid_t parent, char name[static 17])
{
	char path[64], line[256];
	FILE *file;
	int found;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(line, sizeof line, file) ||
	    sscanf(line, "%*d (%16[^)]) %*c %d", name, &found) != 2)
		found = 0;
	fclose(file);
	return found == parent;
}

/* The next child of watd from the entry on; 0: no more. */
static pid_t next_child(DIR *entries, pid_t watd, char name[static 17])
{
	struct dirent *entry;

	while ((entry = readdir(entries))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && is_child(pid, watd, name))
			return pid;
	}
	return 0;
}

static pid_t find_gate(pid_t watd)
{
	DIR *entries = opendir("/proc");
	char name[17];
	pid_t pid;

	assert_non_null(entries);
	while ((pid = next_child(entries, watd, name)) > 0 && strcmp(name, "watd-gate") != 0)
		;
	closedir(entries);
	return pid;
}

static long resident_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof line, file))
		(void)sscanf(line, "VmRSS: %ld kB", &kb);
	fclose(file);
	return kb;
}

long hostile_memory_kb(const struct hostile *h)
{
	DIR *entries = opendir("/proc");
	long kb = resident_kb(h->daemon.pid);
	char name[17];
	pid_t pid;

	assert_non_null(entries);
	while ((pid = next_child(entries, h->daemon.pid, name)) > 0)
		kb += resident_kb(pid);
	closedir(entries);
	return kb;
}

void hostile_assert_bounded(const struct hostile *h, long growth_kb)
{
	long growth = hostile_memory_kb(h) - h->memory_kb;

	if (growth > growth_kb)
		fail_msg("%ld KiB more than before", growth);
}

static size_t count_descriptors(pid_t pid)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static size_t count_all(const struct hostile *h)
{
	return count_descriptors(h->daemon.pid) + (h->gate ? count_descriptors(h->gate) : 0);
}

void hostile_await_settled(struct hostile *h)
{
	while (count_all(h) > h->n_fds)
		sched_yield();
	innocent_await(&h->innocent);
	hostile_assert_bounded(h, HOSTILE_GROWTH_KB);
}

static void spawn_forest(struct hostile *h)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	forest_admin *admin;
	wat_node *node;
	char *token;
	wat *w;

	assert_int_equal(wat_connect(h->daemon.admin_socket, &w), 0);
	assert_int_equal(wat_node_open(w, &node), 0);
	spawn.tier = WAT_TIER_PROCESS;
	assert_int_equal(forest_spawn(node, "forest", &spawn, NULL, &admin), 0);
	grant.name = "other";
	grant.methods = MAY_CALL;
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &h->token), 0);
	grant.name = "innocent";
	grant.methods = 0;
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token), 0);
	innocent_start(&h->innocent, h->daemon.socket, token);
	wat_memory_free(token);
	forest_admin_free(admin);
	wat_node_free(node);
	wat_free(w);
}

/* What a first client makes watd open for good is open, and the connection of the test has gone. */
static size_t count_at_rest(const struct hostile *h)
{
	size_t n = count_all(h), before;
	static struct test_output out;

	do {
		before = n;
		test_watctl(&h->daemon, &out, "status", NULL);
		assert_int_equal(out.code, 0);
		n = count_all(h);
	} while (n != before);
	return n;
}

int hostile_start(void **state, const char *conf)
{
	struct hostile *h = calloc(1, sizeof *h);

	test_daemon_init(&h->daemon, WAT_BUILD_DIR "/tests/plugins");
	write_conf(h, conf);
	test_daemon_start(&h->daemon);
	h->tcp = *h->daemon.socket != '/';
	spawn_forest(h);
	/* The innocent client is served, so it is there. */
	innocent_await(&h->innocent);
	h->gate = find_gate(h->daemon.pid);
	h->n_fds = count_at_rest(h);
	h->memory_kb = hostile_memory_kb(h);
	*state = h;
	return 0;
}

int hostile_tear_down(void **state)
{
	struct hostile *h = *state;

	innocent_await(&h->innocent);
	innocent_stop(&h->innocent);
	wat_memory_free(h->token);
	/* Whatever a peer sends, the gate says nothing wrong to watd. */
	assert_false(test_daemon_logged(&h->daemon, "the gate breaks the protocol"));
	assert_int_equal(test_daemon_terminate(&h->daemon), 0);
	test_daemon_deinit(&h->daemon);
	free(h);
	return 0;
}

bool hostile_has_elsewhere(void)
{
	const char *door = getenv("WAT_TEST_DOOR");

	return geteuid() == 0 || (door && strcmp(door, "tcp") == 0);
}

/* With all that root may, but as somebody else. */
static int reach_as_other(const char *path)
{
	int fd;

	assert_int_equal(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP), 0);
	assert_int_equal(seteuid(OTHER_UID), 0);
	fd = hand_reach(path);
	assert_int_equal(seteuid(0), 0);
	return fd;
}

int hostile_reach(const struct hostile *h, enum where where)
{
	if (where == HERE)
		return hand_reach(h->daemon.socket);
	if (h->tcp)
		return hand_dial_from(h->daemon.socket, OTHER_ADDRESS);
	return reach_as_other(h->daemon.socket);
}

static int limit_of(const char *text)
{
	for (unsigned i = 1; i < OVERLOADS_END; i++) {
		char expected[OVERLOAD_TEXT_MAX];

		if (strcmp(overload_text(i, expected), text) == 0)
			return (int)i;
	}
	return -1;
}

int hostile_limit(const struct hand *hand)
{
	bool goaway = hand->frame.type == FRAME_GOAWAY;
	ProtobufCMessage *message;
	const Wat__Envelope__GoAway *g;
	int limit;

	assert_true(goaway || hand->frame.type == FRAME_FAIL);
	assert_int_equal(check_unpack(goaway ? &wat__envelope__go_away__descriptor
					     : &wat__envelope__failure__descriptor,
				      NULL, hand->body, hand->frame.body_len, &message, NULL),
			 0);
	g = (const Wat__Envelope__GoAway *)message;
	assert_int_equal(goaway ? g->status : hand->frame.budget, WAT_OVERLOADED);
	limit = limit_of(goaway ? g->failure->text : ((Wat__Envelope__Failure *)message)->text);
	protobuf_c_message_free_unpacked(message, NULL);
	return limit;
}

int hostile_greet(const struct hostile *h, enum where where, struct hand *hand)
{
	static const uint8_t hello[] = {0x08, 0x01};
	int r = hand_begin(hand, h->daemon.socket, hostile_reach(h, where));

	if (r < 0)
		return r == -EUSERS ? (int)stream_secure_overload(&hand->stream) : -1;
	hand_queue(hand, (struct frame){.type = FRAME_HELLO}, hello, sizeof hello);
	if (!hand_read(hand))
		return -1;
	if (hand->frame.type == FRAME_GOAWAY)
		return hostile_limit(hand);
	hand_welcome(hand);
	return 0;
}

void hostile_user_open(const struct hostile *h, enum where where, struct hostile_user *user)
{
	assert_int_equal(hostile_greet(h, where, &user->control), 0);
	user->at = user->control.handles ? &user->control : &user->channel;
	if (user->control.handles)
		hand_bind_handle(&user->control, h->token);
	else
		hand_bind_user(&user->control, h->token, &user->channel);
}

void hostile_user_close(struct hostile_user *user)
{
	if (user->at != &user->control)
		hand_close(&user->channel);
	hand_close(&user->control);
}

size_t hostile_drain(int fd)
{
	char bytes[4096];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		all += (size_t)n;
	assert_true(n == 0 || errno == ECONNRESET);
	close(fd);
	return all;
}
